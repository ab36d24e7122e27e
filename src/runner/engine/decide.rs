//! Asks a person what to do about a step that failed or whose outcome is unknown.

use crate::domain::error::Result;
use crate::domain::{Digest, EffectClass, Error, Kind, Verb};
use crate::journal::record::{About, Answer, Ask, Choice, Ending, Event};
use crate::procedure::plan::{OnFail, Step};
use crate::runner::adapters::{self, ActEnd};
use crate::runner::engine::Engine;
use crate::runner::engine::prompt::Asked;

/// The subject of a decision: its kind, and a sentence.
pub(super) struct Matter {
    pub about: About,
    pub text: String,
}

impl Matter {
    pub fn failed(what: &str) -> Self {
        Self { about: About::Failed, text: format!("failed: {what}") }
    }

    /// A step that was stopped before its end: it did not fail.
    pub fn stopped(what: &str) -> Self {
        Self { about: About::Other, text: format!("stopped: {what}") }
    }

    /// An act or an undo that did not end well.
    pub fn of(ending: Option<Ending>, what: &str) -> Self {
        if ending == Some(Ending::Cancelled) { Self::stopped(what) } else { Self::failed(what) }
    }

    pub fn refused(why: impl std::fmt::Display) -> Self {
        Self { about: About::Refused, text: format!("refused: {why}") }
    }

    pub fn unknown(what: &str) -> Self {
        Self { about: About::Unknown, text: format!("outcome unknown: {what}") }
    }
}

impl Engine {
    /// Asks what to do about a step that failed or was stopped.
    pub(super) async fn decide_failure(&mut self, step: u32) -> Result<()> {
        let planned = self.planned(step)?;
        if planned.verb == Verb::Notify && self.pass_notice(step, &planned)? {
            return Ok(());
        }
        let detail = self.detail(step).unwrap_or_else(|| "no reason is known".to_owned());
        let ending = self.view().step(step).and_then(|view| view.outcome.as_ref()).map(|end| end.ending);
        let matter = Matter::of(ending, &detail);
        if self.is_at_work(step, &planned, &matter).await? {
            return Ok(());
        }
        self.decide(step, &planned, matter, self.past(&planned)).await
    }

    /// Asks what to do about a step whose preview was refused or failed. While the run is ending, it is recorded, and
    /// the ending goes on.
    pub(super) async fn decide_refusal(&mut self, step: u32, refusal: &Error) -> Result<()> {
        let matter = match refusal.kind {
            Kind::Refused => Matter::refused(refusal),
            _ => Matter { about: About::Other, text: format!("no preview: {refusal}") },
        };
        if self.ending {
            if self.is_stopped() {
                return Ok(());
            }
            let reason = format!("it could not run: {}", matter.text);
            return self.write(Event::StepSkipped { step, reason }).map(drop);
        }
        let planned = self.planned(step)?;
        self.decide(step, &planned, matter, Some(Choice::Skip)).await
    }

    /// Asks what to do about a step that cannot run; `past` is the choice to go on without it, if there is one.
    pub(super) async fn decide(
        &mut self,
        step: u32,
        planned: &Step,
        matter: Matter,
        past: Option<Choice>,
    ) -> Result<()> {
        if self.rolls_back_unasked(planned) {
            return self.write(Event::AbortRequested { undo: true }).map(drop);
        }
        let menu = self.meaning(step, &self.menu(planned, past));
        self.choose(step, matter, menu).await
    }

    /// The effect of each choice.
    pub(super) fn meaning(&self, step: u32, choices: &[Choice]) -> Vec<(Choice, String)> {
        choices.iter().map(|choice| (*choice, self.means(step, *choice))).collect()
    }

    /// Offers choices to a person; `None` if the prompt closed without an answer.
    pub(super) async fn chosen(
        &mut self,
        step: u32,
        matter: Matter,
        menu: Vec<(Choice, String)>,
    ) -> Result<Option<(Choice, String)>> {
        self.chosen_of(step, matter, menu, None).await
    }

    /// Like [`Self::chosen`], for an answer that must name the digest of what would run.
    pub(super) async fn chosen_of(
        &mut self,
        step: u32,
        matter: Matter,
        menu: Vec<(Choice, String)>,
        set: Option<Digest>,
    ) -> Result<Option<(Choice, String)>> {
        let (choices, means) = menu.into_iter().unzip();
        let Matter { about, text } = matter;
        Ok(match self.ask(step, Ask::Decide { about, text, choices, means, set }).await? {
            Asked::Answered(_, Answer::Decide { choice, reason }) => Some((choice, reason)),
            _ => None,
        })
    }

    /// Offers choices to a person, and carries out the chosen one.
    pub(super) async fn choose(&mut self, step: u32, matter: Matter, menu: Vec<(Choice, String)>) -> Result<()> {
        match self.chosen(step, matter, menu).await? {
            Some((choice, reason)) => self.follow(step, choice, reason),
            None => Ok(()),
        }
    }

    /// Carries out a choice.
    pub(super) fn follow(&mut self, step: u32, choice: Choice, reason: String) -> Result<()> {
        match choice {
            Choice::Retry | Choice::Emergency => self.retrying = Some(step),
            // The answer is enough: the run is held. The caller that offered `end` ends the processes.
            Choice::Hold | Choice::End | Choice::RunChanged => {}
            Choice::Skip | Choice::Override => drop(self.write(Event::StepSkipped { step, reason })?),
            Choice::Rollback => drop(self.write(Event::AbortRequested { undo: true })?),
            Choice::Abort => drop(self.write(Event::AbortRequested { undo: false })?),
            Choice::Done | Choice::NotDone | Choice::Undone | Choice::NotUndone => {
                self.write(Event::StepResolved { step, choice, evidence: reason })?;
            }
        }
        Ok(())
    }

    /// Whether a failure starts the rollback without a prompt: the plan requires it, and the step does not override
    /// it.
    fn rolls_back_unasked(&self, planned: &Step) -> bool {
        let by_itself = self.plan.rollback.as_ref().is_some_and(|rollback| rollback.on_fail == OnFail::Rollback);
        by_itself && planned.on_fail.is_empty() && !self.is_stopped()
    }

    /// Settles an unknown outcome: by the step's own proof, because it is safe to repeat, or by a person. Before a
    /// rollback nothing is repeated; the question is whether there is anything to undo.
    pub(super) async fn settle(&mut self, step: u32, rolling_back: bool) -> Result<()> {
        let planned = self.planned(step)?;
        if planned.verb == Verb::Notify && self.pass_notice(step, &planned)? {
            return Ok(());
        }
        // A process that still runs may yet have its effect, or run beside a second one: settle nothing before it
        // ends.
        if self.is_at_work(step, &planned, &Matter::unknown("its shim is gone")).await? {
            return Ok(());
        }
        // A notice must not be sent a second time unnoticed.
        let safe = (planned.effect == EffectClass::Read && planned.verb != Verb::Notify) || planned.rerun_safe;
        let changed = self.changed_proof(step, &planned);
        let seen = self.look_at_effect(step, &planned).await?.filter(|_| !rolling_back || !self.is_stopped());
        let proof = seen.as_ref().filter(|_| planned.prove.is_some());
        let settled = match proof {
            Some(end) if end.ending == Ending::Ok => Some((Choice::Done, format!("proved: {}", end.detail))),
            Some(end) if end.ending == Ending::Failed => Some((Choice::NotDone, format!("proved: {}", end.detail))),
            _ if safe && !rolling_back => Some((Choice::NotDone, "safe to repeat".to_owned())),
            _ => None,
        };
        if let Some((choice, evidence)) = settled {
            return self.write(Event::StepResolved { step, choice, evidence }).map(drop);
        }
        let mut detail = self.detail(step).unwrap_or_default();
        if let Some(why) = changed.filter(|why| !detail.contains(why)) {
            detail = format!("{detail}; the proof: {why}");
        }
        let seen = seen.filter(|end| !end.detail.is_empty() && !detail.contains(&end.detail));
        if let Some(seen) = &seen {
            detail = format!("{detail}; looked at now: {}", seen.detail);
        }
        if rolling_back {
            let mut menu = vec![
                (Choice::Done, "its effect is there, wholly or in part: undo it".to_owned()),
                (Choice::NotDone, "nothing of its effect is there: nothing to undo".to_owned()),
            ];
            menu.extend(self.meaning(step, &[Choice::Hold, Choice::Abort]));
            let text = format!("outcome unknown, and the rollback needs it: {detail}");
            return self.choose(step, Matter { about: About::Unknown, text }, menu).await;
        }
        self.settle_by_person(step, &planned, &detail, seen).await
    }

    /// Looks, without acting, at the effect of an attempt with an unknown outcome. For a step without a proof the
    /// adapter may count: a person sees the count, and it settles nothing.
    async fn look_at_effect(&mut self, step: u32, planned: &Step) -> Result<Option<ActEnd>> {
        let counts = planned.act.as_ref().and_then(adapters::counting);
        let Some(prove) = planned.prove.clone().or(counts) else { return Ok(None) };
        self.prove(step, &Step { prove: Some(prove), ..planned.clone() }).await.map(Some)
    }

    /// Asks a person for an unknown outcome. Choosing done against the evidence is possible, and is recorded as that.
    async fn settle_by_person(&mut self, step: u32, planned: &Step, detail: &str, seen: Option<ActEnd>) -> Result<()> {
        // A step that only reads is never settled as passed: it reads again.
        let done = Some(Choice::Done).filter(|_| !matches!(planned.verb, Verb::Check | Verb::Wait));
        let choices = [done, Some(Choice::NotDone), self.past(planned), Some(Choice::Abort)];
        let mut menu = self.meaning(step, &choices.into_iter().flatten().collect::<Vec<_>>());
        let against = seen.filter(|seen| seen.ending != Ending::Ok);
        for (_, means) in menu.iter_mut().filter(|(choice, _)| *choice == Choice::Done && against.is_some()) {
            means.push_str(", against the evidence: give a reason");
        }
        let Some((choice, reason)) = self.chosen(step, Matter::unknown(detail), menu).await? else { return Ok(()) };
        let reason = match against.filter(|_| choice == Choice::Done) {
            Some(seen) => format!("{reason} (against what was looked at: {})", seen.detail),
            None => reason,
        };
        self.follow(step, choice, reason)
    }

    /// The detail of the last attempt at a step.
    fn detail(&self, step: u32) -> Option<String> {
        self.view().step(step).and_then(|view| view.outcome.as_ref()).map(|outcome| outcome.detail.clone())
    }
}
