//! What is wrong with a call: one [`Fault`], shown as a `google.rpc.Status` with its details
//! (AIP-193) or, for a row of a bulk call, as an `ItemError`.

use std::collections::BTreeMap;

use creditgate_engine::error::{CaseRefusal, LimitRefusal, PolicyRefusal, Refusal};
use creditgate_engine::policy::Problem;
use prost::Message;
use prost_types::{Any, Duration};

use crate::access::roles::Role;
use crate::methods::Method;
use crate::wire::v1;

/// The canonical gRPC codes that creditgate answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "google.rpc.Code documents them")]
pub(crate) enum Code {
    Ok = 0,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    OutOfRange = 11,
    Unimplemented = 12,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// Most that is said of a field in the details of a status. They travel in base64, beside a message
/// of their own, and clients take 8 KiB of both.
const VIOLATIONS_BYTES_MAX: usize = 3_072;

/// What each violation takes up beside its words: tags and lengths, the field, the reason.
const VIOLATION_FRAME_BYTES: usize = 32;

/// Why a call, or a row of it, was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    /// UPPER_SNAKE; part of the contract.
    pub(crate) reason: &'static str,
    /// Names field, value and rule.
    pub(crate) message: String,
    /// The field at fault; empty where no single field is.
    pub(crate) field: String,
    /// When to try again, where that helps.
    pub(crate) retry_ms: Option<u32>,
    /// What is wrong with the field, where it is more than one thing; else the message says it.
    pub(crate) violations: Box<[String]>,
    /// What belongs to the reason, by name.
    pub(crate) metadata: Vec<(&'static str, &'static str)>,
}

impl Fault {
    fn new(code: Code, reason: &'static str, field: &str, message: String) -> Fault {
        let (field, violations, metadata) = (field.to_owned(), Box::default(), Vec::new());
        Fault { code, reason, message, field, retry_ms: None, violations, metadata }
    }

    /// A field that breaks a rule; `rule` completes "must be ...".
    pub(crate) fn field(field: &str, value: impl std::fmt::Debug, rule: &str) -> Fault {
        let message = format!("{field} is {value:?}: it must be {rule}");
        Fault::new(Code::InvalidArgument, "FIELD_INVALID", field, message)
    }

    pub(crate) fn malformed(error: &prost::DecodeError) -> Fault {
        let message = format!("the request is not the message that this method takes: {error}");
        Fault::new(Code::InvalidArgument, "REQUEST_MALFORMED", "", message)
    }

    pub(crate) fn unknown_method(number: u16) -> Fault {
        let message = format!("method number {number} is not known");
        Fault::new(Code::Unimplemented, "METHOD_UNKNOWN", "", message)
    }

    pub(crate) fn deadline_passed() -> Fault {
        let message = "the deadline passed before the call was decided: nothing was changed";
        Fault::new(Code::DeadlineExceeded, "DEADLINE_PASSED", "", message.to_owned())
    }

    pub(crate) fn queue_full() -> Fault {
        let message =
            "more calls are waiting than the server takes on: nothing was changed, try again";
        let fault = Fault::new(Code::ResourceExhausted, "QUEUE_FULL", "", message.to_owned());
        Fault { retry_ms: Some(100), ..fault }
    }

    pub(crate) fn store_full() -> Fault {
        let message = "the disk of the store is full: nothing was changed, make room and try again";
        let fault = Fault::new(Code::ResourceExhausted, "STORE_FULL", "", message.to_owned());
        Fault { retry_ms: Some(1_000), ..fault }
    }

    pub(crate) fn shutting_down() -> Fault {
        let message = "the server is shutting down: nothing was changed, try again";
        let fault = Fault::new(Code::Unavailable, "SHUTTING_DOWN", "", message.to_owned());
        Fault { retry_ms: Some(1_000), ..fault }
    }

    pub(crate) fn tables_behind(error: &dyn std::fmt::Display) -> Fault {
        let message = format!("the tables cannot be read up to date now, try again: {error}");
        let fault = Fault::new(Code::Unavailable, "TABLES_BEHIND", "", message);
        Fault { retry_ms: Some(1_000), ..fault }
    }

    pub(crate) fn archive_unreadable(error: &dyn std::fmt::Display) -> Fault {
        let message = format!("the earlier answer to this request cannot be read now: {error}");
        let fault = Fault::new(Code::Unavailable, "ARCHIVE_UNREADABLE", "", message);
        Fault { retry_ms: Some(1_000), ..fault }
    }

    pub(crate) fn journal_unreadable(error: &dyn std::fmt::Display) -> Fault {
        let message = format!("what was done cannot be read from the journal now: {error}");
        let fault = Fault::new(Code::Unavailable, "ARCHIVE_UNREADABLE", "", message);
        Fault { retry_ms: Some(1_000), ..fault }
    }

    pub(crate) fn decision_not_found(field: &str, value: &dyn std::fmt::Display) -> Fault {
        let message = format!("{field} {value} is of no decision that is in the journal");
        Fault::new(Code::NotFound, "DECISION_NOT_FOUND", field, message)
    }

    pub(crate) fn search_too_long(field: &str, value: &str, among: u64, after_s: u64) -> Fault {
        let message = format!(
            "{field} {value} was looked for among the last {among} entries of the journal for \
             {after_s} s, longer than others can wait: ask by its reservation_id, or by its \
             journal_seq, which its answer and the audit name"
        );
        Fault::new(Code::FailedPrecondition, "SEARCH_TOO_LONG", field, message)
    }

    pub(crate) fn audit_busy(callers_max: usize) -> Fault {
        let message =
            format!("{callers_max} callers are reading what was done, which is most: try again");
        let fault = Fault::new(Code::ResourceExhausted, "TOO_MANY_AUDITS", "", message);
        Fault { retry_ms: Some(10_000), ..fault }
    }

    pub(crate) fn clock_backwards(now: i64) -> Fault {
        let message = format!("time is before the clock's own, {now} microseconds since 1970");
        Fault::new(Code::OutOfRange, "CLOCK_BACKWARDS", "time", message)
    }

    pub(crate) fn clock_not_manual() -> Fault {
        let message = "the clock can be set only when the server runs with --clock manual";
        Fault::new(Code::FailedPrecondition, "CLOCK_NOT_MANUAL", "", message.to_owned())
    }

    pub(crate) fn credential_missing() -> Fault {
        let message = "the call needs a credential: authorization must be Bearer TOKEN";
        Fault::new(Code::Unauthenticated, "CREDENTIAL_MISSING", "", message.to_owned())
    }

    /// `why` names nothing of the credential itself.
    pub(crate) fn credential_invalid(why: &str) -> Fault {
        let message = format!("the credential is not valid: {why}");
        Fault::new(Code::Unauthenticated, "CREDENTIAL_INVALID", "", message)
    }

    pub(crate) fn credential_expired() -> Fault {
        let message = "the credential's time is over: get a new one";
        Fault::new(Code::Unauthenticated, "CREDENTIAL_EXPIRED", "", message.to_owned())
    }

    pub(crate) fn role_not_allowed(role: Role, method: Method) -> Fault {
        let (role, method) = (role.name(), method.path());
        let message = format!("the role {role} may not call {method}");
        let fault = Fault::new(Code::PermissionDenied, "ROLE_NOT_ALLOWED", "", message);
        Fault { metadata: vec![("role", role), ("method", method)], ..fault }
    }

    pub(crate) fn channel_not_own(given: &str, own: &str) -> Fault {
        let message =
            format!("channel is {given:?}: it must be {own:?}, the only one that the caller has");
        Fault::new(Code::PermissionDenied, "CHANNEL_NOT_OWN", "channel", message)
    }

    pub(crate) fn rate_limited(retry_ms: u32) -> Fault {
        let message = "the caller asks for more in a second than it may: nothing was changed";
        let fault = Fault::new(Code::ResourceExhausted, "RATE_LIMITED", "", message.to_owned());
        Fault { retry_ms: Some(retry_ms), ..fault }
    }

    pub(crate) fn concurrency_limited(retry_ms: u32) -> Fault {
        let message = "the caller has more calls in flight than it may: nothing was changed";
        let reason = "CONCURRENCY_LIMITED";
        let fault = Fault::new(Code::ResourceExhausted, reason, "", message.to_owned());
        Fault { retry_ms: Some(retry_ms), ..fault }
    }

    /// The same fault, its field shown as a part of `path`, e.g. `items[3]`.
    pub(crate) fn within(mut self, path: &str) -> Fault {
        self.message = format!("{path}: {}", self.message);
        self.field =
            if self.field.is_empty() { path.to_owned() } else { format!("{path}.{}", self.field) };
        self
    }

    /// As a serialized `google.rpc.Status`.
    pub(crate) fn to_status(&self) -> Vec<u8> {
        let mut details = vec![any(
            "google.rpc.ErrorInfo",
            &ErrorInfo {
                reason: self.reason.to_owned(),
                domain: "creditgate".to_owned(),
                metadata: self.metadata.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            },
        )];
        if !self.field.is_empty() {
            let violation = |description: &String| FieldViolation {
                field: self.field.clone(),
                description: description.clone(),
                reason: self.reason.to_owned(),
            };
            let said = match &*self.violations {
                [] => std::slice::from_ref(&self.message),
                several => several,
            };
            let bad = BadRequest { field_violations: said.iter().map(violation).collect() };
            details.push(any("google.rpc.BadRequest", &bad));
        }
        if let Some(ms) = self.retry_ms {
            let nanos = (ms % 1_000) as i32 * 1_000_000;
            let delay = Duration { seconds: i64::from(ms / 1_000), nanos };
            details.push(any("google.rpc.RetryInfo", &RetryInfo { retry_delay: Some(delay) }));
        }
        let status = Status { code: self.code as i32, message: self.message.clone(), details };
        status.encode_to_vec()
    }

    /// As the error of one row.
    pub(crate) fn into_item_error(self) -> v1::ItemError {
        v1::ItemError {
            code: self.code as i32,
            reason: self.reason.to_owned(),
            field: self.field,
            message: self.message,
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        use Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OutOfRange};
        let failed = |reason, field| (FailedPrecondition, reason, field);
        let (code, reason, field) = match &refusal {
            Refusal::AccountNotFound(_) => (NotFound, "ACCOUNT_NOT_FOUND", "account_id"),
            Refusal::ReservationNotFound { field, .. } => {
                (NotFound, "RESERVATION_NOT_FOUND", *field)
            }
            Refusal::OtherChannel { field, .. } => {
                (Code::PermissionDenied, "CHANNEL_NOT_OWN", *field)
            }
            Refusal::SegmentNotFound(_) => (NotFound, "SEGMENT_NOT_FOUND", "segment_id"),
            Refusal::TermsNotFound(_) => (NotFound, "TERMS_NOT_FOUND", "terms_id"),
            Refusal::CalendarNotFound(_) => (NotFound, "CALENDAR_NOT_FOUND", "calendar_id"),
            Refusal::ContractNotFound(_) => (NotFound, "CONTRACT_NOT_FOUND", "contract_id"),
            Refusal::ParentNotFound(_) => (NotFound, "ACCOUNT_NOT_FOUND", "parent_account_id"),
            Refusal::ParentCycle(_) => (FailedPrecondition, "PARENT_CYCLE", "parent_account_id"),
            Refusal::ParentCurrencyMismatch { .. } => {
                (FailedPrecondition, "PARENT_CURRENCY_MISMATCH", "parent_account_id")
            }
            Refusal::BillToNotFound(_) => (NotFound, "ACCOUNT_NOT_FOUND", "bill_to_account_id"),
            Refusal::CurrencyRequired(_) => (InvalidArgument, "FIELD_INVALID", "currency"),
            Refusal::CurrencyMismatch { .. } => failed("CURRENCY_MISMATCH", "currency"),
            Refusal::CurrencyFixed { .. } => failed("CURRENCY_FIXED", "currency"),
            Refusal::RequestIdReused(_) => (AlreadyExists, "REQUEST_ID_REUSED", "request_id"),
            Refusal::EntryIdReused(_) => (AlreadyExists, "ENTRY_ID_REUSED", "entry_id"),
            Refusal::OrderAlreadyReserved(_) => {
                (AlreadyExists, "ORDER_ALREADY_RESERVED", "order_id")
            }
            Refusal::InvoiceAlreadyCaptured(_) => {
                (AlreadyExists, "INVOICE_ALREADY_CAPTURED", "invoice_id")
            }
            Refusal::TooManyCaptures(_) => (FailedPrecondition, "TOO_MANY_CAPTURES", "invoice_id"),
            Refusal::InvoiceAlreadyPosted(_) => {
                (AlreadyExists, "INVOICE_ALREADY_POSTED", "invoice_id")
            }
            Refusal::BelowCaptured { .. } => {
                (FailedPrecondition, "BELOW_CAPTURED", "total_amount_minor")
            }
            Refusal::ReleaseExceedsOpen { .. } => failed("RELEASE_EXCEEDS_OPEN", "amount_minor"),
            Refusal::NothingOpen => (FailedPrecondition, "NOTHING_OPEN", "amount_minor"),
            Refusal::NothingToConfirm { field, .. } => (FailedPrecondition, "NOTHING_OPEN", *field),
            Refusal::TooManySources(_) => (FailedPrecondition, "TOO_MANY_SOURCES", "source"),
            Refusal::ExposureOutOfRange(_) => (OutOfRange, "EXPOSURE_OUT_OF_RANGE", "amount_minor"),
            Refusal::AccountIsClosed(_) => (FailedPrecondition, "ACCOUNT_CLOSED", "account_id"),
            Refusal::HoldNotFound(_) => (NotFound, "HOLD_NOT_FOUND", "hold_id"),
            Refusal::TooManyHolds(_) => (FailedPrecondition, "TOO_MANY_HOLDS", "hold_id"),
            Refusal::TemporaryLimitNotFound(_) => {
                (NotFound, "TEMPORARY_LIMIT_NOT_FOUND", "limit_id")
            }
            Refusal::TooManyTemporaryLimits(_) => {
                (FailedPrecondition, "TOO_MANY_TEMPORARY_LIMITS", "limit_id")
            }
            Refusal::Limit(refusal) => of_limit(refusal),
            Refusal::Policy(refusal) => of_policy(refusal),
            Refusal::Case(refusal) => of_case(refusal),
            Refusal::RollingLimitNotFound(_) => (NotFound, "ROLLING_LIMIT_NOT_FOUND", "account_id"),
            Refusal::OverridesOverlap(..) => (FailedPrecondition, "OVERRIDES_OVERLAP", "limit_id"),
            Refusal::InvoiceDateFar(_) => (InvalidArgument, "FIELD_INVALID", "invoice_date"),
            Refusal::Passed { field, .. }
            | Refusal::NotYet { field, .. }
            | Refusal::NoMinorUnit { field, .. } => (InvalidArgument, "FIELD_INVALID", *field),
            Refusal::DatesReversed { .. } => (InvalidArgument, "FIELD_INVALID", "first_date"),
            Refusal::InItem { index, refusal } => {
                return Fault::from((**refusal).clone()).within(&format!("items[{index}]"));
            }
        };
        let fault = Fault::new(code, reason, field, refusal.to_string());
        match &refusal {
            Refusal::Policy(PolicyRefusal::PolicyInvalid(problems)) => {
                Fault { violations: listed(problems), ..fault }
            }
            _ => fault,
        }
    }
}

/// A status travels in a header: CheckPolicy lists what has no room there.
fn listed(problems: &[Problem]) -> Box<[String]> {
    let mut room = VIOLATIONS_BYTES_MAX;
    let fits = |said: &String| {
        let left = room.checked_sub(said.len() + VIOLATION_FRAME_BYTES);
        room = left.unwrap_or_default();
        left.is_some()
    };
    problems.iter().map(ToString::to_string).take_while(fits).collect()
}

fn of_limit(refusal: &LimitRefusal) -> (Code, &'static str, &'static str) {
    use Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
    match refusal {
        LimitRefusal::VerificationReused(_) => (AlreadyExists, "VERIFICATION_REUSED", "reference"),
        LimitRefusal::VerificationToCome(_) => (InvalidArgument, "FIELD_INVALID", "date"),
        LimitRefusal::VerificationNotFound(_) => {
            (NotFound, "VERIFICATION_NOT_FOUND", "verification")
        }
        LimitRefusal::NothingProposed => (FailedPrecondition, "NOTHING_PROPOSED", "limit"),
        LimitRefusal::TooManyProposals(_) => {
            (FailedPrecondition, "TOO_MANY_PROPOSALS", "account_id")
        }
        LimitRefusal::TooManyProposalsInAll => {
            (FailedPrecondition, "TOO_MANY_PROPOSALS_IN_ALL", "limit")
        }
        LimitRefusal::LimitChanged(_) => (FailedPrecondition, "LIMIT_CHANGED", "proposal_id"),
        LimitRefusal::ProposalNotFound(_) => (NotFound, "PROPOSAL_NOT_FOUND", "proposal_id"),
        LimitRefusal::OwnProposal(_) => (FailedPrecondition, "OWN_PROPOSAL", "proposal_id"),
        LimitRefusal::LimitOwnedHere { field, .. } => {
            (FailedPrecondition, "LIMIT_OWNED_HERE", *field)
        }
        LimitRefusal::LimitOwnedByLedger { field, .. } => {
            (FailedPrecondition, "LIMIT_OWNED_BY_LEDGER", *field)
        }
    }
}

fn of_policy(refusal: &PolicyRefusal) -> (Code, &'static str, &'static str) {
    use Code::{FailedPrecondition, InvalidArgument, NotFound};
    match refusal {
        PolicyRefusal::PolicyInvalid(_) => (InvalidArgument, "POLICY_INVALID", "text"),
        PolicyRefusal::PolicyNotFound(_) => (NotFound, "POLICY_NOT_FOUND", "version"),
        PolicyRefusal::PolicyInForce(_) => (FailedPrecondition, "POLICY_IN_FORCE", "version"),
        PolicyRefusal::PolicyNeedsSecond(..) => {
            (FailedPrecondition, "POLICY_NEEDS_SECOND", "version")
        }
        PolicyRefusal::TooManyPolicies => (FailedPrecondition, "TOO_MANY_POLICIES", "text"),
    }
}

fn of_case(refusal: &CaseRefusal) -> (Code, &'static str, &'static str) {
    use Code::{FailedPrecondition, InvalidArgument, NotFound, PermissionDenied};
    match refusal {
        CaseRefusal::CaseNotFound(_) => (NotFound, "CASE_NOT_FOUND", "case_id"),
        CaseRefusal::CaseEnded { .. } => (FailedPrecondition, "CASE_ENDED", "case_id"),
        CaseRefusal::CaseClaimed { .. } => (FailedPrecondition, "CASE_CLAIMED", "case_id"),
        CaseRefusal::SelfApproval { .. } => (PermissionDenied, "SELF_APPROVAL", "case_id"),
        CaseRefusal::SignedAlready { .. } => (PermissionDenied, "SIGNED_ALREADY", "case_id"),
        CaseRefusal::NotAuthorised { .. } => (PermissionDenied, "APPROVAL_NOT_AUTHORISED", "role"),
        CaseRefusal::NotASigner(_) => (PermissionDenied, "APPROVAL_NOT_AUTHORISED", "role"),
        CaseRefusal::NotDelegated(_) => (PermissionDenied, "NOT_DELEGATED", "on_behalf_of"),
        CaseRefusal::SignedOtherwise { .. } => {
            (FailedPrecondition, "SIGNED_OTHERWISE", "waived_reasons")
        }
        CaseRefusal::CaseChanged { .. } => (FailedPrecondition, "CASE_CHANGED", "revision"),
        CaseRefusal::NothingAbove { .. } => (FailedPrecondition, "NOTHING_ABOVE", "case_id"),
        CaseRefusal::NotAReason { .. } => (InvalidArgument, "FIELD_INVALID", "waived_reasons"),
        CaseRefusal::DelegatedToSelf(_) => (InvalidArgument, "FIELD_INVALID", "to"),
        CaseRefusal::NotOwnToGive(_) => (InvalidArgument, "FIELD_INVALID", "delegator"),
        CaseRefusal::MayNotEnd(_) => (PermissionDenied, "APPROVAL_NOT_AUTHORISED", "role"),
        CaseRefusal::TooManyDelegations(_) => (FailedPrecondition, "TOO_MANY_DELEGATIONS", "to"),
        CaseRefusal::DelegationNotFound(_) => (NotFound, "DELEGATION_NOT_FOUND", "to"),
        CaseRefusal::TooManyAskers(_) => (FailedPrecondition, "TOO_MANY_ASKERS", "order_id"),
    }
}

fn any(name: &str, message: &impl Message) -> Any {
    Any { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec() }
}

// The messages of google/rpc/status.proto and google/rpc/error_details.proto that are used, by the
// field numbers of the published files.

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    field_violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldViolation {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    description: String,
    #[prost(string, tag = "3")]
    reason: String,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use creditgate_engine::policy::read;
    use creditgate_engine::policy::reader::PROBLEMS_MAX;
    use creditgate_engine::state::State;

    use super::*;

    #[test]
    fn a_fault_names_field_value_and_rule() {
        let fault = Fault::field("amount_minor", -5, "greater than zero").within("items[2]");
        assert_eq!(fault.field, "items[2].amount_minor");
        assert_eq!(fault.message, "items[2]: amount_minor is -5: it must be greater than zero");
        let status = Status::decode(&*fault.to_status()).expect("it was just encoded");
        assert_eq!((status.code, status.details.len()), (3, 2));
    }

    /// What a status takes up in the headers of an answer.
    fn header_bytes(fault: &Fault) -> usize {
        let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'%';
        let message = fault.message.bytes().map(|byte| if is_plain(byte) { 1 } else { 3 });
        message.sum::<usize>() + fault.to_status().len().div_ceil(3) * 4
    }

    #[test]
    fn a_policy_of_many_mistakes_has_a_status_that_travels_in_a_header() {
        let short = (0..400).map(|key| format!("{key} = 1\n")).collect();
        let (id, value) = ("é".repeat(40), "\\u007f".repeat(70));
        let of =
            |key: usize| format!("[account.'{key}{id}'.utilisation]\nhigh_risk.segments = '1'\n");
        let long = (0..100).map(of).collect();
        let escaped = (0..100).map(|key| format!("[channel.\"{key}{value}\"]\n")).collect();
        let texts: [String; 3] = [short, long, escaped];
        for text in texts {
            let (_, problems) = read(&text, &State::default());
            assert_eq!(problems.len(), PROBLEMS_MAX);
            let fault = Fault::from(Refusal::Policy(PolicyRefusal::PolicyInvalid(problems)));
            assert!(fault.violations.len() > 1);
            let bytes = header_bytes(&fault);
            assert!(bytes < 7_168, "{bytes} bytes: {}", fault.message);
        }
    }

    #[test]
    fn overload_says_when_to_try_again() {
        let status = Status::decode(&*Fault::queue_full().to_status()).expect("just encoded");
        assert_eq!(status.code, 8);
        let retry = RetryInfo::decode(&*status.details[1].value).expect("just encoded");
        assert_eq!(retry.retry_delay, Some(Duration { seconds: 0, nanos: 100_000_000 }));
    }
}
