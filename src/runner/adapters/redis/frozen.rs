//! The frozen set: which server, which database, which keys.
//!
//! ```text
//! {"set":"redis","line":"delete cache:*","run_id":"3f…","replid":"9c…","db":0,"count":2}
//! {"key":"cache:a","type":"string","length":12,"expires_at":1763776800000}
//! {"key":{"hex":"ff3a62"},"type":"list","length":3}
//! ```
//! A bounded set has no keys: `"pattern":"cache:*","bound":5000`. Nothing in it ages: the end of a key's life is a moment.

use crate::domain::{Error, Item};
use crate::runner::adapters::not_a_set;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io::BufRead;

/// The most keys that are listed.
pub(super) const MOST: usize = 1_000_000;

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) set: String,
    /// The command, in words.
    pub(super) line: String,
    pub(super) run_id: String,
    pub(super) replid: String,
    pub(super) db: i64,
    /// How many keys follow, or fit a bounded set's pattern within its bound.
    pub(super) count: u64,
    /// The digest of the value that stood there, of a text that is not too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    /// The pattern of a set that is bounded, not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<String>,
    /// When the data was last saved, in seconds, and how often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) saved: Option<(u64, Option<u64>)>,
    /// How often the append-only file was rewritten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rewrites: Option<u64>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Frozen {
    pub(super) key: Name,
    /// `string`, `list`, `set`, `zset`, `hash`, `stream`; `none` where there is no such key.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Bytes of a text, elements of everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<u64>,
    /// When it goes by itself, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<i64>,
}

/// A key's bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name(pub(super) Vec<u8>);

impl Name {
    /// For people: what is no text is `\xNN`.
    pub(super) fn shown(&self) -> String {
        let mut out = String::new();
        for chunk in self.0.utf8_chunks() {
            out.push_str(chunk.valid());
            chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
        }
        out
    }
}

/// How a key is written: text where it is UTF-8, hexadecimal digits otherwise.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Hex { hex: String },
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let written = match std::str::from_utf8(&self.0) {
            Ok(text) => Written::Text(text.to_owned()),
            Err(_) => Written::Hex { hex: self.0.iter().map(|byte| format!("{byte:02x}")).collect() },
        };
        written.serialize(output)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let digits = |hex: &str| -> Option<Vec<u8>> {
            let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
            let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
        };
        match Written::deserialize(input)? {
            Written::Text(text) => Ok(Self(text.into_bytes())),
            Written::Hex { hex } => {
                digits(&hex).map(Self).ok_or_else(|| serde::de::Error::custom("no hexadecimal digits"))
            }
        }
    }
}

/// Reads the first line as the head of a set of this adapter.
pub(super) fn head(value: &serde_json::Value) -> Result<Head, Error> {
    serde_json::from_value(value.clone()).map_err(|_| not_a_set("its first line is no head of a Redis"))
}

/// The next key; none at the end.
pub(super) fn next(set: &mut dyn BufRead) -> Result<Option<Frozen>, Error> {
    let mut line = Vec::new();
    let read = set.read_until(b'\n', &mut line).map_err(|cause| Error::machine("read the frozen set", cause))?;
    if read == 0 {
        return Ok(None);
    }
    serde_json::from_slice(&line).map(Some).map_err(|_| not_a_set("a line is no key"))
}

/// Reads a whole set.
pub(super) fn whole(set: &mut dyn BufRead) -> Result<(Head, Vec<Frozen>), Error> {
    let head = head(&crate::runner::adapters::head(set)?)?;
    let keys = rest(&head, set)?;
    Ok((head, keys))
}

fn rest(head: &Head, set: &mut dyn BufRead) -> Result<Vec<Frozen>, Error> {
    let mut keys = Vec::new();
    while let Some(key) = next(set)? {
        keys.push(key);
        if keys.len() > MOST {
            return Err(not_a_set("it has too many keys"));
        }
    }
    let listed = if head.pattern.is_some() { 0 } else { head.count };
    if keys.len() as u64 == listed { Ok(keys) } else { Err(not_a_set("it does not hold as many keys as it says")) }
}

/// A page of a set for the screen.
pub(in super::super) fn items(
    first: &serde_json::Value,
    set: &mut dyn BufRead,
    from: u64,
    rows: u64,
) -> Result<(u64, Vec<Item>), Error> {
    let head = head(first)?;
    let item = |name: String| Item { name, bytes: None, modified: None, to: None };
    if let Some(pattern) = &head.pattern {
        let name = format!("{pattern}: up to {} keys (bounded, not listed)", head.count);
        return Ok((1, if from == 0 { vec![item(name)] } else { Vec::new() }));
    }
    if head.count == 0 {
        return Ok((1, if from == 0 { vec![item(head.line)] } else { Vec::new() }));
    }
    let mut page = Vec::new();
    let mut place = 0;
    while let Some(key) = next(set)? {
        if place >= from && place - from < rows {
            page.push(item(told(&key)));
        }
        place += 1;
        if place >= from.saturating_add(rows) {
            break;
        }
    }
    Ok((head.count, page))
}

fn told(key: &Frozen) -> String {
    let length = key.length.map(|length| format!(" of {length}")).unwrap_or_default();
    format!("{}  {}{length}", key.key.shown(), key.kind)
}

/// What moved between two sets.
pub(in super::super) fn moved(
    old: &serde_json::Value,
    before: &mut dyn BufRead,
    new: &serde_json::Value,
    after: &mut dyn BufRead,
) -> Result<Vec<String>, Error> {
    let (old, new) = (head(old)?, head(new)?);
    let mut lines = Vec::new();
    if old.run_id != new.run_id {
        lines.push("it is another server than the one shown, or was restarted since".to_owned());
    }
    if old.db != new.db {
        lines.push("it is another database than the one shown".to_owned());
    }
    if old.line != new.line {
        lines.push("the command is another".to_owned());
    }
    if old.value != new.value {
        lines.push("the value that stands there is another".to_owned());
    }
    if old.saved != new.saved {
        lines.push("the data was saved meanwhile".to_owned());
    }
    if old.rewrites != new.rewrites {
        lines.push("the append-only file was rewritten meanwhile".to_owned());
    }
    if (&old.pattern, old.pattern.is_some().then_some(old.count))
        != (&new.pattern, new.pattern.is_some().then_some(new.count))
    {
        lines.push(format!("up to {} keys would go, and not up to {}", new.count, old.count));
    }
    let (was, is) = (rest(&old, before)?, rest(&new, after)?);
    merged(&was, &is, &mut lines);
    Ok(lines)
}

/// Compares two lists of keys that are sorted by their names.
fn merged(was: &[Frozen], is: &[Frozen], lines: &mut Vec<String>) {
    let (mut was, mut is) = (was.iter().peekable(), is.iter().peekable());
    loop {
        match (was.peek(), is.peek()) {
            (None, None) => break,
            (Some(old), Some(new)) if old.key == new.key => {
                if old != new {
                    lines.push(format!("changed: {} (was {}, is {})", old.key.shown(), old.kind, told(new)));
                }
                was.next();
                is.next();
            }
            (Some(old), new) if new.is_none_or(|new| old.key < new.key) => {
                lines.push(format!("no longer there: {}", old.key.shown()));
                was.next();
            }
            (_, Some(new)) => {
                lines.push(format!("new: {}", told(new)));
                is.next();
            }
            (Some(_), None) => break,
        }
    }
}
