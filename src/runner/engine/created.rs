//! The first record of a run.

use crate::domain::error::Result;
use crate::domain::{Order, Verb};
use crate::journal::record::{Event, StepHead};
use crate::procedure::condition::spoken;
use crate::procedure::plan::{Gate, Plan, Step, Until, WayBack};
use crate::runner::policy;
use crate::runner::rundir::Start;

/// The record that says what the run will do.
pub(super) fn created(plan: &Plan, start: &Start) -> Result<Event> {
    Ok(Event::RunCreated {
        procedure: plan.id.clone(),
        title: plan.title.clone(),
        plan: plan.hash()?,
        source: plan.source.clone(),
        estate: plan.estate.clone(),
        environment: plan.environment.clone(),
        params: plan.params.clone(),
        phases: plan.phases.clone(),
        steps: plan.steps.iter().map(|step| head(plan, step)).collect(),
        order: plan.order,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        confirmed: start.how.clone(),
    })
}

fn head(plan: &Plan, step: &Step) -> StepHead {
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
        hard: step.gate == Gate::Hard && (step.verb == Verb::Notify || (is_item && step.verb == Verb::Check)),
        note_required: is_item && step.note_required,
        four_eyes: policy::needs_four_eyes(plan, step),
        save: step.save.clone(),
        part: step.part.clone(),
        when: step.when.as_deref().map(spoken),
        until: step.until.as_ref().map(Until::words),
        timeout_s: step.until.as_ref().map(|_| step.timeout_s),
    }
}
