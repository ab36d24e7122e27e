//! Which rows a procedure is offered from, and what it takes from them.
//!
//! A binding's `when` is a condition on the row's facts (`condition`). Where it is unknown, nothing is offered.

use crate::config::reader::{Node, Place, Problems, Table, Value, nearest};
use crate::domain::{Fact, Row, TargetKind};
use crate::procedure::condition::Condition;
use crate::procedure::params::Param;
use crate::procedure::template::{self, Allowed, Known, Piece, Reference};
use std::collections::{BTreeMap, BTreeSet};

/// One binding of a procedure to a kind of row.
#[derive(Clone, Debug, PartialEq)]
pub struct ActsOn {
    /// The kind of row.
    pub row: TargetKind,
    /// The condition on its facts.
    pub when: Option<Condition>,
    /// What each parameter takes: text with `{{row.…}}`.
    pub params: BTreeMap<String, String>,
}

impl ActsOn {
    /// The parameters this binding takes from a row; `None` where it does not apply or anything it needs is unknown.
    #[must_use]
    pub fn bind(&self, row: &Row, params: &[Param]) -> Option<BTreeMap<String, String>> {
        if row.kind != self.row {
            return None;
        }
        let facts = &row.observation.as_ref()?.facts;
        if let Some(condition) = &self.when
            && condition.holds(facts) != Some(true)
        {
            return None;
        }
        let mut bound = BTreeMap::new();
        for (name, text) in &self.params {
            let mut out = String::new();
            for piece in template::pieces(text).ok()? {
                match piece {
                    Piece::Text(text) => out.push_str(&text),
                    Piece::Reference(Reference::RowTarget) => out.push_str(&row.target),
                    Piece::Reference(Reference::RowFact(fact)) => out.push_str(&words(facts.get(fact.as_str())?)?),
                    Piece::Reference(_) | Piece::Quoted(..) => return None,
                }
            }
            let param = params.iter().find(|param| param.name == *name)?;
            bound.insert(name.clone(), param.bind(&out).ok()?.text);
        }
        Some(bound)
    }
}

/// A fact in words; a number that is none has none.
fn words(fact: &Fact) -> Option<String> {
    match fact {
        Fact::Bool(flag) => Some(flag.to_string()),
        Fact::Int(number) => Some(number.to_string()),
        Fact::Real(number) => number.is_finite().then(|| number.to_string()),
        Fact::Text(text) => Some(text.clone()),
    }
}

/// Reads the list of bindings.
pub fn read(tables: Vec<Table>, params: &[Param], problems: &mut Problems) -> Vec<ActsOn> {
    tables.into_iter().filter_map(|table| read_one(table, params, problems)).collect()
}

fn read_one(mut table: Table, params: &[Param], problems: &mut Problems) -> Option<ActsOn> {
    let at = table.entries.iter().find(|entry| entry.key == "row").map_or(table.at, |entry| entry.node.at);
    let row = table.required_text("row", problems).and_then(|word| kind(&word, at, problems));
    let when_at = table.entries.iter().find(|entry| entry.key == "when").map(|entry| entry.node.at);
    let when = table.text("when", problems).map(|text| Condition::on_a_row(&text));
    let bound = table.table("params", problems).unwrap_or_default();
    table.finish(problems);
    let when = match when.transpose() {
        Ok(when) => when,
        Err(why) => {
            problems.say(when_at.unwrap_or(at), format!("`when` cannot be read: {why}"));
            return None;
        }
    };
    let mut taken = BTreeMap::new();
    for entry in bound.entries {
        if !params.iter().any(|param| param.name == entry.key) {
            let message = format!("`{}` is not a parameter", entry.key.escape_debug());
            match nearest(&entry.key, params.iter().map(|param| param.name.as_str())) {
                Some(near) => problems.say_with(entry.at, message, format!("did you mean `{near}`?")),
                None => problems.say(entry.at, message),
            }
            continue;
        }
        template::check(&entry.node, Allowed::Row, &Known::default(), &mut BTreeSet::new(), problems);
        match entry.node {
            Node { value: Value::Text(text), .. } => {
                taken.insert(entry.key, text);
            }
            Node { value: Value::Int(number), .. } => {
                taken.insert(entry.key, number.to_string());
            }
            Node { at, value } => {
                problems.say(at, format!("`{}` must be text or a whole number, not {}", entry.key, value.kind()));
            }
        }
    }
    Some(ActsOn { row: row?, when, params: taken })
}

fn kind(word: &str, at: Place, problems: &mut Problems) -> Option<TargetKind> {
    let found = TargetKind::from_word(word);
    if found.is_none() {
        let known = TargetKind::ALL.map(TargetKind::word);
        let message = format!("there are no rows of the kind \"{}\"", word.escape_debug());
        let hint = nearest(word, known)
            .map_or_else(|| format!("one of {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
        problems.say_with(at, message, hint);
    }
    found
}
