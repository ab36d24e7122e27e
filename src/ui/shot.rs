//! A frame without a terminal: as plain text, and as a picture.

use crate::app::Model;
use crate::config::theme::Theme;
use crate::domain::Boot;
use crate::domain::clean::Ink;
use crate::ui::{ViewState, draw, ink};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Modifier, Style};
use std::fmt::Write;

/// The size of a cell in the picture, in pixels.
const CELL: (f64, f64) = (8.4, 18.0);
/// The margin around the screen, in pixels.
const MARGIN: f64 = 14.0;
/// What a terminal's own colours are, in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Light letters on a dark ground.
    Dark,
    /// Dark letters on a light ground.
    Light,
}

impl Paper {
    /// The terminal's own letters and ground.
    fn own(self) -> (&'static str, &'static str) {
        match self {
            Self::Dark => ("#c9d1d9", "#10151b"),
            Self::Light => ("#1f2328", "#ffffff"),
        }
    }
}

/// The first 16 colours of the palette, as most dark terminals have them.
const SIXTEEN: [&str; 16] = [
    "#1c2128", "#e5534b", "#57ab5a", "#c69026", "#539bf5", "#b083f0", "#39c5cf", "#adbac7", "#636e7b", "#ff938a",
    "#6bc46d", "#daaa3f", "#6cb6ff", "#dcbdfb", "#56d4dd", "#ffffff",
];

/// A drawn frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Its characters, line by line, without what trails.
    pub text: String,
    /// It as an SVG.
    pub svg: String,
}

/// Draws a console as a terminal of its size would show it; the second time, as a frame that has been looked at.
#[must_use]
pub fn of(model: &mut Model, theme: &Theme, paper: Paper) -> Shot {
    let (columns, rows) = model.size;
    // Its errors have no value: it draws into memory.
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let mut view = ViewState::default();
    for _ in 0..2 {
        let Ok(_) = terminal.draw(|frame| draw(frame, &model.snapshot(), theme, &mut view));
        model.drawn(view.seen.clone(), Boot(0));
    }
    let buffer = terminal.backend().buffer();
    Shot { text: text(buffer), svg: svg(buffer, paper) }
}

/// The lines of a frame; a wide character is followed by no cell of its own.
fn lines(buffer: &Buffer) -> impl Iterator<Item = Vec<(u16, &Cell)>> {
    let area = buffer.area;
    (0..area.height).map(move |y| {
        let mut skip = 0;
        let mut line = Vec::new();
        for x in 0..area.width {
            let Some(cell) = buffer.cell((x, y)) else { continue };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
            line.push((x, cell));
        }
        line
    })
}

fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for line in lines(buffer) {
        let whole: String = line.iter().map(|(_, cell)| cell.symbol()).collect();
        text.push_str(whole.trim_end());
        text.push('\n');
    }
    text
}

/// Letters, ground and attributes of a cell as a terminal shows them.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    letters: String,
    ground: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
}

fn seen(style: Style, paper: Paper) -> Seen {
    let own = paper.own();
    let letters = style.fg.map(ink::ink).and_then(hex).unwrap_or_else(|| own.0.to_owned());
    let ground = style.bg.map(ink::ink).and_then(hex);
    let has = |modifier| style.add_modifier.contains(modifier);
    let (letters, ground) = if has(Modifier::REVERSED) {
        (ground.unwrap_or_else(|| own.1.to_owned()), Some(letters))
    } else {
        (letters, ground)
    };
    let (bold, dim) = (has(Modifier::BOLD), has(Modifier::DIM));
    Seen { letters, ground, bold, dim, italic: has(Modifier::ITALIC), underlined: has(Modifier::UNDERLINED) }
}

/// An ink as SVG writes it; `None` for the terminal's own.
fn hex(ink: Ink) -> Option<String> {
    match ink {
        Ink::Default => None,
        Ink::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Ink::Indexed(index @ 0..16) => SIXTEEN.get(usize::from(index)).map(|&color| color.to_owned()),
        // The 6x6x6 cube, then the grey ramp (xterm, 256colres).
        Ink::Indexed(index @ 16..232) => {
            let at = index - 16;
            let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            Some(format!("#{:02x}{:02x}{:02x}", level(at / 36), level(at / 6 % 6), level(at % 6)))
        }
        Ink::Indexed(index) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
    }
}

fn svg(buffer: &Buffer, paper: Paper) -> String {
    let (width, height) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let (w, h) = (width * CELL.0 + 2.0 * MARGIN, height * CELL.1 + 2.0 * MARGIN);
    let mut out = String::new();
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.1} {h:.1}" width="{w:.0}" height="{h:.0}">"#
    );
    let _ = writeln!(out, r#"<rect width="100%" height="100%" rx="8" fill="{}"/>"#, paper.own().1);
    let family = "ui-monospace,'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace";
    let _ = writeln!(out, r#"<g font-family="{family}" font-size="14" xml:space="preserve">"#);
    for (line, y) in lines(buffer).zip(0_u16..) {
        for (x, length, run, look) in runs(&line, paper) {
            write_run(&mut out, (x, y), length, &run, &look);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Neighbouring cells that look alike, as (column, columns, characters, look).
fn runs(line: &[(u16, &Cell)], paper: Paper) -> Vec<(u16, usize, String, Seen)> {
    let mut runs: Vec<(u16, usize, String, Seen)> = Vec::new();
    for (x, cell) in line {
        let (look, columns) = (seen(cell.style(), paper), unicode_width::UnicodeWidthStr::width(cell.symbol()));
        match runs.last_mut().filter(|(.., last)| *last == look) {
            Some((_, length, text, _)) => {
                text.push_str(cell.symbol());
                *length += columns;
            }
            None => runs.push((*x, columns, cell.symbol().to_owned(), look)),
        }
    }
    runs
}

fn write_run(out: &mut String, (x, y): (u16, u16), columns: usize, text: &str, look: &Seen) {
    let (left, top) = (MARGIN + f64::from(x) * CELL.0, MARGIN + f64::from(y) * CELL.1);
    #[allow(clippy::cast_precision_loss)] // At most as many columns as a screen has.
    let width = columns as f64 * CELL.0;
    if let Some(ground) = &look.ground {
        let height = CELL.1;
        let _ =
            writeln!(out, r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height}" fill="{ground}"/>"#);
    }
    let trimmed = text.trim_end();
    if trimmed.is_empty() {
        return;
    }
    let mut attributes = String::new();
    for (set, attribute) in [
        (look.bold, r#" font-weight="bold""#),
        (look.dim, r#" opacity="0.6""#),
        (look.italic, r#" font-style="italic""#),
        (look.underlined, r#" text-decoration="underline""#),
    ] {
        attributes.push_str(if set { attribute } else { "" });
    }
    let length = f64::from(u16::try_from(unicode_width::UnicodeWidthStr::width(trimmed)).unwrap_or(u16::MAX)) * CELL.0;
    let baseline = top + CELL.1 - 5.0;
    let escaped = trimmed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let fill = &look.letters;
    let _ = writeln!(
        out,
        r#"<text x="{left:.1}" y="{baseline:.1}" textLength="{length:.1}" lengthAdjust="spacingAndGlyphs" fill="{fill}"{attributes}>{escaped}</text>"#
    );
}
