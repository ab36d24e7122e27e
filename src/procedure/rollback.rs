//! The rollback, as a file says it: `rollback` in the header, and what `undo_of` and `rollback` name.
//!
//! ```toml
//! rollback = { on_fail = "ask", to = "prepare", prove = ["healthy"] }
//! [[finish]]
//! title   = "Bring service back"
//! undo_of = ["page-on"]
//! always  = true
//! ```

use crate::config::reader::{Place, Problems, Table, Value, nearest};
use crate::domain::{EffectClass, Order, Verb};
use crate::procedure::header::{Header, place_of};
use crate::procedure::plan::{OnFail, Rollback, Step, UndoPlan};
use crate::procedure::steps::RawStep;
use crate::procedure::steps::keys::choice;
use std::collections::BTreeSet;

/// `rollback` as the header has it, each name with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct RawRollback {
    /// Its place.
    pub at: Place,
    /// What a failed step leads to.
    pub on_fail: OnFail,
    /// The earliest phase whose steps are undone.
    pub to: Option<(Place, String)>,
    /// The checks that prove that all is ok.
    pub prove: Vec<(Place, String)>,
}

impl RawRollback {
    /// The same in a plan.
    pub(super) fn planned(&self) -> Rollback {
        Rollback {
            on_fail: self.on_fail,
            to: self.to.as_ref().map(|(_, phase)| phase.clone()),
            prove: self.prove.iter().map(|(_, id)| id.clone()).collect(),
        }
    }
}

/// Takes `rollback` out of the header.
pub(super) fn rollback(table: &mut Table, problems: &mut Problems) -> Option<RawRollback> {
    let at = place_of(table, "rollback");
    let mut inner = table.table("rollback", problems)?;
    let words = [("ask", OnFail::Ask), ("rollback", OnFail::Rollback)];
    let on_fail = choice(&mut inner, "on_fail", &words, problems).unwrap_or_default();
    let to_at = place_of(&inner, "to");
    let to = inner.text("to", problems).map(|phase| (to_at, phase));
    let prove = inner.texts("prove", problems).unwrap_or_default();
    inner.finish(problems);
    Some(RawRollback { at, on_fail, to, prove })
}

/// Says everything wrong with what `undo_of` and `rollback` name.
pub(super) fn check(header: &Header, steps: &[RawStep], problems: &mut Problems) {
    for (place, step) in steps.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for (at, id) in &step.undo_of {
            if !seen.insert(id.as_str()) {
                problems.add(*at, format!("`{}` is named twice", id.escape_debug()));
            } else {
                named_undo(*at, id, place, steps, problems);
            }
        }
    }
    let Some(rollback) = &header.rollback else { return };
    if header.order == Order::Any {
        problems.add(rollback.at, "a checklist keeps no order, and so has no `rollback`");
    }
    if let Some((at, phase)) = &rollback.to
        && !header.phases.iter().any(|(_, known)| known == phase)
    {
        let message = format!("`to` names no phase: there is no `{}`", phase.escape_debug());
        add_with_nearest(*at, message, phase, header.phases.iter().map(|(_, name)| name.as_str()), problems);
    }
    for (at, id) in &rollback.prove {
        match find(id, steps) {
            None => unknown_id(*at, id, steps, problems),
            Some((_, step)) if step.verb != Verb::Check => {
                let word = step.verb.word();
                problems.add(*at, format!("`{}` is a `{word}`, and only a `check` can prove", id.escape_debug()));
            }
            Some(_) => {}
        }
    }
}

/// Whether an id names a step before this one that can be undone.
fn named_undo(at: Place, id: &str, place: usize, steps: &[RawStep], problems: &mut Problems) {
    let shown = id.escape_debug();
    match find(id, steps) {
        None => unknown_id(at, id, steps, problems),
        Some((found, _)) if found == place => problems.add(at, format!("`{shown}` is this step itself")),
        Some((found, _)) if found > place => {
            problems.add(at, format!("`{shown}` comes later: only earlier steps can be undone here"));
        }
        Some((_, step)) if !has_undo(step) => {
            problems.add(at, format!("`{shown}` has no undo, so there is nothing to undo"));
        }
        Some(_) => {}
    }
}

fn find<'a>(id: &str, steps: &'a [RawStep]) -> Option<(usize, &'a RawStep)> {
    steps.iter().enumerate().find(|(_, step)| step.id.as_ref().is_some_and(|(_, own)| own == id))
}

fn has_undo(step: &RawStep) -> bool {
    let undo = step.rest.entries.iter().find(|entry| entry.key == "undo");
    undo.is_some_and(|entry| matches!(&entry.node.value, Value::Table(undo) if !undo.has("none")))
}

fn unknown_id(at: Place, id: &str, steps: &[RawStep], problems: &mut Problems) {
    let known = steps.iter().filter_map(|step| step.id.as_ref()).map(|(_, id)| id.as_str());
    add_with_nearest(at, format!("no step has the id `{}`", id.escape_debug()), id, known, problems);
}

fn add_with_nearest<'a>(
    at: Place,
    message: String,
    word: &str,
    known: impl Iterator<Item = &'a str>,
    problems: &mut Problems,
) {
    match nearest(word, known) {
        Some(near) => problems.add_with_hint(at, message, format!("did you mean `{near}`?")),
        None => problems.add(at, message),
    }
}

/// Whether a step of a plan is the one that an id names, or one of those that its `each` made.
#[must_use]
pub fn is_named(step: &Step, id: &str) -> bool {
    let Some(own) = step.id.as_deref() else { return false };
    own.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Lets every `undo_of` of a plan say what it undoes, of which class that is, and how long it should take.
pub(super) fn link(steps: &mut [Step]) {
    for place in 0..steps.len() {
        let Some((before, from)) = steps.split_at_mut_checked(place) else { return };
        let Some(step) = from.first_mut().filter(|step| step.verb == Verb::UndoOf) else { continue };
        let named: Vec<&Step> =
            before.iter().filter(|other| step.undo_of.iter().any(|id| is_named(other, id))).collect();
        let least = |other: &&Step| if let UndoPlan::Undo(action) = &other.undo { Some(action.least) } else { None };
        step.effect = named.iter().filter_map(least).max().unwrap_or(EffectClass::Change).max(EffectClass::Change);
        let takes = named.iter().try_fold(0_u64, |sum, other| sum.checked_add(other.takes_s?));
        step.takes_s = takes.filter(|takes| *takes > 0);
        let titles: Vec<&str> = named.iter().rev().map(|other| other.title.as_str()).collect();
        step.text = format!("undoes, where it was done: {}", titles.join("; "));
    }
}
