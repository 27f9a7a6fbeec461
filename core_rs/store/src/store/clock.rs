//! What is due by itself: the commands of the clock.

use creditgate_engine::command::{Command, Housekeep, RetryCases};
use creditgate_engine::decide::housekeeping_due;
use creditgate_engine::entry::Request;
use creditgate_engine::values::Micros;

use super::Store;
use crate::error::ExecuteError;

impl Store {
    /// Executes one command of the clock if anything is due: expiries, closed records to forget,
    /// cases for which credit may have come back. Returns whether it did; then more may be due.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Fatal`].
    pub fn housekeep(&mut self) -> Result<bool, ExecuteError> {
        let due = housekeeping_due(&self.state, self.pending.time, &self.housekeeping());
        if due {
            self.tick()?;
            return Ok(true);
        }
        let Some(cases) = self.sweep.step(&mut self.state, self.pending.time) else {
            return Ok(false);
        };
        if !cases.is_empty() {
            self.by_the_clock(Command::RetryCases(RetryCases { cases }))?;
        }
        Ok(true)
    }

    /// When the next reservation expires, or a case is escalated or expires.
    #[must_use]
    pub fn next_due(&self) -> Option<Micros> {
        let expiring = self.state.expiring().next().map(|(at, _)| at);
        let case = self.state.cases().due().next().map(|(at, _)| at);
        expiring.into_iter().chain(case).min()
    }

    /// Whether credit may have come back for cases that wait for it.
    #[must_use]
    pub fn may_free_cases(&self) -> bool {
        self.sweep.is_due(&self.state)
    }

    /// Executes one command of the clock, due or not: its time is durable with the commit.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Fatal`].
    pub fn tick(&mut self) -> Result<(), ExecuteError> {
        self.by_the_clock(Command::Housekeep(self.housekeeping()))
    }

    fn by_the_clock(&mut self, command: Command<'_>) -> Result<(), ExecuteError> {
        self.execute(&Request { command, actor: "clock", channel: "", reason: None })?;
        Ok(())
    }

    fn housekeeping(&self) -> Housekeep {
        Housekeep {
            closed_before: self.pending.time.saturating_sub(self.options.closed_age_max_us),
            closed_count_max: self.options.closed_count_max,
        }
    }
}
