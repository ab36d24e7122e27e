//! What all frozen sets and actions share: lines of JSON, heads, words.

use crate::domain::{EffectClass, Error, Item, Kind};
use crate::procedure::plan::Action;
use crate::runner::adapters::{exec, files, http, objects, redis, script, sql, systemd, undo};
use serde::Serialize;
use std::io::{BufRead, Write};

/// The most lines that say what moved between two sets.
const MOST_MOVED: usize = 20;

/// Some objects of a frozen set for the screen, from the `from`-th (from 0), with the number of all.
///
/// # Errors
/// When the bytes are not a set.
pub fn items(set: &mut dyn BufRead, from: u64, rows: u64) -> Result<(u64, Vec<Item>), Error> {
    let head = head(set)?;
    match kind_of(&head) {
        "files" => files::items(&head, set, from, rows),
        redis::KEY => redis::items(&head, set, from, rows),
        sql::KEY => sql::items(&head, set, from, rows),
        "exec" => Ok((1, exec::items(&head).into_iter().skip(usize::from(from > 0)).collect())),
        objects::KEY => objects::items(&head, set, from, rows),
        "http" => Ok((1, http::items(&head).into_iter().skip(usize::from(from > 0)).collect())),
        script::KEY => {
            let lines = script::items(&head);
            let (from, rows) =
                (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(rows).unwrap_or(usize::MAX));
            Ok((lines.len() as u64, lines.into_iter().skip(from).take(rows).collect()))
        }
        systemd::KEY => Ok((1, systemd::items(&head).into_iter().skip(usize::from(from > 0)).collect())),
        undo::KEY => Ok(undo::items(&head, from, rows)),
        _ => Err(not_a_set("its kind is not known")),
    }
}

/// What moved between two sets of one action, one line each, at most twenty and the number of the rest.
pub fn moved(before: &mut dyn BufRead, after: &mut dyn BufRead) -> Vec<String> {
    let found = head(before).and_then(|old| {
        let new = head(after)?;
        match (kind_of(&old), kind_of(&new)) {
            ("files", "files") => files::moved(&old, before, &new, after),
            (objects::KEY, objects::KEY) => objects::moved(&old, before, &new, after),
            (redis::KEY, redis::KEY) => redis::moved(&old, before, &new, after),
            (sql::KEY, sql::KEY) => sql::moved(&old, before, &new, after),
            _ => Ok(head_moved(&old, &new)),
        }
    });
    let mut lines = found.unwrap_or_else(|error| vec![format!("the sets cannot be compared: {}", error.message)]);
    let more = lines.len().saturating_sub(MOST_MOVED);
    if more > 0 {
        lines.truncate(MOST_MOVED);
        let count = crate::domain::quantity::count(more as u64);
        lines.push(format!("and {count} more"));
    }
    lines
}

/// The keys in which two heads differ.
pub(super) fn head_moved(old: &serde_json::Value, new: &serde_json::Value) -> Vec<String> {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return Vec::new() };
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    differ.map(|key| format!("the {key} is another than the one shown")).collect()
}

/// Reads a set's first line.
pub(super) fn head(set: &mut dyn BufRead) -> Result<serde_json::Value, Error> {
    let mut line = Vec::new();
    set.read_until(b'\n', &mut line).map_err(|cause| Error::machine("read the frozen set", cause))?;
    serde_json::from_slice(&line).map_err(|_| not_a_set("its first line is no head"))
}

pub(super) fn kind_of(head: &serde_json::Value) -> &str {
    head.get("set").and_then(serde_json::Value::as_str).unwrap_or_default()
}

pub(super) fn not_a_set(why: &str) -> Error {
    Error::machine("read the frozen set", why)
}

/// Writes one value as a line of a set.
pub(super) fn write_line(set: &mut dyn Write, value: &impl Serialize) -> Result<(), Error> {
    let failed = |cause: &dyn std::fmt::Display| Error::machine("write the frozen set", cause);
    let mut line = serde_json::to_vec(value).map_err(|cause| failed(&cause))?;
    line.push(b'\n');
    set.write_all(&line).map_err(|cause| failed(&cause))
}

/// A word of plain ASCII for a phrase: what is not a letter, digit, `.`, `_` or `-` becomes `-`.
pub(super) fn plain_word(text: &str, otherwise: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let word: String = text.chars().map(plain).collect();
    if word.chars().any(|c| c.is_ascii_alphanumeric()) { word } else { otherwise.to_owned() }
}

/// Reads an action's own type back; only a plan of another version, or a damaged one, does not hold it.
pub(super) fn spec<T: serde::de::DeserializeOwned>(action: &Action) -> Result<T, Error> {
    serde_json::from_value(action.spec.clone())
        .map_err(|cause| Error::new(Kind::Usage, format!("cannot read the action \"{}\": {cause}", action.line)))
}

/// Makes an action of an adapter's own type.
pub(super) fn action(adapter: &str, floor: EffectClass, line: String, spec: &impl Serialize) -> Option<Action> {
    let spec = serde_json::to_value(spec).ok()?;
    Some(Action { adapter: adapter.to_owned(), floor, line, spec })
}
