//! Launches runners, detached: a run outlives the process that started it.

use crate::app::effect::Begun;
use crate::config::estate::Estate;
use crate::config::names;
use crate::config::plain;
use crate::config::shell;
use crate::config::state::{Scope, prepare_state};
use crate::domain::error::Result;
use crate::domain::{Digest, Error, Kind, RunId};
use crate::gate::{World, preflight};
use crate::probes::clock;
use crate::procedure::plan::Plan;
use crate::runner::engine::Mode;
use crate::runner::retention;
use crate::runner::rundir::{RunDir, Start};
use crate::runner::{failpoint, policy};
use serde::Deserialize;
use std::fs;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a runner may take to report that its first record is durable.
const LAUNCH: Duration = Duration::from_secs(10);

/// Starts a run of a plan that was confirmed by its hash.
///
/// # Errors
/// When the plan or its procedure is not what was confirmed, when policy refuses it, when a lock is held, or when the
/// state directory cannot take the run.
pub async fn start(world: &World, plan: &Plan, hash: &Digest, begun: Begun) -> Result<RunId> {
    if plan.hash()? != *hash {
        return Err(Error::new(Kind::Refused, "the plan is not the one that was confirmed"));
    }
    if let Some(refusal) = policy::refusal(plan, world.state.scope == Scope::Team) {
        return Err(refusal);
    }
    world.may_start()?;
    is_estate_of_now(&world.estate)?;
    let catalog = world.catalog();
    let procedure = catalog.find(&plan.id)?;
    let same = |id: &String, source: &Digest| catalog.library().get(id).is_some_and(|used| used.source == *source);
    if let Some((id, _)) = plan.uses.iter().find(|(id, source)| !same(id, source)) {
        let message = format!("the procedure {id}, which {} includes, has changed since it was planned", plan.id);
        return Err(Error::new(Kind::Refused, message).hint("plan it again"));
    }
    if procedure.source != plan.source {
        let message = format!("the procedure {} has changed since it was planned", plan.id);
        return Err(Error::new(Kind::Refused, message).hint("plan it again"));
    }
    // Without a state directory no journal can be written.
    prepare_state(&world.state).map_err(|cause| cause.of_kind(Kind::Journal))?;
    let estate =
        world.estate.source.as_deref().map(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    if let Some(refusal) = preflight::preflight(world, plan, begun.emergency.as_deref())?.refused {
        return Err(refusal);
    }
    let windows = preflight::windows(world, plan, begun.emergency.is_some())?.map(|calendar| calendar.text);
    let start = Start {
        plan: hash.clone(),
        how: begun.how.to_owned(),
        locks: world.state.locks.clone(),
        estate,
        windows: windows.as_ref().map(|text| Digest::of(text.as_bytes())),
        emergency: begun.emergency,
        warned: begun.warned,
    };
    let dir = RunDir::create(&world.state.dir, new_id()?, plan, procedure.text.as_bytes(), &start)?;
    if let Some(text) = windows {
        dir.freeze_windows(&text).inspect_err(|_| drop(fs::remove_dir_all(&dir.path)))?;
    }
    let launched = launch(world, &dir, Mode::Begin).await;
    if launched.is_err() && !dir.journal().exists() {
        // The run never began, so its directory holds no history.
        let _ = fs::remove_dir_all(&dir.path);
    }
    launched?;
    // The new run is listed now, so the list has its full length.
    let (state, keep) = (world.state.dir.clone(), world.estate.keep);
    let removed = tokio::task::spawn_blocking(move || retention::apply(&state, keep)).await;
    removed.map(drop).unwrap_or_else(|cause| tracing::warn!(%cause, "runs not removed"));
    Ok(dir.id)
}

/// Refuses if the estate file has changed since it was read: the plan would show an environment, targets and rules
/// that are no longer those of the file.
fn is_estate_of_now(estate: &Estate) -> Result<()> {
    let Some(file) = &estate.source else { return Ok(()) };
    let changed = match Estate::load(file) {
        Ok(now) if now == *estate => return Ok(()),
        Ok(_) => "has changed since it was read".to_owned(),
        Err(cause) => format!("cannot be used any more: {}", cause.message),
    };
    let refusal = Error::new(Kind::Refused, format!("the estate file {} {changed}", file.display()));
    Err(refusal.hint("read it again (in the console: r), then plan again"))
}

/// Launches a runner on a run and waits until it reports its first record.
///
/// # Errors
/// The runner's own error, or that it reported nothing in time.
pub async fn launch(world: &World, dir: &RunDir, mode: Mode) -> Result<()> {
    let doing = format!("launch the runner of run {}", dir.id);
    if !dir.path.is_dir() {
        let list = format!("{} lists them", shell::on_runs("runs"));
        return Err(Error::new(Kind::Usage, format!("there is no run {}", dir.id)).hint(list));
    }
    let errors = plain::append(&dir.path.join("runner.err"));
    let errors = errors.map_err(|cause| Error::machine(&doing, cause).of_kind(Kind::Journal))?;
    let mut command = Command::new(&world.exe);
    command.arg("__runner").arg(&dir.path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
    match mode {
        Mode::Begin => {}
        Mode::Resume => {
            command.arg("--resume");
        }
        Mode::Abort { undo } => {
            command.args(["--resume", if undo { "--abort=undo" } else { "--abort=leave" }]);
        }
    }
    let mut runner = command.spawn().map_err(|cause| Error::machine(&doing, cause))?;
    let Some(stdout) = runner.stdout.take() else { return Err(Error::machine(&doing, "it has no standard output")) };
    let mut line = String::new();
    let mut reader = BufReader::new(stdout);
    match tokio::time::timeout(failpoint::span("LAUNCH", LAUNCH), reader.read_line(&mut line)).await {
        Err(_) => Err(give_up(&mut runner, dir, &doing).await),
        Ok(Err(cause)) => Err(Error::machine(&doing, cause)),
        Ok(Ok(_)) if line.trim() == "started" => Ok(()),
        Ok(Ok(_)) => Err(refusal(&line).unwrap_or_else(|| {
            Error::machine(&doing, "it ended before it reported its first record")
                .hint(format!("see {}", dir.path.join("runner.err").display()))
                .hint(format!("if the run exists, continue it: {}", shell::on_runs(format_args!("resume {}", dir.id))))
        })),
    }
}

/// Ends a runner that did not report its first record in time, so that a start that is reported as failed does not
/// begin later.
async fn give_up(runner: &mut Child, dir: &RunDir, doing: &str) -> Error {
    let _ = runner.start_kill();
    let _ = tokio::time::timeout(LAUNCH, runner.wait()).await;
    let error = Error::machine(
        doing,
        format!("it did not report its first record within {} s and was ended", LAUNCH.as_secs()),
    );
    if dir.journal().exists() {
        error.hint(format!("continue the run: {}", shell::on_runs(format_args!("resume {}", dir.id))))
    } else {
        error
    }
}

/// Refuses to take over another user's run: its acts would run with the rights of the new user. Root may, after the
/// owner's name was typed (`consent`); `verb` is the command as typed.
///
/// # Errors
/// Kind `Refused`, with the owner's name and the command that continues it with the owner's own rights.
pub fn refuse_other(dir: &RunDir, consent: Option<u32>, verb: &str) -> Result<()> {
    let (us, owner) = (rustix::process::geteuid(), dir.owner());
    if owner == Some(us.as_raw()) || (us.is_root() && owner.is_some() && owner == consent) {
        return Ok(());
    }
    let name = owner.map_or_else(|| "another user".to_owned(), names::user);
    let id = &dir.id;
    if us.is_root() {
        let message = format!("run {id} belongs to {name}, and its steps would run with the rights of root");
        let own = owner.map_or_else(|| format!("-u {name}"), |uid| format!("-u '#{uid}'"));
        return Err(Error::new(Kind::Refused, message)
            .hint(format!("with the owner's rights: sudo {own} midwatch --state {} {verb} {id}", dir.state().display()))
            .hint(format!(
                "as root: {} at a terminal, which asks for the owner's name",
                shell::on_runs(format_args!("{verb} {id}"))
            )));
    }
    let message = format!("run {id} belongs to {name}: only they or root can take it over");
    Err(Error::new(Kind::Refused, message)
        .hint("a run that has a runner can be answered, noted and stopped by the team"))
}

/// The report of a runner that cannot begin.
#[derive(Deserialize)]
struct FirstLine {
    message: String,
    hints: Vec<String>,
    exit: u8,
}

fn refusal(line: &str) -> Option<Error> {
    let first_line: FirstLine = serde_json::from_str(line).ok()?;
    let kinds = [Kind::Usage, Kind::Damaged, Kind::Locked, Kind::Refused, Kind::Journal];
    let kind = kinds.into_iter().find(|kind| kind.exit_code() == first_line.exit).unwrap_or(Kind::Machine);
    Some(Error { kind, message: first_line.message, hints: first_line.hints })
}

/// A new run's id: the time, and 80 bits from the kernel.
fn new_id() -> Result<RunId> {
    let mut bytes = [0_u8; 16];
    match rustix::rand::getrandom(bytes.as_mut_slice(), rustix::rand::GetRandomFlags::empty()) {
        Ok(16) => {
            let ms = u64::try_from(clock::now().wall.0.as_millisecond()).unwrap_or(0);
            Ok(RunId::new(ms, u128::from_ne_bytes(bytes)))
        }
        _ => Err(Error::machine("name the run", "the kernel gave no random bytes")),
    }
}
