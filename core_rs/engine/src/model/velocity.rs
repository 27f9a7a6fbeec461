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
#[serde(from = "Written", into = "Written")]
pub struct Velocity {
    /// How long a part is, in microseconds; zero: nothing was ever noted.
    length: Micros,
    /// The part that was noted last, nearly always the one that runs, and what was approved in it.
    number: i64,
    amount: Minor,
    /// What was approved in the window that ends with it, and before it began.
    earlier_amount: Minor,
    // Side by side, so that both fit one word.
    orders: u32,
    earlier_orders: u32,
    /// The parts in which that was.
    parts: Option<Box<Earlier>>,
}

// It stands in the one cache line of a `Watch`.
const _: () = assert!(size_of::<Velocity>() == 48);

/// In order; at most [`PARTS`]. Behind a box it takes one word of the cache line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Earlier(Vec<Part>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    number: i64,
    orders: u32,
    amount: Minor,
}

/// As it is written: the last part stands with those before it.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Velocity")]
struct Written {
    length: Micros,
    parts: Vec<Part>,
}

impl From<Velocity> for Written {
    fn from(velocity: Velocity) -> Written {
        let (length, last) = (velocity.length, velocity.last());
        let mut parts = velocity.parts.map_or_else(Vec::new, |earlier| earlier.0);
        parts.push(last);
        Written { length, parts }
    }
}

impl From<Written> for Velocity {
    fn from(written: Written) -> Velocity {
        let Written { length, mut parts } = written;
        let last = parts.pop().unwrap_or_default();
        Velocity::of(length, parts, last)
    }
}

/// How many orders, and of how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Zero where an order grew.
    pub orders: u32,
    /// Together; at most the end of its range.
    pub amount: Minor,
}

impl Counted {
    const NONE: Counted = Counted { orders: 0, amount: 0 };

    fn with(self, more: Counted) -> Counted {
        Counted {
            orders: self.orders.saturating_add(more.orders),
            amount: self.amount.saturating_add(more.amount),
        }
    }
}

impl Part {
    fn counted(&self) -> Counted {
        Counted { orders: self.orders, amount: self.amount }
    }
}

impl Velocity {
    /// Nothing was noted.
    pub const NONE: Velocity = Velocity {
        length: 0,
        number: 0,
        amount: 0,
        earlier_amount: 0,
        orders: 0,
        earlier_orders: 0,
        parts: None,
    };

    fn of(length: Micros, mut parts: Vec<Part>, last: Part) -> Velocity {
        parts.retain(|part| part.number >= last.number - PARTS);
        let earlier = parts.iter().map(Part::counted).fold(Counted::NONE, Counted::with);
        let parts = (!parts.is_empty()).then(|| Box::new(Earlier(parts)));
        let Part { number, orders, amount } = last;
        let Counted { orders: earlier_orders, amount: earlier_amount } = earlier;
        Velocity { length, number, amount, earlier_amount, orders, earlier_orders, parts }
    }

    fn last(&self) -> Part {
        let Velocity { number, orders, amount, .. } = *self;
        Part { number, orders, amount }
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Notes what was approved at `now`. Where parts are of another length than before, what was
    /// noted is forgotten: it cannot be told apart as finely.
    pub fn note(&mut self, now: Micros, length: Micros, counted: Counted) {
        if self.note_in_last(now, length, counted).is_some() {
            return;
        }
        let mut parts = Vec::new();
        if self.length == length {
            parts = std::mem::take(&mut self.parts).map_or(parts, |earlier| earlier.0);
            parts.push(self.last());
        }
        let Counted { orders, amount } = counted;
        *self = Velocity::of(length, parts, Part { number: part_of(now, length), orders, amount });
    }

    /// Notes it in the part that runs, and says what was counted there before; `None`: another part
    /// has begun, and nothing is noted.
    pub fn note_in_last(
        &mut self,
        now: Micros,
        length: Micros,
        counted: Counted,
    ) -> Option<Counted> {
        if self.length != length || self.number != part_of(now, length) {
            return None;
        }
        let before = self.last().counted();
        self.put_back(before.with(counted));
        Some(before)
    }

    /// Sets what is counted in the part that was noted last.
    pub(crate) fn put_back(&mut self, before: Counted) {
        (self.orders, self.amount) = (before.orders, before.amount);
    }

    /// From when on nothing that was noted is in the window.
    #[must_use]
    pub fn over_at(&self) -> Micros {
        (self.number.saturating_add(PARTS + 1)).saturating_mul(self.length)
    }

    /// What was approved in the window that ends at `now`.
    #[must_use]
    pub fn within(&self, now: Micros, length: Micros) -> Counted {
        if self.length != length {
            return Counted::NONE;
        }
        let number = part_of(now, length);
        if number == self.number {
            let earlier = Counted { orders: self.earlier_orders, amount: self.earlier_amount };
            return earlier.with(self.last().counted());
        }
        let earlier = self.parts.iter().flat_map(|earlier| &earlier.0).copied();
        let counting = earlier.chain([self.last()]).filter(|part| part.number >= number - PARTS);
        counting.map(|part| part.counted()).fold(Counted::NONE, Counted::with)
    }
}

fn part_of(now: Micros, length: Micros) -> i64 {
    now.div_euclid(length.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(orders: u32, amount: Minor) -> Counted {
        Counted { orders, amount }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// Beside a list of all orders: each counts for a window, and at most one part longer.
        #[test]
        fn an_order_counts_for_a_window(
            steps in prop::collection::vec((0..40_i64, 1..9_i64), 1..80),
            length in 1..4_i64,
        ) {
            let (mut velocity, mut all, mut now) = (Velocity::NONE, Vec::new(), -50);
            for (passed, amount) in steps {
                now += passed;
                let part = |moment: i64| moment.div_euclid(length);
                let counts = |(at, _): &&(i64, i64)| part(now) - part(*at) <= PARTS;
                let found = velocity.within(now, length);
                let recent: Vec<_> = all.iter().filter(counts).collect();
                let sum: i64 = recent.iter().map(|(_, amount)| amount).sum();
                prop_assert_eq!(found, counted(recent.len() as u32, sum));
                let window = PARTS * length;
                let certain = all.iter().filter(|(at, _)| now - at <= window).count();
                let possible = all.iter().filter(|(at, _)| now - at < window + length).count();
                prop_assert!((certain..=possible).contains(&recent.len()));
                velocity.note(now, length, Counted { orders: 1, amount });
                all.push((now, amount));
                prop_assert!(velocity.parts.iter().all(|kept| kept.0.len() <= PARTS as usize));
                prop_assert_ne!(velocity.within(velocity.over_at() - 1, length), Counted::NONE);
                prop_assert_eq!(velocity.within(velocity.over_at(), length), Counted::NONE);
                // Whoever reads what was written knows the same.
                let read = Velocity::from(Written::from(velocity.clone()));
                prop_assert_eq!(&read, &velocity);
            }
        }
    }

    #[test]
    fn a_window_of_another_length_begins_anew() {
        let mut velocity = Velocity::NONE;
        velocity.note(100, 10, counted(2, 7));
        assert_eq!(velocity.within(100, 10), counted(2, 7));
        assert_eq!(velocity.within(100, 5), Counted::NONE);
        velocity.note(101, 5, counted(1, 3));
        assert_eq!(velocity.within(101, 5), counted(1, 3));
        assert_eq!(velocity.within(101 + 5 * (PARTS + 1), 5), Counted::NONE);
    }
}
