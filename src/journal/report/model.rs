//! What every form of the report shows, as plain text that is not escaped yet.

use crate::domain::quantity::{bytes, count, counted, span};
use crate::domain::{Actor, Digest, EffectClass, RunStatus, StepState, Verb, Wall};
use crate::journal::answer::consent_words;
use crate::journal::fold::{RunView, StepView};
use crate::journal::record::{Answer, Ask, Caveats, Choice, Closed, Ending, Event, Lapsed, Outcome, Record, ended};
use crate::journal::report::time;
use std::fmt::Write as _;
use std::time::Duration;

/// How a line of the report is meant to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Something happened.
    Plain,
    /// A person did something.
    Person,
    /// It went well.
    Good,
    /// It did not go as planned, or is unknown.
    Odd,
    /// It went wrong, or was forced.
    Bad,
}

impl Tone {
    /// That of an act, an undo or a check which ended so. A person who stops one has it go otherwise than planned, not wrong.
    pub(super) fn of(ending: Ending) -> Self {
        match ending {
            Ending::Ok => Self::Good,
            Ending::Cancelled => Self::Odd,
            Ending::Failed | Ending::TimedOut | Ending::NotStarted | Ending::Unknown => Self::Bad,
        }
    }

    /// That of a run which was sealed so.
    pub(super) fn of_run(status: RunStatus) -> Self {
        match status {
            RunStatus::Ok => Self::Good,
            RunStatus::Aborted => Self::Odd,
            _ => Self::Bad,
        }
    }
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment<'a> {
    pub(super) seq: u64,
    pub(super) at: Wall,
    /// Who caused it.
    pub(super) by: &'a Actor,
    pub(super) tone: Tone,
    pub(super) step: Option<u32>,
    /// What happened.
    pub(super) what: String,
    /// The small print.
    pub(super) more: String,
}

/// `2026-08-22 02:47:31 UTC`.
pub(super) fn when(at: Wall) -> String {
    format!("{} {} UTC", at.date(), at.clock())
}

/// `anna (uid 1000, login 1000) on bastion, through console`.
pub(super) fn who(actor: &Actor) -> String {
    let login = actor.login_uid.map_or_else(|| "login unknown".to_owned(), |login| format!("login {login}"));
    format!("{} (uid {}, {login}) on {}, through {}", actor.name, actor.uid, actor.host, actor.through)
}

/// A step's number, from 1, and title: `2 (Move rotated logs)`.
pub(super) fn title(view: &RunView, step: u32) -> String {
    let title = view.step(step).map_or("", |step| step.head.title.as_str());
    format!("{} ({title})", u64::from(step) + 1)
}

/// A step's state in the report's words.
pub(super) fn state(step: &StepView) -> &'static str {
    match step.state {
        StepState::Planned => "not reached",
        _ => step.standing(),
    }
}

/// `ok: deleted 1,284 (code 0, 1 s, deleted 1,284, left alone 2, log 1-1.log: 100 B)`.
pub(super) fn outcome_text(outcome: &Outcome) -> String {
    format!("{}: {} ({})", outcome.ending.word(), outcome.detail, outcome_facts(outcome))
}

/// What came of a step: of its undo first, which is what holds now, and only then of its act; not escaped.
pub(super) fn outcomes(step: &StepView) -> Vec<String> {
    let undo = step.undo.as_ref().map(|undo| format!("undo: {}", outcome_text(undo)));
    let before = if undo.is_some() { "act: " } else { "" };
    let act = step.outcome.as_ref().map(|act| format!("{before}{}", outcome_text(act)));
    undo.into_iter().chain(act).collect()
}

/// `code 0, 1 s, deleted 1,284, left alone 2, log 1-1.log: 100 B`.
pub(super) fn outcome_facts(outcome: &Outcome) -> String {
    let mut facts = Vec::new();
    facts.extend(outcome.code.map(|code| format!("code {code}")));
    facts.extend(outcome.signal.map(|signal| format!("signal {signal}")));
    facts.push(span(Duration::from_millis(outcome.took_ms)));
    facts.extend(outcome.counts.iter().map(|(name, number)| format!("{} {}", name.replace('_', " "), count(*number))));
    if let Some(log) = &outcome.log {
        let dropped = if log.dropped > 0 { format!(", {} dropped", bytes(log.dropped)) } else { String::new() };
        facts.push(format!("log {}: {}{dropped}", log.file, bytes(log.bytes)));
    }
    if outcome.recovered {
        facts.push("taken over from the shim".to_owned());
    }
    facts.join(", ")
}

pub(super) fn asked(ask: &Ask) -> String {
    match ask {
        Ask::Confirm { effect, set, preview, also } => {
            let place = if preview.place.is_empty() { String::new() } else { format!(" in {}", preview.place) };
            let mut message = format!("asked to confirm a {}: {}{place}, set {set}", effect.word(), preview.headline);
            for covered in also {
                let step = u64::from(covered.step) + 1;
                let _ = write!(message, "; with it step {step}: {}, set {}", covered.headline, covered.set);
            }
            message
        }
        Ask::Sign { text, .. } => format!("asked to sign: {text}"),
        Ask::Decide { text, choices, .. } => {
            let choices: Vec<&str> = choices.iter().map(|choice| choice.word()).collect();
            format!("asked to decide ({}): {text}", choices.join(", "))
        }
        Ask::Approve { text, hash, start } => {
            let what = if *start { "the start" } else { "this" };
            format!("asked another person than the starter to approve {what}: {text}, plan {hash}")
        }
    }
}

pub(super) fn answered(answer: &Answer, by: &Actor) -> String {
    match answer {
        Answer::Confirm { typed } => format!("confirmed {}", consent_words(typed, by)),
        Answer::Sign { note } => format!("signed: {note}"),
        Answer::Decide { choice, reason } => format!("decided {}: {reason}", choice.word()),
        Answer::Approve { note } if note.is_empty() => "approved as a second person".to_owned(),
        Answer::Approve { note } => format!("approved as a second person: {note}"),
        Answer::BreakGlass { reason } => format!("USED BREAK-GLASS, without a second person: {reason}"),
        Answer::Cancel => "cancelled".to_owned(),
    }
}

pub(super) fn closed(why: Closed, drift: &[String]) -> String {
    let why = match why {
        Closed::Drifted => "what it showed has drifted",
        Closed::NoPreview => "what it showed could not be read again and kept",
        Closed::Expired => "it had lapsed",
        Closed::Aborted => "the run was stopped",
        Closed::RunnerGone => "its runner was gone",
    };
    let change = if drift.is_empty() { String::new() } else { format!(": {}", drift.join("; ")) };
    format!("prompt closed, {why}{change}")
}

/// That an answer counts no longer.
pub(super) fn lapsed(why: Lapsed, drift: &[String]) -> String {
    format!("answer lapsed, {}: {}", why.words(), drift.join("; "))
}

/// What did not go as planned by a record, and how severe that is.
pub(super) fn deviation(view: &RunView, record: &Record) -> Option<(Tone, String)> {
    let late = time::deviation(view, record);
    let output = match &record.event {
        Event::StepOutcome { step, outcome, .. } if outcome.ending != Ending::Ok => {
            (Tone::of(outcome.ending), format!("step {} ended {}", title(view, *step), outcome.ending.word()))
        }
        Event::StepSkipped { step, reason } => {
            (Tone::Odd, format!("step {} was skipped: {reason}", title(view, *step)))
        }
        Event::StepResolved { step, choice, evidence } => {
            let text = format!("step {} was unknown and settled as {}: {evidence}", title(view, *step), choice.word());
            (Tone::Odd, text)
        }
        Event::StepOverridden { step, reason } => {
            (Tone::Bad, format!("{} overrode the gate of step {}: {reason}", who(&record.actor), title(view, *step)))
        }
        Event::StepReopened { step, reason } => {
            (Tone::Odd, format!("step {} was opened again: {reason}", title(view, *step)))
        }
        Event::RunResumed { why } => (Tone::Odd, format!("a new runner took over: {why}")),
        Event::JournalRecovered { bytes, saved, .. } => {
            (Tone::Odd, format!("{bytes} torn bytes were cut off the journal and saved as {saved}"))
        }
        Event::AbortRequested { undo } => {
            let what = if *undo { "asked to roll the run back" } else { "asked to stop" };
            (Tone::Bad, format!("{} {what}", who(&record.actor)))
        }
        Event::UndoOutcome { step, outcome, .. }
            if outcome.ending == Ending::Ok && is_planned(view, *step, record.wall) =>
        {
            return late;
        }
        Event::UndoOutcome { step, outcome, .. } => {
            let tone = if outcome.ending == Ending::Ok { Tone::Odd } else { Tone::of(outcome.ending) };
            (tone, format!("the undo of step {} ended {}", title(view, *step), outcome.ending.word()))
        }
        Event::AnswerAccepted { step, answer, .. } => match forced(answer) {
            Some((did, reason)) => {
                (Tone::Bad, format!("{} {did} step {}: {reason}", who(&record.actor), title(view, *step)))
            }
            None => return late,
        },
        Event::RollbackBegan { why, steps, .. } => {
            (Tone::Bad, format!("the rollback began ({why}): {} to undo", numbers(steps)))
        }
        Event::RollbackProved { step, outcome } if outcome.ending != Ending::Ok => {
            let message = format!("after the rollback, step {} ended {}", title(view, *step), outcome.ending.word());
            (Tone::of(outcome.ending), message)
        }
        Event::Other { kind, body } => {
            (Tone::Odd, format!("a record of a kind this version does not know: {kind} {body}"))
        }
        _ => return late,
    };
    Some(match late {
        Some((_, late)) => (output.0, format!("{}; {late}", output.1)),
        None => output,
    })
}

/// What an answer forced, as a sentence goes on, and the reason.
fn forced(answer: &Answer) -> Option<(&'static str, &str)> {
    match answer {
        Answer::BreakGlass { reason } => Some(("used break-glass for", reason)),
        Answer::Decide { choice: Choice::Override, reason } => Some(("overrode the gate of", reason)),
        Answer::Decide { choice: Choice::Emergency, reason } => Some(("began, with no time left for it,", reason)),
        _ => None,
    }
}

/// Whether the plan itself calls for the undo of a step: an `undo_of` does, unless the run was rolled back before.
fn is_planned(view: &RunView, step: u32, at: Wall) -> bool {
    let by_a_step = view.steps.iter().any(|own| own.head.undo_of.contains(&step));
    by_a_step && view.rollback_state.as_ref().is_none_or(|back| at < back.began)
}

/// `step 3, 2`, from 1; `nothing` where there is none.
pub(super) fn numbers(steps: &[u32]) -> String {
    let steps: Vec<String> = steps.iter().map(|step| (u64::from(*step) + 1).to_string()).collect();
    if steps.is_empty() { "nothing".to_owned() } else { format!("step {}", steps.join(", ")) }
}

/// How a run was sealed: `failed, rolled back, proved`.
pub(super) fn status(view: &RunView) -> String {
    let back = view.went_back();
    match view.sealed {
        Some(status) => ended(status, back, view.caveats()),
        None => format!("not sealed{}", back.map_or_else(String::new, |back| format!(", {}", back.words()))),
    }
}

/// The same with what was skipped and what did not go as planned: `ok, 1 skipped, 3 deviations`.
pub(super) fn status_in_full(view: &RunView, records: &[Record]) -> String {
    // An `ok` needs no more words.
    let caveats = if view.sealed == Some(RunStatus::Ok) { Caveats::default() } else { view.caveats() };
    let odd = records.iter().filter(|record| deviation(view, record).is_some()).count();
    let mut parts = vec![status(view)];
    parts.extend(caveats.words());
    parts.extend((odd > 0).then(|| counted(odd as u64, "deviation", "deviations")));
    parts.join(", ")
}

/// A consent that counted.
pub(super) struct Confirmation<'a> {
    pub(super) seq: u64,
    pub(super) at: Wall,
    pub(super) by: &'a Actor,
    pub(super) step: u32,
    /// What was typed, or the name of a key.
    pub(super) typed: &'a str,
    /// What was done to confirm.
    pub(super) how: String,
    pub(super) effect: Option<EffectClass>,
    /// What the prompt showed.
    pub(super) headline: String,
    pub(super) set: Option<&'a Digest>,
    /// How long the question had been open.
    pub(super) waited: Option<Duration>,
}

/// Every consent that counted, in order.
pub(super) fn confirmations(records: &[Record]) -> Vec<Confirmation<'_>> {
    let mut all = Vec::new();
    for (place, record) in records.iter().enumerate() {
        let Event::AnswerAccepted { prompt, step, answer: Answer::Confirm { typed } } = &record.event else {
            continue;
        };
        let opening = records.iter().take(place).rev().find_map(|earlier| match &earlier.event {
            Event::PromptOpened { prompt: own, ask: Ask::Confirm { effect, set, preview, .. }, .. }
                if own == prompt =>
            {
                Some((earlier.boot, *effect, set, preview.headline.clone()))
            }
            _ => None,
        });
        all.push(Confirmation {
            seq: record.seq,
            at: record.wall,
            by: &record.actor,
            step: *step,
            typed,
            how: consent_words(typed, &record.actor),
            effect: opening.as_ref().map(|(_, effect, ..)| *effect),
            waited: opening.as_ref().map(|(boot, ..)| record.boot.since(*boot)),
            set: opening.as_ref().map(|(_, _, set, _)| *set),
            headline: opening.map(|(.., headline)| headline).unwrap_or_default(),
        });
    }
    all
}

/// How long a step took, against what was expected.
pub(super) struct Timing {
    pub(super) step: u32,
    pub(super) title: String,
    pub(super) expected: Option<Duration>,
    pub(super) took: Duration,
}

impl Timing {
    /// The larger of both, for a scale.
    pub(super) fn most(&self) -> Duration {
        self.took.max(self.expected.unwrap_or_default())
    }

    /// Whether it took longer than expected.
    pub(super) fn is_late(&self) -> bool {
        self.expected.is_some_and(|expected| self.took > expected)
    }
}

/// The timings of every step that was taken, in order. A person's step took as long as it was open.
pub(super) fn timings(view: &RunView) -> Vec<Timing> {
    let of = |(number, step): (u32, &StepView)| {
        let took = match (&step.outcome, step.lasted()) {
            (Some(outcome), _) => Duration::from_millis(outcome.took_ms),
            (None, Some(lasted)) if step.head.verb == Verb::Manual => lasted,
            _ => return None,
        };
        let expected = step.head.takes_s.map(Duration::from_secs);
        Some(Timing { step: number, title: step.head.title.clone(), expected, took })
    };
    (0..).zip(&view.steps).filter_map(of).collect()
}

/// A person with what they did; the runner acts in its owner's name.
pub(super) struct Person<'a> {
    pub(super) actor: &'a Actor,
    /// What they acted through, each once.
    pub(super) through: Vec<&'a str>,
    pub(super) records: u64,
    /// How many of their answers counted, and how many did not.
    pub(super) answers: (u64, u64),
}

/// Everyone in the journal, by kernel identity.
pub(super) fn people(records: &[Record]) -> Vec<Person<'_>> {
    let mut all: Vec<Person<'_>> = Vec::new();
    for record in records {
        let actor = &record.actor;
        let same = |person: &&mut Person<'_>| {
            let own = person.actor;
            (own.uid, own.login_uid, &own.name, &own.host) == (actor.uid, actor.login_uid, &actor.name, &actor.host)
        };
        if all.iter_mut().find(same).is_none() {
            all.push(Person { actor, through: Vec::new(), records: 0, answers: (0, 0) });
        }
        let Some(person) = all.iter_mut().find(same) else { continue };
        person.records += 1;
        person.answers.0 += u64::from(matches!(record.event, Event::AnswerAccepted { .. }));
        person.answers.1 += u64::from(matches!(record.event, Event::AnswerRejected { .. }));
        if !person.through.contains(&actor.through.as_str()) {
            person.through.push(&actor.through);
        }
    }
    all
}
