//! Looking up what was answered before.

use std::ops::Range;

use creditgate_engine::command::Identity;
use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::outcome::Outcome;
use creditgate_engine::values::{Micros, Seq};

use crate::commit::{self, Broken};
use crate::error::StoreError;
use crate::journal::Journal;
use crate::pending::Pending;
use crate::unpack;

/// A stored answer.
pub(crate) struct Stored {
    pub(crate) time: Micros,
    pub(crate) policy_version: u64,
    pub(crate) outcome: Outcome,
}

/// Finds stored entries. The commit read last is kept: a bulk load that is repeated asks for entry
/// after entry of the same commits, and each would have to be verified as a whole again.
#[derive(Default)]
pub(crate) struct Repeats {
    recent: Option<Recent>,
}

struct Recent {
    first_seq: Seq,
    time: Micros,
    body: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Repeats {
    /// The answer to the entry at `seq`, if `request` asks for the same. `pending`: the commit
    /// that holds it, where that is not on disk yet.
    pub(crate) fn find(
        &mut self,
        journal: &Journal,
        pending: Option<&Pending>,
        seq: Seq,
        request: &Request<'_>,
    ) -> Result<Option<Stored>, StoreError> {
        if let Some(pending) = pending {
            return Ok(compare(request, pending.entry(seq), pending.time));
        }
        let recent = self.recent(journal, seq)?;
        let rtxn = journal.read_txn()?;
        let mut entry = recent.entry(journal, seq)?;
        journal.restore_texts(&rtxn, recent.first_seq, seq, &mut entry)?;
        Ok(compare(request, entry, recent.time))
    }

    /// The digest of the call that the entry at `seq` was a row of; 0: of none. `pending` as above.
    pub(crate) fn call(
        &mut self,
        journal: &Journal,
        pending: Option<&Pending>,
        seq: Seq,
    ) -> Result<u64, StoreError> {
        let call_of = |entry: &Entry<'_>| match entry.request.command.identity() {
            Identity::Request(key) => key.call,
            Identity::Entry { .. } | Identity::None => 0,
        };
        if let Some(pending) = pending {
            return Ok(call_of(&pending.entry(seq)));
        }
        Ok(call_of(&self.recent(journal, seq)?.entry(journal, seq)?))
    }

    /// The commit that holds `seq`.
    fn recent(&mut self, journal: &Journal, seq: Seq) -> Result<&Recent, StoreError> {
        let recent = match self.recent.take() {
            Some(recent) if recent.holds(seq) => recent,
            _ => Recent::read(journal, seq)?,
        };
        Ok(self.recent.insert(recent))
    }
}

fn compare(request: &Request<'_>, entry: Entry<'_>, time: Micros) -> Option<Stored> {
    let Entry { request: before, policy_version, outcome, .. } = entry;
    request.is_repeat_of(&before).then_some(Stored { time, policy_version, outcome })
}

impl Recent {
    fn read(journal: &Journal, seq: Seq) -> Result<Recent, StoreError> {
        let missing = || Broken::Differs(format!("sequence {seq} is not in it any more"));
        let read = |value: &[u8]| {
            let (_, body) = commit::verify(value)?;
            let head = commit::decode_head(body)?;
            let ranges = commit::entry_ranges(&head, body)?;
            let (first_seq, time) = (head.first_seq, head.time);
            let recent = Recent { first_seq, time, body: body.to_vec(), ranges };
            if recent.holds(seq) { Ok(recent) } else { Err(missing()) }
        };
        let found = journal.with_commit(seq, |key, value| {
            read(value).map_err(|broken| journal.broken(key, broken))
        })?;
        found.ok_or_else(|| journal.broken(seq, missing()))
    }

    fn holds(&self, seq: Seq) -> bool {
        seq.checked_sub(self.first_seq).is_some_and(|index| index < self.ranges.len() as u64)
    }

    fn entry(&self, journal: &Journal, seq: Seq) -> Result<Entry<'_>, StoreError> {
        let range = self.ranges[(seq - self.first_seq) as usize].clone();
        unpack::read(&self.body[range]).map_err(|error| {
            let what = format!("entry {seq} cannot be read: {error}");
            journal.broken(self.first_seq, Broken::Differs(what))
        })
    }
}
