//! Which parts follow the first bytes of a log, and what was dropped between them.

use crate::config::plain;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The side file of a log that was cut: one line of JSON, replaced whole.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// How many bytes were not kept.
    pub dropped: u64,
    /// How many bytes of the log's own file come before the gap.
    pub head: u64,
    /// How many bytes the line for the gap takes, once it is in the file.
    pub mark: u64,
    /// Where the stream goes on after the gap.
    pub resumes: u64,
    /// The parts, oldest first: number, and where it begins in the stream. Empty once the log is one file.
    pub parts: Vec<(u64, u64)>,
}

impl Parts {
    /// Reads the side file; `None` where there is none, or it is not one.
    pub fn read(log: &Path) -> Option<Self> {
        let mut text = Vec::new();
        plain::open(&beside(log, "parts")).ok()?.take(64 << 10).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Replaces the side file.
    pub fn write(&self, log: &Path) -> std::io::Result<()> {
        let new = beside(log, "parts.new");
        let mut file = std::fs::File::create(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        std::fs::rename(&new, beside(log, "parts"))
    }

    /// How many bytes are missing between the head and the oldest part.
    pub fn gap(&self) -> u64 {
        self.resumes.saturating_sub(self.head)
    }

    /// The place of a byte in the stream, given where its piece begins.
    pub fn stream_place(&self, start: u64, offset: u64) -> u64 {
        let whole = self.parts.is_empty() && start == 0;
        let after = self.head.saturating_add(self.mark);
        if whole && self.mark > 0 && offset >= after {
            return (offset - after).saturating_add(self.resumes);
        }
        start.saturating_add(offset)
    }
}

/// The line that replaces what was dropped.
pub fn mark(bytes: u64) -> Vec<u8> {
    let count = crate::domain::quantity::counted(bytes, "byte was", "bytes were");
    format!("[midwatch: {count} dropped here]\n").into_bytes()
}

/// A part's file.
pub fn part_path(log: &Path, number: u64) -> PathBuf {
    beside(log, &number.to_string())
}

/// A log's side file.
pub fn beside(log: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(log);
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}
