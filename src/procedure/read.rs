//! Reads a procedure's file: everything wrong with it at once, each with its place.

use crate::config::reader::{self, Node, Place, Problem, Problems, Table, Value, nearest};
use crate::domain::Digest;
use crate::procedure::adapters::Adapters;
use crate::procedure::header::{self, Header, Procedure};
use crate::procedure::lint::argv;
use crate::procedure::make;
use crate::procedure::quote;
use crate::procedure::rollback;
use crate::procedure::steps::{self, RawStep, judged};
use crate::procedure::template::{self, Allowed, Known};
use crate::procedure::window::RawWindow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The most steps of one procedure.
pub const MOST_STEPS: usize = 20_000;

/// The key of an action whose text takes only quoted references.
const QUOTING: &str = "sql";

/// Reads a procedure and checks every step of it with a value of the right type in each parameter's place.
///
/// # Errors
/// Everything that is wrong, in the order of the file.
pub fn read(text: &str, file: &Path, adapters: &dyn Adapters) -> Result<Procedure, Vec<Problem>> {
    match draft(text, file, adapters) {
        (Some(procedure), problems) if problems.is_empty() => Ok(procedure),
        (_, problems) => Err(problems),
    }
}

/// The same, with as much of it as could be read beside what is wrong.
pub(super) fn draft(text: &str, file: &Path, adapters: &dyn Adapters) -> (Option<Procedure>, Vec<Problem>) {
    let mut problems = Problems::of(file);
    let procedure = whole(text, file, &mut problems);
    if let Some(procedure) = &procedure {
        let mut values = procedure.params.iter().map(|param| (param.name.clone(), param.sample())).collect();
        make::name_saved(procedure, "", &mut values);
        make::filled(procedure, &values, adapters, &mut problems);
    }
    (procedure, problems.into_sorted())
}

/// Everything wrong with a procedure's file; nothing when it is sound.
#[must_use]
pub fn lint(text: &str, file: &Path, adapters: &dyn Adapters) -> Vec<Problem> {
    read(text, file, adapters).err().unwrap_or_default()
}

/// Reads as much as is there, so that as much as possible can be checked.
fn whole(text: &str, file: &Path, problems: &mut Problems) -> Option<Procedure> {
    let mut table = reader::parse(text, problems);
    let header = header::read(&mut table, problems);
    let steps = sections(&mut table, &header, problems);
    table.finish(problems);
    unique_ids(&steps, problems);
    rollback::check(&header, &steps, problems);
    references(&header, &steps, problems);
    argv::check(&steps, problems);
    if steps.len() > MOST_STEPS {
        problems.add(Place { line: 1, column: 1 }, format!("more than {MOST_STEPS} steps"));
        return None;
    }
    let nowhere = Node { at: Place { line: 1, column: 1 }, value: Value::Text(String::new()) };
    Some(Procedure {
        file: file.to_owned(),
        text: text.to_owned(),
        source: Digest::of(text.as_bytes()),
        id: header.id.unwrap_or_default(),
        title: header.title.unwrap_or(nowhere),
        purpose: header.purpose,
        owner: header.owner,
        reviewed: header.reviewed,
        review_every_s: header.review_every_s,
        phases: header.phases.into_iter().map(|(_, name)| name).collect(),
        order: header.order,
        prompt: header.prompt,
        params: header.params,
        acts_on: header.acts_on,
        locks: header.locks,
        root: header.root,
        window: header.window,
        budget: header.budget,
        rollback: header.rollback,
        steps,
    })
}

/// Takes the phases' sections out, in the order of `phases`.
fn sections(table: &mut Table, header: &Header, problems: &mut Problems) -> Vec<RawStep> {
    let mut steps = Vec::new();
    let mut before: Option<(Place, &str)> = None;
    for (at, phase) in &header.phases {
        let Some(index) = table.entries.iter().position(|entry| entry.key == *phase) else {
            problems.add(*at, format!("the phase `{phase}` has no step"));
            continue;
        };
        let entry = table.entries.remove(index);
        let Value::List(items) = entry.node.value else {
            problems.add(entry.at, format!("a step of the phase `{phase}` begins with `[[{phase}]]`"));
            continue;
        };
        if items.is_empty() {
            problems.add(*at, format!("the phase `{phase}` has no step"));
        }
        for item in items {
            let Value::Table(section) = item.value else {
                problems.add(item.at, format!("a step of the phase `{phase}` begins with `[[{phase}]]`"));
                continue;
            };
            if let Some((last, other)) = before
                && item.at < last
                && other != phase
            {
                problems.add(item.at, format!("this step is before those of `{other}`, which come first"));
            }
            before = Some((before.map_or(item.at, |(last, _)| last.max(item.at)), phase));
            steps.push(steps::read(phase, section, header.order, problems));
        }
    }
    steps.extend(undeclared(table, header, problems));
    steps
}

/// Reports sections that are not among the phases; those that hold steps are read like the others.
fn undeclared(table: &mut Table, header: &Header, problems: &mut Problems) -> Vec<RawStep> {
    let mut steps = Vec::new();
    let is_section = |value: &Value| matches!(value, Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))));
    let (sections, others) =
        std::mem::take(&mut table.entries).into_iter().partition(|entry| is_section(&entry.node.value));
    table.entries = others;
    let sections: Vec<reader::Entry> = sections;
    for entry in sections {
        let message = format!("`{}` is not in `phases`", entry.key.escape_debug());
        let known = header.phases.iter().map(|(_, name)| name.as_str()).chain(header::KEYS);
        match nearest(&entry.key, known) {
            Some(near) => problems.add_with_hint(entry.at, message, format!("did you mean `{near}`?")),
            None => problems.add(entry.at, message),
        }
        let Value::List(items) = entry.node.value else { continue };
        for item in items {
            if let Value::Table(section) = item.value
                && steps::is_step(&section)
            {
                steps.push(steps::read(&entry.key, section, header.order, problems));
            }
        }
    }
    steps
}

fn unique_ids(steps: &[RawStep], problems: &mut Problems) {
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for (at, id) in steps.iter().filter_map(|step| step.id.as_ref()) {
        if let Some(first) = seen.insert(id, *at) {
            problems.add(*at, format!("the id `{id}` is taken by the step at line {}", first.line));
        }
    }
}

/// Checks the references of an action: a script takes none, and SQL only those that quote.
fn references_of_action(action: &Table, known: &Known<'_>, used: &mut BTreeSet<String>, problems: &mut Problems) {
    for inner in &action.entries {
        if let ("script", Value::Text(text)) = (inner.key.as_str(), &inner.node.value)
            && text.contains("{{")
        {
            let message = "a script takes no `{{…}}`: bash would read the value as code";
            let hint = "give it as a variable: `env = { NAME = \"{{…}}\" }`, and write \"$NAME\"";
            problems.add_with_hint(inner.node.at, message, hint);
            continue;
        }
        let allowed = if inner.key == QUOTING { Allowed::InSql } else { Allowed::ParamsAndRun };
        template::check(&inner.node, allowed, known, used, problems);
        if let (Allowed::InSql, Value::Text(text)) = (allowed, &inner.node.value)
            && let Err(why) = quote::is_separate(text)
        {
            problems.add(inner.node.at, why);
        }
    }
}

/// Checks every reference, and reports parameters that nothing refers to, and names under which things are saved twice.
fn references(header: &Header, steps: &[RawStep], problems: &mut Problems) {
    let mut known =
        Known { params: header.params.iter().map(|param| param.name.as_str()).collect(), ..Known::default() };
    let mut used = BTreeSet::new();
    let heads = header.title.iter().chain(&header.purpose).chain(&header.root).chain(&header.locks);
    let heads = heads.chain(header.window.iter().flat_map(RawWindow::nodes));
    for node in heads {
        template::check(node, Allowed::Params, &known, &mut used, problems);
    }
    for step in steps {
        if let Some(each) = &step.each {
            template::check(&each.items, Allowed::Params, &known, &mut used, problems);
        }
        known.it = step.each.is_some();
        for entry in &step.rest.entries {
            if judged::check(&entry.key, &entry.node, &known, &mut used, problems) {
                continue;
            }
            let allowed = match entry.key.as_str() {
                "do" | "check" | "read" | "wait" | "prove" | "undo" => Allowed::ParamsAndRun,
                "manual" | "notify" | "message" => Allowed::ParamsAndSaved,
                _ => Allowed::Params,
            };
            match &entry.node.value {
                Value::Table(action) if allowed == Allowed::ParamsAndRun => {
                    references_of_action(action, &known, &mut used, problems);
                }
                _ => template::check(&entry.node, allowed, &known, &mut used, problems),
            }
        }
        if let Some((at, name)) = &step.save
            && (known.params.contains(name.as_str()) || !known.saved.insert(name))
        {
            problems.add(*at, format!("`{name}` is taken: what is saved needs a name of its own"));
        }
        if let (Some((_, name)), true) = (&step.save, known.it) {
            known.each.insert(name);
        }
    }
    for param in &header.params {
        if !used.contains(&param.name) {
            problems.add(param.at, format!("the parameter `{}` is never used", param.name));
        }
    }
}
