//! `Capture`: a shipment turns reserved into captured.

use crate::bounds::{CAPTURES_MAX, INVOICE_DAYS_MAX};
use crate::command::{CaptureOrder, OrderKey, Target};
use crate::decide::rules::{Ask, Evaluation};
use crate::decide::{Context, view};
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Reservation;
use crate::outcome::{Changed, Invoiced, Outcome};
use crate::values::{Day, Minor, reservation_id};

impl Context<'_> {
    pub(super) fn capture<'a>(
        &self,
        command: &CaptureOrder<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let (changed, mut events) = self.captured(command)?;
        if self.state.cases().pending_count() > 0 {
            events.extend(self.use_case_of_grown(&changed.reservation, &events));
        }
        Ok((Outcome::Changed(changed), events))
    }

    fn captured<'a>(
        &self,
        command: &CaptureOrder<'a>,
    ) -> Result<(Changed, Vec<Event<'a>>), Refusal> {
        let far = |day: &Day| day.0.abs_diff(Day::of(self.now).0) > INVOICE_DAYS_MAX.into();
        if let Some(day) = command.issued.filter(far) {
            return Err(Refusal::InvoiceDateFar(day));
        }
        let unreserved;
        let found = match (self.target(&command.target), command.target, command.amount) {
            (Ok(found), ..) => found,
            // Goods that have left count, also where nobody reserved for them or it is forgotten.
            (Err(Refusal::ReservationNotFound { .. }), Target::Order(key), Some(_))
                if command.forced =>
            {
                unreserved = self.unreserved(key)?;
                &unreserved
            }
            (Err(refusal), ..) => return Err(refusal),
        };
        if let Some(earlier) = found.capture(command.invoice_id) {
            if !earlier.by_ledger {
                return Err(Refusal::InvoiceAlreadyCaptured(command.invoice_id.into()));
            }
            return Ok(self.acknowledge(found, command));
        }
        if found.captures.len() >= CAPTURES_MAX && !command.forced {
            return Err(Refusal::TooManyCaptures(command.invoice_id.into()));
        }
        let amount = command.amount.unwrap_or(found.open);
        let item = self.state.item(found.slot, command.invoice_id);
        if item.is_some_and(|item| item.posted) {
            return self.bill(found, amount, command);
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
    ) -> (Changed, Vec<Event<'a>>) {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let event = Event::Acknowledged { reservation, invoice_id };
        let taken = found.capture(invoice_id).map_or(0, |capture| capture.amount);
        let (mut changed, events) = self.finish(found, 0, 0, None, vec![event], command);
        changed.invoiced = self.invoiced(found, taken, command).map(Box::new);
        (changed, events)
    }

    /// The reservation of an order that has none: it holds nothing.
    fn unreserved(&self, key: OrderKey<'_>) -> Result<Reservation, Refusal> {
        let slot = self.slot(key.account_id)?;
        Ok(Reservation::empty(reservation_id(self.seq, 0), slot, key.order_id, self.now))
    }

    /// What goes beyond the open part; for an order that has no reservation, all of it.
    fn grow<'a>(
        &self,
        found: &Reservation,
        amount: Minor,
        command: &CaptureOrder<'a>,
    ) -> Event<'a> {
        let Reservation { id: reservation, slot, expires_at, .. } = *found;
        match command.target {
            Target::Order(OrderKey { order_id, .. })
                if self.state.reservation(reservation).is_none() =>
            {
                Event::Reserved { reservation, slot, order_id, amount, expires_at, asked: None }
            }
            _ => Event::Grown { reservation, amount },
        }
    }

    /// The ledger's invoice came first, without the order's id: it stands in outstanding, so the
    /// order only stops holding its part.
    fn bill<'a>(
        &self,
        found: &Reservation,
        amount: Minor,
        command: &CaptureOrder<'a>,
    ) -> Result<(Changed, Vec<Event<'a>>), Refusal> {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let is_new = self.state.reservation(reservation).is_none();
        let (grown, amount) = if is_new { (amount, amount) } else { (0, amount.min(found.open)) };
        let mut events = Vec::new();
        if is_new {
            self.may_grow(found, grown)?;
            events.push(self.grow(found, grown, command));
        }
        events.push(Event::Billed { reservation, invoice_id, amount, by_ledger: false });
        let (mut changed, events) = self.finish(found, grown, amount, None, events, command);
        changed.invoiced = self.invoiced(found, amount, command).map(Box::new);
        Ok((changed, events))
    }

    /// What goes beyond the open part is checked like an order; force carries it past the rules.
    fn ship<'a>(
        &self,
        found: &Reservation,
        amount: Minor,
        command: &CaptureOrder<'a>,
    ) -> Result<(Changed, Vec<Event<'a>>), Refusal> {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let excess = (amount - found.open).max(0);
        let mut events = Vec::new();
        let (mut breached, mut notices) = (None, Vec::new());
        if excess > 0 {
            // One that has no reservation is counted as an order with this shipment.
            let is_new = self.state.reservation(reservation).is_none();
            let ask = Ask { is_new, ..self.ask(excess, found.captured + amount) };
            let day = self.invoice_day(found, command);
            let evaluation = self.evaluate_growth(found, ask, day..=day);
            if evaluation.blocks() {
                if !command.forced {
                    return Ok((self.refused(found, ask, evaluation), events));
                }
                events.push(Event::Breached { reservation, amount: excess });
                breached = Some(evaluation);
            } else {
                notices = evaluation.reasons;
            }
            self.may_grow(found, excess)?;
            events.push(self.grow(found, excess, command));
        }
        let invoiced = self.invoiced(found, amount, command);
        // What an earlier capture of the invoice was answered with stays.
        let is_first = |_: &&Invoiced| {
            let item = self.state.item(found.slot, invoice_id);
            item.is_none_or(|item| item.due.is_none())
        };
        let dates = invoiced.as_ref().filter(is_first).map(|invoiced| invoiced.plan.dates());
        events.push(Event::Captured { reservation, invoice_id, amount, dates });
        let (mut changed, events) = self.finish(found, excess, amount, breached, events, command);
        changed.invoiced = invoiced.map(Box::new);
        if !changed.breach {
            changed.verdict.reasons = notices;
        }
        Ok((changed, events))
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
    ) -> (Changed, Vec<Event<'a>>) {
        let mut reservation = view(self.state, found);
        reservation.open += grown - amount;
        reservation.captured += amount;
        // A shipment that the ledger has posted already no longer counts as reserved, and was
        // never counted as captured.
        let billed = events.iter().any(|event| matches!(event, Event::Billed { .. }));
        let (mut moved, captured) = if billed { (grown - amount, 0) } else { (grown, amount) };
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
        let changed = Changed { verdict, reservation, amount: captured, breach, invoiced: None };
        (changed, events)
    }
}

#[cfg(test)]
mod tests;
