//! What callers ask for, decoded and validated. A journal entry holds the whole command.
//!
//! On disk a command is a msgpack map of one pair: its name and an array of its fields in the order
//! of declaration. New fields are added at the end, with a default.

use serde::{Deserialize, Serialize};

use crate::values::Micros;

mod accounts;
mod cases;
mod conditions;
mod ledger;
mod limits;
mod orders;
mod policy;
mod rates;
mod terms;

pub use accounts::{EraseTexts, SetStatus, UpsertAccount, UpsertSegment};
pub use cases::{Act, Approve, Delegate, RetryCases, ReviewCase};
pub use conditions::{
    LiftHold, PlaceHold, RemoveRollingLimit, RemoveTemporaryLimit, SetRollingLimit,
    SetTemporaryLimit,
};
pub use ledger::{
    CloseAdjustments, EntryKind, MoveSource, Post, ProposeAdjustments, RecordReconciliation,
};
pub use limits::{ApproveProposal, ProposeLimit, RecordVerification, RejectProposal};
pub use orders::{Adjust, CaptureOrder, Order, OrderKey, Release, Reserve, ReserveAll, Target};
pub use policy::{ActivatePolicy, PutPolicy, ShadowPolicy};
pub use rates::{Revalue, UpsertRate};
pub use terms::{AssignTerms, TermsScope, UpsertCalendar, UpsertTerms};

/// One thing to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command<'a> {
    /// Decide an order and reserve its amount.
    #[serde(borrow)]
    Reserve(Reserve<'a>),
    /// Decide several orders and reserve all or none.
    ReserveAll(ReserveAll<'a>),
    /// Set an order's total.
    Adjust(Adjust<'a>),
    /// Turn reserved into captured.
    Capture(CaptureOrder<'a>),
    /// Give back what is reserved.
    Release(Release<'a>),
    /// Open an account or change it.
    UpsertAccount(UpsertAccount<'a>),
    /// The same, on the ledger's word: what it says of the limit holds where the policy has the
    /// ledger own limits.
    SyncAccount(UpsertAccount<'a>),
    /// Create a segment or change its default limit.
    UpsertSegment(UpsertSegment<'a>),
    /// The same, on the ledger's word.
    SyncSegment(UpsertSegment<'a>),
    /// Suspend, reinstate or close an account.
    SetStatus(SetStatus<'a>),
    /// Refuse new orders of an account until the hold is lifted or ends.
    PlaceHold(PlaceHold<'a>),
    /// End a hold.
    LiftHold(LiftHold<'a>),
    /// Have another limit, or more of it, for some days.
    SetTemporaryLimit(SetTemporaryLimit<'a>),
    /// End it.
    RemoveTemporaryLimit(RemoveTemporaryLimit<'a>),
    /// Let an account peak, up to a hard cap.
    SetRollingLimit(SetRollingLimit<'a>),
    /// End that.
    RemoveRollingLimit(RemoveRollingLimit<'a>),
    /// Keep what a third party found out about a customer.
    RecordVerification(RecordVerification<'a>),
    /// Have another limit, once somebody else agrees or the policy does.
    ProposeLimit(ProposeLimit<'a>),
    /// Agree.
    ApproveProposal(ApproveProposal<'a>),
    /// Refuse.
    RejectProposal(RejectProposal<'a>),
    /// Create payment terms or set them anew.
    UpsertTerms(UpsertTerms<'a>),
    /// Create a calendar or set it anew.
    UpsertCalendar(UpsertCalendar<'a>),
    /// Assign payment terms.
    AssignTerms(AssignTerms<'a>),
    /// Put a new version of the policy.
    PutPolicy(PutPolicy<'a>),
    /// Bring a version of the policy into force.
    ActivatePolicy(ActivatePolicy<'a>),
    /// Try a version of the policy beside the one in force.
    ShadowPolicy(ShadowPolicy<'a>),
    /// Set the rate of a pair of currencies.
    UpsertRate(UpsertRate<'a>),
    /// Value open orders in other currencies at the rates of today.
    Revalue(Revalue<'a>),
    /// Do something about a case.
    ReviewCase(ReviewCase<'a>),
    /// Let somebody sign in one's place.
    Delegate(Delegate<'a>),
    /// Decide the orders of waiting cases again. Issued by the clock alone.
    RetryCases(RetryCases),
    /// Take one movement from the ledger.
    Post(Post<'a>),
    /// Note how far a source's stream has been taken, with no entry.
    MoveSource(MoveSource<'a>),
    /// Keep what a reconciliation of a source found.
    RecordReconciliation(RecordReconciliation<'a>),
    /// Have adjustments posted, once somebody else agrees.
    ProposeAdjustments(ProposeAdjustments<'a>),
    /// Agree, or refuse.
    CloseAdjustments(CloseAdjustments<'a>),
    /// Erase what people wrote about an account, or in entries about none.
    EraseTexts(EraseTexts<'a>),
    /// Give back what has expired, forget what has long been closed. Issued by the clock alone.
    Housekeep(Housekeep),
}

/// By what name a repeat of a command is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// The caller's request id and the row of a bulk call.
    Request(RequestKey<'a>),
    /// The source's id of a ledger entry.
    Entry {
        /// The system it comes from.
        source: &'a str,
        /// Its id there.
        entry_id: &'a str,
    },
    /// Nobody repeats it.
    None,
}

impl<'a> Command<'a> {
    /// By what name a repeat is known.
    #[must_use]
    pub fn identity(&self) -> Identity<'a> {
        match self {
            Command::Reserve(command) => Identity::Request(command.request),
            Command::ReserveAll(command) => Identity::Request(command.request),
            Command::Adjust(command) => Identity::Request(command.request),
            Command::Capture(command) => Identity::Request(command.request),
            Command::Release(command) => Identity::Request(command.request),
            Command::UpsertAccount(command) | Command::SyncAccount(command) => {
                Identity::Request(command.request)
            }
            Command::UpsertSegment(command) | Command::SyncSegment(command) => {
                Identity::Request(command.request)
            }
            Command::SetStatus(command) => Identity::Request(command.request),
            Command::PlaceHold(command) => Identity::Request(command.request),
            Command::LiftHold(command) => Identity::Request(command.request),
            Command::SetTemporaryLimit(command) => Identity::Request(command.request),
            Command::RemoveTemporaryLimit(command) => Identity::Request(command.request),
            Command::SetRollingLimit(command) => Identity::Request(command.request),
            Command::RemoveRollingLimit(command) => Identity::Request(command.request),
            Command::RecordVerification(command) => Identity::Request(command.request),
            Command::ProposeLimit(command) => Identity::Request(command.request),
            Command::ApproveProposal(command) => Identity::Request(command.request),
            Command::RejectProposal(command) => Identity::Request(command.request),
            Command::UpsertTerms(command) => Identity::Request(command.request),
            Command::UpsertCalendar(command) => Identity::Request(command.request),
            Command::AssignTerms(command) => Identity::Request(command.request),
            Command::PutPolicy(command) => Identity::Request(command.request),
            Command::ActivatePolicy(command) => Identity::Request(command.request),
            Command::ShadowPolicy(command) => Identity::Request(command.request),
            Command::UpsertRate(command) => Identity::Request(command.request),
            Command::Revalue(command) => Identity::Request(command.request),
            Command::EraseTexts(command) => Identity::Request(command.request),
            Command::RecordReconciliation(command) => Identity::Request(command.request),
            Command::ProposeAdjustments(command) => Identity::Request(command.request),
            Command::CloseAdjustments(command) => Identity::Request(command.request),
            Command::ReviewCase(command) => Identity::Request(command.request),
            Command::Delegate(command) => Identity::Request(command.request),
            Command::Post(command) => {
                Identity::Entry { source: command.source, entry_id: command.entry_id }
            }
            Command::MoveSource(_) | Command::RetryCases(_) | Command::Housekeep(_) => {
                Identity::None
            }
        }
    }

    /// As the journal names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Command::Reserve(_) => "reserve",
            Command::ReserveAll(_) => "reserve_all",
            Command::Adjust(_) => "adjust",
            Command::Capture(_) => "capture",
            Command::Release(_) => "release",
            Command::UpsertAccount(_) => "upsert_account",
            Command::SyncAccount(_) => "sync_account",
            Command::UpsertSegment(_) => "upsert_segment",
            Command::SyncSegment(_) => "sync_segment",
            Command::SetStatus(_) => "set_status",
            Command::PlaceHold(_) => "place_hold",
            Command::LiftHold(_) => "lift_hold",
            Command::SetRollingLimit(_) => "set_rolling_limit",
            Command::RemoveRollingLimit(_) => "remove_rolling_limit",
            Command::SetTemporaryLimit(_) => "set_temporary_limit",
            Command::RemoveTemporaryLimit(_) => "remove_temporary_limit",
            Command::RecordVerification(_) => "record_verification",
            Command::ProposeLimit(_) => "propose_limit",
            Command::ApproveProposal(_) => "approve_proposal",
            Command::RejectProposal(_) => "reject_proposal",
            Command::UpsertTerms(_) => "upsert_terms",
            Command::UpsertCalendar(_) => "upsert_calendar",
            Command::AssignTerms(_) => "assign_terms",
            Command::PutPolicy(_) => "put_policy",
            Command::ActivatePolicy(_) => "activate_policy",
            Command::ShadowPolicy(_) => "shadow_policy",
            Command::UpsertRate(_) => "upsert_rate",
            Command::Revalue(_) => "revalue",
            Command::ReviewCase(command) => match command.act {
                Act::Claim { .. } => "claim_case",
                Act::Approve(_) => "approve_case",
                Act::Reject => "reject_case",
                Act::Escalate => "escalate_case",
                Act::Comment { .. } => "comment_on_case",
            },
            Command::Delegate(_) => "delegate",
            Command::RetryCases(_) => "retry_cases",
            Command::Post(_) => "post",
            Command::MoveSource(_) => "move_source",
            Command::RecordReconciliation(_) => "record_reconciliation",
            Command::ProposeAdjustments(_) => "propose_adjustments",
            Command::CloseAdjustments(command) => match command.approved {
                Some(_) => "approve_adjustments",
                None => "reject_adjustments",
            },
            Command::EraseTexts(_) => "erase_texts",
            Command::Housekeep(_) => "housekeep",
        }
    }

    /// The accounts that it names; none where it names a reservation or a case by its own id.
    #[must_use]
    pub fn accounts(&self) -> Vec<&'a str> {
        let of_target = |target: &Target<'a>| match *target {
            Target::Id(_) => Vec::new(),
            Target::Order(OrderKey { account_id, .. }) => vec![account_id],
        };
        match self {
            Command::Reserve(command) => command.order.accounts().collect(),
            Command::ReserveAll(command) => {
                command.orders.iter().flat_map(Order::accounts).collect()
            }
            Command::Adjust(command) => of_target(&command.target),
            Command::Capture(command) => of_target(&command.target),
            Command::Release(command) => of_target(&command.target),
            Command::UpsertAccount(command) | Command::SyncAccount(command) => {
                vec![command.account_id]
            }
            Command::RecordVerification(command) => vec![command.account_id],
            Command::ProposeLimit(command) => vec![command.account_id],
            Command::ApproveProposal(command) => vec![command.account_id],
            Command::RejectProposal(command) => vec![command.account_id],
            Command::SetStatus(command) => vec![command.account_id],
            Command::PlaceHold(command) => vec![command.account_id],
            Command::LiftHold(command) => vec![command.account_id],
            Command::SetRollingLimit(command) => vec![command.account_id],
            Command::RemoveRollingLimit(command) => vec![command.account_id],
            Command::SetTemporaryLimit(command) => vec![command.account_id],
            Command::RemoveTemporaryLimit(command) => vec![command.account_id],
            Command::Post(command) => vec![command.account_id],
            Command::EraseTexts(command) if command.named.is_empty() => vec![command.account_id],
            Command::AssignTerms(command) => match command.scope {
                TermsScope::Segment(_) => Vec::new(),
                TermsScope::Account(account_id) | TermsScope::Contract { account_id, .. } => {
                    vec![account_id]
                }
            },
            Command::UpsertSegment(_)
            | Command::SyncSegment(_)
            | Command::UpsertTerms(_)
            | Command::UpsertCalendar(_)
            | Command::PutPolicy(_)
            | Command::ActivatePolicy(_)
            | Command::ShadowPolicy(_)
            | Command::UpsertRate(_)
            | Command::Revalue(_)
            | Command::EraseTexts(_)
            | Command::ReviewCase(_)
            | Command::Delegate(_)
            | Command::RetryCases(_)
            | Command::MoveSource(_)
            | Command::RecordReconciliation(_)
            | Command::ProposeAdjustments(_)
            | Command::CloseAdjustments(_)
            | Command::Housekeep(_) => Vec::new(),
        }
    }

    /// Whether `other`, of the same identity, asks for the same. A ledger entry that comes again
    /// at another position of its source's stream is the same entry; an erasure that comes again
    /// finds other texts, or none; and whose word an upsert is does not change what it asks for.
    #[must_use]
    pub fn is_repeat_of(&self, other: &Command<'_>) -> bool {
        match (self, other) {
            (Command::Post(mine), Command::Post(theirs)) => {
                *mine == Post { position: mine.position, ..theirs.clone() }
            }
            (Command::EraseTexts(mine), Command::EraseTexts(theirs)) => {
                *mine == EraseTexts { entries: mine.entries.clone(), ..theirs.clone() }
            }
            (
                Command::UpsertAccount(mine) | Command::SyncAccount(mine),
                Command::UpsertAccount(theirs) | Command::SyncAccount(theirs),
            ) => mine == theirs,
            (
                Command::UpsertSegment(mine) | Command::SyncSegment(mine),
                Command::UpsertSegment(theirs) | Command::SyncSegment(theirs),
            ) => mine == theirs,
            _ => self == other,
        }
    }
}

/// A request id, and which row of which call this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestKey<'a> {
    /// As the caller gave it.
    pub id: &'a str,
    /// Row of a bulk call; 0 for a call of one.
    pub row: u32,
    /// Digest of the whole bulk call, so that no other call can go by its id even where their rows
    /// do not meet, for as long as its first row is remembered; 0 for a call of one.
    pub call: u64,
}

/// The work of the clock, with the bounds in force at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Housekeep {
    /// Closed reservations and settled items older than this are forgotten.
    pub closed_before: Micros,
    /// And the oldest of them beyond this count, of each kind.
    pub closed_count_max: u64,
}
