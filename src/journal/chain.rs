//! From lines to records and back, and what a whole journal is worth.
//!
//! The rule of verdicts:
//!
//! * the bytes after the last newline are *torn*: a write that was cut, or NUL bytes that a file system left
//!   after a power cut. It is never read. Only what no single write can leave (more than [`LARGEST_RECORD`] bytes that are not
//!   NUL) is damage;
//! * a complete line that does not chain, numbers wrongly, belongs to another run, repeats a key, is too large or records an
//!   impossible history is *damaged*, the last line included;
//! * damage outweighs a torn end;
//! * everything else is *whole*; whether it is also sealed is reported beside it.

use crate::domain::Digest;
use crate::journal::fold::RunView;
use crate::journal::line::fault;
pub use crate::journal::line::{Draft, Fault, Line, decode, encode};
use crate::journal::record::{Event, LARGEST_RECORD, Record, VERSION};
use serde_json::Value;
use std::fmt;
use std::io::{self, BufRead, Read as _};

/// Walks a journal line by line: what every reader and the appender share.
///
/// It holds the fold and the last digest, not the records, so that its memory does not grow with the journal.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    view: Option<RunView>,
    newest: u32,
}

impl Walk {
    /// Takes the next line, without its newline.
    ///
    /// In a journal that a newer program wrote, a record that this program's fold cannot place is kept as
    /// [`Event::Other`]: what is known is shown, what is not is not called damage.
    ///
    /// # Errors
    /// When the line is not the next record; the walk then stays where it was.
    pub fn step(&mut self, line: &[u8]) -> Result<Record, Fault> {
        let Line { v, mut record } = decode(line)?;
        let (last, prev) = match &self.view {
            Some(view) => (view.seq, view.head.clone()),
            None => (0, Digest::zero()),
        };
        if record.seq != last.saturating_add(1) {
            return fault(format!("it is numbered {}, and {} is due", record.seq, last.saturating_add(1)));
        }
        if record.prev != prev {
            return fault("it does not follow the record before it");
        }
        let newest = self.newest.max(v);
        let placed = match &mut self.view {
            Some(view) => view.apply(&record),
            None => RunView::begin(&record).map(|view| self.view = Some(view)),
        };
        if let Err(why) = placed {
            let Some(view) = self.view.as_mut().filter(|view| newest > VERSION && view.id == record.run) else {
                return fault(why.0);
            };
            let kind = record.event.kind().to_owned();
            let body =
                serde_json::to_value(&record.event).ok().and_then(|mut whole| whole.get_mut("body").map(Value::take));
            record.event = Event::Other { kind, body: body.unwrap_or_default() };
            view.apply(&record).map_err(|why| Fault(why.0))?;
        }
        self.newest = newest;
        Ok(record)
    }

    /// The run as computed from its journal so far; `None` before the first record.
    #[must_use]
    pub fn view(&self) -> Option<&RunView> {
        self.view.as_ref()
    }

    /// The same, by value.
    #[must_use]
    pub fn into_view(self) -> Option<RunView> {
        self.view
    }

    /// The newest version among the lines; above [`VERSION`] nothing may be added.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.newest
    }

    /// The number that the next record must have.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.view.as_ref().map_or(1, |view| view.seq.saturating_add(1))
    }
}

/// What a journal is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every line chains.
    Whole {
        /// Whether the last record is the seal.
        sealed: bool,
    },
    /// Every line chains, and what follows the last newline is not a line.
    Torn {
        /// Where it begins, in bytes.
        at: u64,
        /// How long it is.
        bytes: u64,
    },
    /// A line does not chain.
    Damaged {
        /// The number of the record that was due there.
        seq: u64,
        /// Where its line begins, in bytes.
        at: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl Verdict {
    /// The process exit code of `midwatch verify`: 0 whole, 3 torn, 4 damaged.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Whole { .. } => 0,
            Self::Torn { .. } => 3,
            Self::Damaged { .. } => 4,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole { sealed: true } => f.write_str("whole and sealed"),
            Self::Whole { sealed: false } => f.write_str("whole, not sealed"),
            Self::Torn { at, bytes } => write!(f, "torn: {bytes} bytes after the last record, from byte {at} on"),
            Self::Damaged { seq, at, why } => write!(f, "damaged: record {seq} at byte {at}: {why}"),
        }
    }
}

/// A journal, read to its end or to its first damage.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The records that chain.
    pub records: Vec<Record>,
    /// How many bytes they take.
    pub good_bytes: u64,
    /// What the whole is worth.
    pub verdict: Verdict,
    /// The fold of the records, and their newest version.
    pub walk: Walk,
}

/// Reads a whole journal.
#[must_use]
pub fn read(bytes: &[u8]) -> Chain {
    let mut records = Vec::new();
    let mut walk = Walk::default();
    let (good_bytes, verdict) = walk.all(bytes, |record| records.push(record)).unwrap_or_else(|cause| {
        // Reading bytes in memory does not fail.
        (0, Verdict::Damaged { seq: 1, at: 0, why: cause.to_string() })
    });
    Chain { records, good_bytes, verdict, walk }
}

impl Walk {
    /// Walks from the beginning to the end, or to the first damage; returns where the good bytes end and the verdict.
    ///
    /// Memory does not grow with the journal, nor with what it may hold instead of lines.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn all(&mut self, mut input: impl BufRead, mut each: impl FnMut(Record)) -> io::Result<(u64, Verdict)> {
        let mut line = Vec::new();
        let mut at = 0_u64;
        loop {
            line.clear();
            let taken = input.by_ref().take(LARGEST_RECORD as u64).read_until(b'\n', &mut line)?;
            let Some(text) = line.strip_suffix(b"\n") else {
                return if taken < LARGEST_RECORD {
                    Ok((at, self.end(at, taken as u64, written(&line))))
                } else {
                    self.overlong(input, at, written(&line)).map(|verdict| (at, verdict))
                };
            };
            match self.step(text) {
                Ok(record) => each(record),
                Err(Fault(why)) => return Ok((at, Verdict::Damaged { seq: self.due(), at, why })),
            }
            at += taken as u64;
        }
    }

    /// The verdict on a journal that goes on with more bytes than a record can have, of which the first are read.
    fn overlong(&self, mut input: impl BufRead, at: u64, mut last: u64) -> io::Result<Verdict> {
        let mut bytes = LARGEST_RECORD as u64;
        loop {
            let chunk = input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(self.end(at, bytes, last));
            }
            if chunk.contains(&b'\n') {
                let why = format!("it is larger than {LARGEST_RECORD} bytes");
                return Ok(Verdict::Damaged { seq: self.due(), at, why });
            }
            if written(chunk) > 0 {
                last = bytes + written(chunk);
            }
            let taken = chunk.len();
            bytes += taken as u64;
            input.consume(taken);
        }
    }

    /// The verdict on a journal whose every line chains and that ends in so many bytes without a newline, of which the last
    /// that is not NUL is the `last`th.
    fn end(&self, at: u64, bytes: u64, last: u64) -> Verdict {
        if last > LARGEST_RECORD as u64 {
            let why = format!("{last} bytes without a newline, more than a record can have");
            return Verdict::Damaged { seq: self.due(), at, why };
        }
        if bytes > 0 {
            return Verdict::Torn { at, bytes };
        }
        Verdict::Whole { sealed: self.view().is_some_and(|view| view.sealed.is_some()) }
    }
}

/// How many bytes there are up to the last that is not NUL.
fn written(bytes: &[u8]) -> u64 {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

#[cfg(test)]
mod tests;
