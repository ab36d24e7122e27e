//! Programs in a real terminal.
//!
//! ```ignore
//! let mut pty = Pty::spawn("sh", &["-c", "read x; echo got $x"], &[], (80, 24));
//! pty.send("hello\r");
//! pty.wait_for(SOON, |screen| screen.contains("got hello"));
//! assert_eq!(pty.exit(SOON), Exit::Code(0));
//! ```

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, kill_process, pidfd_getfd, pidfd_open};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than anything that works takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// The least that lies between two keys of a hand that is very fast.
const BETWEEN_KEYS: Duration = Duration::from_millis(25);

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(u32),
    /// By a signal, in the words of strsignal(3).
    Signal(String),
}

/// What is known of a running program.
struct Seen {
    raw: Vec<u8>,
    /// When each stretch of the bytes was read, and where it ends.
    times: Vec<(Instant, usize)>,
    terminal: vt100::Parser,
    /// Bytes of a synchronised update that is not over: a terminal shows nothing of it yet.
    held: Vec<u8>,
    /// How the program ended.
    exit: Option<Exit>,
    /// Whether no more output can come.
    silent: bool,
}

impl Seen {
    /// Shows what came, up to a synchronised update that is not over.
    fn show(&mut self, all: bool) {
        let last = |mark: &[u8]| self.held.windows(mark.len()).rposition(|window| window == mark);
        let end = match (last(b"\x1b[?2026h"), last(b"\x1b[?2026l")) {
            (Some(begin), over) if !all && over.is_none_or(|over| over < begin) => begin,
            _ => self.held.len(),
        };
        let shown: Vec<u8> = self.held.drain(..end).collect();
        self.terminal.process(&shown);
    }
}

#[derive(Clone)]
struct Shared(Arc<(Mutex<Seen>, Condvar)>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }

    /// Waits until something is so; gives none when the time is over.
    fn wait<T>(&self, timeout: Duration, mut found: impl FnMut(&Seen) -> Option<T>) -> Option<T> {
        let until = Instant::now() + timeout;
        let mut seen = self.lock();
        loop {
            if let Some(value) = found(&seen) {
                return Some(value);
            }
            let left = until.checked_duration_since(Instant::now())?;
            seen = self.0.1.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A program in a terminal of its own; it is killed when this is dropped.
pub struct Pty {
    pid: Pid,
    seen: Shared,
    /// The other end of the program's terminal: ours, as long as the line is up.
    line: Option<Line>,
}

/// Everything that keeps the terminal's other end open.
struct Line {
    master: Box<dyn MasterPty + Send>,
    fd: Arc<OwnedFd>,
    stop: OwnedFd,
    reader: JoinHandle<()>,
}

impl Pty {
    /// Starts a program in a terminal of (columns, rows), as the leader of its own session.
    ///
    /// Its environment holds `PATH`, `TERM=xterm-256color`, `LANG=C.UTF-8` and what is given, nothing else.
    pub fn spawn(program: &str, arguments: &[&str], environment: &[(&str, &str)], size: (u16, u16)) -> Self {
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        for (name, value) in [("PATH", path.as_str()), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(std::env::current_dir().expect("a working directory"));
        Self::start(command, size)
    }

    /// Starts a prepared command.
    pub fn start(command: CommandBuilder, (columns, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(pty_size(columns, rows)).expect("a pseudo-terminal");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave); // Or the line would stay up when the program is gone.
        let pid = i32::try_from(child.process_id().expect("a process")).ok().and_then(Pid::from_raw).expect("a pid");
        let seen = Shared(Arc::new((
            Mutex::new(Seen {
                raw: Vec::new(),
                times: Vec::new(),
                held: Vec::new(),
                terminal: vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0),
                exit: None,
                silent: false,
            }),
            Condvar::new(),
        )));
        let line = Line::new(pair.master, seen.clone());
        let waiting = seen.clone();
        std::thread::spawn(move || await_exit(child, &waiting));
        Self { pid, seen, line: Some(line) }
    }

    /// The program's process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Types.
    pub fn send(&self, keys: impl AsRef<[u8]>) {
        let line = self.line.as_ref().expect("the line is up");
        let mut rest = keys.as_ref();
        while !rest.is_empty() {
            let taken = rustix::io::write(&*line.fd, rest).expect("the terminal takes keys");
            rest = &rest[taken..];
        }
    }

    /// Types a text as a hand does, which strikes the next key once it saw the one before.
    #[track_caller]
    pub fn type_in(&self, text: &str) {
        for key in text.split_inclusive(|_| true) {
            let before = self.raw().len();
            self.send(key);
            self.wait_for_bytes(SOON, |raw, _| raw.len() > before);
            std::thread::sleep(BETWEEN_KEYS);
        }
    }

    /// What the screen shows: rows without trailing blanks, joined by line ends.
    pub fn screen(&self) -> String {
        self.seen.lock().terminal.screen().contents()
    }

    /// Looks at the terminal itself: modes, colours, the cursor.
    pub fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.seen.lock().terminal.screen())
    }

    /// Every byte the program has written.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.lock().raw.clone()
    }

    /// When each stretch of those bytes was read, and how many there were with it.
    pub fn times(&self) -> Vec<(Instant, usize)> {
        self.seen.lock().times.clone()
    }

    /// Waits until what the program wrote is as wanted: the bytes, and when each stretch of them was read.
    #[track_caller]
    pub fn wait_for_bytes(&self, timeout: Duration, mut wanted: impl FnMut(&[u8], &[(Instant, usize)]) -> bool) {
        let found = self.seen.wait(timeout, |seen| wanted(&seen.raw, &seen.times).then_some(()));
        assert!(found.is_some(), "not within {timeout:?}; the screen was:\n{}", self.screen());
    }

    /// Presses a key again and again, a moment apart, until the screen is as wanted.
    ///
    /// For dialogs that discard what was typed ahead; the pauses are longer than their quiet time, which each key begins again.
    #[track_caller]
    pub fn press_until(&self, key: &str, mut wanted: impl FnMut(&str) -> bool) -> String {
        let until = Instant::now() + SOON;
        loop {
            self.send(key);
            let text = |seen: &Seen| Some(seen.terminal.screen().contents()).filter(|text| wanted(text));
            if let Some(text) = self.seen.wait(Duration::from_millis(1300), text) {
                return text;
            }
            assert!(Instant::now() < until, "pressing {key:?} led nowhere; the screen was:\n{}", self.screen());
        }
    }

    /// Pages to the end of a dialog that is higher than the screen, as a person has to before a confirmation.
    #[track_caller]
    pub fn page_through(&self) {
        let below = |screen: &str| Some(screen.split_once("· PgDn")?.0.rsplit_once(" row")?.1.to_owned());
        while let Some(rows) = below(&self.screen()) {
            self.press_until("\x1b[6~", |screen| below(screen).as_ref() != Some(&rows));
        }
    }

    /// Waits until the screen's text is as wanted, and gives it.
    #[track_caller]
    pub fn wait_for(&self, timeout: Duration, mut wanted: impl FnMut(&str) -> bool) -> String {
        self.wait(timeout, |screen| {
            let text = screen.contents();
            wanted(&text).then_some(text)
        })
    }

    /// Waits until the terminal is as wanted: its modes, colours, cursor.
    #[track_caller]
    pub fn wait_until(&self, timeout: Duration, mut wanted: impl FnMut(&vt100::Screen) -> bool) {
        self.wait(timeout, |screen| wanted(screen).then_some(()));
    }

    #[track_caller]
    fn wait<T>(&self, timeout: Duration, mut found: impl FnMut(&vt100::Screen) -> Option<T>) -> T {
        let mut over = false;
        let value = self.seen.wait(timeout, |seen| match found(seen.terminal.screen()) {
            Some(value) => Some(Some(value)),
            None if seen.silent && seen.exit.is_some() => {
                over = true;
                Some(None)
            }
            None => None,
        });
        value.flatten().unwrap_or_else(|| {
            let seen = self.seen.lock();
            let tail = String::from_utf8_lossy(&seen.raw[seen.raw.len().saturating_sub(2000)..]).into_owned();
            let why =
                if over { format!("the program ended ({:?})", seen.exit) } else { format!("not within {timeout:?}") };
            panic!("{why}; the screen was:\n{}\nthe last bytes were: {tail:?}", seen.terminal.screen().contents())
        })
    }

    /// Changes the terminal's size; the program gets its SIGWINCH.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.seen.change(|seen| seen.terminal.screen_mut().set_size(at_least_one(rows), at_least_one(columns)));
        let line = self.line.as_ref().expect("the line is up");
        line.master.resize(pty_size(columns, rows)).expect("the terminal takes a size");
    }

    /// The settings of the program's line.
    pub fn termios(&self) -> rustix::termios::Termios {
        rustix::termios::tcgetattr(&*self.line.as_ref().expect("the line is up").fd).expect("line settings")
    }

    /// Cuts the line, as when an SSH connection drops; what was seen stays.
    pub fn hang_up(&mut self) {
        if let Some(line) = self.line.take() {
            line.close();
        }
    }

    /// Sends a signal to the program alone.
    pub fn kill(&self, signal: Signal) {
        if self.seen.lock().exit.is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Waits for the program's end, and for its last output.
    #[track_caller]
    pub fn exit(&self, timeout: Duration) -> Exit {
        let up = self.line.is_some();
        let exit = self.seen.wait(timeout, |seen| seen.exit.clone().filter(|_| seen.silent || !up));
        exit.unwrap_or_else(|| panic!("the program did not end within {timeout:?}; the screen was:\n{}", self.screen()))
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.kill(Signal::KILL);
        self.hang_up();
    }
}

impl Line {
    fn new(master: Box<dyn MasterPty + Send>, seen: Shared) -> Self {
        // Our own copy of the descriptor, because a reader blocked in a read would keep the line up after `hang_up`.
        let raw = master.as_raw_fd().expect("a descriptor");
        let us = pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).expect("a handle on this process");
        let fd = Arc::new(pidfd_getfd(us, raw, PidfdGetfdFlags::empty()).expect("a copy of the descriptor"));
        let stop = eventfd(0, EventfdFlags::CLOEXEC).expect("an event descriptor");
        let (reading, stopped) = (Arc::clone(&fd), stop.try_clone().expect("a copy of it"));
        let reader = std::thread::spawn(move || read(&reading, &stopped, &seen));
        Self { master, fd, stop, reader }
    }

    fn close(self) {
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes()).expect("the reader is stopped");
        let _ = self.reader.join();
    }
}

/// Reads what the program writes, until the line is down on either side.
fn read(fd: &OwnedFd, stop: &OwnedFd, seen: &Shared) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut fds = [PollFd::new(fd, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        let _ = poll(&mut fds, None);
        if !fds[1].revents().is_empty() {
            break;
        }
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) => break,
            Ok(count) => seen.change(|seen| {
                seen.raw.extend_from_slice(&buffer[..count]);
                seen.times.push((Instant::now(), seen.raw.len()));
                seen.held.extend_from_slice(&buffer[..count]);
                seen.show(false);
            }),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break, // EIO: no process has the terminal open any more.
        }
    }
    seen.change(|seen| {
        seen.show(true);
        seen.silent = true;
    });
}

/// Waits for the program's end.
fn await_exit(mut child: Box<dyn Child + Send + Sync>, seen: &Shared) {
    let status = child.wait().expect("an exit status");
    let exit = status.signal().map_or_else(|| Exit::Code(status.exit_code()), |name| Exit::Signal(name.to_owned()));
    seen.change(|seen| seen.exit = Some(exit));
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// The model of the screen has no size 0.
fn at_least_one(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).unwrap_or(NonZeroU16::MIN)
}
