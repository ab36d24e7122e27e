//! A key that commits counts by itself alone: what others follow at once is a text, pasted or typed for another place.

use super::reflexes::{after, both, confirms, disturbances, key, late, on_an_item};
use super::{following, press};
use midwatch::app::confirm::Authority;
use midwatch::app::model::Seen;
use midwatch::app::msg::Msg;
use midwatch::app::{Model, update};
use midwatch::demo::sample;
use midwatch::domain::key::{Key, KeyCode};
use midwatch::domain::time::Now;

/// Every dialog with a key that commits, and that key, each as it was looked at for long.
fn committing() -> Vec<(&'static str, Model, Key)> {
    let (c, enter) = (Key::char('c'), Key::plain(KeyCode::Enter));
    let prompt = |story: &sample::Story, keys: &str| {
        let mut model = following(story);
        model.me = midwatch::domain::Actor { uid: 1002, login_uid: Some(1002), ..model.me };
        press(&mut model, keys);
        model
    };
    let phrase = super::typed("delete 1284 files");
    let mut abort = following(&sample::finished_but_last());
    press(&mut abort, "g x j");
    let mut emergency = super::prompts::planned(late());
    press(&mut emergency, "E d i s k Enter");
    let mut claim = both(&sample::checklist());
    press(&mut claim, "5 j m o k Tab");
    let mut skip = both(&sample::checklist());
    press(&mut skip, "5 j s n o Tab");
    let mut note = following(&sample::running());
    press(&mut note, "N h i Tab");
    let view = sample::interrupted().view().unwrap();
    let mut resume = sample::following((80, 24), Some(Authority::grant()), view, false);
    press(&mut resume, "g r");
    let mut all = vec![
        ("change", prompt(&sample::change(), ""), c),
        ("changes", prompt(&sample::changes("sync\n"), "j"), c),
        ("destroy", following(&sample::destroy()), enter),
        ("sign-off", prompt(&sample::sign(), "d o n e Tab"), c),
        ("decision", prompt(&sample::decide(), "j"), c),
        ("second of two answers", prompt(&sample::confirmed(), ""), c),
        ("plan", super::prompts::planned(sample::plan()), c),
        ("abort", abort, c),
        ("resume", resume, c),
        ("emergency", emergency, c),
        ("item", on_an_item(), enter),
        ("claim", claim, c),
        ("skip", skip, c),
        ("note", note, c),
    ];
    press(&mut all[2].1, &phrase);
    for (_, model, _) in &mut all {
        sample::looked_at(model);
        // From now on the model knows whether keys are waiting.
        model.note_silence(model.now.boot);
    }
    all
}

/// For how long nothing else may come behind a key, in milliseconds: a letter may be the first of a word that is typed.
fn silence(commit: Key) -> u64 {
    if commit == Key::char('c') { 300 } else { 50 }
}

#[test]
fn a_key_that_commits_counts_where_it_comes_alone() {
    for (name, mut model, commit) in committing() {
        let start = after(model.now, 1000);
        assert_eq!(key(&mut model, commit, start), [], "{name}");
        let silence = silence(commit);
        assert_eq!(model.due_at(), Some(after(start, silence).boot), "{name}");
        assert_eq!(update(&mut model, Msg::KeyAlone(after(start, silence - 1))), [], "{name}");
        assert!(confirms(&update(&mut model, Msg::KeyAlone(after(start, silence)))), "{name}");
        assert_eq!(update(&mut model, Msg::KeyAlone(after(start, 900))), [], "{name}: once");
    }
}

#[test]
fn a_key_that_others_follow_at_once_commits_to_nothing() {
    let follow = |at: Now| disturbances(at).into_iter().chain([("c", Msg::KeyPressed(Key::char('c'), at))]);
    for place in 0..follow(sample::console((80, 24), None).now).count() {
        for (gap, counted) in [(0, 500), (5, 500), (49, 500), (299, 500)] {
            for (name, mut model, commit) in committing().into_iter().filter(|(.., commit)| gap < silence(*commit)) {
                let start = after(model.now, 1000);
                key(&mut model, commit, start);
                let (what, msg) = follow(after(start, gap)).nth(place).unwrap();
                assert!(!confirms(&update(&mut model, msg)), "{name}, then {what} {gap} ms later");
                // The last key of a burst is followed by nothing, and is no answer either.
                let elapsed = update(&mut model, Msg::KeyAlone(after(start, gap + counted)));
                assert!(!confirms(&elapsed), "{name}, then {what} {gap} ms later");
            }
        }
    }
    // What came right before it belongs to the same text.
    for before in ['k', 'g', 'v'] {
        for (name, mut model, commit) in committing().into_iter().filter(|(.., commit)| *commit == Key::char('c')) {
            let start = after(model.now, 1000);
            let gap = if before == 'k' { 299 } else { 5 };
            key(&mut model, Key::char(before), start);
            key(&mut model, commit, after(start, gap));
            assert!(!confirms(&update(&mut model, Msg::KeyAlone(after(start, 900)))), "{name} after {before}");
        }
    }
}

/// Types a text and Enter into the phrase of a prompt that was looked at, each key so many milliseconds after the one before, and those of a
/// bunch together.
fn phrase(model: &mut Model, text: &str, (bunch, ms): (usize, u64)) -> bool {
    let keys = text.chars().map(Key::char).chain([Key::plain(KeyCode::Enter)]);
    let mut confirmed = false;
    for (place, pressed) in keys.enumerate() {
        let gap = if place % bunch == 0 { ms } else { 0 };
        let at = after(model.now, gap);
        confirmed |= confirms(&key(model, pressed, at));
        let seen = Seen { size: model.size, whole: true, ..Seen::default() };
        model.drawn(seen, at.boot);
    }
    confirmed |= confirms(&update(model, Msg::KeyAlone(after(model.now, 60))));
    confirmed
}

fn destroying() -> Model {
    let mut model = following(&sample::destroy());
    sample::looked_at(&mut model);
    model.now = after(model.now, 1000);
    model.note_silence(model.now.boot);
    model
}

#[test]
fn a_burst_of_keys_is_no_phrase_and_what_is_typed_then_is() {
    let text = "delete 1284 files";
    // All in one read; in pieces as a slow terminal sends them; as a program types for a person.
    for pace in [(100, 0), (10, 30), (5, 60), (1, 1), (1, 5), (1, 12)] {
        let mut model = destroying();
        assert!(!phrase(&mut model, text, pace), "{pace:?}");
        let dialog = super::dialog(&model);
        assert!(text.len() > dialog.field.text().len(), "{pace:?}: {:?}", dialog.field.text());
        assert!(dialog.hint.is_some(), "{pace:?}");
        // It waits there still, empty, for a hand.
        if pace.1 <= 12 {
            assert!(
                dialog.hint.as_ref().unwrap().contains("pasted text does not count"),
                "{pace:?}: {:?}",
                dialog.hint
            );
            assert_eq!(dialog.field.text(), "", "{pace:?}");
        }
        let at = after(model.now, 1000);
        key(&mut model, Key::parse("Ctrl-U").unwrap(), at);
        model.now = after(model.now, 1000);
        model.note_silence(model.now.boot);
        assert!(phrase(&mut model, text, (1, 60)), "after {pace:?}");
    }
}

#[test]
fn a_hand_and_a_slow_line_type_a_phrase() {
    // A key at a time, fast; two and three rolled over each other; four that the line held back.
    for pace in [(1, 15), (1, 60), (2, 100), (3, 200), (4, 300)] {
        assert!(phrase(&mut destroying(), "delete 1284 files", pace), "{pace:?}");
    }
}

#[test]
fn a_burst_behind_what_was_typed_empties_the_field() {
    let mut model = destroying();
    for c in "delete 1284 ".chars() {
        let at = after(model.now, 80);
        key(&mut model, Key::char(c), at);
    }
    assert!(!phrase(&mut model, "sessions", (100, 80)));
    assert_eq!(super::dialog(&model).field.text(), "");
}
