//! What happened, as values: everything that enters `update`.

use crate::app::modal::row::Taken;
use crate::app::model::TargetId;
use crate::calendar::Calendar;
use crate::domain::key::Key;
use crate::domain::time::Now;
use crate::domain::{Attendee, Digest, Error, Item, Past, Rows, RunId, Section, TargetKind};
use crate::journal::fold::RunView;
pub use crate::journal::list::RunSummary;
pub use crate::journal::log::{LogLine, Page};
use crate::procedure::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// Time passed; the only way time comes in. At most once a second.
    Tick(Now),
    /// A key was pressed.
    KeyPressed(Key, Now),
    /// No key was waiting at a moment, so that one that commits may have stood alone.
    KeyAlone(Now),
    /// Text was pasted.
    Pasted(String, Now),
    /// A mouse button was pressed, or the wheel turned, at a cell (column, row).
    MouseMoved(Mouse, (u16, u16), Now),
    /// The terminal has this many columns and rows now.
    Resized(u16, u16),
    /// A target was read; all its rows, newest reading or loss included.
    RowsRead(Rows),
    /// What earlier processes have read of the estate in the last hour.
    PastRead(Arc<Past>),
    /// Figures of the past cannot be kept or read for now, or a damaged file of them was put aside.
    HistoryTroubled(Error),
    /// The estate file or the windows were edited: whether what they say is another thing now, or why they cannot be used.
    EstateEdited(Result<bool, String>),
    /// The edited estate is in use.
    EstateLoaded(Box<EstateShown>),
    /// These procedures act on a row.
    Offered {
        /// The row.
        target: TargetId,
        /// The procedures, with their parameters already filled in from the row.
        offers: Vec<Offer>,
        /// What would act on it and cannot now, each with the reason.
        withheld: Vec<String>,
    },
    /// These procedures act on rows like this one, each with the parameters that it takes from it.
    ActsKnown {
        /// The row.
        target: TargetId,
        /// The procedures.
        acts: Vec<Taken>,
    },
    /// These procedures exist.
    ProceduresListed(Vec<Offer>),
    /// These checklists could be begun, those of the estate first.
    ChecklistsListed(Vec<Outline>),
    /// A plan was made and previewed.
    Planned(Box<PlanShown>),
    /// A plan could not be made.
    PlanRefused {
        /// The procedure.
        procedure: String,
        /// Why, problem by problem.
        error: Error,
    },
    /// These runs exist, newest first.
    RunsListed(Vec<RunSummary>),
    /// The journal of a followed run or checklist grew, or its runner came or went.
    RunFolded {
        /// The run as its journal tells it now.
        view: Box<RunView>,
        /// Whether its runner lives.
        runner_lives: bool,
    },
    /// Others came to look at a followed run or checklist, or left it.
    PeopleSeen {
        /// The run.
        run: RunId,
        /// All people who are attached now, this console included.
        people: Vec<Attendee>,
    },
    /// The act of a followed run without a runner goes on, or has ended since.
    ActSeen {
        /// The run.
        run: RunId,
        /// Its process; `None` where none runs.
        pid: Option<u32>,
    },
    /// The journal of a followed run or checklist cannot be read on.
    RunLost {
        /// The run.
        run: RunId,
        /// Why.
        error: Error,
    },
    /// A page of a log.
    LogRead(Box<LogPage>),
    /// Part of a frozen set.
    SetListed {
        /// The set.
        set: Digest,
        /// The number of its first item here, from 0.
        from: u64,
        /// How many items it has in all.
        total: u64,
        /// The items.
        items: Vec<Item>,
    },
    /// A run was launched.
    RunStarted(RunId),
    /// A command was carried out; the sentence says what came of it.
    CommandDone(String),
    /// A command was refused or failed.
    CommandFailed(Error),
    /// A background task ended in a panic; the screen is untouched.
    TaskDied(String),
}

/// What a console shows of the estate itself.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EstateShown {
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: String,
    /// Its file, or where one would be looked for first.
    pub file: String,
    /// What was found without a file, a phrase each; empty where there is one.
    pub found: Vec<String>,
    /// What was looked for without a file and is not there, a phrase each.
    pub not_found: Vec<String>,
    /// What is read of it: each kind and name.
    pub targets: Vec<(TargetKind, String)>,
    /// Its windows.
    pub calendar: Calendar,
}

impl EstateShown {
    /// How many targets each section has to read.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Section, usize> {
        self.targets.iter().fold(BTreeMap::new(), |mut counts, (kind, _)| {
            *counts.entry(kind.section()).or_insert(0) += 1;
            counts
        })
    }
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// The left button went down.
    Click,
    /// The wheel turned up.
    ScrollUp,
    /// The wheel turned down.
    ScrollDown,
}

/// A procedure that can be launched.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Its id.
    pub procedure: String,
    /// Its title, as the file has it.
    pub title: String,
    /// What it is for.
    pub purpose: String,
    /// The greatest class among its steps.
    pub effect: crate::domain::EffectClass,
    /// The kinds of rows that it acts on, each once; empty where it is begun by its name alone.
    pub acts_on: Vec<&'static str>,
    /// The sum of its steps' declared times, in seconds, where all are declared.
    pub takes_s: Option<u64>,
    /// Its parameters: what is asked for, and what the row or the defaults already say.
    pub params: Vec<ParamShown>,
}

/// A checklist with nothing ticked.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// The checklist.
    pub offer: Offer,
    /// Its items, in order: phase and title, as the file has them.
    pub items: Vec<(String, String)>,
}

/// A parameter on the form.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamShown {
    /// Its name.
    pub name: String,
    /// What is accepted, in words: `30 to 3650 days`, `one of production, staging`, `text`.
    pub accepts: String,
    /// What it is for; empty where the procedure does not say.
    pub help: String,
    /// Its value so far; empty when it must be asked for.
    pub value: String,
    /// Everything that it can be, where that is known.
    pub choices: Vec<String>,
}

/// A plan with its advisory previews.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanShown {
    /// The plan.
    pub plan: Plan,
    /// Its hash.
    pub hash: Digest,
    /// For each step, what it would do now; advisory, for the runner previews again. `None` for steps without an act.
    pub previews: Vec<Option<Result<crate::domain::Preview, Error>>>,
    /// Why it could not be started now, if so: a second person would be needed, no window is open.
    pub refused: Option<Error>,
    /// Whether only its window refuses it, so that an emergency could start it.
    pub late: bool,
    /// The run as it would begin now: how long its steps take, and how its window stands; `None` where that is not known.
    pub preflight: Option<Box<RunView>>,
    /// What whoever starts it should know before, a sentence each.
    pub warnings: Vec<String>,
}

/// Some lines of a log, and whose log it is.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPage {
    /// The run.
    pub run: RunId,
    /// The file below `logs/`.
    pub file: String,
    /// The lines, and where they stand; it follows what comes when it was the tail that was asked for.
    pub page: Page,
}
