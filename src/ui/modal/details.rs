//! Dialogs that only tell: help, a step, an error.

use super::body::Body;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::{ACTIONS, Action, Context};
use crate::config::theme::Role;
use crate::domain::{Clean, Error, Listing, Verb, Wall, quantity};
use crate::journal::record::{Outcome, StepHead};
use crate::ui::panes::run;
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;

/// The keys of the context in which help was asked for, then of all others.
pub(super) fn help(pen: Pen<'_>, snapshot: &Snapshot<'_>, context: Context, scroll: u16, width: usize) -> Dialog {
    let near = context.stack();
    let far = Context::ALL.into_iter().filter(|other| !near.contains(other));
    let mut body = Vec::new();
    if let Some(remark) = snapshot.remark {
        body.extend(pen.sentence(Role::UiMuted, remark.to_owned(), width));
        body.push(Strip::new().line());
    }
    let any = |context: &Context| ACTIONS.iter().any(|entry| entry.context == *context);
    for context in near.iter().copied().chain(far).filter(any) {
        let place = match context {
            Context::Global => "everywhere",
            Context::List => "in lists",
            Context::Checklist => "in the checklist",
            Context::Run => "in the run",
            Context::Log => "in the log",
            Context::Prompt => "in a question, outside its text field",
            Context::Note => "in a note",
        };
        body.push(Strip::new().gap(1).put(pen.style(Role::UiTitle), place).line());
        for entry in ACTIONS.iter().filter(|entry| entry.context == context) {
            let barred = snapshot.read_only && entry.action.acts();
            let (key, text) = if barred { (Role::UiMuted, Role::UiMuted) } else { (Role::UiKey, Role::UiText) };
            let keys = Clean::text(&snapshot.keymap.all_shown(entry.action));
            let above = keys.width() > 17;
            let mut strip = Strip::new().gap(2).put(pen.style(key), keys);
            if above {
                // Many keys have a row of their own.
                body.push(std::mem::take(&mut strip).line());
            }
            let strip = strip.to(19);
            let doc = if barred { format!("read-only, so not here: {}", entry.doc) } else { entry.doc.to_owned() };
            // Its words go on below, behind the keys.
            let lines = pen.sentence(text, doc, width.saturating_sub(19));
            body.extend(lines.into_iter().enumerate().map(|(place, mut line)| {
                let before = if place == 0 { strip.clone() } else { Strip::new().gap(19) };
                line.spans.splice(0..0, before.line().spans);
                line
            }));
        }
        body.push(Strip::new().line());
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Help")), (Role::UiMuted, Piece::Words("what each key does"))]),
        body: body.into(),
        keys: vec![(Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

pub(super) fn step(pen: Pen<'_>, snapshot: &Snapshot<'_>, number: u32, scroll: u16, width: usize) -> Dialog {
    let mut body: Vec<Line<'static>> = Vec::new();
    let mut heading = format!("step {}", number + 1);
    if let Some(step) = snapshot.run.view.as_ref().and_then(|run| run.step(number)) {
        heading = format!("step {} · {}", number + 1, step.head.title);
        let (role, word) = run::state(snapshot, number, step);
        let mut say = |name, role, text: String| body.extend(pen.fact(name, role, text, width));
        let time = run::step_time(snapshot, step);
        say("state", role, format!("{} {word} · {time}", pen.symbol(role).plain()));
        let (verb, effect) = (step.head.verb, step.head.effect);
        say("kind", Role::from(effect), format!("{} · {}", verb.word(), effect.word()));
        say("does", Role::UiText, does(&step.head));
        if !step.head.why.is_empty() {
            say("why", Role::UiText, step.head.why.clone());
        }
        if let Some(when) = &step.head.when {
            say("only when", Role::UiText, when.clone());
        }
        let back = if step.head.way_back.is_empty() { "nothing to take back" } else { &step.head.way_back };
        say("way back", Role::UiText, back.to_owned());
        if let Some((who, typed)) = &step.confirmed {
            say("said yes", Role::UiText, format!("{}@{}, typing: {typed}", who.name, who.host));
        }
        if let Some(set) = &step.set {
            say("set", Role::UiText, format!("sha256 {set}"));
        }
        if let Some(started) = step.started {
            let ended = step.ended.map_or_else(|| "–".to_owned(), Wall::clock);
            say("from, to", Role::UiText, format!("{} – {ended}, attempt {}", started.clock(), step.attempts));
        }
        if let Some(ended) = &step.outcome {
            outcome(&mut say, "outcome", ended);
        }
        if let Some(undone) = &step.undo {
            outcome(&mut say, "undo", undone);
        }
        if let Some(remark) = &step.remark {
            say("remark", Role::UiText, remark.clone());
        }
        if let Some(log) = &step.log {
            say("log", Role::UiText, format!("logs/{log}"));
        }
        if let Some(listing) = &step.head.listing {
            say("runs", Role::UiText, listing.title());
            body.extend(listing.numbered().flat_map(|line| pen.verbatim(Role::UiText, &line, width)));
        }
        let mut say = |name, role, text: String| body.extend(pen.fact(name, role, text, width));
        for note in snapshot.run.view.iter().flat_map(|run| &run.notes).filter(|note| note.step == Some(number)) {
            let text = note.text.replace('\n', " / ");
            say("note", Role::UiText, format!("{} {}: {text}", note.at.clock(), note.by.name));
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
    let until = head.until.as_ref().map(|until| format!("waits until {until}"));
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

fn outcome(say: &mut impl FnMut(&'static str, Role, String), name: &'static str, outcome: &Outcome) {
    say(name, Role::UiText, format!("{}: {}", outcome.ending.word(), outcome.detail));
    let figures: Vec<String> = outcome
        .counts
        .iter()
        .map(|(name, count)| match name.as_str() {
            "bytes" => quantity::bytes(*count),
            other => format!("{other} {}", quantity::count(*count)),
        })
        .collect();
    if !figures.is_empty() {
        say("counts", Role::UiText, figures.join(" · "));
    }
    if let Some(log) = outcome.log.as_ref().filter(|log| log.dropped > 0) {
        say("log", Role::VerdictWarn, format!("{} were not kept", quantity::bytes(log.dropped)));
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
