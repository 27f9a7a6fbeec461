use crate::command::{ActivatePolicy, PutPolicy, ShadowPolicy};
use crate::error::{PolicyRefusal, Refusal};
use crate::outcome::Outcome;
use crate::policy::{BUILT_IN, PolicyStatus};
use crate::testing::*;

fn put(text: &str) -> PutPolicy<'_> {
    PutPolicy { request: REQUEST, text }
}

fn activate(version: u64) -> ActivatePolicy<'static> {
    ActivatePolicy { request: REQUEST, version }
}

#[test]
fn a_version_comes_into_force_by_the_hand_of_another() {
    let mut book = Book::with_100();
    assert_eq!(book.state.policy().version, BUILT_IN);
    book.actor = "anna";
    assert_eq!(book.run(put("")), Ok(Outcome::Policy(2)));
    assert_eq!(book.state.policy().version, BUILT_IN);
    assert_eq!(
        book.refused(activate(2)),
        Refusal::Policy(PolicyRefusal::PolicyNeedsSecond(2, "anna".into()))
    );
    assert_eq!(book.refused(activate(3)), Refusal::Policy(PolicyRefusal::PolicyNotFound(3)));
    assert_eq!(
        book.refused(activate(BUILT_IN)),
        Refusal::Policy(PolicyRefusal::PolicyNotFound(BUILT_IN))
    );
    book.actor = "bert";
    assert_eq!(book.run(activate(2)), Ok(Outcome::Policy(2)));
    assert_eq!(book.state.policy().version, 2);
    assert_eq!(book.refused(activate(2)), Refusal::Policy(PolicyRefusal::PolicyInForce(2)));
}

#[test]
fn a_version_takes_the_place_of_another_and_may_come_back() {
    let mut book = Book::with_100();
    book.set_policy("");
    book.set_policy("# another");
    let status = |book: &Book| -> Vec<PolicyStatus> {
        book.state.policies().rows().iter().map(|row| row.status).collect()
    };
    assert_eq!(status(&book), [PolicyStatus::Retired, PolicyStatus::Active]);
    book.actor = "bert";
    book.run(activate(2)).unwrap();
    assert_eq!(status(&book), [PolicyStatus::Active, PolicyStatus::Retired]);
    assert_eq!(book.state.policy().version, 2);
}

#[test]
fn a_text_with_mistakes_is_refused_as_a_whole() {
    let mut book = Book::with_100();
    let Refusal::Policy(PolicyRefusal::PolicyInvalid(problems)) =
        book.refused(put("a = 1\n\nb = 2\n"))
    else {
        panic!("unknown keys are mistakes")
    };
    assert_eq!(problems.iter().map(|one| one.line).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn what_is_undone_leaves_the_policy_of_before() {
    let mut book = Book::with_100();
    book.set_policy("");
    let before = book.state.dump();
    let mark = book.state.mark();
    let request = book.request(put("# another"));
    let (_, events) = crate::decide::decide(&book.state, 9, book.now, &request).unwrap();
    events.iter().for_each(|event| crate::apply::apply(&mut book.state, book.now, event));
    book.actor = "other";
    let request = book.request(activate(3));
    let (_, events) = crate::decide::decide(&book.state, 10, book.now, &request).unwrap();
    events.iter().for_each(|event| crate::apply::apply(&mut book.state, book.now, event));
    assert_eq!(book.state.policy().version, 3);
    book.state.undo(mark);
    assert_eq!(book.state.dump(), before);
}

#[test]
fn a_version_is_tried_until_it_is_activated_or_another_is() {
    let mut book = Book::with_100();
    book.set_policy("");
    book.run(put("# another")).unwrap();
    book.run(put("# a third")).unwrap();
    let shadow = |version| ShadowPolicy { request: REQUEST, version };
    let seen = |book: &Book| {
        let all = book.state.policies();
        let statuses: Vec<PolicyStatus> = all.rows().iter().map(|row| row.status).collect();
        (all.shadow().map(|shadow| shadow.version), statuses)
    };
    use PolicyStatus::{Active, Draft, Retired, Shadow};
    assert_eq!(book.refused(shadow(Some(2))), Refusal::Policy(PolicyRefusal::PolicyInForce(2)));
    assert_eq!(book.refused(shadow(Some(9))), Refusal::Policy(PolicyRefusal::PolicyNotFound(9)));
    assert_eq!(book.run(shadow(Some(3))), Ok(Outcome::Policy(3)));
    assert_eq!(seen(&book), (Some(3), vec![Active, Shadow, Draft]));
    assert_eq!(book.run(shadow(Some(4))), Ok(Outcome::Policy(4)));
    assert_eq!(seen(&book), (Some(4), vec![Active, Draft, Shadow]));
    let before = book.state.dump();
    let mark = book.state.mark();
    book.actor = "other";
    let request = book.request(activate(4));
    let (_, events) = crate::decide::decide(&book.state, 9, book.now, &request).unwrap();
    events.iter().for_each(|event| crate::apply::apply(&mut book.state, book.now, event));
    assert_eq!(seen(&book), (None, vec![Retired, Draft, Active]));
    book.state.undo(mark);
    assert_eq!(book.state.dump(), before);
    assert_eq!(book.run(shadow(None)), Ok(Outcome::Policy(0)));
    assert_eq!(seen(&book), (None, vec![Active, Draft, Draft]));
}
