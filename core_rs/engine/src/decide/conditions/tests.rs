use super::*;
use crate::bounds::{AMOUNT_MINOR_MAX, EXPOSURE_MINOR_MAX};
use crate::command::UpsertAccount;
use crate::decide::confirm;
use crate::decide::levels::{EffectiveLimit, LimitSource, effective_limit};
use crate::model::HoldKind::{self, Bureau, Fraud, Manual};
use crate::model::Status;
use crate::model::TemporaryLimitKind::{Collateral, Increase, Insurance, Override};
use crate::outcome::Decision::{Approved, Declined};
use crate::outcome::ReasonCode::{self, *};
use crate::outcome::{Reason, Reserved, Whose};
use crate::testing::*;
use crate::values::{Limit, LimitKind, Micros, Minor};

fn place(hold_id: &str, kind: HoldKind, until: Option<Micros>) -> PlaceHold<'_> {
    PlaceHold { request: REQUEST, account_id: "a", hold_id, kind, source: "desk", until }
}

fn lift(hold_id: &str) -> LiftHold<'_> {
    LiftHold { request: REQUEST, account_id: "a", hold_id }
}

/// From so many days after today to so many, both included.
fn temporary(
    limit_id: &str,
    kind: TemporaryLimitKind,
    amount: Minor,
    days: (i32, i32),
) -> SetTemporaryLimit<'_> {
    let (first, last) = (Some(Day(TODAY.0 + days.0)), Day(TODAY.0 + days.1));
    SetTemporaryLimit { request: REQUEST, account_id: "a", limit_id, kind, amount, first, last }
}

fn remove(limit_id: &str) -> RemoveTemporaryLimit<'_> {
    RemoveTemporaryLimit { request: REQUEST, account_id: "a", limit_id }
}

fn by_hold(code: ReasonCode, hold_id: &str) -> Reason {
    Reason { whose: Some(Whose::Hold(hold_id.into())), ..reason(code, 0, 0) }
}

fn reasons(found: &Reserved) -> Vec<Reason> {
    assert_eq!(found.verdict.decision == Approved, found.verdict.reasons.is_empty());
    found.verdict.reasons.clone()
}

/// The limit of account "a" today.
fn held_to(book: &Book) -> EffectiveLimit {
    let slot = book.state.slot("a").unwrap();
    let Book { state, now, .. } = book;
    effective_limit(state, slot, &state.terms(slot), state.conditions(slot), *now)
}

fn amount(book: &Book) -> LimitKind {
    held_to(book).limit.kind
}

#[test]
fn the_very_next_order_sees_a_hold_and_one_after_it_was_lifted_does_not() {
    let mut book = Book::with_100();
    book.hold("before", 10);
    assert_eq!(book.run(place("h", Fraud, None)), Ok(Outcome::Upserted(Upserted::Created)));
    assert_eq!(reasons(&book.reserved(reserve("o", 1))), [by_hold(FraudSuspension, "h")]);
    let grown = book.changed(adjust("before", 11));
    assert_eq!(grown.verdict.reasons, [by_hold(FraudSuspension, "h")]);
    assert_eq!(book.changed(adjust("before", 9)).verdict.decision, Approved, "less is let through");
    assert_eq!(book.run(lift("h")), Ok(Outcome::Done));
    assert_eq!(reasons(&book.reserved(reserve("o", 1))), []);
    assert_eq!(book.refused(lift("h")), Refusal::HoldNotFound("h".into()));
}

#[test]
fn a_hold_ends_by_itself_to_the_microsecond() {
    let mut book = Book::with_100();
    let until = book.now + SECOND;
    book.run(place("h", Bureau, Some(until))).unwrap();
    book.now = until - 1;
    assert_eq!(reasons(&book.reserved(reserve("o", 1))), [by_hold(BureauSuspension, "h")]);
    book.now = until;
    assert_eq!(reasons(&book.reserved(reserve("o", 1))), []);
    assert_eq!(book.refused(lift("h")), Refusal::HoldNotFound("h".into()));
    let passed = book.refused(place("h", Bureau, Some(until)));
    assert!(matches!(passed, Refusal::Passed { field: "expire_time", .. }), "{passed:?}");
    // It goes with the next change, so that rows hold no more than they must.
    book.run(place("i", Manual, None)).unwrap();
    let slot = book.state.slot("a").unwrap();
    let kept = book.state.account(slot).conditions.unwrap();
    assert_eq!(kept.holds_at(Micros::MIN).map(|hold| &*hold.id).collect::<Vec<_>>(), ["i"]);
    book.run(lift("i")).unwrap();
    assert_eq!(book.state.account(slot).conditions, None);
}

#[test]
fn holds_are_named_all_in_order_of_precedence_between_status_and_limit() {
    let mut book = Book::with_limit(LimitKind::NoCredit);
    for (id, kind) in [("m", Manual), ("b2", Bureau), ("f", Fraud), ("b1", Bureau)] {
        book.run(place(id, kind, None)).unwrap();
    }
    book.run(status("a", Status::Suspended)).unwrap();
    let expected = [
        reason(AccountSuspended, 0, 0),
        by_hold(FraudSuspension, "f"),
        by_hold(BureauSuspension, "b1"),
        by_hold(BureauSuspension, "b2"),
        by_hold(AccountOnHold, "m"),
        reason(NoCreditLimit, 0, 0),
    ];
    assert_eq!(reasons(&book.reserved(reserve("o", 1))), expected);
}

#[test]
fn a_hold_of_the_same_id_takes_the_place_of_the_one_before() {
    let mut book = Book::with_100();
    book.run(place("h", Manual, None)).unwrap();
    assert_eq!(book.run(place("h", Manual, None)), Ok(Outcome::Upserted(Upserted::Unchanged)));
    let sooner = place("h", Fraud, Some(book.now + DAY));
    assert_eq!(book.run(sooner), Ok(Outcome::Upserted(Upserted::Updated)));
    assert_eq!(reasons(&book.reserved(reserve("o", 1))), [by_hold(FraudSuspension, "h")]);
    book.now += DAY;
    assert_eq!(reasons(&book.reserved(reserve("o", 1))), []);
}

#[test]
fn holds_are_bounded_and_those_that_have_ended_do_not_count() {
    let mut book = Book::with_100();
    let ids: Vec<_> = (0..=HOLDS_MAX).map(|n| format!("h{n}")).collect();
    for id in &ids[..HOLDS_MAX] {
        book.run(place(id, Manual, Some(book.now + SECOND))).unwrap();
    }
    let one_more = place(&ids[HOLDS_MAX], Manual, None);
    let refused = book.refused(one_more.clone());
    assert_eq!(refused, Refusal::TooManyHolds((*ids[HOLDS_MAX]).into()));
    book.run(place(&ids[0], Fraud, None)).unwrap();
    book.now += SECOND;
    book.run(one_more).unwrap();
}

#[test]
fn goods_do_not_leave_while_the_account_is_held() {
    let mut book = Book::with_100();
    book.hold("o", 100);
    book.run(place("h", Manual, None)).unwrap();
    let found = confirm(&book.state, book.now, &by_order("o")).unwrap();
    assert_eq!(found.verdict.reasons, [by_hold(AccountOnHold, "h")]);
    assert_eq!(found.verdict.decision, Declined);
}

#[test]
fn limits_for_some_days_come_and_go_by_themselves() {
    let mut book = Book::with_100();
    book.run(temporary("season", Increase, 50, (1, 2))).unwrap();
    book.run(temporary("deposit", Collateral, 7, (0, 1))).unwrap();
    book.run(temporary("cover", Insurance, 3, (2, 2))).unwrap();
    for (day, expected) in [(0, 107), (1, 157), (2, 153), (3, 100)] {
        book.now = Micros::from(TODAY.0 + day) * DAY;
        assert_eq!(amount(&book), LimitKind::Amount(expected), "day {day}");
        assert_eq!(held_to(&book).source, LimitSource::Account);
        let found = book.reserved(reserve("o", expected + 1));
        assert_eq!(reasons(&found), [reason(InsufficientCredit, expected + 1, expected)]);
        assert_eq!(found.verdict.available, Some(expected));
    }
}

#[test]
fn an_override_stands_in_place_of_the_limit_and_of_its_end() {
    let mut book = Book::empty();
    let yesterday = Some(Day(TODAY.0 - 1));
    let expired = Limit { kind: LimitKind::Amount(100), valid_until: yesterday };
    book.run(UpsertAccount { limit: Some(expired), ..account("a") }).unwrap();
    book.run(temporary("more", Increase, 5, (0, 9))).unwrap();
    let over = reason(LimitExpired, TODAY.0.into(), i64::from(TODAY.0) - 1);
    assert_eq!(reasons(&book.reserved(reserve("o", 1))), [over], "what adds does not revive it");
    book.run(temporary("fair", Override, 40, (0, 1))).unwrap();
    assert_eq!(amount(&book), LimitKind::Amount(45));
    assert_eq!(held_to(&book).source, LimitSource::Override);
    assert_eq!(reasons(&book.reserved(reserve("o", 45))), []);
    book.run(temporary("fair", Override, 0, (0, 0))).unwrap();
    assert_eq!(amount(&book), LimitKind::Amount(5));
    book.run(remove("fair")).unwrap();
    assert_eq!(held_to(&book).limit, Limit { kind: LimitKind::Amount(105), ..expired });
    assert_eq!(book.refused(remove("fair")), Refusal::TemporaryLimitNotFound("fair".into()));
}

#[test]
fn an_override_gives_a_limit_where_nothing_is_inherited_but_never_against_no_credit() {
    let mut book = Book::empty();
    book.run(account("a")).unwrap();
    book.run(temporary("more", Increase, 5, (0, 0))).unwrap();
    assert_eq!(amount(&book), LimitKind::NoCredit);
    book.run(temporary("fair", Override, 40, (0, 0))).unwrap();
    assert_eq!(amount(&book), LimitKind::Amount(45));
    let set = |kind| UpsertAccount { limit: Some(limit(kind)), ..account("a") };
    book.run(set(LimitKind::NoCredit)).unwrap();
    assert_eq!((amount(&book), held_to(&book).source), (LimitKind::NoCredit, LimitSource::Account));
    book.run(set(LimitKind::Unlimited)).unwrap();
    assert_eq!(amount(&book), LimitKind::Amount(45), "it also lowers");
    book.run(remove("fair")).unwrap();
    assert_eq!(amount(&book), LimitKind::Unlimited);
}

#[test]
fn two_overrides_of_one_day_are_refused_and_one_may_move() {
    let mut book = Book::with_100();
    book.run(temporary("x", Override, 40, (2, 4))).unwrap();
    for days in [(0, 2), (4, 9), (3, 3), (0, 9)] {
        let refused = book.refused(temporary("y", Override, 1, days));
        assert_eq!(refused, Refusal::OverridesOverlap("y".into(), "x".into()), "{days:?}");
        assert_eq!(
            book.run(temporary("x", Override, 40, days)),
            Ok(Outcome::Upserted(Upserted::Updated))
        );
        book.run(temporary("x", Override, 40, (2, 4))).unwrap();
    }
    assert_eq!(
        book.run(temporary("x", Override, 40, (2, 4))),
        Ok(Outcome::Upserted(Upserted::Unchanged))
    );
    book.run(temporary("y", Override, 1, (5, 5))).unwrap();
    book.run(temporary("z", Increase, 1, (0, 9))).unwrap();
}

#[test]
fn days_that_make_no_sense_are_refused() {
    let mut book = Book::with_100();
    let reversed = book.refused(temporary("x", Increase, 1, (3, 2)));
    let (first, last) = (Day(TODAY.0 + 3), Day(TODAY.0 + 2));
    assert_eq!(reversed, Refusal::DatesReversed { first, last });
    let passed = book.refused(temporary("x", Increase, 1, (-5, -1)));
    assert!(matches!(passed, Refusal::Passed { field: "last_date", .. }), "{passed:?}");
    let from_now = SetTemporaryLimit { first: None, ..temporary("x", Increase, 1, (0, 0)) };
    book.run(from_now).unwrap();
    assert_eq!(amount(&book), LimitKind::Amount(101));
}

#[test]
fn what_is_added_is_bounded_in_number_and_in_sum() {
    let mut book = Book::with_100();
    let ids: Vec<_> = (0..=TEMPORARY_LIMITS_MAX).map(|n| format!("t{n}")).collect();
    for id in &ids[..TEMPORARY_LIMITS_MAX] {
        book.run(temporary(id, Increase, AMOUNT_MINOR_MAX, (0, 0))).unwrap();
    }
    assert_eq!(amount(&book), LimitKind::Amount(EXPOSURE_MINOR_MAX));
    let last = &ids[TEMPORARY_LIMITS_MAX];
    let refused = book.refused(temporary(last, Increase, 1, (0, 0)));
    assert_eq!(refused, Refusal::TooManyTemporaryLimits((**last).into()));
    book.now += DAY;
    book.run(temporary(last, Increase, 1, (1, 1))).unwrap();
    assert_eq!(amount(&book), LimitKind::Amount(101));
}
