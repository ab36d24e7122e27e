//! From bytes to spans: the reading half of the sanitiser.

use super::hidden::{Fate, fate};
use super::{Paint, Span};
use std::fmt::Write as _;

/// Where tab stops are, in columns.
const TAB: usize = 8;
/// How many marks may sit on one character; more is a wall of ink over the lines above and below.
const MARKS: u8 = 4;

/// What a tab becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tabs {
    /// Spaces up to the next stop.
    Expanded,
    /// `^I`, so that two names that differ never look alike.
    Named,
}

/// Puts one line together.
pub(super) struct Reader {
    spans: Vec<Span>,
    /// The look of what comes next.
    paint: Paint,
    /// Columns so far.
    column: usize,
    /// Marks that the last character carries; none while there is nothing to carry them.
    carried: Option<u8>,
    tabs: Tabs,
    /// Whether SGR colours, rather than being shown as text.
    colours: bool,
}

impl Reader {
    /// Starts a line.
    pub(super) fn new(tabs: Tabs, colours: bool) -> Self {
        Self { spans: Vec::new(), paint: Paint::default(), column: 0, carried: None, tabs, colours }
    }

    /// Takes bytes; what is not UTF-8 is shown as `\xNN`.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.text(chunk.valid());
            for byte in chunk.invalid() {
                self.name(format_args!("\\x{byte:02x}"));
            }
        }
    }

    /// Takes text.
    fn text(&mut self, mut text: &str) {
        while let Some(c) = text.chars().next() {
            if self.colours
                && c == '\x1b'
                && let Some(rest) = self.colour(text)
            {
                text = rest;
                continue;
            }
            self.character(c);
            text = text.get(c.len_utf8()..).unwrap_or_default();
        }
    }

    /// Takes one SGR sequence from the front of the text, and gives what follows; none if it is anything else.
    ///
    /// The parser sees only what is wholly digits, semicolons and colons up to an `m`, because of any other sequence it
    /// drops bytes, and what is dropped here would be hidden from the reader.
    fn colour<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let after = text.strip_prefix("\x1b[")?;
        let (parameters, rest) = after.split_at_checked(after.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'))?)?;
        let rest = rest.strip_prefix('m')?;
        let mut sgr = Sgr { paint: self.paint, understood: false };
        let mut parser: vte::Parser = vte::Parser::new();
        parser.advance(&mut sgr, b"\x1b[");
        parser.advance(&mut sgr, parameters.as_bytes());
        parser.advance(&mut sgr, b"m");
        if !sgr.understood {
            return None;
        }
        self.paint = sgr.paint;
        self.carried = None;
        Some(rest)
    }

    /// Takes one character.
    fn character(&mut self, c: char) {
        if c == '\t' && self.tabs == Tabs::Expanded {
            let blanks = TAB - self.column % TAB;
            (0..blanks).for_each(|_| self.put(' ', 1));
            self.carried = None;
            return;
        }
        match fate(c) {
            Fate::Drawn(columns) => self.put(c, columns),
            Fate::Combines => match self.carried {
                Some(marks @ 0..MARKS) => {
                    self.put(c, 0);
                    self.carried = Some(marks + 1);
                }
                _ => self.escape(c),
            },
            Fate::Named => self.escape(c),
        }
    }

    /// Adds a character that is drawn as it is.
    fn put(&mut self, c: char, columns: usize) {
        let paint = self.paint.legible();
        match self.spans.last_mut() {
            Some(last) if last.paint == paint => last.text.push(c),
            _ => self.spans.push(Span { text: String::from(c), paint }),
        }
        self.column += columns;
        self.carried = Some(0);
    }

    /// Shows a character by its name: caret notation for the old controls, the code point for the rest.
    fn escape(&mut self, c: char) {
        match u8::try_from(c) {
            Ok(byte @ (0..0x20 | 0x7f)) => self.name(format_args!("^{}", char::from(byte ^ 0x40))),
            _ => self.name(format_args!("\\u{{{:x}}}", u32::from(c))),
        }
    }

    /// Adds words of our own in place of what cannot be drawn.
    pub(super) fn name(&mut self, words: std::fmt::Arguments<'_>) {
        let paint = Paint { mark: true, ..self.paint.legible() };
        let before = match self.spans.last_mut() {
            Some(last) if last.paint == paint => last,
            _ => {
                self.spans.push(Span { text: String::new(), paint });
                let Some(last) = self.spans.last_mut() else { return };
                last
            }
        };
        let held = before.text.len();
        let _ = before.text.write_fmt(words);
        self.column += before.text.get(held..).map_or(0, |added| added.chars().count());
        self.carried = None;
    }

    /// Ends the line.
    pub(super) fn finish(self) -> Vec<Span> {
        self.spans
    }
}

/// Listens for one SGR.
struct Sgr {
    paint: Paint,
    understood: bool,
}

impl vte::Perform for Sgr {
    fn csi_dispatch(&mut self, parameters: &vte::Params, _between: &[u8], too_many: bool, _action: char) {
        if !too_many {
            self.paint.apply(parameters);
            self.understood = true;
        }
    }
}
