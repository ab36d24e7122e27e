//! Targets that a procedure names in plain text, and that its estate does not have. What a parameter decides is judged when it is
//! planned.

use crate::config::reader::{Problem, Problems, Table, Value};
use crate::procedure::adapters::{Adapters, NoTarget};
use crate::procedure::header::Procedure;

/// The adapter that reads a target of the estate.
const PROBE: &str = "probe";

/// Every lock and every probe of a target that the estate does not have.
#[must_use]
pub fn errors(procedure: &Procedure, adapters: &dyn Adapters) -> Vec<Problem> {
    let mut problems = Problems::of(&procedure.file);
    for node in &procedure.locks {
        if let Value::Text(lock) = &node.value
            && let Some(found) = adapters.refuses_lock(lock)
        {
            found.report(node.at, &mut problems);
        }
    }
    for entry in procedure.steps.iter().flat_map(|step| &step.rest.entries) {
        if let Value::Table(action) = &entry.node.value {
            probe(action, adapters, &mut problems);
        }
    }
    problems.into_sorted()
}

fn probe(action: &Table, adapters: &dyn Adapters, problems: &mut Problems) {
    let entry = |key: &str| action.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node);
    if let (Some(kind), Some(target)) = (entry(PROBE), entry("target"))
        && let (Value::Text(kind), Value::Text(name)) = (&kind.value, &target.value)
        && let Some(found) = adapters.refuses_probe(kind, name)
    {
        found.report(target.at, problems);
    }
}

impl NoTarget {
    /// Joins the problems at a place.
    pub(crate) fn report(self, at: crate::config::reader::Place, problems: &mut Problems) {
        match self.hint {
            Some(hint) => problems.add_with_hint(at, self.why, hint),
            None => problems.add(at, self.why),
        }
    }
}
