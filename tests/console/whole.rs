//! What is confirmed is shown whole: how much of it is still to be read stands there before a key is pressed.

use super::checklist::{CHECK, on};
use super::pages::{SIZES, confirms, finding, page_through, read, reads, tall, words};
use super::wild::look;
use super::{following, press};
use midwatch::app::msg::Msg;
use midwatch::app::update;
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;

#[test]
fn before_a_key_is_pressed_a_dialog_says_how_much_of_it_is_below() {
    for size in SIZES {
        let mut model = tall(size, 150);
        let screen = look(&mut model, &Theme::labelled(Glyphs::Unicode));
        let rows = screen.split_once("rows ").unwrap().1;
        let (last, all) = rows.split_once(" · ").unwrap().0.split_once('–').unwrap().1.split_once(" of ").unwrap();
        let below = all.parse::<usize>().unwrap() - last.parse::<usize>().unwrap();
        let notice = format!("{below} more lines below: PgDn shows them");
        assert!(words(&screen).contains(&words(&notice)), "{size:?}: {notice}: {screen}");
        assert!(screen.contains("Press  c  to confirm"), "{size:?}: {screen}");
        let screens = page_through(&mut model);
        let last = screens.last().unwrap();
        assert!(!words(last).contains("morelines") && !words(last).contains("moreline"), "{size:?}: {last}");
        // What was read once is not asked for again.
        reads(&mut model, "g g");
        let top = look(&mut model, &Theme::labelled(Glyphs::Unicode));
        assert!(!words(&top).contains("moreline"), "{size:?}: {top}");
        assert!(confirms(&reads(&mut model, "c")), "{size:?}");
    }
    // All of a small one is on the screen at once.
    let mut model = tall((120, 36), 0);
    let screen = look(&mut model, &Theme::labelled(Glyphs::Unicode));
    assert!(screen.contains("Press  c  to confirm") && !words(&screen).contains("moreline"), "{screen}");
}

#[test]
fn a_note_is_confirmed_only_after_all_of_it_was_on_the_screen() {
    for (opens, says) in [("m", "signs off"), ("s", "skips the item"), ("N", "saves the note")] {
        let mut model = on(CHECK);
        press(&mut model, opens);
        let (text, now) = ((1..=60).map(finding).collect::<Vec<_>>().join("\n"), model.now);
        update(&mut model, Msg::Pasted(text, now));
        assert_eq!(reads(&mut model, "Tab"), []);
        let (first, effects) = read(&mut model, "c");
        assert!(effects.is_empty() && first.contains("more lines below: PgDn shows them"), "{opens}: {first}");
        assert!(words(&first).contains(&words(says)), "{opens}: {first}");
        let screens = page_through(&mut model);
        let all: String = screens.iter().map(|screen| words(screen)).collect();
        assert!((1..=60).all(|number| all.contains(&words(&finding(number)))), "{opens}");
        assert!(confirms(&reads(&mut model, "c")), "{opens}: {}", screens.last().unwrap());
    }
}

#[test]
fn a_long_reason_stands_whole_beside_the_key_that_confirms_it() {
    let mut model = following(&sample::decide());
    let reason = "no index was rebuilt because the disk that holds it has filled up; ".repeat(5);
    reads(&mut model, "Tab");
    let now = model.now;
    update(&mut model, Msg::Pasted(reason.clone(), now));
    let (writing, _) = read(&mut model, "Tab");
    let left = look(&mut model, &Theme::labelled(Glyphs::Unicode));
    for screen in [&writing, &left] {
        assert!(words(screen).replace('▌', "").contains(&words(reason.trim())), "{screen}");
    }
}
