//! Rows in order of their places, in chunks that stay where they are.

use std::ops::{Index, IndexMut};

use super::index::Place;

/// A power of two, so that a place is split by shifting.
pub(super) const CHUNK_ROWS: usize = 4_096;

/// A vector that never moves what it holds: one of millions of rows that grows as a whole holds two
/// copies for a while, and holds up whoever pushed.
pub(super) struct Chunked<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunked<T> {
    fn default() -> Chunked<T> {
        Chunked { chunks: Vec::new() }
    }
}

impl<T> Chunked<T> {
    pub(super) fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK_ROWS;
        full + self.chunks.last().map_or(0, Vec::len)
    }

    pub(super) fn push(&mut self, row: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK_ROWS => last.push(row),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK_ROWS);
                chunk.push(row);
                self.chunks.push(chunk);
            }
        }
    }

    /// Adds all rows of another, which stay where they are if the last chunk here is full.
    pub(super) fn append(&mut self, other: Chunked<T>) {
        if self.len().is_multiple_of(CHUNK_ROWS) {
            self.chunks.extend(other.chunks);
        } else {
            other.chunks.into_iter().flatten().for_each(|row| self.push(row));
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let row = self.chunks.last_mut()?.pop();
        self.chunks.pop_if(|last| last.is_empty());
        row
    }
}

impl<T> Index<Place> for Chunked<T> {
    type Output = T;

    fn index(&self, place: Place) -> &T {
        &self.chunks[place as usize / CHUNK_ROWS][place as usize % CHUNK_ROWS]
    }
}

impl<T> IndexMut<Place> for Chunked<T> {
    fn index_mut(&mut self, place: Place) -> &mut T {
        &mut self.chunks[place as usize / CHUNK_ROWS][place as usize % CHUNK_ROWS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_and_shrinks_across_chunks() {
        let mut rows = Chunked::default();
        let count = 2 * CHUNK_ROWS as Place + 1;
        (0..count).for_each(|row| rows.push(row));
        assert_eq!(rows.len(), count as usize);
        rows[CHUNK_ROWS as Place] += 7;
        assert_eq!(rows[CHUNK_ROWS as Place], CHUNK_ROWS as Place + 7);
        for left in (0..count).rev() {
            assert!(rows.pop().is_some());
            assert_eq!(rows.len(), left as usize);
        }
        assert_eq!(rows.pop(), None);
    }

    #[test]
    fn another_is_appended_to_full_chunks_and_to_others() {
        for first in [0, 3, CHUNK_ROWS as Place] {
            let (mut rows, mut more) = (Chunked::default(), Chunked::default());
            let count = first + CHUNK_ROWS as Place + 1;
            (0..first).for_each(|row| rows.push(row));
            (first..count).for_each(|row| more.push(row));
            rows.append(more);
            rows.push(count);
            assert_eq!(rows.len(), count as usize + 1);
            assert!((0..=count).all(|row| rows[row] == row));
        }
    }
}
