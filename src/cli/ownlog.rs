//! Midwatch's own log: to a file in the user's own state directory, never to the screen.
//!
//! ```text
//! 2026-11-30T02:43:24.123456Z  WARN runner[4711] run=01M8… step=2: probe failed kind="postgres" target="main" cause="…"
//! ```
//! Every process of Midwatch that acts writes to the same file, a line at a time. A line holds kinds, ids, places and causes; no value
//! that was read as a secret is in it.

use crate::config::paths::Surroundings;
use crate::config::secrets;
use crate::config::state::{State, has_log_home, prepare_log};
use crate::domain::Clean;
use crate::journal::log::mask::Mask;
use rustix::fs::Mode;
use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes the log out when it is dropped.
pub type Guard = WorkerGuard;

/// How many lines may wait to be written; their places are set aside at the start, before the first frame.
const LINES: usize = 1024;

/// The most that all files of the log may hold together, in bytes.
const LARGEST: u64 = 64 << 20;

/// After how many bytes of its own a process measures the files again.
const MEASURE_EVERY: u64 = 256 << 10;

/// What a line says of the process that writes it.
#[derive(Clone, Debug)]
pub struct Writes {
    /// The command: `console`, `runner`, `act`.
    pub who: &'static str,
    /// The run, the step and the attempt that it works on, as they stand in a line.
    pub on: String,
    /// Whether the log's directory is made where there is none: commands that only look leave nothing behind.
    pub makes: bool,
}

impl Writes {
    /// A process that may make the log.
    #[must_use]
    pub fn of(who: &'static str) -> Self {
        Self { who, on: String::new(), makes: true }
    }

    /// A process that writes where a log is kept already.
    #[must_use]
    pub fn looking(who: &'static str) -> Self {
        Self { makes: false, ..Self::of(who) }
    }
}

/// Starts the log, one file a day, seven kept; it is written as long as the guard lives.
///
/// `None` when the directory cannot be used: a console without a log of its own is better than none.
#[must_use]
pub fn start(state: &State, around: &Surroundings, writes: Writes) -> Option<Guard> {
    if !writes.makes && !has_log_home(state, around) {
        return None;
    }
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
    let bounded = Bounded::new(file, dir, LARGEST, secrets::held);
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(LINES).finish(bounded);
    // Libraries may log what they send: only Midwatch's own lines, unless somebody asks for more.
    let filter = EnvFilter::try_from_env("MIDWATCH_LOG").unwrap_or_else(|_| EnvFilter::new("midwatch=info"));
    let logger = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter);
    logger.event_format(writes).try_init().ok().map(|()| guard)
}

/// Closes the files that an earlier version left open to others.
fn close(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::set_permissions(entry.path(), Permissions::from_mode(0o600));
        }
    }
}

impl<S, N> FormatEvent<S, N> for Writes
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        SystemTime.format_time(&mut line)?;
        write!(line, " {:>5} {}[{}]{}", event.metadata().level(), self.who, std::process::id(), self.on)?;
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                write!(line, " {fields}")?;
            }
        }
        line.write_str(": ")?;
        context.field_format().format_fields(line.by_ref(), event)?;
        line.write_char('\n')
    }
}

/// Writes each event as one clean line without secrets, and drops events while the files of a directory are too large together.
struct Bounded<W> {
    inner: W,
    dir: PathBuf,
    largest: u64,
    unmeasured: u64,
    is_full: bool,
    /// Where the values come from that must not be written.
    known: fn() -> Vec<Vec<u8>>,
    secrets: Vec<Vec<u8>>,
    mask: Mask,
}

impl<W: Write> Bounded<W> {
    fn new(inner: W, dir: PathBuf, largest: u64, known: fn() -> Vec<Vec<u8>>) -> Self {
        let is_full = size(&dir) >= largest;
        Self { inner, dir, largest, unmeasured: 0, is_full, known, secrets: Vec::new(), mask: Mask::new(&[]) }
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

    /// The event without the values that this process has read as secrets, whichever way they are written.
    fn masked(&mut self, event: &[u8]) -> Vec<u8> {
        let known = (self.known)();
        if known != self.secrets {
            (self.mask, self.secrets) = (Mask::new(&known), known);
        }
        let mut masked = self.mask.feed(event);
        masked.extend(self.mask.finish());
        masked
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.measure(event.len())?;
        if !self.is_full {
            let masked = self.masked(event);
            let mut line = Clean::name(masked.strip_suffix(b"\n").unwrap_or(&masked)).plain();
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

    const SECRET: &str = "swordf1sh/x";

    #[test]
    fn an_event_is_one_line_without_control_bytes_and_the_files_stay_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("midwatch.log");
        let mut log = Bounded::new(File::create(&path).unwrap(), dir.path().to_owned(), 4096, Vec::new);
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
        let again = fs::read(&path).unwrap();
        assert!(again.windows(10).any(|found| found == b"room again"), "it goes on when there is room");
    }

    #[test]
    fn a_value_that_was_read_as_a_secret_is_in_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("midwatch.log");
        let mut log = Bounded::new(File::create(&path).unwrap(), dir.path().to_owned(), 4096, || {
            vec![SECRET.as_bytes().to_vec()]
        });
        for text in [SECRET, "swordf1sh%2Fx", "c3dvcmRmMXNoL3g=", "swordf1sh\\/x"] {
            log.write_all(format!("cause=\"refused {text} there\"\n").as_bytes()).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "cause=\"refused [masked] there\"\n".repeat(4));
    }
}
