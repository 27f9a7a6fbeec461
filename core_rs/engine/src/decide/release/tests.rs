use crate::command::*;
use crate::error::Refusal;
use crate::outcome::Decision::Approved;
use crate::testing::*;

#[test]
fn a_release_gives_back_exactly_what_is_held() {
    #[rustfmt::skip]
    let table = [
        // asked => given back, open, available
        (None, 40, 0, 60),
        (Some(40), 40, 0, 60),
        (Some(39), 39, 1, 59),
        (Some(1), 1, 39, 21),
    ];
    for (amount, given, open, available) in table {
        let mut book = Book::with_100();
        book.hold("other", 10);
        book.hold("o", 70);
        book.run(CaptureOrder { amount: Some(30), ..capture("o", "i") }).unwrap();
        let found = book.changed(Release { amount, ..release("o") });
        assert_eq!((found.amount, found.reservation.open), (given, open), "{amount:?}");
        assert_eq!(found.reservation.released, given);
        assert_eq!(found.verdict.available, Some(available));
        assert_eq!(found.verdict.decision, Approved);
        assert_eq!(book.position(), (0, 30, 10 + open));
        assert_eq!(book.order("o").is_open(), open > 0);
    }
}

#[test]
fn more_than_is_open_is_refused_and_nothing_is_no_mistake() {
    let mut book = Book::with_100();
    book.hold("o", 70);
    let more = |amount| Release { amount: Some(amount), ..release("o") };
    let exceeds = |amount, open| Refusal::ReleaseExceedsOpen { amount, open };
    assert_eq!(book.refused(more(71)), exceeds(71, 70));
    book.run(release("o")).unwrap();
    assert_eq!(book.refused(more(1)), exceeds(1, 0));
    let (outcome, events) = book.events(release("o")).unwrap();
    assert!(events.is_empty(), "{outcome:?}");
    let unknown = Refusal::ReservationNotFound { field: "order_id", value: "x".into() };
    assert_eq!(book.refused(release("x")), unknown);
}

#[test]
fn what_expired_is_not_given_back_twice() {
    let mut book = Book::with_100();
    book.hold("o", 70);
    book.pass(DAY);
    let found = book.changed(release("o"));
    assert_eq!((found.amount, found.reservation.expired), (0, 70));
    assert_eq!(found.verdict.available, Some(100));
}
