//! A file that is read again when it has changed.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// When it was changed, how long it is, and which file it is.
type Stamp = (i64, i64, u64, u64);

#[derive(Debug)]
pub(crate) struct Source {
    path: Option<PathBuf>,
    /// Of what was looked at last, or why there was nothing to look at.
    seen: Option<Result<Stamp, io::ErrorKind>>,
}

impl Source {
    pub(crate) fn new(path: Option<PathBuf>) -> Source {
        Source { path, seen: None }
    }

    /// What the file says by `read`, or what is wrong with it; `None` where nothing has changed
    /// since this was asked last.
    pub(crate) fn changed<T>(
        &mut self,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Result<T, String>> {
        let path = self.path.as_ref()?;
        let opened = File::open(path).and_then(|file| {
            let about = file.metadata()?;
            Ok((file, (about.mtime(), about.mtime_nsec(), about.size(), about.ino())))
        });
        let seen = opened.as_ref().map(|(_, stamp)| *stamp).map_err(io::Error::kind);
        if self.seen.replace(seen) == Some(seen) {
            return None;
        }
        let text = opened.and_then(|(mut file, _)| {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(text)
        });
        let read = text.map_err(|error| error.to_string()).and_then(|text| read(&text));
        Some(read.map_err(|why| format!("{}: {why}", path.display())))
    }
}
