//! The environment variables of a program.

use crate::config::reader::{Place, Problems, Table, Value};
use crate::config::secrets::Secrets;
use crate::runner::adapters::exec::PATH;
use crate::runner::adapters::reach::Reach;
use crate::runner::adapters::secret::Named;
use crate::runner::adapters::sql::connection::Database;
use std::collections::BTreeMap;

/// The parts of the estate that matter here.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Known<'a> {
    /// Absolute paths of programs that only read.
    pub(in super::super) trusted: &'a [String],
    /// Its secrets; `None` without an estate.
    pub(in super::super) secrets: Option<&'a Secrets>,
    /// Its databases; `None` without an estate.
    pub(in super::super) databases: Option<&'a [Database]>,
}

/// The variables that an action gives its program.
#[derive(Debug, Default)]
pub(in super::super) struct Environment {
    /// The literal ones.
    pub(in super::super) env: BTreeMap<String, String>,
    /// Those whose value is a secret of the estate.
    pub(in super::super) secrets: BTreeMap<String, Named>,
    /// The database that adds some.
    pub(in super::super) database: Option<Reach>,
    /// Where each is written.
    pub(in super::super) at: BTreeMap<String, Place>,
}

/// Reads its variables: `env`, in which `secret:NAME` means a secret of the estate, and those of the database in
/// `postgres`.
pub(in super::super) fn environment(
    table: &mut Table,
    known: &Known<'_>,
    problems: &mut Problems,
) -> Option<Environment> {
    let wanted = table.has("postgres");
    let mut env = Environment { database: Reach::read(table, known.databases, problems), ..Environment::default() };
    if wanted && env.database.is_none() {
        table.take("env");
        return None;
    }
    if !table.has("env") {
        table.take("env");
        return Some(env);
    }
    let mut sound = true;
    for entry in table.table("env", problems)?.entries {
        let is_name = !entry.key.starts_with(|c: char| c.is_ascii_digit())
            && !entry.key.is_empty()
            && entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let why = match entry.node.value {
            _ if !is_name => "the name of a variable is made of letters, digits and `_`".to_owned(),
            Value::Text(text) if text.contains('\0') => "a variable must not hold NUL".to_owned(),
            Value::Text(text) => {
                env.at.insert(entry.key.clone(), entry.at);
                match Named::of(&text, known.secrets) {
                    None => drop(env.env.insert(entry.key, text)),
                    Some(Ok(secret)) => drop(env.secrets.insert(entry.key, secret)),
                    Some(Err(why)) => {
                        problems.add(entry.node.at, why);
                        sound = false;
                    }
                }
                continue;
            }
            Value::Int(number) => {
                env.at.insert(entry.key.clone(), entry.at);
                env.env.insert(entry.key, number.to_string());
                continue;
            }
            other => format!("a variable must be text or a whole number, not {}", other.kind()),
        };
        problems.add(entry.at, why);
        sound = false;
    }
    sound.then_some(env)
}

/// The variables that every program gets.
pub(in super::super) fn own_environment() -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([("PATH".to_owned(), PATH.to_owned()), ("LANG".to_owned(), "C.UTF-8".to_owned())]);
    if let Some(home) = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok()) {
        env.insert("HOME".to_owned(), home);
    }
    env
}
