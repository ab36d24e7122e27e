//! Records as plain lines.

use crate::domain::{Actor, RunStatus, quantity};
use crate::journal::fold::RunView;
use crate::journal::record::{Answer, Ask, Caveats, Closed, Event, Record, WentBack, ended};
use crate::runner::lock_targets::KINDS;
use std::time::Duration;

/// What a record says, in one line; `None` for what a person need not read here.
#[must_use]
pub fn line(record: &Record, view: &RunView) -> Option<String> {
    let at = record.wall.clock();
    let message = match &record.event {
        Event::RunCreated { title, environment, .. } => {
            format!("run {} · {title} · {}", record.run, environment.to_uppercase())
        }
        Event::WindowJudged { standing, why } => format!("{} ({why})", standing.words()),
        Event::ClockJump { by_ms } => clock(*by_ms),
        Event::LockTaken { name, identity } => locked(name, identity),
        Event::RunResumed { why } => format!("a new runner took over: {why}"),
        Event::PromptOpened { step, ask, .. } => format!("{} asks: {}", named(view, *step), asked(ask)),
        Event::PromptClosed { why, drift, .. } => closed(*why, drift),
        Event::AnswerAccepted { answer, .. } => format!("{} answered: {}", who(&record.actor), answered(answer)),
        Event::AnswerRejected { why, .. } => format!("refused an answer of {}: {why}", who(&record.actor)),
        Event::ConsentLapsed { step, why, drift: changes, .. } => {
            format!("{} was not run, for {}: {}", named(view, *step), why.words(), changes.join("; "))
        }
        Event::StepIntent { step, attempt, .. } => match attempt {
            1 => format!("{} begins", named(view, *step)),
            _ => format!("{} begins again, attempt {attempt}", named(view, *step)),
        },
        Event::StepOutcome { step, outcome, .. } => {
            format!("{}: {} · {}", named(view, *step), outcome.ending.word(), outcome.detail)
        }
        Event::StepResolved { step, choice, evidence } => {
            format!("{} is settled as {}: {evidence}", named(view, *step), choice.word())
        }
        Event::StepSkipped { step, reason } => format!("{} is skipped: {reason}", named(view, *step)),
        Event::StepClosed { step, note } => format!("{} is done{}{note}", named(view, *step), dash(note)),
        Event::StepOverridden { step, reason } => {
            format!("{} OVERRODE the hard gate {}: {reason}", who(&record.actor), named(view, *step))
        }
        Event::StepReopened { step, reason } => {
            format!("{} opened {} again: {reason}", who(&record.actor), named(view, *step))
        }
        Event::UndoIntent { step, .. } => format!("undo of {} begins", named(view, *step)),
        Event::UndoOutcome { step, outcome, .. } => {
            format!("undo of {}: {} · {}", named(view, *step), outcome.ending.word(), outcome.detail)
        }
        Event::RollbackBegan { steps, takes_s, why } => began_back(steps, *takes_s, why),
        Event::RollbackProved { step, outcome } => {
            format!("after the rollback, {}: {} · {}", named(view, *step), outcome.ending.word(), outcome.detail)
        }
        Event::Note { text, .. } => format!("note of {}: {text}", who(&record.actor)),
        Event::AbortRequested { undo } => {
            let what = if *undo { "asked to roll the run back" } else { "asked the run to stop" };
            format!("{} {what}", who(&record.actor))
        }
        Event::RunSealed { status, unknown, rolled_back } => sealed(*status, *unknown, *rolled_back, view.caveats()),
        Event::JournalRecovered { bytes, saved, .. } => format!("{bytes} torn bytes were cut off and kept in {saved}"),
        Event::PromptReread { .. } | Event::PanesRead { .. } => return None,
        Event::Other { kind, .. } => format!("{kind} (of a newer version)"),
    };
    Some(format!("{at}  {message}"))
}

/// What is locked: a server both by its name here, and by what it is.
fn locked(name: &str, identity: &str) -> String {
    match KINDS.iter().any(|kind| identity.strip_prefix(kind).is_some_and(|rest| rest.starts_with(':'))) {
        true => format!("locked {name}, which is {identity}"),
        false => format!("locked {name}"),
    }
}

/// That the wall clock was set.
fn clock(by_ms: i64) -> String {
    let by = quantity::span(Duration::from_millis(by_ms.unsigned_abs()));
    format!("the clock was set {by} {}", if by_ms < 0 { "back" } else { "forward" })
}

fn named(view: &RunView, step: u32) -> String {
    let title = view.step(step).map_or("", |step| step.head.title.as_str());
    format!("step {} of {} ({title})", step + 1, view.steps.len())
}

fn who(actor: &Actor) -> &str {
    &actor.name
}

fn dash(note: &str) -> &'static str {
    if note.is_empty() { "" } else { ": " }
}

fn asked(ask: &Ask) -> String {
    match ask {
        Ask::Confirm { effect, preview, .. } => format!("{} · {}", effect.word(), preview.headline),
        Ask::Sign { text, .. } => text.clone(),
        Ask::Decide { text, .. } => text.clone(),
        Ask::Approve { text, start, .. } => {
            let what = if *start { "the start" } else { "it" };
            format!("another person than the starter to approve {what}: {text}")
        }
    }
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Confirm { typed } => typed.clone(),
        Answer::Sign { note } if note.is_empty() => "signed".to_owned(),
        Answer::Sign { note } => format!("signed: {note}"),
        Answer::Decide { choice, reason } => format!("{}{}{reason}", choice.word(), dash(reason)),
        Answer::Approve { note } => format!("approved{}{note}", dash(note)),
        Answer::BreakGlass { reason } => format!("BREAK GLASS, without a second person: {reason}"),
        Answer::Cancel => "cancel".to_owned(),
    }
}

fn closed(why: Closed, drift: &[String]) -> String {
    match why {
        Closed::Drifted => format!("the prompt closed, what it showed has drifted: {}", drift.join("; ")),
        Closed::NoPreview => {
            format!("the prompt closed: what it showed could not be read again and kept: {}", drift.join("; "))
        }
        Closed::Expired => "the prompt lapsed and asks again".to_owned(),
        Closed::Aborted => "the prompt closed: the run stops".to_owned(),
        Closed::RunnerGone => "the prompt closed: its runner is gone".to_owned(),
    }
}

fn began_back(steps: &[u32], takes_s: Option<u64>, why: &str) -> String {
    if steps.is_empty() {
        return format!("the rollback begins ({why}): there is nothing to undo");
    }
    let count = quantity::counted(steps.len() as u64, "step", "steps");
    let time = takes_s.map_or_else(String::new, |s| format!(" in ~{}", quantity::span(Duration::from_secs(s))));
    let numbers: Vec<String> = steps.iter().map(|step| (u64::from(*step) + 1).to_string()).collect();
    format!("the rollback begins ({why}): {count}{time}, last first: {}", numbers.join(", "))
}

fn sealed(status: RunStatus, unknown: u32, back: Option<WentBack>, caveats: Caveats) -> String {
    let ended = ended(status, back, caveats);
    match unknown {
        0 => format!("the run is over: {ended}"),
        _ => format!("the run is over: {ended}; {unknown} outcomes remain unknown"),
    }
}
