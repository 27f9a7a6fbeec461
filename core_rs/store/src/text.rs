//! Names and free text: salted digests in the chain, bodies beside it.

use creditgate_engine::command::Command;
use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::event::{CaseEvent, Event};
use creditgate_engine::values::{Seq, Text, TextBody};
use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::journal::TextRow;

/// Length of a salt, in bytes.
pub const SALT_BYTES: usize = 16;

/// Which text of an entry; part of its key in the journal's `texts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    /// An account's name.
    Name = 0,
    /// The reason that a caller gave.
    Reason = 1,
}

/// A text with the digest that stands for it in the chain. The salt should be random.
#[must_use]
pub fn seal(salt: [u8; SALT_BYTES], text: &str) -> Text<'_> {
    Text { digest: digest(&salt, text), body: Some(TextBody { salt, text }) }
}

fn digest(salt: &[u8; SALT_BYTES], text: &str) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(text).finalize().into()
}

/// What `texts` holds for a text: salt, then UTF-8; `None` when its body is unknown.
pub(crate) fn to_bytes(text: &Text<'_>) -> Option<Vec<u8>> {
    let TextBody { salt, text: body } = text.body?;
    debug_assert_eq!(text.digest, digest(&salt, body), "a text is sealed before it is journalled");
    Some([&salt[..], body.as_bytes()].concat())
}

/// The rows of `texts` as they were kept.
pub(crate) fn text_rows<'t>(
    rows: impl Iterator<Item = Result<(&'t [u8], &'t [u8]), StoreError>>,
) -> Result<Vec<TextRow>, StoreError> {
    let row = |(key, bytes): (&[u8], &[u8])| {
        let (seq, field) = key.split_first_chunk()?;
        let field = match field {
            [0] => TextField::Name,
            [1] => TextField::Reason,
            _ => return None,
        };
        Some(TextRow { seq: Seq::from_be_bytes(*seq), field, bytes: bytes.to_vec() })
    };
    rows.filter_map(|found| found.map(row).transpose()).collect()
}

fn from_bytes<'a>(bytes: &'a [u8], digest_in_chain: [u8; 32]) -> Option<TextBody<'a>> {
    let (salt, text) = bytes.split_first_chunk::<SALT_BYTES>()?;
    let text = std::str::from_utf8(text).ok()?;
    (digest(salt, text) == digest_in_chain).then_some(TextBody { salt: *salt, text })
}

/// The texts of a request, for the journal.
pub(crate) fn of_request<'a>(
    request: &Request<'a>,
) -> impl Iterator<Item = (TextField, Text<'a>)> + use<'a> {
    let name = match &request.command {
        Command::UpsertAccount(command) | Command::SyncAccount(command) => command.name.flatten(),
        _ => None,
    };
    let reason = request.reason;
    [(TextField::Name, name), (TextField::Reason, reason)]
        .into_iter()
        .filter_map(|(field, text)| Some((field, text?)))
}

/// Puts bodies back into an entry as it was decoded. `fetch` gives what `texts` holds, `None` where
/// it was erased; `damaged` names a body that does not fit its digest.
pub(crate) fn restore<'a>(
    entry: &mut Entry<'a>,
    mut fetch: impl FnMut(TextField) -> Result<Option<&'a [u8]>, StoreError>,
    damaged: impl Fn(TextField) -> StoreError,
) -> Result<(), StoreError> {
    if of_request(&entry.request).next().is_none() {
        return Ok(());
    }
    let (mut name, mut reason) = (None, None);
    for (field, text) in of_request(&entry.request) {
        let Some(bytes) = fetch(field)? else { continue };
        let body = from_bytes(bytes, text.digest).ok_or_else(|| damaged(field))?;
        match field {
            TextField::Name => name = Some(body),
            TextField::Reason => reason = Some(body),
        }
    }
    let give = |text: Option<&mut Text<'a>>, body| {
        if let Some(text) = text {
            text.body = body;
        }
    };
    if let Command::UpsertAccount(command) | Command::SyncAccount(command) =
        &mut entry.request.command
    {
        give(command.name.as_mut().and_then(Option::as_mut), name);
    }
    give(entry.request.reason.as_mut(), reason);
    for event in &mut entry.events {
        match event {
            Event::AccountSet { name: text, .. } => {
                give(text.as_mut().and_then(Option::as_mut), name);
            }
            Event::StatusSet { reason: text, .. }
            | Event::HoldPlaced { reason: text, .. }
            | Event::LimitProposed { reason: text, .. }
            | Event::Case(CaseEvent::Noted { text, .. }) => {
                give(text.as_mut(), reason);
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_back_only_with_its_own_digest() {
        let text = seal([7; SALT_BYTES], "Müller & Söhne");
        let bytes = to_bytes(&text).expect("it has a body");
        assert_eq!(from_bytes(&bytes, text.digest), text.body);
        let mut altered = bytes.clone();
        altered[20] ^= 1;
        assert_eq!(from_bytes(&altered, text.digest), None);
        assert_eq!(from_bytes(&bytes[..10], text.digest), None);
    }

    #[test]
    fn equal_texts_of_different_salts_have_different_digests() {
        assert_ne!(seal([1; SALT_BYTES], "a").digest, seal([2; SALT_BYTES], "a").digest);
    }
}
