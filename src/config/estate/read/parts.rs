//! What several sections are made of: names, paths, spans, limits.

use crate::config::estate::Limits;
use crate::config::reader::{Place, Problems, Table};
use crate::domain::quantity;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// The longest name, in characters: it must fit in a row.
const LONGEST_NAME: usize = 64;

/// Takes `{ warn = "80%", critical = "90%" }` out.
pub(super) fn limits(table: &mut Table, key: &'static str, problems: &mut Problems) -> Option<Limits> {
    let at = table.place_of(key);
    let mut given = table.table(key, problems)?;
    let mut share = |key| {
        if given.has(key) {
            given.parsed(key, "a share such as \"80%\"", problems, quantity::parse_share)
        } else {
            given.required_text(key, problems);
            None
        }
    };
    let (warn, critical) = (share("warn"), share("critical"));
    given.finish(problems);
    let limits = Limits { warn: warn?, critical: critical? };
    if limits.warn >= limits.critical {
        problems.add(at, format!("`{key}`: warn must be less than critical"));
    }
    Some(limits)
}

/// Takes a span within bounds out.
pub(super) fn span_of(
    table: &mut Table,
    key: &'static str,
    (least, most): (Duration, Duration),
    problems: &mut Problems,
) -> Option<Duration> {
    let what = format!("a span from {} to {} such as \"5s\"", quantity::span(least), quantity::span(most));
    let read = |text: &str| quantity::parse_span(text).filter(|span| (least..=most).contains(span));
    table.parsed(key, &what, problems, read)
}

/// Takes a path out.
pub(super) fn path(table: &mut Table, key: &'static str, problems: &mut Problems) -> Option<PathBuf> {
    let at = table.place_of(key);
    let text = table.text(key, problems)?;
    plain_path(&text).map_err(|why| problems.add(at, format!("`{key}` {why}"))).ok()
}

/// Reads a path that means the same from everywhere.
pub(super) fn plain_path(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err("must be absolute");
    }
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("must not hold `..`");
    }
    // Also without doubled and trailing slashes, so that one target is not named twice.
    Ok(path.components().collect())
}

/// Notes a name, or that another of its kind has it already.
pub(super) fn unique(
    seen: &mut Vec<(String, Place)>,
    name: Option<String>,
    at: Place,
    what: &str,
    problems: &mut Problems,
) {
    let Some(name) = name else { return };
    match seen.iter().find(|(other, _)| *other == name) {
        Some((_, first)) => {
            problems.add(at, format!("{what} is on line {} already: `{}`", first.line, name.escape_debug()));
        }
        None => seen.push((name, at)),
    }
}

impl Table {
    /// Takes a name out that must be there: printable, not blank, of bounded length.
    pub(super) fn named(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        let at = self.place_of(key);
        let name = self.required_text(key, problems)?;
        let fits = !name.trim().is_empty() && name == name.trim() && name.chars().count() <= LONGEST_NAME;
        if fits && !name.chars().any(char::is_control) {
            return Some(name);
        }
        let message =
            format!("`{key}` must be 1 to {LONGEST_NAME} characters, without control characters or outer spaces");
        problems.add(at, message);
        None
    }
}

/// Reads a size with or without one space before its unit.
pub(super) fn size(text: &str) -> Option<u64> {
    match text.split_once(' ') {
        Some((number, unit)) => quantity::parse_bytes(&format!("{number}{unit}")),
        None => quantity::parse_bytes(text),
    }
}
