//! Asks what a step that went wrong, or whose outcome is unknown, means.

use crate::domain::error::Result;
use crate::domain::{EffectClass, Error, Kind, Verb};
use crate::journal::record::{Answer, Ask, Choice, Ending, Event};
use crate::procedure::plan::{Gate, OnFail, Step};
use crate::runner::engine::prompt::Asked;
use crate::runner::engine::{Engine, attempt};

/// Whether a step is a gate that only another person than the starter leads past.
pub(super) fn is_hard_gate(planned: &Step) -> bool {
    matches!(planned.verb, Verb::Check | Verb::Wait | Verb::Notify) && planned.gate == Gate::Hard
}

impl Engine {
    /// Asks what to do about a step that failed.
    pub(super) async fn decide_failure(&mut self, step: u32) -> Result<()> {
        let planned = self.planned(step)?;
        if planned.verb == Verb::Notify && self.pass_notice(step, &planned)? {
            return Ok(());
        }
        let detail =
            self.view().step(step).and_then(|view| view.outcome.as_ref()).map(|outcome| outcome.detail.clone());
        let text = format!("failed: {}", detail.unwrap_or_else(|| "no reason is known".to_owned()));
        self.decide(step, &planned, text, !is_hard_gate(&planned)).await
    }

    /// Asks what to do about a step whose preview was refused or could not be made. In an ending that is recorded, and the
    /// ending goes on.
    pub(super) async fn decide_refusal(&mut self, step: u32, refusal: &Error) -> Result<()> {
        let word = if refusal.kind == Kind::Refused { "refused" } else { "no preview" };
        let text = format!("{word}: {refusal}");
        if self.ending {
            if self.is_stopped() {
                return Ok(());
            }
            let reason = format!("it could not be taken: {text}");
            return self.write(Event::StepSkipped { step, reason }).map(drop);
        }
        let planned = self.planned(step)?;
        self.decide(step, &planned, text, true).await
    }

    pub(super) async fn decide(&mut self, step: u32, planned: &Step, text: String, may_skip: bool) -> Result<()> {
        if self.goes_back_by_itself(planned) {
            return self.write(Event::AbortRequested { undo: true }).map(drop);
        }
        let choices = self.menu(planned, may_skip);
        let means = choices.iter().map(|choice| self.means(step, *choice)).collect();
        let Asked::Answered(_, Answer::Decide { choice, reason }) =
            self.ask(step, Ask::Decide { text, choices, means }).await?
        else {
            return Ok(());
        };
        match choice {
            Choice::Retry | Choice::NotDone | Choice::Done | Choice::NotUndone | Choice::Undone => {
                self.retrying = Some(step);
                Ok(())
            }
            // The answer says it all: the run is put down where it stands.
            Choice::Hold => Ok(()),
            Choice::Skip | Choice::Override => self.write(Event::StepSkipped { step, reason }).map(drop),
            Choice::Rollback => self.write(Event::AbortRequested { undo: true }).map(drop),
            Choice::Abort => self.write(Event::AbortRequested { undo: false }).map(drop),
        }
    }

    /// Whether a failure leads to the way back without a question: the plan says so, and the step says nothing else.
    fn goes_back_by_itself(&self, planned: &Step) -> bool {
        let by_itself = self.plan.rollback.as_ref().is_some_and(|rollback| rollback.on_fail == OnFail::Rollback);
        by_itself && planned.on_fail.is_empty() && !self.is_stopped()
    }

    /// Settles an unknown outcome: by the step's own proof, by its safety to repeat, or by a person.
    pub(super) async fn settle(&mut self, step: u32) -> Result<()> {
        let planned = self.planned(step)?;
        if planned.verb == Verb::Notify && self.pass_notice(step, &planned)? {
            return Ok(());
        }
        // What was told cannot be told again unnoticed.
        let safe = (planned.effect == EffectClass::Read && planned.verb != Verb::Notify) || planned.rerun_safe;
        let proof = if planned.prove.is_some() { Some(self.prove(step, &planned).await?) } else { None };
        // What may still be at work may yet do what is not there, or do it beside a second one.
        let attempt = self.view().step(step).map_or(0, |view| view.attempts);
        let at_work = self.is_at_work(&attempt::name(step, attempt));
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
        let looks = matches!(planned.verb, Verb::Check | Verb::Wait);
        // What looks is never said to have passed: it looks again.
        let done = if looks { None } else { Some(Choice::Done) };
        let past = if is_hard_gate(&planned) { self.past_a_gate() } else { Some(Choice::Skip) };
        let choices: Vec<Choice> =
            [done, Some(Choice::NotDone), past, Some(Choice::Abort)].into_iter().flatten().collect();
        let means = choices.iter().map(|choice| self.means(step, *choice)).collect();
        let Asked::Answered(_, Answer::Decide { choice, reason }) =
            self.ask(step, Ask::Decide { text, choices, means }).await?
        else {
            return Ok(());
        };
        match choice {
            Choice::Skip | Choice::Override => self.write(Event::StepSkipped { step, reason }).map(drop),
            Choice::Abort => self.write(Event::AbortRequested { undo: false }).map(drop),
            Choice::Done | Choice::NotDone => {
                self.write(Event::StepResolved { step, choice, evidence: reason }).map(drop)
            }
            // Not among the choices.
            Choice::Retry | Choice::Rollback | Choice::Hold | Choice::Undone | Choice::NotUndone => Ok(()),
        }
    }

    /// Settles, before the way back, a step of which nobody knows whether it did anything: by its own proof, else by a person.
    pub(super) async fn settle_before_going_back(&mut self, step: u32) -> Result<()> {
        let planned = self.planned(step)?;
        if planned.verb == Verb::Notify && self.pass_notice(step, &planned)? {
            return Ok(());
        }
        let attempt = self.view().step(step).map_or(0, |view| view.attempts);
        let at_work = self.is_at_work(&attempt::name(step, attempt));
        if planned.prove.is_some() {
            let proof = self.prove(step, &planned).await?;
            let choice = match proof.ending {
                Ending::Ok => Some(Choice::Done),
                Ending::Failed if !at_work => Some(Choice::NotDone),
                _ => None,
            };
            if let Some(choice) = choice.filter(|_| !self.is_stopped()) {
                let evidence = format!("proved: {}", proof.detail);
                return self.write(Event::StepResolved { step, choice, evidence }).map(drop);
            }
        }
        let detail = self.view().step(step).and_then(|view| view.outcome.as_ref()).map(|end| end.detail.clone());
        let text = format!("outcome unknown, and the way back needs it: {}", detail.unwrap_or_default());
        let choices = vec![Choice::Done, Choice::NotDone, Choice::Hold, Choice::Abort];
        let means = vec![
            "its effect is there, wholly or in part: take it back".to_owned(),
            "nothing of its effect is there: nothing to take back".to_owned(),
            self.means(step, Choice::Hold),
            self.means(step, Choice::Abort),
        ];
        let Asked::Answered(_, Answer::Decide { choice, reason }) =
            self.ask(step, Ask::Decide { text, choices, means }).await?
        else {
            return Ok(());
        };
        match choice {
            Choice::Done | Choice::NotDone => {
                self.write(Event::StepResolved { step, choice, evidence: reason }).map(drop)
            }
            Choice::Abort => self.write(Event::AbortRequested { undo: false }).map(drop),
            _ => Ok(()),
        }
    }
}
