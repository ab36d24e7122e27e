//! The first record of a run.

use crate::domain::error::Result;
use crate::domain::{Order, Verb};
use crate::journal::history::{History, Named};
use crate::journal::record::{Event, StepHead};
use crate::journal::terms::{Terms, Timing};
use crate::procedure::plan::{Gate, Plan, Step, WayBack, WindowUse};
use crate::runner::rundir::Start;

/// The record that says what the run will do.
///
/// # Errors
/// When the plan cannot be written as JSON.
pub fn created(plan: &Plan, start: &Start, history: &History) -> Result<Event> {
    let terms = Terms {
        window: plan.window.as_ref().map(WindowUse::words).unwrap_or_default(),
        windows: start.windows.clone(),
        budget: plan.budget,
        emergency: start.emergency.clone(),
        warned: start.warned.clone(),
    };
    Ok(Event::RunCreated {
        procedure: plan.id.clone(),
        title: plan.title.clone(),
        plan: plan.hash()?,
        source: plan.source.clone(),
        estate: plan.estate.clone(),
        environment: plan.environment.clone(),
        params: plan.params.clone(),
        phases: plan.phases.clone(),
        steps: plan.steps.iter().map(|step| head(plan, step, history)).collect(),
        order: plan.order,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        confirmed: start.how.clone(),
        terms: Box::new(terms),
    })
}

fn head(plan: &Plan, step: &Step, history: &History) -> StepHead {
    let is_item = plan.order == Order::Any;
    let what = match &step.act {
        Some(action) => &action.line,
        None => &step.text,
    };
    StepHead {
        phase: step.phase.clone(),
        title: step.title.clone(),
        verb: step.verb,
        effect: step.effect,
        takes_s: step.takes_s,
        way_back: step.way_back.words(),
        can_undo: matches!(step.way_back, WayBack::Undo(_)),
        what: if is_item { what.clone() } else { String::new() },
        why: step.why.clone(),
        hard: is_item && step.verb == Verb::Check && step.gate == Gate::Hard,
        note_required: is_item && step.note_required,
        save: step.save.clone(),
        part: step.part.clone(),
        timing: timing(plan, step, history),
    }
}

/// How long a step takes, as far as anything tells.
fn timing(plan: &Plan, step: &Step, history: &History) -> Timing {
    let (pace, undo) = history.of(named(plan, step));
    Timing { id: step.id.clone(), pace, undo, timeout_s: Some(step.timeout_s) }
}

/// What a step of a plan is known by in past runs.
#[must_use]
pub fn named<'a>(plan: &'a Plan, step: &'a Step) -> Named<'a> {
    Named { procedure: &plan.id, part: step.part.as_deref(), id: step.id.as_deref(), title: &step.title }
}
