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
use ratatui::buffer::Buffer;
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
    for cell in &mut buffer.content {
        let plain = match cell.symbol() {
            symbol if symbol.is_ascii() => continue,
            "·" | "–" | "─" => "-",
            "…" => "~",
            "│" => "|",
            "▌" => ">",
            "×" => "x",
            "→" => ">",
            "±" => "~",
            "≠" => "!",
            _ => "?",
        };
        cell.set_symbol(plain);
    }
}

/// The text of a drawn line, for tests and for copying.
#[must_use]
pub fn plain(line: &Line<'_>) -> String {
    line.spans.iter().map(|span| Cow::clone(&span.content)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Modifier;

    #[test]
    fn a_strip_lines_its_columns_up() {
        let role = Style::new().bold();
        let strip = Strip::new().put(role, "▲ ").put(role, Clean::text("漢字")).to(8).put(role, 1284_u64);
        let strip = strip.right(22, role, quantity::bytes(2048));
        assert_eq!(strip.width(), 22);
        assert_eq!(plain(&strip.line()), "▲ 漢字  1,284  2.0 KiB");
        let tight = Strip::new().put(role, "abcdef").to(3).put_within(4, role, "ghijkl").right(2, role, "m");
        assert_eq!(plain(&tight.line()), "abcdef ghi… m");
        assert_eq!(Strip::new().gap(500).line().width(), 500);
    }

    #[test]
    fn a_string_is_sanitised_on_its_way() {
        let line = line(Style::new(), format!("a{}b", '\x1b'));
        assert_eq!(plain(&line), "a^[b");
        assert!(line.spans[1].style.add_modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn outside_the_area_nothing_is_drawn() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        let area = Rect::new(1, 0, 3, 1);
        for (x, y) in [(0, 0), (1, 0), (4, 0), (1, 1), (9, 9)] {
            draw(&line(Style::new(), "abcdef"), x, y, area, &mut buffer);
        }
        symbol(5, 1, Style::new(), "●", &mut buffer);
        symbol(6, 2, Style::new(), "●", &mut buffer);
        assert_eq!(buffer, Buffer::with_lines([" abc  ", "     ●"]));
        draw(&line(Style::new(), "x"), 0, 0, Rect::new(0, 0, 99, 99), &mut Buffer::empty(Rect::ZERO));
    }

    #[test]
    fn a_terminal_without_unicode_gets_what_comes_near() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 18, 1));
        draw(&line(Style::new(), "a · é漢b… ±3 a ≠ b"), 0, 0, buffer.area, &mut buffer);
        to_ascii(&mut buffer);
        assert_eq!(buffer, Buffer::with_lines(["a - ?? b~ ~3 a ! b"]));
    }

    /// Where the sentinel at its end would land, and where it did.
    fn measured_and_drawn(clean: Clean) -> (usize, Option<usize>) {
        let width = clean.width();
        let mut buffer = Buffer::empty(Rect::new(0, 0, u16::try_from(width).unwrap() + 8, 1));
        draw(&line(Style::new(), clean), 0, 0, buffer.area, &mut buffer);
        (width - 1, buffer.content().iter().rposition(|cell| cell.symbol() == "X"))
    }

    #[test]
    fn what_is_measured_is_what_is_drawn() {
        // Every character, once and twice, between two others: the cell after it is where its width says.
        let differ = |c: &char| {
            let (measured, drawn) = measured_and_drawn(Clean::text(&format!("a{c}X")));
            let (twice, drawn_twice) = measured_and_drawn(Clean::text(&format!("a{c}{c}X")));
            Some(measured) != drawn || Some(twice) != drawn_twice
        };
        // The thousands of ideographs and syllables of one kind are left out, for time.
        let alike = |c: &char| matches!(u32::from(*c), 0x3401..0xa000 | 0xac01..0xd7a0 | 0xe001..0xf8ff | 0x17001..0x18cff | 0x20001..0xe0000);
        let wrong: Vec<String> = ('\0'..='\u{e0fff}')
            .filter(|c| !alike(c))
            .filter(differ)
            .map(|c| format!("{:04X}", u32::from(c)))
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn any_mixture_is_drawn_as_it_is_measured(text in ".{0,20}") {
            let (measured, drawn) = measured_and_drawn(Clean::text(&format!("{text}X")));
            proptest::prop_assert_eq!(Some(measured), drawn);
        }
    }
}
