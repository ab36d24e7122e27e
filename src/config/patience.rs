//! How long a file system may take to answer.
//!
//! A file server that has gone answers no call, and the thread that made it waits for ever. A look at a file of people, or of a run,
//! goes through [`at`]; [`bounded`] does some work in a thread of its own and leaves it behind where one look takes too long. Only
//! looks count: work that takes long by itself is waited for.

use std::cell::RefCell;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often is looked whether the work still waits.
const GLANCE: Duration = Duration::from_millis(50);

/// What is looked at, and since when.
type Look = Arc<Mutex<Option<(PathBuf, Instant)>>>;

thread_local! {
    static LOOK: RefCell<Option<Look>> = const { RefCell::new(None) };
}

/// Sets what is looked at, and gives what was before.
fn replace(look: &Look, with: Option<(PathBuf, Instant)>) -> Option<(PathBuf, Instant)> {
    std::mem::replace(&mut *look.lock().unwrap_or_else(PoisonError::into_inner), with)
}

/// Looks at a path: where this thread's work is [`bounded`], it is given up that the path does not answer.
pub fn at<T>(path: &Path, look: impl FnOnce() -> T) -> T {
    let Some(shared) = LOOK.with_borrow(Clone::clone) else { return look() };
    let around = replace(&shared, Some((path.to_owned(), Instant::now())));
    let found = look();
    replace(&shared, around.map(|(path, _)| (path, Instant::now())));
    found
}

/// A file of which each reading is a look by itself: a large one may take long.
#[derive(Debug)]
pub struct Reading<R> {
    path: PathBuf,
    file: R,
}

impl<R: Read> Reading<R> {
    /// Reads what was opened at a path.
    pub fn of(path: &Path, file: R) -> Self {
        Self { path: path.to_owned(), file }
    }
}

impl<R: Read> Read for Reading<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self { path, file } = self;
        at(path, || file.read(buffer))
    }
}

/// Does some work in a thread of its own; `limit` says how long one look of it may take.
///
/// # Errors
/// The path that did not answer in time: its thread is left behind. Or that no thread could be started.
pub fn bounded<T: Send + 'static>(
    limit: impl Fn() -> Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Result<T, PathBuf>> {
    let (ended, end) = channel::<()>();
    let look = Look::default();
    let own = Arc::clone(&look);
    // As much stack as the first thread has.
    let thread = std::thread::Builder::new().name("command".to_owned()).stack_size(8 << 20).spawn(move || {
        LOOK.set(Some(own));
        let found = work();
        drop(ended);
        found
    })?;
    while end.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
        let slow = look.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((path, _)) = slow.filter(|(_, since)| since.elapsed() > limit()) {
            return Ok(Err(path));
        }
    }
    match thread.join() {
        Ok(found) => Ok(Ok(found)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn a_look_that_takes_too_long_is_named_and_left_behind() {
        let (go_on, held) = sync_channel::<()>(1);
        let work = move || {
            at(Path::new("/quick"), || ());
            at(Path::new("/dir"), || at(Path::new("/dir/slow"), || held.recv()))
        };
        assert_eq!(bounded(|| SHORT, work).unwrap().unwrap_err(), Path::new("/dir/slow"));
        drop(go_on);
    }

    #[test]
    fn what_takes_long_by_itself_and_what_ends_in_time_is_waited_for() {
        let (go_on, held) = sync_channel::<()>(1);
        let (asked, limits) = channel();
        let limit = move || {
            asked.send(()).unwrap();
            SHORT
        };
        // Between two looks it waits for longer than one look may take.
        let work = move || {
            at(Path::new("/one"), || ());
            held.recv().unwrap();
            at(Path::new("/two"), || 2)
        };
        let helper = std::thread::spawn(move || {
            std::thread::sleep(SHORT * 10);
            go_on.send(()).unwrap();
        });
        assert_eq!(bounded(limit, work).unwrap(), Ok(2));
        helper.join().unwrap();
        assert!(limits.try_recv().is_err(), "no look was under way");
        let mut read = String::new();
        let text = Reading::of(Path::new("/file"), &b"text"[..]).read_to_string(&mut read).map(|_| read);
        assert_eq!(text.unwrap(), "text");
    }
}
