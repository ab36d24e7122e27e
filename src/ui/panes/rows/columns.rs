//! The figures of a row that stand in columns; what the row says beside them follows.
//!
//! ```text
//! Backups       database           31 h old · limit 24 h    4.2 GiB
//! Certificates  api.novacron.io   9 d  served ≠ file      R11
//! Bloat         public.audit_logs  12 GiB   48 %    ±3  vacuum
//! ```

use super::text_role;
use crate::app::panes::rows::Sort;
use crate::config::theme::Role;
use crate::domain::{Clean, Fact, Observation, Row, Section, Wall, quantity};
use crate::ui::pen::Pen;
use crate::ui::text::{self, Piece, Strip};
use ratatui::style::Style;

/// What the parts of a detail stand apart by.
const APART: &str = " · ";
/// Below this width, columns stand closer together.
const NARROW: usize = 70;
/// The fewest columns in which what the row says beside its figures is begun.
const LEAST: usize = 10;
/// What an index is called behind its name.
const INDEX: &str = " (index)";

/// The figures of a row in its columns, and what is left of what it says.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Each in its column; the one that the verdict is about has its colour.
    figures: Vec<(Width, String, bool)>,
    rest: String,
    /// How many columns of it must be read: all but what could be done.
    must: usize,
}

/// How wide a column is, and where its text stands.
#[derive(Clone, Copy, Debug)]
enum Width {
    /// At its left edge.
    Left(usize),
    /// At its right edge.
    Right(usize),
    /// At the right edge of the pane, behind what the row says.
    Last(usize),
}

impl Width {
    fn columns(self) -> usize {
        match self {
            Self::Left(columns) | Self::Right(columns) | Self::Last(columns) => columns,
        }
    }
}

/// A column of figures.
pub(super) struct Column {
    width: Width,
    /// Its heading.
    pub(super) heading: &'static str,
    /// What sorts by it; none where nothing does.
    pub(super) sort: Option<Sort>,
    /// Whether it gives way to the word of the verdict where room is short.
    yields: bool,
}

const fn column(width: Width, heading: &'static str, sort: Option<Sort>) -> Column {
    Column { width, heading, sort, yields: false }
}

/// The columns of figures of a section, from left to right.
pub(super) fn columns(section: Section) -> &'static [Column] {
    const BACKUPS: &[Column] = &[column(Width::Last(8), "size", Some(Sort::Size))];
    const CERTIFICATES: &[Column] =
        &[column(Width::Right(6), "days", Some(Sort::Figure)), column(Width::Last(8), "issuer", Some(Sort::Word))];
    const BLOAT: &[Column] = &[
        column(Width::Right(7), "size", Some(Sort::Size)),
        column(Width::Right(6), "bloat", Some(Sort::Share)),
        Column { yields: true, ..column(Width::Right(5), "error", None) },
        column(Width::Left(7), "remedy", Some(Sort::Word)),
    ];
    match section {
        Section::Health => &[],
        Section::Backups => BACKUPS,
        Section::Certificates => CERTIFICATES,
        Section::Bloat => BLOAT,
    }
}

/// Headings in the columns of the figures, and one over the rest.
pub(super) fn headings(section: Section, lean: bool, describe: impl Fn(&Column) -> String, rest: String) -> Parts {
    let figures = columns(section).iter().filter(|column| !(lean && column.yields)).map(|column| {
        let (columns, text) = (column.width.columns(), describe(column));
        // What marks the column stays, whatever must go.
        let mark: String = text.chars().skip(column.heading.chars().count()).collect();
        let room = columns.saturating_sub(mark.chars().count());
        let heading: String = text.chars().take(column.heading.chars().count().min(room)).collect();
        (column.width, format!("{heading}{mark}"), false)
    });
    Parts { figures: figures.collect(), rest, must: 0 }
}

/// The figures of a row with a good reading, in all columns or in those that never give way; `None` where it has none.
pub(super) fn of(row: &Row, now: Wall, lean: bool) -> Option<Parts> {
    let seen = row.observation.as_ref().filter(|_| row.lost.is_none() && !row.is_stale(now))?;
    let real = |name: &str| number(seen.facts.get(name)?);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Bytes, and not below zero.
    let bytes = |name: &str| real(name).filter(|bytes| *bytes >= 0.0).map(|bytes| quantity::bytes(bytes as u64));
    let word = |name: &str| match seen.facts.get(name)? {
        Fact::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let section = row.kind.section();
    let facts = match section {
        Section::Health => return None,
        Section::Backups => vec![(bytes("size_bytes")?, false)],
        Section::Certificates => {
            // What does not hold, or not yet, is said in a sentence: days that are left would tell of something better.
            let days = real("days_left").filter(|days| *days >= 0.0 && !is_later(seen, "not_before"))?;
            let issuer = word("issuer").map(|issuer| common_name(&issuer)).unwrap_or_default();
            vec![(format!("{} d", days.floor()), true), (issuer, false)]
        }
        Section::Bloat => vec![
            (bytes("size_bytes")?, false),
            (real("bloat_ratio").map(quantity::percent).unwrap_or_default(), true),
            (error_bar(real("error_ratio")), false),
            (word("remedy").unwrap_or_default(), false),
        ],
    };
    let describe = |part: &&str| !facts.iter().any(|(figure, _)| same(part, figure));
    let rest: Vec<&str> = seen.detail.split(APART).filter(describe).collect();
    let rest = rest.join(APART);
    let must = Clean::text(&rest).width();
    let rest = row.with_remedy(&rest);
    let kept = columns(section).iter().zip(facts).filter(|(column, _)| !(lean && column.yields));
    let mut figures: Vec<_> = kept.map(|(column, (text, own))| (column.width, text, own)).collect();
    // Where the last columns are empty, the rest begins in them.
    while figures.last().is_some_and(|(width, figure, _)| !matches!(width, Width::Last(_)) && figure.is_empty()) {
        figures.pop();
    }
    Some(Parts { figures, rest, must })
}

impl Parts {
    /// Up to which column the figures and what must be read beside them go from one on, and the same with all of the rest; without what
    /// gives way to them.
    pub(super) fn reach(&self, start: usize, apart: usize) -> (usize, usize) {
        let placed = self.figures.iter().filter(|(width, ..)| !matches!(width, Width::Last(_)));
        let figures: usize = placed.map(|(width, ..)| width.columns() + apart + before(*width, apart)).sum();
        (start + figures + self.must, start + figures + Clean::text(&self.rest).width())
    }

    /// What is said beside the figures, where none of these is what the verdict is about.
    pub(super) fn sentence(&self) -> Option<&str> {
        let judged = self.figures.iter().any(|(_, figure, own)| *own && !figure.is_empty());
        Some(self.rest.as_str()).filter(|rest| !judged && !rest.is_empty())
    }
}

/// The blanks before a column beside those behind the one before it.
fn before(width: Width, apart: usize) -> usize {
    usize::from(matches!(width, Width::Left(_)) && apart == 1)
}

/// Whether a part of the detail says no more than a column: `9 d left` beside `9 d`.
fn same(part: &str, figure: &str) -> bool {
    let more = part.trim().strip_prefix(figure);
    !figure.is_empty() && more.is_some_and(|more| matches!(more, "" | " left" | " bloat" | " bloated"))
}

/// Whether a moment of a reading lies behind the reading itself.
fn is_later(seen: &Observation, name: &str) -> bool {
    match seen.facts.get(name) {
        Some(Fact::Text(moment)) => moment.parse().is_ok_and(|moment| Wall(moment) > seen.observed_at),
        _ => false,
    }
}

fn number(fact: &Fact) -> Option<f64> {
    match fact {
        #[allow(clippy::cast_precision_loss)] // A figure for the screen.
        Fact::Int(number) => Some(*number as f64),
        Fact::Real(figure) if figure.is_finite() => Some(*figure),
        _ => None,
    }
}

/// `±3`, in points of the share before it; `exact` where nothing is estimated.
fn error_bar(ratio: Option<f64>) -> String {
    match ratio {
        None => String::new(),
        Some(ratio) if ratio <= 0.0 => "exact".to_owned(),
        Some(ratio) => format!("±{}", (ratio * 100.0).ceil()),
    }
}

/// The common name of a distinguished name (RFC 4514), else all of it: `R11` of `CN=R11,O=Let's Encrypt,C=US`.
fn common_name(name: &str) -> String {
    let mut escaped = false;
    let ends = |letter: char| {
        let is_end = matches!(letter, ',' | '+') && !escaped;
        escaped = letter == '\\' && !escaped;
        is_end
    };
    let found = name.split(ends).find_map(|part| part.trim_start().strip_prefix("CN="));
    found.map_or_else(|| name.to_owned(), unescaped)
}

/// The text of a value without its escapes: `Acme\, Inc`; one in hex stays as it is written.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\\' && letters.peek().is_some_and(|next| !next.is_ascii_hexdigit()) {
            text.extend(letters.next());
        } else {
            text.push(letter);
        }
    }
    text
}

/// The columns that what stands behind a name has at the least.
pub(super) fn least(section: Section) -> usize {
    match section {
        Section::Health => 30,
        Section::Bloat => 31,
        Section::Certificates => 28,
        Section::Backups => 40,
    }
}

/// The same beside the word of the verdict: what gives way to that is left out.
pub(super) fn least_beside_word(section: Section) -> usize {
    match section {
        Section::Health | Section::Certificates => 22,
        Section::Bloat => 23,
        Section::Backups => 28,
    }
}

/// The columns that [`suffix`] may take.
pub(super) fn tag(section: Section) -> usize {
    if section == Section::Bloat { INDEX.len() } else { 0 }
}

/// What stands behind the name: that it is an index, where tables stand beside it.
pub(super) fn suffix(row: &Row) -> &'static str {
    let kind = row.observation.as_ref().and_then(|seen| seen.facts.get("kind"));
    match kind {
        Some(Fact::Text(kind)) if kind == "index" && row.kind.section() == Section::Bloat => INDEX,
        _ => "",
    }
}

/// The same where room is short.
pub(super) fn short(suffix: &'static str) -> &'static str {
    if suffix == INDEX { " idx" } else { suffix }
}

/// The blanks between two columns of a row that ends at one.
pub(super) fn apart(end: usize) -> usize {
    if end < NARROW { 1 } else { 2 }
}

/// Puts the figures and the rest, all of it before a column.
pub(super) fn put(pen: Pen<'_>, strip: Strip, parts: Parts, role: Role, room: (usize, usize)) -> Strip {
    put_in(strip, parts, (pen.style(text_role(role)), pen.style(Role::UiText)), room)
}

/// The same in the style of what the verdict is about, and in that of all else; so many blanks apart.
pub(super) fn put_in(
    mut strip: Strip,
    parts: Parts,
    (style, plain): (Style, Style),
    (end, apart): (usize, usize),
) -> Strip {
    let mut last = None;
    let rest = parts.rest;
    let rest_width = Clean::text(&rest).width();
    let count = parts.figures.len();
    for (place, (width, figure, own)) in parts.figures.into_iter().enumerate() {
        let style = if own { style } else { plain };
        let (columns, right) = match width {
            Width::Left(columns) => (columns, false),
            Width::Right(columns) => (columns, true),
            Width::Last(columns) => {
                last = Some((columns, Piece::from(figure)));
                continue;
            }
        };
        let before = before(width, apart);
        if strip.width() + before + columns > end {
            return strip;
        }
        let figure = Piece::from(figure);
        // The last one takes what the rest leaves.
        let behind = if rest.is_empty() { 0 } else { rest_width + apart };
        let spare = end.saturating_sub(strip.width() + before + behind);
        let columns = if right || place + 1 < count { columns } else { columns.max(spare.min(figure.width())) };
        let figure = figure.cut(columns);
        let blanks = columns - figure.width();
        strip = strip.gap(before + if right { blanks } else { 0 }).put(style, figure);
        strip = strip.gap(apart + if right { 0 } else { blanks });
    }
    // What the row says is worth more than the figure at its end; that has all the room that it leaves.
    let left = end.saturating_sub(strip.width());
    let last = last.filter(|(columns, figure)| rest_width + 1 + figure.width().min(*columns) <= left);
    let last = last.map(|(columns, figure)| figure.cut(columns.max(left.saturating_sub(rest_width + 2))));
    let room = left.saturating_sub(last.as_ref().map_or(0, |figure| figure.width() + 1));
    // A few letters of a sentence say nothing.
    let strip = if room < LEAST { strip } else { strip.put(style, text::fitted(&rest, room)) };
    match last {
        Some(figure) => strip.right(end, plain, figure),
        None => strip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_column_is_not_said_twice() {
        assert!(same("9 d left", "9 d") && same("4.2 GiB", "4.2 GiB"));
        assert!(!same("9 days", "9 d") && !same("served", "") && !same("expired 9 d ago", "9 d"));
    }

    #[test]
    fn an_issuer_is_called_by_its_common_name() {
        assert_eq!(common_name("CN=R11, O=Let's Encrypt, C=US"), "R11");
        assert_eq!(common_name("O=Novacron"), "O=Novacron");
        assert_eq!(common_name("O=Sue\\, Grabbit,CN=L. Eagle\\, CN=bank.example+OU=x"), "L. Eagle, CN=bank.example");
        assert_eq!(common_name("CN=a/b\\\\,O=c"), "a/b\\");
    }

    #[test]
    fn an_error_bar_never_promises_more_than_was_estimated() {
        assert_eq!(error_bar(Some(0.031)), "±4");
        assert_eq!(error_bar(Some(0.0)), "exact");
        assert_eq!(error_bar(None), "");
    }
}
