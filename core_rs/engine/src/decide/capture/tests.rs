use crate::bounds::{AMOUNT_MINOR_MAX, CAPTURES_MAX};
use crate::command::*;
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Status;
use crate::outcome::Decision::{Approved, Declined};
use crate::outcome::ReasonCode::*;
use crate::testing::*;
use crate::values::LimitKind::{Amount, Unlimited};

fn part<'a>(amount: i64, invoice_id: &'a str) -> CaptureOrder<'a> {
    CaptureOrder { amount: Some(amount), ..capture("o", invoice_id) }
}

#[test]
fn a_shipment_moves_reserved_to_captured() {
    #[rustfmt::skip]
    let table = [
        // amount, last => captured, still open, available
        (None, false, 60, 0, 40),
        (Some(60), false, 60, 0, 40),
        (Some(20), false, 20, 40, 40),
        (Some(20), true, 20, 0, 80),
    ];
    for (amount, last, captured, open, available) in table {
        let mut book = Book::with_100();
        book.hold("o", 60);
        let found = book.changed(CaptureOrder { amount, last, ..capture("o", "i") });
        assert_eq!((found.amount, found.breach), (captured, false), "{amount:?} {last}");
        assert_eq!((found.reservation.captured, found.reservation.open), (captured, open));
        assert_eq!(found.reservation.released, 60 - captured - open);
        assert_eq!(found.verdict.available, Some(available));
        assert_eq!(book.position(), (0, captured, open));
        assert_eq!(book.item("i").captured, captured);
    }
}

#[test]
fn what_is_held_may_be_shipped_whatever_has_become_of_the_account() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(status("a", Status::Closed)).unwrap();
    book.run(UpsertAccount { limit: Some(limit(Amount(0))), ..account("a") }).unwrap();
    let found = book.changed(capture("o", "i"));
    assert_eq!((found.verdict.decision, found.amount), (Approved, 60));
    assert_eq!((found.verdict.available, found.breach), (Some(-60), false));
}

#[test]
fn the_excess_over_what_is_reserved_is_checked_like_an_order() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    let found = book.changed(part(101, "i"));
    assert_eq!((found.verdict.decision, found.amount), (Declined, 0));
    assert_eq!(found.verdict.reasons, [reason(InsufficientCredit, 41, 40)]);
    assert_eq!((found.verdict.fitting, found.verdict.available), (Some(40), Some(40)));
    assert_eq!(book.position(), (0, 0, 60), "a declined capture takes nothing");
    book.run(UpsertAccount { max_order: Some(99), ..account("a") }).unwrap();
    let found = book.changed(part(100, "i"));
    assert_eq!(found.verdict.reasons, [reason(MaxOrderAmountExceeded, 100, 99)]);
    assert_eq!(found.verdict.fitting, Some(39));
    // What was shipped before belongs to the order's total.
    book.run(part(10, "h")).unwrap();
    let found = book.changed(part(90, "i"));
    assert_eq!(found.verdict.reasons, [reason(MaxOrderAmountExceeded, 100, 99)]);
    let found = book.changed(part(89, "i"));
    assert_eq!((found.verdict.decision, found.amount), (Approved, 89));
    assert_eq!(book.position(), (0, 99, 0));
}

#[test]
fn of_two_captures_that_race_the_second_finds_nothing_open() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(capture("o", "i")).unwrap();
    assert_eq!(book.refused(capture("o", "j")), Refusal::NothingOpen);
    assert_eq!(book.refused(capture("o", "i")), Refusal::InvoiceAlreadyCaptured("i".into()));
    let found = book.changed(part(60, "j"));
    assert_eq!(found.verdict.reasons, [reason(InsufficientCredit, 60, 40)]);
    assert_eq!(book.position(), (0, 60, 0));
}

#[test]
fn after_expiry_a_shipment_is_reserved_again_where_it_fits() {
    #[rustfmt::skip]
    let table = [
        // held by others since, forced => decision, breach, captured
        (40, false, Approved, false, 60),
        (41, false, Declined, false, 0),
        (40, true, Approved, false, 60),
        (41, true, Approved, true, 60),
    ];
    for (held, forced, decision, breach, captured) in table {
        let mut book = Book::with_100();
        book.hold("o", 60);
        book.pass(DAY);
        book.hold("other", held);
        assert_eq!(book.refused(capture("o", "i")), Refusal::NothingOpen);
        let (outcome, events) = book.events(CaptureOrder { forced, ..part(60, "i") }).unwrap();
        let crate::outcome::Outcome::Changed(found) = outcome else { panic!("{outcome:?}") };
        assert_eq!((found.verdict.decision, found.breach), (decision, breach), "{held} {forced}");
        assert_eq!((found.amount, found.reservation.expired), (captured, 60));
        assert_eq!(book.position(), (0, captured, held));
        let short = reason(InsufficientCredit, 60, 100 - held);
        let named = if held > 40 { vec![short] } else { vec![] };
        assert_eq!(found.verdict.reasons, named);
        let breached =
            events.iter().any(|event| matches!(event, Event::Breached { amount: 60, .. }));
        assert_eq!(breached, breach, "a breach stands in the journal");
    }
}

#[test]
fn force_carries_goods_past_every_rule_and_names_them() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(UpsertAccount { max_order: Some(50), ..account("a") }).unwrap();
    book.run(status("a", Status::Suspended)).unwrap();
    let found = book.changed(CaptureOrder { forced: true, ..part(161, "i") });
    let reasons = [
        reason(AccountSuspended, 0, 0),
        reason(MaxOrderAmountExceeded, 161, 50),
        reason(InsufficientCredit, 101, 40),
    ];
    assert_eq!(found.verdict.reasons, reasons);
    assert_eq!((found.verdict.decision, found.breach), (Approved, true));
    assert_eq!((found.amount, found.verdict.available), (161, Some(-61)));
    assert_eq!(book.position(), (0, 161, 0));
}

#[test]
fn force_within_what_is_held_is_no_breach() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(status("a", Status::Suspended)).unwrap();
    let found = book.changed(CaptureOrder { forced: true, ..capture("o", "i") });
    assert_eq!((found.breach, found.verdict.reasons), (false, vec![]));
}

#[test]
fn the_ledger_told_first_of_the_order_so_the_capture_only_acknowledges() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.post(Post { order_id: Some("o"), ..invoice("i", 50) });
    assert_eq!(book.position(), (50, 0, 10));
    let found = book.changed(part(50, "i"));
    assert_eq!((found.amount, found.reservation.captured), (0, 50));
    assert_eq!(found.verdict.available, Some(40));
    assert_eq!(book.position(), (50, 0, 10));
    assert_eq!(book.refused(part(50, "i")), Refusal::InvoiceAlreadyCaptured("i".into()));
    assert!(!book.order("o").captures[0].by_ledger);
}

#[test]
fn an_acknowledged_capture_that_is_the_last_releases_the_rest() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.post(Post { order_id: Some("o"), ..invoice("i", 50) });
    let found = book.changed(CaptureOrder { last: true, ..capture("o", "i") });
    assert_eq!((found.reservation.open, found.reservation.released), (0, 10));
    assert_eq!(found.verdict.available, Some(50));
    assert_eq!(book.position(), (50, 0, 0));
}

#[test]
fn the_ledger_told_first_of_the_invoice_alone_so_the_order_stops_holding_its_part() {
    #[rustfmt::skip]
    let table = [
        // amount, last => captured by the order, open
        (None, false, 60, 0),
        (Some(50), false, 50, 10),
        (Some(50), true, 50, 0),
        // Amount differences follow the ledger: nothing is checked, nothing grows.
        (Some(500), false, 60, 0),
    ];
    for (amount, last, captured, open) in table {
        let mut book = Book::with_100();
        book.hold("o", 60);
        book.post(invoice("i", 50));
        assert_eq!(book.position(), (50, 0, 60));
        let found = book.changed(CaptureOrder { amount, last, ..capture("o", "i") });
        assert_eq!(found.amount, 0, "the ledger had posted it");
        assert_eq!((found.reservation.captured, found.reservation.open), (captured, open));
        assert_eq!(found.verdict.available, Some(50 - open));
        assert_eq!(book.position(), (50, 0, open));
        assert_eq!(book.item("i").captured, 0);
        assert_eq!(book.refused(capture("o", "i")), Refusal::InvoiceAlreadyCaptured("i".into()));
    }
}

#[test]
fn a_posted_shipment_of_an_order_that_has_expired_is_noted_and_moves_nothing() {
    for amount in [None, Some(60)] {
        let mut book = Book::with_100();
        book.hold("o", 60);
        book.pass(DAY);
        book.post(Post { order_id: Some("o"), ..invoice("i", 60) });
        let found = book.changed(CaptureOrder { amount, ..capture("o", "i") });
        assert_eq!((found.amount, found.verdict.decision), (0, Approved));
        assert_eq!(book.position(), (60, 0, 0));
    }
}

#[test]
fn one_invoice_may_cover_several_captures() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.hold("p", 30);
    book.run(part(60, "i")).unwrap();
    book.run(capture("p", "i")).unwrap();
    assert_eq!(book.item("i").captured, 90);
    book.post(invoice("i", 95));
    assert_eq!(book.position(), (95, 0, 0));
    // A third order on it, after the ledger: it counts already.
    book.hold("q", 5);
    book.run(capture("q", "i")).unwrap();
    assert_eq!(book.position(), (95, 0, 0));
}

#[test]
fn one_order_may_be_shipped_on_several_invoices() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(part(20, "i")).unwrap();
    book.run(part(20, "j")).unwrap();
    book.post(invoice("j", 20));
    assert_eq!(book.position(), (20, 20, 20));
    book.run(capture("o", "k")).unwrap();
    assert_eq!(book.position(), (20, 40, 0));
    let invoices: Vec<_> = book.order("o").captures.iter().map(|c| &*c.invoice_id).collect();
    assert_eq!(invoices, ["i", "j", "k"]);
}

#[test]
fn an_older_reservation_of_an_order_can_be_shipped_by_its_id() {
    let mut book = Book::with_100();
    let first = book.hold("o", 60).reservation.unwrap();
    book.pass(DAY);
    let second = book.hold("o", 30).reservation.unwrap();
    let target = Target::Id(first);
    let found = book.changed(CaptureOrder { target, ..part(60, "i") });
    assert_eq!((found.amount, found.reservation.id), (60, first));
    assert_eq!((book.order("o").id, book.position()), (second, (0, 60, 30)));
}

#[test]
fn no_capture_outgrows_its_bounds_not_even_by_force() {
    let mut book = Book::with_limit(Unlimited);
    for order_id in ["1", "2", "3", "o"] {
        book.hold(order_id, AMOUNT_MINOR_MAX);
    }
    book.run(capture("o", "i")).unwrap();
    for forced in [false, true] {
        let refusal = book.refused(CaptureOrder { forced, ..part(1, "j") });
        assert_eq!(refusal, Refusal::ExposureOutOfRange(1));
    }
    // A rule that declines it goes first.
    book.run(status("a", Status::Suspended)).unwrap();
    let found = book.changed(part(1, "j"));
    assert_eq!(found.verdict.reasons, [reason(AccountSuspended, 0, 0)]);
    let unknown = Refusal::ReservationNotFound { field: "order_id", value: "x".into() };
    assert_eq!(book.refused(capture("x", "i")), unknown);
}

#[test]
fn a_reservation_takes_so_many_invoices_and_no_more() {
    let mut book = Book::with_limit(Unlimited);
    book.hold("o", 2_000);
    let ids: Vec<String> = (0..CAPTURES_MAX).map(|n| format!("i{n}")).collect();
    for id in &ids {
        book.run(CaptureOrder { amount: Some(1), ..capture("o", id) }).unwrap();
    }
    let one_more = CaptureOrder { amount: Some(1), ..capture("o", "j") };
    assert_eq!(book.refused(one_more), Refusal::TooManyCaptures("j".into()));
    book.post(Post { order_id: Some("o"), ..invoice("j", 10) });
    assert_eq!(book.position(), (10, 1_000, 1_000), "the ledger is not refused");
}

#[test]
fn by_force_goods_count_also_where_nothing_was_reserved_for_them() {
    let forced = |amount| CaptureOrder { forced: true, ..part(amount, "i") };
    let mut book = Book::with_100();
    assert!(matches!(book.refused(part(60, "i")), Refusal::ReservationNotFound { .. }));
    let found = book.changed(forced(60));
    assert_eq!((found.amount, found.breach, book.position()), (60, false, (0, 60, 0)));
    let again = book.refused(forced(60));
    assert_eq!(again, Refusal::InvoiceAlreadyCaptured("i".into()));
    // Beyond the limit it is a breach, and what the ledger has posted already counts there.
    let beyond = CaptureOrder { target: by_order("p"), ..forced(50) };
    let found = book.changed(CaptureOrder { invoice_id: "j", ..beyond });
    assert_eq!((found.amount, found.breach, book.position()), (50, true, (0, 110, 0)));
    book.post(invoice("k", 30));
    let posted = CaptureOrder { target: by_order("q"), invoice_id: "k", ..forced(30) };
    let found = book.changed(posted);
    assert_eq!((found.amount, found.reservation.captured), (0, 30));
    assert_eq!(book.position(), (30, 110, 0));
}
