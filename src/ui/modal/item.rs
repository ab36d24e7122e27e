//! One item of a checklist, large: what it is, why, what is known of it, who closed it, and what may be done with it now.
//!
//! ```text
//! ┏ ☐ OPEN ━━ Weekly window checklist ━━ during · item 4 of 7 ━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ Rotated logs were archived                                                        ┃
//! ┃                                                                                   ┃
//! ┃ what      a run of cell0/archive-logs that ended well within 12 h                 ┃
//! ┃ why       Follow the procedure instead of the memory of it                        ┃
//! ┃ seen      02:41:07 · 2 m ago: no run of cell0/archive-logs is here                ┃
//! ┃                                                                                   ┃
//! ┃ Press  Enter  to look again now. What is seen closes it.                          ┃
//! ┗ Enter look  m by hand  s skip  N note  j next  k before  Esc back ━━━━━━━━━━━━━━━━┛
//! ```

use super::body::Body;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::ItemDialog;
use crate::app::panes::checklist as pane;
use crate::config::theme::Role;
use crate::domain::{EffectClass, Verb, quantity};
use crate::journal::fold::{ItemState, ItemView, RunView};
use crate::journal::item::{ItemAction, fits, may_do};
use crate::ui::panes::checklist::{state, who};
use crate::ui::panes::run::of_another;
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;

/// The most notes that are shown; the newest stay.
const NOTES: usize = 4;

/// The most of a note that is shown, in columns: what stands here must be whole on a small screen.
const NOTE: usize = 240;

pub(super) fn item(pen: Pen<'_>, snapshot: &Snapshot<'_>, dialog: &ItemDialog, width: usize) -> Dialog {
    let Some((list, item)) = snapshot.checklist.view().zip(pane::item(snapshot.checklist, dialog)) else {
        return Dialog {
            title: title(pen, [(Role::UiTitle, Piece::Words("Item"))]),
            body: pen.sentence(Role::UiMuted, "This checklist is no longer followed.", width).into(),
            keys: vec![(Action::Back, "goes back")],
            ..Dialog::default()
        };
    };
    let (mut head, mut body) = (Body::default(), Body::default());
    head.push(Strip::new().line());
    head.line(pen.sentence(Role::UiTitle, &item.title, width));
    head.push(Strip::new().line());
    about(pen, &item, width).into_iter().for_each(|rows| body.line(rows));
    known(pen, snapshot, &item, width, &mut body);
    notes(pen, list, &item, width).into_iter().for_each(|rows| body.line(rows));
    body.push(Strip::new().line());
    Dialog {
        title: of_another(pen, heading(pen, list, &item), snapshot, list),
        role: Some(if snapshot.read_only { Role::UiFocus } else { Role::UiPrompt }),
        head,
        body,
        foot: foot(pen, snapshot, dialog, list, &item, width),
        hint: Some(dialog.hint.clone().unwrap_or_default()),
        keys: keys(snapshot, list, &item),
        scroll: dialog.scroll,
        must_read: !snapshot.read_only,
        ..Dialog::default()
    }
}

fn heading(pen: Pen<'_>, list: &RunView, item: &ItemView) -> Strip {
    let (symbol, role, word) = state(pen, list, item);
    let word = format!("{} {}", symbol.plain(), word.to_uppercase());
    let place = format!("{} · item {} of {}", item.phase, item.step + 1, list.steps.len());
    title(
        pen,
        [
            (role, Piece::from(word)),
            (Role::UiText, Piece::from(crate::domain::Clean::text(&list.title).cut(32))),
            (Role::UiText, Piece::from(place)),
        ],
    )
}

/// What it is and why.
fn about(pen: Pen<'_>, item: &ItemView, width: usize) -> Vec<Vec<Line<'static>>> {
    let mut lines = Vec::new();
    if !item.what.is_empty() {
        lines.push(pen.fact("what", Role::UiText, &item.what, width));
    }
    if !item.why.is_empty() {
        lines.push(pen.fact("why", Role::UiText, &item.why, width));
    }
    if let Some(part) = &item.part {
        lines.push(pen.fact("part of", Role::UiMuted, part, width));
    }
    if item.effect > EffectClass::Read {
        let text = format!("{}; it asks before it acts", item.effect.word());
        lines.push(pen.fact("does", Role::from(item.effect), text, width));
    }
    if item.hard {
        lines.push(pen.fact(
            "gate",
            Role::UiText,
            "hard: only evidence closes it, or an override by another person than the starter",
            width,
        ));
    }
    lines
}

/// What was seen, and who closed it.
fn known(pen: Pen<'_>, snapshot: &Snapshot<'_>, item: &ItemView, width: usize, body: &mut Body) {
    let seen = item.evidence.as_ref().map(|evidence| evidence.seen).or(item.at);
    if let (Some(passed), Some(seen)) = (item.passed, seen) {
        let role = if passed { Role::VerdictOk } else { Role::VerdictWarn };
        let age = match quantity::age(snapshot.now.wall.since(seen)).as_str() {
            "now" => "just now".to_owned(),
            age => format!("{age} ago"),
        };
        let word = if passed { "passed" } else { "not passed" };
        let text = format!("{word} · {} · {age}: {}", seen.clock(), item.evidence_line());
        // Its age goes on, and it is the same evidence.
        body.known(("evidence", passed, seen.clock(), item.evidence_line()), pen.fact("evidence", role, text, width));
    } else if matches!(item.verb, Verb::Read | Verb::Check) && item.state == ItemState::Open {
        body.line(pen.fact("evidence", Role::UiMuted, "not looked at yet", width));
    }
    if let (Some(by), Some(at), true) = (&item.by, item.at, item.state.is_closed()) {
        let text = format!("{}@{} · {} UTC · {}", who(by), by.host, at.clock(), item.standing);
        body.line(pen.fact("closed by", Role::UiText, text, width));
    }
    let name = match item.state {
        ItemState::Claim => "says",
        ItemState::Skipped | ItemState::Overridden => "because",
        _ => "said",
    };
    if !item.note.is_empty() {
        body.line(pen.fact(name, Role::UiText, short(&item.note), width));
    }
}

fn short(text: &str) -> crate::domain::Clean {
    crate::domain::Clean::text(&text.replace('\n', " / ")).cut(NOTE)
}

/// The newest deviations, and how many came before them.
fn notes(pen: Pen<'_>, list: &RunView, item: &ItemView, width: usize) -> Vec<Vec<Line<'static>>> {
    let notes: Vec<_> = list.notes.iter().filter(|note| note.step == Some(item.step)).collect();
    let before = notes.len().saturating_sub(NOTES);
    let mut lines = Vec::new();
    if before > 0 {
        let text = quantity::counted(before as u64, "earlier note", "earlier notes");
        lines.push(pen.fact("notes", Role::UiMuted, text, width));
    }
    for note in notes.into_iter().skip(before) {
        let text = short(&format!("{} {}: {}", note.at.clock(), note.by.name, note.text));
        lines.push(pen.fact("note", Role::UiText, text, width));
    }
    lines
}

/// What Enter does now, or why it does nothing.
fn foot(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    dialog: &ItemDialog,
    list: &RunView,
    item: &ItemView,
    width: usize,
) -> Vec<Line<'static>> {
    if dialog.sent {
        pen.sentence(Role::StateRunning, "It is on its way to the runner, which looks now.", width)
    } else if snapshot.read_only {
        pen.sentence(Role::UiMuted, "Read-only: this console looks at a checklist and ticks nothing.", width)
    } else if !snapshot.checklist.run.lives && list.sealed.is_none() {
        let words = "No runner is there to take anything. Go back, and resume the checklist.";
        pen.sentence(Role::StateInterrupted, words, width)
    } else {
        asked(pen, snapshot, list, item, width)
    }
}

fn asked(pen: Pen<'_>, snapshot: &Snapshot<'_>, list: &RunView, item: &ItemView, width: usize) -> Vec<Line<'static>> {
    let shown = |action| snapshot.keymap.shown(action);
    let press = |key: String, after: &str| {
        let prompt = pen.style(Role::UiPrompt);
        let strip = Strip::new().gap(1).put(prompt, "Press  ").put(pen.style(Role::UiKey), key).gap(2);
        vec![strip.put_within(width.saturating_sub(14), prompt, after.to_owned()).line()]
    };
    let quiet = |text: String| pen.sentence(Role::UiMuted, text, width);
    match item.state {
        ItemState::Open => match item.verb {
            Verb::Manual => {
                let after = format!("to write the note; {} then signs off.", shown(Action::Confirm));
                press(shown(Action::Hand), &after)
            }
            Verb::Do => press(shown(Action::Open), "to begin it. It previews, and asks before it acts."),
            Verb::Notify => press(shown(Action::Open), "to give the notice. That closes it."),
            _ => press(shown(Action::Open), "to look now. What is seen closes it, if it passes."),
        },
        ItemState::SecondPerson => press(shown(Action::Open), "to ask another person than the starter to approve."),
        ItemState::Later => quiet(format!("The phase {} opens when the one before it is closed.", item.phase)),
        ItemState::AtWork if list.prompt.as_ref().is_some_and(|open| open.step == item.step) => {
            press(shown(Action::Open), "to see what it asks.")
        }
        ItemState::AtWork => quiet("It is at work.".to_owned()),
        ItemState::Unknown => quiet("Nobody knows how its act ended. The runner asks what to make of it.".to_owned()),
        _ if list.items().iter().any(|other| other.state == ItemState::Open && other.step != item.step) => {
            press(shown(Action::Open), "to go to the next open item.")
        }
        _ if list.items().iter().all(|other| other.state.is_closed()) => quiet("All items are closed.".to_owned()),
        _ => quiet("No other item is open.".to_owned()),
    }
}

fn keys(snapshot: &Snapshot<'_>, list: &RunView, item: &ItemView) -> Vec<(Action, &'static str)> {
    let mut keys = Vec::new();
    let lives = snapshot.checklist.run.lives && list.sealed.is_none();
    match item.state {
        ItemState::Open if lives => {
            if item.verb != Verb::Manual && !snapshot.read_only {
                keys.push((Action::Open, "evidence"));
            }
            if !item.hard && item.verb != Verb::Notify {
                keys.push((Action::Hand, "by hand"));
            }
            if !item.hard {
                keys.push((Action::Skip, "skip"));
            }
            let reason = ItemAction::Override { reason: "something".to_owned() };
            if fits(item, &reason).is_ok() && may_do(&list.starter, snapshot.me, &reason).is_ok() {
                keys.push((Action::Override, "override"));
            }
        }
        ItemState::SecondPerson if lives && !snapshot.read_only => keys.push((Action::Open, "ask")),
        ItemState::Claim | ItemState::Skipped | ItemState::Overridden if lives => {
            keys.push((Action::Reopen, "open again"));
        }
        _ => {}
    }
    if lives {
        keys.push((Action::Note, "note"));
    }
    keys.extend([(Action::Down, "next"), (Action::Up, "before"), (Action::Log, "log"), (Action::Back, "back")]);
    keys
}
