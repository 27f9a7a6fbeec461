//! A journal that is not what was written is found, named and not served.

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use common::*;
use creditgate_engine::values::Seq;
use creditgate_store::{Recovery, Store, StoreError, text};
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, EnvFlags, EnvOpenOptions};

const TEXTS: &str = "journal/data.mdb";
const COMMITS: &str = "journal/commits-00000000000000000001.mdb";

fn because(recovery: &Recovery) -> &str {
    recovery.rebuilt_because.as_deref().expect("the tables were not taken")
}

/// Five commits of two entries each.
fn filled(folder: &Path) {
    let (mut store, _) = open(folder);
    let name = text::seal([9; 16], "Acme Ltd.");
    store.begin(1);
    execute(&mut store, &named_account("r0", "acme", limit(1_000), Some(Some(name))));
    execute(&mut store, &account("r1", "bolt", limit(1_000)));
    store.commit().expect("there is room");
    for commit in 0..4 {
        store.begin(2 + commit);
        for row in 0..2 {
            let id = format!("{commit}-{row}");
            execute(&mut store, &reserve(&id, "acme", &id, 10));
        }
        store.commit().expect("there is room");
    }
}

/// The same, and tables that hold all of it.
fn filled_and_folded(folder: &Path) {
    filled(folder);
    let (store, _) = open(folder);
    fold(&store);
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a folder");
    fs::create_dir(to.path().join("journal")).expect("a folder");
    for data in [TEXTS, COMMITS] {
        fs::copy(from.join(data), to.path().join(data)).expect("it is there");
    }
    to
}

/// Writes into a journal behind the store's back.
fn alter(folder: &Path, database: &str, change: impl FnOnce(&mut Vec<(Vec<u8>, Vec<u8>)>)) {
    let mut options = EnvOpenOptions::new();
    options.map_size(256 * MIB).max_dbs(3);
    let file = match database {
        "commits" => COMMITS,
        _ => TEXTS,
    };
    // SAFETY: nobody else has this copy open.
    let env = unsafe { options.flags(EnvFlags::NO_SUB_DIR).open(folder.join(file)) };
    let env = env.expect("it opens");
    let wtxn = env.write_txn().expect("a transaction");
    let rows: Database<'static, Bytes, Bytes> = env
        .create_databases_and_commit(wtxn, |opener, wtxn| {
            opener.create_database(wtxn, Some(database)).map(CommitOrAbort::<_, ()>::Commit)
        })
        .expect("it opens")
        .unwrap_commit();
    let mut wtxn = env.write_txn().expect("a transaction");
    let mut all: Vec<(Vec<u8>, Vec<u8>)> = rows
        .iter(&wtxn)
        .expect("it is there")
        .map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).expect("a row"))
        .collect();
    change(&mut all);
    rows.clear(&mut wtxn).expect("it can be cleared");
    for (key, value) in &all {
        rows.put(&mut wtxn, key, value).expect("there is room");
    }
    wtxn.commit().expect("there is room");
}

fn refusal(folder: &Path) -> (Seq, String) {
    match Store::open(folder, options()).err().expect("it is damaged") {
        StoreError::Damaged { path, first_seq, what } => {
            assert_eq!(path, folder.join("journal"));
            (first_seq, what)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn one_altered_bit_is_named_with_its_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let seed = seed(20_261_121);
    println!("CREDITGATE_SEED={seed}");
    let mut random = Random(seed);
    for _ in 0..20 {
        let copy = copy(folder.path());
        let mut altered = 0;
        alter(copy.path(), "commits", |rows| {
            let commit = random.below(rows.len() as u64) as usize;
            let (key, value) = &mut rows[commit];
            let bit = random.below(value.len() as u64 * 8) as usize;
            value[bit / 8] ^= 1 << (bit % 8);
            altered = u64::from_be_bytes(key[..].try_into().expect("eight bytes"));
        });
        let (first_seq, what) = refusal(copy.path());
        assert_eq!(first_seq, altered);
        assert!(what.contains("SHA-256"), "{what}");
    }
    open(folder.path());
}

#[test]
fn a_missing_a_moved_and_a_forged_commit_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let missing = copy(folder.path());
    alter(missing.path(), "commits", |rows| drop(rows.remove(2)));
    let (first_seq, what) = refusal(missing.path());
    assert_eq!((first_seq, &what[..]), (7, "the commit before it ends at sequence 4"));

    let swapped = copy(folder.path());
    alter(swapped.path(), "commits", |rows| rows[3].1 = rows[1].1.clone());
    let (first_seq, what) = refusal(swapped.path());
    assert_eq!((first_seq, &what[..]), (7, "it says that it stands at sequence 3"));

    let forged = copy(folder.path());
    alter(forged.path(), "commits", |rows| {
        // The same orders at another time, with a digest that fits.
        let mut body = rows[1].1[32..].to_vec();
        let at = body.windows(5).position(|w| w == b"\xa4time").expect("a time") + 5;
        body[at] += 1;
        let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&body).into();
        rows[1].1 = [&digest[..], &body].concat();
    });
    let (first_seq, what) = refusal(forged.path());
    let expected = "its prev_hash is not the digest of the commit before it";
    assert_eq!((first_seq, &what[..]), (5, expected), "what was forged is whole, what follows not");
}

#[test]
fn an_altered_text_is_named_and_an_erased_one_is_not_missed() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let altered = copy(folder.path());
    alter(altered.path(), "texts", |rows| rows[0].1[18] ^= 1);
    let (first_seq, what) = refusal(altered.path());
    assert_eq!(first_seq, 1);
    assert!(what.contains("Name of entry 1"), "{what}");

    let erased = copy(folder.path());
    alter(erased.path(), "texts", Vec::clear);
    let (store, recovery) = open(erased.path());
    assert_eq!(recovery.commits_replayed, 5);
    assert_eq!(store.state().account(0).name, None);
}

#[test]
fn a_format_that_is_not_known_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let newer = copy(folder.path());
    alter(newer.path(), "meta", |rows| {
        for (_, value) in rows.iter_mut().filter(|(key, _)| key == b"format") {
            *value = 3_u64.to_be_bytes().to_vec();
        }
    });
    let error = Store::open(newer.path(), options()).err().expect("it is newer");
    assert!(matches!(error, StoreError::UnknownFormat { found: 3, known: 2, .. }), "{error}");
}

#[test]
fn a_repeat_is_not_served_from_a_commit_that_was_altered_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let (mut store, _) = open(folder.path());
    // The file is altered under the open store, page cache and all, as a bad disk would.
    let path = folder.path().join(COMMITS);
    let mut bytes = fs::read(&path).expect("it is there");
    let value = {
        let mut value = Vec::new();
        let read = store.journal().read(9, |commit| {
            value = commit.hash.to_vec();
            Ok(ControlFlow::Break(()))
        });
        read.expect("it is whole");
        value
    };
    let places: Vec<usize> =
        (0..bytes.len() - 32).filter(|at| bytes[*at..*at + 32] == value[..]).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + 40] ^= 1;
    }
    // In place: the mapping shows the same file.
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
        .expect("it can be written");
    store.begin(100);
    let served = store.execute(&reserve("3-0", "acme", "3-0", 10));
    let Err(error) = served else { panic!("{served:?}") };
    assert!(error.to_string().contains("the commit at sequence 9 is damaged"), "{error}");
}

#[test]
fn tables_that_do_not_fit_are_folded_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    filled_and_folded(folder.path());
    let data = folder.path().join("tables/data.mdb");
    fs::write(&data, vec![7; 65_536]).expect("it can be written");
    let (store, recovery) = open(folder.path());
    assert_eq!(because(&recovery), "they are new, or of another format");
    assert_eq!((recovery.tables_seq, store.state().position(0).reserved), (0, 80));
}

#[test]
fn a_journal_that_ends_before_the_tables_is_not_served() {
    let folder = tempfile::tempdir().expect("a folder");
    filled_and_folded(folder.path());
    // A backup of the journal alone, older than the tables.
    alter(folder.path(), "commits", |rows| drop(rows.pop()));
    for _ in 0..2 {
        match Store::open(folder.path(), options()).err().expect("entries are missing") {
            StoreError::JournalCut { last_seq: 8, tables_seq: 10, .. } => {}
            error => panic!("{error}"),
        }
    }
    fs::remove_dir_all(folder.path().join("tables")).expect("it can be removed");
    assert_eq!(open(folder.path()).1.journal_seq, 8);
}
