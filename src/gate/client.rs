//! Sends requests to a run's control socket.
//!
//! ```text
//! send ─▶ reply
//!      ─▶ no reply: the connection is closed, and the request is no longer valid ─▶ the journal shows whether it was accepted before
//! ```

mod counted;

use crate::config::shell;
use crate::domain::error::{Result, system_text};
use crate::domain::{Error, Kind};
use crate::runner::protocol::{Demand, LARGEST_REQUEST, Reply, Request, Until, VERSION};
use crate::runner::rundir::RunDir;
use crate::runner::{failpoint, identity, ofd};
use counted::{Mark, nothing_came};
use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// How long a request stays valid: the runner may read a large set again before it accepts an answer.
const COUNTS: Duration = Duration::from_secs(60);

/// How long the client waits for the reply after the request has expired: the runner still writes and reports what it
/// accepted last.
const MARGIN: Duration = Duration::from_secs(5);

/// How long a runner may be without its socket before that is an error: it checks every few seconds.
const SOCKET: Duration = Duration::from_secs(12);

/// How often the client checks whether the runner is stopped.
const LOOK: Duration = Duration::from_secs(2);

/// How soon the client asks a busy runner again.
const AGAIN: Duration = Duration::from_millis(50);

/// Sends one demand and waits for the reply.
///
/// # Errors
/// When the run has no runner, or the runner goes away before it replies.
pub async fn send(dir: &RunDir, demand: Demand, through: &str) -> Result<Reply> {
    let doing = format!("reach the runner of run {}", dir.id);
    let counts = failpoint::span("REQUEST", COUNTS);
    let (v, run, through) = (VERSION, dir.id.clone(), through.to_owned());
    let request = Request { v, run, ask: demand, through, until: Until::after(counts) };
    let mut line = serde_json::to_vec(&request).map_err(|cause| Error::machine(&doing, cause))?;
    line.push(b'\n');
    if line.len() > LARGEST_REQUEST {
        let message = format!("the text is too long: a request has at most {LARGEST_REQUEST} bytes");
        return Err(Error::new(Kind::Usage, message));
    }
    let mark = Mark::of(dir);
    let received = tokio::select! {
        reply = reply(dir, &line, &doing) => reply,
        pid = until_stopped(dir) => Err(stopped(dir, &doing, pid, &request.ask)),
        () = tokio::time::sleep(counts + MARGIN) => Err(silent(dir, &doing, counts + MARGIN, &request.ask)),
    };
    // The connection is closed now: the journal shows whether the request was accepted before.
    match received {
        Err(cause) => mark.counted(dir, &request).map_or(Err(cause), |seq| Ok(Reply::Accepted { seq })),
        reply => reply,
    }
}

/// Sends one request and waits for the reply; tries again while the runner is busy or opens its socket.
async fn reply(dir: &RunDir, line: &[u8], doing: &str) -> Result<Reply> {
    let began = Instant::now();
    loop {
        match exchange(dir, line, doing).await? {
            Received::Replied(Reply::Busy) => tokio::time::sleep(AGAIN).await,
            Received::Replied(reply) => return Ok(reply),
            // The runner opens its socket again when it finds it gone.
            Received::NoSocket(cause) if !dir.runner_lives() || began.elapsed() > SOCKET => {
                return Err(unreachable(dir, doing, &cause));
            }
            Received::NoSocket(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

/// The error for a request that got no reply in time.
fn silent(dir: &RunDir, doing: &str, waited: Duration, ask: &Demand) -> Error {
    let cause = format!("no reply within {} s, and the request has expired; {}", waited.as_secs(), nothing_came(ask));
    Error::machine(doing, cause).hint(format!(
        "what the runner accepted in the last moment, the run shows: {}",
        shell::on_estate(format_args!("attach {}", dir.id))
    ))
}

/// Waits until two looks find the runner stopped, and returns its pid: a debugger may stop it for a moment.
async fn until_stopped(dir: &RunDir) -> u32 {
    let mut before = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let now = ofd::holders(&dir.path.join("runner.lock")).into_iter().find(|pid| identity::is_stopped(*pid));
        match now {
            Some(pid) if before == now => return pid,
            _ => before = now,
        }
    }
}

/// The error for a runner that is stopped (SIGSTOP or a debugger), and what to do.
fn stopped(dir: &RunDir, doing: &str, pid: u32, ask: &Demand) -> Error {
    let nothing = nothing_came(ask);
    Error::machine(doing, format!("its runner, process {pid}, is stopped (SIGSTOP) and answers nothing; {nothing}"))
        .hint(format!("continue it: kill -CONT {pid}"))
        .hint(format!(
            "or end it: kill -KILL {pid}; its act keeps running. Then: {}",
            shell::on_runs(format_args!("resume {}", dir.id))
        ))
}

/// The result of one connection.
enum Received {
    Replied(Reply),
    /// No process listens on the socket, and nothing was sent.
    NoSocket(io::Error),
}

/// The error for a socket without a listener, and what to do: resume a run without a runner, but not a runner without
/// a socket.
fn unreachable(dir: &RunDir, doing: &str, cause: &io::Error) -> Error {
    let error = Error::machine(doing, cause);
    if !dir.runner_lives() {
        return error.hint(format!("continue the run with: {}", shell::on_runs(format_args!("resume {}", dir.id))));
    }
    let lock = dir.path.join("runner.lock");
    error
        .hint(format!(
            "its control socket is gone and its runner, {}, did not open it again",
            ofd::holders_words(&lock)
        ))
        .hint(format!(
            "end that process (kill PID); its act keeps running. Then: {}",
            shell::on_runs(format_args!("resume {}", dir.id))
        ))
}

/// One connection: one request, one reply.
async fn exchange(dir: &RunDir, line: &[u8], doing: &str) -> Result<Received> {
    let (_keeps_the_path_valid, path) = dir.socket()?;
    let mut stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(Received::NoSocket(cause));
        }
        Err(cause) => return Err(Error::machine(doing, cause)),
    };
    // A busy runner replies without reading.
    let sent = stream.write_all(line).await;
    let mut reply = Vec::new();
    let limit = u64::try_from(LARGEST_REQUEST).unwrap_or(u64::MAX);
    let read = BufReader::new(stream.take(limit)).read_until(b'\n', &mut reply).await;
    if let Ok(reply) = serde_json::from_slice(&reply) {
        return Ok(Received::Replied(reply));
    }
    let why = sent.and(read.map(drop)).err().map_or_else(|| "it closed the connection".to_owned(), system_text);
    Err(Error::machine(doing, format!("it ended before it replied ({why})"))
        .hint(format!("see the state of the run: {}", shell::on_estate(format_args!("attach {}", dir.id)))))
}
