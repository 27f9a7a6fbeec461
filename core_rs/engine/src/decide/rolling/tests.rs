use super::*;
use crate::bounds::ROLLING_DAYS_MAX;
use crate::command::{CaptureOrder, Order};
use crate::command::{EntryKind, Housekeep, ReserveAll, UpsertAccount};
use crate::outcome::Decision::{Approved, Declined, PartiallyApproved};
use crate::outcome::Reason;
use crate::outcome::ReasonCode::{InsufficientCredit, NoCreditLimit, RollingAverageExceeded};
use crate::testing::*;
use crate::values::{LimitKind, Micros};

fn rolling(hard_cap: Minor, days: u16) -> SetRollingLimit<'static> {
    SetRollingLimit { request: REQUEST, account_id: "a", hard_cap, days }
}

fn remove() -> RemoveRollingLimit<'static> {
    RemoveRollingLimit { request: REQUEST, account_id: "a" }
}

/// Account "a" with a limit of 100, a hard cap of 250 and two whole days on record.
fn with_record() -> Book {
    let mut book = Book::with_100();
    book.now = Micros::from(TODAY.0) * DAY;
    assert_eq!(book.run(rolling(250, 2)), Ok(Outcome::Upserted(Upserted::Created)));
    book.now += 2 * DAY;
    book
}

fn declined(book: &mut Book, order_id: &str, amount: Minor) -> Vec<Reason> {
    let found = book.reserved(reserve(order_id, amount));
    assert_eq!(found.verdict.decision, Declined);
    found.verdict.reasons
}

#[test]
fn a_customer_may_peak_for_a_time_up_to_the_hard_cap() {
    let mut book = with_record();
    assert_eq!(declined(&mut book, "o", 251), [reason(InsufficientCredit, 251, 250)]);
    let peak = book.reserved(reserve("o", 250));
    assert_eq!((peak.verdict.decision, peak.verdict.available), (Approved, Some(0)));
    book.changed(release("o"));
    // 240 for a day and a half, in two days and a half: 144 on average.
    book.hold("p", 240);
    book.now += 36 * 3_600 * SECOND;
    let over = Reason::own(RollingAverageExceeded, 144, 100);
    assert_eq!(declined(&mut book, "q", 1), std::slice::from_ref(&over));
    let short = reason(InsufficientCredit, 11, 10);
    assert_eq!(declined(&mut book, "q", 11), [short, over]);
    // Paid down, the average falls by itself.
    book.changed(release("p"));
    book.now += 36 * 3_600 * SECOND;
    assert_eq!(book.reserved(reserve("q", 1)).verdict.decision, Approved);
}

#[test]
fn until_the_days_are_recorded_the_limit_is_the_cap() {
    let mut book = Book::with_100();
    book.run(rolling(250, 2)).unwrap();
    // What is left of today is no whole day.
    for (day, available) in [(0, 100), (1, 100), (2, 100), (3, 250)] {
        book.now = Micros::from(TODAY.0 + day) * DAY + 11 * 3_600 * SECOND;
        let fitting = book.reserved(reserve("o", 1_000)).verdict.available;
        assert_eq!(fitting, Some(available), "day {day}");
    }
}

#[test]
fn a_part_is_no_cure_for_an_average() {
    let mut book = with_record();
    book.hold("o", 240);
    book.now += 2 * DAY;
    let partial = crate::command::Reserve { allow_partial: true, ..reserve("p", 50) };
    let found = book.reserved(partial.clone());
    assert_eq!((found.verdict.decision, found.verdict.fitting), (Declined, None));
    book.run(remove()).unwrap();
    assert_eq!(book.refused(remove()), Refusal::RollingLimitNotFound("a".into()));
    book.changed(release("o"));
    assert_eq!(book.reserved(partial).verdict.decision, Approved);
}

#[test]
fn the_hard_cap_bounds_what_is_unlimited_and_gives_nothing_without_credit() {
    let mut book = with_record();
    let set = |kind| UpsertAccount { limit: Some(limit(kind)), ..account("a") };
    book.run(set(LimitKind::Unlimited)).unwrap();
    assert_eq!(declined(&mut book, "o", 251), [reason(InsufficientCredit, 251, 250)]);
    book.run(set(LimitKind::NoCredit)).unwrap();
    let found = book.reserved(reserve("o", 1));
    assert_eq!(found.verdict.reasons, [reason(NoCreditLimit, 0, 0)]);
    assert_eq!(found.verdict.available, Some(0));
    book.run(set(LimitKind::Amount(300))).unwrap();
    let partial = crate::command::Reserve { allow_partial: true, ..reserve("o", 300) };
    let found = book.reserved(partial);
    assert_eq!((found.verdict.decision, found.amount), (PartiallyApproved, 250), "below the limit");
}

/// What the record says is owed, against the counters.
fn owed(book: &Book) -> Option<Minor> {
    let slot = book.state.slot("a").unwrap();
    let mut record = book.state.account(slot).conditions?.rolling_limit?;
    let later = book.now + 10 * DAY;
    record.amend(0, 1, book.now);
    record.average(later).map(|average| average.rounded_up())
}

#[test]
fn every_movement_of_the_account_is_heard_and_no_other() {
    let mut book = with_record();
    book.run(UpsertAccount { limit: Some(limit(LimitKind::Unlimited)), ..account("b") }).unwrap();
    let of_b = |order_id, amount| Order { account_id: "b", ..order(order_id, amount) };
    let all = ReserveAll { request: REQUEST, orders: vec![order("o", 100), of_b("o", 7)] };
    let (_, events) = book.events(all).unwrap();
    assert_eq!(events.last(), Some(&Event::AverageMoved { slot: 0, amount: 100 }));
    book.changed(adjust("o", 90));
    let capture_of_30 = CaptureOrder { amount: Some(30), ..capture("o", "i") };
    let (_, events) = book.events(capture_of_30).unwrap();
    let moves = |event: &Event<'_>| matches!(event, Event::AverageMoved { .. });
    assert!(!events.iter().any(moves), "what ships was owed before: {events:?}");
    book.changed(CaptureOrder { amount: Some(70), forced: true, ..capture("o", "j") });
    book.post(invoice("i", 35));
    book.post(invoice("k", 5));
    book.post(payment(12, &[("k", 5)]));
    book.post(entry(EntryKind::Adjustment, -3));
    book.hold("p", 20);
    book.pass(2 * TTL_S as Micros * SECOND);
    let (_, events) = book.events(Housekeep { closed_before: 0, closed_count_max: 9 }).unwrap();
    assert!(!events.iter().any(moves));
    assert_eq!(owed(&book), Some(book.counters("a").exposure()));
    assert_ne!(owed(&book), Some(0));
}

#[test]
fn a_record_begins_with_what_is_owed_and_outlives_another_cap() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(rolling(250, ROLLING_DAYS_MAX)).unwrap();
    assert_eq!(owed(&book), Some(60));
    assert_eq!(book.run(rolling(90, 1)), Ok(Outcome::Upserted(Upserted::Updated)));
    assert_eq!(book.run(rolling(90, 1)), Ok(Outcome::Upserted(Upserted::Unchanged)));
    assert_eq!(owed(&book), Some(60));
    assert_eq!(declined(&mut book, "p", 31), [reason(InsufficientCredit, 31, 30)]);
    book.run(remove()).unwrap();
    assert!(!book.state.looks_back());
}
