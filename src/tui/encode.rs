//! Changed cells as the bytes that draw them.
//!
//! Written for slow links: colours by their shortest form, moves relative where that is safe, long runs of blanks erased
//! rather than written (ECH), nothing reset that was not set.

use crate::domain::clean::{Depth, Ink};
use crate::ui::ink::ink;
use ratatui::buffer::Cell;
use ratatui::style::Modifier;
use std::io::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// From this many blanks on, erasing is shorter than writing them and moves no further than they would.
const ERASE_FROM: u16 = 10;

/// Looks with the SGR code that turns them on; blinking and hidden text do not exist here.
const LOOKS: [(Modifier, u8); 6] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
    (Modifier::CROSSED_OUT, 9),
];
/// Looks that show on a blank.
const SHOWS_ON_BLANK: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

/// How the terminal would draw the next character.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Ink,
    bg: Ink,
    looks: Modifier,
}

const PLAIN: Pen = Pen { fg: Ink::Default, bg: Ink::Default, looks: Modifier::empty() };

/// One frame on its way to bytes.
struct Encoder<'o> {
    out: &'o mut Vec<u8>,
    pen: Pen,
    /// Where the terminal's cursor is, if that is certain.
    at: Option<(u16, u16)>,
    /// Whether every character since the last absolute move has one width everywhere.
    sure: bool,
    /// Blanks not yet written: where they begin, how many.
    blanks: Option<((u16, u16), u16)>,
}

/// Appends what draws the cells, given as (column, row, cell), and leaves the pen as it found it: plain.
///
/// The place of the cursor is unknown afterwards. A control character in a cell, which no code of ours puts there, is
/// drawn as `?`.
pub fn cells<'c>(out: &mut Vec<u8>, depth: Depth, cells: impl Iterator<Item = (u16, u16, &'c Cell)>) {
    let mut encoder = Encoder { out, pen: PLAIN, at: None, sure: false, blanks: None };
    for (x, y, cell) in cells {
        encoder.cell(x, y, cell, pen(cell, depth));
    }
    encoder.end_blanks();
    encoder.take(PLAIN);
}

/// The pen that a cell asks for, within what the terminal shows.
fn pen(cell: &Cell, depth: Depth) -> Pen {
    let (fg, bg) = (ink(cell.fg), ink(cell.bg));
    let mut pen = Pen { fg: fg.at(depth), bg: bg.at(depth), looks: Modifier::empty() };
    if fg != bg && pen.fg == pen.bg {
        pen.fg = Ink::Default; // Two colours became one on this terminal.
    }
    for (look, _) in LOOKS {
        pen.looks |= cell.modifier & look;
    }
    pen
}

impl Encoder<'_> {
    fn cell(&mut self, x: u16, y: u16, cell: &Cell, pen: Pen) {
        let symbol = match cell.symbol() {
            "" => " ",
            symbol if symbol.chars().any(char::is_control) => "?",
            symbol => symbol,
        };
        if symbol == " " && pen.bg == Ink::Default && !pen.looks.intersects(SHOWS_ON_BLANK) {
            match &mut self.blanks {
                Some(((start, row), count)) if *row == y && start.checked_add(*count) == Some(x) => *count += 1,
                _ => {
                    self.end_blanks();
                    self.blanks = Some(((x, y), 1));
                }
            }
            return;
        }
        self.end_blanks();
        self.go(x, y);
        self.take(pen);
        self.out.extend_from_slice(symbol.as_bytes());
        let single = symbol.chars().nth(1).is_none() && symbol.width() == 1;
        self.sure &= symbol.is_ascii();
        self.at = single.then(|| (x.saturating_add(1), y));
    }

    /// Writes or erases the blanks that were held back.
    fn end_blanks(&mut self) {
        let Some(((x, y), count)) = self.blanks.take() else { return };
        self.go(x, y);
        if self.pen.bg != Ink::Default || self.pen.looks.intersects(SHOWS_ON_BLANK) {
            self.take(PLAIN);
        }
        if count >= ERASE_FROM {
            let _ = write!(self.out, "\x1b[{count}X");
        } else {
            self.out.extend(std::iter::repeat_n(b' ', usize::from(count)));
            self.at = Some((x.saturating_add(count), y));
        }
    }

    /// Moves the cursor.
    fn go(&mut self, x: u16, y: u16) {
        let ahead = match self.at {
            Some((column, row)) if row == y => x.checked_sub(column),
            _ => None,
        };
        let _ = match (ahead, x, y) {
            (Some(0), _, _) => return,
            (Some(1), _, _) if self.sure => self.out.write_all(b"\x1b[C"),
            (Some(ahead), _, _) if self.sure => write!(self.out, "\x1b[{ahead}C"),
            (_, 0, 0) => self.out.write_all(b"\x1b[H"),
            (_, 0, _) => write!(self.out, "\x1b[{}H", u32::from(y) + 1),
            _ => write!(self.out, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1),
        };
        self.sure = true;
        self.at = Some((x, y));
    }

    /// Changes the pen by the shortest SGR.
    fn take(&mut self, wanted: Pen) {
        if wanted == self.pen {
            return;
        }
        let mut codes = Vec::with_capacity(16);
        let mut from = self.pen;
        if !(from.looks - wanted.looks).is_empty() || wanted == PLAIN {
            from = PLAIN;
            if wanted != PLAIN {
                codes.extend_from_slice(b"0;");
            }
        }
        for (look, code) in LOOKS {
            if (wanted.looks - from.looks).contains(look) {
                let _ = write!(codes, "{code};");
            }
        }
        if wanted.fg != from.fg {
            color(&mut codes, wanted.fg, 30);
        }
        if wanted.bg != from.bg {
            color(&mut codes, wanted.bg, 40);
        }
        codes.pop();
        self.out.extend_from_slice(b"\x1b[");
        self.out.extend_from_slice(&codes);
        self.out.push(b'm');
        self.pen = wanted;
    }
}

/// Appends an ink as SGR parameters, from 30 for letters and from 40 for the ground.
fn color(codes: &mut Vec<u8>, ink: Ink, base: u8) {
    let _ = match ink {
        Ink::Default => write!(codes, "{};", base + 9),
        Ink::Indexed(index @ 0..8) => write!(codes, "{};", base + index),
        Ink::Indexed(index @ 8..16) => write!(codes, "{};", base + 52 + index),
        Ink::Indexed(index) => write!(codes, "{};5;{index};", base + 8),
        Ink::Rgb(r, g, b) => write!(codes, "{};2;{r};{g};{b};", base + 8),
    };
}
