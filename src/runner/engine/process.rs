//! The runner as a process: the signals that it ignores, and its last error message.

use crate::domain::Error;
use crate::domain::error::Result;
use std::io::Write;

/// The task of a runner at its launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Begin a new run.
    Begin,
    /// Continue an interrupted run.
    Resume,
    /// Take over an interrupted run and abort it.
    Abort {
        /// Whether to undo what it did.
        undo: bool,
    },
}

/// Writes why the runner gives up to standard error, which is `runner.err`; before it releases the run, so that a
/// reader who sees it free can read why.
pub(super) fn last_words(cause: &Error) {
    let exit = cause.kind.exit_code();
    let words = serde_json::json!({ "message": cause.message, "hints": cause.hints, "exit": exit });
    let _ = writeln!(std::io::stderr().lock(), "{words}");
}

/// A runner outlives its terminal: it ignores HUP, INT and QUIT.
pub(super) fn ignore_hangup() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()] {
        // The handler stays installed after the stream of its signals is dropped.
        drop(signal(kind).map_err(|cause| Error::machine("set up the runner's signals", cause))?);
    }
    Ok(())
}
