//! The palette: what it finds, and its place.

use super::{model, press, typed};
use midwatch::app::effect::{Effect, Query};
use midwatch::app::modal::{Modal, Palette};
use midwatch::app::msg::Msg;
use midwatch::app::{Model, update};
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
fn procedures_come_first_and_keys_of_a_list_move_in_it() {
    let mut model = opened();
    let names: Vec<String> = palette(&model).matches().iter().map(|command| command.name()).collect();
    assert_eq!(names[..2], ["run cell0/rotate-logs", "run cell0/data-retention"]);
    let last = names.len() - 1;
    for (keys, place) in [("End", last), ("Home", 0), ("Down Down", 2), ("Up", 1), ("PageDown", 9), ("PageUp", 1)] {
        press(&mut model, keys);
        assert_eq!(palette(&model).cursor, place, "{keys}");
    }
    press(&mut model, "End PageDown");
    assert_eq!(palette(&model).cursor, last, "and not beyond it");
    press(&mut model, "x");
    assert_eq!(palette(&model).cursor, 0, "what is typed begins at the best");
}

#[test]
fn what_is_typed_is_looked_for_in_words_and_opens_what_it_finds() {
    let mut model = opened();
    press(&mut model, &typed("ret"));
    assert_eq!(palette(&model).matches()[0].name(), "run cell0/data-retention", "the beginning of a word");
    press(&mut model, "Enter");
    assert!(matches!(model.modal(), Some(Modal::Params(form)) if form.offer.procedure == "cell0/data-retention"));
    let mut model = opened();
    press(&mut model, &format!("{} Enter", typed("problems")));
    assert!(matches!(model.modal(), Some(Modal::Problems { .. })));
    let mut model = opened();
    let effects = press(&mut model, &format!("{} Enter", typed("zzz")));
    assert!(effects.is_empty() && matches!(model.modal(), Some(Modal::Palette(_))), "nothing matches, nothing happens");
}
