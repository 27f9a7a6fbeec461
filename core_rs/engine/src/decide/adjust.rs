//! `Adjust`: an order's new total. Growth is decided like an order.

use crate::command::Adjust;
use crate::decide::{Context, expiry, view};
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Reservation;
use crate::outcome::{Changed, Outcome, Verdict};
use crate::values::{Micros, Minor, Ttl};

impl Context<'_> {
    pub(super) fn adjust<'a>(
        &self,
        command: &Adjust<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let found = self.target(&command.target)?;
        let (id, slot) = (found.id, found.slot);
        if command.total < found.captured {
            let (total, captured) = (command.total, found.captured);
            return Err(Refusal::BelowCaptured { total, captured });
        }
        // What was released or has expired was given back: a closed order that is opened again
        // asks for everything beyond its captured part.
        let growth = command.total - found.captured - found.open;
        let mut reservation = view(self.state, found);
        let (mut events, mut notices) = (Vec::new(), Vec::new());
        if growth > 0 {
            self.may_reopen(found)?;
            let ask = self.ask(growth, command.total);
            let evaluation = self.evaluate_growth(found, ask, self.days_compared());
            if evaluation.blocks() {
                return Ok((Outcome::Changed(self.refused(found, ask, evaluation)), events));
            }
            notices = evaluation.reasons;
            self.may_grow(found, growth)?;
            events.push(Event::Grown { reservation: id, amount: growth });
            reservation.open += growth;
        } else if growth < 0 {
            events.push(Event::Released { reservation: id, amount: -growth });
            reservation.open += growth;
            reservation.released -= growth;
        }
        if let Some(expires_at) = self.new_expiry(found, growth, command.ttl) {
            reservation.expires_at = expires_at;
            events.push(Event::ExpirySet { reservation: id, expires_at });
        }
        if self.state.cases().pending_count() > 0 {
            events.extend(self.use_case_of_grown(&reservation, &events));
        }
        let verdict = Verdict { reasons: notices, ..self.approved(slot, growth) };
        let changed = Changed { verdict, reservation, amount: 0, breach: false, invoiced: None };
        Ok((Outcome::Changed(changed), events))
    }

    /// An order has one open reservation at most: where it was reserved anew, the older one stays
    /// closed.
    fn may_reopen(&self, found: &Reservation) -> Result<(), Refusal> {
        let latest = self.state.latest_of_order(found.slot, &found.order_id);
        if latest.is_some_and(|latest| latest.id != found.id) {
            return Err(Refusal::OrderAlreadyReserved((*found.order_id).into()));
        }
        Ok(())
    }

    /// A new time where the caller asked for one, or where what grows would lapse at once because
    /// its time has run out.
    fn new_expiry(&self, found: &Reservation, growth: Minor, ttl: Ttl) -> Option<Micros> {
        let over = growth > 0 && found.expires_at <= self.now;
        (ttl.asked_s.is_some() || over).then(|| expiry(self.now, ttl))
    }
}

#[cfg(test)]
mod tests;
