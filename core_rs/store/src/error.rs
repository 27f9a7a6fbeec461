//! What can go wrong with a store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use creditgate_engine::error::Refusal;
use creditgate_engine::values::Seq;
use rustix::io::Errno;

use crate::options::Step;
use crate::space::{is_full, is_no_space};

/// Why a store cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Two writers would spoil it.
    #[error("{path}: another process has this store open: stop that one or choose another folder")]
    InUse {
        /// The store's folder.
        path: PathBuf,
    },
    /// It was written by another version.
    #[error(
        "{path}: format {found} is not known, this version knows {known}: use the version of \
         creditgate that wrote it, or a newer one"
    )]
    UnknownFormat {
        /// What has the format.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The one that this version reads and writes.
        known: u64,
    },
    /// It was written by an older version.
    #[error(
        "{path}: format {found} is older than the {known} of this version: upgrade the store with \
         `creditgate store upgrade`"
    )]
    OlderFormat {
        /// What has the format.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The one that this version reads and writes.
        known: u64,
    },
    /// A file of the journal is not where it was left.
    #[error(
        "{path}: the file of the journal that holds sequence {seq} is missing: put it back, here \
         or beside the others"
    )]
    FileMissing {
        /// The archive.
        path: PathBuf,
        /// What is missing.
        seq: Seq,
    },
    /// The tables were made of a longer journal. What is missing may have been acknowledged.
    #[error(
        "{path}: the journal ends at sequence {last_seq}, but the tables were made of it up to \
         {tables_seq}: put back the files that are missing, or restore the store from a backup; \
         to give up what was decided in between, remove the folder `tables`"
    )]
    JournalCut {
        /// The journal.
        path: PathBuf,
        /// The last entry that it holds.
        last_seq: Seq,
        /// An entry that it once held.
        tables_seq: Seq,
    },
    /// A commit of the journal is not what was written. Nothing is served from it.
    #[error(
        "{path}: the commit at sequence {first_seq} is damaged: {what}: restore the folder from \
         a backup"
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The key of the commit.
        first_seq: Seq,
        /// What differs.
        what: String,
    },
    /// A row of the tables cannot be read, or is not there. The tables are a cache: opening the
    /// store again without them rebuilds them.
    #[error(
        "{path}: {what}: stop the server and remove this folder, it is rebuilt from the journal"
    )]
    BadRow {
        /// The tables.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// The disk, the quota or the map is full.
    #[error("{path}: no space: {what}")]
    NoSpace {
        /// What could not grow.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// LMDB failed.
    #[error("{path}: {source}")]
    Lmdb {
        /// The environment.
        path: PathBuf,
        /// What LMDB said.
        source: heed::Error,
    },
    /// The store was closed before its tables were brought up to date; the journal is whole.
    #[error("the tables are behind the journal and will catch up at the next start: {0}")]
    TablesBehind(#[from] SyncError),
    /// An earlier error was fatal: the store must be opened again.
    #[error("an earlier error stopped this store: open it again")]
    Stopped,
    /// A test wanted it.
    #[error("injected crash before {0:?}")]
    Injected(Step),
}

impl StoreError {
    /// `found` is not `known`: older, or not known.
    pub(crate) fn of_format(path: PathBuf, found: u64, known: u64) -> StoreError {
        if found < known {
            return StoreError::OlderFormat { path, found, known };
        }
        StoreError::UnknownFormat { path, found, known }
    }

    /// An I/O error on `path`; one for want of space is told apart.
    pub(crate) fn io(path: &Path, source: impl Into<io::Error>) -> StoreError {
        let source = source.into();
        // LMDB reports a write that a full disk cut short as EIO.
        let cut_short = source.raw_os_error() == Some(Errno::IO.raw_os_error());
        let path = path.to_owned();
        let folder = if path.is_dir() { Some(&*path) } else { path.parent() };
        if cut_short && folder.is_some_and(is_full) {
            return StoreError::NoSpace { path, what: "a write was cut short".to_owned() };
        }
        if is_no_space(&source) {
            return StoreError::NoSpace { path, what: source.to_string() };
        }
        StoreError::Io { path, source }
    }

    /// An LMDB error in `path`; one for want of space is told apart.
    pub(crate) fn lmdb(path: &Path) -> impl Fn(heed::Error) -> StoreError + Copy + '_ {
        move |source| match source {
            heed::Error::Mdb(heed::MdbError::MapFull) => {
                let what = "the configured map size is reached".to_owned();
                StoreError::NoSpace { path: path.to_owned(), what }
            }
            // The lock file is held in the format of another version of LMDB.
            heed::Error::Mdb(heed::MdbError::VersionMismatch) => {
                StoreError::InUse { path: path.to_owned() }
            }
            heed::Error::Io(source) => StoreError::io(path, source),
            source => StoreError::Lmdb { path: path.to_owned(), source },
        }
    }
}

/// Why the tables were not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// It took longer than the caller would wait.
    #[error("the tables were not brought up to date in time")]
    Timeout,
    /// There is no room; the follower tries again later.
    #[error("the tables cannot be brought up to date: {0}")]
    NoSpace(Arc<str>),
    /// The follower has stopped for good.
    #[error("the tables are not kept any more: {0}")]
    Stopped(Arc<str>),
}

/// Why a commit was not made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// There was no room. Everything since the last commit was undone; the store goes on.
    #[error(transparent)]
    NoSpace(StoreError),
    /// What is on disk is not known any more: the process must stop, and open the store again.
    #[error(transparent)]
    Fatal(StoreError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> CommitError {
        match error {
            StoreError::NoSpace { .. } => CommitError::NoSpace(error),
            error => CommitError::Fatal(error),
        }
    }
}

/// Why a command was not executed. It changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The command is wrong in this state.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no room for another account; what else waits can be executed and committed.
    #[error(transparent)]
    NoSpace(StoreError),
    /// The file that holds an earlier answer cannot be read now, an archive that is elsewhere; all
    /// else can be executed.
    #[error(transparent)]
    Unreadable(StoreError),
    /// The store cannot be read: the process must stop.
    #[error(transparent)]
    Fatal(StoreError),
}

impl From<StoreError> for ExecuteError {
    fn from(error: StoreError) -> ExecuteError {
        match error {
            StoreError::NoSpace { .. } => ExecuteError::NoSpace(error),
            error => ExecuteError::Fatal(error),
        }
    }
}
