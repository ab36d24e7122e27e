//! Where runs, locks and our own log are kept, and whether that place is fit for it.
//!
//! ```text
//! $MIDWATCH_STATE                      named: this user's, wherever it is
//! /var/lib/midwatch                    the team's: exists, has the setgid bit, and we may write there
//! $XDG_STATE_HOME/midwatch             this user's
//! ~/.local/state/midwatch              this user's
//! ```
//! Locks are always the team's when there is a team directory: they guard targets, not files of ours. The place is never
//! `/tmp` by our own choice, and never the directory of what people write.

pub mod team;

use crate::config::file::kind_word;
use crate::config::paths::{Surroundings, homeless, user_config};
use crate::domain::{Error, Kind};
use rustix::fs::{Access, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Whose the state directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One user's; no other user may enter.
    User,
    /// A group's, through its setgid bit.
    Team,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The directory.
    pub dir: PathBuf,
    /// Whose it is.
    pub scope: Scope,
    /// Where locks lie.
    pub locks: PathBuf,
    /// Whose the locks are; `User` is worth saying on screen: *locks: this user only*.
    pub locks_scope: Scope,
}

impl State {
    /// Where runs lie, a directory each.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.dir.join("runs")
    }
}

/// Decides where state is kept; looks at the team directory, creates nothing.
///
/// # Errors
/// Where there is no home directory, where `MIDWATCH_STATE` is relative, and where the place is that of the configuration.
pub fn state(around: &Surroundings) -> Result<State, Error> {
    match around.get("MIDWATCH_STATE").map(PathBuf::from) {
        Some(named) if named.is_relative() => {
            let message = format!("cannot keep state in {}: MIDWATCH_STATE is not an absolute path", named.display());
            Err(Error::new(Kind::Usage, message).hint("a run outlives the directory it was started from"))
        }
        named => state_in(named, around),
    }
}

/// The same with the directory that was named, absolute, if one was. One with the setgid bit is a team's.
///
/// # Errors
/// As [`state`].
pub fn state_in(named: Option<PathBuf>, around: &Surroundings) -> Result<State, Error> {
    let team = around.system(TEAM);
    let team = team_may_use(&team).then_some(team);
    let scope_of = |dir: &Path| if team::group_of(dir).is_some() { Scope::Team } else { Scope::User };
    let (dir, scope) = match (named, &team) {
        (Some(named), _) => (named.clone(), scope_of(&named)),
        (None, Some(team)) => (team.clone(), Scope::Team),
        (None, None) => (own_dir(around).ok_or_else(|| homeless("keep state", "MIDWATCH_STATE"))?, Scope::User),
    };
    for config in user_config(around).into_iter().chain([around.system("etc/midwatch")]) {
        if dir.starts_with(&config) {
            let message = format!("cannot keep state in {}: it is a place of the configuration", dir.display());
            return Err(Error::new(Kind::Usage, message).hint("set MIDWATCH_STATE to another directory"));
        }
    }
    let locks_scope = if team.is_some() { Scope::Team } else { scope };
    let locks = team.unwrap_or_else(|| dir.clone()).join("locks");
    Ok(State { dir, scope, locks, locks_scope })
}

/// The team directory, below the root.
const TEAM: &str = "var/lib/midwatch";

/// This user's own state directory; `None` without a home directory.
#[must_use]
pub fn own_dir(around: &Surroundings) -> Option<PathBuf> {
    Some(around.user_base("XDG_STATE_HOME", ".local/state")?.join("midwatch"))
}

/// Whether a team directory is there for us: a real directory with the setgid bit that we may write to.
fn team_may_use(dir: &Path) -> bool {
    team::group_of(dir).is_some() && rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Creates the state directory with its `runs` and `locks`, and proves that it can be written to durably.
///
/// # Errors
/// A place that is someone else's, a symbolic link, open to others' writing, read-only, full, or no directory: each with
/// its own sentence and a way on.
pub fn prepare_state(state: &State) -> Result<(), Error> {
    prepare(&state.dir, state.scope, None)?;
    let group = Some(&*state.dir).filter(|_| state.scope == Scope::Team);
    prepare(&state.runs(), state.scope, group)?;
    if let Some(parent) = state.locks.parent().filter(|parent| *parent != state.dir) {
        prepare(parent, state.locks_scope, None)?;
    }
    let group = state.locks.parent().filter(|_| state.locks_scope == Scope::Team);
    prepare(&state.locks, state.locks_scope, group)?;
    prove_writable(&state.dir)
}

/// This user's own state directory: a team's holds what the team shares, and no log or history of a member.
#[must_use]
pub fn own_home(state: &State, around: &Surroundings) -> Option<PathBuf> {
    match state.scope {
        Scope::User => Some(state.dir.clone()),
        Scope::Team => own_dir(around),
    }
}

/// Whether a log can be kept without making the directory that holds it.
#[must_use]
pub fn has_log_home(state: &State, around: &Surroundings) -> bool {
    own_home(state, around).is_some_and(|home| home.is_dir())
}

/// Makes this user's own state directory where it is missing, for this user alone.
///
/// # Errors
/// As [`prepare_state`]; where there is no home directory.
pub fn prepare_own(state: &State, around: &Surroundings) -> Result<PathBuf, Error> {
    let own = own_home(state, around).ok_or_else(|| homeless("keep a log or a history", "MIDWATCH_STATE"))?;
    prepare(&own, Scope::User, None)?;
    Ok(own)
}

/// The directory of Midwatch's own log, made for this user alone with any umask: in the user's own state directory, for a
/// team's holds what the team shares. One that an earlier version left open to others is closed.
///
/// # Errors
/// As [`prepare_state`]; where there is no home directory.
pub fn prepare_log(state: &State, around: &Surroundings) -> Result<PathBuf, Error> {
    let own = prepare_own(state, around)?;
    let log = own.join("log");
    prepare(&log, Scope::User, None)?;
    for place in [log.as_path()].into_iter().chain(Some(own.as_path()).filter(|own| own.ends_with("midwatch"))) {
        rustix::fs::chmod(place, Mode::RWXU).map_err(|cause| unusable(place, cause))?;
    }
    Ok(log)
}

/// Creates one directory where it is missing, and refuses one that is not fit; `within` is the team directory that it lies in.
fn prepare(dir: &Path, scope: Scope, within: Option<&Path>) -> Result<(), Error> {
    let mode = if scope == Scope::Team { 0o3770 } else { 0o700 };
    let us = rustix::process::geteuid().as_raw();
    let found = match rustix::fs::lstat(dir) {
        Err(Errno::NOENT) => {
            create(dir, mode)?;
            rustix::fs::lstat(dir)
        }
        // An earlier version made `runs` and `locks` of a team without the sticky bit.
        Ok(found) if within.is_some() && may_close(&found, us) => {
            rustix::fs::chmod(dir, Mode::from_raw_mode(mode)).and_then(|()| rustix::fs::lstat(dir))
        }
        found => found,
    };
    let found = found.map_err(|cause| unusable(dir, cause))?;
    let unfit = unfit(&found, scope, us).or_else(|| match (scope, within) {
        (Scope::User, _) => None,
        (Scope::Team, None) => foreign(&found, us).or_else(|| loose_parent(dir, us)),
        (Scope::Team, Some(team)) => of_another_group(&found, team),
    });
    match unfit {
        None => Ok(()),
        Some((why, hint)) => {
            let message = format!("cannot keep state in {}: {why}", dir.display());
            Err(Error::new(Kind::Machine, message).hint(hint.replace("DIR", &dir.display().to_string())))
        }
    }
}

/// Whether a team's directory is a whole one but for its sticky bit, and we may give it that.
fn may_close(found: &Stat, us: u32) -> bool {
    let is_dir = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
    let lacks_sticky = Mode::from_raw_mode(found.st_mode) & Mode::from_raw_mode(0o7777) == Mode::from_raw_mode(0o2770);
    is_dir && lacks_sticky && (us == 0 || found.st_uid == us)
}

/// Whether a team directory belongs to neither root nor this user: its owner can replace everything in it.
fn foreign(found: &Stat, us: u32) -> Option<(String, String)> {
    let why = format!("it belongs to uid {}; a team directory belongs to root", found.st_uid);
    (found.st_uid != 0 && found.st_uid != us).then(|| (why, "chown root DIR".to_owned()))
}

/// Whether a directory of a team belongs to another group than the team.
fn of_another_group(found: &Stat, team: &Path) -> Option<(String, String)> {
    let group = team::group_of(team)?;
    let why = format!("its group is {}, and the team's is {group}", found.st_gid);
    (found.st_gid != group).then(|| (why, format!("chgrp {group} DIR && chmod 3770 DIR")))
}

/// Whether another user could replace a directory: each above it belongs to root or to us, and others
/// write to it only where the sticky bit keeps what is ours.
fn loose_parent(dir: &Path, us: u32) -> Option<(String, String)> {
    dir.ancestors().skip(1).find_map(|above| {
        let found = rustix::fs::stat(above).ok()?;
        let mode = Mode::from_raw_mode(found.st_mode);
        let loose = mode.intersects(Mode::WGRP | Mode::WOTH) && !mode.contains(Mode::SVTX);
        let place = above.display();
        match (found.st_uid == 0 || found.st_uid == us, loose) {
            (true, false) => None,
            (false, _) => {
                Some((format!("{place} above it belongs to uid {}", found.st_uid), format!("chown root {place}")))
            }
            (true, true) => Some((format!("others may write to {place} above it"), format!("chmod go-w {place}"))),
        }
    })
}

/// Makes a directory with exactly this mode; parents that are missing are ours alone.
fn create(dir: &Path, mode: u32) -> Result<(), Error> {
    let failed = |cause: std::io::Error| match Errno::from_io_error(&cause) {
        Some(errno) => unusable(dir, errno),
        None => Error::machine(format!("keep state in {}", dir.display()), cause),
    };
    if let Some(parent) = dir.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(dir) {
        // The umask may have taken bits away, and mkdir never gives the setgid bit.
        Ok(()) => std::fs::set_permissions(dir, std::fs::Permissions::from_mode(mode)).map_err(failed),
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(failed(cause)),
    }
}

/// Why a directory cannot keep the state, and the command that mends it (with `DIR` for its path); `None` when it can.
fn unfit(found: &Stat, scope: Scope, us: u32) -> Option<(String, String)> {
    let elsewhere = "set MIDWATCH_STATE to a directory of your own".to_owned();
    let kind = FileType::from_raw_mode(found.st_mode);
    let mode = Mode::from_raw_mode(found.st_mode);
    if kind == FileType::Symlink {
        return Some(("it is a symbolic link".to_owned(), "name the directory itself in MIDWATCH_STATE".to_owned()));
    }
    if kind != FileType::Directory {
        return Some((format!("it is {}, not a directory", kind_word(kind)), elsewhere));
    }
    match scope {
        Scope::User if found.st_uid != us => {
            Some((format!("it belongs to uid {}, not to you", found.st_uid), elsewhere))
        }
        Scope::User if mode.intersects(Mode::WGRP | Mode::WOTH) => {
            Some(("others may write to it".to_owned(), "chmod go-w DIR".to_owned()))
        }
        Scope::Team if mode.contains(Mode::WOTH) => {
            Some(("everyone may write to it, not its group alone".to_owned(), "chmod 3770 DIR".to_owned()))
        }
        Scope::Team if mode.intersects(Mode::RWXO) => {
            Some(("others than its group may enter it".to_owned(), "chmod 3770 DIR".to_owned()))
        }
        Scope::Team if !mode.contains(Mode::RWXG | Mode::SGID) => {
            Some(("its group may not write to it and keep what it makes".to_owned(), "chmod 3770 DIR".to_owned()))
        }
        Scope::Team if !mode.contains(Mode::SVTX) => {
            let why = "each member may remove and rename what belongs to another (it has no sticky bit)";
            Some((why.to_owned(), "chmod 3770 DIR".to_owned()))
        }
        _ => None,
    }
}

/// Writes a file, has it synced, and removes it.
fn prove_writable(dir: &Path) -> Result<(), Error> {
    let failed = |cause: Errno| unusable(dir, cause);
    // In a sticky directory no user can remove another user's.
    let probe = dir.join(format!(".probe-{}-{}", rustix::process::geteuid().as_raw(), std::process::id()));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::open(&probe, flags, Mode::RUSR | Mode::WUSR);
    let opened = match open() {
        // Left by a process of the same number that died in between.
        Err(Errno::EXIST) => rustix::fs::unlink(&probe).and_then(|()| open()),
        opened => opened,
    };
    let file = opened.map_err(failed)?;
    let wrote = write_durably(&file);
    let removed = rustix::fs::unlink(&probe);
    wrote.and(removed).map_err(failed)
}

/// Writes a page and has it synced; less may be kept inside an inode and prove nothing about free space.
fn write_durably(file: &OwnedFd) -> Result<(), Errno> {
    match rustix::io::write(file, &[b'.'; 4096])? {
        4096 => rustix::fs::fsync(file),
        _ => Err(Errno::NOSPC),
    }
}

/// What an error of the file system means for the state directory.
fn unusable(dir: &Path, cause: Errno) -> Error {
    let elsewhere = "set MIDWATCH_STATE to a directory on another file system";
    let (why, hint) = match cause {
        Errno::ROFS => ("its file system is read-only".to_owned(), elsewhere),
        Errno::NOSPC => {
            ("its file system is full".to_owned(), "free space there: `df -h` and `df -i` show both limits")
        }
        Errno::DQUOT => ("your quota there is used up".to_owned(), "free space there, or ask for more"),
        Errno::ACCESS | Errno::PERM => {
            ("you may not write there".to_owned(), "set MIDWATCH_STATE to a directory of your own")
        }
        Errno::NOTDIR => ("a part of its path is not a directory".to_owned(), elsewhere),
        other => (std::io::Error::from(other).to_string(), elsewhere),
    };
    Error::new(Kind::Machine, format!("cannot keep state in {}: {why}", dir.display())).hint(hint)
}

#[cfg(test)]
mod tests;
