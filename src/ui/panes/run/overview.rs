//! The Run pane among the others: the step at work with its neighbours, its newest lines, and what comes next.
//!
//! ```text
//! │  ✓  done     6 Rebuild the statistics     change   4.2 s │
//! │  ▶  running  7 Reindex tasks_pkey   change  ~40 s left   │
//! │  ○  planned  8 Analyze tasks              change   ~10 s │
//! │ 02:46:58 building index: 61 % of 1.2 GiB                 │
//! │ now       running step 7 since 02:46:10, ~40 s left      │
//! │ next      step 8: Analyze tasks (change)                 │
//! │ you may   l log  N note  g x abort                       │
//! ```

use super::{Fit, hidden, step_line, story};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::model::Hit;
use crate::config::theme::Role;
use crate::domain::RunStatus;
use crate::journal::fold::RunView;
use crate::ui::ViewState;
use crate::ui::layout::{take_bottom, take_top};
use crate::ui::panes::log;
use crate::ui::pen::{Pen, VALUES};
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// How many steps stand here while there is a log to show.
const STEPS: u16 = 4;

/// Draws the inside of the pane.
pub(super) fn draw(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    (outside, mut inner): (Rect, Rect),
    snapshot: &Snapshot<'_>,
    run: &RunView,
    view: &mut ViewState,
) {
    let width = usize::from(inner.width);
    let story = story_in_brief(pen, snapshot, run, width);
    let below = u16::try_from(story.len()).unwrap_or(u16::MAX).min(inner.height.saturating_sub(1));
    let foot = take_bottom(&mut inner, below);
    pen.lines(frame, foot, &story);
    let steps = u16::try_from(run.steps.len()).unwrap_or(STEPS).min(STEPS);
    let room = inner.height.saturating_sub(steps);
    let lines: Vec<Line<'static>> =
        log::newest(pen, snapshot, width, usize::from(room)).into_iter().map(Strip::line).collect();
    let rows = u16::try_from(lines.len()).unwrap_or(0);
    let above = inner.height - rows;
    let above = take_top(&mut inner, above);
    neighbours(pen, frame, (outside, above), snapshot, run, view);
    pen.lines(frame, inner, &lines);
}

/// The step that is looked at, the one before it, and those after it.
fn neighbours(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    (outside, area): (Rect, Rect),
    snapshot: &Snapshot<'_>,
    run: &RunView,
    view: &mut ViewState,
) {
    let at = snapshot.run.step().unwrap_or(0);
    let last = u32::try_from(run.steps.len()).unwrap_or(u32::MAX);
    let from = at.saturating_sub(1).min(last.saturating_sub(u32::from(area.height)));
    let fit = Fit::of(snapshot, run, usize::from(area.width));
    let below: Vec<u32> = (from.saturating_add(u32::from(area.height))..last).collect();
    hidden::draw(pen, frame, outside, run, (&(0..from).collect::<Vec<u32>>(), &below));
    let shown = (0_u32..).zip(&run.steps).filter(|(number, _)| *number >= from);
    for ((number, step), y) in shown.zip(area.top()..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        let on = snapshot.run.cursor == Some(number);
        pen.line(frame, line, step_line(pen, snapshot, number, step, (fit, on)));
        view.hit(line, Hit::Step(number));
    }
}

/// What happens, what comes next and what the operator may do: one row each.
fn story_in_brief(pen: Pen<'_>, snapshot: &Snapshot<'_>, run: &RunView, width: usize) -> Vec<Line<'static>> {
    let status = run.status(snapshot.run.lives);
    let (role, now) = match &snapshot.run.lost {
        Some(error) => (Role::VerdictUnknown, format!("{} · what stands here may be old", error.message)),
        None => story::now_line(snapshot, run),
    };
    let one = |name: &'static str, role: Role, text: String| {
        let strip = Strip::new().gap(1).put(pen.style(Role::UiMuted), name).to(VALUES + 1);
        strip.put_within(width.saturating_sub(VALUES + 2), pen.style(role), text).line()
    };
    let mut lines = vec![one("now", role, now)];
    let resume = snapshot.keymap.shown(Action::Resume);
    match status {
        RunStatus::Interrupted | RunStatus::Held => {
            lines.push(one("next", Role::UiText, format!("{resume} resumes it")));
        }
        _ if status.is_over() => {
            lines.push(one("report", Role::UiKey, format!("{} report {}", snapshot.command, run.id)));
        }
        _ => lines.extend(story::next(run).map(|next| one("next", Role::UiText, next))),
    }
    let time = super::time::lines(run, snapshot.now.wall);
    lines
        .extend(time.into_iter().filter(|(name, ..)| *name != "needs").map(|(name, role, text)| one(name, role, text)));
    let may = story::may(pen, snapshot, status, width);
    if may.width() > VALUES + 1 {
        lines.push(may.line());
    }
    lines
}
