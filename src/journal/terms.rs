//! On which terms a run was started: its window, its budget, an emergency, and how long its steps take.

use crate::calendar::Opening;
use crate::domain::{Budget, Digest, Pace, Wall};
use serde::{Deserialize, Serialize};

/// What holds for a run as a whole from its start on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The window that it belongs in, in words: `weekly`, `any window for vacuum`; empty where it belongs in none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub window: String,
    /// The digest of `windows.toml` as the run froze it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Digest>,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Budget::is_unset")]
    pub budget: Budget,
    /// The reason for which it does not keep to its window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    /// The warnings that its starter accepted; a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<String>,
}

impl Terms {
    /// Whether it is empty.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

/// How long a step takes, as far as it was known when the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Its id in its procedure's file, by which past runs are compared; the title serves where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How long past runs took for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// How long they took to undo it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Pace>,
    /// When it is stopped, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
}

impl Timing {
    /// Whether it is empty.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

/// One opening of a window, as a journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The window's name.
    pub window: String,
    /// Its first moment.
    pub from: Wall,
    /// The first moment after it.
    pub until: Wall,
}

impl From<Opening> for Span {
    fn from(opening: Opening) -> Self {
        let Opening { window, from, until } = opening;
        Self { window, from, until }
    }
}

impl WindowStanding {
    /// In words: `window weekly open until 2026-11-22 04:00 UTC`.
    #[must_use]
    pub fn words(&self) -> String {
        match (&self.open, &self.next) {
            (Some(open), _) => format!("window {} open until {} UTC", open.window, open.until.minute()),
            (None, Some(next)) => format!("no window is open; next: {} at {} UTC", next.window, next.from.minute()),
            (None, None) => "no window is open, and none opens again".to_owned(),
        }
    }
}

/// The state of the windows for a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowStanding {
    /// The open one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Span>,
    /// The one that opens next; `None` while one is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Span>,
}
