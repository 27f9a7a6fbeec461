//! Cases in memory, found by order, by when the clock has something to do with them, and by what
//! they wait for; and who may sign in whose place.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::model::{Case, CaseId, CaseStatus, Delegation};
use crate::policy::WaitingOrder;
use crate::values::{Id, Micros, Slot};

/// Cases by a moment of theirs.
type Moments = BTreeSet<(Micros, CaseId)>;

/// Some cases, in both orders in which they are looked at.
#[derive(Default)]
struct Listed {
    oldest: BTreeSet<CaseId>,
    most_urgent: BTreeSet<(Reverse<u8>, CaseId)>,
}

impl Listed {
    fn put(&mut self, case: &Case, is_there: bool) {
        let place = (Reverse(case.priority), case.id);
        match is_there {
            true => self.oldest.insert(case.id) && self.most_urgent.insert(place),
            false => self.oldest.remove(&case.id) && self.most_urgent.remove(&place),
        };
    }

    /// Those after a place, each with its own.
    fn after(&self, order: WaitingOrder, after: Option<(u8, CaseId)>) -> Places<'_> {
        match order {
            WaitingOrder::Oldest => {
                let after = after.map_or(Bound::Unbounded, |(_, id)| Bound::Excluded(id));
                Box::new(self.oldest.range((after, Bound::Unbounded)).map(|id| (0, *id)))
            }
            WaitingOrder::Priority => {
                let place = |(urgent, id)| Bound::Excluded((Reverse(urgent), id));
                let after = after.map_or(Bound::Unbounded, place);
                let all = self.most_urgent.range((after, Bound::Unbounded));
                Box::new(all.map(|(urgent, id)| (urgent.0, *id)))
            }
        }
    }
}

type Places<'a> = Box<dyn Iterator<Item = (u8, CaseId)> + 'a>;

/// The cases of one account.
#[derive(Default)]
struct OfAccount {
    listed: Listed,
    pending: usize,
}

/// All cases that have not been forgotten, and all delegations.
#[derive(Default)]
pub struct Cases {
    rows: BTreeMap<CaseId, Case>,
    by_order: BTreeSet<(Slot, Id, CaseId)>,
    by_account: BTreeMap<Slot, OfAccount>,
    listed: Listed,
    /// Pending ones.
    due: Moments,
    /// Ended ones that were never kept for another while.
    closed: Moments,
    /// Ended ones that were, by when that was last.
    kept: Moments,
    /// Those that credit may help.
    waiting: Listed,
    /// How many of them are approved.
    approved_waiting: usize,
    /// Credit may have come back, or something else that some of them wait for. Not part of what
    /// is dumped: after a restart it is so.
    stirred: bool,
    delegations: BTreeMap<(Id, Id), Delegation>,
    /// By when they end.
    delegations_by_end: BTreeSet<(Micros, Id, Id)>,
}

impl Cases {
    /// A case that has not been forgotten.
    #[must_use]
    pub fn get(&self, id: CaseId) -> Option<&Case> {
        self.rows.get(&id)
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Case> {
        self.rows.values()
    }

    /// How many have not been forgotten.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// How many have not ended.
    #[must_use]
    pub fn pending_count(&self) -> usize {
        self.due.len()
    }

    /// The latest case of an order.
    #[must_use]
    pub fn of_order(&self, slot: Slot, order_id: &str) -> Option<&Case> {
        let id = Id::from(order_id);
        let all = (slot, id.clone(), CaseId::MIN)..=(slot, id, CaseId::MAX);
        self.by_order.range(all).next_back().map(|(_, _, case)| &self.rows[case])
    }

    /// The case in which an order waits. Costs an order nothing where none waits.
    #[inline]
    #[must_use]
    pub fn pending_of_order(&self, slot: Slot, order_id: &str) -> Option<&Case> {
        if self.due.is_empty() {
            return None;
        }
        self.of_order(slot, order_id).filter(|case| case.is_pending())
    }

    /// All cases of an account.
    pub fn of_account(&self, slot: Slot) -> impl Iterator<Item = &Case> {
        let all = (slot, Id::default(), CaseId::MIN)..;
        let own = self.by_order.range(all).take_while(move |(of, ..)| *of == slot);
        own.map(|(_, _, case)| &self.rows[case])
    }

    /// Each account's: how many have not ended, and all, the most urgent first.
    pub(super) fn by_account(&self) -> impl Iterator<Item = (Slot, usize, Vec<CaseId>)> {
        self.by_account.iter().map(|(slot, own)| {
            let all = own.listed.most_urgent.iter().map(|(_, id)| *id);
            (*slot, own.pending, all.collect())
        })
    }

    /// How many of an account have not ended.
    #[must_use]
    pub fn pending_count_of(&self, slot: Slot) -> usize {
        self.by_account.get(&slot).map_or(0, |own| own.pending)
    }

    /// Those after a place, the oldest first, or the most urgent; each with its place. Of one
    /// account, where one is named.
    pub fn list(
        &self,
        of: Option<Slot>,
        order: WaitingOrder,
        after: Option<(u8, CaseId)>,
    ) -> impl Iterator<Item = ((u8, CaseId), &Case)> {
        let listed = match of {
            None => Some(&self.listed),
            Some(slot) => self.by_account.get(&slot).map(|own| &own.listed),
        };
        let places = listed.into_iter().flat_map(move |listed| listed.after(order, after));
        places.map(|place| (place, &self.rows[&place.1]))
    }

    /// Likewise those that credit may help.
    pub fn waiting(
        &self,
        order: WaitingOrder,
        after: Option<(u8, CaseId)>,
    ) -> impl Iterator<Item = ((u8, CaseId), &Case)> {
        self.waiting.after(order, after).map(|place| (place, &self.rows[&place.1]))
    }

    /// Whether there are any that credit may help.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.waiting.oldest.is_empty()
    }

    /// Whether any of them is approved: it may wait for anything, and not for credit alone.
    #[must_use]
    pub fn approved_waits(&self) -> bool {
        self.approved_waiting > 0
    }

    /// Whether something has come back that some may wait for.
    #[must_use]
    pub fn is_stirred(&self) -> bool {
        self.stirred
    }

    /// Pending ones by the moment at which the clock has something to do with them.
    pub fn due(&self) -> impl Iterator<Item = (Micros, &Case)> {
        self.due.iter().map(|(at, id)| (*at, &self.rows[id]))
    }

    /// Ended ones that were never kept for another while, the longest ended first.
    pub fn closed(&self) -> impl ExactSizeIterator<Item = (Micros, &Case)> {
        self.closed.iter().map(|(at, id)| (*at, &self.rows[id]))
    }

    /// Ended ones that were, the one first that is to be looked at next.
    pub fn kept(&self) -> impl Iterator<Item = (Micros, &Case)> {
        self.kept.iter().map(|(at, id)| (*at, &self.rows[id]))
    }

    /// Who signs in whose place; some have ended, or not begun.
    pub fn delegations(&self) -> impl Iterator<Item = &Delegation> {
        self.delegations.values()
    }

    /// Those that have not ended at `now`.
    pub fn delegations_after(&self, now: Micros) -> impl Iterator<Item = &Delegation> {
        let first = (now.saturating_add(1), Id::default(), Id::default());
        self.delegations_by_end.range(first..).map(|key| self.by_end(key))
    }

    /// All of them, the one that ends first before the others.
    pub fn delegations_by_end(&self) -> impl ExactSizeIterator<Item = &Delegation> {
        self.delegations_by_end.iter().map(|key| self.by_end(key))
    }

    fn by_end(&self, (_, from, to): &(Micros, Id, Id)) -> &Delegation {
        &self.delegations[&(from.clone(), to.clone())]
    }

    /// What `from` lets `to` sign.
    #[must_use]
    pub fn delegation(&self, from: &str, to: &str) -> Option<&Delegation> {
        self.delegations.get(&(from.into(), to.into()))
    }

    /// Puts a case in its place, or takes it away; returns what was there.
    pub(super) fn set(&mut self, id: CaseId, case: Option<Case>) -> Option<Case> {
        let was = self.rows.remove(&id);
        if let Some(was) = &was {
            self.index(was, |set, key| set.remove(&key));
            self.by_order.remove(&(was.slot, was.order_id.clone(), id));
            self.index_listed(was, false);
        }
        if let Some(case) = case {
            self.index(&case, |set, key| set.insert(key));
            self.by_order.insert((case.slot, case.order_id.clone(), id));
            self.index_listed(&case, true);
            let approved = |case: &Case| case.status == CaseStatus::Approved;
            if approved(&case) && !was.as_ref().is_some_and(approved) {
                self.stir();
            }
            self.rows.insert(id, case);
        }
        was
    }

    fn index(&mut self, case: &Case, f: impl Fn(&mut Moments, (Micros, CaseId)) -> bool) {
        match (case.is_pending(), case.kept_at) {
            (true, _) => f(&mut self.due, (case.due_at(), case.id)),
            (false, 0) => f(&mut self.closed, (case.closed_at, case.id)),
            (false, at) => f(&mut self.kept, (at, case.id)),
        };
    }

    fn index_listed(&mut self, case: &Case, is_there: bool) {
        self.listed.put(case, is_there);
        let own = self.by_account.entry(case.slot).or_default();
        own.listed.put(case, is_there);
        let count = |of: &mut usize| match is_there {
            true => *of += 1,
            false => *of -= 1,
        };
        if case.is_pending() {
            count(&mut own.pending);
        }
        if own.listed.oldest.is_empty() {
            self.by_account.remove(&case.slot);
        }
        if case.waits_for_credit() {
            self.waiting.put(case, is_there);
            if case.status == CaseStatus::Approved {
                count(&mut self.approved_waiting);
            }
        }
    }

    /// Sets a delegation, or ends it; returns what was there.
    pub(super) fn delegate(
        &mut self,
        from: Id,
        to: Id,
        delegation: Option<Delegation>,
    ) -> Option<Delegation> {
        let end = |one: &Delegation| (one.until, one.from.clone(), one.to.clone());
        let key = (from, to);
        let was = self.delegations.remove(&key);
        if let Some(was) = &was {
            self.delegations_by_end.remove(&end(was));
        }
        if let Some(delegation) = delegation {
            self.delegations_by_end.insert(end(&delegation));
            self.delegations.insert(key, delegation);
        }
        was
    }

    /// Nobody has to look at cases that come later: they are decided when they come.
    #[inline]
    pub(super) fn stir(&mut self) {
        self.stirred |= self.waits();
    }

    pub(super) fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    /// Puts back a case that was kept, at recovery.
    pub fn restore(&mut self, case: Case) {
        self.set(case.id, Some(case));
        self.stir();
    }

    /// Puts back a delegation that was kept, at recovery.
    pub fn restore_delegation(&mut self, delegation: Delegation) {
        let (from, to) = (delegation.from.clone(), delegation.to.clone());
        self.delegate(from, to, Some(delegation));
    }
}
