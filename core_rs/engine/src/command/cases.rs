//! Cases, and who may sign in whose place.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::model::{CaseId, Signer};
use crate::outcome::ReasonCode;
use crate::values::{Micros, Minor};

/// What somebody does about a case. What they say of it stands in the entry, as its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewCase<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which case.
    pub case: CaseId,
    /// The caller's role, where it is one that may sign.
    pub role: Option<Signer>,
    /// What.
    pub act: Act<'a>,
}

/// What is done about a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act<'a> {
    /// Look into it; from whoever does already, where that is said.
    Claim {
        /// Whether to take it from somebody else.
        take_over: bool,
    },
    /// Sign it.
    #[serde(borrow)]
    Approve(Approve<'a>),
    /// Say no.
    Reject,
    /// Leave it to those of the next band.
    Escalate,
    /// Say something of it, or how urgent it is, from 0 to 9.
    Comment {
        /// Absent: as it was.
        priority: Option<u8>,
    },
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approve<'a> {
    /// Which of the case's reasons are waived; at least one.
    pub waived: Vec<ReasonCode>,
    /// Up to which amount, in the currency of the account that is billed; absent: what the case's
    /// order is worth at this moment, or what was signed before.
    pub amount: Option<Minor>,
    /// Until when; absent: as long as the policy lets approvals hold, which is the most.
    pub until: Option<Micros>,
    /// With whose authority; absent: the caller's own.
    #[serde(borrow)]
    pub on_behalf_of: Option<&'a str>,
    /// The case's revision that the signer has seen; absent, and not written: whichever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}

/// Lets somebody sign in the caller's place for a time, or no longer; or no longer in another's.
/// Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegate<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Who is to sign.
    pub to: &'a str,
    /// The caller's role.
    pub role: Option<Signer>,
    /// From when until when; absent: no longer.
    pub during: Option<(Micros, Micros)>,
    /// Whose authority; absent, and not written: the caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<&'a str>,
}

/// Decides the orders of cases again, for which there may be credit now. Issued by the clock alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryCases {
    /// In this order.
    pub cases: Vec<CaseId>,
}
