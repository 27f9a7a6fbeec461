//! `[exposure]`: which open orders count, and how much of them; and whether disputed invoices do.

use crate::policy::reader::Section;
use crate::values::{Day, Minor};

/// Open orders that do not count, or not in full, and disputed invoices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Orders that are to be shipped after so many days do not count yet; none: all do.
    horizon_days: Option<u16>,
    excludes_tax: bool,
    excludes_freight: bool,
    /// The most of an order's amount that does not count, whatever it names; none: all of it.
    excluded_percent_max: Option<i64>,
    excludes_disputed: bool,
}

impl Exposure {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Exposure {
        let horizon_days = section.integer("horizon_days", 0..=3_660).map(|days| days as u16);
        let mut excludes = |key| section.flag(key) == Some(false);
        let (excludes_tax, excludes_freight) = (excludes("tax_counts"), excludes("freight_counts"));
        let excludes_disputed = excludes("disputed_counts");
        let excluded_percent_max = section.integer("excluded_percent_max", 0..=100);
        Exposure {
            horizon_days,
            excludes_tax,
            excludes_freight,
            excluded_percent_max,
            excludes_disputed,
        }
    }

    /// Whether what is disputed of an invoice counts like the rest of it.
    #[inline]
    #[must_use]
    pub fn disputed_counts(&self) -> bool {
        !self.excludes_disputed
    }

    /// The last day whose orders count already; none: all count.
    #[must_use]
    pub fn horizon(&self, today: Day) -> Option<Day> {
        self.horizon_days.map(|days| today.plus(days))
    }

    /// What of an order's tax and freight does not count. These are the word of whoever orders, so
    /// a policy may bound them.
    #[must_use]
    pub fn excluded(&self, amount: Minor, tax: Minor, freight: Minor) -> Minor {
        let of = |excludes, part| if excludes { part } else { 0 };
        let named = of(self.excludes_tax, tax) + of(self.excludes_freight, freight);
        let percent = self.excluded_percent_max.unwrap_or(100);
        let most = i128::from(amount) * i128::from(percent) / 100;
        named.min(most as Minor)
    }
}
