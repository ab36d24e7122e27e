//! `use`: puts the steps of an included procedure in the place of the step that includes it.
//!
//! ```toml
//! [[look]]
//! use    = "common/verify-newest-backup"
//! params = { root = "{{root}}" }
//! ```
//!
//! The steps take the phase of the `use`; the phases of what is included keep their order. What it saves and what its steps
//! are called by is its own. A procedure cannot include itself, directly or indirectly.

use crate::config::reader::{Place, Problem, Problems, Table, Value, nearest};
use crate::domain::{Digest, EffectClass, Order, Verb};
use crate::procedure::adapters::Adapters;
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use crate::procedure::make::{Filled, filled, name_saved};
use crate::procedure::params::Bound;
use crate::procedure::plan::Step;
use crate::procedure::read::MOST_STEPS;
use crate::procedure::steps::RawStep;
use crate::procedure::{shipped, template};
use std::collections::{BTreeMap, BTreeSet};

/// How deep procedures may include others.
const DEEPEST: usize = 8;

/// The steps of a procedure with those of everything it includes.
pub(super) struct Expansion<'a> {
    adapters: &'a dyn Adapters,
    library: &'a Library,
    order: Order,
    /// Whether the values are placeholders, so that their results are not judged.
    sampled: bool,
    /// The ids on the way to the procedure that is being put in place.
    chain: Vec<String>,
    /// What is included, with the digest of each file.
    pub(super) uses: BTreeMap<String, Digest>,
    pub(super) locks: Vec<String>,
    pub(super) steps: Vec<Step>,
    /// What is wrong in the included files.
    pub(super) problems: Vec<Problem>,
    /// How many were included so far; numbers what they save.
    count: usize,
    /// Includes that form a cycle or nest too deep; reported at the step that they begin with.
    knots: BTreeSet<String>,
    /// How often something was to be included so far, whether it was or not.
    tried: usize,
}

/// Everything wrong with what a procedure includes and refers to, as far as it can be known without its parameters.
pub(super) fn check(procedure: &Procedure, adapters: &dyn Adapters, library: &Library) -> Vec<Problem> {
    let mut problems = Problems::of(&procedure.file);
    let mut values = procedure.params.iter().map(|param| (param.name.clone(), param.sample())).collect();
    name_saved(procedure, "", &mut values);
    // The problems of the file itself were reported when it was read.
    let filled = filled(procedure, &values, adapters, &mut Problems::of(&procedure.file));
    let mut expansion = Expansion { sampled: true, ..Expansion::of(procedure, adapters, library) };
    expansion.include(procedure, &values, &filled, &mut problems);
    let mut found = problems.into_sorted();
    found.append(&mut expansion.problems);
    found
}

/// The procedures that one which is not sound includes and that are none: neither in the library nor among the `others` that are not
/// sound.
pub(super) fn unnamed(procedure: &Procedure, library: &Library, others: &[Procedure]) -> Vec<Problem> {
    let mut problems = Problems::of(&procedure.file);
    for (at, id) in procedure.steps.iter().filter_map(|step| step.includes.as_ref()) {
        if !library.contains_key(id) && *id != procedure.id && !others.iter().any(|other| other.id == *id) {
            unknown(id, *at, library, &mut problems);
        }
    }
    problems.into_sorted()
}

impl<'a> Expansion<'a> {
    pub(super) fn of(procedure: &Procedure, adapters: &'a dyn Adapters, library: &'a Library) -> Self {
        Self {
            adapters,
            library,
            order: procedure.order,
            sampled: false,
            chain: vec![procedure.id.clone()],
            uses: BTreeMap::new(),
            locks: Vec::new(),
            steps: Vec::new(),
            problems: Vec::new(),
            count: 0,
            knots: BTreeSet::new(),
            tried: 0,
        }
    }

    /// Adds the steps of a procedure that is filled in.
    pub(super) fn include(
        &mut self,
        procedure: &Procedure,
        values: &BTreeMap<String, Bound>,
        filled: &Filled,
        problems: &mut Problems,
    ) {
        for lock in &filled.locks {
            if !self.locks.contains(lock) {
                self.locks.push(lock.clone());
            }
        }
        for (raw, made) in procedure.steps.iter().zip(&filled.steps) {
            if raw.verb == Verb::Use {
                self.put_in_place(raw, values, problems);
            }
            for step in made {
                self.refers(raw, step, problems);
                self.steps.push(step.clone());
            }
        }
    }

    /// The procedure that a `use` names, where it is allowed there.
    fn found(&mut self, at: Place, id: &str, problems: &mut Problems) -> Option<&'a Procedure> {
        let library = self.library;
        let Some(inner) = library.get(id) else {
            unknown(id, at, library, problems);
            return None;
        };
        if self.chain.iter().any(|known| known == id) {
            let chain = self.chain.iter().map(String::as_str).chain([id]).collect::<Vec<_>>().join(" → ");
            self.knots.insert(format!("a procedure cannot include itself: {chain}"));
            return None;
        }
        if self.chain.len() > DEEPEST {
            self.knots.insert(format!("procedures include one another more than {DEEPEST} deep"));
            return None;
        }
        let listed = self.order == Order::Any && inner.order == Order::Listed;
        if listed && inner.steps.iter().any(RawStep::is_listed) {
            problems.add(at, format!("`{id}` waits, or takes steps under a condition, which a checklist does not"));
            return None;
        }
        if listed && inner.effect() > EffectClass::Read {
            let message = format!("`{id}` makes changes in the order it lists, which a checklist does not keep");
            let hint = format!("run it by itself, and look for its run: check = {{ run = \"{id}\", since = \"24h\" }}");
            problems.add_with_hint(at, message, hint);
            return None;
        }
        Some(inner)
    }

    fn put_in_place(&mut self, raw: &RawStep, values: &BTreeMap<String, Bound>, problems: &mut Problems) {
        self.put(raw, values, problems);
        if let (1, Some((at, _))) = (self.chain.len(), &raw.includes) {
            self.report(*at, problems);
        }
    }

    fn put(&mut self, raw: &RawStep, values: &BTreeMap<String, Bound>, problems: &mut Problems) {
        let Some((at, id)) = &raw.includes else { return };
        // Few files that include one another often are more steps than can be counted.
        self.tried += 1;
        if self.tried > MOST_STEPS || self.steps.len() > MOST_STEPS {
            return;
        }
        let Some(inner) = self.found(*at, id, problems) else { return };
        let before = problems.count();
        let mut bound = self.passed(*at, raw, inner, values, problems);
        if problems.count() > before {
            return;
        }
        self.count += 1;
        let scope = format!("{}/", self.count);
        name_saved(inner, &scope, &mut bound);
        let mut own = Problems::of(&inner.file);
        let filled = filled(inner, &bound, self.adapters, &mut own);
        self.chain.push(id.clone());
        let from = self.steps.len();
        self.include(inner, &bound, &filled, &mut own);
        self.chain.pop();
        if !own.is_empty() && !self.sampled {
            problems.add(*at, format!("`{id}` cannot be included with these parameters"));
            self.problems.extend(own.into_sorted());
        }
        self.uses.insert(id.clone(), inner.source.clone());
        for step in self.steps.iter_mut().skip(from) {
            step.phase.clone_from(&raw.phase);
            if step.part.is_some() {
                continue; // Of a procedure that this one includes, with a number of its own.
            }
            step.part = Some(id.clone());
            step.id = step.id.take().map(|id| format!("{scope}{id}"));
            step.save = step.save.take().map(|name| format!("{scope}{name}"));
            for id in &mut step.undo_of {
                id.insert_str(0, &scope);
            }
        }
    }

    /// Reports, at the step that they begin with, includes that form a cycle, nest too deep, or add too many steps.
    fn report(&mut self, at: Place, problems: &mut Problems) {
        for knot in std::mem::take(&mut self.knots) {
            problems.add(at, knot);
        }
        if self.tried > MOST_STEPS || self.steps.len() > MOST_STEPS {
            problems.add(at, format!("more than {MOST_STEPS} steps with what is included"));
            (self.tried, self.steps) = (0, Vec::new());
        }
    }

    /// Binds what a `use` passes on to the parameters of what it includes.
    fn passed(
        &self,
        at: Place,
        raw: &RawStep,
        inner: &Procedure,
        values: &BTreeMap<String, Bound>,
        problems: &mut Problems,
    ) -> BTreeMap<String, Bound> {
        let mut rest = raw.rest.clone();
        let given =
            if rest.has("params") { rest.table("params", problems).unwrap_or_default() } else { Table::default() };
        for entry in &given.entries {
            if !inner.params.iter().any(|param| param.name == entry.key) {
                let message = format!("`{}` is not a parameter of {}", entry.key.escape_debug(), inner.id);
                match nearest(&entry.key, inner.params.iter().map(|param| param.name.as_str())) {
                    Some(near) => problems.add_with_hint(entry.at, message, format!("did you mean `{near}`?")),
                    None => problems.add(entry.at, message),
                }
            }
        }
        let mut bound = BTreeMap::new();
        for param in &inner.params {
            let entry = given.entries.iter().find(|entry| entry.key == param.name);
            let at = entry.map_or(at, |entry| entry.node.at);
            let is_placeholder = |value: &Value| matches!(value, Value::Text(text) if text.contains("{{"));
            let value = match entry.map(|entry| &entry.node) {
                Some(node) if self.sampled && is_placeholder(&node.value) => Ok(param.sample()),
                Some(node) => match template::fill(node, values).value {
                    Value::Text(text) => param.bind(&text),
                    Value::Int(number) => param.bind(&number.to_string()),
                    other => Err(format!("`{}` must be {}, not {}", param.name, param.accepts(), other.kind())),
                },
                None => match &param.default {
                    Some(default) => param.bind(default),
                    None => Err(format!("`{}` needs its parameter `{}`: {}", inner.id, param.name, param.accepts())),
                },
            };
            match value {
                Ok(value) => drop(bound.insert(param.name.clone(), value)),
                Err(why) => problems.add(at, why),
            }
        }
        bound
    }

    /// Checks that a check for another procedure's run names one that there is.
    fn refers(&self, raw: &RawStep, step: &Step, problems: &mut Problems) {
        let Some(action) = step.act.as_ref().filter(|action| action.adapter == "run") else { return };
        let id = action.spec.get("procedure").and_then(serde_json::Value::as_str).unwrap_or_default();
        if self.library.get(id).is_none() && !id.contains("{{") && self.chain.last().is_none_or(|own| own != id) {
            unknown(id, raw.rest.place_of(step.verb.word()), self.library, problems);
        }
    }
}

fn unknown(id: &str, at: Place, library: &Library, problems: &mut Problems) {
    let message = format!("there is no procedure `{}`", id.escape_debug());
    let near = || nearest(id, library.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    match shipped::whereabouts(id).or_else(near) {
        Some(hint) => problems.add_with_hint(at, message, hint),
        None => problems.add(at, message),
    }
}
