//! Which step may be undone, and what became of it.

use crate::domain::{Digest, StepState, Verb};
use crate::journal::fold::{Act, AttemptLog, Held, Impossible, RollbackView, RunView, StepView, refuse};
use crate::journal::record::{Caveats, Choice, Ending, Outcome, Record, WentBack};
use std::cmp::Reverse;
use std::collections::BTreeMap;

impl StepView {
    /// Whether an attempt of it may have left something that its undo undoes; skipping it leaves that there.
    pub(super) fn needs_undo(&self) -> bool {
        let over = matches!(self.state, StepState::Done | StepState::Failed | StepState::Stopped | StepState::Skipped);
        let under_way = matches!(self.state, StepState::Running | StepState::Waiting);
        self.head.can_undo && self.attempts > 0 && ((over && self.ran) || under_way)
    }

    /// Whether its undo began and may have had an effect.
    #[must_use]
    pub fn undo_tried(&self) -> bool {
        self.undo.as_ref().is_some_and(|undo| undo.ending != Ending::NotStarted)
    }

    /// Whether the outcome of its undo is unknown.
    #[must_use]
    pub fn undo_is_unknown(&self) -> bool {
        let unknown = self.undo.as_ref().is_some_and(|undo| undo.ending == Ending::Unknown);
        self.state == StepState::Unknown && unknown
    }
}

impl RunView {
    /// The steps that a rollback of the run undoes: they ran, changed something, can be undone, and are in a
    /// phase that the rollback reaches; last first.
    #[must_use]
    pub fn pending_undos(&self) -> Vec<u32> {
        let numbered = (0_u32..).zip(&self.steps);
        let pending = numbered.filter(|(_, step)| step.needs_undo() && self.is_in_reach(step));
        let mut steps: Vec<(u32, u64)> = pending.map(|(index, step)| (index, step.acted)).collect();
        steps.sort_by_key(|(index, acted)| Reverse((*acted, *index)));
        steps.into_iter().map(|(index, _)| index).collect()
    }

    /// The same among the steps that an `undo_of` names.
    #[must_use]
    pub fn named_undos(&self, step: u32) -> Vec<u32> {
        let named = self.step(step).map(|view| view.head.undo_of.clone()).unwrap_or_default();
        let pending = named.into_iter().filter_map(|number| Some((number, self.step(number)?)));
        let wanted = |number: u32, view: &StepView| self.may_try(number, view) && !self.is_left(number);
        let pending_undos = pending.filter(|(number, view)| view.needs_undo() && wanted(*number, view));
        let mut steps: Vec<(u32, u64)> = pending_undos.map(|(number, view)| (number, view.acted)).collect();
        steps.sort_by_key(|(number, acted)| Reverse((*acted, *number)));
        steps.into_iter().map(|(number, _)| number).collect()
    }

    /// Whether the rollback reaches the step's phase.
    fn is_in_reach(&self, step: &StepView) -> bool {
        let Some(to) = self.rollback.as_ref().and_then(|rollback| rollback.to.as_ref()) else { return true };
        let place = |name: &String| self.phases.iter().position(|phase| phase == name);
        place(&step.head.phase) >= place(to)
    }

    /// Whether its undo was not tried yet, or a person wants it again.
    #[must_use]
    pub fn may_undo(&self, step: u32) -> bool {
        self.step(step).is_some_and(|view| self.may_try(step, view))
    }

    fn may_try(&self, step: u32, view: &StepView) -> bool {
        !view.undo_tried() || self.back.again.contains(&step)
    }

    /// Whether a person decided to leave a step whose undo went wrong.
    #[must_use]
    pub fn is_left(&self, step: u32) -> bool {
        self.back.left.contains(&step)
    }

    /// The digest of what a person wants an undo to run although it is not what was confirmed; it counts for one attempt.
    #[must_use]
    pub fn changed_undo(&self, step: u32) -> Option<&Digest> {
        self.back.changed.get(&step)
    }

    /// Whether a person let the rollback go on beyond its budget.
    #[must_use]
    pub fn is_beyond_budget(&self) -> bool {
        self.back.beyond
    }

    /// Who holds it, and at which step; it waits to be resumed.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        self.back.held.as_ref()
    }

    /// How often it was asked to stop.
    #[must_use]
    pub fn aborts(&self) -> u32 {
        self.back.aborts
    }

    /// Whether it was asked to stop since its newest attempt began. One that began later belongs to how the run ends.
    #[must_use]
    pub fn is_attempt_to_stop(&self) -> bool {
        self.back.aborts > self.back.aborts_before
    }

    /// The `undo_of` at work, and its attempt.
    #[must_use]
    pub fn undoing(&self) -> Option<(u32, u32)> {
        self.back.undoing
    }

    /// What became of the rollback so far; `None` where it was not taken.
    #[must_use]
    pub fn went_back(&self) -> Option<WentBack> {
        let way = self.rollback_state.as_ref()?;
        let is_undone = |step: &&u32| self.step(**step).is_some_and(|view| view.state == StepState::Undone);
        let undone = way.steps.iter().filter(is_undone).count();
        let of = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let checks = self.rollback.as_ref().map(|rollback| rollback.prove.as_slice()).unwrap_or_default();
        let passed = |step: &u32| way.proved.get(step).is_some_and(|outcome| outcome.ending == Ending::Ok);
        let proved = (!checks.is_empty()).then(|| checks.iter().all(passed));
        Some(WentBack { undone: of(undone), left: of(way.steps.len() - undone), proved })
    }

    /// What an `ok` of this run does not rest on.
    #[must_use]
    pub fn caveats(&self) -> Caveats {
        let number = |so: fn(&StepView) -> bool| {
            u32::try_from(self.steps.iter().filter(|step| so(step)).count()).unwrap_or(u32::MAX)
        };
        Caveats {
            settled_by_hand: number(|step| step.state == StepState::Done && step.settled_by_hand),
            skipped: number(|step| step.state == StepState::Skipped),
        }
    }

    pub(super) fn intend_undo(
        &mut self,
        record: &Record,
        step: u32,
        attempt: u32,
        set: Option<&Digest>,
        log: &str,
    ) -> Result<(), Impossible> {
        if self.open.is_some() || self.prompt.is_some() {
            return refuse("an undo while an attempt or a prompt is open");
        }
        let by_name =
            self.back.undoing.and_then(|(by, _)| self.step(by)).is_some_and(|by| by.head.undo_of.contains(&step));
        let view = self.at(step)?;
        let as_a_whole = self.abort.as_ref().is_some_and(|(_, undo)| *undo);
        if !by_name && !as_a_whole {
            return refuse("an undo that was not asked for");
        }
        if !by_name && !self.is_in_reach(view) {
            return refuse(format!("the rollback does not reach step {step}"));
        }
        if !view.needs_undo() || attempt != view.undo_attempts.saturating_add(1) || view.set.as_ref() != set {
            return refuse(format!("step {step} cannot be undone now"));
        }
        if !self.may_try(step, view) {
            return refuse(format!("the undo of step {step} was tried, and no decision to retry it is recorded"));
        }
        let state = view.state;
        self.back.again.remove(&step);
        let view = self.turn(step, state)?;
        view.undo_attempts = attempt;
        view.undo_acted = record.seq;
        view.logs.push(AttemptLog { act: Act::Undo, attempt, file: log.to_owned() });
        self.open = Some((step, attempt, Act::Undo));
        self.back.aborts_before = self.back.aborts;
        Ok(())
    }

    pub(super) fn end_undo(
        &mut self,
        record: &Record,
        step: u32,
        attempt: u32,
        outcome: &Outcome,
    ) -> Result<(), Impossible> {
        if self.open != Some((step, attempt, Act::Undo)) {
            return refuse(format!("an undo outcome of step {step} without its intent"));
        }
        self.open = None;
        self.back.changed.remove(&step);
        let state = match outcome.ending {
            Ending::Ok => StepState::Undone,
            Ending::Unknown => StepState::Unknown,
            Ending::Failed | Ending::TimedOut | Ending::Cancelled | Ending::NotStarted => self.at(step)?.state,
        };
        let set_ms = self.time.set_ms();
        let view = self.turn(step, state)?;
        view.ended = Some(record.wall);
        view.set_ms.1 = set_ms;
        view.undo = Some(outcome.clone());
        Ok(())
    }

    /// Settles an undo whose outcome was unknown.
    pub(super) fn resolve_undo(&mut self, step: u32, choice: Choice) -> Result<StepState, Impossible> {
        let view = self.at(step)?;
        let before = match view.outcome.as_ref().map(|outcome| outcome.ending) {
            Some(Ending::Ok | Ending::Unknown) | None => StepState::Done,
            Some(Ending::Cancelled) => StepState::Stopped,
            Some(_) => StepState::Failed,
        };
        match choice {
            // Of the step's effect: where it is not there, the undo did its work.
            Choice::Undone | Choice::NotDone => Ok(StepState::Undone),
            Choice::NotUndone | Choice::Done => {
                self.back.again.insert(step);
                Ok(before)
            }
            _ => refuse("an unknown undo is settled as undone or as not-undone"),
        }
    }

    pub(super) fn begin_rollback(&mut self, record: &Record, why: &str, steps: &[u32]) -> Result<(), Impossible> {
        if self.rollback_state.is_some() {
            return refuse("the rollback begins twice");
        }
        if !self.abort.as_ref().is_some_and(|(_, undo)| *undo) {
            return refuse("a rollback that was not asked for");
        }
        if steps != self.pending_undos() {
            return refuse("the rollback names other steps than those that need their undo");
        }
        let (began, why) = (record.wall, why.to_owned());
        self.rollback_state = Some(RollbackView { began, why, steps: steps.to_vec(), proved: BTreeMap::new() });
        Ok(())
    }

    pub(super) fn prove_rollback(&mut self, step: u32, outcome: &Outcome) -> Result<(), Impossible> {
        if self.open.is_some() || self.prompt.is_some() {
            return refuse("a proof while an attempt or a prompt is open");
        }
        let named = self.rollback.as_ref().is_some_and(|rollback| rollback.prove.contains(&step));
        match &mut self.rollback_state {
            Some(way) if named => {
                way.proved.insert(step, outcome.clone());
                Ok(())
            }
            _ => refuse(format!("step {step} proves no rollback")),
        }
    }

    /// What a decision means for the rollback.
    pub(super) fn decided(
        &mut self,
        record: &Record,
        step: u32,
        (choice, reason): (Choice, &str),
        changed: Option<Digest>,
    ) {
        let rolling_back = self.abort.as_ref().is_some_and(|(_, undo)| *undo);
        let Some(view) = self.step(step) else { return };
        let is_undo = view.undo_tried() && view.state != StepState::Undone;
        match choice {
            Choice::Hold => {
                let (by, at, reason) = (record.actor.clone(), record.wall, reason.to_owned());
                self.back.held = Some(Held { by, at, step, reason });
            }
            Choice::Rollback if rolling_back => self.back.beyond = true,
            Choice::Retry if view.head.verb == Verb::UndoOf => {
                let named = view.head.undo_of.clone();
                let tried = |number: &u32| self.step(*number).is_some_and(StepView::undo_tried);
                let tried: Vec<u32> = named.into_iter().filter(tried).collect();
                self.back.again.extend(tried);
            }
            Choice::Retry if rolling_back && is_undo => {
                self.back.again.insert(step);
            }
            Choice::Skip if changed.is_some() || (rolling_back && is_undo) => {
                self.back.left.insert(step);
            }
            Choice::RunChanged => self.back.changed.extend(changed.map(|set| (step, set))),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
