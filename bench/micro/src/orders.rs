//! Commands as the core sees them, with ids of 16 bytes.

use creditgate_engine::command::{
    ActivatePolicy, Command, Order, PutPolicy, RecordVerification, RequestKey, Reserve,
    UpsertAccount, UpsertSegment,
};
use creditgate_engine::entry::Request;
use creditgate_engine::policy::PolicyVersion;
use creditgate_engine::values::{Currency, Day, Limit, LimitKind, Micros, Ttl};

/// The moment at which everything is decided: 2024-10-04.
pub const NOW: Micros = 20_000 * 86_400 * 1_000_000;

/// An order's amount, in minor units.
pub const AMOUNT: i64 = 12_500;

/// The currency of all accounts.
#[must_use]
pub fn usd() -> Currency {
    Currency::parse("USD").expect("three capital letters")
}

/// The id of an account.
#[must_use]
pub fn account_id(number: usize) -> String {
    format!("bench-{number:010}")
}

/// The ids of one order.
pub struct Ids {
    /// Whose order.
    pub account: String,
    /// Its own id.
    pub order: String,
    /// The request's.
    pub request: String,
}

/// Orders without end, no two alike, spread over the accounts without a pattern.
pub struct Orders {
    accounts: usize,
    number: u64,
}

impl Orders {
    /// Orders of `accounts` accounts.
    #[must_use]
    pub fn of(accounts: usize) -> Orders {
        Orders { accounts, number: 0 }
    }

    /// The next so many.
    pub fn take(&mut self, count: usize) -> Vec<Ids> {
        (0..count).map(|_| self.next()).collect()
    }

    /// The next one.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> Ids {
        self.number += 1;
        // Knuth's multiplier: neighbours in time are far apart in memory.
        let spread = self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        Ids {
            account: account_id(spread as usize % self.accounts),
            order: format!("order-{:010}", self.number),
            request: format!("req---{:010}", self.number),
        }
    }
}

/// An order as a request to the core.
#[must_use]
pub fn reserve(ids: &Ids) -> Request<'_> {
    let order = Order {
        account_id: &ids.account,
        order_id: &ids.order,
        amount: AMOUNT,
        currency: usd(),
        ttl: Ttl { asked_s: None, default_s: 86_400 },
        details: None,
    };
    let request = RequestKey { id: &ids.request, row: 0, call: 0 };
    asked(Command::Reserve(Reserve { request, order, allow_partial: false }))
}

/// More than all orders of a count together.
const AMPLE: i64 = 1_000_000_000_000;

/// An account that every order fits.
#[must_use]
pub fn upsert(account_id: &str) -> Request<'_> {
    asked(Command::UpsertAccount(account(account_id)))
}

/// The same, with others below it that share a limit which every order fits.
#[must_use]
pub fn upsert_head<'a>(account_id: &'a str, parent_id: Option<&'a str>) -> Request<'a> {
    let shared_limit = Some(Some(AMPLE));
    let account = UpsertAccount { parent_id, shared_limit, ..account(account_id) };
    asked(Command::UpsertAccount(account))
}

/// The same, below another and in a segment.
#[must_use]
pub fn upsert_member<'a>(
    account_id: &'a str,
    parent_id: &'a str,
    segment_id: &'a str,
) -> Request<'a> {
    let (parent_id, segment_id) = (Some(parent_id), Some(segment_id));
    let account = UpsertAccount { parent_id, segment_id, ..account(account_id) };
    asked(Command::UpsertAccount(account))
}

/// A segment with a cap that every order fits.
#[must_use]
pub fn upsert_segment(segment_id: &str) -> Request<'_> {
    asked(Command::UpsertSegment(UpsertSegment {
        request: RequestKey { id: segment_id, row: 0, call: 0 },
        segment_id,
        currency: usd(),
        limit: None,
        cap: Some(Some(AMPLE)),
    }))
}

/// A score for an account.
#[must_use]
pub fn verify(account_id: &str) -> Request<'_> {
    asked(Command::RecordVerification(RecordVerification {
        request: RequestKey { id: account_id, row: 0, call: 0 },
        account_id,
        reference: "D-1",
        source: "bureau",
        date: Day::of(NOW),
        score: Some(60),
        document: None,
    }))
}

/// A policy, as the next version.
#[must_use]
pub fn put_policy(text: &str) -> Request<'_> {
    let request = RequestKey { id: "put", row: 0, call: 0 };
    asked(Command::PutPolicy(PutPolicy { request, text }))
}

/// That version in force, by another than who put it.
#[must_use]
pub fn activate_policy<'a>(version: PolicyVersion) -> Request<'a> {
    let request = RequestKey { id: "activate", row: 0, call: 0 };
    let command = Command::ActivatePolicy(ActivatePolicy { request, version });
    Request { actor: "another", ..asked(command) }
}

fn account(account_id: &str) -> UpsertAccount<'_> {
    UpsertAccount {
        request: RequestKey { id: account_id, row: 0, call: 0 },
        account_id,
        name: None,
        currency: Some(usd()),
        parent_id: None,
        segment_id: None,
        limit: Some(Limit { kind: LimitKind::Amount(AMPLE), valid_until: None }),
        max_order: None,
        shared_limit: None,
    }
}

fn asked(command: Command<'_>) -> Request<'_> {
    Request { command, actor: "bench", channel: "web", reason: None }
}
