//! The journal: one value per commit, appended and never overwritten, in a row of LMDB files, and
//! the texts beside them.

mod erase;

pub(crate) use erase::ERASING;

use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use creditgate_engine::entry::Entry;
use creditgate_engine::values::{Micros, Seq};
use heed::byteorder::BigEndian;
use heed::types::{Bytes, Str, U64};
use heed::{CommitOrAbort, Database, EnvFlags, PutFlags, RoTxn, RwTxn};

use crate::commit::{self, Broken, Commit, Digest, Head, NO_HASH};
use crate::error::StoreError;
use crate::folder::{Env, open_env};
use crate::options::{Faults, Options, Retention, Step, suffer};
use crate::segments::{Commits, Segments};
use crate::text::{self, TextField};

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The last entry; zero before the first.
    pub last_seq: Seq,
    /// Of its commit.
    pub time: Micros,
    /// Digest of that commit.
    pub hash: Digest,
    /// How often the store had been opened then.
    pub epoch: u64,
}

impl Link {
    /// Before the first commit.
    pub(crate) const START: Link = Link { last_seq: 0, time: Micros::MIN, hash: NO_HASH, epoch: 0 };

    pub(crate) fn of(head: &Head, hash: Digest) -> Link {
        Link { last_seq: head.last_seq(), time: head.time, hash, epoch: head.epoch }
    }

    /// What keeps `next` from being the commit after this one.
    pub(crate) fn refuses(&self, key: Seq, next: &Head) -> Option<String> {
        let Link { last_seq, time, hash, epoch } = *self;
        if next.first_seq != key {
            return Some(format!("it says that it stands at sequence {}", next.first_seq));
        }
        if next.first_seq != last_seq + 1 {
            return Some(format!("the commit before it ends at sequence {last_seq}"));
        }
        if next.count == 0 {
            return Some("it has no entries".to_owned());
        }
        if next.prev_hash != hash {
            return Some("its prev_hash is not the digest of the commit before it".to_owned());
        }
        if next.time < time || next.epoch < epoch {
            return Some("its time or epoch is before that of the commit before it".to_owned());
        }
        None
    }
}

/// Beside the journal while the store is being upgraded.
pub(crate) const OLD_JOURNAL: &str = "journal.old";

/// The format of a store's files; that of a commit is [`FORMAT`].
pub const STORE_FORMAT: u64 = 2;

/// The journal of an open store. Reading takes a short transaction and hinders nobody; only the
/// store writes.
#[derive(Clone)]
pub struct Journal {
    path: Arc<Path>,
    /// What is beside the commits.
    env: Env,
    /// Sequence and [`TextField`] → salt and text. What may be erased.
    texts: Database<'static, Bytes, Bytes>,
    /// `format`, `epoch`, and at times what [`erase`] notes, as big-endian `u64`.
    meta: Database<'static, Str, U64<BigEndian>>,
    /// The commits.
    segments: Arc<Segments>,
    /// Texts may be there of a commit that never was: to be removed before the next.
    stray_texts: Arc<AtomicBool>,
}

/// A text's key in `texts`.
fn text_key(seq: Seq, field: TextField) -> [u8; 9] {
    let mut key = [field as u8; 9];
    key[..8].copy_from_slice(&seq.to_be_bytes());
    key
}

/// A text that goes with an entry.
pub(crate) struct TextRow {
    pub(crate) seq: Seq,
    pub(crate) field: TextField,
    /// Salt, then UTF-8.
    pub(crate) bytes: Vec<u8>,
}

/// Makes sure that the files are of the format of this version; stamps new ones with it.
fn check_format(
    path: &Path,
    env: &Env,
    meta: Database<'static, Str, U64<BigEndian>>,
) -> Result<(), StoreError> {
    let (lmdb, known) = (StoreError::lmdb(path), STORE_FORMAT);
    let mut wtxn = env.write_txn().map_err(lmdb)?;
    match meta.get(&wtxn, "format").map_err(lmdb)? {
        Some(STORE_FORMAT) => Ok(()),
        Some(found) => Err(StoreError::of_format(path.into(), found, known)),
        None => {
            meta.put(&mut wtxn, "format", &STORE_FORMAT).map_err(lmdb)?;
            wtxn.commit().map_err(lmdb)
        }
    }
}

impl Journal {
    pub(crate) fn open(path: PathBuf, options: &Options) -> Result<Journal, StoreError> {
        let lmdb = StoreError::lmdb(&path);
        let known = STORE_FORMAT;
        if path.with_file_name(OLD_JOURNAL).exists() {
            return Err(StoreError::OlderFormat { path, found: 1, known });
        }
        let map_size_bytes = options.journal_map_size_bytes;
        // A store of format 1 has its commits here too.
        let env = open_env(&path, map_size_bytes, 3, EnvFlags::empty())?;
        let wtxn = env.write_txn().map_err(lmdb)?;
        let (texts, meta) = env
            .create_databases_and_commit(wtxn, |opener, wtxn| {
                let texts = opener.create_database(wtxn, Some("texts"))?;
                let meta = opener.create_database(wtxn, Some("meta"))?;
                Ok(CommitOrAbort::<_, ()>::Commit((texts, meta)))
            })
            .map_err(lmdb)?
            .unwrap_commit();
        check_format(&path, &env, meta)?;
        let segments = Segments::open(&path, map_size_bytes, options.journal_file_bytes)?;
        let (segments, stray_texts) = (Arc::new(segments), Arc::new(AtomicBool::new(false)));
        Ok(Journal { path: path.into(), env, texts, meta, segments, stray_texts })
    }

    /// Counts one more opening and returns the count. Called once the chain is known to be whole up
    /// to its end at `last`.
    pub(crate) fn next_epoch(&self, last: &Link) -> Result<u64, StoreError> {
        let erased = self.left_to_erase(last.last_seq)?;
        let mut wtxn = self.write_txn()?;
        self.remove_texts(&mut wtxn, &erased)?;
        let epoch = self.meta.get(&wtxn, "epoch").map_err(self.lmdb())?.unwrap_or_default() + 1;
        self.meta.put(&mut wtxn, "epoch", &epoch).map_err(self.lmdb())?;
        self.remove_texts_from(&mut wtxn, last.last_seq + 1)?;
        wtxn.commit().map_err(self.lmdb())?;
        Ok(epoch)
    }

    /// Goes on from another journal's count of openings.
    pub(crate) fn set_epoch(&self, epoch: u64) -> Result<(), StoreError> {
        let mut wtxn = self.write_txn()?;
        self.meta.put(&mut wtxn, "epoch", &epoch).map_err(self.lmdb())?;
        wtxn.commit().map_err(self.lmdb())
    }

    /// The sequence of the last entry, unverified; zero before the first.
    pub(crate) fn last_seq(&self) -> Result<Seq, StoreError> {
        let (first_seq, commits) = self.segments.last()?;
        let rtxn = commits.env.read_txn().map_err(self.lmdb())?;
        let last = commits.rows.last(&rtxn).map_err(self.lmdb())?;
        let head = last.and_then(|(_, value)| commit::decode_head(value.get(32..)?).ok());
        Ok(head.map_or(first_seq - 1, |head| head.last_seq()))
    }

    /// Texts are made durable before the commit that they go with, which may then fail.
    fn remove_texts_from(&self, wtxn: &mut RwTxn<'_>, seq: Seq) -> Result<(), StoreError> {
        let first = seq.to_be_bytes();
        let range = (Bound::Included(&first[..]), Bound::Unbounded);
        self.texts.delete_range(wtxn, &range).map_err(self.lmdb()).map(drop)
    }

    /// The environment's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lmdb(&self) -> impl Fn(heed::Error) -> StoreError + Copy + '_ {
        StoreError::lmdb(&self.path)
    }

    fn write_txn(&self) -> Result<RwTxn<'_>, StoreError> {
        self.env.write_txn().map_err(self.lmdb())
    }

    pub(crate) fn read_txn(&self) -> Result<RoTxn<'_, heed::WithoutTls>, StoreError> {
        self.env.read_txn().map_err(self.lmdb())
    }

    pub(crate) fn broken(&self, first_seq: Seq, broken: Broken) -> StoreError {
        broken.of(self.path(), first_seq)
    }

    /// Makes a commit durable. After an error for want of space the chain is as before.
    pub(crate) fn append(
        &self,
        first_seq: Seq,
        value: &[u8],
        texts: &[TextRow],
        faults: &dyn Faults,
    ) -> Result<(), StoreError> {
        suffer(faults, Step::Append)?;
        self.segments.roll(first_seq, faults)?;
        if !texts.is_empty() || self.stray_texts.load(Relaxed) {
            self.append_texts(first_seq, texts, faults)?;
        }
        let (_, commits) = self.segments.last()?;
        let mut wtxn = commits.env.write_txn().map_err(self.lmdb())?;
        commits
            .rows
            .put_with_flags(&mut wtxn, PutFlags::APPEND, &first_seq, value)
            .map_err(self.lmdb())?;
        suffer(faults, Step::Commit)?;
        wtxn.commit().map_err(self.lmdb())?;
        self.stray_texts.store(false, Relaxed);
        Ok(())
    }

    fn append_texts(
        &self,
        first_seq: Seq,
        texts: &[TextRow],
        faults: &dyn Faults,
    ) -> Result<(), StoreError> {
        let mut wtxn = self.write_txn()?;
        if self.stray_texts.swap(true, Relaxed) {
            self.remove_texts_from(&mut wtxn, first_seq)?;
        }
        for row in texts {
            self.texts
                .put(&mut wtxn, &text_key(row.seq, row.field), &row.bytes)
                .map_err(self.lmdb())?;
        }
        suffer(faults, Step::Texts)?;
        wtxn.commit().map_err(self.lmdb())
    }

    /// Makes sure, after an append that failed, that it left nothing behind: LMDB refuses every
    /// transaction once it could not tell.
    pub(crate) fn probe(&self, last: &Link) -> Result<(), StoreError> {
        drop(self.write_txn()?);
        let (first_seq, commits) = self.segments.last()?;
        let wtxn = commits.env.write_txn().map_err(self.lmdb())?;
        let found = commits.rows.last(&wtxn).map_err(self.lmdb())?;
        let is_last = match found {
            Some((_, value)) => value.first_chunk() == Some(&last.hash),
            // It has just begun.
            None => first_seq == last.last_seq + 1,
        };
        if is_last { Ok(()) } else { Err(StoreError::Stopped) }
    }

    /// Moves to the archive what `retention` does not keep at hand, up to `up_to`, which the tables
    /// have durably reached.
    pub(crate) fn archive(
        &self,
        up_to: Seq,
        now: Micros,
        retention: &Retention,
        faults: &dyn Faults,
    ) -> Result<(), StoreError> {
        self.segments.archive(up_to, now, retention, faults)
    }

    /// Makes sure that the files are there that hold the commits from `seq` on.
    pub(crate) fn require(&self, seq: Seq) -> Result<(), StoreError> {
        self.segments.require(seq)
    }

    /// The files of the commits, in order: the first sequence in each, and where it is.
    #[must_use]
    pub fn files(&self) -> Vec<(Seq, PathBuf)> {
        self.segments.paths()
    }

    /// Calls `seen` for each commit from the one that holds `from` on, verified and with its texts,
    /// until it breaks off. One read transaction for each file: be short, or the last one grows.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] and [`StoreError::UnknownFormat`] for a commit that cannot be
    /// served; what `seen` returns; I/O errors.
    pub fn read(
        &self,
        from: Seq,
        mut seen: impl FnMut(&Commit<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        for commits in self.segments.from(from) {
            let (commits, texts) = (commits?, self.read_txn()?);
            let rtxn = commits.env.read_txn().map_err(self.lmdb())?;
            let holds = commits.rows.get_lower_than_or_equal_to(&rtxn, &from);
            let start = holds.map_err(self.lmdb())?.map_or(from, |(key, _)| key);
            for row in commits.rows.range(&rtxn, &(start..)).map_err(self.lmdb())? {
                let (key, value) = row.map_err(self.lmdb())?;
                let mut commit = self.decode(key, value)?;
                self.restore_all_texts(&texts, &mut commit)?;
                // The last commit of all may end before `from`.
                if commit.head.last_seq() >= from && seen(&commit)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The commits of all files from the one that holds `seq` on.
    pub(crate) fn commits_from(
        &self,
        seq: Seq,
    ) -> impl Iterator<Item = Result<Commits, StoreError>> + '_ {
        self.segments.from(seq)
    }

    /// Gives `seen` the key and value of the commit that holds `seq`, unverified; `None` where
    /// there is none.
    pub(crate) fn with_commit<R>(
        &self,
        seq: Seq,
        seen: impl FnOnce(Seq, &[u8]) -> Result<R, StoreError>,
    ) -> Result<Option<R>, StoreError> {
        let Some(commits) = self.segments.from(seq).next().transpose()? else { return Ok(None) };
        let rtxn = commits.env.read_txn().map_err(self.lmdb())?;
        let found = commits.rows.get_lower_than_or_equal_to(&rtxn, &seq).map_err(self.lmdb())?;
        found.map(|(key, value)| seen(key, value)).transpose()
    }

    /// The link that the commit ending at `seq` makes, if there is one; it is verified.
    pub(crate) fn link(&self, seq: Seq) -> Result<Option<Link>, StoreError> {
        let found = self.with_commit(seq, |key, value| {
            let (hash, body) = commit::verify(value).map_err(|b| self.broken(key, b))?;
            let head = commit::decode_head(body).map_err(|b| self.broken(key, b))?;
            Ok(Link::of(&head, hash))
        })?;
        Ok(found.filter(|link| link.last_seq == seq))
    }

    /// The link that the commit at `key` makes after `last`.
    pub(crate) fn follow(
        &self,
        last: &Link,
        key: Seq,
        head: &Head,
        hash: &Digest,
    ) -> Result<Link, StoreError> {
        match last.refuses(key, head) {
            Some(what) => Err(self.broken(key, Broken::Differs(what))),
            None => Ok(Link::of(head, *hash)),
        }
    }

    /// A commit, verified, without the bodies of its texts.
    pub(crate) fn decode<'t>(&self, key: Seq, value: &'t [u8]) -> Result<Commit<'t>, StoreError> {
        let (hash, body) = commit::verify(value).map_err(|b| self.broken(key, b))?;
        let (head, entries) = commit::decode(body).map_err(|b| self.broken(key, b))?;
        Ok(Commit { key, head, hash, entries })
    }

    /// Puts the bodies of all its texts back into a commit.
    pub(crate) fn restore_all_texts<'t>(
        &self,
        rtxn: &'t RoTxn<'_, heed::WithoutTls>,
        commit: &mut Commit<'t>,
    ) -> Result<(), StoreError> {
        for (seq, entry) in (commit.head.first_seq..).zip(&mut commit.entries) {
            self.restore_texts(rtxn, commit.key, seq, entry)?;
        }
        Ok(())
    }

    /// Puts the bodies of its texts back into the entry at `seq` of the commit at `key`.
    pub(crate) fn restore_texts<'t>(
        &self,
        rtxn: &'t RoTxn<'_, heed::WithoutTls>,
        key: Seq,
        seq: Seq,
        entry: &mut Entry<'t>,
    ) -> Result<(), StoreError> {
        let fetch = |field| self.texts.get(rtxn, &text_key(seq, field)).map_err(self.lmdb());
        text::restore(entry, fetch, |field| {
            let what = format!("the {field:?} of entry {seq} is not the text of its digest");
            self.broken(key, Broken::Differs(what))
        })
    }
}
