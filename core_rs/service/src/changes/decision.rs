//! One decision as it stands in the journal, with who asked for it.

use std::ops::ControlFlow;
use std::time::Duration;

use creditgate_engine::command::{Command, Identity, Order};
use creditgate_engine::entry::Entry;
use creditgate_engine::error::Refusal;
use creditgate_engine::event::{CaseEvent, Event};
use creditgate_engine::outcome::{CaseOrder, Changed, Outcome, Reserved, Reviewed};
use creditgate_engine::state::State;
use creditgate_engine::values::{
    Currency, Micros, Minor, RESERVATION_ITEM_BITS, ReservationId, Seq,
};
use creditgate_store::{Journal, StoreError};

use crate::wire::reply::{self, Made};
use crate::wire::status::Fault;
use crate::wire::{admit, rates, v1};

/// How many of the last entries are looked through for the decision of an order: a tenth of a
/// second where they are short, and longer where each is of a large batch.
const SEARCHED_ENTRIES: u64 = 100_000;

/// Which decision is asked for.
pub(crate) enum Sought {
    /// By its entry.
    Entry { seq: Seq, item: usize },
    /// By a reservation that it made.
    Reservation(ReservationId),
    /// The latest of an order; its latest reservation, where it has one.
    Order { account_id: String, order_id: String, reservation: Option<ReservationId> },
}

impl Sought {
    pub(crate) fn admit(m: &v1::GetDecisionRequest, state: &State) -> Result<Sought, Fault> {
        let by_order = !m.account_id.is_empty() || !m.order_id.is_empty();
        let given = [m.journal_seq > 0, !m.reservation_id.is_empty(), by_order];
        if given.iter().filter(|given| **given).count() > 1 {
            let rule = "one of journal_seq, reservation_id, and account_id with order_id";
            return Err(Fault::field("journal_seq", m.journal_seq, rule));
        }
        if m.journal_seq > 0 {
            let item = m.item.try_into().unwrap_or(usize::MAX);
            return Ok(Sought::Entry { seq: m.journal_seq, item });
        }
        if m.item > 0 {
            return Err(Fault::field("item", m.item, "0 where no journal_seq is given"));
        }
        if !m.reservation_id.is_empty() {
            let id = m.reservation_id.parse().map_err(|_| {
                let rule = "an id that CheckAndReserve returned";
                Fault::field("reservation_id", admit::shown(&m.reservation_id), rule)
            })?;
            return Ok(Sought::Reservation(id));
        }
        let account_id = admit::id("account_id", &m.account_id)?;
        let order_id = admit::id("order_id", &m.order_id)?;
        let slot = state.slot(account_id);
        let slot = slot.ok_or_else(|| Fault::from(Refusal::AccountNotFound(account_id.into())))?;
        let reservation = state.latest_of_order(slot, order_id).map(|found| found.id);
        let (account_id, order_id) = (account_id.to_owned(), order_id.to_owned());
        Ok(Sought::Order { account_id, order_id, reservation })
    }

    /// It was looked for so long, and others wait: which ways are shorter.
    pub(super) fn given_up(&self, after: Duration) -> Fault {
        let (field, value) = match self {
            Sought::Entry { seq, .. } => ("journal_seq", seq.to_string()),
            Sought::Reservation(id) => ("reservation_id", id.to_string()),
            Sought::Order { order_id, .. } => ("order_id", order_id.clone()),
        };
        Fault::search_too_long(field, &value, SEARCHED_ENTRIES, after.as_secs())
    }
}

/// Finds it among the entries up to `up_to`; `None` once nobody waits for it any more.
pub(super) fn find(
    journal: &Journal,
    sought: &Sought,
    up_to: Seq,
    waits: impl Fn() -> bool,
) -> Result<Option<v1::GetDecisionResponse>, Fault> {
    if !waits() {
        return Ok(None);
    }
    let at = |seq: Seq, item: usize| {
        let mut found = None;
        let known = (1..=up_to).contains(&seq);
        let read = known.then(|| {
            each(
                journal,
                seq,
                seq,
                || true,
                |seq, time, entry| {
                    found = decision(seq, time, entry, item);
                },
            )
        });
        read.transpose().map(|_| found).map_err(|error| Fault::journal_unreadable(&error))
    };
    let found = match sought {
        Sought::Entry { seq, item } => {
            let found = at(*seq, *item)?;
            found.ok_or_else(|| Fault::decision_not_found("journal_seq", seq))
        }
        Sought::Reservation(id) => {
            let (seq, item) = place_of(*id);
            let found = at(seq, item)?.filter(|found| found.reservation_id == id.to_string());
            found.ok_or_else(|| Fault::decision_not_found("reservation_id", id))
        }
        Sought::Order { account_id, order_id, reservation } => {
            let made = reservation.map_or((1, 0), place_of);
            let mut found = None;
            let first = made.0.max(up_to.saturating_sub(SEARCHED_ENTRIES - 1));
            let read = each(journal, first, up_to, &waits, |seq, time, entry| {
                if let Some(item) = item_of(entry, account_id, order_id) {
                    found = decision(seq, time, entry, item).or(found.take());
                }
            });
            if !read.map_err(|error| Fault::journal_unreadable(&error))? {
                return Ok(None);
            }
            if found.is_none() && reservation.is_some() {
                found = at(made.0, made.1)?;
            }
            found.ok_or_else(|| Fault::decision_not_found("order_id", order_id))
        }
    };
    found.map(Some)
}

/// Calls `seen` for each entry from `first` to `last`; whether somebody waited for all of them.
fn each(
    journal: &Journal,
    first: Seq,
    last: Seq,
    waits: impl Fn() -> bool,
    mut seen: impl FnMut(Seq, Micros, &Entry<'_>),
) -> Result<bool, StoreError> {
    if first > last {
        return Ok(true);
    }
    let mut waited = true;
    journal.read(first, |commit| {
        waited = waits();
        if !waited {
            return Ok(ControlFlow::Break(()));
        }
        for (seq, entry) in (commit.head.first_seq..).zip(&commit.entries) {
            if (first..=last).contains(&seq) {
                seen(seq, commit.head.time, entry);
            }
            if seq >= last {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(waited)
}

/// Which item of an entry decides on an order, if any does.
fn item_of(entry: &Entry<'_>, account_id: &str, order_id: &str) -> Option<usize> {
    let is_of = |order: &Order<'_>| (order.billed(), order.order_id) == (account_id, order_id);
    match (&entry.request.command, &entry.outcome) {
        (Command::Reserve(c), _) => is_of(&c.order).then_some(0),
        (Command::ReserveAll(c), _) => c.orders.iter().position(is_of),
        (Command::ReviewCase(_) | Command::RetryCases(_), _) => {
            let mut all = decided_in_cases(entry);
            let order = all.find(|(reviewed, found)| {
                (&*reviewed.account_id, found.order_id) == (account_id, order_id)
            });
            order.map(|(_, found)| found.item)
        }
        (Command::Adjust(_) | Command::Capture(_), Outcome::Changed(changed)) => {
            let view = &changed.reservation;
            ((&*view.account_id, &*view.order_id) == (account_id, order_id)).then_some(0)
        }
        _ => None,
    }
}

/// An order that was decided without being asked for again.
struct OfCase<'e> {
    item: usize,
    order_id: &'e str,
    amount: Minor,
}

/// What an entry decided of orders that were waiting, with what is said of their cases: those that
/// were reserved, and one that was signed and does not fit.
fn decided_in_cases<'e>(entry: &'e Entry<'_>) -> impl Iterator<Item = (&'e Reviewed, OfCase<'e>)> {
    let all = match &entry.outcome {
        Outcome::Reviewed(reviewed) => std::slice::from_ref(&**reviewed),
        Outcome::Retried(all) => all,
        _ => &[],
    };
    let unfit = all.iter().filter_map(|reviewed| {
        let CaseOrder { order_id, amount } = &**reviewed.order.as_ref()?;
        Some((reviewed, OfCase { item: 0, order_id, amount: *amount }))
    });
    let held = entry.events.iter().filter_map(move |event| match event {
        Event::Case(CaseEvent::Reserved { case, reservation, order_id, .. }) => {
            let (_, item) = place_of(*reservation);
            let reviewed = all.iter().find(|reviewed| reviewed.case == *case)?;
            // All of it, or nothing.
            let amount = reviewed.reserved.as_ref()?.amount;
            Some((reviewed, OfCase { item, order_id, amount }))
        }
        _ => None,
    });
    unfit.chain(held)
}

/// The entry that made a reservation, and which item of it.
fn place_of(id: ReservationId) -> (Seq, usize) {
    let item = id & ((1 << RESERVATION_ITEM_BITS) - 1);
    (id >> RESERVATION_ITEM_BITS, item as usize)
}

/// The decision of an entry, or of one of its items; `None` where it is none of an order.
fn decision(
    seq: Seq,
    time: Micros,
    entry: &Entry<'_>,
    item: usize,
) -> Option<v1::GetDecisionResponse> {
    let Entry { request, policy_version, outcome, .. } = entry;
    let made = Made { seq, time, policy_version: *policy_version, replayed: false };
    let request_id = match request.command.identity() {
        Identity::Request(key) => key.id,
        _ => "",
    };
    let said = v1::GetDecisionResponse {
        command: request.command.name().to_owned(),
        request_id: request_id.to_owned(),
        actor: request.actor.to_owned(),
        channel: request.channel.to_owned(),
        reason: request.reason.and_then(|text| text.text()).unwrap_or_default().to_owned(),
        ..Default::default()
    };
    let (order, reserved) = match (&request.command, outcome) {
        (Command::Reserve(c), Outcome::Reserved(reserved)) if item == 0 => (&c.order, reserved),
        (Command::ReserveAll(c), Outcome::ReservedAll(all)) => {
            (c.orders.get(item)?, all.get(item)?)
        }
        (Command::ReviewCase(_) | Command::RetryCases(_), _) => {
            let mut all = decided_in_cases(entry);
            let (reviewed, order) = all.find(|(_, found)| found.item == item)?;
            return of_case(said, reviewed, &order, made);
        }
        (command, Outcome::Changed(changed)) if item == 0 => {
            let amount = match command {
                Command::Adjust(c) => Some(c.total),
                Command::Capture(c) => c.amount,
                Command::Release(c) => c.amount,
                _ => return None,
            };
            return Some(of_changed(said, changed, amount, made));
        }
        _ => return None,
    };
    Some(v1::GetDecisionResponse {
        account_id: order.billed().to_owned(),
        order_id: order.order_id.to_owned(),
        amount_minor: Some(order.amount),
        ..of_order(said, reserved, Some(order.currency), made)
    })
}

/// What is said of an order that was decided as a whole; `currency`: its own.
fn of_order(
    said: v1::GetDecisionResponse,
    reserved: &Reserved,
    currency: Option<Currency>,
    made: Made,
) -> v1::GetDecisionResponse {
    let Reserved { verdict, reservation, amount, .. } = reserved;
    let counting = currency.and_then(|currency| reply::counting(reserved, currency));
    let other = counting.as_ref().filter(|counting| counting.rate.is_some());
    let account_currency = other.map(|other| other.account_currency.clone()).unwrap_or_default();
    v1::GetDecisionResponse {
        result: Some(v1::DecisionResult {
            account_currency,
            ..reply::result(verdict.clone(), made)
        }),
        currency: currency.map(|currency| currency.to_string()).unwrap_or_default(),
        approved_amount_minor: *amount,
        reservation_id: reservation.map(|id| id.to_string()).unwrap_or_default(),
        counting,
        ..said
    }
}

fn of_case(
    said: v1::GetDecisionResponse,
    reviewed: &Reviewed,
    order: &OfCase<'_>,
    made: Made,
) -> Option<v1::GetDecisionResponse> {
    Some(v1::GetDecisionResponse {
        account_id: reviewed.account_id.to_string(),
        order_id: order.order_id.to_owned(),
        amount_minor: Some(order.amount),
        ..of_order(said, reviewed.reserved.as_ref()?, reviewed.currency, made)
    })
}

fn of_changed(
    said: v1::GetDecisionResponse,
    changed: &Changed,
    amount_minor: Option<Minor>,
    made: Made,
) -> v1::GetDecisionResponse {
    let Changed { verdict, reservation: view, amount, .. } = changed;
    let counting = rates::of_view(view);
    let own = counting.as_ref().map(|counting| counting.currency.clone());
    v1::GetDecisionResponse {
        result: Some(reply::result_of(verdict.clone(), view, made)),
        account_id: view.account_id.to_string(),
        order_id: view.order_id.to_string(),
        currency: own.unwrap_or_else(|| view.currency.to_string()),
        counting,
        amount_minor,
        approved_amount_minor: *amount,
        reservation_id: view.id.to_string(),
        ..said
    }
}

#[cfg(test)]
mod tests;
