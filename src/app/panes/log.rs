//! The Log pane: one step's log, at its end or at a place, searched by whoever keeps it.
//!
//! Only a window of lines is here; moving beyond it asks for another one.

use crate::app::effect::{Effect, LogAt, Query};
use crate::app::model::{Model, Pane};
use crate::app::msg::{LogPage, Page};
use crate::domain::RunId;
use crate::journal::fold::{AttemptLog, RunView, StepView};

/// What the Log pane shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The run whose log it is.
    pub run: Option<RunId>,
    /// The step and its file below `logs/`; `None` while there is no log.
    pub source: Option<(u32, String)>,
    /// The newest window of lines.
    pub page: Option<Page>,
    /// Whether the end is followed.
    pub follow: bool,
    /// The first line on the screen, from 0, where the end is not followed.
    pub top: u64,
    /// Whether long lines are wrapped.
    pub wrap: bool,
    /// Whether each line shows when it was written.
    pub stamps: bool,
    /// What is searched for; empty when nothing is.
    pub needle: String,
    /// The line that the last search found.
    pub found: Option<u64>,
    /// Whether the last search found nothing.
    pub missed: bool,
    /// Whether an answer to a search is awaited.
    searching: bool,
    /// Whether it was chosen among the logs of its step: it stays while another step or attempt begins.
    chosen: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            run: None,
            source: None,
            page: None,
            follow: true,
            top: 0,
            wrap: true,
            stamps: false,
            needle: String::new(),
            found: None,
            missed: false,
            searching: false,
            chosen: false,
        }
    }
}

impl Log {
    /// A log from another source, shown in the same manner.
    #[must_use]
    pub fn renewed(&self, run: Option<RunId>, source: Option<(u32, String)>) -> Self {
        Self { run, source, wrap: self.wrap, stamps: self.stamps, ..Self::default() }
    }

    /// The logs of its step, the oldest first, and the place of the one that is shown.
    #[must_use]
    pub fn among<'a>(&self, view: &'a RunView) -> Option<(&'a [AttemptLog], usize)> {
        let (step, file) = self.source.as_ref()?;
        let logs = &view.step(*step)?.logs;
        Some((logs, logs.iter().position(|log| log.file == *file)?))
    }

    /// Whether it was chosen, and the cursor asks for no other step.
    fn stays(&self, cursor: Option<u32>) -> bool {
        let step = self.source.as_ref().map(|(step, _)| *step);
        self.chosen && step.is_some() && (cursor.is_none() || cursor == step)
    }
}

/// The record with which the newest attempt at a step, or at its undo, began.
fn begun(step: &StepView) -> u64 {
    step.acted.max(step.undo_acted)
}

/// The log that belongs to the step under the cursor, else to the step that began last.
fn source_of(view: &RunView, cursor: Option<u32>) -> Option<(u32, String)> {
    let numbered = || (0_u32..).zip(&view.steps);
    let of = |(number, step): (u32, &StepView)| Some((number, step.log()?.to_owned()));
    match cursor {
        Some(cursor) => numbered().find(|(number, _)| *number == cursor).and_then(of),
        None => match view.open_attempt() {
            Some((open, ..)) => numbered().find(|(number, _)| *number == open).and_then(of),
            None => {
                numbered().filter(|(_, step)| step.log().is_some()).max_by_key(|(_, step)| begun(step)).and_then(of)
            }
        },
    }
}

/// Goes to the log that the run and its cursor call for; to one of the checklist only where that is asked for.
pub fn attend(model: &mut Model) -> Vec<Effect> {
    let is_list = model.focus == Pane::Log && model.log.run.is_some() && model.log.run == model.checklist.run.following;
    turn_to(model, is_list)
}

fn turn_to(model: &mut Model, is_list: bool) -> Vec<Effect> {
    let pane = if is_list { &model.checklist.run } else { &model.run };
    let Some(view) = &pane.view else { return Vec::new() };
    let (run, source) = (pane.following.clone(), source_of(view, pane.cursor));
    if run == model.log.run && (source == model.log.source || model.log.stays(pane.cursor)) {
        return Vec::new();
    }
    model.log = model.log.renewed(run, source);
    ask(model, LogAt::Tail).into_iter().collect()
}

/// Moves to the log of what the focused pane is about.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let is_list = model.at_hand().following == model.checklist.run.following;
    let effects = turn_to(model, is_list && model.checklist.run.following.is_some());
    model.focus = Pane::Log;
    effects
}

/// Shows another log of the same step: that of the attempt before or after, of the step or of its undo.
pub fn turn(model: &mut Model, later: bool) -> Vec<Effect> {
    let view = model.log.run.as_ref().and_then(|run| model.followed(run)?.view.as_deref());
    let found = view.and_then(|view| model.log.among(view));
    let (Some((logs, at)), Some((step, _))) = (found, model.log.source.clone()) else {
        model.notify("no log is shown");
        return Vec::new();
    };
    let to = if later { at.checked_add(1) } else { at.checked_sub(1) };
    let Some((to, other)) = to.and_then(|to| Some((to, logs.get(to)?.file.clone()))) else {
        let which = if later { "newest" } else { "oldest" };
        let only = logs.len() == 1;
        model.notify(if only {
            format!("step {} has one log", step + 1)
        } else {
            format!("this is the {which} log of step {}", step + 1)
        });
        return Vec::new();
    };
    let chosen = to + 1 < logs.len();
    model.log = Log { chosen, ..model.log.renewed(model.log.run.clone(), Some((step, other))) };
    ask(model, LogAt::Tail).into_iter().collect()
}

/// Asks for a window of lines.
fn ask(model: &Model, at: LogAt) -> Option<Effect> {
    let (run, (_, file)) = (model.log.run.clone()?, model.log.source.clone()?);
    // Three screens, so that moving a little needs no new answer.
    let rows = match at {
        LogAt::Tail => model.size.1.max(1),
        _ => model.size.1.max(1).saturating_mul(3),
    };
    Some(Effect::Query(Query::ReadLog { run, file, at, rows }))
}

/// Takes a window of lines.
pub fn read(model: &mut Model, LogPage { run, file, page }: LogPage) -> Vec<Effect> {
    let here = model.log.source.as_ref().is_some_and(|(_, shown)| *shown == file);
    if !here || model.log.run != Some(run) || (model.log.follow && !page.following) {
        return Vec::new();
    }
    let log = &mut model.log;
    if page.searched && std::mem::take(&mut log.searching) {
        log.found = page.found;
        log.missed = page.found.is_none();
        if let Some(line) = page.found {
            log.top = line.saturating_sub(2);
        }
    }
    if page.searched && page.found.is_none() && log.page.is_some() {
        return Vec::new();
    }
    if page.following && !log.follow {
        return Vec::new();
    }
    log.page = Some(page);
    look(model)
}

/// Asks for another window where the present one does not hold the lines on the screen.
fn look(model: &Model) -> Vec<Effect> {
    let (log, rows) = (&model.log, u64::from(rows(model)));
    if log.follow {
        return Vec::new();
    }
    let Some(page) = &log.page else { return Vec::new() };
    let (start, end) = (page.top, page.top + page.lines.len() as u64);
    let wanted = (log.top + rows).min(page.total_lines);
    if log.top >= start && wanted <= end {
        return Vec::new();
    }
    ask(model, LogAt::Line(log.top.saturating_sub(rows))).into_iter().collect()
}

fn rows(model: &Model) -> u16 {
    model.seen().log_rows.max(1)
}

/// Moves by lines; moving up stops following, reaching the end does not start it.
pub fn scroll(model: &mut Model, by: i64) -> Vec<Effect> {
    let rows = u64::from(rows(model));
    let Some(page) = &model.log.page else { return Vec::new() };
    let last = page.total_lines.saturating_sub(rows);
    if model.log.follow {
        if by >= 0 {
            return Vec::new();
        }
        model.log.follow = false;
        model.log.top = last;
    }
    let at_end = model.log.top >= last;
    model.log.top = model.log.top.saturating_add_signed(by).min(last);
    if by > 0 && at_end {
        // The log may have grown since this window was read.
        return ask(model, LogAt::Line(last.saturating_sub(rows))).into_iter().collect();
    }
    look(model)
}

/// Goes to the first line.
pub fn top(model: &mut Model) -> Vec<Effect> {
    scroll(model, i64::MIN + 1)
}

/// Goes to the end and stays there.
pub fn follow(model: &mut Model) -> Vec<Effect> {
    model.log.follow = true;
    model.log.searching = false;
    model.log.found = None;
    ask(model, LogAt::Tail).into_iter().collect()
}

/// Stops following at the lines on the screen, or follows again.
pub fn toggle_follow(model: &mut Model) -> Vec<Effect> {
    if !model.log.follow {
        return follow(model);
    }
    let rows = u64::from(rows(model));
    model.log.top = model.log.page.as_ref().map_or(0, |page| page.total_lines.saturating_sub(rows));
    model.log.follow = false;
    look(model)
}

/// Searches from the lines on the screen on.
pub fn search(model: &mut Model, needle: String) -> Vec<Effect> {
    model.log.missed = false;
    model.log.found = None;
    model.log.needle = needle;
    if model.log.needle.is_empty() { Vec::new() } else { next(model) }
}

/// Where a search starts: at the last match, else above the lines on the screen.
fn origin(model: &Model) -> u64 {
    let log = &model.log;
    let rows = u64::from(rows(model));
    let top =
        if log.follow { log.page.as_ref().map_or(0, |page| page.total_lines.saturating_sub(rows)) } else { log.top };
    log.found.unwrap_or(top)
}

/// Goes to the next match.
pub fn next(model: &mut Model) -> Vec<Effect> {
    let needle = model.log.needle.clone();
    seek(model, |from| LogAt::Next { from, needle })
}

/// Goes to the match before.
pub fn back(model: &mut Model) -> Vec<Effect> {
    let needle = model.log.needle.clone();
    seek(model, |from| LogAt::Back { from, needle })
}

/// Goes to the next line that looks like an error.
pub fn next_error(model: &mut Model) -> Vec<Effect> {
    seek(model, |from| LogAt::NextError { from })
}

fn seek(model: &mut Model, at: impl FnOnce(u64) -> LogAt) -> Vec<Effect> {
    let at = at(origin(model));
    let for_text = !matches!(at, LogAt::NextError { .. });
    if for_text && model.log.needle.is_empty() {
        let key = model.keymap.shown(crate::app::keymap::Action::Search);
        model.notify(format!("nothing is searched for yet: {key} searches"));
        return Vec::new();
    }
    if model.log.follow {
        let rows = u64::from(rows(model));
        model.log.top = model.log.page.as_ref().map_or(0, |page| page.total_lines.saturating_sub(rows));
        model.log.follow = false;
    }
    model.log.searching = true;
    ask(model, at).into_iter().collect()
}
