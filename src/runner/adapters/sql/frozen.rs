//! The frozen set: which server, which statement, which objects.
//!
//! ```text
//! {"set":"sql","system":"7480…","database":"app","statement":"VACUUM \"public\".\"tasks\"","counted_since":"…","count":1}
//! {"oid":16402,"schema":"public","name":"tasks","kind":"table","relfilenode":16402,"last_vacuum":null}
//! ```
//! After the objects come the keys of the rows, where they are listed: `{"key":["4711"]}`.
//!
//! Nothing in it ages; the second line of time is that of the last VACUUM that somebody asked for.

use crate::domain::{Error, Item};
use crate::runner::adapters::not_a_set;
use crate::runner::adapters::sql::rows::{Key, Rows};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io::BufRead;

/// The most objects of one statement.
const MOST: usize = 10_000;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) set: String,
    /// The cluster's system identifier: a copy of the server has the same, another server never.
    pub(super) system: String,
    pub(super) database: String,
    pub(super) statement: String,
    /// Since when the server has its statistics; a crash loses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) counted_since: Option<String>,
    /// How many objects follow.
    pub(super) count: u64,
    /// The rows, where they can be frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<Rows>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) oid: i64,
    pub(super) schema: String,
    pub(super) name: String,
    /// `table`, `index`, `view`, `sequence` and their like.
    pub(super) kind: String,
    /// The name of its file; 0 where it has none. A rewrite gives it another.
    pub(super) relfilenode: i64,
    /// When it was last vacuumed by hand.
    pub(super) last_vacuum: Option<String>,
}

impl Object {
    /// `public.tasks`.
    pub(super) fn called(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Whether this is the very relation that was frozen, not rewritten and not renamed.
    pub(super) fn is(&self, now: &Self) -> bool {
        let identity = |object: &Self| (object.oid, object.relfilenode, object.schema.clone(), object.name.clone());
        identity(self) == identity(now)
    }
}

/// Reads a set's objects; the keys of its rows are still to be read.
fn objects(count: u64, set: &mut dyn BufRead) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    while (objects.len() as u64) < count {
        let line = line(set)?.ok_or_else(|| not_a_set("it does not hold as many objects as it says"))?;
        objects.push(serde_json::from_slice(&line).map_err(|_| not_a_set("a line is no object"))?);
        if objects.len() > MOST {
            return Err(not_a_set("it has too many objects"));
        }
    }
    Ok(objects)
}

/// The next line; none at the end.
fn line(set: &mut dyn BufRead) -> Result<Option<Vec<u8>>, Error> {
    let mut line = Vec::new();
    let read = set.read_until(b'\n', &mut line).map_err(|cause| Error::machine("read the frozen set", cause))?;
    Ok((read > 0).then_some(line))
}

/// The key of the next row; none at the end.
pub(super) fn next_key(set: &mut dyn BufRead, width: usize) -> Result<Option<Key>, Error> {
    let Some(line) = line(set)? else { return Ok(None) };
    let key: Key = serde_json::from_slice(&line).map_err(|_| not_a_set("a line is no key"))?;
    if key.key.len() == width { Ok(Some(key)) } else { Err(not_a_set("a key has another number of columns")) }
}

/// Reads a set of a statement without rows, or leaves its rows to be read.
fn rest(head: &Head, set: &mut dyn BufRead) -> Result<Vec<Object>, Error> {
    let objects = objects(head.count, set)?;
    if head.rows.is_none() && line(set)?.is_some() {
        return Err(not_a_set("it does not hold as many objects as it says"));
    }
    Ok(objects)
}

fn head(value: &serde_json::Value) -> Result<Head, Error> {
    serde_json::from_value(value.clone()).map_err(|_| not_a_set("its first line is no head of a statement"))
}

/// Reads a set up to the keys of its rows.
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
    count: u64,
) -> Result<(u64, Vec<Item>), Error> {
    let head = head(first)?;
    let objects = rest(&head, set)?;
    let item = |name: String| Item { name, bytes: None, modified: None, to: None };
    if let Some(rows) = &head.rows {
        return page(&head, rows, set, from, count);
    }
    if objects.is_empty() {
        return Ok((1, if from == 0 { vec![item(head.statement)] } else { Vec::new() }));
    }
    let (from, most) = (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(count).unwrap_or(usize::MAX));
    let page = objects.iter().skip(from).take(most);
    Ok((head.count, page.map(|object| item(format!("{} {}", object.kind, object.called()))).collect()))
}

/// A page of the rows.
fn page(head: &Head, rows: &Rows, set: &mut dyn BufRead, from: u64, most: u64) -> Result<(u64, Vec<Item>), Error> {
    let item = |name: String| Item { name, bytes: None, modified: None, to: None };
    if rows.bounded {
        let name = format!("{}: at most {} rows (bounded, not listed)", head.statement, rows.count);
        return Ok((1, if from == 0 { vec![item(name)] } else { Vec::new() }));
    }
    let mut page = Vec::new();
    for place in 0..rows.count.min(from.saturating_add(most)) {
        let key = next_key(set, rows.width())?.ok_or_else(|| not_a_set("it does not hold as many rows as it says"))?;
        if place >= from {
            page.push(item(key.key.join(", ")));
        }
    }
    Ok((rows.count, page))
}

/// What moved between two sets.
pub(in super::super) fn moved(
    old: &serde_json::Value,
    before: &mut dyn BufRead,
    new: &serde_json::Value,
    after: &mut dyn BufRead,
) -> Result<Vec<String>, Error> {
    let (old, new) = (head(old)?, head(new)?);
    let (was, is) = (rest(&old, before)?, rest(&new, after)?);
    let mut lines = Vec::new();
    if (&old.system, &old.database) != (&new.system, &new.database) {
        lines.push("it is another server or database than the one shown".to_owned());
    }
    if old.statement != new.statement {
        lines.push("the statement is another".to_owned());
    }
    if old.counted_since != new.counted_since {
        lines.push("the server has lost its statistics".to_owned());
    }
    for object in &was {
        match is.iter().find(|now| (&now.schema, &now.name) == (&object.schema, &object.name)) {
            None => lines.push(format!("no longer there: {}", object.called())),
            Some(now) if now.oid != object.oid => lines.push(format!("another of the same name: {}", object.called())),
            Some(now) if now.relfilenode != object.relfilenode => {
                lines.push(format!("rewritten: {}", object.called()));
            }
            Some(now) if now != object => lines.push(format!("vacuumed meanwhile: {}", object.called())),
            Some(_) => {}
        }
    }
    if let (Some(old), Some(new)) = (&old.rows, &new.rows) {
        rows_moved(old, before, new, after, &mut lines)?;
    }
    let known = |now: &&Object| !was.iter().any(|object| (&now.schema, &now.name) == (&object.schema, &object.name));
    lines.extend(is.iter().filter(known).map(|now| format!("new: {}", now.called())));
    Ok(lines)
}

/// Which rows came and went, and what goes with them.
fn rows_moved(
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
        let keys = |rows: &Rows, set: &mut dyn BufRead| -> Result<HashSet<Key>, Error> {
            let mut keys = HashSet::new();
            while let Some(key) = next_key(set, rows.width())? {
                keys.insert(key);
            }
            Ok(keys)
        };
        let (was, is) = (keys(old, before)?, keys(new, after)?);
        let mut named = |from: &HashSet<Key>, but: &HashSet<Key>, words: &str| {
            let mut keys: Vec<String> = from.difference(but).map(|key| key.key.join(", ")).collect();
            keys.sort();
            lines.extend(keys.into_iter().map(|key| format!("{words}: {key}")));
        };
        named(&was, &is, "a row no longer fits");
        named(&is, &was, "a new row fits");
    }
    for (child, found) in &new.cascades {
        let before = old.cascades.iter().find(|(name, _)| name == child).map(|(_, found)| *found);
        if before != Some(*found) {
            lines.push(format!("another number of rows of {child} goes with them"));
        }
    }
    Ok(())
}
