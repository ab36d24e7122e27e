//! A queue with a producer that heeds the flag and a worker that really takes jobs: drained, kept empty, and in use again.

use super::{Over, console, decide, plan, report, sign};
use crate::pty::{Home, line_with, open_prompt, start, until};
use crate::support::pty::{Pty, SOON};
use midwatch::demo::redis::PrivateRedis;
use rustix::process::{Pid, Signal, kill_process};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::Scope;
use std::time::Duration;

const FLAG: &str = "queue_drain_mode";

/// The two sides of a queue.
struct Queue {
    server: PrivateRedis,
    _place: tempfile::TempDir,
    /// How many jobs were taken in, and how many are done.
    taken_in: AtomicUsize,
    done: AtomicUsize,
    over: AtomicBool,
}

impl Queue {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let server = PrivateRedis::start(&place.path().join("redis"), &[]).unwrap();
        let (taken_in, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { server, _place: place, taken_in, done, over: AtomicBool::new(false) }
    }

    fn home(&self) -> Home {
        let url = self.server.url();
        Home::with(
            &format!("packs = [\"novacron\"]\n[[redis]]\nname = \"queue\"\nurl = \"{url}\"\nact = \"{url}\"\n"),
            &[],
        )
    }

    /// Takes jobs in unless the flag is there, and does them one after the other, until all is over.
    fn work<'a>(&'a self, scope: &'a Scope<'a, '_>) {
        scope.spawn(|| {
            while !self.over.load(SeqCst) {
                if let Ok(None) = self.server.ask::<Option<String>>(&["GET", FLAG]) {
                    let job = format!("job-{}", self.taken_in.load(SeqCst));
                    if self.server.ask::<i64>(&["LPUSH", "job_queue", &job]).is_ok() {
                        self.taken_in.fetch_add(1, SeqCst);
                    }
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        scope.spawn(|| {
            while !self.over.load(SeqCst) {
                match self.server.ask::<Option<String>>(&["RPOPLPUSH", "job_queue", "processing"]) {
                    Ok(Some(job)) => {
                        while self.server.ask::<i64>(&["LREM", "processing", "1", &job]).is_err() {
                            if self.over.load(SeqCst) {
                                return;
                            }
                        }
                        self.done.fetch_add(1, SeqCst);
                    }
                    _ => std::thread::sleep(Duration::from_millis(10)),
                }
            }
        });
    }

    fn length(&self, key: &str) -> i64 {
        self.server.ask(&["LLEN", key]).unwrap()
    }

    fn flag(&self) -> Option<String> {
        self.server.ask(&["GET", FLAG]).unwrap()
    }

    /// Waits until another job was taken in and done.
    fn is_in_use(&self) {
        let (taken, done) = (self.taken_in.load(SeqCst), self.done.load(SeqCst));
        until("jobs are taken in and done", || self.taken_in.load(SeqCst) > taken && self.done.load(SeqCst) > done);
    }
}

/// From the row to the prompt that would stop the intake.
fn asked(queue: &Queue, home: &Home) -> Pty {
    let pty = console(home, &[("MIDWATCH_SPAN_REDIS_PATIENCE", "1000")], "queue");
    let shown = plan(&pty, ("1", "queue"), "Drain job_queue", "", 4);
    assert!(shown.contains("Stop new jobs") && shown.contains("Wait for an empty queue"), "{shown}");
    start(&pty, "□ CHANGE");
    let shown = pty.wait_for(SOON, |screen| screen.contains("to confirm this change"));
    assert!(shown.contains("is not there") && shown.contains("while it holds"), "{shown}");
    assert_eq!(queue.flag(), None, "nothing is done before it is confirmed");
    pty
}

/// The queue is drained, and the sign-off is asked for.
fn drained(queue: &Queue, home: &Home) -> Pty {
    queue.is_in_use();
    let pty = asked(queue, home);
    queue.is_in_use();
    // Another worker has a job that takes long.
    let mut job = None;
    until("there is a job", || {
        job = queue.server.ask::<Option<String>>(&["RPOPLPUSH", "job_queue", "processing"]).unwrap();
        job.is_some()
    });
    pty.press_until("c", |screen| !screen.contains("□ CHANGE"));
    until("intake is off", || queue.flag().is_some());
    assert_eq!(queue.flag().unwrap(), home.newest_run());
    // What waits is not all: what the worker has counts as well, and keeps the run where it is.
    pty.wait_for(SOON, |screen| {
        line_with(screen, "seen").contains("value 1") && screen.contains("value is 0 for 10 s")
    });
    assert_eq!(queue.server.ask::<i64>(&["LREM", "processing", "1", &job.unwrap()]).unwrap(), 1);
    queue.done.fetch_add(1, SeqCst);
    let shown = open_prompt(&pty, "SIGN OFF");
    assert!(shown.contains("Nothing waits and nothing is at work"), "{shown}");
    assert_eq!((queue.length("job_queue"), queue.length("processing")), (0, 0));
    assert_eq!(queue.taken_in.load(SeqCst), queue.done.load(SeqCst), "every job that was taken in is done");
    pty
}

#[test]
fn a_queue_is_drained_for_the_work_and_in_use_again() {
    let queue = Queue::new();
    let home = queue.home();
    std::thread::scope(|scope| {
        let _over = Over(&queue.over);
        queue.work(scope);
        let pty = drained(&queue, &home);
        let before = queue.taken_in.load(SeqCst);
        sign(&pty, "migrated");
        let over = pty.wait_for(SOON, |screen| screen.contains("ended well"));
        assert!(over.contains("11/11"), "{over}");
        assert_eq!(queue.flag(), None);
        queue.is_in_use();
        assert!(queue.taken_in.load(SeqCst) > before);
        let report = report(&home);
        for expected in ["migrated", "Check that intake stayed off", "was drained and takes jobs in again"] {
            assert!(report.contains(expected), "{expected}\n{report}");
        }
    });
}

#[test]
fn a_server_that_stops_answering_is_unknown_and_the_undo_takes_jobs_in_again() {
    let queue = Queue::new();
    let home = queue.home();
    std::thread::scope(|scope| {
        let _over = Over(&queue.over);
        queue.work(scope);
        let pty = drained(&queue, &home);
        let server = Pid::from_raw(i32::try_from(queue.server.pid().unwrap()).unwrap()).unwrap();
        kill_process(server, Signal::STOP).unwrap();
        sign(&pty, "half done");
        let shown = open_prompt(&pty, "DECIDE");
        kill_process(server, Signal::CONT).unwrap();
        assert!(shown.contains("unknown") && shown.contains("Check that intake stayed off"), "{shown}");
        assert!(shown.contains("undo 1 step in ~2 s, 1 check"), "{shown}");
        assert!(queue.flag().is_some(), "nothing was undone unasked");
        decide(&pty, "rollback");
        pty.wait_for(SOON, |screen| screen.contains("rolled back, proved"));
        assert_eq!(queue.flag(), None);
        queue.is_in_use();
        let report = report(&home);
        assert!(report.contains("rolled back, proved") && report.contains("Check that intake is on"), "{report}");
    });
}
