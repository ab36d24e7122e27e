//! Connecting: to a host that may have several addresses, which refuses only where each address does, and to a socket of this host.

use crate::probes::blocking;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream as Socket;
use std::path::Path;
use tokio::net::{TcpStream, UnixStream, lookup_host};

/// Connects to a socket. The kernel looks its path up in a thread that may be left behind, because a file system below it may not
/// answer; there is no deadline here.
pub(crate) async fn unix(path: &Path) -> io::Result<UnixStream> {
    let path = path.to_owned();
    let place = format!("socket {}", path.display());
    let made: Result<io::Result<Socket>, String> =
        blocking::run_blocking("socket", place, move || Ok(to_socket(&path))).await;
    UnixStream::from_std(made.map_err(io::Error::other)??)
}

/// Without waiting: a server whose queue is full says so.
fn to_socket(path: &Path) -> io::Result<Socket> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

/// Connects to the first address of a host that answers.
pub(crate) async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    each(lookup_host((host, port)).await?, TcpStream::connect).await
}

/// Tries each address in turn. Where none answers, the error is the one that leaves the most open: a refusal only where every
/// address that this host can reach refuses.
pub(crate) async fn each<S, F>(
    addresses: impl Iterator<Item = SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<S>
where
    F: Future<Output = io::Result<S>>,
{
    let mut failed: Option<io::Error> = None;
    for address in addresses {
        match connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(cause) if failed.as_ref().is_none_or(|before| weight(&cause) >= weight(before)) => failed = Some(cause),
            Err(_) => {}
        }
    }
    Err(failed.unwrap_or_else(|| io::Error::other("failed to lookup address")))
}

/// How much an error leaves open: that this host has no way into a whole family of addresses says nothing of the other one.
fn weight(cause: &io::Error) -> u8 {
    match cause.kind() {
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported => 0,
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind::{self, ConnectionRefused, HostUnreachable, NetworkUnreachable};

    async fn ends(kinds: &[ErrorKind]) -> ErrorKind {
        let addresses = (1_u16..).zip(kinds).map(|(port, _)| SocketAddr::from(([127, 0, 0, 1], port)));
        let connect = |address: SocketAddr| async move { Err::<(), _>(kinds[usize::from(address.port()) - 1].into()) };
        each(addresses, connect).await.unwrap_err().kind()
    }

    #[tokio::test]
    async fn a_host_refuses_only_where_every_address_that_can_be_reached_does() {
        assert_eq!(ends(&[ConnectionRefused, ConnectionRefused]).await, ConnectionRefused);
        assert_eq!(ends(&[NetworkUnreachable, ConnectionRefused]).await, ConnectionRefused);
        assert_eq!(ends(&[ConnectionRefused, NetworkUnreachable]).await, ConnectionRefused);
        assert_eq!(ends(&[ConnectionRefused, HostUnreachable]).await, HostUnreachable);
        assert_eq!(ends(&[HostUnreachable, ConnectionRefused]).await, HostUnreachable);
        assert_eq!(ends(&[NetworkUnreachable]).await, NetworkUnreachable);
        assert_eq!(ends(&[]).await, ErrorKind::Other);
    }
}
