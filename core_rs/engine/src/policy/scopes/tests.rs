use crate::command::*;
use crate::error::{PolicyRefusal, Refusal};
use crate::outcome::Decision::{self, Approved, Declined, Referred};
use crate::testing::*;
use crate::values::{Limit, LimitKind};

fn segment(segment_id: &str) -> UpsertSegment<'_> {
    let limit = Some(limit(LimitKind::Amount(1_000)));
    UpsertSegment { request: REQUEST, segment_id, currency: usd(), limit, cap: None }
}

fn book() -> Book {
    let mut book = Book::empty();
    for name in ["retail", "trade"] {
        book.run(segment(name)).unwrap();
    }
    for (name, segment) in [("a", "retail"), ("b", "retail"), ("c", "trade")] {
        let segment_id = Some(segment);
        let limit = Some(Limit::INHERIT);
        book.run(UpsertAccount { segment_id, limit, ..account(name) }).unwrap();
    }
    book.run(UpsertAccount { limit: Some(limit(LimitKind::Amount(1_000))), ..account("d") })
        .unwrap();
    book
}

#[test]
fn the_particular_takes_the_place_of_the_general_rule_by_rule() {
    let mut book = book();
    book.set_policy(
        "[all.maximum-order]
         amount = '1.00 USD'
         [all.minimum-score]
         score = 1
         outcome = 'notify'
         [segment.retail.maximum-order]
         amount = '2.00 USD'
         outcome = 'refer'
         [channel.pos.maximum-order]
         amount = '3.00 USD'
         [account.b.maximum-order]
         excluded = true
         [account.d.maximum-order]
         amount = '4.00 USD'",
    );
    let mut decided = |account_id, channel, amount| -> (Decision, usize) {
        book.channel = channel;
        let order = Order { account_id, ..order("o", amount) };
        let command = Reserve { request: REQUEST, order, allow_partial: false };
        let verdict = book.reserved(command).verdict;
        if verdict.decision == Approved {
            let target = Target::Order(OrderKey { account_id, order_id: "o" });
            book.run(Release { target, ..release("o") }).unwrap();
        }
        (verdict.decision, verdict.reasons.len())
    };
    // The score's notice is in each of them.
    for (account_id, channel, most, beyond) in [
        ("a", "web", 200, Referred),
        ("a", "pos", 300, Declined),
        ("c", "web", 100, Declined),
        ("c", "pos", 300, Declined),
        ("d", "web", 400, Declined),
        ("d", "pos", 400, Declined),
    ] {
        assert_eq!(decided(account_id, channel, most), (Approved, 1), "{account_id} {channel}");
        assert_eq!(decided(account_id, channel, most + 1), (beyond, 2), "{account_id} {channel}");
    }
    assert_eq!(decided("b", "web", 900), (Approved, 1));
    assert_eq!(decided("b", "pos", 900), (Approved, 1));
}

#[test]
fn what_comes_after_a_policy_is_held_to_what_is_for_all() {
    let mut book = book();
    book.set_policy("[all.maximum-order]\namount = '1.00 USD'\n[segment.trade]\n");
    book.run(segment("late")).unwrap();
    let limit = Some(Limit::INHERIT);
    book.run(UpsertAccount { segment_id: Some("late"), limit, ..account("late") }).unwrap();
    let order = Order { account_id: "late", ..order("o", 101) };
    let command = Reserve { request: REQUEST, order, allow_partial: false };
    assert_eq!(book.reserved(command).verdict.decision, Declined);
}

#[test]
fn a_policy_is_refused_with_every_mistake_and_its_line() {
    let text = "\
[all.utilisation]
band = [
  { percent = 250, outcome = 'notify' },
  { percent = 90, outcome = 'refer', high_risk = true },
  { percent = 90 },
]
[all.insufficient-credit]
outcome = 'notify'
[all.maximum-ordr]
amount = '5.00 USD'
[all.maximum-order]
amount = ['5.00 USD', '5.001 EUR']
[segment.wholesale]
[account.nobody.first-order]
excluded = true
above = '1.00 USD'
[alll]
";
    let mut book = book();
    let Refusal::Policy(PolicyRefusal::PolicyInvalid(problems)) =
        book.refused(PutPolicy { request: REQUEST, text })
    else {
        panic!("it is full of mistakes")
    };
    let found = problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        found,
        [
            "line 3: [all.utilisation.band] percent 250 is not a whole number from 1 to 200",
            "line 4: [all.utilisation.band] high_risk: say which orders are, in a table \
             [... .utilisation.high_risk]",
            "line 5: [all.utilisation.band] overlaps another band that begins at 90",
            "line 8: [all.insufficient-credit] outcome \"notify\" is not one of \"refer\", \
             \"decline\", \"hold\"",
            "line 9: [all] maximum-ordr is not a key that is known here",
            "line 12: [all.maximum-order] amount \"5.001 EUR\": EUR has at most 2 decimals",
            "line 13: [segment.wholesale] segment \"wholesale\" is not known: create it first",
            "line 14: [account.nobody] account \"nobody\" is not known: create it first",
            "line 16: [account.nobody.first-order] above is not a key that is known here",
            "line 17: alll is not a key that is known here",
        ]
    );
}

#[test]
fn rules_that_would_hold_for_nobody_are_mistakes() {
    let mut book = book();
    for (text, mistake) in [
        (
            "[account.a.maximum-order]\namount = '1 EUR'",
            "line 2: [account.a.maximum-order] amount has no amount in USD, \
             which the account is in",
        ),
        (
            "[all.utilisation]\nband = []",
            "line 2: [all.utilisation] band is empty: it must say something",
        ),
        (
            "[channel.\"\".maximum-order]\namount = '1 EUR'",
            "line 1: [channel.] channel \"\" must be 1 to 64 bytes, no control characters",
        ),
    ] {
        let Refusal::Policy(PolicyRefusal::PolicyInvalid(found)) =
            book.refused(PutPolicy { request: REQUEST, text })
        else {
            panic!("{text} is a mistake")
        };
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [mistake]);
    }
    let channels = |count: usize| -> String {
        (0..count).map(|c| format!("[channel.c{c}.maximum-order]\namount = '1 USD'\n")).collect()
    };
    book.set_policy(&channels(64));
    let text = &channels(65);
    assert!(matches!(
        book.refused(PutPolicy { request: REQUEST, text }),
        Refusal::Policy(PolicyRefusal::PolicyInvalid(found)) if found.len() == 1
    ));
}
