//! Orders that name more than others, or are not in their account's currency. Out of the way of
//! those that do not.

use std::collections::BTreeMap;

use crate::command::Order;
use crate::counting::{Counting, Details, OrderDetails, Parts, Shipping, Waiting, largest};
use crate::decide::housekeep::counts_from;
use crate::decide::levels::{Pending, Together, together};
use crate::decide::rates::convertible;
use crate::decide::reserve::under;
use crate::decide::rules::{Ask, Evaluation, evaluate, in_precedence, standing};
use crate::decide::{Context, Inquiry};
use crate::error::Refusal;
use crate::model::{Reservation, Waiver};
use crate::outcome::{Decision, Reason, ReasonCode, Reserved, Verdict, Whose};
use crate::state::State;
use crate::values::{Currency, Day, Id, Micros, Minor, Slot};

/// An order as far as its amount goes.
#[derive(Clone, Copy)]
pub(super) struct Asked<'o> {
    pub account_id: &'o str,
    pub amount: Minor,
    pub currency: Currency,
    pub details: Option<&'o OrderDetails<'o>>,
}

impl<'o> From<&'o Order<'_>> for Asked<'o> {
    #[inline]
    fn from(order: &'o Order<'_>) -> Asked<'o> {
        let Order { account_id, amount, currency, ref details, .. } = *order;
        Asked { account_id, amount, currency, details: details.as_deref() }
    }
}

impl<'o> From<&Inquiry<'o>> for Asked<'o> {
    fn from(inquiry: &Inquiry<'o>) -> Asked<'o> {
        let Inquiry { account_id, amount, currency, details, .. } = *inquiry;
        Asked { account_id, amount, currency, details }
    }
}

impl Asked<'_> {
    pub(super) fn shipping(&self) -> Shipping<'_> {
        self.details.and_then(|details| details.shipping).unwrap_or_default()
    }
}

impl Context<'_> {
    /// Who is billed for an order: who orders it, unless it says otherwise.
    #[inline]
    pub(super) fn billed(&self, asked: Asked<'_>) -> Result<Slot, Refusal> {
        let slot = self.slot(asked.account_id)?;
        match asked.details {
            None => Ok(slot),
            Some(_) => self.billed_to(slot, asked),
        }
    }

    #[cold]
    fn billed_to(&self, slot: Slot, asked: Asked<'_>) -> Result<Slot, Refusal> {
        let Some(bill_to) = asked.shipping().bill_to else { return Ok(slot) };
        let found = self.state.slot(bill_to);
        found.ok_or_else(|| Refusal::BillToNotFound(bill_to.into()))
    }

    /// Decides an order that is not in the currency of the account that is billed, or names
    /// details, on top of `pending` from the same command.
    #[cold]
    #[inline(never)]
    pub(super) fn judge_counted(
        &self,
        slot: Slot,
        asked: Asked<'_>,
        pending: Pending<'_>,
        allow_partial: bool,
        waiver: Option<&Waiver>,
    ) -> Result<Reserved, Refusal> {
        let own = self.state.terms(slot).currency;
        if asked.currency != own {
            convertible("currency", asked.currency)?;
            convertible("account_id", own)?;
        }
        let counting = match self.counting(slot, asked) {
            Ok(counting) => counting,
            Err(unvalued) => return self.unvalued(slot, pending, asked, unvalued),
        };
        let counts = counting.as_ref();
        let worth = |amount| counts.map_or(amount, |counting| counting.worth(amount));
        let full = |amount| counts.map_or(amount, |counting| counting.full(amount));
        let (amount, asked_amount) = (worth(asked.amount), asked.amount);
        let ask = Ask { pending, is_new: true, ..self.ask(amount, full(asked_amount)) };
        let mut evaluation = evaluate(self.state, slot, self.now, ask);
        // An order that does not count yet is held to no limit.
        let waits = counts.is_some_and(|counting| counting.waiting == Waiting::Still);
        if waits {
            evaluation.count_nothing();
        }
        self.add_others(&mut evaluation, slot, asked)?;
        let (room, most) = self.room_and_most(slot, ask, &evaluation);
        let fits = |part| worth(part) <= room && full(part) <= most;
        let fitting = evaluation.fitting_if_short().filter(|_| !waits);
        let fitting = fitting.map(|_| largest(asked_amount, fits));
        let (decision, granted) = match fitting {
            _ if !evaluation.blocks() => (Decision::Approved, asked_amount),
            _ if let Some(waiver) = waiver => under(waiver, &evaluation.reasons, asked_amount),
            Some(part) if allow_partial && part > 0 && evaluation.only_declines() => {
                (Decision::PartiallyApproved, part)
            }
            _ => (Verdict::decision(&evaluation.reasons), 0),
        };
        let counted = worth(granted);
        let cure = match granted == asked_amount {
            true => None,
            false => {
                let part = (granted > 0).then_some(counted);
                self.fall_short(slot, ask, part, &mut evaluation.reasons)
            }
        };
        self.may_reserve(slot, pending.own, counted)?;
        let Evaluation { reasons, mut room, .. } = evaluation;
        room.available = room.available.map(|available| available.saturating_sub(counted));
        let verdict = Verdict { cure, ..self.verdict(decision, reasons, fitting, room) };
        let counting = counting.map(|mut counting| {
            counting.parts.open = granted;
            Box::new(counting)
        });
        Ok(Reserved {
            verdict,
            reservation: None,
            amount: granted,
            expires_at: 0,
            case: None,
            counting,
        })
    }

    /// An order whose amount nobody knows in the account's currency: it is held to what does not
    /// ask for that.
    fn unvalued(
        &self,
        slot: Slot,
        pending: Pending<'_>,
        asked: Asked<'_>,
        why: Reason,
    ) -> Result<Reserved, Refusal> {
        let ask = Ask { pending, is_new: true, ..self.ask(0, 0) };
        let mut evaluation = evaluate(self.state, slot, self.now, ask);
        evaluation.count_nothing();
        evaluation.reasons.push(why);
        self.add_others(&mut evaluation, slot, asked)?;
        let Evaluation { reasons, room, .. } = evaluation;
        let verdict = self.verdict(Decision::Declined, reasons, None, room);
        Ok(Reserved {
            verdict,
            reservation: None,
            amount: 0,
            expires_at: 0,
            case: None,
            counting: None,
        })
    }

    /// How an order counts; `None` where it counts as it is, an error where it cannot be valued.
    pub(super) fn counting(
        &self,
        slot: Slot,
        asked: Asked<'_>,
    ) -> Result<Option<Counting>, Reason> {
        let Asked { account_id, amount, currency, .. } = asked;
        let own = self.state.terms(slot).currency;
        let exchange = match own == currency {
            true => None,
            false => {
                let found = self.state.rates().exchange(currency, own);
                let found =
                    found.ok_or_else(|| Reason::own(ReasonCode::FxRateUnavailable, 0, 0))?;
                if let Some(stale) = self.stale(found.quote.as_of) {
                    return Err(stale);
                }
                Some(found)
            }
        };
        let policy = &self.state.policy().exposure;
        let Shipping { ship_date, tax, freight, .. } = asked.shipping();
        let excluded = policy.excluded(amount, tax, freight);
        let sold_to = (self.state.account_id(slot) != account_id).then(|| Id::from(account_id));
        if exchange.is_none() && excluded == 0 && ship_date.is_none() && sold_to.is_none() {
            return Ok(None);
        }
        let horizon = policy.horizon(Day::of(self.now));
        let waits = ship_date.zip(horizon).is_some_and(|(day, horizon)| day > horizon);
        let waiting = if waits { Waiting::Still } else { Waiting::Never };
        let (parts, total) = (Parts::default(), amount);
        Ok(Some(Counting { parts, total, excluded, exchange, ship_date, waiting, sold_to }))
    }

    /// Why a rate of this time may not be used.
    pub(super) fn stale(&self, as_of: Micros) -> Option<Reason> {
        const HOUR: Micros = 3_600_000_000;
        let age = self.now.saturating_sub(as_of);
        let most = self.state.policy().rates.max_age_hours;
        let hours = age.saturating_add(HOUR - 1) / HOUR;
        (hours > most).then(|| Reason::own(ReasonCode::FxRateStale, hours, most))
    }

    /// What else refuses an order, beside the limits of whoever is billed: who orders what another
    /// is billed for must be in good standing, and terms are those of whoever is billed.
    fn add_others(
        &self,
        evaluation: &mut Evaluation,
        billed: Slot,
        asked: Asked<'_>,
    ) -> Result<(), Refusal> {
        let sold_to = self.state.slot(asked.account_id).filter(|slot| *slot != billed);
        if let Some(sold_to) = sold_to {
            evaluation.reasons.extend(sold_to_reasons(self.state, sold_to, self.now));
        }
        if let Some(terms) = asked.details.and_then(OrderDetails::terms) {
            self.hold_to_terms(evaluation, billed, terms)?;
        }
        in_precedence(&mut evaluation.reasons);
        Ok(())
    }

    /// What stands in the way of the goods of an order that does not count as it is, beside
    /// `reasons`.
    #[cold]
    pub(super) fn confirm_counted(
        &self,
        found: &Reservation,
        counting: &Counting,
        mut reasons: Vec<Reason>,
    ) -> Vec<Reason> {
        if counting.waiting != Waiting::Never {
            let its_own = self.its_own(found);
            let pending = beside(found, &its_own);
            let amount = counting.worth_in_time(counting.parts.open);
            let all = found.full(counting.parts.open + counting.parts.captured);
            let ask = Ask { pending, is_placed: true, ..self.ask(amount, all) };
            let evaluation = evaluate(self.state, found.slot, self.now, ask);
            reasons = evaluation.reasons;
            reasons.retain(Reason::blocks);
        }
        if let Some(sold_to) = counting.sold_to.as_ref().and_then(|id| self.state.slot(id)) {
            reasons.extend(sold_to_reasons(self.state, sold_to, self.now));
        }
        in_precedence(&mut reasons);
        reasons
    }

    /// What an order grows by is new credit: the rate that it has kept may be too old for that,
    /// until it is valued anew.
    #[cold]
    pub(super) fn hold_to_rate(&self, counting: &Counting, evaluation: &mut Evaluation) {
        let quoted = counting.exchange.as_ref().map(|exchange| exchange.quote.as_of);
        evaluation.reasons.extend(quoted.and_then(|as_of| self.stale(as_of)));
        in_precedence(&mut evaluation.reasons);
    }

    /// What an order counts already of each limit of several accounts, to be taken off it.
    pub(super) fn its_own(&self, found: &Reservation) -> BTreeMap<Together, i128> {
        let own = -i128::from(found.open);
        together(self.state, found.slot).map(|(place, ..)| (place, own)).collect()
    }

    /// What counts has to fit into the limits, and all of it into the most that an order may be:
    /// how much that is of each. An order that is no larger may be less of a risk.
    fn room_and_most(&self, slot: Slot, ask: Ask<'_>, evaluation: &Evaluation) -> (Minor, Minor) {
        let most = evaluation.most();
        let room = match ask.order_total > most {
            true => {
                let ask = Ask { order_total: most, ..ask };
                evaluate(self.state, slot, self.now, ask).fitting
            }
            false => evaluation.fitting,
        };
        (room, most)
    }

    /// What of more of an order would have fitted, in its own currency; `None` unless only amounts
    /// stand in the way.
    pub(super) fn fitting_more(
        &self,
        found: &Reservation,
        more: More,
        ask: Ask<'_>,
        evaluation: &Evaluation,
    ) -> Option<Minor> {
        let short = evaluation.fitting_if_short()?;
        let Some(counting) = found.counting() else { return Some(short) };
        let (room, most) = self.room_and_most(found.slot, ask, evaluation);
        let Parts { open, captured, .. } = counting.parts;
        let fits = |part| {
            let whole = captured + open.max(more.open + part);
            let counts = if more.waits { 0 } else { counting.worth_in_time(more.open + part) };
            counts - more.counted <= room && counting.full(whole) <= most
        };
        Some(largest(more.amount, fits))
    }

    /// How an order counts that waits still, though its day of shipping is near by now: it was
    /// closed when it came near, or nobody has looked since.
    pub(super) fn comes_near<'r>(&self, found: &'r Reservation) -> Option<&'r Counting> {
        let counting = found.counting().filter(|_| found.waits())?;
        let near = |day| counts_from(self.state, self.now, day);
        counting.ship_date.is_none_or(near).then_some(counting)
    }

    /// An order's reservation as it is kept.
    #[cold]
    pub(super) fn details(&self, reserved: &Reserved, order: &Order<'_>) -> Option<Box<Details>> {
        let counting = reserved.counting.as_deref().cloned();
        Details::of(order.details.as_deref(), counting)
    }
}

/// An account as if this order of it counted nothing, to check all that it holds anew.
pub(super) fn beside<'p>(
    found: &Reservation,
    its_own: &'p BTreeMap<Together, i128>,
) -> Pending<'p> {
    Pending { own: -i128::from(found.open), orders: 0, together: Some(its_own) }
}

/// Whether an order counted nothing at first, and counts now, whether it fits or not.
pub(super) fn came_into_force(found: &Reservation) -> bool {
    found.counting().is_some_and(|counting| counting.waiting == Waiting::Over)
}

/// More of an existing order.
#[derive(Clone, Copy)]
pub(super) struct More {
    /// What is asked for, in the order's currency.
    pub amount: Minor,
    /// What is open already and looked at with it, in the order's currency.
    pub open: Minor,
    /// What counts of that already and is not asked for again, in the account's.
    pub counted: Minor,
    /// Whether none of it counts yet.
    pub waits: bool,
}

/// Why an account may not order at all, whoever is billed.
pub(super) fn sold_to_reasons(
    state: &State,
    sold_to: Slot,
    now: Micros,
) -> impl Iterator<Item = Reason> {
    let refused = standing(state, sold_to, now).into_iter();
    let has_no_limit = |reason: &Reason| {
        matches!(
            reason.code,
            ReasonCode::NoCreditLimit | ReasonCode::LimitExpired | ReasonCode::LimitInGrace
        )
    };
    refused.filter(move |reason| !has_no_limit(reason)).map(move |reason| {
        let hold = match reason.whose {
            Some(Whose::Hold(id)) => Some(id),
            _ => None,
        };
        let whose = Some(Whose::SoldTo(state.account_id(sold_to).clone(), hold));
        Reason { whose, ..reason }
    })
}

#[cfg(test)]
mod tests;
