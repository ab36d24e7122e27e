mod refused;

use super::*;
use crate::domain::{Digest, EffectClass, Preview, PromptId};
use crate::journal::reading::{Counts, Side};
use crate::journal::record::{Answer, Ask, Choice, Closed, Ending, Lapsed};
use crate::journal::samples::*;
use EffectClass::{Change, Destroy, Read};
use proptest::prelude::*;

fn record(seq: u64, event: Event) -> Record {
    let (prev, h) = (Digest::zero(), Digest::of(&seq.to_le_bytes()));
    Record { seq, run: run_id(1), wall: now(seq).wall, boot: now(seq).boot, actor: actor("runner"), event, prev, h }
}

fn after(events: &[Event]) -> RunView {
    let mut view = RunView::begin(&record(1, created(steps()))).unwrap();
    for (seq, event) in (2..).zip(events) {
        view.apply(&record(seq, event.clone())).unwrap_or_else(|why| panic!("{}: {event:?}", why.0));
    }
    view
}

/// Applies an event that must be refused, and sees that nothing changed; returns the reason.
fn refusal(events: &[Event], event: &Event) -> String {
    let mut view = after(events);
    let before = view.clone();
    let why = view.apply(&record(before.seq + 1, event.clone())).expect_err(&format!("{event:?}"));
    assert_eq!(view, before, "a refused record changes nothing: {event:?}");
    why.0
}

/// A confirmed change of step 1 that is under way.
fn running() -> Vec<Event> {
    vec![opened(1, 1, confirm(Change, 1, &[])), accepted(1, 1, typed("change")), intent(1, 1, Change, Some(1))]
}

fn and(events: &[Event], more: &[Event]) -> Vec<Event> {
    [events, more].concat()
}

/// A change of step 1 that ended so.
fn over(ending: Ending) -> Vec<Event> {
    and(&running(), &[ended(1, 1, ending)])
}

fn sign(note_required: bool) -> Ask {
    Ask::Sign { text: "look".into(), note_required }
}

fn skipped(step: u32) -> Event {
    Event::StepSkipped { step, reason: "known".into() }
}

fn closed(step: u32) -> Event {
    Event::StepClosed { step, note: "seen".into() }
}

fn resolved(step: u32, choice: Choice) -> Event {
    Event::StepResolved { step, choice, evidence: "looked".into() }
}

fn answer(note: &str) -> Answer {
    Answer::Sign { note: note.into() }
}

fn prompt_closed(number: u128) -> Event {
    Event::PromptClosed { prompt: prompt(number), why: Closed::Expired, drift: vec![] }
}

fn lapsed(number: u128, step: u32) -> Event {
    Event::ConsentLapsed { prompt: prompt(number), step, why: Lapsed::Drifted, drift: vec!["one file more".into()] }
}

#[test]
fn a_consent_that_lapsed_permits_nothing_and_names_the_drift() {
    let given = [opened(1, 1, confirm(Change, 1, &[2])), accepted(1, 1, typed("change"))];
    assert!(after(&given).permit(1).is_some());
    let view = after(&and(&given, &[lapsed(1, 1)]));
    assert!(view.permit(1).is_none() && view.permit(2).is_some(), "what else the answer covered stays");
    let end = view.prompt_end.as_ref().unwrap();
    assert_eq!((end.step, &end.how), (1, &PromptEnding::Closed(Closed::Drifted, vec!["one file more".into()])));
    let event = Event::ConsentLapsed { prompt: prompt(1), step: 1, why: Lapsed::Unread, drift: vec!["denied".into()] };
    let view = after(&and(&given, &[event]));
    assert!(view.permit(1).is_none());
    let end = view.prompt_end.as_ref().unwrap();
    assert_eq!(end.how, PromptEnding::Closed(Closed::NoPreview, vec!["denied".into()]));
    assert!(refusal(&and(&given, &[lapsed(1, 1)]), &intent(1, 1, Change, Some(1))).contains("without a confirmation"));
}

#[test]
fn a_prompt_leaves_the_step_as_it_was() {
    let question = opened(2, 1, confirm(Change, 1, &[]));
    for end in [prompt_closed(2), accepted(2, 1, Answer::Cancel)] {
        let failed = after(&and(&over(Ending::Failed), &[question.clone(), end.clone()]));
        assert_eq!(failed.step(1).unwrap().state, StepState::Failed);
        let planned = after(&[question.clone(), end]);
        assert_eq!(planned.step(1).unwrap().state, StepState::Planned);
    }
}

#[test]
fn a_failed_step_is_tried_again_only_after_a_new_consent() {
    let again = [
        opened(2, 1, decision(&[Choice::Retry])),
        accepted(2, 1, Answer::Decide { choice: Choice::Retry, reason: String::new() }),
        opened(3, 1, confirm(Change, 1, &[])),
        accepted(3, 1, typed("change")),
        intent(1, 2, Change, Some(3)),
        ended(1, 2, Ending::Ok),
    ];
    let view = after(&and(&over(Ending::Failed), &again));
    assert_eq!((view.step(1).unwrap().state, view.step(1).unwrap().attempts), (StepState::Done, 2));
}

#[test]
fn a_note_overrides_a_soft_gate() {
    let view = after(&[
        intent(0, 1, Read, None),
        ended(0, 1, Ending::Failed),
        opened(1, 0, sign(true)),
        accepted(1, 0, answer("the cache is cold, as planned")),
        skipped(0),
    ]);
    assert_eq!(view.step(0).unwrap().state, StepState::Skipped);
}

#[test]
fn a_sign_off_outlives_its_runner_and_a_consent_does_not() {
    let gone = Event::RunResumed { why: "runner gone".into() };
    after(&[opened(1, 4, sign(false)), accepted(1, 4, answer("")), gone.clone(), closed(4)]);
    let view = after(&[opened(1, 1, confirm(Change, 1, &[])), accepted(1, 1, typed("change")), gone]);
    assert_eq!(view.permit(1), None);
}

#[test]
fn what_an_undo_left_unknown_is_settled_as_there_or_as_undone() {
    let unknown = and(&over(Ending::Ok), &[abort(true), undo(1, 1), undone(1, 1, Ending::Unknown)]);
    assert_eq!(after(&unknown).unknown(), 1);
    for (choice, state) in [(Choice::Done, StepState::Done), (Choice::NotDone, StepState::Undone)] {
        let view = after(&and(&unknown, &[resolved(1, choice)]));
        assert_eq!((view.step(1).unwrap().state, view.unknown()), (state, 0));
    }
    let failed = and(&over(Ending::Ok), &[abort(true), undo(1, 1), undone(1, 1, Ending::Failed)]);
    assert_eq!(after(&failed).pending_undos(), [1]);
    assert!(refusal(&failed, &undo(1, 2)).contains("no decision to retry it is recorded"));
    after(&and(&failed, &[sealed(RunStatus::Aborted, 0)]));
}

#[test]
fn a_step_that_failed_and_was_skipped_still_needs_its_undo() {
    let events = [opened(2, 1, decision(&[Choice::Skip])), accepted(2, 1, decide(Choice::Skip)), skipped(1)];
    let view = after(&and(&over(Ending::Failed), &events));
    assert_eq!(view.pending_undos(), [1]);
    assert_eq!(after(&[skipped(1)]).pending_undos(), Vec::<u32>::new());
}

#[test]
fn a_step_that_could_not_be_started_has_nothing_to_undo() {
    let unexecuted = |mut events: Vec<Event>| {
        for event in &mut events {
            if let Event::StepOutcome { step: 1, outcome, .. } = event {
                outcome.unexecuted = true;
            }
        }
        events
    };
    assert_eq!(after(&over(Ending::Failed)).pending_undos(), [1]);
    assert_eq!(after(&unexecuted(over(Ending::Failed))).pending_undos(), Vec::<u32>::new());
}

/// Any record about the steps of the sample, possible or not.
fn any_event() -> impl Strategy<Value = Event> {
    let step = 0..7_u32;
    let number = 1..4_u128;
    let effect = prop::sample::select(vec![Read, Change, Destroy]);
    let ending = prop::sample::select(vec![Ending::Ok, Ending::Failed, Ending::Unknown]);
    let choice = prop::sample::select(vec![Choice::Done, Choice::NotDone, Choice::Skip, Choice::Retry]);
    let text = prop::sample::select(vec!["change", "delete 1284 files", "no"]);
    prop_oneof![
        (number.clone(), step.clone(), effect.clone()).prop_map(|(n, step, class)| opened(
            n,
            step,
            confirm(class, step, &[])
        )),
        (number.clone(), step.clone()).prop_map(|(n, step)| opened(n, step, sign(false))),
        (number.clone(), step.clone()).prop_map(|(n, step)| opened(n, step, decision(&[Choice::Skip, Choice::Done]))),
        number.clone().prop_map(prompt_closed),
        (number.clone(), step.clone(), text).prop_map(|(n, step, text)| accepted(n, step, typed(text))),
        (number.clone(), step.clone()).prop_map(|(n, step)| accepted(n, step, answer("x"))),
        (number.clone(), step.clone(), choice.clone()).prop_map(|(n, step, choice)| accepted(n, step, decide(choice))),
        (step.clone(), 1..3_u32, effect, number).prop_map(|(step, attempt, class, n)| intent(
            step,
            attempt,
            class,
            Some(n)
        )),
        (step.clone(), 1..3_u32, ending.clone()).prop_map(|(step, attempt, ending)| ended(step, attempt, ending)),
        (step.clone(), choice).prop_map(|(step, choice)| resolved(step, choice)),
        step.clone().prop_map(skipped),
        step.clone().prop_map(closed),
        (step.clone(), 1..3_u32).prop_map(|(step, attempt)| undo(step, attempt)),
        (step, 1..3_u32, ending).prop_map(|(step, attempt, ending)| undone(step, attempt, ending)),
        any::<bool>().prop_map(abort),
        Just(Event::RunResumed { why: "gone".into() }),
        (0..2_u32).prop_map(|unknown| sealed(RunStatus::Failed, unknown)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// For any record: a refused one changes nothing, and an accepted one keeps the invariants.
    #[test]
    fn no_history_breaks_a_promise(events in prop::collection::vec(any_event(), 0..150)) {
        let mut view = after(&[]);
        let mut asked: Option<(PromptId, u32)> = None;
        let mut consents: Vec<(PromptId, u32)> = Vec::new();
        for event in events {
            let before = view.clone();
            if view.apply(&record(before.seq + 1, event.clone())).is_err() {
                prop_assert_eq!(&view, &before);
                continue;
            }
            match &event {
                Event::PromptOpened { prompt, step, .. } => asked = Some((prompt.clone(), *step)),
                Event::AnswerAccepted { prompt, step, answer } => {
                    prop_assert_eq!(asked.take(), Some((prompt.clone(), *step)));
                    if matches!(answer, Answer::Confirm { .. }) {
                        consents.push((prompt.clone(), *step));
                    }
                }
                Event::StepIntent { step, effect, permit, .. } if *effect > Read => {
                    // One consent, one act; and never while anything is unknown, or after a stop.
                    let used = consents.iter().position(|(id, of)| Some(id) == permit.as_ref() && of == step);
                    prop_assert!(used.is_some());
                    consents.swap_remove(used.unwrap());
                    prop_assert!(before.abort.is_none() && before.unknown() == 0);
                }
                Event::RunSealed { .. } => prop_assert_eq!(view.open_attempt(), None),
                _ => {}
            }
            let unknown = view.steps.iter().filter(|step| step.state == StepState::Unknown).count();
            prop_assert_eq!(usize::try_from(view.unknown()).unwrap(), unknown);
            let running = view.steps.iter().filter(|step| step.state == StepState::Running).count();
            prop_assert!(running <= 1);
            // A step is done by its outcome, by a decision about an unknown one, or, without an act, by a signature.
            for (now, was) in view.steps.iter().zip(&before.steps) {
                let over = |state: StepState| matches!(state, StepState::Done | StepState::Undone | StepState::Skipped);
                if over(was.state) && now.state != was.state {
                    let undo = matches!(event, Event::UndoOutcome { .. });
                    prop_assert!(undo, "{:?} -> {:?} by {:?}", was.state, now.state, event);
                }
            }
        }
    }
}

#[test]
fn the_panes_are_read_before_the_work_once_and_not_when_it_has_begun() {
    let panes = |when, name: &str| {
        let counts = Counts { ok: 3, ..Counts::default() };
        Event::PanesRead { when, digest: Digest::of(name.as_bytes()), counts, took_ms: 5 }
    };
    let before = panes(Side::Before, "a");
    assert!(refusal(std::slice::from_ref(&before), &before).contains("read already"));
    assert!(refusal(&running(), &before).contains("had begun"));
    // The newest reading after the work counts: a runner that was killed before the seal takes another.
    let view = after(&and(&[before], &and(&over(Ending::Ok), &[panes(Side::After, "b"), panes(Side::After, "c")])));
    assert_eq!(view.reading(Side::Before).unwrap().digest, Digest::of(b"a"));
    assert_eq!(view.reading(Side::After).unwrap().digest, Digest::of(b"c"));
    assert!(view.has_acted() && !after(&[intent(0, 1, Read, None)]).has_acted());
}

#[test]
fn what_a_run_did_not_know_when_it_was_created_is_shown_by_its_name() {
    let head = crate::journal::record::StepHead {
        title: "Say to {{saved:2/host.name}}".into(),
        what: "notify ops: the host is {{saved:host}}".into(),
        undo: "delete drain while it holds {{run.id}}".into(),
        when: Some("{{run.dir}} != ''".into()),
        until: Some("{{server.run_id}} == 'a'".into()),
        ..head(crate::domain::Verb::Notify, Read)
    };
    let shown = StepView::planned(head).head;
    assert_eq!(shown.title, "Say to <host.name>");
    assert_eq!(shown.what, "notify ops: the host is <host>");
    assert_eq!(shown.undo, "delete drain while it holds <run id>");
    assert_eq!(shown.when.as_deref(), Some("<run directory> != ''"));
    assert_eq!(shown.until.as_deref(), Some("<server.run_id> == 'a'"));
}

#[test]
fn a_saved_value_replaces_its_name_once_it_is_known() {
    use crate::domain::{Evidence, Verb};
    let reads = |save: &str| crate::journal::record::StepHead { save: Some(save.into()), ..head(Verb::Read, Read) };
    let later = crate::journal::record::StepHead {
        title: "Say to {{saved:2/host.name}}".into(),
        what: "{{saved:2/host.name}} has {{saved:2/host.key}} of {{saved:other.name}}".into(),
        until: Some("{{saved:2/host.name}} == 'a'".into()),
        ..head(Verb::Notify, Read)
    };
    let read = |facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let evidence = Some(Evidence { source: "s".into(), seen: now(0).wall, facts });
        Event::StepOutcome {
            step: 0,
            attempt: 1,
            outcome: crate::journal::record::Outcome { evidence, ..outcome(Ending::Ok) },
        }
    };
    let view = |steps, facts: &[(&str, &str)]| {
        let mut view = RunView::begin(&record(1, created(steps))).unwrap();
        view.apply(&record(2, intent(0, 1, Read, None))).unwrap();
        view.apply(&record(3, read(facts))).unwrap();
        view
    };
    let facts = [("name", "db-1"), ("key", "two\nlines")];
    let known = view(vec![reads("2/host"), later.clone()], &facts);
    let shown = &known.steps[1].head;
    assert_eq!((shown.title.as_str(), shown.until.as_deref()), ("Say to db-1", Some("db-1 == 'a'")));
    assert_eq!(shown.what, "db-1 has <host.key> of <other.name>");
    // Two reads save it: only the plan knows which of them is meant.
    let open = view(vec![reads("2/host"), later, reads("3/host")], &facts);
    assert_eq!(open.steps[1].head.title, "Say to <host.name>");
}
