//! The lines of a dialog that scroll: each knows itself by its text, over however many rows it stands, so that it stays read when the
//! terminal changes its size.

use crate::app::reading::LineShown;
use ratatui::text::Line;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

/// One key for the life of the process: nobody who writes a text can make two lines that are known by the same number.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Lines in the order in which they stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    rows: Vec<Line<'static>>,
    /// What each line is known by, and how many rows it has.
    lines: Vec<(u64, usize)>,
}

impl Body {
    /// Adds a line of one row.
    pub(super) fn push(&mut self, row: Line<'static>) {
        self.line(vec![row]);
    }

    /// Adds one line that stands over these rows.
    pub(super) fn line(&mut self, rows: Vec<Line<'static>>) {
        // Blanks are left out: where a line is broken they may stand or not.
        let words = rows.iter().flat_map(|row| &row.spans).flat_map(|span| span.content.split_whitespace());
        let text: String = words.collect();
        self.add(KEY.hash_one(text), rows);
    }

    /// Adds one line whose words change with time or with a key, known by what does not change.
    pub(super) fn known(&mut self, by: impl std::hash::Hash, rows: Vec<Line<'static>>) {
        self.add(KEY.hash_one(("known", by)), rows);
    }

    fn add(&mut self, id: u64, rows: Vec<Line<'static>>) {
        self.lines.push((id, rows.len()));
        self.rows.extend(rows);
    }

    /// Adds the lines of another one behind its own.
    pub(super) fn append(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.lines.extend(other.lines);
    }

    /// Puts other lines before its own.
    pub(super) fn prepend(&mut self, mut other: Self) {
        other.append(std::mem::take(self));
        *self = other;
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows.
    pub(super) fn rows(&self) -> &[Line<'static>] {
        &self.rows
    }

    /// Every line as it is known; of several that are equal, also to lines that were counted before, each by itself.
    pub(super) fn shown(&self, equal: &mut HashMap<u64, u64>) -> Vec<LineShown> {
        let known = self.lines.iter().map(|(text, rows)| {
            let number = equal.entry(*text).and_modify(|number| *number += 1).or_default();
            LineShown { id: KEY.hash_one((text, *number)), rows: *rows }
        });
        known.collect()
    }
}

impl From<Vec<Line<'static>>> for Body {
    /// Each row as a line of its own.
    fn from(rows: Vec<Line<'static>>) -> Self {
        let mut body = Self::default();
        rows.into_iter().for_each(|row| body.push(row));
        body
    }
}

impl Extend<Line<'static>> for Body {
    fn extend<I: IntoIterator<Item = Line<'static>>>(&mut self, rows: I) {
        rows.into_iter().for_each(|row| self.push(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::theme::{Glyphs, Role, Theme};
    use crate::ui::pen::Pen;

    #[test]
    fn a_line_is_known_at_any_width_and_each_of_equal_lines_by_itself() {
        let theme = Theme::labelled(Glyphs::Unicode);
        let pen = Pen { theme: &theme };
        let body = |width: usize| {
            let mut body = Body::default();
            for words in ["Delete what is old below the root of the site", "sync", "sync"] {
                body.line(pen.sentence(Role::UiText, words, width));
            }
            body.known("age", pen.sentence(Role::UiText, format!("read {width} s ago"), width));
            body
        };
        let ids = |width: usize| body(width).shown(&mut HashMap::new()).iter().map(|line| line.id).collect::<Vec<_>>();
        assert!(body(20).len() > body(80).len());
        assert_eq!(ids(20), ids(80));
        assert_ne!(ids(80)[1], ids(80)[2]);
    }
}
