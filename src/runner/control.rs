//! The control socket: who may act on a run, kernel-checked, bounded in every way.
//!
//! A stream socket in the run directory (mode 0700) takes JSON lines. The peer's uid and pid come from the kernel
//! (`SO_PEERCRED`), never from the message. At most [`CONNECTIONS`] peers are heard at once; each has [`PATIENCE`] for
//! one request of [`LARGEST_REQUEST`] bytes. A peer beyond that is told that the runner is busy and tries again.

use crate::domain::error::Result;
use crate::domain::{Actor, Error};
use crate::runner::protocol::{LARGEST_REQUEST, Reply, Request, VERSION};
use crate::runner::rundir::RunDir;
use crate::runner::{failpoint, identity};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// How many peers are heard at once.
pub const CONNECTIONS: usize = 16;

/// How long a peer may take for its request.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A request with the peer that the kernel says sent it.
#[derive(Debug)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// Who sent it.
    pub actor: Actor,
    /// Where the reply goes.
    pub reply: oneshot::Sender<Reply>,
}

/// The open socket.
pub struct Control {
    /// What peers ask.
    pub calls: mpsc::Receiver<Call>,
    places: Arc<Semaphore>,
}

impl Control {
    /// Hears nobody any more, and waits until everybody who was heard has a reply.
    pub async fn close(&mut self) {
        self.calls.close();
        while let Ok(call) = self.calls.try_recv() {
            let _ = call.reply.send(Reply::Rejected { why: "the run has ended".to_owned() });
        }
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(FAREWELL, self.places.acquire_many(all)).await;
    }
}

/// How long the last replies may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Opens the socket and hears peers until [`Control::close`].
///
/// # Errors
/// When the socket cannot be bound.
pub fn listen(dir: &RunDir) -> Result<Control> {
    let doing = format!("open the control socket of run {}", dir.id);
    let (fd, path) = dir.socket()?;
    match fs::remove_file(&path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(Error::machine(&doing, cause)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(|cause| Error::machine(&doing, cause))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(|cause| Error::machine(&doing, cause))?;
    let (calls, receiver) = mpsc::channel(CONNECTIONS);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let taken = Arc::clone(&places);
    tokio::spawn(async move {
        let _keeps_the_path_valid = fd;
        accept(listener, calls, taken).await;
    });
    Ok(Control { calls: receiver, places })
}

async fn accept(listener: UnixListener, calls: mpsc::Sender<Call>, places: Arc<Semaphore>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: hear nobody for a moment, then go on.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tokio::spawn(turn_away(stream));
            continue;
        };
        let calls = calls.clone();
        tokio::spawn(async move {
            let _place = place;
            let _ = hear(stream, calls).await;
        });
    }
}

async fn turn_away(mut stream: UnixStream) {
    let _ = tokio::time::timeout(Duration::from_millis(100), say(&mut stream, &Reply::Busy)).await;
}

async fn hear(stream: UnixStream, calls: mpsc::Sender<Call>) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    let (reader, mut writer) = stream.into_split();
    let limit = u64::try_from(LARGEST_REQUEST).unwrap_or(u64::MAX);
    let mut line = Vec::new();
    let mut reader = BufReader::new(reader.take(limit));
    let heard = tokio::time::timeout(failpoint::span("PEER", PATIENCE), reader.read_until(b'\n', &mut line)).await;
    heard.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    // The runner may look through a large set before it replies; whoever asked decides how long that is waited for.
    let reply = match parse(&line) {
        Err(why) => Reply::Rejected { why },
        Ok(request) => {
            let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
            let actor = identity::of(peer.uid(), pid, &through(&request.through));
            let (reply, answered) = oneshot::channel();
            match calls.send(Call { request, actor, reply }).await {
                Ok(()) => answered.await.unwrap_or(Reply::Rejected { why: "the run has ended".to_owned() }),
                Err(_) => Reply::Rejected { why: "the run has ended".to_owned() },
            }
        }
    };
    let said = tokio::time::timeout(PATIENCE, say(&mut writer, &reply)).await;
    said.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn say(stream: &mut (impl AsyncWriteExt + Unpin), reply: &Reply) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(reply)?;
    bytes.push(b'\n');
    stream.write_all(&bytes).await
}

/// Reads one request, a line with its newline.
///
/// # Errors
/// A sentence: it is no whole line, not a request, or of another version.
pub fn parse(line: &[u8]) -> std::result::Result<Request, String> {
    if line.last() != Some(&b'\n') {
        return Err(format!("a request is one line of at most {LARGEST_REQUEST} bytes"));
    }
    let request: Request = serde_json::from_slice(line).map_err(|cause| format!("not a request: {cause}"))?;
    if request.v != VERSION {
        return Err(format!("protocol version {} is not {VERSION}", request.v));
    }
    Ok(request)
}

/// The claim of what a request came through, bounded to a word.
fn through(claim: &str) -> String {
    claim.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_request_of_this_version_is_one() {
        let good = br#"{"v":1,"run":"01ARZ3NDEKTSV4RRFFQ69G5FAV","ask":{"do":"abort","undo":false},"through":"abort"}"#;
        let line = [good.as_slice(), b"\n"].concat();
        assert!(parse(&line).is_ok());
        assert!(parse(good).unwrap_err().contains("one line"));
        for (from, to) in [("\"v\":1", "\"v\":2"), ("abort\"}", "abort\",\"x\":1}"), ("01AR", "../x"), ("undo", "und0")]
        {
            let bad = String::from_utf8(line.clone()).unwrap().replacen(from, to, 1);
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"\xff\xfe\n").is_err());
    }
}
