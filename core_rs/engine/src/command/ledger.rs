//! What the ledger reports.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::model::Findings;
use crate::values::{Currency, Day, Minor, ProposalId};

/// What kind of movement the ledger reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Raises outstanding; claims what was captured or reserved for it.
    Invoice,
    /// Lowers outstanding.
    Payment,
    /// Lowers outstanding.
    CreditMemo,
    /// Changes outstanding by a signed amount.
    Adjustment,
    /// An open item from before the service started, signed.
    OpeningBalance,
    /// Says how much of an invoice is disputed from now on; moves no money.
    Dispute,
}

/// One movement in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post<'a> {
    /// The system it comes from.
    pub source: &'a str,
    /// Its id there.
    pub entry_id: &'a str,
    /// Where it stands in the source's stream; zero: nowhere.
    pub position: u64,
    /// Whose.
    pub account_id: &'a str,
    /// What.
    pub kind: EntryKind,
    /// Greater than zero; signed and not zero for adjustments and opening balances; at least zero
    /// for disputes.
    pub amount: Minor,
    /// Must be the account's.
    pub currency: Currency,
    /// Which invoice, where there is one.
    #[serde(borrow)]
    pub invoice_id: Option<&'a str>,
    /// Which order the invoice bills, where known.
    pub order_id: Option<&'a str>,
    /// Invoice date, where known.
    pub issued: Option<Day>,
    /// Due date, where known.
    pub due: Option<Day>,
    /// What part settles which invoice; in sum at most the amount.
    pub allocations: Vec<(&'a str, Minor)>,
}

/// A source's stream has been taken up to here: said by itself where no entry says it. It needs no
/// name to be known by, for it is absolute and moves nothing back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveSource<'a> {
    /// Which system.
    pub source: &'a str,
    /// Where in its stream; zero: nowhere, it was only heard.
    pub position: u64,
}

/// A source's ledger was held against the book: what was found is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordReconciliation<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which system.
    pub source: &'a str,
    /// What was found.
    pub found: Findings,
}

/// Adjustments that somebody would have posted. Why stands in the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposeAdjustments<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Under which source they would be posted.
    pub source: &'a str,
    /// SHA-256 of the entries.
    #[serde(with = "serde_bytes")]
    pub digest: [u8; 32],
    /// How many entries.
    pub count: u32,
}

/// Adjustments to approve or to turn down. Why stands in the entry, where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseAdjustments<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which.
    pub adjustments: ProposalId,
    /// They are approved: SHA-256 of the entries that are posted with this command, one command
    /// each, in the same commit. Absent: they are turned down.
    #[serde(with = "serde_bytes")]
    pub approved: Option<[u8; 32]>,
}
