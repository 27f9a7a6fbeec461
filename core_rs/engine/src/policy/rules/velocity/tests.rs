use crate::command::*;
use crate::model::PARTS;
use crate::outcome::Decision::{Approved, Referred};
use crate::outcome::ReasonCode::{VelocityAmount, VelocityCount};
use crate::testing::*;
use crate::values::LimitKind::Unlimited;

const POLICY: &str = r#"
[velocity]
hours = 48

[all.velocity]
orders = 3
amount = "1.00 USD"
outcome = "refer"
"#;

const HOUR: i64 = DAY / 24;

fn book() -> Book {
    let mut book = Book::with_limit(Unlimited);
    book.set_policy(POLICY);
    book
}

#[test]
fn orders_of_a_window_are_counted_and_forgotten_after_it() {
    let mut book = book();
    for order_id in ["o1", "o2", "o3"] {
        assert_eq!(book.reserved(reserve(order_id, 10)).verdict.decision, Approved);
        book.now += HOUR;
    }
    let fourth = book.reserved(reserve("o4", 10)).verdict;
    assert_eq!(fourth.decision, Referred);
    assert_eq!(fourth.reasons.len(), 1);
    let found = &fourth.reasons[0];
    assert_eq!((found.code, found.observed, found.threshold), (VelocityCount, 4, 3));
    // What was refused is not counted, and a cancelled order stays counted.
    book.run(release("o1")).unwrap();
    assert_eq!(book.reserved(reserve("o4", 10)).verdict.reasons, fourth.reasons);
    // A part of the window is two hours: the first order is beyond it after two days and two hours.
    book.now += 2 * DAY - 2 * HOUR;
    assert_eq!(book.reserved(reserve("o4", 10)).verdict.decision, Referred);
    book.now += 2 * HOUR;
    assert_eq!(book.reserved(reserve("o4", 10)).verdict.decision, Approved);
}

#[test]
fn amounts_count_with_what_orders_grow_by_and_leave_a_part() {
    let mut book = book();
    book.hold("o1", 40);
    book.changed(adjust("o1", 70));
    let more = book.changed(adjust("o1", 101)).verdict;
    assert_eq!(more.reasons.len(), 1);
    let found = &more.reasons[0];
    assert_eq!((found.code, found.observed, found.threshold), (VelocityAmount, 101, 100));
    assert_eq!(more.fitting, Some(30));
    let part = book.reserved(Reserve { allow_partial: true, ..reserve("o2", 50) });
    assert_eq!((part.verdict.decision, part.verdict.fitting), (Referred, Some(30)));
}

#[test]
fn an_order_that_is_opened_again_is_no_other_one_and_one_that_nobody_reserved_is() {
    let mut book = book();
    for order_id in ["o1", "o2", "o3"] {
        book.hold(order_id, 10);
    }
    book.run(release("o1")).unwrap();
    // All of it is asked for anew, and it is counted already.
    assert_eq!(book.changed(adjust("o1", 10)).verdict.reasons, []);
    let shipped = CaptureOrder { amount: Some(10), forced: true, ..capture("o4", "i") };
    let breached = book.changed(shipped).verdict.reasons;
    assert_eq!(breached.len(), 1);
    assert_eq!((breached[0].code, breached[0].observed), (VelocityCount, 4));
}

#[test]
fn orders_of_a_batch_count_for_each_other() {
    let mut book = book();
    book.hold("o0", 10);
    let orders = ["o1", "o2", "o3"].map(|order_id| order(order_id, 10));
    let all = |count: usize| ReserveAll { request: REQUEST, orders: orders[..count].to_vec() };
    let outcome = format!("{:?}", book.run(all(3)).unwrap());
    assert!(outcome.contains("VelocityCount, observed: 4, threshold: 3"), "{outcome}");
    assert_eq!(book.position(), (0, 0, 10));
    book.run(all(2)).unwrap();
    assert_eq!(book.position(), (0, 0, 30));
}

#[test]
fn a_count_is_bounded_undone_and_kept_for_a_restart() {
    let mut book = book();
    book.set_policy("[all.velocity]\norders = 1000\n");
    for count in 0..100 {
        book.hold(&format!("o{count}"), 1);
        book.now += HOUR;
    }
    let watch = book.state.watch(0).clone();
    let kept = rmp_serde::to_vec(&watch).unwrap();
    assert!(kept.len() < 16 * (PARTS as usize + 2), "{} bytes", kept.len());
    assert_eq!(rmp_serde::from_slice::<crate::model::Watch>(&kept).unwrap(), watch);
    let request = book.request(reserve("undone", 1));
    let (_, events) = crate::decide::decide(&book.state, 999, book.now, &request).unwrap();
    let (mark, before) = (book.state.mark(), book.state.dump());
    events.iter().for_each(|event| crate::apply::apply(&mut book.state, book.now, event));
    assert_ne!(*book.state.watch(0), watch);
    book.state.undo(mark);
    assert_eq!(book.state.dump(), before);
}
