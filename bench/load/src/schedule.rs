//! When each call of an open loop is due, and a thread that says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// Calls at a steady rate, whatever becomes of them.
#[derive(Clone, Copy)]
pub struct Schedule {
    calls_per_s: f64,
}

impl Schedule {
    pub fn new(calls_per_s: f64) -> Schedule {
        assert!(calls_per_s > 0.0, "rate = {calls_per_s}: must be greater than zero");
        Schedule { calls_per_s }
    }

    /// When call `number` is due, from the start.
    pub fn due(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.calls_per_s)
    }

    /// How many calls are due within the first `total`.
    pub fn count(&self, total: Duration) -> u64 {
        (total.as_secs_f64() * self.calls_per_s).ceil() as u64
    }
}

/// How many calls are due by now. A thread of its own counts, because the sleep of an event loop is
/// exact to a millisecond only, which would be taken for the server's.
#[derive(Clone, Default)]
pub struct Pacer {
    due: Arc<AtomicU64>,
    more: Arc<Notify>,
}

impl Pacer {
    pub fn start(schedule: Schedule, start: Instant, count: u64) -> Pacer {
        let pacer = Pacer::default();
        let (due, more) = (pacer.due.clone(), pacer.more.clone());
        std::thread::spawn(move || {
            for number in 0..count {
                let wait = schedule.due(number).saturating_sub(start.elapsed());
                if !wait.is_zero() {
                    std::thread::sleep(wait);
                }
                due.store(number + 1, Ordering::Release);
                more.notify_one();
            }
        });
        pacer
    }

    /// Wait until more than `sent` calls are due; returns how many are.
    pub async fn more_than(&self, sent: u64) -> u64 {
        loop {
            let due = self.due.load(Ordering::Acquire);
            if due > sent {
                return due;
            }
            self.more.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_due_at_a_steady_rate() {
        let schedule = Schedule::new(2_000.0);
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due(3), Duration::from_micros(1_500));
        assert_eq!(schedule.count(Duration::from_secs(2)), 4_000);
    }

    #[tokio::test]
    async fn the_pacer_counts_to_the_end_and_never_ahead_of_time() {
        let (schedule, start) = (Schedule::new(1_000.0), Instant::now());
        let pacer = Pacer::start(schedule, start, 20);
        let mut sent = 0;
        while sent < 20 {
            let due = pacer.more_than(sent).await;
            assert!(due > sent);
            assert!(start.elapsed() >= schedule.due(due - 1));
            sent = due;
        }
        assert_eq!(sent, 20);
    }
}
