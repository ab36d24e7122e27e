//! The frozen set: exactly which objects, or which files under which keys.
//!
//! ```text
//! {"set":"objects","op":"delete","place":"s3://b/old/","store":"the bucket b","count":1}
//! {"key":"old/a.dump","size":12,"etag":"\"5d41…\"","modified":1700000000}
//! {"key":"new/db.dump","size":12,"file":{"name":"db.dump","dev":2049,"ino":77,"mtime":[1700000000,5],"sha256":"…"},"there":"nothing"}
//! ```
//!
//! Keys are complete, and sorted by their bytes.

use crate::domain::{Digest, Item, Wall};
use crate::runner::adapters::files::Name;
use crate::runner::adapters::frozen::{self, Change, Listed};
use crate::runner::adapters::objects::Op;
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};

/// The most objects of one set.
pub(super) const MOST: usize = 1_000_000;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Head {
    pub(super) set: String,
    pub(super) op: Op,
    pub(super) place: String,
    pub(super) store: String,
    pub(super) count: u64,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Object {
    pub(super) key: String,
    pub(super) size: u64,
    /// The ETag of the object under the key, as the store reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// When it was last changed, in seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<i64>,
    /// The file to put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<Source>,
    /// What the key holds before a put.
    #[serde(default, skip_serializing_if = "There::is_nothing")]
    pub(super) there: There,
}

/// A file to put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Source {
    /// Its path below the directory that is put.
    pub(super) name: Name,
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) mtime: (i64, u64),
    /// Its digest; `None` if all files together are too large to be read before the act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<Digest>,
}

impl Source {
    /// Whether this is the frozen file, unchanged.
    pub(super) fn is(&self, size: u64, stat: &Stat) -> bool {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && (self.dev, self.ino) == (stat.st_dev, stat.st_ino)
            && u64::try_from(stat.st_size) == Ok(size)
            && self.mtime == (stat.st_mtime, stat.st_mtime_nsec)
    }
}

/// What a key holds before a put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::runner::adapters) enum There {
    /// No object.
    #[default]
    Nothing,
    /// The same content.
    Same,
    /// Other content, which is replaced.
    Other,
}

impl There {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde requires a reference.
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

impl frozen::Head for Head {
    type Item = Object;
    const OF: &'static str = "objects";

    fn listed(&self) -> u64 {
        self.count
    }

    fn drift(&self, _: &Self) -> Vec<String> {
        Vec::new() // The action holds the place.
    }
}

impl Listed for Object {
    const WORDS: (&'static str, &'static str) = ("object", "objects");
    const MOST: u64 = MOST as u64;
    type Key<'a> = &'a str;

    fn key(&self) -> &str {
        &self.key
    }

    fn item(&self) -> Item {
        let at = |(seconds, nanos): (i64, u64)| Wall::from_unix(seconds, u32::try_from(nanos).unwrap_or(0));
        let modified = self.file.as_ref().map(|file| at(file.mtime)).or(self.modified.map(|seconds| at((seconds, 0))));
        let (name, to) = match &self.file {
            Some(file) => (file.name.shown(), Some(self.key.clone())),
            None => (self.key.clone(), None),
        };
        Item { name, bytes: Some(self.size), modified, to }
    }

    fn describe(change: &Change<'_, Self>) -> String {
        change.named(|object| object.key.clone())
    }
}
