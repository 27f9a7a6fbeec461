//! How far the streams of the ledger's entries have been taken, how they were reconciled, and
//! adjustments that wait.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::State;
use crate::model::{Adjustments, Reconciliation, Source};
use crate::values::{Micros, ProposalId};

/// The latest reconciliation of each source that has been reconciled.
pub type Reconciliations = BTreeMap<Box<str>, Reconciliation>;

impl State {
    /// How far a source's stream has been taken; zero when it has not been heard of.
    #[must_use]
    pub fn source_position(&self, source: &str) -> u64 {
        self.sources.get(source).map_or(0, |row| row.position)
    }

    /// When a source told something last.
    #[must_use]
    pub fn source_heard_at(&self, source: &str) -> Option<Micros> {
        self.sources.get(source).map(|row| row.heard_at)
    }

    /// The sources after `after`, in order of their names.
    pub fn sources_after(&self, after: &str) -> impl Iterator<Item = (&str, &Source)> {
        // The empty name is none's.
        let range = (Bound::Excluded(after), Bound::Unbounded);
        self.sources.range::<str, _>(range).map(|(source, row)| (&**source, row))
    }

    /// When any source told something last.
    #[must_use]
    pub fn heard_at(&self) -> Option<Micros> {
        self.heard_at
    }

    /// How many sources of ledger entries are known.
    #[must_use]
    pub fn source_count(&self) -> usize {
        self.sources.len()
    }

    /// The latest reconciliation of each source that has been reconciled. What was handed out stays
    /// as it was: others are others.
    #[must_use]
    pub fn reconciliations(&self) -> &Arc<Reconciliations> {
        &self.reconciliations
    }

    /// Adjustments that wait for a second person.
    #[must_use]
    pub fn adjustments(&self) -> &BTreeMap<ProposalId, Adjustments> {
        &self.adjustments
    }

    /// Returns what was there before.
    pub(super) fn put_adjustments(
        &mut self,
        id: ProposalId,
        row: Option<Adjustments>,
    ) -> Option<Adjustments> {
        match row {
            Some(row) => self.adjustments.insert(id, row),
            None => self.adjustments.remove(&id),
        }
    }

    /// Returns what was there before.
    pub(super) fn put_source(&mut self, source: &str, row: Source) -> Option<Source> {
        self.heard_at = self.heard_at.max(Some(row.heard_at));
        self.sources.insert(source.into(), row)
    }

    /// Returns what was there before.
    pub(super) fn put_reconciliation(
        &mut self,
        source: &str,
        row: Option<Reconciliation>,
    ) -> Option<Reconciliation> {
        let all = Arc::make_mut(&mut self.reconciliations);
        match row {
            Some(row) => all.insert(source.into(), row),
            None => all.remove(source),
        }
    }
}
