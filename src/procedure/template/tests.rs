use super::*;
use crate::config::reader::Place;
use crate::domain::{EffectClass, Saved};
use crate::procedure::plan::Action;

fn filled(text: &str) -> Value {
    let mut values = BTreeMap::new();
    values.insert("n".to_owned(), Bound::int(90));
    values.insert("s".to_owned(), Bound::text("a b"));
    fill(&Node { at: Place { line: 3, column: 4 }, value: Value::Text(text.to_owned()) }, &values).value
}

#[test]
fn a_whole_reference_takes_the_type_and_text_takes_the_words() {
    assert_eq!(filled("{{n}}"), Value::Int(90));
    assert_eq!(filled("{{ n }}"), Value::Int(90));
    assert_eq!(filled("{{n}} d of {{s}}"), Value::Text("90 d of a b".to_owned()));
    assert_eq!(filled("{{run.dir}}/{{s}}"), Value::Text("{{run.dir}}/a b".to_owned()));
    assert_eq!(filled("{{open"), Value::Text("{{open".to_owned()));
}

#[test]
fn what_is_quoted_is_one_token_whatever_is_in_it() {
    let cases = [
        ("a", "\"a\"", "'a'"),
        ("", "\"\"", "''"),
        ("x\"; DROP TABLE y; --", "\"x\"\"; DROP TABLE y; --\"", "'x\"; DROP TABLE y; --'"),
        ("it's", "\"it's\"", "'it''s'"),
        ("\\' OR true --", "\"\\' OR true --\"", " E'\\\\'' OR true --'"),
    ];
    for (value, ident, literal) in cases {
        assert_eq!((Quote::Ident.quote(value), Quote::Literal.quote(value)), (ident.to_owned(), literal.to_owned()));
    }
    assert_eq!(filled("SELECT {{ s | ident }}, {{n|literal}}"), Value::Text("SELECT \"a b\", '90'".to_owned()));
    assert_eq!(filled("{{s|ident}}"), Value::Text("\"a b\"".to_owned()));
    assert_eq!(filled("{{run.id|literal}}"), Value::Text("{{run.id|literal}}".to_owned()));
    let saved = BTreeMap::from([(
        "before".to_owned(),
        Saved { step: 0, says: "it's".to_owned(), facts: BTreeMap::from([("x".to_owned(), "a\"b".to_owned())]) },
    )]);
    let values = BTreeMap::from([("before".to_owned(), saved_as("before"))]);
    let Value::Text(planned) = fill_text("{{before.x|ident}} {{before|literal}}", &values) else { panic!() };
    assert_eq!(planned, "{{saved:before.x|ident}} {{saved:before|literal}}");
    let run = OfRun { id: "i", dir: "/d", saved: &saved };
    assert_eq!(run.fill(&planned).unwrap(), "\"a\"\"b\" 'it''s'");
    assert_eq!(run.fill("{{run.id|literal}} {{run.id|x}}").unwrap(), "'i' {{run.id|x}}");
}

#[test]
fn what_is_no_reference_is_said() {
    for bad in
        ["{{", "a {{b", "{{}}", "{{A}}", "{{row.facts.}}", "{{run.x}}", "{{a|idnet}}", "{{a|}}", "{{before[it]}}"]
    {
        assert!(pieces(bad).is_err(), "{bad}");
    }
    assert_eq!(pieces("}}"), Ok(vec![Piece::Text("}}".to_owned())]));
}

#[test]
fn a_run_fills_its_own_references_once() {
    let spec = serde_json::json!({"argv": ["a", "{{run.dir}}/{{run.id}}", "{{run.x}}"], "n": 1});
    let action = Action { adapter: "exec".into(), floor: EffectClass::Read, line: "{{run.id}}".into(), spec };
    let run = OfRun { id: "{{run.dir}}", dir: "/r", saved: &BTreeMap::new() };
    let filled = action.of_run(run).unwrap();
    assert_eq!(filled.spec, serde_json::json!({"argv": ["a", "/r/{{run.dir}}", "{{run.x}}"], "n": 1}));
    assert_eq!(filled.line, "{{run.dir}}");
}

#[test]
fn what_was_saved_is_filled_in_once_and_never_as_nothing() {
    let facts = BTreeMap::from([("image".to_owned(), "{{saved:before}}".to_owned())]);
    let before = Saved { step: 0, says: "two images".to_owned(), facts };
    let saved = BTreeMap::from([("before".to_owned(), before)]);
    let run = OfRun { id: "i", dir: "/d", saved: &saved };
    let values = BTreeMap::from([("before".to_owned(), saved_as("before"))]);
    let planned = |text: &str| match fill_text(text, &values) {
        Value::Text(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(planned("{{before}}"), "{{saved:before}}");
    assert_eq!(run.fill(&planned("was {{ before }}: {{before.image}}")).unwrap(), "was two images: {{saved:before}}");
    assert_eq!(
        run.fill(&planned("{{before.size}}")).unwrap_err(),
        "what was read as `before` has no `size`; it has image"
    );
    assert_eq!(run.fill("{{saved:2/after.x}}").unwrap_err(), "`after` was not read yet");
    assert_eq!(run.fill("{{saved:open").unwrap(), "{{saved:open");
}

#[test]
fn saved_facts_are_referred_to_by_name_and_fact() {
    for good in ["{{before.image}}", "{{before.a.b}}"] {
        assert!(pieces(good).is_ok(), "{good}");
    }
    for bad in ["{{before.}}", "{{.x}}", "{{before.X}}", "{{row.x}}", "{{run.id.x}}", "{{saved:x}}"] {
        assert!(pieces(bad).is_err(), "{bad}");
    }
}
