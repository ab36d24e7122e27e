//! `postgres` beside `exec` and `script`: the estate's database for the program, by libpq's variables.
//!
//! ```toml
//! do = { exec = ["pg_dump", "-Fc", "-f", "{{run.dir}}/db.dump"], postgres = "{{database}}" }
//! ```
//!
//! It is reached like an act of `sql`. The plan holds the written form and the places of its secrets; the process
//! that starts the program computes the variables, and the password among them is masked in the log.
//!
//! The sessions of a program carry the name of its attempt, and the server itself checks whether their client is
//! alive. Sessions left after a program was stopped are cancelled, then terminated.

mod sessions;

pub use sessions::Ended;

use crate::config::libpq::Variables;
use crate::config::reader::{Problems, Table};
use crate::domain::{Error, TargetKind};
use crate::procedure::params::{ANY_TARGET, no_such_target};
use crate::runner::adapters::sql::connection::{Database, Way};
use serde::{Deserialize, Serialize};

/// The key.
const KEY: &str = "postgres";

/// A database for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Its name in the estate.
    pub name: String,
    /// How to act on it; `None` only if the plan was made without an estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    way: Option<Way>,
}

impl Reach {
    /// Takes the key out; `None` if it is missing or wrong; errors are added to `problems`.
    pub(super) fn read(table: &mut Table, known: Option<&[Database]>, problems: &mut Problems) -> Option<Self> {
        if !table.has(KEY) {
            table.take(KEY);
            return None;
        }
        let at = table.place_of(KEY);
        let name = table.text(KEY, problems)?;
        let open = name == ANY_TARGET || name.contains("{{");
        let Some(known) = known.filter(|_| !open) else { return Some(Self { name, way: None }) };
        let Some(found) = known.iter().find(|database| database.name == name) else {
            let names: Vec<String> = known.iter().map(|database| database.name.clone()).collect();
            match no_such_target(TargetKind::Postgres, &name, &names) {
                (why, Some(hint)) => problems.add_with_hint(at, why, hint),
                (why, None) => problems.add(at, why),
            }
            return None;
        };
        if found.act.is_none() {
            let shown = name.escape_debug();
            let message = format!("{shown} has no `act`: the estate names no role that programs may use");
            problems.add_with_hint(at, message, format!("add `act = \"…\"` to the [[postgres]] `{shown}`"));
            return None;
        }
        Some(Self { name, way: found.act.clone() })
    }

    /// The variables, with the values of secrets.
    ///
    /// # Errors
    /// A sentence without any secret.
    pub fn variables(&self) -> Result<Variables, String> {
        let way = self.way.as_ref().ok_or_else(|| format!("{}: the plan does not hold how to reach it", self.name))?;
        way.access().variables().map_err(|why| format!("{}: {why}", self.name))
    }

    /// The database in a few words: `main (db1:5432/app)`.
    ///
    /// # Errors
    /// When it cannot be worked out how it is reached.
    pub(super) fn shown(&self) -> Result<String, Error> {
        self.variables().map_err(|why| Error::machine("find the way to a database", why))?;
        let place = self.way.as_ref().map(|way| way.access().shown()).unwrap_or_default();
        Ok(format!("{} ({place})", self.name))
    }
}
