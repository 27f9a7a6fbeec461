//! Files of the journal, at hand and in the archive, are one chain.

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use common::*;
use creditgate_store::{ExecuteError, Options, Recovery, Retention, Store, StoreError};

const FILE_BYTES: u64 = 64 << 10;

fn small_files(bytes_max: u64, age_max_us: i64) -> Options {
    let journal_retention = Retention { bytes_max, age_max_us };
    Options { journal_file_bytes: FILE_BYTES, journal_retention, ..options() }
}

/// Fills a few files with orders, in commits at the times 0, 1, …, folded every ten commits.
fn filled(folder: &Path, options: &Options, commits: i64) -> Store {
    let (mut store, _) = Store::open(folder, options.clone()).expect("it opens");
    let mut follower = store.follower().expect("it starts");
    run(&mut store, 0, &account("r", "acme", limit(1_000_000)));
    for commit in 0..commits {
        store.begin(commit);
        for row in 0..20 {
            let id = format!("{commit}-{row}");
            execute(&mut store, &reserve(&id, "acme", &id, 1));
        }
        store.commit().expect("there is room");
        if commit % 10 == 9 {
            catch_up(&mut follower, &store);
            follower.archive().expect("files can be moved");
        }
    }
    store
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let mut names: Vec<String> = names.map(|name| name.expect("ASCII")).collect();
    names.retain(|name| name.ends_with(".mdb") && name.starts_with("commits-"));
    names.sort_unstable();
    names
}

/// How many commits the journal has; each is verified.
fn commits(store: &Store) -> usize {
    let (mut count, mut next) = (0, 1);
    let read = store.journal().read(1, |commit| {
        assert_eq!(commit.head.first_seq, next);
        next = commit.head.last_seq() + 1;
        count += 1;
        Ok(ControlFlow::Continue(()))
    });
    read.expect("the journal is whole");
    count
}

fn reopen(folder: &Path, options: &Options) -> (Store, Recovery) {
    Store::open(folder, options.clone()).expect("it opens")
}

#[test]
fn whole_files_move_by_size_and_their_answers_are_still_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = small_files(2 * FILE_BYTES, i64::MAX);
    let mut store = filled(folder.path(), &options, 200);
    let archived = names(&folder.path().join("archive"));
    let at_hand = names(&folder.path().join("journal"));
    assert!(archived.len() > 3, "{archived:?}");
    // Two whole ones, those that the tables had not reached for certain, and the last.
    assert!((3..10).contains(&at_hand.len()), "{at_hand:?}");
    assert_eq!(archived[0], "commits-00000000000000000001.mdb");
    for _ in 0..2 {
        assert_eq!(commits(&store), 201);
        for commit in [0, 1, 50, 199] {
            let id = format!("{commit}-7");
            assert!(execute(&mut store, &reserve(&id, "acme", &id, 1)).replayed);
        }
        drop(store);
        store = reopen(folder.path(), &options).0;
    }
    drop(store);
    // The tables are folded anew from all files.
    fs::remove_dir_all(folder.path().join("tables")).expect("it is there");
    let (store, recovery) = reopen(folder.path(), &options);
    assert_eq!((recovery.tables_seq, recovery.commits_replayed), (0, 201));
    assert_eq!(store.state().position(0).reserved, 4_000);
}

#[test]
fn whole_files_move_by_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = filled(folder.path(), &small_files(u64::MAX, 100), 200);
    // What is kept begins with the last file that has a commit of the last hundred.
    let first = names(&folder.path().join("journal"))[0].clone();
    let first: u64 = first["commits-".len()..first.len() - ".mdb".len()].parse().expect("digits");
    let mut times = Vec::new();
    let read = store.journal().read(first, |commit| {
        times.push(commit.head.time);
        Ok(ControlFlow::Continue(()))
    });
    read.expect("the journal is whole");
    assert!(times[0] > 60 && times[0] <= 100, "{}", times[0]);
}

#[test]
fn an_archive_on_another_file_system_is_copied_to() {
    let shared_memory = Path::new("/dev/shm");
    if !shared_memory.is_dir() {
        return;
    }
    let (folder, other) = (tempfile::tempdir(), tempfile::tempdir_in(shared_memory));
    let (folder, other) = (folder.expect("a folder"), other.expect("a folder"));
    std::os::unix::fs::symlink(other.path(), folder.path().join("archive")).expect("a link");
    let options = small_files(2 * FILE_BYTES, i64::MAX);
    let store = filled(folder.path(), &options, 100);
    let archived = names(other.path());
    assert!(!archived.is_empty());
    let at_hand = names(&folder.path().join("journal"));
    assert!(archived.iter().all(|name| !at_hand.contains(name)));
    assert_eq!(commits(&store), 101);
    drop(store);
    // One that was copied and is still at hand is one file.
    let copied = folder.path().join("journal").join(&archived[0]);
    fs::copy(other.path().join(&archived[0]), copied).expect("there is room");
    assert_eq!(commits(&reopen(folder.path(), &options).0), 101);
}

#[test]
fn a_missing_file_is_named_where_requests_are_remembered_since() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = small_files(2 * FILE_BYTES, i64::MAX);
    drop(filled(folder.path(), &options, 200));
    let archive = folder.path().join("archive");
    let archived = names(&archive);
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(archive.join(&archived[1]), &elsewhere).expect("it can be moved");
    let missing: u64 = archived[1][8..28].parse().expect("digits");
    let error = Store::open(folder.path(), options.clone()).err().expect("it is missing");
    assert!(matches!(error, StoreError::FileMissing { seq, .. } if seq == missing), "{error}");
    // Nobody remembers what was in it.
    options.request_window.count_max = 2_000;
    let (mut store, recovery) = reopen(folder.path(), &options);
    assert_eq!(recovery.journal_seq, 4_001);
    assert!(!execute(&mut store, &reserve("0-7", "acme", "again", 1)).replayed);
    drop(store);
    fs::rename(&elsewhere, archive.join(&archived[1])).expect("it can be moved");
    options.request_window.count_max = 4_001;
    let (mut store, _) = reopen(folder.path(), &options);
    assert!(execute(&mut store, &reserve("50-7", "acme", "50-7", 1)).replayed);
}

#[test]
fn an_archived_file_that_was_cut_short_keeps_nothing_else_from_being_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = small_files(2 * FILE_BYTES, i64::MAX);
    drop(filled(folder.path(), &options, 200));
    let (mut store, _) = reopen(folder.path(), &options);
    let path = folder.path().join("archive").join(&names(&folder.path().join("archive"))[0]);
    let whole = fs::read(&path).expect("it is there");
    fs::write(&path, &whole[..whole.len() / 2]).expect("there is room");
    match store.execute(&reserve("0-7", "acme", "0-7", 1)).expect_err("it cannot be read") {
        ExecuteError::Unreadable(StoreError::Io { source, .. }) => {
            assert!(source.to_string().contains("cut short"), "{source}");
        }
        error => panic!("{error}"),
    }
    fs::write(&path, vec![7; whole.len()]).expect("there is room");
    let error = store.execute(&reserve("0-7", "acme", "0-7", 1)).expect_err("it is no journal");
    assert!(matches!(error, ExecuteError::Unreadable(StoreError::Lmdb { .. })), "{error}");
    run(&mut store, 500, &reserve("new", "acme", "new", 1));
    fs::write(&path, &whole).expect("there is room");
    assert!(execute(&mut store, &reserve("0-7", "acme", "0-7", 1)).replayed);
}
