//! `midwatch __runner`, `__shim`, `__hold` and `__act`: the processes of a run.

use crate::cli::ownlog::{self, Writes};
use crate::cli::{args, out, setup};
use crate::config::{paths, shell, state};
use crate::domain::Error;
use crate::domain::error::Result;
use crate::runner::engine::Mode;
use crate::runner::rundir::RunDir;
use crate::runner::{act, engine, shim};
use rustix::fs::OFlags;
use std::path::Path;

/// Runs a run, cut off from the terminal; says `started` on standard output once its first record is durable, or why not.
///
/// # Errors
/// As the engine.
pub fn runner(args: &args::Runner) -> Result<u8> {
    detach()?;
    let mode = match (args.resume, args.abort) {
        (_, Some(leave)) => Mode::Abort { undo: leave == args::Leave::Undo },
        (true, None) => Mode::Resume,
        (false, None) => Mode::Begin,
    };
    RunDir::at(&args.dir).iter().for_each(name_commands);
    let _log = RunDir::at(&args.dir).ok().and_then(|dir| log_of(&dir, "runner", ""));
    let pid = std::process::id();
    tracing::info!(pid, ?mode, "runner started");
    let ended = engine::run(&args.dir, mode, || {
        out::line(format_args!("started"));
        // Whoever launched us has its answer; from here on standard output leads nowhere.
        if let Ok(nowhere) = rustix::fs::open("/dev/null", OFlags::WRONLY | OFlags::CLOEXEC, rustix::fs::Mode::empty())
        {
            let _ = rustix::stdio::dup2_stdout(nowhere);
        }
    });
    match ended {
        Ok(status) => {
            tracing::info!(status = status.word(), "runner ended");
            Ok(0)
        }
        Err(cause) => {
            tracing::error!(exit = cause.kind.exit_code(), cause = cause.message, "runner gave up");
            let value =
                serde_json::json!({ "message": cause.message, "hints": cause.hints, "exit": cause.kind.exit_code() });
            out::line(format_args!("{value}"));
            Err(cause)
        }
    }
}

/// Names the commands of the hints as they reach this run: by its state directory, and by its estate file.
fn name_commands(dir: &RunDir) {
    let around = setup::surroundings();
    let demo = dir.state().ends_with(Path::new("demo").join(crate::demo::build::STATE));
    let estate = dir.load().ok().and_then(|(_, start)| start.estate);
    let config = estate.filter(|file| !paths::estate_places(&around).contains(file));
    let common = args::Common { state: Some(dir.state().to_owned()), config, demo, ..args::Common::default() };
    shell::set(setup::commands(&common, &around));
}

/// Own session, so that no terminal can hang it up; private files; a directory that can be unmounted.
fn detach() -> Result<()> {
    // Fails only for the leader of a process group, which has no terminal to lose then.
    let _ = rustix::process::setsid();
    let _ = rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    rustix::process::chdir("/").map_err(|cause| Error::machine("leave the working directory", cause))
}

/// Runs the shim of one act.
///
/// # Errors
/// As the shim.
pub fn shim_process() -> Result<u8> {
    let mut log = None;
    shim::main(|attempt| log = log_of_attempt(attempt, "shim")).map(|()| 0)
}

/// Waits until it may become one act.
///
/// # Errors
/// As the hold.
pub fn hold_process() -> Result<u8> {
    shim::hold::main()
}

/// Does one step's work.
///
/// # Errors
/// As the act.
pub fn act_process() -> Result<u8> {
    let mut log = None;
    act::main(|attempt| log = log_of_attempt(attempt, "act"))
}

/// Starts the log of a process that works on a run.
fn log_of(dir: &RunDir, who: &'static str, more: &str) -> Option<ownlog::Guard> {
    let around = setup::surroundings();
    let state = state::state_in(Some(dir.state().to_owned()), &around).ok()?;
    ownlog::start(&state, &around, Writes { who, on: format!(" run={}{more}", dir.id), makes: true })
}

/// The same for one that works on an attempt, by its directory `…/RUN/steps/STEP.ATTEMPT`.
fn log_of_attempt(attempt: &Path, who: &'static str) -> Option<ownlog::Guard> {
    let dir = RunDir::at(attempt.parent()?.parent()?).ok()?;
    let name = attempt.file_name()?.to_str()?;
    let step = name.split('.').next()?;
    log_of(&dir, who, &format!(" step={step} attempt={name}"))
}
