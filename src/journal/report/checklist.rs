//! The items of a checklist: what closed each, on whose word, and on what evidence; and what a run read and saved.

use crate::domain::facts::{self, Unit};
use crate::domain::quantity::shortened;
use crate::journal::fold::{ItemState, ItemView, RunView};
use crate::journal::report::markdown::{row, safe};
use crate::journal::report::model::{title, when, who};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The section of a checklist; nothing where the run is not one.
pub(super) fn section(out: &mut String, view: &RunView) {
    let items = view.items();
    if items.is_empty() {
        return;
    }
    let counts = view.phase_counts();
    let counts: Vec<String> =
        counts.iter().map(|count| format!("{} {}/{}", safe(&count.phase), count.closed, count.of)).collect();
    let _ = writeln!(out, "\n## Checklist\n\n{}\n", counts.join(" · "));
    out.push_str("| | phase | item | closed by | who | when | on what | notes |\n|---|---|---|---|---|---|---|---|\n");
    for item in &items {
        let by = item.by.as_ref().filter(|_| item.state.is_closed()).map_or_else(String::new, |by| safe(&who(by)));
        let at = item.at.filter(|_| item.state.is_closed()).map_or_else(String::new, when);
        let notes = view.notes.iter().filter(|note| note.step == Some(item.step));
        let notes: Vec<String> = notes.map(|note| format!("{}: {}", safe(&note.by.name), safe(&note.text))).collect();
        let number = (u64::from(item.step) + 1).to_string();
        let (phase, title) = (safe(&item.phase), titled(item));
        row(out, &[&number, &phase, &title, item.standing, &by, &at, &safe(&ground(item)), &notes.join("; ")]);
    }
}

fn titled(item: &ItemView) -> String {
    let title = safe(&item.title);
    item.part.as_ref().map_or_else(|| title.clone(), |part| format!("{title} (of {})", safe(part)))
}

/// The most characters of what a look found that a table shows; the appendix has all of it.
const FOUND: usize = 160;

/// The evidence of an item, in a sentence: what was found, where and when, or a person's note; not escaped.
pub(super) fn ground(item: &ItemView) -> String {
    let mut lines = Vec::new();
    match item.state {
        ItemState::Claim if item.note.is_empty() => lines.push("signed without a note".to_owned()),
        ItemState::Claim => lines.push(format!("says: {}", item.note)),
        ItemState::Skipped | ItemState::Overridden => lines.push(format!("reason: {}", item.note)),
        ItemState::Evidence if !item.note.is_empty() => lines.push(item.note.clone()),
        _ => {}
    }
    if !item.found.is_empty() {
        let word = match item.passed {
            Some(true) => "",
            _ if item.stopped => "was stopped: ",
            _ => "did not pass: ",
        };
        lines.push(format!("{word}{}", shortened(&item.found, FOUND)));
    }
    if let Some(evidence) = &item.evidence {
        lines.push(format!("{}, {}", evidence.source, when(evidence.seen)));
    }
    lines.join("; ")
}

/// What was seen of an item beyond that sentence, name by name, not escaped; `None` where there is no more.
pub(super) fn details(item: &ItemView) -> Option<Vec<(String, String)>> {
    let evidence = item.evidence.as_ref();
    let cut = item.found.chars().count() > FOUND;
    if !cut && evidence.is_none_or(|evidence| evidence.facts.is_empty()) {
        return None;
    }
    let mut all = vec![("found".to_owned(), item.found.clone())];
    if let Some(evidence) = evidence {
        all.push(("read from".to_owned(), format!("{}, {}", evidence.source, when(evidence.seen))));
        all.extend(evidence.facts.iter().map(|(name, value)| (named(name), figure(name, value))));
    }
    all.retain(|(_, value)| !value.is_empty());
    Some(all)
}

/// A share as the panes say it, with what was read: `85 % (0.8412)`; all else as it is. Of several rows each has its name before the fact.
fn figure(name: &str, value: &str) -> String {
    let fact = name.rsplit_once(": ").map_or(name, |(_, fact)| fact);
    let is_share = facts::find(fact).is_some_and(|entry| matches!(entry.unit, Unit::Share | Unit::Used | Unit::Limit));
    match value.parse::<f64>() {
        Ok(share) if is_share && share.is_finite() => format!("{} ({value})", facts::in_unit(share, facts::unit(fact))),
        _ => value.to_owned(),
    }
}

/// A fact in words, with its own name where that is another.
fn named(fact: &str) -> String {
    match facts::label(fact) {
        label if label == fact => fact.to_owned(),
        label => format!("{label} ({fact})"),
    }
}

/// Everything that was seen of the items.
pub(super) fn appendix(out: &mut String, view: &RunView) {
    let all: Vec<_> = view.items().into_iter().filter_map(|item| Some((details(&item)?, item))).collect();
    if all.is_empty() {
        return;
    }
    out.push_str("\n## Appendix: evidence\n");
    for (details, item) in all {
        let _ = writeln!(out, "\n### Item {}: {}\n", u64::from(item.step) + 1, safe(&item.title));
        for (name, value) in &details {
            let _ = writeln!(out, "- {}: {}", safe(name), safe(value));
        }
    }
}

/// What was read and saved by name.
pub(super) fn saved(out: &mut String, view: &RunView) {
    if view.saved.is_empty() {
        return;
    }
    out.push_str("\n## Read and saved\n\n| name | step | fact | value |\n|---|---|---|---|\n");
    for (name, saved) in &view.saved {
        row(out, &[&safe(name), &safe(&title(view, saved.step)), "", &safe(&saved.text)]);
        for (fact, value) in &saved.facts {
            row(out, &["", "", &safe(fact), &safe(&figure(fact, value))]);
        }
    }
}

/// An item as JSON.
pub(super) fn item_json(item: &ItemView) -> Value {
    json!({
        "step": item.step,
        "phase": item.phase,
        "title": item.title,
        "what": item.what,
        "why": item.why,
        "part": item.part,
        "verb": item.verb,
        "state": item.state.word(),
        "standing": item.standing,
        "hard": item.hard,
        "by": item.by,
        "at": item.at,
        "note": item.note,
        "found": item.found,
        "passed": item.passed,
        "stopped": item.stopped,
        "evidence": item.evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Fact;

    #[test]
    fn a_share_is_rounded_as_in_the_panes_and_shown_beside_the_reading() {
        for thousandth in 0..=1000_u32 {
            let share = f64::from(thousandth) / 1000.0;
            let read = share.to_string();
            for fact in ["used_ratio", "inodes_ratio", "busy_ratio", "bloat_ratio", "warn_ratio"] {
                let pane = facts::format_fact(fact, &Fact::Real(share));
                assert_eq!(figure(fact, &read), format!("{pane} ({read})"));
                assert_eq!(figure(&format!("/srv: {fact}"), &read), format!("{pane} ({read})"));
            }
        }
        assert_eq!(figure("used_ratio", "0.841"), "85 % (0.841)");
        assert_eq!(figure("bloat_ratio", "0.841"), "84 % (0.841)");
        for (fact, value) in [("size_bytes", "4096"), ("used_ratio", "NaN"), ("verdict", "ok"), ("anything", "0.5")] {
            assert_eq!(figure(fact, value), value);
        }
    }
}
