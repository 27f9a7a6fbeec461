//! The counters map: what every account owes and holds, for any process to read as it changes.
//!
//! A header of 4,096 bytes, then one record of 64 bytes per slot; all words are `u64` or `i64` in
//! the machine's byte order. The map is a cache: it is rewritten whenever the store is opened, in
//! the same file, so that readers keep their mapping. While it is rewritten its generation is zero,
//! afterwards it is the store's epoch, which is new at each open. It grows in place: the header's
//! capacity tells a reader to map more.
//!
//! | word of the header | holds |
//! |---|---|
//! | 0 | `creditgt` |
//! | 1 | format |
//! | 2 | generation; zero: not to be read |
//! | 3 | capacity in records |
//! | 4 | accounts |
//! | 5 | sequence of the journal that is published in full |
//! | 6 | heartbeat of the writer, in microseconds since 1970 |
//!
//! | word of a record | holds |
//! |---|---|
//! | 0 | sequence lock: odd while the record is being written |
//! | 1 | first eight bytes of the SHA-256 of the account id, little-endian |
//! | 2, 3, 4 | outstanding, captured, reserved |
//! | 5 | the account's own limit; zero unless it is an amount |
//! | 6 | from the lowest byte: status, limit kind, two of zero, three letters of currency |
//! | 7 | sequence of the journal when it was written |
//!
//! Status: 0 active, 1 suspended, 2 closed. Limit kind: 0 amount, 1 unlimited, 2 no credit, 3
//! inherit.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::fence;

use creditgate_engine::model::{Counters, Status, Terms};
use creditgate_engine::values::{LimitKind, Micros, Minor, Seq, Slot};
use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::map::Map;
use crate::space::allocate;

/// The format of the map.
pub const COUNTERS_FORMAT: u64 = 1;

const MAGIC: u64 = u64::from_le_bytes(*b"creditgt");
const HEADER_BYTES: usize = 4_096;
const RECORD_BYTES: usize = 64;
const RECORD_WORDS: usize = RECORD_BYTES / 8;
const CAPACITY_MIN: usize = 1_024;
/// How often a reader looks again at a record that is being written. A writer needs nanoseconds;
/// one that was killed half-way never finishes.
const READS_MAX: u32 = 10_000;

const _: () = assert!(HEADER_BYTES.is_multiple_of(RECORD_BYTES));

#[derive(Clone, Copy)]
enum Header {
    Magic = 0,
    Format = 1,
    Generation = 2,
    Capacity = 3,
    Count = 4,
    JournalSeq = 5,
    Heartbeat = 6,
}

/// One account as the map shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountersRecord {
    /// First eight bytes of the SHA-256 of the account id, little-endian.
    pub id_hash: u64,
    /// Posted by the ledger and not paid.
    pub outstanding: Minor,
    /// Shipped, not yet seen in the ledger.
    pub captured: Minor,
    /// Held by open orders.
    pub reserved: Minor,
    /// The account's own limit; zero unless its kind is an amount.
    pub limit: Minor,
    /// 0 active, 1 suspended, 2 closed.
    pub status: u8,
    /// 0 amount, 1 unlimited, 2 no credit, 3 inherit.
    pub limit_kind: u8,
    /// Three letters.
    pub currency: [u8; 3],
    /// Of the commit that wrote it.
    pub journal_seq: Seq,
}

impl CountersRecord {
    pub(crate) fn of(
        account_id: &str,
        terms: &Terms,
        counters: &Counters,
        journal_seq: Seq,
    ) -> CountersRecord {
        let digest = Sha256::digest(account_id.as_bytes());
        let id_hash =
            u64::from_le_bytes(digest[..8].try_into().expect("eight bytes of thirty-two"));
        CountersRecord { id_hash, ..CountersRecord::again(terms, counters, journal_seq) }
    }

    /// As `of`, without the digest of the id: for [`CountersMap::publish_again`].
    pub(crate) fn again(terms: &Terms, counters: &Counters, journal_seq: Seq) -> CountersRecord {
        let (limit, limit_kind) = match terms.limit.kind {
            LimitKind::Amount(amount) => (amount, 0),
            LimitKind::Unlimited => (0, 1),
            LimitKind::NoCredit => (0, 2),
            LimitKind::Inherit => (0, 3),
        };
        CountersRecord {
            id_hash: 0,
            outstanding: counters.outstanding,
            captured: counters.captured,
            reserved: counters.reserved,
            limit,
            status: match terms.status {
                Status::Active => 0,
                Status::Suspended => 1,
                Status::Closed => 2,
            },
            limit_kind,
            currency: terms.currency.to_bytes(),
            journal_seq,
        }
    }

    fn to_words(self) -> [u64; RECORD_WORDS - 1] {
        let [a, b, c] = self.currency;
        let flags = u64::from_le_bytes([self.status, self.limit_kind, 0, 0, a, b, c, 0]);
        [
            self.id_hash,
            self.outstanding.cast_unsigned(),
            self.captured.cast_unsigned(),
            self.reserved.cast_unsigned(),
            self.limit.cast_unsigned(),
            flags,
            self.journal_seq,
        ]
    }

    fn from_words(words: [u64; RECORD_WORDS - 1]) -> CountersRecord {
        let [id_hash, outstanding, captured, reserved, limit, flags, journal_seq] = words;
        let [status, limit_kind, _, _, a, b, c, _] = flags.to_le_bytes();
        CountersRecord {
            id_hash,
            outstanding: outstanding.cast_signed(),
            captured: captured.cast_signed(),
            reserved: reserved.cast_signed(),
            limit: limit.cast_signed(),
            status,
            limit_kind,
            currency: [a, b, c],
            journal_seq,
        }
    }
}

fn record_word(slot: Slot) -> usize {
    (HEADER_BYTES / RECORD_BYTES + slot as usize) * RECORD_WORDS
}

fn bytes_for(capacity: usize) -> usize {
    HEADER_BYTES + capacity * RECORD_BYTES
}

fn capacity_of(map: &Map) -> usize {
    (map.len_bytes() - HEADER_BYTES) / RECORD_BYTES
}

/// The map as its one writer has it.
pub(crate) struct CountersMap {
    path: PathBuf,
    file: File,
    map: Map,
}

impl CountersMap {
    /// Opens the map's file or makes it, with room for `accounts`, and marks it as not to be read.
    pub(crate) fn open(path: PathBuf, accounts: usize) -> Result<CountersMap, StoreError> {
        let io = |e| StoreError::io(&path, e);
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(io)?;
        let known = (file.metadata().map_err(io)?.len() as usize).saturating_sub(HEADER_BYTES);
        let wanted = accounts.next_multiple_of(CAPACITY_MIN).max(CAPACITY_MIN);
        let len_bytes = bytes_for(wanted.max(known / RECORD_BYTES));
        allocate(&mut file, len_bytes as u64).map_err(io)?;
        let map = Map::new(&file, len_bytes, true).map_err(io)?;
        let counters = CountersMap { path, file, map };
        counters.set(Header::Generation, 0);
        counters.set(Header::Magic, MAGIC);
        counters.set(Header::Format, COUNTERS_FORMAT);
        counters.set(Header::Capacity, capacity_of(&counters.map) as u64);
        Ok(counters)
    }

    fn set(&self, word: Header, value: u64) {
        self.map.word(word as usize).store(value, Release);
    }

    /// All records are written: readers may read, and know by `generation` that it was rewritten.
    pub(crate) fn release(&self, generation: u64) {
        self.set(Header::Generation, generation);
    }

    /// How many accounts there is room for.
    pub(crate) fn capacity(&self) -> usize {
        capacity_of(&self.map)
    }

    /// Makes room for `accounts`, and for at least an eighth more than before: mapping a longer
    /// file copies nothing, and twice as much would be a quarter of what an account takes.
    pub(crate) fn grow(&mut self, accounts: usize) -> Result<(), StoreError> {
        let more = self.capacity() + self.capacity() / 8;
        let capacity = accounts.max(more).next_multiple_of(CAPACITY_MIN);
        let len_bytes = bytes_for(capacity);
        let io = |e| StoreError::io(&self.path, e);
        allocate(&mut self.file, len_bytes as u64).map_err(io)?;
        self.map = Map::new(&self.file, len_bytes, true).map_err(io)?;
        self.set(Header::Capacity, capacity as u64);
        Ok(())
    }

    /// Brings a record into the cache.
    #[inline]
    pub(crate) fn fetch(&self, slot: Slot) {
        black_box(self.map.word(record_word(slot)).load(Relaxed));
    }

    /// Writes one record.
    pub(crate) fn publish(&self, slot: Slot, record: &CountersRecord) {
        self.write(slot, record, 0);
    }

    /// Writes one record whose account the map has shown since it was opened: the digest of its id,
    /// the costliest part, stays as it is.
    pub(crate) fn publish_again(&self, slot: Slot, record: &CountersRecord) {
        self.write(slot, record, 1);
    }

    /// Writes the words of a record from `from` on.
    fn write(&self, slot: Slot, record: &CountersRecord, from: usize) {
        let first = record_word(slot);
        let lock = self.map.word(first);
        // A predecessor that was killed may have left the lock odd, or a broken file anything at
        // all: the next even one is free.
        let found = lock.load(Relaxed);
        let before = found.wrapping_add(found % 2);
        lock.store(before.wrapping_add(1), Relaxed);
        // No store below may be seen before the odd lock.
        fence(Release);
        for (word, value) in (first + 1..).zip(record.to_words()).skip(from) {
            self.map.word(word).store(value, Relaxed);
        }
        lock.store(before.wrapping_add(2), Release);
    }

    /// All records are as of `seq`.
    pub(crate) fn reached(&self, accounts: usize, seq: Seq) {
        self.set(Header::Count, accounts as u64);
        self.set(Header::JournalSeq, seq);
    }

    /// The writer lives.
    pub(crate) fn heartbeat(&self, now: Micros) {
        self.set(Header::Heartbeat, now.cast_unsigned());
    }
}

/// Reads a store's counters map, in the same process or in another.
pub struct CountersReader {
    path: PathBuf,
    file: File,
    map: Map,
}

impl CountersReader {
    /// Opens `counters.map` in a store's folder.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] when there is none or it is too short; [`StoreError::UnknownFormat`].
    pub fn open(path: &Path) -> Result<CountersReader, StoreError> {
        let io = |e| StoreError::io(path, e);
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.len() < HEADER_BYTES as u64 {
            let error = std::io::Error::other("too short for a counters map");
            return Err(io(error));
        }
        let map = Map::new(&file, HEADER_BYTES, false).map_err(io)?;
        let reader = CountersReader { path: path.to_owned(), file, map };
        let found = reader.header(Header::Format);
        if reader.header(Header::Magic) != MAGIC || found != COUNTERS_FORMAT {
            let (path, known) = (path.to_owned(), COUNTERS_FORMAT);
            return Err(StoreError::UnknownFormat { path, found, known });
        }
        Ok(reader)
    }

    fn header(&self, word: Header) -> u64 {
        self.map.word(word as usize).load(Acquire)
    }

    /// Changes whenever the store is opened; zero while the map is being rewritten.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.header(Header::Generation)
    }

    /// How many accounts there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.header(Header::Count)
    }

    /// Every change up to this sequence of the journal is shown.
    #[must_use]
    pub fn journal_seq(&self) -> Seq {
        self.header(Header::JournalSeq)
    }

    /// When the writer last said that it lives, in microseconds since 1970.
    #[must_use]
    pub fn heartbeat(&self) -> Micros {
        self.header(Header::Heartbeat).cast_signed()
    }

    /// The record of a slot, never half of an update; `None` while the map is being rewritten, when
    /// the slot is free, and when a writer was killed in the middle of this record.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] when a grown map cannot be mapped.
    pub fn read(&mut self, slot: Slot) -> Result<Option<CountersRecord>, StoreError> {
        let generation = self.generation();
        if generation == 0 || u64::from(slot) >= self.count() {
            return Ok(None);
        }
        if slot as usize >= capacity_of(&self.map) {
            self.map_all().map_err(|e| StoreError::io(&self.path, e))?;
        }
        let record = self.read_record(record_word(slot));
        Ok(record.filter(|_| self.generation() == generation))
    }

    fn map_all(&mut self) -> std::io::Result<()> {
        let len_bytes = bytes_for(self.header(Header::Capacity) as usize);
        if self.file.metadata()?.len() < len_bytes as u64 {
            return Err(std::io::Error::other("shorter than its header says"));
        }
        self.map = Map::new(&self.file, len_bytes, false)?;
        Ok(())
    }

    fn read_record(&self, first: usize) -> Option<CountersRecord> {
        let lock = self.map.word(first);
        for _ in 0..READS_MAX {
            let before = lock.load(Acquire);
            let words = std::array::from_fn(|i| self.map.word(first + 1 + i).load(Relaxed));
            // No load above may be made after this look at the lock.
            fence(Acquire);
            if before.is_multiple_of(2) && lock.load(Relaxed) == before {
                return Some(CountersRecord::from_words(words));
            }
            std::hint::spin_loop();
        }
        None
    }
}
