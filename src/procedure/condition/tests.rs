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
fn what_is_no_condition_is_said() {
    for bad in
        ["", "a", "a >", "a > b", "a => 1", "a == 'x", "a == 1 b == 2", "a == 1 and", "1 == a", "(a == 1)", "a == nan"]
    {
        assert!(Condition::on_a_row(bad).is_err(), "{bad}");
    }
}
