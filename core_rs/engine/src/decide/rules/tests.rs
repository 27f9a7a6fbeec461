use super::*;
use crate::command::{ReserveAll, SetRollingLimit, UpsertAccount};
use crate::decide::{Inquiry, check};
use crate::outcome::Decision::{Approved, Declined, PartiallyApproved};
use crate::outcome::ReasonCode::{
    AccountSuspended, BatchNotApproved, InsufficientCredit, LimitTolerated, SharedLimitExceeded,
};
use crate::outcome::{Outcome, Verdict};
use crate::testing::*;

/// Account "a" has 99, of which its web shop may pass a tenth.
fn tolerant() -> Book {
    let mut book = Book::with_limit(LimitKind::Amount(99));
    book.set_policy("[limits.tolerance]\nweb = 10\n");
    book
}

/// What is said of an order of account "a" through a channel.
fn said(book: &Book, amount: Minor, channel: &str) -> Vec<Reason> {
    let inquiry = Inquiry { channel, ..inquiry(amount) };
    check(&book.state, book.now, &inquiry).expect("it is decided").verdict.reasons
}

#[test]
fn an_order_may_pass_its_accounts_limit_by_the_tolerance_of_its_channel() {
    let mut book = tolerant();
    assert_eq!(said(&book, 100, ""), [reason(InsufficientCredit, 100, 99)]);
    assert_eq!(said(&book, 108, "web"), [reason(LimitTolerated, 108, 99)]);
    assert_eq!(said(&book, 109, "web"), [reason(InsufficientCredit, 109, 108)]);
    book.channel = "web";
    let reserved = book.hold("o", 108);
    assert_eq!(reserved.verdict.available, Some(-9), "what is left of the limit itself");
    assert_eq!(said(&book, 1, "web"), [reason(InsufficientCredit, 1, 0)]);
    // Growth, and what is shipped beyond an order, are orders too.
    book.run(release("o")).unwrap();
    book.hold("p", 50);
    let grown = book.changed(adjust("p", 108)).verdict;
    assert_eq!(grown.reasons, [reason(LimitTolerated, 58, 49)]);
    let refused = book.changed(adjust("p", 109)).verdict;
    assert_eq!(refused.reasons, [reason(InsufficientCredit, 1, 0)]);
}

#[test]
fn neither_limits_of_several_accounts_nor_hard_caps_are_stretched() {
    let mut book = tolerant();
    book.channel = "web";
    let shared_limit = Some(Some(100));
    book.run(UpsertAccount { shared_limit, ..account("a") }).unwrap();
    let codes = |found: Vec<Reason>| Vec::from_iter(found.into_iter().map(|found| found.code));
    // What stops the order is named alone; by force the goods leave, and all that they pass is.
    assert_eq!(codes(said(&book, 108, "web")), [SharedLimitExceeded]);
    book.hold("o", 50);
    assert_eq!(codes(book.changed(adjust("o", 108)).verdict.reasons), [SharedLimitExceeded]);
    let ships =
        crate::command::CaptureOrder { amount: Some(108), forced: true, ..capture("o", "i") };
    let forced = book.changed(ships);
    assert!(forced.breach);
    assert_eq!(codes(forced.verdict.reasons), [LimitTolerated, SharedLimitExceeded]);
    let mut book = tolerant();
    let capped = SetRollingLimit { request: REQUEST, account_id: "a", hard_cap: 200, days: 1 };
    book.run(capped).unwrap();
    assert_eq!(said(&book, 100, "web"), [reason(InsufficientCredit, 100, 99)]);
}

#[test]
fn only_what_is_approved_is_tolerated() {
    let mut book = tolerant();
    book.channel = "web";
    // Of a part that passes the limit itself it is said with what that part is.
    let part = book.reserved(crate::command::Reserve { allow_partial: true, ..reserve("o", 109) });
    let Verdict { decision, reasons, .. } = part.verdict;
    assert_eq!((decision, part.amount), (PartiallyApproved, 108));
    assert_eq!(reasons, [reason(InsufficientCredit, 109, 108), reason(LimitTolerated, 108, 99)]);
    book.run(release("o")).unwrap();
    // A part that the maximum of an order leaves within the limit passes none.
    book.run(UpsertAccount { max_order: Some(60), ..account("a") }).unwrap();
    let part = book.reserved(crate::command::Reserve { allow_partial: true, ..reserve("p", 108) });
    let codes = Vec::from_iter(part.verdict.reasons.iter().map(|reason| reason.code));
    assert_eq!((part.amount, &codes[..]), (60, &[ReasonCode::MaxOrderAmountExceeded][..]));
    book.run(release("p")).unwrap();
    book.run(UpsertAccount { max_order: Some(0), ..account("a") }).unwrap();
    // Nor does an order of a batch of which nothing is reserved, or of a suspended account.
    let orders = vec![order("q", 108), order("r", 1)];
    let Ok(Outcome::ReservedAll(all)) = book.run(ReserveAll { request: REQUEST, orders }) else {
        panic!("the batch is decided");
    };
    assert_eq!(all[0].verdict.decision, Declined);
    assert_eq!(all[0].verdict.reasons, [reason(BatchNotApproved, 1, 0)]);
    book.run(status("a", Status::Suspended)).unwrap();
    assert_eq!(said(&book, 108, "web"), [reason(AccountSuspended, 0, 0)]);
    book.run(status("a", Status::Active)).unwrap();
    assert_eq!(book.hold("s", 108).verdict.decision, Approved);
}
