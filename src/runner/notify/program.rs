//! A program as receiver: no shell, its own environment, the text on standard input.

use crate::domain::error::system_text;
use crate::runner::adapters;
use crate::runner::notify::{Bounds, Came, GLANCE, Message, PATH};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the program to its end; the error is why it could not be started. Its output goes to the step's log.
pub(super) fn run(argv: &[String], receiver: &str, message: &Message, bounds: &Bounds<'_>) -> Result<Came, String> {
    let (program, args) = argv.split_first().ok_or("no program is named")?;
    adapters::fit_unasked(Path::new(program))?;
    let mut command = Command::new(program);
    command.args(args).env_clear().current_dir("/").process_group(0);
    command.env("PATH", PATH).env("LANG", "C.UTF-8");
    command.env("MIDWATCH_RUN", &message.run).env("MIDWATCH_RECEIVER", receiver);
    command.env("MIDWATCH_SUBJECT", message.subject());
    command.stdin(Stdio::piped()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(|cause| format!("{program} cannot be started: {}", system_text(cause)))?;
    if let Some(mut pipe) = child.stdin.take() {
        let text = message.body();
        // A program that does not read must not block the notice; only its exit code is judged.
        std::thread::spawn(move || pipe.write_all(text.as_bytes()));
    }
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(Came::Delivered("exit code 0".to_owned())),
            Ok(Some(status)) => {
                let how = status.code().map(|code| format!("exit code {code}"));
                return Ok(match how {
                    Some(how) => Came::Not(how),
                    None => Came::Unclear("it was killed".to_owned()),
                });
            }
            Ok(None) => {}
            Err(cause) => return Ok(Came::Unclear(format!("cannot wait for it: {}", system_text(cause)))),
        }
        if bounds.is_cancelled() || bounds.left().is_zero() {
            let why = if bounds.is_cancelled() { "it was stopped" } else { "it took too long" };
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
            return Ok(Came::Unclear(why.to_owned()));
        }
        std::thread::sleep(GLANCE);
    }
}
