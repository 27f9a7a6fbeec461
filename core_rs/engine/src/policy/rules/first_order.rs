//! `first-order`: the orders of an account before anything was shipped to it.

use crate::model::Counters;
use crate::outcome::{Effect, ReasonCode};
use crate::policy::money::Amounts;
use crate::policy::reader::Section;
use crate::policy::rules::{Facts, Violations, outcome};
use crate::state::State;
use crate::values::{Minor, Slot};

/// Whether nothing was shipped or billed to an account yet, as far as is known: it owes nothing,
/// has paid nothing ahead, and nothing of it was billed while a policy asked. However many orders
/// are approved before, each is a first one: nobody has seen yet whether the customer pays.
#[must_use]
pub fn is_first_order(state: &State, slot: Slot) -> bool {
    let Counters { outstanding, captured, unallocated, .. } = *state.position(slot);
    [outstanding, captured, unallocated] == [0; 3] && !state.watch(slot).billed
}

/// What may be owed until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstOrder {
    /// What it leads to.
    pub effect: Effect,
    /// Only where the account would owe more with it, so that several small ones are no way by.
    above: Amounts,
}

impl FirstOrder {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<FirstOrder> {
        let (effect, above) = (outcome(section), section.amounts("above"));
        Some(FirstOrder { effect, above: above.unwrap_or_default() })
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let above = self.above.of(facts.terms.currency).unwrap_or_default();
        let owed = facts.exposure + i128::from(facts.amount);
        if owed > i128::from(above) && is_first_order(facts.state, facts.slot) {
            let owed = owed.min(Minor::MAX.into()) as Minor;
            violations.add(ReasonCode::FirstOrder, self.effect, owed, above);
        }
    }
}
