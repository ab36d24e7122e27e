//! The terminal as a file.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The terminal, opened for ourselves: its non-blocking mode is not shared with standard input or output.
///
/// A write that the terminal cannot take says `WouldBlock`, so that a stuck terminal never stops the loop.
#[derive(Clone, Debug)]
pub struct Tty(Arc<OwnedFd>);

impl Tty {
    /// Opens the controlling terminal, or else the terminal that standard output is.
    ///
    /// # Errors
    /// There is none.
    pub fn open() -> io::Result<Self> {
        Self::at("/dev/tty").or_else(|error| {
            if rustix::termios::isatty(rustix::stdio::stdout()) { Self::at("/proc/self/fd/1") } else { Err(error) }
        })
    }

    /// Opens a terminal by its path.
    ///
    /// # Errors
    /// It cannot be opened, or is no terminal.
    pub fn at(path: impl AsRef<Path>) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path.as_ref(), flags, Mode::empty())?;
        rustix::termios::tcgetwinsize(&fd)?;
        Ok(Self(Arc::new(fd)))
    }

    /// Its size as (columns, rows); a terminal may say 0.
    ///
    /// # Errors
    /// It is gone.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(&*self.0)?;
        Ok((size.ws_col, size.ws_row))
    }

    /// Whether unread input is waiting.
    #[must_use]
    pub fn has_input(&self) -> bool {
        let mut fds = [PollFd::new(&*self.0, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Writes everything, waiting for the terminal, but not longer than `patience`.
    ///
    /// # Errors
    /// It is gone, or took nothing for that long.
    pub fn write_within(&self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        let until = Instant::now() + patience;
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::write(&*self.0, rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => rest = rest.get(taken..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => self.wait_writable(until)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until the terminal takes something.
    fn wait_writable(&self, until: Instant) -> io::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&*self.0, PollFlags::OUT)], Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&*self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portable_pty::{PtySize, native_pty_system};
    use std::io::Read as _;

    #[test]
    fn a_stuck_terminal_never_blocks_for_long_and_goes_on_when_read() {
        let size = PtySize { rows: 30, cols: 100, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut tty = Tty::at(pair.master.tty_name().unwrap()).unwrap();
        assert_eq!(tty.size().unwrap(), (100, 30));
        // The kernel takes more until its buffer is full, because the reader is not reading.
        let (mut taken, mut refused) = (0, 0);
        let stuck = loop {
            match tty.write(&[b'x'; 1000]) {
                Ok(count) => taken += count,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    refused += 1;
                    match tty.write_within(b"x", Duration::from_millis(100)) {
                        Ok(()) => taken += 1,
                        Err(error) => break error,
                    }
                }
            }
        };
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        assert!(refused > 0 && taken > 0);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let reading = std::thread::spawn(move || {
            let mut all = vec![0; taken + 4];
            reader.read_exact(&mut all).unwrap();
            all
        });
        tty.write_within(b"more", Duration::from_secs(20)).unwrap();
        assert!(reading.join().unwrap().ends_with(b"xmore"));
    }

    #[test]
    fn what_is_no_terminal_is_refused() {
        assert!(Tty::at("/dev/null").is_err());
        assert!(Tty::at("/nowhere").is_err());
    }
}
