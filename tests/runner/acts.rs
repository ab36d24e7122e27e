//! Commands that misbehave: the run goes on, and no process of them is left.

use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::run::{Run, consent};
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Ask, Ending, Outcome};
use midwatch::runner::failpoint;
use midwatch::runner::protocol::{Demand, Reply};
use std::fs;

/// A procedure of one step that runs a shell script.
fn estate(script: &str, more: &str) -> Estate {
    let estate = Estate::default().with("MIDWATCH_SPAN_GRACE", "200");
    let steps = format!(
        r#"
[[work]]
title  = "Misbehave"
effect = "change"
{more}
do     = {{ exec = ["sh", "-c", '''{script}'''] }}
undo   = {{ none = "a test" }}
"#
    );
    estate.procedure("act", "", &steps);
    estate
}

/// Starts the run, consents, and waits until the act is there.
fn at_work(estate: &Estate) -> Run<'_> {
    let run = estate.start_waiting("act");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    run.pid_of("1.1", "act.json");
    run
}

fn outcome(run: &Run<'_>) -> Outcome {
    run.wait("an outcome", |view| view.steps[0].outcome.is_some()).steps[0].outcome.clone().unwrap()
}

fn abort(run: &Run<'_>) -> Outcome {
    assert!(matches!(run.ask(Demand::Abort { undo: false }), Reply::Accepted { .. }));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    run.estate.nothing_runs();
    outcome(run)
}

#[test]
fn a_flood_of_output_is_bounded_and_the_run_still_answers() {
    let estate = estate("yes 'one line of the flood'", "timeout = \"600s\"");
    let run = at_work(&estate);
    let size = || fs::read_dir(run.dir.path.join("logs")).into_iter().flatten().flatten();
    let size = || size().filter_map(|log| log.metadata().ok()).map(|log| log.len()).sum::<u64>();
    wait_for("a flood", || (size() > 1 << 20).then_some(()));
    let reply = run.ask(Demand::Note { step: None, text: "heard in the flood".to_owned() });
    assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    assert!(run.view().steps[0].outcome.is_none(), "the note was heard only when the flood was over");
    let outcome = abort(&run);
    let log = outcome.log.unwrap();
    let kept = run.dir.log(&log.file).metadata().unwrap().len();
    assert!(log.bytes > 1 << 20 && log.dropped <= log.bytes, "{log:?}");
    assert!(kept < 128 << 20, "{kept} bytes were kept");
    run.is_whole_and_known();
}

#[test]
fn a_command_that_never_ends_is_stopped_when_its_time_is_up() {
    let estate = estate("sleep 600; exit 0", "timeout = \"1s\"");
    let printed = estate.start("act", &["--yes", "change"]).exits(1);
    printed.prints("time was up");
    let run = estate.run();
    assert_eq!(outcome(&run).ending, Ending::TimedOut);
    run.kill_runner();
    estate.nothing_runs();
}

#[test]
fn a_command_that_ignores_term_is_killed() {
    let estate = estate("trap '' TERM; while :; do sleep 0.05; done", "");
    let run = at_work(&estate);
    assert_eq!(abort(&run).ending, Ending::Cancelled);
}

#[test]
fn a_process_that_leaves_the_session_is_found_and_ended() {
    let script = "setsid sleep 601 & setsid sh -c 'trap \"\" TERM HUP; (sleep 602 & sleep 603) & echo $$ >{tree}/up; \
                  while :; do sleep 0.05; done' & sleep 604";
    let estate = estate(script, "");
    let run = at_work(&estate);
    wait_for("all of them", || (estate.processes().len() >= 7 && estate.lines("up") == 1).then_some(()));
    assert_eq!(abort(&run).ending, Ending::Cancelled);
}

#[test]
fn a_child_that_keeps_the_pipe_does_not_keep_the_step() {
    let estate = estate("sleep 605 & echo started", "");
    estate.start("act", &["--yes", "change"]).exits(0).prints("1 of its processes still run");
    let left = estate.processes();
    assert!(left.len() == 1 && left[0].line.starts_with("sleep 605"), "{left:?}");
    kill_wholly(left[0].pid);
}

#[test]
fn a_question_at_the_terminal_fails_at_once() {
    let estate = estate("read password </dev/tty", "");
    estate.start("act", &["--yes", "change"]).exits(1);
    let end = outcome(&estate.run());
    assert!(end.ending == Ending::Failed && end.took_ms < 60_000, "{end:?}");
}

#[test]
fn a_line_of_ten_megabytes_is_one_short_line_on_the_screen() {
    let estate = estate("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo after", "");
    let printed = estate.start("act", &["--yes", "change"]).exits(0).prints("| after");
    assert!(printed.out.len() < 64 << 10, "{} bytes were printed", printed.out.len());
    assert_eq!(outcome(&estate.run()).log.unwrap().bytes, 10_000_007);
    estate.run().is_whole_and_known();
}

#[test]
fn a_program_that_cannot_start_fails_and_changes_nothing() {
    let estate = estate("exit 0", "");
    let run = estate.start_waiting("act");
    let prompt = run.prompt();
    // The place of the attempt is taken by something that is no directory.
    fs::write(run.dir.attempt("1.1"), "").unwrap();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!((end.ending, end.code), (Ending::Failed, None));
    assert!(end.detail.contains("could not be started"), "{end:?}");
}

#[test]
fn a_shim_that_cannot_begin_is_a_failure_and_not_a_loop() {
    let estate = estate("echo done >>{tree}/done", "").with("MIDWATCH_FAILPOINT", failpoint::SHIM);
    let run = estate.start_waiting("act");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert!(end.ending == Ending::Failed && end.detail.contains("its shim ended before it began"), "{end:?}");
    assert!(matches!(run.prompt_after(&prompt.id).ask, Ask::Decide { .. }));
    assert_eq!((run.count("step.intent"), estate.lines("done")), (1, 0));
}
