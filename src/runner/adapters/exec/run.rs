//! Runs a program to its end and forwards its output.

use crate::domain::Error;
use crate::domain::error::system_text;
use crate::procedure::plan::Action;
use crate::runner::adapters;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a cancelled program has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);

/// How long one wait for output lasts, in nanoseconds.
const GLANCE_NS: i64 = 20_000_000;

/// How much is read at most after a program ended, in bytes: more than a pipe holds.
const LAST_WORDS: usize = 1 << 20;

/// How a program ended.
pub(super) enum Ran {
    Ended(ExitStatus),
    Cancelled,
    Lost(String),
}

/// What happens to its standard error.
#[derive(Clone, Copy)]
pub(super) enum Errors {
    /// It is mixed with the output.
    Among,
    /// It is dropped.
    Dropped,
}

/// Starts the program in its own process group and forwards its output until it ends.
pub(super) fn run(action: &Action, out: &mut dyn Write, errors: Errors, cancel: &AtomicBool) -> Result<Ran, Error> {
    let program = super::program(action)?;
    let doing = format!("start {}", program.path.display());
    let failed = |cause: std::io::Error| Error::machine(&doing, cause);
    adapters::is_fit_unasked(action).map_err(|why| Error::machine(&doing, why))?;
    let (mut reader, writer) = std::io::pipe().map_err(failed)?;
    let mut command = Command::new(&program.path);
    command.arg0(program.argv.first().map_or("", String::as_str)).args(program.argv.iter().skip(1));
    let env = program.environment().map_err(|why| Error::machine(&doing, why))?;
    command.env_clear().envs(&env).current_dir(&program.cwd).stdin(Stdio::null()).process_group(0);
    command.stdout(writer.try_clone().map_err(failed)?);
    match errors {
        Errors::Among => command.stderr(writer),
        Errors::Dropped => command.stderr(Stdio::null()),
    };
    let mut child = command.spawn().map_err(failed)?;
    drop(command); // It holds the writing ends of the pipes.
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let kill = |signal| group.map(|group| kill_process_group(group, signal));
    let mut killed_at: Option<Instant> = None;
    let mut buffer = vec![0; 16 << 10];
    let mut open = true;
    loop {
        let ready = open && readable(&reader, GLANCE_NS);
        let took = if ready { reader.read(&mut buffer) } else { Ok(0) };
        let bytes = took.as_ref().map_or(0, |count| *count);
        open = open && !(ready && bytes == 0);
        if let Some(bytes) = buffer.get(..bytes) {
            let _ = out.write_all(bytes); // A failing log must not stop a program half-way.
        }
        match child.try_wait() {
            Ok(Some(status)) => {
                drain(&mut reader, out);
                return Ok(if killed_at.is_none() { Ran::Ended(status) } else { Ran::Cancelled });
            }
            Ok(None) => {}
            Err(cause) => return Ok(Ran::Lost(format!("cannot wait for the program: {}", system_text(cause)))),
        }
        match killed_at {
            None if cancel.load(Ordering::Relaxed) => {
                kill(Signal::TERM);
                killed_at = Some(Instant::now());
            }
            Some(at) if at.elapsed() > GRACE => {
                kill(Signal::KILL);
            }
            _ => {}
        }
        if !open {
            std::thread::sleep(Duration::from_nanos(GLANCE_NS.unsigned_abs()));
        }
    }
}

/// Forwards the program's last output; does not wait for output of its children.
fn drain(reader: &mut std::io::PipeReader, out: &mut dyn Write) {
    let mut last = vec![0; LAST_WORDS];
    while readable(reader, 0) {
        let Some(bytes) = reader.read(&mut last).ok().filter(|count| *count > 0).and_then(|count| last.get(..count))
        else {
            return;
        };
        let _ = out.write_all(bytes);
        let left = last.len().saturating_sub(bytes.len());
        if left == 0 {
            return;
        }
        last.truncate(left);
    }
}

/// Waits for output or its end.
fn readable(reader: &std::io::PipeReader, nanos: i64) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec { tv_sec: 0, tv_nsec: nanos };
    let mut fds = [PollFd::new(reader, PollFlags::IN)];
    matches!(poll(&mut fds, Some(&timeout)), Ok(count) if count > 0)
}
