//! A store's folder: made, locked, and the paths in it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use heed::{EnvFlags, EnvOpenOptions, WithoutTls};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::StoreError;

/// An LMDB environment whose read transactions may be used by any thread.
pub(crate) type Env = heed::Env<WithoutTls>;

/// Most read transactions at a time, in all processes.
const READERS_MAX: u32 = 512;

/// LMDB wants whole pages; no system that this runs on has larger ones.
const PAGE_BYTES_MAX: usize = 1 << 16;

/// A store's folder, held by this process.
pub(crate) struct Folder {
    path: PathBuf,
    /// Dropped last by whoever owns the folder: closing it gives the lock back.
    _lock: File,
}

impl Folder {
    /// Makes the folder where there is none and takes its lock.
    pub(crate) fn open(path: &Path) -> Result<Folder, StoreError> {
        fs::create_dir_all(path).map_err(|e| StoreError::io(path, e))?;
        let lock_path = path.join("LOCK");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|e| StoreError::io(&lock_path, e))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                sync_names(path)?;
                Ok(Folder { path: path.to_owned(), _lock: lock })
            }
            Err(Errno::WOULDBLOCK) => Err(StoreError::InUse { path: path.to_owned() }),
            Err(errno) => Err(StoreError::io(&lock_path, errno)),
        }
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    pub(crate) fn tables(&self) -> PathBuf {
        self.path.join("tables")
    }

    pub(crate) fn counters(&self) -> PathBuf {
        self.path.join("counters.map")
    }
}

/// Makes the names in a folder durable, and its own: what is in a file does not help after a power
/// failure when nothing leads to it.
fn sync_names(folder: &Path) -> Result<(), StoreError> {
    let sync = |path: &Path| File::open(path).and_then(|opened| opened.sync_all());
    sync(folder).map_err(|e| StoreError::io(folder, e))?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    match sync(parent) {
        // Whoever made a folder where we may not look has made it durable, or not.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced.map_err(|e| StoreError::io(parent, e)),
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(|e| StoreError::io(folder, e))
}

/// Opens an LMDB environment in the folder `path`, which the lock of the store's folder guards.
pub(crate) fn open_env(
    path: &Path,
    map_size_bytes: usize,
    databases_max: u32,
    flags: EnvFlags,
) -> Result<Env, StoreError> {
    fs::create_dir_all(path).map_err(|e| StoreError::io(path, e))?;
    let env = open_at(path, map_size_bytes, databases_max, flags)?;
    sync_names(path)?;
    // Readers that were killed would keep pages from being used again.
    env.clear_stale_readers().map_err(StoreError::lmdb(path))?;
    Ok(env)
}

/// Opens an LMDB environment of one database in the file `path`, which the lock of the store's
/// folder guards.
pub(crate) fn open_env_file(
    path: &Path,
    map_size_bytes: usize,
    flags: EnvFlags,
) -> Result<Env, StoreError> {
    let env = open_at(path, map_size_bytes, 1, flags | EnvFlags::NO_SUB_DIR)?;
    if !flags.contains(EnvFlags::NO_LOCK) {
        env.clear_stale_readers().map_err(StoreError::lmdb(path))?;
    }
    Ok(env)
}

/// Opens an LMDB environment of another process to be read.
pub(crate) fn open_env_beside(
    path: &Path,
    map_size_bytes: usize,
    databases_max: u32,
) -> Result<Env, StoreError> {
    open_at(path, map_size_bytes, databases_max, EnvFlags::READ_ONLY)
}

fn open_at(
    path: &Path,
    map_size_bytes: usize,
    databases_max: u32,
    flags: EnvFlags,
) -> Result<Env, StoreError> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options
        .map_size(map_size_bytes.next_multiple_of(PAGE_BYTES_MAX))
        .max_dbs(databases_max)
        .max_readers(READERS_MAX);
    // SAFETY: the flags given are no worse than NO_META_SYNC, which only drops the last commits at
    // a power failure, and NO_LOCK for files that nobody writes any more. The files belong to the
    // store: its lock keeps other writers away, LMDB's own lock file orders readers, and nothing
    // here truncates or writes them but LMDB.
    unsafe { options.flags(flags).open(path) }.map_err(StoreError::lmdb(path))
}
