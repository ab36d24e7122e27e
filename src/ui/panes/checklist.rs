//! The Checklist pane: the items of the followed run, where that is a checklist.
//!
//! ```text
//! ┌ 5 Checklist ─ before 4/4 · during 1/3 · after 0/4 ─┐
//! │ during                                             │
//! │  ✓  Follow procedures               run 01J…  7/12 │
//! │  ○  Document deviations                            │
//! └────────────────────────────────────────────────────┘
//! ```

use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::model::{Hit, Pane};
use crate::app::panes::checklist;
use crate::config::theme::Role;
use crate::domain::{Clean, StepState, quantity};
use crate::journal::fold::{RunView, StepView};
use crate::ui::ViewState;
use crate::ui::layout;
use crate::ui::panes::{filtered, framed, run, title};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Draws the pane.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>, view: &mut ViewState) {
    let list = checklist::of(snapshot.run);
    let left = title(pen, snapshot, Pane::Checklist);
    let left = if list.is_some() { filtered(pen, left, &snapshot.run.filter) } else { left };
    let room = usize::from(area.width).saturating_sub(left.width() + 4);
    let right = list.map(|list| progress(pen, list)).filter(|strip| strip.width() <= room).unwrap_or_default();
    let inner = framed(pen, frame, area, snapshot, Pane::Checklist, (left, right));
    match list {
        Some(list) => items(pen, frame, inner, snapshot, list, view),
        None => closed(pen, frame, inner, snapshot),
    }
}

/// How many items are over, by phase: `before 4/4 · during 1/3`.
fn progress(pen: Pen<'_>, list: &RunView) -> Strip {
    let mut strip = Strip::new().gap(1);
    for (place, (phase, over, all)) in checklist::counts(list).into_iter().enumerate() {
        if place > 0 {
            strip = strip.put(pen.style(Role::UiMuted), " · ");
        }
        let role = if over == all { Role::StateDone } else { Role::UiText };
        strip = strip.put(pen.style(role), format!("{phase} {over}/{all}"));
    }
    strip.gap(1)
}

/// How a checklist is opened.
fn closed(pen: Pen<'_>, frame: &mut Frame<'_>, inner: Rect, snapshot: &Snapshot<'_>) {
    let width = usize::from(inner.width);
    let mut lines = pen.sentence(Role::UiText, "No checklist is open.", width);
    if !snapshot.read_only {
        let key = snapshot.keymap.shown(Action::Palette);
        lines.extend(pen.sentence(Role::UiMuted, format!("{key} and the name of one starts it"), width));
    }
    let key = snapshot.keymap.shown(Action::Runs);
    lines.extend(pen.sentence(Role::UiMuted, format!("{key} lists the runs there are, to attach to one"), width));
    pen.lines(frame, inner, &lines);
}

/// The items under their phases, the one that is looked at among them.
fn items(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot<'_>,
    list: &RunView,
    view: &mut ViewState,
) {
    let (mut lines, mut phase): (Vec<(Strip, Option<u32>)>, _) = (Vec::new(), None);
    for (number, step) in snapshot.run.shown() {
        if phase != Some(&step.head.phase) {
            phase = Some(&step.head.phase);
            lines.push((Strip::new().gap(1).put(pen.style(Role::UiMuted), &step.head.phase), None));
        }
        lines.push((item(pen, snapshot, list, (number, step), usize::from(area.width)), Some(number)));
    }
    if lines.is_empty() {
        return pen.line(frame, area, Strip::new().gap(1).put(pen.style(Role::UiMuted), "no item matches the filter"));
    }
    let cursor = lines.iter().position(|(_, step)| step.is_some() && *step == snapshot.run.step());
    let top = layout::offset(view.checklist, cursor.or(Some(0)), usize::from(area.height), lines.len());
    view.checklist = top;
    if snapshot.focus == Pane::Checklist {
        view.seen.page_rows = area.height;
    }
    for ((strip, step), y) in lines.into_iter().skip(top).zip(area.top()..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        pen.line(frame, line, strip);
        if let Some(step) = step {
            if snapshot.run.cursor == Some(step) && snapshot.focus == Pane::Checklist {
                frame.buffer_mut().set_style(line, pen.style(Role::UiSelection));
            }
            view.hit(line, Hit::Step(step));
        }
    }
}

fn item(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    list: &RunView,
    (number, step): (u32, &StepView),
    width: usize,
) -> Strip {
    let on = snapshot.run.cursor == Some(number);
    let (role, word) = run::state(snapshot, number, step);
    let strip = Strip::new().put(pen.style(Role::UiFocus), if on { pen.glyph("▌", ">") } else { " " });
    let strip = strip.put(pen.style(role), pen.symbol(role)).to(4);
    let notes = list.notes.iter().filter(|note| note.step == Some(number)).count();
    let evidence = step.remark.as_ref().or(step.outcome.as_ref().map(|outcome| &outcome.detail));
    let tail = match (evidence, notes) {
        (Some(evidence), _) => run::short(evidence).cut(width / 2),
        (None, 0) if step.state == StepState::Planned => Clean::default(),
        (None, 0) => Clean::text(word),
        (None, notes) => Clean::text(&quantity::counted(notes as u64, "note", "notes")),
    };
    let room = width.saturating_sub(strip.width() + tail.width() + 3);
    let strip = strip.put_within(room, pen.style(Role::UiText), &step.head.title);
    if tail.is_empty() { strip } else { strip.right(width.saturating_sub(1), pen.style(Role::UiMuted), tail) }
}
