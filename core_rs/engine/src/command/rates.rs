//! Exchange rates.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::rates::Rate;
use crate::values::{Currency, Micros, ReservationId};

/// A rate of a pair of currencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertRate<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// One whole unit of this currency is worth
    pub base: Currency,
    /// so many of this, which is another.
    pub currency: Currency,
    /// How many.
    pub rate: Rate,
    /// The system or bank that it comes from.
    pub source: &'a str,
    /// When it was true there; absent: when it is set.
    pub as_of: Option<Micros>,
}

/// Open orders in other currencies, to be valued at the rates of today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revalue<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Those after this one; zero: from the first.
    pub after: ReservationId,
}
