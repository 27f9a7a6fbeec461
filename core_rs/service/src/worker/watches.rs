//! Callers who follow the positions of accounts.

use std::collections::{BTreeMap, BTreeSet};

use creditgate_engine::command::{OrderKey, Target};
use creditgate_engine::decide::confine_target;
use creditgate_engine::state::State;
use creditgate_engine::values::{Id, Micros, Seq, Slot};
use creditgate_store::Sealed;
use prost::Message;

use crate::finished::Finished;
use crate::wire::status::Fault;
use crate::wire::{cases, reply, v1};

/// What there is to tell those who watch.
#[derive(Default)]
pub(crate) struct News {
    /// Positions by watch and account.
    pub(crate) told: Vec<((u64, Slot), Vec<u8>)>,
    /// Watches that have ended, for what they follow is not for them any more.
    pub(crate) ended: Vec<Finished>,
}

/// What a caller follows.
pub(crate) enum Watched {
    /// The positions of accounts.
    Accounts(Vec<Slot>),
    /// An order of an account; and the only sales channel of who asks, where they have one.
    Order(Slot, Id, Option<Id>),
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
    /// The only sales channel of who follows an order, where they have one.
    own_channel: BTreeMap<u64, Id>,
}

impl Watches {
    /// Number of (account, follower) pairs, and of followers of orders.
    pub(crate) fn count(&self) -> u64 {
        self.pairs + self.order_of.len() as u64
    }

    /// Begins a watch; what it is told first is how things stand after the entry `seq`, at `now`.
    /// Returns whether it goes on.
    pub(crate) fn add(
        &mut self,
        ticket: u64,
        watched: Watched,
        state: &State,
        (seq, now): (Seq, Micros),
        news: &mut News,
    ) -> bool {
        let slots = match watched {
            Watched::Accounts(slots) => slots,
            Watched::Order(slot, order_id, own) => {
                self.orders.entry((slot, order_id.clone())).or_default().insert(ticket);
                self.order_of.insert(ticket, (slot, order_id.clone()));
                self.own_channel.extend(own.map(|own| (ticket, own)));
                self.tell_of_order(&(slot, order_id), &[ticket], state, seq, news);
                return self.order_of.contains_key(&ticket);
            }
        };
        let slots = BTreeSet::from_iter(slots);
        news.told
            .extend(slots.iter().map(|slot| ((ticket, *slot), position(state, *slot, seq, now))));
        for slot in &slots {
            self.tickets.entry(*slot).or_default().insert(ticket);
        }
        self.pairs += slots.len() as u64;
        self.slots.insert(ticket, slots);
        true
    }

    /// Ends a watch, if there is one of this ticket.
    pub(crate) fn remove(&mut self, ticket: u64) {
        self.own_channel.remove(&ticket);
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
    pub(crate) fn tell(&mut self, sealed: &Sealed, state: &State, news: &mut News) {
        self.tell_of_orders(sealed, state, news);
        if self.tickets.is_empty() {
            return;
        }
        let mut tell = |slot: Slot, tickets: &BTreeSet<u64>| {
            let bytes = position(state, slot, sealed.last_seq(), sealed.time());
            news.told.extend(tickets.iter().map(|ticket| ((*ticket, slot), bytes.clone())));
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
    fn tell_of_orders(&mut self, sealed: &Sealed, state: &State, news: &mut News) {
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
            let tickets = Vec::from_iter(self.orders[&key].iter().copied());
            self.tell_of_order(&key, &tickets, state, sealed.last_seq(), news);
        }
    }

    /// Tells of an order those to whom it may be told, and ends the watches of the others.
    fn tell_of_order(
        &mut self,
        (slot, order_id): &(Slot, Id),
        tickets: &[u64],
        state: &State,
        seq: Seq,
        news: &mut News,
    ) {
        let bytes = cases::watched(state, *slot, order_id, seq).encode_to_vec();
        let account_id = state.account_id(*slot);
        for ticket in tickets {
            let target = Target::Order(OrderKey { account_id, order_id });
            let own = self.own_channel.get(ticket);
            match own.map_or(Ok(()), |own| confine_target(state, own, &target)) {
                Ok(()) => news.told.push(((*ticket, *slot), bytes.clone())),
                Err(refusal) => {
                    self.remove(*ticket);
                    news.ended.push(Finished::fault(*ticket, &Fault::from(refusal)));
                }
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
