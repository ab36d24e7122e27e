//! The terminal is left as it was found, on every path.

use crate::domain::Clean;
use crate::tui::tty::Tty;
use nix::unistd::{Pid, getpgrp, getppid, getsid};
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};
use signal_hook::consts::SIGCONT;
use signal_hook::iterator::Signals;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The other screen, blank, no cursor, pastes in brackets (xterm, ctlseqs). A terminal on which a console was killed is on the other
/// screen already, and clears nothing when it is asked for that again.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[m\x1b[H\x1b[2J\x1b[?25l\x1b[?2004h";
/// Clicks and the wheel, with coordinates beyond column 223; no movement.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// Everything off again, in reverse; before it, CAN ends a sequence that was cut in its middle.
const LEAVE: &[u8] = b"\x18\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[m\x1b[?25h\x1b[?1049l";
/// How long a stuck terminal is waited for.
const PATIENCE: Duration = Duration::from_millis(300);

/// The rollback to the terminal as it was; every copy leads to the same, and it is taken once.
#[derive(Clone)]
pub struct Restore {
    tty: Tty,
    /// The line settings that were found; none while the terminal is not ours.
    found: Arc<Mutex<Option<Termios>>>,
}

impl Restore {
    /// Leaves the screen and raw mode. Does nothing if that is already done.
    ///
    /// Typed-ahead input is thrown away, so that keys meant for Midwatch never reach a shell.
    ///
    /// # Errors
    /// The terminal is gone or stuck; the line settings were put back all the same if that was possible.
    pub fn leave(&self) -> io::Result<()> {
        // Taken before anything is written, so that a second call from another path finds nothing to do.
        let Some(found) = self.found.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let written = self.tty.write_within(LEAVE, PATIENCE);
        let _ = tcflush(&self.tty, QueueSelector::IFlush);
        tcsetattr(&self.tty, OptionalActions::Now, &found)?;
        written
    }

    /// Enters raw mode and the other screen. Does nothing if that is already done.
    fn enter(&self, mouse: bool) -> io::Result<()> {
        let mut place = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_some() {
            return Ok(());
        }
        let found = tcgetattr(&self.tty)?;
        let mut raw = found.clone();
        raw.make_raw();
        tcsetattr(&self.tty, OptionalActions::Now, &raw)?;
        *place = Some(found);
        drop(place);
        let modes = [ENTER, if mouse { MOUSE_ON } else { b"" }].concat();
        self.tty.write_within(&modes, PATIENCE).inspect_err(|_| {
            let _ = self.leave();
        })
    }
}

/// Holds the terminal: raw mode and the other screen, until it is dropped.
pub struct TerminalGuard {
    restore: Restore,
    mouse: bool,
}

impl TerminalGuard {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It is gone or stuck; it is then as it was.
    pub fn enter(tty: Tty, mouse: bool) -> io::Result<Self> {
        let guard = Self { restore: Restore { tty, found: Arc::default() }, mouse };
        guard.restore.enter(mouse)?;
        Ok(guard)
    }

    /// The rollback, for the panic hook and for signals.
    #[must_use]
    pub fn restore(&self) -> Restore {
        self.restore.clone()
    }

    /// Gives the terminal back; it can be taken again with [`TerminalGuard::retake`].
    ///
    /// # Errors
    /// As [`Restore::leave`].
    pub fn leave(&self) -> io::Result<()> {
        self.restore.leave()
    }

    /// Takes the terminal again after [`TerminalGuard::leave`]; the screen is blank and must be redrawn.
    ///
    /// # Errors
    /// As [`TerminalGuard::enter`].
    pub fn retake(&self) -> io::Result<()> {
        self.restore.enter(self.mouse)
    }

    /// What to write to have the mouse reported, or to leave it to the terminal's own selection; it stays so when the terminal is
    /// taken again.
    pub fn mouse(&mut self, on: bool) -> &'static [u8] {
        self.mouse = on;
        if on { MOUSE_ON } else { MOUSE_OFF }
    }

    /// Gives the terminal back, stops the whole job as Ctrl-Z does, and takes the terminal again when continued.
    ///
    /// Gives false, having done nothing, where no shell could continue it.
    ///
    /// # Errors
    /// As [`TerminalGuard::leave`] and [`TerminalGuard::retake`].
    pub fn suspend(&self) -> io::Result<bool> {
        if !can_be_continued() {
            return Ok(false);
        }
        // The kernel may stop this thread a moment after the next lines; only being continued ends the wait.
        let mut continued = Signals::new([SIGCONT])?;
        self.leave()?;
        // STOP rather than TSTP: no handler can keep it, and it stops what started us (`just`, `cargo`) with us.
        kill_current_process_group(Signal::STOP)?;
        continued.wait();
        self.retake()?;
        Ok(true)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        let _ = self.restore.leave();
    }
}

/// Whether the parent is a shell with job control: a parent in our session, whose leader is in another group.
///
/// In a pid namespace a parent or a session leader outside of it has no id and reads as 0 (pid_namespaces(7)): such a
/// shell cannot be distinguished from none.
fn can_be_continued() -> bool {
    let outside = Pid::from_raw(0);
    let parent = getppid();
    if parent == outside {
        return false;
    }
    let (Ok(session), Ok(above)) = (getsid(None), getsid(Some(parent))) else { return false };
    session != outside && session == above && session != getpgrp()
}

/// One thread that ended in a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// The thread's name.
    pub thread: Clean,
    /// Its message.
    pub message: Clean,
    /// Where in the source: file, line and column.
    pub place: String,
}

/// Sends panics to our log and to `died`, and keeps them off the screen.
///
/// A panic of the thread that calls this, the one that draws, first gives the terminal back and then says why on
/// standard error. A panic of any other thread touches nothing: `died` is called on that thread, and should send a
/// message to the loop.
pub fn catch_panics(restore: Restore, died: impl Fn(Death) + Send + Sync + 'static) {
    let drawing = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        // A probe catches its own on any thread; its row reports it.
        if crate::probes::panics::takes(info) {
            return;
        }
        let death = death(info);
        tracing::error!(thread = death.thread.plain(), place = death.place, "panic: {}", death.message.plain());
        if std::thread::current().id() == drawing {
            let _ = restore.leave();
            // Not `eprintln!`, which panics when standard error is gone.
            let _ = writeln!(io::stderr(), "midwatch: panic at {}: {}", death.place, death.message.plain());
        } else {
            died(death);
        }
    }));
}

/// What a panic says of itself; its text may quote outside bytes.
fn death(info: &PanicHookInfo<'_>) -> Death {
    Death {
        thread: Clean::text(std::thread::current().name().unwrap_or("unnamed")),
        message: Clean::text(info.payload_as_str().unwrap_or("no message")),
        place: info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string),
    }
}

#[cfg(test)]
mod tests;
