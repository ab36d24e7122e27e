//! Looks into a directory that is a backup: how large it is, and whether its program finished it.
//!
//! | it holds | it is |
//! |---|---|
//! | nothing but logs, lists and what is not finished | not finished |
//! | what its program leaves only until it is done (`ENDS`), or a `backup.info` of Barman that says so | not finished |
//! | a `backup.info` of Barman that says `FAILED` | failed |
//! | a directory, or a `backup.info`, that cannot be read, and nothing else that is a backup | not known |
//! | a file that is not finished beside one of the same ending that is, and that is no later | not finished |
//!
//! A directory without a time in its name was changed by whatever was made or removed in it last, a log or an old dump among it. Where dumps lie right
//! in it, it is as new as the newest of them.
//!
//! Files right in it are judged by their names; a directory in it is a part of the backup, whatever is in it.

use crate::probes::backups::kind::{self, Kind};
use crate::probes::backups::unread::Unread;
use crate::probes::backups::when::{self, Clock};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{DirEntry, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many files of all directories are counted.
pub const FILES: usize = 20_000;
/// How deep a directory is walked.
const DEPTH: usize = 32;
/// How much of a `backup.info` is read.
pub const INFO: u64 = 64 << 10;
/// A name, or how it ends, and the file that is there too once the backup is finished.
const ENDS: &[(&str, &str)] = &[
    ("backup.manifest.copy", "backup.manifest"), // pgBackRest
    ("xtrabackup_logfile", "xtrabackup_info"),
    ("metadata.partial", "metadata"), // mydumper
    (".fidx", "index.json.blob"),     // Proxmox Backup Server
    (".didx", "index.json.blob"),
    ("backup_manifest.tmp", "backup_manifest"), // pg_basebackup
    ("backup_incomplete", ""),                  // cPanel
];

/// What a directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A backup.
    Backup {
        /// Its bytes; `None` where there are too many files, or they cannot be read.
        size: Option<u64>,
        /// When the newest of the dumps right in it was made, in seconds since the epoch, where there are any.
        newest: Option<i64>,
        /// What cannot be read, so that the size is not known.
        uncounted: Option<Unread>,
    },
    /// What it is cannot be known: this cannot be read.
    Unread(Unread),
    /// One that is not finished.
    Unfinished,
    /// One that its program says has failed.
    Failed,
}

/// Looks into a directory; the budget is how many files may be counted yet.
pub fn look(directory: &Path, clock: &Clock, budget: &mut usize) -> Inside {
    let found = match Found::of(directory, clock, budget) {
        Ok(found) => found,
        Err(unread) => return Inside::Unread(unread),
    };
    match found.status {
        Some(Kind::Failed) => return Inside::Failed,
        Some(_) => return Inside::Unfinished,
        None => {}
    }
    let has = |name: &str| found.names.contains(name.as_bytes());
    let begun = |mark: &str| match mark.strip_prefix('.') {
        Some(_) => found.names.iter().any(|name| name.ends_with(mark.as_bytes())),
        None => has(mark),
    };
    let is_begun = ENDS.iter().any(|(mark, end)| begun(mark) && !has(end));
    // One that was left long ago beside others that are made each night says nothing of these.
    let is_half =
        found.halves.iter().any(|(ending, half)| found.endings.get(ending).is_some_and(|whole| half >= whole));
    // What is empty is judged as such.
    if is_begun || is_half || (!found.holds && found.others) {
        return Inside::Unfinished;
    }
    match found.uncounted {
        Some(unread) if !found.holds => Inside::Unread(unread),
        uncounted => Inside::Backup { size: found.size, newest: found.newest, uncounted },
    }
}

/// The last change of what lies right in a directory, in seconds since the epoch; `None` where nothing does.
///
/// # Errors
/// What cannot be read.
pub fn newest(directory: &Path) -> Result<Option<i64>, Unread> {
    let mut newest = None;
    for entry in entries(directory)?.take(FILES) {
        newest = newest.max(known(directory, entry)?.map(|(_, known)| known.mtime()));
    }
    Ok(newest)
}

/// What lies in a directory; nothing where it has gone.
fn entries(directory: &Path) -> Result<impl Iterator<Item = io::Result<DirEntry>>, Unread> {
    let listed = std::fs::read_dir(directory).map(Some);
    let listed = listed.or_else(|cause| Unread::of(directory, &cause).map_or(Ok(None), Err))?;
    Ok(listed.into_iter().flatten())
}

/// An entry of a directory with what is known of it; `None` where it has gone.
fn known(directory: &Path, entry: io::Result<DirEntry>) -> Result<Option<(DirEntry, Metadata)>, Unread> {
    let found = entry.and_then(|entry| entry.metadata().map(|known| Some((entry, known))));
    found.or_else(|cause| Unread::of(directory, &cause).map_or(Ok(None), Err))
}

/// What lies right in a directory.
#[derive(Default)]
struct Found {
    /// All names of files, in small letters, without what compresses them.
    names: HashSet<Vec<u8>>,
    /// The endings of files that are finished, and those that others will have, with their last changes.
    endings: HashMap<Vec<u8>, i64>,
    halves: HashMap<Vec<u8>, i64>,
    /// When the newest dump was made.
    newest: Option<i64>,
    /// What a `backup.info` says; none where it is done.
    status: Option<Kind>,
    /// Whether there is a backup, and whether there is anything else.
    holds: bool,
    others: bool,
    /// The bytes of what is a backup, and why they are not known.
    size: Option<u64>,
    uncounted: Option<Unread>,
}

impl Found {
    fn of(directory: &Path, clock: &Clock, budget: &mut usize) -> Result<Self, Unread> {
        let mut found = Self { size: Some(0), ..Self::default() };
        let parent = directory.file_name().unwrap_or_default();
        for entry in entries(directory)? {
            let Some((entry, known)) = known(directory, entry)? else { continue };
            let name = entry.file_name();
            let Some(left) = budget.checked_sub(1) else {
                found.size = None;
                break;
            };
            *budget = left;
            let size = if known.is_dir() { size_of(&entry.path(), DEPTH, budget) } else { Ok((known.len(), 1)) };
            let kind = kind::within(name.as_bytes(), parent.as_bytes(), known.is_dir());
            if !known.is_dir() {
                found.note(name.as_bytes(), kind, known.mtime(), clock);
            }
            found.take(&name, kind, known.is_dir(), size);
            if name.eq_ignore_ascii_case("backup.info") && known.is_file() {
                let path = entry.path();
                let result = status(&path);
                found.status = result.or_else(|cause| Unread::of(&path, &cause).map_or(Ok(None), Err))?;
            }
        }
        Ok(found)
    }

    /// Notes a file by its name and its last change.
    fn note(&mut self, name: &[u8], kind: Kind, changed: i64, clock: &Clock) {
        self.names.insert(kind::unwrapped(&name.to_ascii_lowercase()).to_vec());
        if kind == Kind::Member && kind::is_dump(name) {
            self.newest = self.newest.max(Some(when::time(name, changed, false, clock).0));
        }
        let Some(ending) = ending(kind::finished(name).unwrap_or(name)) else { return };
        let last = match kind {
            Kind::Member => self.endings.entry(ending).or_insert(changed),
            Kind::Unfinished | Kind::Failed => self.halves.entry(ending).or_insert(changed),
            Kind::Beside => return,
        };
        *last = changed.max(*last);
    }

    fn take(&mut self, name: &OsStr, kind: Kind, is_dir: bool, size: Result<(u64, usize), Uncounted>) {
        let name = name.as_bytes();
        if kind != Kind::Member {
            self.others = true;
            return;
        }
        let (bytes, files) = match size {
            Ok((bytes, files)) => (Some(bytes), files),
            Err(Uncounted::Many) => (None, 1),
            Err(Uncounted::Unread(unread)) => {
                self.uncounted = Some(unread);
                (None, 0)
            }
        };
        self.holds |= files > 0 && (is_dir || !name.starts_with(b"."));
        self.size = self.size.zip(bytes).map(|(sum, bytes)| sum.saturating_add(bytes));
    }
}

/// The ending of a name, in small letters.
fn ending(name: &[u8]) -> Option<Vec<u8>> {
    let at = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0)?;
    name.get(at..).map(<[u8]>::to_ascii_lowercase)
}

/// What a `backup.info` of Barman says of its backup; `None` where it is done, or says nothing.
fn status(path: &Path) -> io::Result<Option<Kind>> {
    let mut text = Vec::new();
    File::open(path)?.take(INFO).read_to_end(&mut text)?;
    Ok(kind_by_barman(&String::from_utf8_lossy(&text)))
}

/// What the text of a `backup.info` says; `None` where the backup is done, or the text says nothing.
pub fn kind_by_barman(text: &str) -> Option<Kind> {
    let found =
        text.lines().find_map(|line| line.trim().strip_prefix("status").map(str::trim_start)?.strip_prefix('='));
    match found.map(str::trim) {
        Some("FAILED") => Some(Kind::Failed),
        Some("EMPTY" | "STARTED" | "SYNCING") => Some(Kind::Unfinished),
        _ => None,
    }
}

/// Why the files of a directory are not counted.
enum Uncounted {
    /// There are too many of them, or they lie too deep.
    Many,
    /// This cannot be read.
    Unread(Unread),
}

impl From<Unread> for Uncounted {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

/// The bytes of all files in a directory, and how many files there are.
fn size_of(directory: &Path, depth: usize, budget: &mut usize) -> Result<(u64, usize), Uncounted> {
    let (mut sum, mut files) = (0_u64, 0);
    for entry in entries(directory)? {
        *budget = budget.checked_sub(1).ok_or(Uncounted::Many)?;
        let Some((entry, known)) = known(directory, entry)? else { continue };
        let (bytes, more) = match known.is_dir() {
            true => size_of(&entry.path(), depth.checked_sub(1).ok_or(Uncounted::Many)?, budget)?,
            false => (known.len(), 1),
        };
        (sum, files) = (sum.saturating_add(bytes), files + more);
    }
    Ok((sum, files))
}
