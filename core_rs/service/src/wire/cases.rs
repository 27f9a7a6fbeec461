//! `ApprovalService` and `WatchReservation`: requests to commands, cases to messages.

use creditgate_engine::bounds::{CASE_PRIORITY_MAX, REASON_BYTES_MAX};
use creditgate_engine::command::{Act, Approve, Command, Delegate, ReviewCase};
use creditgate_engine::decide::{self, cases};
use creditgate_engine::entry::Request;
use creditgate_engine::model::{Case, CaseCounts, CaseId, CaseStatus, Delegation, Signer, Waiver};
use creditgate_engine::outcome::{PRECEDENCE, ReasonCode, Reserved, Reviewed};
use creditgate_engine::policy::WaitingOrder;
use creditgate_engine::state::State;
use creditgate_engine::values::{Currency, Id, Micros, Seq, Slot};
use prost::Message;

use crate::access::roles::Role;
use crate::queue::Call;
use crate::wire::reason::reason;
use crate::wire::reply::{self, Counts, Made, timestamp};
use crate::wire::status::Fault;
use crate::wire::{admit, v1};

/// Most cases that one page looks at, whether they are wanted or not: orders wait for it.
const EXAMINED_MAX: usize = 2_000;

/// A page ends with the case that takes it to so much, far below the 4 MiB that a client takes.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// The caller's role, where it is one that may sign: the credential's, or, where nobody verified
/// any, the one stated.
fn signer(call: &Call, stated: &str) -> Result<Option<Signer>, Fault> {
    let role = match call.role {
        Some(role) if !stated.is_empty() && stated != role.name() => {
            let rule = format!("empty, or {}, as the caller's credential says", role.name());
            return Err(Fault::field("role", admit::shown(stated), &rule));
        }
        Some(role) => Some(role),
        None if stated.is_empty() => None,
        None => {
            let rule = "the name of a role, or empty";
            let known = Role::of(stated);
            Some(known.ok_or_else(|| Fault::field("role", admit::shown(stated), rule))?)
        }
    };
    Ok(role.and_then(|role| Signer::of(role.name())))
}

pub(crate) fn case_id(value: &str) -> Result<CaseId, Fault> {
    let rule = "an id that CheckAndReserve or ListCases returned";
    value.parse().map_err(|_| Fault::field("case_id", admit::shown(value), rule))
}

/// What all that is done about a case has in common.
struct Said<'a> {
    request_id: &'a str,
    case_id: &'a str,
    role: &'a str,
    channel: &'a str,
    comment: &'a str,
    required: bool,
}

fn review<'a>(call: &'a Call, said: Said<'a>, act: Act<'a>) -> Result<Request<'a>, Fault> {
    let Said { request_id, role, channel, comment, required, .. } = said;
    let command = Command::ReviewCase(ReviewCase {
        request: admit::request(request_id)?,
        case: case_id(said.case_id)?,
        role: signer(call, role)?,
        act,
    });
    if required && comment.is_empty() {
        return Err(Fault::field("comment", comment, "given, in at most 500 bytes"));
    }
    let reason = admit::text("comment", comment, REASON_BYTES_MAX)?;
    let channel = admit::optional_id("channel", channel)?;
    Ok(Request { command, actor: &call.actor, channel, reason })
}

/// `ClaimCase`.
pub(crate) fn claim<'a>(m: &'a v1::ClaimCaseRequest, call: &'a Call) -> Result<Request<'a>, Fault> {
    let v1::ClaimCaseRequest { request_id, case_id, take_over, role, channel, comment } = m;
    let said = Said { request_id, case_id, role, channel, comment, required: false };
    review(call, said, Act::Claim { take_over: *take_over })
}

/// `ApproveCase`.
pub(crate) fn approve<'a>(
    m: &'a v1::ApproveCaseRequest,
    call: &'a Call,
) -> Result<Request<'a>, Fault> {
    let v1::ApproveCaseRequest { request_id, case_id, role, channel, comment, .. } = m;
    let said = Said { request_id, case_id, role, channel, comment, required: true };
    if !(1..=PRECEDENCE.len()).contains(&m.waived_reasons.len()) {
        let given = format!("{} reasons", m.waived_reasons.len());
        return Err(Fault::field("waived_reasons", given, "at least one, and each once"));
    }
    let until = m.expire_time.as_ref().map(|at| admit::moment("expire_time", Some(at)));
    let on_behalf_of = admit::optional_id("on_behalf_of", &m.on_behalf_of)?;
    let approve = Approve {
        waived: m.waived_reasons.iter().map(|code| reason_code(*code)).collect::<Result<_, _>>()?,
        amount: m.amount_minor.map(|value| admit::amount("amount_minor", value)).transpose()?,
        until: until.transpose()?,
        on_behalf_of: (!on_behalf_of.is_empty()).then_some(on_behalf_of),
        revision: m.revision,
    };
    review(call, said, Act::Approve(approve))
}

fn reason_code(number: i32) -> Result<ReasonCode, Fault> {
    let found = PRECEDENCE.into_iter().find(|code| *code as i32 == number);
    let rule = "the code of a reason that the case names";
    found.ok_or_else(|| Fault::field("waived_reasons", number, rule))
}

/// `RejectCase`.
pub(crate) fn reject<'a>(
    m: &'a v1::RejectCaseRequest,
    call: &'a Call,
) -> Result<Request<'a>, Fault> {
    let v1::RejectCaseRequest { request_id, case_id, role, channel, comment } = m;
    let said = Said { request_id, case_id, role, channel, comment, required: true };
    review(call, said, Act::Reject)
}

/// `EscalateCase`.
pub(crate) fn escalate<'a>(
    m: &'a v1::EscalateCaseRequest,
    call: &'a Call,
) -> Result<Request<'a>, Fault> {
    let v1::EscalateCaseRequest { request_id, case_id, role, channel, comment } = m;
    let said = Said { request_id, case_id, role, channel, comment, required: false };
    review(call, said, Act::Escalate)
}

/// `CommentOnCase`.
pub(crate) fn comment<'a>(
    m: &'a v1::CommentOnCaseRequest,
    call: &'a Call,
) -> Result<Request<'a>, Fault> {
    let v1::CommentOnCaseRequest { request_id, case_id, comment, role, channel, .. } = m;
    let required = m.priority.is_none();
    let said = Said { request_id, case_id, role, channel, comment, required };
    let known = |value: i32| u8::try_from(value).ok().filter(|value| *value <= CASE_PRIORITY_MAX);
    let priority = m
        .priority
        .map(|value| known(value).ok_or_else(|| Fault::field("priority", value, "from 0 to 9")));
    review(call, said, Act::Comment { priority: priority.transpose()? })
}

/// `Delegate`.
pub(crate) fn delegate<'a>(
    m: &'a v1::DelegateRequest,
    call: &'a Call,
) -> Result<Request<'a>, Fault> {
    let first = m.start_time.as_ref().map(|at| admit::moment("start_time", Some(at)));
    let until = m.expire_time.as_ref().map(|at| admit::moment("expire_time", Some(at)));
    let (first, until) = (first.transpose()?, until.transpose()?);
    let during = match (first, until) {
        (None, None) => None,
        (Some(first), None) => {
            return Err(Fault::field("expire_time", first, "given where start_time is"));
        }
        (first, Some(until)) => Some((first.unwrap_or(0), until)),
    };
    if let Some((first, until)) = during
        && first >= until
    {
        return Err(Fault::field("expire_time", until, "after start_time"));
    }
    let from = admit::optional_id("delegator", &m.delegator)?;
    let command = Command::Delegate(Delegate {
        request: admit::request(&m.request_id)?,
        to: admit::id("to", &m.to)?,
        role: signer(call, &m.role)?,
        during,
        from: (!from.is_empty()).then_some(from),
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    let reason = admit::required_reason(&m.reason)?;
    Ok(Request { command, actor: &call.actor, channel, reason })
}

/// `account_currency`: of the account that is billed, where it is not the order's; else empty.
pub(crate) fn reviewed(
    reviewed: Reviewed,
    account_currency: String,
    made: Made,
) -> v1::ReviewCaseResponse {
    let currency = reviewed.currency;
    let counting = |reserved| currency.and_then(|currency| reply::counting(reserved, currency));
    let counts =
        Counts { account_currency, counting: reviewed.reserved.as_ref().and_then(counting) };
    v1::ReviewCaseResponse {
        case_id: reviewed.case.to_string(),
        status: status(reviewed.status).into(),
        signatures_missing: reviewed.missing.into(),
        order: reviewed.reserved.map(|reserved| order(reserved, counts, made)),
        journal_seq: made.seq,
        replayed: made.replayed,
    }
}

/// To the release of an order that was waiting in a case: it holds nothing, and never did.
pub(crate) fn withdrawn(
    state: &State,
    reviewed: Reviewed,
    order_id: &str,
    made: Made,
) -> v1::ReleaseResponse {
    let Reviewed { case, account_id, reserved, .. } = reviewed;
    let currency = state.slot(&account_id).map(|slot| state.terms(slot).currency);
    v1::ReleaseResponse {
        result: reserved.map(|reserved| reply::result(reserved.verdict, made)),
        reservation: Some(v1::Reservation {
            account_id: account_id.to_string(),
            order_id: order_id.to_owned(),
            currency: currency.map(|currency| currency.to_string()).unwrap_or_default(),
            state: v1::ReservationState::Closed.into(),
            ..Default::default()
        }),
        released_amount_minor: 0,
        case_id: case.to_string(),
    }
}

/// An order's answer, as `CheckAndReserve` would give it.
pub(super) fn order(reserved: Reserved, counts: Counts, made: Made) -> v1::CheckAndReserveResponse {
    let held = reserved.reservation;
    let Counts { account_currency, counting } = counts;
    let result = reply::result(reserved.verdict, made);
    v1::CheckAndReserveResponse {
        result: Some(v1::DecisionResult { account_currency, ..result }),
        reservation_id: held.map_or(String::new(), |id| id.to_string()),
        approved_amount_minor: held.map_or(0, |_| reserved.amount),
        expire_time: held.map(|_| timestamp(reserved.expires_at)),
        case_id: reserved.case.map_or(String::new(), |id| id.to_string()),
        counting,
    }
}

fn status(status: CaseStatus) -> v1::CaseStatus {
    match status {
        CaseStatus::Open => v1::CaseStatus::Open,
        CaseStatus::Claimed => v1::CaseStatus::Claimed,
        CaseStatus::Escalated => v1::CaseStatus::Escalated,
        CaseStatus::Approved => v1::CaseStatus::Approved,
        CaseStatus::Used => v1::CaseStatus::Used,
        CaseStatus::Rejected => v1::CaseStatus::Rejected,
        CaseStatus::Expired => v1::CaseStatus::Expired,
        CaseStatus::Withdrawn => v1::CaseStatus::Withdrawn,
    }
}

/// A case as it stands at `now`.
pub(crate) fn case(state: &State, case: &Case, now: Micros) -> v1::Case {
    let (account_id, currency) = (state.account_id(case.slot), state.terms(case.slot).currency);
    let signatures_missing = cases::signatures_missing(state, case, now).into();
    let worth_minor = cases::worth(state, case, now);
    v1::Case { signatures_missing, worth_minor, ..record(case, account_id, currency) }
}

/// All that its row says of a case of an account in this currency. How many signatures it needs,
/// the policy in force does.
pub(crate) fn record(case: &Case, account_id: &str, currency: Currency) -> v1::Case {
    let named = |id: Option<&Id>| id.map(Id::to_string).unwrap_or_default();
    let asked = case.asked.as_ref();
    let CaseCounts { currency: own, ship_date, tax, freight, ref sold_to, .. } =
        case.counts().cloned().unwrap_or_default();
    let optional = |moment| (moment != 0).then(|| timestamp(moment));
    let ttl = prost_types::Duration { seconds: case.ttl.seconds().into(), nanos: 0 };
    let signature = |signature: &creditgate_engine::model::Signature| v1::Signature {
        by: signature.by.to_string(),
        on_behalf_of: named(signature.on_behalf_of.as_ref()),
        role: signature.role.name().to_owned(),
        time: Some(timestamp(signature.at)),
    };
    let comment = |comment: &creditgate_engine::model::Comment| v1::Comment {
        by: comment.by.to_string(),
        time: Some(timestamp(comment.at)),
        text: comment.text.as_deref().unwrap_or_default().to_owned(),
    };
    v1::Case {
        case_id: case.id.to_string(),
        account_id: account_id.to_owned(),
        order_id: case.order_id.to_string(),
        amount_minor: case.amount,
        currency: own.unwrap_or(currency).to_string(),
        contract_id: named(asked.and_then(|asked| asked.contract_id.as_ref())),
        terms_id: named(asked.and_then(|asked| asked.terms_id.as_ref())),
        ttl: Some(ttl),
        reasons: case.reasons.iter().cloned().map(reason).collect(),
        channel: case.channel.to_string(),
        asked_by: case.asked_by.iter().map(Id::to_string).collect(),
        open_time: Some(timestamp(case.opened_at)),
        status: status(case.status).into(),
        priority: case.priority.into(),
        level: case.level.into(),
        escalate_time: optional(case.escalates_at),
        expire_time: optional(case.expires_at),
        claimed_by: named(case.claimed_by.as_ref()),
        waiver: case.waiver.as_ref().map(waiver),
        signatures: case.signatures.iter().map(signature).collect(),
        signatures_missing: 0,
        comments: case.comments.iter().map(comment).collect(),
        reservation_id: case.reservation.map(|id| id.to_string()).unwrap_or_default(),
        close_time: optional(case.closed_at),
        revision: case.revision,
        worth_minor: case.worth(),
        account_currency: currency.to_string(),
        ship_date: ship_date.map(|day| day.to_string()).unwrap_or_default(),
        tax_minor: tax,
        freight_minor: freight,
        sold_to_account_id: named(sold_to.as_ref()),
    }
}

fn waiver(waiver: &Waiver) -> v1::Waiver {
    let mut codes: Vec<i32> = waiver.waived.iter().map(|one| one.code as i32).collect();
    codes.dedup();
    v1::Waiver {
        waived_reasons: codes,
        amount_minor: waiver.amount,
        expire_time: Some(timestamp(waiver.until)),
    }
}

/// `ListCases`: from memory, so a page looks at few.
pub(crate) fn list(
    state: &State,
    m: &v1::ListCasesRequest,
    now: Micros,
) -> Result<v1::ListCasesResponse, Fault> {
    let statuses = m.statuses.iter().map(|number| match v1::CaseStatus::try_from(*number) {
        Ok(v1::CaseStatus::Unspecified) | Err(_) => {
            Err(Fault::field("statuses", number, "statuses of cases"))
        }
        Ok(known) => Ok(known),
    });
    let statuses = statuses.collect::<Result<Vec<_>, _>>()?;
    let slot = match admit::optional_id("account_id", &m.account_id)? {
        "" => None,
        id => Some(state.slot(id).ok_or_else(|| {
            Fault::from(creditgate_engine::error::Refusal::AccountNotFound(id.into()))
        })?),
    };
    let role = match &*m.signable_by {
        "" => None,
        name => {
            let rule = "a role that may sign: credit_analyst, supervisor, finance or admin";
            let known = Signer::of(name);
            Some(known.ok_or_else(|| Fault::field("signable_by", admit::shown(name), rule))?)
        }
    };
    let order = match v1::CaseOrder::try_from(m.order) {
        Ok(v1::CaseOrder::Unspecified | v1::CaseOrder::Oldest) => WaitingOrder::Oldest,
        Ok(v1::CaseOrder::Priority) => WaitingOrder::Priority,
        Err(_) => return Err(Fault::field("order", m.order, "OLDEST, PRIORITY or unspecified")),
    };
    let (size, after) = (admit::page_size(m.page_size)?, admit::page_token(&m.page_token)?);
    // A token is an id behind its priority, which takes four bits.
    let after = after.map(|token| ((token >> 60) as u8, token & (u64::MAX >> 4)));
    let wants = |case: &Case| {
        (statuses.is_empty() || statuses.contains(&status(case.status)))
            && role.is_none_or(|role| cases::signs(state, case, role, now))
    };
    let (mut found, mut next, mut bytes) = (Vec::new(), None, 0);
    let mut all = state.cases().list(slot, order, after).peekable();
    for examined in 1.. {
        let Some(((urgent, id), row)) = all.next() else { break };
        if wants(row) {
            let case = case(state, row, now);
            bytes += case.encoded_len();
            found.push(case);
        }
        let is_full = found.len() >= size || bytes >= PAGE_BYTES_MAX || examined >= EXAMINED_MAX;
        if is_full && all.peek().is_some() {
            next = Some(u64::from(urgent) << 60 | id);
            break;
        }
    }
    Ok(v1::ListCasesResponse { cases: found, next_page_token: reply::page_token(next) })
}

/// `ListDelegations`.
pub(crate) fn delegations(state: &State, now: Micros) -> v1::ListDelegationsResponse {
    let lasting = state.cases().delegations().filter(|delegation| now < delegation.until);
    v1::ListDelegationsResponse { delegations: lasting.map(delegation).collect() }
}

pub(crate) fn delegation(delegation: &Delegation) -> v1::Delegation {
    v1::Delegation {
        delegator: delegation.from.to_string(),
        to: delegation.to.to_string(),
        role: delegation.role.name().to_owned(),
        start_time: Some(timestamp(delegation.first)),
        expire_time: Some(timestamp(delegation.until)),
    }
}

/// How an order stands after the entry `seq`, for who follows it.
pub(crate) fn watched(
    state: &State,
    slot: Slot,
    order_id: &str,
    seq: Seq,
) -> v1::WatchReservationResponse {
    let held = state.latest_of_order(slot, order_id);
    let case = state.cases().of_order(slot, order_id);
    let case_status = case.map_or(v1::CaseStatus::Unspecified, |case| status(case.status));
    v1::WatchReservationResponse {
        reservation: held.map(|held| reply::reservation(decide::view(state, held))),
        case_id: case.map(|case| case.id.to_string()).unwrap_or_default(),
        case_status: case_status.into(),
        journal_seq: seq,
    }
}

// It stands in front of the id in a page token.
const _: () = assert!(CASE_PRIORITY_MAX < 1 << 4);

#[cfg(test)]
mod tests;
