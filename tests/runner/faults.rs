//! Rows of the fault matrix that no other test shows: what is stopped, set wrong, renamed, rewritten or scarce.

use crate::support::estate::{BINARY, Estate, finish, kill_wholly, wait_for};
use crate::support::invariants::violations;
use crate::support::run::{Run, consent, decide};
use midwatch::domain::RunStatus;
use midwatch::journal::chain;
use midwatch::journal::record::{Ask, Choice, Ending, Event};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::Command;

/// Two programs that append a line each; the first waits for the file `go`.
fn estate() -> Estate {
    let estate = Estate::default();
    give(&estate, "done");
    estate
}

fn give(estate: &Estate, word: &str) {
    let wait = "while ! test -e {tree}/go; do sleep 0.02; done";
    let steps = format!(
        r#"
[[work]]
title   = "First line"
effect  = "change"
timeout = "60s"
do      = {{ exec = ["sh", "-c", "echo {word} >>{{tree}}/first; {wait}"] }}
undo    = {{ none = "a test" }}
[[work]]
title   = "Second line"
effect  = "change"
do      = {{ exec = ["sh", "-c", "echo {word} >>{{tree}}/second"] }}
undo    = {{ none = "a test" }}
"#
    );
    estate.procedure("two", "lock = [\"host\"]\nprompt = \"phase\"", &steps);
}

/// Starts the run, consents to its first step, and waits for its effect.
fn at_work(estate: &Estate) -> Run<'_> {
    let run = estate.start_waiting("two");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    run.pid_of("1.1", "act.json");
    wait_for("the effect", || (estate.lines("first") == 1).then_some(()));
    run
}

fn effects(estate: &Estate) -> (usize, usize) {
    (estate.lines("first"), estate.lines("second"))
}

fn holds(run: &Run<'_>) {
    assert_eq!(violations(&fs::read(run.dir.journal()).unwrap()), Vec::<String>::new());
    run.midwatch("verify", &[]).exits(0);
}

#[test]
fn a_stopped_runner_is_not_taken_over_and_goes_on_when_it_may() {
    let estate = estate();
    let run = at_work(&estate);
    let runner = Pid::from_raw(i32::try_from(run.runner()).unwrap()).unwrap();
    kill_process(runner, Signal::STOP).unwrap();
    let before = run.records().len();
    // It lives, so no process takes over the run or its locks.
    run.midwatch("resume", &[]).exits(6);
    estate.start("two", &["--yes", "change"]).exits(6);
    fs::write(estate.tree("go"), "").unwrap();
    assert_eq!((run.records().len(), effects(&estate)), (before, (1, 0)));
    // A client that stops the run gets the reason for the silence.
    let stopped = format!("process {}, is stopped (SIGSTOP) and answers nothing", run.runner());
    run.midwatch("abort", &[]).exits(1).prints(&stopped).prints(&format!("kill -CONT {}", run.runner()));
    kill_process(runner, Signal::CONT).unwrap();
    let of_it = Run { estate: &estate, dir: run.dir.clone() };
    assert_eq!(of_it.drive().sealed, Some(RunStatus::Ok));
    assert_eq!(effects(&estate), (1, 1));
    holds(&of_it);
}

#[test]
fn a_clock_that_jumps_ends_no_step_and_the_numbers_keep_the_order() {
    for by in [86_400_i64, -86_400] {
        let estate = estate();
        let shift = estate.beside("shift");
        let estate = estate.with("MIDWATCH_WALL_SHIFT", &shift.display().to_string());
        let run = at_work(&estate);
        fs::write(&shift, by.to_string()).unwrap();
        fs::write(estate.tree("go"), "").unwrap();
        assert_eq!(run.drive().sealed, Some(RunStatus::Ok), "{by}");
        assert_eq!(effects(&estate), (1, 1), "{by}");
        let took = |event: &Event| match event {
            Event::StepOutcome { outcome, .. } => Some((outcome.ending, outcome.took_ms < 60_000)),
            _ => None,
        };
        let took: Vec<_> = run.events().iter().filter_map(took).collect();
        assert_eq!(took, [(Ending::Ok, true), (Ending::Ok, true)], "{by}");
        let records = run.records();
        let jumps = records.windows(2).filter(|pair| {
            let (one, two) = (pair[0].wall.0.as_second(), pair[1].wall.0.as_second());
            (two - one).abs() > 43_200
        });
        assert!(jumps.count() >= 1, "the clock did not jump: {by}");
        assert!(records.windows(2).all(|pair| pair[0].boot <= pair[1].boot && pair[0].seq + 1 == pair[1].seq));
        holds(&run);
    }
}

#[test]
fn after_a_reboot_no_pid_is_trusted() {
    let estate = estate();
    let run = at_work(&estate);
    let (act, shim) = (run.pid_of("1.1", "act.json"), run.pid_of("1.1", "shim.json"));
    run.kill_runner();
    kill_wholly(shim);
    // The same pid and start time, of another boot.
    for file in ["act.json", "shim.json"] {
        let path = run.dir.attempt("1.1").join(file);
        let mut id: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        id["boot_id"] = "5f2b6c1e-0000-4000-8000-000000000000".into();
        fs::write(&path, id.to_string()).unwrap();
    }
    run.midwatch("resume", &[]).exits(0);
    let prompt = run.prompt();
    let Ask::Decide { text, .. } = &prompt.ask else { panic!("{prompt:?}") };
    assert!(text.contains("kept no outcome") && !text.contains(&act.to_string()), "{text}");
    assert!(fs::exists(format!("/proc/{act}/stat")).unwrap(), "it was signalled");
    fs::write(estate.tree("go"), "").unwrap();
    run.accept(&prompt, decide(Choice::Done));
    assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
    assert_eq!(effects(&estate), (1, 1));
    holds(&run);
}

#[test]
fn the_frozen_plan_runs_even_if_its_files_change() {
    let estate = estate();
    let run = at_work(&estate);
    give(&estate, "another");
    fs::write(estate.beside("midwatch.toml"), "this is no estate").unwrap();
    fs::write(estate.tree("go"), "").unwrap();
    // The consent to the first step covers the second. The runner alone goes on: a command would have to read the estate.
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert_eq!(fs::read_to_string(estate.tree("second")).unwrap(), "done\n");
    assert_eq!(effects(&estate), (1, 1));
    assert_eq!(violations(&fs::read(run.dir.journal()).unwrap()), Vec::<String>::new());
}

#[test]
fn a_run_whose_directory_is_renamed_changes_nothing_more() {
    let estate = estate();
    let run = at_work(&estate);
    let elsewhere = estate.beside("elsewhere");
    fs::rename(&run.dir.path, &elsewhere).unwrap();
    fs::write(estate.tree("go"), "").unwrap();
    // The act under way ends. Then the runner gives up, or asks what to do about a step that it can no longer prepare.
    let journal = || fs::read(elsewhere.join("journal.jsonl")).unwrap();
    let asks = || chain::read(&journal()).walk.into_view().is_some_and(|view| view.prompt.is_some());
    wait_for("the end of the work", || (estate.processes().is_empty() || asks()).then_some(()));
    assert_eq!(effects(&estate), (1, 0));
    assert_eq!(violations(&journal()), Vec::<String>::new());
}

#[test]
fn without_descriptors_a_run_is_refused_or_whole_and_never_half() {
    for limit in [6, 10, 14, 18, 24] {
        let estate = estate();
        fs::write(estate.tree("go"), "").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {limit}; exec {BINARY} run test/two --yes change")]);
        estate.surround(&mut command);
        let printed = finish(command);
        let Some(dir) = estate.runs().pop() else {
            assert!(printed.code != Some(0) && effects(&estate) == (0, 0), "{limit}: {printed:?}");
            continue;
        };
        let run = Run { estate: &estate, dir };
        let records = run.records();
        if records.is_empty() {
            assert_eq!(effects(&estate), (0, 0), "{limit}: {printed:?}");
            continue;
        }
        if run.view().sealed.is_none() {
            run.midwatch("abort", &[]);
            run.sealed();
        }
        let begun = run.count("step.intent");
        assert!(effects(&estate).0 + effects(&estate).1 <= begun, "{limit}: {printed:?}");
        holds(&run);
        estate.nothing_runs();
    }
}
