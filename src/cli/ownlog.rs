//! Midwatch's own log: to a file in the user's own state directory, never to the screen.

use crate::config::paths::Surroundings;
use crate::config::state::{State, prepare_log};
use rustix::fs::Mode;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// How many lines may wait to be written; their places are set aside at the start, before the first frame.
const LINES: usize = 1024;

/// Starts the log, one file a day, seven kept; it is written as long as the guard lives.
///
/// `None` when the directory cannot be used: a console without a log of its own is better than none.
#[must_use]
pub fn start(state: &State, around: &Surroundings) -> Option<WorkerGuard> {
    let dir = prepare_log(state, around).ok()?;
    // Each day's file is made by the logger, with the mode that the umask leaves: for this user alone.
    let _ = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    close(&dir);
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("midwatch")
        .filename_suffix("log")
        .max_log_files(7)
        .build(&dir)
        .ok()?;
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(LINES).finish(file);
    let filter = EnvFilter::try_from_env("MIDWATCH_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logger = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter);
    logger.try_init().ok().map(|()| guard)
}

/// Closes the files that an earlier version left open to others.
fn close(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::set_permissions(entry.path(), Permissions::from_mode(0o600));
        }
    }
}
