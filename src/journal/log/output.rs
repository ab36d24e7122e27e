//! What a program printed: on standard output, whole or not at all; on standard error, its last words.

use crate::config::plain;
use crate::domain::Clean;
use crate::domain::error::system_text;
use crate::domain::quantity::{bytes, shortened};
use crate::journal::log::stamp::Stamps;
use crate::journal::log::{LogAt, LogFile};
use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// How many of the last lines of a log are searched for errors, and how much of one line is shown, in characters.
const TAIL: u16 = 200;
const MAX_SENTENCE: usize = 300;

/// How long a piece of a line is that is read at once.
const PIECE: usize = 64 << 10;

/// Why there is no whole output.
#[derive(Debug)]
pub enum NotWhole {
    /// It is longer than what is kept: its length, and the most.
    Larger(u64, u64),
    /// The log kept only a part of so many bytes.
    Dropped(u64),
    /// The log cannot be read.
    Unreadable(io::Error),
}

impl fmt::Display for NotWhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Larger(length, most) => {
                write!(f, "it printed {}, and at most {} are kept", bytes(*length), bytes(*most))
            }
            Self::Dropped(length) => write!(f, "it printed {}, more than a log keeps", bytes(*length)),
            Self::Unreadable(cause) => write!(f, "its log cannot be read: {}", system_text(cause)),
        }
    }
}

/// Reads the standard output of a finished log of which nothing was dropped.
///
/// # Errors
/// When it is longer than `most` bytes, or the log cannot be read.
pub fn output(log: &Path, most: u64) -> Result<Vec<u8>, NotWhole> {
    let mut stamps = Stamps::beside(log);
    let mut file = BufReader::with_capacity(PIECE, plain::open(log).map_err(NotWhole::Unreadable)?);
    let (mut out, mut length, mut place, mut begins, mut is_out) = (Vec::new(), 0_u64, 0_u64, true, true);
    loop {
        let piece = file.fill_buf().map_err(NotWhole::Unreadable)?;
        if piece.is_empty() {
            break;
        }
        if begins {
            is_out = !stamps.at(place).is_some_and(|stamp| stamp.stderr);
        }
        let end = piece.iter().position(|byte| *byte == b'\n').map_or(piece.len(), |at| at + 1);
        let part = piece.get(..end).unwrap_or_default();
        begins = part.ends_with(b"\n");
        if is_out {
            length += part.len() as u64;
            if length <= most {
                out.extend_from_slice(part);
            }
        }
        file.consume(end);
        place += end as u64;
    }
    if length > most { Err(NotWhole::Larger(length, most)) } else { Ok(out) }
}

/// The last lines, at most so many, that a program wrote to standard error; a longer one ends with how much more it has. None where the log
/// cannot be read.
#[must_use]
pub fn last_errors(log: &Path, most: usize) -> Vec<String> {
    let page = LogFile::open(log).and_then(|mut log| log.page(&LogAt::Tail, TAIL));
    let lines = page.map(|page| page.lines).unwrap_or_default();
    let filter_map = lines.iter().filter(|line| line.stderr).filter_map(|line| {
        let text = Clean::line_capped(&line.bytes, line.bytes.len() as u64 + line.cut).plain();
        (!text.trim().is_empty()).then(|| shortened(text.trim(), MAX_SENTENCE))
    });
    let messages: Vec<String> = filter_map.collect();
    messages.get(messages.len().saturating_sub(most)..).unwrap_or_default().to_vec()
}
