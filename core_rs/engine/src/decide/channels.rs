//! Orders of one sales channel: whoever has a channel of their own has no other order.
//!
//! An order is of the channel that it was placed through; while it waits in a case, of the one that
//! it was asked for through last. One that named no channel, or was placed before that was kept, is
//! nobody's own.

use crate::command::{Command, Order, Target};
use crate::error::Refusal;
use crate::model::Reservation;
use crate::state::State;
use crate::values::Slot;

/// Refuses a command that would place or change an order of another sales channel than `own`, in
/// the state that it meets.
///
/// # Errors
///
/// [`Refusal::OtherChannel`] with the field that names the order. An order that is not known is not
/// refused here.
pub fn confine(state: &State, own: &str, command: &Command<'_>) -> Result<(), Refusal> {
    match command {
        Command::Reserve(command) => confine_order(state, own, &command.order),
        Command::ReserveAll(command) => {
            let mut orders = command.orders.iter().enumerate();
            orders.try_for_each(|(index, order)| {
                confine_order(state, own, order)
                    .map_err(|refusal| Refusal::InItem { index, refusal: Box::new(refusal) })
            })
        }
        Command::Adjust(command) => confine_target(state, own, &command.target),
        Command::Capture(command) => confine_target(state, own, &command.target),
        Command::Release(command) => confine_target(state, own, &command.target),
        // No other is for whoever has a channel: the table of roles is held to that by a test.
        _ => Ok(()),
    }
}

/// Refuses a target that is an order of another sales channel than `own`.
///
/// # Errors
///
/// As [`confine`].
pub fn confine_target(state: &State, own: &str, target: &Target<'_>) -> Result<(), Refusal> {
    match *target {
        Target::Id(id) => match state.reservation(id) {
            Some(held) if !is_own(state, own, held.slot, &held.order_id, Some(held)) => {
                Err(other("reservation_id", &id.to_string(), own))
            }
            _ => Ok(()),
        },
        Target::Order(key) => match state.slot(key.account_id) {
            Some(slot) if !has_order(state, own, slot, key.order_id) => {
                Err(other("order_id", key.order_id, own))
            }
            _ => Ok(()),
        },
    }
}

/// Whether an account's order of this id is of sales channel `own`, or is not known at all.
fn has_order(state: &State, own: &str, slot: Slot, order_id: &str) -> bool {
    is_own(state, own, slot, order_id, state.latest_of_order(slot, order_id))
}

/// An id that another channel has used is not free, though nothing of its order be open: who asks
/// for that by its id would meet this one.
fn confine_order(state: &State, own: &str, order: &Order<'_>) -> Result<(), Refusal> {
    match state.slot(order.billed()) {
        Some(slot) if !has_order(state, own, slot, order.order_id) => {
            Err(other("order_id", order.order_id, own))
        }
        _ => Ok(()),
    }
}

/// A case that ended says no more of an order that holds or held something: that does.
fn is_own(
    state: &State,
    own: &str,
    slot: Slot,
    order_id: &str,
    held: Option<&Reservation>,
) -> bool {
    let case = state.cases().of_order(slot, order_id);
    let case = case.filter(|case| case.is_pending() || held.is_none());
    held.is_none_or(|held| held.channel == own) && case.is_none_or(|case| case.channel == own)
}

#[cold]
fn other(field: &'static str, value: &str, own: &str) -> Refusal {
    Refusal::OtherChannel { field, value: value.into(), own: own.into() }
}

#[cfg(test)]
mod tests;
