//! The windows' names beside the tables' rows, so that a start needs no journal before them.
//!
//! A chunk holds names of one kind in order. Its key is the kind (0 request ids, 1 ids of ledger
//! entries) and the sequence of its first entry; its value:
//!
//! | bytes | hold |
//! |---|---|
//! | 8, 4 | time of the last commit in it; number of names |
//! | per commit: 8, 4 | its time; number of its names |
//! | per name: 16, 4, 4 | hash; row, its highest bit set in a bulk call; entries since the first |
//!
//! all big-endian. Chunks whose names have left the window go as others come.

use std::collections::VecDeque;

use creditgate_engine::values::{Micros, Seq};
use heed::RwTxn;

use crate::commit::Commit;
use crate::error::StoreError;
use crate::options::WindowBounds;
use crate::tables::Tables;
use crate::window::{self, HashKey, Key, Windows};

/// Sixteen pages of LMDB, whose first holds a head: all large chunks take equally many, so that one
/// that goes leaves room for one that comes.
const CHUNK_BYTES_MAX: usize = 16 * 4_096 - 16;
const HEAD_BYTES: usize = 12;
const GROUP_BYTES: usize = 12;
const NAME_BYTES: usize = 24;
const ROW_BIT: u32 = 1 << 31;

/// Key of a chunk.
pub(crate) type ChunkKey = [u8; 9];

/// What is known of a chunk without its names.
struct Head {
    key: ChunkKey,
    last_time: Micros,
    count: u32,
}

/// A chunk under construction.
struct Chunk {
    head: Head,
    first_seq: Seq,
    bytes: Vec<u8>,
    /// Where in `bytes` the last commit's number of names stands, and its sequence.
    group: Option<(usize, Seq)>,
}

impl Chunk {
    fn new(kind: usize, first_seq: Seq) -> Chunk {
        let mut key = [kind as u8; 9];
        key[1..].copy_from_slice(&first_seq.to_be_bytes());
        let head = Head { key, last_time: Micros::MIN, count: 0 };
        Chunk { head, first_seq, bytes: vec![0; HEAD_BYTES], group: None }
    }

    fn has_room(&self, seq: Seq) -> bool {
        self.bytes.len() + GROUP_BYTES + NAME_BYTES <= CHUNK_BYTES_MAX
            && u32::try_from(seq - self.first_seq).is_ok()
    }

    fn add(&mut self, commit: Seq, time: Micros, name: &Name, seq: Seq) {
        let at = match self.group {
            Some((at, of)) if of == commit => at,
            _ => {
                self.bytes.extend_from_slice(&time.to_be_bytes());
                self.bytes.extend_from_slice(&[0; 4]);
                self.head.last_time = time;
                self.bytes.len() - 4
            }
        };
        self.group = Some((at, commit));
        let count = read_u32(&self.bytes[at..]) + 1;
        self.bytes[at..at + 4].copy_from_slice(&count.to_be_bytes());
        self.head.count += 1;
        self.bytes.extend_from_slice(&name.hash.to_be_bytes());
        self.bytes.extend_from_slice(&name.row.to_be_bytes());
        self.bytes.extend_from_slice(&((seq - self.first_seq) as u32).to_be_bytes());
    }

    fn finish(&mut self) -> &[u8] {
        self.bytes[..8].copy_from_slice(&self.head.last_time.to_be_bytes());
        self.bytes[8..HEAD_BYTES].copy_from_slice(&self.head.count.to_be_bytes());
        &self.bytes
    }
}

/// A name as a chunk holds it.
struct Name {
    hash: u128,
    row: u32,
}

impl Name {
    /// The name and its kind.
    fn of(key: Key) -> Option<(usize, Name)> {
        match key {
            Key::Request { id, row, is_row } => {
                debug_assert!(row < ROW_BIT, "a bulk call has a bounded number of rows");
                Some((0, Name { hash: id, row: row | if is_row { ROW_BIT } else { 0 } }))
            }
            Key::Entry(hash) => Some((1, Name { hash, row: 0 })),
            Key::None => None,
        }
    }

    fn key(&self, kind: u8) -> Key {
        match kind {
            0 => Key::Request {
                id: self.hash,
                row: self.row & !ROW_BIT,
                is_row: self.row & ROW_BIT != 0,
            },
            _ => Key::Entry(self.hash),
        }
    }
}

fn read_u32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"))
}

/// The writing half, of the follower.
pub(crate) struct NameLog {
    hash_key: HashKey,
    bounds: [WindowBounds; 2],
    /// On disk, the oldest first.
    written: [VecDeque<Head>; 2],
    /// Not on disk.
    pending: [Vec<Chunk>; 2],
    /// Time of the last commit noted.
    now: Micros,
}

impl NameLog {
    pub(crate) fn open(
        tables: &Tables,
        requests: WindowBounds,
        entries: WindowBounds,
    ) -> Result<NameLog, StoreError> {
        let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
        let mut written = [VecDeque::new(), VecDeque::new()];
        for row in tables.names.iter(&rtxn).map_err(lmdb)? {
            let (key, value) = row.map_err(lmdb)?;
            let head = read_head(key, value).ok_or_else(|| bad(tables))?;
            written[usize::from(head.key[0])].push_back(head);
        }
        let hash_key = tables.hash_key()?;
        let pending = [Vec::new(), Vec::new()];
        Ok(NameLog { hash_key, bounds: [requests, entries], written, pending, now: Micros::MIN })
    }

    /// Notes the names of a commit.
    pub(crate) fn note(&mut self, commit: &Commit<'_>) {
        self.now = commit.head.time;
        for (seq, entry) in (commit.head.first_seq..).zip(&commit.entries) {
            let key = window::key(&self.hash_key, &entry.request.command.identity());
            let Some((kind, name)) = Name::of(key) else { continue };
            let chunks = &mut self.pending[kind];
            if !chunks.last().is_some_and(|chunk| chunk.has_room(seq)) {
                chunks.push(Chunk::new(kind, seq));
            }
            if let Some(chunk) = chunks.last_mut() {
                chunk.add(commit.head.first_seq, commit.head.time, &name, seq);
            }
        }
    }

    /// How many names wait to be written.
    pub(crate) fn pending_count(&self) -> usize {
        self.pending.iter().flatten().map(|chunk| chunk.head.count as usize).sum()
    }

    /// Time of the last commit noted.
    pub(crate) fn now(&self) -> Micros {
        self.now
    }

    /// Writes what was noted; on an error the transaction is to be dropped.
    pub(crate) fn write(&mut self, tables: &Tables, wtxn: &mut RwTxn<'_>) -> heed::Result<()> {
        for kind in 0..2 {
            for chunk in &mut self.pending[kind] {
                let key = chunk.head.key;
                tables.names.put(wtxn, &key, chunk.finish())?;
            }
            for head in self.written[kind].iter().take(self.surplus(kind)) {
                tables.names.delete(wtxn, &head.key)?;
            }
        }
        Ok(())
    }

    /// How many of the oldest chunks on disk hold nothing of the window any more.
    fn surplus(&self, kind: usize) -> usize {
        let WindowBounds { count_max, age_max_us } = self.bounds[kind];
        let pending = self.pending[kind].iter().map(|chunk| u64::from(chunk.head.count));
        let written = self.written[kind].iter().map(|head| u64::from(head.count));
        let mut rest = pending.sum::<u64>() + written.sum::<u64>();
        let gone = self.written[kind].iter().take_while(|head| {
            rest -= u64::from(head.count);
            rest >= count_max || self.now.saturating_sub(head.last_time) > age_max_us
        });
        gone.count()
    }

    /// What was written is durable.
    pub(crate) fn settle(&mut self) {
        for kind in 0..2 {
            let gone = self.surplus(kind);
            self.written[kind].drain(..gone);
            self.written[kind].extend(self.pending[kind].drain(..).map(|chunk| chunk.head));
        }
    }

    /// What was noted is to be noted again.
    pub(crate) fn discard(&mut self) {
        self.pending = [Vec::new(), Vec::new()];
    }
}

fn bad(tables: &Tables) -> StoreError {
    tables.bad_row("a row of names cannot be read".to_owned())
}

fn read_head(key: &[u8], value: &[u8]) -> Option<Head> {
    let key: ChunkKey = key.try_into().ok().filter(|key: &ChunkKey| key[0] < 2)?;
    let (last_time, rest) = value.split_first_chunk()?;
    let (count, _) = rest.split_first_chunk()?;
    let last_time = Micros::from_be_bytes(*last_time);
    Some(Head { key, last_time, count: u32::from_be_bytes(*count) })
}

/// Puts all names that are kept into new windows.
pub(crate) fn load(
    tables: &Tables,
    requests: WindowBounds,
    entries: WindowBounds,
) -> Result<Windows, StoreError> {
    let mut windows = Windows::new(tables.hash_key()?, requests, entries);
    let (rtxn, lmdb) = (tables.read_txn()?, tables.lmdb());
    for row in tables.names.iter(&rtxn).map_err(lmdb)? {
        let (key, value) = row.map_err(lmdb)?;
        load_chunk(&mut windows, key, value).ok_or_else(|| bad(tables))?;
    }
    Ok(windows)
}

fn load_chunk(windows: &mut Windows, key: &[u8], value: &[u8]) -> Option<()> {
    let head = read_head(key, value)?;
    let (kind, first_seq) = (head.key[0], Seq::from_be_bytes(*head.key.last_chunk()?));
    let (mut rest, mut found) = (&value[HEAD_BYTES..], 0);
    while let Some((group, names)) = rest.split_first_chunk::<GROUP_BYTES>() {
        let (time, count) = group.split_first_chunk()?;
        let count = read_u32(count) as usize;
        let (names, after) = names.split_at_checked(count.checked_mul(NAME_BYTES)?)?;
        let names = names.as_chunks::<NAME_BYTES>().0.iter().map(|name| {
            let hash = u128::from_be_bytes(*name.first_chunk().expect("sixteen of twenty-four"));
            let (row, seq) = (read_u32(&name[16..]), read_u32(&name[20..]));
            (Name { hash, row }.key(kind), first_seq + Seq::from(seq))
        });
        windows.restore(Micros::from_be_bytes(*time), names);
        found += count;
        rest = after;
    }
    (rest.is_empty() && found == head.count as usize).then_some(())
}
