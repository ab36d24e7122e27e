//! Series of backups, in local directories and in object stores.
//!
//! ```text
//!  directory ── series ──> newest members ──> checksum (two seconds at a time) ──> judge ──> finding
//!                 ├─ kind: which names are those of backups
//!                 ├─ contents: whether a directory holds what those before it hold
//!                 ├─ inside: what a directory holds, and whether its program finished it
//!                 ├─ lines: which of them are one series by the shape of their names; each is judged, and the worst is the row
//!                 └─ when: the time in a name (stamp), the last change, the zone of this host, the other members
//! ```
//! A member is a file or a directory that the pattern fits. The newest is the one of the latest time in its data: that in its name
//! (`when`), else its last change; never the last one by name. `judge` says what is critical and what warns. Nothing is opened but the
//! newest member, where a checksum stands beside it, and a `backup.info` of Barman.
//!
//! Not counted as members: what lies beside them (`kind`: checksums, signatures, logs, notes, tools' own files), links to another member, what
//! failed, and what is unfinished: `.part`, `.tmp` and their like, and what was written to within the last ten seconds or still differs from what it was at the last reading.
//!
//! In an object store every object whose key begins with the prefix is looked at, at most a million; the time of one whose name has none is that of its
//! upload. No checksum is looked for there: `files` and `objects` of a procedure do that.
//!
//! Facts: `newest` (its name) `newest_at` (RFC 3339, UTC) `time_from` (`name`, `mtime`, `name and mtime`, `name or mtime`, `name against mtime`) `age_s` `size_bytes` `path`
//! `directory` `count` `unfinished` `failed` `future` (how many are dated in it) `beside` (how many files are none) `max_age_s` `interval_s` `gaps` `median_size_bytes` `verified`
//! `series` (how many) `shape` (of the names that the row is about) `ended` `reason` `verified_at` `sha256` `checksum_file`; `not_verified` says why `verified` is absent,
//! `remedy_command` grants the right to read what cannot be read.

pub(crate) mod checksum;
mod contents;
mod inside;
mod judge;
pub mod kind;
mod lines;
mod objects;
pub(crate) mod series;
mod shape;
pub mod stamp;
pub(crate) mod sums;
mod unread;
pub(crate) mod when;

use crate::config::estate::{Backup, BackupPlace};
use crate::domain::{Fact, Finding, Loss, Observation, Trend, Wall};
use crate::probes::backups::checksum::Verifier;
use crate::probes::backups::judge::Checked;
use crate::probes::backups::series::{Identity, Member, Series};
use crate::probes::backups::when::Clock;
use crate::probes::blocking::Blocking;
use crate::probes::clock;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the directory may take to be read; a hung NFS server never answers.
const DEADLINE: Duration = Duration::from_secs(25);

/// Where its readings come from, without any secret.
#[must_use]
pub fn source(target: &Backup) -> String {
    match &target.place {
        BackupPlace::Files(pattern) => pattern.clone(),
        BackupPlace::Objects(place) => place.prefix.clone(),
    }
}

/// Reads one target again and again.
pub struct BackupReader {
    target: Backup,
    blocking: Blocking<Observation, Loss>,
    memory: Arc<Mutex<Memory>>,
}

/// What is remembered between readings.
#[derive(Default)]
struct Memory {
    /// What the newest members were.
    before: HashMap<OsString, Identity>,
    /// The newest one.
    newest: Option<OsString>,
    verifier: Verifier,
    /// Whether there is no reading after this one, so that nothing is verified later.
    is_once: bool,
}

impl BackupReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(target: Backup) -> Self {
        Self { target, blocking: Blocking::new("backups"), memory: Arc::default() }
    }

    /// Reads once and never again: what is not verified in this reading is not verified at all.
    pub fn once(&mut self) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).is_once = true;
    }

    /// Reads once.
    ///
    /// # Errors
    /// Why nothing was learnt.
    pub async fn read(&mut self) -> Result<Vec<Finding>, Loss> {
        if let BackupPlace::Objects(place) = &self.target.place {
            let clock = Clock::here(clock::now().wall.0.as_second());
            let series = tokio::time::timeout(DEADLINE, objects::list(place, &clock, DEADLINE)).await;
            let series = series.map_err(|_| objects::late(DEADLINE))??;
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            let directory = Path::new(objects::directory(&place.prefix));
            let seen = lines::judge(&self.target, directory, &series, &mut |_| None, clock::now().wall);
            return Ok(vec![Finding::of_target(memory.with_trend(seen, &series))]);
        }
        let (target, memory) = (self.target.clone(), Arc::clone(&self.memory));
        let work = move || {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            let now = clock::now().wall;
            look(&target, &mut memory, now, &Clock::here(now.0.as_second()))
        };
        self.blocking.within(DEADLINE, work).await.map(|seen| vec![Finding::of_target(seen)])
    }
}

fn look(target: &Backup, memory: &mut Memory, now: Wall, clock: &Clock) -> Result<Observation, Loss> {
    let pattern = match &target.place {
        BackupPlace::Files(pattern) => pattern,
        BackupPlace::Objects(_) => return Err("it lies in an object store".into()),
    };
    let seconds = now.0.as_second();
    let (directory, _) = series::place(pattern)?;
    if std::fs::metadata(&directory).is_err_and(|cause| cause.kind() == std::io::ErrorKind::NotFound) {
        return Err(Loss::missing("no such directory"));
    }
    let series = series::list(pattern, &memory.before, clock)?;
    memory.before = series.looked_at.clone();
    let until = Instant::now() + if memory.is_once { checksum::ONCE } else { checksum::BUDGET };
    let (verifier, is_once) = (&mut memory.verifier, memory.is_once);
    let mut checked = |newest: &Member| {
        let expected = checksum::beside(&directory, &newest.name).filter(|_| !newest.is_dir)?;
        let path = directory.join(&newest.name);
        let left = until.saturating_duration_since(Instant::now());
        let go_on = || verifier.go_on(&path, &newest.identity, left, seconds);
        let progress = expected.digest.is_ok().then(go_on);
        Some(Checked { expected, progress, is_once })
    };
    let seen = lines::judge(target, &directory, &series, &mut checked, now);
    Ok(memory.with_trend(seen, &series))
}

impl Memory {
    /// Adds the size of a newest member that was not there before: the history of a series is that of its members, not of its
    /// readings.
    fn with_trend(&mut self, mut seen: Observation, series: &Series) -> Observation {
        let Some(Fact::Text(name)) = seen.facts.get("newest") else { return seen };
        let is_it = |member: &&Member| member.name.to_string_lossy() == name.as_str();
        let newest = series.members.iter().find(is_it).filter(|newest| self.newest.as_ref() != Some(&newest.name));
        if let Some(newest) = newest {
            self.newest = Some(newest.name.clone());
            seen.trend = newest.size.map(|_| Trend::of("size_bytes"));
        }
        seen
    }
}

#[cfg(test)]
mod tests;
