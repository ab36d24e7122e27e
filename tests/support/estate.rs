//! A throwaway estate with procedures of the test's own, and the real binary on it.

use crate::support::pty::Pty;
use crate::support::run::Run;
use midwatch::runner::rundir::RunDir;
use midwatch::runner::survivors;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_midwatch");

/// How long anything may take; far more than it needs, for a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// How long the condition of a test sleeps between two looks.
pub const LOOK: Duration = Duration::from_millis(5);

/// The variable that marks every process of an estate, beside the runner's own `MIDWATCH_RUN`.
const MARK: &str = "MIDWATCH_TEST_ESTATE";

/// Waits until something is there, and panics with `what` if it does not come.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {SOON:?}");
        std::thread::sleep(LOOK);
    }
}

/// The output of a command, and how it ended.
#[derive(Debug)]
pub struct Printed {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Printed {
    /// Asserts the exit code, and shows the output if it differs.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that it printed a text, on either stream.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        let is_stated = self.out.contains(text) || self.err.contains(text);
        assert!(is_stated, "it does not say {text:?}:\n{}\n{}", self.out, self.err);
        self
    }
}

/// Runs a command to its end; one that does not end is killed, and fails the test.
#[track_caller]
pub fn finish(mut command: Command) -> Printed {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = receive.recv_timeout(SOON) else {
        kill(pid);
        let output = receive.recv().unwrap().unwrap();
        panic!("{command:?} did not end; it printed {}", String::from_utf8_lossy(&output.stdout));
    };
    let output = output.unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Printed { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Kills one process by its exact pid.
pub fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = kill_process(pid, Signal::KILL);
}

/// Kills one process and waits until it is gone or a zombie.
pub fn kill_wholly(pid: u32) {
    kill(pid);
    wait_for("the end of a killed process", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(')').map_or("Z", |(_, rest)| rest.trim_start());
        state.starts_with(['Z', 'X']).then_some(())
    });
}

/// The estate.
pub struct Estate {
    dir: tempfile::TempDir,
    state: PathBuf,
    settings: Vec<(String, String)>,
    program: PathBuf,
}

impl Default for Estate {
    fn default() -> Self {
        Self::of("other")
    }
}

impl Estate {
    /// An estate of an environment, with an empty tree and no procedure.
    pub fn of(environment: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("midwatch-test-").tempdir().unwrap();
        for below in ["procedures", "home", "tree"] {
            fs::create_dir(dir.path().join(below)).unwrap();
        }
        let text = format!("schema = 1\nname = \"test\"\nenvironment = \"{environment}\"\n");
        fs::write(dir.path().join("midwatch.toml"), text).unwrap();
        let state = dir.path().join("state");
        Self { dir, state, settings: Vec::new(), program: BINARY.into() }
    }

    /// Adds to the estate file.
    pub fn configure(&self, toml: &str) {
        let path = self.dir.path().join("midwatch.toml");
        fs::write(&path, fs::read_to_string(&path).unwrap() + toml).unwrap();
    }

    /// Asserts that no file of the state holds a text.
    #[track_caller]
    pub fn keeps_nowhere(&self, text: &str) {
        let mut waiting = vec![self.state.clone()];
        let mut looked = 0;
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.is_file() {
                let holds = fs::read(&path).unwrap().windows(text.len()).any(|found| found == text.as_bytes());
                assert!(!holds, "{} holds it", path.display());
                looked += 1;
            }
        }
        assert!(looked > 5, "the state was looked through");
    }

    /// The same with a variable for every command: a failpoint, or a shorter span.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a variable for every command from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.without(name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The same without a variable that [`Self::with`] gave.
    pub fn without(&mut self, name: &str) {
        self.settings.retain(|(set, _)| set != name);
    }

    /// The same with another build of the program.
    pub fn running(mut self, program: &Path) -> Self {
        self.program = program.to_owned();
        self
    }

    /// The same with its state elsewhere.
    pub fn keeping_state_in(mut self, state: &Path) -> Self {
        self.state = state.to_owned();
        self
    }

    /// The state directory.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// A path below the tree that procedures work on.
    pub fn tree(&self, below: &str) -> PathBuf {
        self.dir.path().join("tree").join(below)
    }

    /// A path beside the estate file.
    pub fn beside(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Writes a file of the tree, with its directories.
    pub fn file(&self, below: &str, text: &str) {
        let path = self.tree(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The names in a directory of the tree, sorted.
    pub fn names(&self, below: &str) -> Vec<String> {
        let entries = fs::read_dir(self.tree(below)).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// How many lines a file of the tree has; one that is not there has none.
    pub fn lines(&self, below: &str) -> usize {
        fs::read_to_string(self.tree(below)).unwrap_or_default().lines().count()
    }

    /// Writes the procedure `test/NAME`. `{tree}` in its text is the tree; the phases are those of its sections.
    pub fn procedure(&self, name: &str, header: &str, steps: &str) {
        let mut phases: Vec<String> = Vec::new();
        for phase in steps.lines().filter_map(|line| line.trim().strip_prefix("[[")?.strip_suffix("]]")) {
            if !phases.iter().any(|known| known == phase) {
                phases.push(phase.to_owned());
            }
        }
        let text = format!(
            "format = 1\nid = \"test/{name}\"\ntitle = \"Test {name}\"\nroot = \"{{tree}}\"\nphases = {phases:?}\n{header}\n{steps}\n"
        );
        let text = text.replace("{tree}", self.tree("").to_str().unwrap().trim_end_matches('/'));
        fs::write(self.procedure_file(name), text).unwrap();
    }

    /// The file of a procedure.
    pub fn procedure_file(&self, name: &str) -> PathBuf {
        self.dir.path().join("procedures").join(format!("{name}.toml"))
    }

    /// The program with these arguments, on this estate and nothing else of this machine's.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args);
        self.surround(&mut command);
        command
    }

    /// The program at a terminal of so many columns and rows.
    pub fn terminal(&self, args: &[&str], size: (u16, u16)) -> Pty {
        let command = self.command(args);
        let settings: Vec<(String, String)> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
            .collect();
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Pty::spawn(BINARY, args, &settings, size)
    }

    /// Gives a command the estate's environment instead of ours.
    pub fn surround(&self, command: &mut Command) {
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LC_ALL", "C.UTF-8").env("HOME", self.dir.path().join("home")).env(MARK, self.dir.path());
        command.env("MIDWATCH_CONFIG", self.dir.path().join("midwatch.toml")).env("MIDWATCH_STATE", &self.state);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.dir.path());
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn midwatch(&self, args: &[&str]) -> Printed {
        finish(self.command(args))
    }

    /// `midwatch run test/NAME` with more arguments, to its end.
    #[track_caller]
    pub fn start(&self, name: &str, more: &[&str]) -> Printed {
        let name = format!("test/{name}");
        self.midwatch(&[&["run", &name], more].concat())
    }

    /// Starts `midwatch run test/NAME` without a TTY, waits until it leaves the run at its first prompt (exit 75), and
    /// gives the run.
    #[track_caller]
    pub fn start_waiting(&self, name: &str) -> Run<'_> {
        self.start(name, &[]).exits(75);
        self.run()
    }

    /// The directories of all runs, oldest first.
    pub fn runs(&self) -> Vec<RunDir> {
        let entries = fs::read_dir(self.state.join("runs")).into_iter().flatten().flatten();
        let mut runs: Vec<_> = entries.filter_map(|entry| RunDir::at(&entry.path()).ok()).collect();
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        runs
    }

    /// The newest run.
    #[track_caller]
    pub fn run(&self) -> Run<'_> {
        Run { estate: self, dir: self.runs().pop().expect("no run was made") }
    }

    /// Every process that this estate's commands have started and that is still there.
    pub fn processes(&self) -> Vec<Process> {
        let mark = format!("{MARK}={}\0", self.dir.path().display());
        let runs: Vec<_> = self.runs().iter().map(|run| format!("MIDWATCH_RUN={}\0", run.id)).collect();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let ours = pids.filter_map(|pid| {
            let mut environ = String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/environ")).ok()?).into_owned();
            environ.push('\0');
            let marked = environ.contains(&mark) || runs.iter().any(|run| environ.contains(run.as_str()));
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            marked.then_some(Process { pid, line })
        });
        ours.collect()
    }

    /// Asserts that no process is left.
    #[track_caller]
    pub fn nothing_runs(&self) {
        let deadline = Instant::now() + SOON;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still there: {left:?}");
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Estate {
    fn drop(&mut self) {
        // Twice: what was about to be started at the first look is there at the second.
        for _ in 0..2 {
            for process in self.processes() {
                kill(process.pid);
            }
        }
        // What left its session and its environment is known by the control group of its attempt alone.
        for run in self.runs() {
            for entry in fs::read_dir(run.path.join("steps")).into_iter().flatten().flatten() {
                survivors::kill_group(&entry.path());
            }
            for _ in 0..50 {
                if survivors::remove_groups(&run) {
                    break;
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}

/// A process of an estate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// Its command line.
    pub line: String,
}
