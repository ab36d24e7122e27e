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
use crate::app::model::{Hit, Missing, missing_after};
use crate::app::reading::TextShown;
use crate::config::theme::Role;
use crate::ui::ViewState;
use crate::ui::layout;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use crate::ui::widgets::frame::frame as draw_frame;
use crate::ui::wrap::wrap;
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
    /// The title, where all of it stands on the edge.
    edge: Body,
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
    let width = usize::from(super::inner_width(area));
    if dialog.must_read && dialog.title.width() > width {
        // The edge cuts it.
        dialog.head.prepend(title_rows(&dialog, width));
    }
    // Where a cursor moves, no key turns pages.
    let (title, pages) = (dialog.title.clone(), dialog.cursor.is_none());
    let role = dialog.role.unwrap_or(Role::UiFocus);
    let (keys_shown, must_read, items) =
        (std::mem::take(&mut dialog.keys), dialog.must_read, std::mem::take(&mut dialog.items));
    let (place, fitted) = lay_out_read(pen, area, dialog, snapshot, view);
    let inner = layout::inside(place);
    let (all, rows) = (fitted.body.len(), fitted.rows.clone());
    let seen = &mut view.seen;
    seen.whole = fitted.whole;
    seen.needed = (area.width, u16::try_from(fitted.needed).unwrap_or(u16::MAX).saturating_add(area.y + 2));
    seen.page_rows = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    seen.scroll_end = u16::try_from(all - rows.len()).unwrap_or(u16::MAX);
    seen.items = items;
    if must_read {
        seen.text = fitted.text(usize::from(inner.width));
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
    fitted.draw(pen, frame, inner);
}

/// Lays a dialog out; where not all of it was read once this frame is seen, a line says so before any key is pressed.
fn lay_out_read(
    pen: Pen<'_>,
    area: Rect,
    dialog: Dialog,
    snapshot: &Snapshot<'_>,
    view: &mut ViewState,
) -> (Rect, Fitted) {
    let must_read = dialog.must_read;
    let noticed = (must_read && !snapshot.read_only).then(|| dialog.clone());
    let (place, mut fitted) = lay_out(pen, area, dialog, snapshot, view);
    let width = usize::from(layout::inside(place).width);
    if !fitted.whole && must_read {
        (fitted.foot, fitted.hint) = (too_small(pen, area, fitted.needed, width), Vec::new());
        return (place, fitted);
    }
    let missing = missing_after(snapshot, &fitted.text(width));
    let Some((mut dialog, missing)) = noticed.zip(missing) else { return (place, fitted) };
    let lines = notice(pen, missing, width);
    let (blank, height) = (usize::from(dialog.foot.first().is_some_and(|line| line.width() == 0)), lines.len());
    dialog.foot.splice(..blank, lines);
    let (with_place, mut with_notice) = lay_out(pen, area, dialog, snapshot, view);
    // Its own rows took some from the lines that it counts.
    let lines = missing_after(snapshot, &with_notice.text(width)).map(|missing| notice(pen, missing, width));
    if let Some(lines) = lines.filter(|lines| lines.len() == height && with_notice.foot.len() >= height) {
        with_notice.foot.splice(..height, lines);
    }
    // Where there is no row for it, the sign on the edge must do.
    if with_notice.whole && !with_notice.rows.is_empty() { (with_place, with_notice) } else { (place, fitted) }
}

/// What is still to be read, and that nothing counts before.
fn notice(pen: Pen<'_>, missing: Missing, width: usize) -> Vec<Line<'static>> {
    let whole = format!("{}; nothing is confirmed before", missing.notice);
    let words = if whole.chars().count() + 2 > width { missing.notice } else { whole };
    pen.sentence(Role::VerdictWarn, words, width)
}

/// The title as a line of its own.
fn title_rows(dialog: &Dialog, width: usize) -> Body {
    let mut whole = Body::default();
    whole.line(wrap(&dialog.title.clone().line(), width, 1));
    whole
}

fn lay_out(pen: Pen<'_>, area: Rect, dialog: Dialog, snapshot: &Snapshot<'_>, view: &mut ViewState) -> (Rect, Fitted) {
    let lines = dialog.head.len() + dialog.body.len() + dialog.foot.len();
    let width = usize::from(super::inner_width(area));
    let hint = hint(pen, &dialog, snapshot, (lines, width), area);
    let place = place(below_banner(area, lines + hint.len(), snapshot), lines + hint.len());
    let height = usize::from(layout::inside(place).height);
    // Whole on the edge, the title is read there.
    let edge = if dialog.title.width() > width { Body::default() } else { title_rows(&dialog, width) };
    (place, Fitted { edge, ..fit(dialog, hint, height, view) })
}

impl Fitted {
    /// What of it a frame shows, at a width.
    fn text(&self, width: usize) -> TextShown {
        let mut equal = HashMap::new();
        let fixed = self.edge.shown(&mut equal).into_iter().chain(self.head.shown(&mut equal));
        let fixed = fixed.map(|line| line.id).collect();
        TextShown { width, lines: self.body.shown(&mut equal), rows: self.rows.clone(), fixed }
    }

    /// Draws it into the inside of a frame.
    fn draw(&self, pen: Pen<'_>, frame: &mut Frame<'_>, inner: Rect) {
        let mut rest = inner;
        let part = |lines: usize| u16::try_from(lines).unwrap_or(0);
        let head_area = layout::take_top(&mut rest, part(self.head.len()));
        let hint_area = layout::take_bottom(&mut rest, part(self.hint.len()));
        let foot_area = layout::take_bottom(&mut rest, part(self.foot.len()));
        pen.lines(frame, head_area, self.head.rows());
        pen.lines(frame, rest, self.body.rows().iter().skip(self.rows.start).take(self.rows.len()));
        pen.lines(frame, foot_area, &self.foot);
        pen.lines(frame, hint_area, &self.hint);
    }
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
    let notice = snapshot.notice.filter(|_| hides_footer).unwrap_or_default();
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
    // What came of the last key leaves a row to read in.
    hint.truncate((room - foot.len()).saturating_sub(usize::from(must_read)));
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
    Fitted { edge: Body::default(), rows: top..(top + rows).min(body.len()), head, body, foot, hint, whole, needed }
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
