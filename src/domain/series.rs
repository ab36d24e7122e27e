//! The figures of a trend over time: what a row has read, and what was kept of it on disk.
//!
//! ```text
//! 02:36   02:37   02:38           02:44   02:45      the last reading of each minute
//!   12      13      12     (gap)    31      12       never drawn as if it were continuous
//! 11–12   12–90   12–14             9–31   12–31     the least and the greatest reading of it: a peak of seconds shows
//! ```

use crate::domain::{Row, Rows, TargetKind, Wall};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A minute, in milliseconds.
pub const MINUTE_MS: i64 = 60_000;

/// The readings of one minute: the last of them, and between which they were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// When the last one was read.
    pub at: Wall,
    /// The last one, in the unit of its fact.
    pub value: f64,
    /// The least of the minute.
    pub least: f64,
    /// The greatest of the minute.
    pub greatest: f64,
}

impl Figure {
    /// A single reading.
    #[must_use]
    pub fn of(at: Wall, value: f64) -> Self {
        Self { at, value, least: value, greatest: value }
    }

    /// The same minute with what was read of it before.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        let (least, greatest) = (self.least.min(earlier.least), self.greatest.max(earlier.greatest));
        Self { least, greatest, ..self }
    }
}

/// The minute that a moment is in, counted from the epoch.
#[must_use]
pub fn minute(at: Wall) -> i64 {
    at.0.as_millisecond().div_euclid(MINUTE_MS)
}

/// The last figures of a row, oldest first: at most one for each minute, so that a bar is a minute or more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series(Vec<Figure>);

impl Series {
    /// How many figures a row keeps: an hour of what is read each minute or more often.
    pub const LONGEST: usize = 60;

    /// Takes a figure. It joins one of the same minute, and replaces those that lie ahead of it: then the clock was set back.
    pub fn take(&mut self, mut figure: Figure) {
        while let Some(last) = self.0.pop_if(|last| minute(last.at) >= minute(figure.at)) {
            if minute(last.at) == minute(figure.at) {
                figure = figure.after(&last);
            }
        }
        self.0.push(figure);
        self.shorten();
    }

    /// Puts earlier figures before its own; one of the minute of its first joins that one, and later ones are left out.
    pub fn begin_with(&mut self, past: &[Figure]) {
        let first = self.0.first().map_or(i64::MAX, |first| minute(first.at));
        let same = past.iter().find(|figure| minute(figure.at) == first);
        if let Some((own, earlier)) = self.0.first_mut().zip(same) {
            *own = own.after(earlier);
        }
        let earlier = past.iter().take_while(|figure| minute(figure.at) < first).copied();
        let begun: Vec<Figure> = earlier.chain(self.0.drain(..)).collect();
        self.0 = begun;
        self.shorten();
    }

    fn shorten(&mut self) {
        self.0.drain(..self.0.len().saturating_sub(Self::LONGEST));
    }

    /// Its figures, oldest first.
    #[must_use]
    pub fn figures(&self) -> &[Figure] {
        &self.0
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time from its first figure to its last.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.0.last().zip(self.0.first()).map_or(Duration::ZERO, |(last, first)| last.at.since(first.at))
    }

    /// The greatest reading of each minute as it is drawn, so that a peak shows that was over before the minute was; with a NaN where
    /// nothing was read for longer than `longest`.
    #[must_use]
    pub fn bars(&self, longest: Duration) -> Vec<f64> {
        let mut bars = Vec::with_capacity(self.0.len());
        let mut before: Option<Wall> = None;
        for figure in &self.0 {
            if before.is_some_and(|before| figure.at.since(before) > longest) {
                bars.push(f64::NAN);
            }
            bars.push(figure.greatest);
            before = Some(figure.at);
        }
        bars
    }
}

/// What a series is of, within one estate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesId {
    /// The kind of the row.
    pub kind: TargetKind,
    /// Its target.
    pub target: String,
    /// Which of several parts of the target it is of.
    pub object: Option<String>,
    /// The fact whose figures they are.
    pub fact: String,
}

impl SeriesId {
    /// What the history of a row is of; none where the row has no trend. The history of a backup series is that of its members and not
    /// of its readings: the members themselves report it, each time.
    #[must_use]
    pub fn of(row: &Row) -> Option<Self> {
        let trend = row.trend.filter(|_| row.kind != TargetKind::Backup)?;
        let (target, object, fact) = (row.target.clone(), row.object.clone(), trend.fact.to_owned());
        Some(Self { kind: row.kind, target, object, fact })
    }
}

/// Figures that were kept on disk, of one estate; none of them lies ahead of the time that it was read at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past(pub BTreeMap<SeriesId, Vec<Figure>>);

impl Past {
    /// The figures of a series, oldest first.
    #[must_use]
    pub fn figures(&self, id: &SeriesId) -> &[Figure] {
        self.0.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Puts what is known of the time before into the history of each row.
    pub fn join(&self, rows: &mut Rows) {
        if self.0.is_empty() {
            return;
        }
        let short = |row: &&mut Row| row.history.figures().len() < Series::LONGEST;
        for row in rows.rows.iter_mut().filter(short) {
            if let Some(id) = SeriesId::of(row) {
                row.history.begin_with(self.figures(&id));
            }
        }
    }
}

/// The figures on disk once they were read; empty until then. Everyone who holds one sees the same.
#[derive(Clone, Debug, Default)]
pub struct PastRead(Arc<OnceLock<Arc<Past>>>);

impl PastRead {
    /// Puts in what was read; only the first time counts.
    pub fn fill(&self, past: Arc<Past>) {
        let _ = self.0.set(past);
    }

    /// What was read, if it was by now.
    #[must_use]
    pub fn get(&self) -> Option<&Past> {
        self.0.get().map(Arc::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fact, Observation, Trend, Verdict};

    fn at(seconds: i64) -> Wall {
        Wall::from_unix(1_700_000_040 + seconds, 0)
    }

    fn figure(seconds: i64, value: f64) -> Figure {
        Figure::of(at(seconds), value)
    }

    fn series(figures: &[Figure]) -> Series {
        let mut series = Series::default();
        figures.iter().for_each(|figure| series.take(*figure));
        series
    }

    #[test]
    fn each_minute_has_its_last_reading_and_an_hour_is_kept() {
        let mut all = series(&[figure(0, 1.0), figure(5, 2.0), figure(55, 3.0), figure(61, 4.0)]);
        assert_eq!(all.figures(), [Figure { least: 1.0, ..figure(55, 3.0) }, figure(61, 4.0)]);
        (2..100).for_each(|minute| all.take(figure(minute * 60, 0.0)));
        assert_eq!((all.figures().len(), all.span()), (Series::LONGEST, Duration::from_secs(59 * 60)));
    }

    #[test]
    fn what_lies_ahead_goes_when_the_clock_was_set_back() {
        let mut all = series(&[figure(0, 1.0), figure(60, 2.0), figure(3600, 3.0)]);
        all.take(figure(120, 4.0));
        assert_eq!(all.figures(), [figure(0, 1.0), figure(60, 2.0), figure(120, 4.0)]);
    }

    #[test]
    fn the_past_comes_before_and_replaces_nothing() {
        let mut all = series(&[figure(300, 5.0), figure(360, 6.0)]);
        all.begin_with(&[figure(0, 1.0), figure(60, 2.0), figure(301, 9.0), figure(420, 9.0)]);
        let joined = Figure { greatest: 9.0, ..figure(300, 5.0) };
        assert_eq!(all.figures(), [figure(0, 1.0), figure(60, 2.0), joined, figure(360, 6.0)]);
        all.begin_with(&[Figure { greatest: 90.0, ..figure(30, 1.0) }]);
        assert_eq!(all.figures()[0], Figure { greatest: 90.0, least: 1.0, ..figure(0, 1.0) }, "of the same minute");
        let hours: Vec<Figure> = (-100..0).map(|minute| figure(minute * 60, 7.0)).collect();
        all.begin_with(&hours);
        assert_eq!((all.figures().len(), all.figures().last()), (Series::LONGEST, Some(&figure(360, 6.0))));
    }

    #[test]
    fn a_peak_within_a_minute_stays_in_its_bar() {
        let seconds = (0..180).step_by(5);
        let busy = |second| if (65..105).contains(&second) { 1.0 } else { 0.04 };
        let all = series(&seconds.map(|second| figure(second, busy(second))).collect::<Vec<_>>());
        assert_eq!(all.bars(Duration::from_secs(180)), [0.04, 1.0, 0.04]);
        let minute = all.figures()[1];
        assert_eq!((minute.value, minute.least, minute.greatest), (0.04, 0.04, 1.0));
    }

    #[test]
    fn a_gap_is_a_bar_that_is_no_number() {
        let all = series(&[figure(0, 1.0), figure(60, 2.0), figure(1200, 3.0), figure(1260, 4.0)]);
        let drawn = |longest: u64| -> Vec<Option<f64>> {
            let bars = all.bars(Duration::from_secs(longest));
            bars.into_iter().map(|bar| (!bar.is_nan()).then_some(bar)).collect()
        };
        assert_eq!(drawn(180), [Some(1.0), Some(2.0), None, Some(3.0), Some(4.0)]);
        assert_eq!(drawn(1200), [1.0, 2.0, 3.0, 4.0].map(Some));
    }

    #[test]
    fn rows_take_their_own_past_and_no_others() {
        let read = |kind, object: Option<&str>, fact| {
            let row = Row::unread(kind, "main".to_owned(), "there".to_owned(), Duration::from_secs(5));
            let mut row = Row { object: object.map(str::to_owned), ..row };
            let facts = BTreeMap::from([(fact, Fact::Int(9))]);
            let (verdict, trend) = (Verdict::Ok, Some(Trend::of(fact)));
            row.saw(Observation { verdict, detail: String::new(), facts, observed_at: at(120), trend });
            row
        };
        let id = |kind, object: Option<&str>, fact: &str| {
            let (target, object) = ("main".to_owned(), object.map(str::to_owned));
            SeriesId { kind, target, object, fact: fact.to_owned() }
        };
        use TargetKind::{Backup, Postgres, Redis};
        let kept = vec![figure(0, 1.0), figure(60, 2.0)];
        let ids = [id(Postgres, None, "latency_ms"), id(Backup, None, "size_bytes")];
        let past = Past(ids.into_iter().map(|id| (id, kept.clone())).collect());
        let cases = [
            (Postgres, None, "latency_ms", 3),
            (Postgres, Some("connections"), "latency_ms", 1),
            (Postgres, None, "lag_bytes", 1),
            (Redis, None, "latency_ms", 1),
            (Backup, None, "size_bytes", 1),
        ];
        for (kind, object, fact, figures) in cases {
            let mut rows = Rows { kind, target: "main".to_owned(), rows: vec![read(kind, object, fact)] };
            past.join(&mut rows);
            assert_eq!(rows.rows[0].history.figures().len(), figures, "{kind:?} {object:?} {fact}");
        }
    }
}
