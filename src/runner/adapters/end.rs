//! The end of an act, and whether its effect is present.

use crate::domain::Evidence;
use crate::domain::error::system_text;
use crate::journal::record::Ending;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The end of an act.
///
/// A check ends [`Ending::Ok`] when it passed and [`Ending::Failed`] otherwise. If nothing was learned (no answer, a
/// program that cannot start), the detail begins with `unknown: ` and `counts` holds `unknown`: that means that the
/// state of the target is unknown. [`Ending::Unknown`] is different: the effect of an act is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActEnd {
    /// The ending.
    pub ending: Ending,
    /// The reason, in a sentence.
    pub detail: String,
    /// The counts.
    pub counts: BTreeMap<String, u64>,
    /// What was seen, if something was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The identity of the source's process, if it reports one; it changes with each restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_run: Option<String>,
    /// Whether another look cannot succeed: the awaited state can never come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    /// Whether a retry is safe: it provably did nothing, or doing it twice has the same effect as once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// What a person should do if it failed.
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

    /// Adds what was seen.
    #[must_use]
    pub fn seen(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Adds the identity of the source's process.
    #[must_use]
    pub fn of_run(mut self, run: Option<String>) -> Self {
        self.source_run = run;
        self
    }

    /// Marks it as safe to retry: nothing was done, or doing it twice has the same effect as once.
    #[must_use]
    pub fn to_try_again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Marks it as final: another look cannot succeed.
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

/// Whether a step's effect is present, each with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The effect is present.
    Done(String),
    /// The effect is absent, in every part.
    NotDone(String),
    /// The effect is partly present, or unknown.
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
