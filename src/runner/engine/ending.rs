//! Ends a run that did not complete its steps.
//!
//! ```text
//! stopped ─▶ the rollback, if asked for ─▶ its checks again ─▶ what is taken in every ending ─▶ seal
//! ```
//! All of it stands in the journal, so that another runner goes on exactly where this one was killed.

use crate::domain::error::Result;
use crate::domain::{Order, RunStatus, StepState, Verb};
use crate::journal::fold::StepView;
use crate::journal::record::{Ending, Event, Outcome};
use crate::journal::witness::{SEAL, Seal};
use crate::probes::clock;
use crate::procedure::plan::{Action, Step};
use crate::runner::adapters;
use crate::runner::control::Call;
use crate::runner::engine::Engine;
use crate::runner::protocol::Reply;
use crate::runner::rundir::write_durably;
use crate::runner::{failpoint, survivors};

impl Engine {
    /// Whether an abort request is still to be handled.
    pub(super) fn is_stopped(&self) -> bool {
        self.view().aborts() > self.aborts_seen
    }

    /// Whether a person has put the run on hold.
    pub(super) fn is_held(&self) -> bool {
        self.view().held().is_some()
    }

    /// Whether a rollback was requested, and not stopped since.
    pub(super) fn rolls_back(&self) -> bool {
        self.view().abort.as_ref().is_some_and(|(_, undo)| *undo)
    }

    /// Records another request for the rollback; the undo at work goes on.
    pub(super) fn ask_once_more(&mut self, call: Call) -> Result<()> {
        let text = "asked again for the rollback, which is under way".to_owned();
        let record = self.write_as(&call.actor, Event::Note { step: None, text })?;
        let _ = call.reply.send(Reply::Accepted { seq: record.seq });
        Ok(())
    }

    /// Ends the run: undoes what ran, if requested; runs the cleanup steps; seals. Another abort request ends the
    /// current action, and decides again about the rollback.
    pub(super) async fn stop(&mut self) -> Result<RunStatus> {
        self.ending = true;
        loop {
            self.aborts_seen = self.view().aborts();
            let undo = self.rolls_back();
            self.end_all_living(undo).await?;
            self.let_go()?;
            if undo {
                self.go_back().await?;
                if !self.is_stopped() && !self.is_held() {
                    self.prove_again().await?;
                }
            }
            if !self.is_stopped() && !self.is_held() {
                self.take_always().await?;
            }
            if self.is_held() {
                return Ok(RunStatus::Held);
            }
            if !self.is_stopped() {
                break;
            }
        }
        self.end_all_living(false).await?;
        let failed = self.view().steps.iter().any(|step| self.went_wrong(step));
        self.seal(if failed { RunStatus::Failed } else { RunStatus::Aborted })
    }

    /// Whether a step failed and was not settled; a step that was stopped with the run did not fail.
    fn went_wrong(&self, step: &StepView) -> bool {
        // In a checklist, a check that did not pass leaves its item open; nothing failed.
        let judged = self.plan.order == Order::Listed || step.head.verb == Verb::Do;
        let ended = |ending: &[Ending]| step.outcome.as_ref().is_some_and(|end| ending.contains(&end.ending));
        match step.state {
            StepState::Failed => judged,
            // It was undone, but it failed before.
            StepState::Undone => judged && ended(&[Ending::Failed, Ending::TimedOut]),
            _ => false,
        }
    }

    /// Ends an `undo_of` that was at work when the run stopped; one in a cleanup step goes on in its turn.
    fn let_go(&mut self) -> Result<()> {
        let Some((step, attempt)) = self.view().undoing() else { return Ok(()) };
        if self.view().step(step).is_some_and(|view| view.head.always) {
            return Ok(());
        }
        self.end_undoing(step, attempt)
    }

    /// Ends an `undo_of` that was stopped, with what it undid until then.
    fn end_undoing(&mut self, step: u32, attempt: u32) -> Result<()> {
        let detail = format!("stopped on request; {}", self.undo_context(step));
        self.end_attempt(step, attempt, plain(Ending::Cancelled, detail))
    }

    /// Repeats the checks that prove the state after the rollback; each once.
    async fn prove_again(&mut self) -> Result<()> {
        let checks = self.view().rollback.as_ref().map(|rollback| rollback.prove.clone()).unwrap_or_default();
        for step in checks {
            let done = self.view().rollback_state.as_ref().is_none_or(|way| way.proved.contains_key(&step));
            if done || self.is_stopped() {
                continue;
            }
            let planned = self.planned(step)?;
            let Some(action) = planned.act.clone() else { continue };
            let outcome = self.check_again(step, &planned, &action).await?;
            if outcome.ending == Ending::NotStarted || self.is_stopped() {
                continue;
            }
            self.write(Event::RollbackProved { step, outcome })?;
            failpoint::pass("rollback.proved");
        }
        Ok(())
    }

    async fn check_again(&mut self, step: u32, planned: &Step, action: &Action) -> Result<Outcome> {
        if adapters::is_look(action) {
            return Ok(self.look(step, planned, action).await?.0);
        }
        let name = self.free_name(&format!("{}.after", step + 1));
        let found = self.launch(&name, action, false, None, planned.timeout_s).await?;
        let mut outcome = self.conclude(&name, found, false);
        self.vouch(&mut outcome, planned);
        Ok(outcome)
    }

    /// Runs the cleanup steps that have not run; each once, with any outcome.
    async fn take_always(&mut self) -> Result<()> {
        while let Some(step) = self.next_always() {
            self.step(step).await?;
            if self.is_held() {
                return Ok(());
            }
            if self.is_stopped() {
                return self.leave_out(step);
            }
        }
        Ok(())
    }

    /// The first cleanup step that is not finished; before it, an undo with an unknown outcome.
    fn next_always(&self) -> Option<u32> {
        let steps = || (0_u32..).zip(&self.view().steps);
        let open = |step: &StepView| {
            matches!(step.state, StepState::Planned | StepState::Running | StepState::Waiting | StepState::Unknown)
        };
        let of_undo = |number: &u32| {
            let named = |by: &StepView| by.head.always && open(by) && by.head.undo_of.contains(number);
            self.view().steps.iter().any(named)
        };
        let wanted = || steps().filter(|(number, _)| !self.passed.contains(number));
        let unknown = wanted().find(|(number, step)| step.undo_is_unknown() && of_undo(number));
        let next = unknown.or_else(|| wanted().find(|(_, step)| step.head.always && open(step)));
        next.map(|(number, _)| number)
    }

    /// Skips a cleanup step.
    fn leave_out(&mut self, step: u32) -> Result<()> {
        self.passed.push(step);
        if let Some((_, attempt)) = self.view().undoing().filter(|(at_work, _)| *at_work == step) {
            return self.end_undoing(step, attempt);
        }
        let planned = self.view().step(step).is_some_and(|view| view.state == StepState::Planned && view.head.always);
        if planned {
            let reason = "the run was aborted during its prompt".to_owned();
            self.write(Event::StepSkipped { step, reason })?;
        }
        Ok(())
    }

    pub(super) fn seal(&mut self, status: RunStatus) -> Result<RunStatus> {
        self.read_after()?;
        failpoint::pass("seal.pre");
        let unknown = self.view().unknown();
        let rolled_back = self.view().went_back();
        let sealed = self.write(Event::RunSealed { status, unknown, rolled_back })?;
        // A second seal beside the journal reveals a later truncation. The journal is complete without it.
        let seal = Seal { records: sealed.seq, head: sealed.h };
        if let Ok(bytes) = serde_json::to_vec(&seal) {
            let _ = write_durably(&self.dir.path.join(SEAL), &bytes);
        }
        failpoint::pass("seal.post");
        let _ = survivors::remove_groups(&self.dir);
        Ok(status)
    }

    /// An unused name for a look beside the attempts.
    pub(super) fn free_name(&self, stem: &str) -> String {
        let mut tries = 1_u32;
        loop {
            let name = format!("{stem}{tries}");
            if !self.dir.attempt(&name).exists() {
                return name;
            }
            tries += 1;
        }
    }
}

/// An outcome that the runner itself determines.
pub(super) fn plain(ending: Ending, detail: String) -> Outcome {
    Outcome {
        ending,
        detail,
        code: None,
        signal: None,
        took_ms: 0,
        counts: std::collections::BTreeMap::new(),
        log: None,
        recovered: false,
        unexecuted: false,
        evidence: None,
        whole: std::collections::BTreeMap::new(),
    }
}

/// Like [`plain`], with the time since a moment of this boot.
pub(super) fn timed(ending: Ending, detail: String, began: crate::domain::Boot) -> Outcome {
    let took = clock::boot().since(began);
    Outcome { took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX), ..plain(ending, detail) }
}
