//! `files`: lists, moves and deletes files below the procedure's root.
//!
//! ```toml
//! do    = { files = "delete", under = "data/sessions", match = "*.json", older = "{{sessions}}" }
//! do    = { files = "move", under = "logs", match = "*.gz", older = 1, to = "logs/archive" }
//! prove = { files = "arrived" }         # after a move; `gone` after a delete
//! undo  = { files = "restore" }         # of a move
//! check = { files = "newest", under = "backups", match = "*.tar.gz", younger = "24h", larger = "1MiB" }
//! check = { files = "verify", under = "backups", match = "*.tar.gz" }     # the newest, against the SHA-256 beside it
//! ```
//!
//! `match` and `except` are patterns of a file's name, in which `*` stands for any bytes and `?` for one; a name that
//! begins with a dot is matched only by a pattern that does. `older` counts from the last change of content, in days
//! or as a span. `keep_newest` leaves that many of the matching files alone, whatever their age. Only regular files are
//! ever touched. Subdirectories are entered with `recursive = true`, but never the directory that files are moved to.
//! All work goes through directory descriptors that no symbolic link and no mount can lead out of the root.

mod beneath;
mod frozen;
mod handles;
mod hands;
mod look;
mod newest;
mod proof;
mod rehearse;
#[cfg(test)]
mod tests;
mod verify;

use crate::config::reader::{Place, Problems, Table, Value};
use crate::domain::EffectClass;
use crate::domain::quantity::{parse_span, span};
use crate::procedure::adapters::{Purpose, Scope};
use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) use frozen::{items, moved};
pub(super) use hands::act;
pub(super) use look::preview;
pub(super) use proof::prove;
pub(super) use rehearse::rehearse;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    List,
    Move,
    Delete,
    Restore,
    Gone,
    Arrived,
    Newest,
    Verify,
}

impl Op {
    const ALL: [Self; 8] =
        [Self::List, Self::Move, Self::Delete, Self::Restore, Self::Gone, Self::Arrived, Self::Newest, Self::Verify];

    fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Move => "move",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Gone => "gone",
            Self::Arrived => "arrived",
            Self::Newest => "newest",
            Self::Verify => "verify",
        }
    }

    /// What it may stand for, and what it needs its step to do.
    fn purpose(self) -> (Purpose, &'static [Self]) {
        match self {
            Self::List | Self::Move | Self::Delete => (Purpose::Do, &[]),
            Self::Restore => (Purpose::Undo, &[Self::Move]),
            Self::Gone => (Purpose::Prove, &[Self::Delete, Self::Move]),
            Self::Arrived => (Purpose::Prove, &[Self::Move]),
            Self::Newest | Self::Verify => (Purpose::Check, &[]),
        }
    }

    fn floor(self) -> EffectClass {
        match self {
            Self::List | Self::Gone | Self::Arrived | Self::Newest | Self::Verify => EffectClass::Read,
            Self::Move | Self::Restore => EffectClass::Change,
            Self::Delete => EffectClass::Destroy,
        }
    }
}

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    op: Op,
    root: String,
    /// What it selects; an undo and a proof have their step's frozen set instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    select: Option<Select>,
    /// Where files are moved to, relative to the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// What the newest must be; a read takes it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<newest::Wanted>,
}

/// Which files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Select {
    /// The directory, relative to the root; empty for the root itself.
    under: String,
    pattern: String,
    except: Vec<String>,
    older_s: Option<u64>,
    keep_newest: u64,
    recursive: bool,
}

/// Reads the action.
pub(super) fn parse(purpose: Purpose, mut table: Table, scope: &Scope, problems: &mut Problems) -> Option<Action> {
    let at = table.at;
    let op = table.parsed(
        "files",
        "one of list, move, delete, restore, gone, arrived, newest, verify",
        problems,
        |word| Op::ALL.into_iter().find(|op| op.word() == word),
    )?;
    let root = scope.root.clone();
    if root.is_none() {
        problems.say(at, "`files` needs the procedure's `root`");
    }
    let (fits, of) = op.purpose();
    if op == Op::Newest && matches!(purpose, Purpose::Check | Purpose::Read) {
        return newest::parse(purpose, table, root?, problems);
    }
    if op == Op::Verify && matches!(purpose, Purpose::Check | Purpose::Read) {
        return verify::parse(table, root?, problems);
    }
    if fits != purpose {
        problems
            .say(at, format!("`files = \"{}\"` belongs under `{}`, not `{}`", op.word(), fits.word(), purpose.word()));
        return None;
    }
    if fits == Purpose::Do {
        return parse_do(op, table, root?, problems);
    }
    table.finish(problems);
    let done = scope.of.as_ref().and_then(|act| common::spec::<Spec>(act).ok()).map(|spec| spec.op);
    if !done.is_some_and(|done| of.contains(&done)) {
        let words: Vec<_> = of.iter().map(|op| format!("`{}`", op.word())).collect();
        problems.say(at, format!("`{}` follows {} of files only", op.word(), words.join(" or ")));
        return None;
    }
    let line = match op {
        Op::Restore => "move every file back to where it was",
        Op::Arrived => "every file is at its new place",
        _ => "every file is gone from its place",
    };
    common::action(
        "files",
        op.floor(),
        line.to_owned(),
        &Spec { op, root: root?, select: None, to: None, newest: None },
    )
}

fn parse_do(op: Op, mut table: Table, root: String, problems: &mut Problems) -> Option<Action> {
    let at = table.at;
    let place = |table: &Table, key: &str| table.entries.iter().find(|e| e.key == key).map_or(at, |e| e.node.at);
    let under_at = place(&table, "under");
    let under = table.required_text("under", problems).and_then(|text| relative(&text, "under", under_at, problems));
    let match_at = place(&table, "match");
    let pattern = table.required_text("match", problems).and_then(|text| pattern(text, match_at, problems));
    let given = table.texts("except", problems).unwrap_or_default();
    let except: Option<Vec<_>> = given.into_iter().map(|(at, text)| self::pattern(text, at, problems)).collect();
    let older_s = older(&mut table, problems);
    let keep_at = place(&table, "keep_newest");
    let keep_newest = u64::try_from(table.int("keep_newest", problems).unwrap_or(0)).ok();
    if keep_newest.is_none() {
        problems.say(keep_at, "`keep_newest` must not be negative");
    }
    let recursive = table.bool("recursive", problems).unwrap_or(false);
    let to_at = place(&table, "to");
    let to = match op {
        Op::Move => table.required_text("to", problems).and_then(|text| relative(&text, "to", to_at, problems)),
        _ => None,
    };
    table.finish(problems);
    let (under, pattern, except, keep_newest, older_s) = (under?, pattern?, except?, keep_newest?, older_s.ok()?);
    if op == Op::Move && lies_in(&under, to.as_deref()?) {
        problems.say(to_at, "`to` must be another directory than `under`, and none above it");
        return None;
    }
    let select = Select { under, pattern, except, older_s, keep_newest, recursive };
    let line = line(op, &select, to.as_deref());
    common::action("files", op.floor(), line, &Spec { op, root, select: Some(select), to, newest: None })
}

/// Whether a directory is another one or lies in it; both relative.
fn lies_in(inner: &str, outer: &str) -> bool {
    outer.is_empty() || inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// A path below the root: no `..`, nothing absolute. The root itself is `.`.
fn relative(text: &str, key: &str, at: Place, problems: &mut Problems) -> Option<String> {
    let text = text.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(text);
    if text == "." {
        return Some(String::new());
    }
    let sound = !text.contains(['\0'])
        && !text.contains("{{run.dir")
        && !text.split('/').any(|part| matches!(part, "" | "." | ".."));
    if !sound {
        problems.say(at, format!("`{key}` must be a path below `root`, without `..`, not \"{}\"", text.escape_debug()));
    }
    sound.then(|| text.to_owned())
}

fn pattern(text: String, at: Place, problems: &mut Problems) -> Option<String> {
    let sound = !text.is_empty() && !text.contains(['/', '[', ']', '{', '}', '\\', '\0']) && !text.contains("**");
    if !sound {
        let message = format!("\"{}\" is not a pattern of a file's name", text.escape_debug());
        problems.say_with(at, message, "only `*` and `?` stand for something, and `/` is no part of a name");
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
        problems.say(node.at, "`older` must be a number of days or a span such as \"90d\" or \"12h\"");
    }
    seconds.map(Some).ok_or(())
}

fn line(op: Op, select: &Select, to: Option<&str>) -> String {
    let slash = if select.under.is_empty() { "" } else { "/" };
    let deep = if select.recursive { "**/" } else { "" };
    let mut line = format!("{} {}{slash}{deep}{}", op.word(), select.under, select.pattern);
    if !select.except.is_empty() {
        line.push_str(&format!(" except {}", select.except.join(", ")));
    }
    if let Some(seconds) = select.older_s {
        line.push_str(&format!(" older than {}", span(Duration::from_secs(seconds))));
    }
    if select.keep_newest > 0 {
        line.push_str(&format!(", keeping the newest {}", select.keep_newest));
    }
    if let Some(to) = to {
        line.push_str(&format!(" to {}", if to.is_empty() { "." } else { to }));
    }
    line
}
