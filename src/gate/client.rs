//! Speaks to a run's control socket.

use crate::domain::error::Result;
use crate::domain::{Error, Kind};
use crate::runner::protocol::{Demand, LARGEST_REQUEST, Reply, Request, VERSION};
use crate::runner::rundir::RunDir;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// How long a runner may take to reply: it may read a large set again before it accepts an answer.
const PATIENCE: Duration = Duration::from_secs(60);

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
    let heard = async {
        loop {
            match exchange(dir, &line, &doing).await {
                Ok(Reply::Busy) => tokio::time::sleep(AGAIN).await,
                reply => return reply,
            }
        }
    };
    match tokio::time::timeout(PATIENCE, heard).await {
        Ok(reply) => reply,
        Err(_) => Err(Error::machine(&doing, format!("no reply within {} s", PATIENCE.as_secs()))),
    }
}

/// One connection: one request, one reply.
async fn exchange(dir: &RunDir, line: &[u8], doing: &str) -> Result<Reply> {
    let (_keeps_the_path_valid, path) = dir.socket()?;
    let mut stream = UnixStream::connect(&path).await.map_err(|cause| {
        Error::machine(doing, cause).hint(format!("continue the run with: midwatch resume {}", dir.id))
    })?;
    // A runner that is busy replies without reading.
    let sent = stream.write_all(line).await;
    let mut reply = Vec::new();
    let limit = u64::try_from(LARGEST_REQUEST).unwrap_or(u64::MAX);
    let read = BufReader::new(stream.take(limit)).read_until(b'\n', &mut reply).await;
    if let Ok(reply) = serde_json::from_slice(&reply) {
        return Ok(reply);
    }
    sent.and(read.map(drop)).map_err(|cause| Error::machine(doing, cause))?;
    Err(Error::machine(doing, "it went away before it replied"))
}
