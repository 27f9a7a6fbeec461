use crate::command::*;
use crate::counting::{OrderDetails, Shipping};
use crate::decide::cases::Sweep;
use crate::decide::cases::tests::{act, approve, book, case, refused, reviewed, yes};
use crate::decide::confirm;
use crate::error::{CaseRefusal, Refusal};
use crate::model::{CaseStatus, Signer, Status};
use crate::outcome::Decision::{Approved, Declined, Referred};
use crate::outcome::ReasonCode::{AccountSuspended, FxRateStale, TermsUpgraded};
use crate::outcome::{Outcome, Whose};
use crate::rates::Rate;
use crate::testing::*;
use crate::values::{Day, Minor};

const BANDS: &str = "[approvals]\n[[approvals.bands]]\nup_to = \"0.50 USD\"\n\
                     roles = [\"credit_analyst\", \"finance\"]\n\
                     [[approvals.bands]]\nroles = \"finance\"\nsignatures = 2\n";

fn set_rate(book: &mut Book, rate: &str) {
    let (base, currency, source) = (eur(), usd(), "ecb");
    let (rate, as_of) = (Rate::parse(rate).unwrap(), None);
    book.run(UpsertRate { request: REQUEST, base, currency, rate, source, as_of }).unwrap();
}

fn upgraded<'a>(
    order_id: &'a str,
    amount: Minor,
    shipping: Option<Shipping<'static>>,
) -> Reserve<'a> {
    let details = OrderDetails { terms_id: Some("net30"), contract_id: None, shipping };
    let order = Order { details: Some(Box::new(details)), ..order(order_id, amount) };
    Reserve { request: REQUEST, order, allow_partial: false }
}

/// Worth five quarters of so much, while nobody says otherwise.
fn euros(order_id: &str, amount: Minor) -> Reserve<'_> {
    let order = Order { currency: eur(), ..upgraded(order_id, amount, None).order };
    Reserve { request: REQUEST, order, allow_partial: false }
}

/// Of account "b", billed to "a", of a later day, and with a fifth of tax.
fn elsewhere(book: &Book, order_id: &'static str, tax: Minor) -> Reserve<'static> {
    let ship_date = Some(Day::of(book.now).plus(9));
    let shipping = Shipping { ship_date, tax, freight: 0, bill_to: Some("a") };
    let order = Order { account_id: "b", ..upgraded(order_id, 50, Some(shipping)).order };
    Reserve { request: REQUEST, order, allow_partial: false }
}

fn referred(book: &mut Book, command: Reserve<'_>) -> u64 {
    let answer = book.reserved(command);
    assert_eq!((answer.verdict.decision, answer.amount), (Referred, 0));
    answer.case.expect("it waits in a case")
}

/// What the clock reserves of what waits.
fn sweep(book: &mut Book) -> Vec<u64> {
    let mut at = Sweep::default();
    let mut found = Vec::new();
    while let Some(cases) = at.step(&mut book.state, book.now) {
        let Ok(Outcome::Retried(all)) = book.run(RetryCases { cases }) else {
            panic!("cases are tried again")
        };
        found.extend(all.iter().map(|one| one.case));
    }
    found
}

#[test]
fn an_order_in_another_currency_is_signed_for_what_it_is_worth_and_reserved_by_the_rate_of_then() {
    let mut book = book();
    book.set_policy(BANDS);
    set_rate(&mut book, "1.25");
    let id = referred(&mut book, euros("o", 40));
    assert_eq!((case(&book, id).amount, case(&book, id).worth()), (40, 50));
    // The analyst's band ends with fifty; at another rate it is worth more.
    set_rate(&mut book, "1.5");
    let Refusal::Case(CaseRefusal::NotAuthorised { amount, .. }) =
        refused(&mut book, "ann", approve(id, Signer::CreditAnalyst))
    else {
        panic!("it is beyond the band")
    };
    assert_eq!(amount, 60);
    let first = reviewed(&mut book, "fay", approve(id, Signer::Finance));
    assert_eq!((first.status, first.missing), (CaseStatus::Open, 1));
    // The second signs what the first did, whatever it is worth by then.
    set_rate(&mut book, "2");
    let second = reviewed(&mut book, "flo", approve(id, Signer::Finance));
    assert_eq!((second.status, second.reserved), (CaseStatus::Approved, None));
    assert_eq!(case(&book, id).waiver.as_ref().unwrap().amount, 60);
    assert_eq!(sweep(&mut book), [0; 0]);
    set_rate(&mut book, "1.49");
    assert_eq!(sweep(&mut book), [id], "a rate frees it");
    assert_eq!((book.position(), book.order("o").parts().open), ((0, 0, 60), 40));
    let again = book.reserved(euros("o", 40));
    assert_eq!((again.verdict.decision, again.case), (Approved, Some(id)));
    assert_eq!((again.amount, again.counted()), (40, 60));
    assert_eq!(book.refused(upgraded("o", 40, None)), already("o"));
    // It has not grown by becoming worth more.
    set_rate(&mut book, "2");
    book.run(Revalue { request: REQUEST, after: 0 }).unwrap();
    assert_eq!(book.position(), (0, 0, 80));
    let confirmed = confirm(&book.state, book.now, &by_order("o")).unwrap();
    assert_eq!(confirmed.verdict.decision, Approved);
}

fn already(order_id: &str) -> Refusal {
    Refusal::OrderAlreadyReserved(order_id.into())
}

#[test]
fn an_order_that_has_outgrown_its_signature_begins_anew_when_it_is_asked_for_again() {
    let mut book = book();
    book.set_policy(BANDS);
    set_rate(&mut book, "1");
    let id = referred(&mut book, euros("o", 40));
    book.hold("all", 100);
    let signed = reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    assert_eq!(signed.status, CaseStatus::Approved);
    assert_eq!(signed.order.unwrap().amount, 40);
    let again = book.reserved(euros("o", 40));
    assert_eq!((again.verdict.decision, case(&book, id).revision), (Declined, 0));
    book.run(release("all")).unwrap();
    set_rate(&mut book, "1.1");
    assert_eq!(referred(&mut book, euros("o", 40)), id);
    let found = case(&book, id);
    assert_eq!((found.status, found.revision, found.worth()), (CaseStatus::Open, 1, 44));
    // As it does in another currency, of the same amount.
    assert_eq!(referred(&mut book, upgraded("o", 40, None)), id);
    assert_eq!((case(&book, id).revision, case(&book, id).worth()), (2, 40));
}

#[test]
fn without_a_rate_of_late_what_is_signed_waits_for_one() {
    let mut book = book();
    book.set_policy(&format!("[rates]\nmax_age_hours = 24\n{BANDS}"));
    set_rate(&mut book, "1");
    let id = referred(&mut book, euros("o", 40));
    book.now += 25 * 3_600 * SECOND;
    let signed = reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    let order = signed.reserved.unwrap();
    assert_eq!((signed.status, order.verdict.decision), (CaseStatus::Approved, Declined));
    assert!(order.verdict.reasons.iter().any(|reason| reason.code == FxRateStale));
    assert_eq!(sweep(&mut book), [0; 0]);
    set_rate(&mut book, "1");
    assert_eq!(sweep(&mut book), [id]);
}

#[test]
fn an_order_billed_elsewhere_and_shipped_later_is_decided_as_it_was_asked() {
    let mut book = book();
    book.run(account("b")).unwrap();
    book.set_policy(&format!("[exposure]\nhorizon_days = 3\ntax_counts = false\n{BANDS}"));
    let command = elsewhere(&book, "o", 10);
    let id = referred(&mut book, command.clone());
    assert_eq!(case(&book, id).slot, book.state.slot("a").unwrap(), "of who is billed");
    book.run(status("b", Status::Suspended)).unwrap();
    let signed = reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    let reasons = signed.reserved.unwrap().verdict.reasons;
    let suspended = reasons.iter().find(|reason| reason.code == AccountSuspended).unwrap();
    assert_eq!(suspended.whose, Some(Whose::SoldTo("b".into(), None)));
    assert_eq!((signed.status, sweep(&mut book)), (CaseStatus::Approved, vec![]));
    book.run(status("b", Status::Active)).unwrap();
    assert_eq!(sweep(&mut book), [id]);
    let held = book.order("o");
    let counting = held.counting().unwrap();
    assert_eq!((held.open, counting.parts.open, counting.excluded), (0, 50, 10));
    assert!(held.waits() && counting.sold_to.as_deref() == Some("b"));
    // It lives until its day of shipping, as one that was approved at once.
    assert_eq!(held.expires_at, counting.ship_date.unwrap().begins() + i64::from(TTL_S) * SECOND);
    let asked = command.clone();
    let again = book.reserved(command);
    assert_eq!((again.reservation, again.counted()), (Some(held_id(&book)), 0));
    let (taxed, moved) = (elsewhere(&book, "o", 11), Shipping { bill_to: None, ..shipping(&book) });
    assert_eq!(book.refused(taxed), already("o"));
    assert_eq!(book.refused(upgraded("o", 50, Some(moved))), already("o"));
    // By another policy tax counts; this order is what it was.
    book.set_policy(&format!("[exposure]\nhorizon_days = 3\n{BANDS}"));
    assert_eq!(book.reserved(asked).reservation, Some(held_id(&book)));
}

#[test]
fn what_was_signed_is_not_asked_again_when_its_goods_leave() {
    let mut book = book();
    book.run(account("b")).unwrap();
    let for_a_month = BANDS.replacen("[approvals]", "[approvals]\nvalid_hours = 720", 1);
    book.set_policy(&format!("[exposure]\nhorizon_days = 3\n{for_a_month}"));
    let command = elsewhere(&book, "o", 10);
    let id = referred(&mut book, command);
    reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    book.pass(7 * DAY);
    assert_eq!((book.order("o").open, book.order("o").waits()), (50, false), "its day is near");
    let found = book.changed(capture("o", "i"));
    assert_eq!((found.verdict.decision, found.breach), (Approved, false));
    assert_eq!(book.position(), (0, 50, 0));
}

#[test]
fn a_no_takes_the_authority_for_what_an_order_is_worth() {
    let mut book = book();
    book.set_policy(BANDS);
    set_rate(&mut book, "1.5");
    let id = referred(&mut book, euros("o", 40));
    let rejected = refused(&mut book, "ann", act(id, Signer::CreditAnalyst, Act::Reject));
    let Refusal::Case(CaseRefusal::NotAuthorised { amount: 60, .. }) = rejected else {
        panic!("it is beyond the band: {rejected:?}")
    };
}

fn held_id(book: &Book) -> u64 {
    book.order("o").id
}

fn shipping(book: &Book) -> Shipping<'static> {
    elsewhere(book, "o", 10).order.details.unwrap().shipping.unwrap()
}

#[test]
fn another_day_or_other_tax_is_another_order_and_it_is_taken_back_by_who_is_billed() {
    let mut book = book();
    book.run(account("b")).unwrap();
    book.set_policy(BANDS);
    let id = refer(&mut book, 10);
    assert_eq!(refer(&mut book, 10), id);
    assert_eq!(case(&book, id).revision, 0);
    assert_eq!(refer(&mut book, 11), id);
    book.now += DAY;
    assert_eq!(refer(&mut book, 11), id);
    assert_eq!(case(&book, id).revision, 2);
    let reject = act(id, Signer::Finance, Act::Reject);
    reviewed(&mut book, "fay", reject);
    let command = elsewhere(&book, "o", 11);
    let again = book.reserved(command);
    assert_eq!((again.verdict.decision, again.case), (Declined, Some(id)));
    let other = refer(&mut book, 12);
    assert_ne!(other, id);
    let Ok(Outcome::Reviewed(withdrawn)) = book.run(release("o")) else { panic!("it waits") };
    assert_eq!((withdrawn.case, withdrawn.status), (other, CaseStatus::Withdrawn));
}

/// The case of such an order, with so much tax.
fn refer(book: &mut Book, tax: Minor) -> u64 {
    let command = elsewhere(book, "o", tax);
    referred(book, command)
}

#[test]
fn a_batch_finds_what_a_case_has_reserved_as_one_order_does() {
    let mut book = book();
    set_rate(&mut book, "1");
    let id = referred(&mut book, euros("o", 30));
    let all = |orders: Vec<Reserve<'static>>| ReserveAll {
        request: REQUEST,
        orders: orders.into_iter().map(|reserve| reserve.order).collect(),
    };
    let signed = act(id, Signer::CreditAnalyst, Act::Approve(yes(&[TermsUpgraded])));
    let held = reviewed(&mut book, "ann", signed).reserved.unwrap().reservation;
    let batch = |book: &mut Book, orders| match book.run(all(orders)) {
        Ok(Outcome::ReservedAll(found)) => found,
        other => panic!("a batch is decided, not {other:?}"),
    };
    let found = batch(&mut book, vec![euros("o", 30), reserve("p", 60)]);
    assert_eq!((found[0].reservation, found[0].case), (held, Some(id)));
    assert!(found[1].reservation.is_some_and(|id| Some(id) != held));
    assert_eq!(book.position(), (0, 0, 90));
    // It stays reserved where the batch does not fit.
    let found = batch(&mut book, vec![euros("o", 30), reserve("q", 60)]);
    assert_eq!((found[0].verdict.decision, found[0].reservation), (Approved, held));
    assert_eq!((found[1].verdict.decision, found[1].reservation), (Declined, None));
    let twice = all(vec![euros("o", 30), euros("o", 30)]);
    let in_item = Refusal::InItem { index: 1, refusal: Box::new(already("o")) };
    assert_eq!(book.refused(twice), in_item);
}
