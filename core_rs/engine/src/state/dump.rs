//! All of a state in an order of its own choosing, to compare one state with another.

use std::collections::BTreeMap;

use crate::model::{
    Account, Adjustments, Case, CaseId, Counters, Delegation, Reservation, Segment, Source,
    Standing, Watch,
};
use crate::policy::{PolicyRow, PolicyVersion, WaitingOrder};
use crate::state::{Disputes, DueItem, Group, PaymentTerms, Rates, Reconciliations, State};
use crate::values::{Currency, Day, Id, Micros, ProposalId, ReservationId, SegmentIndex, Slot};

/// Invoices by id, in their order.
type Due = Vec<(Id, DueItem)>;

/// Every row and every index of a [`State`], in canonical order. Two states with equal dumps decide
/// alike, whatever way they came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// By slot.
    pub accounts: Vec<(Account, Counters)>,
    /// By index.
    pub segments: Vec<Segment>,
    /// By id.
    pub reservations: BTreeMap<ReservationId, Reservation>,
    /// By account and invoice.
    pub items: BTreeMap<(Slot, Id), Standing>,
    /// How far each source's stream has been taken.
    pub sources: BTreeMap<Box<str>, Source>,
    /// When any of them told something last.
    pub heard_at: Option<Micros>,
    /// The latest reconciliation of each source.
    pub reconciliations: Reconciliations,
    /// What rules ask of each account first: when the earliest of what it owes is due and was
    /// issued, its score, and whether conditions hold its orders.
    pub asked: Vec<(Day, Option<Day>, Option<i64>, bool)>,
    /// What a policy has to know of accounts.
    pub watches: BTreeMap<Slot, Watch>,
    /// By when what was counted of their orders is in no window any more.
    pub counted: Vec<(Micros, Slot)>,
    /// Named, and by whom they are assigned to.
    pub payment_terms: PaymentTerms,
    /// All versions, in order.
    pub policies: Vec<PolicyRow>,
    /// The version in force, and the one that is tried.
    pub policy: (PolicyVersion, Option<PolicyVersion>),
    /// The latest of each pair of currencies.
    pub rates: Rates,
    /// Those that wait.
    pub adjustments: BTreeMap<ProposalId, Adjustments>,
    /// By id.
    pub cases: BTreeMap<CaseId, Case>,
    /// By whose authority, and by who signs.
    pub delegations: Vec<Delegation>,
    /// Index: delegations by the moment at which they end.
    pub delegations_by_end: Vec<Delegation>,
    /// Index: pending cases by the moment at which the clock has something to do.
    pub cases_due: Vec<(Micros, CaseId)>,
    /// Index: ended cases by the moment at which they ended, then those that were kept, by when.
    pub cases_closed: Vec<(Micros, CaseId)>,
    /// Index: cases by account, and how many of each have not ended.
    pub cases_by_account: Vec<(Slot, usize, Vec<CaseId>)>,
    /// Index: cases that credit may help, the most urgent first.
    pub cases_waiting: Vec<CaseId>,
    /// Sums: what the accounts under each head owe together.
    pub groups: BTreeMap<Slot, Group>,
    /// Sums: what the accounts of each segment and currency owe together, where it is not zero.
    pub segment_sums: Vec<(SegmentIndex, Currency, i128)>,
    /// Sums: what is disputed of what accounts owe.
    pub disputes: Disputes,
    /// Index: whose limit each proposal that waits is about.
    pub proposals: BTreeMap<ProposalId, Slot>,
    /// Index: the slot of each account id.
    pub slots: BTreeMap<Id, Slot>,
    /// Index: the latest reservation of each order, and how many the order has.
    pub orders: BTreeMap<(Slot, Id), (ReservationId, u32)>,
    /// Index: open reservations by the moment at which they expire.
    pub expiring: Vec<(Micros, ReservationId)>,
    /// Index: reservations that do not count yet by the day of their shipping.
    pub waiting: Vec<(Day, ReservationId)>,
    /// Index: open reservations in other currencies.
    pub foreign: Vec<ReservationId>,
    /// Index: closed reservations by the moment at which they closed.
    pub closed: Vec<(Micros, ReservationId)>,
    /// Index: settled invoices by the moment at which they were settled.
    pub settled: Vec<(Micros, Slot, Id)>,
    /// Index: what each account owes in order of due date, and the earliest day of it.
    pub by_due: BTreeMap<Slot, (Due, Option<Day>)>,
}

impl State {
    /// Copies everything out: for tests and for checks at rest, too slow to live with.
    #[must_use]
    pub fn dump(&self) -> Dump {
        let slots = 0..self.account_count() as Slot;
        let waiting = self.cases.waiting(WaitingOrder::Priority, None);
        let by_end = self.cases.delegations_by_end();
        let ended = self.cases.closed().chain(self.cases.kept());
        let order = |latest: &Reservation| (latest.slot, latest.order_id.clone());
        Dump {
            accounts: slots
                .clone()
                .map(|slot| (self.account(slot), *self.position(slot)))
                .collect(),
            segments: self.segments.clone(),
            reservations: self.reservations.iter().map(|row| (row.id, row.clone())).collect(),
            items: self
                .items
                .iter()
                .map(|(slot, invoice_id, standing)| ((slot, invoice_id.clone()), standing))
                .collect(),
            sources: self.sources.clone(),
            heard_at: self.heard_at,
            reconciliations: Reconciliations::clone(&self.reconciliations),
            asked: slots.clone().map(|slot| self.asked(slot)).collect(),
            watches: self.watches.iter().map(|(slot, watch)| (slot, watch.clone())).collect(),
            counted: self.watches.counted().collect(),
            payment_terms: self.payment_terms.clone(),
            policies: self.policies.rows().to_vec(),
            policy: (self.policy().version, self.policies.shadow().map(|shadow| shadow.version)),
            rates: self.rates.clone(),
            adjustments: self.adjustments.clone(),
            cases: self.cases.iter().map(|case| (case.id, case.clone())).collect(),
            delegations: self.cases.delegations().cloned().collect(),
            delegations_by_end: by_end.cloned().collect(),
            cases_due: self.cases.due().map(|(at, case)| (at, case.id)).collect(),
            cases_closed: ended.map(|(at, case)| (at, case.id)).collect(),
            cases_by_account: self.cases.by_account().collect(),
            cases_waiting: waiting.map(|(_, case)| case.id).collect(),
            segment_sums: self.accounts.segment_sums().collect(),
            groups: self.accounts.groups().map(|(head, group)| (head, group.clone())).collect(),
            disputes: self.accounts.disputes.clone(),
            proposals: self.accounts.proposals().clone(),
            slots: self.accounts.indexed().map(|(id, slot)| (id.clone(), slot)).collect(),
            orders: self
                .reservations
                .orders()
                .map(|(latest, count)| (order(latest), (latest.id, count)))
                .collect(),
            expiring: self.expiring().collect(),
            waiting: self.waiting().collect(),
            foreign: self.foreign(0).collect(),
            closed: self.closed().collect(),
            settled: self.settled().map(|(since, slot, id)| (since, slot, id.into())).collect(),
            by_due: (0..self.account_count() as Slot)
                .map(|slot| (slot, (self.due_of(slot), self.oldest_item(slot))))
                .filter(|(_, (items, _))| !items.is_empty())
                .collect(),
        }
    }

    fn asked(&self, slot: Slot) -> (Day, Option<Day>, Option<i64>, bool) {
        let holds = self.holding_conditions(slot).is_some();
        (self.first_due(slot), self.oldest_item(slot), self.score(slot), holds)
    }

    /// Without the places of its rows, which another state has elsewhere.
    fn due_of(&self, slot: Slot) -> Due {
        let named = |item: &DueItem| (self.invoice_of(item).clone(), item.with_no_place());
        self.by_due(slot).iter().map(named).collect()
    }
}
