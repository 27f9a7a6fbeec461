//! Accounts and segments.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::model::Status;
use crate::values::{Currency, Limit, Minor, Seq, Text};

/// An account's fields to set; absent ones keep their value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertAccount<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which account.
    pub account_id: &'a str,
    /// For people; `Some(None)` removes it.
    #[serde(with = "crate::values::set_or_remove")]
    pub name: Option<Option<Text<'a>>>,
    /// Required for a new account, fixed after.
    pub currency: Option<Currency>,
    /// The account above; `Some("")` removes it.
    pub parent_id: Option<&'a str>,
    /// The segment; `Some("")` removes it.
    pub segment_id: Option<&'a str>,
    /// The account's own limit.
    pub limit: Option<Limit>,
    /// Largest total of one order; zero removes it.
    pub max_order: Option<Minor>,
    /// The most that it and all accounts below it may owe together; `Some(None)` removes it. Not
    /// written where it is left alone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values::set_or_remove"
    )]
    pub shared_limit: Option<Option<Minor>>,
}

/// A segment's default limit and cap in one currency; absent ones keep their value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertSegment<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which segment.
    pub segment_id: &'a str,
    /// For accounts of this currency.
    pub currency: Currency,
    /// Never of kind inherit.
    pub limit: Option<Limit>,
    /// The most that all its accounts of this currency may owe together; `Some(None)` removes it.
    /// Not written where it is left alone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values::set_or_remove"
    )]
    pub cap: Option<Option<Minor>>,
}

/// A new status of an account. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetStatus<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which account.
    pub account_id: &'a str,
    /// From now on.
    pub status: Status,
}

/// What people wrote is to go: about an account, its name and reasons; or the reasons of entries
/// about none. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseTexts<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which account; empty where entries are named instead.
    pub account_id: &'a str,
    /// The entries whose texts go, in order, as the server has found them.
    pub entries: Vec<Seq>,
    /// The entries that were named, in order; none, and not written, where an account is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Seq>,
}
