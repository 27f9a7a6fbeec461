//! The rules that an order is held against, in order of precedence. All violated ones are named.

use crate::decide::levels::{
    EffectiveLimit, Pending, Room, Together, effective_limit, left, together,
};
use crate::model::{Status, Terms};
use crate::outcome::{Reason, ReasonCode};
use crate::state::State;
use crate::values::{Day, LimitKind, Micros, Minor, Slot};

/// What is asked of an account's credit.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'p> {
    /// New exposure.
    pub amount: Minor,
    /// The order's total with it.
    pub order_total: Minor,
    /// What counts already beside it.
    pub pending: Pending<'p>,
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
        let short = !self.reasons.is_empty()
            && self.reasons.iter().all(|reason| {
                matches!(
                    reason.code,
                    ReasonCode::MaxOrderAmountExceeded
                        | ReasonCode::InsufficientCredit
                        | ReasonCode::SharedLimitExceeded
                        | ReasonCode::SegmentCapExceeded
                )
            });
        short.then_some(self.fitting)
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
                let level = Some(place.level(state));
                self.reasons.push(Reason { level, ..Reason::own(code, ask.amount, available) });
                self.fitting = self.fitting.min(available);
            }
            self.room.narrow(place, available);
        }
    }
}

/// Why an account takes no orders at all at `now`, whatever their amount, in order of precedence.
#[must_use]
pub fn standing(state: &State, slot: Slot, now: Micros) -> Vec<Reason> {
    let terms = state.terms(slot);
    let mut reasons = Vec::new();
    account_rules(&terms, &effective_limit(state, &terms), now, &mut reasons);
    reasons
}

#[inline]
fn account_rules(
    terms: &Terms,
    effective: &EffectiveLimit,
    now: Micros,
    reasons: &mut Vec<Reason>,
) {
    let mut violated = |code, observed, threshold| {
        reasons.push(Reason::own(code, observed, threshold));
    };
    match terms.status {
        Status::Active => {}
        Status::Suspended => violated(ReasonCode::AccountSuspended, 0, 0),
        Status::Closed => violated(ReasonCode::AccountClosed, 0, 0),
    }
    if effective.limit.kind == LimitKind::NoCredit {
        violated(ReasonCode::NoCreditLimit, 0, 0);
    }
    let today = Day::of(now);
    if let Some(last) = effective.limit.valid_until.filter(|last| today > *last) {
        violated(ReasonCode::LimitExpired, today.0.into(), last.0.into());
    }
}

/// Holds what is asked at `now` against every rule.
#[must_use]
pub fn evaluate(state: &State, slot: Slot, now: Micros, ask: Ask<'_>) -> Evaluation {
    let terms = state.terms(slot);
    let effective = effective_limit(state, &terms);
    let mut reasons = Vec::new();
    account_rules(&terms, &effective, now, &mut reasons);
    let mut violated = |code, observed, threshold| {
        reasons.push(Reason::own(code, observed, threshold));
    };
    let no_credit = effective.limit.kind == LimitKind::NoCredit;
    let mut fitting = ask.amount;
    if terms.max_order > 0 && ask.order_total > terms.max_order {
        violated(ReasonCode::MaxOrderAmountExceeded, ask.order_total, terms.max_order);
        fitting = fitting.min(terms.max_order - (ask.order_total - ask.amount));
    }
    let exposure = i128::from(state.position(slot).exposure()) + ask.pending.own;
    let own = effective.ceiling().map(|ceiling| left(ceiling, exposure));
    // Where there is no limit to fall short of, its absence has been named.
    if let Some(available) = own.filter(|available| !no_credit && ask.amount > *available) {
        violated(ReasonCode::InsufficientCredit, ask.amount, available);
        fitting = fitting.min(available);
    }
    let mut found = Evaluation { reasons, fitting, room: Room::own(own) };
    if !state.stands_alone(slot) {
        found.hold_together(state, slot, ask);
    }
    found.fitting = found.fitting.max(0);
    found
}
