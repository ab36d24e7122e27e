//! The answer to a prompt: sent where the dialog stands whole on the screen and everything that it shows was read.

use crate::app::confirm;
use crate::app::effect::{Effect, Query};
use crate::app::keymap::Action;
use crate::app::modal::ask::NOT_WHOLE;
use crate::app::modal::pages::Unread;
use crate::app::modal::{Modal, SetList};
use crate::app::model::Model;
use crate::journal::record::Answer;

/// Sends an answer, where the dialog stands whole on the screen and the answer is one the prompt can take.
pub(super) fn answer(model: &mut Model, answer: Answer, otherwise: &str) -> Vec<Effect> {
    let (authority, whole) = (model.authority.clone(), model.is_whole());
    let quick = Keys::of(model);
    let Some(Modal::Prompt(dialog)) = model.modal_mut() else { return Vec::new() };
    if whole {
        dialog.see();
    }
    let unread = dialog.unread().filter(|_| answer != Answer::Cancel).map(|unread| quick.hint(unread, dialog.in_field));
    let hint = match (&authority, dialog.sent, dialog.orphaned) {
        (None, ..) => Some("read-only: this console holds nothing to act with"),
        (_, true, _) => Some("the answer is on its way to the runner"),
        (.., true) => Some("no runner is there to take an answer: leave with Esc and resume the run"),
        _ if !whole && answer != Answer::Cancel => Some(NOT_WHOLE),
        _ => unread.as_deref(),
    };
    let (Some(authority), None) = (authority, hint) else {
        dialog.hint = hint.map(str::to_owned);
        return Vec::new();
    };
    match confirm::answer(&authority, &dialog.run, &dialog.prompt, answer) {
        Some(command) => {
            dialog.sent = true;
            dialog.hint = None;
            vec![Effect::Command(command)]
        }
        None => {
            dialog.hint = Some(otherwise.to_owned());
            Vec::new()
        }
    }
}

/// The keys that lead to what was not read yet.
struct Keys {
    leave: String,
    list: String,
    turn: String,
}

impl Keys {
    fn of(model: &Model) -> Self {
        let shown = |action| model.keymap.shown(action);
        Self { leave: shown(Action::Leave), list: shown(Action::ListSet), turn: shown(Action::Down) }
    }

    /// What to do first, and how.
    fn hint(&self, unread: Unread, in_field: bool) -> String {
        let out = if in_field { format!("{} leaves the field, then ", self.leave) } else { String::new() };
        match unread {
            Unread::Page(page) => {
                format!("page {} was not on the screen yet: {out}{} turns to it", page + 1, self.turn)
            }
            Unread::Text(_) => format!("the text was not read to its end yet: {out}{} shows it", self.list),
        }
    }
}

/// Answers no, at the second press.
pub(super) fn decline(model: &mut Model) -> Vec<Effect> {
    let Some(Modal::Prompt(dialog)) = model.modal_mut() else { return Vec::new() };
    if dialog.ended.is_some() || dialog.sent {
        return Vec::new();
    }
    if !std::mem::replace(&mut dialog.declining, true) {
        return Vec::new();
    }
    dialog.declining = false;
    answer(model, Answer::Cancel, "the prompt cannot be declined")
}

/// Lists the text of the page in sight, or else its frozen set.
pub(super) fn list_set(model: &mut Model) -> Vec<Effect> {
    let whole = model.is_whole();
    let Some(Modal::Prompt(dialog)) = model.modal_mut() else { return Vec::new() };
    if whole {
        dialog.see();
    }
    if dialog.ended.is_some() {
        return Vec::new();
    }
    if let Some(listing) = dialog.listing().cloned() {
        model.open(Modal::Script { listing, scroll: 0, reached: false });
        return Vec::new();
    }
    list_items(model)
}

/// Lists the frozen set of the prompt that is open, also beneath the text that it runs.
pub(super) fn list_items(model: &mut Model) -> Vec<Effect> {
    let rows = model.size.1.max(1).saturating_mul(3);
    let of_prompt = model.modals().iter().rev().find_map(|modal| match modal {
        Modal::Prompt(dialog) => Some((dialog.run.clone(), dialog.page()?.set.clone())),
        _ => None,
    });
    let Some((run, set)) = of_prompt else { return Vec::new() };
    let list = SetList { run: run.clone(), set: set.clone(), from: 0, total: None, items: Vec::new(), top: 0 };
    model.open(Modal::SetList(list));
    vec![Effect::Query(Query::ListSet { run, set, from: 0, rows })]
}
