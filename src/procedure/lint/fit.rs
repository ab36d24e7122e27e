//! Whether a procedure fits the window and the budget that it names.

use crate::calendar::{Calendar, Window};
use crate::config::reader::{Place, Problem, Table, Value, nearest};
use crate::domain::quantity::{parse_span, span};
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use crate::procedure::lint::{problem, top};
use crate::procedure::steps::RawStep;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How deep included procedures are counted.
const DEEPEST: usize = 8;

/// The window that a procedure names, as far as it is written out.
enum Named<'a> {
    Window(Place, &'a str),
    Operation { at: Place, environment: Option<&'a str>, operation: &'a str },
}

/// Everything that cannot fit.
pub(super) fn errors(
    procedure: &Procedure,
    top: &Table,
    library: &Library,
    calendar: Option<&Calendar>,
) -> Vec<Problem> {
    let mut found = Vec::new();
    let takes = takes(procedure, library, DEEPEST);
    let budget = budget(top);
    if let Some((at, budget)) = budget
        && takes > budget
    {
        let message = format!("its steps take {} together, and its budget is {}", span(takes), span(budget));
        found.push(problem(procedure, at, message, None));
    }
    let (Some(named), Some(calendar)) = (named(top), calendar) else { return found };
    let (at, windows) = match allowed(&named, calendar) {
        Ok(fits) => fits,
        Err((at, message, hint)) => {
            found.push(problem(procedure, at, message, hint));
            return found;
        }
    };
    let Some(longest) = windows.iter().max_by_key(|window| window.lasts) else { return found };
    let needs = takes.max(budget.map(|(_, budget)| budget).unwrap_or_default());
    if needs > longest.lasts {
        let what = if takes >= needs { "its steps take" } else { "its budget is" };
        let (needs, lasts) = (span(needs), span(longest.lasts));
        let name = longest.name.escape_debug();
        found.push(problem(
            procedure,
            at,
            format!("{what} {needs} together, and the window `{name}` lasts {lasts}"),
            None,
        ));
    }
    found
}

/// The declared times of all steps, those of what is included among them.
fn takes(procedure: &Procedure, library: &Library, deep: usize) -> Duration {
    let times = |step: &RawStep| match step.each.as_ref().map(|each| &each.items.value) {
        Some(Value::List(items)) => items.len() as u64,
        _ => 1,
    };
    let own = procedure.steps.iter().filter_map(|step| Some(step.takes_s?.saturating_mul(times(step))));
    let own: u64 = own.fold(0, u64::saturating_add);
    let included = procedure.steps.iter().filter_map(|step| step.includes.as_ref()).filter(|_| deep > 0);
    let inner = included.filter_map(|(_, id)| library.get(id)).map(|inner| takes(inner, library, deep - 1));
    inner.fold(Duration::from_secs(own), Duration::saturating_add)
}

fn text<'a>(table: &'a Table, key: &str) -> Option<(Place, &'a str)> {
    let entry = table.entries.iter().find(|entry| entry.key == key)?;
    match &entry.node.value {
        Value::Text(text) => Some((entry.node.at, text)),
        _ => None,
    }
}

fn named(top: &Table) -> Option<Named<'_>> {
    let entry = top.entries.iter().find(|entry| entry.key == "window")?;
    match &entry.node.value {
        Value::Text(name) => Some(Named::Window(entry.node.at, name)),
        Value::Table(table) => {
            let (at, operation) = text(table, "operation")?;
            let environment = text(table, "environment").map(|(_, name)| name).filter(|name| !name.contains("{{"));
            Some(Named::Operation { at, environment, operation })
        }
        _ => None,
    }
}

fn budget(top: &Table) -> Option<(Place, Duration)> {
    let entry = top.entries.iter().find(|entry| entry.key == "budget")?;
    let Value::Table(table) = &entry.node.value else { return None };
    let (at, written) = text(table, "run")?;
    Some((at, parse_span(written)?))
}

type Unfit = (Place, String, Option<String>);

/// The windows that a procedure may run in, and where it says so.
fn allowed<'c>(named: &Named<'_>, calendar: &'c Calendar) -> Result<(Place, Vec<&'c Window>), Unfit> {
    let near = |given: &str, known: &[&str]| {
        nearest(given, known.iter().copied()).map(|near| format!("did you mean `{near}`?"))
    };
    match named {
        Named::Window(at, name) if name.contains("{{") => Ok((*at, Vec::new())),
        Named::Window(at, name) => {
            let known: Vec<&str> = calendar.windows.iter().map(|window| window.name.as_str()).collect();
            let found: Vec<&Window> = calendar.windows.iter().filter(|window| window.name == *name).collect();
            if found.is_empty() {
                return Err((*at, format!("there is no window `{}`", name.escape_debug()), near(name, &known)));
            }
            Ok((*at, found))
        }
        Named::Operation { at, operation, .. } if operation.contains("{{") => Ok((*at, Vec::new())),
        Named::Operation { at, environment, operation } => {
            let here = |window: &&Window| match (window.environment, environment) {
                (Some(of), Some(wanted)) => of.word() == *wanted,
                _ => true,
            };
            let takes =
                |window: &&Window| window.operations.is_empty() || window.operations.iter().any(|it| it == operation);
            let found: Vec<&Window> = calendar.windows.iter().filter(here).filter(takes).collect();
            if found.is_empty() {
                let known: Vec<&str> =
                    calendar.windows.iter().flat_map(|window| &window.operations).map(String::as_str).collect();
                let message = format!("no window allows `{}`", operation.escape_debug());
                return Err((*at, message, near(operation, &known)));
            }
            Ok((*at, found))
        }
    }
}

/// Warns of operations of `windows.toml` that no procedure is for; `windows` is the text of that file.
#[must_use]
pub fn operations(windows: &str, file: &Path, library: &Library) -> Vec<Problem> {
    let tops: Vec<Table> = library.values().map(top).collect();
    let of = |top: &Table| match named(top) {
        Some(Named::Operation { operation, .. }) => Some(operation.to_owned()),
        _ => None,
    };
    let known: BTreeSet<String> = tops.iter().filter_map(of).collect();
    let mut problems = crate::config::reader::Problems::of(file);
    let top = crate::config::reader::parse(windows, &mut problems);
    let mut found = Vec::new();
    for entry in top.entries.iter().filter(|entry| entry.key == "window") {
        let Value::List(sections) = &entry.node.value else { continue };
        let tables = sections.iter().filter_map(|node| match &node.value {
            Value::Table(table) => table.entries.iter().find(|entry| entry.key == "operations"),
            _ => None,
        });
        let lists = tables.filter_map(|entry| match &entry.node.value {
            Value::List(items) => Some(items),
            _ => None,
        });
        for item in lists.flatten() {
            let Value::Text(operation) = &item.value else { continue };
            if !known.contains(operation) {
                let message = format!("no procedure is for the operation `{}`", operation.escape_debug());
                let hint =
                    nearest(operation, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
                found.push(Problem { file: file.to_owned(), place: item.at, message, hint });
            }
        }
    }
    found
}
