//! Where `apply` writes in memory: every change is noted, so that it can be undone.

use super::undo::{Holding, Undo};
use crate::bounds::HEARD_AGAIN_US;
use crate::model::{
    Account, Adjustments, Capture, Case, CaseId, Counters, Delegation, Item, Noted, Reconciliation,
    Reservation, RollingLimit, Segment, Source,
};
use crate::policy::{PolicyRow, PolicyVersion};
use crate::rates::Quote;
use crate::rows::Rows;
use crate::state::State;
use crate::terms::{Assignee, Calendar, NamedTerms};
use crate::values::{
    CalendarIndex, Currency, ProposalId, ReservationId, SegmentIndex, Slot, TermsIndex,
};

impl Rows for State {
    fn add(&mut self, slot: Slot, change: &Counters) {
        self.undo.push(Undo::Counters(slot, *self.accounts.counters(slot)));
        self.accounts.add(slot, change);
        if change.exposure() < 0 {
            self.cases.stir();
        }
    }

    fn add_account(&mut self, slot: Slot, account: Account) {
        assert_eq!(slot as usize, self.accounts.len(), "slots are handed out without gaps");
        self.accounts.push(account);
        self.undo.push(Undo::AccountAdded(slot));
    }

    fn update_account<R>(&mut self, slot: Slot, f: impl FnOnce(&mut Account) -> R) -> Option<R> {
        if slot as usize >= self.accounts.len() {
            return None;
        }
        let mut account = self.accounts.get(slot);
        self.undo.push(Undo::Account(slot, Box::new(account.clone())));
        let was = self.cases.waits().then(|| account.clone());
        let result = f(&mut account);
        if was.is_some_and(|was| !is_same_but_for_average(was, &account)) {
            self.cases.stir();
        }
        self.accounts.set(slot, account);
        Some(result)
    }

    fn add_reservation(&mut self, reservation: Reservation) {
        self.undo.push(Undo::ReservationAdded(reservation.id));
        self.reservations.insert(reservation);
    }

    fn update_reservation<R>(
        &mut self,
        id: ReservationId,
        f: impl FnOnce(&mut Reservation) -> R,
    ) -> R {
        let undo = &mut self.undo;
        self.reservations.change(id, |row| {
            undo.push(Undo::Reservation(id, Holding::of(row)));
            if let Some(details) = &row.details {
                undo.push(Undo::Details(id, details.clone()));
            }
            let captures = row.captures.len();
            let result = f(row);
            debug_assert_eq!(row.captures.len(), captures, "captures are added by `add_capture`");
            result
        })
    }

    fn add_capture(&mut self, id: ReservationId, capture: Capture) {
        self.undo.push(Undo::CaptureAdded(id));
        self.reservations.change(id, |row| row.captures.push(capture));
    }

    fn acknowledge_capture(&mut self, id: ReservationId, invoice_id: &str) {
        let undo = &mut self.undo;
        self.reservations.change(id, |row| {
            let mut note = |place| undo.push(Undo::CaptureAcknowledged(id, place));
            row.captures.acknowledge(invoice_id, &mut note);
        });
    }

    fn remove_reservation(&mut self, id: ReservationId) {
        let was = self.reservations.remove(id);
        self.undo.push(Undo::ReservationRemoved(Box::new(was)));
    }

    fn update_item(
        &mut self,
        slot: Slot,
        invoice_id: &str,
        new: impl FnOnce() -> Item,
        f: impl FnOnce(&mut Item),
    ) {
        let was = self.items.get(slot, invoice_id);
        let mut item = was.map_or_else(new, |was| was.item(slot, invoice_id));
        f(&mut item);
        self.set_item(slot, invoice_id, Some(&item.standing()));
        self.undo.push(Undo::Item(slot, item.invoice_id, was.map(Box::new)));
    }

    fn remove_item(&mut self, slot: Slot, invoice_id: &str) {
        let was = self.set_item(slot, invoice_id, None);
        self.undo.push(Undo::Item(slot, invoice_id.into(), was.map(Box::new)));
    }

    fn update_segment(
        &mut self,
        segment: SegmentIndex,
        new: impl FnOnce() -> Segment,
        f: impl FnOnce(&mut Segment),
    ) {
        match self.segments.get(segment as usize) {
            Some(was) => self.undo.push(Undo::Segment(segment, Box::new(was.clone()))),
            None => {
                assert_eq!(segment as usize, self.segments.len(), "indexes have no gaps");
                self.push_segment(new());
                self.undo.push(Undo::SegmentAdded);
            }
        }
        f(&mut self.segments[segment as usize]);
        self.cases.stir();
    }

    fn set_terms(&mut self, index: TermsIndex, terms: NamedTerms) {
        let was = self.payment_terms.set_terms(index, terms);
        self.cases.stir();
        self.undo.push(Undo::Terms(index, was.map(Box::new)));
    }

    fn set_calendar(&mut self, index: CalendarIndex, calendar: Calendar) {
        let was = self.payment_terms.set_calendar(index, calendar);
        self.cases.stir();
        self.undo.push(Undo::Calendar(index, was.map(Box::new)));
    }

    fn assign_terms(&mut self, assignee: Assignee, terms: Option<TermsIndex>) {
        let was = self.payment_terms.assign(assignee.clone(), terms);
        self.cases.stir();
        self.undo.push(Undo::Assigned(assignee, was));
    }

    fn update_policy(
        &mut self,
        version: PolicyVersion,
        new: impl FnOnce() -> PolicyRow,
        f: impl FnOnce(&mut PolicyRow),
    ) {
        let mut row = self.policies.row(version).cloned().unwrap_or_else(new);
        f(&mut row);
        let before = self.enforce(&row).map(Box::new);
        let was = self.policies.set(row);
        self.undo.push(Undo::Policy(was.map(Box::new), before));
        self.cases.stir();
    }

    fn set_case(&mut self, id: CaseId, case: Option<Case>) {
        let was = self.cases.set(id, case);
        self.undo.push(Undo::Case(id, was.map(Box::new)));
    }

    fn update_case(&mut self, id: CaseId, f: impl FnOnce(&mut Case)) {
        let mut case = self.cases.get(id).expect("events speak of what exists").clone();
        f(&mut case);
        self.set_case(id, Some(case));
    }

    fn set_delegation(&mut self, from: &str, to: &str, delegation: Option<Delegation>) {
        let was = self.cases.delegate(from.into(), to.into(), delegation);
        self.undo.push(Undo::Delegation(Box::new((from.into(), to.into(), was))));
    }

    fn note_watch(&mut self, slot: Slot, noted: Noted) {
        // Nearly all orders are counted in the part of the window that runs: no need for a copy.
        if let Noted::Orders { now, length, counted } = noted
            && let Some(velocity) = self.watches.velocity(slot)
            && let Some(before) = velocity.note_in_last(now, length, counted)
        {
            self.undo.push(Undo::Orders(slot, before));
            return;
        }
        let was = self.watches.get(slot).clone();
        let mut watch = was.clone();
        watch.note(noted);
        self.watches.set(slot, watch);
        self.undo.push(Undo::Watch(slot, Box::new(was)));
    }

    fn set_rate(&mut self, base: Currency, currency: Currency, quote: Quote) {
        let was = self.rates.set((base, currency), Some(quote));
        self.cases.stir();
        self.undo.push(Undo::Rate((base, currency), was.map(Box::new)));
    }

    fn set_adjustments(&mut self, id: ProposalId, row: Option<Adjustments>) {
        let was = self.put_adjustments(id, row);
        self.undo.push(Undo::Adjustments(id, was.map(Box::new)));
    }

    fn set_reconciliation(&mut self, source: &str, row: Reconciliation) {
        let was = self.put_reconciliation(source, Some(row));
        self.undo.push(Undo::Reconciliation(source.into(), was.map(Box::new)));
    }

    fn set_source(&mut self, source: &str, row: Source) {
        let heard_at = self.heard_at;
        // One that was silent may have kept orders waiting for it.
        if self.cases.waits() {
            let before = self.source_heard_at(source);
            if before.is_none_or(|before| row.heard_at - before >= HEARD_AGAIN_US) {
                self.cases.stir();
            }
        }
        let was = self.put_source(source, row);
        self.undo.push(Undo::Source(source.into(), was, heard_at));
    }
}

/// Whether nothing but what an account owed has moved on, of which its counters tell.
fn is_same_but_for_average(mut was: Account, account: &Account) -> bool {
    let rolling = |account: &mut Account| account.conditions.as_mut()?.rolling_limit.take();
    let before = rolling(&mut was);
    let mut now = account.clone();
    let after = rolling(&mut now);
    let set = |rolling: Option<Box<RollingLimit>>| rolling.map(|all| (all.hard_cap, all.days));
    was == now && set(before) == set(after)
}
