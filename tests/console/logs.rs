//! The logs of a step: of each attempt at it, and of its undo.

use super::{fold, following, press};
use midwatch::app::Model;
use midwatch::app::effect::{Effect, Query};
use midwatch::demo::sample::{self, Story};
use midwatch::domain::Digest;
use midwatch::journal::record::Event;

/// A run whose second step is being undone.
fn undoing() -> Story {
    let undo = Event::UndoIntent { step: 1, attempt: 1, set: Some(Digest::of(b"set")), log: "2-1.undo.log".to_owned() };
    sample::finished_but_last().record("operator", Event::AbortRequested { undo: true }).record("operator", undo)
}

fn shown(model: &Model) -> &str {
    model.log.source.as_ref().map_or("", |(_, file)| file.as_str())
}

/// The logs that are asked for.
fn asked(effects: &[Effect]) -> Vec<&str> {
    let files = effects.iter().filter_map(|effect| match effect {
        Effect::Query(Query::ReadLog { file, .. }) => Some(file.as_str()),
        _ => None,
    });
    files.collect()
}

fn message(model: &Model) -> &str {
    model.notice.as_ref().map_or("", |(text, _)| text.as_str())
}

#[test]
fn the_log_of_a_step_and_that_of_its_undo_are_both_reached() {
    let story = undoing();
    let mut model = following(&story);
    press(&mut model, "7");
    assert_eq!(shown(&model), "2-1.undo.log", "the newest is shown first");
    let effects = press(&mut model, "[");
    assert_eq!((asked(&effects), shown(&model)), (vec!["2-1.log"], "2-1.log"));
    let note = Event::Note { step: None, text: "looked".to_owned() };
    fold(&mut model, &story.record("operator", note));
    assert_eq!(shown(&model), "2-1.log", "what goes on does not take it away");
    assert_eq!(press(&mut model, "["), []);
    assert_eq!((shown(&model), message(&model)), ("2-1.log", "this is the oldest log of step 2"));
    assert_eq!(asked(&press(&mut model, "]")), ["2-1.undo.log"]);
    press(&mut model, "]");
    assert_eq!(message(&model), "this is the newest log of step 2");
    press(&mut model, "6 g g 7");
    assert_eq!(shown(&model), "1-1.log", "another step has its own");
    press(&mut model, "]");
    assert_eq!(message(&model), "step 1 has one log");
}
