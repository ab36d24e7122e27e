//! From keys to actions, in the panes.

use crate::app::copy;
use crate::app::early;
use crate::app::effect::{Effect, Query, Screen};
use crate::app::estate::Edited;
use crate::app::field::Field;
use crate::app::keymap::{Action, Context, Danger, Entry, Resolved};
use crate::app::modal::note::Writes;
use crate::app::modal::{Modal, Note, Palette, Purpose, RowDialog, ask, leave, scroll};
use crate::app::model::{Model, Pane, TargetId};
use crate::app::moves::{move_in, page, sort, to_pane};
use crate::app::panes::{checklist, log, run};
use crate::app::problems;
use crate::domain::key::{Key, KeyCode};
use crate::domain::{RunStatus, Section};

/// Takes a key to where it belongs: the topmost dialog, else the focused pane.
pub fn pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    if let Some(action) = about_the_screen(model, key) {
        return perform(model, action);
    }
    if let Some(effects) = early::taken(model, key) {
        return effects;
    }
    if model.modal().is_some_and(Modal::takes_text) {
        return ask::typed(model, key);
    }
    let context = model.modal().map_or(model.focus.context(), Modal::context);
    match resolve(model, context, key) {
        Some(action) => perform(model, action),
        None => Vec::new(),
    }
}

/// Drawing again and stopping are for the terminal, not for a dialog: they work everywhere, but take no letter from a text.
fn about_the_screen(model: &Model, key: Key) -> Option<Action> {
    match model.keymap.resolve(Context::Global, &[key]) {
        Resolved::Action(action @ (Action::Redraw | Action::Suspend)) if key.ctrl || key.alt => Some(action),
        _ => None,
    }
}

fn resolve(model: &mut Model, context: Context, key: Key) -> Option<Action> {
    model.pending.push(key);
    let mut resolved = model.keymap.resolve(context, &model.pending);
    if resolved == Resolved::Nothing && model.pending.len() > 1 {
        // The sequence led nowhere; its last key may stand for itself.
        model.pending = vec![key];
        resolved = model.keymap.resolve(context, &model.pending);
    }
    match resolved {
        Resolved::Pending => return None,
        Resolved::Nothing => model.pending.clear(),
        Resolved::Action(action) => {
            model.pending.clear();
            return Some(action);
        }
    }
    None
}

/// Carries an action out where it is asked for; one that acts does nothing in a read-only console.
pub fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    if action.acts() && model.is_read_only() {
        refuse_or_explain(model, action, READ_ONLY);
        return Vec::new();
    }
    match action {
        Action::Redraw => return vec![Effect::Screen(Screen::Redraw)],
        Action::Suspend => return vec![Effect::Screen(Screen::Suspend)],
        _ => {}
    }
    if model.modal().is_some() { ask::perform(model, action) } else { perform_in_pane(model, action) }
}

fn perform_in_pane(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Help => model.open(Modal::Help { context: model.focus.context(), scroll: 0 }),
        Action::Palette => return open_palette(model),
        Action::Back => return back(model),
        Action::Quit if is_top(model) => return quit(model),
        Action::Quit => return back(model),
        Action::Interrupt if asks(model) => return leave::open(model),
        Action::Interrupt => model.open(Modal::Leave),
        Action::NextPane | Action::PreviousPane | Action::Log => return to_pane(model, action),
        Action::Pane1 | Action::Pane2 | Action::Pane3 | Action::Pane4 => return to_pane(model, action),
        Action::Pane5 | Action::Pane6 | Action::Pane7 => return to_pane(model, action),
        Action::Zoom => model.zoomed = !model.zoomed,
        Action::Filter => open_line(model),
        Action::Search => open_search(model),
        Action::Refresh if model.edited == Some(Edited::Ready) => return vec![Effect::Query(Query::Reload)],
        Action::Refresh => {
            let reads = "reading every target".to_owned();
            model.notify(model.estate_trouble().unwrap_or(reads));
            let mut effects = vec![Effect::Query(Query::Refresh)];
            effects.extend(checklist::entered(model));
            return effects;
        }
        Action::Runs => {
            model.open(Modal::Runs { cursor: model.run_to_choose() });
            return vec![Effect::Query(Query::ListRuns)];
        }
        Action::Procedures => {
            model.open(Modal::Procedures { list: None, cursor: None });
            return vec![Effect::Query(Query::ListProcedures)];
        }
        Action::NextProblem => return problems::next(model),
        Action::Problems => problems::open(model),
        Action::Note => open_note(model),
        Action::Hand | Action::Skip | Action::Override | Action::Reopen => return checklist::write(model, action),
        Action::Sort | Action::Reverse => sort(model, action),
        Action::Copy => return copy::copy(model),
        Action::Mouse => {
            model.mouse = !model.mouse;
            model.notify(if model.mouse {
                "the mouse is ours"
            } else {
                "the mouse is the terminal's: select as usual"
            });
            return vec![Effect::Screen(Screen::Mouse(model.mouse))];
        }
        Action::Open | Action::Act => return open_or_act(model, action),
        Action::Abort => run::open_abort(model),
        Action::Resume => run::open_resume(model),
        Action::Down => return move_in(model, model.focus, 1),
        Action::Up => return move_in(model, model.focus, -1),
        Action::PageDown => return move_in(model, model.focus, page(model)),
        Action::PageUp => return move_in(model, model.focus, -page(model)),
        Action::Top => return move_in(model, model.focus, isize::MIN + 1),
        Action::Bottom => return move_in(model, model.focus, isize::MAX),
        _ => return perform_in_log(model, action),
    }
    Vec::new()
}

fn perform_in_log(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::NextMatch => log::next(model),
        Action::PreviousMatch => log::back(model),
        Action::NextError => log::next_error(model),
        Action::Follow => log::toggle_follow(model),
        Action::PreviousLog => log::turn(model, false),
        Action::NextLog => log::turn(model, true),
        Action::Wrap => {
            model.log.wrap = !model.log.wrap;
            Vec::new()
        }
        Action::Timestamps => {
            model.log.stamps = !model.log.stamps;
            Vec::new()
        }
        // The others are for dialogs.
        _ => Vec::new(),
    }
}

/// Whether leaving asks what becomes of the demo; a read-only console keeps it.
fn asks(model: &Model) -> bool {
    model.demo && !model.is_read_only()
}

/// Leaves, or asks what becomes of the demo.
fn quit(model: &mut Model) -> Vec<Effect> {
    if asks(model) { leave::open(model) } else { vec![Effect::Screen(Screen::Quit)] }
}

/// Why a console without the right to act does nothing.
pub const READ_ONLY: &str = "read-only: this console holds nothing to act with";

/// Says why an action is refused: where text would follow it, in a dialog that takes the text.
pub fn refuse_or_explain(model: &mut Model, action: Action, why: impl Into<String>) {
    match action {
        Action::Note | Action::Hand | Action::Skip | Action::Override | Action::Reopen => {
            model.open(Modal::Refused(why.into()));
        }
        _ => model.notify(why),
    }
}

/// Scrolls the topmost dialog with the wheel, where that moves nothing that a key could commit to: a wheel chooses nothing.
pub fn scroll_modal(model: &mut Model, by: isize) -> Vec<Effect> {
    if model.modal().is_some_and(Modal::has_choices) { Vec::new() } else { scroll::scroll(model, by) }
}

/// Whether going back has nowhere to go.
#[must_use]
pub fn is_top(model: &Model) -> bool {
    model.modal().is_none()
        && !model.zoomed
        && model.focus == Pane::Health
        && model.lists.of(Section::Health).filter().is_empty()
        && model.run.filter.is_empty()
        && model.checklist.run.filter.is_empty()
}

/// Goes back one level: the filter, the zoom, the cursor, the pane; at the top it dismisses what was said.
fn back(model: &mut Model) -> Vec<Effect> {
    if let Some(effects) = checklist::left(model) {
        return effects;
    }
    let now = model.now.wall;
    let list = model.focus.section().map(|section| model.lists.of_mut(section));
    match (model.focus, list) {
        (_, Some(list)) if !list.filter().is_empty() => list.set_filter(String::new(), now),
        (Pane::Run, _) if !model.run.filter.is_empty() => model.run.filter.clear(),
        (Pane::Checklist, _) if !model.checklist.run.filter.is_empty() => model.checklist.run.filter.clear(),
        (Pane::Log, _) if !model.log.needle.is_empty() => {
            model.log.needle.clear();
            (model.log.found, model.log.missed) = (None, false);
        }
        _ if model.zoomed => model.zoomed = false,
        (_, Some(list)) if list.cursor_place().is_some() => {
            list.release();
        }
        (Pane::Run, _) if model.run.cursor.take().is_some() => return log::attend(model),
        (Pane::Checklist, _) if model.checklist.run.cursor.take().is_some() => {}
        (Pane::Log, _) => model.focus = Pane::Run,
        (Pane::Health, _) => {
            model.run.filter.clear();
            model.checklist.run.filter.clear();
            // One after another: each says something else.
            drop(model.banners.drain(..model.banners.len().min(1)));
            model.notice = None;
        }
        _ => model.focus = Pane::Health,
    }
    Vec::new()
}

/// Opens the palette with the commands of the focused pane, and of a run.
pub(crate) fn open_palette(model: &mut Model) -> Vec<Effect> {
    let (context, read_only) = (model.focus.context(), model.is_read_only());
    let may = |entry: &Entry| {
        context.stack().contains(&entry.context)
            && !(read_only && entry.danger != Danger::None)
            && !matches!(entry.action, Action::Palette | Action::Down | Action::Up)
    };
    let everywhere = |entry: &Entry| may(entry) || (entry.context == Context::Run && !read_only);
    model.open(Modal::Palette(Palette::new(everywhere)));
    if read_only { Vec::new() } else { vec![Effect::Query(Query::ListProcedures)] }
}

fn open_line(model: &mut Model) {
    let filter = match (model.focus, model.focus.section()) {
        (_, Some(section)) => model.lists.of(section).filter().to_owned(),
        (Pane::Log, _) => return open_search(model),
        (Pane::Checklist, _) => model.checklist.run.filter.clone(),
        _ => model.run.filter.clone(),
    };
    model.open(Modal::Line { purpose: Purpose::Filter(model.focus), field: Field::new(filter) });
}

fn open_search(model: &mut Model) {
    model.focus = Pane::Log;
    model.open(Modal::Line { purpose: Purpose::Search, field: Field::default() });
}

/// Opens a note beside the step that is looked at, with what was begun before.
pub(crate) fn open_note(model: &mut Model) {
    let pane = model.at_hand();
    let refusal = match &pane.view {
        None => Some("a note stands beside a run, and none is followed"),
        Some(view) if view.sealed.is_some() => Some("this run is over; its report is closed to notes"),
        Some(_) if !pane.lives => Some("no runner is there to write the note down: resume the run first"),
        Some(_) => None,
    };
    let (None, Some(view)) = (refusal, &pane.view) else {
        return refuse_or_explain(model, Action::Note, refusal.unwrap_or_default());
    };
    let step = match model.modal() {
        Some(Modal::Item(dialog)) => Some(dialog.step),
        Some(Modal::Step { step, .. }) => Some(*step),
        _ if model.focus == Pane::Checklist => model.checklist.step(),
        _ => pane.step(),
    };
    let run = view.id.clone();
    let lines = model.drafts.get(&(run.clone(), step, Writes::Beside)).cloned().unwrap_or_default();
    model.open(Modal::Note(Box::new(Note::new(run, step, lines))));
}

fn open_or_act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(section) = model.focus.section() {
        if action == Action::Act {
            return offer(model);
        }
        let Some(row) = model.lists.of_mut(section).take_cursor().cloned() else { return Vec::new() };
        model.open(Modal::Row(Box::new(RowDialog::new(TargetId::of(&row)))));
        return RowDialog::asks(&row);
    }
    match (model.focus, action) {
        (Pane::Checklist, Action::Act) if answers(model) => {}
        (Pane::Checklist, _) => return checklist::open(model),
        (Pane::Run, Action::Act) => answer_or_explain(model),
        (Pane::Run, _) => return run::open(model),
        _ => {}
    }
    Vec::new()
}

/// Opens the prompt of what the focused pane follows; `false` where there is none.
fn answers(model: &mut Model) -> bool {
    let following = model.at_hand().following.clone();
    following.is_some_and(|id| run::open_prompt(model, &id))
}

/// Opens the prompt of the run, or says why there is none.
fn answer_or_explain(model: &mut Model) {
    let text = match model.run.status() {
        _ if answers(model) => return,
        Some(RunStatus::Interrupted) => format!("no runner is at work: {} resumes the run", resume(model)),
        Some(RunStatus::Held) => format!("the run is held: {} resumes it, and it asks again", resume(model)),
        Some(_) => "the run asks for nothing now".to_owned(),
        None => "no run is followed".to_owned(),
    };
    model.notify(text);
}

/// The key that resumes a run.
fn resume(model: &Model) -> String {
    model.keymap.shown(Action::Resume)
}

/// Asks what can act on the row under the cursor.
pub(crate) fn offer(model: &mut Model) -> Vec<Effect> {
    let Some(section) = model.focus.section() else { return Vec::new() };
    let Some(row) = model.lists.of_mut(section).take_cursor().cloned() else { return Vec::new() };
    let target = TargetId::of(&row);
    model.open(Modal::Offers { target, offers: None, withheld: Vec::new(), cursor: None, scroll: 0 });
    vec![Effect::Query(Query::Offer(Box::new(row)))]
}

/// Why a consent takes no pasted text.
const NO_PASTE: &str = "nothing can be pasted here: read, then type";

/// Why a note takes no pasted text where letters are keys.
const NO_TEXT: &str = "nothing was pasted: go to the text first";

/// Takes pasted text: into what is being typed, but never into the consent to an act, and never as keys.
pub fn pasted(model: &mut Model, text: &str) {
    let awake = model.is_awake();
    if model.modal().is_some_and(Modal::is_guarded) {
        model.disturbed();
    }
    match model.modal_mut() {
        Some(Modal::Note(note)) if note.writing => note.paste(text),
        Some(Modal::Note(note)) => note.hint = Some(NO_TEXT.to_owned()),
        Some(Modal::Line { purpose, field }) => {
            field.paste(text);
            if let (Purpose::Filter(_), text) = (*purpose, field.text().to_owned()) {
                let purpose = *purpose;
                crate::app::update::entered(model, purpose, text);
            }
        }
        Some(Modal::Palette(palette)) => palette.field.paste(text),
        Some(Modal::Params(form)) if !form.planning => {
            let cursor = form.cursor;
            form.hint = None;
            if let Some(field) = form.fields.get_mut(cursor) {
                field.paste(text);
            }
        }
        Some(Modal::Prompt(dialog)) if dialog.is_consent() => dialog.hint = Some(NO_PASTE.to_owned()),
        Some(Modal::LeaveDemo(leaving)) => leaving.hint = Some(NO_PASTE.to_owned()),
        Some(Modal::Prompt(dialog)) if dialog.in_field && awake => dialog.field.paste(text),
        _ => {}
    }
}

/// Whether a key is a bare character, which a text field takes as text.
pub(crate) fn is_letter(key: Key) -> bool {
    matches!(key.code, KeyCode::Char(_)) && !key.ctrl && !key.alt
}
