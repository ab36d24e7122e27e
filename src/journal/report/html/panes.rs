//! Every pane before and after the work, the differences first.

use crate::domain::Verdict;
use crate::domain::quantity::counted;
use crate::journal::reading::{Change, Compared, Reading, RowRead, compare};
use crate::journal::report::Report;
use crate::journal::report::html::page::{Page, text};
use crate::journal::report::model::when;

/// The section.
pub(super) fn section(page: &mut Page, report: &Report) {
    page.section("Before and after");
    match (&report.before, &report.after) {
        (Ok(before), Ok(after)) => both(page, before, after),
        (Ok(only), Err(why)) | (Err(why), Ok(only)) => one_side(page, only, why),
        (Err(why), Err(also)) => {
            page.raw(&format!("<p class=\"soft\">{}; {}.</p>\n", text(why), text(also)));
        }
    }
}

fn both(page: &mut Page, before: &Reading, after: &Reading) {
    page.raw(&format!(
        "<p class=\"soft\">Before: {} at {}. After: {} at {}.</p>\n",
        before.counts().words(),
        when(before.at),
        after.counts().words(),
        when(after.at),
    ));
    for (pane, rows) in compare(before, after) {
        let (different, same): (Vec<&Compared>, Vec<&Compared>) =
            rows.iter().partition(|row| row.change != Change::Same);
        page.raw(&format!("<h3>{}</h3>\n", text(pane.word())));
        if !different.is_empty() {
            page.table(&["", "kind", "name", "before", "after"]);
            for pair in &different {
                pair_row(page, pair);
            }
            page.end_table();
        }
        unchanged(page, &same, different.is_empty());
    }
}

fn pair_row(page: &mut Page, pair: &Compared) {
    let Some(own) = pair.row() else { return };
    let class = match pair.change {
        Change::Worse | Change::Gone => "bad",
        Change::Better => "good",
        Change::New => "odd",
        Change::Other | Change::Same => "soft",
    };
    let side = |row: &Option<RowRead>| row.as_ref().map_or_else(|| "–".to_owned(), cell_text);
    page.raw(&format!(
        "<tr><td class=\"tight {class}\">{}</td><td class=\"tight soft\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        pair.change.word(),
        own.kind.word(),
        name(own),
        side(&pair.before),
        side(&pair.after),
    ));
}

/// What stayed as it was, folded away.
fn unchanged(page: &mut Page, same: &[&Compared], alone: bool) {
    if same.is_empty() {
        return;
    }
    let what = counted(same.len() as u64, "row is", "rows are");
    let what = if alone { format!("Nothing is different: {what} as before") } else { format!("{what} as before") };
    page.raw(&format!("<div class=\"card\"><details><summary>{what}</summary><table class=\"same\"><tbody>\n"));
    for own in same.iter().filter_map(|pair| pair.row()) {
        one_row(page, own);
    }
    page.raw("</tbody></table></details></div>\n");
}

fn one_side(page: &mut Page, only: &Reading, why: &str) {
    page.raw(&format!("<p class=\"odd\">{}. What was read at {}:</p>\n", text(why), when(only.at)));
    page.table(&["kind", "name", "reading"]);
    for own in &only.rows {
        one_row(page, own);
    }
    page.end_table();
}

fn one_row(page: &mut Page, own: &RowRead) {
    page.raw(&format!(
        "<tr><td class=\"tight\">{}</td><td>{}</td><td>{}</td></tr>\n",
        own.kind.word(),
        name(own),
        cell_text(own)
    ));
}

fn name(own: &RowRead) -> String {
    let object = own.object.as_ref().map(|object| format!(" {object}")).unwrap_or_default();
    text(&format!("{}{object}", own.target))
}

/// The verdict as a word in its colour, and its reason.
fn cell_text(own: &RowRead) -> String {
    let class = match own.verdict {
        Verdict::Ok => "good",
        Verdict::Warn | Verdict::Unknown => "odd",
        Verdict::Critical => "bad",
    };
    format!("<span class=\"{class}\">{}</span> {}", own.verdict.word(), text(&own.detail))
}
