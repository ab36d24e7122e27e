//! How wide a row is by the statistics of its columns, with the padding between them.
//!
//! A column begins at the next multiple of its alignment; a short value of variable length begins anywhere
//! (PostgreSQL manual, "Database Page Layout"). Averages stand for every row, which is the doubt that [`Width`] also counts.

/// A value of variable length that is shorter than this needs no alignment: its header is one byte.
const SHORT: f64 = 127.0;

/// What a column's values must be a multiple of; `pg_attribute.attalign`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// `c`: any place.
    Char,
    /// `s`: two bytes.
    Short,
    /// `i`: four bytes.
    Int,
    /// `d`: eight bytes, as on every 64-bit machine.
    Double,
}

impl Align {
    /// Reads the letter of the catalog; an unknown one counts as the widest.
    pub(super) fn from_letter(letter: u8) -> Self {
        match letter {
            b'c' => Self::Char,
            b's' => Self::Short,
            b'i' => Self::Int,
            _ => Self::Double,
        }
    }

    fn bytes(self) -> f64 {
        match self {
            Self::Char => 1.0,
            Self::Short => 2.0,
            Self::Int => 4.0,
            Self::Double => 8.0,
        }
    }
}

/// What `ANALYZE` noted of a column; `pg_stats`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stats {
    /// Average stored bytes of the values that are not null.
    pub(super) width: f64,
    /// The share of nulls, 0 to 1.
    pub(super) nulls: f64,
    /// How many values differ; negative: as a share of the rows.
    pub(super) distinct: f64,
    /// How far the order of the values is that of the rows, -1 to 1.
    pub(super) correlation: Option<f64>,
}

/// Why a column has no statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Missing {
    /// `ANALYZE` has not seen it.
    NeverAnalyzed,
    /// `ANALYZE` passes it over: its statistics target is 0.
    Off,
    /// The role may not read the column, so the server hides its statistics.
    Denied,
    /// Row security hides them.
    RowSecurity,
}

/// One column of a table or an index, in the order of the row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Column {
    /// The fixed length; negative for variable lengths. `pg_attribute.attlen`
    pub(super) len: i16,
    /// Where a value may begin.
    pub(super) align: Align,
    /// Dropped columns keep their place, and are null in every new row.
    pub(super) dropped: bool,
    /// Whether it is never null.
    pub(super) required: bool,
    /// The statistics, or why there are none.
    pub(super) stats: Result<Stats, Missing>,
}

/// The average width of a row's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Width {
    /// Bytes of the values with the padding between them, before the row's own alignment.
    pub(super) bytes: f64,
    /// Those of columns whose width differs from row to row: variable lengths and columns with nulls.
    pub(super) varying: f64,
    /// The share of rows that have at least one null, were the columns independent.
    pub(super) with_nulls: f64,
    /// Whether a column has a variable length.
    pub(super) variable: bool,
}

impl Width {
    /// By how many bytes the end of a row of this width is off where widths differ from row to row: rows end at multiples of eight
    /// each by itself, four bytes beyond their mean width on average, while the mean itself is cut off to a whole number of bytes.
    pub(super) fn rounding(&self, bytes: f64) -> f64 {
        if self.variable { (align8(bytes) - (bytes + 4.0)).abs() } else { 0.0 }
    }
}

/// The next multiple of eight, which a row and an index entry end at.
pub(super) fn align8(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

/// Walks the columns in order and adds up their average widths.
///
/// # Errors
/// The first reason for which a column has no statistics; a hidden one before one that `ANALYZE` would mend.
pub(super) fn walk(columns: &[Column]) -> Result<Width, Missing> {
    if let Some(why) = columns.iter().filter(|column| !column.dropped).filter_map(|column| column.stats.err()).max() {
        return Err(why);
    }
    let mut width = Width { bytes: 0.0, varying: 0.0, with_nulls: 0.0, variable: false };
    let mut without = 1.0;
    for column in columns {
        let Ok(stats) = column.stats else {
            without = 0.0;
            continue;
        };
        if column.dropped {
            without = 0.0;
            continue;
        }
        let present = 1.0 - stats.nulls;
        let variable = column.len < 0;
        width.variable |= variable && present > 0.0;
        let align = if variable && stats.width < SHORT { 1.0 } else { column.align.bytes() };
        let begins = (width.bytes / align).ceil() * align;
        let each = if variable { stats.width } else { f64::from(column.len) };
        let grows = (begins - width.bytes + each) * present;
        width.bytes += grows;
        if variable || stats.nulls > 0.0 {
            width.varying += grows;
        }
        without *= present;
    }
    width.with_nulls = 1.0 - without;
    Ok(width)
}

/// Columns of which `ANALYZE` has not seen some, because they were added or had another type before: these as narrow as they can be, and
/// as wide, where there is a bound. `None` where it has seen all of them, or none.
pub(super) fn bounds(columns: &[Column]) -> Option<(Vec<Column>, Option<Vec<Column>>)> {
    let is_unseen = |column: &Column| !column.dropped && column.stats == Err(Missing::NeverAnalyzed);
    if !columns.iter().any(is_unseen) || !columns.iter().any(|column| !column.dropped && column.stats.is_ok()) {
        return None;
    }
    let taken = |nulls: f64| {
        let replaced = move |column: &Column| {
            let stats = Stats { width: f64::from(column.len.max(0)), nulls, distinct: 0.0, correlation: None };
            if is_unseen(column) { Column { stats: Ok(stats), ..*column } } else { *column }
        };
        columns.iter().map(replaced)
    };
    let bounded = columns.iter().filter(|column| is_unseen(column)).all(|column| column.len >= 0);
    let narrow =
        taken(1.0).zip(taken(0.0)).map(|(null, there)| if null.required && null.len >= 0 { there } else { null });
    Some((narrow.collect(), bounded.then(|| taken(0.0).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(len: i16) -> Column {
        let align = match len {
            1 => Align::Char,
            2 => Align::Short,
            4 => Align::Int,
            _ => Align::Double,
        };
        let stats = Stats { width: f64::from(len), nulls: 0.0, distinct: -1.0, correlation: None };
        Column { len, align, dropped: false, required: false, stats: Ok(stats) }
    }

    fn text(width: f64, nulls: f64) -> Column {
        let stats = Stats { width, nulls, distinct: -1.0, correlation: None };
        Column { len: -1, align: Align::Int, dropped: false, required: false, stats: Ok(stats) }
    }

    fn bytes(columns: &[Column]) -> f64 {
        walk(columns).unwrap().bytes
    }

    #[test]
    fn padding_depends_on_the_order() {
        // bool at 0, bigint at 8, bool at 16, bigint at 24.
        assert!((bytes(&[fixed(1), fixed(8), fixed(1), fixed(8)]) - 32.0).abs() < 1e-9);
        assert!((bytes(&[fixed(8), fixed(8), fixed(1), fixed(1)]) - 18.0).abs() < 1e-9);
        // smallint at 0, int at 4, bool at 8, smallint at 10.
        assert!((bytes(&[fixed(2), fixed(4), fixed(1), fixed(2)]) - 12.0).abs() < 1e-9);
    }

    #[test]
    fn a_short_text_begins_anywhere_and_a_long_one_at_four() {
        assert!((bytes(&[fixed(1), text(11.0, 0.0)]) - 12.0).abs() < 1e-9);
        assert!((bytes(&[fixed(1), text(126.0, 0.0)]) - 127.0).abs() < 1e-9);
        assert!((bytes(&[fixed(1), text(127.0, 0.0)]) - 131.0).abs() < 1e-9);
        // bigint after 11 bytes of text begins at 16.
        assert!((bytes(&[text(11.0, 0.0), fixed(8)]) - 24.0).abs() < 1e-9);
    }

    #[test]
    fn nulls_take_no_place_and_are_counted() {
        let width = walk(&[fixed(8), text(40.0, 0.25), text(10.0, 0.5)]).unwrap();
        assert!((width.bytes - (8.0 + 30.0 + 5.0)).abs() < 1e-9);
        assert!((width.varying - 35.0).abs() < 1e-9);
        assert!((width.with_nulls - (1.0 - 0.75 * 0.5)).abs() < 1e-9);
        let all_null = Column { stats: text(8.0, 1.0).stats, ..fixed(8) };
        assert!((bytes(&[fixed(1), all_null]) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_dropped_column_is_null_in_every_row_and_needs_no_statistics() {
        let dropped = Column { dropped: true, stats: Err(Missing::Denied), ..fixed(8) };
        let width = walk(&[fixed(4), dropped, fixed(4)]).unwrap();
        assert!((width.bytes - 8.0).abs() < 1e-9);
        assert!((width.with_nulls - 1.0).abs() < 1e-9);
    }

    #[test]
    fn rows_of_varying_width_are_in_doubt_by_where_their_mean_lies_between_multiples_of_eight() {
        let off = |columns: &[Column], bytes| walk(columns).unwrap().rounding(bytes);
        assert!(off(&[fixed(8)], 32.0) < 1e-9, "nothing varies");
        for (bytes, expected) in [(32.0, 4.0), (36.0, 0.0), (33.0, 3.0), (39.0, 3.0)] {
            assert!((off(&[fixed(4), text(12.0, 0.0)], bytes) - expected).abs() < 1e-9, "{bytes}");
        }
    }

    #[test]
    fn a_column_that_analyze_has_not_seen_is_null_in_every_row_or_in_none() {
        let unseen = |column: Column| Column { stats: Err(Missing::NeverAnalyzed), ..column };
        assert_eq!(bounds(&[fixed(4), fixed(8)]), None);
        assert_eq!(
            bounds(&[unseen(fixed(4)), Column { dropped: true, ..fixed(8) }]),
            None,
            "others must have been seen"
        );
        let (narrow, wide) = bounds(&[fixed(4), unseen(fixed(8))]).unwrap();
        assert!((bytes(&narrow) - 4.0).abs() < 1e-9 && (bytes(&wide.unwrap()) - 16.0).abs() < 1e-9);
        let required = Column { required: true, ..unseen(fixed(8)) };
        assert!((bytes(&bounds(&[fixed(4), required]).unwrap().0) - 16.0).abs() < 1e-9);
        // A text has no bound, whether it may be null or not.
        for required in [false, true] {
            let (narrow, wide) = bounds(&[fixed(4), Column { required, ..unseen(text(9.0, 0.0)) }]).unwrap();
            assert!((bytes(&narrow) - 4.0).abs() < 1e-9 && wide.is_none());
        }
        let denied = Column { stats: Err(Missing::Denied), ..fixed(4) };
        let (narrow, _) = bounds(&[fixed(4), unseen(fixed(8)), denied]).unwrap();
        assert_eq!(walk(&narrow), Err(Missing::Denied), "what is hidden stays unknown");
    }

    #[test]
    fn one_column_without_statistics_is_enough_to_know_nothing() {
        let never = Column { stats: Err(Missing::NeverAnalyzed), ..fixed(4) };
        let denied = Column { stats: Err(Missing::Denied), ..fixed(4) };
        let off = Column { stats: Err(Missing::Off), ..fixed(4) };
        assert_eq!(walk(&[fixed(4), never]), Err(Missing::NeverAnalyzed));
        assert_eq!(walk(&[never, off]), Err(Missing::Off), "ANALYZE alone does not help");
        assert_eq!(walk(&[never, denied]), Err(Missing::Denied));
        assert!((bytes(&[])).abs() < 1e-9);
    }
}
