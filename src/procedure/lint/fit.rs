//! Whether the steps of a procedure fit the budget that it names.

use crate::config::reader::{Place, Problem, Table, Value};
use crate::domain::quantity::span;
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use crate::procedure::lint::problem;
use crate::procedure::steps::RawStep;
use std::time::Duration;

/// How deep included procedures are counted.
const DEEPEST: usize = 8;

/// That the steps take longer than the budget.
pub(super) fn errors(procedure: &Procedure, top: &Table, library: &Library) -> Vec<Problem> {
    let takes = takes(procedure, library);
    let budget = procedure.budget.run_s.map(Duration::from_secs);
    let Some(budget) = budget.filter(|budget| takes > *budget) else { return Vec::new() };
    let message = format!("its steps take {} together, and its budget is {}", span(takes), span(budget));
    vec![problem(procedure, place(top), message, Some("more time, or fewer steps at a time".to_owned()))]
}

/// The declared times of all steps, those of what is included among them.
pub(super) fn takes(procedure: &Procedure, library: &Library) -> Duration {
    takes_within(procedure, library, DEEPEST)
}

fn takes_within(procedure: &Procedure, library: &Library, deep: usize) -> Duration {
    let times = |step: &RawStep| match step.each.as_ref().map(|each| &each.items.value) {
        Some(Value::List(items)) => items.len() as u64,
        _ => 1,
    };
    let own = procedure.steps.iter().filter_map(|step| Some(step.takes_s?.saturating_mul(times(step))));
    let own: u64 = own.fold(0, u64::saturating_add);
    let included = procedure.steps.iter().filter_map(|step| step.includes.as_ref()).filter(|_| deep > 0);
    let inner = included.filter_map(|(_, id)| library.get(id)).map(|inner| takes_within(inner, library, deep - 1));
    inner.fold(Duration::from_secs(own), Duration::saturating_add)
}

/// Where the header says how long a run may take.
fn place(top: &Table) -> Place {
    let budget = top.entries.iter().find(|entry| entry.key == "budget").map(|entry| &entry.node.value);
    if let Some(Value::Table(budget)) = budget { budget.place_of("run") } else { top.place_of("budget") }
}
