//! Operators who are busy with something else: in any state of the console when a prompt comes, and with any keys, nothing is
//! confirmed by a key that was not pressed for it.

use super::{answer, command, dialog, fold, following, press, waiting};
use midwatch::app::confirm::Authority;
use midwatch::app::effect::{Command, Effect};
use midwatch::app::modal::Modal;
use midwatch::app::model::Seen;
use midwatch::app::msg::{Mouse, Msg, PlanShown};
use midwatch::app::{Model, update};
use midwatch::demo::sample;
use midwatch::domain::key::{Key, KeyCode};
use midwatch::domain::time::Now;
use midwatch::domain::{Boot, Error, Kind, TargetKind};
use midwatch::journal::record::{Answer, Choice};

pub fn confirms(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Command(_)))
}

/// So many milliseconds after the model's present.
pub fn after(start: Now, ms: u64) -> Now {
    Now { boot: Boot(start.boot.0 + ms * 1_000_000), ..start }
}

pub fn draw(model: &mut Model, at: Now) {
    model.drawn(Seen { size: model.size, whole: true, ..Seen::default() }, at.boot);
}

pub fn key(model: &mut Model, key: Key, at: Now) -> Vec<Effect> {
    update(model, Msg::KeyPressed(key, at))
}

/// A console that started a run and walks a checklist beside it.
pub fn both(list: &sample::Story) -> Model {
    let authority = Some(Authority::grant());
    sample::walking((120, 36), authority, list.view().unwrap(), Some(sample::running().view().unwrap()))
}

/// The name of the topmost dialog.
fn kind(model: &Model) -> String {
    let text = format!("{:?}", model.modal());
    text.split([' ', '(', '{']).take(2).collect::<Vec<_>>().join(" ")
}

fn offered(model: &mut Model) {
    let target = sample::id(TargetKind::Service, "api");
    update(model, Msg::Offered { target, offers: sample::offers(), withheld: Vec::new() });
}

pub fn late() -> PlanShown {
    PlanShown { refused: Some(Error::new(Kind::Refused, "no window")), late: true, ..sample::plan() }
}

/// Every state of the screen in which a prompt of the run may come, by name.
pub fn busy() -> Vec<(&'static str, Model)> {
    let of_run = |keys: &str| {
        let mut model = following(&sample::running());
        press(&mut model, keys);
        model
    };
    let of_list = |list: &sample::Story, keys: &str| {
        let mut model = both(list);
        press(&mut model, keys);
        model
    };
    let started = |keys: &str, plan: Option<PlanShown>, then: &str| {
        let mut model = of_run("1 j x");
        offered(&mut model);
        press(&mut model, keys);
        if let Some(plan) = plan {
            update(&mut model, Msg::Planned(Box::new(plan)));
        }
        press(&mut model, then);
        model
    };
    vec![
        ("filter", of_run("/ c")),
        ("filter of another pane", of_run("4 / c")),
        ("palette", of_run(": c")),
        ("note", of_run("N c o l d")),
        ("note, out of its text", of_run("N c o l d Tab")),
        ("log search", of_run("7 / c")),
        ("help", of_run("?")),
        ("runs", of_run("R")),
        ("step", of_run("j Enter")),
        ("row", of_run("1 j Enter")),
        ("abort", of_run("g x")),
        ("leave", of_run("Ctrl-C")),
        ("what is not possible", of_run("5 m")),
        ("procedures of a row", started("", None, "")),
        ("parameters", started("j j Enter 7", None, "")),
        ("plan", started("j j Enter Enter", Some(sample::plan()), "")),
        ("emergency", started("j j Enter Enter", Some(late()), "E d i s k")),
        ("item", of_list(&sample::checklist(), "j Enter")),
        ("claim", of_list(&sample::checklist(), "j m a l l")),
        ("claim, out of its text", of_list(&sample::checklist(), "j m a l l Tab")),
        ("skip", of_list(&sample::checklist(), "j s a l l")),
        ("note of an item", of_list(&sample::checklist(), "j Enter N a l l")),
        ("prompt of an item", of_list(&sample::checklist_asks(), "Enter")),
        ("set of an item", of_list(&sample::checklist_asks(), "Enter v")),
    ]
}

#[test]
fn a_prompt_that_comes_leaves_the_screen_as_it_is() {
    for story in [sample::change(), sample::sign(), sample::decide(), sample::destroy()] {
        for (name, mut model) in busy() {
            let (depth, before) = (model.modals().len(), kind(&model));
            assert!(depth > 0, "{name}: nothing is on the screen");
            fold(&mut model, &story);
            assert_eq!((model.modals().len(), kind(&model)), (depth, before), "{name}");
            let run = story.view().unwrap().id;
            let asks = |modal: &Modal| matches!(modal, Modal::Prompt(dialog) if dialog.run == run);
            assert!(!model.modals().iter().any(asks), "{name}");
            // Leaving it leads into no prompt, and the key that confirms does nothing outside of one.
            while model.modal().is_some() {
                assert!(!confirms(&press(&mut model, "Esc")), "{name}");
            }
            assert!(waiting(&model).contains(" waits"), "{name}: {}", waiting(&model));
            assert!(!confirms(&press(&mut model, "c c")), "{name}");
            assert!(model.modal().is_none(), "{name}");
        }
    }
}

/// What can come from a terminal and is no answer.
pub fn disturbances(at: Now) -> Vec<(&'static str, Msg)> {
    let pressed = |word: &str| Msg::KeyPressed(Key::parse(word).unwrap(), at);
    vec![
        ("a letter", pressed("y")),
        ("a digit", pressed("0")),
        ("a function key", pressed("F5")),
        ("Enter", pressed("Enter")),
        ("Delete", pressed("Delete")),
        ("a control key", pressed("Ctrl-A")),
        ("an Alt key", pressed("Alt-x")),
        ("a paste", Msg::Pasted("c".to_owned(), at)),
        ("a click", Msg::MouseMoved(Mouse::Click, (5, 5), at)),
        ("the wheel up", Msg::MouseMoved(Mouse::ScrollUp, (5, 5), at)),
        ("the wheel down", Msg::MouseMoved(Mouse::ScrollDown, (5, 5), at)),
        ("a resize", Msg::Resized(100, 30)),
        ("a resize to the same size", Msg::Resized(80, 24)),
    ]
}

#[test]
fn any_input_begins_the_quiet_time_again() {
    let stories = [sample::change(), sample::decide(), sample::confirmed(), sample::start_to_approve()];
    let names = disturbances(sample::console((80, 24), None).now).into_iter().map(|(name, _)| name);
    for (place, name) in names.enumerate() {
        for story in &stories {
            // Once while the prompt is new, once after it was looked at for long.
            for (at, confirmed, counts) in
                [(390, 500, false), (390, 789, false), (390, 790, true), (5000, 5399, false), (5000, 5400, true)]
            {
                let mut model = following(story);
                model.me = midwatch::domain::Actor { uid: 1002, login_uid: Some(1002), ..model.me };
                let start = model.now;
                draw(&mut model, start);
                let (_, msg) = disturbances(after(start, at)).swap_remove(place);
                assert_eq!(update(&mut model, msg), [], "{name}");
                draw(&mut model, after(start, at));
                let effects = key(&mut model, Key::char('c'), after(start, confirmed));
                assert_eq!(confirms(&effects), counts, "{name} at {at}, c at {confirmed}");
            }
        }
    }
}

#[test]
fn what_comes_into_view_is_drawn_before_it_can_be_confirmed() {
    let (j, c) = (Key::char('j'), Key::char('c'));
    let aborting = || {
        let mut model = following(&sample::finished_but_last());
        press(&mut model, "g x");
        model
    };
    let pages = following(&sample::changes("sync\n"));
    let places = [("pages", pages), ("choices", following(&sample::decide())), ("abort", aborting())];
    for (name, mut model) in places {
        let start = model.now;
        draw(&mut model, start);
        assert_eq!(key(&mut model, j, after(start, 1000)), []);
        // In the same burst, before any frame shows it.
        assert!(!confirms(&key(&mut model, c, after(start, 1000))), "{name}");
        assert!(!confirms(&key(&mut model, c, after(start, 9000))), "{name}: no frame showed it");
        draw(&mut model, after(start, 9000));
        assert!(!confirms(&key(&mut model, c, after(start, 9399))), "{name}");
        assert!(confirms(&key(&mut model, c, after(start, 9800))), "{name}");
    }
    // A page that no frame showed is not read, however many keys skip it.
    let mut model = following(&sample::changes("sync\n"));
    let start = model.now;
    draw(&mut model, start);
    for pressed in [j, Key::char('k')] {
        key(&mut model, pressed, after(start, 1000));
    }
    draw(&mut model, after(start, 1000));
    assert!(!confirms(&key(&mut model, c, after(start, 2000))));
    assert!(
        dialog(&model).hint.as_ref().unwrap().contains("page 2 was not on the screen"),
        "{:?}",
        dialog(&model).hint
    );
}

#[test]
fn choices_are_passed_as_fast_as_keys_come() {
    let mut model = following(&sample::decide());
    let start = model.now;
    draw(&mut model, start);
    for ms in [1000, 1001, 1002, 1003, 1004] {
        key(&mut model, Key::char('j'), after(start, ms));
    }
    key(&mut model, Key::char('k'), after(start, 1005));
    assert_eq!(dialog(&model).chosen(), Some(Choice::Hold));
    // The reason of a choice is typed on, however fast; what leaves its field begins the quiet time.
    for pressed in ["Tab", "o", "k", "c", "Enter"] {
        key(&mut model, Key::parse(pressed).unwrap(), after(start, 1006));
    }
    assert_eq!((dialog(&model).field.text(), dialog(&model).in_field), ("okc", false));
    assert_eq!(key(&mut model, Key::char('c'), after(start, 1006)), []);
    draw(&mut model, after(start, 1006));
    assert!(!confirms(&key(&mut model, Key::char('c'), after(start, 1400))));
    let held = answer(&key(&mut model, Key::char('c'), after(start, 1900)));
    assert_eq!(held, Answer::Decide { choice: Choice::Hold, reason: "okc".to_owned() });
    // Before it was looked at for the first time, no key moves it.
    let mut model = following(&sample::decide());
    let start = model.now;
    draw(&mut model, start);
    key(&mut model, Key::char('j'), after(start, 100));
    assert_eq!(dialog(&model).chosen(), Some(Choice::Retry));
}

#[test]
fn the_wheel_chooses_nothing() {
    let mut model = following(&sample::decide());
    sample::looked_at(&mut model);
    let wheel = |model: &Model| Msg::MouseMoved(Mouse::ScrollDown, (5, 5), model.now);
    let turned = wheel(&model);
    update(&mut model, turned);
    assert_eq!(dialog(&model).chosen(), Some(Choice::Retry));
    let mut model = following(&sample::finished_but_last());
    press(&mut model, "g x");
    let turned = wheel(&model);
    update(&mut model, turned);
    assert!(matches!(model.modal(), Some(Modal::Abort { undo: None, .. })));
}

#[test]
fn a_letter_after_the_text_field_was_left_is_not_taken_for_the_key_that_confirms() {
    for leaves in [KeyCode::Tab, KeyCode::Enter] {
        for (story, keys) in [(sample::sign(), "d o n e"), (sample::decide(), "Tab d o n e")] {
            let mut model = following(&story);
            press(&mut model, keys);
            sample::looked_at(&mut model);
            let start = model.now;
            assert_eq!(key(&mut model, Key::plain(leaves), start), []);
            assert!(!dialog(&model).in_field);
            assert!(!confirms(&key(&mut model, Key::char('c'), after(start, 100))), "{leaves:?}");
            assert!(confirms(&key(&mut model, Key::char('c'), after(start, 600))), "{leaves:?}");
        }
    }
}

#[test]
fn text_for_another_place_acts_nowhere_in_a_dialog_that_would_be_lost() {
    let resuming = || {
        let view = sample::interrupted().view().unwrap();
        let mut model = sample::following((80, 24), Some(Authority::grant()), view, false);
        press(&mut model, "g r");
        model
    };
    let aborting = || {
        let mut model = following(&sample::finished_but_last());
        press(&mut model, "g x j");
        model
    };
    for name in ["plan", "abort", "resume"] {
        for keys in ["/", ":", "N", "1", "5", "6", "R", "l"] {
            let mut model = match name {
                "plan" => super::prompts::planned(sample::plan()),
                "abort" => aborting(),
                _ => resuming(),
            };
            // However slowly it is typed.
            let effects = press(&mut model, &format!("{keys} c e l l 0 c Enter"));
            assert_eq!(effects, [], "{name}: {keys}");
            assert!(matches!(model.modal(), Some(Modal::Refused(_))), "{name}: {keys}: {:?}", model.modal());
            press(&mut model, "Esc");
            assert!(!model.is_awake(), "{name}: {keys}");
            assert!(confirms(&press(&mut model, "c")), "{name}: {keys}: nothing was lost");
        }
    }
    // Of an item, Enter is a action.
    for keys in ["/", ":", "1", "6", "R"] {
        let mut model = both(&sample::checklist());
        press(&mut model, "5 j Enter");
        assert!(matches!(model.modal(), Some(Modal::Item(_))));
        assert_eq!(press(&mut model, &format!("{keys} c m x Enter")), [], "{keys}");
        press(&mut model, "Esc");
        assert!(matches!(command(&press(&mut model, "Enter")), Command::Item { .. }), "{keys}");
    }
}

#[test]
fn a_prompt_that_is_answered_is_not_replaced_under_a_hand() {
    let mut model = following(&sample::change());
    let confirmed = sample::change().agree("lena", 1, "change");
    fold(&mut model, &confirmed);
    assert!(model.modal().is_none());
    fold(&mut model, &sample::destroy());
    assert!(model.modal().is_none(), "what the run asks next waits");
    assert!(waiting(&model).contains("Enter opens it"), "{}", waiting(&model));
    // Nor where it is answered here.
    let mut model = following(&sample::change());
    answer(&press(&mut model, "c"));
    fold(&mut model, &sample::change().agree("operator", 1, "change"));
    fold(&mut model, &sample::destroy());
    assert!(model.modal().is_none(), "{:?}", model.modal());
    assert!(waiting(&model).contains("Enter opens it"), "{}", waiting(&model));
}

#[test]
fn a_frame_counts_from_when_all_of_it_was_sent() {
    let c = Key::char('c');
    let seen = |model: &Model| Seen { size: model.size, whole: true, ..Seen::default() };
    let mut model = following(&sample::change());
    let start = model.now;
    let frame = seen(&model);
    model.sending(frame);
    assert!(!confirms(&key(&mut model, c, after(start, 5000))), "a part of it still waits");
    model.sent(after(start, 5000).boot);
    assert!(!confirms(&key(&mut model, c, after(start, 5399))));
    assert!(confirms(&key(&mut model, c, after(start, 5800))));
    // A frame of what was there before shows nothing of what is there now.
    let mut model = following(&sample::change());
    let start = model.now;
    let frame = seen(&model);
    model.sending(frame);
    press_at(&mut model, "?", start);
    press_at(&mut model, "Esc", start);
    model.sent(start.boot);
    assert!(!model.is_whole());
    assert!(!confirms(&key(&mut model, c, after(start, 5000))));
}

fn press_at(model: &mut Model, word: &str, at: Now) {
    key(model, Key::parse(word).unwrap(), at);
}

/// An item that is open, large, with evidence that a key asks for.
pub fn on_an_item() -> Model {
    let mut model = both(&sample::checklist());
    press(&mut model, "5 j Enter");
    assert!(matches!(model.modal(), Some(Modal::Item(_))));
    model.look_again();
    model
}

#[test]
fn any_input_begins_the_quiet_time_of_an_item_again() {
    let names = disturbances(sample::console((80, 24), None).now).into_iter().map(|(name, _)| name);
    // There Enter is the key that counts.
    for (place, name) in names.enumerate().filter(|(_, name)| *name != "Enter") {
        for (at, pressed, counts) in [(390, 500, false), (390, 790, true), (5000, 5399, false), (5000, 5400, true)] {
            let mut model = on_an_item();
            let start = model.now;
            draw(&mut model, start);
            let (_, msg) = disturbances(after(start, at)).swap_remove(place);
            assert_eq!(update(&mut model, msg), [], "{name}");
            draw(&mut model, after(start, at));
            let effects = key(&mut model, Key::plain(KeyCode::Enter), after(start, pressed));
            assert_eq!(confirms(&effects), counts, "{name} at {at}, Enter at {pressed}");
        }
    }
}
