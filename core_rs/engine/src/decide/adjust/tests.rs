use crate::bounds::AMOUNT_MINOR_MAX;
use crate::command::*;
use crate::error::Refusal;
use crate::model::Status;
use crate::outcome::Decision::{Approved, Declined};
use crate::outcome::ReasonCode::*;
use crate::testing::*;
use crate::values::LimitKind::{Amount, Unlimited};

#[test]
fn a_new_total_counts_captured_parts() {
    // Of a limit of 100 another order holds 20; this one was captured for 30 and holds 20.
    #[rustfmt::skip]
    let table = [
        // total => decision, open, released, available, fitting growth
        (30, Approved, 0, 20, Some(50), None),
        (49, Approved, 19, 1, Some(31), None),
        (50, Approved, 20, 0, Some(30), None),
        (51, Approved, 21, 0, Some(29), None),
        (80, Approved, 50, 0, Some(0), None),
        (81, Declined, 20, 0, Some(30), Some(30)),
    ];
    for (total, decision, open, released, available, fitting) in table {
        let mut book = Book::with_100();
        book.hold("other", 20);
        book.hold("o", 50);
        book.run(CaptureOrder { amount: Some(30), ..capture("o", "i") }).unwrap();
        let found = book.changed(adjust("o", total));
        assert_eq!(found.verdict.decision, decision, "{total}");
        assert_eq!((found.reservation.open, found.reservation.released), (open, released));
        assert_eq!((book.order("o").open, book.order("o").released), (open, released));
        assert_eq!((found.verdict.available, found.verdict.fitting), (available, fitting));
        assert_eq!(found.verdict.reasons.is_empty(), decision == Approved, "{total}");
        assert_eq!((found.amount, found.breach), (0, false));
        assert_eq!(book.position(), (0, 30, 20 + open));
    }
}

#[test]
fn a_refused_growth_leaves_the_reservation_as_it_was() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    let before = book.state.dump();
    let found = book.changed(Adjust { ttl: ttl(Some(60)), ..adjust("o", 101) });
    assert_eq!(found.verdict.reasons, [reason(InsufficientCredit, 41, 40)]);
    assert_eq!(found.reservation.open, 60);
    assert_eq!(book.state.dump(), before);
}

#[test]
fn growth_is_held_against_every_rule_and_shrinking_against_none() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(UpsertAccount { max_order: Some(50), ..account("a") }).unwrap();
    book.run(status("a", Status::Suspended)).unwrap();
    book.run(UpsertAccount { limit: Some(limit(Amount(10))), ..account("a") }).unwrap();
    let found = book.changed(adjust("o", 61));
    let reasons = [
        reason(AccountSuspended, 0, 0),
        // The whole order's total, but only what is new must fit.
        reason(MaxOrderAmountExceeded, 61, 50),
        reason(InsufficientCredit, 1, -50),
    ];
    assert_eq!(found.verdict.reasons, reasons);
    let found = book.changed(adjust("o", 59));
    assert_eq!((found.verdict.decision, found.verdict.available), (Approved, Some(-49)));
}

#[test]
fn below_captured_is_refused_and_so_is_what_nobody_knows() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(CaptureOrder { amount: Some(30), ..capture("o", "i") }).unwrap();
    assert_eq!(book.refused(adjust("o", 29)), Refusal::BelowCaptured { total: 29, captured: 30 });
    let unknown = |field, value: &str| Refusal::ReservationNotFound { field, value: value.into() };
    assert_eq!(book.refused(adjust("x", 29)), unknown("order_id", "x"));
    let by_id = Adjust { target: Target::Id(7), ..adjust("", 29) };
    assert_eq!(book.refused(by_id), unknown("reservation_id", "7"));
    let target = Target::Order(OrderKey { account_id: "x", order_id: "o" });
    let refusal = book.refused(Adjust { target, ..adjust("", 29) });
    assert_eq!(refusal, Refusal::AccountNotFound("x".into()));
}

#[test]
fn a_closed_order_opened_again_is_checked_in_full() {
    let mut book = Book::with_100();
    book.hold("o", 80);
    book.run(CaptureOrder { amount: Some(30), last: true, ..capture("o", "i") }).unwrap();
    book.hold("p", 60);
    // 30 captured, 60 held: the 50 that were released must fit again.
    let found = book.changed(adjust("o", 80));
    assert_eq!(found.verdict.reasons, [reason(InsufficientCredit, 50, 10)]);
    assert!(!book.order("o").is_open());
    let found = book.changed(adjust("o", 40));
    assert_eq!((found.verdict.decision, found.reservation.open), (Approved, 10));
    assert_eq!((book.order("o").open, book.order("o").released), (10, 50));
    assert_eq!(book.position(), (0, 30, 70));
}

#[test]
fn an_expired_order_that_grows_again_does_not_lapse_at_once() {
    let ttl = i64::from(TTL_S) * SECOND;
    let mut book = Book::with_100();
    book.hold("o", 80);
    book.pass(2 * ttl);
    assert_eq!(book.order("o").expired, 80);
    let found = book.changed(adjust("o", 80));
    assert_eq!(found.reservation.expires_at, book.now + ttl);
    book.pass(ttl - 1);
    assert_eq!(book.order("o").open, 80);
    book.pass(1);
    assert_eq!((book.order("o").open, book.order("o").expired), (0, 160));
}

#[test]
fn the_time_to_hold_changes_only_when_asked() {
    let mut book = Book::with_100();
    let expires_at = book.hold("o", 50).expires_at;
    book.now += 10 * SECOND;
    assert_eq!(book.changed(adjust("o", 60)).reservation.expires_at, expires_at);
    let found = book.changed(Adjust { ttl: ttl(Some(60)), ..adjust("o", 60) });
    assert_eq!(found.reservation.expires_at, book.now + 60 * SECOND);
    assert_eq!(book.order("o").expires_at, book.now + 60 * SECOND);
    book.pass(60 * SECOND);
    assert_eq!(book.position(), (0, 0, 0));
}

#[test]
fn an_order_never_has_two_open_reservations() {
    let mut book = Book::with_100();
    let first = book.hold("o", 40).reservation.unwrap();
    book.run(release("o")).unwrap();
    book.hold("o", 40);
    let by_id = |total| Adjust { target: Target::Id(first), ..adjust("", total) };
    let refusal = Refusal::OrderAlreadyReserved("o".into());
    assert_eq!(book.refused(by_id(10)), refusal);
    // Nor is an older one opened again once the newer has closed: the order's name means the
    // newer.
    book.run(release("o")).unwrap();
    assert_eq!(book.refused(by_id(10)), refusal);
    assert_eq!(book.changed(by_id(0)).reservation.open, 0, "nothing grows, nothing to refuse");
}

#[test]
fn what_a_reservation_held_over_its_life_stays_within_bounds() {
    let mut book = Book::with_limit(Unlimited);
    book.hold("o", AMOUNT_MINOR_MAX);
    for _ in 0..3 {
        book.changed(adjust("o", 0));
        book.changed(adjust("o", AMOUNT_MINOR_MAX));
    }
    book.changed(adjust("o", 0));
    assert_eq!(book.refused(adjust("o", 1)), Refusal::ExposureOutOfRange(1));
    book.hold("p", AMOUNT_MINOR_MAX);
}
