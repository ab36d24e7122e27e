//! The last row: the keys that work here, what was just said, and whether the readings are live.

use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::{Modal, Note, Purpose};
use crate::app::model::Pane;
use crate::app::panes::rows::RowList;
use crate::config::theme::Role;
use crate::domain::{RunStatus, quantity};
use crate::ui::panes::rows;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;

const ROWS: &[(Action, &str)] = &[
    (Action::Open, "open"),
    (Action::Act, "act"),
    (Action::Filter, "filter"),
    (Action::Help, "help"),
    (Action::Palette, "commands"),
    (Action::NextPane, "pane"),
    (Action::Runs, "runs"),
    (Action::Sort, "sort"),
    (Action::Zoom, "zoom"),
    (Action::Refresh, "read now"),
    (Action::Copy, "copy"),
];
const CHECKLIST: &[(Action, &str)] = &[
    (Action::Open, "open"),
    (Action::Hand, "by hand"),
    (Action::Skip, "skip"),
    (Action::Note, "note"),
    (Action::Help, "help"),
    (Action::Palette, "commands"),
    (Action::NextPane, "pane"),
    (Action::Runs, "runs"),
    (Action::Zoom, "zoom"),
];
/// Where no checklist is followed.
const CHECKLISTS: &[(Action, &str)] = &[
    (Action::Open, "begin"),
    (Action::Help, "help"),
    (Action::Palette, "commands"),
    (Action::NextPane, "pane"),
    (Action::Runs, "runs"),
    (Action::Zoom, "zoom"),
];
const RUN: &[(Action, &str)] = &[
    (Action::Open, "open"),
    (Action::Log, "log"),
    (Action::Note, "note"),
    (Action::Help, "help"),
    (Action::NextPane, "pane"),
    (Action::Abort, "abort"),
    (Action::Runs, "runs"),
    (Action::Palette, "commands"),
    (Action::Zoom, "zoom"),
    (Action::Copy, "copy id"),
];
const LOG: &[(Action, &str)] = &[
    (Action::Search, "search"),
    (Action::Follow, "follow"),
    (Action::NextError, "error"),
    (Action::Help, "help"),
    (Action::NextPane, "pane"),
    (Action::Wrap, "wrap"),
    (Action::Timestamps, "times"),
    (Action::Zoom, "zoom"),
    (Action::Copy, "copy"),
];

/// From which width on the bytes a second are told.
const ROOMY: usize = 100;

/// Steps of the figure below a KiB, in bytes a second: what moved with every frame would itself be a reason to write one.
const STEP: u64 = 100;
/// The columns that the figure has, whatever it is.
const RATE: usize = "1000 KiB/s".len();

/// Draws the footer.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let width = usize::from(area.width);
    let right = source(pen, Strip::new(), snapshot, width >= ROOMY);
    let room = width.saturating_sub(right.width() + 2);
    let strip = left(pen, snapshot, room);
    pen.line(frame, Rect { width: u16::try_from(room).unwrap_or(area.width), ..area }, strip);
    let start = u16::try_from(width.saturating_sub(right.width() + 1)).unwrap_or(0);
    let x = area.x.saturating_add(start);
    pen.line(frame, Rect { x, width: area.width.saturating_sub(start), ..area }, right);
}

/// Draws the footer of a wall: the way out, and how old the oldest reading is, whether that is much or little.
pub fn draw_wallboard(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>) {
    let width = usize::from(area.width);
    let mut right = Strip::new();
    if let Some(oldest) = snapshot.lists.all().filter_map(RowList::oldest_reading).min() {
        let age = quantity::age(snapshot.now.wall.since(oldest));
        right = right.put(pen.style(Role::UiMuted), format!("oldest reading {age}")).gap(2);
    }
    let right = source(pen, right, snapshot, width >= ROOMY);
    let strip = Strip::new().gap(1).put(pen.style(Role::UiKey), snapshot.keymap.shown(Action::Quit));
    let strip = strip.put(pen.style(Role::UiMuted), " leaves");
    let start = u16::try_from(width.saturating_sub(right.width() + 1).max(strip.width() + 2)).unwrap_or(0);
    pen.line(frame, area, strip);
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
        // In a text field the key for help is a letter.
        let typing = snapshot.modals.last().is_some_and(Modal::takes_text);
        let mut keys = vec![(Action::Back, "leaves the dialog")];
        if let Some(Modal::Note(note)) = snapshot.modals.last() {
            keys.insert(0, next_key(snapshot, note));
        }
        if !typing {
            keys.push((Action::Help, "help"));
            return pen.keys(snapshot.keymap, &keys, room);
        }
        let strip = pen.keys(snapshot.keymap, &keys, room);
        let help = snapshot.keymap.beside_text(Action::Help);
        let Some(help) = help.filter(|help| strip.width() + help.len() + 6 <= room) else { return strip };
        return strip.put(pen.style(Role::UiKey), help).gap(1).put(pen.style(Role::UiMuted), "help");
    }
    let keys = keys_here(snapshot);
    // The way out is always there.
    let word = if snapshot.focus == Pane::Health && !snapshot.zoomed { "quit" } else { "back" };
    let quit = pen.keys(snapshot.keymap, &[(Action::Quit, word)], room);
    let strip = pen.keys(snapshot.keymap, &keys, (room + 2).saturating_sub(quit.width()));
    let left = strip.width();
    strip
        .put(pen.style(Role::UiKey), snapshot.keymap.shown(Action::Quit))
        .gap(usize::from(left > 0))
        .put(pen.style(Role::UiMuted), word)
}

/// The next key of a note.
fn next_key(snapshot: &Snapshot<'_>, note: &Note) -> (Action, &'static str) {
    let item = note.step.and_then(|step| snapshot.view(&note.run)?.item(step));
    match (note.writing, note.lacks(item.as_ref())) {
        (true, _) => (Action::Leave, "leaves the text"),
        (false, true) => (Action::Leave, "goes to the text"),
        (false, false) => (Action::Confirm, note.writes.does()),
    }
}

/// The keys that mean something in the focused pane now, those that are needed most first.
#[must_use]
pub fn keys_here(snapshot: &Snapshot<'_>) -> Vec<(Action, &'static str)> {
    let keys = match snapshot.focus {
        Pane::Checklist if snapshot.checklist.run.following.is_none() => CHECKLISTS,
        Pane::Checklist => CHECKLIST,
        Pane::Run => RUN,
        Pane::Log => LOG,
        _ => ROWS,
    };
    let of_run = matches!(snapshot.focus, Pane::Run | Pane::Checklist);
    let interrupted = of_run && snapshot.at_hand.status().is_some_and(RunStatus::needs_a_runner);
    let first: &[(Action, &str)] = if interrupted { &[(Action::Resume, "resume")] } else { &[] };
    let over = snapshot.at_hand.status().is_none_or(RunStatus::is_over);
    let bare = snapshot.read_only && snapshot.checklist.run.following.is_none();
    let may = |(action, _): &&(Action, &'static str)| match action {
        Action::Note | Action::Abort | Action::Hand | Action::Skip if over => false,
        Action::Open if snapshot.focus == Pane::Checklist && bare => false,
        action => !(snapshot.read_only && action.acts()),
    };
    first.iter().chain(keys).filter(may).copied().collect()
}

/// Bytes a second, always as wide: keys beside it stay where they are.
fn rate(bytes: u64) -> String {
    let figure = match bytes / STEP * STEP {
        0 => format!("<{STEP} B/s"),
        steps if bytes < 1024 => format!("{steps} B/s"),
        _ => format!("{}/s", quantity::bytes(bytes)),
    };
    format!("{figure:>RATE$}")
}

/// How much was written to the terminal, and how old the oldest reading is.
fn source(pen: Pen<'_>, mut strip: Strip, snapshot: &Snapshot<'_>, roomy: bool) -> Strip {
    if let Some(bytes) = snapshot.bytes_per_second.filter(|_| roomy) {
        strip = strip.put(pen.style(Role::UiMuted), rate(bytes)).gap(2);
    }
    let now = snapshot.now.wall;
    let read = || snapshot.lists.all().filter(|list| list.rows().next().is_some());
    let late = read().any(RowList::is_late);
    let oldest: Option<Vec<_>> = read().map(RowList::oldest_reading).collect();
    let unread = snapshot.unread_targets().map(|count| format!(" {}", rows::not_read(count)));
    match oldest.filter(|all| !all.is_empty()).and_then(|all| all.into_iter().min()) {
        None => strip.put(pen.style(Role::VerdictUnknown), pen.symbol(Role::VerdictUnknown)).put(
            pen.style(Role::VerdictUnknown),
            match unread {
                _ if read().next().is_none() => " no reading yet".to_owned(),
                Some(unread) => unread,
                None => " some never read".to_owned(),
            },
        ),
        Some(oldest) if late => {
            let role = Role::VerdictStale;
            let age = format!(" oldest {:>4}", quantity::age(now.since(oldest)));
            strip.put(pen.style(role), pen.symbol(role)).put(pen.style(role), age)
        }
        Some(_) if unread.is_some() => {
            let style = pen.style(Role::VerdictUnknown);
            strip.put(style, pen.symbol(Role::VerdictUnknown)).put(style, unread.unwrap_or_default())
        }
        Some(_) => {
            strip.put(pen.style(Role::VerdictOk), pen.symbol(Role::VerdictOk)).put(pen.style(Role::VerdictOk), " live")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_as_wide_whatever_it_is() {
        for power in 0..17 {
            for bytes in [(1_u64 << power) - 1, 1 << power, (1 << power) + 99] {
                assert_eq!(rate(bytes).chars().count(), RATE, "{bytes}: {:?}", rate(bytes));
            }
        }
        assert_eq!(
            [99, 100, 199, 1023].map(|bytes| rate(bytes).trim_start().to_owned()),
            ["<100 B/s", "100 B/s", "100 B/s", "1000 B/s"]
        );
    }
}
