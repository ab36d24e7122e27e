//! The Health pane: rows worst first, except that the row under the cursor stays where it is.

use crate::app::model::TargetId;
use crate::domain::{Row, Rows, Verdict, Wall};
use std::cmp::Reverse;

/// The rows and the cursor on them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Health {
    rows: Vec<Row>,
    order: Vec<usize>,
    cursor: Option<TargetId>,
    /// Only rows that contain this are shown.
    pub filter: String,
}

impl Health {
    /// Takes a target's newest rows in the place of those it had.
    pub fn read(&mut self, read: Rows, now: Wall) {
        let mut news = read.rows;
        self.rows.retain_mut(|row| {
            if row.kind != read.kind || row.target != read.target {
                return true;
            }
            match news.iter().position(|new| new.object == row.object) {
                Some(place) => *row = news.remove(place),
                None => return false,
            }
            true
        });
        self.rows.extend(news);
        self.sort(now);
    }

    /// Puts the worst rows first; the row under the cursor keeps its place.
    pub fn sort(&mut self, now: Wall) {
        let pinned = self.cursor_place();
        let under = pinned.and_then(|place| self.order.get(place).copied());
        let mut order: Vec<usize> = self
            .rows
            .iter()
            .enumerate()
            .filter(|(index, row)| Some(*index) != under && self.shows(row, now))
            .map(|(index, _)| index)
            .collect();
        order.sort_by_key(|index| Reverse(self.rows.get(*index).map_or(0, |row| row.verdict(now).rank())));
        if let (Some(place), Some(index)) = (pinned, under) {
            order.insert(place.min(order.len()), index);
        }
        self.order = order;
    }

    fn shows(&self, row: &Row, now: Wall) -> bool {
        let needle = self.filter.to_lowercase();
        let detail = row.observation.as_ref().map_or("", |seen| seen.detail.as_str());
        [row.target.as_str(), row.kind.word(), row.verdict(now).word(), detail]
            .iter()
            .any(|text| text.to_lowercase().contains(&needle))
    }

    /// Shows only rows that contain a text; the cursor is let go, since its row may be gone.
    pub fn set_filter(&mut self, filter: String, now: Wall) {
        self.filter = filter;
        self.cursor = None;
        self.sort(now);
    }

    /// The rows in the order of the screen.
    pub fn shown(&self) -> impl Iterator<Item = &Row> {
        self.order.iter().filter_map(|index| self.rows.get(*index))
    }

    /// Every row, filtered out or not.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A row by its identity.
    #[must_use]
    pub fn row(&self, id: &TargetId) -> Option<&Row> {
        self.rows.iter().find(|row| id.is_of(row))
    }

    /// Where on the screen the cursor is; `None` while it is on no row.
    #[must_use]
    pub fn cursor_place(&self) -> Option<usize> {
        let id = self.cursor.as_ref()?;
        self.shown().position(|row| id.is_of(row))
    }

    /// The row under the cursor.
    #[must_use]
    pub fn under_cursor(&self) -> Option<&Row> {
        self.row(self.cursor.as_ref()?)
    }

    /// The row under the cursor; the cursor goes to the first row where it was on none.
    pub fn take_cursor(&mut self) -> Option<&Row> {
        if self.cursor_place().is_none() {
            self.go(0);
        }
        self.under_cursor()
    }

    /// Puts the cursor on the row at a place of the screen, or on the last.
    pub fn go(&mut self, place: usize) {
        let place = place.min(self.order.len().saturating_sub(1));
        let id = self.shown().nth(place).map(TargetId::of);
        self.cursor = id;
    }

    /// Moves the cursor; from no row, it enters at the top, or at the bottom when moving up.
    pub fn step(&mut self, by: isize) {
        match self.cursor_place() {
            Some(place) => self.go(place.saturating_add_signed(by)),
            None if by < 0 => self.go(usize::MAX),
            None => self.go(0),
        }
    }

    /// Puts the cursor on a row.
    pub fn point(&mut self, id: &TargetId) {
        if self.row(id).is_some() {
            self.cursor = Some(id.clone());
        }
    }

    /// Takes the cursor off its row, so that the worst come first again; `false` where it was on none.
    pub fn release(&mut self, now: Wall) -> bool {
        let was = self.cursor.take().is_some();
        self.sort(now);
        was
    }

    /// How many rows have each verdict, in the order of [`Verdict::WORST_FIRST`].
    #[must_use]
    pub fn counts(&self, now: Wall) -> [(Verdict, usize); 4] {
        Verdict::WORST_FIRST
            .map(|verdict| (verdict, self.rows.iter().filter(|row| row.verdict(now) == verdict).count()))
    }

    /// When the oldest of the newest readings was taken; `None` while a row has none.
    #[must_use]
    pub fn oldest_reading(&self) -> Option<Wall> {
        let seen: Option<Vec<Wall>> =
            self.rows.iter().map(|row| row.observation.as_ref().map(|seen| seen.observed_at)).collect();
        seen?.into_iter().min()
    }
}
