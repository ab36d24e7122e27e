//! The choices for a step that went wrong, and the effect of each, with its numbers.

use crate::domain::{Order, StepState, Verb, quantity};
use crate::journal::record::Choice;
use crate::procedure::plan::{Gate, Step};
use crate::runner::engine::Engine;
use std::time::Duration;

impl Engine {
    /// The choices for a step that failed: those of its `on_fail`, else all that fit; hold is always offered. The
    /// choice `past` replaces skip; an emergency start does not, and is added to the list.
    pub(super) fn menu(&self, planned: &Step, past: Option<Choice>) -> Vec<Choice> {
        let wanted = if planned.on_fail.is_empty() {
            let back = if self.view().pending_undos().is_empty() { None } else { Some(Choice::Rollback) };
            let hold = if self.plan.order == Order::Listed { Some(Choice::Hold) } else { None };
            let all = [Some(Choice::Retry), back, Some(Choice::Skip), hold, Some(Choice::Abort)];
            all.into_iter().flatten().collect()
        } else {
            planned.on_fail.clone()
        };
        let late = past.filter(|choice| *choice == Choice::Emergency);
        let mut choices: Vec<Choice> = wanted
            .into_iter()
            .filter_map(|choice| if choice == Choice::Skip { past.filter(|_| late.is_none()) } else { Some(choice) })
            .collect();
        choices.extend(late);
        if choices.is_empty() {
            choices.push(Choice::Hold);
        }
        choices
    }

    /// The choice to go on without a step that failed: for a hard gate, only an override by another person.
    pub(super) fn past(&self, planned: &Step) -> Option<Choice> {
        let is_gate = matches!(planned.verb, Verb::Check | Verb::Wait | Verb::Notify) && planned.gate == Gate::Hard;
        if is_gate { self.past_a_gate() } else { Some(Choice::Skip) }
    }

    /// The effect of a choice about a step, in a short sentence.
    pub(super) fn means(&self, step: u32, choice: Choice) -> String {
        let planned = self.view().step(step).map(|view| &view.head);
        match choice {
            Choice::Retry | Choice::NotDone => {
                let time =
                    planned.and_then(|head| head.takes_s).map_or_else(String::new, |s| format!(", ~{}", span(s)));
                let asks = planned.is_some_and(|head| matches!(head.verb, Verb::Do | Verb::UndoOf));
                let how = if asks { "preview this step and ask again" } else { "run this step again" };
                format!("{how}{time}")
            }
            Choice::Skip => {
                let on = match self.after(step) {
                    Some(next) => format!("go on with step {}", next + 1),
                    None => "nothing is left to do".to_owned(),
                };
                format!("leave this step, with a reason; {on}")
            }
            Choice::Emergency => "start it anyway: a person other than the starter, with a reason".to_owned(),
            Choice::Override => "override it: a person other than the starter, with a reason".to_owned(),
            Choice::Rollback => format!("stop; {}{}", self.back_in_numbers(), self.closing()),
            Choice::Abort => {
                let left = self.view().pending_undos().len() as u64;
                let unknown =
                    self.view().steps.iter().any(|view| view.state == StepState::Unknown && view.head.can_undo);
                let leave = match left {
                    0 if unknown => "leave the target as it is".to_owned(),
                    0 => "nothing is there to undo".to_owned(),
                    _ => format!("leave {}", as_it_is(left)),
                };
                format!("stop; {leave}{}", self.closing())
            }
            other => other.consequence().to_owned(),
        }
    }

    /// `undo 3 steps in ~12 m, 2 checks`.
    fn back_in_numbers(&self) -> String {
        let pending = self.view().pending_undos();
        if pending.is_empty() {
            return "nothing is there to undo".to_owned();
        }
        let count = quantity::counted(pending.len() as u64, "step", "steps");
        let known = |number: &u32| self.view().step(*number).and_then(|view| view.head.takes_s);
        let sum: u64 = pending.iter().filter_map(known).fold(0, u64::saturating_add);
        let time = match (sum, pending.iter().all(|number| known(number).is_some())) {
            (0, _) => String::new(),
            (_, true) => format!(" in ~{}", span(sum)),
            (_, false) => format!(" in over {}", span(sum)),
        };
        let checks = self.view().rollback.as_ref().map_or(0, |rollback| rollback.prove.len());
        let checks = match checks {
            0 => String::new(),
            count => format!(", {}", quantity::counted(count as u64, "check", "checks")),
        };
        format!("undo {count}{time}{checks}")
    }

    /// `, 1 closing step`: cleanup steps that have not run.
    fn closing(&self) -> String {
        let open = |state| matches!(state, StepState::Planned | StepState::Running);
        let count = self.view().steps.iter().filter(|step| step.head.always && open(step.state)).count();
        match count {
            0 => String::new(),
            count => format!(", {}", quantity::counted(count as u64, "closing step", "closing steps")),
        }
    }

    /// The next step that is not finished.
    fn after(&self, step: u32) -> Option<u32> {
        let later = (0_u32..).zip(&self.view().steps).filter(|(number, _)| *number > step);
        later.filter(|(_, view)| view.state == StepState::Planned).map(|(number, _)| number).next()
    }
}

fn span(seconds: u64) -> String {
    quantity::span(Duration::from_secs(seconds))
}

/// The steps that stay: `1 step as it is`, `3 steps as they are`.
pub(super) fn as_it_is(steps: u64) -> String {
    match steps {
        1 => "1 step as it is".to_owned(),
        more => format!("{} steps as they are", quantity::count(more)),
    }
}
