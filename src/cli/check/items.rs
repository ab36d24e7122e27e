//! The rows of the checklist pane: the items of the newest checklist of this state directory that is not over.

use crate::domain::error::Result;
use crate::domain::{Order, Verdict, Wall};
use crate::journal::fold::{ItemState, ItemView, RunView};
use crate::journal::list::{self, walk_file};
use crate::runner::rundir::RunDir;
use serde_json::{Value, json};
use std::path::Path;

/// The word for what such a row is of.
pub const KIND: &str = "item";

/// An item as a row.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRow {
    /// The procedure's id.
    pub target: String,
    /// What is known of it.
    pub item: ItemView,
    /// How it counts.
    pub verdict: Verdict,
    /// How it stands and why, in a few words.
    pub detail: String,
    /// The time of the checklist's last record.
    pub seen: Wall,
    /// The journal.
    pub source: String,
    run: String,
}

/// The items of the newest checklist that is not over; none where there is no such checklist.
///
/// # Errors
/// When the runs cannot be listed, or its journal cannot be read.
pub fn read(state: &Path) -> Result<Vec<ItemRow>> {
    let runs = list::runs(state, |run| RunDir::of(state, run.clone()).runner_lives())?;
    let open = runs.into_iter().find(|run| run.order == Order::Any && run.damage.is_none() && !run.status.is_over());
    let Some(run) = open else { return Ok(Vec::new()) };
    let dir = RunDir::of(state, run.id);
    let journal = dir.journal();
    let view = walk_file(&journal)?.view.filter(|view| view.sealed.is_none());
    let lives = dir.runner_lives();
    let row = |view: &RunView, item: ItemView| ItemRow {
        target: view.procedure.clone(),
        verdict: verdict(item.state),
        detail: detail(&item, lives),
        seen: view.last,
        source: journal.display().to_string(),
        run: view.id.to_string(),
        item,
    };
    Ok(view.iter().flat_map(|view| view.items().into_iter().map(|item| row(view, item))).collect())
}

/// Evidence is ok; somebody's word and what was skipped are warnings; what was undone is critical, and so is a
/// hard gate that somebody overrode; all else is not known
/// to be so, and unknown.
fn verdict(state: ItemState) -> Verdict {
    match state {
        ItemState::Evidence => Verdict::Ok,
        ItemState::Claim | ItemState::Skipped => Verdict::Warn,
        ItemState::Overridden | ItemState::Undone => Verdict::Critical,
        ItemState::Later | ItemState::Open | ItemState::SecondPerson | ItemState::AtWork | ItemState::Unknown => {
            Verdict::Unknown
        }
    }
}

fn detail(item: &ItemView, lives: bool) -> String {
    let word = item.standing;
    let found = item.evidence_line();
    let by = item.by.as_ref().map_or_else(String::new, |by| format!(" by {}", by.name));
    let text = match item.state {
        ItemState::Claim | ItemState::Skipped if item.note.is_empty() => format!("{word}{by}"),
        ItemState::Claim | ItemState::Skipped | ItemState::Overridden => format!("{word}{by}: {}", item.note),
        _ if found.is_empty() => word.to_owned(),
        _ => format!("{word}: {found}"),
    };
    if lives || item.state.is_closed() { text } else { format!("{text} · no runner is there") }
}

impl ItemRow {
    /// The row as JSON, in the shape of every other row.
    #[must_use]
    pub fn json(&self) -> Value {
        let text = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
        let mut facts = json!({
            "phase": self.item.phase,
            "state": self.item.state.word(),
            "standing": self.item.standing,
            "evidence": text(&self.item.evidence_line()),
            "note": text(&self.item.note),
            "by": self.item.by.as_ref().map(|by| &by.name),
            "at": self.item.at,
            "run": self.run,
        });
        if let Some(facts) = facts.as_object_mut() {
            facts.retain(|_, fact| !fact.is_null());
        }
        json!({
            "target": self.target,
            "object": self.item.title,
            "kind": KIND,
            "verdict": self.verdict,
            "stale": false,
            "detail": self.detail,
            "remedy": null,
            "observed_at": self.seen,
            "source": self.source,
            "facts": facts,
        })
    }
}
