//! An act failed, or lost its shim, while a process of it still works: nothing is repeated, undone or settled beside that.

use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::domain::RunStatus;
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Ask, Choice, Event};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::time::Duration;

/// A program that leaves a child in a session of its own, which writes `late` once `go` is there, and fails; its undo writes `undone`.
fn estate(header: &str) -> Estate {
    let estate = Estate::default().with("MIDWATCH_SPAN_GRACE", "200").with("MIDWATCH_SPAN_PANES", "0");
    let tree = estate.tree("");
    let child = "echo up >>{0}up; while ! test -e {0}go; do sleep 0.02; done; echo late >>{0}order";
    let work = format!(
        "setsid sh -c '{child}' >/dev/null 2>&1 </dev/null & while ! test -e {{0}}up; do sleep 0.02; done; exit 3"
    );
    let steps = format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", \"{}\"] }}\n\
         undo = {{ exec = [\"sh\", \"-c\", \"echo undone >>{}order\"] }}\n",
        work.replace("{0}", tree.to_str().unwrap()),
        tree.display()
    );
    estate.procedure("one", header, &steps);
    estate
}

/// Starts the run and consents; gives the question that follows.
fn asked(estate: &Estate) -> (Run<'_>, OpenPrompt) {
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let next = run.prompt_after(&prompt.id);
    (run, next)
}

fn menu(prompt: &OpenPrompt) -> (String, Vec<Choice>, Vec<String>) {
    let Ask::Decide { text, choices, means, .. } = &prompt.ask else { panic!("{prompt:?}") };
    (text.clone(), choices.clone(), means.clone())
}

fn is_at_work(prompt: &OpenPrompt) -> bool {
    let (text, choices, _) = menu(prompt);
    text.starts_with("failed: exit code 3; still at work: ")
        && text.contains(" (sh)")
        && choices == [Choice::End, Choice::Hold, Choice::Abort]
}

fn order(estate: &Estate) -> String {
    fs::read_to_string(estate.tree("order")).unwrap_or_default()
}

#[test]
fn a_failed_act_is_undone_only_after_its_last_process_ended() {
    for (ends, expected) in [(false, "late\nundone\n"), (true, "undone\n")] {
        let estate = estate("");
        let (run, at_work) = asked(&estate);
        assert!(is_at_work(&at_work), "{at_work:?}");
        if ends {
            run.accept(&at_work, decide(Choice::End));
        } else {
            fs::write(estate.tree("go"), "").unwrap();
        }
        let failed = run.prompt_after(&at_work.id);
        let (text, choices, _) = menu(&failed);
        assert_eq!(text, "failed: exit code 3");
        assert!(choices.contains(&Choice::Retry) && choices.contains(&Choice::Rollback), "{choices:?}");
        run.accept(&failed, decide(Choice::Rollback));
        assert_eq!(run.sealed().sealed, Some(RunStatus::Failed));
        assert_eq!(order(&estate), expected);
        let ended = |event: &Event| matches!(event, Event::Note { step: Some(0), text } if text.starts_with("ended what still ran of attempt 1.1: "));
        assert_eq!(run.events().iter().filter(|event| ended(event)).count(), usize::from(ends));
        estate.nothing_runs();
    }
}

#[test]
fn an_automatic_rollback_waits_for_the_last_process_of_the_failed_act() {
    let estate = estate("rollback = { on_fail = \"rollback\" }");
    let (run, at_work) = asked(&estate);
    assert!(is_at_work(&at_work), "{at_work:?}");
    assert_eq!(run.count("undo.intent"), 0);
    fs::write(estate.tree("go"), "").unwrap();
    assert_eq!(run.sealed().sealed, Some(RunStatus::Failed));
    assert_eq!(order(&estate), "late\nundone\n");
}

#[test]
fn an_abort_ends_processes_of_a_failed_act_before_the_rollback() {
    let estate = estate("");
    let (run, at_work) = asked(&estate);
    assert!(is_at_work(&at_work), "{at_work:?}");
    run.midwatch("abort", &["--undo"]).exits(0).prints("what still ran of attempt 1.1 has ended: ");
    run.sealed();
    assert_eq!(order(&estate), "undone\n");
    estate.nothing_runs();
}

#[test]
fn a_process_that_outlived_its_shim_and_ended_is_no_longer_shown() {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0");
    let tree = estate.tree("");
    let steps = format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\n\
         do = {{ exec = [\"sh\", \"-c\", \"echo up >>{0}up; while ! test -e {0}go; do sleep 0.02; done\"] }}\n\
         undo = {{ exec = [\"true\"] }}\n",
        tree.display()
    );
    estate.procedure("one", "", &steps);
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    wait_for("the work", || (estate.lines("up") == 1).then_some(()));
    kill_wholly(run.pid_of("1.1", "shim.json"));
    let at_work = run.prompt_after(&prompt.id);
    assert!(menu(&at_work).0.contains("still at work: "), "{at_work:?}");
    fs::write(estate.tree("go"), "").unwrap();
    let (text, choices, means) = menu(&run.prompt_after(&at_work.id));
    assert_eq!(text, "outcome unknown: its shim is gone and kept no outcome");
    let abort = choices.iter().position(|choice| *choice == Choice::Abort).unwrap();
    assert_eq!(means[abort], "stop; leave the target as it is");
}

/// A run that waits at its second step, and whose first one's undo writes `begun`, and `undone` once `go` is there.
fn rolling_back(estate: &Estate) -> Run<'_> {
    let tree = estate.tree("");
    let steps = format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"true\"] }}\n\
         undo = {{ exec = [\"sh\", \"-c\", \"echo begun >>{0}order; while ! test -e {0}go; do sleep 0.02; done; echo undone >>{0}order\"] }}\n\
         [[work]]\ntitle = \"More\"\neffect = \"change\"\ndo = {{ exec = [\"true\"] }}\nundo = {{ none = \"a test\" }}\n",
        tree.display()
    );
    estate.procedure("one", "", &steps);
    let run = estate.start_waiting("one");
    let first = run.prompt();
    run.accept(&first, consent(&first));
    run.prompt_after(&first.id);
    run.midwatch("abort", &["--undo"]).exits(0);
    wait_for("the undo", || (order(estate) == "begun\n").then_some(()));
    run
}

#[test]
fn an_undo_that_outlived_its_shim_is_waited_for() {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_SPAN_GRACE", "200");
    let run = rolling_back(&estate);
    run.kill_runner();
    kill_wholly(run.pid_of("1.1.undo", "shim.json"));
    run.midwatch("resume", &[]).exits(0);
    let at_work = run.prompt();
    let (text, choices, _) = menu(&at_work);
    assert!(text.starts_with("outcome unknown: the undo: its shim is gone; still at work: "), "{text}");
    assert_eq!(choices, [Choice::End, Choice::Hold, Choice::Abort]);
    fs::write(estate.tree("go"), "").unwrap();
    let ended = run.prompt_after(&at_work.id);
    assert_eq!(menu(&ended).1, [Choice::Undone, Choice::NotUndone, Choice::Hold, Choice::Abort]);
    assert_eq!(order(&estate), "begun\nundone\n");
    run.accept(&ended, decide(Choice::Undone));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    estate.nothing_runs();
}

#[test]
fn a_second_request_for_the_rollback_stops_no_undo() {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_SPAN_GRACE", "200");
    let run = rolling_back(&estate);
    run.midwatch("abort", &["--undo"]).exits(0);
    fs::write(estate.tree("go"), "").unwrap();
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    assert_eq!((order(&estate).as_str(), run.count("abort.requested")), ("begun\nundone\n", 1));
    let again =
        |event: &Event| matches!(event, Event::Note { text, .. } if text.contains("asked again for the rollback"));
    assert_eq!(run.events().iter().filter(|event| again(event)).count(), 1);
    assert_eq!((run.count("undo.intent"), run.count("prompt.opened")), (1, 2));
}

#[test]
fn a_takeover_of_a_rollback_stops_no_undo() {
    let takes_over: [&[&str]; 2] = [&["resume"], &["abort", "--undo"]];
    for command in takes_over {
        let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_SPAN_GRACE", "200");
        let run = rolling_back(&estate);
        run.kill_runner();
        let [by, options @ ..] = command else { unreachable!() };
        std::thread::scope(|scope| {
            scope.spawn(|| run.midwatch(by, options).exits(0));
            run.wait("taken over", |_| run.count("run.resumed") == 1);
            // A stopped undo would be killed by now.
            std::thread::sleep(Duration::from_secs(1));
            fs::write(estate.tree("go"), "").unwrap();
        });
        assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted), "{by}");
        assert_eq!((order(&estate).as_str(), run.count("undo.intent")), ("begun\nundone\n", 1), "{by}");
        assert_eq!(run.count("prompt.opened"), 2, "{by}");
        estate.nothing_runs();
    }
}

#[test]
fn a_takeover_that_aborts_without_undo_stops_the_undo() {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_SPAN_GRACE", "200");
    let run = rolling_back(&estate);
    run.kill_runner();
    run.midwatch("abort", &[]);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    assert_eq!((order(&estate).as_str(), run.count("undo.intent")), ("begun\n", 1));
    estate.nothing_runs();
}

#[test]
fn an_abort_ends_an_act_whose_shim_or_child_is_stopped() {
    for files in [&["shim.json"][..], &["act.json"], &["shim.json", "act.json"]] {
        let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_SPAN_GRACE", "60000");
        let tree = estate.tree("");
        // It ends by itself on TERM, and reports it.
        let act = format!(
            "trap 'echo ended >>{0}order; exit 3' TERM; echo up >>{0}up; while :; do sleep 0.02; done",
            tree.display()
        );
        let steps = format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", \"{act}\"] }}\nundo = {{ none = \"a test\" }}\n"
        );
        estate.procedure("one", "", &steps);
        let run = estate.start_waiting("one");
        let prompt = run.prompt();
        run.accept(&prompt, consent(&prompt));
        wait_for("the work", || (estate.lines("up") == 1).then_some(()));
        for file in files {
            let pid = Pid::from_raw(i32::try_from(run.pid_of("1.1", file)).unwrap()).unwrap();
            kill_process(pid, Signal::STOP).unwrap();
        }
        run.midwatch("abort", &[]).exits(0);
        assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted), "{files:?}");
        // TERM goes to its group and to each descendant, so that it may come twice.
        let text = order(&estate);
        assert!(!text.is_empty() && text.lines().all(|line| line == "ended"), "{files:?}: {text}");
        estate.nothing_runs();
    }
}
