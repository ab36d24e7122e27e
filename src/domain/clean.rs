//! The one sanitiser between outside bytes and the screen.
//!
//! Log lines, server messages, file names, certificate fields: all text that Midwatch did not write itself becomes [`Clean`]
//! here or is not drawn. Nothing is ever left out silently. A log line keeps its colours; every other control
//! character, and every sequence that a terminal would obey, stays in the line as text:
//!
//! ```text
//! before ESC ] 0 ; title BEL after     ->  before^[]0;title^Gafter
//! a RIGHT-TO-LEFT-OVERRIDE b           ->  a\u{202e}b
//! 0xff                                 ->  \xff
//! ```

mod hidden;
mod paint;
mod read;

#[cfg(test)]
#[path = "../../tests/support/corpus.rs"]
pub(crate) mod corpus;

pub use paint::{Depth, Ink, Paint};

use crate::domain::quantity;
use read::{Reader, Tabs};
use unicode_width::UnicodeWidthChar as _;

/// How much of one log line is drawn, in bytes.
pub const LINE_LIMIT: usize = 4 << 10;
/// How much of a name or a message is drawn, in bytes. A path of any length that the kernel takes is below it, and so is every text
/// that a prompt holds: what is confirmed is drawn whole.
pub const TEXT_LIMIT: usize = 512 << 10;

/// JSON text in which no character is hidden: controls above ASCII, those that turn the reading order, and those that show nothing
/// are written as `\\u009b`, so that the value is the same.
///
/// A JSON text has such characters inside strings alone. Source: RFC 8259, chapters 2 and 7.
#[must_use]
pub fn json_escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for symbol in json.chars() {
        if symbol.is_ascii() && symbol != '\u{7f}' || hidden::fate(symbol) != hidden::Fate::Named {
            out.push(symbol);
            continue;
        }
        for unit in symbol.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// A stretch of text with one look.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    text: String,
    paint: Paint,
}

impl Span {
    /// What it says.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it looks.
    #[must_use]
    pub fn paint(&self) -> Paint {
        self.paint
    }
}

/// One line that may be drawn.
///
/// No character in it moves a cursor, takes no column without standing on another, or turns the reading order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Clean {
    spans: Vec<Span>,
}

impl Clean {
    /// One line of a log: SGR colours stay, tabs become spaces; at most [`LINE_LIMIT`] bytes of it.
    ///
    /// The line's own end (`\n` or `\r\n`) is left out; any other carriage return is shown as `^M`.
    #[must_use]
    pub fn line(bytes: &[u8]) -> Self {
        Self::line_capped(bytes, bytes.len() as u64)
    }

    /// One line of a log from its beginning alone, when the rest of its `length` bytes was never read.
    ///
    /// What is not drawn is counted at the end: `… 10,481,664 bytes not shown`.
    #[must_use]
    pub fn line_capped(head: &[u8], length: u64) -> Self {
        let whole = head.len() as u64 >= length;
        let line = if whole { head.strip_suffix(b"\n").unwrap_or(head) } else { head };
        let line = if whole { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        let ending = head.len() - line.len();
        Self::capped(Reader::new(Tabs::Expanded, true), line, LINE_LIMIT, length - (ending as u64).min(length))
    }

    /// A name, a message or any other text: nothing colours it, and even a tab is shown, as `^I`.
    ///
    /// For a message of several lines, see [`Clean::lines`].
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::name(text.as_bytes())
    }

    /// A name that may not be UTF-8, a path for one; otherwise as [`Clean::text`].
    #[must_use]
    pub fn name(bytes: &[u8]) -> Self {
        Self::capped(Reader::new(Tabs::Named, false), bytes, TEXT_LIMIT, bytes.len() as u64)
    }

    /// A message of several lines, without colours and with tabs as spaces.
    #[must_use]
    pub fn lines(text: &str) -> Vec<Self> {
        let line = |line: &str| {
            Self::capped(Reader::new(Tabs::Expanded, false), line.as_bytes(), TEXT_LIMIT, line.len() as u64)
        };
        text.lines().map(line).collect()
    }

    /// Reads at most `limit` bytes and says how many of `length` were left.
    fn capped(mut reader: Reader, bytes: &[u8], limit: usize, length: u64) -> Self {
        let mut shown = bytes.get(..limit).unwrap_or(bytes);
        if (shown.len() as u64) < length {
            // Not through the middle of a character, which would then look broken.
            let end = shown.utf8_chunks().last().map_or(&[][..], |last| last.invalid());
            if std::str::from_utf8(end).is_err_and(|error| error.error_len().is_none()) {
                shown = shown.strip_suffix(end).unwrap_or(shown);
            }
        }
        reader.bytes(shown);
        let left = length.saturating_sub(shown.len() as u64);
        if left > 0 {
            reader.name(format_args!("… {} not shown", quantity::counted(left, "byte", "bytes")));
        }
        Self { spans: reader.finish() }
    }

    /// Its stretches, in order; none is empty.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The text without its colours, as it would be copied or searched.
    #[must_use]
    pub fn plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.spans.iter().flat_map(|span| span.text.chars()).map(columns).sum()
    }

    /// What fits into a number of columns, and what is left; a character of two columns is never halved.
    #[must_use]
    pub fn split(mut self, width: usize) -> (Self, Self) {
        let mut taken = 0;
        for (place, span) in self.spans.iter_mut().enumerate() {
            let over = span.text.char_indices().find(|(_, c)| {
                let fits = taken + columns(*c) <= width;
                taken += columns(*c);
                !fits
            });
            if let Some((at, _)) = over {
                let tail = Span { text: span.text.split_off(at), paint: span.paint };
                let keep = if at == 0 { place } else { place + 1 };
                let mut rest = vec![tail];
                rest.extend(self.spans.drain(place + 1..));
                self.spans.truncate(keep);
                return (self, Self { spans: rest });
            }
        }
        (self, Self::default())
    }

    /// The line over as many rows of `width` columns as it needs; one row at least, of two columns at least.
    #[must_use]
    pub fn wrap(&self, width: usize) -> Vec<Self> {
        let width = width.max(2); // The widest character; a narrower screen shows none of this.
        let (mut rows, mut row, mut taken) = (Vec::new(), Self::default(), 0);
        for span in &self.spans {
            for c in span.text.chars() {
                if taken + columns(c) > width {
                    rows.push(std::mem::take(&mut row));
                    taken = 0;
                }
                taken += columns(c);
                match row.spans.last_mut() {
                    Some(last) if last.paint == span.paint => last.text.push(c),
                    _ => row.spans.push(Span { text: String::from(c), paint: span.paint }),
                }
            }
        }
        rows.push(row);
        rows
    }

    /// The line within `width` columns, ending in `…` if something was cut off.
    #[must_use]
    pub fn cut(&self, width: usize) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        let Some(rest) = width.checked_sub(1) else { return Self::default() };
        let (mut kept, _) = self.clone().split(rest);
        kept.spans.push(Span { text: String::from("…"), paint: Paint::default() });
        kept
    }

    /// The line within `width` columns, beginning with `…` if something was cut off.
    ///
    /// A path is cut in front of a `/` where that keeps half of the columns: its end says more than its beginning.
    #[must_use]
    pub fn cut_front(&self, width: usize) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        let Some(rest) = width.checked_sub(1) else { return Self::default() };
        let mut over = self.width() - rest;
        let (_, mut kept) = self.clone().split(over);
        while kept.width() > rest {
            // A character of two columns was on the edge.
            over += 1;
            kept = self.clone().split(over).1;
        }
        let slash = kept.plain().find('/').map(|at| Self::text(kept.plain().get(..at).unwrap_or("")).width());
        if let Some(before) = slash.filter(|before| kept.width() - before >= width.div_ceil(2)) {
            kept = kept.split(before).1;
        }
        kept.spans.insert(0, Span { text: String::from("…"), paint: Paint::default() });
        kept
    }
}

/// The columns of a character that passed the reader.
fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

impl From<&str> for Clean {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Clean {
    fn from(text: String) -> Self {
        Self::text(&text)
    }
}

#[cfg(test)]
mod tests;
