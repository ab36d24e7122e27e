//! The one place that prints: a closed, full or broken output ends the printing, never the command.
//!
//! | what stdout does | [`print`]: printing is the command's purpose | [`line`], [`text`]: it goes along with something else |
//! |---|---|---|
//! | the reader is gone (EPIPE), `\| head` | quiet, the command's own code | quiet, the command's own code |
//! | it cannot be written (ENOSPC, EIO) | an error, code 1 (`check`: 3) | one line on standard error, the command's own code |
//!
//! Standard error that cannot be written is left alone: nothing is left to say it on.

use crate::domain::Error;
pub use crate::domain::clean::json_escaped as json;
use crate::domain::error::Result;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether standard output failed once: it is said once, and nothing more is printed.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Prints what the command is for.
///
/// # Errors
/// When standard output cannot be written. A reader that has seen enough is no failure.
pub fn print(bytes: &[u8]) -> Result<u8> {
    write(bytes)
        .map(|()| 0)
        .map_err(|cause| Error::machine("write to standard output", cause).hint("is its disk full?"))
}

/// Prints a text beside what the command does.
pub fn text(text: fmt::Arguments<'_>) {
    if FAILED.load(Ordering::Relaxed) {
        return;
    }
    if let Err(cause) = write(text.to_string().as_bytes()) {
        FAILED.store(true, Ordering::Relaxed);
        warn_line(format_args!("midwatch: cannot write to standard output: {cause}; the command goes on"));
    }
}

/// Prints a line beside what the command does.
pub fn line(line: fmt::Arguments<'_>) {
    text(format_args!("{line}\n"));
}

/// Says a text on standard error.
pub fn warn(text: fmt::Arguments<'_>) {
    let _ = io::stderr().lock().write_all(text.to_string().as_bytes());
}

/// Says a line on standard error.
pub fn warn_line(line: fmt::Arguments<'_>) {
    warn(format_args!("{line}\n"));
}

/// Writes and flushes; a reader that is gone takes everything.
fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
