//! `{{…}}`: what may stand between the braces, and what takes its place.
//!
//! A value that is one whole reference takes the parameter's type; inside text, parameters are written out.
//! `{{run.id}}` and `{{run.dir}}` stay as they are until a run acts. References are checked when a procedure is read,
//! so that filling in cannot fail.

use crate::config::reader::{Node, Problems, Value, nearest};
use crate::procedure::params::Bound;
use crate::procedure::plan::Action;
use std::collections::{BTreeMap, BTreeSet};

/// What a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A parameter.
    Param(String),
    /// The run's id.
    RunId,
    /// The run's directory.
    RunDir,
    /// The name of the row's target.
    RowTarget,
    /// A fact of the row's newest observation.
    RowFact(String),
}

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A reference.
    Reference(Reference),
}

/// Splits text into its pieces; the error is the sentence for whoever wrote it.
pub fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else {
            return Err("`{{` is never closed by `}}`".to_owned());
        };
        if !before.is_empty() {
            found.push(Piece::Text(before.to_owned()));
        }
        found.push(Piece::Reference(reference(name.trim())?));
        rest = behind;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest.to_owned()));
    }
    Ok(found)
}

fn reference(name: &str) -> Result<Reference, String> {
    let shown = name.escape_debug();
    match name {
        "run.id" => Ok(Reference::RunId),
        "run.dir" => Ok(Reference::RunDir),
        "row.target" => Ok(Reference::RowTarget),
        _ if name.contains(['|', '[']) => Err(format!("`{{{{{shown}}}}}` is not supported by this version")),
        _ => match name.strip_prefix("row.facts.") {
            Some(fact) if is_name(fact) => Ok(Reference::RowFact(fact.to_owned())),
            None if is_name(name) => Ok(Reference::Param(name.to_owned())),
            _ => Err(format!("`{{{{{shown}}}}}` names nothing that is known here")),
        },
    }
}

/// Whether a word can name a parameter or a fact: lower-case letters, digits and `_`, a letter first.
#[must_use]
pub fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Which references a place of the file can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Parameters.
    Params,
    /// Parameters, `run.id` and `run.dir`.
    ParamsAndRun,
    /// `row.target` and `row.facts.…`.
    Row,
}

/// Checks every reference below a node, and notes the parameters it uses.
pub fn check(
    node: &Node,
    allowed: Allowed,
    known: &BTreeSet<&str>,
    used: &mut BTreeSet<String>,
    problems: &mut Problems,
) {
    match &node.value {
        Value::Text(text) => match pieces(text) {
            Ok(found) => {
                for piece in found {
                    if let Piece::Reference(to) = piece {
                        check_one(node, &to, allowed, known, used, problems);
                    }
                }
            }
            Err(why) => problems.say(node.at, why),
        },
        Value::List(items) => items.iter().for_each(|item| check(item, allowed, known, used, problems)),
        Value::Table(table) => {
            table.entries.iter().for_each(|entry| check(&entry.node, allowed, known, used, problems));
        }
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_) => {}
    }
}

fn check_one(
    node: &Node,
    to: &Reference,
    allowed: Allowed,
    known: &BTreeSet<&str>,
    used: &mut BTreeSet<String>,
    problems: &mut Problems,
) {
    match (to, allowed) {
        (Reference::Param(name), Allowed::Params | Allowed::ParamsAndRun) => {
            if known.contains(name.as_str()) {
                used.insert(name.clone());
                return;
            }
            let message = format!("`{{{{{name}}}}}` is not a parameter");
            match nearest(name, known.iter().copied()) {
                Some(near) => problems.say_with(node.at, message, format!("did you mean `{near}`?")),
                None => problems.say(node.at, message),
            }
        }
        (Reference::RunId | Reference::RunDir, Allowed::ParamsAndRun)
        | (Reference::RowTarget | Reference::RowFact(_), Allowed::Row) => {}
        (Reference::RunId | Reference::RunDir, _) => {
            problems.say(node.at, "`{{run.…}}` is known only inside an action");
        }
        (Reference::RowTarget | Reference::RowFact(_), _) => {
            problems.say(node.at, "`{{row.…}}` is known only in the `params` of `acts_on`");
        }
        (Reference::Param(_), Allowed::Row) => {
            problems.say(node.at, "only `{{row.target}}` and `{{row.facts.…}}` are known here");
        }
    }
}

/// Fills parameters in below a node, keeping every place; what it does not know it leaves as it is.
#[must_use]
pub fn fill(node: &Node, values: &BTreeMap<String, Bound>) -> Node {
    let value = match &node.value {
        Value::Text(text) => fill_text(text, values),
        Value::List(items) => Value::List(items.iter().map(|item| fill(item, values)).collect()),
        Value::Table(table) => {
            let mut table = table.clone();
            for entry in &mut table.entries {
                entry.node = fill(&entry.node, values);
            }
            Value::Table(table)
        }
        other => other.clone(),
    };
    Node { at: node.at, value }
}

fn fill_text(text: &str, values: &BTreeMap<String, Bound>) -> Value {
    let Ok(found) = pieces(text) else { return Value::Text(text.to_owned()) };
    if let [Piece::Reference(Reference::Param(name))] = found.as_slice()
        && let Some(bound) = values.get(name)
    {
        return bound.value.clone();
    }
    let mut out = String::new();
    for piece in found {
        match piece {
            Piece::Text(text) => out.push_str(&text),
            Piece::Reference(Reference::RunId) => out.push_str("{{run.id}}"),
            Piece::Reference(Reference::RunDir) => out.push_str("{{run.dir}}"),
            Piece::Reference(Reference::Param(name)) => match values.get(&name) {
                Some(bound) => out.push_str(&bound.text),
                None => out.push_str(&format!("{{{{{name}}}}}")),
            },
            Piece::Reference(Reference::RowTarget | Reference::RowFact(_)) => {}
        }
    }
    Value::Text(out)
}

impl Action {
    /// The action of one run: `{{run.id}}` and `{{run.dir}}` filled in, in one pass.
    #[must_use]
    pub fn of_run(&self, id: &str, dir: &str) -> Self {
        let mut action = self.clone();
        action.line = of_run(&action.line, id, dir);
        fill_json(&mut action.spec, id, dir);
        action
    }
}

fn fill_json(value: &mut serde_json::Value, id: &str, dir: &str) {
    match value {
        serde_json::Value::String(text) => *text = of_run(text, id, dir),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| fill_json(item, id, dir)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|item| fill_json(item, id, dir)),
        _ => {}
    }
}

fn of_run(text: &str, id: &str, dir: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{run.") {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        if let Some(behind) = from.strip_prefix("{{run.id}}") {
            out.push_str(id);
            rest = behind;
        } else if let Some(behind) = from.strip_prefix("{{run.dir}}") {
            out.push_str(dir);
            rest = behind;
        } else {
            let (open, behind) = from.split_at_checked(2).unwrap_or((from, ""));
            out.push_str(open);
            rest = behind;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::Place;
    use crate::domain::EffectClass;

    fn filled(text: &str) -> Value {
        let mut values = BTreeMap::new();
        values.insert("n".to_owned(), Bound { value: Value::Int(90), text: "90".to_owned() });
        values.insert("s".to_owned(), Bound { value: Value::Text("a b".to_owned()), text: "a b".to_owned() });
        fill(&Node { at: Place { line: 3, column: 4 }, value: Value::Text(text.to_owned()) }, &values).value
    }

    #[test]
    fn a_whole_reference_takes_the_type_and_text_takes_the_words() {
        assert_eq!(filled("{{n}}"), Value::Int(90));
        assert_eq!(filled("{{ n }}"), Value::Int(90));
        assert_eq!(filled("{{n}} d of {{s}}"), Value::Text("90 d of a b".to_owned()));
        assert_eq!(filled("{{run.dir}}/{{s}}"), Value::Text("{{run.dir}}/a b".to_owned()));
        assert_eq!(filled("{{open"), Value::Text("{{open".to_owned()));
    }

    #[test]
    fn what_is_no_reference_is_said() {
        for bad in ["{{", "a {{b", "{{}}", "{{A}}", "{{row.facts.}}", "{{run.x}}", "{{a|ident}}", "{{before[it]}}"] {
            assert!(pieces(bad).is_err(), "{bad}");
        }
        assert_eq!(pieces("}}"), Ok(vec![Piece::Text("}}".to_owned())]));
    }

    #[test]
    fn a_run_fills_its_own_references_once() {
        let spec = serde_json::json!({"argv": ["a", "{{run.dir}}/{{run.id}}", "{{run.x}}"], "n": 1});
        let action = Action { adapter: "exec".into(), floor: EffectClass::Read, line: "{{run.id}}".into(), spec };
        let filled = action.of_run("{{run.dir}}", "/r");
        assert_eq!(filled.spec, serde_json::json!({"argv": ["a", "/r/{{run.dir}}", "{{run.x}}"], "n": 1}));
        assert_eq!(filled.line, "{{run.dir}}");
    }
}
