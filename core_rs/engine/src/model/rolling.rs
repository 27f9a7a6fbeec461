//! A hard cap on what an account owes at any moment, and the average of what it owed lately.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bounds::ROLLING_DAYS_MAX;
use crate::values::{Day, LimitKind, Micros, Minor};

const DAY: Micros = 86_400_000_000;

/// A limit that looks back: exposure at this moment is held against a hard cap, its time-weighted
/// average over some days against the account's limit, so that a customer may peak for a short
/// time.
///
/// With `W` days, `d` today in UTC, `t` the time since its midnight and `x` the exposure:
///
/// ```text
///             d-1                            now
///      sum of integral of x over day i  +  integral of x
///            i=d-W                         midnight
/// A = ---------------------------------------------------
///                    W * 24 h + t
/// ```
///
/// Sums are in minor units times microseconds, exact, in 128 bits: 4 * 10^18 minor units over 367
/// days come to 1.3 * 10^32 of the 1.7 * 10^38 that they hold. Until `W` whole days are recorded
/// there is no average, and the account's limit is its cap: also while `W` is raised.
///
/// What is owed counts from the entry that says so: an order that expired while the server stood
/// still was owed until the server gave it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollingLimit {
    /// The most that exposure may reach at any moment.
    pub hard_cap: Minor,
    /// How many whole days the average looks back, beside today.
    pub days: u16,
    exposure: Minor,
    /// Up to when exposure is summed up.
    until: Micros,
    /// Over the day of `until`.
    today: Sum,
    /// Whether that day is recorded from its midnight on.
    is_whole: bool,
    /// Over whole days, the earliest first; at most `days`.
    past: VecDeque<Sum>,
}

/// Minor units times microseconds. On disk its upper and its lower half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum(i128);

/// A time-weighted average, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Average {
    sum: i128,
    time: i128,
}

impl RollingLimit {
    /// Begins to record an account that owes `exposure`.
    #[must_use]
    pub fn begin(hard_cap: Minor, days: u16, exposure: Minor, now: Micros) -> RollingLimit {
        RollingLimit {
            hard_cap,
            days,
            exposure,
            until: now,
            today: Sum(0),
            is_whole: now == midnight(now),
            past: VecDeque::new(),
        }
    }

    /// Sets another cap or number of days. What is recorded of so many days stays; more of them are
    /// waited for.
    pub fn amend(&mut self, hard_cap: Minor, days: u16, now: Micros) {
        self.advance(now);
        (self.hard_cap, self.days) = (hard_cap, days);
        self.forget();
    }

    /// The account owes `change` more from now on.
    pub fn note(&mut self, now: Micros, change: Minor) {
        self.advance(now);
        self.exposure += change;
    }

    /// The average; `None` until as many whole days are recorded as it looks back.
    #[must_use]
    pub fn average(&self, now: Micros) -> Option<Average> {
        if !self.is_recorded(now) {
            return None;
        }
        let (gap, mut wanted) = (self.gap(now), usize::from(self.days));
        let mut sum = self.owed(self.until.max(midnight(now)), now);
        if gap == 0 {
            sum += self.today.0;
        } else {
            let alike = wanted.min(gap - 1);
            sum += alike as i128 * self.owed(0, DAY);
            wanted -= alike;
            if wanted > 0 {
                sum += self.today.0 + self.owed(self.until, midnight(self.until) + DAY);
                wanted -= 1;
            }
        }
        sum += self.past.iter().rev().take(wanted).map(|day| day.0).sum::<i128>();
        let time = i128::from(self.days) * i128::from(DAY) + i128::from(now - midnight(now));
        Some(Average { sum, time })
    }

    /// Whether as many whole days are recorded as the average looks back.
    fn is_recorded(&self, now: Micros) -> bool {
        let since = match self.gap(now) {
            0 => 0,
            gap => usize::from(self.is_whole) + gap - 1,
        };
        self.past.len() + since >= self.days.into()
    }

    /// Whether this can be the record of an account that owes `exposure`: for rows that were read.
    #[must_use]
    pub fn fits(&self, exposure: Minor) -> bool {
        let in_bounds = (1..=ROLLING_DAYS_MAX).contains(&self.days) && self.until >= 0;
        in_bounds && self.exposure == exposure && self.past.len() <= self.days.into()
    }

    /// The most that exposure may reach at this moment under a limit of this kind.
    #[must_use]
    pub fn ceiling(&self, limit: LimitKind, now: Micros) -> Minor {
        match limit {
            LimitKind::NoCredit | LimitKind::Inherit => 0,
            LimitKind::Unlimited => self.hard_cap,
            LimitKind::Amount(_) if self.is_recorded(now) => self.hard_cap,
            LimitKind::Amount(amount) => self.hard_cap.min(amount),
        }
    }

    fn advance(&mut self, now: Micros) {
        let gap = self.gap(now);
        if gap > 0 {
            self.sum_up_to(midnight(self.until) + DAY);
            let day = std::mem::take(&mut self.today);
            self.past.extend(self.is_whole.then_some(day));
            // Days on which nothing moved are alike, and of more than are kept none is missed.
            let alike = usize::from(self.days).min(gap - 1);
            self.past.extend(std::iter::repeat_n(Sum(self.owed(0, DAY)), alike));
            self.forget();
            (self.is_whole, self.until) = (true, midnight(now));
        }
        self.sum_up_to(now);
    }

    /// How many days lie between what is summed up and a moment.
    fn gap(&self, now: Micros) -> usize {
        usize::try_from(Day::of(now).0 - Day::of(self.until).0).unwrap_or_default()
    }

    fn owed(&self, from: Micros, until: Micros) -> i128 {
        i128::from(self.exposure) * i128::from(until - from)
    }

    fn sum_up_to(&mut self, moment: Micros) {
        self.today.0 += self.owed(self.until, moment);
        self.until = moment;
    }

    fn forget(&mut self) {
        let beyond = self.past.len().saturating_sub(self.days.into());
        self.past.drain(..beyond);
    }
}

impl Average {
    /// Whether it is above a limit.
    #[must_use]
    pub fn exceeds(&self, limit: Minor) -> bool {
        self.sum > i128::from(limit) * self.time
    }

    /// In minor units, rounded up: so an average above a limit is shown above it.
    #[must_use]
    pub fn rounded_up(&self) -> Minor {
        // Within the bounds of exposure, as all that it is an average of.
        -((-self.sum).div_euclid(self.time)) as Minor
    }
}

fn midnight(moment: Micros) -> Micros {
    Micros::from(Day::of(moment).0) * DAY
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ((self.0 >> 64) as i64, self.0 as u64).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (upper, lower) = <(i64, u64)>::deserialize(deserializer)?;
        Ok(Sum(i128::from(upper) << 64 | i128::from(lower)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Micros = DAY / 24;

    #[test]
    fn an_average_weighs_what_was_owed_by_its_time_over_whole_days_and_today() {
        let mut limit = RollingLimit::begin(100, 2, 30, 0);
        limit.note(12 * HOUR, 40);
        limit.note(18 * HOUR, -70);
        assert_eq!(limit.average(2 * DAY - 1), None);
        // 12 h of 30 and 6 h of 70 in two days.
        let sum = i128::from(12 * HOUR * 30 + 6 * HOUR * 70);
        let average = limit.average(2 * DAY).expect("two days");
        assert_eq!(average, Average { sum, time: i128::from(2 * DAY) });
        assert_eq!(average.rounded_up(), 17, "16.25");
        assert!(average.exceeds(16) && !average.exceeds(17));
        // Later today the divisor grows; tomorrow the first day is over.
        limit.note(2 * DAY, 48);
        let sum = sum + i128::from(12 * HOUR * 48);
        let time = i128::from(2 * DAY + 12 * HOUR);
        assert_eq!(limit.average(2 * DAY + 12 * HOUR), Some(Average { sum, time }));
        let sum = i128::from(DAY * 48);
        assert_eq!(limit.average(3 * DAY), Some(Average { sum, time: i128::from(2 * DAY) }));
        assert_eq!(limit.average(90 * DAY).map(|average| average.rounded_up()), Some(48));
    }

    #[test]
    fn a_day_that_began_before_the_record_does_not_count() {
        let limit = RollingLimit::begin(100, 1, 10, 1);
        assert_eq!(limit.average(2 * DAY - 1), None);
        assert_eq!(limit.average(2 * DAY).map(|average| average.rounded_up()), Some(10));
    }

    #[test]
    fn more_days_wait_and_fewer_forget() {
        let mut limit = RollingLimit::begin(100, 1, 10, 0);
        limit.note(DAY, 10);
        limit.amend(90, 3, DAY);
        assert_eq!(limit.average(3 * DAY - 1), None);
        limit.note(3 * DAY, -20);
        assert_eq!(limit.average(3 * DAY).map(|average| average.rounded_up()), Some(17), "50 / 3");
        limit.amend(90, 1, 3 * DAY);
        assert_eq!(limit.average(3 * DAY).map(|average| average.rounded_up()), Some(20));
    }

    #[test]
    fn credit_balances_round_up_too_and_sums_come_back_from_disk() {
        let mut limit = RollingLimit::begin(100, 1, -4_000_000_000_000_000_000, 0);
        limit.note(DAY + 1, 4_000_000_000_000_000_001);
        let average = limit.average(DAY + 3).expect("a day");
        assert!(average.rounded_up() < -3_999_999_999_000_000_000);
        let bytes = rmp_serde::to_vec(&limit).unwrap();
        assert_eq!(rmp_serde::from_slice::<RollingLimit>(&bytes).unwrap(), limit);
        assert_eq!(Average { sum: -3, time: 2 }.rounded_up(), -1);
        assert_eq!(Average { sum: 3, time: 2 }.rounded_up(), 2);
    }
}
