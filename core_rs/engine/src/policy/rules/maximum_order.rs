//! `maximum-order`: the largest total of one order.

use crate::outcome::{Effect, ReasonCode};
use crate::policy::money::Amounts;
use crate::policy::reader::Section;
use crate::policy::rules::{Facts, Violations, outcome};

/// Beside the maximum of the account's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaximumOrder {
    /// What a larger order leads to.
    pub effect: Effect,
    amount: Amounts,
}

impl MaximumOrder {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<MaximumOrder> {
        section.require("amount");
        let (effect, amount) = (outcome(section), section.amounts("amount"));
        Some(MaximumOrder { effect, amount: amount? })
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let Some(most) = self.amount.of(facts.terms.currency) else { return };
        if facts.order_total > most && !facts.is_placed {
            let code = ReasonCode::OrderAmountExceeded;
            violations.add(code, self.effect, facts.order_total, most);
            if self.effect >= Effect::Refer {
                violations.fits(most - (facts.order_total - facts.amount));
            }
        }
    }
}
