//! `midwatch resume` and `midwatch abort`.

use crate::app::confirm::{self, Authority, Confirmed};
use crate::app::effect::Command;
use crate::cli::args::{Abort, Common, OneRun};
use crate::cli::{complain, interactive, out, plan, setup};
use crate::config::names;
use crate::config::shell;
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::gate::operate::{self, Performed};
use crate::gate::{World, lookup};
use crate::journal::list::walk_file;
use crate::journal::record::ended;
use crate::journal::witness::never_began;
use crate::runner::failpoint;
use crate::runner::quarantine;
use crate::runner::rundir::RunDir;
use crate::runner::shim::GRACE;
use crate::runner::survivors::{self, Living};
use std::time::{Duration, Instant};

/// How much longer than the grace of an act is waited until it has ended.
const UNTIL_ENDED: Duration = Duration::from_secs(5);

/// What is done instead of undoing a run that is over.
const NO_UNDO: &str = "a run that is over cannot be undone: run a procedure that reverses what it changed";

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(100);

/// Launches a new runner on an interrupted run, and says where to see it.
///
/// # Errors
/// When the run is over, has a runner, or is damaged.
pub fn resume(common: &Common, args: &OneRun) -> Result<u8> {
    let (world, authority) = operator_of_runs(common)?;
    let dir = setup::find_run(common, &world, &args.run)?;
    refuse_sealed(&world, &dir.id)?;
    if never_began(&dir.path) && !dir.runner_lives() {
        let message = format!("run {} never began: its journal has no record", dir.id);
        return Err(Error::new(Kind::Refused, message)
            .hint(format!("remove it: {}", shell::on_runs(format_args!("abort {}", dir.id)))));
    }
    let command = confirm::resume(&authority, dir.id.clone());
    act(&world, of_another(&authority, &dir, command)?).map_err(|refusal| with_way_out(refusal, &dir))?;
    out::line(format_args!("see it: {}", shell::on_estate(format_args!("attach {}", dir.id))));
    Ok(0)
}

/// Stops a run. Where its shim is gone and its act lives on, waits until that has ended; what does not end is named, with exit 8.
///
/// # Errors
/// When the run is over or cannot be reached.
pub fn abort(common: &Common, args: &Abort) -> Result<u8> {
    let (world, authority) = operator_of_runs(common)?;
    let dir = setup::find_run(common, &world, &args.run.run)?;
    if args.set_aside {
        return set_aside(&dir);
    }
    let no_undo = |refusal: Error| if args.undo { refusal.hint(NO_UNDO) } else { refusal };
    refuse_sealed(&world, &dir.id).map_err(no_undo)?;
    if never_began(&dir.path) && !dir.runner_lives() {
        return remove(&dir);
    }
    let command = confirm::abort(&authority, dir.id.clone(), args.undo);
    let before = to_end(&dir, args.undo);
    act(&world, of_another(&authority, &dir, command)?).map_err(|refusal| with_way_out(refusal, &dir))?;
    let left = wait_for_living(&dir, args.undo);
    if left.is_empty() {
        return Ok(print_ended(&dir, &before));
    }
    for (attempt, alive) in left {
        let message = format!("attempt {attempt} is still at work: {}", survivors::shown(&alive));
        complain(&Error::new(Kind::UnknownOutcome, message));
    }
    let way = "it cannot be ended by this run; the run is not sealed, and what it locks stays locked, until it is gone";
    let see = format!("see it: {}", shell::on_estate(format_args!("attach {}", dir.id)));
    complain(&Error::new(Kind::UnknownOutcome, way).hint(see));
    Ok(Kind::UnknownOutcome.exit_code())
}

/// What still runs of a run's acts and an abort ends; an undo at work is no part of it where the run goes back.
fn to_end(dir: &RunDir, undo: bool) -> Vec<(String, Vec<Living>)> {
    survivors::of_run(dir).into_iter().filter(|(name, _)| !(undo && survivors::is_undo(name))).collect()
}

/// Tells what was at work without its shim and has ended; gives the exit code: 8 where nobody knows what it did.
fn print_ended(dir: &RunDir, before: &[(String, Vec<Living>)]) -> u8 {
    let mut code = 0;
    for (attempt, alive) in before {
        let shown = survivors::shown(alive);
        if survivors::is_lost(&dir.attempt(attempt)) {
            let see = format!("see it: {}", shell::on_runs(format_args!("report {}", dir.id)));
            let message = format!(
                "attempt {attempt} was at work without its shim and has ended: {shown}; its outcome is unknown"
            );
            complain(&Error::new(Kind::UnknownOutcome, message).hint(see));
            code = Kind::UnknownOutcome.exit_code();
        } else {
            out::line(format_args!("what still ran of attempt {attempt} has ended: {shown}"));
        }
    }
    code
}

/// What lives of a run's acts whose shims are gone, once its runner has had the time to end it.
fn wait_for_living(dir: &RunDir, undo: bool) -> Vec<(String, Vec<Living>)> {
    let patience = failpoint::span("GRACE", GRACE) + UNTIL_ENDED;
    let began = Instant::now();
    loop {
        let left = to_end(dir, undo);
        if left.is_empty() || began.elapsed() > patience {
            return left;
        }
        std::thread::sleep(LOOK);
    }
}

/// Names the next command for a run that no runner can resume.
pub fn with_way_out(refusal: Error, dir: &RunDir) -> Error {
    match quarantine::why_lost(dir) {
        Some(_) => {
            refusal.hint(format!("put it aside: {}", shell::on_runs(format_args!("abort {} --set-aside", dir.id))))
        }
        None => refusal,
    }
}

/// Puts a damaged run aside, once the person at the terminal has typed its id.
fn set_aside(dir: &RunDir) -> Result<u8> {
    if !interactive::is_here() {
        return Err(Error::new(Kind::Refused, "a run is put aside by a person at a terminal"));
    }
    let why = quarantine::why_lost(dir).unwrap_or_else(|| "it is not damaged".to_owned());
    let text = format!(
        "run {}: {why}\nIts directory is kept, and what it locks is free for other runs. Nothing is undone: see first what it \
         has changed.\n",
        dir.id
    );
    out::text(format_args!("{}", plan::clean(&text)));
    let question = format!("type  {}  to put it aside [nothing]: ", dir.id);
    let typed = setup::wait_for(async { Ok(interactive::Person.ask(&question).await) })?;
    if typed.as_deref() != Some(dir.id.as_str()) {
        return Err(Error::new(Kind::Aborted, "the id does not match; nothing was done"));
    }
    let place = quarantine::set_aside(dir)?;
    out::line(format_args!("run {} lies in {}", dir.id, place.display()));
    Ok(0)
}

/// Removes the directory of a run that never began, under its lock.
fn remove(dir: &RunDir) -> Result<u8> {
    let busy = || Error::new(Kind::Locked, format!("run {} has a runner already", dir.id));
    let _taken = dir.take()?.ok_or_else(busy)?;
    if !never_began(&dir.path) {
        return Err(busy());
    }
    let doing = format!("remove {}", dir.path.display());
    std::fs::remove_dir_all(&dir.path).map_err(|cause| Error::machine(doing, cause))?;
    out::line(format_args!("run {} never began; its directory is removed", dir.id));
    Ok(0)
}

/// Asks root for the owner's name before another user's run is taken over with the rights of root. Where nobody can be asked, the
/// gate refuses.
fn of_another(authority: &Authority, dir: &RunDir, command: Confirmed<Command>) -> Result<Confirmed<Command>> {
    let us = rustix::process::geteuid();
    let Some(owner) = dir.owner().filter(|owner| us.is_root() && *owner != us.as_raw() && !dir.runner_lives()) else {
        return Ok(command);
    };
    if !interactive::is_here() {
        return Ok(command);
    }
    let name = names::user(owner);
    let mut text =
        format!("run {} belongs to {name}. Taken over by root, these steps run with the rights of root:\n", dir.id);
    let view = walk_file(&dir.journal()).ok().and_then(|walked| walked.view);
    for (number, step) in (1..).zip(view.iter().flat_map(|view| &view.steps)).filter(|(_, step)| !step.state.is_over())
    {
        text.push_str(&format!("  {number}. {}\n", step.head.title));
    }
    for step in
        view.iter().flat_map(|view| view.pending_undos().into_iter().filter_map(|step| view.step(step).zip(Some(step))))
    {
        text.push_str(&format!("  the undo of {}. {}, where the run is rolled back\n", step.1 + 1, step.0.head.title));
    }
    out::text(format_args!("{}", plan::clean(&text)));
    let question = format!("type the owner's name, {name}, to take it over as root [nothing]: ");
    let typed = setup::wait_for(async { Ok(interactive::Person.ask(&question).await) })?;
    if typed.as_deref() == Some(name.as_str()) {
        return Ok(confirm::take_over(authority, owner, command));
    }
    Err(Error::new(Kind::Aborted, "the name does not match; nothing was done"))
}

/// The world, for somebody who may act.
///
/// # Errors
/// `Refused` under `--read-only`.
pub fn operator(common: &Common) -> Result<(World, Authority)> {
    may_act(common)?;
    Ok((setup::world(common)?, operate::authority()))
}

/// The same for a command on a run that exists, which an estate that cannot be used does not stop.
fn operator_of_runs(common: &Common) -> Result<(World, Authority)> {
    may_act(common)?;
    Ok((setup::runs_world(common)?, operate::authority()))
}

fn may_act(common: &Common) -> Result<()> {
    if common.read_only {
        return Err(Error::new(Kind::Refused, "this command acts, and --read-only forbids it"));
    }
    Ok(())
}

fn refuse_sealed(world: &World, run: &crate::domain::RunId) -> Result<()> {
    let found = lookup::runs(world)?.into_iter().find(|summary| summary.id == *run);
    match found {
        Some(summary) if summary.status.is_over() => {
            let message = format!("run {run} is over: {}", ended(summary.status, summary.went_back, summary.caveats));
            Err(Error::new(Kind::Usage, message)
                .hint(format!("its record: {}", shell::on_runs(format_args!("report {run}")))))
        }
        _ => Ok(()),
    }
}

fn act(world: &World, command: Confirmed<Command>) -> Result<()> {
    let performed = setup::wait_for(operate::perform(world, command, "cli"))?;
    if let Performed::Done(text) = performed {
        out::line(format_args!("{text}"));
    }
    Ok(())
}
