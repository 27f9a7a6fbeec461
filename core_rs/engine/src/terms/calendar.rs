//! Which days are worked. A calendar is data: a replay must not depend on any library's version.

use serde::{Deserialize, Serialize};

use crate::values::{Day, Id};

/// Where a date moves that is no working day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Roll {
    /// It stays.
    Keep,
    /// To the next working day.
    Next,
    /// To the working day before it; to the next where that would lie before the invoice.
    Previous,
}

/// Working days under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Unique in the store.
    pub id: Id,
    /// Its days.
    pub spec: CalendarSpec,
}

/// The days that are not worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarSpec {
    /// Days of the week: bit 0 is Monday, bit 6 Sunday. At least one day of the week is worked.
    pub weekend: u8,
    /// The first day for which holidays are known.
    pub from: Day,
    /// And the last. Beyond these two the weekend alone counts.
    pub until: Day,
    /// In order, each once.
    pub holidays: Vec<Day>,
    /// Days of the weekend that are worked all the same, in order, each once; not written where
    /// there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workdays: Vec<Day>,
}

impl CalendarSpec {
    /// Whether a day is worked.
    #[must_use]
    pub fn is_worked(&self, day: Day) -> bool {
        let named = |days: &[Day]| days.binary_search(&day).is_ok();
        let is_weekend = self.weekend >> day.weekday() & 1 == 1;
        (!is_weekend || named(&self.workdays)) && !named(&self.holidays)
    }

    /// Whether the holidays around a day are known.
    #[must_use]
    pub fn covers(&self, day: Day) -> bool {
        (self.from..=self.until).contains(&day)
    }

    /// Where `day` moves, of an invoice of the day `base`.
    #[must_use]
    pub fn roll(&self, day: Day, roll: Roll, base: Day) -> Day {
        match roll {
            Roll::Keep => day,
            Roll::Next => self.worked(day, 1),
            Roll::Previous => {
                let found = self.worked(day, -1);
                if found < base { self.worked(day, 1) } else { found }
            }
        }
    }

    /// The first working day from `day` on, or back; [`Day::LAST`] at most.
    fn worked(&self, day: Day, step: i32) -> Day {
        const WEEK: u8 = 0x7f;
        let mut found = day;
        // Admission leaves a day of each week to work on.
        while self.weekend & WEEK != WEEK && !self.is_worked(found) {
            found.0 += step;
        }
        found.min(Day::LAST)
    }
}
