//! Second persons on the page, and in red what went on without one.

use super::page::{Page, text};
use crate::journal::fold::RunView;
use crate::journal::report::{approval, model};

/// Shows in red where a reason replaced a second person, or the evidence of a gate.
pub(super) fn alarms(page: &mut Page, view: &RunView) {
    for (word, reason) in approval::marks(view) {
        page.raw(&format!(
            "<div class=\"alarm\" role=\"alert\"><strong>{word}</strong><p>{}</p></div>\n",
            text(&reason)
        ));
    }
}

/// What second persons agreed to.
pub(super) fn approvals(page: &mut Page, view: &RunView) {
    if view.approvals.is_empty() {
        return;
    }
    page.section("Second persons");
    page.raw("<div class=\"card\"><ul class=\"list\">");
    for approval in &view.approvals {
        let (class, manner) = match &approval.break_glass_reason {
            Some(_) => ("bad", "no one approved it: break-glass was used by"),
            None => ("good", "approved by"),
        };
        let (of, at) = (text(&approval::of(view, approval)), text(&approval.at.clock()));
        let (by, hash) = (text(&model::who(&approval.by)), text(approval.hash.as_str()));
        page.raw(&format!(
            "<li class=\"{class}\">{of}: {manner} {by} <span class=\"soft\">{at}, sha256 {hash}</span></li>"
        ));
    }
    page.raw("</ul></div>\n");
}
