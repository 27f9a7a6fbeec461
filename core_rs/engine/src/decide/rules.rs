//! The rules that an order is held against, in order of precedence. All violated ones are named.

use std::cell::OnceCell;

use crate::decide::levels::{
    EffectiveLimit, Pending, Room, Together, accepted_limit, ceiling, counted_exposure,
    effective_limit, left, together,
};
use crate::model::{Conditions, Hold, HoldKind, Status, Terms};
use crate::outcome::{Effect, PRECEDENCE, Reason, ReasonCode, Whose};
use crate::policy::rules::{Facts, Violations};
use crate::state::State;
use crate::values::{Day, LimitKind, Micros, Minor, Slot};

/// What is asked of an account's credit.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'p> {
    /// New exposure.
    pub amount: Minor,
    /// The order's total with it.
    pub order_total: Minor,
    /// Whether it is another order, and not what one grows by.
    pub is_new: bool,
    /// Whether it was placed before, and its total is no more: the most that an order may be was
    /// asked then, and of what it asks for again nothing is a first order.
    pub is_placed: bool,
    /// What counts already beside it.
    pub pending: Pending<'p>,
    /// Through which sales channel.
    pub channel: &'p str,
}

impl Ask<'_> {
    /// The limit that it is held to.
    #[inline]
    fn limit(
        &self,
        state: &State,
        slot: Slot,
        terms: &Terms,
        conditions: Option<&Conditions>,
        now: Micros,
    ) -> EffectiveLimit {
        match self.is_placed {
            false => effective_limit(state, slot, terms, conditions, now),
            true => accepted_limit(state, terms, conditions, now),
        }
    }
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Every violated rule, in order of precedence.
    pub reasons: Vec<Reason>,
    /// The part of the amount that violates no rule; zero where a rule leaves no room at all.
    pub fitting: Minor,
    /// Before this ask.
    pub room: Room,
}

impl Evaluation {
    /// What to tell a caller who could have had a part: `None` unless only amounts stand in the
    /// way.
    #[must_use]
    pub fn fitting_if_short(&self) -> Option<Minor> {
        let is_amount = |reason: &Reason| {
            reason.effect() != Effect::Hold
                && matches!(
                    reason.code,
                    ReasonCode::MaxOrderAmountExceeded
                        | ReasonCode::OrderAmountExceeded
                        | ReasonCode::VelocityAmount
                        | ReasonCode::InsufficientCredit
                        | ReasonCode::UtilisationReached
                        | ReasonCode::SharedLimitExceeded
                        | ReasonCode::SegmentCapExceeded
                )
        };
        let short = self.blocks() && self.blocking().all(is_amount);
        short.then_some(self.fitting)
    }

    /// Whether the order is not approved as it is.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.blocking().next().is_some()
    }

    /// Whether nothing refers the order to a person, who would not be asked about a part of it.
    #[must_use]
    pub fn only_declines(&self) -> bool {
        self.blocking().all(|reason| reason.effect() == Effect::Decline)
    }

    fn blocking(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(|reason| reason.blocks())
    }

    /// The most that an order may be, where this one is more.
    #[cold]
    pub(super) fn most(&self) -> Minor {
        let of_order = |reason: &&Reason| {
            matches!(
                reason.code,
                ReasonCode::MaxOrderAmountExceeded | ReasonCode::OrderAmountExceeded
            )
        };
        let most = self.blocking().filter(of_order).map(|reason| reason.threshold);
        most.min().unwrap_or(Minor::MAX)
    }

    /// Of an order that does not count yet, or that nobody can value: it takes nothing of what is
    /// left of limits.
    #[cold]
    pub(super) fn count_nothing(&mut self) {
        self.reasons.retain(|reason| {
            !matches!(
                reason.code,
                ReasonCode::InsufficientCredit
                    | ReasonCode::LimitTolerated
                    | ReasonCode::UtilisationReached
                    | ReasonCode::RollingAverageExceeded
                    | ReasonCode::SharedLimitExceeded
                    | ReasonCode::SegmentCapExceeded
            )
        });
    }

    /// Goes on to the rules of the policy, and puts all reasons in their order. Looks up again what
    /// is known already: an order without a policy is not to make room for it.
    #[cold]
    #[inline(never)]
    fn hold_to_policy(&mut self, state: &State, slot: Slot, now: Micros, ask: &Ask<'_>) {
        let terms = &state.terms(slot);
        let facts = facts(state, slot, now, terms, ask);
        let Evaluation { reasons, fitting, .. } = self;
        let mut violations = Violations { reasons, fitting };
        let rules = state.policy().rules.of(slot, terms, ask.channel);
        rules.for_each(|rule| rule.judge(&facts, &mut violations));
        in_precedence(&mut self.reasons);
    }

    /// Goes on to the limits of several accounts together.
    fn hold_together(&mut self, state: &State, slot: Slot, ask: Ask<'_>) {
        for (place, limit, exposure) in together(state, slot) {
            let available = left(limit, exposure + ask.pending.of(place));
            if ask.amount > available {
                let code = match place {
                    Together::Group(_) => ReasonCode::SharedLimitExceeded,
                    Together::Segment(..) => ReasonCode::SegmentCapExceeded,
                };
                let whose = Some(place.level(state).into());
                self.reasons.push(Reason { whose, ..Reason::own(code, ask.amount, available) });
                self.fitting = self.fitting.min(available);
            }
            self.room.narrow(place, available);
        }
    }
}

/// What the rules of a policy are held against; `terms` are the account's.
pub(super) fn facts<'f>(
    state: &'f State,
    slot: Slot,
    now: Micros,
    terms: &'f Terms,
    ask: &Ask<'f>,
) -> Facts<'f> {
    let Ask { amount, order_total, is_new, is_placed, pending, channel } = *ask;
    let Pending { own: pending, orders: pending_orders, .. } = pending;
    let conditions = state.holding_conditions(slot);
    let effective = ask.limit(state, slot, terms, conditions, now);
    let limit = effective.limit.kind;
    let own_ceiling = ceiling(&effective, conditions, now);
    let exposure = i128::from(state.position(slot).exposure()) + pending;
    Facts {
        state,
        slot,
        now,
        terms,
        conditions,
        channel,
        limit,
        own_ceiling,
        exposure,
        overdue: OnceCell::new(),
        pending,
        pending_orders,
        amount,
        order_total,
        is_new,
        is_placed,
    }
}

/// Puts reasons in the order in which a decision names them.
pub(super) fn in_precedence(reasons: &mut [Reason]) {
    reasons.sort_by_key(|reason| PRECEDENCE.iter().position(|code| *code == reason.code));
}

/// Why an account takes no orders at all at `now`, whatever their amount, in order of precedence.
#[must_use]
pub fn standing(state: &State, slot: Slot, now: Micros) -> Vec<Reason> {
    let (terms, conditions) = (state.terms(slot), state.holding_conditions(slot));
    let effective = effective_limit(state, slot, &terms, conditions, now);
    account_rules(state, &terms, conditions, &effective, now)
}

/// As [`standing`], of an order that it took before.
pub(super) fn standing_of_accepted(state: &State, slot: Slot, now: Micros) -> Vec<Reason> {
    let (terms, conditions) = (state.terms(slot), state.holding_conditions(slot));
    let effective = accepted_limit(state, &terms, conditions, now);
    account_rules(state, &terms, conditions, &effective, now)
}

/// What the account violates whatever is ordered.
#[inline]
fn account_rules(
    state: &State,
    terms: &Terms,
    conditions: Option<&Conditions>,
    effective: &EffectiveLimit,
    now: Micros,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    match terms.status {
        Status::Active => {}
        Status::Suspended => reasons.push(Reason::own(ReasonCode::AccountSuspended, 0, 0)),
        Status::Closed => reasons.push(Reason::own(ReasonCode::AccountClosed, 0, 0)),
    }
    if let Some(conditions) = conditions {
        name_holds(conditions, now, &mut reasons);
    }
    let mut violated = |code, observed, threshold| {
        reasons.push(Reason::own(code, observed, threshold));
    };
    if effective.limit.kind == LimitKind::NoCredit {
        violated(ReasonCode::NoCreditLimit, 0, 0);
    }
    let today = Day::of(now);
    if let Some(last) = effective.limit.valid_until.filter(|last| today > *last) {
        let in_grace = today <= last.plus(state.policy().limits.grace_days);
        let code = if in_grace { ReasonCode::LimitInGrace } else { ReasonCode::LimitExpired };
        violated(code, today.0.into(), last.0.into());
    }
    reasons
}

#[cold]
#[inline(never)]
fn name_holds(conditions: &Conditions, now: Micros, reasons: &mut Vec<Reason>) {
    reasons.extend(conditions.holds_at(now).map(held));
}

/// The notice of a part that is approved because its channel may pass the account's own limit.
pub(super) fn tolerated(state: &State, slot: Slot, now: Micros, ask: Ask<'_>) -> Option<Reason> {
    let (terms, conditions) = (state.terms(slot), state.holding_conditions(slot));
    let effective = ask.limit(state, slot, &terms, conditions, now);
    let exposure = counted_exposure(state, slot) + ask.pending.own;
    let available = left(ceiling(&effective, conditions, now)?, exposure);
    let limits = &state.policy().limits;
    let tolerance = limits.tolerance(ask.channel, effective.limit.kind, conditions);
    let bridged = available < ask.amount && ask.amount <= available.saturating_add(tolerance);
    bridged.then(|| Reason::own(ReasonCode::LimitTolerated, ask.amount, available))
}

/// However much an account may peak, on average it is to stay within its limit. The order's own
/// amount has not been owed yet, and weighs nothing.
#[cold]
#[inline(never)]
fn average_exceeded(
    conditions: &Conditions,
    effective: &EffectiveLimit,
    now: Micros,
) -> Option<Reason> {
    let LimitKind::Amount(limit) = effective.limit.kind else { return None };
    let average = conditions.rolling_limit.as_ref()?.average(now)?;
    let (code, observed) = (ReasonCode::RollingAverageExceeded, average.rounded_up());
    average.exceeds(limit).then(|| Reason::own(code, observed, limit))
}

fn held(hold: &Hold) -> Reason {
    let code = match hold.kind {
        HoldKind::Fraud => ReasonCode::FraudSuspension,
        HoldKind::Bureau => ReasonCode::BureauSuspension,
        HoldKind::Manual => ReasonCode::AccountOnHold,
    };
    Reason { whose: Some(Whose::Hold(hold.id.clone())), ..Reason::own(code, 0, 0) }
}

/// Holds what is asked at `now` against every rule.
#[must_use]
pub fn evaluate(state: &State, slot: Slot, now: Micros, ask: Ask<'_>) -> Evaluation {
    let terms = state.terms(slot);
    let conditions = state.holding_conditions(slot);
    let effective = ask.limit(state, slot, &terms, conditions, now);
    let mut reasons = account_rules(state, &terms, conditions, &effective, now);
    let mut violated = |code, observed, threshold| {
        reasons.push(Reason::own(code, observed, threshold));
    };
    let no_credit = effective.limit.kind == LimitKind::NoCredit;
    let mut fitting = ask.amount;
    if terms.max_order > 0 && ask.order_total > terms.max_order && !ask.is_placed {
        violated(ReasonCode::MaxOrderAmountExceeded, ask.order_total, terms.max_order);
        fitting = fitting.min(terms.max_order - (ask.order_total - ask.amount));
    }
    let exposure = counted_exposure(state, slot) + ask.pending.own;
    let own = ceiling(&effective, conditions, now).map(|ceiling| left(ceiling, exposure));
    // Where there is no limit to fall short of, its absence has been named.
    if let Some(available) = own.filter(|available| !no_credit && ask.amount > *available) {
        let limits = &state.policy().limits;
        let tolerance = limits.tolerance(ask.channel, effective.limit.kind, conditions);
        let tolerated = available.saturating_add(tolerance);
        if ask.amount > tolerated {
            violated(ReasonCode::InsufficientCredit, ask.amount, tolerated);
            fitting = fitting.min(tolerated);
        } else {
            violated(ReasonCode::LimitTolerated, ask.amount, available);
        }
    }
    if let Some(conditions) = conditions {
        reasons.extend(average_exceeded(conditions, &effective, now));
    }
    let mut found = Evaluation { reasons, fitting, room: Room::own(own) };
    if !state.stands_alone(slot) {
        found.hold_together(state, slot, ask);
    }
    if state.has_rules() {
        found.hold_to_policy(state, slot, now, &ask);
    }
    found.fitting = found.fitting.max(0);
    found
}

#[cfg(test)]
mod tests;
