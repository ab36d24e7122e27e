//! A random procedure on an estate of its own: what its steps are, its rollback, when it may run, and who starts it.

use crate::runner::chance::Chance;
use crate::support::estate::{BINARY, Estate, kill};
use crate::support::run::Run;
use crate::team::people::{ANNA, Team};
use midwatch::runner::failpoint;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// After how many of its disturbances a case is left to end in peace.
pub const MOST_TROUBLE: u32 = 6;

/// The steps that a procedure is made of; `N` is the step's own number, `BEFORE` those before it that can be undone.
pub const STEPS: [&str; 15] = [
    r#"title = "Check N"
check = { exec = ["test", "-d", "{tree}"] }"#,
    r#"title = "Append N"
effect = "change"
do = { exec = ["sh", "-c", "echo done >>{tree}/done-N; sleep 0.05"] }
undo = { exec = ["sh", "-c", "echo undone >>{tree}/undone-N"] }"#,
    r#"title = "Append once N"
effect = "change"
do = { exec = ["sh", "-c", "echo done >>{tree}/done-N"] }
undo = { none = "a test" }"#,
    r#"title = "Append and prove N"
effect = "change"
do = { exec = ["sh", "-c", "sleep 0.05; echo done >>{tree}/done-N"] }
prove = { exec = ["test", "-s", "{tree}/done-N"] }
undo = { none = "a test" }"#,
    r#"title = "Fail the first time N"
effect = "change"
do = { exec = ["sh", "-c", "echo done >>{tree}/done-N; test -e {tree}/once-N && exit 0; touch {tree}/once-N; exit 3"] }
undo = { exec = ["sh", "-c", "echo undone >>{tree}/undone-N"] }"#,
    r#"title = "Append with a second person N"
effect = "change"
do = { exec = ["sh", "-c", "echo done >>{tree}/done-N"] }
confirm = "four-eyes"
undo = { exec = ["sh", "-c", "echo undone >>{tree}/undone-N"] }"#,
    r#"title = "Move N"
effect = "change"
do = { files = "move", under = "from-N", match = "*.gz", to = "to-N" }
prove = { files = "arrived" }
undo = { files = "restore" }"#,
    r#"title = "Delete N"
effect = "destroy"
do = { files = "delete", under = "data-N", match = "*.json" }
prove = { files = "gone" }
undo = { none = "a test" }"#,
    r#"title = "Sign N"
manual = "Look at it."
sign = { note = "required" }"#,
    r#"title = "Notify N"
notify = ["pager-N"]"#,
    r#"title = "Wait N"
wait = { exec = ["test", "-e", "{tree}/open-N"] }
timeout = "3s""#,
    r#"title = "Gate N"
check = { exec = ["test", "-e", "{tree}/open-N"] }"#,
    r#"title = "Soft gate N"
check = { exec = ["test", "-e", "{tree}/open-N"] }
gate = "soft""#,
    r#"title = "Undo N"
undo_of = [BEFORE]"#,
    r#"title = "Undo in every ending N"
undo_of = [BEFORE]
always = true"#,
];

/// Those that append a line each time that they are done.
pub const APPENDS: std::ops::RangeInclusive<usize> = 1..=5;
/// The one that takes two people.
const FOUR_EYES: usize = 5;
/// Those with an undo.
const BACK: [usize; 4] = [1, 4, FOUR_EYES, 6];
/// The first of those that undo what ran before.
const UNDO_OF: usize = 13;

/// The hours of the windows: every other hour, so that a clock that is set wrong is as often outside as inside.
const WINDOWS: &str = "schema = 1\n[[window]]\nname = \"odd\"\nstarts = \"0 */2 * * *\"\nlasts = \"1h\"\n";

/// A case: an estate with a random procedure.
pub struct Case {
    /// The estate; of a team if a user other than root starts the runs.
    pub team: Team,
    /// Whether Anna starts and resumes the runs, and root answers.
    pub shared: bool,
    /// The kinds of its steps.
    pub steps: Vec<usize>,
    pub killed: u32,
    pub trouble: u32,
    pub jumps: u32,
    seconds: i64,
}

impl Case {
    pub fn new(chance: &mut Chance) -> Self {
        // Readings of all panes take longer than these runs; they are there in every tenth case.
        let spans = if chance.below(10) == 0 { "200" } else { "0" };
        let estate = Estate::default().with("MIDWATCH_SPAN_PANES", spans).with("MIDWATCH_SPAN_GRACE", "500");
        let shift = estate.beside("shift").display().to_string();
        let estate = estate.with("MIDWATCH_WALL_SHIFT", &shift).with("MIDWATCH_SPAN_WAIT_EVERY", "50");
        let shared = chance.below(3) == 0 && rustix::process::geteuid().is_root();
        let count = 2 + chance.below(4) as usize;
        let steps: Vec<usize> = (0..count).map(|number| kind(chance, number, shared)).collect();
        let (mut text, mut checks) = (String::new(), Vec::new());
        for (number, step) in steps.iter().enumerate() {
            lay_out(&estate, number);
            let phase = if number < 2 { "first" } else { "second" };
            if *step == 0 {
                checks.push(format!("\"s{number}\""));
            }
            let before: Vec<String> = (0..number)
                .filter(|before| BACK.contains(&steps[*before]))
                .map(|before| format!("\"s{before}\""))
                .collect();
            // Nothing could be undone: a check instead.
            let step = if *step >= UNDO_OF && before.is_empty() { STEPS[0] } else { STEPS[*step] };
            let step = step.replace("-N", &format!("-{number}")).replace(" N\"", &format!(" {number}\""));
            text += &format!("[[{phase}]]\nid = \"s{number}\"\n{}\n", step.replace("BEFORE", &before.join(", ")));
            if text.ends_with("}\n") && chance.below(2) == 0 && step.contains("do = ") {
                text += "takes = \"10m\"\n";
            }
        }
        estate.procedure("random", &header(chance, &checks), &text);
        fs::write(estate.beside("windows.toml"), WINDOWS).unwrap();
        let team = if shared { Team::with(estate) } else { Team { estate } };
        let mut case = Self { team, shared, steps, killed: 0, trouble: 0, jumps: 0, seconds: 0 };
        case.set_clock_into_a_window();
        case
    }

    pub fn estate(&self) -> &Estate {
        &self.team.estate
    }

    /// Midwatch with these arguments, as the user who starts the runs, to its end; its output is dropped.
    pub fn midwatch(&self, args: &[&str]) {
        let mut command = match self.shared {
            true => self.team.command(ANNA, Path::new(BINARY), args),
            false => self.estate().command(args),
        };
        quietly(&mut command);
    }

    /// Starts it, perhaps with a place at which the runner is killed.
    pub fn start(&mut self, chance: &mut Chance) {
        self.set_failpoint(chance);
        self.midwatch(&["run", "test/random"]);
        self.clear_failpoint();
    }

    pub fn set_failpoint(&mut self, chance: &mut Chance) {
        if self.trouble < MOST_TROUBLE && chance.below(3) == 0 {
            let place = failpoint::ALL[chance.below(failpoint::ALL.len() as u64) as usize];
            self.team.estate.set("MIDWATCH_FAILPOINT", &format!("{place}@{}", 1 + chance.below(3)));
            self.trouble += 1;
        }
    }

    pub fn clear_failpoint(&mut self) {
        self.team.estate.without("MIDWATCH_FAILPOINT");
    }

    /// The run, if its first record is there.
    pub fn run(&self) -> Option<Run<'_>> {
        let dir = self.estate().runs().pop()?;
        let run = Run { estate: self.estate(), dir };
        (!run.records().is_empty()).then_some(run)
    }

    /// Sets the clock on the wall wrong by up to two days, either way.
    pub fn jump(&mut self, chance: &mut Chance) {
        self.set_clock(i64::try_from(chance.below(4 * 86_400)).unwrap() - 2 * 86_400);
        self.jumps += 1;
    }

    /// Sets it to the tenth minute of a window.
    pub fn set_clock_into_a_window(&mut self) {
        let now = jiff::Timestamp::now().as_second();
        self.set_clock(600 - now.rem_euclid(7200));
    }

    fn set_clock(&mut self, by: i64) {
        self.seconds = by;
        // Renamed into its place: no process reads half a number.
        fs::write(self.estate().beside("shift.new"), self.seconds.to_string()).unwrap();
        fs::rename(self.estate().beside("shift.new"), self.estate().beside("shift")).unwrap();
    }

    /// Lets what waits for it go on.
    pub fn open(&self, chance: &mut Chance) {
        self.estate().file(&format!("open-{}", chance.below(self.steps.len() as u64)), "");
    }

    /// Kills the runner, or it with the shim and the act.
    pub fn kill(&mut self, everything: bool) {
        let ours = self.estate().processes();
        let is_runner = |line: &str| line.contains(" __runner ");
        for process in ours.iter().filter(|process| everything || is_runner(&process.line)) {
            kill(process.pid);
        }
        self.trouble += 1;
    }
}

fn quietly(command: &mut Command) {
    let null = std::process::Stdio::null;
    command.stdin(null()).stdout(null()).stderr(null()).spawn().unwrap().wait().unwrap();
}

/// The kind of a step; four-eyes needs a team.
fn kind(chance: &mut Chance, number: usize, shared: bool) -> usize {
    let kind = chance.below(STEPS.len() as u64) as usize;
    match kind {
        FOUR_EYES if !shared => 1,
        UNDO_OF.. if number == 0 => 1,
        kind => kind,
    }
}

/// The files and the receiver of the step with this number, for the user who runs it.
fn lay_out(estate: &Estate, number: usize) {
    for below in 0..3 {
        estate.file(&format!("from-{number}/{below}.gz"), "log");
        estate.file(&format!("data-{number}/{below}.json"), "data");
    }
    estate.file(&format!("to-{number}/kept"), "");
    for directory in ["from", "data", "to"] {
        let path = estate.tree(&format!("{directory}-{number}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let pager = estate.beside(&format!("pager-{number}"));
    let text = estate.tree(&format!("notified-{number}")).display().to_string();
    fs::write(&pager, format!("#!/bin/sh\ncat >/dev/null\necho notified >>{text}\n")).unwrap();
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o755)).unwrap();
    estate.configure(&format!("[[notify]]\nname = \"pager-{number}\"\nprogram = [\"{}\"]\n", pager.display()));
}

/// Its rollback, its budget, and its window.
fn header(chance: &mut Chance, checks: &[String]) -> String {
    let mut header = String::from("lock = [\"host\"]\n");
    let on_fail = ["", "on_fail = \"ask\"", "on_fail = \"rollback\""][chance.below(3) as usize];
    if !on_fail.is_empty() {
        let to = if chance.below(2) == 0 { ", to = \"first\"" } else { "" };
        let prove = if checks.is_empty() { String::new() } else { format!(", prove = [{}]", checks.join(", ")) };
        header += &format!("rollback = {{ {on_fail}{to}{prove} }}\n");
    }
    if chance.below(3) == 0 {
        header += "budget = { run = \"40m\", undo = \"25m\" }\n";
    }
    if chance.below(2) == 0 {
        header += "window = \"odd\"\n";
    }
    header
}
