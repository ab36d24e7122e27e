//! The one place that prints: a closed, full or broken output ends the printing, never the command.
//!
//! | what stdout does | [`print`]: printing is the command's purpose | [`line`], [`text`]: it goes along with something else |
//! |---|---|---|
//! | the reader is gone (EPIPE), `\| head` | quiet, the command's own code | quiet, the command's own code |
//! | it cannot be written (ENOSPC, EIO) | an error, code 1 (`check`: 3) | one line on standard error, the command's own code |
//!
//! Standard error that cannot be written is left alone: nothing is left to say it on.

use crate::cli::setup;
use crate::config::theme::{Glyphs, depth, glyphs};
use crate::domain::clean::Depth;
pub use crate::domain::clean::json_escaped as json;
use crate::domain::error::Result;
use crate::domain::{Error, Verdict};
use std::fmt;
use std::io::{self, IsTerminal, Write};
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

/// Prints what the command is for, for people: where the locale shows ASCII alone, our own signs stand by their likeness. What
/// comes from outside stays as it is.
///
/// # Errors
/// As [`print`].
pub fn page(text: &str) -> Result<u8> {
    match glyphs(&setup::surroundings()) {
        Glyphs::Unicode => print(text.as_bytes()),
        Glyphs::Ascii => {
            print(SIGNS.iter().fold(text.to_owned(), |text, (sign, like)| text.replace(sign, like)).as_bytes())
        }
    }
}

/// The signs of our own texts that are not ASCII, each with its likeness.
const SIGNS: [(&str, &str); 10] = [
    ("·", "-"),
    ("–", "-"),
    ("—", "-"),
    ("…", "..."),
    ("×", "x"),
    ("→", "->"),
    ("±", "+-"),
    ("≠", "!="),
    ("≤", "<="),
    ("≥", ">="),
];

/// A verdict's word, padded; in its colour where standard output is a terminal that shows colours (the eight of ECMA-48, so that
/// the terminal's own palette decides).
#[must_use]
pub fn verdict(verdict: Verdict, wide: usize) -> String {
    let word = format!("{:<wide$}", verdict.word());
    if !io::stdout().is_terminal() || depth(&setup::surroundings()) == Depth::None {
        return word;
    }
    let code = match verdict {
        Verdict::Ok => "32",
        Verdict::Warn => "33",
        Verdict::Critical => "1;31",
        Verdict::Unknown => "35",
    };
    format!("\x1b[{code}m{word}\x1b[0m")
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
