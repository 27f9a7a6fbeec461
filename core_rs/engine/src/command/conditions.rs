//! Holds, temporary and rolling limits.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::model::{HoldKind, TemporaryLimitKind};
use crate::values::{Day, Micros, Minor};

/// A hold to place, or to replace. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHold<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose orders are refused.
    pub account_id: &'a str,
    /// Unique per account.
    pub hold_id: &'a str,
    /// Who refuses.
    pub kind: HoldKind,
    /// The system or person that it comes from; empty: not said.
    pub source: &'a str,
    /// When it ends by itself; absent: when it is lifted.
    pub until: Option<Micros>,
}

/// A hold to end. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftHold<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose.
    pub account_id: &'a str,
    /// Which.
    pub hold_id: &'a str,
}

/// A limit for some days to set, or to replace. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTemporaryLimit<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose.
    pub account_id: &'a str,
    /// Unique per account.
    pub limit_id: &'a str,
    /// What it does.
    pub kind: TemporaryLimitKind,
    /// Greater than zero, but for an override, which may be zero.
    pub amount: Minor,
    /// From this day on; absent: from the day on which it is decided.
    pub first: Option<Day>,
    /// Until this day, included.
    pub last: Day,
}

/// A limit for some days to end. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveTemporaryLimit<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose.
    pub account_id: &'a str,
    /// Which.
    pub limit_id: &'a str,
}

/// A hard cap to set, and over how many days exposure is averaged. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRollingLimit<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose.
    pub account_id: &'a str,
    /// The most that exposure may reach at any moment.
    pub hard_cap: Minor,
    /// Whole days, beside today; from 1 to `ROLLING_DAYS_MAX`.
    pub days: u16,
}

/// A hard cap to end. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveRollingLimit<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose.
    pub account_id: &'a str,
}
