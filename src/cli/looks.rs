//! The theme and the keymap that a command line names: one that does not exist is refused before anything else is done.
//!
//! A variable is set for every session, so that one that names none that exists gets a banner in the console instead: it blocks no window.

use crate::cli::args::Common;
use crate::cli::setup;
use crate::config::reader::nearest;
use crate::config::theme::Theme;
use crate::config::{keymap, paths};
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use clap::ArgMatches;
use clap::parser::ValueSource;

/// What was typed as an option.
pub struct Looks {
    theme: Option<String>,
    keymap: Option<String>,
}

impl Looks {
    /// That of a command line.
    #[must_use]
    pub fn of(mut matches: &ArgMatches) -> Self {
        // An option that stands before a subcommand is known to that as well.
        while let Some((_, of_subcommand)) = matches.subcommand() {
            matches = of_subcommand;
        }
        let typed = |name: &str| {
            let value = matches.try_get_one::<String>(name).ok().flatten();
            value.filter(|_| matches.value_source(name) == Some(ValueSource::CommandLine)).cloned()
        };
        Self { theme: typed("theme"), keymap: typed("keymap") }
    }

    /// Refuses what does not exist, neither beside the estate file nor in the user's directory nor built in.
    ///
    /// # Errors
    /// With the names that exist.
    pub fn check(self, common: &Common) -> Result<()> {
        if self.theme.is_none() && self.keymap.is_none() {
            return Ok(());
        }
        let config = common.config.clone();
        let find = move || {
            let around = setup::surroundings();
            let estate = paths::estate_file(config.as_deref(), &around);
            let [themes, keymaps] =
                ["themes", "keymaps"].map(|kind| paths::layer_directories(kind, estate.as_deref(), &around));
            (Theme::names(&themes), keymap::names(&keymaps))
        };
        // Where its file system does not answer, the console falls back to what is built in and says so.
        let Ok((themes, keymaps)) = setup::spared("the themes and keymaps", find) else { return Ok(()) };
        exists("theme", self.theme.as_ref(), &themes)?;
        exists("keymap", self.keymap.as_ref(), &keymaps)
    }
}

fn exists(what: &str, named: Option<&String>, known: &[String]) -> Result<()> {
    let Some(name) = named.filter(|name| !known.contains(name)) else { return Ok(()) };
    let error = Error::new(Kind::Usage, format!("there is no {what} \"{}\"", name.escape_debug()));
    let near = nearest(name, known.iter().map(String::as_str));
    let error = near.into_iter().fold(error, |error, near| error.hint(format!("did you mean {near}?")));
    Err(error.hint(format!("there are {}; --{what} NAME takes one of them", known.join(", "))))
}
