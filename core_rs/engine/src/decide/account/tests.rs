use crate::bounds::PARENT_DEPTH_MAX;
use crate::command::*;
use crate::error::Refusal;
use crate::model::Status;
use crate::outcome::{Outcome, Upserted};
use crate::testing::*;
use crate::values::LimitKind::{Amount, NoCredit, Unlimited};
use crate::values::{Limit, Text, TextBody};

const CREATED: Outcome = Outcome::Upserted(Upserted::Created);
const UPDATED: Outcome = Outcome::Upserted(Upserted::Updated);
const UNCHANGED: Outcome = Outcome::Upserted(Upserted::Unchanged);

fn text(text: &str) -> Option<Text<'_>> {
    Some(Text { digest: [7; 32], body: Some(TextBody { salt: [0; 16], text }) })
}

fn segment(segment_id: &str, kind: crate::values::LimitKind) -> UpsertSegment<'_> {
    let limit = Some(limit(kind));
    UpsertSegment { request: REQUEST, segment_id, currency: usd(), limit, cap: None }
}

#[test]
fn absent_fields_keep_their_value_and_present_ones_can_remove_it() {
    let mut book = Book::empty();
    assert_eq!(book.run(segment("retail", Unlimited)), Ok(CREATED));
    assert_eq!(book.run(account("p")), Ok(CREATED));
    let full = UpsertAccount {
        name: Some(text("A Ltd")),
        parent_id: Some("p"),
        segment_id: Some("retail"),
        limit: Some(limit(Amount(5))),
        max_order: Some(9),
        ..account("a")
    };
    assert_eq!(book.run(full.clone()), Ok(CREATED));
    let slot = book.state.slot("a").unwrap();
    let before = book.state.account(slot);
    assert_eq!((before.parent, before.segment, before.max_order), (Some(0), Some(0), 9));
    assert_eq!((before.limit, before.name.as_deref()), (limit(Amount(5)), Some("A Ltd")));
    book.now += SECOND;
    for same in [full, account("a"), UpsertAccount { currency: None, ..account("a") }] {
        let (outcome, events) = book.events(same).unwrap();
        assert_eq!((outcome, events.len()), (UNCHANGED, 0));
    }
    assert_eq!(book.state.account(slot), before);
    let none = UpsertAccount {
        name: Some(None),
        parent_id: Some(""),
        segment_id: Some(""),
        limit: Some(Limit::INHERIT),
        max_order: Some(0),
        ..account("a")
    };
    assert_eq!(book.run(none.clone()), Ok(UPDATED));
    let after = book.state.account(slot);
    assert_eq!((after.parent, after.segment, after.max_order), (None, None, 0));
    assert_eq!((after.limit, after.name.as_deref()), (Limit::INHERIT, None));
    assert_eq!((after.created_at, after.updated_at), (before.created_at, book.now));
    assert_eq!(book.run(none), Ok(UNCHANGED));
}

#[test]
fn a_new_account_inherits_and_needs_a_currency() {
    let mut book = Book::empty();
    let without = UpsertAccount { currency: None, ..account("a") };
    assert_eq!(book.refused(without), Refusal::CurrencyRequired("a".into()));
    book.run(account("a")).unwrap();
    let found = book.state.account(0);
    assert_eq!((found.limit, found.status), (Limit::INHERIT, Status::Active));
    assert_eq!((found.max_order, found.parent, found.segment), (0, None, None));
    let other = UpsertAccount { currency: Some(eur()), ..account("a") };
    assert_eq!(book.refused(other), Refusal::CurrencyFixed { expected: usd(), found: eur() });
}

#[test]
fn an_upsert_keeps_counters_and_status() {
    let mut book = Book::with_100();
    book.hold("o", 60);
    book.run(status("a", Status::Suspended)).unwrap();
    book.run(UpsertAccount { limit: Some(limit(NoCredit)), ..account("a") }).unwrap();
    assert_eq!(book.position(), (0, 0, 60));
    assert_eq!(book.state.account(0).status, Status::Suspended);
}

#[test]
fn parents_exist_share_the_currency_and_form_no_circle() {
    let mut book = Book::empty();
    for id in ["a", "b", "c"] {
        book.run(account(id)).unwrap();
    }
    book.run(UpsertAccount { currency: Some(eur()), ..account("e") }).unwrap();
    let below = |id, parent| UpsertAccount { parent_id: Some(parent), ..account(id) };
    book.run(below("b", "a")).unwrap();
    book.run(below("c", "b")).unwrap();
    let mismatch =
        Refusal::ParentCurrencyMismatch { parent: "e".into(), expected: usd(), found: eur() };
    let table = [
        ("a", "x", Refusal::ParentNotFound("x".into())),
        ("a", "e", mismatch),
        ("a", "a", Refusal::ParentCycle("a".into())),
        ("a", "b", Refusal::ParentCycle("b".into())),
        ("a", "c", Refusal::ParentCycle("c".into())),
        ("new", "new", Refusal::ParentNotFound("new".into())),
    ];
    for (id, parent, refusal) in table {
        assert_eq!(book.refused(below(id, parent)), refusal, "{id} below {parent}");
    }
    assert_eq!(book.run(below("c", "a")), Ok(UPDATED));
    let refusal = book.refused(UpsertAccount { segment_id: Some("x"), ..account("a") });
    assert_eq!(refusal, Refusal::SegmentNotFound("x".into()));
}

#[test]
fn a_chain_of_parents_is_bounded_and_loaded_again_without_a_word() {
    let mut book = Book::empty();
    let ids: Vec<String> = (0..=PARENT_DEPTH_MAX + 1).map(|i| i.to_string()).collect();
    let below = |i: usize| UpsertAccount { parent_id: Some(&ids[i - 1]), ..account(&ids[i]) };
    book.run(account("0")).unwrap();
    for i in 1..=PARENT_DEPTH_MAX {
        assert_eq!(book.run(below(i)), Ok(CREATED), "{i} parents");
    }
    let parent = ids[PARENT_DEPTH_MAX].as_str();
    let refusal = book.refused(below(PARENT_DEPTH_MAX + 1));
    assert_eq!(refusal, Refusal::ParentCycle(parent.into()));
    for i in 1..=PARENT_DEPTH_MAX {
        assert_eq!(book.run(below(i)), Ok(UNCHANGED));
    }
}

#[test]
fn status_goes_every_way_but_from_closed_to_suspended() {
    use Status::{Active, Closed, Suspended};
    for before in [Active, Suspended, Closed] {
        for after in [Active, Suspended, Closed] {
            let mut book = Book::with_100();
            book.run(status("a", before)).unwrap();
            if (before, after) == (Closed, Suspended) {
                let refusal = book.refused(status("a", after));
                assert_eq!(refusal, Refusal::AccountIsClosed("a".into()));
                continue;
            }
            assert_eq!(book.run(status("a", after)), Ok(Outcome::Done));
            assert_eq!(book.state.account(0).status, after, "{before:?}");
        }
    }
    let unknown = Book::empty().refused(status("x", Closed));
    assert_eq!(unknown, Refusal::AccountNotFound("x".into()));
}

#[test]
fn segments_hold_one_default_for_each_currency() {
    let mut book = Book::empty();
    let in_eur = UpsertSegment { currency: eur(), ..segment("s", Amount(2)) };
    assert_eq!(book.run(segment("s", Amount(1))), Ok(CREATED));
    assert_eq!(book.run(in_eur), Ok(CREATED));
    assert_eq!(book.run(segment("s", Amount(1))), Ok(UNCHANGED));
    assert_eq!(book.run(segment("s", Amount(3))), Ok(UPDATED));
    assert_eq!(book.run(segment("t", Amount(4))), Ok(CREATED));
    let segments = book.state.segments();
    assert_eq!(segments[0].defaults, [(eur(), limit(Amount(2))), (usd(), limit(Amount(3)))]);
    assert_eq!(book.state.segment_index("t"), Some(1));
}

mod owners;
