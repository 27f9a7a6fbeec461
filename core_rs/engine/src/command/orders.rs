//! Orders, from their decision to their end.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::counting::OrderDetails;
use crate::terms::AskedTerms;
use crate::values::{Currency, Day, Minor, ReservationId, Ttl};

/// An order to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// What is ordered.
    pub order: Order<'a>,
    /// Reserve what fits when not all does.
    pub allow_partial: bool,
}

/// Several orders to decide together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveAll<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// In the order in which they are decided.
    pub orders: Vec<Order<'a>>,
}

/// An order's claim on credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order<'a> {
    /// Who orders.
    pub account_id: &'a str,
    /// Unique per account among open reservations.
    pub order_id: &'a str,
    /// Greater than zero.
    pub amount: Minor,
    /// Where it is not the account's, it is converted.
    pub currency: Currency,
    /// How long the reservation holds.
    pub ttl: Ttl,
    /// What few orders name; not written where it names nothing. Boxed, so that the others do not
    /// carry it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<OrderDetails<'a>>>,
}

impl<'a> Order<'a> {
    /// Who orders; and who is billed, where that is another account.
    pub fn accounts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        [Some(self.account_id), self.bill_to()].into_iter().flatten()
    }

    /// What it names of payment terms.
    #[must_use]
    pub fn terms(&self) -> Option<AskedTerms<'a>> {
        self.details.as_ref().and_then(|details| details.terms())
    }

    /// Another account, to which it is billed.
    #[must_use]
    pub fn bill_to(&self) -> Option<&'a str> {
        let bill_to = self.details.as_ref()?.shipping?.bill_to;
        bill_to.filter(|id| *id != self.account_id)
    }

    /// The account that is billed for it, and to whose limits it is held.
    #[must_use]
    pub fn billed(&self) -> &'a str {
        self.bill_to().unwrap_or(self.account_id)
    }
}

/// Which reservation is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target<'a> {
    /// By its own id.
    Id(ReservationId),
    /// The latest one of an order.
    #[serde(borrow)]
    Order(OrderKey<'a>),
}

/// An order by its account and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey<'a> {
    /// Who ordered.
    pub account_id: &'a str,
    /// Unique per account among open reservations.
    pub order_id: &'a str,
}

/// A new total for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjust<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose total.
    pub target: Target<'a>,
    /// Captured and open together; not negative.
    pub total: Minor,
    /// A new time to hold, from now, where the caller asked for one or the old one is over.
    pub ttl: Ttl,
}

/// A shipment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureOrder<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// What is shipped.
    pub target: Target<'a>,
    /// Greater than zero; absent: all that is open.
    pub amount: Option<Minor>,
    /// The invoice that the ledger will post.
    pub invoice_id: &'a str,
    /// Release what stays open.
    pub last: bool,
    /// The goods have left already.
    pub forced: bool,
    /// The day of the invoice; absent: the day of the capture. Not written where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Day>,
}

/// A cancellation of an order, or of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// What is cancelled.
    pub target: Target<'a>,
    /// Greater than zero; absent: all that is open.
    pub amount: Option<Minor>,
}
