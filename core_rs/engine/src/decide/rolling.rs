//! Limits that look back: set and removed, and what they have to hear of.

use crate::command::{RemoveRollingLimit, SetRollingLimit};
use crate::decide::Context;
use crate::error::Refusal;
use crate::event::{CaseEvent, Event};
use crate::outcome::{Outcome, Upserted};
use crate::state::State;
use crate::values::{Minor, ReservationId, Slot};

impl Context<'_> {
    pub(super) fn set_rolling_limit<'a>(
        &self,
        command: &SetRollingLimit<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let SetRollingLimit { account_id, hard_cap, days, .. } = *command;
        let slot = self.slot(account_id)?;
        let known = self.state.conditions(slot).and_then(|all| all.rolling_limit.as_deref());
        let upserted = match known {
            None => Upserted::Created,
            Some(known) if (known.hard_cap, known.days) == (hard_cap, days) => {
                return Ok((Outcome::Upserted(Upserted::Unchanged), Vec::new()));
            }
            Some(_) => Upserted::Updated,
        };
        let exposure = self.state.position(slot).exposure();
        let event = Event::RollingLimitSet { slot, hard_cap, days, exposure };
        Ok((Outcome::Upserted(upserted), vec![event]))
    }

    pub(super) fn remove_rolling_limit<'a>(
        &self,
        command: &RemoveRollingLimit<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let slot = self.slot(command.account_id)?;
        if !looks_back(self.state, slot) {
            return Err(Refusal::RollingLimitNotFound(command.account_id.into()));
        }
        Ok((Outcome::Done, vec![Event::RollingLimitRemoved { slot }]))
    }
}

fn looks_back(state: &State, slot: Slot) -> bool {
    state.conditions(slot).is_some_and(|all| all.rolling_limit.is_some())
}

/// Adds what the events change of the exposure of accounts that look back, an event for each.
///
/// It is a fact of its own, so that whoever keeps rows need not look at an account's for each
/// movement to know whether somebody wants to hear of it.
#[cold]
pub(super) fn note_averages(state: &State, events: &mut Vec<Event<'_>>) {
    let changes = exposure_changes(state, events, |slot| looks_back(state, slot));
    let changes = by_account(changes, |sum, more| *sum += more);
    let moved = changes.into_iter().filter(|(_, amount)| *amount != 0);
    events.extend(moved.map(|(slot, amount)| Event::AverageMoved { slot, amount }));
}

/// What is to be noted of accounts, summed up for each, in order of slots. Nearly always there is
/// one thing of one account, for which a map would be made in vain.
pub(super) fn by_account<T>(mut noted: Vec<(Slot, T)>, add: impl Fn(&mut T, T)) -> Vec<(Slot, T)>
where
    T: Copy,
{
    noted.sort_by_key(|(slot, _)| *slot);
    noted.dedup_by(|later, sum| {
        let is_same = later.0 == sum.0;
        if is_same {
            add(&mut sum.1, later.1);
        }
        is_same
    });
    noted
}

/// What the events change of the exposure of those accounts that are `wanted`, one by one.
pub(super) fn exposure_changes(
    state: &State,
    events: &[Event<'_>],
    wanted: impl Fn(Slot) -> bool,
) -> Vec<(Slot, Minor)> {
    let mut changes = Vec::new();
    for event in events {
        let of = |id| holder(state, events, id);
        let (slot, change) = match *event {
            Event::Reserved { slot, amount, .. }
            | Event::Case(CaseEvent::Reserved { slot, amount, .. })
            | Event::ItemPosted { slot, amount, .. }
            | Event::ItemMoved { slot, amount, .. }
            | Event::UnallocatedMoved { slot, amount } => (Some(slot), amount),
            Event::Claimed { slot, amount, .. } => (Some(slot), -amount),
            Event::Grown { reservation, amount }
            | Event::Counted { reservation, amount }
            | Event::Revalued { reservation, amount, .. } => (of(reservation), amount),
            Event::Billed { reservation, amount, .. }
            | Event::Released { reservation, amount }
            | Event::Expired { reservation, amount } => (of(reservation), -amount),
            // What is captured was reserved before.
            _ => continue,
        };
        if let Some(slot) = slot.filter(|slot| wanted(*slot)) {
            changes.push((slot, change));
        }
    }
    changes
}

/// Whose reservation it is: one that is kept, or that the events make.
pub(super) fn holder(state: &State, events: &[Event<'_>], id: ReservationId) -> Option<Slot> {
    let made = |event: &Event<'_>| match *event {
        Event::Reserved { reservation, slot, .. }
        | Event::Case(CaseEvent::Reserved { reservation, slot, .. }) => {
            (reservation == id).then_some(slot)
        }
        _ => None,
    };
    let kept = state.reservation(id).map(|found| found.slot);
    kept.or_else(|| events.iter().find_map(made))
}

#[cfg(test)]
mod tests;
