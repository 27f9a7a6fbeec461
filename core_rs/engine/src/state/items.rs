//! Items in memory: no more of each than decisions depend on.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap};
use slab::Slab;

use super::by_due::{ByDue, DueItem, owed};
use super::index::{Index, Place};
use super::sorted::Sorted;
use crate::model::Standing;
use crate::values::{Day, Id, Micros, Minor, Slot};

#[derive(Default)]
pub(super) struct Items {
    rows: Slab<Row>,
    /// By account and invoice.
    places: Index,
    /// Open and captured of the few items that have both.
    both: HashMap<Place, (Minor, Minor)>,
    /// How much of the few items that are disputed is.
    disputed: HashMap<Place, Minor>,
    /// The longest settled first.
    settled: Sorted<(Micros, Slot, Id)>,
    /// While somebody asks for them.
    by_due: Option<ByDue>,
    hasher: DefaultHashBuilder,
}

pub(super) struct Row {
    pub(super) invoice_id: Id,
    /// What `kind` says.
    word: i64,
    slot: Slot,
    day: Day,
    /// `NO_DAY` where none is known.
    due: Day,
    grace_days: u16,
    kind: Kind,
    /// `POSTED`, `DATED`, `DISPUTED`.
    flags: u8,
}

const _: () = assert!(size_of::<Row>() == 48);

const POSTED: u8 = 1;
const DATED: u8 = 2;
const DISPUTED: u8 = 4;

/// No invoice is due on it.
const NO_DAY: Day = Day(i32::MIN);

/// An item is settled, or nearly always has either of its amounts: one word is enough for it.
#[derive(Clone, Copy)]
enum Kind {
    Open,
    Captured,
    SettledAt,
    Both,
}

impl Items {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn reserve(&mut self, more: usize) {
        let Items { rows, places, hasher, .. } = self;
        rows.reserve(more);
        places.reserve(more, |place| hash_of(hasher, rows, place));
    }

    pub(super) fn get(&self, slot: Slot, invoice_id: &str) -> Option<Standing> {
        Some(self.standing(self.place(slot, invoice_id)?))
    }

    /// Puts an item in the place of the one that there is, or removes it; returns what there was.
    pub(super) fn set(
        &mut self,
        slot: Slot,
        invoice_id: &str,
        now: Option<&Standing>,
    ) -> Option<Standing> {
        let place = self.place(slot, invoice_id);
        let was = place.map(|place| self.standing(place));
        let settled_at = |standing: Option<&Standing>| {
            standing.map(|standing| standing.settled_at).filter(|since| *since != 0)
        };
        let (since_before, since_now) = (settled_at(was.as_ref()), settled_at(now));
        if since_before != since_now {
            let key = |since| (since, slot, Id::new(invoice_id));
            if let Some(since) = since_before {
                self.settled.remove(&key(since));
            }
            if let Some(since) = since_now {
                self.settled.insert(key(since));
            }
        }
        let item = |standing: Option<&Standing>| place.zip(standing).and_then(|(p, s)| owed(p, s));
        let (item_before, item_now) = (item(was.as_ref()), item(now));
        let stays = item_before.zip(item_now).is_some_and(|(before, now)| before.is_at(&now));
        if let (Some(by_due), Some(before)) = (&mut self.by_due, item_before) {
            match item_now.filter(|_| stays) {
                Some(now) => by_due.change(slot, now, &self.rows),
                None => by_due.remove(slot, before, &self.rows),
            }
        }
        let place = match (place, now) {
            (Some(place), Some(now)) => {
                self.write(place, now);
                Some(place)
            }
            (Some(place), None) => {
                self.remove(place);
                None
            }
            (None, Some(now)) => Some(self.insert(slot, invoice_id, now)),
            (None, None) => None,
        };
        let item = place.zip(now).and_then(|(place, now)| owed(place, now)).filter(|_| !stays);
        if let (Some(by_due), Some(item)) = (&mut self.by_due, item) {
            by_due.insert(slot, item, &self.rows);
        }
        was
    }

    /// Whether what is owed is kept in order of due date from now on.
    pub(super) fn keep_by_due(&mut self, wanted: bool) {
        if wanted != self.by_due.is_some() {
            self.by_due = wanted.then(|| {
                let all = self.rows.iter().filter_map(|(place, row)| {
                    let place = place as Place;
                    Some((row.slot, owed(place, &self.standing(place))?))
                });
                ByDue::build(all, &self.rows)
            });
        }
    }

    /// What an account owes, in order of due date; nothing while it is not kept.
    pub(super) fn by_due(&self, slot: Slot) -> &[DueItem] {
        self.by_due.as_ref().map_or(&[], |by_due| by_due.items(slot))
    }

    /// The earliest due date of what an account owes.
    #[inline]
    pub(super) fn first_due(&self, slot: Slot) -> Day {
        self.by_due.as_ref().map_or(DueItem::NEVER, |by_due| by_due.first_due(slot))
    }

    /// The earliest day of what an account owes.
    pub(super) fn oldest(&self, slot: Slot) -> Option<Day> {
        self.by_due.as_ref()?.oldest(slot)
    }

    pub(super) fn invoice_id(&self, item: &DueItem) -> &Id {
        &self.rows[item.place as usize].invoice_id
    }

    /// The part of an item that is owed and disputed.
    pub(super) fn contested(&self, item: &DueItem) -> Minor {
        let disputed = self.disputed.get(&item.place).copied().unwrap_or_default();
        disputed.min(item.open)
    }

    /// The items of which such a part is owed.
    pub(super) fn all_contested(&self) -> impl Iterator<Item = (Slot, Minor)> {
        let contested = |place: Place| self.standing(place).contested();
        let places = self.disputed.keys();
        places.map(move |place| (self.rows[*place as usize].slot, contested(*place)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Id, Standing)> {
        self.rows
            .iter()
            .map(|(place, row)| (row.slot, &row.invoice_id, self.standing(place as Place)))
    }

    pub(super) fn settled(&self) -> impl ExactSizeIterator<Item = &(Micros, Slot, Id)> {
        self.settled.iter()
    }

    fn place(&self, slot: Slot, invoice_id: &str) -> Option<Place> {
        self.places.find(self.hasher.hash_one((slot, invoice_id)), |place| {
            let row = &self.rows[place as usize];
            row.slot == slot && row.invoice_id == invoice_id
        })
    }

    fn standing(&self, place: Place) -> Standing {
        let Row { word, kind, flags, day, due, grace_days, .. } = self.rows[place as usize];
        let (open, captured, settled_at) = match kind {
            Kind::Open => (word, 0, 0),
            Kind::Captured => (0, word, 0),
            Kind::SettledAt => (0, 0, word),
            Kind::Both => {
                let (open, captured) = self.both[&place];
                (open, captured, 0)
            }
        };
        let (posted, dated) = (flags & POSTED != 0, flags & DATED != 0);
        let disputed = if flags & DISPUTED != 0 { self.disputed[&place] } else { 0 };
        let due = Some(due).filter(|due| *due != NO_DAY);
        Standing { captured, open, posted, settled_at, day, dated, due, grace_days, disputed }
    }

    fn insert(&mut self, slot: Slot, invoice_id: &str, now: &Standing) -> Place {
        let (invoice_id, kind) = (invoice_id.into(), Kind::Open);
        let (word, day, due, grace_days, flags) = (0, Day(0), NO_DAY, 0, 0);
        let row = Row { invoice_id, word, slot, day, due, grace_days, kind, flags };
        let place = self.rows.insert(row) as Place;
        self.write(place, now);
        let Items { rows, places, hasher, .. } = self;
        places.insert(hash_of(hasher, rows, place), place, |place| hash_of(hasher, rows, place));
        place
    }

    fn write(&mut self, place: Place, now: &Standing) {
        let Standing { captured, open, posted, settled_at, day, dated, due, grace_days, disputed } =
            *now;
        let row = &mut self.rows[place as usize];
        if matches!(row.kind, Kind::Both) {
            self.both.remove(&place);
        }
        (row.kind, row.word) = match (open, captured) {
            (0, 0) => (Kind::SettledAt, settled_at),
            (open, 0) => (Kind::Open, open),
            (0, captured) => (Kind::Captured, captured),
            both => {
                self.both.insert(place, both);
                (Kind::Both, 0)
            }
        };
        if row.flags & DISPUTED != 0 {
            self.disputed.remove(&place);
        }
        row.flags = u8::from(posted) * POSTED + u8::from(dated) * DATED;
        if disputed != 0 {
            row.flags += DISPUTED;
            self.disputed.insert(place, disputed);
        }
        (row.day, row.due, row.grace_days) = (day, due.unwrap_or(NO_DAY), grace_days);
    }

    fn remove(&mut self, place: Place) {
        let hash = hash_of(&self.hasher, &self.rows, place);
        self.places.remove(hash, place);
        let Row { kind, flags, .. } = self.rows.remove(place as usize);
        if let Kind::Both = kind {
            self.both.remove(&place);
        }
        if flags & DISPUTED != 0 {
            self.disputed.remove(&place);
        }
    }
}

fn hash_of(hasher: &DefaultHashBuilder, rows: &Slab<Row>, place: Place) -> u64 {
    let row = &rows[place as usize];
    hasher.hash_one((row.slot, &*row.invoice_id))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn standing() -> impl Strategy<Value = Option<Standing>> {
        let amount = || prop_oneof![Just(0), any::<i64>()];
        let dates = (0..9, any::<bool>(), prop::option::of(0..9), 0..3_u16);
        let disputed = prop_oneof![3 => Just(0), 1 => 1_i64..9];
        let standing = (amount(), amount(), any::<bool>(), 1..5_i64, dates, disputed).prop_map(
            |(open, captured, posted, moment, (day, dated, due, grace_days), disputed)| {
                let settled_at = if (open, captured) == (0, 0) { moment } else { 0 };
                let (day, due) = (Day(day), due.map(Day));
                Standing {
                    captured,
                    open,
                    posted,
                    settled_at,
                    day,
                    dated,
                    due,
                    grace_days,
                    disputed,
                }
            },
        );
        prop::option::weighted(0.8, standing)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn it_holds_what_a_map_holds(
            steps in prop::collection::vec((0..3_u32, 0..20_u32, standing()), 1..300),
        ) {
            let (mut items, mut model) = (Items::default(), BTreeMap::new());
            for (count, (slot, invoice, now)) in steps.into_iter().enumerate() {
                // As when a policy that asks for them comes into force, or goes.
                if count % 50 == 25 {
                    items.keep_by_due(count % 100 == 25);
                }
                // Of two lengths: within the row, and beside it.
                let invoice_id = "i".repeat(10 + invoice as usize * 2);
                let key = (slot, Id::new(&invoice_id));
                prop_assert_eq!(items.get(slot, &invoice_id), model.get(&key).copied());
                let was = match now {
                    Some(now) => model.insert(key, now),
                    None => model.remove(&key),
                };
                prop_assert_eq!(items.set(slot, &invoice_id, now.as_ref()), was);
                prop_assert_eq!(items.len(), model.len());
            }
            let found: BTreeMap<_, _> =
                items.iter().map(|(slot, id, standing)| ((slot, id.clone()), standing)).collect();
            let settled: BTreeSet<_> = model
                .iter()
                .filter(|(_, now)| now.settled_at != 0)
                .map(|((slot, id), now)| (now.settled_at, *slot, id.clone()))
                .collect();
            prop_assert_eq!(&found, &model);
            prop_assert!(items.settled().eq(&settled));
            items.keep_by_due(true);
            for slot in 0..3 {
                let open = model.iter().filter(|((of, _), now)| *of == slot && now.open > 0);
                let mut expected: Vec<_> = open.collect();
                let due = |now: &Standing| now.due.unwrap_or(DueItem::NEVER);
                expected.sort_by_key(|((_, id), now)| (due(now), id.clone()));
                let expected = expected.into_iter().map(|((_, id), now)| {
                    (id, due(now), now.day, now.open, now.grace_days, now.contested())
                });
                let found = items.by_due(slot).iter().map(|item| {
                    let contested = if item.is_disputed { items.contested(item) } else { 0 };
                    let id = items.invoice_id(item);
                    (id, item.due, item.day, item.open, item.grace_days, contested)
                });
                prop_assert!(found.eq(expected));
                let days = items.by_due(slot).iter().map(|item| item.day);
                prop_assert_eq!(items.oldest(slot), days.min());
                let dues = items.by_due(slot).iter().map(|item| item.due);
                prop_assert_eq!(items.first_due(slot), dues.min().unwrap_or(DueItem::NEVER));
            }
        }
    }
}
