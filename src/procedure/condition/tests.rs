use super::*;

fn facts(ratio: f64) -> BTreeMap<&'static str, Fact> {
    BTreeMap::from([
        ("used_ratio", Fact::Real(ratio)),
        ("inodes", Fact::Int(9)),
        ("path", Fact::Text("/srv".to_owned())),
        ("ok", Fact::Bool(true)),
    ])
}

fn holds(text: &str) -> Option<bool> {
    Condition::on_a_row(text).unwrap().holds(&facts(0.84))
}

#[test]
fn conditions_are_judged() {
    let cases = [
        ("used_ratio > 0.8", Some(true)),
        ("used_ratio>0.8 and inodes == 9", Some(true)),
        ("used_ratio < 0.8 or path == '/srv'", Some(true)),
        ("used_ratio < 0.8 or inodes >= 10 and ok == true", Some(false)),
        ("inodes != 9.0", Some(false)),
        ("inodes <= 9", Some(true)),
        ("path != \"/srv\"", Some(false)),
        ("missing > 1", None),
        ("used_ratio > 0.8 or missing > 1", None),
        ("path > 1", None),
    ];
    for (text, expected) in cases {
        assert_eq!(holds(text), expected, "{text}");
    }
}

#[test]
fn not_a_number_never_matches() {
    for text in ["used_ratio > 0", "used_ratio != 0", "used_ratio == 0", "used_ratio <= 0"] {
        assert_eq!(Condition::on_a_row(text).unwrap().holds(&facts(f64::NAN)), None, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in ".{0,60}") {
        let _ = Condition::on_a_row(&text);
    }
}

#[test]
fn an_invalid_condition_is_reported() {
    for bad in
        ["", "a", "a >", "a > b", "a => 1", "a == 'x", "a == 1 b == 2", "a == 1 and", "1 == a", "(a == 1)", "a == nan"]
    {
        assert!(Condition::on_a_row(bad).is_err(), "{bad}");
    }
}

#[test]
fn facts_that_are_text_are_read_as_what_they_are_compared_with() {
    let facts: BTreeMap<String, String> =
        [("value", "0"), ("rate", "0.50"), ("name", "1.0"), ("on", "true"), ("none", " ")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    for (text, expected) in [
        ("value == 0", Some(true)),
        ("value == 0.0 and rate < 1", Some(true)),
        ("name == '1.00'", Some(false)),
        ("name == 1", Some(true)),
        ("on == true", Some(true)),
        ("on == 1", None),
        ("none == 0", None),
        ("none == ''", None),
        ("value == 0 or gone == 1", None),
    ] {
        assert_eq!(Condition::parse(text).unwrap().holds_for(&facts).ok(), expected, "{text}");
    }
}

#[test]
fn a_plan_holds_values_and_what_the_run_knows_later_and_reads_both_back() {
    let read = Condition::parse("before[it].image != {{image}} and env == 'it''s' or n >= 3").unwrap();
    let bound = read.bound(|operand| {
        Ok(match operand {
            Operand::Fact(name) if name == "env" => Some(Value::Text("it's".to_owned())),
            Operand::Fact(name) if name == "n" => Some(Value::Text("4".to_owned())),
            Operand::Fact(_) => Some(Value::Later("saved:2/before[api].image".to_owned())),
            Operand::Reference(_) => Some(Value::Text("x}'\"y".to_owned())),
            Operand::Literal(_) => None,
        })
    });
    let text = bound.unwrap().to_string();
    assert_eq!(text, "{{saved:2/before[api].image}} != 'x}''\"y' and 'it''s' == 'it''s' or 4 >= 3");
    assert_eq!(Condition::parse(&text).unwrap().to_string(), text);
    assert_eq!(readable(&text), "before[api].image != 'x}''\"y' and 'it''s' == 'it''s' or 4 >= 3");
}

#[test]
fn a_span_is_split_off() {
    for (text, expected) in [
        ("value == 0 for 30s", ("value == 0", 30)),
        (" passed for 5m ", ("passed", 300)),
        ("value == 'wait for 30s'", ("value == 'wait for 30s'", 0)),
        ("value == 0 for ever", ("value == 0 for ever", 0)),
        ("value == 0", ("value == 0", 0)),
    ] {
        assert_eq!(split_for(text), expected, "{text}");
    }
}

#[test]
fn one_value_is_compared() {
    for (condition, value, holds) in [
        ("== 0", "0", Some(true)),
        ("== 0", "0.0", Some(true)),
        ("==0", "12", Some(false)),
        ("!= 0", "1", Some(true)),
        ("< 1", "0.99", Some(true)),
        ("<= 1", "1", Some(true)),
        ("> 1", "1", Some(false)),
        (">= 1", " 1 ", Some(true)),
        ("== 0", "", None),
        ("== 0", "null", None),
        ("!= 0", "NaN", None),
        ("< 1", "-inf", None),
        ("== 'on'", "on", Some(true)),
        ("!= \"on\"", "off", Some(true)),
        ("== ''", "", Some(true)),
    ] {
        assert_eq!(Condition::on_a_value(condition).unwrap().holds_for_value(value), holds, "{value:?} {condition}");
    }
}

#[test]
fn what_is_no_comparison_is_refused() {
    for text in [
        "",
        "0",
        "== ",
        "= 0",
        "== on",
        "< 'on'",
        "=> 1",
        "== inf",
        "== 'on",
        "== 0 or value == 1",
        "[0] == 1",
        "== {{x}}",
        "== true",
    ] {
        assert!(Condition::on_a_value(text).is_err(), "{text}");
    }
}

#[test]
fn a_condition_of_any_length_is_read_without_descending() {
    let long = "used_ratio > 0.8 and inodes == 9 or ".repeat(20_000) + "ok == true";
    assert_eq!(holds(&long), Some(true));
    for odd in ["( ", "[", "{{", "'", "not ", "a == "] {
        assert!(Condition::on_a_row(&odd.repeat(100_001)).is_err(), "{odd}");
    }
}
