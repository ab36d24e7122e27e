//! Dialogs that only tell: help, a row, a step, an error.

use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::{ACTIONS, Action, Context};
use crate::app::model::TargetId;
use crate::config::theme::Role;
use crate::domain::{Clean, Error, Fact, quantity};
use crate::journal::record::Outcome;
use crate::ui::panes::{rows, run};
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};
use crate::ui::widgets::spark::spark;
use ratatui::text::Line;
use std::time::Duration;

/// The keys of the context in which help was asked for, then of all others.
pub(super) fn help(pen: Pen<'_>, snapshot: &Snapshot<'_>, context: Context, scroll: u16, width: usize) -> Dialog {
    let near = context.stack();
    let far = Context::ALL.into_iter().filter(|other| !near.contains(other));
    let mut body = Vec::new();
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
            let strip =
                Strip::new().gap(2).put_within(17, pen.style(key), snapshot.keymap.all_shown(entry.action)).to(20);
            let room = width.saturating_sub(21);
            let doc = if barred { format!("read-only, so not here: {}", entry.doc) } else { entry.doc.to_owned() };
            body.push(strip.put_within(room, pen.style(text), doc).line());
        }
        body.push(Strip::new().line());
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Help")), (Role::UiMuted, Piece::Words("what each key does"))]),
        body,
        keys: vec![(Action::Down, "scrolls"), (Action::PageDown, "a page"), (Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

pub(super) fn row(pen: Pen<'_>, snapshot: &Snapshot<'_>, target: &TargetId, scroll: u16, width: usize) -> Dialog {
    let now = snapshot.now.wall;
    let mut body: Vec<Line<'static>> = Vec::new();
    if let Some(row) = snapshot.lists.row(target) {
        let (role, word) = rows::standing(row, now);
        let says = format!("{} {word}: {}", pen.symbol(role).plain(), rows::says(row, now));
        body.extend(pen.sentence(role, says, width));
        body.extend(pen.fact("kind", Role::UiText, row.kind.word(), width));
        body.extend(pen.fact("source", Role::UiText, &row.source, width));
        body.extend(pen.fact("every", Role::UiText, quantity::span(row.every), width));
        if let Some((why, at)) = &row.lost {
            body.extend(pen.fact("lost", Role::VerdictUnknown, format!("{} · {why}", at.clock()), width));
        }
        if let Some(seen) = &row.observation {
            let age = quantity::age(now.since(seen.observed_at));
            body.extend(pen.fact("read", Role::UiText, format!("{} · {age}", seen.observed_at.clock()), width));
            if !row.history.is_empty() {
                let bars = spark(&row.history, width.saturating_sub(12), pen.glyph("u", "a") == "u");
                body.extend(pen.fact("history", Role::Graph1, bars, width));
            }
            for (name, fact) in &seen.facts {
                let strip = Strip::new().gap(1).put_within(22, pen.style(Role::UiMuted), Clean::text(name)).to(24);
                body.push(
                    strip.put_within(width.saturating_sub(25), pen.style(Role::UiText), figure(name, fact)).line(),
                );
            }
        }
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::from(target.name.clone()))]),
        body,
        keys: vec![(Action::Act, "offers what can act on it"), (Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}

/// A fact with the unit that its name tells.
fn figure(name: &str, fact: &Fact) -> String {
    match fact {
        Fact::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Fact::Int(number) => match u64::try_from(*number) {
            Ok(number) if name.ends_with("_bytes") => quantity::bytes(number),
            Ok(number) if name.ends_with("_s") => quantity::span(Duration::from_secs(number)),
            Ok(number) if name.ends_with("_ms") => quantity::latency(Duration::from_millis(number)),
            Ok(number) => quantity::count(number),
            Err(_) => number.to_string(),
        },
        Fact::Real(figure) if name.ends_with("_ratio") => format!("{:.1} %", figure * 100.0),
        Fact::Real(figure) => format!("{figure:.2}"),
        Fact::Text(text) => text.clone(),
    }
}

pub(super) fn step(pen: Pen<'_>, snapshot: &Snapshot<'_>, number: u32, scroll: u16, width: usize) -> Dialog {
    let mut body: Vec<Line<'static>> = Vec::new();
    let mut heading = format!("step {}", number + 1);
    if let Some(step) = snapshot.run.view.as_ref().and_then(|run| run.step(number)) {
        heading = format!("step {} · {}", number + 1, step.head.title);
        let (role, word) = run::state(snapshot, number, step);
        let mut say = |name, role, text: String| body.extend(pen.fact(name, role, text, width));
        let time = run::time(step, snapshot.now.wall);
        say("state", role, format!("{} {word} · {time}", pen.symbol(role).plain()));
        let (verb, effect) = (step.head.verb.word(), step.head.effect);
        say("does", Role::from(effect), format!("{verb} · {}", effect.word()));
        let back = if step.head.way_back.is_empty() { "nothing to take back" } else { &step.head.way_back };
        say("way back", Role::UiText, back.to_owned());
        if let Some((who, typed)) = &step.confirmed {
            say("said yes", Role::UiText, format!("{}@{}, typing: {typed}", who.name, who.host));
        }
        if let Some(set) = &step.set {
            say("set", Role::UiText, format!("sha256 {set}"));
        }
        if let Some(started) = step.started {
            let ended = step.ended.map_or_else(|| "–".to_owned(), crate::domain::Wall::clock);
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
        for note in snapshot.run.view.iter().flat_map(|run| &run.notes).filter(|note| note.step == Some(number)) {
            let text = note.text.replace('\n', " / ");
            say("note", Role::UiText, format!("{} {}: {text}", note.at.clock(), note.by.name));
        }
    }
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::from(heading))]),
        body,
        keys: vec![(Action::Log, "its log"), (Action::Note, "note"), (Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
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

pub(super) fn notice(pen: Pen<'_>, error: &Error, scroll: u16, width: usize) -> Dialog {
    let mut body = pen.sentence(Role::UiText, &error.message, width);
    for hint in &error.hints {
        body.extend(pen.fact("try", Role::UiText, hint, width));
    }
    Dialog {
        title: title(pen, [(Role::VerdictCritical, Piece::Words("Not done"))]),
        body,
        keys: vec![(Action::Back, "goes back")],
        scroll,
        ..Dialog::default()
    }
}
