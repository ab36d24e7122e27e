//! Finding text and errors in a piece, chunk by chunk.

use crate::journal::log::piece::Piece;
use std::io::{self, BufRead as _};
use std::ops::Range;

/// How many bytes are looked at together.
const CHUNK: u64 = 256 << 10;

/// Whole words that show an error; lower case.
const WORDS: [&[u8]; 15] = [
    b"error",
    b"errors",
    b"fatal",
    b"panic",
    b"panics",
    b"panicked",
    b"fail",
    b"fails",
    b"failed",
    b"failure",
    b"failures",
    b"exception",
    b"exceptions",
    b"traceback",
    b"tracebacks",
];

/// What is looked for.
#[derive(Debug)]
pub enum Needle {
    /// Bytes, in ASCII lower case.
    Text(Vec<u8>),
    /// A word that shows an error.
    Error,
}

impl Needle {
    /// Looks for a text, ignoring ASCII case.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_ascii_lowercase().into_bytes())
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    /// How many bytes from the beginning of a match on decide whether it is one.
    fn reach(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Error => WORDS.iter().map(|word| word.len() + 1).max().unwrap_or(0),
        }
    }

    /// The first match that begins within `starts`, or the last; `hay` is lower case, and may go on at both ends.
    fn find(&self, hay: &[u8], starts: Range<usize>, last: bool) -> Option<usize> {
        let mut found = None;
        let mut at = starts.start;
        while at < starts.end {
            let next = match self {
                Self::Text(text) => next_text(hay, text, at),
                Self::Error => next_word(hay, at),
            };
            let Some(hit) = next.filter(|hit| *hit < starts.end) else { break };
            found = Some(hit);
            if !last {
                break;
            }
            at = hit + 1;
        }
        found
    }
}

/// The next place of a text.
fn next_text(hay: &[u8], text: &[u8], from: usize) -> Option<usize> {
    let first = *text.first()?;
    let mut at = from;
    loop {
        let mut rest = hay.get(at..)?;
        let skipped = rest.skip_until(first).ok()?.checked_sub(1)?;
        at += skipped;
        let here = hay.get(at..)?;
        if here.starts_with(text) {
            return Some(at);
        }
        at += 1;
    }
}

/// The next place of a whole word that shows an error.
fn next_word(hay: &[u8], from: usize) -> Option<usize> {
    let mut before = from.checked_sub(1).and_then(|place| hay.get(place)).copied().unwrap_or(b' ');
    let rest = hay.get(from..)?;
    for (place, byte) in rest.iter().enumerate() {
        if matches!(byte, b'e' | b'f' | b'p' | b't') && !is_word(before) {
            let here = rest.get(place..).unwrap_or_default();
            let alone = |word: &&[u8]| {
                here.strip_prefix(*word).is_some_and(|after| !after.first().copied().is_some_and(is_word))
            };
            if WORDS.iter().any(alone) {
                return Some(from + place);
            }
        }
        before = *byte;
    }
    None
}

/// Whether a byte continues a word.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where the first match in a range begins, or the last.
pub fn search(piece: &Piece, range: Range<u64>, needle: &Needle, last: bool) -> io::Result<Option<u64>> {
    let mut left = range;
    while left.start < left.end {
        let here = if last {
            left.end.saturating_sub(CHUNK).max(left.start)..left.end
        } else {
            left.start..left.start.saturating_add(CHUNK).min(left.end)
        };
        // One byte before, to see whether a word begins; and what a match that begins here reaches to.
        let from = here.start.saturating_sub(1);
        let mut hay = piece.read(from, here.end - from + needle.reach() as u64)?;
        hay.make_ascii_lowercase();
        let place = |byte: u64| usize::try_from(byte - from).unwrap_or(usize::MAX);
        if let Some(hit) = needle.find(&hay, place(here.start)..place(here.end).min(hay.len()), last) {
            return Ok(Some(from + hit as u64));
        }
        left = if last { left.start..here.start } else { here.end..left.end };
    }
    Ok(None)
}
