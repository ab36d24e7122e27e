//! Keys in dialogs: typing, moving, answering.
//!
//! Everything that leads to a command passes [`crate::app::confirm`], and only after all of the dialog was on the screen.

use crate::app::confirm;
use crate::app::copy;
use crate::app::early;
use crate::app::effect::{Begun, Effect, Query, Screen};
use crate::app::keymap::{Action, Context, Resolved};
use crate::app::keys;
use crate::app::modal::answer::{answer, decline, list_items, list_set};
use crate::app::modal::note::Writes;
use crate::app::modal::palette::Command;
use crate::app::modal::scroll::{scroll, scroll_in_text, turn_page};
use crate::app::modal::{Form, Modal, emergency, leave as leaving};
use crate::app::model::{Model, Pane};
use crate::app::msg::Offer;
use crate::app::panes::{checklist, log, run};
use crate::app::problems;
use crate::app::update::{entered, save_note};
use crate::domain::key::{Key, KeyCode};
use crate::journal::approval::break_glass_reason;
use crate::journal::record::Answer;

/// Why nothing is confirmed in a dialog whose keys do not fit on the screen.
pub const NOT_WHOLE: &str = "the dialog does not fit on this screen, so nothing can be confirmed in it";

/// Takes a key where letters are text.
pub fn typed(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(context) = model.modal().map(Modal::context) else { return Vec::new() };
    if !keys::is_letter(key)
        && let Resolved::Action(action) = model.keymap.resolve(context, &[key])
        && matches!(
            action,
            Action::Redraw | Action::Suspend | Action::Interrupt | Action::Back | Action::Leave | Action::Help
        )
    {
        return keys::perform(model, action);
    }
    if let (Some(Modal::Refused(_)), KeyCode::Enter) = (model.modal(), key.code) {
        return Vec::new();
    }
    let moves = match key.code {
        KeyCode::Up | KeyCode::BackTab => -1,
        KeyCode::Down | KeyCode::Tab => 1,
        _ => 0,
    };
    let turns = turns(model, key);
    let confirms = model.keymap.resolve(Context::Prompt, &[key]) == Resolved::Action(Action::Confirm);
    let early =
        format!("nothing starts yet: Enter shows the plan, and {key} counts there; Left writes into this field");
    match model.modal_mut() {
        Some(Modal::Note(note)) => note.take(key),
        Some(Modal::Palette(palette)) if moves != 0 => palette.step(moves),
        Some(Modal::Palette(palette)) if turns != 0 => palette.step(turns),
        Some(Modal::Palette(_)) if key.code == KeyCode::Enter => return choose(model),
        Some(Modal::Palette(palette)) => {
            palette.field.take(key);
            palette.cursor = None;
        }
        Some(Modal::Params(form)) if form.planning => {}
        Some(Modal::Params(form)) if moves != 0 => form.step(moves),
        Some(Modal::Params(form)) if key.code == KeyCode::Enter && !form.is_last() => form.step(1),
        Some(Modal::Params(_)) if key.code == KeyCode::Enter => return plan(model),
        Some(Modal::Params(form)) if confirms && form.is_prefilled() => form.hint = Some(early),
        Some(Modal::Params(form)) => form.take(key),
        Some(Modal::Emergency(_)) => return emergency::typed(model, key),
        Some(Modal::LeaveDemo(_)) => return leaving::typed(model, key),
        Some(Modal::Line { .. }) => return typed_line(model, key),
        Some(Modal::Prompt(_)) => return typed_in_prompt(model, key),
        _ => {}
    }
    Vec::new()
}

/// How far a key moves in a list whose letters are text, by pages or to an end.
fn turns(model: &Model, key: Key) -> isize {
    let page = isize::try_from(model.page()).unwrap_or(1);
    match key.code {
        KeyCode::PageUp => -page,
        KeyCode::PageDown => page,
        KeyCode::Home => isize::MIN + 1,
        KeyCode::End => isize::MAX,
        _ => 0,
    }
}

fn typed_line(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(Modal::Line { purpose, field }) = model.modal_mut() else { return Vec::new() };
    let enter = key.code == KeyCode::Enter;
    if !enter {
        field.take(key);
    }
    let (purpose, text) = (*purpose, field.text().to_owned());
    if enter {
        model.close();
        return entered(model, purpose, text);
    }
    if purpose == crate::app::modal::Purpose::Search { Vec::new() } else { entered(model, purpose, text) }
}

fn typed_in_prompt(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(Modal::Prompt(dialog)) = model.modal_mut() else { return Vec::new() };
    dialog.hint = None;
    if dialog.ended.is_some() {
        return Vec::new();
    }
    if matches!(key.code, KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown) {
        return scroll_in_text(model, key);
    }
    if key.code != KeyCode::Enter {
        dialog.field.take(key);
        return Vec::new();
    }
    if !dialog.is_consent() {
        dialog.in_field = false;
        // The next letter is a key again.
        model.disturbed();
        return Vec::new();
    }
    let typed = dialog.field.text().to_owned();
    if dialog.prompt.waits_for_second() {
        let reason = break_glass_reason(&typed).unwrap_or_default().to_owned();
        return answer(model, Answer::BreakGlass { reason }, "type  break glass: REASON  ; nothing happened");
    }
    answer(model, Answer::Confirm { typed }, "that is not the phrase yet; nothing happened")
}

/// Carries an action out in the topmost dialog.
pub fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = isize::try_from(model.page()).unwrap_or(1);
    match action {
        Action::Back | Action::Quit | Action::Interrupt => return leave(model, action),
        Action::Help if matches!(model.modal(), Some(Modal::Help { .. })) => drop(model.close()),
        Action::Help => {
            let context = model.modal().map_or(Context::Global, Modal::context);
            model.open(Modal::Help { context, scroll: 0 });
        }
        Action::Down if is_item(model) => return checklist::turn(model, 1),
        Action::Up if is_item(model) => return checklist::turn(model, -1),
        Action::Hand | Action::Skip | Action::Override | Action::Reopen if is_item(model) => {
            return checklist::write(model, action);
        }
        Action::Down => return scroll(model, 1),
        Action::Up => return scroll(model, -1),
        Action::PageDown => return turn_page(model, page),
        Action::PageUp => return turn_page(model, -page),
        Action::Top => return turn_page(model, isize::MIN + 1),
        Action::Bottom => return turn_page(model, isize::MAX),
        Action::Open => return open(model),
        Action::Act => return act(model),
        Action::Log => {
            match model.modal() {
                Some(Modal::Step { step, .. }) => model.run.cursor = Some(*step),
                Some(Modal::Item(_)) => {}
                _ => return Vec::new(),
            }
            model.close();
            return log::open(model);
        }
        Action::Note if matches!(model.modal(), Some(Modal::Step { .. } | Modal::Item(_))) => keys::open_note(model),
        Action::Facts => {
            if let Some(Modal::Row(dialog)) = model.modal_mut() {
                dialog.raw = !dialog.raw;
            }
        }
        Action::Copy if matches!(model.modal(), Some(Modal::Row(_))) => return copy::copy(model),
        Action::Emergency => return emergency::open(model),
        Action::Confirm => return confirm(model),
        Action::Decline => return decline(model),
        Action::ListSet => return list_set(model),
        Action::Leave => turn_field(model),
        _ => return elsewhere(model, action),
    }
    Vec::new()
}

/// Offers what acts on the row whose detail is open.
fn act(model: &mut Model) -> Vec<Effect> {
    let Some(Modal::Row(dialog)) = model.modal() else { return Vec::new() };
    let target = dialog.target.clone();
    model.close();
    model.focus = Pane::of(target.kind.section());
    model.lists.of_mut(target.kind.section()).point(&target);
    keys::offer(model)
}

/// What has no meaning in the topmost dialog: the palette opens over it where nothing is asked, and of other keys it says so.
fn elsewhere(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Palette if model.modals().iter().any(Modal::is_guarded) => model.notify(early::LEAVE_FIRST),
        Action::Palette => return keys::open_palette(model),
        Action::Filter | Action::Search => {
            let key = model.keymap.shown(Action::Palette);
            model.notify(format!("nothing is filtered here; {key} finds a command or a procedure by its name"));
        }
        _ if model.modal().is_some_and(Modal::is_guarded) => {}
        _ => model.notify(early::NOT_HERE),
    }
    Vec::new()
}

/// Goes into the text of a prompt or a note, or out of it.
fn turn_field(model: &mut Model) {
    let read_only = model.is_read_only();
    if let Some(Modal::Note(note)) = model.modal_mut() {
        note.turn();
        // What the keys do now must be on the screen before one of them counts.
        return model.look_again();
    }
    if let Some(Modal::Prompt(dialog)) = model.modal_mut()
        && dialog.has_field()
        && dialog.ended.is_none()
        && !read_only
    {
        dialog.in_field = !dialog.in_field;
        dialog.declining = false;
        if !dialog.in_field {
            // The next letter is a key again.
            model.disturbed();
        }
    }
}

/// Leaves the topmost dialog; a prompt stays open in the journal, and what was typed is kept.
pub(crate) fn leave(model: &mut Model, action: Action) -> Vec<Effect> {
    match model.modal_mut() {
        Some(Modal::LeaveDemo(_)) if action == Action::Interrupt => return vec![Effect::Screen(Screen::Quit)],
        Some(Modal::Leave) if action != Action::Back => return vec![Effect::Screen(Screen::Quit)],
        Some(Modal::Prompt(dialog)) if dialog.declining => {
            dialog.declining = false;
            return Vec::new();
        }
        _ => {}
    }
    if emergency::back(model) {
        return Vec::new();
    }
    match model.close() {
        Some(Modal::Prompt(dialog)) => model.kept.keep_answer(&dialog),
        Some(Modal::Params(form)) => model.kept.keep_form(&form),
        Some(Modal::Emergency(emergency)) => model.kept.keep_reason(&emergency),
        Some(Modal::Note(note)) => {
            let key = (note.run.clone(), note.step, note.writes);
            if note.text().is_empty() {
                model.drafts.remove(&key);
            } else {
                model.drafts.insert(key, note.lines().to_vec());
                let key_shown = model.keymap.shown(note.writes.action());
                model.notify(format!("the note is kept, not written down: {key_shown} goes on with it"));
            }
        }
        Some(Modal::Line { purpose: purpose @ crate::app::modal::Purpose::Filter(_), .. }) => {
            entered(model, purpose, String::new());
        }
        _ => {}
    }
    Vec::new()
}

/// Opens what the cursor of the topmost dialog is on.
fn open(model: &mut Model) -> Vec<Effect> {
    match model.modal() {
        Some(Modal::Offers { offers: Some(offers), cursor, .. }) => {
            let none_selected = cursor.is_none() && !offers.is_empty();
            if let Some(offer) = cursor.and_then(|cursor| offers.get(cursor)).cloned() {
                return launch(model, offer);
            }
            if none_selected {
                say_none_selected(model, "procedure");
            }
            Vec::new()
        }
        Some(Modal::Procedures { list: Some(list), cursor }) => {
            let (offer, is_empty) = (cursor.and_then(|cursor| list.get(cursor)).cloned(), list.is_empty());
            match offer {
                Some(_) if model.is_read_only() => model.notify(keys::READ_ONLY),
                Some(offer) => return launch(model, offer),
                None if !is_empty => say_none_selected(model, "procedure"),
                None => {}
            }
            Vec::new()
        }
        Some(Modal::Runs { cursor: Some(id) }) => {
            let id = id.clone();
            model.close();
            run::attach(model, id)
        }
        Some(Modal::Problems { cursor }) => {
            let target = cursor.clone();
            model.close();
            target.map_or_else(Vec::new, |target| problems::go(model, &target))
        }
        Some(Modal::Notice { .. }) => leave(model, Action::Back),
        Some(Modal::Script { .. }) => list_items(model),
        Some(Modal::Item(_)) => checklist::enter(model),
        Some(Modal::Prompt(dialog)) if dialog.ended.is_some() => leave(model, Action::Back),
        _ => Vec::new(),
    }
}

/// Says that a key which opens has nothing to open: what changes or destroys is selected by another key first.
fn say_none_selected(model: &mut Model, what: &str) {
    // Where letters are text, the arrow selects.
    let key = match model.modal().is_some_and(Modal::takes_text) {
        true => "Down".to_owned(),
        false => model.keymap.shown(Action::Down),
    };
    model.notify(format!("no {what} is selected: {key} selects one"));
}

/// Goes from a procedure to its parameters, or straight to its plan where it has none.
pub(crate) fn launch(model: &mut Model, offer: Offer) -> Vec<Effect> {
    let ready = offer.params.is_empty();
    let mut form = Form::new(offer);
    model.kept.restore_form(&mut form);
    model.open(Modal::Params(Box::new(form)));
    if ready { plan(model) } else { Vec::new() }
}

fn plan(model: &mut Model) -> Vec<Effect> {
    let Some(Modal::Params(form)) = model.modal_mut() else { return Vec::new() };
    form.planning = true;
    form.error = None;
    vec![Effect::Query(Query::Plan { procedure: form.offer.procedure.clone(), params: form.params() })]
}

/// Does what the palette's cursor is on, as if its key had been pressed in the pane below.
fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(Modal::Palette(palette)) = model.modal() else { return Vec::new() };
    let Some(command) = palette.chosen() else {
        if !palette.matches().is_empty() {
            say_none_selected(model, "command");
        }
        return Vec::new();
    };
    // The lists that it was opened over lead elsewhere.
    while model.modal().is_some() {
        model.close();
    }
    match command {
        Command::Action(entry) => keys::perform(model, entry.action),
        Command::Procedure(offer) => launch(model, *offer),
    }
}

/// The key that confirms; never the one of a destroy.
fn confirm(model: &mut Model) -> Vec<Effect> {
    let (Some(authority), whole) = (model.authority.clone(), model.is_whole()) else { return Vec::new() };
    let unread = model.unread();
    match model.modal_mut() {
        Some(Modal::Prompt(dialog)) if dialog.ended.is_none() => match dialog.confirmed() {
            Ok(given) => answer(model, given, "the prompt cannot take this answer"),
            Err(hint) => {
                dialog.hint = Some(hint.to_owned());
                Vec::new()
            }
        },
        // Whoever keeps everything may leave a terminal of any size.
        Some(Modal::LeaveDemo(_)) => vec![Effect::Screen(Screen::Quit)],
        Some(Modal::Plan { shown, sent, .. }) if shown.refused.is_some() || *sent => Vec::new(),
        Some(_) if !whole || unread.is_some() => {
            let why = unread.filter(|_| whole).unwrap_or_else(|| NOT_WHOLE.to_owned());
            match model.modal_mut().and_then(Modal::hint_mut) {
                Some(hint) => *hint = Some(why),
                None => model.notify(why),
            }
            Vec::new()
        }
        Some(Modal::Plan { shown, sent, .. }) => {
            *sent = true;
            let begun = Begun { how: "console", emergency: None, warned: shown.warnings.clone() };
            vec![Effect::Command(confirm::start(&authority, shown.plan.clone(), shown.hash.clone(), begun))]
        }
        Some(Modal::Emergency(_)) => emergency::start(model, &authority),
        Some(Modal::Note(note)) if note.writes == Writes::Beside => save_note(model),
        Some(Modal::Note(_)) => checklist::save(model),
        Some(Modal::Abort { run, undo: Some(undo), .. }) => {
            let command = confirm::abort(&authority, run.clone(), *undo);
            sent(model, command)
        }
        Some(Modal::Resume { run, .. }) => {
            let command = confirm::resume(&authority, run.clone());
            sent(model, command)
        }
        _ => Vec::new(),
    }
}

fn sent(model: &mut Model, command: confirm::Confirmed<crate::app::effect::Command>) -> Vec<Effect> {
    model.close();
    vec![Effect::Command(command)]
}

fn is_item(model: &Model) -> bool {
    matches!(model.modal(), Some(Modal::Item(_)))
}
