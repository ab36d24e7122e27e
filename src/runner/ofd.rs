//! Open-file-description locks: `fcntl(2)`, `F_OFD_SETLK`.
//!
//! Unlike `flock` they cannot be taken by somebody who may only read the file, and unlike classic record locks they belong
//! to the open file: a child that inherits the descriptor holds the lock on, and the kernel frees it when the last one
//! closes. No stale lock file can exist.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::io;

/// A whole-file lock description of a type.
fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or_default(),
        l_whence: 0,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Takes the exclusive lock if it is free; the file must be open for writing.
///
/// # Errors
/// When the kernel refuses for another reason than that somebody holds it.
pub fn try_lock(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))) {
        Ok(_) => Ok(true),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(false),
        Err(cause) => Err(cause.into()),
    }
}

/// Whether somebody holds the exclusive lock; takes nothing, so that looking is harmless.
///
/// # Errors
/// When the kernel refuses to tell.
pub fn is_locked(file: &File) -> io::Result<bool> {
    let mut lock = whole_file(libc::F_RDLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_seen_and_refused_and_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
        let holder = open();
        assert!(!is_locked(&open()).unwrap());
        assert!(try_lock(&holder).unwrap());
        assert!(is_locked(&File::open(&path).unwrap()).unwrap());
        assert!(!try_lock(&open()).unwrap());
        drop(holder);
        assert!(try_lock(&open()).unwrap());
    }
}
