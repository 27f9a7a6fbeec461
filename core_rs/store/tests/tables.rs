//! The follower, its thread, the lists over what it wrote, and the counters map.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use creditgate_engine::entry::Request;
use creditgate_engine::values::Seq;
use creditgate_store::{
    CountersReader, Fault, Faults, FollowerFigures, FollowerThread, NoFaults, Options, Step, Store,
    StoreError, SyncError, WindowBounds, WindowFigures,
};

const LONG: Duration = Duration::from_secs(60);

fn filled(store: &mut Store, accounts: usize) {
    store.begin(1);
    for i in 0..accounts {
        let id = format!("a{i:05}");
        execute(store, &account(&id, &id, limit(1_000)));
    }
    store.commit().expect("there is room");
}

#[test]
fn a_store_recovers_from_its_tables_and_what_came_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    filled(&mut store, 3);
    run(&mut store, 2, &reserve("r1", "a00001", "o1", 100));
    run(&mut store, 3, &capture("r2", "a00001", "o1", "i1"));
    fold(&store);
    run(&mut store, 4, &invoice("e1", "a00001", "i1", 110));
    run(&mut store, 5, &reserve("r3", "a00002", "o1", 100));
    let dump = store.state().dump();
    drop(store);
    let (store, recovery) = open(folder.path());
    assert_eq!((recovery.tables_seq, recovery.journal_seq), (5, 7));
    assert_eq!((recovery.commits_replayed, recovery.entries_replayed), (2, 2));
    assert_eq!(recovery.rebuilt_because, None);
    assert_eq!(store.state().dump(), dump);
    fold(&store);
    drop(store);
    let (store, recovery) = open(folder.path());
    assert_eq!((recovery.tables_seq, recovery.commits_replayed), (7, 0));
    assert_eq!(store.state().dump(), dump);
}

#[test]
fn a_start_from_the_tables_remembers_what_was_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let request_window = WindowBounds { count_max: 2_000, age_max_us: 100 };
    let entry_window = WindowBounds { count_max: 10, age_max_us: i64::MAX };
    let options = Options { request_window, entry_window, ..options() };
    let (mut store, _) = Store::open(folder.path(), options.clone()).expect("it opens");
    let mut follower = store.follower().expect("it starts");
    run(&mut store, 0, &account("r0", "acme", limit(1_000)));
    let (mut random, mut n, mut by_age, mut by_count) = (Random(seed(7)), 0, false, false);
    for commit in 1..200 {
        store.begin(commit);
        for _ in 0..=random.below(if commit < 120 { 40 } else { 20 }) {
            n += 1;
            let id = format!("{n}");
            execute(&mut store, &change_nothing(&id));
            if random.chance(1, 40) {
                execute(&mut store, &invoice(&id, "acme", &id, 1));
            }
        }
        store.commit().expect("there is room");
        let WindowFigures { count, oldest } = store.window_figures().0;
        by_age |= count < 2_000 && oldest == Some(commit - 100);
        by_count |= count == 2_000;
        if random.chance(1, 3) {
            catch_up(&mut follower, &store);
        }
        if random.chance(1, 8) {
            let figures = store.window_figures();
            drop((follower, store));
            store = Store::open(folder.path(), options.clone()).expect("it opens").0;
            follower = store.follower().expect("it starts");
            assert_eq!(store.window_figures(), figures);
        }
    }
    assert!(by_age && by_count, "both bounds were met");
    assert_eq!(store.window_figures().1.count, 10);
    for id in [n, n - 1_000] {
        assert!(execute(&mut store, &change_nothing(&format!("{id}"))).replayed);
    }
}

/// What is journalled and changes nothing: an upsert of what is known.
fn change_nothing(id: &str) -> Request<'_> {
    account(id, "acme", limit(1_000))
}

#[test]
fn a_commit_at_the_end_of_the_tables_must_be_the_one_they_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    filled(&mut store, 3);
    fold(&store);
    drop(store);
    // Another journal of as many entries.
    let other = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(other.path());
    filled(&mut store, 2);
    run(&mut store, 9, &account("x", "x", limit(1)));
    drop(store);
    let tables = other.path().join("tables");
    std::fs::remove_dir_all(&tables).expect("it can be removed");
    std::fs::rename(folder.path().join("tables"), &tables).expect("it can be moved");
    let (store, recovery) = open(other.path());
    assert_eq!((recovery.tables_seq, recovery.commits_replayed), (0, 2));
    let because = recovery.rebuilt_because.expect("they were not taken");
    assert_eq!(because, "their last entry, 3, is not the journal's");
    assert!(store.state().slot("x").is_some());
}

#[test]
fn lists_come_page_by_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    filled(&mut store, 25);
    store.begin(2);
    for i in 0..10 {
        let id = format!("r{i}");
        execute(&mut store, &reserve(&id, if i % 2 == 0 { "a00003" } else { "a00004" }, &id, 7));
    }
    execute(&mut store, &release("r10", "a00003", "r4"));
    store.commit().expect("there is room");
    assert!(store.tables().list_accounts(|_| true, None, 10).expect("it reads").rows.is_empty());
    fold(&store);
    let tables = store.tables();
    let (mut after, mut slots, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = tables.list_accounts(|_| true, after, 10).expect("it reads");
        slots.extend(page.rows.iter().map(|(slot, ..)| *slot));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((slots, pages), ((0..25).collect(), 3));
    let exact = tables.list_accounts(|_| true, Some(14), 10).expect("it reads");
    assert_eq!((exact.rows.len(), exact.next), (10, None), "no page follows a full last one");
    let one = tables.list_accounts(|a| &*a.id == "a00024", None, 10).expect("it reads");
    assert_eq!((one.rows.len(), one.rows[0].0, one.next), (1, 24, None));
    assert_eq!(one.rows[0].1, store.state().account(24));

    let orders = |slot, open, after| {
        let page = tables.list_reservations(slot, open, after, 3).expect("it reads");
        let ids: Vec<String> = page.rows.iter().map(|r| r.order_id.to_string()).collect();
        (ids, page.next)
    };
    let (first, next) = orders(Some(3), None, None);
    assert_eq!(first, ["r0", "r2", "r4"]);
    assert_eq!(orders(Some(3), None, next), (vec!["r6".into(), "r8".into()], None));
    assert_eq!(orders(Some(3), Some(true), None).0, ["r0", "r2", "r6"]);
    assert_eq!(orders(Some(3), Some(false), None), (vec!["r4".into()], None));
    assert_eq!(orders(None, None, None).0, ["r0", "r1", "r2"]);
    assert_eq!(orders(Some(5), None, None), (vec![], None));
}

#[test]
fn the_thread_follows_and_a_reader_can_wait_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    let thread = store.follower().expect("it starts").spawn(0).expect("a thread");
    for round in 0..20 {
        let id = format!("a{round}");
        run(&mut store, round, &account(&id, &id, limit(5)));
        thread.committed(store.committed_seq());
        if round % 5 == 0 {
            thread.sync_to(store.committed_seq(), LONG).expect("it is in time");
            let page = store.tables().list_accounts(|_| true, None, 100).expect("it reads");
            assert_eq!(page.rows.len() as i64, round + 1);
        }
    }
    let beyond = thread.sync_to(store.committed_seq() + 1, Duration::ZERO);
    assert!(matches!(beyond, Err(SyncError::Timeout)));
    thread.sync_to(store.committed_seq(), LONG).expect("it is in time");
    assert_eq!(thread.figures().flushed, 20);
    drop(thread);
    drop(store);
    assert_eq!(open(folder.path()).1.commits_replayed, 0);
}

/// Suffers one kind of fault at one step, as long as it is switched on.
struct Switch(Step, Fault, AtomicBool);

impl Faults for Switch {
    fn before(&self, step: Step) -> Result<(), Fault> {
        if step == self.0 && self.2.load(Ordering::SeqCst) { Err(self.1) } else { Ok(()) }
    }
}

fn faulty(folder: &std::path::Path, step: Step, fault: Fault) -> (Store, Arc<Switch>) {
    let switch = Arc::new(Switch(step, fault, AtomicBool::new(true)));
    let options = Options { faults: switch.clone(), ..options() };
    (Store::open(folder, options).expect("it opens").0, switch)
}

#[test]
fn the_thread_outlives_a_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, switch) = faulty(folder.path(), Step::Flush, Fault::NoSpace);
    let thread = store.follower().expect("it starts").spawn(0).expect("a thread");
    filled(&mut store, 3);
    thread.committed(store.committed_seq());
    for attempts in 1..3 {
        let failed = thread.sync_to(store.committed_seq(), LONG);
        assert!(matches!(failed, Err(SyncError::NoSpace(_))), "{failed:?}");
        assert!(thread.figures().no_space >= attempts);
    }
    switch.2.store(false, Ordering::SeqCst);
    thread.sync_to(store.committed_seq(), LONG).expect("there is room again");
    assert_eq!(thread.figures().error, None);
}

#[test]
fn any_other_error_stops_the_thread_and_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = faulty(folder.path(), Step::Fold, Fault::Crash);
    let thread = store.follower().expect("it starts").spawn(0).expect("a thread");
    filled(&mut store, 3);
    thread.committed(store.committed_seq());
    let Err(SyncError::Stopped(what)) = thread.sync_to(store.committed_seq(), LONG) else {
        panic!("it cannot fold");
    };
    assert!(what.contains("Fold"), "{what}");
}

/// Dies at the second step of one kind.
struct Second(Step, AtomicU64);

impl Faults for Second {
    fn before(&self, step: Step) -> Result<(), Fault> {
        let is_second = step == self.0 && self.1.fetch_add(1, Ordering::SeqCst) == 1;
        if is_second { Err(Fault::Crash) } else { Ok(()) }
    }
}

/// Commits of 5,000 entries, more than one step folds; returns the last entry.
fn commit_steps(store: &mut Store, commits: i64) -> Seq {
    for time in 1..=commits {
        store.begin(time);
        for i in 0..5_000 {
            let id = format!("{time}-{i}");
            execute(store, &account(&id, &id, limit(1_000)));
        }
        store.commit().expect("there is room");
    }
    store.committed_seq()
}

/// Waits, doing this again and again meanwhile.
fn wait_until(
    thread: &FollowerThread,
    is_so: impl Fn(&FollowerFigures) -> bool,
    meanwhile: impl Fn(),
) {
    let end = Instant::now() + LONG;
    while !is_so(&thread.figures()) {
        assert!(Instant::now() < end, "{:?}", thread.figures());
        meanwhile();
        thread::yield_now();
    }
}

#[test]
fn a_thread_that_is_far_behind_catches_up_or_says_why_not() {
    let second: Arc<dyn Faults> = Arc::new(Second(Step::Fold, 0.into()));
    for (faults, fails) in [(Arc::new(NoFaults) as Arc<dyn Faults>, false), (second, true)] {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { follower_behind_max: 2, faults, ..options() };
        let (mut store, _) = Store::open(folder.path(), options).expect("it opens");
        let last = commit_steps(&mut store, 3);
        let thread = store.follower().expect("it starts").spawn(last).expect("a thread");
        let synced = thread.sync_to(last, LONG);
        assert_eq!(thread.figures().far_behind, 1);
        if fails {
            assert!(matches!(&synced, Err(SyncError::Stopped(what)) if what.contains("Fold")));
        } else {
            synced.expect("it is in time");
            run(&mut store, 4, &account("one more", "one-more", limit(1)));
            thread.committed(store.committed_seq());
            thread.sync_to(store.committed_seq(), LONG).expect("the first thread is at it again");
            assert_eq!(thread.figures().flushed, 15_001);
        }
    }
}

#[test]
fn a_thread_that_is_to_rest_does_but_not_when_the_tables_are_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = Store::open(folder.path(), options()).expect("it opens");
    let thread = store.follower().expect("it starts").spawn(0).expect("a thread");
    filled(&mut store, 3);
    // As a worker that leaves orders waiting at every commit.
    let ask = || {
        thread.rest();
        thread.committed(store.committed_seq());
    };
    wait_until(&thread, |figures| figures.rests > 0, ask);
    thread.rest();
    thread.sync_to(store.committed_seq(), LONG).expect("it is in time");
    assert_eq!(thread.figures().flushed, store.committed_seq());
}

#[test]
fn a_thread_that_is_far_behind_rests_again_once_half_of_it_is_folded() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { follower_behind_max: 10_000, ..options() };
    let (mut store, _) = Store::open(folder.path(), options).expect("it opens");
    let last = commit_steps(&mut store, 6);
    let thread = store.follower().expect("it starts").spawn(0).expect("a thread");
    thread.committed(last);
    wait_until(&thread, |figures| figures.folded >= last - 5_000, || thread.rest());
    assert_eq!(thread.figures().far_behind, 1);
    // What is left as well, once nobody asks it to rest.
    wait_until(&thread, |figures| figures.folded == last, || ());
}

#[test]
fn the_map_shows_what_is_committed_and_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    let mut reader = CountersReader::open(&folder.path().join("counters.map")).expect("it opens");
    assert_eq!((reader.count(), reader.generation()), (0, 1));
    assert_eq!(reader.read(0).expect("it reads"), None);
    filled(&mut store, 3);
    store.begin(2);
    execute(&mut store, &reserve("r1", "a00001", "o1", 100));
    assert_eq!(reader.read(1).expect("it reads").expect("there").reserved, 0, "not committed");
    store.commit().expect("there is room");
    store.heartbeat(77);
    let record = reader.read(1).expect("it reads").expect("there");
    assert_eq!((record.reserved, record.limit, record.limit_kind), (100, 1_000, 0));
    assert_eq!((&record.currency, record.status, record.journal_seq), (b"USD", 0, 4));
    assert_eq!((reader.journal_seq(), reader.heartbeat()), (4, 77));
    // As sha256sum prints it.
    assert_eq!(record.id_hash.to_le_bytes(), [0x09, 0x4c, 0xc7, 0xe9, 0x08, 0x49, 0xc0, 0x83]);

    store.begin(3);
    for i in 3..3_000 {
        let id = format!("a{i:05}");
        execute(&mut store, &account(&id, &id, limit(i)));
    }
    store.commit().expect("there is room");
    assert_eq!(reader.read(2_999).expect("it reads").expect("there").limit, 2_999);
    assert_eq!(reader.read(1).expect("it reads"), Some(record), "what did not change is as it was");
    drop(store);
    let (_store, _) = open(folder.path());
    assert_eq!(reader.generation(), 2);
    let again = reader.read(1).expect("it reads").expect("there");
    assert_eq!((again.reserved, again.id_hash), (100, record.id_hash));
}

#[test]
fn a_map_of_rubbish_is_written_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    filled(&mut store, 3);
    drop(store);
    let path = folder.path().join("counters.map");
    let len_bytes = std::fs::metadata(&path).expect("it is there").len() as usize;
    std::fs::write(&path, vec![0xff; len_bytes]).expect("it can be written");
    let (store, _) = open(folder.path());
    let mut reader = CountersReader::open(&path).expect("it opens");
    assert_eq!((reader.generation(), reader.count()), (2, 3));
    for slot in 0..3 {
        let record = reader.read(slot).expect("it is mapped").expect("it is written");
        assert_eq!(record.reserved, store.state().position(slot).reserved);
    }
}

#[test]
fn a_map_that_cannot_grow_refuses_the_account_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, switch) = faulty(folder.path(), Step::GrowMap, Fault::NoSpace);
    filled(&mut store, 1_024);
    store.begin(2);
    execute(&mut store, &reserve("r1", "a00001", "o1", 100));
    let refused = store.execute(&account("x", "x", limit(5)));
    let Err(creditgate_store::ExecuteError::NoSpace(StoreError::NoSpace { .. })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(store.state().account_count(), 1_024);
    store.commit().expect("there is room");
    assert_eq!(store.state().position(1).reserved, 100);
    switch.2.store(false, Ordering::SeqCst);
    assert!(!run(&mut store, 3, &account("x", "x", limit(5))).replayed);
}

#[test]
fn a_reader_never_sees_half_an_update() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    filled(&mut store, 1);
    let path = folder.path().join("counters.map");
    let done = Arc::new(AtomicBool::new(false));
    let flag = done.clone();
    let watcher = thread::spawn(move || {
        let mut reader = CountersReader::open(&path).expect("it opens");
        let (mut seen, mut last) = (0_u64, 0);
        while !flag.load(Ordering::SeqCst) || seen == 0 {
            // None: the writer was put to sleep in the middle of the record for long.
            let Some(record) = reader.read(0).expect("it reads") else { continue };
            // Each commit reserves what its sequence says: a torn record would not add up.
            let made = record.journal_seq as i64 - 2;
            assert_eq!(record.reserved, made * (made + 1) / 2);
            assert!(record.journal_seq >= last, "it went back");
            last = record.journal_seq;
            seen += 1;
        }
        last
    });
    run(&mut store, 2, &account("big", "a00000", limit(1_000_000)));
    for i in 1..300 {
        let id = format!("r{i}");
        run(&mut store, 3, &reserve(&id, "a00000", &id, i));
    }
    done.store(true, Ordering::SeqCst);
    assert!(watcher.join().expect("every record added up") > 1);
}
