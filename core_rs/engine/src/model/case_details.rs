//! What the order of a case names that few do, so that it can be decided again as it was asked.

use serde::{Deserialize, Serialize};

use crate::counting::{OrderDetails, Shipping};
use crate::values::{Currency, Day, Id, Minor};

/// What an order that was referred names, as its case keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDetails {
    /// The contract under which it is placed.
    pub contract_id: Option<Id>,
    /// The payment terms that it asks for.
    pub terms_id: Option<Id>,
    /// Not written where all of it counts as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<CaseCounts>,
}

/// What makes an order count otherwise than it is: its currency, day, parts, and who ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseCounts {
    /// All of it in the currency of the account that is billed, by the rate of when it was last
    /// asked for.
    pub worth: Minor,
    /// The order's own, where it is not the account's.
    pub currency: Option<Currency>,
    /// The day on which its goods are to leave.
    pub ship_date: Option<Day>,
    /// The part of its amount that is tax.
    pub tax: Minor,
    /// The part of its amount that is freight.
    pub freight: Minor,
    /// Who orders, where that is not who is billed.
    pub sold_to: Option<Id>,
}

impl CaseDetails {
    /// Of an order that counts like this; `None` where there is nothing to keep.
    #[must_use]
    pub fn of(
        asked: Option<&OrderDetails<'_>>,
        counts: Option<CaseCounts>,
    ) -> Option<Box<CaseDetails>> {
        let named = |id: Option<&str>| id.map(Into::into);
        let (contract_id, terms_id) =
            asked.map_or((None, None), |asked| (named(asked.contract_id), named(asked.terms_id)));
        let found = CaseDetails { contract_id, terms_id, counts };
        (found != CaseDetails::default()).then(|| Box::new(found))
    }

    /// Whether two orders ask for the same, whatever it is worth by now.
    #[must_use]
    pub fn is_same(one: Option<&CaseDetails>, other: Option<&CaseDetails>) -> bool {
        let asked = |details: Option<&CaseDetails>| {
            let mut asked = details.cloned().unwrap_or_default();
            if let Some(counts) = &mut asked.counts {
                counts.worth = 0;
            }
            asked
        };
        asked(one) == asked(other)
    }

    /// As the order would ask for it again, of which this account is billed.
    #[must_use]
    pub fn asks<'a>(&'a self, billed: &'a str) -> OrderDetails<'a> {
        let [contract_id, terms_id] = [&self.contract_id, &self.terms_id].map(|id| id.as_deref());
        let shipping = self.counts.as_ref().map(|counts| {
            let CaseCounts { ship_date, tax, freight, ref sold_to, .. } = *counts;
            Shipping { ship_date, tax, freight, bill_to: sold_to.as_ref().map(|_| billed) }
        });
        OrderDetails { contract_id, terms_id, shipping }
    }
}
