//! What a run would find if it began now: its window, its time, and what stands in its way.

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

/// A run as it would begin now.
#[derive(Clone, Debug)]
pub struct Preflight {
    /// Its state, with what its steps are expected to take.
    pub view: RunView,
    /// Why it could not begin, for want of a window or of time.
    pub refused: Option<Error>,
    /// What whoever starts it should know of its time.
    pub warnings: Vec<String>,
    /// What becomes of it when whoever starts it logs out, where it would not go on: to be asked about before step 1.
    pub logout: Option<String>,
}

impl Preflight {
    /// Everything that whoever starts it is warned of.
    #[must_use]
    pub fn warned(&self) -> Vec<String> {
        self.logout.iter().chain(&self.warnings).cloned().collect()
    }
}

/// Whether the rule of the environment demands a window of a plan that changes something and names none.
///
/// # Errors
/// Kind `Usage` where the windows' file is wrong.
pub fn demands_window(world: &World, plan: &Plan) -> Result<bool> {
    if plan.window.is_some() || !plan.changes() {
        return Ok(false);
    }
    Ok(world.windows()?.demands_window(world.estate.environment, &plan.id))
}

/// The windows of a plan, read again; `None` where it needs none.
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

/// Foresees a run; `emergency` is the reason for which it would not keep to its window.
///
/// # Errors
/// As [`windows`], and when the plan cannot be written as JSON.
pub fn preflight(world: &World, plan: &Plan, emergency: Option<&str>) -> Result<Preflight> {
    let calendar = windows(world, plan, emergency.is_some())?.unwrap_or_default();
    let start = Start {
        plan: plan.hash()?,
        how: "foreseen".to_owned(),
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
