//! What the engine refuses, as a [`Fault`]: the code, the reason and the field of each refusal.

use creditgate_engine::error::{
    AdjustmentsRefusal, CaseRefusal, LimitRefusal, PolicyRefusal, Refusal,
};
use creditgate_engine::policy::Problem;

use super::{Code, Fault};

/// Most that is said of a field in the details of a status. They travel in base64, beside a message
/// of their own, and clients take 8 KiB of both.
const VIOLATIONS_BYTES_MAX: usize = 3_072;

/// What each violation takes up beside its words: tags and lengths, the field, the reason.
const VIOLATION_FRAME_BYTES: usize = 32;

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        if let Refusal::InItem { index, refusal } = refusal {
            return Fault::from(*refusal).within(&format!("items[{index}]"));
        }
        let (code, reason, field) = of(&refusal);
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

/// What each is to a caller: code, reason, and the field that it is about.
fn of(refusal: &Refusal) -> (Code, &'static str, &'static str) {
    use Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OutOfRange};
    let failed = |reason, field| (FailedPrecondition, reason, field);
    match refusal {
        Refusal::AccountNotFound(_) => (NotFound, "ACCOUNT_NOT_FOUND", "account_id"),
        Refusal::ReservationNotFound { field, .. } => (NotFound, "RESERVATION_NOT_FOUND", *field),
        Refusal::OtherChannel { field, .. } => (Code::PermissionDenied, "CHANNEL_NOT_OWN", *field),
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
        Refusal::OrderAlreadyReserved(_) => (AlreadyExists, "ORDER_ALREADY_RESERVED", "order_id"),
        Refusal::InvoiceAlreadyCaptured(_) => {
            (AlreadyExists, "INVOICE_ALREADY_CAPTURED", "invoice_id")
        }
        Refusal::TooManyCaptures(_) => (FailedPrecondition, "TOO_MANY_CAPTURES", "invoice_id"),
        Refusal::InvoiceAlreadyPosted(_) => (AlreadyExists, "INVOICE_ALREADY_POSTED", "invoice_id"),
        Refusal::BelowCaptured { .. } => {
            (FailedPrecondition, "BELOW_CAPTURED", "total_amount_minor")
        }
        Refusal::ReleaseExceedsOpen { .. } => failed("RELEASE_EXCEEDS_OPEN", "amount_minor"),
        Refusal::NothingOpen => (FailedPrecondition, "NOTHING_OPEN", "amount_minor"),
        Refusal::NothingToConfirm { field, .. } => (FailedPrecondition, "NOTHING_OPEN", *field),
        Refusal::TooManySources(_) => (FailedPrecondition, "TOO_MANY_SOURCES", "source"),
        Refusal::SourceNotFound(_) => (NotFound, "SOURCE_NOT_FOUND", "source"),
        Refusal::ExposureOutOfRange(_) => (OutOfRange, "EXPOSURE_OUT_OF_RANGE", "amount_minor"),
        Refusal::AccountIsClosed(_) => (FailedPrecondition, "ACCOUNT_CLOSED", "account_id"),
        Refusal::HoldNotFound(_) => (NotFound, "HOLD_NOT_FOUND", "hold_id"),
        Refusal::TooManyHolds(_) => (FailedPrecondition, "TOO_MANY_HOLDS", "hold_id"),
        Refusal::TemporaryLimitNotFound(_) => (NotFound, "TEMPORARY_LIMIT_NOT_FOUND", "limit_id"),
        Refusal::TooManyTemporaryLimits(_) => {
            (FailedPrecondition, "TOO_MANY_TEMPORARY_LIMITS", "limit_id")
        }
        Refusal::Limit(refusal) => of_limit(refusal),
        Refusal::Policy(refusal) => of_policy(refusal),
        Refusal::Case(refusal) => of_case(refusal),
        Refusal::Adjustments(refusal) => of_adjustments(refusal),
        Refusal::RollingLimitNotFound(_) => (NotFound, "ROLLING_LIMIT_NOT_FOUND", "account_id"),
        Refusal::OverridesOverlap(..) => (FailedPrecondition, "OVERRIDES_OVERLAP", "limit_id"),
        Refusal::InvoiceDateFar(_) => (InvalidArgument, "FIELD_INVALID", "invoice_date"),
        Refusal::Passed { field, .. }
        | Refusal::NotYet { field, .. }
        | Refusal::NoMinorUnit { field, .. } => (InvalidArgument, "FIELD_INVALID", *field),
        Refusal::DatesReversed { .. } => (InvalidArgument, "FIELD_INVALID", "first_date"),
        Refusal::InItem { refusal, .. } => of(refusal),
    }
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

fn of_adjustments(refusal: &AdjustmentsRefusal) -> (Code, &'static str, &'static str) {
    use Code::{FailedPrecondition, NotFound};
    match refusal {
        AdjustmentsRefusal::TooMany => (FailedPrecondition, "TOO_MANY_ADJUSTMENTS", "entries"),
        AdjustmentsRefusal::NotFound(_) => (NotFound, "ADJUSTMENTS_NOT_FOUND", "adjustments_id"),
        AdjustmentsRefusal::Own(_) => (FailedPrecondition, "OWN_ADJUSTMENTS", "adjustments_id"),
        AdjustmentsRefusal::Others(_) => (FailedPrecondition, "ADJUSTMENTS_CHANGED", "entries"),
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

#[cfg(test)]
mod tests {
    use creditgate_engine::policy::read;
    use creditgate_engine::policy::reader::PROBLEMS_MAX;
    use creditgate_engine::state::State;

    use super::*;

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
}
