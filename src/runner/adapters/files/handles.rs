//! Who holds the files of a set open.

use crate::domain::Preview;
use crate::domain::quantity::counted;
use crate::runner::adapters::Look;
use crate::runner::adapters::files::frozen::Frozen;
use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

/// How many holders are named.
const NAMED: usize = 5;

/// Adds a fact about open handles, and a warning where there are any or some processes could not be looked into.
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
            Err(_) => {} // It ended meanwhile.
        }
    }
    let mut fact = counted(open.len() as u64, "file", "files");
    if !holders.is_empty() {
        let named: Vec<&str> = holders.iter().take(NAMED).map(String::as_str).collect();
        let more = if holders.len() > NAMED { " and others" } else { "" };
        fact.push_str(&format!(", by {}{more}", named.join(", ")));
        preview.warnings.push(format!("open now: {fact}"));
    }
    if closed_to_us > 0 {
        let processes = counted(closed_to_us, "process", "processes");
        preview.warnings.push(format!("open handles of {processes} could not be read"));
    }
    preview.facts.push(("open handles".to_owned(), fact));
}

/// Device and inode behind a handle, as far as the kernel knows without asking a server.
fn identity(handle: &Path) -> Option<(u64, u64)> {
    let seen = statx(CWD, handle, AtFlags::STATX_DONT_SYNC, StatxFlags::INO).ok()?;
    Some((makedev(seen.stx_dev_major, seen.stx_dev_minor), seen.stx_ino))
}

fn name_of(process: &Path) -> String {
    let name = std::fs::read(process.join("comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().escape_debug().to_string()
}
