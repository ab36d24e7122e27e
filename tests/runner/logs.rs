//! Logs through the real runner: rotated under a writer, archived, killed at every failpoint, and each effect once.

use crate::runner::failpoints::{IN_THE_ACT, OF_ONE_STEP, each, killed};
use crate::sources::bus::{Bus, UNIT};
use crate::support::estate::{Estate, kill_wholly, wait_for};
use crate::support::run::consent;
use midwatch::domain::RunStatus;
use midwatch::runner::protocol::Demand;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// One step on files, with its proof and its undo.
fn step(estate: &Estate, act: &str, proof: &str) {
    let steps = format!(
        r#"
[[work]]
title  = "Work on logs"
effect = "change"
rerun  = "safe"
do     = {{ files = {act} }}
prove  = {{ files = "{proof}" }}
undo   = {{ files = "restore" }}
"#
    );
    estate.procedure("logs", "", &steps);
}

const ARCHIVE: &str = r#""archive", under = "logs", match = "*.log", to = "archive""#;
const ROTATE: &str = r#""rotate", under = "logs", match = "*.log", reopen = "each-line""#;
const PERMISSIONS: &str = r#""permissions", under = "logs", match = "*.log", mode = "0600""#;

fn with_logs(case: &str) -> Estate {
    let estate = Estate::default().with("MIDWATCH_FAILPOINT", case);
    for number in 0..3 {
        estate.file(&format!("logs/{number}.log"), &format!("log {number}\n"));
        let mode = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(estate.tree(&format!("logs/{number}.log")), mode).unwrap();
    }
    estate
}

/// Kills everywhere, and counts the effects.
fn everywhere(act: &str, proof: &str, effects: impl Fn(&Estate, &str) + Sync) {
    each(&OF_ONE_STEP, |point, case| {
        let mut estate = with_logs(case);
        step(&estate, act, proof);
        estate.start("logs", &["--yes", "change"]);
        killed(&mut estate, point, case);
        assert_eq!(estate.run().drive().sealed, Some(RunStatus::Ok), "{case}");
        effects(&estate, case);
        estate.run().is_whole_and_known();
        estate.nothing_runs();
    });
    each(&IN_THE_ACT, |_, case| {
        let estate = with_logs(case);
        step(&estate, act, proof);
        estate.start("logs", &["--yes", "change"]);
        assert_eq!(estate.run().drive().sealed, Some(RunStatus::Ok), "{case}");
        assert!(estate.run().unknown() > 0, "{case}: the act was not killed");
        effects(&estate, case);
        estate.nothing_runs();
    });
}

#[test]
fn killed_anywhere_every_log_is_archived_once() {
    everywhere(ARCHIVE, "archived", |estate, case| {
        assert_eq!(estate.names("logs").len(), 0, "{case}");
        assert_eq!(estate.names("archive"), ["0.log.gz", "1.log.gz", "2.log.gz"], "{case}");
        for number in 0..3 {
            let archive = std::fs::File::open(estate.tree(&format!("archive/{number}.log.gz"))).unwrap();
            let text = Command::new("gzip").args(["-d", "-c"]).stdin(archive).output().unwrap().stdout;
            assert_eq!(String::from_utf8(text).unwrap(), format!("log {number}\n"), "{case}");
        }
    });
}

#[test]
fn killed_anywhere_every_log_is_rotated_once() {
    everywhere(ROTATE, "rotated", |estate, case| {
        assert_eq!(estate.names("logs").len(), 6, "{case}: {:?}", estate.names("logs"));
        for number in 0..3 {
            let text = std::fs::read_to_string(estate.tree(&format!("logs/{number}.log.rotated-1"))).unwrap();
            assert_eq!((text, estate.lines(&format!("logs/{number}.log"))), (format!("log {number}\n"), 0), "{case}");
        }
    });
}

#[test]
fn killed_anywhere_every_mode_is_set() {
    everywhere(PERMISSIONS, "granted", |estate, case| {
        for name in estate.names("logs") {
            let mode = std::fs::metadata(estate.tree(&format!("logs/{name}"))).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{case}");
        }
    });
}

#[test]
fn completed_steps_are_undone() {
    for (act, proof) in [(ARCHIVE, "archived"), (ROTATE, "rotated"), (PERMISSIONS, "granted")] {
        let estate = with_logs("none");
        let steps = format!(
            r#"
[[work]]
title  = "Work on logs"
effect = "change"
do     = {{ files = {act} }}
prove  = {{ files = "{proof}" }}
undo   = {{ files = "restore" }}
[[work]]
title  = "Stop here"
manual = "Nothing to do."
"#
        );
        estate.procedure("logs", "", &steps);
        let run = estate.start_waiting("logs");
        let first = run.prompt();
        run.accept(&first, consent(&first));
        run.prompt_after(&first.id);
        run.ask(Demand::Abort { undo: true });
        assert_eq!(run.sealed().sealed, Some(RunStatus::Aborted), "{act}");
        assert_eq!(estate.names("logs"), ["0.log", "1.log", "2.log"], "{act}");
        for number in 0..3 {
            let path = estate.tree(&format!("logs/{number}.log"));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("log {number}\n"), "{act}");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640, "{act}");
        }
        run.is_whole_and_known();
    }
}

/// A program that keeps its log open and writes numbered lines into it, and opens it again at USR1.
fn writer(estate: &Estate) -> Child {
    let trap = "trap 'exec >>app.log' USR1";
    let script = format!(
        "{trap}\nexec >>app.log\nn=0\nwhile :; do n=$((n + 1)); echo \"line $n\"; read -t 0.002 <>../fifo; done"
    );
    assert!(Command::new("mkfifo").arg(estate.tree("fifo")).status().unwrap().success());
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(estate.tree("logs")).stdin(Stdio::null());
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("lines", || (estate.lines("logs/app.log") > 5).then_some(()));
    child
}

fn signalled(estate: &Estate) {
    let reopen = format!("reopen = {{ unit = \"{UNIT}\", signal = \"USR1\" }}");
    step(estate, &format!("\"rotate\", under = \"logs\", match = \"app.log\", {reopen}"), "rotated");
}

#[test]
fn a_log_is_rotated_under_its_writer_and_no_line_is_lost() {
    let mut estate = Estate::default();
    estate.file("logs/app.log", "");
    std::fs::set_permissions(estate.tree("logs/app.log"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut child = writer(&estate);
    let bus = Bus::start_for(&estate.beside("home"), child.id());
    estate = estate.with("DBUS_SYSTEM_BUS_ADDRESS", &bus.address());
    signalled(&estate);
    estate.start("logs", &["--yes", "change"]).exits(0).prints("no writer is left");
    wait_for("lines in the new log", || (estate.lines("logs/app.log") > 5).then_some(()));
    kill_wholly(child.id());
    child.wait().unwrap();
    let old = std::fs::read_to_string(estate.tree("logs/app.log.rotated-1")).unwrap();
    let new = std::fs::read_to_string(estate.tree("logs/app.log")).unwrap();
    let all: Vec<&str> = old.lines().chain(new.lines()).collect();
    let expected: Vec<String> = (1..=all.len()).map(|number| format!("line {number}")).collect();
    assert_eq!(all, expected);
    let mode = std::fs::metadata(estate.tree("logs/app.log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_program_that_does_not_handle_the_signal_is_not_sent_it() {
    let mut estate = Estate::default();
    estate.file("logs/app.log", "a line\n");
    let log = std::fs::OpenOptions::new().append(true).open(estate.tree("logs/app.log")).unwrap();
    let mut child = Command::new("tail").args(["-f", "/dev/null"]).stdin(Stdio::null()).stdout(log).spawn().unwrap();
    let bus = Bus::start_for(&estate.beside("home"), child.id());
    estate = estate.with("DBUS_SYSTEM_BUS_ADDRESS", &bus.address());
    signalled(&estate);
    estate.start("logs", &["--yes", "change"]).prints("does not handle it, and would end");
    assert!(child.try_wait().unwrap().is_none(), "it was killed");
    assert_eq!(estate.names("logs"), ["app.log"]);
    kill_wholly(child.id());
    child.wait().unwrap();
}
