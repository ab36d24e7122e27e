//! `procedures/coverage.toml` names every operation of the two runbooks, and only panes, procedures and tests that there are.

use crate::arch::{named, root};
use midwatch::app::pane::Pane;
use midwatch::config::packs::Pack;
use midwatch::procedure::catalog::Catalog;
use midwatch::runner::adapters::BuiltIn;
use serde::Deserialize;

/// How many operations the runbooks have.
const ROWS: u32 = 110;

/// Whether a pane of the console has this word on its frame, in lower case.
fn is_pane(name: &str) -> bool {
    Pane::ALL.iter().any(|pane| pane.word().to_lowercase() == name)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coverage {
    format: u32,
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: u32,
    operation: String,
    effect: String,
    r#in: Vec<String>,
    state: String,
    #[serde(default)]
    left: String,
    #[serde(default)]
    tests: Vec<String>,
}

/// Everything that is wrong with the file.
fn wrong(text: &str) -> Vec<String> {
    let coverage: Coverage = match toml::from_str(text) {
        Ok(coverage) => coverage,
        Err(error) => return vec![error.to_string()],
    };
    let catalog = Catalog::read(None, &Pack::ALL, &BuiltIn::new(Vec::new()));
    let mut found = Vec::new();
    if coverage.format != 1 || !coverage.row.iter().map(|row| row.number).eq(1..=ROWS) {
        found.push(format!("format 1 has the rows 1 to {ROWS} in order"));
    }
    for row in &coverage.row {
        let mut add = |what: String| found.push(format!("row {}: {what}", row.number));
        if row.operation.trim().is_empty() || !["read", "change", "destroy"].contains(&row.effect.as_str()) {
            add("operation or effect is missing".to_owned());
        }
        for place in &row.r#in {
            let there = match place.split_once(':') {
                Some(("pane", name)) => is_pane(name),
                Some(("procedure", id)) => catalog.library().contains_key(id),
                _ => false,
            };
            if !there {
                add(format!("there is no {place}"));
            }
        }
        match row.state.as_str() {
            "open" if row.left.trim().is_empty() => add("open, and nothing is left".to_owned()),
            "open" => {}
            "done" if row.tests.is_empty() || row.r#in.is_empty() => add("done, without a place or a test".to_owned()),
            "done" if !row.left.is_empty() => add("done, and something is left".to_owned()),
            "done" => {}
            other => add(format!("no state is called {other}")),
        }
        for test in named::missing(row.tests.iter().map(String::as_str)) {
            add(format!("there is no test {test}"));
        }
    }
    found
}

fn text() -> String {
    std::fs::read_to_string(root().join("procedures/coverage.toml")).unwrap()
}

#[test]
fn every_operation_is_there_and_what_it_names_exists() {
    assert_eq!(wrong(&text()), Vec::<String>::new());
}

#[test]
fn what_does_not_exist_or_proves_nothing_is_found() {
    let text = text();
    for (from, to, what) in [
        ("number = 7\n", "number = 8\n", "format 1 has the rows 1 to 110 in order"),
        ("pane:bloat", "pane:moat", "row 41: there is no pane:moat"),
        ("pane:bloat", "pane:calendar", "row 41: there is no pane:calendar"),
        ("procedure:common/emergency", "procedure:cell0/mergency", "row 28: there is no procedure:cell0/mergency"),
        ("the_estimate_is_what_a_rewrite_gives_back", "gone", "row 41: there is no test suite::bloat::traps::gone"),
        ("state = \"open\"", "state = \"done\"", "row 1: done, without a place or a test"),
        ("left = \"no procedure\"", "left = \" \"", "row 5: open, and nothing is left"),
        ("state = \"done\"", "state = \"nearly\"", "row 4: no state is called nearly"),
    ] {
        let spoilt = text.replacen(from, to, 1);
        assert_ne!(spoilt, text, "{from}");
        let found = wrong(&spoilt);
        assert!(found.iter().any(|line| line == what || line.starts_with(what)), "{what}: {found:?}");
    }
}
