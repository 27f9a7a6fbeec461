//! The rows in memory, with the indexes that `decide` asks and an undo log for commits that fail.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::model::{Account, Counters, Item, Reservation, Segment};
use crate::rows::Rows;
use crate::values::{Micros, ReservationId, SegmentIndex, Slot};

mod dump;
mod orders;
mod sums;

use orders::OrderRow;

pub use dump::Dump;

/// Everything that decisions depend on.
///
/// Every change is noted until [`State::settle`], so that [`State::undo`] can
/// take back a batch whose commit failed.
#[derive(Default)]
pub struct State {
    accounts: Vec<(Account, Counters)>,
    account_slots: HashTable<Slot>,
    reservations: HashMap<ReservationId, Reservation>,
    /// One for each order that has a reservation.
    orders: HashTable<OrderRow>,
    /// Open reservations by the moment at which they expire.
    expiring: BTreeSet<(Micros, ReservationId)>,
    /// Closed reservations, oldest first.
    closed: BTreeSet<(Micros, ReservationId)>,
    items: HashTable<Item>,
    /// Settled invoices, oldest first.
    settled: BTreeSet<(Micros, Slot, Box<str>)>,
    segments: Vec<Segment>,
    segment_indexes: HashMap<Box<str>, SegmentIndex>,
    sources: BTreeMap<Box<str>, u64>,
    hasher: DefaultHashBuilder,
    undo: Vec<Undo>,
}

/// How to take back one change: the row as it was, or `None` where there was none.
enum Undo {
    Counters(Slot, Counters),
    Account(Slot, Option<Box<Account>>),
    Reservation(ReservationId, Option<Box<Reservation>>),
    /// An order, by any reservation of it.
    Order {
        of: ReservationId,
        was: Option<OrderRow>,
    },
    Item(Slot, Box<str>, Option<Box<Item>>),
    Segment(SegmentIndex, Option<Box<Segment>>),
    Source(Box<str>, Option<u64>),
}

impl State {
    /// Number of accounts; slots are 0 to this, exclusive.
    #[must_use]
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// The slot of an account.
    #[must_use]
    pub fn slot(&self, account_id: &str) -> Option<Slot> {
        let hash = self.hasher.hash_one(account_id);
        self.account_slots.find(hash, |slot| &*self.account(*slot).id == account_id).copied()
    }

    /// The account in a slot that was handed out.
    #[must_use]
    pub fn account(&self, slot: Slot) -> &Account {
        &self.accounts[slot as usize].0
    }

    /// The counters of a slot that was handed out.
    #[must_use]
    pub fn position(&self, slot: Slot) -> &Counters {
        &self.accounts[slot as usize].1
    }

    /// A reservation that has not been forgotten.
    #[must_use]
    pub fn reservation(&self, id: ReservationId) -> Option<&Reservation> {
        self.reservations.get(&id)
    }

    /// The latest reservation of an order.
    #[must_use]
    pub fn latest_of_order(&self, slot: Slot, order_id: &str) -> Option<&Reservation> {
        self.order_row(slot, order_id).map(|row| &self.reservations[&row.latest])
    }

    /// An invoice that has not been forgotten.
    #[must_use]
    pub fn item(&self, slot: Slot, invoice_id: &str) -> Option<&Item> {
        let hash = self.hasher.hash_one((slot, invoice_id));
        self.items.find(hash, |item| item.slot == slot && &*item.invoice_id == invoice_id)
    }

    /// The index of a segment.
    #[must_use]
    pub fn segment_index(&self, segment_id: &str) -> Option<SegmentIndex> {
        self.segment_indexes.get(segment_id).copied()
    }

    /// All segments, by index.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// How far a source's stream has been taken; zero when it has not been heard of.
    #[must_use]
    pub fn source_position(&self, source: &str) -> u64 {
        self.sources.get(source).copied().unwrap_or_default()
    }

    /// Open reservations by the moment at which they expire, the earliest first.
    pub fn expiring(&self) -> impl Iterator<Item = (Micros, ReservationId)> + '_ {
        self.expiring.iter().copied()
    }

    /// Closed reservations, the longest closed first.
    pub fn closed(&self) -> impl ExactSizeIterator<Item = (Micros, ReservationId)> + '_ {
        self.closed.iter().copied()
    }

    /// Settled invoices, the longest settled first.
    pub fn settled(&self) -> impl ExactSizeIterator<Item = (Micros, Slot, &str)> + '_ {
        self.settled.iter().map(|(since, slot, invoice_id)| (*since, *slot, &**invoice_id))
    }

    /// Number of reservations that hold something.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.expiring.len()
    }

    /// Number of invoices known.
    #[must_use]
    pub fn item_count(&self) -> usize {
        self.items.len()
    }

    /// Puts back a row that was kept, at recovery. Accounts come in order of slot, reservations in
    /// order of id.
    pub fn restore_account(&mut self, account: Account, counters: Counters) {
        let slot = self.accounts.len() as Slot;
        self.add_account(slot, account);
        self.accounts[slot as usize].1 = counters;
        self.undo.clear();
    }

    /// Puts back a reservation that was kept, at recovery.
    pub fn restore_reservation(&mut self, reservation: Reservation) {
        self.add_reservation(reservation);
        self.undo.clear();
    }

    /// Puts back an invoice that was kept, at recovery.
    pub fn restore_item(&mut self, item: Item) {
        self.insert_item(item);
    }

    /// Puts back a segment that was kept, at recovery. Segments come in order of index.
    pub fn restore_segment(&mut self, segment: Segment) {
        self.push_segment(segment);
    }

    /// Puts back a source's position, at recovery.
    pub fn restore_source(&mut self, source: &str, position: u64) {
        self.sources.insert(source.into(), position);
    }

    /// Where the undo log stands: pass it to [`State::undo`] to come back to this moment.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Takes back every change since `mark`, the latest first.
    pub fn undo(&mut self, mark: usize) {
        while self.undo.len() > mark {
            let Some(step) = self.undo.pop() else { break };
            self.take_back(step);
        }
    }

    /// Calls `seen` for each slot whose account or counters changed since `mark`, some more than
    /// once.
    pub fn touched_since(&self, mark: usize, mut seen: impl FnMut(Slot)) {
        for step in &self.undo[mark..] {
            if let Undo::Counters(slot, _) | Undo::Account(slot, _) = step {
                seen(*slot);
            }
        }
    }

    /// Forgets how to undo what was changed before `mark`: it is durable. Later marks move down by
    /// as much.
    pub fn settle(&mut self, mark: usize) {
        self.undo.drain(..mark);
    }

    fn take_back(&mut self, step: Undo) {
        match step {
            Undo::Counters(slot, was) => self.accounts[slot as usize].1 = was,
            Undo::Account(slot, Some(was)) => self.accounts[slot as usize].0 = *was,
            Undo::Account(slot, None) => self.drop_account(slot),
            Undo::Reservation(id, was) => {
                if let Some(now) = self.reservations.remove(&id) {
                    self.unindex(&now);
                }
                if let Some(was) = was {
                    self.index(&was);
                    self.reservations.insert(id, *was);
                }
            }
            Undo::Order { of, was } => self.set_order(of, was),
            Undo::Item(slot, invoice_id, was) => {
                self.take_item(slot, &invoice_id);
                if let Some(was) = was {
                    self.insert_item(*was);
                }
            }
            Undo::Segment(index, Some(was)) => self.segments[index as usize] = *was,
            Undo::Segment(_, None) => {
                if let Some(segment) = self.segments.pop() {
                    self.segment_indexes.remove(&segment.id);
                }
            }
            Undo::Source(source, Some(was)) => {
                self.sources.insert(source, was);
            }
            Undo::Source(source, None) => {
                self.sources.remove(&source);
            }
        }
    }

    fn push_segment(&mut self, segment: Segment) {
        self.segment_indexes.insert(segment.id.clone(), self.segments.len() as SegmentIndex);
        self.segments.push(segment);
    }

    fn drop_account(&mut self, slot: Slot) {
        assert_eq!(slot as usize + 1, self.accounts.len(), "accounts are undone latest first");
        let hash = self.hasher.hash_one(&*self.account(slot).id);
        if let Ok(found) = self.account_slots.find_entry(hash, |known| *known == slot) {
            found.remove();
        }
        self.accounts.pop();
    }

    fn index(&mut self, reservation: &Reservation) {
        if reservation.is_open() {
            self.expiring.insert((reservation.expires_at, reservation.id));
        } else {
            self.closed.insert((reservation.closed_at, reservation.id));
        }
    }

    fn unindex(&mut self, reservation: &Reservation) {
        self.expiring.remove(&(reservation.expires_at, reservation.id));
        self.closed.remove(&(reservation.closed_at, reservation.id));
    }

    fn insert_item(&mut self, item: Item) {
        if item.settled_at != 0 {
            self.settled.insert((item.settled_at, item.slot, item.invoice_id.clone()));
        }
        let hash = self.hasher.hash_one((item.slot, &*item.invoice_id));
        let hasher = &self.hasher;
        self.items
            .insert_unique(hash, item, |item| hasher.hash_one((item.slot, &*item.invoice_id)));
    }

    fn take_item(&mut self, slot: Slot, invoice_id: &str) -> Option<Item> {
        let hash = self.hasher.hash_one((slot, invoice_id));
        let same = |item: &Item| item.slot == slot && &*item.invoice_id == invoice_id;
        let (item, _) = self.items.find_entry(hash, same).ok()?.remove();
        if item.settled_at != 0 {
            self.settled.remove(&(item.settled_at, slot, item.invoice_id.clone()));
        }
        Some(item)
    }
}

impl Rows for State {
    fn counters(&mut self, slot: Slot) -> &mut Counters {
        let counters = &mut self.accounts[slot as usize].1;
        self.undo.push(Undo::Counters(slot, *counters));
        counters
    }

    fn add_account(&mut self, slot: Slot, account: Account) {
        assert_eq!(slot as usize, self.accounts.len(), "slots are handed out without gaps");
        let hash = self.hasher.hash_one(&*account.id);
        self.accounts.push((account, Counters::default()));
        let (accounts, hasher) = (&self.accounts, &self.hasher);
        self.account_slots
            .insert_unique(hash, slot, |slot| hasher.hash_one(&*accounts[*slot as usize].0.id));
        self.undo.push(Undo::Account(slot, None));
    }

    fn update_account<R>(&mut self, slot: Slot, f: impl FnOnce(&mut Account) -> R) -> Option<R> {
        let (account, _) = self.accounts.get_mut(slot as usize)?;
        self.undo.push(Undo::Account(slot, Some(Box::new(account.clone()))));
        Some(f(account))
    }

    fn add_reservation(&mut self, reservation: Reservation) {
        let id = reservation.id;
        let was = self.order_row(reservation.slot, &reservation.order_id);
        self.index(&reservation);
        assert!(self.reservations.insert(id, reservation).is_none(), "reservation {id} is there");
        // On the way back the order must be set right while the reservation still names it.
        self.undo.push(Undo::Reservation(id, None));
        self.undo.push(Undo::Order { of: id, was });
        let count = 1 + was.map_or(0, |row| row.count);
        self.set_order(id, Some(OrderRow { latest: id, count }));
    }

    fn update_reservation<R>(
        &mut self,
        id: ReservationId,
        f: impl FnOnce(&mut Reservation) -> R,
    ) -> R {
        let mut reservation = self.reservations.remove(&id).expect("events speak of what exists");
        self.undo.push(Undo::Reservation(id, Some(Box::new(reservation.clone()))));
        self.unindex(&reservation);
        let result = f(&mut reservation);
        self.index(&reservation);
        self.reservations.insert(id, reservation);
        result
    }

    fn remove_reservation(&mut self, id: ReservationId) {
        let reservation = &self.reservations[&id];
        let was = self.order_row(reservation.slot, &reservation.order_id);
        self.set_order(id, self.order_without(reservation));
        // Undone after the reservation itself is back.
        self.undo.push(Undo::Order { of: id, was });
        if let Some(reservation) = self.reservations.remove(&id) {
            self.unindex(&reservation);
            self.undo.push(Undo::Reservation(id, Some(Box::new(reservation))));
        }
    }

    fn update_item(
        &mut self,
        slot: Slot,
        invoice_id: &str,
        new: impl FnOnce() -> Item,
        f: impl FnOnce(&mut Item),
    ) {
        let was = self.take_item(slot, invoice_id);
        self.undo.push(Undo::Item(slot, invoice_id.into(), was.clone().map(Box::new)));
        let mut item = was.unwrap_or_else(new);
        f(&mut item);
        self.insert_item(item);
    }

    fn remove_item(&mut self, slot: Slot, invoice_id: &str) {
        let was = self.take_item(slot, invoice_id);
        self.undo.push(Undo::Item(slot, invoice_id.into(), was.map(Box::new)));
    }

    fn update_segment(
        &mut self,
        segment: SegmentIndex,
        new: impl FnOnce() -> Segment,
        f: impl FnOnce(&mut Segment),
    ) {
        let was = self.segments.get(segment as usize).cloned().map(Box::new);
        if was.is_none() {
            assert_eq!(segment as usize, self.segments.len(), "indexes have no gaps");
            self.push_segment(new());
        }
        self.undo.push(Undo::Segment(segment, was));
        f(&mut self.segments[segment as usize]);
    }

    fn set_source(&mut self, source: &str, position: u64) {
        let was = self.sources.insert(source.into(), position);
        self.undo.push(Undo::Source(source.into(), was));
    }
}

#[cfg(test)]
mod tests;
