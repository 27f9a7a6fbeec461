//! Payment terms: by when an invoice is to be paid, and what is taken off for paying early.
//!
//! Pure values and calendar arithmetic, without a clock and without floats. Percentages are whole
//! hundredths of a percent; all days are of the civil calendar, in UTC.
//!
//! # Layout
//!
//! - `rule`: from the day of an invoice to a day on which something is due.
//! - `calendar`: which days are worked, and where a day moves that is not.
//! - `plan`: the dates and amounts of one invoice.
//! - `compare`: whether some terms are better for the customer than others.

use serde::{Deserialize, Serialize};

use crate::values::{CalendarIndex, Id, SegmentIndex, Slot};

mod calendar;
mod compare;
mod plan;
mod rule;

pub use calendar::{Calendar, CalendarSpec, Roll};
pub use compare::Schedule;
pub use plan::{Instalment, InvoiceDates, Offer, Plan, Source};
pub use rule::{DateRow, DayRow, Rule};

/// One whole, in hundredths of a percent.
pub const WHOLE: u16 = 10_000;

/// What terms say, but for their name and their calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsSpec {
    /// One part for what is due at once, several for instalments. Their shares add up to a whole.
    pub parts: Vec<Part>,
    /// For paying all of it early.
    pub discounts: Vec<Discount>,
    /// How many days after its day a discount is still granted.
    pub discount_grace_days: u16,
    /// How many days after its due date an invoice is not yet overdue.
    pub grace_days: u16,
    /// Where a date moves that is no working day.
    pub roll: Roll,
}

/// A share of an invoice, and when it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// In hundredths of a percent.
    pub share: u16,
    /// When.
    pub due: Rule,
}

/// What may be taken off for paying by a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// In hundredths of a percent.
    pub percent: u16,
    /// By when.
    pub until: Rule,
}

/// Terms under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTerms {
    /// Unique in the store.
    pub id: Id,
    /// Which days are worked; none: all are.
    pub calendar: Option<CalendarIndex>,
    /// What they say.
    pub spec: TermsSpec,
}

/// To whom terms are assigned. In order of precedence, the most general first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// To each account of a segment.
    Segment(SegmentIndex),
    /// To an account.
    Account(Slot),
    /// To the orders of an account that name this contract.
    Contract(Slot, Id),
}

/// What an order names of terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedTerms<'a> {
    /// The contract under which it is placed.
    pub contract_id: Option<&'a str>,
    /// The terms that it asks for.
    pub terms_id: Option<&'a str>,
}

#[cfg(test)]
mod tests;
