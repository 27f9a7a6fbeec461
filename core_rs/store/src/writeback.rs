//! Rows that changed since the tables were last written: where the follower's `apply` writes.

use std::collections::BTreeMap;

use creditgate_engine::model::{
    Account, Adjustments, Capture, Case, CaseId, Counters, Delegation, Item, Noted, Reconciliation,
    Reservation, Segment, Source, Watch,
};
use creditgate_engine::policy::{PolicyRow, PolicyVersion};
use creditgate_engine::rates::Quote;
use creditgate_engine::rows::Rows;
use creditgate_engine::state::Sums;
use creditgate_engine::terms::{Assignee, Calendar, NamedTerms};
use creditgate_engine::values::{
    CalendarIndex, Currency, Minor, ProposalId, ReservationId, SegmentIndex, Slot, TermsIndex,
};

use heed::{PutFlags, RwTxn};
use serde::Serialize;

use crate::commit;
use crate::error::StoreError;
use crate::tables::{
    Tables, TablesTxn, assignment_key, by_account_key, delegation_key, item_key, rate_key,
};

/// Changed rows; `None` where one was removed. Written in order of their keys, as LMDB likes it.
#[derive(Default)]
pub(crate) struct Changes {
    /// Each with its unallocated money.
    accounts: BTreeMap<Slot, (Account, Minor)>,
    /// What all counters have changed by.
    sums: Sums,
    reservations: BTreeMap<ReservationId, Option<Reservation>>,
    items: BTreeMap<Vec<u8>, Option<Item>>,
    segments: BTreeMap<SegmentIndex, Segment>,
    terms: BTreeMap<TermsIndex, NamedTerms>,
    calendars: BTreeMap<CalendarIndex, Calendar>,
    assignments: BTreeMap<Assignee, Option<TermsIndex>>,
    policies: BTreeMap<PolicyVersion, PolicyRow>,
    /// What was noted, in its order: a row is read and written once for all of it.
    watches: Vec<(Slot, Noted)>,
    rates: BTreeMap<(Currency, Currency), Quote>,
    sources: BTreeMap<Box<str>, Source>,
    reconciliations: BTreeMap<Box<str>, Reconciliation>,
    cases: BTreeMap<CaseId, Option<Case>>,
    /// By their keys.
    delegations: BTreeMap<Vec<u8>, Option<Delegation>>,
    adjustments: BTreeMap<ProposalId, Option<Adjustments>>,
    /// Slots of removed reservations, whose index entries go too.
    removed: Vec<(Slot, ReservationId)>,
}

impl Changes {
    pub(crate) fn len(&self) -> usize {
        self.accounts.len()
            + self.reservations.len()
            + self.items.len()
            + self.segments.len()
            + self.terms.len()
            + self.calendars.len()
            + self.assignments.len()
            + self.policies.len()
            + self.watches.len()
            + self.rates.len()
            + self.cases.len()
            + self.delegations.len()
            + self.adjustments.len()
            + self.sources.len()
            + self.reconciliations.len()
    }

    /// Writes all rows; on an error the transaction is to be dropped.
    pub(crate) fn write(
        &mut self,
        tables: &Tables,
        wtxn: &mut RwTxn<'_>,
    ) -> Result<(), StoreError> {
        tables.set_sums(wtxn, tables.sums(wtxn)? + self.sums)?;
        self.write_watches(tables, wtxn)?;
        self.write_all(tables, wtxn).map_err(tables.lmdb())
    }

    /// In order of slots, so that each page is looked for once: there may be as many rows as
    /// orders.
    fn write_watches(&mut self, tables: &Tables, wtxn: &mut RwTxn<'_>) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        // What was noted of one account stays in its order.
        self.watches.sort_by_key(|(slot, _)| *slot);
        for noted in self.watches.chunk_by(|(a, _), (b, _)| a == b) {
            let slot = noted[0].0;
            let mut row = tables.watch(wtxn, slot)?.unwrap_or_default();
            noted.iter().for_each(|(_, noted)| row.note(*noted));
            let written = match row == Watch::NONE {
                true => tables.watches.delete(wtxn, &slot).map(drop),
                false => tables.watches.put(wtxn, &slot, encode(&mut bytes, &row)),
            };
            written.map_err(tables.lmdb())?;
        }
        Ok(())
    }

    fn write_all(&self, tables: &Tables, wtxn: &mut RwTxn<'_>) -> heed::Result<()> {
        let mut bytes = Vec::new();
        for (slot, row) in &self.accounts {
            tables.accounts.put(wtxn, slot, encode(&mut bytes, row))?;
        }
        self.write_reservations(tables, wtxn)?;
        for (key, row) in &self.items {
            match row {
                Some(row) => tables.items.put(wtxn, key, encode(&mut bytes, row))?,
                None => drop(tables.items.delete(wtxn, key)?),
            }
        }
        for (index, row) in &self.segments {
            tables.segments.put(wtxn, index, encode(&mut bytes, row))?;
        }
        self.write_payment_terms(tables, wtxn)?;
        for (version, row) in &self.policies {
            tables.policies.put(wtxn, version, encode(&mut bytes, row))?;
        }
        for ((base, currency), quote) in &self.rates {
            let row = encode(&mut bytes, &(base, currency, quote));
            tables.rates.put(wtxn, &rate_key(*base, *currency), row)?;
        }
        for (source, Source { position, heard_at }) in &self.sources {
            tables.sources.put(wtxn, source, encode(&mut bytes, &(position, heard_at)))?;
        }
        for (source, row) in &self.reconciliations {
            tables.reconciliations.put(wtxn, source, encode(&mut bytes, row))?;
        }
        self.write_cases(tables, wtxn)?;
        Ok(())
    }

    fn write_cases(&self, tables: &Tables, wtxn: &mut RwTxn<'_>) -> heed::Result<()> {
        let mut bytes = Vec::new();
        for (id, row) in &self.cases {
            match row {
                Some(row) => tables.cases.put(wtxn, id, encode(&mut bytes, row))?,
                None => drop(tables.cases.delete(wtxn, id)?),
            }
        }
        for (key, row) in &self.delegations {
            match row {
                Some(row) => tables.delegations.put(wtxn, key, encode(&mut bytes, row))?,
                None => drop(tables.delegations.delete(wtxn, key)?),
            }
        }
        for (id, row) in &self.adjustments {
            match row {
                Some(row) => tables.adjustments.put(wtxn, id, encode(&mut bytes, row))?,
                None => drop(tables.adjustments.delete(wtxn, id)?),
            }
        }
        Ok(())
    }

    fn write_payment_terms(&self, tables: &Tables, wtxn: &mut RwTxn<'_>) -> heed::Result<()> {
        let mut bytes = Vec::new();
        for (index, row) in &self.terms {
            tables.terms.put(wtxn, index, encode(&mut bytes, row))?;
        }
        for (index, row) in &self.calendars {
            tables.calendars.put(wtxn, index, encode(&mut bytes, row))?;
        }
        for (assignee, terms) in &self.assignments {
            let key = assignment_key(assignee);
            match terms {
                Some(terms) => {
                    let row = encode(&mut bytes, &(assignee, terms));
                    tables.assignments.put(wtxn, &key, row)?;
                }
                None => drop(tables.assignments.delete(wtxn, &key)?),
            }
        }
        Ok(())
    }

    /// Nearly all are new, and come behind those that are there.
    fn write_reservations(&self, tables: &Tables, wtxn: &mut RwTxn<'_>) -> heed::Result<()> {
        let last = tables.reservations.last(wtxn)?.map_or(0, |(id, _)| id);
        let mut bytes = Vec::new();
        let mut added = Vec::new();
        for (id, row) in &self.reservations {
            let Some(row) = row else {
                tables.reservations.delete(wtxn, id)?;
                continue;
            };
            let is_new = *id > last;
            let flags = if is_new { PutFlags::APPEND } else { PutFlags::empty() };
            tables.reservations.put_with_flags(wtxn, flags, id, encode(&mut bytes, row))?;
            if is_new {
                added.push(by_account_key(row.slot, *id));
            }
        }
        for (slot, id) in &self.removed {
            tables.reservations_by_account.delete(wtxn, &by_account_key(*slot, *id))?;
        }
        added.sort_unstable();
        for key in added {
            tables.reservations_by_account.put(wtxn, &key, &())?;
        }
        Ok(())
    }
}

/// A row in msgpack, in a buffer that all rows share.
fn encode<'b, T: Serialize>(bytes: &'b mut Vec<u8>, row: &T) -> &'b [u8] {
    bytes.clear();
    commit::append(bytes, row);
    bytes
}

/// Changes on top of the tables. A row is read when it is first touched.
///
/// `Rows` cannot fail, reading can: the first error is kept, what follows it works on stand-ins,
/// and the caller throws all changes away.
pub(crate) struct Overlay<'t> {
    pub(crate) below: TablesTxn<'t>,
    pub(crate) changes: &'t mut Changes,
    error: Option<StoreError>,
    /// What the last account's counters have changed by.
    change: (Slot, Counters),
}

impl<'t> Overlay<'t> {
    pub(crate) fn new(below: TablesTxn<'t>, changes: &'t mut Changes) -> Overlay<'t> {
        Overlay { below, changes, error: None, change: Default::default() }
    }

    /// Whether everything could be read.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        self.take_change();
        self.error.map_or(Ok(()), Err)
    }

    /// Adds what the last account's counters have changed by to where it belongs.
    fn take_change(&mut self) {
        let (slot, change) = std::mem::take(&mut self.change);
        self.changes.sums.note(slot, &change);
        if change.unallocated != 0 {
            self.has_account(slot);
            match self.changes.accounts.get_mut(&slot) {
                Some((_, unallocated)) => *unallocated += change.unallocated,
                None => self.note_missing(format_args!("account {slot}")),
            }
        }
    }

    /// Keeps the first error.
    fn note<T: Default>(&mut self, read: Result<T, StoreError>) -> T {
        read.unwrap_or_else(|error| {
            self.error.get_or_insert(error);
            T::default()
        })
    }

    fn note_missing(&mut self, what: std::fmt::Arguments<'_>) {
        let error = self.below.tables.bad_row(format!("{what} is missing"));
        self.error.get_or_insert(error);
    }

    fn has_account(&mut self, slot: Slot) -> bool {
        if self.changes.accounts.contains_key(&slot) {
            return true;
        }
        let read = self.below.account(slot);
        let Some(row) = self.note(read) else { return false };
        self.changes.accounts.insert(slot, row);
        true
    }

    fn take_reservation(&mut self, id: ReservationId) -> Reservation {
        let changed = self.changes.reservations.remove(&id);
        let found = changed.unwrap_or_else(|| {
            let read = self.below.reservation(id);
            self.note(read)
        });
        found.unwrap_or_else(|| {
            self.note_missing(format_args!("reservation {id}"));
            Reservation::empty(id, 0, "", 0)
        })
    }
}

impl Rows for Overlay<'_> {
    fn add(&mut self, slot: Slot, change: &Counters) {
        if self.change.0 != slot {
            self.take_change();
            self.change.0 = slot;
        }
        self.change.1.add(change);
    }

    fn add_account(&mut self, slot: Slot, account: Account) {
        self.changes.accounts.insert(slot, (account, 0));
    }

    fn update_account<R>(&mut self, slot: Slot, f: impl FnOnce(&mut Account) -> R) -> Option<R> {
        self.has_account(slot);
        self.changes.accounts.get_mut(&slot).map(|(account, _)| f(account))
    }

    fn add_reservation(&mut self, reservation: Reservation) {
        self.changes.reservations.insert(reservation.id, Some(reservation));
    }

    fn update_reservation<R>(
        &mut self,
        id: ReservationId,
        f: impl FnOnce(&mut Reservation) -> R,
    ) -> R {
        let mut reservation = self.take_reservation(id);
        let result = f(&mut reservation);
        self.changes.reservations.insert(id, Some(reservation));
        result
    }

    fn add_capture(&mut self, id: ReservationId, capture: Capture) {
        self.update_reservation(id, |row| row.captures.push(capture));
    }

    fn acknowledge_capture(&mut self, id: ReservationId, invoice_id: &str) {
        self.update_reservation(id, |row| row.captures.acknowledge(invoice_id, |_| ()));
    }

    fn remove_reservation(&mut self, id: ReservationId) {
        let reservation = self.take_reservation(id);
        self.changes.removed.push((reservation.slot, id));
        self.changes.reservations.insert(id, None);
    }

    fn update_item(
        &mut self,
        slot: Slot,
        invoice_id: &str,
        new: impl FnOnce() -> Item,
        f: impl FnOnce(&mut Item),
    ) {
        let key = item_key(slot, invoice_id);
        let found = self.changes.items.remove(&key).unwrap_or_else(|| {
            let read = self.below.item(slot, invoice_id);
            self.note(read)
        });
        let mut item = found.unwrap_or_else(new);
        f(&mut item);
        self.changes.items.insert(key, Some(item));
    }

    fn remove_item(&mut self, slot: Slot, invoice_id: &str) {
        self.changes.items.insert(item_key(slot, invoice_id), None);
    }

    fn update_segment(
        &mut self,
        index: SegmentIndex,
        new: impl FnOnce() -> Segment,
        f: impl FnOnce(&mut Segment),
    ) {
        let found = self.changes.segments.remove(&index).or_else(|| {
            let read = self.below.segment(index);
            self.note(read)
        });
        let mut segment = found.unwrap_or_else(new);
        f(&mut segment);
        self.changes.segments.insert(index, segment);
    }

    fn set_terms(&mut self, index: TermsIndex, terms: NamedTerms) {
        self.changes.terms.insert(index, terms);
    }

    fn set_calendar(&mut self, index: CalendarIndex, calendar: Calendar) {
        self.changes.calendars.insert(index, calendar);
    }

    fn assign_terms(&mut self, assignee: Assignee, terms: Option<TermsIndex>) {
        self.changes.assignments.insert(assignee, terms);
    }

    fn update_policy(
        &mut self,
        version: PolicyVersion,
        new: impl FnOnce() -> PolicyRow,
        f: impl FnOnce(&mut PolicyRow),
    ) {
        let found = self.changes.policies.remove(&version).or_else(|| {
            let read = self.below.policy(version);
            self.note(read)
        });
        let mut row = found.unwrap_or_else(new);
        f(&mut row);
        self.changes.policies.insert(version, row);
    }

    fn note_watch(&mut self, slot: Slot, noted: Noted) {
        self.changes.watches.push((slot, noted));
    }

    fn set_rate(&mut self, base: Currency, currency: Currency, quote: Quote) {
        self.changes.rates.insert((base, currency), quote);
    }

    fn set_case(&mut self, id: CaseId, case: Option<Case>) {
        self.changes.cases.insert(id, case);
    }

    fn update_case(&mut self, id: CaseId, f: impl FnOnce(&mut Case)) {
        let found = self.changes.cases.remove(&id).unwrap_or_else(|| {
            let read = self.below.case(id);
            self.note(read)
        });
        let Some(mut case) = found else {
            self.note_missing(format_args!("case {id}"));
            return;
        };
        f(&mut case);
        self.changes.cases.insert(id, Some(case));
    }

    fn set_delegation(&mut self, from: &str, to: &str, delegation: Option<Delegation>) {
        self.changes.delegations.insert(delegation_key(from, to), delegation);
    }

    fn set_adjustments(&mut self, id: ProposalId, row: Option<Adjustments>) {
        self.changes.adjustments.insert(id, row);
    }

    fn set_reconciliation(&mut self, source: &str, row: Reconciliation) {
        self.changes.reconciliations.insert(source.into(), row);
    }

    fn set_source(&mut self, source: &str, row: Source) {
        self.changes.sources.insert(source.into(), row);
    }
}

#[cfg(test)]
mod tests;
