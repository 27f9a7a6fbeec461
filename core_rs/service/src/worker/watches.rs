//! Callers who follow the positions of accounts.

use std::collections::{BTreeMap, BTreeSet};

use creditgate_engine::state::State;
use creditgate_engine::values::{Id, Micros, Seq, Slot};
use creditgate_store::Sealed;
use prost::Message;

use crate::wire::{cases, reply, v1};

/// Positions by watch and account.
pub(crate) type Told = Vec<((u64, Slot), Vec<u8>)>;

/// What a caller follows.
pub(crate) enum Watched {
    /// The positions of accounts.
    Accounts(Vec<Slot>),
    /// An order of an account.
    Order(Slot, Id),
}

#[derive(Default)]
pub(crate) struct Watches {
    /// Who follows an account.
    tickets: BTreeMap<Slot, BTreeSet<u64>>,
    /// Which accounts a caller follows.
    slots: BTreeMap<u64, BTreeSet<Slot>>,
    /// Number of (account, follower) pairs.
    pairs: u64,
    /// Who follows an order, and which one.
    orders: BTreeMap<(Slot, Id), BTreeSet<u64>>,
    order_of: BTreeMap<u64, (Slot, Id)>,
}

impl Watches {
    /// Number of (account, follower) pairs, and of followers of orders.
    pub(crate) fn count(&self) -> u64 {
        self.pairs + self.order_of.len() as u64
    }

    /// Begins a watch; what it is told first is how things stand after the entry `seq`, at `now`.
    pub(crate) fn add(
        &mut self,
        ticket: u64,
        watched: Watched,
        state: &State,
        (seq, now): (Seq, Micros),
        told: &mut Told,
    ) {
        let slots = match watched {
            Watched::Accounts(slots) => slots,
            Watched::Order(slot, order_id) => {
                told.push(((ticket, slot), order(state, slot, &order_id, seq)));
                self.orders.entry((slot, order_id.clone())).or_default().insert(ticket);
                self.order_of.insert(ticket, (slot, order_id));
                return;
            }
        };
        let slots = BTreeSet::from_iter(slots);
        told.extend(slots.iter().map(|slot| ((ticket, *slot), position(state, *slot, seq, now))));
        for slot in &slots {
            self.tickets.entry(*slot).or_default().insert(ticket);
        }
        self.pairs += slots.len() as u64;
        self.slots.insert(ticket, slots);
    }

    /// Ends a watch, if there is one of this ticket.
    pub(crate) fn remove(&mut self, ticket: u64) {
        if let Some(key) = self.order_of.remove(&ticket)
            && let Some(tickets) = self.orders.get_mut(&key)
        {
            tickets.remove(&ticket);
            if tickets.is_empty() {
                self.orders.remove(&key);
            }
        }
        for slot in self.slots.remove(&ticket).unwrap_or_default() {
            self.pairs -= 1;
            if let Some(tickets) = self.tickets.get_mut(&slot) {
                tickets.remove(&ticket);
                if tickets.is_empty() {
                    self.tickets.remove(&slot);
                }
            }
        }
    }

    /// Tells of the accounts that a commit changes, and of those above them, as it leaves them; of
    /// all watched ones where it changes a segment.
    pub(crate) fn tell(&self, sealed: &Sealed, state: &State, told: &mut Told) {
        self.tell_of_orders(sealed, state, told);
        if self.tickets.is_empty() {
            return;
        }
        let mut tell = |slot: Slot, tickets: &BTreeSet<u64>| {
            let bytes = position(state, slot, sealed.last_seq(), sealed.time());
            told.extend(tickets.iter().map(|ticket| ((*ticket, slot), bytes.clone())));
        };
        if sealed.touches_segments() {
            self.tickets.iter().for_each(|(slot, tickets)| tell(*slot, tickets));
        } else {
            // An account's own line may be touched often; it is told of once.
            let lines = sealed.touched().flat_map(|slot| line(state, slot));
            let watched = lines.filter(|slot| self.tickets.contains_key(slot));
            for slot in BTreeSet::from_iter(watched) {
                tell(slot, &self.tickets[&slot]);
            }
        }
    }
}

impl Watches {
    /// What was changed last is what the undo log holds: the commit has just been sealed.
    fn tell_of_orders(&self, sealed: &Sealed, state: &State, told: &mut Told) {
        if self.orders.is_empty() {
            return;
        }
        let mut keys = BTreeSet::new();
        state.orders_touched_since(0, |slot, order_id| {
            let key = (slot, order_id.clone());
            if self.orders.contains_key(&key) {
                keys.insert(key);
            }
        });
        for key in keys {
            let bytes = order(state, key.0, &key.1, sealed.last_seq());
            let tickets = self.orders[&key].iter();
            told.extend(tickets.map(|ticket| ((*ticket, key.0), bytes.clone())));
        }
    }
}

/// An account and those above it, whose groups move with it.
fn line(state: &State, slot: Slot) -> impl Iterator<Item = Slot> {
    std::iter::successors(Some(slot), |slot| state.terms(*slot).parent)
}

fn position(state: &State, slot: Slot, seq: Seq, now: Micros) -> Vec<u8> {
    let position = reply::position(state, slot, seq, now);
    v1::WatchPositionsResponse { position: Some(position) }.encode_to_vec()
}

fn order(state: &State, slot: Slot, order_id: &str, seq: Seq) -> Vec<u8> {
    cases::watched(state, slot, order_id, seq).encode_to_vec()
}
