//! Every exit code of `midwatch run`, and the locks and policies behind some of them.

use crate::support::estate::{Estate, SOON, kill_wholly, wait_for};
use crate::support::pty::Exit;
use crate::support::run::{Run, consent};
use midwatch::domain::RunStatus;
use std::fs;

/// One step of a class, with more keys.
fn step(effect: &str, action: &str, more: &str) -> String {
    format!("[[work]]\ntitle = \"Step\"\neffect = \"{effect}\"\ndo = {{ {action} }}\n{more}\n")
}

const NO_UNDO: &str = "undo = { none = \"a test\" }";

fn exec(script: &str) -> String {
    step("change", &format!("exec = [\"sh\", \"-c\", \"{script}\"]"), NO_UNDO)
}

fn data(estate: &Estate, count: u32) {
    for number in 0..count {
        estate.file(&format!("data/{number}.json"), "data");
    }
}

const DELETE: &str = "files = \"delete\", under = \"data\", match = \"*.json\"";

#[test]
fn well_is_0_and_a_failed_step_is_1() {
    let estate = Estate::default();
    estate.procedure("good", "", &exec("exit 0"));
    estate.procedure("bad", "", &exec("exit 5"));
    estate.start("good", &["--yes", "change"]).exits(0);
    estate.start("bad", &["--yes", "change"]).exits(1).prints("exit code 5");
}

#[test]
fn a_wrong_command_line_or_configuration_is_2() {
    let estate = Estate::default();
    estate.procedure("good", "", &exec("exit 0"));
    estate.start("none", &[]).exits(2).prints("test/none");
    estate.start("good", &["x=1"]).exits(2).prints("not a parameter");
    estate.start("good", &["--yes", "destroy"]).exits(2);
    estate.midwatch(&["resume", "01ARZ3NDEKTSV4RRFFQ69G5FAV"]).exits(2).prints("there is no run");
    fs::write(estate.beside("midwatch.toml"), "schema = 1\nnam = \"x\"\n").unwrap();
    estate.start("good", &[]).exits(2).prints("nam");
    assert!(estate.runs().is_empty());
}

/// The refusal of a second run names the first.
#[track_caller]
fn is_held(estate: &Estate, first: &Run<'_>) {
    let runs = estate.runs().len();
    estate.start("locked", &[]).exits(6).prints(first.dir.id.as_str());
    assert_eq!(estate.runs().len(), runs, "a run that never began is left behind");
}

#[test]
fn a_lock_held_by_another_run_is_6_even_if_that_run_is_interrupted() {
    let estate = Estate::default();
    estate.procedure("locked", "lock = [\"host\", \"cache\"]", &exec("exit 0"));
    let first = estate.start_waiting("locked");
    is_held(&estate, &first);
    first.kill_runner();
    is_held(&estate, &first);
    first.midwatch("resume", &[]).exits(0);
    is_held(&estate, &first);
    first.midwatch("resume", &[]).exits(6).prints("has a runner already");
    first.drive();
    estate.start("locked", &["--yes", "change"]).exits(0);
    assert_eq!(first.view().locks.len(), 2);
}

#[test]
fn a_lock_file_that_was_replaced_does_not_let_two_runs_act() {
    let estate = Estate::default();
    estate.procedure("locked", "lock = [\"host\"]", &exec("echo done >>{tree}/done"));
    let first = estate.start_waiting("locked");
    let locks = estate.state().join("locks");
    let file = fs::read_dir(&locks).unwrap().next().unwrap().unwrap().path();
    // A copy still names the run that claims the target.
    fs::copy(&file, locks.join("copy")).unwrap();
    fs::rename(locks.join("copy"), &file).unwrap();
    is_held(&estate, &first);
    // Without the file, the journal of the unfinished run still claims it; the first one notices before it acts.
    fs::remove_file(&file).unwrap();
    is_held(&estate, &first);
    assert_eq!(estate.lines("done"), 0);
    let prompt = first.prompt();
    first.accept_or_not(&prompt, consent(&prompt));
    wait_for("the end of the first runner", || (!first.dir.runner_lives()).then_some(()));
    assert_eq!((first.count("step.intent"), estate.lines("done")), (0, 0));
    let text = fs::read_to_string(first.dir.path.join("runner.err")).unwrap();
    assert!(text.contains("was removed or replaced"), "{text}");
    // A new runner takes the lock again, and the run goes on; then another one may begin.
    assert_eq!(first.drive().sealed, Some(RunStatus::Ok));
    assert_eq!(estate.lines("done"), 1);
    estate.start("locked", &["--yes", "change"]).exits(0);
    assert_eq!(estate.lines("done"), 2);
}

#[test]
fn a_refusal_by_policy_is_7() {
    let estate = Estate::default();
    data(&estate, 3);
    let limited = format!("limit = {{ count = 2 }}\n{NO_UNDO}");
    estate.procedure("limited", "", &step("destroy", DELETE, &limited));
    estate.start("limited", &["--confirm", "delete 3 files"]).exits(7).prints("refused");
    estate.procedure("four", "", &step("destroy", DELETE, &format!("confirm = \"four-eyes\"\n{NO_UNDO}")));
    estate.start("four", &["--confirm", "delete 3 files"]).exits(7).prints("second person");
    estate.midwatch(&["--read-only", "run", "test/four"]).exits(7).prints("read-only");
    assert_eq!(estate.names("data").len(), 3);

    let production = Estate::of("production");
    fs::write(production.beside("windows.toml"), crate::support::hours::ANYTIME).unwrap();
    data(&production, 3);
    production.procedure("delete", "", &step("destroy", DELETE, NO_UNDO));
    production.start("delete", &["--confirm", "delete 3 files"]).exits(7).prints("second person");
    assert_eq!((production.names("data").len(), production.runs().len()), (3, 0));
}

#[test]
fn an_unknown_outcome_is_8() {
    let estate = Estate::default();
    estate.procedure("long", "", &exec("echo done >>{tree}/done; sleep 600"));
    std::thread::scope(|scope| {
        let scoped_join_handle = scope.spawn(|| estate.start("long", &["--yes", "change"]));
        wait_for("the effect", || (estate.lines("done") == 1).then_some(()));
        kill_wholly(estate.run().pid_of("1.1", "shim.json"));
        scoped_join_handle.join().unwrap().exits(8).prints("unknown");
    });
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn a_run_that_a_person_stopped_is_9() {
    let estate = Estate::default();
    estate.procedure("long", "", &exec("echo done >>{tree}/done; sleep 600"));
    std::thread::scope(|scope| {
        let scoped_join_handle = scope.spawn(|| estate.start("long", &["--yes", "change"]));
        wait_for("the effect", || (estate.lines("done") == 1).then_some(()));
        estate.run().midwatch("abort", &[]).exits(0);
        scoped_join_handle.join().unwrap().exits(9);
    });
    estate.run().midwatch("resume", &[]).exits(2).prints("is over");
    estate.run().midwatch("abort", &[]).exits(2).prints("is over");
    estate.nothing_runs();
}

#[test]
fn a_run_that_waits_for_a_person_is_75_and_goes_on_waiting() {
    let estate = Estate::default();
    data(&estate, 3);
    estate.procedure("delete", "", &step("destroy", DELETE, NO_UNDO));
    estate.start("delete", &["--yes", "change"]).exits(75).prints("waits for a person");
    let run = estate.run();
    assert_eq!(run.status(), "waiting");
    run.kill_runner();
    estate.start("delete", &["--confirm", "delete 4 files"]).exits(75);
    assert_eq!(estate.names("data").len(), 3);
    estate.start("delete", &["--confirm", "delete 3 files"]).exits(0);
    assert_eq!(estate.names("data").len(), 0);
}

#[test]
fn the_records_are_printed_as_they_were_written() {
    let estate = Estate::default();
    estate.procedure("good", "", &exec("exit 0"));
    let printed = estate.start("good", &["--yes", "change", "--json"]).exits(0);
    assert_eq!(printed.out, fs::read_to_string(estate.run().dir.journal()).unwrap());
}

#[test]
fn a_cancel_explains_its_effect_before_and_after() {
    let estate = Estate::default();
    estate.procedure("good", "", &exec("echo done >>{tree}/done"));
    let pty = estate.terminal(&["run", "test/good"], (120, 40));
    let stops = "the run stops before this step; what it did so far stays as it is";
    pty.wait_for(SOON, |screen| {
        screen.contains(&format!("cancel: {stops}")) && screen.trim_end().ends_with("or cancel [nothing]:")
    });
    pty.send("cancel\r");
    pty.wait_for(SOON, |screen| screen.contains(&format!("cancelled: {stops}")));
    pty.exit(SOON);
    assert_eq!((estate.run().sealed().sealed, estate.lines("done")), (Some(RunStatus::Aborted), 0));
}

#[test]
fn a_watcher_follows_a_run_as_plain_text_and_gets_no_prompt() {
    let estate = Estate::default();
    estate.procedure("good", "", &exec("echo done >>{tree}/done"));
    let run = estate.start_waiting("good");
    let pty = estate.terminal(&["--read-only", "attach", "--plain", run.dir.id.as_str()], (120, 40));
    pty.wait_for(SOON, |screen| screen.contains("asks: change"));
    let asked = run.prompt();
    pty.send("change\r");
    run.accept(&asked, consent(&asked));
    pty.wait_for(SOON, |screen| screen.contains("the run is over: ok"));
    assert!(!pty.screen().contains("to confirm"), "{}", pty.screen());
    assert_eq!(pty.exit(SOON), Exit::Code(0));
    assert_eq!((run.count("answer.accepted"), run.count("answer.rejected"), estate.lines("done")), (1, 0, 1));
}
