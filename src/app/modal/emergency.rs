//! A start outside the window: first the reason why it cannot wait, then its confirmation, which shows the reason and what comes of it.
//!
//! The two are apart, so that the key that ends the typing of a reason starts nothing.

use crate::app::confirm::{self, Authority};
use crate::app::effect::{Begun, Effect};
use crate::app::field::Field;
use crate::app::modal::Modal;
use crate::app::modal::ask::NOT_WHOLE;
use crate::app::modal::scroll::scroll_in_text;
use crate::app::model::Model;
use crate::app::msg::PlanShown;
use crate::domain::key::{Key, KeyCode};

/// A plan that only its window refuses, and why it cannot wait.
#[derive(Clone, Debug)]
pub struct Emergency {
    /// The plan.
    pub shown: Box<PlanShown>,
    /// The reason, as typed so far.
    pub field: Field,
    /// Whether the reason is given, and the start waits for its confirmation.
    pub confirming: bool,
    /// Whether the start was sent and its answer is awaited.
    pub sent: bool,
    /// What was wrong with what was typed, or with the start.
    pub hint: Option<String>,
    /// The first row on the screen.
    pub scroll: u16,
}

/// Asks for the reason, where the plan on the screen was read and is one that only its window refuses.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(Modal::Plan { shown, sent: false, .. }) = model.modal() else { return Vec::new() };
    let refusal = match model.unread() {
        _ if !shown.late => Some("an emergency starts what only its window refuses".to_owned()),
        _ if !model.is_whole() => Some(NOT_WHOLE.to_owned()),
        unread => unread,
    };
    if let Some(why) = refusal {
        model.notify(why);
        return Vec::new();
    }
    let (shown, field) = (shown.clone(), model.kept.reason(&shown.plan.id));
    let emergency = Emergency { shown, field, confirming: false, sent: false, hint: None, scroll: 0 };
    model.open(Modal::Emergency(Box::new(emergency)));
    Vec::new()
}

/// Takes a key of the reason; Enter goes on to the confirmation, and starts nothing.
pub fn typed(model: &mut Model, key: Key) -> Vec<Effect> {
    if matches!(key.code, KeyCode::PageUp | KeyCode::PageDown) {
        return scroll_in_text(model, key);
    }
    let Some(Modal::Emergency(emergency)) = model.modal_mut() else { return Vec::new() };
    emergency.hint = None;
    if key.code != KeyCode::Enter {
        emergency.field.take(key);
    } else if emergency.field.text().trim().is_empty() {
        emergency.hint = Some("an emergency needs a reason, for the report".to_owned());
    } else {
        (emergency.confirming, emergency.scroll) = (true, 0);
        model.look_again();
    }
    Vec::new()
}

/// Starts the run, which then asks a second person before its first step.
pub(super) fn start(model: &mut Model, authority: &Authority) -> Vec<Effect> {
    let Some(Modal::Emergency(emergency)) = model.modal_mut() else { return Vec::new() };
    let reason = emergency.field.text().trim().to_owned();
    if !emergency.confirming || emergency.sent || reason.is_empty() {
        return Vec::new();
    }
    (emergency.sent, emergency.hint) = (true, None);
    let PlanShown { plan, hash, warnings, .. } = emergency.shown.as_ref().clone();
    let begun = Begun { how: "console", emergency: Some(reason), warned: warnings };
    vec![Effect::Command(confirm::start(authority, plan, hash, begun))]
}

/// Goes from the confirmation back to the reason; `false` where it is not there, or was sent.
pub(super) fn back(model: &mut Model) -> bool {
    let Some(Modal::Emergency(emergency)) = model.modal_mut() else { return false };
    if !emergency.confirming || emergency.sent {
        return false;
    }
    (emergency.confirming, emergency.hint, emergency.scroll) = (false, None, 0);
    model.look_again();
    true
}
