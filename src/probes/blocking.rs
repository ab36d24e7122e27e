//! Work that nothing can interrupt, such as a look into a file system whose server has gone: in a thread of its own.

use crate::domain::error::system_text;
use crate::domain::quantity;
use crate::probes::panics;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// The places that work was done at, each with its one turn: as many as the estate names.
static TURNS: Mutex<BTreeMap<String, Arc<Semaphore>>> = Mutex::new(BTreeMap::new());

/// Does one piece of work after the other, never two at once; what has not answered in time is waited for the next time.
pub struct Blocking<T, E = String> {
    name: &'static str,
    /// The work under way.
    pending: Option<oneshot::Receiver<Result<T, E>>>,
}

impl<T: Send + 'static, E: From<String> + Send + 'static> Blocking<T, E> {
    /// Nothing under way; the name is that of its threads.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, pending: None }
    }

    /// Does the work, or goes on waiting for the work before it that has not answered yet.
    ///
    /// # Errors
    /// What the work says, or that it has not answered by the deadline.
    pub async fn within<F>(&mut self, deadline: Duration, work: F) -> Result<T, E>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
    {
        let mut answer = match self.pending.take() {
            Some(pending) => pending,
            None => start(self.name, work)?,
        };
        match tokio::time::timeout(deadline, &mut answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err("the reading was interrupted".to_owned().into()),
            Err(_) => {
                self.pending = Some(answer);
                Err(late(deadline).into())
            }
        }
    }
}

/// Does work at a place (a file, a socket) in a thread of its own. At one place there is one thread at most, whoever asks: a file
/// system that does not answer holds that one, and the next work there waits for it.
///
/// # Errors
/// What the work says. Whoever drops this leaves the thread behind.
pub(crate) async fn run_blocking<T, E, F>(name: &'static str, place: String, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<String> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let interrupted = || E::from("the reading was interrupted".to_owned());
    let turn = {
        let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(place).or_insert_with(|| Arc::new(Semaphore::new(1))))
    };
    let turn = turn.acquire_owned().await.map_err(|_| interrupted())?;
    let answer = start(name, move || {
        // It is given back when the work has ended, not when nobody waits for it any more.
        let _turn = turn;
        work()
    })?;
    answer.await.unwrap_or_else(|_| Err(interrupted()))
}

/// As [`alone`], with a time limit.
///
/// # Errors
/// What the work says, or that it has not answered in time.
pub(crate) async fn run_blocking_within<T, E, F>(
    limit: Duration,
    name: &'static str,
    place: String,
    work: F,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<String> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    tokio::time::timeout(limit, run_blocking(name, place, work)).await.unwrap_or_else(|_| Err(late(limit).into()))
}

/// Does work in a runtime of this thread's own, so that a server that sends faster than its answer can be taken apart keeps this thread
/// from everything else and no other. `None` where it has not ended in time.
///
/// # Errors
/// Why there is no runtime.
pub(crate) fn within_own_runtime<T>(limit: Duration, work: impl Future<Output = T>) -> Result<Option<T>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| format!("cannot start a runtime: {}", system_text(cause)))?;
    let answer = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    // A lookup that hangs is not waited for.
    runtime.shutdown_background();
    Ok(answer.ok())
}

/// That there was no answer in time.
fn late(limit: Duration) -> String {
    format!("no answer within {}", quantity::span(limit))
}

/// Starts the work in its own thread; a thread of the runtime would hold up its end.
fn start<T, E, F>(name: &'static str, work: F) -> Result<oneshot::Receiver<Result<T, E>>, String>
where
    T: Send + 'static,
    E: From<String> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let (notify, answer) = oneshot::channel();
    let run = move || {
        // The console may have gone meanwhile.
        let _ = notify.send(panics::caught_at_once(work).unwrap_or_else(|why| Err(why.into())));
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|cause| format!("cannot start a thread: {}", system_text(cause)))?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn work_that_hangs_is_begun_once_and_waited_for() {
        let mut quarantined = Blocking::new("test");
        let (release, hold) = mpsc::channel::<()>();
        let hung = move || {
            hold.recv().map_err(|cause| cause.to_string())?;
            Ok(7)
        };
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(20));
        assert_eq!(quarantined.within(short, hung).await.unwrap_err(), "no answer within 20 ms");
        let never = || -> Result<u8, String> { panic!("a second one began") };
        assert_eq!(quarantined.within(short, never).await.unwrap_err(), "no answer within 20 ms");
        release.send(()).unwrap();
        assert_eq!(quarantined.within(long, never).await.unwrap(), 7);
        let why = quarantined.within(long, never).await.unwrap_err();
        assert!(why.starts_with("the probe crashed, which is a defect of Midwatch"), "{why}");
    }

    #[tokio::test]
    async fn at_one_place_there_is_one_thread_whoever_asks() {
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(20));
        let at = |place: &str| format!("{place} of at_one_place_there_is_one_thread");
        let (release, hold) = mpsc::channel::<()>();
        let hung = move || hold.recv().map_err(|cause| cause.to_string());
        let why = run_blocking_within::<(), String, _>(short, "test", at("one"), hung).await.unwrap_err();
        assert_eq!(why, "no answer within 20 ms");
        let began = Arc::new(Mutex::new(0));
        for _ in 0..3 {
            let began = Arc::clone(&began);
            let second = move || -> Result<(), String> {
                *began.lock().unwrap() += 1;
                Ok(())
            };
            let waited = run_blocking_within(short, "test", at("one"), second).await;
            assert_eq!(waited.unwrap_err(), "no answer within 20 ms");
        }
        // Another place is not held up, and neither is this one once the work has ended.
        assert_eq!(run_blocking_within(long, "test", at("two"), || Ok::<_, String>(2)).await, Ok(2));
        release.send(()).unwrap();
        assert_eq!(run_blocking_within(long, "test", at("one"), || Ok::<_, String>(1)).await, Ok(1));
        assert_eq!(*began.lock().unwrap(), 0, "what nobody waits for any more does not begin");
        // What panics gives its turn back.
        let breaks = || -> Result<u8, String> { panic!("broken") };
        assert!(
            run_blocking_within(long, "test", at("one"), breaks).await.unwrap_err().contains("a defect of Midwatch")
        );
        assert_eq!(run_blocking_within(long, "test", at("one"), || Ok::<_, String>(3)).await, Ok(3));
    }
}
