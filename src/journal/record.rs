//! One line of a journal.
//!
//! ```text
//! {"v":1,"seq":7,"run":"01J…","kind":"step.intent","wall":"…","boot":…,"actor":{…},"body":{…},"prev":"…","h":"…"}
//! ```
//!
//! `h` is the SHA-256 of the 64 digits of `prev` followed by the exact bytes of the line before `,"h":`, so that
//! `printf '%s' "$prev$line_up_to_h" | sha256sum` proves a line without Midwatch.

use crate::domain::{
    Actor, Boot, Digest, EffectClass, Evidence, Order, Preview, PromptId, RunId, RunStatus, Verb, Wall,
};
use crate::journal::reading::{Counts, Side};
use crate::journal::terms::{Terms, Timing, WindowStanding};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format that this program writes.
pub const VERSION: u32 = 1;

/// The largest line in bytes: room for a run of some thousand steps. Big things are files named by their digest.
pub const LARGEST_RECORD: usize = 1 << 20;

/// One record as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its place in the journal, from 1.
    pub seq: u64,
    /// The run it belongs to.
    pub run: RunId,
    /// When, for people.
    pub wall: Wall,
    /// When, for measuring within one boot.
    pub boot: Boot,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
    /// The digest of the record before it.
    pub prev: Digest,
    /// Its own digest.
    pub h: Digest,
}

/// A step as a run was created with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepHead {
    /// Its phase.
    pub phase: String,
    /// What it says it does.
    pub title: String,
    /// Its verb.
    pub verb: Verb,
    /// Its effect class.
    pub effect: EffectClass,
    /// How long it should take, in seconds, where declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_s: Option<u64>,
    /// The way back, in words; empty where there is nothing to take back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub way_back: String,
    /// Whether `way_back` is an undo that the runner can run.
    #[serde(default)]
    pub can_undo: bool,
    /// What shall be done or looked at, in a line or more; told of a checklist's items.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// Why, as its author says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Whether only evidence lets a checklist go on past it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hard: bool,
    /// Whether a sign-off needs a note.
    #[serde(default, skip_serializing_if = "is_false")]
    pub note_required: bool,
    /// Whether its act needs a second person's approval beside the confirmation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub four_eyes: bool,
    /// The name under which the facts that it reads are saved in the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<String>,
    /// The included procedure that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Timing::is_unset")]
    pub timing: Timing,
    /// The steps, from 0, whose undo it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo_of: Vec<u32>,
    /// Whether it is taken in every ending.
    #[serde(default, skip_serializing_if = "is_false")]
    pub always: bool,
    /// The condition under which it is taken, as its author would write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What a `wait` waits for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// How long a `wait` may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
}

/// How a run is taken back, as it was created with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackHead {
    /// The earliest phase whose steps are taken back, itself included; all phases where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The checks, from 0, that are made again after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prove: Vec<u32>,
    /// How long it may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<u64>,
}

/// What became of the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WentBack {
    /// How many steps were taken back by then.
    pub undone: u32,
    /// How many were owed and were not.
    pub left: u32,
    /// Whether the checks after it passed; none where no check was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<bool>,
}

impl WentBack {
    /// In words: `rolled back, proved`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match (self.left, self.proved) {
            (1.., _) => "rolled back in part",
            (0, Some(true)) => "rolled back, proved",
            (0, Some(false)) => "rolled back, not proved",
            (0, None) => "rolled back",
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

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
        /// What happened.
        text: String,
        /// What may be chosen, the safest first.
        choices: Vec<Choice>,
        /// What each choice leads to, with its numbers, in their order; [`Choice::consequence`] where it is not said.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        means: Vec<String>,
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

impl Ask {
    /// The digest that an answer must name: of the frozen set, or of the plan.
    #[must_use]
    pub fn hash(&self) -> Option<&Digest> {
        match self {
            Self::Confirm { set, .. } => Some(set),
            Self::Approve { hash, .. } => Some(hash),
            Self::Sign { .. } | Self::Decide { .. } => None,
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
    /// Pass over the step, with a reason.
    Skip,
    /// Go on past a hard gate, with a reason; for another person than the starter.
    Override,
    /// Begin the step although there is no time for it, with a reason; for another person than the starter.
    Emergency,
    /// Stop the run and take back what it did.
    #[serde(alias = "undo")]
    Rollback,
    /// Leave the run as it stands; it waits to be taken up.
    Hold,
    /// Stop the run as it is.
    Abort,
    /// What the step did is taken back; go on.
    Undone,
    /// What the step did is still there; take it back again.
    NotUndone,
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
        ];
        all.into_iter().find(|choice| choice.word() == word)
    }

    /// Whether it says something that nobody else can vouch for, so that it needs a reason.
    #[must_use]
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Skip | Self::Override | Self::Emergency | Self::Done | Self::Undone)
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
            Self::Rollback => "stop, and take back what this run changed, last first",
            Self::Hold => "leave the run as it stands; resume takes it up at this question",
            Self::Abort => "stop, and leave everything as it is",
            Self::Undone => "what the step did is gone: record it and go on",
            Self::NotUndone => "what the step did is still there: take it back again",
        }
    }
}

/// Every choice with what it leads to: as the prompt says, else in general.
pub fn consequences<'a>(choices: &'a [Choice], means: &'a [String]) -> impl Iterator<Item = (Choice, &'a str)> {
    let told = |place: usize| means.get(place).map(String::as_str);
    choices.iter().enumerate().map(move |(place, choice)| (*choice, told(place).unwrap_or(choice.consequence())))
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
        /// The reason; required for skip, override, emergency, done and undone.
        reason: String,
    },
    /// A second person agrees to exactly what was shown.
    Approve {
        /// What they add; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// Nobody else can be had: a reason stands for the second person, in the report for ever.
    BreakGlass {
        /// The reason.
        reason: String,
    },
    /// No: the prompt is closed and the run stops before the step.
    Cancel,
}

/// Why a prompt closed without an accepted answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// What it showed is no longer so.
    Moved,
    /// It lived its ten minutes.
    Expired,
    /// The run was stopped.
    Aborted,
    /// The runner that opened it is gone.
    RunnerGone,
}

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
    /// It provably never began, so the step stands as if planned.
    NotStarted,
    /// Nobody knows.
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

/// The log of one attempt, as it stood when the attempt ended.
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
    /// What was seen, where something was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What happened, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body")]
pub enum Event {
    /// The run exists; the first record.
    #[serde(rename = "run.created")]
    RunCreated {
        /// The procedure's id.
        procedure: String,
        /// Its title.
        title: String,
        /// The digest of `plan.json`, to which the start was confirmed.
        plan: Digest,
        /// The digest of `procedure.toml`.
        source: Digest,
        /// The estate's name.
        estate: String,
        /// Its environment.
        environment: String,
        /// The parameters, as shown.
        params: BTreeMap<String, String>,
        /// The phases, in order.
        phases: Vec<String>,
        /// The steps, in order.
        steps: Vec<StepHead>,
        /// In which order they are taken.
        #[serde(default, skip_serializing_if = "Order::is_listed")]
        order: Order,
        /// How it is taken back as a whole, where it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollback: Option<RollbackHead>,
        /// The program's version.
        version: String,
        /// Who confirmed the start, and how: `console`, `invoked`.
        confirmed: String,
        /// On which terms: its window, its budget, an emergency.
        #[serde(default, skip_serializing_if = "Terms::is_unset")]
        terms: Box<Terms>,
    },
    /// How the windows stand for the run, when it begins or is taken over, and whenever that changes.
    #[serde(rename = "window.judged")]
    WindowJudged {
        /// How they stand.
        standing: WindowStanding,
        /// Why it was looked at: `the run begins`, `the clock was set`.
        why: String,
    },
    /// The wall clock moved against the clock that only counts: it was set.
    #[serde(rename = "clock.jump")]
    ClockJump {
        /// By how much, in milliseconds; forward where it is positive.
        by_ms: i64,
    },
    /// A lock is held.
    #[serde(rename = "lock.taken")]
    LockTaken {
        /// The name in the procedure.
        name: String,
        /// The identity of the thing: `machine-id:…`.
        identity: String,
    },
    /// A new runner took the run over.
    #[serde(rename = "run.resumed")]
    RunResumed {
        /// Why there was need: `runner gone`, `rebooted`.
        why: String,
    },
    /// A torn last line was cut off and kept beside the journal.
    #[serde(rename = "journal.recovered")]
    JournalRecovered {
        /// How many bytes were cut.
        bytes: u64,
        /// Their digest.
        digest: Digest,
        /// The file they were saved to.
        saved: String,
    },
    /// Somebody is asked.
    #[serde(rename = "prompt.opened")]
    PromptOpened {
        /// The prompt.
        prompt: PromptId,
        /// The step, from 0.
        step: u32,
        /// What for.
        ask: Ask,
        /// When it lapses.
        expires: Wall,
    },
    /// The open prompt's set was read again and is the same.
    #[serde(rename = "prompt.reread")]
    PromptReread {
        /// The prompt.
        prompt: PromptId,
    },
    /// A prompt closed without an accepted answer.
    #[serde(rename = "prompt.closed")]
    PromptClosed {
        /// The prompt.
        prompt: PromptId,
        /// Why.
        why: Closed,
        /// What moved, one line each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        moved: Vec<String>,
    },
    /// An answer counts.
    #[serde(rename = "answer.accepted")]
    AnswerAccepted {
        /// The prompt.
        prompt: PromptId,
        /// The step, from 0.
        step: u32,
        /// What was answered.
        answer: Answer,
    },
    /// An answer does not count.
    #[serde(rename = "answer.rejected")]
    AnswerRejected {
        /// The prompt it named; outside text.
        prompt: String,
        /// Why.
        why: String,
    },
    /// An attempt is about to start; synced before its effect.
    #[serde(rename = "step.intent")]
    StepIntent {
        /// The step, from 0.
        step: u32,
        /// The attempt, from 1.
        attempt: u32,
        /// The class of the act.
        effect: EffectClass,
        /// The digest of its frozen set, where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set: Option<Digest>,
        /// The prompt whose accepted answer permits it; none below change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permit: Option<PromptId>,
        /// Its log below `logs/`.
        log: String,
    },
    /// An attempt ended, or nobody knows.
    #[serde(rename = "step.outcome")]
    StepOutcome {
        /// The step, from 0.
        step: u32,
        /// The attempt, from 1.
        attempt: u32,
        /// How.
        outcome: Outcome,
    },
    /// An unknown outcome was settled.
    #[serde(rename = "step.resolved")]
    StepResolved {
        /// The step, from 0.
        step: u32,
        /// `done` or `not-done`.
        choice: Choice,
        /// By what: the step's own proof, or a person's reason.
        evidence: String,
    },
    /// A step was passed over.
    #[serde(rename = "step.skipped")]
    StepSkipped {
        /// The step, from 0.
        step: u32,
        /// Why.
        reason: String,
    },
    /// A manual step was signed, or a notice was given; of a checklist, an item was closed by hand.
    #[serde(rename = "step.closed")]
    StepClosed {
        /// The step, from 0.
        step: u32,
        /// The note, or what was said to whom.
        note: String,
    },
    /// Another person than the starter led a checklist past a hard gate.
    #[serde(rename = "step.overridden")]
    StepOverridden {
        /// The step, from 0.
        step: u32,
        /// Why.
        reason: String,
    },
    /// An item of a checklist that was closed by hand or passed over is open again.
    #[serde(rename = "step.reopened")]
    StepReopened {
        /// The step, from 0.
        step: u32,
        /// Why.
        reason: String,
    },
    /// The undo of a step is about to start; synced before its effect.
    #[serde(rename = "undo.intent")]
    UndoIntent {
        /// The step, from 0.
        step: u32,
        /// The attempt, from 1.
        attempt: u32,
        /// The digest of the set it takes back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set: Option<Digest>,
        /// Its log below `logs/`.
        log: String,
    },
    /// The undo of a step ended, or nobody knows.
    #[serde(rename = "undo.outcome")]
    UndoOutcome {
        /// The step, from 0.
        step: u32,
        /// The attempt, from 1.
        attempt: u32,
        /// How.
        outcome: Outcome,
    },
    /// The way back begins.
    #[serde(rename = "rollback.began")]
    RollbackBegan {
        /// Why, in a sentence.
        why: String,
        /// The steps that are owed their undo, from 0, in the order in which they are taken back.
        steps: Vec<u32>,
        /// How long that should take, in seconds, where all of them say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        takes_s: Option<u64>,
    },
    /// A check was made again after the way back.
    #[serde(rename = "rollback.proved")]
    RollbackProved {
        /// The check, from 0.
        step: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// Every pane was read, before or after the run's work; the rows are a file below `readings/`.
    #[serde(rename = "panes.read")]
    PanesRead {
        /// On which side of the work.
        when: Side,
        /// The digest of the file, and its name.
        digest: Digest,
        /// How many rows have each verdict.
        counts: Counts,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// Somebody wrote something down.
    #[serde(rename = "note")]
    Note {
        /// Beside which step, from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u32>,
        /// What.
        text: String,
    },
    /// Somebody asked the run to stop.
    #[serde(rename = "abort.requested")]
    AbortRequested {
        /// Whether to take back what was done.
        undo: bool,
    },
    /// The run is over; the last record.
    #[serde(rename = "run.sealed")]
    RunSealed {
        /// How it ended.
        status: RunStatus,
        /// How many steps ended unknown.
        unknown: u32,
        /// What became of the way back, where it was taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rolled_back: Option<WentBack>,
    },
    /// A kind that a newer program wrote; kept raw, never skipped in silence.
    #[serde(skip)]
    Other {
        /// Its kind.
        kind: String,
        /// Its body.
        body: serde_json::Value,
    },
}

impl Event {
    /// Every kind that this program knows.
    pub const KINDS: [&str; 26] = [
        "run.created",
        "window.judged",
        "clock.jump",
        "lock.taken",
        "run.resumed",
        "journal.recovered",
        "prompt.opened",
        "prompt.reread",
        "prompt.closed",
        "answer.accepted",
        "answer.rejected",
        "step.intent",
        "step.outcome",
        "step.resolved",
        "step.skipped",
        "step.closed",
        "step.overridden",
        "step.reopened",
        "undo.intent",
        "undo.outcome",
        "rollback.began",
        "rollback.proved",
        "panes.read",
        "note",
        "abort.requested",
        "run.sealed",
    ];

    /// The word for it in the journal.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::RunCreated { .. } => "run.created",
            Self::WindowJudged { .. } => "window.judged",
            Self::ClockJump { .. } => "clock.jump",
            Self::LockTaken { .. } => "lock.taken",
            Self::RunResumed { .. } => "run.resumed",
            Self::JournalRecovered { .. } => "journal.recovered",
            Self::PromptOpened { .. } => "prompt.opened",
            Self::PromptReread { .. } => "prompt.reread",
            Self::PromptClosed { .. } => "prompt.closed",
            Self::AnswerAccepted { .. } => "answer.accepted",
            Self::AnswerRejected { .. } => "answer.rejected",
            Self::StepIntent { .. } => "step.intent",
            Self::StepOutcome { .. } => "step.outcome",
            Self::StepResolved { .. } => "step.resolved",
            Self::StepSkipped { .. } => "step.skipped",
            Self::StepClosed { .. } => "step.closed",
            Self::StepOverridden { .. } => "step.overridden",
            Self::StepReopened { .. } => "step.reopened",
            Self::UndoIntent { .. } => "undo.intent",
            Self::UndoOutcome { .. } => "undo.outcome",
            Self::RollbackBegan { .. } => "rollback.began",
            Self::RollbackProved { .. } => "rollback.proved",
            Self::PanesRead { .. } => "panes.read",
            Self::Note { .. } => "note",
            Self::AbortRequested { .. } => "abort.requested",
            Self::RunSealed { .. } => "run.sealed",
            Self::Other { kind, .. } => kind,
        }
    }
}
