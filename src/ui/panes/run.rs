//! The Run pane.
//!
//! ```text
//! ┏ 6 Run  Data retention cleanup ━━━━━━━━━━━━━━━━━━━ ◆ waiting  3/5 ┓
//! ┃ look                                                             ┃
//! ┃  ✓  done     1 Verify the newest backup        read       0.4 s  ┃
//! ┃ clean                                                            ┃
//! ┃ ── point of no return ──────────────────────────────── ┃
//! ┃▌ ◆  waiting  3 Delete old sessions             destroy     ~10 s ┃
//! ┃  ○  planned  4 Delete old log archives         destroy     ~10 s ┃
//! ┃                                                                  ┃
//! ┃ now       asks: delete 1284 files                             ┃
//! ┃ next      step 4: Delete old log archives (destroy)              ┃
//! ┃ undo      nothing to undo                                   ┃
//! ┃ you may   x answer · l log · N note · g x abort                  ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

mod hidden;
mod overview;
mod people;
mod story;
pub mod time;

use crate::app::Snapshot;
use crate::app::model::{Hit, Pane};
use crate::config::theme::Role;
use crate::domain::{Clean, EffectClass, RunStatus, StepState, Verb, quantity};
use crate::journal::fold::{RunView, StepView};
use crate::journal::record::{Ending, ended};
use crate::ui::ViewState;
use crate::ui::header::environment;
use crate::ui::layout::{self, take_bottom};
use crate::ui::panes::{filtered, framed, title};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use crate::ui::widgets::badge::badge;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::Duration;

pub use story::{now_line, one_line};

/// What a step is that its run never came to.
const NOT_REACHED: &str = "not reached";

/// The rows for what is told below the steps, however many these are: now, next, until when, the undo and the keys.
const MIN_STORY_ROWS: u16 = 5;

/// From which width on a step has its effect beside its title.
const WITH_EFFECT: usize = 64;

/// Draws the pane; `brief` where it stands among the others and the log has no pane of its own.
pub fn draw(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot<'_>,
    brief: bool,
    view: &mut ViewState,
) {
    let right = standing(pen, Strip::new().gap(1), snapshot);
    let mut left = title(pen, snapshot, Pane::Run);
    if let Some(run) = &snapshot.run.view {
        left = of_another(pen, left, snapshot, run);
        let room = usize::from(area.width).saturating_sub(left.width() + right.width() + 6);
        let mark = if run.is_emergency() { "EMERGENCY " } else { "" };
        left = left.gap(1).put(pen.style(Role::VerdictCritical), mark);
        left = left.put_within(room.saturating_sub(mark.len()), pen.style(Role::UiText), &run.title).gap(1);
    }
    let left = filtered(pen, left, &snapshot.run.filter);
    let mut inner = framed(pen, frame, area, snapshot, Pane::Run, (left, right));
    let Some(run) = &snapshot.run.view else { return nothing(pen, frame, inner, snapshot) };
    if brief {
        return overview::draw(pen, frame, (area, inner), snapshot, run, view);
    }
    // A wall says it in its sentence, and shows nobody what to type.
    let room = (usize::from(inner.width), usize::from(story_rows(snapshot, run, inner.height)));
    let story = if snapshot.wallboard.is_some() { Vec::new() } else { story::lines(pen, snapshot, run, room) };
    let below = u16::try_from(story.len()).unwrap_or(u16::MAX);
    let foot = take_bottom(&mut inner, below);
    pen.lines(frame, foot, &story);
    steps(pen, frame, (area, inner), snapshot, run, view);
}

/// Names the estate of a run that belongs to another one than the header says: `estate shop · STAGING`. One state directory may
/// hold the runs of several.
#[must_use]
pub fn of_another(pen: Pen<'_>, strip: Strip, snapshot: &Snapshot<'_>, run: &RunView) -> Strip {
    if !is_of_another(snapshot, run) {
        return strip;
    }
    let (role, word) = environment(&run.environment);
    let estate = format!("estate {} · ", Clean::text(&run.estate).cut(24).plain());
    strip.gap(1).put(pen.style(Role::VerdictCritical), estate).put(pen.style(role), word)
}

/// Whether a run belongs to another estate than the header says.
#[must_use]
pub fn is_of_another(snapshot: &Snapshot<'_>, run: &RunView) -> bool {
    run.estate != snapshot.estate || run.environment != snapshot.environment
}

/// How many rows there are for what is told below the steps: what they leave, and a third where they need more than that.
fn story_rows(snapshot: &Snapshot<'_>, run: &RunView, height: u16) -> u16 {
    let rules = usize::from(no_return(run).is_some()) + usize::from(run.no_time_from(snapshot.now.wall).is_some());
    let steps = u16::try_from(run.steps.len() + run.phases.len() + rules).unwrap_or(u16::MAX);
    height.saturating_sub(steps).max(height / 3).max(MIN_STORY_ROWS).min(height.saturating_sub(3))
}

fn nothing(pen: Pen<'_>, frame: &mut Frame<'_>, inner: Rect, snapshot: &Snapshot<'_>) {
    let keymap = snapshot.keymap;
    let shown = |action| keymap.shown(action);
    use crate::app::keymap::Action::{Act, Runs};
    let lines = match (&snapshot.run.following, &snapshot.run.lost) {
        (_, Some(error)) => pen.sentence(Role::VerdictUnknown, &error.message, usize::from(inner.width)),
        (Some(_), None) => pen.sentence(Role::UiMuted, "reading the journal", usize::from(inner.width)),
        (None, None) => {
            let mut lines = pen.sentence(Role::UiText, "No run is followed.", usize::from(inner.width));
            if !snapshot.read_only {
                let act = format!("{} on a row offers what can act on it", shown(Act));
                lines.append(&mut pen.sentence(Role::UiMuted, act, usize::from(inner.width)));
            }
            let runs = format!("{} lists the runs there are", shown(Runs));
            lines.append(&mut pen.sentence(Role::UiMuted, runs, usize::from(inner.width)));
            lines
        }
    };
    pen.lines(frame, inner, &lines);
}

/// How many rows the pane fills at the most: its steps under their phases, what is told below them, and the frame.
#[must_use]
pub fn rows(run: &RunView) -> u16 {
    u16::try_from(run.steps.len() + run.phases.len() + 14).unwrap_or(u16::MAX)
}

/// Where the run stands and how many steps are over: ` ◆ waiting  3/5 `; nothing without a run.
#[must_use]
pub fn standing(pen: Pen<'_>, strip: Strip, snapshot: &Snapshot<'_>) -> Strip {
    let (Some(run), Some(status)) = (&snapshot.run.view, snapshot.run.status()) else { return strip };
    let style = pen.style(Role::from(status));
    let over = run.steps_over();
    let strip = strip
        .put(style, pen.symbol(Role::from(status)))
        .gap(1)
        .put(style, ended(status, run.went_back(), run.caveats()))
        .gap(2);
    strip.put(pen.style(Role::UiText), format!("{over}/{} ", run.steps.len()))
}

/// Draws the steps under their phases, the step that is looked at among them; on the edge of the pane, how many are not in sight.
fn steps(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    (outside, area): (Rect, Rect),
    snapshot: &Snapshot<'_>,
    run: &RunView,
    view: &mut ViewState,
) {
    let width = usize::from(area.width);
    let (mut lines, mut phase): (Vec<(Strip, Option<u32>)>, _) = (Vec::new(), None);
    let no_return = no_return(run);
    let no_time = run.no_time_from(snapshot.now.wall);
    let looked_at = snapshot.run.step();
    let fit = Fit::of(snapshot, run, width);
    for (number, step) in snapshot.run.shown() {
        if phase != Some(&step.head.phase) {
            phase = Some(&step.head.phase);
            lines.push((Strip::new().gap(1).put(pen.style(Role::UiMuted), &step.head.phase), None));
        }
        if no_return == Some(number) {
            lines.push((time::rule(pen, Role::EffectDestroy, "point of no return", width), None));
        }
        if let Some((_, why)) = no_time.as_ref().filter(|(from, _)| *from == number) {
            lines.push((time::rule(pen, Role::VerdictWarn, &time::no_time(why), width), None));
        }
        let on = snapshot.run.cursor == Some(number);
        lines.push((step_line(pen, snapshot, number, step, (fit, on)), Some(number)));
    }
    if lines.is_empty() {
        let none = Strip::new().gap(1).put(pen.style(Role::UiMuted), "no step matches the filter");
        return pen.line(frame, area, none);
    }
    put(pen, frame, (outside, area), snapshot, run, (lines, looked_at), view);
}

/// Puts as many lines as there is room for, and says on the edge how many steps are not among them.
fn put(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    (outside, area): (Rect, Rect),
    snapshot: &Snapshot<'_>,
    run: &RunView,
    (lines, looked_at): (Vec<(Strip, Option<u32>)>, Option<u32>),
    view: &mut ViewState,
) {
    let height = usize::from(area.height);
    let cursor = lines.iter().position(|(_, step)| step.is_some() && *step == looked_at);
    view.run = layout::offset(view.run, cursor.or(Some(0)), height, lines.len());
    if snapshot.focus == Pane::Run {
        view.seen.page_rows = area.height;
    }
    let of_step = |(_, step): &(Strip, Option<u32>)| *step;
    let above: Vec<u32> = lines.iter().take(view.run).filter_map(of_step).collect();
    let below: Vec<u32> = lines.iter().skip(view.run + height).filter_map(of_step).collect();
    hidden::draw(pen, frame, outside, run, (&above, &below));
    for ((strip, step), y) in lines.into_iter().skip(view.run).zip(area.top()..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        pen.line(frame, line, strip);
        if let Some(step) = step {
            if snapshot.run.cursor == Some(step) && snapshot.focus == Pane::Run {
                frame.buffer_mut().set_style(line, pen.style(Role::UiSelection));
            }
            view.hit(line, Hit::Step(step));
        }
    }
}

/// The first step that destroys and cannot be undone; an `undo_of` is a rollback itself.
fn no_return(run: &RunView) -> Option<u32> {
    let destroys =
        |step: &StepView| step.head.verb == Verb::Do && step.head.effect == EffectClass::Destroy && !step.head.can_undo;
    (0_u32..).zip(&run.steps).find(|(_, step)| destroys(step)).map(|(number, _)| number)
}

/// How the lines of steps are laid out; the same for all of them.
#[derive(Clone, Copy, Debug)]
struct Fit {
    width: usize,
    /// The columns of a step's number.
    digits: usize,
    /// The columns of its state.
    state: usize,
    /// The columns of its time.
    time: usize,
}

impl Fit {
    /// So that no state and no time is cut.
    fn of(snapshot: &Snapshot<'_>, run: &RunView, width: usize) -> Self {
        let steps = || (0_u32..).zip(&run.steps);
        let states = steps().map(|(number, step)| state(snapshot, number, step).1.len());
        let times = steps().map(|(_, step)| step_time(snapshot, step).chars().count());
        Self {
            width,
            digits: if run.steps.len() > 9 { 2 } else { 1 },
            state: states.max().unwrap_or(0).max(8),
            time: times.max().unwrap_or(0).max(10),
        }
    }
}

/// One step: its state, its title, its effect, its time.
fn step_line(pen: Pen<'_>, snapshot: &Snapshot<'_>, number: u32, step: &StepView, (fit, on): (Fit, bool)) -> Strip {
    let Fit { width, digits, .. } = fit;
    let (role, word) = state(snapshot, number, step);
    let strip = Strip::new().put(pen.style(Role::UiFocus), if on { pen.glyph("▌", ">") } else { " " });
    let strip = if step.state == StepState::Done && step.settled_by_hand && step.failed_undo().is_none() {
        let (start, style) = (strip.width(), pen.style(Role::UiText));
        strip
            .put(style, pen.glyph("✎", "[c]"))
            .to(start + 3)
            .put_within(fit.state, style, "claim")
            .to(start + 4 + fit.state)
    } else {
        badge(pen, strip, role, word, fit.state)
    };
    let quiet = if step.state == StepState::Planned { Role::UiMuted } else { Role::UiText };
    let strip = strip.put(pen.style(Role::UiMuted), format!("{:>digits$} ", number + 1));
    // The time of a step that is being undone is that of the step, not of its undo.
    let undoing = role == Role::StateRunning && step.state != StepState::Running;
    let time = if role == Role::StateUnknown || undoing { "–".to_owned() } else { step_time(snapshot, step) };
    let tail = fit.time + 2 + if width >= WITH_EFFECT { 8 } else { 0 };
    let room = width.saturating_sub(strip.width() + tail + 1);
    let start = strip.width();
    let strip = strip.put_within(room, pen.style(quiet), &step.head.title).to(start + room + 1);
    let strip = if width >= WITH_EFFECT {
        let start = strip.width();
        strip.put(pen.style(Role::from(step.head.effect)), step.head.effect.word()).to(start + 8)
    } else {
        strip
    };
    strip.right(width.saturating_sub(1), pen.style(quiet), time)
}

/// A step's role and word; the outcome of one whose act has no runner to tell of it is unknown, and what a run that is over never
/// came to is not planned any more.
#[must_use]
pub fn state(snapshot: &Snapshot<'_>, number: u32, step: &StepView) -> (Role, &'static str) {
    let undoing = snapshot.run.view.as_ref().and_then(|run| run.open_attempt());
    match undoing {
        Some((open, _, way)) if open == number => match (snapshot.run.status(), way) {
            (Some(RunStatus::Interrupted), _) if snapshot.run.act.is_none() => (Role::StateUnknown, "unknown"),
            (_, crate::journal::fold::Act::Undo) => (Role::StateRunning, "undoing"),
            _ => (Role::StateRunning, "running"),
        },
        // Its question is open in the journal, and there is no runner to take an answer.
        _ if step.state == StepState::Waiting && snapshot.run.status() == Some(RunStatus::Interrupted) => {
            (Role::StateInterrupted, "interrupted")
        }
        _ if step.state == StepState::Planned && snapshot.run.status().is_some_and(RunStatus::is_over) => {
            (Role::StatePlanned, NOT_REACHED)
        }
        _ => (standing_role(step), step.standing()),
    }
}

/// The role of where a step stands: an undo that did not end well is a failure of its own, whatever the step was before.
#[must_use]
pub fn standing_role(step: &StepView) -> Role {
    match step.failed_undo() {
        Some(Ending::Cancelled) => Role::from(StepState::Stopped),
        Some(_) if step.state == StepState::Unknown => Role::StateUnknown,
        Some(_) => Role::StateFailed,
        None => Role::from(step.state),
    }
}

/// The time a step took, or is expected to take: `0.4 s`, `~10 s`, `~30 s left`, `over by 2 m`; of a wait, `3 m of 20 m`.
#[must_use]
pub fn step_time(snapshot: &Snapshot<'_>, step: &StepView) -> String {
    let at_work = snapshot.run.view.as_ref().and_then(|run| run.at_work(step, snapshot.now.wall));
    let known = step.head.timing.pace.is_some() || step.head.takes_s.is_some();
    let expected = known.then(|| step.expected().time);
    // Of an undone step it is the time of its undo.
    match (step.state, step.latest(), at_work) {
        (StepState::Running, _, Some(elapsed)) => {
            let limit = step.head.timeout_s.map(Duration::from_secs);
            if let Some(limit) = limit.filter(|_| step.head.verb == Verb::Wait) {
                return format!("{} of {}", passed(elapsed), quantity::span(limit));
            }
            match expected {
                Some(expected) if elapsed <= expected => format!("~{} left", rounded(expected.saturating_sub(elapsed))),
                Some(expected) => format!("{} over", rounded(elapsed.saturating_sub(expected))),
                None => format!("for {}", passed(elapsed)),
            }
        }
        (StepState::Planned, ..) if snapshot.run.status().is_some_and(RunStatus::is_over) => "–".to_owned(),
        (StepState::Planned | StepState::Waiting, ..) => {
            expected.map_or_else(|| "–".to_owned(), |expected| format!("~{}", quantity::span(expected)))
        }
        (_, Some(outcome), _) => quantity::latency(Duration::from_millis(outcome.took_ms)),
        _ => "–".to_owned(),
    }
}

/// A time that has passed, in the same buckets and rounded down.
fn passed(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{} s", seconds / 10 * 10),
        _ => rounded(time),
    }
}

/// A time in buckets of ten seconds, then of minutes, so that a row does not change every second.
fn rounded(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{} s", seconds.div_ceil(10) * 10),
        seconds => quantity::span(Duration::from_secs(seconds / 60 * 60)),
    }
}

/// Cut so that a sentence of the journal cannot fill the pane.
#[must_use]
pub fn short(text: &str) -> Clean {
    Clean::text(text).cut(400)
}
