//! Accounts in memory: what an order is decided by in one cache line, the rest in another row.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap};

use super::by_slot::BySlot;
use super::chunked::{CHUNK_ROWS, Chunked};
use super::disputes::Disputes;
use super::groups::{Group, Groups};
use super::index::Index;
use super::packed_terms::{HAS_CONDITIONS, HAS_PARENT, HAS_SEGMENT, HEADS_GROUP, PackedTerms};
use super::segment_sums::SegmentSums;
use crate::model::{Account, Conditions, Counters, Terms};
use crate::values::{Currency, Id, Micros, Minor, ProposalId, SegmentIndex, Slot};

#[derive(Default)]
pub(super) struct Accounts {
    credit: Chunked<Credit>,
    about: Chunked<About>,
    slots: Index,
    groups: Groups,
    segment_sums: SegmentSums,
    pub(super) disputes: Disputes,
    beside: BySlot<Beside>,
    /// How many of the conditions have a rolling limit.
    rolling_count: usize,
    /// Whose limit each proposal that waits is about.
    proposals: BTreeMap<ProposalId, Slot>,
    hasher: DefaultHashBuilder,
}

/// All that decides an order.
#[repr(align(64))]
struct Credit {
    counters: Counters,
    packed: PackedTerms,
}

const _: () = assert!(size_of::<Credit>() == 64);

/// The rest.
struct About {
    id: Id,
    created_at: Micros,
    updated_at: Micros,
    texts: Option<Box<Texts>>,
}

/// What stands beside an account's terms, and the part of it that rules ask of every order.
#[derive(Default)]
struct Beside {
    conditions: Option<Box<Conditions>>,
    score: Option<i64>,
    holds_orders: bool,
}

/// What few accounts have.
struct Texts {
    name: Option<Box<str>>,
    status_reason: Option<Box<str>>,
}

impl Credit {
    fn has(&self, flag: u8) -> bool {
        self.packed.flags & flag != 0
    }
}

impl About {
    fn of(account: Account) -> About {
        let Account { id, name, status_reason, created_at, updated_at, .. } = account;
        let has_texts = name.is_some() || status_reason.is_some();
        let texts = has_texts.then(|| Box::new(Texts { name, status_reason }));
        About { id, created_at, updated_at, texts }
    }
}

/// Accounts in order of slot, on their way into a state.
#[derive(Default)]
pub struct AccountRows {
    credit: Chunked<Credit>,
    about: Chunked<About>,
    /// By place among these rows.
    shared_limits: Vec<(Slot, Minor)>,
    conditions: Vec<(Slot, Box<Conditions>)>,
}

impl AccountRows {
    /// A part of so many rows, or of a multiple, is joined to others without copying.
    pub const PART: usize = CHUNK_ROWS;

    /// Adds the account in the next slot. The rest of its counters is what its rows amount to.
    pub fn push(&mut self, mut account: Account, unallocated: Minor) {
        let counters = Counters { outstanding: unallocated, unallocated, ..Counters::default() };
        let place = self.credit.len() as Slot;
        self.shared_limits.extend(account.shared_limit.map(|limit| (place, limit)));
        self.conditions.extend(account.conditions.take().map(|conditions| (place, conditions)));
        self.credit.push(Credit { counters, packed: PackedTerms::pack(&account.terms()) });
        self.about.push(About::of(account));
    }
}

impl Accounts {
    pub(super) fn len(&self) -> usize {
        self.credit.len()
    }

    /// Adds the accounts of all parts, in order, and indexes them on `threads`.
    pub(super) fn extend(&mut self, parts: Vec<AccountRows>, threads: usize) {
        let first = self.len() as Slot;
        for AccountRows { credit, about, shared_limits, conditions } in parts {
            let base = self.len() as Slot;
            for (place, limit) in shared_limits {
                self.groups.set_limit(base + place, Some(limit), Group::default);
            }
            self.credit.append(credit);
            self.about.append(about);
            for (place, conditions) in conditions {
                self.set_conditions(base + place, Some(conditions));
            }
        }
        let added = first..self.len() as Slot;
        let Accounts { about, slots, hasher, .. } = self;
        slots.extend(added, threads, |slot| hasher.hash_one(&*about[slot].id));
    }

    pub(super) fn slot(&self, id: &str) -> Option<Slot> {
        self.slots.find(self.hasher.hash_one(id), |slot| self.about[slot].id == id)
    }

    pub(super) fn id(&self, slot: Slot) -> &Id {
        &self.about[slot].id
    }

    pub(super) fn name(&self, slot: Slot) -> Option<&str> {
        self.about[slot].texts.as_ref()?.name.as_deref()
    }

    #[inline]
    pub(super) fn terms(&self, slot: Slot) -> Terms {
        self.credit[slot].packed.unpack()
    }

    pub(super) fn counters(&self, slot: Slot) -> &Counters {
        &self.credit[slot].counters
    }

    /// For adding up rows before [`Accounts::sum_up`]: no sum hears of it.
    pub(super) fn counters_mut(&mut self, slot: Slot) -> &mut Counters {
        &mut self.credit[slot].counters
    }

    /// Adds to an account's counters, and to all that it is summed up in.
    pub(super) fn add(&mut self, slot: Slot, change: &Counters) {
        self.credit[slot].counters.add(change);
        self.add_above(slot, change.exposure().into());
    }

    /// Puts an account's counters back to what they were.
    pub(super) fn put_back(&mut self, slot: Slot, was: Counters) {
        let row = &mut self.credit[slot];
        let change = i128::from(was.exposure()) - i128::from(row.counters.exposure());
        row.counters = was;
        self.add_above(slot, change);
    }

    /// Adds what an account owes more to all that it is summed up in.
    fn add_above(&mut self, slot: Slot, exposure: i128) {
        let row = &self.credit[slot];
        if row.has(HAS_SEGMENT) {
            self.segment_sums.add(row.packed.segment, row.packed.currency, exposure);
        }
        if row.has(HAS_PARENT | HEADS_GROUP) {
            self.add_to_groups(slot, exposure);
        }
    }

    pub(super) fn segment_exposure(&self, segment: SegmentIndex, currency: Currency) -> i128 {
        self.segment_sums.get(segment, currency)
    }

    pub(super) fn segment_sums(&self) -> impl Iterator<Item = (SegmentIndex, Currency, i128)> {
        self.segment_sums.iter()
    }

    /// Puts what an account owes into the sum of its segment, or takes it away.
    fn count_in_segment(&mut self, slot: Slot, joins: bool) {
        let row = &self.credit[slot];
        if row.has(HAS_SEGMENT) {
            let exposure = i128::from(row.counters.exposure());
            let exposure = if joins { exposure } else { -exposure };
            self.segment_sums.add(row.packed.segment, row.packed.currency, exposure);
        }
    }

    fn add_to_groups(&mut self, slot: Slot, exposure: i128) {
        let mut at = Some(slot);
        while let Some(head) = at {
            self.groups.add(head, exposure);
            at = self.parent(head);
        }
    }

    fn parent(&self, slot: Slot) -> Option<Slot> {
        let row = &self.credit[slot];
        row.has(HAS_PARENT).then_some(row.packed.parent)
    }

    pub(super) fn group(&self, slot: Slot) -> Option<&Group> {
        if self.credit[slot].has(HEADS_GROUP) { self.groups.get(slot) } else { None }
    }

    /// Whether an account is summed up with no others.
    #[inline]
    pub(super) fn stands_alone(&self, slot: Slot) -> bool {
        !self.credit[slot].has(HAS_PARENT | HEADS_GROUP | HAS_SEGMENT)
    }

    /// All groups that an account belongs to, its own first, then upwards.
    #[inline]
    pub(super) fn groups_of(&self, slot: Slot) -> impl Iterator<Item = (Slot, &Group)> {
        let mut at = Some(slot);
        std::iter::from_fn(move || {
            while let Some(head) = at {
                at = self.parent(head);
                if let Some(group) = self.group(head) {
                    return Some((head, group));
                }
            }
            None
        })
    }

    /// How many levels of accounts stand below an account.
    pub(super) fn height(&self, slot: Slot) -> usize {
        self.groups.height(slot)
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = (Slot, &Group)> {
        self.groups.iter()
    }

    /// Puts what an account and all below it owe under another parent, or takes it away.
    fn move_below(&mut self, parent: Slot, slot: Slot, joins: bool) {
        let own = self.credit[slot].counters.exposure().into();
        let exposure = self.groups.get(slot).map_or(own, Group::exposure);
        let height = Some(self.height(slot));
        if joins {
            self.count_below(parent, None, height);
            self.add_to_groups(parent, exposure);
        } else {
            self.add_to_groups(parent, -exposure);
            self.count_below(parent, height, None);
        }
    }

    /// Tells a parent, and those above it, that an account directly below it has another height.
    fn count_below(&mut self, parent: Slot, was: Option<usize>, now: Option<usize>) {
        let (mut at, mut was, mut now) = (Some(parent), was, now);
        while let Some(head) = at {
            let own = self.credit[head].counters.exposure();
            let (before, after) = self.groups.count(head, was, now, || Group::alone(own));
            self.flag_group(head);
            if before == after {
                break;
            }
            (was, now) = (Some(before), Some(after));
            at = self.parent(head);
        }
    }

    fn flag_group(&mut self, head: Slot) {
        let flags = &mut self.credit[head].packed.flags;
        *flags &= !HEADS_GROUP;
        if self.groups.get(head).is_some() {
            *flags |= HEADS_GROUP;
        }
    }

    /// Forms the groups and sums of accounts that were put back, once their counters are added up.
    /// `false`: an account is its own ancestor.
    pub(super) fn sum_up(&mut self) -> bool {
        let heads = Vec::from_iter(self.groups().map(|(head, _)| head));
        for head in heads {
            self.groups.add(head, self.credit[head].counters.exposure().into());
            self.flag_group(head);
        }
        let slots = 0..self.len() as Slot;
        let Some(heights) = self.heights() else { return false };
        for slot in slots.clone() {
            if let Some(parent) = self.parent(slot) {
                let own = self.credit[parent].counters.exposure();
                let height = heights.get(&slot).copied().unwrap_or_default();
                self.groups.count(parent, None, Some(height), || Group::alone(own));
                self.flag_group(parent);
            }
        }
        for slot in slots {
            self.count_in_segment(slot, true);
            if let Some(parent) = self.parent(slot) {
                self.add_to_groups(parent, self.credit[slot].counters.exposure().into());
            }
        }
        true
    }

    /// How many levels stand below each account that has any; `None`: one is its own ancestor.
    fn heights(&self) -> Option<HashMap<Slot, usize>> {
        let mut heights: HashMap<Slot, usize> = HashMap::new();
        for slot in 0..self.len() as Slot {
            let mut above = self.parent(slot);
            let mut distance = 0;
            while let Some(head) = above {
                distance += 1;
                // A tree from before depths were bounded is taken as it is.
                if distance == self.len() {
                    return None;
                }
                let height = heights.entry(head).or_default();
                *height = distance.max(*height);
                above = self.parent(head);
            }
        }
        Some(heights)
    }

    /// All of an account, put together.
    pub(super) fn get(&self, slot: Slot) -> Account {
        let About { id, created_at, updated_at, texts } = &self.about[slot];
        let Terms { currency, status, limit, max_order, parent, segment } = self.terms(slot);
        let shared_limit = self.group(slot).and_then(Group::limit);
        let conditions = self.conditions(slot).map(|conditions| Box::new(conditions.clone()));
        Account {
            id: id.clone(),
            currency,
            status,
            limit,
            max_order,
            parent,
            segment,
            name: texts.as_ref().and_then(|texts| texts.name.clone()),
            status_reason: texts.as_ref().and_then(|texts| texts.status_reason.clone()),
            created_at: *created_at,
            updated_at: *updated_at,
            shared_limit,
            conditions,
        }
    }

    /// Adds an account; its slot is the number of those before it.
    pub(super) fn push(&mut self, mut account: Account) {
        let (slot, hash) = (self.len() as Slot, self.hasher.hash_one(&*account.id));
        let counters = Counters::default();
        self.credit.push(Credit { counters, packed: PackedTerms::pack(&account.terms()) });
        self.set_shared_limit(slot, account.shared_limit);
        self.set_conditions(slot, account.conditions.take());
        if let Some(parent) = account.parent {
            self.move_below(parent, slot, true);
        }
        self.about.push(About::of(account));
        let (about, hasher) = (&self.about, &self.hasher);
        self.slots.insert(hash, slot, |slot| hasher.hash_one(&*about[slot].id));
    }

    /// Puts an account, of the same id, in the place of another.
    pub(super) fn set(&mut self, slot: Slot, mut account: Account) {
        debug_assert_eq!(account.id, *self.id(slot));
        let (before, after) = (self.parent(slot), account.parent);
        if let Some(parent) = before.filter(|_| before != after) {
            self.move_below(parent, slot, false);
        }
        self.count_in_segment(slot, false);
        self.move_disputes(slot, false);
        self.credit[slot].packed = PackedTerms::pack(&account.terms());
        self.move_disputes(slot, true);
        self.count_in_segment(slot, true);
        self.set_shared_limit(slot, account.shared_limit);
        self.set_conditions(slot, account.conditions.take());
        if let Some(parent) = after.filter(|_| before != after) {
            self.move_below(parent, slot, true);
        }
        self.about[slot] = About::of(account);
    }

    /// Also brings back the flag that packed terms do not have.
    fn set_shared_limit(&mut self, slot: Slot, limit: Option<Minor>) {
        let own = self.credit[slot].counters.exposure();
        self.groups.set_limit(slot, limit, || Group::alone(own));
        self.flag_group(slot);
    }

    /// Also brings back the flag that packed terms do not have.
    fn set_conditions(&mut self, slot: Slot, conditions: Option<Box<Conditions>>) {
        let flags = &mut self.credit[slot].packed.flags;
        *flags &= !HAS_CONDITIONS;
        let looks_back = |conditions: &Conditions| usize::from(conditions.rolling_limit.is_some());
        self.rolling_count += conditions.as_deref().map_or(0, looks_back);
        let now = match conditions {
            None if self.beside.get(slot).is_none() => return,
            None => Beside::default(),
            Some(all) => {
                *flags |= HAS_CONDITIONS;
                Beside {
                    score: all.score(),
                    holds_orders: all.hold_orders(),
                    conditions: Some(all),
                }
            }
        };
        let was = std::mem::replace(self.beside.make(slot), now).conditions;
        self.rolling_count -= was.as_deref().map_or(0, looks_back);
        for decided in was.iter().flat_map(|all| proposals_of(all)) {
            self.proposals.remove(&decided);
        }
        let waiting = self.conditions(slot).into_iter().flat_map(proposals_of);
        self.proposals.extend(Vec::from_iter(waiting.map(|id| (id, slot))));
    }

    /// Whether every record of what an account owed ends with what it owes.
    pub(super) fn records_fit(&self) -> bool {
        let mut records = self.beside.iter().filter_map(|(slot, beside)| {
            Some((slot, beside.conditions.as_ref()?.rolling_limit.as_ref()?))
        });
        records.all(|(slot, record)| record.fits(self.counters(slot).exposure()))
    }

    /// Whose limit each proposal that waits is about, in order of id.
    pub(super) fn proposals(&self) -> &BTreeMap<ProposalId, Slot> {
        &self.proposals
    }

    #[inline]
    pub(super) fn looks_back(&self) -> bool {
        self.rolling_count > 0
    }

    /// What stands beside an account's terms, where anything does.
    #[inline]
    pub(super) fn conditions(&self, slot: Slot) -> Option<&Conditions> {
        self.beside(slot)?.conditions.as_deref()
    }

    /// The same, where any of them holds orders.
    #[inline]
    pub(super) fn holding_conditions(&self, slot: Slot) -> Option<&Conditions> {
        self.beside(slot).filter(|beside| beside.holds_orders)?.conditions.as_deref()
    }

    #[inline]
    pub(super) fn score(&self, slot: Slot) -> Option<i64> {
        self.beside(slot)?.score
    }

    /// Only where the account's own cache line says that there is something.
    #[inline]
    fn beside(&self, slot: Slot) -> Option<&Beside> {
        if self.credit[slot].has(HAS_CONDITIONS) { self.beside.get(slot) } else { None }
    }

    /// Removes the account that was added last.
    pub(super) fn pop(&mut self) {
        let last = (self.len() - 1) as Slot;
        if let Some(parent) = self.parent(last) {
            self.move_below(parent, last, false);
        }
        self.set_shared_limit(last, None);
        self.set_conditions(last, None);
        self.credit.pop();
        if let Some(about) = self.about.pop() {
            self.slots.remove(self.hasher.hash_one(&*about.id), self.len() as Slot);
        }
    }

    /// Ids and their slots, from the index.
    pub(super) fn indexed(&self) -> impl Iterator<Item = (&Id, Slot)> {
        self.slots.iter().map(|slot| (self.id(slot), slot))
    }
}

fn proposals_of(conditions: &Conditions) -> impl Iterator<Item = ProposalId> {
    let backing = conditions.backing.iter();
    backing.flat_map(|backing| backing.proposals()).map(|proposal| proposal.id)
}
