//! The tail of the journal, read at a start.

use std::collections::VecDeque;

use creditgate_engine::command::Identity;
use creditgate_engine::entry::Request;
use creditgate_engine::event::Event;
use creditgate_engine::values::{Micros, Seq};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::ahead;
use crate::commit::{self, Broken, Commit, Digest, Head};
use crate::error::StoreError;
use crate::journal::{Journal, Link};
use crate::text;
use crate::window::{self, HashKey, Key, Windows};

/// How much of a commit a replay decodes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// What a start needs. An outcome that cannot be read is met by who asks for it.
    Facts,
    /// All there is, for whoever wants to know that all can be read.
    Everything,
}

/// What a replay needs of a commit. Its events stand in one row: to move and free the entries of
/// millions from one thread to the other costs as much as to decode them.
pub(crate) struct Replayed<'t> {
    pub(crate) head: Head,
    pub(crate) hash: Digest,
    pub(crate) events: Vec<Event<'t>>,
    /// One for each entry.
    pub(crate) keys: Vec<Key>,
    /// All of it where its texts are still to be put back, or all is to be looked at.
    whole: Option<Commit<'t>>,
}

/// What a replay needs of an entry. What was decided is of no use to it.
#[derive(Deserialize)]
struct Fact<'t> {
    #[serde(borrow)]
    request: Named<'t>,
    _policy_version: IgnoredAny,
    _outcome: IgnoredAny,
    events: Vec<Event<'t>>,
}

/// What a replay needs of a request.
struct Named<'t> {
    identity: Identity<'t>,
    has_texts: bool,
}

impl<'de: 't, 't> Deserialize<'de> for Named<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let request = Request::deserialize(deserializer)?;
        let has_texts = text::of_request(&request).next().is_some();
        Ok(Named { identity: request.command.identity(), has_texts })
    }
}

impl<'t> Replayed<'t> {
    fn of(
        key: Seq,
        value: &'t [u8],
        hash_key: &HashKey,
        reading: Reading,
    ) -> Result<Replayed<'t>, Broken> {
        let (hash, body) = commit::verify(value)?;
        let (head, facts) = commit::decode::<Fact<'t>>(body)?;
        let (mut events, mut keys) = (Vec::with_capacity(facts.len()), Vec::new());
        let mut has_texts = false;
        for Fact { request, events: mut happened, .. } in facts {
            keys.push(window::key(hash_key, &request.identity));
            has_texts |= request.has_texts;
            events.append(&mut happened);
        }
        let mut whole = None;
        if has_texts || reading == Reading::Everything {
            let (_, entries) = commit::decode(body)?;
            whole = Some(Commit { key, head, hash, entries });
        }
        Ok(Replayed { head, hash, events, keys, whole })
    }
}

/// Calls `seen` for every commit after `last`, in order, each verified to follow from the one
/// before, with the keys of its names; returns the end of the chain.
///
/// # Errors
///
/// [`StoreError::Damaged`] and [`StoreError::UnknownFormat`] for a commit that cannot be served;
/// I/O errors.
pub(crate) fn replay(
    journal: &Journal,
    mut last: Link,
    hash_key: &HashKey,
    reading: Reading,
    mut seen: impl FnMut(Replayed<'_>),
) -> Result<Link, StoreError> {
    let first = last.last_seq + 1;
    for commits in journal.commits_from(first) {
        let (commits, texts) = (commits?, journal.read_txn()?);
        let decode = |(key, value)| match Replayed::of(key, value, hash_key, reading) {
            Ok(replayed) => Ok((key, replayed)),
            Err(broken) => Err(journal.broken(key, broken)),
        };
        let lmdb = StoreError::lmdb(journal.path());
        let rtxn = commits.env.read_txn().map_err(lmdb)?;
        let rows = commits.rows.range(&rtxn, &(first..)).map_err(lmdb)?;
        let rows = rows.map(|row| row.map_err(lmdb));
        ahead::each(
            rows,
            |(_, value)| value.len(),
            decode,
            |read: Result<_, StoreError>| {
                let (key, mut replayed) = read?;
                last = journal.follow(&last, key, &replayed.head, &replayed.hash)?;
                if let Some(mut commit) = replayed.whole.take() {
                    journal.restore_all_texts(&texts, &mut commit)?;
                    let events = commit.entries.into_iter().flat_map(|entry| entry.events);
                    replayed.events = events.collect();
                }
                seen(replayed);
                Ok(())
            },
        )?;
    }
    Ok(last)
}

/// The latest names of the tail. Of a tail of many millions only those that the windows will hold
/// are put into them.
pub(crate) struct TailNames {
    kinds: [TailOfKind; 2],
}

struct TailOfKind {
    count_max: u64,
    count: u64,
    commits: VecDeque<(Micros, Vec<(Key, Seq)>)>,
}

impl TailNames {
    pub(crate) fn new(request_count_max: u64, entry_count_max: u64) -> TailNames {
        let of = |count_max| TailOfKind { count_max, count: 0, commits: VecDeque::new() };
        TailNames { kinds: [of(request_count_max), of(entry_count_max)] }
    }

    pub(crate) fn note(&mut self, first_seq: Seq, time: Micros, keys: Vec<Key>) {
        let (mut requests, mut entries) = (Vec::with_capacity(keys.len()), Vec::new());
        for (seq, key) in (first_seq..).zip(keys) {
            match key {
                Key::Request { .. } => requests.push((key, seq)),
                Key::Entry(_) => entries.push((key, seq)),
                Key::None => {}
            }
        }
        for (kind, names) in self.kinds.iter_mut().zip([requests, entries]) {
            kind.note(time, names);
        }
    }

    pub(crate) fn restore(self, windows: &mut Windows) {
        for (time, names) in self.kinds.into_iter().flat_map(|kind| kind.commits) {
            windows.restore(time, names);
        }
    }
}

impl TailOfKind {
    fn note(&mut self, time: Micros, names: Vec<(Key, Seq)>) {
        if names.is_empty() {
            return;
        }
        self.count += names.len() as u64;
        self.commits.push_back((time, names));
        while let Some((_, oldest)) = self.commits.front() {
            let rest = self.count - oldest.len() as u64;
            if rest < self.count_max {
                break;
            }
            self.count = rest;
            self.commits.pop_front();
        }
    }
}
