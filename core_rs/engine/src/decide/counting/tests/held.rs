//! What orders that do not count as they are, or not yet, are held to beside their own limit.

use super::*;
use crate::outcome::ReasonCode::VelocityAmount;
use crate::values::LimitKind::Unlimited;

fn set_limit(book: &mut Book, kind: LimitKind) {
    book.run(UpsertAccount { limit: Some(limit(kind)), ..account("a") }).unwrap();
}

/// Leaves in four days, and is not asked about until two days before.
fn later<'a>(book: &Book, order_id: &'a str, amount: Minor) -> Reserve<'a> {
    shipping(order_id, amount, ships(book, 4))
}

fn confirmed(book: &Book, order_id: &str) -> (Decision, Vec<ReasonCode>) {
    let found = confirm(&book.state, book.now, &by_order(order_id)).unwrap();
    (found.verdict.decision, codes(&found.verdict.reasons))
}

#[test]
fn what_comes_to_count_is_ordered_in_the_window_in_which_it_does() {
    let mut book = book();
    set_limit(&mut book, Unlimited);
    let rules = "[velocity]\nhours = 24\n[all.velocity]\namount = '100.00 USD'";
    book.set_policy(&format!("[exposure]\nhorizon_days = 2\n{rules}"));
    let order = later(&book, "o", 9_000);
    book.reserved(order);
    assert_eq!(book.reserved(reserve("p", 10_001)).verdict.decision, Declined);
    book.pass(2 * DAY);
    assert_eq!(book.position(), (0, 0, 9_000));
    let found = book.reserved(reserve("p", 1_001));
    assert_eq!(codes(&found.verdict.reasons), [VelocityAmount]);
    assert_eq!(found.verdict.fitting, Some(1_000));
    assert_eq!(confirmed(&book, "o"), (Approved, vec![]), "it is not counted twice");
}

#[test]
fn an_order_that_waits_and_says_nothing_else_does_not_lapse_before_its_day() {
    let mut book = book();
    book.set_policy("[exposure]\nhorizon_days = 2");
    let day = Day::of(book.now).plus(4).begins();
    let (hour, found) = (i64::from(TTL_S) * SECOND, later(&book, "o", 1_000));
    assert_eq!(book.reserved(found).expires_at, day + hour);
    let near = shipping("n", 1_000, ships(&book, 2));
    assert_eq!(book.reserved(near).expires_at, book.now + hour);
    let far = shipping("f", 1_000, ships(&book, 400));
    assert_eq!(book.reserved(far).expires_at, book.now + 366 * DAY);
    let mut asked = later(&book, "p", 1_000);
    asked.order.ttl = ttl(Some(60));
    assert_eq!(book.reserved(asked).expires_at, book.now + 60 * SECOND);
    book.now = day;
    book.pass(hour - 1);
    assert_eq!(book.position(), (0, 0, 1_000));
    book.pass(1);
    assert_eq!(book.position(), (0, 0, 0));
}

#[test]
fn a_policy_bounds_the_share_of_an_order_that_does_not_count() {
    let mut book = book();
    book.set_policy("[exposure]\ntax_counts = false\nexcluded_percent_max = 25");
    for (tax, counts) in [(9_999, 7_500), (2_500, 7_500), (2_499, 7_501)] {
        let found = book.reserved(shipping("o", 10_000, Shipping { tax, ..Shipping::default() }));
        assert_eq!(found.counted(), counts, "{tax}");
        book.run(release("o")).unwrap();
    }
}
