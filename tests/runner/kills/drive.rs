//! Drives a run through its kills to its seal: clients, blows, and answers that say what is true at the target.

use super::Tally;
use super::case::Case;
use super::victims::{Blow, living};
use crate::runner::chance::Chance;
use crate::support::pty::Pty;
use crate::support::run::{Run, consent, decide, demand};
use midwatch::domain::PromptId;
use midwatch::journal::fold::{OpenPrompt, RunView};
use midwatch::journal::record::{Answer, Ask, Choice};
use midwatch::runner::protocol::Reply;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long a run may take after its last kill.
const PATIENCE: Duration = Duration::from_secs(150);

/// How long a client in a terminal may take to answer.
const ANSWERING: Duration = Duration::from_secs(20);

/// How long a blow waits for what it kills.
const AIMING: Duration = Duration::from_secs(3);

/// How often the run is looked at.
const TICK: Duration = Duration::from_millis(10);

/// A client of the run.
enum Client {
    /// A command without a terminal.
    Command(Child),
    /// `attach --plain` in a terminal, what it still waits for and then types, and until when.
    Terminal(Box<Pty>, Vec<(&'static str, String)>, Instant),
}

/// A kill that is to come.
struct Aim {
    blow: Blow,
    /// When it is given up for another one.
    until: Instant,
    /// From when on it looks for what it kills.
    at: Instant,
    /// When it falls, once that was seen.
    falls: Option<Instant>,
}

/// One run on its way.
pub struct Drive<'a> {
    case: &'a Case,
    chance: &'a mut Chance,
    tally: Tally,
    client: Option<Client>,
    aim: Option<Aim>,
    kills: u64,
    /// Whether the run is aborted, and when.
    abort: Option<Instant>,
    answered: Option<(PromptId, Instant)>,
    counted: Option<PromptId>,
    deadline: Instant,
}

impl<'a> Drive<'a> {
    pub fn new(case: &'a Case, chance: &'a mut Chance) -> Self {
        let now = Instant::now();
        let abort = (chance.below(4) == 0).then(|| now + Duration::from_millis(500 + chance.below(4000)));
        let kills = 1 + chance.below(4);
        let deadline = now + PATIENCE;
        let tally = Tally { runs: 1, ..Tally::default() };
        Self { case, chance, tally, client: None, aim: None, kills, abort, answered: None, counted: None, deadline }
    }

    /// To the seal; gives the counts, and why it got stuck if it did.
    pub fn go(mut self) -> (Tally, Option<String>) {
        self.spawn(&["run", "test/kills", "--yes", "change"]);
        loop {
            if Instant::now() > self.deadline {
                let view = self.case.run().map(|run| (run.view().prompt, run.status()));
                return (self.tally, Some(format!("no seal {PATIENCE:?} after the last kill: {view:?}")));
            }
            self.strike();
            let busy = self.is_client_busy();
            let Some(run) = self.case.run() else {
                if !busy && self.case.estate.processes().is_empty() {
                    return (self.tally, None);
                }
                std::thread::sleep(TICK);
                continue;
            };
            let view = run.view();
            if view.sealed.is_some() {
                if !busy && !run.dir.runner_lives() {
                    return (self.tally, None);
                }
            } else if !run.dir.runner_lives() {
                if !busy {
                    self.tally.resumes += 1;
                    self.spawn(&["resume", run.dir.id.as_str()]);
                }
            } else if self.abort.is_some_and(|at| Instant::now() > at) && !busy {
                self.abort = None;
                self.tally.aborts += 1;
                let undo = self.chance.below(2) == 0;
                self.spawn(if undo { &["abort", "--undo"] } else { &["abort"] });
            } else if let Some(open) = view.prompt.clone() {
                self.answer(&run, &view, &open, busy);
            }
            std::thread::sleep(TICK);
        }
    }

    /// Starts a command; one about the run gets its id where it lacks it.
    fn spawn(&mut self, args: &[&str]) {
        let run = self.case.run().map(|run| run.dir.id.to_string());
        let mut args = args.to_vec();
        if let (Some(run), "abort") = (&run, args[0]) {
            args.push(run);
        }
        let mut command = self.case.estate.command(&args);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.client = Some(Client::Command(child));
    }

    /// Looks after the client; `false` when there is none any more.
    fn is_client_busy(&mut self) -> bool {
        let busy = match &mut self.client {
            None => false,
            Some(Client::Command(child)) => child.try_wait().unwrap().is_none(),
            Some(Client::Terminal(pty, types, until)) => {
                let screen = pty.screen();
                if let Some((waits, _)) = types.first()
                    && screen.trim_end().ends_with(waits)
                {
                    let (_, text) = types.remove(0);
                    pty.send(format!("{text}\r"));
                }
                !types.is_empty() && Instant::now() < *until
            }
        };
        if !busy {
            self.client = None;
        }
        busy
    }

    /// Aims at something, and strikes when the moment has come.
    fn strike(&mut self) {
        if self.kills == 0 {
            return;
        }
        let now = Instant::now();
        let Some(aim) = &mut self.aim else {
            let spread = [5, 300, 1500, 3000][self.chance.below(4) as usize];
            let at = now + Duration::from_millis(self.chance.below(spread));
            self.aim = Some(Aim { blow: Blow::any(self.chance), until: at + AIMING, at, falls: None });
            return;
        };
        if now < aim.at || aim.falls.is_some_and(|falls| now < falls) {
            return;
        }
        let client = match &self.client {
            Some(Client::Command(child)) => Some(child.id()),
            _ => None,
        };
        let (blow, over) = (aim.blow, now > aim.until);
        if aim.falls.is_none() && blow.is_possible(&self.case.estate, client) {
            // At once, or somewhere in what it is at.
            let spread = [1, 60, 600, 1200][self.chance.below(4) as usize];
            let falls = now + Duration::from_millis(self.chance.below(spread));
            (aim.falls, aim.until) = (Some(falls), falls + AIMING);
        } else if aim.falls.is_some()
            && let Some(count) = blow.strike(&self.case.estate, client)
        {
            *self.tally.blows.entry(blow).or_default() += 1;
            self.tally.processes += u64::from(count);
            (self.kills, self.aim) = (self.kills - 1, None);
            self.deadline = Instant::now() + PATIENCE;
        } else if over {
            self.aim = None;
        }
    }

    /// Answers what is asked with what is true at the target; leaves it where that is not certain yet.
    fn answer(&mut self, run: &Run<'_>, view: &RunView, open: &OpenPrompt, busy: bool) {
        let fresh = self.answered.as_ref().is_none_or(|(id, at)| *id != open.id || at.elapsed() > ANSWERING);
        // What `run --yes change` answers by itself is left to it.
        if !fresh || busy {
            return;
        }
        if let Ask::Decide { choices, .. } = &open.ask
            && choices
                .iter()
                .any(|choice| matches!(choice, Choice::Done | Choice::NotDone | Choice::Undone | Choice::NotUndone))
            && self.counted.as_ref() != Some(&open.id)
        {
            self.tally.unknowns += 1;
            self.counted = Some(open.id.clone());
        }
        let Some(answer) = self.truth(run, view, open) else { return };
        self.answered = Some((open.id.clone(), Instant::now()));
        if self.chance.below(4) == 0
            && let Some(types) = typed(&answer)
        {
            self.tally.typed += 1;
            let command = self.case.estate.command(&[]);
            let program = command.get_program().to_str().unwrap().to_owned();
            let pairs = command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
            let environment: Vec<_> = pairs.collect();
            let pty = Pty::spawn(&program, &["attach", "--plain", run.dir.id.as_str()], &environment, (200, 60));
            self.client = Some(Client::Terminal(Box::new(pty), types, Instant::now() + ANSWERING));
            return;
        }
        // A refused answer leaves the prompt open, and it is answered again.
        if matches!(run.send(demand(open, answer)), Some(Reply::Rejected { .. }) | None) {
            self.answered = None;
        }
    }

    fn truth(&mut self, run: &Run<'_>, view: &RunView, open: &OpenPrompt) -> Option<Answer> {
        let Ask::Decide { choices, .. } = &open.ask else { return Some(consent(open)) };
        let has = |choice: Choice| choices.contains(&choice);
        let pick = |choice: Choice| has(choice).then(|| decide(choice));
        let step = view.step(open.step)?;
        if !self.case.acts(open.step) {
            return pick(Choice::Rollback).or_else(|| pick(Choice::Retry)).or_else(|| pick(Choice::Abort));
        }
        let undo = has(Choice::Undone) || (view.rollback_state.is_some() && step.undo.is_some());
        let number = open.step + 1;
        let attempt = match undo {
            true => format!("{number}.{}.undo", step.undo_attempts),
            false => format!("{number}.{}", step.attempts),
        };
        let id = &run.dir.id;
        let there = self.case.is_there(id, open.step, &attempt, undo);
        if has(Choice::End) || !living(id.as_str(), &attempt).is_empty() {
            // What is at work is waited for, or ended.
            return if self.chance.below(40) == 0 { pick(Choice::End) } else { None };
        }
        match self.chance.below(10) {
            0 if has(Choice::Rollback) => return pick(Choice::Rollback),
            1 if has(Choice::Abort) => return pick(Choice::Abort),
            _ => {}
        }
        let order = match (undo, there) {
            (true, true) => [Choice::Undone, Choice::Skip],
            (true, false) => [Choice::NotUndone, Choice::Retry],
            (false, true) => [Choice::Done, Choice::Skip],
            (false, false) => [Choice::NotDone, Choice::Retry],
        };
        order.into_iter().find_map(pick).or_else(|| pick(Choice::Abort))
    }
}

/// What is typed for an answer, after which words of the screen.
fn typed(answer: &Answer) -> Option<Vec<(&'static str, String)>> {
    match answer {
        Answer::Confirm { typed } => Some(vec![("or cancel [nothing]:", typed.clone())]),
        Answer::Decide { choice, reason } => {
            let mut types = vec![("decide:", choice.word().to_owned())];
            if choice.needs_reason() {
                types.push(("reason:", reason.clone()));
            }
            Some(types)
        }
        _ => None,
    }
}
