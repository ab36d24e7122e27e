//! A procedure as a Markdown page for a change request: every step with its effect, its times, its gate and its undo.
//!
//! Each line is a sentence or a name with its value, so that the page can be read aloud. The confirmation is shown as the runner
//! will ask for it; a count that only the preview knows is `N`.

mod fills;
mod words;

use crate::domain::{EffectClass, Order, Verb, quantity};
use crate::procedure::condition::in_words;
use crate::procedure::header::Procedure;
use crate::procedure::params::Param;
use crate::procedure::plan::{Action, Gate, Limit, OnFail, Plan, Step, UndoPlan, WindowUse};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;
use words::{code, codes, sentence, text};

/// How an action's confirmation is typed, `N` for the count; `None` where only the preview knows.
pub type Phrase<'a> = &'a dyn Fn(&Action) -> Option<String>;

/// Writes the page. `open` are the parameters that are not given, each with what the page shows for it.
#[must_use]
pub fn page(procedure: &Procedure, plan: &Plan, open: &BTreeMap<String, String>, phrase: Phrase<'_>) -> String {
    let mut out = String::new();
    head(&mut out, procedure, plan);
    params(&mut out, procedure, plan, open);
    write_rollback(&mut out, plan);
    let mut phase = "";
    for (number, step) in plan.steps.iter().enumerate() {
        if step.phase != phase {
            phase = &step.phase;
            let _ = writeln!(out, "\n## Phase {}", text(phase));
        }
        let _ = writeln!(out, "\n### Step {}. {}\n", number + 1, text(&step.title));
        body(&mut out, plan, step, phrase);
    }
    out
}

fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "- {name}: {value}");
}

fn head(out: &mut String, procedure: &Procedure, plan: &Plan) {
    let _ = writeln!(out, "# {}\n", text(&plan.title));
    if !plan.purpose.is_empty() {
        let _ = writeln!(out, "{}\n", sentence(&plan.purpose));
    }
    line(out, "Procedure", &code(&plan.id));
    line(out, "File", &format!("SHA-256 {}", code(plan.source.as_str())));
    line(out, "Estate", &format!("{}, {}", text(&plan.estate), plan.environment));
    if !procedure.owner.is_empty() {
        line(out, "Owner", &text(&procedure.owner));
    }
    if let Some(reviewed) = procedure.reviewed {
        let every = procedure.review_every_s.map(|every| format!(", every {}", seconds(every))).unwrap_or_default();
        line(out, "Reviewed", &format!("{reviewed}{every}"));
    }
    match &plan.window {
        Some(WindowUse::Any) => line(out, "Window", "any maintenance window"),
        Some(WindowUse::Named(name)) => line(out, "Window", &text(name)),
        Some(WindowUse::Operation { environment, operation }) => {
            let of = environment.as_ref().map_or(String::new(), |name| format!(" of {}", text(name)));
            line(out, "Window", &format!("any{of} that allows {}", text(operation)));
        }
        None => {}
    }
    if let Some(run) = plan.budget.run_s {
        line(out, "Budget", &seconds(run));
    }
    if let Some(undo) = plan.budget.undo_s {
        line(out, "Rollback budget", &seconds(undo));
    }
    if !plan.locks.is_empty() {
        line(out, "Locks", &codes(&plan.locks));
    }
    if let Some(root) = &plan.root {
        line(out, "Nothing leaves", &code(root));
    }
    for (id, digest) in &plan.uses {
        line(out, "Includes", &format!("{}, SHA-256 {}", code(id), code(digest.as_str())));
    }
    let acts = plan.steps.iter().filter(|step| step.effect > EffectClass::Read);
    let (changes, destroys): (Vec<&Step>, Vec<&Step>) = acts.partition(|step| step.effect == EffectClass::Change);
    let steps = quantity::counted(plan.steps.len() as u64, "step", "steps");
    let of = |class: &[&Step], one: &str, many: &str| match class.len() {
        0 => String::new(),
        1 => format!(", 1 of them {one}"),
        more => format!(", {more} of them {many}"),
    };
    let effects = format!("{}{}", of(&changes, "changes", "change"), of(&destroys, "destroys", "destroy"));
    let effects = if effects.is_empty() { ", all only read".to_owned() } else { effects };
    line(out, "Steps", &format!("{steps}{effects}"));
    let takes: u64 = plan.steps.iter().filter_map(|step| step.takes_s).sum();
    if takes > 0 {
        line(out, "Declared time", &format!("{} in all", seconds(takes)));
    }
    if plan.order == Order::Any {
        line(out, "Order", "a checklist: every item of a phase is open at once");
    }
}

fn params(out: &mut String, procedure: &Procedure, plan: &Plan, open: &BTreeMap<String, String>) {
    if plan.params.is_empty() {
        return;
    }
    out.push_str("\n## Parameters\n\n");
    for (name, value) in &plan.params {
        let param = procedure.params.iter().find(|param| param.name == *name);
        let accepts = param.map(Param::accepts).map(|accepts| format!(" ({})", text(&accepts))).unwrap_or_default();
        let value = match open.get(name) {
            Some(shown) => format!("asked before step 1; this page shows {}", code(shown)),
            None => code(value),
        };
        let help = param.map(|param| param.help.as_str()).filter(|help| !help.is_empty());
        let help = help.map(|help| format!(": {}", text(help))).unwrap_or_default();
        line(out, &code(name), &format!("{value}{accepts}{help}"));
    }
}

fn write_rollback(out: &mut String, plan: &Plan) {
    let Some(rollback) = &plan.rollback else { return };
    out.push_str("\n## Rollback\n\n");
    let asked = match rollback.on_fail {
        OnFail::Ask => "a person decides",
        OnFail::Rollback => "it begins by itself",
    };
    line(out, "When a step fails", asked);
    let to = rollback.to.as_ref().map_or("the first phase".to_owned(), |phase| format!("the phase {}", text(phase)));
    line(out, "Undone", &format!("what ran, last first, to {to}, itself included"));
    if !rollback.prove.is_empty() {
        line(out, "Proven then by", &codes(&rollback.prove));
    }
}

fn body(out: &mut String, plan: &Plan, step: &Step, phrase: Phrase<'_>) {
    let _ = writeln!(out, "{}\n", lead(step));
    let what = step.act.as_ref().map(|act| format!("{}: {}", text(&act.adapter), code(&act.line)));
    if let Some(what) = what {
        line(out, "What", &what);
    }
    if let Some(listing) = step.listing() {
        line(out, "Runs", &text(&listing.title()));
        out.push_str(&words::block(&listing.text));
    }
    if !step.text.is_empty() {
        line(out, "Text", &text(&step.text));
    }
    if !step.why.is_empty() {
        line(out, "Why", &text(&step.why));
    }
    if let Some(part) = &step.part {
        line(out, "Part of", &code(part));
    }
    if let Some(when) = &step.when {
        line(out, "Taken only when", &text(&in_words(when)));
    }
    if let Some(until) = &step.until {
        let held = if until.for_s > 0 { format!(", for {}", seconds(until.for_s)) } else { String::new() };
        line(out, "Until", &format!("{}{held}", text(&in_words(&until.condition))));
    }
    let place = plan.steps.iter().position(|other| std::ptr::eq(other, step)).unwrap_or(plan.steps.len());
    for (reference, by) in fills::open(plan, place, step) {
        line(out, "Filled in by the run", &fills::line(&reference, &by));
    }
    if !step.undo_of.is_empty() {
        line(out, "Undoes", &codes(&step.undo_of));
    }
    if !step.receivers.is_empty() {
        line(out, "Receivers", &codes(&step.receivers));
    }
    if let Some(save) = &step.save {
        line(out, "Saved as", &code(save));
    }
    if let Some(limit) = step.limit {
        line(out, "Refused above", &ceiling(limit));
    }
    if let Some(takes) = step.takes_s {
        line(out, "Takes", &format!("about {}", seconds(takes)));
    }
    if step.act.is_some() && step.timeout_s > 0 {
        line(out, "Stopped after", &seconds(step.timeout_s));
    }
    judged(out, step);
    if let Some(asked) = confirmation(plan, step, phrase) {
        line(out, "Confirmation", &asked);
    }
    write_undo(out, step);
}

/// How it is undone, and whether every ending takes it.
fn write_undo(out: &mut String, step: &Step) {
    match &step.undo {
        UndoPlan::NotNeeded => {}
        UndoPlan::None(reason) => line(out, "Undo", &format!("none: {}", text(reason))),
        UndoPlan::Undo(undo) => line(out, "Undo", &code(&undo.line)),
    }
    if step.always {
        line(out, "Taken in every ending", "after success, failure and abort alike");
    }
}

/// Gate, proof, sign-off, and what a failure leads to.
fn judged(out: &mut String, step: &Step) {
    match (step.verb, step.gate) {
        (Verb::Check | Verb::Wait, Gate::Hard) => {
            line(out, "Gate", "hard: a failure or an unknown answer stops the run");
        }
        (Verb::Check | Verb::Wait, Gate::Soft) => {
            line(out, "Gate", "soft: after a failure a person writes a note and goes on");
        }
        _ => {}
    }
    if let Some(prove) = &step.prove {
        line(out, "Proven by", &code(&prove.line));
    }
    if step.note_required {
        line(out, "Sign-off", "needs a note");
    }
    if step.rerun_safe {
        line(out, "Unknown outcome", "repeated by itself, which is safe here");
    }
    if !step.on_fail.is_empty() {
        let words: Vec<String> = step.on_fail.iter().map(|choice| choice.word().to_owned()).collect();
        line(out, "On failure", &words.join(", "));
    }
}

/// What kind of step it is, as the first sentence.
fn lead(step: &Step) -> &'static str {
    match (step.verb, step.effect) {
        (Verb::Read, _) => "**Read.** It fetches facts and changes nothing.",
        (Verb::Check, _) => "**Check.** It looks and judges, and changes nothing.",
        (Verb::Wait, _) => "**Wait.** It looks again and again until it is so.",
        (Verb::Do, EffectClass::Read) => "**Do, read.** It changes nothing.",
        (Verb::Do, EffectClass::Change) => "**Do, change.** It changes something.",
        (Verb::Do, EffectClass::Destroy) => "**Do, destroy.** It destroys something.",
        (Verb::UndoOf, _) => "**Undo.** It undoes what earlier steps did.",
        (Verb::Manual, _) => "**Manual.** A person acts and signs.",
        (Verb::Approve, _) => "**Approve.** Approval by a second person.",
        (Verb::Notify, _) => "**Notify.** A notice is recorded.",
        (Verb::Use, _) => "**Use.** Includes another procedure.",
    }
}

fn confirmation(plan: &Plan, step: &Step, phrase: Phrase<'_>) -> Option<String> {
    let act = step.act.as_ref().filter(|_| step.verb == Verb::Do)?;
    let irreversible = !matches!(step.undo, UndoPlan::Undo(_));
    let four_eyes =
        step.four_eyes || (plan.environment == "production" && step.effect == EffectClass::Destroy && irreversible);
    let second = if four_eyes { "; a second person approves" } else { "" };
    match step.effect {
        EffectClass::Read => None,
        EffectClass::Change => {
            Some(format!("the key {}, or the word {} in plain prompts{second}", code("c"), code("change")))
        }
        EffectClass::Destroy => Some(match phrase(act) {
            Some(phrase) if phrase.split(' ').any(|word| word == "N") => {
                format!("type {}, with the count that the prompt shows for N{second}", code(&phrase))
            }
            Some(phrase) => format!("type {}{second}", code(&phrase)),
            None => format!("type the phrase that the prompt shows{second}"),
        }),
    }
}

fn ceiling(limit: Limit) -> String {
    match limit {
        Limit::Share(share) => format!("{} of what is looked at", quantity::limit(share)),
        Limit::Count(count) => quantity::counted(count, "object", "objects"),
        Limit::Bytes(bytes) => quantity::bytes(bytes),
    }
}

fn seconds(seconds: u64) -> String {
    quantity::span(Duration::from_secs(seconds))
}
