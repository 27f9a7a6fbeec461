//! Holds, and limits for some days.

use crate::bounds::{HOLDS_MAX, TEMPORARY_LIMITS_MAX};
use crate::command::{LiftHold, PlaceHold, RemoveTemporaryLimit, SetTemporaryLimit};
use crate::decide::Context;
use crate::error::Refusal;
use crate::event::Event;
use crate::model::{Hold, TemporaryLimit, TemporaryLimitKind};
use crate::outcome::{Outcome, Upserted};
use crate::values::{Day, Slot, Text, shown};

impl Context<'_> {
    pub(super) fn place_hold<'a>(
        &self,
        command: &PlaceHold<'a>,
        reason: Option<Text<'a>>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let PlaceHold { account_id, hold_id, kind, source, until, .. } = *command;
        let slot = self.slot(account_id)?;
        if until.is_some_and(|until| until <= self.now) {
            let value = until.map(shown).unwrap_or_default().into();
            let rule = "a hold ends later than now, or not by itself";
            return Err(Refusal::Passed { field: "expire_time", value, rule });
        }
        let known = self.find_hold(slot, hold_id);
        if known.is_none() && self.holds(slot).count() >= HOLDS_MAX {
            return Err(Refusal::TooManyHolds(hold_id.into()));
        }
        let is_same = |hold: &Hold| {
            let why = reason.and_then(|reason| reason.text());
            (hold.kind, &*hold.source, hold.until) == (kind, source, until)
                && hold.reason.as_deref() == why
        };
        let upserted = match known {
            None => Upserted::Created,
            Some(hold) if is_same(hold) => {
                return Ok((Outcome::Upserted(Upserted::Unchanged), Vec::new()));
            }
            Some(_) => Upserted::Updated,
        };
        let event = Event::HoldPlaced { slot, hold_id, kind, source, until, reason };
        Ok((Outcome::Upserted(upserted), vec![event]))
    }

    pub(super) fn lift_hold<'a>(
        &self,
        command: &LiftHold<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let (slot, hold_id) = (self.slot(command.account_id)?, command.hold_id);
        if self.find_hold(slot, hold_id).is_none() {
            return Err(Refusal::HoldNotFound(hold_id.into()));
        }
        Ok((Outcome::Done, vec![Event::HoldLifted { slot, hold_id }]))
    }

    pub(super) fn set_temporary_limit<'a>(
        &self,
        command: &SetTemporaryLimit<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let SetTemporaryLimit { account_id, limit_id, kind, amount, last, .. } = *command;
        let slot = self.slot(account_id)?;
        let today = Day::of(self.now);
        if last < today {
            let rule = "a temporary limit ends today or later";
            let value = last.to_string().into();
            return Err(Refusal::Passed { field: "last_date", value, rule });
        }
        let first = command.first.unwrap_or(today);
        if first > last {
            return Err(Refusal::DatesReversed { first, last });
        }
        let limit = TemporaryLimit { id: limit_id.into(), kind, amount, first, last };
        let known = self.temporary_limits(slot).find(|known| known.id == limit_id);
        if known.is_none() && self.temporary_limits(slot).count() >= TEMPORARY_LIMITS_MAX {
            return Err(Refusal::TooManyTemporaryLimits(limit_id.into()));
        }
        if kind == TemporaryLimitKind::Override {
            self.overrides_nothing_else(slot, &limit)?;
        }
        let upserted = match known {
            None => Upserted::Created,
            Some(known) if *known == limit => {
                return Ok((Outcome::Upserted(Upserted::Unchanged), Vec::new()));
            }
            Some(_) => Upserted::Updated,
        };
        let event = Event::TemporaryLimitSet { slot, limit_id, kind, amount, first, last };
        Ok((Outcome::Upserted(upserted), vec![event]))
    }

    pub(super) fn remove_temporary_limit<'a>(
        &self,
        command: &RemoveTemporaryLimit<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let (slot, limit_id) = (self.slot(command.account_id)?, command.limit_id);
        if !self.temporary_limits(slot).any(|known| known.id == limit_id) {
            return Err(Refusal::TemporaryLimitNotFound(limit_id.into()));
        }
        Ok((Outcome::Done, vec![Event::TemporaryLimitRemoved { slot, limit_id }]))
    }

    /// Two overrides of one day would leave open which of them counts.
    fn overrides_nothing_else(&self, slot: Slot, limit: &TemporaryLimit) -> Result<(), Refusal> {
        let overlapping = self.temporary_limits(slot).find(|other| {
            other.kind == TemporaryLimitKind::Override
                && other.id != limit.id
                && other.overlaps(limit)
        });
        match overlapping {
            None => Ok(()),
            Some(other) => {
                let (id, other) = (limit.id.as_str().into(), other.id.as_str().into());
                Err(Refusal::OverridesOverlap(id, other))
            }
        }
    }

    fn holds(&self, slot: Slot) -> impl Iterator<Item = &Hold> {
        self.state.conditions(slot).into_iter().flat_map(|all| all.holds_at(self.now))
    }

    fn find_hold(&self, slot: Slot, hold_id: &str) -> Option<&Hold> {
        self.holds(slot).find(|hold| hold.id == hold_id)
    }

    /// Those that have not ended.
    fn temporary_limits(&self, slot: Slot) -> impl Iterator<Item = &TemporaryLimit> {
        let today = Day::of(self.now);
        let all = self.state.conditions(slot).into_iter();
        all.flat_map(move |conditions| conditions.temporary_limits_from(today))
    }
}

#[cfg(test)]
mod tests;
