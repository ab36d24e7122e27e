//! Runs a checklist: all items of a phase are open at once, and are closed by evidence or by people.
//!
//! ```text
//! phase opens ─▶ every check and read is made ─▶ passed: closed with evidence
//!                      ▲ each minute, or wanted     failed: stays open, with the reason
//! control socket ─▶ close (look now, act, give notice) · hand (a claim) · skip · override (another person) · reopen
//! ```
//! A request about an item names the record that opened it. The first valid request is accepted; every other is rejected with
//! the reason, and recorded. An act opens its prompts as usual, one at a time; all other items stay available.

use crate::domain::error::Result;
use crate::domain::{Actor, RunStatus, StepState, Verb};
use crate::journal::fold::ItemState;
use crate::journal::item::{ItemAction, fits, may_do};
use crate::journal::record::{Ending, Event, Outcome};
use crate::procedure::plan::{Action, Step};
use crate::runner::adapters;
use crate::runner::control::Call;
use crate::runner::engine::{Engine, attempt};
use crate::runner::failpoint;
use crate::runner::protocol::Reply;
use std::time::Duration;
use tokio::time::Instant;

/// How often an open item that needs no program is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How old the last recorded reason of an open item may get before a new one is recorded.
const REASON_HOLDS: Duration = Duration::from_secs(600);

/// A request about an item that takes time: to look, or to act.
pub(super) struct Wanted {
    call: Call,
    step: u32,
}

impl Engine {
    /// Runs until the last phase is over.
    pub(super) async fn walk(&mut self) -> Result<RunStatus> {
        let mut looked_at: Option<String> = None;
        let mut due = Instant::now();
        loop {
            if self.view().abort.is_some() {
                self.send_away();
                return self.stop().await;
            }
            if let Some(step) = self.unsettled() {
                self.settle(step, false).await?;
                continue;
            }
            let Some(phase) = self.view().phase().map(str::to_owned) else {
                self.send_away();
                return self.seal(RunStatus::Ok);
            };
            if let Some(step) = self.retrying.take() {
                self.begin_item(step).await?;
            } else if looked_at.as_ref() != Some(&phase) {
                looked_at = Some(phase);
                self.look_around(true).await?;
                due = Instant::now() + failpoint::span("LOOK_AGAIN", LOOK_AGAIN);
            } else if let Some(wanted) = self.wanted.pop_front() {
                self.grant(wanted).await?;
            } else if Instant::now() >= due {
                self.journal.confirm()?;
                self.look_around(false).await?;
                due = Instant::now() + failpoint::span("LOOK_AGAIN", LOOK_AGAIN);
            } else {
                tokio::select! {
                    call = self.control.calls.recv() => {
                        if let Some(call) = call {
                            self.take_call(call)?;
                        }
                    }
                    () = tokio::time::sleep_until(due) => {}
                }
            }
        }
    }

    /// The first step whose outcome is unknown.
    fn unsettled(&self) -> Option<u32> {
        let found = self.view().steps.iter().position(|step| step.state == StepState::Unknown)?;
        u32::try_from(found).ok()
    }

    /// Makes the checks and reads of the open items; those that run a program only when the phase opens.
    async fn look_around(&mut self, programs_too: bool) -> Result<()> {
        let items = self.view().items();
        for item in items.iter().filter(|item| matches!(item.verb, Verb::Read | Verb::Check)) {
            let planned = self.planned(item.step)?;
            let is_program = planned.act.as_ref().is_some_and(|action| adapters::program(action).is_some());
            if self.is_open(item.step) && (programs_too || !is_program) {
                self.look_at(item.step, None).await?;
            }
            if self.view().abort.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn is_open(&self, step: u32) -> bool {
        self.view().item(step).is_some_and(|item| matches!(item.state, ItemState::Open | ItemState::SecondPerson))
    }

    /// Makes the check or the read of an open item. An automatic look with the same result is not recorded.
    async fn look_at(&mut self, step: u32, by: Option<&Call>) -> Result<()> {
        let planned = self.planned(step)?;
        if let (Verb::Notify, Some(by)) = (planned.verb, by) {
            return self.send_notice(&by.actor, step, &planned).await;
        }
        let Some(action) = planned.act.clone() else { return Ok(()) };
        if adapters::program(&action).is_some() {
            let actor = by.map_or_else(|| self.me.clone(), |call| call.actor.clone());
            return self.attempt_for(&actor, step, &planned, None, None).await;
        }
        let (end, lines) = self.look(step, &planned, &action).await?;
        // If the person gave it up, the look counts as the runner's own.
        let by = by.filter(|call| call.counts().is_ok());
        let actor = by.map_or_else(|| self.me.clone(), |call| call.actor.clone());
        // It may have been closed during the look.
        if !self.is_open(step) || self.view().abort.is_some() || (by.is_none() && !self.is_news(step, &end)) {
            return Ok(());
        }
        self.record_look(&actor, step, &planned, end, &lines)
    }

    /// Whether a look differs from the last record of the item.
    fn is_news(&self, step: u32, end: &Outcome) -> bool {
        let Some(view) = self.view().step(step) else { return false };
        let Some(before) = &view.outcome else { return true };
        let is_unknown = |outcome: &Outcome| outcome.counts.get("unknown").is_some_and(|count| *count > 0);
        let old = view.ended.is_none_or(|ended| crate::probes::clock::now().wall.since(ended) > REASON_HOLDS);
        end.ending != before.ending || is_unknown(end) != is_unknown(before) || (old && end.detail != before.detail)
    }

    /// Records a finished look.
    fn record_look(&mut self, actor: &Actor, step: u32, planned: &Step, end: Outcome, lines: &[u8]) -> Result<()> {
        let attempt = self.view().step(step).map_or(0, |view| view.attempts) + 1;
        let log = format!("{}.log", attempt::name(step, attempt));
        self.keep_log(&log, lines);
        let (effect, set, permit) = (planned.effect, None, None);
        failpoint::pass("intent.pre");
        self.write_as(actor, Event::StepIntent { step, attempt, effect, set, permit, log })?;
        failpoint::pass("intent.post");
        self.end_attempt(step, attempt, end)
    }

    /// Handles a request about an item: at once if it needs only a record, in its turn if it takes time.
    pub(super) fn take_item(&mut self, call: Call, step: u32, seq: u64, action: ItemAction) -> Result<()> {
        let Some(item) = self.view().item(step) else {
            return self.reject(call, "there is no such item: the run is no checklist, or a shorter one".to_owned());
        };
        let may = fits(&item, &action).and_then(|()| may_do(&self.view().starter, &call.actor, &action));
        if let Err(why) = may {
            return self.reject(call, why);
        }
        if seq != item.seq {
            let why = format!("the item was opened by record {}, not {seq}: look at it again", item.seq);
            return self.reject(call, why);
        }
        let event = match action {
            ItemAction::Hand { note } => Event::StepClosed { step, note },
            ItemAction::Skip { reason } => Event::StepSkipped { step, reason },
            ItemAction::Override { reason } => Event::StepOverridden { step, reason },
            ItemAction::Reopen { reason } => Event::StepReopened { step, reason },
            ItemAction::Close if item.verb == Verb::Notify && self.planned(step)?.receivers.is_empty() => {
                let note = self.mask(&self.planned(step)?.text);
                Event::StepClosed { step, note }
            }
            ItemAction::Close => return self.want(call, step, item.verb),
        };
        let record = self.write_as(&call.actor, event)?;
        failpoint::pass("answer.accepted");
        let _ = call.reply.send(Reply::Accepted { seq: record.seq });
        Ok(())
    }

    /// Queues a request that takes time, or replies why it cannot be done.
    fn want(&mut self, call: Call, step: u32, verb: Verb) -> Result<()> {
        let busy = self.view().open_attempt().map(|(step, ..)| (step, "is at work"));
        let asks = self
            .view()
            .prompt
            .as_ref()
            .filter(|_| matches!(verb, Verb::Do | Verb::Approve))
            .map(|open| (open.step, "asks"));
        if let Some((other, what)) = busy.or(asks) {
            return self.reject(call, format!("step {} {what}: try this one when that is over", other + 1));
        }
        self.wanted.push_back(Wanted { call, step });
        Ok(())
    }

    /// Carries out a queued request.
    async fn grant(&mut self, wanted: Wanted) -> Result<()> {
        if !matches!(self.planned(wanted.step)?.verb, Verb::Do | Verb::Approve) {
            return self.look_for(wanted).await;
        }
        if !self.is_open(wanted.step) {
            return self.reject(wanted.call, "it is not open any more".to_owned());
        }
        if let Err(why) = wanted.call.counts() {
            return self.reject(wanted.call, why);
        }
        let seq = self.view().seq;
        let _ = wanted.call.reply.send(Reply::Accepted { seq });
        self.begin_item(wanted.step).await
    }

    async fn begin_item(&mut self, step: u32) -> Result<()> {
        let planned = self.planned(step)?;
        match planned.verb {
            _ if !self.is_open(step) => Ok(()),
            Verb::Approve => self.approve(step, &planned).await,
            _ => self.act(step, &planned).await,
        }
    }

    /// Looks on request, and replies with the result; also while the prompt of another item is open.
    pub(super) async fn look_for(&mut self, wanted: Wanted) -> Result<()> {
        let Wanted { call, step } = wanted;
        if !self.is_open(step) || matches!(self.planned(step)?.verb, Verb::Do | Verb::Approve) {
            return self.reject(call, "it cannot be turned to now".to_owned());
        }
        if let Err(why) = call.counts() {
            return self.reject(call, why);
        }
        self.look_at(step, Some(&call)).await?;
        let reply = match self.view().item(step) {
            Some(item) if item.state == ItemState::Evidence => Reply::Accepted { seq: self.view().seq },
            Some(item) if item.state == ItemState::Open => {
                Reply::Rejected { why: format!("it stays open: {}", item.found) }
            }
            _ => Reply::Rejected { why: "it was closed by another person first".to_owned() },
        };
        let _ = call.reply.send(reply);
        Ok(())
    }

    /// Replies to all waiting requests that they are not carried out any more.
    fn send_away(&mut self) {
        for wanted in self.wanted.drain(..) {
            let _ = wanted.call.reply.send(Reply::Rejected { why: "the run has ended".to_owned() });
        }
    }

    /// Whether a look can end with this ending.
    pub(super) fn is_judged(ending: Ending) -> bool {
        matches!(ending, Ending::Ok | Ending::Failed)
    }

    /// Stores the lines of a look in a log, as every attempt has one.
    pub(super) fn keep_log(&self, name: &str, lines: &[u8]) {
        use std::io::Write;
        // The outcome holds all that a lost log would.
        let _ = crate::runner::rundir::open_private(&self.dir.log(name)).and_then(|mut file| {
            crate::config::state::team::share(&file, &self.dir.path.join("logs"), 0o640)?;
            file.write_all(lines)
        });
    }

    /// Looks for a step of a procedure that is not a checklist; its intent is recorded already.
    pub(super) async fn see(&mut self, step: u32, attempt: u32, planned: &Step, action: &Action) -> Result<()> {
        let (end, lines) = self.look(step, planned, action).await?;
        self.keep_log(&format!("{}.log", attempt::name(step, attempt)), &lines);
        self.end_attempt(step, attempt, end)
    }
}
