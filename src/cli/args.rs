//! The command line, as types; help, man page and completions are generated from them.

use crate::cli::switch::Switch;
use crate::domain::Section;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

mod procedure;

pub use procedure::{Plan, Print, Procedure, Procedures, Rehearse};

/// A terminal console for maintenance windows.
///
/// Without a subcommand it opens the console on the estate file, or, where there is none, on this host as it is.
#[derive(Debug, Parser)]
#[command(name = "midwatch", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Examples:\n  midwatch                       the console\n  midwatch demo                  a real throwaway estate to try it on\n  midwatch check health --json   one reading, for a script\n  midwatch procedures            what can be run here\n  midwatch run common/restart-unit unit=nginx.service"
)]
pub struct Cli {
    /// What everything shares.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct Common {
    /// The estate file.
    ///
    /// Otherwise $XDG_CONFIG_HOME/midwatch/midwatch.toml, then /etc/midwatch/midwatch.toml, then discovery.
    #[arg(long, global = true, value_name = "FILE", env = "MIDWATCH_CONFIG")]
    pub config: Option<PathBuf>,
    /// The directory that runs are kept in.
    #[arg(long, global = true, value_name = "DIR", env = "MIDWATCH_STATE")]
    pub state: Option<PathBuf>,
    /// Open without the means to act.
    #[arg(long, alias = "readonly", global = true, env = "MIDWATCH_READ_ONLY", value_parser = Switch("MIDWATCH_READ_ONLY"))]
    pub read_only: bool,
    /// Work on the demo that `midwatch demo` has built, and on its runs.
    #[arg(long, global = true, env = "MIDWATCH_DEMO", value_parser = Switch("MIDWATCH_DEMO"))]
    pub demo: bool,
    /// The theme's name: one beside the estate file, or a built-in one (night, day, mono, contrast, okabe, base16).
    #[arg(long, global = true, value_name = "NAME", env = "MIDWATCH_THEME")]
    pub theme: Option<String>,
    /// The keymap's name: one beside the estate file, or a built-in one (default, vim).
    #[arg(long, global = true, value_name = "NAME", env = "MIDWATCH_KEYMAP")]
    pub keymap: Option<String>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the wall: read-only, full screen, turning from pane to pane by itself.
    Watch,
    /// Build a real throwaway estate and open the console on it; `midwatch --demo watch` in a second terminal shows it on a wallboard.
    Demo(Demo),
    /// Print one reading; exit 0 ok, 1 warn, 2 critical, 3 unknown.
    Check(Check),
    /// Print the figures that were kept of a target: the last, the least and the greatest of each minute, for a day.
    History(History),
    /// List the procedures that this estate is offered, or show one.
    Procedures(Procedures),
    /// Preview every step of a procedure; change nothing.
    Plan(Plan),
    /// Print a procedure as a Markdown page, for a change request.
    Print(Print),
    /// Prove before step 1 that every undo is possible now: exit 0 all are, 1 one is not, 8 one is unknown.
    Rehearse(Rehearse),
    /// Run a procedure as plain prompts.
    Run(Run),
    /// List the runs.
    Runs(Runs),
    /// Open the console on a run.
    Attach(Attach),
    /// Continue an interrupted run.
    Resume(OneRun),
    /// Stop a run.
    Abort(Abort),
    /// Print the maintenance record of a run.
    Report(Report),
    /// Prove that a run's journal is whole: exit 0 whole, 3 torn tail, 4 damaged.
    Verify(OneRun),
    /// Print the calendar: the next windows, and what collides.
    Windows(Windows),
    /// Check every file that Midwatch reads; all errors at once.
    Lint(Lint),
    /// Print the JSON Schema of a file that Midwatch reads.
    Schema(Schema),
    /// Print the completions of a shell.
    Completions(Completions),
    /// Print the man page, or write the pages of all commands.
    Man(Man),
    /// Tells a shell what fits where its cursor stands.
    #[command(name = "__complete", hide = true)]
    Complete(Complete),
    /// Executes a run.
    #[command(name = "__runner", hide = true)]
    Runner(Runner),
    /// Keeps the outcome of one act.
    #[command(name = "__shim", hide = true)]
    Shim,
    /// Waits until it is written down, and becomes one act.
    #[command(name = "__hold", hide = true)]
    Hold,
    /// Does the work of one step.
    #[command(name = "__act", hide = true)]
    Act,
    /// Keeps the demo estate.
    #[command(name = "__keeper", hide = true)]
    Keeper {
        /// The demo's directory.
        dir: PathBuf,
    },
    /// Renders the pictures of the README.
    #[command(name = "__screenshots", hide = true)]
    Screenshots {
        /// Where they go.
        dir: PathBuf,
    },
}

/// `midwatch demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Remove the demo estate.
    #[arg(long)]
    pub stop: bool,
}

/// `midwatch check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The panes to read; all of them when none is named.
    #[arg(value_name = "PANE")]
    pub panes: Vec<Pane>,
    /// Print JSON.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// A pane that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pane {
    /// The host, mounts, services, units, databases, Redis servers and clusters.
    Health,
    /// Series of backups.
    Backups,
    /// Certificates.
    Certificates,
    /// Tables and indexes.
    Bloat,
    /// The items of the newest checklist that is not over: evidence is ok, a claim or a skipped item a warning, an open one unknown.
    Checklist,
}

impl Pane {
    /// The rows it shows; `None` where they are items of a checklist.
    #[must_use]
    pub fn section(self) -> Option<Section> {
        match self {
            Self::Health => Some(Section::Health),
            Self::Backups => Some(Section::Backups),
            Self::Certificates => Some(Section::Certificates),
            Self::Bloat => Some(Section::Bloat),
            Self::Checklist => None,
        }
    }
}

/// `midwatch run`.
#[derive(Debug, Args)]
pub struct Run {
    /// What to run.
    #[command(flatten)]
    pub procedure: Procedure,
    /// Answer every prompt of this class in advance; destroy cannot be.
    #[arg(long, value_name = "CLASS")]
    pub yes: Option<Yes>,
    /// Run outside its window, for this reason; takes a second person, and marks the record for ever.
    #[arg(long, value_name = "REASON")]
    pub emergency: Option<String>,
    /// Answer a destroy prompt that asks for exactly this phrase; may be given several times.
    #[arg(long, value_name = "PHRASE")]
    pub confirm: Vec<String>,
    /// Print the journal's records as they come, one JSON object a line.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// A class that may be answered in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Yes {
    /// Prompts of class change.
    Change,
}

/// `midwatch runs`.
#[derive(Debug, Args)]
pub struct Runs {
    /// Print JSON.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// A command on one run.
#[derive(Debug, Args)]
pub struct OneRun {
    /// The run's id, or the end of it, such as the last 6 characters, if no other run's id ends so.
    #[arg(value_name = "RUN")]
    pub run: String,
}

/// `midwatch attach`.
#[derive(Debug, Args)]
pub struct Attach {
    /// The run.
    #[command(flatten)]
    pub run: OneRun,
    /// Follow it and answer its prompts as plain text, as `midwatch run` does.
    #[arg(long, env = "MIDWATCH_PLAIN", value_parser = Switch("MIDWATCH_PLAIN"))]
    pub plain: bool,
}

/// `midwatch abort`.
#[derive(Debug, Args)]
pub struct Abort {
    /// The run.
    #[command(flatten)]
    pub run: OneRun,
    /// Undo what the run changed, last first.
    #[arg(long)]
    pub undo: bool,
    /// Put aside a run that is damaged and can neither be continued nor stopped: its directory is kept, its locks are free.
    #[arg(long, conflicts_with = "undo")]
    pub set_aside: bool,
}

/// `midwatch report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The run.
    #[command(flatten)]
    pub run: OneRun,
    /// The form.
    #[arg(long, value_name = "FORM", default_value = "md", env = "MIDWATCH_REPORT_FORMAT")]
    pub format: Form,
}

/// A form of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Markdown.
    Md,
    /// JSON.
    Json,
    /// One self-contained page.
    Html,
}

/// `midwatch windows`.
#[derive(Debug, Args)]
pub struct Windows {
    /// How many days ahead.
    #[arg(long, value_name = "DAYS", default_value_t = 35, env = "MIDWATCH_WINDOWS_DAYS", value_parser = clap::value_parser!(u16).range(1..=731))]
    pub days: u16,
    /// Print JSON.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// `midwatch history`.
#[derive(Debug, Args)]
pub struct History {
    /// The target, as its row is called; a line for each row when none is named.
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Only this of several things in the target: connections, public.orders.
    #[arg(value_name = "OBJECT")]
    pub object: Option<String>,
    /// How many hours back.
    #[arg(long, value_name = "HOURS", default_value_t = 24, env = "MIDWATCH_HISTORY_HOURS", value_parser = clap::value_parser!(u16).range(1..=24))]
    pub hours: u16,
    /// Print JSON.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// `midwatch lint`.
#[derive(Debug, Args)]
pub struct Lint {
    /// The files; every file of the estate when none is named.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Let a warning fail, too: exit 1 where there are only warnings.
    #[arg(long, env = "MIDWATCH_LINT_STRICT", value_parser = Switch("MIDWATCH_LINT_STRICT"))]
    pub strict: bool,
    /// Print JSON.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// `midwatch schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// The file.
    #[arg(value_name = "FILE", default_value = "estate")]
    pub of: SchemaOf,
    /// Renew the pages of the reference in a directory instead.
    #[arg(long, value_name = "DIR", hide = true)]
    pub reference: Option<PathBuf>,
}

/// A file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The estate file, midwatch.toml.
    Estate,
    /// The windows, windows.toml.
    Windows,
    /// A procedure, procedures/**/*.toml.
    Procedure,
}

/// `midwatch completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// `midwatch man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Write one page for every command into this directory, as midwatch.1, midwatch-run.1 and so on.
    #[arg(long, value_name = "DIR", env = "MIDWATCH_MAN_OUT")]
    pub out: Option<PathBuf>,
}

/// `midwatch __complete`.
#[derive(Debug, Args)]
pub struct Complete {
    /// The words behind the program's name, up to the cursor; the last one is being typed.
    #[arg(last = true)]
    pub words: Vec<String>,
}

/// `midwatch __runner`.
#[derive(Debug, Args)]
pub struct Runner {
    /// The run's directory.
    pub dir: PathBuf,
    /// Whether to take over from a runner that is gone.
    #[arg(long)]
    pub resume: bool,
    /// Whether to stop it at once, and how.
    #[arg(long, requires = "resume")]
    pub abort: Option<Leave>,
}

/// How a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Leave {
    /// As it is.
    Leave,
    /// After undoing what it changed.
    Undo,
}
