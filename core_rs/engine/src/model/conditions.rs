//! What stands beside an account's terms: holds, limits for some days, a limit that looks back. Few
//! accounts have any.

use serde::{Deserialize, Serialize};

use crate::model::{Backing, RollingLimit};
use crate::values::{Day, Id, Micros, Minor};

/// All of it, in an order of its own, so that the same changes leave the same rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// In order of kind, then id; some may have ended.
    holds: Vec<Hold>,
    /// In order of id; some may have ended.
    temporary_limits: Vec<TemporaryLimit>,
    /// A hard cap, and the average that the limit is held against.
    #[serde(default)]
    pub rolling_limit: Option<Box<RollingLimit>>,
    /// What the limit stands on; not written where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backing: Option<Box<Backing>>,
}

/// Who refuses new orders, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// A fraud signal.
    Fraud,
    /// A credit bureau.
    Bureau,
    /// A person.
    Manual,
}

/// A flag that refuses new exposure until it is lifted or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Unique per account.
    pub id: Id,
    /// Who refuses.
    pub kind: HoldKind,
    /// The system or person that it comes from; empty: not said.
    pub source: Id,
    /// When it ends by itself; absent: when it is lifted.
    pub until: Option<Micros>,
    /// When it was placed, or last changed.
    pub placed_at: Micros,
    /// Why; absent when not said or erased.
    pub reason: Option<Box<str>>,
}

/// What a limit for some days does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemporaryLimitKind {
    /// Stands in place of the account's limit.
    Override,
    /// Adds to it.
    Increase,
    /// Adds to it, for as long as a security is held.
    Collateral,
    /// Adds to it, for as long as the account is insured.
    Insurance,
}

/// A limit that comes and goes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemporaryLimit {
    /// Unique per account.
    pub id: Id,
    /// What it does.
    pub kind: TemporaryLimitKind,
    /// In minor units of the account's currency.
    pub amount: Minor,
    /// From this day on.
    pub first: Day,
    /// Until this day, included.
    pub last: Day,
}

impl Hold {
    /// Whether it still refuses orders.
    #[must_use]
    pub fn is_in_force(&self, now: Micros) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl TemporaryLimit {
    /// Whether it counts on a day.
    #[must_use]
    pub fn is_in_force(&self, today: Day) -> bool {
        self.first <= today && today <= self.last
    }

    /// Whether both count on some day.
    #[must_use]
    pub fn overlaps(&self, other: &TemporaryLimit) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl Conditions {
    /// How good the customer is, by the latest verification that says it; the higher, the better.
    #[must_use]
    pub fn score(&self) -> Option<i64> {
        self.backing.as_deref()?.scored()?.score
    }

    /// The holds that refuse orders at `now`, in order of precedence.
    pub fn holds_at(&self, now: Micros) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(move |hold| hold.is_in_force(now))
    }

    /// The limits that count today or on a later day.
    pub fn temporary_limits_from(&self, today: Day) -> impl Iterator<Item = &TemporaryLimit> {
        self.temporary_limits.iter().filter(move |limit| today <= limit.last)
    }

    /// The limits that count on a day.
    pub fn temporary_limits_on(&self, day: Day) -> impl Iterator<Item = &TemporaryLimit> {
        self.temporary_limits.iter().filter(move |limit| limit.is_in_force(day))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.hold_orders() && self.backing.is_none()
    }

    /// Whether an order may be held to any of them: what the limit stands on holds none by itself.
    #[must_use]
    pub fn hold_orders(&self) -> bool {
        !self.holds.is_empty() || !self.temporary_limits.is_empty() || self.rolling_limit.is_some()
    }

    /// Drops what has ended.
    pub fn forget_ended(&mut self, now: Micros) {
        self.holds.retain(|hold| hold.is_in_force(now));
        self.temporary_limits.retain(|limit| Day::of(now) <= limit.last);
    }

    /// Adds a hold, or puts it in the place of the one of its id.
    pub fn place(&mut self, hold: Hold) {
        self.lift(&hold.id);
        let place = self.holds.partition_point(|h| (h.kind, &h.id) < (hold.kind, &hold.id));
        self.holds.insert(place, hold);
    }

    /// Removes the hold of this id.
    pub fn lift(&mut self, hold_id: &str) {
        self.holds.retain(|hold| hold.id != hold_id);
    }

    /// Removes what people wrote.
    pub fn erase_reasons(&mut self) {
        self.holds.iter_mut().for_each(|hold| hold.reason = None);
        if let Some(backing) = &mut self.backing {
            backing.erase_reasons();
        }
    }

    /// Adds a limit, or puts it in the place of the one of its id.
    pub fn set_temporary_limit(&mut self, limit: TemporaryLimit) {
        self.remove_temporary_limit(&limit.id);
        let place = self.temporary_limits.partition_point(|known| known.id < limit.id);
        self.temporary_limits.insert(place, limit);
    }

    /// Removes the limit of this id.
    pub fn remove_temporary_limit(&mut self, limit_id: &str) {
        self.temporary_limits.retain(|limit| limit.id != limit_id);
    }
}
