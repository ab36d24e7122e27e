//! Follows one run: its journal, and whether its runner lives.

use crate::app::msg::Msg;
use crate::domain::Error;
use crate::journal::tail::Tail;
use crate::runner::rundir::RunDir;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// How often the journal is looked at shortly after it grew.
const LIVELY: Duration = Duration::from_millis(50);

/// How often it is looked at otherwise.
const QUIET: Duration = Duration::from_millis(250);

/// How many quiet looks make it quiet.
const CALM_AFTER: u32 = 40;

/// Follows a run until it is dropped.
pub struct Follower {
    task: AbortHandle,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Follower {
    /// Follows a run; every change goes to `out`.
    #[must_use]
    pub fn start(dir: RunDir, out: mpsc::Sender<Msg>) -> Self {
        Self { task: tokio::spawn(follow(dir, out)).abort_handle() }
    }
}

async fn follow(dir: RunDir, out: mpsc::Sender<Msg>) {
    let mut tail = match Tail::open(dir.journal()) {
        Ok(tail) => tail,
        Err(error) => {
            let _ = out.send(Msg::RunLost { run: dir.id.clone(), error }).await;
            return;
        }
    };
    let mut told: Option<(u64, bool)> = None;
    let mut trouble: Option<Error> = None;
    let mut calm = 0;
    loop {
        let grown = tail.poll();
        let lives = dir.runner_lives();
        match (grown, tail.view()) {
            (Err(error), _) => {
                if trouble.as_ref() != Some(&error) {
                    trouble = Some(error.clone());
                    if out.send(Msg::RunLost { run: dir.id.clone(), error }).await.is_err() {
                        return;
                    }
                }
            }
            (Ok(_), Some(view)) if told != Some((view.seq, lives)) => {
                told = Some((view.seq, lives));
                trouble = None;
                calm = 0;
                let msg = Msg::RunFolded { view: Box::new(view.clone()), runner_lives: lives };
                if out.send(msg).await.is_err() {
                    return;
                }
            }
            (Ok(_), _) => calm += 1,
        }
        tokio::time::sleep(if calm < CALM_AFTER { LIVELY } else { QUIET }).await;
    }
}
