//! The adapters of this program: what an action may be, what it would touch, and how it is carried out.
//!
//! A frozen set is JSON Lines; the first line is its head, `{"set":"files",…}`, and the digest of all its bytes is the
//! digest of the set. Nothing in it ages: the same things on disk give the same bytes.

pub mod exec;
mod expect;
pub mod files;
pub mod http;
mod limit;
pub mod look;
pub mod probe;
pub mod redis;
pub mod run;
mod secret;
pub mod sql;
pub mod systemd;
#[cfg(test)]
mod tests;
pub mod undo;
pub mod wait;

use crate::config::estate::Estate;
use crate::config::reader::{Problems, Table, nearest};
use crate::config::secrets::Secrets;
use crate::domain::{EffectClass, Error, Evidence, Item, Kind, Preview, RunId, TargetKind, Wall};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::procedure::adapters::{Adapters, Purpose, Scope};
use crate::procedure::plan::{Action, Limit, Step};
use crate::runner::notify;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The adapters' keys.
const NAMES: [&str; 8] = ["exec", "files", "http", probe::KEY, redis::KEY, run::KEY, sql::KEY, systemd::KEY];

/// Adapters of the format that this version refuses.
const LATER: [&str; 4] = ["script", "kube", "objects", "cert"];

/// The most lines that say what moved between two sets.
const MOST_MOVED: usize = 20;

/// The adapters, with what the estate trusts.
#[derive(Clone, Debug, Default)]
pub struct BuiltIn {
    trusted_reads: Vec<String>,
    /// The estate's databases; `None` where no estate is known.
    databases: Option<Vec<sql::ways::Database>>,
    /// The estate's Redis servers; `None` where no estate is known.
    servers: Option<Vec<redis::ways::Server>>,
    /// The names of the estate's secrets with their places; `None` where no estate is known.
    secrets: Option<Secrets>,
    /// The names of the estate's receivers; `None` where no estate is known.
    receivers: Option<Vec<String>>,
}

impl BuiltIn {
    /// The adapters where no estate is known; `trusted_reads` are absolute paths of programs that only read.
    #[must_use]
    pub fn new(trusted_reads: Vec<String>) -> Self {
        Self { trusted_reads, ..Self::default() }
    }

    /// The adapters for an estate: with the programs that it trusts, and with its databases.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        let trusted = estate.trusted_reads.iter().map(|path| path.display().to_string()).collect();
        let receivers = estate.receivers.iter().map(|receiver| receiver.name.clone()).collect();
        Self {
            databases: Some(sql::ways::databases(estate)),
            servers: Some(redis::ways::servers(estate)),
            secrets: Some(estate.secrets.clone()),
            receivers: Some(receivers),
            ..Self::new(trusted)
        }
    }
}

impl Adapters for BuiltIn {
    fn names(&self) -> &'static [&'static str] {
        &NAMES
    }

    fn targets(&self, kind: TargetKind) -> Option<Vec<String>> {
        let (databases, servers) = (self.databases.as_ref()?, self.servers.as_ref()?);
        match kind {
            TargetKind::Postgres => Some(databases.iter().map(|database| database.name.clone()).collect()),
            TargetKind::Redis => Some(servers.iter().map(|server| server.name.clone()).collect()),
            // Failed units are no entries of the estate, and nothing else is worked on by name.
            _ => None,
        }
    }

    fn least_s(&self, action: &Action) -> u64 {
        if action.adapter == http::KEY { http::least_s(action) } else { 0 }
    }

    fn receivers(&self) -> Option<Vec<String>> {
        self.receivers.clone()
    }

    fn parse(&self, purpose: Purpose, table: &mut Table, scope: &Scope, problems: &mut Problems) -> Option<Action> {
        let at = table.at;
        let found: Vec<&str> = NAMES.into_iter().filter(|name| table.has(name)).collect();
        let main = matches!(purpose, Purpose::Do | Purpose::Read | Purpose::Check);
        if let (Some((on, _)), [only], true) = (&scope.on, found.as_slice(), main)
            && ![sql::KEY, redis::KEY].contains(only)
        {
            problems.say(*on, format!("`on` names a target for `sql` and `redis`; `{only}` works on none"));
        }
        match found.as_slice() {
            ["exec"] => exec::parse(purpose, std::mem::take(table), scope, &self.trusted_reads, problems),
            ["files"] => files::parse(purpose, std::mem::take(table), scope, problems),
            ["http"] => http::parse(purpose, std::mem::take(table), self.secrets.as_ref(), problems),
            [probe::KEY] => probe::parse(purpose, std::mem::take(table), problems),
            [redis::KEY] => redis::parse(purpose, std::mem::take(table), scope, self.servers.as_deref(), problems),
            [run::KEY] => run::parse(purpose, std::mem::take(table), problems),
            [sql::KEY] => sql::parse(purpose, std::mem::take(table), scope, self.databases.as_deref(), problems),
            [systemd::KEY] => systemd::parse(purpose, std::mem::take(table), scope, problems),
            [] => {
                if let Some(later) = LATER.into_iter().find(|name| table.has(name)) {
                    problems.say(at, format!("the adapter `{later}` is not supported by this version"));
                } else {
                    let given = table.entries.first().map_or("", |entry| entry.key.as_str());
                    let hint = nearest(given, NAMES).map_or_else(
                        || format!("one of {}", NAMES.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    problems.say_with(at, "an action names its adapter, and none is here", hint);
                }
                None
            }
            many => {
                problems.say(at, format!("an action has exactly one adapter, not {}", many.join(" and ")));
                None
            }
        }
    }
}

/// How long a preview may take.
const PREVIEW: Duration = Duration::from_secs(60);

/// What a preview needs to know beside the action.
#[derive(Clone, Debug)]
pub struct Look {
    /// The ceiling of the set.
    pub limit: Option<Limit>,
    /// How long it should take, in seconds, as the author declared.
    pub takes_s: Option<u64>,
    /// The way back, in words.
    pub way_back: String,
    /// The name of this machine.
    pub host: String,
    /// The step's effect class; the phrase is asked for from destroy on.
    pub effect: EffectClass,
    /// The moment that ages are counted from; never written into the set.
    pub now: Wall,
    /// When the preview gives up.
    pub deadline: Instant,
}

impl Look {
    /// What a step says about its own preview, on this machine and at this moment.
    #[must_use]
    pub fn of(step: &Step, host: String) -> Self {
        Self {
            limit: step.limit,
            takes_s: step.takes_s,
            way_back: step.way_back.words(),
            host,
            effect: step.effect,
            now: clock::now().wall,
            deadline: Instant::now() + PREVIEW,
        }
    }

    /// Refuses to go on past the deadline.
    ///
    /// # Errors
    /// When the deadline has passed.
    pub fn in_time(&self, doing: &str) -> Result<(), Error> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(Error::machine(doing, "it took longer than a preview may"))
    }
}

/// How an act ended.
///
/// A check ends [`Ending::Ok`] when it passed and [`Ending::Failed`] otherwise. Where nothing was learned (no answer, a
/// program that cannot start) the detail begins with `unknown: ` and `counts` holds `unknown`: for a check the word
/// says that the thing looked at is unknown, while [`Ending::Unknown`] stays with the journal's meaning, that the
/// effect of an act is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActEnd {
    /// How.
    pub ending: Ending,
    /// The reason, in a sentence.
    pub detail: String,
    /// What was counted.
    pub counts: BTreeMap<String, u64>,
    /// What was seen, where something was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl ActEnd {
    /// An end without counts.
    pub fn new(ending: Ending, detail: impl Into<String>) -> Self {
        Self { ending, detail: detail.into(), counts: BTreeMap::new(), evidence: None }
    }

    /// A check that learned nothing.
    pub fn unknown(why: impl std::fmt::Display) -> Self {
        let counts = BTreeMap::from([("unknown".to_owned(), 1)]);
        Self { ending: Ending::Failed, detail: format!("unknown: {why}"), counts, evidence: None }
    }

    /// The same with what was seen.
    #[must_use]
    pub fn seen(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Whether this is a check that learned nothing.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.counts.get("unknown").is_some_and(|count| *count > 0)
    }
}

/// Whether a step's effect is there, each with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is.
    Done(String),
    /// It is not, not even in part.
    NotDone(String),
    /// It is there in part, or nobody can tell.
    Unclear(String),
}

impl From<Proof> for ActEnd {
    /// A proof as the end of a proving act: not done is failed, unclear is unknown.
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Done(why) => Self::new(Ending::Ok, why),
            Proof::NotDone(why) => Self::new(Ending::Failed, why),
            Proof::Unclear(why) => Self::new(Ending::Unknown, why),
        }
    }
}

/// A program that is the act itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file to execute; the first argument itself where none was found.
    pub path: PathBuf,
    /// The arguments, the program's name first.
    pub argv: Vec<String>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
}

/// An action that this program does not know; only a plan of another version holds one.
fn no_such(action: &Action) -> Error {
    Error::new(
        Kind::Usage,
        format!("cannot use the adapter \"{}\": this version has none", action.adapter.escape_debug()),
    )
}

/// Looks at what an action would touch, and writes the frozen set. Changes nothing.
///
/// # Errors
/// Of kind refused when the set is over its limit, with the numbers; otherwise whatever keeps it from being known
/// whole: an unreadable directory, a missing program, the deadline.
pub fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    match action.adapter.as_str() {
        "exec" => exec::preview(action, look, set),
        "files" => files::preview(action, look, set),
        "http" => http::preview(action, look, set),
        redis::KEY => redis::preview(action, look, set),
        sql::KEY => sql::preview(action, look, set),
        systemd::KEY => systemd::preview(action, look, set),
        _ => Err(no_such(action)),
    }
}

/// Carries an action out on its frozen set and on nothing else; reports each object to `out` and looks at `cancel`
/// between them. Runs in the act process; it blocks.
pub fn act(action: &Action, set: &mut dyn BufRead, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    match action.adapter.as_str() {
        "exec" => exec::act(action, out, cancel),
        "files" => files::act(action, set, out, cancel),
        "http" => http::act(action, out, cancel),
        redis::KEY => redis::act(action, set, out, cancel),
        sql::KEY => sql::act(action, set, out, cancel),
        systemd::KEY => systemd::act(action, set, out, cancel),
        wait::KEY => wait::act(action, out, cancel),
        notify::KEY => notify::act(action, out, cancel),
        _ => ActEnd::new(Ending::Failed, no_such(action).message),
    }
}

/// Asks, read-only, whether the effect on this frozen set is there.
///
/// A program proves by its exit: 0 is done, 1 is not done (as `test`, `grep` and `cmp` have it), all else is unclear.
pub fn prove(action: &Action, set: &mut dyn BufRead, out: &mut dyn Write, cancel: &AtomicBool) -> Proof {
    match action.adapter.as_str() {
        "exec" => exec::prove(action, out, cancel),
        "files" => files::prove(action, set, cancel),
        "http" => http::prove(action, out, cancel),
        redis::KEY => redis::prove(action, set, out, cancel),
        sql::KEY => sql::prove(action, set, out, cancel),
        systemd::KEY => systemd::prove(action, set, out),
        _ => Proof::Unclear(no_such(action).message),
    }
}

/// Whether the runner itself looks, because what is asked lies in its own state or its own probes.
#[must_use]
pub fn is_look(action: &Action) -> bool {
    matches!(action.adapter.as_str(), probe::KEY | run::KEY)
}

/// The action of one attempt of a run: `3.1` is the first at its third step, `3.1.undo` takes it back.
#[must_use]
pub fn of_attempt(action: Action, run: &RunId, attempt: &str) -> Action {
    if action.adapter == http::KEY { http::of_attempt(action, run, attempt) } else { action }
}

/// The program that is the act itself, for `exec`.
#[must_use]
pub fn program(action: &Action) -> Option<Program> {
    if action.adapter == "exec" { exec::program(action).ok() } else { None }
}

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
        "http" => Ok((1, http::items(&head).into_iter().skip(usize::from(from > 0)).collect())),
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
fn head_moved(old: &serde_json::Value, new: &serde_json::Value) -> Vec<String> {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return Vec::new() };
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    differ.map(|key| format!("the {key} is another than the one shown")).collect()
}

/// Reads a set's first line.
fn head(set: &mut dyn BufRead) -> Result<serde_json::Value, Error> {
    let mut line = Vec::new();
    set.read_until(b'\n', &mut line).map_err(|cause| Error::machine("read the frozen set", cause))?;
    serde_json::from_slice(&line).map_err(|_| not_a_set("its first line is no head"))
}

fn kind_of(head: &serde_json::Value) -> &str {
    head.get("set").and_then(serde_json::Value::as_str).unwrap_or_default()
}

fn not_a_set(why: &str) -> Error {
    Error::machine("read the frozen set", why)
}

/// Writes one value as a line of a set.
fn write_line(set: &mut dyn Write, value: &impl Serialize) -> Result<(), Error> {
    let failed = |cause: &dyn std::fmt::Display| Error::machine("write the frozen set", cause);
    let mut line = serde_json::to_vec(value).map_err(|cause| failed(&cause))?;
    line.push(b'\n');
    set.write_all(&line).map_err(|cause| failed(&cause))
}

/// A word of plain ASCII for a phrase: what is not a letter, digit, `.`, `_` or `-` becomes `-`.
fn plain_word(text: &str, otherwise: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let word: String = text.chars().map(plain).collect();
    if word.chars().any(|c| c.is_ascii_alphanumeric()) { word } else { otherwise.to_owned() }
}

/// Reads an action's own type back; only a plan of another version, or a damaged one, does not hold it.
fn spec<T: serde::de::DeserializeOwned>(action: &Action) -> Result<T, Error> {
    serde_json::from_value(action.spec.clone())
        .map_err(|cause| Error::new(Kind::Usage, format!("cannot read the action \"{}\": {cause}", action.line)))
}

/// Makes an action of an adapter's own type.
fn action(adapter: &str, floor: EffectClass, line: String, spec: &impl Serialize) -> Option<Action> {
    let spec = serde_json::to_value(spec).ok()?;
    Some(Action { adapter: adapter.to_owned(), floor, line, spec })
}
