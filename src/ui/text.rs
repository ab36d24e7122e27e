//! The one place that makes text for the screen.
//!
//! A [`Piece`] is either words of our own, known when Midwatch was built, or [`Clean`]; there is no way from a `String`
//! to the screen around the sanitiser. Everything else in `ui` asks here for its lines (`clippy.toml` refuses ratatui's
//! own constructors elsewhere).
//!
//! ```text
//! Strip::new().put(role, "▲ ").put(text, &row.name).to(24).put(text, latency).right(60, muted, age).line()
//!
//! ▲ novacron-api          12 ms                          3 m
//! ```
#![allow(clippy::disallowed_methods)]

use crate::domain::Clean;
use crate::domain::quantity;
use crate::ui::ink;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr as _;

/// A row of blanks to cut from.
const BLANKS: &str = "                                                                                                ";

/// Something that may be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Words of our own.
    Words(&'static str),
    /// Outside text, and figures of our own that were put together at run time.
    Clean(Clean),
}

impl Piece {
    /// How many columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Words(words) => words.width(),
            Self::Clean(clean) => clean.width(),
        }
    }

    /// The piece within a number of columns, ending in `…` if something was cut off.
    #[must_use]
    pub fn cut(self, width: usize) -> Self {
        match self {
            Self::Words(words) if words.width() > width => Self::Clean(Clean::text(words).cut(width)),
            Self::Clean(clean) => Self::Clean(clean.cut(width)),
            words => words,
        }
    }

    /// As ratatui's spans, over the style of its role.
    fn spans(self, role: Style) -> Vec<Span<'static>> {
        match self {
            Self::Words("") => Vec::new(),
            Self::Words(words) => vec![Span::styled(words, role)],
            Self::Clean(clean) => {
                let spans = clean.spans().iter();
                spans.map(|span| Span::styled(span.text().to_owned(), ink::over(role, span.paint()))).collect()
            }
        }
    }
}

impl From<&'static str> for Piece {
    fn from(words: &'static str) -> Self {
        Self::Words(words)
    }
}

impl From<Clean> for Piece {
    fn from(clean: Clean) -> Self {
        Self::Clean(clean)
    }
}

impl From<&Clean> for Piece {
    fn from(clean: &Clean) -> Self {
        Self::Clean(clean.clone())
    }
}

impl From<String> for Piece {
    /// Through the sanitiser, whoever made it: a figure from `quantity` comes out as it went in.
    fn from(text: String) -> Self {
        Self::Clean(Clean::text(&text))
    }
}

impl From<&String> for Piece {
    fn from(text: &String) -> Self {
        Self::Clean(Clean::text(text))
    }
}

impl From<u64> for Piece {
    /// A count, its digits grouped.
    fn from(number: u64) -> Self {
        Self::from(quantity::count(number))
    }
}

/// One line being put together from left to right.
#[derive(Clone, Debug, Default)]
pub struct Strip {
    spans: Vec<Span<'static>>,
    width: usize,
}

impl Strip {
    /// An empty line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece in the style of its role.
    #[must_use]
    pub fn put(mut self, role: Style, piece: impl Into<Piece>) -> Self {
        let piece = piece.into();
        self.width += piece.width();
        self.spans.extend(piece.spans(role));
        self
    }

    /// Adds a piece within a number of columns, cut with `…` if it is longer.
    #[must_use]
    pub fn put_within(self, columns: usize, role: Style, piece: impl Into<Piece>) -> Self {
        self.put(role, piece.into().cut(columns))
    }

    /// Adds blanks.
    #[must_use]
    pub fn gap(mut self, columns: usize) -> Self {
        self.width += columns;
        let mut left = columns;
        while left > 0 {
            let blanks = BLANKS.get(..left).unwrap_or(BLANKS);
            self.spans.push(Span::raw(blanks));
            left -= blanks.len();
        }
        self
    }

    /// Adds blanks up to a column, counted from 0; one at least if that column has passed.
    #[must_use]
    pub fn to(self, column: usize) -> Self {
        let blanks = column.saturating_sub(self.width).max(usize::from(self.width > 0));
        self.gap(blanks)
    }

    /// Adds a piece that ends just before a column, with one blank at least in front of it.
    #[must_use]
    pub fn right(self, column: usize, role: Style, piece: impl Into<Piece>) -> Self {
        let piece = piece.into();
        let start = column.saturating_sub(piece.width());
        self.to(start).put(role, piece)
    }

    /// Columns so far.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The finished line.
    #[must_use]
    pub fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
}

/// A line of one piece.
#[must_use]
pub fn line(role: Style, piece: impl Into<Piece>) -> Line<'static> {
    Line::from(piece.into().spans(role))
}

/// A piece as one paragraph of as many rows of `width` columns as it needs.
#[must_use]
pub fn wrapped(role: Style, piece: impl Into<Piece>, width: usize) -> Vec<Line<'static>> {
    let clean = match piece.into() {
        Piece::Words(words) => Clean::text(words),
        Piece::Clean(clean) => clean,
    };
    clean.wrap(width).into_iter().map(|row| line(role, row)).collect()
}

/// A sentence within so many columns: whole parts (` · ` or a comma apart), else whole words, where that keeps half of the columns; what was
/// cut off leaves `…`.
#[must_use]
pub fn fitted(sentence: &str, columns: usize) -> Clean {
    let clean = Clean::text(sentence);
    if clean.width() <= columns {
        return clean;
    }
    let before = |at: usize| Clean::text(sentence.get(..at).unwrap_or_default()).width();
    let kept = |apart: &str, mark: usize| {
        let places = sentence.match_indices(apart).map(|(at, _)| before(at) + mark);
        places.filter(|width| *width < columns && (width + 1) * 2 >= columns).last()
    };
    // Behind whole parts the mark stands by itself, behind a word it touches it.
    let width = kept(" · ", 1).max(kept(", ", 0)).or_else(|| kept(" ", 0));
    clean.cut(width.map_or(columns, |width| width + 1))
}

/// A name in so many columns; of a path the end tells more.
#[must_use]
pub fn name(name: &str, columns: usize) -> Clean {
    let clean = Clean::text(name);
    if name.starts_with('/') { clean.cut_front(columns) } else { clean.cut(columns) }
}

/// The columns of names beside sentences in a room of so many, at most so many: of a path the end is enough where the sentences
/// need the room, of another name not.
#[must_use]
pub fn columns_of_names(names: &[String], sentences: usize, room: usize, most: usize) -> usize {
    let widest = |paths: bool| {
        let of = names.iter().filter(|name| name.starts_with('/') == paths);
        of.map(|name| Clean::text(name).width()).max().unwrap_or(0)
    };
    let left = room.saturating_sub(sentences).max(room / 4);
    widest(false).max(widest(true).min(left)).clamp(8, most.max(8))
}

/// Lines as one text.
#[must_use]
pub fn text(lines: Vec<Line<'static>>) -> Text<'static> {
    Text::from(lines)
}

/// Draws a line in the row that begins at a cell, up to the right edge of an area; outside the area, nothing.
pub fn draw(line: &Line<'_>, x: u16, y: u16, area: Rect, buffer: &mut Buffer) {
    let inside = area.intersection(buffer.area);
    if (inside.top()..inside.bottom()).contains(&y) && (inside.left()..inside.right()).contains(&x) {
        buffer.set_line(x, y, line, inside.right() - x);
    }
}

/// Puts one of our own symbols, one column wide, into a cell; outside the screen, nothing.
pub fn symbol(x: u16, y: u16, role: Style, symbol: &'static str, buffer: &mut Buffer) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(symbol).set_style(role);
    }
}

/// Makes what was drawn fit a terminal that shows ASCII alone: our own signs by their likeness, all else as `?`.
pub fn to_ascii(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(width) {
        let mut at = 0;
        while let Some(cell) = row.get(at) {
            match LIKENESS.iter().find(|(sign, _)| *sign == cell.symbol()) {
                Some((_, like)) => at += liken(row, at, like),
                None if cell.symbol().is_ascii() => {}
                None => put(row, at, "?"),
            }
            at += 1;
        }
    }
}

/// Our own signs that are not ASCII, each with its likeness. None of these is the sign of a verdict, a state or an effect.
pub const LIKENESS: [(&str, &str); 10] = [
    ("·", "-"),
    ("–", "-"),
    ("─", "-"),
    ("…", ".."),
    ("│", "|"),
    ("▌", ">"),
    ("×", "X"),
    ("→", "->"),
    ("±", "+-"),
    ("≠", "!="),
];

fn put(row: &mut [Cell], at: usize, sign: &str) {
    if let Some(cell) = row.get_mut(at) {
        cell.set_symbol(sign);
    }
}

/// Puts a likeness in the place of a sign; how many columns further it ends. One of two columns takes a blank beside it: what
/// stands between it and the nearest two blanks, before it or behind it, gives way by one. Of a text that is cut off it takes the last letter.
fn liken(row: &mut [Cell], at: usize, like: &'static str) -> usize {
    let (Some(first), Some(second)) = (like.get(..1), like.get(1..).filter(|second| !second.is_empty())) else {
        put(row, at, like);
        return 0;
    };
    let is = |place: usize, sign: &str| row.get(place).is_some_and(|cell| cell.symbol() == sign);
    let lone = |place: &usize| is(*place, " ") && (is(place + 1, " ") || place + 1 == row.len());
    let before =
        at.checked_sub(1).filter(|before| is(*before, " ") && before.checked_sub(1).is_none_or(|at| is(at, " ")));
    if like == ".." {
        let letter = at.checked_sub(1).filter(|before| !["|", "#"].iter().any(|edge| is(*before, edge)));
        letter.into_iter().for_each(|before| put(row, before, first));
        put(row, at, second);
        return 0;
    }
    if let Some(before) = before {
        put(row, before, first);
        put(row, at, second);
        return 0;
    }
    let room = (at + 1..row.len()).take_while(|place| !["│", "|", "#"].iter().any(|edge| is(*place, edge))).find(lone);
    match room {
        Some(room) => {
            if let Some(drift) = row.get_mut(at + 1..=room) {
                drift.rotate_right(1);
            }
            put(row, at, first);
            put(row, at + 1, second);
            1
        }
        None => {
            // No room at all: the sign that tells it apart.
            put(row, at, first);
            0
        }
    }
}

/// The text of a drawn line, for tests and for copying.
#[must_use]
pub fn plain(line: &Line<'_>) -> String {
    line.spans.iter().map(|span| Cow::clone(&span.content)).collect()
}

#[cfg(test)]
mod tests;
