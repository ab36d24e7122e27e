//! `midwatch run`: the same run as plain prompts, for a serial console, a screen reader or cron.
//!
//! Invoking it is the confirmed start. From then on this process is one reader of the run among others: it follows the journal,
//! prints what happens, and answers prompts over the control socket. When it ends, the run goes on.

mod answers;
mod follow;
mod items;
mod lines;

use crate::app::confirm;
use crate::app::effect::Begun;
use crate::cli::args::{Common, OneRun, Run};
use crate::cli::interactive::{self, Person};
use crate::cli::{complain, out, plan, setup, stop};
use crate::config::shell::{self, Commands};
use crate::config::state::Scope;
use crate::domain::error::Result;
use crate::domain::{Error, Kind, RunStatus};
use crate::gate::operate::{self, Performed};
use crate::gate::{plans, preflight};
use crate::journal::fold::RunView;
use crate::runner::policy;
use crate::runner::rundir::RunDir;
use answers::Answers;
use follow::{End, Follow};
use items::Walk;
use std::collections::BTreeMap;

/// Runs a procedure to its end, or to the point where a person is needed and none is here.
///
/// # Errors
/// When it cannot be planned, is refused, or cannot be started.
pub fn run(common: &Common, args: &Run) -> Result<u8> {
    let (world, authority) = stop::operator(common)?;
    let params: BTreeMap<String, String> = args.procedure.params.iter().cloned().collect();
    let plan = plans::plan(&world, &args.procedure.procedure, &params)?;
    if let Some(refusal) = policy::refusal(&plan, world.state.scope == Scope::Team) {
        return Err(refusal);
    }
    let preflight = preflight::preflight(&world, &plan, args.emergency.as_deref())?;
    if let Some(refusal) = preflight.refused {
        return Err(refusal);
    }
    let hash = plan.hash()?;
    let warned = preflight.warned();
    for warning in &warned {
        out::warn(format_args!("{}", plan::clean(&format!("warning: {warning}\n"))));
    }
    let mut person = Person;
    if preflight.logout.is_some() {
        person = may_end_with_us(args, person)?;
    }
    let begun = Begun { how: "invoked", emergency: args.emergency.clone(), warned };
    setup::wait_for(async {
        let command = confirm::start(&authority, plan, hash, begun);
        let Performed::Started(run) = operate::perform(&world, command, "run").await? else {
            return Err(Error::machine("start the run", "the gate did not say which run it started"));
        };
        let person_is_here = interactive::is_here() && !args.json;
        let answers = Answers::new(args.yes.is_some(), args.confirm.clone(), person_is_here);
        let dir = RunDir::of(&world.state.dir, run.clone());
        let walk = Walk::default();
        let authority = Some(authority);
        let mut follow = Follow { world, authority, answers, json: args.json, dir, person, walk };
        let end = follow.until_it_ends().await?;
        Ok(code(&end, args.json, &run))
    })
}

/// Follows a run that was started elsewhere, and answers its prompts, as plain text. Under `--read-only` it answers none, and
/// follows until the run is over.
///
/// # Errors
/// When there is no such run, or its journal cannot be read on.
pub fn attach(common: &Common, args: &OneRun) -> Result<u8> {
    let world = setup::runs_world(common)?;
    let authority = (!common.read_only).then(operate::authority);
    let dir = setup::find_run(common, &world, &args.run)?;
    let run = dir.id.clone();
    setup::wait_for(async {
        let answers = Answers::new(false, Vec::new(), authority.is_some() && interactive::is_here());
        let (person, walk) = (Person, Walk::default());
        let mut follow = Follow { world, authority, answers, json: false, dir, person, walk };
        let end = follow.until_it_ends().await?;
        Ok(code(&end, false, &run))
    })
}

/// Asks whether a run may begin that would be killed when whoever starts it logs out; gives the person back, for whom another
/// reader of the terminal would take the next line away.
///
/// # Errors
/// Kind `Aborted` where the answer is no; kind `Waiting` where nobody can be asked.
fn may_end_with_us(args: &Run, mut person: Person) -> Result<Person> {
    if !interactive::is_here() || args.json {
        let message = "the run would not outlive this session, and nobody is here to be asked";
        return Err(Error::new(Kind::Waiting, message));
    }
    let typed =
        setup::wait_for(async { Ok(person.ask("type  yes  to start it all the same [nothing is started]: ").await) })?;
    match typed.as_deref() {
        Some("yes") => Ok(person),
        _ => Err(Error::new(Kind::Aborted, "nothing was started")),
    }
}

/// The exit code, with a last word for a person about the way on.
fn code(end: &End, json: bool, run: &crate::domain::RunId) -> u8 {
    let Commands { runs, estate, .. } = shell::own();
    let (code, word) = match end {
        End::Sealed(view) => (sealed(view), format!("its record: {runs} report {run}")),
        End::Held => (Kind::Waiting.exit_code(), format!("it is held; resume it: {estate} resume {run}")),
        End::NeedsPerson(kind) => (kind.exit_code(), format!("it waits for a person: {estate} attach {run}")),
        End::Interrupted(cause) => {
            complain(cause);
            (cause.kind.exit_code(), format!("it is interrupted: {estate} resume {run}"))
        }
    };
    if !json {
        out::line(format_args!("{word}"));
    }
    code
}

/// 0 ok, 1 failed, 8 unknown outcomes remain, 9 aborted.
fn sealed(view: &RunView) -> u8 {
    match view.sealed {
        _ if view.unknown() > 0 => Kind::UnknownOutcome.exit_code(),
        Some(RunStatus::Ok) => 0,
        Some(RunStatus::Aborted) => Kind::Aborted.exit_code(),
        _ => Kind::StepFailed.exit_code(),
    }
}
