//! The window that a procedure belongs in, and the time that it may take.
//!
//! ```toml
//! window = "weekly"                                                          # by its name
//! window = { environment = "{{env}}", operation = "security_patches" }       # any that allows the operation
//! budget = { run = "70m", undo = "20m" }
//! ```

use crate::config::estate::Environment;
use crate::config::reader::{Node, Problems, Table, Value};
use crate::domain::Budget;
use crate::procedure::header::{span, text_node};
use crate::procedure::params::Bound;
use crate::procedure::plan::WindowUse;
use crate::procedure::template;
use std::collections::BTreeMap;

/// The window as the file has it; every text may hold templates.
#[derive(Clone, Debug, PartialEq)]
pub enum RawWindow {
    /// By its name.
    Named(Node),
    /// By what it is for.
    Operation {
        /// The environment, where it is set.
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
                problems.add(node.at, "the parameters leave nothing here");
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
        problems.add(inner.at, "`operation` is missing: a window is named, or found by an operation that it is for");
    }
    let operation = text_node(&mut inner, "operation", problems);
    inner.finish(problems);
    if let Some(Node { at, value: Value::Text(word) }) = &environment
        && !word.contains("{{")
        && Environment::from_word(word).is_none()
    {
        let words = Environment::ALL.map(Environment::word).join(", ");
        problems.add(*at, format!("`environment` must be one of {words}, not \"{}\"", word.escape_debug()));
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
            .add(at, "`budget` says nothing: give `run`, `undo` or both, such as { run = \"70m\", undo = \"20m\" }");
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
        problems.add(node.at, format!("this estate is {environment}, and the windows of {given} are not its own"));
    }
}
