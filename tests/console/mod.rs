//! What the console decides, by value: (model, message) to (model facts, effects).

mod approval;
mod burst;
mod checklist;
mod decisions;
mod emergency;
mod forms;
mod leaving;
mod logs;
mod notices;
mod pages;
mod palette;
mod problems;
mod prompts;
mod pulse;
mod read_only;
mod reflexes;
mod rows;
mod runs;
mod waiting;
mod whole;
mod wild;
mod words;

use midwatch::app::confirm::{Authority, Reply};
use midwatch::app::effect::{Command, Effect};
use midwatch::app::modal::{Modal, PromptDialog};
use midwatch::app::msg::Msg;
use midwatch::app::{Model, update};
use midwatch::demo::sample::{self, Story};
use midwatch::journal::record::Answer;

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

/// The prompt that is open.
fn dialog(model: &Model) -> &PromptDialog {
    match model.modal() {
        Some(Modal::Prompt(dialog)) => dialog,
        other => panic!("no prompt but {other:?}"),
    }
}

/// The answer in the one effect there is.
fn answer(effects: &[Effect]) -> Answer {
    match command(effects) {
        Command::Answer(Reply { answer, .. }) => answer,
        other => panic!("no answer but {other:?}"),
    }
}

/// Sends the console the present state of the run.
fn fold(model: &mut Model, story: &Story) -> Vec<Effect> {
    update(model, Msg::RunFolded { view: Box::new(story.view().unwrap()), runner_lives: true })
}

/// The keys that type a text.
fn typed(text: &str) -> String {
    text.chars().map(|c| if c == ' ' { "Space ".to_owned() } else { format!("{c} ") }).collect()
}

/// The sentence of the banner.
fn waiting(model: &Model) -> String {
    model.snapshot().waiting.map(|open| open.sentence()).unwrap_or_default()
}
