//! Cut terminals, killed consoles and killed runners: the run goes on, and the next console finds it.

use super::{Home, SLOW, WIDE, choose, is_restored, open_prompt, settings, until};
use crate::support::pty::{Exit, Pty, SOON};
use rustix::process::Signal;
use std::fs;
use std::time::{Duration, Instant};

/// A run in the middle of its second step, and a console that shows it.
fn midway() -> (Home, String, Pty) {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let pty = home.open(&["attach", &run], &[], WIDE);
    for step in 1..=2 {
        open_prompt(&pty, &format!("step {step} of 3"));
        pty.press_until("c", |screen| !screen.contains("□ CHANGE"));
    }
    pty.wait_for(SOON, |screen| screen.contains("running step 2"));
    until("the second step began", || home.effects() == ["mark", "begun"]);
    (home, run, pty)
}

/// Lets the second step end, and answers the last one in a new console.
fn goes_on(home: &Home, run: &str) {
    fs::write(home.path("work/go"), "").unwrap();
    until("the step is over", || home.effects() == ["mark", "begun", "over"]);
    let pty = home.open(&["attach", run], &[], WIDE);
    open_prompt(&pty, "SIGN OFF");
    pty.press_until("c", |screen| screen.contains("ended well"));
    assert_eq!(home.effects(), ["mark", "begun", "over"]);
}

/// The processor time a process has had, in ticks (proc_pid_stat(5), fields 14 and 15).
fn ticks(pid: rustix::process::Pid) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?)
}

#[test]
fn a_cut_terminal_ends_the_console_and_not_the_run() {
    let (home, run, mut pty) = midway();
    let before = ticks(pty.pid()).unwrap();
    let cut = Instant::now();
    pty.hang_up();
    let mut spent = before;
    let exit = loop {
        match ticks(pty.pid()) {
            Some(now) => spent = spent.max(now),
            None => break pty.exit(SOON),
        }
        if cut.elapsed() > SOON {
            panic!("the console outlives its terminal");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert_eq!(exit, Exit::Code(129));
    // A waiting console uses next to no CPU; one that reads a dead terminal in a loop uses all of it.
    assert!(spent - before <= 50, "{} ticks were burnt", spent - before);
    assert_eq!(home.processes("__runner").len(), 1);
    goes_on(&home, &run);
}

#[test]
fn a_killed_console_takes_nothing_with_it() {
    let (home, run, pty) = midway();
    pty.kill(Signal::KILL);
    assert_eq!(pty.exit(SOON), Exit::Signal("Killed".to_owned()));
    goes_on(&home, &run);
}

#[test]
fn every_signal_gives_the_terminal_back() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        // The shell shows the settings before and after, from the terminal's own side.
        let script = format!(
            "stty -g; {} --state {} attach {run}; echo code $?; stty -g; read x",
            super::MIDWATCH,
            home.word("state")
        );
        let own = home.environment();
        let environment: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let pty = Pty::spawn("sh", &["-c", &script], &environment, WIDE);
        open_prompt(&pty, "□ CHANGE");
        pty.wait_until(SOON, |screen| screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
        let console = home.processes("attach").into_iter().find(|pid| *pid != pty.pid()).unwrap();
        rustix::process::kill_process(console, signal).unwrap();
        let after =
            pty.wait_for(SOON, |screen| screen.contains(&format!("code {code}")) && screen.lines().count() >= 3);
        assert!(pty.look(is_restored), "{signal:?}: {after}");
        let lines: Vec<&str> = after.lines().collect();
        assert_eq!(lines.first(), lines.last(), "{signal:?}: {after}");
        assert!(home.effects().is_empty());
    }
    assert_eq!(home.processes("__runner").len(), 1, "the run waits on");
}

#[test]
fn a_stopped_console_gives_the_terminal_back_and_redraws() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let script = format!(
        "set -m; {} --state {} attach {run}; echo stopped; read x; fg; echo ended $?",
        super::MIDWATCH,
        home.word("state")
    );
    let own = home.environment();
    let environment: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for by_key in [true, false] {
        let pty = Pty::spawn("sh", &["-c", &script], &environment, WIDE);
        open_prompt(&pty, "□ CHANGE");
        if by_key {
            pty.press_until("\x1a", |screen| screen.contains("stopped"));
        } else {
            let console = home.processes("attach").into_iter().find(|pid| *pid != pty.pid()).unwrap();
            rustix::process::kill_process(console, Signal::TSTP).unwrap();
            pty.wait_for(SOON, |screen| screen.contains("stopped"));
        }
        assert!(pty.look(is_restored), "{}", pty.screen());
        pty.send("\r");
        let back =
            pty.wait_for(SOON, |screen| screen.contains("□ CHANGE") && screen.contains("to confirm this change"));
        assert!(!back.contains("stopped") && back.contains("MIDWATCH"), "{back}");
        assert!(pty.look(vt100::Screen::alternate_screen));
        pty.press_until("\x1b", |screen| !screen.contains("□ CHANGE"));
        for _ in 0..2 {
            pty.send("q");
        }
        let left = pty.wait_for(SOON, |screen| screen.contains("ended 0"));
        assert!(pty.look(is_restored));
        let text = format!("waits for an answer: midwatch --state {} attach {}", home.word("state"), &run[20..]);
        assert!(left.lines().collect::<String>().contains(&text), "{left}");
    }
}

/// A run whose runner was killed in its second step, and a console that shows it.
fn interrupted() -> (Home, String, Pty) {
    let (home, run, pty) = midway();
    home.kill_runner();
    let text = pty.wait_for(SOON, |screen| screen.contains("interrupted"));
    let output = if text.contains("g r resumes it") {
        text
    } else {
        pty.wait_for(SOON, |screen| screen.contains("g r resumes it"))
    };
    assert!(output.contains("the act of step 2 still runs (pid "), "{output}");
    (home, run, pty)
}

#[test]
fn a_killed_runner_is_resumed_from_the_console() {
    let (home, run, pty) = interrupted();
    // The runner adopts what the shim keeps: the step ends without a console.
    fs::write(home.path("work/go"), "").unwrap();
    until("the step is over", || home.effects() == ["mark", "begun", "over"]);
    pty.send("gr");
    pty.wait_for(SOON, |screen| screen.contains("RESUME") || screen.contains("Resume"));
    pty.press_until("c", |screen| screen.contains(" opens it"));
    open_prompt(&pty, "SIGN OFF");
    pty.press_until("c", |screen| screen.contains("ended well"));
    assert_eq!(home.effects(), ["mark", "begun", "over"], "nothing was done twice");
    let verify = home.command(&["verify", &run]);
    assert!(verify.status.success(), "{}", super::all_output(&verify));
}

#[test]
fn an_interrupted_run_is_aborted_as_it_is() {
    let (home, run, pty) = interrupted();
    fs::write(home.path("work/go"), "").unwrap();
    until("the step is over", || home.effects() == ["mark", "begun", "over"]);
    pty.send("gx");
    pty.wait_for(SOON, |screen| screen.contains("ABORT") || screen.contains("Abort"));
    choose(&pty, "leave it");
    pty.press_until("c", |screen| screen.contains("was stopped"));
    assert_eq!(home.effects(), ["mark", "begun", "over"]);
    assert!(super::stdout(&home.command(&["runs"])).contains("aborted"), "{}", home.journal(&run));
}

#[test]
fn a_live_run_is_aborted_with_its_undo() {
    let (home, run, pty) = midway();
    pty.send("gx");
    pty.wait_for(SOON, |screen| screen.contains("ABORT") || screen.contains("Abort"));
    choose(&pty, "undo");
    pty.press_until("c", |screen| screen.contains(" report 01"));
    assert_eq!(home.effects(), ["mark", "begun", "unmark"], "{}", home.journal(&run));
    assert!(super::stdout(&home.command(&["runs"])).contains("aborted"), "{}", home.journal(&run));
}

#[test]
fn the_settings_of_the_line_come_back_after_leaving() {
    let home = Home::with("", &[]);
    let script = format!("stty -g; {} --state {}; stty -g; read x", super::MIDWATCH, home.word("state"));
    let own = home.environment();
    let environment: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let pty = Pty::spawn("sh", &["-c", &script], &environment, (80, 24));
    pty.wait_for(SOON, |screen| screen.contains("1 Health"));
    let raw = settings(&pty);
    pty.send("q");
    let after = pty.wait_for(SOON, |screen| !screen.contains("Health") && screen.lines().count() == 2);
    assert_eq!(after.lines().next(), after.lines().last());
    assert_ne!(settings(&pty), raw);
    assert!(pty.look(is_restored));
}
