//! The control socket: who may act on a run, checked by the kernel, with a limit on everything.
//!
//! A stream socket in the run directory (mode 0700; in a team directory 2750, and the socket 0660) takes JSON lines.
//! The peer's uid, gid and pid come from the kernel (`SO_PEERCRED`), never from the message; its groups and its login
//! uid come from `/proc`, while a pidfd holds the process. The runner serves at most [`CONNECTIONS`] peers at once
//! (`places`); each has [`PATIENCE`] for one request of at most [`LARGEST_REQUEST`] bytes. A peer above that limit
//! gets the reply that the runner is busy, and tries again. If the socket is removed or replaced, the runner opens it
//! again.
//!
//! A request is valid only while its client waits for the reply ([`Call::counts`]): a client that gave up has
//! reported that nothing was accepted.

mod connection;
mod places;

use crate::domain::error::Result;
use crate::domain::{Actor, Error};
use crate::runner::protocol::{LARGEST_REQUEST, Reply, Request, Until, VERSION};
use crate::runner::rundir::RunDir;
use crate::runner::{failpoint, identity};
use connection::Connection;
use places::Places;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

/// How many peers are served at once, not counting the run's own user and root.
pub const CONNECTIONS: usize = 16;

/// How often the runner checks that its socket still exists.
pub const RELISTEN: Duration = Duration::from_secs(2);

/// How long a peer may take to send its request.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A request with its peer as the kernel reports it.
#[derive(Debug)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// Who sent it.
    pub actor: Actor,
    /// Their groups.
    pub groups: Vec<u32>,
    /// Whether the process that sent it still exists, so that its `/proc` data is about that process.
    pub proven: bool,
    /// The channel for the reply.
    pub reply: oneshot::Sender<Reply>,
    connection: Connection,
}

impl Call {
    /// Checks the clock and the connection: whether the client still waits. Called right before the request takes
    /// effect.
    ///
    /// # Errors
    /// Why it counts no more, in a sentence.
    pub fn counts(&self) -> std::result::Result<(), String> {
        if self.request.until.as_ref().is_some_and(Until::has_passed) {
            return Err("the request expired before it was accepted: its client has given it up".to_owned());
        }
        if !self.connection.is_held() {
            return Err("the request was withdrawn before it was accepted: its client closed the connection".to_owned());
        }
        Ok(())
    }
}

/// The open socket.
pub struct Control {
    /// The requests of the peers.
    pub calls: mpsc::Receiver<Call>,
    places: Places,
}

impl Control {
    /// Accepts no more peers, and waits until every accepted peer has its reply.
    pub async fn close(&mut self) {
        self.calls.close();
        while let Ok(call) = self.calls.try_recv() {
            let _ = call.reply.send(Reply::Rejected { why: "the run has ended".to_owned() });
        }
        let _ = tokio::time::timeout(FAREWELL, self.places.all_left()).await;
    }
}

/// How long the last replies may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Opens the socket and serves peers until [`Control::close`].
///
/// # Errors
/// When the socket cannot be bound.
pub fn listen(dir: &RunDir) -> Result<Control> {
    let listener = bind(dir)?;
    let (calls, receiver) = mpsc::channel(CONNECTIONS);
    let places = Places::of(rustix::process::geteuid().as_raw());
    tokio::spawn(accept(dir.clone(), listener, calls, places.clone()));
    Ok(Control { calls: receiver, places })
}

/// A socket in the run's directory, with its file identity.
struct Bound {
    listener: UnixListener,
    identity: (u64, u64),
}

fn bind(dir: &RunDir) -> Result<Bound> {
    let doing = format!("open the control socket of run {}", dir.id);
    let failed = |cause: io::Error| Error::machine(&doing, cause);
    let (_keeps_the_path_valid, path) = dir.socket()?;
    match fs::remove_file(&path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(failed(cause)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    let mode = if dir.team().is_some() { 0o660 } else { 0o600 };
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    let found = fs::symlink_metadata(&path).map_err(failed)?;
    Ok(Bound { listener, identity: (found.dev(), found.ino()) })
}

/// Whether the path still refers to this socket.
fn is_there(dir: &RunDir, bound: &Bound) -> bool {
    let found = fs::symlink_metadata(dir.path.join("control.sock"));
    found.is_ok_and(|found| (found.dev(), found.ino()) == bound.identity)
}

async fn accept(dir: RunDir, mut bound: Bound, calls: mpsc::Sender<Call>, places: Places) {
    let mut look = tokio::time::interval(failpoint::span("SOCKET", RELISTEN));
    loop {
        let accepted = tokio::select! {
            accepted = bound.listener.accept() => accepted,
            _ = look.tick() => {
                if !is_there(&dir, &bound) && !calls.is_closed() {
                    // If it cannot be opened now, the next look tries again.
                    bound = bind(&dir).unwrap_or(bound);
                }
                continue;
            }
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors: accept no peer for a moment, then go on.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(peer) = stream.peer_cred() else { continue };
        let Some(place) = places.take(peer.uid()) else {
            tokio::spawn(turn_away(stream));
            continue;
        };
        let calls = calls.clone();
        tokio::spawn(async move {
            let _place = place;
            let _ = serve_client(stream, calls).await;
        });
    }
}

async fn turn_away(mut stream: UnixStream) {
    let _ = tokio::time::timeout(Duration::from_millis(100), send_reply(&mut stream, &Reply::Busy)).await;
}

async fn serve_client(stream: UnixStream, calls: mpsc::Sender<Call>) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    let connection = Connection::of(&stream)?;
    let (reader, mut writer) = stream.into_split();
    let limit = u64::try_from(LARGEST_REQUEST).unwrap_or(u64::MAX);
    let mut line = Vec::new();
    let mut reader = BufReader::new(reader.take(limit));
    let received = tokio::time::timeout(failpoint::span("PEER", PATIENCE), reader.read_until(b'\n', &mut line)).await;
    received.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    // The runner may read a large set before it replies; the client decides how long to wait.
    let reply = match parse(&line) {
        Err(why) => {
            tracing::warn!(uid = peer.uid(), pid = peer.pid(), cause = why, "request refused");
            Reply::Rejected { why }
        }
        Ok(request) => {
            let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
            let peer = identity::peer(peer.uid(), peer.gid(), pid, &through(&request.through));
            let (reply, answered) = oneshot::channel();
            let identity::Peer { actor, groups, proven } = peer;
            match calls.send(Call { request, actor, groups, proven, reply, connection }).await {
                Ok(()) => answered.await.unwrap_or(Reply::Rejected { why: "the run has ended".to_owned() }),
                Err(_) => Reply::Rejected { why: "the run has ended".to_owned() },
            }
        }
    };
    let result = tokio::time::timeout(PATIENCE, send_reply(&mut writer, &reply)).await;
    result.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn send_reply(stream: &mut (impl AsyncWriteExt + Unpin), reply: &Reply) -> io::Result<()> {
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

/// The client's claim of its origin, limited to one word.
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
