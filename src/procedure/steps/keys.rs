//! The keys beside a step's verb that need no parameter.

use crate::config::reader::{Place, Problems, Table};
use crate::domain::quantity::{parse_bytes, parse_share};
use crate::domain::{EffectClass, Verb};
use crate::procedure::header::{place_of, span};
use crate::procedure::plan::Limit;
use crate::procedure::steps::{CHECK_TIMEOUT_S, DO_TIMEOUT_S, NOTIFY_TIMEOUT_S};
use crate::procedure::template;

/// The name under which what is read is saved.
pub(super) fn save(table: &mut Table, problems: &mut Problems) -> Option<(Place, String)> {
    let at = place_of(table, "save");
    let name = table.text("save", problems)?;
    if !template::is_name(&name) || matches!(name.as_str(), "run" | "row" | template::IT) {
        let shown = name.escape_debug();
        problems.add(at, format!("`{shown}` cannot name what is saved: use lower-case letters, digits and `_`"));
        return None;
    }
    Some((at, name))
}

/// The id of the procedure that a `use` includes; its steps have titles of their own.
pub(super) fn includes(table: &mut Table, problems: &mut Problems) -> Option<(Place, String)> {
    for key in ["title", "id"] {
        if let Some(entry) = table.entries.iter().find(|entry| entry.key == key) {
            problems.add(entry.at, format!("`{key}` belongs to the steps of what is included, not to `use`"));
        }
    }
    let at = place_of(table, "use");
    let id = table.text("use", problems)?;
    if id.contains("{{") {
        problems.add(at, "`use` names a procedure as it is: it cannot hold a reference");
        return None;
    }
    Some((at, id))
}

/// The effect that is declared, where it is one, and the one that counts.
pub(super) fn effect(
    table: &mut Table,
    verb: Option<Verb>,
    problems: &mut Problems,
) -> (Option<EffectClass>, EffectClass) {
    if verb == Some(Verb::Do) && !table.has("effect") {
        problems.add(table.at, "`do` must declare its `effect`: \"read\", \"change\" or \"destroy\"");
    }
    let words = EffectClass::ALL.map(|class| (class.word(), class));
    let declared = choice(table, "effect", &words, problems);
    let counts = match verb {
        Some(Verb::Do) => declared.unwrap_or(EffectClass::Destroy),
        Some(Verb::UndoOf) => EffectClass::Change,
        Some(_) => EffectClass::Read,
        None => declared.unwrap_or(EffectClass::Read),
    };
    (declared, counts)
}

pub(super) fn undo_fits(table: &Table, effect: EffectClass, problems: &mut Problems) {
    match (table.has("undo"), effect) {
        (true, EffectClass::Read) => {
            problems.add(place_of(table, "undo"), "a step that only reads has nothing to undo");
        }
        (false, EffectClass::Change | EffectClass::Destroy) => {
            let message = format!("a `{}` must say how it is undone: `undo` is missing", effect.word());
            problems.add_with_hint(table.at, message, "an action of the same adapter, or `{ none = \"the reason\" }`");
        }
        _ => {}
    }
}

pub(super) fn timeout(table: &mut Table, verb: Option<Verb>, takes_s: Option<u64>, problems: &mut Problems) -> u64 {
    let at = place_of(table, "timeout");
    let takes = takes_s.unwrap_or(0);
    match span(table, "timeout", problems) {
        Some(timeout) if timeout < takes => {
            problems.add(at, "`timeout` is shorter than what the step `takes`");
            timeout
        }
        Some(timeout) => timeout,
        None => match verb {
            Some(Verb::Check | Verb::Read) => CHECK_TIMEOUT_S.max(takes.saturating_mul(4)),
            Some(Verb::Notify) => NOTIFY_TIMEOUT_S,
            Some(Verb::Do) => DO_TIMEOUT_S.max(takes.saturating_mul(4)),
            _ => 0,
        },
    }
}

/// One of some words.
pub(in crate::procedure) fn choice<T: Copy>(
    table: &mut Table,
    key: &'static str,
    words: &[(&'static str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let at = place_of(table, key);
    let word = table.text(key, problems)?;
    let found = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        problems.add(at, format!("`{key}` must be {}, not \"{}\"", known.join(" or "), word.escape_debug()));
    }
    found
}

pub(super) fn limit(mut table: Table, problems: &mut Problems) -> Option<Limit> {
    let at = table.at;
    let given = table.entries.len();
    let share = table.parsed("share", "a share such as \"40%\"", problems, parse_share).map(Limit::Share);
    let bytes = table.parsed("bytes", "a size such as \"2GiB\"", problems, parse_bytes).map(Limit::Bytes);
    let count_at = place_of(&table, "count");
    let count = table.int("count", problems).and_then(|count| {
        let count = u64::try_from(count).ok();
        if count.is_none() {
            problems.add(count_at, "`count` must not be negative");
        }
        count.map(Limit::Count)
    });
    table.finish(problems);
    if given != 1 {
        problems.add(at, "`limit` must have exactly one of `share`, `count`, `bytes`");
    }
    share.or(bytes).or(count)
}
