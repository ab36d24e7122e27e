//! Answers queries, for both gates. It only reads.

use crate::app::effect::Query;
use crate::app::model::TargetId;
use crate::app::msg::{EstateShown, Msg, RunSummary};
use crate::config::file::kind_word;
use crate::config::state::Scope;
use crate::config::{paths, patience, plain, shell};
use crate::domain::error::{Result, system_text};
use crate::domain::series::PastRead;
use crate::domain::{Digest, Error, Kind, RunId};
use crate::gate::edits::{Edits, Load};
use crate::gate::follow::Follower;
use crate::gate::logs::LogReader;
use crate::gate::{World, offers, plans};
use crate::history::{About, Event, History};
use crate::journal::list::{self, Known};
pub use crate::probes::estate::targets;
use crate::probes::schedule::Prober;
use crate::probes::target::Every;
use crate::runner::adapters;
use crate::runner::rundir::RunDir;
use rustix::fs::FileType;
use std::io::BufReader;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// Answers queries with messages.
pub struct Lookup {
    world: Arc<World>,
    out: mpsc::Sender<Msg>,
    prober: Prober,
    history: History,
    past: PastRead,
    follower: Option<Follower>,
    checklist: Option<Follower>,
    logs: LogReader,
    known: Arc<Mutex<Known>>,
    edits: Option<Edits>,
    acts: bool,
}

impl Lookup {
    /// Starts the probes; their readings and every answer go to `out`. Must be called within a runtime.
    #[must_use]
    pub fn start(world: World, out: mpsc::Sender<Msg>) -> Self {
        let past = PastRead::default();
        let history = history(&world, &out, past.clone());
        let prober = prober(&world, &out, &history, &past);
        let logs = LogReader::start(out.clone());
        let world = Arc::new(world);
        let own = Arc::clone(&world);
        // A refused procedure is not offered.
        tokio::task::spawn_blocking(move || {
            own.catalog().problems().iter().for_each(|problem| tracing::warn!(%problem, "file refused"));
        });
        let known = Arc::default();
        Self {
            world,
            out,
            prober,
            history,
            past,
            follower: None,
            checklist: None,
            logs,
            known,
            edits: None,
            acts: false,
        }
    }

    /// Like `new`, for a console that watches for edits of its estate and its windows.
    #[must_use]
    pub fn noticing(self, load: Load) -> Self {
        let edits = Some(Edits::watch(&self.world, load, self.out.clone()));
        Self { edits, ..self }
    }

    /// Switches to the edited estate: reads its targets, and drops those that it no longer has.
    fn reload(&mut self) {
        let Some(world) = self.edits.as_ref().and_then(Edits::take) else { return };
        self.prober = prober(&world, &self.out, &self.history, &self.past);
        self.history.read_again();
        self.send(Msg::EstateLoaded(Box::new(shown(&world))));
        tracing::info!(estate = world.estate.name, "estate loaded again");
        self.world = Arc::new(world);
    }

    /// Like `new`, for a console that may act: other consoles see that it may.
    #[must_use]
    pub fn acting(self) -> Self {
        Self { acts: true, ..self }
    }

    /// The world that the queries are about.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The channel for the answers.
    #[must_use]
    pub fn sender(&self) -> mpsc::Sender<Msg> {
        self.out.clone()
    }

    /// Sends an answer that is ready.
    pub fn send(&self, msg: Msg) {
        let out = self.out.clone();
        tokio::spawn(async move {
            let _ = out.send(msg).await;
        });
    }

    /// Answers a query in the background; never blocks.
    pub fn query(&mut self, query: Query) {
        match query {
            Query::Refresh => self.prober.refresh(),
            Query::Reload => self.reload(),
            Query::Offer(row) => self.answer(move |world| {
                let (offers, withheld) = offers::offers(world, &row);
                Msg::Offered { target: TargetId::of(&row), offers, withheld }
            }),
            Query::Acts(row) => self.answer(move |world| {
                let acts = offers::acts(world, &row);
                Msg::ActsKnown { target: TargetId::of(&row), acts }
            }),
            Query::ListProcedures => self.answer(|world| Msg::ProceduresListed(offers::all(world))),
            Query::Plan { procedure, params } => {
                self.answer(move |world| match plans::shown(world, &procedure, &params) {
                    Ok(shown) => {
                        let refusal = shown.refused.as_ref().map(|refusal| refusal.message.as_str());
                        refusal.into_iter().for_each(|cause| tracing::warn!(procedure, cause, "plan refused"));
                        Msg::Planned(Box::new(shown))
                    }
                    Err(error) => {
                        tracing::warn!(procedure, cause = error.message, "plan refused");
                        Msg::PlanRefused { procedure, error }
                    }
                });
            }
            Query::ListRuns => self.answer(|world| match runs(world) {
                Ok(runs) => Msg::RunsListed(runs),
                Err(error) => Msg::CommandFailed(error),
            }),
            Query::WatchRuns => self.watch_runs(),
            Query::FollowRun(run) => {
                let dir = RunDir::of(&self.world.state.dir, run);
                self.follower = Some(Follower::start(dir, self.out.clone(), self.acts));
            }
            Query::LeaveRun => self.follower = None,
            Query::FollowChecklist(run) => {
                let dir = RunDir::of(&self.world.state.dir, run);
                self.checklist = Some(Follower::start(dir, self.out.clone(), self.acts));
            }
            Query::LeaveChecklist => self.checklist = None,
            Query::ListChecklists => self.answer(|world| Msg::ChecklistsListed(offers::checklists(world))),
            Query::ReadLog { run, file, at, rows } => {
                let path = RunDir::of(&self.world.state.dir, run.clone()).log(&file);
                self.logs.read(run, file, path, at, rows);
            }
            Query::ListSet { run, set, from, rows } => self.answer(move |world| list_set(world, run, set, from, rows)),
        }
    }

    /// Lists the runs, unless the previous listing still runs; sealed runs are not read again.
    fn watch_runs(&self) {
        let (world, out, known) = (Arc::clone(&self.world), self.out.clone(), Arc::clone(&self.known));
        tokio::task::spawn_blocking(move || {
            let Ok(mut known) = known.try_lock() else { return };
            let lives = |run: &RunId| RunDir::of(&world.state.dir, run.clone()).runner_lives();
            match list::runs_again(&world.state.dir, &mut known, lives) {
                Ok(runs) => drop(out.blocking_send(Msg::RunsListed(runs))),
                Err(error) => tracing::debug!(cause = error.message, "runs not listed"),
            }
        });
    }

    /// Computes an answer in the background.
    fn answer(&self, look: impl FnOnce(&World) -> Msg + Send + 'static) {
        let (world, out) = (Arc::clone(&self.world), self.out.clone());
        tokio::task::spawn_blocking(move || {
            let _ = out.blocking_send(look(&world));
        });
    }
}

/// Starts to read the targets of a world.
fn prober(world: &World, out: &mpsc::Sender<Msg>, history: &History, past: &PastRead) -> Prober {
    let (readings, recorder) = (out.clone(), history.recorder());
    Prober::start(targets(&world.estate, &world.around), Every::default(), past, move |rows| {
        recorder.note(&rows);
        // A full channel means that the console cannot keep up: the next reading will do.
        let _ = readings.try_send(Msg::RowsRead(rows));
    })
}

/// Starts to record the history of a world; the recorded history goes to the console and to the probes.
fn history(world: &World, out: &mpsc::Sender<Msg>, past: PastRead) -> History {
    let out = out.clone();
    History::start(About::of(&world.estate, &world.state, &world.around), move |event| {
        let msg = match event {
            Event::Read(read) => {
                past.fill(Arc::clone(&read));
                Msg::PastRead(read)
            }
            Event::Trouble(error) => Msg::HistoryTroubled(error),
        };
        // Nothing may block within the runtime.
        match tokio::runtime::Handle::try_current() {
            Ok(_) => drop(out.try_send(msg)),
            Err(_) => drop(out.blocking_send(msg)),
        }
    })
}

/// What a console shows of an estate.
#[must_use]
pub fn shown(world: &World) -> EstateShown {
    let first = || paths::estate_places(&world.around).into_iter().next();
    let file = world.estate.source.clone().or_else(first).unwrap_or_else(|| "midwatch.toml".into());
    let unread = targets(&world.estate, &world.around).into_iter().map(|target| target.unread(Every::default()));
    EstateShown {
        name: world.estate.name.clone(),
        environment: environment(world).to_owned(),
        file: file.display().to_string(),
        found: world.estate.discovered.clone(),
        not_found: world.estate.not_found.clone(),
        targets: unread.map(|row| (row.kind, row.target)).collect(),
        calendar: world.calendar.clone(),
    }
}

/// The name of its environment; unknown if its file cannot be used.
fn environment(world: &World) -> &'static str {
    let is_known = world.wrong.as_ref().is_none_or(|wrong| !wrong.is_estate);
    if is_known { world.estate.environment.word() } else { "unknown" }
}

fn list_set(world: &World, run: RunId, set: Digest, from: u64, rows: u16) -> Msg {
    let path = RunDir::of(&world.state.dir, run).set(&set);
    match plain::open(&path) {
        Ok(file) => match adapters::items(&mut BufReader::new(file), from, u64::from(rows)) {
            Ok((total, items)) => Msg::SetListed { set, from, total, items },
            Err(error) => Msg::CommandFailed(error),
        },
        Err(cause) => Msg::CommandFailed(Error::machine(format!("read the frozen set {}", set.short()), cause)),
    }
}

/// Every run, newest first.
///
/// # Errors
/// When the directory of the runs cannot be read; one that is not there holds no runs.
pub fn runs(world: &World) -> Result<Vec<RunSummary>> {
    list::runs(&world.state.dir, |run| RunDir::of(&world.state.dir, run.clone()).runner_lives())
}

/// Finds a run by its id or by the end of it.
///
/// # Errors
/// When none or several match.
pub fn find_run(world: &World, wanted: &str) -> Result<RunDir> {
    let upper = wanted.to_ascii_uppercase();
    // A whole id is looked up, not searched for: a journal that is damaged from its first record on must be found,
    // too.
    if let Some(dir) = RunId::parse(&upper)
        .map(|id| RunDir::of(&world.state.dir, id))
        .filter(|dir| patience::at(&dir.path, || dir.path.is_dir()))
    {
        return refuse_foreign(&dir, world.state.scope).map(|()| dir);
    }
    let fits = |run: &RunSummary| !upper.is_empty() && run.id.as_str().ends_with(&upper);
    let found: Vec<RunSummary> = runs(world)?.into_iter().filter(fits).collect();
    match found.as_slice() {
        [only] => {
            let dir = RunDir::of(&world.state.dir, only.id.clone());
            refuse_foreign(&dir, world.state.scope).map(|()| dir)
        }
        [] => {
            let place = world.state.dir.join("runs");
            let shown = if wanted.is_empty() { "\"\"".to_owned() } else { wanted.escape_debug().to_string() };
            let message = format!("there is no run {shown} in {}", place.display());
            let list = shell::on_runs("runs");
            Err(Error::new(Kind::Usage, message)
                .hint(format!("{list} lists them; --state DIR names another directory")))
        }
        several => Err(ambiguous(wanted, several)),
    }
}

/// Refuses a foreign directory in the place of a run: a symbolic link points elsewhere, and a user's state directory
/// must not hold another user's directory. Root may read all.
fn refuse_foreign(dir: &RunDir, scope: Scope) -> Result<()> {
    let refused = |why: String| Error::new(Kind::Refused, format!("{} is not a run: {why}", dir.path.display()));
    let found = rustix::fs::lstat(&dir.path).map_err(|cause| refused(system_text(cause)))?;
    let kind = FileType::from_raw_mode(found.st_mode);
    if kind != FileType::Directory {
        let hint = "a run is a real directory: move it there, or name its own state directory by --state";
        return Err(refused(format!("it is {}", kind_word(kind))).hint(hint));
    }
    let us = rustix::process::geteuid();
    if scope == Scope::User && !us.is_root() && found.st_uid != us.as_raw() {
        return Err(refused(format!("it belongs to uid {}, not to you", found.st_uid)));
    }
    Ok(())
}

/// How many runs an ambiguous abbreviation lists.
const CANDIDATES: usize = 8;

/// The error for an abbreviation that fits several runs; it lists them, newest first.
fn ambiguous(wanted: &str, several: &[RunSummary]) -> Error {
    let (count, what) = (several.len(), wanted.escape_debug());
    let error = Error::new(Kind::Usage, format!("{count} runs have an id that ends in {what}: give more of it"));
    let line = |run: &RunSummary| format!("{}  {}  {}  {}", run.id, run.status.word(), run.started.minute(), run.title);
    let error = several.iter().take(CANDIDATES).map(line).fold(error, Error::hint);
    match count.checked_sub(CANDIDATES).filter(|more| *more > 0) {
        Some(more) => error.hint(format!("and {more} more: {} lists them", shell::on_runs("runs"))),
        None => error,
    }
}

/// The word for a run that is not sealed and has no runner.
#[must_use]
pub fn is_interrupted(run: &RunSummary) -> bool {
    run.status.needs_a_runner()
}
