//! Procedures that delete what others keep longer.
//!
//! Two deletes contradict where one file can fall to both and their ages differ. Parameters stand as their defaults.

use crate::config::reader::{Place, Problem, Value};
use crate::domain::quantity::{parse_span, span};
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use crate::procedure::lint::problem;
use crate::procedure::params::Bound;
use crate::procedure::steps::RawStep;
use crate::procedure::template::fill;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one step deletes.
struct Delete<'a> {
    procedure: &'a Procedure,
    at: Place,
    /// The directory, absolute.
    directory: String,
    pattern: String,
    except: Vec<String>,
    recursive: bool,
    /// From which age on, in seconds.
    older_s: u64,
}

/// Tells of each delete of the judged procedures that takes what another procedure keeps longer.
pub(super) fn errors(judged: &[&Procedure], library: &Library) -> Vec<Problem> {
    let all: Vec<Delete<'_>> = library.values().flat_map(deletes).collect();
    let mut found = Vec::new();
    for (short, long) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
        let is_judged = |one: &Delete<'_>| judged.iter().any(|judged| judged.id == one.procedure.id);
        if short.procedure.id == long.procedure.id || short.older_s >= long.older_s || !short.meets(long) {
            continue;
        }
        // Told at the one that deletes too early; at the other where only that one is judged.
        let (this, what) = match (is_judged(short), is_judged(long)) {
            (true, _) => (short, ("deletes after", "keeps for", long)),
            (false, true) => (long, ("keeps for", "deletes after", short)),
            (false, false) => continue,
        };
        let age = |one: &Delete<'_>| match one.older_s {
            0 => "no time at all".to_owned(),
            seconds => span(Duration::from_secs(seconds)),
        };
        let (does, other_does, other) = what;
        let message = format!("this {does} {} what {} {other_does} {}", age(this), other.procedure.id, age(other));
        let hint = format!("{}:{}:{}", other.procedure.file.display(), other.at.line, other.at.column);
        found.push(problem(this.procedure, this.at, message, Some(hint)));
    }
    found
}

fn deletes(procedure: &Procedure) -> Vec<Delete<'_>> {
    let values = procedure.params.iter().map(|param| (param.name.clone(), param.sample())).collect();
    let root = procedure.root.as_ref().map(|node| fill(node, &values).value);
    let Some(Value::Text(root)) = root else { return Vec::new() };
    procedure.steps.iter().filter_map(|step| delete(procedure, step, &root, &values)).collect()
}

fn delete<'a>(
    procedure: &'a Procedure,
    step: &RawStep,
    root: &str,
    values: &BTreeMap<String, Bound>,
) -> Option<Delete<'a>> {
    let entry = step.rest.entries.iter().find(|entry| entry.key == "do")?;
    let Value::Table(action) = fill(&entry.node, values).value else { return None };
    let value = |key: &str| {
        action.entries.iter().find(|entry| entry.key == key).map(|entry| (entry.node.at, &entry.node.value))
    };
    let text = |key: &str| match value(key) {
        Some((_, Value::Text(text))) => Some(text.as_str()),
        _ => None,
    };
    if text("files") != Some("delete") {
        return None;
    }
    let older_s = match value("older") {
        None => 0,
        Some((_, Value::Int(days))) => u64::try_from(*days).ok()?.checked_mul(86_400)?,
        Some((_, Value::Text(text))) => parse_span(text)?.as_secs(),
        _ => return None,
    };
    let except: Vec<String> = match value("except") {
        Some((_, Value::List(items))) => items.iter().filter_map(|item| word(&item.value)).collect(),
        _ => Vec::new(),
    };
    let under = text("under")?.trim_matches('/');
    let root = root.trim_end_matches('/');
    let directory = if under == "." { root.to_owned() } else { format!("{root}/{under}") };
    Some(Delete {
        procedure,
        at: value("older").map_or(entry.node.at, |(at, _)| at),
        directory,
        pattern: text("match")?.to_owned(),
        except,
        recursive: matches!(value("recursive"), Some((_, Value::Bool(true)))),
        older_s,
    })
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

impl Delete<'_> {
    /// Whether one file can fall to both.
    fn meets(&self, other: &Self) -> bool {
        let below = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        let same_place = self.directory == other.directory
            || (self.recursive && below(&other.directory, &self.directory))
            || (other.recursive && below(&self.directory, &other.directory));
        let left_alone = self.except.contains(&other.pattern) || other.except.contains(&self.pattern);
        same_place && !left_alone && intersect(&self.pattern, &other.pattern)
    }
}

/// Whether some name fits two patterns of `*` and `?`.
fn intersect(left: &str, right: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    // Each row says, for a beginning of `left`, with which beginnings of `right` it can agree.
    let star = |c: Option<&char>| c == Some(&'*');
    let mut row = vec![true];
    for place in 0..right.len() {
        row.push(row.last() == Some(&true) && star(right.get(place)));
    }
    for one in &left {
        let mut next = vec![*one == '*' && row.first() == Some(&true)];
        for (place, other) in right.iter().enumerate() {
            let (up, side, both) = (row.get(place + 1), next.get(place), row.get(place));
            let agrees = match (one, other) {
                ('*', _) | (_, '*') => up == Some(&true) || side == Some(&true) || both == Some(&true),
                ('?', _) | (_, '?') => both == Some(&true),
                (a, b) => a == b && both == Some(&true),
            };
            next.push(agrees);
        }
        row = next;
    }
    row.last() == Some(&true)
}
