//! Midwatch's own log: to a file in the user's own state directory, never to the screen.

use crate::config::paths::Surroundings;
use crate::config::state::{State, prepare_log};
use crate::domain::Clean;
use rustix::fs::Mode;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Writes the log out when it is dropped.
pub type Guard = WorkerGuard;

/// How many lines may wait to be written; their places are set aside at the start, before the first frame.
const LINES: usize = 1024;

/// The most that all files of the log may hold together, in bytes.
const LARGEST: u64 = 64 << 20;

/// After how many bytes of its own a process measures the files again.
const MEASURE_EVERY: u64 = 256 << 10;

/// Starts the log, one file a day, seven kept; it is written as long as the guard lives.
///
/// `None` when the directory cannot be used: a console without a log of its own is better than none.
#[must_use]
pub fn start(state: &State, around: &Surroundings) -> Option<Guard> {
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
    let bounded = Bounded::new(file, dir, LARGEST);
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(LINES).finish(bounded);
    // Libraries may log what they send: only Midwatch's own lines, unless somebody asks for more.
    let filter = EnvFilter::try_from_env("MIDWATCH_LOG").unwrap_or_else(|_| EnvFilter::new("midwatch=info"));
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

/// Writes each event as one clean line, and drops events while the files of a directory are too large together.
struct Bounded<W> {
    inner: W,
    dir: PathBuf,
    largest: u64,
    unmeasured: u64,
    is_full: bool,
}

impl<W: Write> Bounded<W> {
    fn new(inner: W, dir: PathBuf, largest: u64) -> Self {
        let is_full = size(&dir) >= largest;
        Self { inner, dir, largest, unmeasured: 0, is_full }
    }

    fn measure(&mut self, more: usize) -> io::Result<()> {
        self.unmeasured += more as u64;
        if self.unmeasured < MEASURE_EVERY.min(self.largest / 4) {
            return Ok(());
        }
        self.unmeasured = 0;
        let was_full = std::mem::replace(&mut self.is_full, size(&self.dir) >= self.largest);
        if self.is_full && !was_full {
            self.inner.write_all(b"the log is full: events are dropped until an old file is removed\n")?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.measure(event.len())?;
        if !self.is_full {
            let text = event.strip_suffix(b"\n").unwrap_or(event);
            let mut line = Clean::name(text).plain();
            line.push('\n');
            self.inner.write_all(line.as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// How many bytes the files of a directory hold.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::Bounded;
    use std::fs::{self, File};
    use std::io::Write;

    #[test]
    fn an_event_is_one_line_without_control_bytes_and_the_files_stay_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("midwatch.log");
        let mut log = Bounded::new(File::create(&path).unwrap(), dir.path().to_owned(), 4096);
        log.write_all(b"lost \x1b[31m a\nforged line\n").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(!text.trim_end().chars().any(char::is_control), "{text:?}");
        for _ in 0..1000 {
            log.write_all(&[b'x'; 100]).unwrap();
        }
        let full = fs::read_to_string(&path).unwrap();
        assert!(full.len() < 2 * 4096, "{}", full.len());
        assert_eq!(full.matches("the log is full").count(), 1);
        fs::write(&path, "").unwrap();
        for _ in 0..20 {
            log.write_all(b"room again\n").unwrap();
            log.write_all(&[b'y'; 100]).unwrap();
        }
        assert!(fs::read(&path).unwrap().windows(10).any(|found| found == b"room again"), "it goes on when there is room");
    }
}
