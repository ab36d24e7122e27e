//! Which prompt may be opened, and which answer counts.

use crate::domain::{EffectClass, PromptId, StepState, Verb, Wall};
use crate::journal::answer::{fits_now, may_give};
use crate::journal::approval::{Approval, Override};
use crate::journal::fold::{Impossible, OpenPrompt, PromptEnd, PromptEnding, RunView, refuse};
use crate::journal::record::{Answer, Ask, Choice, Closed, Covered, Lapsed, Record};

impl RunView {
    /// The newest approval of a step.
    #[must_use]
    pub fn approval(&self, step: u32) -> Option<&Approval> {
        self.approvals.iter().rfind(|approval| approval.step == step && !approval.start)
    }

    /// The approval of the run's start, or break-glass in its place.
    #[must_use]
    pub fn start_approval(&self) -> Option<&Approval> {
        self.approvals.iter().find(|approval| approval.start)
    }

    /// Whether break-glass was ever used in place of a second person.
    #[must_use]
    pub fn used_break_glass(&self) -> bool {
        self.approvals.iter().any(|approval| approval.break_glass_reason.is_some())
    }

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
        // On the rollback of a checklist, items of every phase are asked about.
        if self.abort.is_none() {
            self.in_its_phase(step)?;
        }
        self.may_ask(step, ask)?;
        let before = self.at(step)?.state;
        match ask {
            Ask::Decide { .. } => {}
            // A new question undoes the consent to the old one.
            Ask::Confirm { .. } => drop(self.permits.remove(&step)),
            Ask::Sign { .. } | Ask::Approve { .. } => drop(self.signed.remove(&step)),
        }
        if !matches!(ask, Ask::Decide { .. }) {
            self.turn(step, StepState::Waiting)?;
        }
        self.before = before;
        let of_two = self.at(step)?.head.four_eyes;
        let four_eyes = of_two && matches!(ask, Ask::Confirm { .. });
        self.prompt = Some(OpenPrompt {
            id: id.clone(),
            step,
            ask: ask.clone(),
            seq: record.seq,
            opened: record.wall,
            read: record.wall,
            expires,
            four_eyes,
            of_two,
            confirmed: None,
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
                matches!(verb, Verb::Do | Verb::UndoOf)
                    && matches!(state, StepState::Planned | StepState::Failed | StepState::Stopped)
            }
            Ask::Sign { .. } => {
                let soft_gate = verb == Verb::Check && state.fell_short();
                (verb == Verb::Manual && state == StepState::Planned) || soft_gate
            }
            Ask::Approve { hash, .. } if *hash != self.plan => {
                return refuse("an approval of another plan than the run's");
            }
            Ask::Approve { start: true, .. } => {
                let begun = self.steps.iter().any(|step| step.attempts > 0);
                step == 0 && !begun && self.start_approval().is_none() && self.abort.is_none()
            }
            Ask::Approve { .. } => verb == Verb::Approve && state == StepState::Planned,
            Ask::Decide { choices, set, .. } => {
                if choices.contains(&Choice::RunChanged) && (set.is_none() || !view.needs_undo()) {
                    return refuse(format!("step {step} has no undo to run that is not what was confirmed"));
                }
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
            if !reached || covered.step <= step || !changes || later.head.four_eyes || later.state != StepState::Planned
            {
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

    pub(super) fn close_prompt(
        &mut self,
        record: &Record,
        id: &PromptId,
        why: Closed,
        drift: &[String],
    ) -> Result<(), Impossible> {
        let Some(open) = self.prompt.take_if(|open| open.id == *id) else {
            return refuse("prompt.closed of a prompt that is not open");
        };
        self.unwait(open.step)?;
        self.end_prompt(record, id, open.step, PromptEnding::Closed(why, drift.to_vec()));
        Ok(())
    }

    pub(super) fn end_prompt(&mut self, record: &Record, id: &PromptId, step: u32, how: PromptEnding) {
        let (at, by) = (record.wall, record.actor.clone());
        self.prompt_end = Some(PromptEnd { id: id.clone(), step, at, by, how });
    }

    /// Restores the state that a step had before it waited.
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
        fits_now(open, answer).map_err(Impossible)?;
        may_give(open, &self.starter, &record.actor, answer).map_err(Impossible)?;
        if let (true, Answer::Confirm { typed }) = (open.four_eyes, answer) {
            // The first of two answers; the prompt stays open for the second.
            let first = Some((record.actor.clone(), typed.clone()));
            return self.prompt.as_mut().map(|open| open.confirmed = first).ok_or(Impossible(String::new()));
        }
        let Some(open) = self.prompt.take() else { return refuse("no prompt is open") };
        self.unwait(step)?;
        self.approve(record, &open, answer);
        let first = match answer {
            Answer::Confirm { typed } => Some((record.actor.clone(), typed.clone())),
            _ => open.confirmed,
        };
        match (open.ask, answer) {
            (Ask::Confirm { set, also, .. }, _) if *answer != Answer::Cancel => {
                let own = Covered { step, set, headline: String::new(), preview: None };
                for covered in also.into_iter().chain([own]) {
                    let state = self.at(covered.step)?.state;
                    self.turn(covered.step, state)?.confirmed = first.clone();
                    self.permits.insert(covered.step, (id.clone(), covered.set));
                }
            }
            (Ask::Approve { start: false, .. }, Answer::Approve { .. } | Answer::BreakGlass { .. }) => {
                self.signed.insert(step);
            }
            (Ask::Sign { .. }, Answer::Sign { .. }) => {
                self.signed.insert(step);
            }
            (Ask::Decide { set, .. }, Answer::Decide { choice, reason }) => {
                if matches!(choice, Choice::Skip | Choice::Override) {
                    self.waived.insert(step);
                }
                if *choice == Choice::Done {
                    self.called_done.insert(step);
                }
                if matches!(choice, Choice::Override | Choice::Emergency) {
                    let (at, by, reason) = (record.wall, record.actor.clone(), reason.clone());
                    self.overrides.push(Override { at, by, step, reason, late: *choice == Choice::Emergency });
                }
                self.decided(record, step, (*choice, reason), set);
            }
            _ => {}
        }
        self.end_prompt(record, id, step, PromptEnding::Answered(answer.clone()));
        Ok(())
    }

    /// Undoes a consent whose set drifted before the intent, or could not be read again.
    pub(super) fn lapse(
        &mut self,
        record: &Record,
        id: &PromptId,
        step: u32,
        (why, drift): (Lapsed, &[String]),
    ) -> Result<(), Impossible> {
        self.at(step)?;
        if self.permits.get(&step).is_none_or(|(prompt, _)| prompt != id) {
            return refuse(format!("a consent to step {step} lapses that was not given"));
        }
        self.permits.remove(&step);
        self.end_prompt(record, id, step, PromptEnding::Closed(why.closes(), drift.to_vec()));
        Ok(())
    }

    /// Keeps a second person's consent, or break-glass in its place.
    fn approve(&mut self, record: &Record, open: &OpenPrompt, answer: &Answer) {
        let (note, break_glass) = match answer {
            Answer::Approve { note } => (note.clone(), None),
            Answer::BreakGlass { reason } => (String::new(), Some(reason.clone())),
            _ => return,
        };
        let Some(hash) = open.ask.hash().cloned() else { return };
        self.approvals.push(Approval {
            at: record.wall,
            by: record.actor.clone(),
            prompt: open.id.clone(),
            step: open.step,
            start: matches!(open.ask, Ask::Approve { start: true, .. }),
            hash,
            first: open.confirmed.as_ref().map(|(first, _)| first.clone()),
            note,
            break_glass_reason: break_glass,
        });
    }
}
