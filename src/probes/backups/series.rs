//! Lists the members of a series: one pass over the directory, a look at a member only where its name says no time, and at the newest.

use crate::domain::error::said;
use crate::domain::glob;
use crate::probes::backups::stamp::{self, Precision};
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
/// A clock may be this far ahead of ours, in seconds.
pub const SKEW: i64 = 300;
/// How far from UTC a name without a zone may be, in seconds.
const ZONES: i64 = 14 * 3600;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// A member that was written to so few seconds ago, and that was not the same before, is still being written.
const SETTLED: i64 = 10;
/// How many files of a member that is a directory are counted.
const FILES: usize = 20_000;
/// How deep a member that is a directory is walked.
const DEPTH: usize = 32;

/// Endings of what lies beside members: checksums and signatures.
const BESIDE: [&str; 9] =
    [".sha256", ".sha256sum", ".sha512", ".sha1", ".md5", ".asc", ".sig", ".minisig", ".sha512sum"];
/// Names of the same.
const SUMS: [&str; 4] = ["SHA256SUMS", "SHA512SUMS", "SHA1SUMS", "MD5SUMS"];
/// Endings of what is not finished.
const UNFINISHED: [&str; 9] =
    [".part", ".partial", ".tmp", ".temp", ".incomplete", ".inprogress", ".filepart", ".swp", "~"];

/// Where a member's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFrom {
    /// Its name.
    Name,
    /// The last change of the file.
    Mtime,
    /// The day, or a moment of an unknown zone, from the name, and the rest from the last change.
    Both,
}

impl TimeFrom {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Mtime => "mtime",
            Self::Both => "name and mtime",
        }
    }
}

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

/// Lists a series, as of `now` in seconds since the epoch. `before` is what the newest members were at the last look, by name.
///
/// # Errors
/// Why the directory cannot be read.
pub fn list(pattern: &str, before: &HashMap<OsString, Identity>, now: i64) -> Result<Series, String> {
    let (directory, pattern) = place(pattern)?;
    let mut sieve = Sieve { now, series: Series::default(), newest: BinaryHeap::new() };
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
            Ok(_) => sieve.take(&directory, pattern, None),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(why(&cause)),
        }
    }
    Ok(sieve.finish(&directory, before))
}

/// Whether a pattern fits a name, or would fit it once it is finished.
fn belongs(pattern: &[u8], name: &[u8]) -> bool {
    let finished =
        |ending: &&str| name.strip_suffix(ending.as_bytes()).is_some_and(|bare| glob::selects(pattern, bare));
    glob::selects(pattern, name) || UNFINISHED.iter().any(finished)
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

/// Makes a series of what a store listed, as of `now` in seconds since the epoch. An object is whole as soon as it is there.
#[must_use]
pub fn of_objects(objects: impl IntoIterator<Item = Stored>, now: i64) -> Series {
    let mut sieve = Sieve { now, series: Series::default(), newest: BinaryHeap::new() };
    let mut members: Vec<Member> = Vec::new();
    for Stored { name, size, changed } in objects {
        let last = name.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
        if !sieve.is_member(&last) {
            continue;
        }
        sieve.series.count += 1;
        let (unix, from) = time(OsStr::from_bytes(&last), changed, now);
        if unix > now + SKEW {
            sieve.future(name);
            continue;
        }
        let identity = Identity { inode: (0, 0), size, changed: (changed, 0) };
        members.push(Member { name, unix, from, identity, is_dir: false, size: Some(size) });
        if members.len() >= 2 * LOOKED_AT {
            newest_first(&mut members);
        }
    }
    newest_first(&mut members);
    members.truncate(KEPT);
    Series { members, ..sieve.series }
}

/// Sorts members, and keeps those that are looked at.
fn newest_first(members: &mut Vec<Member>) {
    members.sort_by(|one, other| (other.unix, &other.name).cmp(&(one.unix, &one.name)));
    members.truncate(LOOKED_AT);
}

/// Keeps the newest of any number of names.
struct Sieve {
    now: i64,
    series: Series,
    /// The oldest of those that are kept is on top.
    newest: BinaryHeap<Reverse<(i64, OsString)>>,
}

impl Sieve {
    /// Whether a name is that of a member; what is not finished is counted.
    fn is_member(&mut self, bytes: &[u8]) -> bool {
        let ends = |endings: &[&str]| endings.iter().any(|ending| bytes.ends_with(ending.as_bytes()));
        if ends(&BESIDE) || SUMS.iter().any(|sums| bytes == sums.as_bytes()) {
            return false;
        }
        let unfinished = ends(&UNFINISHED);
        self.series.unfinished += usize::from(unfinished);
        !unfinished
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
        let unix = match stamp::find(bytes) {
            Some(stamp) => stamp.unix,
            None => {
                let known = match entry.filter(|_| !kind.is_some_and(|kind| kind.is_symlink())) {
                    Some(entry) => entry.metadata(),
                    None => fs::metadata(directory.join(&name)),
                };
                // What has gone since, and a link to nothing, is no backup.
                let Ok(known) = known else { return };
                known.mtime()
            }
        };
        self.series.count += 1;
        if unix > self.now + ZONES + DAY {
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
                    let (unix, from) = time(&name, known.mtime(), self.now);
                    if unix > self.now + SKEW {
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
            Some(known) => *known != member.identity && member.identity.changed.0 > self.now - 3600,
            None => member.identity.changed.0 > self.now - SETTLED,
        }
    }
}

/// When a member was made: by its name, completed by its last change where the name leaves something open.
fn time(name: &OsStr, changed: i64, now: i64) -> (i64, TimeFrom) {
    let Some(stamp) = stamp::find(name.as_bytes()) else { return (changed, TimeFrom::Mtime) };
    let completes = match stamp.precision {
        Precision::Moment => false,
        // Somewhere on earth it was that day when the file was changed.
        Precision::Day => (stamp.unix - ZONES..stamp.unix + DAY + ZONES).contains(&changed) && changed <= now + SKEW,
        // A moment that is still to come here: it was written in a zone that is ahead.
        Precision::Local => {
            (now + SKEW..=now + ZONES).contains(&stamp.unix) && (now - DAY..=now + SKEW).contains(&changed)
        }
    };
    if completes { (changed, TimeFrom::Both) } else { (stamp.unix, TimeFrom::Name) }
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
