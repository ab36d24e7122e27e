use super::*;
use crate::domain::{Digest, RunStatus};
use crate::journal::item::{self, ItemAction};
use crate::journal::record::{Event, Record, StepHead};
use crate::journal::samples::*;
use EffectClass::{Change, Read};
use std::collections::BTreeMap;

/// Before: a hard check, a soft one, a read that saves. During: a change, an approval, a sign-off. After: a notice.
fn checklist() -> Event {
    let of = |phase: &str, verb: Verb, effect: EffectClass| StepHead { phase: phase.into(), ..head(verb, effect) };
    let steps = vec![
        StepHead { hard: true, ..of("before", Verb::Check, Read) },
        of("before", Verb::Check, Read),
        StepHead { save: Some("disk".into()), ..of("before", Verb::Read, Read) },
        of("during", Verb::Do, Change),
        of("during", Verb::Approve, Read),
        StepHead { note_required: true, ..of("during", Verb::Manual, Read) },
        of("after", Verb::Notify, Read),
    ];
    let mut event = created(steps);
    if let Event::RunCreated { order, phases, .. } = &mut event {
        *order = Order::Any;
        *phases = vec!["before".into(), "during".into(), "after".into()];
    }
    event
}

fn record(seq: u64, event: Event) -> Record {
    let (prev, h) = (Digest::zero(), Digest::of(&seq.to_le_bytes()));
    Record { seq, run: run_id(1), wall: now(seq).wall, boot: now(seq).boot, actor: actor("console"), event, prev, h }
}

fn after(events: &[Event]) -> RunView {
    let mut view = RunView::begin(&record(1, checklist())).unwrap();
    for (seq, event) in (2..).zip(events) {
        view.apply(&record(seq, event.clone())).unwrap_or_else(|why| panic!("{}: {event:?}", why.0));
    }
    view
}

fn passed(step: u32, attempt: u32) -> Vec<Event> {
    let mut end = outcome(Ending::Ok);
    end.evidence = Some(Evidence {
        source: "df".into(),
        seen: now(3).wall,
        facts: BTreeMap::from([("used".into(), "84 %".into())]),
    });
    vec![intent(step, attempt, Read, None), Event::StepOutcome { step, attempt, outcome: end }]
}

fn failed(step: u32, attempt: u32) -> Vec<Event> {
    vec![intent(step, attempt, Read, None), ended(step, attempt, Ending::Failed)]
}

fn hand(step: u32, note: &str) -> Event {
    Event::StepClosed { step, note: note.into() }
}

fn skip(step: u32, reason: &str) -> Event {
    Event::StepSkipped { step, reason: reason.into() }
}

fn reopen(step: u32, reason: &str) -> Event {
    Event::StepReopened { step, reason: reason.into() }
}

/// Everything before is closed: by evidence, by hand, and by a read.
fn before_is_over() -> Vec<Event> {
    [failed(1, 1), passed(0, 1), vec![hand(1, "seen on the dashboard")], passed(2, 1)].concat()
}

fn states(view: &RunView) -> Vec<ItemState> {
    view.items().iter().map(|item| item.state).collect()
}

#[test]
fn items_of_one_phase_are_open_at_once_and_the_next_opens_with_the_last_of_them() {
    use ItemState::{Claim, Evidence as Seen, Later, Open, SecondPerson};
    let fresh = after(&[]);
    assert_eq!(states(&fresh), [Open, Open, Open, Later, Later, Later, Later]);
    assert_eq!((fresh.phase(), fresh.status(true)), (Some("before"), RunStatus::Waiting));
    assert_eq!(fresh.items().iter().map(|item| item.seq).collect::<Vec<_>>(), [1, 1, 1, 0, 0, 0, 0]);
    let view = after(&before_is_over());
    assert_eq!(states(&view), [Seen, Claim, Seen, Open, SecondPerson, Open, Later]);
    let opened: Vec<u64> = view.items().iter().map(|item| item.seq).collect();
    assert_eq!(opened, [1, 1, 1, 8, 8, 8, 0], "the record that closed the last item opened the next phase");
    let claim = view.item(1).unwrap();
    assert_eq!((claim.note.as_str(), claim.by.unwrap().name.as_str()), ("seen on the dashboard", "anna"));
    assert_eq!((claim.passed, claim.at), (Some(false), Some(now(6).wall)), "what was seen stays beside the claim");
    assert_eq!(view.item(2).unwrap().evidence_line(), "deleted 1,284, left 2 alone · df");
    assert_eq!(view.saved["disk"].facts["used"], "84 %");
    let counts: Vec<_> = view.phase_counts().into_iter().map(|count| (count.closed, count.of, count.current)).collect();
    assert_eq!(counts, [(3, 3, false), (0, 3, true), (0, 1, false)]);
    assert!(after(&[]).apply(&record(2, sealed(RunStatus::Ok, 0))).is_err());
}

#[test]
fn what_cannot_follow_in_a_checklist_is_refused_and_changes_nothing() {
    let over = before_is_over();
    let and = |events: &[Event], more: &[Event]| [events, more].concat();
    let asks = and(&over, &[opened(1, 3, confirm(Change, 3, &[]))]);
    let hard = "it needs evidence or an override";
    let cases: Vec<(Vec<Event>, Event, &str)> = vec![
        (vec![], hand(0, "trust me"), hard),
        (failed(0, 1), skip(0, "known"), hard),
        (vec![], hand(1, " "), "closed by hand without a note"),
        (vec![], skip(1, ""), "without a reason"),
        (vec![], hand(5, "early"), "belongs to the phase during, which is not open"),
        (vec![], intent(3, 1, Change, Some(1)), "which is not open"),
        (vec![], opened(1, 3, confirm(Change, 3, &[])), "which is not open"),
        (passed(1, 1), hand(1, "twice"), "step 1 is done already"),
        (vec![hand(1, "seen")], hand(1, "twice"), "step 1 is done already"),
        (vec![hand(1, "seen")], skip(1, "twice"), "step 1 is done already"),
        (vec![hand(1, "seen")], intent(1, 1, Read, None), "an intent of a step that is done"),
        (passed(1, 1), reopen(1, "no"), "was not closed by hand"),
        (vec![], reopen(1, "no"), "was not closed by hand"),
        (vec![hand(1, "seen")], reopen(1, " "), "without a reason"),
        (over.clone(), reopen(1, "late"), "belongs to the phase before"),
        (over.clone(), hand(4, "agreed"), "step 4 has no approval"),
        (over.clone(), skip(4, "alone"), "waits for a second person"),
        (over.clone(), hand(5, ""), "without the note that it needs"),
        (asks.clone(), hand(3, "did it"), "while a prompt about it is open"),
        (asks.clone(), intent(3, 1, Change, Some(1)), "while an attempt or a prompt is open"),
        (and(&over, &[hand(3, "did it"), hand(5, "yes")]), sealed(RunStatus::Ok, 0), "while a step of it is not over"),
    ];
    for (events, event, why) in cases {
        let mut view = after(&events);
        let before = view.clone();
        let text = view.apply(&record(before.seq + 1, event.clone())).expect_err(&format!("{event:?}")).0;
        assert!(text.contains(why), "{event:?}: {text}");
        assert_eq!(view, before, "a refused record changes nothing: {event:?}");
    }
}

#[test]
fn a_look_at_one_item_disturbs_no_prompt_of_another() {
    let over = [passed(0, 1), vec![hand(1, "seen"), skip(2, "no disk")]].concat();
    let mut view = after(&over);
    view.apply(&record(20, opened(1, 3, confirm(Change, 3, &[])))).unwrap();
    for (seq, event) in (21..).zip([hand(5, "signed")]) {
        view.apply(&record(seq, event)).unwrap();
    }
    assert_eq!(states(&view)[3..6], [ItemState::AtWork, ItemState::SecondPerson, ItemState::Claim]);
    assert_eq!(view.prompt.as_ref().map(|open| open.step), Some(3));
}

#[test]
fn what_was_closed_by_hand_can_be_opened_again_and_then_another_record_opened_it() {
    let mut view = after(&[failed(1, 1), vec![hand(1, "seen")]].concat());
    let closed = view.item(1).unwrap();
    view.apply(&record(5, reopen(1, "it was the other one"))).unwrap();
    let open = view.item(1).unwrap();
    assert_eq!((open.state, open.seq, open.note.as_str(), open.by), (ItemState::Open, 5, "", None));
    assert_ne!(open.seq, closed.seq);
    view.apply(&record(6, skip(1, "moot"))).unwrap();
    assert_eq!(view.item(1).unwrap().state, ItemState::Skipped);
}

#[test]
fn every_prefix_of_a_walk_folds_and_an_approval_keeps_it_from_ending_well() {
    let mut events = before_is_over();
    events.extend([
        Event::Note { step: Some(3), text: "slow disk".into() },
        opened(1, 3, confirm(Change, 3, &[])),
        accepted(1, 3, typed("change")),
        intent(3, 1, Change, Some(1)),
        Event::RunResumed { why: "runner gone".into() },
        ended(3, 1, Ending::Ok),
        hand(5, "calm"),
        abort(false),
        sealed(RunStatus::Aborted, 0),
    ]);
    for length in 0..=events.len() {
        let view = after(&events[..length]);
        assert_eq!(view.items().len(), 7);
    }
    let view = after(&events);
    assert_eq!(view.sealed, Some(RunStatus::Aborted));
    assert_eq!(view.item(3).unwrap().notes, 1);
    assert_eq!(view.item(3).unwrap().state, ItemState::Evidence);
}

/// Another person than the starter.
fn by_another(seq: u64, event: Event) -> Record {
    let own = record(seq, event);
    let actor = Actor { uid: own.actor.uid + 1, login_uid: None, name: "ben".into(), ..own.actor.clone() };
    Record { actor, ..own }
}

#[test]
fn only_another_person_can_override_a_hard_gate_and_the_override_stays() {
    let past = |step, reason: &str| Event::StepOverridden { step, reason: reason.into() };
    let refusal = |view: &RunView, record: Record| {
        let mut again = view.clone();
        let why = again.apply(&record).unwrap_err().0;
        assert_eq!(again, *view, "a refused record changes nothing");
        why
    };
    let (fresh, mut view) = (after(&[]), after(&failed(0, 1)));
    assert!(refusal(&fresh, by_another(2, past(0, "x"))).contains("did not pass"));
    assert!(refusal(&view, by_another(4, past(1, "x"))).contains("no hard gate"));
    assert!(refusal(&view, by_another(4, past(0, " "))).contains("without a reason"));
    assert!(refusal(&view, record(4, past(0, "x"))).contains("second person must be another one"));
    view.apply(&by_another(4, past(0, "borrowed disk"))).unwrap();
    let item = view.item(0).unwrap();
    assert_eq!(
        (item.state, item.note.as_str(), item.by.unwrap().name.as_str()),
        (ItemState::Overridden, "borrowed disk", "ben")
    );
    view.apply(&record(5, reopen(0, "it is back"))).unwrap();
    assert_eq!((view.item(0).unwrap().state, view.overrides.len()), (ItemState::Open, 1));
    assert!(refusal(&view, record(6, skip(0, "x"))).contains("hard gate"));
}

#[test]
fn the_actions_of_an_item_are_listed() {
    let view = after(&before_is_over());
    let note = |note: &str| ItemAction::Hand { note: note.into() };
    let reason = |reason: &str| ItemAction::Skip { reason: reason.into() };
    let reopen = |reason: &str| ItemAction::Reopen { reason: reason.into() };
    let cases: Vec<(&RunView, u32, ItemAction, &str)> = vec![
        (&view, 3, ItemAction::Close, ""),
        (&view, 3, note("by myself"), ""),
        (&view, 3, note(""), "needs a note"),
        (&view, 3, reopen("x"), "only a claim, or what was skipped"),
        (&view, 4, note("x"), "waits for a second person"),
        (&view, 4, ItemAction::Close, ""),
        (&view, 4, reason("x"), "waits for a second person"),
        (&view, 5, ItemAction::Close, "nothing but a person can vouch for it"),
        (&view, 5, note(""), "needs a note"),
        (&view, 5, reason(" "), "needs a reason"),
        (&view, 6, ItemAction::Close, "the phase after is not open yet"),
        (&view, 1, ItemAction::Close, "closed already: claim, by anna"),
        (&view, 1, reopen("x"), ""),
    ];
    for (view, step, action, why) in cases {
        let text = item::fits(&view.item(step).unwrap(), &action).err().unwrap_or_default();
        assert!(if why.is_empty() { text.is_empty() } else { text.contains(why) }, "{step} {action:?}: {text}");
    }
    let past = |reason: &str| ItemAction::Override { reason: reason.into() };
    assert!(item::fits(&view.item(5).unwrap(), &past("x")).unwrap_err().contains("no hard gate"));
    let failed = after(&failed(0, 1));
    assert!(item::fits(&failed.item(0).unwrap(), &past("x")).is_ok());
    assert!(item::fits(&failed.item(0).unwrap(), &past(" ")).unwrap_err().contains("needs a reason"));
    let fresh = after(&[]);
    assert!(item::fits(&fresh.item(0).unwrap(), &past("x")).unwrap_err().contains("not looked at yet"));
    assert!(item::fits(&fresh.item(0).unwrap(), &note("x")).unwrap_err().contains("hard gate"));
    assert!(item::fits(&fresh.item(0).unwrap(), &ItemAction::Close).is_ok());
}

#[test]
fn a_stopped_look_is_stopped_and_an_undone_item_shows_the_result_of_its_undo() {
    let look = [intent(1, 1, Read, None), ended(1, 1, Ending::Cancelled)];
    let view = after(&look);
    let item = view.item(1).unwrap();
    assert_eq!((view.steps[1].state, item.state, item.stopped), (StepState::Stopped, ItemState::Open, true));
    let again = after(&[look.to_vec(), vec![hand(1, "seen"), reopen(1, "it was the other one")]].concat());
    assert_eq!((again.steps[1].state, again.item(1).unwrap().state), (StepState::Stopped, ItemState::Open));

    let ask = opened(1, 3, confirm(Change, 3, &[]));
    let act = vec![ask, accepted(1, 3, typed("change")), intent(3, 1, Change, Some(1)), ended(3, 1, Ending::Ok)];
    let did = [before_is_over(), act].concat();
    let found = |events: &[Event]| (after(events).item(3).unwrap().state, after(events).item(3).unwrap().found);
    assert_eq!(found(&did), (ItemState::Evidence, "deleted 1,284, left 2 alone".to_owned()));
    let mut end = outcome(Ending::Ok);
    "gave 1,284 back".clone_into(&mut end.detail);
    let intent = Event::UndoIntent { step: 3, attempt: 1, set: Some(set(3)), log: "4-undo-1.log".into() };
    let back = [abort(true), intent, Event::UndoOutcome { step: 3, attempt: 1, outcome: end }];
    assert_eq!(found(&[did, back.to_vec()].concat()), (ItemState::Undone, "its undo: gave 1,284 back".to_owned()));
}
