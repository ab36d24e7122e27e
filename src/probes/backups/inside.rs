//! Looks into a directory that is a backup: how large it is, and whether its program finished it.
//!
//! | it holds | it is |
//! |---|---|
//! | nothing but logs, lists and what is not finished | not finished |
//! | what its program leaves only until it is done (`ENDS`), or a `backup.info` of Barman that says so | not finished |
//! | a `backup.info` of Barman that says `FAILED` | failed |
//! | a file that is not finished beside one of the same ending that is, and that is no later | not finished |
//!
//! A directory without a time in its name was changed by whatever was made or removed in it last, a log or an old dump among it. Where dumps lie right
//! in it, it is as new as the newest of them.
//!
//! Files right in it are judged by their names; a directory in it is a part of the backup, whatever is in it.

use crate::probes::backups::kind::{self, Kind};
use crate::probes::backups::when::{self, Clock};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A backup.
    Backup {
        /// Its bytes; `None` where there are too many files, or they cannot be read.
        size: Option<u64>,
        /// When the newest of the dumps right in it was made, in seconds since the epoch, where there are any.
        newest: Option<i64>,
    },
    /// One that is not finished.
    Unfinished,
    /// One that its program says has failed.
    Failed,
}

/// Looks into a directory; the budget is how many files may be counted yet.
pub fn look(directory: &Path, clock: &Clock, budget: &mut usize) -> Inside {
    let Ok(found) = Found::of(directory, clock, budget) else { return Inside::Backup { size: None, newest: None } };
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
    Inside::Backup { size: found.size, newest: found.newest }
}

/// The last change of what lies right in a directory, in seconds since the epoch.
pub fn newest(directory: &Path) -> Option<i64> {
    let entries = std::fs::read_dir(directory).ok()?.take(FILES).flatten();
    entries.filter_map(|entry| Some(entry.metadata().ok()?.mtime())).max()
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
    /// The bytes of what is a backup.
    size: Option<u64>,
}

impl Found {
    fn of(directory: &Path, clock: &Clock, budget: &mut usize) -> io::Result<Self> {
        let mut found = Self { size: Some(0), ..Self::default() };
        let parent = directory.file_name().unwrap_or_default();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let (name, known) = (entry.file_name(), entry.metadata()?);
            let Some(left) = budget.checked_sub(1) else {
                found.size = None;
                break;
            };
            *budget = left;
            let size = if known.is_dir() { size_of(&entry.path(), DEPTH, budget).ok() } else { Some((known.len(), 1)) };
            let kind = kind::within(name.as_bytes(), parent.as_bytes(), known.is_dir());
            if !known.is_dir() {
                found.note(name.as_bytes(), kind, known.mtime(), clock);
            }
            found.take(&name, kind, known.is_dir(), size);
            if name.eq_ignore_ascii_case("backup.info") && known.is_file() {
                found.status = status(&entry.path())?;
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

    fn take(&mut self, name: &OsStr, kind: Kind, is_dir: bool, size: Option<(u64, usize)>) {
        let name = name.as_bytes();
        if kind != Kind::Member {
            self.others = true;
            return;
        }
        let (bytes, files) = size.map_or((None, 1), |(bytes, files)| (Some(bytes), files));
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
    let said = text.lines().find_map(|line| line.trim().strip_prefix("status").map(str::trim_start)?.strip_prefix('='));
    match said.map(str::trim) {
        Some("FAILED") => Some(Kind::Failed),
        Some("EMPTY" | "STARTED" | "SYNCING") => Some(Kind::Unfinished),
        _ => None,
    }
}

/// The bytes of all files in a directory, and how many files there are.
///
/// # Errors
/// There are too many of them, or they cannot be read.
fn size_of(directory: &Path, depth: usize, budget: &mut usize) -> io::Result<(u64, usize)> {
    let too_many = || io::Error::other("too many files");
    let (mut sum, mut files) = (0_u64, 0);
    for entry in std::fs::read_dir(directory)? {
        *budget = budget.checked_sub(1).ok_or_else(too_many)?;
        let entry = entry?;
        let known = entry.metadata()?;
        let (bytes, more) = match known.is_dir() {
            true => size_of(&entry.path(), depth.checked_sub(1).ok_or_else(too_many)?, budget)?,
            false => (known.len(), 1),
        };
        (sum, files) = (sum.saturating_add(bytes), files + more);
    }
    Ok((sum, files))
}
