//! The rows of one target, what their order depends on, and what is counted over them.

use crate::app::panes::rows::{Filter, Sort};
use crate::domain::{Clean, Fact, Row, Section, Wall};
use std::cmp::Ordering;

/// Where a row is kept: its target's place among the targets, and its own in there.
pub(super) type Kept = (usize, usize);

/// How rows are filtered and sorted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Manner {
    pub section: Section,
    pub sort: Sort,
    /// Whether the order is the other way round.
    pub reversed: bool,
    pub filter: Filter,
}

/// The rows of one target.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Group {
    pub rows: Vec<Row>,
    /// One for each row.
    pub keys: Vec<Key>,
    pub tally: Tally,
}

/// What a row's place depends on; the parts that do not matter are alike.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    /// The worse, the smaller.
    worst: u8,
    /// Whether the row lacks what it is sorted by; it comes last in either order.
    lacks: bool,
    /// When it was read; never is before all.
    read: Option<Wall>,
    /// The more pressing, the smaller.
    figure: f64,
    word: String,
    name: String,
    /// Whether the filter lets the row through.
    pub shown: bool,
}

impl Key {
    /// Which of two rows comes first.
    pub fn compare(&self, other: &Self, manner: &Manner) -> Ordering {
        let turned = |order: Ordering| if manner.reversed { order.reverse() } else { order };
        let by_column = self
            .worst
            .cmp(&other.worst)
            .then(self.read.cmp(&other.read))
            .then(self.figure.total_cmp(&other.figure))
            .then_with(|| self.word.cmp(&other.word));
        let by_name = self.name.cmp(&other.name);
        let by_name = if manner.sort == Sort::Name { turned(by_name) } else { by_name };
        self.lacks.cmp(&other.lacks).then(turned(by_column)).then(by_name)
    }
}

/// The columns that a path has where room is short.
const PATH: usize = 24;

/// The columns of the longest name so far, and of the longest where paths are shortened.
fn widest((whole, short): (usize, usize), name: &str) -> (usize, usize) {
    let width = Clean::text(name).width();
    (whole.max(width), short.max(if name.starts_with('/') { width.min(PATH) } else { width }))
}

/// What is counted over the rows of a target.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Tally {
    /// How many rows have a verdict, by its rank.
    pub ranks: [usize; 4],
    /// The same of the rows that the filter lets through.
    pub shown: [usize; 4],
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
    /// The columns of the longest name, with its target; and where a path counts as no more than [`PATH`].
    pub name: (usize, usize),
    /// The columns of the longest name, without it; the same.
    pub object: (usize, usize),
}

impl Group {
    /// Works keys and counts out again; whether a key is another than before.
    pub fn judge(&mut self, manner: &Manner, now: Wall) -> bool {
        let mut tally = Tally::default();
        let mut never = false;
        let mut keys = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let name = row.name();
            tally.name = widest(tally.name, &name);
            tally.object = widest(tally.object, row.object.as_ref().unwrap_or(&row.target));
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
            let key = key(row, name, rank, manner, now);
            if let Some(count) = tally.shown.get_mut(usize::from(rank)).filter(|_| key.shown) {
                *count += 1;
            }
            keys.push(key);
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
    let shown = manner.filter.is_empty() || shows(row, &name, &manner.filter, now);
    let read = row.observation.as_ref().map(|seen| seen.observed_at);
    let mut key = Key { worst: 0, lacks: false, read: None, figure: 0.0, word: String::new(), name, shown };
    match (manner.sort, manner.section) {
        (Sort::Verdict, section) => {
            key.worst = u8::MAX - rank;
            if matches!(section, Section::Certificates | Section::Bloat) {
                key.figure = pressing(row, section);
            }
        }
        (Sort::Name, _) => {}
        (Sort::Age, _) => key.read = read,
        (Sort::Figure, Section::Health) => key.figure = f64::from(row.kind as u8),
        (sort, section) => {
            let fact = sort.fact(section).and_then(|name| row.observation.as_ref()?.facts.get(name));
            match fact.map(|fact| (number(fact), fact)) {
                Some((Some(figure), _)) => key.figure = if sort.falls(section) { -figure } else { figure },
                Some((None, Fact::Text(word))) if !word.is_empty() => key.word = word.to_lowercase(),
                _ => key.lacks = true,
            }
        }
    }
    key
}

fn number(fact: &Fact) -> Option<f64> {
    match fact {
        #[allow(clippy::cast_precision_loss)] // A figure to sort by.
        Fact::Int(number) => Some(*number as f64),
        Fact::Real(figure) if figure.is_finite() => Some(*figure),
        _ => None,
    }
}

/// The figure that the section is about; `None` where the row does not have it.
fn own_figure(row: &Row, section: Section) -> Option<f64> {
    number(row.observation.as_ref()?.facts.get(Sort::Figure.fact(section)?)?)
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

fn shows(row: &Row, name: &str, filter: &Filter, now: Wall) -> bool {
    let detail = row.observation.as_ref().map_or("", |seen| seen.detail.as_str());
    filter.shows(&[name, row.kind.word(), row.verdict(now).word(), detail])
}

/// Which of two rows comes first.
pub(super) fn compare(groups: &[Group], manner: &Manner, a: Kept, b: Kept) -> Ordering {
    #[cfg(test)]
    counts::COMPARED.set(counts::COMPARED.get() + 1);
    let key = |(group, row): Kept| groups.get(group).and_then(|group| group.keys.get(row));
    let by_key = key(a).zip(key(b)).map_or(Ordering::Equal, |(a, b)| a.compare(b, manner));
    by_key.then(a.cmp(&b))
}

/// How often rows were compared, for the test that holds a reading to few of these.
#[cfg(test)]
pub(super) mod counts {
    use std::cell::Cell;

    thread_local! {
        pub(crate) static COMPARED: Cell<usize> = const { Cell::new(0) };
    }
}
