//! What is refused before a person is asked.

use crate::domain::{EffectClass, Error, Kind, Order, Verb};
use crate::procedure::plan::{Plan, Step, UndoPlan};

/// The commands that make a team directory, as root; the operators are the members of its group.
const MAKES_A_TEAM: [&str; 4] = [
    "a second person reaches a run through a team directory; root makes it so:",
    "groupadd --force --system midwatch",
    "usermod --append --groups midwatch USER     # for each operator, who then logs in again",
    "install -d -o root -g midwatch -m 3770 /var/lib/midwatch /var/lib/midwatch/runs /var/lib/midwatch/locks",
];

/// Why a plan may not be started, if so; `team` is whether a second person can reach its run.
#[must_use]
pub fn refusal(plan: &Plan, team: bool) -> Option<Error> {
    let mut steps = plan.steps.iter().enumerate().filter(|_| !team);
    let (number, step) = steps.find(|(_, step)| needs_four_eyes(plan, step) || needs_approval(plan, step))?;
    let why = if step.verb == Verb::Approve {
        "an approval is given by another person than the one who starts the run"
    } else if step.four_eyes {
        "its author requires four-eyes (confirm = \"four-eyes\")"
    } else {
        "a destroy without an undo, in production, requires four-eyes"
    };
    Some(without_team(&format!("step {} ({})", number + 1, step.title), why))
}

/// The refusal of a step that needs a second person (`step 3 (Delete old backups)`) where none can be had, with the
/// commands that change that.
#[must_use]
pub fn without_team(what: &str, why: &str) -> Error {
    let message = format!("{what} needs a second person, and the state directory is one user's alone");
    let error = Error::new(Kind::Refused, message).hint(why);
    MAKES_A_TEAM.into_iter().fold(error, |error, line| error.hint(line))
}

/// Whether a step needs two answers: the author requires four-eyes, or it is a destroy without an undo in production.
#[must_use]
pub fn needs_four_eyes(plan: &Plan, step: &Step) -> bool {
    let has_no_undo = !matches!(step.undo, UndoPlan::Undo(_));
    let destroys = plan.environment == "production" && step.effect == EffectClass::Destroy && has_no_undo;
    step.verb == Verb::Do && (step.four_eyes || destroys)
}

/// An approval in a checklist is an item that stays open, so that all items before it can be closed.
fn needs_approval(plan: &Plan, step: &Step) -> bool {
    step.verb == Verb::Approve && plan.order == Order::Listed
}
