//! Any record at all, of strings in any script. Boxed: nested by value they outgrow a test's stack.

#[path = "strategies_cases.rs"]
mod cases;
#[path = "strategies_counting.rs"]
mod counting;
#[path = "strategies_limits.rs"]
mod limits;
#[path = "strategies_policy.rs"]
mod policy;
#[path = "strategies_terms.rs"]
mod terms;

use std::borrow::Cow;

use creditgate_engine::command::*;
use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::event::{AdjustmentsEvent, Event};
use creditgate_engine::model::{Findings, HoldKind, Status, TemporaryLimitKind};
use creditgate_engine::outcome::*;
use creditgate_engine::values::{Currency, Day, Limit, LimitKind, Text, TextBody, Ttl};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Zero, 31, 32 and 64 bytes among them: msgpack writes their lengths in different ways.
fn string() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "a",
        "order-1",
        "訂單",
        "заказ",
        "naïve\u{1F4E6}",
        "0123456789012345678901234567890",
        "01234567890123456789012345678901",
        "0123456789012345678901234567890123456789012345678901234567890123",
    ])
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -200_i64..200, Just(i64::MIN), Just(i64::MAX)]
}

fn seqs() -> impl Strategy<Value = Vec<u64>> {
    vec(any::<u64>(), 0..4)
}

fn currency() -> impl Strategy<Value = Currency> {
    select(vec!["USD", "EUR", "AAA", "ZZZ"])
        .prop_map(|code| Currency::parse(code).expect("three capital letters"))
}

fn day() -> impl Strategy<Value = Day> {
    any::<i32>().prop_map(Day)
}

fn limit() -> BoxedStrategy<Limit> {
    let kind = prop_oneof![
        number().prop_map(LimitKind::Amount),
        Just(LimitKind::Unlimited),
        Just(LimitKind::NoCredit),
        Just(LimitKind::Inherit),
    ];
    (kind, option::of(day())).prop_map(|(kind, valid_until)| Limit { kind, valid_until }).boxed()
}

pub fn text() -> impl Strategy<Value = Text<'static>> {
    let body = (any::<[u8; 16]>(), string()).prop_map(|(salt, text)| TextBody { salt, text });
    (any::<[u8; 32]>(), option::of(body)).prop_map(|(digest, body)| Text { digest, body })
}

fn status() -> impl Strategy<Value = Status> {
    select(vec![Status::Active, Status::Suspended, Status::Closed])
}

fn request() -> impl Strategy<Value = RequestKey<'static>> {
    let parts = (string(), any::<u32>(), any::<u64>());
    parts.prop_map(|(id, row, call)| RequestKey { id, row, call })
}

fn ttl() -> impl Strategy<Value = Ttl> {
    let parts = (option::of(any::<u32>()), any::<u32>());
    parts.prop_map(|(asked_s, default_s)| Ttl { asked_s, default_s })
}

fn order() -> BoxedStrategy<Order<'static>> {
    (string(), string(), number(), currency(), ttl(), option::of(counting::details()))
        .prop_map(|(account_id, order_id, amount, currency, ttl, details)| Order {
            account_id,
            order_id,
            amount,
            currency,
            ttl,
            details: details.map(Box::new),
        })
        .boxed()
}

fn target() -> impl Strategy<Value = Target<'static>> {
    let order = (string(), string())
        .prop_map(|(account_id, order_id)| Target::Order(OrderKey { account_id, order_id }));
    prop_oneof![any::<u64>().prop_map(Target::Id), order]
}

fn upsert_account() -> BoxedStrategy<UpsertAccount<'static>> {
    (
        (request(), string(), option::of(option::of(text())), option::of(currency())),
        (option::of(string()), option::of(string()), option::of(limit()), option::of(number())),
        option::of(option::of(number())),
    )
        .prop_map(|((request, account_id, name, currency), rest, shared_limit)| {
            let (parent_id, segment_id, limit, max_order) = rest;
            UpsertAccount {
                request,
                account_id,
                name,
                currency,
                parent_id,
                segment_id,
                limit,
                max_order,
                shared_limit,
            }
        })
        .boxed()
}

fn post() -> BoxedStrategy<Post<'static>> {
    use EntryKind::{Adjustment, CreditMemo, Dispute, Invoice, OpeningBalance, Payment};
    let kind = select(vec![Invoice, Payment, CreditMemo, Adjustment, OpeningBalance, Dispute]);
    let ids = (option::of(string()), option::of(string()));
    let days = (option::of(day()), option::of(day()));
    let allocations = vec((string(), number()), 0..4);
    (
        (string(), string(), any::<u64>(), string(), kind),
        (number(), currency(), ids, days, allocations),
    )
        .prop_map(|((source, entry_id, position, account_id, kind), rest)| {
            let (amount, currency, (invoice_id, order_id), (issued, due), allocations) = rest;
            Post {
                source,
                entry_id,
                position,
                account_id,
                kind,
                amount,
                currency,
                invoice_id,
                order_id,
                issued,
                due,
                allocations,
            }
        })
        .boxed()
}

fn hold_kind() -> BoxedStrategy<HoldKind> {
    select(vec![HoldKind::Fraud, HoldKind::Bureau, HoldKind::Manual]).boxed()
}

fn temporary_limit_kind() -> BoxedStrategy<TemporaryLimitKind> {
    use TemporaryLimitKind::{Collateral, Increase, Insurance, Override};
    select(vec![Override, Increase, Collateral, Insurance]).boxed()
}

fn conditions_command() -> BoxedStrategy<Command<'static>> {
    let hold = (hold_kind(), string(), option::of(number()));
    let days = (option::of(day()), day());
    let limit = (temporary_limit_kind(), number(), days);
    let names = (request(), string(), string());
    (names, hold, limit, 0..6)
        .prop_map(|((request, account_id, id), (kind, source, until), limit, which)| match which {
            0 => {
                let hold_id = id;
                Command::PlaceHold(PlaceHold { request, account_id, hold_id, kind, source, until })
            }
            1 => Command::LiftHold(LiftHold { request, account_id, hold_id: id }),
            2 => {
                let (limit_id, (kind, amount, (first, last))) = (id, limit);
                let limit =
                    SetTemporaryLimit { request, account_id, limit_id, kind, amount, first, last };
                Command::SetTemporaryLimit(limit)
            }
            3 => {
                let limit_id = id;
                Command::RemoveTemporaryLimit(RemoveTemporaryLimit {
                    request,
                    account_id,
                    limit_id,
                })
            }
            4 => {
                let (_, hard_cap, (_, Day(days))) = limit;
                let days = days as u16;
                Command::SetRollingLimit(SetRollingLimit { request, account_id, hard_cap, days })
            }
            _ => Command::RemoveRollingLimit(RemoveRollingLimit { request, account_id }),
        })
        .boxed()
}

pub fn command() -> BoxedStrategy<Command<'static>> {
    let flags = (any::<(bool, bool)>(), option::of(day()));
    let capture = (request(), target(), option::of(number()), string(), flags);
    let segment =
        (request(), string(), currency(), option::of(limit()), option::of(option::of(number())));
    prop_oneof![
        (request(), order(), any::<bool>()).prop_map(|(request, order, allow_partial)| {
            Command::Reserve(Reserve { request, order, allow_partial })
        }),
        (request(), vec(order(), 0..20))
            .prop_map(|(request, orders)| Command::ReserveAll(ReserveAll { request, orders })),
        (request(), target(), number(), ttl()).prop_map(|(request, target, total, ttl)| {
            Command::Adjust(Adjust { request, target, total, ttl })
        }),
        capture.prop_map(|(request, target, amount, invoice_id, ((last, forced), issued))| {
            let order = CaptureOrder { request, target, amount, invoice_id, last, forced, issued };
            Command::Capture(order)
        }),
        (request(), target(), option::of(number())).prop_map(|(request, target, amount)| {
            Command::Release(Release { request, target, amount })
        }),
        upsert_account().prop_map(Command::UpsertAccount),
        segment.prop_map(|(request, segment_id, currency, limit, cap)| {
            Command::UpsertSegment(UpsertSegment { request, segment_id, currency, limit, cap })
        }),
        (request(), string(), status()).prop_map(|(request, account_id, status)| {
            Command::SetStatus(SetStatus { request, account_id, status })
        }),
        conditions_command(),
        post().prop_map(Command::Post),
        (string(), any::<u64>())
            .prop_map(|(source, position)| Command::MoveSource(MoveSource { source, position })),
        terms::command(),
        limits::command(),
        policy::command(),
        counting::command(),
        cases::command(),
        (request(), string(), seqs(), seqs()).prop_map(|(request, account_id, entries, named)| {
            Command::EraseTexts(EraseTexts { request, account_id, entries, named })
        }),
        (number(), any::<u64>()).prop_map(|(closed_before, closed_count_max)| {
            Command::Housekeep(Housekeep { closed_before, closed_count_max })
        }),
    ]
    .boxed()
}

fn account_event() -> BoxedStrategy<Event<'static>> {
    let places = (option::of(any::<u32>()), option::of(any::<u32>()));
    let set = (any::<u32>(), string(), currency(), places, limit(), number());
    prop_oneof![
        (set, option::of(option::of(text())), option::of(number())).prop_map(
            |(set, name, shared_limit)| {
                let (slot, account_id, currency, (parent, segment), limit, max_order) = set;
                Event::AccountSet {
                    slot,
                    account_id,
                    currency,
                    parent,
                    segment,
                    limit,
                    max_order,
                    name,
                    shared_limit,
                }
            }
        ),
        (any::<u32>(), status(), option::of(text()))
            .prop_map(|(slot, status, reason)| Event::StatusSet { slot, status, reason }),
        any::<u32>().prop_map(|slot| Event::TextsErased { slot }),
        (any::<u32>(), string(), currency(), option::of(limit()), option::of(number())).prop_map(
            |(segment, segment_id, currency, limit, cap)| {
                Event::SegmentSet { segment, segment_id, currency, limit, cap }
            }
        ),
        (string(), any::<u64>())
            .prop_map(|(source, position)| Event::SourceMoved { source, position }),
        conditions_event(),
    ]
    .boxed()
}

fn conditions_event() -> BoxedStrategy<Event<'static>> {
    let hold = (hold_kind(), string(), option::of(number()), option::of(text()));
    let limit = (temporary_limit_kind(), number(), day(), day());
    ((any::<u32>(), string()), hold, limit, 0..7)
        .prop_map(|((slot, id), hold, limit, which)| match which {
            0 => {
                let (hold_id, (kind, source, until, reason)) = (id, hold);
                Event::HoldPlaced { slot, hold_id, kind, source, until, reason }
            }
            1 => Event::HoldLifted { slot, hold_id: id },
            2 => {
                let (limit_id, (kind, amount, first, last)) = (id, limit);
                Event::TemporaryLimitSet { slot, limit_id, kind, amount, first, last }
            }
            3 => Event::TemporaryLimitRemoved { slot, limit_id: id },
            4 => {
                let (_, hard_cap, Day(days), Day(exposure)) = limit;
                let (days, exposure) = (days as u16, exposure.into());
                Event::RollingLimitSet { slot, hard_cap, days, exposure }
            }
            5 => Event::RollingLimitRemoved { slot },
            _ => Event::AverageMoved { slot, amount: limit.1 },
        })
        .boxed()
}

fn reservation_event() -> BoxedStrategy<Event<'static>> {
    let more = (option::of(counting::kept()), string(), option::of(terms::dates()));
    let all = (any::<u64>(), any::<u32>(), string(), number(), any::<bool>(), 0..9, more);
    all.prop_map(|(reservation, slot, id, amount, by_ledger, kind, more)| match (kind, more) {
        (0, (details, channel, _)) => Event::Reserved {
            reservation,
            slot,
            order_id: id,
            amount,
            expires_at: amount,
            details: details.map(Box::new),
            channel,
        },
        (1, _) => Event::Grown { reservation, amount },
        (2, (.., dates)) => Event::Captured { reservation, invoice_id: id, amount, dates },
        (3, _) => Event::Billed { reservation, invoice_id: id, amount, by_ledger },
        (4, _) => Event::Acknowledged { reservation, invoice_id: id },
        (5, _) => Event::Released { reservation, amount },
        (6, _) => Event::Expired { reservation, amount },
        (7, _) => Event::ExpirySet { reservation, expires_at: amount },
        _ => Event::Breached { reservation, amount },
    })
    .boxed()
}

fn ledger_event() -> BoxedStrategy<Event<'static>> {
    let known = (option::of(string()), option::of(day()), option::of(day()));
    let all = (any::<u32>(), string(), number(), known, 0..7, 0..9_u16);
    all.prop_map(|(slot, invoice_id, amount, (order_id, issued, due), kind, grace_days)| match kind
    {
        0 => Event::Claimed { slot, invoice_id, amount },
        1 => Event::ItemPosted { slot, invoice_id, amount, order_id, issued, due, grace_days },
        2 => Event::ItemMoved { slot, invoice_id, amount },
        3 => Event::UnallocatedMoved { slot, amount },
        4 => Event::ReservationForgotten { reservation: slot.into() },
        5 => Event::ItemDisputed { slot, invoice_id, amount },
        _ => Event::ItemForgotten { slot, invoice_id: Cow::Borrowed(invoice_id) },
    })
    .boxed()
}

pub fn event() -> BoxedStrategy<Event<'static>> {
    prop_oneof![
        account_event(),
        reservation_event(),
        ledger_event(),
        terms::event(),
        limits::event(),
        policy::event(),
        counting::event(),
        cases::event(),
    ]
    .boxed()
}

fn level() -> BoxedStrategy<Level> {
    let (group, segment) = (string(), string());
    prop_oneof![
        group.prop_map(|id| Level::Group(id.into())),
        segment.prop_map(|id| Level::Segment(id.into())),
    ]
    .boxed()
}

fn verdict() -> BoxedStrategy<Verdict> {
    let decision = select(vec![
        Decision::Approved,
        Decision::PartiallyApproved,
        Decision::Referred,
        Decision::Declined,
    ]);
    let code = select(PRECEDENCE.to_vec());
    let whose = prop_oneof![
        level().prop_map(Whose::from),
        string().prop_map(|hold_id| Whose::Hold(hold_id.into())),
        (string(), option::of(string()))
            .prop_map(|(id, hold)| Whose::SoldTo(id.into(), hold.map(Into::into))),
    ];
    let effect = select(vec![Effect::Notify, Effect::Alert, Effect::Refer, Effect::Hold]);
    let reason = (code, number(), number(), option::of(whose), option::of(effect)).prop_map(
        |(code, observed, threshold, whose, effect)| Reason {
            whose,
            effect,
            ..Reason::own(code, observed, threshold)
        },
    );
    let amounts = (option::of(number()), option::of(number()));
    let invoice =
        (string(), number()).prop_map(|(id, open)| CuringInvoice { invoice_id: id.into(), open });
    let cure = (option::of(invoice), option::of(day()))
        .prop_map(|(invoice, fits_from)| Box::new(Cure { invoice, fits_from }));
    (decision, vec(reason, 0..7), amounts, option::of(level()), option::of(cure))
        .prop_map(|(decision, reasons, (fitting, available), bound_by, cure)| Verdict {
            decision,
            reasons,
            fitting,
            available,
            bound_by,
            cure,
        })
        .boxed()
}

fn reserved() -> BoxedStrategy<Reserved> {
    let counting = option::of(counting::counting());
    let ids = (option::of(any::<u64>()), option::of(any::<u64>()));
    (verdict(), ids, number(), number(), counting)
        .prop_map(|(verdict, (reservation, case), amount, expires_at, counting)| Reserved {
            verdict,
            reservation,
            amount,
            expires_at,
            counting: counting.map(Box::new),
            case,
        })
        .boxed()
}

fn changed() -> BoxedStrategy<Changed> {
    let amounts = proptest::array::uniform7(number());
    let view = (any::<u64>(), string(), string(), currency(), amounts);
    let of_terms = (option::of(counting::kept()), option::of(terms::invoiced()));
    (verdict(), view, any::<bool>(), of_terms)
        .prop_map(|(verdict, view, breach, (details, invoiced))| {
            let (id, account_id, order_id, currency, numbers) = view;
            let [open, captured, released, expired, expires_at, created_at, amount] = numbers;
            let reservation = ReservationView {
                id,
                account_id: account_id.into(),
                order_id: order_id.into(),
                currency,
                open,
                captured,
                released,
                expired,
                expires_at,
                created_at,
                details: details.map(Box::new),
            };
            let invoiced = invoiced.map(Box::new);
            Changed { verdict, reservation, amount, breach, invoiced }
        })
        .boxed()
}

pub fn outcome() -> BoxedStrategy<Outcome> {
    let upserted = || select(vec![Upserted::Created, Upserted::Updated, Upserted::Unchanged]);
    let proposed = || {
        let parts = any::<(u64, bool)>();
        parts.prop_map(|(proposal, approved)| Proposed { proposal, approved })
    };
    prop_oneof![
        reserved().prop_map(Outcome::Reserved),
        vec(reserved(), 0..20).prop_map(Outcome::ReservedAll),
        changed().prop_map(Outcome::Changed),
        upserted().prop_map(Outcome::Upserted),
        proposed().prop_map(Outcome::Proposed),
        (upserted(), proposed()).prop_map(|(a, b)| Outcome::UpsertedProposing(a, b)),
        any::<u64>().prop_map(Outcome::Erased),
        any::<u64>().prop_map(Outcome::Policy),
        (any::<(u32, u32, u32)>(), option::of(any::<u64>())).prop_map(
            |((examined, revalued, kept), next)| {
                Outcome::Revalued(Revalued { examined, revalued, kept, next })
            }
        ),
        cases::reviewed().prop_map(|reviewed| Outcome::Reviewed(Box::new(reviewed))),
        vec(cases::reviewed(), 0..3).prop_map(Outcome::Retried),
        Just(Outcome::Done),
    ]
    .boxed()
}

pub fn entry() -> BoxedStrategy<Entry<'static>> {
    let request = (command(), string(), string(), option::of(text()))
        .prop_map(|(command, actor, channel, reason)| Request { command, actor, channel, reason });
    (request, any::<u64>(), outcome(), vec(event(), 0..5))
        .prop_map(|(request, policy_version, outcome, events)| Entry {
            request,
            policy_version,
            outcome,
            events,
        })
        .boxed()
}
