//! What is refused before anybody is asked.

use crate::domain::{EffectClass, Error, Kind, Order, Verb};
use crate::procedure::plan::{Plan, Step, WayBack};

/// Why a plan may not be started, if so.
#[must_use]
pub fn refusal(plan: &Plan) -> Option<Error> {
    let (number, step) = plan.steps.iter().enumerate().find(|(_, step)| needs_second_person(plan, step))?;
    let message = format!(
        "step {} ({}) needs a second person to approve it, and this version of Midwatch cannot ask for one",
        number + 1,
        step.title
    );
    let hint = if step.verb == Verb::Approve {
        "an approval is given by another person than the one who starts the run"
    } else if step.four_eyes {
        "its author asks for four eyes (confirm = \"four-eyes\")"
    } else {
        "a destroy without a way back, in production, takes four eyes"
    };
    Some(Error::new(Kind::Refused, message).hint(hint))
}

/// Four eyes: where the author asks for them or for an approval, and for a destroy without undo in production. An approval in
/// a checklist is an item that stays open, so that all before it can be walked.
fn needs_second_person(plan: &Plan, step: &Step) -> bool {
    // An `undo_of` is a way back itself.
    let no_way_back = step.verb == Verb::Do && !matches!(step.way_back, WayBack::Undo(_));
    let approval = step.verb == Verb::Approve && plan.order == Order::Listed;
    step.four_eyes
        || approval
        || (plan.environment == "production" && step.effect == EffectClass::Destroy && no_way_back)
}
