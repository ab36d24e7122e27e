//! What a run would find if it began now: its window, its time, and what would stop it.

use crate::calendar::{Calendar, NoWindow};
use crate::config::names;
use crate::config::state::Scope;
use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::gate::World;
use crate::journal::fold::RunView;
use crate::journal::history::History;
use crate::probes::clock;
use crate::probes::logind::Process;
use crate::procedure::plan::Plan;
use crate::runner::preflight;
use crate::runner::rundir::Start;

/// A run as if it began now.
#[derive(Clone, Debug)]
pub struct Preflight {
    /// Its state, with the expected duration of its steps.
    pub view: RunView,
    /// Why it could not begin: no window, or not enough time.
    pub refused: Option<Error>,
    /// Warnings about its time, for the person who starts it.
    pub warnings: Vec<String>,
    /// What would end the run when the person who starts it logs out; ask before step 1. `None` if it would go on.
    pub logout: Option<String>,
}

impl Preflight {
    /// All warnings for the person who starts it.
    #[must_use]
    pub fn warned(&self) -> Vec<String> {
        self.logout.iter().chain(&self.warnings).cloned().collect()
    }
}

/// Whether the environment's rule requires a window for a plan that changes a target and names no window.
///
/// # Errors
/// Kind `Usage` where the windows' file is wrong.
pub fn demands_window(world: &World, plan: &Plan) -> Result<bool> {
    if plan.window.is_some() || !plan.changes() {
        return Ok(false);
    }
    Ok(world.windows()?.demands_window(world.estate.environment, &plan.id))
}

/// The windows of a plan, read again; `None` if it needs none.
///
/// # Errors
/// Kind `Usage` where their file is wrong; kind `Refused` where no window can ever allow it and it is no emergency, or where it
/// needs one by rules that were written after it was planned.
pub fn windows(world: &World, plan: &Plan, is_emergency: bool) -> Result<Option<Calendar>> {
    let Some(wanted) = &plan.window else {
        if demands_window(world, plan)? {
            let message = "the rules of windows.toml have changed since this was planned: it needs a window now";
            return Err(Error::new(Kind::Refused, message).hint("plan it again"));
        }
        return Ok(None);
    };
    let calendar = world.windows()?;
    match calendar.refuses(wanted, world.estate.environment).filter(|_| !is_emergency) {
        Some(NoWindow { why, hint }) => {
            let emergency = "what cannot wait is an emergency: --emergency \"REASON\", which takes a second person";
            Err(Error::new(Kind::Refused, why).hint(hint).hint(emergency))
        }
        None => Ok(Some(calendar)),
    }
}

/// Previews the start of a run; `emergency` is the reason for running outside its window.
///
/// # Errors
/// As [`windows`], and when the plan cannot be written as JSON.
pub fn preflight(world: &World, plan: &Plan, emergency: Option<&str>) -> Result<Preflight> {
    let calendar = windows(world, plan, emergency.is_some())?.unwrap_or_default();
    let start = Start {
        plan: plan.hash()?,
        how: "preview".to_owned(),
        locks: world.state.locks.clone(),
        estate: None,
        windows: None,
        emergency: emergency.map(str::to_owned),
        warned: Vec::new(),
    };
    let now = clock::now();
    let view = preflight::preview(plan, &start, &History::read(&world.state.runs()), &calendar, now)?;
    let refused = match emergency {
        Some(reason) => preflight::emergency_refusal(reason, world.state.scope == Scope::Team),
        None => preflight::refusal(plan, &view, now),
    };
    let warnings = if refused.is_none() { preflight::warnings(&view, now) } else { Vec::new() };
    let user = names::user(rustix::process::getuid().as_raw());
    let logout = Process::own(&user).at_logout().warning(&user);
    Ok(Preflight { view, refused, warnings, logout })
}
