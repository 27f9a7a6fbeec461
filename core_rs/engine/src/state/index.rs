//! Finding rows by what they say: a hash table of the rows' places.

use std::ops::Range;
use std::thread;

use hashbrown::HashTable;

/// Where a row stands among its kind.
pub(super) type Place = u32;

/// Tables that grow one at a time: a table of ten million places that doubles as a whole would hold
/// up a commit for the better part of a second.
const SHARDS: usize = 256;

/// Of how many places hashes are kept while they are added at once.
const BLOCK: usize = 1 << 20;

/// Places by the hash of what stands there. Whoever asks compares, and hashes again where a table
/// grows: the index itself keeps nothing but places.
pub(super) struct Index {
    shards: Box<[HashTable<Place>; SHARDS]>,
}

impl Default for Index {
    fn default() -> Index {
        Index { shards: Box::new([const { HashTable::new() }; SHARDS]) }
    }
}

/// Neither the lowest bits, which choose the bucket within a table, nor the highest, by which a
/// table tells entries of one bucket apart.
fn shard(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

impl Index {
    pub(super) fn find(&self, hash: u64, same: impl FnMut(Place) -> bool) -> Option<Place> {
        self.shards[shard(hash)].find(hash, by_value(same)).copied()
    }

    /// Adds a place whose row is not there yet.
    pub(super) fn insert(&mut self, hash: u64, place: Place, hash_of: impl Fn(Place) -> u64) {
        self.shards[shard(hash)].insert_unique(hash, place, |place| hash_of(*place));
    }

    pub(super) fn remove(&mut self, hash: u64, place: Place) {
        let found = self.shards[shard(hash)].find_entry(hash, |known| *known == place);
        found.expect("every row is in its index").remove();
    }

    /// Puts one place where another was.
    pub(super) fn replace(&mut self, hash: u64, was: Place, now: Place) {
        let found = self.shards[shard(hash)].find_mut(hash, |known| *known == was);
        *found.expect("every row is in its index") = now;
    }

    /// Makes room for about as many more.
    pub(super) fn reserve(&mut self, more: usize, hash_of: impl Fn(Place) -> u64) {
        // Hashes do not fall quite evenly.
        let each = more / SHARDS + more / SHARDS / 16;
        for shard in self.shards.iter_mut() {
            shard.reserve(each, |place| hash_of(*place));
        }
    }

    /// Adds places whose rows are all there, on `threads`. Places are first sorted by table: a
    /// table is then filled by one thread, while the cache holds it.
    pub(super) fn extend(
        &mut self,
        places: Range<Place>,
        threads: usize,
        hash_of: impl Fn(Place) -> u64 + Sync,
    ) {
        self.reserve(places.len(), &hash_of);
        let hash_of = &hash_of;
        for block in split(places, BLOCK) {
            let sorted: Vec<Sorted> = thread::scope(|scope| {
                let parts = split(block.clone(), block.len().div_ceil(threads));
                let running = parts.map(|part| scope.spawn(move || sort(part, hash_of)));
                let running = Vec::from_iter(running);
                running.into_iter().map(|part| part.join().expect("hashing is total")).collect()
            });
            let (sorted, each) = (&sorted, SHARDS.div_ceil(threads));
            thread::scope(|scope| {
                for (first, shards) in (0..).step_by(each).zip(self.shards.chunks_mut(each)) {
                    scope.spawn(move || {
                        for (shard, table) in (first..).zip(shards) {
                            for &(hash, place) in sorted.iter().flat_map(|part| &part[shard]) {
                                table.insert_unique(hash, place, |place| hash_of(*place));
                            }
                        }
                    });
                }
            });
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Place> + '_ {
        self.shards.iter().flatten().copied()
    }
}

/// By table: hashes and places.
type Sorted = Vec<Vec<(u64, Place)>>;

fn sort(places: Range<Place>, hash_of: impl Fn(Place) -> u64) -> Sorted {
    let room = || Vec::with_capacity(places.len() / SHARDS);
    let mut sorted = Vec::from_iter(std::iter::repeat_with(room).take(SHARDS));
    for place in places {
        let hash = hash_of(place);
        sorted[shard(hash)].push((hash, place));
    }
    sorted
}

/// A range in parts of `len`.
fn split(range: Range<Place>, len: usize) -> impl Iterator<Item = Range<Place>> {
    let end = range.end;
    range.step_by(len.max(1)).map(move |start| start..end.min(start.saturating_add(len as Place)))
}

fn by_value(mut same: impl FnMut(Place) -> bool) -> impl FnMut(&Place) -> bool {
    move |place| same(*place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_added_at_once_are_found_like_others() {
        let hash_of = |place: Place| u64::from(place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut index = Index::default();
        index.insert(hash_of(0), 0, hash_of);
        let count = BLOCK as Place + 7;
        index.extend(1..count, 3, hash_of);
        index.extend(count..count, 3, hash_of);
        for place in (0..count).step_by(1_000).chain([count - 1]) {
            assert_eq!(index.find(hash_of(place), |found| found == place), Some(place));
        }
        assert_eq!(index.iter().count(), count as usize);
    }
}
