//! The rows of one target, what their order depends on, and what is counted over them.

use crate::app::panes::rows::Sort;
use crate::domain::{Clean, Fact, Row, Section, Wall};

/// How rows are filtered and sorted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Manner {
    pub section: Section,
    pub sort: Sort,
    /// What a row must contain, in small letters.
    pub needle: String,
}

/// The rows of one target.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Group {
    pub rows: Vec<Row>,
    /// One for each row.
    pub keys: Vec<Key>,
    pub tally: Tally,
}

/// What a row's place depends on; the parts are compared in their order, and those that do not matter are alike.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) struct Key {
    /// The worse, the smaller.
    worst: u8,
    /// When it was read; never is before all.
    read: Option<Wall>,
    /// The more pressing, the smaller.
    figure: f64,
    name: String,
    /// Whether the filter lets the row through.
    pub shown: bool,
}

/// What is counted over the rows of a target.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Tally {
    /// How many rows have a verdict, by its rank.
    pub ranks: [usize; 4],
    /// The oldest of the newest readings; none while a row has none.
    pub oldest: Option<Wall>,
    /// Whether a row is stale, or its newest reading failed.
    pub late: bool,
    /// When the next row becomes stale.
    pub turns: Option<Wall>,
    /// The sum of the section's figure.
    pub sum: Option<f64>,
    /// The least of the section's figures that is not below zero.
    pub next: Option<f64>,
    /// The columns of the longest name, with its target.
    pub name: usize,
    /// The columns of the longest name, without it.
    pub object: usize,
}

impl Group {
    /// Works keys and counts out anew; whether a key is another than before.
    pub fn judge(&mut self, manner: &Manner, now: Wall) -> bool {
        let mut tally = Tally::default();
        let mut never = false;
        let mut keys = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let name = row.name();
            tally.name = tally.name.max(Clean::text(&name).width());
            tally.object = tally.object.max(Clean::text(row.object.as_ref().unwrap_or(&row.target)).width());
            let rank = row.verdict(now).rank();
            if let Some(count) = tally.ranks.get_mut(usize::from(rank)) {
                *count += 1;
            }
            match &row.observation {
                None => never = true,
                Some(seen) => {
                    let stale = seen.observed_at.plus(row.every * 3);
                    tally.oldest = Some(tally.oldest.map_or(seen.observed_at, |oldest| oldest.min(seen.observed_at)));
                    tally.turns = [tally.turns, (stale >= now).then_some(stale)].into_iter().flatten().min();
                }
            }
            tally.late |= row.lost.is_some() || row.is_stale(now);
            if let Some(figure) = own_figure(row, manner.section) {
                tally.sum = Some(tally.sum.unwrap_or(0.0) + figure);
                let least = tally.next.into_iter().chain((figure >= 0.0).then_some(figure));
                tally.next = least.min_by(f64::total_cmp);
            }
            keys.push(key(row, name, rank, manner, now));
        }
        if never {
            tally.oldest = None;
        }
        self.tally = tally;
        let changed = self.keys != keys;
        self.keys = keys;
        changed
    }
}

fn key(row: &Row, name: String, rank: u8, manner: &Manner, now: Wall) -> Key {
    let shown = manner.needle.is_empty() || contains(row, &name, &manner.needle, now);
    let read = row.observation.as_ref().map(|seen| seen.observed_at);
    let pressing = || pressing(row, manner.section);
    let (worst, read, figure) = match (manner.sort, manner.section) {
        (Sort::Verdict, Section::Certificates | Section::Bloat) => (u8::MAX - rank, None, pressing()),
        (Sort::Verdict, _) => (u8::MAX - rank, None, 0.0),
        (Sort::Name, _) => (0, None, 0.0),
        (Sort::Age, _) => (0, read, 0.0),
        (Sort::Figure, _) => (0, None, pressing()),
    };
    Key { worst, read, figure, name, shown }
}

/// The figure that the section is about; `None` where the row does not have it.
fn own_figure(row: &Row, section: Section) -> Option<f64> {
    let name = match section {
        Section::Health => return None,
        Section::Backups => "age_s",
        Section::Certificates => "days_left",
        Section::Bloat => "bloat_bytes",
    };
    match row.observation.as_ref()?.facts.get(name)? {
        #[allow(clippy::cast_precision_loss)] // A figure to sort by.
        Fact::Int(number) => Some(*number as f64),
        Fact::Real(figure) if figure.is_finite() => Some(*figure),
        _ => None,
    }
}

/// The same with the most pressing smallest, and what is missing last.
fn pressing(row: &Row, section: Section) -> f64 {
    let figure = own_figure(row, section);
    match section {
        Section::Health => f64::from(row.kind as u8),
        Section::Certificates => figure.unwrap_or(f64::INFINITY),
        Section::Backups | Section::Bloat => figure.map_or(f64::INFINITY, |figure| -figure),
    }
}

fn contains(row: &Row, name: &str, needle: &str, now: Wall) -> bool {
    let detail = row.observation.as_ref().map_or("", |seen| seen.detail.as_str());
    let texts = [name, row.kind.word(), row.verdict(now).word(), detail];
    texts.iter().any(|text| text.to_lowercase().contains(needle))
}
