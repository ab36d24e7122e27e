//! Figures of the past on disk: what the rows of an estate have read, a figure each minute, for a day.
//!
//! ```text
//!  probes ── note ──> pending ── each minute, and at the end ──> history.db ── at the start ──> Past
//!                                 one transaction, by the one process of the estate that holds its lock
//! ```
//! Everything that touches the disk happens in one thread of its own, or in the command that asks for it: never in the update function,
//! in the drawing or on a thread of the runtime. A failure there costs figures of the past and nothing else: no reading, no key,
//! and of the quit at most [`PATIENCE`].

mod fault;
mod keeper;
mod pending;
mod place;
mod read;
mod schema;
mod write;

use crate::config::estate::Estate;
use crate::config::paths::Surroundings;
use crate::config::state::{self, State};
use crate::domain::error::Result;
use crate::domain::{Boot, Error, Past, Rows, quantity};
use crate::probes::clock;
use crate::runner::failpoint;
use keeper::Keeper;
use pending::Pending;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How far apart two transactions are.
const MINUTE: Duration = Duration::from_secs(60);
/// How much of the past the graphs show, in minutes.
pub const SHOWN: i64 = 60;
/// How long the end of a console waits for the last transaction.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// How long the disk may take before that is reported.
const SLOW: Duration = Duration::from_secs(20);

/// Whose history it is, and where it is kept.
#[derive(Clone, Debug)]
pub struct About {
    /// The state directory; a team's members keep a history each, in their own.
    pub state: State,
    /// The variables that it was found with.
    pub around: Surroundings,
    /// The estate file; an estate without one is known by its name.
    pub file: Option<PathBuf>,
    /// The estate's name.
    pub name: String,
}

impl About {
    /// The history of an estate.
    #[must_use]
    pub fn of(estate: &Estate, state: &State, around: &Surroundings) -> Self {
        let (state, around) = (state.clone(), around.clone());
        Self { state, around, file: estate.source.clone(), name: estate.name.clone() }
    }

    /// The file.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        state::own_home(&self.state, &self.around).unwrap_or_default().join(place::DATABASE)
    }

    /// The name of the estate in the file: the real path of its estate file.
    fn estate(&self) -> String {
        let place = |file: &PathBuf| std::fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        match &self.file {
            Some(file) => place(file).to_string_lossy().into_owned(),
            None => format!("discovered {}", self.name),
        }
    }
}

/// What became of it, for the console that shows it.
#[derive(Clone, Debug)]
pub enum Event {
    /// The figures of the last hour were read.
    Read(Arc<Past>),
    /// Figures cannot be kept or read for now, or a damaged file was put aside.
    Trouble(Error),
}

/// Keeps the history of an estate as long as it lives; dropping it writes what is left.
pub struct History {
    shared: Arc<Shared>,
    ask: Sender<Ask>,
}

/// Where readings are handed in; never waits.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    pending: Mutex<Pending>,
    /// Since when the thread is at the disk, in nanoseconds of the boot clock; 0 while it is not.
    busy: AtomicU64,
    /// Whether it was reported that the disk does not answer.
    slow: AtomicBool,
    place: PathBuf,
    report: Box<dyn Fn(Event) + Send + Sync>,
}

enum Ask {
    /// Write what there is, and read the last hour again.
    Read,
    /// Write what there is, and end.
    End(SyncSender<()>),
}

impl History {
    /// Begins: reads the last hour, then writes each minute where no other process does so for this estate.
    ///
    /// `report` is called from a thread of its own, and from the thread that hands in readings.
    #[must_use]
    pub fn start(about: About, report: impl Fn(Event) + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            busy: AtomicU64::new(0),
            slow: AtomicBool::new(false),
            place: about.place(),
            report: Box::new(report),
        });
        let (ask, asked) = channel();
        let own = Arc::clone(&shared);
        let keep = move || keep(about, &own, &asked);
        if let Err(cause) = thread::Builder::new().name("history".to_owned()).spawn(keep) {
            tracing::warn!(%cause, "no history is kept");
        }
        Self { shared, ask }
    }

    /// Where readings are handed in.
    #[must_use]
    pub fn recorder(&self) -> Recorder {
        Recorder(Arc::clone(&self.shared))
    }

    /// Reads the last hour again, with what was not written yet.
    pub fn read_again(&self) {
        let _ = self.ask.send(Ask::Read);
    }
}

impl Drop for History {
    fn drop(&mut self) {
        let (done, wait) = sync_channel(1);
        if self.ask.send(Ask::End(done)).is_ok() {
            // A disk that does not answer keeps its figures.
            let _ = wait.recv_timeout(PATIENCE);
        }
    }
}

impl Recorder {
    /// Takes the figures of a target's newest rows.
    pub fn note(&self, rows: &Rows) {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner).note(rows);
        let busy = self.0.busy.load(Ordering::Relaxed);
        if busy != 0 && clock::boot().since(Boot(busy)) > failpoint::span("HISTORY_SLOW", SLOW) {
            self.0.report_slow();
        }
    }
}

impl Shared {
    fn report_slow(&self) {
        if self.slow.swap(true, Ordering::Relaxed) {
            return;
        }
        let why = format!("no answer within {}", quantity::span(failpoint::span("HISTORY_SLOW", SLOW)));
        let error = fault::unusable(&self.place, &why, "its file system may hang: `findmnt` lists the mounts");
        tracing::warn!(cause = error.message, "history not kept");
        (self.report)(Event::Trouble(error));
    }

    /// Does something at the disk with what is pending; what it leaves stays pending.
    fn at_the_disk<T>(&self, work: impl FnOnce(&mut Pending) -> T) -> T {
        self.busy.store(clock::boot().0, Ordering::Relaxed);
        let mut pending = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let done = work(&mut pending);
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).put_back(pending);
        self.busy.store(0, Ordering::Relaxed);
        done
    }
}

/// The thread: at the disk once a minute.
fn keep(about: About, shared: &Shared, asked: &Receiver<Ask>) {
    let minute = failpoint::span("HISTORY", MINUTE);
    let report = |event| (shared.report)(event);
    let mut supervisor = Keeper::new(about, true, &report);
    shared.at_the_disk(|_| supervisor.read());
    loop {
        let ask = asked.recv_timeout(minute);
        shared.at_the_disk(|pending| supervisor.write(pending));
        match ask {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Ask::Read) => shared.at_the_disk(|_| supervisor.read()),
            Ok(Ask::End(done)) => {
                let _ = done.send(());
                return;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Adds the figures of one reading, where no other process writes for the estate at this moment, and where there is a directory for it:
/// a command that only looks leaves none behind. What prevents it is in Midwatch's own log.
pub fn contribute(about: About, rows: &[Rows]) {
    let mut pending = Pending::default();
    rows.iter().for_each(|rows| pending.note(rows));
    Keeper::new(about, false, &|_| ()).write(&mut pending);
}

/// Reads the figures of the last minutes, of which no more than a day is kept.
///
/// # Errors
/// Why they cannot be read; where there are none, that is no error.
pub fn read(about: About, minutes: i64) -> Result<Past> {
    Keeper::new(about, false, &|_| ()).past(minutes, false)
}

#[cfg(test)]
mod tests;
