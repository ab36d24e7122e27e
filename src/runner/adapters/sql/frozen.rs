//! The frozen set: which server, which statement, which objects.
//!
//! ```text
//! {"set":"sql","system":"7480…","database":"app","statement":"VACUUM \"public\".\"tasks\"","counted_since":"…","count":1}
//! {"oid":16402,"schema":"public","name":"tasks","kind":"table","relfilenode":16402,"last_vacuum":null}
//! ```
//! Nothing in it ages; the second line of time is that of the last VACUUM that somebody asked for.

use crate::domain::{Error, Item};
use crate::runner::adapters::not_a_set;
use serde::{Deserialize, Serialize};
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
    pub(super) count: u64,
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

/// Reads a set's objects.
pub(super) fn rest(count: u64, set: &mut dyn BufRead) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = set.read_until(b'\n', &mut line).map_err(|cause| Error::machine("read the frozen set", cause))?;
        if read == 0 {
            break;
        }
        objects.push(serde_json::from_slice(&line).map_err(|_| not_a_set("a line is no object"))?);
        if objects.len() > MOST {
            return Err(not_a_set("it has too many objects"));
        }
    }
    if objects.len() as u64 == count {
        Ok(objects)
    } else {
        Err(not_a_set("it does not hold as many objects as it says"))
    }
}

fn head(value: &serde_json::Value) -> Result<Head, Error> {
    serde_json::from_value(value.clone()).map_err(|_| not_a_set("its first line is no head of a statement"))
}

/// Reads a whole set.
pub(super) fn whole(set: &mut dyn BufRead) -> Result<(Head, Vec<Object>), Error> {
    let head = head(&crate::runner::adapters::head(set)?)?;
    let objects = rest(head.count, set)?;
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
    let objects = rest(head.count, set)?;
    let item = |name: String| Item { name, bytes: None, modified: None, to: None };
    if objects.is_empty() {
        return Ok((1, if from == 0 { vec![item(head.statement)] } else { Vec::new() }));
    }
    let (from, rows) = (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(rows).unwrap_or(usize::MAX));
    let page = objects.iter().skip(from).take(rows);
    Ok((head.count, page.map(|object| item(format!("{} {}", object.kind, object.called()))).collect()))
}

/// What moved between two sets.
pub(in super::super) fn moved(
    old: &serde_json::Value,
    before: &mut dyn BufRead,
    new: &serde_json::Value,
    after: &mut dyn BufRead,
) -> Result<Vec<String>, Error> {
    let (old, new) = (head(old)?, head(new)?);
    let (was, is) = (rest(old.count, before)?, rest(new.count, after)?);
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
    let known = |now: &&Object| !was.iter().any(|object| (&now.schema, &now.name) == (&object.schema, &object.name));
    lines.extend(is.iter().filter(known).map(|now| format!("new: {}", now.called())));
    Ok(lines)
}
