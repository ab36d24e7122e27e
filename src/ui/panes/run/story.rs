//! What happens now, what comes next, and what the operator may do about it.

use super::time as time_of;
use super::{people, short, standing_role, state, step_time as time};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::config::theme::Role;
use crate::domain::{EffectClass, RunStatus, StepState, Verb, quantity};
use crate::journal::fold::{Act, RunView, StepView};
use crate::journal::record::{Ask, Outcome};
use crate::procedure::condition::in_words;
use crate::ui::pen::{Pen, VALUES};
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// How much a line weighs where there is no room for all: the lightest go first, and of the same weight the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// The blank row above all.
    Blank,
    /// What was: it stands in the log and in the report, too.
    Past,
    /// What comes next, and until when.
    Next,
    /// The present state, pending undos, and what the operator may do.
    Now,
}

impl Weight {
    fn of(name: &str) -> Self {
        match name {
            "now" | "lost" | "unknown" | "abort" => Self::Now,
            "last" | "notice" | "notes" | "refused" | "seen" => Self::Past,
            _ => Self::Next,
        }
    }
}

/// As many of the lines as there is room for, in their order.
fn fitting(mut lines: Vec<(Weight, Line<'static>)>, rows: usize) -> Vec<Line<'static>> {
    while lines.len() > rows {
        let lightest = lines.iter().enumerate().rev().min_by_key(|(_, (weight, _))| *weight);
        let Some((place, _)) = lightest else { break };
        lines.remove(place);
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// The lines below the steps, at most so many.
pub(super) fn lines(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    run: &RunView,
    (width, rows): (usize, usize),
) -> Vec<Line<'static>> {
    let mut lines = vec![(Weight::Blank, Strip::new().line())];
    lines.extend(people::forced(pen, run, width).into_iter().map(|line| (Weight::Now, line)));
    let describe = |name, role, text: String| {
        let weight = Weight::of(name);
        lines.extend(pen.fact(name, role, text, width).into_iter().map(|line| (weight, line)));
    };
    facts_lines(snapshot, run, describe);
    lines.extend(
        people::here(pen, &snapshot.run.people, snapshot.me.pid, width).into_iter().map(|line| (Weight::Past, line)),
    );
    let may = may(pen, snapshot, run.status(snapshot.run.lives), width);
    if may.width() > VALUES + 1 {
        lines.push((Weight::Now, may.line()));
    }
    fitting(lines, rows)
}

/// What is said of a run, name by name.
fn facts_lines(snapshot: &Snapshot<'_>, run: &RunView, mut add: impl FnMut(&'static str, Role, String)) {
    let status = run.status(snapshot.run.lives);
    if let Some(error) = &snapshot.run.lost {
        add("lost", Role::VerdictUnknown, format!("{} · what stands here may be old", error.message));
    }
    let (role, now) = now_line(snapshot, run);
    add("now", role, now);
    waits_for(snapshot, run).into_iter().for_each(|(name, text)| add(name, Role::UiText, text));
    if let Some((number, step, outcome)) = last_ended(run) {
        let (role, came) = came_of(step, outcome);
        add("last", role, format!("step {} {came}", number + 1));
    }
    if let Some(notice) = notice(run) {
        add("notice", Role::UiText, notice);
    }
    if let Some((name, role, text)) = coming(snapshot, run, status) {
        add(name, role, text);
    }
    for (name, role, text) in time_of::lines(run, snapshot.now.wall) {
        add(name, role, text);
    }
    if let Some((who, undo)) = &run.abort {
        let (name, what) = if *undo {
            ("rollback", "asked to roll the run back")
        } else {
            ("abort", "asked to stop the run as it is")
        };
        add(name, Role::StateInterrupted, format!("{}@{} {what}", who.name, who.host));
    }
    if let Some(pending) = undo_left(run, status) {
        add("undo", Role::UiText, pending);
    }
    if run.unknown() > 0 {
        add("unknown", Role::StateUnknown, quantity::counted(u64::from(run.unknown()), "outcome", "outcomes"));
    }
    if let Some((at, who, why)) = run.refused.last() {
        let (count, at) = (quantity::counted(run.refused.len() as u64, "answer", "answers"), at.clock());
        add("refused", Role::VerdictWarn, format!("{count} · last {at} by {}: {}", who.name, short(why).plain()));
    }
    if let Some(note) = run.notes.last() {
        let count = quantity::counted(run.notes.len() as u64, "note", "notes");
        let text = short(&note.text.replace('\n', " ")).plain();
        add("notes", Role::UiText, format!("{count} · {} {}: {text}", note.at.clock(), note.by.name));
    }
}

/// The step that ended last, with what came of it: of an undone step, what its undo did.
fn last_ended(run: &RunView) -> Option<(u32, &StepView, &Outcome)> {
    let ended = (0_u32..).zip(&run.steps).filter_map(|(number, step)| Some((number, step, step.latest()?)));
    // An undo that is at work has not ended: of its step the forward end counts, in its own place.
    let began = |step: &StepView| if step.is_latest_undo() { step.undo_acted } else { step.acted };
    ended.max_by_key(|(_, step, _)| (began(step), step.ended))
}

/// What came of a step, with its role: `done: moved 3 of 3`; of one whose undo ran `undone · undo ok: restored 3 of 3`. An undo
/// that did not end well leaves the step as it was, and its own end is what is shown.
fn came_of(step: &StepView, outcome: &Outcome) -> (Role, String) {
    let detail = short(&outcome.detail).plain();
    let word = match step.failed_undo() {
        // Beside its own end, what the step is otherwise.
        Some(_) => format!("{} · {}", step.state.word(), step.standing()),
        None if step.is_latest_undo() => format!("{} · undo {}", step.state.word(), outcome.ending.word()),
        None => step.state.word().to_owned(),
    };
    (standing_role(step), format!("{word}: {detail}"))
}

/// What comes next: the report, a new runner, or a step.
fn coming(snapshot: &Snapshot<'_>, run: &RunView, status: RunStatus) -> Option<(&'static str, Role, String)> {
    if status.is_over() {
        return Some(("report", Role::UiKey, format!("{} report {}", snapshot.command, run.id)));
    }
    let key = snapshot.keymap.shown(Action::Resume);
    let text = match status {
        RunStatus::Held => format!("{key} takes it up: a new runner asks the same question again"),
        RunStatus::Interrupted => {
            let step = run.current().map_or_else(String::new, |step| format!(" at step {}", step + 1));
            let first = if snapshot.run.act.is_some() { ", waits for what still runs" } else { "" };
            format!("{key} resumes it{step}: a new runner takes over{first}, and asks before it acts")
        }
        _ => next(run)?,
    };
    Some(("next", Role::UiText, text))
}

/// The steps whose undo is pending.
fn undo_left(run: &RunView, status: RunStatus) -> Option<String> {
    let pending = run.pending_undos();
    if pending.is_empty() || status == RunStatus::Ok {
        return None;
    }
    let steps: Vec<String> = pending.iter().map(|step| (step + 1).to_string()).collect();
    let word = match (status.is_over(), &run.rollback_state) {
        (true, _) => "not undone: step",
        (false, Some(_)) => "still to undo: step",
        (false, None) => "can be undone: step",
    };
    Some(format!("{word} {}", steps.join(", ")))
}

/// What the last `notify` that was reached says.
fn notice(run: &RunView) -> Option<String> {
    let filter = run.steps.iter().rev().filter(|step| step.head.verb == Verb::Notify && step.state == StepState::Done);
    filter.filter_map(|step| step.remark.as_deref()).next().map(|text| short(&text.replace('\n', " ")).plain())
}

/// What the step at work waits for, and what its newest look saw, as far as its log is at hand.
fn waits_for(snapshot: &Snapshot<'_>, run: &RunView) -> Vec<(&'static str, String)> {
    let waiting = run.open_attempt().and_then(|(number, ..)| Some((number, run.step(number)?.head.until.as_deref()?)));
    let Some((number, until)) = waiting else { return Vec::new() };
    let log = snapshot.log;
    let is_its = log.run.as_ref() == Some(&run.id) && log.source.as_ref().is_some_and(|(step, _)| *step == number);
    let newest = log.page.as_ref().filter(|_| is_its && log.follow).and_then(|page| page.lines.last());
    let seen = newest.map(|line| ("seen", short(&String::from_utf8_lossy(&line.bytes)).plain()));
    [("until", short(&in_words(until)).plain())].into_iter().chain(seen).collect()
}

/// What the run is doing, in a sentence with its role.
#[must_use]
pub fn now_line(snapshot: &Snapshot<'_>, run: &RunView) -> (Role, String) {
    let status = run.status(snapshot.run.lives);
    let clock = |at: crate::domain::Wall| at.clock();
    if let (Some(ended), true) = (run.ended, status.is_over()) {
        let took = quantity::span(run.lasted(ended));
        let back = run.went_back().map_or_else(String::new, |back| format!(", {}", back.words()));
        let caveats = if status == RunStatus::Ok { run.caveats().words() } else { Vec::new() };
        let caveats: String = caveats.into_iter().map(|words| format!(", {words}")).collect();
        return (
            Role::from(status),
            format!("{}{back}{caveats} at {}, after {took}", ended_word(status), clock(ended)),
        );
    }
    if let (RunStatus::Held, Some(held)) = (status, run.held()) {
        let why = if held.reason.is_empty() { String::new() } else { format!(": {}", short(&held.reason).plain()) };
        let text = format!("held at step {} by {} since {}{why}", held.step + 1, held.by.name, clock(held.at));
        return (Role::StateWaiting, text);
    }
    if status == RunStatus::Interrupted {
        return (Role::StateInterrupted, without_runner(snapshot, run));
    }
    if let Some(open) = &run.prompt {
        let asks = match &open.ask {
            Ask::Confirm { preview, .. } if open.confirmed.is_some() => {
                format!("waits for a second person to approve: {}", preview.headline)
            }
            Ask::Approve { text, .. } => format!("waits for a second person to approve: {text}"),
            Ask::Confirm { effect: EffectClass::Destroy, preview, .. } => format!("asks to type: {}", preview.phrase),
            Ask::Confirm { preview, .. } => format!("asks to confirm: {}", preview.headline),
            Ask::Sign { text, .. } => format!("asks for a sign-off: {text}"),
            Ask::Decide { text, .. } => format!("asks for a decision: {text}"),
        };
        return (Role::UiPrompt, short(&asks).plain());
    }
    match run.open_attempt().and_then(|(step, ..)| run.step(step).map(|view| (step, view))) {
        Some((number, step)) => {
            let (role, word) = state(snapshot, number, step);
            let since = step.started.map_or_else(String::new, |at| format!(" since {}", clock(at)));
            match (run.open_attempt(), back_so_far(run)) {
                (Some((.., Act::Undo)), Some(so_far)) => (role, format!("{word} step {}, {so_far}", number + 1)),
                (Some((.., Act::Undo)), None) => (role, format!("{word} step {}", number + 1)),
                _ => (role, format!("{word} step {}{since}, {}", number + 1, time(snapshot, step))),
            }
        }
        None if run.waits_for_people() => {
            let count = run.phase_counts().into_iter().find(|count| count.current);
            let found = count.map(|count| format!("{}: {} of {} items closed", count.phase, count.closed, count.of));
            (Role::StateWaiting, format!("waits for people · {}", found.unwrap_or_default()))
        }
        None => (Role::StateRunning, "the runner is between two steps".to_owned()),
    }
}

/// What is known of a run whose runner is gone: what still runs of it, or where it stood.
fn without_runner(snapshot: &Snapshot<'_>, run: &RunView) -> String {
    let gone = format!("the runner is gone, its last record is of {}", run.last.clock());
    match (run.open_attempt(), snapshot.run.act, &run.prompt) {
        (Some((step, _, way)), pid, _) => {
            let what = if way == Act::Undo { "the undo" } else { "the act" };
            let state = pid.map_or_else(|| "runs no more".to_owned(), |pid| format!("still runs (pid {pid})"));
            format!("the runner is gone; {what} of step {} {state}", step + 1)
        }
        (None, _, Some(open)) => format!("{gone}; step {} waited for an answer", open.step + 1),
        (None, _, None) => gone,
    }
}

/// How far the rollback is: `2 of 5 undone`.
fn back_so_far(run: &RunView) -> Option<String> {
    let back = run.went_back()?;
    Some(format!("{} of {} undone", back.undone, back.undone + back.left))
}

fn ended_word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Ok => "ended well",
        RunStatus::Failed => "failed",
        _ => "was stopped",
    }
}

pub(super) fn next(run: &RunView) -> Option<String> {
    let current = run.current()?;
    let planned = (0_u32..).zip(&run.steps).find(|(number, step)| {
        step.state == StepState::Planned && (*number > current || (*number == current && run.open_attempt().is_none()))
    });
    let (number, step) = planned?;
    Some(format!("step {}: {} ({})", number + 1, short(&step.head.title).plain(), step.head.effect.word()))
}

/// The keys that mean something to this run now.
pub(super) fn may(pen: Pen<'_>, snapshot: &Snapshot<'_>, status: RunStatus, width: usize) -> Strip {
    let keys: &[(Action, &str)] = match status {
        RunStatus::Waiting => {
            &[(Action::Act, "answer"), (Action::Log, "log"), (Action::Note, "note"), (Action::Abort, "abort")]
        }
        RunStatus::Interrupted | RunStatus::Held => {
            &[(Action::Resume, "resume"), (Action::Abort, "abort"), (Action::Log, "log")]
        }
        RunStatus::Running => &[(Action::Log, "log"), (Action::Note, "note"), (Action::Abort, "abort")],
        _ => &[(Action::Log, "log"), (Action::Runs, "other runs")],
    };
    let strip = Strip::new().gap(1).put(pen.style(Role::UiMuted), "you may").to(VALUES);
    keys.iter().filter(|(action, _)| !(snapshot.read_only && action.acts())).fold(strip, |strip, (action, word)| {
        let key = snapshot.keymap.shown(*action);
        if strip.width() + key.len() + word.len() + 4 > width {
            return strip;
        }
        strip.gap(1).put(pen.style(Role::UiKey), key).gap(1).put(pen.style(Role::UiText), *word).gap(1)
    })
}

/// The run in one line, for a screen that does not show its pane.
pub fn one_line(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let Some(run) = &snapshot.run.view else { return };
    let (role, now) = now_line(snapshot, run);
    let room = usize::from(area.width).saturating_sub(5);
    let strip = Strip::new().gap(1).put(pen.style(role), pen.symbol(role)).gap(1);
    let status = run.status(snapshot.run.lives);
    let current = run.current().and_then(|number| Some((number, run.step(number)?)));
    let text = match (status, current) {
        (RunStatus::Running, Some((number, step))) => {
            let (count, time) = (run.steps.len(), time(snapshot, step));
            format!("running step {} of {count} · {time} · {}", number + 1, short(&step.head.title).plain())
        }
        _ => format!("{} · {now}", short(&run.title).plain()),
    };
    pen.line(frame, area, strip.put_within(room, pen.style(role), text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::chain::read;
    use crate::journal::record::{Ending, Event};
    use crate::journal::samples::{bytes, night};

    #[test]
    fn an_undo_at_work_is_not_what_ended_last() {
        let mut view = RunView::of(&read(&bytes(1, &night())).records).unwrap();
        view.steps[0].undo_acted = view.seq + 1;
        assert_eq!(last_ended(&view).unwrap().0, 1);
    }

    #[test]
    fn what_came_of_an_undo_has_its_own_words_and_a_stopped_one_is_not_drawn_as_failed() {
        for (ending, role, words) in [
            (Ending::Ok, Role::StateUndone, "undone · undo ok: "),
            (Ending::Cancelled, Role::StateInterrupted, "done · undo stopped: "),
            (Ending::Failed, Role::StateFailed, "done · undo failed: "),
            (Ending::TimedOut, Role::StateFailed, "done · undo timed out: "),
            (Ending::Unknown, Role::StateUnknown, "unknown · undo unknown: "),
        ] {
            let mut events = night();
            events.pop();
            for event in &mut events {
                if let Event::UndoOutcome { outcome, .. } = event {
                    outcome.ending = ending;
                }
            }
            let view = RunView::of(&read(&bytes(1, &events)).records).unwrap();
            let (number, step, outcome) = last_ended(&view).unwrap();
            let (own, came) = came_of(step, outcome);
            assert_eq!((number, own), (1, role), "{came}");
            assert!(came.starts_with(words), "{came}");
        }
    }
}
