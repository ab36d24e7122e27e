//! Puts a dialog onto the screen: what does not fit scrolls, and a sign on the edge says which rows of how many are in sight.
//!
//! ```text
//! ┏ □ CHANGE ━━ cell0 · STAGING ━━ step 2 of 5 ━━━━━━━━ rows 1–9 of 52 · PgDn ┓
//! ┃ Move 40 files to the archive                                             ┃  the head stays
//! ┃ where     cell0-stage-1:/srv/cell0/data                                  ┃  the body scrolls
//! ┃ Press  c  to confirm this change. Enter does nothing.                    ┃  the foot stays
//! ┗ Esc leaves it open  v full list ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

use super::body::Body;
use super::{Dialog, below_banner, keys, place};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::model::Hit;
use crate::app::reading::TextShown;
use crate::config::theme::Role;
use crate::ui::ViewState;
use crate::ui::layout;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use crate::ui::widgets::frame::frame as draw_frame;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Clear;
use std::collections::HashMap;
use std::ops::Range;

/// The fewest rows of the body beside a head that stays.
const BESIDE_HEAD: usize = 3;

/// The parts of a dialog, cut to what the screen has room for.
struct Fitted {
    head: Body,
    body: Body,
    foot: Vec<Line<'static>>,
    /// What came of the last key.
    hint: Vec<Line<'static>>,
    /// The rows of the body on the screen.
    rows: Range<usize>,
    /// Whether the foot stands whole, with a row at least to read the body in.
    whole: bool,
    /// The rows inside of a frame that would hold it.
    needed: usize,
}

pub(super) fn show(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    mut dialog: Dialog,
    snapshot: &Snapshot<'_>,
    view: &mut ViewState,
) {
    let lines = dialog.head.len() + dialog.body.len() + dialog.foot.len();
    let width = usize::from(super::inner_width(area));
    let hint = hint(pen, &dialog, snapshot, (lines, width), area);
    let place = place(below_banner(area, lines + hint.len(), snapshot), lines + hint.len());
    let inner = layout::inside(place);
    // Where a cursor moves, no key turns pages.
    let (title, pages) = (std::mem::take(&mut dialog.title), dialog.cursor.is_none());
    let role = dialog.role.unwrap_or(Role::UiFocus);
    let (keys_shown, must_read, items) =
        (std::mem::take(&mut dialog.keys), dialog.must_read, std::mem::take(&mut dialog.items));
    let mut fitted = fit(dialog, hint, usize::from(inner.height), view);
    if !fitted.whole && must_read {
        (fitted.foot, fitted.hint) = (too_small(pen, area, fitted.needed, usize::from(inner.width)), Vec::new());
    }
    let (all, rows) = (fitted.body.len(), fitted.rows.clone());
    let seen = &mut view.seen;
    seen.whole = fitted.whole;
    seen.needed = (area.width, u16::try_from(fitted.needed).unwrap_or(u16::MAX).saturating_add(area.y + 2));
    seen.page_rows = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    seen.scroll_end = u16::try_from(all - rows.len()).unwrap_or(u16::MAX);
    seen.items = items;
    if must_read {
        let mut equal = HashMap::new();
        let fixed = fitted.head.shown(&mut equal).iter().map(|line| line.id).collect();
        let lines = fitted.body.shown(&mut equal);
        seen.text = TextShown { width: usize::from(inner.width), lines, rows: rows.clone(), fixed };
    }
    view.hit(place, Hit::Dialog);
    frame.render_widget(Clear, place);
    frame.buffer_mut().set_style(place, pen.style(Role::UiText));
    let (sign, room) = (sign(pen, snapshot, (&rows, all), pages), usize::from(inner.width));
    // Beside the title, or else on the lower edge: what scrolls always says so.
    let (above, below) = if title.width() + sign.width() < room { (sign, Strip::new()) } else { (Strip::new(), sign) };
    let keys = keys(pen, snapshot, &keys_shown, room.saturating_sub(below.width()));
    draw_frame(pen, frame, place, (role, true), title, above, keys);
    let edge = Rect {
        x: inner.right().saturating_sub(u16::try_from(below.width()).unwrap_or(0)),
        y: place.bottom().saturating_sub(1),
        width: u16::try_from(below.width()).unwrap_or(0),
        height: 1,
    };
    pen.line(frame, edge, below);
    let mut rest = inner;
    let part = |lines: usize| u16::try_from(lines).unwrap_or(0);
    let head_area = layout::take_top(&mut rest, part(fitted.head.len()));
    let hint_area = layout::take_bottom(&mut rest, part(fitted.hint.len()));
    let foot_area = layout::take_bottom(&mut rest, part(fitted.foot.len()));
    pen.lines(frame, head_area, fitted.head.rows());
    pen.lines(frame, rest, fitted.body.rows().iter().skip(rows.start).take(rows.len()));
    pen.lines(frame, foot_area, &fitted.foot);
    pen.lines(frame, hint_area, &fitted.hint);
}

/// What came of the last key; a dialog that hides the line at the foot of the screen says itself what would stand there.
fn hint(
    pen: Pen<'_>,
    dialog: &Dialog,
    snapshot: &Snapshot<'_>,
    (lines, width): (usize, usize),
    area: Rect,
) -> Vec<Line<'static>> {
    let hides_footer = lines + 2 >= usize::from(area.height);
    let notice = snapshot.notice.filter(|_| hides_footer && dialog.must_read).unwrap_or_default();
    let text = dialog.hint.as_deref().filter(|hint| !hint.is_empty()).unwrap_or(notice);
    let keeps_row = dialog.hint.is_some() && !hides_footer;
    if text.is_empty() && !keeps_row {
        return Vec::new();
    }
    pen.sentence(Role::VerdictWarn, text.to_owned(), width)
}

/// Shares the rows out: the foot first, then what came of the last key, then the head where enough is left for the body.
fn fit(dialog: Dialog, mut hint: Vec<Line<'static>>, room: usize, view: &mut ViewState) -> Fitted {
    let Dialog { head, mut body, mut foot, must_read, cursor, scroll, .. } = dialog;
    let needed = foot.len() + if must_read { 1 } else { (head.len() + body.len()).min(BESIDE_HEAD) };
    let whole = needed <= room;
    foot.truncate(room);
    hint.truncate(room - foot.len());
    let left = room - foot.len() - hint.len();
    let head = if head.len() + body.len().min(BESIDE_HEAD) <= left {
        head
    } else {
        body.prepend(head);
        Body::default()
    };
    let rows = (left - head.len()).min(body.len());
    let end = body.len() - rows;
    let top = match cursor {
        Some(cursor) => layout::offset(view.list, Some(cursor), rows, body.len()),
        None => usize::from(scroll).min(end),
    };
    view.list = if cursor.is_some() { top } else { 0 };
    Fitted { rows: top..(top + rows).min(body.len()), head, body, foot, hint, whole, needed }
}

/// ` rows 1–9 of 52 · PgDn `, where not all of them are in sight.
fn sign(pen: Pen<'_>, snapshot: &Snapshot<'_>, (rows, all): (&Range<usize>, usize), pages: bool) -> Strip {
    if rows.len() >= all {
        return Strip::new();
    }
    let key = snapshot.keymap.brief(if rows.end < all { Action::PageDown } else { Action::PageUp });
    let (first, last) = (rows.start + 1, rows.end);
    let shown = if first < last { format!("rows {first}–{last} of {all}") } else { format!("row {last} of {all}") };
    let strip = Strip::new().gap(1).put(pen.style(Role::UiMuted), shown);
    if !pages {
        return strip.gap(1);
    }
    strip.put(pen.style(Role::UiMuted), " · ").put(pen.style(Role::UiKey), key).gap(1)
}

fn too_small(pen: Pen<'_>, area: Rect, rows: usize, width: usize) -> Vec<Line<'static>> {
    let (columns, rows) = (area.width, rows + usize::from(area.y) + 2);
    let words = format!("Nothing can be confirmed here: this needs {columns}x{rows}. Make the terminal larger.");
    pen.sentence(Role::UiPrompt, words, width)
}
