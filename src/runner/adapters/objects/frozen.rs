//! The frozen set: which objects exactly, or which files under which keys.
//!
//! ```text
//! {"set":"objects","op":"delete","place":"s3://b/old/","store":"the bucket b","count":1}
//! {"key":"old/a.dump","size":12,"etag":"\"5d41…\"","modified":1700000000}
//! {"key":"new/db.dump","size":12,"file":{"name":"db.dump","dev":2049,"ino":77,"mtime":[1700000000,5],"sha256":"…"},"there":"nothing"}
//! ```
//!
//! Keys are whole, and sorted by their bytes.

use crate::domain::{Digest, Error, Item, Wall};
use crate::runner::adapters::files::Name;
use crate::runner::adapters::not_a_set;
use crate::runner::adapters::objects::Op;
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::BufRead;

/// The most objects of one set.
pub(super) const MOST: usize = 1_000_000;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) set: String,
    pub(super) op: Op,
    pub(super) place: String,
    pub(super) store: String,
    pub(super) count: u64,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) size: u64,
    /// What is there under the key, by the store's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// When it was last changed, in seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<i64>,
    /// The file that is put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<Source>,
    /// What a put finds under the key.
    #[serde(default, skip_serializing_if = "There::is_nothing")]
    pub(super) there: There,
}

/// A file that is put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Source {
    /// Below the directory that is put.
    pub(super) name: Name,
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) mtime: (i64, u64),
    /// Its digest; `None` where all files together are too much to be read before the act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<Digest>,
}

impl Source {
    /// Whether this is the very file that was frozen, unchanged.
    pub(super) fn is(&self, size: u64, stat: &Stat) -> bool {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && (self.dev, self.ino) == (stat.st_dev, stat.st_ino)
            && u64::try_from(stat.st_size) == Ok(size)
            && self.mtime == (stat.st_mtime, stat.st_mtime_nsec)
    }
}

/// What a put finds under a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum There {
    /// No object.
    #[default]
    Nothing,
    /// The same content.
    Same,
    /// Other content, which is replaced.
    Other,
}

impl There {
    #[allow(clippy::trivially_copy_pass_by_ref)] // As serde asks for it.
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

impl Object {
    /// As a person sees it.
    pub(super) fn item(&self) -> Item {
        let at = |(seconds, nanos): (i64, u64)| Wall::from_unix(seconds, u32::try_from(nanos).unwrap_or(0));
        let modified = self.file.as_ref().map(|file| at(file.mtime)).or(self.modified.map(|seconds| at((seconds, 0))));
        match &self.file {
            Some(file) => {
                Item { name: file.name.shown(), bytes: Some(self.size), modified, to: Some(self.key.clone()) }
            }
            None => Item { name: self.key.clone(), bytes: Some(self.size), modified, to: None },
        }
    }
}

/// Reads a head.
fn head(value: &serde_json::Value) -> Result<Head, Error> {
    serde_json::from_value(value.clone()).map_err(|_| not_a_set("its first line is no head of objects"))
}

fn rest(head: &Head, set: &mut dyn BufRead) -> Result<Vec<Object>, Error> {
    let (mut objects, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        let count = set.read_until(b'\n', &mut line).map_err(|cause| Error::machine("read the frozen set", cause))?;
        if count == 0 {
            break;
        }
        if !line.ends_with(b"\n") || objects.len() >= MOST {
            return Err(not_a_set("its last line is torn, or it has too many objects"));
        }
        objects.push(serde_json::from_slice(&line).map_err(|_| not_a_set("a line is no object"))?);
    }
    if objects.len() as u64 == head.count {
        Ok(objects)
    } else {
        Err(not_a_set("it does not hold as many objects as it says"))
    }
}

/// Reads a whole set; one that is not whole is refused before anything is touched.
pub(super) fn whole(set: &mut dyn BufRead) -> Result<(Head, Vec<Object>), Error> {
    let head = head(&crate::runner::adapters::head(set)?)?;
    let objects = rest(&head, set)?;
    Ok((head, objects))
}

/// A page of a set for the screen.
pub(in super::super) fn items(
    first: &serde_json::Value,
    set: &mut dyn BufRead,
    from: u64,
    rows: u64,
) -> Result<(u64, Vec<Item>), Error> {
    let head = head(first)?;
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let objects = rest(&head, set)?;
    Ok((head.count, objects.iter().skip(size(from)).take(size(rows)).map(Object::item).collect()))
}

/// What moved between two sets: gone, changed and new objects, in the order of their keys.
pub(in super::super) fn moved(
    old: &serde_json::Value,
    before: &mut dyn BufRead,
    new: &serde_json::Value,
    after: &mut dyn BufRead,
) -> Result<Vec<String>, Error> {
    let (old, new) = (head(old)?, head(new)?);
    let keyed = |objects: Vec<Object>| objects.into_iter().map(|it| (it.key.clone(), it)).collect::<BTreeMap<_, _>>();
    let (was, mut is) = (keyed(rest(&old, before)?), keyed(rest(&new, after)?));
    let mut found: Vec<(String, &str)> = Vec::new();
    for (key, object) in was {
        match is.remove(&key) {
            None => found.push((key, "no longer among them")),
            Some(now) if now != object => found.push((key, "changed")),
            Some(_) => {}
        }
    }
    found.extend(is.into_keys().map(|key| (key, "new")));
    found.sort();
    Ok(found.into_iter().map(|(key, how)| format!("{how}: {key}")).collect())
}
