//! Lists the members of a series: one skip the directory, a look at a member only where its name says no time, and at the newest.

mod stored;

pub use stored::{Stored, of_objects};

use crate::domain::glob;
use crate::probes::backups::contents;
use crate::probes::backups::inside::{self, Inside};
use crate::probes::backups::kind::{self, Around, Kind};
use crate::probes::backups::lines::Kept;
use crate::probes::backups::unread::{Unread, why};
use crate::probes::backups::when::{self, Clock, SKEW, TimeFrom};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How many of the newest are looked at.
const LOOKED_AT: usize = 256;
/// How many of the newest of each shape are kept, for the history of sizes and distances.
pub const KEPT: usize = 30;
/// A member that was written to so few seconds ago, and that was not the same before, is still being written.
const SETTLED: i64 = 10;

/// What makes a file the same as before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Device and inode.
    pub inode: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// The last change, in seconds and nanoseconds.
    pub changed: (i64, i64),
}

impl Identity {
    /// That of a file.
    #[must_use]
    pub fn of(known: &Metadata) -> Self {
        Self { inode: (known.dev(), known.ino()), size: known.len(), changed: (known.mtime(), known.mtime_nsec()) }
    }
}

/// One backup.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name in its directory.
    pub name: OsString,
    /// When it was made, in seconds since the epoch; the earliest it may have been.
    pub unix: i64,
    /// How that is known.
    pub from: TimeFrom,
    /// What it is; a directory's size is that of what is in it, where that could be counted.
    pub identity: Identity,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Its bytes; `None` of a directory of too many files, or of one that cannot be read.
    pub size: Option<u64>,
    /// What of a directory cannot be read, so that what it is is not known.
    pub unread: Option<Unread>,
    /// What in a directory cannot be read, so that its size is not known.
    pub uncounted: Option<Unread>,
}

impl Member {
    /// The latest that it may have been made, in seconds since the epoch.
    #[must_use]
    pub fn latest(&self) -> i64 {
        if self.from == TimeFrom::Either { self.identity.changed.0 } else { self.unix }
    }
}

/// A series as it lies there.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The newest members, newest first, none of them from the future.
    pub members: Vec<Member>,
    /// How many members there are.
    pub count: usize,
    /// How many of them are dated in the future, with the name of one.
    pub future: (usize, Option<OsString>),
    /// How many more are not finished: by their names, or because they still grow.
    pub unfinished: usize,
    /// How many of these still grow.
    pub growing: usize,
    /// When those that failed were made, in seconds since the epoch.
    pub failed: Vec<i64>,
    /// How many lie beside members: checksums, logs, notes.
    pub beside: usize,
    /// One that lies there, of which nothing can be known.
    pub unread: Option<Unread>,
    /// A dump that a directory lacks and those before it have, by the name of the directory.
    pub lacking: HashMap<OsString, String>,
    /// What the newest are, those that grow included, for the next look.
    pub looked_at: HashMap<OsString, Identity>,
}

/// A series' place: its directory, and the pattern of its members' names.
pub fn place(pattern: &str) -> Result<(PathBuf, OsString), String> {
    let path = Path::new(pattern);
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(format!("{pattern} names no files"));
    };
    Ok((directory.to_owned(), name.to_owned()))
}

/// Lists a series, as of a moment. `before` is what the newest members were at the last look, by name.
///
/// # Errors
/// Why the directory cannot be read.
pub fn list(pattern: &str, before: &HashMap<OsString, Identity>, clock: &Clock) -> Result<Series, String> {
    let (directory, pattern) = place(pattern)?;
    let mut sieve = Sieve::of(&pattern, clock);
    if pattern.as_bytes().iter().any(|byte| matches!(byte, b'*' | b'?')) {
        for entry in counted(|| fs::read_dir(&directory)).map_err(|cause| lost(&directory, &cause))? {
            let entry = entry.map_err(|cause| lost(&directory, &cause))?;
            let name = entry.file_name();
            if belongs(pattern.as_bytes(), name.as_bytes()) {
                sieve.take(&directory, name, Some(&entry));
            }
        }
    } else {
        fs::metadata(&directory).map_err(|cause| lost(&directory, &cause))?;
        match fs::symlink_metadata(directory.join(&pattern)) {
            Ok(_) => sieve.take(&directory, pattern.clone(), None),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(lost(&directory.join(&pattern), &cause)),
        }
    }
    Ok(sieve.finish(&directory, before))
}

/// Asks the file system; a test counts how often.
fn counted<T>(ask: impl FnOnce() -> T) -> T {
    #[cfg(test)]
    super::tests::ASKED.set(super::tests::ASKED.get() + 1);
    ask()
}

/// Whether a pattern fits a name, or would fit it once it is finished.
fn belongs(pattern: &[u8], name: &[u8]) -> bool {
    glob::selects(pattern, name) || kind::finished(name).is_some_and(|bare| glob::selects(pattern, bare))
}

/// Why a directory cannot be listed, with the command that grants the right to.
fn lost(directory: &Path, cause: &io::Error) -> String {
    let Some(unread) = Unread::of(directory, cause) else { return why(cause) };
    unread.remedy().map_or_else(|| unread.why().to_owned(), |remedy| format!("{}; {remedy}", unread.why()))
}

/// Sorts members, and keeps those that are looked at.
fn newest_first(members: &mut Vec<Member>) {
    members.sort_by(|one, other| (other.unix, &other.name).cmp(&(one.unix, &one.name)));
    members.truncate(LOOKED_AT);
}

/// Keeps the newest of any number of names.
struct Sieve<'a> {
    clock: &'a Clock,
    pattern: &'a OsStr,
    series: Series,
    around: Around,
    /// The oldest of those that are kept is on top.
    newest: BinaryHeap<Reverse<(i64, OsString)>>,
}

impl<'a> Sieve<'a> {
    fn of(pattern: &'a OsStr, clock: &'a Clock) -> Self {
        Self { clock, pattern, series: Series::default(), around: Around::default(), newest: BinaryHeap::new() }
    }

    /// Whether a kind is that of a member; all others are counted. `time` is asked for when the backup was made.
    fn is_member(&mut self, kind: Kind, time: impl FnOnce() -> Option<i64>) -> bool {
        match kind {
            Kind::Member => return true,
            Kind::Beside => self.series.beside += 1,
            Kind::Unfinished => self.series.unfinished += 1,
            Kind::Failed => self.series.failed.push(time().unwrap_or(i64::MIN)),
        }
        false
    }

    fn take(&mut self, directory: &Path, name: OsString, entry: Option<&DirEntry>) {
        let bytes = name.as_bytes();
        let (clock, path) = (self.clock, directory.join(&name));
        let file_type = entry.and_then(|entry| entry.file_type().ok());
        let is_link = file_type.is_none_or(|kind| kind.is_symlink());
        let is_dir = if is_link { path.is_dir() } else { file_type.is_some_and(|kind| kind.is_dir()) };
        let pattern = self.pattern.as_bytes();
        let kind = if is_dir { kind::of_directory(bytes, pattern) } else { kind::of(bytes, pattern) };
        self.around.note(bytes);
        let time =
            || counted(|| fs::metadata(&path)).ok().map(|known| when::time(bytes, known.mtime(), is_dir, clock).0);
        if !self.is_member(kind, time) {
            return;
        }
        if file_type.is_some_and(|kind| !kind.is_file() && !kind.is_dir() && !kind.is_symlink()) {
            return;
        }
        let unix = match when::guess(bytes, self.clock) {
            Some(unix) => unix,
            None => {
                let known = match entry.filter(|_| !is_link) {
                    Some(entry) => counted(|| entry.metadata()),
                    None => counted(|| fs::metadata(&path)),
                };
                // What has gone since, and a link to nothing, is no backup.
                let known = match known {
                    Ok(known) => known,
                    Err(cause) => return self.unread(&path, &cause),
                };
                when::time(bytes, known.mtime(), known.is_dir(), self.clock).0
            }
        };
        self.series.count += 1;
        if unix > self.clock.now + SKEW {
            self.future(name);
            return;
        }
        let oldest = self.newest.peek().map(|Reverse((unix, _))| *unix);
        if self.newest.len() < LOOKED_AT || oldest.is_some_and(|oldest| unix > oldest) {
            self.newest.push(Reverse((unix, name)));
        }
        if self.newest.len() > LOOKED_AT {
            self.newest.pop();
        }
    }

    fn future(&mut self, name: OsString) {
        self.series.future.0 += 1;
        self.series.future.1 = Some(name);
    }

    /// Notes what lies there and cannot be looked at.
    fn unread(&mut self, path: &Path, cause: &io::Error) {
        self.series.unread = Unread::of(path, cause).or(self.series.unread.take());
    }

    /// Looks at what was kept.
    fn finish(mut self, directory: &Path, before: &HashMap<OsString, Identity>) -> Series {
        let kept: Vec<OsString> = std::mem::take(&mut self.newest).into_iter().map(|Reverse((_, name))| name).collect();
        let mut members: Vec<Member> = Vec::with_capacity(kept.len());
        for name in kept {
            match counted(|| fs::metadata(directory.join(&name))) {
                Ok(known) if known.is_file() || known.is_dir() => {
                    let (unix, from) = when::time(name.as_bytes(), known.mtime(), known.is_dir(), self.clock);
                    if unix > self.clock.now + SKEW {
                        self.future(name);
                        continue;
                    }
                    let size = known.is_file().then_some(known.len());
                    members.push(Member {
                        name,
                        unix,
                        from,
                        identity: Identity::of(&known),
                        is_dir: known.is_dir(),
                        size,
                        unread: None,
                        uncounted: None,
                    });
                }
                Err(cause) => {
                    self.unread(&directory.join(&name), &cause);
                    self.series.count = self.series.count.saturating_sub(1);
                }
                Ok(_) => self.series.count = self.series.count.saturating_sub(1),
            }
        }
        self.leave_out_by_the_others(&mut members);
        if self.around.is_repository() {
            // Snapshots that are forgotten change their directory too.
            for member in members.iter_mut().filter(|member| member.name.as_bytes() == kind::SNAPSHOTS) {
                match inside::newest(&directory.join(&member.name)) {
                    Ok(newest) => member.unix = newest.unwrap_or(member.unix),
                    Err(unread) => member.unread = Some(unread),
                }
            }
        }
        when::settle(&mut members, self.clock);
        members.sort_by(|one, other| (other.unix, &other.name).cmp(&(one.unix, &one.name)));
        self.leave_out_links(directory, &mut members);
        self.series.looked_at = members.iter().map(|member| (member.name.clone(), member.identity.clone())).collect();
        self.keep(directory, members, before);
        self.series
    }

    /// Keeps the newest that are finished.
    fn keep(&mut self, directory: &Path, members: Vec<Member>, before: &HashMap<OsString, Identity>) {
        let mut budget = inside::FILES;
        let mut kept = Kept::default();
        for mut member in members {
            if !kept.has_room(&member) {
                continue;
            }
            let is_growing = self.grows(&member, before);
            let inside = (!is_growing && member.is_dir)
                .then(|| inside::look(&directory.join(&member.name), self.clock, &mut budget));
            let is_done = !matches!(inside, Some(Inside::Failed | Inside::Unfinished));
            match inside {
                Some(Inside::Backup { size, newest, uncounted }) => {
                    (member.size, member.uncounted) = (size, uncounted);
                    if let Some(newest) = newest.filter(|_| member.from == TimeFrom::Mtime) {
                        member.unix = member.unix.min(newest);
                    }
                }
                Some(Inside::Unread(unread)) => member.unread = Some(unread),
                Some(Inside::Failed) => self.series.failed.push(member.unix),
                Some(Inside::Unfinished) => self.series.unfinished += 1,
                None if is_growing => {
                    self.series.unfinished += 1;
                    self.series.growing += 1;
                }
                None => {}
            }
            if is_growing || !is_done {
                self.series.count = self.series.count.saturating_sub(1);
            } else {
                kept.add(&member);
                self.series.members.push(member);
            }
        }
        newest_first(&mut self.series.members);
        let lacks = contents::compare(directory, &self.series.members);
        self.series.members.retain(|member| !lacks.unfinished.contains(&member.name));
        self.series.unfinished += lacks.unfinished.len();
        self.series.count = self.series.count.saturating_sub(lacks.unfinished.len());
        self.series.lacking = lacks.dumps;
    }

    /// Leaves out what is no backup beside the others: descriptions, parts of a repository, sets without their list.
    fn leave_out_by_the_others(&mut self, members: &mut Vec<Member>) {
        let before = members.len();
        let around = &self.around;
        let (mut beside, mut unfinished) = (0, 0);
        members.retain(|member| {
            let kind = around.of(member.name.as_bytes());
            beside += usize::from(kind == Kind::Beside);
            unfinished += usize::from(kind == Kind::Unfinished);
            kind == Kind::Member
        });
        let names: Vec<&[u8]> = members.iter().map(|member| member.name.as_bytes()).collect();
        let mut describes = kind::descriptions(&names, self.pattern.as_bytes()).into_iter();
        members.retain(|_| {
            let describes = describes.next().unwrap_or(false);
            beside += usize::from(describes);
            !describes
        });
        let names: Vec<&[u8]> = members.iter().map(|member| member.name.as_bytes()).collect();
        let mut kinds = kind::companions(&names, self.pattern.as_bytes()).into_iter();
        members.retain(|_| {
            let kind = kinds.next().unwrap_or(Kind::Member);
            beside += usize::from(kind == Kind::Beside);
            unfinished += usize::from(kind == Kind::Unfinished);
            kind == Kind::Member
        });
        self.series.beside += beside;
        self.series.unfinished += unfinished;
        self.series.count = self.series.count.saturating_sub(before - members.len());
    }

    /// Leaves out each link to a member that is there by its own name: `latest`.
    fn leave_out_links(&mut self, directory: &Path, members: &mut Vec<Member>) {
        let is_link = |member: &Member| {
            counted(|| fs::symlink_metadata(directory.join(&member.name)))
                .is_ok_and(|known| known.file_type().is_symlink())
        };
        let (links, mut own): (Vec<Member>, Vec<Member>) = members.drain(..).partition(is_link);
        for link in links {
            if own.iter().any(|member| member.identity.inode == link.identity.inode) {
                self.series.count = self.series.count.saturating_sub(1);
            } else {
                own.push(link);
            }
        }
        own.sort_by(|one, other| (other.unix, &other.name).cmp(&(one.unix, &one.name)));
        *members = own;
    }

    fn grows(&self, member: &Member, before: &HashMap<OsString, Identity>) -> bool {
        match before.get(&member.name) {
            Some(known) => *known != member.identity && member.identity.changed.0 > self.clock.now - 3600,
            None => member.identity.changed.0 > self.clock.now - SETTLED,
        }
    }
}
