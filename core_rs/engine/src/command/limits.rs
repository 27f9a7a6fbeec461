//! Verifications, and limits that are proposed before they hold.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::values::{Day, Limit, ProposalId};

/// What a third party found out about a customer, to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordVerification<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// About whom.
    pub account_id: &'a str,
    /// The third party's name for it, unique per account.
    pub reference: &'a str,
    /// Who it is.
    pub source: &'a str,
    /// Of which day it is, not a later one than that on which it is recorded.
    pub date: Day,
    /// From 0 to `SCORE_MAX`.
    pub score: Option<i64>,
    /// SHA-256 of the document.
    #[serde(with = "serde_bytes")]
    pub document: Option<[u8; 32]>,
}

/// A limit that somebody would have. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposeLimit<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose.
    pub account_id: &'a str,
    /// The limit.
    pub limit: Limit,
    /// The reference of the verification that it stands on.
    pub verification: Option<&'a str>,
}

/// A proposal to put into force. Why stands in the entry, where it is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproveProposal<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose limit.
    pub account_id: &'a str,
    /// Which.
    pub proposal: ProposalId,
}

/// A proposal to turn down. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectProposal<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose limit.
    pub account_id: &'a str,
    /// Which.
    pub proposal: ProposalId,
}
