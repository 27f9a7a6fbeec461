use super::{Inquiry, check};
use crate::bounds::{AMOUNT_MINOR_MAX, EXPOSURE_MINOR_MAX};
use crate::command::*;
use crate::error::Refusal;
use crate::model::Status;
use crate::outcome::Decision::{Approved, Declined, PartiallyApproved};
use crate::outcome::ReasonCode::*;
use crate::outcome::{Outcome, Reason, Reserved};
use crate::testing::*;
use crate::values::LimitKind::{Amount, Inherit, NoCredit, Unlimited};
use crate::values::{Day, Limit, LimitKind, Minor, reservation_id};

const YESTERDAY: Option<Day> = Some(Day(TODAY.0 - 1));

/// Account "a" with everything that a rule looks at.
fn book(state: Status, kind: LimitKind, valid_until: Option<Day>, max_order: Minor) -> Book {
    let mut book = Book::empty();
    let limit = Some(Limit { kind, valid_until });
    book.run(UpsertAccount { limit, max_order: Some(max_order), ..account("a") }).unwrap();
    book.run(status("a", state)).unwrap();
    book
}

#[test]
fn all_violated_rules_are_named_in_order_of_precedence() {
    let (active, suspended, closed) = (Status::Active, Status::Suspended, Status::Closed);
    let (today, yesterday) = (i64::from(TODAY.0), i64::from(TODAY.0) - 1);
    let expired = || reason(LimitExpired, today, yesterday);
    let no_limit = || reason(NoCreditLimit, 0, 0);
    let max_50 = || reason(MaxOrderAmountExceeded, 101, 50);
    let short = |available| reason(InsufficientCredit, 101, available);
    type Row = (Status, LimitKind, Option<Day>, Minor, Vec<Reason>, Option<Minor>);
    #[rustfmt::skip]
    let table: Vec<Row> = vec![
        // status, limit, valid until, max order => reasons, what would have fitted
        (active, Amount(101), None, 0, vec![], None),
        (active, Unlimited, None, 0, vec![], None),
        (active, Amount(101), Some(TODAY), 101, vec![], None),
        // One at a time.
        (closed, Amount(101), None, 0, vec![reason(AccountClosed, 0, 0)], None),
        (suspended, Amount(101), None, 0, vec![reason(AccountSuspended, 0, 0)], None),
        (active, NoCredit, None, 0, vec![no_limit()], None),
        (active, Inherit, None, 0, vec![no_limit()], None),
        (active, Amount(101), YESTERDAY, 0, vec![expired()], None),
        (active, Unlimited, YESTERDAY, 0, vec![expired()], None),
        (active, Amount(101), None, 50, vec![max_50()], Some(50)),
        (active, Unlimited, None, 50, vec![max_50()], Some(50)),
        (active, Amount(100), None, 0, vec![short(100)], Some(100)),
        (active, Amount(0), None, 0, vec![short(0)], Some(0)),
        // Several.
        (active, Amount(60), None, 50, vec![max_50(), short(60)], Some(50)),
        (active, Amount(40), None, 50, vec![max_50(), short(40)], Some(40)),
        (active, Amount(0), YESTERDAY, 50, vec![expired(), max_50(), short(0)], None),
        (suspended, Amount(7), YESTERDAY, 50,
            vec![reason(AccountSuspended, 0, 0), expired(), max_50(), short(7)], None),
        // No credit falls short of no amount: its absence is named, once.
        (closed, NoCredit, YESTERDAY, 50,
            vec![reason(AccountClosed, 0, 0), no_limit(), expired(), max_50()], None),
    ];
    for (status, kind, until, max_order, reasons, fitting) in table {
        let row = format!("{status:?} {kind:?} {until:?} {max_order}");
        let mut book = book(status, kind, until, max_order);
        let found = book.reserved(reserve("o", 101));
        let approved = reasons.is_empty();
        assert_eq!(found.verdict.reasons, reasons, "{row}");
        assert_eq!(found.verdict.fitting, fitting, "{row}");
        assert_eq!(found.verdict.decision, if approved { Approved } else { Declined }, "{row}");
        assert_eq!(found.amount, if approved { 101 } else { 0 }, "{row}");
        assert_eq!(found.reservation.is_some(), approved, "{row}");
        assert_eq!(book.position(), (0, 0, found.amount), "{row}");
        let ceiling = match kind {
            Amount(amount) => Some(amount),
            Unlimited => None,
            NoCredit | Inherit => Some(0),
        };
        assert_eq!(found.verdict.available, ceiling.map(|c| c - found.amount), "{row}");
    }
}

#[test]
fn a_part_is_reserved_only_where_the_request_allows_it() {
    let (active, none) = (Status::Active, None);
    #[rustfmt::skip]
    let table = [
        // account, held already => decision, amount
        (book(active, Amount(100), none, 0), 0, PartiallyApproved, 100),
        (book(active, Amount(100), none, 0), 99, PartiallyApproved, 1),
        (book(active, Amount(100), none, 0), 100, Declined, 0),
        (book(active, Amount(100), none, 50), 0, PartiallyApproved, 50),
        (book(active, Amount(100), none, 50), 50, PartiallyApproved, 50),
        (book(active, Unlimited, none, 50), 50, PartiallyApproved, 50),
        (book(active, Amount(0), none, 0), 0, Declined, 0),
        (book(active, NoCredit, none, 0), 0, Declined, 0),
        (book(active, Amount(100), YESTERDAY, 50), 0, Declined, 0),
        (book(Status::Suspended, Amount(100), none, 50), 0, Declined, 0),
    ];
    for (row, (mut book, held, decision, amount)) in table.into_iter().enumerate() {
        if held > 0 {
            let max_order = Some(0);
            let max_before = book.state.account(0).max_order;
            book.run(UpsertAccount { max_order, ..account("a") }).unwrap();
            book.hold("held", held);
            let max_order = Some(max_before);
            book.run(UpsertAccount { max_order, ..account("a") }).unwrap();
        }
        let refused = book.reserved(reserve("o", 150));
        assert_eq!((refused.verdict.decision, refused.amount), (Declined, 0), "row {row}");
        let found = book.reserved(Reserve { allow_partial: true, ..reserve("o", 150) });
        assert_eq!((found.verdict.decision, found.amount), (decision, amount), "row {row}");
        assert!(!found.verdict.reasons.is_empty(), "row {row}");
        assert_eq!(book.position(), (0, 0, held + amount), "row {row}");
        if decision == PartiallyApproved {
            assert_eq!(found.verdict.fitting, Some(amount), "row {row}");
        }
    }
    let mut book = Book::with_100();
    let whole = book.reserved(Reserve { allow_partial: true, ..reserve("o", 100) });
    assert_eq!((whole.verdict.decision, whole.amount), (Approved, 100));
}

#[test]
fn an_explicit_zero_differs_from_no_credit_where_the_customer_has_a_credit_balance() {
    for (kind, decision) in [(Amount(0), Approved), (NoCredit, Declined), (Inherit, Declined)] {
        let mut book = Book::with_limit(kind);
        book.post(payment(50, &[]));
        assert_eq!(book.reserved(reserve("o", 50)).verdict.decision, decision, "{kind:?}");
        assert_eq!(book.reserved(reserve("p", 1)).verdict.decision, Declined, "{kind:?}");
    }
}

#[test]
fn a_limit_is_inherited_from_the_segment_per_currency() {
    let mut book = Book::empty();
    let segment = |currency, limit| {
        let limit = Some(limit);
        UpsertSegment { request: REQUEST, segment_id: "retail", currency, limit, cap: None }
    };
    let until_today = Limit { kind: Amount(70), valid_until: Some(TODAY) };
    book.run(segment(eur(), limit(Unlimited))).unwrap();
    book.run(UpsertAccount { segment_id: Some("retail"), ..account("a") }).unwrap();
    assert_eq!(book.reserved(reserve("o", 1)).verdict.reasons, [reason(NoCreditLimit, 0, 0)]);
    book.run(segment(usd(), until_today)).unwrap();
    assert_eq!(book.hold("o", 70).verdict.available, Some(0));
    book.now += DAY;
    let late = book.reserved(reserve("p", 1)).verdict.reasons;
    let today = i64::from(TODAY.0);
    assert_eq!(late, [reason(LimitExpired, today + 1, today), reason(InsufficientCredit, 1, 0)]);
    // Its own limit goes first; what the segment says no longer counts.
    book.run(UpsertAccount { limit: Some(limit(Amount(90))), ..account("a") }).unwrap();
    assert_eq!(book.hold("p", 20).verdict.available, Some(0));
    // Each account inherits for itself.
    book.run(UpsertAccount { limit: Some(Limit::INHERIT), ..account("a") }).unwrap();
    book.run(segment(usd(), limit(Amount(100)))).unwrap();
    book.run(UpsertAccount { segment_id: Some("retail"), ..account("b") }).unwrap();
    let other = Order { account_id: "b", ..order("o", 100) };
    assert_eq!(book.reserved(Reserve { order: other, ..reserve("o", 100) }).amount, 100);
    assert_eq!(book.hold("q", 10).verdict.available, Some(0));
}

#[test]
fn a_limit_cut_below_exposure_leaves_reservations_alone() {
    let mut book = Book::with_100();
    book.hold("o", 80);
    book.run(UpsertAccount { limit: Some(limit(Amount(50))), ..account("a") }).unwrap();
    let found = book.reserved(Reserve { allow_partial: true, ..reserve("p", 10) });
    assert_eq!(found.verdict.reasons, [reason(InsufficientCredit, 10, -30)]);
    assert_eq!((found.verdict.available, found.verdict.fitting), (Some(-30), Some(0)));
    assert_eq!(book.order("o").open, 80);
    assert_eq!(book.changed(capture("o", "i")).amount, 80, "what is held may still be shipped");
}

#[test]
fn a_wrong_order_is_refused_in_order_of_precedence() {
    let mut book = Book::with_100();
    book.hold("o", 10);
    let mut refused = |order| book.refused(Reserve { order, ..reserve("", 0) });
    let unknown = Order { account_id: "x", currency: eur(), ..order("o", 10) };
    assert_eq!(refused(unknown), Refusal::AccountNotFound("x".into()));
    assert_eq!(refused(order("o", 10)), Refusal::OrderAlreadyReserved("o".into()));
}

#[test]
fn an_order_id_is_free_again_once_nothing_of_it_is_open() {
    let mut book = Book::with_100();
    let first = book.hold("o", 100);
    book.run(release("o")).unwrap();
    let second = book.hold("o", 100);
    assert_eq!(book.order("o").id, second.reservation.unwrap());
    assert!(book.state.reservation(first.reservation.unwrap()).is_some());
}

#[test]
fn a_reservation_says_until_when_it_holds() {
    let mut book = Book::with_100();
    let found = book.hold("o", 100);
    assert_eq!(found.reservation, Some(reservation_id(book.seq, 0)));
    assert_eq!(found.expires_at, book.now + i64::from(TTL_S) * SECOND);
    let declined = book.reserved(reserve("p", 1));
    assert_eq!((declined.reservation, declined.expires_at), (None, 0));
}

#[test]
fn no_sum_outgrows_its_bound_on_an_unlimited_account() {
    let mut book = Book::with_limit(Unlimited);
    for order_id in ["1", "2", "3", "4"] {
        book.hold(order_id, AMOUNT_MINOR_MAX);
    }
    assert_eq!(book.position(), (0, 0, EXPOSURE_MINOR_MAX));
    assert_eq!(book.refused(reserve("5", 1)), Refusal::ExposureOutOfRange(1));
    book.run(release("1")).unwrap();
    book.hold("5", AMOUNT_MINOR_MAX);
    // A credit balance makes room for exposure, not for more than a counter is trusted with.
    for _ in 0..4 {
        book.post(payment(AMOUNT_MINOR_MAX, &[]));
    }
    assert_eq!(book.counters("a").exposure(), 0);
    assert_eq!(book.refused(reserve("6", 1)), Refusal::ExposureOutOfRange(1));
    for (order_id, invoice_id) in [("2", "i"), ("3", "i"), ("4", "j"), ("5", "j")] {
        book.run(capture(order_id, invoice_id)).unwrap();
    }
    assert_eq!(book.refused(reserve("6", 1)), Refusal::ExposureOutOfRange(1));
}

#[test]
fn check_says_what_reserve_would_decide_and_changes_nothing() {
    let mut book = Book::with_100();
    book.hold("held", 40);
    for (amount, partial) in [(60, false), (61, false), (61, true), (AMOUNT_MINOR_MAX, true)] {
        let before = book.state.dump();
        let inquiry = Inquiry { allow_partial: partial, ..inquiry(amount) };
        let checked = check(&book.state, book.now, &inquiry).unwrap();
        assert_eq!(book.state.dump(), before);
        let order = reserve("o", amount);
        let found = book.reserved(Reserve { allow_partial: partial, ..order });
        assert_eq!(checked, Reserved { reservation: None, expires_at: 0, ..found });
        book.run(release("o")).ok();
    }
    let refused = |account_id, currency| {
        let inquiry = Inquiry { account_id, currency, ..inquiry(1) };
        check(&book.state, book.now, &inquiry).unwrap_err()
    };
    assert_eq!(refused("x", usd()), Refusal::AccountNotFound("x".into()));
}

fn all(orders: Vec<Order<'_>>) -> ReserveAll<'_> {
    ReserveAll { request: REQUEST, orders }
}

fn results(book: &mut Book, orders: Vec<Order<'_>>) -> Vec<Reserved> {
    match book.run(all(orders)) {
        Ok(Outcome::ReservedAll(results)) => results,
        other => panic!("expected decisions, got {other:?}"),
    }
}

#[test]
fn a_batch_that_fits_is_reserved_whole_item_by_item() {
    let mut book = Book::with_100();
    let found = results(&mut book, vec![order("o", 60), order("p", 30), order("q", 10)]);
    let available: Vec<_> = found.iter().map(|item| item.verdict.available).collect();
    assert_eq!(available, [Some(40), Some(10), Some(0)]);
    for (index, item) in found.iter().enumerate() {
        assert_eq!(item.verdict.decision, Approved);
        assert_eq!(item.reservation, Some(reservation_id(book.seq, index)));
    }
    assert_eq!(book.position(), (0, 0, 100));
}

#[test]
fn a_batch_of_which_one_order_does_not_fit_reserves_nothing() {
    let mut book = Book::with_100();
    book.run(UpsertAccount { limit: Some(limit(Unlimited)), ..account("b") }).unwrap();
    let other = Order { account_id: "b", ..order("o", 5) };
    let orders = vec![order("o", 60), other, order("p", 41), order("q", 40), order("r", 1)];
    let found = results(&mut book, orders);
    let misfit = || reason(BatchNotApproved, 2, 0);
    let short = |amount, available| reason(InsufficientCredit, amount, available);
    // An order that does not fit takes no room from those after it.
    let expected = [
        (vec![misfit()], None),
        (vec![misfit()], None),
        (vec![short(41, 40)], Some(40)),
        (vec![misfit()], None),
        (vec![short(1, 0)], Some(0)),
    ];
    for (item, (reasons, fitting)) in found.iter().zip(expected) {
        assert_eq!((&item.verdict.reasons, item.verdict.fitting), (&reasons, fitting));
        assert_eq!((item.verdict.decision, item.amount), (Declined, 0));
        assert_eq!((item.reservation, item.expires_at), (None, 0));
    }
    let available: Vec<_> = found.iter().map(|item| item.verdict.available).collect();
    assert_eq!(available, [Some(100), None, Some(100), Some(100), Some(100)]);
    assert_eq!(book.position(), (0, 0, 0));
}

#[test]
fn a_wrong_order_refuses_its_whole_batch_and_is_named() {
    let mut book = Book::with_100();
    book.run(UpsertAccount { limit: Some(limit(Unlimited)), ..account("b") }).unwrap();
    book.hold("held", 1);
    let in_item = |index, refusal| Refusal::InItem { index, refusal: Box::new(refusal) };
    let twice = || Refusal::OrderAlreadyReserved("o".into());
    let unknown = Order { account_id: "x", ..order("p", 1) };
    let huge = |order_id| Order { account_id: "b", ..order(order_id, AMOUNT_MINOR_MAX) };
    let many = vec![huge("1"), huge("2"), huge("3"), huge("4"), huge("5")];
    let table = [
        (vec![order("o", 1), order("o", 1)], in_item(1, twice())),
        // Even where the first of them does not fit.
        (vec![order("o", 101), order("o", 1)], in_item(1, twice())),
        (vec![order("held", 1)], in_item(0, Refusal::OrderAlreadyReserved("held".into()))),
        (vec![order("o", 1), unknown], in_item(1, Refusal::AccountNotFound("x".into()))),
        (many, in_item(4, Refusal::ExposureOutOfRange(AMOUNT_MINOR_MAX))),
    ];
    for (orders, refusal) in table {
        assert_eq!(book.refused(all(orders)), refusal);
    }
    // The same order id of two accounts is two orders.
    let other = Order { account_id: "b", ..order("o", 1) };
    assert_eq!(results(&mut book, vec![order("o", 1), other]).len(), 2);
}
