//! What becomes of cases.

use std::borrow::Cow;

use crate::event::{CaseAsk, CaseEvent};
use crate::model::{
    Case, CaseId, CaseStatus, Comment, Counters, Delegation, Reservation, Signature,
};
use crate::rows::Rows;
use crate::values::Micros;

pub(super) fn apply_to_case(rows: &mut impl Rows, now: Micros, event: &CaseEvent<'_>) {
    match *event {
        CaseEvent::Opened { case, ref ask, ref askers } => {
            rows.set_case(case, Some(opened(case, ask, askers, now)));
        }
        CaseEvent::AskedAgain { case, ref ask, anew } => {
            rows.update_case(case, |case| ask_again(case, ask, anew));
        }
        CaseEvent::Claimed { case, ref by } => rows.update_case(case, |case| {
            (case.status, case.claimed_by) = (CaseStatus::Claimed, Some((&**by).into()));
        }),
        CaseEvent::Noted { case, ref by, text, priority } => rows.update_case(case, |case| {
            case.priority = priority.unwrap_or(case.priority);
            if let Some(text) = text {
                let text = text.text().map(Into::into);
                case.note(Comment { by: (&**by).into(), at: now, text });
            }
        }),
        CaseEvent::Signed { case, .. } => rows.update_case(case, |case| sign(case, event, now)),
        CaseEvent::Rejected { case } => {
            rows.update_case(case, |case| case.close(CaseStatus::Rejected, now));
        }
        CaseEvent::Escalated { case, level, escalates_at } => rows.update_case(case, |case| {
            (case.status, case.claimed_by) = (CaseStatus::Escalated, None);
            (case.level, case.escalates_at) = (level, escalates_at);
        }),
        CaseEvent::Expired { case } => {
            rows.update_case(case, |case| case.close(CaseStatus::Expired, now));
        }
        CaseEvent::Used { case, reservation, unsigned } => {
            rows.update_case(case, |case| case.reserved(reservation, !unsigned, now));
        }
        CaseEvent::Reserved { .. } => reserve(rows, now, event),
        CaseEvent::Withdrawn { case } => {
            rows.update_case(case, |case| case.close(CaseStatus::Withdrawn, now));
        }
        CaseEvent::TextsErased { case } => rows.update_case(case, |case| {
            case.comments.iter_mut().for_each(|comment| comment.text = None);
        }),
        CaseEvent::Kept { case } => rows.update_case(case, |case| case.kept_at = now),
        CaseEvent::Forgotten { case } => rows.set_case(case, None),
        CaseEvent::Delegated { ref from, to, role, during } => {
            let delegation = during.map(|(first, until)| {
                let (from, to) = ((&**from).into(), to.into());
                Delegation { from, to, role, first, until }
            });
            rows.set_delegation(from, to, delegation);
        }
        CaseEvent::DelegationForgotten { ref from, ref to } => rows.set_delegation(from, to, None),
    }
}

fn opened(id: CaseId, ask: &CaseAsk<'_>, askers: &[Cow<'_, str>], now: Micros) -> Case {
    let mut case = Case {
        id,
        slot: ask.slot,
        order_id: ask.order_id.into(),
        amount: ask.amount,
        ttl: ask.ttl,
        asked: ask.asked.clone(),
        reasons: ask.reasons.clone(),
        channel: (&*ask.channel).into(),
        asked_by: askers.iter().map(|by| (&**by).into()).collect(),
        opened_at: now,
        status: CaseStatus::Open,
        priority: 0,
        level: 0,
        escalates_at: ask.escalates_at,
        expires_at: ask.expires_at,
        claimed_by: None,
        waiver: None,
        signatures: Vec::new(),
        comments: Vec::new(),
        reservation: None,
        closed_at: 0,
        revision: 0,
        kept_at: 0,
    };
    case.note_asker(&ask.by);
    case
}

/// What was signed for something else does not count.
fn ask_again(case: &mut Case, ask: &CaseAsk<'_>, anew: bool) {
    case.note_asker(&ask.by);
    (case.ttl, case.channel) = (ask.ttl, (&*ask.channel).into());
    case.reasons.clone_from(&ask.reasons);
    // What it is worth may be another amount by now.
    case.asked.clone_from(&ask.asked);
    if anew {
        case.amount = ask.amount;
        (case.status, case.claimed_by, case.level) = (CaseStatus::Open, None, 0);
        (case.escalates_at, case.expires_at) = (ask.escalates_at, ask.expires_at);
        (case.waiver, case.signatures) = (None, Vec::new());
        case.revision = case.revision.saturating_add(1);
    }
}

fn sign(case: &mut Case, event: &CaseEvent<'_>, now: Micros) {
    let CaseEvent::Signed { by, on_behalf_of, role, waiver, complete, .. } = event else {
        unreachable!("only called for a signature");
    };
    let on_behalf_of = on_behalf_of.as_deref().map(Into::into);
    if case.waiver_at(now).is_none() {
        case.signatures.clear();
    }
    case.signatures.push(Signature { by: (&**by).into(), on_behalf_of, role: *role, at: now });
    case.waiver = Some(waiver.clone());
    if *complete {
        case.status = CaseStatus::Approved;
        (case.escalates_at, case.expires_at) = (0, waiver.until);
    }
}

fn reserve(rows: &mut impl Rows, now: Micros, event: &CaseEvent<'_>) {
    let CaseEvent::Reserved {
        case,
        reservation,
        slot,
        order_id,
        amount,
        expires_at,
        details,
        channel,
    } = event
    else {
        unreachable!("only called for a reservation");
    };
    rows.update_case(*case, |case| case.reserved(*reservation, true, now));
    rows.add_reservation(Reservation {
        open: *amount,
        expires_at: *expires_at,
        closed_at: 0,
        details: details.clone(),
        channel: channel.clone(),
        ..Reservation::empty(*reservation, *slot, order_id, now)
    });
    rows.add(*slot, &Counters { reserved: *amount, ..Counters::NONE });
}
