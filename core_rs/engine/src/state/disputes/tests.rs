use crate::command::*;
use crate::decide::check;
use crate::decide::levels::room;
use crate::event::Event;
use crate::outcome::Verdict;
use crate::state::Disputes;
use crate::testing::*;
use crate::values::{Day, LimitKind, Minor};

const EXCLUDED: &str = "[exposure]\ndisputed_counts = false\n";

fn dispute(invoice_id: &str, amount: Minor) -> Post<'_> {
    Post { invoice_id: Some(invoice_id), ..entry(EntryKind::Dispute, amount) }
}

fn due(invoice_id: &str, amount: Minor, days: i32) -> Post<'_> {
    let day = |days| Some(Day(TODAY.0 + days));
    Post { due: day(days), issued: day(days - 30), ..invoice(invoice_id, amount) }
}

fn available(book: &Book, account_id: &str) -> Option<Minor> {
    room(&book.state, book.state.slot(account_id).unwrap(), book.now, 0).available
}

fn verdict(book: &Book, amount: Minor) -> Verdict {
    check(&book.state, book.now, &inquiry(amount)).unwrap().verdict
}

#[test]
fn what_is_owed_on_an_invoice_is_disputed_up_to_what_is_said() {
    let mut book = Book::with_100();
    let disputed = |book: &Book| book.state.disputed(0);
    // The dispute may come first, and be of more than the invoice.
    book.post(dispute("i", 70));
    assert_eq!((disputed(&book), book.position()), (0, (0, 0, 0)));
    book.post(invoice("i", 60));
    assert_eq!(disputed(&book), 60);
    book.post(payment(25, &[("i", 25)]));
    assert_eq!(disputed(&book), 35);
    book.post(invoice("j", 10));
    book.post(dispute("j", 4));
    assert_eq!((disputed(&book), book.position()), (39, (45, 0, 0)));
    book.post(payment(50, &[("i", 50)]));
    assert_eq!((disputed(&book), book.item("i").open), (4, -15));
    // What is said once more is no news, and what ends is gone.
    let (_, events) = book.events(dispute("j", 4)).unwrap();
    assert!(!events.iter().any(|event| matches!(event, Event::ItemDisputed { .. })));
    let (_, events) = book.events(dispute("k", 0)).unwrap();
    assert!(!events.iter().any(|event| matches!(event, Event::ItemDisputed { .. })));
    book.post(dispute("j", 0));
    assert_eq!(disputed(&book), 0);
    assert_eq!(book.state.dump().disputes, Disputes::default());
}

#[test]
fn it_counts_unless_the_policy_excludes_it() {
    let mut book = Book::with_100();
    book.post(invoice("i", 90));
    book.post(dispute("i", 50));
    assert_eq!(available(&book, "a"), Some(10));
    book.set_policy("[exposure]\ndisputed_counts = true\n");
    assert_eq!(available(&book, "a"), Some(10));
    book.set_policy(EXCLUDED);
    assert_eq!(available(&book, "a"), Some(60));
    book.hold("o", 60);
    assert_eq!(available(&book, "a"), Some(0));
    // Settled for the customer, or against it.
    book.post(Post { invoice_id: Some("i"), ..entry(EntryKind::Adjustment, -50) });
    assert_eq!((available(&book, "a"), book.state.disputed(0)), (Some(40), 40));
    book.post(dispute("i", 0));
    assert_eq!(available(&book, "a"), Some(0));
}

#[test]
fn it_does_not_count_against_limits_of_several_accounts_either() {
    let mut book = Book::with_limit(LimitKind::Unlimited);
    book.set_policy(EXCLUDED);
    let (limit, currency) = (None, usd());
    let caps = [("s", 80), ("t", 100)];
    for (segment_id, cap) in caps {
        let cap = Some(Some(cap));
        book.run(UpsertSegment { request: REQUEST, segment_id, currency, limit, cap }).unwrap();
    }
    let shared = |account_id, most: Minor| UpsertAccount {
        shared_limit: Some(Some(most)),
        ..account(account_id)
    };
    book.run(shared("head", 200)).unwrap();
    book.run(shared("other", 300)).unwrap();
    let moved = |parent, segment| UpsertAccount {
        parent_id: Some(parent),
        segment_id: Some(segment),
        ..account("a")
    };
    book.post(invoice("i", 90));
    book.post(dispute("i", 50));
    for (parent, segment, left) in
        [("head", "", 160), ("head", "s", 40), ("", "t", 60), ("other", "", 260), ("", "s", 40)]
    {
        book.run(moved(parent, segment)).unwrap();
        assert_eq!(available(&book, "a"), Some(left), "{parent} {segment}");
    }
    book.run(moved("head", "s")).unwrap();
    book.post(dispute("i", 0));
    assert_eq!(available(&book, "a"), Some(-10));
    assert_eq!(book.state.dump().disputes, Disputes::default());
}

#[test]
fn what_is_disputed_is_not_overdue_where_it_is_excluded() {
    let rules = "[all.overdue-days]\ndays = 5\ndust = '0.09 USD'\n\
                 [all.overdue-amount]\namount = '0.30 USD'\n\
                 [all.overdue-share]\npercent = 30\n\
                 [all.oldest-item]\ndays = 60\n";
    let violated = |policy: &str, disputed| {
        let mut book = Book::with_limit(LimitKind::Amount(100));
        book.set_policy(policy);
        book.post(due("i", 40, -70));
        book.post(dispute("i", disputed));
        let reasons = verdict(&book, 1).reasons;
        reasons.iter().map(|reason| (reason.code, reason.observed)).collect::<Vec<_>>()
    };
    use crate::outcome::ReasonCode::{OldestItem, OverdueAmount, OverdueDays, OverdueShare};
    let all = |amount| {
        vec![(OverdueDays, 70), (OverdueAmount, amount), (OverdueShare, amount), (OldestItem, 100)]
    };
    assert_eq!(violated(rules, 40), all(40));
    let excluding = format!("{EXCLUDED}{rules}");
    assert_eq!(violated(&excluding, 0), all(40));
    assert_eq!(violated(&excluding, 5), all(35));
    assert_eq!(violated(&excluding, 15), [(OverdueDays, 70), (OldestItem, 100)]);
    assert_eq!(violated(&excluding, 31), [(OldestItem, 100)], "the rest is dust");
    assert_eq!(violated(&excluding, 40), []);
    assert_eq!(violated(&excluding, 4_000), []);
}

#[test]
fn nobody_is_asked_to_pay_what_they_dispute() {
    let named = |policy: &str, disputed, amount| {
        let mut book = Book::with_100();
        book.set_policy(policy);
        book.post(due("i", 50, 5));
        book.post(due("j", 60, 9));
        book.post(dispute("i", disputed));
        let cure = verdict(&book, amount).cure?;
        let invoice = cure.invoice.map(|it| (it.invoice_id.to_string(), it.open));
        Some((invoice, cure.fits_from.map(|day| day.0 - TODAY.0)))
    };
    let pay = |id: &str, open, days| Some((Some((id.to_owned(), open)), Some(days)));
    assert_eq!(named("", 50, 35), pay("i", 50, 5));
    assert_eq!(named(EXCLUDED, 0, 35), pay("i", 50, 5));
    assert_eq!(named(EXCLUDED, 40, 35), pay("i", 10, 5));
    assert_eq!(named(EXCLUDED, 50, 35), None, "it is approved");
    assert_eq!(named(EXCLUDED, 45, 60), pay("j", 60, 9));
    assert_eq!(named(EXCLUDED, 50, 60), pay("j", 60, 9));
    assert_eq!(named("", 50, 60), Some((None, Some(9))));
}
