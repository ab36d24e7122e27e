//! Runs that another person started: each console knows of them, and names the one that waits for a person first.

use super::*;
use midwatch::app::effect::Query;
use midwatch::app::msg::RunSummary;
use midwatch::app::pane::Pane;
use midwatch::app::runs;
use midwatch::app::snapshot::Asks;
use midwatch::app::wallboard::{Wallboard, sentence};
use midwatch::domain::time::Now;
use midwatch::domain::{Boot, Order, RunId, RunStatus};
use std::time::Duration;

/// A run of a list; a larger number is a later start.
fn of(number: u64, status: RunStatus) -> RunSummary {
    let title = format!("Run {number}");
    RunSummary { id: RunId::new(number, 0), title, status, order: Order::Listed, ..sample::runs()[0].clone() }
}

fn later(model: &Model, seconds: u64) -> Msg {
    let by = Duration::from_secs(seconds);
    let boot = Boot(model.now.boot.0 + u64::try_from(by.as_nanos()).unwrap());
    Msg::Tick(Now { wall: model.now.wall.plus(by), boot })
}

fn others(model: &Model) -> Vec<String> {
    model.snapshot().others.into_iter().map(|other| other.title).collect()
}

#[test]
fn each_console_lists_the_runs_again_and_again() {
    for wall in [false, true] {
        let mut model = console();
        model.wallboard = wall.then(|| Wallboard::new(model.now.boot));
        let tick = later(&model, 4);
        assert_eq!(update(&mut model, tick), []);
        let tick = later(&model, 1);
        assert_eq!(update(&mut model, tick), [Effect::Query(Query::WatchRuns)]);
        let tick = later(&model, 1);
        assert_eq!(update(&mut model, tick), []);
    }
}

#[test]
fn a_run_that_begins_elsewhere_comes_onto_the_pane_of_a_console_that_follows_none() {
    let mut model = model();
    press(&mut model, "4 /");
    update(&mut model, Msg::RunsListed(Vec::new()));
    let begun = of(7, RunStatus::Running);
    let effects = update(&mut model, Msg::RunsListed(vec![begun.clone()]));
    assert_eq!(effects, [Effect::Query(Query::FollowRun(begun.id.clone()))]);
    assert_eq!((model.focus, model.modals().len()), (Pane::Bloat, 1), "and moves nothing");
    let again = update(&mut model, Msg::RunsListed(vec![of(8, RunStatus::Waiting), begun]));
    assert_eq!((again, others(&model)), (Vec::new(), vec!["Run 8".to_owned()]));
}

#[test]
fn what_waits_for_a_person_is_named_first_and_what_is_over_or_shown_is_not() {
    let mut model = model();
    update(&mut model, Msg::RunsListed(vec![of(1, RunStatus::Running)]));
    let list = [
        of(9, RunStatus::Held),
        of(8, RunStatus::Running),
        RunSummary { damage: Some("record 7 does not chain".to_owned()), ..of(7, RunStatus::Running) },
        of(6, RunStatus::Ok),
        RunSummary { order: Order::Any, ..of(5, RunStatus::Waiting) },
        of(4, RunStatus::Interrupted),
        of(3, RunStatus::Waiting),
        of(2, RunStatus::Waiting),
        of(1, RunStatus::Running),
    ];
    update(&mut model, Msg::RunsListed(list.to_vec()));
    // The checklist is on its own pane.
    assert_eq!(others(&model), ["Run 3", "Run 2", "Run 8", "Run 4", "Run 9"]);
    let text = runs::more(&model.snapshot().others, true).unwrap();
    assert_eq!(text, format!("+2 more runs wait: Run 3 ({})", RunId::new(3, 0).short()));
    press(&mut model, "R");
    assert!(matches!(model.modal(), Some(Modal::Runs { cursor: Some(id) }) if *id == RunId::new(3, 0)));
    assert_eq!(press(&mut model, "Enter"), [Effect::Query(Query::FollowRun(RunId::new(3, 0)))]);
    assert_eq!(others(&model), ["Run 2", "Run 8", "Run 4", "Run 1", "Run 9"]);
}

#[test]
fn a_prompt_that_waits_here_does_not_hide_that_others_wait() {
    let mut model = following(&sample::change());
    press(&mut model, "Esc 1");
    let followed = RunSummary { id: model.run.following.clone().unwrap(), ..of(1, RunStatus::Running) };
    update(&mut model, Msg::RunsListed(vec![of(3, RunStatus::Running), followed.clone()]));
    let snapshot = model.snapshot();
    assert!(matches!(snapshot.waiting.unwrap().asks, Asks::Act(_)));
    let more = |model: &Model| runs::more(&model.snapshot().others, false);
    assert_eq!(more(&model).as_deref(), Some("+1 more run is running"));
    update(&mut model, Msg::RunsListed(vec![of(3, RunStatus::Running), of(2, RunStatus::Waiting), followed]));
    assert_eq!(more(&model).as_deref(), Some("+1 more run waits"));
}

#[test]
fn leaving_shows_what_continues_and_how_to_come_back() {
    let mut model = following(&sample::change());
    model.command.runs = "midwatch --state /s".to_owned();
    model.command.estate = "midwatch --state /s --config /e".to_owned();
    let id = model.run.following.clone().unwrap();
    let followed = RunSummary { id: id.clone(), ..of(1, RunStatus::Running) };
    let list = RunSummary { order: Order::Any, ..of(7, RunStatus::Waiting) };
    let over = of(6, RunStatus::Ok);
    update(&mut model, Msg::RunsListed(vec![list.clone(), over, of(3, RunStatus::Running), followed]));
    let title = &model.run.view.as_ref().unwrap().title;
    let three = RunId::new(3, 0);
    assert_eq!(
        model.left_behind(),
        [
            format!("run {0} ({title}) waits for an answer: midwatch --state /s --config /e attach {0}", id.short()),
            format!("run {0} (Run 7) is open: midwatch --state /s --config /e attach {0}", list.id.short()),
            format!("run {0} (Run 3) goes on: midwatch --state /s --config /e attach {0}", three.short()),
        ]
    );
    update(&mut model, Msg::RunsListed((1..9).map(|number| of(number, RunStatus::Held)).collect()));
    let lines = model.left_behind();
    assert_eq!((lines.len(), lines.last().unwrap().as_str()), (6, "and 4 more: midwatch --state /s runs"), "{lines:?}");
    model.wallboard = Some(Wallboard::new(model.now.boot));
    assert!(model.left_behind().is_empty(), "a wallboard leads nowhere");
}

#[test]
fn who_reattaches_comes_to_the_run_that_waits_else_to_the_newest() {
    use RunStatus::{Held, Interrupted, Running, Waiting};
    let cases: [(&[RunStatus], u64); 5] = [
        (&[Running, Waiting, Running], 2),
        (&[Waiting, Waiting], 2),
        (&[Running, Running], 2),
        (&[Held, Interrupted, Running], 2),
        (&[Held], 1),
    ];
    for (statuses, expected) in cases {
        let mut model = console();
        let numbers = (1..=u64::try_from(statuses.len()).unwrap()).rev();
        let list = numbers.zip(statuses).map(|(number, status)| of(number, *status)).collect();
        update(&mut model, Msg::RunsListed(list));
        assert_eq!(model.run.following, Some(RunId::new(expected, 0)), "{statuses:?}");
        assert_eq!(model.focus, Pane::Run);
    }
    let mut model = console();
    update(&mut model, Msg::RunsListed(vec![RunSummary { order: Order::Any, ..of(1, Waiting) }]));
    assert_eq!((model.focus, model.checklist.run.following.is_some()), (Pane::Checklist, true));
}

#[test]
fn a_wallboard_follows_what_waits_and_says_what_else_there_is() {
    let mut model = model();
    model.wallboard = Some(Wallboard::new(model.now.boot));
    update(&mut model, Msg::RunsListed(vec![of(1, RunStatus::Running)]));
    let newer = [of(2, RunStatus::Running), of(1, RunStatus::Running)];
    assert_eq!(
        update(&mut model, Msg::RunsListed(newer.to_vec())),
        [Effect::Query(Query::FollowRun(newer[0].id.clone()))]
    );
    let view = sample::change().view().unwrap();
    let waits = RunSummary { id: view.id.clone(), ..of(0, RunStatus::Waiting) };
    let list = vec![of(3, RunStatus::Waiting), of(2, RunStatus::Running), waits.clone()];
    update(&mut model, Msg::RunsListed(vec![of(2, RunStatus::Running), waits.clone()]));
    assert_eq!(model.run.following, Some(waits.id.clone()));
    update(&mut model, Msg::RunFolded { view: Box::new(view), runner_lives: true });
    let text = sentence(&model.snapshot()).whole();
    assert!(text.contains("waits for an operator") && text.contains("+1 more run is running: Run 2 ("), "{text}");
    let effects = update(&mut model, Msg::RunsListed(list));
    assert_eq!(effects, [Effect::Query(Query::FollowRun(RunId::new(3, 0)))]);
    assert!(sentence(&model.snapshot()).whole().contains("+1 more run waits: Run 0 ("));
}
