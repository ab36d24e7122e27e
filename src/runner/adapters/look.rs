//! Performs read-only looks for any caller: the runner, or an act that waits.

use crate::config::estate::Estate;
use crate::config::paths::Surroundings;
use crate::domain::RunId;
use crate::procedure::plan::Action;
use crate::runner::adapters::{self as common, ActEnd, probe, run};
use crate::runner::identity;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The context of a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Around {
    /// The estate's file; none if it is discovered.
    pub estate: Option<PathBuf>,
    /// The estate's name.
    pub name: String,
    /// The directory of all runs.
    pub runs: PathBuf,
    /// The run that looks.
    pub own: RunId,
}

impl Around {
    /// The estate as it is now.
    ///
    /// # Errors
    /// Why its file cannot be used.
    pub fn estate(&self) -> Result<(Estate, Surroundings), String> {
        let around = Surroundings::of(std::env::vars_os());
        match &self.estate {
            Some(file) => Estate::load(file).map(|estate| (estate, around)).map_err(|cause| cause.message),
            None => Ok((Estate::discovered(&identity::host_name(), &around), around)),
        }
    }

    /// Looks once; it blocks. Log lines go to `lines`.
    pub fn look(&self, action: &Action, patience: Duration, lines: &mut Vec<u8>, cancel: &AtomicBool) -> ActEnd {
        match action.adapter.as_str() {
            probe::KEY => self.probe(action, patience, lines),
            run::KEY => run::look(action, &self.runs, &self.name, &self.own),
            _ => common::act(action, &mut std::io::empty(), lines, cancel),
        }
    }

    fn probe(&self, action: &Action, patience: Duration, lines: &mut Vec<u8>) -> ActEnd {
        let (estate, around) = match self.estate() {
            Ok(found) => found,
            Err(why) => return ActEnd::unknown(why),
        };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(cause) => return ActEnd::unknown(format!("cannot look: {cause}")),
        };
        let (end, messages) = runtime.block_on(probe::look(action, &estate, &around, patience));
        runtime.shutdown_background();
        lines.extend(messages);
        end
    }
}
