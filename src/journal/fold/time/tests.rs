use super::*;
use crate::domain::{Budget, Pace};
use crate::journal::record::{Ending, Event, Record, StepHead};
use crate::journal::samples::*;
use crate::journal::terms::{Terms, Timing, WindowStanding};
use EffectClass::{Change, Destroy, Read};

/// A check of 60 s, a change of 10 min, one of 12 min, and a destroy without a declared time that is stopped after an hour.
fn heads() -> Vec<StepHead> {
    let timed = |verb, effect, takes_s, timeout_s| StepHead {
        takes_s,
        timing: Timing { timeout_s: Some(timeout_s), ..Timing::default() },
        ..head(verb, effect)
    };
    vec![
        timed(Verb::Check, Read, Some(60), 60),
        timed(Verb::Do, Change, Some(600), 3600),
        timed(Verb::Do, Change, Some(720), 3600),
        timed(Verb::Do, Destroy, None, 3600),
    ]
}

fn span(from: u64, until: u64) -> Span {
    Span { window: "weekly".into(), from: minute(from), until: minute(until) }
}

/// A run that began at minute 0 with a window to minute 60, and what happened to it since.
fn run(terms: Terms, standing: Option<WindowStanding>, events: &[Event]) -> RunView {
    let mut created = created(heads());
    if let Event::RunCreated { terms: own, .. } = &mut created {
        **own = terms;
    }
    let judged = standing.map(|standing| Event::WindowJudged { standing, why: "the run begins".into() });
    let all: Vec<Event> = [created].into_iter().chain(judged).chain(events.iter().cloned()).collect();
    let chain = crate::journal::chain::read(&bytes(1, &all));
    chain.walk.into_view().unwrap()
}

fn open(until: u64) -> Option<WindowStanding> {
    Some(WindowStanding { open: Some(span(0, until)), next: None })
}

/// A moment so many minutes after the run began.
fn minute(minutes: u64) -> Wall {
    now(minutes * 60).wall
}

fn words(view: &RunView, step: u32, minutes: u64) -> String {
    view.no_time(step, minute(minutes)).map_or_else(|| "fits".to_owned(), |why| why.words())
}

fn done(step: u32, attempt: u32) -> Vec<Event> {
    let mut events = vec![asked(step, 90 + u128::from(step), Change), answered(step, 90 + u128::from(step))];
    events.push(intent(step, attempt, Change, Some(90 + u128::from(step))));
    events.push(ended(step, attempt, Ending::Ok));
    events
}

fn asked(step: u32, id: u128, effect: EffectClass) -> Event {
    Event::PromptOpened { prompt: prompt(id), step, ask: confirm(effect, step, &[]), expires: minute(600) }
}

fn answered(step: u32, id: u128) -> Event {
    let answer = crate::journal::record::Answer::Confirm { typed: "change".into() };
    Event::AnswerAccepted { prompt: prompt(id), step, answer }
}

#[test]
fn a_change_needs_time_for_itself_and_its_rollback() {
    let plain = Terms::default();
    let view = run(plain.clone(), open(60), &[]);
    let ends = span(0, 60).until.clock();
    let ends = ends.get(..5).unwrap();
    // 10 min forward and as much back.
    assert_eq!(words(&view, 1, 40), "fits");
    let late = format!("needs 10 m + 10 m rollback, 19 m left, window weekly ends {ends} UTC");
    assert_eq!(words(&view, 1, 41), late);
    assert_eq!(words(&view, 0, 59), "fits", "reading is never refused");
    // A destroy without undo and without a known time: its limit.
    assert!(words(&view, 3, 1).starts_with("needs up to 1 h (its limit"), "{}", words(&view, 3, 1));
    // A step that has run needs time for its undo as well.
    let begun = run(plain, open(60), &done(1, 1));
    assert_eq!(begun.pending_undos(), [1]);
    let late = format!("needs 12 m + 22 m rollback, 30 m left, window weekly ends {ends} UTC");
    assert_eq!(words(&begun, 2, 30), late);
    assert_eq!(words(&begun, 2, 26), "fits");
}

#[test]
fn the_rollback_has_a_budget_of_its_own() {
    let budget = |run_s, undo_s| Terms { budget: Budget { run_s, undo_s }, ..Terms::default() };
    let view = run(budget(None, Some(1200)), open(60), &[]);
    let ends = span(0, 60).until.clock();
    let ends = ends.get(..5).unwrap();
    let late = format!("needs 12 m + 20 m rollback, 18 m left, window weekly ends {ends} UTC");
    assert_eq!(words(&view, 2, 42), late);
    // Both together would take longer to undo than their budget, though the window is long enough.
    let begun = run(budget(None, Some(1200)), open(600), &done(1, 1));
    assert_eq!(words(&begun, 2, 1), "the rollback would take 22 m, and its budget is 20 m");
    // The run's own budget, without any window, and without the rollback.
    let view = run(budget(Some(1500), None), None, &[]);
    assert_eq!(words(&view, 1, 15), "fits");
    assert_eq!(words(&view, 1, 16), "needs 10 m, 9 m left of the run's budget of 25 m");
}

#[test]
fn outside_a_window_the_next_one_is_offered() {
    let next = WindowStanding { open: None, next: Some(span(120, 180)) };
    let view = run(Terms::default(), Some(next), &[]);
    let opens = span(120, 180).from.minute();
    assert_eq!(words(&view, 1, 1), format!("no window is open; next: weekly at {opens} UTC"));
    assert_eq!(words(&view, 0, 1), "fits");
    let never = run(Terms::default(), Some(WindowStanding::default()), &[]);
    assert_eq!(words(&never, 1, 1), "no window is open, and none opens again");
    // The end itself is outside.
    let view = run(Terms::default(), open(60), &[]);
    assert_eq!(words(&view, 1, 60), "no window is open, and none opens again");
    // An emergency is a window of its own.
    let emergency = Terms { emergency: Some("the disk is full".into()), ..Terms::default() };
    assert_eq!(words(&run(emergency, Some(WindowStanding::default()), &[]), 1, 1), "fits");
}

#[test]
fn the_point_of_no_return_comes_nearer() {
    let view = run(Terms::default(), open(120), &[]);
    let from = |minutes| view.no_time_from(minute(minutes)).map(|(step, _)| step);
    // 1 + 10 + 12 min, then up to an hour, and 22 min back: in all 105 of 120.
    assert_eq!(from(0), None);
    assert_eq!(from(15), None);
    assert_eq!(from(16), Some(3));
    assert_eq!(from(75), Some(3));
    assert_eq!(from(76), Some(2));
    assert_eq!(from(100), Some(1));
    let (forward, back) = view.remaining(minute(0));
    assert_eq!((forward.as_secs(), back.as_secs()), (60 + 600 + 720 + 3600, 0));
    let begun = run(Terms::default(), open(120), &done(1, 1));
    assert_eq!(begun.remaining(minute(0)).1.as_secs(), 600);
    assert_eq!(begun.window_left(minute(50)).unwrap().1.as_secs(), 70 * 60);
    assert_eq!(run(Terms::default(), None, &[]).no_time_from(minute(600)), None);
}

#[test]
fn past_runs_are_better_estimates_than_the_author() {
    let mut heads = heads();
    let pace = |p90_ms| Some(Pace { p50_ms: 1, p90_ms, runs: 9 });
    heads[1].timing.pace = pace(90_000);
    heads[1].timing.undo = pace(30_000);
    let step = StepView::planned(heads[1].clone());
    assert_eq!((step.expected().time.as_secs(), step.rollback().unwrap().time.as_secs()), (90, 30));
    assert_eq!(StepView::planned(heads[3].clone()).rollback(), None);
    assert_eq!(StepView::planned(heads[2].clone()).rollback().unwrap().basis, Basis::Declared);
}

#[test]
fn what_went_on_past_the_end_is_kept_in_mind() {
    let mut view = run(Terms::default(), open(60), &done(1, 1));
    assert_eq!(view.time.late, []);
    let at = |seq: u64, minutes: u64, event: Event| Record {
        seq,
        run: view_id(),
        wall: minute(minutes),
        boot: now(0).boot,
        actor: actor("runner"),
        event,
        prev: crate::domain::Digest::zero(),
        h: crate::domain::Digest::of(&seq.to_le_bytes()),
    };
    let seq = view.seq;
    // The window is judged again when it is over, and that is not forgotten.
    let over = WindowStanding { open: None, next: Some(span(1000, 1060)) };
    let judged = Event::WindowJudged { standing: over, why: "the window ended".into() };
    view.apply(&at(seq + 1, 61, judged)).unwrap();
    view.apply(&at(seq + 2, 61, Event::AbortRequested { undo: true })).unwrap();
    let undo = Event::UndoIntent { step: 1, attempt: 1, set: Some(set(1)), log: "2.1.undo.log".into() };
    view.apply(&at(seq + 3, 62, undo)).unwrap();
    let late = Late { step: 1, undo: true, until: span(0, 60).until, at: minute(62) };
    assert_eq!(view.time.late, [late]);
}

fn view_id() -> crate::domain::RunId {
    run_id(1)
}

#[test]
fn a_run_and_its_steps_lasted_as_long_as_they_did_however_the_clock_was_set() {
    for by_ms in [34_560_000_000_i64, -34_560_000_000, 0] {
        let events = [Event::ClockJump { by_ms }, intent(0, 1, Read, None), ended(0, 1, Ending::Ok)];
        let view = run(Terms::default(), None, &events);
        let shown = Wall(view.last.0 + jiff::SignedDuration::from_millis(by_ms));
        let real = view.last.since(view.started);
        assert!(real > Duration::ZERO);
        assert_eq!(view.lasted(shown), real, "{by_ms}");
        // The clock was set before the step began, and not while it was at work.
        let step = &view.steps[0];
        assert_eq!(step.lasted(), Some(step.ended.unwrap().since(step.started.unwrap())));
        let events = [intent(0, 1, Read, None), Event::ClockJump { by_ms }];
        let view = run(Terms::default(), None, &events);
        let began = view.steps[0].started.unwrap();
        let now = Wall(began.plus(Duration::from_secs(5)).0 + jiff::SignedDuration::from_millis(by_ms));
        assert_eq!(view.at_work(&view.steps[0], now), Some(Duration::from_secs(5)), "{by_ms}");
    }
}
