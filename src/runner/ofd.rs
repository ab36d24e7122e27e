//! Open-file-description locks: `fcntl(2)`, `F_OFD_SETLK`.
//!
//! Unlike classic record locks they belong to the open file: a child that inherits the descriptor holds the lock on, and the
//! kernel frees it when the last one closes. No stale lock file can exist. A process that may only read the file cannot take the
//! exclusive lock, but it can take a *shared* one and so keep the exclusive one from its owner: a file whose lock matters has a
//! mode that lets no other user open it.

use crate::config::names;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A whole-file lock description of a type.
fn whole_file(kind: libc::c_int) -> libc::flock {
    let l_type = libc::c_short::try_from(kind).unwrap_or_default();
    libc::flock { l_type, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 }
}

/// Takes the exclusive lock if it is free; the file must be open for writing.
///
/// # Errors
/// When the kernel refuses for another reason than a lock of another holder.
pub fn try_lock(file: &File) -> io::Result<bool> {
    taken(file, &whole_file(libc::F_WRLCK))
}

/// Like [`try_lock`], for one byte of the file, even past its end: many processes may each hold a lock on one file.
///
/// # Errors
/// As [`try_lock`].
pub fn try_lock_byte(file: &File, byte: u32) -> io::Result<bool> {
    taken(file, &libc::flock { l_start: byte.into(), l_len: 1, ..whole_file(libc::F_WRLCK) })
}

fn taken(file: &File, lock: &libc::flock) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(lock)) {
        Ok(_) => Ok(true),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(false),
        Err(cause) => Err(cause.into()),
    }
}

/// Whether another process holds the exclusive lock. Takes nothing. A shared lock does not count.
///
/// # Errors
/// When the kernel refuses.
pub fn is_locked(file: &File) -> io::Result<bool> {
    let mut lock = whole_file(libc::F_RDLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}

/// The processes that hold a lock on a file, as far as `/proc` shows them to this user: the kernel gives no pid for these
/// locks, but lists each lock beside the descriptor that holds it (`/proc/PID/fdinfo`, `proc_pid_fdinfo(5)`).
#[must_use]
pub fn holders(path: &Path) -> Vec<u32> {
    let Ok(wanted) = fs::symlink_metadata(path) else { return Vec::new() };
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut same = descriptors.filter(|fd| {
            let found = fs::metadata(fd.path());
            found.is_ok_and(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()))
        });
        same.any(|fd| {
            let info = Path::new("/proc").join(pid.to_string()).join("fdinfo").join(fd.file_name());
            fs::read_to_string(info).is_ok_and(|text| text.lines().any(|line| line.starts_with("lock:")))
        })
    })
    .collect()
}

/// Those processes in words: `the process 4711 (sleep) of ben`, or `another process`.
#[must_use]
pub fn holders_words(path: &Path) -> String {
    let word = |pid: &u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let owner = fs::metadata(format!("/proc/{pid}")).map(|found| names::user(found.uid()));
        format!("the process {pid} ({}) of {}", name.trim().escape_debug(), owner.unwrap_or_default())
    };
    match holders(path).as_slice() {
        [] => "another process".to_owned(),
        pids => pids.iter().map(word).collect::<Vec<_>>().join(", "),
    }
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
        assert!(holders(&path).contains(&std::process::id()));
        drop(holder);
        // A child that another test has just forked holds the descriptor until it executes its program.
        while is_locked(&open()).unwrap() {
            std::thread::yield_now();
        }
        assert!(try_lock(&open()).unwrap());
    }

    #[test]
    fn each_byte_has_a_lock_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
        let (one, other) = (open(), open());
        assert!(try_lock_byte(&one, 7).unwrap() && try_lock_byte(&other, 8).unwrap());
        assert!(!try_lock_byte(&other, 7).unwrap() && !try_lock_byte(&one, 8).unwrap());
        assert!(!try_lock(&open()).unwrap(), "the whole file is not free");
    }

    #[test]
    fn a_shared_lock_keeps_the_exclusive_one_away_and_is_not_taken_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
        open();
        let reader = File::open(&path).unwrap();
        fcntl(&reader, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_RDLCK))).unwrap();
        assert!(!try_lock(&open()).unwrap());
        assert!(!is_locked(&open()).unwrap());
        assert!(holders(&path).contains(&std::process::id()));
    }
}
