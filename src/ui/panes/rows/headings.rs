//! The headings of the columns of a pane of rows; the one that the rows are sorted by says which way.
//!
//! ```text
//!    verdict  name                size▼ bloat error remedy  state                              read
//!  ▲  warn     public.audit_logs  12 GiB  48 %    ±3  vacuum  last vacuum 41 d ago               2 m
//! ```

use super::{Shape, WORD, columns};
use crate::app::panes::rows::{RowList, Sort};
use crate::config::theme::Role;
use crate::domain::Section;
use crate::ui::pen::Pen;
use crate::ui::text::Strip;

/// One line of headings, each where its column is.
pub(super) fn strip(pen: Pen<'_>, list: &RowList, shape: Shape) -> Strip {
    let (section, style) = (list.section(), pen.style(Role::UiMuted));
    let falls = list.sort().falls(section) != list.is_reversed();
    let arrow = if falls { pen.glyph("▼", "v") } else { pen.glyph("▲", "^") };
    let mark = |heading: &str, sort: Option<Sort>| {
        let here = sort == Some(list.sort());
        // A letter for an arrow would read as one of the word.
        let plain = pen.glyph("u", "a") == "a";
        match (here, plain && !heading.is_empty()) {
            (false, _) => heading.to_owned(),
            (true, false) => format!("{heading}{arrow}"),
            (true, true) => heading.to_uppercase(),
        }
    };
    let mut strip = Strip::new().gap(1);
    if shape.word >= WORD {
        strip = strip.to(4).put_within(WORD, style, mark("verdict", Some(Sort::Verdict)));
    }
    strip = strip.to(shape.start());
    let start = strip.width();
    let name = if shape.word < WORD && list.sort() == Sort::Verdict {
        // The verdicts have no heading of their own here: the name's says what the rows are sorted by.
        let verdict = mark("verdict", Some(Sort::Verdict));
        let ways = [format!("name, by {verdict}"), format!("by {verdict}"), verdict];
        let fits = ways.iter().position(|way| way.chars().count() <= shape.name).unwrap_or(2);
        ways.into_iter().nth(fits).unwrap_or_default()
    } else {
        mark("name", Some(Sort::Name))
    };
    strip = strip.put_within(shape.name, style, name).to(start + shape.name + 2);
    let rest = match section {
        Section::Backups => mark("age and state", Some(Sort::Figure)),
        // What can be had back has no column of its own: the state tells it.
        Section::Bloat if list.sort() == Sort::Figure => mark("state, by reclaimable", Some(Sort::Figure)),
        _ => "state".to_owned(),
    };
    let parts = columns::headings(section, shape.lean, |column| mark(column.heading, column.sort), rest);
    strip = columns::put_in(strip, parts, (style, style), (shape.end(), shape.apart()));
    if shape.age {
        strip = strip.right(shape.end() + 6, style, mark("read", Some(Sort::Age)));
    }
    if shape.source > 0 {
        strip = strip.to(shape.end() + 8).put(style, "source");
    }
    strip
}
