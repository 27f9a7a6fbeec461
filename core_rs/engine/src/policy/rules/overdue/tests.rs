use crate::command::*;
use crate::decide::check;
use crate::outcome::Decision::{Approved, Declined, Referred};
use crate::outcome::ReasonCode::{self, *};
use crate::terms::{Part, Roll, Rule, TermsSpec, WHOLE};
use crate::testing::*;
use crate::values::{Day, LimitKind, Minor};

const POLICY: &str = r#"
[all.overdue-days]
days = 5
dust = "0.09 USD"

[all.overdue-amount]
amount = "0.50 USD"
outcome = "refer"

[all.overdue-share]
percent = 7

[all.oldest-item]
days = 60
dust = "0.09 USD"
"#;

fn due(invoice_id: &str, amount: Minor, days: i32) -> Post<'_> {
    let day = |days| Some(Day(TODAY.0 + days));
    Post { due: day(days), issued: day(days - 30), ..invoice(invoice_id, amount) }
}

/// Account "a" with a limit of 10.00 USD.
fn book() -> Book {
    let mut book = Book::with_limit(LimitKind::Amount(1_000));
    book.set_policy(POLICY);
    book
}

fn violated(book: &Book) -> Vec<(ReasonCode, i64, i64)> {
    let found = check(&book.state, book.now, &inquiry(1)).unwrap().verdict;
    assert_eq!(
        found.decision,
        match &found.reasons[..] {
            [] => Approved,
            [one] if one.code == OverdueAmount => Referred,
            _ => Declined,
        }
    );
    found.reasons.iter().map(|reason| (reason.code, reason.observed, reason.threshold)).collect()
}

#[test]
fn each_rule_says_what_it_saw_and_where_its_threshold_lies() {
    #[rustfmt::skip]
    let table: [(&str, Vec<Post<'_>>, Vec<_>); 10] = [
        ("nothing is owed", vec![], vec![]),
        ("due today is not overdue", vec![due("i", 900, 0)], vec![]),
        ("five days are not too many", vec![due("i", 50, -5)], vec![]),
        ("six are", vec![due("i", 50, -6)], vec![(OverdueDays, 6, 5)]),
        ("but not of dust", vec![due("i", 9, -400)], vec![]),
        ("the longest is named", vec![due("i", 20, -9), due("j", 20, -7)],
            vec![(OverdueDays, 9, 5)]),
        ("the sum counts", vec![due("i", 26, -1), due("j", 25, -2)], vec![(OverdueAmount, 51, 50)]),
        ("and its share of the limit", vec![due("i", 71, -1)],
            vec![(OverdueAmount, 71, 50), (OverdueShare, 8, 7)]),
        ("what has no due date is old one day", vec![Post { due: None, ..due("i", 10, -31) }],
            vec![(OldestItem, 61, 60)]),
        ("a credit is not overdue",
            vec![Post { kind: EntryKind::OpeningBalance, ..due("i", -90, -9) }], vec![]),
    ];
    for (what, entries, expected) in table {
        let mut book = book();
        entries.into_iter().for_each(|entry| book.post(entry));
        assert_eq!(violated(&book), expected, "{what}");
    }
}

#[test]
fn it_follows_time_payments_and_what_is_paid_ahead() {
    let mut book = book();
    book.post(due("i", 80, -1));
    assert_eq!(violated(&book), [(OverdueAmount, 80, 50), (OverdueShare, 8, 7)]);
    book.post(payment(30, &[("i", 30)]));
    assert_eq!(violated(&book), []);
    book.now += 5 * DAY;
    assert_eq!(violated(&book), [(OverdueDays, 6, 5)]);
    // Money on no invoice settles none.
    book.post(payment(500, &[]));
    assert_eq!(violated(&book), [(OverdueDays, 6, 5)]);
    book.post(payment(60, &[("i", 60)]));
    assert_eq!(violated(&book), []);
    assert!(book.state.by_due(0).is_empty(), "it is paid by too much");
}

#[test]
fn days_of_grace_are_not_overdue() {
    let mut book = book();
    let at_once = Part { share: WHOLE, due: Rule::Net { days: 0 } };
    let spec = TermsSpec {
        parts: vec![at_once],
        discounts: Vec::new(),
        discount_grace_days: 0,
        grace_days: 4,
        roll: Roll::Keep,
    };
    book.run(UpsertTerms { request: REQUEST, terms_id: "t", calendar_id: None, spec }).unwrap();
    let scope = TermsScope::Account("a");
    book.run(AssignTerms { request: REQUEST, scope, terms_id: Some("t") }).unwrap();
    book.post(due("i", 20, -9));
    assert_eq!(violated(&book), []);
    book.now += DAY;
    assert_eq!(violated(&book), [(OverdueDays, 6, 5)]);
}

#[test]
fn items_are_kept_in_order_only_while_a_policy_is_in_force() {
    let mut book = Book::with_100();
    book.post(due("j", 10, 3));
    book.post(due("i", 10, 3));
    assert!(book.state.by_due(0).is_empty());
    book.set_policy(POLICY);
    let ids = |book: &Book| -> Vec<String> {
        let items = book.state.by_due(0).iter();
        items.map(|item| book.state.invoice_of(item).to_string()).collect()
    };
    assert_eq!(ids(&book), ["i", "j"], "of one day in order of id, whichever came first");
    book.post(due("h", 10, 2));
    assert_eq!(ids(&book), ["h", "i", "j"]);
    book.set_policy("[all.velocity]\norders = 9\n");
    assert_eq!(ids(&book), ["h", "i", "j"], "of any policy");
}
