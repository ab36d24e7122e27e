//! The operating gate: carries out confirmed commands.

use crate::app::confirm::{Authority, Confirmed, Reply as Answered};
use crate::app::effect::{Command, Query};
use crate::app::msg::Msg;
use crate::config::shell;
use crate::domain::error::Result;
use crate::domain::{Error, Kind, RunId};
use crate::gate::lookup::Lookup;
use crate::gate::{Gate, World, client, spawn};
use crate::journal::item::ItemAction;
use crate::journal::list::walk_file;
use crate::journal::record::Answer;
use crate::runner::engine::Mode;
use crate::runner::protocol::{Demand, Reply};
use crate::runner::rundir::RunDir;
use tokio::runtime::Handle;
use tracing::field::display;

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Performed {
    /// A run was launched.
    Started(RunId),
    /// Another command succeeded; the sentence describes the result.
    Done(String),
}

/// The gate that answers queries and carries out commands.
pub struct Operate {
    lookup: Lookup,
    through: &'static str,
}

impl Operate {
    /// Makes the operating gate; the journal records `through` as the origin of its answers.
    #[must_use]
    pub fn new(lookup: Lookup, through: &'static str) -> Self {
        Self { lookup: lookup.acting(), through }
    }
}

impl Gate for Operate {
    fn query(&mut self, query: Query) {
        self.lookup.query(query);
    }

    fn command(&mut self, command: Confirmed<Command>) {
        let (world, out, through) = (self.lookup.world().clone(), self.lookup.sender(), self.through);
        let runtime = Handle::current();
        // The state directory may not answer: nothing else waits for it.
        tokio::task::spawn_blocking(move || {
            let msg = match runtime.block_on(perform(&world, command, through)) {
                Ok(Performed::Started(run)) => Msg::RunStarted(run),
                Ok(Performed::Done(text)) => Msg::CommandDone(text),
                Err(cause) => Msg::CommandFailed(cause),
            };
            let _ = out.blocking_send(msg);
        });
    }

    fn authority(&self) -> Option<Authority> {
        Some(authority())
    }
}

/// The right to act, for a user who invoked a command that acts.
#[must_use]
pub fn authority() -> Authority {
    Authority::grant()
}

/// Carries out one confirmed command.
///
/// # Errors
/// When the run, its runner or the machine refuses; the message gives the reason.
pub async fn perform(world: &World, command: Confirmed<Command>, through: &str) -> Result<Performed> {
    let what = command.get().word();
    let run = command.get().run().map(|run| display(run.clone()));
    let performed = carry_out(world, command, through).await;
    match &performed {
        Ok(Performed::Started(run)) => tracing::info!(what, %run, through, "command"),
        Ok(Performed::Done(_)) => tracing::info!(what, run, through, "command"),
        Err(cause) => tracing::warn!(what, run, through, cause = cause.message, "command refused"),
    }
    performed
}

async fn carry_out(world: &World, command: Confirmed<Command>, through: &str) -> Result<Performed> {
    let (owner, command) = match command.into_inner() {
        Command::TakeOver { owner, command } => (Some(owner), *command),
        command => (None, command),
    };
    match command {
        Command::StartRun { plan, hash, begun } => {
            spawn::start(world, &plan, &hash, begun).await.map(Performed::Started)
        }
        Command::Answer(Answered { run, prompt, seq, set, answer }) => {
            let message = answered(&answer);
            let demand = Demand::Answer { prompt, seq, set, answer };
            demanded(world, &run, demand, through).await.map(|_| Performed::Done(message))
        }
        Command::Note { run, step, text } => {
            let demand = Demand::Note { step, text };
            demanded(world, &run, demand, through).await.map(|_| Performed::Done("note saved".to_owned()))
        }
        Command::Item { run, step, seq, action: item_action } => {
            let sentence = match &item_action {
                ItemAction::Close => "closed",
                ItemAction::Hand { .. } => "signed off manually",
                ItemAction::Skip { .. } => "skipped",
                ItemAction::Override { .. } => "overridden",
                ItemAction::Reopen { .. } => "reopened",
            };
            let demand = Demand::Item { step, seq, action: item_action };
            demanded(world, &run, demand, through).await?;
            Ok(Performed::Done(format!("item {} {sentence}", u64::from(step) + 1)))
        }
        Command::Abort { run, undo } => abort(world, run, undo, owner, through).await,
        Command::Resume { run } => {
            let dir = RunDir::of(&world.state.dir, run);
            spawn::refuse_other(&dir, owner, "resume")?;
            spawn::launch(world, &dir, Mode::Resume).await?;
            Ok(Performed::Done(format!("run {} goes on", dir.id.short())))
        }
        Command::TakeOver { .. } => Err(Error::machine("take a run over", "the command holds another one of its kind")),
    }
}

/// A short description of an answer.
fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Confirm { .. } => "confirmed".to_owned(),
        Answer::Sign { .. } => "signed off".to_owned(),
        Answer::Decide { choice, .. } => format!("decided: {}", choice.word()),
        Answer::Approve { .. } => "approved".to_owned(),
        Answer::BreakGlass { .. } => "break-glass recorded".to_owned(),
        Answer::Cancel => "declined".to_owned(),
    }
}

/// Sends a demand to a run's runner, and returns the record by which it was accepted.
async fn demanded(world: &World, run: &RunId, demand: Demand, through: &str) -> Result<u64> {
    let dir = RunDir::of(&world.state.dir, run.clone());
    match client::send(&dir, demand, through).await? {
        Reply::Accepted { seq } => Ok(seq),
        Reply::Rejected { why } => Err(Error::new(Kind::Refused, why)),
        Reply::Busy => Err(Error::machine(format!("reach the runner of run {run}"), "it is busy; try again")),
    }
}

/// Stops a run; a run without a runner is first taken over by a runner whose first action is to stop.
async fn abort(world: &World, run: RunId, undo: bool, owner: Option<u32>, through: &str) -> Result<Performed> {
    let dir = RunDir::of(&world.state.dir, run);
    if dir.runner_lives() {
        let asked = demanded(world, &dir.id, Demand::Abort { undo }, through).await;
        asked.map_err(|cause| already_ended(&dir).unwrap_or(cause))?;
    } else {
        spawn::refuse_other(&dir, owner, if undo { "abort --undo" } else { "abort" })?;
        spawn::launch(world, &dir, Mode::Abort { undo }).await?;
    }
    let and = if undo { ", and undoes what it changed" } else { "" };
    Ok(Performed::Done(format!("run {} stops{and}", dir.id.short())))
}

/// The error for a run that ended before its runner replied.
fn already_ended(dir: &RunDir) -> Option<Error> {
    let status = walk_file(&dir.journal()).ok()?.view?.sealed?;
    let message = format!("run {} is over: {}", dir.id, status.word());
    Some(
        Error::new(Kind::Usage, message)
            .hint(format!("its record: {}", shell::on_runs(format_args!("report {}", dir.id)))),
    )
}
