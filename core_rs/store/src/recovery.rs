//! Opening a store: the tables are taken where they fit the journal, what came after them is
//! verified and applied again.

use std::thread;
use std::time::Instant;

use creditgate_engine::apply::apply;
use creditgate_engine::state::State;
use creditgate_engine::values::Seq;

use crate::error::StoreError;
use crate::journal::{Journal, Link};
use crate::load;
use crate::name_log;
use crate::options::Options;
use crate::replay::{Reading, TailNames, replay};
use crate::tables::{Reached, Tables};
use crate::window::Windows;

/// What opening a store found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The last entry of the journal.
    pub journal_seq: Seq,
    /// Up to where the tables were taken; zero when they were folded anew.
    pub tables_seq: Seq,
    /// Why the tables are folded anew from the whole journal; `None` where they were taken, or
    /// there was nothing to take.
    pub rebuilt_because: Option<String>,
    /// Commits after the tables, verified and applied.
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
    let (mut last, mut state, mut windows) = match from_tables(journal, tables, options)? {
        Ok((link, state, windows)) => {
            recovery.tables_seq = link.last_seq;
            (link, state, windows)
        }
        Err(unfit) => {
            recovery.rebuilt_because = Some(unfit);
            // Else they would be gone, and nothing there to fold them from.
            journal.require(1)?;
            tables.clear()?;
            let windows = name_log::load(tables, options.request_window, options.entry_window)?;
            (Link::START, State::default(), windows)
        }
    };
    let (requests, entries) = (options.request_window, options.entry_window);
    let mut names = TailNames::new(requests.count_max, entries.count_max);
    last = replay(journal, last, &tables.hash_key()?, Reading::Facts, |commit| {
        for event in &commit.events {
            apply(&mut state, commit.head.time, event);
        }
        state.settle(state.mark());
        names.note(commit.head.first_seq, commit.head.time, commit.keys);
        recovery.commits_replayed += 1;
        recovery.entries_replayed += u64::from(commit.head.count);
    })?;
    names.restore(&mut windows);
    if let Some(seq) = windows.oldest_seq() {
        journal.require(seq)?;
    }
    // What the clock has carried out of the windows since the last name.
    windows.restore(last.time, []);
    recovery.journal_seq = last.last_seq;
    recovery.rebuilt_because.take_if(|_| last.last_seq == 0);
    recovery.accounts = state.account_count() as u64;
    recovery.reservations_open = state.open_count() as u64;
    recovery.duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(Recovered { state, windows, last, recovery })
}

/// What the tables hold, and where in the journal that is; or why it cannot be taken.
fn from_tables(
    journal: &Journal,
    tables: &Tables,
    options: &Options,
) -> Result<Result<(Link, State, Windows), String>, StoreError> {
    let Some(reached) = tables.reached()?.filter(|reached| *reached != Reached::START) else {
        return Ok(Err("they are new, or of another format".to_owned()));
    };
    let (last_seq, tables_seq) = (journal.last_seq()?, reached.seq);
    if last_seq < tables_seq {
        let path = journal.path().to_owned();
        return Err(StoreError::JournalCut { path, last_seq, tables_seq });
    }
    let Some(link) = journal.link(reached.seq)?.filter(|link| link.hash == reached.hash) else {
        return Ok(Err(format!("their last entry, {}, is not the journal's", reached.seq)));
    };
    // The windows are as much work as the rows where there are many names: for another core.
    let (state, windows) = thread::scope(|scope| {
        let (requests, entries) = (options.request_window, options.entry_window);
        let windows = scope.spawn(move || name_log::load(tables, requests, entries));
        let state = load::load(tables);
        (state, windows.join().expect("loading names does not panic"))
    });
    let found = state.and_then(|state| Ok((link, state, windows?)));
    Ok(found.map_err(|error| match error {
        StoreError::BadRow { what, .. } => what,
        error => error.to_string(),
    }))
}
