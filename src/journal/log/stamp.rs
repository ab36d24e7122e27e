//! When the bytes of a log were written, and to which stream: the side index.

use crate::config::plain;
use crate::domain::Wall;
use crate::journal::log::parts::beside;
use crate::journal::log::write::create;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The size of an entry.
const ENTRY: usize = 16;

/// The top bit of an offset: the bytes from there on came from standard error.
const STDERR: u64 = 1 << 63;

/// How many entries are read together.
const BLOCK: u64 = 256;

/// How many bytes, and how many nanoseconds, go without an entry at most.
const EVERY_BYTES: u64 = 64 << 10;
const EVERY_NS: u64 = 50_000_000;

/// After so many entries they come once a second only; after the most there are none.
const DENSE: u64 = 100_000;
const SPARSE_NS: u64 = 1_000_000_000;
const MOST: u64 = 1 << 20;

/// One entry: what is true of the bytes from its offset on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamp {
    /// The offset in the stream.
    pub offset: u64,
    /// Whether they came from standard error.
    pub stderr: bool,
    /// When; `None` once the index is full.
    pub at: Option<Wall>,
}

impl Stamp {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (offset, wall) = bytes.split_first_chunk::<8>()?;
        let (offset, wall) = (u64::from_le_bytes(*offset), u64::from_le_bytes(*wall.first_chunk::<8>()?));
        let nanos = u32::try_from(wall % 1_000_000_000).ok()?;
        let at = (wall > 0).then(|| Wall::from_unix(i64::try_from(wall / 1_000_000_000).unwrap_or(i64::MAX), nanos));
        Some(Self { offset: offset & !STDERR, stderr: offset & STDERR != 0, at })
    }
}

/// Reads the side index.
#[derive(Debug)]
pub struct Stamps {
    path: PathBuf,
    file: Option<File>,
    entries: u64,
    /// The block read last: its first entry's number, and its entries.
    block: (u64, Vec<Stamp>),
}

impl Stamps {
    /// The side index of a log, if there is one.
    pub fn beside(log: &Path) -> Self {
        let mut stamps = Self { path: beside(log, "at"), file: None, entries: 0, block: (0, Vec::new()) };
        stamps.refresh();
        stamps
    }

    /// Looks for new entries.
    pub fn refresh(&mut self) {
        if self.file.is_none() {
            self.file = plain::open(&self.path).ok();
        }
        let size = self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |stat| stat.len());
        let entries = size / ENTRY as u64;
        if entries != self.entries {
            self.entries = entries;
            self.block = (0, Vec::new());
        }
    }

    /// What is known of a byte of the stream; `None` where the index is absent or makes no sense.
    pub fn at(&mut self, offset: u64) -> Option<Stamp> {
        if let Some(stamp) = self.in_block(offset) {
            return Some(stamp);
        }
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            let stamp = *self.read(middle, 1)?.first()?;
            if stamp.offset <= offset { low = middle + 1 } else { high = middle }
        }
        // With the entry before, to see whether they are in order here.
        let first = low.checked_sub(1)?.saturating_sub(1);
        let block = self.read(first, BLOCK)?;
        if !block.is_sorted_by_key(|stamp| stamp.offset) {
            return None;
        }
        self.block = (first, block);
        self.in_block(offset)
    }

    /// The entry for an offset, when it is in the block read last, and the block is in order there.
    fn in_block(&self, offset: u64) -> Option<Stamp> {
        let (first, block) = &self.block;
        let after = block.partition_point(|stamp| stamp.offset <= offset);
        let stamp = *block.get(after.checked_sub(1)?)?;
        let is_last = first + after as u64 == self.entries;
        (stamp.offset <= offset && (is_last || after < block.len())).then_some(stamp)
    }

    fn read(&self, first: u64, count: u64) -> Option<Vec<Stamp>> {
        let count = count.min(self.entries.checked_sub(first)?);
        let mut bytes = vec![0; usize::try_from(count).ok()? * ENTRY];
        self.file.as_ref()?.read_exact_at(&mut bytes, first * ENTRY as u64).ok()?;
        bytes.chunks_exact(ENTRY).map(Stamp::from_bytes).collect()
    }
}

/// Writes the side index; a failure there does not stop the log.
#[derive(Debug)]
pub struct Stamper {
    file: Option<File>,
    entries: u64,
    last: Option<(u64, bool, u64)>,
}

impl Stamper {
    /// Begins the side index of a log.
    pub fn beside(log: &Path) -> Self {
        let file = create(&beside(log, "at")).ok();
        Self { file, entries: 0, last: None }
    }

    /// Notes that the bytes from here on came from a stream at a moment, where that is worth an entry.
    pub fn note(&mut self, offset: u64, stderr: bool, at: Wall) {
        let wall = u64::try_from(at.0.as_nanosecond()).unwrap_or(1).max(1);
        let every = if self.entries < DENSE { EVERY_NS } else { SPARSE_NS };
        let worth = self.last.is_none_or(|(last, stream, then)| {
            stream != stderr || offset - last >= EVERY_BYTES || wall < then || wall - then >= every
        });
        if !worth || self.entries > MOST {
            return;
        }
        let Some(file) = &mut self.file else { return };
        // The last entry records that nothing is known after it.
        let (stderr, wall) = if self.entries == MOST { (false, 0) } else { (stderr, wall) };
        let place = if stderr { offset | STDERR } else { offset };
        let mut entry = place.to_le_bytes().to_vec();
        entry.extend_from_slice(&wall.to_le_bytes());
        if file.write_all(&entry).is_err() {
            self.file = None;
            return;
        }
        self.entries += 1;
        self.last = Some((offset, stderr, wall));
    }
}
