//! Emergencies: outside its window a run begins, and past its end a step, for a reason and by another person's word alone.

use super::people::{ANNA, BEN, Team, approve, is_root};
use crate::support::estate::Estate;
use crate::support::hours::{estate, set_clock, sunday};
use crate::support::run::{consent, decide, demand};
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Answer, Ask, Choice};

const CHANGE: &str = r#"
[[work]]
title  = "Append a line"
effect = "change"
takes  = "10m"
do     = { exec = ["sh", "-c", "echo done >>{tree}/done"] }
undo   = { none = "a test" }
"#;

fn team(at: &str) -> Team {
    let team = Team::with(estate(at));
    team.estate.procedure("one", "window = \"weekly\"", CHANGE);
    team
}

#[test]
fn an_emergency_begins_when_another_person_agrees_to_the_whole_plan() {
    if !is_root() {
        return;
    }
    let team = team("12:00");
    let run = team.start_waiting(ANNA, "one", &["--emergency", "the disk is full"]);
    let prompt = run.prompt();
    let plan = run.view().plan;
    assert!(
        matches!(&prompt.ask, Ask::Approve { text, hash, start: true } if text == "Emergency: the disk is full" && *hash == plan),
        "{prompt:?}"
    );
    team.refused(ANNA, &run, demand(&prompt, approve()), "the second person must be another one");
    // Another runner asks the same question again, and not a second one once it was answered.
    run.kill_runner();
    team.midwatch(ANNA, &["resume", run.dir.id.as_str()]).exits(0);
    let again = run.prompt_after(&prompt.id);
    team.accept(BEN, &run, &again, approve());
    let change = run.prompt_after(&again.id);
    assert_eq!((run.count("step.intent"), team.estate.lines("done")), (0, 0));
    team.accept(ANNA, &run, &change, consent(&change));
    let view = run.sealed();
    assert_eq!((view.sealed, team.estate.lines("done")), (Some(RunStatus::Ok), 1));
    assert_eq!(view.start_approval().unwrap().by.uid, BEN.uid);
    let report = team.midwatch(ANNA, &["report", run.dir.id.as_str()]).exits(0);
    report.prints("the disk is full").prints("the start");
    team.midwatch(ANNA, &["runs"]).exits(0).prints("EMERGENCY");
    run.is_whole_and_known();
}

#[test]
fn an_emergency_without_approval_does_nothing() {
    if !is_root() {
        return;
    }
    let team = team("12:00");
    let run = team.start_waiting(ANNA, "one", &["--emergency", "the disk is full"]);
    let prompt = run.prompt();
    assert!(matches!(prompt.ask, Ask::Approve { start: true, .. }), "{prompt:?}");
    team.accept(BEN, &run, &prompt, Answer::Cancel);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    assert_eq!((run.count("step.intent"), team.estate.lines("done")), (0, 0));
}

#[test]
fn past_the_end_a_step_begins_by_the_word_of_another_person_alone() {
    if !is_root() {
        return;
    }
    let team = team("03:00");
    let two = format!("{CHANGE}{}", CHANGE.replace("Append", "Add").replace("[[work]]", "[[end]]"));
    team.estate.procedure("two", "window = \"weekly\"", &two);
    let run = team.start_waiting(ANNA, "two", &[]);
    let first = run.prompt();
    set_clock(&team.estate, &sunday("03:55"));
    team.accept(ANNA, &run, &first, consent(&first));
    let late = run.prompt_after(&first.id);
    let Ask::Decide { text, choices, .. } = &late.ask else { panic!("{late:?}") };
    assert!(text.contains("no time for Append a line") && choices.contains(&Choice::Emergency), "{late:?}");
    team.refused(ANNA, &run, demand(&late, decide(Choice::Emergency)), "the second person must be another one");
    let bare = Answer::Decide { choice: Choice::Emergency, reason: " ".to_owned() };
    team.refused(BEN, &run, demand(&late, bare), "needs a reason");
    team.accept(BEN, &run, &late, decide(Choice::Emergency));
    // This one step, and after a consent of its own where there is none.
    let next = run.prompt_after(&late.id);
    let next = match &next.ask {
        Ask::Confirm { .. } => {
            team.accept(ANNA, &run, &next, consent(&next));
            run.prompt_after(&next.id)
        }
        _ => next,
    };
    let Ask::Decide { text, .. } = &next.ask else { panic!("{next:?}") };
    assert!(text.contains("no time for Add a line"), "{text}");
    assert_eq!(team.estate.lines("done"), 1);
    team.accept(ANNA, &run, &next, decide(Choice::Abort));
    let view = run.sealed();
    assert!(view.is_emergency() && view.overrides.iter().all(|passed| passed.late && passed.by.uid == BEN.uid));
    team.midwatch(ANNA, &["report", run.dir.id.as_str()]).exits(0).prints("although there was no time");
    team.midwatch(ANNA, &["runs"]).exits(0).prints("EMERGENCY");
    run.is_whole_and_known();
}

#[test]
fn an_emergency_begins_in_production_where_no_window_exists() {
    if !is_root() {
        return;
    }
    let team = Team::with(Estate::of("production"));
    team.estate.procedure("one", "", CHANGE);
    let run = team.start_waiting(ANNA, "one", &["--emergency", "the disk is full"]);
    let prompt = run.prompt();
    assert!(matches!(prompt.ask, Ask::Approve { start: true, .. }), "{prompt:?}");
    // A runner that takes over reads the windows that the run froze: none.
    run.kill_runner();
    team.midwatch(ANNA, &["resume", run.dir.id.as_str()]).exits(0);
    let again = run.prompt_after(&prompt.id);
    team.accept(BEN, &run, &again, approve());
    let change = run.prompt_after(&again.id);
    team.accept(ANNA, &run, &change, consent(&change));
    assert_eq!((run.sealed().sealed, team.estate.lines("done")), (Some(RunStatus::Ok), 1));
}
