//! Which verbs there are, and which key belongs to which.

use crate::config::reader::{Entry, Problems, Table};
use crate::domain::{Order, Verb};
use crate::procedure::keys;

const VERBS: [Verb; 9] =
    [Verb::Read, Verb::Check, Verb::Wait, Verb::Do, Verb::UndoOf, Verb::Manual, Verb::Approve, Verb::Notify, Verb::Use];

/// The verb by which the rest of a step is read that has none or several, so that as much as possible of it is checked.
pub(super) fn stand_in(table: &Table) -> Verb {
    let has = |verb: &Verb| table.has(verb.word());
    [Verb::Do].into_iter().chain(VERBS).find(has).unwrap_or(Verb::Manual)
}

/// The verbs of a step beside the one that it is read by: only where it has several.
pub(super) fn others(table: &Table, verb: Verb) -> impl Iterator<Item = Verb> + use<> {
    let found: Vec<Verb> = VERBS.into_iter().filter(|other| *other != verb && table.has(other.word())).collect();
    found.into_iter()
}

/// Whether a table is meant for a step: it has a title or a verb.
pub(crate) fn is_step(table: &Table) -> bool {
    table.has("title") || VERBS.into_iter().any(|verb| table.has(verb.word()))
}

/// Finds the one verb.
pub(super) fn verb(table: &Table, problems: &mut Problems) -> Option<Verb> {
    let at = table.at;
    let found: Vec<Verb> = VERBS.into_iter().filter(|verb| table.has(verb.word())).collect();
    match found.as_slice() {
        [verb] => Some(*verb),
        [] => {
            let words = VERBS.map(|verb| format!("`{}`", verb.word()));
            problems.add(at, format!("a step needs one verb of {}", words.join(", ")));
            None
        }
        many => {
            let words: Vec<_> = many.iter().map(|verb| format!("`{}`", verb.word())).collect();
            problems.add(at, format!("a step has exactly one verb, not {}", words.join(" and ")));
            None
        }
    }
}

pub(super) fn belongs(table: &Table, verb: Verb, order: Order, problems: &mut Problems) {
    let listed = |entry: &&Entry| order == Order::Any && matches!(entry.key.as_str(), "wait" | "when");
    if let Some(entry) = table.entries.iter().find(listed) {
        let message =
            format!("`{}` belongs to a procedure whose steps are taken as listed, not to a checklist", entry.key);
        problems.add_with_hint(entry.at, message, "an item's `check` is looked at again each minute while it is open");
    }
    for entry in &table.entries {
        let Some(verbs) = keys::belongs(&entry.key) else { continue };
        if !verbs.contains(&verb) {
            let words: Vec<_> = verbs.iter().map(|verb| format!("`{}`", verb.word())).collect();
            problems.add(
                entry.at,
                format!("`{}` belongs to {}, and this step is a `{}`", entry.key, words.join(" or "), verb.word()),
            );
        }
    }
}

/// Reports keys that no step has; those that wait for the parameters are known.
pub(super) fn unknown_keys(table: &Table, problems: &mut Problems) {
    let mut left = table.clone();
    for key in ["title", "why", "on", "prove", "undo", "params", "when", "until", "message"] {
        left.take(key);
    }
    for verb in VERBS {
        left.take(verb.word());
    }
    left.finish(problems);
}
