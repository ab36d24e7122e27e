//! Asks what a step that went wrong, or whose outcome is unknown, means.

use crate::domain::error::Result;
use crate::domain::{EffectClass, Error, Kind, Verb};
use crate::journal::record::{Answer, Ask, Choice, Ending, Event};
use crate::procedure::plan::Gate;
use crate::runner::engine::Engine;
use crate::runner::engine::prompt::Asked;

impl Engine {
    /// Asks what to do about a step that failed.
    pub(super) async fn decide_failure(&mut self, step: u32) -> Result<()> {
        let planned = self.planned(step)?;
        let detail =
            self.view().step(step).and_then(|view| view.outcome.as_ref()).map(|outcome| outcome.detail.clone());
        let text = format!("failed: {}", detail.unwrap_or_else(|| "no reason is known".to_owned()));
        let may_skip = planned.verb != Verb::Check || planned.gate == Gate::Soft;
        self.decide(step, text, Choice::Retry, may_skip).await
    }

    /// Asks what to do about a step whose preview was refused or could not be made.
    pub(super) async fn decide_refusal(&mut self, step: u32, refusal: &Error) -> Result<()> {
        let word = if refusal.kind == Kind::Refused { "refused" } else { "no preview" };
        self.decide(step, format!("{word}: {refusal}"), Choice::Retry, true).await
    }

    pub(super) async fn decide(&mut self, step: u32, text: String, first: Choice, may_skip: bool) -> Result<()> {
        let mut choices = vec![first];
        if may_skip {
            choices.push(Choice::Skip);
        }
        if !self.view().undo_owed().is_empty() {
            choices.push(Choice::Undo);
        }
        choices.push(Choice::Abort);
        let Asked::Answered(_, Answer::Decide { choice, reason }) =
            self.ask(step, Ask::Decide { text, choices }).await?
        else {
            return Ok(());
        };
        match choice {
            Choice::Retry | Choice::NotDone | Choice::Done => {
                self.retrying = Some(step);
                Ok(())
            }
            Choice::Skip => self.write(Event::StepSkipped { step, reason }).map(drop),
            Choice::Undo => self.write(Event::AbortRequested { undo: true }).map(drop),
            Choice::Abort => self.write(Event::AbortRequested { undo: false }).map(drop),
        }
    }

    /// Settles an unknown outcome: by the step's own proof, by its safety to repeat, or by a person.
    pub(super) async fn settle(&mut self, step: u32) -> Result<()> {
        let planned = self.planned(step)?;
        let safe = planned.effect == EffectClass::Read || planned.rerun_safe;
        let proof = if planned.prove.is_some() { Some(self.prove(step, &planned).await?) } else { None };
        // What may still be at work may yet do what is not there, or do it beside a second one.
        let at_work = self.is_at_work(step);
        let settled = match proof {
            Some(end) if end.ending == Ending::Ok => Some((Choice::Done, format!("proved: {}", end.detail))),
            _ if at_work => None,
            Some(end) if end.ending == Ending::Failed => Some((Choice::NotDone, format!("proved: {}", end.detail))),
            _ if safe => Some((Choice::NotDone, "safe to repeat".to_owned())),
            _ => None,
        };
        if let Some((choice, evidence)) = settled {
            return self.write(Event::StepResolved { step, choice, evidence }).map(drop);
        }
        let detail =
            self.view().step(step).and_then(|view| view.outcome.as_ref()).map(|outcome| outcome.detail.clone());
        let text = format!("outcome unknown: {}", detail.unwrap_or_default());
        let choices = vec![Choice::Done, Choice::NotDone, Choice::Skip, Choice::Abort];
        let Asked::Answered(_, Answer::Decide { choice, reason }) =
            self.ask(step, Ask::Decide { text, choices }).await?
        else {
            return Ok(());
        };
        match choice {
            Choice::Skip => self.write(Event::StepSkipped { step, reason }).map(drop),
            Choice::Abort | Choice::Undo => self.write(Event::AbortRequested { undo: false }).map(drop),
            Choice::Done => self.write(Event::StepResolved { step, choice, evidence: reason }).map(drop),
            Choice::NotDone | Choice::Retry => {
                self.write(Event::StepResolved { step, choice: Choice::NotDone, evidence: reason }).map(drop)
            }
        }
    }
}
