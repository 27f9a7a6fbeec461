//! The tail of the journal, read at a start.

use std::collections::VecDeque;

use creditgate_engine::entry::Entry;
use creditgate_engine::event::Event;
use creditgate_engine::values::{Micros, Seq};

use crate::ahead;
use crate::commit::{Commit, Digest, Head};
use crate::error::StoreError;
use crate::journal::{Journal, Link};
use crate::text;
use crate::window::{self, HashKey, Key, Windows};

/// What a replay needs of a commit. Its events stand in one row: to move and free the entries of
/// millions from one thread to the other costs as much as to decode them.
pub(crate) struct Replayed<'t> {
    pub(crate) head: Head,
    pub(crate) hash: Digest,
    pub(crate) events: Vec<Event<'t>>,
    /// One for each entry.
    pub(crate) keys: Vec<Key>,
    /// All of it where its texts are still to be put back.
    whole: Option<Commit<'t>>,
}

impl<'t> Replayed<'t> {
    fn of(mut commit: Commit<'t>, hash_key: &HashKey) -> Replayed<'t> {
        let (head, hash) = (commit.head, commit.hash);
        let identities = commit.entries.iter().map(|entry| entry.request.command.identity());
        let keys = identities.map(|identity| window::key(hash_key, &identity)).collect();
        let has_texts = |entry: &Entry<'_>| text::of_request(&entry.request).next().is_some();
        if commit.entries.iter().any(has_texts) {
            return Replayed { head, hash, events: Vec::new(), keys, whole: Some(commit) };
        }
        let mut events = Vec::with_capacity(commit.entries.len());
        commit.entries.iter_mut().for_each(|entry| events.append(&mut entry.events));
        Replayed { head, hash, events, keys, whole: None }
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
    mut seen: impl FnMut(Replayed<'_>),
) -> Result<Link, StoreError> {
    let first = last.last_seq + 1;
    for commits in journal.commits_from(first) {
        let (commits, texts) = (commits?, journal.read_txn()?);
        let decode = |(key, value)| Ok((key, Replayed::of(journal.decode(key, value)?, hash_key)));
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
