//! Removes sealed runs that the estate's `keep` no longer keeps.
//!
//! ```text
//! runs/<id>            is renamed, under its runner's lock, to
//! runs/<id>.removed    which no list shows and no command finds; its files go after that
//! ```
//!
//! The rename is one step, so that a process that is killed leaves a whole run or none. What is left of one that was renamed goes
//! the next time. Nothing is removed that this process does not own, that is no directory of its own on the file system of the
//! runs, that something is mounted below, or that a console is attached to.

use crate::config::estate::Keep;
use crate::domain::{RunId, Wall};
use crate::journal::chain::Verdict;
use crate::journal::list::{RUNS, Walked, walk_file};
use crate::journal::witness::Beside;
use crate::probes::{clock, mountinfo};
use crate::runner::failpoint;
use crate::runner::presence::Presence;
use crate::runner::rundir::{RunDir, sync_dir};
use rustix::fs::{CWD, RenameFlags};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The suffix of a run that is being removed.
const REMOVED: &str = ".removed";

/// How long one pass may take, and how many runs it removes at most; the next start goes on.
const LIMIT: Duration = Duration::from_secs(3);
const MOST: usize = 50;

/// The letters of a run's id, and how many there are.
const ID: usize = 26;

/// A run that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The run.
    pub run: RunId,
    /// When it was sealed.
    pub ended: Wall,
}

/// Removes the runs that are no longer kept, below a state directory; returns them, and writes them to Midwatch's own
/// log.
///
/// What cannot be read or removed stays, and the log names it.
pub fn apply(state: &Path, keep: Keep) -> Vec<Removed> {
    apply_at(state, keep, clock::now().wall)
}

fn apply_at(state: &Path, keep: Keep, now: Wall) -> Vec<Removed> {
    if keep == Keep::default() {
        return Vec::new();
    }
    let runs = state.join(RUNS);
    let done = clear(&runs).and_then(|()| select(state, &runs, keep, now));
    let chosen = done.unwrap_or_else(|cause| {
        tracing::warn!(runs = %runs.display(), %cause, "runs not removed");
        Vec::new()
    });
    let mut removed = Vec::new();
    for (dir, ended) in chosen {
        match set_apart(&dir) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(run = %dir.id, ended = %ended.0, "run removed");
                removed.push(Removed { run: dir.id, ended });
            }
            Err(cause) => tracing::warn!(run = %dir.id, %cause, "run not removed"),
        }
    }
    if let Err(cause) = clear(&runs) {
        tracing::warn!(runs = %runs.display(), %cause, "files of removed runs are left");
    }
    removed
}

/// The runs that are not kept, the oldest first, each with its end.
fn select(state: &Path, runs: &Path, keep: Keep, now: Wall) -> io::Result<Vec<(RunDir, Wall)>> {
    let began = Instant::now();
    let mut ids: Vec<RunId> = entries(runs)?.iter().filter_map(|name| RunId::parse(name)).collect();
    ids.sort_unstable();
    // The newest run always stays.
    let newest = usize::try_from(keep.runs.unwrap_or(1)).unwrap_or(usize::MAX).max(1);
    let beyond = ids.len().saturating_sub(newest);
    let is_old = |at: Wall| keep.age.is_none_or(|age| now.since(at) > age);
    let in_time = || began.elapsed() < LIMIT;
    let mut chosen = Vec::new();
    for id in ids.iter().take(beyond).take_while(|_| in_time()) {
        let dir = RunDir::of(state, id.clone());
        let ended = is_ours(&dir.path, runs).then(|| ended(&dir)).flatten();
        chosen.extend(ended.filter(|ended| is_old(*ended)).map(|ended| (dir, ended)));
        if chosen.len() == MOST {
            break;
        }
    }
    let mut wanted: BTreeSet<&[u8]> = chosen.iter().map(|(dir, _)| dir.id.as_str().as_bytes()).collect();
    for id in &ids {
        if wanted.is_empty() || !in_time() {
            break;
        }
        let journal = RunDir::of(state, id.clone()).journal();
        for named in named_in(&journal, &wanted, id)? {
            wanted.retain(|wanted| *wanted != named.as_slice());
        }
    }
    // If not every journal could be searched for a run, another run may name it.
    if !in_time() {
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("looking through the journals took more than {} s", LIMIT.as_secs()),
        ));
    }
    let wanted: BTreeSet<Vec<u8>> = wanted.into_iter().map(<[u8]>::to_vec).collect();
    chosen.retain(|(dir, _)| wanted.contains(dir.id.as_str().as_bytes()));
    Ok(chosen)
}

/// The names of the directories directly below a directory, without links.
fn entries(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// Whether a directory belongs to this user and is on the file system of the runs, with nothing mounted on or below
/// it.
fn is_ours(path: &Path, runs: &Path) -> bool {
    let us = rustix::process::geteuid().as_raw();
    let (Ok(found), Ok(above)) = (fs::symlink_metadata(path), fs::symlink_metadata(runs)) else { return false };
    let real = fs::canonicalize(path);
    let mounts = fs::read("/proc/self/mountinfo").ok().and_then(|table| mountinfo::parse(&table).ok());
    let (Ok(real), Some(mounts)) = (real, mounts) else { return false };
    found.is_dir()
        && found.uid() == us
        && found.dev() == above.dev()
        && !mounts.iter().any(|mount| mount.point.starts_with(&real))
}

/// When a run was sealed, if its journal is complete, nothing is left to do, and no console is attached.
fn ended(dir: &RunDir) -> Option<Wall> {
    let beside = Beside::look(&dir.path);
    let Walked { view, verdict: Verdict::Whole { .. }, .. } = walk_file(&dir.journal()).ok()? else { return None };
    let view = view.filter(|view| view.id == dir.id && view.sealed.is_some())?;
    let went_back = view.went_back();
    let is_open = view.unknown() > 0 || went_back.is_some_and(|back| back.left > 0 || back.proved == Some(false));
    let is_seen = Presence::unseen(dir).is_some_and(|presence| !presence.people().is_empty());
    (!is_open && !is_seen && beside.find_missing(Some(&view)).is_none()).then_some(view.ended)?
}

/// Which of these ids another run's journal contains.
fn named_in(journal: &Path, wanted: &BTreeSet<&[u8]>, own: &RunId) -> io::Result<Vec<Vec<u8>>> {
    let mut file = match crate::config::plain::open(journal) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let mut found = Vec::new();
    let (mut buffer, mut held) = (vec![0_u8; 256 << 10], 0);
    while let Some(free) = buffer.get_mut(held..).filter(|free| !free.is_empty()) {
        let read = file.read(free)?;
        let Some(text) = buffer.get(..held + read) else { break };
        let is_letter = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        for word in text.split(|byte| !is_letter(byte)).filter(|word| word.len() >= ID) {
            let ids = word.windows(ID).filter(|id| wanted.contains(id) && *id != own.as_str().as_bytes());
            found.extend(ids.map(<[u8]>::to_vec));
        }
        if read == 0 {
            break;
        }
        // An id may span two reads.
        let (kept, length) = (text.len().min(ID - 1), text.len());
        buffer.copy_within(length - kept..length, 0);
        held = kept;
    }
    Ok(found)
}

/// Renames a run out of the list, durably, while no other process holds it; false if one does.
fn set_apart(dir: &RunDir) -> io::Result<bool> {
    let taken = dir.take().map_err(|cause| io::Error::other(cause.message))?;
    let Some(_taken) = taken.filter(|_| ended(dir).is_some()) else { return Ok(false) };
    let apart = apart(dir);
    rustix::fs::renameat_with(CWD, &dir.path, CWD, &apart, RenameFlags::NOREPLACE)?;
    sync_dir(dir.runs())?;
    failpoint::pass(failpoint::APART);
    Ok(true)
}

fn apart(dir: &RunDir) -> PathBuf {
    dir.runs().join(format!("{}{REMOVED}", dir.id))
}

/// Removes the files of runs that were taken out of the list, those of earlier passes too.
fn clear(runs: &Path) -> io::Result<()> {
    let mut last = Ok(());
    for name in entries(runs)? {
        let path = runs.join(&name);
        let is_removed =
            name.strip_suffix(REMOVED).is_some_and(|id| RunId::parse(id).is_some_and(|run| run.as_str() == id));
        if is_removed && is_ours(&path, runs) {
            // It does not follow symbolic links.
            last = fs::remove_dir_all(&path).and(last);
        }
    }
    last
}

#[cfg(test)]
mod tests;
