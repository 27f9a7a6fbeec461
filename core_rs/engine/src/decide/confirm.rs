//! `Confirm`: may the goods of an order still leave?

use crate::command::Target;
use crate::decide::levels::room;
use crate::decide::rules::standing;
use crate::decide::{Context, find_reservation, view};
use crate::error::Refusal;
use crate::outcome::{Changed, Verdict};
use crate::state::State;
use crate::values::Micros;

/// Looks at an open reservation again, at `now`: whether its account, as it stands today, would
/// take orders at all. Amounts are not asked again, for they are reserved. Changes nothing.
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
    let reasons = standing(state, found.slot, now);
    let decision = Verdict::decision(&reasons);
    let context = Context { state, seq: 0, now, actor: "", channel: "" };
    let verdict = context.verdict(decision, reasons, None, room(state, found.slot, now, 0));
    let reservation = view(state, found);
    Ok(Changed { verdict, reservation, amount: 0, breach: false, invoiced: None })
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
