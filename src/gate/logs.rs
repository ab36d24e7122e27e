//! Reads pages of logs on its own thread, and again whenever a followed log grows.

use crate::app::effect::LogAt;
use crate::app::msg::Msg;
use crate::domain::{Error, RunId};
use crate::journal::log::LogFile;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use tokio::sync::mpsc::Sender as Out;

/// How often a followed log is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How many bytes of a log are indexed between two looks at the requests: about 10 ms of work.
const INDEX_AT_ONCE: u64 = 8 << 20;

/// One page that is wanted.
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

    /// Wants a page; an older wish that was not served yet is forgotten.
    pub fn read(&self, run: RunId, file: String, path: PathBuf, at: LogAt, rows: u16) {
        let _ = self.wishes.send(Wish { run, file, path, at, rows });
    }
}

/// The log that is open, with the wish that is shown.
struct Open {
    log: LogFile,
    wish: Wish,
    shown: Option<(u64, u64)>,
}

fn serve(wishes: &Receiver<Wish>, out: &Out<Msg>) {
    let mut open: Option<Open> = None;
    loop {
        let busy = open.as_mut().is_some_and(|open| !open.log.index_some(INDEX_AT_ONCE).unwrap_or(true));
        let wish = match (&open, busy) {
            (None, _) => wishes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            (Some(_), true) => wishes.recv_timeout(Duration::ZERO),
            (Some(_), false) => wishes.recv_timeout(LOOK),
        };
        match wish {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(wish) => {
                let newest = wishes.try_iter().last().unwrap_or(wish);
                open = match switch(open, newest) {
                    Ok(open) => Some(open),
                    Err(error) => {
                        let _ = out.blocking_send(Msg::CommandFailed(error));
                        None
                    }
                };
            }
        }
        if let Some(current) = &mut open
            && !show(current, out)
        {
            return;
        }
    }
}

/// Opens the wished log, or keeps it where it is open already.
fn switch(open: Option<Open>, wish: Wish) -> Result<Open, Error> {
    match open {
        Some(open) if open.wish.path == wish.path => Ok(Open { wish, shown: None, ..open }),
        _ => Ok(Open { log: LogFile::open(&wish.path)?, wish, shown: None }),
    }
}

/// Sends the wished page where it is new; `false` when nobody wants pages any more.
fn show(open: &mut Open, out: &Out<Msg>) -> bool {
    let following = open.wish.at == LogAt::Tail;
    let size = match open.log.refresh() {
        Ok(size) => size,
        Err(error) => return out.blocking_send(Msg::CommandFailed(error)).is_ok(),
    };
    let state = (size, open.log.known_lines());
    let fresh = open.shown.is_none();
    if !fresh && (open.shown == Some(state) || !following && open.shown.map(|(_, lines)| lines) == Some(state.1)) {
        return true;
    }
    open.shown = Some(state);
    match open.log.page(&open.wish.at, open.wish.rows) {
        Ok(page) => {
            if let Some(found) = page.found {
                // A search is answered once; from then on the page stands where it found something.
                open.wish.at = LogAt::Line(found);
            }
            let msg = page.into_page(open.wish.run.clone(), open.wish.file.clone(), following);
            out.blocking_send(Msg::LogRead(Box::new(msg))).is_ok()
        }
        Err(error) => out.blocking_send(Msg::CommandFailed(error)).is_ok(),
    }
}
