//! Who acts: kernel identity first, names beside it as claims.

use crate::domain::Actor;
use serde::{Deserialize, Serialize};
use std::fs;

/// A process that cannot be mistaken for another: pid, start time and boot.
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
    /// This process; `None` when `/proc` does not tell.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// A living process; `None` when there is none of that pid.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let start = start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        Some(Self { pid, start, boot_id: crate::probes::clock::boot_id() })
    }

    /// Whether this very process still lives; one that has ended and was not collected yet does not.
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

/// Field 22 of `/proc/PID/stat`; the second field is in parentheses and may hold anything, so it is skipped from the right.
fn start_time(stat: &str) -> Option<u64> {
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(19)?.parse().ok()
}

/// Whoever runs this process.
#[must_use]
pub fn own(through: &str) -> Actor {
    of(rustix::process::getuid().as_raw(), std::process::id(), through)
}

/// Whoever runs a process, by the uid and pid that the kernel reports for it.
#[must_use]
pub fn of(uid: u32, pid: u32, through: &str) -> Actor {
    Actor { uid, login_uid: login_uid(pid), pid, name: user_name(uid), host: host_name(), through: through.to_owned() }
}

/// The login uid of the audit subsystem; 4294967295 means unset, and unset means unknown.
fn login_uid(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

/// The user's name in `/etc/passwd`, else `uid 1000`; a claim for people, never compared.
#[must_use]
pub fn user_name(uid: u32) -> String {
    let wanted = uid.to_string();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == wanted).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| format!("uid {uid}"))
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
    fn a_process_that_has_ended_does_not_live_although_nobody_collected_it() {
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
    fn the_start_time_is_found_behind_any_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2 3";
        assert_eq!(start_time(stat), Some(4242));
        assert_eq!(start_time("garbage"), None);
    }
}
