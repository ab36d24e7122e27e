//! Forms: what a procedure asks for before its plan.

use super::*;
use midwatch::app::modal::Form;
use midwatch::app::msg::{Offer, ParamShown};

fn param(name: &str, value: &str, choices: &[&str]) -> ParamShown {
    ParamShown {
        name: name.to_owned(),
        accepts: "text".to_owned(),
        help: String::new(),
        value: value.to_owned(),
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
    }
}

/// A console with the form of these parameters.
fn form(params: Vec<ParamShown>) -> Model {
    let mut model = model();
    model.open(Modal::Params(Box::new(Form::new(Offer { params, ..sample::offers().remove(0) }))));
    model
}

fn fields(model: &Model) -> (Vec<String>, Option<String>) {
    let Some(Modal::Params(form)) = model.modal() else { panic!("no form but {:?}", model.modal()) };
    (form.fields.iter().map(|field| field.text().to_owned()).collect(), form.hint.clone())
}

#[test]
fn the_key_that_confirms_is_no_text_for_a_field_that_was_filled_in() {
    let mut model = form(vec![param("root", "/srv", &[]), param("set", "nightly", &[])]);
    assert_eq!(press(&mut model, "Enter c"), []);
    let (held, hint) = fields(&model);
    assert_eq!(held, ["/srv", "nightly"]);
    assert!(hint.unwrap().contains("nothing starts yet"));
    press(&mut model, "PageDown c F5 c");
    assert_eq!(fields(&model).0, ["/srv", "nightly"], "a key that writes nothing opens no field");
    // Who means it writes it: the arrow shows that the field is written into.
    press(&mut model, "Left Right c x");
    assert_eq!(fields(&model), (vec!["/srv".to_owned(), "nightlycx".to_owned()], None));
    let mut model = form(vec![param("root", "/srv", &[]), param("set", "", &[])]);
    press(&mut model, "a c");
    assert_eq!(fields(&model).0, ["/srv", "ac"], "a field that was empty takes every letter");
}

#[test]
fn arrows_go_through_the_choices_of_a_field_and_leave_other_text_alone() {
    let mut model = form(vec![param("redis", "", &["queue", "cache"])]);
    for (keys, held) in
        [("Right", "queue"), ("Right", "cache"), ("Right", "queue"), ("Left", "cache"), ("x Left Left y", "cachyex")]
    {
        press(&mut model, keys);
        assert_eq!(fields(&model).0, [held], "{keys}");
    }
    let mut model = form(vec![param("redis", "queue", &["queue"])]);
    press(&mut model, "Right x");
    assert_eq!(fields(&model).0, ["queuex"]);
}
