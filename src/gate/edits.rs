//! Watches for edits of the estate file and its `windows.toml` while a console is open.
//!
//! ```text
//!  look (every 2 s) ── another file, and the same at the next look ──> load ──> ready: waits until the console asks for it
//!                                                                        └────> wrong: the one before stays in use
//! ```
//! Only what a file is (its inode, size and time) is looked at each time; it is read when that has changed and has then stood still
//! for one look, so that a file that is being written is not read half.

use crate::app::msg::Msg;
use crate::calendar::{self, Calendar};
use crate::config::estate::Estate;
use crate::config::paths;
use crate::domain::error::Result;
use crate::gate::{World, faults};
use crate::runner::failpoint;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;

/// The time between two looks.
const LOOK: Duration = Duration::from_secs(2);

/// Loads the world again.
pub type Load = Arc<dyn Fn() -> Result<World> + Send + Sync>;

/// Watches the files that a world was loaded from; dropping it ends the watch.
pub struct Edits {
    shared: Arc<Mutex<Shared>>,
    /// Dropping it wakes the thread, which then ends.
    _open: Sender<()>,
}

/// The world in use, and the one loaded since.
struct Shared {
    /// `None` while a fallback replaces files that cannot be used.
    current: Option<(Estate, Calendar)>,
    ready: Option<World>,
}

/// Identifies one state of a file; `None` where there is no file.
type Stamp = Vec<Option<(u64, u64, u64, i64, i64)>>;

impl Edits {
    /// Starts to watch in its own thread: the file may be on a server that does not answer, and a look through the
    /// runtime would wake three threads instead of one.
    #[must_use]
    pub fn watch(world: &World, load: Load, out: mpsc::Sender<Msg>) -> Self {
        let current = world.wrong.is_none().then(|| (world.estate.clone(), world.calendar.clone()));
        let shared = Arc::new(Mutex::new(Shared { current, ready: None }));
        let (open, closed) = channel();
        let (files, for_thread) = (files(world), Arc::clone(&shared));
        let look = move || keep_looking(&files, &load, &out, &for_thread, &closed);
        if let Err(cause) = thread::Builder::new().name("edits".to_owned()).spawn(look) {
            tracing::warn!(%cause, "edits of the estate are not noticed");
        }
        Self { shared, _open: open }
    }

    /// Returns the world that was loaded since the last call, if any; it is in use from now on.
    #[must_use]
    pub fn take(&self) -> Option<World> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let world = shared.ready.take()?;
        shared.current = Some((world.estate.clone(), world.calendar.clone()));
        Some(world)
    }
}

/// The files that a world depends on: the estate file, or all places where it may appear, and the `windows.toml`
/// beside each.
fn files(world: &World) -> Vec<PathBuf> {
    let estates = match &world.estate.source {
        Some(file) => vec![file.clone()],
        None => paths::estate_places(&world.around),
    };
    let windows: Vec<PathBuf> = estates.iter().filter_map(|file| calendar::beside(Some(file))).collect();
    estates.into_iter().chain(windows).collect()
}

fn stamp(files: &[PathBuf]) -> Stamp {
    let of = |file: &PathBuf| {
        let meta = std::fs::metadata(file).ok()?;
        Some((meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
    };
    files.iter().map(of).collect()
}

fn keep_looking(
    files: &[PathBuf],
    load: &Load,
    out: &mpsc::Sender<Msg>,
    shared: &Mutex<Shared>,
    closed: &Receiver<()>,
) {
    let look_every = failpoint::span("EDITS", LOOK);
    let mut read = stamp(files);
    let mut before = read.clone();
    while closed.recv_timeout(look_every) == Err(RecvTimeoutError::Timeout) {
        let now = stamp(files);
        let is_set = now == before;
        before.clone_from(&now);
        if now == read || !is_set {
            continue;
        }
        read = now;
        let edited = settle(load(), shared);
        if out.blocking_send(Msg::EstateEdited(edited)).is_err() {
            return;
        }
    }
}

/// Stores the loaded world, and returns what changed: another world is ready, or why the files cannot be used.
fn settle(loaded: Result<World>, shared: &Mutex<Shared>) -> std::result::Result<bool, String> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    shared.ready = None;
    let world = match loaded {
        Ok(world) => world,
        Err(error) => {
            tracing::warn!(cause = error.message, "file refused");
            return Err(faults(&error));
        }
    };
    let is_other = shared.current.as_ref().is_none_or(|used| (&used.0, &used.1) != (&world.estate, &world.calendar));
    shared.ready = is_other.then_some(world);
    Ok(is_other)
}
