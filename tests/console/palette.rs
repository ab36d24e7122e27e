//! The palette: what it finds, and its place.

use super::wild::look;
use super::{following, model, press, typed};
use midwatch::app::effect::{Effect, Query};
use midwatch::app::modal::{Modal, Palette};
use midwatch::app::msg::Msg;
use midwatch::app::{Model, update};
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;

fn palette(model: &Model) -> &Palette {
    match model.modal() {
        Some(Modal::Palette(palette)) => palette,
        other => panic!("no palette but {other:?}"),
    }
}

fn opened() -> Model {
    let mut model = model();
    assert_eq!(press(&mut model, ":"), [Effect::Query(Query::ListProcedures)]);
    update(&mut model, Msg::ProceduresListed(sample::offers()));
    model
}

#[test]
fn what_only_looks_comes_first_and_keys_of_a_list_move_in_it() {
    let mut model = opened();
    let names: Vec<String> = palette(&model).matches().iter().map(|command| command.name()).collect();
    assert_eq!(names[0], "help");
    let place = |name: &str| names.iter().position(|other| other == name).unwrap();
    assert!(place("refresh") < place("run cell0/rotate-logs"), "{names:?}");
    assert!(place("run cell0/rotate-logs") < place("run cell0/data-retention"), "{names:?}");
    assert!(place("run cell0/data-retention") < place("abort"), "{names:?}");
    let last = names.len() - 1;
    for (keys, place) in [("End", last), ("Home", 0), ("Down Down", 2), ("Up", 1), ("PageDown", 9), ("PageUp", 1)] {
        press(&mut model, keys);
        assert_eq!(palette(&model).selected(), Some(place), "{keys}");
    }
    press(&mut model, "End PageDown");
    assert_eq!(palette(&model).selected(), Some(last), "and not beyond it");
    press(&mut model, &typed("refr"));
    assert_eq!(palette(&model).selected(), Some(0), "what is typed begins at the best");
}

#[test]
fn what_is_typed_is_looked_for_in_words_and_opens_what_it_finds() {
    let mut model = opened();
    press(&mut model, &typed("ret"));
    assert_eq!(palette(&model).matches()[0].name(), "run cell0/data-retention", "the beginning of a word");
    // It destroys: a key selects it first.
    let screen = look(&mut model, &Theme::labelled(Glyphs::Unicode));
    assert!(screen.contains("Down selects a command, then Enter opens it."), "{screen}");
    press(&mut model, "Enter");
    assert!(matches!(model.modal(), Some(Modal::Palette(_))), "{:?}", model.modal());
    assert_eq!(model.snapshot().notice, Some("no command is selected: Down selects one"));
    press(&mut model, "Down Enter");
    assert!(matches!(model.modal(), Some(Modal::Params(form)) if form.offer.procedure == "cell0/data-retention"));
    let mut model = opened();
    press(&mut model, &format!("{} Enter", typed("problems")));
    assert!(matches!(model.modal(), Some(Modal::Problems { .. })));
    let mut model = opened();
    let effects = press(&mut model, &format!("{} Enter", typed("zzz")));
    assert!(effects.is_empty() && matches!(model.modal(), Some(Modal::Palette(_))), "nothing matches, nothing happens");
}

#[test]
fn what_was_selected_stays_selected_when_the_procedures_come() {
    let mut model = model();
    press(&mut model, ": Down Down End");
    let selected = palette(&model).chosen().unwrap().name();
    update(&mut model, Msg::ProceduresListed(sample::offers()));
    assert_eq!(palette(&model).chosen().unwrap().name(), selected);
}

/// The keys that open a dialog which commits to nothing.
const LISTS: [&str; 8] = ["?", "R", "p", "P", "j Enter", "j x", "Ctrl-C", "? :"];

#[test]
fn the_same_keys_do_the_same_in_every_list() {
    for opens in LISTS {
        let opened = || {
            let mut model = model();
            press(&mut model, opens);
            update(&mut model, Msg::ProceduresListed(sample::offers()));
            assert!(model.modal().is_some(), "{opens}");
            model
        };
        let depth = opened().modals().len();
        for back in ["Esc", "Ctrl-C", "q"] {
            let mut model = opened();
            let is_text = model.modal().is_some_and(Modal::takes_text);
            let is_leave = matches!(model.modal(), Some(Modal::Leave));
            if (back == "q" && is_text) || (back != "Esc" && is_leave) {
                continue;
            }
            press(&mut model, back);
            assert_eq!(model.modals().len(), depth - 1, "{opens} {back}");
        }
        if opened().modal().is_some_and(Modal::takes_text) {
            continue;
        }
        let mut model = opened();
        press(&mut model, ":");
        assert!(matches!(model.modal(), Some(Modal::Palette(_))), "{opens}: {:?}", model.modal());
        press(&mut model, "Esc");
        assert_eq!(model.modals().len(), depth, "{opens}: back where it was opened");
        // What is chosen there is done in the panes, not in the list.
        press(&mut model, &format!(": {} Enter", typed("problems")));
        assert!(matches!(model.modals(), [Modal::Problems { .. }]), "{opens}: {:?}", model.modals());
        let mut model = opened();
        press(&mut model, "?");
        let is_help = matches!(opened().modal(), Some(Modal::Help { .. }));
        assert_eq!(model.modals().len(), if is_help { depth - 1 } else { depth + 1 }, "{opens}");
        for (key, says) in [("/", "nothing is filtered here; : finds a command"), ("z", "does nothing in this dialog")]
        {
            let mut model = opened();
            press(&mut model, key);
            assert_eq!(model.modals().len(), depth, "{opens} {key}");
            let screen = look(&mut model, &Theme::labelled(Glyphs::Unicode));
            let words: String = screen.split(['┃', '\n']).map(str::trim).collect::<Vec<_>>().join(" ");
            assert!(words.contains(says), "{opens} {key}: {screen}");
        }
    }
}

#[test]
fn beside_a_question_no_key_opens_the_palette_and_the_screen_says_why() {
    for opens in ["6 g x", "6 N h i Tab"] {
        let mut model = following(&sample::running());
        press(&mut model, opens);
        assert!(model.modal().is_some(), "{opens}");
        press(&mut model, ":");
        assert!(
            matches!(model.modal(), Some(Modal::Refused(why)) if why.contains("leave the dialog first")),
            "{opens}"
        );
        // The help over a question leads nowhere else either.
        let mut model = following(&sample::running());
        press(&mut model, &format!("{opens} ? :"));
        assert!(matches!(model.modal(), Some(Modal::Help { .. })), "{opens}: {:?}", model.modal());
        assert!(model.snapshot().notice.is_some_and(|notice| notice.contains("leave the dialog first")), "{opens}");
    }
}

#[test]
fn the_help_of_a_parameter_is_broken_between_words() {
    let help = "The service that must be healthy afterwards, by its name in the estate file of this host";
    for width in 60..=120 {
        let mut model = model();
        model.size = (width, 40);
        press(&mut model, ":");
        let mut offers = sample::offers();
        offers.iter_mut().flat_map(|offer| &mut offer.params).for_each(|param| help.clone_into(&mut param.help));
        update(&mut model, Msg::ProceduresListed(offers));
        press(&mut model, &format!("{} Down Enter", typed("data-retention")));
        let screen = look(&mut model, &Theme::labelled(Glyphs::Unicode));
        assert!(screen.contains("Data retention"), "{screen}");
        for word in help.split(' ') {
            assert!(screen.contains(word), "{word} at {width}: {screen}");
        }
    }
}
