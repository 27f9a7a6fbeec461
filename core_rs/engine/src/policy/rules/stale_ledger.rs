//! `stale-ledger`: how long nothing has come from the ledger, so that payments and invoices may be
//! missing.

use crate::outcome::{Effect, ReasonCode};
use crate::policy::money::Amounts;
use crate::policy::reader::Section;
use crate::policy::rules::{Facts, Violations, outcome};
use crate::values::Micros;

const HOUR: Micros = 3_600_000_000;

/// To fail closed is to decline, to fail open to notify; a floor lets small orders through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleLedger {
    /// What it leads to.
    pub effect: Effect,
    hours: i64,
    /// Each of them must have told something; none: any source does.
    sources: Vec<Box<str>>,
    /// Orders of at most this pass.
    floor: Amounts,
}

impl StaleLedger {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<StaleLedger> {
        section.require("hours");
        let (effect, hours) = (outcome(section), section.integer("hours", 1..=10_000));
        let sources = section.texts("sources").unwrap_or_default();
        let sources = sources.into_iter().map(|(source, _)| source.into()).collect();
        let floor = section.amounts("floor").unwrap_or_default();
        Some(StaleLedger { effect, hours: hours?, sources, floor })
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let floor = self.floor.of(facts.terms.currency);
        if floor.is_some_and(|floor| facts.order_total <= floor) {
            return;
        }
        let age = (facts.now - self.heard_at(facts)) / HOUR;
        if age >= self.hours {
            violations.add(ReasonCode::LedgerStale, self.effect, age, self.hours);
        }
    }

    /// When the ledger told something last. Until it has, since the policy is in force: it gets as
    /// long to begin.
    fn heard_at(&self, facts: &Facts<'_>) -> Micros {
        let state = facts.state;
        let begun = state.policy().active_since;
        match &*self.sources {
            [] => state.heard_at().unwrap_or(begun),
            named => {
                let heard = named.iter().map(|name| state.source_heard_at(name).unwrap_or(begun));
                heard.min().unwrap_or(begun)
            }
        }
    }
}
