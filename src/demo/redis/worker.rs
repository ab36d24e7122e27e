//! What happens to the demo's queue: a worker finishes its jobs, and a producer puts new ones in, but none while the flag of a drain is
//! there. So the queue keeps its length until it is drained, and empties then.

use crate::demo::redis::{JOBS, QUEUE, TAKEN, TAKEN_JOBS, connect};
use redis::Connection;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The flag that the shipped procedure sets.
pub(super) const FLAG: &str = "queue_drain_mode";
/// How long a job takes: the whole queue is drained within a minute.
pub const PACE: Duration = Duration::from_millis(200);

/// A worker that works until this is dropped.
#[derive(Debug)]
pub struct Worker {
    ends: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Begins to work on the server behind a socket; a server that is away is tried again.
    pub(super) fn start(socket: PathBuf, pace: Duration) -> Self {
        let (ends, ended) = channel();
        let work = move || {
            let mut connection = None;
            let mut number = 0_u64;
            while ended.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
                if connection.is_none() {
                    connection = connect(&socket).ok();
                }
                let Some(open) = &mut connection else { continue };
                number += 1;
                if turn(open, number).is_err() {
                    connection = None;
                }
            }
        };
        let thread = std::thread::Builder::new().name("worker".to_owned()).spawn(work).ok();
        Self { ends: Some(ends), thread }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.ends.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Finishes a job, takes the next one, and puts a new one in where that is allowed.
fn turn(server: &mut Connection, number: u64) -> redis::RedisResult<()> {
    let length = |server: &mut Connection, list: &str| redis::cmd("LLEN").arg(list).query::<usize>(server);
    let waits = length(server, QUEUE)?;
    if length(server, TAKEN)? >= TAKEN_JOBS || waits == 0 {
        redis::cmd("RPOP").arg(TAKEN).query::<Option<String>>(server)?;
    }
    if waits > 0 {
        redis::cmd("RPOPLPUSH").arg(QUEUE).arg(TAKEN).query::<Option<String>>(server)?;
    }
    let drains = redis::cmd("EXISTS").arg(FLAG).query::<bool>(server)?;
    // Twice as many as are finished, so that a queue that was drained fills again.
    for place in 0..2 {
        if drains || length(server, QUEUE)? >= JOBS {
            break;
        }
        let id = format!("job-{:05}", 10_000 + (number * 2 + place) % 90_000);
        let job = serde_json::json!({ "id": id, "kind": "mail", "tries": 0 });
        redis::cmd("LPUSH").arg(QUEUE).arg(job.to_string()).query::<()>(server)?;
    }
    Ok(())
}
