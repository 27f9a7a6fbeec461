//! The journal: an LMDB environment with one value per commit, appended and never overwritten.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use creditgate_engine::values::{Micros, Seq};
use heed::byteorder::BigEndian;
use heed::types::{Bytes, Str, U64};
use heed::{CommitOrAbort, Database, EnvFlags, PutFlags, RoTxn, RwTxn};

use crate::commit::{self, Broken, Commit, Digest, FORMAT, Head, NO_HASH};
use crate::error::StoreError;
use crate::folder::{Env, open_env};
use crate::options::{Faults, Step, suffer};
use crate::text::{self, TextField};

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) last_seq: Seq,
    pub(crate) time: Micros,
    pub(crate) hash: Digest,
    pub(crate) epoch: u64,
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

/// The journal of an open store. Reading takes a short transaction and hinders nobody; only the
/// store writes.
#[derive(Clone)]
pub struct Journal {
    path: Arc<Path>,
    env: Env,
    /// First sequence → digest and body of the commit.
    commits: Database<'static, U64<BigEndian>, Bytes>,
    /// Sequence and [`TextField`] → salt and text. What may be erased.
    texts: Database<'static, Bytes, Bytes>,
    /// `format` and `epoch`, as big-endian `u64`.
    meta: Database<'static, Str, U64<BigEndian>>,
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

impl Journal {
    pub(crate) fn open(path: PathBuf, map_size_bytes: usize) -> Result<Journal, StoreError> {
        let lmdb = StoreError::lmdb(&path);
        let env = open_env(&path, map_size_bytes, 3, EnvFlags::empty())?;
        let wtxn = env.write_txn().map_err(lmdb)?;
        let (commits, texts, meta) = env
            .create_databases_and_commit(wtxn, |opener, wtxn| {
                let commits = opener.create_database(wtxn, Some("commits"))?;
                let texts = opener.create_database(wtxn, Some("texts"))?;
                let meta = opener.create_database(wtxn, Some("meta"))?;
                Ok(CommitOrAbort::<_, ()>::Commit((commits, texts, meta)))
            })
            .map_err(lmdb)?
            .unwrap_commit();
        let journal = Journal { path: path.into(), env, commits, texts, meta };
        journal.check_format()?;
        Ok(journal)
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let mut wtxn = self.write_txn()?;
        match self.meta.get(&wtxn, "format").map_err(self.lmdb())? {
            Some(FORMAT) => Ok(()),
            Some(found) => {
                Err(StoreError::UnknownFormat { path: self.path().into(), found, known: FORMAT })
            }
            None => {
                self.meta.put(&mut wtxn, "format", &FORMAT).map_err(self.lmdb())?;
                wtxn.commit().map_err(self.lmdb())
            }
        }
    }

    /// Counts one more opening and returns the count. Called once the chain is known to be whole.
    pub(crate) fn next_epoch(&self) -> Result<u64, StoreError> {
        let mut wtxn = self.write_txn()?;
        let epoch = self.meta.get(&wtxn, "epoch").map_err(self.lmdb())?.unwrap_or_default() + 1;
        self.meta.put(&mut wtxn, "epoch", &epoch).map_err(self.lmdb())?;
        wtxn.commit().map_err(self.lmdb())?;
        Ok(epoch)
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
        let path = self.path().into();
        match broken {
            Broken::Format(found) => StoreError::UnknownFormat { path, found, known: FORMAT },
            Broken::Differs(what) => StoreError::Damaged { path, first_seq, what },
        }
    }

    /// Makes a commit durable. After an error for want of space the environment is as before.
    pub(crate) fn append(
        &self,
        first_seq: Seq,
        value: &[u8],
        texts: &[TextRow],
        faults: &dyn Faults,
    ) -> Result<(), StoreError> {
        suffer(faults, Step::Append)?;
        let mut wtxn = self.write_txn()?;
        self.commits
            .put_with_flags(&mut wtxn, PutFlags::APPEND, &first_seq, value)
            .map_err(self.lmdb())?;
        for row in texts {
            self.texts
                .put(&mut wtxn, &text_key(row.seq, row.field), &row.bytes)
                .map_err(self.lmdb())?;
        }
        suffer(faults, Step::Commit)?;
        wtxn.commit().map_err(self.lmdb())
    }

    /// Makes sure, after an append that failed, that it left nothing behind: LMDB refuses every
    /// transaction once it could not tell.
    pub(crate) fn probe(&self, last: &Link) -> Result<(), StoreError> {
        let wtxn = self.write_txn()?;
        let found = self.commits.last(&wtxn).map_err(self.lmdb())?;
        let hash =
            found.map_or(NO_HASH, |(_, value)| value.first_chunk().copied().unwrap_or(NO_HASH));
        if hash == last.hash { Ok(()) } else { Err(StoreError::Stopped) }
    }

    /// Calls `seen` for each commit from the one that holds `from` on, verified and with its texts,
    /// until it breaks off. One read transaction: be short, or the file grows.
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
        let rtxn = self.read_txn()?;
        let start = self.commit_of(&rtxn, from)?.map_or(from, |(key, _)| key);
        for row in self.commits.range(&rtxn, &(start..)).map_err(self.lmdb())? {
            let (key, value) = row.map_err(self.lmdb())?;
            let mut commit = self.decode(key, value)?;
            self.restore_all_texts(&rtxn, &mut commit)?;
            // The last commit of all may end before `from`.
            if commit.head.last_seq() >= from && seen(&commit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The keys and values of all commits after `seq`, unverified.
    pub(crate) fn rows_after<'t>(
        &'t self,
        rtxn: &'t RoTxn<'_, heed::WithoutTls>,
        seq: Seq,
    ) -> Result<impl Iterator<Item = Result<(Seq, &'t [u8]), StoreError>>, StoreError> {
        let rows = self.commits.range(rtxn, &(seq + 1..)).map_err(self.lmdb())?;
        Ok(rows.map(|row| row.map_err(self.lmdb())))
    }

    /// The link that the commit ending at `seq` makes, if there is one; it is verified.
    pub(crate) fn link(&self, seq: Seq) -> Result<Option<Link>, StoreError> {
        let rtxn = self.read_txn()?;
        let Some((key, value)) = self.commit_of(&rtxn, seq)? else { return Ok(None) };
        let (hash, body) = commit::verify(value).map_err(|b| self.broken(key, b))?;
        let head = commit::decode_head(body).map_err(|b| self.broken(key, b))?;
        Ok(Some(Link::of(&head, hash)).filter(|link| link.last_seq == seq))
    }

    /// The link that `commit` makes after `last`.
    pub(crate) fn follow(&self, last: &Link, commit: &Commit<'_>) -> Result<Link, StoreError> {
        match last.refuses(commit.key, &commit.head) {
            Some(what) => Err(self.broken(commit.key, Broken::Differs(what))),
            None => Ok(Link::of(&commit.head, commit.hash)),
        }
    }

    /// The key and value of the commit that holds `seq`, unverified.
    pub(crate) fn commit_of<'t>(
        &self,
        rtxn: &'t RoTxn<'_, heed::WithoutTls>,
        seq: Seq,
    ) -> Result<Option<(Seq, &'t [u8])>, StoreError> {
        self.commits.get_lower_than_or_equal_to(rtxn, &seq).map_err(self.lmdb())
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
        entry: &mut creditgate_engine::entry::Entry<'t>,
    ) -> Result<(), StoreError> {
        let fetch = |field| self.texts.get(rtxn, &text_key(seq, field)).map_err(self.lmdb());
        text::restore(entry, fetch, |field| {
            let what = format!("the {field:?} of entry {seq} is not the text of its digest");
            self.broken(key, Broken::Differs(what))
        })
    }
}
