//! The journal added up again, entry by entry, with what each entry changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use creditgate_engine::apply::apply;
use creditgate_engine::bounds::EXPOSURE_MINOR_MAX;
use creditgate_engine::command::Command;
use creditgate_engine::entry::Entry;
use creditgate_engine::event::Event;
use creditgate_engine::model::{
    Account, Adjustments, Capture, Case, CaseId, Counters, Delegation, Item, Noted, Reconciliation,
    Reservation, Segment, Source,
};
use creditgate_engine::outcome::{Outcome, ReservationView};
use creditgate_engine::policy::{PolicyRow, PolicyVersion};
use creditgate_engine::rates::Quote;
use creditgate_engine::rows::Rows;
use creditgate_engine::terms::{Assignee, Calendar, NamedTerms};
use creditgate_engine::values::{
    CalendarIndex, Currency, Id, Limit, LimitKind, Micros, ProposalId, ReservationId, SegmentIndex,
    Seq, Slot, TermsIndex,
};

use crate::changes::books::change::change;
use crate::wire;
use crate::wire::reply;
use crate::wire::v1;
use crate::wire::v1::record::Of;

mod change;

/// Rows of all accounts, or of one, after some entry. Whatever `apply` touches is noted as it was
/// before, so that an event of any kind shows what it changed.
#[derive(Default)]
pub(crate) struct Books {
    /// Whose rows are kept; all, where none is named.
    only: Option<(Slot, Id)>,
    accounts: HashMap<Slot, Account>,
    counters: HashMap<Slot, Counters>,
    reservations: HashMap<ReservationId, Reservation>,
    segments: HashMap<SegmentIndex, Segment>,
    rates: HashMap<(Currency, Currency), Quote>,
    /// Ids of parents whose rows are not kept.
    parents: HashMap<Slot, Id>,
    terms: HashMap<TermsIndex, NamedTerms>,
    calendars: HashMap<CalendarIndex, Calendar>,
    assigned: BTreeMap<Assignee, TermsIndex>,
    policies: HashMap<PolicyVersion, PolicyRow>,
    /// In which band of utilisation accounts are; zero is none.
    bands: HashMap<Slot, u16>,
    cases: HashMap<CaseId, Case>,
    /// By whose authority it is, and who may sign with it.
    delegations: HashMap<(Id, Id), Delegation>,
    adjustments: HashMap<ProposalId, Adjustments>,
    reconciliations: HashMap<Box<str>, Reconciliation>,
    /// What the entry at hand changes of rows that are no account's, beside `touched`.
    told: Vec<v1::RecordChange>,
    /// What the entry at hand touches, as it was before; nothing is noted where nobody asks.
    touched: Option<Vec<(Key, Option<Row>)>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Account(Slot),
    Counters(Slot),
    Reservation(ReservationId),
    Segment(SegmentIndex),
    Case(CaseId),
}

#[derive(Clone, PartialEq, Eq)]
enum Row {
    Account(Account),
    Counters(Counters),
    Reservation(Reservation),
    Segment(Segment),
    Case(Box<Case>),
}

impl Books {
    /// Books of one account, or of all.
    pub(crate) fn new(only: Option<(Slot, Id)>) -> Books {
        Books { only, ..Books::default() }
    }

    /// Adds an entry up.
    pub(crate) fn pass(&mut self, time: Micros, entry: &Entry<'_>) {
        self.learn_parent(entry);
        for event in &entry.events {
            apply(self, time, event);
        }
    }

    /// Adds an entry up and says what it changed; `None` where it is not of the account.
    pub(crate) fn take(&mut self, seq: Seq, time: Micros, entry: &Entry<'_>) -> Option<v1::Change> {
        self.touched = Some(Vec::new());
        self.pass(time, entry);
        let touched = self.touched.take().unwrap_or_default();
        if matches!(entry.request.command, Command::Housekeep(_)) {
            // What the clock forgets is no change; what it gives back may cross a band.
            self.told.retain(|told| told.is_of_band());
        }
        let mut records: Vec<v1::RecordChange> =
            touched.into_iter().flat_map(|(key, before)| self.changes(key, before)).collect();
        records.append(&mut self.told);
        let accounts = accounts_of(entry);
        let is_of = |(_, id): &(Slot, Id)| accounts.contains(&id.as_str());
        if records.is_empty() && !self.only.as_ref().is_none_or(is_of) {
            return None;
        }
        let account_id = match accounts[..] {
            [account_id] => account_id.to_owned(),
            _ => String::new(),
        };
        Some(change(seq, time, entry, account_id, records))
    }

    fn keeps(&self, slot: Slot) -> bool {
        self.only.as_ref().is_none_or(|(only, _)| *only == slot)
    }

    /// The id of a parent whose row is not kept stands where it was set.
    fn learn_parent(&mut self, entry: &Entry<'_>) {
        let (Command::UpsertAccount(command) | Command::SyncAccount(command)) =
            &entry.request.command
        else {
            return;
        };
        for event in &entry.events {
            if let (Event::AccountSet { slot, parent: Some(parent), .. }, Some(id)) =
                (event, command.parent_id)
                && self.only.is_some()
                && self.keeps(*slot)
            {
                self.parents.insert(*parent, id.into());
            }
        }
    }

    fn note(&mut self, key: Key) {
        let Some(touched) = &self.touched else { return };
        if touched.iter().all(|(known, _)| *known != key) {
            let before = self.row(key);
            self.touched.as_mut().expect("it is there").push((key, before));
        }
    }

    fn row(&self, key: Key) -> Option<Row> {
        match key {
            Key::Account(slot) => self.accounts.get(&slot).cloned().map(Row::Account),
            Key::Counters(slot) => {
                Some(Row::Counters(self.counters.get(&slot).copied().unwrap_or_default()))
            }
            Key::Reservation(id) => self.reservations.get(&id).cloned().map(Row::Reservation),
            Key::Segment(index) => self.segments.get(&index).cloned().map(Row::Segment),
            Key::Case(id) => self.cases.get(&id).cloned().map(|case| Row::Case(Box::new(case))),
        }
    }

    /// A row before and after, where it is not the same; of a segment, of each currency.
    fn changes(&self, key: Key, before: Option<Row>) -> Vec<v1::RecordChange> {
        let after = self.row(key);
        if before == after {
            return Vec::new();
        }
        let segment = |row: Option<Row>| match row {
            Some(Row::Segment(segment)) => Some(segment),
            _ => None,
        };
        let slot = match key {
            Key::Segment(index) => {
                return self.segment_changes(index, segment(before), segment(after));
            }
            Key::Account(slot) | Key::Counters(slot) => slot,
            // One that came and went at once leaves nothing to show.
            Key::Reservation(id) => match self.reservations.get(&id) {
                Some(reservation) => reservation.slot,
                None => return Vec::new(),
            },
            Key::Case(id) => match self.cases.get(&id) {
                Some(case) => case.slot,
                None => return Vec::new(),
            },
        };
        let account_id = self.accounts.get(&slot).map(|account| account.id.to_string());
        let record = |row: Option<Row>| row.and_then(|row| self.record(slot, row));
        let (before, after) = (record(before), record(after));
        // What nobody is shown, as the record of an average, is no change to anybody.
        if before == after {
            return Vec::new();
        }
        let account_id = account_id.unwrap_or_default();
        vec![v1::RecordChange { account_id, before, after }]
    }

    /// Notes a row of the whole store, or of an account, that an entry has set.
    fn tell(&mut self, slot: Option<Slot>, before: Option<Of>, after: Option<Of>) {
        let is_shown = slot.map_or(self.only.is_none(), |slot| self.keeps(slot));
        if self.touched.is_none() || !is_shown || before == after {
            return;
        }
        let account = slot.and_then(|slot| self.accounts.get(&slot));
        let account_id = account.map(|account| account.id.to_string()).unwrap_or_default();
        let record = |of: Option<Of>| of.map(|of| v1::Record { of: Some(of) });
        let (before, after) = (record(before), record(after));
        self.told.push(v1::RecordChange { account_id, before, after });
    }

    fn terms_record(&self, index: TermsIndex) -> Option<Of> {
        let found = self.terms.get(&index)?;
        let calendar = found.calendar.and_then(|index| self.calendars.get(&index));
        let calendar_id = calendar.map_or("", |calendar| &calendar.id);
        Some(Of::Terms(wire::terms::terms(found, calendar_id)))
    }

    fn assignment_record(&self, assignee: &Assignee) -> Option<Of> {
        let terms = self.assigned.get(assignee)?;
        let terms_id = self.terms.get(terms)?.id.to_string();
        let account_id = |slot| self.accounts.get(&slot).map(|row| row.id.to_string());
        let segment_id = |index| self.segments.get(&index).map(|row| row.id.to_string());
        Some(Of::Assignment(wire::terms::assignment(
            assignee,
            terms_id,
            |index| segment_id(index).unwrap_or_default(),
            |slot| account_id(slot).unwrap_or_default(),
        )))
    }

    fn segment_changes(
        &self,
        index: SegmentIndex,
        before: Option<Segment>,
        after: Option<Segment>,
    ) -> Vec<v1::RecordChange> {
        if let Some((slot, _)) = &self.only
            && self.accounts.get(slot).and_then(|account| account.segment) != Some(index)
        {
            return Vec::new();
        }
        let rows = [&before, &after].into_iter().flatten();
        let currencies = rows.flat_map(|row| {
            row.defaults.iter().map(|(of, _)| *of).chain(row.caps.iter().map(|(of, _)| *of))
        });
        let mut found = Vec::new();
        for currency in BTreeSet::from_iter(currencies) {
            let record = |row: &Option<Segment>| segment_record(row.as_ref()?, currency);
            let (before, after) = (record(&before), record(&after));
            if before != after {
                found.push(v1::RecordChange { account_id: String::new(), before, after });
            }
        }
        found
    }

    fn record(&self, slot: Slot, row: Row) -> Option<v1::Record> {
        let of = match row {
            Row::Account(account) => {
                let parent = account.parent.and_then(|slot| {
                    self.accounts.get(&slot).map(|row| &row.id).or(self.parents.get(&slot))
                });
                let segment = account.segment.and_then(|index| self.segments.get(&index));
                let parent_id = parent.map_or("", |id| id);
                let segment_id = segment.map_or("", |segment| &segment.id);
                // What has ended by itself stands in the row until the next change: it is shown, as
                // a change is what an entry did, and not what time did.
                let always = Micros::MIN;
                Of::Account(reply::account(account.clone(), parent_id, segment_id, always))
            }
            Row::Counters(counters) => Of::Counters(v1::Counters {
                outstanding_minor: counters.outstanding,
                captured_minor: counters.captured,
                reserved_minor: counters.reserved,
                unallocated_minor: counters.unallocated,
            }),
            Row::Reservation(reservation) => {
                let account = self.accounts.get(&slot)?;
                let view = ReservationView::of(&reservation, &account.id, account.currency);
                Of::Reservation(reply::reservation(view))
            }
            Row::Case(case) => {
                let account = self.accounts.get(&slot)?;
                Of::Case(wire::cases::record(&case, &account.id, account.currency))
            }
            Row::Segment(_) => return None,
        };
        Some(v1::Record { of: Some(of) })
    }
}

/// The accounts that an entry names, or whose reservation it names.
pub(super) fn accounts_of<'e>(entry: &'e Entry<'_>) -> Vec<&'e str> {
    let mut accounts: Vec<&str> = entry.request.command.accounts();
    match &entry.outcome {
        Outcome::Changed(changed) => accounts.push(&changed.reservation.account_id),
        Outcome::Reviewed(reviewed) => accounts.push(&reviewed.account_id),
        Outcome::Retried(all) => accounts.extend(all.iter().map(|one| &*one.account_id)),
        _ => {}
    }
    accounts.dedup();
    accounts
}

fn segment_record(segment: &Segment, currency: Currency) -> Option<v1::Record> {
    let amount = |amount| Limit { kind: LimitKind::Amount(amount), valid_until: None };
    let (limit, cap) = (segment.default_limit(currency), segment.cap(currency));
    if limit.is_none() && cap.is_none() {
        return None;
    }
    let of = Of::Segment(v1::Segment {
        segment_id: segment.id.to_string(),
        currency: currency.to_string(),
        default_limit: limit.map(reply::limit),
        cap: cap.map(|cap| reply::limit(amount(cap))),
    });
    Some(v1::Record { of: Some(of) })
}

impl Rows for Books {
    fn add(&mut self, slot: Slot, change: &Counters) {
        if self.keeps(slot) {
            self.note(Key::Counters(slot));
            self.counters.entry(slot).or_default().add(change);
        }
    }

    fn add_account(&mut self, slot: Slot, account: Account) {
        if self.keeps(slot) {
            self.note(Key::Account(slot));
            self.accounts.insert(slot, account);
        }
    }

    fn update_account<R>(&mut self, slot: Slot, f: impl FnOnce(&mut Account) -> R) -> Option<R> {
        self.note(Key::Account(slot));
        self.accounts.get_mut(&slot).map(f)
    }

    fn add_reservation(&mut self, reservation: Reservation) {
        if self.keeps(reservation.slot) {
            self.note(Key::Reservation(reservation.id));
            self.reservations.insert(reservation.id, reservation);
        }
    }

    fn update_reservation<R>(
        &mut self,
        id: ReservationId,
        f: impl FnOnce(&mut Reservation) -> R,
    ) -> R {
        self.note(Key::Reservation(id));
        match self.reservations.get_mut(&id) {
            Some(reservation) => f(reservation),
            None => f(&mut of_another(id)),
        }
    }

    fn remove_reservation(&mut self, id: ReservationId) {
        self.reservations.remove(&id);
    }

    fn update_segment(
        &mut self,
        segment: SegmentIndex,
        new: impl FnOnce() -> Segment,
        f: impl FnOnce(&mut Segment),
    ) {
        self.note(Key::Segment(segment));
        f(self.segments.entry(segment).or_insert_with(new));
    }

    fn set_terms(&mut self, index: TermsIndex, terms: NamedTerms) {
        let before = self.terms_record(index);
        self.terms.insert(index, terms);
        self.tell(None, before, self.terms_record(index));
    }

    fn set_rate(&mut self, base: Currency, currency: Currency, quote: Quote) {
        let record = |quote: &Quote| Of::Rate(wire::rates::rate(base, currency, quote));
        let after = record(&quote);
        let before = self.rates.insert((base, currency), quote).as_ref().map(record);
        self.tell(None, before, Some(after));
    }

    fn set_calendar(&mut self, index: CalendarIndex, calendar: Calendar) {
        let record = |row: &Calendar| Of::Calendar(wire::terms::calendar(row));
        let after = record(&calendar);
        let before = self.calendars.insert(index, calendar).as_ref().map(record);
        self.tell(None, before, Some(after));
    }

    fn assign_terms(&mut self, assignee: Assignee, terms: Option<TermsIndex>) {
        let slot = match assignee {
            Assignee::Segment(_) => None,
            Assignee::Account(slot) | Assignee::Contract(slot, _) => Some(slot),
        };
        let before = self.assignment_record(&assignee);
        match terms {
            Some(terms) => self.assigned.insert(assignee.clone(), terms),
            None => self.assigned.remove(&assignee),
        };
        self.tell(slot, before, self.assignment_record(&assignee));
    }

    fn update_policy(
        &mut self,
        version: PolicyVersion,
        new: impl FnOnce() -> PolicyRow,
        f: impl FnOnce(&mut PolicyRow),
    ) {
        let record = |row: &PolicyRow| Of::Policy(wire::policy::whole(row));
        let before = self.policies.get(&version).map(record);
        let row = self.policies.entry(version).or_insert_with(new);
        f(row);
        let after = record(row);
        self.tell(None, before, Some(after));
    }

    fn set_case(&mut self, id: CaseId, case: Option<Case>) {
        match case {
            Some(case) if self.keeps(case.slot) => {
                self.note(Key::Case(id));
                self.cases.insert(id, case);
            }
            Some(_) => {}
            // What is forgotten after its time is no change.
            None => drop(self.cases.remove(&id)),
        }
    }

    fn update_case(&mut self, id: CaseId, f: impl FnOnce(&mut Case)) {
        self.note(Key::Case(id));
        if let Some(case) = self.cases.get_mut(&id) {
            f(case);
        }
    }

    fn set_delegation(&mut self, from: &str, to: &str, delegation: Option<Delegation>) {
        let record = |row: &Delegation| Of::Delegation(wire::cases::delegation(row));
        let (after, key) = (delegation.as_ref().map(record), (from.into(), to.into()));
        let before = match delegation {
            Some(delegation) => self.delegations.insert(key, delegation),
            None => self.delegations.remove(&key),
        };
        self.tell(None, before.as_ref().map(record), after);
    }

    fn set_adjustments(&mut self, id: ProposalId, row: Option<Adjustments>) {
        let record = |row: &Adjustments| Of::Adjustments(wire::adjustments::pending(row));
        let after = row.as_ref().map(record);
        let before = match row {
            Some(row) => self.adjustments.insert(id, row),
            None => self.adjustments.remove(&id),
        };
        self.tell(None, before.as_ref().map(record), after);
    }

    fn set_reconciliation(&mut self, source: &str, row: Reconciliation) {
        let record = |row: &Reconciliation| Of::Reconciliation(wire::ledger::reconciliation(row));
        let before = self.reconciliations.insert(source.into(), row);
        self.tell(None, before.as_ref().map(record), Some(record(&row)));
    }

    fn note_watch(&mut self, slot: Slot, noted: Noted) {
        let Noted::Level { level, .. } = noted else { return };
        if self.keeps(slot) {
            let before = self.bands.insert(slot, level).unwrap_or_default();
            self.tell(Some(slot), band(before), band(level));
        }
    }

    // What is shown of a change does not depend on these.
    fn add_capture(&mut self, _: ReservationId, _: Capture) {}
    fn acknowledge_capture(&mut self, _: ReservationId, _: &str) {}
    fn update_item(
        &mut self,
        _: Slot,
        _: &str,
        _: impl FnOnce() -> Item,
        _: impl FnOnce(&mut Item),
    ) {
    }
    fn remove_item(&mut self, _: Slot, _: &str) {}
    fn set_source(&mut self, _: &str, _: Source) {}
}

/// The band of utilisation that begins there; none at zero.
fn band(percent: u16) -> Option<Of> {
    (percent > 0).then(|| Of::Utilisation(v1::Utilisation { percent: percent.into() }))
}

/// Stands for the reservation of an account that is not kept: nobody looks at it afterwards.
fn of_another(id: ReservationId) -> Reservation {
    Reservation { open: EXPOSURE_MINOR_MAX, ..Reservation::empty(id, Slot::MAX, "", 0) }
}

#[cfg(test)]
mod tests;
