//! Cases: opened by orders that are referred, signed by people, ended by the clock.

use std::borrow::Cow;

use crate::bounds::{CASE_ASKERS_MAX, CASES_PENDING_MAX, DELEGATIONS_MAX};
use crate::command::{Act, Approve, Delegate, Order, Reserve, ReviewCase};
use crate::decide::levels::Pending;
use crate::decide::{Context, Decided, expiry};
use crate::error::{CaseRefusal, Refusal};
use crate::event::{CaseAsk, CaseEvent, Event};
use crate::model::{Case, CaseStatus, Reservation, Signer, Waived, Waiver};
use crate::outcome::{Decision, Outcome, Reason, Reserved, Reviewed, Upserted};
use crate::policy::Band;
use crate::state::State;
use crate::values::{Id, Micros, Minor, Slot, Text, reservation_id, shown};

mod retry;

pub use retry::Sweep;

/// A signature, before it is known whether it may stand.
struct Signing<'a> {
    by: &'a str,
    on_behalf_of: Option<&'a str>,
    role: Option<Signer>,
    waiver: Waiver,
}

impl Context<'_> {
    /// Decides an order that waits in a case, or did, and what becomes of the case.
    #[cold]
    pub(super) fn reserve_in_case<'a>(
        &self,
        command: &Reserve<'a>,
        slot: Slot,
        case: &Case,
    ) -> Decided<'a> {
        let order = &command.order;
        let waiver = case.waiver_for(order.amount, order.terms, self.now);
        let mut reserved = self.judge(
            slot,
            Pending::default(),
            order.amount,
            command.allow_partial,
            order.terms,
            waiver,
        )?;
        reserved.case = Some(case.id);
        let mut events = Vec::new();
        match reserved.verdict.decision {
            Decision::Approved | Decision::PartiallyApproved => {
                events.extend(self.hold(&mut reserved, slot, order, 0));
                let reservation = reserved.reservation.expect("what is approved is reserved");
                events.push(Event::Case(CaseEvent::Used { case: case.id, reservation }));
            }
            Decision::Referred => {
                events.extend(self.ask_again(slot, order, case, &reserved.verdict.reasons)?);
            }
            // It waits: what stands in the way may pass before the case does.
            Decision::Declined => {}
        }
        Ok((Outcome::Reserved(reserved), events))
    }

    /// Ends the case in which an order waits that a batch has just reserved.
    pub(super) fn use_case<'a>(
        &self,
        reserved: &mut Reserved,
        slot: Slot,
        order_id: &str,
    ) -> Option<Event<'a>> {
        let case = self.state.cases().pending_of_order(slot, order_id)?.id;
        reserved.case = Some(case);
        let reservation = reserved.reservation?;
        Some(Event::Case(CaseEvent::Used { case, reservation }))
    }

    /// The answer to an order that is reserved already: what it holds, where a case gave it just
    /// that, and else a refusal.
    #[cold]
    pub(super) fn reserved_in_case<'a>(&self, order: &Order<'a>) -> Decided<'a> {
        let refused = || Refusal::OrderAlreadyReserved(order.order_id.into());
        let slot = self.slot(order.account_id)?;
        let held = self.state.latest_of_order(slot, order.order_id).ok_or_else(refused)?;
        let case = case_of_reservation(self.state, held).ok_or_else(refused)?;
        let Reservation { id, open, captured, released, expired, expires_at, .. } = *held;
        let total = open + captured + released + expired;
        if [case.amount, total] != [order.amount; 2] || !case.asks_for(order.terms) {
            return Err(refused());
        }
        let verdict = self.approved(slot, 0);
        let (amount, case) = (order.amount, Some(case.id));
        let reserved = Reserved { verdict, reservation: Some(id), amount, expires_at, case };
        Ok((Outcome::Reserved(reserved), Vec::new()))
    }

    /// Opens a case for an order that was referred.
    #[cold]
    pub(super) fn open_case<'a>(
        &self,
        reserved: &mut Reserved,
        slot: Slot,
        order: &Order<'a>,
    ) -> Option<Event<'a>> {
        let open = self.state.policy().approvals.in_use();
        if !open || self.state.cases().pending_count() >= CASES_PENDING_MAX {
            return None;
        }
        reserved.case = Some(self.seq);
        let ask = self.case_ask(slot, order, &reserved.verdict.reasons);
        Some(Event::Case(CaseEvent::Opened { case: self.seq, ask }))
    }

    fn case_ask<'a>(&self, slot: Slot, order: &Order<'a>, reasons: &[Reason]) -> CaseAsk<'a> {
        let approvals = &self.state.policy().approvals;
        CaseAsk {
            slot,
            order_id: order.order_id,
            amount: order.amount,
            ttl: order.ttl,
            reasons: reasons.to_vec(),
            channel: Cow::Owned(self.channel.to_owned()),
            by: self.whoever_asks(),
            escalates_at: self.escalates_at(order.amount, slot, 0),
            expires_at: self.now.saturating_add(approvals.expire_after),
            asked: order.terms,
        }
    }

    /// When the clock escalates a case of this amount and level; zero: never.
    fn escalates_at(&self, amount: Minor, slot: Slot, level: u8) -> Micros {
        let approvals = &self.state.policy().approvals;
        let currency = self.state.terms(slot).currency;
        match approvals.escalate_after {
            Some(after) if approvals.has_above(amount, currency, level) => {
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
        let known = |reason: &Reason| {
            case.reasons.iter().any(|r| (r.code, &r.whose) == (reason.code, &reason.whose))
        };
        let anew = case.amount != order.amount
            || !case.asks_for(order.terms)
            || !reasons.iter().filter(|reason| reason.blocks()).all(known);
        let is_asker = case.asked_by.iter().any(|by| by == self.actor);
        if !anew && is_asker && case.reasons == reasons && case.ttl == order.ttl {
            return Ok(None);
        }
        if !is_asker && case.asked_by.len() >= CASE_ASKERS_MAX {
            return Err(Refusal::Case(CaseRefusal::TooManyAskers(order.order_id.into())));
        }
        let ask = self.case_ask(slot, order, reasons);
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
            missing: self.missing(case, None),
            reserved: None,
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
                self.require_signer(command.role)?;
                (reviewed.status, reviewed.missing) = (CaseStatus::Rejected, 0);
                events.push(Event::Case(CaseEvent::Rejected { case: case.id }));
            }
            Act::Escalate => {
                self.require_signer(command.role)?;
                let event = self
                    .escalate(case)
                    .ok_or(Refusal::Case(CaseRefusal::NothingAbove { case: case.id }))?;
                reviewed.status = CaseStatus::Escalated;
                events.push(event);
            }
        }
        Ok((Outcome::Reviewed(Box::new(reviewed)), events))
    }

    fn require_signer(&self, role: Option<Signer>) -> Result<Signer, Refusal> {
        let signs = |role: &Signer| self.state.policy().approvals.is_signer(*role);
        role.filter(signs).ok_or(Refusal::Case(CaseRefusal::NotASigner(named(role))))
    }

    /// Leaves a case to the next band, where there is one.
    pub(super) fn escalate<'a>(&self, case: &Case) -> Option<Event<'a>> {
        let Case { id, slot, amount, level, .. } = *case;
        let currency = self.state.terms(slot).currency;
        let above = self.state.policy().approvals.has_above(amount, currency, level);
        let escalates_at = self.escalates_at(amount, slot, level + 1);
        above.then_some(Event::Case(CaseEvent::Escalated {
            case: id,
            level: level + 1,
            escalates_at,
        }))
    }

    /// Adds a signature; where it is the last, decides the order again, with what it waives.
    fn sign<'a>(
        &self,
        case: &Case,
        approve: &Approve<'a>,
        role: Option<Signer>,
        reviewed: &mut Reviewed,
        events: &mut Vec<Event<'a>>,
    ) -> Result<(), Refusal> {
        let on_behalf_of = approve.on_behalf_of;
        let role = match on_behalf_of {
            None => role,
            Some(from) => Some(self.delegated_by(from)?),
        };
        let waiver = self.waiver(case, approve)?;
        let by = self.actor;
        let band =
            self.may_sign(case, &Signing { by, on_behalf_of, role, waiver: waiver.clone() })?;
        let role = role.expect("nobody signs without one");
        let counted = case.signatures.iter().filter(|s| band.roles.contains(&s.role)).count() + 1;
        let missing = usize::from(band.signatures).saturating_sub(counted) as u8;
        let complete = missing == 0;
        events.push(Event::Case(CaseEvent::Signed {
            case: case.id,
            by: self.whoever_asks(),
            on_behalf_of: on_behalf_of.map(Cow::Borrowed),
            role,
            waiver: waiver.clone(),
            complete,
        }));
        reviewed.missing = missing;
        if !complete {
            return Ok(());
        }
        reviewed.status = CaseStatus::Approved;
        if case.amount <= waiver.amount {
            let (mut reserved, event) =
                self.reserve_case(case, Some(&waiver), Pending::default(), 0)?;
            reserved.case = Some(case.id);
            if event.is_some() {
                reviewed.status = CaseStatus::Used;
            }
            events.extend(event);
            reviewed.reserved = Some(reserved);
        }
        Ok(())
    }

    /// Decides the order of a case again, under what was signed, and reserves it where it fits. It
    /// may have been reserved meanwhile, by a batch or by growing again.
    fn reserve_case<'a>(
        &self,
        case: &Case,
        waiver: Option<&Waiver>,
        pending: Pending<'_>,
        item: usize,
    ) -> Result<(Reserved, Option<Event<'a>>), Refusal> {
        let Case { id, slot, amount, .. } = *case;
        let latest = self.state.latest_of_order(slot, &case.order_id);
        if latest.is_some_and(|held| held.is_open()) {
            return Err(Refusal::OrderAlreadyReserved((*case.order_id).into()));
        }
        let mut reserved = self.judge(slot, pending, amount, false, case.asked_terms(), waiver)?;
        reserved.case = Some(id);
        if reserved.verdict.decision != Decision::Approved {
            return Ok((reserved, None));
        }
        let reservation = reservation_id(self.seq, item);
        let expires_at = expiry(self.now, case.ttl);
        (reserved.reservation, reserved.expires_at) = (Some(reservation), expires_at);
        let event = Event::Case(CaseEvent::Reserved {
            case: id,
            reservation,
            slot,
            order_id: Cow::Owned(case.order_id.to_string()),
            amount,
            expires_at,
            asked: case.asked.clone(),
        });
        Ok((reserved, Some(event)))
    }

    /// What was signed of a case, while it holds.
    fn standing_waiver<'c>(&self, case: &'c Case) -> Option<&'c Waiver> {
        let waiver = case.waiver.as_ref().filter(|_| case.status == CaseStatus::Approved);
        waiver.filter(|waiver| self.now < waiver.until)
    }

    /// What a signature is for: what the one before it is for, where there is one.
    fn waiver(&self, case: &Case, approve: &Approve<'_>) -> Result<Waiver, Refusal> {
        let mut waived: Vec<Waived> = Vec::new();
        for code in &approve.waived {
            let mut of_code = case.reasons.iter().filter(|reason| reason.code == *code).peekable();
            if of_code.peek().is_none() {
                return Err(Refusal::Case(CaseRefusal::NotAReason { case: case.id, code: *code }));
            }
            for Reason { code, whose, .. } in of_code {
                let one = Waived { code: *code, whose: whose.clone() };
                if !waived.contains(&one) {
                    waived.push(one);
                }
            }
        }
        let longest = self.now.saturating_add(self.state.policy().approvals.valid_for);
        let until = approve.until.unwrap_or(longest);
        if until <= self.now {
            let rule = "an approval that is over approves nothing";
            let value = shown(until).into();
            return Err(Refusal::Passed { field: "expire_time", value, rule });
        }
        let mut waiver = Waiver {
            waived,
            amount: approve.amount.unwrap_or(case.amount),
            until: until.min(longest),
        };
        if let Some(signed) = &case.waiver {
            let same = |one: &Waived| signed.waived.contains(one);
            let all_same = waiver.waived.iter().all(same);
            if !all_same
                || waiver.waived.len() != signed.waived.len()
                || waiver.amount != signed.amount
            {
                return Err(Refusal::Case(CaseRefusal::SignedOtherwise { case: case.id }));
            }
            waiver.waived.clone_from(&signed.waived);
            waiver.until = waiver.until.min(signed.until);
        }
        Ok(waiver)
    }

    fn delegated_by(&self, from: &str) -> Result<Signer, Refusal> {
        let found = self.state.cases().delegation(from, self.actor);
        let found = found.filter(|delegation| delegation.holds_at(self.now));
        found
            .map(|found| found.role)
            .ok_or_else(|| Refusal::Case(CaseRefusal::NotDelegated(from.into())))
    }

    /// Nobody signs what they asked for, nor twice, nor beyond their band; also not by another's
    /// hand.
    fn may_sign(&self, case: &Case, signing: &Signing<'_>) -> Result<&Band, Refusal> {
        let Signing { by, on_behalf_of, role, ref waiver } = *signing;
        for who in [Some(by), on_behalf_of].into_iter().flatten() {
            if case.asked_by.iter().any(|asker| asker == who) {
                return Err(Refusal::Case(CaseRefusal::SelfApproval {
                    case: case.id,
                    who: who.into(),
                }));
            }
            let signed = |by: Option<&Id>| by.is_some_and(|by| by == who);
            let mut all = case.signatures.iter();
            if all.any(|s| signed(Some(&s.by)) || signed(s.on_behalf_of.as_ref())) {
                return Err(Refusal::Case(CaseRefusal::SignedAlready {
                    case: case.id,
                    who: who.into(),
                }));
            }
        }
        let band = self.band_of(case, waiver.amount);
        match band.filter(|band| role.is_some_and(|role| band.roles.contains(&role))) {
            Some(band) => Ok(band),
            None => {
                let names = band.map(|band| band.roles.iter().map(|role| role.name()));
                let names =
                    names.map_or_else(|| "nobody".to_owned(), |n| Vec::from_iter(n).join(", "));
                let (case, amount) = (case.id, waiver.amount);
                Err(Refusal::Case(CaseRefusal::NotAuthorised {
                    case,
                    role: named(role),
                    amount,
                    band: names.into(),
                }))
            }
        }
    }

    fn band_of(&self, case: &Case, amount: Minor) -> Option<&Band> {
        let currency = self.state.terms(case.slot).currency;
        self.state.policy().approvals.band(amount, currency, case.level)
    }

    /// How many signatures a case still needs, or would.
    fn missing(&self, case: &Case, amount: Option<Minor>) -> u8 {
        if !case.is_unsigned() {
            return 0;
        }
        let signed_for = case.waiver.as_ref().map(|waiver| waiver.amount);
        let amount = amount.or(signed_for).unwrap_or(case.amount);
        let Some(band) = self.band_of(case, amount) else { return 1 };
        let counted = case.signatures.iter().filter(|s| band.roles.contains(&s.role)).count();
        usize::from(band.signatures).saturating_sub(counted) as u8
    }

    pub(super) fn delegate<'a>(&self, command: &Delegate<'a>) -> Decided<'a> {
        let Delegate { to, role, during, .. } = *command;
        let cases = self.state.cases();
        if to == self.actor {
            return Err(Refusal::Case(CaseRefusal::DelegatedToSelf(to.into())));
        }
        let known = cases.delegation(self.actor, to);
        let from = self.whoever_asks();
        let Some((first, until)) = during else {
            let known =
                known.ok_or_else(|| Refusal::Case(CaseRefusal::DelegationNotFound(to.into())))?;
            let event = Event::Case(CaseEvent::Delegated { from, to, role: known.role, during });
            return Ok((Outcome::Done, vec![event]));
        };
        let role = self.require_signer(role)?;
        if until <= self.now {
            let rule = "a delegation that is over lets nobody sign";
            let value = shown(until).into();
            return Err(Refusal::Passed { field: "expire_time", value, rule });
        }
        let lasting = cases.delegations().filter(|other| self.now < other.until).count();
        if known.is_none() && lasting >= DELEGATIONS_MAX {
            return Err(Refusal::Case(CaseRefusal::TooManyDelegations(to.into())));
        }
        let first = first.max(self.now);
        let upserted = if known.is_some() { Upserted::Updated } else { Upserted::Created };
        let event =
            Event::Case(CaseEvent::Delegated { from, to, role, during: Some((first, until)) });
        Ok((Outcome::Upserted(upserted), vec![event]))
    }

    /// What somebody said of the cases of an account is to go.
    pub(super) fn erase_comments<'a>(&self, slot: Slot) -> impl Iterator<Item = Event<'a>> {
        let has_texts = |case: &&Case| case.comments.iter().any(|c| c.text.is_some());
        let cases = self.state.cases().of_account(slot).filter(has_texts);
        cases.map(|case| Event::Case(CaseEvent::TextsErased { case: case.id }))
    }
}

/// How many more signatures a case needs at this moment, for those who look at it.
#[must_use]
pub fn signatures_missing(state: &State, case: &Case) -> u8 {
    let context = Context { state, seq: 0, now: 0, actor: "", channel: "" };
    context.missing(case, None)
}

/// Whether somebody of this role could sign a case as it stands.
#[must_use]
pub fn signs(state: &State, case: &Case, role: Signer) -> bool {
    let context = Context { state, seq: 0, now: 0, actor: "", channel: "" };
    let amount = case.waiver.as_ref().map_or(case.amount, |waiver| waiver.amount);
    let band = context.band_of(case, amount);
    case.is_unsigned() && band.is_some_and(|band| band.roles.contains(&role))
}

fn named(role: Option<Signer>) -> &'static str {
    role.map_or("no role", Signer::name)
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
mod tests;
