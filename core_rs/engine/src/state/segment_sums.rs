//! What the accounts of each segment owe together, by currency.

use crate::values::{Currency, SegmentIndex};

/// Sums by segment, and in it by currency: few of each, so that a look through them is short.
#[derive(Default)]
pub(super) struct SegmentSums(Vec<Vec<(Currency, i128)>>);

impl SegmentSums {
    /// Each account's exposure fits an `i64`, their sum need not.
    pub(super) fn get(&self, segment: SegmentIndex, currency: Currency) -> i128 {
        let sums = self.0.get(segment as usize).map_or(&[][..], Vec::as_slice);
        sums.iter().find(|(known, _)| *known == currency).map_or(0, |(_, sum)| *sum)
    }

    pub(super) fn add(&mut self, segment: SegmentIndex, currency: Currency, exposure: i128) {
        if self.0.len() <= segment as usize {
            self.0.resize_with(segment as usize + 1, Vec::new);
        }
        let sums = &mut self.0[segment as usize];
        match sums.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, sum)) => *sum += exposure,
            None => sums.push((currency, exposure)),
        }
    }

    /// Those that are not zero, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SegmentIndex, Currency, i128)> {
        (0..).zip(&self.0).flat_map(|(segment, sums)| {
            let mut sums = Vec::from_iter(sums.iter().filter(|(_, sum)| *sum != 0));
            sums.sort_unstable();
            sums.into_iter().map(move |(currency, sum)| (segment, *currency, *sum))
        })
    }
}
