//! A console without the right to act: no key in any place yields a command.

use crate::support::keys::NAMED;
use midwatch::app::effect::Effect;
use midwatch::app::msg::Msg;
use midwatch::app::{Model, update};
use midwatch::demo::sample;
use midwatch::domain::key::{Key, KeyCode};

/// Every key that a terminal can send.
fn every_key() -> Vec<Key> {
    let codes = (' '..='~').map(KeyCode::Char).chain(NAMED);
    codes.flat_map(|code| [false, true].map(|ctrl| Key { code, ctrl, alt: false, shift: false })).collect()
}

fn places() -> Vec<(&'static str, Model)> {
    let size = (120, 36);
    let mut places: Vec<(&'static str, Model)> = Vec::new();
    for keys in ["", "j", "2", "4", "5", "6", "7", "?", ":", "R", "j Enter", "Ctrl-C", "/", "z"] {
        let mut model = sample::healthy(size, None);
        update(&mut model, Msg::RunsListed(sample::runs()));
        sample::press(&mut model, keys);
        places.push((keys, model));
    }
    for story in
        [sample::running(), sample::change(), sample::destroy(), sample::decide(), sample::sign(), sample::drifted()]
    {
        for keys in ["", "Enter", "Enter v", "l", "k Enter", "g", ":", ": a b o r t"] {
            for lives in [true, false] {
                let mut model = sample::following(size, None, story.view().unwrap(), lives);
                sample::press(&mut model, keys);
                places.push((keys, model));
            }
        }
    }
    for story in [sample::checklist(), sample::checklist_asks(), sample::finished_checklist()] {
        for keys in ["", "Enter", "Enter j", "Enter k k k", "j Enter m", "s", "x", ": s k i p"] {
            let mut model = sample::walking(size, None, story.view().unwrap(), None);
            sample::press(&mut model, keys);
            places.push((keys, model));
        }
    }
    places
}

#[test]
fn no_key_in_any_place_yields_a_command() {
    // Models are not cloned: a place is reached again for every pair of keys by walking on from where it is.
    for (keys, mut model) in places() {
        let all = every_key();
        for first in &all {
            for second in [*first, Key::char('c'), Key::char('x'), Key::plain(KeyCode::Enter)] {
                for key in [*first, second] {
                    sample::looked_at(&mut model);
                    let now = model.now;
                    let effects = update(&mut model, Msg::KeyPressed(key, now));
                    let commands = effects.iter().filter(|effect| matches!(effect, Effect::Command(_))).count();
                    assert_eq!(commands, 0, "{key} after {keys:?}");
                }
            }
        }
    }
}

#[test]
fn the_same_walk_of_an_operator_does_yield_commands() {
    // The walk above proves something only if it would have found one.
    let authority = Some(midwatch::app::confirm::Authority::grant());
    let mut model = sample::following((120, 36), authority, sample::change().view().unwrap(), true);
    let commands = sample::press(&mut model, "c");
    assert!(matches!(&commands[..], [Effect::Command(_)]));
}

#[test]
fn a_watcher_may_look_at_a_prompt_and_at_its_set_but_it_does_not_open_by_itself() {
    let mut model = sample::following((120, 36), None, sample::destroy().view().unwrap(), true);
    assert!(model.modal().is_none());
    assert!(model.snapshot().waiting.is_some_and(|open| open.sentence().contains("step 3 waits for an operator")));
    sample::press(&mut model, "Enter");
    assert!(!model.modal().unwrap().takes_text());
    assert_eq!(sample::press(&mut model, "v").len(), 1);
}

#[test]
fn palette_and_keys_leave_out_actions_and_show_why() {
    let mut model = sample::healthy((120, 36), None);
    assert_eq!(sample::press(&mut model, "j x"), []);
    assert!(model.modal().is_none());
    assert!(model.snapshot().notice.is_some_and(|notice| notice.starts_with("read-only")));
    sample::press(&mut model, ": n o t e Enter");
    assert!(
        matches!(model.modal(), Some(midwatch::app::modal::Modal::Palette(palette)) if palette.matches().is_empty())
    );
}
