//! A real throwaway estate, for `midwatch demo` and for the tests.
//!
//! ```text
//!  console ── ensure ──> keeper (own session) ── serves HTTP, keeps the directory, removes it at the end
//!     └────── ping, stop ──> keeper.sock
//! ```
//! The directory: `.midwatch-demo` (the marker; without it nothing is ever removed), `keeper.lock`, `keeper.sock`, `ready`,
//! `absent`, `consoles.lock`, `midwatch.toml`, `windows.toml`, `procedures/`, `state/`, the servers' own directories (`redis/`), and the estate itself in `srv/cell0/`,
//! `srv/backups/` and `tls/`.

pub mod backups;
pub mod build;
pub mod ca;
mod clients;
pub mod database;
pub mod night;
mod own;
pub mod place;
pub mod postgres;
pub mod redis;
mod removal;
pub mod sample;
pub mod screenshots;
pub mod servers;
pub mod services;
pub mod supervisor;

use crate::demo::place::Place;
use crate::domain::Kind;
use crate::domain::error::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a keeper may take until its estate is ready: a fraction of a second, but much longer on a busy disk.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a keeper may take to say that it is ready, and to remove its estate.
const PING_LIMIT: Duration = Duration::from_secs(2);
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait between two looks at a keeper that is starting or ending.
const LOOK: Duration = Duration::from_millis(10);

/// A demo that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// Its estate file, for `--config`.
    pub config: PathBuf,
    /// Its state directory; below the demo's own directory, removed with it.
    pub state: PathBuf,
    /// Whether it was there already.
    pub already: bool,
    /// Which servers it lacks on this host, with the command that installs each; a sentence each.
    pub absent: Vec<String>,
}

/// Starts the demo in a directory: re-attaches to a living keeper, else starts `exe __keeper dir` and waits for it.
///
/// # Errors
/// The directory belongs to another user or holds other files, or the keeper could not start.
pub fn ensure(dir: &Path, exe: &Path) -> Result<Demo> {
    let (dir, exe) = (absolute(dir)?, absolute(exe)?);
    let mut place = Place::create(&dir)?;
    let mut started: Option<Child> = None;
    let began = Instant::now();
    while !answers(&place) {
        if place.is_gone() {
            // An ending keeper has just taken it away.
            (place, started) = (Place::create(&dir)?, None);
        }
        // While a keeper has it, that keeper is starting or ending; ours ends when it loses the race for the lock.
        let ended = started.as_mut().map(|ours| ours.try_wait().is_ok_and(|status| status.is_some()));
        match ended {
            _ if place.is_kept()? || place.is_gone() => {}
            None => {
                place.forget(supervisor::FAILED);
                started = Some(spawn(&dir, &exe)?);
            }
            Some(true) => return Err(not_started(&dir)),
            Some(false) => {}
        }
        if began.elapsed() > START_LIMIT {
            return Err(not_started(&dir));
        }
        std::thread::sleep(LOOK);
    }
    // Written before the keeper answers.
    let absent = fs::read_to_string(dir.join(supervisor::ABSENT)).unwrap_or_default();
    let absent = absent.lines().map(str::to_owned).collect();
    Ok(Demo { config: dir.join(build::CONFIG), state: dir.join(build::STATE), already: started.is_none(), absent })
}

/// The estate file and the state directory of the demo in a directory, where one was built.
#[must_use]
pub fn find(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let dir = absolute(dir).ok()?;
    Place::open(&dir).ok()?;
    let config = dir.join(build::CONFIG);
    config.is_file().then(|| (config, dir.join(build::STATE)))
}

/// The file that every console of the demo holds a shared lock of.
const CONSOLES: &str = "consoles.lock";

/// A console's share in the demo.
#[derive(Debug)]
pub struct Consoles {
    file: fs::File,
}

impl Consoles {
    /// Joins those that are open on the demo in a directory; dropping it leaves them.
    ///
    /// # Errors
    /// When the file cannot be locked.
    pub fn join(dir: &Path) -> Result<Self> {
        let path = dir.join(CONSOLES);
        let doing = format!("lock {}", path.display());
        let file = fs::File::options().create(true).append(true).open(&path);
        let file = file.map_err(|cause| Error::machine(&doing, cause))?;
        flock(&file, FlockOperation::LockShared).map_err(|cause| Error::machine(&doing, cause))?;
        Ok(Self { file })
    }

    /// Whether no other console is open on it.
    #[must_use]
    pub fn are_closed(&self) -> bool {
        flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok()
    }
}

/// Ends the demo in a directory and removes it; whether there was one.
///
/// # Errors
/// The directory is not a demo's, or its keeper does not end.
pub fn stop(dir: &Path) -> Result<bool> {
    let dir = absolute(dir)?;
    if fs::symlink_metadata(&dir).is_err_and(|cause| cause.kind() == std::io::ErrorKind::NotFound) {
        return Ok(false);
    }
    let place = Place::open(&dir)?;
    let began = Instant::now();
    while began.elapsed() < STOP_LIMIT {
        if place.is_gone() {
            return Ok(true);
        }
        if let Some(lock) = place.lock()? {
            database::clear(&dir)?;
            place.remove()?;
            drop(lock);
            return Ok(true);
        }
        // A keeper that is starting does not listen yet.
        if ask(&place, "stop", STOP_LIMIT).is_err() {
            std::thread::sleep(LOOK);
        }
    }
    let lock = fs::read_to_string(dir.join(place::LOCK)).unwrap_or_default();
    let supervisor = lock.lines().next().unwrap_or("keeper unknown");
    Err(Error::machine(format_args!("end the demo in {}", dir.display()), "its keeper does not answer")
        .hint(format!("end it by hand: {supervisor}")))
}

/// Starts the keeper; it leaves our session by itself, and no one waits for it.
fn spawn(dir: &Path, exe: &Path) -> Result<Child> {
    Command::new(exe)
        .arg("__keeper")
        .arg(dir)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|cause| Error::machine(format_args!("start the demo's keeper {}", exe.display()), cause))
}

fn not_started(dir: &Path) -> Error {
    let doing = format!("start the demo in {}", dir.display());
    match fs::read_to_string(dir.join(supervisor::FAILED)) {
        Ok(why) => Error::machine(doing, why.trim()),
        Err(_) => Error::machine(doing, format_args!("its keeper was not ready within {} s", START_LIMIT.as_secs())),
    }
}

/// Whether a keeper lives and its estate is ready; it listens only then.
fn answers(place: &Place) -> bool {
    ask(place, "ping", PING_LIMIT).is_ok_and(|answer| answer == "ready")
}

/// Sends one request to the keeper and reads its one line.
fn ask(place: &Place, request: &str, limit: Duration) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(place.socket())?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).take(supervisor::LINE_LIMIT).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path)
        .map_err(|cause| Error::machine(format_args!("use {}", path.display()), cause).of_kind(Kind::Usage))
}

#[cfg(test)]
mod orphans;
#[cfg(test)]
mod tests;
