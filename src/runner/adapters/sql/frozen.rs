//! The frozen set: which server, which statement, which objects.
//!
//! ```text
//! {"set":"sql","system":"7480…","database":"app","statement":"VACUUM \"public\".\"tasks\"","counted_since":"…","count":1}
//! {"oid":16402,"schema":"public","name":"tasks","kind":"table","relfilenode":16402,"last_vacuum":null}
//! ```
//! After the objects come the keys of the rows, where they are listed: `{"key":["4711"]}`.
//!
//! It contains no ages; the time in the second line is that of the last manual VACUUM.

use crate::domain::{Error, Item};
use crate::runner::adapters::frozen::{self, Change, Head as _, Listed};
use crate::runner::adapters::not_a_set;
use crate::runner::adapters::sql::blockers::Left;
use crate::runner::adapters::sql::rows::{Key, MOST, Rows};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::BufRead;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Head {
    pub(super) set: String,
    /// The cluster's system identifier: a copy of the server has the same one, another server never.
    pub(super) system: String,
    pub(super) database: String,
    pub(super) statement: String,
    /// Since when the server has its statistics; a crash resets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) counted_since: Option<String>,
    /// How many objects follow.
    pub(super) count: u64,
    /// The existing invalid indexes, for a statement that may leave one: it has not left these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left: Vec<Left>,
    /// The rows, if they can be frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<Rows>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Object {
    pub(super) oid: i64,
    pub(super) schema: String,
    pub(super) name: String,
    /// `table`, `index`, `view`, `sequence` and their like.
    pub(super) kind: String,
    /// The name of its file; 0 if it has none. A rewrite changes it.
    pub(super) relfilenode: i64,
    /// When it was last vacuumed manually.
    pub(super) last_vacuum: Option<String>,
}

impl Object {
    /// `public.tasks`.
    pub(super) fn called(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Whether this is the frozen relation, not rewritten and not renamed.
    pub(super) fn is(&self, now: &Self) -> bool {
        let identity = |object: &Self| (object.oid, object.relfilenode, object.schema.clone(), object.name.clone());
        identity(self) == identity(now)
    }
}

impl frozen::Head for Head {
    type Item = Object;
    const OF: &'static str = "a statement";

    fn listed(&self) -> u64 {
        self.count
    }

    fn is_all(&self) -> bool {
        self.rows.is_none()
    }

    fn alone(&self) -> Option<String> {
        match &self.rows {
            Some(rows) if rows.bounded => {
                Some(format!("{}: at most {} rows (bounded, not listed)", self.statement, rows.count))
            }
            Some(_) => None,
            None => (self.count == 0).then(|| self.statement.clone()),
        }
    }

    fn drift(&self, now: &Self) -> Vec<String> {
        let facts = [
            (
                (&self.system, &self.database) != (&now.system, &now.database),
                "it is another server or database than the one shown",
            ),
            (self.statement != now.statement, "the statement is another"),
            (self.left != now.left, "its invalid indexes changed"),
            (self.counted_since != now.counted_since, "the server has lost its statistics"),
        ];
        facts.into_iter().filter(|(differs, _)| *differs).map(|(_, words)| words.to_owned()).collect()
    }
}

impl Listed for Object {
    const WORDS: (&'static str, &'static str) = ("object", "objects");
    const MOST: u64 = 10_000;
    type Key<'a> = (&'a str, &'a str);

    fn key(&self) -> (&str, &str) {
        (&self.schema, &self.name)
    }

    fn item(&self) -> Item {
        Item::named(format!("{} {}", self.kind, self.called()))
    }

    fn describe(change: &Change<'_, Self>) -> String {
        match change {
            Change::Gone(object) => format!("no longer there: {}", object.called()),
            Change::New(object) => format!("new: {}", object.called()),
            Change::Changed(old, new) => {
                let how = match () {
                    () if old.oid != new.oid => "another of the same name",
                    () if old.relfilenode != new.relfilenode => "rewritten",
                    () => "vacuumed since",
                };
                format!("{how}: {}", old.called())
            }
        }
    }
}

impl Listed for Key {
    const WORDS: (&'static str, &'static str) = ("key", "rows");
    const MOST: u64 = MOST;
    type Key<'a> = &'a [String];

    fn key(&self) -> &[String] {
        &self.key
    }

    fn item(&self) -> Item {
        Item::named(self.shown())
    }

    fn describe(change: &Change<'_, Self>) -> String {
        match change {
            Change::New(key) => format!("a new row fits: {}", key.shown()),
            Change::Gone(key) | Change::Changed(key, _) => format!("a row no longer fits: {}", key.shown()),
        }
    }
}

/// The key of the next row; none at the end.
pub(super) fn next_key(set: &mut dyn BufRead, width: usize) -> Result<Option<Key>, Error> {
    let key: Option<Key> = frozen::next(set, &mut Vec::new())?;
    match key {
        Some(key) if key.key.len() != width => Err(not_a_set("a key has another number of columns")),
        key => Ok(key),
    }
}

/// A page of a set for the screen: the rows if they are listed, the objects otherwise.
pub(in super::super) fn items(
    first: &Value,
    set: &mut dyn BufRead,
    from: u64,
    count: u64,
) -> Result<(u64, Vec<Item>), Error> {
    let head: Head = frozen::typed(first, Head::OF)?;
    match &head.rows {
        Some(rows) if !rows.bounded => {
            frozen::skip(head.count, set)?;
            frozen::page::<Key>(rows.count, set, from, count)
        }
        _ => frozen::items_of::<Head>(first, set, from, count),
    }
}

/// The drift between two sets.
pub(in super::super) fn drift(
    old: &Value,
    before: &mut dyn BufRead,
    new: &Value,
    after: &mut dyn BufRead,
) -> Result<Vec<String>, Error> {
    let ((old, was), (new, is)) = (frozen::after::<Head>(old, before)?, frozen::after::<Head>(new, after)?);
    let mut lines = old.drift(&new);
    lines.extend(frozen::changes(&was, &is));
    if let (Some(old), Some(new)) = (&old.rows, &new.rows) {
        row_drift(old, before, new, after, &mut lines)?;
    }
    Ok(lines)
}

/// The rows that came and went, and the cascades.
fn row_drift(
    old: &Rows,
    before: &mut dyn BufRead,
    new: &Rows,
    after: &mut dyn BufRead,
    lines: &mut Vec<String>,
) -> Result<(), Error> {
    if old.bounded || new.bounded {
        if (old.bounded, old.count) != (new.bounded, new.count) {
            lines.push(format!("at most {} rows are touched, and not {}", new.count, old.count));
        }
    } else {
        let (was, is) = (frozen::listed::<Key>(old.count, before)?, frozen::listed::<Key>(new.count, after)?);
        lines.extend(frozen::changes(&was, &is));
    }
    for (child, found) in &new.cascades {
        let before = old.cascades.iter().find(|(name, _)| name == child).map(|(_, found)| *found);
        if before != Some(*found) {
            lines.push(format!("the number of rows of {child} that go with them changed"));
        }
    }
    Ok(())
}
