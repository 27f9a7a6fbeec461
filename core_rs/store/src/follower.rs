//! The follower: folds the committed journal into the tables, step by step.

use std::ops::ControlFlow;

use creditgate_engine::apply::apply;
use creditgate_engine::values::Seq;

use crate::error::StoreError;
use crate::journal::Journal;
use crate::name_log::NameLog;
use crate::options::{Options, Step, suffer};
use crate::tables::{Reached, Tables, TablesTxn};
use crate::writeback::{Changes, Overlay};

/// Most entries that one step folds, but at least one commit.
const FOLD_ENTRIES_MAX: u64 = 4_096;

/// Reads the journal by itself from where the tables stand: it needs nothing of the writer, and
/// the writer does not wait for it.
pub struct Follower {
    journal: Journal,
    tables: Tables,
    options: Options,
    changes: Changes,
    names: NameLog,
    folded: Reached,
    flushed: Reached,
    /// Up to where the tables were folded before the last flush.
    flushed_before: Seq,
}

impl Follower {
    pub(crate) fn new(
        journal: Journal,
        tables: Tables,
        options: Options,
    ) -> Result<Follower, StoreError> {
        let reached = tables.reached()?.unwrap_or(Reached::START);
        let (folded, flushed) = (reached, reached);
        let names = NameLog::open(&tables, options.request_window, options.entry_window)?;
        let changes = Changes::default();
        let flushed_before = 0;
        Ok(Follower { journal, tables, options, changes, names, folded, flushed, flushed_before })
    }

    /// Up to where commits are folded in memory.
    #[must_use]
    pub fn folded(&self) -> Seq {
        self.folded.seq
    }

    /// Up to where the tables on disk are folded.
    #[must_use]
    pub fn flushed(&self) -> Seq {
        self.flushed.seq
    }

    /// How many entries to fold are too many to stand back.
    pub(crate) fn behind_max(&self) -> u64 {
        self.options.follower_behind_max
    }

    /// How many rows, and names, wait to be written.
    #[must_use]
    pub fn rows_dirty(&self) -> usize {
        self.changes.len() + self.names.pending_count()
    }

    /// Folds some commits, none beyond the one that holds `up_to`; returns whether any was folded.
    ///
    /// # Errors
    ///
    /// What cannot be read; everything since the last flush is then to be folded again.
    pub fn fold(&mut self, up_to: Seq) -> Result<bool, StoreError> {
        if self.folded.seq >= up_to {
            return Ok(false);
        }
        let before = self.folded.seq;
        let folded = suffer(&*self.options.faults, Step::Fold).and_then(|()| self.fold_some(up_to));
        match folded {
            Ok(reached) => {
                self.folded = reached;
                Ok(reached.seq > before)
            }
            Err(error) => {
                // Part of a commit may be in.
                self.changes = Changes::default();
                self.names.discard();
                self.folded = self.flushed;
                Err(error)
            }
        }
    }

    fn fold_some(&mut self, up_to: Seq) -> Result<Reached, StoreError> {
        let mut reached = self.folded;
        let stop_at = up_to.min(reached.seq.saturating_add(FOLD_ENTRIES_MAX));
        let below = TablesTxn { tables: &self.tables, rtxn: self.tables.read_txn()? };
        let mut rows = Overlay::new(below, &mut self.changes);
        self.journal.read(reached.seq + 1, |commit| {
            if commit.head.prev_hash != reached.hash {
                let what = format!("the rows up to {} are of another journal", reached.seq);
                return Err(self.tables.bad_row(what));
            }
            self.names.note(commit);
            for event in commit.entries.iter().flat_map(|entry| &entry.events) {
                apply(&mut rows, commit.head.time, event);
            }
            reached = Reached { seq: commit.head.last_seq(), hash: commit.hash };
            Ok(if reached.seq >= stop_at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        rows.finish()?;
        Ok(reached)
    }

    /// Writes all rows that wait, in one transaction.
    ///
    /// # Errors
    ///
    /// After [`StoreError::NoSpace`] the rows wait on and the tables are as they were.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        if self.flushed == self.folded {
            return Ok(());
        }
        let mut wtxn = self.tables.write_txn()?;
        self.changes.write(&self.tables, &mut wtxn)?;
        self.names.write(&self.tables, &mut wtxn).map_err(self.tables.lmdb())?;
        self.tables.set_reached(&mut wtxn, &self.folded)?;
        suffer(&*self.options.faults, Step::Flush)?;
        wtxn.commit().map_err(self.tables.lmdb())?;
        self.changes = Changes::default();
        self.names.settle();
        self.flushed_before = self.flushed.seq;
        self.flushed = self.folded;
        Ok(())
    }

    /// Moves whole files of the journal to the archive that the tables do not need any more.
    ///
    /// # Errors
    ///
    /// What keeps them from being moved: they stay where they are, and nothing else is affected.
    pub fn archive(&mut self) -> Result<(), StoreError> {
        let Options { journal_retention, faults, .. } = &self.options;
        // The tables' last transaction may be lost with the power; the one before is not.
        self.journal.archive(self.flushed_before, self.names.now(), journal_retention, &**faults)
    }
}
