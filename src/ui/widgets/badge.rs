//! A state as symbol and word, in its colour.

use crate::config::theme::Role;
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};

/// Puts a symbol, padded to two columns, and a word padded to `columns`, both in the role's look.
#[must_use]
pub fn badge(pen: Pen<'_>, strip: Strip, role: Role, word: impl Into<Piece>, columns: usize) -> Strip {
    let style = pen.style(role);
    let start = strip.width();
    let strip = strip.put(style, pen.symbol(role)).to(start + 3);
    strip.put_within(columns, style, word).to(start + 3 + columns + 1)
}
