//! Lists the members of a series: one pass over the directory, a look at a member only where its name says no time, and at the newest.

use crate::domain::error::said;
use crate::domain::glob;
use crate::probes::backups::kind::{self, Kind};
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
/// How many of the newest are kept, for the history of sizes and distances.
pub const KEPT: usize = 30;
/// Two files of one set are copied within this many seconds.
const ONE_COPY: i64 = 86_400;
/// A member that was written to so few seconds ago, and that was not the same before, is still being written.
const SETTLED: i64 = 10;
/// How many files of a member that is a directory are counted.
const FILES: usize = 20_000;
/// How deep a member that is a directory is walked.
const DEPTH: usize = 32;

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
    /// When it was made, in seconds since the epoch.
    pub unix: i64,
    /// How that is known.
    pub from: TimeFrom,
    /// What it is; a directory's size is that of what is in it, where that could be counted.
    pub identity: Identity,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Its bytes; `None` of a directory of too many files.
    pub size: Option<u64>,
}

/// A series as it lies there.
#[derive(Debug, Default)]
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
    /// How many lie beside members: checksums, logs, notes.
    pub beside: usize,
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
    let mut sieve = Sieve { clock, pattern: &pattern, series: Series::default(), newest: BinaryHeap::new() };
    if pattern.as_bytes().iter().any(|byte| matches!(byte, b'*' | b'?')) {
        for entry in fs::read_dir(&directory).map_err(|cause| why(&cause))? {
            let entry = entry.map_err(|cause| why(&cause))?;
            let name = entry.file_name();
            if belongs(pattern.as_bytes(), name.as_bytes()) {
                sieve.take(&directory, name, Some(&entry));
            }
        }
    } else {
        fs::metadata(&directory).map_err(|cause| why(&cause))?;
        match fs::symlink_metadata(directory.join(&pattern)) {
            Ok(_) => sieve.take(&directory, pattern.clone(), None),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(why(&cause)),
        }
    }
    Ok(sieve.finish(&directory, before))
}

/// Whether a pattern fits a name, or would fit it once it is finished.
fn belongs(pattern: &[u8], name: &[u8]) -> bool {
    glob::selects(pattern, name) || kind::finished(name).is_some_and(|bare| glob::selects(pattern, bare))
}

/// What the system said, in a few words.
pub fn why(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => "no such directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        _ => said(cause),
    }
}

/// One object of a store: its key below the prefix, its size in bytes, and its last change in seconds since the epoch.
pub struct Stored {
    /// The key below the prefix.
    pub name: OsString,
    /// Bytes.
    pub size: u64,
    /// The last change.
    pub changed: i64,
}

/// Makes a series of what a store listed, as of a moment; `pattern` is that of the names, or empty. An object is whole as soon as it
/// is there. What a console shows as a folder is an empty object whose key ends in `/`; it is no member.
#[must_use]
pub fn of_objects(objects: impl IntoIterator<Item = Stored>, pattern: &str, clock: &Clock) -> Series {
    let pattern = OsString::from(pattern);
    let mut sieve = Sieve { clock, pattern: &pattern, series: Series::default(), newest: BinaryHeap::new() };
    let mut members: Vec<Member> = Vec::new();
    for Stored { name, size, changed } in objects {
        let last = name.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
        // A folder of a console, and what a program keeps for itself: `.keep`.
        if last.is_empty() || last.starts_with(b".") || !sieve.is_member(&last) {
            continue;
        }
        sieve.series.count += 1;
        let (unix, from) = when::time(&last, changed, false, clock);
        if unix > clock.now + SKEW {
            sieve.future(name);
            continue;
        }
        let identity = Identity { inode: (0, 0), size, changed: (changed, 0) };
        members.push(Member { name, unix, from, identity, is_dir: false, size: Some(size) });
        if members.len() >= 2 * LOOKED_AT {
            newest_first(&mut members);
        }
    }
    sieve.leave_out_descriptions(&mut members);
    believe_the_last_change(&mut members);
    newest_first(&mut members);
    members.truncate(KEPT);
    Series { members, ..sieve.series }
}

/// Takes the last change of each member whose name says the same day as that of another one, where both contradict their last changes:
/// it is a number and no time. What is copied lately is copied at once.
fn believe_the_last_change(members: &mut [Member]) {
    let doubted: Vec<(i64, i64)> = members
        .iter()
        .filter(|member| member.from == TimeFrom::Doubted)
        .map(|member| (member.unix, member.identity.changed.0))
        .collect();
    for member in members.iter_mut().filter(|member| member.from == TimeFrom::Doubted) {
        let (own, changed) = (member.unix, member.identity.changed.0);
        if doubted.iter().any(|(unix, other)| *unix == own && (other - changed).abs() > ONE_COPY) {
            (member.unix, member.from) = (changed, TimeFrom::Mtime);
        }
    }
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
    /// The oldest of those that are kept is on top.
    newest: BinaryHeap<Reverse<(i64, OsString)>>,
}

impl Sieve<'_> {
    /// Whether a name is that of a member; what is not finished, and what lies beside members, is counted.
    fn is_member(&mut self, name: &[u8]) -> bool {
        let kind = kind::of(name, self.pattern.as_bytes());
        self.series.unfinished += usize::from(kind == Kind::Unfinished);
        self.series.beside += usize::from(kind == Kind::Beside);
        kind == Kind::Member
    }

    fn take(&mut self, directory: &Path, name: OsString, entry: Option<&DirEntry>) {
        if !self.is_member(name.as_bytes()) {
            return;
        }
        let bytes = name.as_bytes();
        let kind = entry.and_then(|entry| entry.file_type().ok());
        if kind.is_some_and(|kind| !kind.is_file() && !kind.is_dir() && !kind.is_symlink()) {
            return;
        }
        let unix = match when::guess(bytes, self.clock) {
            Some(unix) => unix,
            None => {
                let known = match entry.filter(|_| !kind.is_some_and(|kind| kind.is_symlink())) {
                    Some(entry) => entry.metadata(),
                    None => fs::metadata(directory.join(&name)),
                };
                // What has gone since, and a link to nothing, is no backup.
                let Ok(known) = known else { return };
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

    /// Looks at what was kept.
    fn finish(mut self, directory: &Path, before: &HashMap<OsString, Identity>) -> Series {
        let kept: Vec<OsString> = std::mem::take(&mut self.newest).into_iter().map(|Reverse((_, name))| name).collect();
        let mut members: Vec<Member> = Vec::with_capacity(kept.len());
        for name in kept {
            match fs::metadata(directory.join(&name)) {
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
                    });
                }
                _ => self.series.count = self.series.count.saturating_sub(1),
            }
        }
        self.leave_out_descriptions(&mut members);
        believe_the_last_change(&mut members);
        members.sort_by(|one, other| (other.unix, &other.name).cmp(&(one.unix, &one.name)));
        self.leave_out_links(directory, &mut members);
        self.series.looked_at =
            members.iter().take(KEPT).map(|member| (member.name.clone(), member.identity.clone())).collect();
        while let Some(growing) = members.iter().position(|member| self.grows(member, before)) {
            members.remove(growing);
            self.series.count = self.series.count.saturating_sub(1);
            self.series.unfinished += 1;
            self.series.growing += 1;
        }
        members.truncate(KEPT);
        let mut budget = FILES;
        for member in members.iter_mut().filter(|member| member.is_dir) {
            member.size = size_of(&directory.join(&member.name), DEPTH, &mut budget).ok();
        }
        self.series.members = members;
        self.series
    }

    /// Leaves out what only describes a member.
    fn leave_out_descriptions(&mut self, members: &mut Vec<Member>) {
        let names: Vec<OsString> = members.iter().map(|member| member.name.clone()).collect();
        let pattern = self.pattern.as_bytes();
        let before = members.len();
        members.retain(|member| {
            !kind::describes(member.name.as_bytes(), pattern, names.iter().map(|name| name.as_bytes()))
        });
        let beside = before - members.len();
        self.series.beside += beside;
        self.series.count = self.series.count.saturating_sub(beside);
    }

    /// Leaves out each link to a member that is there by its own name: `latest`.
    fn leave_out_links(&mut self, directory: &Path, members: &mut Vec<Member>) {
        let is_link = |member: &Member| {
            fs::symlink_metadata(directory.join(&member.name)).is_ok_and(|known| known.file_type().is_symlink())
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

/// The bytes of all files in a directory.
///
/// # Errors
/// There are too many of them, or they cannot be read.
fn size_of(directory: &Path, depth: usize, budget: &mut usize) -> io::Result<u64> {
    let too_many = || io::Error::other("too many files");
    let mut sum = 0_u64;
    for entry in fs::read_dir(directory)? {
        *budget = budget.checked_sub(1).ok_or_else(too_many)?;
        let entry = entry?;
        let known = entry.metadata()?;
        sum = sum.saturating_add(match known.is_dir() {
            true => size_of(&entry.path(), depth.checked_sub(1).ok_or_else(too_many)?, budget)?,
            false => known.len(),
        });
    }
    Ok(sum)
}
