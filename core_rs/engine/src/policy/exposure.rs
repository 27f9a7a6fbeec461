//! `[exposure]`: which open orders count, and how much of them.

use crate::policy::reader::Section;
use crate::values::{Day, Minor};

/// Open orders that do not count, or not in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Orders that are to be shipped after so many days do not count yet; none: all do.
    horizon_days: Option<u16>,
    excludes_tax: bool,
    excludes_freight: bool,
}

impl Exposure {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Exposure {
        let horizon_days = section.integer("horizon_days", 0..=3_660).map(|days| days as u16);
        let mut excludes = |key| section.flag(key) == Some(false);
        let (excludes_tax, excludes_freight) = (excludes("tax_counts"), excludes("freight_counts"));
        Exposure { horizon_days, excludes_tax, excludes_freight }
    }

    /// The last day whose orders count already; none: all count.
    #[must_use]
    pub fn horizon(&self, today: Day) -> Option<Day> {
        self.horizon_days.map(|days| today.plus(days))
    }

    /// What of an order's tax and freight does not count.
    #[must_use]
    pub fn excluded(&self, tax: Minor, freight: Minor) -> Minor {
        let of = |excludes, part| if excludes { part } else { 0 };
        of(self.excludes_tax, tax) + of(self.excludes_freight, freight)
    }
}
