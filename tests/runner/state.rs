//! The state directory is full, read-only, another user's or missing, or its disk fails: nothing more is changed, and it is reported.

use crate::support::disk::Disk;
use crate::support::estate::{Estate, Printed, finish, kill_wholly, wait_for};
use crate::support::run::{consent, decide};
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Ask, Choice, Closed, Ending, Event};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

/// Two programs that append a line each, the first after the file `go` is there.
fn give(estate: &Estate) {
    let steps = r#"
[[work]]
title  = "First"
effect = "change"
do     = { exec = ["sh", "-c", "echo done >>{tree}/first; while ! test -e {tree}/go; do sleep 0.02; done"] }
undo   = { none = "a test" }
[[work]]
title  = "Second"
effect = "change"
do     = { exec = ["sh", "-c", "echo done >>{tree}/second"] }
undo   = { none = "a test" }
"#;
    estate.procedure("two", "", steps);
}

fn effects(estate: &Estate) -> (usize, usize) {
    (estate.lines("first"), estate.lines("second"))
}

/// `midwatch run` on the procedure, on a thread of its own, while the test does something to it.
fn act_during(estate: &Estate, act: impl FnOnce()) -> Printed {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| estate.start("two", &["--yes", "change"]));
        wait_for("the first effect", || (estate.lines("first") == 1).then_some(()));
        act();
        run.join().unwrap()
    })
}

#[test]
fn a_full_disk_lets_no_run_begin() {
    let disk = Disk::mount(256);
    let estate = Estate::default().keeping_state_in(&disk.path().join("state"));
    give(&estate);
    disk.fill();
    estate.start("two", &["--yes", "change"]).exits(74).prints("full");
    assert_eq!((effects(&estate), estate.runs().len()), ((0, 0), 0));
    estate.nothing_runs();
}

#[test]
fn a_disk_that_fills_up_stops_the_next_step_and_not_the_journal() {
    let disk = Disk::mount(2048);
    let estate = Estate::default().keeping_state_in(&disk.path().join("state"));
    give(&estate);
    fs::write(estate.tree("go"), "").unwrap();
    let run = estate.start_waiting("two");
    let prompt = run.prompt();
    disk.fill();
    run.accept_or_not(&prompt, consent(&prompt));
    // Whether the set could be kept or the act not be started: a person is asked, and nothing was done.
    let prompt = run.prompt_after(&prompt.id);
    assert_eq!(effects(&estate), (0, 0));
    disk.empty();
    let asked_again = if matches!(prompt.ask, Ask::Decide { .. }) {
        run.accept(&prompt, decide(Choice::Retry));
        run.prompt_after(&prompt.id)
    } else {
        prompt
    };
    run.accept(&asked_again, consent(&asked_again));
    assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
    assert_eq!(effects(&estate), (1, 1));
    run.is_whole_and_known();
}

#[test]
fn a_prompt_whose_set_cannot_be_stored_closes_for_that_and_not_for_drift() {
    let disk = Disk::mount(2048);
    let estate = Estate::default().keeping_state_in(&disk.path().join("state"));
    let estate = estate.with("MIDWATCH_SPAN_PROMPT_REREAD", "60");
    give(&estate);
    fs::write(estate.tree("go"), "").unwrap();
    let run = estate.start_waiting("two");
    let prompt = run.prompt();
    disk.fill();
    let next = run.prompt_after(&prompt.id);
    let closed = run.events().into_iter().find_map(|event| match event {
        Event::PromptClosed { prompt: id, why, drift } if id == prompt.id => Some((why, drift.join("; "))),
        _ => None,
    });
    let (why, cause) = closed.unwrap();
    assert!(why == Closed::NoPreview && cause.contains("no space is left on the device"), "{why:?}: {cause}");
    disk.empty();
    let asked_again = if matches!(next.ask, Ask::Decide { .. }) {
        run.accept(&next, decide(Choice::Retry));
        run.prompt_after(&next.id)
    } else {
        next
    };
    run.accept(&asked_again, consent(&asked_again));
    assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
    assert_eq!(effects(&estate), (1, 1));
}

#[test]
fn a_disk_that_fills_up_in_mid_step_loses_no_outcome() {
    let disk = Disk::mount(2048);
    let estate = Estate::default().keeping_state_in(&disk.path().join("state"));
    give(&estate);
    let run = estate.start_waiting("two");
    run.accept(&run.prompt(), consent(&run.prompt()));
    wait_for("the first effect", || (estate.lines("first") == 1).then_some(()));
    disk.fill();
    fs::write(estate.tree("go"), "").unwrap();
    let view = run.wait("the first outcome", |view| view.steps[0].outcome.is_some());
    assert_eq!(view.steps[0].outcome.as_ref().unwrap().code, Some(0));
    let prompt = run.prompt();
    assert_eq!(effects(&estate), (1, 0));
    disk.empty();
    run.accept(&prompt, decide(Choice::Retry));
    assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
    assert_eq!(effects(&estate), (1, 1));
    run.is_whole_and_known();
}

#[test]
fn a_read_only_disk_lets_no_run_begin() {
    let disk = Disk::mount(256);
    let estate = Estate::default().keeping_state_in(&disk.path().join("state"));
    give(&estate);
    disk.freeze();
    estate.start("two", &["--yes", "change"]).exits(74).prints("read-only");
    assert_eq!(effects(&estate), (0, 0));
}

#[test]
fn a_state_directory_that_is_not_ours_alone_is_refused() {
    assert!(rustix::process::geteuid().is_root(), "only root can give a directory away to try this");
    let estate = Estate::default();
    give(&estate);
    fs::create_dir(estate.state()).unwrap();
    std::os::unix::fs::chown(estate.state(), Some(65534), None).unwrap();
    estate.start("two", &["--yes", "change"]).exits(74).prints("belongs to uid 65534");
    std::os::unix::fs::chown(estate.state(), Some(0), None).unwrap();
    fs::set_permissions(estate.state(), fs::Permissions::from_mode(0o777)).unwrap();
    estate.start("two", &["--yes", "change"]).exits(74).prints("others may write to it");
    fs::remove_dir(estate.state()).unwrap();
    fs::create_dir(estate.beside("elsewhere")).unwrap();
    symlink(estate.beside("elsewhere"), estate.state()).unwrap();
    estate.start("two", &["--yes", "change"]).exits(74).prints("symbolic link");
    assert_eq!(effects(&estate), (0, 0));
}

#[test]
fn a_run_whose_directory_is_removed_in_mid_step_changes_nothing_more() {
    let estate = Estate::default();
    give(&estate);
    let printed = act_during(&estate, || {
        let run = estate.run();
        // The runner and the shim hold their files; only the names are gone.
        wait_for("the removal", || fs::remove_dir_all(&run.dir.path).ok());
        fs::write(estate.tree("go"), "").unwrap();
    });
    printed.exits(74).prints("was removed");
    estate.nothing_runs();
    assert_eq!(effects(&estate), (1, 0));
}

#[test]
fn a_run_whose_directory_is_removed_while_it_asks_stops() {
    let estate = Estate::default().with("MIDWATCH_SPAN_PROMPT_REREAD", "60");
    give(&estate);
    let run = estate.start_waiting("two");
    run.prompt();
    // The runner may be writing a set there.
    wait_for("the removal", || fs::remove_dir_all(&run.dir.path).ok());
    estate.nothing_runs();
    assert_eq!(effects(&estate), (0, 0));
}

#[test]
fn a_journal_that_another_program_wrote_to_is_not_written_on() {
    let estate = Estate::default();
    give(&estate);
    let printed = act_during(&estate, || {
        use std::io::Write;
        let run = estate.run();
        let mut journal = fs::File::options().append(true).open(run.dir.journal()).unwrap();
        journal.write_all(b"x").unwrap();
        fs::write(estate.tree("go"), "").unwrap();
    });
    printed.exits(74).prints("another program changed it");
    assert_eq!(effects(&estate), (1, 0));
    estate.run().midwatch("verify", &[]).exits(3);
    estate.nothing_runs();
}

/// `midwatch run` under strace, with the runner's n-th `fdatasync` failing; and what strace saw.
fn with_failing_sync(estate: &Estate, nth: u32) -> (Printed, Vec<String>) {
    let trace = estate.beside("trace");
    let inject = format!("fdatasync:error=EIO:when={nth}");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=fdatasync", "-e", "signal=none"]).arg("-e");
    command.arg(format!("inject={inject}")).arg("-o").arg(&trace).arg(crate::support::estate::BINARY);
    command.args(["run", "test/two", "--yes", "change"]);
    estate.surround(&mut command);
    let printed = finish(command);
    estate.nothing_runs();
    let seen = fs::read_to_string(&trace).unwrap_or_default();
    (printed, seen.lines().map(str::to_owned).collect())
}

#[test]
fn a_sync_that_fails_stops_the_run_and_is_not_tried_again() {
    let strace = Command::new("strace").arg("-V").output();
    assert!(strace.is_ok(), "strace is missing; tests/run installs it");
    for (nth, expected) in [(1, (0, 0)), (2, (0, 0)), (3, (0, 0)), (4, (0, 0)), (5, (1, 0)), (6, (1, 0))] {
        // Without the reading of all panes, whose record may come between any two others.
        let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0");
        give(&estate);
        fs::write(estate.tree("go"), "").unwrap();
        let (printed, seen) = with_failing_sync(&estate, nth);
        printed.exits(74).prints("sync");
        assert_eq!(effects(&estate), expected, "sync {nth}");
        let failed = seen.iter().position(|line| line.contains("INJECTED")).expect("no sync failed");
        let runner = seen[failed].split_whitespace().next().unwrap();
        let later = seen[failed + 1..].iter().filter(|line| line.split_whitespace().next() == Some(runner));
        assert_eq!(later.count(), 0, "{seen:?}");
        if nth == 1 {
            continue;
        }
        // The record whose sync failed may be there or not; either way the run goes on from what is there.
        let run = estate.run();
        run.is_interrupted();
        assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
        assert_eq!(effects(&estate), (1, 1), "sync {nth}");
        run.is_whole_and_known();
    }
}

#[test]
fn a_killed_runner_leaves_no_error_and_differs_from_one_that_gave_up() {
    let estate = Estate::default();
    give(&estate);
    let printed = act_during(&estate, || kill_wholly(estate.run().runner()));
    printed.exits(8).prints("is gone while a step was under way");
    fs::write(estate.tree("go"), "").unwrap();
    assert_eq!(estate.run().drive().sealed, Some(RunStatus::Ok));
    assert_eq!(effects(&estate), (1, 1));
}

/// An act of an adapter that takes a while and changes something: the file `moved` shows that it did.
fn give_an_act(estate: &Estate, files: u32) {
    let steps = r#"
[[work]]
title  = "Move"
effect = "change"
do     = { files = "move", under = "from", match = "*.log", to = "to" }
undo   = { files = "restore" }
"#;
    estate.procedure("move", "", steps);
    fs::create_dir(estate.tree("from")).unwrap();
    for number in 0..files {
        fs::write(estate.tree(&format!("from/{number}.log")), "x").unwrap();
    }
}

#[test]
fn a_disk_that_fills_up_during_a_change_never_makes_it_a_failure() {
    let disk = Disk::mount(4096);
    let estate = Estate::default().keeping_state_in(&disk.path().join("state"));
    give_an_act(&estate, 4000);
    let run = estate.start_waiting("move");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    wait_for("the first effect", || (!estate.names("to").is_empty()).then_some(()));
    disk.fill();
    let view = run.wait("the outcome", |view| view.steps[0].outcome.is_some());
    let outcome = view.steps[0].outcome.clone().unwrap();
    assert_eq!(estate.names("to").len(), 4000);
    assert_eq!(outcome.ending, Ending::Ok, "{}", outcome.detail);
    disk.empty();
    assert_eq!(run.drive().sealed, Some(RunStatus::Ok));
}

#[test]
fn an_act_begins_only_with_disk_space_for_its_result() {
    let disk = Disk::mount(4096);
    let estate = Estate::default().keeping_state_in(&disk.path().join("state"));
    give_an_act(&estate, 4000);
    let run = estate.start_waiting("move");
    let prompt = run.prompt();
    disk.fill();
    run.accept_or_not(&prompt, consent(&prompt));
    let next = run.prompt_after(&prompt.id);
    assert_eq!(estate.names("from").len(), 4000, "{:?}", next.ask);
    let view = run.view();
    assert!(
        view.steps[0].outcome.iter().all(|outcome| outcome.ending != Ending::Unknown),
        "{:?}",
        view.steps[0].outcome
    );
}

#[test]
fn an_act_without_disk_space_for_its_result_touches_nothing() {
    let disk = Disk::mount(4096);
    let estate = Estate::default().keeping_state_in(&disk.path().join("state"));
    give_an_act(&estate, 3);
    let run = estate.start_waiting("move");
    let prompt = run.prompt();
    // Enough for the small files of a shim, and not for the result of the act.
    disk.fill_but(40);
    run.accept_or_not(&prompt, consent(&prompt));
    let view = run.wait("the outcome", |view| view.steps[0].outcome.is_some());
    let outcome = view.steps[0].outcome.clone().unwrap();
    assert_eq!(outcome.ending, Ending::Failed);
    assert!(outcome.detail.starts_with("it touched nothing"), "{}", outcome.detail);
    assert_eq!((estate.names("from").len(), estate.names("to").len()), (3, 0));
}
