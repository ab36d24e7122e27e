//! Reads pages of logs on its own thread, and again whenever a followed log grows.

use crate::app::effect::LogAt;
use crate::app::msg::{LogPage, Msg};
use crate::domain::{Error, RunId};
use crate::journal::log::{LogFile, Page};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use tokio::sync::mpsc::Sender as Out;

/// How often the log on the screen is checked.
const LOOK: Duration = Duration::from_millis(100);

/// How many bytes of a log are counted before the thread checks for new requests: a few milliseconds of work.
const COUNT_AT_ONCE: u64 = 8 << 20;

/// A request for one page.
struct Wish {
    run: RunId,
    file: String,
    path: PathBuf,
    at: LogAt,
    rows: u16,
}

/// Reads logs until it is dropped.
pub struct LogReader {
    wishes: Sender<Wish>,
}

impl LogReader {
    /// Starts the thread; pages go to `out`.
    #[must_use]
    pub fn start(out: Out<Msg>) -> Self {
        let (wishes, receiver) = mpsc::channel();
        std::thread::spawn(move || serve(&receiver, &out));
        Self { wishes }
    }

    /// Requests a page; an older request that was not served yet is dropped.
    pub fn read(&self, run: RunId, file: String, path: PathBuf, at: LogAt, rows: u16) {
        let _ = self.wishes.send(Wish { run, file, path, at, rows });
    }
}

/// The request that is on the screen, with its log once there is one.
struct Shown {
    wish: Wish,
    log: Option<LogFile>,
    page: Option<Page>,
    trouble: Option<Error>,
}

fn serve(wishes: &Receiver<Wish>, out: &Out<Msg>) {
    let mut shown: Option<Shown> = None;
    loop {
        let wish = match shown.as_mut().map(Shown::is_counting) {
            None => wishes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(true) => wishes.recv_timeout(Duration::ZERO),
            Some(false) => wishes.recv_timeout(LOOK),
        };
        match wish {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(wish) => shown = Some(Shown::switch(shown.take(), wishes.try_iter().last().unwrap_or(wish))),
        }
        let Some(current) = &mut shown else { continue };
        let Some(msg) = current.look() else { continue };
        if out.blocking_send(msg).is_err() {
            return;
        }
    }
}

impl Shown {
    /// Switches to another request, and keeps the log if it is the same.
    fn switch(before: Option<Self>, wish: Wish) -> Self {
        let log = before.filter(|before| before.wish.path == wish.path).and_then(|before| before.log);
        Self { wish, log, page: None, trouble: None }
    }

    /// Continues to count lines; `true` while lines are left to count.
    fn is_counting(&mut self) -> bool {
        self.log.as_mut().is_some_and(|log| log.index_some(COUNT_AT_ONCE).is_ok_and(|done| !done))
    }

    /// Reads the requested page; `None` if it has not changed since it was last sent.
    fn look(&mut self) -> Option<Msg> {
        match self.read() {
            Ok(page) => {
                self.trouble = None;
                if let (true, Some(found)) = (page.searched, page.found) {
                    // A search is answered once; after that the page stays at the match.
                    self.wish.at = LogAt::Line(found);
                }
                let fresh = self.page.as_ref() != Some(&page);
                self.page = Some(page.clone());
                fresh.then(|| Msg::LogRead(Box::new(self.message(page))))
            }
            Err(error) if self.trouble.as_ref() == Some(&error) => None,
            Err(error) => {
                self.trouble = Some(error.clone());
                Some(Msg::CommandFailed(error))
            }
        }
    }

    fn read(&mut self) -> Result<Page, Error> {
        let log = match &mut self.log {
            Some(log) => log,
            // The act may not have begun: an attempt without a log is an empty page, not an error.
            None if !self.wish.path.exists() => return Ok(empty(&self.wish.at)),
            None => self.log.insert(LogFile::open(&self.wish.path)?),
        };
        log.page(&self.wish.at, self.wish.rows)
    }

    fn message(&self, page: Page) -> LogPage {
        let (run, file) = (self.wish.run.clone(), self.wish.file.clone());
        LogPage { run, file, page: Page { following: self.wish.at == LogAt::Tail, ..page } }
    }
}

fn empty(at: &LogAt) -> Page {
    Page {
        top: 0,
        total_lines: 0,
        counted: true,
        total_bytes: 0,
        dropped: 0,
        lines: Vec::new(),
        following: *at == LogAt::Tail,
        found: None,
        searched: !matches!(at, LogAt::Tail | LogAt::Line(_)),
    }
}
