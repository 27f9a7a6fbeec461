//! The files that the commits stand in: a row of LMDB environments, each a single file named by
//! the first sequence in it.
//!
//! The last one is written; the others are whole and never written again, so the oldest become the
//! archive by being moved. `journal/` holds those at hand, `archive/` those that were moved.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use creditgate_engine::values::{Micros, Seq};
use heed::byteorder::BigEndian;
use heed::types::{Bytes, U64};
use heed::{CommitOrAbort, Database, EnvFlags};
use rustix::io::Errno;

use crate::commit;
use crate::error::StoreError;
use crate::folder::{Env, open_env_file, sync_folder};
use crate::options::{Faults, Retention, Step, suffer};

pub(crate) const ARCHIVE: &str = "archive";
const PREFIX: &str = "commits-";
const SUFFIX: &str = ".mdb";
/// Of LMDB, which takes the machine's.
const PAGE_BYTES_MIN: u64 = 4_096;
/// Of the largest commit, and of what LMDB keeps beside it.
const MAP_BEYOND_SEGMENT_BYTES: usize = 1 << 30;

/// The name of the file whose first commit stands at `first_seq`.
pub(crate) fn file_name(first_seq: Seq) -> String {
    format!("{PREFIX}{first_seq:020}{SUFFIX}")
}

fn first_seq_of(name: &str) -> Option<Seq> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    digits.parse().ok().filter(|_| digits.len() == 20)
}

/// The commits of one file, open.
#[derive(Clone)]
pub(crate) struct Commits {
    pub(crate) env: Env,
    /// First sequence → digest and body of the commit.
    pub(crate) rows: Database<'static, U64<BigEndian>, Bytes>,
}

impl Commits {
    /// Opens the file at `path`, or makes it, to be written.
    pub(crate) fn open(path: &Path, map_size_bytes: usize) -> Result<Commits, StoreError> {
        let env = open_env_file(path, map_size_bytes, EnvFlags::empty())?;
        let lmdb = StoreError::lmdb(path);
        let wtxn = env.write_txn().map_err(lmdb)?;
        let rows = env
            .create_databases_and_commit(wtxn, |opener, wtxn| {
                opener.create_database(wtxn, Some("commits")).map(CommitOrAbort::<_, ()>::Commit)
            })
            .map_err(lmdb)?
            .unwrap_commit();
        Ok(Commits { env, rows })
    }

    /// Opens a file that nobody writes any more.
    pub(crate) fn open_whole(path: &Path) -> Result<Commits, StoreError> {
        let len = fs::metadata(path).map_err(|e| StoreError::io(path, e))?.len();
        let env = open_env_file(path, len as usize, EnvFlags::READ_ONLY | EnvFlags::NO_LOCK)?;
        // To read beyond the end of a file that was cut short would end the process.
        let expected = pages_bytes(&env);
        if len < expected {
            let what = format!("it was cut short: {len} bytes are left of {expected}");
            return Err(StoreError::io(path, io::Error::other(what)));
        }
        Commits::existing(env, path)
    }

    /// Makes the file as long as its pages are: LMDB does not write those at the end that it took
    /// and gave back in one transaction. Called when it is not written any more.
    fn make_whole(&self, path: &Path) -> Result<(), StoreError> {
        let expected = pages_bytes(&self.env);
        let grown = File::options().write(true).open(path).and_then(|file| {
            if file.metadata()?.len() >= expected {
                return Ok(());
            }
            file.set_len(expected)?;
            file.sync_all()
        });
        grown.map_err(|e| StoreError::io(path, e))
    }

    /// Opens the file of another process that may be writing it.
    pub(crate) fn open_beside(path: &Path, map_size_bytes: usize) -> Result<Commits, StoreError> {
        Commits::existing(open_env_file(path, map_size_bytes, EnvFlags::READ_ONLY)?, path)
    }

    fn existing(env: Env, path: &Path) -> Result<Commits, StoreError> {
        let lmdb = StoreError::lmdb(path);
        let rtxn = env.read_txn().map_err(lmdb)?;
        let rows = env
            .open_databases_and_commit(rtxn, |opener, rtxn| {
                opener.open_database(rtxn, Some("commits")).map(CommitOrAbort::<_, ()>::Commit)
            })
            .map_err(lmdb)?
            .unwrap_commit();
        let no_rows = || StoreError::io(path, io::Error::other("it holds no commits"));
        Ok(Commits { env, rows: rows.ok_or_else(no_rows)? })
    }
}

/// What all pages of a file come to that are in use or were.
fn pages_bytes(env: &Env) -> u64 {
    (env.info().last_page_number as u64 + 1) * u64::from(env.unnamed_database_stat().page_size)
}

/// One file.
pub(crate) struct Segment {
    pub(crate) first_seq: Seq,
    pub(crate) path: PathBuf,
    commits: OnceLock<Commits>,
    /// Of the last commit of a whole one.
    last_time: OnceLock<Micros>,
}

impl Segment {
    fn new(first_seq: Seq, path: PathBuf) -> Segment {
        Segment { first_seq, path, commits: OnceLock::new(), last_time: OnceLock::new() }
    }

    fn commits(&self) -> Result<&Commits, StoreError> {
        if let Some(commits) = self.commits.get() {
            return Ok(commits);
        }
        // LMDB refuses a file that is open already: whoever lists segments opens them in turn.
        let commits = Commits::open_whole(&self.path)?;
        Ok(self.commits.get_or_init(|| commits))
    }

    /// Time of the last commit of a whole file.
    fn last_time(&self, commits: &Commits) -> Result<Micros, StoreError> {
        if let Some(time) = self.last_time.get() {
            return Ok(*time);
        }
        let lmdb = StoreError::lmdb(&self.path);
        let rtxn = commits.env.read_txn().map_err(lmdb)?;
        let last = commits.rows.last(&rtxn).map_err(lmdb)?;
        let head = last.and_then(|(_, value)| commit::decode_head(value.get(32..)?).ok());
        // What cannot be read is found by whoever reads it for its content.
        Ok(*self.last_time.get_or_init(|| head.map_or(Micros::MAX, |head| head.time)))
    }
}

/// All files of a journal, in order.
pub(crate) struct Segments {
    journal: PathBuf,
    archive: PathBuf,
    map_size_bytes: usize,
    segment_bytes: u64,
    list: RwLock<Vec<Arc<Segment>>>,
    /// One opens a file at a time.
    opening: std::sync::Mutex<()>,
}

/// The files in a folder that are named as segments, in order.
pub(crate) fn list(folder: &Path) -> Result<Vec<(Seq, PathBuf)>, StoreError> {
    let io = |e| StoreError::io(folder, e);
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(io)?,
    };
    for entry in entries {
        let entry = entry.map_err(io)?;
        let first_seq = entry.file_name().to_str().and_then(first_seq_of);
        found.extend(first_seq.map(|first_seq| (first_seq, entry.path())));
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether LMDB has not written both of the pages that every file begins with.
fn is_unmade(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() < 2 * PAGE_BYTES_MIN)
}

impl Segments {
    /// Lists the files beside `journal`, the journal's folder, and opens the last to be written;
    /// makes the first where there is none.
    pub(crate) fn open(
        journal: &Path,
        map_size_bytes: usize,
        segment_bytes: u64,
    ) -> Result<Segments, StoreError> {
        let archive = journal.with_file_name(ARCHIVE);
        let mut files = list(journal)?;
        // A process that was killed while it made a file: no commit can be in it.
        if let Some((_, path)) = files.pop_if(|(_, path)| is_unmade(path)) {
            fs::remove_file(&path).map_err(|e| StoreError::io(&path, e))?;
        }
        if files.is_empty() {
            files.push((1, journal.join(file_name(1))));
        }
        // One that was being moved to another file system is whole in both.
        let mut all = list(&archive)?;
        all.retain(|(first_seq, _)| files.iter().all(|(at_hand, _)| at_hand != first_seq));
        all.extend(files);
        all.sort_unstable();
        let room = usize::try_from(segment_bytes).unwrap_or(usize::MAX);
        let map_size_bytes = map_size_bytes.min(room.saturating_add(MAP_BEYOND_SEGMENT_BYTES));
        let list: Vec<Arc<Segment>> =
            all.into_iter().map(|(seq, path)| Arc::new(Segment::new(seq, path))).collect();
        if let Some(last) = list.last() {
            let commits = Commits::open(&last.path, map_size_bytes)?;
            sync_folder(journal)?;
            drop(last.commits.set(commits));
        }
        let (list, opening) = (RwLock::new(list), std::sync::Mutex::new(()));
        let journal = journal.to_owned();
        Ok(Segments { journal, archive, map_size_bytes, segment_bytes, list, opening })
    }

    fn lock(&self) -> RwLockReadGuard<'_, Vec<Arc<Segment>>> {
        // The list is changed in one step: a panic elsewhere leaves it whole.
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The commits of all files from the one that holds `seq` on, in order, opened as they are
    /// asked for.
    pub(crate) fn from(&self, seq: Seq) -> impl Iterator<Item = Result<Commits, StoreError>> + '_ {
        let first = self.lock().partition_point(|segment| segment.first_seq <= seq);
        let mut next = first.saturating_sub(1);
        std::iter::from_fn(move || {
            let list = self.lock();
            let segment = list.get(next)?;
            next += 1;
            Some(self.commits_of(segment))
        })
    }

    /// The commits of the last file, which is written.
    pub(crate) fn last(&self) -> Result<(Seq, Commits), StoreError> {
        let list = self.lock();
        let last = list.last().expect("there is always one to write");
        Ok((last.first_seq, self.commits_of(last)?))
    }

    fn commits_of(&self, segment: &Segment) -> Result<Commits, StoreError> {
        // Every commit asks for the last file: it must not wait for one that is being opened.
        if let Some(commits) = segment.commits.get() {
            return Ok(commits.clone());
        }
        let _one = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        segment.commits().cloned()
    }

    /// As `commits_of`, for one look while nobody else opens files: what is opened for it, maybe
    /// thousands of files one after the other, is closed again.
    fn commits_once(&self, segment: &Segment) -> Result<Commits, StoreError> {
        match segment.commits.get() {
            Some(commits) => Ok(commits.clone()),
            None => Commits::open_whole(&segment.path),
        }
    }

    /// Begins a new file at `first_seq` when the last one is full.
    pub(crate) fn roll(&self, first_seq: Seq, faults: &dyn Faults) -> Result<(), StoreError> {
        let (start, last) = self.last()?;
        if start == first_seq || pages_bytes(&last.env) < self.segment_bytes {
            return Ok(());
        }
        suffer(faults, Step::Roll)?;
        last.make_whole(&self.journal.join(file_name(start)))?;
        let path = self.journal.join(file_name(first_seq));
        let segment = Segment::new(first_seq, path.clone());
        // On a full disk LMDB leaves half a file behind, which nobody could open.
        let opened = Commits::open(&path, self.map_size_bytes)
            .inspect_err(|_| drop(fs::remove_file(&path)))?;
        drop(segment.commits.set(opened));
        sync_folder(&self.journal)?;
        self.list.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(segment));
        Ok(())
    }

    /// Moves the oldest whole files to the archive that end before `up_to` and that `retention`
    /// does not keep at hand.
    pub(crate) fn archive(
        &self,
        up_to: Seq,
        now: Micros,
        retention: &Retention,
        faults: &dyn Faults,
    ) -> Result<(), StoreError> {
        while let Some(index) = self.to_archive(up_to, now, retention)? {
            suffer(faults, Step::Archive)?;
            let segment = Arc::clone(&self.lock()[index]);
            self.move_to_archive(index, &segment, faults)?;
        }
        Ok(())
    }

    fn to_archive(
        &self,
        up_to: Seq,
        now: Micros,
        retention: &Retention,
    ) -> Result<Option<usize>, StoreError> {
        // A copy: whoever begins a file does not wait until these are looked at.
        let list = self.lock().clone();
        let at_hand = |segment: &Arc<Segment>| segment.path.starts_with(&self.journal);
        let Some(first) = list.iter().position(at_hand) else { return Ok(None) };
        // The file that is written is not one of them.
        let whole = &list[first..list.len() - 1];
        let Some(next) = list.get(first + 1).filter(|next| next.first_seq <= up_to + 1) else {
            return Ok(None);
        };
        debug_assert!(next.first_seq > list[first].first_seq, "files are in order");
        let mut bytes = 0;
        for segment in whole {
            let found = fs::metadata(&segment.path);
            bytes += found.map_err(|e| StoreError::io(&segment.path, e))?.len();
        }
        let last_time = list[first].last_time(&self.commits_of(&list[first])?)?;
        let aged = now.saturating_sub(last_time) > retention.age_max_us;
        Ok((bytes > retention.bytes_max || aged).then_some(first))
    }

    fn move_to_archive(
        &self,
        index: usize,
        segment: &Segment,
        faults: &dyn Faults,
    ) -> Result<(), StoreError> {
        let to = self.archive.join(file_name(segment.first_seq));
        fs::create_dir_all(&self.archive).map_err(|e| StoreError::io(&self.archive, e))?;
        let copied = match probe_rename(&segment.path, &to) {
            Move::Renames => None,
            // Another file system: copied while orders go on, then put in place at once.
            Move::Copies => Some(copy_whole(&segment.path, &to)?),
        };
        suffer(faults, Step::Archive)?;
        // Opened again by whoever reads it: one that was written holds three files open.
        let moved = Segment::new(segment.first_seq, to.clone());
        {
            let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
            let from = copied.as_deref().unwrap_or(&segment.path);
            fs::rename(from, &to).map_err(|e| StoreError::io(&to, e))?;
            list[index] = Arc::new(moved);
        }
        sync_folder(&self.archive)?;
        suffer(faults, Step::Archive)?;
        if copied.is_some() {
            fs::remove_file(&segment.path).map_err(|e| StoreError::io(&segment.path, e))?;
        }
        // Its lock file has done its work.
        let mut lock = segment.path.clone().into_os_string();
        lock.push("-lock");
        drop(fs::remove_file(lock));
        sync_folder(&self.journal)
    }

    /// The folder of files that are not written any more.
    pub(crate) fn archive_folder(&self) -> &Path {
        &self.archive
    }

    /// Makes sure that all commits from `seq` on are there.
    pub(crate) fn require(&self, seq: Seq) -> Result<(), StoreError> {
        let (mut expected, mut begun) = (seq, false);
        let list = self.lock().clone();
        let start = list.partition_point(|segment| segment.first_seq <= seq).saturating_sub(1);
        for segment in &list[start..] {
            if segment.first_seq > expected || (begun && segment.first_seq != expected) {
                return Err(StoreError::FileMissing { path: self.archive.clone(), seq: expected });
            }
            let commits = self.commits_once(segment)?;
            let lmdb = StoreError::lmdb(&segment.path);
            let rtxn = commits.env.read_txn().map_err(lmdb)?;
            if let Some((_, value)) = commits.rows.last(&rtxn).map_err(lmdb)? {
                // A damaged one is named where it is read.
                let head = commit::verify(value).and_then(|(_, body)| commit::decode_head(body));
                let Ok(head) = head else { return Ok(()) };
                expected = head.last_seq() + 1;
            }
            begun = true;
        }
        Ok(())
    }

    /// Where each file is.
    pub(crate) fn paths(&self) -> Vec<(Seq, PathBuf)> {
        self.lock().iter().map(|segment| (segment.first_seq, segment.path.clone())).collect()
    }
}

enum Move {
    Renames,
    Copies,
}

/// Whether a file can be renamed across, tried with an empty one.
fn probe_rename(from: &Path, to: &Path) -> Move {
    let (from, to) = (from.with_extension("probe"), to.with_extension("probe"));
    let tried = File::create(&from).and_then(|_| fs::rename(&from, &to));
    drop((fs::remove_file(&from), fs::remove_file(&to)));
    match tried {
        Err(error) if error.raw_os_error() == Some(Errno::XDEV.raw_os_error()) => Move::Copies,
        _ => Move::Renames,
    }
}

/// Copies a file that is not written any more beside `to`, durably; returns where it is.
pub(crate) fn copy_whole(from: &Path, to: &Path) -> Result<PathBuf, StoreError> {
    let part = to.with_extension("part");
    let copied = fs::copy(from, &part).and_then(|_| File::open(&part)?.sync_all());
    copied.map_err(|e| StoreError::io(&part, e))?;
    Ok(part)
}
