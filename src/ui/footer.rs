//! The last row: the keys that work here, what was just said, and whether the readings are live.

use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::{Modal, Purpose};
use crate::app::model::Pane;
use crate::config::theme::Role;
use crate::domain::{RunStatus, quantity};
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;

const HEALTH: &[(Action, &str)] = &[
    (Action::Open, "open"),
    (Action::Act, "act"),
    (Action::Help, "help"),
    (Action::NextPane, "pane"),
    (Action::Filter, "filter"),
    (Action::Palette, "commands"),
    (Action::Runs, "runs"),
    (Action::Quit, "quit"),
];
const RUN: &[(Action, &str)] = &[
    (Action::Open, "open"),
    (Action::Log, "log"),
    (Action::Help, "help"),
    (Action::NextPane, "pane"),
    (Action::Note, "note"),
    (Action::Runs, "runs"),
    (Action::Abort, "abort"),
    (Action::Palette, "commands"),
    (Action::Quit, "back"),
];
const LOG: &[(Action, &str)] = &[
    (Action::Search, "search"),
    (Action::Follow, "follow"),
    (Action::Help, "help"),
    (Action::NextError, "error"),
    (Action::Wrap, "wrap"),
    (Action::Timestamps, "times"),
    (Action::Zoom, "zoom"),
    (Action::NextPane, "pane"),
    (Action::Quit, "back"),
];

/// More than the clock's own frames take, in bytes a second.
const CLOCK: u64 = 100;

/// Draws the footer.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let width = usize::from(area.width);
    let right = source(pen, snapshot);
    let room = width.saturating_sub(right.width() + 2);
    let strip = left(pen, snapshot, room);
    pen.line(frame, Rect { width: u16::try_from(room).unwrap_or(area.width), ..area }, strip);
    let start = u16::try_from(width.saturating_sub(right.width() + 1)).unwrap_or(0);
    let x = area.x.saturating_add(start);
    pen.line(frame, Rect { x, width: area.width.saturating_sub(start), ..area }, right);
}

fn left(pen: Pen<'_>, snapshot: &Snapshot<'_>, room: usize) -> Strip {
    if let Some(Modal::Line { purpose, field }) = snapshot.modals.last() {
        let word = if *purpose == Purpose::Search { "search " } else { "filter " };
        let strip = Strip::new().gap(1).put(pen.style(Role::UiPrompt), word);
        return pen.typed(strip, field, room, true);
    }
    if !snapshot.pending.is_empty() {
        return Strip::new().gap(1).put(pen.style(Role::UiKey), &snapshot.pending).put(pen.style(Role::UiMuted), "…");
    }
    if let Some(notice) = snapshot.notice {
        return Strip::new().gap(1).put_within(room.saturating_sub(1), pen.style(Role::UiPrompt), notice.to_owned());
    }
    if !snapshot.modals.is_empty() {
        return pen.keys(snapshot.keymap, &[(Action::Back, "leaves the dialog"), (Action::Help, "help")], room);
    }
    let keys = match snapshot.focus {
        Pane::Health => HEALTH,
        Pane::Run => RUN,
        Pane::Log => LOG,
    };
    let interrupted = snapshot.run.status() == Some(RunStatus::Interrupted) && snapshot.focus == Pane::Run;
    let first: &[(Action, &str)] = if interrupted { &[(Action::Resume, "resume")] } else { &[] };
    let over = snapshot.run.status().is_none_or(RunStatus::is_over);
    let may = |(action, _): &&(Action, &'static str)| match action {
        Action::Note | Action::Abort if over => false,
        action => !(snapshot.read_only && action.acts()),
    };
    let keys: Vec<_> = first.iter().chain(keys).filter(may).copied().collect();
    pen.keys(snapshot.keymap, &keys, room)
}

/// Bytes a second; what the clock alone costs is one figure, or the figure would move with itself.
fn rate(bytes: u64) -> String {
    if bytes < CLOCK { format!("<{CLOCK} B/s") } else { format!("{}/s", quantity::bytes(bytes)) }
}

/// How much was written to the terminal, and how old the oldest reading is.
fn source(pen: Pen<'_>, snapshot: &Snapshot<'_>) -> Strip {
    let mut strip = Strip::new();
    if let Some(bytes) = snapshot.bytes_per_second {
        strip = strip.put(pen.style(Role::UiMuted), rate(bytes)).gap(2);
    }
    let now = snapshot.now.wall;
    let rows = snapshot.health.rows();
    let late = rows.iter().any(|row| row.is_stale(now) || row.lost.is_some());
    match snapshot.health.oldest_reading() {
        None => strip
            .put(pen.style(Role::VerdictUnknown), pen.symbol(Role::VerdictUnknown))
            .put(pen.style(Role::VerdictUnknown), if rows.is_empty() { " no reading yet" } else { " some never read" }),
        Some(oldest) if late => {
            let role = Role::VerdictStale;
            let age = format!(" oldest {}", quantity::age(now.since(oldest)));
            strip.put(pen.style(role), pen.symbol(role)).put(pen.style(role), age)
        }
        Some(_) => {
            strip.put(pen.style(Role::VerdictOk), pen.symbol(Role::VerdictOk)).put(pen.style(Role::VerdictOk), " live")
        }
    }
}
