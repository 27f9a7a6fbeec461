//! Whether rows that were kept elsewhere fit each other.

use std::ops::Add;

use crate::model::{Counters, Terms};
use crate::state::State;
use crate::state::items::Items;
use crate::state::reservations::Reservations;
use crate::values::Slot;

/// Sums over all accounts of reserved, captured and outstanding, each account's times an odd number
/// of its own, modulo 2^64. They always show that one account's counters are others, and nearly
/// always that several are; rows of no amount, and terms, are not in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums([u64; 3]);

impl Sums {
    /// Adds what an account's counters are, or have changed by.
    pub fn note(&mut self, slot: Slot, counters: &Counters) {
        let Counters { outstanding, captured, reserved, unallocated: _ } = *counters;
        let weight = weight(slot);
        for (sum, amount) in self.0.iter_mut().zip([reserved, captured, outstanding]) {
            *sum = sum.wrapping_add(weight.wrapping_mul(amount.cast_unsigned()));
        }
    }

    /// As bytes, to be kept.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (place, sum) in bytes.chunks_exact_mut(8).zip(self.0) {
            place.copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    /// What [`Sums::to_bytes`] made.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 24]) -> Sums {
        let mut sums = [0; 3];
        for (sum, place) in sums.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *sum = u64::from_be_bytes(*place);
        }
        Sums(sums)
    }
}

impl Add for Sums {
    type Output = Sums;

    fn add(self, other: Sums) -> Sums {
        let [a, b, c] = other.0;
        Sums([self.0[0].wrapping_add(a), self.0[1].wrapping_add(b), self.0[2].wrapping_add(c)])
    }
}

/// An odd number for each slot, far from those of its neighbours: the finalizer of SplitMix64.
fn weight(slot: Slot) -> u64 {
    let mut x = u64::from(slot).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ x >> 31) | 1
}

impl State {
    /// The sums of all counters.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for slot in 0..self.accounts.len() as Slot {
            sums.note(slot, self.position(slot));
        }
        sums
    }

    /// Adds to every account's counters what its rows amount to, in a state restored from rows.
    /// `false`: a row belongs to no account, or an account to none that there is.
    ///
    /// Damaged amounts may be anything: they wrap, and [`State::sums`] shows it.
    #[must_use]
    pub fn add_up(&mut self) -> bool {
        let State { accounts, reservations, items, segments, .. } = self;
        let count = accounts.len();
        let known = |slot: Slot| (slot as usize) < count;
        for (slot, amounts) in amounts(reservations, items) {
            if !known(slot) {
                return false;
            }
            add(accounts.counters_mut(slot), &amounts);
        }
        (0..count as Slot).all(|slot| {
            let Terms { parent, segment, .. } = accounts.terms(slot);
            parent.is_none_or(known)
                && segment.is_none_or(|segment| (segment as usize) < segments.len())
        }) && accounts.records_fit()
    }

    /// Forms the groups and the sums of accounts whose counters have been added up and are right.
    /// `false`: an account is its own ancestor.
    #[must_use]
    pub fn sum_up(&mut self) -> bool {
        let summed_up = self.accounts.sum_up();
        if summed_up {
            for (slot, amount) in self.items.all_contested() {
                self.accounts.dispute(slot, amount.into());
            }
        }
        summed_up
    }

    /// Whether, for each account, the counters are the sums of its rows: true of every state that
    /// events have led to. Some of the rows may come to more than all of them: sums wrap.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let mut sums = vec![Counters::default(); self.accounts.len()];
        for (slot, amounts) in amounts(&self.reservations, &self.items) {
            add(&mut sums[slot as usize], &amounts);
        }
        (0..).zip(sums).all(|(slot, mut sum)| {
            let counters = self.position(slot);
            let unallocated = counters.unallocated;
            add(
                &mut sum,
                &Counters { outstanding: unallocated, unallocated, ..Counters::default() },
            );
            sum == *counters
        }) && self.accounts.records_fit()
    }
}

/// What each row adds to the counters of its account.
fn amounts<'s>(
    reservations: &'s Reservations,
    items: &'s Items,
) -> impl Iterator<Item = (Slot, Counters)> + 's {
    let none = Counters::default();
    let held =
        reservations.iter().map(move |row| (row.slot, Counters { reserved: row.open, ..none }));
    let owed = items.iter().map(move |(slot, _, item)| {
        (slot, Counters { captured: item.captured, outstanding: item.open, ..none })
    });
    held.chain(owed)
}

fn add(sum: &mut Counters, more: &Counters) {
    let Counters { outstanding, captured, reserved, unallocated } = *more;
    sum.outstanding = sum.outstanding.wrapping_add(outstanding);
    sum.captured = sum.captured.wrapping_add(captured);
    sum.reserved = sum.reserved.wrapping_add(reserved);
    sum.unallocated = sum.unallocated.wrapping_add(unallocated);
}
