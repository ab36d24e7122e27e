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
use crate::config::state::State;
use crate::domain::error::{Error, Result};
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
}

impl World {
    /// Every procedure there is, read anew: a file may change while the console is open.
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

    /// The windows, read anew: a run freezes them as they are when it starts.
    ///
    /// # Errors
    /// Kind `Usage`: the file cannot be read, or anything in it is wrong.
    pub fn windows(&self) -> Result<Calendar> {
        calendar::load(self.estate.source.as_deref())
    }

    /// The adapters, as they know this estate.
    #[must_use]
    pub fn adapters(&self) -> BuiltIn {
        BuiltIn::of(&self.estate)
    }
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
