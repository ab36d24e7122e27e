//! Where the colours of clean text, of ratatui and of the wire meet.
//!
//! Colours have meaning only in the theme; this file names them all, because here each is merely carried over.

use crate::domain::clean::{Ink, Paint};
use ratatui::style::{Color, Modifier, Style};

/// The first 16 indices in their order on the wire (SGR 30 to 37, then 90 to 97).
const SIXTEEN: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// An ink as ratatui's colour.
#[must_use]
pub fn color(ink: Ink) -> Color {
    match ink {
        Ink::Default => Color::Reset,
        Ink::Indexed(index) => SIXTEEN.get(usize::from(index)).copied().unwrap_or(Color::Indexed(index)),
        Ink::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

/// A ratatui colour as ink.
#[must_use]
pub fn ink(color: Color) -> Ink {
    match color {
        Color::Reset => Ink::Default,
        Color::Indexed(index) => Ink::Indexed(index),
        Color::Rgb(r, g, b) => Ink::Rgb(r, g, b),
        named => {
            SIXTEEN.iter().zip(0..).find(|(one, _)| **one == named).map_or(Ink::Default, |(_, at)| Ink::Indexed(at))
        }
    }
}

/// The style of a stretch of clean text on top of the style of its role; a mark is drawn reversed, as `less` does.
#[must_use]
pub fn over(role: Style, paint: Paint) -> Style {
    let mut style = role;
    if paint.fg != Ink::Default {
        style = style.fg(color(paint.fg));
    }
    if paint.bg != Ink::Default {
        style = style.bg(color(paint.bg));
    }
    let looks = [
        (paint.bold, Modifier::BOLD),
        (paint.dim, Modifier::DIM),
        (paint.italic, Modifier::ITALIC),
        (paint.underline, Modifier::UNDERLINED),
        (paint.reversed != paint.mark, Modifier::REVERSED),
    ];
    looks.into_iter().filter(|(wanted, _)| *wanted).fold(style, |style, (_, look)| style.add_modifier(look))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back_as_they_went() {
        for index in 0..=255 {
            assert_eq!(ink(color(Ink::Indexed(index))), Ink::Indexed(index));
        }
        for one in [Ink::Default, Ink::Rgb(1, 2, 3)] {
            assert_eq!(ink(color(one)), one);
        }
    }

    #[test]
    fn a_mark_stands_out_and_the_role_shows_through() {
        let role = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);
        let mark = over(role, Paint { mark: true, ..Paint::default() });
        assert_eq!(mark, role.add_modifier(Modifier::REVERSED));
        assert_eq!(over(role, Paint { fg: Ink::Indexed(1), ..Paint::default() }), role.fg(Color::Red));
        assert_eq!(over(role, Paint::default()), role);
    }
}
