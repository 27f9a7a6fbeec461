//! `CheckAndReserve`, `Check` and the all-or-none batch.

use std::collections::{BTreeMap, BTreeSet};

use crate::bounds::BATCH_ITEMS_MAX;
use crate::command::{Order, Reserve, ReserveAll};
use crate::decide::cure::cure;
use crate::decide::levels::{Pending, Together, room, together};
use crate::decide::rules::{Ask, Evaluation, evaluate};
use crate::decide::{Context, expiry};
use crate::error::Refusal;
use crate::event::Event;
use crate::outcome::{Decision, Outcome, Reason, ReasonCode, Reserved, Verdict};
use crate::state::State;
use crate::terms::AskedTerms;
use crate::values::{Currency, Micros, Minor, Slot, reservation_id};

/// What an order would ask for that is only looked at.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    /// Who would order.
    pub account_id: &'a str,
    /// Greater than zero.
    pub amount: Minor,
    /// Must be the account's.
    pub currency: Currency,
    /// Whether a part would do.
    pub allow_partial: bool,
    /// What it would name of payment terms.
    pub terms: Option<AskedTerms<'a>>,
    /// Through which sales channel; may be empty.
    pub channel: &'a str,
}

/// What `CheckAndReserve` would decide at `now`; its reservation is always absent.
///
/// # Errors
///
/// The same refusals, but for an order that is reserved already.
pub fn check(state: &State, now: Micros, inquiry: &Inquiry<'_>) -> Result<Reserved, Refusal> {
    let Inquiry { account_id, amount, currency, allow_partial, terms, channel } = *inquiry;
    let context = Context { state, seq: 0, now, actor: "", channel };
    let slot = context.payer(account_id, currency)?;
    context.judge(slot, Pending::default(), amount, allow_partial, terms)
}

impl Context<'_> {
    pub(super) fn reserve<'a>(
        &self,
        command: &Reserve<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let order = &command.order;
        let slot = self.orderer(order)?;
        let mut reserved =
            self.judge(slot, Pending::default(), order.amount, command.allow_partial, order.terms)?;
        let event = self.hold(&mut reserved, slot, order, 0);
        Ok((Outcome::Reserved(reserved), event.into_iter().collect()))
    }

    pub(super) fn reserve_all<'a>(
        &self,
        command: &ReserveAll<'a>,
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
                None => events.extend(self.hold(&mut reserved, slot, &orders[index], index)),
                Some(misfit) => reserved = self.declined_with(slot, reserved.verdict, misfit),
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
        let slot = self.orderer(order)?;
        if !earlier.orders.insert((slot, order.order_id)) {
            return Err(Refusal::OrderAlreadyReserved(order.order_id.into()));
        }
        let (own, orders) = earlier.reserved.get(&slot).copied().unwrap_or_default();
        let pending = Pending { own, orders, together: Some(&earlier.together) };
        let reserved = self.judge(slot, pending, order.amount, false, order.terms)?;
        let amount = i128::from(reserved.amount);
        let (own, orders) = earlier.reserved.entry(slot).or_default();
        (*own, *orders) = (*own + amount, *orders + u32::from(amount > 0));
        for (place, ..) in together(self.state, slot) {
            *earlier.together.entry(place).or_default() += amount;
        }
        Ok((slot, reserved))
    }

    /// Whose order it is, if it may be placed at all.
    fn orderer(&self, order: &Order<'_>) -> Result<Slot, Refusal> {
        let slot = self.payer(order.account_id, order.currency)?;
        let latest = self.state.latest_of_order(slot, order.order_id);
        if latest.is_some_and(|reservation| reservation.is_open()) {
            return Err(Refusal::OrderAlreadyReserved(order.order_id.into()));
        }
        Ok(slot)
    }

    pub(super) fn payer(&self, account_id: &str, found: Currency) -> Result<Slot, Refusal> {
        let slot = self.slot(account_id)?;
        let expected = self.state.terms(slot).currency;
        if expected != found {
            return Err(Refusal::CurrencyMismatch { expected, found });
        }
        Ok(slot)
    }

    /// Decides an order of `amount`, on top of `pending` from the same command; `asked` is what it
    /// names of payment terms.
    fn judge(
        &self,
        slot: Slot,
        pending: Pending<'_>,
        amount: Minor,
        allow_partial: bool,
        asked: Option<AskedTerms<'_>>,
    ) -> Result<Reserved, Refusal> {
        let ask = Ask { pending, is_new: true, ..self.ask(amount, amount) };
        let evaluation = match asked {
            None => evaluate(self.state, slot, self.now, ask),
            Some(asked) => self.evaluate_asking(slot, ask, asked)?,
        };
        let fitting = evaluation.fitting_if_short();
        let (decision, granted) = match fitting {
            _ if !evaluation.blocks() => (Decision::Approved, amount),
            Some(part) if allow_partial && part > 0 => (Decision::PartiallyApproved, part),
            _ => (Verdict::decision(&evaluation.reasons), 0),
        };
        let cure = match granted {
            0 => cure(self.state, slot, self.now, ask, &evaluation.reasons),
            _ => None,
        };
        self.may_reserve(slot, pending.own, granted)?;
        let Evaluation { reasons, mut room, .. } = evaluation;
        // A shared limit may have been passed by more than an i64 holds.
        room.available = room.available.map(|available| available.saturating_sub(granted));
        let verdict = Verdict { cure, ..self.verdict(decision, reasons, fitting, room) };
        Ok(Reserved { verdict, reservation: None, amount: granted, expires_at: 0 })
    }

    /// Nothing of the batch is reserved: an item that fits is declined because of the first that
    /// does not, one that was referred stays so, and every item sees what is available with nothing
    /// reserved.
    fn declined_with(&self, slot: Slot, found: Verdict, misfit: usize) -> Reserved {
        let Verdict { decision, mut reasons, fitting, cure, .. } = found;
        if decision == Decision::Approved {
            reasons.push(Reason::own(ReasonCode::BatchNotApproved, misfit as i64, 0));
        }
        let room = room(self.state, slot, self.now, 0);
        let verdict = self.verdict(Verdict::decision(&reasons), reasons, fitting, room);
        let verdict = Verdict { cure, ..verdict };
        Reserved { verdict, reservation: None, amount: 0, expires_at: 0 }
    }

    /// Gives an approved order its reservation.
    fn hold<'a>(
        &self,
        reserved: &mut Reserved,
        slot: Slot,
        order: &Order<'a>,
        item: usize,
    ) -> Option<Event<'a>> {
        if reserved.amount == 0 {
            return None;
        }
        let reservation = reservation_id(self.seq, item);
        let expires_at = expiry(self.now, order.ttl);
        reserved.reservation = Some(reservation);
        reserved.expires_at = expires_at;
        let (order_id, amount) = (order.order_id, reserved.amount);
        let asked = order.terms;
        Some(Event::Reserved { reservation, slot, order_id, amount, expires_at, asked })
    }
}

/// What the earlier items of a batch take.
#[derive(Default)]
struct Earlier<'o> {
    orders: BTreeSet<(Slot, &'o str)>,
    /// How much, and of how many orders.
    reserved: BTreeMap<Slot, (i128, u32)>,
    together: BTreeMap<Together, i128>,
}

#[cfg(test)]
mod tests;
