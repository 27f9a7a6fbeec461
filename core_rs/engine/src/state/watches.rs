//! What a policy has to know of accounts, and until when it needs to know what they ordered.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::model::{Velocity, Watch};
use crate::values::{Micros, Slot};

#[derive(Default)]
pub(super) struct Watches {
    rows: HashMap<Slot, Watch>,
    /// Those that orders were counted of, by when none of these is in a window any more.
    counted: BTreeSet<(Micros, Slot)>,
}

impl Watches {
    pub(super) fn get(&self, slot: Slot) -> &Watch {
        self.rows.get(&slot).unwrap_or(&Watch::NONE)
    }

    /// What was counted of an account's orders, to count more of them in the same part.
    pub(super) fn velocity(&mut self, slot: Slot) -> Option<&mut Velocity> {
        self.rows.get_mut(&slot)?.velocity.as_deref_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Watch)> {
        self.rows.iter().map(|(slot, watch)| (*slot, watch))
    }

    /// The first to be over comes first.
    pub(super) fn counted(&self) -> impl Iterator<Item = (Micros, Slot)> + '_ {
        self.counted.iter().copied()
    }

    /// What says nothing is not kept.
    pub(super) fn set(&mut self, slot: Slot, watch: Watch) {
        let over = watch.over_at();
        let was = match watch == Watch::NONE {
            true => self.rows.remove(&slot),
            false => self.rows.insert(slot, watch),
        };
        let was = was.and_then(|was| was.over_at());
        // Few orders are the first of their part of a window.
        if was != over {
            was.map(|at| self.counted.remove(&(at, slot)));
            self.counted.extend(over.map(|at| (at, slot)));
        }
    }
}
