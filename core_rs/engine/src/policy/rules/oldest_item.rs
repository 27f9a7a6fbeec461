//! `oldest-item`: the age of the oldest invoice that is not paid, whenever it is due.

use crate::outcome::{Effect, ReasonCode};
use crate::policy::money::Amounts;
use crate::policy::reader::Section;
use crate::policy::rules::overdue::DAYS_MAX;
use crate::policy::rules::{Facts, Violations, outcome};
use crate::state::{DueItem, State};
use crate::values::{Currency, Day, Slot};

/// Counted from the date of the invoice; where none is known, from the day on which it was first
/// heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldestItem {
    /// What it leads to.
    pub effect: Effect,
    days: i64,
    dust: Amounts,
}

impl OldestItem {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<OldestItem> {
        section.require("days");
        let (effect, days) = (outcome(section), section.integer("days", 1..=DAYS_MAX));
        let dust = section.amounts("dust").unwrap_or_default();
        Some(OldestItem { effect, days: days?, dust })
    }

    /// The invoices that violate it. Nearly always there are none, and the oldest of all tells;
    /// where that is old enough, dust or not, each that is owed is looked at.
    pub fn violating<'s>(
        &self,
        state: &'s State,
        slot: Slot,
        currency: Currency,
        today: Day,
    ) -> impl Iterator<Item = &'s DueItem> {
        let (days, dust) = (self.days, self.dust.of(currency).unwrap_or_default());
        let is_old = move |day: Day| today.since(day) > days;
        let items =
            if state.oldest_item(slot).is_some_and(is_old) { state.by_due(slot) } else { &[] };
        items.iter().filter(move |item| is_old(item.day) && state.counts_of(item) > dust)
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let today = Day::of(facts.now);
        let found = self.violating(facts.state, facts.slot, facts.terms.currency, today);
        // None is older than the oldest of all, dust among them.
        let least = facts.state.oldest_item(facts.slot).map(|day| today.since(day));
        let mut oldest = None;
        for item in found {
            oldest = oldest.max(Some(today.since(item.day)));
            if oldest >= least {
                break;
            }
        }
        if let Some(oldest) = oldest {
            violations.add(ReasonCode::OldestItem, self.effect, oldest, self.days);
        }
    }
}
