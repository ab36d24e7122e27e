//! What `REINDEX` of a B-tree would give back.
//!
//! ```text
//!  page of 8,192 bytes: 24 header, 16 at its end; a build leaves a tenth of it free (`fillfactor` 90)
//!  entry: pointer 4, header 8 (16 with nulls), the key, to a multiple of 8
//!  equal keys, where they may be shared: header, key, then 6 bytes for each row, in lists of at most 808 bytes
//! ```
//! The limits are those of a build (`nbtsort.c`, `nbtree.h`), because a build is what the estimate compares with.

use crate::probes::bloat::estimate::{Error, Estimate, Rows};
use crate::probes::bloat::widths::{Column, Missing, align8, walk};

/// The header of a page and what a B-tree keeps at its end.
const PAGE_OVERHEAD: f64 = 40.0;
/// The pointer to an entry.
const POINTER: f64 = 4.0;
/// The header of an entry without nulls; the bitmap makes it twice that.
const ENTRY_HEADER: f64 = 8.0;
/// A row in a list of equal keys; `ItemPointerData`.
const ROW_POINTER: f64 = 6.0;
/// How full a build makes inner pages, in percent; `BTREE_NONLEAF_FILLFACTOR`.
const INNER_FILL: f64 = 70.0;
/// Rows to a key below which nothing is gained by sharing it.
const WORTH_SHARING: f64 = 2.0;
/// Rows to a key above which the size no longer depends on how many keys there are.
const WELL_SHARED: f64 = 50.0;

/// Keys wider than this are compressed.
const COMPRESSED: f64 = 508.0;
/// A sample of a column with more nulls than this may have no two values to correlate.
const MOSTLY_NULL: f64 = 0.99;

/// A B-tree as the estimate needs it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Btree<'a> {
    /// Bytes of its file.
    pub(super) size: u64,
    /// Its columns, those of `INCLUDE` too.
    pub(super) columns: &'a [Column],
    /// The rows it covers.
    pub(super) rows: Rows,
    /// In percent.
    pub(super) fillfactor: f64,
    /// Whether equal keys share an entry: not unique, no `INCLUDE`, not switched off, and equal means the same bytes.
    pub(super) shares: bool,
    /// Whether it covers some of the rows only.
    pub(super) partial: bool,
}

impl Btree<'_> {
    /// How many rows have each key, nulls being a key like others.
    ///
    /// Columns are taken as independent, so that there are rather too many keys, and rather too little comes back.
    fn rows_per_key(&self) -> f64 {
        let rows = self.rows.live;
        let keys = self.columns.iter().filter_map(|column| column.stats.ok()).fold(1.0_f64, |keys, stats| {
            let distinct = if stats.distinct < 0.0 { -stats.distinct * rows } else { stats.distinct };
            (keys * (distinct + if stats.nulls > 0.0 { 1.0 } else { 0.0 }).max(1.0)).min(rows)
        });
        rows / keys.max(1.0)
    }
}

/// Estimates a B-tree.
///
/// # Errors
/// Why its columns have no statistics.
pub(super) fn estimate(tree: &Btree<'_>, block: f64) -> Result<Estimate, Missing> {
    // No rows need no widths: `ANALYZE` notes none of an empty table.
    let width = match walk(tree.columns) {
        Err(Missing::NeverAnalyzed) if tree.rows.most() <= 0.0 => walk(&[])?,
        known => known?,
    };
    let key = ENTRY_HEADER * (1.0 + width.with_nulls) + align8(width.bytes);
    let rounding = width.rounding(width.bytes) / (key + POINTER);
    let per_key = tree.rows_per_key();
    let shares = tree.shares && per_key >= WORTH_SHARING;
    let leaves = |rows: f64| {
        let room = block - PAGE_OVERHEAD - block * (100.0 - tree.fillfactor) / 100.0;
        if shares {
            (rows / per_key * shared(key, per_key, block) / room).ceil()
        } else {
            (rows / (room / (key + POINTER)).floor().max(1.0)).ceil()
        }
    };
    let needs = |rows: f64| (1.0 + with_inner(leaves(rows), key, block)) * block;
    let guessed = tree.partial || (shares && (per_key < WELL_SHARED || tree.columns.len() > 1));
    let error = if guessed {
        Error::doubtful(rounding)
    } else {
        Error::of_widths(width.varying / (key + POINTER), rounding, &tree.rows)
    };
    Ok(Estimate::of(tree.size, needs, &tree.rows, error))
}

/// Whether keys are wide enough to be compressed when they go into the index, by nothing that statistics tell. A column with values of
/// more than 1 KiB alone has no correlation, whatever its stored width: `ANALYZE` passes them over. Columns of `INCLUDE` need none.
///
/// Source: `index_form_tuple` (`TOAST_INDEX_TARGET`); `compute_scalar_stats` (`WIDTH_THRESHOLD`).
pub(super) fn are_compressed(columns: &[Column], includes: bool) -> bool {
    let stats = columns.iter().filter(|column| column.len < 0).filter_map(|column| column.stats.ok());
    stats.into_iter().any(|stats| {
        stats.width > COMPRESSED || (!includes && stats.correlation.is_none() && stats.nulls < MOSTLY_NULL)
    })
}

/// Bytes of all entries of one key that so many rows have.
fn shared(key: f64, rows: f64, block: f64) -> f64 {
    let longest = (block / 10.0 / 8.0).floor() * 8.0 - POINTER;
    let longest = (longest / 8.0).floor() * 8.0;
    let each = ((longest - key) / ROW_POINTER).floor().max(1.0);
    let list = |rows: f64| if rows > 1.0 { align8(key + rows * ROW_POINTER) } else { key } + POINTER;
    let whole = (rows / each).floor();
    let rest = rows - whole * each;
    whole * list(each) + if rest > 0.0 { list(rest) } else { 0.0 }
}

/// The pages of all levels.
fn with_inner(leaves: f64, key: f64, block: f64) -> f64 {
    let room = block - PAGE_OVERHEAD - block * (100.0 - INNER_FILL) / 100.0;
    let fan = (room / (key + POINTER)).floor().max(2.0);
    let (mut all, mut level) = (leaves, leaves);
    while level > 1.0 {
        level = (level / fan).ceil();
        all += level;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bloat::widths::{Align, Stats};

    const BLOCK: f64 = 8192.0;
    const ROWS: f64 = 300_000.0;

    fn column(len: i16, align: Align, width: f64, nulls: f64, distinct: f64) -> Column {
        let stats = Stats { width, nulls, distinct, correlation: None };
        Column { len, align, dropped: false, required: false, stats: Ok(stats) }
    }

    fn tree(columns: &[Column], pages: u64, shares: bool) -> Btree<'_> {
        let rows = Rows::exactly(ROWS);
        Btree { size: pages * 8192, columns, rows, fillfactor: 90.0, shares, partial: false }
    }

    fn int(nulls: f64, distinct: f64) -> Column {
        column(4, Align::Int, 4.0, nulls, distinct)
    }

    /// Pages of indexes that PostgreSQL 15 built over 300,000 rows, with how close the model must come, in pages.
    #[test]
    fn a_fresh_index_has_the_pages_that_a_build_gives_it() {
        let cases = [
            ("unique bigint", column(8, Align::Double, 8.0, 0.0, -1.0), false, 825, 1.0),
            ("numeric, 100 values, never shared", column(-1, Align::Int, 5.0, 0.0, 100.0), false, 827, 3.0),
            ("uuid", column(16, Align::Char, 16.0, 0.0, -1.0), true, 1158, 2.0),
            ("int, 100 values", int(0.0, 100.0), true, 260, 6.0),
            ("int, 10 rows each", int(0.0, 30_000.0), true, 349, 3.0),
            ("int, 2 rows each", int(0.0, -0.5), true, 744, 4.0),
            ("int, 3 rows each", int(0.0, 100_000.0), true, 604, 3.0),
            ("md5, 1,000 values", column(-1, Align::Int, 33.0, 0.0, 1000.0), true, 278, 7.0),
        ];
        for (what, column, shares, pages, within) in cases {
            let columns = [column];
            // Twice the pages, so that a model above the truth shows too.
            let seen = estimate(&tree(&columns, pages * 2, shares), BLOCK).unwrap();
            #[allow(clippy::cast_precision_loss)]
            let off = seen.bytes.unwrap() as f64 / 8192.0 - pages as f64;
            assert!(off.abs() <= within, "{what}: off by {off}");
        }
    }

    #[test]
    fn two_columns_are_walked_and_their_pairs_counted() {
        let columns = [column(8, Align::Double, 8.0, 0.0, -1.0), column(-1, Align::Int, 33.0, 0.0, 1000.0)];
        let seen = estimate(&tree(&columns, 2471 * 2, true), BLOCK).unwrap();
        #[allow(clippy::cast_precision_loss)]
        let off = seen.bytes.unwrap() as f64 / 8192.0 - 2471.0;
        assert!(off.abs() <= 20.0, "off by {off}");
    }

    #[test]
    fn what_is_guessed_has_a_longer_error_bar() {
        let columns = [int(0.0, -1.0)];
        let sure = estimate(&tree(&columns, 1650, false), BLOCK).unwrap();
        assert_eq!(sure.error_ratio(), Some(0.02));
        let partial = Btree { partial: true, ..tree(&columns, 1650, false) };
        assert_eq!(estimate(&partial, BLOCK).unwrap().error_ratio(), Some(0.10));
        let stale = Rows { stale: true, ..tree(&columns, 1, false).rows };
        let stale = Btree { rows: stale, ..tree(&columns, 1650, false) };
        assert_eq!(estimate(&stale, BLOCK).unwrap().error_ratio(), Some(0.10));
        let pairs = [int(0.0, 30_000.0)];
        assert_eq!(estimate(&tree(&pairs, 700, true), BLOCK).unwrap().error_ratio(), Some(0.10));
    }

    #[test]
    fn an_index_smaller_than_its_model_gives_nothing_back_and_says_that_the_model_is_off() {
        let columns = [int(0.0, -1.0)];
        let seen = estimate(&tree(&columns, 412, false), BLOCK).unwrap();
        assert_eq!(seen.bytes, Some(0));
        assert!(seen.error_ratio().unwrap() > 0.9 && seen.is_useless());
    }

    #[test]
    fn an_empty_index_is_its_first_page() {
        let columns = [int(0.0, -1.0)];
        let mut empty = tree(&columns, 1000, false);
        empty.rows.live = 0.0;
        assert_eq!(estimate(&empty, BLOCK).unwrap().bytes, Some(999 * 8192));
    }

    #[test]
    fn keys_that_a_build_compresses_are_recognised() {
        let keys = |column: Column, includes| are_compressed(&[int(0.0, -1.0), column], includes);
        let text = |width| column(-1, Align::Int, width, 0.0, -1.0);
        let ordered =
            |column: Column| Column { stats: column.stats.map(|it| Stats { correlation: Some(0.1), ..it }), ..column };
        assert!(!keys(ordered(text(40.0)), false) && keys(ordered(text(600.0)), false));
        // Too wide for `ANALYZE` to look at, it lies in a TOAST table, and its pointer is short.
        assert!(keys(text(18.0), false) && !keys(text(18.0), true));
        assert!(!keys(column(-1, Align::Int, 18.0, 1.0, 0.0), false), "nothing but nulls");
        assert!(!keys(int(0.0, -1.0), false), "numbers are never compressed");
    }

    #[test]
    fn hidden_statistics_are_no_estimate() {
        let hidden = [Column { stats: Err(Missing::Denied), ..int(0.0, 1.0) }];
        assert_eq!(estimate(&tree(&hidden, 1000, false), BLOCK), Err(Missing::Denied));
    }
}
