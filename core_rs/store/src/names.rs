//! Names in order of arrival, found by their hash: what a window of repeats is made of.
//!
//! A name takes 24 bytes in a queue of chunks and 5 in a table of positions in that queue, at a
//! load of 7/8 to 7/16: 30 to 36 bytes. Neither ever moves all of its names at once: the queue
//! grows by a chunk, and the table is many small ones, each of which grows by itself.

use std::collections::VecDeque;

use creditgate_engine::values::Seq;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// A name's hash: 128 bits under a key that nobody outside knows.
pub(crate) type Hash = u128;

/// Names a chunk of the queue holds.
const CHUNK: usize = 4_096;
/// Names that one table is made for: what the order that has it grow waits for.
const NAMES_PER_TABLE: u64 = 1_024;
const TABLES_MAX: u64 = 1 << 14;

/// Of which kind a name is; a bit of its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One request or one entry.
    One,
    /// A bulk call as a whole. Few, and asked for by every new request: they have an index of
    /// their own, which stays in the processor's cache.
    Call,
}

const CALL_BIT: Seq = 1 << 63;

#[derive(Clone, Copy)]
struct Name {
    /// In two words, for a queue without padding.
    hash: [u64; 2],
    /// And, in its highest bit, the kind.
    seq: Seq,
}

impl Name {
    fn hash(&self) -> Hash {
        u128::from(self.hash[0]) << 64 | u128::from(self.hash[1])
    }

    fn kind(&self) -> Kind {
        if self.seq & CALL_BIT == 0 { Kind::One } else { Kind::Call }
    }
}

/// A name's place in the queue, counted from the first ever; it may wrap.
type Position = u32;

/// Most names at a time, so that no two have the same position.
pub(crate) const NAMES_MAX: u64 = Position::MAX as u64 / 2;

struct Queue {
    chunks: VecDeque<Vec<Name>>,
    /// Of the first name in the first chunk.
    base: Position,
    /// Names at the start of the first chunk that have left.
    left: usize,
    len: u64,
}

impl Queue {
    fn at(&self, position: Position) -> &Name {
        let offset = position.wrapping_sub(self.base) as usize;
        &self.chunks[offset / CHUNK][offset % CHUNK]
    }

    fn first(&self) -> Position {
        self.base.wrapping_add(self.left as Position)
    }

    fn push(&mut self, name: Name) -> Position {
        let position = self.first().wrapping_add(self.len as Position);
        match self.chunks.back_mut() {
            Some(last) if last.len() < CHUNK => last.push(name),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(name);
                self.chunks.push_back(chunk);
            }
        }
        self.len += 1;
        position
    }

    fn pop_first(&mut self) {
        self.left += 1;
        self.len -= 1;
        if self.left == CHUNK {
            self.chunks.pop_front();
            self.base = self.base.wrapping_add(CHUNK as Position);
            self.left = 0;
        }
    }

    fn pop_last(&mut self) {
        self.len -= 1;
        let Some(last) = self.chunks.back_mut() else { return };
        last.pop();
        if last.is_empty() {
            self.chunks.pop_back();
        }
    }
}

/// Positions by hash.
struct Index {
    tables: Box<[HashTable<Position>]>,
}

impl Index {
    fn new(names_max: u64) -> Index {
        let tables = (names_max / NAMES_PER_TABLE).clamp(1, TABLES_MAX).next_power_of_two();
        Index { tables: (0..tables).map(|_| HashTable::new()).collect() }
    }

    /// The low half chooses the table, the high half the place in it.
    fn table_of(&self, hash: Hash) -> usize {
        hash as usize & (self.tables.len() - 1)
    }

    fn find(&self, queue: &Queue, hash: Hash) -> Option<Position> {
        let table = &self.tables[self.table_of(hash)];
        table.find((hash >> 64) as u64, |at| queue.at(*at).hash() == hash).copied()
    }

    /// Returns whether the name is new; where it is not, it is the later one from now on.
    fn insert(&mut self, queue: &Queue, hash: Hash, position: Position) -> bool {
        let table = self.table_of(hash);
        let entry = self.tables[table].entry(
            (hash >> 64) as u64,
            |at| queue.at(*at).hash() == hash,
            |at| queue.at(*at).hash[0],
        );
        match entry {
            Entry::Occupied(mut known) => {
                *known.get_mut() = position;
                false
            }
            Entry::Vacant(free) => {
                free.insert(position);
                true
            }
        }
    }

    /// Returns whether the name was still this one.
    fn remove(&mut self, hash: Hash, position: Position) -> bool {
        let table = self.table_of(hash);
        let found = self.tables[table].find_entry((hash >> 64) as u64, |at| *at == position);
        found.is_ok_and(|known| {
            known.remove();
            true
        })
    }
}

/// Names with the sequence that each stands for, the oldest first.
pub(crate) struct Names {
    queue: Queue,
    ones: Index,
    calls: Index,
    /// Names that are found: all but those that came again later.
    found: u64,
}

impl Names {
    pub(crate) fn new(names_max: u64) -> Names {
        let queue = Queue { chunks: VecDeque::new(), base: 0, left: 0, len: 0 };
        Names { queue, ones: Index::new(names_max), calls: Index::new(0), found: 0 }
    }

    /// How many are found.
    pub(crate) fn found(&self) -> u64 {
        self.found
    }

    fn index(&mut self, kind: Kind) -> (&mut Index, &Queue) {
        match kind {
            Kind::One => (&mut self.ones, &self.queue),
            Kind::Call => (&mut self.calls, &self.queue),
        }
    }

    pub(crate) fn find(&self, hash: Hash, kind: Kind) -> Option<Seq> {
        let index = match kind {
            Kind::One => &self.ones,
            Kind::Call => &self.calls,
        };
        index.find(&self.queue, hash).map(|at| self.queue.at(at).seq & !CALL_BIT)
    }

    /// Adds a name as the latest, also where it is known already; returns whether it was not.
    pub(crate) fn push(&mut self, hash: Hash, seq: Seq, kind: Kind) -> bool {
        assert!(self.queue.len < u64::from(Position::MAX), "positions are unique");
        let flag = if kind == Kind::Call { CALL_BIT } else { 0 };
        let halves = [(hash >> 64) as u64, hash as u64];
        let position = self.queue.push(Name { hash: halves, seq: seq | flag });
        let (index, queue) = self.index(kind);
        let is_new = index.insert(queue, hash, position);
        self.found += u64::from(is_new);
        is_new
    }

    /// What the oldest name stands for.
    pub(crate) fn first_seq(&self) -> Option<Seq> {
        (self.queue.len > 0).then(|| self.queue.at(self.queue.first()).seq & !CALL_BIT)
    }

    pub(crate) fn pop_first(&mut self) {
        self.forget(self.queue.first());
        self.queue.pop_first();
    }

    pub(crate) fn pop_last(&mut self) {
        self.forget(self.queue.first().wrapping_add(self.queue.len as Position).wrapping_sub(1));
        self.queue.pop_last();
    }

    fn forget(&mut self, position: Position) {
        let name = *self.queue.at(position);
        let (index, _) = self.index(name.kind());
        let was_found = index.remove(name.hash(), position);
        self.found -= u64::from(was_found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any numbers will do for hashes, as long as they are spread.
    fn hash(n: u64) -> Hash {
        Hash::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }

    #[test]
    fn names_are_found_until_they_leave_at_either_end() {
        let mut names = Names::new(4 * NAMES_PER_TABLE);
        let kind = |n: u64| if n.is_multiple_of(7) { Kind::Call } else { Kind::One };
        for n in 0..20_000 {
            assert!(names.push(hash(n), n, kind(n)));
            if n >= 9_000 {
                names.pop_first();
            }
        }
        (0..500).for_each(|_| names.pop_last());
        for n in 0..20_000 {
            let expected = (11_000..19_500).contains(&n).then_some(n);
            assert_eq!(names.find(hash(n), kind(n)), expected, "{n}");
        }
        assert_eq!(names.found(), 8_500);
        assert_eq!(names.find(hash(11_001), Kind::Call), None, "kinds are apart");
        (0..8_500).for_each(|_| names.pop_last());
        assert_eq!((names.found(), names.queue.len), (0, 0));
        assert!(names.push(hash(1), 1, Kind::One), "it goes on where it was emptied");
        assert_eq!(names.find(hash(1), Kind::One), Some(1));
    }

    #[test]
    fn a_name_that_comes_again_is_the_later_one() {
        let mut names = Names::new(0);
        names.push(hash(1), 1, Kind::One);
        names.push(hash(2), 2, Kind::One);
        assert!(!names.push(hash(1), 3, Kind::One));
        assert_eq!(names.found(), 2);
        names.pop_first();
        assert_eq!((names.find(hash(1), Kind::One), names.found()), (Some(3), 2));
        names.pop_first();
        assert_eq!((names.find(hash(2), Kind::One), names.found()), (None, 1));
    }

    #[test]
    fn positions_may_wrap() {
        let mut names = Names::new(0);
        names.queue.base = Position::MAX - 5_000;
        for n in 0..20_000 {
            names.push(hash(n), n, Kind::One);
            if n >= 6_000 {
                names.pop_first();
            }
        }
        let found = (0..20_000).filter(|n| names.find(hash(*n), Kind::One) == Some(*n));
        assert!(found.eq(14_000..20_000));
    }
}
