//! Lost processes: an outcome that the shim recorded is adopted; a lost outcome is unknown, and is never repeated automatically.

use crate::support::estate::{Estate, kill, kill_wholly, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::domain::{RunStatus, StepState};
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Ask, Choice, Ending, Event, Outcome};
use midwatch::runner::identity::ProcessId;
use midwatch::runner::protocol::Reply;
use std::fs;

/// One program that appends a line and then waits for the file `go`, with further keys of its step.
fn estate(more: &str, end: &str) -> Estate {
    let estate = Estate::default();
    let tree = estate.tree("");
    let wait = format!("echo done >>{0}done; while ! test -e {0}go; do sleep 0.02; done; {end}", tree.display());
    let steps = format!(
        r#"
[[work]]
title  = "Append a line"
effect = "change"
do     = {{ exec = ["sh", "-c", "{wait}"] }}
undo   = {{ none = "a test" }}
{more}
[[work]]
title  = "Append another"
effect = "change"
do     = {{ exec = ["sh", "-c", "echo done >>{}after"] }}
undo   = {{ none = "a test" }}
"#,
        tree.display()
    );
    estate.procedure("one", "", &steps);
    estate
}

/// Starts the run, consents, and waits until the program has done its work and waits.
fn at_work(estate: &Estate) -> Run<'_> {
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    run.pid_of("1.1", "act.json");
    wait_for("the effect", || (estate.lines("done") == 1).then_some(()));
    run
}

fn outcomes(run: &Run<'_>, of: u32) -> Vec<Outcome> {
    let outcome = |event| match event {
        Event::StepOutcome { step, outcome, .. } if step == of => Some(outcome),
        _ => None,
    };
    run.events().into_iter().filter_map(outcome).collect()
}

#[test]
fn a_runner_killed_in_mid_step_loses_nothing() {
    for (end, code, ending) in [("exit 0", 0, Ending::Ok), ("exit 3", 3, Ending::Failed)] {
        let estate = estate("", end);
        let run = at_work(&estate);
        run.kill_runner();
        run.is_interrupted();
        // The act ends while no runner is there, or only after the new one came.
        if code == 0 {
            fs::write(estate.tree("go"), "").unwrap();
            let exit = run.dir.attempt("1.1").join("exit.json");
            wait_for("what the shim keeps", || exit.exists().then_some(()));
        }
        run.midwatch("resume", &[]).exits(0);
        fs::write(estate.tree("go"), "").unwrap();
        let view = run.wait("the adopted outcome", |view| view.steps[0].outcome.is_some());
        let outcome = view.steps[0].outcome.clone().unwrap();
        assert_eq!((outcome.ending, outcome.code, outcome.recovered), (ending, Some(code), true));
        if code == 0 {
            run.drive();
        } else {
            let prompt = run.prompt();
            assert!(matches!(&prompt.ask, Ask::Decide { text, .. } if text.contains("exit code 3")), "{prompt:?}");
            run.accept(&prompt, decide(Choice::Skip));
            run.drive();
        }
        assert_eq!((estate.lines("done"), estate.lines("after")), (1, 1));
        assert_eq!(outcomes(&run, 0).len(), 1);
        run.is_whole_and_known();
        estate.nothing_runs();
    }
}

/// The question about what is still at work: its text, and its choices.
fn at_work_of(prompt: &OpenPrompt) -> (String, Vec<Choice>) {
    match &prompt.ask {
        Ask::Decide { text, choices, .. } => (text.clone(), choices.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lost_shim_with_a_running_child_is_unknown_until_a_person_decides() {
    let estate = estate("", "exit 0");
    let run = at_work(&estate);
    let act = run.pid_of("1.1", "act.json");
    kill_wholly(run.pid_of("1.1", "shim.json"));
    let prompt = run.prompt();
    let (text, choices) = at_work_of(&prompt);
    assert_eq!(choices, [Choice::End, Choice::Hold, Choice::Abort], "nothing is settled over it");
    assert!(text.contains("unknown") && text.contains(&format!("still at work: {act} (sh)")), "{text}");
    assert_eq!(run.view().steps[0].state, StepState::Unknown);
    assert_eq!(run.view().unknown(), 1);
    // Another runner comes to the same, and repeats nothing.
    run.kill_runner();
    run.midwatch("resume", &[]).exits(0);
    let prompt = run.prompt_after(&prompt.id);
    assert!(at_work_of(&prompt).1.contains(&Choice::End));
    assert_eq!((estate.lines("done"), run.count("step.intent")), (1, 1));
    // When it has ended, the question closes by itself, and the usual one is asked.
    kill(act);
    let usual = run.prompt_after(&prompt.id);
    assert_eq!(at_work_of(&usual).1, [Choice::Done, Choice::NotDone, Choice::Skip, Choice::Abort]);
    run.accept(&usual, decide(Choice::Done));
    let view = run.drive();
    assert_eq!((view.sealed, view.unknown()), (Some(RunStatus::Ok), 0));
    assert_eq!((estate.lines("done"), estate.lines("after")), (1, 1));
    estate.nothing_runs();
}

#[test]
fn a_person_can_end_processes_that_still_run() {
    let estate = estate(r#"prove = { exec = ["test", "-e", "{tree}/never"] }"#, "exit 0");
    let run = at_work(&estate);
    kill_wholly(run.pid_of("1.1", "shim.json"));
    let prompt = run.prompt();
    run.accept(&prompt, decide(Choice::End));
    // Only then is the proof asked, and another consent.
    let again = run.prompt_after(&prompt.id);
    assert!(matches!(again.ask, Ask::Confirm { .. }), "{again:?}");
    assert_eq!(run.view().steps[0].state, StepState::Waiting);
    assert!(ProcessId::of(run.pid_of("1.1", "act.json")).is_none_or(|act| !act.lives()));
    assert_eq!((estate.lines("done"), run.count("step.intent"), run.count("step.resolved")), (1, 1, 1));
}

#[test]
fn a_child_of_the_act_that_lives_keeps_the_proof_from_being_asked() {
    let estate = Estate::default();
    let tree = estate.tree("");
    // The work is done by a child, which leaves the group, the session and its parent.
    let work = format!("while ! test -e {0}go; do sleep 0.02; done; echo done >>{0}done", tree.display());
    let steps = format!(
        "[[work]]\ntitle = \"Append\"\neffect = \"change\"\nundo = {{ none = \"a test\" }}\n\
         do = {{ exec = [\"sh\", \"-c\", \"setsid sh -c '{work}' & echo up >{}up; wait; sleep 600\"] }}\n\
         prove = {{ exec = [\"test\", \"-s\", \"{{tree}}/done\"] }}\n",
        tree.display()
    );
    estate.procedure("one", "", &steps);
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    wait_for("the child", || (estate.lines("up") == 1).then_some(()));
    let act = run.pid_of("1.1", "act.json");
    wait_for("the child in its own session", || {
        let found = estate.processes().into_iter().find(|process| process.line.starts_with("sh -c while"));
        found.filter(|process| process.pid != act)
    });
    run.kill_runner();
    kill_wholly(run.pid_of("1.1", "shim.json"));
    kill_wholly(act);
    run.midwatch("resume", &[]).exits(0);
    let prompt = run.prompt();
    let (text, choices) = at_work_of(&prompt);
    assert!(text.contains("still at work") && choices.contains(&Choice::End), "{text}");
    assert_eq!((run.count("step.resolved"), run.count("step.intent")), (0, 1), "no proof was asked");
    assert!(!run.dir.attempt("1.1.proof1").exists());
    // It ends: now the proof finds the effect.
    fs::write(estate.tree("go"), "").unwrap();
    run.wait("the proof", |view| view.steps[0].state == StepState::Done);
    let view = run.drive();
    assert_eq!((view.sealed, estate.lines("done")), (Some(RunStatus::Ok), 1));
    assert!(view.steps[0].remark.as_ref().unwrap().starts_with("proved:"), "{view:?}");
    estate.nothing_runs();
}

#[test]
fn an_act_that_was_not_written_down_never_began() {
    let estate = Estate::default();
    estate.procedure(
        "one",
        "",
        "[[work]]\ntitle = \"Append\"\neffect = \"change\"\nundo = { none = \"a test\" }\n\
        do = { exec = [\"sh\", \"-c\", \"echo done >>{tree}/done\"] }\n",
    );
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    // A directory stands where it would be written down: the shim cannot, and lets nothing go.
    let attempt = run.dir.attempt("1.1");
    let block = std::thread::spawn({
        let attempt = attempt.clone();
        move || wait_for("the attempt", || fs::create_dir(attempt.join("act.json")).ok())
    });
    run.accept(&prompt, consent(&prompt));
    block.join().unwrap();
    let view = run.wait("an outcome", |view| view.steps[0].outcome.is_some());
    let outcome = view.steps[0].outcome.clone().unwrap();
    assert_eq!(outcome.ending, Ending::Failed);
    assert!(outcome.detail.contains("cannot be written down which process acts"), "{outcome:?}");
    assert_eq!(estate.lines("done"), 0);
}

#[test]
fn an_abort_ends_processes_that_outlived_their_shim_before_it_seals() {
    for (resumed, ignores) in [(false, false), (false, true), (true, false)] {
        let trap = if ignores { "trap '' TERM; " } else { "" };
        let estate = Estate::default().with("MIDWATCH_SPAN_GRACE", "200");
        let tree = estate.tree("");
        let steps = format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"change\"\nundo = {{ none = \"a test\" }}\n\
             do = {{ exec = [\"sh\", \"-c\", \"{trap}echo up >{}up; while :; do sleep 0.02; done\"] }}\n",
            tree.display()
        );
        estate.procedure("one", "lock = [\"host\"]", &steps);
        let run = estate.start_waiting("one");
        let prompt = run.prompt();
        run.accept(&prompt, consent(&prompt));
        wait_for("the work", || (estate.lines("up") == 1).then_some(()));
        let act = ProcessId::of(run.pid_of("1.1", "act.json")).unwrap();
        run.kill_runner();
        kill_wholly(run.pid_of("1.1", "shim.json"));
        if resumed {
            run.midwatch("resume", &[]).exits(0);
            run.prompt();
        }
        assert!(act.lives());
        let text = format!("attempt 1.1 was at work without its shim and has ended: {} (sh)", act.pid);
        run.midwatch("abort", &[]).exits(8).prints(&text).prints("its outcome is unknown");
        assert!(!act.lives(), "the command waits for it");
        run.sealed();
        run.midwatch("report", &[]).prints(&format!("ended what still ran of attempt 1.1: {} (sh)", act.pid));
        let view = run.sealed();
        assert_eq!((view.sealed, view.unknown()), (Some(RunStatus::Aborted), 1));
        estate.nothing_runs();
        run.midwatch("verify", &[]).exits(0);
        estate.start_waiting("one");
    }
}

#[test]
fn a_run_on_hold_with_running_processes_keeps_its_locks() {
    let estate = Estate::default();
    let tree = estate.tree("");
    let steps = format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\nundo = {{ none = \"a test\" }}\n\
         do = {{ exec = [\"sh\", \"-c\", \"echo up >{}up; while :; do sleep 0.02; done\"] }}\n",
        tree.display()
    );
    estate.procedure("one", "lock = [\"host\"]", &steps);
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    wait_for("the work", || (estate.lines("up") == 1).then_some(()));
    let act = ProcessId::of(run.pid_of("1.1", "act.json")).unwrap();
    kill_wholly(run.pid_of("1.1", "shim.json"));
    let asked = run.prompt();
    // Neither by its word nor by a reason does anything else get past it.
    for choice in [Choice::Done, Choice::Skip] {
        let reply = run.answer(&asked, decide(choice));
        assert!(!matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    }
    run.accept(&asked, decide(Choice::Hold));
    run.wait("the hold", |view| view.held().is_some());
    assert!(act.lives() && run.view().sealed.is_none());
    estate.start("one", &["--yes", "change"]).exits(6);
    run.midwatch("abort", &[]).exits(8);
    assert!(!act.lives());
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    estate.nothing_runs();
}

#[test]
fn an_abort_with_undo_ends_running_processes_before_the_rollback() {
    for by_socket in [false, true] {
        let estate = Estate::default().with("MIDWATCH_SPAN_GRACE", "200");
        let tree = estate.tree("");
        // The undo shows whether the act still runs beside it; what has ended may wait to be collected.
        let steps = format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"change\"\n\
             do = {{ exec = [\"sh\", \"-c\", \"echo $$ >{0}up; while :; do sleep 0.02; done\"] }}\n\
             undo = {{ exec = [\"sh\", \"-c\", \"if grep '^State' /proc/$(cat {0}up)/status | grep -v '[ZX] (' ; then echo beside; else echo alone; fi >>{0}undone\"] }}\n\
             prove = {{ exec = [\"test\", \"-e\", \"{0}up\"] }}\n",
            tree.display()
        );
        estate.procedure("one", "", &steps);
        let run = estate.start_waiting("one");
        let prompt = run.prompt();
        run.accept(&prompt, consent(&prompt));
        wait_for("the work", || (estate.lines("up") == 1).then_some(()));
        let act = ProcessId::of(run.pid_of("1.1", "act.json")).unwrap();
        if !by_socket {
            run.kill_runner();
        }
        kill_wholly(run.pid_of("1.1", "shim.json"));
        if by_socket {
            run.prompt();
        }
        run.midwatch("abort", &["--undo"]).exits(8);
        assert!(!act.lives(), "the command waits for it");
        run.drive();
        assert_eq!(fs::read_to_string(estate.tree("undone")).unwrap(), "alone\n");
        estate.nothing_runs();
    }
}

#[test]
fn an_abort_of_an_interrupted_run_stops_the_act_under_its_shim() {
    let estate = estate("", "exit 0").with("MIDWATCH_SPAN_GRACE", "200");
    let run = at_work(&estate);
    run.kill_runner();
    run.midwatch("abort", &[]).exits(0);
    let view = run.sealed();
    assert_eq!(view.steps[0].outcome.as_ref().unwrap().ending, Ending::Cancelled);
    assert_eq!((view.sealed, estate.lines("after")), (Some(RunStatus::Aborted), 0));
    estate.nothing_runs();
}

#[test]
fn runner_shim_and_child_lost_together_are_unknown() {
    let estate = estate("", "exit 0");
    let run = at_work(&estate);
    run.kill_runner();
    kill_wholly(run.pid_of("1.1", "shim.json"));
    kill_wholly(run.pid_of("1.1", "act.json"));
    run.midwatch("resume", &[]).exits(0);
    let prompt = run.prompt();
    assert!(matches!(&prompt.ask, Ask::Decide { text, .. } if text.contains("kept no outcome")), "{prompt:?}");
    assert_eq!(outcomes(&run, 0).iter().map(|outcome| outcome.ending).collect::<Vec<_>>(), [Ending::Unknown]);
    // After "not done", the step asks again before it runs.
    run.accept(&prompt, decide(Choice::NotDone));
    let again = run.prompt_after(&prompt.id);
    assert!(matches!(again.ask, Ask::Confirm { .. }));
    assert_eq!((estate.lines("done"), run.count("step.intent")), (1, 1));
    fs::write(estate.tree("go"), "").unwrap();
    run.drive();
    assert_eq!((estate.lines("done"), estate.lines("after")), (2, 1));
    estate.nothing_runs();
}

#[test]
fn an_abort_leaves_an_unknown_outcome_unknown() {
    let estate = estate("", "exit 0");
    let run = at_work(&estate);
    kill_wholly(run.pid_of("1.1", "shim.json"));
    let prompt = run.prompt();
    kill_wholly(run.pid_of("1.1", "act.json"));
    run.accept(&prompt, decide(Choice::Abort));
    let view = run.sealed();
    assert_eq!((view.sealed, view.unknown()), (Some(RunStatus::Aborted), 1));
    assert_eq!(estate.lines("after"), 0);
    run.midwatch("verify", &[]).exits(0);
}

#[test]
fn a_proof_settles_an_unknown_outcome() {
    let estate = estate(r#"prove = { exec = ["grep", "-q", "done", "{tree}/done"] }"#, "exit 0");
    let run = at_work(&estate);
    run.kill_runner();
    kill_wholly(run.pid_of("1.1", "shim.json"));
    kill_wholly(run.pid_of("1.1", "act.json"));
    run.midwatch("resume", &[]).exits(0);
    let view = run.wait("the proof", |view| view.steps[0].state == StepState::Done);
    assert!(view.steps[0].remark.as_ref().unwrap().starts_with("proved:"), "{view:?}");
    run.drive();
    assert_eq!((estate.lines("done"), estate.lines("after"), run.count("step.resolved")), (1, 1, 1));
}

#[test]
fn a_proof_that_nothing_is_there_counts_only_once_nothing_is_at_work() {
    for more in [r#"prove = { exec = ["test", "-e", "{tree}/never"] }"#, r#"rerun = "safe""#] {
        let estate = estate(more, "exit 0");
        let run = at_work(&estate);
        kill_wholly(run.pid_of("1.1", "shim.json"));
        // The program may yet do what is not there: it is waited for.
        let prompt = run.prompt();
        assert!(matches!(&prompt.ask, Ask::Decide { text, .. } if text.contains("still at work")), "{prompt:?}");
        assert_eq!((estate.lines("done"), run.count("step.intent"), run.count("step.resolved")), (1, 1, 0));
        kill_wholly(run.pid_of("1.1", "act.json"));
        let prompt = run.prompt_after(&prompt.id);
        assert!(matches!(prompt.ask, Ask::Confirm { .. }), "{prompt:?}");
        assert_eq!(run.count("step.resolved"), 1);
    }
}
