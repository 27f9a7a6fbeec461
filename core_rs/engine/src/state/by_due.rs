//! What each account owes, invoice by invoice, in order of due date: kept only while a policy asks.

use std::cmp::Ordering;

use hashbrown::HashMap;
use slab::Slab;

use super::by_slot::BySlot;
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
    /// Some of it is disputed.
    pub is_disputed: bool,
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
        today.since(self.due)
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

/// The earliest dates of what one account owes: nearly always they say that nothing is late, and
/// nothing else needs to be looked at.
#[derive(Clone, Copy)]
struct Earliest {
    due: Day,
    day: Day,
}

impl Default for Earliest {
    /// Of an account that owes nothing.
    fn default() -> Earliest {
        Earliest { due: DueItem::NEVER, day: DueItem::NEVER }
    }
}

/// A row in order of due date, then of id: a decision looks at the beginning of it, and one row is
/// so small that thousands are moved in a few microseconds.
#[derive(Default)]
pub(super) struct ByDue {
    accounts: HashMap<Slot, Vec<DueItem>>,
    earliest: BySlot<Earliest>,
}

impl ByDue {
    /// Of all items that there are.
    pub(super) fn build(items: impl Iterator<Item = (Slot, DueItem)>, rows: &Slab<Row>) -> ByDue {
        let mut built = ByDue::default();
        for (slot, item) in items {
            built.accounts.entry(slot).or_default().push(item);
        }
        for (slot, items) in &mut built.accounts {
            items.sort_unstable_by(|a, b| {
                let id = |item: &DueItem| &rows[item.place as usize].invoice_id;
                (a.due, id(a)).cmp(&(b.due, id(b)))
            });
            items.shrink_to_fit();
            *built.earliest.make(*slot) = earliest(items);
        }
        built
    }

    pub(super) fn items(&self, slot: Slot) -> &[DueItem] {
        self.accounts.get(&slot).map_or(&[], |items| items)
    }

    #[inline]
    pub(super) fn first_due(&self, slot: Slot) -> Day {
        self.earliest.get(slot).map_or(DueItem::NEVER, |earliest| earliest.due)
    }

    #[inline]
    pub(super) fn oldest(&self, slot: Slot) -> Option<Day> {
        let oldest = self.earliest.get(slot)?.day;
        (oldest != DueItem::NEVER).then_some(oldest)
    }

    pub(super) fn insert(&mut self, slot: Slot, item: DueItem, rows: &Slab<Row>) {
        let items = self.accounts.entry(slot).or_default();
        let invoice_id = &rows[item.place as usize].invoice_id;
        let place = place(items, item.due, invoice_id, rows).expect_err("it is there once");
        if items.len() < 4 {
            // Most accounts have few, and a vector begins with room for four.
            items.reserve_exact(1);
        }
        items.insert(place, item);
        let Earliest { due, day } = self.earliest.make(slot);
        (*due, *day) = ((*due).min(item.due), (*day).min(item.day));
    }

    /// Puts it in the place of the one that stands there, as when a part of it is paid.
    pub(super) fn change(&mut self, slot: Slot, item: DueItem, rows: &Slab<Row>) {
        let items = self.accounts.get_mut(&slot).expect("only what is there is changed");
        let invoice_id = &rows[item.place as usize].invoice_id;
        let place = place(items, item.due, invoice_id, rows).expect("it is there");
        items[place] = item;
    }

    pub(super) fn remove(&mut self, slot: Slot, item: DueItem, rows: &Slab<Row>) {
        let items = self.accounts.get_mut(&slot).expect("only what is there is removed");
        let invoice_id = &rows[item.place as usize].invoice_id;
        let place = place(items, item.due, invoice_id, rows).expect("it is there");
        items.remove(place);
        let was = self.earliest.make(slot);
        match items.first() {
            Some(first) if item.day != was.day => was.due = first.due,
            _ => *was = earliest(items),
        }
        if items.is_empty() {
            self.accounts.remove(&slot);
        }
    }
}

fn place(items: &[DueItem], due: Day, invoice_id: &str, rows: &Slab<Row>) -> Result<usize, usize> {
    items.binary_search_by(|item| match item.due.cmp(&due) {
        Ordering::Equal => (*rows[item.place as usize].invoice_id).cmp(invoice_id),
        other => other,
    })
}

/// Of items in order of due date.
fn earliest(items: &[DueItem]) -> Earliest {
    let Earliest { due, day } = Earliest::default();
    let due = items.first().map_or(due, |first| first.due);
    let day = items.iter().map(|item| item.day).min().unwrap_or(day);
    Earliest { due, day }
}

/// What is owed on an item that stands like this.
pub(super) fn owed(place: Place, standing: &Standing) -> Option<DueItem> {
    let Standing { open, day, due, grace_days, .. } = *standing;
    let due = due.unwrap_or(DueItem::NEVER);
    let is_disputed = standing.disputed > 0;
    (open > 0).then_some(DueItem { due, day, open, grace_days, is_disputed, place })
}
