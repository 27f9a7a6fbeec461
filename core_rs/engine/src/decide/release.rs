//! `Release`: an order, or a part of it, is cancelled.

use crate::command::Release;
use crate::counting::Parts;
use crate::decide::{Context, view};
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Reservation;
use crate::outcome::{Changed, Outcome, ReservationView};
use crate::values::Minor;

impl Context<'_> {
    pub(super) fn release<'a>(
        &self,
        command: &Release<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        if let Some(withdrawn) = self.withdraw(command) {
            return Ok(withdrawn);
        }
        let found = self.target(&command.target)?;
        let Parts { open, .. } = found.parts();
        let amount = command.amount.unwrap_or(open);
        if amount > open {
            return Err(Refusal::ReleaseExceedsOpen { amount, open });
        }
        let (mut reservation, mut events) = (view(self.state, found), Vec::new());
        let freed = self.give_back(found, &mut reservation, amount, &mut events);
        let verdict = self.approved(found.slot, -freed);
        let changed = Changed { verdict, reservation, amount, breach: false, invoiced: None };
        Ok((Outcome::Changed(changed), events))
    }

    /// Gives back so much of an order, in its own currency; returns what no longer counts. There
    /// may be nothing left to give back.
    pub(super) fn give_back(
        &self,
        found: &Reservation,
        after: &mut ReservationView,
        amount: Minor,
        events: &mut Vec<Event<'_>>,
    ) -> Minor {
        let reservation = found.id;
        let freed = found.freed(found.parts().open - amount);
        if freed > 0 {
            events.push(Event::Released { reservation, amount: freed });
        }
        if found.counting().is_some() && amount > 0 {
            let change = Parts { open: -amount, released: amount, ..Parts::default() };
            after.move_parts(&change);
            events.push(Event::OrderMoved { reservation, change });
        }
        after.open -= freed;
        after.released += freed;
        freed
    }
}

#[cfg(test)]
mod tests;
