//! `CheckAndReserve`, `Check` and the all-or-none batch.

use std::collections::{BTreeMap, BTreeSet};

use crate::bounds::{BATCH_ITEMS_MAX, TTL_S_MAX};
use crate::command::{Order, Reserve, ReserveAll};
use crate::counting::{Counting, OrderDetails};
use crate::decide::counting::Asked;
use crate::decide::cure::cure;
use crate::decide::levels::{Pending, Together, room, together};
use crate::decide::rules::{Ask, Evaluation, evaluate, in_precedence, tolerated};
use crate::decide::{Context, expiry};
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Waiver;
use crate::outcome::{Cure, Decision, Effect, Outcome, Reason, ReasonCode, Reserved, Verdict};
use crate::state::State;
use crate::values::{Currency, Day, Micros, Minor, Slot, Ttl, reservation_id};

/// What an order would ask for that is only looked at.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    /// Who would order.
    pub account_id: &'a str,
    /// Greater than zero.
    pub amount: Minor,
    /// Where it is not the account's, the amount is converted.
    pub currency: Currency,
    /// Whether a part would do.
    pub allow_partial: bool,
    /// What few orders name.
    pub details: Option<&'a OrderDetails<'a>>,
    /// Through which sales channel; may be empty.
    pub channel: &'a str,
}

/// What `CheckAndReserve` would decide at `now`; its reservation is always absent.
///
/// # Errors
///
/// The same refusals, but for an order that is reserved already.
pub fn check(state: &State, now: Micros, inquiry: &Inquiry<'_>) -> Result<Reserved, Refusal> {
    let Inquiry { allow_partial, channel, .. } = *inquiry;
    let context = Context { state, seq: 0, now, actor: "", channel };
    let asked = Asked::from(inquiry);
    let slot = context.billed(asked)?;
    context.judge(slot, Pending::default(), asked, allow_partial, None)
}

impl Context<'_> {
    pub(super) fn reserve<'a>(
        &self,
        command: &Reserve<'a>,
        channel: &'a str,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let order = &command.order;
        let slot = match self.orderer(order) {
            // What was approved meanwhile is the answer to whoever asks for just that.
            Err(Refusal::OrderAlreadyReserved(_)) => {
                let reserved = self.reserved_in_case(order)?;
                return Ok((Outcome::Reserved(reserved), Vec::new()));
            }
            found => found?,
        };
        let case = self.state.cases().pending_of_order(slot, order.order_id);
        if let Some(case) = case {
            return self.reserve_in_case(command, channel, slot, case);
        }
        let mut reserved =
            self.judge(slot, Pending::default(), order.into(), command.allow_partial, None)?;
        let mut events = Vec::new();
        if reserved.verdict.decision == Decision::Referred {
            events.extend(self.open_case(&mut reserved, slot, order)?);
        } else {
            events.extend(self.hold(&mut reserved, slot, order, 0, channel));
        }
        Ok((Outcome::Reserved(reserved), events))
    }

    pub(super) fn reserve_all<'a>(
        &self,
        command: &ReserveAll<'a>,
        channel: &'a str,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let orders = &command.orders;
        assert!(orders.len() <= BATCH_ITEMS_MAX, "admission bounds a batch");
        let mut earlier = Earlier::default();
        let mut judged = Vec::with_capacity(orders.len());
        for (index, order) in orders.iter().enumerate() {
            let item = self
                .judge_in_batch(order, &mut earlier)
                .map_err(|refusal| Refusal::InItem { index, refusal: Box::new(refusal) })?;
            judged.push(item);
        }
        let misfit = judged.iter().position(|(_, r)| r.verdict.decision != Decision::Approved);
        let mut events = Vec::new();
        let mut results = Vec::with_capacity(judged.len());
        for (index, (slot, mut reserved)) in judged.into_iter().enumerate() {
            match misfit {
                // What a case has reserved before stays so.
                _ if reserved.reservation.is_some() => {}
                None => {
                    let order = &orders[index];
                    events.extend(self.hold(&mut reserved, slot, order, index, channel));
                    events.extend(self.use_case(&mut reserved, slot, order.order_id));
                }
                Some(misfit) => reserved = self.declined_with(slot, reserved, misfit),
            }
            results.push(reserved);
        }
        Ok((Outcome::ReservedAll(results), events))
    }

    fn judge_in_batch<'o>(
        &self,
        order: &Order<'o>,
        earlier: &mut Earlier<'o>,
    ) -> Result<(Slot, Reserved), Refusal> {
        let slot = match self.orderer(order) {
            Err(Refusal::OrderAlreadyReserved(_)) => return self.reserved_before(order, earlier),
            found => found?,
        };
        if !earlier.note(slot, order.order_id) {
            return Err(Refusal::OrderAlreadyReserved(order.order_id.into()));
        }
        let pending = earlier.pending(slot);
        let reserved = self.judge(slot, pending, order.into(), false, None)?;
        earlier.take(self.state, slot, &reserved);
        Ok((slot, reserved))
    }

    /// The answer to an order of a batch that is reserved already, as to one that comes alone.
    #[cold]
    fn reserved_before<'o>(
        &self,
        order: &Order<'o>,
        earlier: &mut Earlier<'o>,
    ) -> Result<(Slot, Reserved), Refusal> {
        let slot = self.billed(order.into())?;
        let reserved = self.reserved_in_case(order)?;
        match earlier.note(slot, order.order_id) {
            true => Ok((slot, reserved)),
            false => Err(Refusal::OrderAlreadyReserved(order.order_id.into())),
        }
    }

    /// Whose order it is, if it may be placed at all.
    fn orderer(&self, order: &Order<'_>) -> Result<Slot, Refusal> {
        let slot = self.billed(order.into())?;
        let latest = self.state.latest_of_order(slot, order.order_id);
        if latest.is_some_and(|reservation| reservation.is_open()) {
            return Err(Refusal::OrderAlreadyReserved(order.order_id.into()));
        }
        Ok(slot)
    }

    /// Decides an order on top of `pending` from the same command. What `waiver` covers is named,
    /// and does not stand in the way.
    #[inline]
    pub(super) fn judge(
        &self,
        slot: Slot,
        pending: Pending<'_>,
        asked: Asked<'_>,
        allow_partial: bool,
        waiver: Option<&Waiver>,
    ) -> Result<Reserved, Refusal> {
        if asked.details.is_some() || asked.currency != self.state.terms(slot).currency {
            return self.judge_counted(slot, asked, pending, allow_partial, waiver);
        }
        let amount = asked.amount;
        let ask = Ask { pending, is_new: true, ..self.ask(amount, amount) };
        let mut evaluation = evaluate(self.state, slot, self.now, ask);
        let fitting = evaluation.fitting_if_short();
        let (decision, granted) = match fitting {
            _ if !evaluation.blocks() => (Decision::Approved, amount),
            _ if let Some(waiver) = waiver => under(waiver, &evaluation.reasons, amount),
            Some(part) if allow_partial && part > 0 && evaluation.only_declines() => {
                (Decision::PartiallyApproved, part)
            }
            _ => (Verdict::decision(&evaluation.reasons), 0),
        };
        let cure = match granted == amount {
            true => None,
            false => {
                let part = Some(granted).filter(|part| *part > 0);
                self.fall_short(slot, ask, part, &mut evaluation.reasons)
            }
        };
        self.may_reserve(slot, pending.own, granted)?;
        let Evaluation { reasons, mut room, .. } = evaluation;
        // A shared limit may have been passed by more than an i64 holds.
        room.available = room.available.map(|available| available.saturating_sub(granted));
        let verdict = Verdict { cure, ..self.verdict(decision, reasons, fitting, room) };
        let (reservation, case, counting) = (None, None, None);
        Ok(Reserved { verdict, reservation, amount: granted, expires_at: 0, case, counting })
    }

    /// Of an order that is not approved as it is: only what is approved of it, where any is, may be
    /// named as tolerated. Says what would cure it where none is.
    #[cold]
    pub(super) fn fall_short(
        &self,
        slot: Slot,
        ask: Ask<'_>,
        part: Option<Minor>,
        reasons: &mut Vec<Reason>,
    ) -> Option<Box<Cure>> {
        reasons.retain(|reason| reason.code != ReasonCode::LimitTolerated);
        let Some(amount) = part else {
            return cure(self.state, slot, self.now, ask, reasons);
        };
        reasons.extend(tolerated(self.state, slot, self.now, Ask { amount, ..ask }));
        in_precedence(reasons);
        None
    }

    /// Nothing of the batch is reserved: an item that fits is declined because of the first that
    /// does not, one that was referred stays so, and every item sees what is available with nothing
    /// reserved.
    fn declined_with(&self, slot: Slot, found: Reserved, misfit: usize) -> Reserved {
        let Reserved { verdict, mut counting, .. } = found;
        let Verdict { decision, mut reasons, fitting, cure, .. } = verdict;
        if decision == Decision::Approved {
            reasons.retain(|reason| reason.code != ReasonCode::LimitTolerated);
            reasons.push(Reason::own(ReasonCode::BatchNotApproved, misfit as i64, 0));
        }
        let room = room(self.state, slot, self.now, 0);
        let verdict = self.verdict(Verdict::decision(&reasons), reasons, fitting, room);
        let verdict = Verdict { cure, ..verdict };
        if let Some(counting) = &mut counting {
            counting.parts.open = 0;
        }
        Reserved { verdict, reservation: None, amount: 0, expires_at: 0, case: None, counting }
    }

    /// When an order lapses. One that waits for its day of shipping, and says nothing of it, does
    /// not before that day has come, where that is within the longest time that may be asked for.
    pub(super) fn holds_until(&self, counting: Option<&Counting>, ttl: Ttl) -> Micros {
        let ships = counting.and_then(Counting::waits_for).filter(|day| day.begins() > self.now);
        let from = ships.filter(|_| ttl.asked_s.is_none()).map_or(self.now, Day::begins);
        expiry(from, ttl).min(self.now + i64::from(TTL_S_MAX) * 1_000_000)
    }

    /// Gives an approved order its reservation.
    pub(super) fn hold<'a>(
        &self,
        reserved: &mut Reserved,
        slot: Slot,
        order: &Order<'a>,
        item: usize,
        channel: &'a str,
    ) -> Option<Event<'a>> {
        if reserved.amount == 0 {
            return None;
        }
        let reservation = reservation_id(self.seq, item);
        let expires_at = self.holds_until(reserved.counting.as_deref(), order.ttl);
        reserved.reservation = Some(reservation);
        reserved.expires_at = expires_at;
        let (order_id, amount) = (order.order_id, reserved.counted());
        let named = order.details.is_some() || reserved.counting.is_some();
        let details = if named { self.details(reserved, order) } else { None };
        Some(Event::Reserved { reservation, slot, order_id, amount, expires_at, details, channel })
    }
}

/// What an order comes to of which `waiver` covers some reasons: all of it, or nothing. People sign
/// for what was left to them: where the rule declines by now, or holds the account, it stands.
#[cold]
pub(super) fn under(waiver: &Waiver, reasons: &[Reason], amount: Minor) -> (Decision, Minor) {
    let stands = |reason: &&Reason| reason.effect() > Effect::Refer || !waiver.covers(reason);
    let left = reasons.iter().filter(stands).cloned();
    match Verdict::decision(&Vec::from_iter(left)) {
        Decision::Approved => (Decision::Approved, amount),
        other => (other, 0),
    }
}

/// What the earlier orders of a command take.
#[derive(Default)]
pub(super) struct Earlier<'o> {
    orders: BTreeSet<(Slot, &'o str)>,
    /// How much, and of how many orders.
    reserved: BTreeMap<Slot, (i128, u32)>,
    together: BTreeMap<Together, i128>,
}

impl<'o> Earlier<'o> {
    /// Whether an order comes for the first time: it has one open reservation at most.
    pub(super) fn note(&mut self, slot: Slot, order_id: &'o str) -> bool {
        self.orders.insert((slot, order_id))
    }

    /// As the next order of an account meets it.
    pub(super) fn pending(&self, slot: Slot) -> Pending<'_> {
        let (own, orders) = self.reserved.get(&slot).copied().unwrap_or_default();
        Pending { own, orders, together: Some(&self.together) }
    }

    /// Adds what an order of an account takes.
    pub(super) fn take(&mut self, state: &State, slot: Slot, reserved: &Reserved) {
        let amount = reserved.counted();
        let (own, orders) = self.reserved.entry(slot).or_default();
        (*own, *orders) = (*own + i128::from(amount), *orders + u32::from(reserved.amount > 0));
        for (place, ..) in together(state, slot) {
            *self.together.entry(place).or_default() += i128::from(amount);
        }
    }
}

#[cfg(test)]
mod tests;
