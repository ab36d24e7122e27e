//! `script`: a text for bash, in strict mode, with its own environment.
//!
//! ```toml
//! do = { script = '''
//!   pg_dump -Fc -f "$OUT" novacron
//!   sync "$OUT"
//! ''', env = { OUT = "{{run.dir}}/db.dump", PGPASSWORD = "secret:pg" } }
//! ```
//!
//! It runs as `bash --noprofile --norc -euo pipefail FILE`, where the file is private to the attempt. No part of it
//! is an argument, and nothing is filled into it: `{{…}}` in the text is refused, because bash would read a value as
//! code. Values are passed as variables, and the author must quote them. A script may do anything, so its least
//! effect class is change; it can neither check nor prove.

use crate::config::reader::{Node, Place, Problems, Table, Value};
use crate::domain::quantity::counted;
use crate::domain::{EffectClass, Error, Item, Kind, Listing, Preview};
use crate::journal::record::Ending;
use crate::procedure::adapters::{Purpose, Scope};
use crate::procedure::plan::Action;
use crate::procedure::shell::{self, Unreadable};
use crate::runner::adapters::exec::{self, Environment, Known};
use crate::runner::adapters::reach::Reach;
use crate::runner::adapters::secret::Named;
use crate::runner::adapters::{self as adapters, ActEnd, Look, Program};
use crate::runner::pinned::Pinned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The adapter's key.
pub const KEY: &str = "script";

/// The name of its text on screens.
const NAME: &str = "bash script";

/// The longest script, in bytes; a longer one should be a file under version control.
const LONGEST: usize = 64 << 10;

/// How bash is started, before the name of the file.
const STRICT: [&str; 4] = ["--noprofile", "--norc", "-euo", "pipefail"];

/// Variables from which bash takes code or options (bash(1), "Shell Variables").
const LOADS: [&str; 5] = ["BASH_ENV", "BASHOPTS", "ENV", "PS4", "SHELLOPTS"];

/// The action's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spec {
    text: String,
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
    text: String,
    cwd: String,
    env: BTreeMap<String, String>,
    secrets: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    program: String,
    /// The bash that runs it; unknown in a set of an older version.
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
        problems.add(at, "`limit` needs a set that can be counted, and a script has none");
    }
    let text = table.take(KEY).and_then(|node| script(node, problems));
    let cwd = exec::directory(&mut table, scope, problems);
    let env = exec::environment(&mut table, known, problems);
    for entry in env.iter().flat_map(|env| env.at.iter()).filter(|(name, _)| LOADS.contains(&name.as_str())) {
        problems.add(*entry.1, format!("`{}` would have bash read other code or options", entry.0));
    }
    table.finish(problems);
    let (text, cwd, Environment { env, secrets, database, .. }) = (text?, cwd?, env?);
    let lines = counted(text.lines().count() as u64, "line", "lines");
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let line = format!("bash script of {lines}: {first}");
    let listing = Some(Listing { name: NAME.to_owned(), text: text.clone() });
    let action = adapters::action(KEY, EffectClass::Change, line, &Spec { text, cwd, env, secrets, database })?;
    Some(Action { listing, ..action })
}

fn script(node: Node, problems: &mut Problems) -> Option<String> {
    let at = node.at;
    let refuse = |at: Place, why: String, problems: &mut Problems| {
        problems.add(at, why);
        None
    };
    let text = match node.value {
        Value::Text(text) => text,
        other => return refuse(at, format!("`script` must be text, not {}", other.kind()), problems),
    };
    if text.trim().is_empty() {
        return refuse(at, "`script` must not be empty".to_owned(), problems);
    }
    if text.contains('\0') || text.len() > LONGEST {
        return refuse(at, "`script` must have at most 64 KiB, and no NUL".to_owned(), problems);
    }
    match shell::parse(&text) {
        Ok(_) => Some(text),
        Err(Unreadable { line, why, .. }) => {
            let line = line.map_or_else(String::new, |line| format!("line {line} of the script: "));
            refuse(at, format!("`script`: {line}{why}"), problems)
        }
    }
}

/// Bash as it is started; the process that starts it adds the file with the text as the last argument.
pub(super) fn program(action: &Action) -> Result<Program, Error> {
    let spec: Spec = adapters::spec(action)?;
    let path = exec::resolve("bash").unwrap_or_else(|_| PathBuf::from("bash"));
    let argv = std::iter::once("bash").chain(STRICT).map(str::to_owned).collect();
    let mut env = exec::own_environment();
    env.extend(spec.env);
    let (cwd, script) = (PathBuf::from(spec.cwd), Some(spec.text));
    Ok(Program { path, argv, cwd, env, secrets: spec.secrets, database: spec.database, script })
}

/// Shows the whole script with its findings, and freezes it with its bash.
pub(super) fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    look.in_time("look at a script")?;
    let spec: Spec = adapters::spec(action)?;
    let path = exec::resolve("bash")?;
    let pinned = program(action)?.look(&[], &[])?;
    exec::is_directory(Path::new(&spec.cwd))?;
    reads(&path, &spec.text)?;
    for secret in spec.secrets.values() {
        secret.read().map_err(|why| Error::machine("look at a script", why))?;
    }
    let frozen = Frozen {
        set: KEY.to_owned(),
        text: spec.text.clone(),
        cwd: spec.cwd.clone(),
        env: spec.env.clone(),
        secrets: spec.secrets.iter().map(|(name, secret)| format!("{name}=secret:{}", secret.name)).collect(),
        database: spec.database.as_ref().map(Reach::shown).transpose()?,
        program: path.display().to_string(),
        pinned: Some(pinned),
    };
    adapters::write_line(set, &frozen)?;
    let mut facts = vec![("program".to_owned(), frozen.program.clone()), ("user".to_owned(), exec::user())];
    facts.extend(frozen.database.clone().map(|database| ("database".to_owned(), database)));
    let variables: Vec<String> = spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let variables = [variables, frozen.secrets.clone()].concat();
    if !variables.is_empty() {
        facts.push(("variables".to_owned(), variables.join(" ")));
    }
    let lines = spec.text.lines().count() as u64;
    let found = shell::findings(&spec.text, true);
    Ok(Preview {
        headline: format!("Run a bash script of {}", counted(lines, "line", "lines")),
        place: format!("{}:{}", look.host, spec.cwd),
        count: 1,
        facts,
        listing: Some(Listing { name: NAME.to_owned(), text: spec.text.clone() }),
        warnings: found.into_iter().map(|one| format!("line {}: {}", one.line, one.message)).collect(),
        undo: look.undo.clone(),
        takes_s: look.takes_s,
        phrase: if look.effect == EffectClass::Destroy { format!("run {lines} lines") } else { String::new() },
        ..Preview::default()
    })
}

/// The bash that a set pinned for this script.
pub(super) fn pinned(action: &Action, head: &serde_json::Value) -> Option<Pinned> {
    let (spec, frozen) = (adapters::spec::<Spec>(action).ok()?, serde_json::from_value::<Frozen>(head.clone()).ok()?);
    (frozen.set == KEY && frozen.text == spec.text && frozen.cwd == spec.cwd).then_some(frozen.pinned).flatten()
}

/// Checks the script with bash, without running any of it (`-n`).
fn reads(bash: &Path, text: &str) -> Result<(), Error> {
    let failed = |cause: std::io::Error| Error::machine("check the script with bash", cause);
    let mut command = Command::new(bash);
    command.args(STRICT).arg("-n").env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(text.as_bytes()); // It may stop reading at an error, which it then reports.
    }
    let done = child.wait_with_output().map_err(failed)?;
    if done.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&done.stderr);
    let why = message.lines().next().unwrap_or("it gave no reason").to_owned();
    Err(Error::new(Kind::Usage, format!("cannot run the script: bash does not read it: {why}")))
}

/// The script, one line an item.
pub(super) fn items(head: &serde_json::Value) -> Vec<Item> {
    let frozen = serde_json::from_value::<Frozen>(head.clone()).ok();
    let text = frozen.map(|frozen| frozen.text).unwrap_or_default();
    (1..).zip(text.lines()).map(|(number, text): (usize, _)| Item::named(format!("{number:>4}  {text}"))).collect()
}

/// A script acts as its own program, under its shim only.
pub(super) fn act() -> ActEnd {
    ActEnd::new(Ending::Failed, "nothing was touched: a script runs under its shim")
}

mod rehearse;
#[cfg(test)]
mod tests;

pub(super) use rehearse::rehearse;
