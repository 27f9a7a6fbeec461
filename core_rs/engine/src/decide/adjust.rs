//! `Adjust`: an order's new total. Growth is decided like an order.

use crate::command::Adjust;
use crate::counting::Parts;
use crate::decide::counting::More;
use crate::decide::{Context, view};
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
        let Parts { open, captured, .. } = found.parts();
        if command.total < captured {
            let total = command.total;
            return Err(Refusal::BelowCaptured { total, captured });
        }
        // What was released or has expired was given back: a closed order that is opened again
        // asks for everything beyond its captured part.
        let growth = command.total - captured - open;
        let mut counted = 0;
        let mut reservation = view(self.state, found);
        let (mut events, mut notices) = (Vec::new(), Vec::new());
        if growth > 0 {
            self.may_reopen(found)?;
            // An order that waited until now counts from now on: nothing else would look at it.
            let comes_near = self.comes_near(found);
            let worth = match comes_near {
                None => found.worth(open + growth),
                Some(counting) => counting.worth_in_time(open + growth),
            };
            counted = worth - found.open;
            let ask = self.ask(counted, found.full(command.total));
            let mut evaluation = self.evaluate_growth(found, ask, self.days_compared());
            if found.waits() && comes_near.is_none() {
                evaluation.count_nothing();
            }
            if let Some(counting) = found.counting() {
                self.hold_to_rate(counting, &mut evaluation);
            }
            if evaluation.blocks() {
                let waits = found.waits() && comes_near.is_none();
                let more = More { amount: growth, open, counted: found.open, waits };
                let refused = self.refused(found, more, ask, evaluation);
                return Ok((Outcome::Changed(refused), events));
            }
            notices = evaluation.reasons;
            self.may_grow(found, growth, counted)?;
            if comes_near.is_some() {
                events.push(Event::Counted { reservation: id, amount: counted });
                reservation.counts_now();
            } else if counted > 0 {
                events.push(Event::Grown { reservation: id, amount: counted });
            }
            reservation.open += counted;
            if found.counting().is_some() {
                let change = Parts { open: growth, ..Parts::default() };
                reservation.move_parts(&change);
                events.push(Event::OrderMoved { reservation: id, change });
            }
        } else if growth < 0 {
            counted = -self.give_back(found, &mut reservation, -growth, &mut events);
        }
        if let Some(expires_at) = self.new_expiry(found, growth, command.ttl) {
            reservation.expires_at = expires_at;
            events.push(Event::ExpirySet { reservation: id, expires_at });
        }
        if self.state.cases().pending_count() > 0 {
            events.extend(self.use_case_of_grown(&reservation, &events));
        }
        let verdict = Verdict { reasons: notices, ..self.approved(slot, counted) };
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
        (ttl.asked_s.is_some() || over).then(|| self.holds_until(found.counting(), ttl))
    }
}

#[cfg(test)]
mod tests;
