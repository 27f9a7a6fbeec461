//! State in memory and a store on disk, with accounts in them.

use std::path::Path;

use creditgate_engine::apply::apply;
use creditgate_engine::decide::decide;
use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::policy::BUILT_IN;
use creditgate_engine::state::State;
use creditgate_store::{Head, Options, Store, append_value};
use tempfile::TempDir;

use crate::BATCH;
use crate::orders::{
    Ids, NOW, Orders, account_id, activate_policy, put_policy, reserve, upsert, upsert_head,
    upsert_member, upsert_segment, verify,
};

const POLICY: &str = include_str!("../../policy.toml");

/// Accounts that are opened in one commit.
const OPENED_AT_ONCE: usize = 10_000;

/// Where orders of before stand, out of the way of those that are counted.
const EARLIER_SEQ: u64 = 1 << 40;

/// A state with so many accounts.
#[must_use]
pub fn state(accounts: usize) -> State {
    let mut state = State::default();
    for number in 0..accounts {
        open(&mut state, &upsert(&account_id(number)));
    }
    state
}

/// The same, in eight segments with caps, and under heads two levels deep, ten below one, each of
/// which shares a limit.
#[must_use]
pub fn families(accounts: usize) -> State {
    let mut state = State::default();
    open(&mut state, &upsert_head("all", None));
    for number in 0..accounts {
        let (head, segment) = (format!("head-{}", number % 10), format!("segment-{}", number % 8));
        open(&mut state, &upsert_head(&head, Some("all")));
        open(&mut state, &upsert_segment(&segment));
        open(&mut state, &upsert_member(&account_id(number), &head, &segment));
    }
    state
}

/// The same, each with a score, under the policy that `make bench` measures, and with an order
/// under it: by the first one more is noted of an account than by those that follow.
#[must_use]
pub fn ruled(accounts: usize) -> State {
    let mut state = families(accounts);
    for number in 0..accounts {
        open(&mut state, &verify(&account_id(number)));
    }
    open(&mut state, &put_policy(POLICY));
    open(&mut state, &activate_policy(BUILT_IN + 1));
    for number in 0..accounts {
        let (order, request) = (format!("first-{number:010}"), String::new());
        let ids = Ids { account: account_id(number), order, request };
        happens(&mut state, EARLIER_SEQ + number as u64, &reserve(&ids));
    }
    state
}

fn open(state: &mut State, asked: &Request<'_>) {
    happens(state, 1, asked);
}

fn happens(state: &mut State, seq: u64, asked: &Request<'_>) {
    for event in decided(state, seq, asked).events {
        apply(state, NOW, &event);
    }
    state.settle(state.mark());
}

/// What becomes of a request that is not refused.
#[must_use]
pub fn decided<'a>(state: &State, seq: u64, request: &Request<'a>) -> Entry<'a> {
    let decided = decide(state, seq, NOW, request);
    let (outcome, events) = decided.expect("nothing is wrong with it");
    Entry { request: request.clone(), policy_version: BUILT_IN, outcome, events }
}

/// A commit of a whole batch as it stands before it is written: its head, and its entries encoded.
#[must_use]
pub fn commit_of_batch() -> (Head, Vec<u8>) {
    let (state, orders) = (state(BATCH), Orders::of(BATCH).take(BATCH));
    let mut entries = Vec::new();
    for (ids, seq) in orders.iter().zip(1..) {
        append_value(&mut entries, &decided(&state, seq, &reserve(ids)));
    }
    let head = Head { epoch: 1, first_seq: 1, time: NOW, prev_hash: [7; 32], count: BATCH as u32 };
    (head, entries)
}

/// A store in a folder that goes when it goes.
pub struct Book {
    /// The store.
    pub store: Store,
    _folder: TempDir,
}

impl Book {
    /// A store with so many accounts, in a new folder below `dir`.
    #[must_use]
    pub fn open(dir: &Path, accounts: usize) -> Book {
        let folder = TempDir::new_in(dir).expect("the folder is ours");
        let (store, _) = Store::open(folder.path(), options()).expect("a new store");
        let mut book = Book { store, _folder: folder };
        let ids: Vec<String> = (0..accounts).map(account_id).collect();
        for some in ids.chunks(OPENED_AT_ONCE) {
            book.execute(&some.iter().map(|id| upsert(id)).collect::<Vec<_>>());
            book.commit();
        }
        book
    }

    /// Executes requests that are not refused.
    pub fn execute(&mut self, requests: &[Request<'_>]) {
        self.store.begin(NOW);
        for request in requests {
            self.store.execute(request).expect("nothing is wrong with it");
        }
    }

    /// Makes them durable.
    pub fn commit(&mut self) {
        self.store.commit().expect("there is room");
    }
}

/// Small maps: valgrind has less address space to give than a process of its own.
#[must_use]
pub fn options() -> Options {
    Options {
        journal_map_size_bytes: 1 << 34,
        tables_map_size_bytes: 1 << 33,
        ..Options::default()
    }
}
