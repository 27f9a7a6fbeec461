//! Figures for the metrics page.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use creditgate_engine::state::Reconciliations;
use creditgate_engine::values::Micros;
use creditgate_store::{FollowerFigures, Store};

use crate::queue::Queue;

/// Counters that the worker keeps. Those whose name ends in `_now` or in a unit go up and down.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Calls refused because a lane was full.
    pub(crate) refused: AtomicU64,
    /// Calls dropped because their deadline had passed.
    pub(crate) deadline_passed: AtomicU64,
    /// Calls taken on by the worker.
    pub(crate) calls: AtomicU64,
    /// Commits made durable.
    pub(crate) commits: AtomicU64,
    /// Commits undone for want of space.
    pub(crate) commits_undone: AtomicU64,
    /// 1 while the last commit found no room.
    pub(crate) store_full_now: AtomicU64,
    /// The newest durable entry.
    pub(crate) journal_seq: AtomicU64,
    /// The entry up to which the tables are.
    pub(crate) tables_seq: AtomicU64,
    /// The entry up to which they are folded in memory: what lies beyond is left to the follower.
    pub(crate) tables_folded_seq: AtomicU64,
    /// How often the tables were written.
    pub(crate) tables_flushes: AtomicU64,
    /// How often they fell so far behind that the follower no longer stood back.
    pub(crate) tables_far_behind: AtomicU64,
    /// How often they waited because more orders did than a commit takes.
    pub(crate) tables_rests: AtomicU64,
    /// 1 while the tables cannot be written: lists are refused, orders go on.
    pub(crate) tables_failing_now: AtomicU64,
    /// 1 while old files of the journal cannot be moved to the archive: they stay at hand.
    pub(crate) archive_failing_now: AtomicU64,
    /// 1 where the worker's thread is preferred to the process's others.
    pub(crate) worker_preferred_now: AtomicU64,
    pub(crate) accounts_now: AtomicU64,
    pub(crate) reservations_open_now: AtomicU64,
    pub(crate) items_now: AtomicU64,
    pub(crate) watched_now: AtomicU64,
    /// Request ids that a repeat is known by.
    pub(crate) request_ids_now: AtomicU64,
    /// How far back they go.
    pub(crate) request_window_us: AtomicU64,
    /// Ids of ledger entries that a repeat is known by.
    pub(crate) entry_ids_now: AtomicU64,
    /// How far back they go.
    pub(crate) entry_window_us: AtomicU64,
    /// The latest of each source.
    reconciliations: Mutex<Arc<Reconciliations>>,
}

impl Stats {
    /// Takes in how the store and its tables stand, and how many accounts are watched.
    pub(crate) fn observe(&self, store: &Store, tables: &FollowerFigures, watched: u64) {
        let set = |figure: &AtomicU64, value: u64| figure.store(value, Ordering::Relaxed);
        let state = store.state();
        set(&self.journal_seq, store.committed_seq());
        set(&self.tables_seq, tables.flushed);
        set(&self.tables_folded_seq, tables.folded);
        set(&self.tables_flushes, tables.flushes);
        set(&self.tables_far_behind, tables.far_behind);
        set(&self.tables_rests, tables.rests);
        set(&self.tables_failing_now, u64::from(tables.error.is_some()));
        set(&self.archive_failing_now, u64::from(tables.archive_error.is_some()));
        set(&self.accounts_now, state.account_count() as u64);
        set(&self.reservations_open_now, state.open_count() as u64);
        set(&self.items_now, state.item_count() as u64);
        set(&self.watched_now, watched);
        let (requests, entries) = store.window_figures();
        let age =
            |oldest: Option<Micros>| oldest.map_or(0, |oldest| store.last_time().abs_diff(oldest));
        set(&self.request_ids_now, requests.count);
        set(&self.request_window_us, age(requests.oldest));
        set(&self.entry_ids_now, entries.count);
        set(&self.entry_window_us, age(entries.oldest));
        let mut shown = self.reconciliations.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&shown, state.reconciliations()) {
            *shown = Arc::clone(state.reconciliations());
        }
    }

    /// The latest reconciliation of each source.
    pub(crate) fn reconciliations(&self) -> Arc<Reconciliations> {
        Arc::clone(&self.reconciliations.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every figure by name.
    pub(crate) fn figures(&self, queue: &Queue) -> Vec<(&'static str, u64)> {
        let (interactive, bulk) = queue.depths();
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        vec![
            ("queue_interactive_now", interactive as u64),
            ("queue_bulk_now", bulk as u64),
            ("refused", read(&self.refused)),
            ("deadline_passed", read(&self.deadline_passed)),
            ("calls", read(&self.calls)),
            ("commits", read(&self.commits)),
            ("commits_undone", read(&self.commits_undone)),
            ("store_full_now", read(&self.store_full_now)),
            ("journal_seq", read(&self.journal_seq)),
            ("tables_seq", read(&self.tables_seq)),
            ("tables_folded_seq", read(&self.tables_folded_seq)),
            ("tables_flushes", read(&self.tables_flushes)),
            ("tables_far_behind", read(&self.tables_far_behind)),
            ("tables_rests", read(&self.tables_rests)),
            ("tables_failing_now", read(&self.tables_failing_now)),
            ("archive_failing_now", read(&self.archive_failing_now)),
            ("worker_preferred_now", read(&self.worker_preferred_now)),
            ("accounts_now", read(&self.accounts_now)),
            ("reservations_open_now", read(&self.reservations_open_now)),
            ("items_now", read(&self.items_now)),
            ("watched_now", read(&self.watched_now)),
            ("request_ids_now", read(&self.request_ids_now)),
            ("request_window_us", read(&self.request_window_us)),
            ("entry_ids_now", read(&self.entry_ids_now)),
            ("entry_window_us", read(&self.entry_window_us)),
        ]
    }
}
