//! What a rewrite of a table would give back: the pages it has, less those that its rows need.
//!
//! ```text
//!  page of 8,192 bytes: 24 header, then for each row a pointer of 4 bytes and the row
//!  row: 23 bytes and a bit for each column where one is null, to a multiple of 8; the values; to a multiple of 8
//!  TOAST: four pieces to a page
//! ```

use crate::probes::bloat::count::Count;
use crate::probes::bloat::estimate::{Error, Estimate, Rows};
use crate::probes::bloat::widths::{Column, Missing, align8, bounds, walk};

/// The header of a page; `SizeOfPageHeaderData`.
const PAGE_HEADER: f64 = 24.0;
/// The header of a row without its null bitmap; `SizeofHeapTupleHeader`.
const ROW_HEADER: f64 = 23.0;
/// The pointer to a row; `ItemIdData`.
const POINTER: f64 = 4.0;
/// How many pieces of a value fill a page of a TOAST table; `EXTERN_TUPLES_PER_PAGE`.
const TOAST_PER_PAGE: f64 = 4.0;

/// The TOAST table of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Toast {
    /// Bytes of its file.
    pub(super) size: u64,
    /// How many pieces it holds; `None` where the server has not counted them.
    pub(super) pieces: Option<Count>,
}

/// A table as the estimate needs it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heap<'a> {
    /// Bytes of its file, without TOAST.
    pub(super) size: u64,
    /// Its columns in order, dropped ones included.
    pub(super) columns: &'a [Column],
    /// Its rows.
    pub(super) rows: Rows,
    /// In percent.
    pub(super) fillfactor: f64,
    /// Its TOAST table, if it has one.
    pub(super) toast: Option<Toast>,
}

/// Bytes of one row with its pointer, the share of them that varies, and the share by which its end may be off.
fn row_bytes(columns: &[Column]) -> Result<(f64, f64, f64), Missing> {
    let width = walk(columns)?;
    #[allow(clippy::cast_precision_loss)] // At most 1,600 columns.
    let bitmap = if width.with_nulls > 0.0 { (columns.len() as f64 / 8.0).ceil() } else { 0.0 };
    let values = align8(ROW_HEADER + bitmap) + width.bytes;
    let bytes = align8(values) + POINTER;
    Ok((bytes, width.varying / bytes, width.rounding(values) / bytes))
}

/// The pages that rows of a table need, where its columns have statistics; at least, where some have none.
pub(super) fn needs(columns: &[Column], fillfactor: f64, block: f64) -> Option<impl Fn(f64) -> f64 + use<>> {
    let known = row_bytes(columns).ok().or_else(|| row_bytes(&bounds(columns)?.0).ok());
    let (each, _, _) = known?;
    Some(move |rows: f64| pages(rows, each, fillfactor, block))
}

/// The pages that pieces of a TOAST table need.
pub(super) fn needs_of_pieces(pieces: f64) -> f64 {
    (pieces / TOAST_PER_PAGE).ceil()
}

/// The pages that rows of this width need; at least one row fits on a page, whatever the fill factor.
fn pages(rows: f64, each: f64, fillfactor: f64, block: f64) -> f64 {
    let per_page = ((block - PAGE_HEADER) * fillfactor / 100.0 / each).floor().max(1.0);
    (rows / per_page).ceil()
}

/// Estimates a table, its TOAST table included.
///
/// # Errors
/// Why its columns have no statistics.
pub(super) fn estimate(heap: &Heap<'_>, block: f64) -> Result<Estimate, Missing> {
    let of = |columns: &[Column]| row_bytes(columns).map(|width| of_file(heap, width, block));
    let main = match of(heap.columns) {
        // No rows need no widths: `ANALYZE` notes none of an empty table.
        Err(Missing::NeverAnalyzed) if heap.rows.most() <= 0.0 => of_file(heap, (1.0, 0.0, 0.0), block),
        Err(Missing::NeverAnalyzed) => {
            let (narrow, wide) = bounds(heap.columns).ok_or(Missing::NeverAnalyzed)?;
            let least = wide.map(|wide| of(&wide)).transpose()?;
            of(&narrow)?.or_less(least).ok_or(Missing::NeverAnalyzed)?
        }
        known => known?,
    };
    Ok(match heap.toast.filter(|toast| toast.size > 0) {
        Some(toast) => main.and(&toasted(toast, heap.rows.live, block)),
        None => main,
    })
}

/// Estimates the main file by the width of a row.
fn of_file(heap: &Heap<'_>, (each, varying, rounding): (f64, f64, f64), block: f64) -> Estimate {
    let needs = |rows: f64| pages(rows, each, heap.fillfactor, block) * block;
    Estimate::of(heap.size, needs, &heap.rows, Error::of_widths(varying, rounding, &heap.rows))
}

/// Estimates a TOAST table. Its last pieces are shorter than the others, by nothing that any statistics tell: as many as there are
/// values, so that up to that many more pieces could be given back.
fn toasted(toast: Toast, rows: f64, block: f64) -> Estimate {
    let Some(pieces) = toast.pieces else {
        return Estimate::unknown(toast.size);
    };
    let needs = |pieces: f64| needs_of_pieces(pieces) * block;
    let short = rows.min(pieces.live) / TOAST_PER_PAGE * block;
    let Count { live, unsure, drift, .. } = pieces;
    let rows = Rows { live, unsure, drift, pinned: (0.0, 0.0), stale: false };
    Estimate::of(toast.size, needs, &rows, Error::Bytes(short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bloat::widths::{Align, Stats};

    const BLOCK: f64 = 8192.0;

    fn column(len: i16, align: Align, width: f64) -> Column {
        let stats = Stats { width, nulls: 0.0, distinct: -1.0, correlation: None };
        Column { len, align, dropped: false, required: false, stats: Ok(stats) }
    }

    fn bigint() -> Column {
        column(8, Align::Double, 8.0)
    }

    fn boolean() -> Column {
        column(1, Align::Char, 1.0)
    }

    fn heap(columns: &[Column], size: u64, live: f64) -> Heap<'_> {
        let rows = Rows::exactly(live);
        Heap { size, columns, rows, fillfactor: 100.0, toast: None }
    }

    #[test]
    fn pages_of_alternating_booleans_and_bigints_have_no_bloat() {
        // 24 + 32 + 4 = 60 bytes a row; floor(8168 / 60) = 136 a page; 13,600 rows in 100 pages.
        let columns = [boolean(), bigint(), boolean(), bigint()];
        let seen = estimate(&heap(&columns, 100 * 8192, 13_600.0), BLOCK).unwrap();
        assert_eq!(seen.bytes, Some(0));
        let twice = estimate(&heap(&columns, 200 * 8192, 13_600.0), BLOCK).unwrap();
        assert_eq!((twice.bytes, twice.error_ratio()), (Some(100 * 8192), Some(0.02)));
    }

    #[test]
    fn the_reserve_of_a_fill_factor_is_no_bloat() {
        // 24 + 8 + 4 = 36 a row: 226 a page when full, floor(8168 * 0.7 / 36) = 158 at 70.
        let columns = [bigint()];
        let mut table = heap(&columns, 100 * 8192, 15_800.0);
        assert_eq!(estimate(&table, BLOCK).unwrap().bytes, Some(30 * 8192));
        table.fillfactor = 70.0;
        assert_eq!(estimate(&table, BLOCK).unwrap().bytes, Some(0));
    }

    #[test]
    fn dropped_columns_are_given_back_and_cost_a_bitmap() {
        // Nine columns, eight dropped: a bitmap of 2 bytes makes the header 32. 32 + 8 + 4 = 44 a row, 185 a page.
        let mut columns = vec![Column { dropped: true, ..bigint() }; 8];
        columns.push(bigint());
        let seen = estimate(&heap(&columns, 300 * 8192, 18_500.0), BLOCK).unwrap();
        assert_eq!(seen.bytes, Some(200 * 8192));
    }

    #[test]
    fn a_row_wider_than_a_filled_page_still_gets_a_page() {
        let columns = [column(-1, Align::Int, 7000.0)];
        let mut table = heap(&columns, 10 * 8192, 10.0);
        table.fillfactor = 50.0;
        assert_eq!(estimate(&table, BLOCK).unwrap().bytes, Some(0));
    }

    #[test]
    fn toast_counts_with_its_table_and_doubts_its_last_pieces() {
        let columns = [bigint()];
        // 226 rows in one page; 2,260 pieces in 565 pages, of 1,130.
        let mut table = heap(&columns, 8192, 226.0);
        table.toast = Some(Toast {
            size: 1130 * 8192,
            pieces: Some(Count { live: 2260.0, unsure: 0.0, drift: 0.0, stale: false }),
        });
        let seen = estimate(&table, BLOCK).unwrap();
        assert_eq!((seen.size, seen.bytes), (1131 * 8192, Some(565 * 8192)));
        // 226 values, each with one piece in doubt: 56.5 pages of 1,131, and the row's own two in a hundred.
        let error = seen.error_ratio().unwrap();
        assert!((error - (56.5 + 0.02) / 1131.0).abs() < 1e-6, "{error}");
    }

    #[test]
    fn toast_that_was_never_counted_makes_a_large_table_unknown() {
        let columns = [bigint()];
        let mut table = heap(&columns, 100 * 8192, 11_300.0);
        table.toast = Some(Toast { size: 8192, pieces: None });
        let small = estimate(&table, BLOCK).unwrap();
        assert_eq!(small.bytes, Some(50 * 8192));
        table.toast = Some(Toast { size: 100 * 8192, pieces: None });
        assert_eq!(estimate(&table, BLOCK).unwrap().bytes, None);
    }

    #[test]
    fn an_empty_table_needs_no_statistics() {
        let columns = [Column { stats: Err(Missing::NeverAnalyzed), ..bigint() }];
        assert_eq!(estimate(&heap(&columns, 100 * 8192, 0.0), BLOCK).unwrap().bytes, Some(100 * 8192));
        assert_eq!(estimate(&heap(&columns, 100 * 8192, 1.0), BLOCK), Err(Missing::NeverAnalyzed));
        let hidden = [Column { stats: Err(Missing::Denied), ..bigint() }];
        assert_eq!(estimate(&heap(&hidden, 100 * 8192, 0.0), BLOCK), Err(Missing::Denied));
    }

    #[test]
    fn a_column_that_analyze_has_not_seen_is_doubt_where_the_others_fill_the_file() {
        // 24 + 8 + 4 = 36 a row: 226 a page, 22,600 rows in 100 pages.
        let unseen = |len, align| Column { stats: Err(Missing::NeverAnalyzed), ..column(len, align, 0.0) };
        let note = [bigint(), unseen(-1, Align::Int)];
        let seen = estimate(&heap(&note, 110 * 8192, 22_600.0), BLOCK).unwrap();
        assert_eq!(seen.bytes, Some(5 * 8192), "between 0 and 10 pages");
        assert!((seen.error_ratio().unwrap() - (5.0 / 110.0 + 0.02)).abs() < 1e-9);
        // The text may be what fills the other half.
        assert_eq!(estimate(&heap(&note, 200 * 8192, 22_600.0), BLOCK), Err(Missing::NeverAnalyzed));
        // A number cannot: 44 a row at most, 185 a page, 123 pages.
        let number = [bigint(), unseen(8, Align::Double)];
        let seen = estimate(&heap(&number, 200 * 8192, 22_600.0), BLOCK).unwrap();
        assert_eq!(seen.bytes, Some(177 * 8192 / 2));
        let required = [bigint(), Column { required: true, ..unseen(8, Align::Double) }];
        assert_eq!(estimate(&heap(&required, 200 * 8192, 22_600.0), BLOCK).unwrap().bytes, Some(77 * 8192));
    }

    #[test]
    fn rows_that_may_be_there_and_pages_that_came_since_make_the_error_bar_longer() {
        let columns = [bigint()];
        let mut table = heap(&columns, 100 * 8192, 0.0);
        table.rows.unsure = 11_300.0;
        let between = estimate(&table, BLOCK).unwrap();
        assert_eq!(between.bytes, Some(75 * 8192));
        assert!((between.error_ratio().unwrap() - 0.27).abs() < 1e-9);
        table = heap(&columns, 100 * 8192, 22_600.0);
        table.rows.drift = 0.3;
        assert!((estimate(&table, BLOCK).unwrap().error_ratio().unwrap() - 0.32).abs() < 1e-9);
    }

    #[test]
    fn pinned_rows_are_not_given_back() {
        let columns = [bigint()];
        let mut table = heap(&columns, 200 * 8192, 22_600.0);
        table.rows.pinned = (22_600.0, 22_600.0);
        assert_eq!(estimate(&table, BLOCK).unwrap().bytes, Some(0));
        // Between none and all of them: the middle, with an error bar to both ends.
        table.rows.pinned = (0.0, 22_600.0);
        let between = estimate(&table, BLOCK).unwrap();
        assert_eq!(between.bytes, Some(50 * 8192));
        assert!((between.error_ratio().unwrap() - 0.27).abs() < 1e-9);
    }
}
