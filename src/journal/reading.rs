//! A reading of the whole estate, kept beside a journal: how every pane looked before a run and after it.
//!
//! The journal names it by its digest; the rows are a file below `readings/`. What could not be read is in it as unknown, with
//! its reason, so that two readings can be compared row by row.

use crate::domain::{Digest, Fact, Row, Section, TargetKind, Verdict, Wall};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the file.
pub const SCHEMA: u32 = 1;

/// The largest file that is read back, in bytes: some ten thousand rows.
pub const LARGEST: u64 = 16 << 20;

/// On which side of a run's work a reading was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Before anything was changed.
    Before,
    /// After the last step, before the seal.
    After,
}

impl Side {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// How many rows have each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Within their limits.
    pub ok: u64,
    /// Past a warning limit.
    pub warn: u64,
    /// Past a critical limit.
    pub critical: u64,
    /// Not known.
    pub unknown: u64,
}

impl Counts {
    /// Counts verdicts.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            let count = match verdict {
                Verdict::Ok => &mut counts.ok,
                Verdict::Warn => &mut counts.warn,
                Verdict::Critical => &mut counts.critical,
                Verdict::Unknown => &mut counts.unknown,
            };
            *count += 1;
        }
        counts
    }

    /// `1 critical, 2 unknown, 3 warn, 40 ok`; what is not there is left out.
    #[must_use]
    pub fn words(&self) -> String {
        let all = [(self.critical, "critical"), (self.unknown, "unknown"), (self.warn, "warn"), (self.ok, "ok")];
        let lines: Vec<String> =
            all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if lines.is_empty() { "no rows".to_owned() } else { lines.join(", ") }
    }
}

/// One row as it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowRead {
    /// The kind of the target.
    pub kind: TargetKind,
    /// Its name, unique within its kind; outside text.
    pub target: String,
    /// Which of several parts of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The judgement; unknown where it was not read.
    pub verdict: Verdict,
    /// The judgement's reason, or why it was not read; outside text.
    pub detail: String,
    /// Where it comes from.
    pub source: String,
    /// When it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Wall>,
    /// What was measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Fact>,
}

impl RowRead {
    /// Keeps a row as it is at a moment.
    #[must_use]
    pub fn of(row: &Row, now: Wall) -> Self {
        let detail = match (&row.lost, &row.observation) {
            (Some((why, _)), _) => why.clone(),
            (None, Some(seen)) => seen.detail.clone(),
            (None, None) => "not read".to_owned(),
        };
        let facts = row.observation.iter().flat_map(|seen| &seen.facts);
        // JSON has no word for infinity, and a file that cannot be read back would lose every row.
        let facts = facts.filter(|(_, fact)| !matches!(fact, Fact::Real(figure) if !figure.is_finite()));
        Self {
            kind: row.kind,
            target: row.target.clone(),
            object: row.object.clone(),
            verdict: row.verdict(now),
            detail,
            source: row.source.clone(),
            seen: row.observation.as_ref().map(|seen| seen.observed_at),
            facts: facts.map(|(name, fact)| ((*name).to_owned(), fact.clone())).collect(),
        }
    }

    /// What makes it the same row in another reading.
    fn key(&self) -> (Section, TargetKind, &str, Option<&str>) {
        (self.kind.section(), self.kind, &self.target, self.object.as_deref())
    }
}

/// Every row of an estate at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The version of the file.
    pub schema: u32,
    /// The estate's name.
    pub estate: String,
    /// When it was taken.
    pub at: Wall,
    /// Its rows, by pane, kind and name.
    pub rows: Vec<RowRead>,
}

impl Reading {
    /// Keeps the rows of an estate.
    #[must_use]
    pub fn of(estate: &str, rows: &[Row], now: Wall) -> Self {
        let mut rows: Vec<RowRead> = rows.iter().map(|row| RowRead::of(row, now)).collect();
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        Self { schema: SCHEMA, estate: estate.to_owned(), at: now, rows }
    }

    /// How many rows have each verdict.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(self.rows.iter().map(|row| row.verdict))
    }

    /// Reads the file back, if it is the one that a journal names.
    ///
    /// # Errors
    /// A sentence: it is another file, or not a reading.
    pub fn from_bytes(bytes: &[u8], named: &Digest) -> Result<Self, String> {
        if Digest::of(bytes) != *named {
            return Err("it is not the file that the journal names".to_owned());
        }
        let reading: Self = serde_json::from_slice(bytes).map_err(|cause| cause.to_string())?;
        if reading.schema > SCHEMA { Err("a newer version wrote it".to_owned()) } else { Ok(reading) }
    }
}

/// How a row changed between two readings, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Its verdict is worse.
    Worse,
    /// It is no longer there.
    Gone,
    /// It was not there before.
    New,
    /// Its verdict is better.
    Better,
    /// The same verdict for another reason.
    Other,
    /// The same.
    Same,
}

impl Change {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Gone => "gone",
            Self::New => "new",
            Self::Better => "better",
            Self::Other => "other",
            Self::Same => "same",
        }
    }
}

/// A row in two readings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// What became of it.
    pub change: Change,
    /// How it was.
    pub before: Option<RowRead>,
    /// How it is.
    pub after: Option<RowRead>,
}

impl Compared {
    /// Either side of it, the later one first.
    #[must_use]
    pub fn row(&self) -> Option<&RowRead> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// Compares two readings row by row: by pane, and in each pane the differences first.
#[must_use]
pub fn compare(before: &Reading, after: &Reading) -> Vec<(Section, Vec<Compared>)> {
    let mut pairs: BTreeMap<_, (Option<&RowRead>, Option<&RowRead>)> =
        before.rows.iter().map(|row| (row.key(), (Some(row), None))).collect();
    for row in &after.rows {
        pairs.entry(row.key()).or_default().1 = Some(row);
    }
    let mut panes: Vec<(Section, Vec<Compared>)> = Section::ALL.map(|section| (section, Vec::new())).into();
    for ((section, ..), (was, is)) in pairs {
        if let Some((_, rows)) = panes.iter_mut().find(|(own, _)| *own == section) {
            rows.push(Compared { change: change(was, is), before: was.cloned(), after: is.cloned() });
        }
    }
    for (_, rows) in &mut panes {
        rows.sort_by_key(|row| (row.change, row.row().map(|row| u8::MAX - row.verdict.rank())));
    }
    panes.retain(|(_, rows)| !rows.is_empty());
    panes
}

fn change(was: Option<&RowRead>, is: Option<&RowRead>) -> Change {
    match (was, is) {
        // A row that became unknown did not improve.
        (Some(was), Some(is)) if is.verdict == Verdict::Unknown && was.verdict != Verdict::Unknown => Change::Worse,
        (Some(was), Some(is)) => match is.verdict.rank().cmp(&was.verdict.rank()) {
            std::cmp::Ordering::Greater => Change::Worse,
            std::cmp::Ordering::Less => Change::Better,
            std::cmp::Ordering::Equal if was.detail == is.detail => Change::Same,
            std::cmp::Ordering::Equal => Change::Other,
        },
        (Some(_), None) => Change::Gone,
        (None, _) => Change::New,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Observation;
    use crate::journal::samples::now;
    use std::time::Duration;

    fn row(kind: TargetKind, target: &str, seen: Option<(Verdict, &str)>) -> Row {
        let mut row = Row::unread(kind, target.to_owned(), "a source".to_owned(), Duration::from_secs(5));
        if let Some((verdict, detail)) = seen {
            let facts = BTreeMap::from([("ratio", Fact::Real(f64::NAN)), ("age_s", Fact::Int(7))]);
            let (detail, observed_at) = (detail.to_owned(), now(0).wall);
            row.saw(Observation { verdict, detail, facts, observed_at, trend: None });
        }
        row
    }

    fn reading(rows: &[Row]) -> Reading {
        Reading::of("cell0", rows, now(1).wall)
    }

    #[test]
    fn a_reading_comes_back_as_the_file_that_the_journal_names() {
        use TargetKind::{Host, Mount};
        let mut lost = row(Mount, "/", Some((Verdict::Ok, "30 %")));
        lost.lost("no answer within 5 s".to_owned(), now(0).wall);
        let whole = reading(&[lost, row(Host, "cpu", Some((Verdict::Warn, "84 %"))), row(Host, "swap", None)]);
        let bytes = serde_json::to_vec(&whole).unwrap();
        assert_eq!(Reading::from_bytes(&bytes, &Digest::of(&bytes)).as_ref(), Ok(&whole));
        assert_eq!(whole.rows[0].facts.len(), 1, "NaN is left out");
        assert_eq!(whole.counts(), Counts { warn: 1, unknown: 2, ..Counts::default() });
        assert_eq!(whole.counts().words(), "2 unknown, 1 warn");
        let lines: Vec<&str> = whole.rows.iter().map(|row| row.detail.as_str()).collect();
        assert_eq!(lines, ["84 %", "not read", "no answer within 5 s"]);
        let why = Reading::from_bytes(&bytes, &Digest::of(b"another")).unwrap_err();
        assert_eq!(why, "it is not the file that the journal names");
    }

    #[test]
    fn differences_come_first_in_each_pane() {
        use TargetKind::{Certificate, Host, Service};
        let before = [
            row(Host, "cpu", Some((Verdict::Ok, "3 %"))),
            row(Host, "memory", Some((Verdict::Critical, "99 %"))),
            row(Host, "swap", Some((Verdict::Ok, "none"))),
            row(Service, "api", Some((Verdict::Ok, "200"))),
            row(Service, "gone", None),
            row(Service, "silent", Some((Verdict::Critical, "503"))),
            row(Certificate, "api", Some((Verdict::Ok, "60 d"))),
        ];
        let after = [
            row(Host, "cpu", Some((Verdict::Ok, "4 %"))),
            row(Host, "memory", Some((Verdict::Ok, "40 %"))),
            row(Host, "swap", Some((Verdict::Ok, "none"))),
            row(Service, "api", None),
            row(Service, "new", Some((Verdict::Ok, "200"))),
            row(Service, "silent", None),
            row(Certificate, "api", Some((Verdict::Ok, "60 d"))),
        ];
        let panes = compare(&reading(&before), &reading(&after));
        let facts: Vec<(Section, Vec<(Change, &str)>)> = panes
            .iter()
            .map(|(section, rows)| {
                (*section, rows.iter().map(|row| (row.change, row.row().unwrap().target.as_str())).collect())
            })
            .collect();
        use Change::{Better, Gone, New, Other, Same, Worse};
        let health = vec![
            (Worse, "api"),
            (Worse, "silent"),
            (Gone, "gone"),
            (New, "new"),
            (Better, "memory"),
            (Other, "cpu"),
            (Same, "swap"),
        ];
        assert_eq!(facts, [(Section::Health, health), (Section::Certificates, vec![(Same, "api")])]);
    }
}
