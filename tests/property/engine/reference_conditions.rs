//! Holds and temporary limits in the reference model: nothing is ever forgotten, but what has ended
//! does not count.

use super::*;

impl Model {
    fn conditions_of(&mut self, id: &str) -> Result<&mut Account> {
        self.accounts.get_mut(id).map_or_else(|| refuse("AccountNotFound"), Ok)
    }

    pub(super) fn place_hold(&mut self, c: &PlaceHold<'static>) -> Result<()> {
        let now = self.now;
        let account = self.conditions_of(c.account_id)?;
        if c.until.is_some_and(|until| until <= now) {
            return refuse("Passed");
        }
        account.holds.insert(c.hold_id, (c.kind, c.until));
        Ok(())
    }

    pub(super) fn lift_hold(&mut self, c: &LiftHold<'static>) -> Result<()> {
        let now = self.now;
        match self.conditions_of(c.account_id)?.holds.remove(c.hold_id) {
            Some((_, until)) if until.is_none_or(|until| now < until) => Ok(()),
            _ => refuse("HoldNotFound"),
        }
    }

    pub(super) fn set_temporary_limit(&mut self, c: &SetTemporaryLimit<'static>) -> Result<()> {
        let today = Day::of(self.now);
        let account = self.conditions_of(c.account_id)?;
        let (first, last) = (c.first.unwrap_or(today), c.last);
        if last < today {
            return refuse("Passed");
        }
        if first > last {
            return refuse("DatesReversed");
        }
        let shares_a_day = account.temporary.iter().any(|(id, (kind, _, a, b))| {
            let is_other = *id != c.limit_id && *kind == TemporaryLimitKind::Override;
            is_other && (a.0..=b.0).any(|day| today.0 <= day && first.0 <= day && day <= last.0)
        });
        if c.kind == TemporaryLimitKind::Override && shares_a_day {
            return refuse("OverridesOverlap");
        }
        account.temporary.insert(c.limit_id, (c.kind, c.amount.into(), first, last));
        Ok(())
    }

    pub(super) fn remove_temporary_limit(
        &mut self,
        c: &RemoveTemporaryLimit<'static>,
    ) -> Result<()> {
        let today = Day::of(self.now);
        match self.conditions_of(c.account_id)?.temporary.remove(c.limit_id) {
            Some((.., last)) if today <= last => Ok(()),
            _ => refuse("TemporaryLimitNotFound"),
        }
    }

    pub(super) fn set_rolling_limit(&mut self, c: &SetRollingLimit<'static>) -> Result<()> {
        let now = self.now;
        let account = self.conditions_of(c.account_id)?;
        let midnight = Micros::from(Day::of(now).0) * crate::DAY;
        // Of a shorter look back no more is known than it needed.
        let since = match account.rolling {
            None => now,
            Some((_, days, since)) => since.max(midnight - days * crate::DAY),
        };
        account.rolling = Some((c.hard_cap.into(), c.days.into(), since));
        Ok(())
    }

    pub(super) fn remove_rolling_limit(&mut self, c: &RemoveRollingLimit<'static>) -> Result<()> {
        match self.conditions_of(c.account_id)?.rolling.take() {
            Some(_) => Ok(()),
            None => refuse("RollingLimitNotFound"),
        }
    }

    /// Notes what every account owes from now on.
    pub(super) fn note_owed(&mut self) {
        for id in self.opened.clone() {
            let owed = (self.now, self.exposure(id));
            self.accounts.get_mut(id).expect("it was opened").owed.push(owed);
        }
    }

    /// Exposure times time over as many whole days as the account's average looks back and today,
    /// and that time; none until so many days are recorded.
    pub(super) fn average(&self, account: &str) -> Option<(Amount, Amount)> {
        let Account { rolling, owed, .. } = &self.accounts[account];
        let (_, days, since) = (*rolling)?;
        let from = Micros::from(Day::of(self.now).0) * crate::DAY - days * crate::DAY;
        if since > from {
            return None;
        }
        let ends = owed[1..].iter().map(|(moment, _)| *moment).chain([self.now]);
        let parts = owed.iter().zip(ends).map(|((begin, exposure), end)| {
            exposure * Amount::from((end - (*begin).max(from)).max(0))
        });
        Some((parts.sum(), Amount::from(self.now - from)))
    }
}
