//! Copies an act's output into its log and enforces its timeout.

use crate::domain::Boot;
use crate::journal::log::{CAP_FIRST, CAP_LAST, LogWriter, Stream as From};
use crate::journal::record::LogEnd;
use crate::probes::clock;
use crate::runner::shim::hold::Held;
use crate::runner::shim::{Spec, Stopped, descendants};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

/// How much is read from a pipe at once.
const CHUNK: usize = 64 << 10;

/// How long output is still read after the act ended while another process holds its pipes open.
const DRAIN: Duration = Duration::from_secs(2);

/// How often ended orphans are collected while the act runs.
const REAP_EVERY: Duration = Duration::from_secs(5);

/// How often to check whether a script has to be compared again.
const COMPARE_EVERY: Duration = Duration::from_millis(20);

/// The pipes of an act and their log.
pub struct Pump {
    streams: Vec<Stream>,
    log: Option<LogWriter>,
    lost: u64,
    buffer: Vec<u8>,
}

struct Stream {
    pipe: File,
    from: From,
    /// Whether it belongs to this shim, not to the act.
    own: bool,
}

/// A socket that becomes readable when this process receives a stop signal.
///
/// # Errors
/// When the handler cannot be installed.
pub fn stop_signals() -> io::Result<UnixStream> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGTERM, write)?;
    let ignored = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        signal_hook::flag::register(signal, std::sync::Arc::clone(&ignored))?;
    }
    Ok(read)
}

impl Pump {
    /// Takes the child's pipes; the `hidden` values never reach the log. If the log cannot be created, the output is
    /// lost and counted; the act goes on.
    pub fn of(child: &mut Child, log: &Path, hidden: &[Vec<u8>]) -> Self {
        let stdout = child.stdout.take().map(|pipe| Stream {
            pipe: File::from(OwnedFd::from(pipe)),
            from: From::Out,
            own: false,
        });
        let stderr = child.stderr.take().map(|pipe| Stream {
            pipe: File::from(OwnedFd::from(pipe)),
            from: From::Err,
            own: false,
        });
        let streams = stdout.into_iter().chain(stderr).collect();
        let log = LogWriter::create(log, CAP_FIRST, CAP_LAST).ok();
        Self { streams, log: log.map(|log| log.masking(hidden)), lost: 0, buffer: vec![0; CHUNK] }
    }

    /// Adds a pipe of this shim itself, read until the act has ended.
    pub fn add(&mut self, pipe: OwnedFd) {
        self.streams.push(Stream { pipe: File::from(pipe), from: From::Err, own: true });
    }

    /// Pumps until the child ends; stops it when its time is up, when a signal arrives, or when a file that it reads
    /// has changed. Returns why it was stopped, and what changed.
    pub fn run(
        &mut self,
        held: &mut Held,
        stop: &UnixStream,
        spec: &Spec,
        began: Boot,
    ) -> (Option<Stopped>, Option<String>) {
        let Some(pid) = i32::try_from(held.child.id()).ok().and_then(Pid::from_raw) else { return (None, None) };
        let Ok(watch) = pidfd_open(pid, PidfdFlags::empty()) else { return (None, None) };
        let deadline = Duration::from_millis(spec.timeout_ms);
        let mut reaped = began;
        loop {
            let now = clock::boot();
            let spent = now.since(began);
            let reason = if spent >= deadline {
                Some(Stopped::TimedOut)
            } else if self.turn(&watch, Some(stop), (deadline - spent).min(pause(held))).stop {
                Some(Stopped::Cancelled)
            } else {
                None
            };
            let ended = has_ended(&watch);
            let changed = held.changed(ended);
            if ended {
                // An act that ended before the signal arrived ended by itself.
                return (None, changed);
            }
            let reason = reason.or(changed.is_some().then_some(Stopped::Replaced));
            if reason.is_some() {
                self.stop(pid, &watch, Duration::from_millis(spec.grace_ms));
                return (reason, changed);
            }
            if now.since(reaped) >= REAP_EVERY {
                descendants::reap(Some(pid));
                reaped = now;
            }
        }
    }

    /// Sends TERM to the act and its descendants, and CONT to stopped ones; KILL after the grace.
    fn stop(&mut self, pid: Pid, watch: &OwnedFd, grace: Duration) {
        for signal in [Signal::TERM, Signal::CONT] {
            let _ = rustix::process::kill_process_group(pid, signal);
            descendants::signal(signal);
        }
        let began = clock::boot();
        while clock::boot().since(began) < grace {
            if has_ended(watch) && descendants::all().is_empty() {
                return;
            }
            self.turn(watch, None, Duration::from_millis(50));
        }
        descendants::signal(Signal::KILL);
    }

    /// Reads the rest of the output; with `kill`, ends every descendant first. Returns how many descendants remain.
    pub fn drain(&mut self, kill: bool) -> u32 {
        self.streams.retain(|stream| !stream.own);
        let left = if kill { descendants::end() } else { descendants::all().len() };
        let began = clock::boot();
        while !self.streams.is_empty() && clock::boot().since(began) < DRAIN {
            let mut fds: Vec<PollFd<'_>> =
                self.streams.iter().map(|stream| PollFd::new(&stream.pipe, PollFlags::IN)).collect();
            let wait = timespec(Duration::from_millis(100));
            match poll(&mut fds, Some(&wait)) {
                Ok(0) if left == 0 => break,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
            let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            self.read_ready(&ready);
        }
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// Ends the log.
    pub fn finish(self) -> LogEnd {
        match self.log {
            Some(log) => log.finish(clock::now().wall),
            None => LogEnd { file: String::new(), bytes: self.lost, dropped: self.lost, digest: None },
        }
    }

    /// Waits for output, the child's end or a signal, and reads what is there.
    fn turn(&mut self, watch: &OwnedFd, stop: Option<&UnixStream>, wait: Duration) -> Turn {
        let mut fds: Vec<PollFd<'_>> =
            self.streams.iter().map(|stream| PollFd::new(&stream.pipe, PollFlags::IN)).collect();
        fds.push(PollFd::new(watch, PollFlags::IN));
        if let Some(stop) = stop {
            fds.push(PollFd::new(stop, PollFlags::IN));
        }
        let polled = poll(&mut fds, Some(&timespec(wait)));
        let ready: Vec<bool> = fds.iter().map(|fd| polled.is_ok() && !fd.revents().is_empty()).collect();
        let stopped = stop.is_some() && ready.last() == Some(&true);
        self.read_ready(&ready);
        if let (true, Some(mut stop)) = (stopped, stop) {
            let _ = stop.read(&mut [0; 16]);
        }
        Turn { stop: stopped }
    }

    /// Reads one chunk from each stream that is ready; drops a stream at its end.
    fn read_ready(&mut self, ready: &[bool]) {
        let mut kept = Vec::with_capacity(self.streams.len());
        for (mut stream, ready) in std::mem::take(&mut self.streams).into_iter().zip(ready) {
            if !*ready {
                kept.push(stream);
                continue;
            }
            match stream.pipe.read(&mut self.buffer) {
                Ok(0) => {}
                Ok(count) => {
                    let bytes = self.buffer.get(..count).unwrap_or_default();
                    match &mut self.log {
                        Some(log) => log.write(bytes, stream.from, clock::now().wall),
                        None => self.lost += u64::try_from(count).unwrap_or(0),
                    }
                    kept.push(stream);
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => kept.push(stream),
                Err(_) => {}
            }
        }
        self.streams = kept;
    }
}

/// How long one turn of the loop may take.
fn pause(held: &Held) -> Duration {
    if held.is_watched() { COMPARE_EVERY } else { REAP_EVERY }
}

/// What a turn of the loop saw.
struct Turn {
    stop: bool,
}

/// Whether the process behind a pidfd has ended: then it reads as ready.
fn has_ended(watch: &OwnedFd) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN)];
    poll(&mut fds, Some(&timespec(Duration::ZERO))).is_ok_and(|ready| ready > 0)
}

fn timespec(span: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(span.subsec_nanos()) }
}
