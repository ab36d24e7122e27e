//! One attempt: intent, shim, outcome.

use crate::domain::error::Result;
use crate::domain::{Actor, Digest, EffectClass, Error, PromptId, Verb, quantity};
use crate::journal::log::{self, CAP_FIRST, CAP_LAST};
use crate::journal::record::{Ending, Event, Outcome};
use crate::procedure::plan::Step;
use crate::runner::act::NOT_BEGUN;
use crate::runner::adapters::reach::Ended;
use crate::runner::adapters::{self, ActEnd, Proof};
use crate::runner::engine::Engine;
use crate::runner::rundir::{LARGEST_OF_ATTEMPT, read_bounded};
use crate::runner::shim::{ChildSpec, Exit, Spec, Stopped};
use crate::runner::{failpoint, survivors};
use std::path::Path;

/// How many of the last lines on standard error are shown with an exit code.
const LAST_ERRORS: usize = 3;

/// The state of an attempt, from its directory alone.
pub enum Found {
    /// Provably never started.
    NotStarted,
    /// It ended; its exit.
    Ended(Box<Exit>),
    /// It started, and no outcome was recorded.
    Lost(String),
}

/// The name of an attempt at a step; steps count from 1.
pub fn name(step: u32, attempt: u32) -> String {
    survivors::name_of_attempt(step, attempt, false)
}

/// The name of an attempt at a step's undo.
pub fn undo_name(step: u32, attempt: u32) -> String {
    survivors::name_of_attempt(step, attempt, true)
}

/// Whether an attempt is an undo.
pub fn is_undo(name: &str) -> bool {
    survivors::is_undo(name)
}

impl Engine {
    /// Runs a step once: the intent is durable before the start, the outcome after the end.
    pub(super) async fn attempt_step(
        &mut self,
        step: u32,
        planned: &Step,
        set: Option<Digest>,
        permit: Option<PromptId>,
    ) -> Result<()> {
        let me = self.me.clone();
        self.attempt_for(&me, step, planned, set, permit).await
    }

    /// Like [`Self::attempt_step`], on behalf of an actor.
    pub(super) async fn attempt_for(
        &mut self,
        actor: &Actor,
        step: u32,
        planned: &Step,
        set: Option<Digest>,
        permit: Option<PromptId>,
    ) -> Result<()> {
        if planned.effect > EffectClass::Read && self.keep_reading().await? {
            // Stopped before it began.
            return Ok(());
        }
        for lock in &self.locks {
            lock.confirm()?;
        }
        // The last check before the intent: reading the panes may have taken long.
        if let (Some(permit), Some(set)) = (&permit, &set)
            && self.has_drifted(step, permit, set).await?
        {
            return Ok(());
        }
        if planned.verb == Verb::UndoOf {
            return self.begin_undoing(step, planned, set, permit).await;
        }
        let Some(action) = &planned.act else {
            return Err(Error::machine(format!("run step {}", step + 1), "it has no action"));
        };
        let attempt = self.view().step(step).map_or(0, |view| view.attempts) + 1;
        let name = name(step, attempt);
        let (effect, log) = (planned.effect, format!("{name}.log"));
        failpoint::pass("intent.pre");
        if !self.intend(actor, Event::StepIntent { step, attempt, effect, set: set.clone(), permit, log })? {
            return Ok(());
        }
        failpoint::pass("intent.post");
        if adapters::is_look(action) {
            return self.see(step, attempt, planned, action).await;
        }
        let found = self.launch(&name, action, false, set.as_ref(), planned.timeout_s).await?;
        self.finish(step, attempt, planned, found, false).await
    }

    /// Proves the step if it has a proof, and records the outcome.
    pub(super) async fn finish(
        &mut self,
        step: u32,
        attempt: u32,
        planned: &Step,
        found: Found,
        recovered: bool,
    ) -> Result<()> {
        let mut outcome = self.conclude(&name(step, attempt), found, recovered);
        if outcome.ending == Ending::Ok && planned.verb == Verb::Do && planned.prove.is_some() {
            let proof = self.prove(step, planned).await?;
            outcome.detail = format!("{}; the proof: {}", outcome.detail, proof.detail);
            outcome.ending = match proof.ending {
                Ending::Ok => Ending::Ok,
                Ending::Unknown => Ending::Unknown,
                _ => Ending::Failed,
            };
        }
        if matches!(planned.verb, Verb::Read | Verb::Check) {
            self.vouch(&mut outcome, planned);
        }
        self.end_attempt(step, attempt, outcome)
    }

    /// Records how an attempt ended.
    pub(super) fn end_attempt(&mut self, step: u32, attempt: u32, mut outcome: Outcome) -> Result<()> {
        if let Some(view) = self.view().step(step) {
            self.keep_whole(&mut outcome, view.head.verb);
        }
        failpoint::pass("outcome.pre");
        self.write(Event::StepOutcome { step, attempt, outcome })?;
        failpoint::pass("outcome.post");
        Ok(())
    }

    /// Checks, read-only, whether a step's effect is present.
    pub(super) async fn prove(&mut self, step: u32, planned: &Step) -> Result<ActEnd> {
        let Some(action) = &planned.prove else {
            return Ok(ActEnd::from(Proof::Unclear("there is no proof".to_owned())));
        };
        if let Some(why) = self.changed_proof(step, planned) {
            return Ok(ActEnd::from(Proof::Unclear(why)));
        }
        let (attempt, set) = self.view().step(step).map_or((0, None), |view| (view.attempts, view.set.clone()));
        let name = self.free_name(&format!("{}.proof", name(step, attempt)));
        let found = self.launch(&name, action, true, set.as_ref(), planned.timeout_s).await?;
        let outcome = self.conclude(&name, found, false);
        // A program proves by its exit code: 0 is done, 1 is not done (like `test`, `grep` and `cmp`), any other is
        // unclear.
        let is_stated = adapters::program(action).is_none() || matches!(outcome.code, Some(0 | 1));
        let ending = match outcome.ending {
            ending @ (Ending::Ok | Ending::Failed) if is_stated => ending,
            _ => Ending::Unknown,
        };
        Ok(ActEnd { counts: outcome.counts, ..ActEnd::new(ending, outcome.detail) })
    }

    /// Builds an outcome from the state of an attempt.
    pub(super) fn conclude(&self, name: &str, found: Found, recovered: bool) -> Outcome {
        let mut outcome = Outcome {
            ending: Ending::Unknown,
            detail: String::new(),
            code: None,
            signal: None,
            took_ms: 0,
            counts: std::collections::BTreeMap::new(),
            log: None,
            recovered,
            unexecuted: matches!(&found, Found::Ended(exit) if exit.not_started.is_some()),
            evidence: None,
            whole: std::collections::BTreeMap::new(),
        };
        match found {
            Found::NotStarted => {
                outcome.ending = Ending::NotStarted;
                "its shim was gone before it began".clone_into(&mut outcome.detail);
            }
            Found::Lost(why) => outcome.detail = why,
            Found::Ended(exit) => {
                let result = self.result(name);
                let acts = changes_targets(&self.dir.attempt(name));
                let (ending, mut detail) = judge(&exit, result.as_ref(), acts);
                if matches!(ending, Ending::Failed | Ending::Unknown) && result.is_none() {
                    let lines = log::last_errors(&self.dir.log(&exit.log.file), LAST_ERRORS);
                    if !lines.is_empty() {
                        detail = format!("{detail}; last output: {}", lines.join(" · "));
                    }
                }
                // Show the name of a failed step in the prompt.
                if exit.left_running > 0 && ending == Ending::Ok {
                    detail = format!("{detail}; {} of its processes still run", exit.left_running);
                }
                if exit.log.dropped > 0 && exit.log.bytes <= CAP_FIRST + CAP_LAST {
                    detail =
                        format!("{detail}; the disk did not take {} of its log", quantity::bytes(exit.log.dropped));
                }
                if let Some(words) = exit.sessions.as_ref().and_then(Ended::words) {
                    detail = format!("{detail}; {words}");
                }
                outcome.ending = ending;
                outcome.detail = detail;
                let (counts, evidence) = result.map(|end| (end.counts, end.evidence)).unwrap_or_default();
                (outcome.counts, outcome.evidence) = (counts, evidence);
                (outcome.code, outcome.signal) = (exit.code, exit.signal);
                outcome.took_ms = exit.took_ms;
                outcome.log = Some(exit.log);
            }
        }
        outcome
    }

    /// The result that the act process reported.
    fn result(&self, name: &str) -> Option<ActEnd> {
        let bytes = read_bounded(&self.dir.attempt(name).join("result.json"), LARGEST_OF_ATTEMPT).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// Whether an attempt was an act of an adapter that changes targets, not a look or an external program.
fn changes_targets(dir: &Path) -> bool {
    let spec = read_bounded(&dir.join("spec.json"), LARGEST_OF_ATTEMPT).ok();
    let spec = spec.and_then(|bytes| serde_json::from_slice::<Spec>(&bytes).ok());
    spec.is_some_and(
        |spec| matches!(spec.child, ChildSpec::Act { action, prove: false, .. } if action.least > EffectClass::Read),
    )
}

/// Judges how an act ended, from the shim's exit and the act's own result.
///
/// An act that `changes` targets and ended without a result may have done its work. Two ends are exceptions: TERM
/// alone, because the act listens for it before it touches anything, and [`NOT_BEGUN`].
fn judge(exit: &Exit, result: Option<&ActEnd>, changes: bool) -> (Ending, String) {
    if let Some(why) = &exit.not_started {
        return (Ending::Failed, format!("could not be started: {why}"));
    }
    if let Some(what) = &exit.replaced {
        let was = if exit.stopped.is_some() { "it was stopped" } else { "it had ended" };
        return (Ending::Unknown, format!("what ran is not what was confirmed: {what}; {was}"));
    }
    let so_far = result.map(|result| format!(": {}", result.detail)).unwrap_or_default();
    match (exit.stopped, result, exit.code, exit.signal) {
        (_, None, Some(NOT_BEGUN), _) if changes => (Ending::Failed, "it touched nothing".to_owned()),
        (_, None, Some(code), _) if changes => (Ending::Unknown, format!("exit code {code}, and it kept no result")),
        // An act that was stopped and does not know its effect reports that.
        (Some(_), Some(result), ..) if result.ending == Ending::Unknown => (Ending::Unknown, result.detail.clone()),
        (_, None, _, Some(signal)) if changes && signal != signal_hook::consts::SIGTERM => {
            (Ending::Unknown, format!("killed by signal {signal}, and it kept no result"))
        }
        (Some(Stopped::TimedOut), ..) => (Ending::TimedOut, format!("stopped when its time was up{so_far}")),
        (Some(Stopped::Cancelled | Stopped::Replaced), ..) => {
            (Ending::Cancelled, format!("stopped on request{so_far}"))
        }
        (None, Some(result), ..) => (result.ending, result.detail.clone()),
        (None, None, Some(0), _) => (Ending::Ok, "exit code 0".to_owned()),
        (None, None, Some(code), _) => (Ending::Failed, format!("exit code {code}")),
        (None, None, None, Some(signal)) => (Ending::Failed, format!("killed by signal {signal}")),
        (None, None, None, None) => (Ending::Unknown, "it ended and left no status".to_owned()),
    }
}

/// The state of an attempt from its directory, once its lock is free.
pub fn examine(dir: &Path) -> Found {
    let read = |name: &str| read_bounded(&dir.join(name), 1 << 20).ok();
    if let Some(exit) = read("exit.json").and_then(|bytes| serde_json::from_slice::<Exit>(&bytes).ok()) {
        return Found::Ended(Box::new(exit));
    }
    if !dir.join("shim.json").exists() || survivors::never_began(dir) {
        return Found::NotStarted;
    }
    Found::Lost("its shim is gone and kept no outcome".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_that_kept_no_result_is_unknown_unless_it_provably_touched_nothing() {
        let ended = |code: Option<i32>, signal: Option<i32>| Exit { code, signal, ..Exit::default() };
        let ending = |exit: &Exit, changes| judge(exit, None, changes).0;
        for code in [0, 1, 2, 101] {
            assert_eq!(ending(&ended(Some(code), None), true), Ending::Unknown, "{code}");
        }
        let stopped = Exit { stopped: Some(Stopped::TimedOut), ..ended(Some(1), None) };
        assert_eq!(ending(&stopped, true), Ending::Unknown);
        assert_eq!(ending(&ended(Some(NOT_BEGUN), None), true), Ending::Failed);
        assert_eq!(ending(&ended(None, Some(signal_hook::consts::SIGKILL)), true), Ending::Unknown);
        // A program and a look have no result file: their exit code is the result.
        assert_eq!(ending(&ended(Some(0), None), false), Ending::Ok);
        assert_eq!(ending(&ended(Some(1), None), false), Ending::Failed);
    }
}
