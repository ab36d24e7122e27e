//! The reason for which a run shall not keep to its window, before it is started.

use crate::app::confirm;
use crate::app::effect::{Begun, Effect};
use crate::app::field::Field;
use crate::app::modal::Modal;
use crate::app::modal::ask::NOT_WHOLE;
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
    /// Whether the start was sent and its answer is awaited.
    pub sent: bool,
    /// What was wrong with what was typed, or with the start.
    pub hint: Option<String>,
}

/// Asks for the reason, where the plan on the screen is one that only its window refuses.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(Modal::Plan { shown, sent: false, .. }) = model.modal() else { return Vec::new() };
    if !shown.late {
        model.say("an emergency starts what only its window refuses");
        return Vec::new();
    }
    let emergency =
        Emergency { shown: shown.clone(), field: model.kept.reason(&shown.plan.id), sent: false, hint: None };
    model.open(Modal::Emergency(Box::new(emergency)));
    Vec::new()
}

/// Takes a key of the reason; Enter starts the run, which then asks a second person before its first step.
pub fn typed(model: &mut Model, key: Key) -> Vec<Effect> {
    let (authority, whole) = (model.authority.clone(), model.is_whole());
    let Some(Modal::Emergency(emergency)) = model.modal_mut() else { return Vec::new() };
    if emergency.sent {
        return Vec::new();
    }
    if key.code != KeyCode::Enter {
        emergency.hint = None;
        emergency.field.take(key);
        return Vec::new();
    }
    let reason = emergency.field.text().trim().to_owned();
    let hint = match &authority {
        None => Some("read-only: this console holds nothing to act with"),
        Some(_) if reason.is_empty() => Some("an emergency needs a reason, for the report"),
        Some(_) if !whole => Some(NOT_WHOLE),
        Some(_) => None,
    };
    let (Some(authority), None) = (authority, hint) else {
        emergency.hint = hint.map(str::to_owned);
        return Vec::new();
    };
    emergency.sent = true;
    let PlanShown { plan, hash, warnings, .. } = emergency.shown.as_ref().clone();
    let begun = Begun { how: "console", emergency: Some(reason), warned: warnings };
    vec![Effect::Command(confirm::start(&authority, plan, hash, begun))]
}
