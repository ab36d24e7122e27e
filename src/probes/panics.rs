//! Panics of the libraries that a probe calls: caught where the probe calls them, written to Midwatch's own log, and kept off
//! standard error and off the screen.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::task::Poll;

thread_local! {
    /// How many callers on this thread catch a panic.
    static CATCHERS: Cell<u32> = const { Cell::new(0) };
    /// Where in the source the last panic was that one of them catches.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics of probes, and of tasks that a library starts, logged and not printed; any other is printed as before.
///
/// A task's panic ends in the runtime, and whoever waits for the task gets an error.
pub fn install() {
    let before = take_hook();
    set_hook(Box::new(move |info| {
        let is_of_task = tokio::task::try_id().is_some();
        if !takes(info) {
            if is_of_task {
                log(info);
            } else {
                before(info);
            }
        }
    }));
}

/// Whether a panic is caught by a probe; it is logged then. For a hook, which is called before anything is caught.
#[must_use]
pub fn takes(info: &PanicHookInfo<'_>) -> bool {
    // Within a destructor of the thread there is nothing to look into, and nothing that catches.
    let is_caught = CATCHERS.try_with(|catchers| catchers.get() > 0).unwrap_or(false);
    if is_caught {
        PLACE.with_borrow_mut(|place| *place = info.location().map(ToString::to_string));
        log(info);
    }
    is_caught
}

fn log(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panic in a probe: {}", info.payload_as_str().unwrap_or("no message").escape_debug());
}

/// Marks this thread as one whose panics are caught, as long as it lives.
struct Here;

impl Here {
    fn enter() -> Self {
        CATCHERS.set(CATCHERS.get() + 1);
        Self
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        CATCHERS.set(CATCHERS.get() - 1);
    }
}

/// Works until it is done or panics.
///
/// # Errors
/// That it panicked, and where in the source. What the panic said may hold parts of what was read and stands in the log alone.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    poll_fn(|context| {
        let polled = caught_at_once(|| work.as_mut().poll(context));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Err(why) => Poll::Ready(Err(why)),
        }
    })
    .await
}

/// The same for work that does not wait.
pub(crate) fn caught_at_once<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let here = Here::enter();
    let done = catch_unwind(AssertUnwindSafe(work));
    drop(here);
    done.map_err(|_| crashed(PLACE.take().as_deref()))
}

/// The words for a panic.
pub(crate) fn crashed(place: Option<&str>) -> String {
    match place.map(short) {
        Some(place) => format!("the probe crashed, which is a defect of Midwatch ({place})"),
        None => "the probe crashed, which is a defect of Midwatch".to_owned(),
    }
}

/// The place without the directories of the machine that it was built on.
fn short(place: &str) -> &str {
    place.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/')).map_or(place, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_from_its_crate_on() {
        let place = "/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/kube-client-5.0.0/src/a.rs:82:5";
        assert_eq!(short(place), "kube-client-5.0.0/src/a.rs:82:5");
        assert_eq!(short("src/probes/panics.rs:1:1"), "src/probes/panics.rs:1:1");
    }

    #[tokio::test]
    async fn a_panic_is_caught_after_any_wait_and_only_within() {
        let late = async {
            tokio::task::yield_now().await;
            assert!(CATCHERS.get() > 0);
            panic!("a secret");
        };
        let why = caught::<()>(late).await.unwrap_err();
        assert!(
            why.starts_with("the probe crashed, which is a defect of Midwatch") && !why.contains("secret"),
            "{why}"
        );
        assert_eq!(CATCHERS.get(), 0);
        assert_eq!(caught(async { 7 }).await, Ok(7));
        // One within another.
        let nested = caught_at_once(|| {
            let inner = caught_at_once::<()>(|| panic!("inner"));
            assert!(inner.is_err() && CATCHERS.get() == 1);
        });
        assert_eq!((nested, CATCHERS.get()), (Ok(()), 0));
    }
}
