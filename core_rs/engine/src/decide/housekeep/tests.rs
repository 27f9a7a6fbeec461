use super::housekeeping_due;
use crate::bounds::HOUSEKEEP_EVENTS_MAX;
use crate::command::*;
use crate::counting::{OrderDetails, Shipping};
use crate::event::Event;
use crate::testing::*;
use crate::values::LimitKind::Unlimited;
use crate::values::{Day, Micros};

const KEEP_ALL: Housekeep = Housekeep { closed_before: Micros::MIN, closed_count_max: u64::MAX };

/// What one entry of housekeeping does: expired, reservations forgotten, items forgotten.
fn housekeep(book: &mut Book, command: Housekeep) -> (usize, usize, usize) {
    let due = housekeeping_due(&book.state, book.now, &command);
    let (_, events) = book.events(command).unwrap();
    assert_eq!(due, !events.is_empty());
    let count = |matches: fn(&Event<'_>) -> bool| events.iter().filter(|e| matches(e)).count();
    let counts = (
        count(|event| matches!(event, Event::Expired { .. })),
        count(|event| matches!(event, Event::ReservationForgotten { .. })),
        count(|event| matches!(event, Event::ItemForgotten { .. })),
    );
    assert_eq!(counts.0 + counts.1 + counts.2, events.len());
    counts
}

#[test]
fn what_is_open_is_given_back_when_its_time_has_come_and_not_before() {
    let mut book = Book::with_100();
    let expires_at = book.hold("o", 60).expires_at;
    book.run(CaptureOrder { amount: Some(20), ..capture("o", "i") }).unwrap();
    book.now = expires_at - 1;
    assert_eq!(housekeep(&mut book, KEEP_ALL), (0, 0, 0));
    book.now = expires_at;
    assert_eq!(housekeep(&mut book, KEEP_ALL), (1, 0, 0));
    assert_eq!(housekeep(&mut book, KEEP_ALL), (0, 0, 0));
    let order = book.order("o");
    assert_eq!((order.open, order.captured, order.expired), (0, 20, 40));
    assert_eq!(order.closed_at, book.now);
    assert_eq!(book.position(), (0, 20, 0));
}

#[test]
fn what_has_long_been_closed_is_forgotten_by_age() {
    let mut book = Book::with_limit(Unlimited);
    for order_id in ["1", "2", "3"] {
        book.hold(order_id, 1);
        book.run(release(order_id)).unwrap();
        book.post(invoice(order_id, 1));
        book.post(payment(1, &[(order_id, 1)]));
        book.now += DAY;
    }
    book.hold("open", 1);
    book.post(invoice("open", 1));
    book.post(payment(1, &[("paid ahead", 1)]));
    let before = |closed_before| Housekeep { closed_before, ..KEEP_ALL };
    let now = book.now;
    let first = now - 3 * DAY;
    assert_eq!(housekeep(&mut book, before(first)), (0, 0, 0), "older than, not as old as");
    assert_eq!(housekeep(&mut book, before(first + 1)), (0, 1, 1));
    assert!(book.state.latest_of_order(0, "1").is_none() && book.state.item(0, "1").is_none());
    assert_eq!(housekeep(&mut book, before(now)), (0, 2, 2));
    assert_eq!(housekeep(&mut book, before(Micros::MAX)), (0, 0, 0), "nothing open is forgotten");
    assert_eq!((book.state.open_count(), book.state.item_count()), (1, 2));
}

#[test]
fn the_oldest_beyond_the_count_are_forgotten() {
    let mut book = Book::with_limit(Unlimited);
    for order_id in ["1", "2", "3", "4", "5"] {
        book.hold(order_id, 1);
        book.run(release(order_id)).unwrap();
        book.now += SECOND;
    }
    for invoice_id in ["1", "2", "3"] {
        book.post(invoice(invoice_id, 1));
        book.post(payment(1, &[(invoice_id, 1)]));
        book.now += SECOND;
    }
    let keep = |closed_count_max| Housekeep { closed_count_max, ..KEEP_ALL };
    assert_eq!(housekeep(&mut book, keep(5)), (0, 0, 0));
    assert_eq!(housekeep(&mut book, keep(3)), (0, 2, 0));
    assert!(book.state.latest_of_order(0, "2").is_none());
    assert!(book.state.latest_of_order(0, "3").is_some());
    assert_eq!(housekeep(&mut book, keep(1)), (0, 2, 2));
    assert!(book.state.item(0, "3").is_some() && book.state.item(0, "2").is_none());
    assert_eq!(housekeep(&mut book, keep(0)), (0, 1, 1));
}

#[test]
fn one_entry_is_bounded_and_the_next_goes_on() {
    let mut book = Book::with_limit(Unlimited);
    let ids: Vec<String> = (0..HOUSEKEEP_EVENTS_MAX + 2).map(|i| i.to_string()).collect();
    for ids in ids.chunks(crate::bounds::BATCH_ITEMS_MAX) {
        let orders = ids.iter().map(|order_id| order(order_id, 1)).collect();
        book.run(ReserveAll { request: REQUEST, orders }).unwrap();
    }
    book.post(invoice("i", 1));
    book.post(payment(1, &[("i", 1)]));
    book.now += DAY;
    let forget_all = Housekeep { closed_before: Micros::MAX, closed_count_max: 0 };
    let max = HOUSEKEEP_EVENTS_MAX;
    let steps: Vec<_> = (0..4).map(|_| housekeep(&mut book, forget_all)).collect();
    assert_eq!(steps, [(max, 0, 0), (2, max - 2, 0), (0, 4, 1), (0, 0, 0)]);
    assert_eq!(book.position(), (0, 0, 0));
}

#[test]
fn an_order_whose_newest_reservation_is_forgotten_is_known_by_the_next() {
    // A late shipment closes the older reservation after the newer one, so it is kept for longer.
    let mut book = Book::with_100();
    let first = book.hold("o", 10).reservation.unwrap();
    book.run(release("o")).unwrap();
    book.hold("o", 10);
    book.run(release("o")).unwrap();
    book.now += DAY;
    let target = Target::Id(first);
    book.run(CaptureOrder { target, amount: Some(10), ..capture("o", "i") }).unwrap();
    let forget = Housekeep { closed_before: book.now, ..KEEP_ALL };
    assert_eq!(housekeep(&mut book, forget), (0, 1, 0));
    assert_eq!(book.order("o").id, first, "as a recovery from the rows would find it");
    assert_eq!(book.changed(adjust("o", 20)).reservation.open, 10);
}

#[test]
fn of_many_that_come_to_count_the_next_entry_goes_on() {
    let mut book = Book::with_limit(Unlimited);
    book.set_policy("[exposure]\nhorizon_days = 2");
    let max = HOUSEKEEP_EVENTS_MAX;
    let ids: Vec<String> = (0..max + 2).map(|i| i.to_string()).collect();
    let ship_date = Some(Day::of(book.now).plus(3));
    for ids in ids.chunks(crate::bounds::BATCH_ITEMS_MAX) {
        let shipping = Some(Shipping { ship_date, ..Shipping::default() });
        let details = OrderDetails { shipping, ..OrderDetails::default() };
        let later =
            |order_id| Order { details: Some(Box::new(details.clone())), ..order(order_id, 1) };
        let orders = ids.iter().map(|order_id| later(order_id)).collect();
        book.run(ReserveAll { request: REQUEST, orders }).unwrap();
    }
    assert!(!housekeeping_due(&book.state, book.now, &KEEP_ALL));
    book.now += DAY;
    for counted in [max, max + 2] {
        assert!(housekeeping_due(&book.state, book.now, &KEEP_ALL));
        book.run(KEEP_ALL).unwrap();
        assert_eq!(book.position(), (0, 0, counted as i64));
    }
    assert!(!housekeeping_due(&book.state, book.now, &KEEP_ALL));
}

#[test]
fn what_was_counted_of_orders_is_forgotten_once_no_window_holds_it() {
    let mut book = Book::with_limit(Unlimited);
    book.set_policy("[velocity]\nhours = 24\n[all.velocity]\norders = 1\noutcome = \"decline\"");
    book.hold("o", 1);
    book.run(release("o")).unwrap();
    let noted = book.now;
    let over_at = book.state.watch(0).over_at().unwrap();
    assert!((DAY..=DAY + DAY / 24).contains(&(over_at - noted)), "a window, or a part more");
    book.now = over_at - 1;
    let more = book.reserved(reserve("p", 1));
    assert_eq!(more.amount, 0, "it counts to the end");
    assert_eq!(housekeep(&mut book, KEEP_ALL), (0, 0, 0));
    book.now = over_at;
    assert!(housekeeping_due(&book.state, book.now, &KEEP_ALL));
    let (_, events) = book.events(KEEP_ALL).unwrap();
    assert_eq!(events, [Event::OrdersForgotten { slot: 0 }]);
    assert_eq!((book.state.watch_count(), book.state.counted().count()), (0, 0));
    // What grows puts off the end.
    book.hold("q", 1);
    let first = book.state.watch(0).over_at();
    book.now += DAY / 2;
    book.run(adjust("q", 2)).unwrap();
    assert!(book.state.watch(0).over_at() > first);
    assert_eq!(book.state.counted().count(), 1);
}
