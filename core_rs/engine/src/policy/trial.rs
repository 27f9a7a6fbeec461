//! A candidate tried on the past: each order that a journal holds is decided again under it.
//!
//! An order is decided against what was really owed at that time: what the candidate would have
//! refused or let through before does not count. Nor do the holds that it would have placed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::apply::apply;
use crate::command::{Command, Order};
use crate::decide::{billed, decide, ordered};
use crate::entry::{Entry, Request};
use crate::event::Event;
use crate::model::Noted;
use crate::outcome::{Decision, Outcome, ReasonCode, Verdict};
use crate::policy::Policy;
use crate::policy::shadow::{differs, pairs, rule_between};
use crate::rows::Rows;
use crate::state::State;
use crate::terms::InvoiceDates;
use crate::values::{Currency, Day, Id, Micros, Minor, Seq, Slot};

/// Whether a customer paid by the due date, grace included, as far as the ledger knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paid {
    /// All of it.
    OnTime,
    /// Some of it was paid later, or is overdue.
    Late,
    /// Nothing is due yet, or no due date is known, or there is no invoice.
    Unknown,
}

/// An order that would have ended otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Its entry.
    pub seq: Seq,
    /// When it was decided.
    pub time: Micros,
    /// Who is billed.
    pub account_id: Id,
    /// Of which segment the account was then.
    pub segment_id: Option<Id>,
    /// Through which sales channel.
    pub channel: Id,
    /// Which order.
    pub order_id: Id,
    /// Of its amounts.
    pub currency: Currency,
    /// What was asked for.
    pub amount: Minor,
    /// What was decided.
    pub was: Decision,
    /// What the candidate decides.
    pub now: Decision,
    /// The rule by which it differs: the first of the strongest in the stricter of the decisions.
    pub rule: Option<ReasonCode>,
    /// Of an order that was approved, its own invoices; of another, what the account owed then.
    pub paid: Paid,
}

/// What a candidate would have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Orders that were decided again.
    pub orders: u64,
    /// Those that would have ended otherwise, in order.
    pub turned: Vec<Turned>,
}

/// Takes the entries of a journal from the first on, one after the other.
pub struct Trial {
    /// As it was before the next entry, but that the candidate is in force.
    state: State,
    since: Micros,
    /// Of the last entry.
    time: Micros,
    tried: Tried,
    invoices: BTreeMap<(Slot, Id), Invoice>,
    /// Of each account, what it owes on.
    owed: BTreeMap<Slot, BTreeSet<Id>>,
    /// Of each turned order the invoices that show how its customer paid, or the order whose
    /// invoices will.
    shown_by: Vec<ShownBy>,
}

enum ShownBy {
    Order(Slot, Id),
    Invoices(Slot, Vec<Id>),
}

#[derive(Default)]
struct Invoice {
    order_id: Option<Id>,
    due: Option<Day>,
    grace_days: u16,
    open: Minor,
    posted: bool,
    settled: Option<Day>,
}

impl Trial {
    /// Orders from `since` on are decided again under `candidate`, which is as if in force since
    /// then.
    #[must_use]
    pub fn new(candidate: Policy, since: Micros) -> Trial {
        let mut state = State::default();
        state.try_policy(Arc::new(Policy { active_since: since, ..candidate }));
        Trial {
            state,
            since,
            time: 0,
            tried: Tried::default(),
            invoices: BTreeMap::new(),
            owed: BTreeMap::new(),
            shown_by: Vec::new(),
        }
    }

    /// Takes the next entry.
    pub fn take(&mut self, seq: Seq, time: Micros, entry: &Entry<'_>) {
        self.time = time;
        if time >= self.since {
            self.decide_again(seq, &entry.request, &entry.outcome);
        }
        self.count(time, &entry.events);
        for event in &entry.events {
            self.follow(event);
            match *event {
                // The candidate stays in force, and sees for itself.
                Event::PolicyPut { .. }
                | Event::PolicyActivated { .. }
                | Event::PolicyShadowed { .. }
                | Event::FirstBilled { .. }
                | Event::OrdersCounted { .. }
                | Event::OrdersForgotten { .. }
                | Event::UtilisationCrossed { .. }
                | Event::UtilisationTaken { .. } => continue,
                _ => {}
            }
            if let Some(slot) = billed(&self.state, event) {
                self.state.note_watch(slot, Noted::Billed);
            }
            apply(&mut self.state, time, event);
        }
        self.state.settle(self.state.mark());
    }

    /// Counts orders as the candidate does, for whoever asks how many there were lately.
    fn count(&mut self, time: Micros, events: &[Event<'_>]) {
        let policy = self.state.policy();
        if !policy.rules.counts_orders() {
            return;
        }
        let (now, length) = (time, policy.window.part());
        for (slot, counted) in ordered(&self.state, events) {
            self.state.note_watch(slot, Noted::Orders { now, length, counted });
        }
    }

    /// What all of it came to.
    #[must_use]
    pub fn finish(mut self) -> Tried {
        let mut of_orders: BTreeMap<(Slot, &Id), Vec<&Invoice>> = BTreeMap::new();
        for ((slot, _), invoice) in &self.invoices {
            if let Some(order_id) = &invoice.order_id {
                of_orders.entry((*slot, order_id)).or_default().push(invoice);
            }
        }
        let today = Day::of(self.time);
        for (turned, shown_by) in self.tried.turned.iter_mut().zip(&self.shown_by) {
            let invoices: Vec<&Invoice> = match shown_by {
                ShownBy::Order(slot, order_id) => {
                    of_orders.get(&(*slot, order_id)).cloned().unwrap_or_default()
                }
                ShownBy::Invoices(slot, ids) => {
                    ids.iter().filter_map(|id| self.invoices.get(&(*slot, id.clone()))).collect()
                }
            };
            turned.paid = paid(&invoices, today);
        }
        self.tried
    }

    fn decide_again(&mut self, seq: Seq, request: &Request<'_>, outcome: &Outcome) {
        if !matches!(request.command, Command::Reserve(_) | Command::ReserveAll(_)) {
            return;
        }
        // What was journalled was not refused, and the state is the same.
        let Ok((again, _)) = decide(&self.state, seq, self.time, request) else { return };
        for (order, was, now) in pairs(&request.command, outcome, &again) {
            self.tried.orders += 1;
            if differs(was, now) {
                self.note(seq, request.channel, order, &was.verdict, &now.verdict);
            }
        }
    }

    fn note(&mut self, seq: Seq, channel: &str, order: &Order<'_>, was: &Verdict, now: &Verdict) {
        let billed = order.billed();
        let Some(slot) = self.state.slot(billed) else { return };
        let segment = self.state.terms(slot).segment;
        self.tried.turned.push(Turned {
            seq,
            time: self.time,
            account_id: billed.into(),
            segment_id: segment.map(|index| (*self.state.segments()[index as usize].id).into()),
            channel: channel.into(),
            order_id: order.order_id.into(),
            currency: order.currency,
            amount: order.amount,
            was: was.decision,
            now: now.decision,
            rule: rule_between(was, now),
            paid: Paid::Unknown,
        });
        self.shown_by.push(match was.decision {
            Decision::Approved | Decision::PartiallyApproved => {
                ShownBy::Order(slot, order.order_id.into())
            }
            Decision::Referred | Decision::Declined => {
                let owed = self.owed.get(&slot).into_iter().flatten().cloned().collect();
                ShownBy::Invoices(slot, owed)
            }
        });
    }

    /// Notes what an event says of invoices, which the state does not keep.
    fn follow(&mut self, event: &Event<'_>) {
        match *event {
            Event::Captured { reservation, invoice_id, dates, .. } => {
                let Some(found) = self.state.reservation(reservation) else { return };
                let (slot, order_id) = (found.slot, found.order_id.clone());
                let invoice = self.invoices.entry((slot, invoice_id.into())).or_default();
                invoice.order_id.get_or_insert(order_id);
                if let Some(InvoiceDates { due, grace_days, .. }) = dates {
                    (invoice.due, invoice.grace_days) = (invoice.due.or(Some(due)), grace_days);
                }
            }
            Event::ItemPosted { slot, invoice_id, amount, order_id, due, grace_days, .. } => {
                let invoice = self.invoices.entry((slot, invoice_id.into())).or_default();
                invoice.posted = true;
                invoice.due = due.or(invoice.due);
                if grace_days > 0 {
                    invoice.grace_days = grace_days;
                }
                invoice.order_id = invoice.order_id.take().or(order_id.map(Into::into));
                self.move_item(slot, invoice_id, amount);
            }
            Event::ItemMoved { slot, invoice_id, amount } => {
                self.move_item(slot, invoice_id, amount);
            }
            _ => {}
        }
    }

    fn move_item(&mut self, slot: Slot, invoice_id: &str, amount: Minor) {
        let id = Id::new(invoice_id);
        let invoice = self.invoices.entry((slot, id.clone())).or_default();
        invoice.open = invoice.open.saturating_add(amount);
        let owes = invoice.open > 0;
        invoice.settled = (invoice.posted && !owes).then(|| Day::of(self.time));
        let owed = self.owed.entry(slot).or_default();
        match owes {
            true => drop(owed.insert(id)),
            false => drop(owed.remove(&id)),
        }
    }
}

fn paid(invoices: &[&Invoice], today: Day) -> Paid {
    let each = |invoice: &&Invoice| {
        let Some(due) = invoice.due else { return Paid::Unknown };
        let last = due.plus(invoice.grace_days);
        match invoice.settled {
            Some(day) if day <= last => Paid::OnTime,
            None if today <= last => Paid::Unknown,
            _ => Paid::Late,
        }
    };
    let found = Vec::from_iter(invoices.iter().map(each));
    if found.contains(&Paid::Late) {
        Paid::Late
    } else if found.is_empty() || found.contains(&Paid::Unknown) {
        Paid::Unknown
    } else {
        Paid::OnTime
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Post, Reserve, UpsertAccount};
    use crate::counting::{OrderDetails, Shipping};
    use crate::policy;
    use crate::testing::*;
    use crate::values::LimitKind;

    #[test]
    fn days_of_grace_that_a_posting_brings_are_in_time() {
        let posted = |grace_days, settled_after: i64| {
            let mut trial = Trial::new(Policy::default(), 0);
            let (invoice_id, amount, due) = ("i", 10, Some(Day(20_000)));
            let (slot, order_id, issued) = (0, None, None);
            trial.follow(&Event::ItemPosted {
                slot,
                invoice_id,
                amount,
                order_id,
                issued,
                due,
                grace_days,
            });
            trial.time = (20_000 + settled_after) * 86_400_000_000;
            trial.follow(&Event::ItemMoved { slot, invoice_id, amount: -amount });
            paid(&[&trial.invoices[&(slot, Id::new(invoice_id))]], Day::of(trial.time))
        };
        assert_eq!([0, 1].map(|after| posted(0, after)), [Paid::OnTime, Paid::Late]);
        assert_eq!([5, 6].map(|after| posted(5, after)), [Paid::OnTime, Paid::Late]);
    }

    #[test]
    fn an_order_is_shown_by_the_invoices_of_who_is_billed() {
        let mut book = Book::empty();
        let policy = "[all.maximum-order]\namount = \"0.30 USD\"\n";
        let (candidate, problems) = policy::read(policy, &book.state);
        assert_eq!(problems, []);
        let mut trial = Trial::new(candidate, 0);
        let mut take = |command: Command<'static>| {
            let request = book.request(command.clone());
            let (outcome, events) = book.events(command).expect("it is decided");
            let entry = Entry { request, policy_version: 0, outcome, events };
            trial.take(book.seq, book.now, &entry);
        };
        let limit = Some(limit(LimitKind::Amount(100)));
        take(UpsertAccount { limit, ..account("a") }.into());
        take(account("b").into());
        let shipping = Some(Shipping { bill_to: Some("a"), ..Shipping::default() });
        let details = Some(Box::new(OrderDetails { shipping, ..OrderDetails::default() }));
        let order = Order { account_id: "b", details, ..order("o", 40) };
        take(Reserve { order, ..reserve("o", 40) }.into());
        let due = Some(TODAY.plus(9));
        take(Post { order_id: Some("o"), due, ..invoice("i", 40) }.into());
        take(payment(40, &[("i", 40)]).into());
        let tried = trial.finish();
        let [turned] = &tried.turned[..] else { panic!("one is declined: {tried:?}") };
        assert_eq!((&*turned.account_id, turned.paid), ("a", Paid::OnTime));
    }
}
