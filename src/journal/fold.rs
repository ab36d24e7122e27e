//! From records to the state of a run.
//!
//! Attaching to a run and watching it live are the same function: each record moves the [`RunView`] one step. A record
//! that cannot follow what came before is refused, here and therefore also by the appender, so that an impossible
//! history cannot be written.
//!
//! `view` holds the state and answers questions about it, `items` those about a checklist; `prompts`, `steps` and `undo` hold
//! which record may follow.

mod filled;
mod items;
mod logs;
mod prompts;
mod standing;
mod steps;
mod time;
mod undo;
mod view;

pub use items::{ItemState, ItemView, PhaseCount};
pub use logs::AttemptLog;
pub use time::{Late, NoTime, Spare, TimeView};
pub use view::{
    Act, Held, NoteView, OpenPrompt, PromptEnd, PromptEnding, ReadingView, RollbackView, RunView, StepView,
};

use crate::domain::reference;
use crate::domain::{Digest, Order, RunStatus, StepState};
use crate::journal::reading::{Counts, Side};
use crate::journal::record::{Event, Record, WentBack};
use crate::journal::terms::Terms;
use std::collections::{BTreeMap, BTreeSet};
use view::Back;

/// A record that cannot follow what came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible(pub String);

/// Refuses a record with a reason.
fn refuse<T>(why: impl Into<String>) -> Result<T, Impossible> {
    Err(Impossible(why.into()))
}

impl RunView {
    /// The state after the first record.
    ///
    /// # Errors
    /// When the record is not `run.created`.
    pub fn begin(record: &Record) -> Result<Self, Impossible> {
        let Event::RunCreated { procedure, title, plan, estate, environment, params, phases, steps, .. } =
            &record.event
        else {
            return refuse("the first record is not run.created");
        };
        let Event::RunCreated { order, rollback, confirmed, terms, .. } = &record.event else {
            return refuse("the first record is not run.created");
        };
        let mut view = Self {
            procedure: procedure.clone(),
            title: reference::show(title),
            plan: plan.clone(),
            estate: estate.clone(),
            environment: environment.clone(),
            params: params.clone(),
            phases: phases.clone(),
            steps: steps.iter().cloned().map(StepView::planned).collect(),
            order: *order,
            rollback: rollback.clone(),
            confirmed: confirmed.clone(),
            terms: (**terms).clone(),
            ..Self::blank(record)
        };
        view.advance(record.seq);
        Ok(view)
    }

    /// A run of which nothing is known but its first record's time and place.
    fn blank(record: &Record) -> Self {
        Self {
            id: record.run.clone(),
            procedure: String::new(),
            title: String::new(),
            plan: Digest::zero(),
            estate: String::new(),
            environment: String::new(),
            params: BTreeMap::new(),
            phases: Vec::new(),
            steps: Vec::new(),
            order: Order::Listed,
            rollback: None,
            rollback_state: None,
            saved: BTreeMap::new(),
            starter: record.actor.clone(),
            confirmed: String::new(),
            terms: Terms::default(),
            window: None,
            time: TimeView::default(),
            started: record.wall,
            ended: None,
            sealed: None,
            prompt: None,
            prompt_end: None,
            locks: Vec::new(),
            notes: Vec::new(),
            readings: Vec::new(),
            refused: Vec::new(),
            abort: None,
            resumed: 0,
            seq: record.seq,
            head: record.h.clone(),
            last: record.wall,
            permits: BTreeMap::new(),
            signed: BTreeSet::new(),
            waived: BTreeSet::new(),
            called_done: BTreeSet::new(),
            approvals: Vec::new(),
            overrides: Vec::new(),
            unsettled: 0,
            before: StepState::Planned,
            open: None,
            back: Back::default(),
            phase: None,
        }
    }

    /// The state after a whole journal.
    ///
    /// # Errors
    /// When there is no record, or one cannot follow the others.
    pub fn of(records: &[Record]) -> Result<Self, Impossible> {
        let Some((first, rest)) = records.split_first() else { return refuse("the journal is empty") };
        let mut view = Self::begin(first)?;
        for record in rest {
            view.apply(record)?;
        }
        Ok(view)
    }

    /// Moves on by one record.
    ///
    /// # Errors
    /// When the record cannot follow; the state is then exactly what it was, so that another record can be tried.
    pub fn apply(&mut self, record: &Record) -> Result<(), Impossible> {
        if record.run != self.id {
            return refuse(format!("record {} belongs to run {}", record.seq, record.run));
        }
        if self.sealed.is_some() {
            return refuse(format!("record {} follows the seal", record.seq));
        }
        self.apply_event(record)?;
        self.keep_time(record);
        self.advance(record.seq);
        self.seq = record.seq;
        self.head = record.h.clone();
        self.last = record.wall;
        Ok(())
    }

    fn apply_event(&mut self, record: &Record) -> Result<(), Impossible> {
        if self.back.held.is_some() && goes_on(&record.event) {
            return refuse(format!("{} of a run that is held and was not resumed", record.event.kind()));
        }
        match &record.event {
            Event::RunCreated { .. } => refuse("a second run.created"),
            Event::LockTaken { name, identity } => {
                self.locks.push((name.clone(), identity.clone()));
                Ok(())
            }
            Event::RunResumed { .. } => {
                self.resumed += 1;
                self.back.held = None;
                self.called_done.clear();
                self.locks.clear();
                self.permits.clear();
                Ok(())
            }
            Event::PromptOpened { prompt, step, ask, expires } => {
                self.open_prompt(record, prompt, *step, ask, *expires)
            }
            Event::PromptReread { prompt } => self.reread_prompt(record, prompt),
            Event::PromptClosed { prompt, why, drift } => self.close_prompt(record, prompt, *why, drift),
            Event::AnswerAccepted { prompt, step, answer } => self.accept(record, prompt, *step, answer),
            Event::AnswerRejected { why, .. } => {
                self.refused.push((record.wall, record.actor.clone(), why.clone()));
                Ok(())
            }
            Event::ConsentLapsed { prompt, step, why, drift: changes } => {
                self.lapse(record, prompt, *step, (*why, changes))
            }
            Event::StepIntent { step, attempt, effect, set, permit, log } => {
                self.intend(record, *step, *attempt, *effect, set.as_ref(), permit.as_ref(), log)
            }
            Event::StepOutcome { step, attempt, outcome } => self.end(record, *step, *attempt, outcome),
            Event::StepResolved { step, choice, evidence } => self.resolve(record, *step, *choice, evidence),
            Event::StepSkipped { step, reason } => self.skip_step(record, *step, reason),
            Event::StepClosed { step, note } => self.close_step(record, *step, note),
            Event::StepOverridden { step, reason } => self.override_step(record, *step, reason),
            Event::StepReopened { step, reason } => self.reopen_step(record, *step, reason),
            Event::UndoIntent { step, attempt, set, log } => {
                self.intend_undo(record, *step, *attempt, set.as_ref(), log)
            }
            Event::UndoOutcome { step, attempt, outcome } => self.end_undo(record, *step, *attempt, outcome),
            Event::RollbackBegan { why, steps, .. } => self.begin_rollback(record, why, steps),
            Event::RollbackProved { step, outcome } => self.prove_rollback(*step, outcome),
            Event::PanesRead { when, digest, counts, .. } => self.read_panes(record, *when, digest, *counts),
            Event::Note { step, text } => self.note(record, *step, text),
            Event::AbortRequested { undo } => {
                self.abort = Some((record.actor.clone(), *undo));
                self.back.aborts += 1;
                Ok(())
            }
            Event::JournalRecovered { .. }
            | Event::Other { .. }
            | Event::WindowJudged { .. }
            | Event::ClockJump { .. } => Ok(()),
            Event::RunSealed { status, unknown, rolled_back } => self.seal(record, *status, *unknown, *rolled_back),
        }
    }

    fn note(&mut self, record: &Record, step: Option<u32>, text: &str) -> Result<(), Impossible> {
        step.map_or(Ok(()), |step| self.at(step).map(drop))?;
        let (at, by) = (record.wall, record.actor.clone());
        self.notes.push(NoteView { at, by, step, text: text.to_owned() });
        Ok(())
    }

    fn read_panes(&mut self, record: &Record, side: Side, digest: &Digest, counts: Counts) -> Result<(), Impossible> {
        if side == Side::Before && (self.reading(side).is_some() || self.has_acted()) {
            return refuse("the panes were read before the work, when it had begun or they were read already");
        }
        self.readings.push(ReadingView { side, at: record.wall, digest: digest.clone(), counts });
        Ok(())
    }

    fn at(&self, step: u32) -> Result<&StepView, Impossible> {
        self.step(step).ok_or_else(|| Impossible(format!("there is no step {step}")))
    }

    /// Moves a step to a state, and keeps count of the unknown ones.
    fn turn(&mut self, step: u32, state: StepState) -> Result<&mut StepView, Impossible> {
        let index = usize::try_from(step).unwrap_or(usize::MAX);
        let view = self.steps.get_mut(index).ok_or_else(|| Impossible(format!("there is no step {step}")))?;
        self.unsettled = self.unsettled.saturating_sub(u32::from(view.state == StepState::Unknown));
        self.unsettled += u32::from(state == StepState::Unknown);
        view.state = state;
        Ok(view)
    }

    /// A step by its number from 0.
    #[must_use]
    pub fn step(&self, step: u32) -> Option<&StepView> {
        self.steps.get(usize::try_from(step).ok()?)
    }

    fn seal(
        &mut self,
        record: &Record,
        status: RunStatus,
        unknown: u32,
        rolled_back: Option<WentBack>,
    ) -> Result<(), Impossible> {
        if self.open.is_some() || self.prompt.is_some() || self.back.undoing.is_some() {
            return refuse("a seal while an attempt or a prompt is open");
        }
        if !status.is_over() {
            return refuse(format!("a run cannot be sealed as {}", status.word()));
        }
        if unknown != self.unsettled {
            return refuse(format!("the seal counts {unknown} unknown steps, the records {}", self.unsettled));
        }
        if rolled_back.is_some() && rolled_back != self.went_back() {
            return refuse("the rollback of the seal differs from that of the records");
        }
        let well = |step: &StepView| matches!(step.state, StepState::Done | StepState::Skipped | StepState::Undone);
        if status == RunStatus::Ok && !self.steps.iter().all(well) {
            return refuse("a run is sealed as ok while a step of it is not over");
        }
        self.sealed = Some(status);
        self.ended = Some(record.wall);
        Ok(())
    }
}

/// Whether a record is one of a run that goes on.
fn goes_on(event: &Event) -> bool {
    matches!(
        event,
        Event::PromptOpened { .. } | Event::StepIntent { .. } | Event::UndoIntent { .. } | Event::RunSealed { .. }
    )
}

#[cfg(test)]
mod approval;
#[cfg(test)]
mod tests;
