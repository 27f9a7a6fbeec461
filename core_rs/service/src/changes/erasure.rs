//! Whose texts an erasure is about.

use creditgate_engine::bounds::ERASED_ENTRIES_MAX;
use creditgate_engine::entry::Entry;
use creditgate_engine::values::Seq;
use creditgate_store::{Journal, StoreError};

use super::books::accounts_of;
use crate::wire::status::Fault;

/// An erasure whose texts are to be found.
pub(crate) struct Erasure {
    /// Empty where entries are named.
    pub(crate) account_id: String,
    /// The entries that are named, in order; none where an account is.
    pub(crate) named: Vec<Seq>,
    /// As it came.
    pub(crate) request: Vec<u8>,
    pub(crate) actor: String,
}

impl Erasure {
    /// The entries up to `up_to` whose texts go; `None` where `goes_on` says that nobody waits.
    pub(super) fn find(
        &self,
        journal: &Journal,
        up_to: Seq,
        goes_on: impl Fn() -> bool,
    ) -> Result<Option<Vec<Seq>>, Fault> {
        let unreadable = |error: StoreError| Fault::journal_unreadable(&error);
        if self.named.is_empty() {
            let is_about = |entry: &Entry<'_>| accounts_of(entry).contains(&&*self.account_id);
            let found = journal.with_texts(up_to, ERASED_ENTRIES_MAX, goes_on, is_about);
            return found.map_err(unreadable);
        }
        if let Some(seq) = self.named.iter().find(|seq| !(1..=up_to).contains(*seq)) {
            return Err(Fault::entry_not_found("journal_seqs", *seq));
        }
        // An account's texts stand in its records too, which do not say by which entry they came.
        let mut of_account = None;
        let seen = journal.look_at(&self.named, goes_on, |seq, entry| {
            of_account = accounts_of(entry).first().map(|id| (seq, (*id).to_owned()));
            of_account.is_none()
        });
        let seen = seen.map_err(unreadable)?;
        if let Some((seq, account_id)) = of_account {
            let rule = format!("an entry about no account: give account_id {account_id:?} instead");
            return Err(Fault::field("journal_seqs", seq, &rule));
        }
        if !seen {
            return Ok(None);
        }
        journal.that_have_texts(&self.named).map(Some).map_err(unreadable)
    }
}
