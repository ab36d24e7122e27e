//! The rollback: the undo of each step that ran, last first, at most once.
//!
//! ```text
//! asked for ─▶ what is unknown is settled ─▶ rollback.began ─▶ undo.intent ─▶ shim ─▶ undo.outcome ─▶ next
//!                               over its budget, not what was confirmed, failed, unknown ─▶ prompt: decide
//! ```
//! An undo acts on the frozen set of its step, with the facts that the run captured before the step acted. One that was
//! tried is not tried again, unless a person wants that.

use crate::domain::error::Result;
use crate::domain::{Digest, Error, Kind, PromptId, StepState, quantity};
use crate::journal::fold::StepView;
use crate::journal::record::{About, Choice, Ending, Event, Outcome};
use crate::probes::clock;
use crate::procedure::plan::{Step, UndoPlan};
use crate::runner::engine::decide::Matter;
use crate::runner::engine::ending::timed;
use crate::runner::engine::menu::as_it_is;
use crate::runner::engine::{Engine, attempt};
use crate::runner::{failpoint, survivors};
use std::time::Duration;

/// For how many seconds an undo that did nothing is tried again, if no budget is shorter.
const AGAIN_S: u64 = 300;

impl Engine {
    /// Undoes what ran, down to the phase that the plan names, until no undo is left or the rollback is stopped.
    pub(super) async fn go_back(&mut self) -> Result<()> {
        while let Some(step) = self.to_settle() {
            self.settle(step, true).await?;
            if self.is_stopped() || self.is_held() {
                return Ok(());
            }
        }
        self.begin_rollback()?;
        while !self.is_stopped() && !self.is_held() {
            let unknown = self.first(StepView::undo_is_unknown);
            let pending = self.view().pending_undos().into_iter().find(|step| !self.view().is_left(*step));
            match (unknown, pending) {
                (Some(step), _) => self.settle_undo(step).await?,
                (None, Some(step)) if !self.view().may_undo(step) => self.decide_undo(step).await?,
                (None, Some(step)) => {
                    if self.is_within_budget(step).await? && self.is_as_confirmed(step).await? {
                        self.undo(step).await?;
                    }
                }
                (None, None) => return Ok(()),
            }
        }
        Ok(())
    }

    fn begin_rollback(&mut self) -> Result<()> {
        let steps = self.view().pending_undos();
        if self.view().rollback_state.is_some() || (steps.is_empty() && self.plan.rollback.is_none()) {
            return Ok(());
        }
        let failed = self.first(|step| step.state == StepState::Failed);
        let why = match failed {
            Some(step) => format!("step {} failed", step + 1),
            None => "the run was stopped".to_owned(),
        };
        let takes_s = self.undo_time(&steps).filter(|_| !steps.is_empty());
        self.write(Event::RollbackBegan { why, steps, takes_s })?;
        failpoint::pass("rollback.began");
        Ok(())
    }

    fn first(&self, so: impl Fn(&StepView) -> bool) -> Option<u32> {
        let found = self.view().steps.iter().position(so)?;
        u32::try_from(found).ok()
    }

    /// How long the undo of these steps should take, in seconds, if all of them declare it.
    pub(super) fn undo_time(&self, steps: &[u32]) -> Option<u64> {
        let takes = |step: &u32| self.view().step(*step).and_then(|view| view.head.takes_s);
        steps.iter().try_fold(0_u64, |sum, step| sum.checked_add(takes(step)?))
    }

    /// The first step for which it is unknown whether there is anything to undo.
    fn to_settle(&self) -> Option<u32> {
        self.first(|step| step.state == StepState::Unknown && step.head.can_undo && !step.undo_is_unknown())
    }

    /// Whether the rollback still fits its budget; asks once if it does not.
    async fn is_within_budget(&mut self, step: u32) -> Result<bool> {
        let Some(budget) = self.view().rollback.as_ref().and_then(|rollback| rollback.budget_s) else {
            return Ok(true);
        };
        let pending: Vec<u32> =
            self.view().pending_undos().into_iter().filter(|step| !self.view().is_left(*step)).collect();
        let takes = |step: &u32| self.view().step(*step).and_then(|view| view.head.takes_s).unwrap_or(0);
        let rest = pending.iter().map(takes).fold(0_u64, u64::saturating_add);
        let way = self.view().rollback_state.as_ref().map(|way| way.steps.clone()).unwrap_or_default();
        let took =
            |step: &u32| self.view().step(*step).and_then(|view| view.undo.as_ref()).map_or(0, |undo| undo.took_ms);
        let spent = way.iter().map(took).fold(0_u64, u64::saturating_add) / 1000;
        if self.view().is_beyond_budget() || spent.saturating_add(rest) <= budget {
            return Ok(true);
        }
        let span = |seconds| quantity::span(Duration::from_secs(seconds));
        let count = quantity::counted(pending.len() as u64, "step", "steps");
        let text = format!(
            "over budget: to undo {count} needs ~{}, {} is spent, and the rollback has {}",
            span(rest),
            span(spent),
            span(budget)
        );
        let menu = vec![
            (Choice::Hold, self.means(step, Choice::Hold)),
            (Choice::Rollback, format!("undo {count} anyway, ~{}", span(rest))),
            (Choice::Abort, format!("stop the rollback; leave {}", as_it_is(pending.len() as u64))),
        ];
        self.choose_on_the_way(step, Matter { about: About::Other, text }, menu).await?;
        Ok(false)
    }

    /// Offers a choice about the rollback. The answer itself records whether to go on or to leave a step.
    async fn choose_on_the_way(&mut self, step: u32, matter: Matter, menu: Vec<(Choice, String)>) -> Result<()> {
        match self.chosen(step, matter, menu).await? {
            Some((Choice::Abort, _)) => self.write(Event::AbortRequested { undo: false }).map(drop),
            _ => Ok(()),
        }
    }

    /// Asks what to do about a step whose undo failed.
    async fn decide_undo(&mut self, step: u32) -> Result<()> {
        let ending = self.view().step(step).and_then(|view| view.undo.as_ref()).map(|end| end.ending);
        let matter = Matter::of(ending, &format!("the undo: {}", self.undo_detail(step)));
        if self.undo_is_at_work(step, &matter).await? {
            return Ok(());
        }
        let mut menu = vec![(Choice::Retry, "run the undo again".to_owned())];
        menu.extend(self.past_an_undo(step));
        self.choose_on_the_way(step, matter, menu).await
    }

    /// The choice to leave a step whose undo does not run.
    pub(super) fn past_an_undo(&self, step: u32) -> [(Choice, String); 3] {
        let left = self.view().pending_undos().len() as u64;
        let undos = quantity::counted(left.saturating_sub(1), "undo", "undos");
        [
            (Choice::Skip, format!("leave this step, with a reason; {undos} to go")),
            (Choice::Hold, self.means(step, Choice::Hold)),
            (Choice::Abort, format!("stop the rollback; leave {}", as_it_is(left))),
        ]
    }

    /// Asks about processes of a step's last undo that still run; `false` if there are none.
    async fn undo_is_at_work(&mut self, step: u32, how: &Matter) -> Result<bool> {
        let attempt = self.view().step(step).map_or(0, |view| view.undo_attempts);
        let name = attempt::undo_name(step, attempt);
        let alive = survivors::left_of(&self.dir.attempt(&name));
        if !alive.is_empty() {
            self.decide_at_work(step, name, how, &alive).await?;
        }
        Ok(!alive.is_empty())
    }

    /// The detail of a step's last undo.
    fn undo_detail(&self, step: u32) -> String {
        self.view().step(step).and_then(|view| view.undo.as_ref()).map(|end| end.detail.clone()).unwrap_or_default()
    }

    /// Settles an undo with an unknown outcome: by the step's own proof that its effect is gone, else by a person.
    pub(super) async fn settle_undo(&mut self, step: u32) -> Result<()> {
        let planned = self.planned(step)?;
        if self.undo_is_at_work(step, &Matter::unknown("the undo: its shim is gone")).await? {
            return Ok(());
        }
        if planned.prove.is_some() {
            let proof = self.prove(step, &planned).await?;
            if self.is_stopped() {
                return Ok(());
            }
            if proof.ending == Ending::Failed {
                let evidence = format!("proved: {}", proof.detail);
                return self.write(Event::StepResolved { step, choice: Choice::Undone, evidence }).map(drop);
            }
        }
        let matter = Matter::unknown(&format!("the undo: {}", self.undo_detail(step)));
        let menu = self.meaning(step, &[Choice::Undone, Choice::NotUndone, Choice::Hold, Choice::Abort]);
        self.choose(step, matter, menu).await
    }

    /// Runs a step's undo once, on the set that the step acted on.
    pub(super) async fn undo(&mut self, step: u32) -> Result<Outcome> {
        let planned = self.planned(step)?;
        let UndoPlan::Undo(action) = &planned.undo else {
            return Err(Error::new(Kind::Damaged, format!("step {} has no undo in the plan", step + 1)));
        };
        for lock in &self.locks {
            lock.confirm()?;
        }
        // The rollback goes on past the window's end, and that is recorded.
        self.watch_window()?;
        let (attempt, set) = match self.view().step(step) {
            Some(view) => (view.undo_attempts + 1, view.set.clone()),
            None => (1, None),
        };
        let name = attempt::undo_name(step, attempt);
        let log = format!("{name}.log");
        self.write(Event::UndoIntent { step, attempt, set: set.clone(), log })?;
        failpoint::pass("undo.intent");
        let found = self.launch(&name, action, false, set.as_ref(), planned.timeout_s).await?;
        let outcome = self.conclude(&name, found, false);
        self.end_undo(step, attempt, outcome)
    }

    /// For how many seconds an undo that did nothing is tried again: within its budget and well within its own
    /// timeout.
    pub(super) fn again_s(&self, timeout_s: u64) -> u64 {
        let budget = self.view().rollback.as_ref().and_then(|rollback| rollback.budget_s);
        budget.unwrap_or(AGAIN_S).min(AGAIN_S).min(timeout_s / 2)
    }

    /// Records how an undo ended.
    pub(super) fn end_undo(&mut self, step: u32, attempt: u32, outcome: Outcome) -> Result<Outcome> {
        self.write(Event::UndoOutcome { step, attempt, outcome: outcome.clone() })?;
        failpoint::pass("undo.outcome");
        Ok(outcome)
    }

    /// Begins an `undo_of`, and runs the undo of each step that it names.
    pub(super) async fn begin_undoing(
        &mut self,
        step: u32,
        planned: &Step,
        set: Option<Digest>,
        permit: Option<PromptId>,
    ) -> Result<()> {
        let attempt = self.view().step(step).map_or(0, |view| view.attempts) + 1;
        let log = format!("{}.log", attempt::name(step, attempt));
        self.keep_log(&log, format!("{}\n", self.mask(&planned.text)).as_bytes());
        failpoint::pass("intent.pre");
        self.write(Event::StepIntent { step, attempt, effect: planned.effect, set, permit, log })?;
        failpoint::pass("intent.post");
        self.go_on_undoing(step).await
    }

    /// Runs the remaining undos of the `undo_of` at work, last first. While the run is ending, a failed undo does not
    /// stop the others.
    pub(super) async fn go_on_undoing(&mut self, step: u32) -> Result<()> {
        let began = clock::boot();
        let Some((_, attempt)) = self.view().undoing().filter(|(at_work, _)| *at_work == step) else {
            return Err(Error::new(Kind::Damaged, format!("step {} is not at work", step + 1)));
        };
        loop {
            if self.is_stopped() {
                return Ok(());
            }
            let short = self.undos_short(step);
            let Some(pending) =
                self.view().named_undos(step).first().copied().filter(|_| short.is_none() || self.ending)
            else {
                let ending = short.unwrap_or(Ending::Ok);
                let outcome = timed(ending, self.undo_context(step), began);
                return self.end_attempt(step, attempt, outcome);
            };
            // Boxed: a checklist calls this from an open prompt, and this may open one.
            if !Box::pin(self.is_as_confirmed(pending)).await? || self.undo(pending).await?.ending == Ending::Unknown {
                // It is settled first, or looked at again; then this step goes on.
                return Ok(());
            }
        }
    }

    /// The ending of an `undo_of` that did not undo all its steps; `None` if it did so far. It failed if one undo
    /// failed, and was stopped if undos were only stopped.
    fn undos_short(&self, step: u32) -> Option<Ending> {
        let by = self.view().step(step)?;
        let of_this = |number: &u32| {
            let view = self.view().step(*number)?;
            let short = view.undo_acted > by.acted && view.state != StepState::Undone && view.undo_tried();
            view.undo.as_ref().filter(|_| short).map(|undo| undo.ending)
        };
        let endings: Vec<Ending> = by.head.undo_of.iter().filter_map(of_this).collect();
        let stopped = endings.iter().all(|ending| *ending == Ending::Cancelled);
        (!endings.is_empty()).then_some(if stopped { Ending::Cancelled } else { Ending::Failed })
    }

    /// What an `undo_of` undid, and what it skipped and why: `undid step 5; skipped step 2, which never ran`.
    pub(super) fn undo_context(&self, step: u32) -> String {
        let Some(by) = self.view().step(step) else { return String::new() };
        let (mut took, mut stopped, mut failed, mut passed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for number in by.head.undo_of.iter().rev() {
            let Some(view) = self.view().step(*number) else { continue };
            let name = format!("step {}", number + 1);
            let by_this = by.acted > 0 && view.undo_acted > by.acted;
            match (view.state, by_this) {
                (StepState::Undone, true) => took.push(name),
                (_, true) if view.undo_tried() => {
                    let Some(undo) = view.undo.as_ref() else { continue };
                    let list = if undo.ending == Ending::Cancelled { &mut stopped } else { &mut failed };
                    list.push(format!("{name} ({})", undo.detail));
                }
                _ if self.view().is_left(*number) && !view.undo_tried() => {
                    passed.push(format!("{name}, which was to be left as it is"));
                }
                _ => passed.push(format!("{name}, {}", why_no_undo(view))),
            }
        }
        let facts = [
            ("undid ", took),
            ("did not finish the undo of ", stopped),
            ("could not undo ", failed),
            ("skipped ", passed),
        ];
        let lines: Vec<String> = facts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(word, names)| word.to_owned() + &names.join("; "))
            .collect();
        lines.join("; ")
    }
}

/// Why an `undo_of` skips a step.
pub(super) fn why_no_undo(view: &StepView) -> &'static str {
    match view.state {
        StepState::Undone => "which is undone already",
        StepState::Unknown => "whose outcome is unknown",
        _ if view.undo_tried() => "whose undo was tried already",
        StepState::Skipped => "which was skipped",
        _ if !view.ran => "which never ran",
        _ => "which changed nothing",
    }
}
