//! A set in order, for keys that mostly come in order.

/// Most keys of a chunk.
const CHUNK_MAX: usize = 256;

/// Chunks in order, each of them sorted and none empty. A B-tree of the standard library takes half
/// as much again for every key, because it leaves half of a node empty behind keys in ascending
/// order; here such keys fill chunk after chunk.
pub(super) struct Sorted<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Sorted<T> {
        Sorted { chunks: Vec::new(), len: 0 }
    }
}

impl<T: Ord> Sorted<T> {
    pub(super) fn insert(&mut self, key: T) {
        self.len += 1;
        let Some(last) = self.chunks.last_mut() else {
            self.chunks.push(vec![key]);
            return;
        };
        if last.last() < Some(&key) {
            if last.len() < CHUNK_MAX {
                last.push(key);
            } else {
                self.chunks.push(vec![key]);
            }
            return;
        }
        let mut index = self.chunk_of(&key);
        if self.chunks[index].len() >= CHUNK_MAX {
            let upper = self.chunks[index].split_off(CHUNK_MAX / 2);
            let is_upper = upper[0] < key;
            self.chunks.insert(index + 1, upper);
            index += usize::from(is_upper);
        }
        let chunk = &mut self.chunks[index];
        let place = chunk.binary_search(&key).expect_err("a key is in the set once");
        chunk.insert(place, key);
    }

    pub(super) fn remove(&mut self, key: &T) {
        let index = self.chunk_of(key);
        let chunk = &mut self.chunks[index];
        chunk.remove(chunk.binary_search(key).expect("only what is in the set is removed"));
        self.len -= 1;
        if chunk.is_empty() {
            self.chunks.remove(index);
        } else if chunk.len() < CHUNK_MAX / 4 {
            self.merge(index);
            self.merge(index.wrapping_sub(1));
        }
    }

    /// The chunk in which a key is or belongs, unless it is beyond all of them.
    fn chunk_of(&self, key: &T) -> usize {
        self.chunks.partition_point(|chunk| chunk.last() < Some(key))
    }

    /// Joins a chunk with the next, if both are there and have become small.
    fn merge(&mut self, index: usize) {
        let [Some(chunk), Some(next)] = [index, index.wrapping_add(1)].map(|i| self.chunks.get(i))
        else {
            return;
        };
        if chunk.len() + next.len() <= CHUNK_MAX / 2 {
            let next = self.chunks.remove(index + 1);
            self.chunks[index].extend(next);
        }
    }

    /// All keys, the least first.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        Iter { inner: self.chunks.iter().flatten(), left: self.len }
    }
}

struct Iter<I> {
    inner: I,
    left: usize,
}

impl<I: Iterator> Iterator for Iter<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.inner.next()?;
        self.left -= 1;
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator> ExactSizeIterator for Iter<I> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Rounds of keys to put in or to take out, ascending, descending or in any order.
    fn rounds() -> impl Strategy<Value = Vec<(bool, Vec<u16>)>> {
        let keys =
            (prop::collection::vec(0..3_000_u16, 1..2_000), 0..3).prop_map(|(mut keys, order)| {
                match order {
                    0 => keys.sort_unstable(),
                    1 => keys.sort_unstable_by(|a, b| b.cmp(a)),
                    _ => {}
                }
                keys
            });
        prop::collection::vec((any::<bool>(), keys), 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn it_holds_what_a_b_tree_holds(rounds in rounds()) {
            let (mut sorted, mut model) = (Sorted::default(), BTreeSet::new());
            for (put, keys) in rounds {
                for key in keys {
                    if put && model.insert(key) {
                        sorted.insert(key);
                    } else if !put && model.remove(&key) {
                        sorted.remove(&key);
                    }
                }
                prop_assert_eq!(sorted.iter().len(), model.len());
                prop_assert!(sorted.iter().eq(&model));
                prop_assert!(sorted.chunks.iter().all(|chunk| !chunk.is_empty()));
            }
        }
    }

    #[test]
    fn keys_in_order_fill_their_chunks_and_few_keys_share_one() {
        let mut sorted = Sorted::default();
        (0..10 * CHUNK_MAX).for_each(|key| sorted.insert(key));
        assert_eq!(sorted.chunks.len(), 10);
        (0..10 * CHUNK_MAX).filter(|key| key % 16 != 0).for_each(|key| sorted.remove(&key));
        assert!(sorted.chunks.len() <= 3, "{} chunks", sorted.chunks.len());
        assert_eq!(sorted.iter().len(), 10 * CHUNK_MAX / 16);
    }
}
