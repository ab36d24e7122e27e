//! From the options and the environment to the world that a command works on.

use crate::calendar::{self, Calendar};
use crate::cli::args::Common;
use crate::cli::{demo, out};
use crate::config::estate::{Estate, Unread};
use crate::config::paths::{self, Surroundings};
use crate::config::patience;
use crate::config::shell::Commands;
use crate::config::state::{self, State};
use crate::config::trust::quoted;
use crate::domain::error::Result;
use crate::domain::{Error, Kind, TargetKind, quantity};
use crate::gate::{World, Wrong, first_fault, lookup};
use crate::runner::rundir::RunDir;
use crate::runner::{failpoint, identity};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The environment of this process.
#[must_use]
pub fn surroundings() -> Surroundings {
    Surroundings::of(std::env::vars_os())
}

/// How long what a command needs may take to be read: a file system may hang.
fn long() -> Duration {
    failpoint::span("FILES", Duration::from_secs(10))
}

/// How long what it can do without may take.
const SHORT: Duration = Duration::from_secs(2);
/// The same once something has not answered: what lies beside it will not either.
const SHORTEST: Duration = Duration::from_millis(200);

/// Whether something has not answered.
static HANGS: AtomicBool = AtomicBool::new(false);

/// Reads something that the command can do without, in a thread that is left behind where a file system does not answer.
///
/// # Errors
/// That it did not answer in time.
pub fn spared<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    answered(what, if HANGS.load(Ordering::Relaxed) { SHORTEST } else { SHORT }, work)
}

/// Reads something that the command needs, alike.
fn needed<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    answered(what, if has_hung() { SHORT.min(long()) } else { long() }, work)
}

fn answered<T: Send + 'static>(what: &str, limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let (notify, answer) = std::sync::mpsc::sync_channel(1);
    let run = move || {
        // Nobody waits any more where it took too long.
        let _ = notify.send(work());
    };
    let thread = std::thread::Builder::new().name("files".to_owned()).spawn(run);
    thread.map_err(|cause| Error::machine("start a thread", cause))?;
    answer.recv_timeout(limit).map_err(|_| {
        HANGS.store(true, Ordering::Relaxed);
        hangs(what, limit)
    })
}

/// Does the work of a command that only looks, in a thread that is left behind where a file system does not answer it.
///
/// # Errors
/// What the work says; of kind `Usage` with the path where one does not answer.
pub fn watched<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let limit = || if has_hung() { SHORT.min(long()) } else { long() };
    match patience::bounded(limit, work).map_err(|cause| Error::machine("start a thread", cause))? {
        Ok(ended) => ended,
        Err(path) => Err(hangs(&path.display().to_string(), limit())),
    }
}

/// Says that something does not answer; it counts like a file that cannot be read.
fn hangs(what: &str, limit: Duration) -> Error {
    let message = format!("cannot read {what}: no answer within {}", quantity::span(limit));
    Error::new(Kind::Usage, message)
        .hint("its file system may hang, such as that of a file server that has gone: `findmnt` lists the mounts")
}

/// Whether something did not answer.
#[must_use]
pub fn has_hung() -> bool {
    HANGS.load(Ordering::Relaxed)
}

/// The estate, the state directory and this program.
///
/// # Errors
/// When the estate file is wrong, or there is no place for state.
pub fn world(common: &Common) -> Result<World> {
    let around = surroundings();
    let exe = std::env::current_exe().map_err(|cause| Error::machine("find Midwatch's own program", cause))?;
    let estate = estate(common, &around)?;
    let source = estate.source.clone();
    let calendar = needed("the windows beside the estate file", move || calendar::load(source.as_deref()))??;
    Ok(World { estate, calendar, state: state(common, &around)?, around, exe, wrong: None })
}

/// The world of a command on runs, which need the state directory alone: each has its plan and its procedure in its own directory.
/// Where the estate file or the windows cannot be used, `World::wrong` says why, and nothing new is started.
///
/// # Errors
/// When there is no place for state.
pub fn world_of_runs(common: &Common) -> Result<World> {
    let cause = match world(common) {
        Err(cause) => cause,
        whole => return whole,
    };
    let around = surroundings();
    let exe = std::env::current_exe().map_err(|cause| Error::machine("find Midwatch's own program", cause))?;
    let state = state(common, &around)?;
    // Windows that are wrong leave the estate as it is.
    let (estate, is_estate) = match estate(common, &around) {
        Ok(estate) => (estate, false),
        Err(_) => match paths::estate_file(common.config.as_deref(), &around) {
            Some(file) => (Estate::standing_in(&file), true),
            None => return Err(cause),
        },
    };
    let calendar = Calendar::default();
    Ok(World { estate, calendar, state, around, exe, wrong: Some(Wrong { cause, is_estate }) })
}

/// The same for a command that prints: says on standard error which file is wrong, and whose runs these are.
///
/// # Errors
/// As [`world_of_runs`].
pub fn runs_world(common: &Common) -> Result<World> {
    let world = world_of_runs(common)?;
    if let Some(wrong) = &world.wrong {
        let (fault, runs) = (first_fault(&wrong.cause), world.state.runs());
        out::warn_line(format_args!("warning: {fault}; the runs in {} do not need it", runs.display()));
    }
    Ok(world)
}

/// The estate file, or this host as it is.
///
/// # Errors
/// When the file cannot be read or is wrong.
pub fn estate(common: &Common, around: &Surroundings) -> Result<Estate> {
    if let Some(file) = paths::named_estate_file(common.config.as_deref(), around) {
        return loaded(file);
    }
    let mut unread = Vec::new();
    for place in paths::estate_places(around) {
        let (what, looked) = (format!("the estate file {}", place.display()), place.clone());
        match spared(&what, move || paths::is_absent(&looked)) {
            Ok(false) => return Ok(Estate { unread, ..loaded(place)? }),
            Ok(true) => {}
            // It may be there: the row says so, whatever stands in for it.
            Err(cause) => {
                let (kind, name) = (TargetKind::Host, "estate file".to_owned());
                unread.push(Unread { kind, name, why: cause.message });
            }
        }
    }
    let mut estate = Estate::discovered(&identity::host_name(), around);
    estate.unread.extend(unread);
    Ok(estate)
}

fn loaded(file: PathBuf) -> Result<Estate> {
    needed(&format!("the estate file {}", file.display()), move || Estate::load(&file))?
}

/// The state directory that is named, else the one of the environment.
///
/// # Errors
/// When there is no place for state.
pub fn state(common: &Common, around: &Surroundings) -> Result<State> {
    let (named, around) = (common.state.clone(), around.clone());
    let what = named.as_ref().map_or_else(String::new, |dir| format!(" {}", dir.display()));
    needed(&format!("the state directory{what}"), move || {
        let Some(dir) = named else { return state::state(&around) };
        let dir = std::path::absolute(dir).map_err(|cause| Error::machine("find the state directory", cause))?;
        state::state_in(Some(dir), &around)
    })?
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
            Some(dir) => format!("midwatch --state {} --demo", quoted(dir)),
            None => "midwatch --demo".to_owned(),
        },
        Some(dir) if !is_default(dir) => format!("midwatch --state {}", quoted(dir)),
        _ => "midwatch".to_owned(),
    }
}

/// The same, and for a command that needs the estate beside the runs with the file that an option named. One that the environment
/// names is found there again.
#[must_use]
pub fn commands(common: &Common, around: &Surroundings) -> Commands {
    let runs = command(common, around);
    let from_option = |file: &&PathBuf| around.get("MIDWATCH_CONFIG") != Some(file.as_os_str());
    let estate = match common.config.as_ref().filter(|_| !common.demo).filter(from_option) {
        Some(file) => {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            format!("{runs} --config {}", quoted(&file))
        }
        None => runs.clone(),
    };
    let state = state(common, around).ok().map(|state| state.dir);
    Commands { runs, estate, state }
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
