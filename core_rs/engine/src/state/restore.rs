//! Rows that were kept elsewhere, put back at recovery: each kind by a thread of its own, accounts
//! by several.

use super::State;
use super::accounts::{AccountRows, Accounts};
use super::items::Items;
use super::reservations::Reservations;
use super::{Cases, PaymentTerms, Rates};
use crate::model::{Adjustments, Item, Reconciliation, Reservation, Segment, Source, Watch};
use crate::policy::PolicyRow;
use crate::values::Slot;

/// The kinds of rows of which there are many, each of which may be put back by another thread.
pub struct Restore<'s> {
    /// Of customers.
    pub accounts: RestoreAccounts<'s>,
    /// Of orders.
    pub reservations: RestoreReservations<'s>,
    /// Of invoices.
    pub items: RestoreItems<'s>,
}

impl State {
    /// For putting back rows that were kept.
    #[must_use]
    pub fn restore(&mut self) -> Restore<'_> {
        Restore {
            accounts: RestoreAccounts(&mut self.accounts),
            reservations: RestoreReservations(&mut self.reservations),
            items: RestoreItems(&mut self.items),
        }
    }
}

/// Puts back accounts.
pub struct RestoreAccounts<'s>(&'s mut Accounts);

impl RestoreAccounts<'_> {
    /// Adds the rows of all parts, in order; they are indexed on `threads`.
    pub fn extend(&mut self, parts: Vec<AccountRows>, threads: usize) {
        self.0.extend(parts, threads);
    }
}

/// Puts back reservations.
pub struct RestoreReservations<'s>(&'s mut Reservations);

impl RestoreReservations<'_> {
    /// Makes room for so many more at once.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    /// Adds one. They come in order of id.
    pub fn push(&mut self, reservation: Reservation) {
        self.0.insert(reservation);
    }
}

/// Puts back invoices.
pub struct RestoreItems<'s>(&'s mut Items);

impl RestoreItems<'_> {
    /// Makes room for so many more at once.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    /// Adds one.
    pub fn push(&mut self, item: &Item) {
        self.0.set(item.slot, &item.invoice_id, Some(&item.standing()));
    }
}

impl State {
    /// For putting back at recovery what was kept of them.
    pub fn restore_payment_terms(&mut self) -> &mut PaymentTerms {
        &mut self.payment_terms
    }

    /// For putting back at recovery what was kept of them.
    pub fn restore_rates(&mut self) -> &mut Rates {
        &mut self.rates
    }

    /// For putting back at recovery what was kept of them.
    pub fn restore_cases(&mut self) -> &mut Cases {
        &mut self.cases
    }

    /// Puts back a segment that was kept, at recovery. Segments come in order of index.
    pub fn restore_segment(&mut self, segment: Segment) {
        self.push_segment(segment);
    }

    /// Puts back a version of the policy, at recovery, after all accounts and segments. Versions
    /// come in order.
    pub fn restore_policy(&mut self, row: PolicyRow) {
        self.enforce(&row);
        self.policies.set(row);
    }

    /// Puts back a source's position, at recovery.
    pub fn restore_source(&mut self, source: &str, row: Source) {
        self.put_source(source, row);
    }

    /// Puts back a source's latest reconciliation, at recovery.
    pub fn restore_reconciliation(&mut self, source: &str, row: Reconciliation) {
        self.put_reconciliation(source, Some(row));
    }

    /// Puts back adjustments that wait, at recovery.
    pub fn restore_adjustments(&mut self, row: Adjustments) {
        self.put_adjustments(row.id, Some(row));
    }

    /// Puts back what a policy has to know of an account, at recovery.
    pub fn restore_watch(&mut self, slot: Slot, watch: Watch) {
        self.watches.set(slot, watch);
    }
}
