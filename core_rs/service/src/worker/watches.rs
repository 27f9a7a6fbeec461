//! Callers who follow the positions of accounts.

use std::collections::{BTreeMap, BTreeSet};

use creditgate_engine::values::Slot;
use creditgate_store::Store;
use prost::Message;

use crate::finished::Outbox;
use crate::wire::{reply, v1};

#[derive(Default)]
pub(crate) struct Watches {
    /// Who follows an account.
    tickets: BTreeMap<Slot, BTreeSet<u64>>,
    /// Which accounts a caller follows.
    slots: BTreeMap<u64, BTreeSet<Slot>>,
    /// Number of (account, follower) pairs.
    pairs: u64,
}

impl Watches {
    /// Number of (account, follower) pairs.
    pub(crate) fn count(&self) -> u64 {
        self.pairs
    }

    /// Begins a watch with the present positions.
    pub(crate) fn add(&mut self, ticket: u64, slots: Vec<Slot>, store: &Store, outbox: &Outbox) {
        let slots = BTreeSet::from_iter(slots);
        let first = slots.iter().map(|slot| ((ticket, *slot), position(store, *slot))).collect();
        for slot in &slots {
            self.tickets.entry(*slot).or_default().insert(ticket);
        }
        self.pairs += slots.len() as u64;
        self.slots.insert(ticket, slots);
        outbox.push_watched(first);
    }

    /// Ends a watch, if there is one of this ticket.
    pub(crate) fn remove(&mut self, ticket: u64) {
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

    /// Tells of the accounts that the latest commit touched; of all watched ones when it touched
    /// what many accounts inherit.
    pub(crate) fn tell(&self, store: &Store, outbox: &Outbox) {
        if self.tickets.is_empty() {
            return;
        }
        let mut positions = Vec::new();
        let mut tell = |slot: Slot, tickets: &BTreeSet<u64>| {
            let bytes = position(store, slot);
            positions.extend(tickets.iter().map(|ticket| ((*ticket, slot), bytes.clone())));
        };
        if store.touched_segments() {
            self.tickets.iter().for_each(|(slot, tickets)| tell(*slot, tickets));
        } else {
            for slot in store.touched() {
                if let Some(tickets) = self.tickets.get(slot) {
                    tell(*slot, tickets);
                }
            }
        }
        outbox.push_watched(positions);
    }
}

fn position(store: &Store, slot: Slot) -> Vec<u8> {
    let position = reply::position(store.state(), slot, store.committed_seq());
    v1::WatchPositionsResponse { position: Some(position) }.encode_to_vec()
}
