//! Reads an action on files from its table.

use crate::config::reader::{Place, Problems, Table, Value};
use crate::domain::quantity::{bytes, parse_bytes, parse_span, span};
use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use crate::runner::adapters::files::{KEY, Op, Select, Spec, permissions, rotate};
use std::time::Duration;

/// Reads the keys of a `do`.
pub(super) fn parse_do(op: Op, mut table: Table, root: String, problems: &mut Problems) -> Option<Action> {
    let select = select(op, &mut table, problems);
    let to_at = table.place_of("to");
    let to = match op {
        Op::Move | Op::Archive => {
            table.required_text("to", problems).and_then(|text| relative(&text, "to", to_at, problems)).map(Some)
        }
        _ => Some(None),
    };
    let reopen = if op == Op::Rotate { rotate::parse(&mut table, problems).map(Some) } else { Some(None) };
    let grant = if op == Op::Permissions { permissions::parse(&mut table, problems).map(Some) } else { Some(None) };
    table.finish(problems);
    let (select, to, reopen, grant) = (select?, to?, reopen?, grant?);
    if to.as_ref().is_some_and(|to| lies_in(&select.under, to)) {
        problems.add(to_at, "`to` must be another directory than `under`, and none above it");
        return None;
    }
    let mut line = line(op, &select, to.as_deref());
    if let Some(grant) = &grant {
        line.push_str(&format!(" to {grant}"));
    }
    if let Some(reopen) = &reopen {
        line.push_str(&format!(", then {reopen}"));
    }
    common::action(
        KEY,
        op.least_effect(),
        line,
        &Spec { select: Some(select), to, reopen, grant, ..Spec::of(op, root) },
    )
}

/// Reads the selection of files.
pub(super) fn select(op: Op, table: &mut Table, problems: &mut Problems) -> Option<Select> {
    let under_at = table.place_of("under");
    let under = table.required_text("under", problems).and_then(|text| relative(&text, "under", under_at, problems));
    let match_at = table.place_of("match");
    let pattern = table.required_text("match", problems).and_then(|text| pattern(text, match_at, problems));
    let given = table.texts("except", problems).unwrap_or_default();
    let except: Option<Vec<_>> = given.into_iter().map(|(at, text)| self::pattern(text, at, problems)).collect();
    let recursive = table.bool("recursive", problems).unwrap_or(false);
    // The age of a rotated log or a searched file does not matter.
    let aged = !matches!(op, Op::Rotate | Op::Scan);
    let older_s = if aged { older(table, problems) } else { Ok(None) };
    let keep_newest = if aged { keep_newest(table, problems) } else { Some(0) };
    let larger = match op {
        Op::Rotate => table.parsed("larger", "a size such as \"100MiB\"", problems, parse_bytes),
        _ => None,
    };
    let (under, pattern, except, older_s, keep_newest) = (under?, pattern?, except?, older_s.ok()?, keep_newest?);
    let larger = larger.unwrap_or(u64::from(op == Op::Rotate));
    Some(Select { under, pattern, except, older_s, keep_newest, recursive, larger })
}

fn keep_newest(table: &mut Table, problems: &mut Problems) -> Option<u64> {
    let at = table.place_of("keep_newest");
    let kept = u64::try_from(table.int("keep_newest", problems).unwrap_or(0)).ok();
    if kept.is_none() {
        problems.add(at, "`keep_newest` must not be negative");
    }
    kept
}

/// Whether a directory is another one or is inside it; both relative.
fn lies_in(inner: &str, outer: &str) -> bool {
    outer.is_empty() || inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// A path below the root: no `..`, nothing absolute. The root itself is `.`.
pub(super) fn relative(text: &str, key: &str, at: Place, problems: &mut Problems) -> Option<String> {
    let text = text.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(text);
    if text == "." {
        return Some(String::new());
    }
    let sound = !text.contains(['\0'])
        && !text.contains("{{run.dir")
        && !text.split('/').any(|part| matches!(part, "" | "." | ".."));
    if !sound {
        problems.add(at, format!("`{key}` must be a path below `root`, without `..`, not \"{}\"", text.escape_debug()));
    }
    sound.then(|| text.to_owned())
}

/// A pattern of a file's name.
pub(super) fn pattern(text: String, at: Place, problems: &mut Problems) -> Option<String> {
    let sound = !text.is_empty() && !text.contains(['/', '[', ']', '{', '}', '\\', '\0']) && !text.contains("**");
    if !sound {
        let message = format!("\"{}\" is not a pattern of a file's name", text.escape_debug());
        problems.add_with_hint(at, message, "only `*` and `?` are wildcards, and a name contains no `/`");
    }
    sound.then_some(text)
}

/// The age in seconds; an error was already reported.
fn older(table: &mut Table, problems: &mut Problems) -> Result<Option<u64>, ()> {
    let Some(node) = table.take("older") else { return Ok(None) };
    let seconds = match &node.value {
        Value::Int(days) => u64::try_from(*days).ok().and_then(|days| days.checked_mul(86_400)),
        Value::Text(text) => parse_span(text).map(|span| span.as_secs()),
        _ => None,
    };
    if seconds.is_none() {
        problems.add(node.at, "`older` must be a number of days or a span such as \"90d\" or \"12h\"");
    }
    seconds.map(Some).ok_or(())
}

/// The selected files and the operation, for people.
pub(super) fn line(op: Op, select: &Select, to: Option<&str>) -> String {
    let slash = if select.under.is_empty() { "" } else { "/" };
    let deep = if select.recursive { "**/" } else { "" };
    let mut line = format!("{} {}{slash}{deep}{}", op.word(), select.under, select.pattern);
    if !select.except.is_empty() {
        line.push_str(&format!(" except {}", select.except.join(", ")));
    }
    if let Some(seconds) = select.older_s {
        line.push_str(&format!(" older than {}", span(Duration::from_secs(seconds))));
    }
    if select.larger > 1 {
        line.push_str(&format!(" from {} on", bytes(select.larger)));
    }
    if select.keep_newest > 0 {
        line.push_str(&format!(", keeping the newest {}", select.keep_newest));
    }
    if let Some(to) = to {
        line.push_str(&format!(" to {}", if to.is_empty() { "." } else { to }));
    }
    line
}
