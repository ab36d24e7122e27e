//! Steps: what a section of the file says, and the step of a plan that it becomes.
//!
//! What needs no parameter (verb, effect, times, gate) is read at once; title, actions and texts stay a table until
//! the parameters are bound.

mod belongs;
mod each;
mod ends;
pub(super) mod judged;
pub(super) mod keys;
mod notify;

use crate::config::reader::{Node, Place, Problems, Table, Value};
use crate::domain::{EffectClass, Order, Verb};
use crate::journal::record::Choice;
use crate::procedure::adapters::{Adapters, Purpose, Scope};
use crate::procedure::header::{is_word, place_of, span};
use crate::procedure::params::Bound;
use crate::procedure::plan::{Action, Gate, Limit, Step, UndoPlan, Until};
use crate::procedure::template::{self, IT};
pub(super) use belongs::is_step;
use belongs::{belongs, others, stand_in, unknown_keys, verb};
use each::Each;
use ends::read_undo;
use keys::{choice, effect, includes, limit, save, timeout, undo_fits};
use std::collections::BTreeMap;

/// When a check is killed that declares no `timeout`, in seconds.
const CHECK_TIMEOUT_S: u64 = 60;

/// When an act is killed that declares no `timeout`, in seconds; at least four times what it `takes`.
const DO_TIMEOUT_S: u64 = 3600;

/// The time limit of a notice without a `timeout`, in seconds; for all receivers together.
const NOTIFY_TIMEOUT_S: u64 = 60;

/// A step as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct RawStep {
    /// Where it begins.
    pub at: Place,
    /// Its phase.
    pub phase: String,
    /// Its id, with its place.
    pub id: Option<(Place, String)>,
    /// Its verb.
    pub verb: Verb,
    /// Its effect class: declared for `do`, read for the rest.
    pub effect: EffectClass,
    /// How long it should take, in seconds.
    pub takes_s: Option<u64>,
    /// When it is killed, in seconds.
    pub timeout_s: u64,
    /// What a failed check means.
    pub gate: Gate,
    /// The ceiling of its frozen set.
    pub limit: Option<(Place, Limit)>,
    /// Whether it may be repeated by itself.
    pub rerun_safe: bool,
    /// Whether a sign-off needs a note.
    pub note_required: bool,
    /// Whether the author asks for a second person.
    pub four_eyes: bool,
    /// The name under which what it reads is saved, with its place.
    pub save: Option<(Place, String)>,
    /// The ids of the steps whose undo it runs, each with its place.
    pub undo_of: Vec<(Place, String)>,
    /// Whether it is taken in every ending.
    pub always: bool,
    /// What may be chosen when it fails; all that apply where it is empty.
    pub on_fail: Vec<Choice>,
    /// The procedure that it includes, with its place.
    pub includes: Option<(Place, String)>,
    /// What it is taken for, one after another.
    pub each: Option<Each>,
    /// What is left: `title`, `when`, `until`, `why`, `on`, the verb, `prove`, `undo` and `params`, which may hold templates.
    pub rest: Table,
}

impl RawStep {
    /// Whether it has its place only among steps that are taken as listed.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.verb == Verb::Wait || self.rest.has("when")
    }

    /// Whether other procedures must be there for it: it includes one, or looks for a run of one.
    #[must_use]
    pub fn refers_to_others(&self) -> bool {
        let looks = |node: &Node| matches!(&node.value, Value::Table(table) if table.has("run"));
        self.includes.is_some() || self.rest.entries.iter().any(|entry| looks(&entry.node))
    }
}

/// Reads one section. In a checklist a check is a soft gate unless its author says that it is hard; otherwise it is hard
/// unless its author says that it is soft. What is wrong with it is a problem, and the step is as much as could be read.
pub fn read(phase: &str, mut table: Table, order: Order, problems: &mut Problems) -> RawStep {
    let at = table.at;
    let verb = verb(&table, problems);
    if let Some(verb) = verb {
        belongs(&table, verb, order, problems);
    }
    judged::read(&table, verb, problems);
    let each = each::read(&mut table, problems);
    let id_at = place_of(&table, "id");
    let id = table.text("id", problems).filter(|id| {
        if !is_word(id) {
            problems.add(id_at, "a step's `id` is made of lower-case letters, digits and `-`");
        }
        is_word(id)
    });
    let (declared, effect) = effect(&mut table, verb, problems);
    if let (Some(Verb::Do), Some(effect)) = (verb, declared) {
        undo_fits(&table, effect, problems);
    }
    let takes_s = span(&mut table, "takes", problems);
    let timeout_s = timeout(&mut table, verb, takes_s, problems);
    let gate = choice(&mut table, "gate", &[("hard", Gate::Hard), ("soft", Gate::Soft)], problems);
    let rerun = choice(&mut table, "rerun", &[("safe", true)], problems);
    let confirm = choice(&mut table, "confirm", &[("four-eyes", true)], problems);
    let limit_at = place_of(&table, "limit");
    let limit = table.table("limit", problems).and_then(|table| limit(table, problems));
    let note_required = table.table("sign", problems).is_some_and(|mut sign| {
        let note = choice(&mut sign, "note", &[("required", true), ("optional", false)], problems);
        sign.finish(problems);
        note.unwrap_or(false)
    });
    let save = save(&mut table, problems);
    let ends = ends::read(&mut table, order, problems);
    let includes = if verb == Some(Verb::Use) { includes(&mut table, problems) } else { None };
    unknown_keys(&table, problems);
    RawStep {
        at,
        phase: phase.to_owned(),
        id: id.map(|id| (id_at, id)),
        verb: verb.unwrap_or_else(|| stand_in(&table)),
        effect,
        takes_s,
        timeout_s,
        gate: gate.unwrap_or(if order == Order::Any || verb == Some(Verb::Notify) { Gate::Soft } else { Gate::Hard }),
        limit: limit.map(|limit| (limit_at, limit)),
        rerun_safe: rerun.unwrap_or(false),
        note_required,
        four_eyes: confirm.unwrap_or(false),
        save,
        undo_of: ends.undo_of,
        always: ends.always,
        on_fail: ends.on_fail,
        includes,
        each,
        rest: table,
    }
}

/// Makes the steps of a plan: one, or with `each` one for each item, under `id/item`. A `use` makes none.
pub fn make(
    raw: &RawStep,
    values: &BTreeMap<String, Bound>,
    root: Option<&str>,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> Vec<Step> {
    let Some(each) = &raw.each else { return one(raw, values, root, adapters, problems).into_iter().collect() };
    let mut steps = Vec::new();
    let mut values = values.clone();
    for item in each.items(&values, problems) {
        values.insert(IT.to_owned(), Bound::text(&item));
        let before = problems.count();
        let mut made = one(raw, &values, root, adapters, problems);
        if let Some(step) = &mut made {
            step.id = step.id.take().map(|id| format!("{id}/{item}"));
            step.save = step.save.take().map(|name| format!("{name}[{item}]"));
        }
        steps.extend(made);
        if problems.count() > before {
            // A mistake in one is in all, or is reported when this one is corrected.
            break;
        }
    }
    steps
}

/// Makes one step: fills the parameters in, and lets the adapters read the actions.
fn one(
    raw: &RawStep,
    values: &BTreeMap<String, Bound>,
    root: Option<&str>,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> Option<Step> {
    let mut rest = raw.rest.clone();
    rest.entries.iter().for_each(|entry| template::entries(&entry.node, values, problems));
    let when = judged::when(&mut rest, values, problems);
    let until = (raw.verb == Verb::Wait).then(|| judged::until(&mut rest, values, problems));
    let titled = rest.has("title");
    for entry in &mut rest.entries {
        entry.node = template::fill(&entry.node, values);
    }
    let title = title(raw, &mut rest, problems);
    let scope = Scope {
        root: root.map(str::to_owned),
        limit: raw.limit.as_ref().map(|(at, _)| *at),
        of: None,
        on: on(&mut rest, problems),
    };
    for verb in others(&rest, raw.verb) {
        problems.keys_only(|problems| action(&mut rest, verb.word(), Purpose::Read, &scope, adapters, problems));
    }
    let mut step = Step { when, until, ..plain(raw, title, why(&mut rest, problems)) };
    match raw.verb {
        Verb::Read => step.act = Some(action(&mut rest, "read", Purpose::Read, &scope, adapters, problems)?),
        Verb::Check => step.act = Some(action(&mut rest, "check", Purpose::Check, &scope, adapters, problems)?),
        Verb::Do => does(raw, &mut step, &mut rest, scope, adapters, problems)?,
        Verb::Manual => step.text = read_sentence(&mut rest, "manual", problems)?,
        Verb::Approve => step.text = read_sentence(&mut rest, "approve", problems)?,
        Verb::Notify => notify::make(&mut step, &mut rest, titled, adapters, problems)?,
        Verb::Wait => {
            // What is judged by its facts need not pass by itself.
            let passes = step.until.as_ref().is_none_or(Until::is_passed);
            let purpose = if passes { Purpose::Check } else { Purpose::Read };
            step.act = Some(action(&mut rest, "wait", purpose, &scope, adapters, problems)?);
        }
        // What it undoes is known when the plan is whole.
        Verb::UndoOf => {}
        Verb::Use => return None,
    }
    if let Some(action) = &step.act {
        step.timeout_s = step.timeout_s.max(adapters.least_s(action));
    }
    Some(step)
}

/// What a step is by its section alone, before its verb is read.
fn plain(raw: &RawStep, title: String, why: String) -> Step {
    Step {
        phase: raw.phase.clone(),
        id: raw.id.as_ref().map(|(_, id)| id.clone()),
        title,
        verb: raw.verb,
        effect: raw.effect,
        act: None,
        limit: raw.limit.as_ref().map(|(_, limit)| *limit),
        takes_s: raw.takes_s,
        timeout_s: raw.timeout_s,
        gate: raw.gate,
        prove: None,
        undo: UndoPlan::NotNeeded,
        rerun_safe: raw.rerun_safe,
        text: String::new(),
        note_required: raw.note_required,
        four_eyes: raw.four_eyes,
        why,
        save: raw.save.as_ref().map(|(_, name)| name.clone()),
        part: None,
        when: None,
        until: None,
        always: raw.always,
        on_fail: raw.on_fail.clone(),
        undo_of: raw.undo_of.iter().map(|(_, id)| id.clone()).collect(),
        receivers: Vec::new(),
    }
}

/// Reads a `do` with its proof and its undo.
fn does(
    raw: &RawStep,
    step: &mut Step,
    rest: &mut Table,
    mut scope: Scope,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> Option<()> {
    let at = place_of(rest, "do");
    let Some(act) = action(rest, "do", Purpose::Do, &scope, adapters, problems) else {
        // What proves it and what undoes it cannot be judged without it.
        return problems.keys_only(|problems| {
            action(rest, "prove", Purpose::Prove, &scope, adapters, problems);
            read_undo(rest, &scope, adapters, problems);
            None
        });
    };
    if raw.effect < act.least {
        let (declared, least) = (raw.effect.word(), act.least.word());
        problems.add(at, format!("this is at least `{least}`, and the step declares `{declared}`"));
    }
    scope.of = Some(act);
    if rest.has("prove") {
        step.prove = action(rest, "prove", Purpose::Prove, &scope, adapters, problems);
    }
    if raw.effect > EffectClass::Read {
        step.undo = read_undo(rest, &scope, adapters, problems)?;
    }
    step.act = scope.of;
    Some(())
}

/// The target that the step works on.
fn on(rest: &mut Table, problems: &mut Problems) -> Option<(Place, String)> {
    let at = place_of(rest, "on");
    let name = rest.has("on").then(|| rest.text("on", problems)).flatten()?;
    if name.trim().is_empty() {
        problems.add(at, "`on` must name a target");
        return None;
    }
    Some((at, name))
}

fn why(rest: &mut Table, problems: &mut Problems) -> String {
    let at = place_of(rest, "why");
    let text = rest.has("why").then(|| rest.text("why", problems)).flatten();
    if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
        problems.add(at, "`why` must not be empty");
    }
    text.unwrap_or_default()
}

fn title(raw: &RawStep, rest: &mut Table, problems: &mut Problems) -> String {
    let at = place_of(rest, "title");
    match rest.take("title") {
        None if raw.verb == Verb::Notify => "Notify".to_owned(),
        None if raw.verb == Verb::Use => String::new(),
        None => {
            problems.add(raw.at, "`title` is missing");
            String::new()
        }
        Some(Node { value: Value::Text(text), .. }) if !text.trim().is_empty() => text,
        Some(Node { value: Value::Int(number), .. }) => number.to_string(),
        Some(_) => {
            problems.add(at, "`title` must be text that is not empty");
            String::new()
        }
    }
}

fn read_sentence(rest: &mut Table, key: &'static str, problems: &mut Problems) -> Option<String> {
    let node = rest.take(key)?;
    match node.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text),
        Value::Text(_) => {
            problems.add(node.at, format!("`{key}` must not be empty"));
            None
        }
        other => {
            problems.add(node.at, format!("`{key}` must be text, not {}", other.kind()));
            None
        }
    }
}

fn action(
    rest: &mut Table,
    key: &'static str,
    purpose: Purpose,
    scope: &Scope,
    adapters: &dyn Adapters,
    problems: &mut Problems,
) -> Option<Action> {
    let at = place_of(rest, key);
    let mut table = rest.table(key, problems)?;
    let action = adapters.parse(purpose, &mut table, scope, problems)?;
    if matches!(purpose, Purpose::Read | Purpose::Check | Purpose::Prove) && action.least > EffectClass::Read {
        let message = format!("`{key}` must only read, and `{}` is at least `{}`", action.line, action.least.word());
        match action.adapter.as_str() {
            "exec" => {
                problems.add_with_hint(
                    at,
                    message,
                    "a program that only reads can be named in the estate's `trusted_reads`",
                );
            }
            _ => problems.add(at, message),
        }
        return None;
    }
    Some(action)
}
