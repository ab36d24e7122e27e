//! Short questions: stop the run, continue it, leave the console.

use super::body::Body;
use super::details::RUN_ID;
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::Emergency;
use crate::config::theme::Role;
use crate::domain::{Clean, RunId, quantity};
use crate::ui::pen::{Pen, words};
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;

/// Whether to stop the run, and what that leaves behind.
pub(super) fn abort(pen: Pen<'_>, snapshot: &Snapshot<'_>, run: &RunId, undo: Option<bool>, width: usize) -> Dialog {
    let (mut head, mut body) = (Body::default(), Body::default());
    let view = snapshot.view(run);
    let pending = view.map(|run| run.pending_undos()).unwrap_or_default();
    if let Some(run) = view {
        head.line(pen.sentence(Role::UiText, format!("Stop {}?", run.title), width));
        body.line(match run.open_attempt().and_then(|(step, ..)| Some((step, run.step(step)?))) {
            Some((number, step)) => {
                let text = format!("Step {} is at work and will be ended: {}", number + 1, step.head.title);
                pen.sentence(Role::VerdictWarn, text, width)
            }
            None => pen.sentence(Role::UiMuted, "No step is at work now.", width),
        });
    }
    body.push(Strip::new().line());
    let means = "stop, and leave everything as it is";
    body.known(means, choice(pen, undo == Some(false), "leave it", means, width));
    if pending.is_empty() {
        body.line(pen.sentence(Role::UiMuted, "There is nothing to undo.", width));
    } else {
        let means = "stop, and undo, last first:";
        body.known(means, choice(pen, undo == Some(true), "undo", means, width));
    }
    for number in pending {
        if let Some(step) = view.and_then(|run| run.step(number)) {
            let text = Clean::text(&format!("step {}: {}", number + 1, step.head.undo.replace(RUN_ID, run.as_str())));
            let rows = words(&text, width.saturating_sub(BEHIND_CHOICE + 3)).into_iter();
            let muted = pen.style(Role::UiMuted);
            body.line(rows.map(|row| Strip::new().gap(BEHIND_CHOICE + 2).put(muted, row).line()).collect());
        }
    }
    let mut foot = vec![Strip::new().line()];
    foot.extend(match undo {
        None => vec![press(pen, snapshot, "Choose first, then press  ", "  to stop the run.")],
        Some(undo) => {
            let key = snapshot.keymap.shown(Action::Confirm);
            let steps = view.map(|run| run.pending_undos().len() as u64).unwrap_or_default();
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
        head,
        body,
        must_read: true,
        ..Dialog::default()
    }
}

/// The column behind the words of the choices.
const BEHIND_CHOICE: usize = 14;

/// A choice with what it leads to, over as many rows as it needs.
pub(super) fn choice(
    pen: Pen<'_>,
    on: bool,
    word: &'static str,
    means: &'static str,
    width: usize,
) -> Vec<Line<'static>> {
    let (mark, role) = if on { (pen.glyph(" ▌", " >"), Role::UiPrompt) } else { ("  ", Role::UiText) };
    let strip = Strip::new().put(pen.style(Role::UiFocus), mark).put(pen.style(role), word).to(BEHIND_CHOICE);
    let means_style = pen.style(if on { Role::UiText } else { Role::UiMuted });
    let mut strip = Some(strip);
    let rows = words(&Clean::text(means), width.saturating_sub(BEHIND_CHOICE + 1)).into_iter();
    rows.map(|row| strip.take().unwrap_or_else(|| Strip::new().gap(BEHIND_CHOICE)).put(means_style, row).line())
        .collect()
}

pub(super) fn press(pen: Pen<'_>, snapshot: &Snapshot<'_>, before: &'static str, after: &'static str) -> Line<'static> {
    let (prompt, key) = (pen.style(Role::UiPrompt), pen.style(Role::UiKey));
    let shown = snapshot.keymap.shown(Action::Confirm);
    Strip::new().gap(1).put(prompt, before).put(key, shown).put(prompt, after).line()
}

/// Whether a new runner shall take an interrupted run over.
pub(super) fn resume(pen: Pen<'_>, snapshot: &Snapshot<'_>, run: &RunId, width: usize) -> Dialog {
    let mut body = Body::default();
    body.line(pen.sentence(Role::UiText, "A new runner takes the run over at the exact step.", width));
    let rest = "What its last act left behind is taken over; where nobody knows how it ended, you are asked. \
                Nothing is repeated by itself, and every further act asks for consent.";
    body.line(pen.sentence(Role::UiMuted, rest, width));
    body.line(pen.fact("run", Role::UiText, run.as_str().to_owned(), width));
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Resume"))]),
        role: Some(Role::UiPrompt),
        body,
        foot: vec![Strip::new().line(), press(pen, snapshot, "Press  ", "  to resume the run.")],
        keys: vec![(Action::Back, "goes back")],
        must_read: true,
        ..Dialog::default()
    }
}

/// Why a run cannot wait for its window; then its confirmation, with the reason and what comes of it.
pub(super) fn emergency(pen: Pen<'_>, snapshot: &Snapshot<'_>, emergency: &Emergency, width: usize) -> Dialog {
    let shown = &emergency.shown;
    let (mut head, mut body) = (Body::default(), Body::default());
    head.line(pen.sentence(Role::UiText, &shown.plan.title, width));
    let reason = emergency.field.text().trim();
    if emergency.confirming {
        body.line(pen.fact("reason", Role::UiText, reason.to_owned(), width));
    }
    if let Some(refusal) = &shown.refused {
        body.line(pen.sentence(Role::VerdictWarn, &refusal.message, width));
    }
    let rest = "An emergency does not keep to the window. It takes a second person before the first step, and its mark stays in the \
                list of runs, on the screen and in the report.";
    body.line(pen.sentence(Role::UiMuted, rest, width));
    if emergency.confirming {
        for warning in &shown.warnings {
            let text = format!("{} {warning}", pen.symbol(Role::VerdictWarn).plain());
            body.line(pen.sentence(Role::VerdictWarn, text, width));
        }
    }
    let mut foot = vec![Strip::new().line()];
    if !emergency.confirming {
        let strip = Strip::new().gap(1).put(pen.style(Role::UiPrompt), "Reason:").gap(1);
        foot.extend(pen.typed_whole(strip, &emergency.field, width, true));
        foot.extend(pen.sentence(Role::UiMuted, "Enter goes on to the confirmation. Nothing starts yet.", width));
    } else if emergency.sent {
        foot.extend(pen.sentence(Role::StateRunning, "The runner is being started.", width));
    } else {
        let key = snapshot.keymap.shown(Action::Confirm);
        let words = format!("Press  {key}  to START it outside the window. A second person is asked.");
        foot.extend(pen.sentence(Role::UiPrompt, words, width));
    }
    Dialog {
        title: title(pen, [(Role::VerdictCritical, Piece::Words("EMERGENCY"))]),
        role: Some(Role::UiPrompt),
        head,
        body,
        foot,
        hint: Some(emergency.hint.clone().unwrap_or_default()),
        keys: vec![(Action::Back, if emergency.confirming { "back to the reason" } else { "goes back" })],
        scroll: emergency.scroll,
        must_read: true,
        ..Dialog::default()
    }
}

/// Why something that takes text cannot be done.
pub(super) fn refused(pen: Pen<'_>, why: &str, width: usize) -> Dialog {
    let mut body = pen.sentence(Role::VerdictWarn, why.to_owned(), width);
    body.extend(pen.sentence(Role::UiMuted, "Nothing was written, and what you type here goes nowhere.", width));
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Not possible"))]),
        body: body.into(),
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
        body: body.into(),
        keys: vec![(Action::Quit, "leaves"), (Action::Back, "stays")],
        ..Dialog::default()
    }
}
