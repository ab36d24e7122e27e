//! What all frozen sets and actions share: lines of JSON, heads, words.

use crate::domain::{EffectClass, Error, Kind};
use crate::procedure::plan::Action;
use serde::Serialize;
use std::io::{BufRead, Write};

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
