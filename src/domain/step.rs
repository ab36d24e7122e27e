//! Verbs and states of steps.

use serde::{Deserialize, Serialize};

/// What a step is: exactly one verb each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Fetches facts.
    Read,
    /// Reads and judges.
    Check,
    /// Checks until it is so, within a time.
    Wait,
    /// Acts through one adapter.
    Do,
    /// Runs the undo of named steps.
    #[serde(rename = "undo_of")]
    UndoOf,
    /// A person acts and signs.
    Manual,
    /// Another person agrees.
    Approve,
    /// Sends a notice.
    Notify,
    /// Includes a procedure; a plan has that procedure's steps in its place.
    Use,
}

impl Verb {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Check => "check",
            Self::Wait => "wait",
            Self::Do => "do",
            Self::UndoOf => "undo_of",
            Self::Manual => "manual",
            Self::Approve => "approve",
            Self::Notify => "notify",
            Self::Use => "use",
        }
    }
}

/// How much one prompt of a run asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptScope {
    /// Its own step and nothing else.
    #[default]
    Step,
    /// Every change step of its phase that can be previewed when the prompt opens; the prompt counts them and shows each whole.
    Phase,
}

impl PromptScope {
    /// Whether a prompt asks for its own step alone.
    #[must_use]
    pub fn is_step(&self) -> bool {
        *self == Self::Step
    }
}

/// In which order the steps of a phase are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// One after another, as listed.
    #[default]
    Listed,
    /// In any order: a checklist, whose steps are its items.
    Any,
}

impl Order {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Any => "any",
        }
    }

    /// Whether steps are taken one after another.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        *self == Self::Listed
    }
}

/// The state of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Its turn has not come.
    Planned,
    /// Its act is at work.
    Running,
    /// A person is asked.
    Waiting,
    /// It ended well.
    Done,
    /// It ended badly.
    Failed,
    /// A person stopped it before it ended.
    Stopped,
    /// A person skipped it.
    Skipped,
    /// It started and its outcome is not known; never called failed, never repeated by itself.
    Unknown,
    /// What it did was undone.
    Undone,
}

impl StepState {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
            Self::Undone => "undone",
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Stopped | Self::Skipped | Self::Undone)
    }

    /// Whether its act ended without its effect: badly, or because a person stopped it.
    #[must_use]
    pub fn fell_short(self) -> bool {
        matches!(self, Self::Failed | Self::Stopped)
    }
}
