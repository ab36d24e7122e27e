//! Starts acts under shims, waits for them, and adopts acts that another runner started.

use crate::config::plain;
use crate::domain::error::{Result, system_text};
use crate::domain::{Digest, EffectClass, Kind};
use crate::procedure::plan::Action;
use crate::runner::adapters::Program;
use crate::runner::engine::Engine;
use crate::runner::engine::attempt::{Found, examine, is_undo};
use crate::runner::identity::ProcessId;
use crate::runner::pinned::Pinned;
use crate::runner::rundir::{open_private, read_bounded, sync_dir};
use crate::runner::shim::{self, ChildSpec, Exit, GRACE, Spec, hold};
use crate::runner::{adapters, failpoint, notify, ofd, survivors};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How often a runner checks whether an adopted shim has ended.
const ADOPTED_POLL: Duration = Duration::from_millis(50);

impl Engine {
    /// Starts an act under a shim and waits for its end; handles calls while it waits, and an abort stops the act.
    pub(super) async fn launch(
        &mut self,
        name: &str,
        action: &Action,
        prove: bool,
        set: Option<&Digest>,
        timeout_s: u64,
    ) -> Result<Found> {
        let filled = self.filled(action);
        match filled.and_then(|action| adapters::is_fit_unasked(&action).map(|()| action)) {
            Ok(action) => self.launch_filled(name, action, prove, set, timeout_s).await,
            Err(why) => Ok(Found::Ended(Box::new(Exit::not_started(why)))),
        }
    }

    /// Like [`Self::launch`], for an action whose references are filled in.
    pub(super) async fn launch_filled(
        &mut self,
        name: &str,
        action: Action,
        prove: bool,
        set: Option<&Digest>,
        timeout_s: u64,
    ) -> Result<Found> {
        let reads = prove || (action.least == EffectClass::Read && action.adapter != notify::KEY);
        let spec = match self.spec(name, action, prove, set, timeout_s) {
            Ok(spec) => spec,
            Err(refusal) => return Ok(Found::Ended(Box::new(Exit::not_started(refusal.message)))),
        };
        let mut shim = match self.spawn(&spec) {
            Ok(shim) => shim,
            Err(cause) => return Ok(Found::Ended(Box::new(Exit::not_started(system_text(cause))))),
        };
        failpoint::pass("shim.spawned");
        let mut running = false;
        loop {
            tokio::select! {
                _ = shim.wait() => break,
                call = self.control.calls.recv() => {
                    if let Some(call) = call && self.take_call(call)? && let Some(pid) = shim.id() {
                        terminate(pid);
                    }
                }
                () = tokio::time::sleep(Duration::from_millis(5)), if cfg!(debug_assertions) && !running => {
                    running = spec.dir.join("act.json").exists();
                    if running {
                        failpoint::pass("act.running");
                    }
                }
            }
        }
        failpoint::pass("act.exited");
        let found = examine(&spec.dir);
        if reads && matches!(found, Found::Lost(_)) {
            // A look changes nothing, and nothing would read its result.
            self.end_living(name).await?;
        }
        Ok(match found {
            // Otherwise the prompt would repeat forever: a shim that cannot start is a failure, not an interruption.
            Found::NotStarted if !self.is_stopped() => {
                let why = "its shim ended before it began; see runner.err in the run's directory";
                Found::Ended(Box::new(Exit::not_started(why.to_owned())))
            }
            found => found,
        })
    }

    fn spec(&self, name: &str, action: Action, prove: bool, set: Option<&Digest>, timeout_s: u64) -> Result<Spec> {
        let action = adapters::of_attempt(action, &self.dir.id, name);
        let child = match adapters::program(&action) {
            Some(program) => {
                let mut env = program.env.clone();
                env.insert(shim::RUN.to_owned(), self.dir.id.to_string());
                env.insert(hold::MARK.to_owned(), survivors::mark(&self.dir.attempt(name)));
                let pinned = match self.confirmed_files(name, &action, prove, set) {
                    Some(confirmed) => Some(confirmed),
                    // No set names it: what is executed is what is there now, even if it changes in between.
                    None => look_at(&program)?,
                };
                let pinned = pinned.map(Box::new);
                let (secrets, database, script) = (program.secrets, program.database, program.script);
                let (path, argv, cwd) = (program.path, program.argv, program.cwd);
                ChildSpec::Program { path, argv, cwd, env, secrets, database, script, pinned }
            }
            None => {
                let set = set.map(|digest| self.dir.set(digest));
                let again_s = is_undo(name).then(|| self.again_s(timeout_s));
                ChildSpec::Act { action: Box::new(action), prove, set, again_s }
            }
        };
        Ok(Spec {
            dir: self.dir.attempt(name),
            child,
            log: self.dir.log(&format!("{name}.log")),
            timeout_ms: timeout_s.saturating_mul(1000),
            grace_ms: u64::try_from(failpoint::span("GRACE", GRACE).as_millis()).unwrap_or(u64::MAX),
            holds: true,
        })
    }

    /// Starts a shim whose standard input is its locked specification.
    fn spawn(&self, spec: &Spec) -> std::io::Result<tokio::process::Child> {
        fs::create_dir(&spec.dir)?;
        let mut file = open_private(&spec.dir.join("spec.json"))?;
        if !ofd::try_lock(&file)? {
            return Err(std::io::Error::other("the attempt is locked already"));
        }
        file.write_all(&serde_json::to_vec(spec)?)?;
        file.sync_all()?;
        sync_dir(&spec.dir)?;
        let errors = plain::append(&self.dir.path.join("runner.err"))?;
        let mut command = Command::new(shim::ITSELF);
        command
            .arg0("midwatch")
            .arg("__shim")
            .current_dir("/")
            .stdin(Stdio::from(file))
            .stdout(Stdio::null())
            .stderr(errors);
        command.spawn()
    }

    /// Waits for a shim that another runner started, until it releases its lock.
    pub(super) async fn adopt(&mut self, name: &str) -> Result<Found> {
        let dir = self.dir.attempt(name);
        // A takeover that aborts the run stops its act; an undo goes on if the rollback is requested again.
        if self.is_stopped()
            && !(self.rolls_back() && is_undo(name))
            && let Some(shim) = shim_of(&dir)
        {
            terminate(shim.pid);
        }
        while holds(&dir) {
            tokio::select! {
                call = self.control.calls.recv() => {
                    if let Some(call) = call && self.take_call(call)? && let Some(shim) = shim_of(&dir) {
                        terminate(shim.pid);
                    }
                }
                () = tokio::time::sleep(ADOPTED_POLL) => {}
            }
        }
        Ok(examine(&dir))
    }
}

/// Whether a shim holds the attempt.
fn holds(dir: &Path) -> bool {
    plain::open(&dir.join("spec.json")).is_ok_and(|file| ofd::is_locked(&file).unwrap_or(false))
}

/// The shim of an attempt, if that very process lives.
fn shim_of(dir: &Path) -> Option<ProcessId> {
    living(&dir.join("shim.json"))
}

/// The process in a file, if that very process lives.
fn living(path: &Path) -> Option<ProcessId> {
    let bytes = read_bounded(path, 1 << 16).ok()?;
    serde_json::from_slice::<ProcessId>(&bytes).ok().filter(ProcessId::lives)
}

/// The current identity of a program; none if it cannot be read: then its start reports the error.
fn look_at(program: &Program) -> Result<Option<Pinned>> {
    match program.look(&[], &[]) {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if refusal.kind == Kind::Refused => Err(refusal),
        Err(_) => Ok(None),
    }
}

/// Sends TERM and then CONT: a stopped process handles no other signal before (as in systemd.kill(5)).
fn terminate(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        for signal in [rustix::process::Signal::TERM, rustix::process::Signal::CONT] {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}
