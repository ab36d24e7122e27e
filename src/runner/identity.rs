//! Who acts: the kernel's identity first, names only as claims.

use crate::config::names;
use crate::domain::Actor;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::PidfdFlags;
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::fd::OwnedFd;

/// Identifies one process unambiguously: pid, start time and boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The pid.
    pub pid: u32,
    /// Clock ticks from boot to its start (`proc_pid_stat(5)`, field 22).
    pub start: u64,
    /// The kernel's id of the boot.
    pub boot_id: String,
}

impl ProcessId {
    /// This process; `None` if `/proc` cannot be read.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// A living process; `None` if no process has that pid.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let start = start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        Some(Self { pid, start, boot_id: crate::probes::clock::boot_id() })
    }

    /// Whether this very process is alive; a zombie is not.
    #[must_use]
    pub fn lives(&self) -> bool {
        !self.boot_id.is_empty() && Self::of(self.pid).as_ref() == Some(self) && !has_ended(self.pid)
    }
}

/// Whether a process is a zombie: field 3 of `/proc/PID/stat`.
fn has_ended(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, after)| after.trim_start().starts_with(['Z', 'X']))
}

/// Whether a process is stopped by a signal or a debugger.
#[must_use]
pub fn is_stopped(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, after)| after.trim_start().starts_with(['T', 't']))
}

/// Field 22 of `/proc/PID/stat`; the second field is in parentheses and may hold anything, so it is skipped from the right.
fn start_time(stat: &str) -> Option<u64> {
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(19)?.parse().ok()
}

/// The user who runs this process.
#[must_use]
pub fn own(through: &str) -> Actor {
    of(rustix::process::getuid().as_raw(), std::process::id(), through)
}

/// The user who runs a process, by the uid and pid that the kernel reports.
#[must_use]
pub fn of(uid: u32, pid: u32, through: &str) -> Actor {
    Actor {
        uid,
        login_uid: login_uid(pid),
        pid,
        name: names::user(uid),
        host: host_name(),
        through: through.to_owned(),
    }
}

/// The process at the other end of a socket.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its user.
    pub actor: Actor,
    /// The user's groups, as far as they are known.
    pub groups: Vec<u32>,
    /// Whether the process that connected still exists and still belongs to that user, so that its `/proc` data is
    /// about it.
    pub proven: bool,
}

/// The peer of a socket, as the kernel reports it. A later process with the same pid is not mistaken for it: a pidfd
/// holds the process while `/proc` is read, and the process must be alive after that.
#[must_use]
pub fn peer(uid: u32, gid: u32, pid: u32, through: &str) -> Peer {
    let held = handle(pid);
    let status = Status::read(pid);
    let login_uid = login_uid(pid);
    let lives = held.is_some_and(|held| !is_over(&held));
    let same = status.as_ref().is_none_or(|status| status.uid == uid);
    let proven = lives && same;
    let mut actor = Actor { login_uid: login_uid.filter(|_| proven), ..of(uid, pid, through) };
    actor.pid = pid;
    let mut groups = vec![gid];
    groups.extend(status.filter(|_| proven).into_iter().flat_map(|status| status.groups));
    Peer { actor, groups, proven }
}

/// A living process: its user and groups; `None` if there is none, or `/proc` hides it.
#[must_use]
pub fn running(pid: u32, through: &str) -> Option<(Actor, Vec<u32>)> {
    let status = Status::read(pid)?;
    let mut groups = status.groups;
    groups.push(status.gid);
    Some((of(status.uid, pid, through), groups))
}

/// A pidfd of a process; a later process with the same pid does not have it.
fn handle(pid: u32) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Whether the process of a descriptor has ended: then it can be read (`pidfd_open(2)`).
fn is_over(held: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(held, PollFlags::IN)];
    poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) != Ok(0)
}

/// The fields of `/proc/PID/status`: the effective ids and the groups.
struct Status {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

impl Status {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        // Real, effective, saved, file system.
        let effective = |name| line(name)?.split_whitespace().nth(1)?.parse().ok();
        let groups = line("Groups")?.split_whitespace().filter_map(|group| group.parse().ok()).collect();
        Some(Self { uid: effective("Uid")?, gid: effective("Gid")?, groups })
    }
}

/// The login uid of the audit subsystem; 4294967295 means unset, and unset means unknown.
fn login_uid(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

/// This host's name; a claim.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_itself_and_a_later_one_of_its_pid_is_not() {
        let own = ProcessId::own().unwrap();
        assert!(own.lives());
        assert!(!ProcessId { start: own.start + 1, ..own.clone() }.lives());
        assert!(!ProcessId { boot_id: String::new(), ..own }.lives());
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(id.lives());
        drop(child.stdin.take());
        while !has_ended(id.pid) {
            std::thread::yield_now();
        }
        assert_eq!(ProcessId::of(id.pid).as_ref(), Some(&id));
        assert!(!id.lives());
        child.wait().unwrap();
    }

    #[test]
    fn a_peer_is_proven_while_it_lives_and_only_as_itself() {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let own = peer(uid, gid, std::process::id(), "test");
        assert!(own.proven && own.groups.contains(&gid), "{own:?}");
        assert!(!peer(uid + 1, gid, std::process::id(), "test").proven, "of another user");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let gone = peer(uid, gid, child.id(), "test");
        assert!(!gone.proven && gone.actor.login_uid.is_none(), "{gone:?}");
    }

    #[test]
    fn the_effective_ids_and_all_groups_are_read() {
        let text = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \nSeccomp:\t0\n";
        let status = Status::parse(text).unwrap();
        assert_eq!((status.uid, status.gid, status.groups), (2, 6, vec![9, 10]));
        assert!(Status::parse("Name:\tx\n").is_none());
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2 3";
        assert_eq!(start_time(stat), Some(4242));
        assert_eq!(start_time("garbage"), None);
    }
}
