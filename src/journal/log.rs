//! The log of one attempt: raw bytes, capped, read while it is written.
//!
//! ```text
//! logs/1-1.log         the first bytes; after the end everything that was kept, with a line where bytes were dropped
//! logs/1-1.log.at      16 bytes an entry: offset (top bit: standard error), nanoseconds since the epoch; little-endian
//! logs/1-1.log.parts   which parts follow the first bytes, and how much was dropped; only where that happened
//! logs/1-1.log.7       a part of the newest bytes, until the log is finished
//! ```
//!
//! A reader sees the pieces as one log. It indexes them sparsely and on demand, so that the end of a large log is on screen
//! before its lines are counted, and a line of many megabytes costs what is shown of it.

mod index;
pub mod mask;
mod output;
mod parts;
mod piece;
mod search;
mod stamp;
mod write;

use crate::domain::error::Result;
use crate::domain::{Error, Wall};
pub use crate::journal::log::mask::Mask;
pub use crate::journal::log::output::{NotWhole, last_errors, output};
use crate::journal::log::parts::Parts;
use crate::journal::log::piece::Piece;
use crate::journal::log::search::Needle;
use crate::journal::log::stamp::Stamps;
pub use crate::journal::log::write::{CAP_FIRST, CAP_LAST, LogWriter, Stream};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How many bytes the end of a log is indexed with each page, before it is shown uncounted.
const AT_ONCE: u64 = 4 << 20;

/// A place in a log; lines count from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogAt {
    /// The last lines, and all that follow.
    Tail,
    /// From this line on.
    Line(u64),
    /// The next line after `from` that contains `needle`, ignoring ASCII case; wraps around.
    Next {
        /// The line to start after.
        from: u64,
        /// What to look for.
        needle: String,
    },
    /// The line before `from` that contains `needle`; wraps around.
    Back {
        /// The line to start before.
        from: u64,
        /// What to look for.
        needle: String,
    },
    /// The next line after `from` that looks like an error.
    NextError {
        /// The line to start after.
        from: u64,
    },
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// Its raw bytes, cut after [`LogLine::SHOWN`]; outside bytes, sanitised when drawn.
    pub bytes: Vec<u8>,
    /// How many bytes were cut off.
    pub cut: u64,
    /// Whether it came from standard error.
    pub stderr: bool,
    /// When it was written, as near as the log knows.
    pub at: Option<Wall>,
}

impl LogLine {
    /// How many bytes of a line are shown.
    pub const SHOWN: usize = 4096;
}

/// Some lines of a log, and their place in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The number of the first line here, from 0.
    pub top: u64,
    /// How many lines the log has now.
    pub total_lines: u64,
    /// Whether all lines are counted; until then `top` and `total_lines` are estimates.
    pub counted: bool,
    /// How many bytes it has now.
    pub total_bytes: u64,
    /// How many bytes were not kept.
    pub dropped: u64,
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Whether this page is the tail.
    pub following: bool,
    /// The line a search found; `None` when none matched or none was asked for.
    pub found: Option<u64>,
    /// Whether a search was asked for.
    pub searched: bool,
}

/// A log that is read, whether or not it is still written.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    pieces: Vec<Piece>,
    parts: Option<Parts>,
    stamps: Stamps,
}

impl LogFile {
    /// Opens a log; nothing is counted yet.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let mut log = Self { path: path.to_path_buf(), pieces: Vec::new(), parts: None, stamps: Stamps::beside(path) };
        log.assemble()?;
        Ok(log)
    }

    /// Reads which pieces there are, and keeps what is known of those that stay.
    fn assemble(&mut self) -> Result<()> {
        self.parts = Parts::read(&self.path);
        let mut old = std::mem::take(&mut self.pieces);
        let mut keep = |piece: Piece| {
            let known = old.iter().position(|other| other.is_same(&piece)).map(|place| old.swap_remove(place));
            match known {
                Some(known) => known.with_bounds_of(&piece),
                None => piece,
            }
        };
        let cut = self.parts.as_ref().filter(|parts| !parts.parts.is_empty());
        self.pieces.push(keep(Piece::open(&self.path, 0, cut.map(|parts| parts.head))?));
        let Some(cut) = cut else { return Ok(()) };
        if cut.gap() > 0 {
            self.pieces.push(Piece::text(parts::mark(cut.gap()), cut.head));
        }
        for (number, start) in &cut.parts {
            // One that is gone was dropped a moment ago; the next refresh knows.
            if let Ok(piece) = Piece::open(&parts::part_path(&self.path, *number), *start, None) {
                self.pieces.push(keep(piece));
            }
        }
        Ok(())
    }

    /// Looks whether the log changed.
    fn refresh(&mut self) -> Result<()> {
        if Parts::read(&self.path) != self.parts {
            self.assemble()?;
        }
        for piece in &mut self.pieces {
            piece.refresh().map_err(|why| unreadable(&self.path, why))?;
        }
        self.stamps.refresh();
        Ok(())
    }

    /// Counts lines in at most so many bytes more; `true` when all are counted.
    ///
    /// # Errors
    /// When the log vanished, shrank, or cannot be read.
    pub fn index_some(&mut self, budget: u64) -> Result<bool> {
        self.refresh()?;
        self.count(budget)
    }

    fn count(&mut self, budget: u64) -> Result<bool> {
        let mut left = budget;
        for piece in &mut self.pieces {
            let spent = piece.count(left).map_err(|cause| unreadable(&self.path, cause))?;
            left = left.saturating_sub(spent);
            if !piece.is_counted() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many lines there are, estimated where they are not counted.
    #[must_use]
    pub fn total_lines(&self) -> u64 {
        self.pieces.iter().map(Piece::lines).sum()
    }

    /// How many bytes are kept now.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.size).sum()
    }

    /// How many bytes the index takes in memory.
    #[must_use]
    pub fn index_bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.index.memory()).sum()
    }

    /// Where the log is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines at a place, at most `rows`; a search puts what it found a third down the page.
    ///
    /// # Errors
    /// When the log vanished, shrank, or cannot be read; the message names it.
    pub fn page(&mut self, at: &LogAt, rows: u16) -> Result<Page> {
        self.refresh()?;
        let rows = u64::from(rows);
        let searched = !matches!(at, LogAt::Tail | LogAt::Line(_));
        let found = match at {
            LogAt::Tail if !self.count(AT_ONCE)? => return self.uncounted_tail(rows),
            LogAt::Tail | LogAt::Line(_) => None,
            LogAt::Next { from, needle } => self.search(*from, &Needle::text(needle), false)?,
            LogAt::Back { from, needle } => self.search(*from, &Needle::text(needle), true)?,
            LogAt::NextError { from } => self.search(*from, &Needle::Error, false)?,
        };
        let (LogAt::Line(wanted)
        | LogAt::Next { from: wanted, .. }
        | LogAt::Back { from: wanted, .. }
        | LogAt::NextError { from: wanted }) = at
        else {
            let top = self.total_lines().saturating_sub(rows);
            return self.page_from(top, rows).map(|page| Page { following: true, ..page });
        };
        let top = found.map_or(*wanted, |found| found.saturating_sub(rows / 3));
        self.count_to_line(top.saturating_add(rows))?;
        let counted = self.pieces.iter().all(Piece::is_counted);
        // Past the end there is nothing to see; the last page is what was meant.
        let top = if counted { top.min(self.total_lines().saturating_sub(rows)) } else { top };
        self.page_from(top, rows).map(|page| Page { found, searched, ..page })
    }

    /// Counts on until a line is known, or all are.
    fn count_to_line(&mut self, line: u64) -> Result<()> {
        let mut before = 0;
        for piece in &mut self.pieces {
            while !piece.is_counted() && before + piece.lines_counted() <= line {
                piece.count(1 << 20).map_err(|cause| unreadable(&self.path, cause))?;
            }
            if !piece.is_counted() {
                return Ok(());
            }
            before += piece.lines();
        }
        Ok(())
    }

    /// A page whose top is counted.
    fn page_from(&mut self, top: u64, rows: u64) -> Result<Page> {
        let mut lines = Vec::new();
        let mut before = 0;
        for piece in &self.pieces {
            let (first, count) = (before, piece.lines());
            before += count;
            let wanted = rows.saturating_sub(lines.len() as u64);
            let from = top.max(first);
            if wanted == 0 || from >= before {
                continue;
            }
            let read = piece.offset_of(from - first).and_then(|at| piece.lines_from(at, from - first, wanted));
            let read = read.map_err(|cause| unreadable(&self.path, cause))?;
            for (offset, bytes, cut) in read {
                lines.push(stamped(&mut self.stamps, self.parts.as_ref(), piece, offset, bytes, cut));
            }
        }
        Ok(self.page_of(top, lines))
    }

    /// The last lines of a log that is not counted to its end.
    fn uncounted_tail(&mut self, rows: u64) -> Result<Page> {
        let mut lines = Vec::new();
        if let Some(piece) = self.pieces.last() {
            let read = piece.last_lines(rows).map_err(|cause| unreadable(&self.path, cause))?;
            for (offset, bytes, cut) in read {
                lines.push(stamped(&mut self.stamps, self.parts.as_ref(), piece, offset, bytes, cut));
            }
        }
        let top = self.total_lines().saturating_sub(lines.len() as u64);
        Ok(Page { following: true, ..self.page_of(top, lines) })
    }

    fn page_of(&self, top: u64, lines: Vec<LogLine>) -> Page {
        let end = top.saturating_add(lines.len() as u64);
        Page {
            top,
            total_lines: self.total_lines().max(end),
            counted: self.pieces.iter().all(Piece::is_counted),
            total_bytes: self.total_bytes(),
            dropped: self.parts.as_ref().map_or(0, |parts| parts.dropped),
            lines,
            following: false,
            found: None,
            searched: false,
        }
    }

    /// The nearest line after (or before) `from` that matches, around the end if need be; `from` itself is looked at last.
    fn search(&mut self, from: u64, needle: &Needle, back: bool) -> Result<Option<u64>> {
        if needle.is_empty() {
            return Ok(None);
        }
        self.count_to_line(from.saturating_add(1))?;
        let start = if back { from } else { from.saturating_add(1) };
        let order = self.ranges(start, back).map_err(|cause| unreadable(&self.path, cause))?;
        for (number, range) in order {
            let Some(piece) = self.pieces.get_mut(number) else { continue };
            let hit = search::search(piece, range, needle, back).map_err(|cause| unreadable(&self.path, cause))?;
            let Some(hit) = hit else { continue };
            let line = piece.line_of(hit).map_err(|cause| unreadable(&self.path, cause))?;
            for piece in self.pieces.iter_mut().take(number) {
                piece.count(u64::MAX).map_err(|cause| unreadable(&self.path, cause))?;
            }
            let before: u64 = self.pieces.iter().take(number).map(Piece::lines).sum();
            return Ok(Some(before + line));
        }
        Ok(None)
    }

    /// The byte ranges of the pieces in the order of a search that starts at the beginning of line `start`.
    fn ranges(&self, start: u64, back: bool) -> std::io::Result<Vec<(usize, Range<u64>)>> {
        let (mut ahead, mut behind) = (Vec::new(), Vec::new());
        let mut before = 0;
        for (number, piece) in self.pieces.iter().enumerate() {
            let count = piece.lines();
            let split = if start <= before {
                0
            } else if start >= before + count && piece.is_counted() {
                piece.size
            } else {
                piece.offset_of(start - before)?
            };
            behind.push((number, 0..split));
            ahead.push((number, split..piece.size));
            before += count;
        }
        if back {
            behind.reverse();
            ahead.reverse();
            Ok(behind.into_iter().chain(ahead).collect())
        } else {
            Ok(ahead.into_iter().chain(behind).collect())
        }
    }
}

/// A line with what the side index has of its first byte.
fn stamped(
    stamps: &mut Stamps,
    parts: Option<&Parts>,
    piece: &Piece,
    offset: u64,
    bytes: Vec<u8>,
    cut: u64,
) -> LogLine {
    let place = parts.map_or(piece.start + offset, |parts| parts.stream_place(piece.start, offset));
    let (stderr, at) = stamps.at(place).map_or((false, None), |stamp| (stamp.stderr, stamp.at));
    LogLine { bytes, cut, stderr, at }
}

/// An error that names the log.
fn unreadable(path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::machine(format_args!("read the log {}", path.display()), cause)
}

#[cfg(test)]
mod tests;
