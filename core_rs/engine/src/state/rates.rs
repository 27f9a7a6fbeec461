//! The latest rate of each pair of currencies.

use std::collections::BTreeMap;

use crate::rates::{Exchange, Quote};
use crate::values::Currency;

/// They are few, and read by orders in other currencies alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(BTreeMap<(Currency, Currency), Quote>);

impl Rates {
    /// The latest of a pair, in this direction.
    #[must_use]
    pub fn get(&self, base: Currency, currency: Currency) -> Option<&Quote> {
        self.0.get(&(base, currency))
    }

    /// All pairs, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Currency, Currency, &Quote)> {
        self.0.iter().map(|((base, currency), quote)| (*base, *currency, quote))
    }

    /// How amounts become amounts of another currency: by the later one of the rate of the pair and
    /// that of the pair the other way round; by the first, where both are of one time.
    #[must_use]
    pub fn exchange(&self, from: Currency, to: Currency) -> Option<Exchange> {
        let (direct, inverse) = (self.get(from, to), self.get(to, from));
        let inverted = match (direct, inverse) {
            (Some(direct), Some(inverse)) => inverse.as_of > direct.as_of,
            (direct, _) => direct.is_none(),
        };
        let quote = if inverted { inverse } else { direct }?.clone();
        Some(Exchange { from, to, quote, inverted })
    }

    /// Sets the rate of a pair, or removes it; returns the one before.
    pub fn set(&mut self, pair: (Currency, Currency), quote: Option<Quote>) -> Option<Quote> {
        match quote {
            Some(quote) => self.0.insert(pair, quote),
            None => self.0.remove(&pair),
        }
    }
}
