//! Second persons: who agreed to what, where break-glass was used, and which gates were overridden.

use crate::journal::approval::{Approval, Override};
use crate::journal::fold::RunView;
use crate::journal::report::markdown::{row, safe};
use crate::journal::report::model::{title, when, who};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What is shown in red before all else: the word for it, and who forced what, when and why.
pub(super) fn marks(view: &RunView) -> Vec<(&'static str, String)> {
    let broken = view.approvals.iter().filter_map(|approval| {
        let (at, by, what) = (when(approval.at), who(&approval.by), of(view, approval));
        let reason = approval.break_glass_reason.as_ref()?;
        Some(("BREAK GLASS", format!("{at}, {by} continued without a second person ({what}): {reason}")))
    });
    let passed = view.overrides.iter().map(|passed| {
        let (at, by, step) = (when(passed.at), who(&passed.by), title(view, passed.step));
        let (word, what) =
            if passed.late { ("EMERGENCY", "began") } else { ("OVERRIDE", "led the run past the hard gate of") };
        let time = if passed.late { " although there was no time for it" } else { "" };
        (word, format!("{at}, {by} {what} step {step}{time}: {}", passed.reason))
    });
    broken.chain(passed).collect()
}

/// The section of second persons; nothing where none was needed.
pub(super) fn section(out: &mut String, view: &RunView) {
    for (word, text) in marks(view) {
        let _ = writeln!(out, "\n> **{word}**: {}", safe(&text));
    }
    if view.approvals.is_empty() {
        return;
    }
    out.push_str("\n## Second persons\n\n| when | what | confirmed by | approved by | digest | said |\n|---|---|---|---|---|---|\n");
    for approval in &view.approvals {
        let first = approval.first.as_ref().map_or_else(String::new, |first| safe(&who(first)));
        let (by, message) = match &approval.break_glass_reason {
            Some(reason) => ("no one: break-glass was used".to_owned(), safe(reason)),
            None => (safe(&who(&approval.by)), safe(&approval.note)),
        };
        row(out, &[&when(approval.at), &safe(&of(view, approval)), &first, &by, approval.hash.as_str(), &message]);
    }
}

/// What an approval is of: `the start`, `step 3 (Delete old backups)`.
pub(super) fn of(view: &RunView, approval: &Approval) -> String {
    if approval.start { "the start".to_owned() } else { format!("step {}", title(view, approval.step)) }
}

pub(super) fn approvals_json(view: &RunView) -> Vec<Value> {
    let json = |approval: &Approval| {
        json!({
            "at": approval.at,
            "by": approval.by,
            "step": approval.step,
            "start": approval.start,
            "hash": approval.hash,
            "confirmed": approval.first,
            "note": approval.note,
            "break_glass": approval.break_glass_reason,
        })
    };
    view.approvals.iter().map(json).collect()
}

pub(super) fn overrides_json(view: &RunView) -> Vec<Value> {
    let json = |passed: &Override| json!({ "at": passed.at, "by": passed.by, "step": passed.step, "reason": passed.reason, "late": passed.late });
    view.overrides.iter().map(json).collect()
}
