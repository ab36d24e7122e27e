//! What is still to be read before the topmost dialog can commit to anything, and which key goes on.

use super::Model;
use crate::app::Snapshot;
use crate::app::keymap::{Action, Keymap};
use crate::app::modal::Modal;
use crate::app::reading::{Gap, Part, Reading, TextShown};

impl Model {
    /// Takes note of the lines that a frame showed; `true` where one of them is new.
    pub(super) fn reads(&mut self, shown: &TextShown) -> bool {
        match part_on_screen(&self.modals) {
            Some(part) => self.reading.take(part, shown),
            None => false,
        }
    }

    /// What was read of the open dialogs.
    pub(crate) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// What of the topmost dialog was not read yet, and the key that goes on; `None` where all of it was on the screen.
    #[must_use]
    pub fn unread(&self) -> Option<String> {
        missing(&self.modals, &self.reading, &self.keymap).map(|missing| missing.refusal)
    }
}

/// What of a dialog was not on the screen yet, in the two sentences that are made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Why a key that confirms did not count.
    pub refusal: String,
    /// What the dialog says before such a key is pressed.
    pub notice: String,
}

/// Which text of which dialog is on the screen. A script belongs to the prompt that it was opened from.
fn part_on_screen(modals: &[Modal]) -> Option<(usize, Part)> {
    let top = modals.len().checked_sub(1)?;
    match modals.last()? {
        Modal::Prompt(dialog) => Some((top, Part::Page(dialog.page))),
        Modal::Script { .. } => {
            let below = top.checked_sub(1)?;
            let Some(Modal::Prompt(dialog)) = modals.get(below) else { return None };
            Some((below, Part::Script(dialog.page)))
        }
        modal if modal.is_guarded() => Some((top, Part::Page(0))),
        _ => None,
    }
}

/// What of the topmost dialog is still to be read once a frame with these lines was sent.
#[must_use]
pub fn missing_after(snapshot: &Snapshot<'_>, shown: &TextShown) -> Option<Missing> {
    let mut reading = snapshot.reading.clone();
    if let Some(part) = part_on_screen(snapshot.modals) {
        reading.take(part, shown);
    }
    missing(snapshot.modals, &reading, snapshot.keymap)
}

fn missing(modals: &[Modal], reading: &Reading, keymap: &Keymap) -> Option<Missing> {
    let top = modals.len().checked_sub(1)?;
    match modals.last()? {
        Modal::Prompt(dialog) => {
            let texts = (0..dialog.pages()).flat_map(|page| {
                let script = dialog.has_long_text(page).then_some(Part::Script(page));
                [Some(Part::Page(page)), script].into_iter().flatten()
            });
            let on = Keys { keymap, in_field: dialog.in_field };
            texts.into_iter().find_map(|part| missing_part(reading, on, (top, part), dialog.page))
        }
        modal if modal.is_guarded() => {
            let on = Keys { keymap, in_field: false };
            missing_part(reading, on, (top, Part::Page(0)), 0)
        }
        _ => None,
    }
}

fn missing_part(reading: &Reading, on: Keys<'_>, of: (usize, Part), sight: usize) -> Option<Missing> {
    let gap = reading.gap(of);
    if reading.is_begun(of) && gap.is_none() {
        return None;
    }
    let rows = gap.map(|gap| match (gap.rows.start + 1, gap.rows.end) {
        (first, last) if first == last => format!("row {first} was"),
        (first, last) => format!("rows {first}–{last} were"),
    });
    let refusal = match (of.1, rows, gap) {
        (Part::Page(page), Some(rows), Some(gap)) if page == sight => {
            let key = on.keymap.brief(if gap.above { Action::PageUp } else { Action::PageDown });
            let notice = notice(gap, &key);
            return Some(Missing { refusal: format!("{rows} not on the screen yet: {key} goes there"), notice });
        }
        (Part::Page(page), ..) => {
            let action = if page < sight { Action::Up } else { Action::Down };
            format!("page {} was not on the screen yet: {}", page + 1, on.then(action, "turns to it"))
        }
        (Part::Script(page), ..) if page != sight => {
            let action = if page < sight { Action::Up } else { Action::Down };
            let turns = on.then(action, "turns to it");
            format!("the text of page {} was not on the screen yet: {turns}", page + 1)
        }
        (Part::Script(_), rows, _) => {
            let what = rows.map_or_else(|| "the text was".to_owned(), |rows| format!("the text's {rows}"));
            format!("{what} not on the screen yet: {}", on.then(Action::ListSet, "shows it"))
        }
    };
    Some(Missing { notice: refusal.clone(), refusal })
}

/// `12 more lines below: PgDn shows them`.
fn notice(gap: &Gap, key: &str) -> String {
    let (lines, shows) = match gap.rows.len() {
        1 => ("1 more line".to_owned(), "it"),
        count => (format!("{count} more lines"), "them"),
    };
    let place = if gap.above { "above" } else { "below" };
    format!("{lines} {place}: {key} shows {shows}")
}

/// The keys of a dialog, and whether letters are text in it now.
#[derive(Clone, Copy)]
struct Keys<'a> {
    keymap: &'a Keymap,
    in_field: bool,
}

impl Keys<'_> {
    /// A key that is a letter, and the one before it that leaves the field.
    fn then(self, action: Action, does: &str) -> String {
        let key = self.keymap.shown(action);
        let leave = self.keymap.shown(Action::Leave);
        if self.in_field { format!("{leave} leaves the field, then {key} {does}") } else { format!("{key} {does}") }
    }
}
