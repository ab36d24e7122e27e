//! How an act ended, and whether its effect is there.

use crate::domain::Evidence;
use crate::domain::error::said;
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
}

impl ActEnd {
    /// An end without counts.
    pub fn new(ending: Ending, detail: impl Into<String>) -> Self {
        Self { ending, detail: said(detail.into()), counts: BTreeMap::new(), evidence: None }
    }

    /// A check that learned nothing.
    pub fn unknown(why: impl std::fmt::Display) -> Self {
        let counts = BTreeMap::from([("unknown".to_owned(), 1)]);
        Self { ending: Ending::Failed, detail: format!("unknown: {}", said(why)), counts, evidence: None }
    }

    /// The same with what was seen.
    #[must_use]
    pub fn seen(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
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
