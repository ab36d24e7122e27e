//! Decisions: where their cursor rests.

use super::{answer, dialog, following, press};
use midwatch::demo::sample;
use midwatch::domain::EffectClass;
use midwatch::journal::record::{About, Answer, Ask, Choice, Ending};

#[test]
fn a_decision_that_would_end_a_process_rests_on_no_choice() {
    let (text, choices) = ("still at work: 4711 (pg_dump)".to_owned(), vec![Choice::End, Choice::Hold, Choice::Abort]);
    let means = choices.iter().map(|choice| choice.consequence().to_owned()).collect();
    let unknown = Some((Ending::Unknown, "its shim is gone"));
    let begun = sample::change().agree("operator", 1, "change").act(1, 1, EffectClass::Change, unknown);
    let mut model = following(&begun.ask(1, Ask::Decide { about: About::Unknown, text, choices, means, set: None }));
    assert_eq!((dialog(&model).choice, press(&mut model, "c Enter")), (None, vec![]));
    assert_eq!(answer(&press(&mut model, "j c")), Answer::Decide { choice: Choice::End, reason: String::new() });
}
