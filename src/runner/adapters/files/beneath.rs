//! A root directory whose lookups cannot leave it.

use crate::domain::Error;
use rustix::fs::{Mode, OFlags, ResolveFlags, Stat, fstat, mkdirat, open, openat2};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// How often a path lookup is tried again after a concurrent rename (`EAGAIN` of openat2).
const TRIES: usize = 64;

/// The root, held open, and the last directory that was opened below it.
pub(in crate::runner::adapters) struct Root {
    fd: OwnedFd,
    /// Its device.
    pub(in crate::runner::adapters) dev: u64,
    /// Its inode.
    pub(in crate::runner::adapters) ino: u64,
}

impl Root {
    /// Opens a root; its own path may hold symbolic links.
    pub(in crate::runner::adapters) fn open(path: &str) -> Result<Self, Error> {
        let failed = |cause: Errno| Error::machine(format_args!("open {path}"), cause);
        let fd = open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(failed)?;
        let stat = fstat(&fd).map_err(failed)?;
        Ok(Self { fd, dev: stat.st_dev, ino: stat.st_ino })
    }

    /// Opens a directory below: no symbolic link, no other mount, nothing above.
    pub(in crate::runner::adapters) fn directory(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(path) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let mut last = Errno::AGAIN;
        for _ in 0..TRIES {
            match openat2(&self.fd, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => last = Errno::AGAIN,
                other => return other,
            }
        }
        Err(last)
    }

    /// Opens a directory below, creating missing ones with the given mode; each new name is synced.
    pub(in crate::runner::adapters) fn make_directory(&self, path: &[u8], mode: Mode) -> Result<OwnedFd, Errno> {
        match self.directory(path) {
            Err(Errno::NOENT) => {}
            other => return other,
        }
        let (parent, name) = split(path);
        let parent = self.make_directory(parent, mode)?;
        match mkdirat(&parent, OsStr::from_bytes(name), mode) {
            Ok(()) => rustix::fs::fsync(&parent)?,
            Err(Errno::EXIST) => {}
            Err(cause) => return Err(cause),
        }
        self.directory(path)
    }
}

/// Looks at a name in a directory, never through a link and never across a mount (`EXDEV`).
pub(in crate::runner::adapters) fn look_at(directory: impl AsFd, name: &[u8]) -> Result<Stat, Errno> {
    fstat(hold(directory, name)?)
}

/// Holds a name without opening it: needs no right to the file. A mount over the name is `EXDEV`, also a bind mount
/// of the same file system, where the device number does not differ. Source: openat2(2), `RESOLVE_NO_XDEV`.
pub(super) fn hold(directory: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    own(directory, name, OFlags::PATH)
}

/// Opens a file of a directory for reading, never through a link and never across a mount (`EXDEV`).
pub(super) fn open_file(directory: impl AsFd, name: &[u8]) -> Result<File, Errno> {
    own(directory, name, OFlags::RDONLY | OFlags::NONBLOCK).map(File::from)
}

fn own(directory: impl AsFd, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let (flags, name) = (flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, OsStr::from_bytes(name));
    loop {
        match openat2(&directory, name, flags, Mode::empty(), ResolveFlags::NO_XDEV) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

/// A path's directory (empty for the root) and its last name.
pub(in crate::runner::adapters) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default()),
        None => (&[], path),
    }
}

/// Why a directory could not be opened, for people.
pub(in crate::runner::adapters) fn why(cause: Errno) -> String {
    match cause {
        Errno::XDEV => "it is another mount than `root`".to_owned(),
        Errno::LOOP => "a symbolic link is in the way".to_owned(),
        Errno::NOSYS => "this needs Linux 5.6 or newer".to_owned(),
        other => other.to_string(),
    }
}
