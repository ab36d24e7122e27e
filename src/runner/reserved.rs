//! Reserves the disk space of a small file before its content is known, so that a full disk cannot lose it.

use crate::config::state::team;
use crate::runner::rundir::sync_dir;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many times a failed write is tried, one second apart.
const TRIES: u32 = 60;

/// The file, named `NAME.part` until it is kept.
#[derive(Debug)]
pub struct Reserved {
    file: File,
    path: PathBuf,
    size: usize,
}

impl Reserved {
    /// Reserves `size` bytes beside the path.
    ///
    /// # Errors
    /// As `open(2)`, `write(2)` and `fsync(2)`: then nothing is reserved.
    pub fn create(path: &Path, size: usize) -> io::Result<Self> {
        let beside = path.with_extension("part");
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        team::share(&file, path.parent().unwrap_or(path), 0o640)?;
        file.write_all(&vec![b' '; size])?;
        file.sync_all()?;
        Ok(Self { file, path: path.to_owned(), size })
    }

    /// Reserves more space for so many bytes, if the disk has it; whether they fit.
    pub fn holds(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.size);
        if more == 0 {
            return true;
        }
        let taken = self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(&vec![b' '; more]));
        if taken.and_then(|()| self.file.sync_all()).is_err() {
            let _ = self.file.set_len(self.size as u64);
            return false;
        }
        self.size = bytes;
        true
    }

    /// Writes a JSON text durably under the path, and tries again for a minute on a write error. Spaces pad a shorter
    /// text.
    ///
    /// # Errors
    /// As `write(2)`, `fsync(2)` and `rename(2)`, the last time it was tried.
    pub fn keep(&mut self, json: &[u8]) -> io::Result<()> {
        let mut padded = json.to_vec();
        padded.resize(json.len().max(self.size), b' ');
        let mut last = self.write(&padded);
        for _ in 0..TRIES {
            match &last {
                Ok(()) => return Ok(()),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => break,
                Err(_) => std::thread::sleep(Duration::from_secs(1)),
            }
            last = self.write(&padded);
        }
        last
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        fs::rename(self.path.with_extension("part"), &self.path)?;
        sync_dir(self.path.parent().unwrap_or(Path::new("/")))
    }
}
