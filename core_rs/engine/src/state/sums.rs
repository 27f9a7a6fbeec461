//! Whether rows that were kept elsewhere fit each other.

use crate::model::{Counters, Terms};
use crate::state::State;

impl State {
    /// Whether every row belongs to an account and, for each account, the counters are the sums of
    /// their rows. True of every state that events have led to. A state restored from rows fails it
    /// when an amount or an owner was damaged on disk; other damage does not show here.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        // Damaged amounts may be anything. Sums that wrap are as hard to meet by chance, and a
        // table of them is half as large as one of sums that cannot.
        let mut sums = vec![[0_i64; 3]; self.accounts.len()];
        let mut add = |slot: u32, part: usize, amount: i64| match sums.get_mut(slot as usize) {
            Some(sum) => {
                sum[part] = sum[part].wrapping_add(amount);
                true
            }
            None => false,
        };
        let owned = self.reservations.iter().all(|r| add(r.slot, 0, r.open))
            && self
                .items
                .iter()
                .all(|(slot, _, i)| add(slot, 1, i.captured) && add(slot, 2, i.open));
        owned
            && (0..).zip(sums).all(|(slot, [open, captured, owed])| {
                let Counters { outstanding, captured: shipped, reserved, unallocated } =
                    *self.position(slot);
                let Terms { parent, segment, .. } = self.terms(slot);
                let known = |place: Option<u32>, count: usize| {
                    place.is_none_or(|place| (place as usize) < count)
                };
                reserved == open
                    && shipped == captured
                    && outstanding == owed.wrapping_add(unallocated)
                    && known(parent, self.accounts.len())
                    && known(segment, self.segments.len())
            })
    }
}
