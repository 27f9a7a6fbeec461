//! Taking back what a commit that failed has changed.

use crate::counting::Details;
use crate::model::{
    Account, Adjustments, Case, CaseId, Counted, Counters, Delegation, Reconciliation, Reservation,
    Segment, Source, Standing, Watch,
};
use crate::policy::PolicyRow;
use crate::rates::Quote;
use crate::state::{Before, State};
use crate::terms::{Assignee, Calendar, NamedTerms};
use crate::values::{
    CalendarIndex, Currency, Id, Micros, Minor, ProposalId, ReservationId, SegmentIndex, Slot,
    TermsIndex,
};

/// How to take back one change: what was there before, in full only where a row is gone.
pub(super) enum Undo {
    Counters(Slot, Counters),
    AccountAdded(Slot),
    Account(Slot, Box<Account>),
    ReservationAdded(ReservationId),
    Reservation(ReservationId, Holding),
    /// Of a reservation that has any.
    Details(ReservationId, Box<Details>),
    ReservationRemoved(Box<Reservation>),
    CaptureAdded(ReservationId),
    /// And which of the captures.
    CaptureAcknowledged(ReservationId, usize),
    Item(Slot, Id, Option<Box<Standing>>),
    SegmentAdded,
    Segment(SegmentIndex, Box<Segment>),
    /// What they were; `None` where they are new.
    Terms(TermsIndex, Option<Box<NamedTerms>>),
    Calendar(CalendarIndex, Option<Box<Calendar>>),
    Assigned(Assignee, Option<TermsIndex>),
    /// What it was, and when any was heard last.
    Source(Box<str>, Option<Source>, Option<Micros>),
    /// What it was; `None` where it is the source's first.
    Reconciliation(Box<str>, Option<Box<Reconciliation>>),
    Watch(Slot, Box<Watch>),
    /// What was counted in the part of its window that runs.
    Orders(Slot, Counted),
    /// What it was; `None` where it is new. And which were in force and tried before, where they
    /// are others.
    Policy(Option<Box<PolicyRow>>, Option<Box<Before>>),
    Rate((Currency, Currency), Option<Box<Quote>>),
    /// What it was; `None` where it is new.
    Case(CaseId, Option<Box<Case>>),
    Delegation(Box<(Id, Id, Option<Delegation>)>),
    /// What they were; `None` where they are new.
    Adjustments(ProposalId, Option<Box<Adjustments>>),
}

// Two or three are written for every decision.
const _: () = assert!(size_of::<Undo>() <= 64);

/// What a reservation holds and since when: all of it that changes, but for its captures.
#[derive(Clone, Copy)]
pub(super) struct Holding {
    open: Minor,
    captured: Minor,
    released: Minor,
    expired: Minor,
    expires_at: Micros,
    closed_at: Micros,
}

impl Holding {
    pub(super) fn of(row: &Reservation) -> Holding {
        let Reservation { open, captured, released, expired, expires_at, closed_at, .. } = *row;
        Holding { open, captured, released, expired, expires_at, closed_at }
    }

    fn put_back(self, row: &mut Reservation) {
        let Holding { open, captured, released, expired, expires_at, closed_at } = self;
        (row.open, row.captured, row.released, row.expired) = (open, captured, released, expired);
        (row.expires_at, row.closed_at) = (expires_at, closed_at);
    }
}

impl State {
    /// Where the undo log stands: pass it to [`State::undo`] to come back to this moment.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Takes back every change since `mark`, the latest first.
    pub fn undo(&mut self, mark: usize) {
        let undone = self.undo.len() > mark;
        while self.undo.len() > mark {
            let Some(step) = self.undo.pop() else { break };
            self.take_back(step);
        }
        // What orders had taken is there again.
        if undone {
            self.cases.stir();
        }
    }

    /// Calls `seen` for each slot whose account or counters changed since `mark`, or whose account
    /// lost one below it, some more than once.
    pub fn touched_since(&self, mark: usize, mut seen: impl FnMut(Slot)) {
        for step in &self.undo[mark..] {
            match step {
                Undo::Counters(slot, _) | Undo::AccountAdded(slot) => seen(*slot),
                Undo::Account(slot, was) => {
                    seen(*slot);
                    let lost = was.parent.filter(|was| self.terms(*slot).parent != Some(*was));
                    lost.into_iter().for_each(&mut seen);
                }
                _ => {}
            }
        }
    }

    /// Calls `seen` for each order of which a reservation or a case changed since `mark`, some more
    /// than once.
    pub fn orders_touched_since(&self, mark: usize, mut seen: impl FnMut(Slot, &Id)) {
        for step in &self.undo[mark..] {
            match step {
                Undo::ReservationAdded(id) | Undo::Reservation(id, _) => {
                    if let Some(row) = self.reservations.get(*id) {
                        seen(row.slot, &row.order_id);
                    }
                }
                Undo::Case(id, _) => {
                    if let Some(case) = self.cases.get(*id) {
                        seen(case.slot, &case.order_id);
                    }
                }
                _ => {}
            }
        }
    }

    /// Forgets how to undo what was changed before `mark`: it is durable. Later marks move down by
    /// as much.
    pub fn settle(&mut self, mark: usize) {
        self.undo.drain(..mark);
    }

    fn take_back(&mut self, step: Undo) {
        match step {
            Undo::Counters(slot, was) => self.accounts.put_back(slot, was),
            Undo::AccountAdded(slot) => {
                assert_eq!(slot as usize + 1, self.accounts.len(), "the latest is undone first");
                self.accounts.pop();
            }
            Undo::Account(slot, was) => self.accounts.set(slot, *was),
            Undo::ReservationAdded(id) => drop(self.reservations.remove(id)),
            Undo::Reservation(id, was) => self.reservations.change(id, |row| was.put_back(row)),
            Undo::Details(id, was) => {
                self.reservations.change(id, |row| row.details = Some(was));
            }
            Undo::ReservationRemoved(was) => self.reservations.insert(*was),
            Undo::CaptureAdded(id) => self.reservations.change(id, |row| row.captures.pop()),
            Undo::CaptureAcknowledged(id, place) => {
                self.reservations.change(id, |row| row.captures.unacknowledge(place));
            }
            Undo::Item(slot, invoice_id, was) => {
                self.set_item(slot, &invoice_id, was.as_deref());
            }
            Undo::SegmentAdded => {
                if let Some(segment) = self.segments.pop() {
                    self.segment_indexes.remove(&segment.id);
                }
            }
            Undo::Segment(index, was) => self.segments[index as usize] = *was,
            Undo::Terms(index, was) => self.payment_terms.put_terms_back(index, was),
            Undo::Calendar(index, was) => self.payment_terms.put_calendar_back(index, was),
            Undo::Assigned(assignee, was) => drop(self.payment_terms.assign(assignee, was)),
            Undo::Policy(was, before) => {
                match was {
                    Some(was) => drop(self.policies.set(*was)),
                    None => self.policies.pop(),
                }
                before.into_iter().for_each(|before| self.put_policies_back(*before));
            }
            Undo::Watch(slot, was) => self.watches.set(slot, *was),
            Undo::Orders(slot, before) => {
                let velocity = self.watches.velocity(slot);
                velocity.expect("a row stays where it was made").put_back(before);
            }
            Undo::Rate(pair, was) => drop(self.rates.set(pair, was.map(|was| *was))),
            Undo::Case(id, was) => drop(self.cases.set(id, was.map(|was| *was))),
            Undo::Delegation(was) => {
                let (from, to, was) = *was;
                self.cases.delegate(from, to, was);
            }
            Undo::Adjustments(id, was) => drop(self.put_adjustments(id, was.map(|was| *was))),
            Undo::Reconciliation(source, was) => {
                self.put_reconciliation(&source, was.map(|was| *was));
            }
            Undo::Source(source, was, heard_at) => {
                match was {
                    Some(was) => drop(self.sources.insert(source, was)),
                    None => drop(self.sources.remove(&source)),
                }
                self.heard_at = heard_at;
            }
        }
    }
}
