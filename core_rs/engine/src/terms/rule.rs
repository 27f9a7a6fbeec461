//! From the day of an invoice to the day on which it, or a part of it, is due.

use serde::{Deserialize, Serialize};

use crate::values::Day;

/// How a date follows from the day of the invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// So many days later.
    Net {
        /// How many.
        days: u16,
    },
    /// So many days after the end of a month.
    EndOfMonth {
        /// The month that begins so many after the invoice's: 0 is its own.
        months: u8,
        /// How many days after it.
        days: u16,
    },
    /// A day of a month, or the last of it where it is shorter.
    DayOfMonth {
        /// The month that begins so many after the invoice's: 1 is the next.
        months: u8,
        /// From 1 to 31.
        day: u8,
    },
    /// By the day of the month on which the invoice falls.
    DayTable(Vec<DayRow>),
    /// By the date on which the invoice falls, as for the goods of a season.
    DateTable {
        /// In order, and apart from each other.
        rows: Vec<DateRow>,
        /// Outside of all rows: so many days later.
        days: u16,
    },
}

/// Invoices of a part of each month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRow {
    /// Those after the row before, up to this day of their month; 31 in the last row.
    pub until_day: u8,
    /// Due in the month that begins so many after theirs.
    pub months: u8,
    /// On this day of it, or on its last where it is shorter.
    pub day: u8,
}

/// Invoices of a time of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateRow {
    /// Of this day
    pub from: Day,
    /// to this one, both included,
    pub until: Day,
    /// are due on this one.
    pub due: Day,
}

impl Rule {
    /// The date for an invoice of the day `base`: never before it, and [`Day::LAST`] at most.
    #[must_use]
    pub fn date(&self, base: Day) -> Day {
        let found = match self {
            Rule::Net { days } => base.plus(*days),
            Rule::EndOfMonth { months, days } => base.in_month(*months, 31).plus(*days),
            Rule::DayOfMonth { months, day } => base.in_month(*months, *day),
            Rule::DayTable(rows) => {
                let row = rows.iter().find(|row| base.day_of_month() <= row.until_day);
                row.map_or(base, |row| base.in_month(row.months, row.day))
            }
            Rule::DateTable { rows, days } => {
                let row = rows.iter().find(|row| (row.from..=row.until).contains(&base));
                row.map_or_else(|| base.plus(*days), |row| row.due)
            }
        };
        found.max(base).min(Day::LAST)
    }
}
