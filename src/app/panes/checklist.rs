//! The Checklist pane: the items of the followed run, where that run is a checklist.

use crate::app::effect::Effect;
use crate::app::keymap::Action;
use crate::app::model::Model;
use crate::app::panes::run::{self, RunPane};
use crate::journal::fold::RunView;

/// The phases of a checklist, in their order.
pub const PHASES: [&str; 3] = ["before", "during", "after"];

/// The followed run, if it is a checklist: all its phases are those of one.
#[must_use]
pub fn of(run: &RunPane) -> Option<&RunView> {
    let known = |phase: &String| PHASES.iter().any(|name| phase.eq_ignore_ascii_case(name));
    run.view.as_deref().filter(|view| !view.phases.is_empty() && view.phases.iter().all(known))
}

/// How many items of each phase are over, of how many: `[("before", 4, 4), …]`.
#[must_use]
pub fn counts(view: &RunView) -> Vec<(&str, usize, usize)> {
    let count = |phase: &String| {
        let items = || view.steps.iter().filter(|step| step.head.phase == *phase);
        (items().filter(|step| step.state.is_over()).count(), items().count())
    };
    view.phases
        .iter()
        .map(|phase| (phase.as_str(), count(phase)))
        .map(|(phase, (over, all))| (phase, over, all))
        .collect()
}

/// Opens the item under the cursor; without a checklist, says how to get one.
pub fn open(model: &mut Model) -> Vec<Effect> {
    if of(&model.run).is_some() {
        return run::open(model);
    }
    let key = model.keymap.shown(Action::Palette);
    model.say(format!("no checklist is open: {key} and its name starts one"));
    Vec::new()
}
