//! A frozen set while it is written.

use crate::domain::Digest;
use crate::domain::ids::Hasher;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A file that knows the digest of what was written into it.
pub struct Draft {
    file: BufWriter<File>,
    hasher: Hasher,
}

impl Draft {
    /// Begins a set anew in a file.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(File::create(path)?), hasher: Hasher::default() })
    }

    /// Makes the set durable.
    ///
    /// # Errors
    /// When it cannot be written or synced.
    pub fn finish(mut self) -> io::Result<Digest> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok(self.hasher.finish())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
