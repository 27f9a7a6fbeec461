use Decision::{Approved, Declined, PartiallyApproved, Referred};

use crate::command::*;
use crate::counting::{OrderDetails, Shipping};
use crate::model::HoldKind;
use crate::outcome::{Decision, Effect, Reason, ReasonCode, Reserved};
use crate::testing::*;
use crate::values::{LimitKind, Minor};

fn book(limit: Minor, policy: &str) -> Book {
    let mut book = Book::with_limit(LimitKind::Amount(limit));
    book.set_policy(policy);
    book
}

fn policy(code: ReasonCode, effect: Effect, observed: i64, threshold: i64) -> Reason {
    Reason::of_policy(code, effect, observed, threshold)
}

fn said(found: &Reserved) -> (Decision, &[Reason]) {
    (found.verdict.decision, &found.verdict.reasons)
}

#[test]
fn each_outcome_leads_to_its_decision() {
    let rule = |outcome| format!("[all.maximum-order]\namount = '0.50 USD'\n{outcome}");
    for (outcome, effect, decision) in [
        ("outcome = 'notify'", Effect::Notify, Approved),
        ("outcome = 'alert'", Effect::Alert, Approved),
        ("outcome = 'refer'", Effect::Refer, Referred),
        ("outcome = 'decline'", Effect::Decline, Declined),
        ("outcome = 'hold'", Effect::Hold, Declined),
        ("", Effect::Decline, Declined),
    ] {
        let mut book = book(100, &rule(outcome));
        let found = book.reserved(reserve("o", 60));
        let reason = policy(ReasonCode::OrderAmountExceeded, effect, 60, 50);
        assert_eq!(said(&found), (decision, &[reason][..]), "{outcome}");
        assert_eq!(found.amount, if decision == Approved { 60 } else { 0 });
        let held = book.state.conditions(0).map(|all| {
            all.holds_at(book.now).map(|hold| (hold.id.to_string(), hold.kind)).collect::<Vec<_>>()
        });
        let expected = vec![("policy-maximum-order".to_owned(), HoldKind::Manual)];
        assert_eq!(held, (effect == Effect::Hold).then_some(expected), "{outcome}");
    }
}

#[test]
fn the_strongest_reason_decides_and_all_are_named_in_order() {
    let mut book = book(
        1_000,
        "[all.maximum-order]
         amount = '0.50 USD'
         outcome = 'refer'
         [all.first-order]
         outcome = 'notify'
         [all.minimum-score]
         score = 40
         outcome = 'alert'",
    );
    let found = book.reserved(reserve("o", 60));
    let reasons = [
        policy(ReasonCode::ScoreMissing, Effect::Alert, 0, 40),
        policy(ReasonCode::FirstOrder, Effect::Notify, 60, 0),
        policy(ReasonCode::OrderAmountExceeded, Effect::Refer, 60, 50),
    ];
    assert_eq!(said(&found), (Referred, &reasons[..]));
    let found = book.reserved(reserve("o", 2_000));
    assert_eq!(found.verdict.decision, Declined);
    assert_eq!(found.verdict.reasons.last().map(|r| r.code), Some(ReasonCode::InsufficientCredit));
}

#[test]
fn a_part_is_what_no_rule_objects_to() {
    let rule = "[all.maximum-order]\namount = '0.80 USD'\noutcome = ";
    let plain = |amount| Reserve { allow_partial: true, ..reserve("o", amount) };
    let detailed = |amount| named(plain(amount));
    for asked in [&plain as &dyn Fn(Minor) -> Reserve<'static>, &detailed] {
        let found = book(100, &format!("{rule}'decline'")).reserved(asked(120));
        assert_eq!((found.verdict.decision, found.amount), (PartiallyApproved, 80));
        // Whom a person is to decide about gets no part without one.
        let found = book(100, &format!("{rule}'refer'")).reserved(asked(90));
        assert_eq!((found.verdict.decision, found.amount), (Referred, 0));
        assert_eq!(found.verdict.fitting, Some(80));
        // Nor a part by which an order of much risk would pass for one of little.
        let bands = BANDS.replace("'refer'", "'decline'");
        let found = book(100, &bands).reserved(asked(98));
        assert_eq!((found.verdict.decision, found.amount), (PartiallyApproved, 89));
    }
}

/// An order that names details, and counts as it is.
fn named(plain: Reserve<'static>) -> Reserve<'static> {
    let details = OrderDetails { shipping: Some(Shipping::default()), ..OrderDetails::default() };
    let order = Order { details: Some(Box::new(details)), ..plain.order };
    Reserve { order, ..plain }
}

#[test]
fn rules_that_are_built_in_may_refer() {
    let mut book = book(100, "[all.insufficient-credit]\noutcome = 'refer'");
    let found = book.reserved(reserve("o", 120));
    let reason = policy(ReasonCode::InsufficientCredit, Effect::Refer, 120, 100);
    assert_eq!(said(&found), (Referred, &[reason][..]));
}

const BANDS: &str = "
    [all.utilisation]
    hysteresis = 10
    band = [
        { percent = 80, outcome = 'notify' },
        { percent = 90, outcome = 'refer', high_risk = true },
        { percent = 95, outcome = 'alert' },
        { percent = 100, outcome = 'decline' },
    ]
    [all.utilisation.high_risk]
    above = '0.50 USD'";

#[test]
fn bands_of_utilisation_speak_each_for_those_below() {
    let code = ReasonCode::UtilisationReached;
    let notify = || policy(code, Effect::Notify, 0, 80);
    let refer = || policy(code, Effect::Refer, 0, 90);
    let alert = || policy(code, Effect::Alert, 0, 95);
    let decline = || policy(code, Effect::Decline, 0, 100);
    for (owed, amount, decision, reasons) in [
        (0, 79, Approved, vec![]),
        (0, 80, Approved, vec![notify()]),
        (60, 30, Approved, vec![notify()]),
        (0, 90, Referred, vec![refer()]),
        (60, 36, Approved, vec![alert()]),
        (0, 96, Referred, vec![refer(), alert()]),
        (60, 40, Declined, vec![decline()]),
    ] {
        let mut book = book(100, BANDS);
        if owed > 0 {
            book.post(invoice("i", owed));
        }
        let found = book.reserved(reserve("o", amount));
        let expected =
            reasons.into_iter().map(|reason| Reason { observed: owed + amount, ..reason });
        let mut expected = expected.collect::<Vec<_>>();
        expected.reverse();
        assert_eq!(said(&found), (decision, &expected[..]), "{owed} + {amount}");
    }
}

#[test]
fn what_is_used_is_of_the_most_that_may_be_owed_with_a_hard_cap_and_a_tolerance() {
    let full = "[all.utilisation]\nband = [{ percent = 100 }]";
    let mut held = book(100, full);
    let request = REQUEST;
    held.run(SetRollingLimit { request, account_id: "a", hard_cap: 300, days: 1 }).unwrap();
    held.pass(2 * DAY);
    held.hold("peak", 299);
    assert_eq!(held.reserved(reserve("o", 1)).verdict.decision, Declined);
    let tolerant = format!("{full}\n[limits.tolerance]\nweb = 10");
    let mut book = book(100, &tolerant);
    assert_eq!(book.reserved(reserve("o", 100)).verdict.decision, Declined);
    book.channel = "web";
    book.hold("o", 109);
}

#[test]
fn a_ledger_that_is_silent_for_too_long_lets_small_orders_through() {
    let mut book = book(
        1_000,
        "[all.stale-ledger]
         hours = 26
         sources = 'erp'
         floor = '0.50 USD'",
    );
    // It has as long to begin.
    book.pass(26 * 3_600 * SECOND - 1);
    book.hold("before", 60);
    book.pass(1);
    let found = book.reserved(reserve("after", 60));
    let reason = policy(ReasonCode::LedgerStale, Effect::Decline, 26, 26);
    assert_eq!(said(&found), (Declined, &[reason][..]));
    book.hold("small", 50);
    // Another source is not the one that counts.
    book.post(Post { source: "old", position: 1, ..entry(EntryKind::Payment, 1) });
    assert_eq!(book.reserved(reserve("after", 60)).verdict.decision, Declined);
    book.post(entry(EntryKind::Payment, 1));
    book.hold("after", 60);
    // It need not count its entries to be heard.
    book.pass(25 * 3_600 * SECOND);
    book.post(entry(EntryKind::Payment, 1));
    book.pass(25 * 3_600 * SECOND);
    book.hold("later", 60);
}

const FIRST: &str = "[all.first-order]\noutcome = 'refer'\nabove = '0.50 USD'";

#[test]
fn a_first_order_is_one_before_anything_was_shipped_however_small_it_begins() {
    let mut book = book(1_000, FIRST);
    let refer = |owed| policy(ReasonCode::FirstOrder, Effect::Refer, owed, 50);
    assert_eq!(said(&book.reserved(reserve("o", 60))), (Referred, &[refer(60)][..]));
    book.hold("small", 10);
    assert_eq!(said(&book.reserved(reserve("o", 41))), (Referred, &[refer(51)][..]));
    let grown = book.changed(adjust("small", 51));
    assert_eq!((grown.verdict.decision, grown.verdict.reasons), (Referred, vec![refer(51)]));
    let shipped = CaptureOrder { amount: Some(51), ..capture("small", "i") };
    assert_eq!(book.changed(shipped).verdict.decision, Referred);
    book.hold("o", 40);
    book.run(release("o")).unwrap();
    assert_eq!(book.reserved(reserve("o", 41)).verdict.decision, Referred);
    book.changed(capture("small", "i"));
    book.hold("o", 60);
}

#[test]
fn who_was_billed_by_the_ledger_has_no_first_order_also_once_it_has_paid() {
    let mut book = book(1_000, FIRST);
    book.post(invoice("i", 10));
    book.post(payment(10, &[("i", 10)]));
    assert_eq!(book.position(), (0, 0, 0));
    book.hold("o", 60);
}

#[test]
fn orders_of_one_batch_are_first_ones_together() {
    let mut book = book(1_000, "[all.first-order]\noutcome = 'notify'\nabove = '0.10 USD'");
    let orders = vec![order("o1", 10), order("o2", 10)];
    let Ok(crate::outcome::Outcome::ReservedAll(all)) =
        book.run(ReserveAll { request: REQUEST, orders })
    else {
        panic!("a batch is answered for each order")
    };
    assert_eq!(all.iter().map(|r| r.verdict.reasons.len()).collect::<Vec<_>>(), [0, 1]);
}
