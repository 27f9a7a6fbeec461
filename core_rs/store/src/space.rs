//! Room on disk: taking it, and telling when there is none.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, retry_on_intr};

/// Makes a file `len_bytes` long with room on disk for all of them: writing into a hole of a mapped
/// file on a full disk would be a SIGBUS.
pub(crate) fn allocate(file: &mut File, len_bytes: u64) -> io::Result<()> {
    let taken = retry_on_intr(|| fallocate(&*file, FallocateFlags::empty(), 0, len_bytes));
    match taken {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(file, len_bytes),
        other => Ok(other?),
    }
}

/// For file systems that cannot allocate ahead: zeros from the end on.
fn fill(file: &mut File, len_bytes: u64) -> io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    io::copy(&mut io::Read::take(io::repeat(0), len_bytes.saturating_sub(end)), file)?;
    file.flush()
}

pub(crate) fn is_no_space(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::NOSPC, Errno::DQUOT].iter().any(|errno| code == Some(errno.raw_os_error()))
}

/// Whether the disk, or the quota, has no room for more in this folder: asked by taking some.
pub(crate) fn is_full(folder: &Path) -> bool {
    const WANTED_BYTES: u64 = 1 << 20;
    let path = folder.join("room");
    let taken = File::create(&path).and_then(|mut file| allocate(&mut file, WANTED_BYTES));
    // A file of this name that stays behind is taken over by the next who asks.
    drop(fs::remove_file(&path));
    taken.is_err_and(|error| is_no_space(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling_makes_a_file_as_long_as_allocating() {
        let mut file = tempfile::tempfile().expect("a temporary file");
        for (len, expected) in [(100, 100), (5_000, 5_000), (4_000, 5_000)] {
            fill(&mut file, len).expect("there is room");
            assert_eq!(file.metadata().expect("it is open").len(), expected);
        }
        allocate(&mut file, 9_000).expect("there is room");
        assert_eq!(file.metadata().expect("it is open").len(), 9_000);
    }
}
