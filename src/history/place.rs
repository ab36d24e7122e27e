//! Where the file lies, whose it must be, and who may write it.
//!
//! ```text
//! history.db      0600, this user's; SQLite makes history.db-journal beside it
//! history.lock    byte 0: the process that puts a damaged file aside; each other byte: the one process that writes for an estate
//! ```

use super::fault::unusable;
use crate::config::file::kind_word;
use crate::config::paths::Surroundings;
use crate::config::state::{self, State};
use crate::domain::error::{Result, system_text};
use crate::domain::{Digest, Error, Wall};
use crate::runner::ofd;
use rustix::fs::{CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The name of the file.
pub(super) const DATABASE: &str = "history.db";
/// The name of the file of the locks.
const LOCK: &str = "history.lock";
/// For this user alone.
const OWN: Mode = Mode::RUSR.union(Mode::WUSR);

/// The directory, which is this user's alone.
#[derive(Debug)]
pub(super) struct Place {
    dir: PathBuf,
}

/// Which file it was: its device and its inode.
pub(super) type Identity = (u64, u64);

impl Place {
    /// The directory of the history, made where it is missing.
    pub fn prepare(state: &State, around: &Surroundings) -> Result<Self> {
        let dir = state::prepare_own(state, around)?;
        // SQLite refuses a path with a symbolic link anywhere in it.
        let real = std::fs::canonicalize(&dir);
        let dir = real.map_err(|cause| unusable(&dir.join(DATABASE), &system_text(cause), "look at the directory"))?;
        Ok(Self { dir })
    }

    /// The file.
    pub fn database(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }

    /// Which file is there now; none where there is none. A file that is open to others is closed.
    ///
    /// It is only looked at: closing a descriptor of it would give up the locks that SQLite has on it (`fcntl(2)`).
    pub fn look(&self) -> Result<Option<Identity>> {
        let path = self.database();
        let found = match rustix::fs::lstat(&path) {
            Err(Errno::NOENT) => return Ok(None),
            found => found.map_err(|cause| odd(&path, &system_text(cause)))?,
        };
        fit(&path, &found)?;
        if Mode::from_raw_mode(found.st_mode).intersects(Mode::RWXG | Mode::RWXO) {
            rustix::fs::chmod(&path, OWN).map_err(|cause| odd(&path, &system_text(cause)))?;
        }
        Ok(Some((found.st_dev, found.st_ino)))
    }

    /// Makes an empty file where there is none.
    pub fn make(&self) -> Result<()> {
        if self.look()?.is_some() {
            return Ok(());
        }
        let path = self.database();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::open(&path, flags, OWN) {
            Ok(_) => Ok(()),
            Err(Errno::EXIST) => self.look().map(drop),
            Err(Errno::NOSPC | Errno::DQUOT) => Err(unusable(
                &path,
                "its file system is full",
                "free space there: `df -h` and `df -i` show both limits",
            )),
            Err(cause) => Err(odd(&path, &system_text(cause))),
        }
    }

    /// Becomes the one that writes for an estate, as long as the file lives; none while another process is.
    pub fn claim(&self, estate: &str) -> Result<Option<File>> {
        // Two estates of one number would share a writer: neither is harmed, and one has no history while the other is written.
        let digest = Digest::of(estate.as_bytes());
        let end = digest.as_str().get(digest.as_str().len().saturating_sub(7)..).unwrap_or_default();
        self.lock(1 + u32::from_str_radix(end, 16).unwrap_or(0))
    }

    fn lock(&self, byte: u32) -> Result<Option<File>> {
        let path = self.dir.join(LOCK);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = match rustix::fs::open(&path, flags, OWN) {
            Err(Errno::LOOP) => Err(odd(&path, "it is a symbolic link")),
            opened => opened.map_err(|cause| odd(&path, &system_text(cause))),
        };
        let file = File::from(opened?);
        fit(&path, &rustix::fs::fstat(&file).map_err(|cause| odd(&path, &system_text(cause)))?)?;
        let taken = ofd::try_lock_byte(&file, byte).map_err(|cause| odd(&path, &system_text(cause)))?;
        Ok(taken.then_some(file))
    }

    /// Gives a damaged file another name, with what SQLite keeps beside it; where it is now. None where another process does so, or has
    /// done so: then another file is there.
    pub fn set_aside(&self, found: Option<Identity>, now: Wall) -> Result<Option<PathBuf>> {
        let path = self.database();
        let Some(_alone) = self.lock(0)? else { return Ok(None) };
        if self.look()? != found || found.is_none() {
            return Ok(None);
        }
        let stamp = now.0.strftime("%Y%m%dT%H%M%SZ");
        for number in 0..100 {
            let more = if number == 0 { String::new() } else { format!("-{number}") };
            let name = format!("{DATABASE}.damaged-{stamp}{more}");
            match rename(&path, &self.dir.join(&name)) {
                Err(Errno::EXIST) => {}
                Err(cause) => return Err(odd(&path, &system_text(cause))),
                Ok(()) => {
                    let journal = |name: &str| self.dir.join(format!("{name}-journal"));
                    let _ = rename(&journal(DATABASE), &journal(&name));
                    return Ok(Some(self.dir.join(name)));
                }
            }
        }
        Err(odd(&path, "it is damaged, and there is no name to keep it under"))
    }
}

/// Renames a file where its new name is free.
fn rename(from: &Path, to: &Path) -> std::result::Result<(), Errno> {
    rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}

/// Whether it is a plain file of this user.
fn fit(path: &Path, found: &rustix::fs::Stat) -> Result<()> {
    let us = rustix::process::geteuid().as_raw();
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile if found.st_uid == us => Ok(()),
        FileType::RegularFile => Err(odd(path, &format!("it belongs to uid {}, not to you", found.st_uid))),
        kind => Err(odd(path, &format!("it is {}, not a file", kind_word(kind)))),
    }
}

/// What stands in the file's place or cannot be used, with the command that moves it out of the way.
fn odd(path: &Path, why: &str) -> Error {
    let place = path.display();
    unusable(path, why, &format!("move it away, and a new one is begun: mv {place} {place}.old"))
}
