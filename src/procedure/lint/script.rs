//! Findings in the scripts of a procedure: those of the adapter `script`, and those that a shell is given with `-c`.

use crate::config::reader::{Node, Place, Problem, Value};
use crate::procedure::header::Procedure;
use crate::procedure::lint::problem;
use crate::procedure::shell::findings;

/// The adapter that forces strict mode.
const SCRIPT: &str = "script";

const SHELLS: [&str; 5] = ["sh", "bash", "dash", "zsh", "ksh"];

/// Warns of everything that is found in the procedure's scripts.
pub(super) fn warnings(procedure: &Procedure) -> Vec<Problem> {
    let mut found = Vec::new();
    for entry in procedure.steps.iter().flat_map(|step| &step.rest.entries) {
        let Value::Table(action) = &entry.node.value else { continue };
        for inner in &action.entries {
            match (inner.key.as_str(), &inner.node.value) {
                (SCRIPT, Value::Text(text)) => report(procedure, inner.node.at, text, true, &mut found),
                ("exec", Value::List(items)) => {
                    if let Some((at, text, strict)) = handed(items) {
                        references(procedure, at, text, &mut found);
                        report(procedure, at, text, strict, &mut found);
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// The script that a shell is handed with `-c`, and whether its options make it strict.
fn handed(items: &[Node]) -> Option<(Place, &str, bool)> {
    let text = |node: &Node| match &node.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let name = items.first().and_then(text)?;
    if !SHELLS.contains(&name.rsplit('/').next()?) {
        return None;
    }
    let is_options = |node: &&Node| text(node).is_some_and(|word| word.starts_with('-') && !word.starts_with("--"));
    let place =
        items.iter().skip(1).position(|node| is_options(&node) && text(node).is_some_and(|word| word.contains('c')))?;
    let strict = items
        .iter()
        .skip(1)
        .take(place + 1)
        .filter(is_options)
        .any(|node| text(node).is_some_and(|word| word.contains('e')));
    match items.get(place + 2) {
        Some(Node { at, value: Value::Text(script) }) => Some((*at, script, strict)),
        _ => None,
    }
}

/// The shell reads a value in a script's text as code.
fn references(procedure: &Procedure, at: Place, script: &str, found: &mut Vec<Problem>) {
    if let Some((before, _)) = script.split_once("{{") {
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let place = inside(&procedure.text, at, line, column);
        let message = "the shell reads the value of `{{…}}` as code".to_owned();
        let hint = "hand it over as an argument (`\"$1\"`) or in `env` (`\"$NAME\"`)".to_owned();
        found.push(problem(procedure, place, message, Some(hint)));
    }
}

fn report(procedure: &Procedure, at: Place, script: &str, strict: bool, found: &mut Vec<Problem>) {
    for finding in findings(script, strict) {
        let number = |number: u32| usize::try_from(number).unwrap_or(1);
        let place = inside(&procedure.text, at, number(finding.line), number(finding.column));
        let hint = Some(finding.hint.to_owned()).filter(|hint| !hint.is_empty());
        found.push(problem(procedure, place, finding.message, hint));
    }
}

/// The place in the file of a line and a column in a text that begins at `at`; where escapes or folded lines make it another,
/// `at` itself.
fn inside(file: &str, at: Place, line: usize, column: usize) -> Place {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let index = usize::try_from(at.line).unwrap_or(1).saturating_sub(1);
    let skipped = usize::try_from(at.column).unwrap_or(1).saturating_sub(1);
    let rest: String = file.lines().nth(index).unwrap_or_default().chars().skip(skipped).collect();
    let (quotes, is_basic) = match rest.as_str() {
        text if text.starts_with("'''") => (3, false),
        text if text.starts_with("\"\"\"") => (3, true),
        text if text.starts_with('\'') => (1, false),
        _ => (1, true),
    };
    let shown = file.lines().nth(index + line - 1).unwrap_or_default();
    if is_basic && (rest.contains('\\') || shown.contains('\\')) {
        return at;
    }
    // A newline right behind three quotes is no part of the text.
    let opens_alone = quotes == 3 && rest.chars().count() == 3;
    match (opens_alone, line) {
        (true, line) => Place { line: at.line + number(line), column: number(column) },
        (false, 1) => Place { line: at.line, column: at.column + number(quotes + column - 1) },
        (false, line) => Place { line: at.line + number(line - 1), column: number(column) },
    }
}
