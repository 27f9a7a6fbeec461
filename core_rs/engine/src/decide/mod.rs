//! Deciding: state + command + time → outcome + events. Pure, and changes nothing: `apply` does.
//!
//! One command, one file. [`rules`] holds orders against credit, in order of precedence, [`levels`]
//! says which limits there are, and [`payment_terms`] by when an invoice is to be paid.

mod account;
mod adjust;
mod adjustments;
mod capture;
pub mod cases;
mod channels;
mod conditions;
mod confirm;
mod counting;
mod cure;
mod housekeep;
mod ledger;
pub mod levels;
mod limits;
pub mod payment_terms;
mod policy;
mod rates;
mod release;
mod reserve;
mod rolling;
pub mod rules;
mod watch;

pub use channels::{confine, confine_target};
pub use confirm::confirm;
pub use housekeep::housekeeping_due;
pub use ledger::is_news;
pub use reserve::{Inquiry, check};
pub(crate) use watch::{billed, ordered};

use crate::bounds::EXPOSURE_MINOR_MAX;
use crate::command::{Command, Target};
use crate::counting::Parts;
use crate::decide::counting::More;
use crate::decide::levels::{Pending, Room, room};
use crate::decide::rules::{Ask, Evaluation};
use crate::entry::Request;
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Reservation;
use crate::outcome::{Changed, Decision, Outcome, Reason, ReservationView, Verdict};
use crate::policy::limits::Owner;
use crate::state::State;
use crate::values::{Micros, Minor, Seq, Slot, Ttl};

/// An outcome, and what happened.
type Decided<'a> = Result<(Outcome, Vec<Event<'a>>), Refusal>;

/// What a decision has before it besides the command.
#[derive(Clone, Copy)]
struct Context<'s> {
    state: &'s State,
    seq: Seq,
    now: Micros,
    /// Who asks.
    actor: &'s str,
    /// Through which sales channel; may be empty.
    channel: &'s str,
}

/// Decides a request that will stand at `seq` of the journal and happens at `now`.
///
/// The same state, request and time always give the same outcome and events.
///
/// # Errors
///
/// A [`Refusal`] when the command is wrong in this state; then nothing was decided.
pub fn decide<'a>(
    state: &State,
    seq: Seq,
    now: Micros,
    request: &Request<'a>,
) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
    let Request { actor, channel, .. } = *request;
    let context = Context { state, seq, now, actor, channel };
    match state.looks_back() || state.has_rules() {
        false => context.decide(request),
        true => context.decide_and_note(request),
    }
}

impl<'s> Context<'s> {
    /// Adds what somebody looks back for, and what a policy does beside deciding.
    #[cold]
    #[inline(never)]
    fn decide_and_note<'a>(
        &self,
        request: &Request<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let (outcome, mut events) = self.decide(request)?;
        if self.state.looks_back() {
            rolling::note_averages(self.state, &mut events);
        }
        if self.state.has_rules() {
            watch::act(self.state, self.now, &request.command, &outcome, &mut events);
        }
        Ok((outcome, events))
    }

    fn decide<'a>(&self, request: &Request<'a>) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let Request { ref command, actor: by, channel, reason } = *request;
        match command {
            Command::Reserve(command) => self.reserve(command, channel),
            Command::ReserveAll(command) => self.reserve_all(command, channel),
            Command::Adjust(command) => self.adjust(command),
            Command::Capture(command) => self.capture(command, channel),
            Command::Release(command) => self.release(command),
            Command::UpsertAccount(command) => self.upsert_account(command, Owner::Creditgate, by),
            Command::SyncAccount(command) => self.upsert_account(command, Owner::Ledger, by),
            Command::UpsertSegment(command) => self.upsert_segment(command, Owner::Creditgate),
            Command::SyncSegment(command) => self.upsert_segment(command, Owner::Ledger),
            Command::SetStatus(command) => self.set_status(command, reason),
            Command::PlaceHold(command) => self.place_hold(command, reason),
            Command::LiftHold(command) => self.lift_hold(command),
            Command::SetTemporaryLimit(command) => self.set_temporary_limit(command),
            Command::RemoveTemporaryLimit(command) => self.remove_temporary_limit(command),
            Command::SetRollingLimit(command) => self.set_rolling_limit(command),
            Command::RemoveRollingLimit(command) => self.remove_rolling_limit(command),
            Command::RecordVerification(command) => self.record_verification(command, by),
            Command::ProposeLimit(command) => self.propose_limit(command, by, reason),
            Command::ApproveProposal(command) => self.approve_proposal(command, by),
            Command::RejectProposal(command) => self.reject_proposal(command),
            Command::UpsertTerms(command) => self.upsert_terms(command),
            Command::UpsertCalendar(command) => self.upsert_calendar(command),
            Command::AssignTerms(command) => self.assign_terms(command),
            Command::PutPolicy(command) => self.put_policy(command),
            Command::ActivatePolicy(command) => self.activate_policy(command),
            Command::ShadowPolicy(command) => self.shadow_policy(command),
            Command::UpsertRate(command) => self.upsert_rate(command),
            Command::Revalue(command) => Ok(self.revalue(command)),
            Command::Post(command) => self.post(command),
            Command::MoveSource(command) => self.move_source(command),
            Command::RecordReconciliation(command) => self.record_reconciliation(command),
            Command::ProposeAdjustments(command) => self.propose_adjustments(command, by),
            Command::CloseAdjustments(command) => self.close_adjustments(command, by),
            Command::ReviewCase(command) => self.review_case(command, reason),
            Command::Delegate(command) => self.delegate(command),
            Command::RetryCases(command) => self.retry_cases(command),
            Command::EraseTexts(command) => self.erase_texts(command),
            Command::Housekeep(command) => Ok(self.housekeep(command)),
        }
    }

    fn slot(&self, account_id: &str) -> Result<Slot, Refusal> {
        self.state.slot(account_id).ok_or_else(|| Refusal::AccountNotFound(account_id.into()))
    }

    fn target(&self, target: &Target<'_>) -> Result<&'s Reservation, Refusal> {
        find_reservation(self.state, target)
    }

    /// A verdict without reasons, after which the account's exposure has moved by `moved`.
    fn approved(&self, slot: Slot, moved: Minor) -> Verdict {
        let room = room(self.state, slot, self.now, moved);
        self.verdict(Decision::Approved, Vec::new(), None, room)
    }

    fn verdict(
        &self,
        decision: Decision,
        reasons: Vec<Reason>,
        fitting: Option<Minor>,
        room: Room,
    ) -> Verdict {
        let bound_by = room.bound_by.map(|place| place.level(self.state));
        Verdict { decision, reasons, fitting, available: room.available, bound_by, cure: None }
    }

    /// What an order grows by, with nothing beside it.
    fn ask(&self, amount: Minor, order_total: Minor) -> Ask<'s> {
        let (pending, channel) = (Pending::default(), self.channel);
        Ask { amount, order_total, is_new: false, is_placed: false, pending, channel }
    }

    /// A refusal of more of an existing order, by what that asks for as it counts; the order stays
    /// as it was.
    fn refused(
        &self,
        found: &Reservation,
        more: More,
        ask: Ask<'_>,
        evaluation: Evaluation,
    ) -> Changed {
        let fitting = self.fitting_more(found, more, ask, &evaluation);
        let Evaluation { mut reasons, .. } = evaluation;
        let room = room(self.state, found.slot, self.now, 0);
        let cure = self.fall_short(found.slot, ask, None, &mut reasons);
        let verdict = self.verdict(Verdict::decision(&reasons), reasons, fitting, room);
        let verdict = Verdict { cure, ..verdict };
        let reservation = view(self.state, found);
        Changed { verdict, reservation, amount: 0, breach: false, invoiced: None }
    }

    /// Refuses to let a reservation, over its whole life, or its account hold more than an `i64`
    /// can be trusted with.
    ///
    /// `by`: in the order's currency; `counted`: what counts of it.
    fn may_grow(
        &self,
        reservation: &Reservation,
        by: Minor,
        counted: Minor,
    ) -> Result<(), Refusal> {
        let Reservation { open, captured, released, expired, slot, .. } = *reservation;
        let counts = [open, captured, released, expired, counted].map(i128::from);
        let Parts { open, captured, released, expired } = reservation.parts();
        let parts = [open, captured, released, expired, by].map(i128::from);
        let largest = counts.iter().sum::<i128>().max(parts.iter().sum());
        if largest > i128::from(EXPOSURE_MINOR_MAX) {
            return Err(Refusal::ExposureOutOfRange(by));
        }
        self.may_reserve(slot, 0, counted)
    }

    /// Refuses to let an account reserve more than an `i64` can be trusted with; `pending` is what
    /// the same command has reserved for it already.
    fn may_reserve(&self, slot: Slot, pending: i128, by: Minor) -> Result<(), Refusal> {
        let counters = self.state.position(slot);
        let added = pending + i128::from(by);
        let max = i128::from(EXPOSURE_MINOR_MAX);
        // What is reserved may all be captured later, without another look at this bound.
        let held = i128::from(counters.reserved) + i128::from(counters.captured) + added;
        let exposure = i128::from(counters.exposure()) + added;
        if held > max || exposure > max {
            return Err(Refusal::ExposureOutOfRange(by));
        }
        Ok(())
    }
}

/// The reservation that a target names.
///
/// # Errors
///
/// [`Refusal::AccountNotFound`], or [`Refusal::ReservationNotFound`] with the field at fault.
pub fn find_reservation<'s>(
    state: &'s State,
    target: &Target<'_>,
) -> Result<&'s Reservation, Refusal> {
    match *target {
        Target::Id(id) => state.reservation(id).ok_or_else(|| Refusal::ReservationNotFound {
            field: "reservation_id",
            value: id.to_string().into(),
        }),
        Target::Order(key) => {
            let slot = state
                .slot(key.account_id)
                .ok_or_else(|| Refusal::AccountNotFound(key.account_id.into()))?;
            state.latest_of_order(slot, key.order_id).ok_or_else(|| Refusal::ReservationNotFound {
                field: "order_id",
                value: key.order_id.into(),
            })
        }
    }
}

/// A reservation with its ids spelled out, as answers show it.
#[must_use]
pub fn view(state: &State, reservation: &Reservation) -> ReservationView {
    let slot = reservation.slot;
    ReservationView::of(reservation, state.account_id(slot), state.terms(slot).currency)
}

/// The end of a time to hold that begins at `now`.
fn expiry(now: Micros, ttl: Ttl) -> Micros {
    now.saturating_add(i64::from(ttl.seconds()) * 1_000_000)
}
