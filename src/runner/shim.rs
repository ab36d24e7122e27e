//! The shim: the small parent of one act, which records its outcome even if the runner dies.
//!
//! Its standard input is its own specification, `spec.json`, opened by the runner under an exclusive lock. The shim
//! inherits that lock with the descriptor and holds it until it exits. So a reader that finds the lock free and no
//! `shim.json` knows that nothing was started; with `exit.json`, it knows how the act ended; with only `shim.json`,
//! the outcome is unknown.
//!
//! ```text
//! runner ── spawn, stdin = spec.json (locked) ──▶ shim ── shim.json, synced ──▶ hold ── act.json, synced ──▶ act
//!                                                                               act ── ends ──▶ exit.json, synced
//! ```
//! What becomes the act waits until `act.json` names it (`hold`). So where a shim has ended without `act.json`, nothing acted.

mod descendants;
pub mod hold;
mod pump;

use crate::config::plain;
use crate::domain::Error;
use crate::domain::error::{Result, system_text};
use crate::journal::record::LogEnd;
use crate::probes::clock;
use crate::procedure::plan::Action;
use crate::runner::adapters::reach::{Ended, Reach};
use crate::runner::adapters::secret::Named;
use crate::runner::adapters::{self, Variables};
use crate::runner::cgroup::Group;
use crate::runner::failpoint;
use crate::runner::identity::ProcessId;
use crate::runner::pinned::{self, FileIdentity, Pinned};
use crate::runner::reserved::Reserved;
use crate::runner::rundir::{open_private, write_durably};
use crate::runner::survivors;
use hold::{Held, Order};
use pump::Pump;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::Shutdown;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long an act may take to end after TERM before it is killed.
pub const GRACE: Duration = Duration::from_secs(10);

/// The program that this process runs, even if its path has changed (proc_pid_exe(5)): an upgrade during a run does
/// not mix versions.
pub const ITSELF: &str = "/proc/self/exe";

/// The variable that names the run to a program.
pub const RUN: &str = "MIDWATCH_RUN";

/// How much of `exit.json` is reserved on disk before the act starts, so that a full disk cannot lose an outcome.
const EXIT_RESERVE: usize = 4096;

/// What a shim runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The directory of the attempt.
    pub dir: PathBuf,
    /// The child.
    pub child: ChildSpec,
    /// The log file.
    pub log: PathBuf,
    /// When the act is stopped, in milliseconds after its start.
    pub timeout_ms: u64,
    /// How long after TERM it is killed, in milliseconds.
    pub grace_ms: u64,
    /// Whether the act waits until `act.json` names it; an older version wrote that file after the start, if at all.
    #[serde(default)]
    pub holds: bool,
}

/// The program that an act is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildSpec {
    /// An external program.
    Program {
        /// The file to execute.
        path: PathBuf,
        /// Its arguments, the program's name first.
        argv: Vec<String>,
        /// Its working directory.
        cwd: PathBuf,
        /// Its environment, but for its secrets.
        env: BTreeMap<String, String>,
        /// The variables that hold secrets: where each secret is stored.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        secrets: BTreeMap<String, Named>,
        /// The database whose connection variables it gets as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        database: Option<Reach>,
        /// A script that is stored in the directory of the attempt; its path is the last argument.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        script: Option<String>,
        /// The files that it runs and reads, as they were looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pinned: Option<Box<Pinned>>,
    },
    /// `midwatch __act`, given the action and then the frozen set on standard input.
    Act {
        /// What to do.
        action: Box<Action>,
        /// Whether to prove instead of act.
        prove: bool,
        /// The frozen set.
        set: Option<PathBuf>,
        /// For how many seconds an undo that did nothing is tried again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_s: Option<u64>,
    },
}

/// The first line on an act's standard input; the frozen set follows.
#[derive(Debug, Serialize, Deserialize)]
pub struct ActHead {
    /// What to do.
    pub action: Action,
    /// Whether to prove instead of act.
    pub prove: bool,
    /// The path for the result.
    pub result: PathBuf,
    /// For how many seconds an undo that did nothing is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_s: Option<u64>,
}

/// Why a shim stopped its act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// It took longer than its timeout.
    TimedOut,
    /// The run was aborted.
    Cancelled,
    /// A file that it reads differs from the one that was compared before its start.
    Replaced,
}

/// The act's process, as `act.json` names it. An older version wrote its identity only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActRecord {
    /// The process.
    #[serde(flatten)]
    pub id: ProcessId,
    /// Its process group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// Its session, which its shim leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u32>,
    /// Its control group, as in `/proc/PID/cgroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// The directory of its own control group; none if none could be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_group: Option<PathBuf>,
}

/// How an act ended, as its shim saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code, where it exited.
    pub code: Option<i32>,
    /// Signal, where one ended it.
    pub signal: Option<i32>,
    /// Why the shim stopped it, if it did.
    pub stopped: Option<Stopped>,
    /// Why it could not be started, if it could not.
    pub not_started: Option<String>,
    /// Which file that it read changed after its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<String>,
    /// How many descendants were left at the end.
    pub left_running: u32,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Its log.
    pub log: LogEnd,
    /// The end of its database sessions, if it was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Ended>,
}

impl Exit {
    /// The exit of an act that could not be started.
    #[must_use]
    pub fn not_started(why: String) -> Self {
        Self { not_started: Some(system_text(why)), ..Self::default() }
    }
}

/// Runs the shim to its end; `begins` receives the directory of the attempt.
///
/// # Errors
/// When its own specification cannot be read or its first record cannot be made durable: then nothing was started.
pub fn main(begins: impl FnOnce(&Path)) -> Result<()> {
    let doing = "run the shim";
    let io = |cause: io::Error| Error::machine(doing, cause);
    let spec = read_spec()?;
    begins(&spec.dir);
    // Fails only if the shim already leads a process group; it is still detached from the terminal.
    failpoint::pass(failpoint::SHIM);
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(|cause| io(cause.into()))?;
    let stop = pump::stop_signals().map_err(io)?;
    let own = ProcessId::own().ok_or_else(|| Error::machine(doing, "/proc does not identify this process"))?;
    let mut kept = Reserved::create(&spec.dir.join("exit.json"), EXIT_RESERVE).map_err(io)?;
    let identity = serde_json::to_vec(&own).map_err(|cause| Error::machine(doing, cause))?;
    write_durably(&spec.dir.join("shim.json"), &identity).map_err(io)?;
    let exit = attend(&spec, &stop);
    let doing = "keep the outcome of the act";
    let json = serde_json::to_vec(&exit).map_err(|cause| Error::machine(doing, cause))?;
    kept.keep(&json).map_err(|cause| Error::machine(doing, cause))
}

fn read_spec() -> Result<Spec> {
    let doing = "read the specification of the act";
    let mut file =
        File::from(rustix::stdio::stdin().try_clone_to_owned().map_err(|cause| Error::machine(doing, cause))?);
    let mut text = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut text)).map_err(|cause| Error::machine(doing, cause))?;
    serde_json::from_slice(&text).map_err(|cause| Error::machine(doing, cause))
}

/// Starts the act, pumps its output into the log, and waits until it and its output have ended.
fn attend(spec: &Spec, stop: &std::os::unix::net::UnixStream) -> Exit {
    let began = clock::boot();
    let mut exit = Exit::default();
    let started = variables_of(spec).and_then(|(env, secrets)| Ok((start(spec, &env, &secrets)?, secrets)));
    match started {
        Err(cause) => exit.not_started = Some(system_text(cause)),
        Ok(((mut held, group), secrets)) => {
            let hidden: Vec<Vec<u8>> = secrets.values().map(|value| value.clone().into_bytes()).collect();
            let mut pump = Pump::of(&mut held.child, &spec.log, &hidden);
            let waits = sessions_of(spec).and_then(|(database, run, attempt)| database.waits(run, attempt));
            waits.into_iter().for_each(|output| pump.add(output));
            (exit.stopped, exit.replaced) = pump.run(&mut held, stop, spec, began);
            if let Ok(status) = held.child.wait() {
                (exit.code, exit.signal) = (status.code(), status.signal());
            }
            if let Some(group) = group.as_ref().filter(|_| exit.stopped.is_some()) {
                // Kill the whole group at once: processes may fork faster than they can be listed.
                group.kill();
            }
            exit.left_running = pump.drain(exit.stopped.is_some());
            // A process that still runs keeps the group.
            group.iter().for_each(Group::remove);
            exit.log = pump.finish();
            exit.not_started = held.reason();
            let may_be_left = exit.stopped.is_some() || exit.signal.is_some() || exit.left_running > 0;
            if let (true, Some((database, run, attempt))) = (may_be_left, sessions_of(spec)) {
                exit.sessions = Some(database.end_sessions(&run, &attempt));
            }
        }
    }
    exit.took_ms = u64::try_from(clock::boot().since(began).as_millis()).unwrap_or(u64::MAX);
    exit
}

/// The variables of a program: those that may be shown, and its secrets.
fn variables_of(spec: &Spec) -> io::Result<(Variables, Variables)> {
    match &spec.child {
        ChildSpec::Program { env, secrets, database, .. } => {
            let found = adapters::environment(env, secrets, database.as_ref());
            let (mut plain, hidden) = found.map_err(io::Error::other)?;
            if let Some((database, run, attempt)) = sessions_of(spec) {
                database.name_sessions(&mut plain, &run, &attempt).map_err(io::Error::other)?;
            }
            Ok((plain, hidden))
        }
        ChildSpec::Act { .. } => Ok((Variables::new(), Variables::new())),
    }
}

/// The database at which a program opens sessions, with the run and the attempt that name them.
fn sessions_of(spec: &Spec) -> Option<(&Reach, String, String)> {
    let ChildSpec::Program { database: Some(database), .. } = &spec.child else { return None };
    let (run, attempt) = survivors::names(&spec.dir);
    Some((database, run, attempt))
}

/// Writes a script into the attempt's directory, where only its owner can read it.
fn keep_script(dir: &Path, text: &str) -> io::Result<FileIdentity> {
    let path = dir.join("script");
    let mut file = open_private(&path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    pinned::holds(&path, text)
}

/// Starts the process that becomes the act, records its identity, and releases it.
fn start(spec: &Spec, env: &Variables, secrets: &Variables) -> io::Result<(Held, Option<Group>)> {
    let mark = survivors::mark(&spec.dir);
    let (mut command, order) = match &spec.child {
        ChildSpec::Program { path, argv, cwd, script, pinned, .. } => {
            let mut argv = argv.clone();
            let kept = script.as_deref().map(|text| keep_script(&spec.dir, text)).transpose()?;
            argv.extend(kept.as_ref().map(|kept| kept.path.display().to_string()));
            let mut env: Variables = env.iter().chain(secrets).map(|(n, v)| (n.clone(), v.clone())).collect();
            env.insert(hold::MARK.to_owned(), mark.clone());
            let (dir, path, cwd, pinned) = (spec.dir.clone(), path.clone(), cwd.clone(), pinned.clone());
            let order = Order::Program { dir, path, argv, cwd, env, pinned, kept: kept.map(Box::new) };
            let mut command = Command::new(ITSELF);
            command.env_clear();
            (command, order)
        }
        ChildSpec::Act { .. } => (Command::new(ITSELF), Order::Act),
    };
    let mut held = Held::start(command.env(hold::MARK, mark), &order)?;
    let group = group_of(&spec.dir, held.child.id());
    if let Err(cause) = write_down(&spec.dir, held.child.id(), group.as_ref()) {
        held.give_up();
        group.iter().for_each(Group::remove);
        return Err(cause);
    }
    let socket = held.go()?;
    if let ChildSpec::Act { action, prove, set, again_s, .. } = &spec.child {
        let (action, result) = (action.as_ref().clone(), spec.dir.join("result.json"));
        let head = ActHead { action, prove: *prove, result, again_s: *again_s };
        let set = set.clone();
        // On its own thread: an act that stops reading must not block the pump.
        std::thread::spawn(move || {
            let _ = feed(&mut &socket, &head, set.as_deref());
            socket.shutdown(Shutdown::Write)
        });
    }
    Ok((held, group))
}

/// Moves the process that becomes the act into its own control group; none if none can be made.
fn group_of(dir: &Path, pid: u32) -> Option<Group> {
    let group = Group::make(dir).ok()?;
    if group.take(pid).is_ok() {
        return Some(group);
    }
    group.remove();
    None
}

/// Records durably which process is about to become the act.
fn write_down(dir: &Path, pid: u32, group: Option<&Group>) -> io::Result<()> {
    let id =
        ProcessId::of(pid).ok_or_else(|| io::Error::other("/proc does not identify the process that would act"))?;
    let session = ProcessId::own().map(|own| own.pid);
    let own_group = group.map(|group| group.path().to_owned());
    let record = ActRecord { id, group: Some(pid), session, cgroup: survivors::cgroup_of(pid), own_group };
    write_durably(&dir.join("act.json"), &serde_json::to_vec(&record)?)
        .map_err(|cause| io::Error::new(cause.kind(), format!("it cannot be written down which process acts: {cause}")))
}

/// Writes the action's line and the frozen set; an act that goes away early is noticed by its exit, not here.
fn feed(pipe: &mut impl Write, head: &ActHead, set: Option<&Path>) -> io::Result<()> {
    let mut line = serde_json::to_vec(head)?;
    line.push(b'\n');
    pipe.write_all(&line)?;
    if let Some(set) = set {
        io::copy(&mut plain::open(set)?, pipe)?;
    }
    Ok(())
}
