//! Short questions: stop the run, continue it, leave the console.

use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::Emergency;
use crate::config::theme::Role;
use crate::domain::{RunId, quantity};
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;

/// Whether to stop the run, and what that leaves behind.
pub(super) fn abort(pen: Pen<'_>, snapshot: &Snapshot<'_>, run: &RunId, undo: Option<bool>, width: usize) -> Dialog {
    let mut body = Vec::new();
    let view = snapshot.view(run);
    let owed = view.map(|run| run.undo_owed()).unwrap_or_default();
    if let Some(run) = view {
        body.extend(pen.sentence(Role::UiText, format!("Stop {}?", run.title), width));
        match run.open_attempt().and_then(|(step, ..)| Some((step, run.step(step)?))) {
            Some((number, step)) => {
                let text = format!("Step {} is at work and will be ended: {}", number + 1, step.head.title);
                body.extend(pen.sentence(Role::VerdictWarn, text, width));
            }
            None => body.extend(pen.sentence(Role::UiMuted, "No step is at work now.", width)),
        }
    }
    body.push(Strip::new().line());
    body.push(choice(pen, undo == Some(false), "leave it", "stop, and leave everything as it is", width));
    if owed.is_empty() {
        body.extend(pen.sentence(Role::UiMuted, "There is nothing to take back.", width));
    } else {
        body.push(choice(pen, undo == Some(true), "undo", "stop, and take back, last first:", width));
    }
    for number in owed {
        if let Some(step) = view.and_then(|run| run.step(number)) {
            let text = format!("step {}: {}", number + 1, step.head.way_back);
            let strip = Strip::new().gap(16).put_within(width.saturating_sub(17), pen.style(Role::UiMuted), text);
            body.push(strip.line());
        }
    }
    let mut foot = vec![Strip::new().line()];
    foot.extend(match undo {
        None => vec![press(pen, snapshot, "Choose first, then press  ", "  to stop the run.")],
        Some(undo) => {
            let key = snapshot.keymap.shown(Action::Confirm);
            let steps = view.map(|run| run.undo_owed().len() as u64).unwrap_or_default();
            let how = if undo {
                format!("UNDO {}, the last first", quantity::counted(steps, "step", "steps"))
            } else {
                "LEAVE everything as it is".to_owned()
            };
            pen.sentence(Role::UiPrompt, format!("Press  {key}  to STOP the run and {how}."), width)
        }
    });
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Abort"))]),
        role: Some(Role::UiPrompt),
        foot,
        keys: vec![(Action::Down, "down"), (Action::Up, "up"), (Action::Back, "goes back, and the run goes on")],
        body,
        must_fit: true,
        ..Dialog::default()
    }
}

pub(super) fn choice(pen: Pen<'_>, on: bool, word: &'static str, means: &'static str, width: usize) -> Line<'static> {
    let (mark, role) = if on { (pen.glyph(" ▌", " >"), Role::UiPrompt) } else { ("  ", Role::UiText) };
    let strip = Strip::new().put(pen.style(Role::UiFocus), mark).put(pen.style(role), word).to(14);
    let means_role = if on { Role::UiText } else { Role::UiMuted };
    strip.put_within(width.saturating_sub(15), pen.style(means_role), means).line()
}

pub(super) fn press(pen: Pen<'_>, snapshot: &Snapshot<'_>, before: &'static str, after: &'static str) -> Line<'static> {
    let (prompt, key) = (pen.style(Role::UiPrompt), pen.style(Role::UiKey));
    let shown = snapshot.keymap.shown(Action::Confirm);
    Strip::new().gap(1).put(prompt, before).put(key, shown).put(prompt, after).line()
}

/// Whether a new runner shall take an interrupted run over.
pub(super) fn resume(pen: Pen<'_>, snapshot: &Snapshot<'_>, run: &RunId, width: usize) -> Dialog {
    let mut body = pen.sentence(Role::UiText, "A new runner takes the run over at the exact step.", width);
    let rest = "What its last act left behind is taken over; where nobody knows how it ended, you are asked. \
                Nothing is repeated by itself, and every further act asks for consent.";
    body.extend(pen.sentence(Role::UiMuted, rest, width));
    body.extend(pen.fact("run", Role::UiText, run.as_str().to_owned(), width));
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Resume"))]),
        role: Some(Role::UiPrompt),
        body,
        foot: vec![Strip::new().line(), press(pen, snapshot, "Press  ", "  to resume the run.")],
        keys: vec![(Action::Back, "goes back")],
        must_fit: true,
        ..Dialog::default()
    }
}

/// Why a run cannot wait for its window.
pub(super) fn emergency(pen: Pen<'_>, emergency: &Emergency, width: usize) -> Dialog {
    let shown = &emergency.shown;
    let mut body = pen.sentence(Role::UiText, &shown.plan.title, width);
    if let Some(refusal) = &shown.refused {
        body.extend(pen.sentence(Role::VerdictWarn, &refusal.message, width));
    }
    let rest = "An emergency does not keep to the window. It takes a second person before the first step, and its mark stays in the \
                list of runs, on the screen and in the report.";
    body.extend(pen.sentence(Role::UiMuted, rest, width));
    let strip = Strip::new().gap(1).put(pen.style(Role::UiPrompt), "Reason:").gap(1);
    let strip = pen.typed(strip, &emergency.field, width, true);
    let mut foot = vec![Strip::new().line(), strip.line()];
    let said = match (&emergency.hint, emergency.sent) {
        (Some(hint), _) => (Role::VerdictWarn, hint.clone()),
        (None, true) => (Role::StateRunning, "The runner is being started.".to_owned()),
        (None, false) => (Role::UiMuted, "Enter starts it, and a second person is asked.".to_owned()),
    };
    foot.extend(pen.sentence(said.0, said.1, width));
    Dialog {
        title: title(pen, [(Role::VerdictCritical, Piece::Words("EMERGENCY"))]),
        role: Some(Role::UiPrompt),
        body,
        foot,
        keys: vec![(Action::Back, "goes back")],
        must_fit: true,
        ..Dialog::default()
    }
}

/// Why something that takes text cannot be done.
pub(super) fn refused(pen: Pen<'_>, why: &str, width: usize) -> Dialog {
    let mut body = pen.sentence(Role::VerdictWarn, why.to_owned(), width);
    body.extend(pen.sentence(Role::UiMuted, "Nothing was written, and what you type here goes nowhere.", width));
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Not possible"))]),
        body,
        keys: vec![(Action::Back, "goes back")],
        ..Dialog::default()
    }
}

/// Whether to leave the console.
pub(super) fn leave(pen: Pen<'_>, snapshot: &Snapshot<'_>, width: usize) -> Dialog {
    let mut body = pen.sentence(Role::UiText, "Leave the console?", width);
    let panes = [snapshot.run, &snapshot.checklist.run];
    let live = panes.into_iter().any(|pane| pane.status().is_some_and(|status| !status.is_over()));
    let others = snapshot.runs.unwrap_or_default().iter().any(|run| !run.status.is_over());
    let words = match (live, others) {
        (true, _) => "The run goes on without it; any console can attach again.",
        (false, true) => "What runs goes on without it; any console can attach again.",
        (false, false) => "Nothing runs.",
    };
    body.extend(pen.sentence(Role::UiMuted, words, width));
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Leave"))]),
        body,
        keys: vec![(Action::Quit, "leaves"), (Action::Back, "stays")],
        ..Dialog::default()
    }
}
