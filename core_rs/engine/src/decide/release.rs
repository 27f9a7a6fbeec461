//! `Release`: an order, or a part of it, is cancelled.

use crate::command::Release;
use crate::decide::{Context, view};
use crate::error::Refusal;
use crate::event::Event;
use crate::outcome::{Changed, Outcome};

impl Context<'_> {
    pub(super) fn release<'a>(
        &self,
        command: &Release<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        if let Some(withdrawn) = self.withdraw(command) {
            return Ok(withdrawn);
        }
        let found = self.target(&command.target)?;
        let amount = command.amount.unwrap_or(found.open);
        if amount > found.open {
            return Err(Refusal::ReleaseExceedsOpen { amount, open: found.open });
        }
        let mut reservation = view(self.state, found);
        reservation.open -= amount;
        reservation.released += amount;
        let verdict = self.approved(found.slot, -amount);
        // Cancelling what has closed already is no mistake: there was nothing left to give back.
        let event = (amount > 0).then_some(Event::Released { reservation: found.id, amount });
        let changed = Changed { verdict, reservation, amount, breach: false, invoiced: None };
        Ok((Outcome::Changed(changed), event.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests;
