//! A run and its steps as computed from their journal.

use crate::domain::{Actor, Digest, EffectClass, Order, PromptId, RunId, RunStatus, Saved, StepState, Wall};
use crate::journal::approval::{Approval, Override};
use crate::journal::fold::{AttemptLog, TimeView};
use crate::journal::reading::{Counts, Side};
use crate::journal::record::{Answer, Ask, Closed, Outcome, RollbackHead, StepHead};
use crate::journal::terms::{Terms, WindowStanding};
use std::collections::{BTreeMap, BTreeSet};

/// A run as computed from its journal. Whether a runner lives is not in the journal; see [`RunView::status`].
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// The run.
    pub id: RunId,
    /// The procedure's id.
    pub procedure: String,
    /// Its title.
    pub title: String,
    /// The plan's hash.
    pub plan: Digest,
    /// The estate's name.
    pub estate: String,
    /// Its environment.
    pub environment: String,
    /// The parameters, as shown.
    pub params: BTreeMap<String, String>,
    /// The phases, in order.
    pub phases: Vec<String>,
    /// The steps, in order.
    pub steps: Vec<StepView>,
    /// In which order they are taken; of a checklist, see [`RunView::items`].
    pub order: Order,
    /// How it is rolled back, where its procedure declares that.
    pub rollback: Option<RollbackHead>,
    /// The rollback, once it was taken.
    pub rollback_state: Option<RollbackView>,
    /// What its reads saved, by name.
    pub saved: BTreeMap<String, Saved>,
    /// Who started it.
    pub starter: Actor,
    /// How the start was confirmed.
    pub confirmed: String,
    /// On which terms.
    pub terms: Terms,
    /// The state of its windows when they were last read; `None` where it needs none.
    pub window: Option<WindowStanding>,
    /// What went otherwise with its time.
    pub time: TimeView,
    /// When it started.
    pub started: Wall,
    /// When it was sealed.
    pub ended: Option<Wall>,
    /// How it was sealed.
    pub sealed: Option<RunStatus>,
    /// The open prompt.
    pub prompt: Option<OpenPrompt>,
    /// How the newest prompt that is no longer open came to its end.
    pub prompt_end: Option<PromptEnd>,
    /// The locks it holds: name and identity.
    pub locks: Vec<(String, String)>,
    /// What people wrote down.
    pub notes: Vec<NoteView>,
    /// How every pane looked before its work and after it, as far as that was read.
    pub readings: Vec<ReadingView>,
    /// Answers that did not count: when, who, why.
    pub refused: Vec<(Wall, Actor, String)>,
    /// Who asked to stop it, and whether to undo what was done.
    pub abort: Option<(Actor, bool)>,
    /// What second persons agreed to, and break-glass in their place.
    pub approvals: Vec<Approval>,
    /// Hard gates that were overridden.
    pub overrides: Vec<Override>,
    /// How often a new runner took over.
    pub resumed: u32,
    /// The last record's number.
    pub seq: u64,
    /// The last record's digest.
    pub head: Digest,
    /// The last record's time.
    pub last: Wall,
    /// Consents at hand.
    pub(super) permits: BTreeMap<u32, (PromptId, Digest)>,
    /// Steps with an accepted sign-off that is not used up.
    pub(super) signed: BTreeSet<u32>,
    /// Steps that a person decided to skip.
    pub(super) waived: BTreeSet<u32>,
    /// The steps with an unknown outcome that a person just called done.
    pub(super) called_done: BTreeSet<u32>,
    /// How many steps are unknown now.
    pub(super) unsettled: u32,
    /// The state of the prompt's step before it waited.
    pub(super) before: StepState,
    pub(super) open: Option<(u32, u32, Act)>,
    /// What was asked and decided about the rollback.
    pub(super) back: Back,
    /// Of a checklist, the number of the phase whose items are open.
    pub(super) phase: Option<usize>,
}

/// Which way an open attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The step itself.
    Forward,
    /// Its undo.
    Undo,
}

/// What was asked and decided about the rollback.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Back {
    /// How often the run was asked to stop.
    pub(super) aborts: u32,
    /// How often it was when the newest attempt began.
    pub(super) aborts_before: u32,
    /// The `undo_of` at work, and its attempt: it runs the undo of others.
    pub(super) undoing: Option<(u32, u32)>,
    /// Steps whose undo was tried, and which a person wants undone again.
    pub(super) again: BTreeSet<u32>,
    /// Steps whose undo went wrong, and which a person decided to leave.
    pub(super) left: BTreeSet<u32>,
    /// Steps whose undo a person wants run although it is not what was confirmed, each with the digest of what was shown.
    pub(super) changed: BTreeMap<u32, Digest>,
    /// Whether a person let the rollback go on beyond its budget.
    pub(super) beyond: bool,
    /// Who put the run down, and at which step.
    pub(super) held: Option<Held>,
}

/// The rollback of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackView {
    /// When it began.
    pub began: Wall,
    /// Why.
    pub why: String,
    /// The steps that needed their undo then, in the order in which they are undone.
    pub steps: Vec<u32>,
    /// The checks that were made again after it.
    pub proved: BTreeMap<u32, Outcome>,
}

/// A run that is held.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Wall,
    /// At which step, from 0.
    pub step: u32,
    /// Why; may be empty.
    pub reason: String,
}

/// A step as computed from the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    /// What it was created with.
    pub head: StepHead,
    /// Its state.
    pub state: StepState,
    /// How many attempts began.
    pub attempts: u32,
    /// Whether an attempt may have had an effect: one that provably never started has none.
    pub ran: bool,
    /// The log of each attempt at it and at its undo, the oldest first.
    pub logs: Vec<AttemptLog>,
    /// When the newest attempt began.
    pub started: Option<Wall>,
    /// When the step ended.
    pub ended: Option<Wall>,
    /// By how many milliseconds the wall clock had been set when it began, and when it ended.
    pub(super) set_ms: (i64, i64),
    /// How the newest attempt ended.
    pub outcome: Option<Outcome>,
    /// The frozen set of the newest attempt.
    pub set: Option<Digest>,
    /// Who consented to the newest attempt, and what was typed.
    pub confirmed: Option<(Actor, String)>,
    /// The sign-off's note, the notice, the skip's reason or the resolution's evidence.
    pub remark: Option<String>,
    /// How its undo ended.
    pub undo: Option<Outcome>,
    /// How many undo attempts began.
    pub undo_attempts: u32,
    /// The record of the newest attempt's intent; 0 until then.
    pub acted: u64,
    /// The record of the newest undo's intent; 0 until then.
    pub undo_acted: u64,
    /// Who caused its newest attempt, closed it or skipped it.
    pub by: Option<Actor>,
    /// Of a checklist's item, the record that opened it; what a person wants with it must name that record. 0 until then.
    pub opened: u64,
    /// Whether a person closed it by hand, on nothing but their word.
    pub claimed: bool,
    /// Whether its outcome was unknown, and a person called it done.
    pub settled_by_hand: bool,
    /// Whether another person than the starter overrode it, a hard gate.
    pub overridden: bool,
}

/// A prompt that waits for an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenPrompt {
    /// The prompt.
    pub id: PromptId,
    /// The step, from 0.
    pub step: u32,
    /// What for.
    pub ask: Ask,
    /// The record that opened it: an answer must name it.
    pub seq: u64,
    /// When it was opened.
    pub opened: Wall,
    /// When its set was last read.
    pub read: Wall,
    /// When it lapses.
    pub expires: Wall,
    /// Whether its act needs two answers: a confirmation, and another person's approval.
    pub four_eyes: bool,
    /// Whether its step needs two persons: then another than the starter has an undo run that is not what they confirmed.
    pub of_two: bool,
    /// Of two answers the first, once it is there: who confirmed, and what was typed.
    pub confirmed: Option<(Actor, String)>,
}

impl OpenPrompt {
    /// Whether only a second person's answer is still wanted.
    #[must_use]
    pub fn waits_for_second(&self) -> bool {
        self.confirmed.is_some() || matches!(self.ask, Ask::Approve { .. })
    }
}

/// The end of a prompt: an answer, or a closing without one.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptEnd {
    /// The prompt.
    pub id: PromptId,
    /// The step, from 0.
    pub step: u32,
    /// When.
    pub at: Wall,
    /// Who answered, or the runner that closed it.
    pub by: Actor,
    /// How.
    pub how: PromptEnding,
}

/// How a prompt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum PromptEnding {
    /// It was answered.
    Answered(Answer),
    /// It closed for this reason, with the lines of the drift.
    Closed(Closed, Vec<String>),
}

/// A reading of every pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingView {
    /// On which side of the run's work.
    pub side: Side,
    /// When it was recorded.
    pub at: Wall,
    /// The digest of its file.
    pub digest: Digest,
    /// How many rows have each verdict.
    pub counts: Counts,
}

/// Something written down.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteView {
    /// When.
    pub at: Wall,
    /// By whom.
    pub by: Actor,
    /// Beside which step.
    pub step: Option<u32>,
    /// What.
    pub text: String,
}

impl RunView {
    /// The consent that a step has at hand: the prompt it was given to, and the set it was given for.
    #[must_use]
    pub fn permit(&self, step: u32) -> Option<&(PromptId, Digest)> {
        self.permits.get(&step)
    }

    /// The status of the run, given whether its runner lives.
    #[must_use]
    pub fn status(&self, runner_lives: bool) -> RunStatus {
        match (self.sealed, runner_lives, &self.prompt) {
            (Some(status), ..) => status,
            _ if self.back.held.is_some() => RunStatus::Held,
            (None, false, _) => RunStatus::Interrupted,
            (None, true, Some(_)) => RunStatus::Waiting,
            (None, true, None) if self.waits_for_people() => RunStatus::Waiting,
            (None, true, None) => RunStatus::Running,
        }
    }

    /// The attempt that has an intent and no outcome: step, attempt, and which way.
    #[must_use]
    pub fn open_attempt(&self) -> Option<(u32, u32, Act)> {
        self.open
    }

    /// The step at work or next in turn; `None` when all are over.
    #[must_use]
    pub fn current(&self) -> Option<u32> {
        if let Some((step, ..)) = self.open {
            return Some(step);
        }
        if let Some(prompt) = &self.prompt {
            return Some(prompt.step);
        }
        if let Some((step, _)) = self.back.undoing {
            return Some(step);
        }
        let over = |step: &StepView| matches!(step.state, StepState::Done | StepState::Skipped | StepState::Undone);
        let next = self.steps.iter().position(|step| !over(step))?;
        u32::try_from(next).ok()
    }

    /// Its parameters in one line, `days = 90, root = /srv/cell0`; `None` where it has none.
    #[must_use]
    pub fn params_words(&self) -> Option<String> {
        let lines: Vec<String> = self.params.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// The newest reading of a side.
    #[must_use]
    pub fn reading(&self, side: Side) -> Option<&ReadingView> {
        self.readings.iter().rev().find(|reading| reading.side == side)
    }

    /// Whether an attempt at a change or more began.
    #[must_use]
    pub fn has_acted(&self) -> bool {
        self.steps.iter().any(|step| step.attempts > 0 && step.head.effect > EffectClass::Read)
    }

    /// How many steps ended unknown and were never settled.
    #[must_use]
    pub fn unknown(&self) -> u32 {
        self.unsettled
    }
}

impl StepView {
    /// What came of it last: of its undo where that ended, else of the step itself.
    #[must_use]
    pub fn latest(&self) -> Option<&Outcome> {
        self.undo.as_ref().filter(|_| self.is_latest_undo()).or(self.outcome.as_ref())
    }

    /// Whether that is how its undo ended.
    #[must_use]
    pub fn is_latest_undo(&self) -> bool {
        self.undo.is_some() && self.undo_acted > self.acted
    }

    /// A step whose turn has not come.
    #[must_use]
    pub fn planned(head: StepHead) -> Self {
        Self {
            head: head.shown(),
            state: StepState::Planned,
            attempts: 0,
            ran: false,
            logs: Vec::new(),
            started: None,
            ended: None,
            set_ms: (0, 0),
            outcome: None,
            set: None,
            confirmed: None,
            remark: None,
            undo: None,
            undo_attempts: 0,
            acted: 0,
            undo_acted: 0,
            by: None,
            opened: 0,
            claimed: false,
            settled_by_hand: false,
            overridden: false,
        }
    }
}
