//! Random commands of few accounts, orders and invoices, so that they meet.

use creditgate_engine::bounds::AMOUNT_MINOR_MAX;
use creditgate_engine::command::*;
use creditgate_engine::counting::{OrderDetails, Shipping};
use creditgate_engine::model::{Findings, HoldKind, Status, TemporaryLimitKind};
use creditgate_engine::policy::limits::Owner;
use creditgate_engine::rates::Rate;
use creditgate_engine::terms::*;
use creditgate_engine::values::{Currency, Day, Limit, LimitKind, Ttl};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::reference::{ExposurePolicy, Referring, Rules};
use crate::{DAY, START};
use cases::review;
use limits::{adjustments, on_word, proposal, reconciliation, verification};

pub use limits::rules;

const REQUEST: RequestKey<'static> = RequestKey { id: "r", row: 0, call: 0 };

/// A moment later, another command of somebody. `Target::Id` holds the place of a reservation among
/// those ever made, and a decision on a proposal that of one among those that wait.
#[derive(Clone, Debug)]
pub struct Step {
    pub later: i64,
    pub actor: &'static str,
    pub channel: &'static str,
    pub command: Command<'static>,
}

fn account_id() -> BoxedStrategy<&'static str> {
    select(vec!["a", "a", "a", "a", "b", "b", "c", "unknown"]).boxed()
}

fn order_id() -> BoxedStrategy<&'static str> {
    select(vec!["o1", "o2", "o3"]).boxed()
}

fn invoice_id() -> BoxedStrategy<&'static str> {
    select(vec!["i1", "i2", "i3", "i4"]).boxed()
}

/// "a" and "b" are in USD, "c" is in EUR.
fn currency_for(account_id: &str, wrong: bool) -> Currency {
    let code = if (account_id == "c") == wrong { "USD" } else { "EUR" };
    Currency::parse(code).expect("three capital letters")
}

fn seldom() -> BoxedStrategy<bool> {
    prop::bool::weighted(0.05).boxed()
}

fn amount() -> BoxedStrategy<i64> {
    prop_oneof![30 => 1_i64..60, 5 => 60_i64..150, 1 => Just(AMOUNT_MINOR_MAX)].boxed()
}

fn limit() -> BoxedStrategy<Limit> {
    let today = Day::of(START).0;
    let kind = prop_oneof![
        4 => (0_i64..200).prop_map(LimitKind::Amount),
        1 => Just(LimitKind::Amount(0)),
        2 => Just(LimitKind::Unlimited),
        1 => Just(LimitKind::NoCredit),
        2 => Just(LimitKind::Inherit),
    ];
    let until = option::weighted(0.2, (today..today + 6).prop_map(Day));
    (kind, until).prop_map(|(kind, valid_until)| Limit { kind, valid_until }).boxed()
}

fn channel() -> BoxedStrategy<&'static str> {
    select(vec!["", "web", "web", "pos"]).boxed()
}

const DEFAULT_TTL_S: u32 = 86_400;

fn order() -> BoxedStrategy<Order<'static>> {
    let other = prop::bool::weighted(0.15);
    let ttl_s = option::weighted(0.8, 1_u32..200_000);
    (account_id(), order_id(), amount(), other, ttl_s, (asked(), shipping()))
        .prop_map(|(account_id, order_id, amount, wrong, asked_s, (terms, shipping))| {
            let ttl = Ttl { asked_s, default_s: DEFAULT_TTL_S };
            let currency = currency_for(account_id, wrong);
            let AskedTerms { contract_id, terms_id } =
                terms.unwrap_or(AskedTerms { contract_id: None, terms_id: None });
            let part = |share: i64| i64::try_from(i128::from(amount) * i128::from(share) / 100);
            let part = |share| part(share).expect("a part of an amount");
            let shipping = shipping.map(|of| {
                let (tax, freight) = (part(of.tax), part(of.freight));
                Shipping { tax, freight, ..of }
            });
            let details = OrderDetails { contract_id, terms_id, shipping };
            let names_any = details != OrderDetails::default();
            let details = names_any.then(|| Box::new(details));
            Order { account_id, order_id, amount, currency, ttl, details }
        })
        .boxed()
}

/// Tax and freight in percent.
fn shipping() -> BoxedStrategy<Option<Shipping<'static>>> {
    let today = Day::of(START).0;
    let ship_date = option::weighted(0.6, (today - 1..today + 9).prop_map(Day));
    let bill_to = option::weighted(0.3, account_id());
    let shipping = (ship_date, 0_i64..50, 0_i64..=50, bill_to).prop_map(
        |(ship_date, tax, freight, bill_to)| Shipping { ship_date, tax, freight, bill_to },
    );
    option::weighted(0.3, shipping).boxed()
}

fn rates() -> BoxedStrategy<Command<'static>> {
    let rate = select(vec!["0.5", "1.0825", "1.25", "2", "0.923788", "0.333333333333"]);
    let as_of = START - 4 * DAY..START + 9 * DAY;
    (rate, as_of, any::<bool>(), prop::bool::weighted(0.6), 0_u64..9_000)
        .prop_map(|(rate, as_of, inverse, sets, after)| {
            let request = REQUEST;
            if !sets {
                return Command::Revalue(Revalue { request, after: after.saturating_sub(6_000) });
            }
            let base = currency_for("c", inverse);
            let (currency, source) = (currency_for("c", !inverse), "ecb");
            let rate = Rate::parse(rate).expect("a decimal");
            let as_of = Some(as_of).filter(|_| after % 4 > 0);
            Command::UpsertRate(UpsertRate { request, base, currency, rate, source, as_of })
        })
        .boxed()
}

fn contract_id() -> BoxedStrategy<&'static str> {
    select(vec!["c1", "c2"]).boxed()
}

fn terms_id() -> BoxedStrategy<&'static str> {
    select(vec!["n1", "n1", "n2", "n2", "unknown"]).boxed()
}

/// Nothing, or a contract, or terms, or both.
fn asked() -> BoxedStrategy<Option<AskedTerms<'static>>> {
    (option::weighted(0.2, contract_id()), option::weighted(0.3, terms_id()))
        .prop_map(|(contract_id, terms_id)| {
            let names_any = contract_id.is_some() || terms_id.is_some();
            names_any.then_some(AskedTerms { contract_id, terms_id })
        })
        .boxed()
}

fn terms_spec() -> BoxedStrategy<TermsSpec> {
    let net = |days| Rule::Net { days };
    let roll = select(vec![Roll::Keep, Roll::Next, Roll::Previous]);
    let discount = option::of((1_u16..500, 0_u16..20));
    ((0_u16..40, option::of((1_u16..10_000, 0_u16..40))), discount, (0_u16..3, 0_u16..3), roll)
        .prop_map(move |((days, second), discount, (discount_grace_days, grace_days), roll)| {
            let taken = second.map_or(0, |(share, _)| share);
            let mut parts = vec![Part { share: WHOLE - taken, due: net(days) }];
            parts.extend(second.map(|(share, days)| Part { share, due: net(days) }));
            let discounts = discount.map(|(percent, days)| Discount { percent, until: net(days) });
            let discounts = discounts.into_iter().collect();
            TermsSpec { parts, discounts, discount_grace_days, grace_days, roll }
        })
        .boxed()
}

fn payment_terms() -> BoxedStrategy<Command<'static>> {
    let today = Day::of(START).0;
    let known = select(vec!["n1", "n2"]);
    let calendar = option::of(select(vec!["k", "k", "k", "unknown"]));
    let holidays = prop::collection::btree_set(today..today + 60, 0..20);
    let scope = prop_oneof![
        2 => account_id().prop_map(TermsScope::Account),
        1 => select(vec!["s", "t", "unknown"]).prop_map(TermsScope::Segment),
        2 => (account_id(), contract_id()).prop_map(|(account_id, contract_id)| {
            TermsScope::Contract { account_id, contract_id }
        }),
    ];
    let request = REQUEST;
    prop_oneof![
        2 => (known, calendar, terms_spec()).prop_map(move |(terms_id, calendar_id, spec)| {
            Command::UpsertTerms(UpsertTerms { request, terms_id, calendar_id, spec })
        }),
        1 => (0_u8..0x7f, holidays, 0..60_i32).prop_map(move |(weekend, holidays, known)| {
            let holidays = holidays.into_iter().map(Day).collect();
            let (from, until) = (Day(today - 1), Day(today + known));
            let spec = CalendarSpec { weekend, from, until, holidays, workdays: vec![] };
            Command::UpsertCalendar(UpsertCalendar { request, calendar_id: "k", spec })
        }),
        3 => (scope, option::weighted(0.8, terms_id())).prop_map(move |(scope, terms_id)| {
            Command::AssignTerms(AssignTerms { request, scope, terms_id })
        }),
    ]
    .boxed()
}

fn target() -> BoxedStrategy<Target<'static>> {
    let key = (account_id(), order_id());
    prop_oneof![
        3 => key.prop_map(|(account_id, order_id)| {
            Target::Order(OrderKey { account_id, order_id })
        }),
        2 => (0_u64..12).prop_map(Target::Id),
    ]
    .boxed()
}

fn ttl_s() -> BoxedStrategy<Option<u32>> {
    option::weighted(0.3, 1_u32..200_000).boxed()
}

fn upsert_account() -> BoxedStrategy<Command<'static>> {
    let ids = (
        account_id().prop_map(|id| if id == "unknown" { "d" } else { id }),
        option::weighted(0.3, select(vec!["", "a", "b", "c", "d", "unknown"])),
        option::weighted(0.3, select(vec!["", "s", "t"])),
    );
    let amounts = (
        option::weighted(0.3, select(vec![0_i64, 40, 90])),
        option::weighted(0.4, option::weighted(0.7, 0_i64..250)),
    );
    (ids, option::weighted(0.6, limit()), amounts, option::weighted(0.5, seldom()))
        .prop_map(|((account_id, parent_id, segment_id), limit, amounts, wrong)| {
            let (max_order, shared_limit) = amounts;
            Command::UpsertAccount(UpsertAccount {
                request: REQUEST,
                account_id,
                name: None,
                currency: wrong.map(|wrong| currency_for(account_id, wrong)),
                parent_id,
                segment_id,
                limit,
                max_order,
                shared_limit,
            })
        })
        .boxed()
}

fn upsert_segment() -> BoxedStrategy<Command<'static>> {
    let limit = limit().prop_filter("a segment has nothing to inherit from", |limit| {
        limit.kind != LimitKind::Inherit
    });
    let cap = option::weighted(0.5, option::weighted(0.7, 0_i64..250));
    (select(vec!["s", "t"]), select(vec!["a", "c"]), option::weighted(0.7, limit), cap)
        .prop_map(|(segment_id, like, limit, cap)| {
            let (request, currency) = (REQUEST, currency_for(like, false));
            Command::UpsertSegment(UpsertSegment { request, segment_id, currency, limit, cap })
        })
        .boxed()
}

fn post() -> BoxedStrategy<Command<'static>> {
    use EntryKind::{Adjustment, CreditMemo, Dispute, Invoice, OpeningBalance, Payment};
    let kinds = [Invoice, Invoice, Payment, CreditMemo, Adjustment, OpeningBalance, Dispute];
    let kind = select(kinds.to_vec());
    let ids = (account_id(), option::of(invoice_id()), option::of(order_id()));
    let parts = vec((invoice_id(), 1_i64..60), 0..3);
    let dates = (near_day(), near_day());
    (kind, ids, amount(), any::<bool>(), seldom(), parts, dates, position())
        .prop_map(|(kind, ids, amount, negative, wrong, mut allocations, dates, position)| {
            let (issued, due) = dates;
            let (account_id, mut invoice_id, order_id) = ids;
            match kind {
                Invoice | Dispute => invoice_id = invoice_id.or(Some("i1")),
                Payment | CreditMemo => invoice_id = None,
                Adjustment | OpeningBalance => {}
            }
            if !matches!(kind, Payment | CreditMemo) {
                allocations.clear();
            }
            while allocations.iter().map(|(_, part)| part).sum::<i64>() > amount {
                allocations.pop();
            }
            Command::Post(Post {
                source: "erp",
                entry_id: "e",
                position,
                account_id,
                kind,
                amount: match kind {
                    Adjustment | OpeningBalance if negative => -amount,
                    Dispute if negative => 0,
                    _ => amount,
                },
                currency: currency_for(account_id, wrong),
                invoice_id,
                order_id,
                issued,
                due,
                allocations,
            })
        })
        .boxed()
}

/// Often nowhere, as of a source that does not count its entries.
fn position() -> BoxedStrategy<u64> {
    prop_oneof![1 => Just(0), 1 => 0_u64..9].boxed()
}

fn move_source() -> BoxedStrategy<Command<'static>> {
    (select(vec!["erp", "pay"]), position())
        .prop_map(|(source, position)| Command::MoveSource(MoveSource { source, position }))
        .boxed()
}

/// A day of an invoice, where it is known.
fn near_day() -> BoxedStrategy<Option<Day>> {
    let today = Day::of(START).0;
    option::weighted(0.2, (today - 9..today + 9).prop_map(Day)).boxed()
}

fn capture() -> BoxedStrategy<Command<'static>> {
    let flags = (prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    (target(), option::of(amount()), invoice_id(), flags, near_day(), seldom())
        .prop_map(|(target, amount, invoice_id, (last, forced), issued, far)| {
            let issued = issued.map(|day| if far { Day(day.0 + 400) } else { day });
            Command::Capture(CaptureOrder {
                request: REQUEST,
                target,
                amount,
                invoice_id,
                last,
                forced,
                issued,
            })
        })
        .boxed()
}

fn status() -> BoxedStrategy<Command<'static>> {
    let status = select(vec![Status::Active, Status::Active, Status::Suspended, Status::Closed]);
    (account_id(), status)
        .prop_map(|(account_id, status)| {
            Command::SetStatus(SetStatus { request: REQUEST, account_id, status })
        })
        .boxed()
}

fn hold() -> BoxedStrategy<Command<'static>> {
    let kind = select(vec![HoldKind::Fraud, HoldKind::Bureau, HoldKind::Manual]);
    let until = option::of((START..START + 9 * DAY).prop_map(|until| until - until % (DAY / 4)));
    let hold = (account_id(), select(vec!["h", "k"]), kind, until);
    (hold, any::<bool>())
        .prop_map(|((account_id, hold_id, kind, until), lifts)| {
            let request = REQUEST;
            if lifts {
                return Command::LiftHold(LiftHold { request, account_id, hold_id });
            }
            let source = "desk";
            Command::PlaceHold(PlaceHold { request, account_id, hold_id, kind, source, until })
        })
        .boxed()
}

fn temporary_limit() -> BoxedStrategy<Command<'static>> {
    use TemporaryLimitKind::{Collateral, Increase, Insurance, Override};
    let kind = select(vec![Override, Override, Increase, Collateral, Insurance]);
    let today = Day::of(START).0;
    let days = (option::of((today..today + 6).prop_map(Day)), (today..today + 9).prop_map(Day));
    let limit = (account_id(), select(vec!["t", "u", "v"]), kind, 1_i64..150, days);
    (limit, prop::bool::weighted(0.2))
        .prop_map(|((account_id, limit_id, kind, amount, (first, last)), removes)| {
            let request = REQUEST;
            if removes {
                let removed = RemoveTemporaryLimit { request, account_id, limit_id };
                return Command::RemoveTemporaryLimit(removed);
            }
            let limit =
                SetTemporaryLimit { request, account_id, limit_id, kind, amount, first, last };
            Command::SetTemporaryLimit(limit)
        })
        .boxed()
}

fn rolling_limit() -> BoxedStrategy<Command<'static>> {
    (account_id(), 0_i64..250, 1_u16..4, prop::bool::weighted(0.2))
        .prop_map(|(account_id, hard_cap, days, removes)| {
            let request = REQUEST;
            if removes {
                return Command::RemoveRollingLimit(RemoveRollingLimit { request, account_id });
            }
            Command::SetRollingLimit(SetRollingLimit { request, account_id, hard_cap, days })
        })
        .boxed()
}

fn erasure() -> BoxedStrategy<Command<'static>> {
    let named = prop_oneof![Just(vec![]), Just(vec![1, 2, 3])];
    (account_id(), named)
        .prop_map(|(account_id, named)| {
            let account_id = if named.is_empty() { account_id } else { "" };
            let (request, entries) = (REQUEST, vec![1, 2]);
            Command::EraseTexts(EraseTexts { request, account_id, entries, named })
        })
        .boxed()
}

/// Some come one after the other, as they would by chance too seldom.
pub fn steps() -> BoxedStrategy<Vec<Step>> {
    let some = prop_oneof![
        60 => step().prop_map(|step| vec![step]),
        2 => cases::two_signers(),
        3 => cases::short_of_credit(),
    ];
    vec(some, 1..58).prop_map(|some| some.concat()).boxed()
}

fn step() -> BoxedStrategy<Step> {
    let later = prop_oneof![5 => Just(0), 3 => Just(1_000_000), 1 => 0..3 * DAY];
    let housekeep = (0..4 * DAY, 0_u64..6);
    let command = prop_oneof![
        6 => (order(), any::<bool>()).prop_map(|(order, allow_partial)| {
            Command::Reserve(Reserve { request: REQUEST, order, allow_partial })
        }),
        2 => vec(order(), 1..5)
            .prop_map(|orders| Command::ReserveAll(ReserveAll { request: REQUEST, orders })),
        4 => (target(), prop_oneof![1 => Just(0), 9 => amount()], ttl_s()).prop_map(
            |(target, total, asked_s)| {
                let ttl = Ttl { asked_s, default_s: DEFAULT_TTL_S };
                Command::Adjust(Adjust { request: REQUEST, target, total, ttl })
            }
        ),
        5 => capture(),
        2 => (target(), option::of(amount())).prop_map(|(target, amount)| {
            Command::Release(Release { request: REQUEST, target, amount })
        }),
        2 => (upsert_account(), any::<bool>()).prop_map(on_word),
        1 => (upsert_segment(), any::<bool>()).prop_map(on_word),
        2 => verification(),
        3 => proposal(),
        1 => status(),
        1 => hold(),
        2 => temporary_limit(),
        1 => rolling_limit(),
        3 => payment_terms(),
        2 => rates(),
        1 => erasure(),
        6 => review(),
        5 => post(),
        1 => move_source(),
        1 => reconciliation(),
        1 => adjustments(),
        2 => housekeep.prop_map(|(age, closed_count_max)| {
            // How old, until the test makes a moment of it.
            Command::Housekeep(Housekeep { closed_before: age, closed_count_max })
        }),
    ];
    let actor = select(vec!["oms", "anna", "bert"]);
    (later, actor, channel(), command)
        .prop_map(|(later, actor, channel, command)| Step { later, actor, channel, command })
        .boxed()
}

/// An account as it opens, or with this shared limit.
fn account(account_id: &'static str, shared_limit: Option<Option<i64>>) -> UpsertAccount<'static> {
    UpsertAccount {
        request: REQUEST,
        account_id,
        name: None,
        currency: Some(currency_for(account_id, false)),
        parent_id: None,
        segment_id: None,
        limit: None,
        max_order: None,
        shared_limit,
    }
}

/// What every sequence begins with.
pub fn opening() -> Vec<Step> {
    let limit = |kind| Some(Limit { kind, valid_until: None });
    [("a", limit(LimitKind::Amount(150))), ("b", limit(LimitKind::Unlimited)), ("c", None)]
        .map(|(id, limit)| Command::UpsertAccount(UpsertAccount { limit, ..account(id, None) }))
        .into_iter()
        .chain([first_rate()])
        .map(|command| Step { later: 0, actor: "oms", channel: "", command })
        .collect()
}

/// So that most orders in another currency have one.
fn first_rate() -> Command<'static> {
    let (base, currency) = (currency_for("c", false), currency_for("a", false));
    let (request, source, as_of) = (REQUEST, "ecb", None);
    let rate = Rate::parse("1.25").expect("a decimal");
    Command::UpsertRate(UpsertRate { request, base, currency, rate, source, as_of })
}

#[path = "commands_cases.rs"]
mod cases;

#[path = "commands_limits.rs"]
mod limits;
