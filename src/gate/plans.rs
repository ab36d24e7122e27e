//! Plans: what a procedure would touch now.

use crate::app::msg::PlanShown;
use crate::config::reader::Problem;
use crate::config::state::Scope;
use crate::domain::error::Result;
use crate::domain::{Error, Kind, Preview, Verb, reference};
use crate::gate::World;
use crate::gate::preflight;
use crate::procedure::catalog::Catalog;
use crate::procedure::header::Procedure;
use crate::procedure::plan::{Plan, Step, WindowUse};
use crate::runner::adapters::{self, BuiltIn, Look, hide};
use crate::runner::{identity, policy};
use std::collections::BTreeMap;
use std::io;

/// Makes a plan with these parameters; touches nothing.
///
/// # Errors
/// Every problem at once, as one usage error; and what is wrong with the windows, where it needs one.
pub fn plan(world: &World, procedure: &str, params: &BTreeMap<String, String>) -> Result<Plan> {
    let catalog = world.catalog();
    let found = catalog.find(procedure).map_err(|cause| world.without_estate(cause))?;
    plan_by(world, &catalog, found, params, &world.adapters().planning())
}

/// Like [`plan`], with placeholders for parameters that are not given: the targets that they name need not exist.
///
/// # Errors
/// As [`plan`].
pub fn draft(world: &World, procedure: &Procedure, params: &BTreeMap<String, String>) -> Result<Plan> {
    plan_by(world, &world.catalog(), procedure, params, &world.adapters())
}

fn plan_by(
    world: &World,
    catalog: &Catalog,
    found: &Procedure,
    params: &BTreeMap<String, String>,
    adapters: &BuiltIn,
) -> Result<Plan> {
    let (estate, environment) = (&world.estate.name, world.estate.environment.word());
    let mut plan = Plan::make(found, params, estate, environment, adapters, catalog.library())
        .map_err(|problems| world.without_estate(refused(&found.id, &problems)))?;
    if preflight::demands_window(world, &plan)? {
        plan.window = Some(WindowUse::Any);
    }
    Ok(plan)
}

fn refused(procedure: &str, problems: &[Problem]) -> Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Error::new(Kind::Usage, format!("cannot plan {procedure}:\n  {}", lines.join("\n  ")))
}

/// A plan with a preview of each step. Advisory: the runner previews again when it reaches a step.
///
/// # Errors
/// As [`plan`].
pub fn shown(world: &World, procedure: &str, params: &BTreeMap<String, String>) -> Result<PlanShown> {
    world.may_start()?;
    let plan = plan(world, procedure, params)?;
    let previews = plan.steps.iter().map(preview).collect();
    let (preflight, late) = match preflight::preflight(world, &plan, None) {
        Ok(found) => {
            let warned = found.warned();
            (Some((Box::new(found.view), warned)), found.refused)
        }
        // It may still begin as an emergency; a plan that cannot be previewed even then cannot begin at all.
        Err(cause) => {
            let found = preflight::preflight(world, &plan, Some("")).ok();
            (found.map(|found| (Box::new(found.view), Vec::new())), Some(cause))
        }
    };
    let (preflight, warnings) = preflight.map_or((None, Vec::new()), |(view, warnings)| (Some(view), warnings));
    let policy = policy::refusal(&plan, world.state.scope == Scope::Team);
    let is_late = policy.is_none() && late.is_some() && preflight.is_some();
    let refused = policy.or(late);
    Ok(PlanShown { hash: plan.hash()?, previews, refused, late: is_late, plan, preflight, warnings })
}

fn preview(step: &Step) -> Option<Result<Preview>> {
    let action = step.act.as_ref().filter(|_| step.verb == Verb::Do)?;
    let seen = adapters::preview(action, &Look::of(step, identity::host_name()), &mut io::sink());
    let seen =
        seen.map(|seen| Preview { listing: step.with_undo_text(seen.listing.clone()), ..seen }).map(hide::preview);
    let seen = seen.map_err(|error| Error { message: reference::show(&error.message), ..error });
    Some(seen.map(|seen| Preview {
        headline: reference::show(&seen.headline),
        place: reference::show(&seen.place),
        warnings: seen.warnings.iter().map(|warning| reference::show(warning)).collect(),
        undo: reference::show(&seen.undo),
        facts: seen.facts.iter().map(|(name, value)| (name.clone(), reference::show(value))).collect(),
        ..seen
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::estate::Estate;
    use crate::config::paths::Surroundings;
    use crate::gate::Wrong;
    use crate::gate::offers::tests::world;

    #[test]
    fn nothing_is_planned_while_the_estate_cannot_be_used() {
        let given = BTreeMap::from([("unit".to_owned(), "x.service".to_owned())]);
        assert!(shown(&world(""), "common/restart-unit", &given).is_ok());
        let cause = Error::new(Kind::Usage, "cannot use the estate file\n  midwatch.toml:3:1: there is no key `x`");
        let world = World { wrong: Some(Wrong { cause, is_estate: true }), ..world("") };
        let refused = shown(&world, "common/restart-unit", &given).unwrap_err();
        let text = "nothing can be started: midwatch.toml:3:1: there is no key `x`";
        assert_eq!((refused.kind, refused.message.as_str()), (Kind::Refused, text));
    }

    #[test]
    fn what_no_window_allows_is_offered_as_an_emergency() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("procedures")).unwrap();
        let procedure = "format = 1\nid = \"t/x\"\ntitle = \"X\"\npurpose = \"p\"\nowner = \"o\"\nreviewed = 2026-11-21\n\
             review_every = \"90d\"\nphases = [\"a\"]\n[[a]]\ntitle = \"Work\"\neffect = \"change\"\n\
             do = { exec = [\"true\"] }\nundo = { exec = [\"true\"] }\n";
        std::fs::write(home.path().join("procedures/x.toml"), procedure).unwrap();
        let text = "schema = 1\nname = \"e\"\nenvironment = \"production\"\n";
        let world = World {
            estate: Estate::parse(text, &home.path().join("midwatch.toml")).unwrap(),
            around: Surroundings::below(home.path(), []),
            ..world("")
        };
        let found = shown(&world, "t/x", &BTreeMap::new()).unwrap();
        let why = found.refused.unwrap().message;
        assert!(why.contains("needs an open maintenance window, and production has no window"), "{why}");
        assert!(found.late, "E of the console starts what --emergency starts");
    }
}
