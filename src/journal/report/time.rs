//! What the record says of a run's time: its window, its budget, an emergency, clocks that were set.

use crate::domain::quantity::span;
use crate::journal::fold::RunView;
use crate::journal::record::{Event, Record};
use crate::journal::report::{safe, title, when};
use std::time::Duration;

/// Rows of the head: name and value, safe already.
pub(super) fn head(view: &RunView) -> Vec<(String, String)> {
    let terms = &view.terms;
    let mut rows = Vec::new();
    let mut say = |name: &str, value: String| rows.push((name.to_owned(), value));
    if let Some(reason) = &terms.emergency {
        say("EMERGENCY", format!("outside its window, for this reason: {}", safe(reason)));
    }
    if !terms.window.is_empty() {
        say("Window", safe(&terms.window));
    }
    if let Some(digest) = &terms.windows {
        say("Windows file", digest.to_string());
    }
    for (name, seconds) in [("Budget", terms.budget.run_s), ("Budget of the way back", terms.budget.undo_s)] {
        if let Some(seconds) = seconds {
            say(name, span(Duration::from_secs(seconds)));
        }
    }
    for warning in &terms.warned {
        say("Warned at the start", safe(warning));
    }
    rows
}

/// What did not go as planned, one sentence each; `None` for other records.
pub(super) fn deviation(view: &RunView, record: &Record) -> Option<String> {
    match &record.event {
        Event::ClockJump { by_ms } => {
            let by = span(Duration::from_millis(by_ms.unsigned_abs()));
            Some(format!("the clock was set {by} {}", if *by_ms < 0 { "back" } else { "forward" }))
        }
        Event::WindowJudged { standing, why } if record.seq > 2 => {
            Some(format!("{}: {}", safe(why), safe(&standing.words())))
        }
        Event::UndoIntent { step, .. } | Event::StepOutcome { step, .. } => {
            let undo = matches!(record.event, Event::UndoIntent { .. });
            let of_it =
                |late: &&crate::journal::fold::Late| late.step == *step && late.undo == undo && late.at == record.wall;
            let late = view.late.iter().find(of_it)?;
            let what = if undo { "the way back of step" } else { "step" };
            let word = if undo { "began" } else { "ended" };
            let after = span(late.at.since(late.until));
            Some(format!(
                "{what} {} {word} {after} after the end of its window, {}",
                title(view, *step),
                when(late.until)
            ))
        }
        _ => None,
    }
}
