//! Reads targets again and again: one task each, single-flight, with a deadline and a back-off.
//!
//! ```text
//!  target -> reader -> observation or reason -> row -> send
//!              ^                                  |
//!              +-- its period, or the back-off ---+      refresh() ends the pause
//! ```
//! Losing a source is a state: the row stays, with its last reading and the reason, and no task ends for it.

use crate::domain::{Observation, Row, Wall};
use crate::probes::clock;
use crate::probes::host::HostReader;
use crate::probes::http::{self, Http};
use crate::probes::mounts::MountReader;
use crate::probes::target::{Every, Service, Target};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The longest pause after losses, unless the period itself is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The shortest pause between two readings of a target that takes longer than its period.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// Keeps reading its targets; dropping it stops every reading.
pub struct Prober {
    refresh: watch::Sender<()>,
    tasks: Vec<AbortHandle>,
}

impl Prober {
    /// Starts one task for each target on the current runtime, and reads each at once.
    ///
    /// `send` gets the whole row after each good reading, because its age starts anew even when its figures are the same, and
    /// after a loss only when the reason is another than the row already has. It is called from the tasks and must not block.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(targets: Vec<Target>, every: Every, send: impl Fn(Row) + Send + Sync + 'static) -> Self {
        let (refresh, _) = watch::channel(());
        let (send, http) = (Arc::new(send), Arc::new(Http::default()));
        let begin = |target: Target| {
            let task = keep_reading(target, every, Arc::clone(&http), Arc::clone(&send), refresh.subscribe());
            tokio::spawn(task).abort_handle()
        };
        let tasks = targets.into_iter().map(begin).collect();
        Self { refresh, tasks }
    }

    /// Reads every target now; one that is being read is read once more when that is done.
    pub fn refresh(&self) {
        self.refresh.send_replace(());
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Reads each target once, all at the same time, and gives their rows in the same order.
///
/// A target that has not answered by the deadline has a lost row.
pub async fn read_all(targets: Vec<Target>, deadline: Duration) -> Vec<Row> {
    let http = Arc::new(Http::default());
    let read = targets.into_iter().map(|target| {
        let http = Arc::clone(&http);
        async move {
            let mut row = target.unread(Every::default());
            let mut reader = Reader::new(&target, &http);
            let late = || Err(format!("no answer within {}", crate::domain::quantity::span(deadline)));
            let reading = tokio::time::timeout(deadline, guarded(&mut reader)).await;
            settle(&mut row, reading.unwrap_or_else(|_| late()), clock::now().wall);
            row
        }
    });
    futures_util::future::join_all(read).await
}

async fn keep_reading(
    target: Target,
    every: Every,
    http: Arc<Http>,
    send: Arc<impl Fn(Row)>,
    mut refresh: watch::Receiver<()>,
) {
    let mut row = target.unread(every);
    let mut reader = Reader::new(&target, &http);
    let mut losses = 0_u32;
    loop {
        let started = Instant::now();
        let reading = guarded(&mut reader).await;
        losses = if reading.is_ok() { 0 } else { losses.saturating_add(1) };
        if settle(&mut row, reading, clock::now().wall) {
            send(row.clone());
        }
        let next = (started + pause(row.every, losses, &row.target)).max(Instant::now() + SHORTEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            asked = refresh.changed() => if asked.is_err() { return },
        }
    }
}

/// How long after the start of a reading the next one starts: the period, doubled with each loss after the first, up to a
/// minute; lengthened by up to a tenth, always the same for one name, so that what failed together does not come back together.
fn pause(every: Duration, losses: u32, name: &str) -> Duration {
    if losses == 0 {
        return every;
    }
    let doubled = every.saturating_mul(2_u32.saturating_pow(losses - 1));
    let longest = LONGEST_PAUSE.max(every);
    // FNV-1a.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let paused = doubled.min(longest);
    paused + paused / 1000 * (hash % 100)
}

/// Puts a reading into its row; whether the row is worth sending.
fn settle(row: &mut Row, reading: Result<Observation, String>, at: Wall) -> bool {
    match reading {
        Ok(observation) => {
            row.saw(observation);
            true
        }
        Err(why) => {
            let known = row.lost.as_ref().is_some_and(|(before, _)| *before == why);
            row.lost(why, at);
            !known
        }
    }
}

/// One reading; a panic in it is a loss of this row and of nothing else.
async fn guarded(reader: &mut Reader) -> Result<Observation, String> {
    match AssertUnwindSafe(reader.read()).catch_unwind().await {
        Ok(reading) => reading,
        Err(_) => {
            reader.anew();
            Err("the probe broke off, which is a defect of Midwatch".to_owned())
        }
    }
}

/// What reads a target, with what it remembers between readings.
struct Reader {
    target: Target,
    http: Arc<Http>,
    memory: Memory,
}

enum Memory {
    Host(HostReader),
    Mount(MountReader),
    Service(Service),
    #[cfg(test)]
    Breaks,
}

impl Reader {
    fn new(target: &Target, http: &Arc<Http>) -> Self {
        let memory = match target {
            Target::Host(part) => Memory::Host(HostReader::new(*part)),
            Target::Mount(mount) => Memory::Mount(MountReader::new(mount.clone())),
            Target::Service(service) => Memory::Service(service.clone()),
        };
        Self { target: target.clone(), http: Arc::clone(http), memory }
    }

    /// Forgets what it remembers; after a panic it cannot be trusted.
    fn anew(&mut self) {
        *self = Self::new(&self.target, &self.http);
    }

    async fn read(&mut self) -> Result<Observation, String> {
        match &mut self.memory {
            Memory::Host(reader) => reader.read().await,
            Memory::Mount(reader) => reader.read().await,
            Memory::Service(service) => http::read(&self.http, service).await,
            #[cfg(test)]
            Memory::Breaks => panic!("broken"),
        }
    }
}

#[cfg(test)]
mod tests;
