//! `exec`: a program with arguments, without a shell, in its own environment.
//!
//! ```toml
//! do    = { exec = ["pg_dump", "-Fc", "-f", "{{run.dir}}/db.dump", "novacron"], cwd = "/", env = { PGUSER = "dump" } }
//! check = { exec = ["df", "-h", "--", "/srv"] }
//! ```
//!
//! A check or a proof may run only programs known to read: a short list of programs without any writing option, and
//! the estate's `trusted_reads`. Neither may set `env`, which could load other code.

mod beyond;
mod listing;
mod operands;
mod rehearse;
mod run;
mod variables;

pub(super) use self::listing::{handed, is_interpreter};
pub(super) use self::operands::runs_nothing;
pub(super) use self::rehearse::{no_directory, rehearse};
use self::run::{Errors, Ran, run};
pub(super) use self::variables::{Environment, Known, environment, own_environment};
use crate::config::names;
use crate::config::reader::{Node, Problems, Table, Value};
use crate::domain::quantity::counted;
use crate::domain::{EffectClass, Error, Item, Kind, Preview};
use crate::journal::record::Ending;
use crate::procedure::adapters::{Purpose, Scope};
use crate::procedure::params::absolute;
use crate::procedure::plan::Action;
use crate::runner::adapters::reach::Reach;
use crate::runner::adapters::secret::Named;
use crate::runner::adapters::{self as adapters, ActEnd, Look, Program, Proof};
use crate::runner::pinned::{FileIdentity, MOST_ARGUMENTS, Pinned};
use rustix::fs::{Access, access};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::AtomicBool;

/// The adapter's key.
pub const KEY: &str = "exec";

/// The directories for bare names, and the `PATH` of every program.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs without any option that writes, sets, deletes or runs something. Excluded for such an option: `find`
/// (`-delete`), `sort` (`-o`), `uniq` (second operand), `date` and `hostname` (set), `ss` (`-K`), `env` (runs).
const PURE: [&str; 26] = [
    "cat",
    "cmp",
    "df",
    "du",
    "echo",
    "false",
    "findmnt",
    "free",
    "getent",
    "grep",
    "head",
    "id",
    "ls",
    "lsblk",
    "nproc",
    "ps",
    "readlink",
    "realpath",
    "sha256sum",
    "stat",
    "tail",
    "test",
    "true",
    "uname",
    "uptime",
    "wc",
];

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    argv: Vec<String>,
    cwd: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<String, Named>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<Reach>,
}

/// The only line of its set.
#[derive(Debug, Serialize, Deserialize)]
struct Frozen {
    set: String,
    argv: Vec<String>,
    cwd: String,
    env: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    program: String,
    /// The files that it runs and reads; unknown in a set of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pinned: Option<Pinned>,
}

/// Reads the action.
pub(super) fn parse(
    purpose: Purpose,
    mut table: Table,
    scope: &Scope,
    known: &Known<'_>,
    problems: &mut Problems,
) -> Option<Action> {
    if let Some(at) = scope.limit.filter(|_| purpose == Purpose::Do) {
        problems.add(at, "`limit` needs a set that can be counted, and a program has none");
    }
    let argv = table.take(KEY).and_then(|node| arguments(node, problems));
    let cwd = directory(&mut table, scope, problems);
    let env = environment(&mut table, known, problems);
    table.finish(problems);
    let (argv, cwd, Environment { env, secrets, database, .. }) = (argv?, cwd?, env?);
    let bare = env.is_empty() && secrets.is_empty() && database.is_none();
    let reads = bare && argv.first().is_some_and(|name| is_reader(name, known.trusted));
    let least = if reads { EffectClass::Read } else { EffectClass::Change };
    let line = line(&argv);
    adapters::action(KEY, least, line, &Spec { argv, cwd, env, secrets, database })
}

fn arguments(node: Node, problems: &mut Problems) -> Option<Vec<String>> {
    let Value::List(items) = node.value else {
        problems.add(node.at, format!("`exec` must be a list such as [\"df\", \"-h\"], not {}", node.value.kind()));
        return None;
    };
    let mut argv = Vec::new();
    let mut sound = true;
    for item in items {
        let why = match item.value {
            Value::Int(number) => {
                argv.push(number.to_string());
                continue;
            }
            Value::Text(text) if text.contains('\0') => "an argument must not hold NUL".to_owned(),
            Value::Text(text) if text.starts_with("secret:") => "a secret is never an argument".to_owned(),
            Value::Text(text)
                if argv.is_empty() && (text.is_empty() || text.contains('/') && absolute(&text).is_none()) =>
            {
                format!("the program must be a bare name or an absolute path, not \"{}\"", text.escape_debug())
            }
            Value::Text(text) => {
                argv.push(text);
                continue;
            }
            other => format!("an argument must be text or a whole number, not {}", other.kind()),
        };
        problems.add(item.at, why);
        sound = false;
    }
    if argv.is_empty() && sound {
        problems.add(node.at, "`exec` must name a program");
    }
    (sound && !argv.is_empty()).then_some(argv)
}

/// The working directory: `cwd`, the root, or `/`.
pub(super) fn directory(table: &mut Table, scope: &Scope, problems: &mut Problems) -> Option<String> {
    let at = table.entries.iter().find(|entry| entry.key == "cwd").map_or(table.at, |entry| entry.node.at);
    if !table.has("cwd") {
        table.take("cwd");
        return Some(scope.root.clone().unwrap_or_else(|| "/".to_owned()));
    }
    let given = table.text("cwd", problems)?;
    let of_run = given.strip_prefix("{{run.dir}}");
    let sound = absolute(of_run.map_or(given.as_str(), |rest| if rest.is_empty() { "/" } else { rest })).is_some();
    if !sound {
        problems.add(at, format!("`cwd` must be an absolute path without `..`, not \"{}\"", given.escape_debug()));
    }
    sound.then_some(given)
}

fn is_reader(name: &str, trusted: &[String]) -> bool {
    let system = ["/bin/", "/usr/bin/"].iter().find_map(|directory| name.strip_prefix(directory));
    let bare = system.unwrap_or(name);
    PURE.contains(&bare) || (name.starts_with('/') && trusted.iter().any(|path| path == name))
}

/// The arguments as a shell would take them, for people.
fn line(argv: &[String]) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%{}".contains(c);
    let quoted = argv.iter().map(|word| {
        if !word.is_empty() && word.chars().all(is_plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Finds the file of a program's name.
pub(super) fn resolve(name: &str) -> Result<PathBuf, Error> {
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let found = if name.contains('/') {
        Some(PathBuf::from(name)).filter(|path| runs(path))
    } else {
        PATH.split(':').map(|directory| Path::new(directory).join(name)).find(|path| runs(path))
    };
    found.ok_or_else(|| {
        let shown = name.escape_debug();
        let why = if name.contains('/') {
            "no such file, or it cannot be executed".to_owned()
        } else {
            format!("it is not in {PATH}")
        };
        Error::machine(format_args!("find the program \"{shown}\""), why)
    })
}

/// The program to start.
pub(super) fn program(action: &Action) -> Result<Program, Error> {
    let spec: Spec = adapters::spec(action)?;
    let name = spec.argv.first().ok_or_else(|| Error::new(Kind::Usage, "cannot run a program: none is named"))?;
    let path = resolve(name).unwrap_or_else(|_| PathBuf::from(name));
    let mut env = own_environment();
    env.extend(spec.env);
    let cwd = PathBuf::from(spec.cwd);
    Ok(Program { path, argv: spec.argv, cwd, env, secrets: spec.secrets, database: spec.database, script: None })
}

/// Refuses a working directory that does not exist; a path that only the run knows is checked when it is reached.
pub(super) fn is_directory(path: &Path) -> Result<(), Error> {
    if path.starts_with("{{run.dir}}") {
        return Ok(());
    }
    let seen = std::fs::metadata(path);
    if seen.map_err(|cause| Error::machine(format_args!("look at {}", path.display()), cause))?.is_dir() {
        return Ok(());
    }
    Err(Error::machine(format_args!("work in {}", path.display()), "it is not a directory"))
}

/// Shows which file would be started, and freezes its identity.
pub(super) fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    look.in_time("look at a program")?;
    let spec: Spec = adapters::spec(action)?;
    let name = spec.argv.first().map_or("", String::as_str);
    let path = resolve(name)?;
    is_directory(Path::new(&spec.cwd))?;
    for secret in spec.secrets.values() {
        secret.read().map_err(|why| Error::machine("look at a program", why))?;
    }
    let pinned = program(action)?.look(&spec.argv, &look.restless)?;
    let frozen = Frozen {
        set: KEY.to_owned(),
        argv: spec.argv.clone(),
        cwd: spec.cwd.clone(),
        env: spec.env.keys().chain(spec.secrets.keys()).cloned().collect(),
        database: spec.database.as_ref().map(Reach::shown).transpose()?,
        program: path.display().to_string(),
        pinned: Some(pinned.clone()),
    };
    adapters::write_line(set, &frozen)?;
    let mut facts = vec![("program".to_owned(), frozen.program.clone()), ("user".to_owned(), user())];
    let real = std::fs::canonicalize(&path).map(|real| real.display().to_string()).unwrap_or_default();
    if real != frozen.program {
        facts.push(("file".to_owned(), real));
    }
    facts.extend(frozen.database.clone().map(|database| ("database".to_owned(), database)));
    if !frozen.env.is_empty() {
        facts.push(("variables".to_owned(), frozen.env.join(" ")));
    }
    let beyond = beyond::shown(&path, &spec.argv, Path::new(&spec.cwd));
    facts.extend(beyond.map(|beyond| ("not compared".to_owned(), beyond)));
    let listing = listing::of(&pinned, &spec.argv, Path::new(&spec.cwd))?;
    let mut warnings = uncompared(&pinned);
    let beyond = spec.argv.len().saturating_sub(MOST_ARGUMENTS + 1);
    if beyond > 0 {
        let words = counted(beyond as u64, "argument", "arguments");
        warnings.push(format!("the last {words}: no file that they name is compared"));
    }
    let base = Path::new(name).file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    let destroys = look.effect == EffectClass::Destroy;
    Ok(Preview {
        headline: format!("Run {}", action.line),
        place: format!("{}:{}", look.host, spec.cwd),
        count: 1,
        facts,
        listing,
        warnings,
        undo: look.undo.clone(),
        takes_s: look.takes_s,
        phrase: if destroys { format!("run {}", adapters::plain_word(base, "program")) } else { String::new() },
        ..Preview::default()
    })
}

/// The warnings about files whose content is not compared.
pub(super) fn uncompared(pinned: &Pinned) -> Vec<String> {
    let why = |file: &FileIdentity| if file.restless { "keeps changing" } else { "is too large, or cannot be read" };
    let describe = |file: &FileIdentity| format!("{} {}: its content is not compared", file.path.display(), why(file));
    pinned.unhashed().map(describe).collect()
}

/// The files that a set froze for this action; none for another action, and none in a set of an older version.
pub(super) fn pinned(action: &Action, head: &serde_json::Value) -> Option<Pinned> {
    let (spec, frozen) = (adapters::spec::<Spec>(action).ok()?, serde_json::from_value::<Frozen>(head.clone()).ok()?);
    (frozen.set == KEY && frozen.argv == spec.argv && frozen.cwd == spec.cwd).then_some(frozen.pinned).flatten()
}

/// The user that it runs as.
pub(super) fn user() -> String {
    names::user(rustix::process::geteuid().as_raw())
}

/// The set as one item.
pub(super) fn items(head: &serde_json::Value) -> Vec<Item> {
    let frozen = serde_json::from_value::<Frozen>(head.clone()).ok();
    frozen.map(|frozen| Item::named(line(&frozen.argv))).into_iter().collect()
}

/// Judges a program's exit: 0 is success, anything else is failure.
#[must_use]
pub fn end_of(status: ExitStatus) -> ActEnd {
    match (status.code(), status.signal()) {
        (Some(0), _) => ActEnd::new(Ending::Ok, "exit code 0"),
        (Some(code), _) => ActEnd::new(Ending::Failed, format!("exit code {code}")),
        (None, Some(signal)) => ActEnd::new(Ending::Failed, format!("killed by signal {signal}")),
        (None, None) => ActEnd::new(Ending::Unknown, "it ended without an exit code"),
    }
}

/// Runs the program here, without a shim; checks, proofs and tests use it.
pub(super) fn act(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    ended(action, run(action, out, Errors::Among, cancel))
}

/// Like [`act`], with standard output only.
pub(super) fn read(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    ended(action, run(action, out, Errors::Dropped, cancel))
}

fn ended(action: &Action, ran: Result<Ran, Error>) -> ActEnd {
    match ran {
        Ok(Ran::Ended(status)) => end_of(status),
        Ok(Ran::Cancelled) => ActEnd::new(Ending::Cancelled, "stopped"),
        Ok(Ran::Lost(why)) => ActEnd::new(Ending::Unknown, why),
        Err(error) if action.least == EffectClass::Read => ActEnd::unknown(error.message),
        Err(error) => ActEnd::new(Ending::Failed, error.message),
    }
}

pub(super) fn prove(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> Proof {
    match run(action, out, Errors::Among, cancel) {
        Ok(Ran::Ended(status)) => match status.code() {
            Some(0) => Proof::Done("exit code 0".to_owned()),
            Some(1) => Proof::NotDone("exit code 1".to_owned()),
            _ => Proof::Unclear(end_of(status).detail),
        },
        Ok(Ran::Cancelled) => Proof::Unclear("stopped".to_owned()),
        Ok(Ran::Lost(why)) => Proof::Unclear(why),
        Err(error) => Proof::Unclear(error.message),
    }
}

#[cfg(test)]
mod tests;
