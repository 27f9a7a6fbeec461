//! Adding events up. Total: a fact has happened and cannot be refused any more.

mod cases;
mod limits;
mod sources;

use crate::counting::Waiting;
use crate::event::Event;
use crate::model::{
    Account, Capture, Captures, Counted, Counters, Hold, Item, Noted, Reservation, RollingLimit,
    Segment, Status, TemporaryLimit,
};
use crate::policy::{PolicyRow, PolicyStatus};
use crate::rows::Rows;
use crate::terms::{Calendar, NamedTerms};
use crate::values::{Micros, ReservationId, Slot, Text};

/// Applies one event that happened at `now`.
pub fn apply(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    match *event {
        Event::AccountSet { .. } => set_account(rows, now, event),
        Event::StatusSet { slot, status, reason } => {
            rows.update_account(slot, |account| {
                account.status = status;
                account.status_reason = body(reason);
                account.updated_at = now;
            });
        }
        Event::HoldPlaced { .. }
        | Event::HoldLifted { .. }
        | Event::TemporaryLimitSet { .. }
        | Event::TemporaryLimitRemoved { .. }
        | Event::RollingLimitSet { .. }
        | Event::RollingLimitRemoved { .. } => set_conditions(rows, now, event),
        Event::VerificationRecorded { .. }
        | Event::LimitProposed { .. }
        | Event::LimitApproved { .. }
        | Event::ProposalClosed { .. } => limits::apply(rows, now, event),
        Event::AverageMoved { slot, amount } => {
            rows.update_account(slot, |account| {
                let rolling =
                    account.conditions.as_mut().and_then(|all| all.rolling_limit.as_mut());
                if let Some(rolling) = rolling {
                    rolling.note(now, amount);
                }
            });
        }
        Event::TextsErased { slot } => {
            rows.update_account(slot, |row| erase_texts(row, now));
        }
        Event::SegmentSet { segment, segment_id, currency, limit, cap } => rows.update_segment(
            segment,
            || Segment { id: segment_id.into(), defaults: Vec::new(), caps: Vec::new() },
            |segment| {
                // None is ever taken away.
                if let Some(limit) = limit {
                    segment.set_default(currency, limit);
                }
                segment.set_cap(currency, cap);
            },
        ),
        Event::TermsSet { terms, terms_id, calendar, ref spec } => {
            let (id, spec) = (terms_id.into(), spec.clone());
            rows.set_terms(terms, NamedTerms { id, calendar, spec });
        }
        Event::CalendarSet { calendar, calendar_id, ref spec } => {
            rows.set_calendar(calendar, Calendar { id: calendar_id.into(), spec: spec.clone() });
        }
        Event::TermsAssigned { ref assignee, terms } => rows.assign_terms(assignee.clone(), terms),
        Event::PolicyPut { .. } | Event::PolicyActivated { .. } | Event::PolicyShadowed { .. } => {
            set_policy(rows, now, event)
        }
        Event::OrdersCounted { .. }
        | Event::OrdersForgotten { .. }
        | Event::FirstBilled { .. }
        | Event::UtilisationCrossed { .. }
        | Event::UtilisationTaken { .. } => note_watch(rows, now, event),
        Event::SourceMoved { .. } | Event::Reconciled(..) | Event::Adjustments(_) => {
            sources::apply(rows, now, event);
        }
        Event::RateSet { base, currency, ref quote } => {
            rows.set_rate(base, currency, quote.clone());
        }
        Event::OrderMoved { .. } | Event::Counted { .. } | Event::Revalued { .. } => {
            move_counting(rows, now, event);
        }
        Event::ReservationForgotten { reservation } => rows.remove_reservation(reservation),
        Event::ItemForgotten { slot, ref invoice_id } => rows.remove_item(slot, invoice_id),
        Event::Claimed { .. }
        | Event::ItemPosted { .. }
        | Event::ItemMoved { .. }
        | Event::ItemDisputed { .. }
        | Event::UnallocatedMoved { .. } => move_outstanding(rows, now, event),
        Event::Case(ref event) => cases::apply_to_case(rows, now, event),
        _ => move_reserved(rows, now, event),
    }
}

/// What a policy has to know of an account.
fn note_watch(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    let (slot, noted) = match *event {
        Event::OrdersCounted { slot, part: length, orders, amount } => {
            let counted = Counted { orders, amount };
            (slot, Noted::Orders { now, length, counted })
        }
        Event::OrdersForgotten { slot } => (slot, Noted::NoOrders),
        Event::FirstBilled { slot } => (slot, Noted::Billed),
        Event::UtilisationCrossed { slot, level, version, .. }
        | Event::UtilisationTaken { slot, level, version } => {
            (slot, Noted::Level { level, version })
        }
        _ => unreachable!("only called for what is watched"),
    };
    rows.note_watch(slot, noted);
}

fn erase_texts(account: &mut Account, now: Micros) {
    (account.name, account.status_reason) = (None, None);
    if let Some(conditions) = &mut account.conditions {
        conditions.erase_reasons();
    }
    account.updated_at = now;
}

fn body(text: Option<Text<'_>>) -> Option<Box<str>> {
    text.and_then(|text| text.text()).map(Into::into)
}

fn set_account(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    let Event::AccountSet {
        slot,
        account_id,
        currency,
        parent,
        segment,
        limit,
        max_order,
        name,
        shared_limit,
    } = *event
    else {
        unreachable!("only called for account_set");
    };
    let changed = rows.update_account(slot, |account| amend_account(account, now, event));
    if changed.is_none() {
        let account = Account {
            id: account_id.into(),
            currency,
            status: Status::Active,
            limit,
            max_order,
            parent,
            segment,
            name: name.and_then(body),
            status_reason: None,
            created_at: now,
            updated_at: now,
            shared_limit,
            conditions: None,
        };
        rows.add_account(slot, account);
    }
}

fn amend_account(account: &mut Account, now: Micros, event: &Event<'_>) {
    let Event::AccountSet { parent, segment, limit, max_order, name, shared_limit, .. } = *event
    else {
        unreachable!("only called for account_set");
    };
    account.parent = parent;
    account.segment = segment;
    account.limit = limit;
    account.max_order = max_order;
    account.shared_limit = shared_limit;
    account.updated_at = now;
    if let Some(name) = name {
        account.name = body(name);
    }
}

/// Whose limit an event changes, but for those of many accounts at once.
pub(crate) fn limit_of(event: &Event<'_>) -> Option<Slot> {
    match *event {
        Event::AccountSet { slot, .. }
        | Event::TemporaryLimitSet { slot, .. }
        | Event::TemporaryLimitRemoved { slot, .. }
        | Event::RollingLimitSet { slot, .. }
        | Event::RollingLimitRemoved { slot }
        | Event::LimitApproved { slot, .. } => Some(slot),
        _ => None,
    }
}

/// What one of those events makes of an account, for whoever has to know before it has happened.
pub(crate) fn change_limit(account: &mut Account, now: Micros, event: &Event<'_>) {
    match event {
        Event::AccountSet { .. } => amend_account(account, now, event),
        Event::LimitApproved { .. } => limits::move_limit(account, now, event),
        _ => amend_conditions(account, now, event),
    }
}

fn set_conditions(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    let (Event::HoldPlaced { slot, .. }
    | Event::HoldLifted { slot, .. }
    | Event::TemporaryLimitSet { slot, .. }
    | Event::TemporaryLimitRemoved { slot, .. }
    | Event::RollingLimitSet { slot, .. }
    | Event::RollingLimitRemoved { slot }) = *event
    else {
        unreachable!("only called for conditions");
    };
    rows.update_account(slot, |account| amend_conditions(account, now, event));
}

/// What has ended goes with the next change.
fn amend_conditions(account: &mut Account, now: Micros, event: &Event<'_>) {
    let mut conditions = account.conditions.take().unwrap_or_default();
    conditions.forget_ended(now);
    match *event {
        Event::HoldPlaced { hold_id, kind, source, until, reason, .. } => {
            let (id, source, reason) = (hold_id.into(), source.into(), body(reason));
            conditions.place(Hold { id, kind, source, until, placed_at: now, reason });
        }
        Event::HoldLifted { hold_id, .. } => conditions.lift(hold_id),
        Event::TemporaryLimitSet { limit_id, kind, amount, first, last, .. } => {
            let id = limit_id.into();
            conditions.set_temporary_limit(TemporaryLimit { id, kind, amount, first, last });
        }
        Event::TemporaryLimitRemoved { limit_id, .. } => {
            conditions.remove_temporary_limit(limit_id);
        }
        Event::RollingLimitSet { hard_cap, days, exposure, .. } => {
            match &mut conditions.rolling_limit {
                Some(known) => known.amend(hard_cap, days, now),
                new => {
                    let begun = RollingLimit::begin(hard_cap, days, exposure, now);
                    *new = Some(Box::new(begun));
                }
            }
        }
        Event::RollingLimitRemoved { .. } => conditions.rolling_limit = None,
        _ => unreachable!("only called for conditions"),
    }
    account.conditions = Some(conditions).filter(|conditions| !conditions.is_empty());
    account.updated_at = now;
}

fn set_policy(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    // What an event names was put before; a store that could not read it works on a stand-in.
    let unknown = |version| move || PolicyRow::draft(version, "", "", now);
    match *event {
        Event::PolicyPut { version, text, ref by } => {
            let row = PolicyRow::draft(version, text, by, now);
            rows.update_policy(version, || row, |_| ());
        }
        Event::PolicyActivated { version, retired, ref by } => {
            if let Some(retired) = retired {
                rows.update_policy(retired, unknown(retired), |row| {
                    row.status = PolicyStatus::Retired
                });
            }
            rows.update_policy(version, unknown(version), |row| {
                row.status = PolicyStatus::Active;
                (row.activated_by, row.activated_at) = ((**by).into(), now);
            });
        }
        Event::PolicyShadowed { was, version } => {
            if let Some(was) = was {
                rows.update_policy(was, unknown(was), |row| {
                    let activated = row.activated_at != 0;
                    row.status =
                        if activated { PolicyStatus::Retired } else { PolicyStatus::Draft };
                });
            }
            if let Some(version) = version {
                rows.update_policy(version, unknown(version), |row| {
                    row.status = PolicyStatus::Shadow
                });
            }
        }
        _ => unreachable!("only called for policies"),
    }
}

fn move_reserved(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    match *event {
        Event::Reserved {
            reservation,
            slot,
            order_id,
            amount,
            expires_at,
            ref details,
            channel,
        } => {
            rows.add_reservation(Reservation {
                id: reservation,
                slot,
                order_id: order_id.into(),
                open: amount,
                captured: 0,
                released: 0,
                expired: 0,
                expires_at,
                created_at: now,
                closed_at: 0,
                captures: Captures::default(),
                details: details.clone(),
                channel: channel.into(),
            });
            rows.add(slot, &Counters { reserved: amount, ..Counters::NONE });
        }
        Event::Grown { reservation, amount } => {
            let slot = update(rows, now, reservation, |r| r.open += amount);
            rows.add(slot, &Counters { reserved: amount, ..Counters::NONE });
        }
        Event::Captured { reservation, invoice_id, amount, dates } => {
            let slot = capture(rows, now, reservation, invoice_id, amount, false);
            let change = Counters { reserved: -amount, captured: amount, ..Counters::NONE };
            rows.add(slot, &change);
            update_item(rows, now, slot, invoice_id, |item| {
                item.captured += amount;
                if let Some(dates) = dates {
                    item.set_dates(dates);
                }
            });
        }
        Event::Billed { reservation, invoice_id, amount, by_ledger } => {
            let slot = capture(rows, now, reservation, invoice_id, amount, by_ledger);
            rows.add(slot, &Counters { reserved: -amount, ..Counters::NONE });
        }
        Event::Acknowledged { reservation, invoice_id } => {
            rows.acknowledge_capture(reservation, invoice_id);
        }
        Event::Released { reservation, amount } => {
            let slot = update(rows, now, reservation, |r| {
                r.open -= amount;
                r.released += amount;
            });
            rows.add(slot, &Counters { reserved: -amount, ..Counters::NONE });
        }
        Event::Expired { reservation, amount } => {
            let slot = update(rows, now, reservation, |r| {
                r.open -= amount;
                r.expired += amount;
            });
            rows.add(slot, &Counters { reserved: -amount, ..Counters::NONE });
        }
        Event::ExpirySet { reservation, expires_at } => {
            rows.update_reservation(reservation, |r| r.expires_at = expires_at);
        }
        Event::Breached { .. } => {}
        _ => unreachable!("apply sends every other event elsewhere"),
    }
}

#[cold]
fn move_counting(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    let (Event::OrderMoved { reservation, .. }
    | Event::Counted { reservation, .. }
    | Event::Revalued { reservation, .. }) = *event
    else {
        unreachable!("only called for what does not count as it is");
    };
    let mut counted = 0;
    let slot = update(rows, now, reservation, |r| {
        let counting = r.details.as_mut().and_then(|details| details.counting.as_mut());
        // Rows of other accounts may stand in for one that is not kept.
        let Some(counting) = counting else { return };
        match *event {
            Event::OrderMoved { ref change, .. } => counting.parts.add(change),
            Event::Counted { amount, .. } => {
                counting.waiting = Waiting::Over;
                counted = amount;
            }
            Event::Revalued { amount, ref quote, inverted, .. } => {
                if let Some(exchange) = &mut counting.exchange {
                    exchange.quote = quote.clone();
                    exchange.inverted = inverted;
                }
                counted = amount;
            }
            _ => unreachable!("only called for what does not count as it is"),
        }
        r.open += counted;
    });
    if counted != 0 {
        rows.add(slot, &Counters { reserved: counted, ..Counters::NONE });
    }
}

fn move_outstanding(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    match *event {
        Event::Claimed { slot, invoice_id, amount } => {
            rows.add(slot, &Counters { captured: -amount, ..Counters::NONE });
            update_item(rows, now, slot, invoice_id, |item| item.captured -= amount);
        }
        Event::ItemPosted { slot, invoice_id, amount, order_id, issued, due, grace_days } => {
            rows.add(slot, &Counters { outstanding: amount, ..Counters::NONE });
            update_item(rows, now, slot, invoice_id, |item| {
                item.open += amount;
                item.posted = true;
                item.order_id = order_id.map(Into::into);
                item.issued = issued.or(item.issued);
                item.due = due.or(item.due);
                if grace_days > 0 {
                    item.grace_days = grace_days;
                }
            });
        }
        Event::ItemMoved { slot, invoice_id, amount } => {
            rows.add(slot, &Counters { outstanding: amount, ..Counters::NONE });
            update_item(rows, now, slot, invoice_id, |item| item.open += amount);
        }
        Event::ItemDisputed { slot, invoice_id, amount } => {
            // No more is owed, but more may be available: the account has changed.
            rows.add(slot, &Counters::NONE);
            update_item(rows, now, slot, invoice_id, |item| item.disputed = amount);
        }
        Event::UnallocatedMoved { slot, amount } => {
            let change = Counters { outstanding: amount, unallocated: amount, ..Counters::NONE };
            rows.add(slot, &change);
        }
        _ => unreachable!("apply sends every other event elsewhere"),
    }
}

/// Changes a reservation and notes when it closed; returns whose it is.
fn update(
    rows: &mut impl Rows,
    now: Micros,
    id: ReservationId,
    change: impl FnOnce(&mut Reservation),
) -> Slot {
    rows.update_reservation(id, |reservation| {
        change(reservation);
        debug_assert!(reservation.open >= 0, "reservation {id} holds less than nothing");
        reservation.closed_at = match (reservation.is_open(), reservation.closed_at) {
            (true, _) => 0,
            (false, 0) => now,
            (false, since) => since,
        };
        reservation.slot
    })
}

fn capture(
    rows: &mut impl Rows,
    now: Micros,
    id: ReservationId,
    invoice_id: &str,
    amount: i64,
    by_ledger: bool,
) -> Slot {
    rows.add_capture(id, Capture { invoice_id: invoice_id.into(), amount, by_ledger });
    update(rows, now, id, |reservation| {
        reservation.open -= amount;
        reservation.captured += amount;
    })
}

fn update_item(
    rows: &mut impl Rows,
    now: Micros,
    slot: Slot,
    invoice_id: &str,
    change: impl FnOnce(&mut Item),
) {
    rows.update_item(
        slot,
        invoice_id,
        || Item::new(slot, invoice_id, now),
        |item| {
            change(item);
            item.settled_at = match (item.is_settled(), item.settled_at) {
                (false, _) => 0,
                (true, 0) => now,
                (true, since) => since,
            };
        },
    );
}
