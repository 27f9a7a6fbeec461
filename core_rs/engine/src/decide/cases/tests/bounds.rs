use super::*;
use crate::bounds::ACCOUNT_CASES_PENDING_MAX;
use crate::decide::housekeeping_due;

#[test]
fn no_account_takes_the_cases_of_others() {
    let mut book = book();
    let ids: Vec<String> = (0..ACCOUNT_CASES_PENDING_MAX).map(|n| n.to_string()).collect();
    let first = referred(&mut book, &ids[0], 1);
    for order_id in &ids[1..] {
        referred(&mut book, order_id, 1);
    }
    let beyond = book.reserved(upgraded("o", 1));
    assert_eq!((beyond.verdict.decision, beyond.case), (Referred, None));
    assert_eq!(referred(&mut book, &ids[0], 2), first, "its order is still asked for again");

    book.run(UpsertAccount { limit: Some(limit(LimitKind::Unlimited)), ..account("b") }).unwrap();
    let other =
        Reserve { order: Order { account_id: "b", ..upgraded("o", 1).order }, ..upgraded("o", 1) };
    let other = book.reserved(other).case.expect("another account has its own");
    reviewed(&mut book, "fay", act(other, Signer::Finance, Act::Reject));
    assert_eq!(book.reserved(upgraded("o", 1)).case, None);
    reviewed(&mut book, "fay", act(first, Signer::Finance, Act::Reject));
    referred(&mut book, "o", 1);
}

#[test]
fn a_case_is_kept_while_its_order_is_held_whatever_comes_behind_it() {
    let mut book = book();
    let held = referred(&mut book, "held", 10);
    reviewed(&mut book, "ann", approve(held, Signer::CreditAnalyst));
    let closed_at = book.now;
    let reject = |book: &mut Book, order_id| {
        book.now += SECOND;
        let id = referred(book, order_id, 10);
        reviewed(book, "ann", act(id, Signer::CreditAnalyst, Act::Reject));
        id
    };
    let rejected: Vec<u64> = ["1", "2", "3"].map(|order_id| reject(&mut book, order_id)).into();
    let housekeep = |closed_before| Housekeep { closed_before, closed_count_max: 2 };
    let ids = |book: &Book| Vec::from_iter(book.state.cases().iter().map(|case| case.id));

    book.run(housekeep(0)).unwrap();
    let found = case(&book, held);
    assert_eq!((found.closed_at, found.kept_at), (closed_at, book.now));
    assert_eq!(ids(&book), [held, rejected[1], rejected[2]], "the one closed first is forgotten");
    assert!(!housekeeping_due(&book.state, book.now, &housekeep(0)), "it is not looked at again");

    book.now += SECOND;
    book.changed(release("held"));
    book.run(housekeep(book.now - SECOND)).unwrap();
    assert_eq!(ids(&book)[0], held, "its while is not over");
    book.run(housekeep(book.now)).unwrap();
    assert!(!ids(&book).contains(&held));
}

#[test]
fn delegations_that_are_over_are_forgotten_and_others_end_them_if_they_may() {
    let mut book = book();
    let (role, from) = (Some(Signer::Finance), None);
    let soon = book.now + HOUR;
    let delegate = |to, hours| {
        let during = Some((0, soon + hours * HOUR));
        Delegate { request: REQUEST, to, role, during, from }
    };
    book.actor = "fay";
    for (to, hours) in [("zoe", 0), ("ann", 1), ("bob", 2), ("cem", 9)] {
        book.run(delegate(to, hours)).unwrap();
    }
    let left = |book: &Book| Vec::from_iter(book.state.cases().delegations().map(|d| d.to.clone()));
    let housekeep = |closed_before| Housekeep { closed_before, closed_count_max: 3 };
    assert!(!housekeeping_due(&book.state, book.now, &housekeep(book.now)), "none is over");
    book.now = soon + 2 * HOUR;
    book.run(housekeep(soon)).unwrap();
    assert_eq!(left(&book), ["ann", "bob", "cem"], "one was too many");
    book.run(housekeep(soon + 2 * HOUR)).unwrap();
    assert_eq!(left(&book), ["bob", "cem"], "one was over for long");
    book.run(Housekeep { closed_before: Micros::MAX, closed_count_max: 0 }).unwrap();
    assert_eq!(left(&book), ["cem"], "what lasts is kept");

    book.actor = "flo";
    let end = |role| Delegate { from: Some("fay"), during: None, role, ..delegate("cem", 0) };
    let refusal = Refusal::Case(CaseRefusal::MayNotEnd("supervisor"));
    assert_eq!(book.refused(end(Some(Signer::Supervisor))), refusal);
    let given = Delegate { from: Some("fay"), ..delegate("ann", 1) };
    assert_eq!(book.refused(given), Refusal::Case(CaseRefusal::NotOwnToGive("fay".into())));
    book.run(end(Some(Signer::Admin))).unwrap();
    assert_eq!(left(&book), [""; 0]);
}

#[test]
fn a_row_that_was_written_before_cases_were_kept_is_read() {
    let mut book = book();
    let id = referred(&mut book, "o", 10);
    let mut bytes = rmp_serde::to_vec(case(&book, id)).unwrap();
    // Its last field is not there, and the length of the row says so.
    assert_eq!((bytes.pop(), bytes[0]), (Some(0), 0xdc));
    bytes[2] -= 1;
    assert_eq!(rmp_serde::from_slice::<Case>(&bytes).unwrap(), *case(&book, id));
}
