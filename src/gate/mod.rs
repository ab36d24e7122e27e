//! The one door to the world: every query and every command of a console passes here.
//!
//! Two gates exist. [`operate::Operate`] answers queries and carries out confirmed commands; [`watch::Watch`] answers the same
//! queries and holds nothing to act with: it grants no authority, opens no control socket and launches no process.

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

/// What a gate works on.
#[derive(Clone, Debug)]
pub struct World {
    /// The estate.
    pub estate: Estate,
    /// The variables that it was found with.
    pub around: Surroundings,
    /// Its windows.
    pub calendar: Calendar,
    /// Where runs and locks are.
    pub state: State,
    /// Midwatch's own program, which the runner is launched from.
    pub exe: PathBuf,
    /// Why the estate file or the windows beside it cannot be used; runs that exist need neither, and nothing new is started.
    pub wrong: Option<Wrong>,
}

/// What of the files of an estate cannot be used.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// Why.
    pub cause: Error,
    /// Whether it is the estate file itself, so that not even the environment is known.
    pub is_estate: bool,
}

impl World {
    /// Every procedure there is, read again: a file may change while the console is open.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        Catalog::read(self.estate.source.as_deref(), &self.estate.packs, &self.adapters())
    }

    /// An error with the places where the estate file was looked for, where there is none: that may be all that is wrong.
    #[must_use]
    pub fn without_estate(&self, cause: Error) -> Error {
        match self.estate.source {
            Some(_) => cause,
            None => cause.hint(paths::no_estate_file(&self.around)),
        }
    }

    /// The windows, read again: a run freezes them as they are when it starts.
    ///
    /// # Errors
    /// Kind `Usage`: the file cannot be read, or anything in it is wrong.
    pub fn windows(&self) -> Result<Calendar> {
        calendar::load(self.estate.source.as_deref())
    }

    /// Refuses to start anything where the estate file or the windows cannot be used.
    ///
    /// # Errors
    /// Kind `Refused`, with what is wrong.
    pub fn may_start(&self) -> Result<()> {
        let Some(wrong) = &self.wrong else { return Ok(()) };
        let message = format!("nothing can be started: {}", first_fault(&wrong.cause));
        Err(Error::new(Kind::Refused, message).hint(format!("{} lists what is wrong", shell::on_estate("lint"))))
    }

    /// The adapters, as they know this estate.
    #[must_use]
    pub fn adapters(&self) -> BuiltIn {
        BuiltIn::of(&self.estate)
    }
}

/// What is wrong with a file, a line each: they stand below what cannot be used.
#[must_use]
pub fn faults(error: &Error) -> String {
    let (head, below) = error.message.split_once('\n').unwrap_or((&error.message, ""));
    let causes = if below.trim().is_empty() { head } else { below };
    let causes = causes.lines().map(|line| Clean::text(line.trim()).plain()).filter(|line| !line.is_empty());
    causes.collect::<Vec<_>>().join("\n")
}

/// The first of them.
#[must_use]
pub fn first_fault(error: &Error) -> String {
    faults(error).lines().next().unwrap_or_default().to_owned()
}

/// A door: answers come back as messages.
pub trait Gate {
    /// Looks something up.
    fn query(&mut self, query: Query);

    /// Carries out what a person confirmed, or refuses.
    fn command(&mut self, command: Confirmed<Command>);

    /// The right to act, where this door gives it.
    fn authority(&self) -> Option<Authority>;
}
