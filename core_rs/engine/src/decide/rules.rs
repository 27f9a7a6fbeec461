//! The rules that an order is held against, in order of precedence. All violated ones are named.

use crate::model::{Status, Terms};
use crate::outcome::{Reason, ReasonCode};
use crate::state::State;
use crate::values::{Day, Limit, LimitKind, Micros, Minor, Slot};

/// Where an effective limit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// The account's own.
    Account,
    /// Its segment's default.
    Segment,
    /// It inherits, and there is nothing to inherit.
    Nothing,
}

/// The limit that an account is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectiveLimit {
    /// Never of kind inherit.
    pub limit: Limit,
    /// Where it comes from.
    pub source: LimitSource,
}

impl EffectiveLimit {
    /// The most that exposure may reach; `None`: unlimited.
    #[must_use]
    pub fn ceiling(&self) -> Option<Minor> {
        match self.limit.kind {
            LimitKind::Amount(amount) => Some(amount),
            LimitKind::Unlimited => None,
            LimitKind::NoCredit | LimitKind::Inherit => Some(0),
        }
    }
}

/// Finds the limit that an account is held to.
#[must_use]
pub fn effective_limit(state: &State, terms: &Terms) -> EffectiveLimit {
    if terms.limit.kind != LimitKind::Inherit {
        return EffectiveLimit { limit: terms.limit, source: LimitSource::Account };
    }
    let inherited = terms
        .segment
        .and_then(|segment| state.segments()[segment as usize].default_limit(terms.currency));
    match inherited {
        Some(limit) => EffectiveLimit { limit, source: LimitSource::Segment },
        None => EffectiveLimit {
            limit: Limit { kind: LimitKind::NoCredit, valid_until: None },
            source: LimitSource::Nothing,
        },
    }
}

/// What is asked of an account's credit.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// New exposure.
    pub amount: Minor,
    /// The order's total with it.
    pub order_total: Minor,
    /// What the same command has reserved for the same account already.
    pub pending: i128,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Every violated rule, in order of precedence.
    pub reasons: Vec<Reason>,
    /// The part of the amount that violates no rule; zero where a rule leaves no room at all.
    pub fitting: Minor,
    /// Before this ask; `None`: unlimited.
    pub available: Option<Minor>,
}

impl Evaluation {
    /// What to tell a caller who could have had a part: `None` unless only amounts stand in the
    /// way.
    #[must_use]
    pub fn fitting_if_short(&self) -> Option<Minor> {
        let short = !self.reasons.is_empty()
            && self.reasons.iter().all(|reason| {
                use ReasonCode::{InsufficientCredit, MaxOrderAmountExceeded};
                matches!(reason.code, InsufficientCredit | MaxOrderAmountExceeded)
            });
        short.then_some(self.fitting)
    }
}

/// Holds what is asked at `now` against every rule.
#[must_use]
pub fn evaluate(state: &State, slot: Slot, now: Micros, ask: Ask) -> Evaluation {
    let terms = state.terms(slot);
    let effective = effective_limit(state, &terms);
    let mut reasons = Vec::new();
    let mut violated = |code, observed, threshold| {
        reasons.push(Reason { code, observed, threshold });
    };

    match terms.status {
        Status::Active => {}
        Status::Suspended => violated(ReasonCode::AccountSuspended, 0, 0),
        Status::Closed => violated(ReasonCode::AccountClosed, 0, 0),
    }
    let no_credit = effective.limit.kind == LimitKind::NoCredit;
    if no_credit {
        violated(ReasonCode::NoCreditLimit, 0, 0);
    }
    let today = Day::of(now);
    if let Some(last) = effective.limit.valid_until.filter(|last| today > *last) {
        violated(ReasonCode::LimitExpired, today.0.into(), last.0.into());
    }
    let mut fitting = ask.amount;
    if terms.max_order > 0 && ask.order_total > terms.max_order {
        violated(ReasonCode::MaxOrderAmountExceeded, ask.order_total, terms.max_order);
        fitting = fitting.min(terms.max_order - (ask.order_total - ask.amount));
    }
    let exposure = i128::from(state.position(slot).exposure()) + ask.pending;
    // The bounds of exposure keep this difference within an i64.
    let available = effective.ceiling().map(|ceiling| (i128::from(ceiling) - exposure) as Minor);
    // Where there is no limit to fall short of, its absence has been named.
    if let Some(available) = available.filter(|available| !no_credit && ask.amount > *available) {
        violated(ReasonCode::InsufficientCredit, ask.amount, available);
        fitting = fitting.min(available);
    }
    Evaluation { reasons, fitting: fitting.max(0), available }
}
