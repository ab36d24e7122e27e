//! A run as if it began now: how long its steps take, whether its window allows it, and from which step on time runs
//! out.

use crate::calendar::Calendar;
use crate::config::shell;
use crate::domain::error::Result;
use crate::domain::time::Now;
use crate::domain::{Digest, Error, Kind, RunId};
use crate::journal::fold::{NoTime, RunView};
use crate::journal::history::History;
use crate::journal::record::Record;
use crate::procedure::plan::Plan;
use crate::runner::engine::{created, standing};
use crate::runner::rundir::Start;
use crate::runner::{identity, policy};

/// The state of a run at its first record, as if it began now.
///
/// # Errors
/// When the plan cannot be written as JSON.
pub fn preview(plan: &Plan, start: &Start, history: &History, calendar: &Calendar, now: Now) -> Result<RunView> {
    let record = Record {
        seq: 1,
        run: RunId::new(0, 0),
        wall: now.wall,
        boot: now.boot,
        actor: identity::own(&start.how),
        event: created(plan, start, history)?,
        prev: Digest::zero(),
        h: Digest::zero(),
    };
    let mut view = RunView::begin(&record).map_err(|why| Error::machine("preview the run", why.0))?;
    view.window = standing(calendar, plan, now.wall);
    Ok(view)
}

/// Why a run may not begin now: its first change would be refused. A run that only reads may always begin, and so may
/// a checklist, whose items are started one by one.
#[must_use]
pub fn refusal(plan: &Plan, view: &RunView, now: Now) -> Option<Error> {
    if !plan.order.is_listed() {
        return None;
    }
    let (step, head) = (0_u32..).zip(&view.steps).find(|(_, step)| step.changes())?;
    let why = view.no_time(step, now.wall)?;
    let title = &head.head.title;
    let message = why.of(&format!("step {} ({title})", step + 1));
    let mut refusal = Error::new(Kind::Refused, message);
    let NoTime::Outside { next } = &why else { return Some(refusal) };
    if next.is_some() {
        refusal = refusal.hint(format!("start it then: {} shows all of them", shell::on_estate("windows")));
    }
    Some(refusal.hint("what cannot wait is an emergency: --emergency \"REASON\", which takes a second person"))
}

/// Why an emergency may not begin: it needs its reason and a second person, so a second person must be able to reach
/// its run (`team`).
#[must_use]
pub fn emergency_refusal(reason: &str, team: bool) -> Option<Error> {
    if reason.trim().is_empty() {
        return Some(Error::new(Kind::Refused, "an emergency needs a reason, for the report"));
    }
    let windows = shell::on_estate("windows");
    let why = format!("an emergency takes a second person, or the next window: {windows} shows it");
    (!team).then(|| policy::without_team("an emergency", &why))
}

/// Warnings about its time, one sentence each: where the run would have to stop.
#[must_use]
pub fn warnings(view: &RunView, now: Now) -> Vec<String> {
    let late = view.no_time_from(now.wall).map(|(step, why)| {
        let title = view.step(step).map_or("", |step| step.head.title.as_str());
        let steps = format!("step {} ({title}) and what follows", step + 1);
        format!("if all takes as long as expected: {}", why.of(&steps))
    });
    late.into_iter().collect()
}

#[cfg(test)]
mod windows;
