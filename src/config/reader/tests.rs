//! Places, unknown keys, and wrong kinds.

use super::*;
use std::cell::RefCell;
use std::path::Path;

/// The keys that were not read of a finished table, and those that were.
pub(crate) type Finished = (Vec<String>, BTreeSet<&'static str>);

thread_local! {
    static FINISHED: RefCell<Vec<Finished>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn note(table: &Table) {
    let unread = table.entries.iter().map(|entry| entry.key.clone()).collect();
    FINISHED.with_borrow_mut(|all| all.push((unread, table.asked.clone())));
}

/// The tables that this thread has finished since it was last asked.
pub(crate) fn finished() -> Vec<Finished> {
    FINISHED.take()
}

fn read(text: &str) -> (Table, Vec<String>) {
    let mut problems = Problems::of(Path::new("f"));
    let table = parse(text, &mut problems);
    (table, problems.into_sorted().iter().map(ToString::to_string).collect())
}

#[test]
fn values_know_their_place() {
    let (mut table, problems) = read("a = 1\n[[s]]\n  \"näme\" = \"x\"\n  n = 2\n");
    assert_eq!(problems, Vec::<String>::new());
    let mut problems = Problems::of(Path::new("f"));
    let section = table.tables("s", &mut problems).remove(0);
    let places: Vec<_> = section.entries.iter().map(|e| (e.key.as_str(), e.at.line, e.at.column)).collect();
    assert_eq!(places, [("näme", 3, 3), ("n", 4, 3)]);
    assert_eq!(section.entries[0].node.at, Place { line: 3, column: 12 });
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known_one() {
    let (mut table, _) = read("tilte = \"x\"\nzzz = 1\n");
    let mut problems = Problems::of(Path::new("f"));
    assert_eq!(table.text("title", &mut problems), None);
    table.finish(&mut problems);
    let lines: Vec<_> = problems.into_sorted().iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["f:1:1: unknown key `tilte` (did you mean `title`?)", "f:2:1: unknown key `zzz`"]);
}

#[test]
fn all_problems_are_reported_at_once() {
    let (_, lines) = read("a = 99999999999999999999\nb = nan\nc = 1999-01-01T00:00:00Z\nd = = 1\na = 2\n");
    assert_eq!(lines.len(), 6, "{lines:#?}");
}

#[test]
fn a_wrong_type_is_reported_and_not_read_as_absent() {
    let (mut table, _) = read("flag = 1\nname = true\n");
    let mut problems = Problems::of(Path::new("f"));
    assert_eq!(table.bool("flag", &mut problems), None);
    assert_eq!(table.text("name", &mut problems), None);
    let lines: Vec<_> = problems.into_sorted().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["f:1:8: `flag` must be true or false, not a whole number", "f:2:8: `name` must be text, not true or false"]
    );
}
