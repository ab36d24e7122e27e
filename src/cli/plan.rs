//! `midwatch plan`: previews every step, changes nothing.

use crate::app::msg::PlanShown;
use crate::cli::args::{self, Common};
use crate::cli::{out, setup};
use crate::domain::error::Result;
use crate::domain::reference;
use crate::domain::{Basis, Clean, Error, Listing, Preview, quantity};
use crate::gate::plans;
use crate::journal::fold::StepView;
use crate::procedure::condition::in_words;
use crate::procedure::params::Param;
use crate::procedure::plan::Step;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// Prints the plan; the exit code is 7 when it would be refused as it stands.
///
/// # Errors
/// When the plan cannot be made.
pub fn run(common: &Common, args: &args::Plan) -> Result<u8> {
    let world = setup::world(common)?;
    let params: BTreeMap<String, String> = args.procedure.params.iter().cloned().collect();
    let shown = plans::shown(&world, &args.procedure.procedure, &params)?;
    let catalog = world.catalog();
    let params = catalog.library().get(&shown.plan.id).map_or(&[][..], |procedure| &procedure.params);
    let text = if args.json { out::json(&as_json(&shown)?) } else { as_text(&shown, params) };
    out::print(text.as_bytes())?;
    let previews = shown.previews.iter().flatten().filter_map(|preview| preview.as_ref().err());
    match shown.refused.as_ref().into_iter().chain(previews).next() {
        Some(refusal) => Err(refusal.clone()),
        None => Ok(0),
    }
}

fn as_json(shown: &PlanShown) -> Result<String> {
    let previews: Vec<serde_json::Value> = shown
        .previews
        .iter()
        .map(|preview| match preview {
            None => serde_json::Value::Null,
            Some(Ok(preview)) => serde_json::json!({ "preview": preview }),
            Some(Err(cause)) => serde_json::json!({ "error": cause.message, "hints": cause.hints }),
        })
        .collect();
    let report = serde_json::json!({
        "schema": 1,
        "plan": shown.plan,
        "hash": shown.hash,
        "previews": previews,
        "takes": shown.preflight.as_ref().map(|view| view.steps.iter().map(takes_json).collect::<Vec<_>>()),
        "window": shown.preflight.as_ref().and_then(|view| view.window.as_ref()),
        "warnings": shown.warnings,
        "refused": shown.refused.as_ref().map(|refusal| &refusal.message),
    });
    serde_json::to_string_pretty(&report)
        .map(|text| text + "\n")
        .map_err(|cause| Error::machine("print the plan", cause))
}

/// How long a step takes, with how that is known: `past`, `declared`, or `unknown` with its limit.
fn takes_json(step: &StepView) -> serde_json::Value {
    let expected = step.expected();
    let basis = match expected.basis {
        Basis::Past => "past",
        Basis::Declared => "declared",
        Basis::Unknown => "unknown",
    };
    let (pace, undo) = (&step.head.timing.pace, &step.head.timing.undo);
    let rollback = step.rollback().map(|expected| expected.time.as_secs_f64());
    serde_json::json!({
        "seconds": expected.time.as_secs_f64(), "basis": basis, "past": pace, "rollback_seconds": rollback, "undo": undo,
    })
}

/// The plan as a page of plain text; `params` say what its parameters are for.
#[must_use]
pub fn as_text(shown: &PlanShown, params: &[Param]) -> String {
    let plan = &shown.plan;
    let mut text = String::new();
    let _ = writeln!(text, "{}  ({})", plan.title, plan.id);
    let _ =
        writeln!(text, "estate {} · {}   plan {}", plan.estate, plan.environment.to_uppercase(), shown.hash.short());
    for (name, value) in &plan.params {
        let help = params.iter().find(|param| param.name == *name).map(|param| param.help.as_str());
        let help = help.filter(|help| !help.is_empty()).map(|help| format!("   ({help})")).unwrap_or_default();
        let _ = writeln!(text, "  {name} = {value}{help}");
    }
    if let Some(standing) = shown.preflight.as_ref().and_then(|view| view.window.as_ref()) {
        let _ = writeln!(text, "  {}", standing.words());
    }
    let mut phase = "";
    for (number, (step, preview)) in plan.steps.iter().zip(&shown.previews).enumerate() {
        if step.phase != phase {
            phase = &step.phase;
            let _ = writeln!(text, "\n{}", phase.to_uppercase());
        }
        describe(&mut text, number + 1, step, preview.as_ref());
        if let Some(takes) = takes(shown, number) {
            let _ = writeln!(text, "       takes {takes}");
        }
    }
    for warning in &shown.warnings {
        let _ = writeln!(text, "\nwarning: {warning}");
    }
    if let Some(refusal) = &shown.refused {
        let _ = writeln!(text, "\nrefused: {refusal}");
    }
    clean(&reference::show(&text))
}

/// How long a step takes, as far as past runs or its author tell: `12 s (p50 8 s, p90 12 s of 14 runs)`.
fn takes(shown: &PlanShown, step: usize) -> Option<String> {
    let view = shown.preflight.as_ref()?.steps.get(step)?;
    let expected = view.expected();
    let pace = view.head.timing.pace.map(|pace| format!(" ({})", pace.words())).unwrap_or_default();
    match expected.basis {
        Basis::Unknown if !view.changes() => None,
        _ => Some(format!("{}{pace}", expected.words())),
    }
}

fn describe(text: &mut String, number: usize, step: &Step, preview: Option<&Result<Preview>>) {
    let _ = writeln!(text, "{number:>3}  {:<7} {:<8} {}", step.verb.word(), step.effect.word(), step.title);
    let line = step.act.as_ref().map_or(step.text.as_str(), |action| action.line.as_str());
    if !line.is_empty() {
        let _ = writeln!(text, "       {line}");
    }
    if !step.receivers.is_empty() {
        let _ = writeln!(text, "       to: {}", step.receivers.join(", "));
    }
    if let Some(when) = &step.when {
        let _ = writeln!(text, "       when: {}", in_words(when));
    }
    if let Some(until) = &step.until {
        let limit = quantity::span(Duration::from_secs(step.timeout_s));
        let _ = writeln!(text, "       until: {}, within {limit}", until.words());
    }
    let listing = step.listing();
    let shown = matches!(preview, Some(Ok(preview)) if preview.listing.is_some());
    if let Some(listing) = listing.filter(|_| !shown) {
        listing_lines(text, &listing);
    }
    match preview {
        None => {}
        Some(Ok(preview)) => preview_lines(text, preview),
        Some(Err(cause)) => {
            let _ = writeln!(text, "       no preview: {cause}");
        }
    }
}

/// The complete text that will run, with line numbers.
fn listing_lines(text: &mut String, listing: &Listing) {
    let _ = writeln!(text, "       {}:", listing.title());
    for line in listing.numbered() {
        let _ = writeln!(text, "       {line}");
    }
}

/// A preview as indented lines; the prompts of `midwatch run` print the same.
pub fn preview_lines(text: &mut String, preview: &Preview) {
    let _ = writeln!(text, "       now: {}", preview.headline);
    let mut figures = Vec::new();
    if let Some(of) = preview.of {
        figures.push(format!("{} of {}", quantity::count(preview.count), quantity::count(of)));
    }
    figures.extend(preview.bytes.map(quantity::bytes));
    figures.extend(preview.limit.clone());
    figures.extend(preview.takes_s.map(|takes| format!("~{}", quantity::span(Duration::from_secs(takes)))));
    if !figures.is_empty() {
        let _ = writeln!(text, "       {}", figures.join(" · "));
    }
    if !preview.place.is_empty() {
        let _ = writeln!(text, "       in {}", preview.place);
    }
    for (what, item) in [("oldest", &preview.oldest), ("newest", &preview.newest)] {
        if let Some(item) = item {
            let when = item.modified.map(|at| at.minute()).unwrap_or_default();
            let _ = writeln!(text, "       {what}  {when}  {}", item.name.escape_default());
        }
    }
    for (name, value) in &preview.facts {
        let _ = writeln!(text, "       {name}: {value}");
    }
    if let Some(listing) = &preview.listing {
        listing_lines(text, listing);
    }
    for warning in &preview.warnings {
        let _ = writeln!(text, "       note: {warning}");
    }
    if !preview.undo.is_empty() {
        let _ = writeln!(text, "       undo: {}", preview.undo);
    }
}

/// Outside text passes the sanitiser before it is printed.
#[must_use]
pub fn clean(text: &str) -> String {
    Clean::lines(text).iter().map(|line| line.plain() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::packs::Pack;
    use crate::procedure::{Catalog, plan::Plan};
    use crate::runner::adapters::BuiltIn;
    use std::collections::BTreeMap;
    use std::path::Path;

    #[test]
    fn a_plan_names_what_only_its_run_knows() {
        let estate = "schema = 1\nname = \"e\"\nenvironment = \"other\"\n[[redis]]\nname = \"queue\"\n\
                      url = \"redis://127.0.0.1:1\"\nact = \"redis://127.0.0.1:1\"\n";
        let adapters = BuiltIn::of(&crate::config::estate::Estate::parse(estate, Path::new("midwatch.toml")).unwrap());
        let catalog = Catalog::read(None, &[Pack::NovaCron], &adapters);
        let procedure = catalog.find("novacron/drain-queue").unwrap();
        let given = BTreeMap::from([("redis".to_owned(), "queue".to_owned())]);
        let plan = Plan::make(procedure, &given, "e", "other", &adapters, catalog.library()).unwrap();
        let previews = plan.steps.iter().map(|_| None).collect();
        let hash = plan.hash().unwrap();
        let (refused, late, preview, warnings) = (None, false, None, Vec::new());
        let text = as_text(
            &PlanShown { plan, hash, previews, refused, late, preflight: preview, warnings },
            &procedure.params,
        );
        assert!(text.contains("set queue_drain_mode to <run id> for 2 h"), "{text}");
        assert!(text.contains("run_id of INFO is <server.run_id>"), "{text}");
        assert!(!text.contains("{{"), "{text}");
    }
}
