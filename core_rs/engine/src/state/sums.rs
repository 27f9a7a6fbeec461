//! Whether rows that were kept elsewhere fit each other.

use std::ops::Add;

use crate::model::{Counters, Terms};
use crate::state::State;
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
        for row in reservations.iter() {
            if !known(row.slot) {
                return false;
            }
            let counters = accounts.counters_mut(row.slot);
            counters.reserved = counters.reserved.wrapping_add(row.open);
        }
        for (slot, _, item) in items.iter() {
            if !known(slot) {
                return false;
            }
            let counters = accounts.counters_mut(slot);
            counters.captured = counters.captured.wrapping_add(item.captured);
            counters.outstanding = counters.outstanding.wrapping_add(item.open);
        }
        (0..count as Slot).all(|slot| {
            let Terms { parent, segment, .. } = accounts.terms(slot);
            parent.is_none_or(known)
                && segment.is_none_or(|segment| (segment as usize) < segments.len())
        })
    }

    /// Whether, for each account, the counters are the sums of its rows: true of every state that
    /// events have led to. Some of the rows may come to more than all of them: sums wrap.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let mut sums = vec![Counters::default(); self.accounts.len()];
        for row in self.reservations.iter() {
            let sum = &mut sums[row.slot as usize];
            sum.reserved = sum.reserved.wrapping_add(row.open);
        }
        for (slot, _, item) in self.items.iter() {
            let sum = &mut sums[slot as usize];
            sum.captured = sum.captured.wrapping_add(item.captured);
            sum.outstanding = sum.outstanding.wrapping_add(item.open);
        }
        (0..).zip(sums).all(|(slot, sum)| {
            let Counters { outstanding, captured, reserved, unallocated } = *self.position(slot);
            reserved == sum.reserved
                && captured == sum.captured
                && outstanding == sum.outstanding.wrapping_add(unallocated)
        })
    }
}
