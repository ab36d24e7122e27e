//! Follows a run, prints it, and answers what it asks.

use crate::app::confirm::{self, Authority};
use crate::cli::interactive::Person;
use crate::cli::out;
use crate::cli::plan::clean;
use crate::cli::run::answers::{Answers, ask_person};
use crate::cli::run::items::Walk;
use crate::cli::run::lines;
use crate::config::{plain, shell};
use crate::domain::clean::json_escaped;
use crate::domain::error::Result;
use crate::domain::{Clean, Error, Kind, Order, PromptId};
use crate::gate::{World, operate};
use crate::journal::answer::may_give;
use crate::journal::approval::is_another;
use crate::journal::fold::{OpenPrompt, RunView};
use crate::journal::line::{Fault, as_written};
use crate::journal::record::{Answer, Ask, Event, Record};
use crate::journal::tail::Tail;
use crate::journal::witness;
use crate::runner::identity;
use crate::runner::presence::Presence;
use crate::runner::rundir::RunDir;
use serde::Deserialize;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::time::Duration;

/// How often the journal is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(40);

/// How often it is looked at while a person is asked.
pub(super) const WATCH: Duration = Duration::from_millis(250);

/// How much of one line of a log is printed, in bytes.
const LINE: usize = 4096;

/// How following ended.
pub enum End {
    /// The run is over.
    Sealed(Box<RunView>),
    /// A person is needed and none is here; the exit code's kind.
    NeedsPerson(Kind),
    /// A person held it; it waits to be resumed.
    Held,
    /// The runner is gone; why, as far as it said.
    Interrupted(Error),
}

/// How much of what a runner said is read, in bytes.
const LAST_WORDS: u64 = 1 << 20;

/// One reader of one run.
pub struct Follow {
    /// What commands are carried out on.
    pub world: World,
    /// The right to answer; none for whoever only looks.
    pub authority: Option<Authority>,
    /// What may be answered, and by whom.
    pub answers: Answers,
    /// Whether records are printed as they are.
    pub json: bool,
    /// The run.
    pub dir: RunDir,
    /// Whoever is at the terminal.
    pub person: Person,
    /// How far whoever is at the terminal is with a checklist.
    pub walk: Walk,
}

/// What a prompt asks now: of two answers, the first or the second.
fn asks(prompt: &OpenPrompt) -> (PromptId, bool) {
    (prompt.id.clone(), prompt.waits_for_second())
}

/// What it does to cancel a prompt; `None` where that is no answer to it.
fn cancelling(prompt: &OpenPrompt, order: Order) -> Option<&'static str> {
    match (&prompt.ask, order) {
        (Ask::Decide { .. }, _) => None,
        (Ask::Confirm { .. } | Ask::Approve { start: false, .. }, Order::Any) => Some("the item stays open"),
        _ => Some("the run stops before this step; what it did so far stays as it is"),
    }
}

/// Waits until a prompt is closed, or asks for its second answer, whoever closed it, or its runner is gone.
async fn closes(dir: &RunDir, prompt: &OpenPrompt) {
    let Ok(mut tail) = Tail::open(dir.journal()) else { return };
    loop {
        tokio::time::sleep(WATCH).await;
        let read = tail.poll();
        let same = |open: &OpenPrompt| asks(open) == asks(prompt);
        let open = tail.view().and_then(|view| view.prompt.as_ref()).is_some_and(same);
        if read.is_err() || !(open || tail.behind()) || !dir.runner_lives() {
            return;
        }
    }
}

/// The log that is being printed.
struct Log {
    reader: BufReader<std::fs::File>,
    held: Vec<u8>,
}

impl Follow {
    /// Follows until the run is over, or until nobody here can help it on.
    ///
    /// # Errors
    /// When the journal cannot be read on.
    pub async fn until_it_ends(&mut self) -> Result<End> {
        // Opened before anything can remove it.
        let mut last_words = plain::open(&self.dir.path.join("runner.err")).ok();
        let mut tail = Tail::open(self.dir.journal())?;
        // Seen by the others for as long as this goes on.
        let presence = Presence::take(&self.dir, self.authority.is_some());
        let _seen = presence.as_ref().map(Presence::people);
        let mut log = None;
        let mut answered: Option<(PromptId, bool)> = None;
        loop {
            // Whether the runner lives is asked before the journal is read: what it wrote last is then never missed.
            let lives = self.dir.runner_lives();
            let records = tail.poll().map_err(|cause| self.removed().unwrap_or(cause))?;
            let Some(view) = tail.view().cloned() else {
                self.check_whole(&tail, true)?;
                if !lives && records.is_empty() && !self.dir.runner_lives() {
                    return Err(self.has_no_record());
                }
                tokio::time::sleep(LOOK).await;
                continue;
            };
            for record in &records {
                self.print(record, &view, &mut log)?;
            }
            self.print_log(&mut log, false);
            self.check_whole(&tail, lives || tail.behind())?;
            if tail.behind() {
                continue;
            }
            if view.sealed.is_some() {
                return Ok(End::Sealed(Box::new(view)));
            }
            if !lives && records.is_empty() {
                self.removed().map_or(Ok(()), Err)?;
                if view.held().is_some() {
                    return Ok(End::Held);
                }
                return Ok(End::Interrupted(why_gone(&view, last_words.as_mut())));
            }
            // A prompt without a runner asks nobody, and none asks whoever only looks.
            let may_answer = self.authority.is_some();
            match view.prompt.clone().filter(|prompt| may_answer && lives && answered != Some(asks(prompt))) {
                Some(prompt) => {
                    if let Some(kind) = self.answer(&prompt, &view).await? {
                        return Ok(End::NeedsPerson(kind));
                    }
                    // Whatever came of it, the same prompt is not answered twice without a word of the journal between.
                    answered = Some(asks(&prompt));
                }
                None if may_answer && view.waits_for_people() && view.prompt.is_none() => {
                    if let Some(kind) = self.turn(&view).await? {
                        return Ok(End::NeedsPerson(kind));
                    }
                }
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Refuses a damaged journal; one that a runner may still write is not held against what lies beside it.
    fn check_whole(&self, tail: &Tail, written: bool) -> Result<()> {
        if let Some(damage) = tail.failure() {
            return Err(damage.clone());
        }
        if written {
            return Ok(());
        }
        let Some(why) = witness::cut(&self.dir.path) else { return Ok(()) };
        let message = format!("cannot follow {}: it was cut: {why}", self.dir.journal().display());
        Err(Error::new(Kind::Damaged, message))
    }

    /// Answers one prompt; gives the exit code's kind when nobody can.
    async fn answer(&mut self, prompt: &OpenPrompt, view: &RunView) -> Result<Option<Kind>> {
        let Some(authority) = self.authority.clone() else { return Ok(None) };
        let (starter, params) = (&view.starter, view.params_words());
        let approve = Answer::Approve { note: String::new() };
        let me = identity::own("run");
        let may_approve = may_give(prompt, starter, &me, &approve);
        let may_override = is_another(&me, starter, "started the run");
        if self.answers.is_spent(prompt) && !self.json {
            out::line(format_args!("step {} asks again: an answer given in advance counts once", prompt.step + 1));
        }
        loop {
            let in_advance = self.answers.in_advance(prompt);
            let by_person = in_advance.is_none();
            if let Some(cancel) = cancelling(prompt, view.order).filter(|_| by_person && self.answers.person) {
                out::line(format_args!("  cancel: {cancel}"));
            }
            let answer = match in_advance {
                Some(answer) => Some(answer),
                None if self.answers.person => tokio::select! {
                    answer = ask_person(&mut self.person, prompt, params.as_deref(), (&may_approve, &may_override)) => answer,
                    () = closes(&self.dir, prompt) => {
                        out::line(format_args!(""));
                        return Ok(None);
                    }
                },
                None => None,
            };
            let Some(answer) = answer else { return Ok(Some(Answers::unanswered(prompt))) };
            let cancelled = answer == Answer::Cancel;
            let Some(command) = confirm::answer(&authority, &self.dir.id, prompt, answer) else {
                out::line(format_args!("that is not an answer to this prompt"));
                continue;
            };
            let performed = operate::perform(&self.world, command, "run").await;
            if let Err(cause) = performed {
                if !self.json {
                    out::text(format_args!("{}", clean(&cause.to_string())));
                }
                // Who was refused may answer otherwise; a prompt that is closed by now asks nobody.
                if by_person {
                    continue;
                }
            } else if let Some(cancel) = cancelling(prompt, view.order).filter(|_| cancelled) {
                out::line(format_args!("cancelled: {cancel}"));
            }
            return Ok(None);
        }
    }

    fn print(&self, record: &Record, view: &RunView, log: &mut Option<Log>) -> Result<()> {
        if self.json {
            let line = as_written(record).map_err(|Fault(why)| Error::machine("print a record", why))?;
            let line = String::from_utf8_lossy(&line);
            // A pipe gets the exact bytes, which are those of the chain.
            match std::io::stdout().is_terminal() {
                true => out::text(format_args!("{}", json_escaped(&line))),
                false => out::text(format_args!("{line}")),
            }
            return Ok(());
        }
        if matches!(record.event, Event::StepOutcome { .. } | Event::UndoOutcome { .. }) {
            self.print_log(log, true);
            *log = None;
        }
        if let Some(line) = lines::line(record, view) {
            out::text(format_args!("{}", clean(&line)));
        }
        if let Event::StepIntent { log: name, .. } | Event::UndoIntent { log: name, .. } = &record.event {
            *log = self.open_log(name);
        }
        Ok(())
    }

    /// The log of an attempt that began; the shim may not have made it yet, so it is made here if it is not there.
    fn open_log(&self, name: &str) -> Option<Log> {
        let path = self.dir.log(name);
        for _ in 0..50 {
            if let Ok(file) = plain::open(&path) {
                return Some(Log { reader: BufReader::new(file), held: Vec::new() });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Prints what came to the log; with `all`, an unfinished last line too.
    fn print_log(&self, log: &mut Option<Log>, all: bool) {
        let Some(log) = log.as_mut().filter(|_| !self.json) else { return };
        loop {
            let read = log.reader.read_until(b'\n', &mut log.held).unwrap_or(0);
            let whole = log.held.last() == Some(&b'\n');
            if log.held.is_empty() || !(whole || all) {
                return;
            }
            if whole {
                log.held.pop();
            }
            let length = u64::try_from(log.held.len()).unwrap_or(u64::MAX);
            let head = log.held.get(..LINE.min(log.held.len())).unwrap_or_default();
            out::line(format_args!("    | {}", Clean::line_capped(head, length).plain()));
            log.held.clear();
            if read == 0 {
                return;
            }
        }
    }

    /// Why a run without a record and without a runner is not waited for.
    fn has_no_record(&self) -> Error {
        if let Some(removed) = self.removed() {
            return removed;
        }
        let id = &self.dir.id;
        if witness::never_began(&self.dir.path) {
            return Error::new(Kind::Damaged, format!("run {id} never began: its journal has no record"))
                .hint(format!("remove it: {}", shell::on_runs(format_args!("abort {id}"))));
        }
        let why = witness::cut(&self.dir.path).unwrap_or_else(|| "its journal has no whole record".to_owned());
        Error::new(Kind::Damaged, format!("cannot follow run {id}: {why}"))
    }

    /// Whether the run's directory was removed; it does not go all at once.
    fn removed(&self) -> Option<Error> {
        let kept = self.dir.journal().exists() && self.dir.path.join("runner.lock").exists();
        let path = self.dir.path.display();
        let gone = || {
            Error::new(Kind::Journal, format!("cannot follow run {}: its directory {path} was removed", self.dir.id))
        };
        let hint = "its runner cannot record anything any more, and stops before its next step";
        (!kept).then(|| gone().hint(hint))
    }
}

/// What a runner says last when it gives up.
#[derive(Deserialize)]
struct LastWords {
    message: String,
    hints: Vec<String>,
    exit: u8,
}

/// Why a runner is gone: what it said last, else an act under way is unknown, else a failure.
fn why_gone(view: &RunView, words: Option<&mut std::fs::File>) -> Error {
    let mut text = String::new();
    if let Some(file) = words {
        let _ = file.take(LAST_WORDS).read_to_string(&mut text);
    }
    let last = text.lines().rev().find_map(|line| serde_json::from_str::<LastWords>(line).ok());
    if let Some(LastWords { message, hints, exit }) = last {
        let kinds = [Kind::Damaged, Kind::Locked, Kind::Refused, Kind::Journal];
        let kind = kinds.into_iter().find(|kind| kind.exit_code() == exit).unwrap_or(Kind::Machine);
        return Error { kind, message, hints };
    }
    match view.open_attempt() {
        Some(_) => Error::new(Kind::UnknownOutcome, "its runner is gone while a step was under way"),
        None => Error::new(Kind::StepFailed, "its runner is gone"),
    }
}
