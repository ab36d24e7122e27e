use super::*;
use crate::domain::{Observation, Verdict, Wall};
use crate::procedure::params::ParamKind;
use std::time::Duration;

fn binding(when: &str) -> ActsOn {
    let when = (!when.is_empty()).then(|| Condition::on_a_row(when).unwrap());
    let params = BTreeMap::from([("root".to_owned(), "{{row.facts.path}}".to_owned())]);
    ActsOn { row: TargetKind::Mount, when, params }
}

fn row(facts: &[(&'static str, Fact)]) -> Row {
    let mut row = Row::unread(TargetKind::Mount, "data".to_owned(), String::new(), Duration::from_secs(5));
    row.saw(Observation {
        verdict: Verdict::Ok,
        detail: String::new(),
        facts: facts.iter().cloned().collect(),
        observed_at: Wall::from_unix(0, 0),
        trend: None,
    });
    row
}

fn reason(when: &str, facts: &[(&'static str, Fact)]) -> String {
    let root = Param {
        name: "root".to_owned(),
        at: Place { line: 1, column: 1 },
        kind: ParamKind::Path,
        default: None,
        pattern: None,
        help: String::new(),
    };
    match binding(when).bind(&row(facts), &[root]) {
        Ok(params) => format!("{params:?}"),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn a_binding_that_does_not_apply_says_what_it_needs_and_what_the_row_has() {
    let path = || ("path", Fact::Text("/srv".to_owned()));
    let used = |ratio| ("used_ratio", Fact::Real(ratio));
    let named = |flag| ("configured", Fact::Bool(flag));
    type Case<'a> = (&'a str, &'a [(&'static str, Fact)], &'a str);
    let cases: [Case<'_>; 12] = [
        ("used_ratio > 0.8", &[path(), used(0.91)], r#"{"root": "/srv"}"#),
        ("used_ratio > 0.8", &[path(), used(0.413_333_3)], "needs used above 80 % (now 42 %)"),
        ("used_ratio > 0.8", &[path(), used(0.799_6)], "needs used above 80 % (now 80 %, exactly 0.7996)"),
        ("used_ratio >= 0.8", &[path(), used(0.799_6)], "needs used at least 80 % (now 80 %, exactly 0.7996)"),
        ("used_ratio > 0.797", &[path(), used(0.796)], "needs used above 79.7 % (now 80 %, exactly 0.796)"),
        ("used_ratio > 0.8", &[path(), used(f64::NAN)], "needs used above 80 % (now NaN)"),
        ("used_ratio > 0.8", &[path()], "needs used above 80 % (not known)"),
        (
            "configured == true and used_ratio > 0.8",
            &[path(), used(0.9), named(false)],
            "needs a row that is named in the estate file (this one is not)",
        ),
        (
            "configured == true and used_ratio > 0.8",
            &[path(), used(0.5), named(false)],
            "needs a row that is named in the estate file (this one is not) and used above 80 % (now 50 %)",
        ),
        (
            "path == '/a' or used_ratio > 0.8",
            &[path(), used(0.5)],
            "needs path /a (now /srv) or used above 80 % (now 50 %)",
        ),
        ("", &[used(0.9)], "needs path, which is not known of this row"),
        (
            "",
            &[("path", Fact::Text("srv".to_owned()))],
            "cannot take this row: `root` must be an absolute path, not \"srv\"",
        ),
    ];
    for (when, facts, expected) in cases {
        assert_eq!(reason(when, facts), expected, "{when}");
    }
}

#[test]
fn a_row_of_another_kind_or_without_a_reading_is_refused_as_such() {
    let unread = |kind| Row::unread(kind, "data".to_owned(), String::new(), Duration::from_secs(5));
    assert_eq!(binding("").bind(&unread(TargetKind::Host), &[]), Err(Refusal::Kind));
    assert_eq!(binding("").bind(&unread(TargetKind::Mount), &[]), Err(Refusal::Unread));
}
