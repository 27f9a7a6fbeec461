//! What an account and all below it owe together, for accounts that have others below them or a
//! shared limit.

use hashbrown::HashMap;

use crate::bounds::PARENT_DEPTH_MAX;
use crate::values::{Minor, Slot};

/// An account with all below it, seen as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    limit: Option<Minor>,
    exposure: i128,
    /// How many accounts stand directly below it, by how many levels stand below them.
    below: [u32; PARENT_DEPTH_MAX],
}

impl Group {
    /// A group of which nothing stands below its account yet, which owes `exposure`.
    pub(super) fn alone(exposure: Minor) -> Group {
        Group { exposure: exposure.into(), ..Group::default() }
    }

    /// The most that all of them may owe together; `None`: no bound.
    #[must_use]
    pub fn limit(&self) -> Option<Minor> {
        self.limit
    }

    /// What all of them owe together. Each account's fits an `i64`, their sum need not.
    #[must_use]
    pub fn exposure(&self) -> i128 {
        self.exposure
    }

    /// How many levels of accounts stand below its account.
    fn height(&self) -> usize {
        self.below.iter().rposition(|count| *count > 0).map_or(0, |deepest| deepest + 1)
    }

    /// Whether there is any reason to keep it.
    fn is_needed(&self) -> bool {
        self.limit.is_some() || self.height() > 0
    }

    /// Counts an account directly below that had `was` levels below it and has `now`; `None`: it
    /// was, or is, not there.
    fn count(&mut self, was: Option<usize>, now: Option<usize>) {
        // `decide` lets no tree grow deeper, and a journal from before it did so counts as deep.
        let place = |height: usize| height.min(PARENT_DEPTH_MAX - 1);
        if let Some(was) = was {
            self.below[place(was)] -= 1;
        }
        if let Some(now) = now {
            self.below[place(now)] += 1;
        }
    }
}

/// All groups, by the slot of the account at their head.
#[derive(Default)]
pub(super) struct Groups(HashMap<Slot, Group>);

impl Groups {
    pub(super) fn get(&self, head: Slot) -> Option<&Group> {
        self.0.get(&head)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Group)> {
        self.0.iter().map(|(head, group)| (*head, group))
    }

    /// How many levels stand below an account.
    pub(super) fn height(&self, head: Slot) -> usize {
        self.get(head).map_or(0, Group::height)
    }

    /// Sets a group's limit; where there is no group yet, of that which `alone` makes.
    pub(super) fn set_limit(
        &mut self,
        head: Slot,
        limit: Option<Minor>,
        alone: impl FnOnce() -> Group,
    ) {
        if limit.is_some() || self.0.contains_key(&head) {
            self.0.entry(head).or_insert_with(alone).limit = limit;
            self.drop_unneeded(head);
        }
    }

    /// Adds to what a group owes, if there is one.
    pub(super) fn add(&mut self, head: Slot, exposure: i128) {
        if let Some(group) = self.0.get_mut(&head) {
            group.exposure += exposure;
        }
    }

    /// Counts an account below `head`, as [`Group::count`]; returns the head's height before and
    /// after.
    pub(super) fn count(
        &mut self,
        head: Slot,
        was: Option<usize>,
        now: Option<usize>,
        alone: impl FnOnce() -> Group,
    ) -> (usize, usize) {
        let group = self.0.entry(head).or_insert_with(alone);
        let before = group.height();
        group.count(was, now);
        let after = group.height();
        self.drop_unneeded(head);
        (before, after)
    }

    fn drop_unneeded(&mut self, head: Slot) {
        if !self.0[&head].is_needed() {
            self.0.remove(&head);
        }
    }
}
