//! `Capture`: a shipment turns reserved into captured.

use crate::bounds::CAPTURES_MAX;
use crate::command::CaptureOrder;
use crate::decide::rules::{Ask, Evaluation, evaluate};
use crate::decide::{Context, view};
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Reservation;
use crate::outcome::{Changed, Decision, Outcome, Verdict};
use crate::values::Minor;

impl Context<'_> {
    pub(super) fn capture<'a>(
        &self,
        command: &CaptureOrder<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let found = self.target(&command.target)?;
        if let Some(earlier) = found.capture(command.invoice_id) {
            if !earlier.by_ledger {
                return Err(Refusal::InvoiceAlreadyCaptured(command.invoice_id.into()));
            }
            return Ok(self.acknowledge(found, command));
        }
        if found.captures.len() >= CAPTURES_MAX {
            return Err(Refusal::TooManyCaptures(command.invoice_id.into()));
        }
        let amount = command.amount.unwrap_or(found.open);
        let item = self.state.item(found.slot, command.invoice_id);
        if item.is_some_and(|item| item.posted) {
            return Ok(self.bill(found, amount.min(found.open), command));
        }
        if amount == 0 {
            return Err(Refusal::NothingOpen);
        }
        self.ship(found, amount, command)
    }

    /// The ledger's invoice came first and moved what this order had reserved: it counts once.
    fn acknowledge<'a>(
        &self,
        found: &Reservation,
        command: &CaptureOrder<'a>,
    ) -> (Outcome, Vec<Event<'a>>) {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let event = Event::Acknowledged { reservation, invoice_id };
        self.finish(found, 0, 0, None, vec![event], command)
    }

    /// The ledger's invoice came first, without the order's id: it stands in outstanding, so the
    /// order only stops holding its part.
    fn bill<'a>(
        &self,
        found: &Reservation,
        amount: Minor,
        command: &CaptureOrder<'a>,
    ) -> (Outcome, Vec<Event<'a>>) {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let event = Event::Billed { reservation, invoice_id, amount, by_ledger: false };
        self.finish(found, 0, amount, None, vec![event], command)
    }

    /// What goes beyond the open part is checked like an order; force carries it past the rules.
    fn ship<'a>(
        &self,
        found: &Reservation,
        amount: Minor,
        command: &CaptureOrder<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let excess = (amount - found.open).max(0);
        let mut events = Vec::new();
        let mut breached = None;
        if excess > 0 {
            let ask = Ask { amount: excess, order_total: found.captured + amount, pending: 0 };
            let evaluation = evaluate(self.state, found.slot, self.now, ask);
            if !evaluation.reasons.is_empty() {
                if !command.forced {
                    return Ok((self.decline(found, evaluation), events));
                }
                events.push(Event::Breached { reservation, amount: excess });
                breached = Some(evaluation);
            }
            self.may_grow(found, excess)?;
            events.push(Event::Grown { reservation, amount: excess });
        }
        events.push(Event::Captured { reservation, invoice_id, amount });
        Ok(self.finish(found, excess, amount, breached, events, command))
    }

    fn decline(&self, found: &Reservation, evaluation: Evaluation) -> Outcome {
        let verdict = Verdict {
            decision: Decision::Declined,
            fitting: evaluation.fitting_if_short(),
            available: evaluation.available,
            reasons: evaluation.reasons,
        };
        let reservation = view(self.state, found);
        Outcome::Changed(Changed { verdict, reservation, amount: 0, breach: false })
    }

    /// Releases the rest where the command says that it is the last, and sums up. `grown` came on
    /// top of what was open, `amount` was taken from it.
    fn finish<'a>(
        &self,
        found: &Reservation,
        grown: Minor,
        amount: Minor,
        breached: Option<Evaluation>,
        mut events: Vec<Event<'a>>,
        command: &CaptureOrder<'a>,
    ) -> (Outcome, Vec<Event<'a>>) {
        let mut reservation = view(self.state, found);
        reservation.open += grown - amount;
        reservation.captured += amount;
        // A shipment that the ledger has posted already no longer counts as reserved, and was
        // never counted as captured.
        let billed = events.iter().any(|event| matches!(event, Event::Billed { .. }));
        let (mut moved, captured) = if billed { (-amount, 0) } else { (grown, amount) };
        let rest = reservation.open;
        if command.last && rest > 0 {
            events.push(Event::Released { reservation: found.id, amount: rest });
            reservation.open = 0;
            reservation.released += rest;
            moved -= rest;
        }
        let mut verdict = self.approved(found.slot, moved);
        let breach = breached.is_some();
        if let Some(evaluation) = breached {
            verdict.fitting = evaluation.fitting_if_short();
            verdict.reasons = evaluation.reasons;
        }
        let changed = Changed { verdict, reservation, amount: captured, breach };
        (Outcome::Changed(changed), events)
    }
}

#[cfg(test)]
mod tests;
