//! Sets aside a run that no runner can resume, because its journal or its frozen files are damaged.
//!
//! The directory is kept unchanged, beside the runs (`aside/RUN`), where it claims no lock. Nothing is undone.

use crate::config::plain;
use crate::config::shell;
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::journal::chain::Verdict;
use crate::journal::list::walk_file;
use crate::journal::witness;
use crate::runner::rundir::{RunDir, sync_dir};
use crate::runner::{ofd, survivors};
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The directory of the runs that were set aside, below the state directory.
pub const DIRECTORY: &str = "aside";

/// Why no runner can resume a run, in a sentence; none if one can, if the run never began, or if this process cannot
/// know: the run is another user's, or its files cannot be read at this moment.
#[must_use]
pub fn why_lost(dir: &RunDir) -> Option<String> {
    let us = rustix::process::geteuid();
    let is_ours = us.is_root() || dir.owner() == Some(us.as_raw());
    let files = [dir.path.join("start.json"), dir.path.join("plan.json"), dir.journal()];
    let unread = files.iter().filter_map(|path| plain::open(path).err()).any(|cause| !is_of_the_file(&cause));
    if !is_ours || unread || witness::never_began(&dir.path) {
        return None;
    }
    if let Err(cause) = dir.load() {
        return Some(cause.message);
    }
    match walk_file(&dir.journal()) {
        Err(cause) => Some(cause.message),
        Ok(walked) => match walked.verdict {
            Verdict::Damaged { seq, why, .. } => Some(format!("its journal is damaged at record {seq}: {why}")),
            Verdict::Whole { .. } | Verdict::Torn { .. } if walked.view.is_none() => {
                Some("its journal has no record, though it began".to_owned())
            }
            Verdict::Whole { .. } | Verdict::Torn { .. } => None,
        },
    }
}

/// Whether a file cannot be opened because of the file itself, and not for lack of rights, descriptors or a working
/// disk.
fn is_of_the_file(cause: &io::Error) -> bool {
    cause.kind() == ErrorKind::NotFound || plain::is_odd(cause)
}

/// Sets the directory of a lost run aside; returns its new path.
///
/// # Errors
/// When it is not lost, has a runner, or is still at work; when the directory cannot be moved.
pub fn set_aside(dir: &RunDir) -> Result<PathBuf> {
    if why_lost(dir).is_none() {
        let message = format!("run {} is not damaged: it can be continued or stopped", dir.id);
        return Err(Error::new(Kind::Usage, message)
            .hint(format!("continue it: {}", shell::on_run_of(dir.state(), format_args!("resume {}", dir.id))))
            .hint(format!("stop it: {}", shell::on_run_of(dir.state(), format_args!("abort {}", dir.id)))));
    }
    let busy = || Error::new(Kind::Locked, format!("run {} has a runner", dir.id));
    let _taken = dir.take()?.ok_or_else(busy)?;
    if let Some(work) = at_work(dir) {
        let message = format!("run {} is still at work: {work}", dir.id);
        return Err(
            Error::new(Kind::Locked, message).hint("wait for it, or end it by its pid; then repeat the command")
        );
    }
    let place = dir.state().join(DIRECTORY);
    let to = place.join(dir.id.as_str());
    let quarantine = || -> io::Result<()> {
        DirBuilder::new().mode(0o700).recursive(true).create(&place)?;
        fs::rename(&dir.path, &to)?;
        sync_dir(&place)?;
        sync_dir(dir.runs())
    };
    quarantine().map_err(|cause| Error::machine(format!("move {} to {}", dir.path.display(), to.display()), cause))?;
    Ok(to)
}

/// The processes of a run that still act, for people.
fn at_work(dir: &RunDir) -> Option<String> {
    let entries = fs::read_dir(dir.path.join("steps")).into_iter().flatten().flatten();
    let has_shim =
        |path: &Path| File::open(path.join("spec.json")).is_ok_and(|file| ofd::is_locked(&file).unwrap_or(true));
    let watched = entries.filter(|entry| has_shim(&entry.path()));
    let mut work: Vec<String> =
        watched.map(|entry| format!("attempt {}", entry.file_name().to_string_lossy())).collect();
    work.extend(
        survivors::of_run(dir).iter().map(|(name, found)| format!("attempt {name}: {}", survivors::shown(found))),
    );
    (!work.is_empty()).then(|| work.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn only_a_damaged_file_makes_a_run_lost() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [dir.path().join("none"), link, dir.path().to_owned()] {
            assert!(is_of_the_file(&plain::open(&path).unwrap_err()), "{}", path.display());
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::ACCESS, Errno::IO, Errno::NOMEM] {
            assert!(!is_of_the_file(&errno.into()), "{errno}");
        }
    }
}
