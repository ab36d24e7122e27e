//! The program of an act: which one, whether it may run without a prompt, and the files that a set pins for it.

use crate::config::trust;
use crate::domain::EffectClass;
use crate::domain::Error;
use crate::domain::quantity::{bytes, count};
use crate::procedure::plan::Action;
use crate::runner::adapters::reach::Reach;
use crate::runner::adapters::secret::Named;
use crate::runner::adapters::{ActEnd, act, exec, frozen, script};
use crate::runner::pinned::{Pinned, Start};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The variable with the search path of bare names.
const SEARCH: &str = "PATH";

/// The variable of a password for libpq.
const PASSWORD: &str = "PGPASSWORD";

/// A program that is the act itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file to execute; the first argument itself if none was found.
    pub path: PathBuf,
    /// The arguments, the program's name first.
    pub argv: Vec<String>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The environment, without its secrets.
    pub env: BTreeMap<String, String>,
    /// The variables whose values are secrets; the process that starts the program reads them.
    pub secrets: BTreeMap<String, Named>,
    /// The database whose variables it gets as well; the process that starts the program computes them.
    pub database: Option<Reach>,
    /// A script that the process that starts the program writes to a private file; its path becomes the last
    /// argument.
    pub script: Option<String>,
}

impl Program {
    /// Looks at the file to execute, at its interpreters as its own `PATH` finds them, and at the files that `words`
    /// name: its arguments, or those of them that count. The content of `restless` files is not compared.
    ///
    /// # Errors
    /// As [`Pinned::of`], and when its `PATH` is a secret that cannot be read.
    pub fn look(&self, words: &[String], restless: &[PathBuf]) -> Result<Pinned, Error> {
        let secret = self.secrets.get(SEARCH).map(Named::read).transpose();
        let secret = secret.map_err(|why| Error::machine(format_args!("look at {}", self.path.display()), why))?;
        let given = secret.as_ref().map(|secret| secret.expose());
        let search = given.or(self.env.get(SEARCH).map(String::as_str)).unwrap_or(exec::PATH);
        Pinned::of(&Start { program: &self.path, argv: words, cwd: &self.cwd, search, restless })
    }

    /// The whole environment, secrets included.
    ///
    /// # Errors
    /// A sentence with the name and the place of a secret that cannot be read.
    pub fn environment(&self) -> Result<BTreeMap<String, String>, String> {
        let found = environment(&self.env, &self.secrets, self.database.as_ref())?;
        Ok(found.0.into_iter().chain(found.1).collect())
    }
}

/// Variables by their names.
pub type Variables = BTreeMap<String, String>;

/// The variables of a program: public ones and secrets. Written ones override those of a database.
///
/// # Errors
/// A sentence with the name and the place of a secret that cannot be read, or why it is not known how a database is reached.
pub fn environment(
    env: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, Named>,
    database: Option<&Reach>,
) -> Result<(Variables, Variables), String> {
    let variables = database.map(Reach::variables).transpose()?.unwrap_or_default();
    let mut plain = variables.plain;
    plain.extend(env.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut hidden = BTreeMap::new();
    if let Some(password) = variables.password.filter(|_| !env.contains_key(PASSWORD)) {
        hidden.insert(PASSWORD.to_owned(), password.expose().to_owned());
    }
    for (name, secret) in secrets {
        hidden.insert(name.clone(), secret.read()?.expose().to_owned());
    }
    Ok((plain, hidden))
}

/// Whether the program of an unconfirmed action (a check, a read, a proof) can be changed only by root and this user.
///
/// # Errors
/// A sentence with the place that others can change, and the command that closes it.
pub fn is_fit_unasked(action: &Action) -> Result<(), String> {
    let program = program(action).filter(|_| action.least == EffectClass::Read);
    program.map_or(Ok(()), |program| fit_unasked(&program.path))
}

/// Like [`is_fit_unasked`], for a program's file.
///
/// # Errors
/// As [`is_fit_unasked`].
pub fn fit_unasked(program: &Path) -> Result<(), String> {
    trust::check(program)
        .map_err(|loose| format!("{} is run without a confirmation, and {loose}{}", program.display(), loose.close()))
}

/// Runs a reading program, and returns only its standard output.
pub fn read_program(action: &Action, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    match action.adapter.as_str() {
        exec::KEY => exec::read(action, out, cancel),
        _ => act(action, &mut std::io::empty(), out, cancel),
    }
}

/// A program's output, without its last line end.
///
/// # Errors
/// Nothing printed is nothing learned; and what is no text cannot stand in one.
pub fn printed(output: Vec<u8>) -> Result<String, String> {
    let output = String::from_utf8(output).map_err(|cause| {
        let (place, all) = (cause.utf8_error().valid_up_to() as u64, cause.as_bytes().len() as u64);
        format!("it printed {}, which are no UTF-8 text from byte {} on", bytes(all), count(place + 1))
    })?;
    match output.replace("\r\n", "\n").trim() {
        "" => Err("it printed nothing".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// The program of an `exec` or `script` action.
#[must_use]
pub fn program(action: &Action) -> Option<Program> {
    match action.adapter.as_str() {
        exec::KEY => exec::program(action).ok(),
        script::KEY => script::program(action).ok(),
        _ => None,
    }
}

/// The files that a frozen set pins for this action, for `exec` and `script`; none if the set is of another one.
#[must_use]
pub fn pinned(action: &Action, set: &mut dyn BufRead) -> Option<Pinned> {
    let head = frozen::head(set).ok()?;
    match action.adapter.as_str() {
        exec::KEY => exec::pinned(action, &head),
        script::KEY => script::pinned(action, &head),
        _ => None,
    }
}
