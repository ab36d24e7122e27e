//! Locks the identity of a target, not its name.
//!
//! A lock is held twice: by the kernel, while the runner lives; and by the journal, while the run is not sealed. So a
//! run whose runner died keeps its claim until a person resumes or aborts it, because its shim may still act on the
//! target. The lock file names the holder (`claim`). If it names none, because it was emptied or removed, the
//! journals of the unfinished runs are searched for the identity.

mod claim;

use crate::config::file::kind_word;
use crate::config::names;
use crate::config::shell;
use crate::config::state::team;
use crate::domain::error::Result;
use crate::domain::{Digest, Error, Kind};
use crate::probes::clock;
use crate::runner::lock_targets::LockTarget;
use crate::runner::rundir::{RunDir, open_private};
use crate::runner::{ofd, quarantine};
use claim::Holder;
use rustix::fs::FileType;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Held {
    /// The name in the procedure.
    pub name: String,
    /// The identity of the target.
    pub identity: String,
    path: PathBuf,
    file: File,
}

impl Held {
    /// Whether the lock file at the path is still the one held: another run may hold a file that replaced it.
    ///
    /// # Errors
    /// `Locked` when it was removed or replaced.
    pub fn confirm(&self) -> Result<()> {
        let doing = format!("keep the lock {}", self.name);
        let open = self.file.metadata().map_err(|cause| Error::machine(&doing, cause))?;
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == (open.dev(), open.ino()) => Ok(()),
            _ => Err(Error::new(Kind::Locked, format!("{} was removed or replaced", self.path.display()))
                .hint("another run may hold it by now; see that none does before this one is resumed")),
        }
    }
}

/// Takes the locks on all these targets, all or nothing, in the order of their identities.
///
/// # Errors
/// `Locked` with the holder when another run has one; a machine error when the lock directory cannot be used.
pub fn take_all(dir: &Path, targets: Vec<LockTarget>, run: &RunDir, by: &str) -> Result<Vec<Held>> {
    let mut builder = fs::DirBuilder::new();
    let made = builder.mode(0o700).recursive(true).create(dir);
    made.map_err(|cause| Error::machine(format!("make the lock directory {}", dir.display()), cause))?;
    targets.into_iter().map(|(identity, name)| take(dir, identity, name, run, by)).collect()
}

fn take(dir: &Path, identity: String, name: String, run: &RunDir, by: &str) -> Result<Held> {
    let path = dir.join(format!("{}.lock", Digest::of(identity.as_bytes())));
    let doing = format!("lock {name}");
    let io = |cause: io::Error| Error::machine(&doing, cause);
    let file = open_private(&path).map_err(|cause| unusable(&name, &path, &cause))?;
    let found = file.metadata().map_err(io)?;
    let us = rustix::process::geteuid().as_raw();
    refuse_foreign(&name, &path, &found, dir, us)?;
    if found.uid() == us {
        team::share(&file, dir, 0o660).map_err(io)?;
    }
    let mine = ofd::try_lock(&file).map_err(io)?;
    let holder = claim::read(&file);
    if !mine {
        return Err(held(&name, holder.as_ref(), &path));
    }
    let on_disk = fs::symlink_metadata(&path).map_err(io)?;
    if (found.dev(), found.ino()) != (on_disk.dev(), on_disk.ino()) {
        return Err(Error::new(Kind::Locked, format!("the lock file of {name} was replaced during locking")));
    }
    // This run's own record stays: a full disk could not take it again.
    let is_own = holder.as_ref().is_some_and(|holder| holder.run == run.id && holder.dir == run.path);
    if is_own {
        return Ok(Held { name, identity, path, file });
    }
    let claimant = match &holder {
        Some(holder) => Some(holder.clone()).filter(|holder| holder.run != run.id && holder.claims()),
        None => {
            let beside = dir.parent().map(|state| state.join("runs"));
            let places: Vec<&Path> = std::iter::once(run.runs()).chain(beside.as_deref()).collect();
            claim::in_journals(&identity, &places, &run.id)
        }
    };
    if let Some(claimant) = claimant {
        return Err(refusal(&name, &claimant, "is still claimed by the unfinished"));
    }
    let since = holder.filter(|holder| holder.run == run.id).and_then(|holder| holder.since);
    let own = Holder {
        run: run.id.clone(),
        dir: run.path.clone(),
        name: name.clone(),
        by: by.to_owned(),
        since: Some(since.unwrap_or_else(|| clock::now().wall)),
        count: 0,
    };
    claim::write(&file, own).map_err(io)?;
    Ok(Held { name, identity, path, file })
}

/// The error for a lock file that cannot be opened, with the command that makes space for another.
fn unusable(name: &str, path: &Path, cause: &io::Error) -> Error {
    let place = path.display();
    let error = Error::machine(format_args!("lock {name}: open {place}"), cause);
    let Ok(found) = fs::symlink_metadata(path) else { return error };
    let kind = FileType::from_raw_mode(found.mode());
    let owner = names::user(found.uid());
    let planted = kind != FileType::RegularFile || cause.kind() == io::ErrorKind::PermissionDenied;
    if !planted {
        return error;
    }
    let what = kind_word(kind);
    error
        .of_kind(Kind::Locked)
        .hint(format!("it is {what} of {owner}, mode {:04o}; no run made it", found.mode() & 0o7777))
        .hint(format!("see that no run needs it, then, as {owner} or root: rm -r {place}"))
}

/// Refuses a lock file that belongs neither to root nor to this user, unless the team's directory holds it for the
/// team's group.
fn refuse_foreign(name: &str, path: &Path, found: &fs::Metadata, dir: &Path, us: u32) -> Result<()> {
    let of_team = team::group_of(dir).is_some_and(|group| found.gid() == group);
    let ours = found.uid() == us || found.uid() == 0 || of_team;
    if ours && found.nlink() <= 1 {
        return Ok(());
    }
    let (place, owner) = (path.display(), names::user(found.uid()));
    let linked = found.nlink() > 1;
    let why = if linked { "it is a hard link".to_owned() } else { "its group is not the team's".to_owned() };
    let message =
        format!("cannot lock {name}: {place} is no lock file of a run here: it belongs to {owner}, and {why}");
    Err(Error::new(Kind::Locked, message)
        .hint(format!("see that no run needs it, then, as {owner} or root: rm {place}")))
}

/// The refusal of a lock that is held elsewhere; if its holder is not a run, it lists the processes that hold it.
fn held(name: &str, holder: Option<&Holder>, path: &Path) -> Error {
    if let Some(holder) = holder.filter(|holder| holder.claims()) {
        return refusal(name, holder, "is held by");
    }
    let message = format!("{name} is locked by {} on {}", ofd::holders_words(path), path.display());
    Error::new(Kind::Locked, message)
        .hint("the file names no unfinished run: it may be one that is starting at this moment, or another program")
        .hint(format!("see who has it open: fuser -v {}", path.display()))
}

fn refusal(name: &str, holder: &Holder, verb: &str) -> Error {
    let since = holder.since.map(|at| format!(" since {} UTC", at.minute())).unwrap_or_default();
    let alias = if holder.name == name { String::new() } else { format!(", which calls it {}", holder.name) };
    let message = format!("{name} {verb} run {} of {}{since}{alias}", holder.run, holder.by);
    let dir = RunDir::at(&holder.dir).ok();
    let typed = |command: &str| match &dir {
        Some(dir) => shell::on_run_of(dir.state(), format_args!("{command} {}", holder.run)),
        None => shell::on_runs(format_args!("{command} {}", holder.run)),
    };
    let lost = dir.as_ref().filter(|dir| !dir.runner_lives()).and_then(quarantine::why_lost);
    if let Some(why) = lost {
        return Error::new(Kind::Locked, message)
            .hint(format!("that run cannot be continued: {why}"))
            .hint(format!("see what it changed, then set it aside: {} --set-aside", typed("abort")));
    }
    Error::new(Kind::Locked, message).hint(format!("see it: {}", typed("attach"))).hint(format!(
        "continue it: {}; or stop it: {}",
        typed("resume"),
        typed("abort")
    ))
}
