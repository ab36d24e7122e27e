//! The demo's own directory: who owns it, who keeps it, and what may be removed.

use crate::demo::removal;
use crate::domain::Kind;
use crate::domain::error::{Error, Result};
use crate::runner::ofd;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The file that says "a demo's directory, it may be removed".
pub const MARKER: &str = ".midwatch-demo";
/// The file that a living keeper holds locked.
pub const LOCK: &str = "keeper.lock";
/// The keeper's socket.
pub const SOCKET: &str = "keeper.sock";

/// A directory that is proven to be a demo's, held open.
///
/// It was a directory and no link, it is ours, no other user may write to it, and it has the marker.
pub struct Place {
    path: PathBuf,
    dir: OwnedFd,
}

impl Place {
    /// Makes the directory, or takes one that is empty or a demo's already.
    ///
    /// # Errors
    /// It cannot be made, is not ours, or holds something else.
    pub fn create(path: &Path) -> Result<Self> {
        let failed = |cause: &dyn Display| Error::machine(format_args!("make the demo in {}", path.display()), cause);
        if let Some(above) = path.parent() {
            // It may be the state directory, which no other user enters.
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(above);
            made.map_err(|cause| failed(&cause))?;
        }
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(cause) => return Err(failed(&cause)),
        }
        let place = Self::hold(path)?;
        place.sweep();
        let is_empty = fs::read_dir(path).map_err(|cause| failed(&cause))?.next().is_none();
        // Asked after the look: another one that makes it right now writes the marker first.
        if place.is_marked() {
            return Ok(place);
        }
        if !is_empty {
            return Err(place.refused("it holds other files"));
        }
        let mut marker = place.file(MARKER).map_err(|cause| failed(&cause))?;
        marker.write_all(b"Midwatch may remove this.\n").map_err(|cause| failed(&cause))?;
        Ok(place)
    }

    /// Opens a demo's directory.
    ///
    /// # Errors
    /// There is none, or it is not a demo's, or not ours.
    pub fn open(path: &Path) -> Result<Self> {
        let place = Self::hold(path)?;
        if place.is_marked() { Ok(place) } else { Err(place.refused("no demo made it")) }
    }

    fn hold(path: &Path) -> Result<Self> {
        let refused = |cause: &dyn Display| {
            Error::machine(format_args!("use {} for the demo", path.display()), cause).of_kind(Kind::Refused)
        };
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path, flags, Mode::empty()).map_err(|cause| match cause {
            Errno::NOTDIR | Errno::LOOP => refused(&"it is a link or no directory"),
            other => refused(&other),
        })?;
        let stat = rustix::fs::fstat(&dir).map_err(|cause| refused(&cause))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refused(&"another user owns it"));
        }
        if stat.st_mode & 0o022 != 0 {
            return Err(refused(&"others may write to it"));
        }
        Ok(Self { path: path.to_owned(), dir })
    }

    fn refused(&self, why: &str) -> Error {
        Error::machine(format_args!("use {} for the demo", self.path.display()), why)
            .of_kind(Kind::Refused)
            .hint("name another directory")
    }

    fn is_marked(&self) -> bool {
        let stat = rustix::fs::statat(&self.dir, MARKER, AtFlags::SYMLINK_NOFOLLOW);
        stat.is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keeper's socket, by a path that fits the 107 bytes of a socket address wherever the directory is.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", self.dir.as_raw_fd()))
    }

    /// Opens one of its files for reading and writing; makes it when it is not there, and follows no link.
    fn file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.dir, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Takes the keeper's lock; `None` when a keeper holds it. It lasts as long as the file is open.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn lock(&self) -> Result<Option<File>> {
        let failed =
            |cause: &dyn Display| Error::machine(format_args!("lock {}", self.path.join(LOCK).display()), cause);
        let file = self.file(LOCK).map_err(|cause| failed(&cause))?;
        let mine = ofd::try_lock(&file).map_err(|cause| failed(&cause))?;
        Ok(mine.then_some(file))
    }

    /// Whether a keeper holds the lock; takes nothing and makes nothing.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn is_kept(&self) -> Result<bool> {
        let failed =
            |cause: &dyn Display| Error::machine(format_args!("look at {}", self.path.join(LOCK).display()), cause);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.dir, LOCK, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(false),
            Err(cause) => return Err(failed(&cause)),
        };
        ofd::is_locked(&file).map_err(|cause| failed(&cause))
    }

    /// Whether the path no longer leads to this directory.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let now = rustix::fs::lstat(&self.path);
        let held = rustix::fs::fstat(&self.dir);
        !matches!((now, held), (Ok(now), Ok(held)) if (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino))
    }

    /// Writes a file so that it is there whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_whole(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let draft = format!("{name}.new");
        let written = self.file(&draft).and_then(|mut file| {
            file.set_len(0)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            Ok(rustix::fs::renameat(&self.dir, draft.as_str(), &self.dir, name)?)
        });
        written.map_err(|cause| Error::machine(format_args!("write {}", self.path.join(name).display()), cause))
    }

    /// Removes one of its files, if it is there.
    pub fn forget(&self, name: &str) {
        // What cannot be removed is replaced later, or says why not.
        let _ = rustix::fs::unlinkat(&self.dir, name, AtFlags::empty());
    }

    /// Removes what an earlier keeper left, but neither marker nor lock, nor what `kept` names; only under the lock.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clean(&self, kept: &[&str]) -> Result<()> {
        let kept: Vec<&str> = [MARKER, LOCK].iter().chain(kept).copied().collect();
        empty(&self.path, &kept).map_err(|cause| Error::machine(format_args!("clean {}", self.path.display()), cause))
    }

    /// Removes the directory with all it holds; does nothing when the path no longer leads to it.
    ///
    /// It is renamed first, so that no one finds it half removed; the marker goes last, so that what a broken removal leaves is
    /// found by [`Place::create`].
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn remove(&self) -> Result<()> {
        if self.is_gone() {
            return Ok(());
        }
        let mut quarantined = self.side_name();
        quarantined.push(std::process::id().to_string());
        let doomed = match fs::rename(&self.path, &quarantined) {
            Ok(()) => PathBuf::from(quarantined),
            Err(_) => self.path.clone(),
        };
        remove_marked(&doomed).map_err(|cause| Error::machine(format_args!("remove {}", doomed.display()), cause))
    }

    /// How a directory is named while it is being removed, up to the pid of who does it.
    fn side_name(&self) -> OsString {
        let mut name = self.path.clone().into_os_string();
        name.push(".removed-");
        name
    }

    /// Removes what interrupted removals have left beside it.
    fn sweep(&self) {
        let quarantined = self.side_name();
        let entries = self.path.parent().and_then(|above| fs::read_dir(above).ok());
        for path in entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
            let named = path.as_os_str().as_bytes().starts_with(quarantined.as_bytes());
            if named && Self::hold(&path).is_ok_and(|left| left.is_marked()) {
                // Another process may still use it; what stays is tried again the next time.
                let _ = remove_marked(&path);
            }
        }
    }
}

/// Removes what a directory holds, except for some names; what a link points to stays.
fn empty(dir: &Path, kept: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if kept.iter().any(|kept| entry.file_name() == *kept) {
            continue;
        }
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => removal::remove(&path)?,
            _ => match fs::remove_file(&path) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            },
        }
    }
    Ok(())
}

/// Removes a directory, its marker last.
fn remove_marked(dir: &Path) -> io::Result<()> {
    // A run that is still writing may put a file into a directory that was just emptied.
    let emptied = (0..3).find_map(|_| empty(dir, &[MARKER]).ok());
    emptied.map_or_else(|| empty(dir, &[MARKER]), Ok)?;
    fs::remove_file(dir.join(MARKER))?;
    fs::remove_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_an_own_marked_directory_is_taken() {
        let above = tempfile::tempdir().unwrap();
        let at = |name: &str| above.path().join(name);
        let place = Place::create(&at("deep/demo")).unwrap();
        assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o700);
        Place::create(&at("deep/demo")).unwrap();

        fs::create_dir(at("other")).unwrap();
        fs::write(at("other/precious"), "x").unwrap();
        assert_eq!(Place::create(&at("other")).err().unwrap().kind, Kind::Refused);
        assert_eq!(Place::open(&at("other")).err().unwrap().kind, Kind::Refused);
        symlink(at("deep/demo"), at("link")).unwrap();
        assert!(Place::create(&at("link")).err().unwrap().message.contains("link"));
        fs::set_permissions(at("deep/demo"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Place::open(&at("deep/demo")).err().unwrap().message.contains("others"));
        assert!(Place::open(&at("nothing")).is_err());
    }

    #[test]
    fn a_marker_that_is_a_link_marks_nothing() {
        let above = tempfile::tempdir().unwrap();
        let dir = above.path().join("fake");
        fs::create_dir(&dir).unwrap();
        fs::write(above.path().join("real"), "").unwrap();
        symlink(above.path().join("real"), dir.join(MARKER)).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(Place::open(&dir).is_err());
        assert!(Place::create(&dir).is_err());
    }

    #[test]
    fn cleaning_and_removing_follow_no_link() {
        let above = tempfile::tempdir().unwrap();
        let outside = above.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("precious"), "x").unwrap();
        let place = Place::create(&above.path().join("demo")).unwrap();
        fs::create_dir_all(place.path().join("srv/deep")).unwrap();
        fs::create_dir(place.path().join("state")).unwrap();
        symlink(&outside, place.path().join("link")).unwrap();
        symlink(&outside, place.path().join("srv/deep/link")).unwrap();
        place.clean(&["state"]).unwrap();
        let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        symlink(&outside, place.path().join("state/link")).unwrap();
        place.remove().unwrap();
        assert!(place.is_gone() && outside.join("precious").exists());
        fs::create_dir(place.path()).unwrap();
        place.remove().unwrap();
        assert!(place.path().exists(), "another directory of that name is not ours");
    }

    #[test]
    fn what_a_broken_removal_left_is_swept_and_nothing_else() {
        let above = tempfile::tempdir().unwrap();
        let at = |name: &str| above.path().join(name);
        let left = Place::create(&at("demo.removed-17")).unwrap();
        fs::create_dir_all(left.path().join("srv/cell0")).unwrap();
        for name in ["demo.removed-18", "demo.remover", "demo2"] {
            fs::create_dir(at(name)).unwrap();
        }
        let place = Place::create(&at("demo")).unwrap();
        assert!(left.is_gone());
        assert!(["demo.removed-18", "demo.remover", "demo2"].iter().all(|name| at(name).exists()));
        place.remove().unwrap();
        assert_eq!(fs::read_dir(above.path()).unwrap().count(), 3);
    }

    #[test]
    fn the_lock_is_held_by_one_and_freed_with_its_file() {
        let above = tempfile::tempdir().unwrap();
        let place = Place::create(&above.path().join("demo")).unwrap();
        assert!(!place.is_kept().unwrap());
        let held = place.lock().unwrap().unwrap();
        assert!(place.is_kept().unwrap() && place.lock().unwrap().is_none());
        drop(held);
        assert!(!place.is_kept().unwrap());
    }
}
