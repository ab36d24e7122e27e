//! Columns that line up, without a frame.

use crate::ui::text::{Piece, Strip};
use ratatui::style::Style;

/// A column: where it starts, how wide it is, and on which side its text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Text, from its left edge.
    Left(usize, usize),
    /// Numbers, to its right edge.
    Right(usize, usize),
}

/// Puts one row of cells into their columns; what is too long is cut.
#[must_use]
pub fn row(cells: impl IntoIterator<Item = (Column, Style, Piece)>) -> Strip {
    cells.into_iter().fold(Strip::new(), |strip, (column, style, piece)| match column {
        Column::Left(start, width) => strip.to(start).put_within(width, style, piece),
        Column::Right(start, width) => strip.right(start + width, style, piece.cut(width)),
    })
}
