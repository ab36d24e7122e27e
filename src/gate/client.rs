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
    let exchange = async {
        let (_keeps_the_path_valid, path) = dir.socket()?;
        let mut stream = UnixStream::connect(&path).await.map_err(|cause| {
            Error::machine(&doing, cause).hint(format!("continue the run with: midwatch resume {}", dir.id))
        })?;
        stream.write_all(&line).await.map_err(|cause| Error::machine(&doing, cause))?;
        let mut reply = Vec::new();
        let limit = u64::try_from(LARGEST_REQUEST).unwrap_or(u64::MAX);
        let read = BufReader::new(stream.take(limit)).read_until(b'\n', &mut reply).await;
        read.map_err(|cause| Error::machine(&doing, cause))?;
        serde_json::from_slice(&reply).map_err(|_| Error::machine(&doing, "it went away before it replied"))
    };
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(reply) => reply,
        Err(_) => Err(Error::machine(&doing, format!("no reply within {} s", PATIENCE.as_secs()))),
    }
}
