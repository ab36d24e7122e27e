//! Dialogs that only tell: a step, an error.

use super::body::Body;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::config::theme::Role;
use crate::domain::{Error, Listing, Verb, Wall, quantity};
use crate::journal::answer::consent_words;
use crate::journal::fold::StepView;
use crate::journal::record::{Outcome, StepHead};
use crate::procedure::condition::in_words;
use crate::ui::panes::run;
use crate::ui::pen::Pen;
use crate::ui::text::Piece;
use ratatui::text::Line;

/// What stands for the run's id in a text that was written before the run was.
pub(super) const RUN_ID: &str = "<run id>";

/// A time behind a state; none of what has none.
fn time_behind(time: &str) -> String {
    if time == "–" { String::new() } else { format!(" · {time}") }
}

/// When a step ran, and in which attempt: what a person does has none.
fn from_to(step: &StepView) -> Option<String> {
    let ended = step.ended.map_or_else(|| "–".to_owned(), Wall::clock);
    let attempt = if step.attempts > 0 { format!(", attempt {}", step.attempts) } else { String::new() };
    Some(format!("{} – {ended}{attempt}", step.started?.clock()))
}

pub(super) fn step(pen: Pen<'_>, snapshot: &Snapshot<'_>, number: u32, scroll: u16, width: usize) -> Dialog {
    let mut body: Vec<Line<'static>> = Vec::new();
    let mut heading = format!("step {}", number + 1);
    let run_id = snapshot.run.view.as_ref().map(|run| run.id.to_string()).unwrap_or_default();
    if let Some(step) = snapshot.run.view.as_ref().and_then(|run| run.step(number)) {
        heading = format!("step {} · {}", number + 1, step.head.title);
        let (role, word) = run::state(snapshot, number, step);
        let mut describe = |name, role, text: String| body.extend(pen.fact(name, role, text, width));
        let time = run::step_time(snapshot, step);
        describe("state", role, format!("{} {word}{}", pen.symbol(role).plain(), time_behind(&time)));
        let (verb, effect) = (step.head.verb, step.head.effect);
        describe("kind", Role::from(effect), format!("{} · {}", verb.word(), effect.word()));
        describe("does", Role::UiText, does(&step.head));
        if !step.head.why.is_empty() {
            describe("why", Role::UiText, step.head.why.clone());
        }
        if let Some(when) = &step.head.when {
            describe("only when", Role::UiText, in_words(when));
        }
        let back = if step.head.undo.is_empty() { "nothing to undo" } else { &step.head.undo };
        describe("undo", Role::UiText, back.replace(RUN_ID, &run_id));
        if let Some((who, typed)) = &step.confirmed {
            describe("confirmed", Role::UiText, format!("by {}@{}, {}", who.name, who.host, consent_words(typed, who)));
        }
        if let Some(set) = &step.set {
            describe("set", Role::UiText, format!("sha256 {set}"));
        }
        if let Some(span) = from_to(step) {
            describe("from, to", Role::UiText, span);
        }
        if let Some(ended) = &step.outcome {
            outcome(&mut describe, "outcome", ended);
        }
        if let Some(undone) = &step.undo {
            outcome(&mut describe, if step.failed_undo().is_none() { "undone" } else { "undo ended" }, undone);
        }
        if let Some(remark) = step.remark.as_ref().filter(|remark| !remark.trim().is_empty()) {
            describe("remark", Role::UiText, remark.clone());
        }
        for log in &step.logs {
            describe("log", Role::UiText, format!("logs/{}", log.file));
        }
        if let Some(listing) = &step.head.listing {
            describe("runs", Role::UiText, listing.title());
            body.extend(listing.numbered().flat_map(|line| pen.verbatim(Role::UiText, &line, width)));
        }
        let mut render = |name, role, text: String| body.extend(pen.fact(name, role, text, width));
        for note in snapshot.run.view.iter().flat_map(|run| &run.notes).filter(|note| note.step == Some(number)) {
            let text = note.text.replace('\n', " / ");
            render("note", Role::UiText, format!("{} {}: {text}", note.at.clock(), note.by.name));
        }
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::from(heading))]),
        body: body.into(),
        keys: vec![(Action::Log, "its log"), (Action::Note, "note"), (Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

/// What a step does, in words: its own line, what it waits for, or at least what its verb means.
fn does(head: &StepHead) -> String {
    let what = head.what.trim();
    let until = head.until.as_ref().map(|until| format!("waits until {}", in_words(until)));
    let all: Vec<String> = (!what.is_empty()).then(|| what.to_owned()).into_iter().chain(until).collect();
    if !all.is_empty() {
        return all.join("; ");
    }
    match head.verb {
        Verb::Read => "looks, and saves what it saw",
        Verb::Check => "looks, and fails where something is not as it should be",
        Verb::Do => "acts; its prompt says on what",
        Verb::Wait => "looks again and again until something holds",
        Verb::Manual => "waits until a person has done it and signs it off",
        Verb::Approve => "waits for a second person's approval",
        Verb::Notify => "sends a notice",
        Verb::UndoOf => "undoes earlier steps",
        Verb::Use => "includes another procedure",
    }
    .to_owned()
}

fn outcome(describe: &mut impl FnMut(&'static str, Role, String), name: &'static str, outcome: &Outcome) {
    describe(name, Role::UiText, format!("{}: {}", outcome.ending.word(), outcome.detail));
    let figures: Vec<String> = outcome
        .counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| match name.as_str() {
            "bytes" => quantity::bytes(*count),
            other => format!("{} {}", other.replace('_', " "), quantity::count(*count)),
        })
        .collect();
    if !figures.is_empty() {
        describe("counts", Role::UiText, figures.join(" · "));
    }
    if let Some(log) = outcome.log.as_ref().filter(|log| log.dropped > 0) {
        describe("log", Role::VerdictWarn, format!("{} were not kept", quantity::bytes(log.dropped)));
    }
}

/// The complete text of what a prompt would run; a line that is wider than the dialog goes on below.
pub(super) fn script(pen: Pen<'_>, listing: &Listing, scroll: u16, width: usize) -> Dialog {
    let mut body = Body::default();
    listing.numbered().for_each(|line| body.line(pen.verbatim(Role::UiText, &line, width)));
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Runs")), (Role::UiText, Piece::from(listing.title()))]),
        body,
        keys: vec![(Action::Back, "goes back to the prompt"), (Action::Open, "frozen set")],
        scroll,
        must_read: true,
        ..Dialog::default()
    }
}

pub(super) fn notice(pen: Pen<'_>, error: &Error, scroll: u16, width: usize) -> Dialog {
    let mut body = pen.sentence(Role::UiText, &error.message, width);
    for hint in &error.hints {
        body.extend(pen.fact("try", Role::UiText, hint, width));
    }
    Dialog {
        title: title(pen, [(Role::VerdictCritical, Piece::Words("Not done"))]),
        body: body.into(),
        keys: vec![(Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}
