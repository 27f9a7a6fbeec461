//! The dates and amounts of one invoice.

use serde::{Deserialize, Serialize};

use super::{CalendarSpec, NamedTerms, Roll, Rule, TermsSpec, WHOLE};
use crate::values::{Day, Id, Minor};

/// Where the terms of an invoice come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The order named them.
    Order,
    /// They are assigned to the contract that the order named.
    Contract,
    /// They are assigned to the account.
    Account,
    /// They are assigned to the account's segment.
    Segment,
}

/// By when an invoice is to be paid, and what is taken off for paying early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Under which terms.
    pub terms_id: Id,
    /// The day of the invoice.
    pub issued: Day,
    /// When all of it is due: the last instalment's day.
    pub due: Day,
    /// How many days after that it is not yet overdue.
    pub grace_days: u16,
    /// One, or the parts of which it is paid, in the order of the terms. They add up to the amount.
    pub instalments: Vec<Instalment>,
    /// For paying all of it early, in the order of the terms.
    pub offers: Vec<Offer>,
    /// One of these days lies outside of those for which the calendar's holidays are known:
    /// weekends alone counted.
    pub beyond_calendar: bool,
}

/// A part of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instalment {
    /// When.
    pub due: Day,
    /// How much.
    pub amount: Minor,
}

/// A discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// In hundredths of a percent.
    pub percent: u16,
    /// The last day, as it stands on the invoice.
    pub until: Day,
    /// The last day on which it is granted: with the days of grace.
    pub granted_until: Day,
    /// What is taken off.
    pub amount: Minor,
}

/// What an invoice keeps of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceDates {
    /// The day of the invoice.
    pub issued: Day,
    /// When all of it is due.
    pub due: Day,
    /// How many days after that it is not yet overdue.
    pub grace_days: u16,
}

impl NamedTerms {
    /// Whether its dates lie so many days after an invoice, whatever the day of that.
    #[must_use]
    pub fn counts_days(&self) -> bool {
        let TermsSpec { parts, discounts, roll, .. } = &self.spec;
        let rules = parts.iter().map(|part| &part.due);
        let mut rules = rules.chain(discounts.iter().map(|discount| &discount.until));
        let moves = self.calendar.is_some() && *roll != Roll::Keep;
        !moves && rules.all(|rule| matches!(rule, Rule::Net { .. }))
    }

    /// The plan of an invoice of the day `issued`, whose amount is not negative. `calendar` is the
    /// one that the terms name.
    ///
    /// A discount is rounded to the nearest minor unit, a half upwards. An instalment is rounded
    /// down, and the last takes what is left.
    #[must_use]
    pub fn plan(&self, calendar: Option<&CalendarSpec>, issued: Day, amount: Minor) -> Plan {
        let spec = &self.spec;
        let mut beyond_calendar = false;
        let mut settle = |day: Day| {
            let Some(calendar) = calendar.filter(|_| spec.roll != Roll::Keep) else { return day };
            let found = calendar.roll(day, spec.roll, issued);
            beyond_calendar |= !calendar.covers(day) || !calendar.covers(found);
            found
        };
        let mut rest = amount;
        let last = spec.parts.len().saturating_sub(1);
        let mut instalments = Vec::with_capacity(spec.parts.len());
        for (index, part) in spec.parts.iter().enumerate() {
            let whole = i128::from(amount) * i128::from(part.share) / i128::from(WHOLE);
            let amount = if index == last { rest } else { rest.min(whole as Minor) };
            rest -= amount;
            instalments.push(Instalment { due: settle(part.due.date(issued)), amount });
        }
        let offers = spec.discounts.iter().map(|discount| {
            let until = settle(discount.until.date(issued));
            let percent = discount.percent;
            let granted_until = until.plus(spec.discount_grace_days);
            Offer { percent, until, granted_until, amount: share_of(amount, percent) }
        });
        let offers = offers.collect();
        Plan {
            terms_id: self.id.clone(),
            issued,
            due: instalments.iter().map(|part| part.due).max().unwrap_or(issued),
            grace_days: spec.grace_days,
            instalments,
            offers,
            beyond_calendar,
        }
    }
}

impl Plan {
    /// The first day on which it counts as overdue.
    #[must_use]
    pub fn overdue_from(&self) -> Day {
        self.due.plus(self.grace_days).plus(1)
    }

    /// What the invoice keeps of it.
    #[must_use]
    pub fn dates(&self) -> InvoiceDates {
        let Plan { issued, due, grace_days, .. } = *self;
        InvoiceDates { issued, due, grace_days }
    }
}

/// So many hundredths of a percent of an amount, to the nearest minor unit, a half upwards.
fn share_of(amount: Minor, percent: u16) -> Minor {
    let (whole, half) = (i128::from(WHOLE), i128::from(WHOLE / 2));
    ((i128::from(amount) * i128::from(percent) + half) / whole) as Minor
}
