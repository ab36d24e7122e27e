//! The keeper: the small process that serves the demo's services and removes its directory at the end.
//!
//! It lives in a session of its own, so that closing the terminal does not end it. One line in, one line out:
//! `ping` → `ready`, `stop` → `stopped` once everything is gone; anything else → `unknown request`.

use crate::demo::build;
use crate::demo::ca::Certificates;
use crate::demo::database::{self, Database};
use crate::demo::place::Place;
use crate::demo::postgres;
use crate::demo::servers::Servers;
use crate::demo::services::Services;
use crate::domain::Kind;
use crate::domain::error::{Error, Result};
use crate::probes::clock;
use crate::runner::identity::ProcessId;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// The file that appears when the estate is ready; it names the keeper and the estate file.
pub const READY: &str = "ready";
/// The file that says why a keeper could not start.
pub const FAILED: &str = "failed";
/// The file that says, in a line each, which servers the estate lacks here and what installs them.
pub const ABSENT: &str = "absent";
/// The longest request or answer, in bytes.
pub const LINE_LIMIT: u64 = 64;

/// A demo that no one stops stops by itself.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How often the keeper looks whether its directory is still there.
const LOOK: Duration = Duration::from_millis(500);
/// How long a client may take for its line.
const REQUEST_LIMIT: Duration = Duration::from_secs(2);
/// How many clients are listened to at the same time.
const CLIENTS: usize = 64;

/// Keeps the demo in a directory until it is asked to stop; removes the directory then.
///
/// Ends also with SIGTERM or SIGINT, when its directory is removed, and after 24 hours. SIGHUP is ignored.
///
/// # Errors
/// The directory is not a demo's, another keeper lives, or the estate cannot be built; the reason is then in `failed`, too.
pub fn keep(dir: &Path) -> Result<()> {
    // Refused when this process leads a group already: then its parent has given it its own session.
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::machine("start the demo's keeper", cause))?;
    runtime.block_on(async {
        let failed = |cause| Error::machine("listen for signals", cause);
        let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let stop = async move {
            loop {
                tokio::select! {
                    _ = hang_up.recv() => {}
                    _ = terminate.recv() => return,
                    _ = interrupt.recv() => return,
                    () = tokio::time::sleep(LIFETIME) => return,
                }
            }
        };
        keep_until(dir, stop).await
    })
}

/// Keeps the demo until `stop` resolves or a client asks it to stop.
///
/// # Errors
/// As [`keep`].
pub async fn keep_until(dir: &Path, stop: impl Future<Output = ()>) -> Result<()> {
    let place = Place::open(dir)?;
    let Some(mut lock) = place.lock()? else {
        return Err(Error::machine(format_args!("keep the demo in {}", dir.display()), "another keeper lives")
            .of_kind(Kind::Locked));
    };
    let begun = begin(&place, &mut lock).await;
    let (parts, listener) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            // The first error is reported also where this second write fails.
            let _ = place.write_whole(FAILED, format!("{error}\n").as_bytes());
            return Err(error);
        }
    };
    let client = tokio::select! {
        client = listen(&listener) => Some(client),
        () = stop => None,
        () = removed(&place) => None,
    };
    drop(listener);
    drop(parts);
    let end = place.remove();
    if let Some(mut client) = client {
        let answer = if end.is_ok() { "stopped\n" } else { "the directory could not be removed\n" };
        // The client may have left; the demo has ended all the same.
        let _ = client.write_all(answer.as_bytes()).await;
    }
    end
}

/// What the demo consists of beside its files; each ends when it is dropped.
struct Parts {
    _services: Services,
    _certificates: Certificates,
    _database: Option<Database>,
    _servers: Servers,
}

/// Cleans up after a dead keeper, starts the services, builds the estate, and listens only then.
///
/// The state directory is left as it is: it holds the records of runs, and they are removed by `stop` alone.
async fn begin(place: &Place, lock: &mut File) -> Result<(Parts, UnixListener)> {
    let doing = |cause: io::Error| Error::machine(format_args!("keep the demo in {}", place.path().display()), cause);
    sign(lock).map_err(doing)?;
    database::clear(place.path())?;
    place.clean(&[build::STATE])?;
    let now = clock::now().wall;
    let services = Services::start().await?;
    let certificates = Certificates::start(place.path(), now).await?;
    let database = Database::start(place.path())?;
    let dir = place.path().to_owned();
    let servers = tokio::task::spawn_blocking(move || Servers::start(&dir)).await.unwrap_or_default();
    let entries = certificates.entries.clone() + &servers.entries();
    let estate = build::build(place.path(), now, &services.served, database.as_ref(), &entries)?;
    let missing = postgres::programs::unavailable();
    let absent: Vec<String> = missing.into_iter().chain(servers.absent.iter().cloned()).collect();
    place.write_whole(ABSENT, absent.join("\n").as_bytes())?;
    let listener = UnixListener::bind(place.socket()).map_err(doing)?;
    let ready = format!("pid {}\n{}\n", std::process::id(), estate.config.display());
    place.write_whole(READY, ready.as_bytes())?;
    let parts = Parts { _services: services, _certificates: certificates, _database: database, _servers: servers };
    Ok((parts, listener))
}

/// Writes into the lock who holds it: a pid alone may be another process by now.
fn sign(lock: &mut File) -> io::Result<()> {
    let own = ProcessId::own().ok_or_else(|| io::Error::other("/proc does not identify this process"))?;
    let text = format!("pid {}\nstart {}\nboot {}\n", own.pid, own.start, own.boot_id);
    // Overwritten first and truncated then: it is never empty.
    lock.rewind()?;
    lock.write_all(text.as_bytes())?;
    lock.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))
}

/// Ends when the directory is no longer where it was.
async fn removed(place: &Place) {
    while !place.is_gone() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Serves clients until one says stop, and gives that one.
async fn listen(listener: &UnixListener) -> UnixStream {
    let (notify, mut receiver) = mpsc::channel(1);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            Some(client) = receiver.recv() => return client,
            Some(_) = clients.join_next() => {}
            accepted = listener.accept(), if clients.len() < CLIENTS => match accepted {
                Ok((stream, _)) => {
                    let send = notify.clone();
                    clients.spawn(async move {
                        if let Ok(Some(stream)) = tokio::time::timeout(REQUEST_LIMIT, serve(stream)).await {
                            // Only the first stop counts.
                            let _ = send.try_send(stream);
                        }
                    });
                }
                // Out of descriptors, most likely; it passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
        }
    }
}

/// Answers one client; gives it back when it says stop.
async fn serve(stream: UnixStream) -> Option<UnixStream> {
    // The directory is ours alone; the kernel says once more who calls.
    if stream.peer_cred().ok()?.uid() != rustix::process::geteuid().as_raw() {
        return None;
    }
    let mut reader = BufReader::new(stream.take(LINE_LIMIT));
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).await.ok()?;
    let mut stream = reader.into_inner().into_inner();
    let answer: &[u8] = match line.as_slice() {
        b"stop\n" => return Some(stream),
        b"ping\n" => b"ready\n",
        _ => b"unknown request\n",
    };
    stream.write_all(answer).await.ok()?;
    None
}
