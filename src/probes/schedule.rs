//! Reads targets again and again: one task each, single-flight, with a deadline and a back-off.
//!
//! ```text
//!  target -> reader -> findings or reason -> rows -> send
//!              ^                                |
//!              +-- its period, or the back-off -+        refresh() ends the pause
//! ```
//! Losing a source is a state: its rows stay, with their last readings and the reason, and no task ends for it. A row goes only
//! when a good reading of its target no longer finds it. That a target provably does not serve is a reading of its own row, and
//! the reason on the rows of its objects.

mod log_changes;

use crate::config::estate::Service;
use crate::domain::series::PastRead;
use crate::domain::{Fact, Finding, Loss, Observation, Row, Rows, Verdict, Wall, quantity};
use crate::probes::backups::BackupReader;
use crate::probes::bloat::BloatReader;
use crate::probes::certs::CertReader;
use crate::probes::clock;
use crate::probes::contact::Place;
use crate::probes::host::HostReader;
use crate::probes::http::{self, Http};
use crate::probes::kube::KubeReader;
use crate::probes::mounts::{self, MountReader};
use crate::probes::panics;
use crate::probes::postgres::PostgresReader;
use crate::probes::redis::RedisReader;
use crate::probes::target::{Every, Target};
use crate::probes::units::UnitReader;
use log_changes::{LogChanges, Objects};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The longest pause after losses, unless the period itself is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause after a first loss.
const AGAIN: Duration = Duration::from_secs(5);
/// The shortest pause between two readings of a target that takes longer than its period.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// Keeps reading its targets; dropping it stops every reading.
pub struct Prober {
    refresh: watch::Sender<()>,
    tasks: Vec<AbortHandle>,
}

impl Prober {
    /// Starts one task for each target on the current runtime, and reads each at once; `past` is what was read before, once it is there.
    ///
    /// `send` gets every row of the target after each good reading, because their age starts again even when their figures are the
    /// same, and after a loss only when the reason is another than they already have. It is called from the tasks and must not
    /// block.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        targets: Vec<Target>,
        every: Every,
        past: &PastRead,
        send: impl Fn(Rows) + Send + Sync + 'static,
    ) -> Self {
        let (refresh, _) = watch::channel(());
        let (send, http, epoch) = (Arc::new(send), Arc::new(Http::default()), Instant::now());
        let begin = |target: Target| {
            let reader = Reader::new(&target, &http, past);
            let task = keep_reading(target, reader, (every, epoch), Arc::clone(&send), refresh.subscribe());
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

/// Reads each target once, all at the same time, and gives the rows of each in the same order.
///
/// A target that has not answered by the deadline has one lost row.
pub async fn read_all(targets: Vec<Target>, deadline: Duration) -> Vec<Rows> {
    read_all_after(targets, deadline, &PastRead::default()).await
}

/// The same with what was read before.
pub async fn read_all_after(targets: Vec<Target>, deadline: Duration, past: &PastRead) -> Vec<Rows> {
    let http = Arc::new(Http::default());
    let read = targets.into_iter().map(|target| {
        let http = Arc::clone(&http);
        async move {
            let mut known = Known::new(&target, Every::default());
            let mut reader = Reader::new(&target, &http, past);
            if let Memory::Backup(backups) = &mut reader.memory {
                backups.once();
            }
            let reading = within(deadline, &mut reader).await;
            known.settle(reading, clock::now().wall);
            known.rows()
        }
    });
    futures_util::future::join_all(read).await
}

async fn keep_reading(
    target: Target,
    mut reader: Reader,
    (every, epoch): (Every, Instant),
    send: Arc<impl Fn(Rows)>,
    mut refresh: watch::Receiver<()>,
) {
    let mut known = Known::new(&target, every);
    let mut losses = 0_u32;
    loop {
        let started = Instant::now();
        let reading = within(target.deadline(), &mut reader).await;
        losses = match &reading {
            Ok(_) => 0,
            // A reading, too: it must be repeated before it is stale.
            Err(loss) if loss.is_proof() => 1,
            Err(_) => losses.saturating_add(1),
        };
        if known.settle(reading, clock::now().wall) {
            send(known.rows());
        }
        let own = &known.unread;
        let next = started + pause(own.every, losses, &own.target);
        let next = if losses == 0 { together(epoch, next, own.every) } else { next };
        let next = next.max(Instant::now() + SHORTEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            asked = refresh.changed() => if asked.is_err() { return },
        }
    }
}

/// The whole second, counted from the start of all readings, that is nearest to when a reading is due: what is read as often as
/// something else is read with it, so that the process wakes once for both. Periods that are no whole seconds stay as they are.
fn together(epoch: Instant, due: Instant, every: Duration) -> Instant {
    if every.subsec_nanos() != 0 {
        return due;
    }
    let past = due.saturating_duration_since(epoch);
    epoch + Duration::from_secs((past + Duration::from_millis(500)).as_secs())
}

/// How long after the start of a reading the next one starts: the period. After a loss at most [`AGAIN`], because what is gone for a
/// moment should not be missed for as long as what seldom changes; doubled with each further loss, up to a minute or the period; lengthened by up to a tenth, always the same for one name, so that what failed together does not come back together.
fn pause(every: Duration, losses: u32, name: &str) -> Duration {
    if losses == 0 {
        return every;
    }
    let doubled = every.min(AGAIN).saturating_mul(2_u32.saturating_pow(losses - 1));
    let longest = LONGEST_PAUSE.max(every);
    // FNV-1a.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let paused = doubled.min(longest);
    paused + paused / 1000 * (hash % 100)
}

/// A target's rows as they are known.
struct Known {
    unread: Row,
    rows: Vec<Row>,
    log_changes: LogChanges,
    /// How bad it is that the target does not serve.
    down: Verdict,
    /// What is known of it even then.
    own: Vec<(&'static str, Fact)>,
}

impl Known {
    fn new(target: &Target, every: Every) -> Self {
        let (unread, rows, received) = (target.unread(every), Vec::new(), LogChanges::default());
        Self { unread, rows, log_changes: received, down: target.down(), own: target.own() }
    }

    fn rows(&self) -> Rows {
        Rows { kind: self.unread.kind, target: self.unread.target.clone(), rows: self.rows.clone() }
    }

    /// Puts a reading into the rows; whether they are worth sending.
    fn settle(&mut self, reading: Result<Vec<Finding>, Loss>, at: Wall) -> bool {
        match reading {
            Ok(findings) => {
                self.found(findings, at);
                true
            }
            Err(loss) => self.lost(&loss, at),
        }
    }

    fn found(&mut self, findings: Vec<Finding>, at: Wall) {
        let mut objects = Objects::default();
        let mut before: BTreeMap<Option<String>, Row> =
            self.rows.drain(..).map(|row| (row.object.clone(), row)).collect();
        for finding in findings {
            let mut row = before.remove(&finding.object).unwrap_or_else(|| self.unread.clone());
            row.object = finding.object;
            if let Some(source) = finding.source {
                row.source = source;
            }
            objects.note(&row, &finding.seen);
            match finding.seen {
                Ok(observation) => row.saw(observation),
                Err(loss) if loss.is_proof() && row.object.is_none() => row.saw(self.down(&loss, at)),
                Err(loss) => row.lost(loss.into(), at),
            }
            self.rows.push(row);
        }
        self.log_changes.answered(&self.unread, objects);
    }

    fn lost(&mut self, loss: &Loss, at: Wall) -> bool {
        self.log_changes.failed(&self.unread, loss.why());
        let proof = loss.is_proof();
        if self.rows.is_empty() || (proof && self.rows.iter().all(|row| row.object.is_some())) {
            self.rows.insert(0, self.unread.clone());
        }
        let down = self.down(loss, at);
        let mut news = proof;
        for row in &mut self.rows {
            if proof && row.object.is_none() {
                row.saw(down.clone());
                continue;
            }
            news |= row.lost.as_ref().is_none_or(|(before, _)| before != loss.why());
            row.lost(loss.why().to_owned(), at);
        }
        news
    }

    /// That the target does not serve, as its row has it.
    fn down(&self, loss: &Loss, at: Wall) -> Observation {
        let mut seen = Observation::down(loss, self.down, at);
        seen.facts.extend(self.own.iter().cloned());
        seen
    }
}

/// One reading that ends by its deadline; what hangs beyond it is dropped, with everything it had open.
async fn within(deadline: Duration, reader: &mut Reader) -> Result<Vec<Finding>, Loss> {
    match tokio::time::timeout(deadline, guarded(reader)).await {
        Ok(reading) => reading,
        Err(_) => {
            reader.reread_all();
            Err(Loss::unread(format!("no answer within {}", quantity::span(deadline))))
        }
    }
}

/// One reading; a panic in it is a loss of this target and of nothing else.
async fn guarded(reader: &mut Reader) -> Result<Vec<Finding>, Loss> {
    match panics::caught(reader.read()).await {
        Ok(reading) => reading,
        Err(why) => {
            reader.reread_all();
            Err(Loss::unread(why))
        }
    }
}

/// What reads a target, with what it remembers between readings.
struct Reader {
    target: Target,
    http: Arc<Http>,
    past: PastRead,
    memory: Memory,
    /// Whether the next reading panics.
    #[cfg(test)]
    breaks: bool,
}

enum Memory {
    Host(Box<HostReader>),
    Mount(MountReader),
    Mounts,
    Service(Service, Place),
    Units(UnitReader),
    Postgres(Box<PostgresReader>),
    Bloat(Box<BloatReader>),
    Redis(Box<RedisReader>),
    Kubernetes(Box<KubeReader>),
    Certificate(Box<CertReader>),
    Backup(Box<BackupReader>),
    Unread(String),
}

impl Reader {
    fn new(target: &Target, http: &Arc<Http>, past: &PastRead) -> Self {
        let memory = match target {
            Target::Host(part, limits) => Memory::Host(Box::new(HostReader::new(*part, *limits))),
            Target::Mount(mount) => Memory::Mount(MountReader::new(mount.clone()).after(past.clone())),
            Target::Mounts => Memory::Mounts,
            Target::Service(service) => Memory::Service(service.clone(), Place::of_url(&service.url)),
            Target::Unit(unit) => Memory::Units(UnitReader::new(Some(unit.clone()))),
            Target::FailedUnits => Memory::Units(UnitReader::new(None)),
            Target::Postgres(database) => Memory::Postgres(Box::new(PostgresReader::new(database.clone()))),
            Target::Bloat(database) => Memory::Bloat(Box::new(BloatReader::new(database.clone()))),
            Target::Redis(server) => Memory::Redis(Box::new(RedisReader::new(server.clone()))),
            Target::Kubernetes(cluster) => Memory::Kubernetes(Box::new(KubeReader::new(cluster.clone()))),
            Target::Certificate(entry) => Memory::Certificate(Box::new(CertReader::new(entry.clone()))),
            Target::Backup(entry) => Memory::Backup(Box::new(BackupReader::new(entry.clone()))),
            Target::Unread(unread) => Memory::Unread(unread.why.clone()),
        };
        Self {
            target: target.clone(),
            http: Arc::clone(http),
            past: past.clone(),
            memory,
            #[cfg(test)]
            breaks: false,
        }
    }

    /// Forgets what it remembers; after a panic it cannot be trusted.
    fn reread_all(&mut self) {
        *self = Self::new(&self.target, &self.http, &self.past);
    }

    async fn read(&mut self) -> Result<Vec<Finding>, Loss> {
        #[cfg(test)]
        assert!(!self.breaks, "broken");
        let one = match &mut self.memory {
            Memory::Host(reader) => reader.read().await?,
            Memory::Mount(reader) => match reader.read().await? {
                Some(seen) => seen,
                None => return Ok(Vec::new()),
            },
            Memory::Mounts => mounts::missing()?,
            Memory::Service(service, place) => http::read_at(&self.http, service, place).await?,
            Memory::Units(reader) => return Ok(reader.read().await?),
            Memory::Postgres(reader) => return reader.read().await,
            Memory::Bloat(reader) => return reader.read().await,
            Memory::Redis(reader) => return reader.read().await,
            Memory::Kubernetes(reader) => return Ok(reader.read().await?),
            Memory::Certificate(reader) => return reader.read().await,
            Memory::Backup(reader) => return reader.read().await,
            Memory::Unread(why) => return Err(Loss::unread(why)),
        };
        Ok(vec![Finding::of_target(one)])
    }
}

#[cfg(test)]
mod tests;
