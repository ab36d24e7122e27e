//! What the console wants done, as values.

use crate::app::confirm::{Confirmed, Removal, Reply};
use crate::domain::{Digest, Row, RunId};
pub use crate::journal::item::ItemAction;
pub use crate::journal::log::LogAt;
use crate::procedure::plan::Plan;
use std::collections::BTreeMap;

/// Everything that leaves `update`.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Looks; any gate answers it.
    Query(Query),
    /// Acts; only the operating gate takes it.
    Command(Confirmed<Command>),
    /// Is for the terminal's owner.
    Screen(Screen),
}

/// Something to look up; the answer comes back as a `Msg`.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Read every target now; readings come as `RowsRead`.
    Refresh,
    /// Use the estate and the windows as they were edited. Answer: `EstateLoaded`.
    Reload,
    /// Which procedures act on this row? Answer: `Offered`.
    Offer(Box<Row>),
    /// Which procedures act on rows like this one, now or at another time? Answer: `ActsKnown`.
    Acts(Box<Row>),
    /// Which procedures exist? Answer: `ProceduresListed`.
    ListProcedures,
    /// What would this procedure do with these parameters? Answer: `Planned` or `PlanRefused`.
    Plan {
        /// The procedure's id.
        procedure: String,
        /// The parameters as typed.
        params: BTreeMap<String, String>,
    },
    /// Which runs exist? Answer: `RunsListed`.
    ListRuns,
    /// The same, asked again and again by the console itself. Answer: `RunsListed`, or none where they cannot be listed.
    WatchRuns,
    /// Follow a run's journal; every change comes as `RunFolded`. Replaces the run followed before.
    FollowRun(RunId),
    /// Stop following.
    LeaveRun,
    /// Follow a checklist's journal beside that of the run, in the same manner. Replaces the checklist followed before.
    FollowChecklist(RunId),
    /// Stop following it.
    LeaveChecklist,
    /// Which checklists could be begun? Answer: `ChecklistsListed`.
    ListChecklists,
    /// Show a log from some place on; pages come as `LogRead`, again whenever the log grows while `at` is the tail.
    ReadLog {
        /// The run.
        run: RunId,
        /// The file below `logs/`.
        file: String,
        /// Where to look.
        at: LogAt,
        /// How many lines are wanted.
        rows: u16,
    },
    /// List part of a frozen set. Answer: `SetListed`.
    ListSet {
        /// The run.
        run: RunId,
        /// The set.
        set: Digest,
        /// The first item wanted, from 0.
        from: u64,
        /// How many.
        rows: u16,
    },
}

/// Something that changes the world; exists for the gate only inside a `Confirmed`.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Launch a runner on this plan. Answer: `RunStarted` or `CommandFailed`.
    StartRun {
        /// The plan that was shown.
        plan: Box<Plan>,
        /// Its hash, as shown.
        hash: Digest,
        /// How the start was confirmed.
        begun: Begun,
    },
    /// Answer a prompt. Answer: `Answered` or `CommandFailed`.
    Answer(Reply),
    /// Write something down beside a step.
    Note {
        /// The run.
        run: RunId,
        /// The step, from 0.
        step: Option<u32>,
        /// What.
        text: String,
    },
    /// Do something with an item of a checklist. Answer: `CommandDone` or `CommandFailed`.
    Item {
        /// The run.
        run: RunId,
        /// The item's step, from 0.
        step: u32,
        /// The record that opened the item, as it was shown.
        seq: u64,
        /// What is wanted with it.
        action: ItemAction,
    },
    /// Stop a run.
    Abort {
        /// The run.
        run: RunId,
        /// Whether to undo what it did.
        undo: bool,
    },
    /// Launch a new runner on an interrupted run.
    Resume {
        /// The run.
        run: RunId,
    },
    /// Take over the run of another user, whose name was typed: its steps then have the rights of the one who takes it.
    TakeOver {
        /// The user id of the run's owner.
        owner: u32,
        /// [`Command::Resume`] or [`Command::Abort`].
        command: Box<Command>,
    },
}

/// How a start was confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// Through what: `console` or `invoked`.
    pub how: &'static str,
    /// The reason for which the run does not keep to its window.
    pub emergency: Option<String>,
    /// What whoever started it was warned of, a sentence each.
    pub warned: Vec<String>,
}

impl Command {
    /// The one word for it, for Midwatch's own log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::StartRun { .. } => "start",
            Self::Answer(_) => "answer",
            Self::Note { .. } => "note",
            Self::Item { .. } => "item",
            Self::Abort { .. } => "abort",
            Self::Resume { .. } => "resume",
            Self::TakeOver { .. } => "take over",
        }
    }

    /// The run it is for; a start has none yet.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::StartRun { .. } => None,
            Self::Answer(reply) => Some(&reply.run),
            Self::Note { run, .. } | Self::Item { run, .. } | Self::Abort { run, .. } | Self::Resume { run } => {
                Some(run)
            }
            Self::TakeOver { command, .. } => command.run(),
        }
    }
}

/// Something for the owner of the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Leave.
    Quit,
    /// Leave, and remove the demo.
    Remove(Confirmed<Removal>),
    /// Stop until the shell continues us.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// Put a text onto the clipboard.
    Copy(String),
    /// Have the mouse reported, or leave it to the terminal.
    Mouse(bool),
}
