//! Second persons: who agreed to what, where the glass was broken, and which gates were overridden. These stay for ever.

use crate::journal::eyes::Approval;
use crate::journal::fold::RunView;
use crate::journal::report::{row, safe, title, when, who};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The section of second persons; nothing where none was needed.
pub(super) fn section(out: &mut String, view: &RunView) {
    for approval in view.approvals.iter().filter(|approval| approval.glass.is_some()) {
        let reason = approval.glass.as_deref().unwrap_or_default();
        let (at, what) = (when(approval.at), of(view, approval));
        let _ = writeln!(
            out,
            "\n> **BREAK GLASS**: {at}, {} went on without a second person ({what}): {}",
            who(&approval.by),
            safe(reason)
        );
    }
    for passed in &view.overrides {
        let (at, what) = (when(passed.at), title(view, passed.step));
        let reason = safe(&passed.reason);
        let _ = writeln!(
            out,
            "\n> **OVERRIDE**: {at}, {} led the run past the hard gate of step {what}: {reason}",
            who(&passed.by)
        );
    }
    if view.approvals.is_empty() {
        return;
    }
    out.push_str("\n## Second persons\n\n| when | what | confirmed by | approved by | digest | said |\n|---|---|---|---|---|---|\n");
    for approval in &view.approvals {
        let first = approval.first.as_ref().map_or_else(String::new, who);
        let (by, said) = match &approval.glass {
            Some(reason) => ("nobody: the glass was broken".to_owned(), safe(reason)),
            None => (who(&approval.by), safe(&approval.note)),
        };
        row(out, &[&when(approval.at), &of(view, approval), &first, &by, approval.hash.as_str(), &said]);
    }
}

fn of(view: &RunView, approval: &Approval) -> String {
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
            "break_glass": approval.glass,
        })
    };
    view.approvals.iter().map(json).collect()
}

pub(super) fn overrides_json(view: &RunView) -> Vec<Value> {
    let json = |passed: &crate::journal::eyes::Override| json!({ "at": passed.at, "by": passed.by, "step": passed.step, "reason": passed.reason });
    view.overrides.iter().map(json).collect()
}
