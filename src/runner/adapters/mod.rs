//! The adapters: how an action is read, previewed, and carried out.
//!
//! A frozen set (`frozen`) is JSON Lines; the first line is its head, `{"set":"files",…}`, and the digest of all its
//! bytes is the digest of the set. It contains no ages: the same state on disk gives the same bytes.

mod block;
pub mod bound;
mod end;
mod entries;
pub mod exec;
pub mod files;
mod frozen;
pub mod hide;
pub mod http;
pub mod keys;
mod limit;
pub mod look;
pub mod objects;
pub mod phrase;
pub mod probe;
mod program;
pub mod reach;
pub mod redis;
pub mod rehearse;
pub mod run;
pub mod script;
pub mod secret;
mod spec;
pub mod sql;
pub mod systemd;
mod tally;
#[cfg(test)]
mod tests;
pub mod undo;
pub mod wait;

pub use end::{ActEnd, Proof};
pub use frozen::{Draft, drift, drifted_arguments, items};
pub use program::{
    Program, Variables, environment, fit_unasked, is_fit_unasked, pinned, printed, program, read_program,
};

use crate::config::estate::Estate;
use crate::config::reader::{Problems, Table, nearest};
use crate::config::secrets::Secrets;
use crate::domain::{EffectClass, Error, Kind, Preview, RunId, TargetKind, Wall};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::procedure::adapters::{Adapters, NoTarget, Purpose, Scope};
use crate::procedure::plan::{Action, Limit, Step};
use crate::runner::notify;
use frozen::{not_a_set, write_line};
use phrase::plain_word;
use spec::{action, spec};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The adapters' keys.
const NAMES: [&str; 10] = [
    exec::KEY,
    files::KEY,
    http::KEY,
    objects::KEY,
    probe::KEY,
    redis::KEY,
    run::KEY,
    script::KEY,
    sql::KEY,
    systemd::KEY,
];

/// Adapters of the format that this version does not support.
const LATER: [&str; 2] = ["kube", "cert"];

/// The adapters, with what the estate trusts.
#[derive(Clone, Debug, Default)]
pub struct BuiltIn {
    trusted_reads: Vec<String>,
    /// The estate's databases; `None` without an estate.
    databases: Option<Vec<sql::connection::Database>>,
    /// The estate's Redis servers; `None` without an estate.
    servers: Option<Vec<redis::connection::Server>>,
    /// The names of the estate's secrets with their places; `None` without an estate.
    secrets: Option<Secrets>,
    /// The names of the estate's receivers; `None` without an estate.
    receivers: Option<Vec<String>>,
    /// The estate's stores; `None` without an estate.
    stores: Option<objects::Known>,
    /// The names of the estate's targets; `None` without an estate.
    entries: Option<entries::Entries>,
    /// Whether procedures are planned with it, and not only read.
    plans: bool,
}

impl BuiltIn {
    /// The adapters without an estate; `trusted_reads` are absolute paths of programs that only read.
    #[must_use]
    pub fn new(trusted_reads: Vec<String>) -> Self {
        Self { trusted_reads, ..Self::default() }
    }

    /// The adapters for an estate: with its trusted programs and its databases.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        let trusted = estate.trusted_reads.iter().map(|path| path.display().to_string()).collect();
        let receivers = estate.receivers.iter().map(|receiver| receiver.name.clone()).collect();
        Self {
            databases: Some(sql::connection::databases(estate)),
            servers: Some(redis::connection::servers(estate)),
            secrets: Some(estate.secrets.clone()),
            receivers: Some(receivers),
            stores: Some(objects::Known::of(estate)),
            entries: Some(entries::Entries::of(estate)),
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
            // Failed units are no entries of the estate, and no other name is acted on.
            _ => None,
        }
    }

    fn least_s(&self, action: &Action) -> u64 {
        if action.adapter == http::KEY { http::least_s(action) } else { 0 }
    }

    fn refuses_lock(&self, name: &str) -> Option<NoTarget> {
        self.entries.as_ref()?.refuses_lock(name)
    }

    fn refuses_probe(&self, kind: &str, name: &str) -> Option<NoTarget> {
        self.entries.as_ref()?.refuses(kind, name)
    }

    fn plans(&self) -> bool {
        self.plans
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
            problems.add(*on, format!("`on` names a target for `sql` and `redis`; `{only}` works on none"));
        }
        match found.as_slice() {
            [exec::KEY] => {
                let secrets = self.secrets.as_ref();
                let known = exec::Known { trusted: &self.trusted_reads, secrets, databases: self.databases.as_deref() };
                exec::parse(purpose, std::mem::take(table), scope, &known, problems)
            }
            [files::KEY] => files::parse(purpose, std::mem::take(table), scope, problems),
            [http::KEY] => http::parse(purpose, std::mem::take(table), self.secrets.as_ref(), problems),
            [objects::KEY] => objects::parse(purpose, std::mem::take(table), scope, self.stores.as_ref(), problems),
            [probe::KEY] => probe::parse(purpose, std::mem::take(table), self, problems),
            [redis::KEY] => redis::parse(purpose, std::mem::take(table), scope, self.servers.as_deref(), problems),
            [run::KEY] => run::parse(purpose, std::mem::take(table), problems),
            [script::KEY] => {
                let (secrets, databases) = (self.secrets.as_ref(), self.databases.as_deref());
                let known = exec::Known { trusted: &[], secrets, databases };
                script::parse(purpose, std::mem::take(table), scope, &known, problems)
            }
            [sql::KEY] => sql::parse(purpose, std::mem::take(table), scope, self.databases.as_deref(), problems),
            [systemd::KEY] => systemd::parse(purpose, std::mem::take(table), scope, problems),
            [] => {
                if let Some(later) = LATER.into_iter().find(|name| table.has(name)) {
                    problems.add(at, format!("the adapter `{later}` is not supported by this version"));
                } else {
                    let given = table.entries.first().map_or("", |entry| entry.key.as_str());
                    let hint = nearest(given, NAMES).map_or_else(
                        || format!("one of {}", NAMES.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    problems.add_with_hint(at, "an action names its adapter, and none is here", hint);
                }
                None
            }
            many => {
                problems.add(at, format!("an action has exactly one adapter, not {}", many.join(" and ")));
                None
            }
        }
    }
}

/// The headline of an empty preview.
const NOTHING_FITS: &str = "nothing fits: there is nothing to do";

/// Why an empty set is skipped, with what was left out of it.
#[must_use]
pub fn nothing_to_do(preview: &Preview) -> String {
    let left_out = preview.warnings.iter().filter(|warning| *warning != NOTHING_FITS);
    let reasons: Vec<&str> = std::iter::once(preview.headline.as_str()).chain(left_out.map(String::as_str)).collect();
    format!("nothing to do: {}", reasons.join("; "))
}

/// How long a preview may take.
const PREVIEW: Duration = Duration::from_secs(60);

/// The context of a preview.
#[derive(Clone, Debug)]
pub struct Look {
    /// The limit of the set.
    pub limit: Option<Limit>,
    /// The author's estimate of its duration, in seconds.
    pub takes_s: Option<u64>,
    /// The undo, in words.
    pub undo: String,
    /// The name of this machine.
    pub host: String,
    /// The step's effect class; a destroy requires a phrase.
    pub effect: EffectClass,
    /// The moment for computing ages; never written into the set.
    pub now: Wall,
    /// The deadline of the preview.
    pub deadline: Instant,
    /// Argument files that kept changing during the prompt.
    pub restless: Vec<PathBuf>,
}

impl Look {
    /// The context of a step's preview, on this machine and at this moment.
    #[must_use]
    pub fn of(step: &Step, host: String) -> Self {
        Self {
            limit: step.limit,
            takes_s: step.takes_s,
            undo: step.undo.words(),
            host,
            effect: step.effect,
            now: clock::now().wall,
            deadline: Instant::now() + PREVIEW,
            restless: Vec::new(),
        }
    }

    /// Fails after the deadline.
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

/// The error for an unknown action; only a plan of another version has one.
fn no_such(action: &Action) -> Error {
    Error::new(
        Kind::Usage,
        format!("cannot use the adapter \"{}\": this version has none", action.adapter.escape_debug()),
    )
}

/// Finds what an action would touch, and writes the frozen set. Changes nothing.
///
/// # Errors
/// Of kind refused when the set is over its limit, with the numbers; otherwise whatever keeps it from being known
/// whole: an unreadable directory, a missing program, the deadline.
pub fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    match action.adapter.as_str() {
        exec::KEY => exec::preview(action, look, set),
        files::KEY => files::preview(action, look, set),
        http::KEY => http::preview(action, look, set),
        objects::KEY => objects::preview(action, look, set),
        script::KEY => script::preview(action, look, set),
        redis::KEY => redis::preview(action, look, set),
        sql::KEY => sql::preview(action, look, set),
        systemd::KEY => systemd::preview(action, look, set),
        _ => Err(no_such(action)),
    }
}

/// Carries an action out on its frozen set and on nothing else; reports each object to `out` and checks `cancel`
/// between them. Runs in the act process; it blocks.
pub fn act(action: &Action, set: &mut dyn BufRead, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    match action.adapter.as_str() {
        exec::KEY => exec::act(action, out, cancel),
        files::KEY => files::act(action, set, out, cancel),
        http::KEY => http::act(action, out, cancel),
        objects::KEY => objects::act(action, set, out, cancel),
        script::KEY => script::act(),
        redis::KEY => redis::act(action, set, out, cancel),
        sql::KEY => sql::act(action, set, out, cancel),
        systemd::KEY => systemd::act(action, set, out, cancel),
        wait::KEY => wait::act(action, out, cancel),
        notify::KEY => notify::act(action, out, cancel),
        _ => ActEnd::new(Ending::Failed, no_such(action).message),
    }
}

/// Checks, read-only, whether the effect on this frozen set is present.
///
/// A program proves by its exit code: 0 is done, 1 is not done (like `test`, `grep` and `cmp`), any other is unclear.
pub fn prove(action: &Action, set: &mut dyn BufRead, out: &mut dyn Write, cancel: &AtomicBool) -> Proof {
    match action.adapter.as_str() {
        exec::KEY => exec::prove(action, out, cancel),
        files::KEY => files::prove(action, set, cancel),
        http::KEY => http::prove(action, out, cancel),
        objects::KEY => objects::prove(action, set, out, cancel),
        redis::KEY => redis::prove(action, set, out, cancel),
        sql::KEY => sql::prove(action, set, out, cancel),
        systemd::KEY => systemd::prove(action, set, out),
        _ => Proof::Unclear(no_such(action).message),
    }
}

/// The proof that counts the effect of an action on its frozen set, if its adapter needs no further key for it.
#[must_use]
pub fn counting(action: &Action) -> Option<Action> {
    if action.adapter == files::KEY { files::counting(action) } else { None }
}

/// Whether the runner itself looks, because the answer is in its own state or its own probes.
#[must_use]
pub fn is_look(action: &Action) -> bool {
    matches!(action.adapter.as_str(), probe::KEY | run::KEY)
}

/// The action of one attempt of a run: `3.1` is the first attempt at its third step, `3.1.undo` its undo.
#[must_use]
pub fn of_attempt(action: Action, run: &RunId, attempt: &str) -> Action {
    if action.adapter == http::KEY { http::of_attempt(action, run, attempt) } else { action }
}
