//! A store of an older format is made one of this version's, commit by commit as it was.
//!
//! Format 1 kept commits, texts and meta in one environment, `journal/`. They are copied to
//! `journal.new/`, which then takes its place in two steps: while `journal.old/` is there, a store
//! is not opened, and the next upgrade goes on.

use std::fs;
use std::ops::Bound;
use std::path::Path;

use creditgate_engine::values::Seq;
use heed::byteorder::BigEndian;
use heed::types::{Bytes, Str, U64};
use heed::{CommitOrAbort, Database, EnvFlags};

use crate::backup::Progress;
use crate::commit;
use crate::error::StoreError;
use crate::folder::{Env, Folder, open_env, sync_folder};
use crate::journal::{Journal, Link, OLD_JOURNAL, STORE_FORMAT};
use crate::options::{Options, Step, suffer};
use crate::text::text_rows;

/// What an upgrade did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// The format that was found.
    pub from: u64,
    /// The format that it is now.
    pub to: u64,
    /// Commits that were copied; zero when there was nothing to do.
    pub commits: u64,
}

/// Upgrades the store in `folder` in place. Interrupted, it is run again. The store must not be in
/// use; a backup first is wise. The tables are folded anew at the next start.
///
/// # Errors
///
/// [`StoreError`]; the store is then as it was, or the next upgrade goes on.
pub fn upgrade_store(
    folder: &Path,
    options: &Options,
    progress: &dyn Fn(Progress),
) -> Result<Upgraded, StoreError> {
    let (journal, old, new) =
        (folder.join("journal"), folder.join(OLD_JOURNAL), folder.join("journal.new"));
    if !journal.is_dir() && !old.is_dir() {
        return Err(StoreError::io(folder, std::io::Error::other("there is no store in it")));
    }
    let _held = Folder::open(folder)?;
    let mut upgraded = Upgraded { from: 1, to: STORE_FORMAT, commits: 0 };
    let faults = &*options.faults;
    if !old.exists() {
        upgraded.from = format_of(&journal)?;
        match upgraded.from {
            STORE_FORMAT => return Ok(upgraded),
            1 => {}
            found => {
                let known = STORE_FORMAT;
                return Err(StoreError::UnknownFormat { path: journal, found, known });
            }
        }
        suffer(faults, Step::Upgrade)?;
        if new.exists() {
            fs::remove_dir_all(&new).map_err(|e| StoreError::io(&new, e))?;
        }
        upgraded.commits = copy(&journal, &new, options, progress)?;
        suffer(faults, Step::Upgrade)?;
        fs::rename(&journal, &old).map_err(|e| StoreError::io(&old, e))?;
        sync_folder(folder)?;
    }
    suffer(faults, Step::Upgrade)?;
    if !journal.exists() {
        fs::rename(&new, &journal).map_err(|e| StoreError::io(&journal, e))?;
        sync_folder(folder)?;
    }
    suffer(faults, Step::Upgrade)?;
    fs::remove_dir_all(&old).map_err(|e| StoreError::io(&old, e))?;
    sync_folder(folder)?;
    Ok(upgraded)
}

/// The environment of a journal of format 1.
struct Old {
    env: Env,
    commits: Option<Database<'static, U64<BigEndian>, Bytes>>,
    texts: Option<Database<'static, Bytes, Bytes>>,
    meta: Option<Database<'static, Str, U64<BigEndian>>>,
}

impl Old {
    fn open(path: &Path) -> Result<Old, StoreError> {
        let lmdb = StoreError::lmdb(path);
        let map_size_bytes = Options::default().journal_map_size_bytes;
        let env = open_env(path, map_size_bytes, 3, EnvFlags::empty())?;
        let rtxn = env.read_txn().map_err(lmdb)?;
        let (commits, texts, meta) = env
            .open_databases_and_commit(rtxn, |opener, rtxn| {
                let commits = opener.open_database(rtxn, Some("commits"))?;
                let texts = opener.open_database(rtxn, Some("texts"))?;
                let meta = opener.open_database(rtxn, Some("meta"))?;
                Ok(CommitOrAbort::<_, ()>::Commit((commits, texts, meta)))
            })
            .map_err(lmdb)?
            .unwrap_commit();
        Ok(Old { env, commits, texts, meta })
    }
}

fn format_of(path: &Path) -> Result<u64, StoreError> {
    let (old, lmdb) = (Old::open(path)?, StoreError::lmdb(path));
    let rtxn = old.env.read_txn().map_err(lmdb)?;
    let Some(meta) = old.meta else { return Ok(0) };
    Ok(meta.get(&rtxn, "format").map_err(lmdb)?.unwrap_or_default())
}

/// Copies a journal of format 1, verifying its chain; returns the number of commits.
fn copy(
    from: &Path,
    to: &Path,
    options: &Options,
    progress: &dyn Fn(Progress),
) -> Result<u64, StoreError> {
    let (old, lmdb) = (Old::open(from)?, StoreError::lmdb(from));
    let (Some(commits), Some(texts), Some(meta)) = (old.commits, old.texts, old.meta) else {
        return Err(StoreError::io(from, std::io::Error::other("it is not a journal")));
    };
    let rtxn = old.env.read_txn().map_err(lmdb)?;
    let journal = Journal::open(to.to_owned(), options)?;
    journal.set_epoch(meta.get(&rtxn, "epoch").map_err(lmdb)?.unwrap_or_default())?;
    let total = commits.last(&rtxn).map_err(lmdb)?.map_or(0, |(key, _)| key);
    let (mut last, mut count) = (Link::START, 0);
    for row in commits.iter(&rtxn).map_err(lmdb)? {
        let (key, value): (Seq, &[u8]) = row.map_err(lmdb)?;
        let (hash, body) = commit::verify(value).map_err(|broken| broken.of(from, key))?;
        let head = commit::decode_head(body).map_err(|broken| broken.of(from, key))?;
        if let Some(what) = last.refuses(key, &head) {
            return Err(commit::Broken::Differs(what).of(from, key));
        }
        last = Link::of(&head, hash);
        let (start, end) = (head.first_seq.to_be_bytes(), (last.last_seq + 1).to_be_bytes());
        let theirs = texts
            .range(&rtxn, &(Bound::Included(&start[..]), Bound::Excluded(&end[..])))
            .map_err(lmdb)?;
        let theirs = text_rows(theirs.map(|row| row.map_err(lmdb)))?;
        journal.append(key, value, &theirs, &*options.faults)?;
        count += 1;
        progress(Progress { step: "entries", done: last.last_seq, total });
    }
    Ok(count)
}
