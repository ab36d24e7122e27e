//! How an attempt ended, as it is recorded.

use crate::domain::{Digest, Evidence, Whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Well.
    Ok,
    /// Badly.
    Failed,
    /// It took longer than allowed and was killed.
    TimedOut,
    /// A person stopped it.
    Cancelled,
    /// It provably never began, so the step is planned again.
    NotStarted,
    /// Unknown.
    Unknown,
}

impl Ending {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::Cancelled => "cancelled",
            Self::NotStarted => "not-started",
            Self::Unknown => "unknown",
        }
    }
}

/// The log of one attempt at its end.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogEnd {
    /// The file's name below `logs/`.
    pub file: String,
    /// How many bytes the act wrote.
    pub bytes: u64,
    /// How many of them were not kept.
    pub dropped: u64,
    /// The digest of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// How an attempt ended, as far as anybody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The reason, in a sentence: `exit code 3`, `deleted 1,284, left 2 alone`.
    pub detail: String,
    /// Exit code of the act, where it exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Signal that ended the act, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Counts the adapter reports: `deleted`, `moved`, `left_alone`, `bytes`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogEnd>,
    /// Whether a resumed runner took it over from the shim.
    #[serde(default)]
    pub recovered: bool,
    /// Whether nothing of it was executed: it could not be started. There is nothing to undo.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unexecuted: bool,
    /// What was seen, where something was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The facts of it that are files below `saved/`, because they are longer than what a journal keeps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub whole: BTreeMap<String, Whole>,
}
