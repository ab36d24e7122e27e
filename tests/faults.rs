//! `docs/faults.md` has every row of the fault matrix that it promises, and names only tests that there are.

use crate::arch::{named, root};
use std::collections::BTreeMap;
use std::fs;

/// The rows that are answered.
fn rows() -> Vec<u32> {
    (1..=24).chain([31, 33, 34, 35, 36, 37]).chain(40..=104).collect()
}

/// The rows of the table: number, and what is said of what shows it.
fn table(text: &str) -> BTreeMap<u32, String> {
    let cells = |line: &str| -> Option<(u32, String)> {
        let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
        let number = cells.next()?.parse().ok()?;
        Some((number, cells.nth(1)?.to_owned()))
    };
    let all: Vec<(u32, String)> = text.lines().filter_map(cells).collect();
    let count = all.len();
    let table: BTreeMap<u32, String> = all.into_iter().collect();
    assert_eq!(table.len(), count, "a row stands there twice");
    table
}

/// The names of tests in a text: what stands between backquotes and begins with `suite::` or `lib::`.
fn names(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| name.starts_with("suite::") || name.starts_with("lib::")).collect()
}

/// What is wrong with the document.
fn wrong(text: &str) -> Vec<String> {
    let table = table(text);
    let mut wrong = Vec::new();
    for number in rows() {
        match table.get(&number) {
            None => wrong.push(format!("row {number} is missing")),
            Some(output) if names(output).is_empty() && !output.contains("Not shown:") => {
                wrong.push(format!("row {number} names no test and no reason"));
            }
            Some(_) => {}
        }
    }
    wrong.extend(table.keys().filter(|number| !rows().contains(number)).map(|number| format!("row {number} is none")));
    wrong.extend(named::missing(names(text)).into_iter().map(|name| format!("there is no test {name}")));
    wrong
}

#[test]
fn every_row_of_the_fault_matrix_names_tests_that_there_are_or_a_reason() {
    let text = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    assert_eq!(wrong(&text), Vec::<String>::new());
}

#[test]
fn a_missing_row_and_a_test_that_is_gone_are_told() {
    let rows: String = rows().iter().skip(1).map(|number| format!("| {number} | x | Not shown: y |\n")).collect();
    let text = format!("{rows}| 999 | x | `suite::faults::no_such_test` |\n");
    assert_eq!(wrong(&text), ["row 1 is missing", "row 999 is none", "there is no test suite::faults::no_such_test"]);
    assert_eq!(wrong(&format!("| 1 | x | words |\n{rows}")), ["row 1 names no test and no reason"]);
}
