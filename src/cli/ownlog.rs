//! Midwatch's own log: to a file in the user's own state directory, never to the screen.

use crate::config::paths::Surroundings;
use crate::config::state::{Scope, State, own_dir};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// How many lines may wait to be written; their places are set aside at the start, before the first frame.
const LINES: usize = 1024;

/// Starts the log, one file a day, seven kept; it is written as long as the guard lives.
///
/// `None` when the directory cannot be used: a console without a log of its own is better than none.
#[must_use]
pub fn start(state: &State, around: &Surroundings) -> Option<WorkerGuard> {
    let dir = match state.scope {
        Scope::User => state.dir.clone(),
        // A team's directory holds what the team shares.
        Scope::Team => own_dir(around)?,
    };
    let dir = dir.join("log");
    std::fs::create_dir_all(&dir).ok()?;
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
