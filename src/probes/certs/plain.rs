//! What a port speaks that is called one of TLS and answers without it.
//!
//! The first bytes of an answer say so. A server that ends the connection, or waits, without a word is asked once more in the clear: for
//! the head of a page, as HTTP and Redis have it, then for TLS as PostgreSQL has it. Neither changes anything.

use crate::domain::Loss;
use crate::probes::dial;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// How much of an answer is kept, in bytes.
const KEPT: usize = 64;
/// How long a question in the clear may take.
const QUESTION: Duration = Duration::from_secs(1);
/// For the head of a page. Without `Host`, so that Redis answers it too.
const OF_HTTP: &[u8] = b"HEAD / HTTP/1.0\r\n\r\n";
/// Whether the server takes TLS (PostgreSQL, "SSLRequest").
const OF_POSTGRESQL: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];

/// The first bytes of an answer.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there was no answer.
    pub fn is_nothing(&self) -> bool {
        self.bytes().is_empty()
    }

    /// What the answer is of, with an empty name where that is not known; `None` where it is of TLS, or there was none.
    pub fn protocol(&self) -> Option<&'static str> {
        let bytes = self.bytes();
        (!bytes.is_empty() && !is_tls(&bytes)).then(|| protocol(&bytes))
    }
}

/// That a port answers without TLS: no client that wants TLS gets in.
pub fn loss(protocol: &str) -> Loss {
    match protocol {
        "" => Loss::down("answers without TLS"),
        name => Loss::down(format!("answers without TLS ({name})")),
    }
}

/// Whether an answer begins as one of TLS does: with a record of an alert, a handshake or a change of ciphers, of version 3 (RFC 8446, 5.1).
fn is_tls(bytes: &[u8]) -> bool {
    let version = bytes.get(1).is_none_or(|version| *version == 3);
    bytes.first().is_some_and(|kind| (20..=23).contains(kind)) && version
}

/// Whose protocol an answer is of, by what it begins with.
fn protocol(bytes: &[u8]) -> &'static str {
    let lower = bytes.to_ascii_lowercase();
    let text = lower.trim_ascii_start();
    let begins = |mark: &str| text.starts_with(mark.as_bytes());
    let holds = |mark: &str| text.windows(mark.len()).any(|window| window == mark.as_bytes());
    match () {
        () if begins("http/") || begins("<!doctype html") || begins("<html") => "HTTP",
        () if begins("ssh-") => "SSH",
        () if begins("220") && holds("ftp") => "FTP",
        () if begins("220") || begins("421 ") || begins("554 ") => "SMTP",
        () if begins("* ok") || begins("* bye") => "IMAP",
        () if begins("+ok") => "POP3",
        () if begins("-err") || begins("-noauth") || begins("-denied") => "Redis",
        () if begins("rfb 00") => "VNC",
        () if is_mysql(bytes) => "MySQL",
        // An error of PostgreSQL: `E`, its length, and a field that is the severity.
        () if bytes.starts_with(b"E\0\0") && bytes.get(5) == Some(&b'S') => "PostgreSQL",
        () => "",
    }
}

/// A greeting of MySQL: its length, the number 0, and version 10 of the protocol; or an error with this number.
fn is_mysql(bytes: &[u8]) -> bool {
    bytes.get(2..4) == Some(&[0, 0]) && matches!(bytes.get(4), Some(10 | 255))
}

/// Asks a port that gave no answer to TLS what it speaks; `None` where it does not say.
pub async fn ask(host: &str, port: u16, deadline: Duration) -> Option<&'static str> {
    let limit = QUESTION.min(deadline);
    let of_http = tokio::time::timeout(limit, question(host, port, OF_HTTP)).await;
    if let Ok(Ok(answer)) = &of_http
        && !answer.is_empty()
        && !is_tls(answer)
    {
        return Some(protocol(answer));
    }
    let of_postgresql = tokio::time::timeout(limit, question(host, port, OF_POSTGRESQL)).await;
    matches!(of_postgresql.as_ref().map(|answer| answer.as_deref()), Ok(Ok([b'S' | b'N']))).then_some("PostgreSQL")
}

/// The first bytes that a server answers to some.
async fn question(host: &str, port: u16, asked: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = dial::tcp(host, port).await?;
    stream.write_all(asked).await?;
    let mut answer = vec![0; KEPT];
    let long = stream.read(&mut answer).await?;
    answer.truncate(long);
    Ok(answer)
}

/// A stream whose first bytes are kept.
#[derive(Debug)]
pub struct Listened<S> {
    stream: S,
    heard: Heard,
}

impl<S> Listened<S> {
    /// Keeps them there.
    pub fn new(stream: S, heard: Heard) -> Self {
        Self { stream, heard }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Listened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let mut kept = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT.saturating_sub(kept.len());
        kept.extend(buffer.filled().iter().skip(before).take(room));
        drop(kept);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Listened<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
