//! `{{…}}`: what may stand between the braces, and what takes its place.
//!
//! A value that is one whole reference takes the parameter's type; inside text, parameters are written out.
//! `{{run.id}}` and `{{run.dir}}` stay as they are until a run acts. References are checked when a procedure is read,
//! so that filling in cannot fail.
//!
//! Inside SQL every reference is quoted, `{{name|ident}}` as an identifier and `{{name|literal}}` as a text; nowhere else is any.

use crate::config::reader::{Node, Problems, Value, nearest};
use crate::domain::Saved;
use crate::procedure::params::Bound;
use crate::procedure::plan::Action;
use crate::procedure::quote::Quote;
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
    /// A fact of what a `read` saved: its name and the fact's. The whole of it is told like a parameter.
    SavedFact(String, String),
}

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A reference.
    Reference(Reference),
    /// A reference whose value is quoted.
    Quoted(Reference, Quote),
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
        found.push(match name.split_once('|') {
            None => Piece::Reference(reference(name.trim())?),
            Some((name, word)) => {
                let unknown = || format!("`|{}` is not known: `|ident` and `|literal` are", word.trim().escape_debug());
                Piece::Quoted(reference(name.trim())?, Quote::of(word.trim()).ok_or_else(unknown)?)
            }
        });
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
        _ if name.contains('[') => Err(format!("`{{{{{shown}}}}}` is not supported by this version")),
        _ => match name.strip_prefix("row.facts.") {
            Some(fact) if is_name(fact) => Ok(Reference::RowFact(fact.to_owned())),
            None if is_name(name) => Ok(Reference::Param(name.to_owned())),
            None => match name.split_once('.') {
                Some((saved, fact)) if is_name(saved) && is_fact(fact) && !matches!(saved, "run" | "row") => {
                    Ok(Reference::SavedFact(saved.to_owned(), fact.to_owned()))
                }
                _ => Err(format!("`{{{{{shown}}}}}` names nothing that is known here")),
            },
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

/// Whether a word can name a saved fact: as [`is_name`], and with dots between such words.
fn is_fact(word: &str) -> bool {
    word.split('.').all(is_name)
}

/// Which references a place of the file can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Parameters.
    Params,
    /// Parameters, `run.id` and `run.dir`, and what a `read` saved before.
    ParamsAndRun,
    /// The same, each of them quoted.
    InSql,
    /// Parameters, and what a `read` saved before.
    ParamsAndSaved,
    /// `row.target` and `row.facts.…`.
    Row,
}

/// What can be referred to.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// The parameters.
    pub params: BTreeSet<&'a str>,
    /// What is saved in the run by then.
    pub saved: BTreeSet<&'a str>,
}

/// Checks every reference below a node, and notes the parameters it uses.
pub fn check(node: &Node, allowed: Allowed, known: &Known<'_>, used: &mut BTreeSet<String>, problems: &mut Problems) {
    match &node.value {
        Value::Text(text) => match pieces(text) {
            Ok(found) => {
                for piece in found {
                    let (to, quoted) = match piece {
                        Piece::Text(_) => continue,
                        Piece::Reference(to) => (to, false),
                        Piece::Quoted(to, _) => (to, true),
                    };
                    match (quoted, allowed == Allowed::InSql) {
                        (true, false) => problems.say(node.at, "`|ident` and `|literal` belong into the text of `sql`"),
                        (false, true) => {
                            let hint = "`{{name|ident}}` for a name, `{{name|literal}}` for a value";
                            problems.say_with(node.at, "inside SQL every reference must be quoted", hint);
                        }
                        _ => {}
                    }
                    check_one(node, &to, allowed, known, used, problems);
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
    known: &Known<'_>,
    used: &mut BTreeSet<String>,
    problems: &mut Problems,
) {
    let takes_saved = matches!(allowed, Allowed::ParamsAndRun | Allowed::InSql | Allowed::ParamsAndSaved);
    match (to, allowed) {
        (Reference::Param(name) | Reference::SavedFact(name, _), _)
            if allowed != Allowed::Row && known.saved.contains(name.as_str()) =>
        {
            if !takes_saved {
                problems.say(node.at, format!("`{{{{{name}}}}}` is read by the run, and not known here yet"));
            }
        }
        (Reference::SavedFact(name, _), _) if allowed != Allowed::Row => {
            let message = format!("nothing is saved as `{name}` before this");
            match nearest(name, known.saved.iter().copied()) {
                Some(near) => problems.say_with(node.at, message, format!("did you mean `{near}`?")),
                None => problems.say(node.at, message),
            }
        }
        (Reference::Param(name), _) if allowed != Allowed::Row => {
            if known.params.contains(name.as_str()) {
                used.insert(name.clone());
                return;
            }
            let message = format!("`{{{{{name}}}}}` is not a parameter");
            match nearest(name, known.params.iter().chain(&known.saved).copied()) {
                Some(near) => problems.say_with(node.at, message, format!("did you mean `{near}`?")),
                None => problems.say(node.at, message),
            }
        }
        (Reference::RunId | Reference::RunDir, Allowed::ParamsAndRun | Allowed::InSql)
        | (Reference::RowTarget | Reference::RowFact(_), Allowed::Row) => {}
        (Reference::RunId | Reference::RunDir, _) => {
            problems.say(node.at, "`{{run.…}}` is known only inside an action");
        }
        (Reference::RowTarget | Reference::RowFact(_), _) => {
            problems.say(node.at, "`{{row.…}}` is known only in the `params` of `acts_on`");
        }
        (Reference::Param(_) | Reference::SavedFact(..), _) => {
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
            Piece::Reference(to) => out.push_str(&written(&to, values)),
            Piece::Quoted(to, quote) => {
                let text = written(&to, values);
                match text.strip_suffix("}}") {
                    // What only the run knows is quoted by the run.
                    Some(open) if text.starts_with("{{") => out.push_str(&format!("{open}|{}}}}}", quote.word())),
                    _ => out.push_str(&quote.quote(&text)),
                }
            }
        }
    }
    Value::Text(out)
}

/// The value of a reference, or what stands for it until it is known.
fn written(to: &Reference, values: &BTreeMap<String, Bound>) -> String {
    match to {
        Reference::RunId => "{{run.id}}".to_owned(),
        Reference::RunDir => "{{run.dir}}".to_owned(),
        Reference::Param(name) => match values.get(name) {
            Some(bound) => bound.text.clone(),
            None => format!("{{{{{name}}}}}"),
        },
        Reference::SavedFact(name, fact) => match values.get(name) {
            // What stands for the saved whole: `{{saved:name}}`.
            Some(bound) => format!("{}.{fact}}}}}", bound.text.trim_end_matches("}}")),
            None => format!("{{{{{name}.{fact}}}}}"),
        },
        Reference::RowTarget | Reference::RowFact(_) => String::new(),
    }
}

/// What stands in a plan for something that a `read` will save.
#[must_use]
pub fn saved_as(name: &str) -> Bound {
    let text = format!("{{{{saved:{name}}}}}");
    Bound { value: Value::Text(text.clone()), text }
}

/// What a run knows when it reaches a step.
#[derive(Clone, Copy, Debug)]
pub struct OfRun<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its directory.
    pub dir: &'a str,
    /// What its reads saved.
    pub saved: &'a BTreeMap<String, Saved>,
}

impl Action {
    /// The action of one run: `{{run.id}}`, `{{run.dir}}` and `{{saved:…}}` filled in, in one pass.
    ///
    /// # Errors
    /// What was not read yet, or has no such fact.
    pub fn of_run(&self, run: OfRun<'_>) -> Result<Self, String> {
        let mut action = self.clone();
        action.line = run.fill(&action.line)?;
        run.fill_json(&mut action.spec)?;
        Ok(action)
    }
}

impl OfRun<'_> {
    fn fill_json(self, value: &mut serde_json::Value) -> Result<(), String> {
        match value {
            serde_json::Value::String(text) => *text = self.fill(text)?,
            serde_json::Value::Array(items) => {
                for item in items {
                    self.fill_json(item)?;
                }
            }
            serde_json::Value::Object(map) => {
                for item in map.values_mut() {
                    self.fill_json(item)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Fills text in; what takes a reference's place is not looked at again.
    ///
    /// # Errors
    /// What was not read yet, or has no such fact.
    pub fn fill(self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, from)) = rest.split_once("{{") {
            out.push_str(before);
            let found = match from.split_once("}}") {
                Some((inside, behind)) => self.value(inside)?.map(|value| (value, behind)),
                None => None,
            };
            rest = match found {
                Some((value, behind)) => {
                    out.push_str(&value);
                    behind
                }
                None => {
                    out.push_str("{{");
                    from
                }
            };
        }
        out.push_str(rest);
        Ok(out)
    }

    /// What stands between two braces, where the run knows it; quoted as the plan has it.
    fn value(self, inside: &str) -> Result<Option<String>, String> {
        let (name, quote) = match inside.split_once('|') {
            Some((name, word)) => match Quote::of(word) {
                Some(quote) => (name, Some(quote)),
                None => return Ok(None),
            },
            None => (inside, None),
        };
        let value = match (name, name.strip_prefix("saved:")) {
            ("run.id", _) => self.id,
            ("run.dir", _) => self.dir,
            (_, Some(saved)) => self.look_up(saved)?,
            _ => return Ok(None),
        };
        Ok(Some(quote.map_or_else(|| value.to_owned(), |quote| quote.quote(value))))
    }

    /// What is saved under `name`, or the fact of it under `name.fact`.
    fn look_up(&self, path: &str) -> Result<&str, String> {
        let (name, fact) = path.split_once('.').map_or((path, None), |(name, fact)| (name, Some(fact)));
        let shown = name.rsplit('/').next().unwrap_or(name);
        let saved = self.saved.get(name).ok_or_else(|| format!("`{shown}` was not read yet"))?;
        match fact {
            None => Ok(&saved.says),
            Some(fact) => match saved.facts.get(fact) {
                Some(value) if value.trim().is_empty() => {
                    Err(format!("what was read as `{shown}` has an empty `{fact}`"))
                }
                Some(value) => Ok(value),
                None => {
                    let known: Vec<&str> = saved.facts.keys().map(String::as_str).collect();
                    Err(format!("what was read as `{shown}` has no `{fact}`; it has {}", known.join(", ")))
                }
            },
        }
    }
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
    fn what_is_quoted_is_one_token_whatever_is_in_it() {
        let cases = [
            ("a", "\"a\"", "'a'"),
            ("", "\"\"", "''"),
            ("x\"; DROP TABLE y; --", "\"x\"\"; DROP TABLE y; --\"", "'x\"; DROP TABLE y; --'"),
            ("it's", "\"it's\"", "'it''s'"),
            ("\\' OR true --", "\"\\' OR true --\"", " E'\\\\'' OR true --'"),
        ];
        for (value, ident, literal) in cases {
            assert_eq!(
                (Quote::Ident.quote(value), Quote::Literal.quote(value)),
                (ident.to_owned(), literal.to_owned())
            );
        }
        assert_eq!(filled("SELECT {{ s | ident }}, {{n|literal}}"), Value::Text("SELECT \"a b\", '90'".to_owned()));
        assert_eq!(filled("{{s|ident}}"), Value::Text("\"a b\"".to_owned()));
        assert_eq!(filled("{{run.id|literal}}"), Value::Text("{{run.id|literal}}".to_owned()));
        let saved = BTreeMap::from([(
            "before".to_owned(),
            Saved { step: 0, says: "it's".to_owned(), facts: BTreeMap::from([("x".to_owned(), "a\"b".to_owned())]) },
        )]);
        let values = BTreeMap::from([("before".to_owned(), saved_as("before"))]);
        let Value::Text(planned) = fill_text("{{before.x|ident}} {{before|literal}}", &values) else { panic!() };
        assert_eq!(planned, "{{saved:before.x|ident}} {{saved:before|literal}}");
        let run = OfRun { id: "i", dir: "/d", saved: &saved };
        assert_eq!(run.fill(&planned).unwrap(), "\"a\"\"b\" 'it''s'");
        assert_eq!(run.fill("{{run.id|literal}} {{run.id|x}}").unwrap(), "'i' {{run.id|x}}");
    }

    #[test]
    fn what_is_no_reference_is_said() {
        for bad in
            ["{{", "a {{b", "{{}}", "{{A}}", "{{row.facts.}}", "{{run.x}}", "{{a|idnet}}", "{{a|}}", "{{before[it]}}"]
        {
            assert!(pieces(bad).is_err(), "{bad}");
        }
        assert_eq!(pieces("}}"), Ok(vec![Piece::Text("}}".to_owned())]));
    }

    #[test]
    fn a_run_fills_its_own_references_once() {
        let spec = serde_json::json!({"argv": ["a", "{{run.dir}}/{{run.id}}", "{{run.x}}"], "n": 1});
        let action = Action { adapter: "exec".into(), floor: EffectClass::Read, line: "{{run.id}}".into(), spec };
        let run = OfRun { id: "{{run.dir}}", dir: "/r", saved: &BTreeMap::new() };
        let filled = action.of_run(run).unwrap();
        assert_eq!(filled.spec, serde_json::json!({"argv": ["a", "/r/{{run.dir}}", "{{run.x}}"], "n": 1}));
        assert_eq!(filled.line, "{{run.dir}}");
    }

    #[test]
    fn what_was_saved_is_filled_in_once_and_never_as_nothing() {
        let facts = BTreeMap::from([("image".to_owned(), "{{saved:before}}".to_owned())]);
        let before = Saved { step: 0, says: "two images".to_owned(), facts };
        let saved = BTreeMap::from([("before".to_owned(), before)]);
        let run = OfRun { id: "i", dir: "/d", saved: &saved };
        let values = BTreeMap::from([("before".to_owned(), saved_as("before"))]);
        let planned = |text: &str| match fill_text(text, &values) {
            Value::Text(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(planned("{{before}}"), "{{saved:before}}");
        assert_eq!(
            run.fill(&planned("was {{ before }}: {{before.image}}")).unwrap(),
            "was two images: {{saved:before}}"
        );
        assert_eq!(
            run.fill(&planned("{{before.size}}")).unwrap_err(),
            "what was read as `before` has no `size`; it has image"
        );
        assert_eq!(run.fill("{{saved:2/after.x}}").unwrap_err(), "`after` was not read yet");
        let blank = Saved { facts: BTreeMap::from([("x".to_owned(), " ".to_owned())]), ..saved["before"].clone() };
        let blank = BTreeMap::from([("before".to_owned(), blank)]);
        let told = OfRun { saved: &blank, ..run }.fill("{{saved:before.x}}").unwrap_err();
        assert_eq!(told, "what was read as `before` has an empty `x`");
        assert_eq!(run.fill("{{saved:open").unwrap(), "{{saved:open");
    }

    #[test]
    fn saved_facts_are_referred_to_by_name_and_fact() {
        for good in ["{{before.image}}", "{{before.a.b}}"] {
            assert!(pieces(good).is_ok(), "{good}");
        }
        for bad in ["{{before.}}", "{{.x}}", "{{before.X}}", "{{row.x}}", "{{run.id.x}}", "{{saved:x}}"] {
            assert!(pieces(bad).is_err(), "{bad}");
        }
    }
}
