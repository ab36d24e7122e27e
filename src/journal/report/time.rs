//! A run's time in its report: its window, its budget, an emergency, clocks that were set.

use crate::domain::quantity::span;
use crate::journal::fold::{Late, RunView};
use crate::journal::record::{Event, Record};
use crate::journal::report::model::{Tone, title, when};
use serde_json::{Value, json};
use std::time::Duration;

/// Rows of the head: name and value.
pub(super) fn head(view: &RunView) -> Vec<(&'static str, String)> {
    let terms = &view.terms;
    let mut rows = Vec::new();
    if let Some(reason) = &terms.emergency {
        rows.push(("EMERGENCY", format!("outside its window, for this reason: {reason}")));
    }
    if !terms.window.is_empty() {
        rows.push(("Window", terms.window.clone()));
    }
    if let Some(digest) = &terms.windows {
        rows.push(("Windows file", digest.to_string()));
    }
    for (name, seconds) in [("Budget", terms.budget.run_s), ("Rollback budget", terms.budget.undo_s)] {
        rows.extend(seconds.map(|seconds| (name, span(Duration::from_secs(seconds)))));
    }
    rows.extend(terms.warned.iter().map(|warning| ("Warned at the start", warning.clone())));
    rows
}

/// What did not go as planned for lack of time.
pub(super) fn deviation(view: &RunView, record: &Record) -> Option<(Tone, String)> {
    match &record.event {
        Event::RunCreated { terms, .. } => {
            let reason = terms.emergency.as_ref()?;
            Some((Tone::Bad, format!("an emergency, outside its window: {reason}")))
        }
        Event::ClockJump { by_ms } => Some((Tone::Odd, jump(*by_ms))),
        Event::WindowJudged { standing, why } if standing.open.is_none() => {
            Some((Tone::Odd, format!("{why}: {}", standing.words())))
        }
        Event::UndoIntent { step, .. } | Event::StepOutcome { step, .. } => {
            let undo = matches!(record.event, Event::UndoIntent { .. });
            let of_it = |late: &&Late| late.step == *step && late.undo == undo && late.at == record.wall;
            let late = view.time.late.iter().find(of_it)?;
            let what = if undo { "the undo of step" } else { "step" };
            let word = if undo { "began" } else { "ended" };
            let after = span(late.at.since(late.until));
            let until = when(late.until);
            Some((
                Tone::Odd,
                format!("{what} {} {word} {after} after the end of its window, {until}", title(view, *step)),
            ))
        }
        _ => None,
    }
}

/// `the clock was set 50 m forward`.
pub(super) fn jump(by_ms: i64) -> String {
    let by = span(Duration::from_millis(by_ms.unsigned_abs()));
    format!("the clock was set {by} {}", if by_ms < 0 { "back" } else { "forward" })
}

/// All of it, to be processed.
pub(super) fn json(view: &RunView) -> Value {
    let late = |late: &Late| json!({ "step": late.step, "undo": late.undo, "until": late.until, "at": late.at });
    json!({
        "terms": view.terms,
        "window": view.window,
        "late": view.time.late.iter().map(late).collect::<Vec<_>>(),
        "jumps": view.time.jumps.iter().map(|(at, by_ms)| json!({ "at": at, "by_ms": by_ms })).collect::<Vec<_>>(),
    })
}
