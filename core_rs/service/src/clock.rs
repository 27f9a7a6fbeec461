//! Where time comes from. Only the worker reads it, once for each commit.

use std::time::{SystemTime, UNIX_EPOCH};

use creditgate_engine::values::Micros;

/// Which clock a service runs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's.
    System,
    /// One that moves when `SetTime` says so, for replays of old data.
    Manual,
}

pub(crate) struct Clock {
    kind: ClockKind,
    /// The latest moment that was read or set; time never goes back behind it.
    latest: Micros,
}

impl Clock {
    /// A clock for a store whose last commit was at `latest`.
    pub(crate) fn new(kind: ClockKind, latest: Micros) -> Clock {
        // Before its first commit a store has no time of its own, and zero stands for "never".
        Clock { kind, latest: latest.max(1) }
    }

    pub(crate) fn now(&mut self) -> Micros {
        if self.kind == ClockKind::System {
            // A clock before 1970 or after 290,000 AD is as good as stopped.
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.latest = self.latest.max(Micros::try_from(since.as_micros()).unwrap_or_default());
        }
        self.latest
    }

    pub(crate) fn is_manual(&self) -> bool {
        self.kind == ClockKind::Manual
    }

    /// Moves the clock forward; a moment before the latest leaves it where it is.
    pub(crate) fn set(&mut self, moment: Micros) {
        self.latest = self.latest.max(moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back() {
        let mut clock = Clock::new(ClockKind::Manual, 50);
        assert_eq!(clock.now(), 50);
        clock.set(60);
        clock.set(59);
        assert_eq!(clock.now(), 60);
        let ahead = Micros::MAX - 1;
        assert_eq!(Clock::new(ClockKind::System, ahead).now(), ahead);
    }
}
