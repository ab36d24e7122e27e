//! From the options and the environment to the world that a command works on.

use crate::calendar;
use crate::cli::args::Common;
use crate::config::estate::Estate;
use crate::config::paths::{self, Surroundings};
use crate::config::state::{self, State};
use crate::domain::Error;
use crate::domain::error::Result;
use crate::gate::World;
use crate::runner::identity;
use std::future::Future;

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
