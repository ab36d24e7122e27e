//! What of a dialog was read: the lines that frames really showed, row by row. Nothing is confirmed before all of them were.
//!
//! A line is known by its text and not by its place, so that one that was read stays read when the terminal changes its size or another
//! line comes before it. A line that takes several rows is read once each of them was on the screen at the same width.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// One line of a dialog, as a frame shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineShown {
    /// What it is known by: its text, and which of several equal lines it is.
    pub id: u64,
    /// How many rows it takes at this width.
    pub rows: usize,
}

/// The lines of a dialog, and which of their rows stand on the screen. Without lines there is nothing to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextShown {
    /// The columns that the lines are wrapped at.
    pub width: usize,
    /// Every line, also those that are not on the screen.
    pub lines: Vec<LineShown>,
    /// The rows on the screen, counted from 0 over all lines.
    pub rows: Range<usize>,
    /// What the lines are known by that stand above those, and do not scroll.
    pub fixed: Vec<u64>,
}

/// The items of a frozen set on the screen: a name that is wider than it stands over several rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemsShown {
    /// The number of the first item that is known, from 0.
    pub from: u64,
    /// How many rows each of those takes.
    pub rows: Vec<usize>,
    /// The item at the top of the screen, and how many of its rows are above it; where the end is in sight, not always what was asked for.
    pub top: Option<(u64, usize)>,
}

impl ItemsShown {
    fn rows_of(&self, item: u64) -> usize {
        let place = item.checked_sub(self.from).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.rows.get(place)).copied().unwrap_or(1).max(1)
    }

    /// The item and the row of it that stand so many rows below, or above, what is at the top of the screen.
    #[must_use]
    pub fn scrolled(&self, asked: (u64, usize), by: isize, total: u64) -> (u64, usize) {
        let (mut item, mut skip) = self.top.unwrap_or(asked);
        if by == isize::MIN + 1 {
            return (0, 0);
        }
        let mut rows = by.unsigned_abs();
        while by > 0 && rows > 0 {
            let left = self.rows_of(item).saturating_sub(skip).max(1);
            if rows < left {
                return (item, skip + rows);
            }
            if item + 1 >= total {
                return (item, self.rows_of(item) - 1);
            }
            (rows, item, skip) = (rows - left, item + 1, 0);
        }
        while by < 0 && rows > skip {
            if item == 0 {
                return (0, 0);
            }
            (rows, item) = (rows - skip - 1, item - 1);
            skip = self.rows_of(item) - 1;
        }
        (item, if by < 0 { skip - rows } else { skip })
    }
}

/// Which text of a dialog it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A page of it; most dialogs have one.
    Page(usize),
    /// The text that the step of a page runs, in a list of its own.
    Script(usize),
}

/// Rows that were not on the screen yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The rows, from 0.
    pub rows: Range<usize>,
    /// Whether they stand above those on the screen.
    pub above: bool,
}

/// What was read of the open dialogs, by the place of the dialog on the stack.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    texts: BTreeMap<(usize, Part), Text>,
}

#[derive(Clone, Debug, Default)]
struct Text {
    width: usize,
    read: BTreeSet<u64>,
    /// The rows that were on the screen of lines that were not read to their end, at this width.
    begun: BTreeMap<u64, BTreeSet<usize>>,
    unread: Option<Gap>,
}

impl Reading {
    /// Takes note of what a frame showed; `true` where it showed something for the first time.
    pub fn take(&mut self, of: (usize, Part), shown: &TextShown) -> bool {
        let is_new = !self.texts.contains_key(&of);
        self.texts.entry(of).or_default().take(shown) || is_new
    }

    /// Whether a frame showed anything of it.
    #[must_use]
    pub fn is_begun(&self, of: (usize, Part)) -> bool {
        self.texts.contains_key(&of)
    }

    /// The first rows that were not read, where there are any in what was begun.
    #[must_use]
    pub fn gap(&self, of: (usize, Part)) -> Option<&Gap> {
        self.texts.get(&of)?.unread.as_ref()
    }

    /// Forgets what was read of the dialogs from this place on.
    pub fn forget_from(&mut self, place: usize) {
        self.texts.retain(|(at, _), _| *at < place);
    }
}

impl Text {
    fn take(&mut self, shown: &TextShown) -> bool {
        if self.width != shown.width {
            self.begun.clear();
            self.width = shown.width;
        }
        let (mut start, mut learned) = (0, false);
        for line in &shown.fixed {
            learned |= self.read.insert(*line);
        }
        for line in &shown.lines {
            let rows = start..start + line.rows;
            start = rows.end;
            let seen = rows.start.max(shown.rows.start)..rows.end.min(shown.rows.end);
            if seen.is_empty() || self.read.contains(&line.id) {
                continue;
            }
            let begun = self.begun.entry(line.id).or_default();
            let before = begun.len();
            begun.extend(seen.map(|row| row - rows.start));
            learned |= begun.len() > before;
            if (0..line.rows).all(|row| begun.contains(&row)) {
                self.begun.remove(&line.id);
                self.read.insert(line.id);
            }
        }
        self.unread = self.first_unread(shown);
        learned
    }

    /// The first rows one after the other that were not on the screen.
    fn first_unread(&self, shown: &TextShown) -> Option<Gap> {
        let mut start = 0;
        let mut gap: Option<Range<usize>> = None;
        for line in &shown.lines {
            let is_read = self.read.contains(&line.id);
            let begun = self.begun.get(&line.id).filter(|_| !is_read);
            for row in 0..line.rows {
                let seen = is_read || begun.is_some_and(|rows| rows.contains(&row));
                match (&mut gap, seen) {
                    (Some(rows), true) => return Some(Self::gap(rows.clone(), shown)),
                    (Some(rows), false) => rows.end = start + row + 1,
                    (None, false) => gap = Some(start + row..start + row + 1),
                    (None, true) => {}
                }
            }
            start += line.rows;
        }
        gap.map(|rows| Self::gap(rows, shown))
    }

    fn gap(rows: Range<usize>, shown: &TextShown) -> Gap {
        let above = rows.start < shown.rows.start;
        Gap { rows, above }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: (usize, Part) = (0, Part::Page(0));

    /// Lines with these numbers of rows, known by their place, and the rows on the screen.
    fn shown(width: usize, lines: &[usize], rows: Range<usize>) -> TextShown {
        let lines = (0_u64..).zip(lines).map(|(id, rows)| LineShown { id, rows: *rows }).collect();
        TextShown { width, lines, rows, fixed: Vec::new() }
    }

    fn unread(reading: &Reading) -> Option<(Range<usize>, bool)> {
        assert!(reading.is_begun(PAGE));
        reading.gap(PAGE).map(|gap| (gap.rows.clone(), gap.above))
    }

    #[test]
    fn a_text_is_read_once_each_of_its_rows_was_on_the_screen() {
        let mut reading = Reading::default();
        assert!(!reading.is_begun(PAGE), "no frame showed anything of it");
        let lines = [1; 10];
        assert!(reading.take(PAGE, &shown(40, &lines, 0..4)));
        assert_eq!(unread(&reading), Some((4..10, false)));
        // A jump to the end leaves the middle unread.
        assert!(reading.take(PAGE, &shown(40, &lines, 6..10)));
        assert_eq!(unread(&reading), Some((4..6, true)));
        assert!(!reading.take(PAGE, &shown(40, &lines, 6..10)), "nothing new");
        assert!(reading.take(PAGE, &shown(40, &lines, 3..7)));
        assert_eq!(unread(&reading), None);
        assert!(!reading.is_begun((0, Part::Script(0))), "each text by itself");
    }

    #[test]
    fn a_line_that_is_higher_than_the_screen_is_read_row_by_row_at_one_width() {
        let mut reading = Reading::default();
        for (rows, left) in [(0..4, 4..9), (4..8, 8..9)] {
            reading.take(PAGE, &shown(40, &[1, 7, 1], rows));
            assert_eq!(unread(&reading), Some((left, false)));
        }
        // Its last row was on the screen with it: the line is read at any width, the one behind it is not.
        reading.take(PAGE, &shown(80, &[1, 4, 1], 0..1));
        assert_eq!(unread(&reading), Some((5..6, false)));
        let mut reading = Reading::default();
        reading.take(PAGE, &shown(40, &[1, 7, 1], 0..4));
        // At another width its rows are other rows.
        reading.take(PAGE, &shown(80, &[1, 4, 1], 3..6));
        assert_eq!(unread(&reading), Some((1..3, true)));
    }

    #[test]
    fn items_of_several_rows_are_moved_by_rows() {
        let shown = |top| ItemsShown { from: 2, rows: vec![1, 4, 2], top: Some(top) };
        for (top, by, expected) in [
            ((2, 0), 1, (3, 0)),
            ((3, 0), 3, (3, 3)),
            ((3, 3), 1, (4, 0)),
            ((3, 3), 3, (5, 0)),
            ((8, 0), 9, (9, 0)),
            ((4, 1), -1, (4, 0)),
            ((4, 1), -2, (3, 3)),
            ((4, 0), -5, (2, 0)),
            ((2, 0), -9, (0, 0)),
            ((4, 0), isize::MIN + 1, (0, 0)),
        ] {
            assert_eq!(shown(top).scrolled((0, 0), by, 10), expected, "{top:?} by {by}");
        }
    }

    #[test]
    fn a_line_that_stands_above_what_scrolls_is_read() {
        let mut reading = Reading::default();
        let fixed = TextShown { fixed: vec![0], ..shown(80, &[], 0..0) };
        assert!(reading.take(PAGE, &fixed));
        reading.take(PAGE, &shown(40, &[2, 1], 2..3));
        assert_eq!(unread(&reading), None);
    }

    #[test]
    fn a_line_that_was_not_there_before_is_not_read() {
        let mut reading = Reading::default();
        reading.take(PAGE, &shown(40, &[1, 1], 0..2));
        let mut grown = shown(40, &[1, 1, 1, 1], 2..4);
        grown.lines.swap(1, 2);
        reading.take(PAGE, &grown);
        assert_eq!(unread(&reading), Some((1..2, true)));
        reading.forget_from(1);
        assert!(reading.is_begun(PAGE));
        reading.forget_from(0);
        assert!(!reading.is_begun(PAGE));
    }
}
