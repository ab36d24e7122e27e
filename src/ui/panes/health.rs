//! The Health pane.
//!
//! ```text
//! ┏ 1 Health ━━━━━━━━━━ ✖ 1 critical  ? 1 unknown  ● 2 ok ┓
//! ┃  ✖  critical novacron-api  503              ▁▁▂▁▁▇█   ┃
//! ┃▌ ?  unknown  redis         timed out · last 9 ms, 3 m ┃
//! ┃  ◌  stale    /srv/cell0    41 s old · last 84 %       ┃
//! ┃  ●  ok       scheduler     200 · 9 ms       ▁▂▁▁▁▂▁   ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

use crate::app::Snapshot;
use crate::app::model::{Hit, Pane, TargetId};
use crate::config::theme::Role;
use crate::domain::{Clean, Row, Wall, quantity};
use crate::ui::ViewState;
use crate::ui::header::verdicts;
use crate::ui::layout;
use crate::ui::panes::{filtered, framed, title};
use crate::ui::pen::Pen;
use crate::ui::text::{self, Strip};
use crate::ui::widgets::badge::badge;
use crate::ui::widgets::spark::spark;
use ratatui::Frame;
use ratatui::layout::Rect;

const WORD: usize = 8;
const SPARK: usize = 10;

/// Draws the pane.
pub fn draw(pen: Pen<'_>, frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot<'_>, view: &mut ViewState) {
    let left = filtered(pen, title(pen, snapshot, Pane::Health), &snapshot.health.filter);
    let right = verdicts(pen, Strip::new().gap(1), snapshot, area.width >= 60);
    let inner = framed(pen, frame, area, snapshot, Pane::Health, (left, right));
    let rows: Vec<&Row> = snapshot.health.shown().collect();
    if snapshot.focus == Pane::Health {
        view.seen.page_rows = inner.height;
    }
    if rows.is_empty() {
        let words =
            if snapshot.health.filter.is_empty() { "nothing was read yet" } else { "nothing matches the filter" };
        return pen.line(frame, inner, Strip::new().gap(1).put(pen.style(Role::UiMuted), words));
    }
    let cursor = snapshot.health.cursor_place();
    let height = usize::from(inner.height);
    view.health = layout::offset(view.health, cursor, height, rows.len());
    let longest = rows.iter().map(|row| Clean::text(&row.target).width()).max().unwrap_or(0);
    let name = longest.clamp(8, (usize::from(inner.width) / 3).max(8));
    for ((place, row), y) in rows.iter().enumerate().skip(view.health).zip(inner.top()..inner.bottom()) {
        let line = Rect { y, height: 1, ..inner };
        let on = cursor == Some(place);
        pen.line(frame, line, strip(pen, row, snapshot.now.wall, name, usize::from(inner.width), on));
        if on && snapshot.focus == Pane::Health {
            frame.buffer_mut().set_style(line, pen.style(Role::UiSelection));
        }
        view.hit(line, Hit::Target(TargetId::of(row)));
    }
    let below = rows.len().saturating_sub(view.health + height);
    if below > 0 && area.height > 1 {
        let more = Strip::new().put(pen.style(Role::UiMuted), format!(" {below} more below ")).line();
        text::draw(&more, area.x.saturating_add(2), area.bottom().saturating_sub(1), area, frame.buffer_mut());
    }
}

/// One row: where the cursor is, what it is, how it stands, and how it went.
fn strip(pen: Pen<'_>, row: &Row, now: Wall, name: usize, width: usize, on: bool) -> Strip {
    let (role, word) = standing(row, now);
    let quiet = if role == Role::VerdictStale { Role::VerdictStale } else { Role::UiText };
    let mark = if on { pen.glyph("▌", ">") } else { " " };
    let strip = Strip::new().put(pen.style(Role::UiFocus), mark);
    let strip = badge(pen, strip, role, word, WORD);
    let start = strip.width();
    let target = Clean::text(&row.target);
    let target = if row.target.starts_with('/') { target.cut_front(name) } else { target.cut(name) };
    let strip = strip.put(pen.style(quiet), target).to(start + name + 2);
    let room = width.saturating_sub(strip.width() + 1);
    let says = Clean::text(&says(row, now));
    // What the row says comes first; the graph is there where it leaves room.
    let fits = says.width() + SPARK + 2 <= room;
    let graph = fits && !row.history.is_empty() && role != Role::VerdictStale && row.lost.is_none();
    let detail = match role {
        Role::VerdictOk => Role::UiText,
        other => other,
    };
    let strip = strip.put_within(room, pen.style(detail), says);
    if !graph {
        return strip;
    }
    let bars = spark(&row.history, SPARK, pen.glyph("u", "a") == "u");
    strip.right(width.saturating_sub(1), pen.style(Role::Graph1), bars)
}

/// A row's role and word: a reading too old to stand on is stale, and a lost or missing one unknown.
#[must_use]
pub fn standing(row: &Row, now: Wall) -> (Role, &'static str) {
    if row.is_stale(now) {
        return (Role::VerdictStale, "stale");
    }
    let verdict = row.verdict(now);
    (Role::from(verdict), verdict.word())
}

/// What the row says: its reading; or why there is none, and how old the last one is.
#[must_use]
pub fn says(row: &Row, now: Wall) -> String {
    let age = |at: Wall| quantity::age(now.since(at));
    match (&row.lost, &row.observation) {
        (Some((why, _)), Some(seen)) => format!("{why} · was {}, {} ago", seen.detail, age(seen.observed_at)),
        (Some((why, _)), None) => format!("{why} · never read"),
        (None, Some(seen)) if row.is_stale(now) => format!("{} old · was {}", age(seen.observed_at), seen.detail),
        (None, Some(seen)) => seen.detail.clone(),
        (None, None) => "not read yet".to_owned(),
    }
}
