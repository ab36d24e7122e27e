//! Finds the processes that hold the files of a set open.

use crate::domain::Preview;
use crate::domain::quantity::counted;
use crate::runner::adapters::Look;
use crate::runner::adapters::files::beneath::look_at;
use crate::runner::adapters::files::frozen::Frozen;
use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
use std::collections::{BTreeSet, HashSet};
use std::os::fd::OwnedFd;
use std::path::Path;

/// How many of them are named.
const NAMED: usize = 5;

/// Adds a fact about open files, and a warning if there are any or some processes could not be inspected.
pub(super) fn report(files: &[Frozen], look: &Look, preview: &mut Preview) {
    if files.is_empty() {
        return;
    }
    let wanted: HashSet<(u64, u64)> = files.iter().map(|file| (file.dev, file.ino)).collect();
    let mut open = BTreeSet::new();
    let mut holders = BTreeSet::new();
    let mut closed_to_us = 0;
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return preview.warnings.push("open handles are unknown: /proc cannot be read".to_owned());
    };
    for process in processes.flatten() {
        let path = process.path();
        let Some(pid) = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()) else { continue };
        if look.in_time("").is_err() {
            return preview.warnings.push("open handles are unknown: there was no time to look".to_owned());
        }
        match std::fs::read_dir(path.join("fd")) {
            Ok(handles) => {
                let held =
                    handles.flatten().filter_map(|handle| identity(&handle.path())).filter(|id| wanted.contains(id));
                let before = open.len();
                let held: Vec<_> = held.collect();
                open.extend(held.iter().copied());
                if open.len() > before || !held.is_empty() {
                    holders.insert(format!("{} ({pid})", name_of(&path)));
                }
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => closed_to_us += 1,
            Err(_) => {} // It ended since it was listed.
        }
    }
    let mut fact = counted(open.len() as u64, "file", "files");
    if !holders.is_empty() {
        let named: Vec<&str> = holders.iter().take(NAMED).map(String::as_str).collect();
        let more = holders.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        fact.push_str(&format!(", by {}{more}", named.join(", ")));
        preview.warnings.push(format!("open now: {fact}"));
    }
    if closed_to_us > 0 {
        let processes = counted(closed_to_us, "process", "processes");
        preview.warnings.push(format!("open handles of {processes} could not be read"));
    }
    preview.facts.push(("open handles".to_owned(), fact));
}

/// The processes that write to some files.
#[derive(Default)]
pub(super) struct Writers {
    /// The first one that was found, by its name and its number.
    pub(super) holder: Option<String>,
    /// The files that are being written.
    pub(super) files: HashSet<(u64, u64)>,
    /// How many processes could not be inspected.
    pub(super) unseen: u64,
}

/// Finds the processes that have any of these files open for writing. Source: proc_pid_fdinfo(5), `flags`.
pub(super) fn writers(files: &[Frozen]) -> Writers {
    let wanted = files.iter().map(|file| (file.dev, file.ino)).collect();
    holders(&wanted, true)
}

/// A process that has the file of a name open, in any mode.
pub(super) fn of_name(directory: &OwnedFd, name: &[u8]) -> Option<String> {
    let stat = look_at(directory, name).ok()?;
    holders(&HashSet::from([(stat.st_dev, stat.st_ino)]), false).holder
}

fn holders(wanted: &HashSet<(u64, u64)>, writing: bool) -> Writers {
    let mut found = Writers::default();
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = process.path();
        let Some(pid) = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()) else { continue };
        let handles = match std::fs::read_dir(path.join("fd")) {
            Ok(handles) => handles,
            Err(cause) => {
                found.unseen += u64::from(cause.kind() == std::io::ErrorKind::PermissionDenied);
                continue;
            }
        };
        for handle in handles.flatten() {
            let Some(id) = identity(&handle.path()).filter(|id| wanted.contains(id)) else { continue };
            let info = std::fs::read_to_string(path.join("fdinfo").join(handle.file_name())).unwrap_or_default();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
            let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
            // An unknown mode may be writing.
            if !writing || flags.is_none_or(|flags| flags & 0o3 != 0) {
                found.files.insert(id);
                found.holder.get_or_insert_with(|| format!("{} ({pid})", name_of(&path)));
            }
        }
    }
    found
}

/// Device and inode of an open file, as far as the kernel knows without asking a server.
fn identity(handle: &Path) -> Option<(u64, u64)> {
    let seen = statx(CWD, handle, AtFlags::STATX_DONT_SYNC, StatxFlags::INO).ok()?;
    Some((makedev(seen.stx_dev_major, seen.stx_dev_minor), seen.stx_ino))
}

fn name_of(process: &Path) -> String {
    let name = std::fs::read(process.join("comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().escape_debug().to_string()
}
