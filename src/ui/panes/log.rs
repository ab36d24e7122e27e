//! The Log pane.
//!
//! ```text
//! ┌ 7 Log  step 3 · Delete old sessions ─────────── line 118/4,000,000 · 2.1 GiB dropped · following ┐
//! │ 02:46:58 deleted s-0af1.json                                                                      │
//! │ 02:46:58²cannot open s-77aa.json: permission denied                                               │
//! └───────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A line of standard error stands behind a small 2, in ASCII behind `&`.

use crate::app::Snapshot;
use crate::app::model::Pane;
use crate::app::msg::{LogLine, Page};
use crate::config::theme::Role;
use crate::domain::{Clean, StepState, quantity};
use crate::journal::fold::Act;
use crate::ui::ViewState;
use crate::ui::panes::{framed, title};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Draws the pane.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>, view: &mut ViewState) {
    let log = snapshot.log;
    let right = position(pen, snapshot);
    let mut left = title(pen, snapshot, Pane::Log);
    if let Some(text) = whose(snapshot) {
        let room = usize::from(area.width).saturating_sub(left.width() + right.width() + 6);
        left = left.gap(1).put_within(room, pen.style(Role::UiText), text).gap(1);
    }
    let inner = framed(pen, frame, area, snapshot, Pane::Log, (left, right));
    view.seen.log_rows = inner.height;
    let Some(page) = log.page.as_ref().filter(|page| !page.lines.is_empty()) else {
        let words = match (&log.source, &log.page) {
            (None, _) => no_log(snapshot),
            (Some(_), None) => "reading the log".to_owned(),
            (Some(_), Some(_)) => "the log is empty so far".to_owned(),
        };
        return pen.line(frame, inner, Strip::new().gap(1).put(pen.style(Role::UiMuted), words));
    };
    let room = (usize::from(inner.width), usize::from(inner.height));
    let (rows, fitting) = if log.follow { tail(pen, snapshot, page, room) } else { window(pen, snapshot, page, room) };
    if let Some(fitting) = fitting {
        view.seen.log_rows = u16::try_from(fitting).unwrap_or(u16::MAX).max(1);
    }
    let rows: Vec<_> = rows.into_iter().map(Strip::line).collect();
    pen.lines(frame, inner, &rows);
}

/// Whose log it is: `step 2 · Delete old sessions`, `undo of step 2 · …`; of several, which: `step 2, log 1 of 2 · …`.
fn whose(snapshot: &Snapshot<'_>) -> Option<String> {
    let (log, (number, _)) = (snapshot.log, snapshot.log.source.as_ref()?);
    let view = log.run.as_ref().and_then(|run| snapshot.view(run));
    let name = view.and_then(|view| view.step(*number)).map_or("", |step| &step.head.title);
    let shown = view.and_then(|view| log.among(view));
    let undo = shown.and_then(|(logs, at)| logs.get(at)).is_some_and(|log| log.act == Act::Undo);
    let what = if undo { "undo of step" } else { "step" };
    let which = shown.filter(|(logs, _)| logs.len() > 1);
    let which = which.map_or_else(String::new, |(logs, at)| format!(", log {} of {}", at + 1, logs.len()));
    Some(format!("{what} {}{which} · {name}", number + 1))
}

/// Why no log is shown: of the step under the cursor, or of the whole run.
fn no_log(snapshot: &Snapshot<'_>) -> String {
    let list = &snapshot.checklist.run;
    let pane = if snapshot.log.run.is_some() && snapshot.log.run == list.following { list } else { snapshot.run };
    let Some(view) = &pane.view else { return "no run is followed, so there is no log".to_owned() };
    if view.steps.iter().all(|step| step.logs.is_empty()) {
        return "no step has a log yet".to_owned();
    }
    let Some((number, step)) = pane.cursor.and_then(|number| Some((number, view.step(number)?))) else {
        return "no step has a log yet".to_owned();
    };
    match step.state {
        StepState::Planned | StepState::Waiting => format!("step {} has no log yet: it has not begun", number + 1),
        _ => format!("step {} has no log: it ran nothing", number + 1),
    }
}

/// Which lines are shown of how many, what was not kept, and whether the end is followed.
fn position(pen: Pen<'_>, snapshot: &Snapshot<'_>) -> Strip {
    let log = snapshot.log;
    let Some(page) = &log.page else { return Strip::new() };
    let muted = pen.style(Role::UiMuted);
    let at = if log.follow { page.total_lines } else { (log.found.unwrap_or(log.top) + 1).min(page.total_lines) };
    let mut strip = Strip::new().gap(1);
    if log.missed {
        let missed = if log.needle.is_empty() { "no further error".to_owned() } else { format!("no {:?}", log.needle) };
        strip = strip.put_within(24, pen.style(Role::VerdictWarn), missed).put(muted, " · ");
    } else if !log.needle.is_empty() {
        strip = strip.put_within(20, pen.style(Role::UiMatch), format!("/{}", log.needle)).put(muted, " · ");
    }
    strip = strip.put(muted, "line ").put(muted, at).put(muted, "/").put(muted, page.total_lines);
    if page.dropped > 0 {
        let dropped = format!("{} dropped", quantity::bytes(page.dropped));
        strip = strip.put(muted, " · ").put(pen.style(Role::VerdictWarn), dropped);
    }
    let following = log.follow && page.following;
    strip.put(muted, if following { " · following " } else { " · held " })
}

/// The last lines that fit, drawn from the bottom up, and how many whole lines that are.
fn tail(pen: Pen<'_>, snapshot: &Snapshot<'_>, page: &Page, room: (usize, usize)) -> (Vec<Strip>, Option<usize>) {
    let mut rows: Vec<Strip> = Vec::new();
    let mut lines = 0;
    for (line, number) in page.lines.iter().zip(page.top..).collect::<Vec<_>>().into_iter().rev() {
        let mut these = rows_of(pen, snapshot, line, number, room.0);
        these.reverse();
        if rows.len() + these.len() > room.1 && !rows.is_empty() {
            // Part of a line is better than an empty row.
            these.truncate(room.1.saturating_sub(rows.len()));
            rows.append(&mut these);
            break;
        }
        rows.append(&mut these);
        lines += 1;
        if rows.len() >= room.1 {
            break;
        }
    }
    rows.truncate(room.1);
    rows.reverse();
    (rows, Some(lines))
}

/// The newest lines, one row each, with the time at which each was written: for a place beside something else.
pub(super) fn newest(pen: Pen<'_>, snapshot: &Snapshot<'_>, width: usize, rows: usize) -> Vec<Strip> {
    let of_run = snapshot.log.run == snapshot.run.following;
    let Some(page) = snapshot.log.page.as_ref().filter(|_| of_run) else { return Vec::new() };
    let from = page.lines.len().saturating_sub(rows);
    let line = |line: &LogLine| {
        let clean = Clean::line_capped(&line.bytes, (line.bytes.len() as u64).saturating_add(line.cut));
        let at = line.at.map_or_else(|| " ".repeat(8), crate::domain::Wall::clock);
        let strip = Strip::new().gap(1).put(pen.style(Role::UiMuted), at);
        let style = pen.style(if line.stderr { Role::LogStderr } else { Role::UiText });
        strip.put(style, stream(pen, line)).put_within(width.saturating_sub(11), style, clean)
    };
    page.lines.iter().skip(from).map(line).collect()
}

/// The mark of standard error; a blank before what came from standard output.
fn stream(pen: Pen<'_>, line: &LogLine) -> &'static str {
    // A digit would read as one of the time before it.
    if line.stderr { pen.glyph("²", "&") } else { " " }
}

/// The lines from the top of the window on.
fn window(pen: Pen<'_>, snapshot: &Snapshot<'_>, page: &Page, room: (usize, usize)) -> (Vec<Strip>, Option<usize>) {
    let skipped = usize::try_from(snapshot.log.top.saturating_sub(page.top)).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    for (line, number) in page.lines.iter().zip(page.top..).skip(skipped) {
        if rows.len() >= room.1 {
            break;
        }
        rows.append(&mut rows_of(pen, snapshot, line, number, room.0));
    }
    rows.truncate(room.1);
    let ends_here = page.top + page.lines.len() as u64 >= page.total_lines;
    (rows, if ends_here { tail(pen, snapshot, page, room).1 } else { None })
}

/// A line of the log as rows of the screen.
fn rows_of(pen: Pen<'_>, snapshot: &Snapshot<'_>, line: &LogLine, number: u64, width: usize) -> Vec<Strip> {
    let log = snapshot.log;
    let clean = Clean::line_capped(&line.bytes, (line.bytes.len() as u64).saturating_add(line.cut));
    let style = pen.style(if line.stderr { Role::LogStderr } else { Role::UiText });
    let found = log.found == Some(number);
    let gutter = |first: bool| {
        let mut strip = match found && first {
            true => Strip::new().put(pen.style(Role::UiMatch), pen.glyph("▌", ">")),
            false => Strip::new().gap(1),
        };
        if log.stamps {
            let at = line.at.filter(|_| first).map_or_else(|| " ".repeat(8), crate::domain::Wall::clock);
            strip = strip.put(pen.style(Role::UiMuted), at);
        }
        strip.put(style, if first { stream(pen, line) } else { " " })
    };
    let room = width.saturating_sub(gutter(true).width());
    let rows = if log.wrap { clean.wrap(room) } else { vec![clean.cut(room)] };
    rows.into_iter()
        .enumerate()
        .map(|(place, row)| highlighted(pen, gutter(place == 0), row, style, &log.needle))
        .collect()
}

/// Puts a row with what is searched for marked in it.
fn highlighted(pen: Pen<'_>, mut strip: Strip, mut row: Clean, style: ratatui::style::Style, needle: &str) -> Strip {
    let needle = needle.to_ascii_lowercase();
    while !needle.is_empty() {
        let plain = row.plain();
        let Some(at) = plain.to_ascii_lowercase().find(&needle) else { break };
        let columns = |end: usize| plain.get(..end).map_or(0, |head| Clean::text(head).width());
        let (before, rest) = row.split(columns(at));
        let (hit, rest) = rest.split(columns(at + needle.len()).saturating_sub(columns(at)));
        if hit.is_empty() {
            return strip.put(style, before).put(style, rest);
        }
        strip = strip.put(style, before).put(pen.style(Role::UiMatch), Clean::text(&hit.plain()));
        row = rest;
    }
    strip.put(style, row)
}
