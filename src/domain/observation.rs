//! What a probe saw, and the row a pane makes of it.

use crate::domain::error::system_text;
use crate::domain::{Figure, Loss, Series, Trend, Verdict, Wall};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The kind of a row's target; the word that `acts_on` binds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// This machine: CPU, memory, swap, pressure, load.
    Host,
    /// A mounted file system.
    Mount,
    /// An HTTP service.
    Service,
    /// A systemd unit.
    Unit,
    /// A PostgreSQL database.
    Postgres,
    /// A Redis.
    Redis,
    /// A Kubernetes cluster, and what runs in it.
    Kubernetes,
    /// A set of backups.
    Backup,
    /// A certificate.
    Certificate,
    /// A table or an index of a PostgreSQL database, with what a rewrite would give back.
    Bloat,
}

/// A pane of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// Whether everything works.
    Health,
    /// Whether it could be had back.
    Backups,
    /// Whether it will be believed tomorrow.
    Certificates,
    /// What a rewrite would give back.
    Bloat,
}

impl Section {
    /// Every section, in the order of the screen.
    pub const ALL: [Self; 4] = [Self::Health, Self::Backups, Self::Certificates, Self::Bloat];

    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Backups => "backups",
            Self::Certificates => "certificates",
            Self::Bloat => "bloat",
        }
    }
}

impl TargetKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Host,
        Self::Mount,
        Self::Service,
        Self::Unit,
        Self::Postgres,
        Self::Redis,
        Self::Kubernetes,
        Self::Backup,
        Self::Certificate,
        Self::Bloat,
    ];

    /// The pane that shows its rows.
    #[must_use]
    pub fn section(self) -> Section {
        match self {
            Self::Backup => Section::Backups,
            Self::Certificate => Section::Certificates,
            Self::Bloat => Section::Bloat,
            _ => Section::Health,
        }
    }

    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Mount => "mount",
            Self::Service => "service",
            Self::Unit => "unit",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Kubernetes => "kubernetes",
            Self::Backup => "backup",
            Self::Certificate => "certificate",
            Self::Bloat => "bloat",
        }
    }

    /// Several of them, in a sentence.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Host => "hosts",
            Self::Mount => "mounts",
            Self::Service => "services",
            Self::Unit => "units",
            Self::Postgres => "PostgreSQL databases",
            Self::Redis => "Redis servers",
            Self::Kubernetes => "Kubernetes objects",
            Self::Backup => "backups",
            Self::Certificate => "certificates",
            Self::Bloat => "tables and indexes",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One measured value of an observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// True or false.
    Bool(bool),
    /// A count, bytes or whole seconds; the fact's name says which.
    Int(i64),
    /// A ratio (0 to 1) or another real number; the fact's name says which.
    Real(f64),
    /// Anything else; outside bytes.
    Text(String),
}

/// What one probe saw of one target at one moment: facts, time and source, with the verdict derived from them.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The judgement.
    pub verdict: Verdict,
    /// The judgement's reason in a few words: `84 %`, `503`, `timed out after 2 s`.
    pub detail: String,
    /// Documented snake_case keys; a unit is part of the key (`age_s`, `size_bytes`, `used_ratio`).
    pub facts: BTreeMap<&'static str, Fact>,
    /// When it was seen.
    pub observed_at: Wall,
    /// The fact that the row's history graph shows, where a trend matters.
    pub trend: Option<Trend>,
}

/// The fact that a target provably does not serve.
const DOWN: &str = "down";

impl Observation {
    /// That a target provably does not serve; `verdict` is how bad that is.
    #[must_use]
    pub fn down(loss: &Loss, verdict: Verdict, at: Wall) -> Self {
        let facts = BTreeMap::from([(DOWN, Fact::Bool(true))]);
        Self { verdict, detail: loss.detail(), facts, observed_at: at, trend: None }
    }

    /// A fact as a number, where it is one.
    #[must_use]
    pub fn figure(&self, fact: &str) -> Option<f64> {
        match self.facts.get(fact)? {
            #[allow(clippy::cast_precision_loss)] // A figure for a graph.
            Fact::Int(number) => Some(*number as f64),
            Fact::Real(figure) => Some(*figure),
            Fact::Bool(_) | Fact::Text(_) => None,
        }
    }
}

/// One part that a reading of a target found; it becomes one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// As [`Row::object`]; `None` where the row is of the target itself.
    pub object: Option<String>,
    /// Where it comes from, where that differs from the target's own source.
    pub source: Option<String>,
    /// What was seen; or why this part could not be read although the target answered.
    pub seen: Result<Observation, Loss>,
}

impl Finding {
    /// What was seen of the target itself.
    #[must_use]
    pub fn of_target(observation: Observation) -> Self {
        Self { object: None, source: None, seen: Ok(observation) }
    }

    /// What was seen of one part of the target.
    #[must_use]
    pub fn of(object: impl Into<String>, seen: Result<Observation, String>) -> Self {
        Self { object: Some(object.into()), source: None, seen: seen.map_err(Loss::from) }
    }
}

/// Every row of one target after a reading; an earlier row that is not among them is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The target's kind.
    pub kind: TargetKind,
    /// Its name.
    pub target: String,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// One line of a pane: a target with its newest observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The kind of the target.
    pub kind: TargetKind,
    /// Its name, unique within its kind.
    pub target: String,
    /// Which of several parts of the target the row is of: `public.audit_logs`, `replication`; unique within the target.
    pub object: Option<String>,
    /// Where the reading comes from: `/proc/stat`, `http://127.0.0.1:8080/health`.
    pub source: String,
    /// How often it is read; a reading older than three times this is stale.
    pub every: Duration,
    /// The newest completed reading; `None` until the first one.
    pub observation: Option<Observation>,
    /// Why the newest attempt gave no reading, with its time; cleared by the next good one.
    pub lost: Option<(String, Wall)>,
    /// The last trend figures.
    pub history: Series,
    /// What the history is of.
    pub trend: Option<Trend>,
}

impl Row {
    /// A row that has not been read yet.
    #[must_use]
    pub fn unread(kind: TargetKind, target: String, source: String, every: Duration) -> Self {
        Self {
            kind,
            target,
            object: None,
            source,
            every,
            observation: None,
            lost: None,
            history: Series::default(),
            trend: None,
        }
    }

    /// What it is called on the screen: the object where the row is of one, with its target.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.object {
            Some(object) => format!("{} {object}", self.target),
            None => self.target.clone(),
        }
    }

    /// Whether the newest reading is stale: older than three of its periods.
    #[must_use]
    pub fn is_stale(&self, now: Wall) -> bool {
        match &self.observation {
            Some(seen) => now.since(seen.observed_at) > self.every * 3,
            None => false,
        }
    }

    /// The verdict to draw and to count: a missing, stale or just lost reading is unknown.
    #[must_use]
    pub fn verdict(&self, now: Wall) -> Verdict {
        match &self.observation {
            Some(seen) if self.lost.is_none() && !self.is_stale(now) => seen.verdict,
            _ => Verdict::Unknown,
        }
    }

    /// How long nothing may have been read between two figures of the history: three of its periods, as before it is stale, and three
    /// minutes at the least, because a figure is of a minute. The figures of backups are of its members, which come when they come.
    #[must_use]
    pub fn longest_pause(&self) -> Duration {
        match self.kind {
            TargetKind::Backup => Duration::MAX,
            _ => (self.every * 3).max(Duration::from_secs(180)),
        }
    }

    /// The history as it is drawn, with a NaN for each gap.
    #[must_use]
    pub fn bars(&self) -> Vec<f64> {
        self.history.bars(self.longest_pause())
    }

    /// Whether the newest reading is that the target provably does not serve.
    #[must_use]
    pub fn is_down(&self) -> bool {
        let down = |seen: &Observation| seen.facts.get(DOWN) == Some(&Fact::Bool(true));
        self.lost.is_none() && self.observation.as_ref().is_some_and(down)
    }

    /// The command that would let the next reading see what this one could not, a `GRANT`, or that undoes what it warns of.
    #[must_use]
    pub fn remedy_command(&self) -> Option<&str> {
        match self.observation.as_ref()?.facts.get("remedy_command")? {
            Fact::Text(command) => Some(command),
            _ => None,
        }
    }

    /// What would help where the row lacks something, in a few words: a right as the command that grants it, the checksum file that is
    /// expected. None where nothing is known to help, or the row has not been read.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        let seen = self.observation.as_ref().filter(|_| self.lost.is_none())?;
        let unverified = || match seen.facts.get("not_verified")? {
            Fact::Text(why) if self.kind == TargetKind::Backup => Some(why.as_str()),
            _ => None,
        };
        self.remedy_command().or_else(unverified)
    }

    /// What the row says with its remedy behind it, unless the one has the other in it.
    #[must_use]
    pub fn with_remedy(&self, text: &str) -> String {
        let remedy = self.remedy().map(|remedy| remedy.trim_end_matches(';')).filter(|remedy| !text.contains(remedy));
        let parts: Vec<&str> =
            [Some(text).filter(|message| !message.is_empty()), remedy].into_iter().flatten().collect();
        parts.join(" · ")
    }

    /// Takes a good reading. The history begins again where it is of another fact than before.
    pub fn saw(&mut self, observation: Observation) {
        if let Some(trend) = observation.trend {
            if self.trend.replace(trend) != Some(trend) {
                self.history = Series::default();
            }
            if let Some(value) = observation.figure(trend.fact) {
                self.history.take(Figure::of(observation.observed_at, value));
            }
        }
        self.observation = Some(observation);
        self.lost = None;
    }

    /// Notes that an attempt gave no reading; the last good one stays, and ages.
    pub fn lost(&mut self, why: String, at: Wall) {
        self.lost = Some((system_text(why), at));
    }
}
