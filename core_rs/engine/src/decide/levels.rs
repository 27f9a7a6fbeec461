//! The limits that an order is held to: the account's own, and those of several accounts together.

use std::collections::BTreeMap;

use crate::bounds::EXPOSURE_MINOR_MAX;
use crate::model::{Conditions, TemporaryLimitKind, Terms};
use crate::outcome::Level;
use crate::policy::rules::is_first_order;
use crate::state::State;
use crate::values::{Currency, Day, Limit, LimitKind, Micros, Minor, SegmentIndex, Slot};

/// Where an effective limit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// The account's own.
    Account,
    /// Its segment's default.
    Segment,
    /// It inherits, and there is nothing to inherit.
    Nothing,
    /// An override of these days.
    Override,
    /// There is one, but of a first order the policy lets none count that was never approved on a
    /// verification.
    Unverified,
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
    /// The most that exposure may reach under it; `None`: unlimited.
    fn ceiling(&self) -> Option<Minor> {
        match self.limit.kind {
            LimitKind::Amount(amount) => Some(amount),
            LimitKind::Unlimited => None,
            LimitKind::NoCredit | LimitKind::Inherit => Some(0),
        }
    }
}

/// Finds the limit that an account's next order is held to at `now`: its own or its segment's, or
/// an override of that day in its place; with what temporary limits of that day add to an amount,
/// up to the largest exposure that there is. Where somebody said `no_credit`, none of them counts;
/// nor does any, where the policy asks for it, of an unverified account's first order.
///
/// `terms` and `conditions` are those of the account in `slot`; of the latter those that hold
/// orders are enough.
#[must_use]
#[inline]
pub fn effective_limit(
    state: &State,
    slot: Slot,
    terms: &Terms,
    conditions: Option<&Conditions>,
    now: Micros,
) -> EffectiveLimit {
    if state.needs_verification() && !is_verified(state, slot) && is_first_order(state, slot) {
        let limit = Limit { kind: LimitKind::NoCredit, valid_until: None };
        return EffectiveLimit { limit, source: LimitSource::Unverified };
    }
    accepted_limit(state, terms, conditions, now)
}

/// As [`effective_limit`], for an order that was taken already: it is no first one.
#[inline]
pub(super) fn accepted_limit(
    state: &State,
    terms: &Terms,
    conditions: Option<&Conditions>,
    now: Micros,
) -> EffectiveLimit {
    let lasting = lasting_limit(state, terms);
    match conditions {
        None => lasting,
        Some(conditions) => limit_on(Day::of(now), lasting, conditions),
    }
}

#[cold]
fn is_verified(state: &State, slot: Slot) -> bool {
    state.backing(slot).is_some_and(|backing| backing.verified_by().is_some())
}

// Few accounts have any; those that have none should not carry its registers.
#[cold]
#[inline(never)]
fn limit_on(today: Day, lasting: EffectiveLimit, conditions: &Conditions) -> EffectiveLimit {
    let stated = lasting.source != LimitSource::Nothing;
    if stated && lasting.limit.kind == LimitKind::NoCredit {
        return lasting;
    }
    let mut found = lasting;
    let mut added = 0;
    for temporary in conditions.temporary_limits_on(today) {
        let amount = temporary.amount;
        if temporary.kind == TemporaryLimitKind::Override {
            let valid_until = Some(temporary.last);
            let limit = Limit { kind: LimitKind::Amount(amount), valid_until };
            found = EffectiveLimit { limit, source: LimitSource::Override };
        } else {
            added += i128::from(amount);
        }
    }
    if let LimitKind::Amount(amount) = &mut found.limit.kind {
        let sum = i128::from(*amount) + added;
        *amount = sum.min(EXPOSURE_MINOR_MAX.into()) as Minor;
    }
    found
}

/// The limit of an account without what comes and goes.
#[inline]
#[must_use]
pub fn lasting_limit(state: &State, terms: &Terms) -> EffectiveLimit {
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

/// A limit of several accounts together, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Together {
    /// What the account in this slot shares with all below it.
    Group(Slot),
    /// The cap of a segment for its accounts of a currency.
    Segment(SegmentIndex, Currency),
}

impl Together {
    /// What does not count of what all of them owe.
    #[cold]
    #[must_use]
    pub fn excluded(self, state: &State) -> i128 {
        match self {
            Together::Group(head) => state.excluded_below(head),
            Together::Segment(segment, currency) => state.excluded_in(segment, currency),
        }
    }

    /// With its id spelled out, as answers show it.
    #[must_use]
    pub fn level(self, state: &State) -> Level {
        match self {
            Together::Group(head) => Level::Group(state.account_id(head).clone()),
            Together::Segment(segment, _) => {
                Level::Segment((*state.segments()[segment as usize].id).into())
            }
        }
    }
}

/// All that an account is summed up in, the nearest first: its groups, upwards, whether they have a
/// limit or not, then its segment, where that has a cap. With the limit, and what all of them owe.
pub fn levels(state: &State, slot: Slot) -> impl Iterator<Item = (Together, Option<Minor>, i128)> {
    let groups = state
        .groups_of(slot)
        .map(|(head, group)| (Together::Group(head), group.limit(), group.exposure()));
    let Terms { segment, currency, .. } = state.terms(slot);
    let cap = segment.and_then(|segment| {
        let cap = state.segments()[segment as usize].cap(currency)?;
        let exposure = state.segment_exposure(segment, currency);
        Some((Together::Segment(segment, currency), Some(cap), exposure))
    });
    groups.chain(cap)
}

/// Every limit that an account is held to together with others, and what counts against it.
pub fn together(state: &State, slot: Slot) -> impl Iterator<Item = (Together, Minor, i128)> {
    let excludes = state.excludes_disputed();
    levels(state, slot).filter_map(move |(place, limit, owed)| {
        let counted = if excludes { owed - place.excluded(state) } else { owed };
        limit.map(|limit| (place, limit, counted))
    })
}

/// What counts of what an account owes.
#[inline]
pub(super) fn counted_exposure(state: &State, slot: Slot) -> i128 {
    i128::from(state.position(slot).exposure()) - state.excluded(slot)
}

/// What a limit leaves of which `exposure` is taken; the end of the range of an `i64` where it is
/// beyond it.
#[must_use]
pub fn left(limit: Minor, exposure: i128) -> Minor {
    (i128::from(limit) - exposure).clamp(Minor::MIN.into(), Minor::MAX.into()) as Minor
}

/// What is left to new orders of an account under all limits that it is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// `None`: unlimited. May be negative.
    pub available: Option<Minor>,
    /// The limit of several accounts that leaves no more than that; `None`: the account's own does.
    pub bound_by: Option<Together>,
}

impl Room {
    /// Under its own limit alone.
    #[must_use]
    pub fn own(available: Option<Minor>) -> Room {
        Room { available, bound_by: None }
    }

    /// Under another limit too. Where both leave the same, the one before stays named.
    pub fn narrow(&mut self, place: Together, left: Minor) {
        if self.available.is_none_or(|least| left < least) {
            *self = Room { available: Some(left), bound_by: Some(place) };
        }
    }
}

/// The most that an account's exposure may reach at `now` under its own limits, `effective` among
/// them; `None`: unlimited.
#[must_use]
#[inline]
pub fn ceiling(
    effective: &EffectiveLimit,
    conditions: Option<&Conditions>,
    now: Micros,
) -> Option<Minor> {
    match conditions.and_then(|all| all.rolling_limit.as_deref()) {
        None => effective.ceiling(),
        Some(rolling) => Some(rolling.ceiling(effective.limit.kind, now)),
    }
}

/// What is left, at `now`, to an account that owes `more` than it does.
#[must_use]
pub fn room(state: &State, slot: Slot, now: Micros, more: Minor) -> Room {
    let (terms, conditions) = (state.terms(slot), state.holding_conditions(slot));
    room_under(effective_limit(state, slot, &terms, conditions, now), state, slot, now, more)
}

/// As [`room`], once something is shipped or billed to the account: no order is its first any more.
pub(super) fn room_once_billed(state: &State, slot: Slot, now: Micros, more: Minor) -> Room {
    let (terms, conditions) = (state.terms(slot), state.holding_conditions(slot));
    room_under(accepted_limit(state, &terms, conditions, now), state, slot, now, more)
}

#[inline]
fn room_under(
    effective: EffectiveLimit,
    state: &State,
    slot: Slot,
    now: Micros,
    more: Minor,
) -> Room {
    let exposure = counted_exposure(state, slot) + i128::from(more);
    let ceiling = ceiling(&effective, state.holding_conditions(slot), now);
    let mut room = Room::own(ceiling.map(|ceiling| left(ceiling, exposure)));
    if !state.stands_alone(slot) {
        for (place, limit, exposure) in together(state, slot) {
            room.narrow(place, left(limit, exposure + i128::from(more)));
        }
    }
    room
}

/// What the same command has reserved already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending<'p> {
    /// For the same account.
    pub own: i128,
    /// How many orders of it.
    pub orders: u32,
    /// For several accounts together.
    pub together: Option<&'p BTreeMap<Together, i128>>,
}

impl Pending<'_> {
    pub(super) fn of(&self, place: Together) -> i128 {
        self.together.and_then(|all| all.get(&place)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
