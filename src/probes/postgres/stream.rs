//! The connection below TLS: dialled, counted, and with a look at the first byte.

use crate::config::libpq::{Server, ServerPlace};
use crate::probes::dial;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, lookup_host};

/// How long a TCP connection may be idle until the kernel asks whether the other side lives, and how often it then asks.
const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(30);

/// What came in so far: how much is still allowed, and how it began.
#[derive(Debug, Default)]
pub(super) struct Meter {
    allowed: AtomicU64,
    /// The first byte and one more bit, once it came.
    first: AtomicU64,
}

impl Meter {
    /// Allows this many bytes from now on; what is beyond them ends the connection.
    pub fn allow(&self, bytes: u64) {
        self.allowed.store(bytes, Ordering::Relaxed);
    }

    /// The first byte that ever came.
    pub fn first(&self) -> Option<u8> {
        let seen = self.first.load(Ordering::Relaxed);
        (seen > 0).then(|| u8::try_from(seen & 0xff).unwrap_or_default())
    }

    fn saw(&self, bytes: &[u8]) -> io::Result<()> {
        if let Some(first) = bytes.first() {
            let _ = self.first.compare_exchange(0, u64::from(*first) | 0x100, Ordering::Relaxed, Ordering::Relaxed);
        }
        let came = bytes.len() as u64;
        let take = |allowed: u64| allowed.checked_sub(came);
        let taken = self.allowed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(drop).map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "the answer is too long"))
    }
}

/// A socket of either kind.
#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A connected socket with its meter.
#[derive(Debug)]
pub(super) struct Stream {
    socket: Socket,
    meter: Arc<Meter>,
}

/// Connects to a server, to each of its addresses in turn.
pub(super) async fn dial(server: &Server, meter: Arc<Meter>) -> io::Result<Stream> {
    let socket = match &server.place {
        ServerPlace::Socket(directory) => {
            Socket::Unix(dial::unix(&directory.join(format!(".s.PGSQL.{}", server.port))).await?)
        }
        ServerPlace::Tcp { address: Some(address), .. } => Socket::Tcp(tcp((*address, server.port).into()).await?),
        ServerPlace::Tcp { name, .. } => {
            let addresses = lookup_host((name.as_deref().unwrap_or("localhost"), server.port)).await?;
            Socket::Tcp(dial::each(addresses, tcp).await?)
        }
    };
    Ok(Stream { socket, meter })
}

async fn tcp(address: std::net::SocketAddr) -> io::Result<TcpStream> {
    use rustix::net::sockopt;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, KEEPALIVE)?;
    sockopt::set_tcp_keepintvl(&stream, KEEPALIVE / 3)?;
    Ok(stream)
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(match &mut this.socket {
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
        })?;
        Poll::Ready(this.meter.saw(buffer.filled().get(before..).unwrap_or_default()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().socket {
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
