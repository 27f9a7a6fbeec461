//! A state made of the tables' rows, on all cores: each thread decodes rows and puts them back
//! itself, for to hand millions of rows from one core to another costs as much as to read them.

use std::ops::Range;
use std::thread;

use creditgate_engine::model::{Adjustments, Case, Delegation, Item, Reservation, Source};
use creditgate_engine::policy::PolicyRow;
use creditgate_engine::rates::Quote;
use creditgate_engine::state::{
    AccountRows, Restore, RestoreAccounts, RestoreItems, RestoreReservations, State,
};
use creditgate_engine::terms::{Assignee, Calendar, NamedTerms};
use creditgate_engine::values::{Currency, Slot, TermsIndex};

use crate::ahead;
use crate::error::StoreError;
use crate::tables::{Tables, assignment_key, delegation_key, item_key, rate_key};

/// Puts every row into a new state.
pub(crate) fn load(tables: &Tables) -> Result<State, StoreError> {
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    let mut state = State::default();
    for row in tables.segments.iter(&rtxn).map_err(lmdb)? {
        let (index, row) = row.map_err(lmdb)?;
        if index as usize != state.segments().len() {
            return Err(tables.bad_row(format!("segment {index} follows a gap")));
        }
        state.restore_segment(tables.decode("segments", row)?);
    }
    for row in tables.sources.iter(&rtxn).map_err(lmdb)? {
        let (source, row) = row.map_err(lmdb)?;
        let (position, heard_at) = tables.decode("sources", row)?;
        state.restore_source(source, Source { position, heard_at });
    }
    for row in tables.reconciliations.iter(&rtxn).map_err(lmdb)? {
        let (source, row) = row.map_err(lmdb)?;
        state.restore_reconciliation(source, tables.decode("reconciliations", row)?);
    }
    load_payment_terms(tables, &mut state)?;
    load_rates(tables, &mut state)?;
    let Restore { accounts, reservations, items } = state.restore();
    thread::scope(|scope| {
        let reservations = scope.spawn(|| load_reservations(tables, reservations));
        let items = scope.spawn(|| load_items(tables, items));
        load_accounts(tables, accounts)?;
        reservations.join().expect("loading does not panic")?;
        items.join().expect("loading does not panic")
    })?;
    if !state.add_up() || state.sums() != tables.sums(&rtxn)? {
        return Err(tables.bad_row("the rows are not what all of them amounted to".to_owned()));
    }
    if !has_assignees(&state) {
        return Err(tables.bad_row("terms are assigned to nobody that there is".to_owned()));
    }
    if !state.sum_up() {
        return Err(tables.bad_row("an account is its own ancestor".to_owned()));
    }
    load_policies(tables, &mut state)?;
    load_cases(tables, &mut state)?;
    Ok(state)
}

/// Versions of the policy, after all that they name; and what they have to know of accounts.
fn load_policies(tables: &Tables, state: &mut State) -> Result<(), StoreError> {
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    for row in tables.policies.iter(&rtxn).map_err(lmdb)? {
        let (version, row) = row.map_err(lmdb)?;
        let row: PolicyRow = tables.decode("policies", row)?;
        if row.version != version || version != state.policies().next_version() {
            return Err(tables.bad_row(format!("policy {version} follows a gap")));
        }
        state.restore_policy(row);
    }
    for row in tables.watches.iter(&rtxn).map_err(lmdb)? {
        let (slot, row) = row.map_err(lmdb)?;
        if slot as usize >= state.account_count() {
            return Err(tables.bad_row(format!("slot {slot} is watched and is no account's")));
        }
        state.restore_watch(slot, tables.decode("watches", row)?);
    }
    Ok(())
}

fn load_rates(tables: &Tables, state: &mut State) -> Result<(), StoreError> {
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    for row in tables.rates.iter(&rtxn).map_err(lmdb)? {
        let (key, row) = row.map_err(lmdb)?;
        let (base, currency, quote): (Currency, Currency, Quote) = tables.decode("rates", row)?;
        if rate_key(base, currency) != key {
            return Err(tables.bad_row(format!("rate {key:?} is another in its row")));
        }
        state.restore_rates().set((base, currency), Some(quote));
    }
    Ok(())
}

/// Cases, who may sign in whose place, and adjustments that wait.
fn load_cases(tables: &Tables, state: &mut State) -> Result<(), StoreError> {
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    for row in tables.cases.iter(&rtxn).map_err(lmdb)? {
        let (id, row) = row.map_err(lmdb)?;
        let case: Case = tables.decode("cases", row)?;
        // The clock would wait for ever to end or to forget it.
        let is_sound = !case.is_pending() || case.closed_at == 0;
        if case.id != id || case.slot as usize >= state.account_count() || !is_sound {
            return Err(tables.bad_row(format!("case {id} is another in its row")));
        }
        state.restore_cases().restore(case);
    }
    for row in tables.delegations.iter(&rtxn).map_err(lmdb)? {
        let (key, row) = row.map_err(lmdb)?;
        let delegation: Delegation = tables.decode("delegations", row)?;
        if delegation_key(&delegation.from, &delegation.to) != key {
            return Err(tables.bad_row(format!("delegation {key:?} is another in its row")));
        }
        state.restore_cases().restore_delegation(delegation);
    }
    for row in tables.adjustments.iter(&rtxn).map_err(lmdb)? {
        let (id, row) = row.map_err(lmdb)?;
        let adjustments: Adjustments = tables.decode("adjustments", row)?;
        if adjustments.id != id {
            return Err(tables.bad_row(format!("adjustments {id} are others in their row")));
        }
        state.restore_adjustments(adjustments);
    }
    Ok(())
}

/// Named terms, calendars, and to whom terms are assigned.
fn load_payment_terms(tables: &Tables, state: &mut State) -> Result<(), StoreError> {
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    let gap = |what, index| tables.bad_row(format!("{what} {index} follows a gap"));
    let all = state.restore_payment_terms();
    for row in tables.calendars.iter(&rtxn).map_err(lmdb)? {
        let (index, row) = row.map_err(lmdb)?;
        let calendar: Calendar = tables.decode("calendars", row)?;
        if index as usize != all.calendars().len() {
            return Err(gap("calendar", index));
        }
        all.set_calendar(index, calendar);
    }
    for row in tables.terms.iter(&rtxn).map_err(lmdb)? {
        let (index, row) = row.map_err(lmdb)?;
        let terms: NamedTerms = tables.decode("terms", row)?;
        if index as usize != all.terms().len() {
            return Err(gap("terms", index));
        }
        if terms.calendar.is_some_and(|calendar| calendar as usize >= all.calendars().len()) {
            return Err(tables.bad_row(format!("the calendar of terms {index} is missing")));
        }
        all.set_terms(index, terms);
    }
    for row in tables.assignments.iter(&rtxn).map_err(lmdb)? {
        let (key, row) = row.map_err(lmdb)?;
        let (assignee, terms): (Assignee, TermsIndex) = tables.decode("assignments", row)?;
        if assignment_key(&assignee) != key || terms as usize >= all.terms().len() {
            return Err(tables.bad_row(format!("assignment {key:?} is another in its row")));
        }
        all.assign(assignee, Some(terms));
    }
    Ok(())
}

fn has_assignees(state: &State) -> bool {
    state.payment_terms().assignments().all(|(assignee, _)| match *assignee {
        Assignee::Segment(segment) => (segment as usize) < state.segments().len(),
        Assignee::Account(slot) | Assignee::Contract(slot, _) => {
            (slot as usize) < state.account_count()
        }
    })
}

fn load_accounts(tables: &Tables, mut accounts: RestoreAccounts<'_>) -> Result<(), StoreError> {
    let (rtxn, lmdb, threads) = (tables.read_txn()?, tables.lmdb(), ahead::cores());
    // The count alone would be believed by nobody who reads up to it.
    let last = tables.accounts.last(&rtxn).map_err(lmdb)?.map(|(slot, _)| slot);
    let count = last.map_or(0, |slot| u64::from(slot) + 1);
    let counted = tables.accounts.len(&rtxn).map_err(lmdb)?;
    let Some(count) = Slot::try_from(count).ok().filter(|_| count == counted) else {
        return Err(tables.bad_row(format!("{counted} accounts, the last one in slot {last:?}")));
    };
    let each = (count as usize).div_ceil(threads).next_multiple_of(AccountRows::PART).max(1);
    let parts: Result<Vec<_>, StoreError> = thread::scope(|scope| {
        let starts = (0..count).step_by(each);
        let parts = starts.map(|start| start..count.min(start.saturating_add(each as Slot)));
        let running = Vec::from_iter(parts.map(|part| scope.spawn(|| account_rows(tables, part))));
        running.into_iter().map(|part| part.join().expect("loading does not panic")).collect()
    });
    accounts.extend(parts?, threads);
    Ok(())
}

/// The accounts in these slots, every one of which is taken.
fn account_rows(tables: &Tables, slots: Range<Slot>) -> Result<AccountRows, StoreError> {
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    let mut rows = AccountRows::default();
    let mut found = tables.accounts.range(&rtxn, &slots).map_err(lmdb)?;
    for expected in slots.clone() {
        match found.next().transpose().map_err(lmdb)? {
            Some((slot, row)) if slot == expected => {
                let (account, unallocated) = tables.decode("accounts", row)?;
                rows.push(account, unallocated);
            }
            _ => return Err(tables.bad_row(format!("account {expected} is missing"))),
        }
    }
    Ok(rows)
}

fn load_reservations(
    tables: &Tables,
    mut reservations: RestoreReservations<'_>,
) -> Result<(), StoreError> {
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    let count = tables.reservations.len(&rtxn).map_err(lmdb)?;
    let by_account = tables.reservations_by_account.len(&rtxn).map_err(lmdb)?;
    if by_account != count {
        return Err(tables.bad_row(format!("{count} reservations, {by_account} by account")));
    }
    reservations.reserve(room_for(tables, count)?);
    for row in tables.reservations.iter(&rtxn).map_err(lmdb)? {
        let (id, row) = row.map_err(lmdb)?;
        let reservation: Reservation = tables.decode("reservations", row)?;
        if reservation.id != id {
            return Err(tables.bad_row(format!("reservation {id} is another in its row")));
        }
        // The clock would wait for ever to forget what is open.
        if reservation.is_open() && reservation.closed_at != 0 {
            return Err(tables.bad_row(format!("reservation {id} is open and was closed")));
        }
        reservations.push(reservation);
    }
    Ok(())
}

fn load_items(tables: &Tables, mut items: RestoreItems<'_>) -> Result<(), StoreError> {
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    let count = tables.items.len(&rtxn).map_err(lmdb)?;
    items.reserve(room_for(tables, count)?);
    for row in tables.items.iter(&rtxn).map_err(lmdb)? {
        let (key, row) = row.map_err(lmdb)?;
        let item: Item = tables.decode("items", row)?;
        if item_key(item.slot, &item.invoice_id) != key {
            return Err(tables.bad_row(format!("item {key:?} is another in its row")));
        }
        if !item.is_settled() && item.settled_at != 0 {
            return Err(tables.bad_row(format!("item {key:?} is unpaid and was settled")));
        }
        items.push(&item);
    }
    Ok(())
}

/// A count of rows as LMDB keeps it, which nobody has checked: none takes less than a byte.
fn room_for(tables: &Tables, count: u64) -> Result<usize, StoreError> {
    match usize::try_from(count) {
        Ok(room) if count <= tables.size_bytes()? => Ok(room),
        _ => Err(tables.bad_row(format!("{count} rows, more than fit"))),
    }
}
