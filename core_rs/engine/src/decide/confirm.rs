//! `Confirm`: may the goods of an order still leave?

use crate::command::Target;
use crate::counting::Parts;
use crate::decide::cases::case_of_reservation;
use crate::decide::levels::room;
use crate::decide::rules::standing_of_accepted;
use crate::decide::{Context, find_reservation, view};
use crate::error::Refusal;
use crate::model::{Case, Reservation};
use crate::outcome::{Changed, Decision, Reason, ReasonCode, Verdict};
use crate::state::State;
use crate::values::{Day, Micros};

/// Looks at an open reservation again, at `now`: whether its account, as it stands today, would
/// take orders at all, and whether the approval under which it was reserved still holds. Amounts
/// are not asked again, for they are reserved; but that of an order which came to count by its day
/// of shipping, or does not yet, nobody has asked: it is held to all rules, as an order that comes
/// through its channel, and declined also where one of these would refer it. Changes nothing.
///
/// # Errors
///
/// [`Refusal::NothingToConfirm`] where nothing of it is open any more, or its time is over; else as
/// [`find_reservation`].
pub fn confirm(state: &State, now: Micros, target: &Target<'_>) -> Result<Changed, Refusal> {
    let found = find_reservation(state, target)?;
    // What has expired may wait for the clock to give it back.
    if !found.is_open() || found.expires_at <= now {
        return Err(nothing_open(target));
    }
    let context = Context { state, seq: 0, now, actor: "", channel: &found.channel };
    let mut reasons = standing_of_accepted(state, found.slot, now);
    if let Some(counting) = found.counting() {
        reasons = context.confirm_counted(found, counting, reasons);
    }
    if let Some(case) = case_of_reservation(state, found) {
        look_at_approval(case, found, now, &mut reasons);
    }
    // Goods that may not leave now are not held back for somebody to decide.
    let decision = match Verdict::decision(&reasons) {
        Decision::Referred => Decision::Declined,
        other => other,
    };
    let verdict = context.verdict(decision, reasons, None, room(state, found.slot, now, 0));
    let reservation = view(state, found);
    Ok(Changed { verdict, reservation, amount: 0, breach: false, invoiced: None })
}

/// What an approval covers is no reason while it holds; and once it is over that is one.
fn look_at_approval(case: &Case, found: &Reservation, now: Micros, reasons: &mut Vec<Reason>) {
    waive(case, found, now, reasons);
    if let Some(waiver) = case.waiver.as_ref().filter(|waiver| now >= waiver.until) {
        let days = [now, waiver.until - 1].map(|moment| i64::from(Day::of(moment).0));
        reasons.push(Reason::own(ReasonCode::ApprovalExpired, days[0], days[1]));
    }
}

/// What the approval of a case covers is no reason while it holds, for an order of no more than it
/// is for.
pub(super) fn waive(case: &Case, found: &Reservation, now: Micros, reasons: &mut Vec<Reason>) {
    let Some(waiver) = case.waiver_at(now) else { return };
    let Parts { open, captured, .. } = found.parts();
    // One in another currency may have become worth more since, without having grown.
    let has_grown = found.counting().is_none_or(|counting| counting.total < open + captured);
    if !has_grown || found.full(open + captured) <= waiver.amount {
        reasons.retain(|reason| !waiver.covers(reason));
    }
}

fn nothing_open(target: &Target<'_>) -> Refusal {
    let (field, value) = match *target {
        Target::Id(id) => ("reservation_id", id.to_string().into()),
        Target::Order(key) => ("order_id", key.order_id.into()),
    };
    Refusal::NothingToConfirm { field, value }
}

#[cfg(test)]
mod tests;
