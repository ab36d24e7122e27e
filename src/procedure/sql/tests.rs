use super::*;

/// A generator of nested SQL: before, again and again, the middle, again and again, after.
const KINDS: &str = include_str!("../../../fuzz/nested-sql.tsv");

fn kinds() -> Vec<(&'static str, Vec<&'static str>)> {
    let rows = KINDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| line.split_once('\t').map(|(name, rest)| (name, rest.split('\t').collect())).unwrap()).collect()
}

/// A statement that nests so often.
fn nested(parts: &[&str], times: usize) -> String {
    let [before, opens, middle, closes, after] = parts else { panic!("{parts:?}") };
    [*before, &opens.repeat(times), middle, &closes.repeat(times), after].concat()
}

#[test]
fn what_nests_too_deep_is_refused_and_what_is_within_the_bound_is_parsed() {
    assert!(kinds().len() > 30);
    let mut wrong = Vec::new();
    for (name, parts) in kinds() {
        let far = nested(&parts, DEEPEST * 100);
        assert!(matches!(examine(&far, |_| ()), Err(Refused::TooDeep(depth)) if depth >= DEEPEST), "{name}");
        let each = nesting(&nested(&parts, 101)) - nesting(&nested(&parts, 1));
        assert!(each >= 100, "{name}: a level is not counted");
        // The most of this kind that the bound lets through.
        let mut times = DEEPEST * 100 / each;
        while nesting(&nested(&parts, times)) > DEEPEST {
            times -= 1;
        }
        let most = nested(&parts, times);
        let errors = examine(&most, |parsed| parsed.errors().len()).unwrap_or_else(|why| panic!("{name}: {why}"));
        if (errors == 0) == name.ends_with('!') {
            wrong.push(format!("{name}: {errors} errors"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn long_lists_do_not_nest() {
    let literals = vec!["'a', 1, -2.5"; 20_000].join(", ");
    let rows = vec!["(1, 'a', now())"; 20_000].join(", ");
    for sql in [
        format!("SELECT x FROM t WHERE y IN ({literals})"),
        format!("INSERT INTO t VALUES {rows}"),
        format!("SELECT '{}'", "((((".repeat(20_000)),
        format!("SELECT 1 /* {} */", "NOT (".repeat(20_000)),
    ] {
        assert!(nesting(&sql) < 40, "{}", nesting(&sql));
        assert_eq!(examine(&sql, |parsed| parsed.errors().len()), Ok(0));
    }
}
