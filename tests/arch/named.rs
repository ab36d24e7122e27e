//! Tests that are named elsewhere: in `procedures/coverage.toml`.

use super::{paths, root};
use std::sync::OnceLock;

/// Every file of the library and of these tests: the module that it is, and its text.
fn places() -> &'static [(String, String)] {
    static PLACES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    PLACES.get_or_init(|| {
        let of = |below: &'static str, whole: &'static str| {
            paths(below).into_iter().map(move |path| {
                let module = path.strip_prefix(root().join(below)).unwrap().to_str().unwrap();
                let module = module.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
                (format!("{whole}::{module}"), std::fs::read_to_string(path).unwrap())
            })
        };
        of("src", "lib").chain(of("tests", "suite")).collect()
    })
}

/// Those of the names that no test has: `lib::…` for those inside the library, `suite::…` for these ones.
pub fn missing<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let stored = |name: &str| {
        let Some((module, function)) = name.rsplit_once("::") else { return false };
        let defined = format!("fn {function}(");
        // A file holds the tests of its own module, and those of modules written out in it.
        let home =
            |place: &str| module.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        places().iter().any(|(place, text)| home(place) && text.contains(&defined))
    };
    names.into_iter().filter(|name| !stored(name)).collect()
}

#[test]
fn a_test_is_found_where_it_is_and_nowhere_else() {
    let here = "suite::arch::named::a_test_is_found_where_it_is_and_nowhere_else";
    let inside = "lib::runner::identity::tests::the_start_time_is_found_behind_any_name";
    let elsewhere = "suite::arch::rules::a_test_is_found_where_it_is_and_nowhere_else";
    let nowhere = "lib::runner::identity::tests::there_is_no_such_test";
    assert_eq!(missing([here, inside, elsewhere, nowhere, "no_module"]), [elsewhere, nowhere, "no_module"]);
}
