//! Binds parameters and makes the plan.

use crate::config::reader::{Node, Place, Problem, Problems, Value, nearest};
use crate::procedure::adapters::Adapters;
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use crate::procedure::params::{Bound, absolute};
use crate::procedure::plan::{Plan, Step, WindowUse};
use crate::procedure::rollback::{self, RawRollback};
use crate::procedure::uses::Expansion;
use crate::procedure::{steps, template, window};
use std::collections::BTreeMap;

impl Plan {
    /// Makes a plan of a procedure: binds its parameters, puts the steps of what it includes in their places, and checks
    /// every step with its values. Touches nothing.
    ///
    /// # Errors
    /// Every problem: a parameter that is missing, unknown or out of its range, all that a step's adapter
    /// refuses with these values, and what keeps a procedure from being included.
    pub fn make(
        procedure: &Procedure,
        given: &BTreeMap<String, String>,
        estate: &str,
        environment: &str,
        adapters: &dyn Adapters,
        library: &Library,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::of(&procedure.file);
        let mut values = bind(procedure, given, adapters, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into_sorted());
        }
        let params = values.iter().map(|(name, bound)| (name.clone(), bound.text.clone())).collect();
        name_saved(procedure, "", &mut values);
        let filled = filled(procedure, &values, adapters, &mut problems);
        if let (Some(raw), Some(wanted)) = (&procedure.window, &filled.window) {
            window::is_of(raw, wanted, environment, &mut problems);
        }
        let mut expansion = Expansion::of(procedure, adapters, library);
        expansion.include(procedure, &values, &filled, &mut problems);
        let mut found = problems.into_sorted();
        found.append(&mut expansion.problems);
        if !found.is_empty() {
            return Err(found);
        }
        rollback::link(&mut expansion.steps);
        Ok(Self {
            id: procedure.id.clone(),
            title: filled.title,
            purpose: filled.purpose,
            source: procedure.source.clone(),
            estate: estate.to_owned(),
            environment: environment.to_owned(),
            params,
            root: filled.root,
            locks: expansion.locks,
            phases: procedure.phases.clone(),
            order: procedure.order,
            prompt: procedure.prompt,
            uses: expansion.uses,
            window: filled.window,
            budget: procedure.budget,
            rollback: procedure.rollback.as_ref().map(RawRollback::planned),
            steps: expansion.steps,
        })
    }
}

/// Takes the names under which a procedure saves for the values to come; `scope` keeps those of one apart from others'.
pub(super) fn name_saved(procedure: &Procedure, scope: &str, values: &mut BTreeMap<String, Bound>) {
    for (_, name) in procedure.steps.iter().filter_map(|step| step.save.as_ref()) {
        values.insert(name.clone(), template::saved_as(&format!("{scope}{name}")));
    }
}

fn bind(
    procedure: &Procedure,
    given: &BTreeMap<String, String>,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> BTreeMap<String, Bound> {
    let mut values = BTreeMap::new();
    for param in &procedure.params {
        let bound = match given.get(&param.name).or(param.default.as_ref()) {
            Some(typed) => param.bind(typed),
            None => Err(format!("`{}` needs a value: {}", param.name, param.accepts())),
        };
        match bound {
            Ok(bound) => {
                match param.is_there(&bound, adapters) {
                    Ok(()) => {}
                    Err((why, Some(hint))) => {
                        problems.add_with_hint(param.at, format!("`{}`: {why}", param.name), hint);
                    }
                    Err((why, None)) => problems.add(param.at, format!("`{}`: {why}", param.name)),
                }
                values.insert(param.name.clone(), bound);
            }
            Err(why) => problems.add(param.at, why),
        }
    }
    for name in given.keys().filter(|name| !procedure.params.iter().any(|param| param.name == **name)) {
        let message = format!("`{}` is not a parameter of {}", name.escape_debug(), procedure.id);
        let start = Place { line: 1, column: 1 };
        match nearest(name, procedure.params.iter().map(|param| param.name.as_str())) {
            Some(near) => problems.add_with_hint(start, message, format!("did you mean `{near}`?")),
            None => problems.add(start, message),
        }
    }
    values
}

/// A procedure with every parameter filled in.
pub(super) struct Filled {
    pub(super) title: String,
    purpose: String,
    root: Option<String>,
    pub(super) locks: Vec<String>,
    window: Option<WindowUse>,
    /// For each step of the file what becomes of it; nothing in the place of a `use`, and of what is wrong.
    pub(super) steps: Vec<Vec<Step>>,
}

/// Fills the parameters in everywhere and checks what comes of it.
pub(super) fn filled(
    procedure: &Procedure,
    values: &BTreeMap<String, Bound>,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> Filled {
    let text = |node: &Node| match template::fill(node, values).value {
        Value::Text(text) => text,
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    };
    let mut locks: Vec<String> = Vec::new();
    for (place, node) in procedure.locks.iter().enumerate() {
        let name = text(node);
        let again = procedure.locks.iter().take(place).any(|earlier| earlier.value == node.value);
        if name.trim().is_empty() || again {
            problems.add(node.at, "a lock must be named, and only once");
        }
        if let Some(found) = adapters.refuses_lock(&name).filter(|_| adapters.plans()) {
            found.report(node.at, problems);
        }
        // Two parameters may lead to one target.
        if !locks.contains(&name) {
            locks.push(name);
        }
    }
    let root = procedure.root.as_ref().map(|node| {
        let given = text(node);
        absolute(&given).unwrap_or_else(|| {
            problems.add(
                node.at,
                format!("`root` must be an absolute path without `..`, not \"{}\"", given.escape_debug()),
            );
            "/".to_owned()
        })
    });
    let raw = procedure.steps.iter();
    let steps = raw.map(|raw| steps::make(raw, values, root.as_deref(), adapters, problems)).collect();
    let purpose = procedure.purpose.as_ref().map(text).unwrap_or_default();
    let window = procedure.window.as_ref().and_then(|raw| raw.filled(values, problems));
    Filled { title: text(&procedure.title), purpose, root, locks, window, steps }
}
