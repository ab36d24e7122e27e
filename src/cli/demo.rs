//! `midwatch demo`: a real throwaway estate, and the console on it.

use crate::app::confirm;
use crate::app::modal::leave;
use crate::cli::args::{Common, Demo};
use crate::cli::{console, out, ownlog, setup};
use crate::config::{shell, state};
use crate::demo;
use crate::domain::error::Result;
use crate::domain::quantity::counted;
use crate::domain::{Clean, Error, Kind, RunId};
use crate::gate::operate;
use crate::journal::list;
use crate::runner::rundir::RunDir;
use crate::tui::event_loop::Left;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long runs may take to end: the grace of an act, and what comes behind it.
const UNTIL_ENDED: Duration = Duration::from_secs(20);

/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(50);

/// Builds the estate or comes back to it, and opens the console; the estate goes only where a person typed that it shall.
///
/// # Errors
/// When the estate cannot be built, or the console not opened; `Refused` under `--read-only`.
pub fn run(common: &Common, args: &Demo) -> Result<u8> {
    let dir = place(common)?;
    if common.read_only {
        let error = Error::new(Kind::Refused, "the demo makes files and starts servers, and --read-only forbids it");
        return Err(error.hint("open it without --read-only; midwatch --demo watch shows one that is there"));
    }
    if args.stop {
        let (runs, _) = runs(&dir.join(demo::build::STATE));
        end_runs(common, &dir)?;
        let gone = demo::stop(&dir)?;
        out::line(format_args!("{}", if gone { removed(runs) } else { "there is no demo estate".to_owned() }));
        return Ok(0);
    }
    let exe = std::env::current_exe().map_err(|cause| Error::machine("find Midwatch's own program", cause))?;
    let estate = demo::ensure(&dir, &exe)?;
    let consoles = demo::Consoles::join(&dir)?;
    let own = Common { config: Some(estate.config), state: Some(estate.state.clone()), demo: true, ..common.clone() };
    let around = setup::surroundings();
    let command = setup::command(&own, &around);
    shell::set(setup::commands(&own, &around));
    let word = if estate.already { "is still there" } else { "stands" };
    out::line(format_args!("the demo estate {word}; from a second shell: {command} watch"));
    for why in &estate.absent {
        out::line(format_args!("{}", Clean::text(why).plain()));
    }
    let _log = ownlog::start(&setup::state(&own, &around)?, &around, ownlog::Writes::of("demo"));
    let (left, code) = console::demo(&own)?;
    let kept = match left {
        Left::Remove(removal) => match still_so(&estate.state, removal.get().runs, &consoles) {
            None => {
                demo::stop(&dir)?;
                out::line(format_args!("{}", removed(removal.get().runs)));
                return Ok(code);
            }
            Some(why) => format!("{why}, so the demo estate stays"),
        },
        _ => "the demo estate stays".to_owned(),
    };
    // The next `midwatch demo` comes back to it.
    let (all, live) = runs(&estate.state);
    let live = if live > 0 { format!(", {live} of them not over") } else { String::new() };
    out::line(format_args!("{kept}, with {}{live}", counted(all as u64, "run", "runs")));
    out::line(format_args!("  records    {}", estate.state.join("runs").display()));
    out::line(format_args!("  list them  {command} runs"));
    out::line(format_args!("  read one   {command} report RUN"));
    out::line(format_args!("  go on      {}", command.replace("--demo", "demo")));
    out::line(format_args!("  remove all {} --stop", command.replace("--demo", "demo")));
    Ok(code)
}

/// Stops the runs of the demo that have a runner, and waits until each has ended: a runner that asks would see only at its next look that
/// its directory is gone, and its act would go on beside it.
fn end_runs(common: &Common, dir: &Path) -> Result<()> {
    let Some((config, state)) = demo::find(dir) else { return Ok(()) };
    let found = list::runs(&state, |_| true).unwrap_or_default().into_iter().map(|run| RunDir::of(&state, run.id));
    let open: Vec<RunDir> = found.filter(RunDir::runner_lives).collect();
    if open.is_empty() {
        return Ok(());
    }
    let count = counted(open.len() as u64, "run is", "runs are");
    out::line(format_args!("stopping: {count} being ended"));
    let world = setup::world(&Common { config: Some(config), state: Some(state), demo: true, ..common.clone() })?;
    for run in &open {
        let command = confirm::abort(&operate::authority(), run.id.clone(), false);
        if let Err(cause) = setup::wait_for(operate::perform(&world, command, "demo --stop")) {
            tracing::warn!(run = %run.id, cause = cause.message, "run not stopped");
        }
    }
    let began = Instant::now();
    while open.iter().any(RunDir::runner_lives) && began.elapsed() < UNTIL_ENDED {
        std::thread::sleep(LOOK);
    }
    let left = open.iter().filter(|run| run.runner_lives()).count();
    if left > 0 {
        let count = counted(left as u64, "run has", "runs have");
        out::line(format_args!("{count} not ended yet and will, without its directory, within a minute"));
    }
    Ok(())
}

/// Why the demo is not removed after all: it is no longer what the person saw.
fn still_so(state: &Path, shown: usize, consoles: &demo::Consoles) -> Option<&'static str> {
    match runs(state) {
        _ if !consoles.are_closed() => Some("another console is open on it"),
        (_, live) if live > 0 => Some("a run of it is not over"),
        (all, _) if all != shown => Some("it has other runs than those that were shown"),
        _ => None,
    }
}

/// How many runs a state directory holds, and how many of them are not over; what cannot be read counts as not over.
fn runs(state: &Path) -> (usize, usize) {
    let lives = |run: &RunId| RunDir::of(state, run.clone()).runner_lives();
    list::runs(state, lives).map_or((0, 1), |runs| leave::counts(&runs))
}

fn removed(runs: usize) -> String {
    match runs {
        0 => "the demo estate is removed".to_owned(),
        runs => format!("the demo estate is removed, with {}", counted(runs as u64, "run", "runs")),
    }
}

/// With `--demo`, the demo's own estate and state.
///
/// # Errors
/// When there is no demo.
pub fn resolve(common: Common) -> Result<Common> {
    if !common.demo {
        return Ok(common);
    }
    let dir = place(&common)?;
    let found = demo::find(&dir).ok_or_else(|| {
        Error::new(Kind::Usage, format!("there is no demo estate in {}", dir.display()))
            .hint("midwatch demo builds one")
    })?;
    Ok(Common { config: Some(found.0), state: Some(found.1), ..common })
}

/// What to say where nothing was found and a demo is there.
#[must_use]
pub fn hint(common: &Common) -> Option<String> {
    let dir = place(common).ok().filter(|_| !common.demo)?;
    let (_, state) = setup::spared("the demo", move || demo::find(&dir)).ok().flatten()?;
    let own = Common { state: Some(state), demo: true, ..common.clone() };
    Some(format!("a demo estate is there; its runs: {} runs", setup::command(&own, &setup::surroundings())))
}

/// Keeps the estate, as the small process behind the console.
///
/// # Errors
/// When it cannot be built.
pub fn keep(dir: &Path) -> Result<u8> {
    demo::supervisor::keep(dir).map(|()| 0)
}

/// Below the user's own state, never in a place that others can write to.
fn place(common: &Common) -> Result<PathBuf> {
    match &common.state {
        Some(dir) => Ok(dir.join("demo")),
        None => Ok(state::state(&setup::surroundings())?.dir.join("demo")),
    }
}
