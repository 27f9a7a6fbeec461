//! The share of the worker that loads of many rows get while orders come. Without one they take
//! what there is of two cores, and an order waits in turn for each of the threads that serve it.

use std::time::{Duration, Instant};

/// Orders are said to come until so long after the last one.
const ORDERS_COME: Duration = Duration::from_millis(50);

/// A slice ends with the row that fills so many bytes of the request: some 350 limits, or a payment
/// with all its allocations.
const SLICE_BYTES: usize = 16 << 10;

/// And with so many while orders come, which wait for one slice at most.
const SLICE_BYTES_BESIDE: usize = 8 << 10;

/// While orders come, the pause after a slice of some 170 limits: twice as long as calls gather at
/// least. With half of it, p99 of orders beside a load was up to four times that without it.
const REST_MIN: Duration = Duration::from_millis(4);

/// The pause lasts so many times as long as its slice, where rows take their time.
const REST_TIMES: u32 = 2;

/// No pause is longer: the thread may have been kept from running.
const REST_MAX: Duration = Duration::from_millis(20);

/// When a slice of a bulk call may be decided, and how large it is.
#[derive(Default)]
pub(super) struct Share {
    last_order: Option<Instant>,
    /// Until then the last slice rests, while orders come.
    rests_until: Option<Instant>,
}

impl Share {
    /// Takes note of interactive calls.
    pub(super) fn order_came(&mut self, now: Instant) {
        self.last_order = Some(now);
    }

    /// How many bytes of a request the next slice may fill.
    pub(super) fn slice_bytes(&self, now: Instant) -> usize {
        if self.orders_come(now) { SLICE_BYTES_BESIDE } else { SLICE_BYTES }
    }

    /// Takes note of a slice, and how long it took.
    pub(super) fn slice_decided(&mut self, began: Instant, ended: Instant) {
        let took = ended.saturating_duration_since(began);
        self.rests_until = Some(ended + (took * REST_TIMES).clamp(REST_MIN, REST_MAX));
    }

    /// How long the next slice has to wait yet.
    pub(super) fn rest(&self, now: Instant) -> Duration {
        match self.rests_until {
            Some(until) if self.orders_come(now) => until.saturating_duration_since(now),
            _ => Duration::ZERO,
        }
    }

    fn orders_come(&self, now: Instant) -> bool {
        self.last_order.is_some_and(|last| now.saturating_duration_since(last) < ORDERS_COME)
    }
}

#[cfg(test)]
impl Share {
    /// Orders come, and slices rest until then.
    pub(super) fn resting(until: Instant) -> Share {
        Share { last_order: Some(until), rests_until: Some(until) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many slices are decided in a second in which an order comes every millisecond.
    fn slices_in_a_second(took: Duration) -> u32 {
        let begin = Instant::now();
        let (mut now, mut share, mut slices) = (begin, Share::default(), 0);
        while now < begin + Duration::from_secs(1) {
            share.order_came(now);
            if share.rest(now).is_zero() {
                assert_eq!(share.slice_bytes(now), SLICE_BYTES_BESIDE);
                share.slice_decided(now, now + took);
                now += took;
                slices += 1;
            }
            let pause = share.rest(now);
            now += pause.min(Duration::from_millis(1));
        }
        slices
    }

    #[test]
    fn beside_orders_slices_leave_four_milliseconds_between_them() {
        assert_eq!(slices_in_a_second(Duration::from_micros(200)), 239);
    }

    #[test]
    fn slow_slices_take_a_third_of_the_time() {
        assert_eq!(slices_in_a_second(Duration::from_millis(2)), 167);
    }

    #[test]
    fn a_slice_that_was_held_up_does_not_hold_up_the_load() {
        let (mut share, now) = (Share::default(), Instant::now());
        share.order_came(now);
        let ended = now + Duration::from_millis(30);
        share.slice_decided(now, ended);
        assert_eq!(share.rest(ended), REST_MAX);
    }

    #[test]
    fn slices_follow_each_other_where_nobody_orders() {
        let (mut share, now) = (Share::default(), Instant::now());
        share.slice_decided(now, now);
        assert_eq!((share.rest(now), share.slice_bytes(now)), (Duration::ZERO, SLICE_BYTES));
        share.order_came(now);
        assert_eq!((share.rest(now), share.slice_bytes(now)), (REST_MIN, SLICE_BYTES_BESIDE));
        let later = now + ORDERS_COME;
        share.slice_decided(later, later);
        assert_eq!((share.rest(later), share.slice_bytes(later)), (Duration::ZERO, SLICE_BYTES));
    }
}
