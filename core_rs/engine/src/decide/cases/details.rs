//! What the order of a case asks for where it does not count as it is, and what that is worth.

use crate::command::Order;
use crate::counting::{Details, OrderDetails, Shipping};
use crate::decide::Context;
use crate::decide::counting::Asked;
use crate::model::{Case, CaseCounts, CaseDetails, CaseStatus, Reservation};
use crate::values::{Currency, Minor, Slot};

impl<'s> Context<'s> {
    /// The order of a case, which names these `details`.
    pub(super) fn asked_in<'o>(
        &self,
        case: &'o Case,
        details: Option<&'o OrderDetails<'o>>,
    ) -> Asked<'o>
    where
        's: 'o,
    {
        let Context { state, .. } = *self;
        let (billed, currency) = (&**state.account_id(case.slot), self.currency_of(case));
        let sold_to = case.counts().and_then(|counts| counts.sold_to.as_deref());
        Asked { account_id: sold_to.unwrap_or(billed), amount: case.amount, currency, details }
    }

    /// What an order names that few do, as a case keeps it.
    pub(super) fn case_details(&self, slot: Slot, order: &Order<'_>) -> Option<Box<CaseDetails>> {
        let asked = Asked::from(order);
        let Shipping { ship_date, tax, freight, .. } = asked.shipping();
        let (billed, own) = (self.state.account_id(slot), self.state.terms(slot).currency);
        let currency = (order.currency != own).then_some(order.currency);
        let sold_to = (*billed != order.account_id).then(|| order.account_id.into());
        let counts = CaseCounts { worth: 0, currency, ship_date, tax, freight, sold_to };
        let counts = (counts != CaseCounts::default()).then(|| {
            // What cannot be valued is declined, and in no case.
            let worth = self.full_worth(slot, asked).unwrap_or_default();
            CaseCounts { worth, ..counts }
        });
        CaseDetails::of(order.details.as_deref(), counts)
    }

    /// All of an order in the currency of who is billed, by the rate of this moment; `None` where
    /// there is none that may be used.
    fn full_worth(&self, slot: Slot, asked: Asked<'_>) -> Option<Minor> {
        let counting = self.counting(slot, asked).ok()?;
        Some(counting.map_or(asked.amount, |counting| counting.full(asked.amount)))
    }

    /// The same of an order of a case; by the rate of when it was last asked for, where there is
    /// none of this moment.
    pub(super) fn worth_of(&self, case: &Case) -> Minor {
        if !case.is_converted() {
            return case.worth();
        }
        let details = case.asks(self.state.account_id(case.slot));
        let asked = self.asked_in(case, details.as_ref());
        self.full_worth(case.slot, asked).unwrap_or(case.worth())
    }

    /// Whether the order of a case is worth more by now than what is signed.
    pub(super) fn is_signed_for_less(&self, case: &Case) -> bool {
        let signed = case.waiver.as_ref().filter(|_| case.status == CaseStatus::Approved);
        signed.is_some_and(|waiver| waiver.amount < self.worth_of(case))
    }

    /// The currency of the order of a case.
    pub(super) fn currency_of(&self, case: &Case) -> Currency {
        let own = self.state.terms(case.slot).currency;
        case.counts().and_then(|counts| counts.currency).unwrap_or(own)
    }

    /// Whether a reservation, made under this case, is of just this order, whatever is left of it.
    pub(super) fn is_of(&self, held: &Reservation, order: &Order<'_>, case: &Case) -> bool {
        let parts = held.parts();
        // It may have been approved of less than was first asked for.
        let total = parts.open + parts.captured + parts.released + parts.expired;
        let terms = held.details.as_deref().and_then(Details::terms);
        let Shipping { ship_date, tax, freight, .. } = Asked::from(order).shipping();
        let mut excluded = self.state.policy().exposure.excluded(order.amount, tax, freight);
        let own = self.state.terms(held.slot).currency;
        let (mut currency, mut counts) = (own, (0, None, &**self.state.account_id(held.slot)));
        if let Some(counting) = held.counting() {
            currency = counting.exchange.as_ref().map_or(own, |exchange| exchange.from);
            let sold_to = counting.sold_to.as_deref().unwrap_or(counts.2);
            counts = (counting.excluded, counting.ship_date, sold_to);
            // Another policy may be in force by now, of which this order knows nothing.
            if case.asks_for(self.case_details(held.slot, order).as_deref()) {
                excluded = counting.excluded;
            }
        }
        (total, terms, currency) == (order.amount, order.terms(), order.currency)
            && counts == (excluded, ship_date, order.account_id)
    }
}

#[cfg(test)]
mod tests;
