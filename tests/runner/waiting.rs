//! `wait` through the real binary: what is waited for, what is never it, and what is left of a wait that was killed.

use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::domain::{RunStatus, StepState};
use midwatch::journal::record::{Ask, Choice, Ending, Event, Outcome};
use midwatch::runner::protocol::{Demand, Reply};
use std::fs;

/// A sign-off, and a wait for a queue that is a file with a number in it.
fn estate(until: &str, timeout: &str) -> Estate {
    let estate = Estate::default().with("MIDWATCH_SPAN_WAIT_EVERY", "50");
    let steps = format!(
        r#"
[[work]]
title  = "Begin"
manual = "Begin."
[[work]]
title   = "Queue reaches zero"
wait    = {{ exec = ["cat", "{{tree}}/queue"] }}
until   = "{until}"
timeout = "{timeout}"
"#
    );
    estate.procedure("drain", "", &steps);
    estate.file("queue", "12\n");
    estate
}

/// Starts the run, signs, and waits until the queue was looked at.
fn waiting(estate: &Estate) -> Run<'_> {
    let run = estate.start_waiting("drain");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    looked(&run, "2.1", "value 12");
    run
}

/// Waits until a log contains a text.
fn looked(run: &Run<'_>, attempt: &str, text: &str) {
    let log = run.dir.log(&format!("{attempt}.log"));
    wait_for(text, || fs::read_to_string(&log).unwrap_or_default().contains(text).then_some(()));
}

fn outcome(run: &Run<'_>) -> Outcome {
    run.wait("an outcome", |view| view.steps[1].outcome.is_some()).steps[1].outcome.clone().unwrap()
}

#[test]
fn a_wait_is_over_when_it_is_so_for_its_span_and_the_journal_stays_small() {
    let estate = estate("value == 0 for 1s", "10m");
    let run = waiting(&estate);
    // What is not there is unknown, and unknown is never zero.
    fs::remove_file(estate.tree("queue")).unwrap();
    looked(&run, "2.1", "unknown: exit code 1");
    let head = run.view().steps[1].head.clone();
    assert_eq!((head.until.as_deref(), head.timeout_s), (Some("value is 0 for 1 s"), Some(600)));
    estate.file("queue", "0\n");
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Ok));
    let outcome = outcome(&run);
    assert!(outcome.detail.starts_with("value 0 · so for 1 s"), "{}", outcome.detail);
    assert!(outcome.took_ms >= 1000 && outcome.counts["looks"] > 3, "{outcome:?}");
    assert_eq!(outcome.evidence.unwrap().facts["value"], "0");
    assert_eq!(run.count("step.intent"), 1, "one record for all looks");
    run.is_whole_and_known();
    estate.nothing_runs();
}

#[test]
fn a_wait_whose_time_is_up_fails_with_its_last_value_and_can_be_retried() {
    let estate = estate("value == 0", "2s");
    let run = waiting(&estate);
    let prompt = run.prompt();
    let Ask::Decide { text, .. } = &prompt.ask else { panic!("{prompt:?}") };
    assert!(text.contains("not so within 2 s: value 12 · wanted: value is 0"), "{text}");
    assert_eq!(outcome(&run).ending, Ending::TimedOut);
    estate.file("queue", "0\n");
    run.accept(&prompt, decide(Choice::Retry));
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[1].attempts), (Some(RunStatus::Ok), 2));
}

#[test]
fn a_wait_goes_on_when_its_runner_is_killed_and_when_all_of_it_is() {
    let estate = estate("value == 0", "10m");
    let run = waiting(&estate);
    run.kill_runner();
    let (shim, act) = (run.pid_of("2.1", "shim.json"), run.pid_of("2.1", "act.json"));
    run.midwatch("resume", &[]).exits(0);
    // The looks never stopped; now they are killed with their new runner.
    run.runner();
    run.kill_runner();
    kill_wholly(shim);
    kill_wholly(act);
    run.midwatch("resume", &[]).exits(0);
    looked(&run, "2.1.again1", "value 12");
    estate.file("queue", "0\n");
    let view = run.sealed();
    assert_eq!((view.sealed, view.steps[1].attempts, view.resumed), (Some(RunStatus::Ok), 1, 2));
    assert!(outcome(&run).recovered);
    run.is_whole_and_known();
    estate.nothing_runs();
}

#[test]
fn a_wait_that_was_killed_has_no_more_time_than_its_intent_gave_it() {
    let estate = estate("value == 0", "4s");
    let run = waiting(&estate);
    let began = run.view().steps[1].started.unwrap();
    run.kill_runner();
    for file in ["shim.json", "act.json"] {
        kill_wholly(run.pid_of("2.1", file));
    }
    wait_for("the end of its time", || {
        let now = midwatch::probes::clock::now().wall;
        (now.since(began).as_secs() >= 4).then_some(())
    });
    estate.file("queue", "0\n");
    run.midwatch("resume", &[]).exits(0);
    run.prompt();
    let outcome = outcome(&run);
    assert_eq!(outcome.ending, Ending::TimedOut);
    assert!(outcome.detail.contains("nothing was seen"), "{}", outcome.detail);
    run.kill_runner();
}

#[test]
fn an_abort_ends_a_wait_at_once() {
    let estate = estate("value == 0 for 5m", "10m");
    let run = waiting(&estate);
    assert!(matches!(run.ask(Demand::Abort { undo: false }), Reply::Accepted { .. }));
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Aborted));
    let outcome = outcome(&run);
    assert_eq!(outcome.ending, Ending::Cancelled);
    assert!(outcome.detail.contains("value 12") && outcome.took_ms < 60_000, "{outcome:?}");
    estate.nothing_runs();
}

#[test]
fn steps_are_taken_for_each_and_only_where_they_are_wanted() {
    let estate = Estate::default();
    estate.procedure(
        "each",
        "[params]\nimage = { map = [\"api\", \"worker\"], match = '^v\\d+$' }",
        r#"
[[look]]
id    = "state"
title = "State of {{it}}"
each  = "{{image}}"
read  = { exec = ["cat", "{tree}/{{it}}"] }
save  = "before"
[[work]]
id     = "roll"
title  = "Roll {{it}}"
each   = ["api", "worker"]
when   = "before[it].output != {{image[it]}}"
effect = "change"
do     = { exec = ["sh", "-c", "echo {{it}} {{before[it].output}} {{image[it]}} >>{tree}/done"] }
undo   = { none = "a test" }
[[work]]
title  = "Notify on-call"
when   = "before[none].output == 1"
notify = "unreached"
"#,
    );
    estate.file("api", "v1\n");
    estate.file("worker", "v2\n");
    estate.start("each", &["image=api=v2"]).exits(2).prints("needs a value for `worker`");
    estate.start("each", &["image=api=v2,worker=latest"]).exits(2).prints("does not match ^v\\d+$");
    estate.start("each", &["image=api=v2,worker=v2"]).exits(75);
    let run = estate.run();
    let prompt = run.prompt();
    assert_eq!(prompt.step, 2);
    run.accept(&prompt, consent(&prompt));
    // The last condition is unknown: a person is asked, and it is not skipped silently.
    let prompt = run.prompt_after(&prompt.id);
    let Ask::Decide { text, .. } = &prompt.ask else { panic!("{prompt:?}") };
    assert!(text.starts_with("unknown: whether before[none].output is 1: "), "{text}");
    run.accept(&prompt, decide(Choice::Skip));
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Ok));
    let skipped = &view.steps[3];
    assert_eq!((skipped.state, skipped.head.title.as_str()), (StepState::Skipped, "Roll worker"));
    let reason = skipped.remark.clone().unwrap();
    assert_eq!(reason, "not needed: only when before[worker].output is not v2 (v2 is not v2)");
    assert_eq!(fs::read_to_string(estate.tree("done")).unwrap(), "api v1 v2\n");
    assert_eq!(run.events().iter().filter(|event| matches!(event, Event::StepSkipped { .. })).count(), 2);
}
