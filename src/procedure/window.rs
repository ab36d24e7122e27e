//! The window that a procedure belongs in, and the time that it may take.
//!
//! ```toml
//! window = "weekly"                                                          # by its name
//! window = { environment = "{{env}}", operation = "security_patches" }       # any that allows the operation
//! budget = { run = "70m", undo = "20m" }
//! ```

use crate::calendar::{Calendar, Window};
use crate::config::estate::Environment;
use crate::config::reader::{Node, Problem, Problems, Table, Value};
use crate::domain::{Budget, quantity};
use crate::procedure::header::{Procedure, span, text_node};
use crate::procedure::params::Bound;
use crate::procedure::plan::WindowUse;
use crate::procedure::template;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The window as the file has it; every text may hold templates.
#[derive(Clone, Debug, PartialEq)]
pub enum RawWindow {
    /// By its name.
    Named(Node),
    /// By what it is for.
    Operation {
        /// The environment, where it is said.
        environment: Option<Node>,
        /// The operation.
        operation: Node,
    },
}

impl RawWindow {
    /// Its texts.
    pub(super) fn nodes(&self) -> Vec<&Node> {
        match self {
            Self::Named(name) => vec![name],
            Self::Operation { environment, operation } => environment.iter().chain([operation]).collect(),
        }
    }

    /// With the parameters filled in.
    pub(super) fn filled(&self, values: &BTreeMap<String, Bound>, problems: &mut Problems) -> Option<WindowUse> {
        let mut text = |node: &Node| match template::fill(node, values).value {
            Value::Text(text) if !text.trim().is_empty() => Some(text),
            Value::Int(number) => Some(number.to_string()),
            _ => {
                problems.say(node.at, "the parameters leave nothing here");
                None
            }
        };
        Some(match self {
            Self::Named(name) => WindowUse::Named(text(name)?),
            Self::Operation { environment, operation } => {
                let environment = environment.as_ref().map(&mut text);
                let operation = text(operation)?;
                WindowUse::Operation { environment: environment.flatten(), operation }
            }
        })
    }

    /// What it asks for, where no parameter decides that.
    #[must_use]
    pub fn literal(&self) -> Option<WindowUse> {
        let plain = |node: &Node| match &node.value {
            Value::Text(text) if !text.contains("{{") => Some(text.clone()),
            _ => None,
        };
        match self {
            Self::Named(name) => plain(name).map(WindowUse::Named),
            Self::Operation { environment, operation } => {
                let environment = environment.as_ref().and_then(plain);
                plain(operation).map(|operation| WindowUse::Operation { environment, operation })
            }
        }
    }
}

/// Takes `window` out.
pub(super) fn read(table: &mut Table, problems: &mut Problems) -> Option<RawWindow> {
    let is_table = table.entries.iter().any(|e| e.key == "window" && matches!(e.node.value, Value::Table(_)));
    if !is_table {
        return text_node(table, "window", problems).map(RawWindow::Named);
    }
    let mut inner = table.table("window", problems)?;
    let environment = text_node(&mut inner, "environment", problems);
    if !inner.has("operation") {
        problems.say(inner.at, "`operation` is missing: a window is named, or found by an operation that it is for");
    }
    let operation = text_node(&mut inner, "operation", problems);
    inner.finish(problems);
    if let Some(Node { at, value: Value::Text(word) }) = &environment
        && !word.contains("{{")
        && Environment::from_word(word).is_none()
    {
        let words = Environment::ALL.map(Environment::word).join(", ");
        problems.say(*at, format!("`environment` must be one of {words}, not \"{}\"", word.escape_debug()));
    }
    Some(RawWindow::Operation { environment, operation: operation? })
}

/// Takes `budget` out.
pub(super) fn budget(table: &mut Table, problems: &mut Problems) -> Budget {
    if !table.has("budget") {
        table.take("budget");
        return Budget::default();
    }
    let Some(mut inner) = table.table("budget", problems) else { return Budget::default() };
    let at = inner.at;
    let empty = inner.entries.is_empty();
    let budget = Budget { run_s: span(&mut inner, "run", problems), undo_s: span(&mut inner, "undo", problems) };
    inner.finish(problems);
    if empty {
        problems
            .say(at, "`budget` says nothing: give `run`, `undo` or both, such as { run = \"70m\", undo = \"20m\" }");
    }
    budget
}

/// Refuses a window of another environment than the estate's: an act must not borrow the hours of a staging system.
pub(super) fn is_of(raw: &RawWindow, wanted: &WindowUse, environment: &str, problems: &mut Problems) {
    if let (RawWindow::Operation { environment: Some(node), .. }, WindowUse::Operation { environment: Some(given), .. }) =
        (raw, wanted)
        && given != environment
    {
        let given = given.escape_debug();
        problems.say(node.at, format!("this estate is {environment}, and the windows of {given} are not its own"));
    }
}

/// Where a procedure and the windows of its estate contradict each other: no window allows it, or none is as long as what it
/// declares. What a parameter decides is not judged here.
#[must_use]
pub fn contradicts(procedure: &Procedure, calendar: &Calendar, environment: Environment) -> Vec<Problem> {
    let mut problems = Problems::of(&procedure.file);
    let Some(raw) = &procedure.window else { return Vec::new() };
    let (Some(wanted), Some(node)) = (raw.literal(), raw.nodes().pop()) else { return Vec::new() };
    if let Some(none) = calendar.refuses(&wanted, environment) {
        problems.say_with(node.at, none.why, none.hint);
        return problems.into_sorted();
    }
    let longest = calendar.allowing(&wanted, environment).max_by_key(|window| window.lasts);
    let (needs, back) = needs(procedure);
    if let Some(window) = longest.filter(|window| needs + back > window.lasts) {
        let lasts = quantity::span(window.lasts);
        let also =
            if back.is_zero() { String::new() } else { format!(" and {} for the way back", quantity::span(back)) };
        let message =
            format!("this takes {}{also}, and the window `{}` lasts {lasts}", quantity::span(needs), window.name);
        problems.say_with(node.at, message, "a longer window, or fewer steps at a time");
    }
    problems.into_sorted()
}

/// How long a procedure takes by its own word, and how long its way back: the budget, or at least the sum of what its steps say.
fn needs(procedure: &Procedure) -> (Duration, Duration) {
    let said: u64 = procedure.steps.iter().filter_map(|step| step.takes_s).fold(0, u64::saturating_add);
    let run = procedure.budget.run_s.unwrap_or(said);
    (Duration::from_secs(run), Duration::from_secs(procedure.budget.undo_s.unwrap_or(0)))
}

/// Windows that are too short for all that belongs in them alone, told at the window.
#[must_use]
pub fn crowded(file: &Path, calendar: &Calendar, procedures: &[&Procedure], environment: Environment) -> Vec<Problem> {
    let mut problems = Problems::of(file);
    for window in &calendar.windows {
        let belongs = |procedure: &&&Procedure| {
            let wanted = procedure.window.as_ref().and_then(RawWindow::literal);
            wanted.is_some_and(|wanted| only(calendar, &wanted, environment) == Some(&window.name))
        };
        let own: Vec<_> =
            procedures.iter().filter(belongs).map(|procedure| (&procedure.id, needs(procedure))).collect();
        let sum = own.iter().fold(Duration::ZERO, |sum, (_, (run, _))| sum.saturating_add(*run));
        if own.len() > 1 && sum > window.lasts {
            let told: Vec<String> = own.iter().map(|(id, (run, _))| format!("{id} {}", quantity::span(*run))).collect();
            let (sum, lasts) = (quantity::span(sum), quantity::span(window.lasts));
            let message = format!("what belongs in this window takes {sum}, and it lasts {lasts}: {}", told.join(", "));
            problems.say(window.at, message);
        }
    }
    problems.into_sorted()
}

/// The one window that allows something, where there is just one.
fn only<'a>(calendar: &'a Calendar, wanted: &WindowUse, environment: Environment) -> Option<&'a String> {
    let mut all = calendar.allowing(wanted, environment);
    match (all.next(), all.next()) {
        (Some(window), None) => Some(&window.name),
        _ => None,
    }
}

/// Operations of windows that no procedure is for, told at the window. A procedure whose operation a parameter decides may be for
/// any, so that then nothing is told.
#[must_use]
pub fn unserved(file: &Path, calendar: &Calendar, procedures: &[&Procedure]) -> Vec<Problem> {
    let mut problems = Problems::of(file);
    let raws = || procedures.iter().filter_map(|procedure| procedure.window.as_ref());
    let open = raws().any(|raw| matches!(raw, RawWindow::Operation { .. }) && raw.literal().is_none());
    let served = |window: &Window, word: &str| {
        raws().filter_map(RawWindow::literal).any(|wanted| match wanted {
            WindowUse::Named(name) => name == window.name,
            WindowUse::Operation { operation, .. } => operation == word,
        })
    };
    for window in calendar.windows.iter().filter(|_| !open) {
        for word in window.operations.iter().filter(|word| !served(window, word)) {
            let message = format!("no procedure is for the operation `{}` of this window", word.escape_debug());
            let hint = format!("a procedure says window = {{ operation = \"{}\" }}", word.escape_debug());
            problems.say_with(window.at, message, hint);
        }
    }
    problems.into_sorted()
}
