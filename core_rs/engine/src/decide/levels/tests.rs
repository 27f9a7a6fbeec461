//! Limits of several accounts together: a head with others below it, and a segment's cap.

use crate::bounds::{AMOUNT_MINOR_MAX, PARENT_DEPTH_MAX};
use crate::command::{
    EntryKind, Order, Post, Release, Reserve, ReserveAll, UpsertAccount, UpsertSegment,
};
use crate::error::Refusal;
use crate::outcome::Decision::{Approved, Declined, PartiallyApproved};
use crate::outcome::ReasonCode::{InsufficientCredit, SegmentCapExceeded, SharedLimitExceeded};
use crate::outcome::{Level, Outcome, Reason, ReasonCode, Reserved, Upserted, Whose};
use crate::testing::*;
use crate::values::{Currency, LimitKind, Minor};

/// "top" over "mid" over "a" and "b", and "c" under "top"; the first two share 150 and 100.
fn family() -> Book {
    let mut book = Book::empty();
    let unlimited = Some(limit(LimitKind::Unlimited));
    for (id, parent, shared) in [
        ("top", None, Some(150)),
        ("mid", Some("top"), Some(100)),
        ("a", Some("mid"), None),
        ("b", Some("mid"), None),
        ("c", Some("top"), None),
    ] {
        let shared_limit = shared.map(Some);
        let row = UpsertAccount { parent_id: parent, limit: unlimited, ..account(id) };
        book.run(UpsertAccount { shared_limit, ..row }).unwrap();
    }
    book
}

fn order_of<'a>(account_id: &'a str, order_id: &'a str, amount: Minor) -> Reserve<'a> {
    let order = Order { account_id, ..order(order_id, amount) };
    Reserve { order, ..reserve(order_id, amount) }
}

fn shared(whose: &str, observed: Minor, threshold: Minor) -> Reason {
    Reason {
        whose: Some(Whose::Group(whose.into())),
        ..reason(SharedLimitExceeded, observed, threshold)
    }
}

/// What is left, and whose shared limit leaves no more.
fn room(reserved: &Reserved) -> (Option<Minor>, Option<&str>) {
    let bound_by = reserved.verdict.bound_by.as_ref().map(|level| match level {
        Level::Group(id) | Level::Segment(id) => &**id,
    });
    (reserved.verdict.available, bound_by)
}

/// Account, what it and all below it owe.
fn owes(book: &Book, head: &str) -> i128 {
    let slot = book.state.slot(head).unwrap();
    book.state.group(slot).map_or(book.counters(head).exposure().into(), |group| group.exposure())
}

#[test]
fn an_order_fits_every_level_at_once_and_the_tightest_one_is_named() {
    let mut book = family();
    let a = book.reserved(order_of("a", "o", 60));
    assert_eq!((a.verdict.decision, room(&a)), (Approved, (Some(40), Some("mid"))));
    let c = book.reserved(order_of("c", "o", 70));
    assert_eq!((c.verdict.decision, room(&c)), (Approved, (Some(20), Some("top"))));
    let b = book.reserved(order_of("b", "o", 41));
    assert_eq!(b.verdict.reasons, [shared("mid", 41, 40), shared("top", 41, 20)]);
    assert_eq!((b.verdict.decision, b.verdict.fitting), (Declined, Some(20)));
    assert_eq!(room(&b), (Some(20), Some("top")));
    let b = book.reserved(Reserve { allow_partial: true, ..order_of("b", "o", 41) });
    assert_eq!(
        (b.verdict.decision, b.amount, room(&b)),
        (PartiallyApproved, 20, (Some(0), Some("top")))
    );
    assert_eq!(["top", "mid", "a", "b", "c"].map(|id| owes(&book, id)), [150, 80, 60, 20, 70]);
}

#[test]
fn an_own_limit_is_named_for_itself_beside_those_that_are_shared() {
    let mut book = family();
    let own = Some(limit(LimitKind::Amount(50)));
    book.run(UpsertAccount { limit: own, ..account("a") }).unwrap();
    let found = book.reserved(order_of("a", "o", 101));
    assert_eq!(
        found.verdict.reasons,
        [reason(InsufficientCredit, 101, 50), shared("mid", 101, 100)]
    );
    assert_eq!((found.verdict.fitting, room(&found)), (Some(50), (Some(50), None)));
    // Where both leave the same, the account's own is named.
    book.reserved(order_of("b", "o", 50));
    assert_eq!(room(&book.reserved(order_of("a", "o", 51))), (Some(50), None));
}

#[test]
fn the_head_of_a_group_is_held_to_what_it_shares_too() {
    let mut book = family();
    let found = book.reserved(order_of("mid", "o", 101));
    assert_eq!(found.verdict.reasons, [shared("mid", 101, 100)]);
    book.reserved(order_of("mid", "o", 100));
    assert_eq!(book.reserved(order_of("a", "o", 1)).verdict.reasons, [shared("mid", 1, 0)]);
}

#[test]
fn a_batch_takes_from_what_is_shared_order_by_order() {
    let mut book = family();
    let of = |account_id, order_id, amount| Order { account_id, ..order(order_id, amount) };
    let batch = |orders| ReserveAll { request: REQUEST, orders };
    let orders = vec![of("a", "o", 60), of("b", "o", 40), of("c", "o", 51)];
    let Ok(Outcome::ReservedAll(found)) = book.run(batch(orders)) else { panic!("decisions") };
    assert_eq!(found[2].verdict.reasons, [shared("top", 51, 50)]);
    assert!(found.iter().all(|item| item.amount == 0));
    assert_eq!(owes(&book, "top"), 0);
    let orders = vec![of("a", "o", 60), of("b", "o", 40), of("c", "o", 50)];
    let Ok(Outcome::ReservedAll(found)) = book.run(batch(orders)) else { panic!("decisions") };
    let left: Vec<_> = found.iter().map(room).collect();
    assert_eq!(left, [(Some(40), Some("mid")), (Some(0), Some("mid")), (Some(0), Some("top"))]);
    assert_eq!(owes(&book, "top"), 150);
}

#[test]
fn a_move_to_another_parent_takes_along_what_is_owed_below() {
    let mut book = family();
    book.run(account("other")).unwrap();
    book.reserved(order_of("a", "o", 30));
    book.post(Post { account_id: "b", ..entry(EntryKind::OpeningBalance, 20) });
    let under = |id, parent| UpsertAccount { parent_id: Some(parent), ..account(id) };
    book.run(under("mid", "other")).unwrap();
    assert_eq!(["top", "other", "mid"].map(|id| owes(&book, id)), [0, 50, 50]);
    book.run(under("a", "top")).unwrap();
    assert_eq!(["top", "other", "mid"].map(|id| owes(&book, id)), [30, 20, 20]);
    book.run(under("a", "")).unwrap();
    book.run(Release { request: REQUEST, target: by_order("o"), amount: None }).unwrap();
    assert_eq!(["top", "other", "a"].map(|id| owes(&book, id)), [0, 20, 0]);
}

#[test]
fn a_shared_limit_is_set_kept_and_removed() {
    let mut book = family();
    let unchanged = Ok(Outcome::Upserted(Upserted::Unchanged));
    let set = |limit| UpsertAccount { shared_limit: Some(limit), ..account("top") };
    assert_eq!(book.run(account("top")), unchanged);
    assert_eq!(book.run(set(Some(150))), unchanged);
    // Zero is an amount.
    assert_eq!(book.run(set(Some(0))), Ok(Outcome::Upserted(Upserted::Updated)));
    assert_eq!(book.reserved(order_of("c", "o", 1)).verdict.reasons, [shared("top", 1, 0)]);
    book.run(set(None)).unwrap();
    assert_eq!(room(&book.reserved(order_of("c", "o", 500))), (None, None));
    assert_eq!(room(&book.reserved(order_of("a", "o", 1))), (Some(99), Some("mid")));
}

#[test]
fn what_a_group_owes_may_be_more_than_an_account_ever_can() {
    let mut book = family();
    for id in ["a", "b", "c"] {
        for _ in 0..4 {
            let entry = entry(EntryKind::OpeningBalance, AMOUNT_MINOR_MAX);
            book.post(Post { account_id: id, ..entry });
        }
    }
    assert_eq!(owes(&book, "top"), 12 * i128::from(AMOUNT_MINOR_MAX));
    let found = book.reserved(order_of("a", "o", 1));
    let codes: Vec<ReasonCode> = found.verdict.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [SharedLimitExceeded; 2]);
    assert_eq!(room(&found), (Some(Minor::MIN), Some("top")));
}

#[test]
fn no_tree_grows_deeper_than_its_bound_from_above_either() {
    let mut book = Book::empty();
    let ids: Vec<String> = (0..=PARENT_DEPTH_MAX + 1).map(|i| i.to_string()).collect();
    ids.iter().for_each(|id| drop(book.run(account(id)).unwrap()));
    let below = |i: usize| UpsertAccount { parent_id: Some(&ids[i + 1]), ..account(&ids[i]) };
    for i in 0..PARENT_DEPTH_MAX {
        book.run(below(i)).unwrap();
    }
    let refusal = Refusal::ParentCycle(ids[PARENT_DEPTH_MAX + 1].as_str().into());
    assert_eq!(book.refused(below(PARENT_DEPTH_MAX)), refusal);
    // Once the lowest has left, there is room for one above.
    book.run(UpsertAccount { parent_id: Some(""), ..account("0") }).unwrap();
    book.run(below(PARENT_DEPTH_MAX)).unwrap();
}

/// Segment "retail" with a cap in USD, and "a" and "b" without limits of their own in it.
fn capped(cap: Minor) -> Book {
    let mut book = Book::empty();
    book.run(segment_cap(usd(), Some(cap))).unwrap();
    for id in ["a", "b"] {
        let unlimited = Some(limit(LimitKind::Unlimited));
        let row = UpsertAccount { segment_id: Some("retail"), ..account(id) };
        book.run(UpsertAccount { limit: unlimited, ..row }).unwrap();
    }
    book
}

fn segment_cap(currency: Currency, cap: Option<Minor>) -> UpsertSegment<'static> {
    let cap = Some(cap);
    UpsertSegment { request: REQUEST, segment_id: "retail", currency, limit: None, cap }
}

fn over_cap(observed: Minor, threshold: Minor) -> Reason {
    let whose = Some(Whose::Segment("retail".into()));
    Reason { whose, ..reason(SegmentCapExceeded, observed, threshold) }
}

#[test]
fn a_cap_bounds_what_all_accounts_of_a_segment_owe_together() {
    let mut book = capped(100);
    assert_eq!(room(&book.reserved(order_of("a", "o", 60))), (Some(40), Some("retail")));
    let short = book.reserved(order_of("b", "o", 41));
    assert_eq!(short.verdict.reasons, [over_cap(41, 40)]);
    assert_eq!((short.verdict.fitting, short.amount), (Some(40), 0));
    book.reserved(order_of("b", "o", 40));
    book.run(Release { request: REQUEST, target: by_order("o"), amount: Some(10) }).unwrap();
    assert_eq!(book.reserved(order_of("b", "p", 11)).verdict.reasons, [over_cap(11, 10)]);
    // Who leaves the segment takes along what it owes.
    book.run(UpsertAccount { segment_id: Some(""), ..account("a") }).unwrap();
    assert_eq!(room(&book.reserved(order_of("b", "p", 60))), (Some(0), Some("retail")));
    book.run(segment_cap(usd(), None)).unwrap();
    assert_eq!(room(&book.reserved(order_of("b", "q", 500))), (None, None));
}

#[test]
fn a_cap_counts_the_accounts_of_its_currency_alone() {
    let mut book = capped(100);
    let row = UpsertAccount { segment_id: Some("retail"), currency: Some(eur()), ..account("e") };
    book.run(UpsertAccount { limit: Some(limit(LimitKind::Amount(500))), ..row }).unwrap();
    book.run(segment_cap(eur(), Some(200))).unwrap();
    let in_eur = |amount| {
        let order = Order { account_id: "e", currency: eur(), ..order("o", amount) };
        Reserve { order, ..reserve("o", amount) }
    };
    assert_eq!(room(&book.reserved(in_eur(150))), (Some(50), Some("retail")));
    assert_eq!(room(&book.reserved(order_of("a", "o", 1))), (Some(99), Some("retail")));
}

#[test]
fn groups_are_named_before_the_segment_and_the_tightest_of_all_binds() {
    let mut book = family();
    book.run(segment_cap(usd(), Some(30))).unwrap();
    book.run(UpsertAccount { segment_id: Some("retail"), ..account("a") }).unwrap();
    let found = book.reserved(order_of("a", "o", 200));
    let expected = [shared("mid", 200, 100), shared("top", 200, 150), over_cap(200, 30)];
    assert_eq!(found.verdict.reasons, expected);
    assert_eq!((found.verdict.fitting, room(&found)), (Some(30), (Some(30), Some("retail"))));
}

#[test]
fn a_batch_takes_from_a_cap_order_by_order() {
    let mut book = capped(100);
    let of = |account_id, amount| Order { account_id, ..order("o", amount) };
    let batch = |last| {
        let orders = vec![of("a", 60), of("b", last)];
        ReserveAll { request: REQUEST, orders }
    };
    let Ok(Outcome::ReservedAll(found)) = book.run(batch(41)) else { panic!("decisions") };
    assert_eq!(found[1].verdict.reasons, [over_cap(41, 40)]);
    let Ok(Outcome::ReservedAll(found)) = book.run(batch(40)) else { panic!("decisions") };
    assert_eq!(room(&found[1]), (Some(0), Some("retail")));
}

#[test]
fn no_cap_is_taken_from_a_segment_that_is_not_known() {
    let mut book = capped(100);
    let wrong = UpsertSegment { segment_id: "retial", ..segment_cap(usd(), None) };
    assert_eq!(book.refused(wrong), Refusal::SegmentNotFound("retial".into()));
}

#[test]
fn a_default_and_a_cap_are_set_one_without_the_other() {
    let mut book = capped(100);
    let [created, updated, unchanged] =
        [Upserted::Created, Upserted::Updated, Upserted::Unchanged].map(Outcome::Upserted);
    assert_eq!(book.run(segment_cap(usd(), Some(100))), Ok(unchanged.clone()));
    let default = UpsertSegment {
        limit: Some(limit(LimitKind::Amount(7))),
        cap: None,
        ..segment_cap(usd(), None)
    };
    assert_eq!(book.run(default.clone()), Ok(updated.clone()));
    assert_eq!(book.run(default), Ok(unchanged));
    assert_eq!(book.run(segment_cap(usd(), Some(0))), Ok(updated));
    assert_eq!(book.run(segment_cap(eur(), Some(1))), Ok(created));
    let segment = &book.state.segments()[0];
    assert_eq!(segment.defaults, [(usd(), limit(LimitKind::Amount(7)))]);
    assert_eq!(segment.caps, [(eur(), 1), (usd(), 0)]);
}
