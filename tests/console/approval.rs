//! Two answers to one prompt: what the console of each person can send.

use super::{answer, command, dialog, fold, following, press, typed};
use midwatch::app::Model;
use midwatch::app::effect::Command;
use midwatch::demo::sample::{self, Story};
use midwatch::journal::record::Answer;

/// A console of another person than the one who started and confirmed.
fn second(story: &Story) -> Model {
    let mut model = following(story);
    model.me = midwatch::domain::Actor { uid: 1002, login_uid: Some(1002), ..model.me };
    model
}

#[test]
fn the_second_of_two_answers_is_an_approval_of_what_was_shown() {
    let mut model = second(&sample::confirmed());
    assert!(!dialog(&model).in_field, "c is a key, not a letter");
    assert_eq!(press(&mut model, "Enter"), []);
    let effects = press(&mut model, "c");
    let open = sample::confirmed().view().unwrap().prompt.unwrap();
    let Command::Answer(reply) = command(&effects) else { panic!() };
    assert_eq!((&reply.prompt, reply.seq, reply.set.as_ref()), (&open.id, open.seq, open.ask.hash()));
    assert_eq!(answer(&effects), Answer::Approve { note: String::new() });
    // Of a start it is the plan that is agreed to.
    let mut model = second(&sample::start_to_approve());
    let effects = press(&mut model, "c");
    let Command::Answer(reply) = command(&effects) else { panic!() };
    assert_eq!(reply.set, Some(sample::start_to_approve().view().unwrap().plan));
}

#[test]
fn the_first_answer_approves_nothing_and_later_changes_are_read_again() {
    let mut model = following(&sample::four_eyes());
    assert!(dialog(&model).in_field);
    assert_eq!(press(&mut model, "Tab c"), [], "a destroy is confirmed by its phrase alone");
    press(&mut model, "Tab");
    let effects = press(&mut model, &format!("{} Enter", typed("delete 1284 files")));
    assert_eq!(answer(&effects), Answer::Confirm { typed: "delete 1284 files".to_owned() });
    assert!(dialog(&model).sent);
    fold(&mut model, &sample::confirmed());
    let shown = dialog(&model);
    assert!(!shown.sent && !shown.in_field && shown.field.text().is_empty() && shown.prompt.waits_for_second());
    assert!(!model.is_whole(), "another prompt is there now");
}

#[test]
fn only_its_own_phrase_uses_break_glass() {
    for wrong in ["", "break glass", "break glass:", "delete 1284 files", "reason: no one is here"] {
        let mut model = following(&sample::confirmed());
        let effects = press(&mut model, &format!("Tab {} Enter", typed(wrong)));
        assert_eq!(effects, [], "{wrong:?}");
        assert!(dialog(&model).hint.is_some(), "{wrong:?}");
    }
    let mut model = following(&sample::confirmed());
    let effects = press(&mut model, &format!("Tab {} Enter", typed("break glass: no one is here")));
    assert_eq!(answer(&effects), Answer::BreakGlass { reason: "no one is here".to_owned() });
    // Before the confirmation these are just a wrong phrase.
    let mut model = following(&sample::four_eyes());
    assert_eq!(press(&mut model, &format!("{} Enter", typed("break glass: no one is here"))), []);
}
