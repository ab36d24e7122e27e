//! The journal as a timeline: one line a record, an attempt and its quick end in one.

use crate::domain::quantity::span;
use crate::journal::fold::RunView;
use crate::journal::record::{Answer, Ask, Choice, Event, Record, ended};
use crate::journal::report::model::{Moment, Tone, answered, asked, closed, numbers, outcome_facts};
use crate::journal::report::time;
use std::time::Duration;

/// What happened, in order.
pub(super) fn moments<'a>(view: &RunView, records: &'a [Record]) -> Vec<Moment<'a>> {
    let mut all = Vec::new();
    let mut rest = records.iter().peekable();
    while let Some(record) = rest.next() {
        let ends = |next: &&Record| is_end_of(&next.event, &record.event);
        let shown = rest.next_if(ends).unwrap_or(record);
        let Some((tone, step, what, more)) = line_of(view, shown) else { continue };
        let at = record.wall;
        all.push(Moment { seq: shown.seq, at, by: &shown.actor, tone, step, what, more });
    }
    all
}

/// Whether a record is the outcome of the attempt that the record before it began.
fn is_end_of(next: &Event, begun: &Event) -> bool {
    match (begun, next) {
        (Event::StepIntent { step, attempt, .. }, Event::StepOutcome { step: of, attempt: which, .. })
        | (Event::UndoIntent { step, attempt, .. }, Event::UndoOutcome { step: of, attempt: which, .. }) => {
            (step, attempt) == (of, which)
        }
        _ => false,
    }
}

type Line = (Tone, Option<u32>, String, String);

/// A record's sentence, and its small print; none for a record that a prompt is unchanged.
fn line_of(view: &RunView, record: &Record) -> Option<Line> {
    let event = &record.event;
    let plain = |what: String, more: String| Some((Tone::Plain, None, what, more));
    match event {
        Event::RunCreated { confirmed, version, plan, .. } => {
            let more = format!("confirmed: {confirmed} · plan {plan} · Midwatch {version}");
            Some((Tone::Person, None, "The run was started".to_owned(), more))
        }
        Event::WindowJudged { standing, why } => plain(upper(&standing.words()), why.clone()),
        Event::ClockJump { by_ms } => Some((Tone::Odd, None, upper(&time::jump(*by_ms)), String::new())),
        Event::LockTaken { name, identity } => plain(format!("Locked {name}"), identity.clone()),
        Event::RunResumed { why } => Some((Tone::Odd, None, "A new runner took over".to_owned(), why.clone())),
        Event::JournalRecovered { bytes, saved, .. } => {
            let what = format!("{bytes} torn bytes were cut off the journal");
            Some((Tone::Odd, None, what, format!("saved as {saved}")))
        }
        Event::PanesRead { when, counts, took_ms, .. } => {
            let took = span(Duration::from_millis(*took_ms));
            plain(format!("Every pane was read {} the work", when.word()), format!("{} · {took}", counts.words()))
        }
        Event::PromptReread { .. } => None,
        Event::PromptOpened { step, ask: Ask::Confirm { effect, set, preview, also }, .. } => {
            let covers = if also.is_empty() { String::new() } else { format!(" · covers {} more steps", also.len()) };
            let what = format!("Asked to confirm a {}: {}", effect.word(), preview.headline);
            Some((Tone::Plain, Some(*step), what, format!("{} · set {}{covers}", preview.place, set.short())))
        }
        Event::PromptOpened { step, ask, .. } => Some((Tone::Plain, Some(*step), upper(&asked(ask)), String::new())),
        Event::PromptClosed { why, drift, .. } => plain(upper(&closed(*why, drift)), String::new()),
        Event::AnswerAccepted { step, answer, .. } => {
            let tone = match answer {
                Answer::Decide { choice: Choice::Skip | Choice::Abort | Choice::Rollback | Choice::Hold, .. }
                | Answer::Cancel => Tone::Odd,
                _ => Tone::Person,
            };
            Some((tone, Some(*step), upper(&answered(answer, &record.actor)), String::new()))
        }
        Event::AnswerRejected { prompt, why } => {
            Some((Tone::Odd, None, format!("An answer was refused: {why}"), format!("to {prompt}")))
        }
        Event::RunSealed { status, unknown, rolled_back } => {
            let more = if *unknown > 0 { format!("{unknown} outcomes remain unknown") } else { String::new() };
            Some((
                Tone::of_run(*status),
                None,
                format!("The run was sealed: {}", ended(*status, *rolled_back, view.caveats())),
                more,
            ))
        }
        Event::AbortRequested { undo } => {
            let what = if *undo { "Asked to roll the run back" } else { "Asked to stop" };
            Some((Tone::Bad, None, what.to_owned(), String::new()))
        }
        Event::Note { step, text } => Some((Tone::Person, *step, format!("Note: {text}"), String::new())),
        Event::Other { kind, body } => Some((Tone::Odd, None, format!("{kind}, of a newer version"), body.to_string())),
        of_step => line_of_step(view, of_step),
    }
}

fn line_of_step(view: &RunView, event: &Event) -> Option<Line> {
    let named = |step: u32| view.step(step).map_or_else(String::new, |step| step.head.title.clone());
    Some(match event {
        Event::ConsentLapsed { step, why, drift, .. } => {
            let what = format!("{} was not run: {}", named(*step), why.words());
            (Tone::Odd, Some(*step), what, drift.join("; "))
        }
        Event::StepIntent { step, attempt, set, .. } => {
            let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            let set = set.as_ref().map(|set| format!("set {}", set.short())).unwrap_or_default();
            (Tone::Plain, Some(*step), format!("{} begins{again}", named(*step)), set)
        }
        Event::StepOutcome { step, outcome, .. } => {
            let what = format!("{}: {}, {}", named(*step), outcome.ending.word(), outcome.detail);
            (Tone::of(outcome.ending), Some(*step), what, outcome_facts(outcome))
        }
        Event::StepResolved { step, choice, evidence } => {
            let what = format!("{} was unknown and settled as {}", named(*step), choice.word());
            (Tone::Odd, Some(*step), what, evidence.clone())
        }
        Event::StepSkipped { step, reason } => {
            (Tone::Odd, Some(*step), format!("{} was skipped", named(*step)), reason.clone())
        }
        Event::StepClosed { step, note } => {
            (Tone::Good, Some(*step), format!("{} was closed", named(*step)), note.clone())
        }
        Event::StepOverridden { step, reason } => {
            (Tone::Bad, Some(*step), format!("The hard gate {} was overridden", named(*step)), reason.clone())
        }
        Event::StepReopened { step, reason } => {
            (Tone::Odd, Some(*step), format!("{} was opened again", named(*step)), reason.clone())
        }
        Event::UndoIntent { step, .. } => {
            (Tone::Plain, Some(*step), format!("The undo of {} begins", named(*step)), String::new())
        }
        Event::UndoOutcome { step, outcome, .. } => {
            let what = format!("The undo of {}: {}, {}", named(*step), outcome.ending.word(), outcome.detail);
            (Tone::of(outcome.ending), Some(*step), what, outcome_facts(outcome))
        }
        Event::RollbackBegan { why, steps, .. } => {
            (Tone::Odd, None, format!("The rollback begins: {}", numbers(steps)), why.clone())
        }
        Event::RollbackProved { step, outcome } => {
            let what = format!("After the rollback, {}: {}, {}", named(*step), outcome.ending.word(), outcome.detail);
            (Tone::of(outcome.ending), Some(*step), what, outcome_facts(outcome))
        }
        other => (Tone::Plain, None, other.kind().to_owned(), rest_of(other)),
    })
}

/// What a record holds, as the journal has it.
fn rest_of(event: &Event) -> String {
    let whole = serde_json::to_value(event).unwrap_or_default();
    whole.get("body").map(ToString::to_string).unwrap_or_default()
}

/// The same with a capital letter at its beginning.
fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
