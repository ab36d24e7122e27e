//! What a procedure consists of, before its parameters are known.

use crate::config::reader::Value;
use crate::domain::Verb;
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;

/// How deep what is included is looked into; a procedure that goes deeper is refused when it is planned.
const DEEPEST: usize = 8;

/// The phase and the title of every step, in order, with those of what is included; a parameter has its default, else
/// the file has it: `{{root}}`.
#[must_use]
pub fn of(procedure: &Procedure, library: &Library) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    put(procedure, None, library, DEEPEST, &mut steps);
    steps
}

fn put(procedure: &Procedure, phase: Option<&str>, library: &Library, deep: usize, steps: &mut Vec<(String, String)>) {
    for raw in &procedure.steps {
        let phase = phase.unwrap_or(&raw.phase);
        if let Some((_, id)) = raw.includes.as_ref().filter(|_| deep > 0) {
            if let Some(inner) = library.get(id) {
                put(inner, Some(phase), library, deep - 1, steps);
            }
            continue;
        }
        let title = raw.rest.entries.iter().find(|entry| entry.key == "title").map(|entry| &entry.node.value);
        let title = match title {
            Some(Value::Text(text)) => named(procedure, text),
            Some(Value::Int(number)) => number.to_string(),
            _ if raw.verb == Verb::Notify => "Notify".to_owned(),
            _ => continue,
        };
        let items = raw.each.as_ref().map(|each| each.listed()).unwrap_or_default();
        if items.is_empty() {
            steps.push((phase.to_owned(), title));
            continue;
        }
        steps.extend(items.into_iter().map(|item| (phase.to_owned(), title.replace("{{it}}", &item))));
    }
}

/// A title with the defaults in their places.
fn named(procedure: &Procedure, title: &str) -> String {
    let mut title = title.to_owned();
    for (name, default) in procedure.params.iter().filter_map(|param| Some((&param.name, param.default.as_ref()?))) {
        title = title.replace(&format!("{{{{{name}}}}}"), default);
    }
    title
}
