use crate::command::*;
use crate::decide::check;
use crate::outcome::{Cure, Verdict};
use crate::testing::*;
use crate::values::{Day, LimitKind, Minor};

fn due(invoice_id: &str, amount: Minor, days: i32) -> Post<'_> {
    Post { due: Some(Day(TODAY.0 + days)), ..invoice(invoice_id, amount) }
}

/// Account "a" owes these of its limit of 100.
fn book(policy: &str, items: &[(&'static str, Minor, i32)]) -> Book {
    let mut book = Book::with_100();
    book.set_policy(policy);
    items.iter().for_each(|(id, amount, days)| book.post(due(id, *amount, *days)));
    book
}

fn verdict(book: &Book, amount: Minor) -> Verdict {
    check(&book.state, book.now, &inquiry(amount)).unwrap().verdict
}

/// The invoice that would do, and in how many days it fits.
fn cured(book: &Book, amount: Minor) -> (Option<String>, Option<i32>) {
    let Some(cure) = verdict(book, amount).cure else { return (None, None) };
    let Cure { invoice, fits_from } = *cure;
    (invoice.map(|it| it.invoice_id.to_string()), fits_from.map(|day| day.0 - TODAY.0))
}

const BANDS: &str = "[[all.utilisation.band]]\npercent = 90\n";

#[test]
fn what_is_paid_frees_as_much_and_the_first_that_is_due_comes_first() {
    let items = [("late", 20, -3), ("soon", 10, 5), ("big", 40, 9), ("other", 30, 20)];
    let book = book("", &items);
    let named = |id: &str, days| (Some(id.to_owned()), Some(days));
    // All of its limit is used: an order needs as much as it asks for.
    assert_eq!(cured(&book, 5), named("late", 5));
    assert_eq!(cured(&book, 25), named("big", 9));
    // What should have been paid by now is not counted upon.
    assert_eq!(cured(&book, 60), (None, Some(20)));
    assert_eq!(cured(&book, 90), (None, None));
    let open = verdict(&book, 25).cure.and_then(|cure| cure.invoice).map(|it| it.open);
    assert_eq!(open, Some(40));
}

#[test]
fn a_band_of_utilisation_is_left_by_paying_too() {
    let book = book(BANDS, &[("a", 30, 2), ("b", 50, 4)]);
    assert_eq!(verdict(&book, 9).cure, None, "it is approved");
    assert_eq!(cured(&book, 39), (Some("a".to_owned()), Some(2)));
    assert_eq!(cured(&book, 40), (Some("b".to_owned()), Some(4)));
}

#[test]
fn what_is_overdue_is_cured_by_the_one_invoice_that_is() {
    let days = "[all.overdue-days]\ndays = 5\n";
    let one = book(days, &[("old", 20, -9), ("late", 20, -3), ("soon", 20, 5)]);
    assert_eq!(cured(&one, 10), (Some("old".to_owned()), None));
    // It does not free enough as well.
    assert_eq!(cured(&one, 70), (None, None));
    let two = book(days, &[("old", 20, -9), ("older", 20, -30)]);
    assert_eq!(cured(&two, 10), (None, None));
    let amount = "[all.overdue-amount]\namount = \"0.25 USD\"\n";
    let sum = book(amount, &[("soon", 30, 5), ("late", 10, -3), ("later", 20, -2)]);
    assert_eq!(cured(&sum, 10), (Some("late".to_owned()), None));
    let share = book("[all.overdue-share]\npercent = 15\n", &[("x", 10, -3), ("y", 20, -2)]);
    assert_eq!(cured(&share, 10), (Some("y".to_owned()), None));
}

#[test]
fn money_does_not_cure_everything() {
    let mut book = book("[all.maximum-order]\namount = \"0.05 USD\"\n", &[("i", 99, 5)]);
    assert_eq!(cured(&book, 3), (Some("i".to_owned()), Some(5)));
    assert_eq!(cured(&book, 6), (None, None));
    book.run(status("a", crate::model::Status::Suspended)).unwrap();
    assert_eq!(cured(&book, 3), (None, None));
}

#[test]
fn without_a_policy_nothing_is_kept_to_look_at() {
    let mut book = Book::with_limit(LimitKind::Amount(100));
    book.post(due("i", 100, 5));
    assert_eq!(cured(&book, 3), (None, None));
}

#[test]
fn an_order_that_does_not_grow_says_so_too() {
    let mut book = book("", &[("i", 50, 5)]);
    book.hold("o", 50);
    let cure = book.changed(adjust("o", 60)).verdict.cure.expect("the invoice would do");
    assert_eq!(cure.fits_from, Some(Day(TODAY.0 + 5)));
    let more = CaptureOrder { amount: Some(60), ..capture("o", "j") };
    assert_eq!(book.changed(more).verdict.cure, Some(cure));
}
