//! A team: an estate with its state in a team directory, and processes of other users that work on it.

use crate::support::estate::{BINARY, Estate, Printed, SOON, finish};
use crate::support::pty::Pty;
use crate::support::run::{Run, demand};
use midwatch::journal::fold::OpenPrompt;
use midwatch::journal::record::Answer;
use midwatch::runner::protocol::{Demand, Reply, Request};
use midwatch::runner::rundir::RunDir;
use portable_pty::CommandBuilder;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// The team's group.
pub const TEAM: u32 = 61_000;

/// One user, and the login that they came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    pub uid: u32,
    /// `None` is unset.
    pub login: Option<u32>,
    pub member: bool,
}

/// Starts runs.
pub const ANNA: Person = Person { uid: 61_001, login: Some(61_001), member: true };

/// Another member.
pub const BEN: Person = Person { uid: 61_002, login: Some(61_002), member: true };

/// A third member.
pub const CARLA: Person = Person { uid: 61_003, login: Some(61_003), member: true };

/// A user outside the team.
pub const OUTSIDER: Person = Person { uid: 61_009, login: Some(61_009), member: false };

impl Person {
    /// The same account, reached from another login.
    pub fn logged_in_as(self, login: Option<u32>) -> Self {
        Self { login, ..self }
    }
}

/// Root, who logged in as root.
pub const ROOT: Person = Person { uid: 0, login: Some(0), member: false };

/// Whether the tests can become other users; prints it if they cannot.
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("not root: nobody can become another user here; only what one user sees was tested");
    }
    root
}

/// An estate of a team.
pub struct Team {
    pub estate: Estate,
}

impl Team {
    /// An estate whose state directory is a team's; every user may read the rest.
    pub fn of(environment: &str) -> Self {
        Self::with(Estate::of(environment))
    }

    /// The same of an estate.
    pub fn with(estate: Estate) -> Self {
        let open = |path: &Path, mode: u32| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        open(&estate.beside(""), 0o755);
        open(&estate.beside("home"), 0o777 | 0o1000);
        open(&estate.tree(""), 0o777);
        fs::create_dir(estate.state()).unwrap();
        chown(estate.state(), Some(0), Some(TEAM)).unwrap();
        open(estate.state(), 0o3770);
        Self { estate }
    }

    /// A command of a user, on this estate.
    pub fn command(&self, who: Person, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let (login, groups) = (who.login.unwrap_or(u32::MAX), if who.member { TEAM } else { who.uid });
        command.args(["-c", "echo \"$0\" >/proc/self/loginuid || exit 99; exec \"$@\"", &login.to_string(), "setpriv"]);
        command.args(["--reuid", &who.uid.to_string(), "--regid", &who.uid.to_string()]);
        command.args(["--groups", &groups.to_string(), "--"]).arg(program).args(args);
        self.estate.surround(&mut command);
        command
    }

    /// `midwatch` of a user, in a terminal of their own of (columns, rows).
    pub fn terminal(&self, who: Person, args: &[&str], size: (u16, u16)) -> Pty {
        let command = self.command(who, Path::new(BINARY), args);
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env_clear();
        for (name, value) in command.get_envs() {
            builder.env(name, value.unwrap_or_default());
        }
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")] {
            builder.env(name, value);
        }
        builder.cwd(self.estate.tree(""));
        Pty::start(builder, size)
    }

    /// `midwatch` of a user, to its end.
    #[track_caller]
    pub fn midwatch(&self, who: Person, args: &[&str]) -> Printed {
        finish(self.command(who, Path::new(BINARY), args))
    }

    /// Starts `test/NAME` as a user without a terminal, and waits until a person is needed.
    #[track_caller]
    pub fn start_waiting(&self, who: Person, name: &str, more: &[&str]) -> Run<'_> {
        self.midwatch(who, &[&["run", &format!("test/{name}")], more].concat()).exits(75);
        self.estate.run()
    }

    /// Sends a request as a user, from a process of theirs.
    #[track_caller]
    pub fn send(&self, who: Person, dir: &RunDir, request: &Request) -> Reply {
        let own = std::env::current_exe().unwrap();
        let mut command = self.command(who, &own, &["team::people::speaks_for_another", "--exact", "--nocapture"]);
        command.env("SPEAK_TO", &dir.path).env("SPEAK", serde_json::to_string(request).unwrap());
        let printed = finish(command);
        let reply = printed.out.lines().find_map(|line| line.split_once("REPLY ")).map(|(_, reply)| reply.to_owned());
        let reply = reply.unwrap_or_else(|| panic!("no reply: {}\n{}", printed.out, printed.err));
        serde_json::from_str(&reply).unwrap_or(Reply::Rejected { why: reply })
    }

    /// Demands something as a user.
    #[track_caller]
    pub fn ask(&self, who: Person, run: &Run<'_>, ask: Demand) -> Reply {
        self.send(who, &run.dir, &run.to_it(ask))
    }

    /// Answers a prompt as a user, and asserts that it counts.
    #[track_caller]
    pub fn accept(&self, who: Person, run: &Run<'_>, prompt: &OpenPrompt, answer: Answer) {
        let reply = self.ask(who, run, demand(prompt, answer));
        assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    }

    /// Demands something, and asserts that it is rejected with the reason, and that both are recorded with the name of
    /// the user.
    #[track_caller]
    pub fn refused(&self, who: Person, run: &Run<'_>, ask: Demand, why: &str) {
        let before = run.view().refused.len();
        let reply = self.ask(who, run, ask);
        assert!(matches!(&reply, Reply::Rejected { why: text } if text.contains(why)), "{reply:?}, not {why:?}");
        let refused = run.view().refused;
        assert_eq!(refused.len(), before + 1, "{refused:?}");
        let (_, actor, output) = refused.last().unwrap();
        assert!(output.contains(why), "{refused:?}");
        assert_eq!((actor.uid, actor.login_uid), (who.uid, who.login), "{refused:?}");
    }
}

/// An approval with nothing added.
pub fn approve() -> Answer {
    Answer::Approve { note: String::new() }
}

/// A broken glass.
pub fn break_glass(reason: &str) -> Answer {
    Answer::BreakGlass { reason: reason.to_owned() }
}

/// Consent, as typed.
pub fn typed(text: &str) -> Answer {
    Answer::Confirm { typed: text.to_owned() }
}

/// Not a test of its own: a process of another user that holds a shared lock on a file which it may read, until its input ends.
#[test]
fn holds_a_shared_lock() {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;
    let Some(path) = std::env::var_os("SQUAT") else { return };
    let lock = libc::flock { l_type: libc::F_RDLCK as libc::c_short, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    let file = fs::File::open(path);
    let held = file
        .as_ref()
        .map_err(ToString::to_string)
        .and_then(|file| fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).map_err(|cause| cause.to_string()));
    println!("\nSQUAT {}", held.map_or_else(|cause| cause, |_| "holds".to_owned()));
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// A process of another user that holds a shared lock, until this is dropped.
pub struct Squatter {
    child: std::process::Child,
    /// Its output: `holds`, or why not.
    pub printed: String,
}

impl Drop for Squatter {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Team {
    /// Starts a process of a user that takes a shared lock on a file.
    #[track_caller]
    pub fn squat(&self, who: Person, path: &Path) -> Squatter {
        let own = std::env::current_exe().unwrap();
        let mut command = self.command(who, &own, &["team::people::holds_a_shared_lock", "--exact", "--nocapture"]);
        command.env("SQUAT", path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let text = lines.find_map(|line| line.split_once("SQUAT ").map(|(_, output)| output.to_owned())).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Squatter { child, printed: text }
    }
}

/// Not a test of its own: what a process of another user does for one.
#[test]
fn speaks_for_another() {
    let (Some(to), Ok(line)) = (std::env::var_os("SPEAK_TO"), std::env::var("SPEAK")) else { return };
    let dir = RunDir::at(Path::new(&to)).unwrap();
    let readable = dir.socket().map_err(|cause| cause.to_string()).and_then(|(_keeps_the_path_valid, path)| {
        let mut stream = UnixStream::connect(path).map_err(|cause| cause.to_string())?;
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(format!("{line}\n").as_bytes()).map_err(|cause| cause.to_string())?;
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply).map_err(|cause| cause.to_string())?;
        Ok(reply)
    });
    println!("\nREPLY {}", readable.unwrap_or_else(|cause| format!("unreachable: {cause}")));
}
