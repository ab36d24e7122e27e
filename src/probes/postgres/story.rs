//! What is said of one part of a server while it is judged.

use crate::domain::{Fact, Observation, Trend, Verdict};
use crate::probes::clock;
use std::collections::BTreeMap;

/// What is being put together.
pub(super) struct Story {
    verdict: Verdict,
    parts: Vec<String>,
    pub(super) facts: BTreeMap<&'static str, Fact>,
    trend: Option<Trend>,
}

impl Story {
    pub(super) fn new(standby: bool) -> Self {
        let facts = BTreeMap::from([("is_standby", Fact::Bool(standby))]);
        Self { verdict: Verdict::Ok, parts: Vec::new(), facts, trend: None }
    }

    /// Adds a part; the worst verdict stays, and an unknown one weighs more than a warning.
    pub(super) fn add(&mut self, verdict: Verdict, part: impl Into<String>) {
        if verdict.rank() > self.verdict.rank() {
            self.verdict = verdict;
            self.parts.insert(0, part.into());
        } else {
            self.parts.push(part.into());
        }
    }

    /// Adds the bytes behind, of which the row has its trend.
    pub(super) fn behind(&mut self, bytes: i64, seconds: Option<f64>) {
        self.draw("lag_bytes", bytes);
        self.facts.extend(seconds.map(|seconds| ("lag_s", Fact::Real(seconds))));
    }

    /// Adds a figure of which the row has its trend.
    pub(super) fn draw(&mut self, fact: &'static str, figure: i64) {
        self.facts.insert(fact, Fact::Int(figure));
        self.trend = Some(Trend::of(fact));
    }

    /// Adds those figures that there are.
    pub(super) fn count(&mut self, figures: impl IntoIterator<Item = (&'static str, Option<i64>)>) {
        self.facts.extend(figures.into_iter().filter_map(|(fact, figure)| Some((fact, Fact::Int(figure?)))));
    }

    pub(super) fn end(self) -> Observation {
        let Self { verdict, parts, facts, trend } = self;
        Observation { verdict, detail: parts.join(" · "), facts, observed_at: clock::now().wall, trend }
    }
}
