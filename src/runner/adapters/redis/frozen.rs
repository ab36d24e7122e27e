//! The frozen set: which server, which database, which keys.
//!
//! ```text
//! {"set":"redis","line":"delete cache:*","run_id":"3f…","replid":"9c…","db":0,"count":2}
//! {"key":"cache:a","type":"string","length":12,"expires_at":1763776800000}
//! {"key":{"hex":"ff3a62"},"type":"list","length":3}
//! ```
//! A bounded set has no keys: `"pattern":"cache:*","bound":5000`. Nothing in it ages: the end of a key's life is a moment.

use crate::domain::Item;
use crate::runner::adapters::frozen::{self, Change, Listed, bytes};
use serde::{Deserialize, Serialize};

/// The most keys that are listed.
pub(super) const MOST: usize = 1_000_000;

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Head {
    pub(super) set: String,
    /// The command, in words.
    pub(super) line: String,
    pub(super) run_id: String,
    pub(super) replid: String,
    pub(super) db: i64,
    /// How many keys follow, or match a bounded set's pattern within its bound.
    pub(super) count: u64,
    /// The digest of the old value, if it is a text that is not too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    /// The pattern of a bounded, unlisted set.
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
pub(in crate::runner::adapters) struct Frozen {
    pub(super) key: Name,
    /// `string`, `list`, `set`, `zset`, `hash`, `stream`; `none` where there is no such key.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Bytes of a text, elements of all other types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<u64>,
    /// When it expires, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<i64>,
}

/// A key's bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Name(#[serde(with = "bytes")] pub(super) Vec<u8>);

impl Name {
    /// Without control characters and without loss.
    pub(super) fn shown(&self) -> String {
        bytes::shown(&self.0)
    }
}

impl frozen::Head for Head {
    type Item = Frozen;
    const OF: &'static str = "a Redis";

    fn listed(&self) -> u64 {
        if self.pattern.is_some() { 0 } else { self.count }
    }

    fn alone(&self) -> Option<String> {
        match &self.pattern {
            Some(pattern) => Some(format!("{pattern}: up to {} keys (bounded, not listed)", self.count)),
            None => (self.count == 0).then(|| self.line.clone()),
        }
    }

    fn drift(&self, now: &Self) -> Vec<String> {
        let bound = |head: &Self| head.pattern.clone().map(|pattern| (pattern, head.count));
        let facts = [
            (self.run_id != now.run_id, "it is another server than the one shown, or was restarted since"),
            (self.db != now.db, "it is another database than the one shown"),
            (self.line != now.line, "the command is another"),
            (self.value != now.value, "its value changed"),
            (self.saved != now.saved, "the data was saved since"),
            (self.rewrites != now.rewrites, "the append-only file was rewritten since"),
        ];
        let mut lines: Vec<String> =
            facts.into_iter().filter(|(differs, _)| *differs).map(|(_, words)| words.to_owned()).collect();
        if bound(self) != bound(now) {
            lines.push(format!("up to {} keys would go, and not up to {}", now.count, self.count));
        }
        lines
    }
}

impl Frozen {
    fn describe(&self) -> String {
        let length = self.length.map(|length| format!(" of {length}")).unwrap_or_default();
        format!("{}  {}{length}", self.key.shown(), self.kind)
    }
}

impl Listed for Frozen {
    const WORDS: (&'static str, &'static str) = ("key", "keys");
    const MOST: u64 = MOST as u64;
    type Key<'a> = &'a Name;

    fn key(&self) -> &Name {
        &self.key
    }

    fn item(&self) -> Item {
        Item::named(self.describe())
    }

    fn describe(change: &Change<'_, Self>) -> String {
        match change {
            Change::Gone(key) => format!("no longer there: {}", key.key.shown()),
            Change::Changed(old, new) => {
                format!("changed: {} (was {}, is {})", old.key.shown(), old.kind, Frozen::describe(new))
            }
            Change::New(key) => format!("new: {}", Frozen::describe(key)),
        }
    }
}
