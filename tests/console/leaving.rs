//! Leaving the demo: it is kept by a key, and removed by its phrase alone.

use super::{press, typed};
use midwatch::app::effect::{Effect, Query, Screen};
use midwatch::app::modal::leave::Choice;
use midwatch::app::modal::{Leaving, Modal};
use midwatch::app::msg::{Msg, RunSummary};
use midwatch::app::{Model, update};
use midwatch::demo::sample;
use midwatch::domain::RunStatus;
use midwatch::domain::key::Key;

const QUIT: Effect = Effect::Screen(Screen::Quit);

/// A console of the demo with runs that are over.
fn demo(runs: usize) -> Model {
    let mut model = super::model();
    model.demo = true;
    let over = |run: &RunSummary| RunSummary { status: RunStatus::Ok, ..run.clone() };
    let runs = sample::runs().iter().map(over).take(runs).collect();
    update(&mut model, Msg::RunsListed(runs));
    model
}

fn leaving(model: &Model) -> &Leaving {
    let found = model.modals().iter().find_map(|modal| match modal {
        Modal::LeaveDemo(leaving) => Some(leaving.as_ref()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("it does not ask but {:?}", model.modals()))
}

fn choice(model: &Model) -> Choice {
    leaving(model).choice
}

fn hint(model: &Model) -> &str {
    leaving(model).hint.as_deref().unwrap_or_default()
}

fn removes(effects: &[Effect]) -> Option<usize> {
    effects.iter().find_map(|effect| match effect {
        Effect::Screen(Screen::Remove(removal)) => Some(removal.get().runs),
        _ => None,
    })
}

#[test]
fn q_and_ctrl_c_ask_in_the_demo_and_nowhere_else() {
    for key in ["q", "Ctrl-C"] {
        let mut model = demo(2);
        assert_eq!(press(&mut model, key), [Effect::Query(Query::ListRuns)], "{key}");
        assert_eq!(choice(&model), Choice::Keep, "what keeps is chosen by itself");
    }
    assert_eq!(press(&mut super::model(), "q"), [QUIT]);
    let mut reads = sample::healthy((80, 24), None);
    reads.demo = true;
    assert_eq!(press(&mut reads, "q"), [QUIT], "a read-only console can remove nothing");
}

#[test]
fn c_keeps_and_esc_and_q_stay() {
    assert_eq!(press(&mut demo(2), "q c").last(), Some(&QUIT));
    assert_eq!(press(&mut demo(2), "Ctrl-C Ctrl-C").last(), Some(&QUIT), "no dialog holds it back");
    for key in ["Esc", "q"] {
        let mut model = demo(2);
        let effects = press(&mut model, &format!("q {key}"));
        assert!(!effects.contains(&QUIT) && model.modal().is_none(), "{key}: {effects:?}");
    }
    let mut model = demo(2);
    press(&mut model, "q j Esc");
    assert!(model.modal().is_none(), "from the phrase, too");
}

#[test]
fn only_the_exact_phrase_and_enter_remove() {
    for (runs, right) in [(0, "remove the demo"), (1, "remove 1 run"), (3, "remove 3 runs")] {
        for wrong in ["", "c", "y", "yes", "remove", "remove 2 runs", "Remove 3 runs", "remove 3 runs now"] {
            let mut model = demo(runs);
            let effects = press(&mut model, &format!("q j {} Enter c q", typed(wrong)));
            assert_eq!((removes(&effects), effects.contains(&QUIT)), (None, false), "{wrong:?}");
        }
        let mut model = demo(runs);
        assert_eq!(removes(&press(&mut model, &format!("q j {}", typed(right)))), None, "not before Enter");
        assert_eq!(removes(&press(&mut model, "Enter")), Some(runs));
    }
}

#[test]
fn no_key_on_the_way_to_something_else_leaves_or_removes() {
    // Typed ahead: nothing of it counts, however it goes on.
    let mut model = demo(1);
    press(&mut model, "q");
    let keys = format!("j c Enter Down {} Enter c y", typed("remove 1 run"));
    let ahead: Vec<Effect> = keys
        .split_whitespace()
        .filter_map(Key::parse)
        .flat_map(|key| {
            let now = model.now;
            update(&mut model, Msg::KeyPressed(key, now))
        })
        .collect();
    assert_eq!(ahead, []);
    assert_eq!(choice(&model), Choice::Keep);
    // A key that leads elsewhere keeps what is typed after it from acting.
    for keys in ["/ c", "/ c e l l", ": c", "1 c", "l c", "Tab c", "x c", "Enter c Enter"] {
        let mut model = demo(1);
        let effects = press(&mut model, &format!("q {keys}"));
        let left = effects.contains(&QUIT);
        // `c` alone keeps: that is what it is for, where nothing else was typed for another place.
        assert!(!left || ["Tab c", "x c", "Enter c Enter"].contains(&keys), "{keys}: {effects:?}");
        assert_eq!(removes(&effects), None, "{keys}");
    }
    let mut model = demo(1);
    press(&mut model, "q j");
    let now = model.now;
    update(&mut model, Msg::Pasted("remove 1 run".to_owned(), now));
    assert_eq!(removes(&press(&mut model, "Enter")), None);
    assert_eq!(hint(&model), "the phrase does not match; nothing was removed");
}

#[test]
fn nothing_is_removed_while_a_run_is_not_over_or_unknown_or_the_dialog_is_not_whole() {
    let mut model = demo(2);
    update(&mut model, Msg::RunsListed(sample::runs()));
    press(&mut model, "q j j");
    assert_eq!(choice(&model), Choice::Keep);
    let mut model = super::console();
    model.demo = true;
    press(&mut model, "q j");
    assert_eq!(choice(&model), Choice::Keep, "which runs there are is not known yet");
    // A run that began after the choice.
    let mut model = demo(2);
    press(&mut model, "q j");
    update(&mut model, Msg::RunsListed(sample::runs()));
    assert_eq!(removes(&press(&mut model, &format!("{} Enter", typed("remove 4 runs")))), None);
    assert_eq!(hint(&model), "a run is not over; nothing was removed");
    // A terminal that cannot show all of it.
    let mut model = demo(2);
    press(&mut model, "q j");
    update(&mut model, Msg::Resized(40, 10));
    for key in format!("{} Enter", typed("remove 2 runs")).split_whitespace().filter_map(Key::parse) {
        let now = model.now;
        assert_eq!(removes(&update(&mut model, Msg::KeyPressed(key, now))), None);
    }
}
