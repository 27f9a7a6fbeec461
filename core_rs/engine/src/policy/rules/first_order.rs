//! `first-order`: the first order of an account.

use crate::model::Counters;
use crate::outcome::{Effect, ReasonCode};
use crate::policy::money::Amounts;
use crate::policy::reader::Section;
use crate::policy::rules::{Facts, Violations, outcome};
use crate::state::State;
use crate::values::Slot;

/// Whether an account has no order, and owes and has nothing: neither was one of its orders
/// approved while a policy asked for it. What was ordered and paid before that is not known.
#[must_use]
pub fn is_first_order(state: &State, slot: Slot) -> bool {
    *state.position(slot) == Counters::NONE && !state.watch(slot).ordered
}

/// Nobody has seen yet whether the customer pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstOrder {
    /// What it leads to.
    pub effect: Effect,
    /// Only if it is larger.
    above: Amounts,
}

impl FirstOrder {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<FirstOrder> {
        let (effect, above) = (outcome(section), section.amounts("above"));
        Some(FirstOrder { effect, above: above.unwrap_or_default() })
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let above = self.above.of(facts.terms.currency).unwrap_or_default();
        let is_first = facts.pending == 0 && is_first_order(facts.state, facts.slot);
        if is_first && facts.order_total > above {
            violations.add(ReasonCode::FirstOrder, self.effect, facts.order_total, above);
        }
    }
}
