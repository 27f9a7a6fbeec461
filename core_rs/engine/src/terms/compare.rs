//! Whether some terms are better for the customer than others.

use super::{CalendarSpec, NamedTerms, WHOLE};
use crate::values::Day;

/// When what share of an invoice of one day falls due, and what discount may be had until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When all of it is due.
    pub due: Day,
    /// Days and shares.
    parts: Vec<(Day, u16)>,
    /// The last day on which each is granted, and its percentage.
    discounts: Vec<(Day, u16)>,
    grace_days: u16,
}

impl Schedule {
    /// Of an invoice of the day `issued`.
    #[must_use]
    pub fn of(terms: &NamedTerms, calendar: Option<&CalendarSpec>, issued: Day) -> Schedule {
        let plan = terms.plan(calendar, issued, WHOLE.into());
        let shares = terms.spec.parts.iter().map(|part| part.share);
        Schedule {
            due: plan.due,
            parts: plan.instalments.iter().map(|part| part.due).zip(shares).collect(),
            discounts: plan.offers.iter().map(|o| (o.granted_until, o.percent)).collect(),
            grace_days: plan.grace_days,
        }
    }

    /// Of who has no terms: all of it is due on the day of the invoice.
    #[must_use]
    pub fn at_once(issued: Day) -> Schedule {
        let parts = vec![(issued, WHOLE)];
        Schedule { due: issued, parts, discounts: Vec::new(), grace_days: 0 }
    }

    /// Whether a customer has anything from it that `own` does not give: on some day less has
    /// fallen due, or more may be taken off, or it is overdue later, grace included.
    #[must_use]
    pub fn is_better_than(&self, own: &Schedule) -> bool {
        let later = own.parts.iter().any(|(day, _)| self.fallen_due(*day) < own.fallen_due(*day));
        let cheaper = self.discounts.iter().any(|(day, percent)| *percent > own.discount(*day));
        later || cheaper || self.last_in_time() > own.last_in_time()
    }

    /// The last day before it is overdue.
    fn last_in_time(&self) -> Day {
        self.due.plus(self.grace_days)
    }

    /// What share has fallen due by a day.
    fn fallen_due(&self, day: Day) -> u32 {
        self.parts.iter().filter(|(due, _)| *due <= day).map(|(_, share)| u32::from(*share)).sum()
    }

    /// The best discount for paying all of it on a day.
    fn discount(&self, day: Day) -> u16 {
        let granted = self.discounts.iter().filter(|(until, _)| *until >= day);
        granted.map(|(_, percent)| *percent).max().unwrap_or_default()
    }
}
