//! Who acts, and the status of a run.

use serde::{Deserialize, Serialize};

/// Who caused a record: kernel identity first, claims beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user id the kernel reports.
    pub uid: u32,
    /// The login uid of the audit subsystem; survives su and sudo. `None` when unset, and unset means unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    /// The process id at that moment.
    pub pid: u32,
    /// The user's name as the user database gives it: a claim, drawn for people.
    pub name: String,
    /// The host's name: a claim.
    pub host: String,
    /// What it acted through: `console`, `run`, `runner`, `resume`, `abort`.
    pub through: String,
}

/// A person who looks at a run now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    /// Who; `through` says by what: `console`, `watch`.
    pub actor: Actor,
    /// Whether they may act on it, and hold the means to.
    pub may_act: bool,
}

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Its runner is at work.
    Running,
    /// A prompt is open.
    Waiting,
    /// No runner lives and the run is not sealed.
    Interrupted,
    /// A person holds it; it waits to be resumed.
    Held,
    /// Every step ended well.
    Ok,
    /// A step failed and the run stopped.
    Failed,
    /// A person stopped it.
    Aborted,
}

impl RunStatus {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Interrupted => "interrupted",
            Self::Held => "held",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }

    /// Whether no runner works on it and it is not over, so that it waits to be resumed.
    #[must_use]
    pub fn needs_a_runner(self) -> bool {
        matches!(self, Self::Interrupted | Self::Held)
    }

    /// Whether the run is sealed.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ok | Self::Failed | Self::Aborted)
    }
}
