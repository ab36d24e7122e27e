//! A pane of rows: the worst first, except that the row under the cursor stays where it is.
//!
//! Rows are kept by target, because a reading brings all rows of one target. The order is kept sorted; a reading moves only
//! the rows of its own target, and none where nothing that the order depends on has changed.

mod filter;
mod group;
mod lists;
mod sort;

pub use filter::Filter;
pub use lists::Lists;
pub use sort::Sort;

use crate::app::model::TargetId;
use crate::domain::{Row, Rows, Section, TargetKind, Verdict, Wall};
use group::{Group, Kept, Manner, compare};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Up to so many rows are put into their places one by one; more are sorted together.
const FEW: usize = 8;

/// The rows of a section and the cursor on them.
#[derive(Clone, Debug, PartialEq)]
pub struct RowList {
    section: Section,
    groups: Vec<Group>,
    places: BTreeMap<(TargetKind, String), usize>,
    order: Vec<Kept>,
    manner: Manner,
    cursor: Option<Cursor>,
    /// Whether the pane has the keys: only then the row under the cursor stays where it is.
    attended: bool,
    /// When a row becomes stale by itself, if none is read before.
    turns: Option<Wall>,
    judged: Option<Wall>,
}

/// The cursor: the row it is on, and the place on the screen where that row stays.
#[derive(Clone, Debug, PartialEq)]
struct Cursor {
    id: TargetId,
    place: usize,
}

/// The row under the cursor: its place on the screen, where it is kept, and its place in the order if it is in there.
#[derive(Clone, Copy, Debug)]
struct Pin {
    place: usize,
    kept: Kept,
    sorted: Option<usize>,
}

impl RowList {
    /// A list that has read nothing yet.
    #[must_use]
    pub fn new(section: Section) -> Self {
        Self {
            section,
            groups: Vec::new(),
            places: BTreeMap::new(),
            order: Vec::new(),
            manner: Manner { section, sort: Sort::Verdict, reversed: false, filter: Filter::default() },
            cursor: None,
            attended: true,
            turns: None,
            judged: None,
        }
    }

    /// The section.
    #[must_use]
    pub fn section(&self) -> Section {
        self.section
    }

    /// Takes a target's newest rows in the place of those it had.
    pub fn read(&mut self, read: Rows, now: Wall) {
        let next = self.groups.len();
        let at = *self.places.entry((read.kind, read.target)).or_insert(next);
        if at == next {
            self.groups.push(Group::default());
        }
        let Some(group) = self.groups.get_mut(at) else { return };
        group.rows = read.rows;
        if group.judge(&self.manner, now) {
            self.place(at);
        }
        self.watch(now);
    }

    /// Forgets the rows of every target that is not among these.
    pub fn keep(&mut self, targets: &[(TargetKind, String)], now: Wall) {
        let places = std::mem::take(&mut self.places);
        let mut kept: Vec<_> = places.into_iter().filter(|(target, _)| targets.contains(target)).collect();
        kept.sort_by_key(|(_, at)| *at);
        let mut groups = std::mem::take(&mut self.groups);
        for (place, (target, at)) in kept.into_iter().enumerate() {
            self.groups.push(groups.get_mut(at).map(std::mem::take).unwrap_or_default());
            self.places.insert(target, place);
        }
        self.judge(now);
    }

    /// Judges the rows again where one of them has become stale by now.
    pub fn tick(&mut self, now: Wall) {
        let back = self.judged.is_some_and(|judged| now < judged);
        if back || self.turns.is_some_and(|turns| now > turns) {
            self.judge(now);
        }
    }

    fn judge(&mut self, now: Wall) {
        for group in &mut self.groups {
            group.judge(&self.manner, now);
        }
        self.order = (0..self.groups.len()).flat_map(|at| self.in_sight(at)).collect();
        let (groups, manner) = (&self.groups, &self.manner);
        self.order.sort_by(|a, b| compare(groups, manner, *a, *b));
        self.watch(now);
    }

    fn watch(&mut self, now: Wall) {
        self.turns = self.groups.iter().filter_map(|group| group.tally.turns).min();
        self.judged = Some(now);
    }

    /// The rows of a target that the filter lets through.
    fn in_sight(&self, at: usize) -> Vec<Kept> {
        let keys = self.groups.get(at).map_or(&[][..], |group| &group.keys);
        keys.iter().enumerate().filter(|(_, key)| key.shown).map(|(row, _)| (at, row)).collect()
    }

    /// Puts the rows of a target into their places in the order.
    fn place(&mut self, at: usize) {
        self.order.retain(|(group, _)| *group != at);
        let news = self.in_sight(at);
        let (groups, manner) = (&self.groups, &self.manner);
        if news.len() <= FEW {
            for new in news {
                let place = self.order.partition_point(|other| compare(groups, manner, *other, new) == Ordering::Less);
                self.order.insert(place, new);
            }
        } else {
            self.order.extend(news);
            // Most of it is in order, which this sort makes use of.
            self.order.sort_by(|a, b| compare(groups, manner, *a, *b));
        }
    }

    /// Which rows come first.
    #[must_use]
    pub fn sort(&self) -> Sort {
        self.manner.sort
    }

    /// Whether the order is the other way round.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        self.manner.reversed
    }

    /// Sorts by another column; the cursor goes along with its row.
    pub fn sort_by(&mut self, sort: Sort, now: Wall) {
        (self.manner.sort, self.manner.reversed) = (sort, false);
        self.judge(now);
        self.let_go();
    }

    /// Turns the order round; the cursor goes along with its row.
    pub fn reverse(&mut self, now: Wall) {
        self.manner.reversed = !self.manner.reversed;
        self.judge(now);
        self.let_go();
    }

    /// Takes note of whether the pane has the keys. The row under the cursor is kept in its place while somebody reads there, and moves
    /// to where it belongs once they are elsewhere.
    pub fn attend(&mut self, attended: bool) {
        if self.attended && !attended {
            self.let_go();
        } else if attended && !self.attended {
            let place = self.pin().map(|pin| pin.place);
            if let (Some(cursor), Some(place)) = (&mut self.cursor, place) {
                cursor.place = place;
            }
        }
        self.attended = attended;
    }

    /// Lets the row under the cursor go to where it belongs, and the cursor with it.
    fn let_go(&mut self) {
        let sorted = self.pin().and_then(|pin| pin.sorted);
        if let (Some(cursor), Some(sorted)) = (&mut self.cursor, sorted) {
            cursor.place = sorted;
        }
    }

    /// Only rows that this lets through are shown.
    #[must_use]
    pub fn filter(&self) -> &str {
        self.manner.filter.text()
    }

    /// Shows only rows that a filter lets through; the cursor is let go, since its row may be gone.
    pub fn set_filter(&mut self, filter: String, now: Wall) {
        self.manner.filter = Filter::new(filter);
        self.cursor = None;
        self.judge(now);
    }

    fn kept(&self, (group, row): Kept) -> Option<&Row> {
        self.groups.get(group)?.rows.get(row)
    }

    fn find(&self, id: &TargetId) -> Option<Kept> {
        let at = *self.places.get(&(id.kind, id.name.clone()))?;
        let row = self.groups.get(at)?.rows.iter().position(|row| row.object == id.object)?;
        Some((at, row))
    }

    fn pin(&self) -> Option<Pin> {
        let cursor = self.cursor.as_ref()?;
        let kept = self.find(&cursor.id)?;
        let sorted = self.order.iter().position(|other| *other == kept);
        let others = self.order.len() - usize::from(sorted.is_some());
        let place = if self.attended { cursor.place } else { sorted.unwrap_or(cursor.place) };
        Some(Pin { place: place.min(others), kept, sorted })
    }

    /// Where the row at a place of the screen is kept.
    fn at(&self, place: usize, pin: Option<Pin>) -> Option<Kept> {
        let Some(pin) = pin else { return self.order.get(place).copied() };
        if place == pin.place {
            return Some(pin.kept);
        }
        let other = if place < pin.place { place } else { place - 1 };
        let beyond = pin.sorted.is_some_and(|sorted| other >= sorted);
        self.order.get(other + usize::from(beyond)).copied()
    }

    /// How many rows are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len() + usize::from(self.pin().is_some_and(|pin| pin.sorted.is_none()))
    }

    /// Whether no row is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most so many rows in the order of the screen, from a place on.
    pub fn window(&self, from: usize, rows: usize) -> impl Iterator<Item = &Row> {
        let pin = self.pin();
        (from..self.len().min(from.saturating_add(rows))).filter_map(move |place| self.kept(self.at(place, pin)?))
    }

    /// The rows in the order of the screen.
    pub fn shown(&self) -> impl Iterator<Item = &Row> {
        self.window(0, usize::MAX)
    }

    /// Every row, filtered out or not, target by target.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups.iter().flat_map(|group| &group.rows)
    }

    /// A row by its identity.
    #[must_use]
    pub fn row(&self, id: &TargetId) -> Option<&Row> {
        self.kept(self.find(id)?)
    }

    /// What a row is called here: without its target, where that is the only one.
    #[must_use]
    pub fn name(&self, row: &Row) -> String {
        match &row.object {
            Some(object) if self.groups.len() == 1 => object.clone(),
            _ => row.name(),
        }
    }

    /// The columns of the longest of these names; paths count as short where they are to be shortened.
    #[must_use]
    pub fn widest(&self, shortened: bool) -> usize {
        let alone = self.groups.len() == 1;
        let names = self.groups.iter().map(|group| if alone { group.tally.object } else { group.tally.name });
        names.map(|(whole, short)| if shortened { short } else { whole }).max().unwrap_or(0)
    }

    /// Where on the screen the cursor is; `None` while it is on no row.
    #[must_use]
    pub fn cursor_place(&self) -> Option<usize> {
        self.pin().map(|pin| pin.place)
    }

    /// The row under the cursor.
    #[must_use]
    pub fn under_cursor(&self) -> Option<&Row> {
        self.row(&self.cursor.as_ref()?.id)
    }

    /// The row under the cursor; the cursor goes to the first row where it was on none.
    pub fn take_cursor(&mut self) -> Option<&Row> {
        if self.cursor_place().is_none() {
            self.step(0);
        }
        self.under_cursor()
    }

    /// Puts the cursor on the row at a place of the screen, or on the last.
    pub fn go(&mut self, place: usize) {
        let place = place.min(self.len().saturating_sub(1));
        let id = self.at(place, self.pin()).and_then(|kept| self.kept(kept)).map(TargetId::of);
        self.cursor = id.map(|id| Cursor { id, place });
    }

    /// Moves the cursor; from no row, it enters at the top, or at the bottom when moving up, or where its row was.
    pub fn step(&mut self, by: isize) {
        match (self.cursor_place(), &self.cursor) {
            (Some(place), _) => self.go(place.saturating_add_signed(by)),
            (None, Some(gone)) => self.go(gone.place),
            (None, None) if by < 0 => self.go(usize::MAX),
            (None, None) => self.go(0),
        }
    }

    /// Puts the cursor on a row.
    pub fn point(&mut self, id: &TargetId) {
        let place = self.shown().position(|row| id.is_of(row));
        if let Some(place) = place.or_else(|| self.row(id).map(|_| self.len())) {
            self.cursor = Some(Cursor { id: id.clone(), place });
        }
    }

    /// Takes the cursor off its row, so that the worst come first again; `false` where it was on none.
    pub fn release(&mut self) -> bool {
        self.cursor.take().is_some()
    }

    /// How many rows have each verdict, in the order of [`Verdict::WORST_FIRST`].
    #[must_use]
    pub fn counts(&self) -> [(Verdict, usize); 4] {
        Verdict::WORST_FIRST.map(|verdict| {
            let of = |group: &Group| group.tally.ranks.get(usize::from(verdict.rank())).copied().unwrap_or(0);
            (verdict, self.groups.iter().map(of).sum())
        })
    }

    /// The same of the rows that the filter lets through.
    #[must_use]
    pub fn shown_counts(&self) -> [(Verdict, usize); 4] {
        Verdict::WORST_FIRST.map(|verdict| {
            let of = |group: &Group| group.tally.shown.get(usize::from(verdict.rank())).copied().unwrap_or(0);
            (verdict, self.groups.iter().map(of).sum())
        })
    }

    /// When the oldest of the newest readings was taken; `None` while a row has none.
    #[must_use]
    pub fn oldest_reading(&self) -> Option<Wall> {
        let read = self.groups.iter().filter(|group| !group.rows.is_empty());
        let seen: Option<Vec<Wall>> = read.map(|group| group.tally.oldest).collect();
        seen?.into_iter().min()
    }

    /// Whether a row is stale, or its newest reading failed.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.groups.iter().any(|group| group.tally.late)
    }

    /// Whether any target was heard of.
    #[must_use]
    pub fn has_read(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The sum of the section's own figure over all rows that have it: bytes to be had back, in Bloat.
    #[must_use]
    pub fn sum(&self) -> Option<f64> {
        let figures = self.groups.iter().filter_map(|group| group.tally.sum);
        figures.fold(None, |sum, figure| Some(sum.unwrap_or(0.0) + figure))
    }

    /// The least of the section's own figures that is not below zero: days to the next end, in Certificates.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        self.groups.iter().filter_map(|group| group.tally.next).min_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests;
