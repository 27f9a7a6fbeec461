use super::*;
use crate::command::{Act, Housekeep, OrderKey, Release, Reserve, ReserveAll};
use crate::counting::{OrderDetails, Shipping};

use crate::decide::cases::tests::{act, book as book_with_cases, referred, yes};
use crate::model::{CaseStatus, Signer};
use crate::outcome::ReasonCode::TermsUpgraded;
use crate::testing::*;
use crate::values::Micros;

const OWN: &str = "store-1";

/// An order "mine" of [`OWN`], one of another channel, and one of none.
fn book() -> Book {
    let mut book = Book::with_100();
    for (channel, order_id) in [(OWN, "mine"), ("store-2", "other"), ("", "none")] {
        book.channel = channel;
        book.hold(order_id, 10);
    }
    book
}

fn refused(book: &Book, command: impl Into<Command<'static>>) -> Option<(&'static str, Box<str>)> {
    match confine(&book.state, OWN, &command.into()) {
        Ok(()) => None,
        Err(Refusal::OtherChannel { field, value, own }) if own == OWN => Some((field, value)),
        Err(other) => panic!("{other:?}"),
    }
}

fn is_own(book: &Book, order_id: &'static str) -> bool {
    let target = confine_target(&book.state, OWN, &by_order(order_id)).is_ok();
    assert_eq!(target, has_order(&book.state, OWN, book.state.slot("a").unwrap(), order_id));
    let commands: [Command<'static>; 4] = [
        reserve(order_id, 1).into(),
        adjust(order_id, 1).into(),
        capture(order_id, "i").into(),
        release(order_id).into(),
    ];
    for command in commands {
        let expected = (!target).then(|| ("order_id", order_id.into()));
        assert_eq!(refused(book, command.clone()), expected, "{command:?}");
    }
    target
}

#[test]
fn an_order_is_of_the_channel_that_it_was_placed_through() {
    let mut book = book();
    assert!(is_own(&book, "mine") && is_own(&book, "unknown"));
    assert!(!is_own(&book, "other") && !is_own(&book, "none"));
    for order_id in ["mine", "other"] {
        let id = book.order(order_id).id;
        let found = refused(&book, Release { target: Target::Id(id), ..release("") });
        let expected = ("reservation_id", id.to_string().into());
        assert_eq!(found, (order_id == "other").then_some(expected));
    }
    // Whoever changes it, and whatever is left of it.
    book.channel = "store-2";
    book.changed(adjust("mine", 20));
    book.changed(release("other"));
    assert!(is_own(&book, "mine") && !is_own(&book, "other"));
    book.channel = OWN;
    book.hold("other", 5);
    assert!(is_own(&book, "other"), "it is the latest of its name");
    let all = Housekeep { closed_before: Micros::MAX, closed_count_max: 0 };
    book.changed(release("none"));
    book.run(all).unwrap();
    assert!(is_own(&book, "none"), "it is forgotten");
}

#[test]
fn an_order_of_a_batch_is_named() {
    let (book, id) = (book(), "other");
    let batch = ReserveAll { request: REQUEST, orders: vec![order("new", 1), order(id, 1)] };
    let refusal = confine(&book.state, OWN, &batch.into()).unwrap_err();
    let Refusal::InItem { index: 1, refusal } = refusal else { panic!("{refusal:?}") };
    assert_eq!(*refusal, other("order_id", id, OWN));
}

#[test]
fn an_order_is_one_of_the_account_that_is_billed() {
    let mut book = book();
    book.run(account("b")).unwrap();
    let shipping = Some(Shipping { bill_to: Some("a"), ..Shipping::default() });
    let details = Some(Box::new(OrderDetails { shipping, ..OrderDetails::default() }));
    let order = |account_id, details| Order { account_id, details, ..order("other", 1) };
    let asked = |order| Reserve { order, ..reserve("", 1) };
    assert_eq!(refused(&book, asked(order("b", None))), None);
    let found = refused(&book, asked(order("b", details)));
    assert_eq!(found, Some(("order_id", "other".into())));
    let target = Target::Order(OrderKey { account_id: "nobody", order_id: "other" });
    assert_eq!(refused(&book, Release { target, ..release("") }), None, "decided as unknown");
}

#[test]
fn what_a_case_reserves_is_of_the_channel_that_asked_for_it_last() {
    let mut book = book_with_cases();
    book.channel = "store-2";
    let case = referred(&mut book, "o", 40);
    assert!(!is_own(&book, "o"));
    book.channel = OWN;
    referred(&mut book, "o", 40);
    assert!(is_own(&book, "o"), "it waits for this one now");
    (book.actor, book.channel) = ("fay", "desk");
    let signed = act(case, Signer::Finance, Act::Approve(yes(&[TermsUpgraded])));
    book.run(signed).unwrap();
    assert_eq!(book.order("o").channel, OWN);
    assert!(is_own(&book, "o"));

    book.channel = "store-2";
    let case = referred(&mut book, "p", 40);
    book.channel = "desk";
    book.run(act(case, Signer::Finance, Act::Reject)).unwrap();
    assert_eq!(book.state.cases().get(case).unwrap().status, CaseStatus::Rejected);
    assert!(!is_own(&book, "p"), "what became of it is for who asked");
}
