//! One run of a throwaway estate: what watches it, answers it and drives it.

use crate::support::estate::{Estate, LOOK, Printed, SOON, kill_wholly, wait_for};
use midwatch::domain::{Digest, PromptId};
use midwatch::journal::chain::{self, Verdict};
use midwatch::journal::fold::{OpenPrompt, RunView};
use midwatch::journal::record::{Answer, Ask, Choice, Ending, Event, Record};
use midwatch::runner::protocol::{Demand, Reply, Request, VERSION};
use midwatch::runner::rundir::RunDir;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

/// One run of an estate.
pub struct Run<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// The run's directory.
    pub dir: RunDir,
}

impl Run<'_> {
    /// The journal's records; a torn end is skipped, for it may be under way.
    #[track_caller]
    pub fn records(&self) -> Vec<Record> {
        let chain = chain::read(&fs::read(self.dir.journal()).unwrap_or_default());
        assert!(!matches!(chain.verdict, Verdict::Damaged { .. }), "{}", chain.verdict);
        chain.records
    }

    /// The events alone.
    pub fn events(&self) -> Vec<Event> {
        self.records().into_iter().map(|record| record.event).collect()
    }

    /// How many records are of a kind.
    #[track_caller]
    pub fn count(&self, kind: &str) -> usize {
        assert!(Event::KINDS.contains(&kind), "no record is of the kind {kind}");
        self.events().iter().filter(|event| event.kind() == kind).count()
    }

    /// The fold of the journal.
    #[track_caller]
    pub fn view(&self) -> RunView {
        RunView::of(&self.records()).unwrap()
    }

    /// Waits until the fold of the journal is so.
    #[track_caller]
    pub fn wait(&self, what: &str, so: impl Fn(&RunView) -> bool) -> RunView {
        wait_for(what, || RunView::of(&self.records()).ok().filter(|view| so(view)))
    }

    /// Waits for an open prompt.
    #[track_caller]
    pub fn prompt(&self) -> OpenPrompt {
        self.wait("an open prompt", |view| view.prompt.is_some()).prompt.unwrap()
    }

    /// Waits for another open prompt than this one.
    #[track_caller]
    pub fn prompt_after(&self, earlier: &PromptId) -> OpenPrompt {
        let is_new = |view: &RunView| view.prompt.as_ref().is_some_and(|open| open.id != *earlier);
        self.wait("another prompt", is_new).prompt.unwrap()
    }

    /// Waits for the seal and for the end of the runner.
    #[track_caller]
    pub fn sealed(&self) -> RunView {
        let view = self.wait("the seal", |view| view.sealed.is_some());
        wait_for("the end of the runner", || (!self.dir.runner_lives()).then_some(()));
        view
    }

    /// The pid of its runner.
    #[track_caller]
    pub fn runner(&self) -> u32 {
        let line = format!("__runner {}", self.dir.path.display());
        wait_for("a runner", || self.estate.processes().into_iter().find(|process| process.line.contains(&line))).pid
    }

    /// Kills the runner, and waits until it is gone.
    #[track_caller]
    pub fn kill_runner(&self) {
        kill_wholly(self.runner());
    }

    /// The pid that a file of an attempt names: `shim.json`, `act.json`.
    #[track_caller]
    pub fn pid_of(&self, attempt: &str, file: &str) -> u32 {
        let path = self.dir.attempt(attempt).join(file);
        wait_for(file, || {
            let json: serde_json::Value = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            u32::try_from(json["pid"].as_u64()?).ok()
        })
    }

    /// Waits until the run is seen to have no runner: a child that the runner was about to start when it was killed holds its locks until
    /// it becomes another program.
    #[track_caller]
    pub fn is_interrupted(&self) {
        wait_for("no runner is seen", || (self.status() == "interrupted").then_some(()));
    }

    /// The word that `midwatch runs` has for this run.
    #[track_caller]
    pub fn status(&self) -> String {
        let printed = self.estate.midwatch(&["runs", "--json"]).exits(0);
        let json: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
        let rows = json["runs"].as_array().unwrap();
        let own = rows.iter().find(|row| row["run"] == self.dir.id.as_str());
        own.unwrap_or_else(|| panic!("{} is not listed", self.dir.id))["status"].as_str().unwrap().to_owned()
    }

    /// `midwatch COMMAND RUN` with more arguments.
    #[track_caller]
    pub fn midwatch(&self, command: &str, more: &[&str]) -> Printed {
        self.estate.midwatch(&[&[command, self.dir.id.as_str()], more].concat())
    }

    /// Connects to the control socket.
    pub fn connect(&self) -> std::io::Result<UnixStream> {
        let (_keeps_the_path_valid, path) = self.dir.socket().unwrap();
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(SOON))?;
        Ok(stream)
    }

    /// Sends one request as it is, again while the runner is busy, and gives the reply.
    pub fn request(&self, request: &Request) -> Option<Reply> {
        let deadline = Instant::now() + SOON;
        loop {
            match self.request_once(request) {
                Some(Reply::Busy) if Instant::now() < deadline => std::thread::sleep(LOOK),
                reply => return reply,
            }
        }
    }

    fn request_once(&self, request: &Request) -> Option<Reply> {
        let mut stream = self.connect().ok()?;
        let line = serde_json::to_string(request).unwrap() + "\n";
        // A runner that is busy replies without reading.
        let _ = stream.write_all(line.as_bytes());
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply).ok()?;
        serde_json::from_str(&reply).ok()
    }

    /// A request to this run.
    pub fn to_it(&self, ask: Demand) -> Request {
        Request { v: VERSION, run: self.dir.id.clone(), ask, through: "test".to_owned(), until: None }
    }

    /// Asks the runner for something; `None` when it went away before it replied.
    pub fn send(&self, ask: Demand) -> Option<Reply> {
        self.request(&self.to_it(ask))
    }

    /// Asks the runner for something.
    #[track_caller]
    pub fn ask(&self, ask: Demand) -> Reply {
        self.send(ask).expect("the runner went away before it replied")
    }

    /// Answers a prompt as it was shown.
    #[track_caller]
    pub fn answer(&self, prompt: &OpenPrompt, answer: Answer) -> Reply {
        self.ask(demand(prompt, answer))
    }

    /// Answers, and asserts that it counts.
    #[track_caller]
    pub fn accept(&self, prompt: &OpenPrompt, answer: Answer) {
        let reply = self.answer(prompt, answer);
        assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    }

    /// Answers, with any result: the runner may go away at once.
    pub fn accept_or_not(&self, prompt: &OpenPrompt, answer: Answer) {
        let _ = self.send(demand(prompt, answer));
    }

    /// Answers, and asserts that the answer is rejected with the reason, and that both are recorded.
    #[track_caller]
    pub fn refused(&self, request: &Request, why: &str) {
        let before = self.view().refused.len();
        let reply = self.request(request).expect("the runner went away before it replied");
        assert!(matches!(&reply, Reply::Rejected { why: text } if text.contains(why)), "{reply:?}, not {why:?}");
        let refused = self.view().refused;
        assert_eq!(refused.len(), before + 1, "{refused:?}");
        assert!(refused.last().unwrap().2.contains(why), "{refused:?}");
    }

    /// Gives every open prompt its consent until the run is sealed, with a new runner when the one before it is gone.
    #[track_caller]
    pub fn drive(&self) -> RunView {
        let deadline = Instant::now() + SOON;
        let mut answered: Option<PromptId> = None;
        loop {
            let lives = self.dir.runner_lives();
            let view = self.view();
            if view.sealed.is_some() {
                return self.sealed();
            }
            assert!(Instant::now() < deadline, "no seal within {SOON:?}: {view:?}");
            if !lives {
                self.midwatch("resume", &[]).exits(0);
            }
            match view.prompt.filter(|open| lives && answered.as_ref() != Some(&open.id)) {
                Some(open) => {
                    self.accept_or_not(&open, consent(&open));
                    answered = Some(open.id);
                }
                None => std::thread::sleep(LOOK),
            }
        }
    }

    /// Asserts that the journal verifies whole, and that no step was ever unknown.
    #[track_caller]
    pub fn is_whole_and_known(&self) {
        let text = self.midwatch("verify", &[]).exits(0).out;
        assert!(text.starts_with("whole and sealed: ") || text.starts_with("not sealed: "), "{text}");
        assert_eq!(self.unknown(), 0, "{:?}", self.events());
    }

    /// How many outcomes were unknown when they were recorded.
    pub fn unknown(&self) -> usize {
        let is_unknown = |event: &Event| {
            matches!(event, Event::StepOutcome { outcome, .. } | Event::UndoOutcome { outcome, .. }
                if outcome.ending == Ending::Unknown)
        };
        self.events().iter().filter(|event| is_unknown(event)).count()
    }
}

/// The demand that answers a prompt as it was shown.
pub fn demand(prompt: &OpenPrompt, answer: Answer) -> Demand {
    Demand::Answer { prompt: prompt.id.clone(), seq: prompt.seq, set: set_of(prompt), answer }
}

/// The digest of the set that a prompt shows.
pub fn set_of(prompt: &OpenPrompt) -> Option<Digest> {
    prompt.ask.hash().cloned()
}

/// The answer that lets a run go on: consent, or a sign-off.
#[track_caller]
pub fn consent(prompt: &OpenPrompt) -> Answer {
    match &prompt.ask {
        Ask::Confirm { preview, .. } if preview.phrase.is_empty() => Answer::Confirm { typed: "change".to_owned() },
        Ask::Confirm { preview, .. } => Answer::Confirm { typed: preview.phrase.clone() },
        Ask::Sign { .. } => Answer::Sign { note: "seen".to_owned() },
        Ask::Decide { text, .. } => panic!("a decision is asked for: {text}"),
        Ask::Approve { .. } => Answer::Approve { note: String::new() },
    }
}

/// A decision with a reason.
pub fn decide(choice: Choice) -> Answer {
    Answer::Decide { choice, reason: "the test says so".to_owned() }
}
