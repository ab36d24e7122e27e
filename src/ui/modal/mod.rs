//! The dialogs. One frame for all: a title that says what is asked, the content, and the keys on the lower edge.
//!
//! ```text
//! ┏ DESTROY ━━ cell0 · PRODUCTION ━━ step 3 of 5 ━━━━━━━━━━━━━━━━━┓
//! ┃ Delete 1,284 files under data/sessions                        ┃
//! ┗ Esc leaves it open  Tab leaves the field ━━━━━━━━━━━━━━━━━━━━━┛
//! ```

mod details;
mod forms;
mod item;
mod leave;
mod lists;
mod plan;
mod prompt;
mod small;

use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::Modal;
use crate::app::model::Hit;
use crate::config::theme::Role;
use crate::domain::Row;
use crate::ui::ViewState;
use crate::ui::layout;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use crate::ui::widgets::frame::frame as draw_frame;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Clear;

/// The widest a dialog grows; longer lines are hard to read.
const WIDEST: u16 = 100;

/// What a dialog shows.
#[derive(Debug, Default)]
struct Dialog {
    /// What is asked, on the upper edge.
    title: Strip,
    /// The frame's role.
    role: Option<Role>,
    /// The lines that may scroll.
    body: Vec<Line<'static>>,
    /// The lines that never do: what is typed, and what came of it.
    foot: Vec<Line<'static>>,
    /// The keys, on the lower edge.
    keys: Vec<(Action, &'static str)>,
    /// How far the body is scrolled.
    scroll: u16,
    /// The line of the body to keep in sight.
    cursor: Option<usize>,
    /// Whether all of the body must be on the screen before anything can be confirmed.
    must_fit: bool,
}

/// Draws a dialog over the panes.
pub fn draw(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    modal: &Modal,
    snapshot: &Snapshot<'_>,
    view: &mut ViewState,
) {
    let width = usize::from(inner_width(area));
    let dialog = match modal {
        Modal::Line { .. } => return,
        Modal::Help { context, scroll } => details::help(pen, snapshot, *context, *scroll, width),
        Modal::Row { target, scroll } => details::row(pen, snapshot, target, *scroll, width),
        Modal::Step { step, scroll } => details::step(pen, snapshot, *step, *scroll, width),
        Modal::Item(dialog) => item::item(pen, snapshot, dialog, width),
        Modal::Notice { error, scroll } => details::notice(pen, error, *scroll, width),
        Modal::Palette(palette) => lists::palette(pen, snapshot, palette, width),
        Modal::Offers { target, offers, withheld, cursor, scroll } => {
            let name = snapshot.lists.row(target).map_or_else(|| target.name.clone(), Row::name);
            let list = lists::offers(pen, (target.kind, &name), (offers.as_deref(), withheld), *cursor, width);
            Dialog { scroll: *scroll, ..list }
        }
        Modal::Runs { cursor } => lists::runs(pen, snapshot, cursor.as_ref(), width),
        Modal::SetList(list) => {
            let rows = area.height.saturating_sub(5);
            lists::set(pen, list, usize::from(rows), width)
        }
        Modal::Script { listing, scroll, .. } => details::script(pen, listing, *scroll, width),
        Modal::Params(form) => forms::params(pen, form, width),
        Modal::Note(note) => return forms::note(pen, frame, area, note, snapshot, view),
        Modal::Plan { shown, scroll, sent } => plan::plan(pen, snapshot, shown, *scroll, *sent, width),
        Modal::Emergency(emergency) => small::emergency(pen, emergency, width),
        Modal::Prompt(dialog) => prompt::prompt(pen, snapshot, dialog, width),
        Modal::Abort { run, undo } => small::abort(pen, snapshot, run, *undo, width),
        Modal::Resume(run) => small::resume(pen, snapshot, run, width),
        Modal::Refused(why) => small::refused(pen, why, width),
        Modal::Leave => small::leave(pen, snapshot, width),
        Modal::LeaveDemo(leaving) => leave::demo(pen, snapshot, leaving, width),
    };
    show(pen, frame, area, dialog, snapshot, view);
}

fn inner_width(area: Rect) -> u16 {
    area.width.min(WIDEST).saturating_sub(2)
}

/// The area without the row of a waiting prompt's banner, where the dialog does not need that row.
fn below_banner(mut area: Rect, lines: usize, snapshot: &Snapshot<'_>) -> Rect {
    if snapshot.waiting.is_some() && lines + 3 <= usize::from(area.height) {
        layout::take_top(&mut area, 1);
    }
    area
}

/// The rectangle of a dialog with so many lines inside.
fn place(area: Rect, lines: usize) -> Rect {
    let width = area.width.min(WIDEST);
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let (x, y) = ((area.width - width) / 2, (area.height - height) / 2);
    Rect { x: area.x + x, y: area.y + y, width, height }
}

fn show(
    pen: Pen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    mut dialog: Dialog,
    snapshot: &Snapshot<'_>,
    view: &mut ViewState,
) {
    let (body, foot) = (dialog.body.len(), dialog.foot.len());
    let place = place(below_banner(area, body + foot, snapshot), body + foot);
    let inner = layout::inside(place);
    let room = usize::from(inner.height);
    let needed_rows = if dialog.must_fit { body + foot } else { foot + body.min(3) };
    let whole = needed_rows <= room;
    if dialog.must_fit && !whole {
        dialog.foot = too_small(pen, area, needed_rows, usize::from(inner.width));
    }
    let foot = dialog.foot.len().min(room);
    let rows = room - foot;
    view.seen.whole = whole;
    view.seen.needed = (area.width, u16::try_from(needed_rows).unwrap_or(u16::MAX).saturating_add(area.y + 2));
    view.seen.page_rows = u16::try_from(rows).unwrap_or(u16::MAX);
    let end = body.saturating_sub(rows);
    view.seen.scroll_end = u16::try_from(end).unwrap_or(u16::MAX);
    let top = match dialog.cursor {
        Some(cursor) => layout::offset(view.list, Some(cursor), rows, body),
        None => usize::from(dialog.scroll).min(end),
    };
    view.list = if dialog.cursor.is_some() { top } else { 0 };
    view.hit(place, Hit::Dialog);
    frame.render_widget(Clear, place);
    frame.buffer_mut().set_style(place, pen.style(Role::UiText));
    let more = if end > 0 && top < end { format!(" {} more lines below ", end - top) } else { String::new() };
    let more = Strip::new().put(pen.style(Role::UiMuted), more);
    let keys = keys(pen, snapshot, &dialog.keys, usize::from(inner.width));
    draw_frame(pen, frame, place, (dialog.role.unwrap_or(Role::UiFocus), true), dialog.title, more, keys);
    let mut body_area = inner;
    let foot_area = layout::take_bottom(&mut body_area, u16::try_from(foot).unwrap_or(0));
    pen.lines(frame, body_area, dialog.body.iter().skip(top));
    pen.lines(frame, foot_area, &dialog.foot);
}

/// The keys on the lower edge; those that act are left out of a read-only console.
fn keys(pen: Pen<'_>, snapshot: &Snapshot<'_>, keys: &[(Action, &'static str)], width: usize) -> Strip {
    let may = |(action, _): &&(Action, &'static str)| !(snapshot.read_only && action.acts());
    let keys: Vec<_> = keys.iter().filter(may).copied().collect();
    if keys.is_empty() { Strip::new() } else { pen.keys(snapshot.keymap, &keys, width) }
}

fn too_small(pen: Pen<'_>, area: Rect, rows: usize, width: usize) -> Vec<Line<'static>> {
    let (columns, rows) = (area.width, rows + usize::from(area.y) + 2);
    let words = format!("Nothing can be confirmed here: all of this needs {columns}x{rows}. Make the terminal larger.");
    pen.sentence(Role::UiPrompt, words, width)
}

/// A title: ` WORD ── what ── where `.
fn title(pen: Pen<'_>, parts: impl IntoIterator<Item = (Role, crate::ui::text::Piece)>) -> Strip {
    let dash = pen.glyph(" ━━ ", " == ");
    let mut strip = Strip::new().gap(1);
    for (place, (role, piece)) in parts.into_iter().enumerate() {
        if place > 0 {
            strip = strip.put(pen.style(Role::UiMuted), dash);
        }
        strip = strip.put_within(60, pen.style(role), piece);
    }
    strip.gap(1)
}
