//! What each account owes, invoice by invoice, in order of due date: kept only while a policy asks.

use std::cmp::Ordering;

use hashbrown::HashMap;
use slab::Slab;

use super::index::Place;
use super::items::Row;
use crate::model::Standing;
use crate::values::{Day, Minor, Slot};

/// An invoice of which something is owed, as the ledger tells: what is captured alone is not in it.
/// One that is paid ahead, or too much, is none. A ledger that adjusts an invoice before it posts
/// it has something open on it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueItem {
    /// When it is due; [`DueItem::NEVER`] where no due date is known.
    pub due: Day,
    /// Its invoice date; where none is known, the day on which it was first heard of.
    pub day: Day,
    /// Greater than zero.
    pub open: Minor,
    /// How many days after its due date it is not yet overdue.
    pub grace_days: u16,
    pub(super) place: Place,
}

const _: () = assert!(size_of::<DueItem>() == 24);

impl DueItem {
    /// Later than any due date.
    pub const NEVER: Day = Day(i32::MAX);

    /// How many days it is overdue, counted from the end of its grace; zero or less: it is not.
    #[must_use]
    pub fn days_overdue(&self, today: Day) -> i64 {
        self.days_since_due(today) - i64::from(self.grace_days)
    }

    /// The same, counted from its due date.
    #[must_use]
    pub fn days_since_due(&self, today: Day) -> i64 {
        i64::from(today.0) - i64::from(self.due.0)
    }

    /// To compare it with one of another state.
    pub(super) fn with_no_place(&self) -> DueItem {
        DueItem { place: 0, ..*self }
    }

    /// Whether what is known of an invoice now stands where this stood: no more than its amount, or
    /// its grace, is another.
    pub(super) fn is_at(&self, now: &DueItem) -> bool {
        (self.place, self.due, self.day) == (now.place, now.due, now.day)
    }
}

/// The invoices that one account owes.
#[derive(Default)]
struct OfAccount {
    /// By due date, then by id.
    items: Vec<DueItem>,
    /// The earliest of their days.
    oldest: Option<Day>,
}

/// A row in order: a decision looks at the beginning of it, and one row is so small that thousands
/// are moved in a few microseconds.
#[derive(Default)]
pub(super) struct ByDue {
    accounts: HashMap<Slot, OfAccount>,
}

impl ByDue {
    /// Of all items that there are.
    pub(super) fn build(items: impl Iterator<Item = (Slot, DueItem)>, rows: &Slab<Row>) -> ByDue {
        let mut built = ByDue::default();
        for (slot, item) in items {
            built.accounts.entry(slot).or_default().items.push(item);
        }
        for account in built.accounts.values_mut() {
            account.items.sort_unstable_by(|a, b| {
                let id = |item: &DueItem| &rows[item.place as usize].invoice_id;
                (a.due, id(a)).cmp(&(b.due, id(b)))
            });
            account.items.shrink_to_fit();
            account.note_oldest();
        }
        built
    }

    pub(super) fn items(&self, slot: Slot) -> &[DueItem] {
        self.accounts.get(&slot).map_or(&[], |account| &account.items)
    }

    pub(super) fn oldest(&self, slot: Slot) -> Option<Day> {
        self.accounts.get(&slot)?.oldest
    }

    pub(super) fn insert(&mut self, slot: Slot, item: DueItem, rows: &Slab<Row>) {
        let account = self.accounts.entry(slot).or_default();
        let invoice_id = &rows[item.place as usize].invoice_id;
        let place = account.place(item.due, invoice_id, rows).expect_err("it is there once");
        if account.items.len() < 4 {
            // Most accounts have few, and a vector begins with room for four.
            account.items.reserve_exact(1);
        }
        account.items.insert(place, item);
        account.oldest = Some(account.oldest.map_or(item.day, |oldest| oldest.min(item.day)));
    }

    /// Puts it in the place of the one that stands there, as when a part of it is paid.
    pub(super) fn change(&mut self, slot: Slot, item: DueItem, rows: &Slab<Row>) {
        let account = self.accounts.get_mut(&slot).expect("only what is there is changed");
        let invoice_id = &rows[item.place as usize].invoice_id;
        let place = account.place(item.due, invoice_id, rows).expect("it is there");
        account.items[place] = item;
    }

    pub(super) fn remove(&mut self, slot: Slot, item: DueItem, rows: &Slab<Row>) {
        let account = self.accounts.get_mut(&slot).expect("only what is there is removed");
        let invoice_id = &rows[item.place as usize].invoice_id;
        let place = account.place(item.due, invoice_id, rows).expect("it is there");
        account.items.remove(place);
        if account.items.is_empty() {
            self.accounts.remove(&slot);
        } else if account.oldest == Some(item.day) {
            account.note_oldest();
        }
    }
}

impl OfAccount {
    fn place(&self, due: Day, invoice_id: &str, rows: &Slab<Row>) -> Result<usize, usize> {
        self.items.binary_search_by(|item| match item.due.cmp(&due) {
            Ordering::Equal => (*rows[item.place as usize].invoice_id).cmp(invoice_id),
            other => other,
        })
    }

    fn note_oldest(&mut self) {
        self.oldest = self.items.iter().map(|item| item.day).min();
    }
}

/// What is owed on an item that stands like this.
pub(super) fn owed(place: Place, standing: &Standing) -> Option<DueItem> {
    let Standing { open, day, due, grace_days, .. } = *standing;
    let due = due.unwrap_or(DueItem::NEVER);
    (open > 0).then_some(DueItem { due, day, open, grace_days, place })
}
