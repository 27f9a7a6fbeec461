use std::borrow::Cow;

use creditgate_engine::command::{Act, Housekeep, RequestKey, ReviewCase};
use creditgate_engine::entry::Request;
use creditgate_engine::event::{CaseAsk, CaseEvent};
use creditgate_engine::model::Signer;
use creditgate_engine::values::Ttl;

use super::*;

/// Something that leads to these events.
fn entry(events: Vec<Event<'_>>) -> Entry<'_> {
    let request = RequestKey { id: "r", row: 0, call: 0 };
    let command = ReviewCase { request, case: 1, role: None, act: Act::Reject };
    let command = Command::ReviewCase(command);
    let request = Request { command, actor: "anna", channel: "", reason: None };
    Entry { request, policy_version: 1, outcome: Outcome::Done, events }
}

fn account(slot: Slot, account_id: &str) -> Event<'_> {
    Event::AccountSet {
        slot,
        account_id,
        currency: Currency::parse("USD").expect("it is one"),
        parent: None,
        segment: None,
        limit: Limit { kind: LimitKind::NoCredit, valid_until: None },
        max_order: 0,
        name: None,
        shared_limit: None,
    }
}

fn opened(case: CaseId, slot: Slot) -> Event<'static> {
    let ask = CaseAsk {
        slot,
        order_id: "o",
        amount: 700,
        ttl: Ttl { asked_s: Some(60), default_s: 60 },
        reasons: Vec::new(),
        channel: Cow::Borrowed("web"),
        by: Cow::Borrowed("shop"),
        escalates_at: 0,
        expires_at: 9,
        asked: None,
    };
    Event::Case(CaseEvent::Opened { case, ask, askers: Vec::new() })
}

/// Both accounts, and a case of each.
fn books(only: Option<(Slot, Id)>) -> Books {
    let mut books = Books::new(only);
    books.pass(1, &entry(vec![account(0, "a"), account(1, "b"), opened(10, 0), opened(11, 1)]));
    books
}

/// What an event changes: whose case it is, its status before and after.
fn told(books: &mut Books, event: CaseEvent<'_>) -> Vec<(String, i32, i32)> {
    let change = books.take(5, 2, &entry(vec![Event::Case(event)]));
    let status = |record: Option<v1::Record>| match record.and_then(|record| record.of) {
        Some(Of::Case(case)) => case.status,
        other => panic!("expected a case, got {other:?}"),
    };
    let records = change.map_or(Vec::new(), |change| change.records);
    let of = |one: v1::RecordChange| (one.account_id, status(one.before), status(one.after));
    records.into_iter().map(of).collect()
}

#[test]
fn what_becomes_of_cases_is_told_but_not_that_they_are_forgotten() {
    for (only, own) in [(None, true), (Some((0, "a".into())), true), (Some((1, "b".into())), false)]
    {
        let mut books = books(only);
        let told = |event| told(&mut books, event);
        let (open, rejected) = (v1::CaseStatus::Open.into(), v1::CaseStatus::Rejected.into());
        let expected = Vec::from_iter(own.then(|| ("a".to_owned(), open, rejected)));
        let steps = [CaseEvent::Rejected { case: 10 }, CaseEvent::Forgotten { case: 10 }];
        assert_eq!(steps.map(told), [expected, Vec::new()]);
    }
}

#[test]
fn delegations_are_told_to_who_asks_about_all() {
    let delegated = |during| CaseEvent::Delegated {
        from: Cow::Borrowed("fay"),
        to: "carla",
        role: Signer::Finance,
        during,
    };
    for (only, count) in [(None, 1), (Some((0, "a".into())), 0)] {
        let mut books = books(only);
        let mut records = |during| {
            let change = books.take(5, 2, &entry(vec![Event::Case(delegated(during))]));
            change.map_or(Vec::new(), |change| change.records)
        };
        let [begun, lengthened, ended] = [Some((0, 5)), Some((0, 8)), None].map(&mut records);
        let lengths = [begun.len(), lengthened.len(), ended.len()];
        assert_eq!(lengths, [count; 3]);
        records(Some((0, 1)));
        let (from, to) = (Cow::Borrowed("fay"), Cow::Borrowed("carla"));
        let over = Event::Case(CaseEvent::DelegationForgotten { from, to });
        let (closed_before, closed_count_max) = (0, 0);
        let mut forgotten = entry(vec![over]);
        forgotten.request.command =
            Command::Housekeep(Housekeep { closed_before, closed_count_max });
        let told = books.take(6, 9, &forgotten);
        assert!(told.is_none_or(|change| change.records.is_empty()), "it was over before");
        if count > 0 {
            assert_eq!((&begun[0].before, &ended[0].after), (&None, &None));
            assert_eq!(begun[0].after, lengthened[0].before);
            assert_eq!(lengthened[0].after, ended[0].before);
        }
    }
}
