//! Which attempt may begin, and how a step ends.

use crate::domain::{Digest, EffectClass, Order, PromptId, Saved, StepState, Verb};
use crate::journal::approval::{Override, is_another};
use crate::journal::fold::{Act, AttemptLog, Impossible, RunView, refuse};
use crate::journal::record::{Choice, Ending, Outcome, Record, StepHead};

impl RunView {
    /// How many steps are over. One that fell short is not, while it is asked or left open what becomes of it.
    #[must_use]
    pub fn steps_over(&self) -> usize {
        let asked = self.prompt.as_ref().map(|open| open.step);
        let open = asked.or(self.held().map(|held| held.step)).filter(|_| self.sealed.is_none());
        let is_over =
            |(number, step): &(u32, &crate::journal::fold::StepView)| step.state.is_over() && open != Some(*number);
        (0_u32..).zip(&self.steps).filter(is_over).count()
    }

    #[allow(clippy::too_many_arguments)] // The fields of one record.
    pub(super) fn intend(
        &mut self,
        record: &Record,
        step: u32,
        attempt: u32,
        effect: EffectClass,
        set: Option<&Digest>,
        permit: Option<&PromptId>,
        log: &str,
    ) -> Result<(), Impossible> {
        // Looking at one item of a checklist disturbs no question about another.
        let beside = |asked: u32| self.order == Order::Any && effect == EffectClass::Read && asked != step;
        let busy = self.open.is_some() || self.back.undoing.is_some();
        if busy || self.prompt.as_ref().is_some_and(|prompt| !beside(prompt.step)) {
            return refuse("an intent while an attempt or a prompt is open");
        }
        self.in_its_phase(step)?;
        let view = self.at(step)?;
        if !matches!(view.head.verb, Verb::Read | Verb::Check | Verb::Wait | Verb::Do | Verb::UndoOf | Verb::Notify) {
            return refuse(format!("an intent of a {} step", view.head.verb.word()));
        }
        if effect != view.head.effect {
            return refuse(format!("step {step} is of class {}, not {}", view.head.effect.word(), effect.word()));
        }
        if attempt != view.attempts.saturating_add(1) {
            return refuse(format!("attempt {attempt} of step {step} follows attempt {}", view.attempts));
        }
        if !matches!(view.state, StepState::Planned | StepState::Failed | StepState::Stopped) {
            return refuse(format!("an intent of a step that is {}", view.state.word()));
        }
        if effect > EffectClass::Read {
            self.may_change(step, set, permit)?;
        }
        self.permits.remove(&step);
        self.signed.remove(&step);
        self.waived.remove(&step);
        let set_ms = self.time.set_ms();
        let view = self.turn(step, StepState::Running)?;
        view.attempts = attempt;
        view.acted = record.seq;
        view.by = Some(record.actor.clone());
        view.claimed = false;
        view.settled_by_hand = false;
        view.started = Some(record.wall);
        view.set_ms = (set_ms, set_ms);
        view.ended = None;
        view.outcome = None;
        view.set = set.cloned();
        view.logs.push(AttemptLog { act: Act::Forward, attempt, file: log.to_owned() });
        // Those that it names are undone one after another, each with its own intent.
        if view.head.verb == Verb::UndoOf {
            self.back.undoing = Some((step, attempt));
        } else {
            self.open = Some((step, attempt, Act::Forward));
        }
        self.back.aborts_before = self.back.aborts;
        Ok(())
    }

    /// Whether a step may change anything now: the run is not stopped, nothing is unknown, and this set was confirmed.
    /// What is taken in every ending is, and to an undo was consented with its act.
    pub(super) fn may_change(
        &self,
        step: u32,
        set: Option<&Digest>,
        permit: Option<&PromptId>,
    ) -> Result<(), Impossible> {
        let (head, ending) = (&self.at(step)?.head, self.abort.is_some());
        if ending && !head.always {
            return refuse(format!("step {step} would act after the run was stopped"));
        }
        if ending && head.verb == Verb::UndoOf {
            return Ok(());
        }
        if self.unsettled > 0 && !ending {
            return refuse(format!("step {step} would act while the outcome of another is unknown"));
        }
        // What every ending undoes is undone without a question in the good one, too.
        if head.verb == Verb::UndoOf && head.always {
            return Ok(());
        }
        let held = self.permits.get(&step);
        if !held.is_some_and(|(prompt, shown)| Some(prompt) == permit && Some(shown) == set) {
            return refuse(format!("step {step} would act without a confirmation of this very set"));
        }
        Ok(())
    }

    pub(super) fn end(
        &mut self,
        record: &Record,
        step: u32,
        attempt: u32,
        outcome: &Outcome,
    ) -> Result<(), Impossible> {
        if self.open == Some((step, attempt, Act::Forward)) {
            self.open = None;
        } else if self.back.undoing == Some((step, attempt)) && self.open.is_none() && self.prompt.is_none() {
            self.back.undoing = None;
        } else {
            return refuse(format!("an outcome of step {step} without its intent"));
        }
        let set_ms = self.time.set_ms();
        let view = self.turn(
            step,
            match outcome.ending {
                Ending::Ok => StepState::Done,
                Ending::Failed | Ending::TimedOut => StepState::Failed,
                Ending::Cancelled => StepState::Stopped,
                Ending::NotStarted => StepState::Planned,
                Ending::Unknown => StepState::Unknown,
            },
        )?;
        view.ended = Some(record.wall);
        view.set_ms.1 = set_ms;
        view.ran |= outcome.ending != Ending::NotStarted && !outcome.unexecuted;
        view.outcome = Some(outcome.clone());
        let saved = view.head.save.clone().filter(|_| outcome.ending == Ending::Ok);
        if let Some(name) = saved {
            let facts = outcome.evidence.as_ref().map(|evidence| evidence.facts.clone()).unwrap_or_default();
            self.saved.insert(
                name.clone(),
                Saved { step, text: outcome.detail.clone(), facts, whole: outcome.whole.clone() },
            );
            self.fill(&name);
        }
        Ok(())
    }

    /// Refuses to settle a step while a prompt about it is open.
    pub(super) fn not_asked(&self, step: u32) -> Result<(), Impossible> {
        if self.prompt.as_ref().is_some_and(|open| open.step == step) {
            return refuse(format!("step {step} is settled while a prompt about it is open"));
        }
        Ok(())
    }

    pub(super) fn resolve(
        &mut self,
        record: &Record,
        step: u32,
        choice: Choice,
        evidence: &str,
    ) -> Result<(), Impossible> {
        self.not_asked(step)?;
        let view = self.at(step)?;
        if view.state != StepState::Unknown {
            return refuse(format!("step {step} is {}, not unknown", view.state.word()));
        }
        let state = match choice {
            choice if view.undo_is_unknown() => self.resolve_undo(step, choice)?,
            Choice::Done => StepState::Done,
            Choice::NotDone => StepState::Planned,
            _ => return refuse("an unknown outcome is settled as done or as not-done"),
        };
        let set_ms = self.time.set_ms();
        let by_hand = self.called_done.remove(&step) && choice == Choice::Done;
        let view = self.turn(step, state)?;
        view.settled_by_hand = by_hand;
        view.ended = Some(record.wall);
        view.set_ms.1 = set_ms;
        view.remark = Some(evidence.to_owned());
        Ok(())
    }

    pub(super) fn skip_step(&mut self, record: &Record, step: u32, reason: &str) -> Result<(), Impossible> {
        self.not_asked(step)?;
        self.in_its_phase(step)?;
        match self.at(step)?.state {
            // A step that is skipped needs no approval.
            _ if self.at(step)?.head.verb == Verb::Approve
                && (self.order == Order::Any || self.at(step)?.head.when.is_none()) =>
            {
                return refuse(format!("step {step} waits for a second person, and cannot be skipped"));
            }
            StepState::Planned | StepState::Failed | StepState::Stopped if self.order == Order::Any => {
                passable(&self.at(step)?.head, step)?;
                if reason.trim().is_empty() {
                    return refuse(format!("step {step} is skipped without a reason"));
                }
            }
            StepState::Planned => {}
            StepState::Failed | StepState::Stopped | StepState::Unknown if self.is_mere_notice(step)? => {}
            StepState::Failed | StepState::Stopped | StepState::Unknown => {
                if !self.waived.contains(&step) && !self.signed.contains(&step) {
                    return refuse(format!("step {step} failed or is unknown, and no decision to skip it is recorded"));
                }
            }
            other => return refuse(format!("step {step} is {} already", other.word())),
        }
        self.finish_step(record, step, StepState::Skipped, reason)
    }

    /// Whether a step only notifies, so that nothing depends on its success.
    fn is_mere_notice(&self, step: u32) -> Result<bool, Impossible> {
        let head = &self.at(step)?.head;
        Ok(head.verb == Verb::Notify && !head.hard)
    }

    pub(super) fn close_step(&mut self, record: &Record, step: u32, note: &str) -> Result<(), Impossible> {
        self.not_asked(step)?;
        self.in_its_phase(step)?;
        let by_hand = self.order == Order::Any;
        let view = self.at(step)?;
        if view.state != StepState::Planned && !(by_hand && view.state.fell_short()) {
            return refuse(format!("step {step} is {} already", view.state.word()));
        }
        let bare = note.trim().is_empty();
        match view.head.verb {
            Verb::Notify => {}
            Verb::Manual if by_hand && bare && view.head.note_required => {
                return refuse(format!("step {step} is signed without the note that it needs"));
            }
            Verb::Manual if by_hand || self.signed.contains(&step) => {}
            Verb::Approve if self.signed.contains(&step) => {}
            Verb::Approve => return refuse(format!("step {step} has no approval")),
            Verb::Manual => return refuse(format!("step {step} has no sign-off")),
            Verb::Read | Verb::Check | Verb::Do if by_hand && !bare => passable(&view.head, step)?,
            Verb::Read | Verb::Check | Verb::Do if by_hand => {
                return refuse(format!("step {step} is closed by hand without a note"));
            }
            verb => return refuse(format!("a {} step is closed by its outcome", verb.word())),
        }
        let claimed = by_hand && !matches!(view.head.verb, Verb::Notify | Verb::Approve);
        self.finish_step(record, step, StepState::Done, note)?;
        self.turn(step, StepState::Done)?.claimed = claimed;
        Ok(())
    }

    /// Past a hard gate of a checklist that did not pass leads another person than the starter, with a reason.
    pub(super) fn override_step(&mut self, record: &Record, step: u32, reason: &str) -> Result<(), Impossible> {
        self.not_asked(step)?;
        self.in_its_phase(step)?;
        let view = self.at(step)?;
        let failed = view.outcome.as_ref().is_some_and(|end| end.ending != Ending::Ok);
        let open = matches!(view.state, StepState::Planned | StepState::Failed | StepState::Stopped);
        if self.order != Order::Any || !view.head.hard || !open || !failed {
            return refuse(format!("step {step} is no hard gate of a checklist that did not pass"));
        }
        if reason.trim().is_empty() {
            return refuse(format!("step {step} is overridden without a reason"));
        }
        is_another(&record.actor, &self.starter, "started the run").map_err(Impossible)?;
        self.finish_step(record, step, StepState::Skipped, reason)?;
        self.turn(step, StepState::Skipped)?.overridden = true;
        let (at, by, reason) = (record.wall, record.actor.clone(), reason.to_owned());
        self.overrides.push(Override { at, by, step, reason, late: false });
        Ok(())
    }

    pub(super) fn reopen_step(&mut self, record: &Record, step: u32, reason: &str) -> Result<(), Impossible> {
        self.in_its_phase(step)?;
        let view = self.at(step)?;
        let by_hand = view.state == StepState::Skipped
            || (view.state == StepState::Done && (view.claimed || view.settled_by_hand));
        if self.order != Order::Any || !by_hand {
            return refuse(format!("step {step} was not closed by hand, and cannot be opened again"));
        }
        if reason.trim().is_empty() {
            return refuse(format!("step {step} is opened again without a reason"));
        }
        // An act that failed stays failed, also where a person closed the step by hand later.
        let state = match view.outcome.as_ref().map(|end| end.ending) {
            None | Some(Ending::Ok | Ending::NotStarted) => StepState::Planned,
            Some(Ending::Cancelled) => StepState::Stopped,
            Some(_) => StepState::Failed,
        };
        let view = self.turn(step, state)?;
        (view.claimed, view.overridden, view.ended, view.remark, view.by) = (false, false, None, None, None);
        view.settled_by_hand = false;
        view.opened = record.seq;
        Ok(())
    }

    pub(super) fn finish_step(
        &mut self,
        record: &Record,
        step: u32,
        state: StepState,
        remark: &str,
    ) -> Result<(), Impossible> {
        self.permits.remove(&step);
        self.signed.remove(&step);
        self.waived.remove(&step);
        let set_ms = self.time.set_ms();
        let view = self.turn(step, state)?;
        if view.started.is_none() {
            view.started = Some(record.wall);
            view.set_ms.0 = set_ms;
        }
        view.ended = Some(record.wall);
        view.set_ms.1 = set_ms;
        view.remark = Some(remark.to_owned());
        view.by = Some(record.actor.clone());
        Ok(())
    }
}

/// Whether a person can close a step by hand: a hard gate needs evidence.
fn passable(head: &StepHead, step: u32) -> Result<(), Impossible> {
    if head.hard { refuse(format!("step {step} is a hard gate: it needs evidence or an override")) } else { Ok(()) }
}
