//! `{{…}}`: what may be between the braces, and what replaces it.
//!
//! A value that is one whole reference takes the parameter's type; inside text, parameters are written out.
//! `{{run.id}}` and `{{run.dir}}` stay as they are until a run acts. References are checked when a procedure is read,
//! so that filling in cannot fail.
//!
//! Inside SQL every reference is quoted, `{{name|ident}}` as an identifier and `{{name|literal}}` as a text; nowhere else is any.

use crate::config::reader::{Node, Value};
use crate::procedure::condition;
use crate::procedure::params::Bound;
use crate::procedure::quote::Quote;
use std::collections::BTreeMap;

mod check;
mod run;

pub use check::{Allowed, Known, check, entries};
pub(super) use check::{check_one, entry_is_there};
pub use run::OfRun;

/// The name of the current item in a step that runs for each of several.
pub const IT: &str = "it";

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
    /// A fact of what a `read` saved: its name and the fact's. The whole of it is shown like a parameter.
    SavedFact(String, String),
    /// An entry of a parameter, or of what a `read` saved: its name, which entry, and of what was saved the fact.
    Entry(String, Index, Option<String>),
}

/// Which entry a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Index {
    /// That of the item at hand.
    It,
    /// That of this name.
    Word(String),
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

/// Splits text into its pieces; the error is the message for its author.
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

/// Reads the text between two braces; the error is the message for its author.
pub(super) fn reference(name: &str) -> Result<Reference, String> {
    let shown = name.escape_debug();
    match name {
        "run.id" => Ok(Reference::RunId),
        "run.dir" => Ok(Reference::RunDir),
        "row.target" => Ok(Reference::RowTarget),
        _ if name.contains('[') => {
            entry(name).ok_or_else(|| format!("`{{{{{shown}}}}}` names no entry: write `name[it]` or `name[it].fact`"))
        }
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

/// `name[it]`, `name[word].fact`.
fn entry(text: &str) -> Option<Reference> {
    let (name, rest) = text.split_once('[')?;
    let (index, rest) = rest.split_once(']')?;
    let fact = match rest.strip_prefix('.') {
        Some(fact) if is_fact(fact) => Some(fact.to_owned()),
        None if rest.is_empty() => None,
        _ => return None,
    };
    let index = match index.trim() {
        IT => Index::It,
        word if is_item(word) => Index::Word(word.to_owned()),
        _ => return None,
    };
    let known = is_name(name) && !matches!(name, "run" | "row" | IT);
    known.then(|| Reference::Entry(name.to_owned(), index, fact))
}

/// Whether a word can be an item of `each`, and the name of an entry: nothing that means something in a reference.
#[must_use]
pub fn is_item(word: &str) -> bool {
    let plain = |c: char| !c.is_control() && !matches!(c, '[' | ']' | '{' | '}' | '|' | ',' | '=');
    !word.is_empty() && word.len() <= 200 && word.trim() == word && word.chars().all(plain)
}

/// Whether a bare word of a condition can name something: a fact, a parameter, what was saved, an entry of it.
#[must_use]
pub fn is_reference(word: &str) -> bool {
    is_fact(word) || entry(word).is_some()
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

impl Index {
    /// The entry's name, where the item at hand is known.
    fn key(&self, values: &BTreeMap<String, Bound>) -> Option<String> {
        match self {
            Self::It => values.get(IT).map(|bound| bound.text.clone()),
            Self::Word(word) => Some(word.clone()),
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

/// The value of a reference, or its placeholder until it is known.
pub(super) fn written(to: &Reference, values: &BTreeMap<String, Bound>) -> String {
    match to {
        Reference::RunId => "{{run.id}}".to_owned(),
        Reference::RunDir => "{{run.dir}}".to_owned(),
        Reference::Param(name) => match values.get(name) {
            Some(bound) => bound.text.clone(),
            None => format!("{{{{{name}}}}}"),
        },
        Reference::SavedFact(name, fact) => match values.get(name) {
            // The placeholder for all that was saved: `{{saved:name}}`.
            Some(bound) => format!("{}.{fact}}}}}", bound.text.trim_end_matches("}}")),
            None => format!("{{{{{name}.{fact}}}}}"),
        },
        Reference::Entry(name, index, fact) => entry_written(name, index, fact.as_deref(), values),
        Reference::RowTarget | Reference::RowFact(_) => String::new(),
    }
}

fn entry_written(name: &str, index: &Index, fact: Option<&str>, values: &BTreeMap<String, Bound>) -> String {
    let (Some(bound), Some(key)) = (values.get(name), index.key(values)) else { return String::new() };
    if !bound.is_saved() {
        return bound.entry(&key).unwrap_or_default().to_owned();
    }
    let fact = fact.map(|fact| format!(".{fact}")).unwrap_or_default();
    format!("{}[{key}]{fact}}}}}", bound.text.trim_end_matches("}}"))
}

/// The value of the text between two braces, or the name under which the run knows it later.
///
/// # Errors
/// The message for its author.
pub(super) fn value_of(name: &str, values: &BTreeMap<String, Bound>) -> Result<condition::Value, String> {
    let to = reference(name)?;
    entry_is_there(&to, values)?;
    let text = written(&to, values);
    let later = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    Ok(later.map(|name| condition::Value::Later(name.to_owned())).unwrap_or(condition::Value::Text(text)))
}

/// The placeholder in a plan for what a `read` will save.
#[must_use]
pub fn saved_as(name: &str) -> Bound {
    Bound::text(format!("{{{{saved:{name}}}}}"))
}

#[cfg(test)]
mod tests;
