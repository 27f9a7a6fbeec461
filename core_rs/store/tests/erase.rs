//! Texts go, and the chain stays: after a crash and on a full disk, too.

mod common;

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::*;
use creditgate_engine::command::{Command, EraseTexts, Revalue, SetStatus};
use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::model::Status;
use creditgate_engine::outcome::Outcome;
use creditgate_store::{
    CommitError, Fault, Faults, Options, Step, Store, StoreError, check_store, text,
};

const REASON: &str = "unpaid since May";

/// Dies before a step, once it is told to.
#[derive(Default)]
struct DiesAt(AtomicBool);

impl Faults for DiesAt {
    fn before(&self, step: Step) -> Result<(), Fault> {
        let dies = step == Step::Erase && self.0.load(Ordering::Relaxed);
        if dies { Err(Fault::Crash) } else { Ok(()) }
    }
}

fn suspend<'a>(id: &'a str, account_id: &'a str, reason: &'a str) -> Request<'a> {
    let command = SetStatus { request: key(id), account_id, status: Status::Suspended };
    let reason = Some(text::seal([9; 16], reason));
    Request { reason, ..request(Command::SetStatus(command)) }
}

fn erase<'a>(id: &'a str, account_id: &'a str, entries: Vec<u64>) -> Request<'a> {
    let command = EraseTexts { request: key(id), account_id, entries, named: vec![] };
    let reason = Some(text::seal([8; 16], "asked by letter"));
    Request { reason, ..request(Command::EraseTexts(command)) }
}

/// Entries 1 and 3 are about acme and have texts, 2 and 4 about others or without.
fn store_with_texts(folder: &Path, options: Options) -> Store {
    let (mut store, _) = Store::open(folder, options).expect("the store opens");
    let named = |salt, name| Some(Some(text::seal([salt; 16], name)));
    run(&mut store, 1, &named_account("r1", "acme", limit(5), named(1, "Ann")));
    run(&mut store, 2, &named_account("r2", "other", limit(5), named(2, "Bob")));
    run(&mut store, 3, &suspend("r3", "acme", REASON));
    run(&mut store, 4, &account("r4", "third", limit(5)));
    store
}

fn about<'a>(account_id: &'a str) -> impl Fn(&Entry<'_>) -> bool + 'a {
    move |entry| entry.request.command.accounts().contains(&account_id)
}

fn texts_of(store: &Store, account_id: &str) -> Vec<u64> {
    some_texts_of(store, account_id, u64::MAX, 100)
}

fn some_texts_of(store: &Store, account_id: &str, up_to: u64, max: usize) -> Vec<u64> {
    let found = store.journal().with_texts(up_to, max, || true, about(account_id));
    found.expect("it can be read").expect("nothing stops it")
}

fn assert_erased(store: &Store) {
    let acme = store.state().account(0);
    assert_eq!((acme.name.as_deref(), acme.status_reason.as_deref()), (None, None));
    assert_eq!(acme.status, Status::Suspended);
    assert_eq!(store.state().account(1).name.as_deref(), Some("Bob"));
    // The erasure's own reason is all there is.
    assert_eq!(texts_of(store, "acme"), [5]);
    assert_eq!(texts_of(store, "other"), [2]);
}

#[test]
fn the_texts_about_an_account_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store_with_texts(folder.path(), options());
    assert_eq!(texts_of(&store, "acme"), [1, 3]);
    assert_eq!(texts_of(&store, "third"), []);
    assert_eq!(some_texts_of(&store, "acme", 2, 100), [1]);
    assert_eq!(some_texts_of(&store, "acme", u64::MAX, 1), [1]);
    let looks = Cell::new(0);
    let goes_on = || looks.replace(looks.get() + 1) < 1;
    let stopped = store.journal().with_texts(u64::MAX, 100, goes_on, about("acme"));
    assert_eq!((stopped.expect("it can be read"), looks.get()), (None, 2));
}

#[test]
fn what_is_erased_is_gone_from_state_tables_and_texts_and_the_chain_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = store_with_texts(folder.path(), options());
    let answer = run(&mut store, 5, &erase("e", "acme", vec![1, 3]));
    assert_eq!(answer.outcome, Outcome::Erased(2));
    assert_erased(&store);
    let again = run(&mut store, 6, &erase("e", "acme", vec![]));
    assert_eq!((again.replayed, again.outcome), (true, Outcome::Erased(2)));
    fold(&store);
    drop(store);
    let checked = check_store(folder.path(), &options(), &|_| {}).expect("it can be checked");
    assert_eq!((checked.findings, checked.tables_seq), (vec![], 5));
    let (store, _) = open(folder.path());
    assert_erased(&store);
    let acme = store.tables().account(0).expect("it can be read").expect("it is there");
    assert_eq!((acme.name, acme.status_reason), (None, None));
}

#[test]
fn a_crash_between_the_commit_and_the_erasure_leaves_nothing_to_erase() {
    let folder = tempfile::tempdir().expect("a folder");
    let dies = Arc::new(DiesAt::default());
    let faults = Options { faults: Arc::clone(&dies) as Arc<dyn Faults>, ..options() };
    let mut store = store_with_texts(folder.path(), faults);
    dies.0.store(true, Ordering::Relaxed);
    store.begin(5);
    store.execute(&erase("e", "acme", vec![1, 3])).expect("it is decided");
    assert!(matches!(store.commit(), Err(CommitError::Fatal(_))));
    assert_eq!(texts_of(&store, "acme"), [1, 3, 5], "they are there still");
    drop(store);
    let (store, recovery) = open(folder.path());
    assert_eq!(recovery.journal_seq, 5);
    assert_erased(&store);
}

#[test]
fn entries_that_are_named_lose_their_texts_after_a_crash_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let dies = Arc::new(DiesAt::default());
    let faults = Options { faults: Arc::clone(&dies) as Arc<dyn Faults>, ..options() };
    let mut store = store_with_texts(folder.path(), faults);
    let revalue = Command::Revalue(Revalue { request: key("r5"), after: 0 });
    let reason = Some(text::seal([7; 16], "as Ann asked"));
    run(&mut store, 5, &Request { reason, ..request(revalue) });
    let that_have_texts =
        |store: &Store, seqs: &[u64]| store.journal().that_have_texts(seqs).expect("it reads");
    assert_eq!(that_have_texts(&store, &[4, 5, 6]), [5]);
    let named =
        EraseTexts { request: key("e"), account_id: "", entries: vec![5], named: vec![4, 5] };
    let erasure = Request { reason, ..request(Command::EraseTexts(named)) };
    dies.0.store(true, Ordering::Relaxed);
    store.begin(6);
    let answer = store.execute(&erasure).expect("it is decided");
    assert_eq!(answer.outcome, Outcome::Erased(1));
    assert!(matches!(store.commit(), Err(CommitError::Fatal(_))));
    assert_eq!(that_have_texts(&store, &[5]), [5], "it is there still");
    drop(store);
    let (store, _) = open(folder.path());
    assert_eq!(that_have_texts(&store, &[1, 2, 3, 4, 5, 6]), [1, 2, 3, 6]);
    assert_eq!(store.state().account(0).name.as_deref(), Some("Ann"));
    let unknown = store.journal().look_at(&[6, 7], || true, |_, _| true);
    assert!(matches!(unknown, Err(StoreError::FileMissing { seq: 7, .. })));
}

#[test]
fn an_erasure_that_was_not_committed_erases_nothing() {
    struct NoRoom(AtomicBool);
    impl Faults for NoRoom {
        fn before(&self, step: Step) -> Result<(), Fault> {
            let full = step == Step::Commit && self.0.load(Ordering::Relaxed);
            if full { Err(Fault::NoSpace) } else { Ok(()) }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let full = Arc::new(NoRoom(AtomicBool::new(false)));
    let faults = Options { faults: Arc::clone(&full) as Arc<dyn Faults>, ..options() };
    let mut store = store_with_texts(folder.path(), faults);
    full.0.store(true, Ordering::Relaxed);
    store.begin(5);
    store.execute(&erase("e", "acme", vec![1, 3])).expect("it is decided");
    assert!(matches!(store.commit(), Err(CommitError::NoSpace(_))));
    assert_eq!(store.state().account(0).name.as_deref(), Some("Ann"));
    drop(store);
    let (store, _) = open(folder.path());
    assert_eq!(texts_of(&store, "acme"), [1, 3]);
    assert_eq!(store.state().account(0).name.as_deref(), Some("Ann"));
}
