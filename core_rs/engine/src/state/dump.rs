//! All of a state in an order of its own choosing, to compare one state with another.

use std::collections::BTreeMap;

use crate::model::{Account, Counters, Item, Reservation, Segment};
use crate::state::State;
use crate::values::{Micros, ReservationId, Slot};

/// Every row and every index of a [`State`], in canonical order. Two states with equal dumps decide
/// alike, whatever way they came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// By slot.
    pub accounts: Vec<(Account, Counters)>,
    /// By index.
    pub segments: Vec<Segment>,
    /// By id.
    pub reservations: BTreeMap<ReservationId, Reservation>,
    /// By account and invoice.
    pub items: BTreeMap<(Slot, Box<str>), Item>,
    /// How far each source's stream has been taken.
    pub sources: BTreeMap<Box<str>, u64>,
    /// Index: the slot of each account id.
    pub slots: BTreeMap<Box<str>, Slot>,
    /// Index: the latest reservation of each order, and how many the order has.
    pub orders: BTreeMap<(Slot, Box<str>), (ReservationId, u32)>,
    /// Index: open reservations by the moment at which they expire.
    pub expiring: Vec<(Micros, ReservationId)>,
    /// Index: closed reservations by the moment at which they closed.
    pub closed: Vec<(Micros, ReservationId)>,
    /// Index: settled invoices by the moment at which they were settled.
    pub settled: Vec<(Micros, Slot, Box<str>)>,
}

impl State {
    /// Copies everything out: for tests and for checks at rest, too slow to live with.
    #[must_use]
    pub fn dump(&self) -> Dump {
        let item = |item: &Item| ((item.slot, item.invoice_id.clone()), item.clone());
        Dump {
            accounts: self.accounts.clone(),
            segments: self.segments.clone(),
            reservations: self.reservations.iter().map(|(id, row)| (*id, row.clone())).collect(),
            items: self.items.iter().map(item).collect(),
            sources: self.sources.clone(),
            slots: self
                .account_slots
                .iter()
                .map(|slot| (self.account(*slot).id.clone(), *slot))
                .collect(),
            orders: self
                .orders
                .iter()
                .map(|row| {
                    let latest = &self.reservations[&row.latest];
                    ((latest.slot, latest.order_id.clone()), (row.latest, row.count))
                })
                .collect(),
            expiring: self.expiring.iter().copied().collect(),
            closed: self.closed.iter().copied().collect(),
            settled: self.settled.iter().cloned().collect(),
        }
    }
}
