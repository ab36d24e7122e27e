//! The console as its operator has it: the real program in a real terminal.
//!
//! Each test has a directory of its own, which is the home, the configuration and the state of every process in it; what
//! still runs in it at the end is ended.

mod checklist;
mod cut;
mod demo;
mod examples;
mod faulty;
mod outside;
mod plain;
mod private;
mod prompts;
mod terminal;
mod typing;
mod walk;
mod wire;

use crate::support::pty::{Exit, Pty, SOON};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const MIDWATCH: &str = env!("CARGO_BIN_EXE_midwatch");

/// A size at which every pane is on the screen.
const WIDE: (u16, u16) = (120, 36);

/// A checklist: two checks, a change, and an item of a later phase that a person signs.
const LIST: &str = r#"
format = 1
id     = "test/list"
title  = "List"
order  = "any"
root   = "{{root}}"
phases = ["before", "after"]
[params]
root = { path = true }
[[before]]
title = "Fresh"
why   = "It is the rollback"
gate  = "hard"
check = { files = "newest", under = ".", match = "*.gz", younger = "24h" }
[[before]]
title = "Other"
check = { files = "newest", under = ".", match = "*.other", younger = "24h" }
[[before]]
title  = "Append"
effect = "change"
do     = { exec = ["sh", "-c", "echo x >>effects"] }
undo   = { none = "a test" }
[[after]]
title  = "Signed"
manual = "Is it so?"
sign   = { note = "required" }
"#;

/// Presses `q` until the console is left.
fn leave(pty: &Pty) {
    let until = Instant::now() + SOON;
    while pty.look(vt100::Screen::alternate_screen) {
        assert!(Instant::now() < until, "{}", pty.screen());
        let before = pty.screen();
        pty.send("q");
        pty.wait_until(SOON, |screen| !screen.alternate_screen() || screen.contents() != before);
    }
    assert_eq!(pty.exit(SOON), Exit::Code(0), "{}", pty.screen());
}

/// A home without anything in it, and an estate where the test writes one.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("mw").tempdir().unwrap() }
    }

    /// One with an estate of the environment `other`, and these procedures beside it, each a name and its text.
    fn with(estate: &str, procedures: &[(&str, &str)]) -> Self {
        let home = Self::new();
        fs::create_dir_all(home.path("config/midwatch/procedures/test")).unwrap();
        fs::create_dir(home.path("work")).unwrap();
        let estate = format!("schema = 1\nname = \"test\"\nenvironment = \"other\"\n{estate}");
        fs::write(home.path("config/midwatch/midwatch.toml"), estate).unwrap();
        for (name, text) in procedures {
            fs::write(home.path(&format!("config/midwatch/procedures/test/{name}.toml")), text).unwrap();
        }
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// A path below it, as text.
    fn word(&self, below: &str) -> String {
        self.path(below).to_str().unwrap().to_owned()
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HOME", self.word("")),
            ("XDG_CONFIG_HOME", self.word("config")),
            ("XDG_STATE_HOME", self.word("state")),
            ("XDG_DATA_HOME", self.word("data")),
            ("XDG_CACHE_HOME", self.word("cache")),
            ("XDG_RUNTIME_DIR", self.word("runtime")),
        ]
    }

    /// Midwatch in a terminal; its state is `state` below this directory, wherever a team's may be.
    fn open(&self, arguments: &[&str], more: &[(&str, &str)], size: (u16, u16)) -> Pty {
        let (own, state) = (self.environment(), self.word("state"));
        let environment = own.iter().map(|(name, value)| (*name, value.as_str())).chain(more.iter().copied());
        let environment: Vec<_> = environment.collect();
        Pty::spawn(MIDWATCH, &[&["--state", &state], arguments].concat(), &environment, size)
    }

    /// A command that is not in a terminal, on this home's state.
    fn command(&self, arguments: &[&str]) -> Output {
        self.command_with(arguments, &[])
    }

    fn command_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Output {
        let mut command = Command::new(MIDWATCH);
        command.env_clear().envs(self.environment()).envs(more.iter().copied());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("LANG", "C.UTF-8");
        command.args(["--state", &self.word("state")]).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Starts a run that is not answered yet, and returns its id.
    fn run(&self, procedure: &str) -> String {
        let root = format!("root={}", self.word("work"));
        let out = self.command(&["run", procedure, &root]);
        assert!(stdout(&out).contains("it waits for a person"), "{}", all_output(&out));
        self.newest_run()
    }

    fn newest_run(&self) -> String {
        let mut runs: Vec<_> =
            fs::read_dir(self.path("state/runs")).unwrap().map(|run| run.unwrap().file_name()).collect();
        runs.sort();
        runs.pop().unwrap().into_string().unwrap()
    }

    fn journal(&self, run: &str) -> String {
        fs::read_to_string(self.path(&format!("state/runs/{run}/journal.jsonl"))).unwrap()
    }

    /// The lines that acts left in a file below `work`.
    fn effects(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("work/effects")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What runs for this home and has a word among its arguments.
    fn processes(&self, word: &str) -> Vec<Pid> {
        let here = self.word("");
        processes(|line| line.contains(here.trim_end_matches('/')) && line.split('\0').any(|part| part == word))
    }

    /// Kills a run's runner, and waits until it is gone.
    fn kill_runner(&self) {
        let runners = self.processes("__runner");
        assert_eq!(runners.len(), 1, "{runners:?}");
        kill_process(runners[0], Signal::KILL).unwrap();
        until("the runner is gone", || self.processes("__runner").is_empty());
    }
}

impl Drop for Home {
    /// Ends what still runs here: what names the directory, works in it, or holds a file of it open, as a shim does.
    fn drop(&mut self) {
        let here = self.word("");
        let here = here.trim_end_matches('/');
        let leads_here = |link: PathBuf| fs::read_link(link).is_ok_and(|path| path.starts_with(here));
        let holds = |pid: &Pid| {
            let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
            let open = fs::read_dir(proc.join("fd")).into_iter().flatten().filter_map(Result::ok);
            leads_here(proc.join("cwd")) || open.map(|entry| entry.path()).any(leads_here)
        };
        let named = processes(|line| line.contains(here));
        for pid in named.into_iter().chain(processes(|_| true).into_iter().filter(holds)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Processes by their command line, the arguments of which end in a zero byte each; those that have ended have none.
fn processes(wanted: impl Fn(&str) -> bool) -> Vec<Pid> {
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    let entries = fs::read_dir("/proc").unwrap().filter_map(|entry| pid(entry.ok()?));
    let line = |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    entries
        .filter(|pid| wanted(&String::from_utf8_lossy(&line(pid))))
        .filter_map(Pid::from_raw)
        .filter(|pid| *pid != rustix::process::getpid())
        .collect()
}

/// Opens the prompt that waits behind the banner, and gives the screen; `word` is what its title says.
fn open_prompt(pty: &Pty, word: &str) -> String {
    pty.wait_for(SOON, |screen| screen.contains(" opens it"));
    pty.press_until("\r", |screen| screen.contains(word))
}

/// Starts the plan on the screen, and opens the first prompt of the run.
fn start(pty: &Pty, word: &str) -> String {
    pty.press_until("c", |screen| !screen.contains("Press  c  to start"));
    // Other runs may wait as well; it is this one's banner that `Enter` alone opens.
    pty.wait_for(SOON, |screen| screen.contains("Enter opens it") && !screen.contains("then 6 Enter"));
    open_prompt(pty, word)
}

/// Gives the answer that the screen names, until `old` is gone, and opens the prompt that follows.
fn next_prompt(pty: &Pty, old: &str, word: &str) -> String {
    pty.press_until("c", |screen| !screen.contains(old));
    open_prompt(pty, word)
}

/// Waits for something that no terminal shows.
#[track_caller]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < SOON, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The output of a command, for a message.
fn all_output(out: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{:?}\n{}{}", out.status, text(&out.stdout), text(&out.stderr))
}

fn stdout(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Moves the cursor of a dialog to the line that begins with a word; a key pressed too often is undone.
fn choose(pty: &Pty, word: &str) {
    let cursor = |screen: &str| screen.lines().position(|line| line.contains("┃ ▌"));
    loop {
        let screen = pty.screen();
        let at = cursor(&screen);
        if screen.contains(&format!("┃ ▌{word}")) {
            return;
        }
        let wanted = screen.lines().position(|line| line.contains(&format!("┃  {word}")));
        let key = if at.is_some() && at > wanted { "k" } else { "j" };
        pty.press_until(key, |screen| cursor(screen) != at);
    }
}

/// Whether the terminal is as it was before a console had it.
fn is_restored(screen: &vt100::Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && !screen.bracketed_paste()
        && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
}

/// The line settings of a terminal, comparable.
fn settings(pty: &Pty) -> String {
    format!("{:?}", pty.termios())
}

/// The part of the screen that holds a text, for a message and for comparing.
fn line_with(screen: &str, text: &str) -> String {
    screen.lines().find(|line| line.contains(text)).unwrap_or_default().to_owned()
}

/// Files below a directory whose names end so.
fn files(dir: &Path, suffix: &str) -> usize {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(suffix)).count()
}

/// A procedure of class change in `test/slow`: two steps, the second of which waits for a file `go`.
const SLOW: &str = r#"
format = 1
id = "test/slow"
title = "Slow work"
purpose = "Wait for somebody"
owner = "tests"
reviewed = 2026-11-21
review_every = "90d"
lock = ["host"]
root = "{{root}}"
phases = ["work", "after"]

[params]
root = { path = true }

[[work]]
title = "Leave a mark"
effect = "change"
do = { exec = ["sh", "-c", "echo marked; echo mark >>effects"], cwd = "{{root}}" }
undo = { exec = ["sh", "-c", "echo unmark >>effects"], cwd = "{{root}}" }
[[work]]
title = "Wait for somebody"
effect = "change"
takes = "30s"
do = { exec = ["sh", "-c", "echo begun; echo begun >>effects; until test -e go; do sleep 0.02; done; echo over; echo over >>effects"], cwd = "{{root}}" }
undo = { none = "there is nothing to undo" }

[[after]]
title = "Look at it"
manual = "Is the mark there?"
"#;
