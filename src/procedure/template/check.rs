//! Checks references before anything is filled in.

use crate::config::reader::{Node, Problems, Value, nearest};
use crate::procedure::params::Bound;
use crate::procedure::template::{IT, Index, Piece, Reference, pieces};
use std::collections::{BTreeMap, BTreeSet};

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
    /// What of that is saved for each item by itself.
    pub each: BTreeSet<&'a str>,
    /// Whether there is an item at hand.
    pub it: bool,
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
                        (true, false) => problems.add(node.at, "`|ident` and `|literal` belong into the text of `sql`"),
                        (false, true) => {
                            let hint = "`{{name|ident}}` for a name, `{{name|literal}}` for a value";
                            problems.add_with_hint(node.at, "inside SQL every reference must be quoted", hint);
                        }
                        _ => {}
                    }
                    check_one(node, &to, allowed, known, used, problems);
                }
            }
            Err(why) => problems.add(node.at, why),
        },
        Value::List(items) => items.iter().for_each(|item| check(item, allowed, known, used, problems)),
        Value::Table(table) => {
            table.entries.iter().for_each(|entry| check(&entry.node, allowed, known, used, problems));
        }
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_) => {}
    }
}

/// Checks one reference.
pub(in crate::procedure) fn check_one(
    node: &Node,
    to: &Reference,
    allowed: Allowed,
    known: &Known<'_>,
    used: &mut BTreeSet<String>,
    problems: &mut Problems,
) {
    let takes_saved = matches!(allowed, Allowed::ParamsAndRun | Allowed::InSql | Allowed::ParamsAndSaved);
    if of_each(node, to, allowed, known, problems) {
        return;
    }
    match (to, allowed) {
        (Reference::Param(name) | Reference::SavedFact(name, _) | Reference::Entry(name, ..), _)
            if allowed != Allowed::Row && known.saved.contains(name.as_str()) =>
        {
            if !takes_saved {
                problems.add(node.at, format!("`{{{{{name}}}}}` is read by the run, and not known here yet"));
            }
        }
        (Reference::SavedFact(name, _) | Reference::Entry(name, _, Some(_)), _) if allowed != Allowed::Row => {
            let message = format!("nothing is saved as `{name}` before this");
            match nearest(name, known.saved.iter().copied()) {
                Some(near) => problems.add_with_hint(node.at, message, format!("did you mean `{near}`?")),
                None => problems.add(node.at, message),
            }
        }
        (Reference::Param(name) | Reference::Entry(name, _, None), _) if allowed != Allowed::Row => {
            if known.params.contains(name.as_str()) {
                used.insert(name.clone());
                return;
            }
            let message = format!("`{{{{{name}}}}}` is not a parameter");
            match nearest(name, known.params.iter().chain(&known.saved).copied()) {
                Some(near) => problems.add_with_hint(node.at, message, format!("did you mean `{near}`?")),
                None => problems.add(node.at, message),
            }
        }
        (Reference::RunId | Reference::RunDir, Allowed::ParamsAndRun | Allowed::InSql)
        | (Reference::RowTarget | Reference::RowFact(_), Allowed::Row) => {}
        (Reference::RunId | Reference::RunDir, _) => {
            problems.add(node.at, "`{{run.…}}` is known only inside an action");
        }
        (Reference::RowTarget | Reference::RowFact(_), _) => {
            problems.add(node.at, "`{{row.…}}` is known only in the `params` of `acts_on`");
        }
        (Reference::Param(_) | Reference::SavedFact(..) | Reference::Entry(..), _) => {
            problems.add(node.at, "only `{{row.target}}` and `{{row.facts.…}}` are known here");
        }
    }
}

/// Checks what a reference says of the item at hand; whether it is that item itself, or wrong, so that nothing is left to check.
fn of_each(node: &Node, to: &Reference, allowed: Allowed, known: &Known<'_>, problems: &mut Problems) -> bool {
    let needs_it =
        matches!(to, Reference::Entry(_, Index::It, _)) || matches!(to, Reference::Param(name) if name == IT);
    if needs_it && (!known.it || allowed == Allowed::Row) {
        problems.add(node.at, "`it` is known only in a step that has `each`");
        return true;
    }
    let whole = match to {
        Reference::Param(name) | Reference::SavedFact(name, _) => known.each.contains(name.as_str()).then_some(name),
        _ => None,
    };
    if let Some(name) = whole {
        let hint = format!("`{{{{{name}[it].fact}}}}` in a step that has `each`, or `{{{{{name}[word].fact}}}}`");
        problems.add_with_hint(node.at, format!("`{name}` was read for each by itself"), hint);
        return true;
    }
    matches!(to, Reference::Param(name) if name == IT)
}

/// Says which entries that are referred to below a node no parameter has.
pub fn entries(node: &Node, values: &BTreeMap<String, Bound>, problems: &mut Problems) {
    match &node.value {
        Value::Text(text) => {
            for piece in pieces(text).unwrap_or_default() {
                if let Piece::Reference(to) | Piece::Quoted(to, _) = piece
                    && let Err(why) = entry_is_there(&to, values)
                {
                    problems.add(node.at, why);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| entries(item, values, problems)),
        Value::Table(table) => table.entries.iter().for_each(|entry| entries(&entry.node, values, problems)),
        _ => {}
    }
}

/// Whether an entry of a parameter that is referred to is there; what will be saved may have any.
///
/// # Errors
/// The sentence that names the parameter and the entry.
pub(in crate::procedure) fn entry_is_there(to: &Reference, values: &BTreeMap<String, Bound>) -> Result<(), String> {
    let Reference::Entry(name, index, _) = to else { return Ok(()) };
    let (Some(bound), Some(key)) = (values.get(name), index.key(values)) else { return Ok(()) };
    if bound.is_saved() || bound.entry(&key).is_some() {
        return Ok(());
    }
    Err(format!("the parameter `{name}` has no entry `{}`", key.escape_debug()))
}
