//! The demo estate, from its first screen to its removal.

use super::{Home, WIDE, files, is_restored, leave, line_with, open_prompt, said, settings, told, until};
use crate::support::pty::{Exit, Pty, SOON};
use rustix::process::Signal;
use std::fs;

/// Opens the demo and waits until its services have been read.
pub fn demo(home: &Home) -> Pty {
    let pty = home.open(&["demo"], &[], WIDE);
    pty.wait_for(SOON, |screen| line_with(screen, "cell0-gateway").contains("● "));
    pty
}

/// From the panes to the offers of the estate's own mount.
fn offers(pty: &Pty) {
    pty.send("/");
    pty.send("srv/cell0");
    pty.wait_for(SOON, |screen| screen.contains(" filter srv/cell0") && !screen.contains("novacron-api"));
    pty.send("\r");
    pty.wait_for(SOON, |screen| !screen.contains(" filter srv/cell0"));
    pty.send("x");
    pty.wait_for(SOON, |screen| screen.contains("Archive rotated logs") && screen.contains("Data retention cleanup"));
}

/// Goes to an offer and on to its plan; nothing is started.
pub fn plan(pty: &Pty, title: &str, params: usize) {
    offers(pty);
    for _ in 0..5 {
        if line_with(&pty.screen(), title).contains('▌') {
            break;
        }
        let before = pty.screen();
        pty.send("j");
        pty.wait_for(SOON, |screen| screen != before);
    }
    assert!(line_with(&pty.screen(), title).contains('▌'), "{}", pty.screen());
    pty.send("\r");
    pty.wait_for(SOON, |screen| screen.contains("an absolute path"));
    for _ in 0..params {
        pty.send("\r");
    }
    pty.wait_for(SOON, |screen| screen.contains("Press  c  to start"));
}

#[test]
fn the_whole_path_from_a_row_to_the_report() {
    let home = Home::new();
    let pty = demo(&home);
    let worker = pty.wait_for(SOON, |screen| line_with(screen, "novacron-worker").contains("503"));
    assert!(line_with(&worker, "novacron-worker").contains("✖"), "{worker}");
    assert!(worker.contains("demo · OTHER"), "{worker}");
    let logs = home.path("state/demo/srv/cell0/logs");
    let archive = logs.join("archive");
    let (waiting, archived) = (files(&logs, ".gz"), files(&archive, ".gz"));

    plan(&pty, "Archive rotated logs", 2);
    assert!(pty.screen().contains("Move 12 files from logs to logs/archive"), "{}", pty.screen());
    pty.press_until("c", |screen| screen.contains("□ CHANGE"));
    let shown = pty.wait_for(SOON, |screen| screen.contains("to confirm this change"));
    assert!(shown.contains("12 of 15") && shown.contains("open handles"), "{shown}");
    assert_eq!(files(&logs, ".gz"), waiting, "something was done before it was confirmed");
    pty.press_until("c", |screen| screen.contains("SIGN OFF"));
    pty.wait_for(SOON, |screen| screen.contains("moved logs/") && screen.contains("ollowing ┐"));
    assert_eq!((files(&logs, ".gz"), files(&archive, ".gz")), (waiting - 12, archived + 12));
    pty.press_until("c", |screen| screen.contains("ended well"));
    let over = pty.wait_for(SOON, |screen| screen.contains("midwatch report"));
    assert!(over.contains("3/3") && over.contains("were moved to"), "{over}");

    // A second process sees the same.
    let state = home.word("state/demo/state");
    let ask = |arguments: &[&str]| {
        std::process::Command::new(super::MIDWATCH).args(["--state", &state]).args(arguments).output().unwrap()
    };
    let runs = ask(&["runs"]);
    let run = said(&runs).split_whitespace().next().unwrap().to_owned();
    assert!(said(&runs).contains("Archive rotated logs") && over.contains(&run), "{}", told(&runs));
    let report = ask(&["report", &run]);
    assert!(report.status.success() && said(&report).contains("Move rotated logs to the archive"), "{}", told(&report));
    let verify = ask(&["verify", &run]);
    assert!(verify.status.success() && said(&verify).contains("whole and sealed"), "{}", told(&verify));

    // `q` goes back level by level, and leaves at the top.
    leave(&pty);
    assert!(!home.path("state/demo").exists());
    until("the keeper is gone", || home.processes("__keeper").is_empty());
    assert!(pty.look(is_restored));
}

#[test]
fn a_cut_terminal_keeps_the_demo_and_the_next_one_comes_back_to_it() {
    let home = Home::new();
    let mut pty = demo(&home);
    let config = fs::read_to_string(home.path("state/demo/midwatch.toml")).unwrap();
    pty.hang_up();
    assert_eq!(pty.exit(SOON), Exit::Code(129));
    assert_eq!(home.processes("__keeper").len(), 1);

    let pty = demo(&home);
    assert!(String::from_utf8_lossy(&pty.raw()).contains("the demo estate is still there"));
    assert_eq!(fs::read_to_string(home.path("state/demo/midwatch.toml")).unwrap(), config);
    pty.kill(Signal::KILL);
    pty.exit(SOON);
    assert_eq!(home.processes("__keeper").len(), 1);

    let stop = home.command(&["demo", "--stop"]);
    assert!(stop.status.success() && said(&stop).contains("removed"), "{}", told(&stop));
    assert!(!home.path("state/demo").exists());
    until("the keeper is gone", || home.processes("__keeper").is_empty());
    assert!(said(&home.command(&["demo", "--stop"])).contains("there is no demo estate"));
}

#[test]
fn leaving_with_a_live_run_keeps_the_demo_and_says_so() {
    let home = Home::new();
    let pty = demo(&home);
    let found = settings(&pty);
    plan(&pty, "Archive rotated logs", 2);
    pty.press_until("c", |screen| screen.contains("□ CHANGE"));
    pty.press_until("\x1b", |screen| !screen.contains("□ CHANGE") && screen.contains("asks to confirm"));
    leave(&pty);
    let told = pty.screen();
    assert!(told.contains("the demo estate stays") && told.contains("1 run"), "{told}");
    assert!(home.path("state/demo/midwatch.toml").exists());
    assert_ne!(settings(&pty), found, "the console takes the terminal raw");

    // The next one goes on where this one left.
    let pty = home.open(&["demo"], &[], WIDE);
    let back = open_prompt(&pty, "□ CHANGE");
    assert!(back.contains("Move 12 files"), "{back}");
    let stop = home.command(&["demo", "--stop"]);
    assert!(stop.status.success(), "{}", super::told(&stop));
}

#[test]
fn the_demos_own_checklist_ticks_by_what_the_demo_shows() {
    let home = Home::new();
    let pty = demo(&home);
    assert!(pty.screen().contains("tonight"), "a window is open: {}", pty.screen());
    pty.send("5");
    pty.wait_for(SOON, |screen| screen.contains("☐  The files are backed up"));
    pty.send("\r");
    pty.wait_for(SOON, |screen| screen.contains("Press  c  to start"));
    pty.press_until("c", |screen| screen.contains("Before 3/5"));
    let shown = pty.screen();
    for ticked in ["The files are backed up", "The gateway answers", "The state of the host"] {
        assert!(line_with(&shown, ticked).contains("evidence"), "{ticked}\n{shown}");
    }
    assert!(line_with(&shown, "Every backup is well").contains("☐"), "{shown}");
    let stop = home.command(&["demo", "--stop"]);
    assert!(stop.status.success(), "{}", told(&stop));
}
