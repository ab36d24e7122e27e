//! A wrong file of the estate: runs can be answered all the same, and the mistake is shown beside what waits.

use super::{Home, SLOW, all_output, open_prompt};
use crate::support::pty::{Pty, SOON};
use std::fs;
use std::process::Output;

/// Looks for edits often.
const QUICK: (&str, &str) = ("MIDWATCH_SPAN_EDITS", "50");

const WINDOWS: &str =
    "schema = 1\n[[window]]\nname = \"weekly\"\nstarts = \"0 2 * * SUN\"\nlasts = \"2h\"\nzone = \"UTC\"\n";

fn errors(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// A run that waits, and a wrong file of the estate: its name and a part of the message.
fn with_wrong(name: &str) -> (Home, String, String) {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let file = home.path("config/midwatch").join(name);
    let text = match name {
        "windows.toml" => {
            fs::write(file, WINDOWS.replace("0 2 * * SUN", "at night")).unwrap();
            "windows.toml:4:10"
        }
        _ => {
            fs::write(file, "schema = 1\nname = \"test\"\nenvironment = \"moon\"\n").unwrap();
            "midwatch.toml:3:15"
        }
    };
    (home, run, text.to_owned())
}

#[test]
fn commands_on_runs_need_no_file_of_the_estate() {
    for name in ["windows.toml", "midwatch.toml"] {
        let (home, run, text) = with_wrong(name);
        let warns = |out: &Output| {
            let errors = errors(out);
            assert!(errors.contains("warning: ") && errors.contains(&text), "{name}: {}", all_output(out));
            assert!(errors.contains(&home.word("state/runs")), "{}", all_output(out));
        };
        for command in [&["runs"][..], &["report", &run], &["verify", &run], &["attach", "--plain", &run]] {
            let out = home.command(command);
            assert_ne!(out.status.code(), Some(2), "{name} {command:?}: {}", all_output(&out));
            warns(&out);
        }
        home.kill_runner();
        let out = home.command(&["resume", &run]);
        assert_eq!(out.status.code(), Some(0), "{name}: {}", all_output(&out));
        warns(&out);
        let out = home.command(&["abort", &run]);
        assert_eq!(out.status.code(), Some(0), "{name}: {}", all_output(&out));
        warns(&out);
        // What starts something new needs them.
        let out = home.command(&["run", "test/slow", &format!("root={}", home.word("work"))]);
        assert_eq!(out.status.code(), Some(2), "{name}: {}", all_output(&out));
    }
    let home = Home::with("", &[]);
    let out = home.command(&["--config", "/nonexistent/estate.toml", "runs"]);
    assert_eq!(out.status.code(), Some(0), "{}", all_output(&out));
    assert!(errors(&out).contains("/nonexistent/estate.toml"), "{}", all_output(&out));
}

/// Waits until a run's banner and a text beside it are on the screen.
fn beside(pty: &Pty, text: &str) -> String {
    pty.wait_for(SOON, |screen| screen.contains(" opens it") && screen.contains(text))
}

#[test]
fn a_console_opens_on_a_wrong_file_answers_the_run_and_starts_nothing() {
    for name in ["windows.toml", "midwatch.toml"] {
        let (home, run, text) = with_wrong(name);
        let pty = home.open(&["attach", &run], &[QUICK], (80, 24));
        assert!(!text.is_empty());
        beside(&pty, "nothing can be started: ");
        open_prompt(&pty, "□ CHANGE");
        pty.press_until("c", |screen| !screen.contains("□ CHANGE") || screen.contains("step 2 of 3"));
        super::until("the answer counts", || home.effects() == ["mark"]);
        pty.press_until("\x1b", |screen| !screen.contains("□ CHANGE"));
        // Once it is right it is used at once.
        let right = "schema = 1\nname = \"righted\"\nenvironment = \"staging\"\n";
        fs::write(home.path("config/midwatch/midwatch.toml"), right).unwrap();
        if name == "windows.toml" {
            fs::write(home.path("config/midwatch/windows.toml"), WINDOWS).unwrap();
        }
        pty.wait_for(SOON, |screen| screen.contains("righted · STAGING") && !screen.contains("nothing can be started"));
    }
}

#[test]
fn an_edit_shows_beside_a_run_that_waits() {
    let home = Home::with("", &[("slow", SLOW)]);
    let windows = home.path("config/midwatch/windows.toml");
    fs::write(&windows, WINDOWS).unwrap();
    let run = home.run("test/slow");
    let pty = home.open(&["attach", &run], &[QUICK], (80, 24));
    beside(&pty, "test · OTHER");
    fs::write(&windows, WINDOWS.replace("0 2 * * SUN", "at night")).unwrap();
    beside(&pty, "the edited estate is wrong: ");
    pty.press_until("r", |screen| {
        screen.lines().last().is_some_and(|line| line.contains("the edited estate is wrong"))
    });
    fs::remove_file(&windows).unwrap();
    beside(&pty, "changed: r uses them");
}

/// Whether each time that the other screen was entered it was cleared before the first frame.
fn clears(raw: &[u8], times: usize) {
    let text = String::from_utf8_lossy(raw).into_owned();
    let entered: Vec<&str> = text.split("\x1b[?1049h").skip(1).collect();
    assert_eq!(entered.len(), times);
    for part in entered {
        let before = part.split("\x1b[?2026h").next().unwrap_or_default();
        assert!(before.contains("\x1b[2J"), "{before:?}");
    }
}

#[test]
fn a_console_after_one_that_was_killed_begins_on_a_blank_screen() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let script = format!("{0} {1}; stty sane; echo killed; read x; {0} {1}", super::MIDWATCH, {
        format!("--state {} attach {run}", home.word("state"))
    });
    let own = home.environment();
    let environment: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let pty = Pty::spawn("sh", &["-c", &script], &environment, (80, 24));
    open_prompt(&pty, "□ CHANGE");
    let console = home.processes("attach").into_iter().find(|pid| *pid != pty.pid()).unwrap();
    rustix::process::kill_process(console, rustix::process::Signal::KILL).unwrap();
    pty.wait_for(SOON, |screen| screen.contains("killed"));
    pty.send("\r");
    beside(&pty, "test · OTHER");
    clears(&pty.raw(), 2);
}

#[test]
fn a_printed_command_carries_the_state_directory_that_it_needs() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    let midwatch = format!("midwatch --state {}", home.word("state"));
    let report = all_output(&home.command(&["report", &run]));
    assert!(report.contains(&format!("{midwatch} verify {run}")), "{report}");
    // A lock that is held is refused by the runner, a process of its own.
    let out = home.command(&["run", "test/slow", &format!("root={}", home.word("work"))]);
    assert_eq!(out.status.code(), Some(6), "{}", all_output(&out));
    for command in ["attach", "resume", "abort"] {
        assert!(errors(&out).contains(&format!("{midwatch} {command} {run}")), "{}", all_output(&out));
    }
}

#[test]
fn a_link_in_the_place_of_a_run_is_refused_and_nothing_is_written_where_it_leads() {
    let home = Home::with("", &[("slow", SLOW)]);
    let run = home.run("test/slow");
    home.kill_runner();
    let (place, elsewhere) = (home.path(&format!("state/runs/{run}")), home.path("elsewhere"));
    fs::rename(&place, &elsewhere).unwrap();
    fs::remove_file(elsewhere.join("runner.lock")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &place).unwrap();
    for command in [&["verify", &run][..], &["report", &run], &["abort", &run], &["resume", &run]] {
        let out = home.command(command);
        assert!(!out.status.success() && errors(&out).contains("it is a symbolic link"), "{}", all_output(&out));
    }
    assert!(!elsewhere.join("runner.lock").exists());
}
