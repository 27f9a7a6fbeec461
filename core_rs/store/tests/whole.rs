//! What is done to a whole store: copied, checked, upgraded.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::*;
use creditgate_engine::command::{
    AssignTerms, Command, SetStatus, TermsScope, UpsertCalendar, UpsertTerms,
};
use creditgate_engine::entry::Request;
use creditgate_engine::model::Status;
use creditgate_engine::terms::{CalendarSpec, Part, Roll, Rule, TermsSpec, WHOLE};
use creditgate_engine::values::Day;
use creditgate_store::{
    Fault, Faults, Options, Retention, STORE_FORMAT, Step, Store, StoreError, check_store,
    copy_store, text, upgrade_store,
};
use heed::byteorder::BigEndian;
use heed::types::{Bytes, Str, U64};
use heed::{CommitOrAbort, Database, EnvFlags, EnvOpenOptions};

fn small_files() -> Options {
    let journal_retention = Retention { bytes_max: 128 << 10, age_max_us: i64::MAX };
    Options { journal_file_bytes: 64 << 10, journal_retention, ..options() }
}

/// A store with all kinds of rows, several files, some of them archived, and a tail.
fn filled(folder: &Path) -> Store {
    let (mut store, _) = Store::open(folder, small_files()).expect("it opens");
    let mut follower = store.follower().expect("it starts");
    let name = text::seal([9; 16], "Acme Ltd.");
    run(&mut store, 0, &named_account("r", "acme", limit(1_000_000), Some(Some(name))));
    let status = SetStatus { request: key("s"), account_id: "acme", status: Status::Active };
    let reason = Some(text::seal([2; 16], "paid"));
    run(&mut store, 0, &Request { reason, ..request(Command::SetStatus(status)) });
    for commit in 0..120 {
        store.begin(commit);
        if commit == 0 {
            payment_terms().iter().for_each(|command| drop(execute(&mut store, command)));
        }
        for row in 0..20 {
            let id = format!("{commit}-{row}");
            execute(&mut store, &reserve(&id, "acme", &id, 5));
        }
        let id = format!("{commit}-0");
        execute(&mut store, &capture(&format!("c{id}"), "acme", &id, &id));
        execute(&mut store, &invoice(&id, "acme", &id, 5));
        store.commit().expect("there is room");
        if commit % 10 == 9 && commit < 110 {
            catch_up(&mut follower, &store);
            follower.archive().expect("files can be moved");
        }
    }
    let archived = store.journal().files().into_iter();
    assert!(archived.filter(|(_, path)| path.starts_with(folder.join("archive"))).count() > 1);
    store
}

/// A calendar, terms, and an account that has them.
fn payment_terms() -> [Request<'static>; 3] {
    let (terms_id, calendar_id) = ("net", "works");
    let days = CalendarSpec {
        weekend: 1,
        from: Day(0),
        until: Day(9),
        holidays: vec![Day(1)],
        workdays: vec![],
    };
    let spec = TermsSpec {
        parts: vec![Part { share: WHOLE, due: Rule::Net { days: 30 } }],
        discounts: Vec::new(),
        discount_grace_days: 0,
        grace_days: 0,
        roll: Roll::Next,
    };
    let scope = TermsScope::Account("acme");
    [
        Command::UpsertCalendar(UpsertCalendar { request: key("k"), calendar_id, spec: days }),
        Command::UpsertTerms(UpsertTerms {
            request: key("t"),
            terms_id,
            calendar_id: Some(calendar_id),
            spec,
        }),
        Command::AssignTerms(AssignTerms { request: key("a"), scope, terms_id: Some(terms_id) }),
    ]
    .map(request)
}

fn findings(folder: &Path) -> Vec<String> {
    check_store(folder, &small_files(), &|_| {}).expect("it can be checked").findings
}

#[test]
fn a_copy_is_the_store_and_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = filled(folder.path());
    let (dump, seq) = (store.state().dump(), store.committed_seq());
    drop(store);
    let (backup, back) = (folder.path().join("backup"), folder.path().join("back"));
    // What an interrupted one left behind.
    fs::create_dir_all(folder.path().join("backup.part/journal")).expect("a folder");
    let copied = copy_store(folder.path(), &backup, &|_| {}).expect("it is copied");
    assert_eq!(copied.journal_seq, seq);
    let again = copy_store(folder.path(), &backup, &|_| {}).expect_err("it is there");
    assert!(again.to_string().contains("not empty"), "{again}");
    assert_eq!(copy_store(&backup, &back, &|_| {}).expect("it is copied").journal_seq, seq);
    for folder in [&backup, &back] {
        let checked = check_store(folder, &small_files(), &|_| {}).expect("it can be checked");
        assert_eq!((checked.journal_seq, checked.commits, checked.accounts), (seq, 122, 1));
        assert!(checked.tables_seq > 0 && checked.tables_seq < seq, "{checked:?}");
        assert_eq!((checked.files, checked.findings), (copied.files, vec![]));
    }
    let (mut store, recovery) = Store::open(&back, small_files()).expect("it opens");
    assert_eq!(recovery.rebuilt_because, None);
    assert_eq!(store.state().dump(), dump);
    assert!(execute(&mut store, &reserve("0-7", "acme", "0-7", 5)).replayed);
    let in_use = check_store(&back, &small_files(), &|_| {}).expect_err("it is in use");
    assert!(matches!(in_use, StoreError::InUse { .. }), "{in_use}");
}

#[test]
fn a_folder_without_a_store_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let errors = [
        copy_store(path, &path.join("to"), &|_| {}).map(drop),
        check_store(path, &options(), &|_| {}).map(drop),
        upgrade_store(path, &options(), &|_| {}).map(drop),
    ];
    for error in errors {
        let error = error.expect_err("there is none");
        assert!(error.to_string().contains("there is no store in it"), "{error}");
    }
    assert_eq!(fs::read_dir(path).expect("it is there").count(), 0);
}

type Change = fn(&mut Vec<(Vec<u8>, Vec<u8>)>);

/// An invoice that is not paid says when it was.
/// Behind it stand the days of grace and what is disputed.
const SETTLED: Change = |rows| *rows[0].1.iter_mut().nth_back(2).expect("a row") = 1;
const LAST_BIT: Change = |rows| *rows[0].1.last_mut().expect("a row") ^= 1;
const NO_ROWS: Change = |rows| rows.clear();
const REMOVED: Change = |rows| drop(rows.remove(3));

/// Changes rows of a database behind the store's back.
fn alter(file: &Path, database: &str, change: impl FnOnce(&mut Vec<(Vec<u8>, Vec<u8>)>)) {
    let mut options = EnvOpenOptions::new();
    options.map_size(256 * MIB).max_dbs(8).flags_of_a_file();
    // SAFETY: nobody else has this store open.
    let env = unsafe { options.open(file) }.expect("it opens");
    let wtxn = env.write_txn().expect("a transaction");
    let rows: Database<'static, Bytes, Bytes> = env
        .create_databases_and_commit(wtxn, |opener, wtxn| {
            opener.create_database(wtxn, Some(database)).map(CommitOrAbort::<_, ()>::Commit)
        })
        .expect("it opens")
        .unwrap_commit();
    let mut wtxn = env.write_txn().expect("a transaction");
    let row = |row: heed::Result<(&[u8], &[u8])>| {
        row.map(|(key, value)| (key.to_vec(), value.to_vec())).expect("a row")
    };
    let mut all: Vec<_> = rows.iter(&wtxn).expect("it is there").map(row).collect();
    change(&mut all);
    rows.clear(&mut wtxn).expect("it can be cleared");
    for (key, value) in &all {
        rows.put(&mut wtxn, key, value).expect("there is room");
    }
    wtxn.commit().expect("there is room");
}

trait OfAFile {
    fn flags_of_a_file(&mut self) -> &mut Self;
}

impl<T: heed::TlsUsage> OfAFile for EnvOpenOptions<T> {
    fn flags_of_a_file(&mut self) -> &mut Self {
        // SAFETY: the flag says where the file is, and nothing of how it is written.
        unsafe { self.flags(EnvFlags::NO_SUB_DIR) }
    }
}

#[test]
fn damage_behind_the_tables_is_found_by_a_check_where_a_start_does_not_look() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(filled(folder.path()));
    let archived = folder.path().join("archive/commits-00000000000000000001.mdb");
    alter(&archived, "commits", |rows| rows[4].1[40] ^= 1);
    let (_, recovery) = Store::open(folder.path(), small_files()).expect("it opens");
    assert_eq!(recovery.rebuilt_because, None);
    let findings = findings(folder.path());
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains("the commit at sequence 50 is damaged"), "{findings:?}");
}

#[test]
fn a_check_names_what_is_missing_of_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(filled(folder.path()));
    let archive = folder.path().join("archive");
    let mut files: Vec<_> = fs::read_dir(&archive).expect("it is there").flatten().collect();
    files.sort_by_key(fs::DirEntry::file_name);
    assert!(files.len() > 1, "{files:?}");
    for file in &files[..2] {
        let name = file.file_name().into_string().expect("digits and letters");
        let first: u64 = name["commits-".len()..][..20].parse().expect("digits");
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(file.path(), &elsewhere).expect("it can be moved");
        let findings = findings(folder.path());
        assert_eq!(findings.len(), 1, "{findings:?}");
        let expected = format!("the file of the journal that holds sequence {first} is missing");
        assert!(findings[0].contains(&expected), "{findings:?}");
        fs::rename(&elsewhere, file.path()).expect("it can be moved back");
    }
}

#[test]
fn rows_of_the_tables_that_were_altered_are_found_by_a_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let dump = filled(folder.path()).state().dump();
    let open = || Store::open(folder.path(), small_files()).expect("it opens");
    assert_eq!(open().1.rebuilt_because, None);
    let amount: Change = |rows| {
        let row = &mut rows[1].1;
        // The order's id, then what is open.
        let place = row.windows(4).position(|bytes| bytes == b"0-1\x05").expect("it is there");
        row[place + 3] = 6;
    };
    let cases = [
        ("reservations", amount, "the rows are not what all of them amounted to"),
        ("reservations_by_account", REMOVED, "2400 reservations, 2399 by account"),
        ("items", SETTLED, "is unpaid and was settled"),
        ("assignments", LAST_BIT, "is another in its row"),
        ("calendars", NO_ROWS, "the calendar of terms 0 is missing"),
    ];
    for (database, change, expected) in cases {
        alter(&folder.path().join("tables/data.mdb"), database, change);
        let (store, recovery) = open();
        let because = recovery.rebuilt_because.expect("they were not taken");
        assert!(because.contains(expected), "{because}");
        assert_eq!(store.state().dump(), dump);
        fold(&store);
    }
}

#[test]
fn tables_that_differ_from_the_journal_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(filled(folder.path()));
    assert_eq!(findings(folder.path()), Vec::<String>::new());
    let cases = [
        ("accounts", LAST_BIT, "the account in slot 0"),
        ("reservations", REMOVED, "the number of reservations: 2199, not 2200"),
        ("reservations_by_account", REMOVED, "the number of reservations by account"),
        ("items", SETTLED, "item 0-0 of slot 0"),
        ("terms", NO_ROWS, "the payment terms"),
        ("calendars", LAST_BIT, "the calendars"),
        ("assignments", NO_ROWS, "whose terms are which"),
        ("names", REMOVED, "names"),
    ];
    for (database, change, expected) in cases {
        let copy = folder.path().join(database);
        copy_store(folder.path(), &copy, &|_| {}).expect("it is copied");
        if database == "names" {
            alter(&copy.join("tables/data.mdb"), database, |rows| rows[0].1.truncate(9));
        } else {
            alter(&copy.join("tables/data.mdb"), database, change);
        }
        let findings = findings(&copy);
        assert_eq!(findings.len(), 1, "{database}: {findings:?}");
        assert!(findings[0].contains(expected), "{database}: {findings:?}");
    }
}

/// Writes the journal of a store as version 0.1 did: everything in one environment, format 1.
fn write_format_1(from: &Path, to: &Path) {
    let texts = read_rows(&from.join("journal/data.mdb"), "texts");
    let mut files: Vec<_> = ["archive", "journal"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(from.join(folder)).expect("it is there"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "mdb"))
        .filter(|path| path.to_string_lossy().contains("commits-"))
        .collect();
    files.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    fs::create_dir_all(to.join("journal")).expect("a folder");
    let mut options = EnvOpenOptions::new();
    options.map_size(256 * MIB).max_dbs(3);
    // SAFETY: nobody else has this folder.
    let env = unsafe { options.open(to.join("journal")) }.expect("it opens");
    let wtxn = env.write_txn().expect("a transaction");
    let (commits, into_texts, meta) = env
        .create_databases_and_commit(wtxn, |opener, wtxn| {
            let commits: Database<'_, Bytes, Bytes> =
                opener.create_database(wtxn, Some("commits"))?;
            let texts: Database<'_, Bytes, Bytes> = opener.create_database(wtxn, Some("texts"))?;
            let meta: Database<'_, Str, U64<BigEndian>> =
                opener.create_database(wtxn, Some("meta"))?;
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit((commits, texts, meta)))
        })
        .expect("it opens")
        .unwrap_commit();
    let mut wtxn = env.write_txn().expect("a transaction");
    for (key, value) in files.iter().flat_map(|file| read_rows(file, "commits")) {
        commits.put(&mut wtxn, &key, &value).expect("there is room");
    }
    for (key, value) in texts {
        into_texts.put(&mut wtxn, &key, &value).expect("there is room");
    }
    meta.put(&mut wtxn, "format", &1).expect("there is room");
    meta.put(&mut wtxn, "epoch", &7).expect("there is room");
    wtxn.commit().expect("there is room");
}

fn read_rows(file: &Path, database: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    alter(file, database, |rows| all.clone_from(rows));
    all
}

/// Crashes before the step of this number.
struct CrashAt(u32, AtomicU32);

impl Faults for CrashAt {
    fn before(&self, step: Step) -> Result<(), Fault> {
        let counts = step == Step::Upgrade || step == Step::Commit;
        let met = counts && self.1.fetch_add(1, Ordering::Relaxed) == self.0;
        if met { Err(Fault::Crash) } else { Ok(()) }
    }
}

#[test]
fn an_upgrade_keeps_the_chain_whatever_interrupts_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = filled(folder.path());
    let (dump, seq) = (store.state().dump(), store.committed_seq());
    drop(store);
    let older = folder.path().join("older");
    write_format_1(folder.path(), &older);
    let refused = Store::open(&older, small_files()).err().expect("it is older");
    assert!(matches!(refused, StoreError::OlderFormat { found: 1, .. }), "{refused}");
    let mut crashes = 0;
    // From the start: before anything, among the 122 commits, and around the two that put the new
    // journal in place; then where that went on.
    for step in [0, 1, 60, 123, 124, 0, 1, 0] {
        let faults = Arc::new(CrashAt(step, AtomicU32::new(0)));
        let options = Options { faults, ..small_files() };
        match upgrade_store(&older, &options, &|_| {}) {
            Err(StoreError::Injected(_)) => {
                crashes += 1;
                let opened = Store::open(&older, small_files()).err().expect("it is half-way");
                assert!(matches!(opened, StoreError::OlderFormat { .. }), "{opened}");
            }
            other => panic!("{step}: {other:?}"),
        }
    }
    assert_eq!(crashes, 8);
    let upgraded = upgrade_store(&older, &small_files(), &|_| {}).expect("it is upgraded");
    assert_eq!((upgraded.from, upgraded.to), (1, STORE_FORMAT));
    let again = upgrade_store(&older, &small_files(), &|_| {}).expect("there is nothing to do");
    assert_eq!((again.from, again.commits), (STORE_FORMAT, 0));
    assert_eq!(findings(&older), Vec::<String>::new());
    let (mut store, recovery) = Store::open(&older, small_files()).expect("it opens");
    assert_eq!((recovery.journal_seq, store.epoch()), (seq, 8));
    assert_eq!(store.state().dump(), dump);
    assert!(execute(&mut store, &reserve("0-7", "acme", "0-7", 5)).replayed);
    let mut left: Vec<_> = fs::read_dir(&older).expect("it is there").collect();
    left.retain(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().starts_with("journal.")
    });
    assert!(left.is_empty(), "{left:?}");
}
