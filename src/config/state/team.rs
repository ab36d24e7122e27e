//! What a team shares: a directory with the setgid bit, whose group may read what lies in it.
//!
//! ```text
//! root:midwatch 3770  /var/lib/midwatch, runs, locks     members begin runs and take locks; sticky: what is another's stays
//! anna:midwatch 2750  runs/<id>, its sets and logs       members read; only the run's own user writes
//!               0640  plan, procedure, journal, sets, logs, alive
//!               0600  runner.lock                        another user who opened it could lock out the run's user
//!               0660  control.sock, and the files of locks: members answer and take
//!               0700  steps                              acts with their environments: for the run's own user
//! ```

use rustix::fs::{FileType, Mode};
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The group that a directory is shared with; `None` where it has no setgid bit, so that it is one user's.
#[must_use]
pub fn group_of(dir: &Path) -> Option<u32> {
    let found = rustix::fs::lstat(dir).ok()?;
    let is_dir = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
    (is_dir && Mode::from_raw_mode(found.st_mode).contains(Mode::SGID)).then_some(found.st_gid)
}

/// Gives the group of a shared directory access to a file in it, with any umask: `0o640` to read, `0o660` to write too. In one
/// user's directory it does nothing.
///
/// # Errors
/// As `fchmod(2)`.
pub fn share(file: &File, dir: &Path, mode: u32) -> io::Result<()> {
    match group_of(dir) {
        Some(_) => file.set_permissions(Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

/// The same for a directory in it: `0o2750`.
///
/// # Errors
/// As `chmod(2)`.
pub fn share_dir(dir: &Path, parent: &Path) -> io::Result<()> {
    match group_of(parent) {
        Some(_) => std::fs::set_permissions(dir, Permissions::from_mode(0o2750)),
        None => Ok(()),
    }
}
