//! From the options and the environment to the world that a command works on.

use crate::calendar;
use crate::cli::args::Common;
use crate::cli::demo;
use crate::config::estate::Estate;
use crate::config::paths::{self, Surroundings};
use crate::config::state::{self, State};
use crate::domain::Error;
use crate::domain::error::Result;
use crate::gate::{World, lookup};
use crate::runner::identity;
use crate::runner::rundir::RunDir;
use std::future::Future;
use std::path::Path;

/// The environment of this process.
#[must_use]
pub fn surroundings() -> Surroundings {
    Surroundings::of(std::env::vars_os())
}

/// The estate, the state directory and this program.
///
/// # Errors
/// When the estate file is wrong, or there is no place for state.
pub fn world(common: &Common) -> Result<World> {
    let around = surroundings();
    let exe = std::env::current_exe().map_err(|cause| Error::machine("find Midwatch's own program", cause))?;
    let estate = estate(common, &around)?;
    let calendar = calendar::load(estate.source.as_deref())?;
    Ok(World { estate, calendar, state: state(common, &around)?, around, exe })
}

/// The estate file, or this host as it is.
///
/// # Errors
/// When the file cannot be read or is wrong.
pub fn estate(common: &Common, around: &Surroundings) -> Result<Estate> {
    match paths::estate_file(common.config.as_deref(), around) {
        Some(file) => Estate::load(&file),
        None => Ok(Estate::discovered(&identity::host_name(), around)),
    }
}

/// The state directory that is named, else the one of the environment.
///
/// # Errors
/// When there is no place for state.
pub fn state(common: &Common, around: &Surroundings) -> Result<State> {
    let Some(dir) = &common.state else { return state::state(around) };
    let dir = std::path::absolute(dir).map_err(|cause| Error::machine("find the state directory", cause))?;
    state::state_in(Some(dir), around)
}

/// Finds a run by its id or by the end of it; where there is none and a demo is there, says how to reach that.
///
/// # Errors
/// When none or several match.
pub fn find_run(common: &Common, world: &World, wanted: &str) -> Result<RunDir> {
    let found = lookup::find_run(world, wanted);
    found.map_err(|cause| demo::hint(common).into_iter().fold(cause, Error::hint))
}

/// How the runs of this state directory are reached from a shell: `midwatch`, with the options that it takes.
#[must_use]
pub fn command(common: &Common, around: &Surroundings) -> String {
    let is_default = |dir: &Path| state::state(around).is_ok_and(|state| state.dir == dir);
    match &common.state {
        Some(dir) if common.demo => match dir.parent().and_then(Path::parent).filter(|dir| !is_default(dir)) {
            Some(dir) => format!("midwatch --state {} --demo", dir.display()),
            None => "midwatch --demo".to_owned(),
        },
        Some(dir) if !is_default(dir) => format!("midwatch --state {}", dir.display()),
        _ => "midwatch".to_owned(),
    }
}

/// Runs something that waits, on this thread.
///
/// # Errors
/// What it says, or that no runtime could be had.
pub fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::machine("start a runtime", cause))?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}
