//! Keys that were not meant for the dialog on the screen: typed before it could be read, or on the way to somewhere else.

use crate::app::effect::Effect;
use crate::app::keymap::{Action, Context, Resolved};
use crate::app::keys;
use crate::app::modal::ask::NOT_WHOLE;
use crate::app::modal::{Modal, ask};
use crate::app::model::Model;
use crate::domain::key::Key;

/// What is said of a key in the quiet time.
pub const TOO_EARLY: &str = "that key came too early and does not count: read, pause, then press it";

/// What is said of a key that means nothing in a prompt.
pub const NOT_HERE: &str = "that key does nothing in this dialog";

/// What is said of a key that leads elsewhere from a dialog that would be lost; what is typed on for it acts nowhere.
pub const LEAVE_FIRST: &str = "this key leads elsewhere, and a dialog is open: leave the dialog first";

/// Takes a key that does not count in the topmost dialog; `None` where it does.
pub fn taken(model: &mut Model, key: Key) -> Option<Vec<Effect>> {
    let modal = model.modal()?;
    let (context, commits, is_text) = (modal.context(), modal.commits(), modal.takes_text());
    let is_prompt = matches!(modal, Modal::Prompt(dialog) if dialog.ended.is_none() && !dialog.sent);
    let is_words = is_text && matches!(modal, Modal::Prompt(dialog) if !dialog.is_consent());
    let resolved = resolved(model, context, key);
    let elsewhere = !is_text && matches!(resolved, Resolved::Action(action) if leads_elsewhere(action));
    if elsewhere && is_prompt {
        return Some(give_way(model, key));
    }
    if elsewhere && modal_is_guarded(model) && !is_used(context, resolved) {
        model.open(Modal::Refused(LEAVE_FIRST.to_owned()));
        return Some(Vec::new());
    }
    if model.is_awake() {
        if !is_text && modal_is_guarded(model) && !is_used(context, resolved) {
            disturb(model, NOT_HERE);
        }
        return None;
    }
    if !commits {
        if modal_is_guarded(model) {
            model.disturbed();
        }
        return None;
    }
    match resolved {
        // Moving on commits to nothing, and where it leads is looked at again; so do the words of a reason, and the key that goes to them.
        Resolved::Action(action) if model.is_moving() && (moves(action) || action == Action::Leave) && !is_text => None,
        Resolved::Action(action) if model.is_moving() && moves(action) && !keys::is_letter(key) => None,
        _ if model.is_moving() && is_words => None,
        // Leaving commits to nothing.
        Resolved::Action(Action::Back) if !keys::is_letter(key) => {
            model.pending.clear();
            Some(keys::perform(model, Action::Back))
        }
        _ => {
            disturb(model, TOO_EARLY);
            Some(Vec::new())
        }
    }
}

/// Whether it moves a choice or scrolls.
fn moves(action: Action) -> bool {
    use Action::{Bottom, Down, PageDown, PageUp, Top, Up};
    matches!(action, Down | Up | PageDown | PageUp | Top | Bottom)
}

fn modal_is_guarded(model: &Model) -> bool {
    model.modal().is_some_and(Modal::is_guarded)
}

/// What a key means after those before it; where the sequence leads nowhere, by itself.
pub(super) fn resolved(model: &Model, context: Context, key: Key) -> Resolved {
    let mut pressed = model.pending.clone();
    pressed.push(key);
    match model.keymap.resolve(context, &pressed) {
        Resolved::Nothing if pressed.len() > 1 => model.keymap.resolve(context, &[key]),
        resolved => resolved,
    }
}

/// Whether somebody who presses it is on the way to another place: what they type next is meant for that place.
fn leads_elsewhere(action: Action) -> bool {
    use Action::{
        Filter, Log, Note, Palette, Pane1, Pane2, Pane3, Pane4, Pane5, Pane6, Pane7, PreviousPane, Runs, Search,
    };
    matches!(
        action,
        Filter
            | Log
            | Note
            | Palette
            | Pane1
            | Pane2
            | Pane3
            | Pane4
            | Pane5
            | Pane6
            | Pane7
            | PreviousPane
            | Runs
            | Search
    )
}

/// Whether a key has a use in a dialog that commits; one that has none was meant for something else.
fn is_used(context: Context, resolved: Resolved) -> bool {
    use Action::{
        Back, Bottom, Confirm, Decline, Down, Emergency, Hand, Help, Interrupt, Leave, ListSet, Log, Note, Open,
        Override, PageDown, PageUp, Quit, Reopen, Skip, Top, Up,
    };
    match resolved {
        Resolved::Pending => true,
        Resolved::Nothing => false,
        Resolved::Action(action) => match action {
            Back | Quit | Interrupt | Help | Down | Up | PageDown | PageUp | Top | Bottom => true,
            Confirm | Decline | ListSet | Leave | Emergency => context == Context::Prompt,
            Open | Hand | Skip | Override | Reopen | Note | Log => context == Context::Checklist,
            _ => false,
        },
    }
}

/// Closes the prompt, which waits on in the banner, and lets the key do what it does below.
fn give_way(model: &mut Model, key: Key) -> Vec<Effect> {
    ask::leave(model, Action::Back);
    keys::pressed(model, key)
}

/// A key that counts only by itself did not come by itself.
pub(super) fn too_early(model: &mut Model) {
    disturb(model, TOO_EARLY);
}

/// Begins the quiet time again, and says why the key did nothing.
fn disturb(model: &mut Model, why: &str) {
    model.pending.clear();
    model.disturbed();
    let (needed, size) = (model.seen().needed, model.size);
    let why = if needed.0 > size.0 || needed.1 > size.1 { NOT_WHOLE } else { why };
    match model.modal_mut() {
        Some(Modal::Prompt(dialog)) if dialog.ended.is_some() => {}
        Some(Modal::Item(_)) => {}
        Some(Modal::Plan { .. } | Modal::Abort { .. } | Modal::Resume { .. }) => model.notify(why),
        Some(modal) => {
            if let Some(hint) = modal.hint_mut() {
                *hint = Some(why.to_owned());
            }
        }
        None => {}
    }
}
