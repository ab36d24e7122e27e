//! The keys that say how a step ends: `undo`, `undo_of`, `always`, `on_fail`.

use crate::config::reader::{Place, Problems, Table};
use crate::domain::Order;
use crate::journal::record::Choice;
use crate::procedure::adapters::{Adapters, Purpose, Scope};
use crate::procedure::header::place_of;
use crate::procedure::plan::UndoPlan;

/// What `on_fail` may offer.
const CHOICES: [Choice; 4] = [Choice::Retry, Choice::Rollback, Choice::Skip, Choice::Hold];

/// What a section says of its step's end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ends {
    /// The ids of the steps whose undo it runs, each with its place.
    pub(super) undo_of: Vec<(Place, String)>,
    /// Whether it is taken in every ending.
    pub(super) always: bool,
    /// What may be chosen when it fails.
    pub(super) on_fail: Vec<Choice>,
}

/// Takes the three keys out. A checklist keeps no order, and so has none of them.
pub(super) fn read(table: &mut Table, order: Order, problems: &mut Problems) -> Ends {
    if order == Order::Any {
        for key in ["undo_of", "always", "on_fail"] {
            if let Some(node) = table.take(key) {
                problems.add(node.at, format!("a checklist keeps no order, and so has no `{key}`"));
            }
        }
        return Ends::default();
    }
    let at = place_of(table, "undo_of");
    let undo_of = table.texts("undo_of", problems);
    if undo_of.as_ref().is_some_and(Vec::is_empty) {
        problems.add(at, "`undo_of` must name at least one step");
    }
    let always = table.bool("always", problems).unwrap_or(false);
    Ends { undo_of: undo_of.unwrap_or_default(), always, on_fail: on_fail(table, problems) }
}

fn on_fail(table: &mut Table, problems: &mut Problems) -> Vec<Choice> {
    let list_at = place_of(table, "on_fail");
    let Some(words) = table.texts("on_fail", problems) else { return Vec::new() };
    if words.is_empty() {
        problems.add(list_at, "`on_fail` must offer at least one choice");
    }
    let mut choices = Vec::new();
    for (at, word) in words {
        match CHOICES.into_iter().find(|choice| choice.word() == word) {
            Some(choice) if choices.contains(&choice) => {
                problems.add(at, format!("`on_fail` offers \"{word}\" twice"));
            }
            Some(choice) => choices.push(choice),
            None => {
                let known: Vec<String> = CHOICES.iter().map(|choice| format!("\"{}\"", choice.word())).collect();
                let shown = word.escape_debug();
                problems.add(at, format!("`on_fail` offers {}, not \"{shown}\"", known.join(", ")));
            }
        }
    }
    choices
}

/// How an act is undone.
pub(super) fn read_undo(
    rest: &mut Table,
    scope: &Scope,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> Option<UndoPlan> {
    let at = place_of(rest, "undo");
    let mut table = rest.table("undo", problems)?;
    if table.has("none") {
        let reason_at = place_of(&table, "none");
        let reason = table.text("none", problems);
        table.finish(problems);
        let reason = reason?;
        if reason.trim().is_empty() {
            problems.add(reason_at, "`none` must give the reason");
        }
        return Some(UndoPlan::None(reason));
    }
    let undo = adapters.parse(Purpose::Undo, &mut table, scope, problems)?;
    let of = scope.of.as_ref().map(|act| act.adapter.as_str());
    if of != Some(undo.adapter.as_str()) {
        problems.add(at, format!("`undo` must use the adapter of `do`, not `{}`", undo.adapter));
        return None;
    }
    Some(UndoPlan::Undo(undo))
}
