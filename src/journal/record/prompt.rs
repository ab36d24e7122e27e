//! What a prompt asks, and what a person answers.

use crate::domain::{Digest, EffectClass, Preview};
use crate::journal::record::is_false;
use serde::{Deserialize, Serialize};

/// What a prompt asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Consent to an act on a frozen set.
    Confirm {
        /// The class of the act.
        effect: EffectClass,
        /// The digest of the frozen set.
        set: Digest,
        /// What the set is, for the screen.
        preview: Box<Preview>,
        /// Later change steps of the phase that one consent covers while their sets keep these digests.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<Covered>,
    },
    /// A person does something and signs.
    Sign {
        /// What to do.
        text: String,
        /// Whether a note is required.
        note_required: bool,
    },
    /// A person decides what a step that went wrong, or whose outcome is unknown, means.
    Decide {
        /// The kind of problem; records of before 2026-12 lack it.
        #[serde(default, skip_serializing_if = "About::is_other")]
        about: About,
        /// What happened.
        text: String,
        /// What may be chosen, the safest first.
        choices: Vec<Choice>,
        /// What each choice leads to, with its numbers, in their order; [`Choice::consequence`] where it is absent.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        means: Vec<String>,
        /// The digest of what an undo would run that differs from what was confirmed; an answer that runs it all the same names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set: Option<Digest>,
    },
    /// Another person than the starter agrees.
    Approve {
        /// To what.
        text: String,
        /// The digest of the plan that is agreed to.
        hash: Digest,
        /// Whether it is the run's very start that is agreed to, before its first step.
        #[serde(default, skip_serializing_if = "is_false")]
        start: bool,
    },
}

/// The kind of problem that a decision is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A step, or its undo, failed.
    Failed,
    /// Policy refused a step.
    Refused,
    /// The outcome of a step, or of its undo, is unknown.
    Unknown,
    /// Anything else.
    #[default]
    Other,
}

impl About {
    fn is_other(&self) -> bool {
        *self == Self::Other
    }
}

impl Ask {
    /// The digest that an answer must name: of the frozen set, or of the plan.
    #[must_use]
    pub fn hash(&self) -> Option<&Digest> {
        match self {
            Self::Confirm { set, .. } => Some(set),
            Self::Approve { hash, .. } => Some(hash),
            Self::Decide { set, .. } => set.as_ref(),
            Self::Sign { .. } => None,
        }
    }
}

/// A later change step that an open confirmation also covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// The step, from 0.
    pub step: u32,
    /// The digest of its frozen set.
    pub set: Digest,
    /// Its headline.
    pub headline: String,
    /// What the prompt shows of it; records of before 2026-12 have its headline alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Box<Preview>>,
}

/// What a person may decide about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The step's effect is there; go on.
    Done,
    /// The step's effect is not there; run the step again.
    NotDone,
    /// Run the failed step again.
    Retry,
    /// Skip the step, with a reason.
    Skip,
    /// Go on past a hard gate, with a reason; for another person than the starter.
    Override,
    /// Begin the step although there is no time for it, with a reason; for another person than the starter.
    Emergency,
    /// Stop the run and undo what it did.
    #[serde(alias = "undo")]
    Rollback,
    /// Leave the run as it is; it waits to be resumed.
    Hold,
    /// Stop the run as it is.
    Abort,
    /// What the step did is undone; go on.
    Undone,
    /// What the step did is still there; undo it again.
    NotUndone,
    /// End the processes of the attempt that still run, then look again.
    End,
    /// Run the undo although what it would run is not what was confirmed, with a reason.
    RunChanged,
}

impl Choice {
    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotDone => "not-done",
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Override => "override",
            Self::Emergency => "emergency",
            Self::Rollback => "rollback",
            Self::Hold => "hold",
            Self::Abort => "abort",
            Self::Undone => "undone",
            Self::NotUndone => "not-undone",
            Self::End => "end",
            Self::RunChanged => "run-changed",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::Done,
            Self::NotDone,
            Self::Retry,
            Self::Skip,
            Self::Override,
            Self::Emergency,
            Self::Rollback,
            Self::Hold,
            Self::Abort,
            Self::Undone,
            Self::NotUndone,
            Self::End,
            Self::RunChanged,
        ];
        all.into_iter().find(|choice| choice.word() == word)
    }

    /// Whether it rests on the person's word alone, so that it needs a reason.
    #[must_use]
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Skip | Self::Override | Self::Emergency | Self::Done | Self::Undone | Self::RunChanged)
    }

    /// What choosing it does, for the line that confirms it: the word of the choice in capitals, with its object.
    #[must_use]
    pub fn does(self) -> &'static str {
        match self {
            Self::Done => "record the step as DONE",
            Self::NotDone => "record the step as NOT DONE",
            Self::Retry => "RETRY the step",
            Self::Skip => "SKIP the step",
            Self::Override => "OVERRIDE the gate",
            Self::Emergency => "begin the step as an EMERGENCY",
            Self::Rollback => "ROLL BACK the run",
            Self::Hold => "HOLD the run",
            Self::Abort => "ABORT the run",
            Self::Undone => "record the step as UNDONE",
            Self::NotUndone => "record the step as NOT UNDONE",
            Self::End => "END the processes that still run",
            Self::RunChanged => "RUN the undo AS IT IS NOW",
        }
    }

    /// What choosing it leads to, in a sentence.
    #[must_use]
    pub fn consequence(self) -> &'static str {
        match self {
            Self::Done => "the effect is there: record it and go on",
            Self::NotDone => "the effect is not there: preview and ask again",
            Self::Retry => "preview and ask again",
            Self::Skip => "leave this step, with a reason, and go on",
            Self::Override => "go on past this gate: another person than the starter, with a reason",
            Self::Emergency => "begin although there is no time: another person than the starter, with a reason",
            Self::Rollback => "stop, and undo what this run changed, last first",
            Self::Hold => "hold the run; resume continues at this question",
            Self::Abort => "stop, and leave everything as it is",
            Self::Undone => "what the step did is gone: record it and go on",
            Self::NotUndone => "what the step did is still there: undo it again",
            Self::End => "end the processes that still run, then look again",
            Self::RunChanged => "run the undo as it is now, with a reason, although that is not what was confirmed",
        }
    }
}

/// Every choice with what it leads to: as the prompt has it, else in general.
pub fn consequences<'a>(choices: &'a [Choice], means: &'a [String]) -> impl Iterator<Item = (Choice, &'a str)> {
    let describe = |place: usize| means.get(place).map(String::as_str);
    choices.iter().enumerate().map(move |(place, choice)| (*choice, describe(place).unwrap_or(choice.consequence())))
}

/// What a person answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Consent, with what was typed: `change`, or the phrase of a destroy.
    Confirm {
        /// What was typed.
        typed: String,
    },
    /// A sign-off, with its note.
    Sign {
        /// The note; may be empty where none is required.
        note: String,
    },
    /// A decision, with its reason.
    Decide {
        /// The choice.
        choice: Choice,
        /// The reason; required for skip, override, emergency, done, undone and run-changed.
        reason: String,
    },
    /// A second person agrees to exactly what was shown.
    Approve {
        /// What they add; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// No second person is available: a reason takes their place, and stays in the report.
    BreakGlass {
        /// The reason.
        reason: String,
    },
    /// No: the prompt is closed and the run stops before the step.
    Cancel,
}

/// Why an accepted answer counts no longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lapsed {
    /// What was confirmed has drifted.
    #[default]
    Drifted,
    /// What was confirmed could not be read again or kept.
    Unread,
}

impl Lapsed {
    pub(super) fn is_drifted(&self) -> bool {
        *self == Self::Drifted
    }

    /// In words: `what was confirmed has drifted`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Drifted => "what was confirmed has drifted",
            Self::Unread => "what was confirmed could not be read again",
        }
    }

    /// Why the prompt behind the answer is closed.
    #[must_use]
    pub fn closes(self) -> Closed {
        match self {
            Self::Drifted => Closed::Drifted,
            Self::Unread => Closed::NoPreview,
        }
    }
}

/// Why a prompt closed without an accepted answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// What it showed is no longer so.
    #[serde(rename = "moved")]
    Drifted,
    /// What it showed could not be read again or kept.
    NoPreview,
    /// It lived its ten minutes.
    Expired,
    /// The run was stopped.
    Aborted,
    /// The runner that opened it is gone.
    RunnerGone,
}
