//! Finding rows by what they say: a hash table of the rows' places.

use hashbrown::HashTable;

/// Where a row stands among its kind.
pub(super) type Place = u32;

/// Tables that grow one at a time: a table of ten million places that doubles as a whole would hold
/// up a commit for the better part of a second.
const SHARDS: usize = 256;

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

    pub(super) fn iter(&self) -> impl Iterator<Item = Place> + '_ {
        self.shards.iter().flatten().copied()
    }
}

fn by_value(mut same: impl FnMut(Place) -> bool) -> impl FnMut(&Place) -> bool {
    move |place| same(*place)
}
