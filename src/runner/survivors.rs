//! Finds and ends the processes of an attempt that outlive its shim.
//!
//! A process belongs to an attempt if it is in the attempt's control group, has the attempt's mark in its
//! environment, is in the act's process group or in the shim's session, or is the act. A pid alone is not enough: a
//! killed act may have left children. Identities of another boot are ignored.

use crate::config::plain;
use crate::domain::error::system_text;
use crate::journal::witness::UNDO;
use crate::runner::cgroup::Group;
use crate::runner::identity::ProcessId;
use crate::runner::ofd;
use crate::runner::rundir::{LARGEST_OF_ATTEMPT, RunDir, read_bounded};
use crate::runner::shim::hold::MARK;
use crate::runner::shim::{ActRecord, Exit, RUN, Spec};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::io;
use std::path::Path;

/// The longest name of a process that is shown, in characters.
const LONGEST_NAME: usize = 40;

/// How often the control group of an attempt is read until a process in it stays for one look.
const LOOKS: usize = 100;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Living {
    /// Which.
    pub id: ProcessId,
    /// Its name: the program that it runs.
    pub name: String,
}

impl Living {
    /// For people: `1234 (pg_dump)`.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{} ({})", self.id.pid, self.name)
    }

    /// Sends it a signal; a process that has ended counts as signalled.
    ///
    /// # Errors
    /// As `pidfd_send_signal(2)`: it may belong to another user.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.id.pid).ok().and_then(Pid::from_raw);
        let Some(handle) = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else { return Ok(()) };
        // The descriptor is of this very process only if it still lives once the descriptor is open.
        if !self.id.lives() {
            return Ok(());
        }
        match pidfd_send_signal(&handle, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }
}

/// The processes, for people: `1234 (sh), 1235 (sleep)`.
#[must_use]
pub fn shown(living: &[Living]) -> String {
    living.iter().map(Living::shown).collect::<Vec<_>>().join(", ")
}

/// The mark in the environment of every process of an attempt: `01J….3.1`.
#[must_use]
pub fn mark(attempt: &Path) -> String {
    let (run, name) = names(attempt);
    format!("{run}.{name}")
}

/// The run and the name of an attempt, of its directory `…/RUN/steps/NAME`.
#[must_use]
pub fn names(attempt: &Path) -> (String, String) {
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    (name(attempt.parent().and_then(Path::parent)), name(Some(attempt)))
}

/// The control group of a process: that of version 2, else that of the service manager.
#[must_use]
pub fn cgroup_of(pid: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let line = |begins: &str| text.lines().find(|line| line.contains(begins)).map(str::to_owned);
    line("0::/").or_else(|| line(":name=systemd:"))
}

/// Every attempt of a run whose shim is gone and that did not end well, with its living processes.
#[must_use]
pub fn of_run(dir: &RunDir) -> Vec<(String, Vec<Living>)> {
    let entries = fs::read_dir(dir.path.join("steps")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let living = names.into_iter().map(|name| {
        let attempt = dir.attempt(&name);
        let found = if ended_well(&attempt) { Vec::new() } else { left_of(&attempt) };
        (name, found)
    });
    living.filter(|(_, found)| !found.is_empty()).collect()
}

/// Whether an attempt is an undo, by its name.
#[must_use]
pub fn is_undo(name: &str) -> bool {
    name.ends_with(UNDO)
}

/// Whether an attempt's act ended without an error. A process that it leaves running then is a service that it
/// started.
fn ended_well(attempt: &Path) -> bool {
    let exit = read_bounded(&attempt.join("exit.json"), 1 << 20).ok();
    let exit = exit.and_then(|bytes| serde_json::from_slice::<Exit>(&bytes).ok());
    exit.is_some_and(|exit| exit.code == Some(0) && exit.stopped.is_none() && exit.replaced.is_none())
}

/// Whether a shim holds an attempt.
fn is_held(attempt: &Path) -> bool {
    plain::open(&attempt.join("spec.json")).is_ok_and(|file| ofd::is_locked(&file).unwrap_or(false))
}

/// Kills all processes in the control group of an attempt at once.
pub fn kill_group(attempt: &Path) {
    Wanted::of(attempt).group.iter().for_each(Group::kill);
}

/// Removes the empty control groups of a run's attempts; `false` if one is left.
pub fn remove_groups(dir: &RunDir) -> bool {
    let entries = fs::read_dir(dir.path.join("steps")).into_iter().flatten().flatten();
    let groups: Vec<Group> = entries.filter_map(|entry| Wanted::of(&entry.path()).group).collect();
    groups.iter().for_each(Group::remove);
    groups.iter().all(|group| !group.path().exists())
}

/// Whether an attempt's shim began, is gone, and recorded no outcome.
#[must_use]
pub fn is_lost(attempt: &Path) -> bool {
    !is_held(attempt) && attempt.join("shim.json").exists() && !attempt.join("exit.json").exists()
}

/// Every living process of an attempt without a shim.
#[must_use]
pub fn left_of(attempt: &Path) -> Vec<Living> {
    if is_held(attempt) || !attempt.join("shim.json").exists() { Vec::new() } else { of_attempt(attempt) }
}

/// The name of an attempt at a step or its undo; steps count from 1.
#[must_use]
pub fn name_of_attempt(step: u32, attempt: u32, undo: bool) -> String {
    format!("{}.{attempt}{}", step + 1, if undo { UNDO } else { "" })
}

/// The act of an attempt, while it runs, with or without its shim.
#[must_use]
pub fn act(attempt: &Path) -> Option<ProcessId> {
    let bytes = read_bounded(&attempt.join("act.json"), 1 << 16).ok()?;
    let act: ActRecord = serde_json::from_slice(&bytes).ok()?;
    Some(act.id).filter(ProcessId::lives)
}

/// Every living process of an attempt whose shim is gone. If this process cannot look, the recorded process counts as
/// living.
#[must_use]
pub fn of_attempt(attempt: &Path) -> Vec<Living> {
    let wanted = Wanted::of(attempt);
    if wanted.shim.as_ref().is_some_and(|shim| shim.boot_id != crate::probes::clock::boot_id()) {
        return Vec::new();
    }
    let mut found = wanted.all().unwrap_or_else(|cause| wanted.unseen(&cause));
    found.sort_by_key(|living| (living.id.start, living.id.pid));
    found
}

/// The content of a file in `/proc`; none if its process has ended or is another user's. A lack of descriptors or
/// memory in this process is an error.
fn of_proc(path: String) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if matches!(Errno::from_io_error(&cause), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => {
            Err(cause)
        }
        Err(_) => Ok(None),
    }
}

/// What identifies the processes of an attempt.
struct Wanted {
    /// The variables that all of them have; one set of them suffices.
    marks: [Vec<Vec<u8>>; 2],
    shim: Option<ProcessId>,
    act: Option<ActRecord>,
    /// The attempt's own control group.
    group: Option<Group>,
}

impl Wanted {
    fn of(attempt: &Path) -> Self {
        let (run, name) = names(attempt);
        let variable = |name: &str, value: &str| format!("{name}={value}").into_bytes();
        let json = |file: &str| read_bounded(&attempt.join(file), 1 << 16).ok();
        let act: Option<ActRecord> = json("act.json").and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let group = Group::of(attempt, act.as_ref().and_then(|act| act.own_group.as_deref()));
        Self {
            // An older version named the attempt and the run separately.
            marks: [vec![variable(MARK, &mark(attempt))], vec![variable(MARK, &name), variable(RUN, &run)]],
            shim: json("shim.json").and_then(|bytes| serde_json::from_slice(&bytes).ok()),
            act,
            group,
        }
    }

    /// Every living process of the attempt.
    fn all(&self) -> io::Result<Vec<Living>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            found.extend(self.judge(pid)?);
        }
        for living in self.grouped()? {
            if !found.contains(&living) {
                found.push(living);
            }
        }
        Ok(found)
    }

    /// Every living process of its control group. A process that ends during the look may have forked, so its group
    /// is read again.
    fn grouped(&self) -> io::Result<Vec<Living>> {
        let Some(group) = &self.group else { return Ok(Vec::new()) };
        for _ in 0..LOOKS {
            let members = group.members()?;
            let lives = |pid: &u32| ProcessId::of(*pid).filter(ProcessId::lives);
            let found: Vec<Living> =
                members.iter().filter_map(lives).map(|id| Living { name: name_of(id.pid), id }).collect();
            if members.is_empty() || !found.is_empty() {
                return Ok(found);
            }
        }
        Err(io::Error::other(format!("{} has processes that cannot be looked at", group.path().display())))
    }

    /// A stand-in for processes that cannot be looked at: the recorded act, else the shim.
    fn unseen(&self, cause: &io::Error) -> Vec<Living> {
        let id = self.act.as_ref().map(|act| &act.id).or(self.shim.as_ref()).cloned();
        // No process has the number 0, and no signal is sent to it.
        let id = id.unwrap_or(ProcessId { pid: 0, start: 0, boot_id: String::new() });
        vec![Living { id, name: format!("not to be seen: {}", system_text(cause)) }]
    }

    /// The process of a pid, if it lives and belongs to the attempt.
    fn judge(&self, pid: u32) -> io::Result<Option<Living>> {
        let Some(stat) = Stat::of(pid)? else { return Ok(None) };
        let is_act = self.act.as_ref().is_some_and(|act| act.id.pid == pid && act.id.start == stat.start);
        if pid == std::process::id() || !(is_act || self.is_marked(pid)? || self.is_beside(pid, &stat)?) {
            return Ok(None);
        }
        let id = ProcessId::of(pid).filter(ProcessId::lives);
        Ok(id.map(|id| Living { name: name_of(pid), id }))
    }

    fn is_marked(&self, pid: u32) -> io::Result<bool> {
        let environ = of_proc(format!("/proc/{pid}/environ"))?.unwrap_or_default();
        let has = |wanted: &Vec<u8>| environ.split(|byte| *byte == 0).any(|variable| variable == wanted);
        Ok(self.marks.iter().any(|marks| marks.iter().all(has)))
    }

    /// Whether a process is in the group of the act or in the session of the shim. The number may have been reused:
    /// not while it has members, but after the last one. So its leader must be the recorded one, and its members must
    /// be younger, and in the same control group.
    fn is_beside(&self, pid: u32, stat: &Stat) -> io::Result<bool> {
        let Some(shim) = &self.shim else { return Ok(false) };
        let of_session = stat.session == shim.pid && leads(shim)?;
        let act = self.act.as_ref().filter(|act| act.group == Some(stat.group));
        let of_group = act.map(|act| leads(&act.id)).transpose()?.unwrap_or(false);
        if !(of_session || of_group) || stat.start < shim.start {
            return Ok(false);
        }
        let grouped = self.act.as_ref().and_then(|act| act.cgroup.as_ref());
        Ok(grouped.is_none_or(|cgroup| cgroup_of(pid).as_ref() == Some(cgroup)))
    }
}

/// Whether the recorded leader still has this number, or no process has it.
fn leads(leader: &ProcessId) -> io::Result<bool> {
    Ok(Stat::of(leader.pid)?.is_none_or(|found| found.start == leader.start))
}

/// Fields of `proc_pid_stat(5)` of a process that has not ended.
struct Stat {
    group: u32,
    session: u32,
    start: u64,
}

impl Stat {
    fn of(pid: u32) -> io::Result<Option<Self>> {
        let stat = of_proc(format!("/proc/{pid}/stat"))?;
        Ok(stat.and_then(|stat| Self::parse(&String::from_utf8_lossy(&stat))))
    }

    /// State, parent, group and session follow the name; the start is the nineteenth field behind the state.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        if fields.first().is_none_or(|state| matches!(*state, "Z" | "X")) {
            return None;
        }
        let id = |at: usize| u32::try_from(number(at)?).ok();
        Some(Self { group: id(2)?, session: id(3)?, start: number(19)? })
    }
}

/// The name of a process: the base name of its first argument, else the kernel's name.
fn name_of(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let first = String::from_utf8_lossy(line.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
    let base = first.rsplit('/').next().unwrap_or_default().to_owned();
    let name = if base.is_empty() {
        fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
    } else {
        base
    };
    name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

/// Whether the act of an attempt provably never began: the process that becomes the act waits until it is recorded.
#[must_use]
pub fn never_began(attempt: &Path) -> bool {
    let spec = read_bounded(&attempt.join("spec.json"), LARGEST_OF_ATTEMPT).ok();
    let holds = spec.and_then(|bytes| serde_json::from_slice::<Spec>(&bytes).ok()).is_some_and(|spec| spec.holds);
    holds && !attempt.join("act.json").exists() && !attempt.join("exit.json").exists()
}

#[cfg(test)]
mod tests;
