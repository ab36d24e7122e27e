//! Which rows a procedure is offered from, and what it takes from them.
//!
//! A binding's `when` is a condition on the row's facts (`condition`). Where it is unknown, nothing is offered.

use crate::config::reader::{Node, Place, Problems, Table, Value, nearest};
use crate::domain::{Fact, Row, TargetKind};
use crate::procedure::condition::{Condition, Unmet};
use crate::procedure::params::Param;
use crate::procedure::template::{self, Allowed, Known, Piece, Reference};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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

/// Why a binding does not apply to a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// It is for rows of another kind.
    Kind,
    /// The row was never read.
    Unread,
    /// Its condition does not hold, or is unknown: in each alternative, the tests that fail.
    Condition(Vec<Vec<Unmet>>),
    /// A parameter takes a fact that the row does not have.
    Missing(String),
    /// A parameter refuses what the row says; the sentence names the parameter.
    Parameter(String),
    /// A parameter's text refers to what no row has.
    Reference(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("is for rows of another kind"),
            Self::Unread => f.write_str("needs a reading, and there is none yet"),
            Self::Condition(alternatives) => {
                f.write_str("needs ")?;
                for (at, tests) in alternatives.iter().enumerate() {
                    f.write_str(if at > 0 { " or " } else { "" })?;
                    for (at, unmet) in tests.iter().enumerate() {
                        write!(f, "{}{unmet}", if at > 0 { " and " } else { "" })?;
                    }
                }
                Ok(())
            }
            Self::Missing(fact) => write!(f, "needs {fact}, which is not known of this row"),
            Self::Parameter(why) => write!(f, "cannot take this row: {why}"),
            Self::Reference(name) => write!(f, "cannot take its parameter `{name}` from a row"),
        }
    }
}

impl ActsOn {
    /// The parameters that this binding takes from a row.
    ///
    /// # Errors
    /// Why it does not apply; what it needs and nothing knows is a reason, too.
    pub fn bind(&self, row: &Row, params: &[Param]) -> Result<BTreeMap<String, String>, Refusal> {
        if row.kind != self.row {
            return Err(Refusal::Kind);
        }
        let facts = &row.observation.as_ref().ok_or(Refusal::Unread)?.facts;
        if let Some(condition) = self.when.as_ref().filter(|condition| condition.holds(facts) != Some(true)) {
            return Err(Refusal::Condition(condition.unmet(facts)));
        }
        self.take(row, params)
    }

    /// The same regardless of its condition: the parameters of a run on this row, from when it still applied.
    ///
    /// # Errors
    /// As [`ActsOn::bind`], but for the condition.
    pub fn take(&self, row: &Row, params: &[Param]) -> Result<BTreeMap<String, String>, Refusal> {
        if row.kind != self.row {
            return Err(Refusal::Kind);
        }
        let facts = &row.observation.as_ref().ok_or(Refusal::Unread)?.facts;
        let mut bound = BTreeMap::new();
        for (name, text) in &self.params {
            let unreadable = || Refusal::Reference(name.clone());
            let mut out = String::new();
            for piece in template::pieces(text).map_err(|_| unreadable())? {
                match piece {
                    Piece::Text(text) => out.push_str(&text),
                    Piece::Reference(Reference::RowTarget) => out.push_str(&row.target),
                    Piece::Reference(Reference::RowFact(fact)) => {
                        let known = facts.get(fact.as_str()).and_then(words);
                        out.push_str(&known.ok_or(Refusal::Missing(fact))?);
                    }
                    Piece::Reference(_) | Piece::Quoted(..) => return Err(unreadable()),
                }
            }
            let param = params.iter().find(|param| param.name == *name).ok_or_else(unreadable)?;
            bound.insert(name.clone(), param.bind(&out).map_err(Refusal::Parameter)?.text);
        }
        Ok(bound)
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
            problems.add(when_at.unwrap_or(at), format!("`when` cannot be read: {why}"));
            return None;
        }
    };
    let mut taken = BTreeMap::new();
    for entry in bound.entries {
        if !params.iter().any(|param| param.name == entry.key) {
            let message = format!("`{}` is not a parameter", entry.key.escape_debug());
            match nearest(&entry.key, params.iter().map(|param| param.name.as_str())) {
                Some(near) => problems.add_with_hint(entry.at, message, format!("did you mean `{near}`?")),
                None => problems.add(entry.at, message),
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
                problems.add(at, format!("`{}` must be text or a whole number, not {}", entry.key, value.kind()));
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
        problems.add_with_hint(at, message, hint);
    }
    found
}

#[cfg(test)]
mod tests;
