use super::*;
use crate::domain::{Fact, Observation};
use std::collections::BTreeMap as Map;
use std::time::Duration;

fn at(second: i64) -> Wall {
    Wall::from_unix(1_000_000 + second, 0)
}

fn row(kind: TargetKind, target: &str, object: &str, verdict: Verdict, fact: (&'static str, i64)) -> Row {
    let mut row = Row::unread(kind, target.to_owned(), "somewhere".to_owned(), Duration::from_secs(10));
    row.object = (!object.is_empty()).then(|| object.to_owned());
    row.observation = Some(Observation {
        verdict,
        detail: format!("{object} says {}", fact.1),
        facts: Map::from([(fact.0, Fact::Int(fact.1))]),
        observed_at: at(0),
        trend: None,
    });
    row
}

fn bloat(object: &str, verdict: Verdict, bytes: i64) -> Row {
    row(TargetKind::Bloat, "main", object, verdict, ("bloat_bytes", bytes))
}

fn rows(kind: TargetKind, target: &str, rows: Vec<Row>) -> Rows {
    Rows { kind, target: target.to_owned(), rows }
}

fn names(list: &RowList) -> Vec<String> {
    list.shown().map(|row| list.name(row)).collect()
}

fn list_of_bloat() -> RowList {
    use Verdict::{Ok, Warn};
    let mut list = RowList::new(Section::Bloat);
    let all = vec![bloat("a", Ok, 10), bloat("b", Warn, 5), bloat("c", Warn, 50), bloat("d", Ok, 900)];
    list.read(rows(TargetKind::Bloat, "main", all), at(1));
    list
}

#[test]
fn within_a_verdict_the_most_pressing_come_first() {
    let mut list = list_of_bloat();
    assert_eq!(names(&list), ["c", "b", "d", "a"]);
    let mut certificates = RowList::new(Section::Certificates);
    for (name, days) in [("far", 60), ("near", 3), ("gone", -2)] {
        let one = row(TargetKind::Certificate, name, "", Verdict::Warn, ("days_left", days));
        certificates.read(rows(TargetKind::Certificate, name, vec![one]), at(1));
    }
    assert_eq!(names(&certificates), ["gone", "near", "far"]);
    assert_eq!((certificates.next(), list.sum()), (Some(3.0), Some(965.0)));
    // Another reading of one target leaves the others where they were.
    list.read(rows(TargetKind::Bloat, "other", vec![bloat("z", Verdict::Warn, 20)]), at(1));
    assert_eq!(names(&list), ["main c", "main z", "main b", "main d", "main a"]);
    list.read(rows(TargetKind::Bloat, "main", vec![bloat("a", Verdict::Ok, 10)]), at(1));
    assert_eq!(names(&list), ["main z", "main a"], "what a target no longer has is gone");
}

#[test]
fn the_order_can_be_another_and_the_cursor_goes_along() {
    let mut list = list_of_bloat();
    list.go(0);
    let orders: Vec<_> = (0..7)
        .map(|_| {
            list.sort_by(list.sort().next(Section::Bloat), at(1));
            assert_eq!(list.under_cursor().unwrap().object.as_deref(), Some("c"));
            assert_eq!(names(&list)[list.cursor_place().unwrap()], "c");
            names(&list).concat()
        })
        .collect();
    assert_eq!(orders, ["abcd", "abcd", "dcab", "abcd", "abcd", "abcd", "cbda"]);
}

#[test]
fn the_row_under_the_cursor_stays_even_when_the_filter_leaves_it_out() {
    let mut list = list_of_bloat();
    list.set_filter("WARN".to_owned(), at(1));
    assert_eq!(names(&list), ["c", "b"]);
    list.go(1);
    let all = vec![bloat("a", Verdict::Warn, 99), bloat("b", Verdict::Ok, 5), bloat("c", Verdict::Warn, 50)];
    list.read(rows(TargetKind::Bloat, "main", all), at(1));
    assert_eq!((names(&list), list.len()), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], 3));
    list.read(
        rows(TargetKind::Bloat, "main", vec![bloat("c", Verdict::Warn, 50), bloat("e", Verdict::Warn, 1)]),
        at(1),
    );
    assert_eq!((names(&list).concat().as_str(), list.cursor_place()), ("ce", None));
    list.step(1);
    assert_eq!(list.under_cursor().unwrap().object.as_deref(), Some("e"), "the next key goes on where the row was");
    assert!(list.release() && !list.release());
}

#[test]
fn rows_are_judged_again_when_one_becomes_stale_and_not_before() {
    let mut list = list_of_bloat();
    let counts = |list: &RowList| list.counts().map(|(_, count)| count);
    assert_eq!((counts(&list), list.is_late(), list.oldest_reading()), ([0, 0, 2, 2], false, Some(at(0))));
    list.tick(at(30));
    assert_eq!(counts(&list), [0, 0, 2, 2]);
    list.tick(at(31));
    assert_eq!((counts(&list), list.is_late()), ([0, 4, 0, 0], true));
    assert_eq!(names(&list), ["d", "c", "a", "b"]);
    list.tick(at(5));
    assert_eq!(counts(&list), [0, 0, 2, 2], "the clock went back");
}

#[test]
fn counts_are_those_of_all_rows_and_a_row_never_read_has_no_age() {
    let mut list = list_of_bloat();
    list.set_filter("nothing like it".to_owned(), at(1));
    assert!(list.is_empty() && list.has_read());
    assert_eq!(list.counts()[2].1, 2);
    let unread = Row::unread(TargetKind::Bloat, "x".to_owned(), String::new(), Duration::from_secs(1));
    list.read(rows(TargetKind::Bloat, "x", vec![unread]), at(1));
    assert_eq!((list.counts()[1].1, list.oldest_reading()), (1, None));
}

#[test]
fn a_reading_among_ten_thousand_rows_compares_few_of_them() {
    let mut list = RowList::new(Section::Bloat);
    let verdict = |n: i64| if n % 7 == 0 { Verdict::Warn } else { Verdict::Ok };
    let all =
        |turn: i64| (0..5000).map(|n| bloat(&format!("t{n}"), verdict(n), n * 31 % 977 + turn)).collect::<Vec<_>>();
    list.read(rows(TargetKind::Bloat, "main", all(0)), at(1));
    for n in 0..5000 {
        let name = format!("d{n}");
        list.read(rows(TargetKind::Bloat, &name, vec![bloat("one", verdict(n), n)]), at(1));
    }
    assert_eq!(list.len(), 10_000);
    list.go(5000);
    let under = list.under_cursor().unwrap().clone();
    group::counts::COMPARED.set(0);
    for n in 0..1000 {
        let name = format!("d{n}");
        list.read(rows(TargetKind::Bloat, &name, vec![bloat("one", verdict(n + 1), n)]), at(2));
        list.tick(at(2));
    }
    // Sorting everything compares more than a hundred thousand pairs for each of the thousand readings.
    let compared = group::counts::COMPARED.get();
    assert!((1..100_000).contains(&compared), "{compared}");
    assert_eq!((list.under_cursor(), list.cursor_place()), (Some(&under), Some(5000)));
    let sorted: Vec<_> = list.order.windows(2).map(|two| compare(&list.groups, &list.manner, two[0], two[1])).collect();
    assert!(sorted.iter().all(|order| *order == Ordering::Less));
}
