//! The Checklist pane: the items of the checklist that is followed; without one, what the checklists of the estate hold.

use crate::app::confirm;
use crate::app::effect::{Effect, Query};
use crate::app::keymap::Action;
use crate::app::keys;
use crate::app::modal::note::Writes;
use crate::app::modal::{ItemDialog, Modal, Note, ask};
use crate::app::model::{Model, Pane};
use crate::app::msg::Outline;
use crate::app::panes::run::{self, RunPane};
use crate::domain::{RunId, RunStatus};
use crate::journal::fold::{ItemState, ItemView, RunView};
use crate::journal::item::{ItemAction, fits, may_do};

/// The Checklist pane.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ChecklistPane {
    /// The checklist that is followed, with the cursor on its items.
    pub run: RunPane,
    /// The checklists that could be begun; `None` until they were listed once.
    pub known: Option<Vec<Outline>>,
    /// The one under the cursor.
    pub chosen: usize,
}

impl ChecklistPane {
    /// The checklist that is followed.
    #[must_use]
    pub fn view(&self) -> Option<&RunView> {
        self.run.view.as_deref()
    }

    /// The items that are shown, in the order of the checklist.
    #[must_use]
    pub fn shown(&self) -> Vec<ItemView> {
        let Some(view) = self.view() else { return Vec::new() };
        let needle = self.run.filter.to_lowercase();
        let matches = |item: &ItemView| {
            let texts = [&item.title, &item.phase];
            texts.iter().any(|text| text.to_lowercase().contains(&needle)) || item.state.word() == needle
        };
        view.items().into_iter().filter(matches).collect()
    }

    /// The step of the item that is looked at: under the cursor, else the one that asks, else the first that waits for somebody.
    #[must_use]
    pub fn step(&self) -> Option<u32> {
        let asks = self.view().and_then(|view| view.prompt.as_ref()).map(|open| open.step);
        self.run.cursor.or(asks).or_else(|| {
            let items = self.shown();
            let open = items.iter().find(|item| item.state == ItemState::Open);
            open.or_else(|| items.iter().find(|item| !item.state.is_closed())).or(items.first()).map(|item| item.step)
        })
    }

    /// The checklist under the cursor, where none is followed.
    #[must_use]
    pub fn chosen(&self) -> Option<&Outline> {
        self.known.as_ref().filter(|_| self.run.following.is_none())?.get(self.chosen)
    }

    /// Moves the cursor.
    pub fn step_by(&mut self, by: isize) {
        if self.run.following.is_none() {
            let last = self.known.as_ref().map_or(0, |known| known.len().saturating_sub(1));
            self.chosen = self.chosen.saturating_add_signed(by).min(last);
            return;
        }
        let items = self.shown();
        let at = self.step().and_then(|step| items.iter().position(|item| item.step == step));
        let place = at.map_or(0, |at| at.saturating_add_signed(by).min(items.len().saturating_sub(1)));
        self.run.cursor = items.get(place).map(|item| item.step);
    }

    /// Whether another checklist may take this one's place.
    fn is_idle(&self) -> bool {
        self.run.following.is_none() || self.run.status().is_some_and(RunStatus::is_over)
    }
}

/// Follows a checklist, and forgets the one followed before.
pub fn follow(model: &mut Model, id: RunId) -> Vec<Effect> {
    if model.checklist.run.following.as_ref() == Some(&id) {
        return Vec::new();
    }
    model.checklist.run = RunPane { following: Some(id.clone()), ..RunPane::default() };
    vec![Effect::Query(Query::FollowChecklist(id))]
}

/// Takes a run out of the Run pane that turns out to be a checklist.
pub fn run_changed(model: &mut Model, id: RunId) -> Vec<Effect> {
    model.checklist.run = std::mem::take(&mut model.run);
    if model.focus == Pane::Run {
        model.focus = Pane::Checklist;
    }
    vec![Effect::Query(Query::LeaveRun), Effect::Query(Query::FollowChecklist(id))]
}

/// Follows the newest live checklist, where none that lives is followed.
pub fn runs_listed(model: &mut Model, live: Option<RunId>) -> Vec<Effect> {
    // One that is over stays on the screen while it is looked at.
    let is_free = model.checklist.run.following.is_none() || model.focus != Pane::Checklist;
    match live {
        Some(id) if model.checklist.is_idle() && is_free => follow(model, id),
        _ => Vec::new(),
    }
}

/// Looks whether a checklist was begun elsewhere and which ones there are, where none is followed.
#[must_use]
pub fn entered(model: &Model) -> Vec<Effect> {
    let asks = model.focus == Pane::Checklist && model.checklist.is_idle();
    let both = [Effect::Query(Query::ListRuns), Effect::Query(Query::ListChecklists)];
    if asks { both.into() } else { Vec::new() }
}

/// Takes the checklists that there are.
pub fn listed(model: &mut Model, known: Vec<Outline>) {
    let before = model.checklist.chosen().map(|outline| outline.offer.procedure.clone());
    let place = before.and_then(|id| known.iter().position(|outline| outline.offer.procedure == id));
    model.checklist.chosen = place.unwrap_or(0);
    model.checklist.known = Some(known);
}

/// Leaves a checklist that is over; `None` where there is none to leave.
pub fn left(model: &mut Model) -> Option<Vec<Effect>> {
    let over = model.checklist.run.status().is_some_and(RunStatus::is_over);
    if model.focus != Pane::Checklist || !over {
        return None;
    }
    model.checklist.run = RunPane::default();
    Some(vec![Effect::Query(Query::LeaveChecklist), Effect::Query(Query::ListChecklists)])
}

/// Opens the item under the cursor, large; where no checklist is followed, the plan of the one under the cursor.
pub fn open(model: &mut Model) -> Vec<Effect> {
    if model.checklist.run.following.is_none() {
        return begin(model);
    }
    let Some(step) = open_item(model) else { return Vec::new() };
    if asks(model, step)
        && let Some(id) = model.checklist.run.following.clone()
    {
        run::open_prompt(model, &id);
    }
    Vec::new()
}

/// Opens the item under the cursor, and gives its step.
fn open_item(model: &mut Model) -> Option<u32> {
    let (view, step) = (model.checklist.view()?, model.checklist.step()?);
    let dialog = ItemDialog::new(view.id.clone(), &view.item(step)?);
    model.checklist.run.cursor = Some(step);
    model.open(Modal::Item(Box::new(dialog)));
    Some(step)
}

/// Whether the runner asks for something about an item now.
fn asks(model: &Model, step: u32) -> bool {
    model.checklist.view().and_then(|view| view.prompt.as_ref()).is_some_and(|open| open.step == step)
}

/// Puts the cursor of the focused pane on the item that asks, so that the key that opens is about it.
pub fn point_at_prompt(model: &mut Model) {
    let asking = model.checklist.view().and_then(|view| Some(view.prompt.as_ref()?.step));
    if model.focus == Pane::Checklist && asking.is_some() {
        model.checklist.run.cursor = asking;
    }
}

/// Goes from the checklist under the cursor to its parameters and its plan.
fn begin(model: &mut Model) -> Vec<Effect> {
    let Some(outline) = model.checklist.chosen().cloned() else {
        let none = model.checklist.known.as_ref().is_some_and(Vec::is_empty);
        model.notify(if none { "there is no checklist here" } else { "the checklists are being read" });
        return Vec::new();
    };
    if model.is_read_only() {
        model.notify(keys::READ_ONLY);
        return Vec::new();
    }
    ask::launch(model, outline.offer)
}

/// The item that a dialog shows, as it stands now.
#[must_use]
pub fn item(pane: &ChecklistPane, dialog: &ItemDialog) -> Option<ItemView> {
    pane.view().filter(|view| view.id == dialog.run)?.item(dialog.step)
}

/// Whether the operator of this console may do this with an item now.
fn may(model: &Model, item: &ItemView, action: &ItemAction) -> Result<(), String> {
    fits(item, action)?;
    model.checklist.view().map_or(Ok(()), |view| may_do(&view.starter, &model.me, action))
}

/// The item of the topmost dialog.
fn at_hand(model: &Model) -> Option<ItemView> {
    let Some(Modal::Item(dialog)) = model.modal() else { return None };
    item(&model.checklist, dialog)
}

fn hint(model: &mut Model, text: impl Into<String>) {
    if let Some(Modal::Item(dialog)) = model.modal_mut() {
        dialog.hint = Some(text.into());
    }
}

/// After the journal moved on: an item that is another than was shown must be looked at before a key counts.
pub fn settle(model: &mut Model) {
    let Some(item) = at_hand(model) else { return };
    let Some(Modal::Item(dialog)) = model.modal_mut() else { return };
    let now = (item.state, item.seq);
    if dialog.shown != now {
        dialog.shown = now;
        dialog.hint = None;
        model.look_again();
    }
}

/// Shows another item: the next in order, or the one before.
pub fn turn(model: &mut Model, by: isize) -> Vec<Effect> {
    let Some(item) = at_hand(model) else { return Vec::new() };
    let steps = model.checklist.view().map_or(0, |view| view.steps.len());
    let last = u32::try_from(steps.saturating_sub(1)).unwrap_or(u32::MAX);
    let by = i32::try_from(by).unwrap_or(if by < 0 { i32::MIN } else { i32::MAX });
    go(model, item.step.saturating_add_signed(by).min(last))
}

fn go(model: &mut Model, step: u32) -> Vec<Effect> {
    let Some(item) = model.checklist.view().and_then(|view| view.item(step)) else { return Vec::new() };
    if let Some(Modal::Item(dialog)) = model.modal_mut()
        && dialog.step != step
    {
        **dialog = ItemDialog::new(dialog.run.clone(), &item);
        model.checklist.run.cursor = Some(step);
        model.look_again();
    }
    Vec::new()
}

/// Closes the item of the dialog with evidence; from one that is closed, goes to the next that is open.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    let Some(item) = at_hand(model) else { return Vec::new() };
    if asks(model, item.step)
        && let Some(id) = model.checklist.run.following.clone()
    {
        run::open_prompt(model, &id);
        return Vec::new();
    }
    if !item.state.is_closed() {
        if !model.is_awake() {
            return Vec::new();
        }
        return match unread(model) {
            None => act_on_item(model, &item, item.seq, ItemAction::Close),
            Some(why) => {
                hint(model, why);
                Vec::new()
            }
        };
    }
    let items = model.checklist.view().map(RunView::items).unwrap_or_default();
    let (before, after) = items.split_at_checked(item.step as usize).unwrap_or_default();
    match after.iter().chain(before).find(|other| other.state == ItemState::Open) {
        Some(next) => go(model, next.step),
        None => {
            hint(model, "no other item is open");
            Vec::new()
        }
    }
}

/// Why nothing can be done with the item on the screen: not all of it was read.
fn unread(model: &Model) -> Option<String> {
    if model.is_whole() { model.unread() } else { Some(ask::NOT_WHOLE.to_owned()) }
}

/// Sends what a person wants with an item that was read, where it can take it.
fn act_on_item(model: &mut Model, item: &ItemView, seq: u64, action: ItemAction) -> Vec<Effect> {
    let authority = model.authority.clone();
    let (id, lives) = (model.checklist.run.following.clone(), model.checklist.run.lives);
    let sent = matches!(model.modal(), Some(Modal::Item(dialog)) if dialog.sent);
    let refusal = match (&authority, may(model, item, &action)) {
        (None, _) => Some("read-only: this console holds nothing to act with".to_owned()),
        _ if sent => Some("that is on its way to the runner".to_owned()),
        _ if !lives => Some("no runner is there: resume the run first".to_owned()),
        (_, Err(why)) => Some(why),
        _ if item.seq != seq => Some("the item was opened again: look at it again".to_owned()),
        _ => None,
    };
    let (Some(authority), Some(id), None) = (authority, id, &refusal) else {
        hint(model, refusal.unwrap_or_default());
        return Vec::new();
    };
    let Some(command) = confirm::item(&authority, &id, item, action) else { return Vec::new() };
    if let Some(Modal::Item(dialog)) = model.modal_mut() {
        (dialog.sent, dialog.hint) = (true, None);
    }
    vec![Effect::Command(command)]
}

/// Asks for the words of a claim, of a skip or of opening again, where the item can take them; else says why in a dialog, so that
/// the words that follow act nowhere. From the pane it opens the item below them.
pub fn write(model: &mut Model, action: Action) -> Vec<Effect> {
    let writes = Writes::ALL.into_iter().find(|writes| writes.action() == action).unwrap_or(Writes::Beside);
    let from_pane = model.modal().is_none();
    if from_pane && model.checklist.view().is_some() {
        open_item(model);
    }
    let Some(item) = at_hand(model) else {
        keys::refuse_or_explain(model, action, "no checklist is followed");
        return Vec::new();
    };
    let unread = if from_pane { None } else { unread(model) };
    let id = model.checklist.run.following.clone().filter(|_| model.checklist.run.lives);
    match (id, writes.item_action("something").map(|item_action| may(model, &item, &item_action))) {
        _ if unread.is_some() => keys::refuse_or_explain(model, action, unread.unwrap_or_default()),
        (None, _) => keys::refuse_or_explain(model, action, "no runner is there: resume the run first"),
        (_, Some(Err(why))) => keys::refuse_or_explain(model, action, why),
        (Some(id), _) => {
            let lines = model.drafts.get(&(id.clone(), Some(item.step), writes)).cloned().unwrap_or_default();
            let note = Note::of_item(id, (item.step, item.seq), writes, lines);
            model.open(Modal::Note(Box::new(note)));
        }
    }
    Vec::new()
}

/// Sends what was written of an item; the text is kept until the runner has it. What cannot be sent yet is said in the dialog.
pub fn save(model: &mut Model) -> Vec<Effect> {
    let (whole, awake) = (model.is_whole(), model.is_awake());
    let Some(Modal::Note(note)) = model.modal_mut() else { return Vec::new() };
    if !awake || note.writing {
        return Vec::new();
    }
    if !whole {
        note.hint = Some(ask::NOT_WHOLE.to_owned());
        return Vec::new();
    }
    let (writes, text, seq) = (note.writes, note.text(), note.seq);
    let (key, lines) = ((note.run.clone(), note.step, writes), note.lines().to_vec());
    let item = note.step.and_then(|step| model.checklist.view()?.item(step));
    let (Some(item), Some(wanted)) = (item, writes.item_action(&text)) else { return Vec::new() };
    if text.is_empty()
        && let Err(why) = fits(&item, &wanted)
        && let Some(Modal::Note(note)) = model.modal_mut()
    {
        note.hint = Some(why);
        return Vec::new();
    }
    model.close();
    model.drafts.insert(key.clone(), lines);
    let effects = act_on_item(model, &item, seq, wanted);
    if !effects.is_empty() {
        // A second press of the key must not answer what the run asks next.
        model.answered = Some(key.0.clone());
        model.saving = Some(key);
    }
    effects
}
