//! Frozen sets: lines of JSON, first the head, then one line for each item of a listed set.
//!
//! An adapter defines its head, its items and their words; writing, reading, paging and comparing are here. An
//! incomplete set is refused before anything is touched.

pub(super) mod bytes;
mod draft;
#[cfg(test)]
mod tests;

pub use draft::Draft;

use crate::domain::{Error, Item};
use crate::runner::adapters::bound::{self, Bound};
use crate::runner::adapters::{exec, files, http, objects, redis, script, sql, systemd, undo};
use crate::runner::pinned::Pinned;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;

/// The key of a program's files in a head.
const PINNED: &str = "pinned";

/// How many lines describe the drift between two sets at most.
const MAX_DRIFT_LINES: usize = 20;

/// The first line of a listed set.
pub(super) trait Head: Serialize + DeserializeOwned {
    /// The type of its items.
    type Item: Listed;
    /// Its name in errors: "its first line is no head of …".
    const OF: &'static str;

    /// How many items follow.
    fn listed(&self) -> u64;

    /// Whether nothing follows the items.
    fn is_all(&self) -> bool {
        true
    }

    /// The text on the screen for items that are not listed.
    fn alone(&self) -> Option<String> {
        None
    }

    /// The drift since then, as far as the heads show it.
    fn drift(&self, now: &Self) -> Vec<String>;
}

/// One item of a listed set.
pub(super) trait Listed: Serialize + DeserializeOwned + PartialEq {
    /// Its noun, singular and plural.
    const WORDS: (&'static str, &'static str);
    /// The most items of one set.
    const MOST: u64;
    /// The key that identifies it in two sets, and sorts it.
    type Key<'a>: Ord
    where
        Self: 'a;

    /// Its key.
    fn key(&self) -> Self::Key<'_>;

    /// Its form for people.
    fn item(&self) -> Item;

    /// The sentence for a change of it.
    fn describe(change: &Change<'_, Self>) -> String;
}

/// The change of one item between two sets.
pub(super) enum Change<'a, T: ?Sized> {
    Gone(&'a T),
    Changed(&'a T, &'a T),
    New(&'a T),
}

impl<T> Change<'_, T> {
    /// The standard sentence, with the item's name for people.
    pub(super) fn named(&self, name: impl Fn(&T) -> String) -> String {
        match self {
            Self::Gone(it) => format!("no longer among them: {}", name(it)),
            Self::Changed(_, it) => format!("changed: {}", name(it)),
            Self::New(it) => format!("new: {}", name(it)),
        }
    }
}

pub(super) fn not_a_set(why: &str) -> Error {
    Error::machine("read the frozen set", why)
}

/// Writes a complete set.
pub(super) fn write<H: Head>(
    set: &mut dyn Write,
    head: &H,
    items: impl IntoIterator<Item = impl Borrow<H::Item>>,
) -> Result<(), Error> {
    write_line(set, head)?;
    items.into_iter().try_for_each(|item| write_line(set, item.borrow()))
}

/// Writes one value as a line of a set.
pub(super) fn write_line(set: &mut dyn Write, value: &impl Serialize) -> Result<(), Error> {
    let failed = |cause: &dyn std::fmt::Display| Error::machine("write the frozen set", cause);
    let mut line = serde_json::to_vec(value).map_err(|cause| failed(&cause))?;
    line.push(b'\n');
    set.write_all(&line).map_err(|cause| failed(&cause))
}

/// Reads the next line; `false` at the end.
fn next_line(set: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<bool, Error> {
    line.clear();
    let count = set.read_until(b'\n', line).map_err(|cause| Error::machine("read the frozen set", cause))?;
    if count > 0 && !line.ends_with(b"\n") {
        return Err(not_a_set("its last line is torn"));
    }
    Ok(count > 0)
}

/// Reads a set's first line.
pub(super) fn head(set: &mut dyn BufRead) -> Result<Value, Error> {
    let mut line = Vec::new();
    next_line(set, &mut line)?;
    serde_json::from_slice(&line).map_err(|_| not_a_set("its first line is no head"))
}

/// Parses a first line as the head of a type.
pub(super) fn typed<T: DeserializeOwned>(head: &Value, of: &str) -> Result<T, Error> {
    T::deserialize(head).map_err(|_| not_a_set(&format!("its first line is no head of {of}")))
}

/// Reads the next item; `None` at the end.
pub(super) fn next<T: Listed>(set: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<Option<T>, Error> {
    if !next_line(set, line)? {
        return Ok(None);
    }
    serde_json::from_slice(line).map(Some).map_err(|_| not_a_set(&format!("a line is no {}", T::WORDS.0)))
}

/// Reads a number of items; what follows them stays unread.
pub(super) fn listed<T: Listed>(count: u64, set: &mut dyn BufRead) -> Result<Vec<T>, Error> {
    if count > T::MOST {
        return Err(not_a_set(&format!("it has too many {}", T::WORDS.1)));
    }
    let (mut items, mut line) = (Vec::new(), Vec::new());
    while (items.len() as u64) < count {
        items.push(next(set, &mut line)?.ok_or_else(miscounted::<T>)?);
    }
    Ok(items)
}

fn miscounted<T: Listed>() -> Error {
    not_a_set(&format!("it does not hold the number of {} in its head", T::WORDS.1))
}

/// Reads all items after a first line.
pub(super) fn after<H: Head>(first: &Value, set: &mut dyn BufRead) -> Result<(H, Vec<H::Item>), Error> {
    let head: H = typed(first, H::OF)?;
    let items = listed(head.listed(), set)?;
    if head.is_all() && next_line(set, &mut Vec::new())? { Err(miscounted::<H::Item>()) } else { Ok((head, items)) }
}

/// Reads a complete set.
pub(super) fn whole<H: Head>(set: &mut dyn BufRead) -> Result<(H, Vec<H::Item>), Error> {
    after(&head(set)?, set)
}

/// A page of the items of a frozen set, starting at the `from`-th (from 0), with the number of all.
///
/// # Errors
/// When the bytes are not a set.
pub fn items(set: &mut dyn BufRead, from: u64, rows: u64) -> Result<(u64, Vec<Item>), Error> {
    let head = head(set)?;
    let all = match kind_of(&head) {
        files::KEY => return items_of::<files::Head>(&head, set, from, rows),
        objects::KEY => return items_of::<objects::Head>(&head, set, from, rows),
        redis::KEY => return items_of::<redis::Head>(&head, set, from, rows),
        sql::KEY => return sql::items(&head, set, from, rows),
        exec::KEY => exec::items(&head),
        http::KEY => http::items(&head),
        script::KEY => script::items(&head),
        systemd::KEY => systemd::items(&head),
        undo::KEY => undo::items(&head),
        bound::ALONE => bound::items(&head),
        _ => return Err(not_a_set("its kind is not known")),
    };
    Ok(page_of(all, from, rows))
}

/// A page of items in memory, with the number of all.
fn page_of(all: Vec<Item>, from: u64, rows: u64) -> (u64, Vec<Item>) {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    (all.len() as u64, all.into_iter().skip(size(from)).take(size(rows)).collect())
}

/// A page of the items after a first line, with the number of all.
pub(super) fn items_of<H: Head>(
    first: &Value,
    set: &mut dyn BufRead,
    from: u64,
    rows: u64,
) -> Result<(u64, Vec<Item>), Error> {
    let head: H = typed(first, H::OF)?;
    match head.alone() {
        Some(line) => Ok(page_of(vec![Item::named(line)], from, rows)),
        None => page::<H::Item>(head.listed(), set, from, rows),
    }
}

/// A page of the next `count` items, with that number; only the shown items are held in memory.
pub(super) fn page<T: Listed>(
    count: u64,
    set: &mut dyn BufRead,
    from: u64,
    rows: u64,
) -> Result<(u64, Vec<Item>), Error> {
    skip(from.min(count), set)?;
    let (mut items, mut line) = (Vec::new(), Vec::new());
    for _ in 0..rows.min(count.saturating_sub(from)) {
        items.push(next::<T>(set, &mut line)?.ok_or_else(miscounted::<T>)?.item());
    }
    Ok((count, items))
}

/// Skips lines.
pub(super) fn skip(lines: u64, set: &mut dyn BufRead) -> Result<(), Error> {
    for _ in 0..lines {
        set.skip_until(b'\n').map_err(|cause| Error::machine("read the frozen set", cause))?;
    }
    Ok(())
}

/// The drift between two sets of one action, one line each, at most twenty and the number of the rest.
pub fn drift(before: &mut dyn BufRead, after: &mut dyn BufRead) -> Vec<String> {
    let found = head(before).and_then(|old| {
        let new = head(after)?;
        let mut lines = bound_drift(&old, &new);
        lines.extend(match (kind_of(&old), kind_of(&new)) {
            (files::KEY, files::KEY) => drift_of::<files::Head>(&old, before, &new, after)?,
            (objects::KEY, objects::KEY) => drift_of::<objects::Head>(&old, before, &new, after)?,
            (redis::KEY, redis::KEY) => drift_of::<redis::Head>(&old, before, &new, after)?,
            (sql::KEY, sql::KEY) => sql::drift(&old, before, &new, after)?,
            _ => head_drift(&old, &new),
        });
        Ok(lines)
    });
    let mut lines = found.unwrap_or_else(|error| vec![format!("the sets cannot be compared: {}", error.message)]);
    let more = lines.len().saturating_sub(MAX_DRIFT_LINES);
    if more > 0 {
        lines.truncate(MAX_DRIFT_LINES);
        let count = crate::domain::quantity::count(more as u64);
        lines.push(format!("and {count} more"));
    }
    lines
}

fn drift_of<H: Head>(
    old: &Value,
    before: &mut dyn BufRead,
    new: &Value,
    later: &mut dyn BufRead,
) -> Result<Vec<String>, Error> {
    let ((old, was), (new, is)) = (after::<H>(old, before)?, after::<H>(new, later)?);
    let mut lines = old.drift(&new);
    lines.extend(changes(&was, &is));
    Ok(lines)
}

/// The change of each item between two lists, in the order of their keys.
pub(super) fn changes<T: Listed>(was: &[T], is: &[T]) -> Vec<String> {
    let mut both: BTreeMap<T::Key<'_>, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for item in was {
        both.entry(item.key()).or_default().0 = Some(item);
    }
    for item in is {
        both.entry(item.key()).or_default().1 = Some(item);
    }
    let change = |pair| match pair {
        (Some(old), Some(new)) if old != new => Some(Change::Changed(old, new)),
        (Some(old), None) => Some(Change::Gone(old)),
        (None, Some(new)) => Some(Change::New(new)),
        _ => None,
    };
    both.into_values().filter_map(change).map(|change| T::describe(&change)).collect()
}

/// The keys in which two heads differ.
fn head_drift(old: &Value, new: &Value) -> Vec<String> {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return Vec::new() };
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut lines = pinned_drift(old.get(PINNED), new.get(PINNED));
    let keys = keys.into_iter().filter(|key| *key != bound::KEY && (*key != PINNED || lines.is_empty()));
    let differ = keys.filter(|key| old.get(*key) != new.get(*key));
    let differ: Vec<String> = differ.map(|key| format!("the {key} is another than the one shown")).collect();
    lines.extend(differ);
    lines
}

/// The files that a program runs and reads that changed.
fn pinned_drift(old: Option<&Value>, new: Option<&Value>) -> Vec<String> {
    let pinned = |value: Option<&Value>| Pinned::deserialize(value?).ok();
    match (pinned(old), pinned(new)) {
        (Some(old), Some(new)) => old.changes(&new),
        _ => Vec::new(),
    }
}

/// The files that the undo and the proof would run that changed.
fn bound_drift(old: &Value, new: &Value) -> Vec<String> {
    match (Bound::in_head(old), Bound::in_head(new)) {
        (None, None) => Vec::new(),
        (old, new) => old.unwrap_or_default().changes(&new.unwrap_or_default()),
    }
}

/// The argument files of the same program that changed.
pub fn drifted_arguments(before: &mut dyn BufRead, after: &mut dyn BufRead) -> Vec<PathBuf> {
    let (Ok(old), Ok(new)) = (head(before), head(after)) else { return Vec::new() };
    let pinned = |head: &Value| Pinned::deserialize(head.get(PINNED)?).ok();
    let mut paths = match (Bound::in_head(&old), Bound::in_head(&new)) {
        (Some(old), Some(new)) => old.changed_arguments(&new),
        _ => Vec::new(),
    };
    if let (Some(old), Some(new)) = (pinned(&old), pinned(&new)) {
        paths.extend(old.changed_arguments(&new).map(std::path::Path::to_owned));
    }
    paths
}

fn kind_of(head: &Value) -> &str {
    head.get("set").and_then(Value::as_str).unwrap_or_default()
}
