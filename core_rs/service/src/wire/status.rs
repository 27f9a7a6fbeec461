//! What is wrong with a call: one [`Fault`], shown as a `google.rpc.Status` with its details
//! (AIP-193) or, for a row of a bulk call, as an `ItemError`.

use std::collections::BTreeMap;

use creditgate_engine::values::Seq;
use prost::Message;
use prost_types::{Any, Duration};

use crate::access::roles::Role;
use crate::methods::Method;
use crate::wire::v1;

mod refusals;

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

    pub(crate) fn entry_not_found(field: &str, seq: Seq) -> Fault {
        let message = format!("{field} {seq} is of no entry that is in the journal");
        Fault::new(Code::NotFound, "ENTRY_NOT_FOUND", field, message)
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

    pub(crate) fn hold_not_own(hold_id: &str) -> Fault {
        let message = format!(
            "hold_id is {hold_id:?}: a MANUAL hold without a source is a person's, no loader's"
        );
        Fault::new(Code::PermissionDenied, "HOLD_NOT_OWN", "hold_id", message)
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
    use super::*;

    #[test]
    fn a_fault_names_field_value_and_rule() {
        let fault = Fault::field("amount_minor", -5, "greater than zero").within("items[2]");
        assert_eq!(fault.field, "items[2].amount_minor");
        assert_eq!(fault.message, "items[2]: amount_minor is -5: it must be greater than zero");
        let status = Status::decode(&*fault.to_status()).expect("it was just encoded");
        assert_eq!((status.code, status.details.len()), (3, 2));
    }

    #[test]
    fn overload_says_when_to_try_again() {
        let status = Status::decode(&*Fault::queue_full().to_status()).expect("just encoded");
        assert_eq!(status.code, 8);
        let retry = RetryInfo::decode(&*status.details[1].value).expect("just encoded");
        assert_eq!(retry.retry_delay, Some(Duration { seconds: 0, nanos: 100_000_000 }));
    }
}
