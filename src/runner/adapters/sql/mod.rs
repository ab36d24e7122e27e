//! `sql`: one statement on one PostgreSQL database, classified by a parser.
//!
//! ```toml
//! on    = "main"
//! do    = { sql = 'VACUUM (ANALYZE) {{schema|ident}}.{{table|ident}}', lock_timeout = "2s" }
//! prove = { sql = "vacuumed", schema = "{{schema}}", table = "{{table}}" }
//! check = { sql = "oldest-snapshot", under = "10m" }
//! check = { sql = "SELECT count(*) = 0 FROM public.jobs WHERE state = 'running'" }
//! ```
//!
//! Looks use the estate's `watch`, changes its `act`. Sessions have the search path `pg_catalog`: any other name
//! needs its schema. A check by SELECT passes on one row whose first column is true and fails on one whose first
//! column is false; anything else is unknown.
//!
//! A DELETE or an UPDATE of one table with a primary key is frozen row by row, by the keys that its WHERE selects,
//! and runs only on these, a thousand in a transaction; `limit` is the limit of that set. If rows cannot be frozen,
//! the prompt shows why.
//!
//! A value that is one lower-case word, hyphens allowed, names a built-in question: `oldest-snapshot`, `vacuumed`,
//! `reindexed`. A plan holds how to reach the database and the places of secrets, never a secret itself.

mod act;
mod batches;
pub(super) mod blockers;
mod check;
pub mod classify;
pub mod connection;
mod frozen;
mod look;
mod phrase;
mod preview;
mod rehearse;
mod rows;
mod shape;
#[cfg(test)]
mod tests;

use crate::config::reader::{Place, Problems, Table, nearest};
use crate::domain::quantity::{latency, parse_span, span};
use crate::domain::{EffectClass, Error, Kind, Listing, TargetKind};
use crate::procedure::adapters::{Purpose, Scope};
use crate::procedure::params::{ANY_TARGET, no_such_target};
use crate::procedure::plan::Action;
use crate::runner::adapters as common;
use connection::{Database, Way};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) use act::act;
pub(super) use check::prove;
pub(super) use frozen::{drift, items};
pub(super) use phrase::phrase;
pub(super) use preview::preview;
pub(super) use rehearse::rehearse;

/// The adapter's key.
pub(super) const KEY: &str = "sql";

/// The default `lock_timeout`: a waiting statement makes all later ones wait, too.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest `lock_timeout`.
const LONGEST_LOCK_TIMEOUT: Duration = Duration::from_secs(3600);

/// The built-in questions.
const NAMED: [&str; 3] = ["oldest-snapshot", "vacuumed", "reindexed"];

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    /// The name of the database in the estate.
    target: String,
    /// How to look; `None` only if the plan was made without an estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watch: Option<Way>,
    /// How to act, for changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Way>,
    ask: Ask,
}

/// The request to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    /// Runs a statement.
    Statement {
        sql: String,
        lock_timeout_ms: u64,
        /// Whether it undoes another action; then its set is that action's set.
        undo: bool,
    },
    /// Judges by the one row of a statement, or takes it as facts.
    Question { sql: String, facts: bool },
    /// Whether the oldest snapshot is younger than this.
    OldestSnapshot { under_s: u64 },
    /// Whether a table was vacuumed since the set was frozen.
    Vacuumed { schema: String, table: String },
    /// Whether an index was rebuilt since the set was frozen, without a new invalid one.
    Reindexed { schema: String, index: String },
}

impl Spec {
    /// How to look.
    ///
    /// # Errors
    /// When the plan does not say.
    fn watch(&self) -> Result<&Way, Error> {
        self.watch.as_ref().ok_or_else(|| self.no_way())
    }

    fn no_way(&self) -> Error {
        Error::new(Kind::Usage, format!("cannot reach {}: the plan does not hold how", self.target))
    }
}

/// Reads the action. `known` are the estate's databases; `None` without an estate.
pub(super) fn parse(
    purpose: Purpose,
    mut table: Table,
    scope: &Scope,
    known: Option<&[Database]>,
    problems: &mut Problems,
) -> Option<Action> {
    let at = table.place_of(KEY);
    let text = table.text(KEY, problems);
    if let (Some(at), Some(Err(why))) =
        (scope.limit.filter(|_| purpose == Purpose::Do), text.as_ref().map(|text| rows::parts(&sampled(text))))
    {
        problems.add(at, format!("`limit` needs rows that can be counted, and this statement has none: {why}"));
    }
    let database = database(at, scope, known, problems);
    let text = text?;
    if is_named(&text) {
        let ask = named(purpose, &text, table, problems);
        let (database, ask) = (database?, ask?);
        let line = format!("{}: {}", database.name, describe(&ask));
        let spec = Spec { target: database.name, watch: database.watch, act: None, ask };
        return common::action(KEY, EffectClass::Read, line, &spec);
    }
    let class = classify::classify(&sampled(&text)).map_err(|why| problems.add(at, format!("`sql`: {why}"))).ok();
    let acts = matches!(purpose, Purpose::Do | Purpose::Undo);
    let changes = acts && class.as_ref().is_some_and(|class| class.least > EffectClass::Read);
    let lock_timeout = if changes { lock_timeout(&mut table, problems) } else { LOCK_TIMEOUT };
    table.finish(problems);
    let (class, database) = (class?, database?);
    if changes && database.act.is_none() && known.is_some() && database.name != ANY_TARGET {
        let name = database.name.escape_debug();
        let message = format!("{name} has no `act`: the estate names no role that may change it");
        problems.add_with_hint(at, message, format!("add `act = \"…\"` to the [[postgres]] `{name}`"));
        return None;
    }
    let line = format!("{}: {}", database.name, one_line(&text));
    let listing = listing(&text);
    let lock_timeout_ms = u64::try_from(lock_timeout.as_millis()).unwrap_or(u64::MAX);
    let ask = if acts {
        Ask::Statement { sql: text, lock_timeout_ms, undo: purpose == Purpose::Undo }
    } else {
        Ask::Question { sql: text, facts: purpose == Purpose::Read }
    };
    let act = database.act.filter(|_| changes);
    let action =
        common::action(KEY, class.least, line, &Spec { target: database.name, watch: database.watch, act, ask })?;
    Some(Action { listing, ..action })
}

/// The text of a statement that does not fit into one line: its comments and the line breaks in its strings are part
/// of it.
fn listing(sql: &str) -> Option<Listing> {
    Listing::of_long("SQL statement", sql.trim())
}

/// Whether a text names a built-in question, or seems to.
fn is_named(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Reads the keys of a built-in question.
fn named(purpose: Purpose, word: &str, mut table: Table, problems: &mut Problems) -> Option<Ask> {
    let at = table.at;
    let fits: &[Purpose] = match word {
        "oldest-snapshot" => &[Purpose::Check, Purpose::Read],
        "vacuumed" | "reindexed" => &[Purpose::Prove],
        _ => {
            let hint = match nearest(word, NAMED) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}; a statement has more than one word", NAMED.join(", ")),
            };
            problems.add_with_hint(at, format!("`sql` has no question `{word}`"), hint);
            return None;
        }
    };
    if !fits.contains(&purpose) {
        let words: Vec<String> = fits.iter().map(|fit| format!("`{}`", fit.word())).collect();
        problems.add(at, format!("`{word}` belongs under {}, not `{}`", words.join(" or "), purpose.word()));
        return None;
    }
    let ask = match word {
        "oldest-snapshot" => {
            if !table.has("under") {
                problems.add(at, "`under` is missing: how old may the oldest snapshot be?");
            }
            let under = table.parsed("under", "a span such as \"10m\"", problems, |text| {
                parse_span(text).map(|span| span.as_secs()).filter(|seconds| *seconds > 0)
            });
            under.map(|under_s| Ask::OldestSnapshot { under_s })
        }
        "vacuumed" => {
            let (schema, table) = (table.required_text("schema", problems), table.required_text("table", problems));
            schema.zip(table).map(|(schema, table)| Ask::Vacuumed { schema, table })
        }
        _ => {
            let (schema, index) = (table.required_text("schema", problems), table.required_text("index", problems));
            schema.zip(index).map(|(schema, index)| Ask::Reindexed { schema, index })
        }
    };
    table.finish(problems);
    ask
}

fn describe(ask: &Ask) -> String {
    match ask {
        Ask::Statement { sql, .. } | Ask::Question { sql, .. } => one_line(sql),
        Ask::OldestSnapshot { under_s } => {
            format!("no snapshot is older than {}", span(Duration::from_secs(*under_s)))
        }
        Ask::Vacuumed { schema, table } => format!("{schema}.{table} was vacuumed"),
        Ask::Reindexed { schema, index } => format!("{schema}.{index} was rebuilt"),
    }
}

fn lock_timeout(table: &mut Table, problems: &mut Problems) -> Duration {
    let wanted = "a span up to one hour such as \"2s\"";
    let given = table.parsed("lock_timeout", wanted, problems, |text| {
        parse_span(text).filter(|span| span.as_millis() > 0 && *span <= LONGEST_LOCK_TIMEOUT)
    });
    given.unwrap_or(LOCK_TIMEOUT)
}

/// The selected database: the one in `on`, that of the step's `do`, or the only one there is.
fn database(at: Place, scope: &Scope, known: Option<&[Database]>, problems: &mut Problems) -> Option<Database> {
    let named = |name: &str| Database { name: name.to_owned(), watch: None, act: None };
    if let Some(of) = scope.of.as_ref().filter(|of| of.adapter == KEY)
        && let Ok(spec) = common::spec::<Spec>(of)
    {
        let act = known.and_then(|known| known.iter().find(|it| it.name == spec.target)?.act.clone()).or(spec.act);
        return Some(Database { name: spec.target, watch: spec.watch, act });
    }
    let on = scope.on.as_ref().map(|(at, name)| (*at, name.as_str()));
    match (on, known) {
        (Some((_, name)), _) if name == ANY_TARGET => Some(named(name)),
        (Some((_, name)), None) => Some(named(name)),
        (None, None) => Some(named("the database")),
        (Some((at, name)), Some(known)) => {
            let found = known.iter().find(|it| it.name == name).cloned();
            if found.is_none() {
                let names: Vec<String> = known.iter().map(|it| it.name.clone()).collect();
                match no_such_target(TargetKind::Postgres, name, &names) {
                    (why, Some(hint)) => problems.add_with_hint(at, why, hint),
                    (why, None) => problems.add(at, why),
                }
            }
            found
        }
        (None, Some([only])) => Some(only.clone()),
        (None, Some([])) => {
            problems.add(at, "the estate has no [[postgres]] that `sql` could work on");
            None
        }
        (None, Some(several)) => {
            let names: Vec<&str> = several.iter().map(|it| it.name.as_str()).collect();
            problems.add(at, format!("`on` is missing: the estate has several databases: {}", names.join(", ")));
            None
        }
    }
}

/// A statement with a sample name or text for values that only the run knows; its class does not depend on them.
fn sampled(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, from)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((inside, behind)) = from.split_once("}}") else {
            out.push_str("{{");
            rest = from;
            continue;
        };
        out.push_str(if inside.ends_with("|literal") { "'x'" } else { "\"x\"" });
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// A statement on one line.
fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A time as people say it: `2 s`, `200 ms`.
fn short(time: Duration) -> String {
    if time.subsec_millis() == 0 { span(time) } else { latency(time) }
}
