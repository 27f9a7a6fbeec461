use crate::bounds::{APPROVED_RETRIED_US, CASES_RETRIED_MAX};
use crate::command::*;
use crate::decide::cases::Sweep;
use crate::decide::cases::tests::{act, book, referred, reviewed, upgraded, yes};
use crate::event::{CaseEvent, Event};
use crate::model::{CaseStatus, Signer};
use crate::outcome::ReasonCode::TermsUpgraded;
use crate::rates::Rate;
use crate::testing::*;
use crate::values::Minor;

/// Signed, and short of credit, which another order takes.
fn waiting(book: &mut Book, orders: &[(&str, Minor)]) -> Vec<u64> {
    let refer = |(order_id, amount): &(&str, Minor)| referred(book, order_id, *amount);
    let cases: Vec<u64> = orders.iter().map(refer).collect();
    book.hold("all", 100);
    for id in &cases {
        let approve = Act::Approve(yes(&[TermsUpgraded]));
        let found = reviewed(book, "ann", act(*id, Signer::CreditAnalyst, approve));
        assert_eq!(found.status, CaseStatus::Approved);
    }
    cases
}

/// As the store does it, until there is nothing more to look at; returns the orders that were
/// reserved.
fn sweep(book: &mut Book, sweep: &mut Sweep) -> Vec<u64> {
    let mut freed = Vec::new();
    while let Some(cases) = sweep.step(&mut book.state, book.now) {
        if cases.is_empty() {
            continue;
        }
        let (_, events) = book.events(RetryCases { cases }).unwrap();
        freed.extend(events.iter().filter_map(|event| match event {
            Event::Case(CaseEvent::Reserved { case, .. }) => Some(*case),
            _ => None,
        }));
    }
    assert!(!sweep.is_due(&book.state));
    freed
}

#[test]
fn credit_that_comes_back_goes_to_the_oldest_case_that_fits() {
    let mut book = book();
    let mut at = Sweep::default();
    let cases = waiting(&mut book, &[("o1", 40), ("o2", 20), ("o3", 20)]);
    let [large, small, next] = cases[..] else { panic!("three are waiting") };
    assert_eq!(sweep(&mut book, &mut at), [0; 0]);
    book.changed(adjust("all", 70));
    // Forty do not fit into thirty, twenty do, and twenty more no longer.
    assert_eq!(sweep(&mut book, &mut at), [small]);
    assert_eq!(book.position(), (0, 0, 90));
    book.changed(release("all"));
    assert_eq!(sweep(&mut book, &mut at), [large, next]);
    assert_eq!(book.position(), (0, 0, 80));
    let again = book.reserved(upgraded("o1", 40));
    assert_eq!((again.case, again.amount), (Some(large), 40), "its client learns of it");
}

#[test]
fn a_case_that_is_named_twice_is_reserved_once() {
    let mut book = book();
    let cases = waiting(&mut book, &[("o1", 40)]);
    book.changed(release("all"));
    book.run(RetryCases { cases: [&cases[..], &cases[..]].concat() }).unwrap();
    assert_eq!(book.position(), (0, 0, 40));
}

#[test]
fn the_most_urgent_comes_first_where_the_policy_says_so() {
    let mut book = book();
    book.set_policy(
        "[approvals]\norder = \"priority\"\n[[approvals.bands]]\nroles = \"credit_analyst\"\n",
    );
    let mut at = Sweep::default();
    let cases = waiting(&mut book, &[("o1", 30), ("o2", 30)]);
    let [first, urgent] = cases[..] else { panic!("two are waiting") };
    let comment = Act::Comment { priority: Some(3) };
    reviewed(&mut book, "ann", act(urgent, Signer::CreditAnalyst, comment));
    book.changed(adjust("all", 50));
    assert_eq!(sweep(&mut book, &mut at), [urgent]);
    book.changed(release("all"));
    assert_eq!(sweep(&mut book, &mut at), [first]);
}

#[test]
fn a_step_looks_at_a_bounded_number_and_a_limit_that_is_raised_begins_one() {
    let mut book = book();
    let mut at = Sweep::default();
    let count = CASES_RETRIED_MAX + 1;
    let names: Vec<String> = (0..count).map(|place| format!("o{place}")).collect();
    waiting(&mut book, &names.iter().map(|name| (&**name, 1)).collect::<Vec<_>>());
    assert_eq!(sweep(&mut book, &mut at), [0; 0]);
    let raised = limit(crate::values::LimitKind::Amount(100 + count as Minor));
    book.run(UpsertAccount { limit: Some(raised), ..account("a") }).unwrap();
    let first = at.step(&mut book.state, book.now).unwrap();
    assert_eq!(first.len(), CASES_RETRIED_MAX);
    book.run(RetryCases { cases: first }).unwrap();
    assert_eq!(sweep(&mut book, &mut at).len(), 1);
    assert_eq!(book.position(), (0, 0, 100 + count as Minor));
}

/// Whether a step has anything to do, as the store asks it.
fn is_due(book: &mut Book, sweep: &mut Sweep) -> bool {
    sweep.step(&mut book.state, book.now).is_some()
}

#[test]
fn what_comes_back_meanwhile_is_for_the_first_before_the_last() {
    let mut book = book();
    let mut at = Sweep::default();
    let names: Vec<String> = (0..2 * CASES_RETRIED_MAX).map(|place| format!("o{place}")).collect();
    let mut orders: Vec<_> = names.iter().map(|name| (&**name, 1)).collect();
    orders[0].1 = 30;
    let cases = waiting(&mut book, &orders);
    sweep(&mut book, &mut at);
    book.changed(adjust("all", 90));
    let first = at.step(&mut book.state, book.now).unwrap();
    assert!(!first.contains(&cases[0]), "thirty do not fit into ten");
    book.changed(adjust("all", 60));
    assert_eq!(at.step(&mut book.state, book.now).unwrap()[0], cases[0]);
    // The last have their turn however often something comes back.
    let mut last = false;
    for total in (40..60).rev() {
        book.changed(adjust("all", total));
        let found = at.step(&mut book.state, book.now).unwrap();
        last = last || found.contains(cases.last().unwrap());
    }
    assert!(last);
}

#[test]
fn what_frees_a_case_makes_it_looked_at_and_nothing_else_does() {
    let mut book = book();
    let mut at = Sweep::default();
    let cases = waiting(&mut book, &[("o", 40)]);
    sweep(&mut book, &mut at);
    let claim = Act::Comment { priority: Some(3) };
    reviewed(&mut book, "ann", act(cases[0], Signer::Finance, claim));
    let rolling = SetRollingLimit { request: REQUEST, account_id: "a", hard_cap: 100, days: 2 };
    assert!(!is_due(&mut book, &mut at));
    book.run(rolling).unwrap();
    assert!(is_due(&mut book, &mut at), "another limit may let it through");
    sweep(&mut book, &mut at);
    book.post(invoice("i1", 1));
    assert!(is_due(&mut book, &mut at), "the ledger was silent before");
    sweep(&mut book, &mut at);
    book.post(Post { entry_id: "next", ..invoice("i2", 1) });
    assert!(!is_due(&mut book, &mut at), "what an account owes on average frees nothing");
    book.run(RemoveRollingLimit { request: REQUEST, account_id: "a" }).unwrap();
    sweep(&mut book, &mut at);
    let scope = TermsScope::Account("a");
    book.run(AssignTerms { request: REQUEST, scope, terms_id: Some("net30") }).unwrap();
    assert!(is_due(&mut book, &mut at), "so may other terms");
    sweep(&mut book, &mut at);
    let (base, currency, source) = (eur(), usd(), "ecb");
    let (rate, as_of) = (Rate::parse("1.25").unwrap(), None);
    book.run(UpsertRate { request: REQUEST, base, currency, rate, source, as_of }).unwrap();
    assert!(is_due(&mut book, &mut at), "so may a rate");
    // Time does something of itself: the hold of an account ends.
    sweep(&mut book, &mut at);
    book.now += APPROVED_RETRIED_US;
    assert!(is_due(&mut book, &mut at));
    sweep(&mut book, &mut at);
    // What a commit had taken is there again where that is undone.
    let mark = book.state.mark();
    let request = book.request(capture("all", "i"));
    let (_, events) = crate::decide::decide(&book.state, 99, book.now, &request).unwrap();
    events.iter().for_each(|event| crate::apply::apply(&mut book.state, book.now, event));
    assert!(!is_due(&mut book, &mut at));
    book.state.undo(mark);
    assert!(is_due(&mut book, &mut at));
}
