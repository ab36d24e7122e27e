//! The words of a note, a claim or a reason: in them every letter is text, and behind them the key that confirms counts as anywhere.

use super::checklist::{CHECK, item_action, on};
use super::reflexes::{after, confirms, draw, key, on_an_item};
use super::{fold, following, press};
use midwatch::app::effect::ItemAction;
use midwatch::app::modal::Modal;
use midwatch::app::msg::Msg;
use midwatch::app::update;
use midwatch::demo::sample;
use midwatch::domain::key::{Key, KeyCode};

#[test]
fn in_the_words_of_a_claim_the_key_that_confirms_is_a_letter() {
    for keys in ["m c c c", "m o k Enter c", "m c Esc m c", "m Tab Tab c", "m o k Ctrl-D", "m o k Tab Ctrl-D Enter y"] {
        let mut model = on(CHECK);
        assert_eq!(press(&mut model, keys), [], "{keys}");
        let Some(Modal::Note(note)) = model.modal() else { panic!("{keys}: {:?}", model.modal()) };
        assert!(note.text().ends_with('c') || note.text() == "ok", "{keys}: {}", note.text());
    }
    // What was signed off is not signed again, and nothing else is, by the same key.
    let mut model = on(CHECK);
    assert_eq!(item_action(&press(&mut model, "m o k Tab c")).0, CHECK);
    assert_eq!(press(&mut model, "c c c"), []);
}

#[test]
fn nothing_is_pasted_into_a_claim_whose_letters_are_keys() {
    let mut model = on(CHECK);
    press(&mut model, "m o k Tab");
    sample::looked_at(&mut model);
    assert!(model.is_awake());
    let now = model.now;
    assert_eq!(update(&mut model, Msg::Pasted("c".to_owned(), now)), []);
    assert!(!model.is_awake());
    let Some(Modal::Note(note)) = model.modal() else { panic!("{:?}", model.modal()) };
    assert_eq!(note.text(), "ok");
    assert!(note.hint.as_ref().unwrap().contains("nothing was pasted"));
    // Back in the text it is taken.
    press(&mut model, "Tab");
    update(&mut model, Msg::Pasted("!".to_owned(), now));
    assert_eq!(item_action(&press(&mut model, "Tab c")).2, ItemAction::Hand { note: "ok!".to_owned() });
}

#[test]
fn a_claim_can_be_signed_off_400_ms_after_its_text_was_left_and_drawn() {
    let (tab, c) = (Key::plain(KeyCode::Tab), Key::char('c'));
    for (opens, words) in [('m', "ok"), ('s', "not tonight"), ('N', "cold cache")] {
        for (drawn, pressed, counts) in [
            (None, 5000, false),
            (Some(0), 0, false),
            (Some(0), 399, false),
            (Some(0), 400, true),
            (Some(900), 1000, false),
            (Some(900), 1300, true),
        ] {
            let mut model = on_an_item();
            sample::looked_at(&mut model);
            let start = model.now;
            key(&mut model, Key::char(opens), start);
            draw(&mut model, start);
            for letter in words.chars() {
                assert_eq!(key(&mut model, Key::char(letter), after(start, 5)), []);
            }
            let left = after(start, 2000);
            assert_eq!(key(&mut model, tab, left), []);
            if let Some(drawn) = drawn {
                draw(&mut model, after(left, drawn));
            }
            let effects = key(&mut model, c, after(left, pressed));
            assert_eq!(confirms(&effects), counts, "{opens}: {drawn:?}, {pressed}");
            let Some(Modal::Note(note)) = model.modal() else { continue };
            assert_eq!(note.text(), words, "too early a key loses no word");
        }
    }
}

#[test]
fn the_key_that_saves_a_note_answers_no_prompt_that_comes_for_a_second() {
    let c = Key::char('c');
    for (pressed, counts) in [(400, false), (999, false), (1000, true)] {
        let mut model = following(&sample::running());
        press(&mut model, "N h i Tab");
        assert!(confirms(&press(&mut model, "c")));
        fold(&mut model, &sample::change());
        assert!(model.modal().is_none(), "it waits behind its banner: {:?}", model.modal());
        press(&mut model, "Enter");
        assert!(matches!(model.modal(), Some(Modal::Prompt(_))), "{:?}", model.modal());
        let start = model.now;
        draw(&mut model, start);
        assert_eq!(confirms(&key(&mut model, c, after(start, pressed))), counts, "{pressed}");
    }
}
