//! Ledger entries: what was captured or reserved for an invoice moves to outstanding, once.

use crate::bounds::{CAPTURES_MAX, EXPOSURE_MINOR_MAX, HEARD_AGAIN_US, SOURCES_MAX};
use crate::command::{EntryKind, MoveSource, Post, RecordReconciliation};
use crate::counting::{Parts, largest};
use crate::decide::Context;
use crate::error::Refusal;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::state::State;
use crate::values::{Currency, Micros, Minor, Slot};

/// Whether it is news at `now` that a source's stream has been taken to `position`: it moves the
/// source, or tells for the first time in a minute that it can still be heard.
#[must_use]
pub fn is_news(state: &State, now: Micros, source: &str, position: u64) -> bool {
    let heard = state.source_heard_at(source);
    position > state.source_position(source)
        || heard.is_none_or(|heard_at| now - heard_at >= HEARD_AGAIN_US)
}

impl Context<'_> {
    pub(super) fn move_source<'a>(
        &self,
        command: &MoveSource<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let heard = self.hear(command.source, command.position)?;
        Ok((Outcome::Done, heard.into_iter().collect()))
    }

    /// Of a source that nobody has heard of, nothing can have been compared.
    pub(super) fn record_reconciliation<'a>(
        &self,
        command: &RecordReconciliation<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let RecordReconciliation { source, found, .. } = *command;
        if self.state.source_heard_at(source).is_none() {
            return Err(Refusal::SourceNotFound(source.into()));
        }
        Ok((Outcome::Done, vec![Event::Reconciled(source, found)]))
    }

    pub(super) fn post<'a>(
        &self,
        command: &Post<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let slot = self.payer(command.account_id, command.currency)?;
        let mut events = match command.kind {
            EntryKind::Invoice => self.invoice(slot, command)?,
            EntryKind::OpeningBalance | EntryKind::Adjustment => self.signed(slot, command)?,
            EntryKind::Payment | EntryKind::CreditMemo => settle(slot, command),
            EntryKind::Dispute => self.dispute(slot, command),
        };
        self.within_range(slot, command.amount, &events)?;
        events.extend(self.hear(command.source, command.position)?);
        Ok((Outcome::Done, events))
    }

    /// A source is heard whether it counts its entries or not; where its position does not move,
    /// that is noted once a minute, so that a journal of many entries does not grow by one more
    /// event for each.
    fn hear<'a>(&self, source: &'a str, position: u64) -> Result<Option<Event<'a>>, Refusal> {
        let is_new = self.state.source_heard_at(source).is_none();
        if is_new && self.state.source_count() >= SOURCES_MAX {
            return Err(Refusal::TooManySources(source.into()));
        }
        let position = position.max(self.state.source_position(source));
        let moved = Event::SourceMoved { source, position };
        Ok(is_news(self.state, self.now, source, position).then_some(moved))
    }

    /// Whose ledger it is; ledgers are kept in the account's currency.
    fn payer(&self, account_id: &str, found: Currency) -> Result<Slot, Refusal> {
        let slot = self.slot(account_id)?;
        let expected = self.state.terms(slot).currency;
        if expected != found {
            return Err(Refusal::CurrencyMismatch { expected, found });
        }
        Ok(slot)
    }

    fn invoice<'a>(&self, slot: Slot, command: &Post<'a>) -> Result<Vec<Event<'a>>, Refusal> {
        let invoice_id = command.invoice_id.expect("admission asks every invoice for its id");
        let posted = self.item_posted(slot, invoice_id, command)?;
        let captured = self.state.item(slot, invoice_id).map_or(0, |item| item.captured);
        let mut events = Vec::with_capacity(3);
        if captured > 0 {
            events.push(Event::Claimed { slot, invoice_id, amount: captured });
        } else if let Some(order_id) = command.order_id {
            self.bill_order(slot, order_id, invoice_id, command.amount, &mut events);
        }
        events.push(posted);
        Ok(events)
    }

    /// What the order still reserves moves with its invoice, before any `Capture` tells of it. The
    /// ledger is never refused for an order of too many captures: that one stays reserved.
    fn bill_order<'a>(
        &self,
        slot: Slot,
        order_id: &str,
        invoice_id: &'a str,
        invoiced: Minor,
        events: &mut Vec<Event<'a>>,
    ) {
        let Some(found) = self.state.latest_of_order(slot, order_id) else { return };
        if !found.is_open() || found.captures.len() >= CAPTURES_MAX {
            return;
        }
        let (reservation, open) = (found.id, found.parts().open);
        let part = match found.counting() {
            None => invoiced.min(open),
            // However the ledger rounds: an order that is invoiced in full keeps nothing open.
            Some(counting) => largest(open, |part| counting.at_least(part) <= invoiced),
        };
        let amount = found.freed(open - part);
        events.push(Event::Billed { reservation, invoice_id, amount, by_ledger: true });
        if found.counting().is_some() {
            let change = Parts { open: -part, captured: part, ..Parts::default() };
            events.push(Event::OrderMoved { reservation, change });
        }
    }

    fn signed<'a>(&self, slot: Slot, command: &Post<'a>) -> Result<Vec<Event<'a>>, Refusal> {
        let amount = command.amount;
        match command.invoice_id {
            None => Ok(vec![Event::UnallocatedMoved { slot, amount }]),
            Some(invoice_id) if command.kind == EntryKind::Adjustment => {
                Ok(vec![Event::ItemMoved { slot, invoice_id, amount }])
            }
            Some(invoice_id) => Ok(vec![self.item_posted(slot, invoice_id, command)?]),
        }
    }

    /// Of an invoice that nobody has told of yet, too.
    fn dispute<'a>(&self, slot: Slot, command: &Post<'a>) -> Vec<Event<'a>> {
        let invoice_id = command.invoice_id.expect("admission asks every dispute for its invoice");
        let known = self.state.item(slot, invoice_id).map_or(0, |item| item.disputed);
        let amount = command.amount;
        let disputed = Event::ItemDisputed { slot, invoice_id, amount };
        (amount != known).then_some(disputed).into_iter().collect()
    }

    fn item_posted<'a>(
        &self,
        slot: Slot,
        invoice_id: &'a str,
        command: &Post<'a>,
    ) -> Result<Event<'a>, Refusal> {
        let Post { amount, order_id, issued, .. } = *command;
        let item = self.state.item(slot, invoice_id);
        if item.is_some_and(|item| item.posted) {
            return Err(Refusal::InvoiceAlreadyPosted(invoice_id.into()));
        }
        let (due, grace_days) = self.posted_dates(slot, command, item.as_ref());
        Ok(Event::ItemPosted { slot, invoice_id, amount, order_id, issued, due, grace_days })
    }

    /// Refuses what would take any sum of the account, or of one invoice, beyond its bound.
    fn within_range(&self, slot: Slot, given: Minor, events: &[Event<'_>]) -> Result<(), Refusal> {
        let counters = self.state.position(slot);
        let mut outstanding = i128::from(counters.outstanding);
        let mut exposure = i128::from(counters.exposure());
        let mut unallocated = i128::from(counters.unallocated);
        let max = i128::from(EXPOSURE_MINOR_MAX);
        let mut fits = true;
        for (index, event) in events.iter().enumerate() {
            match *event {
                Event::Claimed { amount, .. } | Event::Billed { amount, .. } => {
                    exposure -= i128::from(amount);
                }
                Event::UnallocatedMoved { amount, .. } => {
                    outstanding += i128::from(amount);
                    exposure += i128::from(amount);
                    unallocated += i128::from(amount);
                }
                Event::ItemPosted { invoice_id, amount, .. }
                | Event::ItemMoved { invoice_id, amount, .. } => {
                    outstanding += i128::from(amount);
                    exposure += i128::from(amount);
                    let known = self.state.item(slot, invoice_id).map_or(0, |item| item.open);
                    let so_far = moved_before(&events[..index], invoice_id);
                    let open = i128::from(known) + so_far + i128::from(amount);
                    fits &= open.abs() <= max;
                }
                _ => {}
            }
        }
        fits &= [outstanding, exposure, unallocated].iter().all(|sum| sum.abs() <= max);
        if fits { Ok(()) } else { Err(Refusal::ExposureOutOfRange(given)) }
    }
}

/// A payment or credit memo: each allocation on its invoice, the rest on none.
fn settle<'a>(slot: Slot, command: &Post<'a>) -> Vec<Event<'a>> {
    let mut rest = command.amount;
    let mut events = Vec::with_capacity(command.allocations.len() + 1);
    for (invoice_id, part) in command.allocations.iter().copied() {
        assert!(part <= rest, "admission bounds allocations by the amount");
        rest -= part;
        events.push(Event::ItemMoved { slot, invoice_id, amount: -part });
    }
    if rest > 0 {
        events.push(Event::UnallocatedMoved { slot, amount: -rest });
    }
    events
}

/// What earlier events of the same entry moved on an invoice.
fn moved_before(events: &[Event<'_>], invoice: &str) -> i128 {
    let moved = events.iter().map(|event| match *event {
        Event::ItemMoved { invoice_id, amount, .. } if invoice_id == invoice => amount.into(),
        _ => 0,
    });
    moved.sum()
}

#[cfg(test)]
mod tests;
