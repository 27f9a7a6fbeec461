//! What a policy has to know of accounts, and until when it needs to know what they ordered.

use std::collections::BTreeSet;

use super::by_slot::BySlot;
use crate::model::{Velocity, Watch};
use crate::values::{Micros, Slot};

#[derive(Default)]
pub(super) struct Watches {
    rows: BySlot<Watch>,
    /// How many of them say something.
    count: usize,
    /// Those that orders were counted of, by when none of these is in a window any more.
    counted: BTreeSet<(Micros, Slot)>,
}

impl Watches {
    #[inline]
    pub(super) fn get(&self, slot: Slot) -> &Watch {
        self.rows.get(slot).unwrap_or(&Watch::NONE)
    }

    /// What was counted of an account's orders, to count more of them in the same part.
    pub(super) fn velocity(&mut self, slot: Slot) -> Option<&mut Velocity> {
        self.rows.get_mut(slot).map(|watch| &mut watch.velocity)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Watch)> {
        self.rows.iter().filter(|(_, watch)| **watch != Watch::NONE)
    }

    /// The first to be over comes first.
    pub(super) fn counted(&self) -> impl Iterator<Item = (Micros, Slot)> + '_ {
        self.counted.iter().copied()
    }

    pub(super) fn set(&mut self, slot: Slot, watch: Watch) {
        let over = watch.over_at();
        self.count += usize::from(watch != Watch::NONE);
        let was = std::mem::replace(self.rows.make(slot), watch);
        self.count -= usize::from(was != Watch::NONE);
        let was = was.over_at();
        // Few orders are the first of their part of a window.
        if was != over {
            was.map(|at| self.counted.remove(&(at, slot)));
            self.counted.extend(over.map(|at| (at, slot)));
        }
    }
}
