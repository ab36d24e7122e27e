//! `archive`: compresses a file into a tree of archives, reads the archive back, and only then removes the file.
//!
//! ```text
//! logs/api/app.log.3 ──gzip──▶ logs/archive/api/.app.log.3.gz.part ──read back, same digest──▶ logs/archive/api/app.log.3.gz
//! ```
//!
//! The tree below `under` is kept, so that equal names do not collide; an existing name is never overwritten. Files
//! that are already compressed (by name or first bytes) or being written are left out. An archive gets the mode, the
//! owner, the ACL and the other attributes of its file, and the current time: its age counts from then.

use crate::domain::Error;
use crate::procedure::plan::Action;
use crate::runner::adapters::Look;
use crate::runner::adapters::files::attributes::{Attributes, settle};
use crate::runner::adapters::files::beneath::{Root, look_at, open_file, split};
use crate::runner::adapters::files::compressed;
use crate::runner::adapters::files::frozen::{Frozen, Had, Name};
use crate::runner::adapters::files::gz::{self, Halt};
use crate::runner::adapters::files::handles;
use crate::runner::adapters::files::worker::{Worker, reach, unreached};
use crate::runner::adapters::tally::Came;
use crate::runner::failpoint;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, fstat, fsync, futimens, openat,
    renameat_with, unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::AtomicBool;

/// The suffix of an archive's name.
pub(super) const ENDING: &[u8] = b".gz";

impl From<Halt> for Came {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Stopped => Self::Stopped,
            Halt::Failed(why) => Self::Failed(why),
        }
    }
}

/// Takes out files that are being written and files that are already compressed, and reports their number.
pub(super) fn sift(root: &Root, files: &mut Vec<Frozen>, action: &Action, look: &Look) -> Result<(u64, u64), Error> {
    gz::is_there()?;
    look.in_time(&action.line)?;
    let before = files.len();
    let written = handles::writers(files).files;
    files.retain(|file| !written.contains(&(file.dev, file.ino)));
    let calm = files.len();
    let mut in_time = Ok(());
    files.retain(|file| {
        let (parent, name) = split(&file.name.0);
        if in_time.is_ok() {
            in_time = look.in_time(&action.line);
        }
        let kind = || match root.directory(parent) {
            Ok(directory) => compressed::kind(&directory, name),
            Err(_) => compressed::by_name(name),
        };
        in_time.is_err() || kind().is_none()
    });
    in_time?;
    Ok(((before - calm) as u64, (calm - files.len()) as u64))
}

/// Whether an existing archive is of this very file: an earlier attempt was interrupted before it removed the file.
pub(super) fn is_its(root: &Root, file: &Frozen, to: &Name) -> bool {
    let digest = |name: &Name, packed: bool| {
        let (parent, name) = split(&name.0);
        let open = open_file(&root.directory(parent).ok()?, name).ok()?;
        gz::digest(&open, packed, &AtomicBool::new(false)).ok()
    };
    let source = digest(&file.name, false);
    source.is_some() && source == digest(to, true)
}

/// The temporary name of a file before it gets its own.
fn part(name: &[u8]) -> Vec<u8> {
    [b".".as_slice(), name, b".part"].concat()
}

/// Creates a file of our own, replacing one that an interrupted attempt left.
fn make(directory: &OwnedFd, name: &[u8]) -> Result<File, Errno> {
    let _ = unlinkat(directory, OsStr::from_bytes(name), AtFlags::empty());
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, OsStr::from_bytes(name), flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

impl Worker {
    /// Compresses, reads back, and removes.
    pub(super) fn archive(&mut self, file: &Frozen, cancel: &AtomicBool) -> Came {
        let Some(to) = &file.to else { return Came::Failed("the set names no new place".to_owned()) };
        let ((parent, name), (far, new)) = (split(&file.name.0), split(&to.0));
        let Self { root, source, target } = self;
        let source = match reach(source, parent, || root.directory(parent)) {
            Ok(source) => source,
            Err(cause) => return unreached(cause),
        };
        let open = match open_file(&source.fd, name) {
            Ok(open) => open,
            Err(Errno::NOENT) => return gone(root, file, to, cancel),
            Err(Errno::LOOP) => return Came::LeftAlone("it changed since it was frozen".to_owned()),
            Err(cause) => return Came::Failed(cause.to_string()),
        };
        let stat = match fstat(&open) {
            Ok(stat) if file.is(&stat) => stat,
            Ok(_) => return Came::LeftAlone("it changed since it was frozen".to_owned()),
            Err(cause) => return Came::Failed(cause.to_string()),
        };
        let mode = fstat(&source.fd).map_or(Mode::RWXU, |stat| Mode::from_raw_mode(stat.st_mode & 0o7777));
        let target = match reach(target, far, || root.make_directory(far, mode)) {
            Ok(target) => target,
            Err(cause) => return unreached(cause),
        };
        target.touched = true;
        if let Err(came) = packed(&open, &stat, &target.fd, new, to, cancel) {
            return came;
        }
        if let Err(cause) = fsync(&target.fd) {
            return Came::Failed(format!("the archive's directory could not be synced: {cause}"));
        }
        failpoint::pass("act.half");
        if let Some(holder) = handles::writers(std::slice::from_ref(file)).holder {
            return Came::LeftAlone(format!("{holder} writes to it; its archive was written too"));
        }
        match look_at(&source.fd, name) {
            Ok(stat) if file.is(&stat) => {}
            _ => return Came::LeftAlone("it changed while it was archived; its archive was written too".to_owned()),
        }
        match unlinkat(&source.fd, OsStr::from_bytes(name), AtFlags::empty()) {
            Ok(()) => source.touched = true,
            Err(cause) => return Came::Failed(format!("its archive is made, and it cannot be removed: {cause}")),
        }
        Came::Done
    }

    /// Unpacks an archive to where its file was, and then removes it.
    pub(super) fn unpack(&mut self, file: &Frozen, cancel: &AtomicBool) -> Came {
        let Some(to) = &file.to else { return Came::Failed("the set names no new place".to_owned()) };
        let ((parent, name), (far, new)) = (split(&file.name.0), split(&to.0));
        let Self { root, source, target } = self;
        let mode = Mode::RWXU;
        let source = match reach(source, parent, || root.make_directory(parent, mode)) {
            Ok(source) => source,
            Err(cause) => return unreached(cause),
        };
        let target = match reach(target, far, || root.directory(far)) {
            Ok(target) => Some(target),
            Err(Errno::NOENT) => None,
            Err(cause) => return unreached(cause),
        };
        let archive = target.as_ref().map(|target| open_file(&target.fd, new));
        let back = look_at(&source.fd, name);
        let is_back = back.is_ok_and(|stat| is_content(file, &stat));
        let (archive, target) = match (archive, target) {
            (Some(Ok(archive)), Some(target)) => (archive, target),
            _ if is_back => return Came::Already,
            _ => return Came::LeftAlone("it is neither here nor in its archive".to_owned()),
        };
        if !is_back {
            if back.is_ok() {
                return Came::LeftAlone("another file is at its place".to_owned());
            }
            if let Err(came) = unpacked(&archive, file, &source.fd, name, cancel) {
                return came;
            }
            source.touched = true;
            failpoint::pass("act.half");
        }
        match unlinkat(&target.fd, OsStr::from_bytes(new), AtFlags::empty()) {
            Ok(()) => target.touched = true,
            Err(cause) => return Came::Failed(format!("it is back, and its archive cannot be removed: {cause}")),
        }
        Came::Done
    }
}

/// Whether a file has the size and the time of the frozen one: an unpacked file has another inode.
fn is_content(file: &Frozen, stat: &Stat) -> bool {
    let here = Frozen::of(Vec::new(), stat);
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && (here.size, here.mtime) == (file.size, file.mtime)
}

/// Why the file is missing: an earlier attempt archived it, or another program removed it.
fn gone(root: &Root, file: &Frozen, to: &Name, cancel: &AtomicBool) -> Came {
    let (far, new) = split(&to.0);
    let Ok(open) = root.directory(far).and_then(|directory| open_file(&directory, new)) else {
        return Came::LeftAlone("it is no longer there".to_owned());
    };
    match gz::digest(&open, true, cancel) {
        Ok((length, _)) if length == file.size => Came::Already,
        Ok(_) => Came::LeftAlone(format!("it is no longer there, and {} is another's", to.shown())),
        Err(halt) => halt.into(),
    }
}

/// Creates the archive under its own name, complete and durable; or finds the one of an earlier attempt.
fn packed(open: &File, stat: &Stat, target: &OwnedFd, new: &[u8], to: &Name, cancel: &AtomicBool) -> Result<(), Came> {
    let failed = |cause: Errno| Came::Failed(cause.to_string());
    let should = gz::digest(open, false, cancel)?;
    match open_file(target, new) {
        Err(Errno::NOENT) => {}
        Err(_) => return Err(Came::LeftAlone(format!("{} exists already", to.shown()))),
        Ok(there) => {
            return match gz::digest(&there, true, cancel) {
                Ok(is) if is == should => Ok(()),
                Err(Halt::Stopped) => Err(Came::Stopped),
                _ => Err(Came::LeftAlone(format!("{} exists already", to.shown()))),
            };
        }
    }
    let temporary = part(new);
    let place = OsStr::from_bytes(&temporary);
    let made = make(target, &temporary).map_err(failed).and_then(|made| {
        gz::pack(open, &made, cancel)?;
        let is = gz::digest(&made, true, cancel)?;
        if is != should {
            return Err(Came::LeftAlone(
                "what is in the archive is not what is in the file: it is written to".to_owned(),
            ));
        }
        let attributes = Attributes::of(open).map_err(failed)?;
        settle(&made, Had::of(stat), &attributes)
            .map_err(|why| Came::Failed(format!("the archive cannot be as its file: {why}")))?;
        match renameat_with(target, place, target, OsStr::from_bytes(new), RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(Came::LeftAlone(format!("{} exists already", to.shown()))),
            Err(cause) => Err(failed(cause)),
        }
    });
    if made.is_err() {
        let _ = unlinkat(target, place, AtFlags::empty());
    }
    made
}

/// Creates the file again from its archive, with its time, and with the archive's mode and owner.
fn unpacked(archive: &File, file: &Frozen, source: &OwnedFd, name: &[u8], cancel: &AtomicBool) -> Result<(), Came> {
    let failed = |cause: Errno| Came::Failed(cause.to_string());
    let had = Had::of(&fstat(archive).map_err(failed)?);
    let attributes = Attributes::of(archive).map_err(failed)?;
    let temporary = part(name);
    let place = OsStr::from_bytes(&temporary);
    let made = make(source, &temporary).map_err(failed).and_then(|mut made| {
        gz::copy_out(archive, &mut made, file.sparse, cancel)?;
        let seconds = Timespec { tv_sec: file.mtime.0, tv_nsec: i64::try_from(file.mtime.1).unwrap_or(0) };
        settle(&made, had, &attributes).map_err(Came::Failed)?;
        futimens(&made, &Timestamps { last_access: seconds, last_modification: seconds }).map_err(failed)?;
        if !fstat(&made).is_ok_and(|stat| is_content(file, &stat)) {
            return Err(Came::LeftAlone("its archive holds another file than was frozen".to_owned()));
        }
        match renameat_with(source, place, source, OsStr::from_bytes(name), RenameFlags::NOREPLACE) {
            Ok(()) => fsync(source).map_err(failed),
            Err(Errno::EXIST) => Err(Came::LeftAlone("another file is at its place".to_owned())),
            Err(cause) => Err(failed(cause)),
        }
    });
    if made.is_err() {
        let _ = unlinkat(source, place, AtFlags::empty());
    }
    made
}
