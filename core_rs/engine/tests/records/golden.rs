//! The bytes of one entry of each kind. A journal is read for years: where a change breaks one of
//! these, the format has changed, and old journals are no longer read as they were written.

#[path = "golden_terms.rs"]
mod terms;

use std::borrow::Cow;

use creditgate_engine::command::*;
use creditgate_engine::counting::Details;
use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::event::{AdjustmentsEvent, Event};
use creditgate_engine::model::{Findings, Status};
use creditgate_engine::outcome::*;
use creditgate_engine::values::{Currency, Day, Limit, LimitKind, Text, Ttl};
use serde::Serialize;

#[path = "golden_adjustments.rs"]
mod adjustments;
#[path = "golden_cases.rs"]
mod cases;
#[path = "golden_channels.rs"]
mod channels;
#[path = "golden_conditions.rs"]
mod conditions;
#[path = "golden_counting.rs"]
mod counting;
#[path = "golden_limits.rs"]
mod limits;
#[path = "golden_names.rs"]
mod names;
#[path = "golden_policy.rs"]
mod policy;

const REQUEST: RequestKey<'static> = RequestKey { id: "r", row: 1, call: 7 };
const TARGET: Target<'static> = Target::Order(OrderKey { account_id: "a", order_id: "o" });
const TEXT: Text<'static> = Text { digest: [0xD1; 32], body: None };

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn order() -> Order<'static> {
    Order {
        account_id: "a",
        order_id: "o",
        amount: 300,
        currency: usd(),
        ttl: Ttl { asked_s: Some(60), default_s: 90 },
        details: None,
    }
}

fn verdict(decision: Decision, codes: &[ReasonCode]) -> Verdict {
    let reason = |code: &ReasonCode| Reason::own(*code, 300, -2);
    let reasons = codes.iter().map(reason).collect();
    Verdict { decision, reasons, fitting: Some(0), available: None, bound_by: None, cure: None }
}

fn changed(amount: i64, breach: bool) -> Changed {
    let reservation = ReservationView {
        id: 1025,
        account_id: "a".into(),
        order_id: "o".into(),
        currency: usd(),
        open: 1,
        captured: 2,
        released: 3,
        expired: 4,
        expires_at: 5,
        created_at: 6,
        details: None,
    };
    let verdict = verdict(Decision::Approved, &[]);
    Changed { verdict, reservation, amount, breach, invoiced: None }
}

fn reserved(decision: Decision, reasons: &[ReasonCode]) -> Reserved {
    let verdict = verdict(decision, reasons);
    let (reservation, case, counting) = (Some(1025), None, None);
    Reserved { verdict, reservation, amount: 300, expires_at: 5, case, counting }
}

/// Name, entry, its bytes in hexadecimal.
pub fn table() -> Vec<(&'static str, Entry<'static>, &'static str)> {
    let mut table = orders();
    table.extend(changes());
    table.extend(accounts());
    table.extend(cases::erasures());
    table.extend(shared_limits());
    table.extend(terms::rows());
    table.extend(ledger());
    table.extend(said_by_ledger());
    table.extend(conditions::rows());
    table.extend(limits::rows());
    table.extend(adjustments::rows());
    table.extend(policy::rows());
    table.extend(counting::rows());
    table.extend(cases::rows());
    table.push(channels::row());
    table
}

type Row = (&'static str, Entry<'static>, &'static str);

fn row(
    name: &'static str,
    command: Command<'static>,
    outcome: Outcome,
    events: Vec<Event<'static>>,
    hex: &'static str,
) -> Row {
    let request = Request { command, actor: "oms", channel: "web", reason: None };
    (name, Entry { request, policy_version: 0, outcome, events }, hex)
}

fn held(details: Option<Box<Details>>) -> Event<'static> {
    channels::held(details, "")
}

fn orders() -> Vec<Row> {
    let reserve = Reserve { request: REQUEST, order: order(), allow_partial: false };
    let held = held(None);
    let all = ReserveAll { request: REQUEST, orders: vec![order(), order()] };
    let declined = reserved(Decision::Declined, &[ReasonCode::InsufficientCredit]);
    vec![
        row(
            "reserve",
            Command::Reserve(reserve),
            Outcome::Reserved(reserved(Decision::Approved, &[])),
            vec![held],
            "\
             949481a7726573657276659393a172010795a161a16fcd012ca3555344923c5ac2a36f6d73a37765 \
             62c00081a872657365727665649494a8617070726f7665649000c0cd0401cd012c059181a8726573 \
             657276656497cd040102a16fcd012c05c0a0",
        ),
        row(
            "reserve_all",
            Command::ReserveAll(all),
            Outcome::ReservedAll(vec![declined]),
            vec![],
            "\
             949481ab726573657276655f616c6c9293a17201079295a161a16fcd012ca3555344923c5a95a161 \
             a16fcd012ca3555344923c5aa36f6d73a3776562c00081ac72657365727665645f616c6c919494a8 \
             6465636c696e65649193b3494e53554646494349454e545f435245444954cd012cfe00c0cd0401cd \
             012c0590",
        ),
    ]
}

fn changes() -> Vec<Row> {
    let reservation = 1025;
    let invoice_id = "i";
    let adjust = Adjust {
        request: REQUEST,
        target: TARGET,
        total: 300,
        ttl: Ttl { asked_s: None, default_s: 90 },
    };
    let capture = CaptureOrder {
        request: REQUEST,
        target: Target::Id(1025),
        amount: Some(300),
        invoice_id,
        last: true,
        forced: true,
        issued: None,
    };
    vec![
        row(
            "adjust",
            Command::Adjust(adjust),
            Outcome::Changed(changed(0, false)),
            vec![
                Event::Grown { reservation, amount: 1 },
                Event::ExpirySet { reservation, expires_at: 5 },
            ],
            "\
             949481a661646a7573749493a172010781a56f7264657292a161a16fcd012c92c05aa36f6d73a377 \
             6562c00081a76368616e6765649494a8617070726f7665649000c09acd0401a161a16fa355534401 \
             020304050600c29281a567726f776e92cd04010181aa6578706972795f73657492cd040105",
        ),
        row(
            "capture",
            Command::Capture(capture),
            Outcome::Changed(changed(300, true)),
            vec![
                Event::Breached { reservation, amount: 1 },
                Event::Captured { reservation, invoice_id, amount: 300, dates: None },
                Event::Acknowledged { reservation, invoice_id },
            ],
            "\
             949481a7636170747572659693a172010781a26964cd0401cd012ca169c3c3a36f6d73a3776562c0 \
             0081a76368616e6765649494a8617070726f7665649000c09acd0401a161a16fa355534401020304 \
             0506cd012cc39381a8627265616368656492cd04010181a8636170747572656493cd0401a169cd01 \
             2c81ac61636b6e6f776c656467656492cd0401a169",
        ),
        row(
            "release",
            Command::Release(Release { request: REQUEST, target: TARGET, amount: None }),
            Outcome::Changed(changed(300, false)),
            vec![Event::Released { reservation, amount: 300 }],
            "\
             949481a772656c656173659393a172010781a56f7264657292a161a16fc0a36f6d73a3776562c000 \
             81a76368616e6765649494a8617070726f7665649000c09acd0401a161a16fa35553440102030405 \
             06cd012cc29181a872656c656173656492cd0401cd012c",
        ),
    ]
}

/// What stands at the end of a record only where it says something.
fn shared_limits() -> Vec<Row> {
    let limit = Limit { kind: LimitKind::Inherit, valid_until: None };
    let upsert = UpsertAccount {
        request: REQUEST,
        account_id: "a",
        name: None,
        currency: None,
        parent_id: None,
        segment_id: None,
        limit: None,
        max_order: None,
        shared_limit: Some(None),
    };
    let account_set = |shared_limit| Event::AccountSet {
        slot: 2,
        account_id: "a",
        currency: usd(),
        parent: None,
        segment: None,
        limit,
        max_order: 0,
        name: None,
        shared_limit,
    };
    let (segment_id, currency) = ("s", usd());
    let segment =
        UpsertSegment { request: REQUEST, segment_id, currency, limit: None, cap: Some(Some(500)) };
    let segment_set =
        |cap| Event::SegmentSet { segment: 3, segment_id, currency, limit: None, cap };
    let reserve = Reserve { request: REQUEST, order: order(), allow_partial: false };
    let mut short = reserved(Decision::Declined, &[ReasonCode::SharedLimitExceeded]);
    short.verdict.reasons[0].whose = Some(Whose::Group("p".into()));
    short.verdict.bound_by = Some(Level::Segment("s".into()));
    vec![
        row(
            "upsert_account, shared limit",
            Command::UpsertAccount(upsert),
            Outcome::Upserted(Upserted::Updated),
            vec![account_set(Some(500)), account_set(None)],
            "\
             949481ae7570736572745f6163636f756e749993a1720107a161c0c0c0c0c0c090a36f6d73a377 \
             6562c00081a87570736572746564a7757064617465649281ab6163636f756e745f7365749902a1 \
             61a3555344c0c092a7696e6865726974c000c0cd01f481ab6163636f756e745f7365749802a161 \
             a3555344c0c092a7696e6865726974c000c0",
        ),
        row(
            "upsert_segment, cap",
            Command::UpsertSegment(segment),
            Outcome::Upserted(Upserted::Updated),
            vec![segment_set(Some(500)), segment_set(None)],
            "\
             949481ae7570736572745f7365676d656e749593a1720107a173a3555344c091cd01f4a36f6d73 \
             a3776562c00081a87570736572746564a7757064617465649281ab7365676d656e745f73657495 \
             03a173a3555344c0cd01f481ab7365676d656e745f7365749403a173a3555344c0",
        ),
        row(
            "reserve, shared limit",
            Command::Reserve(reserve),
            Outcome::Reserved(short),
            vec![],
            "\
             949481a7726573657276659393a172010795a161a16fcd012ca3555344923c5ac2a36f6d73a377 \
             6562c00081a872657365727665649495a86465636c696e65649194b55348415245445f4c494d49 \
             545f4558434545444544cd012cfe81a567726f7570a17000c081a77365676d656e74a173cd0401 \
             cd012c0590",
        ),
    ]
}

fn accounts() -> Vec<Row> {
    let limit = Limit { kind: LimitKind::Amount(300), valid_until: Some(Day(20_000)) };
    let unlimited = Limit { kind: LimitKind::Unlimited, valid_until: None };
    let upsert = UpsertAccount {
        request: REQUEST,
        account_id: "a",
        name: Some(Some(TEXT)),
        currency: Some(usd()),
        parent_id: Some(""),
        segment_id: None,
        limit: Some(limit),
        max_order: Some(0),
        shared_limit: None,
    };
    let account_set = |name| Event::AccountSet {
        slot: 2,
        account_id: "a",
        currency: usd(),
        parent: Some(1),
        segment: None,
        limit,
        max_order: 0,
        name,
        shared_limit: None,
    };
    let limit = Some(unlimited);
    let segment =
        UpsertSegment { request: REQUEST, segment_id: "s", currency: usd(), limit, cap: None };
    let segment_set =
        Event::SegmentSet { segment: 3, segment_id: "s", currency: usd(), limit, cap: None };
    let status = SetStatus { request: REQUEST, account_id: "a", status: Status::Closed };
    let status_set = Event::StatusSet { slot: 2, status: Status::Closed, reason: Some(TEXT) };
    let mut closed = row(
        "set_status",
        Command::SetStatus(status),
        Outcome::Done,
        vec![status_set],
        "\
             949481aa7365745f7374617475739393a1720107a161a6636c6f736564a36f6d73a377656291c420 \
             d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d100a4646f6e659181 \
             aa7374617475735f7365749302a6636c6f73656491c420d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1 \
             d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1",
    );
    closed.1.request.reason = Some(TEXT);
    vec![
        row(
            "upsert_account",
            Command::UpsertAccount(upsert),
            Outcome::Upserted(Upserted::Created),
            // Set, removed, left alone.
            vec![account_set(Some(Some(TEXT))), account_set(Some(None)), account_set(None)],
            "\
             949481ae7570736572745f6163636f756e749893a1720107a1619191c420d1d1d1d1d1d1d1d1d1d1 \
             d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1a3555344a0c09281a6616d6f756e74cd012c \
             cd4e2000a36f6d73a3776562c00081a87570736572746564a7637265617465649381ab6163636f75 \
             6e745f7365749802a161a355534401c09281a6616d6f756e74cd012ccd4e20009191c420d1d1d1d1 \
             d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d181ab6163636f756e745f7365 \
             749802a161a355534401c09281a6616d6f756e74cd012ccd4e20009081ab6163636f756e745f7365 \
             749802a161a355534401c09281a6616d6f756e74cd012ccd4e2000c0",
        ),
        row(
            "upsert_segment",
            Command::UpsertSegment(segment),
            Outcome::Upserted(Upserted::Updated),
            vec![segment_set],
            "\
             949481ae7570736572745f7365676d656e749493a1720107a173a355534492a9756e6c696d697465 \
             64c0a36f6d73a3776562c00081a87570736572746564a7757064617465649181ab7365676d656e74 \
             5f7365749403a173a355534492a9756e6c696d69746564c0",
        ),
        closed,
    ]
}

fn ledger() -> Vec<Row> {
    let (slot, invoice_id, amount) = (2, "i", 300);
    let (issued, due) = (Some(Day(20_000)), None);
    let order_id = Some("o");
    let post = Post {
        source: "erp",
        entry_id: "e",
        position: 9,
        account_id: "a",
        kind: EntryKind::Payment,
        amount,
        currency: usd(),
        invoice_id: None,
        order_id,
        issued,
        due,
        allocations: vec![("i", 299)],
    };
    let (grace_days, housekeep) = (0, Housekeep { closed_before: 1, closed_count_max: 2 });
    vec![
        row(
            "post",
            Command::Post(post),
            Outcome::Done,
            vec![
                Event::Claimed { slot, invoice_id, amount },
                Event::Billed { reservation: 1025, invoice_id, amount, by_ledger: true },
                Event::ItemPosted { slot, invoice_id, amount, order_id, issued, due, grace_days },
                Event::ItemMoved { slot, invoice_id, amount: -299 },
                Event::UnallocatedMoved { slot, amount: -1 },
                Event::SourceMoved { source: "erp", position: 9 },
            ],
            "\
             949481a4706f73749ca3657270a16509a161a77061796d656e74cd012ca3555344c0a16fcd4e20c0 \
             9192a169cd012ba36f6d73a3776562c000a4646f6e659681a7636c61696d65649302a169cd012c81 \
             a662696c6c656494cd0401a169cd012cc381ab6974656d5f706f737465649602a169cd012ca16fcd \
             4e20c081aa6974656d5f6d6f7665649302a169d1fed581b1756e616c6c6f63617465645f6d6f7665 \
             649202ff81ac736f757263655f6d6f76656492a365727009",
        ),
        row(
            "housekeep",
            Command::Housekeep(housekeep),
            Outcome::Done,
            vec![
                Event::Expired { reservation: 1025, amount: 300 },
                Event::ReservationForgotten { reservation: 1025 },
                Event::ItemForgotten { slot, invoice_id: Cow::Borrowed(invoice_id) },
            ],
            "\
             949481a9686f7573656b656570920102a36f6d73a3776562c000a4646f6e659381a7657870697265 \
             6492cd0401cd012c81b57265736572766174696f6e5f666f72676f7474656e91cd040181ae697465 \
             6d5f666f72676f7474656e9202a169",
        ),
    ]
}

/// What the ledger says that moves no money.
fn said_by_ledger() -> Vec<Row> {
    let (slot, invoice_id, amount) = (2, "i", 300);
    let dispute = Post {
        source: "erp",
        entry_id: "d",
        position: 9,
        account_id: "a",
        kind: EntryKind::Dispute,
        amount,
        currency: usd(),
        invoice_id: Some(invoice_id),
        order_id: None,
        issued: None,
        due: None,
        allocations: vec![],
    };
    vec![
        row(
            "dispute",
            Command::Post(dispute),
            Outcome::Done,
            vec![Event::ItemDisputed { slot, invoice_id, amount }],
            "\
             949481a4706f73749ca3657270a16409a161a764697370757465cd012ca3555344a169c0c0c090a3 \
             6f6d73a3776562c000a4646f6e659181ad6974656d5f64697370757465649302a169cd012c",
        ),
        row(
            "move_source",
            Command::MoveSource(MoveSource { source: "erp", position: 10 }),
            Outcome::Done,
            vec![Event::SourceMoved { source: "erp", position: 10 }],
            "\
             949481ab6d6f76655f736f7572636592a36572700aa36f6d73a3776562c000a4646f6e659181ac73 \
             6f757263655f6d6f76656492a36572700a",
        ),
        reconciled(),
    ]
}

fn reconciled() -> Row {
    let source = "erp";
    let (position, accounts, items) = (10, 300, 301);
    let (differing, unsettled, unreadable) = (3, 2, 1);
    let found = Findings { position, accounts, items, differing, unsettled, unreadable };
    row(
        "record_reconciliation",
        Command::RecordReconciliation(RecordReconciliation { request: REQUEST, source, found }),
        Outcome::Done,
        vec![Event::Reconciled(source, found)],
        "\
         949481b57265636f72645f7265636f6e63696c696174696f6e9393a1720107a3657270960acd012c \
         cd012d030201a36f6d73a3776562c000a4646f6e659181aa7265636f6e63696c656492a365727096 \
         0acd012ccd012d030201",
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_journal_format_has_not_changed() {
    for (name, entry, expected) in table() {
        let found = hex(&rmp_serde::to_vec(&entry).unwrap());
        let expected: String = expected.split_whitespace().collect();
        assert_eq!(found, expected, "{name}");
    }
}
