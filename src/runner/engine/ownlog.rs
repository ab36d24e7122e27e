//! Midwatch's own log of a run: one line for each record, with its step.
//!
//! A line holds kinds, ids, endings and causes. It never holds typed text (phrases, notes, reasons) or the values of
//! parameters.

use crate::domain::Actor;
use crate::domain::error::Result;
use crate::domain::time::Now;
use crate::journal::record::{Answer, Ask, Ending, Event, Outcome, Record};
use crate::procedure::plan::Plan;
use crate::runner::engine::Engine;
use std::borrow::Cow;

/// The fields of a line beside the record's kind.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line<'a> {
    step: Option<u32>,
    attempt: Option<u32>,
    prompt: Option<&'a str>,
    what: Option<Cow<'a, str>>,
    cause: Option<&'a str>,
}

impl Engine {
    /// Appends a record, and logs it once it is durable; every record except the first uses this function.
    pub(super) fn append(&mut self, event: Event, actor: &Actor, now: Now) -> Result<Record> {
        let record = self.journal.append(event, actor.clone(), now)?;
        log(&self.plan, &record);
        Ok(record)
    }
}

fn log(plan: &Plan, record: &Record) {
    let (seq, kind, by) = (record.seq, record.event.kind(), record.actor.name.as_str());
    let Line { step, attempt, prompt, what, cause } = line(&record.event);
    let number = step.map(|step| u64::from(step) + 1);
    let planned = step.and_then(|step| plan.steps.get(usize::try_from(step).ok()?));
    let id = planned.and_then(|step| step.id.as_deref());
    let what = what.as_deref();
    if cause.is_some() {
        tracing::warn!(seq, kind, step = number, id, attempt, prompt, what, cause, by, "record written");
    } else {
        tracing::info!(seq, kind, step = number, id, attempt, prompt, what, by, "record written");
    }
}

fn line(event: &Event) -> Line<'_> {
    match event {
        Event::PromptOpened { prompt, step, ask, .. } => {
            Line { step: Some(*step), prompt: Some(&prompt.0), what: Some(asked(ask).into()), ..Line::default() }
        }
        Event::PromptReread { prompt } => Line { prompt: Some(&prompt.0), ..Line::default() },
        Event::PromptClosed { prompt, why, .. } => {
            Line { prompt: Some(&prompt.0), what: Some(format!("{why:?}").into()), ..Line::default() }
        }
        Event::AnswerAccepted { prompt, step, answer } => {
            Line { step: Some(*step), prompt: Some(&prompt.0), what: Some(answered(answer).into()), ..Line::default() }
        }
        Event::AnswerRejected { prompt, why } => Line { prompt: Some(prompt), cause: Some(why), ..Line::default() },
        Event::StepIntent { step, attempt, .. } | Event::UndoIntent { step, attempt, .. } => {
            Line { step: Some(*step), attempt: Some(*attempt), ..Line::default() }
        }
        Event::StepOutcome { step, attempt, outcome } | Event::UndoOutcome { step, attempt, outcome } => {
            Line { attempt: Some(*attempt), ..ended(*step, outcome) }
        }
        Event::RollbackProved { step, outcome } => ended(*step, outcome),
        Event::StepResolved { step, .. }
        | Event::StepSkipped { step, .. }
        | Event::StepClosed { step, .. }
        | Event::StepOverridden { step, .. }
        | Event::StepReopened { step, .. }
        | Event::Note { step: Some(step), .. } => Line { step: Some(*step), ..Line::default() },
        Event::RunSealed { status, .. } => Line { what: Some(status.word().into()), ..Line::default() },
        Event::WindowJudged { standing, .. } => {
            let what = if standing.open.is_some() { "open" } else { "outside" };
            Line { what: Some(what.into()), ..Line::default() }
        }
        Event::LockTaken { name, .. } => Line { what: Some(name.into()), ..Line::default() },
        Event::AbortRequested { undo } => {
            Line { what: Some(if *undo { "rollback" } else { "leave" }.into()), ..Line::default() }
        }
        _ => Line::default(),
    }
}

/// An end, with its cause if it is not the expected one.
fn ended(step: u32, outcome: &Outcome) -> Line<'_> {
    let cause = (outcome.ending != Ending::Ok).then_some(outcome.detail.as_str());
    Line { step: Some(step), what: Some(outcome.ending.word().into()), cause, ..Line::default() }
}

fn asked(ask: &Ask) -> &'static str {
    match ask {
        Ask::Confirm { .. } => "confirm",
        Ask::Approve { .. } => "approve",
        Ask::Sign { .. } => "sign",
        Ask::Decide { .. } => "decide",
    }
}

fn answered(answer: &Answer) -> &'static str {
    match answer {
        Answer::Confirm { .. } => "confirm",
        Answer::Sign { .. } => "sign",
        Answer::Decide { .. } => "decide",
        Answer::Approve { .. } => "approve",
        Answer::BreakGlass { .. } => "break-glass",
        Answer::Cancel => "cancel",
    }
}
