//! Finds and ends every descendant of an act, in any session.
//!
//! The shim is a child subreaper (`prctl(2)`, `PR_SET_CHILD_SUBREAPER`): a grandchild whose parent ends becomes a
//! child of the shim, so that the tree below the shim is always complete.

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Every living descendant of this process.
pub fn all() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if let Some(parent) = living_parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = next.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            found.extend(Pid::from_raw(child));
            next.push(child);
        }
    }
    found
}

/// The parent of a process that is not a zombie: fields 3 and 4 of `proc_pid_stat(5)`.
fn living_parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

/// Sends a signal to every descendant; returns how many there were.
pub fn signal(signal: Signal) -> usize {
    let found = all();
    for pid in &found {
        let _ = kill_process(*pid, signal);
    }
    found.len()
}

/// Kills until no descendant has been seen three times in a row, or three seconds have passed; returns how many are left.
pub fn end() -> usize {
    let mut empty = 0;
    let mut left = 0;
    for _ in 0..60 {
        left = signal(Signal::KILL);
        reap(None);
        empty = if left == 0 { empty + 1 } else { 0 };
        if empty == 3 {
            return 0;
        }
        std::thread::sleep(Duration::from_millis(if left == 0 { 10 } else { 50 }));
    }
    left
}

/// Collects (waits for) ended descendants, except `spare`, whose status its owner needs.
pub fn reap(spare: Option<Pid>) {
    match spare {
        None => while let Ok(Some(_)) = waitpid(None, WaitOptions::NOHANG) {},
        Some(spare) => {
            for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
                let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)
                else {
                    continue;
                };
                if pid != spare {
                    // Returns at once, with an error, for any process that is not our zombie.
                    let _ = waitpid(Some(pid), WaitOptions::NOHANG);
                }
            }
        }
    }
}
