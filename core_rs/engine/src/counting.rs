//! What few orders name, and how such an order counts against credit: not in the account's
//! currency, not all of it, not yet, or not where it was placed.
//!
//! A reservation's own figures are what counts, in the account's currency, as of every order. Where
//! that is not what the order says, a [`Counting`] stands beside them with the order's own amounts.
//! What counts of an order is at any time what its open amount is worth: the share of it that
//! counts, rounded up, and that by its rate, rounded up again. A part counts by what it takes off
//! that. So the last part takes the remainder, and nothing is left.

use serde::{Deserialize, Serialize};

use crate::rates::{Exchange, divide_up};
use crate::terms::AskedTerms;
use crate::values::{Day, Id, Minor};

/// What few orders name, as they ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDetails<'a> {
    /// The contract under which it is placed.
    pub contract_id: Option<&'a str>,
    /// The payment terms that it asks for.
    pub terms_id: Option<&'a str>,
    /// Not written where it names nothing of it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Shipping<'a>>,
}

/// What an order names of where, when and how much of it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipping<'a> {
    /// The day on which its goods are to leave.
    pub ship_date: Option<Day>,
    /// The part of its amount that is tax.
    pub tax: Minor,
    /// The part of its amount that is freight.
    pub freight: Minor,
    /// Another account, to which it is billed.
    pub bill_to: Option<&'a str>,
}

impl<'a> OrderDetails<'a> {
    /// What it names of payment terms.
    #[must_use]
    pub fn terms(&self) -> Option<AskedTerms<'a>> {
        let OrderDetails { contract_id, terms_id, .. } = *self;
        let names_any = contract_id.is_some() || terms_id.is_some();
        names_any.then_some(AskedTerms { contract_id, terms_id })
    }
}

/// What few orders named, as a reservation keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The contract under which it was placed.
    pub contract_id: Option<Id>,
    /// The payment terms that it was approved under, where it named some.
    pub terms_id: Option<Id>,
    /// How it counts; not written where it counts as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counting: Option<Counting>,
}

impl Details {
    /// What it names of payment terms.
    #[must_use]
    pub fn terms(&self) -> Option<AskedTerms<'_>> {
        let [contract_id, terms_id] = [&self.contract_id, &self.terms_id].map(|id| id.as_deref());
        let names_any = contract_id.is_some() || terms_id.is_some();
        names_any.then_some(AskedTerms { contract_id, terms_id })
    }

    /// Of an order that counts like this; `None` where there is nothing to keep.
    #[must_use]
    pub fn of(
        asked: Option<&OrderDetails<'_>>,
        counting: Option<Counting>,
    ) -> Option<Box<Details>> {
        let named = |id: Option<&str>| id.map(Into::into);
        let (contract_id, terms_id) =
            asked.map_or((None, None), |asked| (named(asked.contract_id), named(asked.terms_id)));
        let found = Details { contract_id, terms_id, counting };
        (found != Details::default()).then(|| Box::new(found))
    }
}

/// The amounts of an order in its own currency, all of it, whether it counts or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Not shipped yet.
    pub open: Minor,
    /// Shipped.
    pub captured: Minor,
    /// Given back by a call.
    pub released: Minor,
    /// Given back by the clock.
    pub expired: Minor,
}

impl Parts {
    /// Adds a change to each.
    pub fn add(&mut self, change: &Parts) {
        self.open += change.open;
        self.captured += change.captured;
        self.released += change.released;
        self.expired += change.expired;
    }
}

/// Whether an order waits for its day of shipping to come near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// It counted from the beginning.
    Never,
    /// It does not count yet.
    Still,
    /// Its day came near, and it counts since, whether it fits or not.
    Over,
}

/// How an order counts that does not count as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// Its own amounts.
    pub parts: Parts,
    /// Its amount when it was placed.
    pub total: Minor,
    /// How much of that does not count while it is open: tax, freight.
    pub excluded: Minor,
    /// Where its currency is not the account's.
    pub exchange: Option<Exchange>,
    /// The day on which its goods are to leave, where it named one.
    pub ship_date: Option<Day>,
    /// Whether it counts yet.
    pub waiting: Waiting,
    /// Who ordered, where that is not who is billed.
    pub sold_to: Option<Id>,
}

impl Counting {
    /// An amount of the order in the account's currency, all of it.
    #[must_use]
    pub fn full(&self, amount: Minor) -> Minor {
        match &self.exchange {
            None => amount,
            Some(exchange) => exchange.convert(amount),
        }
    }

    /// The same, rounded down: no invoice of so much is of less.
    #[must_use]
    pub fn at_least(&self, amount: Minor) -> Minor {
        match &self.exchange {
            None => amount,
            Some(exchange) => exchange.convert_down(amount),
        }
    }

    /// What counts of so much, once it counts at all.
    #[must_use]
    pub fn worth_in_time(&self, amount: Minor) -> Minor {
        let (amount, total) = (i128::from(amount), i128::from(self.total.max(1)));
        self.full(divide_up(amount, total - i128::from(self.excluded), total))
    }

    /// The day of shipping that it waits for.
    #[must_use]
    pub fn waits_for(&self) -> Option<Day> {
        self.ship_date.filter(|_| self.waiting == Waiting::Still)
    }

    /// What counts of so much now.
    #[must_use]
    pub fn worth(&self, amount: Minor) -> Minor {
        if self.waiting == Waiting::Still { 0 } else { self.worth_in_time(amount) }
    }
}

/// The largest amount from 0 to `most` that `fits`; what is smaller than one that fits, fits.
#[must_use]
pub fn largest(most: Minor, fits: impl Fn(Minor) -> bool) -> Minor {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rates::{Quote, Rate};
    use crate::values::Currency;

    fn counting(total: Minor, excluded: Minor, rate: &str) -> Counting {
        let code = |code| Currency::parse(code).expect("three capital letters");
        let rate = Rate::parse(rate).expect("a decimal");
        let quote = Quote { rate, source: "ecb".into(), as_of: 0 };
        let exchange = Exchange { from: code("JPY"), to: code("USD"), quote, inverted: false };
        let (ship_date, waiting, sold_to) = (None, Waiting::Never, None);
        let parts = Parts { open: total, ..Parts::default() };
        let exchange = Some(exchange);
        Counting { parts, total, excluded, exchange, ship_date, waiting, sold_to }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// Whatever parts an order is taken in, each counts something that is not negative, and
        /// all of them what the order counts.
        #[test]
        fn parts_add_up_to_the_whole(
            total in 1_i64..100_000,
            share in 0_i64..=100,
            rate in 1_i64..1_000_000,
            cuts in prop::collection::vec(0_i64..100_000, 0..20),
        ) {
            let found = counting(total, total * share / 100, &format!("0.{rate:07}"));
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut % (total + 1)).collect();
            cuts.extend([0, total]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|cut| found.worth(cut[1]) - found.worth(cut[0]));
            let parts: Vec<_> = parts.collect();
            prop_assert!(parts.iter().all(|part| *part >= 0));
            prop_assert_eq!(parts.iter().sum::<i64>(), found.worth(total));
            let room = found.worth(total) / 2;
            let fits = largest(total, |amount| found.worth(amount) <= room);
            prop_assert!(found.worth(fits) <= room);
            prop_assert!(fits == total || found.worth(fits + 1) > room);
        }
    }
}
