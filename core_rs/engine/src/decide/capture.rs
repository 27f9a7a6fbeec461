//! `Capture`: a shipment turns reserved into captured.

use std::collections::BTreeMap;

use crate::bounds::{CAPTURES_MAX, INVOICE_DAYS_MAX};
use crate::command::{CaptureOrder, OrderKey, Target};
use crate::counting::Parts;
use crate::decide::cases::case_of_reservation;
use crate::decide::confirm::waive;
use crate::decide::counting::{More, beside, came_into_force};
use crate::decide::levels::{Together, room_once_billed};
use crate::decide::rules::Ask;
use crate::decide::{Context, view};
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Reservation;
use crate::outcome::{Changed, Decision, Invoiced, Outcome, Reason};
use crate::values::{Day, Minor, reservation_id};

impl Context<'_> {
    pub(super) fn capture<'a>(
        &self,
        command: &CaptureOrder<'a>,
        channel: &'a str,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let (changed, mut events) = self.captured(command, channel)?;
        if self.state.cases().pending_count() > 0 {
            events.extend(self.use_case_of_grown(&changed.reservation, &events));
        }
        Ok((Outcome::Changed(changed), events))
    }

    fn captured<'a>(
        &self,
        command: &CaptureOrder<'a>,
        channel: &'a str,
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
        let amount = command.amount.unwrap_or(found.parts().open);
        let item = self.state.item(found.slot, command.invoice_id);
        if item.is_some_and(|item| item.posted) {
            return self.bill(found, amount, command, channel);
        }
        if amount == 0 {
            return Err(Refusal::NothingOpen);
        }
        self.ship(found, amount, command, channel)
    }

    /// The ledger's invoice came first and moved what this order had reserved: it counts once.
    fn acknowledge<'a>(
        &self,
        found: &Reservation,
        command: &CaptureOrder<'a>,
    ) -> (Changed, Vec<Event<'a>>) {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let event = Event::Acknowledged { reservation, invoice_id };
        let taken = match found.counting() {
            None => found.capture(invoice_id).map_or(0, |capture| capture.amount),
            // What an invoice took is kept as it counts. All invoices together took what is
            // captured; which took what, the caller knows.
            Some(counting) => {
                let captured = counting.parts.captured;
                let said = command.amount.unwrap_or(0).min(captured);
                if found.captures.len() == 1 { captured } else { said }
            }
        };
        let event = vec![event];
        let (mut changed, events) = self.finish(found, Shipment::default(), None, event, command);
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
        channel: &'a str,
    ) -> Event<'a> {
        let Reservation { id: reservation, slot, expires_at, .. } = *found;
        match command.target {
            Target::Order(OrderKey { order_id, .. })
                if self.state.reservation(reservation).is_none() =>
            {
                Event::Reserved {
                    reservation,
                    slot,
                    order_id,
                    amount,
                    expires_at,
                    details: None,
                    channel,
                }
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
        channel: &'a str,
    ) -> Result<(Changed, Vec<Event<'a>>), Refusal> {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let mut events = Vec::new();
        let shipment = if self.state.reservation(reservation).is_none() {
            self.may_grow(found, amount, amount)?;
            events.push(self.grow(found, amount, command, channel));
            Shipment { excess: amount, amount, grown: amount, counted: amount }
        } else {
            let open = found.parts().open;
            let amount = amount.min(open);
            let counted = found.freed(open - amount);
            Shipment { excess: 0, amount, grown: 0, counted }
        };
        let amount = shipment.counted;
        events.push(Event::Billed { reservation, invoice_id, amount, by_ledger: false });
        let (mut changed, events) = self.finish(found, shipment, None, events, command);
        changed.invoiced = self.invoiced(found, shipment.amount, command).map(Box::new);
        Ok((changed, events))
    }

    /// What goes beyond the open part is checked like an order; force carries it past the rules.
    fn ship<'a>(
        &self,
        found: &Reservation,
        amount: Minor,
        command: &CaptureOrder<'a>,
        channel: &'a str,
    ) -> Result<(Changed, Vec<Event<'a>>), Refusal> {
        let (reservation, invoice_id) = (found.id, command.invoice_id);
        let shipment = Shipment::of(found, amount);
        let Shipment { excess, grown, counted, .. } = shipment;
        let mut events = Vec::new();
        let (mut breached, mut notices) = (None, Vec::new());
        let over = came_into_force(found);
        if excess > 0 || grown > 0 || over {
            let its_own = if over { self.its_own(found) } else { BTreeMap::new() };
            let ask = self.ask_to_ship(found, shipment, &its_own);
            let day = self.invoice_day(found, command);
            let mut evaluation = self.evaluate_growth(found, ask, day..=day);
            if let Some(counting) = found.counting().filter(|_| excess > 0) {
                self.hold_to_rate(counting, &mut evaluation);
            }
            // What somebody has signed for is not asked again; what goes beyond it is.
            if let Some(case) = case_of_reservation(self.state, found).filter(|_| excess == 0) {
                waive(case, found, self.now, &mut evaluation.reasons);
            }
            if evaluation.blocks() {
                if !command.forced {
                    let more = shipment.asked_for(found);
                    return Ok((self.refused(found, more, ask, evaluation), events));
                }
                let amount = if over { counted } else { grown };
                events.push(Event::Breached { reservation, amount });
                let fitting = self.fitting_more(found, shipment.asked_for(found), ask, &evaluation);
                breached = Some((fitting, evaluation.reasons));
            } else {
                notices = evaluation.reasons;
            }
            if excess > 0 || grown > 0 {
                self.may_grow(found, excess, grown)?;
            }
            if grown > 0 {
                events.push(self.grow(found, grown, command, channel));
            }
        }
        let invoiced = self.invoiced(found, amount, command);
        // What an earlier capture of the invoice was answered with stays.
        let is_first = |_: &&Invoiced| {
            let item = self.state.item(found.slot, invoice_id);
            item.is_none_or(|item| item.due.is_none())
        };
        let dates = invoiced.as_ref().filter(is_first).map(|invoiced| invoiced.plan.dates());
        events.push(Event::Captured { reservation, invoice_id, amount: counted, dates });
        let (mut changed, events) = self.finish(found, shipment, breached, events, command);
        changed.invoiced = invoiced.map(Box::new);
        if !changed.breach {
            changed.verdict.reasons = notices;
        }
        Ok((changed, events))
    }

    /// What is asked of the account as goods leave: what counts with them that did not; of an order
    /// that came into force beyond its limit, all that counts, as when it is confirmed.
    fn ask_to_ship<'p>(
        &'p self,
        found: &Reservation,
        shipment: Shipment,
        its_own: &'p BTreeMap<Together, i128>,
    ) -> Ask<'p> {
        let Shipment { excess, amount, grown, .. } = shipment;
        let Parts { open, captured, .. } = found.parts();
        // One that has no reservation is counted as an order with this shipment.
        let is_new = self.state.reservation(found.id).is_none();
        let total = found.full(captured + amount.max(open));
        let ask = Ask { is_new, is_placed: excess == 0, ..self.ask(grown, total) };
        match came_into_force(found) {
            false => ask,
            true => {
                let amount = grown.saturating_add(found.open);
                Ask { amount, pending: beside(found, its_own), ..ask }
            }
        }
    }

    /// Releases the rest where the command says that it is the last, and sums up.
    fn finish<'a>(
        &self,
        found: &Reservation,
        shipment: Shipment,
        breached: Option<(Option<Minor>, Vec<Reason>)>,
        mut events: Vec<Event<'a>>,
        command: &CaptureOrder<'a>,
    ) -> (Changed, Vec<Event<'a>>) {
        let Shipment { excess, amount, grown, counted } = shipment;
        let mut reservation = view(self.state, found);
        reservation.open += grown - counted;
        reservation.captured += counted;
        // A shipment that the ledger has posted already no longer counts as reserved, and was
        // never counted as captured.
        let billed = events.iter().any(|event| matches!(event, Event::Billed { .. }));
        let (mut moved, captured) = if billed { (grown - counted, 0) } else { (grown, amount) };
        let mut change = Parts { open: excess - amount, captured: amount, ..Parts::default() };
        if command.last {
            let (left, rest) = (found.parts().open + change.open, reservation.open);
            if rest > 0 {
                events.push(Event::Released { reservation: found.id, amount: rest });
            }
            (change.open, change.released) = (change.open - left, left);
            reservation.open = 0;
            reservation.released += rest;
            moved -= rest;
        }
        if found.counting().is_some() && change != Parts::default() {
            reservation.move_parts(&change);
            events.push(Event::OrderMoved { reservation: found.id, change });
        }
        let room = room_once_billed(self.state, found.slot, self.now, moved);
        let mut verdict = self.verdict(Decision::Approved, Vec::new(), None, room);
        let breach = breached.is_some();
        if let Some((fitting, reasons)) = breached {
            (verdict.fitting, verdict.reasons) = (fitting, reasons);
        }
        let changed = Changed { verdict, reservation, amount: captured, breach, invoiced: None };
        (changed, events)
    }
}

/// What leaves of an order, in its own currency and as it counts; these are the same but for few
/// orders.
#[derive(Clone, Copy, Default)]
struct Shipment {
    /// Beyond what was open.
    excess: Minor,
    /// All of it.
    amount: Minor,
    /// What comes on top of what counted.
    grown: Minor,
    /// What counts of all of it.
    counted: Minor,
}

impl Shipment {
    fn of(found: &Reservation, amount: Minor) -> Shipment {
        let open = found.parts().open;
        let excess = (amount - open).max(0);
        let left = open + excess - amount;
        // What leaves counts, however far off its day of shipping was.
        if let Some(counting) = found.counting().filter(|_| found.waits()) {
            let counted = counting.worth_in_time(open + excess) - counting.worth_in_time(left);
            return Shipment { excess, amount, grown: counted, counted };
        }
        let grown = (found.worth(open + excess) - found.open).max(0);
        let counted = (found.open + grown - found.worth(left)).max(0);
        Shipment { excess, amount, grown, counted }
    }

    /// What of it is checked like an order: of one that did not count all that leaves, of one that
    /// came to count by itself all of it.
    fn asked_for(&self, found: &Reservation) -> More {
        let (open, counted, waits) = (found.parts().open, found.open, false);
        match found.waits() {
            true => More { amount: self.amount, open: 0, counted: 0, waits },
            false if came_into_force(found) => {
                More { amount: self.excess, open, counted: 0, waits }
            }
            false => More { amount: self.excess, open, counted, waits },
        }
    }
}

#[cfg(test)]
mod tests;
