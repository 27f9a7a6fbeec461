//! What is disputed of what accounts owe: apart from their counters, for few dispute anything, and
//! whether it counts is for the policy of the moment.

use std::collections::BTreeMap;

use super::accounts::Accounts;
use super::{DueItem, State};
use crate::model::{Standing, Terms};
use crate::values::{Currency, Minor, SegmentIndex, Slot};

/// Sums of the parts of invoices that are owed and disputed. None of them is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disputes {
    /// Of each account.
    accounts: BTreeMap<Slot, i128>,
    /// Of each account with all below it.
    below: BTreeMap<Slot, i128>,
    /// Of the accounts of a segment in a currency.
    segments: BTreeMap<(SegmentIndex, Currency), i128>,
}

fn add<Key: Ord + Copy>(sums: &mut BTreeMap<Key, i128>, key: Key, amount: i128) {
    let sum = sums.entry(key).or_default();
    *sum += amount;
    if *sum == 0 {
        sums.remove(&key);
    }
}

impl Accounts {
    /// Adds to what an account disputes, and to all that it is summed up in.
    pub(super) fn dispute(&mut self, slot: Slot, amount: i128) {
        add(&mut self.disputes.accounts, slot, amount);
        add(&mut self.disputes.below, slot, amount);
        self.dispute_above(slot, amount, amount);
    }

    /// Puts what an account and all below it dispute where its terms say, or takes it away.
    pub(super) fn move_disputes(&mut self, slot: Slot, joins: bool) {
        if let Some(below) = self.disputes.below.get(&slot).copied() {
            let own = self.disputes.accounts.get(&slot).copied().unwrap_or_default();
            let signed = |amount: i128| if joins { amount } else { -amount };
            self.dispute_above(slot, signed(own), signed(below));
        }
    }

    fn dispute_above(&mut self, slot: Slot, own: i128, below: i128) {
        let Terms { segment, currency, parent, .. } = self.terms(slot);
        if let Some(segment) = segment.filter(|_| own != 0) {
            add(&mut self.disputes.segments, (segment, currency), own);
        }
        let mut above = parent;
        while let Some(head) = above {
            add(&mut self.disputes.below, head, below);
            above = self.terms(head).parent;
        }
    }
}

impl State {
    /// Puts an item in the place of the one that there is, or removes it; returns what there was.
    pub(super) fn set_item(
        &mut self,
        slot: Slot,
        invoice_id: &str,
        now: Option<&Standing>,
    ) -> Option<Standing> {
        let was = self.items.set(slot, invoice_id, now);
        let contested = |item: Option<&Standing>| item.map_or(0, Standing::contested);
        let (before, now) = (contested(was.as_ref()), contested(now));
        if before != now {
            self.accounts.dispute(slot, i128::from(now) - i128::from(before));
            // It may count no more.
            self.cases.stir();
        }
        was
    }

    /// What of an account's exposure does not count, for it is disputed and the policy in force
    /// says so.
    #[inline]
    #[must_use]
    pub fn excluded(&self, slot: Slot) -> i128 {
        self.excluded_of(|all| all.accounts.get(&slot))
    }

    /// The same, of an account with all below it.
    #[inline]
    #[must_use]
    pub fn excluded_below(&self, head: Slot) -> i128 {
        self.excluded_of(|all| all.below.get(&head))
    }

    /// The same, of all accounts of a segment that are in this currency.
    #[inline]
    #[must_use]
    pub fn excluded_in(&self, segment: SegmentIndex, currency: Currency) -> i128 {
        self.excluded_of(|all| all.segments.get(&(segment, currency)))
    }

    #[inline]
    fn excluded_of(&self, sum: impl FnOnce(&Disputes) -> Option<&i128>) -> i128 {
        if !self.excludes_disputed() {
            return 0;
        }
        sum(&self.accounts.disputes).copied().unwrap_or_default()
    }

    /// Whether anything disputed is left out of what counts. Nearly always nobody disputes
    /// anything, and nothing else is looked at.
    #[inline]
    #[must_use]
    pub fn excludes_disputed(&self) -> bool {
        !self.accounts.disputes.accounts.is_empty() && !self.policy().exposure.disputed_counts()
    }

    /// What counts of an invoice that is owed.
    #[must_use]
    pub fn counts_of(&self, item: &DueItem) -> Minor {
        if !item.is_disputed || self.policy().exposure.disputed_counts() {
            return item.open;
        }
        item.open - self.items.contested(item)
    }

    /// What is disputed of what an account owes, whether it counts or not.
    #[must_use]
    pub fn disputed(&self, slot: Slot) -> i128 {
        self.accounts.disputes.accounts.get(&slot).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
