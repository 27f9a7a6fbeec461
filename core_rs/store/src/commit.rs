//! What one commit looks like in the journal.
//!
//! A value is the SHA-256 of the body, then the body: a msgpack map of `format`, `epoch`,
//! `first_seq`, `time`, `prev_hash` and `entries`, in this order. The digest is what the next
//! commit's `prev_hash` holds; kept beside the body it also proves the newest commit.

use std::ops::Range;
use std::path::Path;

use creditgate_engine::entry::Entry;
use creditgate_engine::values::{Micros, Seq};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::msgpack;
use crate::unpack;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// The journal format that this version writes, and the only one it reads.
pub const FORMAT: u64 = 1;

/// Before the first commit.
pub(crate) const NO_HASH: Digest = [0; 32];

/// All of a commit but its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Counts how often the store was opened.
    pub epoch: u64,
    /// Of the first entry.
    pub first_seq: Seq,
    /// Of all entries.
    pub time: Micros,
    /// Digest of the commit before; zeros for the first.
    pub prev_hash: Digest,
    /// Number of entries; at least one.
    pub count: u32,
}

impl Head {
    /// Of the last entry.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.first_seq + u64::from(self.count) - 1
    }
}

/// A commit, read and verified, its texts put back.
pub struct Commit<'t> {
    /// Under which it stands; the first sequence, if nobody moved it.
    pub(crate) key: Seq,
    /// All but the entries.
    pub head: Head,
    /// Digest of the body.
    pub hash: Digest,
    /// In order; the first stands at `head.first_seq`.
    pub entries: Vec<Entry<'t>>,
}

/// What stands on disk.
#[derive(Deserialize)]
struct Body<E> {
    format: u64,
    epoch: u64,
    first_seq: Seq,
    time: Micros,
    #[serde(with = "serde_bytes")]
    prev_hash: Digest,
    entries: Vec<E>,
}

impl<E> Body<E> {
    fn head(&self) -> Head {
        let Body { epoch, first_seq, time, prev_hash, .. } = *self;
        let count = u32::try_from(self.entries.len()).expect("msgpack counts in 32 bits");
        Head { epoch, first_seq, time, prev_hash, count }
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u64,
}

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Format(u64),
    Differs(String),
}

impl Broken {
    /// The error that names the journal and the commit.
    pub(crate) fn of(self, path: &Path, first_seq: Seq) -> StoreError {
        let path = path.into();
        match self {
            Broken::Format(found) => StoreError::UnknownFormat { path, found, known: FORMAT },
            Broken::Differs(what) => StoreError::Damaged { path, first_seq, what },
        }
    }
}

/// The value for a commit whose entries, each encoded, stand one after the other in `entries`.
#[must_use]
pub fn encode(head: &Head, entries: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(NO_HASH.len() + 160 + entries.len());
    value.extend_from_slice(&NO_HASH);
    encode_head(&mut value, head);
    value.extend_from_slice(entries);
    let digest: Digest = Sha256::digest(&value[NO_HASH.len()..]).into();
    value[..NO_HASH.len()].copy_from_slice(&digest);
    value
}

/// Everything before the first entry. The map's and the array's own heads are written by hand:
/// rmp-serde can only write them together with what they hold, and that is encoded already.
fn encode_head(body: &mut Vec<u8>, head: &Head) {
    const MAP_OF_SIX: u8 = 0x86;
    const ARRAY_32: u8 = 0xdd;
    body.push(MAP_OF_SIX);
    put(body, "format", &FORMAT);
    put(body, "epoch", &head.epoch);
    put(body, "first_seq", &head.first_seq);
    put(body, "time", &head.time);
    put(body, "prev_hash", serde_bytes::Bytes::new(&head.prev_hash));
    append(body, "entries");
    body.push(ARRAY_32);
    body.extend_from_slice(&head.count.to_be_bytes());
}

fn put<T: Serialize + ?Sized>(body: &mut Vec<u8>, key: &str, value: &T) {
    append(body, key);
    append(body, value);
}

/// Appends one value in msgpack.
pub fn append<T: Serialize + ?Sized>(to: &mut Vec<u8>, value: &T) {
    msgpack::append(to, value).expect("records hold nothing else");
}

/// The digest and body of a value, once the digest fits.
pub(crate) fn verify(value: &[u8]) -> Result<(Digest, &[u8]), Broken> {
    let Some((digest, body)) = value.split_first_chunk::<32>() else {
        return Err(Broken::Differs(format!("it has only {} bytes", value.len())));
    };
    let found: Digest = Sha256::digest(body).into();
    if found != *digest {
        let what = format!("its SHA-256 is {}, not {} as written", hex(&found), hex(digest));
        return Err(Broken::Differs(what));
    }
    Ok((found, body))
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_body<'a, E: Deserialize<'a>>(body: &'a [u8]) -> Result<Body<E>, Broken> {
    let read = unpack::read::<Body<E>>(body);
    // Another format may have other fields: then the format is what to name.
    let format = match &read {
        Ok(read) => read.format,
        Err(_) => unpack::read::<FormatOnly>(body).map_or(FORMAT, |only| only.format),
    };
    if format != FORMAT {
        return Err(Broken::Format(format));
    }
    read.map_err(|error| Broken::Differs(format!("it cannot be read: {error}")))
}

/// The head of a body, read past its entries.
pub(crate) fn decode_head(body: &[u8]) -> Result<Head, Broken> {
    Ok(decode_body::<IgnoredAny>(body)?.head())
}

/// A body with all its entries, or with what `E` takes of each; texts without their bodies.
pub(crate) fn decode<'a, E: Deserialize<'a>>(body: &'a [u8]) -> Result<(Head, Vec<E>), Broken> {
    let body = decode_body::<E>(body)?;
    Ok((body.head(), body.entries))
}

/// Where in a body each of its entries stands.
pub(crate) fn entry_ranges(head: &Head, body: &[u8]) -> Result<Vec<Range<usize>>, Broken> {
    let mut before = Vec::new();
    encode_head(&mut before, head);
    // What was written here is written the same way again: its length is where the entries begin.
    if !body.starts_with(&before) {
        return Err(Broken::Differs("its head is not as this version writes it".to_owned()));
    }
    let (mut ranges, mut start) = (Vec::with_capacity(head.count as usize), before.len());
    for _ in 0..head.count {
        let entry = unpack::first(&body[start..])
            .map_err(|error| Broken::Differs(format!("an entry cannot be read: {error}")))?;
        ranges.push(start..start + entry.len());
        start += entry.len();
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use creditgate_engine::command::{Command, Release, RequestKey, Target};
    use creditgate_engine::entry::Request;
    use creditgate_engine::outcome::Outcome;

    use super::*;

    fn entry(id: &str) -> Entry<'_> {
        let request = RequestKey { id, row: 0, call: 0 };
        let release = Release { request, target: Target::Id(9), amount: None };
        let command = Command::Release(release);
        let request = Request { command, actor: "ada", channel: "web", reason: None };
        Entry { request, policy_version: 1, outcome: Outcome::Done, events: Vec::new() }
    }

    fn head(count: u32) -> Head {
        Head { epoch: 3, first_seq: 70_000, time: -5, prev_hash: [0xab; 32], count }
    }

    fn two() -> (Vec<u8>, [Entry<'static>; 2]) {
        let entries = [entry("first"), entry("second")];
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| append(&mut bytes, entry));
        (encode(&head(2), &bytes), entries)
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let (value, entries) = two();
        let (digest, body) = verify(&value).expect("it is whole");
        assert_eq!(digest[..], value[..32]);
        assert_eq!(decode_head(body), Ok(head(2)));
        let (found, read) = decode::<Entry<'_>>(body).expect("it is whole");
        assert_eq!((found, &read[..]), (head(2), &entries[..]));
        assert_eq!(found.last_seq(), 70_001);
        for (range, entry) in entry_ranges(&head(2), body).expect("whole").into_iter().zip(entries)
        {
            assert_eq!(rmp_serde::from_slice::<Entry<'_>>(&body[range]).expect("whole"), entry);
        }
    }

    #[test]
    fn a_body_is_a_map_in_documented_order() {
        let (value, _) = two();
        let body = &value[32..];
        assert!(
            body.starts_with(b"\x86\xa6format\x01\xa5epoch\x03\xa9first_seq\xce\x00\x01\x11\x70")
        );
        assert!(body[36..].starts_with(b"\xfb\xa9prev_hash\xc4\x20\xab"));
    }

    #[test]
    fn every_altered_bit_is_found() {
        let (value, _) = two();
        for bit in 0..value.len() * 8 {
            let mut altered = value.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(verify(&altered), Err(Broken::Differs(_))), "bit {bit}");
        }
        assert!(verify(&value[..31]).is_err());
    }

    #[test]
    fn another_format_is_named_whatever_else_it_holds() {
        let body = b"\x82\xa6format\x02\xa3new\x01";
        assert_eq!(decode_head(body), Err(Broken::Format(2)));
        assert!(matches!(decode_head(b"\x90"), Err(Broken::Differs(_))));
    }
}
