//! What orders that do not count as they are, or not yet, are held to beside their own limit.

use super::*;
use crate::command::{CaptureOrder, Revalue, UpsertSegment};
use crate::outcome::ReasonCode::{
    LedgerStale, SegmentCapExceeded, SharedLimitExceeded, UtilisationReached, VelocityAmount,
};
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

fn part<'a>(order_id: &'a str, invoice_id: &'a str, amount: Minor) -> CaptureOrder<'a> {
    CaptureOrder { amount: Some(amount), ..capture(order_id, invoice_id) }
}

#[test]
fn an_order_that_waited_is_held_to_the_rules_that_read_its_total_but_not_to_a_maximum_again() {
    let mut book = book();
    book.set_policy(
        "[exposure]
        horizon_days = 2
        [all.stale-ledger]
        hours = 24
        floor = '50.00 USD'
        [all.utilisation]
        band = [{ percent = 50, outcome = 'refer', high_risk = true }]
        [all.utilisation.high_risk]
        above = '60.00 USD'",
    );
    let mut order = later(&book, "o", 8_000);
    order.order.ttl = ttl(Some(30 * 86_400));
    assert_eq!(book.reserved(order).verdict.decision, Approved);
    book.run(UpsertAccount { max_order: Some(7_000), ..account("a") }).unwrap();
    for waits in [true, false] {
        assert_eq!(book.order("o").waits(), waits);
        book.post(payment(1, &[]));
        // Nobody is asked where goods are to leave.
        assert_eq!(confirmed(&book, "o"), (Declined, vec![UtilisationReached]));
        book.pass(2 * DAY);
        assert_eq!(confirmed(&book, "o"), (Declined, vec![LedgerStale, UtilisationReached]));
    }
    // A small part of a large order is a part of a large one.
    let found = book.changed(part("o", "i", 1_000));
    assert_eq!(codes(&found.verdict.reasons), [LedgerStale, UtilisationReached]);
    let grown = book.changed(adjust("o", 8_001));
    let expected = [LedgerStale, MaxOrderAmountExceeded, UtilisationReached];
    assert_eq!(codes(&grown.verdict.reasons), expected);
}

#[test]
fn an_order_that_waited_is_held_to_the_rules_of_its_channel() {
    let mut book = book();
    book.set_policy("[exposure]\nhorizon_days = 2\n[limits]\ntolerance = { web = 20 }");
    book.channel = "web";
    let order = later(&book, "o", 11_000);
    book.reserved(order);
    book.channel = "";
    assert_eq!(confirmed(&book, "o"), (Approved, vec![]));
    let order = later(&book, "p", 11_000);
    book.reserved(order);
    assert_eq!(confirmed(&book, "p"), (Declined, vec![InsufficientCredit]));
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
fn what_an_order_grows_by_needs_a_rate_of_late() {
    let mut book = book();
    book.reserved(euros("o", 1_000));
    book.now += 6 * DAY;
    let stale = [Reason::own(FxRateStale, 144, 120)];
    let found = book.changed(adjust("o", 1_001));
    assert_eq!((&*found.verdict.reasons, found.verdict.fitting), (&stale[..], None));
    let beyond = CaptureOrder { amount: Some(1_001), ..capture("o", "i") };
    assert_eq!(book.changed(beyond.clone()).verdict.reasons, stale);
    let forced = book.changed(CaptureOrder { forced: true, ..beyond });
    assert_eq!((&*forced.verdict.reasons, forced.breach), (&stale[..], true));
    // What is reserved goes by its own rate, and one of today, of the same worth, lets it grow.
    book.reserved(reserve("p", 1));
    set_rate(&mut book, "1.25");
    book.reserved(euros("q", 1_000));
    book.now += 6 * DAY;
    assert_eq!(book.changed(part("q", "k", 400)).amount, 400);
    assert_eq!(book.changed(adjust("q", 900)).verdict.decision, Approved);
    set_rate(&mut book, "1.25");
    book.run(Revalue { request: REQUEST, after: 0 }).unwrap();
    assert_eq!(book.changed(adjust("q", 1_200)).verdict.decision, Approved);
}

#[test]
fn what_would_have_fitted_of_growth_is_as_much_as_fits() {
    let mut book = book();
    set_limit(&mut book, Amount(100_000));
    book.run(UpsertAccount { max_order: Some(11_000), ..account("a") }).unwrap();
    book.set_policy("[exposure]\nhorizon_days = 2\ntax_counts = false");
    let taxed = |of: Shipping<'static>| shipping("o", 6_000, Shipping { tax: 1_000, ..of });
    for order in [taxed(Shipping::default()), taxed(ships(&book, 4))] {
        book.reserved(order);
        for total in [11_001, 12_000, 50_000] {
            let found = book.changed(adjust("o", total));
            assert_eq!(codes(&found.verdict.reasons), [MaxOrderAmountExceeded]);
            assert_eq!(found.verdict.fitting, Some(5_000), "{total}");
        }
        assert_eq!(book.changed(adjust("o", 11_000)).verdict.decision, Approved);
        book.run(release("o")).unwrap();
    }
}

#[test]
fn an_order_in_another_currency_is_held_to_limits_of_several_accounts_in_their_currency() {
    let mut book = book();
    let request = REQUEST;
    for (currency, cap) in [(eur(), 1), (usd(), 7_000)] {
        let (segment_id, limit, cap) = ("retail", None, Some(Some(cap)));
        book.run(UpsertSegment { request, segment_id, currency, limit, cap }).unwrap();
    }
    book.run(UpsertAccount { segment_id: Some("retail"), ..account("a") }).unwrap();
    let found = book.reserved(euros("o", 6_000));
    assert_eq!(codes(&found.verdict.reasons), [SegmentCapExceeded]);
    let [observed, threshold] = [found.verdict.reasons[0].observed, 7_000];
    assert_eq!((observed, found.verdict.reasons[0].threshold), (7_500, threshold));
    assert_eq!(found.verdict.fitting, Some(5_600));
    let shared_limit = Some(Some(6_000));
    book.run(UpsertAccount { shared_limit, ..account("p") }).unwrap();
    book.run(UpsertAccount { parent_id: Some("p"), ..account("a") }).unwrap();
    let found = book.reserved(euros("o", 6_000));
    assert_eq!(codes(&found.verdict.reasons), [SharedLimitExceeded, SegmentCapExceeded]);
    assert_eq!(found.verdict.fitting, Some(4_800));
    let grown = book.reserved(euros("o", 4_800));
    assert_eq!((grown.verdict.decision, grown.verdict.available), (Approved, Some(0)));
    let group = book.state.group(book.state.slot("p").unwrap()).expect("it is a parent");
    assert_eq!((group.exposure(), book.state.segment_exposure(0, eur())), (6_000, 0));
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
