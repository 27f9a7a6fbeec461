//! Cases: opened by orders that are referred, signed by people, ended by the clock.

use std::borrow::Cow;

use crate::bounds::{ACCOUNT_CASES_PENDING_MAX, CASE_ASKERS_MAX, CASES_PENDING_MAX};
use crate::command::{Act, Order, Release, Reserve, ReviewCase, Target};
use crate::counting::Details;
use crate::decide::levels::Pending;
use crate::decide::{Context, Decided};
use crate::error::{CaseRefusal, Refusal};
use crate::event::{CaseAsk, CaseEvent, Event};
use crate::model::{Case, CaseDetails, CaseStatus, Reservation, Waiver};
use crate::outcome::{Decision, Outcome, Reason, ReservationView, Reserved, Reviewed};
use crate::state::State;
use crate::values::{Id, Micros, Minor, Slot, Text, reservation_id};

mod details;
mod retry;
mod sign;

pub use retry::Sweep;
pub use sign::{signatures_missing, signs, worth};

impl Context<'_> {
    /// Decides an order that waits in a case, or did, and what becomes of the case.
    #[cold]
    pub(super) fn reserve_in_case<'a>(
        &self,
        command: &Reserve<'a>,
        channel: &'a str,
        slot: Slot,
        case: &Case,
    ) -> Decided<'a> {
        let order = &command.order;
        let asked = self.case_details(slot, order);
        let worth = worth_asked(order, asked.as_deref());
        let waiver = case.waiver_for(worth, asked.as_deref(), self.now);
        let mut reserved =
            self.judge(slot, Pending::default(), order.into(), command.allow_partial, waiver)?;
        reserved.case = Some(case.id);
        let mut events = Vec::new();
        match reserved.verdict.decision {
            Decision::Approved | Decision::PartiallyApproved => {
                events.extend(self.hold(&mut reserved, slot, order, 0, channel));
                let reservation = reserved.reservation.expect("what is approved is reserved");
                let unsigned = waiver.is_none();
                events.push(Event::Case(CaseEvent::Used { case: case.id, reservation, unsigned }));
            }
            Decision::Referred => {
                events.extend(self.ask_again(slot, order, case, &reserved.verdict.reasons)?);
            }
            // It waits: what stands in the way may pass before the case does.
            Decision::Declined => {}
        }
        Ok((Outcome::Reserved(reserved), events))
    }

    /// Ends the case in which an order waits that a batch has just reserved, without a look at what
    /// was signed.
    pub(super) fn use_case<'a>(
        &self,
        reserved: &mut Reserved,
        slot: Slot,
        order_id: &str,
    ) -> Option<Event<'a>> {
        let case = self.state.cases().pending_of_order(slot, order_id)?.id;
        reserved.case = Some(case);
        let (reservation, unsigned) = (reserved.reservation?, true);
        Some(Event::Case(CaseEvent::Used { case, reservation, unsigned }))
    }

    /// Ends the case in which an order waits that a change of its reservation has let hold
    /// something again: nothing is to be reserved for it beside that.
    #[cold]
    pub(super) fn use_case_of_grown<'a>(
        &self,
        order: &ReservationView,
        events: &[Event<'_>],
    ) -> Option<Event<'a>> {
        let grows = |event: &Event<'_>| match event {
            Event::Reserved { .. } | Event::Grown { .. } | Event::Counted { .. } => true,
            // Of one that does not count nothing else says so.
            Event::OrderMoved { change, .. } => change.open + change.captured > 0,
            _ => false,
        };
        let slot = self.state.slot(&order.account_id).filter(|_| events.iter().any(grows))?;
        let case = self.state.cases().pending_of_order(slot, &order.order_id)?.id;
        let (reservation, unsigned) = (order.id, true);
        Some(Event::Case(CaseEvent::Used { case, reservation, unsigned }))
    }

    /// Takes back an order that waits in a case and holds nothing.
    pub(super) fn withdraw<'a>(&self, command: &Release<'_>) -> Option<(Outcome, Vec<Event<'a>>)> {
        if self.state.cases().pending_count() == 0 {
            return None;
        }
        let Release { target: Target::Order(key), amount: None, .. } = *command else {
            return None;
        };
        let slot = self.state.slot(key.account_id)?;
        let case = self.state.cases().pending_of_order(slot, key.order_id)?;
        if self.state.latest_of_order(slot, key.order_id).is_some_and(|held| held.is_open()) {
            return None;
        }
        let (verdict, status) = (self.approved(slot, 0), CaseStatus::Withdrawn);
        let (case, account_id) = (case.id, self.state.account_id(slot).clone());
        let (reservation, amount, expires_at, counting) = (None, 0, 0, None);
        let case_id = Some(case);
        let reserved =
            Reserved { verdict, reservation, amount, expires_at, case: case_id, counting };
        let reserved = Some(reserved);
        let currency = None;
        let (missing, order) = (0, None);
        let reviewed = Reviewed { case, account_id, status, missing, reserved, currency, order };
        let event = Event::Case(CaseEvent::Withdrawn { case });
        Some((Outcome::Reviewed(Box::new(reviewed)), vec![event]))
    }

    /// The answer to an order that is reserved already: what it holds, where a case gave it just
    /// that, and else a refusal.
    #[cold]
    pub(super) fn reserved_in_case(&self, order: &Order<'_>) -> Result<Reserved, Refusal> {
        let refused = || Refusal::OrderAlreadyReserved(order.order_id.into());
        let slot = self.billed(order.into())?;
        let held = self.state.latest_of_order(slot, order.order_id).ok_or_else(refused)?;
        let case = case_of_reservation(self.state, held).ok_or_else(refused)?;
        if !self.is_of(held, order, case) {
            return Err(refused());
        }
        let Reservation { id, expires_at, .. } = *held;
        let verdict = self.approved(slot, 0);
        let (amount, case) = (order.amount, Some(case.id));
        let (reservation, counting) = (Some(id), held.counting().cloned().map(Box::new));
        Ok(Reserved { verdict, reservation, amount, expires_at, case, counting })
    }

    /// Opens a case for an order that was referred; declines it where just that was rejected.
    #[cold]
    pub(super) fn open_case<'a>(
        &self,
        reserved: &mut Reserved,
        slot: Slot,
        order: &Order<'a>,
    ) -> Result<Option<Event<'a>>, Refusal> {
        let asked = self.case_details(slot, order);
        let former = self.state.cases().of_order(slot, order.order_id);
        let rejected = former.filter(|case| case.status == CaseStatus::Rejected);
        let reasons = &reserved.verdict.reasons;
        let asks_anew = |case: &&Case| asks_anew(case, order, asked.as_deref(), reasons);
        if let Some(case) = rejected.filter(|case| !asks_anew(case)) {
            reserved.verdict.decision = Decision::Declined;
            reserved.case = Some(case.id);
            return Ok(None);
        }
        let cases = self.state.cases();
        let is_full = cases.pending_count() >= CASES_PENDING_MAX
            || cases.pending_count_of(slot) >= ACCOUNT_CASES_PENDING_MAX;
        if !self.state.policy().approvals.in_use() || is_full {
            return Ok(None);
        }
        let askers = former.map_or(&[][..], |case| &case.asked_by);
        self.may_ask(askers, order)?;
        let askers = askers.iter().map(|by| Cow::Owned(by.to_string())).collect();
        let ask = self.case_ask(slot, order, asked, reasons);
        reserved.case = Some(self.seq);
        Ok(Some(Event::Case(CaseEvent::Opened { case: self.seq, ask, askers })))
    }

    /// Nobody who asked for an order is forgotten, for none of them may sign it.
    fn may_ask(&self, askers: &[Id], order: &Order<'_>) -> Result<(), Refusal> {
        let is_asker = askers.iter().any(|by| by == self.actor);
        if !is_asker && askers.len() >= CASE_ASKERS_MAX {
            return Err(Refusal::Case(CaseRefusal::TooManyAskers(order.order_id.into())));
        }
        Ok(())
    }

    fn case_ask<'a>(
        &self,
        slot: Slot,
        order: &Order<'a>,
        asked: Option<Box<CaseDetails>>,
        reasons: &[Reason],
    ) -> CaseAsk<'a> {
        let approvals = &self.state.policy().approvals;
        let worth = worth_asked(order, asked.as_deref());
        CaseAsk {
            slot,
            order_id: order.order_id,
            amount: order.amount,
            ttl: order.ttl,
            reasons: reasons.to_vec(),
            channel: Cow::Owned(self.channel.to_owned()),
            by: self.whoever_asks(),
            escalates_at: self.escalates_at(worth, slot, 0),
            expires_at: self.now.saturating_add(approvals.expire_after),
            asked,
        }
    }

    /// When the clock escalates a case that is worth this, of this level; zero: never.
    fn escalates_at(&self, worth: Minor, slot: Slot, level: u8) -> Micros {
        let approvals = &self.state.policy().approvals;
        let currency = self.state.terms(slot).currency;
        match approvals.escalate_after {
            Some(after) if approvals.has_above(worth, currency, level) => {
                self.now.saturating_add(after)
            }
            _ => 0,
        }
    }

    fn whoever_asks<'a>(&self) -> Cow<'a, str> {
        Cow::Owned(self.actor.to_owned())
    }

    /// The same order in the same case: what was signed counts only for what it was signed for.
    fn ask_again<'a>(
        &self,
        slot: Slot,
        order: &Order<'a>,
        case: &Case,
        reasons: &[Reason],
    ) -> Result<Option<Event<'a>>, Refusal> {
        let asked = self.case_details(slot, order);
        let anew = asks_anew(case, order, asked.as_deref(), reasons);
        let is_asker = case.asked_by.iter().any(|by| by == self.actor);
        let same_way = case.ttl == order.ttl && *case.channel == *self.channel;
        let same_way = same_way && case.asked == asked;
        if !anew && is_asker && case.reasons == reasons && same_way {
            return Ok(None);
        }
        self.may_ask(&case.asked_by, order)?;
        let ask = self.case_ask(slot, order, asked, reasons);
        Ok(Some(Event::Case(CaseEvent::AskedAgain { case: case.id, ask, anew })))
    }

    pub(super) fn review_case<'a>(
        &self,
        command: &ReviewCase<'a>,
        reason: Option<Text<'a>>,
    ) -> Decided<'a> {
        let case = self.state.cases().get(command.case);
        let case = case.ok_or(Refusal::Case(CaseRefusal::CaseNotFound(command.case)))?;
        let ended =
            Err(Refusal::Case(CaseRefusal::CaseEnded { case: case.id, status: case.status }));
        let mut reviewed = Reviewed {
            case: case.id,
            account_id: self.state.account_id(case.slot).clone(),
            status: case.status,
            missing: self.missing(case),
            reserved: None,
            currency: None,
            order: None,
        };
        let mut events = Vec::new();
        let priority = match command.act {
            Act::Comment { priority } => priority,
            _ => None,
        };
        if reason.is_some() || priority.is_some() {
            let (case, by) = (case.id, self.whoever_asks());
            events.push(Event::Case(CaseEvent::Noted { case, by, text: reason, priority }));
        }
        match &command.act {
            Act::Comment { .. } => {}
            _ if !case.is_pending() => return ended,
            // The clock has not come to it yet.
            _ if case.expires_at <= self.now => {
                let (case, status) = (case.id, CaseStatus::Expired);
                return Err(Refusal::Case(CaseRefusal::CaseEnded { case, status }));
            }
            Act::Claim { .. } | Act::Approve(_) | Act::Escalate if !case.is_unsigned() => {
                return ended;
            }
            Act::Claim { take_over } => {
                let other = case.claimed_by.as_ref().filter(|by| *by != self.actor);
                if let (Some(by), false) = (other, take_over) {
                    return Err(Refusal::Case(CaseRefusal::CaseClaimed {
                        case: case.id,
                        by: by.clone(),
                    }));
                }
                reviewed.status = CaseStatus::Claimed;
                events.push(Event::Case(CaseEvent::Claimed {
                    case: case.id,
                    by: self.whoever_asks(),
                }));
            }
            Act::Approve(approve) => {
                self.sign(case, approve, command.role, &mut reviewed, &mut events)?
            }
            Act::Reject => {
                self.may_reject(case, command.role)?;
                (reviewed.status, reviewed.missing) = (CaseStatus::Rejected, 0);
                events.push(Event::Case(CaseEvent::Rejected { case: case.id }));
            }
            Act::Escalate => {
                self.require_signer(command.role)?;
                let event = self
                    .escalate(case)
                    .ok_or(Refusal::Case(CaseRefusal::NothingAbove { case: case.id }))?;
                reviewed.status = CaseStatus::Escalated;
                reviewed.missing = self.missing(&Case { level: case.level + 1, ..case.clone() });
                events.push(event);
            }
        }
        Ok((Outcome::Reviewed(Box::new(reviewed)), events))
    }

    /// Leaves a case to the next band, where there is one.
    pub(super) fn escalate<'a>(&self, case: &Case) -> Option<Event<'a>> {
        let Case { id, slot, level, .. } = *case;
        let (worth, currency) = (self.worth_of(case), self.state.terms(slot).currency);
        let above = self.state.policy().approvals.has_above(worth, currency, level);
        let escalates_at = self.escalates_at(worth, slot, level + 1);
        above.then_some(Event::Case(CaseEvent::Escalated {
            case: id,
            level: level + 1,
            escalates_at,
        }))
    }

    /// Decides the order of a case again, under what was signed, and reserves it where it fits.
    /// The rules are those of the channel that it came through, whoever has it decided. It may have
    /// been reserved meanwhile, by a batch or by growing again.
    fn reserve_case<'a>(
        &self,
        case: &Case,
        waiver: Option<&Waiver>,
        pending: Pending<'_>,
        item: usize,
    ) -> Result<(Reserved, Option<Event<'a>>), Refusal> {
        let Case { id, slot, .. } = *case;
        let latest = self.state.latest_of_order(slot, &case.order_id);
        if latest.is_some_and(|held| held.is_open()) {
            return Err(Refusal::OrderAlreadyReserved((*case.order_id).into()));
        }
        let details = case.asks(self.state.account_id(slot));
        let asked = self.asked_in(case, details.as_ref());
        let context = Context { channel: &case.channel, ..*self };
        let mut reserved = context.judge(slot, pending, asked, false, waiver)?;
        reserved.case = Some(id);
        if reserved.verdict.decision != Decision::Approved {
            return Ok((reserved, None));
        }
        let reservation = reservation_id(self.seq, item);
        let expires_at = self.holds_until(reserved.counting.as_deref(), case.ttl);
        (reserved.reservation, reserved.expires_at) = (Some(reservation), expires_at);
        let event = Event::Case(CaseEvent::Reserved {
            case: id,
            reservation,
            slot,
            order_id: Cow::Owned(case.order_id.to_string()),
            amount: reserved.counted(),
            expires_at,
            details: Details::of(details.as_ref(), reserved.counting.as_deref().cloned()),
            channel: case.channel.clone(),
        });
        Ok((reserved, Some(event)))
    }

    /// What was signed of a case, while it holds.
    fn standing_waiver<'c>(&self, case: &'c Case) -> Option<&'c Waiver> {
        case.waiver_at(self.now).filter(|_| case.status == CaseStatus::Approved)
    }

    /// What somebody said of the cases of an account is to go.
    pub(super) fn erase_comments<'a>(&self, slot: Slot) -> impl Iterator<Item = Event<'a>> {
        let has_texts = |case: &&Case| case.comments.iter().any(|c| c.text.is_some());
        let cases = self.state.cases().of_account(slot).filter(has_texts);
        cases.map(|case| Event::Case(CaseEvent::TextsErased { case: case.id }))
    }
}

/// Whether an order asks for something else than its case, or is referred for more.
fn asks_anew(
    case: &Case,
    order: &Order<'_>,
    asked: Option<&CaseDetails>,
    reasons: &[Reason],
) -> bool {
    let known = |reason: &Reason| {
        case.reasons.iter().any(|r| (r.code, &r.whose) == (reason.code, &reason.whose))
    };
    // By the rates of now it may be worth more than those who signed said.
    let is_beyond = |worth| case.waiver.as_ref().is_some_and(|waiver| waiver.amount < worth);
    let outgrows = case.is_pending() && !is_beyond(case.worth());
    case.amount != order.amount
        || !case.asks_for(asked)
        || outgrows && is_beyond(worth_asked(order, asked))
        || !reasons.iter().filter(|reason| reason.blocks()).all(known)
}

/// All of an order in the currency of who is billed.
fn worth_asked(order: &Order<'_>, asked: Option<&CaseDetails>) -> Minor {
    let counts = asked.and_then(|asked| asked.counts.as_ref());
    counts.map_or(order.amount, |counts| counts.worth)
}

/// The case under which an order was reserved, where it was under one.
#[must_use]
pub(super) fn case_of_reservation<'s>(
    state: &'s State,
    reservation: &Reservation,
) -> Option<&'s Case> {
    let case = state.cases().of_order(reservation.slot, &reservation.order_id)?;
    (case.reservation == Some(reservation.id)).then_some(case)
}

#[cfg(test)]
pub(in crate::decide) mod tests;
