//! What a policy does beside deciding: it holds accounts, and notes which of them cross a threshold
//! and which were billed. Only where the policy in force has such rules.

use std::collections::BTreeSet;

use crate::apply::{change_limit, limit_of};
use crate::bounds::HOLDS_MAX;
use crate::command::Command;
use crate::decide::levels::{accepted_limit, ceiling};
use crate::decide::rolling::{by_account, exposure_changes, holder};
use crate::event::{CaseEvent, Event};
use crate::model::{Account, Conditions, Counted, HoldKind, Terms};
use crate::outcome::{Effect, Outcome, ReasonCode, Verdict};
use crate::policy::Policy;
use crate::policy::rules::Crossing;
use crate::state::State;
use crate::values::{Micros, Minor, Slot};

/// Whose hold it is, as answers show it.
const SOURCE: &str = "policy";

/// Adds the events that the policy's rules lead to, once all others are known.
pub(super) fn act<'a>(
    state: &State,
    now: Micros,
    command: &Command<'a>,
    outcome: &Outcome,
    events: &mut Vec<Event<'a>>,
) {
    let acts = state.policy().rules.acts();
    if acts {
        place_holds(state, now, command, outcome, events);
    }
    // What is tried has to know as much as what is in force.
    let tried = state.policies().shadow().map(|shadow| &**shadow);
    let all = || std::iter::once(state.policy()).chain(tried);
    if all().any(Policy::asks_first_order) {
        note_first_bills(state, events);
    }
    if let Some(policy) = all().find(|policy| policy.rules.counts_orders()) {
        count_orders(state, policy.window.part(), events);
    }
    if acts {
        note_crossings(state, now, events);
    }
}

/// An account is held once for a rule, however many of its orders violate it, and while it is held
/// for another reason there may be no room for more.
fn place_holds<'a>(
    state: &State,
    now: Micros,
    command: &Command<'a>,
    outcome: &Outcome,
    events: &mut Vec<Event<'a>>,
) {
    let mut place = |account_id: &str, verdict: &Verdict| {
        let holding = verdict.reasons.iter().filter(|reason| reason.effect() == Effect::Hold);
        for hold_id in holding.filter_map(|reason| hold_id(reason.code)) {
            // Looked up for the few orders that lead to one.
            let Some(slot) = state.slot(account_id) else { continue };
            let in_force = state.conditions(slot).into_iter().flat_map(|all| all.holds_at(now));
            let mut held = Vec::from_iter(in_force.map(|hold| &*hold.id));
            held.extend(events.iter().filter_map(|event| match event {
                Event::HoldPlaced { slot: of, hold_id, .. } if *of == slot => Some(*hold_id),
                _ => None,
            }));
            if !held.contains(&hold_id) && held.len() < HOLDS_MAX {
                let (kind, source) = (HoldKind::Manual, SOURCE);
                let (until, reason) = (None, None);
                events.push(Event::HoldPlaced { slot, hold_id, kind, source, until, reason });
            }
        }
    };
    match (command, outcome) {
        (Command::Reserve(command), Outcome::Reserved(reserved)) => {
            place(command.order.billed(), &reserved.verdict);
        }
        (Command::ReserveAll(command), Outcome::ReservedAll(all)) => {
            for (order, reserved) in command.orders.iter().zip(all) {
                place(order.billed(), &reserved.verdict);
            }
        }
        (_, Outcome::Reviewed(reviewed)) => {
            let order = reviewed.reserved.iter();
            order.for_each(|reserved| place(&reviewed.account_id, &reserved.verdict));
        }
        (_, Outcome::Changed(changed)) => {
            place(&changed.reservation.account_id, &changed.verdict);
        }
        _ => {}
    }
}

/// Under which name a rule holds an account; none: it does not.
fn hold_id(code: ReasonCode) -> Option<&'static str> {
    Some(match code {
        ReasonCode::NoCreditLimit => "policy-no-credit-limit",
        ReasonCode::LimitExpired => "policy-limit-expired",
        ReasonCode::MaxOrderAmountExceeded => "policy-account-maximum-order",
        ReasonCode::InsufficientCredit => "policy-insufficient-credit",
        ReasonCode::RollingAverageExceeded => "policy-rolling-average",
        ReasonCode::SharedLimitExceeded => "policy-shared-limit",
        ReasonCode::SegmentCapExceeded => "policy-segment-cap",
        ReasonCode::TermsUpgraded => "policy-terms-upgraded",
        ReasonCode::OrderAmountExceeded => "policy-maximum-order",
        ReasonCode::UtilisationReached => "policy-utilisation",
        ReasonCode::ScoreTooLow | ReasonCode::ScoreMissing => "policy-minimum-score",
        ReasonCode::FirstOrder => "policy-first-order",
        ReasonCode::LedgerStale => "policy-stale-ledger",
        ReasonCode::OverdueDays => "policy-overdue-days",
        ReasonCode::OverdueAmount => "policy-overdue-amount",
        ReasonCode::OverdueShare => "policy-overdue-share",
        ReasonCode::OldestItem => "policy-oldest-item",
        ReasonCode::VelocityCount | ReasonCode::VelocityAmount => "policy-velocity",
        // Closed, suspended or held it is already; a batch, a rate and an approval are no account's
        // fault.
        ReasonCode::AccountClosed
        | ReasonCode::AccountSuspended
        | ReasonCode::AccountOnHold
        | ReasonCode::BureauSuspension
        | ReasonCode::FraudSuspension
        | ReasonCode::LimitTolerated
        | ReasonCode::LimitInGrace
        | ReasonCode::FxRateUnavailable
        | ReasonCode::FxRateStale
        | ReasonCode::ApprovalExpired
        | ReasonCode::BatchNotApproved => return None,
    })
}

fn note_first_bills(state: &State, events: &mut Vec<Event<'_>>) {
    let slots = events.iter().filter_map(|event| billed(state, event));
    let slots = BTreeSet::from_iter(slots.filter(|slot| !state.watch(*slot).billed));
    events.extend(slots.into_iter().map(|slot| Event::FirstBilled { slot }));
}

/// To which account an event says that something was shipped or billed.
pub(crate) fn billed(state: &State, event: &Event<'_>) -> Option<Slot> {
    match *event {
        Event::Captured { reservation, .. } | Event::Billed { reservation, .. } => {
            state.reservation(reservation).map(|found| found.slot)
        }
        Event::ItemPosted { slot, .. } => Some(slot),
        _ => None,
    }
}

fn count_orders(state: &State, part: Micros, events: &mut Vec<Event<'_>>) {
    let counted = ordered(state, events).into_iter();
    events.extend(counted.map(|(slot, Counted { orders, amount })| Event::OrdersCounted {
        slot,
        part,
        orders,
        amount,
    }));
}

/// Of each account how many orders the events approve, and of how much, with what orders grew by,
/// and with what came to count by its day of shipping.
pub(crate) fn ordered(state: &State, events: &[Event<'_>]) -> Vec<(Slot, Counted)> {
    let mut counted = Vec::new();
    for event in events {
        let (slot, orders, amount) = match *event {
            Event::Reserved { slot, amount, .. }
            | Event::Case(CaseEvent::Reserved { slot, amount, .. }) => (Some(slot), 1, amount),
            Event::Grown { reservation, amount } | Event::Counted { reservation, amount } => {
                (holder(state, events, reservation), 0, amount)
            }
            _ => continue,
        };
        counted.extend(slot.map(|slot| (slot, Counted { orders, amount })));
    }
    by_account(counted, |sum, more| {
        (sum.orders, sum.amount) = (sum.orders + more.orders, sum.amount + more.amount);
    })
}

/// What an account owes is known after each entry; a limit that came or went by itself, or with its
/// segment, shows with the account's next movement.
fn note_crossings(state: &State, now: Micros, events: &mut Vec<Event<'_>>) {
    let known = |slot: Slot| (slot as usize) < state.account_count();
    let limited = events.iter().filter_map(limit_of).filter(|slot| known(*slot));
    let mut moved = exposure_changes(state, events, known);
    moved.extend(limited.map(|slot| (slot, 0)));
    let mut crossed = Vec::new();
    for (slot, change) in by_account(moved, |sum, more| *sum += more) {
        note_crossing(state, now, slot, change, events, &mut crossed);
    }
    events.extend(crossed);
}

/// An account that moves under other bands than when it was last looked at, by another policy or in
/// another segment, has crossed none of them by that: its level is taken from before it moved.
fn note_crossing<'a>(
    state: &State,
    now: Micros,
    slot: Slot,
    change: Minor,
    events: &[Event<'a>],
    crossed: &mut Vec<Event<'a>>,
) {
    let (terms, conditions) = (state.terms(slot), state.holding_conditions(slot));
    let changed = account_after(state, now, slot, events);
    let terms_after = changed.as_ref().map_or(terms, Account::terms);
    let conditions_after = match &changed {
        Some(account) => account.conditions.as_deref(),
        None => conditions,
    };
    let rules = &state.policy().rules;
    let Some(bands) = rules.utilisation(slot, &terms_after) else { return };
    let ceiling_under = |terms: &Terms, conditions: Option<&Conditions>| {
        ceiling(&accepted_limit(state, terms, conditions, now), conditions, now)
    };
    let (watch, version) = (state.watch(slot), state.policy().version);
    let owed = i128::from(state.position(slot).exposure());
    let is_level = watch.level_of == version
        && (changed.is_none() || rules.utilisation(slot, &terms).is_some_and(|was| was == bands));
    let level = match is_level {
        true => watch.level,
        false => bands.level(watch.level, owed, ceiling_under(&terms, conditions)),
    };
    let ceiling = ceiling_under(&terms_after, conditions_after);
    let crossings = bands.crossings(level, owed + i128::from(change), ceiling);
    if !is_level && crossings.is_empty() {
        crossed.push(Event::UtilisationTaken { slot, level, version });
    }
    crossed.extend(crossings.into_iter().map(|Crossing { percent, level }| {
        Event::UtilisationCrossed { slot, percent, level, version }
    }));
}

/// The account once its limits are as the events say; `None`: they change nothing of them.
fn account_after(state: &State, now: Micros, slot: Slot, events: &[Event<'_>]) -> Option<Account> {
    let mut changes = events.iter().filter(|event| limit_of(event) == Some(slot)).peekable();
    changes.peek()?;
    let mut account = state.account(slot);
    changes.for_each(|event| change_limit(&mut account, now, event));
    Some(account)
}

#[cfg(test)]
mod tests;
