//! The commands that are printed as the way on: each reaches the same runs and the same estate when it is typed in a shell.
//!
//! A command of a hint is typed as it is, so it carries the options that this process was given (`--demo`, `--state`, `--config`).

use crate::config::trust::quoted;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// How this program is called from a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    /// For what needs the runs alone: `midwatch`, `midwatch --demo`.
    pub runs: String,
    /// For what needs the estate beside them, as `attach` does: `midwatch --config FILE`.
    pub estate: String,
    /// The state directory that they reach; `None` where it is not known.
    pub state: Option<PathBuf>,
}

impl Default for Commands {
    fn default() -> Self {
        Self { runs: "midwatch".to_owned(), estate: "midwatch".to_owned(), state: None }
    }
}

/// What the process was called with; none before the command line was read.
static OWN: RwLock<Option<Commands>> = RwLock::new(None);

/// Sets how this process is called again.
pub fn set(commands: Commands) {
    *OWN.write().unwrap_or_else(PoisonError::into_inner) = Some(commands);
}

/// How this process is called again.
#[must_use]
pub fn own() -> Commands {
    OWN.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
}

/// A command that needs the runs alone: `midwatch --demo verify RUN`.
#[must_use]
pub fn on_runs(command: impl Display) -> String {
    format!("{} {command}", own().runs)
}

/// A command that needs the estate, too: `midwatch --config FILE attach RUN`.
#[must_use]
pub fn on_estate(command: impl Display) -> String {
    format!("{} {command}", own().estate)
}

/// A command on a run of a state directory, which may be another than this process works on.
#[must_use]
pub fn on_run_of(state: &Path, command: impl Display) -> String {
    let own = own();
    match &own.state {
        Some(known) if known != state => format!("midwatch --state {} {command}", quoted(state)),
        _ => format!("{} {command}", own.runs),
    }
}
