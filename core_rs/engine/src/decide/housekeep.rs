//! The work of the clock: open reservations expire, closed ones are forgotten.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::bounds::HOUSEKEEP_EVENTS_MAX;
use crate::command::Housekeep;
use crate::counting::Parts;
use crate::decide::Context;
use crate::event::{CaseEvent, Event};
use crate::model::Delegation;
use crate::outcome::Outcome;
use crate::state::State;
use crate::values::{Day, Id, Micros, Slot};

/// Whether [`crate::command::Command::Housekeep`] would find anything to do at `now`.
#[must_use]
pub fn housekeeping_due(state: &State, now: Micros, command: &Housekeep) -> bool {
    let Housekeep { closed_before, closed_count_max } = *command;
    let due = |at: Option<Micros>| at.is_some_and(|at| at <= now);
    let expires = due(state.expiring().next().map(|(at, _)| at));
    let stale = |since: Option<Micros>, count: usize| {
        since.is_some_and(|since| since < closed_before) || count as u64 > closed_count_max
    };
    let waiting = state.waiting().next();
    let counts = waiting.is_some_and(|(day, _)| counts_from(state, now, day));
    expires
        || counts
        || due(state.counted().next().map(|(at, _)| at))
        || due(state.cases().due().next().map(|(at, _)| at))
        || stale(state.cases().closed().next().map(|(at, _)| at), state.cases().closed().len())
        || stale(state.cases().kept().next().map(|(at, _)| at), 0)
        || over(state, now, command).next().is_some()
        || stale(state.closed().next().map(|(at, _)| at), state.closed().len())
        || stale(state.settled().next().map(|(at, ..)| at), state.settled().len())
}

/// Whether orders to be shipped on `day` count already.
pub(super) fn counts_from(state: &State, now: Micros, day: Day) -> bool {
    state.policy().exposure.horizon(Day::of(now)).is_none_or(|horizon| day <= horizon)
}

/// Delegations that have ended, for so long that they are forgotten, or of too many in all.
fn over<'s>(
    state: &'s State,
    now: Micros,
    command: &Housekeep,
) -> impl Iterator<Item = &'s Delegation> {
    let Housekeep { closed_before, closed_count_max } = *command;
    let all = state.cases().delegations_by_end();
    let surplus = (all.len() as u64).saturating_sub(closed_count_max);
    let is_over = move |(i, one): &(usize, &Delegation)| {
        one.until <= now && ((*i as u64) < surplus || one.until < closed_before)
    };
    all.enumerate().take_while(is_over).map(|(_, one)| one)
}

impl Context<'_> {
    /// Bounded by `HOUSEKEEP_EVENTS_MAX`: where more is due, another command goes on.
    pub(super) fn housekeep<'a>(&self, command: &Housekeep) -> (Outcome, Vec<Event<'a>>) {
        let due = self.state.expiring().take_while(|(at, _)| *at <= self.now);
        let mut events: Vec<Event<'a>> = Vec::new();
        for (_, reservation) in due.take(HOUSEKEEP_EVENTS_MAX) {
            let Some(row) = self.state.reservation(reservation) else { continue };
            // `apply` comes to the accounts one by one, and would wait for each.
            self.state.fetch(row.slot);
            events.push(Event::Expired { reservation, amount: row.open });
            if row.counting().is_some() {
                let Parts { open, .. } = row.parts();
                let change = Parts { open: -open, expired: open, ..Parts::default() };
                events.push(Event::OrderMoved { reservation, change });
            }
        }
        self.count_in(&mut events);
        self.end_cases(&mut events);
        self.forget_reservations(command, &mut events);
        self.forget_items(command, &mut events);
        self.forget_cases(command, &mut events);
        self.forget_delegations(command, &mut events);
        self.forget_orders(&mut events);
        (Outcome::Done, events)
    }

    /// Orders whose day of shipping has come near count from now on, whether they fit or not. What
    /// their account could not even be added up with counts nothing.
    fn count_in(&self, events: &mut Vec<Event<'_>>) {
        let room = HOUSEKEEP_EVENTS_MAX.saturating_sub(events.len());
        let near = self.state.waiting();
        let near = near.take_while(|(day, _)| counts_from(self.state, self.now, *day)).take(room);
        let mut added: BTreeMap<Slot, i128> = BTreeMap::new();
        for (_, reservation) in near {
            let Some(row) = self.state.reservation(reservation) else { continue };
            let Some(counting) = row.counting().filter(|_| row.expires_at > self.now) else {
                continue;
            };
            let worth = counting.worth_in_time(counting.parts.open);
            let so_far = added.entry(row.slot).or_default();
            let fits = self.may_reserve(row.slot, *so_far, worth).is_ok();
            let amount = if fits { worth } else { 0 };
            *so_far += i128::from(amount);
            events.push(Event::Counted { reservation, amount });
        }
    }

    /// Cases whose time has come are escalated, or expire.
    fn end_cases(&self, events: &mut Vec<Event<'_>>) {
        let due = self.state.cases().due().take_while(|(at, _)| *at <= self.now);
        for (_, case) in due.take(HOUSEKEEP_EVENTS_MAX.saturating_sub(events.len())) {
            let escalated = (self.now < case.expires_at).then(|| self.escalate(case));
            events.push(match escalated {
                None => Event::Case(CaseEvent::Expired { case: case.id }),
                Some(Some(event)) => event,
                // Nobody is above them any more.
                Some(None) => {
                    let (id, level) = (case.id, case.level);
                    Event::Case(CaseEvent::Escalated { case: id, level, escalates_at: 0 })
                }
            });
        }
    }

    /// One under which something is still reserved is kept for another while, and is none of those
    /// that are counted: else it would be looked at again and again.
    fn forget_cases(&self, command: &Housekeep, events: &mut Vec<Event<'_>>) {
        let closed = self.state.cases().closed();
        let surplus = (closed.len() as u64).saturating_sub(command.closed_count_max);
        let room = HOUSEKEEP_EVENTS_MAX.saturating_sub(events.len());
        let stale = closed
            .enumerate()
            .take_while(|(i, (at, _))| (*i as u64) < surplus || *at < command.closed_before);
        let kept = self.state.cases().kept().take_while(|(at, _)| *at < command.closed_before);
        let all = stale.map(|(_, one)| one).chain(kept);
        events.extend(all.take(room).map(|(_, case)| {
            let held = case.reservation.and_then(|id| self.state.reservation(id));
            match held.is_some_and(|held| held.is_open()) {
                true => Event::Case(CaseEvent::Kept { case: case.id }),
                false => Event::Case(CaseEvent::Forgotten { case: case.id }),
            }
        }));
    }

    fn forget_delegations(&self, command: &Housekeep, events: &mut Vec<Event<'_>>) {
        let room = HOUSEKEEP_EVENTS_MAX.saturating_sub(events.len());
        events.extend(over(self.state, self.now, command).take(room).map(|one| {
            let own = |id: &Id| Cow::Owned(id.to_string());
            let (from, to) = (own(&one.from), own(&one.to));
            Event::Case(CaseEvent::DelegationForgotten { from, to })
        }));
    }

    /// What was counted of an account's orders, once none of them is in a window.
    fn forget_orders(&self, events: &mut Vec<Event<'_>>) {
        let room = HOUSEKEEP_EVENTS_MAX.saturating_sub(events.len());
        let over = self.state.counted().take_while(|(at, _)| *at <= self.now).take(room);
        events.extend(over.map(|(_, slot)| Event::OrdersForgotten { slot }));
    }

    fn forget_reservations(&self, command: &Housekeep, events: &mut Vec<Event<'_>>) {
        let closed = self.state.closed();
        let surplus = (closed.len() as u64).saturating_sub(command.closed_count_max);
        let room = HOUSEKEEP_EVENTS_MAX.saturating_sub(events.len());
        let stale = closed
            .enumerate()
            .take_while(|(i, (at, _))| (*i as u64) < surplus || *at < command.closed_before);
        events.extend(
            stale
                .take(room)
                .map(|(_, (_, reservation))| Event::ReservationForgotten { reservation }),
        );
    }

    fn forget_items(&self, command: &Housekeep, events: &mut Vec<Event<'_>>) {
        let settled = self.state.settled();
        let surplus = (settled.len() as u64).saturating_sub(command.closed_count_max);
        let room = HOUSEKEEP_EVENTS_MAX.saturating_sub(events.len());
        let stale = settled
            .enumerate()
            .take_while(|(i, (at, ..))| (*i as u64) < surplus || *at < command.closed_before);
        events.extend(stale.take(room).map(|(_, (_, slot, invoice_id))| Event::ItemForgotten {
            slot,
            invoice_id: Cow::Owned(invoice_id.to_owned()),
        }));
    }
}

#[cfg(test)]
mod tests;
