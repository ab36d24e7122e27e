//! The frozen set: exactly which files.
//!
//! ```text
//! {"set":"files","op":"delete","root":"/srv/cell0","dev":2049,"ino":131,"under":"data/sessions","count":2}
//! {"name":"data/sessions/a.json","dev":2049,"ino":977,"size":12,"mtime":[1700000000,5]}
//! {"name":{"hex":"ff2e6a736f6e"},"dev":2049,"ino":978,"size":0,"mtime":[1700000001,0]}
//! ```
//!
//! Names are relative to the root, sorted by their bytes.

use crate::domain::{Item, Wall};
use crate::runner::adapters::files::Op;
use crate::runner::adapters::frozen::{self, Change, Listed, bytes};
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Deserializer, Serialize};

/// The most files of one set.
pub(super) const MOST: usize = 1_000_000;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Head {
    pub(super) set: String,
    pub(super) op: Op,
    pub(super) root: String,
    /// The root's device.
    pub(super) dev: u64,
    /// The root's inode.
    pub(super) ino: u64,
    pub(super) under: String,
    pub(super) count: u64,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Frozen {
    pub(super) name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Name>,
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) size: u64,
    /// Seconds and nanoseconds since the epoch.
    pub(super) mtime: (i64, u64),
    /// Its old permissions, if the act changes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) had: Option<Had>,
    /// Whether it has holes, if an undo writes its content again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) sparse: bool,
    /// How many names it has in the file system; not part of a set.
    #[serde(skip)]
    pub(super) links: u64,
}

/// The mode and the owner of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Had {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Had {
    pub(super) fn of(stat: &Stat) -> Self {
        Self { mode: stat.st_mode & 0o7777, uid: stat.st_uid, gid: stat.st_gid }
    }
}

impl Frozen {
    /// Freezes a file as it was seen.
    pub(super) fn of(name: Vec<u8>, stat: &Stat) -> Self {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Self {
            name: Name(name),
            to: None,
            dev: stat.st_dev,
            ino: stat.st_ino,
            size,
            mtime: mtime(stat),
            had: None,
            sparse: false,
            links: stat.st_nlink,
        }
    }

    /// The same without the parts that change in a growing log.
    pub(super) fn growing(&self) -> Self {
        Self { size: 0, mtime: (0, 0), ..self.clone() }
    }

    /// Whether this is the frozen file, even if it was written to since.
    pub(super) fn is_inode(&self, stat: &Stat) -> bool {
        self.dev == stat.st_dev && self.is_same_inode(stat)
    }

    /// Like [`Self::is_inode`], without the device number.
    pub(super) fn is_same_inode(&self, stat: &Stat) -> bool {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && self.ino == stat.st_ino
    }

    /// Whether this is the frozen file, unchanged.
    pub(super) fn is(&self, stat: &Stat) -> bool {
        self.dev == stat.st_dev && self.is_same_file(stat)
    }

    /// Like [`Self::is`], without the device number, which a restart of the machine may change.
    pub(super) fn is_same_file(&self, stat: &Stat) -> bool {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && self.ino == stat.st_ino
            && u64::try_from(stat.st_size) == Ok(self.size)
            && self.mtime == mtime(stat)
    }

    /// When it last changed.
    pub(super) fn modified(&self) -> Wall {
        Wall::from_unix(self.mtime.0, u32::try_from(self.mtime.1).unwrap_or(0))
    }
}

fn mtime(stat: &Stat) -> (i64, u64) {
    (stat.st_mtime, stat.st_mtime_nsec)
}

/// A path below the root, as bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(in crate::runner::adapters) struct Name(#[serde(with = "bytes")] pub(in crate::runner::adapters) Vec<u8>);

impl Name {
    /// Without control characters and without loss.
    pub(in crate::runner::adapters) fn shown(&self) -> String {
        bytes::shown(&self.0)
    }

    /// Its bytes.
    pub(in crate::runner::adapters) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is a path that stays below the root.
    fn is_sound(&self) -> bool {
        !self.0.contains(&0) && !self.0.split(|b| *b == b'/').any(|part| matches!(part, b"" | b"." | b".."))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let name = Self(bytes::deserialize(input)?);
        if name.is_sound() { Ok(name) } else { Err(serde::de::Error::custom("not a name below the root")) }
    }
}

impl frozen::Head for Head {
    type Item = Frozen;
    const OF: &'static str = "files";

    fn listed(&self) -> u64 {
        self.count
    }

    fn drift(&self, now: &Self) -> Vec<String> {
        let same = (self.dev, self.ino) == (now.dev, now.ino);
        if same { Vec::new() } else { vec![format!("{} is another directory now", now.root)] }
    }
}

impl Listed for Frozen {
    const WORDS: (&'static str, &'static str) = ("file", "files");
    const MOST: u64 = MOST as u64;
    type Key<'a> = &'a Name;

    fn key(&self) -> &Name {
        &self.name
    }

    fn item(&self) -> Item {
        let grows = self.size == 0 && self.mtime == (0, 0);
        Item {
            name: self.name.shown(),
            bytes: (!grows).then_some(self.size),
            modified: (!grows).then(|| self.modified()),
            to: self.to.as_ref().map(Name::shown),
        }
    }

    fn describe(change: &Change<'_, Self>) -> String {
        change.named(|file| file.name.shown())
    }
}
