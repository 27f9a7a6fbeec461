//! One store, step by step: answers, repeats, undo, and what is refused.

mod common;

use std::fs;
use std::ops::ControlFlow;

use common::*;
use creditgate_engine::command::{Command, RequestKey, SetStatus};
use creditgate_engine::entry::Request;
use creditgate_engine::error::Refusal;
use creditgate_engine::event::Event;
use creditgate_engine::model::Status;
use creditgate_engine::outcome::{Decision, Outcome, Upserted};
use creditgate_store::{CommitError, ExecuteError, Options, Store, StoreError, WindowBounds, text};

#[test]
fn an_answer_is_kept_over_a_restart_and_a_repeat_gets_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, recovery) = open(folder.path());
    assert_eq!((recovery.journal_seq, recovery.commits_replayed), (0, 0));
    run(&mut store, 1_000, &account("r1", "acme", limit(500)));
    let first = run(&mut store, 2_000, &reserve("r2", "acme", "o1", 300));
    assert_eq!((decision(&first), first.seq, first.time), (Decision::Approved, 2, 2_000));
    assert!(!first.replayed);

    let again = run(&mut store, 3_000, &reserve("r2", "acme", "o1", 300));
    assert!(again.replayed);
    assert_eq!(creditgate_store::Answer { replayed: false, ..again }, first);
    drop(store);

    let (mut store, recovery) = open(folder.path());
    assert_eq!((recovery.journal_seq, recovery.commits_replayed), (2, 2));
    assert_eq!((recovery.accounts, recovery.reservations_open), (1, 1));
    assert_eq!((store.committed_seq(), store.last_time(), store.epoch()), (2, 2_000, 2));
    let again = run(&mut store, 4_000, &reserve("r2", "acme", "o1", 300));
    assert!(again.replayed);
    assert_eq!(creditgate_store::Answer { replayed: false, ..again }, first);
    assert_eq!(store.state().position(0).reserved, 300);
    assert_eq!(store.committed_seq(), 2, "a repeat is not journalled");
}

#[test]
fn a_repeat_in_the_same_commit_is_found_and_one_with_other_fields_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    store.begin(1);
    execute(&mut store, &account("r1", "acme", limit(500)));
    let first = execute(&mut store, &reserve("r2", "acme", "o1", 300));
    let again = execute(&mut store, &reserve("r2", "acme", "o1", 300));
    assert_eq!((again.replayed, again.seq, &again.outcome), (true, first.seq, &first.outcome));
    execute(&mut store, &invoice("e1", "acme", "i1", 10));
    assert!(execute(&mut store, &invoice("e1", "acme", "i1", 10)).replayed);
    for committed in [false, true] {
        if committed {
            store.commit().expect("there is room");
        }
        let other = store.execute(&reserve("r2", "acme", "o1", 301));
        let Err(ExecuteError::Refused(refusal)) = other else { panic!("{other:?}") };
        assert_eq!(refusal, Refusal::RequestIdReused("r2".into()));
        let other = store.execute(&invoice("e1", "acme", "i1", 11));
        let Err(ExecuteError::Refused(refusal)) = other else { panic!("{other:?}") };
        assert_eq!(refusal, Refusal::EntryIdReused("e1".into()));
    }
    let mut row = reserve("r2", "acme", "o2", 1);
    if let Command::Reserve(reserve) = &mut row.command {
        reserve.request = RequestKey { id: "r2", row: 1, call: 0 };
    }
    assert!(!execute(&mut store, &row).replayed, "another row is another request");
}

/// One row of a bulk call `x`, whose rows together have this digest.
fn row_of_x(row: u32, call: u64) -> Request<'static> {
    let ids = ["a0", "a1", "a2", "a3"];
    let mut request = account("x", ids[row as usize], limit(1));
    if let Command::UpsertAccount(upsert) = &mut request.command {
        upsert.request = RequestKey { id: "x", row, call };
    }
    request
}

fn assert_other_call(store: &mut Store, request: &Request<'_>) {
    let other = store.execute(request);
    let Err(ExecuteError::Refused(refusal)) = other else { panic!("{other:?}") };
    assert_eq!(refusal, Refusal::RequestIdReused("x".into()));
}

#[test]
fn rows_of_another_call_are_refused_whatever_was_executed_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    store.begin(1);
    // Undone, so that the other call may have the id, and the first one not.
    execute(&mut store, &row_of_x(0, 7));
    execute(&mut store, &row_of_x(1, 7));
    assert_other_call(&mut store, &row_of_x(2, 9));
    store.seal().expect("there are entries");
    store.undo();
    execute(&mut store, &row_of_x(1, 9));
    assert_other_call(&mut store, &row_of_x(0, 7));
    execute(&mut store, &row_of_x(0, 9));
    store.commit().expect("there is room");

    // Durable, and what was decided on top is undone.
    execute(&mut store, &row_of_x(2, 9));
    store.seal().expect("there is an entry");
    store.undo();
    assert_other_call(&mut store, &row_of_x(2, 7));
    assert!(!execute(&mut store, &row_of_x(2, 9)).replayed);
    assert_other_call(&mut store, &row_of_x(3, 7));
    // Another id comes between.
    execute(&mut store, &account("y", "b", limit(1)));
    assert_other_call(&mut store, &row_of_x(3, 7));
    execute(&mut store, &row_of_x(3, 9));
}

#[test]
fn a_call_that_left_the_window_is_not_taken_for_the_one_that_has_its_id_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let request_window = WindowBounds { count_max: 2, age_max_us: 10 };
    let options = Options { request_window, ..options() };
    let (mut store, _) = Store::open(folder.path(), options).expect("it opens");
    run(&mut store, 0, &row_of_x(0, 7));
    store.begin(100);
    store.tick().expect("there is room");
    store.commit().expect("there is room");
    store.begin(200);
    execute(&mut store, &row_of_x(0, 9));
    assert_other_call(&mut store, &row_of_x(1, 7));
}

#[test]
fn an_upsert_that_changes_nothing_keeps_its_name_and_touches_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    let mut committer = store.take_committer();
    let mut touched = |time, request: &Request<'_>| {
        store.begin(time);
        let made = execute(&mut store, request);
        let sealed = store.seal().expect("there is an entry");
        committer.commit(&sealed).expect("there is room");
        store.settle();
        (made, Vec::from_iter(sealed.touched()))
    };
    let (made, slots) = touched(1, &account("r1", "acme", limit(500)));
    assert_eq!((made.outcome, slots), (Outcome::Upserted(Upserted::Created), vec![0]));
    let (same, slots) = touched(2, &account("r2", "acme", limit(500)));
    assert_eq!((same.seq, same.replayed, slots), (2, false, vec![]));
    assert!(run(&mut store, 3, &account("r2", "acme", limit(500))).replayed);
}

#[test]
fn time_never_goes_back_and_stands_once_a_command_is_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    run(&mut store, 5_000, &account("r1", "acme", limit(500)));
    store.begin(4_000);
    assert_eq!(execute(&mut store, &reserve("r2", "acme", "o1", 1)).time, 5_000);
    store.begin(9_000);
    assert_eq!(execute(&mut store, &reserve("r3", "acme", "o2", 1)).time, 5_000);
    store.commit().expect("there is room");
    assert_eq!(run(&mut store, 9_000, &reserve("r4", "acme", "o3", 1)).time, 9_000);
}

#[test]
fn a_refusal_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    store.begin(1);
    let refused = store.execute(&reserve("r1", "nobody", "o1", 1));
    assert!(matches!(refused, Err(ExecuteError::Refused(Refusal::AccountNotFound(_)))));
    store.commit().expect("there is nothing to commit");
    assert_eq!(store.committed_seq(), 0);
    run(&mut store, 2, &account("r0", "nobody", limit(5)));
    let retried = run(&mut store, 3, &reserve("r1", "nobody", "o1", 1));
    assert!(!retried.replayed, "a refused id is free");
}

#[test]
fn the_clock_expires_and_forgets() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { closed_age_max_us: 10, ..options() };
    let (mut store, _) = Store::open(folder.path(), options).expect("it opens");
    run(&mut store, 0, &account("r1", "acme", limit(500)));
    run(&mut store, 0, &reserve("r2", "acme", "o1", 300));
    store.begin(3_600_000_000 - 1);
    assert!(!store.housekeep().expect("it works"));
    store.begin(3_600_000_000);
    assert!(store.housekeep().expect("it works"));
    assert!(!store.housekeep().expect("it works"), "nothing more is due");
    store.commit().expect("there is room");
    assert_eq!((store.state().position(0).reserved, store.state().open_count()), (0, 0));
    store.begin(3_600_000_011);
    assert!(store.housekeep().expect("it works"));
    assert_eq!(store.state().closed().len(), 0);
}

#[test]
fn a_full_journal_undoes_the_commit_and_the_store_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { journal_map_size_bytes: MIB / 2, ..options() };
    let (mut store, _) = Store::open(folder.path(), options.clone()).expect("it opens");
    run(&mut store, 0, &account("r0", "acme", limit(1_000_000)));
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for batch in 0..60 {
        store.begin(batch);
        let ids: Vec<String> = (0..200).map(|row| format!("r{batch}-{row}")).collect();
        let before = (store.state().position(0).reserved, store.committed_seq());
        for id in &ids {
            execute(&mut store, &reserve(id, "acme", id, 1));
        }
        match store.commit() {
            Ok(()) => acknowledged.extend(ids),
            Err(CommitError::NoSpace(StoreError::NoSpace { .. })) => {
                refused += 1;
                assert_eq!((store.state().position(0).reserved, store.committed_seq()), before);
                assert!(!store.has_pending());
                // Room for a small one may be left.
                store.begin(batch);
                let small = execute(&mut store, &release(&ids[0], "acme", &acknowledged[refused]));
                assert!(!small.replayed, "an undone id is free");
                match store.commit() {
                    Ok(()) | Err(CommitError::NoSpace(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 0 && !acknowledged.is_empty(), "the map is full at some time");
    let reserved = store.state().position(0).reserved;
    drop(store);
    // More address space is more room.
    let options = Options { journal_map_size_bytes: 4 * MIB, ..options };
    let (mut store, _) = Store::open(folder.path(), options).expect("it opens");
    assert_eq!(store.state().position(0).reserved, reserved);
    for id in &acknowledged {
        assert!(execute(&mut store, &reserve(id, "acme", id, 1)).replayed, "{id}");
    }
    assert!(!run(&mut store, 100, &reserve("new", "acme", "new", 1)).replayed);
}

#[test]
fn beyond_the_window_an_id_is_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let request_window = WindowBounds { count_max: 2, age_max_us: 1_000 };
    let options = Options { request_window, ..options() };
    let (mut store, _) = Store::open(folder.path(), options.clone()).expect("it opens");
    for (now, id) in [(0, "r1"), (1, "r2"), (2, "r3")] {
        run(&mut store, now, &account(id, id, limit(5)));
    }
    for _ in 0..2 {
        assert_eq!(store.window_figures().0.count, 2);
        assert_eq!(store.window_figures().0.oldest, Some(1));
        assert!(execute(&mut store, &account("r2", "r2", limit(5))).replayed);
        assert!(!execute(&mut store, &account("r1", "r1", limit(5))).replayed);
        drop(store);
        store = Store::open(folder.path(), options.clone()).expect("it opens").0;
    }
    run(&mut store, 1_002, &account("r4", "r4", limit(5)));
    assert_eq!(store.window_figures().0.oldest, Some(2));
    run(&mut store, 1_003, &account("r5", "r5", limit(5)));
    assert_eq!(store.window_figures().0.oldest, Some(1_002));
}

#[test]
fn names_and_reasons_lie_beside_the_chain_and_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    let name = text::seal([1; 16], "Müller & Söhne");
    let named = named_account("r1", "acme", limit(5), Some(Some(name)));
    run(&mut store, 1, &named);
    let reason = Some(text::seal([2; 16], "unpaid since May"));
    let status = SetStatus { request: key("r2"), account_id: "acme", status: Status::Suspended };
    let suspend = Request { reason, ..request(Command::SetStatus(status)) };
    run(&mut store, 2, &suspend);
    let salted_anew =
        named_account("r1", "acme", limit(5), Some(Some(text::seal([3; 16], "Müller & Söhne"))));
    assert!(run(&mut store, 3, &salted_anew).replayed, "the same name, whatever its salt");
    drop(store);
    let (store, _) = open(folder.path());
    let found = store.state().account(0);
    assert_eq!(found.name.as_deref(), Some("Müller & Söhne"));
    assert_eq!(found.status_reason.as_deref(), Some("unpaid since May"));
    let mut seen = Vec::new();
    let journal = store.journal();
    journal
        .read(1, |commit| {
            seen.extend(commit.entries.iter().map(|entry| entry.request == named));
            let Event::StatusSet { reason, .. } = commit.entries[0].events[0] else {
                return Ok(ControlFlow::Continue(()));
            };
            assert_eq!(reason.and_then(|text| text.text()), Some("unpaid since May"));
            Ok(ControlFlow::Break(()))
        })
        .expect("the journal is whole");
    assert_eq!(seen, [true, false]);
    let raw = fs::read(folder.path().join("journal/data.mdb")).expect("it is there");
    let needle = "unpaid since May".as_bytes();
    let hits = raw.windows(needle.len()).filter(|window| *window == needle).count();
    assert_eq!(hits, 1);
    let chain = store.journal().files().into_iter().map(|(_, path)| fs::read(path));
    for raw in chain {
        let raw = raw.expect("it is there");
        assert!(!raw.windows(needle.len()).any(|window| window == needle), "in texts alone");
    }
}

#[test]
fn a_name_that_was_removed_stays_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    let name = text::seal([1; 16], "Müller");
    run(&mut store, 1, &named_account("r1", "acme", limit(5), Some(Some(name))));
    run(&mut store, 2, &named_account("r2", "acme", None, Some(None)));
    assert_eq!(store.state().account(0).name, None);
    assert!(run(&mut store, 3, &named_account("r2", "acme", None, Some(None))).replayed);
    drop(store);
    let (store, _) = open(folder.path());
    assert_eq!(store.state().account(0).name, None);
}

#[test]
fn a_store_in_use_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = open(folder.path());
    let second = Store::open(folder.path(), options()).err().expect("it is in use");
    assert!(matches!(second, StoreError::InUse { .. }));
    assert!(second.to_string().contains(&folder.path().display().to_string()), "{second}");
    drop(store);
    open(folder.path());
}

#[test]
fn a_commit_is_decided_while_the_one_before_is_on_its_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    run(&mut store, 1, &account("r1", "acme", limit(500)));
    let mut committer = store.take_committer();
    store.begin(10);
    let first = execute(&mut store, &reserve("r2", "acme", "o1", 300));
    let sealed = store.seal().expect("there is an entry");
    store.begin(5);
    let second = execute(&mut store, &reserve("r3", "acme", "o2", 300));
    assert_eq!((first.seq, second.seq), (2, 3));
    assert_eq!((decision(&first), decision(&second)), (Decision::Approved, Decision::Declined));
    assert_eq!(second.time, 10, "time does not go back behind what is on its way");
    let again = execute(&mut store, &reserve("r2", "acme", "o1", 300));
    assert!(again.replayed, "it is read from the commit on its way");
    assert_eq!(store.committed_seq(), 1);

    committer.commit(&sealed).expect("there is room");
    store.settle();
    assert_eq!(store.committed_seq(), 2);
    let sealed = store.seal().expect("there is an entry");
    committer.commit(&sealed).expect("there is room");
    store.settle();
    drop((store, committer));
    let (store, recovery) = open(folder.path());
    assert_eq!((recovery.journal_seq, store.state().position(0).reserved), (3, 300));
}

#[test]
fn without_room_for_one_commit_the_one_on_top_is_undone_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    run(&mut store, 1, &account("r1", "acme", limit(500)));
    let before = store.state().dump();
    store.begin(10);
    execute(&mut store, &reserve("r2", "acme", "o1", 300));
    store.seal().expect("there is an entry");
    execute(&mut store, &account("r4", "other", limit(1)));
    execute(&mut store, &reserve("r3", "acme", "o2", 200));
    store.undo();
    assert_eq!(store.state().dump(), before);
    let answer = run(&mut store, 11, &reserve("r2", "acme", "o1", 500));
    assert_eq!((answer.seq, answer.replayed, decision(&answer)), (2, false, Decision::Approved));
}
