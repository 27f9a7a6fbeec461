use crate::command::*;
use crate::event::Event;
use crate::model::TemporaryLimitKind;
use crate::rates::Rate;
use crate::testing::*;
use crate::values::LimitKind;

const BANDS: &str = "
    [all.utilisation]
    hysteresis = 10
    band = [
        { percent = 50, outcome = 'notify' },
        { percent = 80, outcome = 'notify' },
        { percent = 90, outcome = 'notify' },
    ]";

fn book() -> Book {
    let mut book = Book::with_limit(LimitKind::Amount(100));
    book.set_policy(BANDS);
    book
}

/// Where each band begins that a command crosses, and the level after it.
fn crossed<'a>(book: &mut Book, command: impl Into<Command<'a>>) -> Vec<(u16, u16)> {
    let (_, events) = book.events(command).unwrap();
    let crossing = |event: &Event<'_>| match *event {
        Event::UtilisationCrossed { percent, level, .. } => Some((percent, level)),
        _ => None,
    };
    events.iter().filter_map(crossing).collect()
}

#[test]
fn the_first_bill_of_an_unverified_account_crosses_nothing() {
    let mut book = Book::with_limit(LimitKind::Amount(100));
    book.set_policy(&format!("[limits]\nfirst_order_needs_verification = true\n{BANDS}"));
    assert_eq!(crossed(&mut book, invoice("i", 10)), []);
    assert_eq!(crossed(&mut book, reserve("o", 45)), [(50, 50)]);
}

#[test]
fn a_crossing_is_told_once_whatever_moves_the_account() {
    let mut book = book();
    assert_eq!(crossed(&mut book, reserve("o1", 49)), []);
    assert_eq!(crossed(&mut book, reserve("o2", 36)), [(50, 50), (80, 80)]);
    assert_eq!(crossed(&mut book, reserve("o3", 4)), []);
    // A shipment moves nothing.
    assert_eq!(crossed(&mut book, capture("o2", "i")), []);
    assert_eq!(crossed(&mut book, adjust("o3", 5)), [(90, 90)]);
    // It is left only ten below where it begins.
    assert_eq!(crossed(&mut book, adjust("o3", 1)), []);
    assert_eq!(crossed(&mut book, adjust("o3", 5)), []);
    assert_eq!(crossed(&mut book, payment(11, &[])), [(90, 80)]);
    assert_eq!(crossed(&mut book, payment(39, &[])), [(80, 50)]);
    assert_eq!(crossed(&mut book, release("o1")), [(50, 0)]);
    assert_eq!(crossed(&mut book, reserve("o4", 60)), [(50, 50)]);
}

#[test]
fn a_change_of_the_limit_crosses_too() {
    let mut book = book();
    book.hold("o", 60);
    let with =
        |amount| UpsertAccount { limit: Some(limit(LimitKind::Amount(amount))), ..account("a") };
    assert_eq!(crossed(&mut book, with(70)), [(80, 80)]);
    assert_eq!(crossed(&mut book, with(1_000)), [(80, 50), (50, 0)]);
}

#[test]
fn limits_for_some_days_and_hard_caps_cross_when_they_are_set_and_removed() {
    let mut book = book();
    book.hold("o", 85);
    let increase = |amount| SetTemporaryLimit {
        request: REQUEST,
        account_id: "a",
        limit_id: "fair",
        kind: TemporaryLimitKind::Increase,
        amount,
        first: Some(TODAY),
        last: TODAY,
    };
    assert_eq!(crossed(&mut book, increase(30)), [(80, 50)]);
    let removed = RemoveTemporaryLimit { request: REQUEST, account_id: "a", limit_id: "fair" };
    assert_eq!(crossed(&mut book, removed), [(80, 80)]);
    let rolling = SetRollingLimit { request: REQUEST, account_id: "a", hard_cap: 90, days: 1 };
    // Until there is an average the credit limit stays the cap.
    assert_eq!(crossed(&mut book, rolling), [(90, 90)]);
    let removed = RemoveRollingLimit { request: REQUEST, account_id: "a" };
    assert_eq!(crossed(&mut book, removed), []);
}

#[test]
fn without_credit_an_account_is_in_every_band_that_owes_anything_and_without_a_limit_in_none() {
    let mut book = book();
    let with = |kind| UpsertAccount { limit: Some(limit(kind)), ..account("a") };
    assert_eq!(crossed(&mut book, with(LimitKind::Amount(0))), []);
    assert_eq!(crossed(&mut book, invoice("i", 1)), [(50, 50), (80, 80), (90, 90)]);
    assert_eq!(crossed(&mut book, with(LimitKind::NoCredit)), []);
    assert_eq!(crossed(&mut book, with(LimitKind::Unlimited)), [(90, 80), (80, 50), (50, 0)]);
}

#[test]
fn another_policy_crosses_nothing_and_hides_nothing() {
    let mut book = book();
    assert_eq!(crossed(&mut book, reserve("o1", 60)), [(50, 50)]);
    book.set_policy("[all.utilisation]\nband = [{ percent = 40 }, { percent = 70 }]");
    // It is in 40 already, and has risen into nothing.
    assert_eq!(crossed(&mut book, invoice("i1", 1)), []);
    assert_eq!(crossed(&mut book, invoice("i2", 9)), [(70, 70)]);
    assert_eq!(crossed(&mut book, release("o1")), [(70, 40), (40, 0)]);
    book.set_policy("");
    assert_eq!(crossed(&mut book, invoice("i3", 80)), []);
    // In 80 and 90 it rose when nobody asked.
    book.set_policy(BANDS);
    assert_eq!(crossed(&mut book, payment(5, &[])), []);
    assert_eq!(crossed(&mut book, payment(16, &[])), [(90, 80), (80, 50)]);
}

#[test]
fn a_segment_without_bands_crosses_nothing_and_hides_nothing() {
    let mut book = Book::with_limit(LimitKind::Amount(100));
    let (request, segment_id, currency) = (REQUEST, "out", usd());
    book.run(UpsertSegment { request, segment_id, currency, limit: None, cap: Some(Some(9_999)) })
        .unwrap();
    book.set_policy(&format!("{BANDS}\n[segment.out.utilisation]\nexcluded = true"));
    let to = |segment_id| UpsertAccount { segment_id: Some(segment_id), ..account("a") };
    assert_eq!(crossed(&mut book, to("out")), []);
    assert_eq!(crossed(&mut book, invoice("i", 60)), []);
    assert_eq!(crossed(&mut book, to("")), []);
    assert_eq!(crossed(&mut book, payment(30, &[])), [(50, 0)]);
}

#[test]
fn the_clock_crosses_too() {
    let mut book = book();
    book.hold("o", 60);
    book.now += i64::from(TTL_S) * SECOND;
    let keep_all = Housekeep { closed_before: i64::MIN, closed_count_max: u64::MAX };
    assert_eq!(crossed(&mut book, keep_all), [(50, 0)]);
}

#[test]
fn what_is_undone_is_told_again() {
    let mut book = book();
    let before = book.state.dump();
    let mark = book.state.mark();
    let request = book.request(reserve("o", 60));
    let (_, events) = crate::decide::decide(&book.state, 9, book.now, &request).unwrap();
    events.iter().for_each(|event| crate::apply::apply(&mut book.state, book.now, event));
    book.state.undo(mark);
    assert_eq!(book.state.dump(), before);
    assert_eq!(crossed(&mut book, reserve("o", 60)), [(50, 50)]);
}

#[test]
fn an_account_is_held_once_for_a_rule() {
    let mut book = Book::with_limit(LimitKind::Amount(1_000));
    book.set_policy("[all.maximum-order]\namount = '0.50 USD'\noutcome = 'hold'");
    let placed = |events: &[Event<'_>]| {
        events.iter().filter(|event| matches!(event, Event::HoldPlaced { .. })).count()
    };
    let orders = vec![order("o1", 60), order("o2", 60)];
    let (_, events) = book.events(ReserveAll { request: REQUEST, orders }).unwrap();
    assert_eq!(placed(&events), 1);
    let (_, events) = book.events(reserve("o1", 60)).unwrap();
    assert_eq!(placed(&events), 0);
    let hold_id = "policy-maximum-order";
    book.run(LiftHold { request: REQUEST, account_id: "a", hold_id }).unwrap();
    book.hold("o1", 50);
}

#[test]
fn what_is_tried_knows_as_much_as_what_is_in_force() {
    let mut book = Book::with_limit(LimitKind::Amount(1_000));
    book.run(PutPolicy { request: REQUEST, text: "[all.first-order]\noutcome = 'hold'" }).unwrap();
    book.run(ShadowPolicy { request: REQUEST, version: Some(2) }).unwrap();
    book.hold("o1", 60);
    book.hold("o2", 60);
    let (_, events) = book.events(capture("o1", "i1")).unwrap();
    assert!(matches!(events[..], [Event::Captured { .. }, Event::FirstBilled { slot: 0 }]));
    let (_, events) = book.events(capture("o2", "i2")).unwrap();
    assert!(matches!(events[..], [Event::Captured { .. }]));
    book.run(ShadowPolicy { request: REQUEST, version: None }).unwrap();
    assert!(!book.state.has_rules());
}

#[test]
fn a_revaluation_crosses_once() {
    let mut book = book();
    let (base, currency, source, request) = (eur(), usd(), "ecb", REQUEST);
    let quoted = |rate| {
        let rate = Rate::parse(rate).unwrap();
        UpsertRate { request, base, currency, rate, source, as_of: None }
    };
    let revalue = || Revalue { request, after: 0 };
    book.run(quoted("1")).unwrap();
    for (order_id, amount) in [("o", 20), ("p", 20)] {
        let order = Order { currency: eur(), ..order(order_id, amount) };
        assert_eq!(crossed(&mut book, Reserve { order, ..reserve("", 0) }), []);
    }
    book.run(quoted("1.5")).unwrap();
    assert_eq!(crossed(&mut book, revalue()), [(50, 50)]);
    assert_eq!(crossed(&mut book, revalue()), []);
    book.now += SECOND;
    book.run(quoted("1.5")).unwrap();
    assert_eq!(crossed(&mut book, revalue()), [], "another quote of the same rate");
    book.run(quoted("0.9")).unwrap();
    assert_eq!(crossed(&mut book, revalue()), [(50, 0)]);
}
