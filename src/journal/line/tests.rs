use super::*;
use crate::domain::{Budget, EffectClass, Evidence, Item, Order, Pace, Preview, RunStatus, Verb, Whole};
use crate::journal::reading::{Counts, Side};
use crate::journal::record::{
    About, Answer, Ask, Choice, Closed, Covered, Ending, Lapsed, LogEnd, Outcome, RollbackHead, WentBack,
};
use crate::journal::samples::{created, head, prompt, run_id, set, steps};
use crate::journal::terms::{Span, Terms, Timing, WindowStanding};
use proptest::prelude::*;

/// Text of any kind: quotes, controls, NUL, all planes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,20}", any::<String>(), Just("\",\"h\":\"\u{0}\u{1b}[2J\u{202e}\\".to_owned())]
}

fn moment() -> impl Strategy<Value = Wall> {
    (0..4_102_444_800_i64, 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Wall::from_unix(seconds, nanos))
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let ending =
        prop::sample::select(vec![Ending::Ok, Ending::Failed, Ending::TimedOut, Ending::Cancelled, Ending::Unknown]);
    let counts = prop::collection::btree_map(text(), any::<u64>(), 0..4);
    let log = prop::option::of((text(), any::<u64>(), any::<u64>()));
    let numbers = (any::<Option<i32>>(), any::<Option<i32>>(), any::<u64>(), any::<bool>(), any::<bool>());
    let facts = prop::collection::btree_map(text(), text(), 0..4);
    let evidence = (text(), moment(), facts).prop_map(|(source, seen, facts)| Evidence { source, seen, facts });
    let evidence = prop::option::of(evidence);
    (ending, text(), numbers, counts, log, evidence).prop_map(|(ending, detail, numbers, counts, log, evidence)| {
        let (code, signal, took_ms, recovered, unexecuted) = numbers;
        let log = log.map(|(file, bytes, dropped)| LogEnd { file, bytes, dropped, digest: Some(set(1)) });
        let whole =
            counts.iter().map(|(name, bytes)| (name.clone(), Whole { sha256: set(2), bytes: *bytes })).collect();
        Outcome { ending, detail, code, signal, took_ms, counts, log, recovered, unexecuted, evidence, whole }
    })
}

fn previews() -> impl Strategy<Value = Preview> {
    let item = (text(), any::<Option<u64>>(), prop::option::of(moment()), prop::option::of(text()));
    let item = prop::option::of(item.prop_map(|(name, bytes, modified, to)| Item { name, bytes, modified, to }));
    let facts = prop::collection::vec((text(), text()), 0..3);
    (text(), any::<u64>(), item, facts, prop::collection::vec(text(), 0..3)).prop_map(
        |(phrase, count, oldest, facts, warnings)| Preview {
            phrase,
            count,
            oldest,
            facts,
            warnings,
            ..Preview::default()
        },
    )
}

fn asks() -> impl Strategy<Value = Ask> {
    let also = prop::collection::vec((any::<u32>(), text()), 0..3);
    prop_oneof![
        (previews(), also).prop_map(|(preview, also)| {
            let also = also
                .into_iter()
                .map(|(step, headline)| Covered { step, set: set(step), headline, preview: None })
                .collect();
            Ask::Confirm { effect: EffectClass::Destroy, set: set(1), preview: Box::new(preview), also }
        }),
        (text(), any::<bool>()).prop_map(|(text, note_required)| Ask::Sign { text, note_required }),
        text().prop_map(|text| Ask::Decide {
            about: About::Unknown,
            means: vec![text.clone()],
            text,
            choices: vec![Choice::NotDone, Choice::Hold],
            set: Some(set(1)),
        }),
    ]
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        text().prop_map(|typed| Answer::Confirm { typed }),
        text().prop_map(|note| Answer::Sign { note }),
        text().prop_map(|reason| Answer::Decide { choice: Choice::NotDone, reason }),
        Just(Answer::Cancel),
    ]
}

/// One event of every kind, with any content.
fn every_kind() -> impl Strategy<Value = Vec<Event>> {
    let words = prop::collection::vec(text(), 8);
    let numbers = (any::<u64>(), any::<u32>(), any::<u32>(), any::<u128>(), any::<bool>());
    (words, numbers, moment(), outcomes(), asks(), answers()).prop_map(
        |(words, (n, step, attempt, id, flag), expires, outcome, ask, answer)| {
            let word = |n: usize| words[n].clone();
            let mut first = created(steps());
            if let Event::RunCreated { title, params, steps, order, rollback, terms, .. } = &mut first {
                **terms = Terms {
                    window: word(6),
                    windows: flag.then(|| set(step)),
                    budget: Budget { run_s: flag.then_some(n), undo_s: None },
                    emergency: flag.then(|| word(7)),
                    warned: words.clone(),
                };
                *title = word(0);
                *order = if flag { Order::Any } else { Order::Listed };
                *rollback = flag.then(|| RollbackHead { to: Some(word(1)), prove: vec![step], budget_s: Some(n) });
                params.insert(word(1), word(2));
                steps.push(crate::journal::record::StepHead {
                    undo: word(3),
                    what: word(4),
                    why: word(5),
                    hard: flag,
                    note_required: !flag,
                    four_eyes: flag,
                    save: flag.then(|| word(6)),
                    part: flag.then(|| word(7)),
                    timing: Timing {
                        id: flag.then(|| word(6)),
                        pace: flag.then_some(Pace { p50_ms: n, p90_ms: n, runs: attempt }),
                        undo: None,
                        timeout_s: Some(n),
                    },
                    undo_of: vec![step],
                    always: flag,
                    ..head(Verb::Do, EffectClass::Change)
                });
            }
            let (prompt, log) = (prompt(id), word(5));
            vec![
                first,
                Event::WindowJudged {
                    standing: WindowStanding {
                        open: flag.then(|| Span { window: word(5), from: expires, until: expires }),
                        next: None,
                    },
                    why: word(6),
                },
                Event::ClockJump { by_ms: i64::from(step) - i64::from(attempt) },
                Event::LockTaken { name: word(0), identity: word(1) },
                Event::RunResumed { why: word(2) },
                Event::JournalRecovered { bytes: n, digest: set(step), saved: word(3) },
                Event::PromptOpened { prompt: prompt.clone(), step, ask, expires },
                Event::PromptReread { prompt: prompt.clone() },
                Event::PromptClosed { prompt: prompt.clone(), why: Closed::RunnerGone, drift: words.clone() },
                Event::AnswerAccepted { prompt: prompt.clone(), step, answer },
                Event::AnswerRejected { prompt: word(4), why: word(5) },
                Event::ConsentLapsed {
                    prompt: prompt.clone(),
                    step,
                    why: if step % 2 == 0 { Lapsed::Drifted } else { Lapsed::Unread },
                    drift: words.clone(),
                },
                Event::StepIntent {
                    step,
                    attempt,
                    effect: EffectClass::Change,
                    set: flag.then(|| set(step)),
                    permit: flag.then_some(prompt),
                    log: log.clone(),
                },
                Event::StepOutcome { step, attempt, outcome: outcome.clone() },
                Event::StepResolved { step, choice: Choice::NotDone, evidence: word(6) },
                Event::StepSkipped { step, reason: word(7) },
                Event::StepClosed { step, note: word(0) },
                Event::StepOverridden { step, reason: word(2) },
                Event::StepReopened { step, reason: word(1) },
                Event::UndoIntent { step, attempt, set: flag.then(|| set(step)), log },
                Event::UndoOutcome { step, attempt, outcome: outcome.clone() },
                Event::RollbackBegan { why: word(0), steps: vec![step, attempt], takes_s: flag.then_some(n) },
                Event::RollbackProved { step, outcome },
                Event::PanesRead {
                    when: if flag { Side::Before } else { Side::After },
                    digest: set(step),
                    counts: Counts { ok: n, warn: 1, critical: 2, unknown: u64::from(step) },
                    took_ms: n,
                },
                Event::Note { step: flag.then_some(step), text: word(1) },
                Event::AbortRequested { undo: flag },
                Event::RunSealed {
                    status: RunStatus::Failed,
                    unknown: step,
                    rolled_back: flag.then_some(WentBack { undone: step, left: attempt, proved: Some(flag) }),
                },
                Event::Other {
                    kind: format!("dream.{}", word(2)),
                    body: serde_json::json!({ word(3): [n, null, flag, { word(4): i64::MIN }], word(5): word(6) }),
                },
            ]
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_record_survives_the_way_there_and_back(
        events in every_kind(),
        (seq, boot, wall) in (any::<u64>(), any::<u64>(), moment()),
        (uid, pid, name) in (any::<u32>(), any::<u32>(), text()),
    ) {
        let kinds: Vec<&str> = events.iter().map(Event::kind).take(Event::KINDS.len()).collect();
        prop_assert_eq!(kinds, Event::KINDS);
        let actor = Actor { uid, login_uid: None, pid, name, host: "h".into(), through: "runner".into() };
        let (run, prev, boot) = (run_id(seq % 1000), set(7), Boot(boot));
        for event in events {
            let draft = Draft { seq, run: &run, wall, boot, actor: &actor, event: &event, prev: &prev };
            let (bytes, h) = encode(&draft).unwrap();
            let line = bytes.strip_suffix(b"\n").unwrap();
            prop_assert!(!line.contains(&b'\n'));
            let read = decode(line).unwrap();
            let record =
                Record { seq, run: run.clone(), wall, boot, actor: actor.clone(), event, prev: prev.clone(), h };
            prop_assert_eq!(&read, &Line { v: VERSION, record });
            // What was read is written as the same bytes.
            let record = &read.record;
            let again = Draft { seq, run: &run, wall, boot, actor: &actor, event: &record.event, prev: &prev };
            prop_assert_eq!(encode(&again).unwrap().0, bytes);
        }
    }
}

#[test]
fn a_record_that_could_not_be_read_is_not_written() {
    let (run, actor, prev) = (run_id(1), crate::journal::samples::actor("runner"), Digest::zero());
    let draft = |event| Draft {
        seq: 1,
        run: &run,
        wall: Wall::from_unix(0, 0),
        boot: Boot(0),
        actor: &actor,
        event,
        prev: &prev,
    };
    let fraction = Event::Other { kind: "odd".into(), body: serde_json::json!({"a": [1.5]}) };
    assert_eq!(encode(&draft(&fraction)).unwrap_err().0, "it holds a number that is not whole");
    let large = Event::Note { step: None, text: "x".repeat(LARGEST_RECORD) };
    assert!(encode(&draft(&large)).unwrap_err().0.contains("more than 1048576"));
}
