//! Whether to leave the demo: it is kept, or removed with its runs and their reports.
//!
//! Keeping takes a key; removing takes a phrase, because what is removed is there nowhere else.

use crate::app::confirm;
use crate::app::effect::{Effect, Query, Screen};
use crate::app::field::Field;
use crate::app::modal::Modal;
use crate::app::modal::ask::NOT_WHOLE;
use crate::app::modal::scroll::scroll_in_text;
use crate::app::model::Model;
use crate::app::msg::RunSummary;
use crate::domain::key::{Key, KeyCode};

/// What may become of the demo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// It stays as it is.
    #[default]
    Keep,
    /// It goes, with all that lies in it.
    Remove,
}

/// The dialog.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// What the key or the phrase does.
    pub choice: Choice,
    /// The phrase, as typed so far.
    pub field: Field,
    /// Why nothing was done.
    pub hint: Option<String>,
    /// The first row on the screen.
    pub scroll: u16,
}

/// The runs of the demo: how many there are, and how many of them are not over.
#[must_use]
pub fn counts(runs: &[RunSummary]) -> (usize, usize) {
    (runs.len(), runs.iter().filter(|run| !run.status.is_over()).count())
}

/// Asks, and has the runs listed again.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.open(Modal::LeaveDemo(Box::default()));
    vec![Effect::Query(Query::ListRuns)]
}

/// Chooses; nothing is removed while a run is not over, or while it is not known which runs there are.
pub fn choose(model: &mut Model, by: isize) {
    let may_remove = model.runs.as_deref().map(counts).is_some_and(|(_, live)| live == 0);
    let Some(Modal::LeaveDemo(leaving)) = model.modal_mut() else { return };
    let choice = if by > 0 && may_remove { Choice::Remove } else { Choice::Keep };
    if leaving.choice != choice {
        **leaving = Leaving { choice, scroll: leaving.scroll, ..Leaving::default() };
        model.note_move();
    }
}

/// Takes a key while the phrase is typed.
pub fn typed(model: &mut Model, key: Key) -> Vec<Effect> {
    match key.code {
        KeyCode::Up | KeyCode::BackTab => choose(model, -1),
        KeyCode::Enter => return remove(model),
        KeyCode::PageUp | KeyCode::PageDown => return scroll_in_text(model, key),
        _ => {
            if let Some(Modal::LeaveDemo(leaving)) = model.modal_mut() {
                leaving.hint = None;
                leaving.field.take(key);
            }
        }
    }
    Vec::new()
}

fn remove(model: &mut Model) -> Vec<Effect> {
    let (authority, whole) = (model.authority.clone(), model.is_whole());
    let counts = model.runs.as_deref().map(counts);
    let unread = model.unread();
    let Some(Modal::LeaveDemo(leaving)) = model.modal_mut() else { return Vec::new() };
    let removal = match (authority, counts) {
        _ if !whole => Err(NOT_WHOLE),
        _ if unread.is_some() => Err(unread.as_deref().unwrap_or_default()),
        (Some(authority), Some((runs, 0))) => confirm::remove_demo(&authority, runs, leaving.field.text())
            .ok_or("the phrase does not match; nothing was removed"),
        _ => Err("a run is not over; nothing was removed"),
    };
    match removal {
        Ok(removal) => vec![Effect::Screen(Screen::Remove(removal))],
        Err(why) => {
            leaving.hint = Some(why.to_owned());
            Vec::new()
        }
    }
}
