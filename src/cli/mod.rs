//! The command line: one small file for each subcommand.

pub mod args;
mod check;
mod complete;
mod console;
mod demo;
mod history;
mod interactive;
mod lint;
mod looks;
mod man;
mod out;
mod ownlog;
mod plan;
mod print;
mod procedures;
mod rehearse;
mod report;
mod run;
mod runner;
mod runs;
mod schema;
mod setup;
mod shell;
mod stop;
mod switch;
mod verify;
mod windows;

use crate::config::shell as typed;
use crate::domain::{Clean, Error};
use args::{Cli, Command};
use clap::{Arg, CommandFactory, FromArgMatches};
use looks::Looks;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::process::ExitCode;

/// Runs the command that the process was given.
#[must_use]
pub fn main() -> ExitCode {
    crate::probes::panics::install();
    let (cli, looks) = match parse() {
        Ok(parsed) => parsed,
        Err(cause) => return usage(&cause),
    };
    // One provider for every TLS connection, chosen before the first; a second choice is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let is_check = matches!(cli.command, Some(Command::Check(_)));
    let cli = of_demo(cli);
    let _log = cli.as_ref().ok().and_then(start_log);
    match descriptors().and(cli).and_then(|cli| carry_out(cli, looks)) {
        Ok(code) => ExitCode::from(code),
        Err(cause) => {
            complain(&cause);
            // The codes of `check` are verdicts.
            ExitCode::from(if is_check { crate::domain::Verdict::Unknown.exit_code() } else { cause.kind.exit_code() })
        }
    }
}

/// Reads the command line and the variables.
fn parse() -> Result<(Cli, Looks), clap::Error> {
    let mut command = without_empty(Cli::command());
    let mut found = command.try_get_matches_from_mut(std::env::args_os())?;
    let looks = Looks::of(&found);
    let cli = Cli::from_arg_matches_mut(&mut found).map_err(|cause| cause.format(&mut command))?;
    Ok((cli, looks))
}

/// The command line where a variable that is set to nothing counts as unset.
fn without_empty(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let reset = |arg: Arg| if arg.get_env().is_some_and(is_empty) { arg.env(None::<&'static str>) } else { arg };
    command.mut_args(reset).mut_subcommands(without_empty)
}

/// With `--demo`, the command on the demo's estate; what Midwatch starts for itself knows its own.
fn of_demo(cli: Cli) -> crate::domain::error::Result<Cli> {
    let is_own = matches!(
        cli.command,
        Some(Command::Demo(_) | Command::Runner(_) | Command::Shim | Command::Hold | Command::Act)
            | Some(Command::Keeper { .. } | Command::Complete(_) | Command::Screenshots { .. })
    );
    if is_own {
        return Ok(cli);
    }
    let common = demo::resolve(cli.common)?;
    let (own, around) = (common.clone(), setup::surroundings());
    // Where its file system does not answer, the hints name no option.
    let commands = setup::spared("the state directory", move || setup::commands(&own, &around));
    commands.into_iter().for_each(typed::set);
    Ok(Cli { common, ..cli })
}

/// Starts Midwatch's own log; the demo, and the processes of a run, start it where they know which one.
fn start_log(cli: &Cli) -> Option<ownlog::Guard> {
    use ownlog::Writes;
    let writes = match &cli.command {
        None => Writes::of("console"),
        Some(Command::Watch) => Writes::of("watch"),
        Some(Command::Run(_)) => Writes::of("run"),
        Some(Command::Attach(_)) => Writes::of("attach"),
        Some(Command::Resume(_)) => Writes::of("resume"),
        Some(Command::Abort(_)) => Writes::of("abort"),
        Some(Command::Check(_)) => Writes::looking("check"),
        Some(Command::Plan(_)) => Writes::looking("plan"),
        Some(Command::Print(_)) => Writes::looking("print"),
        Some(Command::Procedures(_)) => Writes::looking("procedures"),
        Some(Command::Rehearse(_)) => Writes::looking("rehearse"),
        Some(Command::Runs(_)) => Writes::looking("runs"),
        Some(Command::Report(_)) => Writes::looking("report"),
        Some(Command::Verify(_)) => Writes::looking("verify"),
        Some(Command::Windows(_)) => Writes::looking("windows"),
        Some(Command::History(_)) => Writes::looking("history"),
        Some(Command::Lint(_)) => Writes::looking("lint"),
        _ => return None,
    };
    let (common, around) = (cli.common.clone(), setup::surroundings());
    // Where its file system does not answer there is no log.
    let started = setup::spared("the log", move || {
        let state = setup::state(&common, &around).ok()?;
        ownlog::start(&state, &around, writes)
    });
    started.ok().flatten()
}

/// Carries a command out; one that only looks is given up where a file system does not answer it.
fn carry_out(cli: Cli, looks: Looks) -> crate::domain::error::Result<u8> {
    use Command::{Check, Lint, Plan, Print, Procedures, Report, Runs, Verify, Windows};
    // Lint lists it beside everything else that is wrong.
    if !matches!(cli.command, Some(Lint(_))) {
        looks.check(&cli.common)?;
    }
    let looks = |command: &Command| {
        matches!(
            command,
            Check(_) | Lint(_) | Plan(_) | Print(_) | Procedures(_) | Report(_) | Runs(_) | Verify(_) | Windows(_)
        )
    };
    if cli.command.as_ref().is_some_and(looks) { setup::watched(move || dispatch(cli)) } else { dispatch(cli) }
}

fn dispatch(cli: Cli) -> crate::domain::error::Result<u8> {
    let common = &cli.common;
    match cli.command {
        None => console::open(common, None),
        Some(Command::Watch) => console::run_wallboard(common),
        Some(Command::Demo(args)) => demo::run(common, &args),
        Some(Command::Check(args)) => Ok(check::run(common, &args)),
        Some(Command::History(args)) => history::run(common, &args),
        Some(Command::Plan(args)) => plan::run(common, &args),
        Some(Command::Print(args)) => print::run(common, &args),
        Some(Command::Procedures(args)) => procedures::run(common, &args),
        Some(Command::Rehearse(args)) => rehearse::run(common, &args),
        Some(Command::Run(args)) => run::run(common, &args),
        Some(Command::Runs(args)) => runs::run(common, &args),
        Some(Command::Attach(args)) if args.plain => run::attach(common, &args.run),
        Some(Command::Attach(args)) => console::open(common, Some(&args.run.run)),
        Some(Command::Resume(args)) => stop::resume(common, &args),
        Some(Command::Abort(args)) => stop::abort(common, &args),
        Some(Command::Report(args)) => report::run(common, &args),
        Some(Command::Verify(args)) => verify::run(common, &args),
        Some(Command::Windows(args)) => windows::run(common, &args),
        Some(Command::Lint(args)) => lint::run(common, &args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Completions(args)) => shell::completions(&args),
        Some(Command::Man(args)) => man::man(&args),
        Some(Command::Complete(args)) => complete::run(&args),
        Some(Command::Runner(args)) => runner::runner(&args),
        Some(Command::Shim) => runner::shim_process(),
        Some(Command::Hold) => runner::hold_process(),
        Some(Command::Act) => runner::act_process(),
        Some(Command::Keeper { dir }) => demo::keep(&dir),
        Some(Command::Screenshots { dir }) => crate::demo::screenshots::write(&dir).map(|()| 0),
    }
}

/// The subcommand of a command line that clap refuses: the first word that is neither an option nor the value of one.
fn subcommand(mut words: impl Iterator<Item = OsString>) -> Option<OsString> {
    let command = Cli::command();
    let takes_value = |option: &str| {
        let own = command.get_arguments().find(|argument| argument.get_long() == Some(option));
        own.is_some_and(|argument| argument.get_action().takes_values())
    };
    while let Some(word) = words.next() {
        match word.to_str().and_then(|word| word.strip_prefix("--")) {
            Some(option) if takes_value(option) => drop(words.next()),
            Some(_) => {}
            None if word.as_encoded_bytes().starts_with(b"-") => {}
            None => return Some(word),
        }
    }
    None
}

/// How many more files a command may need to open at once, whatever it does: its runtime alone takes eight.
const DESCRIPTORS: usize = 16;

/// Whether enough files may be opened: a runtime that gets no descriptor panics.
fn descriptors() -> crate::domain::error::Result<()> {
    let opened: std::io::Result<Vec<_>> = (0..DESCRIPTORS).map(|_| std::fs::File::open("/dev/null")).collect();
    opened.map(drop).map_err(|cause| {
        Error::machine("open files", cause)
            .hint(format!("it needs {DESCRIPTORS} more: raise the limit (ulimit -n 1024)"))
    })
}

/// Help and version go to standard output with code 0; a wrong command line is 2, and 3 for `check`, whose codes are verdicts.
fn usage(cause: &clap::Error) -> ExitCode {
    let _ = cause.print();
    let is_check = subcommand(std::env::args_os().skip(1)).is_some_and(|word| word == "check");
    match (cause.use_stderr(), is_check) {
        (false, _) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(2),
        (true, true) => ExitCode::from(3),
    }
}

/// Says on standard error what went wrong; outside text passes the sanitiser like everywhere.
fn complain(cause: &Error) {
    tracing::warn!(exit = cause.kind.exit_code(), cause = cause.message, "command failed");
    let mut out = std::io::stderr().lock();
    for line in Clean::lines(&format!("midwatch: {cause}")) {
        let _ = writeln!(out, "{}", line.plain());
    }
}
