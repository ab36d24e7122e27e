//! Follows one run: its journal, and whether its runner is alive.

use crate::app::msg::Msg;
use crate::domain::{Attendee, Error, RunId, Wall, quantity};
use crate::journal::fold::{Act, RunView};
use crate::journal::tail::Tail;
use crate::runner::presence::Presence;
use crate::runner::reread;
use crate::runner::rundir::RunDir;
use crate::runner::survivors;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// How often the journal is read shortly after it grew.
const LIVELY: Duration = Duration::from_millis(50);

/// How often the journal is read otherwise.
const QUIET: Duration = Duration::from_millis(250);

/// How often the attached consoles are listed.
const COMPANY: Duration = Duration::from_secs(2);

/// After how many looks without a change the pace becomes [`QUIET`].
const CALM_AFTER: u32 = 40;

/// How long one look may take before the console reports that the state directory does not answer.
const HANGS: Duration = Duration::from_secs(3);

/// Follows a run until it is dropped.
///
/// It reads in its own thread: the state directory may be on a server that does not answer, and then only this thread
/// waits.
pub struct Follower {
    watch: AbortHandle,
    /// Dropping it wakes the thread, which then ends.
    _open: Sender<()>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Follower {
    /// Follows a run and sends every change to `out`. `acts` is whether this console may act.
    #[must_use]
    pub fn start(dir: RunDir, out: mpsc::Sender<Msg>, acts: bool) -> Self {
        let (open, closed) = channel();
        let look = Arc::new(Mutex::new(Look { began: Some(Instant::now()), reported: false }));
        let watch = tokio::spawn(watch(dir.id.clone(), Arc::clone(&look), out.clone())).abort_handle();
        let run = dir.id.clone();
        let work = move || follow(&dir, &Way { out, closed, look }, acts);
        if let Err(cause) = thread::Builder::new().name("follow".to_owned()).spawn(work) {
            tracing::warn!(%run, %cause, "run not followed");
        }
        Self { watch, _open: open }
    }
}

/// The state of the thread.
struct Look {
    /// When the current look began; `None` between looks.
    began: Option<Instant>,
    /// Whether the delay of this look was reported.
    reported: bool,
}

/// What the thread needs beside its run.
struct Way {
    out: mpsc::Sender<Msg>,
    closed: Receiver<()>,
    look: Arc<Mutex<Look>>,
}

impl Way {
    /// Sends a message; `false` when the console is gone.
    fn say(&self, msg: Msg) -> bool {
        self.out.blocking_send(msg).is_ok()
    }

    /// Ends a look; whether a delay was reported during it.
    fn looked(&self) -> bool {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        look.began = None;
        std::mem::take(&mut look.reported)
    }

    /// Waits for the next look and begins it; `false` when the follower was dropped.
    fn waits(&self, time: Duration) -> bool {
        let goes_on = self.closed.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        self.look.lock().unwrap_or_else(PoisonError::into_inner).began = Some(Instant::now());
        goes_on
    }
}

/// Reports each look that takes too long, once.
async fn watch(run: RunId, look: Arc<Mutex<Look>>, out: mpsc::Sender<Msg>) {
    loop {
        tokio::time::sleep(HANGS / 4).await;
        let mut look = look.lock().unwrap_or_else(PoisonError::into_inner);
        if look.reported || look.began.is_none_or(|began| began.elapsed() < HANGS) {
            continue;
        }
        let why = format!("no answer within {}", quantity::span(HANGS));
        let error = Error::machine("read the run's directory", why)
            .hint("its file system may hang, such as that of a file server that has gone");
        // Under the lock, so that it is sent before the thread's next message.
        look.reported = out.try_send(Msg::RunLost { run: run.clone(), error }).is_ok();
    }
}

/// Who is attached to the run, and when that was last listed.
struct Company {
    presence: Option<Presence>,
    reported: Vec<Attendee>,
    asked: Option<Instant>,
}

impl Company {
    /// The attached consoles, if they changed since the last call.
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

/// The pid of the act that runs now.
fn act_of(dir: &RunDir, view: &RunView) -> Option<u32> {
    let (step, attempt, way) = view.open_attempt()?;
    let name = survivors::name_of_attempt(step, attempt, way == Act::Undo);
    survivors::act(&dir.attempt(&name)).map(|id| id.pid)
}

fn follow(dir: &RunDir, way: &Way, acts: bool) {
    let mut company = Company { presence: Presence::take(dir, acts), reported: Vec::new(), asked: None };
    let mut tail = match Tail::open(dir.journal()) {
        Ok(tail) => tail,
        Err(error) => {
            way.say(Msg::RunLost { run: dir.id.clone(), error });
            way.looked();
            return;
        }
    };
    let mut found: Option<(u64, bool, Option<Wall>)> = None;
    let mut trouble: Option<Error> = None;
    let mut act_reported: Option<u32> = None;
    let mut calm = 0;
    loop {
        let grown = tail.poll();
        let lives = dir.runner_lives();
        let act = tail.view().filter(|_| !lives).and_then(|view| act_of(dir, view));
        let asks = tail.view().and_then(|view| view.prompt.as_ref());
        let read = asks.and_then(|open| reread::last(dir, &open.id));
        let people = company.news();
        if way.looked() {
            // The screen shows that the state directory does not answer.
            (found, trouble) = (None, None);
        }
        let mut news = Vec::new();
        match (grown, tail.view()) {
            (Err(error), _) => {
                if trouble.as_ref() != Some(&error) {
                    trouble = Some(error.clone());
                    news.push(Msg::RunLost { run: dir.id.clone(), error });
                }
            }
            (Ok(_), Some(view)) if found != Some((view.seq, lives, read)) => {
                found = Some((view.seq, lives, read));
                trouble = None;
                calm = 0;
                let mut view = Box::new(view.clone());
                if let (Some(open), Some(read)) = (&mut view.prompt, read) {
                    open.read = open.read.max(read);
                }
                news.push(Msg::RunFolded { view, runner_lives: lives });
            }
            (Ok(_), _) => calm += 1,
        }
        if act != act_reported {
            act_reported = act;
            news.push(Msg::ActSeen { run: dir.id.clone(), pid: act });
        }
        news.extend(people.map(|people| Msg::PeopleSeen { run: dir.id.clone(), people }));
        let received = news.into_iter().all(|msg| way.say(msg));
        if !received || !way.waits(if calm < CALM_AFTER { LIVELY } else { QUIET }) {
            return;
        }
    }
}
