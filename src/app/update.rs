//! One function moves the console on.

use crate::app::burst;
use crate::app::confirm;
use crate::app::effect::{Effect, Query};
use crate::app::estate;
use crate::app::keys;
use crate::app::modal::palette::Command;
use crate::app::modal::{Modal, Purpose};
use crate::app::model::{Hit, Model, Pane, TargetId};
use crate::app::moves;
use crate::app::msg::{Mouse, Msg, Offer, PlanShown};
use crate::app::panes::{checklist, log, run};
use crate::app::runs;
use crate::app::wallboard;
use crate::domain::{Clean, EffectClass, Error, Order, RunId, Section};

/// What to ask for after the first frame. The gate reads every target as soon as it is there, unasked.
#[must_use]
pub fn begin(_: &Model) -> Vec<Effect> {
    vec![Effect::Query(Query::ListRuns), Effect::Query(Query::ListChecklists)]
}

/// Moves the console on by one thing that happened.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let effects = apply(model, msg);
    for section in Section::ALL {
        model.lists.of_mut(section).attend(model.focus == Pane::of(section));
    }
    effects
}

fn apply(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Tick(now) => {
            model.now = now;
            model.window.tick(now.wall);
            model.notice.take_if(|(_, until)| *until <= now.boot);
            model.lists.tick(now.wall);
            wallboard::tick(model);
            return runs::tick(model);
        }
        Msg::KeyPressed(key, now) if model.wallboard.is_some() => {
            model.now = now;
            return wallboard::pressed(model, key);
        }
        msg @ (Msg::KeyPressed(..) | Msg::KeyAlone(_) | Msg::Pasted(..) | Msg::MouseMoved(..) | Msg::Resized(..)) => {
            return from_terminal(model, msg);
        }
        Msg::RowsRead(rows) => model.lists.read(model.window.judged(rows, model.now.wall), model.now.wall),
        Msg::PastRead(past) => model.lists.remember(past, model.now.wall),
        Msg::HistoryTroubled(error) => history_troubled(model, &error),
        Msg::Offered { target, offers, withheld } => offered(model, &target, offers, withheld),
        Msg::EstateEdited(edited) => return estate::edited(model, edited),
        Msg::EstateLoaded(shown) => return estate::loaded(model, *shown),
        Msg::ActsKnown { target, acts } => {
            if let Some(Modal::Row(dialog)) = model.modal_mut().filter(|modal| is_of(modal, &target)) {
                dialog.acts = acts;
            }
        }
        Msg::ProceduresListed(offers) => procedures(model, offers),
        Msg::ChecklistsListed(known) => checklist::listed(model, known),
        Msg::Planned(shown) => planned(model, shown),
        Msg::PlanRefused { procedure, error } => plan_refused(model, &procedure, error),
        Msg::RunsListed(runs) => return runs::listed(model, runs),
        Msg::RunFolded { view, runner_lives } => return run::folded(model, view, runner_lives),
        Msg::PeopleSeen { run, people } => run::seen_by(model, &run, people),
        Msg::ActSeen { run, pid } => run::act_seen(model, &run, pid),
        Msg::RunLost { run, error } => run::lost(model, &run, error),
        Msg::LogRead(page) => return log::read(model, *page),
        Msg::SetListed { set, from, total, items } => {
            if let Some(Modal::SetList(list)) = model.modal_mut().filter(|modal| shows_set(modal, &set)) {
                (list.from, list.total, list.items) = (from, Some(total), items);
            }
        }
        Msg::RunStarted(run) => return started(model, run),
        Msg::CommandDone(text) => {
            model.drafts.retain(|draft, _| model.saving.as_ref() != Some(draft));
            model.saving = None;
            if let Some(Modal::Item(dialog)) = model.modal_mut() {
                dialog.sent = false;
            }
            model.notify(text);
        }
        Msg::CommandFailed(error) => command_failed(model, error),
        Msg::TaskDied(name) => model.notify(format!("{name} stopped working; Midwatch's own log says why")),
    }
    Vec::new()
}

/// Takes what came from the terminal.
fn from_terminal(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::KeyPressed(key, now) => {
            (model.now, model.touched) = (now, true);
            model.dismiss_notice();
            return burst::pressed(model, key);
        }
        Msg::KeyAlone(now) => {
            model.now = now;
            return burst::elapsed(model);
        }
        Msg::Pasted(text, now) => {
            (model.now, model.touched) = (now, true);
            burst::followed(model);
            keys::pasted(model, &text);
        }
        Msg::MouseMoved(mouse, cell, now) => {
            (model.now, model.touched) = (now, true);
            burst::followed(model);
            return moused(model, mouse, cell);
        }
        Msg::Resized(columns, rows) => {
            burst::followed(model);
            model.resized(columns, rows);
        }
        _ => {}
    }
    Vec::new()
}

/// What is wrong with the history, in a banner; a wall has none, and says it in its corner.
fn history_troubled(model: &mut Model, error: &Error) {
    if model.wallboard.is_some() {
        model.remark = Some("no history: see Midwatch's own log".to_owned());
        return;
    }
    let hint = error.hints.first().map_or_else(String::new, |hint| format!("; {hint}"));
    model.banners.push(Clean::text(&format!("{}{hint}", error.message)).plain());
}

fn shows_set(modal: &Modal, set: &crate::domain::Digest) -> bool {
    matches!(modal, Modal::SetList(list) if list.set == *set)
}

fn is_of(modal: &Modal, target: &TargetId) -> bool {
    matches!(modal, Modal::Row(dialog) if dialog.target == *target)
}

fn offered(model: &mut Model, target: &TargetId, found: Vec<Offer>, why: Vec<String>) {
    if let Some(Modal::Row(dialog)) = model.modal_mut().filter(|modal| is_of(modal, target)) {
        (dialog.offers, dialog.withheld) = (Some(found), why);
        return;
    }
    if let Some(Modal::Offers { target: asked, offers, withheld, cursor, .. }) = model.modal_mut()
        && asked == target
        && offers.is_none()
    {
        // What changes or destroys waits for a key that selects it.
        *cursor = found.first().filter(|first| first.effect == EffectClass::Read).map(|_| 0);
        *offers = Some(found);
        *withheld = why;
    }
}

fn procedures(model: &mut Model, mut offers: Vec<Offer>) {
    if let Some(Modal::Procedures { list, cursor }) = model.modal_mut() {
        offers.sort_by(|a, b| (a.effect, &a.procedure).cmp(&(b.effect, &b.procedure)));
        // As for a row, what changes or destroys waits for a key that selects it.
        *cursor = offers.first().filter(|first| first.effect == EffectClass::Read).map(|_| 0);
        *list = Some(offers);
        return;
    }
    if let Some(Modal::Palette(palette)) = model.modal_mut() {
        let kept = palette.cursor.and_then(|_| palette.chosen());
        palette.choices.retain(|choice| matches!(choice, Command::Action(_)));
        palette.choices.extend(offers.into_iter().map(|offer| Command::Procedure(Box::new(offer))));
        // What was selected stays selected, wherever it stands now.
        palette.cursor = kept.and_then(|kept| palette.matches().iter().position(|other| other.name() == kept.name()));
    }
}

fn planned(model: &mut Model, shown: Box<PlanShown>) {
    if let Some(Modal::Params(form)) = model.modal_mut()
        && form.planning
        && form.offer.procedure == shown.plan.id
    {
        form.planning = false;
        form.error = None;
        model.open(Modal::Plan { shown, scroll: 0, sent: false });
    }
}

fn plan_refused(model: &mut Model, procedure: &str, error: Error) {
    if let Some(Modal::Params(form)) = model.modal_mut()
        && form.offer.procedure == procedure
    {
        form.planning = false;
        form.error = Some(error);
    }
}

/// A run was started. It comes onto the screen where its plan still stands there; who went on to something else is left alone.
fn started(model: &mut Model, id: RunId) -> Vec<Effect> {
    let is_list = |modal: &Modal| matches!(modal, Modal::Plan { shown, .. } if shown.plan.order == Order::Any);
    let is_list = model.modals().iter().any(is_list);
    let start = |modal: &Modal| match modal {
        Modal::Plan { shown, sent: true, .. } => Some(shown.plan.id.clone()),
        Modal::Emergency(emergency) if emergency.sent => Some(emergency.shown.plan.id.clone()),
        _ => None,
    };
    for procedure in model.modals().iter().filter_map(start).collect::<Vec<_>>() {
        model.kept.forget_start(&procedure);
    }
    if model.modal().and_then(start).is_some() {
        model.close_all();
        model.focus = if is_list { Pane::Checklist } else { Pane::Run };
    } else {
        model.close_where(|modal| start(modal).is_some());
        model.notify("the run has started");
    }
    let mut effects = if is_list { checklist::follow(model, id) } else { run::follow(model, id) };
    effects.push(Effect::Query(Query::ListRuns));
    effects
}

fn command_failed(model: &mut Model, error: Error) {
    model.saving = None;
    match model.modal_mut() {
        Some(Modal::Prompt(dialog)) => {
            dialog.sent = false;
            dialog.hint = Some(error.message);
        }
        Some(Modal::Item(dialog)) => {
            dialog.sent = false;
            dialog.hint = Some(error.message);
        }
        Some(Modal::Emergency(emergency)) => {
            emergency.sent = false;
            emergency.hint = Some(error.message);
        }
        Some(Modal::Plan { sent, .. }) => {
            *sent = false;
            model.open(Modal::Notice { error, scroll: 0 });
        }
        Some(_) => model.notify(error.message),
        None => model.open(Modal::Notice { error, scroll: 0 }),
    }
}

/// Clicks put the cursor where the eye is; a click never opens, answers or closes anything. A hand at the mouse is not at the keys:
/// what it does over a dialog begins its quiet time again.
fn moused(model: &mut Model, mouse: Mouse, (column, row): (u16, u16)) -> Vec<Effect> {
    let hit = model.seen().hits.iter().rev().find(|(area, _)| area.holds(column, row)).map(|(_, hit)| hit.clone());
    if let Some(modal) = model.modal() {
        if modal.is_guarded() {
            model.disturbed();
        }
        let by = match mouse {
            Mouse::Click => return Vec::new(),
            Mouse::ScrollUp => -3,
            Mouse::ScrollDown => 3,
        };
        return keys::scroll_modal(model, by);
    }
    match (mouse, hit) {
        (Mouse::Click, Some(Hit::Pane(pane))) => model.focus = pane,
        (Mouse::Click, Some(Hit::Target(id))) => {
            model.focus = Pane::of(id.kind.section());
            model.lists.of_mut(id.kind.section()).point(&id);
        }
        (Mouse::Click, Some(Hit::Step(step))) => {
            model.focus = Pane::Run;
            model.run.cursor = Some(step);
            return log::attend(model);
        }
        (Mouse::Click, Some(Hit::Item(step))) => {
            model.focus = Pane::Checklist;
            model.checklist.run.cursor = Some(step);
        }
        (Mouse::Click, Some(Hit::Outline(place))) => {
            model.focus = Pane::Checklist;
            model.checklist.chosen = place;
        }
        (Mouse::ScrollUp | Mouse::ScrollDown, Some(hit)) => {
            let up = mouse == Mouse::ScrollUp;
            let by = if up { -1 } else { 1 };
            return match hit {
                Hit::Pane(Pane::Log) => log::scroll(model, if up { -3 } else { 3 }),
                Hit::Pane(pane) => moves::move_in(model, pane, by),
                Hit::Target(id) => moves::move_in(model, Pane::of(id.kind.section()), by),
                Hit::Step(_) => moves::move_in(model, Pane::Run, by),
                Hit::Item(_) | Hit::Outline(_) => moves::move_in(model, Pane::Checklist, by),
                Hit::Dialog => Vec::new(),
            };
        }
        _ => {}
    }
    Vec::new()
}

/// Writes a note down, and keeps its text until the runner has it.
pub(crate) fn save_note(model: &mut Model) -> Vec<Effect> {
    let (Some(authority), Some(Modal::Note(note))) = (model.authority.clone(), model.modal()) else {
        return Vec::new();
    };
    if note.writing || !model.is_whole() {
        return Vec::new();
    }
    let (key, text, lines) = ((note.run.clone(), note.step, note.writes), note.text(), note.lines().to_vec());
    if text.is_empty() {
        if let Some(Modal::Note(note)) = model.modal_mut() {
            note.hint = Some("an empty note is not saved".to_owned());
        }
        return Vec::new();
    }
    model.close();
    model.drafts.insert(key.clone(), lines);
    // A second press of the key must not answer what the run asks next.
    (model.saving, model.answered) = (Some(key.clone()), Some(key.0.clone()));
    vec![Effect::Command(confirm::note(&authority, key.0, key.1, text))]
}

/// Takes what was typed into the line at the foot of the screen.
pub(crate) fn entered(model: &mut Model, purpose: Purpose, text: String) -> Vec<Effect> {
    match purpose {
        Purpose::Search => return log::search(model, text),
        Purpose::Filter(pane) => match pane.section() {
            Some(section) => model.lists.of_mut(section).set_filter(text, model.now.wall),
            None if pane == Pane::Checklist => model.checklist.run.filter = text,
            None => model.run.filter = text,
        },
    }
    Vec::new()
}
