//! The dialogs. One frame for all: a title that says what is asked, the content, and the keys on the lower edge.
//!
//! ```text
//! ┏ DESTROY ━━ cell0 · PRODUCTION ━━ step 3 of 5 ━━━━━━━━━━━━━━━━━┓
//! ┃ Delete 1,284 files under data/sessions                        ┃
//! ┗ Esc leaves it open  Tab leaves the field ━━━━━━━━━━━━━━━━━━━━━┛
//! ```

mod body;
mod details;
mod forms;
mod help;
mod item;
mod leave;
mod lists;
mod plan;
mod procedures;
mod prompt;
mod row;
mod show;
mod small;

use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::Modal;
use crate::app::reading::ItemsShown;
use crate::config::theme::Role;
use crate::domain::Row;
use crate::ui::ViewState;
use crate::ui::layout;
use crate::ui::modal::body::Body;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The widest a dialog grows; longer lines are hard to read.
const WIDEST: u16 = 100;

/// What a dialog shows.
#[derive(Clone, Debug, Default)]
struct Dialog {
    /// What is asked, on the upper edge.
    title: Strip,
    /// The frame's role.
    role: Option<Role>,
    /// What it is about, above the lines that scroll where there is room for both.
    head: Body,
    /// The lines that may scroll.
    body: Body,
    /// The lines that never do: what is typed, and which key does what.
    foot: Vec<Line<'static>>,
    /// What came of the last key; empty, it keeps its row where there is one.
    hint: Option<String>,
    /// The keys, on the lower edge.
    keys: Vec<(Action, &'static str)>,
    /// How far the body is scrolled.
    scroll: u16,
    /// The line of the body to keep in sight.
    cursor: Option<usize>,
    /// Whether all of it must have been on the screen before anything can be confirmed.
    must_read: bool,
    /// The items of a frozen set.
    items: ItemsShown,
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
        Modal::Help { context, scroll } => help::help(pen, snapshot, *context, *scroll, width),
        Modal::Row(dialog) => row::row(pen, snapshot, dialog, width),
        Modal::Problems { cursor } => lists::problems(pen, snapshot, cursor.as_ref(), width),
        Modal::Step { step, scroll } => details::step(pen, snapshot, *step, *scroll, width),
        Modal::Item(dialog) => item::item(pen, snapshot, dialog, width),
        Modal::Notice { error, scroll } => details::notice(pen, error, *scroll, width),
        Modal::Palette(palette) => lists::palette(pen, snapshot, palette, (width, usize::from(area.height))),
        Modal::Offers { target, offers, withheld, cursor, scroll } => {
            let name = snapshot.lists.row(target).map_or_else(|| target.name.clone(), Row::name);
            let list = lists::offers(pen, (target.kind, &name), (offers.as_deref(), withheld), *cursor, width);
            Dialog { scroll: *scroll, ..list }
        }
        Modal::Procedures { list, cursor } => procedures::list(pen, snapshot, list.as_deref(), *cursor, width),
        Modal::Runs { cursor } => lists::runs(pen, snapshot, cursor.as_ref(), width),
        Modal::SetList(list) => {
            let rows = area.height.saturating_sub(5);
            lists::set(pen, list, usize::from(rows), width)
        }
        Modal::Script { listing, scroll } => details::script(pen, listing, *scroll, width),
        Modal::Params(form) => forms::params(pen, form, width),
        Modal::Note(note) => return forms::note(pen, frame, area, note, snapshot, view),
        Modal::Plan { shown, scroll, sent } => plan::plan(pen, snapshot, shown, *scroll, *sent, width),
        Modal::Emergency(emergency) => small::emergency(pen, snapshot, emergency, width),
        Modal::Prompt(dialog) => prompt::prompt(pen, snapshot, dialog, width),
        Modal::Abort { run, undo, scroll } => {
            Dialog { scroll: *scroll, ..small::abort(pen, snapshot, run, *undo, width) }
        }
        Modal::Resume { run, scroll } => Dialog { scroll: *scroll, ..small::resume(pen, snapshot, run, width) },
        Modal::Refused(why) => small::refused(pen, why, width),
        Modal::Leave => small::leave(pen, snapshot, width),
        Modal::LeaveDemo(leaving) => leave::demo(pen, snapshot, leaving, width),
    };
    show::show(pen, frame, area, dialog, snapshot, view);
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

/// The keys on the lower edge; those that act are left out of a read-only console.
fn keys(pen: Pen<'_>, snapshot: &Snapshot<'_>, keys: &[(Action, &'static str)], width: usize) -> Strip {
    let may = |(action, _): &&(Action, &'static str)| !(snapshot.read_only && action.acts());
    let keys: Vec<_> = keys.iter().filter(may).copied().collect();
    if keys.is_empty() { Strip::new() } else { pen.keys(snapshot.keymap, &keys, width) }
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
