//! Answers: outcomes and state to messages.

use std::collections::BTreeSet;
use std::io::Write;

use creditgate_engine::decide::levels::{
    LimitSource, Together, effective_limit, left, levels, room,
};
use creditgate_engine::model::{Account, Status};
use creditgate_engine::outcome::{
    Changed, Decision, Proposed, ReservationView, Reserved, Upserted, Verdict,
};
use creditgate_engine::state::State;
use creditgate_engine::values::{
    Currency, Day, Id, Limit, LimitKind, Micros, Minor, SegmentIndex, Seq, Slot,
};
use creditgate_store::Link;
use prost::encoding;
use prost_types::Timestamp;

use crate::wire::reason::reason;
use crate::wire::status::Fault;
use crate::wire::{conditions, limits, rates, terms, v1};

/// Where and when a decision was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) seq: Seq,
    pub(crate) time: Micros,
    pub(crate) policy_version: u64,
    pub(crate) replayed: bool,
}

pub(crate) fn timestamp(moment: Micros) -> Timestamp {
    let nanos = moment.rem_euclid(1_000_000) as i32 * 1_000;
    Timestamp { seconds: moment.div_euclid(1_000_000), nanos }
}

pub(crate) fn result(verdict: Verdict, made: Made) -> v1::DecisionResult {
    v1::DecisionResult {
        decision: v1::Decision::from(verdict.decision).into(),
        reasons: verdict.reasons.into_iter().map(reason).collect(),
        available_minor: verdict.available,
        fitting_amount_minor: verdict.fitting,
        journal_seq: made.seq,
        decide_time: Some(timestamp(made.time)),
        policy_version: made.policy_version,
        replayed: made.replayed,
        bound_by: verdict.bound_by.map(Into::into),
        cure: verdict.cure.map(|cure| (*cure).into()),
        account_currency: String::new(),
    }
}

/// The same, of what was asked of an existing order.
pub(crate) fn result_of(
    verdict: Verdict,
    reservation: &ReservationView,
    made: Made,
) -> v1::DecisionResult {
    let counting = reservation.details.as_ref().and_then(|details| details.counting.as_ref());
    let exchange = counting.and_then(|counting| counting.exchange.as_ref());
    let account_currency = exchange.map(|exchange| exchange.to.to_string()).unwrap_or_default();
    v1::DecisionResult { account_currency, ..result(verdict, made) }
}

/// What an answer says beside the decision of an order that does not count as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Of the account that is billed, where it is not the order's; else empty.
    pub(crate) account_currency: String,
    pub(crate) counting: Option<v1::OrderCounting>,
}

/// How an order in this currency counts that does not count as it is.
pub(crate) fn counting(reserved: &Reserved, currency: Currency) -> Option<v1::OrderCounting> {
    let counting = reserved.counting.as_ref()?;
    Some(rates::counted(counting, currency, reserved.counted()))
}

impl From<Decision> for v1::Decision {
    fn from(decision: Decision) -> v1::Decision {
        match decision {
            Decision::Approved => v1::Decision::Approved,
            Decision::PartiallyApproved => v1::Decision::PartiallyApproved,
            Decision::Referred => v1::Decision::Referred,
            Decision::Declined => v1::Decision::Declined,
        }
    }
}

/// Writes a `CheckAndReserveResponse`, field by field: as a message of its own it would cost every
/// order an allocation, and be measured before it is written.
pub(crate) fn reserved(
    to: &mut Vec<u8>,
    reserved: Reserved,
    made: Made,
    counts: Option<Box<Counts>>,
) {
    let Counts { account_currency, counting } = match counts {
        None => Counts::default(),
        Some(counts) => *counts,
    };
    nested(to, 1, |to| {
        write_result(to, reserved.verdict, made);
        if !account_currency.is_empty() {
            encoding::string::encode(60, &account_currency, to);
        }
    });
    if let Some(counting) = counting {
        encoding::message::encode(60, &counting, to);
    }
    if let Some(id) = reserved.reservation {
        nested(to, 2, |to| write!(to, "{id}").expect("writing to memory does not fail"));
        int(to, 3, reserved.amount.cast_unsigned());
        nested(to, 4, |to| write_timestamp(to, reserved.expires_at));
    }
    if let Some(id) = reserved.case {
        encoding::string::encode(50, &id.to_string(), to);
    }
}

/// Writes the message that [`result`] makes for all other calls; a test holds both to be the same.
fn write_result(to: &mut Vec<u8>, verdict: Verdict, made: Made) {
    let Verdict { decision, reasons, fitting, available, bound_by, cure } = verdict;
    int(to, 1, v1::Decision::from(decision) as u64);
    for violated in reasons {
        encoding::message::encode(2, &reason(violated), to);
    }
    // Those that may be absent are written also where they are zero.
    for (tag, amount) in [(3, available), (4, fitting)] {
        if let Some(amount) = amount {
            int(to, tag, amount.cast_unsigned());
        }
    }
    int(to, 5, made.seq);
    nested(to, 6, |to| write_timestamp(to, made.time));
    int(to, 7, made.policy_version);
    if made.replayed {
        int(to, 8, 1);
    }
    if let Some(level) = bound_by {
        encoding::message::encode(9, &v1::LimitLevel::from(level), to);
    }
    if let Some(cure) = cure {
        encoding::message::encode(45, &v1::Cure::from(*cure), to);
    }
}

fn write_timestamp(to: &mut Vec<u8>, moment: Micros) {
    let Timestamp { seconds, nanos } = timestamp(moment);
    for (tag, part) in [(1, seconds), (2, i64::from(nanos))] {
        if part != 0 {
            int(to, tag, part.cast_unsigned());
        }
    }
}

/// Writes an item of a batch that was decided.
pub(crate) fn batch_item(
    to: &mut Vec<u8>,
    item: Reserved,
    made: Made,
    counts: Option<Box<Counts>>,
) {
    nested(to, 1, |to| nested(to, 1, |to| reserved(to, item, made, counts)));
}

/// Writes an item of a batch that was refused.
pub(crate) fn batch_error(to: &mut Vec<u8>, fault: Fault) {
    nested(to, 1, |to| encoding::message::encode(2, &fault.into_item_error(), to));
}

/// Writes a field whose length is known once it is written.
fn nested(to: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    const LENGTH_DELIMITED: u8 = 2;
    to.push(tag << 3 | LENGTH_DELIMITED);
    let at = to.len();
    to.push(0);
    write(to);
    let len = to.len() - at - 1;
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => to[at] = short,
        // Seldom: a refusal with long texts. What was written makes room.
        _ => {
            let mut length = Vec::new();
            varint(&mut length, len as u64);
            to.splice(at..=at, length);
        }
    }
}

/// Writes a field of numbers. The tags of these messages are all below sixteen.
fn int(to: &mut Vec<u8>, tag: u8, value: u64) {
    to.push(tag << 3);
    varint(to, value);
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

pub(crate) fn adjusted(changed: Changed, made: Made) -> v1::AdjustResponse {
    v1::AdjustResponse {
        result: Some(result_of(changed.verdict, &changed.reservation, made)),
        reservation: Some(reservation(changed.reservation)),
    }
}

pub(crate) fn captured(changed: Changed, made: Made) -> v1::CaptureResponse {
    v1::CaptureResponse {
        captured_amount_minor: changed.amount,
        breach: changed.breach,
        terms: changed
            .invoiced
            .map(|invoiced| terms::invoice(&invoiced.plan, Some(invoiced.source))),
        result: Some(result_of(changed.verdict, &changed.reservation, made)),
        reservation: Some(reservation(changed.reservation)),
    }
}

pub(crate) fn released(changed: Changed, made: Made) -> v1::ReleaseResponse {
    v1::ReleaseResponse {
        released_amount_minor: changed.amount,
        result: Some(result_of(changed.verdict, &changed.reservation, made)),
        reservation: Some(reservation(changed.reservation)),
        case_id: String::new(),
    }
}

pub(crate) fn reservation(view: ReservationView) -> v1::Reservation {
    let counting = rates::of_view(&view);
    let open = view.parts().open;
    let asked = view.details.as_deref();
    let named = |id: Option<&Id>| id.map(Id::to_string).unwrap_or_default();
    let state = if open > 0 { v1::ReservationState::Open } else { v1::ReservationState::Closed };
    v1::Reservation {
        reservation_id: view.id.to_string(),
        account_id: view.account_id.into(),
        order_id: view.order_id.into(),
        currency: view.currency.to_string(),
        state: state.into(),
        open_minor: view.open,
        captured_minor: view.captured,
        released_minor: view.released,
        expired_minor: view.expired,
        expire_time: Some(timestamp(view.expires_at)),
        create_time: Some(timestamp(view.created_at)),
        contract_id: named(asked.and_then(|asked| asked.contract_id.as_ref())),
        terms_id: named(asked.and_then(|asked| asked.terms_id.as_ref())),
        counting,
    }
}

pub(crate) fn upsert_outcome(outcome: Upserted) -> v1::UpsertOutcome {
    match outcome {
        Upserted::Created => v1::UpsertOutcome::Created,
        Upserted::Updated => v1::UpsertOutcome::Updated,
        Upserted::Unchanged => v1::UpsertOutcome::Unchanged,
    }
}

/// With what became of a limit that is not in the caller's hand.
pub(crate) fn upserted(
    outcome: Upserted,
    proposed: Option<Proposed>,
    made: Made,
) -> v1::UpsertResult {
    let state = proposed.map_or(v1::ProposalState::Unspecified, limits::state_of);
    v1::UpsertResult {
        outcome: upsert_outcome(outcome).into(),
        error: None,
        journal_seq: made.seq,
        replayed: made.replayed,
        proposal_id: proposed.map_or(String::new(), |proposed| proposed.proposal.to_string()),
        proposal_state: state.into(),
    }
}

pub(crate) fn status(status: Status) -> v1::AccountStatus {
    match status {
        Status::Active => v1::AccountStatus::Active,
        Status::Suspended => v1::AccountStatus::Suspended,
        Status::Closed => v1::AccountStatus::Closed,
    }
}

pub(crate) fn limit(limit: Limit) -> v1::CreditLimit {
    let (kind, amount_minor) = match limit.kind {
        LimitKind::Amount(amount) => (v1::LimitKind::Amount, amount),
        LimitKind::Unlimited => (v1::LimitKind::Unlimited, 0),
        LimitKind::NoCredit => (v1::LimitKind::NoCredit, 0),
        LimitKind::Inherit => (v1::LimitKind::Inherit, 0),
    };
    let valid_until = limit.valid_until.map(|day| day.to_string()).unwrap_or_default();
    v1::CreditLimit { kind: kind.into(), amount_minor, valid_until }
}

/// An account, with the ids of its parent and segment (empty: none), as it stands at `now`.
pub(crate) fn account(
    account: Account,
    parent_id: &str,
    segment_id: &str,
    now: Micros,
) -> v1::Account {
    let conditions = account.conditions.as_deref();
    let temporary = conditions.into_iter().flat_map(|all| all.temporary_limits_from(Day::of(now)));
    let backing = conditions.and_then(|all| all.backing.as_deref());
    let verified_by = backing.and_then(|all| all.verified_by());
    v1::Account {
        verifications: backing
            .into_iter()
            .flat_map(|all| all.verifications())
            .map(limits::verification)
            .collect(),
        proposals: backing
            .into_iter()
            .flat_map(|all| all.proposals())
            .map(limits::proposal)
            .collect(),
        limit_approval: backing.and_then(|all| all.approval()).map(limits::approval),
        verified_by: verified_by.map(Id::to_string).unwrap_or_default(),
        holds: conditions
            .into_iter()
            .flat_map(|all| all.holds_at(now))
            .map(conditions::hold)
            .collect(),
        temporary_limits: temporary.map(conditions::temporary_limit).collect(),
        rolling_limit: conditions.and_then(|all| conditions::rolling_limit(all, None)),
        account_id: account.id.into(),
        display_name: account.name.map(Into::into).unwrap_or_default(),
        currency: account.currency.to_string(),
        parent_account_id: parent_id.to_owned(),
        segment_id: segment_id.to_owned(),
        limit: Some(limit(account.limit)),
        max_order_amount_minor: (account.max_order > 0).then_some(account.max_order),
        status: status(account.status).into(),
        status_reason: account.status_reason.map(Into::into).unwrap_or_default(),
        create_time: Some(timestamp(account.created_at)),
        update_time: Some(timestamp(account.updated_at)),
        shared_limit_minor: account.shared_limit,
    }
}

/// The end of the chain, to be signed by whoever has the key.
pub(crate) fn checkpoint(end: &Link) -> v1::GetCheckpointResponse {
    let checkpoint = v1::Checkpoint {
        format: 1,
        epoch: end.epoch,
        journal_seq: end.last_seq,
        time: (end.last_seq > 0).then(|| timestamp(end.time)),
        digest: end.hash.to_vec(),
        signature: Vec::new(),
    };
    v1::GetCheckpointResponse { checkpoint: Some(checkpoint) }
}

/// Where the next page begins; `None`: there is none.
pub(crate) fn page_token(next: Option<u64>) -> String {
    next.map(|key| format!("{key:x}")).unwrap_or_default()
}

/// A segment in each currency in which it has a default limit or a cap.
pub(crate) fn segment(
    state: &State,
    index: SegmentIndex,
) -> impl Iterator<Item = v1::SegmentPosition> {
    let row = &state.segments()[index as usize];
    let defaults = row.defaults.iter().map(|(currency, _)| *currency);
    let currencies = BTreeSet::from_iter(defaults.chain(row.caps.iter().map(|(of, _)| *of)));
    currencies.into_iter().map(move |currency| {
        let (cap, exposure) = (row.cap(currency), state.segment_exposure(index, currency));
        v1::SegmentPosition {
            segment_id: row.id.to_string(),
            currency: currency.to_string(),
            default_limit: row.default_limit(currency).map(limit),
            cap_minor: cap,
            exposure_minor: within_i64(exposure),
            available_minor: cap.map(|cap| left(cap, exposure)),
        }
    })
}

/// A sum, or the end of the range of an `i64` that it is beyond.
fn within_i64(sum: i128) -> Minor {
    sum.clamp(Minor::MIN.into(), Minor::MAX.into()) as Minor
}

/// Where an account stands after the entry `seq`, at `now`.
pub(crate) fn position(state: &State, slot: Slot, seq: Seq, now: Micros) -> v1::Position {
    let (terms, counters, today) = (state.terms(slot), state.position(slot), Day::of(now));
    let conditions = state.conditions(slot);
    let effective = effective_limit(state, slot, &terms, conditions, now);
    let room = room(state, slot, now, 0);
    let temporary = conditions.into_iter().flat_map(|all| all.temporary_limits_on(today));
    let grace_days = state.policy().limits.grace_days;
    let last_order = effective.limit.valid_until.map(|last| match effective.source {
        LimitSource::Override => last,
        _ => last.plus(grace_days),
    });
    let source = match effective.source {
        LimitSource::Account => v1::LimitSource::Account,
        LimitSource::Segment => v1::LimitSource::Segment,
        LimitSource::Nothing => v1::LimitSource::None,
        LimitSource::Override => v1::LimitSource::Override,
        LimitSource::Unverified => v1::LimitSource::Unverified,
    };
    v1::Position {
        account_id: state.account_id(slot).to_string(),
        currency: terms.currency.to_string(),
        status: status(terms.status).into(),
        effective_limit: Some(limit(effective.limit)),
        limit_source: source.into(),
        outstanding_minor: counters.outstanding,
        captured_minor: counters.captured,
        reserved_minor: counters.reserved,
        exposure_minor: counters.exposure(),
        available_minor: room.available,
        journal_seq: seq,
        shared: levels(state, slot).map(|level| shared(state, level)).collect(),
        bound_by: room.bound_by.map(|place| place.level(state).into()),
        holds: conditions
            .into_iter()
            .flat_map(|all| all.holds_at(now))
            .map(conditions::hold)
            .collect(),
        temporary_limits: temporary.map(conditions::temporary_limit).collect(),
        rolling_limit: conditions.and_then(|all| conditions::rolling_limit(all, Some(now))),
        last_order_date: last_order.map(|day| day.to_string()).unwrap_or_default(),
        disputed_minor: within_i64(state.disputed(slot)),
    }
}

fn shared(state: &State, found: (Together, Option<Minor>, i128)) -> v1::SharedPosition {
    let (place, limit, exposure) = found;
    v1::SharedPosition {
        level: Some(place.level(state).into()),
        limit_minor: limit,
        exposure_minor: within_i64(exposure),
        available_minor: limit.map(|limit| left(limit, exposure - place.excluded(state))),
    }
}

#[cfg(test)]
mod tests;
