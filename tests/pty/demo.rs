//! The demo estate, from its first screen to its removal.

use super::{
    Home, WIDE, all_output, files, is_restored, leave, line_with, next_prompt, open_prompt, settings, start, stdout,
    until,
};
use crate::support::pty::{Exit, Pty, SOON};
use rustix::process::Signal;
use std::fs;
use std::time::Instant;

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
    start(&pty, "□ CHANGE");
    let shown = pty.wait_for(SOON, |screen| screen.contains("to confirm this change"));
    assert!(shown.contains("12 of 15") && shown.contains("open handles"), "{shown}");
    assert_eq!(files(&logs, ".gz"), waiting, "something was done before it was confirmed");
    next_prompt(&pty, "to confirm this change", "SIGN OFF");
    pty.wait_for(SOON, |screen| screen.contains("moved logs/") && screen.contains("ollowing ┐"));
    assert_eq!((files(&logs, ".gz"), files(&archive, ".gz")), (waiting - 12, archived + 12));
    pty.press_until("c", |screen| screen.contains("ended well"));
    let over = pty.wait_for(SOON, |screen| screen.contains(" report 01"));
    assert!(over.contains("3/3") && over.contains("was moved to"), "{over}");

    // A second process sees the same.
    let state = home.word("state/demo/state");
    let ask = |arguments: &[&str]| {
        std::process::Command::new(super::MIDWATCH).args(["--state", &state]).args(arguments).output().unwrap()
    };
    let runs = ask(&["runs"]);
    let run = stdout(&runs).split_whitespace().next().unwrap().to_owned();
    assert!(stdout(&runs).contains("Archive rotated logs") && over.contains(&run), "{}", all_output(&runs));
    let report = ask(&["report", &run]);
    assert!(
        report.status.success() && stdout(&report).contains("Move rotated logs to the archive"),
        "{}",
        all_output(&report)
    );
    let verify = ask(&["verify", &run]);
    assert!(verify.status.success() && stdout(&verify).contains("whole and sealed"), "{}", all_output(&verify));

    // `q` leaves level by level, and asks at the top.
    asked(&pty);
    pty.press_until("j", |screen| screen.contains("Type  remove 1 run  and press Enter"));
    phrase(&pty, "remove 2 runs");
    pty.press_until("\r", |screen| screen.contains("does not match; nothing was removed"));
    assert!(home.path("state/demo/state/runs").join(&run).exists());
    phrase(&pty, "remove 1 run");
    pty.send("\r");
    assert_eq!(pty.exit(SOON), Exit::Code(0), "{}", pty.screen());
    assert!(pty.screen().contains("the demo estate is removed, with 1 run"), "{}", pty.screen());
    assert!(!home.path("state/demo").exists());
    until("the keeper is gone", || home.processes("__keeper").is_empty());
    assert!(pty.look(is_restored));
}

/// Presses `q` until it is asked what becomes of the demo.
fn asked(pty: &Pty) -> String {
    let until = Instant::now() + SOON;
    while !pty.screen().contains("Leave the demo") {
        assert!(Instant::now() < until, "{}", pty.screen());
        let before = pty.screen();
        pty.send("q");
        pty.wait_for(SOON, |screen| screen != before);
    }
    pty.screen()
}

/// Types a phrase into the dialog, from its beginning, until all of it was taken.
fn phrase(pty: &Pty, text: &str) {
    let is_there = |screen: &str| screen.lines().any(|line| line.contains(&format!("┃ {text}▌")));
    let (first, rest) = text.split_at(1);
    pty.press_until(&format!("\x15{first}"), |screen| screen.contains(&format!("┃ {first}▌")));
    pty.type_in(rest);
    pty.wait_for(SOON, is_there);
}

/// Leaves the demo, and keeps it; returns what is printed after it.
fn keep(pty: &Pty) -> String {
    asked(pty);
    let until = Instant::now() + SOON;
    while pty.look(vt100::Screen::alternate_screen) {
        assert!(Instant::now() < until, "{}", pty.screen());
        let before = pty.screen();
        pty.send("c");
        pty.wait_until(SOON, |screen| !screen.alternate_screen() || screen.contents() != before);
    }
    assert_eq!(pty.exit(SOON), Exit::Code(0), "{}", pty.screen());
    pty.screen()
}

fn says_how_a_second_terminal_shows_it(pty: &Pty) {
    pty.press_until("?", |screen| screen.contains("keys and symbols"));
    pty.press_until("G", |screen| screen.contains("second terminal: midwatch"));
    pty.press_until("\x1b", |screen| !screen.contains("keys and symbols"));
}

/// A wallboard and a console open beside the demo, and a wallboard without the flag names it.
fn opens_from_a_shell(home: &Home, run: &str) {
    let wall = home.open(&["--demo", "watch"], &[], WIDE);
    wall.wait_for(SOON, |screen| screen.contains("demo · OTHER") && screen.contains("novacron-worker"));
    wall.send("q");
    assert_eq!(wall.exit(SOON), Exit::Code(0));
    let wall = home.open(&["watch"], &[], WIDE);
    wall.wait_for(SOON, |screen| screen.contains("a demo is there: --demo watch"));
    wall.send("q");
    assert_eq!(wall.exit(SOON), Exit::Code(0));
    let attached = home.open(&["--demo", "attach", run], &[], WIDE);
    let shown = attached.wait_for(SOON, |screen| screen.contains(&format!("--demo report {run}")));
    assert!(shown.contains("demo · OTHER"), "{shown}");
    leave(&attached);
    assert!(home.path("state/demo/midwatch.toml").exists(), "only the demo's own console asks");
}

#[test]
fn what_is_kept_is_found_from_a_shell_and_removed_by_name() {
    let home = Home::new();
    let pty = demo(&home);
    says_how_a_second_terminal_shows_it(&pty);
    // Typed at once: the dialog opens, and nothing behind it counts.
    pty.send("qjc\rremove the demo\r");
    let dialog = pty.wait_for(SOON, |screen| screen.contains("Leave the demo"));
    assert!(dialog.contains("to leave and KEEP the demo") && dialog.contains("0 runs"), "{dialog}");
    assert!(pty.look(vt100::Screen::alternate_screen) && home.path("state/demo").exists());
    pty.press_until("\x1b", |screen| !screen.contains("Leave the demo"));
    let root = format!("root={}", home.word("state/demo/srv/cell0"));
    let ran = home.command(&["--demo", "run", "cell0/health-check", &root]);
    let run = stdout(&home.command(&["--demo", "runs"])).split_whitespace().next().unwrap_or_default().to_owned();
    assert_eq!(run.len(), 26, "{}", all_output(&ran));
    assert_eq!(ran.status.code(), Some(0), "{}", all_output(&ran));
    let report = format!("midwatch --state {} --demo report {run}", home.word("state"));
    assert!(all_output(&ran).contains(&report), "{}", all_output(&ran));
    until("the run is over", || home.processes("__runner").is_empty());
    let left = keep(&pty);
    let state = home.word("state");
    for word in [
        "the demo estate stays, with 1 run".to_owned(),
        format!("records    {}", home.word("state/demo/state/runs")),
        format!("midwatch --state {state} --demo runs"),
        format!("midwatch --state {state} --demo report RUN"),
        format!("midwatch --state {state} demo --stop"),
    ] {
        assert!(unwrapped(&left).contains(&word), "{word}\n{left}");
    }
    assert!(home.path("state/demo/midwatch.toml").exists());

    // The commands that were printed work, and without the flag they say which do.
    for (command, word) in [("report", "Health check"), ("verify", "whole")] {
        let found = home.command(&["--demo", command, &run]);
        assert!(stdout(&found).contains(word), "{}", all_output(&found));
        let lost = home.command(&[command, &run]);
        let hint = format!("a demo estate is there; its runs: midwatch --state {state} --demo runs");
        assert!(all_output(&lost).contains(&hint) && !lost.status.success(), "{}", all_output(&lost));
    }
    let none = all_output(&home.command(&["runs"]));
    assert!(none.contains("no runs yet") && none.contains("a demo estate is there"), "{none}");
    opens_from_a_shell(&home, &run);

    let gone = stdout(&home.command(&["demo", "--stop"]));
    assert!(gone.contains("the demo estate is removed, with 1 run"), "{gone}");
    let none = home.command(&["--demo", "runs"]);
    assert!(
        all_output(&none).contains("there is no demo estate in") && none.status.code() == Some(2),
        "{}",
        all_output(&none)
    );
}

/// The screen with its wrapped lines in one piece.
fn unwrapped(screen: &str) -> String {
    let wide = usize::from(WIDE.0);
    let line = |line: &str| if line.chars().count() == wide { line.to_owned() } else { format!("{line}\n") };
    screen.lines().map(line).collect()
}

#[test]
fn nothing_is_removed_under_a_second_console_and_a_second_demo_comes_back_to_the_first() {
    let home = Home::new();
    let first = demo(&home);
    let second = demo(&home);
    assert!(String::from_utf8_lossy(&second.raw()).contains("the demo estate is still there"));
    assert_eq!(home.processes("__keeper").len(), 1);
    asked(&first);
    first.press_until("j", |screen| screen.contains("Type  remove the demo  and press Enter"));
    phrase(&first, "remove the demo");
    first.send("\r");
    assert_eq!(first.exit(SOON), Exit::Code(0), "{}", first.screen());
    let left = first.screen();
    assert!(left.contains("another console is open on it, so the demo estate stays, with 0 runs"), "{left}");
    assert!(home.path("state/demo/midwatch.toml").exists());
    // A signal keeps it, and prints that.
    second.kill(Signal::TERM);
    assert_eq!(second.exit(SOON), Exit::Code(143));
    assert!(second.screen().contains("the demo estate stays, with 0 runs"), "{}", second.screen());
    assert!(stdout(&home.command(&["demo", "--stop"])).contains("removed"));
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
    assert!(stop.status.success() && stdout(&stop).contains("removed"), "{}", all_output(&stop));
    assert!(!home.path("state/demo").exists());
    until("the keeper is gone", || home.processes("__keeper").is_empty());
    assert!(stdout(&home.command(&["demo", "--stop"])).contains("there is no demo estate"));
}

#[test]
fn leaving_with_a_live_run_keeps_the_demo_and_prints_it() {
    let home = Home::new();
    let pty = demo(&home);
    let found = settings(&pty);
    plan(&pty, "Archive rotated logs", 2);
    start(&pty, "□ CHANGE");
    pty.press_until("\x1b", |screen| !screen.contains("□ CHANGE") && screen.contains("asks to confirm"));
    let dialog = asked(&pty);
    assert!(dialog.contains("It cannot be removed while 1 run is not over"), "{dialog}");
    pty.send("j");
    let text = keep(&pty);
    assert!(text.contains("the demo estate stays, with 1 run, 1 of them not over"), "{text}");
    assert!(home.path("state/demo/midwatch.toml").exists());
    assert_ne!(settings(&pty), found, "the console takes the terminal raw");

    // The next one goes on where this one left.
    let pty = home.open(&["demo"], &[], WIDE);
    let back = open_prompt(&pty, "□ CHANGE");
    assert!(back.contains("Move 12 files"), "{back}");
    let stop = home.command(&["demo", "--stop"]);
    assert!(stop.status.success(), "{}", all_output(&stop));
    let output = all_output(&stop);
    assert!(output.contains("stopping: 1 run is being ended") && output.contains("removed, with 1 run"), "{output}");
    assert!(home.processes("__runner").is_empty(), "a runner outlives its demo");
}

#[test]
fn the_demos_own_checklist_ticks_by_what_the_demo_shows() {
    let home = Home::new();
    let pty = demo(&home);
    assert!(pty.screen().contains("tonight"), "a window is open: {}", pty.screen());
    pty.send("5");
    pty.wait_for(SOON, |screen| screen.contains("☐  Files are backed up"));
    pty.send("\r");
    pty.wait_for(SOON, |screen| screen.contains("Press  c  to start"));
    pty.page_through();
    pty.press_until("c", |screen| screen.contains("Before 3/5"));
    let shown = pty.screen();
    for ticked in ["Files are backed up", "Gateway answers", "Record the state of the host"] {
        assert!(line_with(&shown, ticked).contains("evidence"), "{ticked}\n{shown}");
    }
    assert!(line_with(&shown, "All backups are healthy").contains("☐"), "{shown}");
    let stop = home.command(&["demo", "--stop"]);
    assert!(stop.status.success(), "{}", all_output(&stop));
}
