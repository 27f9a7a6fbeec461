//! Exchange rates, and what answers say of orders that do not count as they are.

use creditgate_engine::entry::Request;
use creditgate_engine::outcome::{Outcome, Reason, ReasonCode, Reserved};
use creditgate_engine::values::Currency;
use prost::Message;

use super::{Calls, Failed};
use crate::methods::Method;
use crate::wire::admit::decode;
use crate::wire::order::OrderView;
use crate::wire::reply::{self, Counts};
use crate::wire::{rates, v1};

impl Calls<'_> {
    pub(super) fn fx(
        &mut self,
        method: Method,
        bytes: &[u8],
        actor: &str,
    ) -> Result<Vec<u8>, Failed> {
        match method {
            Method::ListRates => {
                Ok(rates::list(self.store.state(), &decode(bytes)?)?.encode_to_vec())
            }
            Method::RevalueReservations => {
                let message = decode(bytes)?;
                Ok(self.revalue(&rates::revalue(&message, actor)?)?.encode_to_vec())
            }
            other => unreachable!("{other:?} concerns no rates"),
        }
    }

    /// What an answer says beside the decision of an order that does not count as it is.
    #[inline]
    pub(super) fn counts(&self, reserved: &Reserved, order: &OrderView<'_>) -> Option<Box<Counts>> {
        let own = order.shipping.is_none() && reserved.counting.is_none();
        // An order that could not be valued is declined, and has no reservation.
        if own && reserved.reservation.is_some() { None } else { self.counts_of(reserved, order) }
    }

    #[cold]
    fn counts_of(&self, reserved: &Reserved, order: &OrderView<'_>) -> Option<Box<Counts>> {
        let bill_to = order.shipping.as_ref().map(|shipping| shipping.bill_to_account_id);
        let billed = bill_to.filter(|id| !id.is_empty()).unwrap_or(order.account_id);
        let account_currency = self.other_currency(reserved, billed);
        let counting = Currency::parse(order.currency)
            .and_then(|currency| reply::counting(reserved, currency));
        let is_any = counting.is_some() || !account_currency.is_empty();
        is_any.then(|| Box::new(Counts { account_currency, counting }))
    }

    /// The currency of the account that is billed, where it is not the order's; else empty.
    pub(super) fn other_currency(&self, reserved: &Reserved, billed: &str) -> String {
        let unvalued = |reason: &Reason| {
            matches!(reason.code, ReasonCode::FxRateUnavailable | ReasonCode::FxRateStale)
        };
        let exchange = reserved.counting.as_ref().and_then(|counting| counting.exchange.as_ref());
        let state = self.store.state();
        match exchange {
            Some(exchange) => exchange.to.to_string(),
            None if reserved.verdict.reasons.iter().any(unvalued) => state
                .slot(billed)
                .map(|slot| state.terms(slot).currency.to_string())
                .unwrap_or_default(),
            None => String::new(),
        }
    }

    fn revalue(
        &mut self,
        request: &Request<'_>,
    ) -> Result<v1::RevalueReservationsResponse, Failed> {
        match self.execute(request)? {
            (Outcome::Revalued(found), made) => Ok(rates::revalued(found, made)),
            (outcome, _) => unreachable!("a revaluation was answered with {outcome:?}"),
        }
    }
}
