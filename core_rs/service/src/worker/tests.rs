use std::path::Path;
use std::sync::Mutex;

use creditgate_store::{CountersReader, Fault as StoreFault, Faults, Options, Step};
use prost::Message;

use super::*;
use crate::changes::Sought;
use crate::clock::ClockKind;
use crate::lists::Page;
use crate::methods::Method;
use crate::wire::v1;

/// Fails every step of this kind for want of space.
#[derive(Default)]
struct Full(Mutex<Option<Step>>);

impl Faults for Full {
    fn before(&self, step: Step) -> Result<(), StoreFault> {
        if *self.0.lock().expect("nobody panics") == Some(step) {
            return Err(StoreFault::NoSpace);
        }
        Ok(())
    }
}

fn worker(folder: &Path, options: Options) -> Worker {
    let (store, _) = Store::open(folder, options).expect("the store opens");
    let clock = Clock::new(ClockKind::Manual, store.last_time());
    Worker::new(Parts {
        store,
        clock,
        default_ttl_s: 3_600,
        queue: Arc::new(Queue::new(10)),
        outbox: Arc::new(Outbox::new().expect("an eventfd")),
        stats: Arc::default(),
    })
    .expect("threads start")
}

fn options() -> Options {
    let map_size_bytes = 1 << 28;
    Options {
        journal_map_size_bytes: map_size_bytes,
        tables_map_size_bytes: map_size_bytes,
        ..Options::default()
    }
}

fn call(ticket: u64, method: Method, request: &impl Message) -> Call {
    let (request, actor) = (request.encode_to_vec(), "ada".to_owned());
    let (own_channel, role, deadline, found) = (None, None, None, None);
    Call { ticket, method, request, actor, own_channel, role, deadline, found }
}

fn account(ticket: u64, account_id: &str) -> Call {
    let limit = v1::CreditLimit { kind: v1::LimitKind::Unlimited.into(), ..Default::default() };
    let account = v1::AccountUpsert {
        account_id: account_id.to_owned(),
        currency: Some("USD".to_owned()),
        limit: Some(limit),
        ..Default::default()
    };
    let request = v1::UpsertAccountsRequest {
        request_id: format!("request {ticket}"),
        accounts: vec![account],
        ..Default::default()
    };
    call(ticket, Method::UpsertAccounts, &request)
}

fn reserve(ticket: u64) -> Call {
    let request = v1::CheckAndReserveRequest {
        request_id: format!("request {ticket}"),
        account_id: "acme".to_owned(),
        order_id: format!("order {ticket}"),
        amount_minor: 1,
        currency: "USD".to_owned(),
        ..Default::default()
    };
    call(ticket, Method::CheckAndReserve, &request)
}

fn release(ticket: u64, reserved: u64) -> Call {
    let request = v1::ReleaseRequest {
        request_id: format!("request {ticket}"),
        account_id: "acme".to_owned(),
        order_id: format!("order {reserved}"),
        ..Default::default()
    };
    call(ticket, Method::Release, &request)
}

/// Serves calls to the end of their commit.
fn serve(worker: &mut Worker, calls: Vec<Call>) {
    worker.serve(Taken { calls, ..Taken::default() });
    worker.flush();
}

fn codes(worker: &Worker) -> Vec<(u64, u32)> {
    let mut codes: Vec<_> =
        worker.parts.outbox.drain().iter().map(|call| (call.ticket, call.code)).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn the_heart_beats_with_every_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(folder.path(), options());
    let map = CountersReader::open(&folder.path().join("counters.map")).expect("it opens");
    for (moment, call) in [(70, account(1, "acme")), (80, reserve(2)), (90, reserve(3))] {
        worker.parts.clock.set(moment);
        serve(&mut worker, vec![call]);
        assert_eq!(map.heartbeat(), moment);
    }
}

#[test]
fn the_worker_does_not_sleep_while_more_is_due_than_one_commit_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(folder.path(), Options { closed_count_max: 0, ..options() });
    serve(&mut worker, vec![account(1, "acme")]);
    serve(&mut worker, (10_000..19_000).map(reserve).collect());
    serve(&mut worker, (20_000..29_000).map(|ticket| release(ticket, ticket - 10_000)).collect());
    assert_eq!(worker.parts.store.state().closed().len(), 9_000);
    let mut left = Vec::new();
    loop {
        serve(&mut worker, Vec::new());
        left.push(worker.parts.store.state().closed().len());
        if worker.idle() > Duration::ZERO {
            break;
        }
    }
    assert_eq!(left, [1_000, 0]);
}

#[test]
fn nothing_is_told_of_what_was_undone() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = Arc::new(Full::default());
    let mut worker = worker(folder.path(), Options { faults: full.clone(), ..options() });
    let watch = v1::WatchPositionsRequest { account_ids: vec!["acme".to_owned(); 2] };
    let list = v1::ListReservationsRequest { account_id: "acme".to_owned(), ..Default::default() };
    let calls = || {
        vec![
            reserve(2),
            call(3, Method::WatchPositions, &watch),
            call(4, Method::ListReservations, &list),
        ]
    };
    serve(&mut worker, vec![account(1, "acme")]);
    assert_eq!(codes(&worker), [(1, 0)]);
    *full.0.lock().expect("nobody panics") = Some(Step::Commit);
    serve(&mut worker, calls());
    assert_eq!(codes(&worker), [(2, 8), (3, 8), (4, 8)]);
    assert_eq!(worker.watches.count(), 0);

    *full.0.lock().expect("nobody panics") = None;
    serve(&mut worker, calls());
    worker.lists.close();
    assert_eq!(codes(&worker), [(2, 0), (3, 0), (4, 0)]);
    assert_eq!(worker.watches.count(), 1, "an account that is named twice is watched once");
    worker.watches.remove(3);
    assert_eq!(worker.watches.count(), 0);
    worker.watches.remove(3);
}

#[test]
fn a_page_is_not_read_for_a_caller_who_has_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(folder.path(), options());
    let decision = || Page::Decision(Sought::Entry { seq: 1, item: 0 });
    let pages = [Page::NoAccounts, Page::NoAccounts, decision(), decision()];
    for (ticket, page) in (1..).zip(pages) {
        let deadline = (ticket % 2 == 1).then(Instant::now);
        let call = ListCall { ticket, page, deadline };
        worker.lists.read(call, 0).expect("there is room");
    }
    worker.lists.close();
    // There is no entry to be read.
    assert_eq!(codes(&worker), [(1, 4), (2, 0), (3, 4), (4, 5)]);
    assert_eq!(worker.parts.stats.deadline_passed.load(Ordering::Relaxed), 2);
}

#[test]
fn what_is_wrong_is_shown_within_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(folder.path(), options());
    let long = "x".repeat(100_000);
    let item = |channel: &str, request_id: &str| v1::CheckAndReserveRequest {
        channel: channel.to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let batch = |all_or_none, items| v1::BatchCheckAndReserveRequest {
        request_id: if all_or_none { "all".to_owned() } else { long.clone() },
        all_or_none,
        items,
    };
    let batches = [
        batch(false, vec![]),
        batch(true, vec![item("", &long)]),
        batch(true, vec![item(&long, "")]),
    ];
    for (ticket, batch) in (1..).zip(batches) {
        serve(&mut worker, vec![call(ticket, Method::BatchCheckAndReserve, &batch)]);
        let finished = worker.parts.outbox.drain();
        assert_eq!((finished[0].ticket, finished[0].code), (ticket, 3));
        assert!(finished[0].bytes.len() < 1_000, "{} bytes", finished[0].bytes.len());
    }
}

/// Many rows, each an account; or the same rows again.
fn many_accounts(ticket: u64, rows: usize) -> Call {
    let account = |row| v1::AccountUpsert {
        account_id: format!("account-{row:056}"),
        currency: Some("USD".to_owned()),
        ..Default::default()
    };
    let request = v1::UpsertAccountsRequest {
        request_id: format!("request {ticket}"),
        accounts: (0..rows).map(account).collect(),
        ..Default::default()
    };
    call(ticket, Method::UpsertAccounts, &request)
}

#[test]
fn orders_are_answered_between_the_slices_of_a_bulk_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(folder.path(), options());
    serve(&mut worker, vec![account(1, "acme")]);
    worker.share = Share::default(); // The account was a slice, which may still rest.
    serve(&mut worker, vec![reserve(2), many_accounts(3, 1_000)]);
    assert_eq!(codes(&worker), [(1, 0), (2, 0)], "the bulk call has rows left");
    assert!(worker.parts.store.state().account_count() > 1, "and some are durable");
    let mut slices = 1;
    while worker.bulk.is_some() {
        worker.share = Share::default();
        assert_eq!(worker.idle(), Duration::ZERO);
        slices += 1;
        serve(&mut worker, vec![reserve(100 + slices)]);
    }
    let answered = codes(&worker);
    assert_eq!((answered[0], answered.len()), ((3, 0), slices as usize));
    assert_eq!(worker.parts.store.state().account_count(), 1_001);
}

#[test]
fn between_its_slices_a_bulk_call_leaves_time_to_orders() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(folder.path(), options());
    serve(&mut worker, vec![account(1, "acme")]);
    let rest = Duration::from_secs(3_600);
    let resting = || Share::resting(Instant::now() + rest);
    worker.share = resting();
    worker.parts.queue.push(many_accounts(2, 1_000)).expect("there is room");
    worker.parts.queue.push(reserve(3)).expect("there is room");
    let taken = worker.parts.queue.take(Duration::ZERO, worker.room());
    assert_eq!(taken.calls.iter().map(|call| call.ticket).collect::<Vec<_>>(), [3]);
    serve(&mut worker, taken.calls);
    worker.share = Share::resting(Instant::now() + IDLE_MAX / 2);
    assert!(worker.idle() <= IDLE_MAX / 2, "the call that waits is seen to in time");

    worker.share = Share::default();
    let taken = worker.parts.queue.take(Duration::ZERO, worker.room());
    serve(&mut worker, taken.calls);
    let durable = worker.parts.store.state().account_count();
    assert!(worker.bulk.is_some() && durable > 1, "a slice is decided at once");
    worker.share = resting();
    assert!(worker.idle() > Duration::ZERO);
    serve(&mut worker, vec![reserve(4)]);
    assert_eq!(worker.parts.store.state().account_count(), durable, "no other one yet");
    assert_eq!(codes(&worker), [(1, 0), (3, 0), (4, 0)]);
    worker.share = Share::default();
    while worker.bulk.is_some() {
        serve(&mut worker, vec![]);
    }
    assert_eq!(worker.parts.store.state().account_count(), 1_001);
}

fn propose(ticket: u64) -> Call {
    let kind = v1::LimitKind::Amount.into();
    let request = v1::ProposeLimitRequest {
        request_id: format!("request {ticket}"),
        account_id: "acme".to_owned(),
        limit: Some(v1::CreditLimit { kind, amount_minor: 100, ..Default::default() }),
        reason: "pays on time".to_owned(),
        ..Default::default()
    };
    call(ticket, Method::ProposeLimit, &request)
}

#[test]
fn orders_overtake_proposals_which_rest_as_slices_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(folder.path(), options());
    serve(&mut worker, vec![account(1, "acme")]);
    worker.share = Share::default();
    for call in [propose(2), propose(3), reserve(4)] {
        worker.parts.queue.push(call).expect("there is room");
    }
    let taken = worker.parts.queue.take(Duration::ZERO, worker.room());
    assert_eq!(taken.calls.iter().map(|call| call.ticket).collect::<Vec<_>>(), [4, 2]);
    let began = Instant::now();
    serve(&mut worker, taken.calls);
    assert!(worker.share.rest(began) > Duration::ZERO, "the next one waits a little");
    assert_eq!(codes(&worker), [(1, 0), (2, 0), (4, 0)]);
}

#[test]
fn a_bulk_call_that_finds_no_room_half_way_is_refused_and_can_be_sent_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = Arc::new(Full::default());
    let mut worker = worker(folder.path(), Options { faults: full.clone(), ..options() });
    serve(&mut worker, vec![many_accounts(1, 1_000)]);
    let durable = worker.parts.store.state().account_count();
    *full.0.lock().expect("nobody panics") = Some(Step::Commit);
    serve(&mut worker, vec![]);
    assert_eq!(codes(&worker), [(1, 8)]);
    assert_eq!(worker.parts.store.state().account_count(), durable);
    *full.0.lock().expect("nobody panics") = None;
    serve(&mut worker, vec![Call { ticket: 2, ..many_accounts(1, 1_000) }]);
    while worker.bulk.is_some() {
        serve(&mut worker, vec![]);
    }
    assert_eq!(codes(&worker), [(2, 0)]);
    assert_eq!(worker.parts.store.state().account_count(), 1_000);
}

#[test]
fn what_is_decided_on_top_of_a_commit_without_room_is_undone_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = Arc::new(Full::default());
    let mut worker = worker(folder.path(), Options { faults: full.clone(), ..options() });
    serve(&mut worker, vec![account(1, "acme")]);
    *full.0.lock().expect("nobody panics") = Some(Step::Commit);
    worker.serve(Taken { calls: vec![reserve(2)], ..Taken::default() });
    assert!(worker.on_its_way.is_some());
    worker.serve(Taken { calls: vec![reserve(3)], ..Taken::default() });
    worker.flush();
    assert_eq!(codes(&worker), [(1, 0), (2, 8), (3, 8)]);
    assert_eq!(worker.parts.store.state().open_count(), 0);
    *full.0.lock().expect("nobody panics") = None;
    serve(&mut worker, vec![reserve(2), reserve(3)]);
    assert_eq!(codes(&worker), [(2, 0), (3, 0)]);
    assert_eq!(worker.parts.store.state().position(0).reserved, 2);
}

/// An order of "acme", asked for through a channel, and the watch of it by whoever has no other.
fn ordered(ticket: u64, order_id: &str, channel: &str) -> Call {
    let request = v1::CheckAndReserveRequest {
        request_id: format!("request {ticket}"),
        account_id: "acme".to_owned(),
        order_id: order_id.to_owned(),
        amount_minor: 1,
        currency: "USD".to_owned(),
        channel: channel.to_owned(),
        ..Default::default()
    };
    call(ticket, Method::CheckAndReserve, &request)
}

fn watched(ticket: u64, order_id: &str, own_channel: &str) -> Call {
    let (account_id, order_id) = ("acme".to_owned(), order_id.to_owned());
    let request = v1::WatchReservationRequest { account_id, order_id };
    let own_channel = Some(own_channel.to_owned());
    Call { own_channel, ..call(ticket, Method::WatchReservation, &request) }
}

#[test]
fn an_order_is_told_of_to_its_own_channel_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = Arc::new(Full::default());
    let mut worker = worker(folder.path(), Options { faults: full.clone(), ..options() });
    let watches = |order_id| [watched(11, order_id, "store-1"), watched(12, order_id, "store-2")];
    serve(&mut worker, vec![account(1, "acme")]);
    serve(&mut worker, watches("O").into());
    assert_eq!(codes(&worker), [(1, 0), (11, 0), (12, 0)], "there is no such order yet");
    serve(&mut worker, vec![ordered(2, "O", "store-1")]);
    assert_eq!(codes(&worker), [(2, 0), (11, 0), (12, 7)]);
    assert_eq!(worker.watches.count(), 1);
    serve(&mut worker, vec![watched(13, "O", "store-2")]);
    assert_eq!(codes(&worker), [(13, 7)]);
    worker.watches.remove(11);

    // It is the order as the commit leaves it, which is told once that is durable.
    *full.0.lock().expect("nobody panics") = Some(Step::Commit);
    let calls = || watches("P").into_iter().chain([ordered(3, "P", "store-1")]).collect();
    serve(&mut worker, calls());
    assert_eq!(codes(&worker), [(3, 8), (11, 8), (12, 8)]);
    assert_eq!(worker.watches.count(), 0);
    *full.0.lock().expect("nobody panics") = None;
    serve(&mut worker, calls());
    assert_eq!(codes(&worker), [(3, 0), (11, 0), (12, 7)]);
    assert_eq!(worker.watches.count(), 1);
}

#[test]
fn a_repeat_is_answered_as_before_though_the_order_is_anothers_by_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(folder.path(), options());
    serve(&mut worker, vec![account(1, "acme")]);
    serve(&mut worker, vec![ordered(2, "order 2", "store-1")]);
    let own = |call| Call { own_channel: Some("store-1".to_owned()), ..call };
    let request = |ticket: u64| v1::ReleaseRequest {
        request_id: format!("request {ticket}"),
        account_id: "acme".to_owned(),
        order_id: "order 2".to_owned(),
        channel: "store-1".to_owned(),
        ..Default::default()
    };
    let released = |ticket, asked| own(call(ticket, Method::Release, &request(asked)));
    serve(&mut worker, vec![released(3, 3), ordered(4, "order 2", "web")]);
    serve(&mut worker, vec![released(5, 3), released(6, 6)]);
    assert_eq!(codes(&worker), [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 7)]);
}
