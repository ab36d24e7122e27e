//! The runner as a process: what it outlives, and what it says last.

use crate::domain::Error;
use crate::domain::error::Result;
use std::io::Write;

/// What a runner is launched to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Begin a new run.
    Begin,
    /// Go on with an interrupted one.
    Resume,
    /// Take an interrupted one over and stop it.
    Abort {
        /// Whether to undo what it did.
        undo: bool,
    },
}

/// Says why the runner gives up, on standard error, which leads to `runner.err`; while the run is still its own, so that
/// whoever sees it free can read why.
pub(super) fn last_words(cause: &Error) {
    let exit = cause.kind.exit_code();
    let words = serde_json::json!({ "message": cause.message, "hints": cause.hints, "exit": exit });
    let _ = writeln!(std::io::stderr().lock(), "{words}");
}

/// A runner outlives its terminal: HUP, INT and QUIT are taken and dropped.
pub(super) fn ignore_hangup() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()] {
        // The handler stays when the stream of its signals is dropped.
        drop(signal(kind).map_err(|cause| Error::machine("set up the runner's signals", cause))?);
    }
    Ok(())
}
