//! `midwatch resume` and `midwatch abort`.

use crate::app::confirm;
use crate::app::effect::Command;
use crate::cli::args::{Abort, Common, OneRun};
use crate::cli::setup;
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::gate::operate::{self, Performed};
use crate::gate::{World, lookup};

/// Launches a new runner on an interrupted run, and says where to see it.
///
/// # Errors
/// When the run is over, has a runner, or is damaged.
pub fn resume(common: &Common, args: &OneRun) -> Result<u8> {
    let (world, authority) = operator(common)?;
    let dir = lookup::find_run(&world, &args.run)?;
    refuse_sealed(&world, &dir.id)?;
    act(&world, confirm::resume(&authority, dir.id.clone()))?;
    println!("see it: midwatch attach {}", dir.id);
    Ok(0)
}

/// Stops a run.
///
/// # Errors
/// When the run is over or cannot be reached.
pub fn abort(common: &Common, args: &Abort) -> Result<u8> {
    let (world, authority) = operator(common)?;
    let dir = lookup::find_run(&world, &args.run.run)?;
    refuse_sealed(&world, &dir.id)?;
    act(&world, confirm::abort(&authority, dir.id, args.undo))?;
    Ok(0)
}

/// The world, for somebody who may act.
///
/// # Errors
/// `Refused` under `--read-only`.
pub fn operator(common: &Common) -> Result<(World, confirm::Authority)> {
    if common.read_only {
        return Err(Error::new(Kind::Refused, "this command acts, and --read-only forbids it"));
    }
    Ok((setup::world(common)?, operate::authority()))
}

fn refuse_sealed(world: &World, run: &crate::domain::RunId) -> Result<()> {
    let found = lookup::runs(world)?.into_iter().find(|summary| summary.id == *run);
    match found {
        Some(summary) if summary.status.is_over() => {
            let message = format!("run {run} is over: {}", summary.status.word());
            Err(Error::new(Kind::Usage, message).hint(format!("its record: midwatch report {run}")))
        }
        _ => Ok(()),
    }
}

fn act(world: &World, command: confirm::Confirmed<Command>) -> Result<()> {
    let performed = setup::wait_for(operate::perform(world, command, "cli"))?;
    if let Performed::Done(said) = performed {
        println!("{said}");
    }
    Ok(())
}
