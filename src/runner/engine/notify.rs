//! `notify`: the text alone, or an act that sends it to receivers.

use crate::domain::error::Result;
use crate::domain::{Actor, Error, StepState};
use crate::journal::record::{Ending, Event};
use crate::probes::clock;
use crate::procedure::plan::{Gate, Step};
use crate::runner::adapters::hide;
use crate::runner::engine::Engine;
use crate::runner::engine::attempt::{self, Found};
use crate::runner::notify::{Delivery, Message, was_delivered, was_nothing_sent};
use crate::runner::{failpoint, identity};

/// How much longer than the notice its shim lives, in seconds, so that the notice itself can report its result.
const GRACE_S: u64 = 5;

impl Engine {
    /// Shows the text on the screen and in the journal, or sends it to the receivers.
    pub(super) async fn notify(&mut self, step: u32, planned: &Step) -> Result<()> {
        if planned.receivers.is_empty() {
            let note = self.masked(&self.mask(&planned.text));
            return self.write(Event::StepClosed { step, note }).map(drop);
        }
        let me = self.me.clone();
        self.send_notice(&me, step, planned).await?;
        self.pass_notice(step, planned).map(drop)
    }

    /// Sends the notice on behalf of an actor, only to the receivers without a delivery in an earlier attempt.
    pub(super) async fn send_notice(&mut self, actor: &Actor, step: u32, planned: &Step) -> Result<()> {
        let view = self.view().step(step);
        let attempt = view.map_or(0, |view| view.attempts) + 1;
        let before = view.and_then(|view| view.outcome.as_ref()).and_then(|end| end.evidence.clone());
        let describe = |name: &String| before.as_ref().is_some_and(|seen| was_delivered(&seen.facts, name));
        let receivers: Vec<String> = planned.receivers.iter().filter(|name| !describe(name)).cloned().collect();
        let delivery = Delivery {
            receivers,
            message: self.message(step, planned),
            within_ms: planned.timeout_s.saturating_mul(1000),
            around: self.around(),
        };
        let Some(action) = delivery.action() else {
            return Err(Error::machine(format!("run step {}", step + 1), "the notice cannot be written down"));
        };
        let name = attempt::name(step, attempt);
        let (effect, log) = (planned.effect, format!("{name}.log"));
        failpoint::pass("intent.pre");
        self.write_as(actor, Event::StepIntent { step, attempt, effect, set: None, permit: None, log })?;
        failpoint::pass("intent.post");
        let found = self.launch_filled(&name, action, false, None, planned.timeout_s.saturating_add(GRACE_S)).await?;
        self.conclude_notice(step, attempt, found, false)
    }

    /// Records the result. An act that left no result may have reached every receiver.
    pub(super) fn conclude_notice(&mut self, step: u32, attempt: u32, found: Found, recovered: bool) -> Result<()> {
        let mut outcome = self.conclude(&attempt::name(step, attempt), found, recovered);
        let began = outcome.code.is_some() || outcome.signal.is_some();
        let ended = !matches!(outcome.ending, Ending::NotStarted | Ending::Unknown);
        if ended && began && outcome.evidence.is_none() && !was_nothing_sent(&outcome.detail) {
            outcome.ending = Ending::Unknown;
            outcome.detail = format!("delivery unknown: {}", outcome.detail);
        }
        self.end_attempt(step, attempt, outcome)
    }

    /// Goes on after a notice that failed or whose outcome is unknown, unless it is a gate; returns whether it did.
    /// The notice is never sent again automatically.
    pub(super) fn pass_notice(&mut self, step: u32, planned: &Step) -> Result<bool> {
        let Some(view) = self.view().step(step) else { return Ok(false) };
        if planned.gate == Gate::Hard
            || !matches!(view.state, StepState::Failed | StepState::Stopped | StepState::Unknown)
        {
            return Ok(false);
        }
        let why = view.outcome.as_ref().map(|end| end.detail.clone()).unwrap_or_default();
        let reason = format!("a notice is no gate here, and is not sent again: {why}");
        self.write(Event::StepSkipped { step, reason }).map(|_| true)
    }

    fn message(&self, step: u32, planned: &Step) -> Message {
        let view = self.view();
        Message {
            estate: view.estate.clone(),
            environment: view.environment.clone(),
            procedure: view.procedure.clone(),
            title: view.title.clone(),
            run: view.id.to_string(),
            host: identity::host_name(),
            step: step + 1,
            steps: view.steps.len(),
            step_title: planned.title.clone(),
            outcome: self.masked(&self.so_far()),
            at: clock::now().wall,
            text: self.masked(&self.mask(&planned.text)),
        }
    }

    /// A text without the estate's secrets: a saved value may contain one. The sent text is stored in the run's
    /// directory unchanged, and others receive it.
    fn masked(&self, text: &str) -> String {
        if let Ok((estate, around)) = self.around().estate() {
            // A secret that was read once is masked from then on.
            estate.secrets.places.keys().for_each(|name| drop(estate.secrets.read(name, &around)));
        }
        hide::text(text)
    }

    /// The outcomes of the steps so far, in words.
    fn so_far(&self) -> String {
        let view = self.view();
        use StepState::{Done, Failed, Skipped, Stopped, Undone, Unknown};
        let states = [Done, Skipped, Failed, Stopped, Unknown, Undone];
        let count = |state: StepState| view.steps.iter().filter(|step| step.state == state).count();
        let counts = states.into_iter().map(|state| (count(state), state.word())).filter(|(count, _)| *count > 0);
        let mut lines: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        if let Some((who, undo)) = &view.abort {
            let what = if *undo { "asked to roll the run back" } else { "asked to stop" };
            lines.push(format!("{} {what}", who.name));
        }
        if lines.is_empty() { "nothing yet".to_owned() } else { lines.join(", ") }
    }
}
