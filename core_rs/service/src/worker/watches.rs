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
}

impl Watches {
    /// Number of (account, follower) pairs.
    pub(crate) fn count(&self) -> u64 {
        self.tickets.values().map(|tickets| tickets.len() as u64).sum()
    }

    /// Begins a watch with the present positions.
    pub(crate) fn add(&mut self, ticket: u64, slots: Vec<Slot>, store: &Store, outbox: &Outbox) {
        let first = slots.iter().map(|slot| ((ticket, *slot), position(store, *slot))).collect();
        for slot in slots {
            self.tickets.entry(slot).or_default().insert(ticket);
        }
        outbox.push_watched(first);
    }

    /// Ends a watch.
    pub(crate) fn remove(&mut self, ticket: u64) {
        self.tickets.retain(|_, tickets| {
            tickets.remove(&ticket);
            !tickets.is_empty()
        });
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
