//! `[rates]`: how old an exchange rate may be.

use crate::policy::reader::Section;

/// Longer than any weekend with the holidays around it, for rates that banks set on working days.
const MAX_AGE_HOURS: i64 = 120;

/// Orders in other currencies than their account's. Matters only where rates are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// An order is not decided by a rate that is older.
    pub max_age_hours: i64,
}

impl Default for Rates {
    fn default() -> Rates {
        Rates { max_age_hours: MAX_AGE_HOURS }
    }
}

impl Rates {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Rates {
        let max_age_hours = section.integer("max_age_hours", 1..=10_000);
        Rates { max_age_hours: max_age_hours.unwrap_or(MAX_AGE_HOURS) }
    }
}
