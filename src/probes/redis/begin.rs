//! How a connection to a Redis begins: dialled, with TLS where it is wanted, and the first PING asked by hand.

use crate::domain::Loss;
use crate::probes::redis::link::{ANSWER, CONNECT, Place, Trouble, Wire};
use crate::probes::redis::tls::{self, Failed};
use crate::probes::redis::words::{self, Plain};
use crate::probes::{cause, dial};
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest first line of a server that is listened to.
const FIRST_LINE: usize = 512;

/// What a port says that speaks TLS, or does not, although the URL has it the other way.
const ENCRYPTED: &str = "the port speaks TLS: its URL must begin with rediss://";
const PLAIN: &str = "the port speaks Redis without TLS: its URL must begin with redis://";

/// Connects to where a server is.
///
/// # Errors
/// Why not; a refusal, a reset and a socket that does not exist prove that it does not serve.
pub(super) async fn connect(place: &Place, ca: Option<PathBuf>) -> Result<Box<dyn Wire>, Loss> {
    let late = |what: &'static str| move |_| format!("no {what} within {} s", CONNECT.as_secs());
    let (host, port, tls) = match place {
        Place::Unix(path) => {
            let connecting = tokio::time::timeout(CONNECT, dial::unix(path));
            let stream = connecting.await.map_err(late("connection"))?.map_err(|cause| words::socket(&cause))?;
            return Ok(Box::new(stream));
        }
        Place::Tcp { host, port, tls } => (host.as_str(), *port, *tls),
    };
    let connecting = tokio::time::timeout(CONNECT, dial::tcp(host, port));
    let stream = connecting.await.map_err(late("connection"))?.map_err(|cause| words::io(&cause))?;
    // Questions are small and wait for their answers.
    let _ = stream.set_nodelay(true);
    if !tls {
        return Ok(Box::new(stream));
    }
    let silent = || Loss::unread(format!("no TLS within {} s: it may not speak it", CONNECT.as_secs()));
    let why = match tokio::time::timeout(CONNECT, tls::over(stream, host, ca)).await {
        Ok(Ok(stream)) => return Ok(Box::new(stream)),
        Ok(Err(Failed::Refused(why))) => return Err(why),
        Ok(Err(Failed::Foreign(why))) => why,
        Err(_) => silent(),
    };
    // A Redis waits for the end of a line, and says nothing to a handshake.
    let is_plain = speaks(host, port, |stream| async {
        let mut stream: Box<dyn Wire> = Box::new(stream);
        !matches!(greet(&mut stream).await, Err(Trouble::Gone(_) | Trouble::Lost(_)))
    });
    Err(if is_plain.await { Loss::unread(PLAIN) } else { why })
}

/// Why a server that ended the connection to the first PING did so: it may be that TLS is spoken there, and then it is not down.
pub(super) async fn why_closed(place: &Place, why: Loss) -> Loss {
    match place {
        Place::Tcp { host, port, tls: false } if speaks(host, *port, |stream| tls::is_offered(stream, host)).await => {
            Loss::unread(ENCRYPTED)
        }
        _ => why,
    }
}

/// Tries a port with another protocol than the one it should speak, once, over a connection of its own.
async fn speaks<F: Future<Output = bool>>(host: &str, port: u16, tried: impl FnOnce(TcpStream) -> F) -> bool {
    let talk = async {
        match dial::tcp(host, port).await {
            Ok(stream) => tried(stream).await,
            Err(_) => false,
        }
    };
    tokio::time::timeout(ANSWER, talk).await.unwrap_or(false)
}

/// Asks the first PING by hand.
///
/// A server that turns a client away says so at once and closes, before anything was asked; that would be lost as an answer to
/// nothing. What is no Redis at all is told here, too.
pub(super) async fn greet(stream: &mut Box<dyn Wire>) -> Result<(), Trouble> {
    let broke = |cause: std::io::Error| Trouble::Gone(words::io(&cause));
    let talk = async {
        // What was said before the connection closed is still to be read.
        let sent = stream.write_all(b"*1\r\n$4\r\nPING\r\n").await;
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") && line.len() < FIRST_LINE {
            match (stream.read_u8().await, &sent) {
                (Ok(byte), _) => line.push(byte),
                (Err(_), Err(_)) => return Err(Trouble::Gone(Loss::down(cause::CLOSED))),
                (Err(cause), Ok(())) => return Err(broke(cause)),
            }
        }
        Ok(line)
    };
    let late = |_| Trouble::Lost(format!("no answer within {} s", ANSWER.as_secs()));
    let line = tokio::time::timeout(ANSWER, talk).await.map_err(late)??;
    let text = String::from_utf8_lossy(&line);
    let text = text.trim_end();
    if tls::is_record(&line) {
        return Err(Trouble::Lost(ENCRYPTED.to_owned()));
    }
    let Some(error) = text.strip_prefix('-') else {
        let is_answer = text == "+PONG";
        return if is_answer { Ok(()) } else { Err(Trouble::Lost("what answers is not a Redis".to_owned())) };
    };
    let (code, words) = error.split_once(' ').unwrap_or((error, ""));
    let passes = ["NOAUTH", "LOADING", "MASTERDOWN", "NOPERM", "BUSY", "MISCONF"].contains(&code);
    let renamed = Plain::of(code, words) == Some(Plain::NoCommand);
    if passes || renamed {
        return Ok(());
    }
    Err(Trouble::ErrorReply { asked: "PING".to_owned(), code: code.to_owned(), words: words.to_owned() })
}
