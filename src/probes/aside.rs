//! Work that nothing can interrupt, such as a look into a file system whose server has gone: in a thread of its own.

use crate::domain::error::said;
use crate::domain::quantity;
use crate::probes::panics;
use std::time::Duration;
use tokio::sync::oneshot;

/// Does one piece of work after the other, never two at once; what has not answered in time is waited for the next time.
pub struct Aside<T, E = String> {
    name: &'static str,
    /// The work under way.
    pending: Option<oneshot::Receiver<Result<T, E>>>,
}

impl<T: Send + 'static, E: From<String> + Send + 'static> Aside<T, E> {
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
            Ok(Ok(told)) => told,
            Ok(Err(_)) => Err("the reading broke off".to_owned().into()),
            Err(_) => {
                self.pending = Some(answer);
                Err(format!("no answer within {}", quantity::span(deadline)).into())
            }
        }
    }
}

/// Starts the work in its own thread; a thread of the runtime would hold up its end.
fn start<T, E, F>(name: &'static str, work: F) -> Result<oneshot::Receiver<Result<T, E>>, String>
where
    T: Send + 'static,
    E: From<String> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let (tell, answer) = oneshot::channel();
    let run = move || {
        // The console may have gone meanwhile.
        let _ = tell.send(panics::caught_at_once(work).unwrap_or_else(|why| Err(why.into())));
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|cause| format!("cannot start a thread: {}", said(cause)))?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn work_that_hangs_is_begun_once_and_waited_for() {
        let mut aside = Aside::new("test");
        let (release, hold) = mpsc::channel::<()>();
        let hung = move || {
            hold.recv().map_err(|cause| cause.to_string())?;
            Ok(7)
        };
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(20));
        assert_eq!(aside.within(short, hung).await.unwrap_err(), "no answer within 20 ms");
        let never = || -> Result<u8, String> { panic!("a second one began") };
        assert_eq!(aside.within(short, never).await.unwrap_err(), "no answer within 20 ms");
        release.send(()).unwrap();
        assert_eq!(aside.within(long, never).await.unwrap(), 7);
        let why = aside.within(long, never).await.unwrap_err();
        assert!(why.starts_with("the probe broke off, which is a defect of Midwatch"), "{why}");
    }
}
