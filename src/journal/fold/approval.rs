//! Which answers of which people count.

use super::*;
use crate::domain::{Actor, Digest, EffectClass, RunStatus, StepState, Verb};
use crate::journal::record::{About, Answer, Ask, Choice, Ending, StepHead};
use crate::journal::samples::{
    accepted, actor, confirm, created, decide, decision, ended, head, intent, now, opened, run_id, sealed, typed,
};

const PHRASE: &str = "delete 1284 files";

/// Anna starts; Ben is another person; Ann is Anna by another account.
fn person(name: &str) -> Actor {
    let (uid, login) = match name {
        "anna" => (1000, 1000),
        "ann" => (1009, 1000),
        "ben" => (1001, 1001),
        _ => (1002, 1002),
    };
    Actor { uid, login_uid: Some(login), name: name.to_owned(), ..actor("console") }
}

fn record(seq: u64, by: &str, event: Event) -> Record {
    let (prev, h) = (Digest::zero(), Digest::of(&seq.to_le_bytes()));
    Record { seq, run: run_id(1), wall: now(seq).wall, boot: now(seq).boot, actor: person(by), event, prev, h }
}

/// A destroy that takes two answers, a hard check, and an approval.
fn after(events: &[(&str, Event)]) -> RunView {
    let steps = vec![
        StepHead { four_eyes: true, can_undo: true, ..head(Verb::Do, EffectClass::Destroy) },
        head(Verb::Check, EffectClass::Read),
        head(Verb::Approve, EffectClass::Read),
    ];
    let mut view = RunView::begin(&record(1, "anna", created(steps))).unwrap();
    for (seq, (by, event)) in (2..).zip(events) {
        view.apply(&record(seq, by, event.clone())).unwrap_or_else(|why| panic!("{}: {event:?}", why.0));
    }
    view
}

/// Why an event cannot follow; nothing may have changed.
fn refusal(events: &[(&str, Event)], by: &str, event: Event) -> String {
    let mut view = after(events);
    let before = view.clone();
    let why = view.apply(&record(before.seq + 1, by, event)).unwrap_err().0;
    assert_eq!(view, before, "a refused record changes nothing");
    why
}

fn approve() -> Answer {
    Answer::Approve { note: String::new() }
}

fn break_glass(reason: &str) -> Answer {
    Answer::BreakGlass { reason: reason.to_owned() }
}

fn asked() -> Vec<(&'static str, Event)> {
    vec![("runner", opened(1, 0, confirm(EffectClass::Destroy, 0, &[])))]
}

fn confirmed(by: &'static str) -> Vec<(&'static str, Event)> {
    [asked(), vec![(by, accepted(1, 0, typed(PHRASE)))]].concat()
}

#[test]
fn one_answer_permits_nothing_and_two_do() {
    let half = after(&confirmed("anna"));
    let open = half.prompt.as_ref().unwrap();
    assert!(open.waits_for_second() && half.permit(0).is_none() && half.steps[0].state == StepState::Waiting);
    let whole = after(&[confirmed("anna"), vec![("ben", accepted(1, 0, approve()))]].concat());
    assert!(whole.prompt.is_none() && whole.permit(0).is_some());
    assert_eq!((whole.steps[0].confirmed.as_ref().unwrap().0.uid, whole.approvals[0].by.uid), (1000, 1001));
    let early = intent(0, 1, EffectClass::Destroy, Some(1));
    assert!(refusal(&confirmed("anna"), "runner", early).contains("while an attempt or a prompt is open"));
}

#[test]
fn nobody_gives_both_answers() {
    for by in ["anna", "ann"] {
        assert!(
            refusal(&confirmed("anna"), by, accepted(1, 0, approve())).contains("second person must be another one"),
            "{by}"
        );
        // The starter of the run is no second person, even where another person confirmed.
        assert!(refusal(&confirmed("ben"), by, accepted(1, 0, approve())).contains("started the run"), "{by}");
    }
    assert!(refusal(&confirmed("ben"), "ben", accepted(1, 0, approve())).contains("confirmed it"));
    assert!(refusal(&asked(), "ben", accepted(1, 0, approve())).contains("it is not confirmed yet"));
    assert!(refusal(&confirmed("anna"), "ben", accepted(1, 0, typed(PHRASE))).contains("confirmed it already"));
    after(&[confirmed("ben"), vec![("carla", accepted(1, 0, approve()))]].concat());
}

#[test]
fn a_broken_glass_permits_and_stays() {
    assert!(refusal(&asked(), "anna", accepted(1, 0, break_glass("haste"))).contains("it is not confirmed yet"));
    assert!(refusal(&confirmed("anna"), "anna", accepted(1, 0, break_glass(" "))).contains("needs a reason"));
    let used = after(&[confirmed("anna"), vec![("anna", accepted(1, 0, break_glass("all asleep")))]].concat());
    assert!(used.used_break_glass() && used.permit(0).is_some());
    assert_eq!(used.approval(0).unwrap().break_glass_reason.as_deref(), Some("all asleep"));
}

#[test]
fn what_takes_four_eyes_is_covered_by_no_other_consent() {
    let mut steps = vec![head(Verb::Do, EffectClass::Change), head(Verb::Do, EffectClass::Change)];
    steps[1].four_eyes = true;
    let mut view = RunView::begin(&record(1, "anna", created(steps))).unwrap();
    let ask = opened(1, 0, confirm(EffectClass::Change, 0, &[1]));
    assert!(view.apply(&record(2, "runner", ask)).unwrap_err().0.contains("cannot cover step 1"));
}

#[test]
fn only_another_person_overrides_a_gate() {
    let failed = |choices: &[Choice]| {
        vec![
            ("runner", intent(1, 1, EffectClass::Read, None)),
            ("runner", ended(1, 1, Ending::Failed)),
            ("runner", opened(1, 1, decision(choices))),
        ]
    };
    let events = failed(&[Choice::Retry, Choice::Override]);
    for by in ["anna", "ann"] {
        assert!(
            refusal(&events, by, accepted(1, 1, decide(Choice::Override)))
                .contains("second person must be another one")
        );
    }
    let bare = Answer::Decide { choice: Choice::Override, reason: " ".into() };
    assert!(refusal(&events, "ben", accepted(1, 1, bare)).contains("needs a reason"));
    let offered = failed(&[Choice::Retry]);
    assert!(refusal(&offered, "ben", accepted(1, 1, decide(Choice::Override))).contains("not among the choices"));
    let skip = Event::StepSkipped { step: 1, reason: "seen".into() };
    assert!(
        refusal(&failed(&[Choice::Retry])[..2], "runner", skip.clone()).contains("no decision to skip it is recorded")
    );
    let past = after(&[events, vec![("ben", accepted(1, 1, decide(Choice::Override))), ("runner", skip)]].concat());
    assert_eq!((past.overrides[0].by.uid, past.steps[1].state), (1001, StepState::Skipped));
}

#[test]
fn what_two_persons_confirmed_is_undone_by_something_else_only_where_another_person_wants_that() {
    let ask = Ask::Decide {
        about: About::Other,
        text: "?".into(),
        choices: vec![Choice::RunChanged, Choice::Hold],
        means: Vec::new(),
        set: Some(Digest::of(b"as it is now")),
    };
    let done = [
        confirmed("anna"),
        vec![
            ("ben", accepted(1, 0, approve())),
            ("runner", intent(0, 1, EffectClass::Destroy, Some(1))),
            ("runner", ended(0, 1, Ending::Ok)),
            ("runner", Event::AbortRequested { undo: true }),
            ("runner", opened(2, 0, ask)),
        ],
    ];
    let wanted = || accepted(2, 0, decide(Choice::RunChanged));
    assert!(refusal(&done.concat(), "anna", wanted()).contains("second person must be another one"));
    assert!(after(&[done.concat(), vec![("ben", wanted())]].concat()).changed_undo(0).is_some());
}

#[test]
fn an_approval_names_the_plan_and_closes_its_step_once() {
    let plan = after(&[]).plan;
    let ask = |hash: &Digest, start| Ask::Approve { text: "fine?".into(), hash: hash.clone(), start };
    assert!(refusal(&[], "runner", opened(1, 2, ask(&Digest::of(b"x"), false))).contains("another plan"));
    assert!(refusal(&[], "runner", opened(1, 0, ask(&plan, false))).contains("cannot be asked"));
    let close = Event::StepClosed { step: 2, note: "yes".into() };
    assert!(refusal(&[], "ben", close.clone()).contains("step 2 has no approval"));
    let asked = vec![("runner", opened(1, 2, ask(&plan, false)))];
    assert!(refusal(&asked, "ann", accepted(1, 2, approve())).contains("second person must be another one"));
    let closed = after(&[asked, vec![("ben", accepted(1, 2, approve())), ("ben", close)]].concat());
    assert_eq!(closed.steps[2].state, StepState::Done);
    // The start is agreed to before the first step, and once.
    let start = vec![("runner", opened(1, 0, ask(&plan, true))), ("ben", accepted(1, 0, approve()))];
    let begun = after(&start);
    assert_eq!((begun.start_approval().unwrap().by.uid, begun.steps[0].state), (1001, StepState::Planned));
    assert!(refusal(&start, "runner", opened(2, 0, ask(&plan, true))).contains("cannot be asked"));
    let late = [("runner", intent(1, 1, EffectClass::Read, None)), ("runner", ended(1, 1, Ending::Ok))];
    assert!(refusal(&late, "runner", opened(1, 0, ask(&plan, true))).contains("cannot be asked"));
    assert!(refusal(&start, "runner", sealed(RunStatus::Ok, 0)).contains("not over"));
}
