//! Finding rows by what they say: a hash table of the rows' places.

use std::ops::Range;
use std::thread;

use hashbrown::HashTable;

/// Where a row stands among its kind.
pub(super) type Place = u32;

/// Tables that grow one at a time: a table of ten million places that doubles as a whole would hold
/// up a commit for the better part of a second.
const SHARDS: usize = 256;

/// So many of 256 hashes choose the later one of two tables: the last table then has twice as many
/// places as the first, and the others lie between. Tables of one size all double at once, since
/// ids that count up are hashed very evenly, and hold up all commits together.
const LATER_OF_TWO: usize = 85;

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
    let [chance, one, other] = [24, 32, 40].map(|bits| (hash >> bits) as usize % 256);
    one.max(if chance < LATER_OF_TWO { other } else { 0 })
}

/// How many of so many places fall to a table, on average.
fn part_of(places: usize, shard: usize) -> usize {
    let chances = (256 - LATER_OF_TWO) * 256 + LATER_OF_TWO * (2 * shard + 1);
    ((places as u128 * chances as u128) >> 24) as usize
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
        for (shard, table) in self.shards.iter_mut().enumerate() {
            let part = part_of(more, shard);
            table.reserve(part + part / 16, |place| hash_of(*place)); // Chance adds some.
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
            // Every thread gets small and large tables.
            let mut parts = Vec::from_iter(std::iter::repeat_with(Vec::new).take(threads));
            for (shard, table) in self.shards.iter_mut().enumerate() {
                parts[shard % threads].push((shard, table));
            }
            let sorted = &sorted;
            thread::scope(|scope| {
                for part in parts {
                    scope.spawn(move || {
                        for (shard, table) in part {
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
    let room = |shard| Vec::with_capacity(part_of(places.len(), shard));
    let mut sorted = Vec::from_iter((0..SHARDS).map(room));
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
    use std::cell::Cell;

    use super::*;

    /// As even as those of ids that count up are.
    fn even_hash(place: Place) -> u64 {
        u64::from(place).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn tables_hold_what_is_expected_and_double_one_at_a_time() {
        let hashed = Cell::new(0);
        let hash_of = |place: Place| {
            hashed.set(hashed.get() + 1);
            even_hash(place)
        };
        let (mut index, mut most, before) = (Index::default(), 0, 1_000_000);
        for place in 0..2 * before {
            index.insert(hash_of(place), place, hash_of);
            if place % 10_000 == 9_999 {
                let again = hashed.take() - 10_000;
                most = if place < before { 0 } else { most.max(again) };
            }
        }
        // Tables of one size hashed 1,835,008 again, all of them within the same ten thousand.
        assert!((10_000..100_000).contains(&most), "{most}");
        for (shard, table) in index.shards.iter().enumerate() {
            let expected = part_of(2 * before as usize, shard);
            assert!(table.len().abs_diff(expected) < 1_200, "{shard}: {}", table.len());
        }
        assert_eq!((0..SHARDS).map(|shard| part_of(1 << 24, shard)).sum::<usize>(), 1 << 24);
    }

    #[test]
    fn places_added_at_once_are_found_like_others() {
        let (mut index, hash_of) = (Index::default(), even_hash);
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
