//! What fills in an open reference of a plan: the step that reads it, or the run itself.

use crate::domain::reference;
use crate::procedure::page::words::{code, text};
use crate::procedure::plan::{Plan, Step, UndoPlan};
use std::collections::BTreeMap;

/// Each reference that a step leaves to the run, by its name, with what fills it in.
pub(super) fn open(plan: &Plan, place: usize, step: &Step) -> Vec<(String, String)> {
    let mut texts = vec![step.text.clone()];
    texts.extend(step.when.clone());
    texts.extend(step.until.as_ref().map(|until| until.condition.clone()));
    let undo = if let UndoPlan::Undo(undo) = &step.undo { Some(undo) } else { None };
    for action in step.act.iter().chain(&step.prove).chain(undo) {
        texts.push(action.spec.to_string());
    }
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for inside in texts.iter().flat_map(|text| text.split("{{").skip(1)).filter_map(|rest| rest.split_once("}}")) {
        let bare = inside.0.split('|').next().unwrap_or_default();
        if let Some(by) = filled_by(plan, place, bare) {
            found.insert(reference::show(&format!("{{{{{bare}}}}}")), by);
        }
    }
    found.into_iter().collect()
}

/// What fills a reference in; nothing where it is none.
fn filled_by(plan: &Plan, place: usize, name: &str) -> Option<String> {
    match name {
        "run.id" => return Some("the id that the run gets at its start".to_owned()),
        "run.dir" => return Some("the directory of the run".to_owned()),
        _ => {}
    }
    let saved = name.strip_prefix("saved:")?;
    let entry = saved.split_once(']').map(|(entry, _)| format!("{entry}]"));
    let plain = saved.split(['.', '[']).next().unwrap_or(saved);
    let names = entry.iter().map(String::as_str).chain([plain]);
    let before = || plan.steps.iter().take(place).enumerate();
    let reader = names.into_iter().find_map(|name| {
        before().rfind(|(_, step)| step.save.as_deref() == Some(name)).map(|(number, step)| (number + 1, step))
    });
    reader.map(|(number, step)| format!("what step {number} reads: {}", text(&step.title)))
}

/// As a line of the page: `<before.low>` and what fills it in.
pub(super) fn line(reference: &str, by: &str) -> String {
    format!("{} is {by}", code(reference))
}
