//! Which reservations belong to which order.

use std::hash::BuildHasher;

use crate::model::Reservation;
use crate::state::State;
use crate::values::{ReservationId, Slot};

/// Which reservations an order has.
#[derive(Clone, Copy)]
pub(super) struct OrderRow {
    pub(super) latest: ReservationId,
    pub(super) count: u32,
}

impl State {
    pub(super) fn order_row(&self, slot: Slot, order_id: &str) -> Option<OrderRow> {
        let hash = self.hasher.hash_one((slot, order_id));
        let same = |row: &OrderRow| {
            let reservation = &self.reservations[&row.latest];
            reservation.slot == slot && &*reservation.order_id == order_id
        };
        self.orders.find(hash, same).copied()
    }

    /// Sets the row of the order that `of` is for; `of` must exist.
    pub(super) fn set_order(&mut self, of: ReservationId, row: Option<OrderRow>) {
        let Self { reservations, orders, hasher, .. } = self;
        let key = |id: ReservationId| (reservations[&id].slot, &*reservations[&id].order_id);
        let hash = hasher.hash_one(key(of));
        match (orders.find_entry(hash, |known| key(known.latest) == key(of)), row) {
            (Ok(mut found), Some(row)) => *found.get_mut() = row,
            (Ok(found), None) => drop(found.remove()),
            (Err(_), Some(row)) => {
                orders.insert_unique(hash, row, |known| hasher.hash_one(key(known.latest)));
            }
            (Err(_), None) => {}
        }
    }

    /// The order's row once `gone`, one of its reservations, is no more.
    pub(super) fn order_without(&self, gone: &Reservation) -> Option<OrderRow> {
        let row = self.order_row(gone.slot, &gone.order_id).filter(|row| row.count > 1)?;
        let mut latest = row.latest;
        if latest == gone.id {
            // The oldest are forgotten first, so this search is rare: only a late capture lets an
            // older reservation outlive a newer one.
            let others = self.reservations.values().filter(|other| {
                other.slot == gone.slot && other.order_id == gone.order_id && other.id != gone.id
            });
            latest = others.map(|other| other.id).max()?;
        }
        Some(OrderRow { latest, count: row.count - 1 })
    }
}
