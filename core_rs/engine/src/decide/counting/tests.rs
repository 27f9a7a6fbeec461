use super::*;
use crate::command::{
    Adjust, CaptureOrder, OrderKey, PlaceHold, Release, Reserve, SetStatus, Target, UpsertAccount,
    UpsertRate,
};
use crate::decide::{check, confirm};
use crate::model::{HoldKind, Status};
use crate::outcome::Decision::{Approved, Declined, PartiallyApproved};
use crate::outcome::ReasonCode::{
    AccountOnHold, AccountSuspended, FxRateStale, FxRateUnavailable, InsufficientCredit,
    MaxOrderAmountExceeded, NoCreditLimit, ScoreMissing,
};
use crate::rates::Rate;
use crate::testing::*;
use crate::values::LimitKind::{self, Amount};

mod held;

/// Account "a" with a limit of 100.00 USD, and one euro at 1.25.
fn book() -> Book {
    let mut book = Book::with_100();
    book.run(UpsertAccount { limit: Some(limit(Amount(10_000))), ..account("a") }).unwrap();
    set_rate(&mut book, "1.25");
    book
}

fn set_rate(book: &mut Book, rate: &str) {
    let (base, currency, source) = (eur(), usd(), "ecb");
    let (rate, as_of) = (Rate::parse(rate).unwrap(), None);
    book.run(UpsertRate { request: REQUEST, base, currency, rate, source, as_of }).unwrap();
}

fn euros(order_id: &str, amount: Minor) -> Reserve<'_> {
    Reserve { order: Order { currency: eur(), ..order(order_id, amount) }, ..reserve("", 0) }
}

fn shipping<'a>(order_id: &'a str, amount: Minor, shipping: Shipping<'static>) -> Reserve<'a> {
    let details = OrderDetails { shipping: Some(shipping), ..OrderDetails::default() };
    let order = Order { details: Some(Box::new(details)), ..order(order_id, amount) };
    Reserve { order, ..reserve("", 0) }
}

fn ships(book: &Book, days: u16) -> Shipping<'static> {
    Shipping { ship_date: Some(Day::of(book.now).plus(days)), ..Shipping::default() }
}

fn codes(reasons: &[Reason]) -> Vec<ReasonCode> {
    reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn an_order_in_another_currency_counts_by_its_rate_and_its_last_part_takes_the_rest() {
    let mut book = book();
    let found = book.reserved(euros("o", 3));
    assert_eq!((found.verdict.decision, found.amount, found.counted()), (Approved, 3, 4));
    assert_eq!(book.position(), (0, 0, 4));
    // What is left is worth 3, then 2, then nothing.
    let part = |invoice_id| CaptureOrder { amount: Some(1), ..capture("o", invoice_id) };
    for (invoice_id, captured, reserved) in [("i", 1, 3), ("j", 2, 2), ("k", 4, 0)] {
        assert_eq!(book.changed(part(invoice_id)).amount, 1);
        assert_eq!(book.position(), (0, captured, reserved));
    }
    assert!(!book.order("o").is_open());
    let own = book.order("o").parts();
    assert_eq!(own, Parts { captured: 3, ..Parts::default() });
}

#[test]
fn amounts_that_fit_are_told_in_the_order_s_currency() {
    let mut book = book();
    let short = book.reserved(euros("o", 10_000));
    assert_eq!(short.verdict.decision, Declined);
    assert_eq!(short.verdict.reasons, [Reason::own(InsufficientCredit, 12_500, 10_000)]);
    assert_eq!(short.verdict.fitting, Some(8_000));
    let part = book.reserved(Reserve { allow_partial: true, ..euros("o", 10_000) });
    assert_eq!((part.verdict.decision, part.amount), (PartiallyApproved, 8_000));
    assert_eq!((part.counted(), part.verdict.available), (10_000, Some(0)));
    let grown = book.changed(Adjust { total: 8_001, ..adjust("o", 0) });
    assert_eq!(grown.verdict.fitting, Some(0));
    let released = book.changed(Release { amount: Some(4_000), ..release("o") });
    assert_eq!((released.amount, book.position()), (4_000, (0, 0, 5_000)));
}

#[test]
fn without_a_rate_of_late_nobody_knows_whether_it_fits() {
    let mut book = book();
    let yen = Order { currency: Currency::parse("JPY").unwrap(), ..order("o", 1) };
    let found = book.reserved(Reserve { order: yen, ..reserve("", 0) });
    assert_eq!(codes(&found.verdict.reasons), [FxRateUnavailable]);
    assert_eq!(found.verdict.fitting, None);
    book.set_policy("[rates]\nmax_age_hours = 24");
    book.now += DAY;
    assert_eq!(book.reserved(euros("o", 1)).verdict.decision, Approved);
    book.now += 1;
    let found = book.reserved(euros("p", 1));
    assert_eq!(found.verdict.reasons, [Reason::own(FxRateStale, 25, 24)]);
    // What was reserved goes by its own rate.
    assert_eq!(book.changed(capture("o", "i")).amount, 1);
}

#[test]
fn of_an_order_that_nobody_can_value_all_else_is_said() {
    let mut book = book();
    let rules = "[all.minimum-score]\nscore = 20\noutcome = 'hold'\n\
                 [all.maximum-order]\namount = '0.01 USD'";
    book.set_policy(rules);
    let yen = Order { currency: Currency::parse("JPY").unwrap(), ..order("o", 9_000_000) };
    let found = book.reserved(Reserve { order: yen, ..reserve("", 0) });
    assert_eq!(codes(&found.verdict.reasons), [ScoreMissing, FxRateUnavailable]);
    assert_eq!((found.verdict.decision, found.verdict.cure), (Declined, None));
    // And done: the rule holds the account.
    let found = book.reserved(euros("p", 1));
    assert!(codes(&found.verdict.reasons).contains(&AccountOnHold));
}

#[test]
fn tax_and_freight_count_where_the_policy_says_so() {
    let mut book = book();
    let parts = Shipping { tax: 2_000, freight: 1_000, ..Shipping::default() };
    book.reserved(shipping("o", 10_000, parts));
    assert_eq!(book.position(), (0, 0, 10_000));
    book.run(release("o")).unwrap();
    book.set_policy("[exposure]\ntax_counts = false");
    let found = book.reserved(shipping("o", 12_000, parts));
    assert_eq!((found.amount, found.counted()), (12_000, 10_000));
    // A part counts by its share; the ledger's invoice will count whole.
    book.changed(CaptureOrder { amount: Some(6_000), ..capture("o", "i") });
    assert_eq!(book.position(), (0, 5_000, 5_000));
}

#[test]
fn an_order_of_a_later_day_counts_once_the_day_comes_near_and_confirm_says_whether_it_fits() {
    let mut book = book();
    book.set_policy("[exposure]\nhorizon_days = 2");
    let later = shipping("later", 9_000, ships(&book, 4));
    let later = Reserve { order: Order { ttl: ttl(Some(30 * 86_400)), ..later.order }, ..later };
    let checked = check(&book.state, book.now, &inquiry_of(&later)).unwrap();
    let found = book.reserved(later);
    assert_eq!(Reserved { reservation: None, expires_at: 0, ..found.clone() }, checked);
    assert_eq!((found.amount, found.counted(), book.position()), (9_000, 0, (0, 0, 0)));
    let now = Order { ttl: ttl(Some(30 * 86_400)), ..order("now", 8_000) };
    book.reserved(Reserve { order: now, ..reserve("", 0) });
    book.pass(DAY);
    assert_eq!(book.position(), (0, 0, 8_000));
    let confirmed = |book: &Book| {
        let found = confirm(&book.state, book.now, &by_order("later")).unwrap();
        found.verdict.reasons
    };
    // It does not fit already where it leaves before its day.
    assert_eq!(confirmed(&book), [Reason::own(InsufficientCredit, 9_000, 2_000)]);
    let early = book.changed(CaptureOrder { amount: Some(3_000), ..capture("later", "i") });
    assert_eq!(early.verdict.reasons, [Reason::own(InsufficientCredit, 3_000, 2_000)]);
    assert_eq!(early.verdict.fitting, Some(2_000));
    book.pass(DAY);
    assert_eq!(book.position(), (0, 0, 17_000));
    assert_eq!(confirmed(&book), [Reason::own(InsufficientCredit, 9_000, 2_000)]);
    book.run(release("now")).unwrap();
    assert_eq!(confirmed(&book), []);
    book.changed(capture("later", "i"));
    assert_eq!(book.position(), (0, 9_000, 0));
}

fn inquiry_of<'o>(command: &'o Reserve<'o>) -> Inquiry<'o> {
    let Order { account_id, amount, currency, ref details, .. } = command.order;
    let (allow_partial, channel) = (command.allow_partial, "");
    let details = details.as_deref();
    Inquiry { account_id, amount, currency, allow_partial, details, channel }
}

#[test]
fn what_waits_for_its_day_is_held_to_no_limit_but_to_all_else() {
    let mut book = book();
    book.set_policy("[exposure]\nhorizon_days = 2");
    book.run(UpsertAccount { max_order: Some(20_000), ..account("a") }).unwrap();
    let far = ships(&book, 9);
    assert_eq!(book.reserved(shipping("o", 20_000, far)).verdict.decision, Approved);
    let large = Reserve { allow_partial: true, ..shipping("p", 20_001, far) };
    let found = book.reserved(large);
    assert_eq!(codes(&found.verdict.reasons), [MaxOrderAmountExceeded]);
    assert_eq!((found.verdict.decision, found.verdict.fitting), (Declined, None));
    book.run(UpsertAccount { limit: Some(limit(LimitKind::NoCredit)), ..account("a") }).unwrap();
    let found = book.reserved(shipping("p", 1, far));
    assert_eq!(codes(&found.verdict.reasons), [NoCreditLimit]);
}

#[test]
fn an_order_that_another_is_billed_for_counts_there_and_needs_both() {
    let mut book = book();
    book.run(UpsertAccount { limit: Some(limit(Amount(500))), ..account("b") }).unwrap();
    let billed = Shipping { bill_to: Some("b"), ..Shipping::default() };
    assert_eq!(book.reserved(shipping("o", 400, billed)).verdict.decision, Approved);
    assert_eq!((book.position(), book.counters("b").reserved), ((0, 0, 0), 400));
    let sold_to = |hold: Option<&str>| Some(Whose::SoldTo("a".into(), hold.map(Into::into)));
    book.run(SetStatus { request: REQUEST, account_id: "a", status: Status::Suspended }).unwrap();
    let (account_id, hold_id, kind, source) = ("a", "h", HoldKind::Manual, "desk");
    let request = REQUEST;
    book.run(PlaceHold { request, account_id, hold_id, kind, source, until: None }).unwrap();
    let found = book.reserved(shipping("p", 101, billed));
    let own = |code| Reason::own(code, 0, 0);
    let short = Reason::own(InsufficientCredit, 101, 100);
    let suspended = Reason { whose: sold_to(None), ..own(AccountSuspended) };
    let held = Reason { whose: sold_to(Some("h")), ..own(AccountOnHold) };
    assert_eq!(found.verdict.reasons, [suspended.clone(), held.clone(), short]);
    let target = Target::Order(OrderKey { account_id: "b", order_id: "o" });
    let confirmed = confirm(&book.state, book.now, &target).unwrap();
    assert_eq!(confirmed.verdict.reasons, [suspended, held]);
    let nobody = Shipping { bill_to: Some("x"), ..Shipping::default() };
    let refused = book.refused(shipping("q", 1, nobody));
    assert_eq!(refused, Refusal::BillToNotFound("x".into()));
}
