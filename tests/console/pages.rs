//! A prompt that asks for several steps, and a script that must be read before it is confirmed.

use super::{answer, dialog, following, press};
use midwatch::app::effect::Effect;
use midwatch::app::modal::Modal;
use midwatch::app::modal::pages::INLINE;
use midwatch::app::model::Seen;
use midwatch::app::msg::Msg;
use midwatch::app::{Model, update};
use midwatch::demo::sample;
use midwatch::domain::key::Key;
use midwatch::journal::record::Answer;

fn confirms(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Command(_)))
}

#[test]
fn every_page_is_read_before_c_counts() {
    let mut model = following(&sample::changes("sync\n"));
    assert_eq!(dialog(&model).pages(), 2);
    assert!(!confirms(&press(&mut model, "c")));
    let hint = dialog(&model).hint.clone().unwrap();
    assert!(hint.starts_with("page 2 was not on the screen yet"), "{hint}");
    press(&mut model, "j");
    assert_eq!(dialog(&model).page().unwrap().step, 3);
    assert_eq!(answer(&press(&mut model, "c")), Answer::Confirm { typed: "change".to_owned() });
}

#[test]
fn a_long_script_is_followed_to_its_end_before_c_counts() {
    let long: String = (1..=INLINE * 8).map(|number| format!("echo {number}\n")).collect();
    let mut model = following(&sample::changes(&long));
    press(&mut model, "j k");
    assert!(!confirms(&press(&mut model, "c")));
    let hint = dialog(&model).hint.clone().unwrap();
    assert!(hint.starts_with("the text was not read to its end yet"), "{hint}");
    assert_eq!(press(&mut model, "v"), [], "its lines are at hand: nothing is asked for");
    assert!(matches!(model.modal(), Some(Modal::Script { listing, .. }) if listing.text == long));
    in_script(&mut model, "Esc");
    press(&mut model, "c");
    assert!(!dialog(&model).sent, "it was opened and not followed");
    press(&mut model, "v");
    for key in ["G", "k", "Esc"] {
        in_script(&mut model, key);
    }
    assert!(confirms(&press(&mut model, "c")));
}

/// Presses a key over a script that has so many rows more than the screen.
fn in_script(model: &mut Model, key: &str) {
    model.drawn(Seen { size: model.size, whole: true, scroll_end: 80, ..Seen::default() }, model.now.boot);
    update(model, Msg::KeyPressed(Key::parse(key).unwrap(), model.now));
}
