//! `when` and `until`: conditions that the run judges.

use crate::config::reader::{Node, Place, Problems, Table, Value};
use crate::domain::Verb;
use crate::procedure::condition::{self, Condition, Operand};
use crate::procedure::params::Bound;
use crate::procedure::plan::Until;
use crate::procedure::template::{self, Allowed, Known};
use std::collections::{BTreeMap, BTreeSet};

/// The word of an `until` that goes by the check itself.
const PASSED: &str = "passed";

/// The key of a condition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Under {
    When,
    Until,
}

impl Under {
    fn of(key: &str) -> Option<Self> {
        match key {
            "when" => Some(Self::When),
            "until" => Some(Self::Until),
            _ => None,
        }
    }

    /// The condition itself, without the span that it must hold.
    fn text(self, text: &str) -> &str {
        match self {
            Self::When => text,
            Self::Until => condition::split_for(text).0,
        }
    }
}

/// Checks what the texts say, before anything is bound, and that a `wait` has its time.
pub(super) fn read(table: &Table, verb: Option<Verb>, problems: &mut Problems) {
    for entry in &table.entries {
        let Some(under) = Under::of(&entry.key) else { continue };
        let Value::Text(text) = &entry.node.value else {
            problems.add(entry.node.at, format!("`{}` must be text, not {}", entry.key, entry.node.value.kind()));
            continue;
        };
        let text = under.text(text);
        if under == Under::Until && text == PASSED {
            continue;
        }
        if let Err(why) = Condition::parse(text) {
            let message = format!("`{}` cannot be read: {why}", entry.key);
            match under {
                Under::When => problems.add(entry.node.at, message),
                Under::Until => {
                    problems.add_with_hint(entry.node.at, message, "such as \"value == 0 for 30s\", or \"passed\"");
                }
            }
        }
    }
    if verb == Some(Verb::Wait) && !table.has("timeout") {
        problems.add_with_hint(table.at, "a `wait` needs its `timeout`", "such as timeout = \"20m\"");
    }
}

/// Checks what a condition refers to; whether `key` is that of one.
pub(in crate::procedure) fn check(
    key: &str,
    node: &Node,
    known: &Known<'_>,
    used: &mut BTreeSet<String>,
    problems: &mut Problems,
) -> bool {
    let (Some(under), Value::Text(text)) = (Under::of(key), &node.value) else { return false };
    let Ok(read) = Condition::parse(under.text(text)) else { return true };
    for operand in read.operands() {
        let Some(name) = name_of(under, operand) else { continue };
        match template::reference(name) {
            Ok(to) => template::check_one(node, &to, Allowed::ParamsAndSaved, known, used, problems),
            Err(why) => problems.add(node.at, why),
        }
    }
    true
}

/// The reference that an operand is: under `when` every name is one, under `until` a bare one is a fact of the look.
fn name_of(under: Under, operand: &Operand) -> Option<&str> {
    match operand {
        Operand::Reference(name) => Some(name),
        Operand::Fact(name) if under == Under::When => Some(name),
        Operand::Fact(_) | Operand::Literal(_) => None,
    }
}

/// Takes a condition out, with what the plan knows in the place of its references.
fn bound(
    under: Under,
    text: &str,
    at: Place,
    values: &BTreeMap<String, Bound>,
    problems: &mut Problems,
) -> Option<String> {
    let read = Condition::parse(text).ok()?;
    let found = read.bound(|operand| match name_of(under, operand) {
        Some(name) => template::value_of(name, values).map(Some),
        None => Ok(None),
    });
    found.map(|condition| condition.to_string()).map_err(|why| problems.add(at, why)).ok()
}

fn take(rest: &mut Table, key: &'static str) -> Option<(Place, String)> {
    let node = rest.take(key)?;
    if let Value::Text(text) = node.value { Some((node.at, text)) } else { None }
}

/// Takes `when` out.
pub(super) fn when(rest: &mut Table, values: &BTreeMap<String, Bound>, problems: &mut Problems) -> Option<String> {
    let (at, text) = take(rest, "when")?;
    bound(Under::When, &text, at, values, problems)
}

/// Takes `until` out; without one a wait is over when its check passes.
pub(super) fn until(rest: &mut Table, values: &BTreeMap<String, Bound>, problems: &mut Problems) -> Until {
    let passed = Until { condition: PASSED.to_owned(), for_s: 0 };
    let Some((at, text)) = take(rest, "until") else { return passed };
    let (text, for_s) = condition::split_for(&text);
    if text == PASSED {
        return Until { for_s, ..passed };
    }
    let condition = bound(Under::Until, text, at, values, problems);
    condition.map_or(passed, |condition| Until { condition, for_s })
}

impl Until {
    /// Whether it goes by the check itself, and not by what is seen.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.condition == PASSED
    }

    /// In words: `value is 0 for 30 s`, `it passes`.
    #[must_use]
    pub fn words(&self) -> String {
        let what = if self.is_passed() { "it passes" } else { &self.condition };
        let what = if self.is_passed() { what.to_owned() } else { condition::in_words(what) };
        match self.for_s {
            0 => what,
            seconds => format!("{what} for {}", crate::domain::quantity::span(std::time::Duration::from_secs(seconds))),
        }
    }
}
