//! Whether a client still holds its end of a connection.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// A client's connection, kept open so that the kernel can report its state.
#[derive(Debug)]
pub(super) struct Connection(OwnedFd);

impl Connection {
    /// That of a stream.
    pub(super) fn of(stream: &impl AsFd) -> io::Result<Self> {
        stream.as_fd().try_clone_to_owned().map(Self)
    }

    /// Whether the client still waits for its reply. A process that closed its socket or ended raises `POLLHUP` (`poll(2)`); one that
    /// only shut down its writing half still reads.
    pub(super) fn is_held(&self) -> bool {
        let mut polled = [PollFd::new(&self.0, PollFlags::empty())];
        poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    #[test]
    fn only_a_client_that_can_read_its_reply_holds_the_connection() {
        let (mut client, runner) = UnixStream::pair().unwrap();
        let connection = Connection::of(&runner).unwrap();
        assert!(connection.is_held());
        // Sent data stays readable, however late; it does not show whether the client still waits.
        client.write_all(b"a request\n").unwrap();
        assert!(connection.is_held());
        client.shutdown(Shutdown::Write).unwrap();
        assert!(connection.is_held());
        drop(client);
        assert!(!connection.is_held());
    }
}
