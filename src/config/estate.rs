//! The estate file: everything one configuration looks after.
//!
//! Every problem of a file is found in one reading, and no
//! section is skipped, because a skipped one would look like a target that is ok.

use crate::config::discovery::{discover, nothing};
use crate::config::file::{read_trusted, refused};
use crate::config::packs::Pack;
use crate::config::paths::Surroundings;
use crate::config::reader::{Problem, Problems, parse};
use crate::config::secrets::Secrets;
use crate::domain::{Error, TargetKind};
use std::path::{Path, PathBuf};

mod environment;
pub mod keys;
mod limits;
mod policy;
mod read;
mod sources;

pub use environment::Environment;
pub use limits::{Limits, Thresholds};
pub use policy::Keep;
pub use sources::{
    Address, Backup, BackupPlace, Certificate, Kubernetes, Mount, ObjectPlace, Postgres, Receiver, Redis, RedisMode,
    Service, Store, Unit, Way, Workload,
};

/// What discovery was meant to find out and could not: a row that is unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// What kind of row it is.
    pub kind: TargetKind,
    /// The row's name.
    pub name: String,
    /// Why it is not known.
    pub why: String,
}

/// Everything one configuration looks after.
#[derive(Clone, Debug, PartialEq)]
pub struct Estate {
    /// Its name.
    pub name: String,
    /// How much is at stake.
    pub environment: Environment,
    /// The packs of built-in procedures that are offered beside the common ones.
    pub packs: Vec<Pack>,
    /// Programs that only read, by absolute path.
    pub trusted_reads: Vec<PathBuf>,
    /// Limits for targets without limits of their own.
    pub thresholds: Thresholds,
    /// Its HTTP services.
    pub services: Vec<Service>,
    /// Its mounts; every mount of this host is shown beside them.
    pub mounts: Vec<Mount>,
    /// Where its secrets lie.
    pub secrets: Secrets,
    /// Its units.
    pub units: Vec<Unit>,
    /// Whether every failed unit of this host is shown: so in a discovered estate.
    pub failed_units: bool,
    /// Its databases.
    pub postgres: Vec<Postgres>,
    /// Its Redis servers.
    pub redis: Vec<Redis>,
    /// Its clusters.
    pub kubernetes: Vec<Kubernetes>,
    /// Its certificates.
    pub certificates: Vec<Certificate>,
    /// Its backups.
    pub backups: Vec<Backup>,
    /// Buckets of object stores.
    pub stores: Vec<Store>,
    /// The receivers of notices.
    pub receivers: Vec<Receiver>,
    /// How long its sealed runs are kept.
    pub keep: Keep,
    /// The file it was read from; `None` when it was discovered.
    pub source: Option<PathBuf>,
    /// What discovery found, a phrase each.
    pub discovered: Vec<String>,
    /// What discovery did not find or did not look for, a phrase each.
    pub not_found: Vec<String>,
    /// What could not be looked for, or was named and is wrong.
    pub unread: Vec<Unread>,
}

impl Estate {
    /// The estate of a host without a file, taken for production: what [`discover`] finds.
    #[must_use]
    pub fn discovered(hostname: &str, around: &Surroundings) -> Self {
        discover(hostname, around)
    }

    /// The estate in place of one whose file cannot be used: no target, and the file's name.
    #[must_use]
    pub fn standing_in(file: &Path) -> Self {
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
        Self { source: Some(file.to_owned()), failed_units: false, ..nothing(&name) }
    }

    /// Reads an estate file.
    ///
    /// # Errors
    /// Kind `Usage`: the file cannot be read, or anything in it is wrong; each problem has its line and column.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = read_trusted(path, "the estate file")?;
        Self::parse(&text, path).map_err(|problems| refused("the estate file", path, &problems))
    }

    /// Reads an estate from text; `file` is named in problems and becomes the source.
    ///
    /// # Errors
    /// Every problem of the text, in the order of their places.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::of(file);
        let mut root = parse(text, &mut problems);
        let estate = read::read(&mut root, file, &mut problems);
        match estate {
            Some(estate) if problems.is_empty() => Ok(estate),
            _ => Err(problems.into_sorted()),
        }
    }
}

#[cfg(test)]
mod tests;
