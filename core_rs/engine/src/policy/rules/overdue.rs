//! What has not been paid in time: `overdue-days`, `overdue-amount`, `overdue-share`.
//!
//! An invoice is overdue from the day after its due date and its days of grace. One without a due
//! date never is, nor what was paid ahead; and money that is allocated to no invoice settles none.
//! What is disputed is overdue unless the policy excludes it.

use crate::outcome::{Effect, ReasonCode};
use crate::policy::money::Amounts;
use crate::policy::reader::Section;
use crate::policy::rules::{Facts, Violations, outcome};
use crate::state::{DueItem, State};
use crate::values::{Currency, Day, LimitKind, Minor, Slot};

/// Most days that a rule may wait.
pub(super) const DAYS_MAX: i64 = 3_660;

/// The overdue invoices of an account, the one that is due the longest first.
pub fn overdue(state: &State, slot: Slot, today: Day) -> impl Iterator<Item = &DueItem> {
    late(state, slot, today, 0)
}

/// Those that are overdue for more than so many days. None that is due later is looked at.
fn late(state: &State, slot: Slot, today: Day, days: i64) -> impl Iterator<Item = &DueItem> {
    let is_late = move |due: Day| today.since(due) > days;
    let items = if is_late(state.first_due(slot)) { state.by_due(slot) } else { &[] };
    let due = items.iter().take_while(move |item| is_late(item.due));
    due.filter(move |item| item.days_overdue(today) > days)
}

/// What an account has not paid in time.
#[must_use]
pub fn overdue_amount(state: &State, slot: Slot, today: Day) -> i128 {
    overdue(state, slot, today).map(|item| i128::from(state.counts_of(item))).sum()
}

/// The same, summed up once for all rules of a decision.
fn known_overdue(facts: &Facts<'_>) -> i128 {
    let sum = || overdue_amount(facts.state, facts.slot, Day::of(facts.now));
    *facts.overdue.get_or_init(sum)
}

/// For how long something is overdue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverdueDays {
    /// What it leads to.
    pub effect: Effect,
    days: i64,
    dust: Amounts,
}

impl OverdueDays {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<OverdueDays> {
        section.require("days");
        let (effect, days) = (outcome(section), section.integer("days", 0..=DAYS_MAX));
        let dust = section.amounts("dust").unwrap_or_default();
        Some(OverdueDays { effect, days: days?, dust })
    }

    /// The invoices that violate it.
    pub fn violating<'s>(
        &self,
        state: &'s State,
        slot: Slot,
        currency: Currency,
        today: Day,
    ) -> impl Iterator<Item = &'s DueItem> {
        let (days, dust) = (self.days, self.dust.of(currency).unwrap_or_default());
        late(state, slot, today, days).filter(move |item| state.counts_of(item) > dust)
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let today = Day::of(facts.now);
        let found = self.violating(facts.state, facts.slot, facts.terms.currency, today);
        let mut longest = None;
        for item in found {
            // Those that follow are due later.
            if longest >= Some(item.days_since_due(today)) {
                break;
            }
            longest = longest.max(Some(item.days_overdue(today)));
        }
        if let Some(longest) = longest {
            violations.add(ReasonCode::OverdueDays, self.effect, longest, self.days);
        }
    }
}

/// How much is overdue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverdueAmount {
    /// What it leads to.
    pub effect: Effect,
    amount: Amounts,
}

impl OverdueAmount {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<OverdueAmount> {
        section.require("amount");
        let (effect, amount) = (outcome(section), section.amounts("amount"));
        Some(OverdueAmount { effect, amount: amount? })
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let Some(most) = self.amount.of(facts.terms.currency) else { return };
        let overdue = known_overdue(facts);
        if overdue > i128::from(most) {
            let observed = overdue.min(i64::MAX.into()) as Minor;
            violations.add(ReasonCode::OverdueAmount, self.effect, observed, most);
        }
    }
}

/// How much is overdue, as a share of the account's own limit of today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverdueShare {
    /// What it leads to.
    pub effect: Effect,
    percent: i64,
}

impl OverdueShare {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<OverdueShare> {
        section.require("percent");
        let (effect, percent) = (outcome(section), section.integer("percent", 0..=100));
        Some(OverdueShare { effect, percent: percent? })
    }

    /// Of no limit, or one of nothing, there is no share.
    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let LimitKind::Amount(limit @ 1..) = facts.limit else { return };
        let overdue = known_overdue(facts);
        let limit = i128::from(limit);
        if overdue * 100 > limit * i128::from(self.percent) {
            // Rounded up, so that it is shown above the threshold.
            let percent = (overdue * 100 + limit - 1) / limit;
            let observed = percent.min(i64::MAX.into()) as i64;
            violations.add(ReasonCode::OverdueShare, self.effect, observed, self.percent);
        }
    }
}

#[cfg(test)]
mod tests;
