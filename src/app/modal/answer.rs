//! The answer to a prompt: sent where everything that it shows was read, and its keys stand on the screen.

use crate::app::confirm;
use crate::app::effect::{Effect, Query};
use crate::app::modal::ask::NOT_WHOLE;
use crate::app::modal::{Modal, SetList};
use crate::app::model::Model;
use crate::journal::record::Answer;

/// Sends an answer, where all of the prompt was read and the answer is one that it can take.
pub(super) fn answer(model: &mut Model, answer: Answer, otherwise: &str) -> Vec<Effect> {
    let (authority, whole) = (model.authority.clone(), model.is_whole());
    let unread = model.unread().filter(|_| answer != Answer::Cancel);
    let Some(Modal::Prompt(dialog)) = model.modal_mut() else { return Vec::new() };
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
            model.answered = Some(dialog.run.clone());
            vec![Effect::Command(command)]
        }
        None => {
            dialog.hint = Some(otherwise.to_owned());
            Vec::new()
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
    let Some(Modal::Prompt(dialog)) = model.modal_mut() else { return Vec::new() };
    if dialog.ended.is_some() {
        return Vec::new();
    }
    if let Some(listing) = dialog.listing().cloned() {
        model.open(Modal::Script { listing, scroll: 0 });
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
    let list = SetList { run: run.clone(), set: set.clone(), from: 0, total: None, items: Vec::new(), top: 0, skip: 0 };
    model.open(Modal::SetList(list));
    vec![Effect::Query(Query::ListSet { run, set, from: 0, rows })]
}
