//! The rows in memory, with the indexes that `decide` asks and an undo log for commits that fail.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::model::{
    Account, Adjustments, Backing, Conditions, Counters, Reservation, Segment, Source, Standing,
    Terms, Watch,
};
use crate::policy::{self, Policies, Policy, PolicyRow, PolicyStatus};
use crate::values::{Currency, Day, Id, Micros, ProposalId, ReservationId, SegmentIndex, Slot};

mod accounts;
mod by_due;
mod by_slot;
mod cases;
mod chunked;
mod disputes;
mod dump;
mod groups;
mod index;
mod items;
mod packed_terms;
mod payment_terms;
mod rates;
mod reservations;
mod restore;
mod segment_sums;
mod sorted;
mod sources;
mod sums;
mod undo;
mod watches;
mod write;

use accounts::Accounts;
use items::Items;
use reservations::Reservations;
use undo::Undo;
use watches::Watches;

pub use accounts::AccountRows;
pub use by_due::DueItem;
pub use cases::Cases;
pub use disputes::Disputes;
pub use dump::Dump;
pub use groups::Group;
pub use payment_terms::PaymentTerms;
pub use rates::Rates;
pub use restore::{Restore, RestoreAccounts, RestoreItems, RestoreReservations};
pub use sources::Reconciliations;
pub use sums::Sums;

/// Everything that decisions depend on.
///
/// Every change is noted until [`State::settle`], so that [`State::undo`] can take back a batch
/// whose commit failed.
#[derive(Default)]
pub struct State {
    accounts: Accounts,
    reservations: Reservations,
    items: Items,
    segments: Vec<Segment>,
    segment_indexes: HashMap<Box<str>, SegmentIndex>,
    sources: BTreeMap<Box<str>, Source>,
    /// When any of them told something last.
    heard_at: Option<Micros>,
    /// Shared with whoever shows them, and so seldom written that a copy does no harm.
    reconciliations: Arc<Reconciliations>,
    payment_terms: PaymentTerms,
    policies: Policies,
    watches: Watches,
    rates: Rates,
    adjustments: BTreeMap<ProposalId, Adjustments>,
    cases: Cases,
    undo: Vec<Undo>,
}

/// The policies in force and tried, before they were others.
struct Before {
    in_force: Arc<Policy>,
    shadow: Option<Arc<Policy>>,
}

impl State {
    /// Number of accounts; slots are 0 to this, exclusive.
    #[must_use]
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// The slot of an account.
    #[must_use]
    pub fn slot(&self, account_id: &str) -> Option<Slot> {
        self.accounts.slot(account_id)
    }

    /// A copy of the account in a slot that was handed out. An order needs no more than
    /// [`State::terms`].
    #[must_use]
    pub fn account(&self, slot: Slot) -> Account {
        self.accounts.get(slot)
    }

    /// The id of the account in a slot that was handed out.
    #[must_use]
    pub fn account_id(&self, slot: Slot) -> &Id {
        self.accounts.id(slot)
    }

    /// The name of the account in a slot that was handed out, where it has one.
    #[must_use]
    pub fn account_name(&self, slot: Slot) -> Option<&str> {
        self.accounts.name(slot)
    }

    /// What orders of the account in a slot that was handed out are held to.
    #[inline]
    #[must_use]
    pub fn terms(&self, slot: Slot) -> Terms {
        self.accounts.terms(slot)
    }

    /// What stands beside the terms of the account in a slot that was handed out, where anything
    /// does: holds, and limits for some days. Some of it may have ended.
    #[inline]
    #[must_use]
    pub fn conditions(&self, slot: Slot) -> Option<&Conditions> {
        self.accounts.conditions(slot)
    }

    /// Of [`State::conditions`] those that hold orders: more than what the limit stands on.
    #[inline]
    #[must_use]
    pub fn holding_conditions(&self, slot: Slot) -> Option<&Conditions> {
        self.accounts.holding_conditions(slot)
    }

    /// See [`Conditions::score`], of the account in a slot that was handed out.
    #[inline]
    #[must_use]
    pub fn score(&self, slot: Slot) -> Option<i64> {
        self.accounts.score(slot)
    }

    /// What the limit of the account in a slot that was handed out stands on, where anything does.
    #[inline]
    #[must_use]
    pub fn backing(&self, slot: Slot) -> Option<&Backing> {
        self.conditions(slot)?.backing.as_deref()
    }

    /// The proposals that wait behind `after`, in order of id, and whose limits they are about.
    pub fn proposals(&self, after: ProposalId) -> impl Iterator<Item = (ProposalId, Slot)> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        self.accounts.proposals().range(behind).map(|(id, slot)| (*id, *slot))
    }

    /// How many proposals wait.
    #[must_use]
    pub fn proposal_count(&self) -> usize {
        self.accounts.proposals().len()
    }

    /// Whether there is any account whose exposure is averaged.
    #[inline]
    #[must_use]
    pub fn looks_back(&self) -> bool {
        self.accounts.looks_back()
    }

    /// Brings the places, ids and rows of these accounts into the cache, and what rules ask of
    /// them. Looked up with nothing in between, the processor waits for several of them at once;
    /// among many accounts each order would wait for its own, several times over.
    pub fn fetch_ahead<'i>(&self, account_ids: impl Iterator<Item = &'i str>) {
        let slots = Vec::from_iter(account_ids.filter_map(|id| self.slot(id)));
        slots.iter().for_each(|slot| self.fetch(*slot));
        if self.has_rules() {
            slots.iter().for_each(|slot| self.fetch_for_rules(*slot));
        }
    }

    fn fetch_for_rules(&self, slot: Slot) {
        black_box(self.watch(slot).billed);
        black_box(self.first_due(slot));
        black_box(self.score(slot));
    }

    /// Brings what changes with the orders of a slot that was handed out into the cache.
    #[inline]
    pub fn fetch(&self, slot: Slot) {
        black_box(self.accounts.counters(slot).reserved);
    }

    /// The counters of a slot that was handed out.
    #[must_use]
    pub fn position(&self, slot: Slot) -> &Counters {
        self.accounts.counters(slot)
    }

    /// The account in a slot that was handed out with all below it, where there are any or they
    /// share a limit.
    #[must_use]
    pub fn group(&self, slot: Slot) -> Option<&Group> {
        self.accounts.group(slot)
    }

    /// Whether the account in a slot that was handed out is summed up with no others: it has none
    /// above or below it, and no segment. Its orders need look no further.
    #[inline]
    #[must_use]
    pub fn stands_alone(&self, slot: Slot) -> bool {
        self.accounts.stands_alone(slot)
    }

    /// The groups that the account in a slot belongs to, each with the slot of the account at its
    /// head: its own where there is one, then those above it.
    #[inline]
    pub fn groups_of(&self, slot: Slot) -> impl Iterator<Item = (Slot, &Group)> {
        self.accounts.groups_of(slot)
    }

    /// What all accounts of a segment that are in this currency owe together.
    #[must_use]
    pub fn segment_exposure(&self, segment: SegmentIndex, currency: Currency) -> i128 {
        self.accounts.segment_exposure(segment, currency)
    }

    /// How many levels of accounts stand below the account in a slot.
    #[must_use]
    pub fn height(&self, slot: Slot) -> usize {
        self.accounts.height(slot)
    }

    /// A reservation that has not been forgotten.
    #[must_use]
    pub fn reservation(&self, id: ReservationId) -> Option<&Reservation> {
        self.reservations.get(id)
    }

    /// The latest reservation of an order.
    #[must_use]
    pub fn latest_of_order(&self, slot: Slot, order_id: &str) -> Option<&Reservation> {
        self.reservations.latest(slot, order_id)
    }

    /// How an invoice stands that has not been forgotten.
    #[must_use]
    pub fn item(&self, slot: Slot, invoice_id: &str) -> Option<Standing> {
        self.items.get(slot, invoice_id)
    }

    /// What an account owes, invoice by invoice, in order of due date, then of id; nothing while no
    /// policy asks for it.
    #[must_use]
    pub fn by_due(&self, slot: Slot) -> &[DueItem] {
        self.items.by_due(slot)
    }

    /// The earliest due date of what an account owes; [`DueItem::NEVER`] also while no policy asks.
    #[inline]
    #[must_use]
    pub fn first_due(&self, slot: Slot) -> Day {
        self.items.first_due(slot)
    }

    /// The earliest day of an invoice that an account owes; `None` also while no policy asks.
    #[must_use]
    pub fn oldest_item(&self, slot: Slot) -> Option<Day> {
        self.items.oldest(slot)
    }

    /// The id of an invoice that is owed.
    #[must_use]
    pub fn invoice_of(&self, item: &DueItem) -> &Id {
        self.items.invoice_id(item)
    }

    /// The index of a segment.
    #[must_use]
    pub fn segment_index(&self, segment_id: &str) -> Option<SegmentIndex> {
        self.segment_indexes.get(segment_id).copied()
    }

    /// All segments, by index.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Named payment terms, calendars, and to whom terms are assigned.
    #[must_use]
    pub fn payment_terms(&self) -> &PaymentTerms {
        &self.payment_terms
    }

    /// What the policy in force says.
    #[inline]
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.policies.in_force()
    }

    /// Whether the policy in force has any rules for orders, or another is tried.
    #[inline]
    #[must_use]
    pub fn has_rules(&self) -> bool {
        self.policies.has_rules()
    }

    /// Whether a first order needs a limit that was approved on a verification.
    #[inline]
    pub(crate) fn needs_verification(&self) -> bool {
        self.policies.needs_verification()
    }

    /// All versions of the policy.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The latest rates.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Orders that wait for a person, and who may sign in whose place.
    #[inline]
    #[must_use]
    pub fn cases(&self) -> &Cases {
        &self.cases
    }

    /// Whether credit may have come back since this was asked last.
    pub(crate) fn take_stirred(&mut self) -> bool {
        self.cases.take_stirred()
    }

    /// Credit may have come back.
    pub(crate) fn stir(&mut self) {
        self.cases.stir();
    }

    /// What a policy has to know of the account in a slot.
    #[must_use]
    pub fn watch(&self, slot: Slot) -> &Watch {
        self.watches.get(slot)
    }

    /// Of how many accounts a policy knows something.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.watches.len()
    }

    /// Accounts of which orders were counted, by when none of these is in a window any more, the
    /// first first.
    pub fn counted(&self) -> impl Iterator<Item = (Micros, Slot)> + '_ {
        self.watches.counted()
    }

    /// Open reservations by the moment at which they expire, the earliest first.
    pub fn expiring(&self) -> impl ExactSizeIterator<Item = (Micros, ReservationId)> + '_ {
        self.reservations.expiring()
    }

    /// Open reservations that do not count yet, by the day on which they are to be shipped, the
    /// earliest first.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = (Day, ReservationId)> + '_ {
        self.reservations.waiting()
    }

    /// Open reservations in other currencies than their account's after `after`, in order.
    pub fn foreign(&self, after: ReservationId) -> impl Iterator<Item = ReservationId> + '_ {
        self.reservations.foreign(after)
    }

    /// Closed reservations, the longest closed first.
    pub fn closed(&self) -> impl ExactSizeIterator<Item = (Micros, ReservationId)> + '_ {
        self.reservations.closed()
    }

    /// Settled invoices, the longest settled first.
    pub fn settled(&self) -> impl ExactSizeIterator<Item = (Micros, Slot, &str)> + '_ {
        self.items.settled().map(|(since, slot, invoice_id)| (*since, *slot, &**invoice_id))
    }

    /// Number of reservations that hold something.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.expiring().len()
    }

    /// Number of invoices known.
    #[must_use]
    pub fn item_count(&self) -> usize {
        self.items.len()
    }

    /// Has a policy in force that is no version, to try it.
    pub fn try_policy(&mut self, policy: Arc<Policy>) {
        self.policies.enforce(policy);
        self.keep_by_due();
    }

    /// Has a version in force, or tried, where its row says so, and no longer where it does not;
    /// returns what was before, where that is another.
    fn enforce(&mut self, row: &PolicyRow) -> Option<Before> {
        let tried = self.policies.shadow().is_some_and(|shadow| shadow.version == row.version);
        let read = |state: &State| {
            let (policy, _) = policy::read(&row.text, state);
            let (version, active_since) = (row.version, row.activated_at);
            Arc::new(Policy { version, active_since, ..policy })
        };
        let before = Before {
            in_force: Arc::clone(self.policies.in_force_shared()),
            shadow: self.policies.shadow().cloned(),
        };
        match row.status {
            PolicyStatus::Active => {
                let policy = read(self);
                self.policies.enforce(policy);
                if tried {
                    self.policies.set_shadow(None);
                }
            }
            PolicyStatus::Shadow => {
                let policy = read(self);
                self.policies.set_shadow(Some(policy));
            }
            PolicyStatus::Draft | PolicyStatus::Retired if tried => {
                self.policies.set_shadow(None);
            }
            PolicyStatus::Draft | PolicyStatus::Retired => return None,
        }
        self.keep_by_due();
        Some(before)
    }

    fn put_policies_back(&mut self, before: Before) {
        self.policies.enforce(before.in_force);
        self.policies.set_shadow(before.shadow);
        self.keep_by_due();
    }

    /// What is owed is kept in order while there is a policy: its rules ask for it, and so does
    /// whoever wants to know what would cure a violation.
    fn keep_by_due(&mut self) {
        let asks = |policy: &Policy| policy.version != policy::BUILT_IN || !policy.rules.is_empty();
        let kept = asks(self.policies.in_force()) || self.policies.shadow().is_some();
        self.items.keep_by_due(kept);
    }

    /// Decides as if another policy were in force.
    pub fn under<R>(&mut self, policy: Arc<Policy>, decide: impl FnOnce(&State) -> R) -> R {
        let before = self.policies.enforce(policy);
        let decided = decide(self);
        self.policies.enforce(before);
        decided
    }

    fn push_segment(&mut self, segment: Segment) {
        self.segment_indexes.insert(segment.id.clone(), self.segments.len() as SegmentIndex);
        self.segments.push(segment);
    }
}

#[cfg(test)]
mod tests;
