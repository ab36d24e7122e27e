//! Whether procedures and the windows of their estate go together.

use crate::calendar::{Calendar, Window, WindowUse};
use crate::config::estate::Environment;
use crate::config::reader::{Problem, Problems};
use crate::domain::quantity;
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use crate::procedure::lint::fit;
use crate::procedure::shipped;
use crate::procedure::window::RawWindow;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The windows of an estate.
#[derive(Clone, Copy, Debug)]
pub struct Hours<'a> {
    /// Their file.
    pub file: &'a Path,
    /// What it says.
    pub calendar: &'a Calendar,
    /// The environment that the estate is.
    pub environment: Environment,
}

/// Where a procedure and the windows of its estate contradict each other: no window allows it, or none is as long as what it
/// declares. What a parameter decides is not judged here.
#[must_use]
pub fn contradicts(procedure: &Procedure, library: &Library, hours: Hours<'_>) -> Vec<Problem> {
    let mut problems = Problems::of(&procedure.file);
    let Some(raw) = &procedure.window else { return Vec::new() };
    let (Some(wanted), Some(node)) = (raw.literal(), raw.nodes().pop()) else { return Vec::new() };
    if let Some(none) = hours.calendar.refuses(&wanted, hours.environment) {
        problems.add_with_hint(node.at, none.why, none.hint);
        return problems.into_sorted();
    }
    let longest = hours.calendar.allowing(&wanted, hours.environment).max_by_key(|window| window.lasts);
    let (needs, back) = needs(procedure, library);
    if let Some(window) = longest.filter(|window| needs + back > window.lasts) {
        let lasts = quantity::span(window.lasts);
        let also =
            if back.is_zero() { String::new() } else { format!(" and {} for the rollback", quantity::span(back)) };
        let message =
            format!("this takes {}{also}, and the window `{}` lasts {lasts}", quantity::span(needs), window.name);
        problems.add_with_hint(node.at, message, "a longer window, or fewer steps at a time");
    }
    problems.into_sorted()
}

/// How long a procedure takes by its own word, and how long its undo: the budget, or at least the sum of what its steps say.
fn needs(procedure: &Procedure, library: &Library) -> (Duration, Duration) {
    let run = procedure.budget.run_s.map_or_else(|| fit::takes(procedure, library), Duration::from_secs);
    (run, Duration::from_secs(procedure.budget.undo_s.unwrap_or(0)))
}

/// Exceptions from the rules for procedures that do not exist.
#[must_use]
pub fn exceptions(hours: Hours<'_>, library: &Library) -> Vec<Problem> {
    let mut problems = Problems::of(hours.file);
    let known = library.keys().map(String::as_str);
    hours.calendar.check_exceptions(&known, shipped::whereabouts, &mut problems);
    problems.into_sorted()
}

/// Windows that are too short for all that needs them alone, reported at the window.
#[must_use]
pub fn crowded(hours: Hours<'_>, library: &Library) -> Vec<Problem> {
    let mut problems = Problems::of(hours.file);
    let mut belonging: BTreeMap<&str, Vec<&Procedure>> = BTreeMap::new();
    for procedure in library.values() {
        let wanted = procedure.window.as_ref().and_then(RawWindow::literal);
        if let Some(window) = wanted.and_then(|wanted| only(hours, &wanted)) {
            belonging.entry(window).or_default().push(procedure);
        }
    }
    for window in &hours.calendar.windows {
        let own = belonging.get(window.name.as_str()).into_iter().flatten();
        let own: Vec<_> = own.map(|procedure| (&procedure.id, needs(procedure, library))).collect();
        let sum = own.iter().fold(Duration::ZERO, |sum, (_, (run, _))| sum.saturating_add(*run));
        if own.len() > 1 && sum > window.lasts {
            let lines: Vec<String> =
                own.iter().map(|(id, (run, _))| format!("{id} {}", quantity::span(*run))).collect();
            let (sum, lasts) = (quantity::span(sum), quantity::span(window.lasts));
            let message =
                format!("what belongs in this window takes {sum}, and it lasts {lasts}: {}", lines.join(", "));
            problems.add(window.at, message);
        }
    }
    problems.into_sorted()
}

/// The one window that allows something, where there is just one.
fn only<'a>(hours: Hours<'a>, wanted: &WindowUse) -> Option<&'a String> {
    let mut all = hours.calendar.allowing(wanted, hours.environment);
    match (all.next(), all.next()) {
        (Some(window), None) => Some(&window.name),
        _ => None,
    }
}

/// Operations of windows that no procedure is for, reported at the window. A procedure whose operation a parameter decides may be for
/// any, so that then nothing is reported.
#[must_use]
pub fn unserved(hours: Hours<'_>, library: &Library) -> Vec<Problem> {
    let mut problems = Problems::of(hours.file);
    let raws = || library.values().filter_map(|procedure| procedure.window.as_ref());
    let open = raws().any(|raw| matches!(raw, RawWindow::Operation { .. }) && raw.literal().is_none());
    let served = |window: &Window, word: &str| {
        raws().filter_map(RawWindow::literal).any(|wanted| match wanted {
            WindowUse::Any => true,
            WindowUse::Named(name) => name == window.name,
            WindowUse::Operation { operation, .. } => operation == word,
        })
    };
    for window in hours.calendar.windows.iter().filter(|_| !open) {
        for word in window.operations.iter().filter(|word| !served(window, word)) {
            let message = format!("no procedure is for the operation `{}` of this window", word.escape_debug());
            let hint = format!("a procedure says window = {{ operation = \"{}\" }}", word.escape_debug());
            problems.add_with_hint(window.at, message, hint);
        }
    }
    problems.into_sorted()
}
