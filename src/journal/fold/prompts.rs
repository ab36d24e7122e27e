//! Which prompt may be opened, and which answer counts.

use crate::domain::{EffectClass, PromptId, StepState, Verb, Wall};
use crate::journal::answer::fits;
use crate::journal::fold::{Impossible, OpenPrompt, PromptEnd, PromptEnding, RunView, refuse};
use crate::journal::record::{Answer, Ask, Choice, Covered, Record};

impl RunView {
    pub(super) fn open_prompt(
        &mut self,
        record: &Record,
        id: &PromptId,
        step: u32,
        ask: &Ask,
        expires: Wall,
    ) -> Result<(), Impossible> {
        if self.prompt.is_some() {
            return refuse("a second prompt");
        }
        if self.open.is_some() {
            return refuse("a prompt while an attempt is open");
        }
        // On the way back of a checklist, items of every phase are asked about.
        if self.abort.is_none() {
            self.in_its_phase(step)?;
        }
        self.may_ask(step, ask)?;
        let before = self.at(step)?.state;
        match ask {
            Ask::Decide { .. } => {}
            // A new question takes back the consent to the old one.
            Ask::Confirm { .. } => drop(self.permits.remove(&step)),
            Ask::Sign { .. } => drop(self.signed.remove(&step)),
        }
        if !matches!(ask, Ask::Decide { .. }) {
            self.turn(step, StepState::Waiting)?;
        }
        self.before = before;
        self.prompt = Some(OpenPrompt {
            id: id.clone(),
            step,
            ask: ask.clone(),
            seq: record.seq,
            opened: record.wall,
            read: record.wall,
            expires,
        });
        Ok(())
    }

    /// Whether this may be asked about a step now.
    pub(super) fn may_ask(&self, step: u32, ask: &Ask) -> Result<(), Impossible> {
        let view = self.at(step)?;
        let (verb, state) = (view.head.verb, view.state);
        let fits = match ask {
            Ask::Confirm { effect, .. } => {
                if self.abort.is_some() && !view.head.always {
                    return refuse("a confirmation is asked for after the run was stopped");
                }
                if *effect != view.head.effect {
                    return refuse(format!(
                        "step {step} is of class {}, not {}",
                        view.head.effect.word(),
                        effect.word()
                    ));
                }
                matches!(verb, Verb::Do | Verb::UndoOf) && matches!(state, StepState::Planned | StepState::Failed)
            }
            Ask::Sign { .. } => {
                let soft_gate = verb == Verb::Check && state == StepState::Failed;
                (verb == Verb::Manual && state == StepState::Planned) || soft_gate
            }
            Ask::Decide { choices, .. } => {
                let untouched = state == StepState::Skipped && view.attempts == 0;
                !choices.is_empty() && !untouched && state != StepState::Undone
            }
        };
        if !fits {
            return refuse(format!("this cannot be asked about a {} step that is {}", verb.word(), state.word()));
        }
        let Ask::Confirm { also, .. } = ask else { return Ok(()) };
        for covered in also {
            let later = self.at(covered.step)?;
            let reached = later.head.phase == view.head.phase || later.head.always;
            let acts = matches!(later.head.verb, Verb::Do | Verb::UndoOf);
            let changes = acts && later.head.effect == EffectClass::Change;
            if !reached || covered.step <= step || !changes || later.state != StepState::Planned {
                return refuse(format!("a confirmation of step {step} cannot cover step {}", covered.step));
            }
        }
        Ok(())
    }

    pub(super) fn reread_prompt(&mut self, record: &Record, id: &PromptId) -> Result<(), Impossible> {
        let open = self.prompt.as_mut().filter(|open| open.id == *id);
        let Some(open) = open else { return refuse("prompt.reread of a prompt that is not open") };
        open.read = record.wall;
        Ok(())
    }

    pub(super) fn close_prompt(&mut self, id: &PromptId) -> Result<u32, Impossible> {
        let Some(open) = self.prompt.take_if(|open| open.id == *id) else {
            return refuse("prompt.closed of a prompt that is not open");
        };
        self.unwait(open.step).map(|()| open.step)
    }

    pub(super) fn end_prompt(&mut self, record: &Record, id: &PromptId, step: u32, how: PromptEnding) {
        let (at, by) = (record.wall, record.actor.clone());
        self.prompt_end = Some(PromptEnd { id: id.clone(), step, at, by, how });
    }

    /// Puts a step that waited back to where it stood.
    pub(super) fn unwait(&mut self, step: u32) -> Result<(), Impossible> {
        if self.at(step)?.state == StepState::Waiting {
            self.turn(step, self.before)?;
        }
        Ok(())
    }

    pub(super) fn accept(
        &mut self,
        record: &Record,
        id: &PromptId,
        step: u32,
        answer: &Answer,
    ) -> Result<(), Impossible> {
        let open = self.prompt.as_ref().filter(|open| open.id == *id && open.step == step);
        let Some(open) = open else { return refuse("an accepted answer to a prompt that is not open") };
        fits(&open.ask, answer).map_err(Impossible)?;
        let Some(open) = self.prompt.take() else { return refuse("no prompt is open") };
        self.unwait(step)?;
        match (open.ask, answer) {
            (Ask::Confirm { set, also, .. }, Answer::Confirm { typed }) => {
                let own = Covered { step, set, headline: String::new() };
                for covered in also.into_iter().chain([own]) {
                    let state = self.at(covered.step)?.state;
                    let by = Some((record.actor.clone(), typed.clone()));
                    self.turn(covered.step, state)?.confirmed = by;
                    self.permits.insert(covered.step, (id.clone(), covered.set));
                }
            }
            (Ask::Sign { .. }, Answer::Sign { .. }) => {
                self.signed.insert(step);
            }
            (Ask::Decide { .. }, Answer::Decide { choice, reason }) => {
                if *choice == Choice::Skip {
                    self.waived.insert(step);
                }
                self.decided(record, step, *choice, reason);
            }
            _ => {}
        }
        self.end_prompt(record, id, step, PromptEnding::Answered(answer.clone()));
        Ok(())
    }
}
