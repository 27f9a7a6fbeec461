//! What the tests of the store share: short ways to say a command, and a state written out.

#![allow(dead_code, reason = "each test uses its own part")]

use std::path::Path;

use creditgate_engine::command::{
    CaptureOrder, Command, EntryKind, Order, OrderKey, Post, Release, RequestKey, Reserve, Target,
    UpsertAccount,
};
use creditgate_engine::entry::Request;
use creditgate_engine::outcome::{Decision, Outcome};
use creditgate_engine::values::{Currency, Limit, LimitKind, Minor, Text, Ttl};
use creditgate_store::{Answer, Follower, Options, Recovery, Store};

pub const MIB: usize = 1 << 20;

pub fn options() -> Options {
    Options {
        journal_map_size_bytes: 256 * MIB,
        tables_map_size_bytes: 256 * MIB,
        ..Options::default()
    }
}

pub fn open(folder: &Path) -> (Store, Recovery) {
    Store::open(folder, options()).expect("the store opens")
}

pub fn request<'a>(command: Command<'a>) -> Request<'a> {
    Request { command, actor: "ada", channel: "web", reason: None }
}

pub fn usd() -> Currency {
    Currency::parse("USD").expect("three capital letters")
}

pub fn key(id: &str) -> RequestKey<'_> {
    RequestKey { id, row: 0, call: 0 }
}

pub fn limit(amount: Minor) -> Option<Limit> {
    Some(Limit { kind: LimitKind::Amount(amount), valid_until: None })
}

pub fn account<'a>(id: &'a str, account_id: &'a str, limit: Option<Limit>) -> Request<'a> {
    named_account(id, account_id, limit, None)
}

pub fn named_account<'a>(
    id: &'a str,
    account_id: &'a str,
    limit: Option<Limit>,
    name: Option<Option<Text<'a>>>,
) -> Request<'a> {
    request(Command::UpsertAccount(UpsertAccount {
        request: key(id),
        account_id,
        name,
        currency: Some(usd()),
        parent_id: None,
        segment_id: None,
        limit,
        max_order: None,
        shared_limit: None,
    }))
}

pub fn order<'a>(account_id: &'a str, order_id: &'a str, amount: Minor) -> Order<'a> {
    Order {
        account_id,
        order_id,
        amount,
        currency: usd(),
        ttl: Ttl { asked_s: None, default_s: 3_600 },
        details: None,
    }
}

pub fn reserve<'a>(
    id: &'a str,
    account_id: &'a str,
    order_id: &'a str,
    amount: Minor,
) -> Request<'a> {
    let order = order(account_id, order_id, amount);
    request(Command::Reserve(Reserve { request: key(id), order, allow_partial: false }))
}

pub fn release<'a>(id: &'a str, account_id: &'a str, order_id: &'a str) -> Request<'a> {
    let target = Target::Order(OrderKey { account_id, order_id });
    request(Command::Release(Release { request: key(id), target, amount: None }))
}

pub fn capture<'a>(
    id: &'a str,
    account_id: &'a str,
    order_id: &'a str,
    invoice_id: &'a str,
) -> Request<'a> {
    request(Command::Capture(CaptureOrder {
        request: key(id),
        target: Target::Order(OrderKey { account_id, order_id }),
        amount: None,
        invoice_id,
        last: true,
        forced: false,
        issued: None,
    }))
}

pub fn invoice<'a>(
    entry_id: &'a str,
    account_id: &'a str,
    invoice_id: &'a str,
    amount: Minor,
) -> Request<'a> {
    request(Command::Post(Post {
        source: "erp",
        entry_id,
        position: 0,
        account_id,
        kind: EntryKind::Invoice,
        amount,
        currency: usd(),
        invoice_id: Some(invoice_id),
        order_id: None,
        issued: None,
        due: None,
        allocations: Vec::new(),
    }))
}

/// Executes what must be accepted.
pub fn execute(store: &mut Store, request: &Request<'_>) -> Answer {
    store.execute(request).unwrap_or_else(|error| panic!("{request:?}: {error}"))
}

/// Executes what must be accepted, in a commit of its own at `now`.
pub fn run(store: &mut Store, now: i64, request: &Request<'_>) -> Answer {
    store.begin(now);
    let answer = execute(store, request);
    store.commit().expect("there is room");
    answer
}

/// Brings the tables up to date.
pub fn catch_up(follower: &mut Follower, store: &Store) {
    while follower.fold(store.committed_seq()).expect("it folds") {}
    follower.flush().expect("there is room");
    assert_eq!(follower.flushed(), store.committed_seq());
}

/// The same, by a follower of its own.
pub fn fold(store: &Store) {
    catch_up(&mut store.follower().expect("it starts"), store);
}

pub fn decision(answer: &Answer) -> Decision {
    match &answer.outcome {
        Outcome::Reserved(reserved) => reserved.verdict.decision,
        other => panic!("not an order's outcome: {other:?}"),
    }
}

/// A sequence of numbers that a seed determines: splitmix64.
#[derive(Clone, Copy, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True `part` times out of `whole`.
    pub fn chance(&mut self, part: u64, whole: u64) -> bool {
        self.below(whole) < part
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// The seed that `CREDITGATE_SEED` gives, to replay a failure; otherwise `default`.
pub fn seed(default: u64) -> u64 {
    let given = std::env::var("CREDITGATE_SEED").ok();
    given.map_or(default, |text| text.parse().expect("CREDITGATE_SEED is a number"))
}
