//! A key that commits counts only where it stands alone: one that others follow at once is part of a text, pasted by a terminal that
//! does not say so, or typed for another place. A phrase counts only where it was typed: a burst of keys is no typing.

use crate::app::early;
use crate::app::effect::Effect;
use crate::app::field::Field;
use crate::app::keymap::{Action, Resolved};
use crate::app::keys;
use crate::app::modal::Modal;
use crate::app::model::Model;
use crate::domain::Boot;
use crate::domain::key::{Key, KeyCode};
use std::collections::VecDeque;
use std::time::Duration;

/// How long no other input may come after a key that commits. A paste is much faster, a hand hardly ever.
pub const ALONE: Duration = Duration::from_millis(50);

/// The same of a letter: a word that is typed for another place brings one key each 60 to 250 ms.
const TYPED: Duration = Duration::from_millis(300);

/// How many keys of a phrase within [`ALONE`] are no typing. A paste that the terminal does not mark comes all at once, and what a program
/// types for somebody comes some ten milliseconds apart: five of those are within the span. A hand that is fast strikes a key each 60 ms,
/// and rolls two or three over each other. A slow line brings what was typed in bunches: at 100 ms a key, four are what it held back for
/// a third of a second. One that holds back more costs the person the phrase once again, and never confirms by mistake.
const BURST: usize = 5;

/// Why what came is no phrase.
const TYPE_IT: &str = "type the phrase; pasted text does not count";

/// The keys of a phrase that came last.
#[derive(Clone, Debug, Default)]
pub struct Burst {
    last: VecDeque<Boot>,
    goes_on: bool,
}

impl Burst {
    /// Takes note of a key; `true` where it belongs to a burst, which ends with the first pause.
    fn takes(&mut self, at: Boot) -> bool {
        if self.last.back().is_none_or(|last| at.since(*last) >= ALONE) {
            *self = Self::default();
        }
        self.last.push_back(at);
        if self.last.len() > BURST {
            self.last.pop_front();
        }
        let close = |first: &Boot| at.since(*first) < ALONE;
        self.goes_on |= self.last.len() == BURST && self.last.front().is_some_and(close);
        self.goes_on
    }
}

/// Takes a key. One that commits is held until it stood alone; where nobody tells whether keys wait, it counts at once.
pub fn pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    let now = model.now.boot;
    let before = model.last_input;
    followed(model);
    if is_of_phrase(model, key) && model.burst.takes(now) {
        refuse_burst(model);
        return Vec::new();
    }
    match commits(model, key).filter(|_| model.is_told_of_waiting_keys()) {
        None => keys::pressed(model, key),
        // The last letter of a text that was pasted or typed.
        Some(Needs::NothingBefore) if before.is_some_and(|before| now.since(before) < silence(key)) => {
            early::too_early(model);
            Vec::new()
        }
        Some(_) => {
            model.held = Some((key, now));
            Vec::new()
        }
    }
}

/// Takes note of input of any kind: a key that is held did not stand alone, and nothing comes of it.
pub fn followed(model: &mut Model) {
    model.last_input = Some(model.now.boot);
    if model.held.take().is_some() {
        early::too_early(model);
    }
}

/// Takes the key that is held, where nothing followed it for long enough.
pub fn elapsed(model: &mut Model) -> Vec<Effect> {
    match model.held.take_if(|(key, at)| model.now.boot.since(*at) >= silence(*key)) {
        Some((key, _)) => keys::pressed(model, key),
        None => Vec::new(),
    }
}

/// How long a key stands alone before it counts.
fn silence(key: Key) -> Duration {
    if keys::is_letter(key) { TYPED } else { ALONE }
}

/// Whether a key is typed into a phrase that confirms something.
fn is_of_phrase(model: &Model, key: Key) -> bool {
    let in_phrase = match model.modal() {
        Some(Modal::Prompt(dialog)) => dialog.in_field && dialog.is_consent() && dialog.ended.is_none(),
        Some(modal @ Modal::LeaveDemo(_)) => modal.takes_text(),
        _ => false,
    };
    in_phrase && (keys::is_letter(key) || key.code == KeyCode::Enter)
}

/// Empties the field that a burst came into: the phrase is typed from its beginning.
fn refuse_burst(model: &mut Model) {
    match model.modal_mut() {
        Some(Modal::Prompt(dialog)) => (dialog.field, dialog.hint) = (Field::default(), Some(TYPE_IT.to_owned())),
        Some(Modal::LeaveDemo(leaving)) => {
            (leaving.field, leaving.hint) = (Field::default(), Some(TYPE_IT.to_owned()));
        }
        _ => {}
    }
    model.disturbed();
}

/// What must be so beside the quiet time and the silence after it.
enum Needs {
    /// Nothing.
    Nothing,
    /// No key right before it, either.
    NothingBefore,
}

/// Whether a key commits to something in the topmost dialog.
fn commits(model: &Model, key: Key) -> Option<Needs> {
    let modal = model.modal()?;
    let is_enter = key.code == KeyCode::Enter;
    match modal {
        Modal::Emergency(emergency) if !emergency.confirming => None,
        Modal::Prompt(dialog) if dialog.in_field => (is_enter && dialog.is_consent()).then_some(Needs::Nothing),
        _ => match early::resolved(model, modal.context(), key) {
            Resolved::Action(Action::Confirm) if modal.commits() => Some(Needs::NothingBefore),
            Resolved::Action(Action::Decline) if modal.commits() => Some(Needs::Nothing),
            Resolved::Action(Action::Open) if matches!(modal, Modal::Item(_)) => Some(Needs::Nothing),
            _ => None,
        },
    }
}

impl Model {
    /// When it must be seen that no key is waiting, for the key that is held to count.
    #[must_use]
    pub fn due_at(&self) -> Option<Boot> {
        self.held.map(|(key, at)| Boot(at.0.saturating_add(silence(key).as_nanos() as u64)))
    }
}
