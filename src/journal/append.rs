//! The only writer of a journal.
//!
//! A record is folded first, so that an impossible history cannot be written; then written with one call; then synced. A write
//! or a sync that fails ends the appender for good: after a failed sync it is unknown what the disk holds, and trying again
//! would only hide it (PostgreSQL learned that in 2018). What could not be recorded goes to an emergency file in another directory.

use crate::config::plain;
use crate::config::state::team;
use crate::domain::error::{Result, system_text};
use crate::domain::ids::{Digest, Hasher};
use crate::domain::time::Now;
use crate::domain::{Actor, Error, Kind, RunId};
use crate::journal::chain::{Draft, Fault, Verdict, Walk, encode};
use crate::journal::fold::RunView;
use crate::journal::record::{Event, Record, VERSION};
use rustix::fs::{FallocateFlags, Mode, OFlags};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The journal's name in its run directory.
pub const JOURNAL: &str = "journal.jsonl";

/// How many bytes are reserved for the journal, so that an outcome and the seal fit when the disk is full.
pub const RESERVE: u64 = 256 << 10;

/// Below how many bytes the reserve is renewed.
const RENEW_BELOW: u64 = RESERVE / 2;

/// The name of the emergency file in the second directory.
pub const EMERGENCY: &str = "emergency.jsonl";

/// Appends records to one journal.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    dir: OwnedFd,
    file: File,
    view: RunView,
    /// The journal's length in bytes: all of them records.
    len: u64,
    /// The end of the reserved space, in bytes of the file; `None` where the file system cannot reserve any.
    reserved: Option<u64>,
    /// Why nothing more is written.
    broken: Option<Error>,
    emergency: Option<PathBuf>,
}

impl Appender {
    /// Creates the journal of a run in its directory, with its first record, durably.
    ///
    /// The creator of the directory makes its name durable. `emergency` is a second directory, on another file system
    /// if there is one.
    ///
    /// # Errors
    /// When there is a journal already, the event is not `run.created`, or the disk does not take it.
    pub fn create(
        dir: &Path,
        run: &RunId,
        created: Event,
        actor: Actor,
        now: Now,
        emergency: Option<&Path>,
    ) -> Result<(Self, Record)> {
        let path = dir.join(JOURNAL);
        let failed = |cause: &dyn std::fmt::Display| cannot("create", &path, cause);
        let prev = Digest::zero();
        let draft = Draft { seq: 1, run, wall: now.wall, boot: now.boot, actor: &actor, event: &created, prev: &prev };
        let (line, h) = encode(&draft).map_err(|Fault(why)| failed(&why))?;
        let record =
            Record { seq: 1, run: run.clone(), wall: now.wall, boot: now.boot, actor, event: created, prev, h };
        let view = RunView::begin(&record).map_err(|why| failed(&why.0))?;
        let dir = open_dir(dir)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | JOURNAL_FLAGS;
        let file = rustix::fs::openat(&dir, JOURNAL, flags, Mode::RUSR | Mode::WUSR).map_err(|cause| failed(&cause))?;
        let emergency = emergency.map(Path::to_path_buf);
        let (file, len) = (File::from(file), 0);
        team::share(&file, path.parent().unwrap_or(&path), 0o640).map_err(|cause| failed(&cause))?;
        let mut appender = Self { path, dir, file, view, len, reserved: Some(0), broken: None, emergency };
        appender.renew().map_err(|cause| cannot("reserve space for", &appender.path, &cause))?;
        appender.write(&line, &record)?;
        rustix::fs::fsync(&appender.dir).map_err(|cause| appender.give_up("sync the directory of", &cause, &line))?;
        Ok((appender, record))
    }

    /// Opens the journal of a run to go on with it.
    ///
    /// A torn end is cut off only by the holder of the run's lock: it is first saved beside the journal as `torn-<n>`, and the
    /// cut is recorded.
    ///
    /// # Errors
    /// [`Kind::Damaged`] with the place where the journal does not chain, or with what is there instead of it; [`Kind::Refused`] when a newer program wrote it, when
    /// it is torn and the lock is not held, or when it is sealed or empty; [`Kind::Journal`] when it cannot be written.
    pub fn open(dir: &Path, lock_held: bool, actor: Actor, now: Now, emergency: Option<&Path>) -> Result<Self> {
        let path = dir.join(JOURNAL);
        // Before anything is opened for writing: it may be a FIFO.
        if let Err(cause) = plain::open(&path).map(drop)
            && plain::is_odd(&cause)
        {
            return Err(plain::unreadable(&path, &cause));
        }
        let dir = open_dir(dir)?;
        let file = rustix::fs::openat(&dir, JOURNAL, OFlags::RDWR | JOURNAL_FLAGS, Mode::empty())
            .map_err(|cause| cannot("open", &path, &cause))?;
        let file = File::from(file);
        let mut walk = Walk::default();
        let read = walk.all(BufReader::with_capacity(256 << 10, &file), drop);
        let (len, verdict) = read.map_err(|cause| cannot("read", &path, &cause))?;
        let refused = |why: String| Error::new(Kind::Refused, format!("cannot go on with {}: {why}", path.display()));
        if let Verdict::Damaged { .. } = verdict {
            return Err(refused(format!("it is {verdict}")).of_kind(Kind::Damaged));
        }
        if walk.newest() > VERSION {
            return Err(refused("a newer midwatch wrote it".to_owned()).hint("go on with that version"));
        }
        let Some(view) = walk.into_view() else { return Err(refused("it has no record".to_owned())) };
        if view.sealed.is_some() {
            return Err(refused("its run is over".to_owned()));
        }
        let emergency = emergency.map(Path::to_path_buf);
        let mut appender = Self { path, dir, file, view, len, reserved: Some(0), broken: None, emergency };
        if let Verdict::Torn { at, bytes } = verdict {
            if !lock_held {
                let why = format!("it is {verdict}, and only the holder of the run's lock may cut that off");
                return Err(Error::new(Kind::Refused, format!("cannot go on with {}: {why}", appender.path.display())));
            }
            appender.cut_off(at, bytes).map_err(|cause| cannot("cut the torn end off", &appender.path, &cause))?;
        }
        let cut = if lock_held { appender.unrecorded_cut() } else { Ok(None) };
        if let Some(event) = cut.map_err(|cause| cannot("read what was cut off", &appender.path, &cause))? {
            appender.append(event, actor, now)?;
        }
        // Without its reserve the journal still works; `is_low` reports it.
        let _ = appender.renew();
        Ok(appender)
    }

    /// The name under which a torn end is saved: after the record that was due there.
    fn torn_name(&self) -> String {
        format!("torn-{}", self.view.seq.saturating_add(1))
    }

    /// Saves the torn end durably, then cuts it off durably.
    fn cut_off(&self, at: u64, bytes: u64) -> io::Result<()> {
        // An earlier recovery may have ended before the cut; then what it saved was the same end.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let copy = rustix::fs::openat(&self.dir, self.torn_name(), flags, Mode::RUSR | Mode::WUSR)?;
        let mut copy = File::from(copy);
        let mut torn = &self.file;
        torn.seek(SeekFrom::Start(at))?;
        io::copy(&mut torn.take(bytes), &mut copy)?;
        copy.sync_all()?;
        rustix::fs::fsync(&self.dir)?;
        rustix::fs::ftruncate(&self.file, at)?;
        rustix::fs::fsync(&self.file)?;
        Ok(())
    }

    /// The cut that is not recorded yet: now, or by a recovery that ended before it could record it.
    fn unrecorded_cut(&self) -> io::Result<Option<Event>> {
        let saved = self.torn_name();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let copy = match rustix::fs::openat(&self.dir, &saved, flags, Mode::empty()) {
            Ok(copy) => File::from(copy),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(cause.into()),
        };
        let mut hasher = Hasher::default();
        let mut copy = BufReader::with_capacity(64 << 10, copy);
        let mut bytes = 0;
        loop {
            let piece = copy.fill_buf()?;
            if piece.is_empty() {
                return Ok(Some(Event::JournalRecovered { bytes, digest: hasher.finish(), saved }));
            }
            hasher.update(piece);
            let taken = piece.len();
            bytes += taken as u64;
            copy.consume(taken);
        }
    }

    /// Appends an event, and returns when it is durable.
    ///
    /// # Errors
    /// [`Kind::Machine`] when the event cannot follow what came before, or is too large: nothing was written, and another
    /// event can be appended. [`Kind::Journal`] when the disk did not take it: nothing will be written any more.
    pub fn append(&mut self, event: Event, actor: Actor, now: Now) -> Result<Record> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        let (run, seq, prev) = (self.view.id.clone(), self.view.seq.saturating_add(1), self.view.head.clone());
        let draft = Draft { seq, run: &run, wall: now.wall, boot: now.boot, actor: &actor, event: &event, prev: &prev };
        let doing = format!("append {} to {}", event.kind(), self.path.display());
        let (line, h) = encode(&draft).map_err(|Fault(why)| Error::machine(&doing, why))?;
        let record = Record { seq, run, wall: now.wall, boot: now.boot, actor, event, prev, h };
        self.view.apply(&record).map_err(|why| Error::machine(&doing, why.0))?;
        self.write(&line, &record)?;
        Ok(record)
    }

    /// Writes and syncs one line.
    fn write(&mut self, line: &[u8], record: &Record) -> Result<()> {
        self.check_file().map_err(|why| self.give_up("append to", &why, line))?;
        let wanted = line.len() as u64;
        match write_once(&self.file, line) {
            Ok(written) if written == line.len() => {}
            Ok(written) => {
                let why = format!("{written} of {wanted} bytes of record {} were taken", record.seq);
                return Err(self.remove_line(&why, line));
            }
            Err(cause) => return Err(self.remove_line(&cause, line)),
        }
        rustix::fs::fdatasync(&self.file).map_err(|cause| self.give_up("sync", &cause, line))?;
        self.len += wanted;
        // Without its reserve the journal still works; the runner asks before it destroys anything.
        let _ = self.renew();
        Ok(())
    }

    /// Looks whether the journal can still be added to, for a run that waits and writes nothing.
    ///
    /// # Errors
    /// [`Kind::Journal`] when its directory was removed or another program changed it: nothing will be written any more.
    pub fn confirm(&mut self) -> Result<()> {
        self.check_file().map_err(|why| self.give_up("append to", &why, b""))
    }

    /// Whether the file is still ours: linked, and as long as we left it.
    fn check_file(&self) -> std::result::Result<(), String> {
        let stat = rustix::fs::fstat(&self.file).map_err(system_text)?;
        if stat.st_nlink == 0 {
            return Err("the run directory was removed".to_owned());
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if size != self.len {
            return Err(format!("another program changed it: it has {size} bytes, and {} were written", self.len));
        }
        Ok(())
    }

    /// After a short or failed write: cuts the file back to its last whole record, then gives up.
    fn remove_line(&mut self, cause: &dyn std::fmt::Display, line: &[u8]) -> Error {
        let cut = rustix::fs::ftruncate(&self.file, self.len).and_then(|()| rustix::fs::fdatasync(&self.file));
        match cut {
            Ok(()) => self.give_up("append to", cause, line),
            Err(second) => self.give_up("append to", &format!("{cause}; and cutting it back: {second}"), line),
        }
    }

    /// Ends this appender, and writes the record that is lost to the emergency file.
    fn give_up(&mut self, doing: &str, cause: &dyn std::fmt::Display, line: &[u8]) -> Error {
        let mut error = cannot(doing, &self.path, cause);
        if let Some(dir) = &self.emergency {
            let place = dir.join(EMERGENCY);
            error = match note_emergency(&place, &self.view, &error.message, line) {
                Ok(()) => error.hint(format!("the record that could not be written is in {}", place.display())),
                Err(second) => error.hint(format!("{} could not be written either: {second}", place.display())),
            };
        }
        self.broken = Some(error.clone());
        error
    }

    /// Reserves space again when less than half is left.
    fn renew(&mut self) -> io::Result<()> {
        let Some(reserved) = self.reserved.filter(|reserved| reserved.saturating_sub(self.len) < RENEW_BELOW) else {
            return Ok(());
        };
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.len, RESERVE) {
            Ok(()) => self.reserved = Some(self.len + RESERVE),
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.reserved = None,
            Err(cause) => {
                self.reserved = Some(reserved);
                return Err(cause.into());
            }
        }
        Ok(())
    }

    /// How many bytes are still reserved for the journal; `None` where the file system cannot. When less than
    /// half of [`RESERVE`] is left, the disk is full: outcomes, abort and seal still fit, nothing new should be destroyed.
    #[must_use]
    pub fn reserve(&self) -> Option<u64> {
        self.reserved.map(|reserved| reserved.saturating_sub(self.len))
    }

    /// Whether so little is reserved, on a file system that can reserve, that no new destructive step should start.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.reserve().is_some_and(|left| left < RENEW_BELOW)
    }

    /// The run as computed from its journal; after a failed write, with the record that is lost.
    #[must_use]
    pub fn view(&self) -> &RunView {
        &self.view
    }

    /// Why nothing more is written, once a write or a sync has failed.
    #[must_use]
    pub fn broken(&self) -> Option<&Error> {
        self.broken.as_ref()
    }

    /// Where the journal is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// How a journal is opened, by its writer and by readers.
const JOURNAL_FLAGS: OFlags = OFlags::APPEND.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK);

/// An error of the journal: "cannot `doing` `path`: `cause`".
fn cannot(doing: &str, path: &Path, cause: &dyn std::fmt::Display) -> Error {
    Error::machine(format_args!("{doing} {}", path.display()), cause).of_kind(Kind::Journal)
}

/// Opens a directory to reach its files through it, whatever its name becomes.
fn open_dir(dir: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(dir, flags, Mode::empty()).map_err(|cause| cannot("open the directory", dir, &cause))
}

/// Writes with one call; again only when a signal came before the first byte.
fn write_once(file: &File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(file, bytes) {
            Err(rustix::io::Errno::INTR) => {}
            other => return other.map_err(io::Error::from),
        }
    }
}

/// Appends to the emergency file which record of which run was lost, and why.
fn note_emergency(place: &Path, view: &RunView, why: &str, line: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut file = File::from(rustix::fs::open(place, flags, Mode::RUSR | Mode::WUSR)?);
    let lost = String::from_utf8_lossy(line);
    let entry = serde_json::json!({ "lost": lost.trim_end(), "run": view.id, "why": why });
    file.write_all(format!("{entry}\n").as_bytes())?;
    file.sync_all()
}

/// What a file system has left for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// Bytes that an ordinary user may still take.
    pub bytes: u64,
    /// Files that may still be made; `None` where the file system does not count them.
    pub files: Option<u64>,
}

/// Reads what the file system of a path has left.
///
/// # Errors
/// When the path cannot be looked at.
pub fn free_space(path: &Path) -> Result<Free> {
    let stat = rustix::fs::statvfs(path)
        .map_err(|cause| Error::machine(format_args!("read the free space of {}", path.display()), cause))?;
    let bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
    Ok(Free { bytes, files: (stat.f_files > 0).then_some(stat.f_favail) })
}

#[cfg(test)]
mod tests;
