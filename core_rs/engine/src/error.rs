//! Why a command is wrong. A refusal decides nothing, changes nothing and is not journalled; a
//! decline is a decision and no refusal.

use crate::model::{CaseId, CaseStatus};
use crate::outcome::ReasonCode;
use crate::policy::{PolicyVersion, Problem};
use crate::values::{Currency, Day, Id, Minor};

/// What is wrong with a command, given the state that it met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Refusal {
    #[error("account_id {0:?} is not known: create the account first")]
    AccountNotFound(Box<str>),
    #[error("{field} {value:?} is not a known reservation: it may have been closed long ago")]
    ReservationNotFound { field: &'static str, value: Box<str> },
    #[error("{field} {value:?} is not of channel {own:?}, the only one that the caller has")]
    OtherChannel { field: &'static str, value: Box<str>, own: Id },
    #[error("segment_id {0:?} is not known: create the segment first")]
    SegmentNotFound(Box<str>),
    #[error("terms_id {0:?} is not known: create the terms first")]
    TermsNotFound(Box<str>),
    #[error("calendar_id {0:?} is not known: create the calendar first")]
    CalendarNotFound(Box<str>),
    #[error("contract_id {0:?} of this account has no terms: assign them first")]
    ContractNotFound(Box<str>),
    #[error("bill_to_account_id {0:?} is not known: create the account first")]
    BillToNotFound(Box<str>),
    #[error("{field} {value} is yet to come: a rate is of a moment that has passed")]
    NotYet { field: &'static str, value: Box<str> },
    #[error("{field} {currency} has no minor unit: amounts in it cannot be converted")]
    NoMinorUnit { field: &'static str, currency: Currency },
    #[error("parent_account_id {0:?} is not known: create the parent first")]
    ParentNotFound(Box<str>),
    #[error(
        "parent_account_id {0:?} would make a circle, or put more than 8 accounts above another"
    )]
    ParentCycle(Box<str>),
    #[error("parent_account_id {parent:?} is in {found}, the account in {expected}")]
    ParentCurrencyMismatch { parent: Box<str>, expected: Currency, found: Currency },
    #[error("currency is required for the new account {0:?}")]
    CurrencyRequired(Box<str>),
    #[error("currency {found} differs from the account's {expected}")]
    CurrencyMismatch { expected: Currency, found: Currency },
    #[error("currency {found} cannot replace the account's {expected}: a currency is fixed")]
    CurrencyFixed { expected: Currency, found: Currency },
    #[error("request_id {0:?} was used before with other fields: use a new id")]
    RequestIdReused(Box<str>),
    #[error("entry_id {0:?} of this source was posted before with other fields")]
    EntryIdReused(Box<str>),
    #[error("order_id {0:?} of this account is reserved already: adjust or release that order")]
    OrderAlreadyReserved(Box<str>),
    #[error("invoice_id {0:?} has captured part of this reservation already")]
    InvoiceAlreadyCaptured(Box<str>),
    #[error("invoice_id {0:?} is one too many: 1000 invoices took parts of this reservation")]
    TooManyCaptures(Box<str>),
    #[error("invoice_id {0:?} of this account was posted before by another entry")]
    InvoiceAlreadyPosted(Box<str>),
    #[error("total_amount_minor {total} is below the {captured} already captured")]
    BelowCaptured { total: Minor, captured: Minor },
    #[error("amount_minor {amount} is more than the {open} still open")]
    ReleaseExceedsOpen { amount: Minor, open: Minor },
    #[error("nothing of the reservation is open: give amount_minor to capture beyond it")]
    NothingOpen,
    #[error("{field} {value:?} is not to leave: nothing of it is open, or its time is over")]
    NothingToConfirm { field: &'static str, value: Box<str> },
    #[error("amount_minor {0} would take a sum of this account beyond 4 * 10^18 minor units")]
    ExposureOutOfRange(Minor),
    #[error("account_id {0:?} is closed: reinstate it first")]
    AccountIsClosed(Box<str>),
    #[error("hold_id {0:?} is not a hold of this account, or has ended")]
    HoldNotFound(Box<str>),
    #[error("hold_id {0:?} is one too many: 16 holds of this account are in force")]
    TooManyHolds(Box<str>),
    #[error("limit_id {0:?} is not a temporary limit of this account, or has ended")]
    TemporaryLimitNotFound(Box<str>),
    #[error("limit_id {0:?} is one too many: this account has 32 temporary limits")]
    TooManyTemporaryLimits(Box<str>),
    #[error("limit_id {0:?} overlaps the override {1:?}: two cannot stand in place of one limit")]
    OverridesOverlap(Box<str>, Box<str>),
    #[error(transparent)]
    Limit(#[from] LimitRefusal),
    #[error("account_id {0:?} has no rolling limit")]
    RollingLimitNotFound(Box<str>),
    #[error("{field} {value} has passed already: {rule}")]
    Passed { field: &'static str, value: Box<str>, rule: &'static str },
    #[error("invoice_date {0} is more than 366 days from today: a capture is of about now")]
    InvoiceDateFar(Day),
    #[error("first_date {first} is after last_date {last}")]
    DatesReversed { first: Day, last: Day },
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    #[error(transparent)]
    Case(#[from] CaseRefusal),
    #[error("source {0:?} is one too many: entries of 1000 sources have come already")]
    TooManySources(Box<str>),
    #[error("source {0:?} is not known: nothing has come of it yet")]
    SourceNotFound(Box<str>),
    #[error(transparent)]
    Adjustments(#[from] AdjustmentsRefusal),
    #[error("items[{index}]: {refusal}")]
    InItem { index: usize, refusal: Box<Refusal> },
}

/// What is wrong with a verification, a proposal, or a limit that somebody else owns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum LimitRefusal {
    #[error("reference {0:?} of this account was recorded before with other fields: use a new one")]
    VerificationReused(Box<str>),
    #[error("date {0} is still to come: a verification is of today or earlier")]
    VerificationToCome(Day),
    #[error("verification {0:?} is not one of those kept of this account: record it first")]
    VerificationNotFound(Box<str>),
    #[error("limit is what the account has: name a verification to have it approved on that")]
    NothingProposed,
    #[error("account_id {0:?} has 8 proposals that wait: approve or reject one first")]
    TooManyProposals(Box<str>),
    #[error("100000 proposals wait already, the most in all: approve or reject some first")]
    TooManyProposalsInAll,
    #[error("proposal_id {0} is not waiting at this account: it may have been decided")]
    ProposalNotFound(u64),
    #[error("proposal_id {0} is your own: somebody else has to approve it")]
    OwnProposal(u64),
    #[error("proposal_id {0} was made on another limit than the account has now: propose it again")]
    LimitChanged(u64),
    #[error(
        "{field} {value} would change a limit, and policy limits.owner is creditgate: have Finance \
         set it here, or change the owner"
    )]
    LimitOwnedHere { field: &'static str, value: Box<str> },
    #[error(
        "{field} {value} would change a limit, and policy limits.owner is ledger: set it there and \
         load it, or change the owner"
    )]
    LimitOwnedByLedger { field: &'static str, value: Box<str> },
}

/// What is wrong with adjustments that are proposed, approved or turned down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum AdjustmentsRefusal {
    #[error("1000 proposals of adjustments wait already, the most: approve or reject some first")]
    TooMany,
    #[error("adjustments_id {0} is not waiting: it may have been decided")]
    NotFound(u64),
    #[error("adjustments_id {0} is your own: somebody else has to approve it")]
    Own(u64),
    #[error(
        "entries are others than were proposed as adjustments_id {0}: bring the same, or reject it"
    )]
    Others(u64),
}

/// What is wrong with a version of the policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PolicyRefusal {
    #[error("text has {} mistakes, the first in {}", .0.len(), .0[0])]
    PolicyInvalid(Vec<Problem>),
    #[error("policy version {0} is not known: put it first")]
    PolicyNotFound(PolicyVersion),
    #[error("policy version {0} is in force already")]
    PolicyInForce(PolicyVersion),
    #[error("policy version {0} was put by {1:?}: another person activates it")]
    PolicyNeedsSecond(PolicyVersion, Box<str>),
    #[error("there are 4096 versions of the policy, and no more are kept: activate one of these")]
    TooManyPolicies,
}

/// What is wrong with what somebody would do about a case, or with a delegation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CaseRefusal {
    #[error("case_id {0} is not a known case: it may have ended long ago")]
    CaseNotFound(CaseId),
    #[error("case_id {case} is {}: nothing can be done about it any more", status.name())]
    CaseEnded { case: CaseId, status: CaseStatus },
    #[error("case_id {case} was claimed by {by:?}: take it over, or leave it to them")]
    CaseClaimed { case: CaseId, by: Id },
    #[error("case_id {case}: {who:?} asked for the order, and may not sign it")]
    SelfApproval { case: CaseId, who: Id },
    #[error("case_id {case}: {who:?} has signed, and another person must")]
    SignedAlready { case: CaseId, who: Id },
    #[error("case_id {case} was signed for other reasons or another amount: sign the same")]
    SignedOtherwise { case: CaseId },
    #[error(
        "case_id {case} is of revision {revision} by now: look at what it asks for, and sign that"
    )]
    CaseChanged { case: CaseId, revision: u32 },
    #[error(
        "case_id {case}: {role} may not decide on {amount} minor units; the policy lets {band}"
    )]
    NotAuthorised { case: CaseId, role: &'static str, amount: Minor, band: Box<str> },
    #[error("case_id {case}: nobody above those who may sign it: it cannot be escalated")]
    NothingAbove { case: CaseId },
    #[error(
        "waived_reasons names {code:?}, for which the order of case_id {case} was not referred"
    )]
    NotAReason { case: CaseId, code: ReasonCode },
    #[error("on_behalf_of {0:?} has not delegated to the caller, or not for today")]
    NotDelegated(Box<str>),
    #[error("role is {0}: it must be one that the policy lets sign")]
    NotASigner(&'static str),
    #[error("to {0:?} is the caller: somebody else must be named")]
    DelegatedToSelf(Box<str>),
    #[error("delegator {0:?} is not the caller: nobody gives away what is another's")]
    NotOwnToGive(Box<str>),
    #[error("role is {0}: finance or admin ends what others have delegated")]
    MayNotEnd(&'static str),
    #[error("to {0:?} is one too many: 1000 delegations are in force")]
    TooManyDelegations(Box<str>),
    #[error("to {0:?} may not sign for the one named: there is nothing to end")]
    DelegationNotFound(Box<str>),
    #[error("order_id {0:?} was referred, and 16 others have asked for it: ask as one of them")]
    TooManyAskers(Box<str>),
}
