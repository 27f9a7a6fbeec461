use crate::bounds::CASES_RETRIED_MAX;
use crate::command::*;
use crate::decide::cases::Sweep;
use crate::decide::cases::tests::{act, book, referred, reviewed, upgraded, yes};
use crate::event::{CaseEvent, Event};
use crate::model::{CaseStatus, Signer};
use crate::outcome::ReasonCode::TermsUpgraded;
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
