//! The items of a checklist, and the appendix with what was seen of each.

use super::identity;
use super::page::{Page, lines, text};
use crate::journal::fold::RunView;
use crate::journal::report::checklist::{details, ground};
use crate::journal::report::model::when;

/// The items, with what closed each.
pub(super) fn items(page: &mut Page, view: &RunView) {
    let items = view.items();
    if items.is_empty() {
        return;
    }
    page.section("Checklist");
    page.table(&["#", "phase", "item", "closed by", "who and when", "on what"]);
    for item in &items {
        let closed = item.state.is_closed();
        let by = item.by.as_ref().filter(|_| closed).map(|by| text(&identity(by))).unwrap_or_default();
        let at = item.at.filter(|_| closed).map(when).unwrap_or_default();
        page.raw(&format!(
            "<tr><td class=\"num\">{}</td><td>{}</td><td>{}</td><td class=\"tight\">{}</td><td>{by}<br><span class=\"soft\">{at}</span></td><td>{}</td></tr>\n",
            u64::from(item.step) + 1,
            text(&item.phase),
            text(&item.title),
            item.standing,
            text(&ground(item)),
        ));
    }
    page.end_table();
}

/// Everything that was seen of the items; nothing where the table has all of it.
pub(super) fn appendix(page: &mut Page, view: &RunView) {
    let all: Vec<_> = view.items().into_iter().filter_map(|item| Some((details(&item)?, item))).collect();
    if all.is_empty() {
        return;
    }
    page.section("Appendix: evidence");
    for (details, item) in all {
        page.raw(&format!("<h3>Item {}: {}</h3>\n", u64::from(item.step) + 1, text(&item.title)));
        page.raw("<div class=\"card\"><dl>");
        for (name, value) in &details {
            page.pair(name, &lines(value));
        }
        page.raw("</dl></div>\n");
    }
}
