//! A process that left its session and cleared its environment is known by the control group of its attempt.

use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::run::{Run, consent, decide};
use midwatch::domain::RunStatus;
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::{Ask, Choice};
use midwatch::runner::cgroup::Group;
use midwatch::runner::shim::ActRecord;
use std::fs;
use std::path::PathBuf;

/// Whether control groups can be made here; prints it if they cannot.
fn can_be_made() -> bool {
    let home = tempfile::tempdir().unwrap();
    match Group::make(&home.path().join("steps").join("1.1")) {
        Ok(group) => {
            group.remove();
            true
        }
        Err(why) => {
            eprintln!("SKIPPED: no control group can be made here: {why}");
            false
        }
    }
}

/// A step whose act leaves a child in another session, without a variable, that works until `go` is there.
fn estate() -> Estate {
    let estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_SPAN_GRACE", "200");
    let tree = estate.tree("").display().to_string();
    estate.file(
        "child",
        &format!("echo $$ >{tree}child.pid\nwhile ! test -e {tree}go; do sleep 0.02; done\necho late >>{tree}late\n"),
    );
    let act = format!("env -i setsid sh {tree}child & while ! test -e {tree}never; do sleep 0.02; done");
    let steps = format!(
        "[[work]]\ntitle = \"Work\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", \"{act}\"] }}\n\
         undo = {{ exec = [\"sh\", \"-c\", \"echo undone >>{tree}late\"] }}\n"
    );
    estate.procedure("one", "", &steps);
    estate
}

/// Starts the run, and kills the shim and then the act; gives the question, the pid of the child, and the attempt's group.
fn lost(estate: &Estate) -> (Run<'_>, OpenPrompt, u32, PathBuf) {
    let run = estate.start_waiting("one");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let child = wait_for("the child", || fs::read_to_string(estate.tree("child.pid")).ok()?.trim().parse::<u32>().ok());
    let record: ActRecord =
        serde_json::from_slice(&fs::read(run.dir.attempt("1.1").join("act.json")).unwrap()).unwrap();
    let group = record.own_group.expect("the attempt has a group to itself");
    kill_wholly(run.pid_of("1.1", "shim.json"));
    kill_wholly(run.pid_of("1.1", "act.json"));
    let alone = |open: &OpenPrompt| matches!(&open.ask, Ask::Decide { text, .. } if text.ends_with(&format!("still at work: {child} (sh)")) || text.contains(&format!("{child} (sh), ")));
    let open = run.wait("the question about the child", |view| view.prompt.as_ref().is_some_and(alone)).prompt.unwrap();
    (run, open, child, group)
}

#[test]
fn a_child_that_left_its_session_and_its_environment_is_waited_for() {
    if !can_be_made() {
        return;
    }
    let estate = estate();
    let (run, at_work, child, group) = lost(&estate);
    assert!(group.join("cgroup.procs").exists());
    let environ = fs::read_to_string(format!("/proc/{child}/environ")).unwrap();
    assert!(!environ.contains("MIDWATCH"), "{environ}");
    // Another runner finds it as well.
    run.kill_runner();
    run.midwatch("resume", &[]).exits(0);
    let asked = run.prompt_after(&at_work.id);
    let Ask::Decide { choices, .. } = &asked.ask else { panic!("{asked:?}") };
    assert_eq!(*choices, [Choice::End, Choice::Hold, Choice::Abort]);
    fs::write(estate.tree("go"), "").unwrap();
    let ended = run.prompt_after(&asked.id);
    assert!(matches!(&ended.ask, Ask::Decide { choices, .. } if choices.contains(&Choice::Done)), "{ended:?}");
    assert_eq!(estate.lines("late"), 1);
    run.accept(&ended, decide(Choice::Done));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    assert!(!group.exists(), "an empty group is removed");
}

#[test]
fn an_abort_ends_a_child_that_left_its_session_and_its_environment() {
    if !can_be_made() {
        return;
    }
    let estate = estate();
    let (run, _, child, group) = lost(&estate);
    run.midwatch("abort", &[]);
    assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted));
    assert!(fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default().is_empty());
    fs::write(estate.tree("go"), "").unwrap();
    assert_eq!(estate.lines("late"), 0);
    assert!(!group.exists(), "an empty group is removed");
}

#[test]
fn an_attempt_that_ends_leaves_no_group_and_one_whose_child_goes_on_keeps_it() {
    if !can_be_made() {
        return;
    }
    let estate = Estate::default();
    let tree = estate.tree("").display().to_string();
    let steps = |end: &str| {
        format!(
            "[[work]]\ntitle = \"Work\"\neffect = \"change\"\n\
             do = {{ exec = [\"sh\", \"-c\", \"cat /proc/self/cgroup >{tree}cgroup; {end}\"] }}\nundo = {{ none = \"a test\" }}\n"
        )
    };
    let serves = format!("(while ! test -e {tree}go; do sleep 0.02; done) >/dev/null 2>&1 &");
    for (end, keeps) in [("true", false), (serves.as_str(), true)] {
        estate.procedure("one", "", &steps(end));
        estate.start("one", &["--yes", "change"]).exits(0);
        let run = estate.runs().into_iter().last().unwrap();
        let act = fs::read(run.attempt("1.1").join("act.json")).unwrap();
        let group = serde_json::from_slice::<ActRecord>(&act).unwrap().own_group.unwrap();
        let seen = fs::read_to_string(estate.tree("cgroup")).unwrap();
        let name = group.file_name().unwrap().to_str().unwrap();
        assert!(seen.lines().any(|line| line.starts_with("0::/") && line.ends_with(name)), "{seen}");
        assert_eq!(group.exists(), keeps, "{end}");
        if keeps {
            fs::write(estate.tree("go"), "").unwrap();
            estate.nothing_runs();
            fs::remove_dir(&group).unwrap();
        }
    }
}
