//! How a stretch of clean text looks: the part of a terminal's colours that outside bytes may choose.

/// One colour as outside bytes may ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Ink {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the terminal's 256; the first 16 are the ones its user chose.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Depth {
    /// None, as `NO_COLOR` asks.
    None,
    /// The 16 that its user chose.
    Sixteen,
    /// 256 by index.
    Indexed,
    /// Red, green and blue.
    #[default]
    True,
}

/// What SGR may leave behind on a stretch of text.
///
/// Blink and conceal have no place here: the one distracts, the other hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Paint {
    /// The letters.
    pub fg: Ink,
    /// The ground behind them.
    pub bg: Ink,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Letters and ground change places.
    pub reversed: bool,
    /// A mark for something that cannot be drawn, so that `^[` and two typed characters are not the same.
    pub mark: bool,
}

/// Below this difference in every channel two colours are one colour to a tired eye.
const NEAR: u8 = 40;

impl Ink {
    /// The nearest colour that a terminal of this depth shows.
    #[must_use]
    pub fn at(self, depth: Depth) -> Self {
        match (depth, self) {
            (Depth::None, _) => Self::Default,
            (Depth::Sixteen, Self::Indexed(16..) | Self::Rgb(..)) => self.nearest(0..16),
            (Depth::Indexed, Self::Rgb(..)) => self.nearest(16..=255),
            _ => self,
        }
    }

    /// The nearest of some indexed colours.
    fn nearest(self, among: impl Iterator<Item = u8>) -> Self {
        let Some(wanted) = self.rgb() else { return self };
        let far = |index: &u8| {
            Self::Indexed(*index).rgb().map_or(u32::MAX, |(r, g, b)| {
                let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
                square(r, wanted.0) + square(g, wanted.1) + square(b, wanted.2)
            })
        };
        among.min_by_key(far).map_or(self, Self::Indexed)
    }

    /// Its channels: as xterm shows them (ctlseqs, "256-color"), none for the terminal's own.
    fn rgb(self) -> Option<(u8, u8, u8)> {
        match self {
            Self::Default => None,
            Self::Rgb(r, g, b) => Some((r, g, b)),
            Self::Indexed(index @ 0..16) => {
                let level = |bit: u8| if index >> bit & 1 == 0 { 0 } else { 205 + index / 8 * 50 };
                Some(match index {
                    7 => (229, 229, 229),
                    8 => (127, 127, 127),
                    _ => (level(0), level(1), level(2)),
                })
            }
            Self::Indexed(index @ 16..232) => {
                let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
                let cube = index - 16;
                Some((level(cube / 36), level(cube / 6 % 6), level(cube % 6)))
            }
            Self::Indexed(index) => {
                let grey = 8 + (index - 232) * 10;
                Some((grey, grey, grey))
            }
        }
    }

    /// Whether one on the other could not be read.
    fn hides(self, other: Self) -> bool {
        match (self.rgb(), other.rgb()) {
            (Some(a), Some(b)) => a.0.abs_diff(b.0).max(a.1.abs_diff(b.1)).max(a.2.abs_diff(b.2)) < NEAR,
            // The terminal's own ground is nearly black or nearly white, and nothing says which.
            (Some((r, g, b)), None) | (None, Some((r, g, b))) => r.max(g).max(b) < NEAR || r.min(g).min(b) > 255 - NEAR,
            (None, None) => false,
        }
    }
}

impl Paint {
    /// The same look with colours dropped that would hide the text.
    #[must_use]
    pub fn legible(mut self) -> Self {
        if self.fg.hides(self.bg) {
            self.fg = Ink::Default;
            self.bg = Ink::Default;
        }
        self
    }

    /// Takes on what one SGR sequence asks for, parameter by parameter (ECMA-48, 8.3.117; xterm for 38 and 48).
    pub(super) fn apply(&mut self, parameters: &vte::Params) {
        let mut rest = parameters.iter();
        while let Some(parameter) = rest.next() {
            let mut parts = parameter.iter().copied();
            let code = parts.next().unwrap_or(0);
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = parts.next() != Some(0),
                7 => self.reversed = true,
                21 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.reversed = false,
                30..=37 => self.fg = indexed(code - 30),
                40..=47 => self.bg = indexed(code - 40),
                90..=97 => self.fg = indexed(code - 90 + 8),
                100..=107 => self.bg = indexed(code - 100 + 8),
                39 => self.fg = Ink::Default,
                49 => self.bg = Ink::Default,
                38 | 48 | 58 => {
                    let asked = if parameter.len() > 1 {
                        with_colons(parameter)
                    } else {
                        with_semicolons(&mut rest.by_ref().filter_map(|next| next.first().copied()))
                    };
                    match (code, asked) {
                        (38, Some(ink)) => self.fg = ink,
                        (48, Some(ink)) => self.bg = ink,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}

/// The colour of an index; none above 255.
fn indexed(index: u16) -> Ink {
    u8::try_from(index).map_or(Ink::Default, Ink::Indexed)
}

/// `38;5;n` and `38;2;r;g;b`.
fn with_semicolons(next: &mut impl Iterator<Item = u16>) -> Option<Ink> {
    let mut channel = || next.next().and_then(|value| u8::try_from(value).ok());
    match channel()? {
        5 => channel().map(Ink::Indexed),
        2 => Some(Ink::Rgb(channel()?, channel()?, channel()?)),
        _ => None,
    }
}

/// `38:5:n`, `38:2:r:g:b` and `38:2:space:r:g:b`.
fn with_colons(parts: &[u16]) -> Option<Ink> {
    let byte = |value: &u16| u8::try_from(*value).ok();
    match parts {
        [_, 5, index, ..] => byte(index).map(Ink::Indexed),
        [_, 2, r, g, b] | [_, 2, _, r, g, b, ..] => Some(Ink::Rgb(byte(r)?, byte(g)?, byte(b)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_becomes_the_nearest_that_can_be_shown() {
        let cases = [
            (Ink::Rgb(250, 2, 3), Depth::Sixteen, Ink::Indexed(9)),
            (Ink::Indexed(196), Depth::Sixteen, Ink::Indexed(9)),
            (Ink::Indexed(3), Depth::Sixteen, Ink::Indexed(3)),
            (Ink::Rgb(255, 0, 0), Depth::Indexed, Ink::Indexed(196)),
            (Ink::Rgb(255, 0, 0), Depth::None, Ink::Default),
            (Ink::Rgb(1, 2, 3), Depth::True, Ink::Rgb(1, 2, 3)),
            (Ink::Default, Depth::Sixteen, Ink::Default),
        ];
        for (given, depth, expected) in cases {
            assert_eq!(given.at(depth), expected, "{given:?} at {depth:?}");
        }
    }

    #[test]
    fn colours_that_would_hide_text_are_dropped() {
        let cases = [
            (Ink::Indexed(1), Ink::Indexed(1), true),
            (Ink::Rgb(10, 10, 10), Ink::Rgb(12, 12, 12), true),
            (Ink::Indexed(1), Ink::Rgb(205, 0, 0), true),
            (Ink::Indexed(0), Ink::Default, true),
            (Ink::Default, Ink::Indexed(15), true),
            (Ink::Indexed(1), Ink::Default, false),
            (Ink::Indexed(8), Ink::Default, false),
            (Ink::Indexed(15), Ink::Indexed(1), false),
            (Ink::Default, Ink::Default, false),
        ];
        for (fg, bg, dropped) in cases {
            let legible = Paint { fg, bg, bold: true, ..Paint::default() }.legible();
            assert_eq!(legible.fg != fg || legible.bg != bg, dropped, "{fg:?} on {bg:?}");
            assert!(legible.bold);
        }
    }
}
