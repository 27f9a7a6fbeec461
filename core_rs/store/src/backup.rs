//! A copy of a store, taken beside the process that serves it.
//!
//! Files of the journal that are not written any more are copied as they are. Of the last one, and
//! of the texts, rows are read in short transactions: they are only ever added, so a reader needs
//! no view of one moment, and a long one would make the file grow. The tables change, so they are
//! read in one transaction, the earliest: what the journal has gained since is its tail. Texts that
//! are erased meanwhile are copied again, with the entries that say so.

use std::fs::{self, File};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use creditgate_engine::values::Seq;
use heed::byteorder::BigEndian;
use heed::types::{Bytes, Str, U64};
use heed::{CommitOrAbort, CompactionOption, Database, EnvFlags, PutFlags, RoTxn, WithoutTls};

use crate::commit;
use crate::error::StoreError;
use crate::folder::{Env, open_env, open_env_beside, sync_folder};
use crate::journal::{ERASING, STORE_FORMAT};
use crate::options::Options;
use crate::segments::{self, ARCHIVE, Commits};

/// How a commit names an erasure.
const ERASES: &[u8] = b"erase_texts";

/// Most bytes that one read transaction copies.
const SLICE_BYTES: usize = 16 << 20;

/// How far something long has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: &'static str,
    /// How much of `total` is done: bytes of files, or entries.
    pub done: u64,
    /// All of it.
    pub total: u64,
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files of the journal.
    pub files: u64,
    /// The last entry.
    pub journal_seq: Seq,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Copies the store in `from` to the folder `to`, which must be absent or empty; a server may be
/// using it, in another process. `to` appears when the copy is whole and durable.
///
/// # Errors
///
/// [`StoreError`]; nothing but a folder beside `to` is left, which the next attempt removes.
pub fn copy_store(
    from: &Path,
    to: &Path,
    progress: &dyn Fn(Progress),
) -> Result<Copied, StoreError> {
    if !from.join("journal").is_dir() {
        return Err(StoreError::io(from, std::io::Error::other("there is no store in it")));
    }
    if fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(StoreError::io(to, std::io::Error::other("it is not empty")));
    }
    let part = beside(to, ".part");
    if part.exists() {
        fs::remove_dir_all(&part).map_err(|e| StoreError::io(&part, e))?;
    }
    fs::create_dir_all(&part).map_err(|e| StoreError::io(&part, e))?;
    copy_tables(from, &part, progress)?;
    let mut copied = Copied::default();
    loop {
        copied = copy_commits(from, &part, copied.journal_seq, progress)?;
        let erased = copy_beside(from, &part, copied.journal_seq, progress)?;
        // An erasure that the copy has no entry of would look like a loss, and one that was carried
        // out while texts were copied left some of them.
        if !erased && !erases_after(from, copied.journal_seq)? {
            break;
        }
    }
    copied.bytes = sync_all(&part)?;
    if to.exists() {
        fs::remove_dir(to).map_err(|e| StoreError::io(to, e))?;
    }
    fs::rename(&part, to).map_err(|e| StoreError::io(to, e))?;
    match to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(parent)?,
        None => sync_folder(Path::new("."))?,
    }
    Ok(copied)
}

/// `path` with `suffix` after its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.components().as_path().as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn copy_tables(from: &Path, to: &Path, progress: &dyn Fn(Progress)) -> Result<(), StoreError> {
    let source = from.join("tables");
    let data = source.join("data.mdb");
    let Ok(found) = fs::metadata(&data) else { return Ok(()) };
    let total = found.len();
    progress(Progress { step: "tables", done: 0, total });
    let env = open_env_beside(&source, Options::default().tables_map_size_bytes, 0)?;
    let target = to.join("tables");
    fs::create_dir_all(&target).map_err(|e| StoreError::io(&target, e))?;
    env.copy_to_path(target.join("data.mdb"), CompactionOption::Disabled)
        .map_err(StoreError::lmdb(&source))?;
    progress(Progress { step: "tables", done: total, total });
    Ok(())
}

/// Copies the commits after `reached`, up to which they have been copied before.
fn copy_commits(
    from: &Path,
    to: &Path,
    reached: Seq,
    progress: &dyn Fn(Progress),
) -> Result<Copied, StoreError> {
    let (journal, archive) = (from.join("journal"), from.join(ARCHIVE));
    // In this order: a file that moves in between is in both lists, never in none.
    let at_hand = segments::list(&journal)?;
    let mut files = segments::list(&archive)?;
    files.retain(|(first_seq, _)| at_hand.iter().all(|(other, _)| other != first_seq));
    let archived = files.len();
    files.extend(at_hand);
    let sizes = files.iter().map(|(_, path)| fs::metadata(path).map_or(0, |found| found.len()));
    let total = sizes.sum();
    let mut done = 0;
    let mut copied = Copied { files: files.len() as u64, ..Copied::default() };
    for folder in [to.join("journal"), to.join(ARCHIVE)] {
        fs::create_dir_all(&folder).map_err(|e| StoreError::io(&folder, e))?;
    }
    for (index, (first_seq, path)) in files.iter().enumerate() {
        progress(Progress { step: "journal", done, total });
        let next = files.get(index + 1).map(|(next, _)| *next);
        if next.is_some_and(|next| next - 1 <= reached) {
            continue;
        }
        let name = segments::file_name(*first_seq);
        let begun = to.join("journal").join(&name).exists();
        let folder = if index < archived && !begun { ARCHIVE } else { "journal" };
        let target = to.join(folder).join(&name);
        if next.is_none() || begun {
            let path = if path.exists() { path } else { &archive.join(&name) };
            let last_seq = reached.max(*first_seq - 1);
            let more = |bytes| progress(Progress { step: "journal", done: done + bytes, total });
            copied.journal_seq = copy_rows(path, &target, last_seq, more)?;
        } else {
            // It may have moved to the archive since it was listed.
            let bytes = fs::copy(path, &target).or_else(|_| fs::copy(archive.join(&name), &target));
            done += bytes.map_err(|e| StoreError::io(path, e))?;
        }
    }
    copy_statements(&archive, &to.join(ARCHIVE))?;
    progress(Progress { step: "journal", done: total, total });
    Ok(copied)
}

/// Copies what stands in place of files that were trimmed (docs/audit.md): small, and the proof.
fn copy_statements(from: &Path, to: &Path) -> Result<(), StoreError> {
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let name = entry.map_err(|e| StoreError::io(from, e))?.file_name();
        if name.to_str().is_some_and(|n| n.starts_with("trimmed-") && n.ends_with(".json")) {
            let copied = fs::copy(from.join(&name), to.join(&name));
            copied.map_err(|e| StoreError::io(from, e))?;
        }
    }
    Ok(())
}

/// Copies the commits of a file that may be being written; returns the last sequence.
fn copy_rows(
    from: &Path,
    to: &Path,
    mut last_seq: Seq,
    progress: impl Fn(u64),
) -> Result<Seq, StoreError> {
    let map_size_bytes = Options::default().journal_map_size_bytes;
    let source = Commits::open_beside(from, map_size_bytes)?;
    let target = Commits::open(to, map_size_bytes)?;
    let (from_lmdb, to_lmdb) = (StoreError::lmdb(from), StoreError::lmdb(to));
    let mut bytes = 0;
    loop {
        let rtxn = source.env.read_txn().map_err(from_lmdb)?;
        let mut wtxn = target.env.write_txn().map_err(to_lmdb)?;
        let mut slice = 0;
        for row in source.rows.range(&rtxn, &(last_seq + 1..)).map_err(from_lmdb)? {
            let (key, value) = row.map_err(from_lmdb)?;
            let read = commit::verify(value).and_then(|(_, body)| commit::decode_head(body));
            let head = read.map_err(|broken| broken.of(from, key))?;
            target
                .rows
                .put_with_flags(&mut wtxn, PutFlags::APPEND, &key, value)
                .map_err(to_lmdb)?;
            last_seq = head.last_seq();
            slice += value.len();
            if slice >= SLICE_BYTES {
                break;
            }
        }
        wtxn.commit().map_err(to_lmdb)?;
        if slice == 0 {
            return Ok(last_seq);
        }
        bytes += slice as u64;
        progress(bytes);
    }
}

/// Whether an entry after `seq` says that texts go.
fn erases_after(from: &Path, seq: Seq) -> Result<bool, StoreError> {
    let mut files = segments::list(&from.join("journal"))?;
    let begun = files.partition_point(|(first_seq, _)| *first_seq <= seq + 1);
    for (_, path) in files.split_off(begun.saturating_sub(1)) {
        let commits = Commits::open_beside(&path, Options::default().journal_map_size_bytes)?;
        let lmdb = StoreError::lmdb(&path);
        let rtxn = commits.env.read_txn().map_err(lmdb)?;
        for row in commits.rows.range(&rtxn, &(seq + 1..)).map_err(lmdb)? {
            let (_, value) = row.map_err(lmdb)?;
            // Where it stands for something else, the copy goes on for nothing.
            if value.windows(ERASES.len()).any(|bytes| bytes == ERASES) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Copies what stands beside the commits, as far as they go, in place of what was copied before;
/// returns whether an erasure was carried out meanwhile.
fn copy_beside(
    from: &Path,
    to: &Path,
    last_seq: Seq,
    progress: &dyn Fn(Progress),
) -> Result<bool, StoreError> {
    let (from, to) = (from.join("journal"), to.join("journal"));
    let (source, target) = (Beside::of(&from)?, Beside::make(&to)?);
    let (from_lmdb, to_lmdb) = (StoreError::lmdb(&from), StoreError::lmdb(&to));
    let erasing = |rtxn: &RoTxn<'_, WithoutTls>| source.meta.get(rtxn, ERASING).map_err(from_lmdb);
    let before = erasing(&source.env.read_txn().map_err(from_lmdb)?)?;
    let (mut after, mut done) = (Vec::new(), 0);
    loop {
        progress(Progress { step: "texts", done, total: done + SLICE_BYTES as u64 });
        let rtxn = source.env.read_txn().map_err(from_lmdb)?;
        let mut wtxn = target.env.write_txn().map_err(to_lmdb)?;
        let mut slice = 0;
        let end = (last_seq + 1).to_be_bytes();
        let start = match after.is_empty() {
            true => Bound::Unbounded,
            false => Bound::Excluded(&after[..]),
        };
        let range = (start, Bound::Excluded(&end[..]));
        let mut last = None;
        for row in source.texts.range(&rtxn, &range).map_err(from_lmdb)? {
            let (key, value) = row.map_err(from_lmdb)?;
            target
                .texts
                .put_with_flags(&mut wtxn, PutFlags::APPEND, key, value)
                .map_err(to_lmdb)?;
            last = Some(key.to_vec());
            slice += key.len() + value.len();
            if slice >= SLICE_BYTES {
                break;
            }
        }
        if last.is_none() {
            for row in source.meta.iter(&rtxn).map_err(from_lmdb)? {
                let (name, value) = row.map_err(from_lmdb)?;
                if name == "format" && value != STORE_FORMAT {
                    return Err(StoreError::of_format(from.clone(), value, STORE_FORMAT));
                }
                target.meta.put(&mut wtxn, name, &value).map_err(to_lmdb)?;
            }
        }
        wtxn.commit().map_err(to_lmdb)?;
        match last {
            Some(last) => after = last,
            None => return Ok(before != erasing(&rtxn)?),
        }
        done += slice as u64;
    }
}

/// The environment beside the commits.
struct Beside {
    env: Env,
    texts: Database<'static, Bytes, Bytes>,
    meta: Database<'static, Str, U64<BigEndian>>,
}

impl Beside {
    fn of(path: &Path) -> Result<Beside, StoreError> {
        let env = open_env_beside(path, Options::default().journal_map_size_bytes, 3)?;
        let rtxn = env.read_txn().map_err(StoreError::lmdb(path))?;
        let opened = env
            .open_databases_and_commit(rtxn, |opener, rtxn| {
                let texts = opener.open_database::<Bytes, Bytes>(rtxn, Some("texts"))?;
                let meta = opener.open_database::<Str, U64<BigEndian>>(rtxn, Some("meta"))?;
                Ok(CommitOrAbort::<_, ()>::Commit((texts, meta)))
            })
            .map_err(StoreError::lmdb(path))?
            .unwrap_commit();
        let (Some(texts), Some(meta)) = opened else {
            return Err(StoreError::io(path, std::io::Error::other("it is not a journal")));
        };
        Ok(Beside { env, texts, meta })
    }

    /// With nothing in it.
    fn make(path: &Path) -> Result<Beside, StoreError> {
        let map_size_bytes = Options::default().journal_map_size_bytes;
        let env = open_env(path, map_size_bytes, 3, EnvFlags::empty())?;
        let wtxn = env.write_txn().map_err(StoreError::lmdb(path))?;
        let (texts, meta) = env
            .create_databases_and_commit(wtxn, |opener, wtxn| {
                let texts: Database<'_, Bytes, Bytes> =
                    opener.create_database(wtxn, Some("texts"))?;
                let meta: Database<'_, Str, U64<BigEndian>> =
                    opener.create_database(wtxn, Some("meta"))?;
                texts.clear(wtxn)?;
                meta.clear(wtxn)?;
                Ok(CommitOrAbort::<_, ()>::Commit((texts, meta)))
            })
            .map_err(StoreError::lmdb(path))?
            .unwrap_commit();
        Ok(Beside { env, texts, meta })
    }
}

/// Makes all files in a folder durable; returns their size.
fn sync_all(folder: &Path) -> Result<u64, StoreError> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(|e| StoreError::io(folder, e))? {
        let path = entry.map_err(|e| StoreError::io(folder, e))?.path();
        if path.is_dir() {
            bytes += sync_all(&path)?;
            continue;
        }
        let synced = File::open(&path).and_then(|file| {
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        bytes += synced.map_err(|e| StoreError::io(&path, e))?;
    }
    sync_folder(folder)?;
    Ok(bytes)
}
