//! Moving between the panes and in them, and the order of their rows.

use crate::app::effect::Effect;
use crate::app::keymap::Action;
use crate::app::model::{Model, Pane};
use crate::app::panes::{checklist, log, run};

/// Moves the keys to another pane.
pub(super) fn to_pane(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::NextPane => return turn(model, 1),
        Action::PreviousPane => return turn(model, Pane::ALL.len() - 1),
        Action::Pane2 => model.focus = Pane::Backups,
        Action::Pane3 => model.focus = Pane::Certificates,
        Action::Pane4 => model.focus = Pane::Bloat,
        Action::Pane5 => return go(model, Pane::Checklist),
        Action::Pane6 => return run::enter(model),
        Action::Pane7 | Action::Log => return log::open(model),
        _ => model.focus = Pane::Health,
    }
    Vec::new()
}

/// Moves to a pane.
fn go(model: &mut Model, pane: Pane) -> Vec<Effect> {
    model.focus = pane;
    checklist::point_at_prompt(model);
    checklist::entered(model)
}

pub(super) fn page(model: &Model) -> isize {
    let rows = if model.focus == Pane::Log { model.seen().log_rows.saturating_sub(1).max(1) } else { model.page() };
    isize::try_from(rows).unwrap_or(1)
}

fn turn(model: &mut Model, by: usize) -> Vec<Effect> {
    let at = Pane::ALL.iter().position(|other| *other == model.focus).unwrap_or(0);
    model.focus = Pane::ALL.iter().cycle().nth(at + by).copied().unwrap_or(model.focus);
    checklist::entered(model)
}

/// Moves the cursor of a pane, or the lines of the log.
pub fn move_in(model: &mut Model, pane: Pane, by: isize) -> Vec<Effect> {
    let list = pane.section().map(|section| model.lists.of_mut(section));
    match (pane, list) {
        (_, Some(list)) if by == isize::MAX => list.go(usize::MAX),
        (_, Some(list)) if by == isize::MIN + 1 => list.go(0),
        (_, Some(list)) => list.step(by),
        (Pane::Log, None) if by == isize::MAX => return log::follow(model),
        (Pane::Log, None) => return log::scroll(model, i64::try_from(by).unwrap_or(0)),
        (Pane::Checklist, None) => {
            model.checklist.step_by(by);
        }
        (_, None) => {
            model.run.step_by(by);
            return log::attend(model);
        }
    }
    Vec::new()
}

/// Sorts the focused pane by the next column, or the other way round.
pub(super) fn sort(model: &mut Model, action: Action) {
    let Some(section) = model.focus.section() else {
        return model.notify("steps stand in the order in which they run");
    };
    let now = model.now.wall;
    let list = model.lists.of_mut(section);
    if action == Action::Reverse {
        list.reverse(now);
    } else {
        list.sort_by(list.sort().next(section), now);
    }
    let reversed = if list.is_reversed() { ", reversed" } else { "" };
    let text = format!("{}: {}{reversed}", section.word(), list.sort().word(section));
    model.notify(text);
}
