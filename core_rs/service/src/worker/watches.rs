//! Callers who follow the positions of accounts.

use std::collections::{BTreeMap, BTreeSet};

use creditgate_engine::state::State;
use creditgate_engine::values::{Micros, Seq, Slot};
use creditgate_store::Sealed;
use prost::Message;

use crate::wire::{reply, v1};

/// Positions by watch and account.
pub(crate) type Told = Vec<((u64, Slot), Vec<u8>)>;

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

    /// Begins a watch; what it is told first are the positions after the entry `seq`, at `now`.
    pub(crate) fn add(
        &mut self,
        ticket: u64,
        slots: Vec<Slot>,
        state: &State,
        (seq, now): (Seq, Micros),
        told: &mut Told,
    ) {
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

/// An account and those above it, whose groups move with it.
fn line(state: &State, slot: Slot) -> impl Iterator<Item = Slot> {
    std::iter::successors(Some(slot), |slot| state.terms(*slot).parent)
}

fn position(state: &State, slot: Slot, seq: Seq, now: Micros) -> Vec<u8> {
    let position = reply::position(state, slot, seq, now);
    v1::WatchPositionsResponse { position: Some(position) }.encode_to_vec()
}
