//! Limits that no proposal could carry, and who may not set them.

use super::*;
use crate::error::LimitRefusal::{self, LimitOwnedByLedger, LimitOwnedHere};
use crate::values::Day;

/// What the policy says, the same on the word of who does not own limits, and what comes of that.
type Owned = (&'static str, fn(Command<'static>) -> Command<'static>, fn(Field) -> LimitRefusal);
type Field = (&'static str, &'static str);

fn of_ledger(command: Command<'static>) -> Command<'static> {
    match command {
        Command::UpsertAccount(command) => Command::SyncAccount(command),
        Command::UpsertSegment(command) => Command::SyncSegment(command),
        other => other,
    }
}

const OWNED: [Owned; 2] = [
    ("[limits]\nowner = \"creditgate\"\n", of_ledger, |(field, value)| LimitOwnedHere {
        field,
        value: value.into(),
    }),
    (
        "[limits]\nowner = \"ledger\"\n",
        |command| command,
        |(field, value)| LimitOwnedByLedger { field, value: value.into() },
    ),
];

fn row() -> UpsertAccount<'static> {
    account("a")
}

fn capped(segment_id: &str, cap: Option<i64>) -> UpsertSegment<'_> {
    UpsertSegment { cap: Some(cap), ..segment(segment_id, Amount(100)) }
}

#[test]
fn only_the_owner_has_an_account_come_to_other_limits() {
    for (policy, other, owned) in OWNED {
        let mut book = Book::with_100();
        for (id, amount) in [("s", 100), ("like s", 100), ("richer", 900)] {
            book.run(segment(id, Amount(amount))).unwrap();
        }
        for (id, shared) in [("head", Some(50)), ("free", None)] {
            book.run(UpsertAccount { shared_limit: Some(shared), ..account(id) }).unwrap();
        }
        for id in ["capped", "other cap"] {
            book.run(capped(id, Some(1_000))).unwrap();
        }
        let limit = Some(Limit::INHERIT);
        for id in ["a", "b"] {
            let segment_id = Some("capped");
            book.run(UpsertAccount { limit, segment_id, ..account(id) }).unwrap();
        }
        book.run(UpsertAccount { limit, segment_id: Some("s"), ..row() }).unwrap();
        book.set_policy(policy);
        // Another cap is another, though it is as much.
        let other_cap = UpsertAccount { segment_id: Some("other cap"), ..account("b") };
        for (moved, field) in [
            (UpsertAccount { segment_id: Some("richer"), ..row() }, ("segment_id", "\"richer\"")),
            (UpsertAccount { segment_id: Some(""), ..row() }, ("segment_id", "\"\"")),
            (other_cap, ("segment_id", "\"other cap\"")),
            (UpsertAccount { parent_id: Some("head"), ..row() }, ("parent_account_id", "\"head\"")),
            (UpsertAccount { max_order: Some(50), ..row() }, ("max_order_amount_minor", "50")),
            (UpsertAccount { shared_limit: Some(Some(9)), ..row() }, ("shared_limit", "9")),
            (
                UpsertAccount { shared_limit: Some(None), ..account("head") },
                ("shared_limit", "unlimited"),
            ),
        ] {
            assert_eq!(book.refused(other(moved.into())), Refusal::Limit(owned(field)));
        }
        // What leaves the limits as they are is for either to say.
        let moved = UpsertAccount { segment_id: Some("like s"), parent_id: Some("free"), ..row() };
        assert_eq!(book.run(other(moved.into())), Ok(UPDATED));
        // A new account has no limits yet that anybody set.
        let new =
            UpsertAccount { segment_id: Some("richer"), max_order: Some(10), ..account("new") };
        assert_eq!(book.run(other(new.into())), Ok(CREATED));
        // The owner moves it, and then the other may say the same.
        let moved = UpsertAccount { max_order: Some(50), parent_id: Some("head"), ..row() };
        let by_owner = if policy.contains("ledger") { of_ledger } else { |command| command };
        assert_eq!(book.run(by_owner(moved.clone().into())), Ok(UPDATED));
        assert_eq!(book.run(other(moved.into())), Ok(UNCHANGED));
    }
}

#[test]
fn what_an_approver_has_seen_of_a_segment_stays() {
    for (policy, other, owned) in OWNED {
        let mut book = Book::with_100();
        book.run(segment("richer", Amount(900))).unwrap();
        book.set_policy(policy);
        // The account has a limit of its own, and waits to inherit, so far from no segment.
        let inherits = UpsertAccount { limit: Some(Limit::INHERIT), ..row() };
        assert!(matches!(
            book.run(other(inherits.into())),
            Ok(Outcome::UpsertedProposing(Upserted::Unchanged, _))
        ));
        let moved = UpsertAccount { segment_id: Some("richer"), ..row() };
        let refused = Refusal::Limit(owned(("segment_id", "\"richer\"")));
        assert_eq!(book.refused(other(moved.clone().into())), refused);
        // Taken back, the segment gives it nothing.
        let own = Limit { kind: Amount(100), valid_until: None };
        let back = UpsertAccount { limit: Some(own), ..row() };
        book.run(other(back.into())).unwrap();
        assert_eq!(book.run(other(moved.into())), Ok(UPDATED));
    }
}

#[test]
fn only_the_owner_sets_what_a_segment_gives() {
    for (policy, other, owned) in OWNED {
        let mut book = Book::empty();
        book.run(segment("s", Amount(100))).unwrap();
        book.set_policy(policy);
        assert_eq!(book.run(other(capped("s", None).into())), Ok(UNCHANGED));
        let ends = Limit { kind: NoCredit, valid_until: Some(Day(20_000)) };
        let ends = UpsertSegment { limit: Some(ends), ..segment("s", Unlimited) };
        for (set, field) in [
            (segment("s", Amount(101)), ("default_limit", "101")),
            (ends, ("default_limit", "no credit until 2024-10-04")),
            (segment("new", Unlimited), ("default_limit", "unlimited")),
            (capped("s", Some(5)), ("cap", "5")),
        ] {
            assert_eq!(book.refused(other(set.into())), Refusal::Limit(owned(field)));
        }
        let by_owner = if policy.contains("ledger") { of_ledger } else { |command| command };
        assert_eq!(book.run(by_owner(capped("s", Some(5)).into())), Ok(UPDATED));
    }
}

#[test]
fn who_may_not_set_a_limit_is_told_who_may() {
    let mut book = Book::with_100();
    book.set_policy("[limits]\nowner = \"ledger\"\n");
    let refused = book.refused(UpsertAccount { max_order: Some(50), ..row() });
    assert_eq!(
        refused.to_string(),
        "max_order_amount_minor 50 would change a limit, and policy limits.owner is ledger: set \
         it there and load it, or change the owner"
    );
}
