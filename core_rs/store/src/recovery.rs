//! Opening a store: the chain is verified, the tables are taken where they fit it, what came after
//! them is applied again.

use std::ops::ControlFlow;
use std::time::Instant;

use creditgate_engine::apply::apply;
use creditgate_engine::state::State;
use creditgate_engine::values::Seq;

use crate::error::StoreError;
use crate::journal::{Journal, Link};
use crate::options::Options;
use crate::tables::{Reached, Tables};
use crate::window::{HashKey, Key, Windows};

/// What opening a store found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The last entry of the journal.
    pub journal_seq: Seq,
    /// Up to where the tables were taken; zero when they were folded anew.
    pub tables_seq: Seq,
    /// There were no tables that fit the journal: they are folded anew.
    pub tables_rebuilt: bool,
    /// Commits of the chain whose digests and order were verified: all.
    pub commits_verified: u64,
    /// Commits after the tables that were applied.
    pub commits_replayed: u64,
    /// Their entries.
    pub entries_replayed: u64,
    /// Accounts known.
    pub accounts: u64,
    /// Reservations that hold something.
    pub reservations_open: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

/// Everything that an open store has in memory.
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) windows: Windows,
    pub(crate) last: Link,
    pub(crate) recovery: Recovery,
}

pub(crate) fn recover(
    journal: &Journal,
    tables: &Tables,
    options: &Options,
) -> Result<Recovered, StoreError> {
    let started = Instant::now();
    let mut recovery = Recovery::default();
    let reached = tables.reached()?;
    let mut fits = reached == Some(Reached::START);
    let last = journal.verify(|link| {
        recovery.commits_verified += 1;
        fits |= reached == Some(Reached { seq: link.last_seq, hash: link.hash });
    })?;
    recovery.journal_seq = last.last_seq;
    // Where an amount or an owner is damaged, but can be read, the sums show it.
    let kept = if fits { tables.load().ok().filter(State::adds_up) } else { None };
    let mut state = match kept {
        Some(state) => {
            recovery.tables_seq = reached.map_or(0, |reached| reached.seq);
            state
        }
        // Of another journal, of another format, new, or with a row that is damaged.
        None => {
            recovery.tables_rebuilt = last.last_seq > 0;
            tables.clear()?;
            State::default()
        }
    };
    replay(journal, &mut state, &mut recovery)?;
    recovery.accounts = state.account_count() as u64;
    recovery.reservations_open = state.open_count() as u64;
    let windows = windows(journal, &last, options)?;
    recovery.duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(Recovered { state, windows, last, recovery })
}

fn replay(journal: &Journal, state: &mut State, recovery: &mut Recovery) -> Result<(), StoreError> {
    journal.read(recovery.tables_seq + 1, |commit| {
        for event in commit.entries.iter().flat_map(|entry| &entry.events) {
            apply(state, commit.head.time, event);
        }
        state.settle(state.mark());
        recovery.commits_replayed += 1;
        recovery.entries_replayed += u64::from(commit.head.count);
        Ok(ControlFlow::Continue(()))
    })
}

fn windows(journal: &Journal, last: &Link, options: &Options) -> Result<Windows, StoreError> {
    let mut hash_key = HashKey::default();
    rustix::rand::getrandom(&mut hash_key, rustix::rand::GetRandomFlags::empty())
        .map_err(|e| StoreError::io("getrandom".as_ref(), e))?;
    let (requests, entries) = (options.request_window, options.entry_window);
    let mut windows = Windows::new(hash_key, requests, entries);
    // Back as far as either window reaches, then forward.
    let (mut commits, mut counts) = (Vec::new(), (0, 0));
    journal.read_back(|commit| {
        let identities = commit.entries.iter().map(|entry| entry.request.command.identity());
        let keys: Vec<Key> = identities.map(|identity| windows.key(&identity)).collect();
        counts.0 += keys.iter().filter(|key| matches!(key, Key::Request { .. })).count() as u64;
        counts.1 += keys.iter().filter(|key| matches!(key, Key::Entry(_))).count() as u64;
        commits.push((commit.head.first_seq, commit.head.time, keys));
        let age = last.time.saturating_sub(commit.head.time);
        let more = (counts.0 < requests.count_max && age <= requests.age_max_us)
            || (counts.1 < entries.count_max && age <= entries.age_max_us);
        Ok(if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    for (first_seq, time, keys) in commits.into_iter().rev() {
        for (seq, key) in (first_seq..).zip(&keys) {
            windows.add_again(key, seq);
        }
        windows.seal(time);
        windows.settle();
    }
    Ok(windows)
}
