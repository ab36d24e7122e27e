//! The holder's record in a lock file, written so that a new record never destroys the previous one.
//!
//! The file has two slots. A new record goes into the slot that does not hold the newest record, so a full disk or a
//! kill during the write leaves the earlier record complete. A file of an earlier version is one record in the first
//! slot.

use crate::domain::{RunId, Wall};
use crate::journal::list::walk_file;
use crate::journal::witness::never_began;
use crate::runner::rundir::RunDir;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The size of one slot in bytes.
const PLACE: usize = 16 << 10;

/// The holder of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its run.
    pub run: RunId,
    /// The directory of the run.
    pub dir: PathBuf,
    /// The lock's name in its procedure.
    pub name: String,
    /// Who runs it.
    pub by: String,
    /// When it was taken; unknown for a lock that an older version took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Wall>,
    /// A counter: the record with the higher number is the newer one.
    #[serde(default)]
    pub count: u64,
}

/// The newest record of a lock file; `None` where no record can be read.
pub fn read(file: &File) -> Option<Holder> {
    newest(file).map(|(_, holder)| holder)
}

/// Writes a record durably, into the slot without the newest one.
///
/// # Errors
/// As `write(2)` and `fsync(2)`; the record before it then still stands.
pub fn write(file: &File, holder: Holder) -> io::Result<()> {
    let (place, count) = match newest(file) {
        Some((place, earlier)) => (1 - place, earlier.count.saturating_add(1)),
        None => (0, 1),
    };
    let mut bytes = serde_json::to_vec(&Holder { count, ..holder })?;
    bytes.push(b'\n');
    if bytes.len() > PLACE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path of the run's directory is too long"));
    }
    file.write_all_at(&bytes, start(place))?;
    file.sync_all()
}

/// The offset of a slot, in bytes.
fn start(place: usize) -> u64 {
    u64::try_from(place.saturating_mul(PLACE)).unwrap_or(0)
}

fn newest(file: &File) -> Option<(usize, Holder)> {
    let held = (0..2).filter_map(|place| Some((place, in_place(file, place)?)));
    held.max_by_key(|(_, holder)| holder.count)
}

fn in_place(file: &File, place: usize) -> Option<Holder> {
    let mut bytes = vec![0; PLACE];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, start(place) + u64::try_from(filled).ok()?) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    let line = bytes.get(..filled)?.split(|byte| matches!(byte, b'\n' | 0)).next()?;
    serde_json::from_slice(line).ok()
}

impl Holder {
    /// Whether its run is at work, or can still be resumed.
    #[must_use]
    pub fn claims(&self) -> bool {
        RunDir::at(&self.dir).is_ok_and(|dir| dir.runner_lives() || is_unfinished(&dir))
    }
}

/// Whether a run began and is not sealed. If this user may not read the journal, the run counts as unfinished; if the
/// journal is missing or empty, the files beside it show whether the run began.
fn is_unfinished(dir: &RunDir) -> bool {
    let journal = dir.journal();
    match fs::symlink_metadata(&journal) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => !never_began(&dir.path),
        Ok(found) if found.len() == 0 => !never_began(&dir.path),
        Err(_) => true,
        Ok(_) => walk_file(&journal).map_or(true, |walked| {
            walked.view.is_none_or(|view| view.sealed.is_none()) || walked.verdict.exit_code() == 4
        }),
    }
}

/// The unfinished run whose journal names this identity, for a lock file that names no holder: it may have been
/// emptied or removed. `own` is the run that asks.
#[must_use]
pub fn in_journals(identity: &str, runs: &[&Path], own: &RunId) -> Option<Holder> {
    let entries = runs.iter().filter_map(|runs| fs::read_dir(runs).ok()).flatten().flatten();
    let mut dirs = entries.filter_map(|entry| RunDir::at(&entry.path()).ok()).filter(|dir| dir.id != *own);
    dirs.find_map(|dir| {
        let walked = walk_file(&dir.journal()).ok()?;
        let view = walked.view?;
        let over = view.sealed.is_some() && walked.verdict.exit_code() != 4;
        let (name, _) = view.locks.iter().find(|(_, held)| held == identity).filter(|_| !over)?;
        Some(Holder {
            name: name.clone(),
            by: view.starter.name.clone(),
            since: Some(view.started),
            run: dir.id,
            dir: dir.path,
            count: 0,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Wall;
    use crate::journal::samples::run_id;

    fn holder(n: u64) -> Holder {
        let since = Some(Wall::from_unix(1_787_000_000, 0));
        Holder { run: run_id(n), dir: "/nowhere".into(), name: "target".into(), by: "anna".into(), since, count: 0 }
    }

    fn open(path: &Path) -> File {
        File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap()
    }

    #[test]
    fn a_record_that_was_cut_leaves_the_one_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert_eq!(read(&open(&path)), None);
        // As an earlier version left it.
        fs::write(
            &path,
            r#"{"run":"RUN","dir":"/nowhere","name":"target","by":"anna"}"#.replace("RUN", run_id(1).as_str()),
        )
        .unwrap();
        assert_eq!(read(&open(&path)).unwrap().run, run_id(1));
        for n in 2..9 {
            let before = fs::read(&path).unwrap();
            write(&open(&path), holder(n)).unwrap();
            let after = fs::read(&path).unwrap();
            assert_eq!(read(&open(&path)).unwrap().run, run_id(n));
            // Every partial write leaves one of the two records.
            let changed = (0..after.len()).filter(|at| before.get(*at) != after.get(*at));
            let (first, last) = (changed.clone().min().unwrap(), changed.max().unwrap());
            for cut in first..=last {
                let mut mixed = before.clone();
                mixed.resize(before.len().max(cut), 0);
                mixed[first..cut].copy_from_slice(&after[first..cut]);
                fs::write(&path, mixed).unwrap();
                let found = read(&open(&path)).unwrap().run;
                assert!(found == run_id(n - 1) || found == run_id(n), "cut at {cut}");
            }
            fs::write(&path, after).unwrap();
        }
    }

    #[test]
    fn a_write_on_a_full_disk_leaves_the_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        write(&open(&path), holder(1)).unwrap();
        let read_only = File::open(&path).unwrap();
        assert!(write(&read_only, holder(2)).is_err());
        assert_eq!(read(&open(&path)).unwrap().run, run_id(1));
    }
}
