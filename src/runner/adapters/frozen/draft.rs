//! A frozen set while it is written.

use crate::domain::Digest;
use crate::domain::ids::Hasher;
use crate::runner::adapters::bound::{self, Bound};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A file with the digest of its content.
pub struct Draft {
    file: BufWriter<File>,
    hasher: Hasher,
    /// The first line so far, and what is added to it.
    head: Option<(Vec<u8>, Bound)>,
}

impl Draft {
    /// Starts a new set in a file.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(File::create(path)?), hasher: Hasher::default(), head: None })
    }

    /// Adds what the undo and the proof would run to the head that is about to be written.
    #[must_use]
    pub fn with(self, bound: Bound) -> Self {
        let head = (!bound.is_empty()).then(|| (Vec::new(), bound));
        Self { head, ..self }
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
        let Some((mut line, bound)) = self.head.take() else { return self.pass(bytes) };
        let count = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
        line.extend_from_slice(bytes.get(..count).unwrap_or_default());
        if line.ends_with(b"\n") {
            let head = bound::into_head(&line, &bound)?;
            self.write_all(&head)?;
        } else {
            self.head = Some((line, bound));
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Draft {
    fn pass(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }
}
