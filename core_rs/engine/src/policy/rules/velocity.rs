//! `velocity`: how many orders of an account are approved in a window of time, and of how much.

use crate::model::Counted;
use crate::outcome::{Effect, ReasonCode};
use crate::policy::money::Amounts;
use crate::policy::reader::Section;
use crate::policy::rules::{Facts, Violations, outcome};
use crate::values::Minor;

/// Most orders that a rule may wait for.
const ORDERS_MAX: i64 = 1_000_000;

/// Of the policy's window; see [`crate::policy::Window`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VelocityRule {
    /// What it leads to.
    pub effect: Effect,
    orders: Option<i64>,
    amount: Amounts,
}

impl VelocityRule {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<VelocityRule> {
        if !section.has("orders") && !section.has("amount") {
            section.problem(section.place(), "orders or amount is missing");
        }
        let (effect, orders) = (outcome(section), section.integer("orders", 1..=ORDERS_MAX));
        let amount = section.amounts("amount").unwrap_or_default();
        Some(VelocityRule { effect, orders, amount })
    }

    /// What an order grows by counts as an amount, and not as another order.
    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let policy = facts.state.policy();
        let noted = &facts.state.watch(facts.slot).velocity;
        let Counted { orders, amount } = noted.within(facts.now, policy.window.part());
        let orders = i64::from(orders) + i64::from(facts.pending_orders) + 1;
        let effect = self.effect;
        if let Some(most) = self.orders.filter(|most| facts.is_new && orders > *most) {
            violations.add(ReasonCode::VelocityCount, effect, orders, most);
        }
        let Some(most) = self.amount.of(facts.terms.currency) else { return };
        let earlier = i128::from(amount) + facts.pending;
        let with_it = earlier + i128::from(facts.amount);
        if with_it > i128::from(most) {
            let observed = with_it.min(i64::MAX.into()) as Minor;
            violations.add(ReasonCode::VelocityAmount, effect, observed, most);
            if effect >= Effect::Refer {
                violations.fits((i128::from(most) - earlier).max(i64::MIN.into()) as Minor);
            }
        }
    }
}

#[cfg(test)]
mod tests;
