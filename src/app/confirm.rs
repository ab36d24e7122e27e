//! The only maker of [`Confirmed`] commands.
//!
//! A command reaches the gate only inside a `Confirmed`, and a `Confirmed` is made only here, each time from evidence
//! that a person saw what it does. All of it needs an [`Authority`], which the operating gate grants once and the watching
//! gate never does: a console without one cannot build a command at all.

use crate::app::effect::{Begun, Command};
use crate::domain::{Digest, PromptId, RunId};
use crate::journal::answer::fits_now;
use crate::journal::fold::{ItemView, OpenPrompt};
use crate::journal::item::{self, ItemAction};
use crate::journal::record::Answer;
use crate::procedure::plan::Plan;

/// The right to act, granted by the operating gate.
#[derive(Clone, Debug)]
pub struct Authority(());

impl Authority {
    /// Grants the right to act. Called by `gate::operate` alone; `tests/arch` holds that.
    #[must_use]
    pub fn grant() -> Self {
        Self(())
    }
}

/// A command that a person consented to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed<T>(T);

impl<T> Confirmed<T> {
    /// What was consented to.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was consented to, by value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A start: the person was shown this plan, or named it on the command line.
#[must_use]
pub fn start(_: &Authority, plan: Plan, hash: Digest, begun: Begun) -> Confirmed<Command> {
    Confirmed(Command::StartRun { plan: Box::new(plan), hash, begun })
}

/// An answer to an open prompt; `None` where it is not one that the prompt can take.
///
/// A change is confirmed by the word `change`, a destroy by its exact phrase; digit grouping in the phrase is optional.
#[must_use]
pub fn answer(_: &Authority, run: &RunId, prompt: &OpenPrompt, answer: Answer) -> Option<Confirmed<Command>> {
    let set = prompt.ask.hash().cloned();
    fits_now(prompt, &answer).is_ok().then(|| {
        let (prompt, seq) = (prompt.id.clone(), prompt.seq);
        Confirmed(Command::Answer(Reply { run: run.clone(), prompt, seq, set, answer }))
    })
}

/// An answer bound to what was shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The run.
    pub run: RunId,
    /// The prompt.
    pub prompt: PromptId,
    /// The record that opened it.
    pub seq: u64,
    /// The digest of the set that was shown.
    pub set: Option<Digest>,
    /// The answer.
    pub answer: Answer,
}

/// A note beside a step; writing one down changes nothing else.
#[must_use]
pub fn note(_: &Authority, run: RunId, step: Option<u32>, text: String) -> Confirmed<Command> {
    Confirmed(Command::Note { run, step, text })
}

/// What a person wants with an item of a checklist, as it was shown to them; `None` where the item cannot take it now. An act
/// asks for its own confirmation when it is reached.
#[must_use]
pub fn item(_: &Authority, run: &RunId, shown: &ItemView, item_action: ItemAction) -> Option<Confirmed<Command>> {
    item::fits(shown, &item_action).ok()?;
    Some(Confirmed(Command::Item { run: run.clone(), step: shown.step, seq: shown.seq, action: item_action }))
}

/// An abort: the person was shown what it leaves behind.
#[must_use]
pub fn abort(_: &Authority, run: RunId, undo: bool) -> Confirmed<Command> {
    Confirmed(Command::Abort { run, undo })
}

/// A resume of an interrupted run; it asks before it acts.
#[must_use]
pub fn resume(_: &Authority, run: RunId) -> Confirmed<Command> {
    Confirmed(Command::Resume { run })
}

/// The removal of the demo with all that lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// How many runs go with it, as it was shown.
    pub runs: usize,
}

/// What is typed to remove the demo with so many runs: `remove 6 runs`.
#[must_use]
pub fn removal_phrase(runs: usize) -> String {
    match runs {
        0 => "remove the demo".to_owned(),
        1 => "remove 1 run".to_owned(),
        many => format!("remove {many} runs"),
    }
}

/// The removal of the demo, none of whose runs is at work: the person was shown how many runs go with it, and typed the phrase;
/// `None` where it is another one.
#[must_use]
pub fn remove_demo(_: &Authority, runs: usize, typed: &str) -> Option<Confirmed<Removal>> {
    (typed.trim() == removal_phrase(runs)).then_some(Confirmed(Removal { runs }))
}

/// A resume or an abort of another user's run: the person was shown whose it is and which steps it still has, and typed the
/// owner's name.
#[must_use]
pub fn take_over(_: &Authority, owner: u32, command: Confirmed<Command>) -> Confirmed<Command> {
    Confirmed(Command::TakeOver { owner, command: Box::new(command.0) })
}
