//! `midwatch __hold`: waits until its own identity is recorded durably, and then becomes the act in the same process.
//!
//! ```text
//! shim ── spawn ──▶ hold ◀── order ── shim ── act.json, synced ── go ──▶ hold: compares the files, and executes
//!                     └ the shim is gone: the socket ends, nothing is executed
//! ```
//! Its standard input is one end of a socket. The order and the one byte that lets it go come in; if nothing can be executed,
//! the reason goes out. On success the socket is closed by the execution itself, so that the shim sees when that happened.

use crate::domain::error::{Result, system_text};
use crate::domain::{Boot, Error};
use crate::probes::clock;
use crate::runner::adapters::Variables;
use crate::runner::pinned::{Executable, FileIdentity, Pinned};
use crate::runner::shim::ITSELF;
use rustix::net::{RecvFlags, recv};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The variable that marks every process of an attempt: the run and the attempt.
pub const MARK: &str = "MIDWATCH_ATTEMPT";

/// How long after its start a script is compared again: by then an interpreter has opened it.
const COMPARED_AFTER: Duration = Duration::from_millis(100);

/// The longest reason that is read.
const LONGEST_REASON: u64 = 4096;

/// The exit code of a hold that could not execute anything, as of a shell.
const NOT_EXECUTED: u8 = 126;

/// What a hold executes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// An external program.
    Program {
        /// The attempt's directory.
        dir: PathBuf,
        /// The file to execute.
        path: PathBuf,
        /// Its arguments, the program's name first.
        argv: Vec<String>,
        /// Its working directory.
        cwd: PathBuf,
        /// Its whole environment.
        env: Variables,
        /// The files that were looked at; none if the program could not be found.
        pinned: Option<Box<Pinned>>,
        /// The stored script, if there is one.
        kept: Option<Box<FileIdentity>>,
    },
    /// `midwatch __act`, whose head and set follow on the same socket.
    Act,
}

/// A process that waits to become the act.
pub struct Held {
    /// The process.
    pub child: Child,
    socket: UnixStream,
    /// Files that an interpreter reads, until they were compared after the start.
    scripts: Vec<FileIdentity>,
    executed: Option<Boot>,
}

impl Held {
    /// Starts a hold and sends its order; it executes nothing before [`Self::go`].
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command, order: &Order) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        command.arg0("midwatch").arg("__hold").current_dir("/").stdin(OwnedFd::from(theirs));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()?;
        // The command holds the other end until it has another standard input.
        command.stdin(Stdio::null());
        let scripts = match order {
            Order::Program { pinned, kept, .. } => {
                let script = pinned.iter().filter(|pinned| pinned.interpreted).map(|pinned| pinned.program.clone());
                script.chain(kept.as_deref().cloned()).collect()
            }
            Order::Act => Vec::new(),
        };
        let mut held = Self { child, socket, scripts, executed: None };
        let bytes = serde_json::to_vec(order)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes();
        let given = held.socket.write_all(&length).and_then(|()| held.socket.write_all(&bytes));
        given.map(|()| held)
    }

    /// Lets it execute its order: its identity has been recorded.
    ///
    /// # Errors
    /// When it is gone.
    pub fn go(&mut self) -> io::Result<UnixStream> {
        self.socket.write_all(b"!")?;
        self.socket.try_clone()
    }

    /// Ends a hold that was not released.
    pub fn give_up(mut self) {
        drop(self.socket);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether a script still has to be compared.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        !self.scripts.is_empty()
    }

    /// Compares again the files that an interpreter reads, a moment after the start or at the end; returns what
    /// changed.
    pub fn changed(&mut self, ended: bool) -> Option<String> {
        if self.scripts.is_empty() || !(ended || self.is_started_for(COMPARED_AFTER)) {
            return None;
        }
        let pid = self.child.id();
        let scripts = std::mem::take(&mut self.scripts);
        // A script that replaces itself is unchanged while its interpreter has the old file open.
        scripts.iter().find_map(|script| script.open_same().err().filter(|_| !has_open(pid, script)))
    }

    fn is_started_for(&mut self, span: Duration) -> bool {
        if self.executed.is_none() {
            // Leave the reason in the socket, to be read later.
            let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
            let ended = recv(&self.socket, &mut [0_u8; 1], flags).is_ok_and(|(_, count)| count == 0);
            self.executed = ended.then(clock::boot);
        }
        self.executed.is_some_and(|at| clock::boot().since(at) >= span)
    }

    /// Why nothing was executed, once it has ended; none if something was.
    pub fn reason(&mut self) -> Option<String> {
        self.socket.set_nonblocking(true).ok()?;
        let mut text = Vec::new();
        // Data before an error counts: a closed socket may report a reset.
        let _ = (&self.socket).take(LONGEST_REASON).read_to_end(&mut text);
        (!text.is_empty()).then(|| String::from_utf8_lossy(&text).into_owned())
    }
}

/// Whether a process has a file open with the content that was shown.
fn has_open(pid: u32, file: &FileIdentity) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| FileIdentity::of(&entry.path(), file.size).ok()).any(|found| file.changes(&found).is_none())
}

/// Waits, and becomes the act; returns the exit code if it does not.
///
/// # Errors
/// When its order cannot be read.
pub fn main() -> Result<u8> {
    let doing = "read the order";
    let io = |cause: io::Error| Error::machine(doing, cause);
    let input = rustix::stdio::stdin().try_clone_to_owned().map_err(io)?;
    // Unbuffered: the bytes after the order are for the act.
    let mut input = File::from(input);
    let mut length = [0; 8];
    input.read_exact(&mut length).map_err(io)?;
    let mut bytes = Vec::new();
    (&input).take(u64::from_le_bytes(length)).read_to_end(&mut bytes).map_err(io)?;
    let order: Order = serde_json::from_slice(&bytes).map_err(|cause| Error::machine(doing, cause))?;
    let mut go = [0; 1];
    if input.read(&mut go).map_err(io)? == 0 {
        // The shim is gone, and this process was not released to act.
        return Ok(0);
    }
    let why = execute(order);
    let _ = input.write_all(why.as_bytes());
    Ok(NOT_EXECUTED)
}

/// Executes the order; returns only with the reason why it could not.
fn execute(order: Order) -> String {
    match order {
        Order::Act => {
            let own = Command::new(ITSELF).arg0("midwatch").arg("__act").exec();
            format!("cannot execute Midwatch's own program: {}", system_text(own))
        }
        Order::Program { dir, path, argv, cwd, env, pinned, kept } => {
            if let Err(cause) = std::env::set_current_dir(&cwd) {
                return format!("cannot work in {}: {}", cwd.display(), system_text(cause));
            }
            if let Some(why) = kept.and_then(|kept| kept.open_same().err()) {
                return why;
            }
            let opened = match pinned.map(|pinned| pinned.open()).transpose() {
                Ok(opened) => opened,
                Err(why) => return why,
            };
            let target = match &opened {
                Some(Executable::Descriptor(fd)) => match by_descriptor(&dir, &path, fd) {
                    Ok(target) => target,
                    Err(why) => return why,
                },
                Some(Executable::Path(path)) => path.clone(),
                None => path,
            };
            let mut command = Command::new(target);
            command.arg0(argv.first().map_or("", String::as_str)).args(argv.iter().skip(1));
            system_text(command.env_clear().envs(env).stdin(Stdio::null()).exec())
        }
    }
}

/// A path that leads to this descriptor only. It ends with the program's own name, which the kernel uses as the name
/// of the process (`execve(2)`, `proc_pid_comm(5)`): a link beside the attempt's files, else the descriptor itself.
fn by_descriptor(dir: &Path, path: &Path, fd: &OwnedFd) -> std::result::Result<PathBuf, String> {
    let direct = PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()));
    if fs::symlink_metadata(&direct).is_err() {
        return Err(format!("{} cannot be executed by its descriptor: /proc is not there", path.display()));
    }
    let links = dir.join("exe");
    let link = links.join(path.file_name().unwrap_or_default());
    let made = fs::create_dir(&links).and_then(|()| symlink(&direct, &link));
    Ok(if made.is_ok() { link } else { direct })
}
