//! Speaks to a run's control socket.

use crate::domain::error::{Result, system_text};
use crate::domain::{Error, Kind};
use crate::runner::protocol::{Demand, LARGEST_REQUEST, Reply, Request, VERSION};
use crate::runner::rundir::RunDir;
use crate::runner::{identity, ofd};
use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// How long a runner may take to reply: it may read a large set again before it accepts an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a runner may be without its socket before that is an error: it looks each few seconds.
const SOCKET: Duration = Duration::from_secs(12);

/// How often it is looked whether the runner is stopped.
const LOOK: Duration = Duration::from_secs(2);

/// How soon a runner that was busy is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// Sends one demand and waits for the reply.
///
/// # Errors
/// When the run has no runner, or the runner goes away before it replies.
pub async fn send(dir: &RunDir, demand: Demand, through: &str) -> Result<Reply> {
    let doing = format!("reach the runner of run {}", dir.id);
    let request = Request { v: VERSION, run: dir.id.clone(), ask: demand, through: through.to_owned() };
    let mut line = serde_json::to_vec(&request).map_err(|cause| Error::machine(&doing, cause))?;
    line.push(b'\n');
    if line.len() > LARGEST_REQUEST {
        let message = format!("the text is too long: a request has at most {LARGEST_REQUEST} bytes");
        return Err(Error::new(Kind::Usage, message));
    }
    let began = Instant::now();
    let heard = async {
        loop {
            match exchange(dir, &line, &doing).await {
                Ok(Received::Replied(Reply::Busy)) => tokio::time::sleep(AGAIN).await,
                Ok(Received::Replied(reply)) => return Ok(reply),
                // The runner opens its socket again when it sees that it is gone.
                Ok(Received::NoSocket(cause)) if !dir.runner_lives() || began.elapsed() > SOCKET => {
                    return Err(unreachable(dir, &doing, &cause));
                }
                Ok(Received::NoSocket(_)) => tokio::time::sleep(AGAIN).await,
                Err(cause) => return Err(cause),
            }
        }
    };
    tokio::select! {
        reply = heard => reply,
        pid = until_stopped(dir) => Err(stopped(dir, &doing, pid)),
        () = tokio::time::sleep(PATIENCE) => {
            Err(Error::machine(&doing, format!("no reply within {} s", PATIENCE.as_secs())))
        }
    }
}

/// Waits until the runner is seen stopped twice, and gives its pid: whoever debugs it may hold it up for a moment.
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

/// Why a runner that is stopped answers nothing, and what to do.
fn stopped(dir: &RunDir, doing: &str, pid: u32) -> Error {
    Error::machine(doing, format!("its runner, process {pid}, is stopped (SIGSTOP) and answers nothing"))
        .hint(format!("let it go on: kill -CONT {pid}"))
        .hint(format!("or end it: kill -KILL {pid}; what it started goes on. Then: midwatch resume {}", dir.id))
}

/// What came of one connection.
enum Received {
    Replied(Reply),
    /// Nobody listens at the socket's name, and nothing was sent.
    NoSocket(io::Error),
}

/// Why nobody listens, and what to do: a run without a runner is resumed, a runner without a socket is not.
fn unreachable(dir: &RunDir, doing: &str, cause: &io::Error) -> Error {
    let error = Error::machine(doing, cause);
    if !dir.runner_lives() {
        return error.hint(format!("continue the run with: midwatch resume {}", dir.id));
    }
    let lock = dir.path.join("runner.lock");
    error
        .hint(format!(
            "its control socket is gone and its runner, {}, did not open it again",
            ofd::holders_words(&lock)
        ))
        .hint(format!("end that process (kill PID); what it started goes on. Then: midwatch resume {}", dir.id))
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
    // A runner that is busy replies without reading.
    let sent = stream.write_all(line).await;
    let mut reply = Vec::new();
    let limit = u64::try_from(LARGEST_REQUEST).unwrap_or(u64::MAX);
    let read = BufReader::new(stream.take(limit)).read_until(b'\n', &mut reply).await;
    if let Ok(reply) = serde_json::from_slice(&reply) {
        return Ok(Received::Replied(reply));
    }
    let why = sent.and(read.map(drop)).err().map_or_else(|| "it closed the connection".to_owned(), system_text);
    Err(Error::machine(doing, format!("it ended before it replied ({why})"))
        .hint(format!("see how the run stands: midwatch attach {}", dir.id)))
}
