//! Histories for the tests, written by the real appender.

use crate::domain::time::Now;
use crate::domain::{Actor, Boot, Digest, EffectClass, Order, Preview, PromptId, RunId, RunStatus, Verb, Wall};
use crate::journal::append::{Appender, JOURNAL};
use crate::journal::record::{About, Answer, Ask, Choice, Closed, Covered, Ending, Event, LogEnd, Outcome, StepHead};
use std::collections::BTreeMap;
use std::path::Path;

/// A run's id that differs with its number.
pub fn run_id(number: u64) -> RunId {
    RunId::new(1_787_000_000_000 + number, u128::from(number))
}

/// Both clocks at the `n`th second of the tests' night.
pub fn now(n: u64) -> Now {
    let wall = Wall::from_unix(1_787_363_251 + i64::try_from(n).unwrap(), 123_456_789);
    Now { wall, boot: Boot(7_000_000_000 + n * 1_000_000_000) }
}

/// A person, or the runner.
pub fn actor(through: &str) -> Actor {
    Actor {
        uid: 1000,
        login_uid: Some(1000),
        pid: 4242,
        name: "anna".into(),
        host: "bastion".into(),
        through: through.into(),
    }
}

/// The step `verb` of a class, in the one phase.
pub fn head(verb: Verb, effect: EffectClass) -> StepHead {
    StepHead {
        takes_s: Some(60),
        undo: "move them back".into(),
        can_undo: effect == EffectClass::Change,
        ..StepHead::new("during", &format!("a {} step", verb.word()), verb, effect)
    }
}

/// A check, two changes, a destroy, a manual step and a notice.
pub fn steps() -> Vec<StepHead> {
    use EffectClass::{Change, Destroy, Read};
    vec![
        head(Verb::Check, Read),
        head(Verb::Do, Change),
        head(Verb::Do, Change),
        head(Verb::Do, Destroy),
        head(Verb::Manual, Read),
        head(Verb::Notify, Read),
    ]
}

/// `run.created` with these steps.
pub fn created(steps: Vec<StepHead>) -> Event {
    Event::RunCreated {
        procedure: "cell0/data-retention".into(),
        title: "Delete data past retention".into(),
        plan: Digest::of(b"plan"),
        source: Digest::of(b"source"),
        estate: "cell0".into(),
        environment: "other".into(),
        params: BTreeMap::from([("root".into(), "/srv/cell0".into()), ("days".into(), "90".into())]),
        phases: vec!["during".into()],
        steps,
        order: Order::Listed,
        rollback: None,
        version: "0.1.0".into(),
        confirmed: "console".into(),
        terms: Box::default(),
    }
}

/// The prompt of this number.
pub fn prompt(number: u128) -> PromptId {
    PromptId::new(number)
}

/// The frozen set of a step.
pub fn set(step: u32) -> Digest {
    Digest::of(format!("set {step}").as_bytes())
}

/// A question for consent.
pub fn confirm(effect: EffectClass, step: u32, also: &[u32]) -> Ask {
    let phrase = if effect == EffectClass::Destroy { "delete 1284 files".into() } else { String::new() };
    let preview = Preview { headline: "Delete 1,284 files".into(), count: 1284, phrase, ..Preview::default() };
    let also = also
        .iter()
        .map(|step| Covered { step: *step, set: set(*step), headline: "as well".into(), preview: None })
        .collect();
    Ask::Confirm { effect, set: set(step), preview: Box::new(preview), also }
}

/// `prompt.opened`.
pub fn opened(number: u128, step: u32, ask: Ask) -> Event {
    Event::PromptOpened { prompt: prompt(number), step, ask, expires: now(600).wall }
}

/// `answer.accepted`.
pub fn accepted(number: u128, step: u32, answer: Answer) -> Event {
    Event::AnswerAccepted { prompt: prompt(number), step, answer }
}

/// Consent, as typed.
pub fn typed(text: &str) -> Answer {
    Answer::Confirm { typed: text.into() }
}

/// A decision with a reason.
pub fn decide(choice: Choice) -> Answer {
    Answer::Decide { choice, reason: "checked by hand".into() }
}

/// A question for a decision.
pub fn decision(choices: &[Choice]) -> Ask {
    Ask::Decide {
        about: About::Failed,
        text: "exit code 3".into(),
        choices: choices.to_vec(),
        means: Vec::new(),
        set: None,
    }
}

/// `step.intent`.
pub fn intent(step: u32, attempt: u32, effect: EffectClass, permit: Option<u128>) -> Event {
    let log = format!("{step}-{attempt}.log");
    let set = (effect > EffectClass::Read).then(|| set(step));
    Event::StepIntent { step, attempt, effect, set, permit: permit.map(prompt), log }
}

/// How an attempt ended.
pub fn outcome(ending: Ending) -> Outcome {
    Outcome {
        ending,
        detail: "deleted 1,284, left 2 alone".into(),
        code: Some(0),
        signal: None,
        took_ms: 1234,
        counts: BTreeMap::from([("deleted".into(), 1284), ("left_alone".into(), 2)]),
        log: Some(LogEnd { file: "1-1.log".into(), bytes: 100, dropped: 0, digest: Some(Digest::of(b"log")) }),
        recovered: false,
        unexecuted: false,
        evidence: None,
        whole: BTreeMap::new(),
    }
}

/// `step.outcome`.
pub fn ended(step: u32, attempt: u32, ending: Ending) -> Event {
    Event::StepOutcome { step, attempt, outcome: outcome(ending) }
}

/// `undo.intent`.
pub fn undo(step: u32, attempt: u32) -> Event {
    Event::UndoIntent { step, attempt, set: Some(set(step)), log: format!("{step}-undo-{attempt}.log") }
}

/// `undo.outcome`.
pub fn undone(step: u32, attempt: u32, ending: Ending) -> Event {
    Event::UndoOutcome { step, attempt, outcome: outcome(ending) }
}

/// `abort.requested`.
pub fn abort(undo: bool) -> Event {
    Event::AbortRequested { undo }
}

/// `run.sealed`.
pub fn sealed(status: RunStatus, unknown: u32) -> Event {
    Event::RunSealed { status, unknown, rolled_back: None }
}

/// A whole night: locked, asked, refused, confirmed, acted, noted, stopped, undone, sealed.
pub fn night() -> Vec<Event> {
    use EffectClass::{Change, Read};
    vec![
        created(steps()),
        Event::LockTaken { name: "host".into(), identity: "machine-id:0123".into() },
        intent(0, 1, Read, None),
        ended(0, 1, Ending::Ok),
        opened(1, 1, confirm(Change, 1, &[2])),
        Event::AnswerRejected { prompt: "1\u{1b}[2J".into(), why: "typed `chnage`".into() },
        Event::PromptReread { prompt: prompt(1) },
        Event::PromptClosed { prompt: prompt(1), why: Closed::Drifted, drift: vec!["one file more".into()] },
        opened(2, 1, confirm(Change, 1, &[2])),
        accepted(2, 1, typed("change")),
        intent(1, 1, Change, Some(2)),
        ended(1, 1, Ending::Ok),
        Event::Note { step: Some(1), text: "disk | at `84 %`\n# fine".into() },
        abort(true),
        undo(1, 1),
        undone(1, 1, Ending::Ok),
        sealed(RunStatus::Aborted, 0),
    ]
}

/// A run that was interrupted, left an unknown outcome, and went on to its good end.
pub fn recovered_night() -> Vec<Event> {
    use EffectClass::{Change, Destroy, Read};
    vec![
        created(steps()),
        intent(0, 1, Read, None),
        ended(0, 1, Ending::Failed),
        opened(1, 0, decision(&[Choice::Skip, Choice::Retry, Choice::Abort])),
        accepted(1, 0, decide(Choice::Skip)),
        Event::StepSkipped { step: 0, reason: "known".into() },
        opened(2, 1, confirm(Change, 1, &[2])),
        accepted(2, 1, typed("change")),
        intent(1, 1, Change, Some(2)),
        Event::RunResumed { why: "runner gone".into() },
        ended(1, 1, Ending::Unknown),
        opened(3, 1, decision(&[Choice::Done, Choice::NotDone])),
        accepted(3, 1, decide(Choice::Done)),
        Event::StepResolved { step: 1, choice: Choice::Done, evidence: "looked".into() },
        opened(4, 2, confirm(Change, 2, &[])),
        accepted(4, 2, typed("change")),
        intent(2, 1, Change, Some(4)),
        ended(2, 1, Ending::Ok),
        opened(5, 3, confirm(Destroy, 3, &[])),
        accepted(5, 3, typed("delete 1,284 files")),
        intent(3, 1, Destroy, Some(5)),
        ended(3, 1, Ending::Ok),
        opened(6, 4, Ask::Sign { text: "look at the graph".into(), note_required: true }),
        accepted(6, 4, Answer::Sign { note: "calm".into() }),
        Event::StepClosed { step: 4, note: "calm".into() },
        Event::StepClosed { step: 5, note: "posted in the channel".into() },
        sealed(RunStatus::Ok, 0),
    ]
}

/// Appends all events to a new journal in a directory, one a second.
pub fn write(dir: &Path, run: &RunId, events: &[Event]) -> Appender {
    let mut events = (0_u64..).zip(events.iter().cloned());
    let (_, first) = events.next().unwrap();
    let (mut appender, _) = Appender::create(dir, run, first, actor("console"), now(0), None).unwrap();
    for (n, event) in events {
        appender.append(event, actor("runner"), now(n)).unwrap();
    }
    appender
}

/// The bytes of a journal with these events.
pub fn bytes(number: u64, events: &[Event]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &run_id(number), events);
    std::fs::read(dir.path().join(JOURNAL)).unwrap()
}
