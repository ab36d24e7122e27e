//! What the console decides, by value: (model, message) to (model facts, effects).

mod checklist;
mod eyes;
mod prompts;
mod read_only;
mod rows;

use midwatch::app::Model;
use midwatch::app::confirm::Authority;
use midwatch::app::effect::{Command, Effect};
use midwatch::demo::sample::{self, Story};

fn console() -> Model {
    sample::console((80, 24), Some(Authority::grant()))
}

/// An operator's console with rows.
fn model() -> Model {
    sample::healthy((80, 24), Some(Authority::grant()))
}

/// An operator's console that follows a run.
fn following(story: &Story) -> Model {
    sample::following((80, 24), Some(Authority::grant()), story.view().unwrap(), true)
}

/// Presses keys, each after the screen was looked at for a second; gives back what came of all of them.
fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    sample::press(model, keys)
}

/// The command in the one effect there is.
fn command(effects: &[Effect]) -> Command {
    match effects {
        [Effect::Command(confirmed)] => confirmed.get().clone(),
        other => panic!("no command but {other:?}"),
    }
}
