//! Moving in a dialog: its cursor, its choices, its pages and its lines.

use crate::app::effect::{Effect, Query};
use crate::app::modal::{Modal, leave as leaving};
use crate::app::model::Model;
use crate::app::problems;
use crate::domain::key::{Key, KeyCode};
use crate::journal::record::Ask;

/// Scrolls the lines of the topmost dialog by a page or to an end, also where single steps choose.
pub(super) fn turn_page(model: &mut Model, by: isize) -> Vec<Effect> {
    if model.modal().is_some_and(Modal::has_choices) {
        scroll_lines(model, by);
        return Vec::new();
    }
    scroll(model, by)
}

/// Scrolls beside a text that is being typed, by keys that are no letters.
pub(super) fn scroll_in_text(model: &mut Model, key: Key) -> Vec<Effect> {
    let page = isize::try_from(model.page()).unwrap_or(1);
    match key.code {
        KeyCode::PageDown => turn_page(model, page),
        KeyCode::PageUp => turn_page(model, -page),
        _ if model.modal().is_some_and(Modal::has_choices) => Vec::new(),
        KeyCode::Down => scroll(model, 1),
        _ => scroll(model, -1),
    }
}

/// Moves the cursor or the lines of the topmost dialog.
pub fn scroll(model: &mut Model, by: isize) -> Vec<Effect> {
    let end = model.seen().scroll_end;
    let ids: Vec<_> = model.runs.iter().flatten().map(|summary| summary.id.clone()).collect();
    let pending_undos = has_undo_left(model);
    match model.modal_mut() {
        Some(Modal::Offers { offers: Some(offers), cursor, .. }) if !offers.is_empty() => {
            let moved = cursor.map_or(0, |cursor| cursor.saturating_add_signed(by));
            *cursor = Some(moved.min(offers.len().saturating_sub(1)));
        }
        Some(Modal::Procedures { list: Some(list), cursor }) if !list.is_empty() => {
            let moved = cursor.map_or(0, |cursor| cursor.saturating_add_signed(by));
            *cursor = Some(moved.min(list.len().saturating_sub(1)));
        }
        Some(Modal::Runs { cursor }) => {
            let at = cursor.as_ref().and_then(|id| ids.iter().position(|other| other == id));
            let place = at.map_or(0, |at| at.saturating_add_signed(by)).min(ids.len().saturating_sub(1));
            *cursor = ids.get(place).cloned();
        }
        Some(Modal::Problems { .. }) => problems::step(model, by),
        Some(Modal::LeaveDemo(_)) => leaving::choose(model, by),
        Some(Modal::Abort { undo, .. }) => {
            *undo = Some(by > 0 && pending_undos && undo.is_some());
            model.note_move();
        }
        Some(Modal::Prompt(dialog)) if matches!(dialog.prompt.ask, Ask::Decide { .. }) => {
            dialog.choose(by);
            model.note_move();
        }
        Some(Modal::Prompt(dialog)) if dialog.leaves_page(by, end) => {
            dialog.turn(by);
            model.note_move();
        }
        Some(Modal::SetList(_)) => return scroll_set(model, by),
        Some(_) => scroll_lines(model, by),
        None => {}
    }
    Vec::new()
}

/// Moves the lines of the topmost dialog.
fn scroll_lines(model: &mut Model, by: isize) {
    let end = model.seen().scroll_end;
    let Some(modal) = model.modal_mut() else { return };
    let guarded = modal.is_guarded();
    let has_hint = modal.hint_mut().map(Option::take).is_some();
    if let Some(scroll) = modal.scroll_mut() {
        let moved = isize::try_from((*scroll).min(end)).unwrap_or(0).saturating_add(by);
        *scroll = u16::try_from(moved.max(0)).unwrap_or(u16::MAX).min(end);
    }
    if guarded {
        // What was said of the last key gives its row back.
        if !has_hint {
            model.notice = None;
        }
        model.scrolled();
    }
}

/// Moves the items of a frozen set by rows, and asks for more of them where the window ends.
fn scroll_set(model: &mut Model, by: isize) -> Vec<Effect> {
    let rows = model.size.1.max(1);
    let visible = u64::from(model.seen().page_rows.max(1));
    let items = model.seen().items.clone();
    let Some(Modal::SetList(list)) = model.modal_mut() else { return Vec::new() };
    let total = list.total.unwrap_or(0);
    (list.top, list.skip) = match by {
        isize::MAX => (total.saturating_sub(1), usize::MAX),
        _ => items.scrolled((list.top, list.skip), by, total),
    };
    let end = list.from + list.items.len() as u64;
    let wanted = (list.top + visible).min(total);
    if list.top >= list.from && wanted <= end && (list.from == 0 || list.top >= list.from + visible) {
        return Vec::new();
    }
    let from = list.top.saturating_sub(u64::from(rows));
    let (run, set) = (list.run.clone(), list.set.clone());
    vec![Effect::Query(Query::ListSet { run, set, from, rows: rows.saturating_mul(3) })]
}

fn has_undo_left(model: &Model) -> bool {
    let Some(Modal::Abort { run, .. }) = model.modal() else { return false };
    model.followed(run).and_then(|pane| pane.view.as_ref()).is_some_and(|view| !view.pending_undos().is_empty())
}
