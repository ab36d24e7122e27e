//! Named places at which a test kills the runner.
//!
//! `MIDWATCH_FAILPOINT=outcome.pre@2` kills the process (SIGKILL) when it passes that point the second time;
//! `stop:outcome.pre` stops it there (SIGSTOP). Compiled into debug builds only: a release build has no such switch.

/// Every failpoint, in the order in which a run passes them; those of `act` are in the act process.
pub const ALL: [&str; 20] = [
    "run.created",
    "lock.taken",
    "set.written",
    "prompt.opened",
    "answer.accepted",
    "intent.pre",
    "intent.post",
    "shim.spawned",
    "act.running",
    "act.item",
    "act.half",
    "act.exited",
    "outcome.pre",
    "outcome.post",
    "rollback.began",
    "undo.intent",
    "undo.outcome",
    "rollback.proved",
    "seal.pre",
    "seal.post",
];

/// The failpoint of a shim that has done nothing yet. It is not part of [`ALL`]: every shim passes it first.
pub const SHIM: &str = "shim.begins";

/// The failpoint in the removal of old runs, between the rename and the deletion. It is not part of [`ALL`].
pub const APART: &str = "keep.apart";

/// Passes a failpoint.
#[cfg(debug_assertions)]
pub fn pass(name: &str) {
    use rustix::process::Signal;
    use std::io::Write;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};
    static PASSED: AtomicU32 = AtomicU32::new(0);
    static LOCK: Mutex<()> = Mutex::new(());
    debug_assert!(ALL.contains(&name) || [SHIM, APART].contains(&name), "{name} is not a listed failpoint");
    let Ok(wanted) = std::env::var("MIDWATCH_FAILPOINT") else { return };
    let (signal, place) = match wanted.strip_prefix("stop:") {
        Some(place) => (Signal::STOP, place),
        None => (Signal::KILL, wanted.as_str()),
    };
    let (point, nth) = place.split_once('@').unwrap_or((place, "1"));
    if point != name {
        return;
    }
    let _alone = LOCK.lock();
    let passed = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    if nth.parse() == Ok(passed) {
        let _ = writeln!(std::io::stderr().lock(), "killed at {wanted}");
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
}

/// Passes a failpoint.
#[cfg(not(debug_assertions))]
pub fn pass(_: &str) {}

/// A duration of the run's own timing; debug builds let a test shorten it by `MIDWATCH_SPAN_<NAME>`, in milliseconds.
#[must_use]
pub fn span(name: &str, default: std::time::Duration) -> std::time::Duration {
    #[cfg(debug_assertions)]
    if let Some(ms) = std::env::var(format!("MIDWATCH_SPAN_{name}")).ok().and_then(|text| text.parse().ok()) {
        return std::time::Duration::from_millis(ms);
    }
    let _ = name;
    default
}
