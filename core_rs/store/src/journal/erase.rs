//! Texts that go: names and reasons beside the chain, which stays whole.

use std::ops::{Bound, ControlFlow};

use creditgate_engine::command::Command;
use creditgate_engine::entry::Entry;
use creditgate_engine::values::Seq;
use heed::RwTxn;

use super::{Journal, text_key};
use crate::error::StoreError;
use crate::text::TextField;

/// In `meta`: texts that this commit, or a later one, says to erase may still be there.
pub(crate) const ERASING: &str = "erasing";

/// How many texts are looked at in one read transaction.
const TEXTS_PER_LOOK: usize = 4_096;

impl Journal {
    /// The entries whose texts were to be erased when the process ended.
    pub(super) fn left_to_erase(&self, last_seq: Seq) -> Result<Vec<Seq>, StoreError> {
        let since = self.meta.get(&*self.read_txn()?, ERASING).map_err(self.lmdb())?;
        let mut found = Vec::new();
        if let Some(since) = since.filter(|since| *since <= last_seq) {
            self.read(since, |commit| {
                for entry in &commit.entries {
                    if let Command::EraseTexts(command) = &entry.request.command {
                        found.extend(&command.entries);
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(found)
    }

    /// Notes, before the commit at `seq` says so, that texts are to be erased.
    pub(crate) fn will_erase(&self, seq: Seq) -> Result<(), StoreError> {
        let mut wtxn = self.write_txn()?;
        // What could not be erased yet began earlier.
        if self.meta.get(&wtxn, ERASING).map_err(self.lmdb())?.is_none() {
            self.meta.put(&mut wtxn, ERASING, &seq).map_err(self.lmdb())?;
        }
        wtxn.commit().map_err(self.lmdb())
    }

    /// Removes the texts of entries, as the journal says.
    pub(crate) fn erase(&self, entries: &[Seq]) -> Result<(), StoreError> {
        let mut wtxn = self.write_txn()?;
        self.remove_texts(&mut wtxn, entries)?;
        wtxn.commit().map_err(self.lmdb())
    }

    pub(super) fn remove_texts(
        &self,
        wtxn: &mut RwTxn<'_>,
        entries: &[Seq],
    ) -> Result<(), StoreError> {
        for seq in entries {
            for field in [TextField::Name, TextField::Reason] {
                self.texts.delete(wtxn, &text_key(*seq, field)).map_err(self.lmdb())?;
            }
        }
        self.meta.delete(wtxn, ERASING).map(drop).map_err(self.lmdb())
    }

    /// The entries up to `up_to` with texts that `is_wanted` says are wanted, at most `max`; `None`
    /// where `goes_on`, which is asked before each commit, says that nobody waits any more.
    ///
    /// # Errors
    ///
    /// As for [`Journal::read`], also where the file of an entry with a text is not at hand.
    pub fn with_texts(
        &self,
        up_to: Seq,
        max: usize,
        goes_on: impl Fn() -> bool,
        is_wanted: impl Fn(&Entry<'_>) -> bool,
    ) -> Result<Option<Vec<Seq>>, StoreError> {
        let (mut found, mut next) = (Vec::new(), 0);
        loop {
            let mut some = self.text_seqs(next)?;
            let Some(last) = some.last() else { return Ok(Some(found)) };
            next = last + 1;
            some.retain(|seq| *seq <= up_to);
            let seen = self.look_at(&some, &goes_on, |seq, entry| {
                if is_wanted(entry) {
                    found.push(seq);
                }
                found.len() < max
            })?;
            if !seen {
                return Ok(None);
            }
            if found.len() >= max {
                return Ok(Some(found));
            }
        }
    }

    /// Gives `seen` the entries of `seqs`, which are in order, without the bodies of their texts,
    /// until it is enough; `false` where `goes_on`, which is asked before each commit, says that
    /// nobody waits any more.
    ///
    /// # Errors
    ///
    /// As for [`Journal::read`], also where an entry is not at hand.
    pub fn look_at(
        &self,
        seqs: &[Seq],
        goes_on: impl Fn() -> bool,
        mut seen: impl FnMut(Seq, &Entry<'_>) -> bool,
    ) -> Result<bool, StoreError> {
        let mut left = seqs;
        while let Some(first) = left.first() {
            if !goes_on() {
                return Ok(false);
            }
            let in_commit = self.with_commit(*first, |key, value| {
                let commit = self.decode(key, value)?;
                let here = left.partition_point(|seq| *seq <= commit.head.last_seq());
                let entries = left[..here].iter().filter_map(|seq| {
                    let index = seq.checked_sub(commit.head.first_seq)?;
                    Some((*seq, commit.entries.get(index as usize)?))
                });
                for (seq, entry) in entries {
                    if !seen(seq, entry) {
                        return Ok(left.len());
                    }
                }
                Ok(here)
            })?;
            // Whose text it is nobody can tell then, and to leave it would be to say too much.
            let here = in_commit.filter(|here| *here > 0).ok_or_else(|| self.missing(*first))?;
            left = &left[here..];
        }
        Ok(true)
    }

    /// Those of some entries that have texts.
    ///
    /// # Errors
    ///
    /// I/O errors.
    pub fn that_have_texts(&self, seqs: &[Seq]) -> Result<Vec<Seq>, StoreError> {
        let rtxn = self.read_txn()?;
        let mut found = Vec::new();
        for seq in seqs {
            for field in [TextField::Name, TextField::Reason] {
                let text = self.texts.get(&rtxn, &text_key(*seq, field)).map_err(self.lmdb())?;
                found.extend(text.map(|_| *seq));
            }
        }
        found.dedup();
        Ok(found)
    }

    fn missing(&self, seq: Seq) -> StoreError {
        StoreError::FileMissing { path: self.segments.archive_folder().into(), seq }
    }

    /// The next entries from `from` on that have texts; none: there are no more.
    fn text_seqs(&self, from: Seq) -> Result<Vec<Seq>, StoreError> {
        let rtxn = self.read_txn()?;
        let first = from.to_be_bytes();
        let range = (Bound::Included(&first[..]), Bound::Unbounded);
        let mut found = Vec::new();
        for row in self.texts.range(&rtxn, &range).map_err(self.lmdb())?.take(TEXTS_PER_LOOK) {
            let (key, _) = row.map_err(self.lmdb())?;
            found.extend(key.first_chunk().map(|seq| Seq::from_be_bytes(*seq)));
        }
        found.dedup();
        Ok(found)
    }
}
