//! The only interface to the world: every query and every command of a console passes here.
//!
//! Two gates exist. [`operate::Operate`] answers queries and carries out confirmed commands. [`watch::Watch`] answers
//! the same queries and cannot act: it grants no authority, opens no control socket and launches no process.

pub mod client;
pub mod edits;
pub mod follow;
pub mod logs;
pub mod lookup;
pub mod offers;
pub mod operate;
pub mod plans;
pub mod preflight;
pub mod spawn;
pub mod watch;

use crate::app::confirm::{Authority, Confirmed};
use crate::app::effect::{Command, Query};
use crate::calendar::{self, Calendar};
use crate::config::estate::Estate;
use crate::config::paths::{self, Surroundings};
use crate::config::shell;
use crate::config::state::State;
use crate::domain::error::{Error, Result};
use crate::domain::{Clean, Kind};
use crate::procedure::catalog::Catalog;
use crate::runner::adapters::BuiltIn;
use std::path::PathBuf;

/// The configuration and state that a gate works on.
#[derive(Clone, Debug)]
pub struct World {
    /// The estate.
    pub estate: Estate,
    /// The environment variables with which it was found.
    pub around: Surroundings,
    /// Its windows.
    pub calendar: Calendar,
    /// The directories of runs and locks.
    pub state: State,
    /// The path of Midwatch's own program, from which runners are launched.
    pub exe: PathBuf,
    /// Why the estate file or its windows cannot be used. Existing runs need neither; no new run starts.
    pub wrong: Option<Wrong>,
}

/// A file of the estate that cannot be used.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The cause.
    pub cause: Error,
    /// Whether the estate file itself is wrong, so that the environment is unknown too.
    pub is_estate: bool,
}

impl World {
    /// Every procedure, read again: a file may change while the console is open.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        Catalog::read(self.estate.source.as_deref(), &self.estate.packs, &self.adapters())
    }

    /// Adds the searched places to an error if no estate file was found: that may be the only cause.
    #[must_use]
    pub fn without_estate(&self, cause: Error) -> Error {
        match self.estate.source {
            Some(_) => cause,
            None => cause.hint(paths::no_estate_file(&self.around)),
        }
    }

    /// The windows, read again: a run freezes them when it starts.
    ///
    /// # Errors
    /// Kind `Usage`: the file cannot be read, or anything in it is wrong.
    pub fn windows(&self) -> Result<Calendar> {
        calendar::load(self.estate.source.as_deref())
    }

    /// Refuses to start a run while the estate file or the windows cannot be used.
    ///
    /// # Errors
    /// Kind `Refused`, with what is wrong.
    pub fn may_start(&self) -> Result<()> {
        let Some(wrong) = &self.wrong else { return Ok(()) };
        let message = format!("nothing can be started: {}", first_fault(&wrong.cause));
        Err(Error::new(Kind::Refused, message).hint(format!("{} lists what is wrong", shell::on_estate("lint"))))
    }

    /// The adapters of this estate.
    #[must_use]
    pub fn adapters(&self) -> BuiltIn {
        BuiltIn::of(&self.estate)
    }
}

/// The errors in the file, one line each.
#[must_use]
pub fn faults(error: &Error) -> String {
    let (head, below) = error.message.split_once('\n').unwrap_or((&error.message, ""));
    let causes = if below.trim().is_empty() { head } else { below };
    let causes = causes.lines().map(|line| Clean::text(line.trim()).plain()).filter(|line| !line.is_empty());
    causes.collect::<Vec<_>>().join("\n")
}

/// The first of these errors.
#[must_use]
pub fn first_fault(error: &Error) -> String {
    faults(error).lines().next().unwrap_or_default().to_owned()
}

/// A gate: answers come back as messages.
pub trait Gate {
    /// Looks something up.
    fn query(&mut self, query: Query);

    /// Carries out what a person confirmed, or refuses.
    fn command(&mut self, command: Confirmed<Command>);

    /// The right to act, if this gate grants it.
    fn authority(&self) -> Option<Authority>;
}
