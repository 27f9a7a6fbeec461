//! What must hold of a store that nobody is writing to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use creditgate_engine::apply::apply;
use creditgate_engine::command::Command;
use creditgate_engine::decide::decide;
use creditgate_engine::decide::levels::{ceiling, effective_limit};
use creditgate_engine::event::{CaseEvent, Event};
use creditgate_engine::outcome::{Decision, Outcome, ReasonCode, Reserved};
use creditgate_engine::state::State;
use creditgate_engine::values::Seq;
use creditgate_store::{CountersReader, Store};

fn bytes(decided: &(Outcome, Vec<Event<'_>>)) -> Vec<u8> {
    rmp_serde::to_vec(decided).expect("writing to memory does not fail")
}

/// Decides everything again, on the state before it, to the same bytes; the sums are the fold of
/// the events, and no order was approved beyond its account's limit.
pub fn check_journal(store: &Store) {
    let mut state = State::default();
    let mut sums: BTreeMap<u32, (i64, i64, i64)> = BTreeMap::new();
    let (mut next, mut with_reasons): (Seq, BTreeSet<Seq>) = (1, BTreeSet::new());
    let read = store.journal().read(1, |commit| {
        for entry in &commit.entries {
            if entry.request.reason.is_some_and(|reason| reason.text().is_some()) {
                with_reasons.insert(next);
            }
            if let Command::EraseTexts(command) = &entry.request.command {
                assert!(command.entries.iter().all(|seq| !with_reasons.contains(seq)));
            }
            let decided = decide(&state, next, commit.head.time, &entry.request);
            let stored = (entry.outcome.clone(), entry.events.clone());
            assert_eq!(bytes(&decided.expect("it was decided before")), bytes(&stored));
            for event in &entry.events {
                apply(&mut state, commit.head.time, event);
                add(&mut sums, &state, event);
            }
            let approved = match &entry.outcome {
                Outcome::Reserved(r) => vec![r],
                Outcome::ReservedAll(all) => all.iter().collect(),
                _ => Vec::new(),
            };
            // What does not count yet is held to no limit, and what an order of a case is told that
            // asks again was decided before.
            let is_new = |r: &Reserved| {
                entry.events.iter().any(|event| {
                    matches!(event, Event::Reserved { reservation, .. }
                        if Some(*reservation) == r.reservation)
                })
            };
            let counts = |r: &&&Reserved| {
                r.verdict.decision == Decision::Approved && r.counted() > 0 && is_new(r)
            };
            for reserved in approved.iter().filter(counts) {
                let id = reserved.reservation.expect("what is approved is reserved");
                let slot = state.reservation(id).expect("it is there").slot;
                let (terms, conditions) = (state.terms(slot), state.conditions(slot));
                let now = commit.head.time;
                let limit = effective_limit(&state, slot, &terms, conditions, now);
                // What is tolerated, or signed for, is named.
                let beyond = [ReasonCode::LimitTolerated, ReasonCode::InsufficientCredit];
                let mut reasons = reserved.verdict.reasons.iter();
                let may_pass = reasons.any(|reason| beyond.contains(&reason.code));
                if let Some(limit) = ceiling(&limit, conditions, now) {
                    let exposure = i128::from(state.position(slot).exposure());
                    let counted = exposure - state.excluded(slot);
                    assert!(may_pass || counted <= limit.into(), "entry {next}: {reserved:?}");
                }
            }
            next += 1;
        }
        Ok(ControlFlow::Continue(()))
    });
    read.expect("the journal is whole");
    assert_eq!(next, store.committed_seq() + 1);
    assert_eq!(store.state().dump(), state.dump());
    for (slot, (outstanding, captured, reserved)) in sums {
        let found = state.position(slot);
        assert_eq!(
            (found.outstanding, found.captured, found.reserved),
            (outstanding, captured, reserved)
        );
    }
}

/// Adds up outstanding, captured and reserved from the words in which events are documented.
fn add(sums: &mut BTreeMap<u32, (i64, i64, i64)>, state: &State, event: &Event<'_>) {
    let of = |id| state.reservation(id).expect("it is there").slot;
    let (slot, o, c, r) = match *event {
        Event::Reserved { slot, amount, .. }
        | Event::Case(CaseEvent::Reserved { slot, amount, .. }) => (slot, 0, 0, amount),
        Event::Grown { reservation, amount }
        | Event::Counted { reservation, amount }
        | Event::Revalued { reservation, amount, .. } => (of(reservation), 0, 0, amount),
        Event::Captured { reservation, amount, .. } => (of(reservation), 0, amount, -amount),
        Event::Billed { reservation, amount, .. }
        | Event::Released { reservation, amount }
        | Event::Expired { reservation, amount } => (of(reservation), 0, 0, -amount),
        Event::Claimed { slot, amount, .. } => (slot, 0, -amount, 0),
        Event::ItemPosted { slot, amount, .. }
        | Event::ItemMoved { slot, amount, .. }
        | Event::UnallocatedMoved { slot, amount } => (slot, amount, 0, 0),
        _ => return,
    };
    let sum = sums.entry(slot).or_default();
    *sum = (sum.0 + o, sum.1 + c, sum.2 + r);
}

pub fn check_counters(store: &Store, folder: &Path) {
    let mut reader = CountersReader::open(&folder.join("counters.map")).expect("it opens");
    assert_eq!(reader.count(), store.state().account_count() as u64);
    for slot in 0..store.state().account_count() as u32 {
        let (record, counters) = (reader.read(slot), store.state().position(slot));
        let record = record.expect("it reads").expect("it is there");
        assert_eq!(
            (record.outstanding, record.captured, record.reserved),
            (counters.outstanding, counters.captured, counters.reserved)
        );
    }
}

/// The names of all kinds of events in a journal.
pub fn kinds(store: &Store) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let read = store.journal().read(1, |commit| {
        for event in commit.entries.iter().flat_map(|entry| &entry.events) {
            let text = format!("{event:?}");
            kinds.extend(text.split([' ', '(']).next().map(str::to_owned));
            // A case has reserved an order that does not count as it is.
            if text.starts_with("Case(Reserved") && text.contains("counting: Some") {
                kinds.insert("CaseCounted".to_owned());
            }
        }
        Ok(ControlFlow::Continue(()))
    });
    read.expect("the journal is whole");
    kinds
}

/// The tables, folded up to the last commit, list what the state holds.
pub fn check_tables(store: &Store) {
    let (dump, tables) = (store.state().dump(), store.tables());
    let accounts = tables.list_accounts(|_| true, None, usize::MAX).expect("it reads").rows;
    let accounts: Vec<_> = accounts.into_iter().map(|(_, account)| account).collect();
    assert!(accounts.iter().eq(dump.accounts.iter().map(|(account, _)| account)));
    let list =
        |slot| tables.list_reservations(slot, None, None, usize::MAX).expect("it reads").rows;
    let expected: Vec<_> = dump.reservations.into_values().collect();
    assert_eq!(list(None), expected);
    for slot in 0..accounts.len() as u32 {
        let theirs: Vec<_> = expected.iter().filter(|r| r.slot == slot).cloned().collect();
        assert_eq!(list(Some(slot)), theirs);
    }
}
