//! How many orders of an account were approved lately, and of how much.

use serde::{Deserialize, Serialize};

use crate::values::{Micros, Minor};

/// Of how many parts a window is made: an order counts for at least the window, and at most for
/// one part longer.
pub const PARTS: i64 = 24;

/// What was approved in each part of a window that slides, so that memory is bounded however many
/// orders come. A part is `floor(t / length)` of the time `t`: the same for every account, and
/// after every start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Velocity {
    /// How long a part is, in microseconds.
    length: Micros,
    /// Those in which something was approved, in order; at most [`PARTS`] and the one that runs.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    number: i64,
    orders: u32,
    amount: Minor,
}

/// How many orders, and of how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Zero where an order grew.
    pub orders: u32,
    /// Together.
    pub amount: Minor,
}

impl Velocity {
    /// Notes what was approved at `now`. Where parts are of another length than before, what was
    /// noted is forgotten: it cannot be told apart as finely.
    pub fn note(&mut self, now: Micros, length: Micros, counted: Counted) {
        if self.note_in_last(now, length, counted).is_some() {
            return;
        }
        if self.length != length {
            *self = Velocity { length, parts: Vec::new() };
        }
        let (number, Counted { orders, amount }) = (part_of(now, length), counted);
        self.parts.retain(|part| part.number >= number - PARTS);
        self.parts.push(Part { number, orders, amount });
    }

    /// Notes it in the part that runs, and says what was counted there before; `None`: another part
    /// has begun, and nothing is noted.
    pub fn note_in_last(
        &mut self,
        now: Micros,
        length: Micros,
        counted: Counted,
    ) -> Option<Counted> {
        let is_length = self.length == length;
        let last = self.parts.last_mut().filter(|_| is_length)?;
        if last.number != part_of(now, length) {
            return None;
        }
        let before = Counted { orders: last.orders, amount: last.amount };
        last.orders = before.orders.saturating_add(counted.orders);
        last.amount = before.amount.saturating_add(counted.amount);
        Some(before)
    }

    /// Sets what is counted in the part that was noted last.
    pub(crate) fn put_back(&mut self, before: Counted) {
        let last = self.parts.last_mut().expect("something was noted in it");
        (last.orders, last.amount) = (before.orders, before.amount);
    }

    /// From when on nothing that was noted is in the window.
    #[must_use]
    pub fn over_at(&self) -> Micros {
        let last = self.parts.last().map_or(0, |part| part.number);
        (last.saturating_add(PARTS + 1)).saturating_mul(self.length.max(1))
    }

    /// How many orders were approved in the window that ends at `now`, and of how much.
    #[must_use]
    pub fn within(&self, now: Micros, length: Micros) -> (i64, i128) {
        if self.length != length {
            return (0, 0);
        }
        let first = part_of(now, length) - PARTS;
        let parts = || self.parts.iter().filter(|part| part.number >= first);
        let orders = parts().map(|part| i64::from(part.orders)).sum();
        (orders, parts().map(|part| i128::from(part.amount)).sum())
    }
}

fn part_of(now: Micros, length: Micros) -> i64 {
    now.div_euclid(length.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// Beside a list of all orders: each counts for a window, and at most one part longer.
        #[test]
        fn an_order_counts_for_a_window(
            steps in prop::collection::vec((0..40_i64, 1..9_i64), 1..80),
            length in 1..4_i64,
        ) {
            let (mut velocity, mut all, mut now) = (Velocity::default(), Vec::new(), -50);
            for (passed, amount) in steps {
                now += passed;
                let part = |moment: i64| moment.div_euclid(length);
                let counts = |(at, _): &&(i64, i64)| part(now) - part(*at) <= PARTS;
                let found = velocity.within(now, length);
                let recent: Vec<_> = all.iter().filter(counts).collect();
                let sum: i64 = recent.iter().map(|(_, amount)| amount).sum();
                prop_assert_eq!(found, (recent.len() as i64, i128::from(sum)));
                let window = PARTS * length;
                let certain = all.iter().filter(|(at, _)| now - at <= window).count();
                let possible = all.iter().filter(|(at, _)| now - at < window + length).count();
                prop_assert!((certain..=possible).contains(&recent.len()));
                velocity.note(now, length, Counted { orders: 1, amount });
                all.push((now, amount));
                prop_assert!(velocity.parts.len() <= PARTS as usize + 1);
                prop_assert_ne!(velocity.within(velocity.over_at() - 1, length), (0, 0));
                prop_assert_eq!(velocity.within(velocity.over_at(), length), (0, 0));
            }
        }
    }

    #[test]
    fn a_window_of_another_length_begins_anew() {
        let mut velocity = Velocity::default();
        velocity.note(100, 10, Counted { orders: 2, amount: 7 });
        assert_eq!((velocity.within(100, 10), velocity.within(100, 5)), ((2, 7), (0, 0)));
        velocity.note(101, 5, Counted { orders: 1, amount: 3 });
        assert_eq!(velocity.within(101, 5), (1, 3));
        assert_eq!(velocity.within(101 + 5 * (PARTS + 1), 5), (0, 0));
    }
}
