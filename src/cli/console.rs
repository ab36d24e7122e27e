//! `midwatch` and `midwatch attach`: the console.

use crate::app::keymap::Keymap;
use crate::app::model::{Model, Opening, Pane};
use crate::app::msg::Msg;
use crate::app::panes::run::follow;
use crate::app::update::begin;
use crate::cli::args::Common;
use crate::cli::{demo, out, setup};
use crate::config::names;
use crate::config::paths::{self, Surroundings};
use crate::config::shell;
use crate::config::state::Scope;
use crate::config::theme::{self, Theme};
use crate::domain::error::Result;
use crate::domain::{Clean, Error, Kind, RunId};
use crate::gate::lookup::{self, Lookup};
use crate::gate::operate::Operate;
use crate::gate::watch::Watch;
use crate::gate::{Gate, World, first_fault};
use crate::probes::clock;
use crate::runner::identity;
use crate::tui::event_loop::{self, Console, Left};
use crate::tui::tty::Tty;
use std::io::IsTerminal;
use std::sync::Arc;
use tokio::sync::mpsc;

/// How many messages may wait for the console.
const INBOX: usize = 1024;

/// Opens the console, on a run where one is named.
///
/// # Errors
/// When there is no terminal that can show it, or the estate file is wrong.
pub fn open(common: &Common, run: Option<&str>) -> Result<u8> {
    let around = setup::surroundings();
    let tty = terminal(&around)?;
    let world = setup::world_of_runs(common)?;
    let run = run.map(|run| setup::find_run(common, &world, run)).transpose()?.map(|dir| dir.id);
    show(common, &around, tty, world, Shown::Console(run)).map(|left| code(&left))
}

/// Opens the console on the demo, which asks what becomes of it; says how it was left, and the exit code of that.
///
/// # Errors
/// As [`open`].
pub fn demo(common: &Common) -> Result<(Left, u8)> {
    let around = setup::surroundings();
    let tty = terminal(&around)?;
    let left = show(common, &around, tty, setup::world(common)?, Shown::Demo)?;
    let code = code(&left);
    Ok((left, code))
}

/// Opens the wall: read-only, turning by itself.
///
/// # Errors
/// As [`open`].
pub fn run_wallboard(common: &Common) -> Result<u8> {
    let around = setup::surroundings();
    let tty = terminal(&around)?;
    let common = Common { read_only: true, ..common.clone() };
    show(&common, &around, tty, setup::world_of_runs(&common)?, Shown::Wallboard).map(|left| code(&left))
}

/// What is shown.
enum Shown {
    /// The console, on a run where one is named.
    Console(Option<RunId>),
    /// The console of the demo.
    Demo,
    /// The wall.
    Wallboard,
}

/// The terminal, if it can show a full screen.
fn terminal(around: &Surroundings) -> Result<Tty> {
    let hint = |error: Error| {
        error
            .hint(format!("{} prints one reading", shell::on_estate("check")))
            .hint(format!("{} runs a procedure as plain prompts", shell::on_estate("run PROC")))
    };
    let dumb = around.get("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    if dumb {
        return Err(hint(Error::new(Kind::Usage, "this terminal cannot show a full screen (TERM is unset or dumb)")));
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(hint(Error::new(Kind::Usage, "the console needs a terminal, and this is none")));
    }
    Tty::open().map_err(|cause| hint(Error::machine("open the terminal", cause).of_kind(Kind::Usage)))
}

/// Shows the console until the operator leaves.
fn show(common: &Common, around: &Surroundings, tty: Tty, world: World, shown: Shown) -> Result<Left> {
    let (version, estate) = (env!("CARGO_PKG_VERSION"), world.estate.name.as_str());
    tracing::info!(version, estate, read_only = common.read_only, "console");
    let depth = theme::depth(around);
    let (theme, mut banners) = look(common, around, &world);
    let (keymap, problems) = keys(common, around, &world);
    banners.extend(problems);
    banners.iter().for_each(|cause| tracing::warn!(cause, "theme or keymap refused"));
    let is_wall = matches!(shown, Shown::Wallboard);
    let found = demo::hint(common).filter(|_| world.estate.source.is_none());
    let command = shell::own();
    let watch = matches!(shown, Shown::Demo).then(|| format!("second terminal: {} watch", command.runs));
    let remark = (world.state.locks_scope == Scope::User).then(|| "locks: this user only".to_owned());
    // A wallboard has no banner for it: where its header has no room, it is said when the wallboard is left.
    let hint = found.as_ref().filter(|_| is_wall).map(|_| "a demo is there: --demo watch".to_owned());
    let remark = hint.clone().or(watch).or(remark);
    banners.extend(found.filter(|_| !is_wall));
    let runtime = runtime()?;
    let left = runtime.block_on(async {
        let (outbox, inbox) = mpsc::channel(INBOX);
        let (estate, wrong) = (lookup::shown(&world), world.wrong.clone());
        let opening = Opening {
            estate: estate.name.clone(),
            environment: estate.environment.clone(),
            operator: format!("{}@{}", names::user(rustix::process::getuid().as_raw()), identity::host_name()),
            me: identity::own("console"),
            authority: None,
            keymap,
            targets: estate.counts(),
            wrong: wrong.map(|wrong| first_fault(&wrong.cause)),
            estate_file: estate.file,
            found: estate.found,
            not_found: estate.not_found,
            calendar: estate.calendar,
            wallboard: is_wall,
            demo: matches!(shown, Shown::Demo),
            command,
            banners,
            remark,
            now: clock::now(),
            size: tty.size().unwrap_or_default(),
            ssh: around.get("SSH_CONNECTION").is_some(),
        };
        let gate = gate_of(common, world, outbox.clone());
        let mut model = Model::new(Opening { authority: gate.authority(), ..opening });
        let mut first = begin(&model);
        if let Shown::Console(Some(run)) = shown {
            model.focus = Pane::Run;
            first.extend(follow(&mut model, run));
        }
        event_loop::run(Console { model, first, gate, inbox, outbox, theme: &theme, depth, tty }).await
    });
    // Probes that hang on a dead target must not keep the console.
    runtime.shutdown_background();
    let (left, lines) = left?;
    for line in lines.into_iter().chain(hint) {
        out::line(format_args!("{line}"));
    }
    Ok(left)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|cause| Error::machine("start a runtime", cause))
}

/// The exit code: 128 and the signal's number where one ended it.
fn code(left: &Left) -> u8 {
    match left {
        Left::Quit | Left::Remove(_) => 0,
        Left::Signal(number) => u8::try_from(128 + number).unwrap_or(1),
        Left::Gone => 129,
    }
}

fn gate_of(common: &Common, world: World, outbox: mpsc::Sender<Msg>) -> Box<dyn Gate> {
    let again = common.clone();
    let lookup = Lookup::start(world, outbox).noticing(Arc::new(move || setup::world(&again)));
    if common.read_only { Box::new(Watch::new(lookup)) } else { Box::new(Operate::new(lookup, "console")) }
}

/// The theme, and a line about one that could not be used.
fn look(common: &Common, around: &Surroundings, world: &World) -> (Theme, Vec<String>) {
    let depth = theme::depth(around);
    let mono = depth == crate::domain::clean::Depth::None;
    let name = common.theme.as_deref().filter(|_| !mono).unwrap_or(if mono { theme::MONO } else { theme::DEFAULT });
    let directories = paths::layer_directories("themes", world.estate.source.as_deref(), around);
    let (own, glyphs) = (name.to_owned(), theme::glyphs(around));
    match setup::spared("the themes", move || Theme::load(&own, &directories, depth, glyphs)) {
        Ok((theme, problems)) => (theme, first(&problems)),
        Err(cause) => {
            (Theme::load(if mono { theme::MONO } else { theme::DEFAULT }, &[], depth, glyphs).0, vec![cause.message])
        }
    }
}

/// The keys, and a line about a keymap that could not be used.
fn keys(common: &Common, around: &Surroundings, world: &World) -> (Keymap, Vec<String>) {
    let directories = paths::layer_directories("keymaps", world.estate.source.as_deref(), around);
    let name = common.keymap.clone().unwrap_or_else(|| "default".to_owned());
    match setup::spared("the keymaps", move || Keymap::load(&name, &directories)) {
        Ok((keymap, problems)) => (keymap, first(&problems)),
        Err(cause) => (Keymap::load("default", &[]).0, vec![cause.message]),
    }
}

/// The first problem in one line, and how many more there are.
fn first(problems: &[crate::config::reader::Problem]) -> Vec<String> {
    let Some(problem) = problems.first() else { return Vec::new() };
    let more = match problems.len() {
        1 => String::new(),
        count => format!(" (and {} more; see {})", count - 1, shell::on_estate("lint")),
    };
    vec![Clean::text(&format!("{problem}{more}")).plain()]
}
