//! How an act ended, and whether its effect is there.

use crate::domain::Evidence;
use crate::domain::error::system_text;
use crate::journal::record::Ending;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an act ended.
///
/// A check ends [`Ending::Ok`] when it passed and [`Ending::Failed`] otherwise. Where nothing was learned (no answer, a
/// program that cannot start) the detail begins with `unknown: ` and `counts` holds `unknown`: for a check the word
/// says that the thing looked at is unknown, while [`Ending::Unknown`] stays with the journal's meaning, that the
/// effect of an act is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActEnd {
    /// How.
    pub ending: Ending,
    /// The reason, in a sentence.
    pub detail: String,
    /// What was counted.
    pub counts: BTreeMap<String, u64>,
    /// What was seen, where something was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Which run of the source answered, where it says so; another after each restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_run: Option<String>,
    /// Whether another look cannot find it otherwise: what was waited for cannot come any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    /// Whether it may be tried again: it provably did nothing, or to do it twice is the same as once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// What a person does where it did not come about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl ActEnd {
    /// An end without counts.
    pub fn new(ending: Ending, detail: impl Into<String>) -> Self {
        Self {
            ending,
            detail: system_text(detail.into()),
            counts: BTreeMap::new(),
            evidence: None,
            source_run: None,
            settled: false,
            again: false,
            next: None,
        }
    }

    /// A check that learned nothing.
    pub fn unknown(why: impl std::fmt::Display) -> Self {
        let counts = BTreeMap::from([("unknown".to_owned(), 1)]);
        Self { counts, ..Self::new(Ending::Failed, format!("unknown: {}", system_text(why))) }
    }

    /// The same with what was seen.
    #[must_use]
    pub fn seen(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// The same from a source that says which run of it answered.
    #[must_use]
    pub fn of_run(mut self, run: Option<String>) -> Self {
        self.source_run = run;
        self
    }

    /// The same where it may be tried again, for nothing was done or doing it twice is the same as once.
    #[must_use]
    pub fn to_try_again(mut self) -> Self {
        self.again = true;
        self
    }

    /// The same where another look cannot find it otherwise.
    #[must_use]
    pub fn for_good(mut self) -> Self {
        self.settled = true;
        self
    }

    /// Whether this is a check that learned nothing.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.counts.get("unknown").is_some_and(|count| *count > 0)
    }
}

/// Whether a step's effect is there, each with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is.
    Done(String),
    /// It is not, not even in part.
    NotDone(String),
    /// It is there in part, or nobody can tell.
    Unclear(String),
}

impl From<Proof> for ActEnd {
    /// A proof as the end of a proving act: not done is failed, unclear is unknown.
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Done(why) => Self::new(Ending::Ok, why),
            Proof::NotDone(why) => Self::new(Ending::Failed, why),
            Proof::Unclear(why) => Self::new(Ending::Unknown, why),
        }
    }
}
