//! Where `apply` writes: rows by key, whatever keeps them.

use crate::model::{
    Account, Adjustments, Capture, Case, CaseId, Counters, Delegation, Item, Noted, Reconciliation,
    Reservation, Segment, Source,
};
use crate::policy::{PolicyRow, PolicyVersion};
use crate::rates::Quote;
use crate::terms::{Assignee, Calendar, NamedTerms};
use crate::values::{
    CalendarIndex, Currency, ProposalId, ReservationId, SegmentIndex, Slot, TermsIndex,
};

/// Rows of the domain. The engine's memory is one such store, the tables on disk are another; both
/// are fed the same events by the same `apply` and hold the same rows.
///
/// Events are facts: a row that an event speaks of exists, or the journal is not this store's. An
/// implementation may panic where it does not.
pub trait Rows {
    /// Adds a change to the counters of an account. `apply` never asks what they are, so that a
    /// store need not keep what it can sum up.
    fn add(&mut self, slot: Slot, change: &Counters);

    /// Adds an account with counters of zero. Slots are handed out without gaps.
    fn add_account(&mut self, slot: Slot, account: Account);

    /// Changes an account. `None` when the slot is free.
    fn update_account<R>(&mut self, slot: Slot, f: impl FnOnce(&mut Account) -> R) -> Option<R>;

    /// Adds a reservation, from now on the latest of its order.
    fn add_reservation(&mut self, reservation: Reservation);

    /// Changes what a reservation holds and since when, but for its captures.
    fn update_reservation<R>(
        &mut self,
        id: ReservationId,
        f: impl FnOnce(&mut Reservation) -> R,
    ) -> R;

    /// Adds a reservation's latest capture.
    fn add_capture(&mut self, id: ReservationId, capture: Capture);

    /// Notes that a `Capture` call has named an invoice of which the ledger told first.
    fn acknowledge_capture(&mut self, id: ReservationId, invoice_id: &str);

    /// Removes a reservation.
    fn remove_reservation(&mut self, id: ReservationId);

    /// Changes an invoice, or the one that `new` makes where there is none yet. What decisions do
    /// not depend on may be written only: it need not be there to read.
    fn update_item(
        &mut self,
        slot: Slot,
        invoice_id: &str,
        new: impl FnOnce() -> Item,
        f: impl FnOnce(&mut Item),
    );

    /// Removes an invoice.
    fn remove_item(&mut self, slot: Slot, invoice_id: &str);

    /// Changes a segment, or the one that `new` makes where there is none yet.
    fn update_segment(
        &mut self,
        segment: SegmentIndex,
        new: impl FnOnce() -> Segment,
        f: impl FnOnce(&mut Segment),
    );

    /// Sets payment terms, or adds them at the next index.
    fn set_terms(&mut self, index: TermsIndex, terms: NamedTerms);

    /// Sets a calendar, or adds it at the next index.
    fn set_calendar(&mut self, index: CalendarIndex, calendar: Calendar);

    /// Assigns payment terms; `None` takes them away.
    fn assign_terms(&mut self, assignee: Assignee, terms: Option<TermsIndex>);

    /// Changes a version of the policy, or the one that `new` makes where there is none yet.
    fn update_policy(
        &mut self,
        version: PolicyVersion,
        new: impl FnOnce() -> PolicyRow,
        f: impl FnOnce(&mut PolicyRow),
    );
    /// Adds a case, or takes it away.
    fn set_case(&mut self, id: CaseId, case: Option<Case>);

    /// Changes a case.
    fn update_case(&mut self, id: CaseId, f: impl FnOnce(&mut Case));

    /// Sets what `from` lets `to` sign; `None` ends it.
    fn set_delegation(&mut self, from: &str, to: &str, delegation: Option<Delegation>);

    /// Notes what a policy has to know of an account. Every order under a policy that counts them
    /// comes here.
    fn note_watch(&mut self, slot: Slot, noted: Noted);

    /// Sets how far a source's stream has been taken, and when.
    fn set_source(&mut self, source: &str, row: Source);

    /// Sets the latest reconciliation of a source.
    fn set_reconciliation(&mut self, source: &str, row: Reconciliation);

    /// Adds adjustments that wait, or takes them away.
    fn set_adjustments(&mut self, id: ProposalId, row: Option<Adjustments>);

    /// Sets the rate of a pair of currencies.
    fn set_rate(&mut self, base: Currency, currency: Currency, quote: Quote);
}
