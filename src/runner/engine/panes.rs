//! Reads every pane before the run changes anything, and again before its seal.
//!
//! ```text
//! locks taken ─▶ reading begins ┈┈▶ kept: at the latest before the first intent of a change
//! last outcome ─▶ reading ─▶ kept ─▶ seal
//! ```
//! A reading is for the report. It is taken on a thread of its own, within a bounded time; what does not answer is unknown in
//! it, and a reading that cannot be taken or kept is missing from the report. The run goes on in every case.

use crate::config::estate::Estate;
use crate::config::paths::Surroundings;
use crate::domain::error::Result;
use crate::domain::{Boot, Digest, Row};
use crate::journal::reading::{LARGEST, Reading, Side};
use crate::journal::record::Event;
use crate::probes::clock;
use crate::probes::estate::targets;
use crate::probes::schedule::read_all;
use crate::runner::engine::Engine;
use crate::runner::failpoint;
use crate::runner::rundir::write_durably;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long the sources have to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much longer the runner waits for the thread that reads them.
const SLACK: Duration = Duration::from_secs(1);

/// How often a runner that waits for a reading checks whether it is ready.
const LOOK: Duration = Duration::from_millis(20);

/// A reading under way.
pub struct Pending {
    began: Boot,
    patience: Duration,
    reading: Receiver<Reading>,
}

impl Pending {
    /// Starts to read an estate; none if the thread cannot be started.
    fn begin(estate: &Path) -> Option<Self> {
        let patience = failpoint::span("PANES", PATIENCE);
        if patience.is_zero() {
            return None;
        }
        let (send, reading) = channel();
        let file = estate.to_owned();
        let began = clock::boot();
        let ask = move || {
            if let Some(reading) = read(&file, patience) {
                let _ = send.send(reading);
            }
        };
        std::thread::Builder::new().name("panes".to_owned()).spawn(ask).ok()?;
        Some(Self { began, patience: patience + SLACK, reading })
    }

    /// How much longer the runner waits for it.
    fn left(&self) -> Duration {
        self.patience.saturating_sub(clock::boot().since(self.began))
    }
}

/// Reads every target of an estate once.
fn read(file: &Path, patience: Duration) -> Option<Reading> {
    let around = Surroundings::of(std::env::vars_os());
    let estate = Estate::load(file).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let rows = runtime.block_on(async { read_all(targets(&estate, &around), patience).await });
    // A read that hangs on a dead file system is abandoned.
    runtime.shutdown_background();
    let rows: Vec<Row> = rows.into_iter().flat_map(|rows| rows.rows).collect();
    Some(Reading::of(&estate.name, &rows, clock::now().wall))
}

impl Engine {
    /// Starts the reading before the work, unless the work has begun or the reading was taken.
    pub(super) fn begin_reading(&mut self) {
        let wanted = !self.view().has_acted() && self.view().reading(Side::Before).is_none();
        let wanted = wanted && self.view().abort.is_none();
        self.before = self.estate.as_deref().filter(|_| wanted).and_then(Pending::begin);
    }

    /// Stores the reading before the work if it is ready.
    pub(super) fn keep_reading_if_ready(&mut self) -> Result<()> {
        let Some(pending) = self.before.take() else { return Ok(()) };
        match pending.reading.try_recv() {
            Ok(reading) => self.keep(Side::Before, &reading, pending.began),
            Err(std::sync::mpsc::TryRecvError::Disconnected) => Ok(()),
            Err(std::sync::mpsc::TryRecvError::Empty) => {
                self.before = Some(pending);
                Ok(())
            }
        }
    }

    /// Waits for the reading before the work, as long as its sources may take; handles calls while it waits. Returns
    /// whether one of them stops the run.
    pub(super) async fn keep_reading(&mut self) -> Result<bool> {
        loop {
            self.keep_reading_if_ready()?;
            if self.before.as_ref().is_none_or(|pending| pending.left().is_zero()) {
                self.before = None;
                return Ok(false);
            }
            tokio::select! {
                call = self.control.calls.recv() => {
                    if let Some(call) = call && self.take_call(call)? {
                        return Ok(true);
                    }
                }
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Reads every pane after the work, and waits for it; only the seal follows.
    pub(super) fn read_after(&mut self) -> Result<()> {
        if let Some(pending) = self.before.take()
            && let Ok(reading) = pending.reading.recv_timeout(pending.left())
        {
            self.keep(Side::Before, &reading, pending.began)?;
        }
        let Some(pending) = self.estate.as_deref().and_then(Pending::begin) else { return Ok(()) };
        match pending.reading.recv_timeout(pending.left()) {
            Ok(reading) => self.keep(Side::After, &reading, pending.began),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
        }
    }

    /// Stores a reading beside the journal, and records its name.
    fn keep(&mut self, when: Side, reading: &Reading, began: Boot) -> Result<()> {
        let Ok(bytes) = serde_json::to_vec(reading) else { return Ok(()) };
        if u64::try_from(bytes.len()).is_ok_and(|count| count > LARGEST) {
            return Ok(());
        }
        let digest = Digest::of(&bytes);
        let path: PathBuf = self.dir.reading(&digest);
        if write_durably(&path, &bytes).is_err() {
            return Ok(());
        }
        let took = clock::boot().since(began);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.write(Event::PanesRead { when, digest, counts: reading.counts(), took_ms }).map(drop)
    }
}
