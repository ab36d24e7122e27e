//! Follows one run: its journal, and whether its runner lives.

use crate::app::msg::Msg;
use crate::domain::{Attendee, Error};
use crate::journal::fold::{Act, RunView};
use crate::journal::tail::Tail;
use crate::runner::presence::Presence;
use crate::runner::rundir::RunDir;
use crate::runner::survivors;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// How often the journal is looked at shortly after it grew.
const LIVELY: Duration = Duration::from_millis(50);

/// How often it is looked at otherwise.
const QUIET: Duration = Duration::from_millis(250);

/// How often it is asked who else looks.
const COMPANY: Duration = Duration::from_secs(2);

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
    /// Follows a run; every change goes to `out`. `acts` is whether this console holds the means to act.
    #[must_use]
    pub fn start(dir: RunDir, out: mpsc::Sender<Msg>, acts: bool) -> Self {
        Self { task: tokio::spawn(follow(dir, out, acts)).abort_handle() }
    }
}

/// Who looks at the run, and when that was asked last.
struct Company {
    presence: Option<Presence>,
    reported: Vec<Attendee>,
    asked: Option<Instant>,
}

impl Company {
    /// Who is there, where that is another company than was told before.
    fn news(&mut self) -> Option<Vec<Attendee>> {
        if self.asked.is_some_and(|asked| asked.elapsed() < COMPANY) {
            return None;
        }
        self.asked = Some(Instant::now());
        let people = self.presence.as_ref()?.people();
        (people != self.reported).then(|| {
            self.reported.clone_from(&people);
            people
        })
    }
}

/// The process of the act at work, while it runs.
fn act_of(dir: &RunDir, view: &RunView) -> Option<u32> {
    let (step, attempt, way) = view.open_attempt()?;
    let name = survivors::name_of_attempt(step, attempt, way == Act::Undo);
    survivors::act(&dir.attempt(&name)).map(|id| id.pid)
}

async fn follow(dir: RunDir, out: mpsc::Sender<Msg>, acts: bool) {
    let mut company = Company { presence: Presence::take(&dir, acts), reported: Vec::new(), asked: None };
    let mut tail = match Tail::open(dir.journal()) {
        Ok(tail) => tail,
        Err(error) => {
            let _ = out.send(Msg::RunLost { run: dir.id.clone(), error }).await;
            return;
        }
    };
    let mut told: Option<(u64, bool)> = None;
    let mut trouble: Option<Error> = None;
    let mut act_told: Option<u32> = None;
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
        let act = tail.view().filter(|_| !lives).and_then(|view| act_of(&dir, view));
        if act != act_told {
            act_told = act;
            if out.send(Msg::ActSeen { run: dir.id.clone(), pid: act }).await.is_err() {
                return;
            }
        }
        if let Some(people) = company.news()
            && out.send(Msg::PeopleSeen { run: dir.id.clone(), people }).await.is_err()
        {
            return;
        }
        tokio::time::sleep(if calm < CALM_AFTER { LIVELY } else { QUIET }).await;
    }
}
