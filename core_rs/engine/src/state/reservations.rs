//! Reservations in memory, found by id, by order, and by when they expire or have closed.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::ops::Bound::{Excluded, Unbounded};

use hashbrown::{DefaultHashBuilder, HashMap};
use slab::Slab;

use super::index::{Index, Place};
use super::sorted::Sorted;
use crate::counting::Waiting;
use crate::model::Reservation;
use crate::values::{Day, Micros, ReservationId, Slot};

#[derive(Default)]
pub(super) struct Reservations {
    rows: Slab<Reservation>,
    by_id: Index,
    /// The latest of each order.
    by_order: Index,
    /// Of orders that have several reservations, which are next to each other in order of id.
    siblings: HashMap<ReservationId, Siblings>,
    /// Open ones by the moment at which they expire.
    expiring: Sorted<(Micros, ReservationId)>,
    /// Closed ones, oldest first.
    closed: Sorted<(Micros, ReservationId)>,
    /// Open ones that do not count yet, by their day of shipping.
    waiting: BTreeSet<(Day, ReservationId)>,
    /// Open ones in other currencies than their account's.
    foreign: BTreeSet<ReservationId>,
    hasher: DefaultHashBuilder,
}

#[derive(Clone, Copy, Default)]
struct Siblings {
    older: Option<ReservationId>,
    newer: Option<ReservationId>,
}

impl Reservations {
    pub(super) fn reserve(&mut self, more: usize) {
        let Reservations { rows, by_id, by_order, hasher, .. } = self;
        rows.reserve(more);
        by_id.reserve(more, |place| hasher.hash_one(rows[place as usize].id));
        by_order.reserve(more, |place| order_hash(hasher, &rows[place as usize]));
    }

    pub(super) fn get(&self, id: ReservationId) -> Option<&Reservation> {
        self.place(id).map(|place| &self.rows[place as usize])
    }

    /// The latest reservation of an order.
    pub(super) fn latest(&self, slot: Slot, order_id: &str) -> Option<&Reservation> {
        let hash = self.hasher.hash_one((slot, order_id));
        self.latest_place(hash, slot, order_id).map(|place| &self.rows[place as usize])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.rows.iter().map(|(_, row)| row)
    }

    pub(super) fn expiring(&self) -> impl ExactSizeIterator<Item = (Micros, ReservationId)> {
        self.expiring.iter().copied()
    }

    pub(super) fn closed(&self) -> impl ExactSizeIterator<Item = (Micros, ReservationId)> {
        self.closed.iter().copied()
    }

    pub(super) fn waiting(&self) -> impl ExactSizeIterator<Item = (Day, ReservationId)> {
        self.waiting.iter().copied()
    }

    pub(super) fn foreign(&self, after: ReservationId) -> impl Iterator<Item = ReservationId> {
        self.foreign.range((Excluded(after), Unbounded)).copied()
    }

    /// For each order its latest reservation, and how many it has.
    pub(super) fn orders(&self) -> impl Iterator<Item = (&Reservation, u32)> {
        self.by_order.iter().map(|place| {
            let latest = &self.rows[place as usize];
            let older = |id: &ReservationId| self.siblings.get(id)?.older;
            (latest, std::iter::successors(Some(latest.id), older).count() as u32)
        })
    }

    pub(super) fn insert(&mut self, row: Reservation) {
        assert!(self.place(row.id).is_none(), "reservation {} is there", row.id);
        self.note(&row);
        let (id, slot, hash) = (row.id, row.slot, order_hash(&self.hasher, &row));
        let latest = self.latest_place(hash, slot, &row.order_id);
        let place = self.rows.insert(row) as Place;
        let Reservations { rows, by_id, by_order, hasher, .. } = self;
        by_id.insert(hasher.hash_one(id), place, |place| hasher.hash_one(rows[place as usize].id));
        match latest {
            None => by_order.insert(hash, place, |place| order_hash(hasher, &rows[place as usize])),
            Some(latest) => {
                let head = rows[latest as usize].id;
                if id > head {
                    by_order.replace(hash, latest, place);
                }
                self.link(id, head);
            }
        }
    }

    pub(super) fn remove(&mut self, id: ReservationId) -> Reservation {
        let place = self.place(id).expect("events speak of what exists");
        self.by_id.remove(self.hasher.hash_one(id), place);
        let hash = order_hash(&self.hasher, &self.rows[place as usize]);
        match self.unlink(id) {
            Siblings { older: None, newer: None } => self.by_order.remove(hash, place),
            Siblings { older: Some(older), newer: None } => {
                let older = self.place(older).expect("siblings exist");
                self.by_order.replace(hash, place, older);
            }
            Siblings { newer: Some(_), .. } => {}
        }
        let row = self.rows.remove(place as usize);
        self.forget(&row);
        row
    }

    /// Changes a row, but for its owner, its order and its id.
    pub(super) fn change<R>(
        &mut self,
        id: ReservationId,
        f: impl FnOnce(&mut Reservation) -> R,
    ) -> R {
        let place = self.place(id).expect("events speak of what exists");
        let row = &mut self.rows[place as usize];
        let before = when(row);
        let result = f(row);
        let after = when(row);
        if row.details.is_some() {
            note_counting(&mut self.waiting, &mut self.foreign, row);
        }
        if before != after {
            self.set(before.0).remove(&(before.1, id));
            self.set(after.0).insert((after.1, id));
        }
        result
    }

    fn place(&self, id: ReservationId) -> Option<Place> {
        self.by_id.find(self.hasher.hash_one(id), |place| self.rows[place as usize].id == id)
    }

    fn latest_place(&self, hash: u64, slot: Slot, order_id: &str) -> Option<Place> {
        self.by_order.find(hash, |place| {
            let row = &self.rows[place as usize];
            row.slot == slot && row.order_id == order_id
        })
    }

    fn set(&mut self, is_open: bool) -> &mut Sorted<(Micros, ReservationId)> {
        if is_open { &mut self.expiring } else { &mut self.closed }
    }

    fn note(&mut self, row: &Reservation) {
        let (is_open, at) = when(row);
        self.set(is_open).insert((at, row.id));
        if row.details.is_some() {
            note_counting(&mut self.waiting, &mut self.foreign, row);
        }
    }

    fn forget(&mut self, row: &Reservation) {
        let (is_open, at) = when(row);
        self.set(is_open).remove(&(at, row.id));
        if let Some(counting) = row.counting() {
            self.foreign.remove(&row.id);
            counting.ship_date.map(|day| self.waiting.remove(&(day, row.id)));
        }
    }

    /// Puts an order's reservation between its siblings, the latest of which is `head`. It is the
    /// latest itself, but where a forgotten one comes back.
    fn link(&mut self, id: ReservationId, head: ReservationId) {
        let (mut newer, mut older) = (None, Some(head));
        while let Some(next) = older.filter(|next| *next > id) {
            newer = Some(next);
            older = self.siblings.get(&next).and_then(|siblings| siblings.older);
        }
        self.siblings.insert(id, Siblings { older, newer });
        if let Some(older) = older {
            self.siblings.entry(older).or_default().newer = Some(id);
        }
        if let Some(newer) = newer {
            self.siblings.entry(newer).or_default().older = Some(id);
        }
    }

    /// Takes an order's reservation from between its siblings; returns them.
    fn unlink(&mut self, id: ReservationId) -> Siblings {
        let siblings = self.siblings.remove(&id).unwrap_or_default();
        if let Some(older) = siblings.older {
            self.set_sibling(older, |of| of.newer = siblings.newer);
        }
        if let Some(newer) = siblings.newer {
            self.set_sibling(newer, |of| of.older = siblings.older);
        }
        siblings
    }

    /// Whoever has no siblings any more needs no entry.
    fn set_sibling(&mut self, id: ReservationId, set: impl FnOnce(&mut Siblings)) {
        let siblings = self.siblings.entry(id).or_default();
        set(siblings);
        if let Siblings { older: None, newer: None } = siblings {
            self.siblings.remove(&id);
        }
    }
}

/// Puts a reservation where it belongs, or takes it away from where it does not any more.
#[cold]
fn note_counting(
    waiting: &mut BTreeSet<(Day, ReservationId)>,
    foreign: &mut BTreeSet<ReservationId>,
    row: &Reservation,
) {
    let Some(counting) = row.counting() else { return };
    if row.is_open() && counting.exchange.is_some() {
        foreign.insert(row.id);
    } else {
        foreign.remove(&row.id);
    }
    let Some(day) = counting.ship_date else { return };
    if row.is_open() && counting.waiting == Waiting::Still {
        waiting.insert((day, row.id));
    } else {
        waiting.remove(&(day, row.id));
    }
}

/// Whether a reservation is open, and when it expires or when it closed.
fn when(row: &Reservation) -> (bool, Micros) {
    if row.is_open() { (true, row.expires_at) } else { (false, row.closed_at) }
}

fn order_hash(hasher: &DefaultHashBuilder, row: &Reservation) -> u64 {
    hasher.hash_one((row.slot, &*row.order_id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn row(id: ReservationId, slot: Slot, order: u8, (open, moment): (i64, Micros)) -> Reservation {
        let order_id = "o".repeat(1 + usize::from(order) * 15);
        let closed_at = if open > 0 { 0 } else { moment };
        let row = Reservation::empty(id, slot, &order_id, 0);
        Reservation { open, expires_at: moment, closed_at, ..row }
    }

    fn assert_like(found: &Reservations, model: &BTreeMap<ReservationId, Reservation>) {
        assert!(model.values().all(|row| found.get(row.id) == Some(row)));
        assert_eq!(found.iter().count(), model.len());
        let mut orders = BTreeMap::new();
        for row in model.values() {
            let order = orders.entry((row.slot, &row.order_id)).or_insert((row.id, 0));
            *order = (row.id, order.1 + 1);
        }
        let key = |row: &Reservation| (row.slot, row.order_id.clone());
        let expected: BTreeMap<_, _> =
            orders.iter().map(|(k, v)| ((k.0, k.1.clone()), *v)).collect();
        let by_order: BTreeMap<_, _> =
            found.orders().map(|(latest, count)| (key(latest), (latest.id, count))).collect();
        assert_eq!(by_order, expected);
        for ((slot, order_id), (latest, _)) in &expected {
            assert_eq!(found.latest(*slot, order_id).map(|row| row.id), Some(*latest));
        }
        let alone = |latest: &(ReservationId, u32)| latest.1 == 1;
        let with_siblings = model.len() - expected.values().filter(|order| alone(order)).count();
        assert_eq!(found.siblings.len(), with_siblings, "none is left behind");
        let mut times: Vec<_> = model.values().map(|row| (when(row), row.id)).collect();
        times.sort_unstable();
        let of = |is_open| {
            let times = times.iter().filter(move |((open, _), _)| *open == is_open);
            times.map(|((_, at), id)| (*at, *id))
        };
        assert!(found.expiring().eq(of(true)) && found.closed().eq(of(false)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// In any order of ids: a forgotten one that comes back stands between its siblings again.
        #[test]
        fn they_are_found_as_in_a_map(
            steps in prop::collection::vec(
                (0..40_u64, 0..2_u32, 0..3_u8, (0..2_i64, 0..9_i64)),
                1..150,
            ),
        ) {
            let (mut found, mut model) = (Reservations::default(), BTreeMap::new());
            for (step, (id, slot, order, (open, moment))) in steps.into_iter().enumerate() {
                match model.remove(&id) {
                    Some(known) if open == 0 => prop_assert_eq!(found.remove(id), known),
                    Some(mut known) => {
                        found.change(id, |row| row.expires_at = moment);
                        known.expires_at = moment;
                        model.insert(id, known);
                    }
                    None => {
                        let row = row(id, slot, order, (open, moment));
                        found.insert(row.clone());
                        model.insert(id, row);
                    }
                }
                if step % 10 == 0 {
                    assert_like(&found, &model);
                }
            }
            assert_like(&found, &model);
        }
    }
}
