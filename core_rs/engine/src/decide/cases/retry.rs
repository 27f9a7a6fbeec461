//! Credit that comes back goes to the cases that wait for it, in the order that the policy says.

use crate::bounds::{APPROVED_RETRIED_US, CASES_BEGUN_AGAIN_MAX, CASES_RETRIED_MAX};
use crate::command::RetryCases;
use crate::decide::levels::Pending;
use crate::decide::reserve::Earlier;
use crate::decide::{Context, Decided};
use crate::event::Event;
use crate::model::{Case, CaseId, CaseStatus};
use crate::outcome::{Decision, Outcome, Reserved, Reviewed};
use crate::state::State;
use crate::values::{Day, Micros};

/// How far the cases that wait have been looked at since credit last came back. Not part of the
/// state: after a restart all of them are looked at once.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Where the last step ended; `None`: there is nothing to look at.
    after: Option<(u8, CaseId)>,
    under_way: bool,
    /// How often this time it began again with the first.
    begun_again: u8,
    day: Option<Day>,
    /// Which part of the day it is, in steps of `APPROVED_RETRIED_US`.
    part: Option<Micros>,
}

impl Sweep {
    /// Whether [`Sweep::step`] has anything to look at.
    #[must_use]
    pub fn is_due(&self, state: &State) -> bool {
        (self.under_way || state.cases().is_stirred()) && state.cases().waits()
    }

    /// Looks at some of the cases that wait, in order; returns those whose orders would fit now if
    /// they came alone. `None`: all were looked at since credit last came back, or a day began, or,
    /// where any is approved, a minute.
    pub fn step(&mut self, state: &mut State, now: Micros) -> Option<Vec<CaseId>> {
        let (today, part) = (Some(Day::of(now)), Some(now.div_euclid(APPROVED_RETRIED_US)));
        let later = state.cases().approved_waits() && self.part != part;
        let stirred = state.take_stirred() || self.day != today || later;
        (self.day, self.part) = (today, part);
        if !state.cases().waits() {
            self.under_way = false;
            return None;
        }
        // What came back may be for those that were passed over: they come first. But the last ones
        // have their turn too, however often that happens.
        if stirred && !self.under_way {
            (self.under_way, self.after, self.begun_again) = (true, None, 0);
        } else if stirred && self.begun_again < CASES_BEGUN_AGAIN_MAX {
            (self.after, self.begun_again) = (None, self.begun_again + 1);
        } else if stirred {
            state.stir();
        }
        if !self.under_way {
            return None;
        }
        let context = Context { state, seq: 0, now, actor: "", channel: "" };
        let order = state.policy().approvals.order;
        let mut waiting = state.cases().waiting(order, self.after);
        let mut found = Vec::new();
        for (place, case) in waiting.by_ref().take(CASES_RETRIED_MAX) {
            self.after = Some(place);
            found.extend(context.fits(case).then_some(case.id));
        }
        self.under_way = waiting.next().is_some();
        Some(found)
    }
}

impl Context<'_> {
    fn fits(&self, case: &Case) -> bool {
        let waiver = self.standing_waiver(case);
        let found = self.reserve_case(case, waiver, Pending::default(), 0);
        !self.is_signed_for_less(case)
            && found.is_ok_and(|(reserved, _)| reserved.verdict.decision == Decision::Approved)
    }

    pub(in crate::decide) fn retry_cases<'a>(&self, command: &RetryCases) -> Decided<'a> {
        let mut earlier = Earlier::default();
        let (mut all, mut events) = (Vec::new(), Vec::new());
        for (item, id) in command.cases.iter().enumerate() {
            let case = self.state.cases().get(*id).filter(|case| case.waits_for_credit());
            let Some(case) = case else { continue };
            if let Some((reserved, event)) = self.retry(case, item, &mut earlier) {
                all.push(Reviewed {
                    case: case.id,
                    account_id: self.state.account_id(case.slot).clone(),
                    status: CaseStatus::Used,
                    missing: 0,
                    reserved: Some(reserved),
                    currency: Some(self.currency_of(case)),
                    order: None,
                });
                events.push(event);
            }
        }
        Ok((Outcome::Retried(all), events))
    }

    /// On top of what the cases before it have taken.
    fn retry<'a, 'c>(
        &self,
        case: &'c Case,
        item: usize,
        earlier: &mut Earlier<'c>,
    ) -> Option<(Reserved, Event<'a>)> {
        if self.is_signed_for_less(case) || !earlier.note(case.slot, &case.order_id) {
            return None;
        }
        let waiver = self.standing_waiver(case);
        let pending = earlier.pending(case.slot);
        let (reserved, event) = self.reserve_case(case, waiver, pending, item).ok()?;
        earlier.take(self.state, case.slot, &reserved);
        Some((reserved, event?))
    }
}

#[cfg(test)]
mod tests;
