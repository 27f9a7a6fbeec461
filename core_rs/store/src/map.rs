//! A file mapped into memory as a row of atomic words. All the unsafe code of the counters map.

use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A shared mapping of a whole file. Other processes may map the same file.
pub(crate) struct Map {
    words: NonNull<AtomicU64>,
    len_bytes: usize,
}

// SAFETY: the mapping is shared memory that is reached through atomics alone, and it belongs to no
// thread; only dropping it takes it away, and that needs it whole.
unsafe impl Send for Map {}
// SAFETY: as above: a shared reference gives out nothing but shared references to atomics.
unsafe impl Sync for Map {}

impl Map {
    /// Maps the first `len_bytes` of a file that has so many, to be read, and to be written if
    /// `writable`.
    pub(crate) fn new(file: &File, len_bytes: usize, writable: bool) -> io::Result<Map> {
        let protection =
            if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: a null address lets the system choose a free range, so no memory in use is
        // touched. The file is never cut shorter by us, and the caller has seen that it has
        // `len_bytes`; a page beyond its end would be a SIGBUS, not undefined behaviour.
        let address = unsafe {
            mmap(std::ptr::null_mut(), len_bytes, protection, MapFlags::SHARED, file, 0)
        }?;
        let words = NonNull::new(address.cast()).expect("a mapping is never at address zero");
        Ok(Map { words, len_bytes })
    }

    /// How many bytes are mapped.
    pub(crate) fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// The word at `index`, counted in words of eight bytes. Panics beyond the end.
    pub(crate) fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.len_bytes / size_of::<u64>(), "word {index} is beyond the map");
        // SAFETY: within the mapping by the assertion, aligned because the mapping begins at a
        // page, valid as long as `self`; everyone reaches it as an atomic, here and in other
        // processes. A mapping for reading is only loaded from: its owner hands out no writer.
        unsafe { self.words.add(index).as_ref() }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped; no reference into it outlives `self`.
        let unmapped = unsafe { munmap(self.words.as_ptr().cast(), self.len_bytes) };
        debug_assert!(unmapped.is_ok(), "unmapping what was mapped cannot fail");
    }
}
