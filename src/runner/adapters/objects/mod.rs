//! `objects`: reads, puts and deletes objects of a store: an S3-compatible one, or a local directory.
//!
//! ```toml
//! read  = { objects = "list", under = "s3://novacron-backups/database/", match = "*.dump" }
//! read  = { objects = "get", from = "s3://novacron-backups/latest.txt" }
//! check = { objects = "newest", under = "s3://novacron-backups/database/", match = "*.dump", younger = "24h", larger = "1MiB" }
//! check = { objects = "verify", under = "s3://novacron-backups/database/", match = "*.dump" }   # the newest, against its SHA-256
//! do    = { objects = "put", from = "{{run.dir}}", to = "s3://novacron-backups/{{run.id}}/" }
//! prove = { objects = "same-sha256" }    # after a put; `gone` after a delete
//! do    = { objects = "delete", under = "file:///srv/backups/old/", match = "*", older = "180d", keep_newest = 7 }
//! ```
//!
//! A bucket is reached by the estate's `[[store]]`, or by the `AWS_*` variables; `file:///…` is a directory. All
//! objects below a prefix are selected, at any depth; `match` and `except` are patterns of the last part of a key.
//!
//! A put reads the files below a directory, or one file; the run's own files in its directory are skipped. Each
//! object carries its SHA-256. A key with other content is never overwritten, unless `overwrite = true`: then it is a
//! destroy, and only the version that was shown is replaced. A delete removes only objects with the ETag and the size
//! that were shown.

mod act;
mod checks;
mod connection;
mod frozen;
mod list;
mod look;
mod proof;
mod send;
#[cfg(test)]
mod tests;

use crate::config::estate::{Estate, Store};
use crate::config::reader::{Place, Problems, Table, Value};
use crate::config::secrets::Secrets;
use crate::domain::EffectClass;
use crate::domain::quantity::{bytes, parse_bytes, parse_span, span};
use crate::procedure::adapters::{Purpose, Scope};
use crate::procedure::params::absolute;
use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use connection::Way;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) use act::act;
pub(super) use frozen::Head;
pub(super) use look::{NOUN, preview};
pub(super) use proof::prove;

/// The adapter's key.
pub const KEY: &str = "objects";

/// The stores of an estate, with the places of their secrets.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    stores: Vec<Store>,
    secrets: Secrets,
}

impl Known {
    pub(super) fn of(estate: &Estate) -> Self {
        Self { stores: estate.stores.clone(), secrets: estate.secrets.clone() }
    }
}

/// The operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Op {
    List,
    Get,
    Newest,
    Verify,
    Put,
    SameSha256,
    Delete,
    Gone,
}

impl Op {
    const ALL: [Self; 8] =
        [Self::List, Self::Get, Self::Newest, Self::Verify, Self::Put, Self::SameSha256, Self::Delete, Self::Gone];

    fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Newest => "newest",
            Self::Verify => "verify",
            Self::Put => "put",
            Self::SameSha256 => "same-sha256",
            Self::Delete => "delete",
            Self::Gone => "gone",
        }
    }

    fn fits(self) -> &'static [Purpose] {
        match self {
            Self::List | Self::Get => &[Purpose::Read],
            Self::Newest | Self::Verify => &[Purpose::Check, Purpose::Read],
            Self::Put | Self::Delete => &[Purpose::Do],
            Self::SameSha256 | Self::Gone => &[Purpose::Prove],
        }
    }
}

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    op: Op,
    way: Way,
    /// The prefix below the root of the store, or the whole key of one object; without slashes at its ends.
    prefix: String,
    /// The place for people.
    place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    select: Option<Select>,
    /// The directory or the file to put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The oldest age, in seconds; for `newest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    younger_s: Option<u64>,
    /// The smallest size, in bytes; for `newest`.
    #[serde(default)]
    larger: u64,
    #[serde(default)]
    overwrite: bool,
    /// How many objects are deleted at once.
    #[serde(default)]
    batch: u64,
}

/// The selected objects, or the selected files of a put.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Select {
    pattern: String,
    except: Vec<String>,
    older_s: Option<u64>,
    keep_newest: u64,
}

/// Reads the action.
pub(super) fn parse(
    purpose: Purpose,
    mut table: Table,
    scope: &Scope,
    known: Option<&Known>,
    problems: &mut Problems,
) -> Option<Action> {
    let at = table.at;
    let words = Op::ALL.map(Op::word).join(", ");
    let op = table
        .parsed(KEY, &format!("one of {words}"), problems, |word| Op::ALL.into_iter().find(|op| op.word() == word))?;
    if !op.fits().contains(&purpose) {
        let words: Vec<_> = op.fits().iter().map(|fit| format!("`{}`", fit.word())).collect();
        problems.add(
            at,
            format!("`objects = \"{}\"` belongs under {}, not `{}`", op.word(), words.join(" or "), purpose.word()),
        );
        return None;
    }
    if purpose == Purpose::Prove {
        return proving(op, table, scope, problems);
    }
    let key = match op {
        Op::Put => "to",
        Op::Get => "from",
        _ => "under",
    };
    let place_at = table.place_of(key);
    let place = table.required_text(key, problems);
    let way = place.as_deref().and_then(|place| connection::read(place, key, place_at, known, problems));
    let mut spec = Spec {
        op,
        way: Way::Directory(String::new()),
        prefix: String::new(),
        place: place.unwrap_or_default(),
        select: None,
        from: None,
        younger_s: None,
        larger: 0,
        overwrite: false,
        batch: 0,
    };
    let before = problems.count();
    keys(op, purpose, &mut table, &mut spec, problems);
    table.finish(problems);
    let (way, prefix) = way?;
    if problems.count() > before {
        return None;
    }
    (spec.way, spec.prefix) = (way, prefix);
    let least = match op {
        Op::Put if !spec.overwrite => EffectClass::Change,
        Op::Put | Op::Delete => EffectClass::Destroy,
        _ => EffectClass::Read,
    };
    common::action(KEY, least, line(&spec), &spec)
}

/// Reads a proof, which checks the set of the step's `do`.
fn proving(op: Op, table: Table, scope: &Scope, problems: &mut Problems) -> Option<Action> {
    let at = table.at;
    table.finish(problems);
    let of = if op == Op::SameSha256 { Op::Put } else { Op::Delete };
    let done = scope.of.as_ref().filter(|act| act.adapter == KEY).and_then(|act| common::spec::<Spec>(act).ok());
    let Some(done) = done.filter(|done| done.op == of) else {
        problems.add(at, format!("`{}` follows `{}` of objects only", op.word(), of.word()));
        return None;
    };
    let line = match op {
        Op::SameSha256 => format!("every object below {} has the SHA-256 of its file", done.place),
        _ => format!("every object is gone from {}", done.place),
    };
    common::action(KEY, EffectClass::Read, line, &Spec { op, ..done })
}

/// Reads the keys beside the place.
fn keys(op: Op, purpose: Purpose, table: &mut Table, spec: &mut Spec, problems: &mut Problems) {
    if op != Op::Get {
        spec.select = select(op, table, problems);
    }
    match op {
        Op::Put => {
            let at = table.place_of("from");
            spec.from = table.required_text("from", problems).filter(|from| {
                let of_run = from.strip_prefix("{{run.dir}}");
                let rest = of_run.map_or(from.as_str(), |rest| if rest.is_empty() { "/" } else { rest });
                let sound = absolute(rest).is_some();
                if !sound {
                    problems.add(at, "`from` must be an absolute path without `..`, or begin with `{{run.dir}}`");
                }
                sound
            });
            spec.overwrite = table.bool("overwrite", problems).unwrap_or(false);
        }
        Op::Delete => {
            let at = table.place_of("batch");
            let batch = if table.has("batch") { table.int("batch", problems) } else { Some(100) };
            match batch.and_then(|batch| u64::try_from(batch).ok()).filter(|batch| (1..=1000).contains(batch)) {
                Some(batch) => spec.batch = batch,
                None => problems.add(at, "`batch` must be from 1 to 1000"),
            }
        }
        Op::Newest => {
            if !table.has("younger") && purpose == Purpose::Check {
                problems.add(table.at, "`younger` is missing: how old may the newest be?");
            }
            spec.younger_s = table.parsed("younger", "a span such as \"24h\" or \"7d\"", problems, |text| {
                parse_span(text).map(|span| span.as_secs()).filter(|seconds| *seconds > 0)
            });
            // An empty object is not a backup.
            spec.larger = table.parsed("larger", "a size such as \"1MiB\"", problems, parse_bytes).unwrap_or(1);
        }
        Op::List | Op::Get | Op::Verify | Op::SameSha256 | Op::Gone => {}
    }
}

fn select(op: Op, table: &mut Table, problems: &mut Problems) -> Option<Select> {
    let match_at = table.place_of("match");
    let needed = matches!(op, Op::Delete | Op::Newest | Op::Verify);
    let given = if needed || table.has("match") { table.required_text("match", problems)? } else { "*".to_owned() };
    let pattern = pattern(given, match_at, problems);
    let except: Option<Vec<String>> = table
        .texts("except", problems)
        .unwrap_or_default()
        .into_iter()
        .map(|(at, text)| self::pattern(text, at, problems))
        .collect();
    let (mut older_s, mut keep_newest) = (None, 0);
    if op == Op::Delete {
        let at = table.place_of("older");
        older_s = match table.take("older").map(|node| node.value) {
            None => None,
            Some(Value::Int(days)) => u64::try_from(days).ok().and_then(|days| days.checked_mul(86_400)).map(Some)?,
            Some(Value::Text(text)) if parse_span(&text).is_some() => parse_span(&text).map(|span| span.as_secs()),
            Some(_) => {
                problems.add(at, "`older` must be a number of days or a span such as \"90d\" or \"12h\"");
                None
            }
        };
        let at = table.place_of("keep_newest");
        match u64::try_from(table.int("keep_newest", problems).unwrap_or(0)) {
            Ok(kept) => keep_newest = kept,
            Err(_) => problems.add(at, "`keep_newest` must not be negative"),
        }
    }
    Some(Select { pattern: pattern?, except: except?, older_s, keep_newest })
}

/// A pattern of the last part of a key.
fn pattern(text: String, at: Place, problems: &mut Problems) -> Option<String> {
    let sound = !text.is_empty() && !text.contains(['/', '\0']) && !text.contains("**") && !text.contains("{{");
    if !sound {
        let message = format!("\"{}\" is not a pattern of the last part of a key", text.escape_debug());
        problems.add_with_hint(at, message, "only `*` and `?` are wildcards, and it contains no `/`");
    }
    sound.then_some(text)
}

fn line(spec: &Spec) -> String {
    let place = &spec.place;
    let mut line = match (spec.op, &spec.from) {
        (Op::Put, Some(from)) => format!("put {from} to {place}"),
        (Op::Newest, _) => format!("the newest of {place}"),
        (Op::Verify, _) => format!("the newest of {place} matches its SHA-256"),
        (op, _) => format!("{} {place}", op.word()),
    };
    let Some(select) = &spec.select else { return line };
    if select.pattern != "*" {
        line.push_str(&format!(" ({})", select.pattern));
    }
    if !select.except.is_empty() {
        line.push_str(&format!(" except {}", select.except.join(", ")));
    }
    if let Some(seconds) = select.older_s {
        line.push_str(&format!(" older than {}", span(Duration::from_secs(seconds))));
    }
    if select.keep_newest > 0 {
        line.push_str(&format!(", keeping the newest {}", select.keep_newest));
    }
    if let Some(seconds) = spec.younger_s {
        line.push_str(&format!(" is younger than {}", span(Duration::from_secs(seconds))));
    }
    if spec.larger > 1 {
        line.push_str(&format!(" and not smaller than {}", bytes(spec.larger)));
    }
    if spec.overwrite {
        line.push_str(", in the place of what is there");
    }
    line
}
