//! Executes a plan, step by step. It is the only writer of the run's journal.
//!
//! ```text
//! next step ─▶ check  ─────────────────────────────▶ attempt ─▶ outcome ─▶ next step
//!           ─▶ do     ─▶ freeze ─▶ prompt ─▶ answer ─▶ attempt ─▶ proof ─▶ outcome
//!           ─▶ manual ─▶ prompt ─▶ sign-off          failed or unknown ─▶ prompt: decide
//! ```
//! A stopped run rolls back if requested, and runs its cleanup steps (`ending`, `rollback`).
//! A checklist is walked instead (`walk`): its items are open at once, and people turn to them over the control socket.

mod approval;
mod attempt;
mod bound;
mod created;
mod decide;
mod ending;
mod facts;
mod freeze;
mod launch;
mod look;
mod menu;
mod notify;
mod ownlog;
mod panes;
mod process;
mod prompt;
mod resume;
mod rollback;
mod survivors;
mod wait;
mod walk;
mod when;
mod window;

use crate::domain::error::Result;
use crate::domain::{Actor, EffectClass, Error, Kind, Order, PromptId, PromptScope, RunStatus, StepState, Verb};
use crate::journal::append::Appender;
use crate::journal::fold::{RunView, StepView};
use crate::journal::record::{Answer, Ask, Event, Record};
use crate::journal::witness;
use crate::probes::clock;
use crate::procedure::plan::{Plan, Step};
use crate::runner::control::{self, Call, Control};
use crate::runner::failpoint;
use crate::runner::locks::{self, Held};
use crate::runner::protocol::{Demand, Reply};
use crate::runner::rundir::{RunDir, Taken};
use crate::runner::{identity, lock_targets, policy, presence};
use panes::Pending;
use process::{ignore_hangup, last_words};
use prompt::Asked;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use walk::Wanted;
use window::Hours;

use created::begun;
pub use created::{created, named};
pub use process::Mode;
pub use window::standing;

/// A run at work.
pub struct Engine {
    dir: RunDir,
    plan: Plan,
    journal: Appender,
    me: Actor,
    control: Control,
    answered: Vec<(PromptId, String)>,
    /// Answers that arrived while the open prompt's set was being read again.
    held: VecDeque<Call>,
    /// The failed step that a person retries.
    retrying: Option<u32>,
    /// The attempt whose processes the run waits for while a prompt is open.
    awaited: Option<String>,
    /// How often a file named in arguments changed during its prompt.
    restless: BTreeMap<PathBuf, u32>,
    /// How many abort requests were handled.
    aborts_seen: u32,
    /// The cleanup steps that a person chose to skip.
    passed: Vec<u32>,
    /// Whether the run is stopped and is ending.
    ending: bool,
    /// Requests about checklist items that take time, in order.
    wanted: VecDeque<Wanted>,
    /// Its windows and clocks.
    hours: Hours,
    /// The estate file, for probes.
    estate: Option<PathBuf>,
    /// The reading of every pane before the first change, while it is under way.
    before: Option<Pending>,
    /// The locks; dropping them frees them.
    locks: Vec<Held>,
    // Never read: dropping it frees the run.
    _taken: Taken,
}

/// Executes the run in a directory from its start, or continues it after another runner; calls `ready` once, after
/// the first record is durable.
///
/// # Errors
/// When it cannot begin; when the journal cannot be written, which stops the run at once and is not retried.
pub fn run(path: &Path, mode: Mode, ready: impl FnOnce()) -> Result<RunStatus> {
    let dir = RunDir::at(path)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::machine("start the runner", cause))?;
    let ended = runtime.block_on(async {
        ignore_hangup()?;
        let mut engine = Engine::begin(dir, mode).await?;
        ready();
        let ended = engine.work(mode).await;
        engine.control.close().await;
        if let Err(cause) = &ended {
            last_words(cause);
        }
        ended
    });
    // A preview that hangs on a dead file system must not keep the runner alive.
    runtime.shutdown_background();
    ended
}

impl Engine {
    /// Takes the run, its locks and its journal.
    async fn begin(dir: RunDir, mode: Mode) -> Result<Self> {
        let resume = mode != Mode::Begin;
        let busy = || Error::new(Kind::Locked, format!("run {} has a runner already", dir.id));
        let taken = dir.take()?.ok_or_else(busy)?;
        if let Some(why) = witness::cut(&dir.path).filter(|_| resume) {
            let message = format!("cannot go on with {}: it is damaged: it was cut: {why}", dir.journal().display());
            return Err(Error::new(Kind::Damaged, message));
        }
        let (plan, start) = dir.load()?;
        if let Some(refusal) = policy::refusal(&plan, dir.team().is_some()) {
            return Err(refusal);
        }
        let me = identity::own("runner");
        let held = locks::take_all(&start.locks, lock_targets::of(&plan, &start, &dir, resume).await?, &dir, &me.name)?;
        let hours = Hours::of(&dir, &plan, &start)?;
        let journal = if resume {
            Appender::open(&dir.path, true, me.clone(), clock::now(), None)?
        } else {
            begun(&dir, &plan, &start, &hours)?
        };
        failpoint::pass("run.created");
        let control = control::listen(&dir)?;
        let mut engine = Self {
            dir,
            plan,
            journal,
            me,
            control,
            answered: Vec::new(),
            held: VecDeque::new(),
            retrying: None,
            awaited: None,
            restless: BTreeMap::new(),
            aborts_seen: 0,
            passed: Vec::new(),
            ending: false,
            wanted: VecDeque::new(),
            hours,
            estate: start.estate.clone(),
            before: None,
            locks: Vec::new(),
            _taken: taken,
        };
        if resume {
            engine.write(Event::RunResumed { why: "its runner was gone".to_owned() })?;
        }
        if let Mode::Abort { undo } = mode {
            engine.write_as(&identity::own("abort"), Event::AbortRequested { undo })?;
        }
        for lock in &held {
            engine.write(Event::LockTaken { name: lock.name.clone(), identity: lock.identity.clone() })?;
        }
        failpoint::pass("lock.taken");
        engine.locks = held;
        let why = if resume { "a new runner took over" } else { "the run begins" };
        engine.judge_window(why, clock::now())?;
        Ok(engine)
    }

    /// Works until the run is sealed.
    async fn work(&mut self, mode: Mode) -> Result<RunStatus> {
        if mode != Mode::Begin {
            self.recover().await?;
        }
        self.begin_reading();
        if let Some(reason) = self.view().terms.emergency.clone()
            && !self.approve_start(&format!("Emergency: {reason}")).await?
        {
            return self.stop().await;
        }
        if self.plan.order == Order::Any {
            return self.walk().await;
        }
        loop {
            if self.is_held() {
                return Ok(RunStatus::Held);
            }
            if self.view().abort.is_some() {
                return self.stop().await;
            }
            let Some(step) = self.next() else { return self.seal(RunStatus::Ok) };
            self.keep_reading_if_ready()?;
            self.step(step).await?;
        }
    }

    fn view(&self) -> &RunView {
        self.journal.view()
    }

    /// Writes a record with the runner as actor.
    fn write(&mut self, event: Event) -> Result<Record> {
        let me = self.me.clone();
        self.write_as(&me, event)
    }

    /// Writes a record with the actor who caused it.
    fn write_as(&mut self, actor: &Actor, event: Event) -> Result<Record> {
        let me = self.me.clone();
        let now = self.tick(&me)?;
        self.append(event, actor, now)
    }

    /// The first unfinished step.
    fn next(&self) -> Option<u32> {
        let open = |step: &StepView| !matches!(step.state, StepState::Done | StepState::Skipped | StepState::Undone);
        let found = self.view().steps.iter().position(open)?;
        u32::try_from(found).ok()
    }

    fn planned(&self, step: u32) -> Result<Step> {
        let found = usize::try_from(step).ok().and_then(|index| self.plan.steps.get(index));
        found.cloned().ok_or_else(|| Error::new(Kind::Damaged, format!("the plan has no step {}", step + 1)))
    }

    async fn step(&mut self, step: u32) -> Result<()> {
        let state = self.view().step(step).map(|view| view.state);
        match state {
            Some(StepState::Unknown) if self.view().step(step).is_some_and(StepView::undo_is_unknown) => {
                return self.settle_undo(step).await;
            }
            Some(StepState::Unknown) => return self.settle(step, false).await,
            Some(StepState::Running) => return self.go_on_undoing(step).await,
            Some(StepState::Failed | StepState::Stopped) if self.retrying != Some(step) => {
                return self.decide_failure(step).await;
            }
            _ => {}
        }
        let planned = self.planned(step)?;
        if state == Some(StepState::Planned) && !self.is_wanted(step, &planned).await? {
            return Ok(());
        }
        self.retrying = None;
        match planned.verb {
            Verb::Read | Verb::Check => self.attempt_step(step, &planned, None, None).await,
            Verb::Wait => self.wait(step, &planned).await,
            Verb::Do | Verb::UndoOf => self.act(step, &planned).await,
            Verb::Manual => self.sign(step, &planned).await,
            Verb::Notify => self.notify(step, &planned).await,
            Verb::Approve => self.approve(step, &planned).await,
            // Refused before the start.
            Verb::Use => {
                let message = format!("step {} cannot be run by this version", step + 1);
                Err(Error::new(Kind::Refused, message))
            }
        }
    }

    /// A `do` step: freezes its set, asks for confirmation if its class requires one, and acts on exactly that set.
    async fn act(&mut self, step: u32, planned: &Step) -> Result<()> {
        if !self.has_time(step, planned).await? {
            return Ok(());
        }
        let frozen = match self.freeze(step).await? {
            Ok(frozen) => frozen,
            Err(refusal) => return self.decide_refusal(step, &refusal).await,
        };
        if self.is_stopped() {
            // Stopped during its preview.
            return Ok(());
        }
        if frozen.preview.count == 0 {
            let reason = match planned.verb {
                Verb::UndoOf => frozen.preview.headline,
                _ => crate::runner::adapters::nothing_to_do(&frozen.preview),
            };
            return self.write(Event::StepSkipped { step, reason }).map(drop);
        }
        // The consent to an act covers its undo. During a rollback or abort no person may be present, and a cleanup
        // undo must not need a prompt only when all went well.
        let unasked = planned.verb == Verb::UndoOf && (self.ending || planned.always);
        if planned.effect == EffectClass::Read || unasked {
            return self.attempt_step(step, planned, Some(frozen.digest), None).await;
        }
        let covered = self.view().permit(step).filter(|(_, set)| *set == frozen.digest).cloned();
        if let Some((prompt, set)) = covered {
            return self.attempt_in_time(step, planned, set, prompt).await;
        }
        let of_phase = planned.effect == EffectClass::Change
            && self.plan.prompt == PromptScope::Phase
            && !policy::needs_four_eyes(&self.plan, planned);
        let also = if of_phase { self.also_covered(step).await? } else { Vec::new() };
        let set = frozen.digest.clone();
        let ask = Ask::Confirm { effect: planned.effect, set: set.clone(), preview: Box::new(frozen.preview), also };
        match self.ask(step, ask).await? {
            // Drift, lapsed, cancelled or aborted: the loop reads the run again.
            Asked::Again | Asked::Stopped | Asked::Answered(_, Answer::Cancel) => Ok(()),
            Asked::Answered(prompt, _) => self.attempt_in_time(step, planned, set, prompt).await,
        }
    }

    async fn sign(&mut self, step: u32, planned: &Step) -> Result<()> {
        let ask = Ask::Sign { text: self.mask(&planned.text), note_required: planned.note_required };
        match self.ask(step, ask).await? {
            Asked::Answered(_, Answer::Sign { note }) => self.write(Event::StepClosed { step, note }).map(drop),
            _ => Ok(()),
        }
    }

    /// Handles a call that arrives outside a prompt: notes and aborts take effect, answers wait for the open prompt,
    /// if there is one. Returns whether to stop.
    fn take_call(&mut self, call: Call) -> Result<bool> {
        match self.may_act(&call) {
            Ok(()) => self.handle(call),
            Err(why) => self.reject(call, why).map(|()| false),
        }
    }

    /// Handles a call that may act.
    fn handle(&mut self, call: Call) -> Result<bool> {
        match call.request.ask.clone() {
            Demand::Answer { .. } if self.view().prompt.is_some() => {
                self.held.push_back(call);
                Ok(false)
            }
            Demand::Answer { prompt, .. } => {
                let earlier = self.answered.iter().find(|(id, _)| *id == prompt);
                let why = earlier.map_or_else(|| "that prompt is not open".to_owned(), |(_, message)| message.clone());
                self.reject(call, why)?;
                Ok(false)
            }
            Demand::Note { step, text } => {
                let known = step.is_none_or(|step| self.view().step(step).is_some());
                if !known || text.trim().is_empty() {
                    self.reject(call, "a note needs text, and a step that exists".to_owned())?;
                    return Ok(false);
                }
                let record = self.write_as(&call.actor, Event::Note { step, text })?;
                let _ = call.reply.send(Reply::Accepted { seq: record.seq });
                Ok(false)
            }
            Demand::Item { step, seq, action } => self.take_item(call, step, seq, action).map(|()| false),
            Demand::Abort { undo: true } if self.rolls_back() => self.ask_once_more(call).map(|()| false),
            Demand::Abort { undo } => {
                let record = self.write_as(&call.actor, Event::AbortRequested { undo })?;
                let _ = call.reply.send(Reply::Accepted { seq: record.seq });
                Ok(true)
            }
        }
    }

    /// Only the run's own user, root and members of its team may act, only on this run, and only while they wait for
    /// the reply.
    fn may_act(&self, call: &Call) -> std::result::Result<(), String> {
        if call.request.run != self.dir.id {
            return Err(format!("this is run {}, not run {}", self.dir.id, call.request.run));
        }
        let own = call.actor.uid == self.me.uid;
        if !own && !presence::may_act(&self.dir, &call.actor, &call.groups) {
            return Err(format!("{} may not act on a run of {}", call.actor.name, self.me.name));
        }
        if !call.proven {
            return Err(format!(
                "the process {} of {} is gone, so its user cannot be verified",
                call.actor.pid, call.actor.name
            ));
        }
        call.counts()
    }

    /// Records an answer that was rejected, and replies with the reason.
    fn reject(&mut self, call: Call, why: String) -> Result<()> {
        let prompt = match &call.request.ask {
            Demand::Answer { prompt, .. } => prompt.0.chars().take(64).collect(),
            Demand::Note { .. } => "note".to_owned(),
            Demand::Item { step, action, .. } => format!("{} item {}", action.word(), u64::from(*step) + 1),
            Demand::Abort { .. } => "abort".to_owned(),
        };
        self.write_as(&call.actor, Event::AnswerRejected { prompt, why: why.clone() })?;
        let _ = call.reply.send(Reply::Rejected { why });
        Ok(())
    }
}
