//! One file of a log, or the line that replaces what was dropped.

use crate::domain::error::system_text;
use crate::journal::line::newline;
use crate::journal::log::index::Index;
use crate::journal::log::{LogLine, unreadable};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

/// How many bytes are read at once.
const CHUNK: u64 = 256 << 10;

/// How far back the last lines are looked for before a line is taken to be endless.
const FARTHEST_BACK: u64 = 8 << 20;

/// A line as it is read: where it begins, its first bytes, how many were cut off.
pub type RawLine = (u64, Vec<u8>, u64);

/// One stretch of a log's bytes, with its lines.
#[derive(Debug)]
pub struct Piece {
    source: Source,
    /// Where it begins in the stream of all bytes.
    pub start: u64,
    /// Where it ends, when more than it is in the file.
    limit: Option<u64>,
    /// How many bytes it has.
    pub size: u64,
    /// Its lines.
    pub index: Index,
}

#[derive(Debug)]
enum Source {
    /// A file, with its device and inode.
    File(File, (u64, u64)),
    /// Bytes that are in no file.
    Text(Vec<u8>),
}

impl Piece {
    /// Opens a file as a piece.
    pub fn open(path: &Path, start: u64, limit: Option<u64>) -> crate::domain::error::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(|cause| unreadable(path, cause))?);
        let stat = file.metadata().map_err(|cause| unreadable(path, cause))?;
        if !stat.is_file() {
            return Err(unreadable(path, "it is not a plain file"));
        }
        let size = limit.unwrap_or(u64::MAX).min(stat.size());
        let source = Source::File(file, (stat.dev(), stat.ino()));
        Ok(Self { source, start, limit, size, index: Index::default() })
    }

    /// Makes a piece of bytes.
    pub fn text(text: Vec<u8>, start: u64) -> Self {
        let size = text.len() as u64;
        Self { source: Source::Text(text), start, limit: None, size, index: Index::default() }
    }

    /// Whether both are the same file.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::File(_, one), Source::File(_, two)) => one == two,
            _ => false,
        }
    }

    /// The same piece within other bounds.
    pub fn with_bounds_of(self, other: &Self) -> Self {
        Self { start: other.start, limit: other.limit, size: other.size, ..self }
    }

    /// Looks how long it is now.
    ///
    /// # Errors
    /// When it was removed or became shorter.
    pub fn refresh(&mut self) -> Result<(), String> {
        let Source::File(file, _) = &self.source else { return Ok(()) };
        let stat = file.metadata().map_err(system_text)?;
        // A part may be dropped while it is read; the log itself may not go.
        if stat.nlink() == 0 && self.start == 0 {
            return Err("it was removed".to_owned());
        }
        let size = self.limit.unwrap_or(u64::MAX).min(stat.size());
        if size < self.index.counted {
            return Err(format!("it was cut short from {} to {size} bytes", self.size));
        }
        self.size = size;
        Ok(())
    }

    /// Reads bytes from an offset on, as many as there are.
    pub fn read(&self, offset: u64, wanted: u64) -> io::Result<Vec<u8>> {
        let wanted = usize::try_from(wanted.min(self.size.saturating_sub(offset))).unwrap_or(usize::MAX);
        let place = usize::try_from(offset).unwrap_or(usize::MAX);
        let file = match &self.source {
            Source::File(file, _) => file,
            Source::Text(text) => {
                return Ok(text.get(place..place.saturating_add(wanted)).unwrap_or_default().to_vec());
            }
        };
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(taken) => filled += taken,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Counts lines in so many bytes more, and returns how many bytes that were.
    pub fn count(&mut self, budget: u64) -> io::Result<u64> {
        let before = self.index.counted;
        while self.index.counted < self.size && self.index.counted - before < budget {
            let chunk = self.read(self.index.counted, CHUNK)?;
            if chunk.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it was cut short while it was read"));
            }
            self.index.feed(&chunk);
        }
        Ok(self.index.counted - before)
    }

    /// Whether all its lines are counted.
    pub fn is_counted(&self) -> bool {
        self.index.counted >= self.size
    }

    /// How many whole lines are counted.
    pub fn lines_counted(&self) -> u64 {
        self.index.newlines
    }

    /// How many lines it has; a last line without its newline counts. An estimate until all are counted.
    pub fn lines(&self) -> u64 {
        let Index { counted, newlines, line_start, .. } = self.index;
        if counted < self.size {
            let all = u128::from(newlines.max(1)) * u128::from(self.size) / u128::from(counted.max(1));
            return u64::try_from(all).unwrap_or(u64::MAX);
        }
        newlines + u64::from(line_start < self.size)
    }

    /// Where a counted line begins; the end of the piece when there is no such line.
    pub fn offset_of(&self, line: u64) -> io::Result<u64> {
        let (mut number, mut offset) = self.index.before_line(line);
        while number < line {
            let chunk = self.read(offset, CHUNK)?;
            if chunk.is_empty() {
                return Ok(self.size);
            }
            let mut rest = chunk.as_slice();
            while number < line {
                let Some(place) = newline(rest) else {
                    offset += rest.len() as u64;
                    break;
                };
                offset += place as u64 + 1;
                number += 1;
                rest = rest.get(place + 1..).unwrap_or_default();
            }
        }
        Ok(offset)
    }

    /// The number of the line that a byte is in, counting as far as that.
    pub fn line_of(&mut self, byte: u64) -> io::Result<u64> {
        if self.index.counted <= byte {
            self.count(byte - self.index.counted + 1)?;
        }
        let (mut number, mut offset) = self.index.before_byte(byte);
        while offset < byte {
            let chunk = self.read(offset, CHUNK.min(byte - offset))?;
            if chunk.is_empty() {
                break;
            }
            let mut rest = chunk.as_slice();
            while let Some(place) = newline(rest) {
                number += 1;
                rest = rest.get(place + 1..).unwrap_or_default();
            }
            offset += chunk.len() as u64;
        }
        Ok(number)
    }

    /// Reads lines from the beginning of line `number` at `offset` on.
    pub fn lines_from(&self, offset: u64, number: u64, rows: u64) -> io::Result<Vec<RawLine>> {
        let (mut offset, mut number) = (offset, number);
        let mut lines = Vec::new();
        let mut window = Vec::new();
        let mut window_at = offset;
        while (lines.len() as u64) < rows && offset < self.size {
            let skip = usize::try_from(offset - window_at).unwrap_or(usize::MAX);
            let held = window.get(skip..).unwrap_or_default();
            if newline(held).is_none() {
                window = self.read(offset, CHUNK)?;
                window_at = offset;
                if window.is_empty() {
                    break;
                }
                continue_long(self, &mut lines, &mut offset, &window, number)?;
            } else {
                let end = newline(held).unwrap_or(held.len());
                let text = held.get(..end).unwrap_or(held);
                lines.push(shown(offset, text, end as u64));
                offset += end as u64 + 1;
            }
            number += 1;
        }
        Ok(lines)
    }

    /// Where the line ends that begins before `from` and has no newline up to there: the newline's place, or the end.
    fn end_of_line(&self, from: u64, number: u64) -> io::Result<u64> {
        if let Some(next) = self.index.exactly(number + 1) {
            return Ok(next - 1);
        }
        if self.index.newlines == number && self.index.line_start <= from && self.is_counted() {
            return Ok(self.size);
        }
        let mut at = from;
        loop {
            let chunk = self.read(at, CHUNK)?;
            if chunk.is_empty() {
                return Ok(self.size);
            }
            if let Some(place) = newline(&chunk) {
                return Ok(at + place as u64);
            }
            at += chunk.len() as u64;
        }
    }

    /// Reads the last lines without an index. A line that is still without its beginning after 8 MiB is shown from there.
    pub fn last_lines(&self, rows: u64) -> io::Result<Vec<RawLine>> {
        let mut found = 0;
        let mut begins = None;
        // The newline at the very end closes the last line; it does not begin another.
        let mut end = self.size.saturating_sub(1);
        while found < rows && end > 0 && self.size - end < FARTHEST_BACK {
            let from = end.saturating_sub(CHUNK);
            let chunk = self.read(from, end - from)?;
            for (place, _) in chunk.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
                begins = Some(from + place as u64 + 1);
                found += 1;
                if found == rows {
                    break;
                }
            }
            end = from;
        }
        let start = begins.filter(|_| found == rows).unwrap_or(end);
        // Line numbers only help to find the ends of long lines in the index, and none is known here.
        self.lines_from(start, u64::MAX - rows - 1, rows)
    }
}

/// Takes a line whose newline is not in what is held: `window` begins with it.
fn continue_long(
    piece: &Piece,
    lines: &mut Vec<RawLine>,
    offset: &mut u64,
    window: &[u8],
    number: u64,
) -> io::Result<()> {
    let end = match newline(window) {
        Some(place) => *offset + place as u64,
        None => piece.end_of_line(*offset + window.len() as u64, number)?,
    };
    lines.push(shown(*offset, window, end - *offset));
    *offset = end + 1;
    Ok(())
}

/// A line of so many bytes, of which `text` has the first.
fn shown(offset: u64, text: &[u8], length: u64) -> RawLine {
    let length_here = usize::try_from(length).unwrap_or(usize::MAX);
    let kept = text.get(..LogLine::SHOWN.min(length_here)).unwrap_or(text);
    (offset, kept.to_vec(), length - kept.len() as u64)
}
