//! How many rows a file has, from two counts of the server that need not agree.
//!
//! ```text
//!  catalog      rows and pages at the last VACUUM or ANALYZE      exact then; scaled to the pages of now, as the planner does
//!  statistics   that, and what sessions reported since            lost in a crash, absent on a standby
//! ```
//! A session reports what it changed up to seconds later. What it changed before a `VACUUM` or `ANALYZE` and reported after counts
//! twice. The rows that were ever inserted less those deleted say which it was, where nothing was rolled back and no statistics were
//! lost. Else whether that can be is tried on the size of the file; where both are possible, both are in the error bar.
//!
//! Source: `estimate_rel_size`; PostgreSQL 18 manual, 27.2.1.

use crate::probes::bloat::catalog::{Counted, Relation};

/// A fifth of the rows changed since they were analyzed: the statistics are old.
const CHANGED: f64 = 0.20;
/// Counts that differ by less are the same.
const SAME: f64 = 0.01;
/// How much smaller than its rows need a file may seem, because widths are averages.
const SLACK: f64 = 1.05;
/// A file whose pages became more by this share has grown.
const GROWN: f64 = 0.02;

/// The rows of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Count {
    /// Those that live for sure.
    pub(super) live: f64,
    /// Those that may live beside them.
    pub(super) unsure: f64,
    /// The share of the file that came or went since the rows were counted.
    pub(super) drift: f64,
    /// Whether the count or the widths may be old.
    pub(super) stale: bool,
}

/// The rows of a relation's table. `pages` it has now, and its rows need so many bytes, as far as both are known.
pub(super) fn rows(
    relation: &Relation,
    standby: bool,
    pages: Option<f64>,
    needs: Option<&dyn Fn(f64) -> f64>,
) -> Option<Count> {
    let (tuples, counted) = (relation.table_tuples, relation.counted && !standby);
    let (pages_then, live, net) = (relation.table_pages, real(relation.live), real(relation.net));
    let known = Counted { tuples, pages: pages_then, live, net, counted };
    let count = of(known, pages, needs)?;
    Some(Count { stale: count.stale || real(relation.modified) > CHANGED * (count.live + count.unsure), ..count })
}

/// The pieces of a TOAST table.
pub(super) fn pieces(known: Counted, standby: bool, pages: f64, needs: &dyn Fn(f64) -> f64) -> Option<Count> {
    let count = of(Counted { counted: known.counted && !standby, ..known }, Some(pages), Some(needs));
    match count {
        // Nothing but what was written since the server has its statistics.
        None if !standby && known.live > 0.0 => Some(Count { live: known.live, unsure: 0.0, drift: 0.0, stale: true }),
        Some(count) if !known.counted && !standby => Some(Count { live: count.live.max(known.live), ..count }),
        count => count,
    }
}

fn of(known: Counted, pages: Option<f64>, needs: Option<&dyn Fn(f64) -> f64>) -> Option<Count> {
    let now = pages.unwrap_or(known.pages);
    let drift = (now - known.pages).abs() / now.max(known.pages).max(1.0);
    let is_of_catalog = known.tuples >= 0.0 && (known.pages > 0.0 || now <= 0.0);
    if !known.counted {
        let scaled = known.tuples * if known.pages > 0.0 { now / known.pages } else { 1.0 };
        return is_of_catalog.then_some(Count { live: scaled, unsure: 0.0, drift, stale: true });
    }
    if !is_of_catalog {
        return Some(Count { live: known.live, unsure: 0.0, drift: 0.0, stale: false });
    }
    let (low, high) = both(known, now > known.pages * (1.0 + GROWN), now, needs);
    Some(Count { live: low, unsure: high - low, drift: 0.0, stale: high > low || !same(low, known.live) })
}

/// Whether two counts are the same.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= SAME * one.max(other)
}

/// The least and the most rows, of a count by statistics and one by the catalog.
fn both(known: Counted, grown: bool, pages: f64, needs: Option<&dyn Fn(f64) -> f64>) -> (f64, f64) {
    let Counted { live, tuples, net, .. } = known;
    if same(live, tuples) {
        return (live, live);
    }
    match (same(net, live), same(net, tuples)) {
        (true, false) => return (live, live),
        (false, true) => return (tuples, tuples),
        _ => {}
    }
    let fits = |rows: f64| needs.is_none_or(|needs| needs(rows) <= pages * SLACK);
    // Either it changed since, or before, and was reported twice. What was deleted before may have been cut off the file.
    let (since, before) = if live < tuples { (true, true) } else { (fits(live), !grown && fits(tuples)) };
    match (since, before) {
        (true, true) => (live.min(tuples), live.max(tuples)),
        (false, true) => (tuples, tuples),
        _ => (live, live),
    }
}

#[allow(clippy::cast_precision_loss)] // Counts of rows.
fn real(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten rows to a page.
    fn needs(rows: f64) -> f64 {
        (rows / 10.0).ceil()
    }

    /// Counts whose inserts and deletes say nothing.
    fn counted(tuples: f64, pages: f64, live: f64) -> Counted {
        Counted { tuples, pages, live, net: -1.0, counted: true }
    }

    fn span(known: Counted, pages: f64) -> (f64, f64) {
        let count = of(known, Some(pages), Some(&needs)).unwrap();
        (count.live, count.live + count.unsure)
    }

    #[test]
    fn counts_that_contradict_each_other_are_both_possible_where_the_file_has_room() {
        // DELETE of half and VACUUM ANALYZE in one session: the pages still have room for all, or were cut off.
        assert_eq!(span(counted(500.0, 100.0, 0.0), 100.0), (0.0, 500.0));
        assert_eq!(span(counted(500.0, 50.0, 0.0), 50.0), (0.0, 500.0));
        assert_eq!(span(counted(800.0, 100.0, 600.0), 100.0), (600.0, 800.0));
        // INSERT and ANALYZE in one session: twice as many rows have no room.
        assert_eq!(span(counted(800.0, 100.0, 1600.0), 100.0), (800.0, 800.0));
        // Half empty it may have been filled since; grown, it was.
        assert_eq!(span(counted(500.0, 100.0, 900.0), 100.0), (500.0, 900.0));
        assert_eq!(span(counted(500.0, 50.0, 900.0), 90.0), (900.0, 900.0));
        // As good as the same, and never counted by the catalog.
        assert_eq!(span(counted(1000.0, 100.0, 995.0), 100.0), (995.0, 995.0));
        assert_eq!(span(counted(-1.0, 0.0, 700.0), 100.0), (700.0, 700.0));
    }

    #[test]
    fn what_was_inserted_and_deleted_says_which_count_is_right() {
        let of = |tuples, live, net| span(Counted { net, ..counted(tuples, 50.0, live) }, 50.0);
        // DELETE and VACUUM in one session, reported twice; DELETE since; neither.
        assert_eq!(of(500.0, 0.0, 500.0), (500.0, 500.0));
        assert_eq!(of(500.0, 200.0, 200.0), (200.0, 200.0));
        assert_eq!(of(500.0, 200.0, 350.0), (200.0, 500.0));
        // INSERT and ANALYZE in one session; INSERT since.
        assert_eq!(of(300.0, 500.0, 300.0), (300.0, 300.0));
        assert_eq!(of(300.0, 500.0, 500.0), (500.0, 500.0));
        let twice = super::of(Counted { net: 500.0, ..counted(500.0, 50.0, 0.0) }, Some(50.0), None).unwrap();
        assert!(twice.stale && twice.unsure == 0.0, "what rolls back may make it look so: {twice:?}");
    }

    #[test]
    fn without_statistics_the_catalog_is_scaled_and_doubted_by_how_far_it_is_off() {
        let lost = |tuples, pages| Counted { counted: false, ..counted(tuples, pages, 7.0) };
        let grown = of(lost(100.0, 10.0), Some(200.0), Some(&needs)).unwrap();
        assert_eq!((grown.live, grown.drift, grown.stale), (2000.0, 0.95, true));
        let same = of(lost(1000.0, 100.0), Some(100.0), Some(&needs)).unwrap();
        assert_eq!((same.live, same.drift), (1000.0, 0.0));
        let shrunk = of(lost(1000.0, 100.0), Some(50.0), Some(&needs)).unwrap();
        assert_eq!((shrunk.live, shrunk.drift), (500.0, 0.5));
        // Analyzed while it was empty, and filled; never analyzed at all.
        assert_eq!(of(lost(0.0, 0.0), Some(50.0), None), None);
        assert_eq!(of(lost(-1.0, 0.0), Some(50.0), None), None);
        // Emptied.
        assert_eq!(of(lost(0.0, 50.0), Some(50.0), None).unwrap().live, 0.0);
    }
}
