//! What is still to be read before the topmost dialog can commit to anything, and which key goes on.

use super::Model;
use crate::app::keymap::{Action, Keymap};
use crate::app::modal::Modal;
use crate::app::reading::{Part, TextShown};

impl Model {
    /// Takes note of the lines that a frame showed; `true` where one of them is new.
    pub(super) fn reads(&mut self, shown: &TextShown) -> bool {
        match self.part() {
            Some(part) => self.reading.take(part, shown),
            None => false,
        }
    }

    /// Which text of which dialog is on the screen. A script belongs to the prompt that it was opened from.
    fn part(&self) -> Option<(usize, Part)> {
        let top = self.modals.len().checked_sub(1)?;
        match self.modals.last()? {
            Modal::Prompt(dialog) => Some((top, Part::Page(dialog.page))),
            Modal::Script { .. } => {
                let below = top.checked_sub(1)?;
                let Some(Modal::Prompt(dialog)) = self.modals.get(below) else { return None };
                Some((below, Part::Script(dialog.page)))
            }
            modal if modal.is_guarded() => Some((top, Part::Page(0))),
            _ => None,
        }
    }

    /// What of the topmost dialog was not read yet, and the key that goes on; `None` where all of it was on the screen.
    #[must_use]
    pub fn unread(&self) -> Option<String> {
        let top = self.modals.len().checked_sub(1)?;
        match self.modals.last()? {
            Modal::Prompt(dialog) => {
                let texts = (0..dialog.pages()).flat_map(|page| {
                    let script = dialog.has_long_text(page).then_some(Part::Script(page));
                    [Some(Part::Page(page)), script].into_iter().flatten()
                });
                let on = Keys { keymap: &self.keymap, in_field: dialog.in_field };
                texts.into_iter().find_map(|part| self.unread_part(on, (top, part), dialog.page))
            }
            modal if modal.is_guarded() => {
                let on = Keys { keymap: &self.keymap, in_field: false };
                self.unread_part(on, (top, Part::Page(0)), 0)
            }
            _ => None,
        }
    }

    fn unread_part(&self, on: Keys<'_>, of: (usize, Part), sight: usize) -> Option<String> {
        let gap = self.reading.gap(of);
        if self.reading.is_begun(of) && gap.is_none() {
            return None;
        }
        let rows = gap.map(|gap| match (gap.rows.start + 1, gap.rows.end) {
            (first, last) if first == last => format!("row {first} was"),
            (first, last) => format!("rows {first}–{last} were"),
        });
        Some(match (of.1, rows, gap) {
            (Part::Page(page), Some(rows), Some(gap)) if page == sight => {
                let key = on.keymap.brief(if gap.above { Action::PageUp } else { Action::PageDown });
                format!("{rows} not on the screen yet: {key} goes there")
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
        })
    }
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
