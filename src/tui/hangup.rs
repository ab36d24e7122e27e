//! The end of the process when its terminal is gone.
//!
//! After a hang-up the reader of events may spin, and the loop may be stuck in the middle of anything; so a small thread
//! of its own sleeps in `poll` until the terminal reports the end. It wakes for nothing else.

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The exit code after a hang-up: what a shell would report for SIGHUP.
pub const EXIT_CODE: i32 = 129;
/// How long the loop has to end in good order; with it, the process is gone within a second.
pub const GRACE: Duration = Duration::from_millis(500);

/// The watch; dropping it ends it.
pub struct Hangup {
    stop: OwnedFd,
}

impl Hangup {
    /// Watches a terminal. When it is gone: calls `notify`, gives the loop [`GRACE`], and ends the process with
    /// [`EXIT_CODE`].
    ///
    /// `notify` should wake the loop, so that it can leave by itself; it must not block.
    ///
    /// # Errors
    /// No descriptor or thread is left.
    pub fn watch(tty: impl AsFd + Send + 'static, notify: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Self::spawn(tty, move || {
            notify();
            std::thread::sleep(GRACE);
            // Not `std::process::exit`: its handlers may wait for a lock of the thread that is stuck.
            signal_hook::low_level::exit(EXIT_CODE);
        })
    }

    fn spawn(tty: impl AsFd + Send + 'static, gone: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let stopped = stop.try_clone()?;
        std::thread::Builder::new().name("hangup".to_owned()).spawn(move || {
            if wait(&tty, &stopped) == End::Gone {
                gone();
            }
        })?;
        Ok(Self { stop })
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Gone,
    Stopped,
}

/// Sleeps until the terminal is gone or the watch is dropped.
fn wait(tty: &impl AsFd, stop: &OwnedFd) -> End {
    loop {
        // HUP, ERR and NVAL are reported without being asked for.
        let mut fds = [PollFd::new(tty, PollFlags::empty()), PollFd::new(stop, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return End::Gone,
        }
        let [tty, stop] = &fds;
        if !stop.revents().is_empty() {
            return End::Stopped;
        }
        if !tty.revents().is_empty() {
            return End::Gone;
        }
    }
}

#[cfg(test)]
mod tests;
