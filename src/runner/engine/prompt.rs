//! Asks a person, and accepts exactly one answer, bound to the set that was shown.

use crate::domain::error::Result;
use crate::domain::{Digest, Error, Order, PromptId};
use crate::journal::answer::{fits_now, may_give};
use crate::journal::fold::OpenPrompt;
use crate::journal::record::{Answer, Ask, Choice, Closed, Event};
use crate::probes::clock;
use crate::runner::control::Call;
use crate::runner::engine::{Engine, survivors};
use crate::runner::failpoint;
use crate::runner::protocol::{Demand, Reply};
use crate::runner::reread;
use std::time::Duration;

/// How long a prompt stays open before it is asked again.
const LIFE: Duration = Duration::from_secs(600);

/// From what age on the set of an open prompt is read again.
const REREAD_FROM: Duration = Duration::from_secs(45);

/// How often the set is read again from then on.
const REREAD_EVERY: Duration = Duration::from_secs(30);

/// How a prompt ended.
pub enum Asked {
    /// An answer was accepted.
    Answered(PromptId, Answer),
    /// The set has changed, or the prompt lapsed: ask again.
    Again,
    /// The run is to stop.
    Stopped,
}

/// An open prompt.
struct Open {
    id: PromptId,
    seq: u64,
    step: u32,
    ask: Ask,
}

impl Engine {
    /// Asks until an answer is accepted or the prompt closes; late answers are rejected.
    pub(super) async fn ask(&mut self, step: u32, ask: Ask) -> Result<Asked> {
        let asked = self.open_and_wait(step, ask).await?;
        while let Some(late) = self.held.pop_front() {
            self.take_call(late)?;
        }
        Ok(asked)
    }

    /// Opens a prompt and waits for an answer that is accepted.
    async fn open_and_wait(&mut self, step: u32, ask: Ask) -> Result<Asked> {
        if self.is_stopped() {
            return Ok(Asked::Stopped);
        }
        let id = PromptId::new(random()?);
        let life = failpoint::span("PROMPT_LIFE", LIFE);
        let began = clock::now();
        let expires = began.wall.plus(life);
        let opened = self.write(Event::PromptOpened { prompt: id.clone(), step, ask: ask.clone(), expires })?;
        failpoint::pass("prompt.opened");
        let open = Open { id, seq: opened.seq, step, ask };
        let mut reread = failpoint::span("PROMPT_REREAD", REREAD_FROM);
        loop {
            let age = clock::boot().since(began.boot);
            if age >= life {
                self.close(&open, Closed::Expired, Vec::new())?;
                return Ok(Asked::Again);
            }
            if let Some(wanted) = self.wanted.pop_front() {
                self.look_for(wanted).await?;
                if self.is_stopped() {
                    self.close(&open, Closed::Aborted, Vec::new())?;
                    return Ok(Asked::Stopped);
                }
                continue;
            }
            if let Some(call) = self.held.pop_front() {
                if let Some(asked) = self.answer(&open, call).await? {
                    return Ok(asked);
                }
                continue;
            }
            tokio::select! {
                call = self.control.calls.recv() => {
                    let Some(call) = call else { continue };
                    if let Some(asked) = self.answer(&open, call).await? {
                        return Ok(asked);
                    }
                }
                () = tokio::time::sleep(survivors::LOOK), if self.awaited.is_some() => {
                    if self.has_ended_awaited() {
                        let drift = vec![format!("nothing of step {} is at work any more", open.step + 1)];
                        self.close(&open, Closed::Drifted, drift)?;
                        return Ok(Asked::Again);
                    }
                }
                () = tokio::time::sleep(reread.min(life).saturating_sub(age)) => {
                    if age < reread.min(life) || age >= life {
                        continue;
                    }
                    if let Some(asked) = self.reread(&open).await? {
                        return Ok(asked);
                    }
                    reread = clock::boot().since(began.boot) + failpoint::span("PROMPT_REREAD", REREAD_EVERY);
                }
            }
        }
    }

    fn close(&mut self, open: &Open, why: Closed, drift: Vec<String>) -> Result<()> {
        self.write(Event::PromptClosed { prompt: open.id.clone(), why, drift }).map(drop)
    }

    /// Reads the prompt's set again; a changed set closes the prompt and records what changed. Without a set, checks
    /// that the run's directory still exists.
    async fn reread(&mut self, open: &Open) -> Result<Option<Asked>> {
        let Ask::Confirm { set, .. } = &open.ask else { return self.journal.confirm().map(|()| None) };
        let drift = self.find_drift(open.step, set).await?;
        if self.is_stopped() {
            self.close(open, Closed::Aborted, Vec::new())?;
            return Ok(Some(Asked::Stopped));
        }
        match drift {
            None => {
                self.journal.confirm()?;
                if let Err(cause) = reread::note(&self.dir, &open.id, clock::now().wall) {
                    tracing::warn!(%cause, "reading of the prompt's set not noted");
                }
                Ok(None)
            }
            Some(drift) => {
                self.close(open, drift.why, drift.lines)?;
                Ok(Some(Asked::Again))
            }
        }
    }

    /// Handles one call while the prompt is open.
    async fn answer(&mut self, open: &Open, call: Call) -> Result<Option<Asked>> {
        let Demand::Answer { prompt, seq, set, answer } = call.request.ask.clone() else {
            if matches!(call.request.ask, Demand::Abort { .. }) && self.may_act(&call).is_ok() {
                // Record the abort before the prompt closes, in the order of events.
                self.handle(call)?;
                self.close(open, Closed::Aborted, Vec::new())?;
                return Ok(Some(Asked::Stopped));
            }
            self.take_call(call)?;
            return Ok(None);
        };
        let fits = self.may_act(&call).and_then(|()| self.fits(open, &call, &prompt, seq, set.as_ref(), &answer));
        if let Err(why) = fits {
            self.reject(call, why)?;
            return Ok(None);
        }
        if let Ask::Confirm { set, .. } = &open.ask
            && answer != Answer::Cancel
        {
            let drift = self.find_drift(open.step, set).await?;
            if self.is_stopped() {
                self.reject(call, "the run was stopped before the answer counted".to_owned())?;
                self.close(open, Closed::Aborted, Vec::new())?;
                return Ok(Some(Asked::Stopped));
            }
            if let Some(drift) = drift {
                self.reject(call, drift.refusal())?;
                self.close(open, drift.why, drift.lines)?;
                return Ok(Some(Asked::Again));
            }
        }
        // Reading the set again takes time.
        if let Err(why) = call.counts() {
            self.reject(call, why)?;
            return Ok(None);
        }
        let event = Event::AnswerAccepted { prompt: open.id.clone(), step: open.step, answer: answer.clone() };
        let record = self.write_as(&call.actor, event)?;
        failpoint::pass("answer.accepted");
        if self.view().prompt.is_some() {
            // The first of two answers: the prompt waits for the second.
            let _ = call.reply.send(Reply::Accepted { seq: record.seq });
            return Ok(None);
        }
        let text = format!("{} answered it already (record {})", call.actor.name, record.seq);
        self.answered.push((open.id.clone(), text));
        // A cancelled checklist item is open as before; nothing else waits for it.
        let is_item = matches!(open.ask, Ask::Confirm { .. } | Ask::Approve { start: false, .. });
        let goes_on = self.plan.order == Order::Any && is_item;
        let cancelled = answer == Answer::Cancel && !goes_on;
        if cancelled {
            self.write_as(&call.actor, Event::AbortRequested { undo: false })?;
        }
        let _ = call.reply.send(Reply::Accepted { seq: record.seq });
        Ok(Some(if cancelled { Asked::Stopped } else { Asked::Answered(open.id.clone(), answer) }))
    }

    /// Whether an answer belongs to this prompt, as it was shown.
    fn fits(
        &self,
        open: &Open,
        call: &Call,
        prompt: &PromptId,
        seq: u64,
        set: Option<&Digest>,
        answer: &Answer,
    ) -> std::result::Result<(), String> {
        if *prompt != open.id {
            let earlier = self.answered.iter().find(|(id, _)| id == prompt);
            return Err(earlier.map_or_else(|| "that prompt is not open".to_owned(), |(_, text)| text.clone()));
        }
        if seq != open.seq {
            return Err(format!("the prompt was opened by record {}, not {seq}", open.seq));
        }
        let gives = match answer {
            Answer::Confirm { .. } | Answer::Approve { .. } | Answer::BreakGlass { .. } => true,
            Answer::Decide { choice, .. } => *choice == Choice::RunChanged,
            _ => false,
        };
        if let Some(shown) = open.ask.hash().filter(|shown| gives && set != Some(*shown)) {
            let what = if matches!(open.ask, Ask::Approve { .. }) { "plan" } else { "set" };
            return Err(format!("the answer is for another {what} than the prompt shows: {}…", shown.short()));
        }
        let view = self.view();
        let shown: &OpenPrompt = view.prompt.as_ref().ok_or("that prompt is not open")?;
        fits_now(shown, answer)?;
        may_give(shown, &view.starter, &call.actor, answer)?;
        self.must_break(shown, answer)
    }
}

/// 128 bits from the kernel.
fn random() -> Result<u128> {
    let mut bytes = [0_u8; 16];
    match rustix::rand::getrandom(bytes.as_mut_slice(), rustix::rand::GetRandomFlags::empty()) {
        Ok(16) => Ok(u128::from_ne_bytes(bytes)),
        Ok(_) => Err(Error::machine("make a prompt's id", "the kernel gave too few random bytes")),
        Err(cause) => Err(Error::machine("make a prompt's id", cause)),
    }
}
