//! Where the lines of a piece begin, in a few bytes for every 16 KiB.

use crate::journal::line::newline;

/// How many bytes lie between two places at least.
const STRIDE: u64 = 16 << 10;

/// A sparse index: some lines, with the bytes at which they begin.
///
/// A line longer than the stride is always followed by a place, so that its end is found without reading it.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// How many bytes are counted.
    pub counted: u64,
    /// How many newlines are in them.
    pub newlines: u64,
    /// Where the line begins that the counted bytes end in.
    pub line_start: u64,
    /// Lines and where they begin, in order.
    places: Vec<(u64, u64)>,
}

impl Index {
    /// Counts the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(place) = newline(rest) {
            self.counted += place as u64 + 1;
            self.newlines += 1;
            self.line_start = self.counted;
            let last = self.places.last().map_or(0, |(_, offset)| *offset);
            if self.line_start - last >= STRIDE {
                self.places.push((self.newlines, self.line_start));
            }
            rest = rest.get(place + 1..).unwrap_or_default();
        }
        self.counted += rest.len() as u64;
    }

    /// The last known place at or before a line.
    pub fn before_line(&self, line: u64) -> (u64, u64) {
        let after = self.places.partition_point(|(number, _)| *number <= line);
        after.checked_sub(1).and_then(|place| self.places.get(place)).copied().unwrap_or((0, 0))
    }

    /// The last known place at or before a byte.
    pub fn before_byte(&self, byte: u64) -> (u64, u64) {
        let after = self.places.partition_point(|(_, offset)| *offset <= byte);
        after.checked_sub(1).and_then(|place| self.places.get(place)).copied().unwrap_or((0, 0))
    }

    /// Where a line begins, when that very line is known.
    pub fn exactly(&self, line: u64) -> Option<u64> {
        let (number, offset) = self.before_line(line);
        (number == line).then_some(offset)
    }

    /// How many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.places.capacity() * size_of::<(u64, u64)>()
    }
}
