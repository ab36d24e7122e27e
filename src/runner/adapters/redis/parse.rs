//! Reads an action.

use crate::config::reader::{Place, Problems, Table, nearest};
use crate::domain::quantity::parse_span;
use crate::domain::{EffectClass, TargetKind};
use crate::procedure::adapters::{Purpose, Scope};
use crate::procedure::condition::{Condition, value_in_words};
use crate::procedure::params::{ANY_TARGET, no_such_target};
use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use crate::runner::adapters::redis::connection::Server;
use crate::runner::adapters::redis::{Held, If, KEY, Spec, What, Which};

/// The words, each with its purposes.
const WORDS: [(&str, &[Purpose]); 19] = [
    ("get", LOOKS),
    ("length", LOOKS),
    ("info", LOOKS),
    ("keys", LOOKS),
    ("big-keys", &[Purpose::Read]),
    ("memory-doctor", &[Purpose::Read]),
    ("set", ACTS),
    ("release", ACTS),
    ("expire", ACTS),
    ("save", &[Purpose::Do]),
    ("bgsave", &[Purpose::Do]),
    ("bgrewriteaof", &[Purpose::Do]),
    ("delete", ACTS),
    ("holds", &[Purpose::Prove]),
    ("free", &[Purpose::Prove]),
    ("expires", &[Purpose::Prove]),
    ("gone", &[Purpose::Prove]),
    ("saved", &[Purpose::Prove]),
    ("rewritten", &[Purpose::Prove]),
];
const LOOKS: &[Purpose] = &[Purpose::Read, Purpose::Check, Purpose::Prove];
const ACTS: &[Purpose] = &[Purpose::Do, Purpose::Undo];

/// Commands that empty a database.
const FLUSH: [&str; 2] = ["flushdb", "flushall"];

/// The fields of INFO that are read by default.
const FIELDS: [&str; 12] = [
    "role",
    "used_memory",
    "maxmemory",
    "maxmemory_policy",
    "connected_clients",
    "blocked_clients",
    "connected_slaves",
    "loading",
    "rdb_last_bgsave_status",
    "rdb_last_save_time",
    "aof_enabled",
    "evicted_keys",
];

/// The default and the largest batch of a deletion, in keys.
const BATCH: i64 = 500;
const MOST_BATCH: i64 = 10_000;
/// The default and the largest sample for the largest keys.
const SAMPLE: i64 = 10_000;
const MOST_SAMPLE: i64 = 100_000;
/// The longest expiry of a key.
const LONGEST: u64 = 366 * 86_400;

/// Reads the action. `known` are the estate's servers; `None` without an estate.
pub(in super::super) fn parse(
    purpose: Purpose,
    mut table: Table,
    scope: &Scope,
    known: Option<&[Server]>,
    problems: &mut Problems,
) -> Option<Action> {
    let at = table.place_of(KEY);
    let word = table.text(KEY, problems);
    let server = server(at, scope, known, problems);
    let word = word?;
    if !fits(&word, purpose, at, problems) {
        return None;
    }
    if let Some(at) = scope.limit.filter(|_| purpose == Purpose::Do && word != "delete") {
        problems.add(at, "`limit` needs a set that can be counted, and only `delete` has one");
    }
    let what = what(&word, purpose, &mut table, scope, problems);
    let judged = matches!(word.as_str(), "get" | "length" | "info" | "keys");
    let expect = if judged { expect(purpose, &word, &mut table, problems) } else { None };
    table.finish(problems);
    let (what, server) = (what?, server?);
    let changes = what.least_effect() > EffectClass::Read;
    if changes && server.act.is_none() && known.is_some() && server.name != ANY_TARGET {
        let name = server.name.escape_debug();
        let message = format!("{name} has no `act`: the estate allows no change of it");
        problems.add_with_hint(at, message, format!("add `act = \"…\"` to the [[redis]] `{name}`"));
        return None;
    }
    let wanted = expect.as_ref().map(|expect| format!(" {}", value_in_words(expect))).unwrap_or_default();
    let line = format!("{}: {}{wanted}", server.name, what.line());
    let act = server.act.filter(|_| changes);
    let undo = purpose == Purpose::Undo;
    let spec = Spec { target: server.name, watch: server.watch, act, what, expect, undo };
    common::action(KEY, spec.what.least_effect(), line, &spec)
}

/// Whether a word exists and serves this purpose.
fn fits(word: &str, purpose: Purpose, at: Place, problems: &mut Problems) -> bool {
    if FLUSH.contains(&word) {
        let message = format!("`{word}` is not offered: it would delete all other data of the database too");
        problems.add_with_hint(at, message, "`delete` takes a `match`, and leaves everything else alone");
        return false;
    }
    let names = || WORDS.iter().map(|(name, _)| *name);
    let Some((_, fits)) = WORDS.iter().find(|(name, _)| *name == word) else {
        let hint = match nearest(word, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", names().collect::<Vec<_>>().join(", ")),
        };
        problems.add_with_hint(at, format!("`redis` has no command `{}`", word.escape_debug()), hint);
        return false;
    };
    if !fits.contains(&purpose) {
        let words: Vec<String> = fits.iter().map(|fit| format!("`{}`", fit.word())).collect();
        problems.add(at, format!("`{word}` belongs under {}, not `{}`", words.join(" or "), purpose.word()));
        return false;
    }
    true
}

fn what(word: &str, purpose: Purpose, table: &mut Table, scope: &Scope, problems: &mut Problems) -> Option<What> {
    match word {
        "get" => key(table, problems).map(|key| What::Get { key }),
        "length" => length(table, problems),
        "info" => info(purpose, table, problems),
        "keys" => pattern(table, true, problems).map(|pattern| What::Keys { pattern }),
        "big-keys" => {
            let pattern = if table.has("match") { pattern(table, true, problems) } else { Some("*".to_owned()) };
            let sample = number(table, "sample", SAMPLE, MOST_SAMPLE, problems);
            pattern.zip(sample).map(|(pattern, sample)| What::BigKeys { pattern, sample })
        }
        "memory-doctor" => Some(What::MemoryDoctor),
        "set" => set(table, problems),
        "release" => {
            let (key, value) = (key(table, problems), table.required_text("value", problems));
            key.zip(value).map(|(key, value)| What::Release { key, value })
        }
        "expire" => {
            let (key, expire) = (key(table, problems), required_span(table, problems));
            key.zip(expire).map(|(key, expire_s)| What::Expire { key, expire_s })
        }
        "save" => Some(What::Save { background: false }),
        "bgsave" => Some(What::Save { background: true }),
        "bgrewriteaof" => Some(What::RewriteAof),
        "delete" => delete(purpose, table, problems).map(What::Delete),
        _ => proof(word, table.at, scope, problems),
    }
}

/// A proof takes its keys from the step's `do`.
fn proof(word: &str, at: Place, scope: &Scope, problems: &mut Problems) -> Option<What> {
    let of = scope.of.as_ref().filter(|of| of.adapter == KEY).and_then(|of| common::spec::<Spec>(of).ok());
    let found = match (word, of.map(|of| of.what)) {
        ("holds", Some(What::Set { key, value, expire_s, .. })) => {
            Some(What::Holds { key, value, expires: expire_s.is_some() })
        }
        ("free", Some(What::Release { key, value })) => Some(What::Free { key, value }),
        ("expires", Some(What::Expire { key, expire_s })) => Some(What::Expires { key, expire_s }),
        ("gone", Some(What::Delete(_))) => Some(What::Gone),
        ("saved", Some(What::Save { .. })) => Some(What::Saved),
        ("rewritten", Some(What::RewriteAof)) => Some(What::Rewritten),
        _ => None,
    };
    if found.is_none() {
        let of = match word {
            "holds" => "`set`",
            "free" => "`release`",
            "expires" => "`expire`",
            "gone" => "`delete`",
            "saved" => "`save` or `bgsave`",
            _ => "`bgrewriteaof`",
        };
        problems.add(at, format!("`{word}` follows {of} of redis only"));
    }
    found
}

fn key(table: &mut Table, problems: &mut Problems) -> Option<String> {
    let at = table.place_of("key");
    let key = table.required_text("key", problems)?;
    if key.is_empty() {
        problems.add(at, "`key` must not be empty");
    }
    Some(key).filter(|key| !key.is_empty())
}

/// A pattern; one that matches every key is allowed only for counting.
fn pattern(table: &mut Table, every: bool, problems: &mut Problems) -> Option<String> {
    let at = table.place_of("match");
    let pattern = table.required_text("match", problems)?;
    if pattern.is_empty() || pattern.contains(['[', ']', '\\']) {
        let message = format!("\"{}\" is not a pattern of keys", pattern.escape_debug());
        problems.add_with_hint(at, message, "only `*` and `?` are wildcards");
        return None;
    }
    if !every && pattern.chars().all(|c| matches!(c, '*' | '?')) {
        let message = "this `match` fits every key, and would delete all other data of the database too";
        problems.add_with_hint(at, message, "name what the keys begin with, such as \"cache:*\"");
        return None;
    }
    Some(pattern)
}

fn length(table: &mut Table, problems: &mut Problems) -> Option<What> {
    let key = key(table, problems)?;
    let given = table.texts("in_flight", problems).unwrap_or_default();
    let mut in_flight: Vec<String> = Vec::new();
    for (at, name) in given {
        if name.is_empty() || name == key || in_flight.contains(&name) {
            problems.add(at, "`in_flight` names other keys than `key`, each once");
        }
        in_flight.push(name);
    }
    if !table.has("while") {
        table.take("while");
        return Some(What::Length { key, in_flight, held: None });
    }
    let held = held(table.table("while", problems)?, problems)?;
    Some(What::Length { key, in_flight, held: Some(held) })
}

/// The condition for a number to count: `{ key = "drain", value = "{{run.id}}", run_id = "{{server.run_id}}" }`.
fn held(mut table: Table, problems: &mut Problems) -> Option<Held> {
    let (key, value) = (key(&mut table, problems), table.required_text("value", problems));
    let run_id = table.text("run_id", problems);
    table.finish(problems);
    key.zip(value).map(|(key, value)| Held { key, value, run_id })
}

fn info(purpose: Purpose, table: &mut Table, problems: &mut Problems) -> Option<What> {
    if purpose != Purpose::Read {
        return table.required_text("fact", problems).map(|fact| What::Info { fields: vec![fact] });
    }
    let given = table.texts("fields", problems);
    let fields = match given {
        Some(fields) => fields.into_iter().map(|(_, field)| field).collect(),
        None => FIELDS.map(str::to_owned).to_vec(),
    };
    Some(What::Info { fields })
}

fn set(table: &mut Table, problems: &mut Problems) -> Option<What> {
    let at = table.at;
    let (key, value) = (key(table, problems), table.required_text("value", problems));
    let endless_at = table.place_of("no_expiry");
    let endless = table.text("no_expiry", problems);
    let expire_s = if table.has("expire") { Some(required_span(table, problems)?) } else { None };
    match (&expire_s, &endless) {
        (None, None) => {
            let hint = "`expire = \"2h\"`, or `no_expiry = \"the reason\"`";
            problems.add_with_hint(at, "`expire` is missing: what is never undone must end by itself", hint);
            return None;
        }
        (Some(_), Some(_)) => problems.add(endless_at, "a key that expires needs no reason for not doing so"),
        (None, Some(reason)) if reason.trim().is_empty() => {
            problems.add(endless_at, "`no_expiry` must give the reason");
        }
        _ => {}
    }
    let only = table.parsed("if", "\"absent\" or \"present\"", problems, |word| match word {
        "absent" => Some(If::Absent),
        "present" => Some(If::Present),
        _ => None,
    });
    let (key, value) = key.zip(value)?;
    let ours = value.contains("{{run.id}}");
    Some(What::Set { key, value, expire_s, only, ours })
}

fn required_span(table: &mut Table, problems: &mut Problems) -> Option<u64> {
    if !table.has("expire") {
        problems.add(table.at, "`expire` is missing");
    }
    table.parsed("expire", "a span of a second up to a year such as \"2h\"", problems, |text| {
        parse_span(text).map(|span| span.as_secs()).filter(|seconds| (1..=LONGEST).contains(seconds))
    })
}

fn delete(purpose: Purpose, table: &mut Table, problems: &mut Problems) -> Option<Which> {
    let at = table.at;
    if table.has("key") == table.has("match") {
        problems.add(at, "`delete` takes either a `key` or a `match`");
        return None;
    }
    if table.has("key") {
        let key = key(table, problems)?;
        return Some(Which { key: Some(key), pattern: None, batch: 1, bounded: false });
    }
    if purpose == Purpose::Undo {
        problems.add(at, "an undo deletes one `key`: what a `match` fits is not known before");
        return None;
    }
    let pattern = pattern(table, false, problems);
    let batch = number(table, "batch", BATCH, MOST_BATCH, problems);
    let bounded = table.bool("bounded", problems).unwrap_or(false);
    let batch = batch.and_then(|batch| usize::try_from(batch).ok());
    pattern.zip(batch).map(|(pattern, batch)| Which { key: None, pattern: Some(pattern), batch, bounded })
}

fn number(table: &mut Table, key: &'static str, default: i64, most: i64, problems: &mut Problems) -> Option<u64> {
    let at = table.place_of(key);
    let given = table.int(key, problems).unwrap_or(default);
    if !(1..=most).contains(&given) {
        problems.add(at, format!("`{key}` must be a number from 1 to {most}"));
        return None;
    }
    u64::try_from(given).ok()
}

/// The condition for the value; a read has none.
fn expect(purpose: Purpose, word: &str, table: &mut Table, problems: &mut Problems) -> Option<String> {
    let at = table.place_of("expect");
    if purpose == Purpose::Read {
        if table.has("expect") {
            problems.add(at, "`expect` belongs to `check`: a `read` takes the value as it is");
            table.take("expect");
        }
        return None;
    }
    let text = table.required_text("expect", problems)?;
    let presence = word == "get" && matches!(text.as_str(), "present" | "absent");
    match Condition::on_a_value(&text) {
        Err(why) if !presence => {
            problems.add(at, format!("`expect` {why}"));
            None
        }
        _ => Some(text),
    }
}

/// The selected Redis: the one in `on`, that of the step's `do`, or the only one there is.
fn server(at: Place, scope: &Scope, known: Option<&[Server]>, problems: &mut Problems) -> Option<Server> {
    let named = |name: &str| Server { name: name.to_owned(), watch: None, act: None };
    if let Some(of) = scope.of.as_ref().filter(|of| of.adapter == KEY)
        && let Ok(spec) = common::spec::<Spec>(of)
    {
        let act = known.and_then(|known| known.iter().find(|it| it.name == spec.target)?.act.clone()).or(spec.act);
        return Some(Server { name: spec.target, watch: spec.watch, act });
    }
    let on = scope.on.as_ref().map(|(at, name)| (*at, name.as_str()));
    match (on, known) {
        (Some((_, name)), _) if name == ANY_TARGET => Some(named(name)),
        (Some((_, name)), None) => Some(named(name)),
        (None, None) => Some(named("the Redis")),
        (Some((at, name)), Some(known)) => {
            let found = known.iter().find(|it| it.name == name).cloned();
            if found.is_none() {
                let names: Vec<String> = known.iter().map(|it| it.name.clone()).collect();
                match no_such_target(TargetKind::Redis, name, &names) {
                    (why, Some(hint)) => problems.add_with_hint(at, why, hint),
                    (why, None) => problems.add(at, why),
                }
            }
            found
        }
        (None, Some([only])) => Some(only.clone()),
        (None, Some([])) => {
            problems.add(at, "the estate has no [[redis]] that `redis` could work on");
            None
        }
        (None, Some(several)) => {
            let names: Vec<&str> = several.iter().map(|it| it.name.as_str()).collect();
            problems.add(at, format!("`on` is missing: the estate has several Redis: {}", names.join(", ")));
            None
        }
    }
}
