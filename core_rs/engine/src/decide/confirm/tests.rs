use super::*;
use crate::command::{
    Act, Approve, CaptureOrder, Order, Reserve, RetryCases, UpsertAccount, UpsertSegment,
};
use crate::decide::cases::tests::{HOUR, act, case, reviewed, yes};
use crate::model::{CaseStatus, Signer, Status};
use crate::outcome::Decision;
use crate::outcome::ReasonCode::{AccountClosed, AccountSuspended, LimitExpired, NoCreditLimit};
use crate::outcome::{Reason, ReasonCode};
use crate::testing::*;
use crate::values::{Day, Limit, LimitKind};

fn confirmed(book: &Book, order_id: &str) -> Result<Vec<Reason>, Refusal> {
    let before = book.state.dump();
    let found = confirm(&book.state, book.now, &by_order(order_id))?;
    assert_eq!(book.state.dump(), before);
    assert_eq!((found.amount, found.breach, found.verdict.fitting), (0, false, None));
    let approved = found.verdict.decision == Decision::Approved;
    assert_eq!(approved, found.verdict.reasons.is_empty());
    Ok(found.verdict.reasons)
}

fn codes(book: &Book) -> Vec<ReasonCode> {
    let reasons = confirmed(book, "o").expect("it is open");
    reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn goods_leave_as_long_as_the_account_takes_orders() {
    let mut book = Book::with_100();
    book.hold("o", 100);
    assert_eq!(confirmed(&book, "o"), Ok(vec![]));
    for (state, code) in [(Status::Suspended, AccountSuspended), (Status::Closed, AccountClosed)] {
        book.run(status("a", state)).unwrap();
        assert_eq!(codes(&book), [code]);
        book.run(status("a", Status::Active)).unwrap();
        assert_eq!(codes(&book), []);
    }
    let set = |limit| UpsertAccount { limit: Some(limit), ..account("a") };
    book.run(set(limit(LimitKind::NoCredit))).unwrap();
    assert_eq!(codes(&book), [NoCreditLimit]);
    let yesterday = Some(Day(TODAY.0 - 1));
    book.run(set(Limit { kind: LimitKind::Amount(100), valid_until: yesterday })).unwrap();
    let (today, last) = (i64::from(TODAY.0), i64::from(TODAY.0) - 1);
    assert_eq!(confirmed(&book, "o"), Ok(vec![reason(LimitExpired, today, last)]));
    book.run(status("a", Status::Suspended)).unwrap();
    assert_eq!(codes(&book), [AccountSuspended, LimitExpired]);
}

#[test]
fn goods_stay_when_there_is_nothing_to_inherit_any_more() {
    let mut book = Book::empty();
    let default = |kind, valid_until| UpsertSegment {
        request: REQUEST,
        segment_id: "retail",
        currency: usd(),
        limit: Some(Limit { kind, valid_until }),
        cap: None,
    };
    book.run(default(LimitKind::Amount(100), Some(TODAY))).unwrap();
    book.run(UpsertAccount { segment_id: Some("retail"), ..account("a") }).unwrap();
    book.reserved(Reserve {
        order: Order { ttl: ttl(Some(200_000)), ..order("o", 1) },
        ..reserve("o", 1)
    });
    assert_eq!(codes(&book), []);
    book.now += DAY;
    assert_eq!(codes(&book), [LimitExpired]);
    book.run(default(LimitKind::NoCredit, None)).unwrap();
    assert_eq!(codes(&book), [NoCreditLimit]);
}

#[test]
fn what_is_reserved_is_not_asked_for_again() {
    let mut book = Book::with_100();
    book.hold("o", 100);
    let cut = UpsertAccount {
        limit: Some(limit(LimitKind::Amount(1))),
        max_order: Some(1),
        shared_limit: Some(Some(1)),
        ..account("a")
    };
    book.run(cut).unwrap();
    let found = confirm(&book.state, book.now, &by_order("o")).unwrap();
    assert_eq!(found.verdict.decision, Decision::Approved);
    assert_eq!((found.verdict.available, found.reservation.open), (Some(-99), 100));
}

#[test]
fn nothing_leaves_of_what_is_not_open() {
    let mut book = Book::with_100();
    assert!(matches!(confirmed(&book, "o"), Err(Refusal::ReservationNotFound { .. })));
    book.hold("o", 10);
    book.changed(CaptureOrder { amount: Some(4), ..capture("o", "i") });
    assert_eq!(confirmed(&book, "o"), Ok(vec![]));
    // The clock has not come by yet.
    book.now += i64::from(TTL_S) * SECOND - 1;
    assert_eq!(confirmed(&book, "o"), Ok(vec![]));
    book.now += 1;
    let over = Refusal::NothingToConfirm { field: "order_id", value: "o".into() };
    assert_eq!(confirmed(&book, "o"), Err(over.clone()));
    book.pass(0);
    assert_eq!(confirmed(&book, "o"), Err(over));
    let id = book.order("o").id;
    let over = Refusal::NothingToConfirm { field: "reservation_id", value: id.to_string().into() };
    assert_eq!(confirm(&book.state, book.now, &Target::Id(id)), Err(over));
}

/// Orders of a suspended account, and those short of credit, wait for finance.
fn book_of_cases(signatures: u8) -> Book {
    let mut book = Book::with_100();
    book.set_policy(&format!(
        "[all.insufficient-credit]\noutcome = \"refer\"\n\
         [all.account-suspended]\noutcome = \"refer\"\n\
         [approvals]\nvalid_hours = 24\n\
         [[approvals.bands]]\nroles = \"finance\"\nsignatures = {signatures}\n"
    ));
    book
}

fn referred(book: &mut Book, amount: i64) -> u64 {
    let ttl = ttl(Some(72 * 3_600));
    let asked = book
        .reserved(Reserve { order: Order { ttl, ..order("o", amount) }, ..reserve("o", amount) });
    assert_eq!(asked.verdict.decision, Decision::Referred);
    asked.case.unwrap()
}

fn approve(book: &mut Book, id: u64, code: ReasonCode) -> CaseStatus {
    let act = act(id, Signer::Finance, Act::Approve(yes(&[code])));
    reviewed(book, "fay", act).status
}

#[test]
fn what_one_of_two_signed_neither_lets_goods_leave_nor_keeps_them() {
    let mut book = book_of_cases(2);
    let id = referred(&mut book, 120);
    assert_eq!(approve(&mut book, id, ReasonCode::InsufficientCredit), CaseStatus::Open);
    book.run(UpsertAccount { limit: Some(limit(LimitKind::Amount(200))), ..account("a") }).unwrap();
    book.run(RetryCases { cases: vec![id] }).unwrap();
    assert_eq!((case(&book, id).status, book.position()), (CaseStatus::Used, (0, 0, 120)));
    book.now += 25 * HOUR;
    assert_eq!(codes(&book), [], "it needed no approval that could be over");

    let mut book = book_of_cases(2);
    book.run(status("a", Status::Suspended)).unwrap();
    let id = referred(&mut book, 40);
    approve(&mut book, id, AccountSuspended);
    book.run(status("a", Status::Active)).unwrap();
    assert_eq!(book.hold("o", 40).case, Some(id));
    book.run(status("a", Status::Suspended)).unwrap();
    assert_eq!(codes(&book), [AccountSuspended], "half an approval is none");
}

#[test]
fn an_approval_lets_no_more_leave_than_it_is_for() {
    let mut book = book_of_cases(1);
    book.run(status("a", Status::Suspended)).unwrap();
    let id = referred(&mut book, 40);
    assert_eq!(approve(&mut book, id, AccountSuspended), CaseStatus::Used);
    assert_eq!(codes(&book), []);
    book.run(status("a", Status::Active)).unwrap();
    book.changed(adjust("o", 41));
    book.run(status("a", Status::Suspended)).unwrap();
    assert_eq!(codes(&book), [AccountSuspended]);
    book.changed(adjust("o", 40));
    assert_eq!(codes(&book), []);

    // Approved of less, and then asked for all of it while nothing stood in its way.
    let mut book = book_of_cases(1);
    book.run(status("a", Status::Suspended)).unwrap();
    let id = referred(&mut book, 60);
    let approve = Approve { amount: Some(50), ..yes(&[AccountSuspended]) };
    reviewed(&mut book, "fay", act(id, Signer::Finance, Act::Approve(approve)));
    book.run(status("a", Status::Active)).unwrap();
    assert_eq!(book.hold("o", 60).case, Some(id));
    book.run(status("a", Status::Suspended)).unwrap();
    assert_eq!(codes(&book), [AccountSuspended]);
}
