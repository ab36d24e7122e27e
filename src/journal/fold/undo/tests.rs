use super::*;
use crate::domain::{EffectClass, RunStatus};
use crate::journal::record::{About, Ask, Event, RollbackHead, StepHead};
use crate::journal::samples::*;

/// Two changes in two phases, an `undo_of` of both that is taken in every ending, and a check.
fn heads() -> Vec<StepHead> {
    let of = |phase: &str, verb, effect| StepHead { phase: phase.into(), ..head(verb, effect) };
    vec![
        of("one", Verb::Do, EffectClass::Change),
        of("two", Verb::Do, EffectClass::Change),
        StepHead { undo_of: vec![0, 1], always: true, ..of("two", Verb::UndoOf, EffectClass::Change) },
        of("two", Verb::Check, EffectClass::Read),
    ]
}

fn begun() -> Event {
    let mut event = created(heads());
    if let Event::RunCreated { phases, rollback, .. } = &mut event {
        *phases = vec!["one".into(), "two".into()];
        *rollback = Some(RollbackHead { to: Some("two".into()), prove: vec![3], budget_s: Some(60) });
    }
    event
}

fn record(seq: u64, event: Event) -> Record {
    let (prev, h) = (Digest::zero(), Digest::of(&seq.to_le_bytes()));
    Record { seq, run: run_id(1), wall: now(seq).wall, boot: now(seq).boot, actor: actor("runner"), event, prev, h }
}

/// Both changes are done; then these records.
fn after(more: &[Event]) -> RunView {
    folded(&and(&done(), more))
}

fn folded(events: &[Event]) -> RunView {
    let mut view = RunView::begin(&record(1, begun())).unwrap();
    for (seq, event) in (2..).zip(events) {
        view.apply(&record(seq, event.clone())).unwrap_or_else(|why| panic!("{}: {event:?}", why.0));
    }
    view
}

fn done() -> Vec<Event> {
    let one = |number, step| {
        let ask = confirm(EffectClass::Change, step, &[]);
        let answer = accepted(number, step, typed("change"));
        let intent = intent(step, 1, EffectClass::Change, Some(number));
        vec![opened(number, step, ask), answer, intent, ended(step, 1, Ending::Ok)]
    };
    [one(1, 0), one(2, 1)].concat()
}

/// Why a record is refused; nothing changes by it.
fn refusal(more: &[Event], event: Event) -> String {
    let mut view = after(more);
    let before = view.clone();
    let text = format!("{event:?}");
    let why = view.apply(&record(before.seq + 1, event)).expect_err(&text);
    assert_eq!(view, before);
    why.0
}

fn and(events: &[Event], more: &[Event]) -> Vec<Event> {
    [events, more].concat()
}

fn began(steps: &[u32]) -> Event {
    Event::RollbackBegan { why: "step 4 failed".into(), steps: steps.to_vec(), takes_s: None }
}

fn proved(step: u32, ending: Ending) -> Event {
    Event::RollbackProved { step, outcome: outcome(ending) }
}

/// The intent of the `undo_of` in an ending, where it needs no consent.
fn by_name() -> Event {
    Event::StepIntent { step: 2, attempt: 1, effect: EffectClass::Change, set: None, permit: None, log: "3.log".into() }
}

fn asked(number: u128, step: u32, choices: &[Choice], choice: Choice) -> Vec<Event> {
    let ask =
        Ask::Decide { about: About::Failed, text: "?".into(), choices: choices.to_vec(), means: Vec::new(), set: None };
    vec![opened(number, step, ask), accepted(number, step, decide(choice))]
}

#[test]
fn a_rollback_reaches_its_phase_and_runs_once() {
    let view = after(&[abort(true)]);
    assert_eq!((view.pending_undos(), view.named_undos(2)), (vec![1], vec![1, 0]));
    assert!(refusal(&[], began(&[1])).contains("not asked for"));
    assert!(refusal(&[abort(false)], began(&[1])).contains("not asked for"));
    assert!(refusal(&[abort(true)], began(&[1, 0])).contains("names other steps"));
    assert!(refusal(&[abort(true), began(&[1])], began(&[1])).contains("begins twice"));
    assert!(refusal(&[abort(true)], undo(0, 1)).contains("does not reach step 0"));
    assert!(refusal(&[abort(true)], proved(3, Ending::Ok)).contains("proves no rollback"));
    let whole = [abort(true), began(&[1]), undo(1, 1), undone(1, 1, Ending::Ok), proved(3, Ending::Ok)];
    assert!(refusal(&whole, proved(0, Ending::Ok)).contains("step 0 proves no rollback"));
    assert!(refusal(&whole, undo(1, 2)).contains("cannot be undone now"));
    let back = WentBack { undone: 1, left: 0, proved: Some(true) };
    assert_eq!(after(&whole).went_back(), Some(back));
    let sealed = |rolled_back| Event::RunSealed { status: RunStatus::Failed, unknown: 0, rolled_back };
    assert!(refusal(&whole, sealed(Some(WentBack { left: 1, ..back }))).contains("the rollback of the seal differs"));
    assert_eq!(after(&and(&whole, &[sealed(Some(back))])).sealed, Some(RunStatus::Failed));
}

#[test]
fn an_undo_is_tried_again_only_when_a_person_wants_it() {
    let failed = [abort(true), began(&[1]), undo(1, 1), undone(1, 1, Ending::Failed)];
    assert!(refusal(&failed, undo(1, 2)).contains("no decision to retry it is recorded"));
    let menu = [Choice::Retry, Choice::Skip];
    let wanted = and(&failed, &asked(5, 1, &menu, Choice::Retry));
    assert!(after(&and(&wanted, &[undo(1, 2), undone(1, 2, Ending::Ok)])).pending_undos().is_empty());
    // Wanted once is tried once.
    let again = and(&wanted, &[undo(1, 2), undone(1, 2, Ending::Failed)]);
    assert!(refusal(&again, undo(1, 3)).contains("no decision to retry it is recorded"));
    let left = after(&and(&failed, &asked(5, 1, &menu, Choice::Skip)));
    assert!(left.is_left(1) && !left.may_undo(1));
    let is_unknown_to_all = [abort(true), undo(1, 1), undone(1, 1, Ending::Unknown)];
    assert!(refusal(&is_unknown_to_all, undo(1, 2)).contains("cannot be undone now"));
    let resolved = |choice| Event::StepResolved { step: 1, choice, evidence: "looked".into() };
    assert_eq!(after(&and(&is_unknown_to_all, &[resolved(Choice::Undone)])).steps[1].state, StepState::Undone);
    let still_there = and(&is_unknown_to_all, &[resolved(Choice::NotUndone), undo(1, 2), undone(1, 2, Ending::Ok)]);
    assert_eq!(after(&still_there).steps[1].state, StepState::Undone);
    // One that provably never began is as if it had not been tried.
    after(&[abort(true), undo(1, 1), undone(1, 1, Ending::NotStarted), undo(1, 2)]);
}

#[test]
fn an_undo_that_is_not_what_was_confirmed_is_wanted_by_its_digest_for_one_attempt() {
    let back = [abort(true), began(&[1])];
    let menu = vec![Choice::Retry, Choice::RunChanged, Choice::Skip];
    let question = |step: u32, set: Option<Digest>| {
        let ask = Ask::Decide { about: About::Other, text: "?".into(), choices: menu.clone(), means: Vec::new(), set };
        opened(5, step, ask)
    };
    let shown = Digest::of(b"as it is now");
    assert!(refusal(&back, question(1, None)).contains("not what was confirmed"));
    assert!(refusal(&back, question(3, Some(shown.clone()))).contains("not what was confirmed"));
    let chosen = |choice| and(&back, &[question(1, Some(shown.clone())), accepted(5, 1, decide(choice))]);
    let wanted = chosen(Choice::RunChanged);
    assert_eq!(after(&wanted).changed_undo(1), Some(&shown));
    let tried = and(&wanted, &[undo(1, 1), undone(1, 1, Ending::Failed)]);
    assert_eq!(after(&tried).changed_undo(1), None);
    assert!(after(&chosen(Choice::Retry)).changed_undo(1).is_none());
    // One that was never tried can be left, in a step that takes others back as well.
    let left = after(&chosen(Choice::Skip));
    assert!(left.is_left(1) && left.named_undos(2) == [0]);
}

#[test]
fn an_undo_of_holds_the_undo_of_those_it_names() {
    // What every ending undoes needs no question in the good one; an `undo_of` of the good one alone does.
    after(&[by_name()]);
    let once = |always| {
        let mut event = begun();
        if let Event::RunCreated { steps, .. } = &mut event {
            steps[2].always = always;
        }
        let mut view = RunView::begin(&record(1, event)).unwrap();
        for (seq, event) in (2..).zip(done()) {
            view.apply(&record(seq, event)).unwrap_or_else(|why| panic!("{}", why.0));
        }
        view.apply(&record(view.seq + 1, by_name()))
    };
    assert!(once(false).unwrap_err().0.contains("without a confirmation"));
    once(true).unwrap_or_else(|why| panic!("{}", why.0));
    assert!(refusal(&[], undo(1, 1)).contains("not asked for"));
    let ending = [abort(false), by_name()];
    // Those beyond the reach of the whole rollback are named here.
    let at_work = and(&ending, &[undo(1, 1), undone(1, 1, Ending::Ok), undo(0, 1)]);
    assert!(refusal(&at_work, ended(2, 1, Ending::Ok)).contains("without its intent"));
    assert!(refusal(&ending, intent(3, 1, EffectClass::Read, None)).contains("while an attempt"));
    assert!(refusal(&ending, sealed(RunStatus::Aborted, 0)).contains("while an attempt"));
    let over = after(&and(&at_work, &[undone(0, 1, Ending::Ok), ended(2, 1, Ending::Ok)]));
    assert_eq!((over.undoing(), over.steps[2].state), (None, StepState::Done));
    assert!(refusal(&[abort(false)], intent(3, 1, EffectClass::Change, None)).contains("is of class read"));
}

#[test]
fn a_held_run_waits_until_it_is_resumed() {
    let held = and(&[intent(3, 1, EffectClass::Read, None), ended(3, 1, Ending::Failed)], &{
        asked(5, 3, &[Choice::Hold, Choice::Retry], Choice::Hold)
    });
    let view = after(&held);
    assert_eq!((view.status(false), view.status(true)), (RunStatus::Held, RunStatus::Held));
    assert_eq!(view.held().map(|held| held.step), Some(3));
    for event in [intent(3, 2, EffectClass::Read, None), sealed(RunStatus::Failed, 0)] {
        assert!(refusal(&held, event).contains("is held and was not resumed"));
    }
    let resumed = and(&held, &[Event::RunResumed { why: "resumed".into() }]);
    assert_eq!(after(&resumed).status(false), RunStatus::Interrupted);
    after(&and(&resumed, &[intent(3, 2, EffectClass::Read, None)]));
}

#[test]
fn going_on_beyond_the_budget_is_a_decision() {
    let view = after(&[abort(true)]);
    assert!(!view.is_beyond_budget());
    let more = and(&[abort(true)], &asked(5, 1, &[Choice::Hold, Choice::Rollback], Choice::Rollback));
    assert!(after(&more).is_beyond_budget());
}

#[test]
fn what_was_stopped_is_never_folded_to_failed() {
    use StepState::{Done, Stopped};
    let mut act = done();
    act.pop();
    act.push(ended(1, 1, Ending::Cancelled));
    let undo_ends = |ending| [abort(true), undo(1, 1), undone(1, 1, ending)];
    let still_there = Event::StepResolved { step: 1, choice: Choice::NotUndone, evidence: "looked".into() };
    let mut wrong = Vec::new();
    let check = [intent(3, 1, EffectClass::Read, None), ended(3, 1, Ending::Cancelled)];
    for (what, events, step, state) in [
        ("an act", act.clone(), 1, Stopped),
        ("its undo after it", and(&act, &undo_ends(Ending::Cancelled)), 1, Stopped),
        ("the undo of what was done", and(&done(), &undo_ends(Ending::Cancelled)), 1, Done),
        ("an act whose undo left it there", and(&and(&act, &undo_ends(Ending::Unknown)), &[still_there]), 1, Stopped),
        ("an undo_of", and(&done(), &[abort(false), by_name(), ended(2, 1, Ending::Cancelled)]), 2, Stopped),
        ("a check", and(&done(), &check), 3, Stopped),
    ] {
        let found = folded(&events).steps[step].state;
        wrong.extend((found != state).then_some((what, found)));
    }
    assert_eq!(wrong, []);
    // A stopped undo is still needed, and runs again only where a person wants it.
    let stopped = after(&undo_ends(Ending::Cancelled));
    assert!(stopped.steps[1].is_latest_undo() && stopped.pending_undos() == [1] && !stopped.may_undo(1));
}
