//! Runs the programs that make a server.

use crate::domain::error::{Error, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long to wait between two looks.
pub(super) const LOOK: Duration = Duration::from_millis(5);

/// Ends the making of a server early, from another thread; what is under way then fails.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Cancels.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs a program to its end, or until it is not wanted any more; gives what it says.
pub(super) fn finish(mut command: Command, doing: &str, cancel: &Cancel) -> Result<String> {
    let failed = |cause: io::Error| Error::machine(doing, cause);
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    // Beside each other, for neither pipe may fill.
    let (join_handle, wrong) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if cancel.is_wanted() {
            // Its group is its own: what it started ends with it.
            let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
            break child.wait().map_err(failed)?;
        }
        std::thread::sleep(LOOK);
    };
    let (text, wrong) = (join_handle.join().unwrap_or_default(), wrong.join().unwrap_or_default());
    if cancel.is_wanted() {
        return Err(Error::machine(doing, "it is not wanted any more"));
    }
    if !status.success() {
        return Err(Error::machine(doing, wrong.trim()));
    }
    Ok(text)
}

/// Reads a pipe to its end in a thread of its own.
fn drain(pipe: Option<impl io::Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // The output before a failure is reported as well.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
