//! A row for each slot, in blocks of neighbours: found without a search, and none where no account
//! of a block has one.

use crate::values::Slot;

/// A power of two, so that a slot is split by shifting. Where few accounts have a row, each pays
/// for so many.
const BLOCK_ROWS: usize = 64;

/// Rows that say nothing stand for those that there are not.
pub(super) struct BySlot<T> {
    blocks: Vec<Option<Box<[T; BLOCK_ROWS]>>>,
}

impl<T> Default for BySlot<T> {
    fn default() -> BySlot<T> {
        BySlot { blocks: Vec::new() }
    }
}

impl<T: Default> BySlot<T> {
    /// `None` where no account of its block has a row.
    #[inline]
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        let slot = slot as usize;
        Some(&self.blocks.get(slot / BLOCK_ROWS)?.as_ref()?[slot % BLOCK_ROWS])
    }

    /// As [`BySlot::get`], to change it.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        let slot = slot as usize;
        Some(&mut self.blocks.get_mut(slot / BLOCK_ROWS)?.as_mut()?[slot % BLOCK_ROWS])
    }

    /// Makes room for it where there is none.
    pub(super) fn make(&mut self, slot: Slot) -> &mut T {
        let slot = slot as usize;
        if self.blocks.len() <= slot / BLOCK_ROWS {
            self.blocks.resize_with(slot / BLOCK_ROWS + 1, || None);
        }
        let block = self.blocks[slot / BLOCK_ROWS]
            .get_or_insert_with(|| Box::new(std::array::from_fn(|_| T::default())));
        &mut block[slot % BLOCK_ROWS]
    }

    /// In order of slot, with those that say nothing.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        let blocks = (0..).step_by(BLOCK_ROWS).zip(&self.blocks);
        blocks.flat_map(|(first, block)| (first..).zip(block.iter().flat_map(|rows| rows.iter())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_where_they_were_put() {
        let slots = [0, 1, BLOCK_ROWS as Slot - 1, 3 * BLOCK_ROWS as Slot];
        let mut rows = BySlot::default();
        slots.iter().for_each(|slot| *rows.make(*slot) = slot + 7);
        assert!(slots.iter().all(|slot| rows.get(*slot) == Some(&(slot + 7))));
        let said = rows.iter().filter(|(_, row)| **row != 0);
        assert!(said.eq(slots.iter().zip(&[7, 8, 70, 199]).map(|(slot, row)| (*slot, row))));
        *rows.get_mut(1).unwrap() += 1;
        assert_eq!((rows.get(1), rows.get(2)), (Some(&9), Some(&0)));
        // A block that nobody asked for, and one behind the last.
        assert_eq!(rows.get(BLOCK_ROWS as Slot), None);
        assert_eq!(rows.get_mut(1_000), None);
    }
}
