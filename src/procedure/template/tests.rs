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
fn what_is_quoted_is_one_token_with_any_content() {
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
        Saved {
            step: 0,
            text: "it's".to_owned(),
            facts: BTreeMap::from([("x".to_owned(), "a\"b".to_owned())]),
            whole: BTreeMap::new(),
        },
    )]);
    let values = BTreeMap::from([("before".to_owned(), saved_as("before"))]);
    let Value::Text(planned) = fill_text("{{before.x|ident}} {{before|literal}}", &values) else { panic!() };
    assert_eq!(planned, "{{saved:before.x|ident}} {{saved:before|literal}}");
    let run = OfRun { id: "i", dir: "/d", saved: &saved };
    assert_eq!(run.fill(&planned).unwrap(), "\"a\"\"b\" 'it''s'");
    assert_eq!(run.fill("{{run.id|literal}} {{run.id|x}}").unwrap(), "'i' {{run.id|x}}");
}

#[test]
fn an_invalid_reference_is_reported() {
    for bad in ["{{", "a {{b", "{{}}", "{{A}}", "{{row.facts.}}", "{{run.x}}", "{{a|idnet}}", "{{a|}}"] {
        assert!(pieces(bad).is_err(), "{bad}");
    }
    assert_eq!(pieces("}}"), Ok(vec![Piece::Text("}}".to_owned())]));
}

#[test]
fn a_run_fills_its_own_references_once() {
    let spec = serde_json::json!({"argv": ["a", "{{run.dir}}/{{run.id}}", "{{run.x}}"], "n": 1});
    let action =
        Action { adapter: "exec".into(), least: EffectClass::Read, line: "{{run.id}}".into(), spec, listing: None };
    let run = OfRun { id: "{{run.dir}}", dir: "/r", saved: &BTreeMap::new() };
    let filled = action.of_run(run).unwrap();
    assert_eq!(filled.spec, serde_json::json!({"argv": ["a", "/r/{{run.dir}}", "{{run.x}}"], "n": 1}));
    assert_eq!(filled.line, "{{run.dir}}");
}

#[test]
fn what_was_saved_is_filled_in_once_and_never_as_nothing() {
    let facts = BTreeMap::from([("image".to_owned(), "{{saved:before}}".to_owned())]);
    let before = Saved { step: 0, text: "two images".to_owned(), facts, whole: BTreeMap::new() };
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

#[test]
fn an_entry_is_that_of_a_parameter_or_of_what_was_read() {
    let mut values = BTreeMap::from([("before".to_owned(), saved_as("2/before")), (IT.to_owned(), Bound::text("a.b"))]);
    let entries = vec![("a.b".to_owned(), "v1".to_owned()), ("c".to_owned(), "v2".to_owned())];
    values.insert("image".to_owned(), Bound::several(entries, true));
    let planned = |text: &str| match fill_text(text, &values) {
        Value::Text(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(planned("{{it}} {{image[it]}} {{image[c]}}"), "a.b v1 v2");
    assert_eq!(planned("{{before[it].n}} {{before[it]}}"), "{{saved:2/before[a.b].n}} {{saved:2/before[a.b]}}");
    let saved = |facts: &[(&str, &str)]| Saved {
        step: 0,
        text: "said".to_owned(),
        facts: facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        whole: BTreeMap::new(),
    };
    // Read at once, under the names of an adapter's rows; or for each by itself.
    let flat = BTreeMap::from([("2/before".to_owned(), saved(&[("a.b.n", "3"), ("c: n", "4"), ("a.b", "x")]))]);
    let each = BTreeMap::from([("2/before[a.b]".to_owned(), saved(&[("n", "5")]))]);
    let run = |saved| OfRun { id: "i", dir: "/d", saved };
    assert_eq!(run(&flat).fill("{{saved:2/before[a.b].n}} {{saved:2/before[c].n}}").unwrap(), "3 4");
    assert_eq!(run(&flat).fill("{{saved:2/before[a.b]}}").unwrap(), "x");
    assert_eq!(run(&each).fill("{{saved:2/before[a.b].n}} {{saved:2/before[a.b]}}").unwrap(), "5 said");
    let why = run(&each).fill("{{saved:2/before[c].n}}").unwrap_err();
    assert_eq!(why, "`before` was not read yet");
    let why = run(&flat).fill("{{saved:2/before[d].n}}").unwrap_err();
    assert!(why.starts_with("what was read as `before` has no `d.n`; it has "), "{why}");
    for bad in ["{{x[}}", "{{x[]}}", "{{x[it].}}", "{{x[a]b}}", "{{X[a]}}", "{{it[a]}}", "{{x[a,b]}}", "{{x[a].B}}"] {
        assert!(pieces(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_template_of_any_length_is_read_without_descending() {
    let long = "{{a}}".repeat(100_000);
    assert_eq!(pieces(&long).unwrap().len(), 100_000);
    for odd in ["{{", "{{a[", "{{a|ident", "{{{{a}}"] {
        assert!(pieces(&odd.repeat(100_000)).is_err(), "{odd}");
    }
}
