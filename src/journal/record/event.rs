//! What happened: one kind of record after the other, each with its fields.

use crate::domain::{Digest, EffectClass, Order, PromptId, RunStatus, Wall};
use crate::journal::reading::{Counts, Side};
use crate::journal::record::{Answer, Ask, Choice, Closed, Lapsed, Outcome, RollbackHead, StepHead, WentBack};
use crate::journal::terms::{Terms, WindowStanding};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
        /// How it is rolled back, where its procedure declares that.
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
    /// The state of the windows for the run, when it begins or is taken over, and at each change.
    #[serde(rename = "window.judged")]
    WindowJudged {
        /// Their state.
        standing: WindowStanding,
        /// Why it was looked at: `the run begins`, `the clock was set`.
        why: String,
    },
    /// The wall clock was set: it jumped against the monotonic clock.
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
        /// The identity of the target: `machine-id:…`.
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
    /// A prompt opened.
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
    /// The open prompt's set was read again and is the same. Earlier versions wrote it; now it is noted beside the journal.
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
        /// The drift, one line each.
        #[serde(rename = "moved", default, skip_serializing_if = "Vec::is_empty")]
        drift: Vec<String>,
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
    /// What an accepted answer was given for has drifted before the intent, or could not be read again; nothing was run, and the step
    /// asks again.
    #[serde(rename = "consent.lapsed")]
    ConsentLapsed {
        /// The prompt whose answer counts no longer.
        prompt: PromptId,
        /// The step, from 0.
        step: u32,
        /// Whether it drifted or could not be read; records of an earlier version say nothing, and mean that it drifted.
        #[serde(default, skip_serializing_if = "Lapsed::is_drifted")]
        why: Lapsed,
        /// What drifted or why it could not be read, one line each.
        #[serde(rename = "moved")]
        drift: Vec<String>,
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
    /// An attempt ended, or its outcome is unknown.
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
    /// A step was skipped.
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
        /// The note, or the message and its receivers.
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
    /// An item of a checklist that was closed by hand or skipped is open again.
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
        /// The digest of the set it undoes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set: Option<Digest>,
        /// Its log below `logs/`.
        log: String,
    },
    /// The undo of a step ended, or its outcome is unknown.
    #[serde(rename = "undo.outcome")]
    UndoOutcome {
        /// The step, from 0.
        step: u32,
        /// The attempt, from 1.
        attempt: u32,
        /// How.
        outcome: Outcome,
    },
    /// The rollback begins.
    #[serde(rename = "rollback.began")]
    RollbackBegan {
        /// Why, in a sentence.
        why: String,
        /// The steps that need their undo, from 0, in the order in which they are undone.
        steps: Vec<u32>,
        /// How long that should take, in seconds, where all of them say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        takes_s: Option<u64>,
    },
    /// A check was made again after the rollback.
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
    /// A person wrote a note.
    #[serde(rename = "note")]
    Note {
        /// Beside which step, from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u32>,
        /// What.
        text: String,
    },
    /// A person asked the run to stop.
    #[serde(rename = "abort.requested")]
    AbortRequested {
        /// Whether to undo what was done.
        undo: bool,
    },
    /// The run is over; the last record.
    #[serde(rename = "run.sealed")]
    RunSealed {
        /// How it ended.
        status: RunStatus,
        /// How many steps ended unknown.
        unknown: u32,
        /// What became of the rollback, where it was taken.
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
    pub const KINDS: [&str; 27] = [
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
        "consent.lapsed",
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
            Self::ConsentLapsed { .. } => "consent.lapsed",
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
