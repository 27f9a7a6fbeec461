//! Payment terms, calendars, and who has which.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::terms::{CalendarSpec, TermsSpec};

/// Payment terms under a name, all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertTerms<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Their name.
    pub terms_id: &'a str,
    /// Which days are worked; none: all are.
    pub calendar_id: Option<&'a str>,
    /// What they say.
    pub spec: TermsSpec,
}

/// A calendar, all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertCalendar<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Its name.
    pub calendar_id: &'a str,
    /// Its days.
    pub spec: CalendarSpec,
}

/// To whom terms are to be assigned, by names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermsScope<'a> {
    /// To each account of a segment.
    Segment(&'a str),
    /// To an account.
    Account(&'a str),
    /// To the orders of an account that name this contract.
    Contract {
        /// Whose.
        account_id: &'a str,
        /// Which.
        contract_id: &'a str,
    },
}

/// Payment terms for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignTerms<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// For whom.
    pub scope: TermsScope<'a>,
    /// Which; absent: none any more.
    pub terms_id: Option<&'a str>,
}
