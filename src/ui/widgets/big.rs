//! Figures that are read from across a room, drawn with blocks.
//!
//! ```text
//! ██████  ██      ██████
//!     ██  ██  ██  ██  ██
//! ██████  ██████  ██████
//! ██          ██  ██  ██
//! ██████      ██  ██████
//! ```

use crate::domain::Clean;

/// How many dots a figure is high.
const DOTS: usize = 5;

/// How large a dot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Two columns and one row.
    Large,
    /// One column and one row.
    Small,
}

impl Size {
    fn columns(self) -> usize {
        match self {
            Self::Large => 2,
            Self::Small => 1,
        }
    }
}

/// How many rows figures take.
pub const ROWS: u16 = DOTS as u16;

/// The dots of a character; a blank where there is no figure of it.
fn dots(c: char) -> [&'static str; DOTS] {
    match c {
        '0' => ["###", "# #", "# #", "# #", "###"],
        '1' => ["##", " #", " #", " #", "##"],
        '2' => ["###", "  #", "###", "#  ", "###"],
        '3' => ["###", "  #", "###", "  #", "###"],
        '4' => ["# #", "# #", "###", "  #", "  #"],
        '5' => ["###", "#  ", "###", "  #", "###"],
        '6' => ["###", "#  ", "###", "# #", "###"],
        '7' => ["###", "  #", "  #", "  #", "  #"],
        '8' => ["###", "# #", "###", "# #", "###"],
        '9' => ["###", "# #", "###", "  #", "###"],
        '/' => ["  #", "  #", " # ", "#  ", "#  "],
        'd' => ["  #", "  #", "###", "# #", "###"],
        'h' => ["#  ", "#  ", "###", "# #", "# #"],
        'm' => ["     ", "     ", "#####", "# # #", "# # #"],
        _ => ["  "; DOTS],
    }
}

/// How many columns a text takes.
#[must_use]
pub fn width(text: &str, size: Size) -> usize {
    let dots: usize = text.chars().map(|c| dots(c)[0].len() + 1).sum();
    dots.saturating_sub(1) * size.columns()
}

/// The rows of a text of digits, `/`, `d`, `h` and `m`.
#[must_use]
pub fn rows(text: &str, size: Size, unicode: bool) -> Vec<Clean> {
    let (full, empty) = (if unicode { "█" } else { "#" }.repeat(size.columns()), " ".repeat(size.columns()));
    let row = |row: usize| {
        let line: Vec<&str> = text.chars().filter_map(|c| dots(c).get(row).copied()).collect();
        line.join(" ").chars().map(|dot| if dot == '#' { full.as_str() } else { empty.as_str() }).collect::<String>()
    };
    (0..DOTS).map(|number| Clean::text(&row(number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_as_wide_as_it_says_and_every_character_has_a_figure() {
        for size in [Size::Large, Size::Small] {
            for text in ["0123456789", "3/9", "1h12m", "12d", ""] {
                let rows = rows(text, size, true);
                assert!(rows.iter().all(|row| row.width() == width(text, size)), "{text}");
                assert_eq!(rows.len(), usize::from(ROWS));
            }
        }
        for c in "0123456789/dhm".chars() {
            assert!(rows(&c.to_string(), Size::Small, true).iter().any(|row| row.plain().contains('█')), "{c}");
        }
        let small: Vec<String> = rows("1/2", Size::Small, false).iter().map(Clean::plain).collect();
        assert_eq!(small, ["##   # ###", " #   #   #", " #  #  ###", " # #   #  ", "## #   ###"]);
    }
}
