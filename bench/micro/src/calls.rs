//! A service, and requests as they come from the wire.

use std::path::Path;

use creditgate_service::methods::METHODS;
use creditgate_service::{ClockKind, Finished, Options, Service, Submission};
use prost::Message;
use rustix::event::{PollFd, PollFlags, poll};
use tempfile::TempDir;

use crate::book;
use crate::orders::{AMOUNT, Ids, account_id};

/// The fields of `creditgate.v1.CheckAndReserveRequest` that an order fills.
#[derive(Clone, PartialEq, Message)]
pub struct CheckAndReserve {
    #[prost(string, tag = "1")]
    request_id: String,
    #[prost(string, tag = "2")]
    account_id: String,
    #[prost(string, tag = "3")]
    order_id: String,
    #[prost(int64, tag = "4")]
    amount_minor: i64,
    #[prost(string, tag = "5")]
    currency: String,
    #[prost(string, tag = "7")]
    channel: String,
}

impl CheckAndReserve {
    /// One order.
    #[must_use]
    pub fn of(ids: &Ids) -> CheckAndReserve {
        CheckAndReserve {
            request_id: ids.request.clone(),
            account_id: ids.account.clone(),
            order_id: ids.order.clone(),
            amount_minor: AMOUNT,
            currency: "USD".to_owned(),
            channel: "web".to_owned(),
        }
    }
}

/// `creditgate.v1.BatchCheckAndReserveRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct Batch {
    #[prost(string, tag = "1")]
    request_id: String,
    #[prost(bool, tag = "2")]
    all_or_none: bool,
    #[prost(message, repeated, tag = "3")]
    items: Vec<CheckAndReserve>,
}

/// A batch of independent orders.
#[must_use]
pub fn batch(orders: &[Ids]) -> Vec<u8> {
    let items = orders.iter().map(CheckAndReserve::of).collect();
    Batch { items, ..Batch::default() }.encode_to_vec()
}

/// A batch that is refused for the amount of its last order, after all of it has been decoded and
/// before any of it is decided: what it takes is what decoding takes, and the way there and back.
#[must_use]
pub fn refused_batch(orders: &[Ids]) -> Vec<u8> {
    let mut items: Vec<CheckAndReserve> = orders.iter().map(CheckAndReserve::of).collect();
    // All or none: the batch has the request id, its items have none.
    items.iter_mut().for_each(|item| item.request_id.clear());
    items.last_mut().expect("a batch is not empty").amount_minor = 0;
    Batch { request_id: "req-refused-----".to_owned(), all_or_none: true, items }.encode_to_vec()
}

#[derive(Clone, PartialEq, Message)]
struct Limit {
    #[prost(int32, tag = "1")]
    kind: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Account {
    #[prost(string, tag = "1")]
    account_id: String,
    #[prost(string, optional, tag = "3")]
    currency: Option<String>,
    #[prost(message, optional, tag = "6")]
    limit: Option<Limit>,
}

#[derive(Clone, PartialEq, Message)]
struct UpsertAccounts {
    #[prost(string, tag = "1")]
    request_id: String,
    #[prost(message, repeated, tag = "2")]
    accounts: Vec<Account>,
}

const UNLIMITED: i32 = 2;
const ROWS_A_CALL: usize = 1_000;

/// A service on a store that goes when it goes.
pub struct Desk {
    service: Service,
    _folder: TempDir,
}

impl Desk {
    /// A service with so many accounts, its store in a new folder below `dir`.
    #[must_use]
    pub fn open(dir: &Path, accounts: usize) -> Desk {
        let folder = TempDir::new_in(dir).expect("the folder is ours");
        let options = Options {
            clock: ClockKind::System,
            queue_depth_max: 10_000,
            default_ttl_s: 86_400,
            store: book::options(),
        };
        let service = Service::open(folder.path(), options).expect("a new store");
        let desk = Desk { service, _folder: folder };
        for first in (0..accounts).step_by(ROWS_A_CALL) {
            let rows = first..accounts.min(first + ROWS_A_CALL);
            let accounts = rows.map(unlimited).collect();
            let request_id = format!("open-{first}");
            let request = UpsertAccounts { request_id, accounts }.encode_to_vec();
            assert_eq!(desk.call(method("UpsertAccounts"), request).code, 0);
        }
        desk
    }

    /// Hands a call over and waits for its answer, as a transport does.
    #[must_use]
    pub fn call(&self, method: u16, request: Vec<u8>) -> Finished {
        let ticket = self.service.submit(Submission {
            method,
            request,
            caller: "bench".to_owned(),
            timeout: None,
        });
        loop {
            if let Some(finished) = self.service.drain().pop() {
                assert_eq!(finished.ticket, ticket, "there is one call at a time");
                return finished;
            }
            // SAFETY: the service keeps the descriptor open for as long as it lives, and `self`
            // is borrowed for longer than it is polled.
            let bell = unsafe { std::os::fd::BorrowedFd::borrow_raw(self.service.fd()) };
            poll(&mut [PollFd::new(&bell, PollFlags::IN)], None).expect("an eventfd can be polled");
        }
    }
}

fn unlimited(number: usize) -> Account {
    let currency = Some("USD".to_owned());
    Account { account_id: account_id(number), currency, limit: Some(Limit { kind: UNLIMITED }) }
}

/// The number of a call of the contract.
#[must_use]
pub fn method(name: &str) -> u16 {
    let found = METHODS.iter().find(|(path, _)| path.rsplit('/').next() == Some(name));
    found.expect("a call of the contract").1
}
