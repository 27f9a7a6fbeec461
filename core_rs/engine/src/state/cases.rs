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

/// All cases that have not been forgotten, and all delegations.
#[derive(Default)]
pub struct Cases {
    rows: BTreeMap<CaseId, Case>,
    by_order: BTreeSet<(Slot, Id, CaseId)>,
    by_priority: BTreeSet<(Reverse<u8>, CaseId)>,
    /// Pending ones.
    due: Moments,
    /// Ended ones.
    closed: Moments,
    /// Those that credit may help.
    waiting: BTreeSet<CaseId>,
    waiting_by_priority: BTreeSet<(Reverse<u8>, CaseId)>,
    /// How many of them are approved.
    approved_waiting: usize,
    /// Credit may have come back, or something else that some of them wait for. Not part of what
    /// is dumped: after a restart it is so.
    stirred: bool,
    delegations: BTreeMap<(Id, Id), Delegation>,
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

    /// Those after a place, the oldest first, or the most urgent; each with its place.
    pub fn list(
        &self,
        order: WaitingOrder,
        after: Option<(u8, CaseId)>,
    ) -> Box<dyn Iterator<Item = ((u8, CaseId), &Case)> + '_> {
        let (place, id) = (place_after(after), id_after(after));
        match order {
            WaitingOrder::Oldest => {
                let rows = self.rows.range((id, Bound::Unbounded));
                Box::new(rows.map(|(id, case)| ((0, *id), case)))
            }
            WaitingOrder::Priority => {
                let keys = self.by_priority.range((place, Bound::Unbounded));
                Box::new(keys.map(|(urgent, id)| ((urgent.0, *id), &self.rows[id])))
            }
        }
    }

    /// Likewise those that credit may help.
    pub fn waiting(
        &self,
        order: WaitingOrder,
        after: Option<(u8, CaseId)>,
    ) -> Box<dyn Iterator<Item = ((u8, CaseId), &Case)> + '_> {
        let (place, id) = (place_after(after), id_after(after));
        match order {
            WaitingOrder::Oldest => {
                let keys = self.waiting.range((id, Bound::Unbounded));
                Box::new(keys.map(|id| ((0, *id), &self.rows[id])))
            }
            WaitingOrder::Priority => {
                let keys = self.waiting_by_priority.range((place, Bound::Unbounded));
                Box::new(keys.map(|(urgent, id)| ((urgent.0, *id), &self.rows[id])))
            }
        }
    }

    /// Whether there are any that credit may help.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
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

    /// Ended ones, the longest ended first.
    pub fn closed(&self) -> impl ExactSizeIterator<Item = (Micros, &Case)> {
        self.closed.iter().map(|(at, id)| (*at, &self.rows[id]))
    }

    /// Who signs in whose place; some have ended, or not begun.
    pub fn delegations(&self) -> impl Iterator<Item = &Delegation> {
        self.delegations.values()
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
            self.index_waiting(was, false);
        }
        if let Some(case) = case {
            self.index(&case, |set, key| set.insert(key));
            self.by_order.insert((case.slot, case.order_id.clone(), id));
            self.index_waiting(&case, true);
            let approved = |case: &Case| case.status == CaseStatus::Approved;
            if approved(&case) && !was.as_ref().is_some_and(approved) {
                self.stir();
            }
            self.rows.insert(id, case);
        }
        was
    }

    fn index(&mut self, case: &Case, f: impl Fn(&mut Moments, (Micros, CaseId)) -> bool) {
        match case.is_pending() {
            true => f(&mut self.due, (case.due_at(), case.id)),
            false => f(&mut self.closed, (case.closed_at, case.id)),
        };
    }

    fn index_waiting(&mut self, case: &Case, is_there: bool) {
        let by_priority = (Reverse(case.priority), case.id);
        let put = |set: &mut BTreeSet<(Reverse<u8>, CaseId)>| {
            if is_there {
                set.insert(by_priority)
            } else {
                set.remove(&by_priority)
            };
        };
        put(&mut self.by_priority);
        if case.waits_for_credit() {
            put(&mut self.waiting_by_priority);
            if is_there {
                self.waiting.insert(case.id)
            } else {
                self.waiting.remove(&case.id)
            };
            if case.status == CaseStatus::Approved {
                match is_there {
                    true => self.approved_waiting += 1,
                    false => self.approved_waiting -= 1,
                }
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
        match delegation {
            Some(delegation) => self.delegations.insert((from, to), delegation),
            None => self.delegations.remove(&(from, to)),
        }
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

fn id_after(after: Option<(u8, CaseId)>) -> Bound<CaseId> {
    after.map_or(Bound::Unbounded, |(_, id)| Bound::Excluded(id))
}

fn place_after(after: Option<(u8, CaseId)>) -> Bound<(Reverse<u8>, CaseId)> {
    after.map_or(Bound::Unbounded, |(urgent, id)| Bound::Excluded((Reverse(urgent), id)))
}
