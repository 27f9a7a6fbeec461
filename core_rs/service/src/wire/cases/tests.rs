use std::borrow::Cow;

use creditgate_engine::apply::apply;
use creditgate_engine::bounds::CASE_COMMENTS_MAX;
use creditgate_engine::event::{CaseAsk, CaseEvent, Event};
use creditgate_engine::values::{Limit, LimitKind, Text, TextBody, Ttl};

use super::*;

/// Accounts "a" and "b".
fn accounts() -> State {
    let mut state = State::default();
    for (slot, account_id) in [(0, "a"), (1, "b")] {
        let event = Event::AccountSet {
            slot,
            account_id,
            currency: Currency::parse("USD").expect("it is one"),
            parent: None,
            segment: None,
            limit: Limit { kind: LimitKind::NoCredit, valid_until: None },
            max_order: 0,
            name: None,
            shared_limit: None,
        };
        apply(&mut state, 1, &event);
    }
    state
}

fn open(state: &mut State, case: CaseId, slot: Slot) {
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
    let opened = CaseEvent::Opened { case, ask, askers: Vec::new() };
    apply(state, 1, &Event::Case(opened));
}

/// All cases of an account, page by page, and the bytes of the largest page.
fn pages(state: &State, asked: &v1::ListCasesRequest) -> (Vec<Vec<String>>, usize) {
    let (mut asked, mut all, mut largest) = (asked.clone(), Vec::new(), 0);
    loop {
        let page = list(state, &asked, 2).expect("a page");
        largest = largest.max(page.encoded_len());
        all.push(page.cases.into_iter().map(|case| case.case_id).collect());
        asked.page_token = page.next_page_token;
        if asked.page_token.is_empty() {
            return (all, largest);
        }
    }
}

#[test]
fn an_account_is_listed_without_a_look_at_others() {
    let mut state = accounts();
    let others = EXAMINED_MAX as u64 + 1;
    (1..=others).for_each(|case| open(&mut state, case, 0));
    (1..=3).for_each(|place| open(&mut state, others + place, 1));
    let urgent = CaseEvent::Noted {
        case: others + 2,
        by: Cow::Borrowed("fay"),
        text: None,
        priority: Some(5),
    };
    apply(&mut state, 1, &Event::Case(urgent));
    let asked = v1::ListCasesRequest { account_id: "b".to_owned(), ..Default::default() };
    let ids = |places: &[u64]| Vec::from_iter(places.iter().map(|at| (others + at).to_string()));
    assert_eq!(pages(&state, &asked).0, [ids(&[1, 2, 3])]);
    let urgent = v1::ListCasesRequest {
        order: v1::CaseOrder::Priority.into(),
        page_size: 2,
        ..asked.clone()
    };
    assert_eq!(pages(&state, &urgent).0, [ids(&[2, 1]), ids(&[3])]);
    let used = v1::ListCasesRequest { statuses: vec![v1::CaseStatus::Used.into()], ..asked };
    assert_eq!(pages(&state, &used).0, [ids(&[])]);
}

#[test]
fn a_page_is_no_larger_than_a_client_takes() {
    let mut state = accounts();
    let body = "x".repeat(REASON_BYTES_MAX);
    let text = Text { digest: [0; 32], body: Some(TextBody { salt: [0; 16], text: &body }) };
    let cases = 1..=4 * PAGE_BYTES_MAX as u64 / (CASE_COMMENTS_MAX * REASON_BYTES_MAX) as u64;
    for case in cases.clone() {
        open(&mut state, case, 0);
        for _ in 0..CASE_COMMENTS_MAX {
            let (by, text, priority) = (Cow::Borrowed("fay"), Some(text), None);
            apply(&mut state, 1, &Event::Case(CaseEvent::Noted { case, by, text, priority }));
        }
    }
    let asked = v1::ListCasesRequest { page_size: 1_000, ..Default::default() };
    let (all, largest) = pages(&state, &asked);
    assert!((PAGE_BYTES_MAX..PAGE_BYTES_MAX * 2).contains(&largest), "{largest}");
    assert_eq!(all.concat(), Vec::from_iter(cases.map(|case| case.to_string())));
}
