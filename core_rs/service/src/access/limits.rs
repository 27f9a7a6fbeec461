//! How much one identity may ask for, so that it cannot starve the rest.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A request counts as one call for each so many bytes that it begins: a batch of a thousand orders
/// costs the server about as much as the 35 calls that it counts as.
const BYTES_A_CALL: usize = 2 << 10;

/// When to ask again where calls in flight are too many: when one of them ends nobody knows.
const IN_FLIGHT_RETRY: Duration = Duration::from_millis(5);

/// What every identity is held to; zero: no bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Calls a second over time.
    pub rate_per_s: u32,
    /// Calls that may come at once after a pause; zero: those of a second.
    pub burst: u32,
    /// Calls that have no answer yet, open watches among them.
    pub in_flight_max: u32,
}

/// Why a call is not taken on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limited {
    Rate(Duration),
    InFlight(Duration),
}

impl Limited {
    /// After how long to ask again.
    pub(crate) fn delay(self) -> Duration {
        match self {
            Limited::Rate(delay) | Limited::InFlight(delay) => delay,
        }
    }
}

/// What one identity has used.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    begun: Instant,
    /// When all that was asked for would be through at the allowed rate, in ns since `begun`: the
    /// generic cell rate algorithm of ITU-T I.371, which is a bucket of tokens in one number.
    through_ns: Mutex<u64>,
    in_flight: AtomicU32,
}

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Limiter {
        let (begun, in_flight) = (Instant::now(), AtomicU32::new(0));
        Limiter { limits, begun, through_ns: Mutex::new(0), in_flight }
    }

    /// Takes on a call of so many bytes, or says why not; a call refused uses up nothing.
    pub(crate) fn enter(&self, bytes: usize) -> Result<(), Limited> {
        self.look(bytes, true)
    }

    /// How long a call of so many bytes had better wait; zero: it would be taken on now.
    pub(crate) fn pause(&self, bytes: usize) -> Duration {
        self.look(bytes, false).map_or_else(Limited::delay, |()| Duration::ZERO)
    }

    /// A call that was taken on has its answer.
    pub(crate) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    fn look(&self, bytes: usize, enter: bool) -> Result<(), Limited> {
        let Limits { rate_per_s, burst, in_flight_max } = self.limits;
        // Whoever holds this decides alone, so that two calls never take the same place.
        let mut through_ns = self.through_ns.lock().unwrap_or_else(PoisonError::into_inner);
        if in_flight_max > 0 && self.in_flight.load(Ordering::Relaxed) >= in_flight_max {
            return Err(Limited::InFlight(IN_FLIGHT_RETRY));
        }
        let mut next_ns = *through_ns;
        if rate_per_s > 0 {
            let now_ns = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let calls = bytes.div_ceil(BYTES_A_CALL).max(1) as u64;
            next_ns = through(rate_per_s, burst, *through_ns, now_ns, calls)
                .map_err(|wait_ns| Limited::Rate(Duration::from_nanos(wait_ns)))?;
        }
        if enter {
            *through_ns = next_ns;
            self.in_flight.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// When so many calls more would be through, or in how many ns they may come. More calls than a
/// burst count as a burst: they could never come otherwise.
fn through(rate_per_s: u32, burst: u32, before: u64, now: u64, calls: u64) -> Result<u64, u64> {
    let each = 1_000_000_000 / u64::from(rate_per_s);
    let most = each * u64::from(if burst == 0 { rate_per_s } else { burst });
    let after = before.max(now) + each.saturating_mul(calls).min(most);
    after.checked_sub(now + most).filter(|wait| *wait > 0).map_or(Ok(after), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_burst_comes_at_once_and_the_rest_at_its_rate() {
        let mut before = 0;
        let mut ask = |now: u64, calls: u64| {
            let answer = through(100, 3, before, now, calls);
            before = answer.unwrap_or(before);
            answer.map(|_| ())
        };
        assert_eq!([ask(0, 1), ask(0, 1), ask(0, 1)], [Ok(()); 3]);
        assert_eq!(ask(0, 1), Err(10 * MS));
        assert_eq!(ask(9 * MS, 1), Err(MS));
        assert_eq!(ask(10 * MS, 1), Ok(()));
        assert_eq!(ask(10 * MS, 2), Err(20 * MS));
        // After a pause there is a burst again, and no more than one.
        assert_eq!(ask(10_000 * MS, 3), Ok(()));
        assert_eq!(ask(10_000 * MS, 1), Err(10 * MS));
    }

    #[test]
    fn what_is_larger_than_a_burst_comes_when_all_of_it_is_there() {
        assert_eq!(through(100, 3, 0, 0, 1_000), Ok(30 * MS));
        assert_eq!(through(100, 3, 10 * MS, 0, 1_000), Err(10 * MS));
    }

    #[test]
    fn calls_in_flight_are_counted_and_large_ones_count_as_many() {
        let limiter = Limiter::new(Limits { in_flight_max: 2, ..Limits::default() });
        assert_eq!([limiter.enter(0), limiter.enter(0)], [Ok(()); 2]);
        assert_eq!(limiter.enter(0), Err(Limited::InFlight(IN_FLIGHT_RETRY)));
        assert_eq!(limiter.pause(0), IN_FLIGHT_RETRY);
        limiter.leave();
        assert_eq!(limiter.pause(0), Duration::ZERO);
        assert_eq!(limiter.enter(0), Ok(()));
        // One a second and none saved up: no test is slow enough to see another.
        let limiter = Limiter::new(Limits { rate_per_s: 1, burst: 3_600, in_flight_max: 0 });
        assert_eq!(limiter.enter(3_599 * BYTES_A_CALL), Ok(()));
        assert_eq!(limiter.pause(2 * BYTES_A_CALL).as_secs(), 0, "a second is not over");
        assert_eq!(limiter.enter(BYTES_A_CALL), Ok(()));
        assert!(matches!(limiter.enter(2 * BYTES_A_CALL), Err(Limited::Rate(_))));
    }
}
