//! Offers and plans: what could be done, and what it would touch now.

use crate::app::msg::{Offer, ParamShown, PlanShown};
use crate::config::reader::Problem;
use crate::domain::error::Result;
use crate::domain::{Error, Kind, Row, Verb};
use crate::gate::World;
use crate::procedure::header::Procedure;
use crate::procedure::plan::{Plan, Step};
use crate::runner::adapters::{self, Look};
use crate::runner::{identity, policy};
use std::collections::BTreeMap;
use std::io;

/// The procedures that act on a row, their parameters filled in from it.
#[must_use]
pub fn offers(world: &World, row: &Row) -> Vec<Offer> {
    world.catalog().offers(row).into_iter().map(|(procedure, params)| offer(procedure, &params)).collect()
}

/// Every procedure.
#[must_use]
pub fn all(world: &World) -> Vec<Offer> {
    world.catalog().procedures().map(|procedure| offer(procedure, &BTreeMap::new())).collect()
}

fn offer(procedure: &Procedure, given: &BTreeMap<String, String>) -> Offer {
    let params = procedure.params.iter().map(|param| ParamShown {
        name: param.name.clone(),
        accepts: param.accepts(),
        value: given.get(&param.name).or(param.default.as_ref()).cloned().unwrap_or_default(),
    });
    Offer {
        procedure: procedure.id.clone(),
        title: procedure.title().to_owned(),
        purpose: procedure.purpose().to_owned(),
        effect: procedure.effect(),
        takes_s: procedure.takes_s(),
        params: params.collect(),
    }
}

/// A plan with these parameters; touches nothing.
///
/// # Errors
/// Every problem at once, as one usage error.
pub fn plan(world: &World, procedure: &str, params: &BTreeMap<String, String>) -> Result<Plan> {
    let catalog = world.catalog();
    let found = catalog.find(procedure)?;
    let (estate, environment) = (&world.estate.name, world.estate.environment.word());
    Plan::make(found, params, estate, environment, &world.adapters(), catalog.library())
        .map_err(|problems| refused(procedure, &problems))
}

fn refused(procedure: &str, problems: &[Problem]) -> Error {
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Error::new(Kind::Usage, format!("cannot plan {procedure}:\n  {}", said.join("\n  ")))
}

/// A plan with what each step would do now; advisory, for the runner previews again when a step is reached.
///
/// # Errors
/// As [`plan`].
pub fn shown(world: &World, procedure: &str, params: &BTreeMap<String, String>) -> Result<PlanShown> {
    let plan = plan(world, procedure, params)?;
    let previews = plan.steps.iter().map(preview).collect();
    Ok(PlanShown { hash: plan.hash()?, previews, refused: policy::refusal(&plan), plan })
}

fn preview(step: &Step) -> Option<Result<crate::domain::Preview>> {
    let action = step.act.as_ref().filter(|_| step.verb == Verb::Do)?;
    Some(adapters::preview(action, &Look::of(step, identity::host_name()), &mut io::sink()))
}
