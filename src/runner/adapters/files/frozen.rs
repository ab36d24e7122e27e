//! The frozen set: which files exactly.
//!
//! ```text
//! {"set":"files","op":"delete","root":"/srv/cell0","dev":2049,"ino":131,"under":"data/sessions","count":2}
//! {"name":"data/sessions/a.json","dev":2049,"ino":977,"size":12,"mtime":[1700000000,5]}
//! {"name":{"hex":"ff2e6a736f6e"},"dev":2049,"ino":978,"size":0,"mtime":[1700000001,0]}
//! ```
//!
//! Names are relative to the root, sorted by their bytes.

use crate::domain::{Error, Item, Wall};
use crate::runner::adapters::files::Op;
use crate::runner::adapters::not_a_set;
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::io::BufRead;

/// The most files of one set.
pub(super) const MOST: usize = 1_000_000;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
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
pub(super) struct Frozen {
    pub(super) name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Name>,
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) size: u64,
    /// Seconds and nanoseconds since the epoch.
    pub(super) mtime: (i64, u64),
    /// What permissions it had, where those are what changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) had: Option<Had>,
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
    /// Freezes what was seen.
    pub(super) fn of(name: Vec<u8>, stat: &Stat) -> Self {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Self { name: Name(name), to: None, dev: stat.st_dev, ino: stat.st_ino, size, mtime: mtime(stat), had: None }
    }

    /// The same without what changes in a log that is written to.
    pub(super) fn growing(&self) -> Self {
        Self { size: 0, mtime: (0, 0), ..self.clone() }
    }

    /// Whether this is the very file that was frozen, whatever was written into it since.
    pub(super) fn is_inode(&self, stat: &Stat) -> bool {
        self.dev == stat.st_dev && self.is_same_inode(stat)
    }

    /// As [`Self::is_inode`], but for the device's number.
    pub(super) fn is_same_inode(&self, stat: &Stat) -> bool {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && self.ino == stat.st_ino
    }

    /// Whether this is the very file that was frozen, unchanged.
    pub(super) fn is(&self, stat: &Stat) -> bool {
        self.dev == stat.st_dev && self.is_same_file(stat)
    }

    /// As [`Self::is`], but for the device's number, which a restart of the machine may change.
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

    /// As a person sees it.
    pub(super) fn item(&self) -> Item {
        let grows = self.size == 0 && self.mtime == (0, 0);
        Item {
            name: self.name.shown(),
            bytes: (!grows).then_some(self.size),
            modified: (!grows).then(|| self.modified()),
            to: self.to.as_ref().map(Name::shown),
        }
    }
}

fn mtime(stat: &Stat) -> (i64, u64) {
    (stat.st_mtime, stat.st_mtime_nsec)
}

/// A path below the root, as bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::runner::adapters) struct Name(pub(in crate::runner::adapters) Vec<u8>);

impl Name {
    /// Without control characters and without loss: `\` is doubled, and what cannot be shown is `\xNN`.
    pub(in crate::runner::adapters) fn shown(&self) -> String {
        let mut out = String::new();
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    '\t' => out.push_str("\\t"),
                    c if c.is_control() => {
                        let mut bytes = [0; 4];
                        c.encode_utf8(&mut bytes).bytes().for_each(|b| out.push_str(&format!("\\x{b:02x}")));
                    }
                    c => out.push(c),
                }
            }
            chunk.invalid().iter().for_each(|b| out.push_str(&format!("\\x{b:02x}")));
        }
        out
    }

    /// Its bytes.
    pub(in crate::runner::adapters) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is a path that stays below.
    fn is_sound(&self) -> bool {
        !self.0.contains(&0) && !self.0.split(|b| *b == b'/').any(|part| matches!(part, b"" | b"." | b".."))
    }
}

/// How a name is written: text where it is UTF-8, hexadecimal digits otherwise.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Hex { hex: String },
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => output.serialize_str(text),
            Err(_) => {
                let hex = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
                Written::Hex { hex }.serialize(output)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("not a name below the root");
        let name = match Written::deserialize(input)? {
            Written::Text(text) => Self(text.into_bytes()),
            Written::Hex { hex } => Self(unhex(&hex).ok_or_else(wrong)?),
        };
        if name.is_sound() { Ok(name) } else { Err(wrong()) }
    }
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

/// Reads a head.
pub(super) fn head(value: &serde_json::Value) -> Result<Head, Error> {
    serde_json::from_value(value.clone()).map_err(|_| not_a_set("its first line is no head of files"))
}

/// Reads the next file; `None` at the end.
fn next(set: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<Option<Frozen>, Error> {
    line.clear();
    let count = set.read_until(b'\n', line).map_err(|cause| Error::machine("read the frozen set", cause))?;
    if count == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        return Err(not_a_set("its last line is torn"));
    }
    serde_json::from_slice(line).map(Some).map_err(|_| not_a_set("a line is no file"))
}

/// Reads every file after the head; a set that is not whole is refused before anything is touched.
pub(super) fn rest(head: &Head, set: &mut dyn BufRead) -> Result<Vec<Frozen>, Error> {
    let mut files = Vec::new();
    let mut line = Vec::new();
    while let Some(file) = next(set, &mut line)? {
        files.push(file);
        if files.len() > MOST {
            return Err(not_a_set("it has too many files"));
        }
    }
    if files.len() as u64 == head.count {
        Ok(files)
    } else {
        Err(not_a_set("it does not hold as many files as it says"))
    }
}

/// Reads a whole set.
pub(super) fn whole(set: &mut dyn BufRead) -> Result<(Head, Vec<Frozen>), Error> {
    let head = head(&crate::runner::adapters::head(set)?)?;
    let files = rest(&head, set)?;
    Ok((head, files))
}

/// A page of a set for the screen.
pub(in super::super) fn items(
    first: &serde_json::Value,
    set: &mut dyn BufRead,
    from: u64,
    rows: u64,
) -> Result<(u64, Vec<Item>), Error> {
    let head = head(first)?;
    let mut line = Vec::new();
    for _ in 0..from.min(head.count) {
        set.skip_until(b'\n').map_err(|cause| Error::machine("read the frozen set", cause))?;
    }
    let mut items = Vec::new();
    for _ in 0..rows.min(head.count.saturating_sub(from)) {
        let Some(file) = next(set, &mut line)? else { break };
        items.push(file.item());
    }
    Ok((head.count, items))
}

/// What moved between two sets: gone, changed and new files, in the order of their names.
pub(in super::super) fn moved(
    old: &serde_json::Value,
    before: &mut dyn BufRead,
    new: &serde_json::Value,
    after: &mut dyn BufRead,
) -> Result<Vec<String>, Error> {
    let (old, new) = (head(old)?, head(new)?);
    let mut lines = Vec::new();
    if (old.dev, old.ino) != (new.dev, new.ino) {
        lines.push(format!("{} is another directory now", new.root));
    }
    let keyed = |files: Vec<Frozen>| files.into_iter().map(|f| (f.name.clone(), f)).collect::<BTreeMap<_, _>>();
    let (was, mut is) = (keyed(rest(&old, before)?), keyed(rest(&new, after)?));
    let mut found: Vec<(Name, &str)> = Vec::new();
    for (name, file) in was {
        match is.remove(&name) {
            None => found.push((name, "no longer among them")),
            Some(now) if now != file => found.push((name, "changed")),
            Some(_) => {}
        }
    }
    found.extend(is.into_keys().map(|name| (name, "new")));
    found.sort();
    lines.extend(found.into_iter().map(|(name, how)| format!("{how}: {}", name.shown())));
    Ok(lines)
}
