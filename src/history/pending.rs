//! Figures that were read and are not written yet.

use crate::domain::series::minute;
use crate::domain::{Figure, Rows, SeriesId, Wall};
use std::collections::BTreeMap;

/// How many figures may wait; while the disk does not take them, the oldest go.
const MOST: usize = 100_000;

/// The figure of each minute and series.
#[derive(Debug, Default)]
pub(super) struct Pending(pub(super) BTreeMap<(i64, SeriesId), Figure>);

impl Pending {
    /// Takes what was read of the trend of each row; what was not read leaves no figure.
    pub fn note(&mut self, rows: &Rows) {
        for row in rows.rows.iter().filter(|row| row.lost.is_none()) {
            let Some((seen, id)) = row.observation.as_ref().zip(SeriesId::of(row)) else { continue };
            // A row keeps its trend while a reading has none.
            let value = seen.trend.and_then(|trend| seen.figure(trend.fact)).filter(|value| value.is_finite());
            if let Some(value) = value {
                let at = seen.observed_at;
                self.join((minute(at), id), Figure::of(at, value));
            }
        }
        self.shorten();
    }

    /// Puts back what was taken and not written; what was noted meanwhile is newer.
    pub fn put_back(&mut self, taken: Self) {
        for (key, earlier) in taken.0 {
            self.0.entry(key).and_modify(|figure| *figure = figure.after(&earlier)).or_insert(earlier);
        }
        self.shorten();
    }

    /// Takes a figure, which is newer than one of the same minute.
    fn join(&mut self, key: (i64, SeriesId), newer: Figure) {
        self.0.entry(key).and_modify(|figure| *figure = newer.after(figure)).or_insert(newer);
    }

    /// Forgets what is older than this.
    pub fn forget_before(&mut self, at: Wall) {
        let first = minute(at);
        self.0.retain(|(minute, _), _| *minute >= first);
    }

    fn shorten(&mut self) {
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }
}
