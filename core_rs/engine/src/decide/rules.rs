//! The rules that an order is held against, in order of precedence. All violated ones are named.

use std::collections::BTreeMap;

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

/// What is left to new orders of an account under all limits that it is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// `None`: unlimited. May be negative.
    pub available: Option<Minor>,
    /// The account whose shared limit leaves no more than that; `None`: its own limit does.
    pub bound_by: Option<Slot>,
}

/// What is left to an account that owes `more` than it does; where an own and a shared limit leave
/// the same, its own is named, and the nearer one of two that are shared.
#[must_use]
pub fn room(state: &State, slot: Slot, more: Minor) -> Room {
    let exposure = i128::from(state.position(slot).exposure()) + i128::from(more);
    let own = left(effective_limit(state, &state.terms(slot)), exposure);
    let shared = state.groups_of(slot).map(|(head, group)| (head, group.available(more.into())));
    least(own, shared)
}

/// What a limit leaves. The bounds of exposure keep the difference within an `i64`.
fn left(limit: EffectiveLimit, exposure: i128) -> Option<Minor> {
    limit.ceiling().map(|ceiling| (i128::from(ceiling) - exposure) as Minor)
}

fn least(own: Option<Minor>, shared: impl Iterator<Item = (Slot, Option<Minor>)>) -> Room {
    let mut room = Room { available: own, bound_by: None };
    for (head, left) in shared {
        if left.is_some_and(|left| room.available.is_none_or(|least| left < least)) {
            room = Room { available: left, bound_by: Some(head) };
        }
    }
    room
}

/// What the same command has reserved already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending<'p> {
    /// For the same account.
    pub own: i128,
    /// For each group, by the slot of the account at its head.
    pub shared: Option<&'p BTreeMap<Slot, i128>>,
}

impl Pending<'_> {
    fn of_group(&self, head: Slot) -> i128 {
        self.shared.and_then(|groups| groups.get(&head)).copied().unwrap_or_default()
    }
}

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
                use ReasonCode::{InsufficientCredit, MaxOrderAmountExceeded, SharedLimitExceeded};
                matches!(
                    reason.code,
                    InsufficientCredit | MaxOrderAmountExceeded | SharedLimitExceeded
                )
            });
        short.then_some(self.fitting)
    }
}

/// Holds what is asked at `now` against every rule.
#[must_use]
pub fn evaluate(state: &State, slot: Slot, now: Micros, ask: Ask<'_>) -> Evaluation {
    let terms = state.terms(slot);
    let effective = effective_limit(state, &terms);
    let mut reasons = Vec::new();
    let mut violated = |code, observed, threshold| {
        reasons.push(Reason::own(code, observed, threshold));
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
    let own = left(effective, i128::from(state.position(slot).exposure()) + ask.pending.own);
    // Where there is no limit to fall short of, its absence has been named.
    if let Some(available) = own.filter(|available| !no_credit && ask.amount > *available) {
        violated(ReasonCode::InsufficientCredit, ask.amount, available);
        fitting = fitting.min(available);
    }
    let shared = state.groups_of(slot).map(|(head, group)| {
        let left = group.available(ask.pending.of_group(head));
        if let Some(available) = left.filter(|available| ask.amount > *available) {
            let account_id = Some(state.account_id(head).clone());
            reasons.push(Reason {
                account_id,
                ..Reason::own(ReasonCode::SharedLimitExceeded, ask.amount, available)
            });
            fitting = fitting.min(available);
        }
        (head, left)
    });
    let room = least(own, shared);
    Evaluation { reasons, fitting: fitting.max(0), room }
}

#[cfg(test)]
mod tests;
